package sdktest

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// The build that tests stop where the service is scripted.
const (
	JobID   = "48c66c6002964721be537cdc6ce0297b"
	BuildNo = "20"
)

// Endpoint is where Client sends its requests unless it is told otherwise. Nothing is there.
const Endpoint = "https://build.example.com"

// Token is the token of Client. It is as long as a real one, so that texts are cut within it, and unlike
// anything else, so that a part of it is found.
var Token = "gAAAAABn" + strings.Repeat("4YmLkqW9-ZpR2xTv_", 40)

var (
	// Once allows one attempt.
	Once = codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 1})

	// Quick makes the pauses between attempts too short to notice.
	Quick = codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: 1, MaxDelay: 1})
)

// NewClient makes a client with these options and no other.
func NewClient(t testing.TB, opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	t.Helper()
	client, err := codeartsbuild.NewClient(opts...)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// Client makes a client with Token for Endpoint. A nil transport means that of the SDK. An option given here
// replaces the client's own.
func Client(t testing.TB, transport http.RoundTripper, opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	t.Helper()
	own := []codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint(Endpoint), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(Token)),
	}
	if transport != nil {
		own = append(own, codeartsbuild.WithTransport(transport))
	}
	return NewClient(t, append(own, opts...)...)
}

// A Call is a call of the client. Stop, Run and Get are the kinds that retries tell apart.
type Call func(context.Context, *codeartsbuild.Client, ...codeartsbuild.CallOption) error

// Stop stops the build: a call that may be repeated.
func Stop(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
	_, err := c.Jobs.Stop(ctx, JobID, BuildNo, opts...)
	return err
}

// Run starts a build: a call that must not be repeated.
func Run(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
	_, err := c.Jobs.Run(ctx, JobID, nil, opts...)
	return err
}

// Get reads the build.
func Get(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
	_, err := c.Builds.Get(ctx, JobID, BuildNo, opts...)
	return err
}
