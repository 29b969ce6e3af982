//go:build keystone

package codeartsbuild_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// These tests log in at a real Keystone. The command `bash .ci/keystone go test -tags keystone -run Keystone .`
// starts one, fills it and says where it is.

// A keystone is the address of the server and its users.
type keystone struct {
	endpoint                          string
	domainName, domainID              string
	projectName, projectID            string
	userName, userID, password        string
	mfaUserName, mfaUserID, mfaSecret string // a user with the same password and a second factor
}

// newKeystone reads the variables of .ci/keystone. A missing one is a failure: these tests run on request only.
func newKeystone(t *testing.T) keystone {
	t.Helper()
	env := func(name string) string {
		value := os.Getenv("CODEARTSBUILD_KEYSTONE_" + name)
		if value == "" {
			t.Fatalf("CODEARTSBUILD_KEYSTONE_%s is not set; run these tests with .ci/keystone", name)
		}
		return value
	}
	return keystone{
		endpoint:    env("ENDPOINT"),
		domainName:  env("DOMAIN_NAME"),
		domainID:    env("DOMAIN_ID"),
		projectName: env("PROJECT_NAME"),
		projectID:   env("PROJECT_ID"),
		userName:    env("USER_NAME"),
		userID:      env("USER_ID"),
		password:    env("PASSWORD"),
		mfaUserName: env("MFA_USER_NAME"),
		mfaUserID:   env("MFA_USER_ID"),
		mfaSecret:   env("MFA_SECRET"),
	}
}

// config logs in by names, through transport.
func (k keystone) config(transport http.RoundTripper) codeartsbuild.IAMConfig {
	return codeartsbuild.IAMConfig{
		Endpoint:    k.endpoint,
		DomainName:  k.domainName,
		UserName:    k.userName,
		Password:    codeartsbuild.StaticSecret(k.password),
		ProjectName: k.projectName,
		Transport:   transport,
	}
}

// call sends a request about token, authenticated by that token itself, and returns the status.
func (k keystone) call(t *testing.T, method string, token *codeartsbuild.Token) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, k.endpoint+"/v3/auth/tokens", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", token.Value())
	req.Header.Set("X-Subject-Token", token.Value())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// A keystoneRecorder passes requests on, changes their body if told to, and keeps the responses.
type keystoneRecorder struct {
	change func(auth map[string]any) // gets the member "auth" of the body

	mu        sync.Mutex
	responses []keystoneResponse
}

type keystoneResponse struct {
	status int
	header http.Header
	body   string
}

func (r *keystoneRecorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.change != nil {
		var err error
		if req, err = r.changed(req); err != nil {
			return nil, err
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))

	r.mu.Lock()
	defer r.mu.Unlock()
	r.responses = append(r.responses, keystoneResponse{resp.StatusCode, resp.Header.Clone(), string(body)})
	return resp, err
}

func (r *keystoneRecorder) changed(req *http.Request) (*http.Request, error) {
	defer req.Body.Close()
	var body struct {
		Auth map[string]any `json:"auth"`
	}
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		return nil, err
	}
	r.change(body.Auth)
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(encoded)), int64(len(encoded))
	return req, nil
}

// only returns the response to the only request.
func (r *keystoneRecorder) only(t *testing.T) keystoneResponse {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.responses) != 1 {
		t.Fatalf("%d requests, want exactly 1", len(r.responses))
	}
	return r.responses[0]
}

func keystoneToken(t *testing.T, src codeartsbuild.TokenSource) *codeartsbuild.Token {
	t.Helper()
	token, err := src.Token(t.Context())
	if err != nil {
		t.Fatalf("Token: %v", err)
	}
	return token
}

// oneTimeCode computes the code of now, as RFC 6238 says: HMAC-SHA-1, six digits, a new one every 30 s.
func oneTimeCode(secret string, now time.Time) (string, error) {
	key, err := base32.StdEncoding.DecodeString(secret)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(now.Unix()/30)))
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000), nil
}

func TestKeystoneOneTimeCode(t *testing.T) {
	t.Parallel()
	secret := base32.StdEncoding.EncodeToString([]byte("12345678901234567890"))
	for seconds, want := range map[int64]string{59: "287082", 1111111109: "081804", 20000000000: "353130"} { // RFC 6238, appendix B
		if got, err := oneTimeCode(secret, time.Unix(seconds, 0)); got != want || err != nil {
			t.Errorf("code at %d: %q, %v, want %q", seconds, got, err, want)
		}
	}
}

// B3: the ways to name account, user and project, and the spellings of the endpoint.
func TestKeystoneLogin(t *testing.T) {
	t.Parallel()
	server := newKeystone(t)
	type config = codeartsbuild.IAMConfig
	mfa := func(cfg *config) {
		cfg.UserName = server.mfaUserName
		cfg.Passcode = func(context.Context) (string, error) { return oneTimeCode(server.mfaSecret, time.Now()) }
	}
	tests := map[string]func(cfg *config){
		"by names":                           func(*config) {},
		"account by id":                      func(cfg *config) { cfg.DomainName, cfg.DomainID = "", server.domainID },
		"user by id":                         func(cfg *config) { cfg.UserName, cfg.UserID = "", server.userID },
		"project by id":                      func(cfg *config) { cfg.ProjectName, cfg.ProjectID = "", server.projectID },
		"region names the project":           func(cfg *config) { cfg.Region, cfg.ProjectName = cfg.ProjectName, "" },
		"slash at the end of the address":    func(cfg *config) { cfg.Endpoint += "/" },
		"address with the version":           func(cfg *config) { cfg.Endpoint += "/v3" },
		"address with the version and slash": func(cfg *config) { cfg.Endpoint += "/v3/" },
		"second factor, user by name":        mfa,
		"second factor, user by id": func(cfg *config) {
			mfa(cfg)
			cfg.UserName, cfg.UserID = "", server.mfaUserID
		},
		"everything by id": func(cfg *config) {
			cfg.DomainName, cfg.UserName, cfg.ProjectName = "", "", ""
			cfg.DomainID, cfg.UserID, cfg.ProjectID = server.domainID, server.userID, server.projectID
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := &keystoneRecorder{}
			cfg := server.config(recorder)
			change(&cfg)
			src := sdktest.TokenSource(t, cfg)

			token := keystoneToken(t, src)
			if got, want := token.ProjectID(), server.projectID; got != want {
				t.Errorf("project of the token: %q, want %q", got, want)
			}
			if left := time.Until(token.ExpiresAt()); left < 23*time.Hour+55*time.Minute || left > 24*time.Hour+time.Minute {
				t.Errorf("token lives for %v, want about 24 h", left)
			}
			if status := server.call(t, http.MethodGet, token); status != http.StatusOK {
				t.Errorf("Keystone validates the token with %d, want 200", status)
			}
			if again := keystoneToken(t, src); again.Value() != token.Value() {
				t.Error("the second call has another token, want the cached one")
			}
			recorder.only(t)
		})
	}
}

// B6, B18: a rejected login is final: another with the same password would lock the user.
func TestKeystoneRejectedLogin(t *testing.T) {
	t.Parallel()
	server := newKeystone(t)
	const wrong = "no-Such-pa55word"
	tests := map[string]struct {
		change func(cfg *codeartsbuild.IAMConfig)
		send   func(auth map[string]any)
		status int
		code   string
		want   error
		text   string // of the error, in lower case
	}{
		"wrong password": {
			change: func(cfg *codeartsbuild.IAMConfig) { cfg.Password = codeartsbuild.StaticSecret(wrong) },
			status: 401, code: "401", want: codeartsbuild.ErrUnauthorized,
		},
		"unknown user": {
			change: func(cfg *codeartsbuild.IAMConfig) { cfg.UserName = "unknown" },
			status: 401, code: "401", want: codeartsbuild.ErrUnauthorized,
		},
		"unknown project": {
			change: func(cfg *codeartsbuild.IAMConfig) { cfg.ProjectName = "nowhere" },
			status: 401, code: "401", want: codeartsbuild.ErrUnauthorized,
		},
		"wrong one-time code": {
			change: func(cfg *codeartsbuild.IAMConfig) {
				cfg.UserName = server.mfaUserName
				cfg.Passcode = codeartsbuild.StaticSecret("not-a-code")
			},
			status: 401, code: "401", want: codeartsbuild.ErrUnauthorized,
		},
		"one-time code wanted": {
			change: func(cfg *codeartsbuild.IAMConfig) { cfg.UserName = server.mfaUserName },
			status: 401, code: "401", want: codeartsbuild.ErrUnauthorized, text: "one-time code",
		},
		"request rejected and quoted": {
			send:   func(auth map[string]any) { delete(auth["identity"].(map[string]any), "methods") },
			status: 400, code: "400", want: codeartsbuild.ErrBadRequest,
		},
		"token without a project": {
			send:   func(auth map[string]any) { delete(auth, "scope") },
			status: 201, want: codeartsbuild.ErrNotProjectScoped,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := &keystoneRecorder{change: tt.send}
			cfg := server.config(recorder)
			if tt.change != nil {
				tt.change(&cfg)
			}
			token, err := sdktest.TokenSource(t, cfg).Token(t.Context())
			response := recorder.only(t)
			if token != nil {
				t.Error("a token beside the error")
			}
			apiErr := sdktest.APIError(t, err)
			if !errors.Is(err, tt.want) || apiErr.StatusCode != tt.status || response.status != tt.status || apiErr.ErrorCode != tt.code {
				t.Errorf("error %v with status %d (sent: %d) and code %q, want %v with status %d and code %q",
					err, apiErr.StatusCode, response.status, apiErr.ErrorCode, tt.want, tt.status, tt.code)
			}
			if apiErr.Operation != "CreateToken" || apiErr.Attempts != 1 || apiErr.RequestID != response.header.Get("X-Openstack-Request-Id") {
				t.Errorf("operation %q, attempts %d, request %q, want CreateToken, 1 and %q",
					apiErr.Operation, apiErr.Attempts, apiErr.RequestID, response.header.Get("X-Openstack-Request-Id"))
			}
			if errors.Is(err, codeartsbuild.ErrOutcomeUnknown) {
				t.Error("the outcome of a rejected login is unknown")
			}
			if !strings.Contains(strings.ToLower(err.Error()), tt.text) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 1024 {
				t.Errorf("text %q, want one short line with %q", err, tt.text)
			}
			printed := fmt.Sprintf("%v %+v %#v %s %q %+v", err, err, err, apiErr.ErrorMsg, apiErr.Body, cfg)
			for what, secret := range map[string]string{
				"password":       server.password,
				"wrong password": wrong,
				"receipt":        response.header.Get("Openstack-Auth-Receipt"),
				"token":          response.header.Get("X-Subject-Token"),
			} {
				if secret != "" && strings.Contains(printed, secret) {
					t.Errorf("the error shows the %s: %s", what, printed)
				}
			}
			if tt.send != nil && tt.status == 400 && !strings.Contains(response.body, server.password) {
				t.Error("Keystone did not quote the password, so that this case tests nothing")
			}
		})
	}
}

func TestKeystoneRevokedToken(t *testing.T) {
	t.Parallel()
	server := newKeystone(t)
	src := sdktest.TokenSource(t, server.config(nil))
	old := keystoneToken(t, src)
	if status := server.call(t, http.MethodDelete, old); status != http.StatusNoContent {
		t.Fatalf("revoking the token: %d, want 204", status)
	}
	if status := server.call(t, http.MethodGet, old); status == http.StatusOK {
		t.Fatal("the token is valid after it was revoked")
	}

	src.Invalidate(old)
	renewed := keystoneToken(t, src)
	if renewed.Value() == old.Value() {
		t.Fatal("the source still returns the revoked token")
	}
	if status := server.call(t, http.MethodGet, renewed); status != http.StatusOK {
		t.Errorf("Keystone validates the new token with %d, want 200", status)
	}

	src.Invalidate(old) // of a late caller
	if again := keystoneToken(t, src); again.Value() != renewed.Value() {
		t.Error("invalidating the old token dropped the new one")
	}
}

func TestKeystoneConcurrentCallers(t *testing.T) {
	t.Parallel()
	server := newKeystone(t)
	const callers = 50
	recorder := &keystoneRecorder{}
	src := sdktest.TokenSource(t, server.config(recorder))

	values := make([]string, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			token, err := src.Token(t.Context())
			if err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
			values[i] = token.Value()
		})
	}
	group.Wait()
	recorder.only(t)
	for i, value := range values {
		if value == "" || value != values[0] {
			t.Errorf("caller %d has not the token of the others", i)
		}
	}
}
