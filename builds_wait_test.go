package codeartsbuild_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// between fails the requests that arrive in a stretch of time from now on.
func between(from, to time.Duration, fault codeartsbuildtest.Fault) codeartsbuildtest.Fault {
	start := time.Now()
	return func(service http.Handler) http.Handler {
		if d := time.Since(start); d < from || d >= to {
			return service
		}
		return fault(service)
	}
}

// requirePaced requires that the gaps follow the pace from its start: 2 s, half as much more each time up to 15 s, and
// up to a fifth of jitter.
func requirePaced(t *testing.T, at []time.Duration) {
	t.Helper()
	pause := 2 * time.Second
	for i := 1; i < len(at); i++ {
		gap := at[i] - at[i-1]
		require.GreaterOrEqual(t, gap, pause, "gap %d of %v", i, at)
		require.LessOrEqual(t, gap, min(pause+pause/5, 15*time.Second), "gap %d of %v", i, at)
		pause = min(pause+pause/2, 15*time.Second)
	}
}

// B41, B59: Wait returns the build in its last status, and reports each status once.
func TestWaitReturnsTheLastStatus(t *testing.T) {
	t.Parallel()
	const queued, running = codeartsbuild.StatusQueued, codeartsbuild.StatusRunning
	for _, last := range []codeartsbuild.BuildStatus{
		codeartsbuild.StatusSucceeded, codeartsbuild.StatusFailed, codeartsbuild.StatusAborted, codeartsbuild.StatusTimedOut,
		codeartsbuild.StatusScheduleFailed,
	} {
		tests := map[string][]codeartsbuild.BuildStatus{ // a minute between them
			"over already":             {last},
			"running":                  {running, last},
			"queued":                   {queued, running, last},
			"queued and never started": {queued, last},
			"an unknown word":          {running, "HIBERNATING", last},
		}
		for name, statuses := range tests {
			t.Run(string(last)+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := sdktest.NewJob(t)
					no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: statuses[0], Branch: "main"})
					f.Statuses(no, time.Minute, statuses[1:]...)
					var seen []codeartsbuild.BuildStatus
					start := time.Now()
					build, err := f.Client().Builds.Wait(t.Context(), f.JobID, no, &codeartsbuild.WaitOptions{
						OnChange: func(b *codeartsbuild.Build) {
							require.Equal(t, no, b.BuildNo)
							seen = append(seen, b.Status)
						},
					})
					require.NoError(t, err)
					require.Equal(t, last, build.Status)
					require.Equal(t, no, build.BuildNo)
					require.NotEmpty(t, build.RecordID, "the build comes from its own record, which knows more than a list")
					require.Equal(t, statuses, seen, "each status once")
					require.LessOrEqual(t, time.Since(start), time.Duration(len(statuses)-1)*time.Minute+15*time.Second)
					require.Zero(t, f.Count(sdktest.OpStop))
				})
			})
		}
	}
}

// B59
func TestWaitWithoutOptions(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		f.Statuses(f.BuildNo, 20*time.Minute, codeartsbuild.StatusSucceeded)
		build, err := f.Client().Builds.Wait(t.Context(), f.JobID, f.BuildNo, nil)
		require.NoError(t, err)
		require.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
	})
}

// B59: the first read is at once; the pauses grow from 2 s to 15 s, and begin again after a change.
func TestWaitPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		arrivals := f.Arrivals(sdktest.OpGetBuild)
		f.Statuses(no, 3*time.Minute, codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded)
		var changes []int // reads before each
		_, err := f.Client().Builds.Wait(t.Context(), f.JobID, no, &codeartsbuild.WaitOptions{
			OnChange: func(*codeartsbuild.Build) { changes = append(changes, len(arrivals())) },
		})
		require.NoError(t, err)
		at := arrivals()
		require.Len(t, changes, 3)
		require.Equal(t, 1, changes[0])
		require.Equal(t, len(at), changes[2])
		require.Zero(t, at[0], "the first read is at once")
		requirePaced(t, at[:changes[1]])   // up to the read that sees the change
		requirePaced(t, at[changes[1]-1:]) // and faster again from there on
		require.Less(t, len(at), 40)
		require.Zero(t, f.Count(sdktest.OpListBuild), "one build alone is read by itself")
	})
}

// B59: Interval is the longest pause.
func TestWaitInterval(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		interval       time.Duration
		least, longest time.Duration // of the last pauses
	}{
		"a second":      {time.Second, time.Second, time.Second},
		"3 seconds":     {3 * time.Second, 3 * time.Second, 3 * time.Second},
		"none":          {0, 15 * time.Second, 15 * time.Second},
		"two minutes":   {2 * time.Minute, 2 * time.Minute, 2 * time.Minute},
		"half a second": {time.Second / 2, 0, 0},
		"negative":      {-time.Second, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				arrivals := f.Arrivals(sdktest.OpGetBuild)
				f.Statuses(f.BuildNo, time.Hour, codeartsbuild.StatusSucceeded)
				_, err := f.Client().Builds.Wait(t.Context(), f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{Interval: tt.interval})
				at := arrivals()
				if tt.longest == 0 {
					require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err))
					require.ErrorContains(t, err, "at least 1s")
					require.Empty(t, at)
					return
				}
				require.NoError(t, err)
				for i := len(at) - 5; i < len(at); i++ {
					require.GreaterOrEqual(t, at[i]-at[i-1], tt.least)
					require.LessOrEqual(t, at[i]-at[i-1], tt.longest)
				}
			})
		})
	}
}

// B60: what ends the waiting before the build has finished. None of it stops the build.
func TestWaitThatEndsBeforeTheBuild(t *testing.T) {
	t.Parallel()
	cause := errors.New("the user has had enough")
	background := func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }
	tests := map[string]struct {
		wait  codeartsbuild.WaitOptions
		ctx   func(context.Context) (context.Context, context.CancelFunc)
		after time.Duration
		kinds []string
		cause error
		text  string
	}{
		"the time to wait is over": {
			wait: codeartsbuild.WaitOptions{Timeout: time.Minute, StopOnCancel: time.Minute}, ctx: background, after: time.Minute,
			kinds: []string{"ErrStillRunning"}, text: "has not finished within 1m0s; build 1 was last seen running, after 1m0s",
		},
		"a short time": {
			wait: codeartsbuild.WaitOptions{Timeout: time.Second}, ctx: background, after: time.Second,
			kinds: []string{"ErrStillRunning"}, text: "within 1s",
		},
		"the context has a deadline": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Minute)
			},
			after: time.Minute, kinds: []string{"DeadlineExceeded", "ErrStillRunning"},
			text: "context deadline exceeded; build 1 was last seen running, after 1m0s",
		},
		"the context is cancelled": {
			wait: codeartsbuild.WaitOptions{Timeout: time.Hour},
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Minute, func() { cancel(cause) })
				return ctx, func() { cancel(nil) }
			},
			after: time.Minute, kinds: []string{"Canceled", "ErrStillRunning"}, cause: cause, text: "had enough",
		},
		"the context had ended before": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx, cancel
			},
			kinds: []string{"Canceled", "ErrStillRunning"}, text: "context canceled; waited 0s",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				start := time.Now()
				build, err := f.Client().Builds.Wait(ctx, f.JobID, f.BuildNo, &tt.wait)
				require.Nil(t, build)
				require.Equal(t, tt.kinds, sdktest.Kinds(err))
				require.True(t, tt.cause == nil || errors.Is(err, tt.cause))
				require.ErrorContains(t, err, tt.text)
				require.Equal(t, tt.after, time.Since(start), "to the moment")
				require.Zero(t, f.Count(sdktest.OpStop), "waiting stops nothing")
				require.Equal(t, codeartsbuild.StatusRunning, f.Status(f.JobID, f.BuildNo))
			})
		})
	}
}

// B60: the last read is at the limit.
func TestWaitReadsAtItsTimeout(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		f.Statuses(f.BuildNo, 99*time.Millisecond, codeartsbuild.StatusSucceeded)
		build, err := f.Client().Builds.Wait(t.Context(), f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{Timeout: 100 * time.Millisecond})
		require.NoError(t, err, "the build had finished within the time")
		require.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
	})
}

// B60, B60a: waiting survives reads that fail for up to 5 minutes, and "not found" for up to a minute. It ends at once if
// the credential is rejected.
func TestWaitFailedReads(t *testing.T) {
	t.Parallel()
	unknown := codeartsbuildtest.Reply(422, `{"error_code":"DEVCB.00031006","error_msg":"no such record"}`)
	broken := codeartsbuildtest.Reply(500, `{"error_code":"CB.00060101","error_msg":"broken"}`)
	tests := map[string]struct {
		fault    codeartsbuildtest.Fault
		from, to time.Duration
		kinds    []string // nil: the build is waited for
		least    time.Duration
		most     time.Duration
	}{
		"the record is late":                 {unknown, 0, 20 * time.Second, nil, 0, 0},
		"the record is late by 50 seconds":   {unknown, 0, 50 * time.Second, nil, 0, 0},
		"there is no such build":             {unknown, 0, time.Hour, []string{"ErrNotFound"}, time.Minute, 80 * time.Second},
		"a status of not found":              {codeartsbuildtest.Reply(404, `{}`), 0, time.Hour, []string{"ErrNotFound"}, time.Minute, 80 * time.Second},
		"not found for a moment, later":      {unknown, 5 * time.Minute, 5*time.Minute + 20*time.Second, nil, 0, 0},
		"the build is deleted":               {unknown, 5 * time.Minute, time.Hour, []string{"ErrNotFound"}, 6 * time.Minute, 6*time.Minute + 35*time.Second},
		"an outage of two minutes":           {broken, time.Minute, 3 * time.Minute, nil, 0, 0},
		"an outage of two minutes, at first": {broken, 0, 2 * time.Minute, nil, 0, 0},
		"an outage with pages":               {codeartsbuildtest.Reply(502, `<html>`), time.Minute, 4 * time.Minute, nil, 0, 0},
		"lost responses":                     {codeartsbuildtest.DropAnswer(), time.Minute, 4 * time.Minute, nil, 0, 0},
		"another build's record":             {codeartsbuildtest.Reply(200, `{"result":{"build_no":9}}`), time.Minute, 4 * time.Minute, nil, 0, 0},
		"an outage without end":              {broken, time.Minute, 10 * time.Hour, []string{"ErrInternalServerError"}, 6 * time.Minute, 6*time.Minute + 35*time.Second},
		"no permission":                      {codeartsbuildtest.Reply(403, `{"error_code":"APIGW.0302","error_msg":"no"}`), time.Minute, time.Hour, []string{"ErrForbidden"}, time.Minute, 80 * time.Second},
		"a rejected token":                   {codeartsbuildtest.Reply(401, `{}`), time.Minute, time.Hour, []string{"ErrUnauthorized"}, time.Minute, 80 * time.Second},
		"the token of an account":            {codeartsbuildtest.Reply(200, `{"error_code":"APIGW.0307","error_msg":"renew"}`), 0, time.Hour, []string{"ErrUnauthorized"}, 0, time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				f.NextN(sdktest.OpGetBuild, 10_000, between(tt.from, tt.to, tt.fault))
				f.Statuses(f.BuildNo, 20*time.Minute, codeartsbuild.StatusFailed)
				start := time.Now()
				build, err := f.Client(sdktest.Once).Builds.Wait(t.Context(), f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{StopOnCancel: time.Minute})
				require.Zero(t, f.Count(sdktest.OpStop), "only the end of the context stops a build")
				if tt.kinds == nil {
					require.NoError(t, err)
					require.Equal(t, codeartsbuild.StatusFailed, build.Status)
					return
				}
				require.Nil(t, build)
				require.Equal(t, tt.kinds, sdktest.Kinds(err))
				require.NotEmpty(t, sdktest.APIError(t, err).RequestID)
				require.GreaterOrEqual(t, time.Since(start), tt.least)
				require.LessOrEqual(t, time.Since(start), tt.most)
			})
		})
	}
}

// B60: outages do not add up.
func TestWaitTwoOutages(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		broken := codeartsbuildtest.Reply(500, `{"error_code":"CB.00060101","error_msg":"broken"}`)
		first, second := between(time.Minute, 4*time.Minute, broken), between(5*time.Minute, 8*time.Minute, broken)
		f.NextN(sdktest.OpGetBuild, 1000, func(service http.Handler) http.Handler { return first(second(service)) })
		f.Statuses(f.BuildNo, 10*time.Minute, codeartsbuild.StatusSucceeded)
		_, err := f.Client().Builds.Wait(t.Context(), f.JobID, f.BuildNo, nil)
		require.NoError(t, err)
	})
}

// B60a: the minute of "not found" begins with the first such response, not with the outage before it.
func TestWaitNotFoundAfterAnOutage(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		broken := between(time.Minute, 4*time.Minute, codeartsbuildtest.Reply(500, `{"error_code":"CB.00060101"}`))
		unknown := between(4*time.Minute, 4*time.Minute+30*time.Second, codeartsbuildtest.Reply(404, `{}`))
		f.NextN(sdktest.OpGetBuild, 10_000, func(next http.Handler) http.Handler { return broken(unknown(next)) })
		f.Statuses(f.BuildNo, 20*time.Minute, codeartsbuild.StatusFailed)
		build, err := f.Client(sdktest.Once).Builds.Wait(t.Context(), f.JobID, f.BuildNo, nil)
		require.NoError(t, err)
		require.Equal(t, codeartsbuild.StatusFailed, build.Status)
	})
}

// B60a: a login that was refused is not tried again, since that locks the user.
func TestWaitRefusedLogin(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"wrong password": 401, "locked": 403, "bad request": 400, "no such account": 404} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				source, err := codeartsbuild.NewIAMTokenSource(f.IAMConfig())
				require.NoError(t, err)
				f.NextN(sdktest.OpLogin, 100, between(time.Minute, time.Hour, codeartsbuildtest.Reply(status, `{"error":{"code":401,"message":"no"}}`)))
				f.NextN(sdktest.OpGetBuild, 100, between(time.Minute, time.Hour, codeartsbuildtest.ExpireToken()))
				_, err = f.Client(codeartsbuild.WithTokenSource(source)).Builds.Wait(t.Context(), f.JobID, f.BuildNo, nil)
				require.Equal(t, status, sdktest.APIError(t, err).StatusCode)
				require.Equal(t, "CreateToken", sdktest.APIError(t, err).Operation)
				require.LessOrEqual(t, f.Count(sdktest.OpLogin), 2)
			})
		})
	}
}

// B60: bad arguments are rejected before anything is sent.
func TestWaitBadArguments(t *testing.T) {
	t.Parallel()
	stop := &codeartsbuild.WaitOptions{StopOnCancel: time.Minute}
	job := sdktest.JobID
	tests := map[string]struct {
		ctx     context.Context
		job, no string
		in      *codeartsbuild.WaitOptions
	}{
		"no context":             {nil, job, "1", nil},
		"no context to stop":     {nil, job, "1", stop},
		"no context for the log": {nil, job, "1", &codeartsbuild.WaitOptions{Log: new(failingWriter)}},
		"no job":                 {t.Context(), "", "1", stop},
		"no job with a log":      {t.Context(), "", "1", &codeartsbuild.WaitOptions{Log: new(failingWriter), OnLog: func(int64, error) { panic("OnLog") }}},
		"no build":               {t.Context(), job, "", stop},
		"a daily number":         {t.Context(), job, "20261124.3", stop},
		"a negative timeout":     {t.Context(), job, "1", &codeartsbuild.WaitOptions{Timeout: -1}},
		"a negative stop":        {t.Context(), job, "1", &codeartsbuild.WaitOptions{StopOnCancel: -1}},
		"a negative offset":      {t.Context(), job, "1", &codeartsbuild.WaitOptions{LogOffset: -1}},
		"a short interval":       {t.Context(), job, "1", &codeartsbuild.WaitOptions{Interval: 1}},
	}
	for name, tt := range tests {
		transport := httpfake.Script(httpfake.Lost)
		build, err := sdktest.Client(t, transport).Builds.Wait(tt.ctx, tt.job, tt.no, tt.in)
		require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err), name)
		require.Nil(t, build)
		require.Zero(t, transport.Count(), name)
	}
}

// B60: Retry-After is obeyed up to 5 minutes. A longer one is for the caller.
func TestWaitRetryAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		after string
		ends  bool
	}{
		"two minutes": {"120", false},
		"5 minutes":   {"300", false},
		"a bit more":  {"301", true},
		"a year":      {"31536000", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				f.Next(sdktest.OpGetBuild, nil, sdktest.RetryAfter(tt.after))
				f.Statuses(f.BuildNo, time.Minute, codeartsbuild.StatusSucceeded)
				arrivals := make([]time.Time, 0, 8)
				record := sdktest.Before(func(*http.Request) { arrivals = append(arrivals, time.Now()) })
				f.NextN(sdktest.OpGetBuild, 5, record)
				asked, _ := time.ParseDuration(tt.after + "s")
				start := time.Now()
				_, err := f.Client().Builds.Wait(t.Context(), f.JobID, f.BuildNo, nil)
				if tt.ends {
					require.Equal(t, asked, sdktest.APIError(t, err).RetryAfter)
					require.Less(t, time.Since(start), 10*time.Second)
					return
				}
				require.NoError(t, err)
				require.GreaterOrEqual(t, arrivals[0].Sub(start), asked)
			})
		})
	}
}

// B59a: a build whose word is not known here has finished if its record has a time for that, or if the list says so.
func TestWaitUnknownWord(t *testing.T) {
	t.Parallel()
	const finished = `,"finish_time":"2026-11-24T10:30:00Z"`
	row := func(state, running string) string {
		return fmt.Sprintf(`{"number":%s,"state":%q,"job_running_status":%q,"start_time":1764000000000,"cost_time":1000}`, sdktest.BuildNo, state, running)
	}
	notStarted := func(start string) string {
		return fmt.Sprintf(`{"number":%s,"job_running_status":"Finished"%s}`, sdktest.BuildNo, start)
	}
	tests := map[string]struct {
		record, row string
		want        codeartsbuild.BuildStatus
		waits       bool
	}{
		"unstable":                        {`"status":"UNSTABLE"` + finished, "", "UNSTABLE", false},
		"skipped":                         {`"status":"SKIPPED"` + finished, "", "SKIPPED", false},
		"stopped":                         {`"status":"STOPPED"` + finished, "", "STOPPED", false},
		"no word":                         {`"status":""` + finished, "", "", false},
		"no status":                       {`"status":null` + finished, "", "", false},
		"the list says so":                {`"status":"STOPPED"`, row("STOPPED", "Finished"), "STOPPED", false},
		"the list says so, in capitals":   {`"status":"STOPPED"`, row("STOPPED", "FINISHED"), "STOPPED", false},
		"the list knows the word":         {`"status":""`, row("ABORTED", "Finished"), codeartsbuild.StatusAborted, false},
		"the list says so, never started": {`"status":"SKIPPED"`, notStarted(`,"state":"SKIPPED","start_time":null`), "SKIPPED", false},
		"the list says so, start in 1970": {`"status":"SKIPPED"`, notStarted(`,"state":"SKIPPED","start_time":0`), "SKIPPED", false},
		"the list says no more":           {`"status":"SKIPPED"`, notStarted(""), "SKIPPED", false},
		"the list says that it runs":      {`"status":"HIBERNATING"`, row("", "Running"), "", true},
		"the list does not know it":       {`"status":"HIBERNATING"`, "", "", true},
		"a time before 1990":              {`"status":"HIBERNATING","finish_time":"1970-01-01 08:00:00"`, "", "", true},
		"running with a time of the end":  {`"status":"RUNNING"` + finished, row("SUCCESS", "Finished"), "", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := sdktest.Client(t, httpfake.Func(func(r *http.Request) (*http.Response, error) {
					body := `{"result":{"build_no":` + sdktest.BuildNo + `,` + tt.record + `}}`
					if codeartsbuild.OperationFromContext(r.Context()) == sdktest.OpListBuild {
						body = `{"result":{"job_build_states":[` + tt.row + `],"total_record":"1"}}`
					}
					return httpfake.Reply(200, body)(r)
				}))
				build, err := client.Builds.Wait(t.Context(), sdktest.JobID, sdktest.BuildNo, &codeartsbuild.WaitOptions{Timeout: time.Hour})
				if tt.waits {
					require.Equal(t, []string{"ErrStillRunning"}, sdktest.Kinds(err))
					return
				}
				require.NoError(t, err)
				require.True(t, build.Finished())
				require.Equal(t, tt.want, build.Status, "the word is kept")
			})
		})
	}
}

// B59a
func TestBuildFinished(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		build codeartsbuild.Build
		want  bool
	}{
		{codeartsbuild.Build{Status: codeartsbuild.StatusAborted}, true},
		{codeartsbuild.Build{Status: "UNSTABLE", FinishedAt: at}, true},
		{codeartsbuild.Build{FinishedAt: at}, true},
		{codeartsbuild.Build{}, false},
		{codeartsbuild.Build{Status: "UNSTABLE"}, false},
		{codeartsbuild.Build{Status: codeartsbuild.StatusRunning, FinishedAt: at}, false},
		{codeartsbuild.Build{Status: codeartsbuild.StatusQueued, FinishedAt: at}, false},
	} {
		require.Equal(t, tt.want, tt.build.Finished(), "%+v", tt.build)
	}
}

// B59a: a word in another spelling is not a change, and a status does not go back to an earlier phase.
func TestWaitIgnoresWhatIsNotAChange(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ words, want []string }{
		"another letter case":            {[]string{"RUNNING", "Running", "running"}, []string{"running"}},
		"another case of unknown word":   {[]string{"HIBERNATING", "Hibernating", "hiber-nating"}, []string{"HIBERNATING"}},
		"back to the queue":              {[]string{"QUEUED", "RUNNING", "QUEUED", "RUNNING"}, []string{"queued", "running"}},
		"back after an unknown word":     {[]string{"RUNNING", "HIBERNATING", "QUEUED", "HIBERNATING"}, []string{"running", "HIBERNATING"}},
		"an unknown word and back again": {[]string{"RUNNING", "HIBERNATING", "RUNNING"}, []string{"running", "HIBERNATING", "running"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				words := append(slices.Clone(tt.words), "SUCCESS")
				steps := make([]httpfake.Func, len(words))
				for i, word := range words {
					steps[i] = httpfake.Reply(200, `{"result":{"build_no":"020","status":"`+word+`"}}`)
				}
				records, lists := httpfake.Script(steps...), httpfake.Reply(200, `{"result":{"job_build_states":[]}}`)
				var seen []string
				_, err := sdktest.Client(t, byOperation(records, lists)).Builds.Wait(t.Context(), sdktest.JobID, sdktest.BuildNo, &codeartsbuild.WaitOptions{
					OnChange: func(b *codeartsbuild.Build) { seen = append(seen, string(b.Status)) },
				})
				require.NoError(t, err)
				require.Equal(t, append(slices.Clone(tt.want), "succeeded"), seen)
			})
		})
	}
}

// byOperation responds to reads of records and to lists.
func byOperation(records, lists http.RoundTripper) httpfake.Func {
	return func(r *http.Request) (*http.Response, error) {
		if codeartsbuild.OperationFromContext(r.Context()) == sdktest.OpListBuild {
			return lists.RoundTrip(r)
		}
		return records.RoundTrip(r)
	}
}

// B62: if the context ends, StopOnCancel sends one stop, and the error says whether it was confirmed.
func TestWaitStopOnCancel(t *testing.T) {
	t.Parallel()
	const declined = `{"result":false}`
	type start func(context.Context) (context.Context, context.CancelFunc)
	dead := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx, cancel
	}
	after := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Minute, cancel)
		return ctx, cancel
	}
	deadline := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, time.Minute)
	}
	faults := func(f ...codeartsbuildtest.Fault) []codeartsbuildtest.Fault { return f }
	tests := map[string]struct {
		ctx     start
		faults  []codeartsbuildtest.Fault
		finish  bool // the build ends with the context
		kind    string
		took    time.Duration // from the end of the context on; -1: a pause between attempts
		stops   int
		unknown bool
		text    string
		aborted bool
	}{
		"accepted":               {ctx: after, kind: "Canceled", stops: 1, text: "; the stop of the build was accepted", aborted: true},
		"after a deadline":       {ctx: deadline, kind: "DeadlineExceeded", stops: 1, text: "; the stop of the build was accepted", aborted: true},
		"the context was over":   {ctx: dead, kind: "Canceled", stops: 1, text: "; the stop of the build was accepted", aborted: true},
		"the build had finished": {ctx: after, finish: true, kind: "Canceled", stops: 1, text: "; the build had already finished"},
		"the stop is forbidden":  {ctx: after, faults: faults(codeartsbuildtest.Reply(403, "{}")), kind: "Canceled", stops: 1, unknown: true, text: "not confirmed"},
		"the stop is declined":   {ctx: after, faults: faults(codeartsbuildtest.Reply(200, declined)), kind: "Canceled", stops: 1, unknown: true, text: "not confirmed"},
		"the stop takes too long": {
			ctx: after, faults: faults(codeartsbuildtest.Delay(time.Hour)),
			kind: "Canceled", took: 20 * time.Second, stops: 1, unknown: true, text: "not confirmed",
		},
		"its response is lost": {
			ctx: after, faults: faults(codeartsbuildtest.DropAnswer()),
			kind: "Canceled", took: -1, stops: 2, text: "; the stop of the build was accepted", aborted: true,
		},
		"a deadline, and the stop takes too long": {
			ctx: deadline, faults: faults(codeartsbuildtest.Delay(time.Hour)),
			kind: "DeadlineExceeded", took: 20 * time.Second, stops: 1, unknown: true, text: "not confirmed",
		},
	}
	for name, tt := range tests {
		for _, log := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, log %t", name, log), func(t *testing.T) {
				t.Parallel()
				sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
					f.Next(sdktest.OpStop, tt.faults...)
					ctx, cancel := tt.ctx(t.Context())
					defer cancel()
					var ended time.Time
					context.AfterFunc(ctx, func() { ended = time.Now() })
					if tt.finish {
						f.Statuses(f.BuildNo, time.Minute-time.Millisecond, codeartsbuild.StatusSucceeded)
					}
					in := &codeartsbuild.WaitOptions{StopOnCancel: 20 * time.Second}
					if log {
						in.Log = new(failingWriter)
					}
					build, err := f.Client().Builds.Wait(ctx, f.JobID, f.BuildNo, in)
					synctest.Wait()
					require.Nil(t, build)
					kinds := []string{tt.kind, "ErrStillRunning"}
					if tt.unknown {
						kinds = []string{tt.kind, "ErrOutcomeUnknown", "ErrStillRunning"}
					}
					require.Equal(t, kinds, sdktest.Kinds(err))
					require.ErrorContains(t, err, tt.text)
					require.NotContains(t, err.Error(), "\n")
					if tt.took >= 0 {
						require.Equal(t, tt.took, time.Since(ended))
					}
					require.Equal(t, tt.stops, f.Count(sdktest.OpStop))
					time.Sleep(10 * time.Second)
					require.Equal(t, tt.stops, f.Count(sdktest.OpStop), "there is no second stop")
					if tt.aborted {
						require.Equal(t, codeartsbuild.StatusAborted, f.Status(f.JobID, f.BuildNo))
					}
				})
			})
		}
	}
}

// B62: without StopOnCancel the build goes on.
func TestWaitCancelledBuildGoesOn(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := f.Client().Builds.Wait(ctx, f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{Timeout: time.Hour})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotContains(t, err.Error(), "stop")
		require.Zero(t, f.Count(sdktest.OpStop))
	})
}

// B60: reads that hang do not prolong the waiting.
func TestWaitReadsThatHang(t *testing.T) {
	t.Parallel()
	hang := slices.Repeat([]codeartsbuildtest.Fault{codeartsbuildtest.Delay(time.Hour)}, 40)
	tests := map[string]struct {
		before int // reads with a response
		wait   func(context.Context, *codeartsbuild.Client, string, string) error
		most   time.Duration
	}{
		"from the first one on": {0, func(ctx context.Context, c *codeartsbuild.Client, job, no string) error {
			_, err := c.Builds.Wait(ctx, job, no, &codeartsbuild.WaitOptions{Timeout: 5 * time.Second})
			return err
		}, 10 * time.Second},
		"later": {2, func(ctx context.Context, c *codeartsbuild.Client, job, no string) error {
			_, err := c.Builds.Wait(ctx, job, no, &codeartsbuild.WaitOptions{Timeout: time.Minute})
			return err
		}, 65 * time.Second},
		"after a stop": {1, func(ctx context.Context, c *codeartsbuild.Client, job, no string) error {
			_, err := c.Jobs.StopAndWait(ctx, job, no)
			return err
		}, 10*time.Minute + 5*time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				f.Next(sdktest.OpGetBuild, append(make([]codeartsbuildtest.Fault, tt.before), hang...)...)
				f.Next(sdktest.OpStop, codeartsbuildtest.Reply(200, `{"result":true}`)) // and nothing happens
				start := time.Now()
				err := tt.wait(t.Context(), f.Client(codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 100})), f.JobID, f.BuildNo)
				require.Equal(t, []string{"ErrStillRunning"}, sdktest.Kinds(err), "the caller's context lives")
				require.ErrorContains(t, err, "has not finished within")
				require.LessOrEqual(t, time.Since(start), tt.most)
			})
		})
	}
}

// B62: a response that arrives although the context has ended is not lost.
func TestWaitContextEndsDuringAReadWithAResponse(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		ctx, cancel := context.WithCancel(t.Context())
		client := f.Client(codeartsbuild.WithTransport(httpfake.Func(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet { // it takes no notice of the context
				cancel()
				return httpfake.Reply(403, "")(r)
			}
			return f.IAMConfig().Transport.RoundTrip(r)
		})))
		_, err := client.Builds.Wait(ctx, f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{StopOnCancel: 5 * time.Second})
		require.Equal(t, []string{"Canceled", "ErrForbidden", "ErrStillRunning"}, sdktest.Kinds(err))
		require.ErrorContains(t, err, "the stop of the build was accepted")
		require.Equal(t, 1, f.Count(sdktest.OpStop))
	})
}

// B62: a stop is for the end of the context, also if that comes together with the timeout.
func TestWaitContextEndsTogetherWithTheTimeout(t *testing.T) {
	t.Parallel()
	for range 20 { // chance decides which of the two is seen first
		sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := f.Client().Builds.Wait(ctx, f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{Timeout: 10 * time.Second, StopOnCancel: 5 * time.Second})
			require.ErrorIs(t, err, codeartsbuild.ErrStillRunning)
			stops := f.Count(sdktest.OpStop)
			require.Equal(t, errors.Is(err, context.DeadlineExceeded), stops == 1, "%v", err)
			require.LessOrEqual(t, stops, 1)
		})
	}
}
