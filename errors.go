package codeartsbuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of failure, for errors.Is. An error has the kind of its code or, if the code is unknown or missing,
// the kind of its status.
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
	// ErrInternalServerError: the service, or a gateway in front of it, has a problem of its own.
	ErrInternalServerError = errors.New("internal server error")

	// ErrBuildFinished: the build had already finished, so there was nothing to stop.
	ErrBuildFinished = errors.New("build already finished")
	// ErrNotStopped: the service responded that it did not stop the build.
	ErrNotStopped = errors.New("the service did not stop the build")
	// ErrAPIRetired: the gateway does not publish this API (any more). For a stop, see WithStopAPI. Such an error is
	// never ErrNotFound.
	ErrAPIRetired = errors.New("API not published")
	// ErrNotProjectScoped: the token belongs to an account or has no scope; the service wants that of a project.
	ErrNotProjectScoped = errors.New("the token is not scoped to a project")
	// ErrUnexpectedResponse: the response does not belong to this API: a redirect, HTML, or a body that was cut
	// off, is too large or has the wrong form.
	ErrUnexpectedResponse = errors.New("unexpected response")
	// ErrOutcomeUnknown: the request may have taken effect. It can accompany any kind but ErrNotSent, and never a call
	// that only reads.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrNotSent: nothing of the request reached the service: the connection was refused, its name not found, its TLS
	// handshake broken off, or a proxy did not make it. A RoundTripper that gives up before it sends, such as a rate
	// limiter, wraps it: the attempt is then retried like one after a refused connection. It never accompanies
	// ErrOutcomeUnknown.
	ErrNotSent = errors.New("request not sent")
	// ErrInvalidArgument: rejected before anything was sent.
	ErrInvalidArgument = errors.New("invalid argument")
	// ErrTooManyBuilds: StopPlanned stops nothing, because the plan stops more builds than Max.
	ErrTooManyBuilds = errors.New("more builds than Max")
	// ErrStillRunning: waiting ended before the build finished.
	ErrStillRunning = errors.New("build still running")
	// ErrConflict: the configuration of a job changed while Jobs.Change was at work, which then wrote nothing.
	ErrConflict = errors.New("the configuration changed meanwhile")
)

// maxErrorBody limits APIError.Body, and maxErrorText the text of each error, in bytes.
const (
	maxErrorBody = 4 << 10
	maxErrorText = 1000
)

// An APIError is a response that reports a failure. A call returns it, always as a pointer, if and only if its
// last attempt got a response or the start of one. If the login failed, it describes that response. It never
// changes after it was returned, so it may be read concurrently.
type APIError struct {
	StatusCode int           // may be 200: the service also sends errors inside successes
	ErrorCode  string        // the service's code, such as "DEV.CB.032302"; "" if the response has none
	ErrorMsg   string        // the service's message in one line, without the request's secrets
	RequestID  string        // the service's name for this request; "" if the response has none
	Operation  string        // such as "StopJob", and "CreateToken" if the login failed
	Attempts   int           // requests sent for the call, the first one included
	RetryAfter time.Duration // how long the service asked to wait; 0 if it did not
	Body       []byte        // the first 4 KiB of the response, without the request's secrets

	details
}

// details are what an error says beside the response.
type details struct {
	kinds []error
	cause error  // why the caller ended its context, or an error of the caller's code
	note  string // the end of the text
}

func (d *details) outcomeUnknown() bool { return slices.Contains(d.kinds, ErrOutcomeUnknown) }

// Is reports whether target is a kind of e. An error that was made by hand, as tests do, has the kinds of its
// StatusCode and ErrorCode.
func (e *APIError) Is(target error) bool {
	if e.kinds == nil {
		return slices.Contains(meaningOf(e.StatusCode, e.ErrorCode).kinds, target)
	}
	return slices.Contains(e.kinds, target)
}

// Unwrap returns the cause with which the caller ended the context of the call, if it gave one.
func (e *APIError) Unwrap() error { return e.cause }

// Error returns one line of less than 1 KiB with operation, kind, message, status, code and request id.
func (e *APIError) Error() string {
	var b strings.Builder
	b.WriteString("codeartsbuild")
	if e.Operation != "" {
		b.WriteString(": ")
		writeWord(&b, e.Operation, 128)
	}
	for _, kind := range e.kinds {
		if !perCall(kind) && !isStatusKind(kind) {
			b.WriteString(": " + kind.Error())
		}
	}
	if e.ErrorMsg != "" {
		b.WriteString(": ")
		writeWord(&b, e.ErrorMsg, 400)
	} else if len(e.kinds) == 0 || isStatusKind(e.kinds[0]) {
		b.WriteString(": " + e.statusText())
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
	e.writeNotes(&b)
	return b.String()
}

// statusText stands in for a message that the response lacks.
func (e *APIError) statusText() string {
	if isSuccess(e.StatusCode) {
		return "failure without a message"
	}
	return cmp.Or(http.StatusText(e.StatusCode), "error")
}

func (d *details) writeNotes(b *strings.Builder) {
	if d.outcomeUnknown() {
		b.WriteString("; " + ErrOutcomeUnknown.Error() + ": the request may have taken effect")
	}
	writeWord(b, d.note, maxErrorText-b.Len())
}

// GoString is the form of %#v: the error without its body.
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
	if e.outcomeUnknown() {
		attrs = append(attrs, slog.Bool("outcome_unknown", true))
	}
	return slog.GroupValue(attrs...)
}

// A callError is a failure without a response: a rejected argument, a lost connection, an ended context. Its
// cause never comes from package net.
type callError struct {
	operation string
	text      string
	details
}

func (e *callError) Error() string {
	var b strings.Builder
	b.WriteString("codeartsbuild: ")
	if e.operation != "" {
		writeWord(&b, e.operation, 128)
		b.WriteString(": ")
	}
	writeWord(&b, e.text, 600)
	e.writeNotes(&b)
	return b.String()
}

// Is finds the kinds of e and those of its cause, except the kinds of another call: the deadline of a token
// source must not look like the caller's.
func (e *callError) Is(target error) bool {
	return slices.Contains(e.kinds, target) || (e.cause != nil && !perCall(target) && errors.Is(e.cause, target))
}

func (e *callError) As(target any) bool { return e.cause != nil && errors.As(e.cause, target) }

// invalid is the error for a rejected argument.
func invalid(format string, args ...any) error {
	return &callError{text: fmt.Sprintf(format, args...), details: details{kinds: []error{ErrInvalidArgument}}}
}

// unexpected is the error for responses that do not fit together.
func unexpected(format string, args ...any) error {
	return &callError{text: fmt.Sprintf(format, args...), details: details{kinds: unexpectedKind}}
}

var errNilContext = invalid("the context must not be nil")

func isContextError(err error) bool {
	return err == context.Canceled || err == context.DeadlineExceeded
}

// perCall reports whether a kind is about one call, and not about another call that failed because of it.
func perCall(kind error) bool { return isContextError(kind) || kind == ErrOutcomeUnknown }

func isStatusKind(kind error) bool {
	switch kind {
	case ErrBadRequest, ErrUnauthorized, ErrForbidden, ErrNotFound, ErrTooManyRequests, ErrInternalServerError:
		return true
	}
	return false
}
