package sdktest

import (
	"context"
	"net/http"
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
	return ClientWith(t, codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(Token)), transport, opts...)
}

// ClientWith is Client with another credential, which may be an access key.
func ClientWith(t testing.TB, credential codeartsbuild.ClientOption, transport http.RoundTripper, opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	t.Helper()
	own := []codeartsbuild.ClientOption{credential, codeartsbuild.WithEndpoint(Endpoint), codeartsbuild.WithTransport(transport)}
	return NewClient(t, append(own, opts...)...)
}

// A Call is a call of the client. Stop, Run and Read are the kinds that retries tell apart.
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

// Read reads something of the job.
func Read(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
	return c.Do(ctx, http.MethodGet, "/v1/job/"+JobID+"/anything", nil, nil, opts...)
}
