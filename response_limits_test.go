package codeartsbuild_test

import (
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const (
	largestSuccess = 10 << 20 // that a client reads
	largestBody    = 4 << 10  // that an error keeps

	hugeBody    = 256 << 20
	endlessBody = math.MaxInt64
)

// A meter counts the bytes on the connections of a server.
type meter struct {
	sent     atomic.Int64 // by the server
	received atomic.Int64 // by the client
}

// listenMetered starts a server whose connections are counted, and makes a client of it. The client has the given
// transport or, for nil, the default one. The system's buffers between server and client are small.
func listenMetered(t *testing.T, protocol string, transport *http.Transport, handler http.HandlerFunc) (*codeartsbuild.Client, *meter) {
	t.Helper()
	const systemBuffer = 32 << 10
	m := new(meter)
	server := httpfake.Listen(t, handler, func(s *httptest.Server) {
		s.EnableHTTP2 = protocol == "HTTP/2"
		s.Listener = &meteredListener{s.Listener, func(conn net.Conn) net.Conn {
			_ = conn.(*net.TCPConn).SetWriteBuffer(systemBuffer)
			return &meteredConn{Conn: conn, written: &m.sent}
		}}
	})
	if transport == nil {
		transport = codeartsbuild.NewTransport()
	}
	if server.EnableHTTP2 {
		transport.TLSClientConfig = trust(rootsOf(server))
	}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		_ = conn.(*net.TCPConn).SetReadBuffer(systemBuffer)
		return &meteredConn{Conn: conn, read: &m.received}, nil
	}
	return sdktest.Client(t, transport, codeartsbuild.WithEndpoint(server.URL), sdktest.Quick), m
}

func (m *meter) log(t *testing.T) {
	t.Helper()
	t.Logf("the client took %d KiB, the server could send %d KiB", m.received.Load()>>10, m.sent.Load()>>10)
}

type meteredListener struct {
	net.Listener
	meter func(net.Conn) net.Conn
}

func (l *meteredListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.meter(conn), nil
}

type meteredConn struct {
	net.Conn
	read, written *atomic.Int64 // nil: not counted
}

func (c *meteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.read != nil {
		c.read.Add(int64(n))
	}
	return n, err
}

func (c *meteredConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.written != nil {
		c.written.Add(int64(n))
	}
	return n, err
}

// A longBody is a body that begins with start and goes on with filler.
type longBody struct {
	start, filler string
	total         int64
	announced     bool // by Content-Length
}

// respond writes the body until it is complete or the client takes no more.
func (b longBody) respond(w http.ResponseWriter, status int) {
	if b.announced {
		w.Header().Set("Content-Length", strconv.FormatInt(b.total, 10))
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, b.start)
	block := []byte(strings.Repeat(b.filler, 32<<10/len(b.filler)))
	for sent := int64(len(b.start)); sent < b.total; {
		n, err := w.Write(block[:min(int64(len(block)), b.total-sent)])
		if err != nil {
			return
		}
		sent += int64(n)
	}
}

// B37: a client reads only the start of a long error response, which has the code and the message.
func TestErrorResponseLimit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		longBody
		message string
	}{
		"256 MiB of JSON":             {longBody{`{"error_code":"CB.00060200","error_msg":"`, "x", hugeBody, true}, `{"error_code":"CB.00060200"`},
		"256 MiB of HTML":             {longBody{"<html><title>Bad gateway</title>", "<p>", hugeBody, true}, "Bad gateway"},
		"256 MiB without length":      {longBody{"no such job: ", "a ", hugeBody, false}, "no such job: a a a"},
		"endless":                     {longBody{"", "\r\n", endlessBody, false}, ""},
		"endless after complete JSON": {longBody{`{"error_code":"CB.00060200","error_msg":"Invalid param"}`, " ", endlessBody, false}, "Invalid param"},
	}
	for name, tt := range tests {
		for _, protocol := range protocols {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				t.Parallel()
				ended := make(chan struct{}, 1)
				client, m := listenMetered(t, protocol, nil, func(w http.ResponseWriter, _ *http.Request) {
					tt.respond(w, http.StatusBadRequest)
					ended <- struct{}{}
				})
				err := sdktest.Stop(t.Context(), client)
				<-ended // the server has given up
				m.log(t)
				require.Less(t, m.received.Load(), int64(1<<20))
				require.Less(t, m.sent.Load(), int64(1<<20))
				apiErr := sdktest.APIError(t, err)
				require.Equal(t, http.StatusBadRequest, apiErr.StatusCode)
				require.Equal(t, []string{"ErrBadRequest"}, sdktest.Kinds(err))
				require.Contains(t, apiErr.ErrorMsg, tt.message)
				require.LessOrEqual(t, len(apiErr.Body), largestBody)
				require.Less(t, len(err.Error()), 1<<10)
			})
		}
	}
}

// B37: a client reads a success of up to 10 MiB. It does not retry a larger one.
func TestSuccessLimit(t *testing.T) {
	t.Parallel()
	const most = largestSuccess + 1<<20 // with the bytes on their way
	tooLarge := []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}
	tests := map[string]struct {
		longBody
		most  int64 // bytes on the connection
		kinds []string
	}{
		"256 MiB":                {longBody{`{"result":true}`, " ", hugeBody, true}, 1 << 20, tooLarge},
		"256 MiB without length": {longBody{`{"result":true}`, " ", hugeBody, false}, most, tooLarge},
		"endless":                {longBody{"", "<p>", endlessBody, false}, most, tooLarge},
		"10 MiB and a byte":      {longBody{`{"result":true}`, " ", largestSuccess + 1, false}, most, tooLarge},
		"10 MiB without length":  {longBody{`{"result":true}`, " ", largestSuccess, false}, most, []string{}},
		"10 MiB":                 {longBody{`{"result":true}`, " ", largestSuccess, true}, most, []string{}},
		"denial after 1 MiB":     {longBody{`{"data":"` + strings.Repeat("x", 1<<20) + `","result":false}`, " ", 0, false}, largestSuccess, []string{"ErrNotStopped"}},
	}
	for name, tt := range tests {
		for _, protocol := range protocols {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				t.Parallel()
				ended := make(chan struct{}, 10)
				client, m := listenMetered(t, protocol, nil, func(w http.ResponseWriter, _ *http.Request) {
					tt.respond(w, http.StatusOK)
					ended <- struct{}{}
				})
				attempts, err := stopCounting(t.Context(), client)
				<-ended
				m.log(t)
				require.Less(t, m.received.Load(), tt.most)
				require.Less(t, m.sent.Load(), tt.most)
				require.Equal(t, 1, attempts)
				require.Equal(t, tt.kinds, sdktest.Kinds(err))
				if err == nil {
					return
				}
				apiErr := sdktest.APIError(t, err)
				require.Equal(t, http.StatusOK, apiErr.StatusCode)
				require.LessOrEqual(t, len(apiErr.Body), largestBody)
				if slices.Equal(tt.kinds, tooLarge) {
					require.ErrorContains(t, err, "10 MiB")
				}
			})
		}
	}
}

// A readerFunc is a reader made of a function.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// repeated is a text without end.
func repeated(text string) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		for i := range p {
			p[i] = text[i%len(text)]
		}
		return len(p), nil
	})
}

// B37: a client holds less than 24 MiB while it reads a success. The test is not parallel, since it measures the heap.
func TestSuccessMemory(t *testing.T) {
	var raw []byte
	readRaw := func(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
		return c.Do(ctx, http.MethodGet, "/v1/anything", nil, &raw, opts...)
	}
	largest := func(start, filler string) io.Reader {
		return io.LimitReader(io.MultiReader(strings.NewReader(start), repeated(filler)), largestSuccess)
	}
	tests := map[string]struct {
		body io.Reader
		call sdktest.Call
	}{
		"endless":             {repeated(" "), sdktest.Stop},
		"endless, unchanged":  {repeated("x"), readRaw},
		"10 MiB":              {largest(`{"result":true}`, " "), sdktest.Stop},
		"10 MiB, unchanged":   {largest("", "x"), readRaw},
		"10 MiB without JSON": {largest("", "x"), sdktest.Stop},
		"10 MiB of HTML":      {largest("<html>", "<p>"), sdktest.Stop},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client := sdktest.Client(t, httpfake.Stream(http.StatusOK, collecting(tt.body)), sdktest.Once)
			peak := heapPeak(func() { _ = tt.call(t.Context(), client) })
			t.Logf("at most %.1f MiB held", float64(peak)/(1<<20))
			require.Less(t, peak, int64(24<<20))
			raw = nil
		})
	}
}

// collecting collects the garbage after each MiB and at the end, since garbage is not held.
func collecting(body io.Reader) io.Reader {
	left := 0
	return readerFunc(func(p []byte) (int, error) {
		n, err := body.Read(p)
		if left -= n; left < 0 || err == io.EOF {
			runtime.GC()
			left = 1 << 20
		}
		return n, err
	})
}

// heapPeak returns how much larger the heap became while f ran.
func heapPeak(f func()) int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	used := func() int64 {
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	runtime.GC()
	before, peak := used(), int64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for more := true; more; {
			select {
			case <-stop:
				more = false
			case <-time.After(200 * time.Microsecond):
			}
			peak = max(peak, used()-before)
		}
	}()
	f()
	close(stop)
	<-stopped
	return peak
}

// B37: a body that comes a byte a second, without end, ends with the time limit of the attempt.
func TestBodyWithoutEndTimesOut(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"success": 200, "error": 400} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := sdktest.Client(t, httpfake.Func(func(req *http.Request) (*http.Response, error) {
					return httpfake.Stream(status, readerFunc(func(p []byte) (int, error) {
						select {
						case <-req.Context().Done():
							return 0, req.Context().Err()
						case <-time.After(time.Second):
						}
						p[0] = ' '
						return 1, nil
					}))(req)
				}), sdktest.Once)
				start := time.Now()
				err := sdktest.Stop(t.Context(), client)
				require.Equal(t, 30*time.Second, time.Since(start))
				require.Equal(t, status, sdktest.APIError(t, err).StatusCode)
				require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context has not ended")
			})
		})
	}
}

// B37: a body whose reads return neither data nor an error is given up.
func TestBodyWithoutProgress(t *testing.T) {
	t.Parallel()
	body := readerFunc(func([]byte) (int, error) { return 0, nil })
	client := sdktest.Client(t, httpfake.Stream(200, body), sdktest.Once)
	require.ErrorIs(t, sdktest.Stop(t.Context(), client), codeartsbuild.ErrUnexpectedResponse)
}

// B37: 256 MiB that come compressed are limited, whether the client or the caller's transport decompresses them.
func TestCompressedResponseLimit(t *testing.T) {
	t.Parallel()
	success, invalid := `{"result":true}`, `{"error_code":"CB.00060200","error_msg":"Invalid param"}`
	tests := map[string]struct {
		status    int
		start     string
		transport *http.Transport // nil: the default one, which asks for no compression
		kind      error
		text      string
	}{
		"success":                         {200, success, nil, codeartsbuild.ErrUnexpectedResponse, "10 MiB"},
		"error":                           {400, invalid, nil, codeartsbuild.ErrBadRequest, ""},
		"success, transport decompresses": {200, success, &http.Transport{}, codeartsbuild.ErrUnexpectedResponse, "10 MiB"},
		"error, transport decompresses":   {400, invalid, &http.Transport{}, codeartsbuild.ErrBadRequest, "Invalid param"},
	}
	spaces := strings.Repeat(zipped(strings.Repeat(" ", 1<<20)), 256)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := listenMetered(t, "HTTP/1.1", tt.transport, func(w http.ResponseWriter, r *http.Request) {
				if encoding := r.Header.Get("Accept-Encoding"); tt.transport == nil && encoding != "" {
					t.Errorf("the client asked for %q", encoding)
				}
				httpfake.Handler(tt.status, zipped(tt.start)+spaces, "Content-Encoding", "gzip")(w, r)
			})
			err := sdktest.Stop(t.Context(), client, sdktest.Once)
			apiErr := sdktest.APIError(t, err)
			require.ErrorIs(t, err, tt.kind)
			require.ErrorContains(t, err, tt.text)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.LessOrEqual(t, len(apiErr.Body), largestBody)
		})
	}
}
