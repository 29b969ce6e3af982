package codeartsbuild_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// planToStop is a plan to stop the builds with these numbers, in this order.
func planToStop(job string, numbers ...string) *codeartsbuild.StopPlan {
	plan := &codeartsbuild.StopPlan{JobID: job}
	for _, no := range numbers {
		plan.Decisions = append(plan.Decisions, codeartsbuild.StopDecision{
			Build: &codeartsbuild.Build{BuildNo: no, Branch: "feat/" + no}, Stop: true, Rule: "superseded by 999",
		})
	}
	return plan
}

// startBuilds starts builds and returns their numbers.
func startBuilds(f *sdktest.Fixture, n int) (numbers []string) {
	for range n {
		numbers = append(numbers, f.StartBuild(f.JobID))
	}
	return numbers
}

// byBuild is a fault that depends on the build that a stop names.
func byBuild(of map[string]codeartsbuildtest.Fault) codeartsbuildtest.Fault {
	return func(service http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			var in struct {
				BuildNo string `json:"build_no"`
			}
			_ = json.Unmarshal(body, &in)
			handler := service
			if fault := of[in.BuildNo]; fault != nil {
				handler = fault(service)
			}
			handler.ServeHTTP(w, r)
		})
	}
}

// A concurrency counts how many requests run at the same time.
type concurrency struct {
	mu            sync.Mutex
	running, most int
}

// slow is a fault that counts a request and makes it take some time.
func (c *concurrency) slow(d time.Duration, fault codeartsbuildtest.Fault) codeartsbuildtest.Fault {
	return func(service http.Handler) http.Handler {
		handler := fault(service)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.add(1)
			defer c.add(-1)
			time.Sleep(d)
			handler.ServeHTTP(w, r)
		})
	}
}

func (c *concurrency) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running += n
	c.most = max(c.most, c.running)
}

// outcomeWord writes an outcome in one word.
func outcomeWord(o codeartsbuild.StopOutcome) string {
	var words []string
	if o.Stopped {
		words = append(words, "stopped")
	}
	if o.AlreadyFinished {
		words = append(words, "finished")
	}
	if o.Err != nil {
		words = append(words, "error")
	}
	return strings.Join(words, "+")
}

func outcomeLines(outcomes []codeartsbuild.StopOutcome) (lines []string) {
	for _, o := range outcomes {
		lines = append(lines, o.Build.BuildNo+" "+outcomeWord(o))
	}
	return lines
}

// B67: two hundred builds to stop: some have finished when they are read again, some when they are stopped, and
// some are not to be stopped.
func TestStopPlannedTwoHundred(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		for i := range 201 {
			f.AddBuild(f.JobID, codeartsbuild.Build{Branch: "feat/x", Revision: fmt.Sprintf("r%d", i), Trigger: "push"})
		}
		plan, err := client.Builds.PlanSuperseded(t.Context(), f.JobID, nil)
		require.NoError(t, err)
		for _, r := range f.Requests() {
			require.Equal(t, "GET", r.Method, "a plan only reads")
		}
		require.Len(t, plan.Decisions, 201)
		chosen := chosenOf(plan)
		require.Len(t, chosen, 200)

		const succeeded, failed, running, aborted = codeartsbuild.StatusSucceeded, codeartsbuild.StatusFailed, codeartsbuild.StatusRunning, codeartsbuild.StatusAborted
		final := map[string]codeartsbuild.BuildStatus{ // of the builds that are not aborted
			"20": succeeded, "120": succeeded, "199": succeeded, // finished before the plan is carried out
			"33": failed, "144": failed, // finished between their second read and their stop
			"7": running, "100": running, "200": running, // not to be stopped
			"201": running, // not chosen
		}
		special := map[string]codeartsbuildtest.Fault{}
		for no, status := range final {
			switch status {
			case succeeded:
				f.Finish(f.JobID, no, succeeded)
			case failed:
				special[no] = sdktest.Before(func(*http.Request) { f.Finish(f.JobID, no, failed) })
			case running:
				special[no] = codeartsbuildtest.Reply(403, `{"error_code":"APIGW.0302","error_msg":"not yours"}`)
			}
		}
		var stops concurrency
		f.NextN(sdktest.OpStop, 300, stops.slow(100*time.Millisecond, byBuild(special)))
		before, start := len(f.Requests()), time.Now()
		outcomes, err := client.Builds.StopPlanned(t.Context(), plan, &codeartsbuild.StopPlannedOptions{Max: 200, Reason: "superseded"})
		took := time.Since(start)

		sums := map[string]int{}
		for i, o := range outcomes {
			no, word := o.Build.BuildNo, outcomeWord(o)
			require.Equal(t, chosen[i], no, "in the plan's order")
			sums[word]++
			require.Equal(t, final[no] == running, word == "error", "build %s", no)
			switch word {
			case "error":
				require.ErrorIs(t, o.Err, codeartsbuild.ErrForbidden)
				require.NotErrorIs(t, o.Err, codeartsbuild.ErrOutcomeUnknown)
				require.ErrorContains(t, err, "build "+no+": ")
			case "stopped":
				require.NotEmpty(t, o.RequestID)
			}
		}
		require.Equal(t, map[string]int{"stopped": 192, "finished": 5, "error": 3}, sums)
		require.ErrorIs(t, err, codeartsbuild.ErrForbidden)
		require.ErrorContains(t, err, "3 of 200 builds: ")
		require.Equal(t, 4, stops.most, "stops at the same time")
		require.Equal(t, 200+197+2, len(f.Requests())-before, "each is read again, those that run are stopped once, and the two that had finished by then are read once more")
		time.Sleep(time.Minute)
		for i := range 201 {
			no := fmt.Sprint(i + 1)
			require.Equal(t, cmp.Or(final[no], aborted), f.Status(f.JobID, no), "build %s", no)
		}
		t.Logf("200 builds to stop: %d stopped, %d already finished, %d errors, in the plan's order, at most %d stops at a time, %v at 100 ms a stop: %v",
			sums["stopped"], sums["finished"], sums["error"], stops.most, took, err)
	})
}

// chosenOf are the numbers of the builds that a plan stops.
func chosenOf(plan *codeartsbuild.StopPlan) (numbers []string) {
	for _, d := range plan.Decisions {
		if d.Stop {
			numbers = append(numbers, d.Build.BuildNo)
		}
	}
	return numbers
}

// B67: Parallel builds at a time, four if it is 0.
func TestStopPlannedParallel(t *testing.T) {
	t.Parallel()
	for parallel, want := range map[int]int{0: 4, 1: 1, 7: 7, 50: 12} {
		synctest.Test(t, func(t *testing.T) {
			f := sdktest.NewJob(t)
			numbers := startBuilds(f, 12)
			var requests concurrency
			second := requests.slow(time.Second, sdktest.Before(func(*http.Request) {}))
			f.NextN(sdktest.OpGetBuild, 12, second)
			f.NextN(sdktest.OpStop, 12, second)
			outcomes, err := f.Client().Builds.StopPlanned(t.Context(), planToStop(f.JobID, numbers...), &codeartsbuild.StopPlannedOptions{Parallel: parallel})
			require.NoError(t, err)
			require.Len(t, outcomes, 12)
			require.Equal(t, want, requests.most, "Parallel %d", parallel)
		})
	}
}

// B41, B67: each chosen build has one outcome.
func TestStopPlannedOutcomes(t *testing.T) {
	t.Parallel()
	const finished = `{"error_code":"DEV.CB.032302","error_msg":"over"}`
	reply, lost := codeartsbuildtest.Reply, codeartsbuildtest.DropAnswer()
	tests := map[string]struct {
		reads, stops faults
		first        codeartsbuild.BuildStatus
		want         string
		kinds, not   []error
		stopped      int // requests
	}{
		"running":                 {first: codeartsbuild.StatusRunning, want: "stopped", stopped: 1},
		"queued":                  {first: codeartsbuild.StatusQueued, want: "stopped", stopped: 1},
		"an unknown word":         {first: "HIBERNATING", want: "stopped", stopped: 1},
		"finished before":         {first: codeartsbuild.StatusSucceeded, want: "finished", stopped: 0},
		"aborted by another":      {first: codeartsbuild.StatusAborted, want: "finished", stopped: 0},
		"finished at the stop":    {stops: faults{reply(400, finished)}, want: "finished", stopped: 1},
		"busy, then finished":     {stops: faults{reply(503, ""), reply(400, finished)}, want: "finished", stopped: 2},
		"lost, then finished":     {stops: faults{lost, reply(400, finished)}, want: "finished", stopped: 2},
		"lost, then accepted":     {stops: faults{lost}, want: "stopped", stopped: 2},
		"reading forbidden":       {reads: faults{reply(403, "{}")}, want: "error", kinds: []error{codeartsbuild.ErrForbidden}, not: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 0},
		"gone":                    {reads: faults{reply(422, `{"error_code":"DEVCB.00031006","error_msg":""}`)}, want: "error", kinds: []error{codeartsbuild.ErrNotFound}, not: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 0},
		"stopping forbidden":      {stops: faults{reply(403, "{}")}, want: "error", kinds: []error{codeartsbuild.ErrForbidden}, not: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 1},
		"denied":                  {stops: faults{reply(200, `{"result":false}`)}, want: "error", kinds: []error{codeartsbuild.ErrNotStopped}, not: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 1},
		"lost, then not allowed":  {stops: faults{lost, reply(403, "{}")}, want: "error", kinds: []error{codeartsbuild.ErrForbidden, codeartsbuild.ErrOutcomeUnknown}, stopped: 2},
		"lost for good":           {stops: slices.Repeat(faults{codeartsbuildtest.DropRequest()}, 5), want: "error", kinds: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 5},
		"record of another build": {reads: faults{reply(200, `{"result":{"build_no":77,"status":"RUNNING"}}`), reply(200, `{}`), reply(200, `{}`), reply(200, `{}`), reply(200, `{}`)}, want: "error", kinds: []error{codeartsbuild.ErrUnexpectedResponse}, stopped: 0},
		"a page with a 200":       {stops: slices.Repeat(faults{reply(200, "<html>")}, 5), want: "error", kinds: []error{codeartsbuild.ErrUnexpectedResponse, codeartsbuild.ErrOutcomeUnknown}, stopped: 5},
		"read again after a loss": {reads: faults{lost}, want: "stopped", stopped: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: tt.first})
				f.Next(sdktest.OpGetBuild, tt.reads...)
				f.Next(sdktest.OpStop, tt.stops...)
				plan := planToStop(f.JobID, no)
				plan.Decisions[0].Build.JobID = "another"
				outcomes, err := f.Client().Builds.StopPlanned(t.Context(), plan, nil)
				require.Equal(t, []string{"1 " + tt.want}, outcomeLines(outcomes), "%v", err)
				require.Equal(t, f.JobID, outcomes[0].Build.JobID)
				require.Equal(t, "feat/1", outcomes[0].Build.Branch, "the plan knows it")
				require.Equal(t, tt.want == "error", err != nil)
				for _, kind := range tt.kinds {
					require.ErrorIs(t, err, kind)
					require.ErrorIs(t, outcomes[0].Err, kind)
				}
				for _, kind := range tt.not {
					require.NotErrorIs(t, err, kind)
				}
				require.Equal(t, tt.stopped, f.Count(sdktest.OpStop))
				require.Equal(t, tt.stopped > 0 && tt.want != "error", outcomes[0].RequestID != "" && outcomes[0].Err == nil)
			})
		})
	}
}

// B67: a failure does not end the plan; its error is one short line.
func TestStopPlannedGoesOnAfterFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		numbers := startBuilds(f, 60)
		plan := planToStop(f.JobID, numbers...)
		plan.Decisions[10].Stop = false
		f.NextN(sdktest.OpStop, 58, codeartsbuildtest.Reply(403, `{"error_code":"APIGW.0302","error_msg":"`+strings.Repeat("long ", 50)+`"}`))
		outcomes, err := f.Client().Builds.StopPlanned(t.Context(), plan, &codeartsbuild.StopPlannedOptions{Max: 60, Parallel: 1})
		require.Len(t, outcomes, 59)
		require.Equal(t, "60 stopped", outcomeLines(outcomes)[58])
		require.Equal(t, codeartsbuild.StatusRunning, f.Status(f.JobID, "11"), "a build that is not chosen is left alone")
		require.ErrorContains(t, err, "codeartsbuild: 58 of 59 builds: build 1: StopJob: ")
		require.Less(t, len(err.Error()), 1024)
		require.NotContains(t, err.Error(), "\n")
		require.Equal(t, "APIGW.0302", sdktest.APIError(t, err).ErrorCode)
	})
}

// B68: a plan or options that cannot be are rejected as a whole.
func TestStopPlannedRejected(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	client := f.Client()
	numbers := startBuilds(f, 26)
	holed := planToStop(f.JobID, numbers[:3]...)
	holed.Decisions[1].Build = nil
	tests := map[string]struct {
		ctx  context.Context
		plan *codeartsbuild.StopPlan
		in   *codeartsbuild.StopPlannedOptions
		text string
	}{
		"no plan":                    {ctx: t.Context(), text: "plan"},
		"no context":                 {plan: planToStop(f.JobID, "1"), text: "context"},
		"more than the usual limit":  {ctx: t.Context(), plan: planToStop(f.JobID, numbers...), text: "26 builds, which is more than Max, 25"},
		"more than the given limit":  {ctx: t.Context(), plan: planToStop(f.JobID, "1", "2"), in: &codeartsbuild.StopPlannedOptions{Max: 1}, text: "2 builds"},
		"a negative limit":           {ctx: t.Context(), plan: planToStop(f.JobID, "1"), in: &codeartsbuild.StopPlannedOptions{Max: -1}, text: "negative"},
		"a negative number of stops": {ctx: t.Context(), plan: planToStop(f.JobID, "1"), in: &codeartsbuild.StopPlannedOptions{Parallel: -1}, text: "negative"},
		"a negative time":            {ctx: t.Context(), plan: planToStop(f.JobID, "1"), in: &codeartsbuild.StopPlannedOptions{Wait: -1}, text: "negative"},
		"a build that is nil":        {ctx: t.Context(), plan: holed, text: "nil"},
	}
	for name, tt := range tests {
		outcomes, err := client.Builds.StopPlanned(tt.ctx, tt.plan, tt.in)
		require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, name)
		require.ErrorContains(t, err, tt.text, name)
		require.Nil(t, outcomes, "%s: rejected as a whole", name)
	}
	require.Empty(t, f.Requests(), "before anything is sent")
}

// B68: only chosen builds count against Max.
func TestStopPlannedMaxCountsChosen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		plan := planToStop(f.JobID, startBuilds(f, 60)...)
		for i := range 35 {
			plan.Decisions[i].Stop = false
			plan.Decisions[i].Build = nil // which is not needed then
		}
		outcomes, err := client.Builds.StopPlanned(t.Context(), plan, nil)
		require.NoError(t, err)
		require.Len(t, outcomes, 25, "as many as the usual limit")

		outcomes, err = client.Builds.StopPlanned(t.Context(), &codeartsbuild.StopPlan{JobID: f.JobID}, nil)
		require.NoError(t, err)
		require.Empty(t, outcomes)
	})
}

// B69: after a cancel the remaining builds are not attempted.
func TestStopPlannedCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		numbers := startBuilds(f, 20)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f.Next(sdktest.OpStop, nil, nil, nil, nil, codeartsbuildtest.Delay(time.Second), sdktest.Before(func(*http.Request) {
			cancel()
			time.Sleep(time.Second)
		}))
		outcomes, err := f.Client().Builds.StopPlanned(ctx, planToStop(f.JobID, numbers...), &codeartsbuild.StopPlannedOptions{Parallel: 2, Wait: time.Hour})
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, outcomes, 20)
		require.LessOrEqual(t, f.Count(sdktest.OpStop), 6)
		unknown, skipped := 0, 0
		for i, o := range outcomes {
			require.Equal(t, numbers[i], o.Build.BuildNo)
			if o.Err == nil {
				require.True(t, o.Stopped)
				continue
			}
			require.ErrorIs(t, o.Err, context.Canceled)
			if errors.Is(o.Err, codeartsbuild.ErrOutcomeUnknown) {
				unknown++
				continue
			}
			if strings.Contains(o.Err.Error(), "not attempted") {
				require.False(t, o.Stopped || o.AlreadyFinished)
				require.Empty(t, o.RequestID)
				skipped++
			}
		}
		require.LessOrEqual(t, unknown, 2, "only requests under way may have taken effect")
		require.GreaterOrEqual(t, skipped, 14, "builds that were not attempted")
		before := len(f.Requests())
		time.Sleep(time.Hour)
		require.Equal(t, before, len(f.Requests()))
	})
}

// B69: with a context that has ended nothing is sent.
func TestStopPlannedContextEndedBefore(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	outcomes, err := f.Client().Builds.StopPlanned(ctx, planToStop(f.JobID, startBuilds(f, 6)...), nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	require.Equal(t, []string{"1 error", "2 error", "3 error", "4 error", "5 error", "6 error"}, outcomeLines(outcomes))
	for _, o := range outcomes {
		require.ErrorIs(t, o.Err, context.DeadlineExceeded)
		require.ErrorContains(t, o.Err, "not attempted")
	}
	require.Empty(t, f.Requests())
}

// B70: with Wait, stopped alone means read back as finished.
func TestStopPlannedWait(t *testing.T) {
	t.Parallel()
	ignored := codeartsbuildtest.Reply(200, `{"result":true}`) // the build goes on
	lost := slices.Repeat(faults{codeartsbuildtest.DropRequest()}, 5)
	acted := append(lost[:4:4], codeartsbuildtest.DropAnswer())
	unreadable := slices.Repeat(faults{codeartsbuildtest.Reply(403, "{}")}, 5)
	tests := map[string]struct {
		stops, later faults // later: reads after the first
		first        codeartsbuild.BuildStatus
		want         string
		kinds, not   []error
		status       codeartsbuild.BuildStatus
	}{
		"ends":                 {want: "stopped", status: codeartsbuild.StatusAborted},
		"finished before":      {first: codeartsbuild.StatusFailed, want: "finished", status: codeartsbuild.StatusFailed},
		"goes on":              {stops: faults{ignored}, want: "stopped+error", kinds: []error{codeartsbuild.ErrStillRunning}, not: []error{codeartsbuild.ErrOutcomeUnknown}, status: codeartsbuild.StatusRunning},
		"cannot be read":       {stops: faults{ignored}, later: unreadable, want: "stopped+error", kinds: []error{codeartsbuild.ErrStillRunning, codeartsbuild.ErrForbidden}, status: codeartsbuild.StatusRunning},
		"unknown, and ends":    {stops: acted, want: "finished", status: codeartsbuild.StatusAborted},
		"unknown, and goes on": {stops: lost, want: "error", kinds: []error{codeartsbuild.ErrOutcomeUnknown}, status: codeartsbuild.StatusRunning},
		"rejected":             {stops: faults{codeartsbuildtest.Reply(403, "{}")}, want: "error", kinds: []error{codeartsbuild.ErrForbidden}, not: []error{codeartsbuild.ErrStillRunning, codeartsbuild.ErrOutcomeUnknown}, status: codeartsbuild.StatusRunning},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: tt.first})
				f.Next(sdktest.OpStop, tt.stops...)
				f.Next(sdktest.OpGetBuild, append(faults{nil}, tt.later...)...)
				start := time.Now()
				outcomes, err := f.Client().Builds.StopPlanned(t.Context(), planToStop(f.JobID, no), &codeartsbuild.StopPlannedOptions{Wait: time.Minute})
				require.Equal(t, []string{"1 " + tt.want}, outcomeLines(outcomes), "%v", err)
				for _, kind := range tt.kinds {
					require.ErrorIs(t, err, kind)
				}
				for _, kind := range tt.not {
					require.NotErrorIs(t, err, kind)
				}
				require.Equal(t, tt.status, outcomes[0].Build.Status, "of the last read")
				require.LessOrEqual(t, time.Since(start), 2*time.Minute)
				if tt.want == "stopped" {
					require.Equal(t, codeartsbuild.StatusAborted, f.Status(f.JobID, no), "read back as finished")
				}
			})
		})
	}
}

// B70: the branch of an outcome is that of the record, else that of the plan.
func TestStopPlannedBranch(t *testing.T) {
	t.Parallel()
	noBranch := func(job string) codeartsbuildtest.Fault {
		return codeartsbuildtest.Reply(200, `{"result":{"codeci_job_id":"`+job+`","build_no":1,"status":"ABORTED","branch":null},"status":"success"}`)
	}
	for name, wait := range map[string]time.Duration{"accepted": 0, "read back as finished": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				no := f.AddBuild(f.JobID, codeartsbuild.Build{Branch: "main"})
				plan := planToStop(f.JobID, no)
				plan.Decisions[0].Build.Branch = ""
				options := &codeartsbuild.StopPlannedOptions{Wait: wait}
				outcomes, err := f.Client().Builds.StopPlanned(t.Context(), plan, options)
				require.NoError(t, err)
				require.Equal(t, "main", outcomes[0].Build.Branch, "the record knows it")

				f.JobID = f.AddJob("hourly")
				no = f.StartBuild(f.JobID)
				f.Next(sdktest.OpGetBuild, nil, noBranch(f.JobID))
				outcomes, err = f.Client().Builds.StopPlanned(t.Context(), planToStop(f.JobID, no), options)
				require.NoError(t, err)
				require.Equal(t, "feat/1", outcomes[0].Build.Branch, "the plan knows it")
			})
		})
	}
}

// B82: Took is the time since the stop of that very build.
func TestStopPlannedTook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		numbers := startBuilds(f, 4)
		f.Finish(f.JobID, "4", codeartsbuild.StatusSucceeded)
		outcomes, err := f.Client().Builds.StopPlanned(t.Context(), planToStop(f.JobID, numbers...), &codeartsbuild.StopPlannedOptions{Parallel: 1, Wait: time.Minute})
		require.NoError(t, err)
		for _, o := range outcomes[:3] {
			require.InDelta(t, 5, o.Took.Seconds(), 3, "that of build %s, and not those before it", o.Build.BuildNo)
		}
		require.Zero(t, outcomes[3].Took, "no stop was sent")

		asked := 0
		source := codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
			time.Sleep(time.Second)
			if asked++; asked > 1 {
				return nil, errors.New("no more tokens")
			}
			return codeartsbuild.NewToken(f.Requests()[0].Header.Get("X-Auth-Token"), time.Time{}), nil
		})
		outcomes, err = f.Client(codeartsbuild.WithTokenSource(source)).Builds.StopPlanned(t.Context(), planToStop(f.JobID, f.StartBuild(f.JobID)), nil)
		require.ErrorContains(t, err, "no more tokens")
		require.Zero(t, outcomes[0].Took, "no stop could be sent")
	})
}

// B70: a build that is waited for counts against Parallel.
func TestStopPlannedWaitWithinParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		numbers := startBuilds(f, 25)
		start := time.Now()
		outcomes, err := f.Client().Builds.StopPlanned(t.Context(), planToStop(f.JobID, numbers...), &codeartsbuild.StopPlannedOptions{Wait: time.Minute})
		require.NoError(t, err)
		for _, o := range outcomes {
			require.Equal(t, codeartsbuild.StatusAborted, o.Build.Status)
		}
		t.Logf("25 builds stopped and waited for, 4 at a time, in %v: %d list calls, %d reads of single builds", time.Since(start), f.Count(sdktest.OpListBuild), f.Count(sdktest.OpGetBuild))
	})
}

// B82: OnOutcome is called once per chosen build, as soon as its outcome is known.
func TestStopPlannedOnOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		numbers := startBuilds(f, 12)
		f.Finish(f.JobID, "1", codeartsbuild.StatusFailed)
		f.NextN(sdktest.OpStop, 12, byBuild(map[string]codeartsbuildtest.Fault{"2": codeartsbuildtest.Reply(403, "{}")}))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		start := time.Now()
		var telling atomic.Int32
		told := map[string]codeartsbuild.StopOutcome{}
		outcomes, err := f.Client().Builds.StopPlanned(ctx, planToStop(f.JobID, numbers...), &codeartsbuild.StopPlannedOptions{
			Wait: time.Minute,
			OnOutcome: func(o codeartsbuild.StopOutcome) {
				assert.Equal(t, int32(1), telling.Add(1), "one at a time")
				time.Sleep(time.Millisecond)
				telling.Add(-1)
				assert.NotContains(t, told, o.Build.BuildNo, "once")
				told[o.Build.BuildNo] = o
				switch took := time.Since(start); {
				case outcomeWord(o) != "stopped" && len(told) <= 2:
					assert.Contains(t, []string{"1", "2"}, o.Build.BuildNo)
					assert.Less(t, took, time.Second, "while the stops of others are waited for")
				case outcomeWord(o) == "stopped":
					cancel()
				}
			},
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, outcomes, 12)
		require.Len(t, told, 12, "those that were not attempted too")
		for _, o := range outcomes {
			require.Equal(t, o, told[o.Build.BuildNo])
		}
		require.Equal(t, "finished", outcomeWord(told["1"]))
		require.ErrorIs(t, told["2"].Err, codeartsbuild.ErrForbidden)
		require.ErrorContains(t, told["12"].Err, "not attempted")
	})
}

// B71: one record per stop attempt.
func TestStopPlannedAudit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		var out bytes.Buffer
		client := f.Client(codeartsbuild.WithLogger(slog.New(slog.NewJSONHandler(&out, nil))))
		numbers := startBuilds(f, 6)
		f.Finish(f.JobID, "2", codeartsbuild.StatusSucceeded) // not attempted
		const finished = `{"error_code":"DEV.CB.032302","error_msg":"over"}`
		f.Next(sdktest.OpStop, nil, codeartsbuildtest.Reply(403, "{}"), codeartsbuildtest.Reply(400, finished),
			codeartsbuildtest.DropAnswer(), nil)
		f.NextN(sdktest.OpStop, 5, codeartsbuildtest.DropRequest())
		var response codeartsbuild.Response
		outcomes, err := client.Builds.StopPlanned(t.Context(), planToStop(f.JobID, numbers...),
			&codeartsbuild.StopPlannedOptions{Parallel: 1, Reason: "newer push"}, codeartsbuild.WithResponseInto(&response))
		require.Error(t, err)
		require.Equal(t, []string{"1 stopped", "2 finished", "3 error", "4 finished", "5 stopped", "6 error"}, outcomeLines(outcomes))

		want := []struct {
			build, outcome string
			attempts       int
			responded      bool
		}{
			{build: "1", outcome: "stopped", attempts: 1, responded: true},
			{build: "3", outcome: "failed", attempts: 1, responded: true},
			{build: "4", outcome: "already finished", attempts: 1, responded: true},
			{build: "5", outcome: "stopped", attempts: 2, responded: true},
			{build: "6", outcome: "unknown", attempts: 5},
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, len(want), out.String())
		for i, line := range lines {
			var record map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &record))
			id := record["request_id"]
			require.Equal(t, want[i].responded, id != "", "build %s", want[i].build)
			for _, o := range outcomes {
				if o.Build.BuildNo == want[i].build {
					require.Equal(t, o.RequestID, id)
				}
			}
			delete(record, "time")
			delete(record, "request_id")
			require.Equal(t, map[string]any{
				"level": "INFO", "msg": "stop", "operation": "StopJob", "job": f.JobID, "build": want[i].build, "branch": "feat/" + want[i].build,
				"reason": "newer push", "outcome": want[i].outcome, "attempts": float64(want[i].attempts),
			}, record)
		}
		assert.NotContains(t, out.String(), "gAAAA", "no credential")
	})
}
