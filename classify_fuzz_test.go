package codeartsbuild

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// The build of the fuzzed calls.
const (
	fuzzedJob   = "48c66c6002964721be537cdc6ce0297b"
	fuzzedBuild = "20"
)

// A fuzzTarget is an operation whose responses are fuzzed, with the value that they are read into.
type fuzzTarget struct {
	op     operation
	newOut func() any
}

var fuzzTargets = []fuzzTarget{
	{opStopJob, func() any { return new(StopResult) }},
	{opStopTheJob, func() any { return new(StopResult) }},
	{opExecuteJob, func() any { return new(RunResult) }},
	{opShowJobBuildRecordDetail, func() any { return new(buildRecord) }},
	{opListBuildInfoRecordByJobID, func() any { return &listResponse[buildRow]{list: opListBuildInfoRecordByJobID.list} }},
	{opListProjectJobs, func() any { return &listResponse[Job]{list: opListProjectJobs.list} }},
	{opShowRunningStatus, func() any { return new(RunningStatus) }},
	{opDownloadBuildRealTimeLog, func() any { return new(logPiece) }},
	{opCreateToken, func() any { return new(loginResponse) }},
	{operation{name: "POST /v1/anything", method: http.MethodPost, flat: true}, func() any { return &wholeResponse{} }},
	{operation{name: "POST /v1/anything", method: http.MethodPost, flat: true}, func() any { return &wholeResponse{new(map[string]any)} }},
	{operation{name: "GET /v1/anything", method: http.MethodGet, flat: true}, func() any { return &wholeResponse{new([]byte)} }},
	{operation{name: "GET /v1/anything", method: http.MethodGet, flat: true}, func() any { return &wholeResponse{new(struct{ Result string })} }},
}

// fuzzFailures are the ways in which an attempt ends early.
var fuzzFailures = []error{
	nil, io.EOF, io.ErrUnexpectedEOF, context.DeadlineExceeded, errors.New("two\nlines " + strings.Repeat("x", 2000)),
	&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}, &net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset")},
	&net.DNSError{Err: "no such host", IsNotFound: true}, x509.UnknownAuthorityError{}, errNoResponse, errNoCredential, &connectError{text: "refused"},
}

// Flags of a fuzzed attempt.
const (
	fuzzFramed    = 1 << iota // the end of the body is marked
	fuzzFails                 // the attempt fails although a status came
	fuzzNotSent               // nothing was sent, if no status came
	fuzzOversized             // the body is too large, if the attempt did not fail
	fuzzEnded                 // the context ended, if the attempt failed
	fuzzTimedOut              // the attempt timed out, if it failed and the context did not end
)

// attemptFrom makes an attempt of any bytes. The first five are the target, the status, the flags and the failure. The
// others are the values of the header, separated by NUL.
func attemptFrom(data, body []byte) (fuzzTarget, attempt) {
	var first [5]byte
	rest := data[copy(first[:], data):]
	target, status, flags := fuzzTargets[int(first[0])%len(fuzzTargets)], (int(first[1])<<8|int(first[2]))%600, first[3]
	a := attempt{cred: NewToken(fuzzedToken, time.Time{})}
	a.status, a.framed = status, flags&fuzzFramed != 0
	if status == 0 || flags&fuzzFails != 0 {
		a.err = fuzzFailures[int(first[4])%len(fuzzFailures)]
	}
	if status == 0 {
		if a.err == nil {
			a.err = io.EOF
		}
		a.notSent = flags&fuzzNotSent != 0
	} else {
		values := append(strings.SplitN(string(rest), "\x00", 3), "", "")
		a.header = http.Header{"Retry-After": {values[0]}, "X-Request-Id": {values[1]}, "X-Subject-Token": {values[1]}, "Date": {values[2]}}
		a.body = bytes.Clone(body)
		a.oversized = flags&fuzzOversized != 0 && a.err == nil
	}
	if a.err != nil && flags&fuzzEnded != 0 {
		a.ended, a.cause = context.Canceled, context.Canceled
	}
	a.timedOut = a.err != nil && a.ended == nil && flags&fuzzTimedOut != 0
	return target, a
}

// bytesOf returns the bytes of which attemptFrom makes such an attempt.
func bytesOf(target, status, flags, failure int, header http.Header) []byte {
	first := []byte{byte(target), byte(status >> 8), byte(status), byte(flags), byte(failure)}
	values := []string{header.Get("Retry-After"), requestID(header), header.Get("Date")}
	return append(first, strings.Join(values, "\x00")...)
}

// A judged is an attempt with the verdict on it.
type judged struct {
	op  *operation
	a   *attempt
	v   verdict
	out any
}

func judge(target fuzzTarget, a *attempt) judged {
	op, out := target.op, target.newOut()
	client := &Client{settings: settings{timeout: defaultTimeout}}
	c := client.newCall(&op, out)
	c.ctx, c.attempts, c.job, c.build, c.secrets = context.Background(), 1, fuzzedJob, fuzzedBuild, []string{fuzzedPassword}
	return judged{op: &op, a: a, v: classify(&c, a), out: out}
}

func (j judged) String() string {
	return fmt.Sprintf("%s with %+v: %+v, %v", j.op.name, *j.a, j.v, j.v.err)
}

func (j judged) summary() string {
	return fmt.Sprint(j.v.err, j.v.retry, j.v.slow, j.v.wait, j.v.unauthorized, j.v.unknown)
}

func (j judged) reads() bool { return j.op.effect == readOnly || j.op.method == http.MethodGet }

// again reports whether the request is sent again.
func (j judged) again() bool { return j.v.retry || j.v.unauthorized }

// complete reports whether a success came completely.
func (j judged) complete() bool { return isSuccess(j.a.status) && j.a.err == nil && !j.a.oversized }

// mayBeCutOff reports whether the body is empty and its end was not marked.
func (j judged) mayBeCutOff() bool { return !j.a.framed && len(withoutMark(j.a.body)) == 0 }

// isOut makes a property of the value that a response was read into. It holds if the value has another type.
func isOut[T any](holds func(j judged, out T) bool) func(judged) bool {
	return func(j judged) bool {
		out, ok := j.out.(T)
		return !ok || holds(j, out)
	}
}

var successProperties = []property[judged]{
	{"a success came completely", judged.complete},
	{"a success is final", func(j judged) bool { return !j.again() && !j.v.unknown }},
	{"an empty success was not cut off", func(j judged) bool { return !j.mayBeCutOff() }},
	{"a stop was accepted", isOut(func(_ judged, out *StopResult) bool { return out.Result && !out.AlreadyFinished })},
	{"a denial of a stop is not a success", isOut(func(j judged, _ *StopResult) bool { return !denies(j.a.body) })},
	{"a run has a build number", isOut(func(_ judged, out *RunResult) bool { return checkBuildNo("", out.BuildNo) == nil })},
	{"a build is the one asked for", isOut(func(_ judged, out *buildRecord) bool {
		build := out.build()
		return build.BuildNo == fuzzedBuild && strings.EqualFold(build.JobID, fuzzedJob)
	})},
	{"a login has a token of a project that can be sent", isOut(func(_ judged, out *loginResponse) bool {
		return out.token.usable() && out.token.ProjectID() != "" && out.token.sendable
	})},
}

var failureProperties = []property[judged]{
	{"bytes wanted as they are need not be JSON", isOut(func(j judged, out *wholeResponse) bool {
		_, asTheyAre := out.out.(*[]byte)
		return !asTheyAre || !j.complete() || j.mayBeCutOff() || len(j.a.body) == 0 || json.Valid(unwrapText(j.a.body))
	})},
	{"the outcome of a read is known", func(j judged) bool {
		return !j.reads() || !j.v.unknown && !errors.Is(j.v.err, ErrOutcomeUnknown)
	}},
	{"a call that must not run twice is not retried if it may have run", func(j judged) bool {
		return j.op.effect != once || j.reads() || !j.v.unknown || !j.again()
	}},
	{"a call ends with its context", func(j judged) bool {
		return j.a.ended == nil || !j.again() && errors.Is(j.v.err, context.Canceled)
	}},
	{"only the end of the context is an error of it", func(j judged) bool {
		return j.a.ended != nil || !errors.Is(j.v.err, context.Canceled) && !errors.Is(j.v.err, context.DeadlineExceeded)
	}},
	{"a pause is within its limits", func(j judged) bool { return j.v.wait >= 0 && j.v.wait <= maxRetryAfter }},
	{"an APIError is the error of a response", func(j judged) bool {
		_, ok := j.v.err.(*APIError)
		return ok == (j.a.status != 0)
	}},
	{"an APIError describes the response", ofAPIError(func(j judged, err *APIError) bool {
		return err.StatusCode == j.a.status && err.Attempts == 1 && err.RetryAfter >= 0 && len(err.Body) <= maxErrorBody
	})},
	{"a missing API is not a missing object", ofAPIError(func(_ judged, err *APIError) bool {
		return !errors.Is(err, ErrAPIRetired) || !errors.Is(err, ErrNotFound)
	})},
	{"an unreadable success leaves the outcome unknown, and no other success does", ofAPIError(func(j judged, err *APIError) bool {
		unreadable := errors.Is(err, ErrUnexpectedResponse) && !strings.Contains(err.Error(), "does not fit")
		return !isSuccess(j.a.status) || j.reads() || unreadable == j.v.unknown
	})},
}

// ofAPIError makes a property of the error of a response. It holds without a response.
func ofAPIError(holds func(judged, *APIError) bool) func(judged) bool {
	return func(j judged) bool {
		err, ok := j.v.err.(*APIError)
		return !ok || holds(j, err)
	}
}

// No response makes classify panic, accept a denial, or show a secret.
func FuzzClassify(f *testing.F) {
	add := func(status int, header http.Header, body []byte) {
		for target := range fuzzTargets {
			f.Add(bytesOf(target, status, target%2*fuzzFramed, 0, header), body)
		}
	}
	for i, body := range exampleBodies(f) {
		add([]int{200, 400, 200, 500}[i%4], http.Header{"X-Request-Id": {"7f3c"}}, body)
	}
	for _, r := range recordedResponses(f) {
		add(r.status, r.header, r.body)
	}
	for i, body := range oddBodies {
		add([]int{200, 200, 400, 502}[i%4], http.Header{"Retry-After": {"9223372037"}, "Date": {"Tue, 24 Nov 2026 08:00:00 GMT"}}, []byte(body))
		add(200, nil, []byte(body))
	}
	flags := []int{0, fuzzFails, fuzzFails | fuzzEnded, fuzzFails | fuzzTimedOut, fuzzNotSent}
	statuses := []int{0, 200, 503, 504}
	for failure := range fuzzFailures {
		for target := range fuzzTargets {
			f.Add(bytesOf(target, statuses[failure%len(statuses)], flags[(failure+target)%len(flags)], failure, nil), []byte(`{"res`))
		}
	}
	f.Fuzz(func(t *testing.T, data, body []byte) {
		target, a := attemptFrom(data, body)
		j := judge(target, &a)
		if again := judge(target, &a); j.summary() != again.summary() {
			t.Fatalf("two verdicts on one response: %v and %v", j, again)
		}
		if a.status != 0 && !bytes.Equal(a.body, body) {
			t.Fatal("the body was changed")
		}
		if j.v.err == nil {
			requireProperties(t, successProperties, j)
			return
		}
		requireProperties(t, failureProperties, j)
		requireProperties(t, errorProperties, j.v.err)
	})
}

// withoutMark returns a body without its byte order mark and white space.
func withoutMark(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
}

// denies reports whether the response to a stop has a denial among its members, as encoding/json reads them. JSON within
// a JSON string counts as well.
func denies(body []byte) bool {
	for range 3 {
		body = withoutMark(body)
		var text string
		if json.Unmarshal(body, &text) != nil {
			break
		}
		body = []byte(text)
	}
	if string(bytes.TrimSpace(body)) == "false" {
		return true
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return false
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return false
		}
		var value any
		if decoder.Decode(&value) != nil {
			return false
		}
		if isDenial(name, value) {
			return true
		}
	}
	return false
}

func isDenial(name, value any) bool {
	text, _ := value.(string)
	switch name {
	case "result", "success":
		return value == false || strings.EqualFold(text, "false")
	case "status":
		return value == false || slices.ContainsFunc([]string{"false", "fail", "failed", "error"}, func(word string) bool {
			return strings.EqualFold(text, word)
		})
	case "error_code", "err_code":
		return text != "" && text != "0"
	}
	return false
}
