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
)

const (
	buildsOpGet  = "ShowJobBuildRecordDetail"
	buildsOpList = "ListBuildInfoRecordByJobId"
	buildsOpStop = "StopJob"
)

// buildsDo is a fault that does something else first, and then lets the service answer.
func buildsDo(do func(*http.Request)) codeartsbuildtest.Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			do(r)
			next.ServeHTTP(w, r)
		})
	}
}

// buildsThrottled refuses a request for the given seconds.
func buildsThrottled(seconds string) codeartsbuildtest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", seconds)
			w.WriteHeader(http.StatusTooManyRequests)
		})
	}
}

// buildsEach queues the same fault for many requests.
func buildsEach(srv *codeartsbuildtest.Server, operation string, n int, fault codeartsbuildtest.Fault) {
	srv.Next(operation, slices.Repeat([]codeartsbuildtest.Fault{fault}, n)...)
}

// A buildsClock notes when the requests of an operation arrive, since it was made.
type buildsClock struct {
	start time.Time
	mu    sync.Mutex
	at    []time.Duration
}

func buildsTimes(srv *codeartsbuildtest.Server, operation string) *buildsClock {
	c := &buildsClock{start: time.Now()}
	buildsEach(srv, operation, 10_000, buildsDo(func(*http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.at = append(c.at, time.Since(c.start))
	}))
	return c
}

func (c *buildsClock) times() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.at)
}

// A buildsCrowd is goroutines that end with the test, also with one that fails.
type buildsCrowd struct {
	sync.WaitGroup
	ctx    context.Context
	cancel context.CancelFunc
}

func buildsTogether(t *testing.T) *buildsCrowd {
	t.Helper()
	c := new(buildsCrowd)
	c.ctx, c.cancel = context.WithCancel(t.Context())
	return c
}

func (c *buildsCrowd) end() {
	c.cancel()
	c.Wait()
}

// buildsSteps lets a build have one status after the other, with the same pause before each.
func buildsSteps(srv *codeartsbuildtest.Server, job, no string, pause time.Duration, steps ...codeartsbuild.BuildStatus) {
	for i, status := range steps {
		time.AfterFunc(time.Duration(i+1)*pause, func() { srv.Finish(job, no, status) })
	}
}

func TestB59WaitReturnsTheBuildInItsLastStatus(t *testing.T) {
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
			"over already":             {last, nil, []codeartsbuild.BuildStatus{last}},
			"running":                  {running, []codeartsbuild.BuildStatus{last}, []codeartsbuild.BuildStatus{running, last}},
			"queued":                   {queued, []codeartsbuild.BuildStatus{running, last}, []codeartsbuild.BuildStatus{queued, running, last}},
			"queued and never started": {queued, []codeartsbuild.BuildStatus{last}, []codeartsbuild.BuildStatus{queued, last}},
			"B41 an unknown word":      {running, []codeartsbuild.BuildStatus{"HIBERNATING", last}, []codeartsbuild.BuildStatus{running, "HIBERNATING", last}},
		}
		for name, tt := range tests {
			t.Run(string(last)+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := codeartsbuildtest.NewServer()
					defer srv.Close()
					job := srv.AddJob("nightly")
					no := srv.AddBuild(job, codeartsbuild.Build{Status: tt.first, Branch: "main"})
					buildsSteps(srv, job, no, time.Minute, tt.steps...)
					var seen []codeartsbuild.BuildStatus
					start := time.Now()
					build, err := srv.Client().Builds.Wait(t.Context(), job, no, &codeartsbuild.WaitOptions{
						OnChange: func(b *codeartsbuild.Build) {
							require.Equal(t, no, b.BuildNo)
							seen = append(seen, b.Status)
						},
					})
					require.NoError(t, err)
					require.Equal(t, last, build.Status)
					require.Equal(t, no, build.BuildNo)
					require.NotEmpty(t, build.RecordID, "the build comes from its own record, which knows more than a list")
					require.Equal(t, tt.want, seen, "each status once")
					ended := time.Duration(len(tt.steps)) * time.Minute
					require.LessOrEqual(t, time.Since(start), ended+15*time.Second)
					require.Zero(t, buildsCount(srv, buildsOpStop))
				})
			})
		}
	}
}

func TestB59WaitWithoutOptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		buildsSteps(srv, job, no, 20*time.Minute, codeartsbuild.StatusSucceeded)
		build, err := srv.Client().Builds.Wait(t.Context(), job, no, nil)
		require.NoError(t, err)
		require.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
	})
}

// buildsPaced requires that the gaps follow the pace from its start: 2 s, half as much more each time up
// to 15 s, and up to a fifth of jitter.
func buildsPaced(t *testing.T, at []time.Duration) {
	t.Helper()
	pause := 2 * time.Second
	for i := 1; i < len(at); i++ {
		gap := at[i] - at[i-1]
		require.GreaterOrEqual(t, gap, pause, "gap %d of %v", i, at)
		require.LessOrEqual(t, gap, min(pause+pause/5, 15*time.Second), "gap %d of %v", i, at)
		pause = min(pause+pause/2, 15*time.Second)
	}
}

func TestB59PaceOfReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		clock := buildsTimes(srv, buildsOpGet)
		buildsSteps(srv, job, no, 3*time.Minute, codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded)
		var changes []int // reads before each
		_, err := srv.Client().Builds.Wait(t.Context(), job, no, &codeartsbuild.WaitOptions{
			OnChange: func(*codeartsbuild.Build) { changes = append(changes, len(clock.times())) },
		})
		require.NoError(t, err)
		at := clock.times()
		require.Len(t, changes, 3)
		require.Equal(t, 1, changes[0])
		require.Equal(t, len(at), changes[2])
		require.Zero(t, at[0], "the first read is at once")
		buildsPaced(t, at[:changes[1]])   // up to the read that sees the change
		buildsPaced(t, at[changes[1]-1:]) // and faster again from there on
		require.Less(t, len(at), 40)
		t.Logf("one build of 6 minutes: %d reads", len(at))
		require.Zero(t, buildsCount(srv, buildsOpList), "one build alone is read by itself")
	})
}

func TestB60WaitThatEndsBeforeTheBuild(t *testing.T) {
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
		"the time to wait is over": {
			codeartsbuild.WaitOptions{Timeout: time.Minute, StopOnCancel: time.Minute},
			func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) },
			time.Minute, []error{codeartsbuild.ErrStillRunning}, []error{context.Canceled, context.DeadlineExceeded},
			"has not ended within 1m0s; build 1 was last seen running, after 1m0s",
		},
		"a short time": {
			codeartsbuild.WaitOptions{Timeout: time.Second},
			func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) },
			time.Second, []error{codeartsbuild.ErrStillRunning}, []error{context.Canceled, context.DeadlineExceeded}, "within 1s",
		},
		"the context has a deadline": {
			codeartsbuild.WaitOptions{},
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Minute)
			},
			time.Minute, []error{codeartsbuild.ErrStillRunning, context.DeadlineExceeded}, []error{context.Canceled},
			"context deadline exceeded; build 1 was last seen running, after 1m0s",
		},
		"the context is cancelled": {
			codeartsbuild.WaitOptions{Timeout: time.Hour},
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Minute, func() { cancel(cause) })
				return ctx, func() { cancel(nil) }
			},
			time.Minute, []error{codeartsbuild.ErrStillRunning, context.Canceled, cause}, []error{context.DeadlineExceeded}, "had enough",
		},
		"the context had ended before": {
			codeartsbuild.WaitOptions{},
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx, cancel
			},
			0, []error{codeartsbuild.ErrStillRunning, context.Canceled}, nil, "context canceled; waited 0s",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				no := srv.StartBuild(job)
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				start := time.Now()
				build, err := srv.Client().Builds.Wait(ctx, job, no, &tt.wait)
				require.Nil(t, build)
				for _, kind := range tt.want {
					require.ErrorIs(t, err, kind)
				}
				for _, kind := range append(tt.not, codeartsbuild.ErrOutcomeUnknown) {
					require.NotErrorIs(t, err, kind)
				}
				require.ErrorContains(t, err, tt.text)
				require.Equal(t, tt.after, time.Since(start), "to the moment")
				require.Zero(t, buildsCount(srv, buildsOpStop), "waiting stops nothing")
				require.Equal(t, codeartsbuild.StatusRunning, srv.Status(job, no))
			})
		})
	}
}

func TestB60LastReadIsAtTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		buildsSteps(srv, job, no, 99*time.Millisecond, codeartsbuild.StatusSucceeded)
		build, err := srv.Client().Builds.Wait(t.Context(), job, no, &codeartsbuild.WaitOptions{Timeout: 100 * time.Millisecond})
		require.NoError(t, err, "the build had ended within the time")
		require.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
	})
}

func TestB60FailedReads(t *testing.T) {
	t.Parallel()
	refuse := codeartsbuildtest.Reply(403, `{"error_code":"APIGW.0302","error_msg":"no"}`)
	faults := func(pattern string) (queue []codeartsbuildtest.Fault) {
		for _, c := range pattern {
			if c == 'x' {
				queue = append(queue, refuse)
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
		"five in a row":                    {"xxxxx", 5, true},
		"five in a row after some":         {"...xxxxx", 8, true},
		"five, but not in a row":           {"xxxx.xxxx.", 10, false},
		"the build ends while reads fail":  {"...xxxx.", 8, false},
		"the fifth failure is not reached": {"xxxx", 5, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				no := srv.StartBuild(job)
				queue := faults(tt.reads)
				last := len(queue)
				if !tt.fails { // the build ends with the last read
					queue = append(queue, make([]codeartsbuildtest.Fault, tt.requests-last)...)
					queue[len(queue)-1] = buildsDo(func(*http.Request) { srv.Finish(job, no, codeartsbuild.StatusFailed) })
				}
				srv.Next(buildsOpGet, queue...)
				build, err := srv.Client().Builds.Wait(t.Context(), job, no, &codeartsbuild.WaitOptions{StopOnCancel: time.Minute})
				require.Equal(t, tt.requests, buildsCount(srv, buildsOpGet))
				require.Zero(t, buildsCount(srv, buildsOpStop), "only the end of the context stops a build")
				if !tt.fails {
					require.NoError(t, err)
					require.Equal(t, codeartsbuild.StatusFailed, build.Status)
					return
				}
				require.Nil(t, build)
				require.ErrorIs(t, err, codeartsbuild.ErrForbidden)
				var apiErr *codeartsbuild.APIError
				require.ErrorAs(t, err, &apiErr)
				require.NotEmpty(t, apiErr.RequestID)
				require.ErrorContains(t, err, "the last of 5 reads that failed")
			})
		})
	}
}

func TestB60WaitForABuildThatDoesNotExist(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		_, err := srv.Client().Builds.Wait(t.Context(), job, "9", nil)
		require.ErrorIs(t, err, codeartsbuild.ErrNotFound)
	})
}

func TestB60WaitThatIsRefused(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	client := srv.Client()
	stop := &codeartsbuild.WaitOptions{StopOnCancel: time.Minute}
	tests := map[string]struct {
		ctx     context.Context
		job, no string
		in      *codeartsbuild.WaitOptions
	}{
		"no context":             {nil, job, no, nil},
		"no context to stop":     {nil, job, no, stop},
		"no job":                 {t.Context(), "", no, stop},
		"no build":               {t.Context(), job, "", stop},
		"a daily number":         {t.Context(), job, "20261124.3", stop},
		"a negative timeout":     {t.Context(), job, no, &codeartsbuild.WaitOptions{Timeout: -1}},
		"a negative stop":        {t.Context(), job, no, &codeartsbuild.WaitOptions{StopOnCancel: -1}},
		"no job, nothing to say": {t.Context(), "", no, nil},
	}
	for name, tt := range tests {
		build, err := client.Builds.Wait(tt.ctx, tt.job, tt.no, tt.in)
		require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, name)
		require.Nil(t, build)
	}
	require.Empty(t, srv.Requests())
}

func TestB60RetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		watchers int
		refused  string // the operation that is throttled
	}{
		"one build, its read":         {1, buildsOpGet},
		"several builds, their list":  {3, buildsOpList},
		"a crowd of builds, its list": {50, buildsOpList},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				client := srv.Client()
				crowd := buildsTogether(t)
				defer crowd.end()
				for range tt.watchers {
					no := srv.StartBuild(job)
					crowd.Go(func() {
						_, err := client.Builds.Wait(crowd.ctx, job, no, nil)
						assert.True(t, err == nil || crowd.ctx.Err() != nil, "%v", err)
					})
				}
				time.Sleep(time.Second) // the first reads are over
				before := len(srv.Requests())
				require.Equal(t, tt.watchers, before)
				srv.Next(tt.refused, buildsThrottled("120"))
				time.Sleep(2 * time.Second)
				require.Equal(t, before+1, len(srv.Requests()), "after the refusal nobody asks")
				time.Sleep(110 * time.Second)
				require.Equal(t, before+1, len(srv.Requests()), "for the time that the service asked for")
				time.Sleep(time.Minute)
				require.Greater(t, len(srv.Requests()), before+1, "and then they go on")
				for i := range tt.watchers {
					srv.Finish(job, fmt.Sprint(i+1), codeartsbuild.StatusSucceeded)
				}
				crowd.Wait()
			})
		})
	}
}

func TestB61WatchingManyBuildsOfAJobCostsOneListATick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const builds, watched = 50, 10 * time.Minute
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		client := srv.Client()
		clock := buildsTimes(srv, buildsOpList)
		crowd := buildsTogether(t)
		defer crowd.end()
		for range builds {
			no := srv.StartBuild(job)
			crowd.Go(func() {
				build, err := client.Builds.Wait(crowd.ctx, job, no, nil)
				if crowd.ctx.Err() == nil && assert.NoError(t, err) {
					assert.Equal(t, no, build.BuildNo)
					assert.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
					assert.NotEmpty(t, build.RecordID)
				}
			})
		}
		time.Sleep(watched)
		ticks := clock.times()
		require.Equal(t, builds, buildsCount(srv, buildsOpGet), "each build is read by itself once, at first")
		require.Equal(t, builds+len(ticks), len(srv.Requests()), "and then there is nothing but the list")
		buildsPaced(t, ticks) // to the first one the pace starts with each first read
		require.InDelta(t, 42, len(ticks), 3, "ticks of 10 minutes")

		for i := range builds {
			srv.Finish(job, fmt.Sprint(i+1), codeartsbuild.StatusSucceeded)
		}
		crowd.Wait()
		last := len(clock.times())
		require.Equal(t, len(ticks)+1, last)
		require.Equal(t, 2*builds, buildsCount(srv, buildsOpGet), "and once in the end")
		t.Logf("%d builds watched for %v: %d ticks with %d list calls, %d reads of single builds at first and %d in the end, %d requests in all (by themselves they would be %d)",
			builds, watched, last, last, builds, builds, len(srv.Requests()), builds*(last+1))
	})
}

func TestB61BuildsThatEndOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const builds = 20
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		client := srv.Client()
		clock := buildsTimes(srv, buildsOpList)
		crowd := buildsTogether(t)
		defer crowd.end()
		for i := range builds {
			no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
			ends := time.Duration(i+1) * 30 * time.Second
			buildsSteps(srv, job, no, ends/2, codeartsbuild.StatusRunning, codeartsbuild.StatusFailed)
			crowd.Go(func() {
				var seen []codeartsbuild.BuildStatus
				build, err := client.Builds.Wait(crowd.ctx, job, no, &codeartsbuild.WaitOptions{
					OnChange: func(b *codeartsbuild.Build) { seen = append(seen, b.Status) },
				})
				if assert.NoError(t, err) {
					assert.Equal(t, no, build.BuildNo)
				}
				assert.Equal(t, []codeartsbuild.BuildStatus{codeartsbuild.StatusQueued, codeartsbuild.StatusRunning, codeartsbuild.StatusFailed}, seen)
				assert.LessOrEqual(t, time.Since(clock.start), ends+16*time.Second)
			})
		}
		crowd.Wait()
		at := clock.times()
		for i := 1; i < len(at); i++ {
			require.GreaterOrEqual(t, at[i]-at[i-1], 2*time.Second, "one list a tick")
		}
		reads := buildsCount(srv, buildsOpGet)
		require.LessOrEqual(t, reads, 2*builds+20, "apart from the last build, which is alone in the end")
		t.Logf("%d builds that end over 10 minutes: %d list calls, %d reads of single builds", builds, len(at), reads)
	})
}

func TestB61OtherJobsAndBuildsThatNoListShows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		client := srv.Client()
		crowd := buildsTogether(t)
		defer crowd.end()
		wait := func(job, no string) {
			crowd.Go(func() {
				build, err := client.Builds.Wait(crowd.ctx, job, no, nil)
				if assert.NoError(t, err) {
					assert.Equal(t, [2]string{job, no}, [2]string{build.JobID, build.BuildNo})
				}
			})
		}
		busy := srv.AddJob("busy") // of 150 builds, of which the oldest is not on the first page
		for range 150 {
			srv.StartBuild(busy)
		}
		wait(busy, "1")
		wait(busy, "150")
		lonely := srv.AddJob("lonely") // of which nobody else watches a build
		wait(lonely, srv.StartBuild(lonely))
		time.Sleep(5 * time.Minute)
		got := map[string]int{}
		for _, r := range srv.Requests() {
			path, _, _ := strings.Cut(r.Path, "?")
			got[path]++
		}
		lists := got["/v1/record/"+busy+"/list"]
		require.InDelta(t, 23, lists, 3, "the ticks of 5 minutes")
		require.Equal(t, 1, got["/v1/record/"+busy+"/150/record-info"], "the list shows it")
		require.Equal(t, 1+lists, got["/v1/record/"+busy+"/1/record-info"], "which the list does not show")
		require.Zero(t, got["/v1/record/"+lonely+"/list"], "one build alone is read by itself")
		require.InDelta(t, 24, got["/v1/record/"+lonely+"/1/record-info"], 3)
		srv.Finish(busy, "150", codeartsbuild.StatusSucceeded)
		time.Sleep(time.Minute)
		srv.Finish(busy, "1", codeartsbuild.StatusSucceeded)
		srv.Finish(lonely, "1", codeartsbuild.StatusSucceeded)
		crowd.Wait()
	})
}

func TestB61WatchersThatLeaveDoNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		client := srv.Client()
		crowd := buildsTogether(t)
		defer crowd.end()
		for i := range 10 {
			no := srv.StartBuild(job)
			leaves := time.Duration(i+1) * 10 * time.Second
			crowd.Go(func() {
				ctx, cancel := context.WithTimeout(crowd.ctx, leaves)
				defer cancel()
				start := time.Now()
				_, err := client.Builds.Wait(ctx, job, no, nil)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, leaves, time.Since(start))
			})
		}
		no := srv.StartBuild(job)
		crowd.Go(func() {
			_, err := client.Builds.Wait(crowd.ctx, job, no, nil)
			assert.NoError(t, err)
		})
		buildsSteps(srv, job, no, 5*time.Minute, codeartsbuild.StatusSucceeded)
		crowd.Wait()
		before := len(srv.Requests())
		time.Sleep(time.Hour)
		require.Equal(t, before, len(srv.Requests()), "nobody reads for watchers that have left")
	})
}

func TestB62StopOnCancel(t *testing.T) {
	t.Parallel()
	const declined = `{"result":false}`
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
		faults   []codeartsbuildtest.Fault
		finish   bool // the build ends with the context
		kind     error
		took     time.Duration // from the end of the context on; -1: a pause of the replays
		stops    int
		unknown  bool
		text     string
		aborted  bool
		finished bool
	}{
		"accepted":              {ctx: after(time.Minute), kind: context.Canceled, stops: 1, text: "; the stop of the build was accepted", aborted: true},
		"after a deadline":      {ctx: deadline, kind: context.DeadlineExceeded, stops: 1, text: "; the stop of the build was accepted", aborted: true},
		"the context was over":  {ctx: dead, kind: context.Canceled, stops: 1, text: "; the stop of the build was accepted", aborted: true},
		"the build had ended":   {ctx: after(time.Minute), finish: true, kind: context.Canceled, stops: 1, text: "; the build had already ended"},
		"the stop is forbidden": {ctx: after(time.Minute), faults: []codeartsbuildtest.Fault{codeartsbuildtest.Reply(403, "{}")}, kind: context.Canceled, stops: 1, unknown: true, text: "not confirmed"},
		"the stop is declined":  {ctx: after(time.Minute), faults: []codeartsbuildtest.Fault{codeartsbuildtest.Reply(200, declined)}, kind: context.Canceled, stops: 1, unknown: true, text: "not confirmed"},
		"the stop takes too long": {
			ctx: after(time.Minute), faults: []codeartsbuildtest.Fault{codeartsbuildtest.Delay(time.Hour)},
			kind: context.Canceled, took: 20 * time.Second, stops: 1, unknown: true, text: "not confirmed",
		},
		"its answer is lost": {
			ctx: after(time.Minute), faults: []codeartsbuildtest.Fault{codeartsbuildtest.DropAnswer()},
			kind: context.Canceled, took: -1, stops: 2, text: "; the stop of the build was accepted", aborted: true,
		},
		"a deadline, and the stop takes too long": {
			ctx: deadline, faults: []codeartsbuildtest.Fault{codeartsbuildtest.Delay(time.Hour)},
			kind: context.DeadlineExceeded, took: 20 * time.Second, stops: 1, unknown: true, text: "not confirmed",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				no := srv.StartBuild(job)
				srv.Next(buildsOpStop, tt.faults...)
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				var ended time.Time
				context.AfterFunc(ctx, func() { ended = time.Now() })
				if tt.finish {
					buildsSteps(srv, job, no, time.Minute-time.Millisecond, codeartsbuild.StatusSucceeded)
				}
				build, err := srv.Client().Builds.Wait(ctx, job, no, &codeartsbuild.WaitOptions{StopOnCancel: 20 * time.Second})
				synctest.Wait()
				require.Nil(t, build)
				require.ErrorIs(t, err, tt.kind, "the error is the context's")
				require.ErrorContains(t, err, tt.text)
				require.Equal(t, tt.unknown, errors.Is(err, codeartsbuild.ErrOutcomeUnknown), "outcome unknown: %v", err)
				require.NotContains(t, err.Error(), "\n")
				if tt.took >= 0 {
					require.Equal(t, tt.took, time.Since(ended))
				}
				require.Equal(t, tt.stops, buildsCount(srv, buildsOpStop))
				time.Sleep(10 * time.Second)
				require.Equal(t, tt.stops, buildsCount(srv, buildsOpStop), "there is no second stop")
				if tt.aborted {
					require.Equal(t, codeartsbuild.StatusAborted, srv.Status(job, no))
				}
			})
		})
	}
}

func TestB62CancelledBuildGoesOnUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := srv.Client().Builds.Wait(ctx, job, no, &codeartsbuild.WaitOptions{Timeout: time.Hour})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotContains(t, err.Error(), "stop")
		require.Zero(t, buildsCount(srv, buildsOpStop))
	})
}

func TestB62EachOfManyWaitersStopsItsOwnBuild(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		client := srv.Client()
		crowd := buildsTogether(t)
		defer crowd.end()
		for range 10 {
			no := srv.StartBuild(job)
			crowd.Go(func() {
				_, err := client.Builds.Wait(crowd.ctx, job, no, &codeartsbuild.WaitOptions{StopOnCancel: time.Minute})
				assert.ErrorIs(t, err, context.Canceled)
				assert.ErrorContains(t, err, "accepted")
			})
		}
		time.Sleep(time.Minute)
		crowd.cancel()
		crowd.Wait()
		require.Equal(t, 10, buildsCount(srv, buildsOpStop))
		time.Sleep(5 * time.Second)
		for i := range 10 {
			require.Equal(t, codeartsbuild.StatusAborted, srv.Status(job, fmt.Sprint(i+1)))
		}
	})
}

func TestB60ReadsThatHangDoNotProlongWaiting(t *testing.T) {
	t.Parallel()
	hang := slices.Repeat([]codeartsbuildtest.Fault{codeartsbuildtest.Delay(time.Hour)}, 40)
	tests := map[string]struct {
		before int // reads that are answered
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
		"after the stops of a plan": {1, func(ctx context.Context, c *codeartsbuild.Client, job, no string) error {
			outcomes, err := c.Builds.StopPlanned(ctx, buildsPlan(job, no), &codeartsbuild.StopPlannedOptions{Wait: 10 * time.Second})
			require.Equal(t, []string{"1 stopped+error"}, buildsOutcomes(outcomes))
			require.GreaterOrEqual(t, outcomes[0].Took, 10*time.Second)
			return err
		}, 15 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				no := srv.StartBuild(job)
				srv.Next(buildsOpGet, append(make([]codeartsbuildtest.Fault, tt.before), hang...)...)
				srv.Next(buildsOpStop, codeartsbuildtest.Reply(200, `{"result":true}`)) // and nothing happens
				start := time.Now()
				err := tt.wait(t.Context(), srv.Client(codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 100})), job, no)
				require.ErrorIs(t, err, codeartsbuild.ErrStillRunning)
				require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context lives")
				require.NotErrorIs(t, err, context.Canceled)
				require.ErrorContains(t, err, "has not ended within")
				require.LessOrEqual(t, time.Since(start), tt.most)
			})
		})
	}
}

func TestB62ContextEndsDuringAReadThatIsAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		ctx, cancel := context.WithCancel(t.Context())
		client := srv.Client(codeartsbuild.WithTransport(buildsRoundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet { // it takes no notice of the context
				cancel()
				return &http.Response{StatusCode: 403, ProtoMajor: 1, Body: http.NoBody}, nil
			}
			return srv.IAMConfig().Transport.RoundTrip(r)
		})))
		_, err := client.Builds.Wait(ctx, job, no, &codeartsbuild.WaitOptions{StopOnCancel: 5 * time.Second})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, codeartsbuild.ErrForbidden, "the answer is not lost")
		require.ErrorContains(t, err, "the stop of the build was accepted")
		require.Equal(t, 1, buildsCount(srv, buildsOpStop))
	})
}

type buildsRoundTrip func(*http.Request) (*http.Response, error)

func (f buildsRoundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestB62ContextThatEndsTogetherWithTheTimeout(t *testing.T) {
	t.Parallel()
	for range 20 { // which of the two is seen first is a matter of luck
		synctest.Test(t, func(t *testing.T) {
			srv := codeartsbuildtest.NewServer()
			defer srv.Close()
			job := srv.AddJob("nightly")
			no := srv.StartBuild(job)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := srv.Client().Builds.Wait(ctx, job, no, &codeartsbuild.WaitOptions{Timeout: 10 * time.Second, StopOnCancel: 5 * time.Second})
			require.ErrorIs(t, err, codeartsbuild.ErrStillRunning)
			stops := buildsCount(srv, buildsOpStop)
			require.Equal(t, errors.Is(err, context.DeadlineExceeded), stops == 1, "a stop is for the end of the context: %v", err)
			require.LessOrEqual(t, stops, 1)
		})
	}
}
