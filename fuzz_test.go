package codeartsbuild

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// answerExamples are the documented bodies, answers and requests alike.
func answerExamples(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/examples/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var bodies [][]byte
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		bodies = append(bodies, body)
	}
	return bodies
}

// answerRecorded are the answers that a real Keystone was recorded to give.
func answerRecorded(t testing.TB) (answers []*http.Response, bodies [][]byte) {
	t.Helper()
	files, err := filepath.Glob("testdata/iam/*.response.http")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), nil)
		require.NoError(t, err)
		body, _ := io.ReadAll(answer.Body) // an answer to HEAD has less than it announces
		answers, bodies = append(answers, answer), append(bodies, body)
	}
	return answers, bodies
}

// answerOddBodies are what tables have taught to look for.
var answerOddBodies = []string{
	"", " ", "null", "true", "false", `"false"`, `""`, "{}", "[]", "0", "-", "\xef\xbb\xbf", "\xef\xbb\xbf{}", "<html><title>Log in</title>", "<", "</", "<title>", "OK",
	`{"result":true}`, `{"result":false}`, `{"result":false,"result":true}`, `{"r\u0065sult":false}`, `{"result":"FALSE"}`, `{"success":false}`, `{"status":"fail"}`, `{ "result" : false }`,
	`"{\"result\":false}"`, `"\"{\\\"result\\\":false}\""`, `{"result":{"result":false}}`, `{"a":"\"","result":false}`, `{"a\\":1,"result":false}`, `{"":false}`, `{"result":true}x`,
	`{"error_code":60200,"error_msg":"a\nb"}`, `{"error":"{\"code\":\"DEV.CB.032302\"}"}`, `{"errors":[{"code":"A.1"}]}`, `{"code":"CB.00060200"}`, `{"details":[[[[]]]]}`,
	`{"error_code":"APIGW.0308"}`, `{"error_code":"APIGW.0307"}`, `{"error_code":"CB.00060211"}`, `{"error_code":"APIGW.0101"}`, `{"error":{"code":401,"message":"m","title":"t"}}`,
	`{"error_msg":"` + retryToken + `"}`, retryToken, `"` + retryToken + `"`, `{"error_code":"` + retryToken + `"}`, "a\x1b[31m\u2028\u202e\x00b", "\xff\xfe", `{"a":"\ud800"}`, "{\"error\"\xff0}",
	`{"actual_build_number":"7"}`, `{"result":{"build_no":20.0}}`, `{"token":{"project":{"id":"p"},"expires_at":"x"}}`,
}

const answerPassword = "the-password-of-the-fuzzed-login"

// answerOperations are the operations whose answers are fuzzed, with what their answers are read into.
var answerOperations = []struct {
	op  operation
	out func() any
}{
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

// answerFailures are the ways in which an attempt ends early.
var answerFailures = []error{
	nil, io.EOF, io.ErrUnexpectedEOF, context.DeadlineExceeded, errors.New("two\nlines " + strings.Repeat("x", 2000)),
	&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}, &net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset")},
	&net.DNSError{Err: "no such host", IsNotFound: true}, x509.UnknownAuthorityError{}, errNoResponse, errNoCredential, &connectError{text: "refused"},
}

// No answer makes classify panic, make a success of a denial, or say more than it may.
func FuzzClassify(f *testing.F) {
	add := func(status int, header http.Header, body []byte) {
		for op := range answerOperations {
			f.Add(uint8(op), uint16(status), header.Get("Retry-After"), requestID(header), header.Get("Date"), body, uint8(op%2), uint8(0))
		}
	}
	for i, body := range answerExamples(f) {
		add([]int{200, 400, 200, 500}[i%4], http.Header{"X-Request-Id": {"7f3c"}}, body)
	}
	answers, bodies := answerRecorded(f)
	for i := range answers {
		add(answers[i].StatusCode, answers[i].Header, bodies[i])
	}
	for i, body := range answerOddBodies {
		add([]int{200, 200, 400, 502}[i%4], http.Header{"Retry-After": {"9223372037"}, "Date": {"Tue, 24 Nov 2026 08:00:00 GMT"}}, []byte(body))
		add(200, nil, []byte(body))
	}
	for failure := range answerFailures {
		for op := range answerOperations {
			f.Add(uint8(op), uint16(200*(failure%2)), "", "", "", []byte(`{"res`), uint8(0), uint8(failure))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, status uint16, after, request, date string, body []byte, flags, failure uint8) {
		target := answerOperations[int(which)%len(answerOperations)]
		token := NewToken(retryToken, time.Time{})
		ans := attempt{response: response{status: int(status % 600), framed: flags&1 != 0, received: time.Unix(1795507200, 0)}, cred: token}
		if ans.status == 0 || flags&2 != 0 {
			ans.err = answerFailures[int(failure)%len(answerFailures)]
		}
		if ans.status == 0 {
			if ans.err == nil {
				ans.err = io.EOF
			}
			ans.notSent = flags&4 != 0
		} else {
			ans.header = http.Header{"Retry-After": {after}, "X-Request-Id": {request}, "Date": {date}, "X-Subject-Token": {request}}
			ans.body = bytes.Clone(body)
			ans.oversized = flags&8 != 0 && ans.err == nil
		}
		if ans.err != nil && flags&16 != 0 {
			ans.ended, ans.cause = context.Canceled, context.Canceled
		}
		ans.timedOut = ans.err != nil && ans.ended == nil && flags&32 != 0

		judge := func() (verdict, any) {
			op := target.op
			out := target.out()
			client := &Client{settings: settings{timeout: defaultTimeout}}
			c := client.newCall(&op, out)
			c.ctx, c.attempts, c.job, c.build, c.secrets = context.Background(), 1, retryJob, "20", []string{answerPassword}
			return classify(&c, &ans), out
		}
		v, out := judge()
		again, _ := judge()
		if !bytes.Equal(ans.body, body) && ans.status != 0 {
			t.Fatal("the body was changed")
		}
		if summary(v) != summary(again) {
			t.Fatalf("two verdicts of one answer: %+v and %+v", v, again)
		}
		op := target.op
		if v.err == nil {
			answerCheckSuccess(t, &op, &ans, out, v)
			return
		}
		if whole, ok := out.(*wholeResponse); ok && isBytes(whole.out) && isSuccess(ans.status) && ans.err == nil && !ans.oversized && len(body) > 0 && !json.Valid(unwrapText(body)) {
			t.Fatalf("bytes as they are were read as an error: %v", v.err)
		}
		answerCheckVerdict(t, &op, &ans, v)
		answerCheckError(t, v.err)
	})
}

func summary(v verdict) string {
	return fmt.Sprint(v.err, v.retry, v.slow, v.wait, v.unauthorized, v.unknown)
}

func isBytes(out any) bool {
	_, ok := out.(*[]byte)
	return ok
}

func reads(op *operation) bool { return op.effect == readOnly || op.method == http.MethodGet }

// answerCheckSuccess is what holds of every answer that passed for a success.
func answerCheckSuccess(t *testing.T, op *operation, ans *attempt, out any, v verdict) {
	t.Helper()
	if !isSuccess(ans.status) || ans.err != nil || ans.oversized || v.retry || v.unknown || v.unauthorized {
		t.Fatalf("%s: a success with %+v of %+v", op.name, v, *ans)
	}
	blank := len(bytes.Trim(bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(ans.body), []byte("\xef\xbb\xbf"))), " \t\r\n")) == 0
	if blank && !ans.framed {
		t.Fatalf("%s: nothing, and no end of it, passed for a success", op.name)
	}
	switch out := out.(type) {
	case *StopResult:
		if !out.Result || out.AlreadyFinished {
			t.Fatalf("the result of an accepted stop is %+v", *out)
		}
		if answerDenies(ans.body) {
			t.Fatalf("a denial passed for a success: %q", ans.body)
		}
	case *RunResult:
		if checkBuildNo("", out.BuildNo) != nil {
			t.Fatalf("a run has the number %q", out.BuildNo)
		}
	case *buildRecord:
		if b := out.build(); b.BuildNo != "20" || !strings.EqualFold(b.JobID, retryJob) {
			t.Fatalf("another build: %+v", *b)
		}
	case *loginResponse:
		if !out.token.usable() || out.token.ProjectID() == "" || !out.token.sendable {
			t.Fatal("a login without a token that can be sent, or without a project")
		}
	}
}

// answerDenies is what a stop's answer must not say anywhere at its top, read by encoding/json.
func answerDenies(body []byte) bool {
	for range 3 {
		body = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
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
		text, _ := value.(string)
		no := value == false || strings.EqualFold(text, "false")
		switch name {
		case "result", "success":
			if no {
				return true
			}
		case "status":
			if no || strings.EqualFold(text, "fail") || strings.EqualFold(text, "failed") || strings.EqualFold(text, "error") {
				return true
			}
		case "error_code", "err_code":
			if text != "" && text != "0" {
				return true
			}
		}
	}
	return false
}

// answerCheckVerdict is what holds of every attempt that was no success.
func answerCheckVerdict(t *testing.T, op *operation, ans *attempt, v verdict) {
	t.Helper()
	if reads(op) && (v.unknown || errors.Is(v.err, ErrOutcomeUnknown)) {
		t.Fatalf("%s only reads and leaves doubt: %v", op.name, v.err)
	}
	if op.effect == once && !reads(op) && v.unknown && (v.retry || v.unauthorized) {
		t.Fatalf("%s may have been processed and is sent again: %v", op.name, v.err)
	}
	if ans.ended != nil && (v.retry || v.unauthorized || !errors.Is(v.err, context.Canceled)) {
		t.Fatalf("the context ended, and %+v: %v", v, v.err)
	}
	if ans.ended == nil && (errors.Is(v.err, context.Canceled) || errors.Is(v.err, context.DeadlineExceeded)) {
		t.Fatalf("the context lives: %v", v.err)
	}
	if v.wait < 0 || v.wait > maxRetryAfter {
		t.Fatalf("a pause of %v", v.wait)
	}
	apiErr, answered := v.err.(*APIError)
	if answered != (ans.status != 0) {
		t.Fatalf("status %d gives %T", ans.status, v.err)
	}
	if !answered {
		return
	}
	if apiErr.StatusCode != ans.status || apiErr.Attempts != 1 || apiErr.RetryAfter < 0 || len(apiErr.Body) > maxErrorBody {
		t.Fatalf("%#v", apiErr)
	}
	if errors.Is(v.err, ErrAPIRetired) && errors.Is(v.err, ErrNotFound) {
		t.Fatal("not published, and not found as well")
	}
	misfit := strings.Contains(v.err.Error(), "does not fit")
	if isSuccess(ans.status) && !reads(op) && (errors.Is(v.err, ErrUnexpectedResponse) && !misfit) != v.unknown {
		t.Fatalf("a 2xx that cannot be read leaves doubt, and no other: %+v: %v", v, v.err)
	}
}

// answerCheckError is what holds of the text of every error.
func answerCheckError(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	if len(text) >= 1<<10 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("a text of %d bytes: %q", len(text), text)
	}
	printed := text + fmt.Sprintf("%+v %#v", err, err)
	var apiErr *APIError
	if errors.As(err, &apiErr) {
		printed += apiErr.ErrorMsg + apiErr.ErrorCode + apiErr.RequestID + string(apiErr.Body) + apiErr.LogValue().String()
		if len(apiErr.ErrorMsg) > 515 || strings.ContainsFunc(apiErr.ErrorMsg, unicode.IsControl) {
			t.Fatalf("a message of %d bytes: %q", len(apiErr.ErrorMsg), apiErr.ErrorMsg)
		}
	}
	for _, secret := range []string{retryToken, answerPassword} {
		if strings.Contains(printed, secret) {
			t.Fatalf("a secret is in %s", printed)
		}
	}
}

// Code and message of an error are found without a panic, the same each time, and where encoding/json
// finds them.
func FuzzReadReport(f *testing.F) {
	for _, body := range answerExamples(f) {
		f.Add(body)
	}
	_, recorded := answerRecorded(f)
	for _, body := range recorded {
		f.Add(body)
	}
	for _, body := range answerOddBodies {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		text := unwrapText(body)
		r := readReport(text)
		p := r.problem(2)
		if again := r.problem(2); p != again {
			t.Fatalf("%+v, and then %+v", p, again)
		}
		if !utf8.ValidString(p.code) || !utf8.ValidString(p.message) {
			t.Fatalf("no UTF-8: %+v", p)
		}
		r.failed()
		loginProblem(400, text)
		titleOf(text)
		if !json.Valid(text) {
			return // nobody asks, but nothing breaks either
		}
		var members map[string]any
		if json.Unmarshal(text, &members) != nil {
			if p != (problem{}) {
				t.Fatalf("%+v in what is no object", p)
			}
			return
		}
		for name, got := range map[string]string{"error_code": p.code, "error_msg": p.message} {
			if want, ok := members[name].(string); ok && want != "" && !answerNoCode(want) && strings.ToValidUTF8(got, "") != "" && answerFolded(got) != answerFolded(want) {
				t.Fatalf("%s is %q, want %q", name, got, want)
			}
		}
	})
}

// answerNoCode tells the texts that stand where there is no code. In a message they are rare enough.
func answerNoCode(text string) bool {
	return text == "0" || strings.EqualFold(text, "true") || strings.EqualFold(text, "false")
}

// answerFolded leaves out what two readers of bytes that are no UTF-8 write in their place.
func answerFolded(text string) string { return strings.ReplaceAll(text, "\ufffd", "") }

// No header makes a pause negative or absurd.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "0", "1", "120", "-5", "abc", "1.5", "9223372037", "9223372036854775807", "18446744073709551615", "99999999999999999999", "1e3", "0x10", "+5", " 7 ", "Tue, 24 Nov 2026 08:00:20 GMT", "Tuesday, 24-Nov-26 08:00:20 GMT", "Tue Nov 24 08:00:20 2026", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		f.Add(value, "Tue, 24 Nov 2026 08:00:00 GMT")
		f.Add(value, "")
		f.Add(value, "Mon, 01 Jan 0001 00:00:00 GMT")
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		d := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}})
		if d < 0 || d > maxRetryAfter {
			t.Fatalf("%v", d)
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err == nil && d != time.Duration(min(n, uint64(maxRetryAfter/time.Second)))*time.Second {
			t.Fatalf("%d seconds are %v", n, d)
		}
	})
}

// No policy, sensible or not, makes a pause that is none or too long.
func FuzzDelay(f *testing.F) {
	for _, n := range []int64{0, 1, 2, int64(defaultMinDelay), int64(defaultMaxDelay), math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64, -1, math.MinInt64} {
		f.Add(n, int64(0), 1, false)
		f.Add(n, n, 63, true)
		f.Add(int64(1), n, 64, true)
		f.Add(n, int64(math.MaxInt64), 1000, false)
	}
	f.Fuzz(func(t *testing.T, least, most int64, attempt int, throttled bool) {
		policy := RetryPolicy{MinDelay: time.Duration(least), MaxDelay: time.Duration(most)}
		if policy.validate() != nil {
			return
		}
		policy = policy.withDefaults()
		if d := policy.delay(attempt, throttled); d <= 0 || d > policy.MaxDelay {
			t.Fatalf("%+v: %v after attempt %d", policy, d, attempt)
		}
	})
}

// What passes for an endpoint is an origin that a credential may go to.
func FuzzParseEndpoint(f *testing.F) {
	for _, endpoint := range []string{
		"", "https://build.example.com", "https://build.example.com/", "https://build.example.com/a/b/", "https://build.example.com//", "https://build.example.com/a%2fb", "https://build.example.com/%2e%2e", "HTTPS://EXAMPLE.COM:443",
		"http://build.example.com", "http://127.0.0.1:1", "http://localhost", "http://[::1]:8080", "http://127.0.0.1.example.com", "http://0x7f.1", "http://[::ffff:127.0.0.1]", "http://localhost@evil.example.com", "http://2130706433",
		"https://user:secret-word@example.com", "https://user@example.com", "https://example.com?q=1", "https://example.com#f", "https://example.com?", "https:example.com", "https:///path", "ftp://example.com", "//example.com", "https://exa mple.com", "https://example.com\r\nX: y", "https://例え.example.com", "https://example.com:99999",
	} {
		f.Add(endpoint, false)
		f.Add(endpoint, true)
	}
	f.Fuzz(func(t *testing.T, endpoint string, insecure bool) {
		u, err := parseEndpoint(endpoint, insecure, "the option that allows it")
		if err != nil {
			if u != nil || !errors.Is(err, ErrInvalidArgument) {
				t.Fatalf("%v, %v", u, err)
			}
			answerCheckError(t, err)
			if strings.Contains(endpoint, "secret-word") && strings.Contains(err.Error(), "secret-word") && !strings.Contains(err.Error(), "to secret-word") {
				t.Fatalf("the error repeats what it refuses: %v", err)
			}
			return
		}
		switch {
		case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" || u.Hostname() == "":
			t.Fatalf("%q is %#v", endpoint, u)
		case u.Scheme != "https" && (u.Scheme != "http" || (!insecure && !isLoopback(u.Hostname()))):
			t.Fatalf("%q sends a credential over %s to %s", endpoint, u.Scheme, u.Host)
		case strings.HasSuffix(u.Path, "/") || strings.Contains(u.Path, "//"):
			t.Fatalf("%q has the path %q", endpoint, u.Path)
		}
		if again, err := parseEndpoint(u.String(), insecure, ""); err != nil || again.String() != u.String() {
			t.Fatalf("%q is %s, read again %v, %v", endpoint, u, again, err)
		}
	})
}

// A word of the service is a status that is known, or stays as it is and ends nothing.
func FuzzBuildStatus(f *testing.F) {
	for word := range statusWords {
		f.Add(word)
		f.Add(strings.ToUpper(word))
	}
	for _, word := range []string{"", " ", "SCHEDULE_FAILURE", "Schedule Failed", "succeeded ", "PAUSED", "已暂停", "success\x00"} {
		f.Add(word)
	}
	known := []BuildStatus{StatusQueued, StatusRunning, StatusSucceeded, StatusFailed, StatusAborted, StatusTimedOut, StatusScheduleFailed}
	f.Fuzz(func(t *testing.T, word string) {
		var status, again BuildStatus
		require.NoError(t, status.UnmarshalText([]byte(word)))
		if !slices.Contains(known, status) && (string(status) != strings.TrimSpace(word) || status.Terminal()) {
			t.Fatalf("%q is %q, terminal %t", word, status, status.Terminal())
		}
		require.NoError(t, again.UnmarshalText([]byte(status)))
		if again != status {
			t.Fatalf("%q is %q, and that is %q", word, status, again)
		}
	})
}

// Texts of any kind become one short line.
func FuzzOneLine(f *testing.F) {
	for _, body := range answerOddBodies {
		f.Add(body, 160)
	}
	for _, text := range []string{strings.Repeat("字", 100), strings.Repeat(" ", 300), "a\r\n\tb", "<title>x</title>", "<p>a<b>c", "<title>İ</title>", "<script>alert(1)</script>", "a\u00adb\u200b\u2028c"} {
		f.Add(text, 64)
		f.Add(text, 8)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = 8 + (limit&math.MaxInt16)%1024
		for what, short := range map[string]string{"oneLine": oneLine(text, limit), "snippet": snippet(text)} {
			most := limit
			if what == "snippet" {
				most = 163
			}
			if len(short) > most+3 || !utf8.ValidString(short) || strings.ContainsFunc(short, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.Contains(short, "  ") {
				t.Fatalf("%s makes %q (%d bytes of at most %d) of %q", what, short, len(short), most, text)
			}
		}
	})
}
