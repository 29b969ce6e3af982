package codeartsbuild_test

import (
	"bytes"
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
)

// buildsPlan is a plan to stop the builds with these numbers, in this order.
func buildsPlan(job string, numbers ...string) *codeartsbuild.StopPlan {
	plan := &codeartsbuild.StopPlan{JobID: job}
	for _, no := range numbers {
		plan.Decisions = append(plan.Decisions, codeartsbuild.StopDecision{
			Build: &codeartsbuild.Build{BuildNo: no, Branch: "feat/" + no}, Stop: true, Rule: "superseded by 999",
		})
	}
	return plan
}

// buildsRunning starts builds and returns their numbers.
func buildsRunning(srv *codeartsbuildtest.Server, job string, n int) (numbers []string) {
	for range n {
		numbers = append(numbers, srv.StartBuild(job))
	}
	return numbers
}

// buildsStopOf is the number of the build that a request wants to stop. It leaves the body as it was.
func buildsStopOf(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in struct {
		BuildNo string `json:"build_no"`
	}
	_ = json.Unmarshal(body, &in)
	return in.BuildNo
}

// buildsOutcome writes an outcome in one word.
func buildsOutcome(o codeartsbuild.StopOutcome) string {
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

func buildsOutcomes(outcomes []codeartsbuild.StopOutcome) (lines []string) {
	for _, o := range outcomes {
		lines = append(lines, o.Build.BuildNo+" "+buildsOutcome(o))
	}
	return lines
}

func TestB67TwoHundredBuildsToStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		client := srv.Client()
		job := srv.AddJob("nightly")
		for i := range 201 {
			srv.AddBuild(job, codeartsbuild.Build{Branch: "feat/x", Revision: fmt.Sprintf("r%d", i), Trigger: "push"})
		}
		plan, err := client.Builds.PlanSuperseded(t.Context(), job, nil)
		require.NoError(t, err)
		for _, r := range srv.Requests() {
			require.Equal(t, "GET", r.Method, "a plan only reads")
		}
		require.Len(t, plan.Decisions, 201)
		var chosen []string
		for _, d := range plan.Decisions {
			if d.Stop {
				chosen = append(chosen, d.Build.BuildNo)
			}
		}
		require.Len(t, chosen, 200)

		for _, no := range []string{"20", "120", "199"} { // over before they are read again
			srv.Finish(job, no, codeartsbuild.StatusSucceeded)
		}
		tooLate := []string{"33", "144"} // over between that and the stop
		refused := []string{"7", "100", "200"}
		var running, most atomic.Int32
		buildsEach(srv, buildsOpStop, 300, func(service http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				now := running.Add(1)
				defer running.Add(-1)
				for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
				}
				time.Sleep(100 * time.Millisecond) // of the bubble
				switch no := buildsStopOf(r); {
				case slices.Contains(refused, no):
					codeartsbuildtest.Reply(403, `{"error_code":"APIGW.0302","error_msg":"not yours"}`)(service).ServeHTTP(w, r)
				case slices.Contains(tooLate, no):
					srv.Finish(job, no, codeartsbuild.StatusFailed)
					fallthrough
				default:
					service.ServeHTTP(w, r)
				}
			})
		})
		before := len(srv.Requests())
		start := time.Now()
		outcomes, err := client.Builds.StopPlanned(t.Context(), plan, &codeartsbuild.StopPlannedOptions{Max: 200, Reason: "superseded"})
		took := time.Since(start)

		sums := map[string]int{}
		for i, o := range outcomes {
			require.Equal(t, chosen[i], o.Build.BuildNo, "in the plan's order")
			word := buildsOutcome(o)
			sums[word]++
			switch {
			case slices.Contains(refused, o.Build.BuildNo):
				require.Equal(t, "error", word)
				require.ErrorIs(t, o.Err, codeartsbuild.ErrForbidden)
				require.NotErrorIs(t, o.Err, codeartsbuild.ErrOutcomeUnknown)
				require.ErrorContains(t, err, "build "+o.Build.BuildNo+": ")
			case word == "stopped":
				require.NotEmpty(t, o.RequestID)
			}
		}
		require.Equal(t, map[string]int{"stopped": 192, "finished": 5, "error": 3}, sums)
		require.ErrorIs(t, err, codeartsbuild.ErrForbidden)
		require.ErrorContains(t, err, "3 of 200 builds: ")
		require.Equal(t, int32(4), most.Load(), "stops at the same time")
		require.Equal(t, 200+197+2, len(srv.Requests())-before, "each is read again, those that still run are stopped, once, and what had ended by then is read once more")
		time.Sleep(time.Minute)
		for i := range 201 {
			want, no := codeartsbuild.StatusAborted, fmt.Sprint(i+1)
			switch {
			case no == "201" || slices.Contains(refused, no):
				want = codeartsbuild.StatusRunning
			case slices.Contains(tooLate, no):
				want = codeartsbuild.StatusFailed
			case no == "20" || no == "120" || no == "199":
				want = codeartsbuild.StatusSucceeded
			}
			require.Equal(t, want, srv.Status(job, no), "build %s", no)
		}
		t.Logf("200 builds to stop: %d stopped, %d already finished, %d errors, in the plan's order, at most %d stops at a time, %v at 100 ms a stop: %v",
			sums["stopped"], sums["finished"], sums["error"], most.Load(), took, err)
	})
}

func TestB67HowManyAtATime(t *testing.T) {
	t.Parallel()
	for parallel, want := range map[int]int32{0: 4, 1: 1, 7: 7, 50: 12} {
		synctest.Test(t, func(t *testing.T) {
			srv := codeartsbuildtest.NewServer()
			defer srv.Close()
			job := srv.AddJob("nightly")
			numbers := buildsRunning(srv, job, 12)
			var mu sync.Mutex
			var running, most int32
			count := buildsDo(func(*http.Request) {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				running--
				mu.Unlock()
			})
			buildsEach(srv, buildsOpGet, 12, count)
			buildsEach(srv, buildsOpStop, 12, count)
			outcomes, err := srv.Client().Builds.StopPlanned(t.Context(), buildsPlan(job, numbers...), &codeartsbuild.StopPlannedOptions{Parallel: parallel})
			require.NoError(t, err)
			require.Len(t, outcomes, 12)
			require.Equal(t, want, most, "Parallel %d", parallel)
		})
	}
}

func TestB67WhatBecomesOfABuild(t *testing.T) {
	t.Parallel()
	const ended = `{"error_code":"DEV.CB.032302","error_msg":"over"}`
	reply, lost := codeartsbuildtest.Reply, codeartsbuildtest.DropAnswer()
	tests := map[string]struct {
		reads, stops []codeartsbuildtest.Fault
		first        codeartsbuild.BuildStatus
		want         string
		kinds, not   []error
		stopped      int // requests
	}{
		"running":                 {first: codeartsbuild.StatusRunning, want: "stopped", stopped: 1},
		"queued":                  {first: codeartsbuild.StatusQueued, want: "stopped", stopped: 1},
		"B41 an unknown word":     {first: "HIBERNATING", want: "stopped", stopped: 1},
		"over":                    {first: codeartsbuild.StatusSucceeded, want: "finished", stopped: 0},
		"aborted by another":      {first: codeartsbuild.StatusAborted, want: "finished", stopped: 0},
		"over by now":             {stops: []codeartsbuildtest.Fault{reply(400, ended)}, want: "finished", stopped: 1},
		"busy, then over":         {stops: []codeartsbuildtest.Fault{reply(503, ""), reply(400, ended)}, want: "finished", stopped: 2},
		"lost, then over":         {stops: []codeartsbuildtest.Fault{lost, reply(400, ended)}, want: "finished", stopped: 2},
		"lost, then accepted":     {stops: []codeartsbuildtest.Fault{lost}, want: "stopped", stopped: 2},
		"not to be read":          {reads: []codeartsbuildtest.Fault{reply(403, "{}")}, want: "error", kinds: []error{codeartsbuild.ErrForbidden}, not: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 0},
		"gone":                    {reads: []codeartsbuildtest.Fault{reply(422, `{"error_code":"DEVCB.00031006","error_msg":""}`)}, want: "error", kinds: []error{codeartsbuild.ErrNotFound}, not: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 0},
		"not to be stopped":       {stops: []codeartsbuildtest.Fault{reply(403, "{}")}, want: "error", kinds: []error{codeartsbuild.ErrForbidden}, not: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 1},
		"declined":                {stops: []codeartsbuildtest.Fault{reply(200, `{"result":false}`)}, want: "error", kinds: []error{codeartsbuild.ErrNotStopped}, not: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 1},
		"lost, then not allowed":  {stops: []codeartsbuildtest.Fault{lost, reply(403, "{}")}, want: "error", kinds: []error{codeartsbuild.ErrForbidden, codeartsbuild.ErrOutcomeUnknown}, stopped: 2},
		"lost for good":           {stops: slices.Repeat([]codeartsbuildtest.Fault{codeartsbuildtest.DropRequest()}, 5), want: "error", kinds: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 5},
		"an answer of elsewhere":  {reads: []codeartsbuildtest.Fault{reply(200, `{"result":{"build_no":77,"status":"RUNNING"}}`), reply(200, `{}`), reply(200, `{}`), reply(200, `{}`), reply(200, `{}`)}, want: "error", kinds: []error{codeartsbuild.ErrUnexpectedResponse}, stopped: 0},
		"a page in its place":     {stops: slices.Repeat([]codeartsbuildtest.Fault{reply(200, "<html>")}, 5), want: "error", kinds: []error{codeartsbuild.ErrUnexpectedResponse, codeartsbuild.ErrOutcomeUnknown}, stopped: 5},
		"read again after a loss": {reads: []codeartsbuildtest.Fault{lost}, want: "stopped", stopped: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				no := srv.AddBuild(job, codeartsbuild.Build{Status: tt.first})
				srv.Next(buildsOpGet, tt.reads...)
				srv.Next(buildsOpStop, tt.stops...)
				plan := buildsPlan(job, no)
				plan.Decisions[0].Build.JobID = "another, which the plan's job wins over"
				outcomes, err := srv.Client().Builds.StopPlanned(t.Context(), plan, nil)
				require.Equal(t, []string{"1 " + tt.want}, buildsOutcomes(outcomes), "%v", err)
				require.Equal(t, job, outcomes[0].Build.JobID)
				require.Equal(t, "feat/1", outcomes[0].Build.Branch, "which only the plan knows")
				require.Equal(t, tt.want == "error", err != nil)
				for _, kind := range tt.kinds {
					require.ErrorIs(t, err, kind)
					require.ErrorIs(t, outcomes[0].Err, kind)
				}
				for _, kind := range tt.not {
					require.NotErrorIs(t, err, kind)
				}
				require.Equal(t, tt.stopped, buildsCount(srv, buildsOpStop))
				require.Equal(t, tt.stopped > 0 && tt.want != "error", outcomes[0].RequestID != "" && outcomes[0].Err == nil)
			})
		})
	}
}

func TestB67GoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		numbers := buildsRunning(srv, job, 60)
		plan := buildsPlan(job, numbers...)
		plan.Decisions[10].Stop = false
		buildsEach(srv, buildsOpStop, 58, codeartsbuildtest.Reply(403, `{"error_code":"APIGW.0302","error_msg":"`+strings.Repeat("long ", 50)+`"}`))
		outcomes, err := srv.Client().Builds.StopPlanned(t.Context(), plan, &codeartsbuild.StopPlannedOptions{Max: 60, Parallel: 1})
		require.Len(t, outcomes, 59)
		require.Equal(t, "60 stopped", buildsOutcomes(outcomes)[58])
		require.Equal(t, codeartsbuild.StatusRunning, srv.Status(job, "11"), "a build that is not chosen is left alone")
		require.ErrorContains(t, err, "codeartsbuild: 58 of 59 builds: build 1: StopJob: ")
		require.Less(t, len(err.Error()), 1024)
		require.NotContains(t, err.Error(), "\n")
		var apiErr *codeartsbuild.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Equal(t, "APIGW.0302", apiErr.ErrorCode)
	})
}

func TestB68PlansThatAreRefused(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	client := srv.Client()
	job := srv.AddJob("nightly")
	numbers := buildsRunning(srv, job, 26)
	holed := buildsPlan(job, numbers[:3]...)
	holed.Decisions[1].Build = nil
	tests := map[string]struct {
		ctx  context.Context
		plan *codeartsbuild.StopPlan
		in   *codeartsbuild.StopPlannedOptions
		text string
	}{
		"no plan":                    {t.Context(), nil, nil, "plan"},
		"no context":                 {nil, buildsPlan(job, "1"), nil, "context"},
		"more than the usual limit":  {t.Context(), buildsPlan(job, numbers...), nil, "26 builds, which is more than Max, 25"},
		"more than the given limit":  {t.Context(), buildsPlan(job, "1", "2"), &codeartsbuild.StopPlannedOptions{Max: 1}, "2 builds"},
		"a negative limit":           {t.Context(), buildsPlan(job, "1"), &codeartsbuild.StopPlannedOptions{Max: -1}, "negative"},
		"a negative number of stops": {t.Context(), buildsPlan(job, "1"), &codeartsbuild.StopPlannedOptions{Parallel: -1}, "negative"},
		"a negative time":            {t.Context(), buildsPlan(job, "1"), &codeartsbuild.StopPlannedOptions{Wait: -1}, "negative"},
		"a build that is nil":        {t.Context(), holed, nil, "nil"},
	}
	for name, tt := range tests {
		outcomes, err := client.Builds.StopPlanned(tt.ctx, tt.plan, tt.in)
		require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, name)
		require.ErrorContains(t, err, tt.text, name)
		require.Nil(t, outcomes, "%s: it is refused whole", name)
	}
	require.Empty(t, srv.Requests(), "before anything is sent")
}

func TestB68WhatCountsAgainstTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		client := srv.Client()
		job := srv.AddJob("nightly")
		plan := buildsPlan(job, buildsRunning(srv, job, 60)...)
		for i := range 35 {
			plan.Decisions[i].Stop = false
			plan.Decisions[i].Build = nil // of a decision that nobody acts on
		}
		outcomes, err := client.Builds.StopPlanned(t.Context(), plan, nil)
		require.NoError(t, err)
		require.Len(t, outcomes, 25, "as many as the usual limit")

		outcomes, err = client.Builds.StopPlanned(t.Context(), &codeartsbuild.StopPlan{JobID: job}, nil)
		require.NoError(t, err)
		require.Empty(t, outcomes)
	})
}

func TestB69CancelledPlan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		numbers := buildsRunning(srv, job, 20)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		srv.Next(buildsOpStop, nil, nil, nil, nil, codeartsbuildtest.Delay(time.Second), buildsDo(func(*http.Request) {
			cancel()
			time.Sleep(time.Second)
		}))
		outcomes, err := srv.Client().Builds.StopPlanned(ctx, buildsPlan(job, numbers...), &codeartsbuild.StopPlannedOptions{Parallel: 2, Wait: time.Hour})
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, outcomes, 20)
		require.LessOrEqual(t, buildsCount(srv, buildsOpStop), 6)
		open, skipped := 0, 0
		for i, o := range outcomes {
			require.Equal(t, numbers[i], o.Build.BuildNo)
			if o.Err == nil {
				require.True(t, o.Stopped)
				continue
			}
			require.ErrorIs(t, o.Err, context.Canceled)
			if errors.Is(o.Err, codeartsbuild.ErrOutcomeUnknown) {
				open++
				continue
			}
			if strings.Contains(o.Err.Error(), "not attempted") {
				require.False(t, o.Stopped || o.AlreadyFinished)
				require.Empty(t, o.RequestID)
				skipped++
			}
		}
		require.LessOrEqual(t, open, 2, "only what was under way may have been stopped")
		require.GreaterOrEqual(t, skipped, 14, "what was not attempted")
		before := len(srv.Requests())
		time.Sleep(time.Hour)
		require.Equal(t, before, len(srv.Requests()))
	})
}

func TestB69PlanWithAContextThatIsOver(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	outcomes, err := srv.Client().Builds.StopPlanned(ctx, buildsPlan(job, buildsRunning(srv, job, 6)...), nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	require.Equal(t, []string{"1 error", "2 error", "3 error", "4 error", "5 error", "6 error"}, buildsOutcomes(outcomes))
	for _, o := range outcomes {
		require.ErrorIs(t, o.Err, context.DeadlineExceeded)
		require.ErrorContains(t, o.Err, "not attempted")
	}
	require.Empty(t, srv.Requests())
}

func TestB70StopPlannedThatWaits(t *testing.T) {
	t.Parallel()
	ignored := codeartsbuildtest.Reply(200, `{"result":true}`) // accepted, and nothing happens
	lost := slices.Repeat([]codeartsbuildtest.Fault{codeartsbuildtest.DropRequest()}, 5)
	acted := append(lost[:4:4], codeartsbuildtest.DropAnswer())
	unreadable := slices.Repeat([]codeartsbuildtest.Fault{codeartsbuildtest.Reply(403, "{}")}, 5)
	tests := map[string]struct {
		stops, later []codeartsbuildtest.Fault // later: reads after the first
		first        codeartsbuild.BuildStatus
		want         string
		kinds, not   []error
		status       codeartsbuild.BuildStatus
	}{
		"ends":              {want: "stopped", status: codeartsbuild.StatusAborted},
		"was over":          {first: codeartsbuild.StatusFailed, want: "finished", status: codeartsbuild.StatusFailed},
		"goes on":           {stops: []codeartsbuildtest.Fault{ignored}, want: "stopped+error", kinds: []error{codeartsbuild.ErrStillRunning}, not: []error{codeartsbuild.ErrOutcomeUnknown}, status: codeartsbuild.StatusRunning},
		"cannot be read":    {stops: []codeartsbuildtest.Fault{ignored}, later: unreadable, want: "stopped+error", kinds: []error{codeartsbuild.ErrStillRunning, codeartsbuild.ErrForbidden}, status: codeartsbuild.StatusRunning},
		"open, and ends":    {stops: acted, want: "finished", status: codeartsbuild.StatusAborted},
		"open, and goes on": {stops: lost, want: "error", kinds: []error{codeartsbuild.ErrOutcomeUnknown}, status: codeartsbuild.StatusRunning},
		"refused":           {stops: []codeartsbuildtest.Fault{codeartsbuildtest.Reply(403, "{}")}, want: "error", kinds: []error{codeartsbuild.ErrForbidden}, not: []error{codeartsbuild.ErrStillRunning, codeartsbuild.ErrOutcomeUnknown}, status: codeartsbuild.StatusRunning},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				no := srv.AddBuild(job, codeartsbuild.Build{Status: tt.first})
				srv.Next(buildsOpStop, tt.stops...)
				srv.Next(buildsOpGet, append([]codeartsbuildtest.Fault{nil}, tt.later...)...)
				start := time.Now()
				outcomes, err := srv.Client().Builds.StopPlanned(t.Context(), buildsPlan(job, no), &codeartsbuild.StopPlannedOptions{Wait: time.Minute})
				require.Equal(t, []string{"1 " + tt.want}, buildsOutcomes(outcomes), "%v", err)
				for _, kind := range tt.kinds {
					require.ErrorIs(t, err, kind)
				}
				for _, kind := range tt.not {
					require.NotErrorIs(t, err, kind)
				}
				require.Equal(t, tt.status, outcomes[0].Build.Status, "as it was last read")
				require.LessOrEqual(t, time.Since(start), 2*time.Minute)
				if tt.want == "stopped" {
					require.Equal(t, codeartsbuild.StatusAborted, srv.Status(job, no), "read back as ended")
				}
			})
		})
	}
}

func TestB70BranchOfAnOutcome(t *testing.T) {
	t.Parallel()
	noBranch := func(job string) codeartsbuildtest.Fault {
		return codeartsbuildtest.Reply(200, `{"result":{"codeci_job_id":"`+job+`","build_no":1,"status":"ABORTED","branch":null},"status":"success"}`)
	}
	for name, wait := range map[string]time.Duration{"accepted": 0, "read back as ended": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				no := srv.AddBuild(job, codeartsbuild.Build{Branch: "main"})
				plan := buildsPlan(job, no)
				plan.Decisions[0].Build.Branch = ""
				options := &codeartsbuild.StopPlannedOptions{Wait: wait}
				outcomes, err := srv.Client().Builds.StopPlanned(t.Context(), plan, options)
				require.NoError(t, err)
				require.Equal(t, "main", outcomes[0].Build.Branch, "the record knows it")

				job = srv.AddJob("hourly")
				no = srv.StartBuild(job)
				srv.Next(buildsOpGet, nil, noBranch(job))
				outcomes, err = srv.Client().Builds.StopPlanned(t.Context(), buildsPlan(job, no), options)
				require.NoError(t, err)
				require.Equal(t, "feat/1", outcomes[0].Build.Branch, "the plan knows it")
			})
		})
	}
}

func TestB82HowLongAStopTook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		numbers := buildsRunning(srv, job, 4)
		srv.Finish(job, "4", codeartsbuild.StatusSucceeded)
		outcomes, err := srv.Client().Builds.StopPlanned(t.Context(), buildsPlan(job, numbers...), &codeartsbuild.StopPlannedOptions{Parallel: 1, Wait: time.Minute})
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
			return codeartsbuild.NewToken(srv.Requests()[0].Header.Get("X-Auth-Token"), time.Time{}), nil
		})
		outcomes, err = srv.Client(codeartsbuild.WithTokenSource(source)).Builds.StopPlanned(t.Context(), buildsPlan(job, srv.StartBuild(job)), nil)
		require.ErrorContains(t, err, "no more tokens")
		require.Zero(t, outcomes[0].Took, "no stop could be sent")
	})
}

func TestB70WaitingIsPartOfTheLimitOfStopsAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		numbers := buildsRunning(srv, job, 25)
		start := time.Now()
		outcomes, err := srv.Client().Builds.StopPlanned(t.Context(), buildsPlan(job, numbers...), &codeartsbuild.StopPlannedOptions{Wait: time.Minute})
		require.NoError(t, err)
		for _, o := range outcomes {
			require.Equal(t, codeartsbuild.StatusAborted, o.Build.Status)
		}
		t.Logf("25 builds stopped and waited for, 4 at a time, in %v: %d list calls, %d reads of single builds", time.Since(start), buildsCount(srv, buildsOpList), buildsCount(srv, buildsOpGet))
	})
}

func TestB82EachOutcomeIsToldAsSoonAsItIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		numbers := buildsRunning(srv, job, 12)
		srv.Finish(job, "1", codeartsbuild.StatusFailed)
		buildsEach(srv, buildsOpStop, 12, func(service http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if buildsStopOf(r) == "2" {
					service = codeartsbuildtest.Reply(403, "{}")(service)
				}
				service.ServeHTTP(w, r)
			})
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		start := time.Now()
		var telling atomic.Int32
		told := map[string]codeartsbuild.StopOutcome{}
		outcomes, err := srv.Client().Builds.StopPlanned(ctx, buildsPlan(job, numbers...), &codeartsbuild.StopPlannedOptions{
			Wait: time.Minute,
			OnOutcome: func(o codeartsbuild.StopOutcome) {
				assert.Equal(t, int32(1), telling.Add(1), "one at a time")
				time.Sleep(time.Millisecond)
				telling.Add(-1)
				assert.NotContains(t, told, o.Build.BuildNo, "once")
				told[o.Build.BuildNo] = o
				switch took := time.Since(start); {
				case buildsOutcome(o) != "stopped" && len(told) <= 2:
					assert.Contains(t, []string{"1", "2"}, o.Build.BuildNo)
					assert.Less(t, took, time.Second, "while the stops of others are waited for")
				case buildsOutcome(o) == "stopped":
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
		require.Equal(t, "finished", buildsOutcome(told["1"]))
		require.ErrorIs(t, told["2"].Err, codeartsbuild.ErrForbidden)
		require.ErrorContains(t, told["12"].Err, "not attempted")
	})
}

func TestB71OneRecordPerStopAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		var out bytes.Buffer
		client := srv.Client(codeartsbuild.WithLogger(slog.New(slog.NewJSONHandler(&out, nil))))
		job := srv.AddJob("nightly")
		numbers := buildsRunning(srv, job, 6)
		srv.Finish(job, "2", codeartsbuild.StatusSucceeded) // needs no attempt
		const ended = `{"error_code":"DEV.CB.032302","error_msg":"over"}`
		srv.Next(buildsOpStop, nil, codeartsbuildtest.Reply(403, "{}"), codeartsbuildtest.Reply(400, ended),
			codeartsbuildtest.DropAnswer(), nil)
		srv.Next(buildsOpStop, slices.Repeat([]codeartsbuildtest.Fault{codeartsbuildtest.DropRequest()}, 5)...)
		var response codeartsbuild.Response
		outcomes, err := client.Builds.StopPlanned(t.Context(), buildsPlan(job, numbers...),
			&codeartsbuild.StopPlannedOptions{Parallel: 1, Reason: "newer push"}, codeartsbuild.WithResponseInto(&response))
		require.Error(t, err)
		require.Equal(t, []string{"1 stopped", "2 finished", "3 error", "4 finished", "5 stopped", "6 error"}, buildsOutcomes(outcomes))

		want := []struct {
			build, outcome string
			attempts       int
			answered       bool
		}{{"1", "stopped", 1, true}, {"3", "failed", 1, true}, {"4", "already finished", 1, true}, {"5", "stopped", 2, true}, {"6", "unknown", 5, false}}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, len(want), out.String())
		for i, line := range lines {
			var record map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &record))
			id := record["request_id"]
			require.Equal(t, want[i].answered, id != "", "build %s", want[i].build)
			for _, o := range outcomes {
				if o.Build.BuildNo == want[i].build {
					require.Equal(t, o.RequestID, id)
				}
			}
			delete(record, "time")
			delete(record, "request_id")
			require.Equal(t, map[string]any{
				"level": "INFO", "msg": "stop", "operation": "StopJob", "job": job, "build": want[i].build, "branch": "feat/" + want[i].build,
				"reason": "newer push", "outcome": want[i].outcome, "attempts": float64(want[i].attempts),
			}, record)
		}
		assert.NotContains(t, out.String(), "gAAAA", "no credential")
	})
}
