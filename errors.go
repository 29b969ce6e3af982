package codeartsbuild

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The kinds of failure, for errors.Is. An error has the kind that its code stands for and, where the
// code is unknown or missing, the kind of its status.
var (
	// ErrBadRequest: the service does not accept the request as it is.
	ErrBadRequest = errors.New("bad request")
	// ErrUnauthorized: the credential is wrong or has expired, or WithEnvironment found none.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the credential has no permission for this call.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: the service knows no such job, build or record.
	ErrNotFound = errors.New("not found")
	// ErrTooManyRequests: the service wants fewer calls. APIError.RetryAfter is how long to wait, if it says so.
	ErrTooManyRequests = errors.New("too many requests")
	// ErrInternalServerError: the service, or a gateway before it, has a problem of its own.
	ErrInternalServerError = errors.New("internal server error")

	// ErrBuildFinished: the build had already ended, so there was nothing to stop.
	ErrBuildFinished = errors.New("build already finished")
	// ErrNotStopped: the service answered that it did not stop the build.
	ErrNotStopped = errors.New("the service did not stop the build")
	// ErrAPIRetired: the gateway does not publish this API (any more). Such an error is never ErrNotFound.
	ErrAPIRetired = errors.New("this API is not published; for stops, WithStopAPI chooses another")
	// ErrNotProjectScoped: the token is an account's, or nobody's, and the service wants that of a project.
	ErrNotProjectScoped = errors.New("the token is not scoped to a project")
	// ErrUnexpectedResponse: what came back is no answer of this API: a redirect, HTML, a body that was
	// cut off, too large or of the wrong form.
	ErrUnexpectedResponse = errors.New("unexpected response")
	// ErrOutcomeUnknown: the request may have taken effect. It holds beside any other kind, and never for
	// a call that only reads.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrInvalidArgument: refused before anything was sent.
	ErrInvalidArgument = errors.New("invalid argument")
	// ErrStillRunning: waiting ended before the build did.
	ErrStillRunning = errors.New("build still running")
)

// maxErrorBody bounds APIError.Body, and maxErrorText the text of each error.
const (
	maxErrorBody = 4 << 10
	maxErrorText = 1000
)

// An APIError is an answer that reports a failure. Every call returns it as a pointer if, and only if, its
// last attempt got an answer or the start of one; where the login failed it describes that answer.
// It is never changed after it was returned, so it may be read concurrently.
type APIError struct {
	StatusCode int           // may be 200: the service also sends errors inside successes
	ErrorCode  string        // the service's code, such as "DEV.CB.032302"; "" when the answer has none
	ErrorMsg   string        // the service's message in one line, without the request's secrets
	RequestID  string        // what the service calls this request; "" when the answer does not say
	Operation  string        // such as "StopJob", and "CreateToken" when the login failed
	Attempts   int           // requests sent for the call, the first one included
	RetryAfter time.Duration // how long the service asked to wait; 0 when it did not
	Body       []byte        // the first 4 KiB of the answer, without the request's secrets

	kinds []error
	added *addition // nil: nothing
}

// An addition is what an error says beside its answer.
type addition struct {
	note  string // the end of the text
	cause error  // why the caller ended its context
}

// Is reports whether target is a kind of e. An error that was made by hand, as tests do, has the kinds of its
// StatusCode and ErrorCode.
func (e *APIError) Is(target error) bool {
	if e.kinds == nil { // made by a user, for a test
		return slices.Contains(kindsOf(e.StatusCode, e.ErrorCode).kinds, target)
	}
	return slices.Contains(e.kinds, target)
}

// Unwrap returns the cause with which the caller ended the context of the call, if it gave one.
func (e *APIError) Unwrap() error {
	if e.added == nil {
		return nil
	}
	return e.added.cause
}

// Error returns one line of less than 1 KiB that names operation, kind, message, status, code and request.
func (e *APIError) Error() string {
	var b strings.Builder
	b.WriteString("codeartsbuild")
	if e.Operation != "" {
		b.WriteString(": ")
		writeWord(&b, e.Operation, 128)
	}
	for _, kind := range e.kinds {
		if kind != ErrOutcomeUnknown && !isContextError(kind) && !isStatusKind(kind) {
			b.WriteString(": " + kind.Error())
		}
	}
	if e.ErrorMsg != "" {
		b.WriteString(": ")
		writeWord(&b, e.ErrorMsg, 400)
	} else if len(e.kinds) == 0 || isStatusKind(e.kinds[0]) {
		b.WriteString(": " + cmp.Or(http.StatusText(e.StatusCode), "error"))
	}
	b.WriteString(" (" + strconv.Itoa(e.StatusCode))
	if e.ErrorCode != "" {
		b.WriteByte(' ')
		writeWord(&b, e.ErrorCode, 64)
	}
	if e.RequestID != "" {
		b.WriteString(", request ")
		writeWord(&b, e.RequestID, 96)
	}
	b.WriteByte(')')
	if slices.Contains(e.kinds, ErrOutcomeUnknown) {
		b.WriteString("; " + ErrOutcomeUnknown.Error() + ": the request may have taken effect")
	}
	if e.added != nil {
		writeWord(&b, e.added.note, maxErrorText-b.Len())
	}
	return b.String()
}

// GoString is what %#v prints: the error without its body.
func (e *APIError) GoString() string {
	return fmt.Sprintf("&codeartsbuild.APIError{StatusCode:%d, ErrorCode:%q, ErrorMsg:%q, RequestID:%q, Operation:%q, Attempts:%d, RetryAfter:%d}",
		e.StatusCode, e.ErrorCode, e.ErrorMsg, e.RequestID, e.Operation, e.Attempts, e.RetryAfter)
}

// LogValue logs the error as a group of its fields, without its body.
func (e *APIError) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("operation", e.Operation), slog.Int("status", e.StatusCode)}
	for _, field := range []struct{ key, value string }{{"code", e.ErrorCode}, {"message", e.ErrorMsg}, {"request_id", e.RequestID}} {
		if field.value != "" {
			attrs = append(attrs, slog.String(field.key, field.value))
		}
	}
	attrs = append(attrs, slog.Int("attempts", e.Attempts))
	if slices.Contains(e.kinds, ErrOutcomeUnknown) {
		attrs = append(attrs, slog.Bool("outcome_unknown", true))
	}
	return slog.GroupValue(attrs...)
}

// A callError is a failure without an answer: a refused argument, a lost connection, an ended context.
type callError struct {
	operation string
	text      string
	kinds     []error
	cause     error // of a user's code (a token source, the cause of a context), found by Is and As; never net's
	note      string
}

func (e *callError) Error() string {
	var b strings.Builder
	b.WriteString("codeartsbuild: ")
	if e.operation != "" {
		writeWord(&b, e.operation, 128)
		b.WriteString(": ")
	}
	writeWord(&b, e.text, 600)
	if slices.Contains(e.kinds, ErrOutcomeUnknown) {
		b.WriteString("; " + ErrOutcomeUnknown.Error() + ": the request may have taken effect")
	}
	writeWord(&b, e.note, maxErrorText-b.Len())
	return b.String()
}

// Is finds the kinds and, in the cause, everything but what is of one call: a deadline of somebody else's
// must not pass for the caller's.
func (e *callError) Is(target error) bool {
	return slices.Contains(e.kinds, target) || (e.cause != nil && !isOfOneCall(target) && errors.Is(e.cause, target))
}

func (e *callError) As(target any) bool { return e.cause != nil && errors.As(e.cause, target) }

// invalid is the error for an argument that is refused.
func invalid(format string, args ...any) error {
	return &callError{text: fmt.Sprintf(format, args...), kinds: []error{ErrInvalidArgument}}
}

// amend adds kinds and a note to an error that the path made. The error that it is given may be shared
// with other callers (a login that many waited for), so that it is copied.
func amend(err error, note string, kinds ...error) error {
	switch e := err.(type) {
	case *APIError:
		amended := *e
		amended.kinds = append(slices.Clip(e.kinds), kinds...)
		amended.added = &addition{note: note, cause: e.Unwrap()}
		if e.added != nil {
			amended.added.note = e.added.note + note
		}
		return &amended
	case *callError:
		amended := *e
		amended.kinds = append(slices.Clip(e.kinds), kinds...)
		amended.note += note
		return &amended
	}
	return err
}

// endedBy adds to an error of the path that the caller's context ended the call, and why.
func endedBy(err error, ended, cause error) error {
	err = amend(err, "; "+ended.Error(), ended)
	if cause == ended {
		return err
	}
	switch e := err.(type) {
	case *APIError:
		e.added.cause = cause
	case *callError:
		e.cause = cause
	}
	return err
}

func isContextError(err error) bool {
	return err == context.Canceled || err == context.DeadlineExceeded
}

// isOfOneCall reports whether a kind says something of the very call that failed, and nothing of one that
// failed because of that.
func isOfOneCall(kind error) bool { return isContextError(kind) || kind == ErrOutcomeUnknown }

func isStatusKind(kind error) bool {
	switch kind {
	case ErrBadRequest, ErrUnauthorized, ErrForbidden, ErrNotFound, ErrTooManyRequests, ErrInternalServerError:
		return true
	}
	return false
}

// A replay says for which operations an answer may be followed by another attempt.
type replay int

const (
	replayNever      replay = iota
	replayIdempotent        // it may have been processed
	replayAny               // it cannot have been processed
	replayLater             // as replayAny, after a longer pause
)

// A meaning is what a status or a code of the service stands for.
type meaning struct {
	kinds  []error
	replay replay
	doubt  bool // it may have come after the work was done
}

// codes holds the codes that say more than the status beside them, by their tail: the prefix of one and
// the same code varies with the version of the API.
var codes = map[string]meaning{
	"00060100": {kinds: []error{ErrInternalServerError}, replay: replayIdempotent}, // busy
	"00030004": {kinds: []error{ErrInternalServerError}, replay: replayIdempotent}, // so is what builds, or it has not begun
	"00060101": {kinds: []error{ErrInternalServerError}},
	"00060200": {kinds: []error{ErrBadRequest}},
	"00060201": {kinds: []error{ErrBadRequest}},
	"00060202": {kinds: []error{ErrBadRequest}},
	"00060203": {kinds: []error{ErrBadRequest}},
	"00060211": {kinds: []error{ErrTooManyRequests}, replay: replayLater},
	"00060212": {kinds: []error{ErrBadRequest}},
	"00060213": {kinds: []error{ErrBadRequest}},
	"00060214": {kinds: []error{ErrNotFound}},
	"00031006": {kinds: []error{ErrNotFound}},
	"00031059": {kinds: []error{ErrNotFound}}, // no history, though 403
	"00031105": {kinds: []error{ErrBadRequest}},
	"032000":   {kinds: []error{ErrBadRequest}},
	"032011":   {kinds: []error{ErrBadRequest}},
	"032302":   {kinds: []error{ErrBuildFinished}},
}

// gatewayCodes are the codes behind the prefixes APIG and APIGW.
var gatewayCodes = map[string]meaning{
	"0101": {kinds: []error{ErrAPIRetired}},
	"0301": {kinds: []error{ErrUnauthorized}},
	"0302": {kinds: []error{ErrForbidden}},
	"0303": {kinds: []error{ErrUnauthorized}},
	"0304": {kinds: []error{ErrForbidden}},
	"0305": {kinds: []error{ErrUnauthorized}},
	"0306": {kinds: []error{ErrForbidden}},
	"0307": {kinds: []error{ErrUnauthorized}},
	"0308": {kinds: []error{ErrTooManyRequests}, replay: replayLater},
	"0310": {kinds: []error{ErrForbidden}},
	"0311": {kinds: []error{ErrUnauthorized}},
	"0401": {kinds: []error{ErrForbidden}},
	"0402": {kinds: []error{ErrForbidden}},
	"0404": {kinds: []error{ErrForbidden}},
	"0801": {kinds: []error{ErrForbidden}},
	"0802": {kinds: []error{ErrForbidden}},
}

var statuses = map[int]meaning{
	http.StatusBadRequest:          {kinds: []error{ErrBadRequest}},
	http.StatusUnauthorized:        {kinds: []error{ErrUnauthorized}},
	http.StatusForbidden:           {kinds: []error{ErrForbidden}},
	http.StatusNotFound:            {kinds: []error{ErrNotFound}},
	http.StatusTooManyRequests:     {kinds: []error{ErrTooManyRequests}, replay: replayLater},
	http.StatusInternalServerError: {kinds: []error{ErrInternalServerError}},
	http.StatusBadGateway:          {kinds: []error{ErrInternalServerError}, replay: replayIdempotent, doubt: true},
	http.StatusServiceUnavailable:  {kinds: []error{ErrInternalServerError}, replay: replayAny},
	http.StatusGatewayTimeout:      {kinds: []error{ErrInternalServerError}, replay: replayIdempotent, doubt: true},
}

var (
	noKind         = []error{}
	unexpectedKind = []error{ErrUnexpectedResponse}
)

// unexplained is a failure of the server's that it gives no code for, and interim an answer that is not the
// last one.
var (
	unexplained = meaning{kinds: []error{ErrInternalServerError}, replay: replayIdempotent, doubt: true}
	interim     = meaning{kinds: unexpectedKind, replay: replayIdempotent, doubt: true}
)

// kindsOf tells what a status and a code mean together: the code where the table knows it, since the
// service hides "not found" in a 422 and "not published" in a 404; the status otherwise.
func kindsOf(status int, code string) meaning {
	prefix, tail := "", code
	if i := strings.LastIndexByte(code, '.'); i >= 0 {
		prefix, tail = code[:i], code[i+1:]
	}
	byStatus, ok := statuses[status]
	if !ok || (status == http.StatusInternalServerError && !explains(status, code)) {
		byStatus = meaningOfRest(status, code)
	}
	table, gateway := codes, prefix == "APIG" || prefix == "APIGW"
	if gateway {
		table = gatewayCodes
	}
	known, ok := table[tail]
	switch {
	case !ok || code == "":
		return byStatus
	case byStatus.doubt && !gateway: // the service itself has spoken
		return known
	}
	return meaning{known.kinds, max(known.replay, byStatus.replay), byStatus.doubt}
}

// explains reports whether a code says more than the status.
func explains(status int, code string) bool { return code != "" && code != strconv.Itoa(status) }

func meaningOfRest(status int, code string) meaning {
	switch {
	case status > 0 && status < 200:
		return interim
	case isRedirect(status):
		return meaning{kinds: unexpectedKind}
	case status >= 500 && !explains(status, code):
		return unexplained
	case status >= 500:
		return meaning{kinds: unexplained.kinds}
	}
	return meaning{kinds: noKind}
}

// A problem is what an answer says of a failure.
type problem struct{ code, message string }

// readProblem finds code and message in the body of an error, which is valid JSON of whatever form. For one
// level the order is fixed: error_code, err_code, code; then error_msg, message, reason, err_msg, error, title. What is
// missing is looked for one level deeper, in error, errors and details, in this order.
func readProblem(body []byte, depth int) problem {
	var p problem
	var code, message [6][]byte
	var nested [3][]byte
	for m := membersOf(body); m.next(); {
		switch string(m.name) {
		case "error_code":
			code[0] = m.value
		case "err_code":
			code[1] = m.value
		case "code":
			code[2] = m.value
		case "error_msg":
			message[0] = m.value
		case "message":
			message[1] = m.value
		case "reason":
			message[2] = m.value
		case "err_msg":
			message[3] = m.value
		case "error":
			if inner := unwrapText(m.value); len(inner) > 0 && inner[0] == '{' && json.Valid(inner) {
				nested[0] = inner
			} else {
				message[4] = m.value
			}
		case "title":
			message[5] = m.value
		case "errors":
			nested[1] = m.value
		case "details":
			nested[2] = m.value
		}
	}
	p.code, p.message = firstCode(code[:]), firstText(message[:])
	for _, value := range nested {
		if depth == 0 || (p.code != "" && p.message != "") {
			break
		}
		inner := readProblem(firstElement(value), depth-1)
		p.code, p.message = cmp.Or(p.code, inner.code), cmp.Or(p.message, inner.message)
	}
	return p
}

// firstCode is the first text that can be a code: 0 and a bool stand where there is none.
func firstCode(values [][]byte) string {
	for _, value := range values {
		if text := scalarText(value); text != "" && text != "0" && !isWord(value, "true") && !isWord(value, "false") {
			return text
		}
	}
	return ""
}

func firstText(values [][]byte) string {
	for _, value := range values {
		if text := scalarText(value); text != "" {
			return text
		}
	}
	return ""
}

// denied reports whether the body of a success says that it is none. The envelope's status wins over a text
// in error, and a code of 0 over a message, since successes carry those.
func denied(body []byte) bool {
	var success, failure, reason, zero, message, status, detail bool
	for m := membersOf(body); m.next(); {
		switch string(m.name) {
		case "status":
			success = success || isWord(m.value, "success")
			failure = failure || isWord(m.value, "error") || isWord(m.value, "fail") || isWord(m.value, "failed")
		case "success":
			failure = failure || isWord(m.value, "false")
		case "error", "errors":
			reason = reason || (!isBlank(m.value) && m.value[0] == '"')
			failure = failure || (!isBlank(m.value) && m.value[0] != '"')
		case "error_code", "err_code":
			zero = zero || isWord(m.value, "0")
			failure = failure || (!isBlank(m.value) && !isWord(m.value, "0"))
		case "error_msg", "err_msg":
			message = message || !isBlank(m.value)
		case "message":
			detail = !isBlank(m.value)
		case "code":
			failure = failure || isServiceCode(m.value)
			status = isErrorStatus(m.value)
		}
	}
	return failure || (reason && !success) || (message && !zero) || (status && detail)
}

// isErrorStatus tells the status of an error, which gateways repeat in their answers, from other numbers.
func isErrorStatus(value []byte) bool {
	status, err := strconv.Atoi(scalarText(value))
	return err == nil && status >= 400 && status < 600
}

// isServiceCode tells the service's codes ("CB.00060200") from fields of answers that are named code.
func isServiceCode(value []byte) bool {
	if len(value) > 64 {
		return false
	}
	prefix, tail, ok := strings.Cut(scalarText(value), ".")
	if !ok || prefix == "" || len(tail) < 4 {
		return false
	}
	return strings.ToUpper(prefix) == prefix && strings.IndexFunc(tail[len(tail)-4:], func(r rune) bool { return !unicode.IsDigit(r) }) < 0
}

// maxWrapped bounds what unwrapText copies.
const maxWrapped = 1 << 20

// unwrapText undoes the JSON strings that some answers are packed into, and a byte order mark.
func unwrapText(body []byte) []byte {
	if len(body) > 0 && body[0] == '{' { // as nearly always
		return body
	}
	body = trimBlank(body)
	for range 3 {
		if len(body) == 0 || body[0] != '"' || len(body) > maxWrapped || !json.Valid(body) {
			break
		}
		body = trimBlank([]byte(scalarText(body)))
	}
	return body
}

// trimBlank takes off what says nothing: white space and a byte order mark.
func trimBlank(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
}

// snippet is the readable start of a body that is not JSON: the title of a page, or its text.
func snippet(body string) string {
	text := body[:min(len(body), 2<<10)]
	if !strings.HasPrefix(text, "<") {
		return oneLine(text, 160)
	}
	if title := pageTitle(text); title != "" {
		return title
	}
	var b strings.Builder
	for rest := text; rest != ""; {
		before, after, _ := strings.Cut(rest, "<")
		b.WriteString(before + " ")
		_, rest, _ = strings.Cut(after, ">")
	}
	return oneLine(b.String(), 160)
}

// pageTitle is the title of an HTML page; "" if it has none.
func pageTitle(text string) string {
	lower := strings.ToLower(text)
	i := strings.Index(lower, "<title>")
	if i < 0 || len(lower) != len(text) {
		return ""
	}
	title, _, ok := strings.Cut(text[i+len("<title>"):], "</")
	if !ok {
		return ""
	}
	return oneLine(title, 160)
}

// oneLine folds all white space and control characters of a text into single spaces and cuts it.
func oneLine(text string, limit int) string {
	if len(text) < limit && isHeaderValue(text) && !strings.Contains(text, "  ") {
		return strings.TrimSpace(text)
	}
	var b strings.Builder
	writeWord(&b, text, limit)
	return b.String()
}

func writeWord(b *strings.Builder, text string, limit int) {
	end, space := b.Len()+limit, false
	started := false
	for _, r := range text {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			space = true
			continue
		}
		if b.Len()+utf8.RuneLen(r)+2 > end {
			b.WriteString("…")
			return
		}
		if space && started {
			b.WriteByte(' ')
		}
		space, started = false, true
		b.WriteRune(r)
	}
}

// errorText is the text of an error of somebody else's.
func errorText(err error) string { return oneLine(withoutAddress(err).Error(), 400) }

// withoutAddress takes an error out of a *url.Error, which would print the address with its query. So would
// what is wrapped around one, and is left out as well.
func withoutAddress(err error) error {
	for urlErr := (*url.Error)(nil); errors.As(err, &urlErr); {
		err = urlErr.Err
	}
	return err
}
