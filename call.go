package codeartsbuild

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

	job, build string // for logs
	started    time.Time

	attempt int  // requests sent
	free    int  // of these, the ones that do not count against MaxAttempts
	renewed bool // a refused credential was replaced
	buffer  *[]byte
}

// A callContext is the context of a call's attempts. It also has room for the reader of the first
// attempt's body; a later attempt has its own, since a transport may still read the first.
type callContext struct {
	context.Context
	operation string
	reader    bytes.Reader
	resent    atomic.Int32 // how often the transport sent the body again by itself
	once      bool         // it must not where that may have been processed
	http2     atomic.Bool  // the connection is one where it would
}

var errNotResent = errors.New("the connection broke, and the request must not be sent twice")

// bodyAgain is the GetBody of every request, which a transport asks when it sends again by itself. Over
// HTTP/1 it does so only with what it never wrote; over HTTP/2 also with a stream that the peer broke off,
// which may have been processed.
func (c *callContext) bodyAgain() (io.ReadCloser, error) {
	if c.once && c.http2.Load() {
		return nil, errNotResent
	}
	c.resent.Add(1)
	body := make([]byte, c.reader.Size())
	_, err := c.reader.ReadAt(body, 0)
	return io.NopCloser(bytes.NewReader(body)), err
}

func (c *callContext) gotConn(info httptrace.GotConnInfo) {
	if conn, ok := info.Conn.(*tls.Conn); ok && conn.ConnectionState().NegotiatedProtocol == "h2" {
		c.http2.Store(true)
	}
}

type operationKey struct{}

// OperationFromContext returns the operation, such as "StopJob", that a request is for, given its context:
// inside a RoundTripper, for the names of spans and metrics. It returns "" for any other context.
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

// fetch makes a call and returns its typed answer.
func fetch[T any](ctx context.Context, c *Client, op *operation, args []string, in any, opts []CallOption) (*T, error) {
	out := new(T)
	if err := c.do(ctx, op, args, in, out, opts); err != nil {
		return nil, err
	}
	return out, nil
}

// Do calls what has no method here, on the same path and with the same promises as every other call.
//
// The path is used as given: it starts with one slash, is escaped, and may carry a query. For GET and HEAD, in is
// a struct with url tags, or nil, and the call is replayed like any read; for other methods it is sent
// as JSON, and the call is replayed only when it cannot have been processed. Out gets the whole answer:
// a pointer for encoding/json, a *[]byte for the bytes as they are, or nil. It is written only when Do
// returns nil. Errors name the call "GET /path". A path, method or input that cannot be sent is
// ErrInvalidArgument.
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
	call, err := c.prepare(ctx, op, args, in, out, opts)
	if err != nil {
		return err
	}
	for {
		ans := c.send(&call)
		v := classify(&call, &ans)
		call.doubt = call.doubt || v.doubt
		c.logAttempt(&call, &ans, v.err)
		switch {
		case v.refused && c.renew(&call, &ans):
			call.free++
		case !v.replay: // a success, or an error that stays
			c.budget.giveBack()
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
func (c *Client) prepare(ctx context.Context, op *operation, args []string, in, out any, opts []CallOption) (call, error) {
	call := call{op: op, out: out, callSettings: callSettings{settings: c.settings}, started: time.Now()}
	err := call.apply(opts)
	switch {
	case err != nil:
	case ctx == nil:
		err = invalid("the context is nil")
	default:
		call.ctx = &callContext{Context: ctx, operation: op.name}
		if err = call.target(c, args); err == nil {
			err = call.encode(in)
		}
	}
	if err != nil {
		return call, op.refuse(err)
	}
	return call, nil
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
	body, err := json.Marshal(in)
	if err != nil {
		return invalid("the input cannot be sent as JSON: %s", errorText(err))
	}
	c.body = body
	return nil
}

const (
	maxAnswer      = 10 << 20
	maxErrorAnswer = 64 << 10
	maxPooled      = 64 << 10
)

// An answer is all that one attempt brought.
type answer struct {
	status    int // 0: none came
	header    http.Header
	body      []byte // lives until the call ends
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

	token *Token // what it was authenticated with
	key   *AccessKey
	lag   time.Duration // by which the local clock was corrected for the signature
	at    time.Time     // when the answer came, by the local clock
}

// send makes one attempt: credential, request, transport, and the whole answer, closed.
func (c *Client) send(call *call) answer {
	var ans answer
	if err := call.ctx.Err(); err != nil {
		return answer{err: err, unsent: true, ended: err, cause: context.Cause(call.ctx)}
	}
	ctx, cancel, lift := call.limited()
	req := call.request(ctx, c)
	if err := c.authenticate(call, req, &ans); err != nil {
		ans.err, ans.unsent = err, true
	} else {
		call.attempt++
		c.exchange(call, req, &ans)
		call.countResent(&ans)
	}
	if ans.stream != nil {
		if ans.stream = (&download{ans.stream, cancel}); lift() {
			return ans
		}
		ans.stream.Close()
		ans = answer{err: context.DeadlineExceeded} // the limit came between the header and this
	}
	if ans.err != nil {
		ans.ended, ans.cause = call.ctx.Err(), context.Cause(call.ctx)
		ans.timedOut = ans.ended == nil && ctx.Err() != nil
	}
	cancel()
	return ans
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

// A download is the body of a stream, and the end of its attempt.
type download struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (d *download) Close() error {
	defer d.cancel()
	return d.ReadCloser.Close()
}

// The values of headers that never differ. Their capacity is their length, so that a transport that
// appends to one gets a copy.
var (
	jsonType = []string{"application/json"}
	anyType  = []string{"*/*"}
)

func (c *call) request(ctx context.Context, client *Client) *http.Request {
	header := http.Header{"Accept": jsonType, "User-Agent": client.userAgent}
	if c.op.stream {
		header["Accept"] = anyType
	}
	req := &http.Request{
		Method: c.op.method, URL: c.url, Host: c.url.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if c.body == nil {
		return req.WithContext(ctx)
	}
	header["Content-Type"] = jsonType
	own := c.ctx.(*callContext)
	if !c.op.mayRepeat() {
		own.once = true
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: own.gotConn})
	}
	req.GetBody, req.ContentLength = own.bodyAgain, int64(len(c.body))
	if own.reader.Size() == 0 {
		own.reader.Reset(c.body)
		req.Body = io.NopCloser(&own.reader)
	} else {
		req.Body = io.NopCloser(bytes.NewReader(c.body))
	}
	return req.WithContext(ctx)
}

// countResent counts what the transport sent again by itself, where that may have been processed before.
func (c *call) countResent(ans *answer) {
	if n := int(c.ctx.(*callContext).resent.Swap(0)); n > 0 && (ans.http2 || ans.status == 0) {
		c.attempt += n
		c.free += n
		c.doubt = c.doubt || !c.op.reads()
	}
}

// authenticate puts the credential into the request. The credential's source works under the caller's
// context: its requests have limits of their own.
func (c *Client) authenticate(call *call, req *http.Request, ans *answer) (err error) {
	switch {
	case c.tokens != nil:
		if ans.token, err = c.tokens.Token(call.ctx); err != nil {
			return err
		}
		if !ans.token.usable() {
			return errNoCredential
		}
		if !ans.token.sendable {
			return checkToken(ans.token)
		}
		req.Header["X-Auth-Token"] = ans.token.header()
	case c.keys != nil:
		if ans.key, err = c.keys.AccessKey(call.ctx); err != nil {
			return err
		}
		if !ans.key.usable() {
			return errNoCredential
		}
		if err := ans.key.check(); err != nil {
			return err
		}
		if c.projectID != nil {
			req.Header["X-Project-Id"] = c.projectID
		}
		ans.lag = time.Duration(c.clockLag.Load())
		sign(req, call.body, ans.key, time.Now().Add(ans.lag))
	}
	return nil
}

// exchange sends the request and reads the answer within its limit.
func (c *Client) exchange(call *call, req *http.Request, ans *answer) {
	resp, err := c.roundTrip(req)
	if err == nil && call.op.stream && isRedirect(resp.StatusCode) {
		resp, err = c.fromStore(req, resp, ans)
	}
	if err != nil {
		ans.err = err
		return
	}
	ans.status, ans.header, ans.at = resp.StatusCode, resp.Header, time.Now()
	ans.http2 = resp.ProtoMajor == 2
	ans.framed = resp.ProtoMajor != 1 || resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0 ||
		resp.StatusCode == http.StatusNoContent || call.op.method == http.MethodHead
	limit := maxErrorAnswer
	if isSuccess(resp.StatusCode) {
		limit = maxAnswer
	} else if isRedirect(resp.StatusCode) {
		ans.redirect = redirectHost(resp)
	}
	if resp.Body == nil {
		return
	}
	if call.op.stream && isSuccess(resp.StatusCode) && !strings.Contains(resp.Header.Get("Content-Type"), "json") {
		ans.stream = resp.Body
		return
	}
	defer resp.Body.Close()
	if resp.ContentLength > int64(limit) && limit == maxAnswer && call.op.method != http.MethodHead {
		ans.oversized = true
		return
	}
	call.buffer = buffers.Get().(*[]byte)
	*call.buffer, ans.oversized, ans.err = readAll(resp.Body, (*call.buffer)[:0], limit)
	ans.body = *call.buffer
}

func (c *Client) roundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.transport.RoundTrip(req)
	if err == nil && (resp == nil || resp.StatusCode == 0) {
		err = errNoAnswer
	}
	return resp, err
}

// fromStore fetches a file from where the service keeps it: once, over https, without the credential. Any
// other redirect stays the answer.
func (c *Client) fromStore(req *http.Request, redirect *http.Response, ans *answer) (*http.Response, error) {
	location, err := req.URL.Parse(redirect.Header.Get("Location"))
	if err != nil || location.Scheme != "https" || location.Host == "" || location.User != nil {
		return redirect, nil
	}
	if redirect.Body != nil {
		redirect.Body.Close()
	}
	ans.foreign = true
	return c.roundTrip((&http.Request{
		Method: http.MethodGet, URL: location, Host: location.Host,
		Header: http.Header{"Accept": anyType, "User-Agent": c.userAgent},
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(req.Context()))
}

func isSuccess(status int) bool  { return status >= 200 && status < 300 }
func isRedirect(status int) bool { return status >= 300 && status < 400 }

func redirectHost(resp *http.Response) string {
	location, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		return ""
	}
	return location.Host
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1<<10); return &b }}

// readAll appends what r has to buf, up to limit, and reports whether there was more. It reads to the end
// of what fits, so that the connection can be used again.
func readAll(r io.Reader, buf []byte, limit int) (_ []byte, more bool, err error) {
	for empty := 0; ; {
		if len(buf) == cap(buf) {
			grown := make([]byte, len(buf), min(2*cap(buf), limit+1))
			copy(grown, buf)
			buf = grown
		}
		n, err := r.Read(buf[len(buf):min(cap(buf), limit+1)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return buf[:limit], true, nil
		case err == io.EOF:
			return buf, false, nil
		case err != nil:
			return buf, false, err
		case n > 0:
			empty = 0
		default:
			if empty++; empty == 100 {
				return buf, false, io.ErrNoProgress
			}
		}
	}
}

// A verdict is what an attempt means for its call.
type verdict struct {
	err     error         // nil: the call succeeded
	replay  bool          // another attempt may be made
	later   bool          // after a longer pause, the service being busy with others
	after   time.Duration // or after the pause that the service asks for
	refused bool          // the credential was not accepted
	doubt   bool          // the attempt may have taken effect
}

// classify judges an attempt. It depends on nothing but its arguments, and changes nothing but the call's
// out, which a success fills.
func classify(c *call, ans *answer) verdict {
	switch {
	case ans.status == 0:
		return classifyFailure(c, ans)
	case ans.stream != nil:
		*c.out.(*io.ReadCloser) = ans.stream
		return verdict{}
	case !isSuccess(ans.status):
		return classifyError(c, ans, ans.body)
	case ans.oversized:
		return unreadable(c, ans, "the answer is larger than 10 MiB")
	case ans.err != nil:
		return unreadable(c, ans, "the answer was cut off: "+errorText(ans.err))
	case !ans.framed && len(trimBlank(ans.body)) == 0:
		return unreadable(c, ans, "the answer is empty and its end was not marked")
	}
	body := unwrapText(ans.body)
	isJSON := validJSON(body)
	if raw, ok := c.out.(*[]byte); ok && !(isJSON && denied(body)) {
		*raw = bytes.Clone(ans.body)
		return verdict{}
	}
	if len(body) > 0 && !isJSON {
		return unreadable(c, ans, "the answer is not JSON: "+c.snippet(ans, body))
	}
	if denied(body) {
		return classifyError(c, ans, body)
	}
	if c.op.stream {
		return unreadable(c, ans, "the answer is JSON and no file")
	}
	err := decode(body, c.op.envelope, c.out, answerInfo{c.job, c.build, ans.header})
	switch {
	case err == nil:
		return verdict{}
	case err == ErrNotStopped || err == ErrNotProjectScoped:
		return verdict{err: c.apiError(ans, problem{}, []error{err})}
	}
	return unreadable(c, ans, errorText(err))
}

// unreadable judges a success that cannot be read: most likely the service acted, but it may have been a
// proxy that answered.
func unreadable(c *call, ans *answer, why string) verdict {
	err := c.apiError(ans, problem{message: why}, unexpectedKind)
	return verdict{err: err, replay: c.op.mayRepeat() && !ans.oversized && ans.ended == nil, doubt: !c.op.reads()}
}

// mayRepeat reports whether the operation may be sent again although it may have been processed.
func (op *operation) mayRepeat() bool { return op.idempotent || op.reads() }

// classifyError judges an answer that is an error: by its status, or inside a success.
func classifyError(c *call, ans *answer, body []byte) verdict {
	p := c.problem(ans, unwrapText(body))
	m := kindsOf(ans.status, p.code)
	if c.op.login && ans.status >= 500 { // Keystone gives each of its errors a code
		m.replay = max(m.replay, replayIdempotent)
	}
	if c.op.denial != nil && isSuccess(ans.status) && len(m.kinds) == 0 {
		m.kinds = []error{c.op.denial}
	}
	return verdict{
		err:     c.apiError(ans, p, m.kinds),
		replay:  ans.ended == nil && (m.replay >= replayAny || (m.replay == replayIdempotent && c.op.mayRepeat())),
		later:   m.replay == replayLater,
		after:   retryAfter(ans.header),
		refused: ans.ended == nil && !ans.foreign && slices.Contains(m.kinds, ErrUnauthorized),
		doubt:   !c.op.reads() && leavesDoubt(ans.status, p.code),
	}
}

// problem finds what an error says.
func (c *call) problem(ans *answer, text []byte) problem {
	isJSON := len(text) > 0 && validJSON(text)
	switch {
	case isRedirect(ans.status):
		return problem{message: "redirect to " + cmp.Or(ans.redirect, "the same host") + " not followed"}
	case ans.foreign: // its text may quote the address, which is a credential
		return problem{message: "the store of the file answered " + http.StatusText(ans.status)}
	case c.op.login && quotesRequest(ans.status):
		return loginProblem(ans.status, text)
	case !isJSON:
		return problem{message: c.snippet(ans, text)}
	case c.op.login:
		return loginProblem(ans.status, text)
	}
	return readProblem(text, 2)
}

// snippet is the readable start of a text, which must lose the secrets before it is cut.
func (c *call) snippet(ans *answer, text []byte) string { return snippet(c.redact(ans, string(text))) }

// leavesDoubt reports whether an error of this status may have come after the work was done: a gateway's,
// or one that the service itself does not explain. With 503 it says that it did not start.
func leavesDoubt(status int, code string) bool {
	switch status {
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	case http.StatusServiceUnavailable:
		return false
	}
	return status >= 500 && code == ""
}

// classifyFailure judges an attempt that brought no answer.
func classifyFailure(c *call, ans *answer) verdict {
	proven, hopeless := provesUnsent(ans.err)
	proven = proven || ans.unsent
	doubt := !proven && !c.op.reads()
	e := &callError{operation: c.op.name, text: errorText(ans.err)}
	switch {
	case ans.ended != nil:
		e.text, e.kinds, e.cause = endText(ans), []error{ans.ended}, ans.cause
		return verdict{err: e, doubt: doubt}
	case ans.unsent:
		return verdict{err: c.credentialError(ans.err)}
	case ans.timedOut:
		e.text = "no answer within " + c.timeout.String()
	case proven:
		e.text = "no connection: " + e.text
	default:
		e.text = "no answer: " + e.text
	}
	return verdict{err: e, replay: !hopeless && (proven || c.op.mayRepeat()), doubt: doubt}
}

// credentialError is the failure to get a credential. A login that was answered is an *APIError, and stays one.
func (c *call) credentialError(err error) error {
	var apiErr *APIError
	if errors.As(err, &apiErr) {
		return apiErr
	}
	e := &callError{operation: c.op.name, text: "no credential: " + errorText(err), cause: err}
	if own, ok := err.(*callError); ok {
		e.text, e.kinds = own.text+own.note, slices.DeleteFunc(slices.Clone(own.kinds), isContextError)
	}
	return e
}

func endText(ans *answer) string {
	text := ans.ended.Error()
	if cause := errorText(ans.err); cause != text {
		text += ": " + cause
	}
	if ans.cause != nil && ans.cause != ans.ended {
		text += ": " + errorText(ans.cause)
	}
	return text
}

// provesUnsent reports whether the type of an error proves that no byte of the request was sent, and
// whether another attempt is hopeless. Whatever it does not know leaves that open.
func provesUnsent(err error) (proven, hopeless bool) {
	if e := (*connectError)(nil); errors.As(err, &e) {
		return true, true
	}
	if e := (*net.DNSError)(nil); errors.As(err, &e) {
		return true, e.IsNotFound
	}
	if isCertificateError(err) {
		return true, true
	}
	if e := (*net.OpError)(nil); errors.As(err, &e) {
		return e.Op == "dial" || e.Op == "proxyconnect" || strings.HasPrefix(e.Op, "socks"), false
	}
	return false, false
}

// isCertificateError reports whether the TLS connection was never made. A record that is none proves that
// only as the first one, which is when crypto/tls reports its connection: a later one may come in place of
// the answer.
func isCertificateError(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		host         x509.HostnameError
		authority    x509.UnknownAuthorityError
		certificate  x509.CertificateInvalidError
	)
	return errors.As(err, &verification) || (errors.As(err, &record) && record.Conn != nil) || errors.As(err, &host) ||
		errors.As(err, &authority) || errors.As(err, &certificate)
}

// apiError describes an answer, without the request's secrets in any of it.
func (c *call) apiError(ans *answer, p problem, kinds []error) error {
	e := &APIError{
		StatusCode: ans.status,
		ErrorCode:  oneLine(c.redact(ans, p.code), 128),
		ErrorMsg:   oneLine(c.redact(ans, p.message), 512),
		RequestID:  oneLine(c.redact(ans, requestID(ans.header)), 128),
		Operation:  c.op.name,
		Attempts:   c.earlier + c.attempt,
		RetryAfter: retryAfter(ans.header),
		kinds:      kinds,
	}
	if !ans.foreign && (!c.op.login || !quotesRequest(ans.status)) {
		body := c.redact(ans, string(ans.body[:min(len(ans.body), maxErrorAnswer)])) // before it is cut, or the start of a secret could stay
		e.Body = []byte(body[:min(len(body), maxErrorBody)])
	}
	if ans.ended != nil {
		return endedBy(e, ans.ended, ans.cause)
	}
	return e
}

// requestID is the first of the names under which the service, its IAM and Keystone say it.
func requestID(header http.Header) string {
	for _, name := range [...]string{"X-Request-Id", "X-Iam-Trace-Id", "X-Openstack-Request-Id"} {
		if values := header[name]; len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// redact removes the secrets of the request from a text that came back.
func (c *call) redact(ans *answer, text string) string {
	if text == "" {
		return ""
	}
	text = removeSecret(text, ans.token.Value())
	if ans.key != nil {
		secret, securityToken := ans.key.secrets()
		text = removeSecret(removeSecret(text, secret), securityToken)
	}
	for _, secret := range c.secrets {
		text = removeSecret(text, secret)
	}
	return text
}

// removeSecret also finds the spellings in which JSON may quote the secret, and the start of one with which
// the text ends, since an answer may be cut off.
func removeSecret(text, secret string) string {
	if secret == "" {
		return text
	}
	text = strings.ReplaceAll(text, secret, removed)
	for n := min(len(secret)-1, len(text)); n >= minCutSecret; n-- {
		if strings.HasSuffix(text, secret[:n]) {
			text = text[:len(text)-n] + removed
			break
		}
	}
	if isPlain(secret) {
		return text
	}
	if quoted, err := json.Marshal(secret); err == nil {
		text = strings.ReplaceAll(text, string(quoted[1:len(quoted)-1]), removed)
	}
	return strings.ReplaceAll(text, strings.ReplaceAll(secret, "/", `\/`), removed)
}

// minCutSecret is how much of a secret's start tells something of it.
const minCutSecret = 8

const removed = "[removed]"

// isPlain reports whether JSON spells text in one way only, unless it goes out of its way.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || strings.IndexByte(`"\/<>&`, c) >= 0 {
			return false
		}
	}
	return true
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

// pause waits before the next attempt and returns nil, or the error with which the call ends now: never
// less than what the attempt said.
func (c *Client) pause(call *call, v verdict) error {
	counted := call.attempt - call.free
	delay := v.after
	if delay == 0 {
		delay = call.retry.delay(counted, v.later)
	}
	if counted >= call.retry.MaxAttempts || delay > call.retry.MaxDelay {
		return v.err
	}
	if deadline, ok := call.ctx.Deadline(); ok && time.Until(deadline) <= delay {
		return amend(v.err, "; not retried: the deadline comes before the next attempt", context.DeadlineExceeded)
	}
	if !c.budget.take() {
		return amend(v.err, "; not retried: this client's retry budget is spent")
	}
	if !sleep(call.ctx, delay) {
		return endedBy(v.err, call.ctx.Err(), context.Cause(call.ctx))
	}
	return nil
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
	c.logger.LogAttrs(call.ctx, slog.LevelDebug, "attempt", append(call.logAttrs(ans, err), slog.Int("attempt", call.attempt))...)
}

func (c *Client) logCall(call *call, ans *answer, err error) {
	if c.logger == nil || !c.logger.Enabled(call.ctx, slog.LevelDebug) {
		return
	}
	c.logger.LogAttrs(call.ctx, slog.LevelDebug, "call", append(call.logAttrs(ans, err), slog.Int("attempts", call.attempt))...)
}

func (c *call) logAttrs(ans *answer, err error) []slog.Attr {
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs, slog.String("operation", c.op.name), slog.Duration("duration", time.Since(c.started)))
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

// target puts the arguments into the path of the operation.
func (c *call) target(client *Client, args []string) (err error) {
	if c.op.literal {
		c.url, err = literalTarget(client.endpoint, c.op)
		return err
	}
	path, rest := c.op.path, c.op.args
	for _, value := range args {
		var name string
		if before, after, ok := strings.Cut(path, "{"); ok {
			name, after, _ = strings.Cut(after, "}")
			path = before + value + after
		} else {
			name, rest = rest[0], rest[1:]
		}
		if err := checkArgument(name, value); err != nil {
			return err
		}
		switch name {
		case "job_id":
			c.job = value
		case "build_no":
			c.build = value
		}
	}
	c.url = client.urlOf(c.op, path)
	return nil
}

// urlOf is the address of a path. That of an operation whose path never differs is made once.
func (c *Client) urlOf(op *operation, path string) *url.URL {
	fixed := path == op.path
	if fixed {
		if u, ok := c.urls.Load(op); ok {
			return u.(*url.URL)
		}
	}
	u := *c.endpoint
	u.Path += path
	if u.RawPath != "" {
		u.RawPath += path
	}
	if fixed {
		c.urls.Store(op, &u)
	}
	return &u
}

// literalTarget takes the path of Do, which is the caller's word for word.
func literalTarget(endpoint *url.URL, op *operation) (*url.URL, error) {
	if !isMethod(op.method) {
		return nil, invalid("%q is no HTTP method", oneLine(op.method, 32))
	}
	given, err := url.Parse(op.path)
	if err != nil || !isHeaderValue(op.path) || strings.ContainsAny(op.path, " #") || !strings.HasPrefix(op.path, "/") || strings.HasPrefix(op.path, "//") {
		return nil, invalid("the path is not an escaped path with one leading slash")
	}
	u := *endpoint
	u.RawPath = endpoint.EscapedPath() + given.EscapedPath()
	u.Path += given.Path
	u.RawQuery = given.RawQuery
	return &u, nil
}

func isMethod(method string) bool {
	for _, r := range method {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return method != ""
}

// checkArgument refuses a value that a placeholder of this name cannot hold. What passes needs no escaping.
func checkArgument(name, value string) error {
	switch name {
	case "build_no":
		return checkBuildNo(value)
	case "job_id", "project_id":
		if len(value) != 32 || !isAlphanumeric(value, "") {
			return invalid("%s: %q is not an id of 32 letters and digits", name, oneLine(value, 64))
		}
	default:
		if len(value) != 36 || !isAlphanumeric(value, "-") {
			return invalid("%s: %q is not an id of 36 letters, digits and dashes", name, oneLine(value, 64))
		}
	}
	return nil
}

func checkBuildNo(value string) error {
	day, count, dotted := strings.Cut(value, ".")
	if dotted && len(day) == 8 && isDigits(day) && isDigits(count) {
		return invalid("build_no: %s is a daily number; Stop wants the build number, which counts the builds of a job from 1", oneLine(value, 64))
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 1 || !isDigits(value) || value[0] == '0' {
		return invalid("build_no: %q is not a build number, which is a whole number from 1 to 2147483647", oneLine(value, 64))
	}
	return nil
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

func isAlphanumeric(text, also string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return true
}
