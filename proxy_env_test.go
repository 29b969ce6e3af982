package codeartsbuild

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

// B9, B122: which proxy a request gets. The meaning of HTTPS_PROXY and NO_PROXY is net/http's, which always chooses the same
// proxy here.
func TestB9ProxyRule(t *testing.T) {
	t.Parallel()
	const proxy, direct = "http://proxy.example.com:3128", ""
	broken := errBrokenProxy.Error()
	standard := func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }
	tests := map[string]struct {
		env    map[string]string
		target string
		want   string // the proxy, direct, or the text of an error
	}{
		"the standard proxy":             {nil, "https://build.example.com", proxy},
		"a readable address":             {map[string]string{"HTTPS_PROXY": "http://user:pass@10.0.0.1:3128"}, "https://build.example.com", proxy},
		"an address without a scheme":    {map[string]string{"HTTPS_PROXY": "10.0.0.1:3128"}, "https://build.example.com", proxy},
		"a proxy of SOCKS":               {map[string]string{"https_proxy": "socks5://10.0.0.1:1080"}, "https://build.example.com", proxy},
		"the first of two addresses":     {map[string]string{"HTTPS_PROXY": "10.0.0.1:3128", "https_proxy": "%zz"}, "https://build.example.com", proxy},
		"a broken address of http":       {map[string]string{"HTTP_PROXY": "http://user:hidden%zz@10.0.0.1"}, "https://build.example.com", proxy},
		"for http":                       {map[string]string{"HTTP_PROXY": "http://user:hidden%zz@10.0.0.1"}, "http://build.example.com", broken},
		"a broken escape":                {map[string]string{"HTTPS_PROXY": "http://user:hidden%zz@10.0.0.1"}, "https://build.example.com", broken},
		"in small letters":               {map[string]string{"https_proxy": "http://user:hidden%zz@10.0.0.1"}, "https://build.example.com", broken},
		"a password with a slash":        {map[string]string{"HTTPS_PROXY": "http://user:hidden/x@10.0.0.1"}, "https://build.example.com", broken},
		"a port that is a word":          {map[string]string{"HTTPS_PROXY": "http://10.0.0.1:port"}, "https://build.example.com", broken},
		"a bracket that is not closed":   {map[string]string{"HTTPS_PROXY": "http://[::1"}, "https://build.example.com", broken},
		"no host":                        {map[string]string{"HTTPS_PROXY": "/x"}, "https://build.example.com", broken},
		"broken, but this machine":       {map[string]string{"HTTPS_PROXY": "%zz"}, "https://127.0.0.1:8443", direct},
		"localhost":                      {nil, "http://localhost:8080", direct},
		"LOCALHOST":                      {nil, "http://LOCALHOST", direct},
		"localhost with a dot":           {nil, "http://Localhost.:8080", direct},
		"127.0.0.1":                      {nil, "http://127.0.0.1", direct},
		"127.255.0.1":                    {nil, "http://127.255.0.1", direct},
		"::1":                            {nil, "http://[::1]:8080", direct},
		"IPv4 in IPv6":                   {nil, "http://[::ffff:127.0.0.1]", direct},
		"IPv4 in IPv6, in hexadecimal":   {nil, "http://[::ffff:7f00:1]:8080", direct},
		"a name that starts like one":    {nil, "http://localhost.example.com", proxy},
		"an address that starts like it": {nil, "http://127.0.0.1.example.com", proxy},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rule := newProxyRule(func(name string) string { return tt.env[name] }, standard)
			got, err := rule.proxy(httptest.NewRequest(http.MethodPost, tt.target, nil))
			text := direct
			if got != nil {
				text = got.String()
			}
			if err != nil {
				text = err.Error()
			}
			require.Equal(t, tt.want, text)
		})
	}
}

// B9: an error of net/http may quote the password of the proxy.
func TestB9ErrorOfTheStandardRuleIsNotShown(t *testing.T) {
	t.Parallel()
	rule := newProxyRule(func(string) string { return "" }, func(*http.Request) (*url.URL, error) {
		return nil, errors.New(`invalid proxy address "http://user:hidden@"`)
	})
	_, err := rule.proxy(httptest.NewRequest(http.MethodPost, "https://build.example.com", nil))
	require.Equal(t, errBrokenProxy, err)
}

// An endpoint on this machine may use http. Every transport must know it for this machine, or the token goes to the
// proxy in the clear.
func TestEndpointOnThisMachineIsSpelledAsNetHTTPExpects(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"http://LOCALHOST":       "http://localhost",
		"http://LocalHost:8080":  "http://localhost:8080",
		"http://localhost.:8080": "http://localhost:8080",
		"https://LOCALHOST./p":   "https://localhost/p",
		"http://127.0.0.1:8080":  "http://127.0.0.1:8080",
	} {
		u, err := parseEndpoint(endpoint, false, "")
		require.NoError(t, err, endpoint)
		require.Equal(t, want, u.String())
	}
}

// The default transport uses the rule, with the environment of the process, which net/http reads once: a process of
// its own has proxies.
func TestDefaultTransportUsesTheProxyRule(t *testing.T) {
	t.Parallel()
	const variable = "CODEARTSBUILD_TEST_PROXIES"
	targets := []string{"http://build.example.com", "http://LOCALHOST", "http://localhost.:8080", "http://[::ffff:127.0.0.1]", "https://build.example.com"}
	if os.Getenv(variable) != "" {
		for _, target := range targets {
			proxy, err := newTransport().Proxy(httptest.NewRequest(http.MethodPost, target, nil))
			fmt.Printf("%s %v %v\n", variable, proxy, err)
		}
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestDefaultTransportUsesTheProxyRule$", "-test.count=1")
	child.Env = append(os.Environ(), variable+"=1", "HTTP_PROXY=http://proxy.example.com:3128", "HTTPS_PROXY=http://user:hidden%zz@proxy.example.com",
		"http_proxy=", "https_proxy=", "NO_PROXY=", "no_proxy=", "REQUEST_METHOD=")
	output, err := child.CombinedOutput()
	require.NoError(t, err, "%s", output)
	var got []string
	for line := range strings.Lines(string(output)) {
		if rest, ok := strings.CutPrefix(line, variable+" "); ok {
			got = append(got, strings.TrimSpace(rest))
		}
	}
	require.Equal(t, []string{
		"http://proxy.example.com:3128 <nil>", "<nil> <nil>", "<nil> <nil>", "<nil> <nil>", "<nil> " + errBrokenProxy.Error(),
	}, got)
}

// B121: A proxy that is busy is asked again, as a refused connection is. A proxy that rejects the connection is not.
// Nothing of the request was sent in either case.
func TestProxyThatRejectsTheConnection(t *testing.T) {
	t.Parallel()
	service := httpfake.Listen(t, httpfake.Handler(200, `{"result":true}`), httpfake.TLS)
	tests := map[string]struct {
		status   int
		connects int32
	}{
		"too many requests": {429, 2}, "bad gateway": {502, 2}, "unavailable": {503, 2}, "gateway timeout": {504, 2},
		"forbidden": {403, 1}, "password wanted": {407, 1}, "not implemented": {501, 1}, "an unusual success": {204, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var connects atomic.Int32
			proxy := httpfake.Listen(t, func(w http.ResponseWriter, r *http.Request) {
				if connects.Add(1) == 1 {
					w.WriteHeader(tt.status)
					return
				}
				tunnel(t, w, service.Listener.Addr().String())
			})
			address, err := url.Parse(proxy.URL)
			require.NoError(t, err)
			transport := newTransport()
			defer transport.CloseIdleConnections()
			transport.Proxy = http.ProxyURL(address)
			transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
			client, err := NewClient(WithEndpoint("https://build.example.com"), WithTokenSource(StaticToken("token-of-the-test")),
				WithTransport(transport), WithRetry(RetryPolicy{MinDelay: 1, MaxDelay: 1}))
			require.NoError(t, err)

			err = client.Do(t.Context(), http.MethodPost, "/v1/x", nil, nil)

			require.Equal(t, tt.connects, connects.Load())
			if tt.connects == 2 {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, fmt.Sprintf("no connection: the proxy rejected the connection: %d", tt.status))
			require.NotErrorIs(t, err, ErrOutcomeUnknown)
		})
	}
}

// tunnel connects the client of a CONNECT with a server.
func tunnel(t *testing.T, w http.ResponseWriter, address string) {
	server, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	w.WriteHeader(http.StatusOK)
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	go func() {
		_, _ = io.Copy(server, buffered)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
	_ = client.Close()
}
