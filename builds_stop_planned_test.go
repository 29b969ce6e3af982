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
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// buildsPlan is a plan to stop the builds with these numbers, in this order.
func buildsPlan(job string, numbers ...string) *codeartsbuild.StopPlan {
	plan := &codeartsbuild.StopPlan{JobID: job}
	for _, no := range numbers {
		plan.Decisions = append(plan.Decisions, codeartsbuild.StopDecision{
			Build: &codeartsbuild.Build{BuildNo: no, Branch: "feat/" + no}, Stop: true, Rule: codeartsbuild.RuleBranch,
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

// stopOf returns the job and the build that a request wants to stop. It leaves the body as it was.
func stopOf(r *http.Request) (job, build string) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in struct {
		JobID   string `json:"job_id"`
		BuildNo string `json:"build_no"`
	}
	_ = json.Unmarshal(body, &in)
	return in.JobID, in.BuildNo
}

// outcomeText writes an outcome in one word.
func outcomeText(o codeartsbuild.StopOutcome) string {
	var words []string
	for word, is := range map[string]bool{"stopped": o.Stopped, "finished": o.AlreadyFinished, "skipped": o.Skipped, "error": o.Err != nil} {
		if is {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	slices.Reverse(words)
	return strings.Join(words, "+")
}

// buildsOutcomes writes outcomes as "number word".
func buildsOutcomes(outcomes []codeartsbuild.StopOutcome) (lines []string) {
	for _, o := range outcomes {
		lines = append(lines, o.Build.BuildNo+" "+outcomeText(o))
	}
	return lines
}

// B67
func TestStopPlannedTwoHundredBuilds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client, job := f.Client(), f.JobID
		for i := range 201 {
			f.AddBuild(job, codeartsbuild.Build{Branch: "feat/x", Revision: fmt.Sprintf("r%d", i), Trigger: "Push"})
		}
		plan, err := client.Builds.PlanSuperseded(t.Context(), job, nil)
		require.NoError(t, err)
		for _, r := range f.Requests() {
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
			f.Finish(job, no, codeartsbuild.StatusSucceeded)
		}
		tooLate := []string{"33", "144"} // over between that and the stop
		forbidden := []string{"7", "100", "200"}
		var running httpfake.Peak
		f.NextN(sdktest.OpStop, 300, func(service http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				running.Enter()
				defer running.Leave()
				time.Sleep(100 * time.Millisecond) // of the bubble
				switch _, no := stopOf(r); {
				case slices.Contains(forbidden, no):
					codeartsbuildtest.Reply(403, `{"error_code":"APIGW.0302","error_msg":"not yours"}`)(service).ServeHTTP(w, r)
				case slices.Contains(tooLate, no):
					f.Finish(job, no, codeartsbuild.StatusFailed)
					fallthrough
				default:
					service.ServeHTTP(w, r)
				}
			})
		})
		before := len(f.Requests())
		outcomes, err := client.Builds.StopPlanned(t.Context(), plan, &codeartsbuild.StopPlannedOptions{Max: 200, Reason: "superseded"})

		sums := map[string]int{}
		for i, o := range outcomes {
			require.Equal(t, chosen[i], o.Build.BuildNo, "in the plan's order")
			word := outcomeText(o)
			sums[word]++
			switch {
			case slices.Contains(forbidden, o.Build.BuildNo):
				require.Equal(t, "error", word)
				require.ErrorIs(t, o.Err, codeartsbuild.ErrForbidden)
				require.NotErrorIs(t, o.Err, codeartsbuild.ErrOutcomeUnknown)
				require.ErrorContains(t, err, "job "+job+", build "+o.Build.BuildNo+": ")
			case word == "stopped":
				require.NotEmpty(t, o.RequestID)
				require.Equal(t, 1, o.Attempts)
				require.Equal(t, codeartsbuild.RuleSuperseded, o.Rule)
			}
		}
		require.Equal(t, map[string]int{"stopped": 192, "finished": 5, "error": 3}, sums)
		require.ErrorIs(t, err, codeartsbuild.ErrForbidden)
		require.ErrorContains(t, err, "3 of 200 builds: ")
		require.Equal(t, 4, running.Most(), "stops at the same time")
		require.Equal(t, 200+197+197+2, len(f.Requests())-before, "each is read again; of those that still run the newer build is read, and they are stopped, once; those that had ended by then are read once more")
		time.Sleep(time.Minute)
		for i := range 201 {
			want, no := codeartsbuild.StatusAborted, fmt.Sprint(i+1)
			switch {
			case no == "201" || slices.Contains(forbidden, no):
				want = codeartsbuild.StatusRunning
			case slices.Contains(tooLate, no):
				want = codeartsbuild.StatusFailed
			case no == "20" || no == "120" || no == "199":
				want = codeartsbuild.StatusSucceeded
			}
			require.Equal(t, want, f.Status(job, no), "build %s", no)
		}
	})
}

// B67
func TestStopPlannedParallel(t *testing.T) {
	t.Parallel()
	for parallel, want := range map[int]int{0: 4, 1: 1, 7: 7, 50: 12} {
		synctest.Test(t, func(t *testing.T) {
			f := sdktest.NewJob(t)
			var running httpfake.Peak
			count := sdktest.Before(func(*http.Request) {
				running.Enter()
				defer running.Leave()
				time.Sleep(time.Second)
			})
			f.NextN(sdktest.OpGetBuild, 12, count)
			f.NextN(sdktest.OpStop, 12, count)
			outcomes, err := f.Client().Builds.StopPlanned(t.Context(), buildsPlan(f.JobID, startBuilds(f, 12)...), &codeartsbuild.StopPlannedOptions{Parallel: parallel})
			require.NoError(t, err)
			require.Len(t, outcomes, 12)
			require.Equal(t, want, running.Most(), "Parallel %d", parallel)
		})
	}
}

// B67
func TestStopPlannedOutcomes(t *testing.T) {
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
		"finished":                {first: codeartsbuild.StatusSucceeded, want: "finished", stopped: 0},
		"aborted by another":      {first: codeartsbuild.StatusAborted, want: "finished", stopped: 0},
		"finished by now":         {stops: []codeartsbuildtest.Fault{reply(400, ended)}, want: "finished", stopped: 1},
		"busy, then finished":     {stops: []codeartsbuildtest.Fault{reply(503, ""), reply(400, ended)}, want: "finished", stopped: 2},
		"lost, then finished":     {stops: []codeartsbuildtest.Fault{lost, reply(400, ended)}, want: "finished", stopped: 2},
		"lost, then accepted":     {stops: []codeartsbuildtest.Fault{lost}, want: "stopped", stopped: 2},
		"not to be read":          {reads: []codeartsbuildtest.Fault{reply(403, "{}")}, want: "error", kinds: []error{codeartsbuild.ErrForbidden}, not: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 0},
		"gone":                    {reads: []codeartsbuildtest.Fault{reply(422, `{"error_code":"DEVCB.00031006","error_msg":""}`)}, want: "error", kinds: []error{codeartsbuild.ErrNotFound}, not: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 0},
		"not to be stopped":       {stops: []codeartsbuildtest.Fault{reply(403, "{}")}, want: "error", kinds: []error{codeartsbuild.ErrForbidden}, not: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 1},
		"declined":                {stops: []codeartsbuildtest.Fault{reply(200, `{"result":false}`)}, want: "error", kinds: []error{codeartsbuild.ErrNotStopped}, not: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 1},
		"lost, then not allowed":  {stops: []codeartsbuildtest.Fault{lost, reply(403, "{}")}, want: "error", kinds: []error{codeartsbuild.ErrForbidden, codeartsbuild.ErrOutcomeUnknown}, stopped: 2},
		"lost for good":           {stops: slices.Repeat([]codeartsbuildtest.Fault{codeartsbuildtest.DropRequest()}, 5), want: "error", kinds: []error{codeartsbuild.ErrOutcomeUnknown}, stopped: 5},
		"another build":           {reads: []codeartsbuildtest.Fault{reply(200, `{"result":{"build_no":77,"status":"RUNNING"}}`), reply(200, `{}`), reply(200, `{}`), reply(200, `{}`), reply(200, `{}`)}, want: "error", kinds: []error{codeartsbuild.ErrUnexpectedResponse}, stopped: 0},
		"HTML":                    {stops: slices.Repeat([]codeartsbuildtest.Fault{reply(200, "<html>")}, 5), want: "error", kinds: []error{codeartsbuild.ErrUnexpectedResponse, codeartsbuild.ErrOutcomeUnknown}, stopped: 5},
		"read again after a loss": {reads: []codeartsbuildtest.Fault{lost}, want: "stopped", stopped: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: tt.first})
				f.Next(sdktest.OpGetBuild, tt.reads...)
				f.Next(sdktest.OpStop, tt.stops...)
				outcomes, err := f.Client().Builds.StopPlanned(t.Context(), buildsPlan(f.JobID, no), nil)
				require.Equal(t, []string{"1 " + tt.want}, buildsOutcomes(outcomes), "%v", err)
				require.Equal(t, f.JobID, outcomes[0].Build.JobID)
				require.Equal(t, "feat/1", outcomes[0].Build.Branch, "which only the plan knows")
				require.Equal(t, codeartsbuild.RuleBranch, outcomes[0].Rule)
				require.Equal(t, tt.stopped, outcomes[0].Attempts)
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

// B67
func TestStopPlannedGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		numbers := startBuilds(f, 60)
		plan := buildsPlan(f.JobID, numbers...)
		plan.Decisions[10].Stop = false
		f.NextN(sdktest.OpStop, 58, codeartsbuildtest.Reply(403, `{"error_code":"APIGW.0302","error_msg":"`+strings.Repeat("long ", 50)+`"}`))
		outcomes, err := f.Client().Builds.StopPlanned(t.Context(), plan, &codeartsbuild.StopPlannedOptions{Max: 60, Parallel: 1})
		require.Len(t, outcomes, 59)
		require.Equal(t, "60 stopped", buildsOutcomes(outcomes)[58])
		require.Equal(t, codeartsbuild.StatusRunning, f.Status(f.JobID, "11"), "a build that is not chosen is left alone")
		require.ErrorContains(t, err, "codeartsbuild: 58 of 59 builds: job "+f.JobID+", build 1: StopJob: ")
		require.Less(t, len(err.Error()), 1024)
		require.NotContains(t, err.Error(), "\n")
		var apiErr *codeartsbuild.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Equal(t, "APIGW.0302", apiErr.ErrorCode)
	})
}

// B68
func TestStopPlannedRejectsPlans(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	other := f.AddJob("hourly")
	numbers := startBuilds(f, 26)
	with := func(plan *codeartsbuild.StopPlan, change func(*codeartsbuild.StopDecision)) *codeartsbuild.StopPlan {
		change(&plan.Decisions[1])
		return plan
	}
	invalid, tooMany := []string{"ErrInvalidArgument"}, []string{"ErrTooManyBuilds"}
	type options = codeartsbuild.StopPlannedOptions
	tests := map[string]struct {
		ctx  context.Context
		plan *codeartsbuild.StopPlan
		in   *options
		want []string
		text string
	}{
		"no plan":                    {t.Context(), nil, nil, invalid, "plan"},
		"no context":                 {nil, buildsPlan(f.JobID, "1"), nil, invalid, "context"},
		"more than the usual limit":  {t.Context(), buildsPlan(f.JobID, numbers...), nil, tooMany, "26 builds, which is more than Max, 25"},
		"more than the given limit":  {t.Context(), buildsPlan(f.JobID, "1", "2"), &options{Max: 1}, tooMany, "2 builds, which is more than Max, 1"},
		"a negative limit":           {t.Context(), buildsPlan(f.JobID, "1"), &options{Max: -1}, invalid, "negative"},
		"a negative number of stops": {t.Context(), buildsPlan(f.JobID, "1"), &options{Parallel: -1}, invalid, "negative"},
		"a negative time":            {t.Context(), buildsPlan(f.JobID, "1"), &options{Wait: -1}, invalid, "negative"},
		"a build that is nil": {
			t.Context(), with(buildsPlan(f.JobID, "1", "2"), func(d *codeartsbuild.StopDecision) { d.Build = nil }), nil, invalid, "nil",
		},
		"a build of another job": {
			t.Context(), with(buildsPlan(f.JobID, "1", "2"), func(d *codeartsbuild.StopDecision) { d.Build.JobID = other }), nil, invalid,
			`build "2" must be of the plan's job, "` + f.JobID + `", but is of job "` + other + `"`,
		},
		"a build without a job": {
			t.Context(), with(buildsPlan("", "1", "2"), func(d *codeartsbuild.StopDecision) { d.Build.JobID = "" }), nil, invalid,
			`"1" must name the job`,
		},
	}
	for name, tt := range tests {
		outcomes, err := f.Client().Builds.StopPlanned(tt.ctx, tt.plan, tt.in)
		require.Equal(t, tt.want, sdktest.Kinds(err), name)
		require.ErrorContains(t, err, tt.text, name)
		require.Nil(t, outcomes, name)
	}
	require.Empty(t, f.Operations(), "before anything is sent")
}

// B68
func TestStopPlannedCountsChosenBuilds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		plan := buildsPlan(f.JobID, startBuilds(f, 60)...)
		for i := range 35 {
			plan.Decisions[i].Stop = false
			plan.Decisions[i].Build = nil // of a decision that is not carried out
		}
		plan.Decisions = append(plan.Decisions, plan.Decisions[35:]...) // each of them twice
		outcomes, err := client.Builds.StopPlanned(t.Context(), plan, nil)
		require.NoError(t, err)
		require.Len(t, outcomes, 25, "as many as the usual limit")

		outcomes, err = client.Builds.StopPlanned(t.Context(), &codeartsbuild.StopPlan{JobID: f.JobID}, nil)
		require.NoError(t, err)
		require.Empty(t, outcomes)
	})
}

// Each decision is about the build of its own job.
func TestStopPlannedOverSeveralJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		a, b := f.JobID, f.AddJob("hourly")
		for range 3 {
			f.StartBuild(a)
			f.StartBuild(b)
		}
		plan := &codeartsbuild.StopPlan{}
		for _, job := range []string{a, b} {
			for _, d := range buildsPlan("", "2", "3").Decisions {
				d.Build.JobID = job
				plan.Decisions = append(plan.Decisions, d)
			}
		}
		plan.Decisions = slices.Delete(plan.Decisions, 1, 2) // build 3 of a goes on
		client := f.Client()
		_, err := client.Builds.StopPlanned(t.Context(), plan, &codeartsbuild.StopPlannedOptions{Max: 2})
		require.ErrorIs(t, err, codeartsbuild.ErrTooManyBuilds, "one limit for all jobs")

		f.Next(sdktest.OpStop, codeartsbuildtest.Reply(403, "{}"))
		outcomes, err := client.Builds.StopPlanned(t.Context(), plan, &codeartsbuild.StopPlannedOptions{Parallel: 1})
		require.ErrorContains(t, err, "1 of 3 builds: job "+a+", build 2: ")
		require.Equal(t, []string{"2 error", "2 stopped", "3 stopped"}, buildsOutcomes(outcomes))
		require.Equal(t, []string{a, b, b}, []string{outcomes[0].Build.JobID, outcomes[1].Build.JobID, outcomes[2].Build.JobID})
		time.Sleep(time.Minute)
		for job, stopped := range map[string][]string{a: {}, b: {"2", "3"}} {
			for _, no := range []string{"1", "2", "3"} {
				require.Equal(t, slices.Contains(stopped, no), f.Status(job, no) == codeartsbuild.StatusAborted, "build %s of job %s", no, job)
			}
		}
	})
}

// A build that was chosen twice is stopped once, for the first reason.
func TestStopPlannedSameBuildTwice(t *testing.T) {
	t.Parallel()
	for name, spell := range map[string]func(string) string{"spelled alike": strings.ToLower, "spelled otherwise": strings.ToUpper} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				startBuilds(f, 2)
				plan := buildsPlan("", "1", "2", "1")
				for i := range plan.Decisions {
					plan.Decisions[i].Build.JobID = f.JobID
				}
				plan.Decisions[2].Rule, plan.Decisions[2].Build.JobID = codeartsbuild.RuleRunning, spell(f.JobID)
				told := 0
				outcomes, err := f.Client().Builds.StopPlanned(t.Context(), plan, &codeartsbuild.StopPlannedOptions{
					Max: 2, OnOutcome: func(codeartsbuild.StopOutcome) { told++ },
				})
				require.NoError(t, err)
				require.Equal(t, []string{"1 stopped", "2 stopped"}, buildsOutcomes(outcomes))
				require.Equal(t, codeartsbuild.RuleBranch, outcomes[0].Rule)
				require.Equal(t, 2, told)
				require.Equal(t, 2, f.Count(sdktest.OpStop))
			})
		})
	}
}

// The job is sent as the plan spells it.
func TestStopPlannedSpellingOfTheJob(t *testing.T) {
	t.Parallel()
	for name, spelled := range map[string][2]string{ // by the plan and by its decision
		"by the plan": {sdktest.JobID, ""}, "by the decision": {"", sdktest.JobID}, "by both": {sdktest.JobID, strings.ToUpper(sdktest.JobID)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				recorded := httpfake.Reply(200, `{"result":{"codeci_job_id":"`+strings.ToUpper(sdktest.JobID)+`","build_no":20,"status":"RUNNING"}}`)
				transport := httpfake.Script(recorded, httpfake.Reply(200, `{"result":true}`))
				plan := buildsPlan(spelled[0], sdktest.BuildNo)
				plan.Decisions[0].Build.JobID = spelled[1]
				outcomes, err := sdktest.Client(t, transport).Builds.StopPlanned(t.Context(), plan, nil)
				require.NoError(t, err)
				require.Equal(t, sdktest.JobID, outcomes[0].Build.JobID)
				require.Contains(t, transport.Requests()[0].URL.Path, sdktest.JobID)
				require.Contains(t, transport.Requests()[1].Body, sdktest.JobID)
			})
		})
	}
}

// B69
func TestStopPlannedCancelled(t *testing.T) {
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
		outcomes, err := f.Client().Builds.StopPlanned(ctx, buildsPlan(f.JobID, numbers...), &codeartsbuild.StopPlannedOptions{Parallel: 2, Wait: time.Hour})
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, outcomes, 20)
		require.LessOrEqual(t, f.Count(sdktest.OpStop), 6)
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
		before := len(f.Requests())
		time.Sleep(time.Hour)
		require.Equal(t, before, len(f.Requests()))
	})
}

// B69
func TestStopPlannedAfterADeadline(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	outcomes, err := f.Client().Builds.StopPlanned(ctx, buildsPlan(f.JobID, startBuilds(f, 6)...), nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	require.Equal(t, []string{"1 error", "2 error", "3 error", "4 error", "5 error", "6 error"}, buildsOutcomes(outcomes))
	for _, o := range outcomes {
		require.ErrorIs(t, o.Err, context.DeadlineExceeded)
		require.ErrorContains(t, o.Err, "not attempted")
	}
	require.Empty(t, f.Requests())
}

func TestStopPlannedKeepsTheCauseOfACancel(t *testing.T) {
	t.Parallel()
	cause := errors.New("shutdown")
	tests := map[string]map[string]time.Duration{ // operation and time after which the context ends
		"before anything is sent": {"": 0},
		"while builds are read":   {sdktest.OpGetBuild: 500 * time.Millisecond},
		"while builds are stopped": {
			sdktest.OpGetBuild: 0, sdktest.OpStop: 500 * time.Millisecond,
		},
	}
	for name, slow := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				numbers := startBuilds(f, 6)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				for operation, after := range slow {
					if operation != "" && after > 0 {
						f.NextN(operation, 6, codeartsbuildtest.Delay(time.Minute))
					}
				}
				if name == "before anything is sent" {
					cancel(cause)
				} else {
					time.AfterFunc(500*time.Millisecond, func() { cancel(cause) })
				}
				outcomes, err := f.Client().Builds.StopPlanned(ctx, buildsPlan(f.JobID, numbers...), nil)
				require.ErrorIs(t, err, cause)
				require.ErrorIs(t, err, context.Canceled)
				require.Len(t, outcomes, 6)
				for _, o := range outcomes {
					require.ErrorIs(t, o.Err, cause)
					require.ErrorIs(t, o.Err, context.Canceled)
					require.ErrorContains(t, o.Err, "shutdown")
				}
				require.ErrorContains(t, outcomes[5].Err, "not attempted")
				require.NotErrorIs(t, outcomes[5].Err, codeartsbuild.ErrOutcomeUnknown)
			})
		})
	}
}

// B70
func TestStopPlannedWaits(t *testing.T) {
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
		"was finished":      {first: codeartsbuild.StatusFailed, want: "finished", status: codeartsbuild.StatusFailed},
		"goes on":           {stops: []codeartsbuildtest.Fault{ignored}, want: "stopped+error", kinds: []error{codeartsbuild.ErrStillRunning}, not: []error{codeartsbuild.ErrOutcomeUnknown}, status: codeartsbuild.StatusRunning},
		"cannot be read":    {stops: []codeartsbuildtest.Fault{ignored}, later: unreadable, want: "stopped+error", kinds: []error{codeartsbuild.ErrStillRunning, codeartsbuild.ErrForbidden}, status: codeartsbuild.StatusRunning},
		"open, and ends":    {stops: acted, want: "finished", status: codeartsbuild.StatusAborted},
		"open, and goes on": {stops: lost, want: "error", kinds: []error{codeartsbuild.ErrOutcomeUnknown}, status: codeartsbuild.StatusRunning},
		"forbidden":         {stops: []codeartsbuildtest.Fault{codeartsbuildtest.Reply(403, "{}")}, want: "error", kinds: []error{codeartsbuild.ErrForbidden}, not: []error{codeartsbuild.ErrStillRunning, codeartsbuild.ErrOutcomeUnknown}, status: codeartsbuild.StatusRunning},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: tt.first})
				f.Next(sdktest.OpStop, tt.stops...)
				f.Next(sdktest.OpGetBuild, append([]codeartsbuildtest.Fault{nil}, tt.later...)...)
				start := time.Now()
				outcomes, err := f.Client().Builds.StopPlanned(t.Context(), buildsPlan(f.JobID, no), &codeartsbuild.StopPlannedOptions{Wait: time.Minute})
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
					require.Equal(t, codeartsbuild.StatusAborted, f.Status(f.JobID, no), "read back as ended")
				}
			})
		})
	}
}

// B70
func TestStopPlannedBranchOfAnOutcome(t *testing.T) {
	t.Parallel()
	noBranch := func(job string) codeartsbuildtest.Fault {
		return codeartsbuildtest.Reply(200, `{"result":{"codeci_job_id":"`+job+`","build_no":1,"status":"ABORTED","branch":null},"status":"success"}`)
	}
	for name, wait := range map[string]time.Duration{"accepted": 0, "read back as ended": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				no := f.AddBuild(f.JobID, codeartsbuild.Build{Branch: "main"})
				plan := buildsPlan(f.JobID, no)
				plan.Decisions[0].Build.Branch = ""
				options := &codeartsbuild.StopPlannedOptions{Wait: wait}
				outcomes, err := f.Client().Builds.StopPlanned(t.Context(), plan, options)
				require.NoError(t, err)
				require.Equal(t, "main", outcomes[0].Build.Branch, "the record knows it")

				no = f.AddBuild(f.JobID, codeartsbuild.Build{Branch: "main"})
				outcomes, err = f.Client().Builds.StopPlanned(t.Context(), buildsPlan(f.JobID, no), options)
				require.NoError(t, err)
				require.Equal(t, "main", outcomes[0].Build.Branch, "the record wins over the plan")

				job := f.AddJob("hourly")
				no = f.StartBuild(job)
				f.Next(sdktest.OpGetBuild, nil, noBranch(job))
				outcomes, err = f.Client().Builds.StopPlanned(t.Context(), buildsPlan(job, no), options)
				require.NoError(t, err)
				require.Equal(t, "feat/1", outcomes[0].Build.Branch, "the plan knows it")
			})
		})
	}
}

// B82
func TestStopPlannedTook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		numbers := startBuilds(f, 4)
		f.Finish(f.JobID, "4", codeartsbuild.StatusSucceeded)
		outcomes, err := f.Client().Builds.StopPlanned(t.Context(), buildsPlan(f.JobID, numbers...), &codeartsbuild.StopPlannedOptions{Parallel: 1, Wait: time.Minute})
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
		outcomes, err = f.Client(codeartsbuild.WithTokenSource(source)).Builds.StopPlanned(t.Context(), buildsPlan(f.JobID, f.StartBuild(f.JobID)), nil)
		require.ErrorContains(t, err, "no more tokens")
		require.Zero(t, outcomes[0].Took, "no stop could be sent")
	})
}

// B70
func TestStopPlannedWaitsForManyBuilds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		numbers := startBuilds(f, 25)
		start := time.Now()
		outcomes, err := f.Client().Builds.StopPlanned(t.Context(), buildsPlan(f.JobID, numbers...), &codeartsbuild.StopPlannedOptions{Wait: time.Minute})
		require.NoError(t, err)
		for _, o := range outcomes {
			require.Equal(t, codeartsbuild.StatusAborted, o.Build.Status)
		}
		require.Less(t, time.Since(start), time.Minute, "seven rounds of 3 s, four at a time")
	})
}

// B82
func TestStopPlannedTellsEachOutcomeAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		numbers := startBuilds(f, 12)
		f.Finish(f.JobID, "1", codeartsbuild.StatusFailed)
		f.NextN(sdktest.OpStop, 12, func(service http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, no := stopOf(r); no == "2" {
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
		outcomes, err := f.Client().Builds.StopPlanned(ctx, buildsPlan(f.JobID, numbers...), &codeartsbuild.StopPlannedOptions{
			Wait: time.Minute,
			OnOutcome: func(o codeartsbuild.StopOutcome) {
				assert.Equal(t, int32(1), telling.Add(1), "one at a time")
				time.Sleep(time.Millisecond)
				telling.Add(-1)
				assert.NotContains(t, told, o.Build.BuildNo, "once")
				told[o.Build.BuildNo] = o
				switch took := time.Since(start); {
				case outcomeText(o) != "stopped" && len(told) <= 2:
					assert.Contains(t, []string{"1", "2"}, o.Build.BuildNo)
					assert.Less(t, took, time.Second, "while the stops of others are waited for")
				case outcomeText(o) == "stopped":
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
		require.Equal(t, "finished", outcomeText(told["1"]))
		require.ErrorIs(t, told["2"].Err, codeartsbuild.ErrForbidden)
		require.ErrorContains(t, told["12"].Err, "not attempted")
	})
}

// A panic of the caller's function goes on in the caller's goroutine, after the stops under way have ended.
func TestStopPlannedPanicOfOnOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		numbers := startBuilds(f, 12)
		f.NextN(sdktest.OpStop, 12, codeartsbuildtest.Delay(time.Second))
		start := time.Now()
		func() {
			defer func() { require.Equal(t, "no more", recover()) }()
			_, _ = f.Client().Builds.StopPlanned(t.Context(), buildsPlan(f.JobID, numbers...), &codeartsbuild.StopPlannedOptions{
				OnOutcome: func(codeartsbuild.StopOutcome) {
					time.Sleep(500 * time.Millisecond)
					panic("no more")
				},
			})
		}()
		require.Equal(t, 2*time.Second, time.Since(start), "the stop that began in place of the first one has ended")
		stops := f.Count(sdktest.OpStop)
		require.Equal(t, 5, stops)
		time.Sleep(time.Hour)
		require.Equal(t, stops, f.Count(sdktest.OpStop), "nothing is stopped afterwards")
	})
}

// B71
func TestStopPlannedLogsEachStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		var out bytes.Buffer
		client := f.Client(codeartsbuild.WithLogger(slog.New(slog.NewJSONHandler(&out, nil))))
		numbers := startBuilds(f, 6)
		f.Finish(f.JobID, "2", codeartsbuild.StatusSucceeded) // needs no attempt
		const ended = `{"error_code":"DEV.CB.032302","error_msg":"over"}`
		f.Next(sdktest.OpStop, nil, codeartsbuildtest.Reply(403, "{}"), codeartsbuildtest.Reply(400, ended),
			codeartsbuildtest.DropAnswer(), nil)
		f.Next(sdktest.OpStop, slices.Repeat([]codeartsbuildtest.Fault{codeartsbuildtest.DropRequest()}, 5)...)
		var response codeartsbuild.Response
		outcomes, err := client.Builds.StopPlanned(t.Context(), buildsPlan(f.JobID, numbers...),
			&codeartsbuild.StopPlannedOptions{Parallel: 1, Reason: "newer push"}, codeartsbuild.WithResponseInto(&response))
		require.Error(t, err)
		require.Equal(t, []string{"1 stopped", "2 finished", "3 error", "4 finished", "5 stopped", "6 error"}, buildsOutcomes(outcomes))

		want := []struct {
			build, outcome string
			attempts       int
			arrived        bool
		}{{"1", "stopped", 1, true}, {"3", "failed", 1, true}, {"4", "already finished", 1, true}, {"5", "stopped", 2, true}, {"6", "unknown", 5, false}}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, len(want), out.String())
		for i, line := range lines {
			var record map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &record))
			id := record["request_id"]
			require.Equal(t, want[i].arrived, id != "", "build %s", want[i].build)
			for _, o := range outcomes {
				if o.Build.BuildNo == want[i].build {
					require.Equal(t, o.RequestID, id)
					require.Equal(t, want[i].attempts, o.Attempts)
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

func TestStopOutcomeAsJSON(t *testing.T) {
	t.Parallel()
	build := &codeartsbuild.Build{JobID: sdktest.JobID, BuildNo: "7", Status: codeartsbuild.StatusAborted}
	const aborted = `"build":{"job_id":"` + sdktest.JobID + `","build_no":"7","build_record_id":"","status":"aborted","branch":"","revision":"","trigger_type":"","executor":""}`
	tests := map[string]struct {
		outcome codeartsbuild.StopOutcome
		want    string
	}{
		"stopped": {
			codeartsbuild.StopOutcome{Build: build, Rule: codeartsbuild.RuleRunning, Stopped: true, RequestID: "7f3c", Attempts: 2, Took: time.Second},
			`{` + aborted + `,"rule":"running","stopped":true,"already_finished":false,"skipped":false,"request_id":"7f3c","attempts":2,"took":1000000000}`,
		},
		"failed": {
			codeartsbuild.StopOutcome{Build: build, Err: fmt.Errorf("more: %w", &codeartsbuild.APIError{StatusCode: 403, Operation: "StopJob"})},
			`{` + aborted + `,"rule":"","stopped":false,"already_finished":false,"skipped":false,"request_id":"","attempts":0,"took":0,
				"error":"more: codeartsbuild: StopJob: Forbidden (403)"}`,
		},
		"skipped": {
			codeartsbuild.StopOutcome{Skipped: true},
			`{"build":null,"rule":"","stopped":false,"already_finished":false,"skipped":true,"request_id":"","attempts":0,"took":0}`,
		},
	}
	for name, tt := range tests {
		text, err := json.Marshal(&tt.outcome)
		require.NoError(t, err)
		require.JSONEq(t, tt.want, string(text), name)
		var read codeartsbuild.StopOutcome
		require.NoError(t, json.Unmarshal(text, &read))
		tt.outcome.Err = nil
		require.Equal(t, tt.outcome, read, "all but the error")
	}
}
