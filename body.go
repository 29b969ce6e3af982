package codeartsbuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// A callContext is the context of a call's attempts: the caller's, with the operation and the logger. It also holds
// the body of the request, which saves an allocation.
type callContext struct {
	context.Context
	op     *operation
	logger *slog.Logger // the client's or, for the login of another call, that call's; nil: silent
	body   requestBody
}

type callContextKey struct{}

// callOf returns the innermost call that ctx belongs to, or nil.
func callOf(ctx context.Context) *callContext {
	own, _ := ctx.Value(callContextKey{}).(*callContext)
	return own
}

// OperationFromContext returns the operation of a request, such as "StopJob", from the request's context: in
// a RoundTripper, for the names of spans and metrics. For any other context it returns "".
func OperationFromContext(ctx context.Context) string {
	if own := callOf(ctx); own != nil {
		return own.op.label()
	}
	return ""
}

func (c *callContext) Value(key any) any {
	if key == (callContextKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// String keeps a transport that logs the context from printing the body.
func (c *callContext) String() string { return "codeartsbuild." + c.op.label() }

// Format does the same for every verb.
func (c *callContext) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// A requestBody is the body of a call, which each attempt reads from the start, and what its transport did with it.
type requestBody struct {
	first  bytes.Reader  // of the first attempt; a transport may still read it during the second
	asked  atomic.Int32  // how often the transport asked for the body again
	traced atomic.Uint32 // of calls with a trace: what happened
}

// What a trace tells.
const (
	wantedConn = 1 << iota // the transport wanted a connection
	gotConn                // and got one
	isHTTP2                // which is HTTP/2
)

func (b *requestBody) saw(event uint32) bool { return b.traced.Load()&event != 0 }

var errNotResent = errors.New("connection lost; not retried because the request may have been processed")

// maxResends limits how often a request is sent again without a pause, after a connection that ended did not take it:
// by the transport for one attempt, and by the call.
const maxResends = 8

// open returns a reader for one attempt.
func (b *requestBody) open(data []byte) *bytes.Reader {
	if b.first.Size() > 0 {
		return bytes.NewReader(data)
	}
	b.first.Reset(data)
	return &b.first
}

// reset forgets what the attempt before did.
func (b *requestBody) reset() {
	b.asked.Store(0)
	b.traced.Store(0)
}

// again is the GetBody of a request over HTTP/1, where a transport uses it only after it wrote nothing. Over HTTP/2
// it would also use it after the peer broke off a stream, which may have been processed.
func (b *requestBody) again() (io.ReadCloser, error) {
	if b.saw(isHTTP2) || b.asked.Add(1) > maxResends {
		return nil, errNotResent
	}
	return io.NopCloser(io.NewSectionReader(&b.first, 0, b.first.Size())), nil
}

// trace watches the connection of an attempt. A stop does without: its body tells as much, and a trace costs allocations.
func (b *requestBody) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { b.traced.Or(wantedConn) },
		GotConn: func(httptrace.GotConnInfo) { b.traced.Or(gotConn) },
		WroteHeaderField: func(name string, _ []string) {
			if strings.HasPrefix(name, ":") { // only the headers of HTTP/2 have such names, with and without TLS
				b.traced.Or(isHTTP2)
			}
		},
	}
}

// notSent reports whether a failed attempt is known to have sent nothing that the service could act on: the
// transport never got a connection, or never read the body that says what to do.
func (c *call) notSent() bool {
	if c.upload != nil && !c.upload.latest.begun.Load() {
		return true
	}
	body := &c.ctx.(*callContext).body
	if body.saw(wantedConn) && !body.saw(gotConn) {
		return true
	}
	return c.body != nil && c.op.inBody() && body.asked.Load() == 0 && c.reader.Len() == len(c.body)
}

// countResent counts the requests that the transport sent again over HTTP/2 on a client that knew only HTTP/1.
func (c *call) countResent(r *response) {
	if n := int(c.ctx.(*callContext).body.asked.Load()); n > 0 && r.http2 {
		c.attempts += n
		c.uncounted += n
		c.unknown = c.unknown || c.effect != readOnly
	}
}
