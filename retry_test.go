package codeartsbuild

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	retryJob      = "48c66c6002964721be537cdc6ce0297b"
	retryToken    = "gAAAAABn-a-token-that-no-error-may-repeat-0123456789"
	retryStopped  = `{"result":true}`
	retryFinished = `"{\"error\":{\"code\":\"DEV.CB.032302\",\"reason\":\"the state has changed\"},\"status\":\"error\"}"`
)

// A retryStep answers one request.
type retryStep func(*http.Request) (*http.Response, error)

// A retryScript is a service in memory: one step a request, and the last step for all requests after it.
type retryScript struct {
	steps []retryStep

	mu   sync.Mutex
	seen []retryRequest
}

type retryRequest struct {
	at     time.Time
	path   string
	header http.Header
	body   string
	length int64
}

func (s *retryScript) RoundTrip(req *http.Request) (*http.Response, error) {
	seen := retryRequest{at: time.Now(), path: req.URL.RequestURI(), header: req.Header.Clone(), length: req.ContentLength}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		_ = req.Body.Close()
		seen.body = string(body)
	}
	s.mu.Lock()
	step := s.steps[min(len(s.seen), len(s.steps)-1)]
	s.seen = append(s.seen, seen)
	s.mu.Unlock()
	return step(req)
}

func (s *retryScript) requests() []retryRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]retryRequest(nil), s.seen...)
}

// retryReply answers; headers are names and values in turn.
func retryReply(status int, body string, headers ...string) retryStep {
	return func(req *http.Request) (*http.Response, error) {
		resp := retryResponse(req, status, io.NopCloser(strings.NewReader(body)), headers...)
		resp.ContentLength = int64(len(body))
		return resp, nil
	}
}

func retryResponse(req *http.Request, status int, body io.ReadCloser, headers ...string) *http.Response {
	header := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Body: body, ContentLength: -1, Request: req,
	}
}

// retryFail is a request without an answer.
func retryFail(err error) retryStep {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// retryLost is what net/http says when the connection ends before the answer.
func retryLost() retryStep { return retryFail(io.EOF) }

// retryRefused is what net/http says when nobody listens.
func retryRefused() retryStep {
	return retryFail(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")})
}

// retrySilent waits for the end of the request's context.
func retrySilent(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// retryStuck answers, but its body goes no further than start before the context ends.
func retryStuck(status int, start string) retryStep {
	return func(req *http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(start), retryReader(func([]byte) (int, error) {
			<-req.Context().Done()
			return 0, req.Context().Err()
		}))
		return retryResponse(req, status, io.NopCloser(body)), nil
	}
}

type retryReader func([]byte) (int, error)

func (f retryReader) Read(p []byte) (int, error) { return f(p) }

func retryClient(t testing.TB, transport http.RoundTripper, opts ...ClientOption) *Client {
	t.Helper()
	client, err := NewClient(append([]ClientOption{
		WithEndpoint("https://build.example.com"), WithTokenSource(StaticToken(retryToken)), WithTransport(transport),
	}, opts...)...)
	require.NoError(t, err)
	return client
}

// What the calls of these tests are: one that may be repeated, one that may not, and one that reads.
func retryStop(ctx context.Context, c *Client, opts ...CallOption) error {
	_, err := c.Jobs.Stop(ctx, retryJob, "20", opts...)
	return err
}

func retryPost(ctx context.Context, c *Client, opts ...CallOption) error {
	return c.Do(ctx, http.MethodPost, "/v1/job/anything", map[string]string{"job_id": retryJob}, nil, opts...)
}

func retryRun(ctx context.Context, c *Client, opts ...CallOption) error {
	_, err := c.Jobs.Run(ctx, retryJob, nil, opts...)
	return err
}

func retryRead(ctx context.Context, c *Client, opts ...CallOption) error {
	return c.Do(ctx, http.MethodGet, "/v1/job/anything", nil, nil, opts...)
}

type retryCall func(context.Context, *Client, ...CallOption) error

type retryTransport func(*http.Request) (*http.Response, error)

func (f retryTransport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A retryListener is a server that speaks HTTP/1.1 by hand, a connection at a time.
type retryListener struct {
	net.Listener
	mu   sync.Mutex
	seen [][]retryRequest // by connection
}

// A retryAnswer is what comes back for a request: bytes, and whether the connection stays open.
type retryAnswer struct {
	text string
	open bool
}

// retryListen gives every request to answer, with the numbers of its connection and of the request on it,
// both from 0.
func retryListen(t *testing.T, answer func(connection, request int) retryAnswer) *retryListener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &retryListener{Listener: listener}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.mu.Lock()
			l.seen = append(l.seen, nil)
			l.mu.Unlock()
			go l.serve(conn, n, answer)
		}
	}()
	return l
}

func (l *retryListener) serve(conn net.Conn, n int, answer func(connection, request int) retryAnswer) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for i := 0; ; i++ {
		req, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		l.mu.Lock()
		l.seen[n] = append(l.seen[n], retryRequest{path: req.RequestURI, header: req.Header, body: string(body), length: req.ContentLength})
		l.mu.Unlock()
		a := answer(n, i)
		if _, err := io.WriteString(conn, a.text); err != nil || !a.open {
			return
		}
	}
}

// perConnection is how many requests came on each connection.
func (l *retryListener) perConnection() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	var counts []int
	for _, requests := range l.seen {
		counts = append(counts, len(requests))
	}
	return counts
}

func (l *retryListener) client(t *testing.T, transport http.RoundTripper) *Client {
	t.Helper()
	client := retryClient(t, transport, WithEndpoint("http://"+l.Addr().String()), WithRetry(RetryPolicy{MinDelay: 1, MaxDelay: 1}))
	t.Cleanup(client.CloseIdleConnections)
	return client
}

var retryKeptAlive = retryAnswer{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n" + retryStopped, true}

// B28: a server that closes an idle connection just when a request arrives. Whether it has seen the
// request nobody can tell, so that only a call that may run twice is sent again, and that shows.
func TestStaleConnection(t *testing.T) {
	t.Parallel()
	closing := func(connection, request int) retryAnswer {
		if connection == 0 && request == 1 {
			return retryAnswer{}
		}
		return retryKeptAlive
	}
	t.Run("B28 stop is replayed and counted", func(t *testing.T) {
		t.Parallel()
		server := retryListen(t, closing)
		client := server.client(t, nil)
		require.NoError(t, retryStop(t.Context(), client))
		var response Response
		require.NoError(t, retryStop(t.Context(), client, WithResponseInto(&response)))
		require.Equal(t, 2, response.Attempts)
		require.Equal(t, []int{2, 1}, server.perConnection())
		for _, requests := range server.seen {
			for _, r := range requests {
				require.JSONEq(t, `{"job_id":"`+retryJob+`","build_no":"20"}`, r.body)
				require.NotContains(t, r.header, "Idempotency-Key")
				require.NotContains(t, r.header, "X-Idempotency-Key")
			}
		}
	})
	t.Run("B28 any POST is not", func(t *testing.T) {
		t.Parallel()
		server := retryListen(t, closing)
		client := server.client(t, nil)
		require.NoError(t, retryPost(t.Context(), client))
		require.ErrorIs(t, retryPost(t.Context(), client), ErrOutcomeUnknown)
		require.Equal(t, []int{2}, server.perConnection())
	})
	t.Run("B28 a read is resent, by whomever", func(t *testing.T) {
		t.Parallel()
		server := retryListen(t, closing)
		client := server.client(t, nil)
		require.NoError(t, retryRead(t.Context(), client))
		require.NoError(t, retryRead(t.Context(), client))
		require.Equal(t, []int{2, 1}, server.perConnection())
	})
	t.Run("B28 what was never written is resent unseen, with its body", func(t *testing.T) {
		t.Parallel()
		server := retryListen(t, func(int, int) retryAnswer { return retryKeptAlive })
		transport := newTransport()
		var dialed atomic.Int64
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err == nil && dialed.Add(1) == 1 {
				conn = &retryWritesOnce{Conn: conn}
			}
			return conn, err
		}
		client := server.client(t, transport)
		require.NoError(t, retryPost(t.Context(), client))
		var response Response
		require.NoError(t, retryPost(t.Context(), client, WithResponseInto(&response)))
		require.Equal(t, 1, response.Attempts)
		require.Equal(t, []int{1, 1}, server.perConnection())
		require.Equal(t, server.seen[0][0].body, server.seen[1][0].body)
	})
}

// retryWritesOnce is a connection that turns out to be closed at the second write.
type retryWritesOnce struct {
	net.Conn
	writes atomic.Int64
}

func (c *retryWritesOnce) Write(p []byte) (int, error) {
	if c.writes.Add(1) > 1 {
		return 0, &net.OpError{Op: "write", Net: "tcp", Err: errors.New("broken pipe")}
	}
	return c.Conn.Write(p)
}

// A retryHTTP2 is a connection of HTTP/2 that is served by hand: what is tested here, no server of the
// standard library does on request.
type retryHTTP2 struct {
	net.Conn
	see func(body string)
}

const (
	http2Data, http2Headers, http2Reset, http2Settings, http2Goaway = 0, 1, 3, 4, 7

	http2Ack, http2EndStream, http2EndHeaders = 1, 1, 4
	http2ProtocolError, http2RefusedStream    = 1, 7
)

func (c *retryHTTP2) write(kind, flags byte, stream uint32, payload []byte) {
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	frame = binary.BigEndian.AppendUint32(append(frame, flags), stream)
	_, _ = c.Write(append(frame, payload...))
}

// request reads up to the end of the next request, and returns its stream.
func (c *retryHTTP2) request() (stream uint32, err error) {
	var body []byte
	header := make([]byte, 9)
	for {
		if _, err = io.ReadFull(c, header); err != nil {
			return 0, err
		}
		payload := make([]byte, binary.BigEndian.Uint32(header)>>8)
		if _, err = io.ReadFull(c, payload); err != nil {
			return 0, err
		}
		kind, flags := header[3], header[4]
		stream = binary.BigEndian.Uint32(header[5:])
		switch {
		case kind == http2Settings && flags&http2Ack == 0:
			c.write(http2Settings, http2Ack, 0, nil)
		case kind == http2Data:
			body = append(body, payload...)
		}
		if (kind == http2Data || kind == http2Headers) && flags&http2EndStream != 0 {
			c.see(string(body))
			return stream, nil
		}
	}
}

func (c *retryHTTP2) answer(stream uint32, body string) {
	c.write(http2Headers, http2EndHeaders, stream, []byte{0x88}) // ":status: 200" of HPACK's static table
	c.write(http2Data, http2EndStream, stream, []byte(body))
}

// retryHTTP2Server lets first serve the first connection, and answers everything on the others. It returns
// the bodies of all requests.
func retryHTTP2Server(t *testing.T, first func(*retryHTTP2)) (client *Client, bodies func() []string) {
	t.Helper()
	var (
		mu          sync.Mutex
		seen        []string
		connections atomic.Int64
	)
	see := func(body string) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, body)
	}
	serve := func(_ *http.Server, tlsConn *tls.Conn, _ http.Handler) {
		conn := &retryHTTP2{tlsConn, see}
		if _, err := io.ReadFull(conn, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
			return
		}
		conn.write(http2Settings, 0, 0, nil)
		if connections.Add(1) == 1 {
			first(conn)
			return
		}
		for {
			stream, err := conn.request()
			if err != nil {
				return
			}
			conn.answer(stream, retryStopped)
		}
	}
	srv := httptest.NewUnstartedServer(nil)
	srv.TLS = &tls.Config{NextProtos: []string{"h2"}}
	srv.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){"h2": serve}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	client = retryClient(t, answerTLSTransport(srv), WithEndpoint(srv.URL), WithRetry(RetryPolicy{MinDelay: 1, MaxDelay: 1}))
	t.Cleanup(client.CloseIdleConnections)
	return client, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

// B28: a server that takes its leave with GOAWAY names the last stream that it may have processed. What
// came later net/http sends again by itself; what came before is a lost answer like any other.
func TestServerGoesAway(t *testing.T) {
	t.Parallel()
	goaway := func(last uint32) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), 0)
	}
	firsts := map[string]struct {
		serve     func(*retryHTTP2)
		processed bool // as far as the client can tell
	}{
		"B28 GOAWAY before the request": {func(c *retryHTTP2) {
			if _, err := c.request(); err == nil {
				c.write(http2Goaway, 0, 0, goaway(0))
				_, _ = c.request() // until the client closes
			}
		}, false},
		"B28 stream refused": {func(c *retryHTTP2) {
			if stream, err := c.request(); err == nil {
				c.write(http2Reset, 0, stream, binary.BigEndian.AppendUint32(nil, http2RefusedStream))
			}
			if stream, err := c.request(); err == nil {
				c.answer(stream, retryStopped)
				_, _ = c.request()
			}
		}, false},
		"B28 GOAWAY after the request": {func(c *retryHTTP2) {
			if stream, err := c.request(); err == nil {
				c.write(http2Goaway, 0, 0, goaway(stream)) // and closes, without the answer
			}
		}, true},
		"B28 stream broken off": {func(c *retryHTTP2) {
			if stream, err := c.request(); err == nil {
				c.write(http2Reset, 0, stream, binary.BigEndian.AppendUint32(nil, http2ProtocolError))
			}
			if stream, err := c.request(); err == nil {
				c.answer(stream, retryStopped)
				_, _ = c.request()
			}
		}, true},
	}
	for name, tt := range firsts {
		t.Run(name+"/stop", func(t *testing.T) {
			t.Parallel()
			client, bodies := retryHTTP2Server(t, tt.serve)
			var response Response
			require.NoError(t, retryStop(t.Context(), client, WithResponseInto(&response)))
			seen := bodies()
			require.Len(t, seen, 2)
			for _, body := range seen {
				require.JSONEq(t, `{"job_id":"`+retryJob+`","build_no":"20"}`, body)
			}
			require.LessOrEqual(t, response.Attempts, 2, "attempts that never were")
			if tt.processed {
				require.Equal(t, 2, response.Attempts, "a replay of ours is counted")
			}
		})
		t.Run(name+"/any POST", func(t *testing.T) {
			t.Parallel()
			client, bodies := retryHTTP2Server(t, tt.serve)
			err := retryPost(t.Context(), client)
			if tt.processed {
				require.ErrorIs(t, err, ErrOutcomeUnknown)
				require.Len(t, bodies(), 1, "it was not sent again")
				return
			}
			if err != nil { // it may be sent again, and need not be
				require.ErrorIs(t, err, ErrOutcomeUnknown)
			}
		})
	}
	t.Run("B28 a server of the standard library shuts down", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Connection", "close") // over HTTP/2 this is a GOAWAY
			_, _ = io.WriteString(w, retryStopped)
		}))
		srv.EnableHTTP2 = true
		srv.StartTLS()
		t.Cleanup(srv.Close)
		client := retryClient(t, answerTLSTransport(srv), WithEndpoint(srv.URL), WithRetry(RetryPolicy{MinDelay: 1, MaxDelay: 1}))
		t.Cleanup(client.CloseIdleConnections)
		for range 20 {
			require.NoError(t, retryStop(t.Context(), client))
		}
	})
}
