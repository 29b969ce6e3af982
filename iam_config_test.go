package codeartsbuild_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B45: a login says each thing exactly once.
func TestIAMConfigContradictions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*codeartsbuild.IAMConfig)
		want   string // part of the error; "": accepted
	}{
		"by names":                    {func(*codeartsbuild.IAMConfig) {}, ""},
		"by region":                   {func(c *codeartsbuild.IAMConfig) { c.Endpoint, c.ProjectName, c.Region = "", "", "cn-north-4" }, ""},
		"unknown region":              {func(c *codeartsbuild.IAMConfig) { c.Endpoint, c.ProjectName, c.Region = "", "", "xx-nowhere-9" }, ""},
		"region for the project only": {func(c *codeartsbuild.IAMConfig) { c.ProjectName, c.Region = "", "cn-north-4" }, ""},
		"by ids": {func(c *codeartsbuild.IAMConfig) {
			c.UserName, c.UserID, c.ProjectName, c.ProjectID, c.DomainName = "", "u", "", "p", ""
		}, ""},
		"neither region nor endpoint": {func(c *codeartsbuild.IAMConfig) { c.Endpoint = "" }, "Region or Endpoint"},
		"no user":                     {func(c *codeartsbuild.IAMConfig) { c.UserName = "" }, "UserName or UserID"},
		"user twice":                  {func(c *codeartsbuild.IAMConfig) { c.UserID = "u" }, "UserName and UserID"},
		"account twice":               {func(c *codeartsbuild.IAMConfig) { c.DomainID = "d" }, "DomainName and DomainID"},
		"project twice":               {func(c *codeartsbuild.IAMConfig) { c.ProjectID = "p" }, "ProjectName and ProjectID"},
		"no project":                  {func(c *codeartsbuild.IAMConfig) { c.ProjectName = "" }, "ProjectName or ProjectID"},
		"user by name, no account":    {func(c *codeartsbuild.IAMConfig) { c.DomainName, c.ProjectName, c.ProjectID = "", "", "p" }, "DomainName"},
		"project by name, no account": {func(c *codeartsbuild.IAMConfig) { c.DomainName, c.UserName, c.UserID = "", "", "u" }, "DomainName"},
		"project by region, no account": {func(c *codeartsbuild.IAMConfig) {
			c.DomainName, c.UserName, c.UserID, c.ProjectName, c.Region = "", "", "u", "", "cn-north-4"
		}, "DomainName"},
		"no password":                    {func(c *codeartsbuild.IAMConfig) { c.Password = nil }, "Password"},
		"nothing":                        {func(c *codeartsbuild.IAMConfig) { *c = codeartsbuild.IAMConfig{} }, "Region or Endpoint"},
		"region that would move the URL": {func(c *codeartsbuild.IAMConfig) { c.Endpoint, c.Region = "", "example.com/" }, "region"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := sdktest.IAMConfig("https://iam.example.com")
			tt.change(&cfg)
			source, err := codeartsbuild.NewIAMTokenSource(cfg)
			if tt.want == "" {
				require.NoError(t, err)
				require.NotNil(t, source)
				return
			}
			require.Nil(t, source)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			require.Contains(t, err.Error(), tt.want)
		})
	}
}

// The password and the one-time code are asked for at each login.
func TestSecretsAskedForAtEachLogin(t *testing.T) {
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
	transport := httpfake.Script(granted)
	cfg := loginConfig(transport)
	cfg.Password, cfg.Passcode = secret("old password", "new password"), secret("111111", "222222")
	source := sdktest.TokenSource(t, cfg)
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
	sent := transport.Requests()
	require.Len(t, sent, 2)
	require.Contains(t, sent[0].Body, `"old password"`)
	require.Contains(t, sent[1].Body, `"new password"`)
	require.Contains(t, sent[1].Body, `"222222"`)
	require.Contains(t, sent[1].Body, `"builder"`)
}

// A login without its password or one-time code is not sent.
func TestSecretFails(t *testing.T) {
	t.Parallel()
	sealed := errors.New("the vault is sealed")
	failing := func(context.Context) (string, error) { return "beside-the-error", sealed }
	tests := map[string]struct {
		password, passcode codeartsbuild.SecretFunc
		want               error
	}{
		"password fails":         {password: failing, want: sealed},
		"password is empty":      {password: codeartsbuild.StaticSecret(""), want: codeartsbuild.ErrInvalidArgument},
		"one-time code fails":    {password: codeartsbuild.StaticSecret(loginPassword), passcode: failing, want: sealed},
		"one-time code is empty": {password: codeartsbuild.StaticSecret(loginPassword), passcode: codeartsbuild.StaticSecret(""), want: codeartsbuild.ErrInvalidArgument},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(granted)
			cfg := loginConfig(transport)
			cfg.Password, cfg.Passcode = tt.password, tt.passcode
			source := sdktest.TokenSource(t, cfg)
			token, err := source.Token(t.Context())
			require.ErrorIs(t, err, tt.want)
			requireLoginError(t, token, err, loginPassword, "beside-the-error")
			require.Zero(t, transport.Count(), "nothing is sent")

			f := sdktest.NewService(t)
			err = sdktest.Stop(t.Context(), f.Client(codeartsbuild.WithTokenSource(source)))
			require.ErrorIs(t, err, tt.want)
			require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
			require.Empty(t, f.Requests())
		})
	}
}

// B4: configurations that are rejected before the password is asked for.
func TestIAMConfigRejected(t *testing.T) {
	t.Parallel()
	type config = codeartsbuild.IAMConfig
	tests := map[string]func(cfg *config){
		"nothing":                      func(cfg *config) { *cfg = config{} },
		"neither region nor endpoint":  func(cfg *config) { cfg.Endpoint = "" },
		"no user":                      func(cfg *config) { cfg.UserName = "" },
		"user by name and id":          func(cfg *config) { cfg.UserID = "u1" },
		"account by name and id":       func(cfg *config) { cfg.DomainID = "d1" },
		"project by name and id":       func(cfg *config) { cfg.ProjectID = loginProject },
		"no project":                   func(cfg *config) { cfg.ProjectName = "" },
		"names without an account":     func(cfg *config) { cfg.DomainName = "" },
		"user name without an account": func(cfg *config) { cfg.DomainName, cfg.ProjectName, cfg.ProjectID = "", "", loginProject },
		"project name without account": func(cfg *config) { cfg.DomainName, cfg.UserName, cfg.UserID = "", "", "u1" },
		"region's project, no account": func(cfg *config) { *cfg = config{Region: "cn-north-4", UserID: "u1", Password: cfg.Password} },
		"no password":                  func(cfg *config) { cfg.Password = nil },
		"a one-time code alone":        func(cfg *config) { cfg.Password, cfg.Passcode = nil, codeartsbuild.StaticSecret(loginPasscode) },
		"region with a host":           func(cfg *config) { cfg.Region, cfg.Endpoint = "cn-north-4.evil.example.com/", "" },
		"region with capitals":         func(cfg *config) { cfg.Region, cfg.Endpoint = "CN North 4", "" },
		"endpoint not a URL":           func(cfg *config) { cfg.Endpoint = "https://iam.example.com:port" },
		"endpoint without a scheme":    func(cfg *config) { cfg.Endpoint = "iam.example.com" },
		"endpoint without a host":      func(cfg *config) { cfg.Endpoint = "https:///v3" },
		"endpoint of another scheme":   func(cfg *config) { cfg.Endpoint = "ftp://iam.example.com" },
		"endpoint with a password":     func(cfg *config) { cfg.Endpoint = "https://user:" + loginPassword + "@iam.example.com" },
		"endpoint with a query":        func(cfg *config) { cfg.Endpoint = "https://iam.example.com/?a=b" },
		"endpoint with a fragment":     func(cfg *config) { cfg.Endpoint = "https://iam.example.com/#v3" },
		"endpoint with two slashes":    func(cfg *config) { cfg.Endpoint = "https://iam.example.com//" },
		"endpoint with a line break":   func(cfg *config) { cfg.Endpoint = "https://iam.example.com/\r\nv3" },
		"http":                         func(cfg *config) { cfg.Endpoint = "http://iam.example.com" },
		"http, looks like a loopback":  func(cfg *config) { cfg.Endpoint = "http://127.0.0.1.example.com" },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(granted)
			cfg := loginConfig(transport)
			cfg.Password = func(context.Context) (string, error) {
				t.Error("the password was asked for")
				return loginPassword, nil
			}
			change(&cfg)
			source, err := codeartsbuild.NewIAMTokenSource(cfg)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			require.Nil(t, source)
			require.NotContains(t, printedError(err), loginPassword)
			require.Zero(t, transport.Count())
		})
	}
}

// B3, B4: the endpoint of a login.
func TestIAMEndpoint(t *testing.T) {
	t.Parallel()
	const path = "/v3/auth/tokens?nocatalog=true"
	tests := map[string]struct {
		region, endpoint string
		insecure         bool
		want             string
	}{
		"of a region":             {region: "cn-north-4", want: "https://iam.cn-north-4.myhuaweicloud.com" + path},
		"of an unknown region":    {region: "ae-west-99", want: "https://iam.ae-west-99.myhuaweicloud.com" + path},
		"beside a region":         {region: "cn-north-4", endpoint: "https://iam.example.com", want: "https://iam.example.com" + path},
		"with a slash":            {endpoint: "https://iam.example.com/", want: "https://iam.example.com" + path},
		"with the version":        {endpoint: "https://iam.example.com/v3", want: "https://iam.example.com" + path},
		"with version and slash":  {endpoint: "https://iam.example.com/v3/", want: "https://iam.example.com" + path},
		"with a prefix":           {endpoint: "https://example.com/identity", want: "https://example.com/identity" + path},
		"with prefix and version": {endpoint: "https://example.com/identity/v3", want: "https://example.com/identity" + path},
		"with an escaped prefix":  {endpoint: "https://example.com/a%2Fb/v3", want: "https://example.com/a%2Fb" + path},
		"with a port":             {endpoint: "https://iam.example.com:5000", want: "https://iam.example.com:5000" + path},
		"loopback":                {endpoint: "http://127.0.0.1:5000", want: "http://127.0.0.1:5000" + path},
		"loopback by name":        {endpoint: "http://localhost:5000", want: "http://localhost:5000" + path},
		"loopback of IPv6":        {endpoint: "http://[::1]:5000", want: "http://[::1]:5000" + path},
		"http, allowed":           {endpoint: "http://iam.example.com", insecure: true, want: "http://iam.example.com" + path},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(granted)
			cfg := loginConfig(transport)
			cfg.Region, cfg.Endpoint, cfg.InsecureHTTP = tt.region, tt.endpoint, tt.insecure
			_, err := sdktest.TokenSource(t, cfg).Token(t.Context())
			require.NoError(t, err)
			require.Equal(t, tt.want, transport.Requests()[0].URL.String())
		})
	}
}

// B4: the error names the field that allows plain HTTP, not the option of a client.
func TestIAMEndpointErrorNamesField(t *testing.T) {
	t.Parallel()
	cfg := loginConfig(nil)
	cfg.Endpoint = "http://iam.example.com"
	_, err := codeartsbuild.NewIAMTokenSource(cfg)
	require.ErrorContains(t, err, "InsecureHTTP")
	require.NotContains(t, err.Error(), "WithInsecureHTTP")
}
