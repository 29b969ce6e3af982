package codeartsbuild_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// logLine is a line of a log, with the lengths and characters of real ones.
func logLine(i int) string {
	return fmt.Sprintf("[2026/11/24 10:%02d:%02d.885 GMT+08:00] [INFO] [编译构建:step%d] : \x1b[32m\"<%08x>\" & 'é'\t🔑 %s\n",
		i/60%60, i%60, i%7, i*2654435761, strings.Repeat("x", i%211))
}

// textsOf collects the texts of a log, up to its error.
func textsOf(log func(func(codeartsbuild.LogChunk, error) bool)) (texts []string, next int64, err error) {
	for chunk, failure := range log {
		if failure != nil {
			return texts, next, failure
		}
		texts, next = append(texts, string(chunk.Text)), chunk.Next
	}
	return texts, next, nil
}

// offsetsOf are the offsets that were asked for, in order.
func offsetsOf(f *sdktest.Fixture) (offsets []string) {
	for _, r := range f.Requests() {
		if r.Operation == sdktest.OpReadLog {
			_, query, _ := strings.Cut(r.Path, "start_offset=")
			offset, _, _ := strings.Cut(query, "&")
			offsets = append(offsets, offset)
		}
	}
	return offsets
}

// B72: a log that grows while the build runs: every text once and in order.
func TestFollowGrowingLog(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]time.Duration{
		"fast": 100 * time.Millisecond, "as fast as it is read": 2 * time.Second, "slow": 40 * time.Second, "all at once": 0,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				f := sdktest.NewJob(t)
				no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
				var want strings.Builder
				for i := range 100 {
					want.WriteString(logLine(i))
				}
				at := time.Minute
				time.AfterFunc(at, func() { f.Finish(f.JobID, no, codeartsbuild.StatusRunning) })
				for line := range strings.Lines(want.String()) {
					for _, half := range []string{line[:len(line)/2], line[len(line)/2:]} { // which may split a character
						at += pause/2 + 1
						time.AfterFunc(at, func() { f.AppendLog(f.JobID, no, half) })
					}
				}
				time.AfterFunc(at+1, func() { f.Finish(f.JobID, no, codeartsbuild.StatusFailed) })
				texts, next, err := textsOf(f.Client().Logs.Follow(t.Context(), f.JobID, no, 0))
				require.NoError(t, err)
				require.Equal(t, want.String(), strings.Join(texts, ""), "every text once and in order")
				require.Equal(t, int64(want.Len()), next)
				require.LessOrEqual(t, time.Since(start), at+30*time.Second, "it ends with the build")
			})
		})
	}
}

// B72: a log from a saved Next.
func TestFollowFromSavedOffset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusSucceeded})
		var want strings.Builder
		for i := 0; want.Len() < 400<<10; i++ {
			want.WriteString(logLine(i))
		}
		f.AppendLog(f.JobID, no, want.String())
		var got strings.Builder
		var next int64
		for restarts := 0; ; restarts++ { // a program that dies after one, two, three … texts
			texts, left := 0, true
			for chunk, err := range client.Logs.Follow(t.Context(), f.JobID, no, next) {
				require.NoError(t, err)
				got.Write(chunk.Text)
				next = chunk.Next
				if texts++; texts > restarts {
					left = false
					break
				}
			}
			if left {
				break
			}
		}
		require.Equal(t, want.String(), got.String(), "no text is missing, and none comes twice")

		texts, _, err := textsOf(client.Logs.Follow(t.Context(), f.JobID, no, next))
		require.NoError(t, err)
		require.Empty(t, texts, "from its end on")
		texts, _, err = textsOf(client.Logs.Follow(t.Context(), f.JobID, no, 1<<40))
		require.NoError(t, err)
		require.Empty(t, texts, "from behind its end on")
	})
}

// B72: each loop starts anew.
func TestFollowLoopsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusSucceeded})
		f.AppendLog(f.JobID, no, "a line\n")
		log := f.Client().Logs.Follow(t.Context(), f.JobID, no, 2)
		require.Empty(t, f.Requests(), "nothing is read before that")
		for range 2 {
			texts, next, err := textsOf(log)
			require.NoError(t, err)
			require.Equal(t, []string{"line\n"}, texts)
			require.Equal(t, int64(7), next)
		}
	})
}

// B73: odd responses move nothing and yield nothing twice.
func TestFollowOddResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from    int64
		bodies  []string // of the responses; "lost" for none
		texts   []string
		next    int64
		offsets []string // of the requests
	}{
		"as documented": {
			bodies: []string{`{"error":null,"result":{"end_offset":5,"has_more":false,"location":"jenkins","log":"hello","start_offset":0},"status":"success"}`},
			texts:  []string{"hello"}, next: 5, offsets: []string{"0"},
		},
		"offsets as texts": {
			bodies: []string{`{"result":{"log":"a","start_offset":"0","end_offset":"1","has_more":"true"}}`, `{"result":{"log":"b","start_offset":"1","end_offset":"2"}}`},
			texts:  []string{"a", "b"}, next: 2, offsets: []string{"0", "1"},
		},
		"offsets that count something else": {
			from: 7, bodies: []string{`{"result":{"log":"a","end_offset":1000}}`, `{"result":{"log":"bbb","end_offset":1001}}`},
			texts: []string{"a", "bbb"}, next: 1001, offsets: []string{"7", "1000"},
		},
		"flat": {
			bodies: []string{`{"log":"a","end_offset":1}`}, texts: []string{"a"}, next: 1, offsets: []string{"0"},
		},
		"empty texts in between": {
			bodies: []string{`{"result":{"log":"a","end_offset":1}}`, `{"result":{"log":"","end_offset":1}}`, `{"result":{"log":null,"end_offset":1}}`, `{"result":{"log":"b","end_offset":2}}`},
			texts:  []string{"a", "b"}, next: 2, offsets: []string{"0", "1", "1", "1"},
		},
		"no offsets": {
			bodies: []string{`{"result":{"log":"a","end_offset":1}}`, `{"result":{"log":"b"}}`, `{"result":{"log":"b","end_offset":2}}`},
			texts:  []string{"a", "b"}, next: 2, offsets: []string{"0", "1", "1"},
		},
		"null for offsets": {
			bodies: []string{`{"result":{"log":"b","start_offset":null,"end_offset":null,"has_more":null}}`, `{"result":{"log":"b","end_offset":2}}`},
			texts:  []string{"b"}, next: 2, offsets: []string{"0", "0"},
		},
		"an offset that is not a number": {
			bodies: []string{`{"result":{"log":"b","end_offset":"soon"}}`, `{"result":{"log":"b","end_offset":2}}`},
			texts:  []string{"b"}, next: 2, offsets: []string{"0", "0"},
		},
		"an end that goes back": {
			bodies: []string{`{"result":{"log":"abc","end_offset":3}}`, `{"result":{"log":"ab","end_offset":2}}`, `{"result":{"log":"abc","end_offset":3}}`, `{"result":{"log":"d","end_offset":4}}`},
			texts:  []string{"abc", "d"}, next: 4, offsets: []string{"0", "3", "3", "3"},
		},
		"no result": {
			bodies: []string{`{"result":null,"error":null,"status":"success"}`, `{}`, `{"result":{"log":"b","end_offset":2}}`},
			texts:  []string{"b"}, next: 2, offsets: []string{"0", "0", "0"},
		},
		"a lost response": {
			bodies: []string{`{"result":{"log":"a","end_offset":1}}`, "lost", `{"result":{"log":"b","end_offset":2}}`},
			texts:  []string{"a", "b"}, next: 2, offsets: []string{"0", "1", "1"},
		},
		"a response that is cut off": {
			bodies: []string{`{"result":{"log":"a","end_of`, `{"result":{"log":"a","end_offset":1}}`},
			texts:  []string{"a"}, next: 1, offsets: []string{"0", "0"},
		},
		"a response of another form": {
			bodies: []string{`<html>`, `[]`, `{"result":{"log":"a","end_offset":1}}`},
			texts:  []string{"a"}, next: 1, offsets: []string{"0", "0", "0"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewBuild(t) // its log is empty
				for _, body := range tt.bodies {
					if body == "lost" {
						f.Next(sdktest.OpReadLog, codeartsbuildtest.DropAnswer())
					} else {
						f.Next(sdktest.OpReadLog, codeartsbuildtest.Reply(200, body))
					}
				}
				f.Statuses(f.BuildNo, 10*time.Minute, codeartsbuild.StatusSucceeded)
				texts, next, err := textsOf(f.Client().Logs.Follow(t.Context(), f.JobID, f.BuildNo, tt.from))
				require.NoError(t, err)
				require.Equal(t, tt.texts, texts)
				require.Equal(t, tt.next, next)
				require.Equal(t, tt.offsets, offsetsOf(f)[:len(tt.bodies)])
				require.Equal(t, fmt.Sprint(tt.next), offsetsOf(f)[len(tt.bodies)], "it goes on there")
			})
		})
	}
}

// B73: the request for a log.
func TestFollowRequest(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Reply(200, `{"result":{"log":"a","end_offset":43}}`))
	for chunk, err := range sdktest.Client(t, transport).Logs.Follow(t.Context(), sdktest.JobID, "7", 42) {
		require.NoError(t, err)
		require.Equal(t, codeartsbuild.LogChunk{Text: []byte("a"), Next: 43}, chunk)
		break
	}
	r := transport.Requests()[0]
	require.Equal(t, "GET /v1/log/"+sdktest.JobID+"/7/real-time-log?size=1048576&sort=asc&start_offset=42", r.Method+" "+r.URL.RequestURI())
}

// B74: the log of a finished build is read until no more text comes.
func TestFollowDrainsFinishedBuild(t *testing.T) {
	t.Parallel()
	const more = `{"result":{"log":"","end_offset":0,"has_more":true}}`
	tests := map[string]struct {
		late   []time.Duration // of texts, after the build was read as finished
		quiet  []string        // responses before that
		texts  []string
		failed error
	}{
		"no more text":        {},
		"at once":             {late: []time.Duration{0}, texts: []string{"late 0\n"}},
		"a second later":      {late: []time.Duration{time.Second}, texts: []string{"late 0\n"}},
		"three seconds later": {late: []time.Duration{3 * time.Second}, texts: []string{"late 0\n"}},
		"again and again": {
			late: []time.Duration{time.Second, 4 * time.Second, 7 * time.Second, 10 * time.Second}, texts: []string{"late 0\n", "late 1\n", "late 2\n", "late 3\n"},
		},
		"more, which never comes":       {quiet: slices.Repeat([]string{more}, 50), failed: codeartsbuild.ErrUnexpectedResponse},
		"more, up to the last response": {quiet: slices.Repeat([]string{more}, 6)},
		"more, which is slow":           {late: []time.Duration{12 * time.Second}, quiet: slices.Repeat([]string{more}, 4), texts: []string{"late 0\n"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewBuild(t)
				f.Next(sdktest.OpGetBuild, sdktest.Before(func(*http.Request) { // the log is read before the build
					f.Finish(f.JobID, f.BuildNo, codeartsbuild.StatusSucceeded)
					for i, after := range tt.late {
						time.AfterFunc(after, func() { f.AppendLog(f.JobID, f.BuildNo, fmt.Sprintf("late %d\n", i)) })
					}
				}))
				f.Next(sdktest.OpReadLog, nil)
				for _, body := range tt.quiet {
					f.Next(sdktest.OpReadLog, codeartsbuildtest.Reply(200, body))
				}
				texts, _, err := textsOf(f.Client().Logs.Follow(t.Context(), f.JobID, f.BuildNo, 0))
				require.ErrorIs(t, err, tt.failed)
				require.Equal(t, strings.Join(tt.texts, ""), strings.Join(texts, ""))
				require.Less(t, f.Count(sdktest.OpReadLog), 20, "it ends")
				time.Sleep(time.Minute)
			})
		})
	}
}

// B75: five failed reads in a row end it.
func TestFollowFailedReads(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reads, looks string // of the log and of the build: x fails, . does not; the last one is for all the rest
		want         error
		requests     int // for the log; 0: any number
	}{
		"five reads in a row":              {reads: "xxxxxx", looks: ".", want: codeartsbuild.ErrForbidden, requests: 5},
		"five reads in a row after some":   {reads: "..xxxxxx", looks: ".", want: codeartsbuild.ErrForbidden, requests: 7},
		"five reads, but not in a row":     {reads: "xxxx.xxxx.xxxx.", looks: "."},
		"looks, but not five in a row":     {reads: ".", looks: "xxxx.xxxx.xxxx."},
		"looks at the build that all fail": {reads: ".", looks: "xxxxxx", want: codeartsbuild.ErrForbidden},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewBuild(t)
				for operation, pattern := range map[string]string{sdktest.OpReadLog: tt.reads, sdktest.OpGetBuild: tt.looks} {
					for i := range 1000 {
						if pattern[min(i, len(pattern)-1)] == 'x' {
							f.Next(operation, codeartsbuildtest.Reply(403, `{"error_code":"APIGW.0302","error_msg":"no"}`))
						} else {
							f.Next(operation, nil)
						}
					}
				}
				f.AppendLog(f.JobID, f.BuildNo, "a line\n")
				f.Statuses(f.BuildNo, 10*time.Minute, codeartsbuild.StatusSucceeded)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				pairs := 0
				var last codeartsbuild.LogChunk
				var err error
				for last, err = range f.Client().Logs.Follow(ctx, f.JobID, f.BuildNo, 0) {
					pairs++
				}
				require.ErrorIs(t, err, tt.want)
				if tt.want == nil {
					require.Equal(t, "a line\n", string(last.Text))
					return
				}
				sdktest.APIError(t, err)
				require.NotErrorIs(t, err, context.DeadlineExceeded, "it does not go on to the deadline")
				require.Zero(t, last, "no text beside an error")
				require.LessOrEqual(t, pairs, 2, "the error is the last pair")
				if tt.requests > 0 {
					require.Equal(t, tt.requests, f.Count(sdktest.OpReadLog))
				}
			})
		})
	}
}

// B75: a build may be queued for longer than five reads take, and has no log until it begins.
func TestFollowQueuedBuild(t *testing.T) {
	t.Parallel()
	noLog := codeartsbuildtest.Reply(500, `{"error_code":"CB.00030004","error_msg":"no such log"}`)
	tests := map[string]struct {
		begins bool
		want   error
	}{
		"and begins":       {true, nil},
		"and never begins": {false, codeartsbuild.ErrInternalServerError},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
				time.AfterFunc(time.Hour, func() {
					f.Finish(f.JobID, no, map[bool]codeartsbuild.BuildStatus{true: codeartsbuild.StatusSucceeded, false: codeartsbuild.StatusScheduleFailed}[tt.begins])
					if tt.begins {
						f.AppendLog(f.JobID, no, "a line\n")
					}
				})
				for range 10_000 {
					f.Next(sdktest.OpReadLog, func(service http.Handler) http.Handler {
						if f.Status(f.JobID, no) == codeartsbuild.StatusSucceeded {
							return service
						}
						return noLog(service)
					})
				}
				texts, _, err := textsOf(f.Client().Logs.Follow(t.Context(), f.JobID, no, 0))
				require.ErrorIs(t, err, tt.want)
				require.Equal(t, tt.begins, strings.Join(texts, "") == "a line\n", texts)
			})
		})
	}
}

// B77: Retry-After is obeyed while a build is queued.
func TestFollowQueuedBuildRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		var reads []time.Time
		f.NextN(sdktest.OpReadLog, 100, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				reads = append(reads, time.Now())
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(http.StatusTooManyRequests)
			})
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		_, _, err := textsOf(f.Client().Logs.Follow(ctx, f.JobID, no, 0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Greater(t, len(reads), 12)
		for i := range reads[1:] {
			require.GreaterOrEqual(t, reads[i+1].Sub(reads[i]), time.Minute)
		}
	})
}

// B75: the end of the context ends it.
func TestFollowContextEnds(t *testing.T) {
	t.Parallel()
	cause := errors.New("enough")
	tests := map[string]struct {
		ctx   func(context.Context) (context.Context, context.CancelFunc)
		kinds []error
		after time.Duration
	}{
		"a deadline": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Minute)
			},
			kinds: []error{context.DeadlineExceeded}, after: time.Minute,
		},
		"a cancel with a cause": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Minute, func() { cancel(cause) })
				return ctx, func() { cancel(nil) }
			},
			kinds: []error{context.Canceled, cause}, after: time.Minute,
		},
		"ended before": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx, cancel
			},
			kinds: []error{context.Canceled},
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
				texts, _, err := textsOf(f.Client().Logs.Follow(ctx, f.JobID, f.BuildNo, 0))
				require.Empty(t, texts)
				for _, kind := range tt.kinds {
					require.ErrorIs(t, err, kind)
				}
				require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				require.Equal(t, tt.after, time.Since(start))
				before := len(f.Requests())
				time.Sleep(time.Hour)
				require.Equal(t, before, len(f.Requests()))
			})
		})
	}
}

// B75: arguments that cannot be are rejected, in one pair.
func TestFollowRejected(t *testing.T) {
	t.Parallel()
	f := sdktest.NewBuild(t)
	tests := map[string]struct {
		ctx     context.Context
		job, no string
		offset  int64
	}{
		"a negative offset": {ctx: t.Context(), job: f.JobID, no: f.BuildNo, offset: -1},
		"no context":        {job: f.JobID, no: f.BuildNo},
		"no job":            {ctx: t.Context(), no: f.BuildNo},
		"no build":          {ctx: t.Context(), job: f.JobID, no: "0"},
		"a daily number":    {ctx: t.Context(), job: f.JobID, no: "20261124.3"},
	}
	for name, tt := range tests {
		pairs := 0
		for chunk, err := range f.Client().Logs.Follow(tt.ctx, tt.job, tt.no, tt.offset) {
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, name)
			require.Zero(t, chunk)
			pairs++
		}
		require.Equal(t, 1, pairs, name)
	}
	require.Empty(t, f.Requests())
}

// B75: leaving the loop ends all reading.
func TestFollowLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
		f := sdktest.NewBuild(t)
		f.AppendLog(f.JobID, f.BuildNo, strings.Repeat("a line\n", 100_000))
		for range f.Client().Logs.Follow(t.Context(), f.JobID, f.BuildNo, 0) {
			break
		}
		require.Equal(t, 1, len(f.Requests()))
		synctest.Wait()
		time.Sleep(time.Hour)
		require.Equal(t, 1, len(f.Requests()))
	})
}

// B76: a log of many MiB over connections that break after any number of bytes, in headers and in texts.
func TestFollowOverBreakingConnections(t *testing.T) { // not parallel: it measures the heap
	size, start := memorySize(), time.Now()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusSucceeded})
		want, written := sha256.New(), 0
		for i := 0; written < size; { // only the service holds the log
			var b strings.Builder
			for b.Len() < 1<<20 {
				b.WriteString(logLine(i))
				i++
			}
			written += b.Len()
			_, _ = io.WriteString(want, b.String())
			f.AppendLog(f.JobID, no, b.String())
		}
		rng := rand.New(rand.NewPCG(76, 1))
		pipe := httpfake.NewPipe(t, f, func() int { return rng.IntN(600 << 10) })
		client := f.Client(codeartsbuild.WithTransport(pipe))
		got, read, chunks, first := sha256.New(), 0, 0, time.Now()
		gauge := newHeapGauge()
		var next int64
		for chunk, err := range client.Logs.Follow(t.Context(), f.JobID, no, 0) {
			require.NoError(t, err)
			require.Greater(t, chunk.Next, next)
			next = chunk.Next
			got.Write(chunk.Text)
			read += len(chunk.Text)
			if chunks++; chunks%10 == 0 {
				gauge.sample()
			}
		}
		require.Equal(t, written, read)
		require.Equal(t, int64(written), next)
		require.Equal(t, want.Sum(nil), got.Sum(nil), "as the service holds it")
		made, broken := pipe.Connections()
		require.Greater(t, broken, size>>20)
		require.Less(t, gauge.above(gauge.peak), 64.0, "MiB above the base, garbage included")
		require.Less(t, gauge.above(gauge.live), 8.0, "MiB above the base")
		t.Logf("%.1f MiB in %d texts over %d connections, of which %d broke: equal to the log of the service (sha256 %x…); "+
			"heap at most %.1f MiB above the base with garbage, %.1f MiB without, in %d samples; %v of the bubble's time",
			float64(read)/(1<<20), chunks, made, broken, got.Sum(nil)[:4], gauge.above(gauge.peak), gauge.above(gauge.live),
			gauge.samples, time.Since(first).Round(time.Millisecond))
	})
	t.Logf("real time: %v", time.Since(start).Round(time.Millisecond))
}

// B77: no pause while there is more.
func TestFollowAtOnceWhileThereIsMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewBuild(t)
		f.AppendLog(f.JobID, f.BuildNo, strings.Repeat("x", 20*64<<10))
		start := time.Now()
		texts := 0
		for range f.Client().Logs.Follow(t.Context(), f.JobID, f.BuildNo, 0) {
			if texts++; texts == 20 {
				break
			}
		}
		require.Zero(t, time.Since(start))
	})
}

// B77: a pause of 2 s while the log grows.
func TestFollowPaceOfGrowingLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewBuild(t)
		reads := 0
		f.NextN(sdktest.OpReadLog, 100, func(service http.Handler) http.Handler { // of a build that writes steadily
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(50 * time.Millisecond)
				reads++
				f.AppendLog(f.JobID, f.BuildNo, "a line\n")
				service.ServeHTTP(w, r)
			})
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		texts, _, err := textsOf(f.Client().Logs.Follow(ctx, f.JobID, f.BuildNo, 0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.LessOrEqual(t, reads, 31, "reads in a minute, each of which returned all there was")
		require.GreaterOrEqual(t, reads, 20)
		require.GreaterOrEqual(t, len(texts), 20)
		time.Sleep(time.Second) // until the last response, which is not read, is written
	})
}

// B77: pauses grow from 2 to 15 s while no text comes.
func TestFollowPaceOfQuietLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewBuild(t)
		start, reads := time.Now(), f.Arrivals(sdktest.OpReadLog)
		time.AfterFunc(5*time.Minute, func() { f.AppendLog(f.JobID, f.BuildNo, "a line\n") })
		f.Statuses(f.BuildNo, 10*time.Minute, codeartsbuild.StatusSucceeded)
		var line time.Duration
		for range f.Client().Logs.Follow(t.Context(), f.JobID, f.BuildNo, 0) {
			line = time.Since(start)
		}
		at := reads()
		seen := slices.Index(at, line)
		require.Positive(t, seen)
		requirePace(t, at[:seen+1])
		again := at[seen+1:]
		require.LessOrEqual(t, again[1]-at[seen], 7*time.Second, "faster again after a text")
		require.LessOrEqual(t, len(at), 60)
		require.LessOrEqual(t, f.Count(sdktest.OpGetBuild), len(at))
		require.LessOrEqual(t, at[len(at)-1], 10*time.Minute+25*time.Second)
	})
}

// B77: Retry-After is obeyed.
func TestFollowRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusSucceeded})
		f.AppendLog(f.JobID, no, "a line\n")
		f.Next(sdktest.OpReadLog, sdktest.RetryAfter("120"))
		start := time.Now()
		for chunk, err := range f.Client().Logs.Follow(t.Context(), f.JobID, no, 0) {
			require.NoError(t, err)
			require.Equal(t, "a line\n", string(chunk.Text))
			require.GreaterOrEqual(t, time.Since(start), 2*time.Minute)
		}
	})
}
