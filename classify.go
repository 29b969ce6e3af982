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
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild/internal/redact"
)

// A verdict is what an attempt means for its call.
type verdict struct {
	err          error         // nil: the call succeeded
	retry        bool          // another attempt may be made
	slow         bool          // after a longer pause, since the service is busy with others
	wait         time.Duration // after the pause that the service asks for; 0: it asks for none
	unauthorized bool          // the credential was not accepted
	unknown      bool          // the attempt may have taken effect
	dead         bool          // the connection brought nothing: the next attempt needs another one
	untaken      bool          // the peer ended the connection and did not take the request: it can be sent again at once
}

// classify judges an attempt. It depends on nothing but its arguments, and changes nothing but the call's out,
// which a success fills.
func classify(c *call, a *attempt) verdict {
	switch {
	case a.status == 0:
		return classifyFailure(c, a)
	case a.stream != nil:
		*c.out.(*io.ReadCloser) = a.stream
		return verdict{}
	case !isSuccess(a.status):
		return classifyError(c, a, a.body)
	case a.status == http.StatusPartialContent && c.op.stream:
		return unreadable(c, a, "the response is a part of the file")
	case a.cut != nil:
		return unreadable(c, a, "success before the whole upload was sent: "+c.text(a, a.cut))
	case a.oversized:
		return verdict{err: c.apiError(a, problem{message: "the response is larger than 10 MiB"}, limitKind), unknown: c.effect != readOnly}
	case a.err != nil:
		return unreadable(c, a, "the response was cut off: "+c.text(a, a.err))
	case c.op.method == http.MethodHead:
		return verdict{}
	case !a.framed && len(trimBlank(a.body)) == 0:
		return unreadable(c, a, "empty response without Content-Length: it may have been cut off")
	}
	return classifySuccess(c, a)
}

// classifySuccess reads the body of a success, which may still report a failure.
func classifySuccess(c *call, a *attempt) verdict {
	if stop, ok := c.out.(*StopResult); ok && string(a.body) == `{"result":true}` { // nearly always: nothing is left to read
		*stop = StopResult{Result: true}
		return verdict{}
	}
	body := unwrapText(a.body)
	isJSON := !c.endedMeanwhile(a) && json.Valid(body) // which takes long enough to look again
	if c.endedMeanwhile(a) {
		return unreadable(c, a, "the response was still being read")
	}
	if isJSON {
		if r := readReport(body); r.failed() {
			return classifyError(c, a, body)
		}
	}
	own, whole := c.out.(*wholeResponse)
	if whole {
		if own.keep(a.body) {
			return verdict{}
		}
		body = trimBlank(a.body) // it may be a string for good reason
		isJSON = json.Valid(body)
	}
	if len(body) > 0 && !isJSON {
		return unreadable(c, a, "the response is not JSON: "+c.snippet(a, body))
	}
	if c.op.stream {
		return unreadable(c, a, "the response is not a file: "+cmp.Or(c.snippet(a, body), "it is empty"))
	}
	cleaned := c.cleanBody(a, body)
	if !bytes.Equal(cleaned, body) && !json.Valid(cleaned) {
		return unreadable(c, a, "the response quotes a secret of the request")
	}
	err := decode(cleaned, c.op.flat, c.out, about{c.job, c.build, c.project, a.header})
	if err == nil && c.effect != readOnly && !whole { // a wrong success costs more than an unknown outcome
		err = checkSpelling(cleaned)
	}
	switch {
	case c.endedMeanwhile(a):
		return unreadable(c, a, "the response was still being read")
	case err == nil:
		return verdict{}
	}
	return classifyMisread(c, a, err)
}

// slowBody is about the size from which on a body takes so long to read that the context may end meanwhile.
const slowBody = 256 << 10

// endedMeanwhile reports whether the context ended while a large response was read.
func (c *call) endedMeanwhile(a *attempt) bool {
	if len(a.body) < slowBody || c.ctx.Err() == nil {
		return false
	}
	a.ended, a.cause = c.ctx.Err(), context.Cause(c.ctx)
	return true
}

// classifyMisread judges a success whose payload cannot be read.
func classifyMisread(c *call, a *attempt, err error) verdict {
	switch wrong := (*misfit)(nil); {
	case err == ErrNotStopped || err == ErrNotProjectScoped:
		return verdict{err: c.apiError(a, problem{}, []error{err})}
	case err == errDenied:
		return verdict{err: c.apiError(a, problem{}, nil)}
	case errors.As(err, &wrong): // the next response would not fit either
		return verdict{err: c.apiError(a, problem{message: "the response does not fit: " + c.text(a, err)}, unexpectedKind)}
	}
	return unreadable(c, a, c.text(a, err))
}

// unreadable judges a success that cannot be read: most likely the service acted, but a proxy may have
// responded in its place.
func unreadable(c *call, a *attempt, why string) verdict {
	return verdict{
		err:     c.apiError(a, problem{message: why}, unexpectedKind),
		retry:   c.effect != once && a.ended == nil,
		unknown: c.effect != readOnly,
	}
}

// classifyError judges a response that is an error: by its status, or inside a success.
func classifyError(c *call, a *attempt, body []byte) verdict {
	p := c.problem(a, unwrapText(body))
	m := meaningOf(a.status, p.code)
	if c.op.problem != nil && a.status >= 500 { // Keystone gives each of its errors a code
		m.retry = max(m.retry, retryRepeatable)
	}
	if c.op.denial != nil && isSuccess(a.status) && len(m.kinds) == 0 {
		m.kinds = []error{c.op.denial}
	}
	v := verdict{
		err:          c.apiError(a, p, m.kinds),
		retry:        a.ended == nil && (m.retry >= retryAlways || (c.effect != once && m.retry == retryRepeatable)),
		slow:         m.retry == retrySlowly,
		unauthorized: a.ended == nil && !a.fromStore && slices.Contains(m.kinds, ErrUnauthorized),
	}
	if v.retry {
		v.wait = retryAfter(a.header)
	}
	notProcessed := m.retry == retrySlowly || v.unauthorized // as some codes say beside any status
	v.unknown = c.effect != readOnly && !notProcessed && m.unknown
	return v
}

// problem finds the code and the message of an error.
func (c *call) problem(a *attempt, text []byte) problem {
	isJSON := json.Valid(text)
	switch {
	case isRedirect(a.status) && !a.fromStore:
		return problem{message: "redirect to " + cmp.Or(c.redirectHost(a), "the same host") + " not followed"}
	case a.fromStore: // its text may quote the address, which is a credential
		return problem{message: "the store of the file responded " + http.StatusText(a.status)}
	case !isJSON && !c.op.quoted(a.status):
		return problem{message: c.snippet(a, text)}
	case c.op.problem != nil:
		return c.op.problem(a.status, []byte(c.redact(a, string(text)))) // it cuts the title of a page
	}
	r := readReport(text)
	return r.problem(problemDepth)
}

// redirectHost is the host of Location, or "". A secret in Location may hold the character at which the host ends.
func (c *call) redirectHost(a *attempt) string {
	text := a.header.Get("Location")
	location, err := url.Parse(text)
	if err != nil {
		return ""
	}
	if !strings.Contains(c.redact(a, text), location.Host) {
		return "[removed]"
	}
	return location.Host
}

// snippet is the readable start of a text, which must lose its secrets before it is cut.
func (c *call) snippet(a *attempt, text []byte) string {
	switch {
	case a.fromStore: // it may quote the address, which is a credential
		return "(from another store)"
	case c.op.quoted(a.status):
		return "(not shown)"
	}
	return snippet(c.redact(a, string(text[:min(len(text), maxErrorBody)])))
}

// classifyFailure judges an attempt without a response.
func classifyFailure(c *call, a *attempt) verdict {
	notSent, permanent := provesNotSent(a.err)
	notSent = notSent || a.notSent
	refused := isRefusedStream(a.err)
	unknown := !notSent && !a.noCred && a.cut == nil && c.effect != readOnly
	e := &callError{operation: c.op.name, text: c.text(a, a.err)}
	if notSent && !a.noCred {
		e.kinds = notSentKind
	}
	switch {
	case a.ended != nil:
		e.text, e.cause = endText(a.ended, a.cause, e.text), a.cause
		e.kinds = append(slices.Clip(e.kinds), a.ended)
		return verdict{err: e, unknown: unknown}
	case a.noCred:
		return verdict{err: c.credentialError(a.err)}
	case a.cut != nil && a.cut != errCut:
		e.text, e.cause = c.text(a, a.cut), a.cut
		return verdict{err: e}
	case a.timedOut:
		e.text = "no response within " + c.timeout.String()
	case notSent:
		e.text = "no connection: " + e.text
	default:
		e.text = "no response: " + e.text
	}
	return verdict{
		err: e, retry: !permanent && (notSent || refused || a.cut != nil || c.effect != once), unknown: unknown,
		dead: a.timedOut, untaken: refused || isUnprocessed(a.err),
	}
}

// credentialError is the failure to get a credential. A failed login stays what it is, with its own operation: an
// *APIError if it got a response.
func (c *call) credentialError(err error) error {
	var apiErr *APIError
	if errors.As(err, &apiErr) {
		return ofAnotherCall(apiErr)
	}
	if own, ok := ofAnotherCall(err).(*callError); ok {
		own.operation = cmp.Or(own.operation, c.op.name)
		return own
	}
	return &callError{operation: c.op.name, text: "no credential: " + errorText(err), details: details{cause: err}}
}

// endText says that the caller's context ended, with the failure, if there was one, and the cause.
func endText(ended, cause error, failure string) string {
	text, why := ended.Error(), ""
	if cause != nil && cause != ended {
		why = errorText(cause)
	}
	for _, part := range []string{failure, why} {
		if part != "" && !strings.HasSuffix(text, part) {
			text += ": " + part
		}
	}
	return text
}

// text is the text of an error. A transport may quote a response that it could not read, which may in turn
// quote the request.
func (c *call) text(a *attempt, err error) string {
	if a.fromStore { // the address is a credential
		return "(from another store)"
	}
	return oneLine(c.redact(a, withoutAddress(err).Error()), 400)
}

// redact removes the secrets of the request from a text of the response.
func (c *call) redact(a *attempt, text string) string {
	if a.cred != nil {
		text = redact.Remove(text, a.cred.secrets()...)
	}
	text = redact.Remove(text, c.secrets...)
	if c.code != "" {
		text = redact.RemoveWord(text, c.code)
	}
	return text
}

// clean makes a text of the response fit for errors, logs and terminals: one line, cut, without the secrets of the
// request. It removes them before it cuts the rest, or the start of one could stay.
func (c *call) clean(a *attempt, text string, limit int) string {
	if text == "" {
		return ""
	}
	return oneLine(c.redact(a, text[:min(len(text), maxErrorBody)]), limit)
}

// maxCleaned is about the size up to which secrets are searched for in every spelling. A page has 50 KB, and a piece of
// a log some 100 KB.
const maxCleaned = 1 << 20

// cleanBody removes the secrets of the request from a success, so that no field of a typed response holds one. The caller
// of Do gets the response as it is.
func (c *call) cleanBody(a *attempt, body []byte) []byte {
	secrets := c.secrets // a call has secrets of its own, or a credential
	if a.cred != nil {
		secrets = a.cred.secrets()
	}
	if _, whole := c.out.(*wholeResponse); whole {
		return body
	}
	if len(body) > maxCleaned {
		for _, secret := range secrets {
			if len(secret) >= redact.MinLength && bytes.Contains(body, []byte(secret)) {
				body = bytes.ReplaceAll(body, []byte(secret), []byte("[removed]"))
			}
		}
		return body
	}
	if !redact.MayHold(string(body), secrets...) { // a copy that a short body gets on the stack
		return body
	}
	return []byte(redact.Remove(string(body), secrets...))
}

// provesNotSent reports whether an error proves that the service did not get the request, and whether another
// attempt would fail as well. An unknown error proves nothing.
func provesNotSent(err error) (notSent, permanent bool) {
	if e := (*connectError)(nil); errors.As(err, &e) {
		return true, e.permanent
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
	return errors.Is(err, ErrNotSent) || isUnprocessed(err), false
}

// isUnprocessed recognizes the errors with which net/http gives up a request that the peer did not process: a stream
// above that of a GOAWAY, and an idle connection that the peer closed. They have no types.
func isUnprocessed(err error) bool {
	return strings.Contains(notResent(err), "graceful shutdown GOAWAY]") ||
		strings.HasSuffix(err.Error(), "cannot rewind body after connection loss")
}

// isRefusedStream recognizes REFUSED_STREAM. By the standard the request was not processed, so that it can be sent
// again. But haproxy also refuses a stream whose request it has passed on, when the server behind it goes away: the
// outcome stays open.
func isRefusedStream(err error) bool { return strings.Contains(notResent(err), "REFUSED_STREAM") }

// notResent is why net/http did not send a request of HTTP/2 again; "" if the error is another one.
func notResent(err error) string {
	_, why, _ := strings.Cut(err.Error(), "http2: Transport: cannot retry err [")
	return why
}

// isCertificateError reports whether the TLS connection was never made. An invalid TLS record proves that only
// as the first one, for which crypto/tls reports its connection: a later one may replace the response.
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

// apiError describes a response, without the request's secrets in any of it.
func (c *call) apiError(a *attempt, p problem, kinds []error) error {
	e := &APIError{
		StatusCode: a.status,
		ErrorCode:  c.clean(a, p.code, 128),
		ErrorMsg:   c.clean(a, p.message, 512),
		RequestID:  a.requestID,
		Operation:  c.op.name,
		Attempts:   c.earlier + c.attempts,
		RetryAfter: retryAfter(a.header),
		details:    details{kinds: kinds},
	}
	if !a.fromStore && !c.op.quoted(a.status) {
		body := c.redact(a, string(a.body[:min(len(a.body), maxErrorResponse)])) // before it is cut, or the start of a secret could stay
		e.Body = []byte(body[:min(len(body), maxErrorBody)])
	}
	if c.op == &opStopJob && slices.Contains(kinds, ErrAPIRetired) {
		e.note = "; to stop builds another way, see WithStopAPI"
	}
	if a.ended != nil {
		return endedBy(e, a.ended, a.cause)
	}
	return e
}

// requestID is the first of the names under which the service, its IAM and Keystone report it.
func requestID(header http.Header) string {
	for _, name := range [...]string{"X-Request-Id", "X-Iam-Trace-Id", "X-Openstack-Request-Id"} {
		if values := header[name]; len(values) > 0 {
			return values[0]
		}
	}
	return ""
}
