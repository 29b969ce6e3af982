package codeartsbuildtest

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestResponsesAreComplete(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	req := c.request("GET", "/v1/job/list", "")
	res, err := c.transport.RoundTrip(req)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, []any{"200 OK", 200, "HTTP/1.1", 1, 1}, []any{res.Status, res.StatusCode, res.Proto, res.ProtoMajor, res.ProtoMinor})
	assert.Same(t, req, res.Request)
	assert.EqualValues(t, len(body), res.ContentLength)
	require.NoError(t, res.Body.Close())
	_, err = res.Body.Read(body)
	require.ErrorIs(t, err, http.ErrBodyReadAfterClose)
}

// A body counts how often it is closed.
type countingBody struct {
	io.Reader
	closed int
}

func (b *countingBody) Close() error { b.closed++; return nil }

func TestRequestsAreNotTouched(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	srv.Next("ListJob", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("X-Auth-Token", "changed")
			r.URL.Path = "/changed"
			next.ServeHTTP(w, r)
		})
	}, nil)
	for range 2 {
		req := c.request("GET", "/v1/job/list", "")
		body := &countingBody{Reader: strings.NewReader("text")}
		req.Body = body
		_, err := c.try(req)
		require.NoError(t, err)
		assert.Equal(t, 1, body.closed)
		assert.Equal(t, c.token, req.Header.Get("X-Auth-Token"))
		assert.Equal(t, "/v1/job/list", req.URL.Path)
	}
}

func TestTransportEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		ctx, cancel := context.WithCancel(t.Context())

		start := time.Now()
		time.AfterFunc(time.Minute, cancel)
		never, writer := io.Pipe() // a body that never ends
		req := c.request("GET", "/v1/job/list", "").WithContext(ctx)
		req.Body = never
		_, err := c.try(req)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, time.Minute, time.Since(start))
		_, err = writer.Write([]byte("x"))
		require.ErrorIs(t, err, io.ErrClosedPipe)

		body := &countingBody{Reader: strings.NewReader("")}
		req = c.request("GET", "/v1/job/list", "").WithContext(ctx)
		req.Body = body
		_, err = c.try(req)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 1, body.closed)
	})
}

func TestResponseEndsWithTheContext(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	ctx, cancel := context.WithCancel(t.Context())
	res, err := c.transport.RoundTrip(c.request("GET", "/v1/job/list", "").WithContext(ctx))
	require.NoError(t, err)
	cancel()
	_, err = io.ReadAll(res.Body)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, res.Body.Close())
}

func TestHandlersOfOnesOwnInMemory(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handle func(w http.ResponseWriter)
		want   response
		err    error
	}{
		"nothing written":       {func(http.ResponseWriter) {}, response{status: 200}, nil},
		"status not final":      {func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(202) }, response{status: 202}, nil},
		"text without a type":   {func(w http.ResponseWriter) { _, _ = w.Write([]byte("text")) }, response{status: 200, body: "text"}, nil},
		"a second status":       {func(w http.ResponseWriter) { w.WriteHeader(500); w.WriteHeader(200) }, response{status: 500}, nil},
		"a body where none may": {func(w http.ResponseWriter) { w.WriteHeader(204); _, _ = w.Write([]byte("x")) }, response{status: 204}, nil},
		"less than announced": {
			func(w http.ResponseWriter) { w.Header().Set("Content-Length", "9"); _, _ = w.Write([]byte("text")) },
			response{status: 200, body: "text"}, io.ErrUnexpectedEOF,
		},
		"broken off":        {func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")); panic(http.ErrAbortHandler) }, response{}, io.EOF},
		"ended by its test": {func(http.ResponseWriter) { runtime.Goexit() }, response{}, io.EOF},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := NewServer()
			c := newCaller(t, srv)
			srv.Next("ListJob", func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tt.handle(w) })
			})
			got, err := c.try(c.request("GET", "/v1/job/list", ""))
			require.ErrorIs(t, err, tt.err)
			assert.Equal(t, []any{tt.want.status, tt.want.body}, []any{got.status, got.body})
		})
	}
}

func TestRequestsThatNeverArrive(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	_, err := c.transport.RoundTrip(&http.Request{})
	require.Error(t, err)

	req := c.request("GET", "/v1/job/list", "")
	req.Method, req.Header, req.Body = "", nil, nil
	got, err := c.try(req)
	require.NoError(t, err)
	assert.Equal(t, "APIGW.0301", got.value(t, "error_code"), "no method is GET, and no header is none")

	srv.Close()
	srv.Close()
	_, err = c.try(c.request("GET", "/v1/job/list", ""))
	var dial *net.OpError
	require.ErrorAs(t, err, &dial)
	assert.Equal(t, "dial", dial.Op)
}

func TestCloseEndsWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // ends only when every goroutine has
		srv := NewServer()
		client := srv.Client()
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		srv.Next("StopJob", Delay(1000*time.Hour))
		start := time.Now()
		time.AfterFunc(time.Second, srv.Close)
		_, err := client.Jobs.Stop(t.Context(), job, no, codeartsbuild.WithTimeout(0))
		require.Error(t, err)
		assert.Less(t, time.Since(start), time.Minute)
		time.Sleep(time.Hour)
		assert.Equal(t, codeartsbuild.StatusRunning, srv.Status(job, no), "the stop has no effect")
	})
}

func TestLargeResponses(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	text := strings.Repeat("a line of the log\n", 1<<18)
	srv.AppendLog(job, no, text)
	got := c.get("/v1/log/" + srv.state.jobs.all()[0].builds[0].recordID + "/download-log")
	assert.Equal(t, len(text), len(got.body))
}
