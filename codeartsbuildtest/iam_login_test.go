package codeartsbuildtest

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ours puts this server's ids and passwords in the place of those of the recorded Keystone.
var ours = strings.NewReplacer(
	"Build3r-Pa55word", userPassword,
	"Mfa-Pa55word-1", userPassword,
	"e53f818cca2245559984021a1593d1f9", userID,
	"2f606a42ce8945f2a3ddf07e6c297762", hexID("user", mfaUserName),
	"c96558ac66cd4d8586cb8a68bd3e9739", accountID,
	"d3efaaea5fa4443f8ada1d87e8387c18", projectID,
)

// recorded reads what was sent to a real Keystone and its response.
func recorded(t *testing.T, name string) (*http.Request, string, *http.Response, string) {
	t.Helper()
	open := func(kind string) *bufio.Reader {
		data, err := os.ReadFile(filepath.Join("..", "testdata", "iam", name+"."+kind+".http"))
		require.NoError(t, err)
		return bufio.NewReader(bytes.NewReader(data))
	}
	req, err := http.ReadRequest(open("request"))
	require.NoError(t, err)
	sent, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	res, err := http.ReadResponse(open("response"), req)
	require.NoError(t, err)
	got, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return req, string(sent), res, string(got)
}

// sendRecorded sends a recorded request.
func sendRecorded(t *testing.T, srv *Server, req *http.Request, body string) response {
	t.Helper()
	c := &caller{t: t, transport: &transport{srv}, origin: memoryOrigin}
	own := c.request(req.Method, req.URL.RequestURI(), body)
	own.Header = req.Header.Clone()
	got, err := c.try(own)
	require.NoError(t, err)
	return got
}

func TestLoginsAreAsRecorded(t *testing.T) {
	t.Parallel()
	for _, name := range strings.Fields(`
		project-by-name project-by-id user-by-id domain-by-id domain-scoped unscoped no-scope nocatalog nocatalog-bare
		chunked-request charset-upper-case content-type-missing totp-by-id totp-by-name trailing-slash
		wrong-password unknown-user unknown-domain unknown-project unknown-project-id empty-methods missing-password
		empty-password totp-missing totp-wrong totp-number totp-not-required totp-password-wrong
		malformed-json json-null json-array invalid-utf8 empty-body missing-auth missing-password-block unknown-method
		missing-user-domain project-name-without-domain two-scopes empty-scope content-type-text content-type-form
		body-too-large`) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, sent, want, wantBody := recorded(t, name)
			got := sendRecorded(t, NewServer(), req, ours.Replace(sent))
			assert.Equal(t, want.StatusCode, got.status, got.body)
			assert.Equal(t, "application/json", got.header.Get("Content-Type"))
			for _, header := range []string{"X-Subject-Token", "Www-Authenticate", "Openstack-Auth-Receipt"} {
				assert.Equal(t, want.Header.Get(header) == "", got.header.Get(header) == "", header)
			}
			assertSameForm(t, wantBody, got.body)
			if want.StatusCode >= 400 && name != "totp-missing" {
				assert.JSONEq(t, wantBody, got.body)
			}
		})
	}
}

// Keystone quotes a request that fails its schema, with the password in it. The words of the schema are its own.
func TestSchemaErrorsQuoteTheRequest(t *testing.T) {
	t.Parallel()
	for name, quoted := range map[string]string{
		"missing-identity": `eu-west-101`,
		"missing-methods":  userPassword,
		"null-password":    `"builder"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, sent, want, wantBody := recorded(t, name)
			got := sendRecorded(t, NewServer(), req, ours.Replace(sent))
			assert.Equal(t, want.StatusCode, got.status)
			assertSameForm(t, wantBody, got.body)
			message := got.value(t, "error.message").(string)
			assert.Contains(t, message, "\n")
			assert.Contains(t, message, quoted)
		})
	}
}

func TestMalformedIdentities(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"identity is a list":  `{"auth":{"identity":[]}}`,
		"auth is a list":      `{"auth":[]}`,
		"methods is a string": `{"auth":{"identity":{"methods":"password"}}}`,
		"scope is a number":   `{"auth":{"identity":{"methods":[]},"scope":1}}`,
		"nobody":              `{"auth":{"identity":{"methods":["password"],"password":{}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &caller{t: t, transport: &transport{NewServer()}, origin: memoryOrigin}
			got := c.call("POST", "/v3/auth/tokens", body)
			assert.Equal(t, 400, got.status, got.body)
			assert.Equal(t, "Bad Request", got.value(t, "error.title"))
		})
	}
}

func TestUnknownWaysToLogIn(t *testing.T) {
	t.Parallel()
	user := `{"user":{"name":"builder","password":"` + userPassword + `","passcode":"083585","domain":{"name":"acme"}}}`
	for name, body := range map[string]string{
		"by a token":            `{"auth":{"identity":{"methods":["token"],"token":{"id":"x"}}}}`,
		"by a code alone":       `{"auth":{"identity":{"methods":["totp"],"totp":` + strings.ReplaceAll(user, "builder", "builder-mfa") + `}}}`,
		"as two users":          `{"auth":{"identity":{"methods":["password","totp"],"password":` + user + `,"totp":` + strings.ReplaceAll(user, "builder", "builder-mfa") + `}}}`,
		"for a system":          `{"auth":{"identity":{"methods":["password"],"password":` + user + `},"scope":{"system":{}}}}`,
		"for an unknown domain": `{"auth":{"identity":{"methods":["password"],"password":` + user + `},"scope":{"domain":{"name":"x"}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &caller{t: t, transport: &transport{NewServer()}, origin: memoryOrigin}
			got := c.call("POST", "/v3/auth/tokens", body)
			assert.Equal(t, 401, got.status, got.body)
			assert.Equal(t, "Unauthorized", got.value(t, "error.title"))
		})
	}
}

func TestASlashTooManyRedirects(t *testing.T) {
	t.Parallel()
	req, sent, want, _ := recorded(t, "double-slash")
	srv := NewServer()
	got := sendRecorded(t, srv, req, ours.Replace(sent))
	assert.Equal(t, want.StatusCode, got.status)
	assert.Equal(t, memoryOrigin+"/v3/auth/tokens", got.header.Get("Location"))
	assert.Equal(t, want.Header.Get("Content-Type"), got.header.Get("Content-Type"))
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		time.Sleep(tokenLifetime - time.Millisecond)
		assert.Equal(t, 200, c.get("/v1/job/list").status)
		time.Sleep(time.Millisecond)
		got := c.get("/v1/job/list")
		assert.Equal(t, 401, got.status)
		assertSameForm(t, example(t, "error.gateway-token-401"), got.body)
		assert.Equal(t, "APIGW.0307", got.value(t, "error_code"))
		assert.Equal(t, "The token must be updated", got.value(t, "error_msg"))
	})
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	login := func(scope string) string {
		body := strings.Replace(loginBody, `"scope":{"project":{"name":"eu-west-101","domain":{"name":"acme"}}}`, scope, 1)
		return c.call("POST", "/v3/auth/tokens", body).header.Get("X-Subject-Token")
	}
	tests := map[string]struct {
		token  string
		status int
		code   string
	}{
		"none":             {"", 401, "APIGW.0301"},
		"unknown":          {"x", 401, "APIGW.0307"},
		"of an account":    {login(`"scope":{"domain":{"name":"acme"}}`), 403, "APIGW.0302"},
		"without a scope":  {login(`"scope":"unscoped"`), 403, "APIGW.0302"},
		"without any word": {login(`"x":1`), 403, "APIGW.0302"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			with := &caller{t: t, transport: c.transport, origin: memoryOrigin, token: tt.token}
			got := with.get("/v1/job/list")
			assert.Equal(t, tt.status, got.status)
			assert.Equal(t, tt.code, got.value(t, "error_code"))
			assertSameForm(t, example(t, "error.gateway-auth-401"), got.body)
		})
	}
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	cfg := srv.IAMConfig()
	cfg.UserName = "builder-mfa"
	tokens, err := codeartsbuild.NewIAMTokenSource(cfg)
	require.NoError(t, err)
	_, err = tokens.Token(t.Context())
	require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)

	cfg.Passcode = codeartsbuild.StaticSecret("083585")
	tokens, err = codeartsbuild.NewIAMTokenSource(cfg)
	require.NoError(t, err)
	_, err = tokens.Token(t.Context())
	require.NoError(t, err)
}
