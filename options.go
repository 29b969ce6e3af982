package codeartsbuild

import (
	"log/slog"
	"net/http"
	"time"
)

// A ClientOption sets something for all calls of a client. The same option again replaces; a nil option is
// skipped.
type ClientOption interface{ applyToClient(*config) }

// A CallOption sets something for one call. The same option again replaces; a nil option is skipped.
type CallOption interface{ applyToCall(*callSettings) }

// An Option fits both NewClient, for all calls, and a call, for this one.
type Option interface {
	ClientOption
	CallOption
}

// config is what the options of NewClient set. A pointer tells what was given from what was not.
type config struct {
	region, endpoint *string
	tokens           *TokenSource
	keys             *AccessKeySource
	projectID        *string
	transport        http.RoundTripper
	userAgent        string
	logger           *slog.Logger
	stopAPI          StopAPI
	insecureHTTP     bool
	environment      func(*config) error // fills in what the other options leave open
	settings
}

// settings can differ from call to call.
type settings struct {
	timeout time.Duration
	retry   RetryPolicy
}

// callSettings are what the options of one call set.
type callSettings struct {
	settings
	response    *Response
	nilResponse bool
	secrets     []string // of the body: no error may repeat them
	doubt       bool     // an attempt, of this call or of one that it continues, left open whether it took effect
	earlier     int      // attempts of the call that it continues
}

type clientOption func(*config)

func (o clientOption) applyToClient(c *config) { o(c) }

type callOption func(*callSettings)

func (o callOption) applyToCall(c *callSettings) { o(c) }

type option func(*settings)

func (o option) applyToClient(c *config) { o(&c.settings) }

func (o option) applyToCall(c *callSettings) { o(&c.settings) }

// WithRegion chooses the service's endpoint in a region, such as "cn-north-4":
// https://cloudbuild-ext.{region}.myhuaweicloud.com. Regions that this package has never heard of are
// fine; one that does not exist makes the calls fail.
func WithRegion(region string) ClientOption {
	return clientOption(func(c *config) { c.region = &region })
}

// WithEndpoint sets where the service is: an origin such as "https://cloudbuild.example.com", with a path
// prefix if it has one. NewClient refuses user information, a query and a fragment, and http to a host that is not
// this machine, see WithInsecureHTTP.
func WithEndpoint(endpoint string) ClientOption {
	return clientOption(func(c *config) { c.endpoint = &endpoint })
}

// WithTokenSource authenticates calls with IAM tokens. The source is asked for each attempt; put
// NewCachedTokenSource around one that makes requests.
func WithTokenSource(source TokenSource) ClientOption {
	return clientOption(func(c *config) { c.tokens = &source })
}

// WithAccessKeySource authenticates calls by signing them with an access key. The source is asked for each
// attempt; put NewCachedAccessKeySource around one that makes requests.
func WithAccessKeySource(source AccessKeySource) ClientOption {
	return clientOption(func(c *config) { c.keys = &source })
}

// WithProjectID names the IAM project that signed requests are for, in the header X-Project-Id, and that a user
// whom WithEnvironment finds logs in for. It means nothing beside a token, which is a project's already.
func WithProjectID(id string) ClientOption {
	return clientOption(func(c *config) { c.projectID = &id })
}

// WithTransport sends requests through transport, which is not changed and must be safe for concurrent use. It
// gets one request per attempt, and one more for the redirect of a log; no http.Client with redirects and
// cookies stands before it. The default, also for nil, is a transport of the client's own, which honours
// HTTPS_PROXY and NO_PROXY.
func WithTransport(transport http.RoundTripper) ClientOption {
	return clientOption(func(c *config) { c.transport = transport })
}

// WithUserAgent puts a product, such as "reaper/1.4", in front of this package's own in the User-Agent.
func WithUserAgent(product string) ClientOption {
	return clientOption(func(c *config) { c.userAgent = product })
}

// WithLogger logs one record per attempt and one per call, both at Debug, one per stop of
// [BuildsService.StopPlanned] at Info, and the change that StopAPIAuto makes at Warn. The default is silence.
// Records hold names from a fixed list: operation, job, build, branch, status, code, request_id, attempt or
// attempts, duration, error, reason, outcome, and never a credential, header, query or body.
func WithLogger(logger *slog.Logger) ClientOption {
	return clientOption(func(c *config) { c.logger = logger })
}

// WithStopAPI chooses among the service's calls that stop a build. The default is StopAPIV3.
func WithStopAPI(api StopAPI) ClientOption {
	return clientOption(func(c *config) { c.stopAPI = api })
}

// WithInsecureHTTP allows an endpoint that starts with http:// and is not on this machine, and the same for
// the addresses that WithEnvironment finds. Everybody between here and there can then read the credential.
func WithInsecureHTTP() ClientOption {
	return clientOption(func(c *config) { c.insecureHTTP = true })
}

// WithTimeout bounds each attempt, its answer included; for a download it ends with the answer's header.
// The default is 30 s; 0 means that only the context ends an attempt; less is ErrInvalidArgument.
func WithTimeout(timeout time.Duration) Option {
	return option(func(s *settings) { s.timeout = timeout })
}

// WithRetry sets how calls are replayed. A policy with a negative value, or whose MinDelay is longer than its
// MaxDelay, is ErrInvalidArgument.
func WithRetry(policy RetryPolicy) Option {
	return option(func(s *settings) { s.retry = policy })
}

// A Response tells about the last answer of a call.
type Response struct {
	StatusCode int         // 0 when no answer came
	Header     http.Header // nil when no answer came
	RequestID  string      // what the service calls the request
	Attempts   int         // requests sent for the call
}

// WithResponseInto fills response when the call ends, with or without an error; one that is refused before
// anything is sent leaves it as it was. What makes several calls,
// such as Wait or All, fills it with each; StopPlanned does not. It is not for use by two calls at a time. A
// nil response is refused with ErrInvalidArgument.
func WithResponseInto(response *Response) CallOption {
	return callOption(func(c *callSettings) { c.response, c.nilResponse = response, response == nil })
}

func (s *callSettings) validate() error {
	if s.nilResponse {
		return invalid("WithResponseInto got nil")
	}
	return s.settings.validate()
}

func (s *settings) validate() error {
	if s.timeout < 0 {
		return invalid("the timeout %v is negative", s.timeout)
	}
	return s.retry.validate()
}
