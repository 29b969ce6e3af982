package codeartsbuild_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// A keystoneRecording is one exchange with a real Keystone.
type keystoneRecording struct {
	name               string
	method, path       string
	password, passcode string // as sent; "" if none was
	response           []byte
}

var (
	passwordSent = regexp.MustCompile(`"password": ("(?:[^"\\]|\\.)*")`)
	passcodeSent = regexp.MustCompile(`"passcode": "?(\d+)`)
)

func keystoneRecordings(t testing.TB) []keystoneRecording {
	t.Helper()
	files, err := filepath.Glob("testdata/iam/*.request.http")
	require.NoError(t, err)
	require.Len(t, files, 85)
	recordings := make([]keystoneRecording, 0, len(files))
	for _, file := range files {
		sent, err := os.ReadFile(file)
		require.NoError(t, err)
		response, err := os.ReadFile(strings.TrimSuffix(file, ".request.http") + ".response.http")
		require.NoError(t, err)
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(sent)))
		require.NoError(t, err)
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		r := keystoneRecording{
			name: strings.TrimSuffix(filepath.Base(file), ".request.http"), method: req.Method, path: req.URL.Path, response: response,
		}
		if m := passwordSent.FindSubmatch(body); m != nil {
			require.NoError(t, json.Unmarshal(m[1], &r.password))
		}
		if m := passcodeSent.FindSubmatch(body); m != nil {
			r.passcode = string(m[1])
		}
		recordings = append(recordings, r)
	}
	return recordings
}

// respond gives the recorded response.
func (r *keystoneRecording) respond(req *http.Request) (*http.Response, error) {
	if r.method == http.MethodHead {
		req = &http.Request{Method: http.MethodHead} // else the missing body would look cut off
	}
	return http.ReadResponse(bufio.NewReader(bytes.NewReader(r.response)), req)
}

// config logs in with the recorded password. A recording without one gets another, since a login without a
// password is rejected.
func (r *keystoneRecording) config(transport http.RoundTripper) codeartsbuild.IAMConfig {
	cfg := loginConfig(transport)
	if r.password != "" {
		cfg.Password = codeartsbuild.StaticSecret(r.password)
	}
	if r.passcode != "" {
		cfg.Passcode = codeartsbuild.StaticSecret(r.passcode)
	}
	return cfg
}

// B3, B6, B14, B15, B16, B17, B18, B20: every response of Keystone to a login.
func TestRecordedLogins(t *testing.T) {
	t.Parallel()
	type want struct {
		status int
		code   string
		kind   error
		text   string // what the error says
	}
	success := want{status: 201}
	unscoped := want{201, "", codeartsbuild.ErrNotProjectScoped, "not scoped to a project"}
	rejected := want{401, "401", codeartsbuild.ErrUnauthorized, "requires authentication"}
	malformed := want{400, "400", codeartsbuild.ErrBadRequest, "Bad Request"}
	tests := map[string]want{
		"project-by-name": success, "project-by-id": success, "user-by-id": success, "domain-by-id": success,
		"no-scope-default-project": success, "nocatalog": success, "nocatalog-bare": success,
		"unicode": success, "unicode-escaped": success,
		"chunked-request": success, "charset-upper-case": success, "content-type-missing": success,
		"totp-by-id": success, "totp-by-name": success, "totp-reused": success, "totp-previous": success, "totp-with-receipt": success,
		"token-to-revoke": success, "trailing-slash": success,

		"domain-scoped": unscoped, "unscoped": unscoped, "no-scope": unscoped, // B17

		"wrong-password": rejected, "unknown-user": rejected, "unknown-domain": rejected, "unknown-project": rejected,
		"unknown-project-id": rejected, "no-role": rejected, "domain-without-role": rejected, "disabled-user": rejected,
		"disabled-project": rejected, "locked-user": rejected,
		"empty-methods": rejected, "missing-password": rejected, "empty-password": rejected,
		"totp-wrong": rejected, "totp-number": rejected, "totp-not-required": rejected, "totp-password-wrong": rejected,
		"password-expired": {status: 401, code: "401", kind: codeartsbuild.ErrUnauthorized, text: "password is expired"},
		"totp-missing":     {status: 401, code: "401", kind: codeartsbuild.ErrUnauthorized, text: "one-time code"}, // B18

		"malformed-json": malformed, "json-null": malformed, "json-array": malformed, "invalid-utf8": malformed,
		"empty-body": malformed, "missing-auth": malformed, "missing-identity": malformed, "missing-methods": malformed,
		"null-password": malformed, "missing-password-block": malformed, "unknown-method": malformed,
		"missing-user-domain": malformed, "project-name-without-domain": malformed,
		"two-scopes": malformed, "empty-scope": malformed, "content-type-text": malformed, "content-type-form": malformed,
		"body-too-large": {status: 413, code: "413 Request Entity Too Large", text: "Request Entity Too Large"}, // B18

		"double-slash": {status: 308, kind: codeartsbuild.ErrUnexpectedResponse, text: "redirect to 127.0.0.1:34567 not followed"}, // B3
		"post-v2":      {status: 404, kind: codeartsbuild.ErrNotFound, text: "404 Not Found"},
		"post-root":    {status: 405, text: "405 Method Not Allowed"},
	}
	logins := 0
	for _, r := range keystoneRecordings(t) {
		if r.method != http.MethodPost {
			continue
		}
		logins++
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			want, ok := tests[r.name]
			require.True(t, ok, "a recording without an expectation")
			synctest.Test(t, func(t *testing.T) {
				transport := httpfake.Script(r.respond)
				source := sdktest.TokenSource(t, r.config(transport))
				recorded, err := r.respond(nil)
				require.NoError(t, err)
				require.Equal(t, want.status, recorded.StatusCode)

				token, err := source.Token(t.Context())
				require.Equal(t, 1, transport.Count(), "requests")
				if want == success {
					require.NoError(t, err)
					require.Equal(t, recorded.Header.Get("X-Subject-Token"), token.Value())
					require.Equal(t, loginProject, token.ProjectID())
					requireLifetime(t, source, transport, token, recorded)
					return
				}
				apiErr := requireLoginAPIError(t, token, err, r.password, r.passcode,
					recorded.Header.Get("Openstack-Auth-Receipt"), recorded.Header.Get("X-Subject-Token"))
				require.Equal(t, want.status, apiErr.StatusCode)
				require.Equal(t, want.code, apiErr.ErrorCode)
				require.Contains(t, err.Error(), want.text)
				require.Equal(t, recorded.Header.Get("X-Openstack-Request-Id"), apiErr.RequestID)
				require.Equal(t, 1, apiErr.Attempts)
				requireKind(t, err, want.kind)
			})
		})
	}
	require.Len(t, tests, logins, "expectations without a recording")
}

// requireLifetime checks that the token is used for 24 hours from now, and renewed at their end, although
// the clock of the bubble shows another year than Keystone's did.
func requireLifetime(t *testing.T, source *codeartsbuild.CachedTokenSource, transport *httpfake.Recorder, token *codeartsbuild.Token, recorded *http.Response) {
	t.Helper()
	issued, err := http.ParseTime(recorded.Header.Get("Date"))
	require.NoError(t, err)
	require.WithinDuration(t, issued.Add(24*time.Hour), token.ExpiresAt(), 5*time.Second)
	time.Sleep(24*time.Hour - 10*time.Minute - time.Second) // renewal begins 10 minutes before the end
	again, err := source.Token(t.Context())
	require.NoError(t, err)
	require.Same(t, token, again)
	require.Equal(t, 1, transport.Count(), "logins before the token has to be renewed")
	time.Sleep(5 * time.Minute)
	_, err = source.Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, transport.Count(), "logins when it was time")
}

// requireKind checks that err is of one kind and no other.
func requireKind(t *testing.T, err, want error) {
	t.Helper()
	require.Equal(t, sdktest.Kinds(want), sdktest.Kinds(err), "%v", err)
}

// B16: the responses of Keystone to other requests, as if they were to a login.
func TestRecordedOtherResponses(t *testing.T) {
	t.Parallel()
	success := map[string]bool{"validate": true, "validate-itself": true, "validate-nocatalog": true} // token and header are those of a login
	statuses := map[int]error{
		401: codeartsbuild.ErrUnauthorized, 403: codeartsbuild.ErrForbidden, 404: codeartsbuild.ErrNotFound, 405: nil,
		200: codeartsbuild.ErrUnexpectedResponse, 204: codeartsbuild.ErrUnexpectedResponse, 300: codeartsbuild.ErrUnexpectedResponse,
	}
	for _, r := range keystoneRecordings(t) {
		if r.method == http.MethodPost {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := httpfake.Script(r.respond)
				token, err := sdktest.TokenSource(t, r.config(transport)).Token(t.Context())
				recorded, readErr := r.respond(nil)
				require.NoError(t, readErr)
				if success[r.name] {
					require.NoError(t, err)
					require.Equal(t, recorded.Header.Get("X-Subject-Token"), token.Value())
					require.Equal(t, loginProject, token.ProjectID())
					return
				}
				apiErr := requireLoginAPIError(t, token, err, loginPassword, recorded.Header.Get("X-Subject-Token"))
				require.Equal(t, recorded.StatusCode, apiErr.StatusCode)
				kind, ok := statuses[recorded.StatusCode]
				require.True(t, ok, "status %d", recorded.StatusCode)
				requireKind(t, err, kind)
				if recorded.StatusCode >= 300 {
					require.Equal(t, 1, transport.Count(), "requests")
				}
			})
		})
	}
}

// B6, B16: any response to a login gives an error without the password, or a token that can be sent.
func FuzzLoginResponse(f *testing.F) {
	const code = "c0de-of-this-minute" // digits alone would be found elsewhere
	for _, r := range keystoneRecordings(f) {
		recorded, err := r.respond(nil)
		require.NoError(f, err)
		body, _ := io.ReadAll(recorded.Body) // a HEAD has none
		f.Add(recorded.StatusCode, recorded.Header.Get("X-Subject-Token"), body)
	}
	f.Add(201, "gAAAAAB\r\n", []byte(`{"token":{"project":{"id":1}}}`))
	f.Add(307, "https://"+loginPassword+".example.com/?"+loginPassword, []byte(`{}`))
	f.Add(400, loginPassword, []byte(`{"error":{"code":"`+loginPassword+`","message":["`+loginPassword+`"],"title":"`+loginPassword+`"}}`))
	f.Add(401, code, []byte(`"{\"error_code\":\"IAM.0011\",\"error_msg\":\"Build3r\\u002dPa55word c0de-of-this-minute\"}"`))
	f.Add(500, "-1", []byte("\xef\xbb\xbf<title>"+loginPassword+"</title>"))
	f.Add(0, "", []byte(nil))
	f.Fuzz(func(t *testing.T, status int, header string, body []byte) {
		synctest.Test(t, func(t *testing.T) {
			transport := httpfake.Script(func(req *http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: status, ProtoMajor: 1, ProtoMinor: 1,
					Header: http.Header{
						"X-Subject-Token": {header}, "X-Openstack-Request-Id": {header}, "Location": {header}, "Retry-After": {header}, "Date": {header},
					},
					Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
				}, nil
			})
			cfg := loginConfig(transport)
			cfg.Passcode = codeartsbuild.StaticSecret(code)
			token, err := sdktest.TokenSource(t, cfg).Token(t.Context())
			if err != nil {
				requireLoginError(t, token, err, loginPassword, code)
			} else {
				require.NotEmpty(t, token.ProjectID())
				require.NotEmpty(t, token.Value())
				require.NotContains(t, fmt.Sprintf("%v %+v %#v %s %q", token, token, token, token, token), token.Value())
				require.Equal(t, -1, strings.IndexFunc(token.Value(), func(r rune) bool { return r < ' ' || r > '~' }), "a token that no header can carry")
				require.True(t, status >= 200 && status < 300, "a token with status %d", status)
			}
			requests := len(transport.Requests())
			require.LessOrEqual(t, requests, 5)
			if status == 401 || status == 403 || (status >= 300 && status < 400) {
				require.Equal(t, 1, requests)
			}
		})
	})
}
