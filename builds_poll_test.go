package codeartsbuild_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
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

// B61: the builds of a job that are waited for share one list call a tick; each is also read by itself, at most once in
// 45 s.
func TestWaitersShareAList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const builds, watched = 50, 10 * time.Minute
		f := sdktest.NewJob(t)
		client, lists := f.Client(), f.Arrivals(sdktest.OpListBuild)
		c := newWaiters(t)
		defer c.end()
		for range builds {
			no := f.StartBuild(f.JobID)
			c.Go(func() {
				build, err := client.Builds.Wait(c.ctx, f.JobID, no, nil)
				if assert.NoError(t, err) {
					assert.Equal(t, no, build.BuildNo)
					assert.NotEmpty(t, build.RecordID)
				}
			})
		}
		time.Sleep(watched)
		ticks := lists()
		requirePaced(t, ticks) // to the first one the pace starts with each first read
		require.InDelta(t, 42, len(ticks), 3)
		require.InDelta(t, builds*(1+600/45), f.Count(sdktest.OpGetBuild), builds*2, "once at first, and every 45 s")
		for i := range builds {
			f.Finish(f.JobID, strconv.Itoa(i+1), codeartsbuild.StatusSucceeded)
		}
		c.Wait()
		require.Len(t, lists(), len(ticks)+1)
	})
}

// B61: builds that finish one after the other are seen each in time.
func TestWaitersWhoseBuildsFinishOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const builds = 20
		f := sdktest.NewJob(t)
		client, lists, start := f.Client(), f.Arrivals(sdktest.OpListBuild), time.Now()
		c := newWaiters(t)
		defer c.end()
		for i := range builds {
			no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
			ends := time.Duration(i+1) * 30 * time.Second
			f.Statuses(no, ends/2, codeartsbuild.StatusRunning, codeartsbuild.StatusFailed)
			c.Go(func() {
				var seen []codeartsbuild.BuildStatus
				build, err := client.Builds.Wait(c.ctx, f.JobID, no, &codeartsbuild.WaitOptions{
					OnChange: func(b *codeartsbuild.Build) { seen = append(seen, b.Status) },
				})
				if assert.NoError(t, err) {
					assert.Equal(t, no, build.BuildNo)
				}
				assert.Equal(t, []codeartsbuild.BuildStatus{codeartsbuild.StatusQueued, codeartsbuild.StatusRunning, codeartsbuild.StatusFailed}, seen)
				assert.LessOrEqual(t, time.Since(start), ends+16*time.Second)
			})
		}
		c.Wait()
		at := lists()
		for i := 1; i < len(at); i++ {
			require.GreaterOrEqual(t, at[i]-at[i-1], 2*time.Second, "one list a tick")
		}
	})
}

// B61: a build that the list does not show is read by itself, and so is one that is alone.
func TestWaitersOfOtherJobsAndOfBuildsThatNoListShows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		c := newWaiters(t)
		defer c.end()
		wait := func(job, no string) {
			c.Go(func() {
				build, err := client.Builds.Wait(c.ctx, job, no, nil)
				if assert.NoError(t, err) {
					assert.Equal(t, [2]string{job, no}, [2]string{build.JobID, build.BuildNo})
				}
			})
		}
		busy, lonely := f.JobID, f.AddJob("lonely")
		for range 150 { // the oldest is not on the first page
			f.StartBuild(busy)
		}
		wait(busy, "1")
		wait(busy, "150")
		wait(lonely, f.StartBuild(lonely))
		time.Sleep(5 * time.Minute)
		got := map[string]int{}
		for _, r := range f.Requests() {
			path, _, _ := strings.Cut(r.Path, "?")
			got[path]++
		}
		lists := got["/v1/record/"+busy+"/list"]
		require.InDelta(t, 23, lists, 3, "the ticks of 5 minutes")
		require.InDelta(t, 6, got["/v1/record/"+busy+"/150/record-info"], 2, "the list shows it")
		require.Equal(t, 1+lists, got["/v1/record/"+busy+"/1/record-info"], "which the list does not show")
		require.Zero(t, got["/v1/record/"+lonely+"/list"], "one build alone is read by itself")
		require.InDelta(t, 24, got["/v1/record/"+lonely+"/1/record-info"], 3)
		f.Finish(busy, "150", codeartsbuild.StatusSucceeded)
		time.Sleep(time.Minute)
		f.Finish(busy, "1", codeartsbuild.StatusSucceeded)
		f.Finish(lonely, "1", codeartsbuild.StatusSucceeded)
		c.Wait()
	})
}

// B61: waiters that leave do not hold up the others, and no read is made for them.
func TestWaitersThatLeave(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		client := f.Client()
		c := newWaiters(t)
		defer c.end()
		for i := range 10 {
			no := f.StartBuild(f.JobID)
			leaves := time.Duration(i+1) * 10 * time.Second
			c.Go(func() {
				ctx, cancel := context.WithTimeout(c.ctx, leaves)
				defer cancel()
				start := time.Now()
				_, err := client.Builds.Wait(ctx, f.JobID, no, nil)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, leaves, time.Since(start))
			})
		}
		c.Go(func() {
			_, err := client.Builds.Wait(c.ctx, f.JobID, f.BuildNo, nil)
			assert.NoError(t, err)
		})
		f.Statuses(f.BuildNo, 5*time.Minute, codeartsbuild.StatusSucceeded)
		c.Wait()
		before := len(f.Requests())
		time.Sleep(time.Hour)
		require.Equal(t, before, len(f.Requests()))
	})
}

// B60: Retry-After of a read, or of the shared list, is obeyed by all who wait.
func TestWaitersObeyRetryAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		waiters   int
		throttled string // the operation
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
				c := newWaiters(t)
				defer c.end()
				for range tt.waiters {
					no := f.StartBuild(f.JobID)
					c.Go(func() {
						_, err := client.Builds.Wait(c.ctx, f.JobID, no, nil)
						assert.True(t, err == nil || c.ctx.Err() != nil, "%v", err)
					})
				}
				time.Sleep(time.Minute)
				var throttled time.Time
				f.Next(tt.throttled, func(service http.Handler) http.Handler {
					throttled = time.Now()
					return sdktest.RetryAfter("120")(service)
				})
				time.Sleep(time.Minute)
				synctest.Wait()
				require.False(t, throttled.IsZero())
				before := len(f.Requests())
				time.Sleep(time.Until(throttled.Add(2*time.Minute - time.Second)))
				require.Equal(t, before, len(f.Requests()), "nothing is read before the service wants it")
				time.Sleep(30 * time.Second)
				require.Greater(t, len(f.Requests()), before)
			})
		})
	}
}

// A list whose Retry-After is longer than any waiter would obey ends no waiting: the builds are read by themselves.
func TestWaitersWhoseListAsksForAYear(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		client, start := f.Client(), time.Now()
		f.NextN(sdktest.OpListBuild, 1000, sdktest.RetryAfter("31536000"))
		c := newWaiters(t)
		defer c.end()
		for _, no := range []string{f.BuildNo, f.StartBuild(f.JobID)} {
			f.Statuses(no, 5*time.Minute, codeartsbuild.StatusSucceeded)
			c.Go(func() {
				_, err := client.Builds.Wait(c.ctx, f.JobID, no, nil)
				assert.NoError(t, err)
			})
		}
		c.Wait()
		require.LessOrEqual(t, time.Since(start), 5*time.Minute+20*time.Second)
	})
}

// B61a: what a list shows of a build does not keep the build from being seen as finished.
func TestWaitersWhoseListIsWrong(t *testing.T) {
	t.Parallel()
	row := func(no, members string) string { return `{"number":` + no + `,` + members + `}` }
	rows := func(members string) codeartsbuildtest.Fault {
		return codeartsbuildtest.Reply(200, `{"result":{"job_build_states":[`+row("1", members)+`,`+row("2", members)+`],"total_record":"2"}}`)
	}
	const times = `"start_time":1764000000000,"cost_time":0`
	tests := map[string]struct {
		list codeartsbuildtest.Fault
		most time.Duration // from the end of the builds on
	}{
		"it stays at running":         {rows(`"job_running_status":"Running",` + times), time.Minute},
		"it stays in the queue":       {rows(`"job_running_status":"InQueue",` + times), time.Minute},
		"it stays at an unknown word": {rows(`"job_running_status":"Hibernating",` + times), 16 * time.Second},
		"it has no status":            {rows(times), 16 * time.Second},
		"it is empty":                 {codeartsbuildtest.Reply(200, `{"result":{"job_build_states":[],"total_record":"0"}}`), 16 * time.Second},
		"it is not a list":            {codeartsbuildtest.Reply(200, `<html>`), 16 * time.Second},
		"it fails":                    {codeartsbuildtest.Reply(500, ``), 16 * time.Second},
		"it is lost":                  {codeartsbuildtest.DropAnswer(), 16 * time.Second},
		"it hangs":                    {codeartsbuildtest.Delay(time.Hour), 26 * time.Second},
		"it is throttled":             {codeartsbuildtest.Reply(429, ``), time.Minute},
		"it is throttled by a code":   {codeartsbuildtest.Reply(400, `{"error_code":"APIGW.0308","error_msg":"throttled"}`), time.Minute},
		"it asks for some seconds":    {sdktest.RetryAfter("20"), time.Minute},
		"it asks for some minutes":    {sdktest.RetryAfter("120"), 2*time.Minute + time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				f.NextN(sdktest.OpListBuild, 1000, tt.list)
				f.StartBuild(f.JobID)
				client, start, ends := f.Client(), time.Now(), 10*time.Minute
				c := newWaiters(t)
				defer c.end()
				for _, no := range []string{"1", "2"} {
					f.Statuses(no, ends, codeartsbuild.StatusSucceeded)
					c.Go(func() {
						build, err := client.Builds.Wait(c.ctx, f.JobID, no, nil)
						if assert.NoError(t, err) {
							assert.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
							assert.LessOrEqual(t, time.Since(start), ends+tt.most)
						}
					})
				}
				c.Wait()
			})
		})
	}
}

// B61a: as long as the list shows a build, its record may fail.
func TestWaitersWhoseRecordsFail(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		broken := codeartsbuildtest.Reply(500, `{"error_code":"CB.00060101","error_msg":"broken"}`)
		f.NextN(sdktest.OpGetBuild, 1000, between(time.Minute, 20*time.Minute, broken))
		client := f.Client(sdktest.Once)
		c := newWaiters(t)
		defer c.end()
		for _, no := range []string{f.BuildNo, f.StartBuild(f.JobID)} {
			f.Statuses(no, 20*time.Minute, codeartsbuild.StatusSucceeded)
			c.Go(func() {
				_, err := client.Builds.Wait(c.ctx, f.JobID, no, &codeartsbuild.WaitOptions{Interval: 2 * time.Minute})
				assert.NoError(t, err)
			})
		}
		c.Wait()
	})
}

// B61a: the shared list has one attempt, and the shortest timeout of those who wait for it, at most 10 s.
func TestWaitersLimitTheirList(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		timeouts [2]time.Duration
		took     time.Duration
	}{
		"both have 2 s":      {[2]time.Duration{2 * time.Second, 2 * time.Second}, 2 * time.Second},
		"one has 2 s":        {[2]time.Duration{time.Hour, 2 * time.Second}, 2 * time.Second},
		"long timeouts":      {[2]time.Duration{time.Hour, time.Hour}, 10 * time.Second},
		"no timeouts at all": {[2]time.Duration{0, 0}, 10 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				var took []time.Duration
				f.NextN(sdktest.OpListBuild, 1000, func(http.Handler) http.Handler {
					return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
						start := time.Now()
						<-r.Context().Done()
						took = append(took, time.Since(start))
					})
				})
				f.StartBuild(f.JobID)
				client := f.Client()
				c := newWaiters(t)
				defer c.end()
				for i, no := range []string{"1", "2"} {
					c.Go(func() {
						_, err := client.Builds.Wait(c.ctx, f.JobID, no, nil, codeartsbuild.WithTimeout(tt.timeouts[i]))
						assert.ErrorIs(t, err, context.Canceled)
					})
				}
				time.Sleep(5 * time.Minute)
				lists := f.Count(sdktest.OpListBuild)
				c.end()
				synctest.Wait()
				require.Greater(t, len(took), 5)
				for _, d := range took[:len(took)-1] {
					require.Equal(t, tt.took, d)
				}
				require.GreaterOrEqual(t, f.Count(sdktest.OpGetBuild), 2*lists-2, "then each build is read by itself")
			})
		})
	}
}

// B61a: a waiter does not get a list that was requested before it joined, and never a status of an earlier phase.
func TestWaiterThatJoinsDuringASlowList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		queued := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		others := []string{f.StartBuild(f.JobID), f.StartBuild(f.JobID)}
		client := f.Client()
		c := newWaiters(t)
		defer c.end()
		var seen []codeartsbuild.BuildStatus
		f.Next(sdktest.OpListBuild, func(service http.Handler) http.Handler { // as it was asked for, and slow
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				service.ServeHTTP(w, r)
				f.Finish(f.JobID, queued, codeartsbuild.StatusRunning)
				c.Go(func() { // reads the record, which is running, while the list still has the build in the queue
					_, err := client.Builds.Wait(c.ctx, f.JobID, queued, &codeartsbuild.WaitOptions{
						OnChange: func(b *codeartsbuild.Build) { seen = append(seen, b.Status) },
					})
					assert.NoError(t, err)
				})
				time.Sleep(8 * time.Second)
			})
		})
		for _, no := range others {
			c.Go(func() {
				_, err := client.Builds.Wait(c.ctx, f.JobID, no, nil)
				assert.NoError(t, err)
			})
		}
		time.Sleep(2 * time.Minute)
		for _, no := range append(others, queued) {
			f.Finish(f.JobID, no, codeartsbuild.StatusSucceeded)
		}
		c.Wait()
		require.Equal(t, []codeartsbuild.BuildStatus{codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded}, seen)
	})
}

// B61a: a list that lags behind does not send a build back to the queue.
func TestWaitersWhoseListLags(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		const rows = `{"number":1,"job_running_status":"InQueue"},{"number":2,"job_running_status":"InQueue"}`
		f.NextN(sdktest.OpListBuild, 1000, codeartsbuildtest.Reply(200, `{"result":{"job_build_states":[`+rows+`]}}`))
		f.StartBuild(f.JobID)
		client := f.Client()
		c := newWaiters(t)
		defer c.end()
		for _, no := range []string{"1", "2"} {
			f.Statuses(no, 5*time.Minute, codeartsbuild.StatusFailed)
			c.Go(func() {
				var seen []codeartsbuild.BuildStatus
				_, err := client.Builds.Wait(c.ctx, f.JobID, no, &codeartsbuild.WaitOptions{
					OnChange: func(b *codeartsbuild.Build) { seen = append(seen, b.Status) },
				})
				assert.NoError(t, err)
				assert.Equal(t, []codeartsbuild.BuildStatus{codeartsbuild.StatusRunning, codeartsbuild.StatusFailed}, seen)
			})
		}
		c.Wait()
	})
}

// B59a: each OnChange gets a copy of its own, which it may change.
func TestWaitersDoNotShareABuild(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued, Branch: "main"})
		f.Statuses(no, time.Minute, codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded)
		client := f.Client()
		c := newWaiters(t)
		defer c.end()
		for range 20 {
			c.Go(func() {
				changes := 0
				build, err := client.Builds.Wait(c.ctx, f.JobID, no, &codeartsbuild.WaitOptions{
					OnChange: func(b *codeartsbuild.Build) {
						assert.Equal(t, "main", b.Branch)
						b.Branch, b.Status, b.FinishedAt = "mine", codeartsbuild.StatusFailed, time.Time{}
						changes++
					},
				})
				if assert.NoError(t, err) {
					assert.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
					assert.Equal(t, "main", build.Branch)
				}
				assert.Equal(t, 3, changes)
			})
		}
		c.Wait()
	})
}

// A waiter with a short Interval does not wait for the next read of others.
func TestWaitersWithDifferentIntervals(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		client, quick := f.Client(), f.StartBuild(f.JobID)
		c := newWaiters(t)
		defer c.end()
		for _, no := range []string{f.BuildNo, f.StartBuild(f.JobID)} {
			c.Go(func() {
				_, err := client.Builds.Wait(c.ctx, f.JobID, no, nil)
				assert.ErrorIs(t, err, context.Canceled)
			})
		}
		time.Sleep(5 * time.Minute)
		ends := time.Now().Add(70 * time.Second)
		f.Statuses(quick, 70*time.Second, codeartsbuild.StatusSucceeded)
		_, err := client.Builds.Wait(t.Context(), f.JobID, quick, &codeartsbuild.WaitOptions{Interval: time.Second})
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(ends), time.Second)
		before := f.Count(sdktest.OpListBuild)
		time.Sleep(5 * time.Minute)
		require.InDelta(t, 20, f.Count(sdktest.OpListBuild)-before, 4, "the others go on as before")
	})
}

// B62: each of many waiters stops its own build.
func TestWaitersStopTheirOwnBuilds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		c := newWaiters(t)
		defer c.end()
		for range 10 {
			no := f.StartBuild(f.JobID)
			c.Go(func() {
				_, err := client.Builds.Wait(c.ctx, f.JobID, no, &codeartsbuild.WaitOptions{StopOnCancel: time.Minute})
				assert.ErrorIs(t, err, context.Canceled)
				assert.ErrorContains(t, err, "accepted")
			})
		}
		time.Sleep(time.Minute)
		c.end()
		require.Equal(t, 10, f.Count(sdktest.OpStop))
		time.Sleep(5 * time.Second)
		for i := range 10 {
			require.Equal(t, codeartsbuild.StatusAborted, f.Status(f.JobID, strconv.Itoa(i+1)))
		}
	})
}

// A busyService has 100 jobs of 10 running builds each, and counts.
type busyService struct {
	lists, records atomic.Int64
	rows           string
}

func newBusyService() *busyService {
	var rows []string
	for no := range 10 {
		rows = append(rows, fmt.Sprintf(`{"number":%d,"state":"","job_running_status":"Running","code_branch":"main","start_time":1764000000000,"cost_time":0}`, no+1))
	}
	return &busyService{rows: `{"result":{"job_build_states":[` + strings.Join(rows, ",") + `],"total_record":"10"}}`}
}

func (s *busyService) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/list") {
		s.lists.Add(1)
		return httpfake.Reply(200, s.rows)(r)
	}
	s.records.Add(1)
	no := strings.Split(r.URL.Path, "/")[4]
	return httpfake.Reply(200, `{"result":{"build_no":`+no+`,"status":"RUNNING","start_time":"2026-11-24T10:00:00Z"}}`)(r)
}

// The cost of waiting: one list call per job and tick, one read of each record in 45 s, and 20 KiB of memory for each
// wait.
func TestWaitingForAThousandBuilds(t *testing.T) { // not parallel: it measures the heap
	synctest.Test(t, func(t *testing.T) {
		const jobs, builds = 100, 10
		service := newBusyService()
		client := sdktest.Client(t, service)
		memory := func() uint64 {
			synctest.Wait()
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapInuse + m.StackInuse
		}
		before := memory()
		c := newWaiters(t)
		defer c.end()
		for job := range jobs {
			for no := range builds {
				c.Go(func() {
					_, err := client.Builds.Wait(c.ctx, fmt.Sprintf("%032d", job), strconv.Itoa(no+1), nil)
					assert.ErrorIs(t, err, context.Canceled)
				})
			}
		}
		time.Sleep(5 * time.Minute) // until the pauses are the longest
		each := float64(memory()-before) / (jobs * builds)
		lists, records := service.lists.Load(), service.records.Load()
		time.Sleep(15 * 15 * time.Second)
		lists, records = service.lists.Load()-lists, service.records.Load()-records
		require.InDelta(t, 100, float64(lists)/15, 0.01, "list calls a tick")
		require.InDelta(t, jobs*builds*15*15/45, records, jobs*builds*1.1, "reads of records")
		if !isRace() {
			require.LessOrEqual(t, each, 20.0*1024)
		}
		t.Logf("%d waits for builds of %d jobs: %.0f list calls and %.0f reads of records a tick of 15 s; %.1f KiB of memory for each wait",
			jobs*builds, jobs, float64(lists)/15, float64(records)/15, each/1024)
	})
}
