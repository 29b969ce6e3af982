package codeartsbuild_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

const (
	iamPassword = "Build3r-Pa55word"
	iamPasscode = "083585"
	iamToken    = "gAAAAABsomebody-elses-token"
	iamProject  = "d3efaaea5fa4443f8ada1d87e8387c18"
)

// iamConfig logs in by names, through transport.
func iamConfig(transport http.RoundTripper) codeartsbuild.IAMConfig {
	return codeartsbuild.IAMConfig{
		Endpoint:    "https://iam.example.com",
		DomainName:  "acme",
		UserName:    "builder",
		Password:    codeartsbuild.StaticSecret(iamPassword),
		ProjectName: "eu-west-101",
		Transport:   transport,
	}
}

func iamSource(t *testing.T, cfg codeartsbuild.IAMConfig) *codeartsbuild.CachedTokenSource {
	t.Helper()
	source, err := codeartsbuild.NewIAMTokenSource(cfg)
	require.NoError(t, err)
	return source
}

// iamSuccess is the answer to a login; issued and expires are JSON, or "" for none.
func iamSuccess(issued, expires string) *http.Response {
	times := ""
	if issued != "" {
		times += `"issued_at":` + issued + `,`
	}
	if expires != "" {
		times += `"expires_at":` + expires + `,`
	}
	answer := httpmock.NewStringResponse(201, `{"token":{`+times+`"project":{"id":"`+iamProject+`"}}}`)
	answer.Header.Set("X-Subject-Token", iamToken)
	return answer
}

// iamTime is how Keystone spells a time, in JSON.
func iamTime(at time.Time) string { return `"` + at.UTC().Format("2006-01-02T15:04:05.000000Z") + `"` }

// An iamTransport answers logins in memory and keeps what was sent. The last answer is repeated.
type iamTransport struct {
	answers []func(*http.Request) (*http.Response, error)

	mu       sync.Mutex
	requests []iamRequest
}

type iamRequest struct {
	method, url, operation string
	header                 http.Header
	body                   string
	at                     time.Time
}

func (i *iamTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	i.requests = append(i.requests, iamRequest{
		req.Method, req.URL.String(), codeartsbuild.OperationFromContext(req.Context()), req.Header.Clone(), string(body), time.Now(),
	})
	answer := i.answers[min(len(i.requests), len(i.answers))-1]
	i.mu.Unlock()
	return answer(req)
}

func (i *iamTransport) sent() []iamRequest {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.requests
}

func iamAnswers(answers ...func(*http.Request) (*http.Response, error)) *iamTransport {
	return &iamTransport{answers: answers}
}

func iamReply(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		answer := httpmock.NewStringResponse(status, body)
		for i := 0; i < len(header); i += 2 {
			answer.Header[header[i]] = []string{header[i+1]}
		}
		return answer, nil
	}
}

func iamLost(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func iamGranted(*http.Request) (*http.Response, error) {
	now := time.Now()
	return iamSuccess(iamTime(now), iamTime(now.Add(24*time.Hour))), nil
}

// iamPrinted is all that an error shows to whoever prints, logs, encodes or looks into it.
func iamPrinted(err error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %+v %#v %s %q", err, err, err, err, err)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		record := slog.NewRecord(time.Time{}, slog.LevelError, "login", 0) // without a time, whose digits might be a code
		record.Add("error", err)
		_ = handler.Handle(context.Background(), record)
	}
	var apiErr *codeartsbuild.APIError
	if errors.As(err, &apiErr) {
		encoded, _ := json.Marshal(apiErr)
		fmt.Fprintf(&b, "%+v %s %s %s %s %s", *apiErr, apiErr.ErrorCode, apiErr.ErrorMsg, apiErr.RequestID, apiErr.Body, encoded)
	}
	return b.String()
}

// requireIAMError checks what holds for every failed login.
func requireIAMError(t *testing.T, token *codeartsbuild.Token, err error, secrets ...string) {
	t.Helper()
	require.Error(t, err)
	require.Nil(t, token, "a token beside the error")
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	require.NotContains(t, err.Error(), "\n")
	require.Less(t, len(err.Error()), 1024)
	require.Contains(t, err.Error(), "CreateToken")
	printed := iamPrinted(err)
	for _, secret := range secrets {
		if secret != "" && strings.Contains(printed, secret) {
			t.Errorf("the error shows %q: %s", secret, printed)
		}
	}
}

// requireIAMAPIError checks the same of a login that was answered.
func requireIAMAPIError(t *testing.T, token *codeartsbuild.Token, err error, secrets ...string) *codeartsbuild.APIError {
	t.Helper()
	requireIAMError(t, token, err, secrets...)
	var apiErr *codeartsbuild.APIError
	require.ErrorAs(t, err, &apiErr)
	require.Equal(t, "CreateToken", apiErr.Operation)
	return apiErr
}

// An iamRecording is one exchange with a real Keystone.
type iamRecording struct {
	name               string
	method, path       string
	password, passcode string // as sent; "" if none was
	response           []byte
}

var (
	iamPasswordSent = regexp.MustCompile(`"password": ("(?:[^"\\]|\\.)*")`)
	iamPasscodeSent = regexp.MustCompile(`"passcode": "?(\d+)`)
)

func iamRecordings(t testing.TB) []iamRecording {
	t.Helper()
	files, err := filepath.Glob("testdata/iam/*.request.http")
	require.NoError(t, err)
	require.Len(t, files, 85)
	recordings := make([]iamRecording, 0, len(files))
	for _, file := range files {
		sent, err := os.ReadFile(file)
		require.NoError(t, err)
		response, err := os.ReadFile(strings.TrimSuffix(file, ".request.http") + ".response.http")
		require.NoError(t, err)
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(sent)))
		require.NoError(t, err)
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		r := iamRecording{
			name: strings.TrimSuffix(filepath.Base(file), ".request.http"), method: req.Method, path: req.URL.Path, response: response,
		}
		if m := iamPasswordSent.FindSubmatch(body); m != nil {
			require.NoError(t, json.Unmarshal(m[1], &r.password))
		}
		if m := iamPasscodeSent.FindSubmatch(body); m != nil {
			r.passcode = string(m[1])
		}
		recordings = append(recordings, r)
	}
	return recordings
}

// answer reads the response from its bytes, as one to req.
func (r *iamRecording) answer(req *http.Request) (*http.Response, error) {
	if r.method == http.MethodHead {
		req = &http.Request{Method: http.MethodHead} // else the missing body would look cut off
	}
	return http.ReadResponse(bufio.NewReader(bytes.NewReader(r.response)), req)
}

// config logs in with what was sent then. What the recording lacks is filled in, since a login without it
// is refused before it is sent.
func (r *iamRecording) config(transport http.RoundTripper) codeartsbuild.IAMConfig {
	cfg := iamConfig(transport)
	if r.password != "" {
		cfg.Password = codeartsbuild.StaticSecret(r.password)
	}
	if r.passcode != "" {
		cfg.Passcode = codeartsbuild.StaticSecret(r.passcode)
	}
	return cfg
}

// B3, B6, B14, B15, B16, B17, B18, B20: every answer of Keystone's to a login.
func TestRecordedAnswersToLogins(t *testing.T) {
	t.Parallel()
	type want struct {
		status int
		code   string
		kind   error
		text   string // what the error says
	}
	granted := want{status: 201}
	unscoped := want{201, "", codeartsbuild.ErrNotProjectScoped, "not scoped to a project"}
	refused := want{401, "401", codeartsbuild.ErrUnauthorized, "requires authentication"}
	malformed := want{400, "400", codeartsbuild.ErrBadRequest, "Bad Request"}
	tests := map[string]want{
		"project-by-name": granted, "project-by-id": granted, "user-by-id": granted, "domain-by-id": granted,
		"no-scope-default-project": granted, "nocatalog": granted, "nocatalog-bare": granted,
		"unicode": granted, "unicode-escaped": granted,
		"chunked-request": granted, "charset-upper-case": granted, "content-type-missing": granted,
		"totp-by-id": granted, "totp-by-name": granted, "totp-reused": granted, "totp-previous": granted, "totp-with-receipt": granted,
		"token-to-revoke": granted, "trailing-slash": granted,

		"domain-scoped": unscoped, "unscoped": unscoped, "no-scope": unscoped, // B17

		"wrong-password": refused, "unknown-user": refused, "unknown-domain": refused, "unknown-project": refused,
		"unknown-project-id": refused, "no-role": refused, "domain-without-role": refused, "disabled-user": refused,
		"disabled-project": refused, "locked-user": refused,
		"empty-methods": refused, "missing-password": refused, "empty-password": refused,
		"totp-wrong": refused, "totp-number": refused, "totp-not-required": refused, "totp-password-wrong": refused,
		"password-expired": {401, "401", codeartsbuild.ErrUnauthorized, "password is expired"},
		"totp-missing":     {401, "401", codeartsbuild.ErrUnauthorized, "one-time code"}, // B18

		"malformed-json": malformed, "json-null": malformed, "json-array": malformed, "invalid-utf8": malformed,
		"empty-body": malformed, "missing-auth": malformed, "missing-identity": malformed, "missing-methods": malformed,
		"null-password": malformed, "missing-password-block": malformed, "unknown-method": malformed,
		"missing-user-domain": malformed, "project-name-without-domain": malformed,
		"two-scopes": malformed, "empty-scope": malformed, "content-type-text": malformed, "content-type-form": malformed,
		"body-too-large": {413, "413 Request Entity Too Large", nil, "Request Entity Too Large"}, // B18

		"double-slash": {308, "", codeartsbuild.ErrUnexpectedResponse, "redirect to 127.0.0.1:34567 not followed"}, // B3
		"post-v2":      {404, "", codeartsbuild.ErrNotFound, "404 Not Found"},
		"post-root":    {405, "", nil, "405 Method Not Allowed"},
	}
	logins := 0
	for _, r := range iamRecordings(t) {
		if r.method != http.MethodPost {
			continue
		}
		logins++
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			want, ok := tests[r.name]
			require.True(t, ok, "a recording that nothing is expected of")
			synctest.Test(t, func(t *testing.T) {
				transport := iamAnswers(r.answer)
				source := iamSource(t, r.config(transport))
				recorded, err := r.answer(nil)
				require.NoError(t, err)
				require.Equal(t, want.status, recorded.StatusCode)

				token, err := source.Token(t.Context())
				require.Len(t, transport.sent(), 1, "requests")
				if want == granted {
					require.NoError(t, err)
					require.Equal(t, recorded.Header.Get("X-Subject-Token"), token.Value())
					require.Equal(t, iamProject, token.ProjectID())
					requireIAMLifetime(t, source, transport, token, recorded)
					return
				}
				apiErr := requireIAMAPIError(t, token, err, r.password, r.passcode,
					recorded.Header.Get("Openstack-Auth-Receipt"), recorded.Header.Get("X-Subject-Token"))
				require.Equal(t, want.status, apiErr.StatusCode)
				require.Equal(t, want.code, apiErr.ErrorCode)
				require.Contains(t, err.Error(), want.text)
				require.Equal(t, recorded.Header.Get("X-Openstack-Request-Id"), apiErr.RequestID)
				require.Equal(t, 1, apiErr.Attempts)
				requireIAMKind(t, err, want.kind)
			})
		})
	}
	require.Len(t, tests, logins, "expectations without a recording")
}

// requireIAMLifetime checks that the token is used for 24 hours from now, and renewed at their end, although
// the clock of the bubble shows another year than Keystone's did.
func requireIAMLifetime(t *testing.T, source *codeartsbuild.CachedTokenSource, transport *iamTransport, token *codeartsbuild.Token, recorded *http.Response) {
	t.Helper()
	issued, err := http.ParseTime(recorded.Header.Get("Date"))
	require.NoError(t, err)
	require.WithinDuration(t, issued.Add(24*time.Hour), token.ExpiresAt(), 5*time.Second)
	time.Sleep(24*time.Hour - 10*time.Minute - time.Second) // renewal begins 10 minutes before the end
	again, err := source.Token(t.Context())
	require.NoError(t, err)
	require.Same(t, token, again)
	require.Len(t, transport.sent(), 1, "logins before the token has to be renewed")
	time.Sleep(5 * time.Minute)
	_, err = source.Token(t.Context())
	require.NoError(t, err)
	require.Len(t, transport.sent(), 2, "logins when it was time")
}

// requireIAMKind checks that err is of one kind and no other.
func requireIAMKind(t *testing.T, err, want error) {
	t.Helper()
	for _, kind := range []error{
		codeartsbuild.ErrBadRequest, codeartsbuild.ErrUnauthorized, codeartsbuild.ErrForbidden, codeartsbuild.ErrNotFound,
		codeartsbuild.ErrTooManyRequests, codeartsbuild.ErrInternalServerError, codeartsbuild.ErrNotProjectScoped,
		codeartsbuild.ErrUnexpectedResponse, codeartsbuild.ErrAPIRetired, codeartsbuild.ErrInvalidArgument,
	} {
		require.Equal(t, kind == want, errors.Is(err, kind), "%v is %v", err, kind)
	}
}

// B16: what Keystone answered to anything else, as if it were the answer to a login.
func TestRecordedAnswersToOtherRequests(t *testing.T) {
	t.Parallel()
	granted := map[string]bool{"validate": true, "validate-itself": true, "validate-nocatalog": true} // token and header are those of a login
	statuses := map[int]error{
		401: codeartsbuild.ErrUnauthorized, 403: codeartsbuild.ErrForbidden, 404: codeartsbuild.ErrNotFound, 405: nil,
		200: codeartsbuild.ErrUnexpectedResponse, 204: codeartsbuild.ErrUnexpectedResponse, 300: codeartsbuild.ErrUnexpectedResponse,
	}
	for _, r := range iamRecordings(t) {
		if r.method == http.MethodPost {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := iamAnswers(r.answer)
				token, err := iamSource(t, r.config(transport)).Token(t.Context())
				recorded, readErr := r.answer(nil)
				require.NoError(t, readErr)
				if granted[r.name] {
					require.NoError(t, err)
					require.Equal(t, recorded.Header.Get("X-Subject-Token"), token.Value())
					require.Equal(t, iamProject, token.ProjectID())
					return
				}
				apiErr := requireIAMAPIError(t, token, err, iamPassword, recorded.Header.Get("X-Subject-Token"))
				require.Equal(t, recorded.StatusCode, apiErr.StatusCode)
				kind, ok := statuses[recorded.StatusCode]
				require.True(t, ok, "status %d", recorded.StatusCode)
				requireIAMKind(t, err, kind)
				if recorded.StatusCode >= 300 {
					require.Len(t, transport.sent(), 1, "requests")
				}
			})
		})
	}
}

// B14: a login is repeated when that may help and cannot lock the user.
func TestB14WhichLoginsAreRepeated(t *testing.T) {
	t.Parallel()
	keystone := func(status int) string {
		return fmt.Sprintf(`{"error":{"code":%d,"message":"…","title":%q}}`, status, http.StatusText(status))
	}
	cut := func(*http.Request) (*http.Response, error) {
		answer := iamSuccess("", "")
		answer.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"token":{`), iamBroken{}))
		return answer, nil
	}
	hang := func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	repeated := map[string]func(*http.Request) (*http.Response, error){
		"429":                        iamReply(429, `{"error_code":"APIGW.0308","error_msg":"…"}`),
		"429 of Keystone's":          iamReply(429, keystone(429)),
		"500 that says nothing":      iamReply(500, ``),
		"500 of Keystone's":          iamReply(500, keystone(500)),
		"500 of IAM's":               iamReply(500, `{"error_code":"IAM.0001","error_msg":"…"}`),
		"502 of a proxy":             iamReply(502, `<html><title>502 Bad Gateway</title></html>`),
		"502 of Keystone's":          iamReply(502, keystone(502)),
		"503 of Keystone's":          iamReply(503, keystone(503)),
		"504":                        iamReply(504, ``),
		"504 of the gateway's":       iamReply(504, `{"error_code":"APIGW.0201","error_msg":"…"}`),
		"connection refused":         iamLost(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}),
		"answer lost":                iamLost(io.ErrUnexpectedEOF),
		"connection reset":           iamLost(&net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}),
		"answer cut off":             cut,
		"no answer within 10 s":      hang,
		"503 with a pause asked for": iamReply(503, ``, "Retry-After", "7"),
	}
	for name, fault := range repeated {
		t.Run("repeated: "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := iamAnswers(fault, fault, iamGranted)
				token, err := iamSource(t, iamConfig(transport)).Token(t.Context())
				require.NoError(t, err)
				require.Equal(t, iamToken, token.Value())
				sent := transport.sent()
				require.Len(t, sent, 3)
				for _, r := range sent {
					require.Equal(t, sent[0].body, r.body, "every attempt carries the whole body") // B29
				}
			})
		})
		t.Run("given up in the end: "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := iamAnswers(fault)
				token, err := iamSource(t, iamConfig(transport)).Token(t.Context())
				requireIAMError(t, token, err, iamPassword)
				require.Len(t, transport.sent(), 5)
			})
		})
	}
	final := map[string]func(*http.Request) (*http.Response, error){
		"401 of Keystone's":     iamReply(401, keystone(401)),
		"401 that says nothing": iamReply(401, ``),
		"401 of IAM's":          iamReply(401, `{"error_code":"APIGW.0307","error_msg":"…"}`),
		"401, try again later":  iamReply(401, keystone(401), "Retry-After", "1"),
		"401 with a page":       iamReply(401, `<html></html>`),
		"403":                   iamReply(403, keystone(403)),
		"403 that says nothing": iamReply(403, ``, "Retry-After", "1"),
		"400":                   iamReply(400, keystone(400)),
		"404":                   iamReply(404, `<html></html>`),
		"405":                   iamReply(405, `{"message":"…"}`),
		"413":                   iamReply(413, `{"code":"413 Request Entity Too Large","message":"…"}`),
		"300":                   iamReply(300, `{"versions":{}}`, "Location", "https://iam.example.com/v3/"),
		"301":                   iamReply(301, ``, "Location", "https://iam.example.com/v3/auth/tokens"),
		"302":                   iamReply(302, `{}`, "Location", "https://login.example.com/"),
		"303":                   iamReply(303, ``, "Location", "/"),
		"307":                   iamReply(307, ``, "Location", "https://iam2.example.com/v3/auth/tokens?password=1"),
		"308":                   iamReply(308, ``, "Location", "http://iam.example.com/v3/auth/tokens"),
	}
	for name, answer := range final {
		t.Run("final: "+name, func(t *testing.T) {
			t.Parallel()
			transport := iamAnswers(answer)
			token, err := iamSource(t, iamConfig(transport)).Token(t.Context())
			requireIAMAPIError(t, token, err, iamPassword, "?password")
			require.Len(t, transport.sent(), 1)
		})
	}
}

type iamBroken struct{}

func (iamBroken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// B14: a refusal is the answer of all who wait for it, and of them only.
func TestB14RefusedLoginIsEveryWaitersAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slowly := func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return iamReply(401, `{"error":{"code":401,"message":"…","title":"Unauthorized"}}`)(req)
		}
		transport := iamAnswers(slowly, iamGranted)
		source := iamSource(t, iamConfig(transport))
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				var apiErr *codeartsbuild.APIError
				if _, err := source.Token(t.Context()); !errors.As(err, &apiErr) || apiErr.ErrorCode != "401" || !errors.Is(err, codeartsbuild.ErrUnauthorized) {
					t.Errorf("a waiter got %v", err)
				}
			})
		}
		group.Wait()
		require.Len(t, transport.sent(), 1)
		_, err := source.Token(t.Context())
		require.NoError(t, err)
		require.Len(t, transport.sent(), 2)
	})
}

// The attempt of a login may take 10 s, whatever the caller allows.
func TestLoginAttemptTakesAtMostTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := iamAnswers(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}, iamGranted)
		_, err := iamSource(t, iamConfig(transport)).Token(t.Context())
		require.NoError(t, err)
		sent := transport.sent()
		pause := sent[1].at.Sub(sent[0].at) - 10*time.Second
		require.Positive(t, pause)
		require.LessOrEqual(t, pause, time.Second)
	})
}

func TestB15UnreadableEndIsUsedUntilRefused(t *testing.T) {
	t.Parallel()
	for name, expires := range map[string]string{
		"missing": ``, "null": `null`, "empty": `""`, "text": `"tomorrow"`, "cut": `"2026-11-25T"`, "object": `{"at":1}`, "array": `[]`, "bool": `true`,
		"negative": `-1`, "huge": `99999999999999999999999`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := iamAnswers(func(*http.Request) (*http.Response, error) {
					return iamSuccess(iamTime(time.Now()), expires), nil
				})
				source := iamSource(t, iamConfig(transport))
				token, err := source.Token(t.Context())
				require.NoError(t, err)
				require.Equal(t, iamToken, token.Value())
				require.Zero(t, token.ExpiresAt())
				for range 10 {
					time.Sleep(24 * time.Hour)
					_, err := source.Token(t.Context())
					require.NoError(t, err)
				}
				require.Len(t, transport.sent(), 1)
				source.Invalidate(token)
				_, err = source.Token(t.Context())
				require.NoError(t, err)
				require.Len(t, transport.sent(), 2)
			})
		})
	}
}

func TestB16AnswerThatIsNoToken(t *testing.T) {
	t.Parallel()
	const body = `{"token":{"project":{"id":"` + iamProject + `"}}}`
	unexpected := codeartsbuild.ErrUnexpectedResponse
	tests := map[string]struct {
		status      int
		body, token string
		header      string // Location
		want        error
	}{
		"201 without X-Subject-Token":         {201, body, "", "", unexpected},
		"200 without X-Subject-Token":         {200, body, "", "", unexpected},
		"200 with an empty object":            {200, `{}`, "", "", unexpected},
		"200 with an empty object and header": {200, `{}`, iamToken, "", unexpected},
		"201 with HTML":                       {201, `<html><title>Welcome</title></html>`, iamToken, "", unexpected},
		"200 with HTML":                       {200, `<html><title>Log in</title></html>`, "", "", unexpected},
		"200 with text":                       {200, `OK`, iamToken, "", unexpected},
		"201 with an empty body":              {201, ``, iamToken, "", unexpected},
		"200 with nothing at all":             {200, ``, "", "", unexpected},
		"204":                                 {204, ``, iamToken, "", unexpected},
		"201 with null":                       {201, `null`, iamToken, "", unexpected},
		"201 with an array":                   {201, `[]`, iamToken, "", unexpected},
		"201 with a string":                   {201, `"token"`, iamToken, "", unexpected},
		"201 with a number":                   {201, `201`, iamToken, "", unexpected},
		"201 with a token that is null":       {201, `{"token":null}`, iamToken, "", unexpected},
		"201 with a token that is a string":   {201, `{"token":"gAAAAAB"}`, iamToken, "", unexpected},
		"201 with a token that is an array":   {201, `{"token":[]}`, iamToken, "", unexpected},
		"201 with half a body":                {201, body[:20], iamToken, "", unexpected},
		"201 with garbage after it":           {201, body + `}`, iamToken, "", unexpected},
		"201 with a line break in the token":  {201, body, "gAAAAAB\r\nX-Injected: 1", "", unexpected},
		"201 with a token that is not ASCII":  {201, body, "gAAAAAB密", "", unexpected},
		"201 with NUL in the token":           {201, body, "gAAAAAB\x00", "", unexpected},
		"300 of Keystone's root":              {300, `{"versions":{"values":[]}}`, "", "http://iam.example.com/v3/", unexpected},
		"300 with a token":                    {300, body, iamToken, "", unexpected},
		"302 with an empty body":              {302, ``, "", "https://login.example.com/", unexpected}, // B2, B3
		"304":                                 {304, ``, iamToken, "", unexpected},
		"200 with an error in it":             {200, `{"error":{"code":401,"message":"no","title":"Unauthorized"}}`, "", "", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := httpmock.NewMockTransport()
				transport.RegisterResponder("POST", "https://iam.example.com/v3/auth/tokens", func(*http.Request) (*http.Response, error) {
					answer := httpmock.NewStringResponse(tt.status, tt.body)
					for name, value := range map[string]string{"X-Subject-Token": tt.token, "Location": tt.header} {
						if value != "" {
							answer.Header.Set(name, value)
						}
					}
					return answer, nil
				})
				token, err := iamSource(t, iamConfig(transport)).Token(t.Context())
				apiErr := requireIAMAPIError(t, token, err, iamPassword, iamToken)
				require.Equal(t, tt.status, apiErr.StatusCode)
				if tt.want != nil {
					require.ErrorIs(t, err, tt.want)
				}
				calls := transport.GetTotalCallCount()
				require.LessOrEqual(t, calls, 5)
				if tt.status >= 300 {
					require.Equal(t, 1, calls)
				}
			})
		})
	}
}

func TestB17TokenWithoutAProject(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"domain-scoped":         `{"token":{"domain":{"id":"c96558ac66cd4d8586cb8a68bd3e9739"},"roles":[],"catalog":[]}}`,
		"unscoped":              `{"token":{"methods":["password"],"expires_at":"2026-11-25T11:36:55.000000Z"}}`,
		"project is null":       `{"token":{"project":null}}`,
		"project is empty":      `{"token":{"project":{}}}`,
		"project has no id":     `{"token":{"project":{"name":"eu-west-101"}}}`,
		"project has a null id": `{"token":{"project":{"id":null}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := iamAnswers(iamReply(201, body, "X-Subject-Token", iamToken, "X-Iam-Trace-Id", "trace-1"))
			source := iamSource(t, iamConfig(transport))
			token, err := source.Token(t.Context())
			apiErr := requireIAMAPIError(t, token, err, iamPassword, iamToken)
			requireIAMKind(t, err, codeartsbuild.ErrNotProjectScoped)
			require.Equal(t, 201, apiErr.StatusCode)
			require.Equal(t, "trace-1", apiErr.RequestID)
			require.Len(t, transport.sent(), 1)

			srv := codeartsbuildtest.NewServer()
			defer srv.Close()
			_, err = authStop(t.Context(), srv.Client(codeartsbuild.WithTokenSource(source)))
			requireIAMAPIError(t, nil, err, iamPassword, iamToken)
			requireIAMKind(t, err, codeartsbuild.ErrNotProjectScoped)
			require.Empty(t, srv.Requests(), "nothing is sent to the service")
		})
	}
}

// B17: what is sent, in each way to name things.
func TestB17LoginNamesTheDomainOfWhatIsGivenByName(t *testing.T) {
	t.Parallel()
	const (
		domainName = `"domain":{"name":"acme"}`
		domainID   = `"domain":{"id":"c96558ac66cd4d8586cb8a68bd3e9739"}`
		secret     = `"password":"` + iamPassword + `"`
	)
	password := func(user string) string {
		return `"methods":["password"],"password":{"user":{` + user + `,` + secret + `}}`
	}
	tests := map[string]struct {
		change          func(cfg *codeartsbuild.IAMConfig)
		identity, scope string
	}{
		"by names": {
			func(*codeartsbuild.IAMConfig) {},
			password(`"name":"builder",` + domainName), `{"project":{"name":"eu-west-101",` + domainName + `}}`,
		},
		"account by id": {
			func(cfg *codeartsbuild.IAMConfig) {
				cfg.DomainName, cfg.DomainID = "", "c96558ac66cd4d8586cb8a68bd3e9739"
			},
			password(`"name":"builder",` + domainID), `{"project":{"name":"eu-west-101",` + domainID + `}}`,
		},
		"user by id": {
			func(cfg *codeartsbuild.IAMConfig) { cfg.UserName, cfg.UserID = "", "u1" },
			password(`"id":"u1"`), `{"project":{"name":"eu-west-101",` + domainName + `}}`,
		},
		"project by id": {
			func(cfg *codeartsbuild.IAMConfig) { cfg.ProjectName, cfg.ProjectID = "", iamProject },
			password(`"name":"builder",` + domainName), `{"project":{"id":"` + iamProject + `"}}`,
		},
		"all by id, without an account": {
			func(cfg *codeartsbuild.IAMConfig) {
				cfg.DomainName, cfg.UserName, cfg.UserID, cfg.ProjectName, cfg.ProjectID = "", "", "u1", "", iamProject
			},
			password(`"id":"u1"`), `{"project":{"id":"` + iamProject + `"}}`,
		},
		"project of the region": {
			func(cfg *codeartsbuild.IAMConfig) { cfg.Region, cfg.ProjectName = "cn-north-4", "" },
			password(`"name":"builder",` + domainName), `{"project":{"name":"cn-north-4",` + domainName + `}}`,
		},
		"project other than the region": {
			func(cfg *codeartsbuild.IAMConfig) { cfg.Region, cfg.ProjectName = "cn-north-4", "cn-north-4_team" },
			password(`"name":"builder",` + domainName), `{"project":{"name":"cn-north-4_team",` + domainName + `}}`,
		},
		"second factor, user by name": {
			func(cfg *codeartsbuild.IAMConfig) { cfg.Passcode = codeartsbuild.StaticSecret(iamPasscode) },
			`"methods":["password","totp"],"password":{"user":{"name":"builder",` + domainName + `,` + secret + `}},` +
				`"totp":{"user":{"name":"builder",` + domainName + `,"passcode":"` + iamPasscode + `"}}`,
			`{"project":{"name":"eu-west-101",` + domainName + `}}`,
		},
		"second factor, user by id": {
			func(cfg *codeartsbuild.IAMConfig) {
				cfg.UserName, cfg.UserID, cfg.Passcode = "", "u1", codeartsbuild.StaticSecret(iamPasscode)
			},
			`"methods":["password","totp"],"password":{"user":{"id":"u1",` + secret + `}},"totp":{"user":{"id":"u1","passcode":"` + iamPasscode + `"}}`,
			`{"project":{"name":"eu-west-101",` + domainName + `}}`,
		},
		"any Unicode": {
			func(cfg *codeartsbuild.IAMConfig) {
				cfg.UserName, cfg.Password = "строитель 构建", codeartsbuild.StaticSecret("пароль-密码-🔑 \"q\" \\ / & <ü>\u2028é")
			},
			`"methods":["password"],"password":{"user":{"name":"строитель 构建",` + domainName + `,"password":"пароль-密码-🔑 \"q\" \\ / & <ü>\u2028é"}}`,
			`{"project":{"name":"eu-west-101",` + domainName + `}}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := iamAnswers(iamGranted)
			cfg := iamConfig(transport)
			tt.change(&cfg)
			_, err := iamSource(t, cfg).Token(t.Context())
			require.NoError(t, err)
			sent := transport.sent()
			require.Len(t, sent, 1)
			require.JSONEq(t, `{"auth":{"identity":{`+tt.identity+`},"scope":`+tt.scope+`}}`, sent[0].body)
			require.Equal(t, http.MethodPost, sent[0].method)
			require.Equal(t, "https://iam.example.com/v3/auth/tokens?nocatalog=true", sent[0].url)
			require.Equal(t, "CreateToken", sent[0].operation, "in the context of the request")
			require.Equal(t, "application/json", sent[0].header.Get("Content-Type"))
			for _, name := range []string{"X-Auth-Token", "Authorization", "Cookie"} {
				require.Empty(t, sent[0].header.Get(name))
			}
		})
	}
}

func TestB18ErrorsOfALogin(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status        int
		body          string
		code, message string
		kind          error
	}{
		"Keystone: numeric code":               {401, `{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}`, "401", "The request you have made requires authentication.", codeartsbuild.ErrUnauthorized},
		"Keystone: 403":                        {403, `{"error":{"code":403,"message":"You are not authorized.","title":"Forbidden"}}`, "403", "You are not authorized.", codeartsbuild.ErrForbidden},
		"Keystone: 404":                        {404, `{"error":{"code":404,"message":"Could not find it.","title":"Not Found"}}`, "404", "Could not find it.", codeartsbuild.ErrNotFound},
		"Keystone: 400, of which the title":    {400, `{"error":{"code":400,"message":"On instance: {'password': …}","title":"Bad Request"}}`, "400", "Bad Request", codeartsbuild.ErrBadRequest},
		"Keystone: code with text":             {413, `{"message":"Too large.<br /><br />\n\n\n","code":"413 Request Entity Too Large","title":"Request Entity Too Large"}`, "413 Request Entity Too Large", "Request Entity Too Large", nil},
		"message alone":                        {404, `{"message":"nothing here"}`, "", "nothing here", codeartsbuild.ErrNotFound},
		"message alone, where it might quote":  {405, `{"message":"The method is not allowed for the requested URL."}`, "", "", nil},
		"IAM: error_code":                      {401, `{"error_code":"IAM.0011","error_msg":"Password is incorrect"}`, "IAM.0011", "Password is incorrect", codeartsbuild.ErrUnauthorized},
		"IAM: bare number as text":             {401, `{"error_code":"1101","error_msg":"The user name or password is wrong"}`, "1101", "The user name or password is wrong", codeartsbuild.ErrUnauthorized},
		"IAM: bare number":                     {403, `{"error_code":1107,"error_msg":"not allowed"}`, "1107", "not allowed", codeartsbuild.ErrForbidden},
		"gateway":                              {401, `{"error_msg":"Incorrect IAM authentication information","error_code":"APIGW.0301","request_id":"1"}`, "APIGW.0301", "Incorrect IAM authentication information", codeartsbuild.ErrUnauthorized},
		"gateway: no such API":                 {404, `{"error_msg":"The API does not exist","error_code":"APIG.0101"}`, "APIG.0101", "The API does not exist", codeartsbuild.ErrAPIRetired},
		"gateway: too large":                   {413, `{"error_msg":"Request entity too large","error_code":"APIG.0201"}`, "APIG.0201", "", nil},
		"another cloud: nothing but the error": {401, `{"error": {"message": "Unauthorized.", "code": 401, "title": "Unauthorized"}}`, "401", "Unauthorized.", codeartsbuild.ErrUnauthorized},
		"a one-time code is wanted":            {401, `{"receipt":{"methods":["password"]},"required_auth_methods":[["totp","password"]]}`, "401", "a one-time code is wanted as well: set IAMConfig.Passcode", codeartsbuild.ErrUnauthorized},
		"a one-time code is wanted, no more":   {401, `{"receipt":{}}`, "401", "a one-time code is wanted as well: set IAMConfig.Passcode", codeartsbuild.ErrUnauthorized},
		"nothing":                              {401, ``, "", "", codeartsbuild.ErrUnauthorized},
		"a page":                               {404, `<!doctype html><title>404 Not Found</title><h1>Not Found</h1>`, "", "404 Not Found", codeartsbuild.ErrNotFound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpmock.NewMockTransport()
			transport.RegisterNoResponder(iamReply(tt.status, tt.body, "Openstack-Auth-Receipt", iamToken, "X-Openstack-Request-Id", "req-1"))
			token, err := iamSource(t, iamConfig(transport)).Token(t.Context())
			apiErr := requireIAMAPIError(t, token, err, iamPassword, iamToken)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.Equal(t, tt.code, apiErr.ErrorCode)
			require.Equal(t, tt.message, apiErr.ErrorMsg)
			require.Equal(t, "req-1", apiErr.RequestID)
			requireIAMKind(t, err, tt.kind)
			require.Equal(t, 1, transport.GetTotalCallCount())
		})
	}
}

// B18: what the caller of an operation sees of it, and that the service sees nothing.
func TestB18CallWhoseLoginIsRefused(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	cfg := srv.IAMConfig()
	cfg.Password = codeartsbuild.StaticSecret("n0t-the-password")
	_, err := authStop(t.Context(), srv.Client(codeartsbuild.WithTokenSource(iamSource(t, cfg))))
	apiErr := requireIAMAPIError(t, nil, err, "n0t-the-password")
	require.Equal(t, 401, apiErr.StatusCode)
	require.Equal(t, "401", apiErr.ErrorCode)
	requireIAMKind(t, err, codeartsbuild.ErrUnauthorized)
	require.Len(t, srv.Requests(), 1, "one login, and nothing else")
}

func TestB18SecondFactor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		passcode codeartsbuild.SecretFunc
		ok       bool
		text     string
	}{
		"right":   {codeartsbuild.StaticSecret("083585"), true, ""},
		"wrong":   {codeartsbuild.StaticSecret("0000-wrong"), false, "requires authentication"},
		"missing": {nil, false, "one-time code"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := codeartsbuildtest.NewServer()
			defer srv.Close()
			cfg := srv.IAMConfig()
			cfg.UserName, cfg.Passcode = "builder-mfa", tt.passcode
			token, err := iamSource(t, cfg).Token(t.Context())
			if tt.ok {
				require.NoError(t, err)
				require.NotEmpty(t, token.Value())
				return
			}
			apiErr := requireIAMAPIError(t, token, err, "0000-wrong")
			require.Equal(t, "401", apiErr.ErrorCode)
			require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
			require.ErrorContains(t, err, tt.text)
		})
	}
}

// B6: a server may quote the request in any spelling; of the statuses with which it does so, only the title
// of the answer is kept, and no body.
func TestB6RefusedLoginThatQuotesThePassword(t *testing.T) {
	t.Parallel()
	password := "p\"ä/ss<&>\\w'\u2028rd"
	quoted, err := json.Marshal(map[string]string{"password": password})
	require.NoError(t, err)
	spellings := map[string]string{
		"JSON":       string(quoted),
		"u escapes":  `{"password":"\u0070\u0022\u00e4\u002f\u0073\u0073\u003c\u0026\u003e\u005cw'\u2028rd"}`,
		"Python":     `{'password': 'p"\xe4/ss<&>\\w\'\u2028rd'}`,
		"HTML":       `password=p&quot;&auml;/ss&lt;&amp;&gt;\w&#39;&#8232;rd`,
		"form":       `password=p%22%C3%A4%2Fss%3C%26%3E%5Cw%27%E2%80%A8rd`,
		"base64":     `Basic cCLDpC9zczwmPlx3J+KAqHJk`,
		"upper case": `P"Ä/SS<&>\W'RD`,
	}
	asText := func(text string) string {
		encoded, _ := json.Marshal(text)
		return string(encoded)
	}
	const mark = "what-was-quoted"
	for name, spelling := range spellings {
		spelling = mark + " " + spelling
		for _, tt := range []struct {
			kind   string
			status int
			body   string
		}{
			{"Keystone", 400, `{"error":{"code":400,"message":` + asText(spelling) + `,"title":"Bad Request"}}`},
			{"Keystone", 413, `{"code":"413 Request Entity Too Large","message":` + asText(spelling) + `,"title":"Request Entity Too Large"}`},
			{"IAM", 400, `{"error_code":"IAM.0007","error_msg":` + asText(spelling) + `}`},
			{"text", 400, "cannot read: " + spelling},
			{"text", 413, spelling},
			{"page", 400, `<html><title>400 Bad Request</title><body>` + spelling + `</body></html>`},
			{"JSON text", 400, asText("cannot read: " + spelling)},
			{"text", 422, spelling},
			{"page", 308, `<html><body>` + spelling + `</body></html>`},
		} {
			t.Run(fmt.Sprintf("%s in a %d of the form %s", name, tt.status, tt.kind), func(t *testing.T) {
				t.Parallel()
				cfg := iamConfig(iamAnswers(iamReply(tt.status, tt.body)))
				cfg.Password = codeartsbuild.StaticSecret(password)
				token, err := iamSource(t, cfg).Token(t.Context())
				requireIAMAPIError(t, token, err, password, mark)
			})
		}
	}
}

// B6: what is cut off must not hide a secret from the search for it.
func TestB6SecretAtTheEdgeOfWhatIsKept(t *testing.T) {
	t.Parallel()
	const start = "Build3r-Pa55" // enough to guess the rest
	code := codeartsbuild.StaticSecret("c0de-of-this-minute")
	for _, status := range []int{201, 401, 500} {
		for form, body := range map[string]func(padding, secrets string) string{
			"text":    func(padding, secrets string) string { return padding + secrets },
			"page":    func(padding, secrets string) string { return "<p>" + padding + secrets + "</p>" },
			"title":   func(padding, secrets string) string { return "<title>" + padding + secrets + "</title>" },
			"message": func(padding, secrets string) string { return `{"error":{"message":"` + padding + secrets + `"}}` },
			"code":    func(padding, secrets string) string { return `{"error_code":"` + padding + secrets + `"}` },
		} {
			t.Run(fmt.Sprintf("%s in a %d", form, status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var lengths []int
					for _, edge := range []int{64, 160, 400, 512, 2 << 10, 4 << 10} {
						for before := 0; before < 48; before += 2 {
							lengths = append(lengths, edge-before)
						}
					}
					for _, n := range lengths {
						answer := iamReply(status, body(strings.Repeat("x", n), iamPassword+" c0de-of-this-minute"), "X-Subject-Token", iamToken)
						cfg := iamConfig(iamAnswers(answer))
						cfg.Passcode = code
						token, err := iamSource(t, cfg).Token(t.Context())
						requireIAMError(t, token, err, start, "c0de-of-this")
						if t.Failed() {
							return
						}
					}
				})
			})
		}
	}
}

// B20: the local clock and the one of IAM need not agree, since only the difference of IAM's own times counts.
func TestB20ClockOfAnotherTime(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{
		"right": 0, "an hour ahead": -time.Hour, "an hour behind": time.Hour, "a day ahead": -24 * time.Hour, "26 years behind": 26 * 365 * 24 * time.Hour,
	} {
		for _, lifetime := range []time.Duration{24 * time.Hour, 30 * time.Minute} {
			t.Run(fmt.Sprintf("%s, token of %v", name, lifetime), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					transport := iamAnswers(func(*http.Request) (*http.Response, error) {
						now := time.Now().Add(skew)
						return iamSuccess(iamTime(now), iamTime(now.Add(lifetime))), nil
					})
					source := iamSource(t, iamConfig(transport))
					started := time.Now()
					first, err := source.Token(t.Context())
					require.NoError(t, err)
					require.Equal(t, started.Add(skew+lifetime).UTC(), first.ExpiresAt().UTC(), "by the issuer's clock")
					window := min(lifetime/10, 10*time.Minute)
					time.Sleep(lifetime - window - time.Second)
					again, err := source.Token(t.Context())
					require.NoError(t, err)
					require.Same(t, first, again)
					require.Len(t, transport.sent(), 1, "logins before the token has to be renewed")
					time.Sleep(window)
					renewed, err := source.Token(t.Context())
					require.NoError(t, err)
					require.NotSame(t, first, renewed)
					require.Len(t, transport.sent(), 2)
				})
			})
		}
	}
}

// B20: the lifetime counts from receipt, so that a slow answer makes the token end too late rather than
// be thrown away; a refusal renews it then.
func TestB20LifetimeCountsFromReceipt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issued := time.Now()
		transport := iamAnswers(func(*http.Request) (*http.Response, error) {
			time.Sleep(8 * time.Second)
			return iamSuccess(iamTime(issued), iamTime(issued.Add(time.Hour))), nil
		})
		source := iamSource(t, iamConfig(transport))
		_, err := source.Token(t.Context())
		require.NoError(t, err)
		time.Sleep(54*time.Minute - time.Second) // 8 s more than would be left by the wall clock
		_, err = source.Token(t.Context())
		require.NoError(t, err)
		require.Len(t, transport.sent(), 1)
	})
}

func TestIAMSecretsAreAskedForAtEachLogin(t *testing.T) {
	t.Parallel()
	var asked []string
	secret := func(values ...string) codeartsbuild.SecretFunc {
		n := 0
		return func(context.Context) (string, error) {
			n++
			asked = append(asked, values[n-1])
			return values[n-1], nil
		}
	}
	transport := iamAnswers(iamGranted)
	cfg := iamConfig(transport)
	cfg.Password, cfg.Passcode = secret("old password", "new password"), secret("111111", "222222")
	source := iamSource(t, cfg)
	cfg.Password, cfg.UserName, cfg.Transport = nil, "changed afterwards", nil
	require.Empty(t, asked, "before the first login")
	for range 2 {
		token, err := source.Token(t.Context())
		require.NoError(t, err)
		_, err = source.Token(t.Context())
		require.NoError(t, err)
		source.Invalidate(token)
	}
	require.Equal(t, []string{"old password", "111111", "new password", "222222"}, asked)
	sent := transport.sent()
	require.Len(t, sent, 2)
	require.Contains(t, sent[0].body, `"old password"`)
	require.Contains(t, sent[1].body, `"new password"`)
	require.Contains(t, sent[1].body, `"222222"`)
	require.Contains(t, sent[1].body, `"builder"`)
}

func TestIAMSecretThatIsNotToBeHad(t *testing.T) {
	t.Parallel()
	sealed := errors.New("the vault is sealed")
	failing := func(context.Context) (string, error) { return "beside-the-error", sealed }
	tests := map[string]struct {
		password, passcode codeartsbuild.SecretFunc
		want               error
	}{
		"password fails":         {failing, nil, sealed},
		"password is empty":      {codeartsbuild.StaticSecret(""), nil, codeartsbuild.ErrInvalidArgument},
		"one-time code fails":    {codeartsbuild.StaticSecret(iamPassword), failing, sealed},
		"one-time code is empty": {codeartsbuild.StaticSecret(iamPassword), codeartsbuild.StaticSecret(""), codeartsbuild.ErrInvalidArgument},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := iamAnswers(iamGranted)
			cfg := iamConfig(transport)
			cfg.Password, cfg.Passcode = tt.password, tt.passcode
			source := iamSource(t, cfg)
			token, err := source.Token(t.Context())
			require.ErrorIs(t, err, tt.want)
			requireIAMError(t, token, err, iamPassword, "beside-the-error")
			require.Empty(t, transport.sent(), "nothing is sent")

			srv := codeartsbuildtest.NewServer()
			defer srv.Close()
			_, err = authStop(t.Context(), srv.Client(codeartsbuild.WithTokenSource(source)))
			require.ErrorIs(t, err, tt.want)
			require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
			require.Empty(t, srv.Requests())
		})
	}
}

func TestIAMConfigThatIsRefused(t *testing.T) {
	t.Parallel()
	type config = codeartsbuild.IAMConfig
	tests := map[string]func(cfg *config){
		"nothing":                        func(cfg *config) { *cfg = config{} },
		"neither region nor endpoint":    func(cfg *config) { cfg.Endpoint = "" },
		"no user":                        func(cfg *config) { cfg.UserName = "" },
		"user by name and id":            func(cfg *config) { cfg.UserID = "u1" },
		"account by name and id":         func(cfg *config) { cfg.DomainID = "d1" },
		"project by name and id":         func(cfg *config) { cfg.ProjectID = iamProject },
		"no project":                     func(cfg *config) { cfg.ProjectName = "" },
		"names without an account":       func(cfg *config) { cfg.DomainName = "" },
		"user name without an account":   func(cfg *config) { cfg.DomainName, cfg.ProjectName, cfg.ProjectID = "", "", iamProject },
		"project name without account":   func(cfg *config) { cfg.DomainName, cfg.UserName, cfg.UserID = "", "", "u1" },
		"region's project, no account":   func(cfg *config) { *cfg = config{Region: "cn-north-4", UserID: "u1", Password: cfg.Password} },
		"no password":                    func(cfg *config) { cfg.Password = nil },
		"a one-time code alone":          func(cfg *config) { cfg.Password, cfg.Passcode = nil, codeartsbuild.StaticSecret(iamPasscode) },
		"region that is none":            func(cfg *config) { cfg.Region, cfg.Endpoint = "cn-north-4.evil.example.com/", "" },
		"region with capitals":           func(cfg *config) { cfg.Region, cfg.Endpoint = "CN North 4", "" },
		"endpoint is no URL":             func(cfg *config) { cfg.Endpoint = "https://iam.example.com:port" },
		"endpoint without a scheme":      func(cfg *config) { cfg.Endpoint = "iam.example.com" },
		"endpoint without a host":        func(cfg *config) { cfg.Endpoint = "https:///v3" },
		"endpoint of another scheme":     func(cfg *config) { cfg.Endpoint = "ftp://iam.example.com" },
		"endpoint with a password":       func(cfg *config) { cfg.Endpoint = "https://user:" + iamPassword + "@iam.example.com" },
		"endpoint with a query":          func(cfg *config) { cfg.Endpoint = "https://iam.example.com/?a=b" },
		"endpoint with a fragment":       func(cfg *config) { cfg.Endpoint = "https://iam.example.com/#v3" },
		"endpoint with two slashes":      func(cfg *config) { cfg.Endpoint = "https://iam.example.com//" },
		"endpoint with a line break":     func(cfg *config) { cfg.Endpoint = "https://iam.example.com/\r\nv3" },
		"B4 http":                        func(cfg *config) { cfg.Endpoint = "http://iam.example.com" },
		"B4 http, looks like a loopback": func(cfg *config) { cfg.Endpoint = "http://127.0.0.1.example.com" },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := iamAnswers(iamGranted)
			cfg := iamConfig(transport)
			cfg.Password = func(context.Context) (string, error) {
				t.Error("the password was asked for")
				return iamPassword, nil
			}
			change(&cfg)
			source, err := codeartsbuild.NewIAMTokenSource(cfg)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			require.Nil(t, source)
			require.NotContains(t, iamPrinted(err), iamPassword)
			require.Empty(t, transport.sent())
		})
	}
}

func TestIAMEndpoint(t *testing.T) {
	t.Parallel()
	const path = "/v3/auth/tokens?nocatalog=true"
	tests := map[string]struct {
		region, endpoint string
		insecure         bool
		want             string
	}{
		"of a region":             {"cn-north-4", "", false, "https://iam.cn-north-4.myhuaweicloud.com" + path},
		"of a region yet unheard": {"ae-west-99", "", false, "https://iam.ae-west-99.myhuaweicloud.com" + path},
		"beside a region":         {"cn-north-4", "https://iam.example.com", false, "https://iam.example.com" + path},
		"B3 with a slash":         {"", "https://iam.example.com/", false, "https://iam.example.com" + path},
		"with the version":        {"", "https://iam.example.com/v3", false, "https://iam.example.com" + path},
		"with version and slash":  {"", "https://iam.example.com/v3/", false, "https://iam.example.com" + path},
		"with a prefix":           {"", "https://example.com/identity", false, "https://example.com/identity" + path},
		"with prefix and version": {"", "https://example.com/identity/v3", false, "https://example.com/identity" + path},
		"with an escaped prefix":  {"", "https://example.com/a%2Fb/v3", false, "https://example.com/a%2Fb" + path},
		"with a port":             {"", "https://iam.example.com:5000", false, "https://iam.example.com:5000" + path},
		"B4 loopback":             {"", "http://127.0.0.1:5000", false, "http://127.0.0.1:5000" + path},
		"B4 loopback by name":     {"", "http://localhost:5000", false, "http://localhost:5000" + path},
		"B4 loopback of IPv6":     {"", "http://[::1]:5000", false, "http://[::1]:5000" + path},
		"B4 http, allowed":        {"", "http://iam.example.com", true, "http://iam.example.com" + path},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := iamAnswers(iamGranted)
			cfg := iamConfig(transport)
			cfg.Region, cfg.Endpoint, cfg.InsecureHTTP = tt.region, tt.endpoint, tt.insecure
			_, err := iamSource(t, cfg).Token(t.Context())
			require.NoError(t, err)
			require.Equal(t, tt.want, transport.sent()[0].url)
		})
	}
}

// B4: the message names the option of the place where it is to be set.
func TestB4RefusedEndpointOfIAMNamesTheFieldThatAllowsIt(t *testing.T) {
	t.Parallel()
	cfg := iamConfig(nil)
	cfg.Endpoint = "http://iam.example.com"
	_, err := codeartsbuild.NewIAMTokenSource(cfg)
	require.ErrorContains(t, err, "InsecureHTTP")
	require.NotContains(t, err.Error(), "WithInsecureHTTP")
}

// The source of the cache is the one whose connections are closed.
func TestIAMClosesItsIdleConnections(t *testing.T) {
	t.Parallel()
	closer := &iamClosing{iamTransport: iamAnswers(iamGranted)}
	iamSource(t, iamConfig(closer)).CloseIdleConnections()
	require.Equal(t, 1, closer.closed)
}

type iamClosing struct {
	*iamTransport
	closed int
}

func (c *iamClosing) CloseIdleConnections() { c.closed++ }

// B16, B6: whatever answers a login, the result is an error without the password or a token that can be sent.
func FuzzIAMAnswer(f *testing.F) {
	const code = "c0de-of-this-minute" // digits alone would be found where nobody put them
	for _, r := range iamRecordings(f) {
		answer, err := r.answer(nil)
		require.NoError(f, err)
		body, _ := io.ReadAll(answer.Body) // a HEAD has none
		f.Add(answer.StatusCode, answer.Header.Get("X-Subject-Token"), body)
	}
	f.Add(201, "gAAAAAB\r\n", []byte(`{"token":{"project":{"id":1}}}`))
	f.Add(307, "https://"+iamPassword+".example.com/?"+iamPassword, []byte(`{}`))
	f.Add(400, iamPassword, []byte(`{"error":{"code":"`+iamPassword+`","message":["`+iamPassword+`"],"title":"`+iamPassword+`"}}`))
	f.Add(401, code, []byte(`"{\"error_code\":\"IAM.0011\",\"error_msg\":\"Build3r\\u002dPa55word c0de-of-this-minute\"}"`))
	f.Add(500, "-1", []byte("\xef\xbb\xbf<title>"+iamPassword+"</title>"))
	f.Add(0, "", []byte(nil))
	f.Fuzz(func(t *testing.T, status int, header string, body []byte) {
		synctest.Test(t, func(t *testing.T) {
			transport := iamAnswers(func(*http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: status, ProtoMajor: 1, ProtoMinor: 1,
					Header: http.Header{
						"X-Subject-Token": {header}, "X-Openstack-Request-Id": {header}, "Location": {header}, "Retry-After": {header}, "Date": {header},
					},
					Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
				}, nil
			})
			cfg := iamConfig(transport)
			cfg.Passcode = codeartsbuild.StaticSecret(code)
			token, err := iamSource(t, cfg).Token(t.Context())
			if err != nil {
				requireIAMError(t, token, err, iamPassword, code)
			} else {
				require.NotEmpty(t, token.ProjectID())
				require.NotEmpty(t, token.Value())
				require.NotContains(t, fmt.Sprintf("%v %+v %#v %s %q", token, token, token, token, token), token.Value())
				require.Equal(t, -1, strings.IndexFunc(token.Value(), func(r rune) bool { return r < ' ' || r > '~' }), "a token that no header can carry")
				require.True(t, status >= 200 && status < 300, "a token with status %d", status)
			}
			requests := len(transport.sent())
			require.LessOrEqual(t, requests, 5)
			if status == 401 || status == 403 || (status >= 300 && status < 400) {
				require.Equal(t, 1, requests)
			}
		})
	})
}
