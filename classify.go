package codeartsbuild

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

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
		return unreadable(c, ans, "the answer was cut off: "+c.text(ans, ans.err))
	case c.op.method == http.MethodHead:
		return verdict{}
	case !ans.framed && len(trimBlank(ans.body)) == 0:
		return unreadable(c, ans, "the answer is empty and its end was not marked")
	}
	body := unwrapText(ans.body)
	isJSON := json.Valid(body)
	if raw, ok := c.out.(*[]byte); ok && !(isJSON && denied(body)) {
		*raw = bytes.Clone(ans.body)
		return verdict{}
	}
	if isJSON && denied(body) {
		return classifyError(c, ans, body)
	}
	if c.op.literal { // its answer may be a string for good reason
		body = trimBlank(ans.body)
		isJSON = json.Valid(body)
	}
	if len(body) > 0 && !isJSON {
		return unreadable(c, ans, "the answer is not JSON: "+c.snippet(ans, body))
	}
	if c.op.stream {
		return unreadable(c, ans, "the answer is no file: "+c.snippet(ans, body))
	}
	err := decode(body, c.op.envelope, c.out, answerInfo{c.job, c.build, ans.header})
	switch {
	case err == nil:
		return verdict{}
	case err == ErrNotStopped || err == ErrNotProjectScoped:
		return verdict{err: c.apiError(ans, problem{}, []error{err})}
	}
	return unreadable(c, ans, c.text(ans, err))
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
	v := verdict{
		err:     c.apiError(ans, p, m.kinds),
		replay:  ans.ended == nil && (m.replay >= replayAny || (c.op.mayRepeat() && m.replay == replayIdempotent)),
		later:   m.replay == replayLater,
		refused: ans.ended == nil && !ans.foreign && slices.Contains(m.kinds, ErrUnauthorized),
	}
	if v.replay {
		v.after = retryAfter(ans.header)
	}
	notProcessed := m.replay >= replayAny || v.refused // as 503 says, and some codes beside any status
	v.doubt = !c.op.reads() && !notProcessed && m.doubt
	return v
}

// problem finds what an error says.
func (c *call) problem(ans *answer, text []byte) problem {
	isJSON := len(text) > 0 && json.Valid(text)
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

// snippet is the readable start of a text, which must lose the secrets before it is cut. What another
// store says may quote the address, which is one.
func (c *call) snippet(ans *answer, text []byte) string {
	if ans.foreign {
		return "(from another store)"
	}
	return snippet(c.redact(ans, string(text)))
}

// classifyFailure judges an attempt that brought no answer.
func classifyFailure(c *call, ans *answer) verdict {
	proven, hopeless := provesUnsent(ans.err)
	proven = proven || ans.unsent
	doubt := !proven && !c.op.reads()
	e := &callError{operation: c.op.name, text: c.text(ans, ans.err)}
	switch {
	case ans.ended != nil:
		e.text, e.kinds, e.cause = endText(ans.ended, ans.cause, e.text), []error{ans.ended}, ans.cause
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
		login := *apiErr
		login.kinds = slices.DeleteFunc(slices.Clone(apiErr.kinds), isOfOneCall)
		if apiErr.added != nil {
			login.added = &addition{note: apiErr.added.note}
		}
		return &login
	}
	e := &callError{operation: c.op.name, text: "no credential: " + errorText(err), cause: err}
	if own, ok := err.(*callError); ok {
		e.text, e.kinds = own.text+own.note, slices.DeleteFunc(slices.Clone(own.kinds), isOfOneCall)
	}
	return e
}

// endText says that the caller's context ended, with what failure, if any, and why.
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

// text is the text of an error. A transport may quote what it could not read, which may repeat the request.
func (c *call) text(ans *answer, err error) string {
	return oneLine(c.redact(ans, withoutAddress(err).Error()), 400)
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
