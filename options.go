package codeartsbuild

import (
	"log/slog"
	"net/http"
	"net/url"
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

// config is what the options of NewClient set. A nil pointer means that the option was not given.
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
	environment      func(*config) error // fills in the other options
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
	operation   *string // of WithOperation
	idempotent  bool
	additions
}

// additions are what options add to the request of one call.
type additions struct {
	query  url.Values
	fields []bodyField
}

type bodyField struct {
	name  string
	value any
}

// apply sets what the options of one call ask for, and returns what they add to the request.
func (c *call) apply(opts []CallOption) (*additions, error) {
	if len(opts) == 0 {
		return nil, nil
	}
	given := callSettings{settings: c.settings}
	for _, opt := range opts {
		if opt != nil {
			opt.applyToCall(&given)
		}
	}
	if err := given.validate(); err != nil {
		return nil, err
	}
	given.retry = given.retry.withDefaults()
	c.settings, c.response = given.settings, given.response
	if given.operation == nil && !given.idempotent {
		return &given.additions, nil
	}
	if _, ok := c.out.(*wholeResponse); !ok {
		return nil, invalid("WithOperation and WithIdempotent must be used with Do only")
	}
	if given.operation != nil {
		c.op.name, c.op.short = *given.operation, ""
	}
	if given.idempotent && c.effect == once {
		c.effect = repeatable
	}
	return &given.additions, nil
}

type clientOption func(*config)

func (o clientOption) applyToClient(c *config) { o(c) }

type callOption func(*callSettings)

func (o callOption) applyToCall(c *callSettings) { o(c) }

type option func(*settings)

func (o option) applyToClient(c *config) { o(&c.settings) }

func (o option) applyToCall(c *callSettings) { o(&c.settings) }

// WithRegion chooses the service's endpoint in a region, such as "cn-north-4":
// https://cloudbuild-ext.{region}.myhuaweicloud.com. Any name is accepted; calls fail if the region does not exist.
func WithRegion(region string) ClientOption {
	return clientOption(func(c *config) { c.region = &region })
}

// WithEndpoint sets where the service is: an origin such as "https://cloudbuild.example.com", with a path prefix if
// it has one. NewClient rejects user information, a query and a fragment, and http to a host that is not this
// machine, see WithInsecureHTTP.
func WithEndpoint(endpoint string) ClientOption {
	return clientOption(func(c *config) { c.endpoint = &endpoint })
}

// WithTokenSource authenticates calls with IAM tokens. The source is asked for each attempt; put
// NewCachedTokenSource around one that makes requests.
func WithTokenSource(source TokenSource) ClientOption {
	return clientOption(func(c *config) { c.tokens = &source })
}

// WithAccessKeySource authenticates calls by signing them with an access key. The source is asked for each
// attempt; put NewCachedAccessKeySource around one that makes requests. A signature has the local time. If the service
// rejects one with a Date that differs by 5 minutes to a day, the next ones have its time.
func WithAccessKeySource(source AccessKeySource) ClientOption {
	return clientOption(func(c *config) { c.keys = &source })
}

// WithProjectID names the IAM project of signed requests, in the header X-Project-Id, and of the login of a user that
// WithEnvironment finds. It has no effect on a token, which already belongs to a project.
func WithProjectID(id string) ClientOption {
	return clientOption(func(c *config) { c.projectID = &id })
}

// WithTransport sends requests through transport, which is not changed and must be safe for concurrent use. It gets
// one request per attempt, and one more for the redirect of a log, without the redirects and cookies of an
// http.Client. It must not change the URL and the header values of a request, which calls share; it may set and delete
// headers. A transport that gives up before it sends wraps [ErrNotSent]. The default, also for nil, is a transport of
// the client's own, which honours HTTPS_PROXY and NO_PROXY and uses no proxy for this machine.
func WithTransport(transport http.RoundTripper) ClientOption {
	return clientOption(func(c *config) { c.transport = transport })
}

// WithUserAgent puts a product, such as "reaper/1.4", in front of this package's own in the User-Agent.
func WithUserAgent(product string) ClientOption {
	return clientOption(func(c *config) { c.userAgent = product })
}

// WithLogger logs one record per attempt and one per call, both at Debug, one per stop of
// [BuildsService.StopPlanned] at Info, and the change that StopAPIAuto makes at Warn. The logins that calls make
// necessary are logged like other calls, as CreateToken, and so are attempts to get a key from pod identity or the
// metadata service. The default is silence.
// Records hold names from a fixed list: operation, job, build, branch, status, code, request_id, attempt or
// attempts, duration, error, reason, outcome, and never a credential, header, query or body.
func WithLogger(logger *slog.Logger) ClientOption {
	return clientOption(func(c *config) { c.logger = logger })
}

// WithStopAPI chooses among the service's calls that stop a build. The default is StopAPIV3.
func WithStopAPI(api StopAPI) ClientOption {
	return clientOption(func(c *config) { c.stopAPI = api })
}

// WithInsecureHTTP allows an endpoint that starts with http:// and is not on this machine, and the same for the
// addresses that WithEnvironment finds. The network in between can then read the credential.
func WithInsecureHTTP() ClientOption {
	return clientOption(func(c *config) { c.insecureHTTP = true })
}

// WithTimeout limits each attempt, its response included; for a download it ends with the header of the response.
// The default is 30 s; 0 means that only the context ends an attempt; a negative value is ErrInvalidArgument.
func WithTimeout(timeout time.Duration) Option {
	return option(func(s *settings) { s.timeout = timeout })
}

// WithRetry sets how calls are retried. A policy with a negative value, or with a MinDelay over its MaxDelay, is
// ErrInvalidArgument.
func WithRetry(policy RetryPolicy) Option {
	return option(func(s *settings) { s.retry = policy })
}

// A Response describes the last response of a call.
type Response struct {
	StatusCode int         // 0 without a response
	Header     http.Header // nil without a response. It repeats a secret if the service does
	Body       []byte      // as it came, at most 10 MiB, and 64 KiB of an error; nil for a file. It repeats a secret if the service does
	RequestID  string      // the service's name for the request
	Attempts   int         // requests sent for the call
}

// WithResponseInto fills response when the call ends, with or without an error. A call that is rejected before
// anything is sent leaves it as it was. A method that makes several calls, such as Wait or All, fills it with each;
// StopPlanned and PlanProject, which make calls at the same time, do not. Two calls must not use it at the same time. A
// nil response is ErrInvalidArgument.
func WithResponseInto(response *Response) CallOption {
	return callOption(func(c *callSettings) { c.response, c.nilResponse = response, response == nil })
}

// WithBodyField sets a member of the JSON body that the typed request does not know, to a value for encoding/json. Given
// again for another name, it adds. A call without a JSON object as its body rejects it with ErrInvalidArgument.
func WithBodyField(name string, value any) CallOption {
	return callOption(func(c *callSettings) { c.fields = append(c.fields, bodyField{name, value}) })
}

// WithQuery adds a parameter to the query. The same name again adds another value. An empty name is ErrInvalidArgument.
func WithQuery(name, value string) CallOption {
	return callOption(func(c *callSettings) {
		if c.query == nil {
			c.query = url.Values{}
		}
		c.query.Add(name, value)
	})
}

// WithOperation names a call of Do: in errors, in logs and for OperationFromContext. The name is printable ASCII, such as
// "DeleteJob". Any other call rejects it with ErrInvalidArgument.
func WithOperation(name string) CallOption {
	return callOption(func(c *callSettings) { c.operation = &name })
}

// WithIdempotent says that running a call of Do twice is as good as running it once. The call is then retried like a
// read, and its outcome can still be unknown. Any other call rejects it with ErrInvalidArgument.
func WithIdempotent() CallOption {
	return callOption(func(c *callSettings) { c.idempotent = true })
}

func (s *callSettings) validate() error {
	if s.operation != nil && (*s.operation == "" || !isHeaderValue(*s.operation)) {
		return invalid("the operation must be a name in printable ASCII, got %s", quoted(*s.operation))
	}
	if _, ok := s.query[""]; ok {
		return invalid("the name of WithQuery must not be empty")
	}
	if s.nilResponse {
		return invalid("the response of WithResponseInto must not be nil")
	}
	return s.settings.validate()
}

func (s *settings) validate() error {
	if s.timeout < 0 {
		return invalid("the timeout must not be negative, got %v", s.timeout)
	}
	return s.retry.validate()
}
