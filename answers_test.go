package codeartsbuild

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
)

// answerSilent is a log for servers whose complaints are part of a test.
func answerSilent() *log.Logger { return log.New(io.Discard, "", 0) }

// answerTLSTransport is the default transport, which trusts the server of a test.
func answerTLSTransport(srv *httptest.Server) *http.Transport {
	transport := newTransport()
	transport.TLSClientConfig = &tls.Config{RootCAs: srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	return transport
}

// An answerNet counts what goes over the connections of a server: what it could send, and what the client
// took. The system's buffers between them are kept small.
type answerNet struct {
	*httptest.Server
	sent, received, opened atomic.Int64
}

const answerSystemBuffer = 32 << 10

// answerServe starts a server: HTTP/1.1 without TLS, or HTTP/2 with it.
func answerServe(t *testing.T, http2 bool, handler http.HandlerFunc) *answerNet {
	t.Helper()
	n := &answerNet{Server: httptest.NewUnstartedServer(handler)}
	n.Listener = &answerListener{n.Listener, n}
	n.Config.ErrorLog = answerSilent()
	n.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			n.opened.Add(1)
		}
	}
	if http2 {
		n.EnableHTTP2 = true
		n.StartTLS()
	} else {
		n.Start()
	}
	t.Cleanup(n.Close)
	return n
}

type answerListener struct {
	net.Listener
	counts *answerNet
}

func (l *answerListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	_ = conn.(*net.TCPConn).SetWriteBuffer(answerSystemBuffer)
	return &answerConn{Conn: conn, written: &l.counts.sent}, nil
}

type answerConn struct {
	net.Conn
	read, written *atomic.Int64
}

func (c *answerConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.read != nil {
		c.read.Add(int64(n))
	}
	return n, err
}

func (c *answerConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.written != nil {
		c.written.Add(int64(n))
	}
	return n, err
}

// client calls the server through the default transport, or through one that is given.
func (n *answerNet) client(t *testing.T, transport *http.Transport) *Client {
	t.Helper()
	if transport == nil {
		transport = newTransport()
		if n.EnableHTTP2 {
			transport = answerTLSTransport(n.Server)
		}
	}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		_ = conn.(*net.TCPConn).SetReadBuffer(answerSystemBuffer)
		return &answerConn{Conn: conn, read: &n.received}, nil
	}
	client := retryClient(t, transport, WithEndpoint(n.URL), WithRetry(RetryPolicy{MinDelay: 1, MaxDelay: 1}))
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// answerFlood writes start, and then filler until there are total bytes or nobody takes any more.
func answerFlood(w io.Writer, start, filler string, total int64) {
	_, _ = io.WriteString(w, start)
	block := []byte(strings.Repeat(filler, 32<<10/len(filler)))
	for sent := int64(len(start)); sent < total; {
		n, err := w.Write(block[:min(int64(len(block)), total-sent)])
		if err != nil {
			return
		}
		sent += int64(n)
	}
}

const (
	answerHuge    = 256 << 20
	answerEndless = math.MaxInt64
)

// B37: of an error as much is taken as can say anything, however much is sent.
func TestHugeErrorAnswer(t *testing.T) {
	t.Parallel()
	bodies := map[string]struct {
		start, filler string
		total         int64
		length        bool // announced
		message       string
	}{
		"256 MiB of JSON":              {`{"error_code":"CB.00060200","error_msg":"`, "x", answerHuge, true, `{"error_code":"CB.00060200"`},
		"256 MiB of HTML":              {"<html><title>Bad gateway</title>", "<p>", answerHuge, true, "Bad gateway"},
		"256 MiB without a length":     {"no such job: ", "a ", answerHuge, false, "no such job: a a a"},
		"endless":                      {"", "\r\n", answerEndless, false, ""},
		"endless JSON, complete first": {`{"error_code":"CB.00060200","error_msg":"Invalid param"}`, " ", answerEndless, false, "Invalid param"},
	}
	for name, tt := range bodies {
		for _, http2 := range []bool{false, true} {
			proto := map[bool]string{false: "HTTP/1.1", true: "HTTP/2 over TLS"}[http2]
			t.Run("B37 "+name+"/"+proto, func(t *testing.T) {
				t.Parallel()
				done := make(chan struct{}, 1)
				srv := answerServe(t, http2, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if tt.length {
						w.Header().Set("Content-Length", strconv.FormatInt(tt.total, 10))
					}
					w.WriteHeader(http.StatusBadRequest)
					answerFlood(w, tt.start, tt.filler, tt.total)
					done <- struct{}{}
				})
				err := retryStop(t.Context(), srv.client(t, nil))
				<-done // the server has given up
				t.Logf("%s, %s: the client took %d KiB, the server could send %d KiB", name, proto, srv.received.Load()>>10, srv.sent.Load()>>10)
				require.Less(t, srv.received.Load(), int64(1<<20))
				require.Less(t, srv.sent.Load(), int64(1<<20))
				var apiErr *APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, http.StatusBadRequest, apiErr.StatusCode)
				require.ErrorIs(t, err, ErrBadRequest)
				require.NotErrorIs(t, err, ErrOutcomeUnknown)
				require.Contains(t, apiErr.ErrorMsg, tt.message)
				require.LessOrEqual(t, len(apiErr.Body), 4<<10)
				require.Less(t, len(err.Error()), 1<<10)
			})
		}
	}
}

// B37: a success may be large, and no larger than 10 MiB.
func TestHugeSuccess(t *testing.T) {
	t.Parallel()
	const slack = 1 << 20 // for what is on its way
	bodies := map[string]struct {
		start, filler string
		total         int64
		length        bool
		most          int64
		ok            bool
	}{
		"256 MiB":                {`{"result":true}`, " ", answerHuge, true, 1 << 20, false},
		"256 MiB, no length":     {`{"result":true}`, " ", answerHuge, false, maxResponse + slack, false},
		"endless":                {"", "<p>", answerEndless, false, maxResponse + slack, false},
		"10 MiB and a byte":      {`{"result":true}`, " ", maxResponse + 1, false, maxResponse + slack, false},
		"10 MiB, no length":      {`{"result":true}`, " ", maxResponse, false, maxResponse + slack, true},
		"10 MiB":                 {`{"result":true}`, " ", maxResponse, true, maxResponse + slack, true},
		"1 MiB, denial far back": {`{"data":"` + strings.Repeat("x", 1<<20) + `","result":false}`, " ", 0, false, maxResponse, false},
	}
	for name, tt := range bodies {
		for _, http2 := range []bool{false, true} {
			proto := map[bool]string{false: "HTTP/1.1", true: "HTTP/2 over TLS"}[http2]
			t.Run("B37 "+name+"/"+proto, func(t *testing.T) {
				t.Parallel()
				done := make(chan struct{}, 10)
				srv := answerServe(t, http2, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if tt.length {
						w.Header().Set("Content-Length", strconv.FormatInt(tt.total, 10))
					}
					answerFlood(w, tt.start, tt.filler, tt.total)
					done <- struct{}{}
				})
				var response Response
				err := retryStop(t.Context(), srv.client(t, nil), WithResponseInto(&response))
				<-done
				t.Logf("%s, %s: the client took %d KiB, the server could send %d KiB", name, proto, srv.received.Load()>>10, srv.sent.Load()>>10)
				require.Less(t, srv.received.Load(), tt.most)
				require.Less(t, srv.sent.Load(), tt.most)
				require.Equal(t, 1, response.Attempts, "what is too large now will be so again")
				if tt.ok {
					require.NoError(t, err)
					return
				}
				var apiErr *APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, http.StatusOK, apiErr.StatusCode)
				require.LessOrEqual(t, len(apiErr.Body), 4<<10)
				if strings.Contains(tt.start, "false") {
					require.ErrorIs(t, err, ErrNotStopped)
					return
				}
				require.ErrorIs(t, err, ErrUnexpectedResponse)
				require.ErrorIs(t, err, ErrOutcomeUnknown)
				require.ErrorContains(t, err, "10 MiB")
			})
		}
	}
}

// answerPeak is the most memory that f had allocated at a time and not lost to the collector.
func answerPeak(f func()) int64 {
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

// answerCollected is a body during which, and at whose end, what growing left behind is collected: that is
// not held.
func answerCollected(body io.Reader) io.ReadCloser {
	left := 0
	return io.NopCloser(retryReader(func(p []byte) (int, error) {
		n, err := body.Read(p)
		if left -= n; left < 0 || err == io.EOF {
			runtime.GC()
			left = 1 << 20
		}
		return n, err
	}))
}

// B37: what a success may make the client hold. The heap is everybody's, so that this test is not parallel.
func TestMemoryOfASuccess(t *testing.T) {
	var raw []byte
	tenMiB := func(start, filler string) io.Reader {
		return io.LimitReader(io.MultiReader(strings.NewReader(start), answerRepeat(filler)), maxResponse)
	}
	tests := map[string]struct {
		body io.Reader
		call retryCall
	}{
		"B37 endless":                 {answerRepeat(" "), retryStop},
		"B37 endless, as it is":       {answerRepeat("x"), answerRaw(&raw)},
		"B37 10 MiB":                  {tenMiB(retryStopped, " "), retryStop},
		"B37 10 MiB, as they are":     {tenMiB("", "x"), answerRaw(&raw)},
		"B37 10 MiB that are no JSON": {tenMiB("", "x"), retryStop},
		"B37 10 MiB of HTML":          {tenMiB("<html>", "<p>"), retryStop},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client := retryClient(t, retryTransport(func(req *http.Request) (*http.Response, error) {
				return retryResponse(req, http.StatusOK, answerCollected(tt.body)), nil
			}), WithRetry(RetryPolicy{MaxAttempts: 1}))
			peak := answerPeak(func() { _ = tt.call(t.Context(), client) })
			t.Logf("%s: at most %.1f MiB held", name, float64(peak)/(1<<20))
			require.Less(t, peak, int64(24<<20))
			raw = nil
		})
	}
}

func answerRaw(out *[]byte) retryCall {
	return func(ctx context.Context, c *Client, opts ...CallOption) error {
		return c.Do(ctx, http.MethodGet, "/v1/anything", nil, out, opts...)
	}
}

// answerRepeat is an endless text.
func answerRepeat(text string) io.Reader {
	return retryReader(func(p []byte) (int, error) {
		for i := range p {
			p[i] = text[i%len(text)]
		}
		return len(p), nil
	})
}

// B37: a body that comes a byte at a time, for ever, ends with the attempt.
func TestTrickle(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"B37 success": 200, "B37 error": 400} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := retryClient(t, retryTransport(func(req *http.Request) (*http.Response, error) {
					return retryResponse(req, status, io.NopCloser(retryReader(func(p []byte) (int, error) {
						if !sleep(req.Context(), time.Second) {
							return 0, req.Context().Err()
						}
						p[0] = ' '
						return 1, nil
					}))), nil
				}), WithRetry(RetryPolicy{MaxAttempts: 1}))
				started := time.Now()
				err := retryStop(t.Context(), client)
				require.Equal(t, defaultTimeout, time.Since(started))
				var apiErr *APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, status, apiErr.StatusCode)
				require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context lives")
			})
		})
	}
	t.Run("B37 a body that never moves", func(t *testing.T) {
		t.Parallel()
		client := retryClient(t, retryTransport(func(req *http.Request) (*http.Response, error) {
			return retryResponse(req, 200, io.NopCloser(retryReader(func([]byte) (int, error) { return 0, nil }))), nil
		}), WithRetry(RetryPolicy{MaxAttempts: 1}))
		require.ErrorIs(t, retryStop(t.Context(), client), ErrUnexpectedResponse)
	})
}

// answerBomb is 256 MiB of spaces behind start, compressed.
func answerBomb(t *testing.T, start string) []byte {
	t.Helper()
	member := func(content string) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := io.WriteString(w, content)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.Bytes()
	}
	return append(member(start), bytes.Repeat(member(strings.Repeat(" ", 1<<20)), 256)...)
}

// B37: a compressed body is limited, whether the client or the caller's transport decompresses it.
func TestCompressedAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status    int
		transport *http.Transport // nil: the default
		kind      error
		text      string
	}{
		"B37 gzip bomb":                       {200, nil, ErrUnexpectedResponse, "10 MiB"},
		"B37 gzip bomb as an error":           {400, nil, ErrBadRequest, ""},
		"B37 gzip bomb, unpacked":             {200, &http.Transport{}, ErrUnexpectedResponse, "10 MiB"},
		"B37 gzip bomb as an error, unpacked": {400, &http.Transport{}, ErrBadRequest, "Invalid param"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := retryStopped
			if tt.status != 200 {
				start = `{"error_code":"CB.00060200","error_msg":"Invalid param"}`
			}
			bomb := answerBomb(t, start)
			srv := answerServe(t, false, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if tt.transport == nil && r.Header.Get("Accept-Encoding") != "" {
					t.Errorf("asked for %q", r.Header.Get("Accept-Encoding"))
				}
				w.Header().Set("Content-Encoding", "gzip")
				w.WriteHeader(tt.status)
				_, _ = w.Write(bomb)
			})
			err := retryStop(t.Context(), srv.client(t, tt.transport), WithRetry(RetryPolicy{MaxAttempts: 1}))
			var apiErr *APIError
			require.ErrorAs(t, err, &apiErr)
			require.ErrorIs(t, err, tt.kind)
			require.ErrorContains(t, err, tt.text)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.LessOrEqual(t, len(apiErr.Body), 4<<10)
		})
	}
}

// B37: an answer that is not what its length says, and one that goes on after its end.
func TestAnswerOfTheWrongLength(t *testing.T) {
	t.Parallel()
	head := func(status int, length string) string {
		return fmt.Sprintf("HTTP/1.1 %d Status\r\nConnection: close\r\nContent-Type: application/json\r\n%s\r\n", status, length)
	}
	tests := map[string]struct {
		answer string
		ok     bool
		kind   error
		doubt  bool
	}{
		"B37 Content-Length longer than the body":             {head(200, "Content-Length: 100\r\n") + retryStopped, false, ErrUnexpectedResponse, true},
		"B37 Content-Length and no body":                      {head(200, "Content-Length: 15\r\n"), false, ErrUnexpectedResponse, true},
		"B37 Content-Length longer than the body of an error": {head(400, "Content-Length: 100\r\n") + `{"error_code":"CB.00060200"}`, false, ErrBadRequest, false},
		"B37 chunk that is cut":                               {head(200, "Transfer-Encoding: chunked\r\n") + "f\r\n{\"result\":tr", false, ErrUnexpectedResponse, true},
		"B37 last chunk missing":                              {head(200, "Transfer-Encoding: chunked\r\n") + "f\r\n" + retryStopped + "\r\n", false, ErrUnexpectedResponse, true},
		"B37 chunks that are none":                            {head(200, "Transfer-Encoding: chunked\r\n") + retryStopped, false, ErrUnexpectedResponse, true},
		"B37 half a JSON":                                     {head(200, "Content-Length: 10\r\n") + retryStopped[:10], false, ErrUnexpectedResponse, true},
		"B37 garbage after the JSON":                          {head(200, "Content-Length: 18\r\n") + retryStopped + "xyz", false, ErrUnexpectedResponse, true},
		"B37 two answers in one":                              {head(200, "Content-Length: 31\r\n") + retryStopped + `{"result":false}`, false, ErrUnexpectedResponse, true},
		"B37 NUL after the JSON":                              {head(200, "Content-Length: 16\r\n") + retryStopped + "\x00", false, ErrUnexpectedResponse, true},
		"B37 comma after the JSON":                            {head(200, "Content-Length: 16\r\n") + retryStopped + ",", false, ErrUnexpectedResponse, true},
		"B37 closed without a length":                         {head(200, "") + retryStopped, true, nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := retryListen(t, func(int, int) retryAnswer { return retryAnswer{text: tt.answer} })
			var response Response
			err := retryStop(t.Context(), server.client(t, nil), WithResponseInto(&response))
			if tt.ok {
				require.NoError(t, err)
				return
			}
			var apiErr *APIError
			require.ErrorAs(t, err, &apiErr)
			require.ErrorIs(t, err, tt.kind)
			require.Equal(t, tt.doubt, errors.Is(err, ErrOutcomeUnknown))
			attempts := defaultMaxAttempts
			if apiErr.StatusCode >= 400 {
				attempts = 1 // its status says enough
			}
			require.Equal(t, attempts, response.Attempts)

			server = retryListen(t, func(int, int) retryAnswer { return retryAnswer{text: tt.answer} })
			err = retryPost(t.Context(), server.client(t, nil), WithResponseInto(&response))
			require.ErrorIs(t, err, tt.kind)
			require.Equal(t, 1, response.Attempts)
			require.Equal(t, tt.doubt, errors.Is(err, ErrOutcomeUnknown))
		})
	}
	t.Run("B37 stream that is reset", func(t *testing.T) {
		t.Parallel()
		srv := answerServe(t, true, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, retryStopped[:10])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		err := retryPost(t.Context(), srv.client(t, nil))
		var apiErr *APIError
		require.ErrorAs(t, err, &apiErr)
		require.ErrorIs(t, err, ErrUnexpectedResponse)
		require.ErrorIs(t, err, ErrOutcomeUnknown)
	})
}

// B31: nothing is a success only when it is certain that nothing was sent.
func TestEmptyAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer string
		ok     bool
	}{
		"B31 204":                              {"HTTP/1.1 204 No Content\r\n\r\n", true},
		"B31 length 0":                         {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
		"B31 length 0, HTTP/1.0":               {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", true},
		"B31 last chunk":                       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},
		"B31 white space with a length":        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\r\n", true},
		"B31 closed after the header":          {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", false},
		"B31 closed, as announced":             {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false},
		"B31 closed after the header, 1.0":     {"HTTP/1.0 200 OK\r\n\r\n", false},
		"B31 closed after white space":         {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\r\n ", false},
		"B31 closed after a byte order mark":   {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\xef\xbb\xbf", false},
		"B31 no last chunk":                    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false},
		"B31 closed after a whole answer":      {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + retryStopped, true},
		"B31 closed after a whole short one":   {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nnull", true},
		"B31 closed after half of a short one": {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nnul", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := retryListen(t, func(int, int) retryAnswer { return retryAnswer{text: tt.answer} })
			var response Response
			err := retryStop(t.Context(), server.client(t, nil), WithResponseInto(&response))
			if tt.ok {
				require.NoError(t, err)
				require.Equal(t, 1, response.Attempts)
				return
			}
			var apiErr *APIError
			require.ErrorAs(t, err, &apiErr)
			require.ErrorIs(t, err, ErrUnexpectedResponse)
			require.ErrorIs(t, err, ErrOutcomeUnknown)
			require.Equal(t, defaultMaxAttempts, response.Attempts, "an unreadable 2xx is replayed")
		})
	}
	for name, body := range map[string]string{"B31 end of an HTTP/2 stream": "", "B31 HTTP/2, white space": "\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := answerServe(t, true, func(w http.ResponseWriter, r *http.Request) {
				_ = http.NewResponseController(w).Flush() // so that no length is announced
				_, _ = io.WriteString(w, body)
			})
			require.NoError(t, retryStop(t.Context(), srv.client(t, nil)))
		})
	}
	t.Run("B31 an answer to HEAD has no body", func(t *testing.T) {
		t.Parallel()
		for name, head := range map[string]string{
			"with the length of what GET gets": "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n",
			"larger than the limit":            "HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n",
			"chunked":                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
			"without a length":                 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
		} {
			server := retryListen(t, func(int, int) retryAnswer { return retryAnswer{text: head, open: true} })
			require.NoError(t, server.client(t, nil).Do(t.Context(), http.MethodHead, "/v1/anything", nil, nil), name)
		}
	})
}

// answerMock is a client whose one request gets this answer.
func answerMock(t *testing.T, method, url string, status int, body string) *Client {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(method, "https://build.example.com"+url, httpmock.NewStringResponder(status, body))
	return retryClient(t, mock, WithRetry(RetryPolicy{MaxAttempts: 1}))
}

// answerBuild reads a build whose record has these members beside job and number.
func answerBuild(t *testing.T, members string) (*Build, error) {
	t.Helper()
	if !strings.Contains(members, `"build_no"`) {
		members = `"build_no":20,` + members
	}
	record := `{"codeci_job_id":"` + retryJob + `",` + strings.TrimSuffix(members, ",") + `}`
	client := answerMock(t, http.MethodGet, "/v1/record/"+retryJob+"/20/record-info", 200, `{"result":`+record+`,"status":"success"}`)
	return client.Builds.Get(t.Context(), retryJob, "20")
}

// B38: the service adds members, repeats them, and sends numbers as strings and strings as numbers.
func TestLenientAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		members string
		want    Build
	}{
		"B38 as documented":           {`"build_record_id":"9d6169b9","branch":"master","user_id":"ae22"`, Build{RecordID: "9d6169b9", Branch: "master", Executor: "ae22"}},
		"B38 unknown members":         {`"branch":"master","new":{"deep":[1,{"status":"x"}]},"":null`, Build{Branch: "master"}},
		"B38 the last of two":         {`"branch":"first","branch":"second"`, Build{Branch: "second"}},
		"B38 number where a string":   {`"build_record_id":9169,"branch":20260101,"user_id":7`, Build{RecordID: "9169", Branch: "20260101", Executor: "7"}},
		"B38 huge number":             {`"build_record_id":123456789012345678901234567890`, Build{RecordID: "123456789012345678901234567890"}},
		"B38 bool where a string":     {`"branch":true`, Build{Branch: "true"}},
		"B38 null":                    {`"branch":null,"commit":null,"start_time":null,"status":null`, Build{}},
		"B38 string where a number":   {`"build_no":"20","branch":"master"`, Build{Branch: "master"}},
		"B38 other letters of a case": {`"Branch":"master","STATUS":"SUCCESS"`, Build{}},
		"B38 escapes":                 {`"branch":"feature\/\u4e2d\ud83d\ude00"`, Build{Branch: "feature/中😀"}},
		"B38 bytes that are no UTF-8": {`"branch":"a` + "\xff" + `b"`, Build{Branch: "a\ufffdb"}},
		"B38 times as numbers":        {`"start_time":1665476922000,"create_time":"1665476922"`, Build{StartedAt: time.Unix(1665476922, 0).UTC(), QueuedAt: time.Unix(1665476922, 0).UTC()}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			build, err := answerBuild(t, tt.members)
			require.NoError(t, err)
			tt.want.JobID, tt.want.BuildNo = retryJob, "20"
			build.BuildDetails = BuildDetails{}
			require.Equal(t, &tt.want, build)
		})
	}
	t.Run("B38 any answer", func(t *testing.T) {
		t.Parallel()
		var out struct {
			Name   string `json:"name"`
			Number int    `json:"number"`
		}
		client := answerMock(t, http.MethodGet, "/v1/anything", 200, `{"name":"first","unknown":[{}],"number":1,"name":"second","NUMBER":2,"error":null}`)
		require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v1/anything", nil, &out))
		require.Equal(t, "second", out.Name)
		require.Equal(t, 2, out.Number)
	})
	t.Run("B38 without the envelope", func(t *testing.T) {
		t.Parallel()
		client := answerMock(t, http.MethodGet, "/v1/record/"+retryJob+"/20/record-info", 200, `{"build_no":"20","branch":"master"}`)
		build, err := client.Builds.Get(t.Context(), retryJob, "20")
		require.NoError(t, err)
		require.Equal(t, "master", build.Branch)
	})
	for name, body := range map[string]string{
		"B38 number of a run as a string":  `{"actual_build_number":"7","daily_build_number":"20261124.3"}`,
		"B38 number of a run":              `{"actual_build_number":7,"daily_build_number":20261124.3}`,
		"B38 number of a run, envelope":    `{"result":{"actual_build_number":"7","daily_build_number":"20261124.3"},"status":"success"}`,
		"B38 number of a run, and more":    `{"octopus_job_name":1,"actual_build_number":1,"actual_build_number":7.0,"daily_build_number":"20261124.3"}`,
		"B38 number of a run, in a string": `"{\"actual_build_number\":\"7\",\"daily_build_number\":\"20261124.3\"}"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := answerMock(t, http.MethodPost, "/v1/job/execute", 200, body).Jobs.Run(t.Context(), retryJob, nil)
			require.NoError(t, err)
			require.Equal(t, &RunResult{BuildNo: "7", DailyBuildNo: "20261124.3"}, result)
		})
	}
}

// B39: a build number is one string, whatever the wire has; a daily number is none.
func TestBuildNumbers(t *testing.T) {
	t.Parallel()
	for _, spelled := range []string{`20`, `"20"`, `20.0`, `2e1`, `20.00`} {
		t.Run("B39 "+spelled, func(t *testing.T) {
			t.Parallel()
			build, err := answerBuild(t, `"build_no":`+spelled)
			require.NoError(t, err)
			require.Equal(t, "20", build.BuildNo)
		})
	}
	for _, spelled := range []string{`21`, `"021"`, `20.5`, `"20221011.29"`, `20221011.29`, `null`, `""`, `{}`, `-20`} {
		t.Run("B39 answer with "+spelled, func(t *testing.T) {
			t.Parallel()
			_, err := answerBuild(t, `"build_no":`+spelled)
			require.ErrorIs(t, err, ErrUnexpectedResponse)
		})
	}
	for _, daily := range []string{"20221011.29", "20261124.1"} {
		for of, call := range map[string]func(*Client) error{
			"stop":  func(c *Client) error { _, err := c.Jobs.Stop(t.Context(), retryJob, daily); return err },
			"wait":  func(c *Client) error { _, err := c.Jobs.StopAndWait(t.Context(), retryJob, daily); return err },
			"build": func(c *Client) error { _, err := c.Builds.Get(t.Context(), retryJob, daily); return err },
		} {
			t.Run("B39 daily number "+daily+"/"+of, func(t *testing.T) {
				t.Parallel()
				script := &retryScript{steps: []retryStep{retryReply(200, retryStopped)}}
				err := call(retryClient(t, script))
				require.ErrorIs(t, err, ErrInvalidArgument)
				require.ErrorContains(t, err, strconv.Quote(daily)+" is a daily number")
				require.Empty(t, script.requests())
			})
		}
	}
	t.Run("B39 a run that names a daily number only", func(t *testing.T) {
		t.Parallel()
		for _, body := range []string{`{"actual_build_number":"20221011.29"}`, `{"daily_build_number":"20221011.29"}`, `{}`} {
			_, err := answerMock(t, http.MethodPost, "/v1/job/execute", 200, body).Jobs.Run(t.Context(), retryJob, nil)
			require.ErrorIs(t, err, ErrUnexpectedResponse, body)
			require.ErrorIs(t, err, ErrOutcomeUnknown, body)
		}
	})
}

// B40: all the ways in which the service says when.
func TestTimes(t *testing.T) {
	t.Parallel()
	moment := time.Date(2022, 10, 11, 8, 28, 42, 0, time.UTC)
	tests := map[string]struct {
		value string // as JSON
		want  time.Time
	}{
		"B40 offset":                    {`"2022-10-11T08:28:42.000+00:00"`, moment},
		"B40 Z":                         {`"2022-10-11T08:28:42Z"`, moment},
		"B40 Z, milliseconds":           {`"2022-10-11T08:28:42.123Z"`, moment.Add(123 * time.Millisecond)},
		"B40 microseconds of IAM":       {`"2022-10-11T08:28:42.000000Z"`, moment},
		"B40 UTC+8":                     {`"2022-10-11T16:28:42+08:00"`, moment},
		"B40 UTC+8, milliseconds":       {`"2022-10-11T16:28:42.5+08:00"`, moment.Add(500 * time.Millisecond)},
		"B40 UTC+8 without a colon":     {`"2022-10-11T16:28:42+0800"`, moment},
		"B40 no zone":                   {`"2022-10-11T16:28:42"`, moment},
		"B40 wall clock":                {`"2022-10-11 16:28:42"`, moment},
		"B40 wall clock, fraction":      {`"2022-10-11 16:28:42.250"`, moment.Add(250 * time.Millisecond)},
		"B40 wall clock, short":         {`"2022-10-11 16:28"`, moment.Truncate(time.Minute)},
		"B40 wall clock, single digits": {`"2024-9-3 17:42"`, time.Date(2024, 9, 3, 9, 42, 0, 0, time.UTC)},
		"B40 a day":                     {`"2022-10-11"`, time.Date(2022, 10, 10, 16, 0, 0, 0, time.UTC)},
		"B40 in English":                {`"Jun 5, 2024 4:00:58 PM"`, time.Date(2024, 6, 5, 8, 0, 58, 0, time.UTC)},
		"B40 in English, narrow space":  {`"Jun 5, 2024, 4:00:58\u202fPM"`, time.Date(2024, 6, 5, 8, 0, 58, 0, time.UTC)},
		"B40 milliseconds":              {`1665476922000`, moment},
		"B40 milliseconds in a string":  {`"1665476922000"`, moment},
		"B40 milliseconds with a point": {`1665476922000.0`, moment},
		"B40 milliseconds, exponent":    {`1.665476922E12`, moment},
		"B40 seconds":                   {`1665476922`, moment},
		"B40 seconds in a string":       {`"1665476922"`, moment},
		"B40 last second of 32 bits":    {`2147483647`, time.Unix(math.MaxInt32, 0).UTC()},
		"B40 milliseconds of 2001":      {`1000000000000`, time.Unix(1000000000, 0).UTC()},
		"B40 null":                      {`null`, time.Time{}},
		"B40 empty":                     {`""`, time.Time{}},
		"B40 blank":                     {`"  "`, time.Time{}},
		"B40 zero":                      {`0`, time.Time{}},
		"B40 negative":                  {`-1`, time.Time{}},
		"B40 too large":                 {`9223372036854775807`, time.Time{}},
		"B40 out of range":              {`1e300`, time.Time{}},
		"B40 word":                      {`"yesterday"`, time.Time{}},
		"B40 thirteenth month":          {`"2022-13-11 16:28:42"`, time.Time{}},
		"B40 bool":                      {`true`, time.Time{}},
		"B40 zero of another language":  {`"0001-01-01T00:00:00Z"`, time.Time{}},
		"B40 zero of a database":        {`"0000-00-00 00:00:00"`, time.Time{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			build, err := answerBuild(t, `"start_time":`+tt.value)
			require.NoError(t, err)
			require.Equal(t, tt.want, build.StartedAt)
			if tt.want.IsZero() {
				require.True(t, build.StartedAt.IsZero())
			}
		})
	}
}

// B41: a word that is new is shown as it came, and no build ends by it.
func TestStatusWords(t *testing.T) {
	t.Parallel()
	words := map[BuildStatus][]string{
		StatusQueued:         {"QUEUED", "InQueue", "WAITING", "pending", "runnable"},
		StatusRunning:        {"RUNNING", "Running", "building", "STARTING"},
		StatusSucceeded:      {"SUCCESS", "success", "blue"},
		StatusFailed:         {"FAILURE", "FAILED", "ERROR", "red"},
		StatusAborted:        {"ABORTED", "aborted", "CANCELED", "Cancelled"},
		StatusTimedOut:       {"TIMEOUT", "timeout"},
		StatusScheduleFailed: {"SCHEDULE_FAILURE", "schedule-failed"},
		"PAUSED":             {"PAUSED"},
		"已暂停":                {"已暂停"},
		"Finished?":          {"Finished?"},
		"8":                  {"8"},
		"":                   {""},
	}
	terminal := map[BuildStatus]bool{
		StatusSucceeded: true, StatusFailed: true, StatusAborted: true, StatusTimedOut: true, StatusScheduleFailed: true,
	}
	for want, spelled := range words {
		for _, word := range spelled {
			t.Run("B41 "+word, func(t *testing.T) {
				t.Parallel()
				build, err := answerBuild(t, fmt.Sprintf(`"status":%q`, word))
				require.NoError(t, err)
				require.Equal(t, want, build.Status)
				require.Equal(t, terminal[want], build.Status.Terminal())
			})
		}
	}
	t.Run("B41 waiting goes on", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			record := func(status string) retryStep {
				return retryReply(200, `{"result":{"codeci_job_id":"`+retryJob+`","build_no":20,"status":"`+status+`"}}`)
			}
			script := &retryScript{steps: []retryStep{retryReply(200, retryStopped), record("PAUSED"), record("EVAPORATED"), record("ABORTED")}}
			build, err := retryClient(t, script).Jobs.StopAndWait(t.Context(), retryJob, "20")
			require.NoError(t, err)
			require.Equal(t, StatusAborted, build.Status)
			require.Len(t, script.requests(), 4)
		})
	})
}

// answerMixed answers in all the ways in which a service does, most of them errors.
func answerMixed(requests *atomic.Int64) http.HandlerFunc {
	answers := []struct {
		status int
		body   string
	}{
		{200, retryStopped}, {204, ""}, {400, `{"error_code":"CB.00060200","error_msg":"Invalid param"}`}, {400, retryFinished},
		{401, `{"error_code":"APIGW.0301"}`}, {403, ""}, {404, "<html>" + strings.Repeat("<p>not here", 1000)}, {422, `{"error_code":"DEVCB.00031006"}`},
		{500, `{"error_code":"CB.00060101","error_msg":"` + strings.Repeat("x", 50<<10) + `"}`}, {502, "<html>bad upstream"}, {503, ""}, {200, "<html>login"}, {302, ""},
	}
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		n := requests.Add(1)
		a := answers[int(n)%len(answers)]
		w.WriteHeader(a.status)
		if n%2 == 0 {
			_ = http.NewResponseController(w).Flush() // chunked
		}
		_, _ = io.WriteString(w, a.body)
	}
}

// B42: whatever the answers are, their connection is used again.
func TestConnectionsOfCallsInARow(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"B42 HTTP/1.1": false, "B42 HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			srv := answerServe(t, http2, answerMixed(&requests))
			client := srv.client(t, nil)
			failed := 0
			for range 100 {
				if retryStop(t.Context(), client) != nil {
					failed++
				}
			}
			t.Logf("100 calls in a row, %d of them failed, %d requests: %d connections", failed, requests.Load(), srv.opened.Load())
			require.Positive(t, failed)
			require.EqualValues(t, 1, srv.opened.Load())
		})
	}
}

// B42: a burst keeps its connections for the next one.
func TestConnectionsOfBursts(t *testing.T) {
	t.Parallel()
	for name, mixed := range map[string]bool{"B42 successes": false, "B42 errors among them": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			handler := answerMixed(&requests)
			srv := answerServe(t, false, func(w http.ResponseWriter, r *http.Request) {
				if mixed {
					handler(w, r)
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(w, retryStopped)
			})
			client := srv.client(t, nil)
			for range 20 {
				var burst sync.WaitGroup
				for range 32 {
					burst.Go(func() { _ = retryStop(t.Context(), client) })
				}
				burst.Wait()
			}
			t.Logf("20 bursts of 32 calls: %d connections", srv.opened.Load())
			require.LessOrEqual(t, srv.opened.Load(), int64(64))
		})
	}
}
