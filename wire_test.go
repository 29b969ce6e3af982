package codeartsbuild_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// The secrets that these tests look for. They are long and unlike anything else, so that even a piece of
// one is a find.
const (
	wireToken         = "MIIWireToken+8Qz/4Kw9Rv2Xy7Tj3Lm6Np1Bc5Df0Gh=="
	wirePassword      = "WirePassword-7uJm4Ik9Ol2Pz8Xc"
	wirePasscode      = "WirePasscode-83920174"
	wireSecretKey     = "WireSecretKey-Aq1Sw2De3Fr4Gt5Hy6"
	wireSecurityToken = "WireSecurityToken/9aZ8bY7cX6dW5eV4=="
	wireProxyPassword = "WireProxyPassword-Lk3Jh6Gf9"

	wireJob   = "48c66c6002964721be537cdc6ce0297b"
	wireStop  = "/v3/jobs/stop"
	wireLogin = "/v3/auth/tokens"
)

var wireSecrets = []string{wireToken, wirePassword, wirePasscode, wireSecretKey, wireSecurityToken}

// wireOnce makes each call one attempt.
var wireOnce = codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 1})

// wireQuick makes the pauses between attempts too short to notice.
var wireQuick = codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: 1, MaxDelay: 1})

// wireClient makes a client with a token, for endpoint.
func wireClient(t testing.TB, endpoint string, opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	t.Helper()
	return wireNewClient(t, append([]codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint(endpoint),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(wireToken)),
	}, opts...)...)
}

func wireNewClient(t testing.TB, opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	t.Helper()
	client, err := codeartsbuild.NewClient(opts...)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// wireIAM is a login at endpoint with a secret of each kind.
func wireIAM(endpoint string) codeartsbuild.IAMConfig {
	return codeartsbuild.IAMConfig{
		Endpoint: endpoint, DomainName: "acme", UserName: "builder", ProjectName: "cn-north-4",
		Password: codeartsbuild.StaticSecret(wirePassword), Passcode: codeartsbuild.StaticSecret(wirePasscode),
	}
}

func wireIAMSource(t testing.TB, cfg codeartsbuild.IAMConfig) *codeartsbuild.CachedTokenSource {
	t.Helper()
	source, err := codeartsbuild.NewIAMTokenSource(cfg)
	require.NoError(t, err)
	t.Cleanup(source.CloseIdleConnections)
	return source
}

// A wireKeySource is a source of one access key.
type wireKeySource struct{ key *codeartsbuild.AccessKey }

func (s wireKeySource) AccessKey(context.Context) (*codeartsbuild.AccessKey, error) {
	return s.key, nil
}

func wireTemporaryKey() wireKeySource {
	return wireKeySource{codeartsbuild.NewTemporaryAccessKey("AKWIRE", wireSecretKey, wireSecurityToken, time.Time{})}
}

// A wireServer listens on loopback and keeps what arrives.
type wireServer struct {
	*httptest.Server

	mu       sync.Mutex
	arrived  []wireRequest
	accepted int
	open     map[net.Conn]bool
}

type wireRequest struct {
	method, uri, host, body string
	header                  http.Header
}

// wireListen starts a server; setUp may change it before that. A nil handler accepts every stop.
func wireListen(t testing.TB, handler http.HandlerFunc, setUp ...func(*httptest.Server)) *wireServer {
	t.Helper()
	if handler == nil {
		handler = wireReply(http.StatusOK, `{"result":true}`)
	}
	s := &wireServer{open: map[net.Conn]bool{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a body that breaks off is part of some tests
		s.mu.Lock()
		s.arrived = append(s.arrived, wireRequest{r.Method, r.URL.RequestURI(), r.Host, string(body), r.Header.Clone()})
		s.mu.Unlock()
		handler(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch state {
		case http.StateNew:
			s.accepted++
			s.open[conn] = true
		case http.StateClosed, http.StateHijacked:
			delete(s.open, conn)
		}
	}
	secure := false
	for _, f := range setUp {
		f(s.Server)
		secure = secure || s.TLS != nil || s.EnableHTTP2
	}
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func wireTLS(s *httptest.Server)   { s.TLS = &tls.Config{} }
func wireHTTP2(s *httptest.Server) { s.EnableHTTP2 = true }

func (s *wireServer) requests() []wireRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.arrived)
}

// connections returns how many were accepted, and how many of them are still open.
func (s *wireServer) connections() (accepted, open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted, len(s.open)
}

func wireReply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// wireMock answers every request with the same thing, in memory.
func wireMock(status int, body string, header http.Header) *httpmock.MockTransport {
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(httpmock.NewStringResponder(status, body).SetContentLength().HeaderSet(header))
	return mock
}

// A wireTransport is a transport made of a function.
type wireTransport func(*http.Request) (*http.Response, error)

func (f wireTransport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// wireAnswer is an answer as a transport gives it.
func wireAnswer(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"X-Request-Id": {"request"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// A wireCall is one way to make the client send its credential.
type wireCall struct {
	name string
	opts []codeartsbuild.ClientOption
	do   func(context.Context, *codeartsbuild.Client) error
}

func wireCalls() []wireCall {
	stop := func(ctx context.Context, c *codeartsbuild.Client) error {
		_, err := c.Jobs.Stop(ctx, wireJob, "7")
		return err
	}
	anything := func(method string, in any) func(context.Context, *codeartsbuild.Client) error {
		return func(ctx context.Context, c *codeartsbuild.Client) error {
			return c.Do(ctx, method, "/v9/anything?page=3", in, nil)
		}
	}
	return []wireCall{
		{"Stop", nil, stop},
		{"Stop over v1", []codeartsbuild.ClientOption{codeartsbuild.WithStopAPI(codeartsbuild.StopAPIV1)}, stop},
		{"Stop with the API chosen by itself", []codeartsbuild.ClientOption{codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto)}, stop},
		{"StopAndWait", nil, func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Jobs.StopAndWait(ctx, wireJob, "7")
			return err
		}},
		{"Run", nil, func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Jobs.Run(ctx, wireJob, nil)
			return err
		}},
		{"Get", nil, func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Builds.Get(ctx, wireJob, "7")
			return err
		}},
		{"any GET", nil, anything(http.MethodGet, nil)},
		{"any HEAD", nil, anything(http.MethodHead, nil)},
		{"any POST", nil, anything(http.MethodPost, map[string]string{"secret": "in-body"})},
		{"any PUT", nil, anything(http.MethodPut, map[string]string{"secret": "in-body"})},
		{"any DELETE", nil, anything(http.MethodDelete, nil)},
	}
}

// wirePlaces are the places that a redirect may point to, as Location, given the server that redirects
// and one that collects what arrives.
var wirePlaces = map[string]struct {
	setUp    []func(*httptest.Server) // of the server that redirects
	location func(origin, collector *wireServer) string
}{
	"to a path": {nil, func(_, _ *wireServer) string { return "/stolen?secret=in-query" }},
	"to the same host": {nil, func(origin, _ *wireServer) string {
		return origin.URL + "/stolen?secret=in-query"
	}},
	"to another port": {nil, func(_, collector *wireServer) string { return collector.URL + "/stolen?secret=in-query" }},
	"to another host": {nil, func(_, collector *wireServer) string {
		return strings.Replace(collector.URL, "127.0.0.1", "user:secret@localhost", 1) + "/stolen?secret=in-query#part"
	}},
	"from https to http": {[]func(*httptest.Server){wireTLS}, func(_, collector *wireServer) string {
		return collector.URL + "/stolen?secret=in-query"
	}},
}

// B1
func TestB1RedirectIsAnErrorAndIsNotFollowed(t *testing.T) {
	t.Parallel()
	for place, at := range wirePlaces {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprintf("%d %s", status, place), func(t *testing.T) {
				t.Parallel()
				collector := wireListen(t, nil)
				var origin *wireServer
				origin = wireListen(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", at.location(origin, collector))
					w.WriteHeader(status)
				}, at.setUp...)
				location, err := url.Parse(at.location(origin, collector))
				require.NoError(t, err)

				calls := wireCalls()
				for _, call := range calls {
					client := wireClient(t, origin.URL, append(call.opts, codeartsbuild.WithTransport(origin.Client().Transport))...)
					wireRequireRedirect(t, call.do(t.Context(), client), status, location.Host)
				}
				signed := wireNewClient(t, codeartsbuild.WithEndpoint(origin.URL), codeartsbuild.WithAccessKeySource(wireTemporaryKey()),
					codeartsbuild.WithTransport(origin.Client().Transport))
				_, err = signed.Jobs.Stop(t.Context(), wireJob, "7")
				wireRequireRedirect(t, err, status, location.Host)

				require.Empty(t, collector.requests())
				require.Len(t, origin.requests(), len(calls)+1, "each call is one request")
				for _, r := range origin.requests() {
					require.NotContains(t, r.uri, "stolen")
				}
			})
		}
	}
}

// B1
func TestB1RedirectIsNotFollowedByTheDefaultTransport(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			collector := wireListen(t, nil)
			origin := wireListen(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, collector.URL+"/stolen", status)
			})
			_, err := wireClient(t, origin.URL).Jobs.Stop(t.Context(), wireJob, "7")
			wireRequireRedirect(t, err, status, collector.Listener.Addr().String())
			require.Empty(t, collector.requests())
			require.Len(t, origin.requests(), 1)
		})
	}
}

// wireRequireRedirect requires the error of a redirect that was not followed and that cannot have changed
// anything. Of the Location it names the host and nothing else.
func wireRequireRedirect(t *testing.T, err error, status int, host string) {
	t.Helper()
	require.ErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse)
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	var apiErr *codeartsbuild.APIError
	require.ErrorAs(t, err, &apiErr)
	require.Equal(t, status, apiErr.StatusCode)
	require.Contains(t, apiErr.ErrorMsg, host)
	for _, text := range []string{err.Error(), apiErr.ErrorMsg, string(apiErr.Body)} {
		require.NotContains(t, text, "?")
		require.NotContains(t, text, "in-query")
		require.NotContains(t, text, "user:secret")
	}
}

// B2
func TestB2RedirectThatLooksLikeASuccessIsAnError(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", "null", `{"result":true}`, `{"result":{"build_no":"7","actual_build_number":"8"},"status":"success"}`} {
		for _, status := range []int{300, 301, 302, 303, 304, 305, 306, 307, 308, 399} {
			t.Run(fmt.Sprintf("%d %q", status, body), func(t *testing.T) {
				t.Parallel()
				for _, call := range wireCalls() {
					mock := wireMock(status, body, nil)
					client := wireClient(t, "https://build.example.com", append(call.opts, codeartsbuild.WithTransport(mock))...)
					wireRequireRedirect(t, call.do(t.Context(), client), status, "")
					require.Equal(t, 1, mock.GetTotalCallCount(), call.name)
				}
			})
		}
	}
}

// B3
func TestB3RedirectedLoginSendsThePasswordNowhereElse(t *testing.T) {
	t.Parallel()
	for place, at := range wirePlaces {
		for _, status := range []int{300, 301, 302, 303, 307, 308} {
			t.Run(fmt.Sprintf("%d %s", status, place), func(t *testing.T) {
				t.Parallel()
				collector := wireListen(t, nil)
				var iam *wireServer
				iam = wireListen(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", at.location(iam, collector))
					w.WriteHeader(status)
				}, at.setUp...)
				location, err := url.Parse(at.location(iam, collector))
				require.NoError(t, err)
				cfg := wireIAM(iam.URL)
				cfg.Transport = iam.Client().Transport
				service := wireListen(t, nil)
				client := wireNewClient(t, codeartsbuild.WithEndpoint(service.URL), codeartsbuild.WithTokenSource(wireIAMSource(t, cfg)))

				_, err = client.Jobs.Stop(t.Context(), wireJob, "7")

				wireRequireRedirect(t, err, status, location.Host)
				var apiErr *codeartsbuild.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, "CreateToken", apiErr.Operation)
				require.Empty(t, collector.requests())
				require.Empty(t, service.requests())
				require.Len(t, iam.requests(), 1)
			})
		}
	}
}

// B3
func TestB3OneTrailingSlashOfAnEndpointIsRemoved(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path, wantLogin, wantStop string // the wanted ones are "" where the endpoint is refused
	}{
		"none":                     {"", wireLogin, wireStop},
		"one":                      {"/", wireLogin, wireStop},
		"two":                      {"//", "", ""},
		"a prefix":                 {"/gate", "/gate" + wireLogin, "/gate" + wireStop},
		"a prefix with one":        {"/gate/", "/gate" + wireLogin, "/gate" + wireStop},
		"a prefix with two":        {"/gate//", "", ""},
		"empty segment before":     {"//gate", "", ""},
		"Keystone's own URL":       {"/v3", wireLogin, "/v3" + wireStop},
		"Keystone's own, with one": {"/v3/", wireLogin, "/v3" + wireStop},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := wireListen(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, wireLogin) {
					wireReply(http.StatusUnauthorized, "")(w, r)
					return
				}
				wireReply(http.StatusOK, `{"result":true}`)(w, r)
			})
			source, err := codeartsbuild.NewIAMTokenSource(wireIAM(server.URL + tt.path))
			if tt.wantLogin == "" {
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				_, err = codeartsbuild.NewClient(codeartsbuild.WithEndpoint(server.URL+tt.path), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(wireToken)))
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				return
			}
			require.NoError(t, err)
			defer source.CloseIdleConnections()
			_, err = source.Token(t.Context())
			require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
			_, err = wireClient(t, server.URL+tt.path).Jobs.Stop(t.Context(), wireJob, "7")
			require.NoError(t, err)
			var paths []string
			for _, r := range server.requests() {
				path, _, _ := strings.Cut(r.uri, "?")
				paths = append(paths, path)
			}
			require.Equal(t, []string{tt.wantLogin, tt.wantStop}, paths)
		})
	}
}

// B3
func TestB3LoginAtAKeystoneThatRedirectsTheDoubleSlash(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	cfg := srv.IAMConfig()
	cfg.Endpoint += "/"
	token, err := wireIAMSource(t, cfg).Token(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, token.Value())
	require.Len(t, srv.Requests(), 1)
}

// B4
func TestB4EndpointThatWouldExposeTheCredentialIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		endpoint string
		insecure bool // and WithInsecureHTTP is given
		accepted bool
	}{
		"https":                            {"https://build.example.com", false, true},
		"https with port and prefix":       {"https://build.example.com:8443/gate", false, true},
		"https in capitals":                {"HTTPS://build.example.com", false, true},
		"http":                             {"http://build.example.com", false, false},
		"http in capitals":                 {"HTTP://build.example.com", false, false},
		"http, allowed":                    {"http://build.example.com", true, true},
		"http to a private address":        {"http://10.0.0.1", false, false},
		"http to all addresses":            {"http://0.0.0.0", false, false},
		"http to the link-local address":   {"http://169.254.169.254", false, false},
		"http to localhost":                {"http://localhost:8080", false, true},
		"http to LocalHost":                {"http://LocalHost:8080", false, true},
		"http to 127.0.0.1":                {"http://127.0.0.1:8080", false, true},
		"http to 127.8.9.10":               {"http://127.8.9.10", false, true},
		"http to ::1":                      {"http://[::1]:8080", false, true},
		"http to mapped 127.0.0.1":         {"http://[::ffff:127.0.0.1]", false, true},
		"http to mapped 10.0.0.1":          {"http://[::ffff:10.0.0.1]", false, false},
		"http to localhost.example.com":    {"http://localhost.example.com", false, false},
		"http to 127.0.0.1.example.com":    {"http://127.0.0.1.example.com", false, false},
		"http to a number":                 {"http://2130706433", false, false},
		"http to an octal number":          {"http://0177.0.0.1", false, false},
		"user as localhost":                {"http://localhost@build.example.com", false, false},
		"user and password":                {"https://user:WirePassword-7uJm4Ik9Ol2Pz8Xc@build.example.com", false, false},
		"user and password, allowed":       {"http://user:WirePassword-7uJm4Ik9Ol2Pz8Xc@build.example.com", true, false},
		"user only":                        {"https://WirePassword-7uJm4Ik9Ol2Pz8Xc@build.example.com", false, false},
		"empty user":                       {"https://@build.example.com", false, false},
		"query":                            {"https://build.example.com?token=WirePassword-7uJm4Ik9Ol2Pz8Xc", false, false},
		"empty query":                      {"https://build.example.com/?", false, false},
		"fragment":                         {"https://build.example.com#WirePassword-7uJm4Ik9Ol2Pz8Xc", false, false},
		"empty fragment":                   {"https://build.example.com/#", false, false},
		"no host":                          {"https://", false, false},
		"a path for a host":                {"https:///gate", false, false},
		"a port for a host":                {"https://:443", false, false},
		"opaque":                           {"https:build.example.com", false, false},
		"no scheme":                        {"build.example.com", false, false},
		"no scheme but a port":             {"build.example.com:443", false, false},
		"no scheme but slashes":            {"//build.example.com", false, false},
		"another scheme":                   {"ftp://build.example.com", false, false},
		"another scheme, allowed":          {"unix://build.example.com", true, false},
		"empty":                            {"", false, false},
		"spaces around":                    {" https://build.example.com", false, false},
		"line feed":                        {"https://build.example.com\nX-Evil: 1", false, false},
		"broken escape, after a password":  {"https://user:WirePassword-7uJm4Ik9Ol2Pz8Xc@build.example.com/%zz", false, false},
		"broken escape, inside a password": {"https://user:WirePassword-7uJm4Ik9Ol2Pz8Xc%zz@build.example.com", false, false},
		"backslash before the host":        {`http://localhost\@build.example.com`, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := []codeartsbuild.ClientOption{
				codeartsbuild.WithEndpoint(tt.endpoint), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(wireToken)),
			}
			cfg := wireIAM(tt.endpoint)
			if cfg.InsecureHTTP = tt.insecure; tt.insecure {
				opts = append(opts, codeartsbuild.WithInsecureHTTP())
			}
			_, clientErr := codeartsbuild.NewClient(opts...)
			_, iamErr := codeartsbuild.NewIAMTokenSource(cfg)
			if tt.endpoint == "" {
				// an IAM source without an endpoint uses its region, and has none here
				require.ErrorIs(t, iamErr, codeartsbuild.ErrInvalidArgument)
			}
			for _, err := range []error{clientErr, iamErr} {
				if tt.accepted {
					require.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.NotContains(t, err.Error(), wirePassword)
				require.NotContains(t, err.Error(), "\n")
			}
		})
	}
}

// B4
func TestB4CredentialOverPlainHTTPIsRefusedWhateverItIs(t *testing.T) {
	t.Parallel()
	const endpoint = "http://build.example.com"
	tests := map[string]codeartsbuild.ClientOption{
		"static token":  codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(wireToken)),
		"token source":  codeartsbuild.WithTokenSource(codeartsbuild.TokenSourceFunc(nil)),
		"access key":    codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("AKWIRE", wireSecretKey)),
		"temporary key": codeartsbuild.WithAccessKeySource(wireTemporaryKey()),
	}
	for name, credential := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint(endpoint), credential)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			_, err = codeartsbuild.NewClient(credential, codeartsbuild.WithInsecureHTTP(), codeartsbuild.WithEndpoint("https://build.example.com"), codeartsbuild.WithEndpoint(endpoint))
			require.NoError(t, err, "allowed, and the last endpoint counts")
		})
	}
}

// A wireHolder is what a user's program may keep. fmt cannot call methods of what is in unexported fields.
type wireHolder struct {
	client       *codeartsbuild.Client
	jobs         *codeartsbuild.JobsService
	config       codeartsbuild.IAMConfig
	configAt     *codeartsbuild.IAMConfig
	policy       codeartsbuild.RetryPolicy
	token        codeartsbuild.Token
	tokenAt      *codeartsbuild.Token
	key          codeartsbuild.AccessKey
	keyAt        *codeartsbuild.AccessKey
	static       codeartsbuild.TokenSource
	function     codeartsbuild.TokenSourceFunc
	cached       *codeartsbuild.CachedTokenSource
	cachedAny    codeartsbuild.TokenSource
	keys         codeartsbuild.AccessKeySource
	cachedKeys   *codeartsbuild.CachedAccessKeySource
	secret       codeartsbuild.SecretFunc
	options      []codeartsbuild.ClientOption
	callOption   codeartsbuild.CallOption
	apiErr       codeartsbuild.APIError
	apiErrAt     *codeartsbuild.APIError
	err          error
	errs         []error
	response     codeartsbuild.Response
	byAny        any
	byName       map[string]any
	tokenAtAgain **codeartsbuild.Token
}

// wireValues makes one of everything that holds a secret or was near one. All of it has been used.
func wireValues(t *testing.T) map[string]any {
	t.Helper()
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		said, _ := json.Marshal(fmt.Sprint(r.Header, string(body)))
		wireReply(http.StatusForbidden, `{"error_code":"DEV.CB.1","error_msg":`+string(said)+`}`)(w, r)
	}
	service := wireListen(t, echo)
	iam := wireListen(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Subject-Token", wireToken)
		wireReply(http.StatusCreated, `{"token":{"project":{"id":"0123456789abcdef0123456789abcdef"}}}`)(w, r)
	})

	// fmt may follow a pointer of a struct that was copied, into a transport that others are using; a function is
	// where that ends.
	sockets := &http.Transport{}
	t.Cleanup(sockets.CloseIdleConnections)
	through := codeartsbuild.WithTransport(wireTransport(sockets.RoundTrip))

	static := codeartsbuild.StaticToken(wireToken)
	token := codeartsbuild.NewToken(wireToken, time.Now().Add(time.Hour))
	function := codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) { return token, nil })
	cached := codeartsbuild.NewCachedTokenSource(function)
	config := wireIAM(iam.URL)
	config.Transport = wireTransport(sockets.RoundTrip)
	login := wireIAMSource(t, config)
	keys := wireTemporaryKey()
	cachedKeys := codeartsbuild.NewCachedAccessKeySource(keys)

	client := wireClient(t, service.URL, codeartsbuild.WithTokenSource(login), through)
	withCache := wireClient(t, service.URL, codeartsbuild.WithTokenSource(cached), through)
	withStatic := wireClient(t, service.URL, through)
	signed := wireNewClient(t, codeartsbuild.WithEndpoint(service.URL), codeartsbuild.WithAccessKeySource(cachedKeys), through)
	refused := wireIAMSource(t, wireIAM(service.URL))

	var errs []error
	var response codeartsbuild.Response
	for _, c := range []*codeartsbuild.Client{client, withCache, withStatic, signed} {
		_, err := c.Jobs.Stop(t.Context(), wireJob, "7", codeartsbuild.WithResponseInto(&response))
		require.ErrorIs(t, err, codeartsbuild.ErrForbidden)
		errs = append(errs, err)
	}
	_, err := refused.Token(t.Context())
	require.ErrorIs(t, err, codeartsbuild.ErrForbidden)
	errs = append(errs, err)
	_, err = codeartsbuild.NewClient(codeartsbuild.WithEndpoint(service.URL), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(wireToken+"\n")))
	require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
	errs = append(errs, err)
	unsendable := codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
		return codeartsbuild.NewToken(wireToken+"\n", time.Time{}), nil
	})
	_, err = wireClient(t, service.URL, codeartsbuild.WithTokenSource(unsendable)).Jobs.Stop(t.Context(), wireJob, "7")
	require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
	errs = append(errs, err)
	gone := wireListen(t, nil)
	gone.Close()
	_, err = wireClient(t, gone.URL, wireOnce).Jobs.Stop(t.Context(), wireJob, "7")
	require.Error(t, err)
	errs = append(errs, err, errors.Join(errs...), fmt.Errorf("stopping: %w", errs[0]))

	for _, source := range []codeartsbuild.TokenSource{cached, login} { // whoever filled the cache has left it after this
		_, err = source.Token(t.Context())
		require.NoError(t, err)
	}
	var apiErr *codeartsbuild.APIError
	require.ErrorAs(t, errs[0], &apiErr)
	key := keys.key
	holder := &wireHolder{
		client: client, jobs: client.Jobs, config: config, configAt: &config, policy: codeartsbuild.RetryPolicy{MaxAttempts: 1}, token: *token, tokenAt: token, key: *key, keyAt: key,
		static: static, function: function, cached: cached, cachedAny: login, keys: keys, cachedKeys: cachedKeys,
		secret:     config.Password,
		options:    []codeartsbuild.ClientOption{codeartsbuild.WithTokenSource(static), codeartsbuild.WithAccessKeySource(keys)},
		callOption: codeartsbuild.WithResponseInto(&response),
		apiErr:     *apiErr, apiErrAt: apiErr, err: errs[0], errs: errs, response: response,
		byAny: token, byName: map[string]any{"token": *token, "config": config, "client": client}, tokenAtAgain: &token,
	}
	values := map[string]any{
		"client with a login":             client,
		"client with a cached source":     withCache,
		"client with a static token":      withStatic,
		"client with an access key":       signed,
		"client by value":                 wireCopy(client),
		"service":                         client.Jobs,
		"service by value":                *client.Builds,
		"IAMConfig":                       config,
		"pointer to IAMConfig":            &config,
		"RetryPolicy":                     codeartsbuild.RetryPolicy{},
		"Token":                           *token,
		"pointer to Token":                token,
		"AccessKey":                       *key,
		"pointer to AccessKey":            key,
		"static source":                   static,
		"source function":                 function,
		"cached source":                   cached,
		"cached source by value":          wireCopy(cached),
		"login source":                    login,
		"access key source":               codeartsbuild.StaticAccessKey("AKWIRE", wireSecretKey),
		"temporary access key source":     keys,
		"cached access key source":        cachedKeys,
		"SecretFunc":                      config.Password,
		"ClientOption":                    holder.options[0],
		"options":                         holder.options,
		"CallOption":                      holder.callOption,
		"Response":                        response,
		"APIError by value":               *apiErr,
		"holder":                          *holder,
		"pointer to holder":               holder,
		"holders in a slice":              []wireHolder{*holder},
		"pointers to holders in a slice":  []*wireHolder{holder},
		"holders in a map":                map[string]wireHolder{"a": *holder},
		"holder in unexported fields":     struct{ inner struct{ inner wireHolder } }{struct{ inner wireHolder }{*holder}},
		"pointer in unexported fields":    struct{ inner struct{ inner *wireHolder } }{struct{ inner *wireHolder }{holder}},
		"everything in an unexported any": struct{ a, b, c any }{holder, *holder, []any{holder}},
		"pointer to everything":           &[]any{client, config, token, key, static, cached, keys, apiErr, holder},
		"holder of values with locks":     struct{ client, cached any }{wireCopy(client), wireCopy(cached)},
		"zero values": []any{
			codeartsbuild.Token{}, codeartsbuild.AccessKey{}, codeartsbuild.IAMConfig{}, codeartsbuild.APIError{}, codeartsbuild.Response{},
			&codeartsbuild.Token{}, &codeartsbuild.AccessKey{}, &codeartsbuild.Client{}, &codeartsbuild.CachedTokenSource{}, &codeartsbuild.APIError{},
			(*codeartsbuild.Token)(nil), (*codeartsbuild.AccessKey)(nil), (*codeartsbuild.Client)(nil), (*codeartsbuild.CachedTokenSource)(nil),
		},
	}
	for i, err := range errs {
		values[fmt.Sprintf("error %d", i)] = err
	}
	return values
}

// wireCopy copies what a pointer points to, locks included, as a careless user may.
func wireCopy(pointer any) any {
	return reflect.ValueOf(pointer).Elem().Interface()
}

// B5
func TestB5NoWayOfPrintingShowsASecret(t *testing.T) {
	t.Parallel()
	values := wireValues(t)
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, format := range wireFormats() {
				wireRequireHidden(t, format, fmt.Sprintf(format, v))
			}
			wireRequireHidden(t, "Sprint", fmt.Sprint(v))
			for _, encode := range []func(any) ([]byte, error){json.Marshal, wireIndent} {
				if text, err := encode(v); err != nil {
					wireRequireHidden(t, "the error of json", err.Error())
				} else {
					wireRequireHidden(t, "json", string(text))
				}
			}
			for handler, make := range map[string]func(io.Writer) slog.Handler{
				"slog's text handler": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
				"slog's JSON handler": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
			} {
				var b bytes.Buffer
				slog.New(make(&b)).With("with", v).WithGroup("group").Info("said", "value", v, slog.Group("inner", "value", v))
				require.NotEmpty(t, b.String())
				wireRequireHidden(t, handler, b.String())
			}
		})
	}
}

// wireFormats are the verbs of fmt, those that it does not know included, and flags that change them.
func wireFormats() []string {
	var formats []string
	for verb := 'A'; verb <= 'z'; verb++ {
		if unicode.IsLetter(verb) {
			formats = append(formats, "%"+string(verb), "%+"+string(verb), "%#"+string(verb))
		}
	}
	return append(formats, "% v", "% x", "%# x", "%-300v", "%040d", "%.300s", "%+q", "%#+v")
}

func wireIndent(v any) ([]byte, error) { return json.MarshalIndent(v, "", "  ") }

// wireRequireHidden requires that a text has no secret in it: as it is, in hexadecimal, in decimal bytes
// or in base64.
func wireRequireHidden(t *testing.T, how, text string) {
	t.Helper()
	if strings.Contains(text, "PANIC") {
		t.Fatalf("%s panics: %.300s", how, text)
	}
	for _, form := range wireForms() {
		if i := strings.Index(text, form); i >= 0 {
			t.Fatalf("%s shows %q: …%.200s…", how, form, text[max(0, i-100):])
		}
	}
}

// wireForms are the spellings of all secrets.
var wireForms = sync.OnceValue(func() []string {
	var forms []string
	for _, secret := range wireSecrets {
		forms = append(forms, wireFormsOf(secret)...)
	}
	return forms
})

// wireFormsOf are the spellings of a secret, of its first part only, so that a cut one is found as well.
func wireFormsOf(secret string) []string {
	part := secret[:12]
	forms := []string{
		part, secret[len(secret)-12:], base64.StdEncoding.EncodeToString([]byte(part)), strings.Join(strings.Split(part, ""), " "),
	}
	for _, format := range []string{"%x", "%X", "% x", "% X", "%# x", "%# X", "%d", "%o", "%b", "%c", "%q", "%U", "%#v"} {
		forms = append(forms, strings.Trim(strings.TrimPrefix(fmt.Sprintf(format, []byte(part)), "[]byte"), "[]{}"))
	}
	return forms
}

// B5: what reads memory itself, as go-spew and go-cmp do, finds no secret either, since each is behind a
// function.
func TestB5NoSecretIsInAnyField(t *testing.T) {
	t.Parallel()
	for name, v := range wireValues(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wireWalk(reflect.ValueOf(v), map[wireVisit]bool{}, func(text string) { wireRequireHidden(t, "a field", text) })
		})
	}
}

type wireVisit struct {
	at uintptr
	of reflect.Type
}

// wireWalk visits every string and byte slice that can be reached from v, but for what belongs to the
// transports of net/http: their buffers hold requests.
func wireWalk(v reflect.Value, seen map[wireVisit]bool, visit func(string)) {
	switch v.Kind() {
	case reflect.String:
		visit(v.String())
	case reflect.Interface:
		wireWalk(v.Elem(), seen, visit)
	case reflect.Pointer:
		at := wireVisit{v.Pointer(), v.Type()}
		if v.IsNil() || seen[at] || strings.HasPrefix(v.Type().Elem().PkgPath(), "net/http") {
			return
		}
		seen[at] = true
		wireWalk(v.Elem(), seen, visit)
	case reflect.Struct:
		for i := range v.NumField() {
			wireWalk(v.Field(i), seen, visit)
		}
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			visit(string(v.Bytes()))
			return
		}
		for i := range v.Len() {
			wireWalk(v.Index(i), seen, visit)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			wireWalk(key, seen, visit)
			wireWalk(v.MapIndex(key), seen, visit)
		}
	}
}

// B5: what holds locks, counters or secrets says what it is, and fmt does not look inside: it would read what
// calls write, without the locks.
func TestB5WhatCallsWriteToIsNotLookedInto(t *testing.T) {
	t.Parallel()
	client := wireClient(t, "https://build.example.com")
	for name, v := range map[string]any{
		"client": client, "jobs": client.Jobs, "builds": client.Builds, "logs": client.Logs,
		"token cache": wireIAMSource(t, wireIAM("https://iam.example.com")), "access key cache": codeartsbuild.NewCachedAccessKeySource(wireTemporaryKey()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, format := range wireFormats() {
				if verb := format[len(format)-1]; strings.ContainsRune("pTw", rune(verb)) { // an address, a type, and not for Sprintf
					continue
				}
				require.NotRegexp(t, `0x|\[|nil`, fmt.Sprintf(format, v), format)
				require.Contains(t, fmt.Sprintf(format, v), "codeartsbuild.", format)
			}
		})
	}
}

// B5: printing reads nothing that calls write, which the race detector would see.
func TestB5PrintingWhileCallsRun(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	login := wireIAMSource(t, srv.IAMConfig())
	id, secret := srv.AccessKey()
	keys := codeartsbuild.NewCachedAccessKeySource(codeartsbuild.StaticAccessKey(id, secret))
	client := srv.Client(codeartsbuild.WithTokenSource(login), wireQuick)
	job := srv.AddJob("nightly")
	srv.StartBuild(job)

	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 20 {
				if i%2 == 0 {
					srv.Next("StopJob", codeartsbuildtest.Reply(http.StatusServiceUnavailable, ""))
					_, _ = client.Jobs.Stop(context.Background(), job, "1")
					token, _ := login.Token(context.Background())
					login.Invalidate(token)
					key, _ := keys.AccessKey(context.Background())
					keys.Invalidate(key)
					continue
				}
				for _, v := range []any{client, login, keys} {
					for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
						_ = fmt.Sprintf(format, v)
					}
					_, _ = json.Marshal(v)
				}
			}
		})
	}
	group.Wait()
}

// B5: the context of a request has its body near, and instrumentation may print it.
func TestB5ContextOfARequestShowsNoBody(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]time.Duration{"limited by the attempt": time.Hour, "limited by the caller": 9 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			var printed []string
			cfg := wireIAM("https://iam.example.com")
			cfg.Transport = wireTransport(func(req *http.Request) (*http.Response, error) {
				for _, format := range []string{"%v", "%+v", "%s", "%q", "%x"} {
					printed = append(printed, fmt.Sprintf(format, req.Context()))
				}
				return wireAnswer(req, http.StatusUnauthorized, ""), nil
			})
			_, err := wireIAMSource(t, cfg).Token(ctx)
			require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
			require.Len(t, printed, 5)
			for _, text := range printed {
				wireRequireHidden(t, "a context", text)
			}
		})
	}
}

// wireSpellings are the ways in which a server may repeat a secret inside JSON.
var wireSpellings = map[string]func(string) string{
	"as it is": func(s string) string { return wireInside(s, nil) },
	"with HTML escapes": func(s string) string {
		return wireInside(s, func(r rune) bool { return strings.ContainsRune("<>&='", r) })
	},
	"with all but ASCII escaped": func(s string) string {
		return wireInside(s, func(r rune) bool { return r > unicode.MaxASCII })
	},
	"with + escaped":     func(s string) string { return strings.ReplaceAll(wireInside(s, nil), "+", `\u002B`) },
	"with slash escaped": func(s string) string { return strings.ReplaceAll(wireInside(s, nil), "/", `\/`) },
	"with slash and HTML escapes": func(s string) string {
		return strings.ReplaceAll(wireInside(s, func(r rune) bool { return strings.ContainsRune("<>&='", r) }), "/", `\/`)
	},
	"all escaped":             func(s string) string { return wireInside(s, func(rune) bool { return true }) },
	"all escaped in capitals": func(s string) string { return wireCapitals(wireInside(s, func(rune) bool { return true })) },
	"as JSON in JSON":         func(s string) string { return wireInside(`{"a":"`+wireInside(s, nil)+`"}`, nil) },
	"as escaped JSON in JSON": func(s string) string {
		return wireInside(`{"a":"`+strings.ReplaceAll(wireInside(s, func(r rune) bool { return r == '=' }), "/", `\/`)+`"}`, nil)
	},
}

// wireInside is what a JSON string has between its quotes, with the chosen characters as \u escapes.
func wireInside(text string, escape func(rune) bool) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case escape != nil && escape(r):
			for _, unit := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func wireCapitals(text string) string {
	return strings.ReplaceAll(strings.ToUpper(text), `\U`, `\u`)
}

// wirePiece finds a piece of a secret in a text, whatever JSON escapes it is written with, and returns "" where
// there is none.
func wirePiece(text, secret string) string {
	size := min(len(secret), 12)
	last := min(len(secret), 80) - size // long ones repeat themselves
	for range 4 {
		for i := 0; i <= last; i++ {
			if piece := secret[i : i+size]; strings.Contains(text, piece) {
				return piece
			}
		}
		text = wireUnescape(text)
	}
	return ""
}

func wireUnescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		unit, ok := wireUnit(text[i:])
		switch {
		case ok && utf16.IsSurrogate(unit):
			second, _ := wireUnit(text[i+6:])
			b.WriteRune(utf16.DecodeRune(unit, second))
			i += 11
		case ok:
			b.WriteRune(unit)
			i += 5
		case text[i] == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// wireUnit reads the escape that a text starts with.
func wireUnit(text string) (rune, bool) {
	if len(text) < 6 || text[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(text[2:6], 16, 16)
	return rune(n), err == nil
}

// B6
func TestB6SecretThatTheServerRepeatsIsRemoved(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("MIIWireLong/Token+Part=", 40)
	secrets := map[string]string{
		"usual": wireToken, "with all that JSON escapes": `Wire"Quote\Back/Slash<Less>More&And'Single=Equals`, "long": long, "not ASCII": "密码Wörterbuch🚀Schlüssel鍵",
	}
	// The place of %s gets the secret, spelled for JSON.
	places := map[string]string{
		"message":                     `{"error_code":"DEV.CB.1","error_msg":"bad header X-Auth-Token: %s, says the gateway"}`,
		"code":                        `{"error_code":"%s","error_msg":"bad header"}`,
		"other member":                `{"error_code":"DEV.CB.1","error_msg":"bad header","request":{"headers":{"X-Auth-Token":["%s"]}}}`,
		"nested error":                `{"status":"error","error":{"code":"CB.00060200","reason":"%s"}}`,
		"array":                       `{"errors":[{"code":"CB.00060200","message":"%s"}]}`,
		"success that is an error":    `{"error_code":"CB.00060200","error_msg":"%s"}`,
		"success that is not JSON":    `{"error_code":"CB.00060200","error_msg":"%s"`,
		"success of the wrong form":   `{"result":"%s"}`,
		"text":                        `bad header X-Auth-Token: %s`,
		"page":                        `<html><title>bad header %s</title></html>`,
		"page without a title":        `<html><h1>bad</h1><p>header %s</p></html>`,
		"page with a secret at a cut": `<html><p>` + strings.Repeat("no. ", 35) + `%s</p></html>`,
		"text with a secret at a cut": strings.Repeat("no. ", 36) + `%s`,
		"message at a cut":            `{"error_code":"DEV.CB.1","error_msg":"` + strings.Repeat("no. ", 125) + `%s"}`,
		"body at a cut":               `{"error_code":"DEV.CB.1","error_msg":"bad header","padding":"` + strings.Repeat("no. ", 1000) + strings.Repeat(".", 20) + `%s"}`,
	}
	for spelling, spell := range wireSpellings {
		for kind, secret := range secrets {
			for place, body := range places {
				t.Run(spelling+"/"+kind+"/"+place, func(t *testing.T) {
					t.Parallel()
					status := http.StatusForbidden
					if strings.HasPrefix(place, "success") {
						status = http.StatusOK
					}
					synctest.Test(t, func(t *testing.T) { // a login that cannot be read is tried again
						mock := wireMock(status, strings.Replace(body, "%s", spell(secret), 1), nil)
						if kind != "not ASCII" { // only a password can be that
							token := wireNewClient(t, codeartsbuild.WithEndpoint("https://build.example.com"), codeartsbuild.WithTransport(mock), wireOnce,
								codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(secret)))
							_, err := token.Jobs.Stop(t.Context(), wireJob, "7")
							wireRequireRemoved(t, err, secret)

							signed := wireNewClient(t, codeartsbuild.WithEndpoint("https://build.example.com"), codeartsbuild.WithTransport(mock), wireOnce,
								codeartsbuild.WithAccessKeySource(wireKeySource{codeartsbuild.NewTemporaryAccessKey("AKWIRE", wireSecretKey, secret, time.Time{})}))
							_, err = signed.Builds.Get(t.Context(), wireJob, "7")
							wireRequireRemoved(t, err, secret)
						}
						cfg := wireIAM("https://iam.example.com")
						cfg.Password, cfg.Transport = codeartsbuild.StaticSecret(secret), mock
						_, err := wireIAMSource(t, cfg).Token(t.Context())
						wireRequireRemoved(t, err, secret)
					})
				})
			}
		}
	}
}

// wireRequireRemoved requires that nothing of an error that came with an answer has a piece of the secret.
func wireRequireRemoved(t *testing.T, err error, secret string) {
	t.Helper()
	var apiErr *codeartsbuild.APIError
	require.ErrorAs(t, err, &apiErr)
	for where, text := range map[string]string{
		"text": err.Error(), "ErrorMsg": apiErr.ErrorMsg, "ErrorCode": apiErr.ErrorCode, "RequestID": apiErr.RequestID,
		"Body": string(apiErr.Body), "GoString": apiErr.GoString(), "LogValue": apiErr.LogValue().String(),
	} {
		if piece := wirePiece(text, secret); piece != "" {
			t.Fatalf("%s has %q of the secret: %s", where, piece, text)
		}
	}
}

// B6
func TestB6SecretInAHeaderOfTheAnswerIsRemoved(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"X-Request-Id", "X-Iam-Trace-Id", "X-Openstack-Request-Id"} {
		for _, status := range []int{307, 403} {
			t.Run(fmt.Sprintf("%s of a %d", name, status), func(t *testing.T) {
				t.Parallel()
				header := http.Header{name: {wireToken + wirePassword}}
				mock := wireMock(status, "", header)
				_, err := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(mock)).Jobs.Stop(t.Context(), wireJob, "7")
				wireRequireRemoved(t, err, wireToken)
				cfg := wireIAM("https://iam.example.com")
				cfg.Transport = mock
				_, err = wireIAMSource(t, cfg).Token(t.Context())
				wireRequireRemoved(t, err, wirePassword)
			})
		}
	}
}

// B6
func TestB6OfALoginThatIsRefusedForItsFormOnlyTheTitleIsKept(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		body   string
		want   string // ErrorMsg; "*": anything
	}{
		"Keystone quotes the password": {400, `{"error":{"code":400,"message":"Invalid input for field 'identity'\n\nOn instance['identity']:\n    {'password': {'user': {'password': 'quoted in Python \\x57ire'}}}","title":"Bad Request"}}`, "Bad Request"},
		"413 in the other envelope":    {413, `{"message":"Request is too large: quoted in Python","code":"413 Request Entity Too Large","title":"Request Entity Too Large"}`, "Request Entity Too Large"},
		"a message without a title":    {400, `{"error":{"code":400,"message":"quoted in Python"}}`, ""},
		"405 with a message alone":     {405, `{"message":"quoted in Python"}`, ""},
		"text":                         {400, `quoted in Python`, ""},
		"a page with a title":          {400, `<html><title>Bad Request</title><p>quoted in Python</p></html>`, "Bad Request"},
		"a page without a title":       {413, `<html><p>quoted in Python</p></html>`, ""},
		"JSON in a string":             {400, `"{\"error\":{\"message\":\"quoted in Python\",\"title\":\"Bad Request\"}}"`, "Bad Request"},
		"broken JSON":                  {400, `{"error":{"message":"quoted in Python","title":"Bad Request"`, ""},
		"a refusal that quotes none":   {401, `{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}`, "The request you have made requires authentication."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := wireIAM("https://iam.example.com")
			cfg.Transport = wireMock(tt.status, tt.body, nil)
			_, err := wireIAMSource(t, cfg).Token(t.Context())
			var apiErr *codeartsbuild.APIError
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.Equal(t, tt.want, apiErr.ErrorMsg)
			require.NotContains(t, err.Error(), "quoted in Python")
			require.NotContains(t, string(apiErr.Body), "quoted in Python")
		})
	}
}

// B6
func TestB6EmbeddedIAMQuotesThePasswordAndNothingShowsIt(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	cfg := srv.IAMConfig()
	cfg.Password = codeartsbuild.StaticSecret(wirePassword)
	srv.Next("CreateToken", func(service http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			broken := bytes.Replace(body, []byte(`"methods"`), []byte(`"method"`), 1)
			r.Body = io.NopCloser(bytes.NewReader(broken))
			service.ServeHTTP(w, r)
		})
	})
	_, err := wireIAMSource(t, cfg).Token(t.Context())
	require.ErrorIs(t, err, codeartsbuild.ErrBadRequest)
	wireRequireRemoved(t, err, wirePassword)
}

// B6
func TestB6ErrorTextIsOneShortLineWithoutHeadersQueryAndBody(t *testing.T) {
	t.Parallel()
	endless := strings.Repeat("words and\r\n\tmore \x00\u2028words ", 400)
	quoted, err := json.Marshal(endless)
	require.NoError(t, err)
	urlError := &url.Error{Op: "Post", URL: "https://build.example.com/v3/jobs/stop?token=in-query", Err: errors.New("EOF at\nthe start")}
	failing := func(err error) codeartsbuild.ClientOption {
		mock := httpmock.NewMockTransport()
		mock.RegisterNoResponder(httpmock.NewErrorResponder(err))
		return codeartsbuild.WithTransport(mock)
	}
	answering := func(status int, body string, header http.Header) codeartsbuild.ClientOption {
		return codeartsbuild.WithTransport(wireMock(status, body, header))
	}
	source := func(err error) codeartsbuild.ClientOption {
		return codeartsbuild.WithTokenSource(codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) { return nil, err }))
	}
	ended := func(cause error) context.Context {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(cause)
		return ctx
	}
	header := http.Header{"X-Request-Id": {strings.Repeat("r", 4000)}, "X-Marker": {"in-header"}}
	tests := map[string]struct {
		ctx  context.Context // nil: the test's
		opts []codeartsbuild.ClientOption
	}{
		"lost answer":                    {opts: []codeartsbuild.ClientOption{failing(io.EOF)}},
		"transport names its URL":        {opts: []codeartsbuild.ClientOption{failing(urlError)}},
		"transport wraps such an error":  {opts: []codeartsbuild.ClientOption{failing(fmt.Errorf("sending: %w", urlError))}},
		"transport joins such an error":  {opts: []codeartsbuild.ClientOption{failing(errors.Join(io.EOF, urlError))}},
		"transport nests such errors":    {opts: []codeartsbuild.ClientOption{failing(&url.Error{Op: "Get", URL: "https://proxy/?token=in-query", Err: urlError})}},
		"transport talks endlessly":      {opts: []codeartsbuild.ClientOption{failing(errors.New(endless))}},
		"source names its URL":           {opts: []codeartsbuild.ClientOption{source(urlError)}},
		"source wraps such an error":     {opts: []codeartsbuild.ClientOption{source(fmt.Errorf("logging in: %w", urlError))}},
		"source talks endlessly":         {opts: []codeartsbuild.ClientOption{source(errors.New(endless))}},
		"endless message":                {opts: []codeartsbuild.ClientOption{answering(400, `{"error_code":`+string(quoted)+`,"error_msg":`+string(quoted)+`}`, header)}},
		"endless message, unclear":       {opts: []codeartsbuild.ClientOption{answering(502, `{"error_msg":`+string(quoted)+`}`, header)}},
		"endless text":                   {opts: []codeartsbuild.ClientOption{answering(500, endless, header)}},
		"endless page":                   {opts: []codeartsbuild.ClientOption{answering(200, "<html>"+endless, header)}},
		"endless title":                  {opts: []codeartsbuild.ClientOption{answering(404, "<title>"+endless+"</title>", header)}},
		"endless host":                   {opts: []codeartsbuild.ClientOption{answering(307, "", http.Header{"Location": {"https://" + strings.Repeat("h", 9000) + "/?token=in-query"}})}},
		"body beside the message":        {opts: []codeartsbuild.ClientOption{answering(400, `{"error_msg":"no","data":"in-body"}`, header)}},
		"text that is not the service's": {opts: []codeartsbuild.ClientOption{answering(200, `{"result":true,"data":"`+strings.Repeat("x", 200)+`in-body`, header)}},
		"several codes":                  {opts: []codeartsbuild.ClientOption{answering(200, `{"status":"error","error":{"code":`+string(quoted)+`}}`, header)}},
		"endless cause of an end":        {ctx: ended(errors.New(endless))},
		"cause that names a URL":         {ctx: ended(urlError)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // a stop that may have taken effect is waited for
				ctx := tt.ctx
				if ctx == nil {
					ctx = t.Context()
				}
				client := wireClient(t, "https://build.example.com", append([]codeartsbuild.ClientOption{wireOnce}, tt.opts...)...)
				_, err := client.Jobs.Stop(ctx, wireJob, "7")
				wireRequireLine(t, err)
				_, err = client.Jobs.StopAndWait(ctx, wireJob, "7")
				wireRequireLine(t, err)
				long := "/v9/" + strings.Repeat("long/", 400) + "?token=in-query"
				wireRequireLine(t, client.Do(ctx, http.MethodPost, long, map[string]string{"a": "in-body"}, new(struct{ A int })))
				wireRequireLine(t, client.Do(ctx, http.MethodGet, long, struct {
					A string `url:"a"`
				}{"in-query"}, new(struct{ A int })))
			})
		})
	}
}

// B6: the end of a context, while the call pauses between attempts, has a cause that somebody else wrote.
func TestB6CauseOfAnEndDuringAPauseIsCutAndFolded(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{
		"endless":         errors.New(strings.Repeat("words and\r\n\tmore words ", 400)),
		"that names URLs": fmt.Errorf("stopped: %w", &url.Error{Op: "Get", URL: "https://a.example.com/?token=in-query", Err: io.EOF}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // the pause takes no real time
				ctx, cancel := context.WithCancelCause(t.Context())
				mock := httpmock.NewMockTransport()
				mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
					time.AfterFunc(time.Minute, func() { cancel(cause) })
					return httpmock.NewStringResponse(http.StatusServiceUnavailable, ""), nil
				})
				slow := codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: time.Hour, MaxDelay: 24 * time.Hour})
				_, err := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(mock), slow).Jobs.Stop(ctx, wireJob, "7")
				require.ErrorIs(t, err, context.Canceled)
				wireRequireLine(t, err)
			})
		})
	}
}

// wireRequireLine requires that the text of an error is a line, shorter than 1 KiB, and has nothing of the
// markers that the tests put into headers, queries and bodies.
func wireRequireLine(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	text := err.Error()
	require.Less(t, len(text), 1<<10, text)
	require.Equal(t, -1, strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", text)
	for _, marker := range []string{"in-header", "in-query", "in-body", "?", "X-Auth-Token", "X-Request-Id", wireToken[:12]} {
		require.NotContains(t, text, marker)
	}
}

// B6
func TestB6CauseInsideAURLErrorIsStillFound(t *testing.T) {
	t.Parallel()
	sentinel := errors.New("vault is sealed")
	urlError := &url.Error{Op: "Get", URL: "https://vault.example.com/?token=in-query", Err: fmt.Errorf("asked: %w", sentinel)}
	source := codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
		return nil, fmt.Errorf("logging in: %w", urlError)
	})
	cfg := wireIAM("https://iam.example.com")
	cfg.Password = func(context.Context) (string, error) { return "", urlError }
	for name, tokens := range map[string]codeartsbuild.TokenSource{
		"of a token source": source, "of a cached one": codeartsbuild.NewCachedTokenSource(source), "of a password": wireIAMSource(t, cfg),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mock := wireMock(http.StatusOK, `{"result":true}`, nil)
			_, err := wireClient(t, "https://build.example.com", codeartsbuild.WithTokenSource(tokens), codeartsbuild.WithTransport(mock)).Jobs.Stop(t.Context(), wireJob, "7")
			require.ErrorIs(t, err, sentinel)
			var found *url.Error
			require.ErrorAs(t, err, &found)
			require.Contains(t, err.Error(), "vault is sealed")
			wireRequireLine(t, err)
			require.Zero(t, mock.GetTotalCallCount())
		})
	}
}

// A wireLog keeps the records of a logger.
type wireLog struct {
	mu      sync.Mutex
	records []slog.Record
	changed bool // somebody derived another handler
}

func (l *wireLog) Enabled(context.Context, slog.Level) bool { return true }

func (l *wireLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r.Clone())
	return nil
}

func (l *wireLog) WithAttrs([]slog.Attr) slog.Handler { return l.derived() }
func (l *wireLog) WithGroup(string) slog.Handler      { return l.derived() }

func (l *wireLog) derived() slog.Handler {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed = true
	return l
}

func (l *wireLog) all() []slog.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.records)
}

// B7
func TestB7LogsHoldAllowedNamesOnly(t *testing.T) {
	t.Parallel()
	allowed := []string{"operation", "job", "build", "status", "code", "request_id", "attempt", "attempts", "duration", "error"}
	seen := map[string]bool{}
	var mu sync.Mutex
	reply := codeartsbuildtest.Reply
	tests := map[string]struct {
		faults []codeartsbuildtest.Fault
		opts   []codeartsbuild.ClientOption
	}{
		"stopped":          {},
		"refused":          {faults: []codeartsbuildtest.Fault{reply(403, `{"error_code":"DEV.CB.1","error_msg":"no"}`)}},
		"throttled, twice": {faults: []codeartsbuildtest.Fault{reply(429, ""), reply(503, `{"data":"in-body"}`)}},
		"lost":             {faults: []codeartsbuildtest.Fault{codeartsbuildtest.DropAnswer()}},
		"redirected":       {faults: []codeartsbuildtest.Fault{codeartsbuildtest.Redirect("https://login.example.com/?a=in-query")}},
		"a page":           {faults: []codeartsbuildtest.Fault{reply(200, "<html>no</html>"), reply(200, "<html>no</html>")}},
		"token expired":    {faults: []codeartsbuildtest.Fault{codeartsbuildtest.ExpireToken()}},
		"v3 retired": {
			[]codeartsbuildtest.Fault{reply(404, `{"error_code":"APIGW.0101","error_msg":"no"}`)},
			[]codeartsbuild.ClientOption{codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto)},
		},
		"login repeats the token": {faults: []codeartsbuildtest.Fault{func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Request-Id", r.Header.Get("X-Auth-Token"))
				wireReply(400, `{"error_code":"`+r.Header.Get("X-Auth-Token")+`","error_msg":"`+r.Header.Get("X-Auth-Token")+`"}`)(w, r)
			})
		}}},
	}
	t.Run("situations", func(t *testing.T) {
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				login := wireIAMSource(t, srv.IAMConfig())
				kept := &wireLog{}
				client := srv.Client(append([]codeartsbuild.ClientOption{
					codeartsbuild.WithTokenSource(login), wireQuick, codeartsbuild.WithLogger(slog.New(kept)),
				}, tt.opts...)...)
				job := srv.AddJob("nightly")
				build := srv.StartBuild(job)
				srv.Next("StopJob", tt.faults...)
				_, _ = client.Jobs.Stop(t.Context(), job, build)
				_, _ = client.Builds.Get(t.Context(), job, build)
				_ = client.Do(t.Context(), http.MethodPost, "/v9/anything?a=in-query", map[string]string{"a": "in-body"}, nil)
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				_, _ = client.Jobs.Stop(ended, job, build)

				records := kept.all()
				require.NotEmpty(t, records)
				token, err := login.Token(t.Context())
				require.NoError(t, err)
				for _, r := range records {
					r.Attrs(func(a slog.Attr) bool {
						require.Contains(t, allowed, a.Key)
						require.NotEqual(t, slog.KindAny, a.Value.Kind(), "%s can hold anything", a.Key)
						for _, secret := range []string{token.Value()[:20], "in-query", "in-body", "X-Auth-Token"} {
							require.NotContains(t, a.Value.String(), secret, a.Key)
						}
						mu.Lock()
						defer mu.Unlock()
						seen[a.Key] = true
						return true
					})
				}
			})
		}
	})
	require.Len(t, seen, len(allowed), "the names that a document promises are all in use: %v", seen)
}

// B7: what instrumentation gets besides the request itself is the operation's name, and that has no query.
func TestB7TransportLearnsTheOperationAndNoMore(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"Stop": "StopJob", "Stop over v1": "StopTheJob", "Stop with the API chosen by itself": "StopJob", "StopAndWait": "StopJob",
		"Run": "ExecuteJob", "Get": "ShowJobBuildRecordDetail", "any GET": "GET /v9/anything", "any HEAD": "HEAD /v9/anything",
		"any POST": "POST /v9/anything", "any PUT": "PUT /v9/anything", "any DELETE": "DELETE /v9/anything",
	}
	for _, call := range wireCalls() {
		t.Run(call.name, func(t *testing.T) {
			t.Parallel()
			var operation string
			mock := httpmock.NewMockTransport()
			mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
				operation = codeartsbuild.OperationFromContext(req.Context())
				return httpmock.NewStringResponse(http.StatusBadRequest, ""), nil
			})
			client := wireClient(t, "https://build.example.com", append(call.opts, codeartsbuild.WithTransport(mock))...)
			require.Error(t, call.do(t.Context(), client))
			require.Equal(t, want[call.name], operation)
		})
	}
}

// wireUnsendable are texts that must not get into a header, a path or a request line.
var wireUnsendable = map[string]string{
	"CR": "wire\rX-Evil: 1", "LF": "wire\nX-Evil: 1", "CRLF": "wire\r\nX-Evil: 1", "CRLF at the end": "wire\r\n", "LF at the start": "\nwire",
	"NUL": "wire\x00", "tab": "wire\tmore", "DEL": "wire\x7f", "escape": "\x1b[2J", "Latin-1": "wire\xe4", "umlaut": "wirä", "Chinese": "令牌",
	"wide digit": "１", "line separator": "wire\u2028more", "no-break space": "wire\u00a0", "right-to-left": "wire\u202e",
}

// B8
func TestB8CredentialOrHeaderValueThatAHeaderCannotCarryIsRefused(t *testing.T) {
	t.Parallel()
	endpoint := codeartsbuild.WithEndpoint("https://build.example.com")
	key := func(id, secret, token string) codeartsbuild.ClientOption {
		return codeartsbuild.WithAccessKeySource(wireKeySource{codeartsbuild.NewTemporaryAccessKey(id, secret, token, time.Time{})})
	}
	tests := map[string]func(bad string) []codeartsbuild.ClientOption{
		"static token": func(bad string) []codeartsbuild.ClientOption {
			return []codeartsbuild.ClientOption{codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(bad))}
		},
		"token of a source": func(bad string) []codeartsbuild.ClientOption {
			return []codeartsbuild.ClientOption{codeartsbuild.WithTokenSource(codeartsbuild.TokenSourceFunc(
				func(context.Context) (*codeartsbuild.Token, error) {
					return codeartsbuild.NewToken(bad, time.Time{}), nil
				}))}
		},
		"token of a cached source": func(bad string) []codeartsbuild.ClientOption {
			return []codeartsbuild.ClientOption{codeartsbuild.WithTokenSource(codeartsbuild.NewCachedTokenSource(codeartsbuild.StaticToken(bad)))}
		},
		"static access key": func(bad string) []codeartsbuild.ClientOption {
			return []codeartsbuild.ClientOption{codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(bad, wireSecretKey))}
		},
		"access key of a source": func(bad string) []codeartsbuild.ClientOption {
			return []codeartsbuild.ClientOption{key(bad, wireSecretKey, "")}
		},
		"security token": func(bad string) []codeartsbuild.ClientOption {
			return []codeartsbuild.ClientOption{key("AKWIRE", wireSecretKey, bad)}
		},
		"project id": func(bad string) []codeartsbuild.ClientOption {
			return []codeartsbuild.ClientOption{key("AKWIRE", wireSecretKey, ""), codeartsbuild.WithProjectID(bad)}
		},
		"user agent": func(bad string) []codeartsbuild.ClientOption {
			return []codeartsbuild.ClientOption{key("AKWIRE", wireSecretKey, ""), codeartsbuild.WithUserAgent(bad)}
		},
	}
	for name, options := range tests {
		for kind, bad := range wireUnsendable {
			t.Run(name+" with "+kind, func(t *testing.T) {
				t.Parallel()
				mock := wireMock(http.StatusOK, `{"result":true}`, nil)
				client, err := codeartsbuild.NewClient(append(options(bad), endpoint, codeartsbuild.WithTransport(mock))...)
				if err == nil {
					_, err = client.Jobs.Stop(t.Context(), wireJob, "7")
				}
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				require.NotContains(t, err.Error(), "Evil")
				require.Zero(t, mock.GetTotalCallCount())
			})
		}
	}
}

// B8
func TestB8IdOrPathThatARequestCannotCarryIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]func(ctx context.Context, c *codeartsbuild.Client, bad string) error{
		"job id": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			_, err := c.Jobs.Stop(ctx, bad, "7")
			return err
		},
		"job id of the right length": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			_, err := c.Builds.Get(ctx, (bad + wireJob)[:32], "7")
			return err
		},
		"build number": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			_, err := c.Jobs.Stop(ctx, wireJob, bad)
			return err
		},
		"build number after a digit": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			_, err := c.Builds.Get(ctx, wireJob, "7"+bad)
			return err
		},
		"path": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			return c.Do(ctx, http.MethodGet, "/v9/"+bad, nil, nil)
		},
		"query of a path": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			return c.Do(ctx, http.MethodGet, "/v9/anything?a="+bad, nil, nil)
		},
		"method": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			return c.Do(ctx, bad, "/v9/anything", nil, nil)
		},
		"region": func(_ context.Context, _ *codeartsbuild.Client, bad string) error {
			_, err := codeartsbuild.NewClient(codeartsbuild.WithRegion(bad), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(wireToken)))
			return err
		},
		"region of a login": func(_ context.Context, _ *codeartsbuild.Client, bad string) error {
			cfg := wireIAM("")
			cfg.Region = bad
			_, err := codeartsbuild.NewIAMTokenSource(cfg)
			return err
		},
	}
	for name, call := range tests {
		for kind, bad := range wireUnsendable {
			t.Run(name+" with "+kind, func(t *testing.T) {
				t.Parallel()
				mock := wireMock(http.StatusOK, `{"result":true}`, nil)
				err := call(t.Context(), wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(mock)), bad)
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.Equal(t, -1, strings.IndexFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }), "%q", err)
				require.Zero(t, mock.GetTotalCallCount())
			})
		}
	}
}

// A wireProxy is a proxy that takes every CONNECT to one place, whatever its name.
type wireProxy struct {
	*wireServer
	refuse bool
	target string
}

func wireListenProxy(t *testing.T, target string, refuse bool) *wireProxy {
	p := &wireProxy{target: target, refuse: refuse}
	p.wireServer = wireListen(t, p.connect)
	return p
}

func (p *wireProxy) connect(w http.ResponseWriter, r *http.Request) {
	if p.refuse || r.Method != http.MethodConnect {
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	there, err := net.Dial("tcp", p.target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		defer there.Close()
		_, _ = io.Copy(there, here)
	}()
	_, _ = io.Copy(here, there)
}

// A wireOrder tells a child process what to call, and a wireResult what came of it.
type wireOrder struct{ Endpoint, IAM string }

type wireResult struct {
	Text             string
	Unknown, Invalid bool
}

const wireOrderVariable = "CODEARTSBUILD_TEST_WIRE"

// B9: the proxy is read from the environment, which net/http does once in a process, so that each row is a
// process of its own.
func TestB9ProxyFromTheEnvironment(t *testing.T) {
	t.Parallel()
	if order := os.Getenv(wireOrderVariable); order != "" {
		wireObey(t, order)
		return
	}
	const (
		named    = "https://build.example.com"
		namedIAM = "https://iam.example.com"
		user     = "http://user:" + wireProxyPassword + "@"
	)
	// The address 0.0.0.0 leads to this machine, and yet is no loopback address for which proxies are never
	// asked. In rows, TARGET is that address of the service and PROXY the address of the proxy.
	tests := map[string]struct {
		env           []string
		order         wireOrder
		refuse        bool     // the proxy does
		want          string   // part of the error; "": the call succeeds
		wantConnects  []string // what the proxy was asked for
		wantService   int      // requests there
		wantNoSockets bool     // nobody connected to the service
	}{
		"honoured": {
			env: []string{"HTTPS_PROXY=" + user + "PROXY"}, order: wireOrder{named, ""},
			wantConnects: []string{"build.example.com:443"}, wantService: 1,
		},
		"in small letters": {
			env: []string{"https_proxy=" + user + "PROXY"}, order: wireOrder{named, ""},
			wantConnects: []string{"build.example.com:443"}, wantService: 1,
		},
		"without a scheme": {
			env: []string{"HTTPS_PROXY=PROXY"}, order: wireOrder{named, ""},
			wantConnects: []string{"build.example.com:443"}, wantService: 1,
		},
		"honoured for the login too": {
			env: []string{"HTTPS_PROXY=" + user + "PROXY"}, order: wireOrder{named, namedIAM},
			wantConnects: []string{"iam.example.com:443", "build.example.com:443"}, wantService: 2,
		},
		"honoured for an address": {
			env: []string{"HTTPS_PROXY=" + user + "PROXY"}, order: wireOrder{"https://TARGET", ""},
			wantConnects: []string{"TARGET"}, wantService: 1,
		},
		"NO_PROXY names the host": {
			env: []string{"HTTPS_PROXY=" + user + "PROXY", "NO_PROXY=example.org,0.0.0.0"}, order: wireOrder{"https://TARGET", ""},
			wantService: 1,
		},
		"NO_PROXY names another host": {
			env: []string{"HTTPS_PROXY=" + user + "PROXY", "NO_PROXY=example.org"}, order: wireOrder{"https://TARGET", ""},
			wantConnects: []string{"TARGET"}, wantService: 1,
		},
		"no_proxy is everything": {
			env: []string{"HTTPS_PROXY=" + user + "PROXY", "no_proxy=*"}, order: wireOrder{"https://TARGET", ""},
			wantService: 1,
		},
		"none": {order: wireOrder{"https://TARGET", ""}, wantService: 1},
		"proxy refuses": {
			env: []string{"HTTPS_PROXY=" + user + "PROXY"}, order: wireOrder{"https://TARGET", ""}, refuse: true,
			want: "proxy", wantConnects: []string{"TARGET"}, wantNoSockets: true,
		},
		"nobody is at the proxy's address": {
			env: []string{"HTTPS_PROXY=" + user + "127.0.0.1:1"}, order: wireOrder{"https://TARGET", ""},
			want: "proxy", wantNoSockets: true,
		},
		"password with a broken escape": {
			env: []string{"HTTPS_PROXY=http://user:" + wireProxyPassword + "%zz@PROXY"}, order: wireOrder{"https://TARGET", ""},
			want: "proxy", wantNoSockets: true,
		},
		"password with a slash": {
			env: []string{"HTTPS_PROXY=http://user:" + wireProxyPassword + "/x@PROXY"}, order: wireOrder{"https://TARGET", ""},
			want: "proxy", wantNoSockets: true,
		},
		"port that is none": {
			env: []string{"HTTPS_PROXY=" + user + "127.0.0.1:port"}, order: wireOrder{"https://TARGET", ""},
			want: "proxy", wantNoSockets: true,
		},
		"address without a host": {
			env: []string{"HTTPS_PROXY=/x"}, order: wireOrder{"https://TARGET", ""},
			want: "the proxy address in the environment is not valid", wantNoSockets: true,
		},
		"bracket that is not closed": {
			env: []string{"HTTPS_PROXY=" + user + "[::1"}, order: wireOrder{"https://TARGET", ""},
			want: "proxy", wantNoSockets: true,
		},
		"bad for the login": {
			env: []string{"HTTPS_PROXY=http://user:" + wireProxyPassword + "%zz@PROXY"}, order: wireOrder{"https://TARGET", "https://TARGET"},
			want: "proxy", wantNoSockets: true,
		},
		"bad in small letters": {
			env: []string{"https_proxy=http://user:" + wireProxyPassword + "%zz@PROXY"}, order: wireOrder{"https://TARGET", ""},
			want: "proxy", wantNoSockets: true,
		},
		"bad, for plain http": {
			env: []string{"HTTP_PROXY=http://user:" + wireProxyPassword + "%zz@PROXY"}, order: wireOrder{"http://TARGET", ""},
			want: "proxy", wantNoSockets: true,
		},
		"bad, but this machine needs none": {
			env: []string{"HTTPS_PROXY=http://user:" + wireProxyPassword + "%zz@PROXY"}, order: wireOrder{"https://LOOPBACK", ""},
			wantService: 1,
		},
	}
	certificate, roots := wireCertificate(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := wireListen(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == wireLogin {
					w.Header().Set("X-Subject-Token", wireToken)
					wireReply(http.StatusCreated, `{"token":{"project":{"id":"0123456789abcdef0123456789abcdef"}}}`)(w, r)
					return
				}
				wireReply(http.StatusOK, `{"result":true}`)(w, r)
			}, func(s *httptest.Server) { s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}} })
			loopback := service.Listener.Addr().String()
			target := strings.Replace(loopback, "127.0.0.1", "0.0.0.0", 1)
			proxy := wireListenProxy(t, loopback, tt.refuse)
			fill := strings.NewReplacer("TARGET", target, "PROXY", proxy.Listener.Addr().String(), "LOOPBACK", loopback)
			order, err := json.Marshal(wireOrder{fill.Replace(tt.order.Endpoint), fill.Replace(tt.order.IAM)})
			require.NoError(t, err)
			env := []string{wireOrderVariable + "=" + string(order), "SSL_CERT_FILE=" + roots}
			for _, variable := range tt.env {
				name, value, _ := strings.Cut(variable, "=")
				env = append(env, name+"="+fill.Replace(value))
			}

			stdout, stderr := wireAgain(t, "TestB9ProxyFromTheEnvironment", env...)

			var got wireResult
			_, line, _ := strings.Cut(stdout, wireOrderVariable+"=")
			require.NoError(t, json.NewDecoder(strings.NewReader(line)).Decode(&got), "%s%s", stdout, stderr)
			require.NotContains(t, stdout+stderr, wireProxyPassword)
			require.False(t, got.Unknown, "nothing was sent: %s", got.Text)
			if tt.want == "" {
				require.Empty(t, got.Text)
			} else {
				require.Contains(t, got.Text, tt.want)
				require.NotContains(t, got.Text, "user:")
			}
			var connects []string
			for _, r := range proxy.requests() {
				require.Equal(t, http.MethodConnect, r.method)
				require.Empty(t, r.header.Get("X-Auth-Token"))
				connects = append(connects, strings.ReplaceAll(r.host, target, "TARGET"))
			}
			require.Equal(t, tt.wantConnects, connects)
			require.Len(t, service.requests(), tt.wantService)
			if accepted, _ := service.connections(); tt.wantNoSockets {
				require.Zero(t, accepted, "a direct connection was made")
			}
		})
	}
}

// wireObey is the child's part: one stop with the default transports.
func wireObey(t *testing.T, encoded string) {
	var order wireOrder
	require.NoError(t, json.Unmarshal([]byte(encoded), &order))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	source := codeartsbuild.StaticToken(wireToken)
	if order.IAM != "" {
		source = wireIAMSource(t, wireIAM(order.IAM))
	}
	client := wireClient(t, order.Endpoint, codeartsbuild.WithTokenSource(source), codeartsbuild.WithInsecureHTTP(), wireOnce)
	var result wireResult
	if _, err := client.Jobs.Stop(ctx, wireJob, "7"); err != nil {
		result = wireResult{err.Error(), errors.Is(err, codeartsbuild.ErrOutcomeUnknown), errors.Is(err, codeartsbuild.ErrInvalidArgument)}
	}
	said, err := json.Marshal(result)
	require.NoError(t, err)
	fmt.Printf("%s=%s\n", wireOrderVariable, said)
}

// wireAgain runs one test of this program again, in a process that has the given environment, and an empty
// folder to work in.
func wireAgain(t *testing.T, test string, env ...string) (stdout, stderr string) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+test+"$", "-test.count=1", "-test.timeout=60s")
	cmd.Env, cmd.Dir = append(env, "GORACE=atexit_sleep_ms=0"), t.TempDir()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	require.NoError(t, cmd.Run(), "%s%s", &out, &errOut)
	entries, err := os.ReadDir(cmd.Dir)
	require.NoError(t, err)
	require.Empty(t, entries, "the child wrote a file")
	return out.String(), errOut.String()
}

// wireCertificate makes a certificate for the names and addresses of these tests, and a file that makes a
// process trust it.
func wireCertificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wire test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"build.example.com", "iam.example.com"}, IPAddresses: []net.IP{net.IPv4zero, net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "roots.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}
