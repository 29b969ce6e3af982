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
type connectError struct {
	text      string
	permanent bool // another attempt would fail as well
}

func (e *connectError) Error() string { return e.text }

// newTransport makes the default transport, for many small calls to one host: a burst keeps its connections, and a
// response is not buffered far ahead of its reader.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  func(req *http.Request) (*url.URL, error) { return environmentProxies().proxy(req) },
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

// A proxyRule chooses the proxy of a request as net/http does, with two differences: an unreadable proxy address is
// an error, where net/http would go without a proxy or quote the proxy's password, and every spelling of this
// machine goes without one, since its plain http would show the credential to the proxy.
type proxyRule struct {
	standard func(*http.Request) (*url.URL, error) // net/http's
	broken   map[string]bool                       // the schemes with an unreadable proxy address
}

// environmentProxies reads the environment once, as net/http does.
var environmentProxies = sync.OnceValue(func() *proxyRule { return newProxyRule(os.Getenv, http.ProxyFromEnvironment) })

func newProxyRule(getenv func(string) string, standard func(*http.Request) (*url.URL, error)) *proxyRule {
	rule := &proxyRule{standard: standard, broken: map[string]bool{}}
	for _, scheme := range []string{"http", "https"} {
		name := scheme + "_proxy"
		address := cmp.Or(getenv(strings.ToUpper(name)), getenv(name))
		if address != "" && !strings.Contains(address, "://") {
			address = "http://" + address
		}
		u, err := url.Parse(address)
		rule.broken[scheme] = err != nil || (address != "" && u.Hostname() == "")
	}
	return rule
}

var errBrokenProxy = &connectError{text: "the proxy address in the environment is invalid", permanent: true}

func (p *proxyRule) proxy(req *http.Request) (*url.URL, error) {
	switch {
	case isLoopback(req.URL.Hostname()):
		return nil, nil
	case p.broken[req.URL.Scheme]:
		return nil, errBrokenProxy
	}
	proxy, err := p.standard(req)
	if err != nil {
		return nil, errBrokenProxy
	}
	return proxy, nil
}

// checkProxyResponse gives a rejected CONNECT a type of its own: with net/http's error it would not be known whether
// the request was sent.
func checkProxyResponse(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &connectError{text: "the proxy is busy: " + resp.Status}
	}
	return &connectError{text: "the proxy rejected the connection: " + resp.Status, permanent: true}
}
