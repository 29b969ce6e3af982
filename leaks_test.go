package codeartsbuild_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// goroutinesOf counts the goroutines that f started, directly or not, and those that they started: they
// have its label. Goroutines of other tests do not.
func goroutinesOf(t *testing.T, f func()) (count func() int) {
	name := "of " + t.Name()
	pprof.Do(context.Background(), pprof.Labels("test", name), func(context.Context) { f() })
	return func() int { return len(stacksOf(name)) }
}

func stacksOf(name string) []string {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		panic(err)
	}
	var found []string
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, `"test":"`+name+`"`) {
			found = append(found, stack)
		}
	}
	return found
}

// eventually waits until a condition holds, for a bounded time.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 30*time.Second, 5*time.Millisecond, what)
}

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// B48: after the last call and CloseIdleConnections no goroutine and no connection is left.
func TestNothingLeftAfterLastCall(t *testing.T) {
	t.Parallel()
	plain := func(*httptest.Server) {}
	protocols := map[string]struct {
		setUp func(*httptest.Server)
		own   bool // the client's own transport, else one that trusts the server
		major int
	}{
		"HTTP/1.1 with the default transport": {setUp: plain, own: true, major: 1},
		"HTTP/1.1 over TLS":                   {setUp: httpfake.TLS, major: 1},
		"HTTP/2 over TLS":                     {setUp: httpfake.HTTP2, major: 2},
	}
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var major atomic.Int32
			release := make(chan struct{})
			handle := func(w http.ResponseWriter, r *http.Request) {
				major.Store(int32(r.ProtoMajor))
				switch r.URL.Path {
				case "/v9/error":
					httpfake.Handler(http.StatusForbidden, `{"error_msg":"no"}`)(w, r)
				case "/v9/huge":
					httpfake.Handler(http.StatusInternalServerError, strings.Repeat("x", 1<<20))(w, r)
				case "/v9/oversized":
					w.Header().Set("Content-Length", strconv.Itoa(11<<20))
					_, _ = io.CopyN(w, zeros{}, 11<<20)
				case "/v9/cut":
					w.Header().Set("Content-Length", "1000")
					_, _ = io.WriteString(w, "{")
				case "/v9/slow":
					select {
					case <-release:
					case <-r.Context().Done():
					}
				case "/v9/half":
					_, _ = io.WriteString(w, "{")
					_ = http.NewResponseController(w).Flush()
					select {
					case <-release:
					case <-r.Context().Done():
					}
				case loginPath:
					sdktest.Granted(w, r)
				default:
					sdktest.Accepted(w, r)
				}
			}
			server, iam := httpfake.Listen(t, handle, protocol.setUp), httpfake.Listen(t, handle, protocol.setUp)
			defer close(release)
			var transport, iamTransport http.RoundTripper
			if !protocol.own {
				transport, iamTransport = server.Client().Transport, iam.Client().Transport
			}
			cfg := sdktest.IAMConfig(iam.URL)
			cfg.Transport = iamTransport
			login := sdktest.TokenSource(t, cfg)
			client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL), codeartsbuild.WithTokenSource(login), codeartsbuild.WithTransport(transport), sdktest.Quick)

			left := goroutinesOf(t, func() {
				var group sync.WaitGroup
				for i := range 20 {
					group.Go(func() {
						_ = sdktest.Stop(context.Background(), client)
						_ = client.Do(context.Background(), http.MethodGet, "/v9/error", nil, nil)
						_ = client.Do(context.Background(), http.MethodPost, "/v9/huge", nil, nil)
						_ = client.Do(context.Background(), http.MethodPost, "/v9/huge", nil, nil, codeartsbuild.WithTimeout(0)) // no timer that would end it
						_ = client.Do(context.Background(), http.MethodPost, "/v9/oversized", nil, nil, codeartsbuild.WithTimeout(0))
						_ = client.Do(context.Background(), http.MethodGet, "/v9/cut", nil, nil, sdktest.Once)
						ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
						defer cancel()
						path := []string{"/v9/slow", "/v9/half"}[i%2]
						_ = client.Do(ctx, http.MethodGet, path, nil, nil)
						_ = client.Do(context.Background(), http.MethodGet, path, nil, nil, codeartsbuild.WithTimeout(20*time.Millisecond), sdktest.Once)
						token, _ := login.Token(context.Background())
						login.Invalidate(token)
					})
				}
				group.Wait()
				require.NoError(t, sdktest.Stop(context.Background(), client)) // leaves a connection, where an ended call closes its own
			})
			require.EqualValues(t, protocol.major, major.Load())
			for _, s := range []*httpfake.Server{server, iam} {
				_, open := s.Connections()
				require.Positive(t, open, "connections are kept until they are closed")
			}
			require.Positive(t, left())
			client.CloseIdleConnections()
			eventually(t, "a goroutine is left", func() bool { return left() == 0 })
			for _, s := range []*httpfake.Server{server, iam} {
				eventually(t, "a connection is left", func() bool {
					_, open := s.Connections()
					return open == 0
				})
			}
		})
	}
}

// B48: a refresh ends by itself, without a result, when no caller waits for it any more.
func TestAbandonedRefreshEnds(t *testing.T) {
	t.Parallel()
	tests := map[string]codeartsbuild.ClientOption{
		"token": codeartsbuild.WithTokenSource(codeartsbuild.NewCachedTokenSource(codeartsbuild.TokenSourceFunc(func(ctx context.Context) (*codeartsbuild.Token, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}))),
		"access key": codeartsbuild.WithAccessKeySource(codeartsbuild.NewCachedAccessKeySource(sdktest.AccessKeySource(func(ctx context.Context) (*codeartsbuild.AccessKey, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}))),
	}
	for name, source := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := sdktest.NewClient(t, codeartsbuild.WithEndpoint(sdktest.Endpoint), source)
			var errs [8]error
			left := goroutinesOf(t, func() {
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
				defer cancel()
				var group sync.WaitGroup
				for i := range errs {
					group.Go(func() { errs[i] = sdktest.Stop(ctx, client) })
				}
				group.Wait()
			})
			for _, err := range errs {
				require.ErrorIs(t, err, context.DeadlineExceeded)
			}
			eventually(t, "a goroutine is left", func() bool { return left() == 0 })
		})
	}
}

// B48: making a client, or a source, starts nothing.
func TestNothingRunsBeforeFirstCall(t *testing.T) {
	t.Parallel()
	left := goroutinesOf(t, func() {
		for range 10 {
			_, err := codeartsbuild.NewIAMTokenSource(sdktest.IAMConfig("https://iam.example.com"))
			require.NoError(t, err)
			_, err = codeartsbuild.NewClient(codeartsbuild.WithRegion("cn-north-4"), codeartsbuild.WithTokenSource(codeartsbuild.NewCachedTokenSource(codeartsbuild.StaticToken(sdktest.Token))))
			require.NoError(t, err)
		}
	})
	require.Zero(t, left())
}
