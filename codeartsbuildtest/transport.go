package codeartsbuildtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
)

var (
	errClosed = errors.New("connection refused: the codeartsbuildtest server is closed")
	errLost   = fmt.Errorf("codeartsbuildtest: the connection broke before the answer: %w", io.EOF)
)

// A transport hands requests to the server without a socket. Requests, answers and failures look as they
// do with one.
type transport struct{ server *Server }

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }() // also frees a server that waits for the rest
	}
	if err := t.ready(req); err != nil {
		return nil, err
	}
	ctx, in := req.Context(), incoming(req)
	answers := make(chan *recorder, 1) // closed without an answer when the connection breaks
	go func() {
		defer close(answers)
		defer recoverAbort()
		answer := newRecorder()
		t.server.ServeHTTP(answer, in)
		answers <- answer
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case answer := <-answers:
		switch err := ctx.Err(); {
		case err != nil:
			return nil, err
		case answer == nil:
			return nil, errLost
		}
		return answer.response(req), nil
	}
}

// ready refuses what never gets as far as a server.
func (t *transport) ready(req *http.Request) error {
	if req.URL == nil {
		return errors.New("codeartsbuildtest: the request has no URL")
	}
	if err := req.Context().Err(); err != nil {
		return err
	}
	t.server.mu.Lock()
	defer t.server.mu.Unlock()
	if t.server.closed {
		return &net.OpError{Op: "dial", Net: "tcp", Err: errClosed}
	}
	return nil
}

// recoverAbort ends a handler that broke the connection. Any other panic is a bug and goes on.
func recoverAbort() {
	if v := recover(); v != nil && v != http.ErrAbortHandler {
		panic(v)
	}
}

// incoming is the request as a server gets it, sharing with the client's nothing but the body's reader.
func incoming(req *http.Request) *http.Request {
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:1"
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	in.GetBody = nil
	if in.Method == "" {
		in.Method = http.MethodGet
	}
	if in.Host == "" {
		in.Host = in.URL.Host
	}
	if in.Header == nil {
		in.Header = http.Header{}
	}
	return in
}

// A recorder is a ResponseWriter that keeps the answer.
type recorder struct {
	header http.Header
	sent   http.Header // as it was when the status was written
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status, r.sent = status, r.header.Clone()
	}
}

func (r *recorder) Write(data []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if !bodyAllowed(r.status) {
		return 0, http.ErrBodyNotAllowed
	}
	return r.body.Write(data)
}

// response is the answer as a client gets it. A handler that announced more than it wrote leaves a body
// that ends unexpectedly.
func (r *recorder) response(req *http.Request) *http.Response {
	r.WriteHeader(http.StatusOK)
	body := &answerBody{ctx: req.Context(), rest: r.body.Bytes(), end: io.EOF}
	length := int64(len(body.rest))
	announced, err := strconv.ParseInt(r.sent.Get("Content-Length"), 10, 64)
	switch {
	case err == nil && announced > length:
		length, body.end = announced, io.ErrUnexpectedEOF
	case bodyAllowed(r.status):
		r.sent.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	if r.sent.Get("Content-Type") == "" && len(body.rest) > 0 {
		r.sent.Set("Content-Type", http.DetectContentType(body.rest))
	}
	if req.Method == http.MethodHead {
		body.rest, body.end = nil, io.EOF
	}
	return &http.Response{
		Status:        strconv.Itoa(r.status) + " " + http.StatusText(r.status),
		StatusCode:    r.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        r.sent,
		Body:          body,
		ContentLength: length,
		Request:       req,
	}
}

// An answerBody can be read as long as the request's context lives. Like that of net/http it may be closed
// while it is read.
type answerBody struct {
	ctx    context.Context
	rest   []byte
	end    error
	closed atomic.Bool
}

func (b *answerBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	if n == 0 && len(p) > 0 {
		return 0, b.end
	}
	return n, nil
}

func (b *answerBody) Close() error {
	b.closed.Store(true)
	return nil
}
