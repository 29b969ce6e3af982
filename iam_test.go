package codeartsbuild_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const (
	loginPassword = "Build3r-Pa55word"
	loginPasscode = "083585"
	loginToken    = "gAAAAABsomebody-elses-token"
	loginProject  = "d3efaaea5fa4443f8ada1d87e8387c18"
)

// loginConfig logs in by names, through transport.
func loginConfig(transport http.RoundTripper) codeartsbuild.IAMConfig {
	return codeartsbuild.IAMConfig{
		Endpoint:    "https://iam.example.com",
		DomainName:  "acme",
		UserName:    "builder",
		Password:    codeartsbuild.StaticSecret(loginPassword),
		ProjectName: "eu-west-101",
		Transport:   transport,
	}
}

// loginSuccess responds to a login; issued and expires are JSON, or "" for none.
func loginSuccess(issued, expires string) httpfake.Func {
	times := ""
	if issued != "" {
		times += `"issued_at":` + issued + `,`
	}
	if expires != "" {
		times += `"expires_at":` + expires + `,`
	}
	return httpfake.Reply(201, `{"token":{`+times+`"project":{"id":"`+loginProject+`"}}}`, "X-Subject-Token", loginToken)
}

// keystoneTime is a time as Keystone writes it, in JSON.
func keystoneTime(at time.Time) string {
	return `"` + at.UTC().Format("2006-01-02T15:04:05.000000Z") + `"`
}

// granted responds to a login with a token that lives for a day.
func granted(req *http.Request) (*http.Response, error) {
	now := time.Now()
	return loginSuccess(keystoneTime(now), keystoneTime(now.Add(24*time.Hour)))(req)
}

// requireLoginError checks what holds for every failed login.
func requireLoginError(t *testing.T, token *codeartsbuild.Token, err error, secrets ...string) {
	t.Helper()
	require.Error(t, err)
	require.Nil(t, token, "a token beside the error")
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	require.NotContains(t, err.Error(), "\n")
	require.Less(t, len(err.Error()), 1024)
	require.Contains(t, err.Error(), "CreateToken")
	printed := printedError(err)
	for _, secret := range secrets {
		if secret != "" && strings.Contains(printed, secret) {
			t.Errorf("the error shows %q: %s", secret, printed)
		}
	}
}

// requireLoginAPIError checks the same of a login that had a response.
func requireLoginAPIError(t *testing.T, token *codeartsbuild.Token, err error, secrets ...string) *codeartsbuild.APIError {
	t.Helper()
	requireLoginError(t, token, err, secrets...)
	apiErr := sdktest.APIError(t, err)
	require.Equal(t, "CreateToken", apiErr.Operation)
	return apiErr
}
