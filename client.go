package codeartsbuild

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Client calls CodeArts Build. Make one with NewClient and share it: it is immutable, safe for concurrent use, and
// keeps the connections and the retry budget of all its calls.
type Client struct {
	Jobs         *JobsService
	Builds       *BuildsService
	Logs         *LogsService
	Templates    *TemplatesService
	Keystores    *KeystoresService
	Groups       *GroupsService
	Reports      *ReportsService
	Repositories *RepositoriesService
	Images       *ImagesService
	Account      *AccountService

	endpoint  *url.URL
	auth      authenticator // nil: requests are anonymous
	transport http.RoundTripper
	header    http.Header  // of every request
	logger    *slog.Logger // nil: silent
	settings  settings
	budget    budget
	stopAPI   StopAPI
	v3Retired atomic.Bool // StopAPIAuto was told that v3 is not published
	urls      sync.Map    // *operation to *url.URL, for paths without arguments
	pollers   pollers
	clock     serviceClock
	protocol  atomic.Int32 // the major version of HTTP in the last response; 0: no response yet
}

const defaultTimeout = 30 * time.Second

// NewClient makes a client. It needs exactly one of WithRegion and WithEndpoint, and exactly one of WithTokenSource and
// WithAccessKeySource; WithEnvironment finds the ones that are missing. It checks all options. Its only I/O is to read
// the variables and the file of WithEnvironment. Its errors are ErrInvalidArgument.
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
		c.auth = &tokenAuth{source: *cfg.tokens}
	} else {
		keys := &keyAuth{source: *cfg.keys}
		if cfg.projectID != nil {
			keys.projectID = []string{*cfg.projectID}
		}
		c.auth = keys
	}
	return c, nil
}

// newClient makes a client without a credential, as a login needs it.
func newClient(endpoint *url.URL, cfg *config) *Client {
	c := &Client{
		endpoint: endpoint, transport: cfg.transport, logger: cfg.logger, stopAPI: cfg.stopAPI,
		settings: settings{cfg.timeout, cfg.retry.withDefaults()},
	}
	if c.transport == nil {
		c.transport = newTransport()
	}
	c.header = http.Header{"Accept": jsonType, "User-Agent": {strings.TrimSpace(cfg.userAgent + " " + ownUserAgent())}}
	own := service{c}
	c.Jobs, c.Builds, c.Logs = &JobsService{own}, &BuildsService{own}, &LogsService{own}
	c.Templates, c.Keystores, c.Groups, c.Reports = &TemplatesService{own}, &KeystoresService{own}, &GroupsService{own}, &ReportsService{own}
	c.Repositories, c.Images, c.Account = &RepositoriesService{own}, &ImagesService{own}, &AccountService{own}
	return c
}

// A service is the common part of the services of a client.
type service struct{ client *Client }

// Format prints the client's endpoint only: fmt would read fields that running calls write.
func (s service) Format(f fmt.State, verb rune) { s.client.Format(f, verb) }

// CloseIdleConnections closes the connections that no call uses, those of the credential's source included.
func (c *Client) CloseIdleConnections() {
	closeIdleConnections(c.transport)
	if c.auth != nil {
		c.auth.closeIdleConnections()
	}
}

// Format prints where the client calls.
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
		return nil, invalid("WithRegion and WithEndpoint cannot be combined")
	case cfg.region != nil:
		if err := checkRegion(*cfg.region); err != nil {
			return nil, err
		}
		return parseEndpoint("https://cloudbuild-ext."+*cfg.region+".myhuaweicloud.com", false, "")
	case cfg.endpoint != nil:
		return parseEndpoint(*cfg.endpoint, cfg.insecureHTTP, "WithInsecureHTTP")
	}
	return nil, invalid("an endpoint is missing: use WithRegion, WithEndpoint or WithEnvironment")
}

func (cfg *config) validate() error {
	switch {
	case cfg.tokens != nil && cfg.keys != nil:
		return invalid("WithTokenSource and WithAccessKeySource cannot be combined")
	case cfg.tokens == nil && cfg.keys == nil:
		return invalid("a credential is missing: use WithTokenSource, WithAccessKeySource or WithEnvironment")
	case cfg.tokens != nil && isNil(*cfg.tokens):
		return invalid("the token source must not be nil")
	case cfg.keys != nil && isNil(*cfg.keys):
		return invalid("the access key source must not be nil")
	case cfg.projectID != nil && (*cfg.projectID == "" || !isTrimmed(*cfg.projectID)):
		return invalid("the project id must not be empty or have characters that a header cannot carry")
	case !isHeaderValue(cfg.userAgent):
		return invalid("the user agent must not have characters that a header cannot carry")
	case cfg.stopAPI < StopAPIV3 || cfg.stopAPI > StopAPIAuto:
		return invalid("StopAPI must be StopAPIV3, StopAPIV1 or StopAPIAuto, got %d", cfg.stopAPI)
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

// checkStatic rejects a static credential that no request could carry.
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
		return invalid("the access key must not be empty")
	}
	return static.key.check()
}

func checkToken(t *Token) error {
	switch {
	case !t.usable():
		return invalid("the token must not be empty")
	case !isTrimmed(t.Value()):
		return invalid("the token must not have characters that a header cannot carry")
	}
	return nil
}

// parseEndpoint reads an origin with an optional path; allowance names the option that allows http. Its errors do not
// repeat the endpoint, which may hold a password.
func parseEndpoint(endpoint string, insecure bool, allowance string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || !isHeaderValue(endpoint):
		return nil, invalid("the endpoint must be a URL")
	case u.User != nil:
		return nil, invalid("the endpoint must not hold a user name or password")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, invalid("the endpoint must start with https://")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, invalid("the endpoint must have a host")
	case strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "["):
		return nil, invalid("an IPv6 address in the endpoint must stand in brackets: https://[2001:db8::1]")
	case !isPort(u.Port()):
		return nil, invalid("the endpoint's port must be 1 to 65535")
	case strings.ContainsAny(endpoint, "?#"):
		return nil, invalid("the endpoint must not have a query or a fragment")
	case u.Scheme == "http" && !insecure && !isLoopback(u.Hostname()):
		return nil, invalid("the endpoint would send the credential over http to %s; use https, or allow it with %s", oneLine(u.Hostname(), 64), allowance)
	}
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
	if strings.HasSuffix(u.Path, "/") || strings.Contains(u.Path, "//") {
		return nil, invalid("the endpoint's path must not have empty segments")
	}
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		if plain := unescaped(segment); plain == "." || plain == ".." {
			return nil, invalid("the endpoint's path must not have dot segments")
		}
	}
	if isLocalhost(u.Hostname()) {
		u.Host = strings.TrimSuffix("localhost:"+u.Port(), ":") // net/http knows no other spelling, and would use a proxy
	}
	return u, nil
}

func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || (err == nil && n > 0)
}

func checkRegion(region string) error {
	for _, r := range region {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return invalid("the region must be a name such as cn-north-4, got %s", quoted(region))
		}
	}
	if region == "" {
		return invalid("the region must not be empty")
	}
	return nil
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return isLocalhost(host) || (err == nil && address.Unmap().IsLoopback())
}

// isLocalhost knows the name in every spelling. A dot at its end makes it absolute.
func isLocalhost(host string) bool {
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}

// ownUserAgent names this package and its version.
var ownUserAgent = sync.OnceValue(func() string {
	info, _ := debug.ReadBuildInfo()
	return "codeartsbuild-go/" + ownVersion(info)
})

// ownVersion is the version of this package in a program, or "devel" if it was built from a folder.
func ownVersion(info *debug.BuildInfo) string {
	const module, unknown = "github.com/codeartsbuild-go/codeartsbuild", "devel"
	if info == nil {
		return unknown
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module {
			return cmp.Or(strings.Trim(cmp.Or(m.Replace, m).Version, "()"), unknown)
		}
	}
	return unknown
}
