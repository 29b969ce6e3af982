package sdktest

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

// Secrets that tests give to clients and look for afterwards. They are long and unlike anything else, so that
// a part of one is found as well.
const (
	Password      = "SdkPassword-7uJm4Ik9Ol2Pz8Xc"
	Passcode      = "SdkPasscode-83920174"
	SecretKey     = "SdkSecretKey-Aq1Sw2De3Fr4Gt5Hy6"
	SecurityToken = "SdkSecurityToken/9aZ8bY7cX6dW5eV4=="
)

// AccessKeyID belongs to SecretKey. It is not a secret.
const AccessKeyID = "AKSDKTEST"

// Token is the token of Client. It is as long as a real one, so that texts are cut within it.
var Token = "gAAAAABn" + strings.Repeat("4YmLkqW9-ZpR2xTv_", 40)

// Secrets returns all of them.
func Secrets() []string { return []string{Token, Password, Passcode, SecretKey, SecurityToken} }

// IAMConfig logs in by names at endpoint, with Password and Passcode.
func IAMConfig(endpoint string) codeartsbuild.IAMConfig {
	return codeartsbuild.IAMConfig{
		Endpoint: endpoint, DomainName: "acme", UserName: "builder", ProjectName: "cn-north-4",
		Password: codeartsbuild.StaticSecret(Password), Passcode: codeartsbuild.StaticSecret(Passcode),
	}
}

// TokenSource makes the source of a login.
func TokenSource(t testing.TB, cfg codeartsbuild.IAMConfig) *codeartsbuild.CachedTokenSource {
	t.Helper()
	source, err := codeartsbuild.NewIAMTokenSource(cfg)
	require.NoError(t, err)
	t.Cleanup(source.CloseIdleConnections)
	return source
}

// Granted is the response of IAM to a login: Token, for a project, without an end.
func Granted(w http.ResponseWriter, r *http.Request) {
	httpfake.Handler(http.StatusCreated, `{"token":{"project":{"id":"0123456789abcdef0123456789abcdef"}}}`, "X-Subject-Token", Token)(w, r)
}

// Accepted is the response of the service to a stop.
func Accepted(w http.ResponseWriter, r *http.Request) {
	httpfake.Handler(http.StatusOK, `{"result":true}`)(w, r)
}

// An AccessKeySource is a source made of a function.
type AccessKeySource func(context.Context) (*codeartsbuild.AccessKey, error)

// AccessKey calls f.
func (f AccessKeySource) AccessKey(ctx context.Context) (*codeartsbuild.AccessKey, error) {
	return f(ctx)
}

// TemporaryKey is the source of a temporary access key of AccessKeyID and SecretKey, without an end.
func TemporaryKey(securityToken string) AccessKeySource {
	key := codeartsbuild.NewTemporaryAccessKey(AccessKeyID, SecretKey, securityToken, time.Time{})
	return func(context.Context) (*codeartsbuild.AccessKey, error) { return key, nil }
}
