package codeartsbuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
)

// A callContext is the context of a call's attempts: the caller's, with the operation's name. It also holds
// the body of the request, which saves an allocation.
type callContext struct {
	context.Context
	operation string
	body      requestBody
}

type operationKey struct{}

// OperationFromContext returns the operation of a request, such as "StopJob", from the request's context: in
// a RoundTripper, for the names of spans and metrics. For any other context it returns "".
func OperationFromContext(ctx context.Context) string {
	name, _ := ctx.Value(operationKey{}).(string)
	return name
}

func (c *callContext) Value(key any) any {
	if key == (operationKey{}) {
		return c.operation
	}
	return c.Context.Value(key)
}

// String keeps a transport that logs the context from printing the body.
func (c *callContext) String() string { return "codeartsbuild." + c.operation }

// Format does the same for every verb.
func (c *callContext) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// A requestBody is the body of a call, which each attempt reads from the start. A transport may read it
// again by itself: over HTTP/1 after it wrote nothing, over HTTP/2 also after the peer broke off a stream,
// which may have been processed.
type requestBody struct {
	first  bytes.Reader // of the first attempt; a transport may still read it during the second
	resent atomic.Int32 // how often the transport sent the body again
	asked  atomic.Int32 // how often it asked for that
	once   bool         // never resend a request that may have been processed
	http2  atomic.Bool  // the connection is HTTP/2
}

var errNotResent = errors.New("connection lost; not retried because the request may have been processed")

// maxResends limits how often a transport sends the request of one call again by itself, since the transport
// knows neither pauses nor the retry budget.
const maxResends = 8

// open returns a reader for one attempt.
func (b *requestBody) open(data []byte) io.Reader {
	if b.first.Size() > 0 {
		return bytes.NewReader(data)
	}
	b.first.Reset(data)
	return &b.first
}

// again is the GetBody of every request with a body.
func (b *requestBody) again() (io.ReadCloser, error) {
	if (b.once && b.http2.Load()) || b.asked.Add(1) > maxResends {
		return nil, errNotResent
	}
	return &resentBody{rest: io.NewSectionReader(&b.first, 0, b.first.Size()), resent: &b.resent}, nil
}

// wroteHeaderField recognizes HTTP/2, with and without TLS, by the names that only its headers have.
func (b *requestBody) wroteHeaderField(name string, _ []string) {
	if strings.HasPrefix(name, ":") {
		b.http2.Store(true)
	}
}

// A resentBody counts itself when the transport uses it. A transport may also ask for one that it never uses.
type resentBody struct {
	rest   *io.SectionReader
	resent *atomic.Int32
	used   sync.Once
}

func (b *resentBody) use() { b.used.Do(func() { b.resent.Add(1) }) }

func (b *resentBody) Read(p []byte) (int, error) {
	b.use()
	return b.rest.Read(p)
}

func (b *resentBody) Close() error {
	b.use()
	return nil
}

// countResent counts the requests that the transport sent again by itself, if the service may have
// processed the one before.
func (c *call) countResent(r *response) {
	if n := int(c.ctx.(*callContext).body.resent.Swap(0)); n > 0 && (r.http2 || r.status == 0) {
		c.attempts += n
		c.uncounted += n
		c.unknown = c.unknown || c.effect != readOnly
	}
}
