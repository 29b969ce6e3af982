package codeartsbuild

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Client calls CodeArts Build. Make one with NewClient and share it: it is immutable, safe for concurrent
// use, and keeps the connections and the retry budget that its calls have in common.
type Client struct {
	Jobs   *JobsService
	Builds *BuildsService
	Logs   *LogsService

	endpoint  *url.URL
	tokens    TokenSource     // nil: signed, or anonymous
	keys      AccessKeySource // nil: not signed
	projectID []string        // the value of X-Project-Id; nil: none
	transport http.RoundTripper
	header    http.Header  // of every request
	logger    *slog.Logger // nil: silent
	settings  settings
	budget    budget
	stopAPI   StopAPI
	v3Retired atomic.Bool // StopAPIAuto has been told that v3 is gone
	lastURL   atomic.Pointer[fixedURL]
	watches   watchGroups
	clockLag  atomic.Int64 // nanoseconds by which the service's clock is ahead, for signatures
}

const defaultTimeout = 30 * time.Second

// NewClient makes a client. It needs exactly one of WithRegion and WithEndpoint, and exactly one of
// WithTokenSource and WithAccessKeySource; WithEnvironment finds what is left open. It checks whatever can be
// checked, and does no I/O but for the variables and the file of WithEnvironment. Its errors are
// ErrInvalidArgument.
func NewClient(opts ...ClientOption) (*Client, error) {
	cfg := config{settings: settings{timeout: defaultTimeout}}
	for _, opt := range opts {
		if opt != nil {
			opt.applyToClient(&cfg)
		}
	}
	if cfg.environment != nil {
		if err := cfg.environment(&cfg); err != nil {
			return nil, err
		}
	}
	endpoint, err := cfg.origin()
	if err != nil {
		return nil, err
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := newClient(endpoint, &cfg)
	if cfg.tokens != nil {
		c.tokens = *cfg.tokens
	} else {
		c.keys = *cfg.keys
	}
	return c, nil
}

// newClient makes a client without a credential, as a login wants it.
func newClient(endpoint *url.URL, cfg *config) *Client {
	c := &Client{
		endpoint: endpoint, transport: cfg.transport, logger: cfg.logger, stopAPI: cfg.stopAPI,
		settings: settings{cfg.timeout, cfg.retry.withDefaults()},
	}
	if c.transport == nil {
		c.transport = newTransport()
	}
	if cfg.projectID != nil {
		c.projectID = []string{*cfg.projectID}
	}
	c.header = http.Header{"Accept": jsonType, "User-Agent": {strings.TrimSpace(cfg.userAgent + " " + ownUserAgent())}}
	c.Jobs, c.Builds, c.Logs = &JobsService{service{c}}, &BuildsService{service{c}}, &LogsService{service{c}}
	return c
}

// A service is what the services of a client have in common.
type service struct{ client *Client }

// Format prints the client's endpoint only: fmt would read what running calls write.
func (s service) Format(f fmt.State, verb rune) { s.client.Format(f, verb) }

// CloseIdleConnections closes the connections that no call uses, those of the credential's source included.
func (c *Client) CloseIdleConnections() {
	closeIdleConnections(c.transport)
	closeIdleConnections(c.tokens)
	closeIdleConnections(c.keys)
}

// Format prints where the client calls, and nothing of what it holds.
func (c *Client) Format(f fmt.State, _ rune) {
	if c == nil || c.endpoint == nil {
		fmt.Fprint(f, "codeartsbuild.Client{}")
		return
	}
	fmt.Fprintf(f, "codeartsbuild.Client{%s}", c.endpoint)
}

// origin is the endpoint that the options choose.
func (cfg *config) origin() (*url.URL, error) {
	switch {
	case cfg.region != nil && cfg.endpoint != nil:
		return nil, invalid("both WithRegion and WithEndpoint are given; they answer the same question")
	case cfg.region != nil:
		if err := checkRegion(*cfg.region); err != nil {
			return nil, err
		}
		return parseEndpoint("https://cloudbuild-ext."+*cfg.region+".myhuaweicloud.com", false, "")
	case cfg.endpoint != nil:
		return parseEndpoint(*cfg.endpoint, cfg.insecureHTTP, "WithInsecureHTTP")
	}
	return nil, invalid("no endpoint: one of WithRegion, WithEndpoint and WithEnvironment is needed")
}

func (cfg *config) validate() error {
	switch {
	case cfg.tokens != nil && cfg.keys != nil:
		return invalid("both WithTokenSource and WithAccessKeySource are given; they answer the same question")
	case cfg.tokens == nil && cfg.keys == nil:
		return invalid("no credential: one of WithTokenSource, WithAccessKeySource and WithEnvironment is needed")
	case cfg.tokens != nil && isNil(*cfg.tokens):
		return invalid("the token source is nil")
	case cfg.keys != nil && isNil(*cfg.keys):
		return invalid("the access key source is nil")
	case cfg.projectID != nil && (*cfg.projectID == "" || !isHeaderValue(*cfg.projectID)):
		return invalid("the project id is empty or has characters that a header cannot carry")
	case !isHeaderValue(cfg.userAgent):
		return invalid("the user agent has characters that a header cannot carry")
	case cfg.stopAPI < StopAPIV3 || cfg.stopAPI > StopAPIAuto:
		return invalid("there is no StopAPI %d", cfg.stopAPI)
	}
	if err := cfg.checkStatic(); err != nil {
		return err
	}
	return cfg.settings.validate()
}

// isNil also finds the nil pointer in an interface.
func isNil(source any) bool {
	v := reflect.ValueOf(source)
	return !v.IsValid() || (v.Kind() == reflect.Pointer && v.IsNil())
}

// checkStatic refuses the credentials that are known already and that no request could carry.
func (cfg *config) checkStatic() error {
	if cfg.tokens != nil {
		if static, ok := (*cfg.tokens).(staticToken); ok {
			return checkToken(static.token)
		}
		return nil
	}
	static, ok := (*cfg.keys).(staticAccessKey)
	switch {
	case !ok:
		return nil
	case !static.key.usable():
		return invalid("the access key is empty")
	}
	return static.key.check()
}

func checkToken(t *Token) error {
	switch {
	case !t.usable():
		return invalid("the token is empty")
	case !isHeaderValue(t.Value()):
		return invalid("the token has characters that a header cannot carry")
	}
	return nil
}

// parseEndpoint reads an origin with an optional path; allowance names what allows http. Its errors do not
// repeat what they refuse, which may hold a password.
func parseEndpoint(endpoint string, insecure bool, allowance string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || !isHeaderValue(endpoint):
		return nil, invalid("the endpoint is not a URL")
	case u.User != nil:
		return nil, invalid("the endpoint holds a user name or password")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, invalid("the endpoint does not start with https://")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, invalid("the endpoint has no host")
	case strings.ContainsAny(endpoint, "?#"):
		return nil, invalid("the endpoint has a query or a fragment")
	case u.Scheme == "http" && !insecure && !isLoopback(u.Hostname()):
		return nil, invalid("the endpoint would send the credential over http to %s; use https, or allow it with %s", oneLine(u.Hostname(), 64), allowance)
	}
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
	if strings.HasSuffix(u.Path, "/") || strings.Contains(u.Path, "//") {
		return nil, invalid("the endpoint's path has empty segments")
	}
	return u, nil
}

func checkRegion(region string) error {
	for _, r := range region {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return invalid("%q is not a region; want a name such as cn-north-4", oneLine(region, 64))
		}
	}
	if region == "" {
		return invalid("the region is empty")
	}
	return nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// isHeaderValue reports whether text is printable ASCII, all that this client puts into a header.
func isHeaderValue(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// ownUserAgent names this package and, where it was built as a module of somebody's, its version.
var ownUserAgent = sync.OnceValue(func() string {
	const module = "github.com/codeartsbuild-go/codeartsbuild"
	version := "devel"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == module && dep.Version != "" {
				version = strings.Trim(dep.Version, "()")
			}
		}
	}
	return "codeartsbuild-go/" + version
})
