package codeartsbuild_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// listenStale starts a server that closes its first connection when the second request arrives on it.
func listenStale(t *testing.T) *httpfake.Server {
	t.Helper()
	var requests atomic.Int64
	hangUp := httpfake.Hijack(t, func(net.Conn) {})
	return httpfake.Listen(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 2 {
			hangUp(w, r)
			return
		}
		sdktest.Accepted(w, r)
	})
}

// perConnection returns how many requests came on each connection, in the order of the connections.
func perConnection(server *httpfake.Server) (counts []int) {
	index := map[string]int{}
	for _, r := range server.Requests() {
		if _, ok := index[r.RemoteAddr]; !ok {
			index[r.RemoteAddr] = len(counts)
			counts = append(counts, 0)
		}
		counts[index[r.RemoteAddr]]++
	}
	return counts
}

// B28: a stop is retried after its connection was closed, and the retry is counted. No request has the header with
// which net/http would resend it by itself.
func TestStaleConnectionStop(t *testing.T) {
	t.Parallel()
	server := listenStale(t)
	client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL), sdktest.Quick)
	require.NoError(t, sdktest.Stop(t.Context(), client))
	attempts, err := stopCounting(t.Context(), client)
	require.NoError(t, err)
	require.Equal(t, 2, attempts)
	require.Equal(t, []int{2, 1}, perConnection(server))
	for _, r := range server.Requests() {
		require.JSONEq(t, stopBody, r.Body)
		require.NotContains(t, r.Header, "Idempotency-Key")
		require.NotContains(t, r.Header, "X-Idempotency-Key")
	}
}

// B28: a call that must not run twice is not retried.
func TestStaleConnectionAnyPost(t *testing.T) {
	t.Parallel()
	server := listenStale(t)
	client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL), sdktest.Quick)
	require.NoError(t, anyPost(t.Context(), client))
	require.ErrorIs(t, anyPost(t.Context(), client), codeartsbuild.ErrOutcomeUnknown)
	require.Equal(t, []int{2}, perConnection(server))
}

// B28: a read is sent again, by net/http or by the client.
func TestStaleConnectionRead(t *testing.T) {
	t.Parallel()
	server := listenStale(t)
	client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL), sdktest.Quick)
	require.NoError(t, sdktest.Read(t.Context(), client))
	require.NoError(t, sdktest.Read(t.Context(), client))
	require.Equal(t, []int{2, 1}, perConnection(server))
}

// B28: net/http sends a request of which it wrote nothing again, with its body. That is not an attempt.
func TestStaleConnectionNothingWritten(t *testing.T) {
	t.Parallel()
	server := httpfake.Listen(t, sdktest.Accepted)
	transport := codeartsbuild.NewTransport()
	var dialed atomic.Int64
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil && dialed.Add(1) == 1 {
			conn = &writableOnce{Conn: conn}
		}
		return conn, err
	}
	client := sdktest.Client(t, transport, codeartsbuild.WithEndpoint(server.URL), sdktest.Quick)
	require.NoError(t, anyPost(t.Context(), client))
	var response codeartsbuild.Response
	require.NoError(t, anyPost(t.Context(), client, codeartsbuild.WithResponseInto(&response)))
	require.Equal(t, 1, response.Attempts)
	require.Equal(t, []int{1, 1}, perConnection(server))
	requests := server.Requests()
	require.NotEmpty(t, requests[0].Body)
	require.Equal(t, requests[0].Body, requests[1].Body)
}

// A writableOnce is a connection that turns out to be closed at the second write.
type writableOnce struct {
	net.Conn
	writes atomic.Int64
}

func (c *writableOnce) Write(p []byte) (int, error) {
	if c.writes.Add(1) > 1 {
		return 0, &net.OpError{Op: "write", Net: "tcp", Err: errors.New("broken pipe")}
	}
	return c.Conn.Write(p)
}
