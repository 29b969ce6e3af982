package codeartsbuild

import (
	"bytes"
	"context"
	"net/url"
	"time"
)

// A call is one use of an operation, with what its attempts share. It stays on the stack; only ctx, which
// requests keep, is on the heap.
type call struct {
	op     *operation
	effect effect
	out    any // gets the payload of a success
	settings
	response *Response // of WithResponseInto
	secrets  []string  // of the body: no error may repeat them
	code     string    // a one-time code in the body, which is short

	ctx        context.Context // the caller's, in a callContext
	url        *url.URL
	body       []byte        // nil: none
	reader     *bytes.Reader // of the body, for the latest attempt
	upload     *upload       // in place of body; nil: none
	job, build string
	project    string

	started, attempted time.Time // of the call and of its last attempt, for logs

	attempts  int  // requests sent
	uncounted int  // attempts that MaxAttempts does not count
	resent    int  // of these, the ones after a request that the peer did not take
	earlier   int  // attempts of the call that this one continues
	renewed   bool // a rejected credential was replaced
	unknown   bool // an attempt may have taken effect

	requestID string // of the last attempt, clean
}

// newCall starts a call with the settings of the client.
func (c *Client) newCall(op *operation, out any) call {
	return call{op: op, effect: op.ownEffect(), out: out, settings: c.settings}
}

// fetch makes a call and returns its typed response.
func fetch[T any](ctx context.Context, c *Client, op *operation, args []string, in any, opts []CallOption) (*T, error) {
	out := new(T)
	call := c.newCall(op, out)
	if err := c.do(ctx, &call, args, in, opts); err != nil {
		return nil, err
	}
	return out, nil
}

// fetchValue is fetch for a payload that callers get by value: a list, a text, a number or a stream.
func fetchValue[T any](ctx context.Context, c *Client, op *operation, args []string, in any, opts []CallOption) (T, error) {
	out, err := fetch[T](ctx, c, op, args, in, opts)
	if err != nil {
		return *new(T), err
	}
	return *out, nil
}

// perform makes a call whose response says only that it was done.
func (c *Client) perform(ctx context.Context, op *operation, args []string, in any, opts []CallOption) error {
	call := c.newCall(op, &acknowledgement{})
	return c.do(ctx, &call, args, in, opts)
}

// do takes a call from arguments to response. Every method of every service ends here.
func (c *Client) do(ctx context.Context, call *call, args []string, in any, opts []CallOption) error {
	if err := c.prepare(ctx, call, args, in, opts); err != nil {
		return call.op.named(err)
	}
	for {
		a, v := c.attempt(call)
		switch {
		case v.unauthorized && c.renew(call, &a):
			call.uncounted++
		case v.untaken && call.resent < maxResends && call.upload.rewind():
			call.resent++
			call.uncounted++
		case !v.retry: // a success, or an error that stays
			if !a.noCred {
				c.budget.giveBack()
			}
			return c.finish(call, &a, v.err)
		default:
			if err := c.pause(call, v); err != nil { // nil: try again
				return c.finish(call, &a, err)
			}
		}
	}
}

// prepare rejects bad arguments and encodes the request, once for all attempts.
func (c *Client) prepare(ctx context.Context, call *call, args []string, in any, opts []CallOption) error {
	extra, err := call.apply(opts)
	if err != nil {
		return err
	}
	if ctx == nil {
		return errNilContext
	}
	own := &callContext{Context: ctx, op: call.op, logger: c.logger}
	call.ctx = own
	if own.logger == nil {
		if outer := callOf(ctx); outer != nil {
			own.logger = outer.logger
		}
	}
	if own.logger != nil {
		call.started = time.Now()
	}
	if call.url == nil {
		if err := call.target(c, args); err != nil {
			return err
		}
	}
	return call.encode(args, in, extra)
}

// An attempt is one request and what came of it.
type attempt struct {
	response
	cred     credential
	err      error // what ended the attempt before the end of the response
	noCred   bool  // there was no credential, so that the transport was not asked
	notSent  bool  // nothing was sent that the service could act on
	timedOut bool  // by its own limit
	cut      error // why an upload was not sent to its end; nil: it was
	ended    error // the error of the caller's context, if that ended the attempt
	cause    error // and the cause of that
}

// attempt sends the request once and judges the response. The buffer of the response's body lives no longer.
func (c *Client) attempt(call *call) (attempt, verdict) {
	buffer := takeBuffer()
	defer giveBuffer(buffer)
	a := c.send(call, buffer)
	v := classify(call, &a)
	if call.response != nil {
		a.body = append([]byte(nil), a.body...)
	} else {
		a.body = nil
	}
	if v.err == nil && a.cred != nil {
		c.auth.accepted()
	}
	call.unknown = call.unknown || v.unknown
	call.log("attempt", &a, v.err, call.attempted)
	return a, v
}

// send makes one attempt: credential, request, transport, and the whole response.
func (c *Client) send(call *call, buffer *[]byte) attempt {
	if call.logger() != nil {
		call.attempted = time.Now()
	}
	cred, err := c.credential(call.ctx)
	if err != nil {
		return attempt{err: err, noCred: true, ended: call.ctx.Err(), cause: context.Cause(call.ctx)}
	}
	sent := time.Now()
	ctx, cancel, lift := call.limited(sent)
	req := call.request(ctx, c)
	if cred != nil {
		cred.apply(req, call.body)
	}
	call.attempts++
	a := attempt{cred: cred}
	a.response, a.err = c.exchange(call, req, sent, buffer)
	a.requestID = call.clean(&a, requestID(a.names), 128)
	call.requestID = a.requestID
	call.countResent(&a.response)
	if call.upload != nil {
		a.cut = call.upload.latest.end(ctx)
	}
	if a.stream != nil {
		if a.stream = (&download{a.stream, cred, cancel, a.fromStore}); lift() {
			return a
		}
		a.stream.Close()
		a = attempt{cred: cred, err: context.DeadlineExceeded} // the limit came between the header and this
	}
	if a.err != nil {
		a.ended, a.cause = call.ctx.Err(), context.Cause(call.ctx)
		a.timedOut = a.ended == nil && ctx.Err() != nil
		a.notSent = a.status == 0 && a.err != errNoResponse && call.notSent()
	}
	cancel()
	return a
}

// limited is the context of one attempt. A nearer deadline of the caller's needs no timer. The context of a
// stream outlives the attempt: lift removes its limit, and reports whether it came in time.
func (c *call) limited(now time.Time) (ctx context.Context, cancel context.CancelFunc, lift func() bool) {
	if c.op.stream {
		ctx, cancel = context.WithCancel(c.ctx)
		if c.timeout == 0 {
			return ctx, cancel, func() bool { return true }
		}
		return ctx, cancel, time.AfterFunc(c.timeout, cancel).Stop
	}
	if deadline, ok := c.ctx.Deadline(); c.timeout == 0 || (ok && deadline.Sub(now) <= c.timeout) {
		return c.ctx, func() {}, nil
	}
	ctx, cancel = context.WithDeadline(c.ctx, now.Add(c.timeout))
	return ctx, cancel, nil
}

// finish ends a call. If an attempt may have taken effect, every error says so.
func (c *Client) finish(call *call, a *attempt, err error) error {
	if err != nil && call.unknown && call.effect != readOnly {
		err = outcomeUnknown(err)
	}
	if call.response != nil {
		*call.response = Response{a.status, a.header, a.body, a.requestID, call.earlier + call.attempts}
	}
	call.log("call", a, err, call.started)
	return err
}
