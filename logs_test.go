package codeartsbuild_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
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
	server := &http.Server{Handler: handler} //nolint:gosec // no header takes long here
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

// A log of 50 MiB over connections that break after any number of bytes, in headers as in texts.
func TestB76LogOverConnectionsThatBreak(t *testing.T) { // not parallel: it measures the heap
	size := 50 << 20
	if testing.Short() {
		size = 5 << 20
	}
	start := time.Now() // before the bubble, whose time is another
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusSucceeded})
		want, written := sha256.New(), 0
		for i := 0; written < size; { // the service holds the log, and nobody else
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
		got, read, chunks := sha256.New(), 0, 0
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
		t.Logf("%.1f MiB in %d texts over %d connections, %d of which broke: equal (sha256 %x…); heap at most %.1f MiB above the base with garbage, %.1f MiB without, in %d samples; %v of the bubble's time",
			float64(read)/(1<<20), chunks, wire.dials, wire.cuts, got.Sum(nil)[:4], gauge.above(gauge.peak), gauge.above(gauge.live), gauge.samples, time.Since(gaugeStart(t)))
	})
	t.Logf("real time: %v", time.Since(start).Round(time.Millisecond))
}

func gaugeStart(*testing.T) time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }
