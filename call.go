package codeartsbuild

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/google/go-querystring/query"
)

// An operation is what the service documents of one of its calls.
type operation struct {
	name   string
	method string
	path   string   // with placeholders: /v1/job/{job_id}/stop
	args   []string // arguments that travel elsewhere, and are checked and logged like those of the path

	readOnly   bool   // changes nothing; GET and HEAD never do
	idempotent bool   // running it twice is as good as once
	query      bool   // not a GET, yet its input travels in the query too
	envelope   string // the member of the answer that holds the payload; "": the whole answer
	denial     error  // the kind of a success that says it is none, where no code says more
	login      bool   // its body holds a password
	stream     bool   // its success is a file, handed over unread; it may be kept in another store
	literal    bool   // the path is a caller's, escaped and complete
}

// reads reports whether the operation leaves the service as it is.
func (op *operation) reads() bool {
	return op.readOnly || op.method == http.MethodGet || op.method == http.MethodHead
}

// A call is one use of an operation, with what all its attempts share. It lives on the stack: what must
// outlive it, such as its context, is not part of it.
type call struct {
	ctx context.Context // the caller's, with the operation's name
	op  *operation
	out any
	callSettings

	url  *url.URL
	body []byte // nil: none

	job, build         string    // for logs
	started, attempted time.Time // for logs: when the call and its last attempt began

	attempt int  // requests sent
	free    int  // of these, the ones that do not count against MaxAttempts
	renewed bool // a refused credential was replaced
	buffer  *[]byte
}

// fetch makes a call and returns its typed answer.
func fetch[T any](ctx context.Context, c *Client, op *operation, args []string, in any, opts []CallOption) (*T, error) {
	out := new(T)
	if err := c.do(ctx, op, args, in, out, opts); err != nil {
		return nil, err
	}
	return out, nil
}

// Do makes a call that has no method here, with the same checks, replays and errors as every other call.
//
// The path is used as given: it starts with one slash, is escaped, and may carry a query. For GET and HEAD, in is
// a struct with url tags, or nil, and the call is replayed like any read; for other methods it is sent
// as JSON, and the call is replayed only when it cannot have been processed. Out gets the whole answer:
// a pointer for encoding/json, a *[]byte for the bytes as they are, or nil. It is written only when Do
// returns nil. What is no JSON is ErrUnexpectedResponse, unless out is a *[]byte. Errors name the call
// "GET /path". A path, method or input that cannot be sent is ErrInvalidArgument.
func (c *Client) Do(ctx context.Context, method, path string, in, out any, opts ...CallOption) error {
	bare, _, _ := strings.Cut(path, "?")
	op := operation{name: oneLine(method+" "+bare, 120), method: method, path: path, literal: true}
	op.idempotent = op.reads()
	if v := reflect.ValueOf(out); out != nil && (v.Kind() != reflect.Pointer || v.IsNil()) {
		return op.refuse(invalid("out is no pointer to write to"))
	}
	return c.do(ctx, &op, nil, in, out, opts)
}

// do takes a call from arguments to answer. Every method of every service ends here.
func (c *Client) do(ctx context.Context, op *operation, args []string, in, out any, opts []CallOption) error {
	call := call{op: op, out: out, callSettings: callSettings{settings: c.settings}}
	if err := c.prepare(ctx, &call, args, in, opts); err != nil {
		return op.refuse(err)
	}
	for {
		var ans answer
		c.send(&call, &ans)
		v := classify(&call, &ans)
		call.doubt = call.doubt || v.doubt
		c.logAttempt(&call, &ans, v.err)
		switch {
		case v.refused && c.renew(&call, &ans):
			call.free++
		case !v.replay: // a success, or an error that stays
			if !ans.unsent {
				c.budget.giveBack()
			}
			return c.finish(&call, &ans, v.err)
		default:
			if err := c.pause(&call, v); err != nil { // nil: try again
				return c.finish(&call, &ans, err)
			}
		}
		call.release()
	}
}

// prepare refuses what is wrong with the arguments and encodes the request, once for all attempts.
func (c *Client) prepare(ctx context.Context, call *call, args []string, in any, opts []CallOption) error {
	if c.logger != nil {
		call.started = time.Now()
	}
	if err := call.apply(opts); err != nil {
		return err
	}
	if ctx == nil {
		return invalid("the context is nil")
	}
	call.ctx = &callContext{Context: ctx, operation: call.op.name}
	if err := call.target(c, args); err != nil {
		return err
	}
	return call.encode(in)
}

// apply sets what the options of one call ask for.
func (c *call) apply(opts []CallOption) error {
	if len(opts) == 0 {
		return nil
	}
	given := c.callSettings
	for _, opt := range opts {
		if opt != nil {
			opt.applyToCall(&given)
		}
	}
	if err := given.validate(); err != nil {
		return err
	}
	given.retry = given.retry.withDefaults()
	c.callSettings = given
	return nil
}

// refuse gives an error of an argument the name of its operation.
func (op *operation) refuse(err error) error {
	refused, ok := err.(*callError)
	if !ok {
		return err
	}
	named := *refused
	named.operation = op.name
	return &named
}

// An encodedBody is an input that is JSON already.
type encodedBody []byte

// encode puts the input into the query or the body.
func (c *call) encode(in any) error {
	inQuery := c.op.method == http.MethodGet || c.op.method == http.MethodHead
	if in == nil {
		return nil
	}
	if inQuery || c.op.query {
		values, err := query.Values(in)
		if err != nil {
			return invalid("the input is no struct with url tags")
		}
		target := *c.url // the operation's is shared
		target.RawQuery = strings.Trim(target.RawQuery+"&"+values.Encode(), "&")
		c.url = &target
	}
	if inQuery {
		return nil
	}
	if own, ok := in.(encodedBody); ok {
		c.body = own
		return nil
	}
	body, err := json.Marshal(in)
	if err != nil {
		return invalid("the input cannot be sent as JSON: %s", errorText(err))
	}
	c.body = body
	return nil
}

// An answer is all that one attempt brought.
type answer struct {
	status    int // 0: none came
	header    http.Header
	body      []byte // in a buffer that the next attempt gets
	http2     bool
	framed    bool // the end of the body was marked, so that an empty one is complete
	oversized bool
	stream    io.ReadCloser
	redirect  string // the host of Location
	foreign   bool   // another store answered

	err      error // what ended the attempt early
	unsent   bool  // it ended before the transport was asked
	timedOut bool  // by the attempt's own limit
	ended    error // the error of the caller's context, if that ended it
	cause    error // and its cause

	token     *Token // what it was authenticated with
	key       *AccessKey
	signature string        // of the request, by key
	lag       time.Duration // by which the local clock was corrected for the signature
	at        time.Time     // when the answer to a signed request came, by the local clock
}

// send makes one attempt: credential, request, transport, and the whole answer, closed.
func (c *Client) send(call *call, ans *answer) {
	if c.logger != nil {
		call.attempted = time.Now()
	}
	if err := c.fetchCredential(call, ans); err != nil {
		ans.err, ans.unsent = err, true
		ans.ended, ans.cause = call.ctx.Err(), context.Cause(call.ctx)
		return
	}
	ctx, cancel, lift := call.limited()
	req := call.request(ctx, c)
	c.authenticate(call, req, ans)
	call.attempt++
	c.exchange(call, req, ans)
	call.countResent(ans)
	if ans.stream != nil {
		if ans.stream = (&download{ans.stream, cancel}); lift() {
			return
		}
		ans.stream.Close()
		*ans = answer{err: context.DeadlineExceeded} // the limit came between the header and this
	}
	if ans.err != nil {
		ans.ended, ans.cause = call.ctx.Err(), context.Cause(call.ctx)
		ans.timedOut = ans.ended == nil && ctx.Err() != nil
	}
	cancel()
}

// limited is the context of one attempt. Where the caller's own deadline is nearer it needs no timer. That
// of a stream goes on with the stream: lift takes the limit off, and reports whether it was in time.
func (c *call) limited() (ctx context.Context, cancel context.CancelFunc, lift func() bool) {
	if c.op.stream {
		ctx, cancel = context.WithCancel(c.ctx)
		if c.timeout == 0 {
			return ctx, cancel, func() bool { return true }
		}
		return ctx, cancel, time.AfterFunc(c.timeout, cancel).Stop
	}
	if deadline, ok := c.ctx.Deadline(); c.timeout == 0 || (ok && time.Until(deadline) <= c.timeout) {
		return c.ctx, func() {}, nil
	}
	ctx, cancel = context.WithTimeout(c.ctx, c.timeout)
	return ctx, cancel, nil
}

// fetchCredential asks for the credential. Its source works under the caller's context, since its requests have limits of
// their own, and may take no notice when that ends.
func (c *Client) fetchCredential(call *call, ans *answer) error {
	err := call.ctx.Err()
	switch {
	case err != nil:
		return err
	case c.tokens != nil:
		ans.token, err = c.tokens.Token(call.ctx)
		if err == nil && !ans.token.usable() {
			err = errNoCredential
		}
		if err == nil && !ans.token.sendable {
			err = checkToken(ans.token)
		}
	case c.keys != nil:
		ans.key, err = c.keys.AccessKey(call.ctx)
		if err == nil && !ans.key.usable() {
			err = errNoCredential
		}
		if err == nil {
			err = ans.key.check()
		}
	}
	if err != nil {
		return err
	}
	return call.ctx.Err()
}

// authenticate puts the credential into the request.
func (c *Client) authenticate(call *call, req *http.Request, ans *answer) {
	switch {
	case ans.token != nil:
		req.Header["X-Auth-Token"] = ans.token.header()
	case ans.key != nil:
		if c.projectID != nil {
			req.Header["X-Project-Id"] = c.projectID
		}
		ans.lag = time.Duration(c.clockLag.Load())
		ans.signature = sign(req, call.body, ans.key, time.Now().Add(ans.lag))
	}
}

// renew replaces a credential that was refused: a cached one is dropped, and a clock that is wrong is
// corrected by the answer's. It reports whether the call may be replayed, which it may once.
func (c *Client) renew(call *call, ans *answer) bool {
	again := c.correctClock(ans)
	if source, ok := c.tokens.(interface{ Invalidate(*Token) }); ok {
		source.Invalidate(ans.token)
		again = true
	}
	if source, ok := c.keys.(interface{ Invalidate(*AccessKey) }); ok {
		source.Invalidate(ans.key)
		again = true
	}
	if !again || call.renewed {
		return false
	}
	call.renewed = true
	return true
}

// maxClockLag is how wrong a clock may be for a signature. The service allows 15 minutes.
const maxClockLag = 5 * time.Minute

// correctClock learns the service's clock from an answer to a signed request. It reports whether
// signatures were off by so much that a new one may do better.
func (c *Client) correctClock(ans *answer) bool {
	if ans.key == nil {
		return false
	}
	date, err := http.ParseTime(ans.header.Get("Date"))
	if err != nil {
		return false
	}
	lag := date.Sub(ans.at)
	if (lag - ans.lag).Abs() < maxClockLag {
		return false
	}
	c.clockLag.Store(int64(lag))
	return true
}

// finish ends a call: the doubt that an earlier attempt left sticks to every error.
func (c *Client) finish(call *call, ans *answer, err error) error {
	if err != nil && call.doubt && !call.op.reads() {
		err = amend(err, "", ErrOutcomeUnknown)
	}
	if call.response != nil {
		*call.response = Response{ans.status, ans.header, requestID(ans.header), call.earlier + call.attempt}
	}
	c.logCall(call, ans, err)
	call.release()
	return err
}

// release gives the buffer of an answer back, unless it has grown so much that keeping it would cost.
func (c *call) release() {
	if c.buffer != nil && cap(*c.buffer) <= maxPooled {
		buffers.Put(c.buffer)
	}
	c.buffer = nil
}

func (c *Client) logAttempt(call *call, ans *answer, err error) {
	if c.logger == nil || !c.logger.Enabled(call.ctx, slog.LevelDebug) {
		return
	}
	c.logger.LogAttrs(call.ctx, slog.LevelDebug, "attempt", append(call.logAttrs(ans, err, call.attempted), slog.Int("attempt", call.attempt))...)
}

func (c *Client) logCall(call *call, ans *answer, err error) {
	if c.logger == nil || !c.logger.Enabled(call.ctx, slog.LevelDebug) {
		return
	}
	c.logger.LogAttrs(call.ctx, slog.LevelDebug, "call", append(call.logAttrs(ans, err, call.started), slog.Int("attempts", call.attempt))...)
}

func (c *call) logAttrs(ans *answer, err error, since time.Time) []slog.Attr {
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs, slog.String("operation", c.op.name), slog.Duration("duration", time.Since(since)))
	var apiErr *APIError
	code := ""
	if errors.As(err, &apiErr) {
		code = apiErr.ErrorCode
	}
	for _, a := range [...]struct{ key, value string }{
		{"job", c.job}, {"build", c.build}, {"code", code}, {"request_id", oneLine(c.redact(ans, requestID(ans.header)), 128)},
	} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	if ans.status != 0 {
		attrs = append(attrs, slog.Int("status", ans.status))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	return attrs
}
