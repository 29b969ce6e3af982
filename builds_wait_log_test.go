package codeartsbuild_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
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

var errDisk = errors.New("no space left on device")

// A failingWriter fails from the second write on.
type failingWriter struct{ writes int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.writes++; w.writes > 1 {
		return 0, errDisk
	}
	return len(p), nil
}

// A writer is a Writer made of a function.
type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// A logRecord notes what OnLog is called with.
type logRecord struct {
	nexts []int64
	errs  []error
}

func (r *logRecord) onLog(next int64, err error) {
	r.nexts = append(r.nexts, next)
	if err != nil {
		r.errs = append(r.errs, err)
	}
}

// B59b: Wait copies the log while the build runs, to its last line.
func TestWaitCopiesTheLog(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		first codeartsbuild.BuildStatus
		from  int
	}{
		"queued":                {codeartsbuild.StatusQueued, 0},
		"running":               {codeartsbuild.StatusRunning, 0},
		"from an offset on":     {codeartsbuild.StatusRunning, 10},
		"over already":          {codeartsbuild.StatusSucceeded, 0},
		"over, from its end on": {codeartsbuild.StatusSucceeded, 1 << 20},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
				f := sdktest.NewJob(t)
				no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: tt.first})
				want := logLines(0, 100)
				if tt.first.Terminal() {
					f.AppendLog(f.JobID, no, want)
				} else {
					f.Statuses(no, time.Minute, codeartsbuild.StatusRunning)
					for i := range 100 {
						time.AfterFunc(time.Minute+time.Duration(i)*time.Second, func() { f.AppendLog(f.JobID, no, logLine(i)) })
					}
					time.AfterFunc(time.Minute+99*time.Second+1, func() { f.Finish(f.JobID, no, codeartsbuild.StatusSucceeded) })
				}
				from := min(tt.from, len(want))
				var log strings.Builder
				var record logRecord
				var seen []int // lengths of the log at the changes
				start := time.Now()
				build, err := f.Client().Builds.Wait(t.Context(), f.JobID, no, &codeartsbuild.WaitOptions{
					Log: &log, LogOffset: int64(from), OnLog: record.onLog,
					OnChange: func(*codeartsbuild.Build) { seen = append(seen, log.Len()) },
				})
				require.NoError(t, err)
				require.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
				require.Equal(t, want[from:], log.String())
				require.Empty(t, record.errs)
				require.IsNonDecreasing(t, record.nexts)
				if from < len(want) {
					require.Equal(t, int64(len(want)), record.nexts[len(record.nexts)-1])
				}
				require.LessOrEqual(t, time.Since(start), 3*time.Minute)
				if !tt.first.Terminal() && from == 0 {
					require.Greater(t, len(record.nexts), 10, "while the build runs")
					require.Greater(t, seen[len(seen)-1], len(want)/2)
				}
			})
		})
	}
}

// B59b: the log is read at once when the build has left the queue, and soon when it has finished, however long the pauses
// between reads are by then.
func TestWaitReadsTheLogWhenTheBuildChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		f.Statuses(no, 10*time.Minute, codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded)
		reads := f.Arrivals(sdktest.OpReadLog)
		start, changes := time.Now(), []time.Duration{}
		_, err := f.Client().Builds.Wait(t.Context(), f.JobID, no, &codeartsbuild.WaitOptions{
			Log: io.Discard, OnChange: func(*codeartsbuild.Build) { changes = append(changes, time.Since(start)) },
		})
		require.NoError(t, err)
		require.Len(t, changes, 3)
		require.Equal(t, changes[1], reads()[0])
		require.Contains(t, reads(), changes[2])
		require.LessOrEqual(t, time.Since(start)-changes[2], 6*time.Second)
	})
}

// B59b: Interval is the longest pause between reads of the log too.
func TestWaitIntervalOfTheLog(t *testing.T) {
	t.Parallel()
	for interval, reads := range map[time.Duration]float64{time.Second: 600, time.Minute: 16} {
		synctest.Test(t, func(t *testing.T) {
			f := sdktest.NewBuild(t)
			f.Statuses(f.BuildNo, 10*time.Minute, codeartsbuild.StatusSucceeded)
			_, err := f.Client().Builds.Wait(t.Context(), f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{Log: io.Discard, Interval: interval})
			require.NoError(t, err)
			require.InDelta(t, reads, f.Count(sdktest.OpReadLog), 6)
		})
	}
}

// B59b: the record is not read for the log, and the log not before the build has left the queue.
func TestWaitWithLogCost(t *testing.T) {
	t.Parallel()
	requests := func(log io.Writer) (records, logs int) {
		synctest.Test(t, func(t *testing.T) {
			f := sdktest.NewJob(t)
			no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
			f.Statuses(no, 10*time.Minute, codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded)
			f.NextN(sdktest.OpReadLog, 1000, sdktest.Before(func(*http.Request) {
				assert.NotEqual(t, codeartsbuild.StatusQueued, f.Status(f.JobID, no))
			}))
			_, err := f.Client().Builds.Wait(t.Context(), f.JobID, no, &codeartsbuild.WaitOptions{Log: log})
			require.NoError(t, err)
			records, logs = f.Count(sdktest.OpGetBuild), f.Count(sdktest.OpReadLog)
		})
		return records, logs
	}
	plain, _ := requests(nil)
	records, logs := requests(io.Discard)
	require.InDelta(t, plain, records, 4)
	require.InDelta(t, 44, logs, 6, "of 10 minutes")
}

// B59b: the error of the log is told once, and the build is waited for all the same.
func TestWaitWhoseLogFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault codeartsbuildtest.Fault // of reads of the log
		out   io.Writer
		kind  error
		text  string
		next  int64
	}{
		"no permission":            {codeartsbuildtest.Reply(403, `{}`), io.Discard, codeartsbuild.ErrForbidden, "DownloadBuildRealTimeLog", 3},
		"it is gone":               {codeartsbuildtest.Reply(404, `{}`), io.Discard, codeartsbuild.ErrNotFound, "DownloadBuildRealTimeLog", 3},
		"it is broken":             {codeartsbuildtest.Reply(500, `{"error_code":"CB.00060101"}`), io.Discard, codeartsbuild.ErrInternalServerError, "no read has succeeded for", 3},
		"it cannot be placed":      {codeartsbuildtest.Reply(200, `{"result":{"log":"b"}}`), io.Discard, codeartsbuild.ErrUnexpectedResponse, "place", 3},
		"the service is busy":      {sdktest.RetryAfter("31536000"), io.Discard, codeartsbuild.ErrTooManyRequests, "", 3},
		"the writer fails":         {nil, new(failingWriter), errDisk, "the log cannot be written: no space left on device", 14},
		"the writer writes a part": {nil, writer(func(p []byte) (int, error) { return len(p) / 2, nil }), io.ErrShortWrite, "short write", 3},
	}
	for name, tt := range tests {
		for _, onLog := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
					if tt.fault != nil {
						f.NextN(sdktest.OpReadLog, 10_000, tt.fault)
					}
					f.AppendLog(f.JobID, f.BuildNo, "...a first line")
					time.AfterFunc(time.Minute, func() { f.AppendLog(f.JobID, f.BuildNo, "\na second line\n") })
					time.AfterFunc(2*time.Minute, func() { f.AppendLog(f.JobID, f.BuildNo, "a third line\n") })
					f.Statuses(f.BuildNo, 10*time.Minute, codeartsbuild.StatusFailed)
					var record logRecord
					in := &codeartsbuild.WaitOptions{Log: tt.out, LogOffset: 3}
					if _, ok := tt.out.(*failingWriter); ok {
						in.Log = new(failingWriter) // not the one of the other row
					}
					if onLog {
						in.OnLog = record.onLog
					}
					start := time.Now()
					build, err := f.Client(sdktest.Once).Builds.Wait(t.Context(), f.JobID, f.BuildNo, in)
					require.NoError(t, err, "the build's error, not the log's")
					require.Equal(t, codeartsbuild.StatusFailed, build.Status)
					require.LessOrEqual(t, time.Since(start), 10*time.Minute+20*time.Second)
					if !onLog {
						return
					}
					require.Len(t, record.errs, 1)
					require.ErrorIs(t, record.errs[0], tt.kind)
					require.ErrorContains(t, record.errs[0], tt.text)
					require.GreaterOrEqual(t, record.nexts[len(record.nexts)-1], tt.next)
				})
			})
		}
	}
}

// B59b: after the build has finished its log is read for a minute at most while it fails, and as long as it brings text.
func TestWaitDrainsTheLogWithinBounds(t *testing.T) {
	t.Parallel()
	const end = 5 * time.Minute
	tests := map[string]struct {
		pieces func(l *logServer, q logRequest) logReply
		fails  bool
		most   time.Duration // after the end
		want   int           // bytes
	}{
		"at once":          {linesFrom(inBytes, 1000), false, 30 * time.Second, 10 * len("a line\n")},
		"slowly":           {charactersFrom(inBytes, 1), false, time.Minute, 10 * len("a line\n")},
		"it fails then":    {afterEnd(logReply{whole: httpfake.Reply(500, `{"error_code":"CB.00060101"}`)}), true, 90 * time.Second, 0},
		"it is lost then":  {afterEnd(logReply{whole: httpfake.Lost}), true, 90 * time.Second, 0},
		"it has more then": {afterEnd(logReply{more: true}), true, 90 * time.Second, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLogServer("")
				l.pieces = tt.pieces
				l.become(end, recordFinished, strings.Repeat("a line\n", 10))
				start := time.Now()
				var log strings.Builder
				var record logRecord
				build, err := l.client(t, sdktest.Once).Builds.Wait(t.Context(), sdktest.JobID, sdktest.BuildNo, &codeartsbuild.WaitOptions{Log: &log, OnLog: record.onLog})
				require.NoError(t, err)
				require.True(t, build.Finished())
				require.Equal(t, tt.want, log.Len())
				require.Equal(t, tt.fails, len(record.errs) == 1)
				require.LessOrEqual(t, time.Since(start), end+16*time.Second+tt.most)
			})
		})
	}
}

// B59b: the end of the context during that is the log's error, since the build has finished.
func TestWaitContextEndsWhileTheLogIsDrained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogServer("")
		l.pieces = afterEnd(logReply{whole: httpfake.Lost})
		l.become(time.Minute, recordFinished, "a line\n")
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		var record logRecord
		start := time.Now()
		build, err := l.client(t, sdktest.Once).Builds.Wait(ctx, sdktest.JobID, sdktest.BuildNo, &codeartsbuild.WaitOptions{
			Log: io.Discard, OnLog: record.onLog, StopOnCancel: time.Minute,
		})
		require.NoError(t, err)
		require.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
		require.Equal(t, 90*time.Second, time.Since(start))
		require.Len(t, record.errs, 1)
		require.Equal(t, []string{"DeadlineExceeded"}, sdktest.Kinds(record.errs[0]))
	})
}

func afterEnd(reply logReply) func(*logServer, logRequest) logReply {
	return func(l *logServer, q logRequest) logReply {
		if l.record == recordRunning {
			return linesFrom(inBytes, 1000)(l, q)
		}
		return reply
	}
}

// B59b: a build that never started has no log, and that is not an error.
func TestWaitWithLogOfABuildThatNeverStarts(t *testing.T) {
	t.Parallel()
	for _, status := range []codeartsbuild.BuildStatus{codeartsbuild.StatusScheduleFailed, codeartsbuild.StatusAborted} {
		synctest.Test(t, func(t *testing.T) {
			f := sdktest.NewJob(t)
			no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
			f.NextN(sdktest.OpReadLog, 100, codeartsbuildtest.Reply(500, `{"error_code":"CB.00030004","error_msg":"Call Octopus failed"}`))
			f.Statuses(no, time.Minute, status)
			var record logRecord
			build, err := f.Client().Builds.Wait(t.Context(), f.JobID, no, &codeartsbuild.WaitOptions{Log: io.Discard, OnLog: record.onLog})
			require.NoError(t, err)
			require.Equal(t, status, build.Status)
			require.Empty(t, record.nexts)
		})
	}
}

// B59b, B62: the end of the context, or of the time to wait, ends the log too.
func TestWaitWithLogThatEndsBeforeTheBuild(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in    codeartsbuild.WaitOptions
		kinds []string
		log   []string
		stops int
	}{
		"the context":              {codeartsbuild.WaitOptions{}, []string{"Canceled", "ErrStillRunning"}, []string{"Canceled"}, 0},
		"the context, with a stop": {codeartsbuild.WaitOptions{StopOnCancel: time.Minute}, []string{"Canceled", "ErrStillRunning"}, []string{"Canceled"}, 1},
		"the time": {codeartsbuild.WaitOptions{Timeout: 30 * time.Second, StopOnCancel: time.Minute}, []string{"ErrStillRunning"},
			[]string{"Canceled", "ErrStillRunning"}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				f.AppendLog(f.JobID, f.BuildNo, "a line\n")
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Minute, cancel)
				var log strings.Builder
				var record logRecord
				in := tt.in
				in.Log, in.OnLog = &log, record.onLog
				start := time.Now()
				_, err := f.Client().Builds.Wait(ctx, f.JobID, f.BuildNo, &in)
				require.Equal(t, tt.kinds, sdktest.Kinds(err))
				require.LessOrEqual(t, time.Since(start), time.Minute)
				require.Equal(t, "a line\n", log.String())
				require.Len(t, record.errs, 1)
				require.Equal(t, tt.log, sdktest.Kinds(record.errs[0]))
				require.Equal(t, int64(7), record.nexts[len(record.nexts)-1], "from there on a later Wait goes on")
				require.Equal(t, tt.stops, f.Count(sdktest.OpStop))
				before := len(f.Requests())
				time.Sleep(time.Hour)
				require.Equal(t, before, len(f.Requests()))
			})
		})
	}
}

// B62: the build is stopped although the writer hangs. Wait returns when the writer does.
func TestWaitStopsTheBuildWhileTheWriterHangs(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		f.AppendLog(f.JobID, f.BuildNo, "a line\n")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		var stopped time.Duration
		f.Next(sdktest.OpStop, sdktest.Before(func(*http.Request) { stopped = time.Since(start) }))
		changes := 0
		f.Statuses(f.BuildNo, 30*time.Second, "HIBERNATING")
		_, err := f.Client().Builds.Wait(ctx, f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{
			StopOnCancel: time.Minute, OnChange: func(*codeartsbuild.Build) { changes++ },
			Log: writer(func(p []byte) (int, error) {
				time.Sleep(time.Hour)
				return len(p), nil
			}),
		})
		require.ErrorContains(t, err, "the stop of the build was accepted")
		require.Equal(t, time.Minute, stopped)
		require.InDelta(t, time.Hour, time.Since(start), float64(time.Minute))
		require.Equal(t, 1, changes, "none while the writer is at work")
	})
}

// B59b: the log, OnLog and OnChange are never used at the same time.
func TestWaitCallsOneAtATime(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		busy := false
		call := func() {
			assert.False(t, busy)
			busy = true
			time.Sleep(700 * time.Millisecond)
			busy = false
		}
		for i := range 100 {
			time.AfterFunc(time.Duration(i)*time.Second, func() {
				f.AppendLog(f.JobID, f.BuildNo, "a line\n")
				f.Finish(f.JobID, f.BuildNo, codeartsbuild.BuildStatus("WORD"+string(rune('A'+i%20))))
			})
		}
		f.Statuses(f.BuildNo, 101*time.Second, codeartsbuild.StatusSucceeded)
		_, err := f.Client().Builds.Wait(t.Context(), f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{
			Interval: time.Second,
			OnChange: func(*codeartsbuild.Build) { call() },
			OnLog:    func(int64, error) { call() },
			Log:      writer(func(p []byte) (int, error) { call(); return len(p), nil }),
		})
		require.NoError(t, err)
	})
}

// B59b: a panic of the caller's code goes on in the caller's goroutine, and at once.
func TestWaitWhoseCallsPanic(t *testing.T) {
	t.Parallel()
	boom := func() { panic("boom") }
	tests := map[string]codeartsbuild.WaitOptions{
		"the writer": {Log: writer(func([]byte) (int, error) { boom(); return 0, nil })},
		"OnLog":      {Log: io.Discard, OnLog: func(int64, error) { boom() }},
		"OnChange":   {Log: io.Discard, OnChange: func(*codeartsbuild.Build) { boom() }},
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) { // fails if a goroutine is left
				f.AppendLog(f.JobID, f.BuildNo, "a line\n")
				in.StopOnCancel = time.Minute
				start := time.Now()
				require.PanicsWithValue(t, "boom", func() { _, _ = f.Client().Builds.Wait(t.Context(), f.JobID, f.BuildNo, &in) })
				require.LessOrEqual(t, time.Since(start), 10*time.Second)
				require.Zero(t, f.Count(sdktest.OpStop))
			})
		})
	}
}

// B61: many waiters copy their logs and share one poller.
func TestWaitersCopyTheirLogs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		c := newWaiters(t)
		defer c.end()
		for i := range 30 {
			no := f.StartBuild(f.JobID)
			want := logLines(i, 20)
			for line := range 20 {
				time.AfterFunc(time.Duration(line*(i+1))*time.Second, func() { f.AppendLog(f.JobID, no, logLine(i+line)) })
			}
			f.Statuses(no, time.Duration(20*(i+1))*time.Second, codeartsbuild.StatusSucceeded)
			c.Go(func() {
				var log strings.Builder
				var response codeartsbuild.Response
				_, err := client.Builds.Wait(c.ctx, f.JobID, no, &codeartsbuild.WaitOptions{Log: &log}, codeartsbuild.WithResponseInto(&response))
				assert.NoError(t, err)
				assert.Equal(t, want, log.String())
				assert.Equal(t, 200, response.StatusCode)
			})
		}
		c.Wait()
	})
}
