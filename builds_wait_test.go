package codeartsbuild_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
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

// A waitersGroup is goroutines that end with the test, also with one that fails.
type waitersGroup struct {
	sync.WaitGroup
	ctx    context.Context
	cancel context.CancelFunc
}

func newWaiters(t *testing.T) *waitersGroup {
	t.Helper()
	c := new(waitersGroup)
	c.ctx, c.cancel = context.WithCancel(t.Context())
	return c
}

func (c *waitersGroup) end() {
	c.cancel()
	c.Wait()
}

// B41, B59: Wait returns the build in its last status, and calls OnChange once per status.
func TestWait(t *testing.T) {
	t.Parallel()
	const queued, running = codeartsbuild.StatusQueued, codeartsbuild.StatusRunning
	for _, last := range []codeartsbuild.BuildStatus{
		codeartsbuild.StatusSucceeded, codeartsbuild.StatusFailed, codeartsbuild.StatusAborted, codeartsbuild.StatusTimedOut,
		codeartsbuild.StatusScheduleFailed,
	} {
		tests := map[string]struct {
			first codeartsbuild.BuildStatus
			steps []codeartsbuild.BuildStatus // a minute between them
			want  []codeartsbuild.BuildStatus
		}{
			"finished already":         {first: last, want: []codeartsbuild.BuildStatus{last}},
			"running":                  {first: running, steps: []codeartsbuild.BuildStatus{last}, want: []codeartsbuild.BuildStatus{running, last}},
			"queued":                   {first: queued, steps: []codeartsbuild.BuildStatus{running, last}, want: []codeartsbuild.BuildStatus{queued, running, last}},
			"queued and never started": {first: queued, steps: []codeartsbuild.BuildStatus{last}, want: []codeartsbuild.BuildStatus{queued, last}},
			"an unknown word":          {first: running, steps: []codeartsbuild.BuildStatus{"HIBERNATING", last}, want: []codeartsbuild.BuildStatus{running, "HIBERNATING", last}},
		}
		for name, tt := range tests {
			t.Run(string(last)+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := sdktest.NewJob(t)
					no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: tt.first, Branch: "main"})
					f.Statuses(no, time.Minute, tt.steps...)
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
					require.NotEmpty(t, build.RecordID, "the build is that of its own record")
					require.Equal(t, tt.want, seen, "each status once")
					ended := time.Duration(len(tt.steps)) * time.Minute
					require.LessOrEqual(t, time.Since(start), ended+15*time.Second)
					require.Zero(t, f.Count(sdktest.OpStop))
				})
			})
		}
	}
}

// B59: options are optional.
func TestWaitWithoutOptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewBuild(t)
		f.Statuses(f.BuildNo, 20*time.Minute, codeartsbuild.StatusSucceeded)
		build, err := f.Client().Builds.Wait(t.Context(), f.JobID, f.BuildNo, nil)
		require.NoError(t, err)
		require.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
	})
}

// requirePace requires that the gaps follow the pace from its start: 2 s, half as much more each time up
// to 15 s, and up to a fifth of jitter.
func requirePace(t *testing.T, at []time.Duration) {
	t.Helper()
	pause := 2 * time.Second
	for i := 1; i < len(at); i++ {
		gap := at[i] - at[i-1]
		require.GreaterOrEqual(t, gap, pause, "gap %d of %v", i, at)
		require.LessOrEqual(t, gap, min(pause+pause/5, 15*time.Second), "gap %d of %v", i, at)
		pause = min(pause+pause/2, 15*time.Second)
	}
}

// B59: the first read is at once; pauses grow from 2 to 15 s, and start again with a change.
func TestWaitPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		reads := f.Arrivals(sdktest.OpGetBuild)
		f.Statuses(no, 3*time.Minute, codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded)
		var changes []int // reads before each
		_, err := f.Client().Builds.Wait(t.Context(), f.JobID, no, &codeartsbuild.WaitOptions{
			OnChange: func(*codeartsbuild.Build) { changes = append(changes, len(reads())) },
		})
		require.NoError(t, err)
		at := reads()
		require.Len(t, changes, 3)
		require.Equal(t, 1, changes[0])
		require.Equal(t, len(at), changes[2])
		require.Zero(t, at[0], "the first read is at once")
		requirePace(t, at[:changes[1]])   // up to the read that finds the change
		requirePace(t, at[changes[1]-1:]) // and from 2 s again
		require.Less(t, len(at), 40)
		t.Logf("one build of 6 minutes: %d reads", len(at))
		require.Zero(t, f.Count(sdktest.OpListBuild), "one build alone is read by itself")
	})
}

// B60: Wait ends with its timeout or its context, and stops nothing.
func TestWaitEndsBeforeBuild(t *testing.T) {
	t.Parallel()
	cause := errors.New("the user has had enough")
	tests := map[string]struct {
		wait  codeartsbuild.WaitOptions
		ctx   func(context.Context) (context.Context, context.CancelFunc)
		after time.Duration
		want  []error
		not   []error
		text  string
	}{
		"timeout": {
			wait:  codeartsbuild.WaitOptions{Timeout: time.Minute, StopOnCancel: time.Minute},
			ctx:   func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) },
			after: time.Minute, want: []error{codeartsbuild.ErrStillRunning}, not: []error{context.Canceled, context.DeadlineExceeded},
			text: "has not ended within 1m0s; build 1 was last seen running, after 1m0s",
		},
		"short timeout": {
			wait:  codeartsbuild.WaitOptions{Timeout: time.Second},
			ctx:   func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) },
			after: time.Second, want: []error{codeartsbuild.ErrStillRunning}, not: []error{context.Canceled, context.DeadlineExceeded}, text: "within 1s",
		},
		"context with a deadline": {
			wait: codeartsbuild.WaitOptions{},
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Minute)
			},
			after: time.Minute, want: []error{codeartsbuild.ErrStillRunning, context.DeadlineExceeded}, not: []error{context.Canceled},
			text: "context deadline exceeded; build 1 was last seen running, after 1m0s",
		},
		"context canceled with a cause": {
			wait: codeartsbuild.WaitOptions{Timeout: time.Hour},
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Minute, func() { cancel(cause) })
				return ctx, func() { cancel(nil) }
			},
			after: time.Minute, want: []error{codeartsbuild.ErrStillRunning, context.Canceled, cause}, not: []error{context.DeadlineExceeded}, text: "had enough",
		},
		"context canceled before": {
			wait: codeartsbuild.WaitOptions{},
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx, cancel
			},
			want: []error{codeartsbuild.ErrStillRunning, context.Canceled}, text: "context canceled; waited 0s",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewBuild(t)
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				start := time.Now()
				build, err := f.Client().Builds.Wait(ctx, f.JobID, f.BuildNo, &tt.wait)
				require.Nil(t, build)
				for _, kind := range tt.want {
					require.ErrorIs(t, err, kind)
				}
				for _, kind := range append(tt.not, codeartsbuild.ErrOutcomeUnknown) {
					require.NotErrorIs(t, err, kind)
				}
				require.ErrorContains(t, err, tt.text)
				require.Equal(t, tt.after, time.Since(start), "exactly then")
				require.Zero(t, f.Count(sdktest.OpStop), "waiting stops nothing")
				require.Equal(t, codeartsbuild.StatusRunning, f.Status(f.JobID, f.BuildNo))
			})
		})
	}
}

// B60: the last read is at the timeout.
func TestWaitLastReadAtTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewBuild(t)
		f.Statuses(f.BuildNo, 99*time.Millisecond, codeartsbuild.StatusSucceeded)
		build, err := f.Client().Builds.Wait(t.Context(), f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{Timeout: 100 * time.Millisecond})
		require.NoError(t, err, "the build had finished within the time")
		require.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
	})
}

// B60: five failed reads in a row end it.
func TestWaitFailedReads(t *testing.T) {
	t.Parallel()
	forbidden := codeartsbuildtest.Reply(403, `{"error_code":"APIGW.0302","error_msg":"no"}`)
	queueOf := func(pattern string) (queue faults) {
		for _, c := range pattern {
			if c == 'x' {
				queue = append(queue, forbidden)
			} else {
				queue = append(queue, nil)
			}
		}
		return queue
	}
	tests := map[string]struct {
		reads    string // x fails
		requests int
		fails    bool
	}{
		"five in a row":                    {reads: "xxxxx", requests: 5, fails: true},
		"five in a row after some":         {reads: "...xxxxx", requests: 8, fails: true},
		"five, but not in a row":           {reads: "xxxx.xxxx.", requests: 10},
		"the build ends while reads fail":  {reads: "...xxxx.", requests: 8},
		"the fifth failure is not reached": {reads: "xxxx", requests: 5},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewBuild(t)
				queue := queueOf(tt.reads)
				last := len(queue)
				if !tt.fails { // the build ends with the last read
					queue = append(queue, make(faults, tt.requests-last)...)
					queue[len(queue)-1] = sdktest.Before(func(*http.Request) { f.Finish(f.JobID, f.BuildNo, codeartsbuild.StatusFailed) })
				}
				f.Next(sdktest.OpGetBuild, queue...)
				build, err := f.Client().Builds.Wait(t.Context(), f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{StopOnCancel: time.Minute})
				require.Equal(t, tt.requests, f.Count(sdktest.OpGetBuild))
				require.Zero(t, f.Count(sdktest.OpStop), "only the end of the context stops a build")
				if !tt.fails {
					require.NoError(t, err)
					require.Equal(t, codeartsbuild.StatusFailed, build.Status)
					return
				}
				require.Nil(t, build)
				require.ErrorIs(t, err, codeartsbuild.ErrForbidden)
				apiErr := sdktest.APIError(t, err)
				require.NotEmpty(t, apiErr.RequestID)
				require.ErrorContains(t, err, "the last of 5 reads that failed")
			})
		})
	}
}

// B60: a build that does not exist.
func TestWaitUnknownBuild(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		_, err := f.Client().Builds.Wait(t.Context(), f.JobID, "9", nil)
		require.ErrorIs(t, err, codeartsbuild.ErrNotFound)
	})
}

// B60: arguments and options that cannot be are rejected.
func TestWaitRejected(t *testing.T) {
	t.Parallel()
	f := sdktest.NewBuild(t)
	client := f.Client()
	stop := &codeartsbuild.WaitOptions{StopOnCancel: time.Minute}
	tests := map[string]struct {
		ctx     context.Context
		job, no string
		in      *codeartsbuild.WaitOptions
	}{
		"no context":             {job: f.JobID, no: f.BuildNo},
		"no context to stop":     {job: f.JobID, no: f.BuildNo, in: stop},
		"no job":                 {ctx: t.Context(), no: f.BuildNo, in: stop},
		"no build":               {ctx: t.Context(), job: f.JobID, in: stop},
		"a daily number":         {ctx: t.Context(), job: f.JobID, no: "20261124.3", in: stop},
		"a negative timeout":     {ctx: t.Context(), job: f.JobID, no: f.BuildNo, in: &codeartsbuild.WaitOptions{Timeout: -1}},
		"a negative stop":        {ctx: t.Context(), job: f.JobID, no: f.BuildNo, in: &codeartsbuild.WaitOptions{StopOnCancel: -1}},
		"no job, nothing to say": {ctx: t.Context(), no: f.BuildNo},
	}
	for name, tt := range tests {
		build, err := client.Builds.Wait(tt.ctx, tt.job, tt.no, tt.in)
		require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, name)
		require.Nil(t, build)
	}
	require.Empty(t, f.Requests())
}

// B60: Retry-After is obeyed by all who wait.
func TestWaitRetryAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		watchers  int
		throttled string // operation
	}{
		"one build, its read":         {1, sdktest.OpGetBuild},
		"several builds, their list":  {3, sdktest.OpListBuild},
		"a crowd of builds, its list": {50, sdktest.OpListBuild},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				client := f.Client()
				waiters := newWaiters(t)
				defer waiters.end()
				for range tt.watchers {
					no := f.StartBuild(f.JobID)
					waiters.Go(func() {
						_, err := client.Builds.Wait(waiters.ctx, f.JobID, no, nil)
						assert.True(t, err == nil || waiters.ctx.Err() != nil, "%v", err)
					})
				}
				time.Sleep(time.Second) // after the first reads
				before := len(f.Requests())
				require.Equal(t, tt.watchers, before)
				f.Next(tt.throttled, sdktest.RetryAfter("120"))
				time.Sleep(2 * time.Second)
				require.Equal(t, before+1, len(f.Requests()), "no request after that")
				time.Sleep(110 * time.Second)
				require.Equal(t, before+1, len(f.Requests()), "for the time that the service asked for")
				time.Sleep(time.Minute)
				require.Greater(t, len(f.Requests()), before+1, "and then they go on")
				for i := range tt.watchers {
					f.Finish(f.JobID, fmt.Sprint(i+1), codeartsbuild.StatusSucceeded)
				}
				waiters.Wait()
			})
		})
	}
}

// B61: many builds of a job cost one list call a tick.
func TestWaitManyBuildsOneList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const builds, watched = 50, 10 * time.Minute
		f := sdktest.NewJob(t)
		client := f.Client()
		lists := f.Arrivals(sdktest.OpListBuild)
		waiters := newWaiters(t)
		defer waiters.end()
		for range builds {
			no := f.StartBuild(f.JobID)
			waiters.Go(func() {
				build, err := client.Builds.Wait(waiters.ctx, f.JobID, no, nil)
				if waiters.ctx.Err() == nil && assert.NoError(t, err) {
					assert.Equal(t, no, build.BuildNo)
					assert.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
					assert.NotEmpty(t, build.RecordID)
				}
			})
		}
		time.Sleep(watched)
		ticks := lists()
		require.Equal(t, builds, f.Count(sdktest.OpGetBuild), "each build is read by itself once, at first")
		require.Equal(t, builds+len(ticks), len(f.Requests()), "and then there is nothing but the list")
		requirePace(t, ticks) // its pace starts with each first read
		require.InDelta(t, 42, len(ticks), 3, "ticks of 10 minutes")

		for i := range builds {
			f.Finish(f.JobID, fmt.Sprint(i+1), codeartsbuild.StatusSucceeded)
		}
		waiters.Wait()
		last := len(lists())
		require.Equal(t, len(ticks)+1, last)
		require.Equal(t, 2*builds, f.Count(sdktest.OpGetBuild), "and once in the end")
		t.Logf("%d builds watched for %v: %d ticks with %d list calls, %d reads of single builds at first and %d in the end, %d requests in all (by themselves they would be %d)",
			builds, watched, last, last, builds, builds, len(f.Requests()), builds*(last+1))
	})
}

// B61: builds of a job that end one after the other.
func TestWaitBuildsEndInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const builds = 20
		f := sdktest.NewJob(t)
		client := f.Client()
		start, lists := time.Now(), f.Arrivals(sdktest.OpListBuild)
		waiters := newWaiters(t)
		defer waiters.end()
		for i := range builds {
			no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
			ends := time.Duration(i+1) * 30 * time.Second
			f.Statuses(no, ends/2, codeartsbuild.StatusRunning, codeartsbuild.StatusFailed)
			waiters.Go(func() {
				var seen []codeartsbuild.BuildStatus
				build, err := client.Builds.Wait(waiters.ctx, f.JobID, no, &codeartsbuild.WaitOptions{
					OnChange: func(b *codeartsbuild.Build) { seen = append(seen, b.Status) },
				})
				if assert.NoError(t, err) {
					assert.Equal(t, no, build.BuildNo)
				}
				assert.Equal(t, []codeartsbuild.BuildStatus{codeartsbuild.StatusQueued, codeartsbuild.StatusRunning, codeartsbuild.StatusFailed}, seen)
				assert.LessOrEqual(t, time.Since(start), ends+16*time.Second)
			})
		}
		waiters.Wait()
		at := lists()
		for i := 1; i < len(at); i++ {
			require.GreaterOrEqual(t, at[i]-at[i-1], 2*time.Second, "one list call a tick")
		}
		reads := f.Count(sdktest.OpGetBuild)
		require.LessOrEqual(t, reads, 2*builds+20, "apart from the last build, which is alone in the end")
		t.Logf("%d builds that end over 10 minutes: %d list calls, %d reads of single builds", builds, len(at), reads)
	})
}

// B61: a build that the list does not show, or one alone, is read by itself.
func TestWaitBuildNotInList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewService(t)
		client := f.Client()
		waiters := newWaiters(t)
		defer waiters.end()
		wait := func(job, no string) {
			waiters.Go(func() {
				build, err := client.Builds.Wait(waiters.ctx, job, no, nil)
				if assert.NoError(t, err) {
					assert.Equal(t, [2]string{job, no}, [2]string{build.JobID, build.BuildNo})
				}
			})
		}
		busy := f.AddJob("busy") // of 150 builds, of which the oldest is not on the first page
		for range 150 {
			f.StartBuild(busy)
		}
		wait(busy, "1")
		wait(busy, "150")
		lonely := f.AddJob("lonely") // with one build
		wait(lonely, f.StartBuild(lonely))
		time.Sleep(5 * time.Minute)
		got := map[string]int{}
		for _, r := range f.Requests() {
			path, _, _ := strings.Cut(r.Path, "?")
			got[path]++
		}
		lists := got["/v1/record/"+busy+"/list"]
		require.InDelta(t, 23, lists, 3, "the ticks of 5 minutes")
		require.Equal(t, 1, got["/v1/record/"+busy+"/150/record-info"], "the list shows it")
		require.Equal(t, 1+lists, got["/v1/record/"+busy+"/1/record-info"], "which the list does not show")
		require.Zero(t, got["/v1/record/"+lonely+"/list"], "one build alone is read by itself")
		require.InDelta(t, 24, got["/v1/record/"+lonely+"/1/record-info"], 3)
		f.Finish(busy, "150", codeartsbuild.StatusSucceeded)
		time.Sleep(time.Minute)
		f.Finish(busy, "1", codeartsbuild.StatusSucceeded)
		f.Finish(lonely, "1", codeartsbuild.StatusSucceeded)
		waiters.Wait()
	})
}

// B61: waiters that leave do not hold up the others, and nothing is read for them.
func TestWaitersLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		waiters := newWaiters(t)
		defer waiters.end()
		for i := range 10 {
			no := f.StartBuild(f.JobID)
			leaves := time.Duration(i+1) * 10 * time.Second
			waiters.Go(func() {
				ctx, cancel := context.WithTimeout(waiters.ctx, leaves)
				defer cancel()
				start := time.Now()
				_, err := client.Builds.Wait(ctx, f.JobID, no, nil)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, leaves, time.Since(start))
			})
		}
		no := f.StartBuild(f.JobID)
		waiters.Go(func() {
			_, err := client.Builds.Wait(waiters.ctx, f.JobID, no, nil)
			assert.NoError(t, err)
		})
		f.Statuses(no, 5*time.Minute, codeartsbuild.StatusSucceeded)
		waiters.Wait()
		before := len(f.Requests())
		time.Sleep(time.Hour)
		require.Equal(t, before, len(f.Requests()), "nothing is read for waiters that have left")
	})
}

// B62: with StopOnCancel the end of the context stops the build once.
func TestWaitStopOnCancel(t *testing.T) {
	t.Parallel()
	const denied = `{"result":false}`
	dead := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx, cancel
	}
	after := func(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
		return func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(d, cancel)
			return ctx, cancel
		}
	}
	deadline := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, time.Minute)
	}
	tests := map[string]struct {
		ctx      func(context.Context) (context.Context, context.CancelFunc)
		faults   faults
		finish   bool // the build ends with the context
		kind     error
		took     time.Duration // from the end of the context on; -1: a pause before a retry
		stops    int
		unknown  bool
		text     string
		aborted  bool
		finished bool
	}{
		"accepted":              {ctx: after(time.Minute), kind: context.Canceled, stops: 1, text: "; the stop of the build was accepted", aborted: true},
		"after a deadline":      {ctx: deadline, kind: context.DeadlineExceeded, stops: 1, text: "; the stop of the build was accepted", aborted: true},
		"the context was over":  {ctx: dead, kind: context.Canceled, stops: 1, text: "; the stop of the build was accepted", aborted: true},
		"the build had ended":   {ctx: after(time.Minute), finish: true, kind: context.Canceled, stops: 1, text: "; the build had already finished"},
		"the stop is forbidden": {ctx: after(time.Minute), faults: faults{codeartsbuildtest.Reply(403, "{}")}, kind: context.Canceled, stops: 1, unknown: true, text: "not confirmed"},
		"the stop is denied":    {ctx: after(time.Minute), faults: faults{codeartsbuildtest.Reply(200, denied)}, kind: context.Canceled, stops: 1, unknown: true, text: "not confirmed"},
		"the stop takes too long": {
			ctx: after(time.Minute), faults: faults{codeartsbuildtest.Delay(time.Hour)},
			kind: context.Canceled, took: 20 * time.Second, stops: 1, unknown: true, text: "not confirmed",
		},
		"its response is lost": {
			ctx: after(time.Minute), faults: faults{codeartsbuildtest.DropAnswer()},
			kind: context.Canceled, took: -1, stops: 2, text: "; the stop of the build was accepted", aborted: true,
		},
		"a deadline, and the stop takes too long": {
			ctx: deadline, faults: faults{codeartsbuildtest.Delay(time.Hour)},
			kind: context.DeadlineExceeded, took: 20 * time.Second, stops: 1, unknown: true, text: "not confirmed",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewBuild(t)
				f.Next(sdktest.OpStop, tt.faults...)
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				var ended time.Time
				context.AfterFunc(ctx, func() { ended = time.Now() })
				if tt.finish {
					f.Statuses(f.BuildNo, time.Minute-time.Millisecond, codeartsbuild.StatusSucceeded)
				}
				build, err := f.Client().Builds.Wait(ctx, f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{StopOnCancel: 20 * time.Second})
				synctest.Wait()
				require.Nil(t, build)
				require.ErrorIs(t, err, tt.kind, "the error is the context's")
				require.ErrorContains(t, err, tt.text)
				require.Equal(t, tt.unknown, errors.Is(err, codeartsbuild.ErrOutcomeUnknown), "outcome unknown: %v", err)
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

// B62: without StopOnCancel the build goes on.
func TestWaitCancelStopsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewBuild(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := f.Client().Builds.Wait(ctx, f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{Timeout: time.Hour})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotContains(t, err.Error(), "stop")
		require.Zero(t, f.Count(sdktest.OpStop))
	})
}

// B62: each of many waiters stops its own build.
func TestWaitersStopTheirOwnBuild(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		waiters := newWaiters(t)
		defer waiters.end()
		for range 10 {
			no := f.StartBuild(f.JobID)
			waiters.Go(func() {
				_, err := client.Builds.Wait(waiters.ctx, f.JobID, no, &codeartsbuild.WaitOptions{StopOnCancel: time.Minute})
				assert.ErrorIs(t, err, context.Canceled)
				assert.ErrorContains(t, err, "accepted")
			})
		}
		time.Sleep(time.Minute)
		waiters.cancel()
		waiters.Wait()
		require.Equal(t, 10, f.Count(sdktest.OpStop))
		time.Sleep(5 * time.Second)
		for i := range 10 {
			require.Equal(t, codeartsbuild.StatusAborted, f.Status(f.JobID, fmt.Sprint(i+1)))
		}
	})
}

// B60: reads that hang do not prolong waiting.
func TestWaitReadHangs(t *testing.T) {
	t.Parallel()
	hang := slices.Repeat(faults{codeartsbuildtest.Delay(time.Hour)}, 40)
	tests := map[string]struct {
		before int // reads that do not hang
		wait   func(context.Context, *codeartsbuild.Client, string, string) error
		most   time.Duration
	}{
		"from the first one on": {wait: func(ctx context.Context, c *codeartsbuild.Client, job, no string) error {
			_, err := c.Builds.Wait(ctx, job, no, &codeartsbuild.WaitOptions{Timeout: 5 * time.Second})
			return err
		}, most: 10 * time.Second},
		"later": {before: 2, wait: func(ctx context.Context, c *codeartsbuild.Client, job, no string) error {
			_, err := c.Builds.Wait(ctx, job, no, &codeartsbuild.WaitOptions{Timeout: time.Minute})
			return err
		}, most: 65 * time.Second},
		"after a stop": {before: 1, wait: func(ctx context.Context, c *codeartsbuild.Client, job, no string) error {
			_, err := c.Jobs.StopAndWait(ctx, job, no)
			return err
		}, most: 10*time.Minute + 5*time.Second},
		"after the stops of a plan": {before: 1, wait: func(ctx context.Context, c *codeartsbuild.Client, job, no string) error {
			outcomes, err := c.Builds.StopPlanned(ctx, buildsPlan(job, no), &codeartsbuild.StopPlannedOptions{Wait: 10 * time.Second})
			require.Equal(t, []string{"1 stopped+error"}, buildsOutcomes(outcomes))
			require.GreaterOrEqual(t, outcomes[0].Took, 10*time.Second)
			return err
		}, most: 15 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewBuild(t)
				f.Next(sdktest.OpGetBuild, append(make(faults, tt.before), hang...)...)
				f.Next(sdktest.OpStop, codeartsbuildtest.Reply(200, `{"result":true}`)) // the build goes on
				start := time.Now()
				err := tt.wait(t.Context(), f.Client(codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 100})), f.JobID, f.BuildNo)
				require.ErrorIs(t, err, codeartsbuild.ErrStillRunning)
				require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context lives")
				require.NotErrorIs(t, err, context.Canceled)
				require.ErrorContains(t, err, "has not ended within")
				require.LessOrEqual(t, time.Since(start), tt.most)
			})
		})
	}
}

// B62: the context ends during a read whose response still comes.
func TestWaitContextEndsDuringRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewBuild(t)
		ctx, cancel := context.WithCancel(t.Context())
		client := f.Client(codeartsbuild.WithTransport(httpfake.Func(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet { // its response comes although the context ends
				cancel()
				return &http.Response{StatusCode: 403, ProtoMajor: 1, Body: http.NoBody}, nil
			}
			return f.IAMConfig().Transport.RoundTrip(r)
		})))
		_, err := client.Builds.Wait(ctx, f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{StopOnCancel: 5 * time.Second})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, codeartsbuild.ErrForbidden, "its error is kept")
		require.ErrorContains(t, err, "the stop of the build was accepted")
		require.Equal(t, 1, f.Count(sdktest.OpStop))
	})
}

// B62: the context ends together with the timeout.
func TestWaitContextEndsWithTimeout(t *testing.T) {
	t.Parallel()
	for range 20 { // either of the two may come first
		synctest.Test(t, func(t *testing.T) {
			f := sdktest.NewBuild(t)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := f.Client().Builds.Wait(ctx, f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{Timeout: 10 * time.Second, StopOnCancel: 5 * time.Second})
			require.ErrorIs(t, err, codeartsbuild.ErrStillRunning)
			stops := f.Count(sdktest.OpStop)
			require.Equal(t, errors.Is(err, context.DeadlineExceeded), stops == 1, "a stop is for the end of the context: %v", err)
			require.LessOrEqual(t, stops, 1)
		})
	}
}
