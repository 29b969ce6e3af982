package codeartsbuild_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

const (
	logsOpRead     = "DownloadBuildRealTimeLog"
	logsOpDownload = "DownloadBuildFullLog"
)

// A logsWire serves a handler over real connections that take no socket, so that they work in a bubble, and
// that may break: each carries as many bytes to the client as left says.
type logsWire struct {
	conns  chan net.Conn
	closed chan struct{}
	left   func() int // nil: all

	mu    sync.Mutex
	dials int
	cuts  int
}

// logsTransport is a transport to a server of its own, which ends with the test.
func logsTransport(t *testing.T, handler http.Handler, left func() int) (*http.Transport, *logsWire) {
	t.Helper()
	w := &logsWire{conns: make(chan net.Conn), closed: make(chan struct{}), left: left}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(w) }()
	transport := &http.Transport{DialTLSContext: w.dial, DisableCompression: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		transport.CloseIdleConnections()
	})
	return transport, w
}

func (w *logsWire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.conns <- server:
	case <-w.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials++
	if w.left == nil {
		return client, nil
	}
	return &logsConn{Conn: client, wire: w, left: w.left()}, nil
}

func (w *logsWire) Accept() (net.Conn, error) {
	select {
	case conn := <-w.conns:
		return conn, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *logsWire) Close() error {
	close(w.closed)
	return nil
}

func (w *logsWire) Addr() net.Addr { return &net.TCPAddr{} }

// logsPause is a pause of a handler, which ends when the client has gone away.
func logsPause(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

// A logsConn breaks after some bytes.
type logsConn struct {
	net.Conn
	wire *logsWire
	left int
}

func (c *logsConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.wire.mu.Lock()
		c.wire.cuts++
		c.wire.mu.Unlock()
		_ = c.Conn.Close()
		return 0, errors.New("connection reset by peer")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// A logsGauge measures the heap above what it was at first: as it is, and without garbage.
type logsGauge struct {
	base, peak, live uint64
	samples          int
}

func logsHeap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func newLogsGauge() *logsGauge {
	runtime.GC()
	runtime.GC()
	return &logsGauge{base: logsHeap()}
}

func (g *logsGauge) sample() {
	g.samples++
	g.peak = max(g.peak, logsHeap())
	if g.samples%8 == 0 {
		runtime.GC()
		g.live = max(g.live, logsHeap())
	}
}

func (g *logsGauge) above(heap uint64) float64 {
	return max(float64(heap)-float64(g.base), 0) / (1 << 20)
}

// logsLine is a line of a log, as long and as odd as those of real builds.
func logsLine(i int) string {
	return fmt.Sprintf("[2026/11/24 10:%02d:%02d.885 GMT+08:00] [INFO] [编译构建:step%d] : \x1b[32m\"<%08x>\" & 'é'\t🔑 %s\n",
		i/60%60, i%60, i%7, i*2654435761, strings.Repeat("x", i%211))
}

// logsSize is how much a test of memory moves: 50 MiB, and less where each byte is watched.
func logsSize() int {
	if testing.Short() {
		return 5 << 20
	}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return 15 << 20
	}
	return 50 << 20
}

// logsOf collects what a log yields, up to its error.
func logsOf(log func(func(codeartsbuild.LogChunk, error) bool)) (texts []string, next int64, err error) {
	for chunk, failure := range log {
		if failure != nil {
			return texts, next, failure
		}
		texts, next = append(texts, string(chunk.Text)), chunk.Next
	}
	return texts, next, nil
}

// logsOffsets are the offsets that were asked for, in order.
func logsOffsets(srv *codeartsbuildtest.Server) (offsets []string) {
	for _, r := range srv.Requests() {
		if r.Operation == logsOpRead {
			_, query, _ := strings.Cut(r.Path, "start_offset=")
			offset, _, _ := strings.Cut(query, "&")
			offsets = append(offsets, offset)
		}
	}
	return offsets
}

func TestB72LogThatGrowsWhileTheBuildRuns(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]time.Duration{
		"fast": 100 * time.Millisecond, "as fast as it is read": 2 * time.Second, "slow": 40 * time.Second, "all at once": 0,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
				var want strings.Builder
				for i := range 100 {
					want.WriteString(logsLine(i))
				}
				at := time.Minute
				time.AfterFunc(at, func() { srv.Finish(job, no, codeartsbuild.StatusRunning) })
				for line := range strings.Lines(want.String()) {
					for _, half := range []string{line[:len(line)/2], line[len(line)/2:]} { // perhaps within a character
						at += pause/2 + 1
						time.AfterFunc(at, func() { srv.AppendLog(job, no, half) })
					}
				}
				time.AfterFunc(at+1, func() { srv.Finish(job, no, codeartsbuild.StatusFailed) })
				texts, next, err := logsOf(srv.Client().Logs.Follow(t.Context(), job, no, 0))
				require.NoError(t, err)
				require.Equal(t, want.String(), strings.Join(texts, ""), "every text once and in order")
				require.Equal(t, int64(want.Len()), next)
				require.LessOrEqual(t, time.Since(start), at+30*time.Second, "it ends with the build")
			})
		})
	}
}

func TestB72LogFromASavedOffset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		client := srv.Client()
		job := srv.AddJob("nightly")
		no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusSucceeded})
		var want strings.Builder
		for i := 0; want.Len() < 400<<10; i++ {
			want.WriteString(logsLine(i))
		}
		srv.AppendLog(job, no, want.String())
		var got strings.Builder
		var next int64
		for restarts := 0; ; restarts++ { // a program that dies after one, two, three … texts
			texts, left := 0, true
			for chunk, err := range client.Logs.Follow(t.Context(), job, no, next) {
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

		texts, _, err := logsOf(client.Logs.Follow(t.Context(), job, no, next))
		require.NoError(t, err)
		require.Empty(t, texts, "from its end on")
		texts, _, err = logsOf(client.Logs.Follow(t.Context(), job, no, 1<<40))
		require.NoError(t, err)
		require.Empty(t, texts, "from behind its end on")
	})
}

func TestB72LogIsReadAnewByEachLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusSucceeded})
		srv.AppendLog(job, no, "a line\n")
		log := srv.Client().Logs.Follow(t.Context(), job, no, 2)
		require.Empty(t, srv.Requests(), "nothing is read before the first text is wanted")
		for range 2 {
			texts, next, err := logsOf(log)
			require.NoError(t, err)
			require.Equal(t, []string{"line\n"}, texts)
			require.Equal(t, int64(7), next)
		}
	})
}

func TestB73OddAnswersOfALog(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from    int64
		answers []string
		texts   []string
		next    int64
		offsets []string // that the answers were given to
	}{
		"as documented": {
			0, []string{`{"error":null,"result":{"end_offset":5,"has_more":false,"location":"jenkins","log":"hello","start_offset":0},"status":"success"}`},
			[]string{"hello"}, 5, []string{"0"},
		},
		"offsets as texts": {
			0, []string{`{"result":{"log":"a","start_offset":"0","end_offset":"1","has_more":"true"}}`, `{"result":{"log":"b","start_offset":"1","end_offset":"2"}}`},
			[]string{"a", "b"}, 2, []string{"0", "1"},
		},
		"offsets that count something else": {
			7, []string{`{"result":{"log":"a","end_offset":1000}}`, `{"result":{"log":"bbb","end_offset":1001}}`},
			[]string{"a", "bbb"}, 1001, []string{"7", "1000"},
		},
		"flat": {
			0, []string{`{"log":"a","end_offset":1}`}, []string{"a"}, 1, []string{"0"},
		},
		"empty answers in between": {
			0, []string{`{"result":{"log":"a","end_offset":1}}`, `{"result":{"log":"","end_offset":1}}`, `{"result":{"log":null,"end_offset":1}}`, `{"result":{"log":"b","end_offset":2}}`},
			[]string{"a", "b"}, 2, []string{"0", "1", "1", "1"},
		},
		"an answer without offsets moves nothing": {
			0, []string{`{"result":{"log":"a","end_offset":1}}`, `{"result":{"log":"b"}}`, `{"result":{"log":"b","end_offset":2}}`},
			[]string{"a", "b"}, 2, []string{"0", "1", "1"},
		},
		"an answer with null for offsets": {
			0, []string{`{"result":{"log":"b","start_offset":null,"end_offset":null,"has_more":null}}`, `{"result":{"log":"b","end_offset":2}}`},
			[]string{"b"}, 2, []string{"0", "0"},
		},
		"an offset that is no number": {
			0, []string{`{"result":{"log":"b","end_offset":"soon"}}`, `{"result":{"log":"b","end_offset":2}}`},
			[]string{"b"}, 2, []string{"0", "0"},
		},
		"an end that goes back": {
			0, []string{`{"result":{"log":"abc","end_offset":3}}`, `{"result":{"log":"ab","end_offset":2}}`, `{"result":{"log":"abc","end_offset":3}}`, `{"result":{"log":"d","end_offset":4}}`},
			[]string{"abc", "d"}, 4, []string{"0", "3", "3", "3"},
		},
		"no result": {
			0, []string{`{"result":null,"error":null,"status":"success"}`, `{}`, `{"result":{"log":"b","end_offset":2}}`},
			[]string{"b"}, 2, []string{"0", "0", "0"},
		},
		"a lost answer": {
			0, []string{`{"result":{"log":"a","end_offset":1}}`, "lost", `{"result":{"log":"b","end_offset":2}}`},
			[]string{"a", "b"}, 2, []string{"0", "1", "1"},
		},
		"an answer that is cut off": {
			0, []string{`{"result":{"log":"a","end_of`, `{"result":{"log":"a","end_offset":1}}`},
			[]string{"a"}, 1, []string{"0", "0"},
		},
		"an answer that is no log": {
			0, []string{`<html>`, `[]`, `{"result":{"log":"a","end_offset":1}}`},
			[]string{"a"}, 1, []string{"0", "0", "0"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				no := srv.StartBuild(job) // whose own log is empty
				for _, answer := range tt.answers {
					if answer == "lost" {
						srv.Next(logsOpRead, codeartsbuildtest.DropAnswer())
					} else {
						srv.Next(logsOpRead, codeartsbuildtest.Reply(200, answer))
					}
				}
				buildsSteps(srv, job, no, 10*time.Minute, codeartsbuild.StatusSucceeded)
				texts, next, err := logsOf(srv.Client().Logs.Follow(t.Context(), job, no, tt.from))
				require.NoError(t, err)
				require.Equal(t, tt.texts, texts)
				require.Equal(t, tt.next, next)
				require.Equal(t, tt.offsets, logsOffsets(srv)[:len(tt.answers)])
				require.Equal(t, fmt.Sprint(tt.next), logsOffsets(srv)[len(tt.answers)], "and goes on there")
			})
		})
	}
}

func TestB73WhatALogIsAskedFor(t *testing.T) {
	t.Parallel()
	asked := ""
	client, _ := buildsClient(t, func(r *http.Request) (*http.Response, error) {
		asked = r.Method + " " + r.URL.RequestURI()
		return httpmock.NewStringResponse(200, `{"result":{"log":"a","end_offset":43}}`), nil
	})
	for chunk, err := range client.Logs.Follow(t.Context(), buildsJob, "7", 42) {
		require.NoError(t, err)
		require.Equal(t, codeartsbuild.LogChunk{Text: []byte("a"), Next: 43}, chunk)
		break
	}
	require.Equal(t, "GET /v1/log/"+buildsJob+"/7/real-time-log?size=1048576&sort=asc&start_offset=42", asked)
}

func TestB74LogIsDrainedAfterTheEnd(t *testing.T) {
	t.Parallel()
	const more = `{"result":{"log":"","end_offset":0,"has_more":true}}`
	tests := map[string]struct {
		late   []time.Duration // when text arrives, after the end was seen
		quiet  []string        // answers before that
		texts  []string
		failed error
	}{
		"nothing comes any more": {nil, nil, nil, nil},
		"at once":                {[]time.Duration{0}, nil, []string{"late 0\n"}, nil},
		"a second later":         {[]time.Duration{time.Second}, nil, []string{"late 0\n"}, nil},
		"three seconds later":    {[]time.Duration{3 * time.Second}, nil, []string{"late 0\n"}, nil},
		"again and again": {
			[]time.Duration{time.Second, 4 * time.Second, 7 * time.Second, 10 * time.Second}, nil,
			[]string{"late 0\n", "late 1\n", "late 2\n", "late 3\n"}, nil,
		},
		"the service has more and does not give it": {nil, slices.Repeat([]string{more}, 50), nil, codeartsbuild.ErrUnexpectedResponse},
		"the service has more up to its last word":  {nil, slices.Repeat([]string{more}, 6), nil, nil},
		"the service has more and is slow":          {[]time.Duration{12 * time.Second}, slices.Repeat([]string{more}, 4), []string{"late 0\n"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				no := srv.StartBuild(job)
				srv.Next(buildsOpGet, buildsDo(func(*http.Request) { // the log is read before the build is looked at
					srv.Finish(job, no, codeartsbuild.StatusSucceeded)
					for i, after := range tt.late {
						time.AfterFunc(after, func() { srv.AppendLog(job, no, fmt.Sprintf("late %d\n", i)) })
					}
				}))
				srv.Next(logsOpRead, nil)
				for _, answer := range tt.quiet {
					srv.Next(logsOpRead, codeartsbuildtest.Reply(200, answer))
				}
				texts, _, err := logsOf(srv.Client().Logs.Follow(t.Context(), job, no, 0))
				require.ErrorIs(t, err, tt.failed)
				require.Equal(t, strings.Join(tt.texts, ""), strings.Join(texts, ""))
				require.Less(t, buildsCount(srv, logsOpRead), 20, "it ends")
				time.Sleep(time.Minute)
			})
		})
	}
}

func TestB75FailedReadsOfALog(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reads, looks string // x fails, . does not; the last one is for ever
		want         error
		requests     int // of what fails; 0: whatever it takes
	}{
		"five reads in a row":              {"xxxxxx", ".", codeartsbuild.ErrForbidden, 5},
		"five reads in a row after some":   {"..xxxxxx", ".", codeartsbuild.ErrForbidden, 7},
		"five reads, but not in a row":     {"xxxx.xxxx.xxxx.", ".", nil, 0},
		"looks, but not five in a row":     {".", "xxxx.xxxx.xxxx.", nil, 0},
		"looks at the build that all fail": {".", "xxxxxx", codeartsbuild.ErrForbidden, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				no := srv.StartBuild(job)
				for operation, pattern := range map[string]string{logsOpRead: tt.reads, buildsOpGet: tt.looks} {
					for i := range 1000 {
						if pattern[min(i, len(pattern)-1)] == 'x' {
							srv.Next(operation, codeartsbuildtest.Reply(403, `{"error_code":"APIGW.0302","error_msg":"no"}`))
						} else {
							srv.Next(operation, nil)
						}
					}
				}
				srv.AppendLog(job, no, "a line\n")
				buildsSteps(srv, job, no, 10*time.Minute, codeartsbuild.StatusSucceeded)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				pairs := 0
				var last codeartsbuild.LogChunk
				var err error
				for last, err = range srv.Client().Logs.Follow(ctx, job, no, 0) {
					pairs++
				}
				require.ErrorIs(t, err, tt.want)
				if tt.want == nil {
					require.Equal(t, "a line\n", string(last.Text))
					return
				}
				require.ErrorAs(t, err, new(*codeartsbuild.APIError))
				require.NotErrorIs(t, err, context.DeadlineExceeded, "it does not go on for as long as it may")
				require.Zero(t, last, "no text stands beside an error")
				require.LessOrEqual(t, pairs, 2, "the error is the last pair")
				if tt.requests > 0 {
					require.Equal(t, tt.requests, buildsCount(srv, logsOpRead))
				}
			})
		})
	}
}

// A build may wait for longer than five reads take, and until it begins the service has no log of it.
func TestB75LogOfABuildThatWaits(t *testing.T) {
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
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
				time.AfterFunc(time.Hour, func() {
					srv.Finish(job, no, map[bool]codeartsbuild.BuildStatus{true: codeartsbuild.StatusSucceeded, false: codeartsbuild.StatusScheduleFailed}[tt.begins])
					if tt.begins {
						srv.AppendLog(job, no, "a line\n")
					}
				})
				for range 10_000 {
					srv.Next(logsOpRead, func(service http.Handler) http.Handler {
						if srv.Status(job, no) == codeartsbuild.StatusSucceeded {
							return service
						}
						return noLog(service)
					})
				}
				texts, _, err := logsOf(srv.Client().Logs.Follow(t.Context(), job, no, 0))
				require.ErrorIs(t, err, tt.want)
				require.Equal(t, tt.begins, strings.Join(texts, "") == "a line\n", texts)
			})
		})
	}
}

func TestB77RetryAfterIsObeyedWhileABuildWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		var reads []time.Time
		buildsEach(srv, logsOpRead, 100, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				reads = append(reads, time.Now())
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(http.StatusTooManyRequests)
			})
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		_, _, err := logsOf(srv.Client().Logs.Follow(ctx, job, no, 0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Greater(t, len(reads), 12)
		for i := range reads[1:] {
			require.GreaterOrEqual(t, reads[i+1].Sub(reads[i]), time.Minute)
		}
	})
}

func TestB75LogWhoseContextEnds(t *testing.T) {
	t.Parallel()
	cause := errors.New("enough")
	tests := map[string]struct {
		ctx   func(context.Context) (context.Context, context.CancelFunc)
		kinds []error
		after time.Duration
	}{
		"a deadline": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Minute)
			},
			[]error{context.DeadlineExceeded}, time.Minute,
		},
		"a cancel with a cause": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Minute, func() { cancel(cause) })
				return ctx, func() { cancel(nil) }
			},
			[]error{context.Canceled, cause}, time.Minute,
		},
		"over before": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx, cancel
			},
			[]error{context.Canceled}, 0,
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
				texts, _, err := logsOf(srv.Client().Logs.Follow(ctx, job, no, 0))
				require.Empty(t, texts)
				for _, kind := range tt.kinds {
					require.ErrorIs(t, err, kind)
				}
				require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				require.Equal(t, tt.after, time.Since(start))
				before := len(srv.Requests())
				time.Sleep(time.Hour)
				require.Equal(t, before, len(srv.Requests()))
			})
		})
	}
}

func TestB75LogThatIsRefused(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	tests := map[string]struct {
		ctx     context.Context
		job, no string
		offset  int64
	}{
		"a negative offset": {t.Context(), job, no, -1},
		"no context":        {nil, job, no, 0},
		"no job":            {t.Context(), "", no, 0},
		"no build":          {t.Context(), job, "0", 0},
		"a daily number":    {t.Context(), job, "20261124.3", 0},
	}
	for name, tt := range tests {
		pairs := 0
		for chunk, err := range srv.Client().Logs.Follow(tt.ctx, tt.job, tt.no, tt.offset) {
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, name)
			require.Zero(t, chunk)
			pairs++
		}
		require.Equal(t, 1, pairs, name)
	}
	require.Empty(t, srv.Requests())
}

func TestB75LogThatIsLeftReadsNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // fails where a goroutine is left
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		srv.AppendLog(job, no, strings.Repeat("a line\n", 100_000))
		for range srv.Client().Logs.Follow(t.Context(), job, no, 0) {
			break
		}
		require.Equal(t, 1, len(srv.Requests()))
		synctest.Wait()
		time.Sleep(time.Hour)
		require.Equal(t, 1, len(srv.Requests()))
	})
}

// A log of many MiB over connections that break after any number of bytes, in headers as in texts.
func TestB76LogOverConnectionsThatBreak(t *testing.T) { // not parallel: it measures the heap
	size, start := logsSize(), time.Now()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusSucceeded})
		want, written := sha256.New(), 0
		for i := 0; written < size; { // the service holds the log, and nobody else does
			var b strings.Builder
			for b.Len() < 1<<20 {
				b.WriteString(logsLine(i))
				i++
			}
			written += b.Len()
			_, _ = io.WriteString(want, b.String())
			srv.AppendLog(job, no, b.String())
		}
		rng := rand.New(rand.NewPCG(76, 1))
		transport, wire := logsTransport(t, srv, func() int { return rng.IntN(600 << 10) })
		client := srv.Client(codeartsbuild.WithTransport(transport))
		got, read, chunks, first := sha256.New(), 0, 0, time.Now()
		gauge := newLogsGauge()
		var next int64
		for chunk, err := range client.Logs.Follow(t.Context(), job, no, 0) {
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
		require.Equal(t, want.Sum(nil), got.Sum(nil), "what the service holds")
		require.Greater(t, wire.cuts, size>>20)
		require.Less(t, gauge.above(gauge.peak), 64.0, "MiB above the base, garbage included")
		require.Less(t, gauge.above(gauge.live), 8.0, "MiB above the base")
		t.Logf("%.1f MiB in %d texts over %d connections, of which %d broke: equal to what the service holds (sha256 %x…); "+
			"heap at most %.1f MiB above the base with garbage, %.1f MiB without, in %d samples; %v of the bubble's time",
			float64(read)/(1<<20), chunks, wire.dials, wire.cuts, got.Sum(nil)[:4], gauge.above(gauge.peak), gauge.above(gauge.live),
			gauge.samples, time.Since(first).Round(time.Millisecond))
	})
	t.Logf("real time: %v", time.Since(start).Round(time.Millisecond))
}

func TestB77LogIsReadAtOnceWhileThereIsMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		srv.AppendLog(job, no, strings.Repeat("x", 20*64<<10))
		start := time.Now()
		texts := 0
		for range srv.Client().Logs.Follow(t.Context(), job, no, 0) {
			if texts++; texts == 20 {
				break
			}
		}
		require.Zero(t, time.Since(start))
	})
}

func TestB77LogIsReadEveryTwoSecondsWhileItGrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		reads := 0
		buildsEach(srv, logsOpRead, 100, func(service http.Handler) http.Handler { // of a build that writes all the time
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(50 * time.Millisecond)
				reads++
				srv.AppendLog(job, no, "a line\n")
				service.ServeHTTP(w, r)
			})
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		texts, _, err := logsOf(srv.Client().Logs.Follow(ctx, job, no, 0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.LessOrEqual(t, reads, 31, "reads in a minute, none of which had more")
		require.GreaterOrEqual(t, reads, 20)
		require.GreaterOrEqual(t, len(texts), 20)
		time.Sleep(time.Second) // until the last answer, which nobody waits for, is written
	})
}

func TestB77PaceOfAQuietLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		reads := buildsTimes(srv, logsOpRead)
		time.AfterFunc(5*time.Minute, func() { srv.AppendLog(job, no, "a line\n") })
		buildsSteps(srv, job, no, 10*time.Minute, codeartsbuild.StatusSucceeded)
		var line time.Duration
		for range srv.Client().Logs.Follow(t.Context(), job, no, 0) {
			line = time.Since(reads.start)
		}
		at := reads.times()
		seen := slices.Index(at, line)
		require.Positive(t, seen)
		buildsPaced(t, at[:seen+1])
		again := at[seen+1:]
		require.LessOrEqual(t, again[1]-at[seen], 7*time.Second, "faster again after a text")
		require.LessOrEqual(t, len(at), 60)
		require.LessOrEqual(t, buildsCount(srv, buildsOpGet), len(at))
		require.LessOrEqual(t, at[len(at)-1], 10*time.Minute+25*time.Second)
	})
}

func TestB77LogObeysRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusSucceeded})
		srv.AppendLog(job, no, "a line\n")
		srv.Next(logsOpRead, buildsThrottled("120"))
		start := time.Now()
		for chunk, err := range srv.Client().Logs.Follow(t.Context(), job, no, 0) {
			require.NoError(t, err)
			require.Equal(t, "a line\n", string(chunk.Text))
			require.GreaterOrEqual(t, time.Since(start), 2*time.Minute)
		}
	})
}

// logsRecord is the record of a build, for downloads.
func logsRecord(t *testing.T, client *codeartsbuild.Client, job, no string) string {
	t.Helper()
	build, err := client.Builds.Get(t.Context(), job, no)
	require.NoError(t, err)
	return build.RecordID
}

func TestB78DownloadOfAWholeLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		client := srv.Client()
		job := srv.AddJob("nightly")
		for _, want := range []string{"", "a line\n", strings.Repeat(logsLine(1), 10_000)} {
			no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusSucceeded})
			srv.AppendLog(job, no, want)
			record := logsRecord(t, client, job, no)
			srv.Next(logsOpDownload, codeartsbuildtest.Reply(503, ""), codeartsbuildtest.DropAnswer())
			var response codeartsbuild.Response
			file, err := client.Logs.Download(t.Context(), record, codeartsbuild.WithResponseInto(&response))
			require.NoError(t, err)
			got, err := io.ReadAll(file)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			require.Equal(t, want, string(got))
			require.Equal(t, 3, response.Attempts)
		}
		_, err := client.Logs.Download(t.Context(), "9d6169b9-022d-458c-9dc8-48cc94cc4083")
		require.ErrorIs(t, err, codeartsbuild.ErrNotFound)
		before := len(srv.Requests())
		for _, record := range []string{"", "..", buildsJob, "9d6169b9-022d-458c-9dc8-48cc94cc408/", "9d6169b9-022d-458c-9dc8-48cc94cc40833"} {
			file, err := client.Logs.Download(t.Context(), record)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, "record %q", record)
			require.Nil(t, file)
		}
		require.Equal(t, before, len(srv.Requests()))
	})
}

// A logsCollector is a store that keeps what arrives.
type logsCollector struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
}

func logsStore(t *testing.T, start func(http.Handler) *httptest.Server, answer http.HandlerFunc) *logsCollector {
	t.Helper()
	c := new(logsCollector)
	c.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.requests = append(c.requests, r.Clone(context.WithoutCancel(r.Context())))
		c.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *logsCollector) arrived() []*http.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

// logsMoved redirects with any status.
func logsMoved(status int, location string) codeartsbuildtest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(status)
		})
	}
}

func logsFile(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.WriteString(w, "a line\n")
}

func TestB78RedirectToAStoreIsFollowedOnceWithoutTheCredential(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, signed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, signed %t", status, signed), func(t *testing.T) {
				t.Parallel()
				store := logsStore(t, httptest.NewTLSServer, logsFile)
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				srv.Start()
				transport := codeartsbuild.WithTransport(store.Client().Transport)
				client := srv.Client(transport)
				id, secret := srv.AccessKey()
				if signed {
					var err error
					client, err = codeartsbuild.NewClient(codeartsbuild.WithEndpoint(srv.URL), transport, codeartsbuild.WithProjectID("0123456789abcdef"),
						codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(id, secret)))
					require.NoError(t, err)
				}
				job := srv.AddJob("nightly")
				record := logsRecord(t, client, job, srv.StartBuild(job))
				srv.Next(logsOpDownload, logsMoved(status, store.URL+"/logs/1?Signature=s%2Fe+c"))

				file, err := client.Logs.Download(t.Context(), record)
				require.NoError(t, err)
				got, err := io.ReadAll(file)
				require.NoError(t, err)
				require.NoError(t, file.Close())
				require.Equal(t, "a line\n", string(got))

				require.Equal(t, 1, buildsCount(srv, logsOpDownload))
				own := srv.Requests()[len(srv.Requests())-1].Header
				credential := own.Get("X-Auth-Token")
				if signed {
					credential = own.Get("Authorization")
				}
				require.NotEmpty(t, credential)
				arrived := store.arrived()
				require.Len(t, arrived, 1, "followed once")
				require.Equal(t, "GET /logs/1?Signature=s%2Fe+c", arrived[0].Method+" "+arrived[0].RequestURI, "as it was given")
				for name, values := range arrived[0].Header {
					require.Contains(t, []string{"Accept", "Accept-Encoding", "User-Agent"}, name)
					for _, value := range values {
						require.NotContains(t, value, credential)
						require.NotContains(t, value, id)
						require.NotContains(t, value, secret)
					}
				}
			})
		}
	}
}

func TestB78RedirectsThatAreNotFollowed(t *testing.T) {
	t.Parallel()
	const signature = "Signature=s3cr3t"
	plain := logsStore(t, httptest.NewServer, logsFile)
	second := logsStore(t, httptest.NewTLSServer, logsFile)
	tests := map[string]struct {
		location string           // "": none; "store" is the store
		answer   http.HandlerFunc // of the store
		kind     error
		status   int
		followed int
	}{
		"http":                   {plain.URL + "/?" + signature, nil, codeartsbuild.ErrUnexpectedResponse, 307, 0},
		"a path on the service":  {"/elsewhere?" + signature, nil, codeartsbuild.ErrUnexpectedResponse, 307, 0},
		"another scheme":         {"ftp://store.example.com/?" + signature, nil, codeartsbuild.ErrUnexpectedResponse, 307, 0},
		"no place":               {"", nil, codeartsbuild.ErrUnexpectedResponse, 307, 0},
		"a place that is no URL": {"https://store.example.com:port/?" + signature, nil, codeartsbuild.ErrUnexpectedResponse, 307, 0},
		"no host":                {"https:///logs?" + signature, nil, codeartsbuild.ErrUnexpectedResponse, 307, 0},
		"a password in the URL":  {"userinfo", nil, codeartsbuild.ErrUnexpectedResponse, 307, 0},
		"from the store elsewhere": {"store", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, second.URL+"/?"+signature, http.StatusFound)
		}, codeartsbuild.ErrUnexpectedResponse, 302, 1},
		"the store refuses": {"store", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(403)
			_, _ = io.WriteString(w, "<Error><Resource>"+r.URL.RawQuery+"</Resource></Error>")
		}, codeartsbuild.ErrForbidden, 403, 1},
		"the store wants to know who it is": {"store", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(401)
			_, _ = io.WriteString(w, `{"error_code":"APIGW.0307","error_msg":"`+r.URL.RawQuery+`"}`)
		}, codeartsbuild.ErrUnauthorized, 401, 1},
		"the store answers JSON": {"store", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"path":"`+r.URL.RawQuery+`"}`)
		}, codeartsbuild.ErrUnexpectedResponse, 200, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := logsStore(t, httptest.NewTLSServer, tt.answer)
			srv := codeartsbuildtest.NewServer()
			defer srv.Close()
			srv.Start()
			logins := 0
			source := codeartsbuild.NewCachedTokenSource(codeartsbuild.TokenSourceFunc(func(ctx context.Context) (*codeartsbuild.Token, error) {
				logins++
				own, err := codeartsbuild.NewIAMTokenSource(srv.IAMConfig())
				if err != nil {
					return nil, err
				}
				return own.Token(ctx)
			}))
			client := srv.Client(codeartsbuild.WithTransport(store.Client().Transport), codeartsbuild.WithTokenSource(source),
				codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 1}))
			job := srv.AddJob("nightly")
			record := logsRecord(t, client, job, srv.StartBuild(job))
			location := tt.location
			switch location {
			case "store":
				location = store.URL + "/logs/1?" + signature
			case "userinfo":
				location = strings.Replace(store.URL, "://", "://user:s3cr3t@", 1)
			}
			srv.Next(logsOpDownload, logsMoved(307, location))
			file, err := client.Logs.Download(t.Context(), record)
			if file != nil {
				_ = file.Close() // or the store would wait for its reader
			}
			require.Nil(t, file)
			require.ErrorIs(t, err, tt.kind)
			var apiErr *codeartsbuild.APIError
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", err, err, err, apiErr.Body), "s3cr3t", "an address is a credential")
			require.Len(t, store.arrived(), tt.followed)
			require.Equal(t, 1, logins, "what the store says is nothing about the token")
			require.Equal(t, 1, buildsCount(srv, logsOpDownload))
		})
	}
	t.Cleanup(func() {
		assert.Empty(t, plain.arrived(), "nothing goes there")
		assert.Empty(t, second.arrived(), "nothing goes there")
	})
}

func TestB79AnswerToADownloadThatIsNoFile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status      int
		contentType string
		body        string
		want        error // nil: it is a file
		code        string
	}{
		"a file":                   {200, "application/octet-stream", "a line", nil, ""},
		"a text":                   {200, "text/plain; charset=utf-8", "a line", nil, ""},
		"nothing said":             {200, "", "a line", nil, ""},
		"a file that looks like":   {200, "application/octet-stream", `{"error_code":"CB.1"}`, nil, ""},
		"an error":                 {200, "application/json;charset=UTF-8", `{"error_code":"CB.00060201","error_msg":"no"}`, codeartsbuild.ErrBadRequest, "CB.00060201"},
		"an error in an envelope":  {200, "application/json", `{"status":"error","error":{"code":"DEVCB.00031006","reason":"none"}}`, codeartsbuild.ErrNotFound, "DEVCB.00031006"},
		"an error in capitals":     {200, "Application/JSON", `{"error_code":"CB.00060201","error_msg":"no"}`, codeartsbuild.ErrBadRequest, "CB.00060201"},
		"another JSON":             {200, "application/problem+json", `{"error_code":"CB.00060201","error_msg":"no"}`, codeartsbuild.ErrBadRequest, "CB.00060201"},
		"JSON that is no error":    {200, "application/json", `{"result":null,"error":null,"status":"success"}`, codeartsbuild.ErrUnexpectedResponse, ""},
		"JSON without anything":    {200, "application/json", ``, codeartsbuild.ErrUnexpectedResponse, ""},
		"B35 a page of a proxy":    {200, "text/html; charset=utf-8", `<html><title>Sign in</title>`, codeartsbuild.ErrUnexpectedResponse, ""},
		"a refusal":                {403, "application/json", `{"error_code":"APIGW.0302","error_msg":"no"}`, codeartsbuild.ErrForbidden, "APIGW.0302"},
		"a refusal that is a file": {404, "application/octet-stream", `none`, codeartsbuild.ErrNotFound, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := buildsClient(t, func(*http.Request) (*http.Response, error) {
				answer := httpmock.NewStringResponse(tt.status, tt.body)
				answer.ContentLength = int64(len(tt.body))
				answer.Header.Set("Content-Type", tt.contentType)
				return answer, nil
			})
			file, err := client.Logs.Download(t.Context(), "9d6169b9-022d-458c-9dc8-48cc94cc4083", codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 1}))
			if tt.want == nil {
				require.NoError(t, err)
				got, err := io.ReadAll(file)
				require.NoError(t, err)
				require.Equal(t, tt.body, string(got))
				require.NoError(t, file.Close())
				return
			}
			require.Nil(t, file)
			require.ErrorIs(t, err, tt.want)
			var apiErr *codeartsbuild.APIError
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.Equal(t, tt.code, apiErr.ErrorCode)
			require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
		})
	}
}

const logsRecordID = "9d6169b9-022d-458c-9dc8-48cc94cc4083"

// logsWired is a client of a handler that answers downloads over a wire.
func logsWired(t *testing.T, left func() int, answer http.HandlerFunc, opts ...codeartsbuild.ClientOption) (*codeartsbuild.Client, *logsWire) {
	t.Helper()
	transport, wire := logsTransport(t, answer, left)
	client, err := codeartsbuild.NewClient(append([]codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint("https://cloudbuild.example.com"), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("token")),
		codeartsbuild.WithTransport(transport),
	}, opts...)...)
	require.NoError(t, err)
	return client, wire
}

func TestB80TimeoutOfADownloadEndsWithTheHeader(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header time.Duration // when it comes
		body   time.Duration // how long it takes then
		option codeartsbuild.Option
		ok     bool
		took   time.Duration
	}{
		"a slow body":                 {0, time.Hour, codeartsbuild.WithTimeout(time.Second), true, time.Hour},
		"a header in time":            {900 * time.Millisecond, time.Hour, codeartsbuild.WithTimeout(time.Second), true, time.Hour + 900*time.Millisecond},
		"a header too late":           {1100 * time.Millisecond, 0, codeartsbuild.WithTimeout(time.Second), false, time.Second},
		"the default":                 {time.Minute, 0, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 1}), false, 30 * time.Second},
		"a late header and no limit":  {time.Hour, time.Hour, codeartsbuild.WithTimeout(0), true, 2 * time.Hour},
		"a slow body and the default": {time.Second, 24 * time.Hour, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{}), true, 24*time.Hour + time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, _ := logsWired(t, nil, func(w http.ResponseWriter, r *http.Request) {
					logsPause(r, tt.header)
					_, _ = io.WriteString(w, "a ")
					w.(http.Flusher).Flush()
					logsPause(r, tt.body)
					_, _ = io.WriteString(w, "line\n")
				}, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 1}))
				start := time.Now()
				file, err := client.Logs.Download(t.Context(), logsRecordID, tt.option)
				if !tt.ok {
					require.Nil(t, file)
					require.ErrorContains(t, err, "no answer within")
					require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context lives")
					require.NotErrorIs(t, err, context.Canceled)
					require.Equal(t, tt.took, time.Since(start))
					return
				}
				require.NoError(t, err)
				got, err := io.ReadAll(file)
				require.NoError(t, err)
				require.NoError(t, file.Close())
				require.Equal(t, "a line\n", string(got))
				require.Equal(t, tt.took, time.Since(start))
			})
		})
	}
}

func TestB80ContextEndsADownload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := logsWired(t, nil, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "a ")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		file, err := client.Logs.Download(ctx, logsRecordID)
		require.NoError(t, err)
		got, err := io.ReadAll(file)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, "a ", string(got))
		require.Equal(t, time.Minute, time.Since(start))
		require.NoError(t, file.Close())
	})
}

func TestB80CloseReleasesADownload(t *testing.T) {
	t.Parallel()
	for _, read := range []int{0, 1, 1 << 10} {
		synctest.Test(t, func(t *testing.T) { // fails where a goroutine is left
			released := false
			client, _ := logsWired(t, nil, func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					if _, err := io.WriteString(w, strings.Repeat("x", 4<<10)); err != nil {
						break
					}
				}
				released = true
			})
			file, err := client.Logs.Download(t.Context(), logsRecordID)
			require.NoError(t, err)
			_, err = io.ReadFull(file, make([]byte, read))
			require.NoError(t, err)
			synctest.Wait()
			require.False(t, released)
			require.NoError(t, file.Close())
			synctest.Wait()
			require.True(t, released, "the service writes to nobody any more, after %d bytes", read)
			_, err = file.Read(make([]byte, 1))
			require.Error(t, err)
			_ = file.Close() // again
		})
	}
}

func TestB80CloseEndsTheContextOfADownload(t *testing.T) {
	t.Parallel()
	var attempt context.Context
	client, _ := buildsClient(t, func(r *http.Request) (*http.Response, error) {
		attempt = r.Context()
		return httpmock.NewStringResponse(200, "a line"), nil
	})
	file, err := client.Logs.Download(t.Context(), logsRecordID)
	require.NoError(t, err)
	require.NoError(t, attempt.Err(), "it goes on with the reading")
	require.NoError(t, file.Close())
	require.ErrorIs(t, attempt.Err(), context.Canceled, "or it would hang on the caller's context for as long as that lives")
}

func TestB80DownloadsShareAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, wire := logsWired(t, nil, logsFile)
		for range 5 {
			file, err := client.Logs.Download(t.Context(), logsRecordID)
			require.NoError(t, err)
			_, err = io.ReadAll(file)
			require.NoError(t, err)
			require.NoError(t, file.Close())
		}
		require.Equal(t, 1, wire.dials)
	})
}

func TestB80DownloadThatIsCutOffIsNoWholeFile(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("a line\n", 1000)
	for name, announce := range map[string]bool{"its length was known": true, "its length was not known": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, left := range []int{300, 1000, 6000} {
					client, _ := logsWired(t, func() int { return left }, func(w http.ResponseWriter, _ *http.Request) {
						w.Header().Set("Content-Type", "application/octet-stream")
						if announce {
							w.Header().Set("Content-Length", fmt.Sprint(len(line)))
						}
						for l := range strings.Lines(line) {
							_, _ = io.WriteString(w, l)
						}
					})
					file, err := client.Logs.Download(t.Context(), logsRecordID)
					require.NoError(t, err)
					got, err := io.ReadAll(file)
					require.Error(t, err, "after %d bytes", len(got))
					require.True(t, bytes.HasPrefix([]byte(line), got))
					require.NoError(t, file.Close())
				}
			})
		})
	}
}

func TestB80DownloadIsNotHeldInMemory(t *testing.T) { // not parallel: it measures the heap
	size := logsSize()
	synctest.Test(t, func(t *testing.T) {
		want, written := sha256.New(), 0
		piece := strings.Repeat(logsLine(7), 100)
		client, _ := logsWired(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			for written < size {
				n, _ := io.WriteString(w, piece)
				_, _ = io.WriteString(want, piece[:n])
				written += n
			}
		})
		file, err := client.Logs.Download(t.Context(), logsRecordID)
		require.NoError(t, err)
		got, read, buf := sha256.New(), 0, make([]byte, 32<<10)
		gauge := newLogsGauge()
		for i := 0; err == nil; i++ {
			var n int
			n, err = file.Read(buf)
			got.Write(buf[:n])
			read += n
			if i%200 == 0 {
				gauge.sample()
			}
		}
		require.Equal(t, io.EOF, err)
		require.NoError(t, file.Close())
		require.Equal(t, written, read)
		require.Equal(t, want.Sum(nil), got.Sum(nil))
		require.Less(t, gauge.above(gauge.peak), 16.0, "MiB above the base")
		t.Logf("%.1f MiB downloaded: heap at most %.1f MiB above the base, in %d samples", float64(read)/(1<<20), gauge.above(gauge.peak), gauge.samples)
	})
}

func TestB81ErrorsThatTheServiceFoundInALog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		client := srv.Client()
		job := srv.AddJob("nightly")
		no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusFailed})
		analysis, err := client.Logs.Analysis(t.Context(), job, no)
		require.NoError(t, err)
		require.Equal(t, &codeartsbuild.LogAnalysis{JobName: "nightly"}, analysis)

		srv.AppendLog(job, no, "[2026/11/24 10:00:00.000 GMT+08:00] [INFO] [build:image] : fine\n"+
			"[2026/11/24 10:00:01.000 GMT+08:00] [ERROR] [build:image] : DEV.CB.0210043, no Dockerfile\n")
		analysis, err = client.Logs.Analysis(t.Context(), job, no)
		require.NoError(t, err)
		require.Len(t, analysis.Errors, 1)
		found := analysis.Errors[0]
		require.NotEmpty(t, found.NodeID)
		found.NodeID = ""
		require.Equal(t, codeartsbuild.LogError{Step: "image", Analyzed: true, LogErrorInfo: codeartsbuild.LogErrorInfo{Code: "DEV.CB.0210043", Message: "DEV.CB.0210043, no Dockerfile"}}, found)

		_, err = client.Logs.Analysis(t.Context(), job, "9")
		require.ErrorIs(t, err, codeartsbuild.ErrNotFound)
		_, err = client.Logs.Analysis(t.Context(), job, "0")
		require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
	})
}

func TestB81AnswersToAnAnalysis(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want codeartsbuild.LogAnalysis
	}{
		"as reported": {
			`{"result":{"job_name":"demo","error_nodes":[{"node_id":"n1","step":"image","analyzed_success":true,"error_info":{"error_code":"DEV.CB.0210043","error_message":"no Dockerfile","faq":"https://example.com/faq"}}]},"error":null,"status":"success"}`,
			codeartsbuild.LogAnalysis{JobName: "demo", Errors: []codeartsbuild.LogError{{NodeID: "n1", Step: "image", Analyzed: true, LogErrorInfo: codeartsbuild.LogErrorInfo{Code: "DEV.CB.0210043", Message: "no Dockerfile", FAQ: "https://example.com/faq"}}}},
		},
		"spelled otherwise": {
			`{"job_name":7,"error_nodes":[{"node_id":1,"analyzed_success":"False","error_info":null},{"analyzed_success":"true","error_info":{"error_code":43}}]}`,
			codeartsbuild.LogAnalysis{JobName: "7", Errors: []codeartsbuild.LogError{{NodeID: "1"}, {Analyzed: true, LogErrorInfo: codeartsbuild.LogErrorInfo{Code: "43"}}}},
		},
		"nothing found": {`{"result":{"job_name":"demo","error_nodes":null}}`, codeartsbuild.LogAnalysis{JobName: "demo"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := buildsClient(t, buildsAnswer(200, tt.body))
			got, err := client.Logs.Analysis(t.Context(), buildsJob, "1")
			require.NoError(t, err)
			require.Equal(t, &tt.want, got)
		})
	}
}
