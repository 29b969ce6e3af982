package codeartsbuild_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const started = `{"actual_build_number":"7"}`

// B110: a tenth of the connections ends after a response, while other calls use them. None of these calls was processed twice,
// and none is unknown.
func TestRunWhileHTTP2ConnectionsEnd(t *testing.T) {
	t.Parallel()
	var served, responses atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		served.Add(1)
		if responses.Add(1)%10 == 0 {
			w.Header().Set("Connection", "close") // over HTTP/2 this is GOAWAY
		}
		_, _ = io.WriteString(w, started)
	}))
	httpfake.Quiet(srv)
	httpfake.HTTP2(srv)
	srv.StartTLS()
	defer srv.Close()
	client := sdktest.Client(t, srv.Client().Transport, codeartsbuild.WithEndpoint(srv.URL),
		codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: 10 * time.Millisecond}))
	var callers sync.WaitGroup
	var failures [20][]error
	for i := range failures {
		callers.Go(func() {
			for range 25 {
				if _, err := client.Jobs.Run(t.Context(), sdktest.JobID, nil); err != nil {
					failures[i] = append(failures[i], err)
				}
			}
		})
	}
	callers.Wait()
	for _, errs := range failures {
		require.Empty(t, errs)
	}
	require.EqualValues(t, 500, served.Load(), "each run was processed once")
}

// B109: a listener that breaks off TLS handshakes has got no byte of HTTP.
func TestHandshakeBrokenOff(t *testing.T) {
	t.Parallel()
	endings := map[string]func(net.Conn){
		"closed": func(c net.Conn) { _ = c.Close() },
		"reset":  func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() },
		"closed after the greeting": func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1<<10))
			_ = c.Close()
		},
		"alert": func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1<<10))
			_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, 40}) // handshake failure
			_ = c.Close()
		},
		"silent": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer listener.Close()
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					go end(conn)
				}
			}()
			client := sdktest.Client(t, &http.Transport{TLSHandshakeTimeout: 50 * time.Millisecond},
				codeartsbuild.WithEndpoint("https://"+listener.Addr().String()), sdktest.Quick)
			for op, call := range map[string]func() error{
				"run":  func() error { _, err := client.Jobs.Run(t.Context(), sdktest.JobID, nil); return err },
				"stop": func() error { return sdktest.Stop(t.Context(), client) },
				"do": func() error {
					return client.Do(t.Context(), http.MethodPost, "/v1/job/anything/delete", struct{}{}, nil)
				},
			} {
				require.Equal(t, []string{"ErrNotSent"}, sdktest.Kinds(call()), op)
			}
		})
	}
}

// With every tenth handshake broken off, no outcome is unknown.
func TestRunWhileHandshakesBreakOff(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(httpfake.Handler(200, started, "Connection", "close"))
	srv.Listener = &brokenTenth{Listener: srv.Listener}
	httpfake.Quiet(srv)
	srv.StartTLS()
	defer srv.Close()
	client := sdktest.Client(t, srv.Client().Transport, codeartsbuild.WithEndpoint(srv.URL), sdktest.Quick)
	for range 100 {
		_, err := client.Jobs.Run(t.Context(), sdktest.JobID, nil)
		require.NoError(t, err)
	}
}

type brokenTenth struct {
	net.Listener
	made int
}

func (l *brokenTenth) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if l.made++; err == nil && l.made%10 == 0 {
		_ = conn.Close()
	}
	return conn, err
}

// A proxy that does not connect has sent nothing on.
func TestProxyDoesNotConnect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 407, 429, 500, 502, 503, 504} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
			defer proxy.Close()
			address, err := url.Parse(proxy.URL)
			require.NoError(t, err)
			client := sdktest.Client(t, &http.Transport{Proxy: http.ProxyURL(address)}, sdktest.Quick)
			_, err = client.Jobs.Run(t.Context(), sdktest.JobID, nil)
			require.Equal(t, []string{"ErrNotSent"}, sdktest.Kinds(err))
			require.Equal(t, []string{"ErrNotSent"}, sdktest.Kinds(sdktest.Stop(t.Context(), client)))
		})
	}
}

// A transport may give up before it sends: a rate limiter, a circuit breaker.
func TestTransportGivesUp(t *testing.T) {
	t.Parallel()
	tests := map[string]error{
		"wraps ErrNotSent":           fmt.Errorf("rate limiter: %w", codeartsbuild.ErrNotSent),
		"says nothing of the kind":   errors.New("rate: Wait(n=1) would exceed context deadline"),
		"a deadline of its own":      context.DeadlineExceeded,
		"wraps it beside its reason": errors.Join(errors.New("circuit open"), codeartsbuild.ErrNotSent),
	}
	for name, failure := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			client := sdktest.Client(t, httpfake.Func(func(*http.Request) (*http.Response, error) {
				asked++
				return nil, failure
			}), sdktest.Quick)
			require.Equal(t, []string{"ErrNotSent"}, sdktest.Kinds(sdktest.Stop(t.Context(), client)))
			require.Equal(t, 5, asked, "it is retried like a refused connection")
			_, err := client.Jobs.Run(t.Context(), sdktest.JobID, nil)
			require.Equal(t, []string{"ErrNotSent"}, sdktest.Kinds(err))
		})
	}
	t.Run("after a lost response", func(t *testing.T) {
		t.Parallel()
		client := sdktest.Client(t, httpfake.Script(httpfake.Lost, httpfake.Fail(codeartsbuild.ErrNotSent)), sdktest.Quick)
		require.Equal(t, []string{"ErrOutcomeUnknown"}, sdktest.Kinds(sdktest.Stop(t.Context(), client)))
	})
	t.Run("the path says it all", func(t *testing.T) {
		t.Parallel()
		client := sdktest.Client(t, httpfake.Func(func(*http.Request) (*http.Response, error) { return nil, io.EOF }),
			codeartsbuild.WithStopAPI(codeartsbuild.StopAPIV1), sdktest.Once)
		require.Equal(t, []string{"ErrOutcomeUnknown"}, sdktest.Kinds(sdktest.Stop(t.Context(), client)))
	})
}

// B111: a connection that swallows everything is not used for the next attempt.
func TestDeadHTTP2Connection(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(httpfake.Handler(200, `{"result":true}`))
	httpfake.Quiet(srv)
	httpfake.HTTP2(srv)
	srv.StartTLS()
	defer srv.Close()
	relay := &swallowingDialer{}
	transport := srv.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = relay.dial
	transport.TLSClientConfig = &tls.Config{RootCAs: srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	transport.ForceAttemptHTTP2 = true
	client := sdktest.Client(t, transport, codeartsbuild.WithEndpoint(srv.URL), codeartsbuild.WithTimeout(300*time.Millisecond), sdktest.Quick)
	require.NoError(t, sdktest.Stop(t.Context(), client))
	relay.swallow()
	var response codeartsbuild.Response
	require.NoError(t, sdktest.Stop(t.Context(), client, codeartsbuild.WithResponseInto(&response)))
	require.GreaterOrEqual(t, response.Attempts, 2)
}

// A swallowingDialer makes connections of which the ones so far can be made to swallow all that comes back.
type swallowingDialer struct {
	mu    sync.Mutex
	conns []*swallowingConn
}

func (d *swallowingDialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	own := &swallowingConn{Conn: conn}
	d.conns = append(d.conns, own)
	return own, nil
}

func (d *swallowingDialer) swallow() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, conn := range d.conns {
		conn.dead.Store(true)
	}
}

type swallowingConn struct {
	net.Conn
	dead atomic.Bool
}

func (c *swallowingConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.dead.Load() {
			return n, err
		}
	}
}
