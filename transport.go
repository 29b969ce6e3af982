package codeartsbuild

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// A connectError is a connection that was never made, so that nothing was sent.
type connectError struct{ text string }

func (e *connectError) Error() string { return e.text }

// newTransport makes the default transport, for many small calls to one host: a burst keeps its connections, and a
// response is not buffered far ahead of its reader.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  proxyFromEnvironment,
		OnProxyConnectResponse: checkProxyResponse,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        55 * time.Second, // servers commonly close after 60 or 75
		MaxResponseHeaderBytes: 512 << 10,        // a token of a user with many roles has up to 100,000 bytes
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream: 256 << 10,
			SendPingTimeout:           30 * time.Second,
			PingTimeout:               10 * time.Second,
		},
	}
}

// proxyFromEnvironment is net/http's, except that an unreadable proxy address is an error. net/http would go without
// a proxy, or quote the proxy's password in its error.
func proxyFromEnvironment(req *http.Request) (*url.URL, error) {
	if broken := brokenProxies(); broken[req.URL.Scheme] && !isLoopback(req.URL.Hostname()) {
		return nil, errBrokenProxy
	}
	proxy, err := http.ProxyFromEnvironment(req)
	if err != nil {
		return nil, errBrokenProxy
	}
	return proxy, nil
}

var errBrokenProxy = &connectError{"the proxy address in the environment is invalid"}

// brokenProxies are the schemes with an unreadable proxy address. Like net/http it reads the environment once.
var brokenProxies = sync.OnceValue(func() map[string]bool {
	broken := map[string]bool{}
	for scheme, names := range map[string][2]string{"http": {"HTTP_PROXY", "http_proxy"}, "https": {"HTTPS_PROXY", "https_proxy"}} {
		address := cmp.Or(os.Getenv(names[0]), os.Getenv(names[1]))
		if address != "" && !strings.Contains(address, "://") {
			address = "http://" + address
		}
		u, err := url.Parse(address)
		broken[scheme] = err != nil || (address != "" && u.Hostname() == "")
	}
	return broken
})

// checkProxyResponse gives a refused CONNECT a type of its own: with net/http's error it would not be known whether
// the request was sent.
func checkProxyResponse(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &connectError{"the proxy refused the connection: " + resp.Status}
	}
	return nil
}
