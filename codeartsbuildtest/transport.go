package codeartsbuildtest

import (
	"bytes"
	"cmp"
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
	errLost   = fmt.Errorf("codeartsbuildtest: the connection broke before the response: %w", io.EOF)
)

// A transport hands requests to the server without a socket. Requests, responses and failures look as they
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
	served := make(chan outcome, 1)
	go func() {
		o := outcome{err: errLost}
		defer func() { served <- o }()
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				o.err = fmt.Errorf("codeartsbuildtest: the connection broke: a handler panicked: %v: %w", v, io.EOF)
			}
		}()
		recorded := newRecorder()
		t.server.ServeHTTP(recorded, in)
		o = outcome{reply: recorded}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case o := <-served:
		if err := cmp.Or(ctx.Err(), o.err); err != nil {
			return nil, err
		}
		return o.reply.response(req), nil
	}
}

// An outcome is what became of a request: a reply, or a connection that broke. A panic breaks the connection, as it does
// on a socket.
type outcome struct {
	reply *recorder
	err   error
}

// ready rejects a request that never gets as far as a server.
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

// A recorder is a ResponseWriter that keeps the reply.
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

// response is the reply as a client gets it. A handler that announced more than it wrote leaves a body
// that ends unexpectedly.
func (r *recorder) response(req *http.Request) *http.Response {
	r.WriteHeader(http.StatusOK)
	body := &replyBody{ctx: req.Context(), rest: r.body.Bytes(), end: io.EOF}
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

// A replyBody can be read as long as the request's context lives. Like that of net/http it may be closed
// while it is read.
type replyBody struct {
	ctx    context.Context
	rest   []byte
	end    error
	closed atomic.Bool
}

func (b *replyBody) Read(p []byte) (int, error) {
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

func (b *replyBody) Close() error {
	b.closed.Store(true)
	return nil
}
