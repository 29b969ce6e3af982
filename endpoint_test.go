package codeartsbuild_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B3: one trailing slash of an endpoint is removed.
func TestEndpointTrailingSlash(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path                string
		wantLogin, wantStop string // "": the endpoint is rejected
	}{
		"none":                     {wantLogin: loginPath, wantStop: stopPath},
		"one":                      {path: "/", wantLogin: loginPath, wantStop: stopPath},
		"two":                      {path: "//"},
		"a prefix":                 {path: "/gate", wantLogin: "/gate" + loginPath, wantStop: "/gate" + stopPath},
		"a prefix with one":        {path: "/gate/", wantLogin: "/gate" + loginPath, wantStop: "/gate" + stopPath},
		"a prefix with two":        {path: "/gate//"},
		"empty segment before":     {path: "//gate"},
		"Keystone's own URL":       {path: "/v3", wantLogin: loginPath, wantStop: "/v3" + stopPath},
		"Keystone's own, with one": {path: "/v3/", wantLogin: loginPath, wantStop: "/v3" + stopPath},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httpfake.Listen(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, loginPath) {
					httpfake.Handler(http.StatusUnauthorized, "")(w, r)
					return
				}
				sdktest.Accepted(w, r)
			})
			source, err := codeartsbuild.NewIAMTokenSource(sdktest.IAMConfig(server.URL + tt.path))
			if tt.wantLogin == "" {
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				_, err = codeartsbuild.NewClient(codeartsbuild.WithEndpoint(server.URL+tt.path), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(sdktest.Token)))
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				return
			}
			require.NoError(t, err)
			defer source.CloseIdleConnections()
			_, err = source.Token(t.Context())
			require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
			client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL+tt.path))
			require.NoError(t, sdktest.Stop(t.Context(), client))
			var paths []string
			for _, r := range server.Requests() {
				paths = append(paths, r.URL.Path)
			}
			require.Equal(t, []string{tt.wantLogin, tt.wantStop}, paths)
		})
	}
}

// B3: keystone redirects a double slash, which a trailing one would make.
func TestLoginEndpointTrailingSlash(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	cfg := f.IAMConfig()
	cfg.Endpoint += "/"
	token, err := sdktest.TokenSource(t, cfg).Token(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, token.Value())
	require.Len(t, f.Requests(), 1)
}

// B4: an endpoint that would expose the credential is rejected.
func TestEndpointMustProtectCredential(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		endpoint string
		insecure bool // and WithInsecureHTTP is given
		accepted bool
	}{
		"https":                            {endpoint: "https://build.example.com", accepted: true},
		"https with port and prefix":       {endpoint: "https://build.example.com:8443/gate", accepted: true},
		"https in capitals":                {endpoint: "HTTPS://build.example.com", accepted: true},
		"http":                             {endpoint: "http://build.example.com"},
		"http in capitals":                 {endpoint: "HTTP://build.example.com"},
		"http, allowed":                    {endpoint: "http://build.example.com", insecure: true, accepted: true},
		"http to a private address":        {endpoint: "http://10.0.0.1"},
		"http to all addresses":            {endpoint: "http://0.0.0.0"},
		"http to the link-local address":   {endpoint: "http://169.254.169.254"},
		"http to localhost":                {endpoint: "http://localhost:8080", accepted: true},
		"http to LocalHost":                {endpoint: "http://LocalHost:8080", accepted: true},
		"http to 127.0.0.1":                {endpoint: "http://127.0.0.1:8080", accepted: true},
		"http to 127.8.9.10":               {endpoint: "http://127.8.9.10", accepted: true},
		"http to ::1":                      {endpoint: "http://[::1]:8080", accepted: true},
		"http to mapped 127.0.0.1":         {endpoint: "http://[::ffff:127.0.0.1]", accepted: true},
		"http to mapped 10.0.0.1":          {endpoint: "http://[::ffff:10.0.0.1]"},
		"http to localhost.example.com":    {endpoint: "http://localhost.example.com"},
		"http to 127.0.0.1.example.com":    {endpoint: "http://127.0.0.1.example.com"},
		"http to a number":                 {endpoint: "http://2130706433"},
		"http to an octal number":          {endpoint: "http://0177.0.0.1"},
		"user as localhost":                {endpoint: "http://localhost@build.example.com"},
		"user and password":                {endpoint: "https://user:" + sdktest.Password + "@build.example.com"},
		"user and password, allowed":       {endpoint: "http://user:" + sdktest.Password + "@build.example.com", insecure: true},
		"user only":                        {endpoint: "https://" + sdktest.Password + "@build.example.com"},
		"empty user":                       {endpoint: "https://@build.example.com"},
		"query":                            {endpoint: "https://build.example.com?token=" + sdktest.Password},
		"empty query":                      {endpoint: "https://build.example.com/?"},
		"fragment":                         {endpoint: "https://build.example.com#" + sdktest.Password},
		"empty fragment":                   {endpoint: "https://build.example.com/#"},
		"no host":                          {endpoint: "https://"},
		"a path for a host":                {endpoint: "https:///gate"},
		"a port for a host":                {endpoint: "https://:443"},
		"opaque":                           {endpoint: "https:build.example.com"},
		"no scheme":                        {endpoint: "build.example.com"},
		"no scheme but a port":             {endpoint: "build.example.com:443"},
		"no scheme but slashes":            {endpoint: "//build.example.com"},
		"another scheme":                   {endpoint: "ftp://build.example.com"},
		"another scheme, allowed":          {endpoint: "unix://build.example.com", insecure: true},
		"empty":                            {},
		"spaces around":                    {endpoint: " https://build.example.com"},
		"line feed":                        {endpoint: "https://build.example.com\nX-Evil: 1"},
		"broken escape, after a password":  {endpoint: "https://user:" + sdktest.Password + "@build.example.com/%zz"},
		"broken escape, inside a password": {endpoint: "https://user:" + sdktest.Password + "%zz@build.example.com"},
		"backslash before the host":        {endpoint: `http://localhost\@build.example.com`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := []codeartsbuild.ClientOption{
				codeartsbuild.WithEndpoint(tt.endpoint), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(sdktest.Token)),
			}
			cfg := sdktest.IAMConfig(tt.endpoint)
			if cfg.InsecureHTTP = tt.insecure; tt.insecure {
				opts = append(opts, codeartsbuild.WithInsecureHTTP())
			}
			_, clientErr := codeartsbuild.NewClient(opts...)
			_, iamErr := codeartsbuild.NewIAMTokenSource(cfg)
			for _, err := range []error{clientErr, iamErr} {
				if tt.accepted {
					require.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.NotContains(t, err.Error(), sdktest.Password)
				require.NotContains(t, err.Error(), "\n")
			}
		})
	}
}

// B4: a credential of any kind is not sent over plain HTTP unless that is allowed.
func TestPlainHTTPRejectedForEveryCredential(t *testing.T) {
	t.Parallel()
	const endpoint = "http://build.example.com"
	tests := map[string]codeartsbuild.ClientOption{
		"static token":  codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(sdktest.Token)),
		"token source":  codeartsbuild.WithTokenSource(codeartsbuild.TokenSourceFunc(nil)),
		"access key":    codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(sdktest.AccessKeyID, sdktest.SecretKey)),
		"temporary key": codeartsbuild.WithAccessKeySource(sdktest.TemporaryKey(sdktest.SecurityToken)),
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
