package codeartsbuild_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B45: options that contradict each other are rejected, and so is a missing or bad one.
func TestClientOptionsTogether(t *testing.T) {
	t.Parallel()
	var (
		region   = codeartsbuild.WithRegion("cn-north-4")
		endpoint = codeartsbuild.WithEndpoint(sdktest.Endpoint)
		token    = codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(sdktest.Token))
		key      = codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(sdktest.AccessKeyID, sdktest.SecretKey))
	)
	type options = []codeartsbuild.ClientOption
	tests := map[string]struct {
		options options
		want    string // part of the error; "": accepted
	}{
		"nil options":                 {nil, "an endpoint is missing"},
		"empty options":               {options{}, "an endpoint is missing"},
		"nil option":                  {options{nil, region, nil, token, nil}, ""},
		"nil Option":                  {options{region, codeartsbuild.Option(nil), token}, ""},
		"nil alone":                   {options{nil}, "an endpoint is missing"},
		"endpoint and credential":     {options{endpoint, token}, ""},
		"in the other order":          {options{token, endpoint}, ""},
		"endpoint and key":            {options{endpoint, key}, ""},
		"no credential":               {options{region}, "a credential is missing"},
		"no endpoint":                 {options{token}, "an endpoint is missing"},
		"region and endpoint":         {options{region, endpoint, token}, "WithRegion and WithEndpoint"},
		"endpoint and region":         {options{endpoint, token, region}, "WithRegion and WithEndpoint"},
		"region and the same as URL":  {options{region, codeartsbuild.WithEndpoint("https://cloudbuild-ext.cn-north-4.myhuaweicloud.com"), token}, "WithRegion and WithEndpoint"},
		"empty region and endpoint":   {options{codeartsbuild.WithRegion(""), endpoint, token}, "WithRegion and WithEndpoint"},
		"empty region":                {options{codeartsbuild.WithRegion(""), token}, "region"},
		"region with a dot":           {options{codeartsbuild.WithRegion("cn-north-4.example.com/"), token}, "region"},
		"region with capitals":        {options{codeartsbuild.WithRegion("CN-NORTH-4"), token}, "region"},
		"token and access key":        {options{region, token, key}, "WithTokenSource and WithAccessKeySource"},
		"access key and token":        {options{key, region, token}, "WithTokenSource and WithAccessKeySource"},
		"nil token source":            {options{region, codeartsbuild.WithTokenSource(nil)}, "nil"},
		"nil access key source":       {options{region, codeartsbuild.WithAccessKeySource(nil)}, "nil"},
		"nil token source and a key":  {options{region, codeartsbuild.WithTokenSource(nil), key}, "WithTokenSource and WithAccessKeySource"},
		"nil source, then a good one": {options{region, codeartsbuild.WithTokenSource(nil), token}, ""},
		"good source, then nil":       {options{region, token, codeartsbuild.WithTokenSource(nil)}, "nil"},
		"empty token":                 {options{region, codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(""))}, "empty"},
		"empty access key":            {options{region, codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("", ""))}, "empty"},
		"access key without a secret": {options{region, codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(sdktest.AccessKeyID, ""))}, "empty"},
		"empty project id":            {options{region, key, codeartsbuild.WithProjectID("")}, "project id"},
		"nil transport":               {options{region, token, codeartsbuild.WithTransport(nil)}, ""},
		"nil logger":                  {options{region, token, codeartsbuild.WithLogger(nil)}, ""},
		"unknown stop API":            {options{region, token, codeartsbuild.WithStopAPI(3)}, "StopAPI"},
		"negative stop API":           {options{region, token, codeartsbuild.WithStopAPI(-1)}, "StopAPI"},
		"negative timeout":            {options{region, token, codeartsbuild.WithTimeout(-1)}, "timeout"},
		"negative attempts":           {options{region, token, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: -1})}, "MaxAttempts"},
		"negative delay":              {options{region, token, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: -1})}, "MinDelay"},
		"delays the wrong way round": {
			options{region, token, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: 2 * time.Second, MaxDelay: time.Second})}, "MinDelay",
		},
		"bad value, then a good one": {options{region, token, codeartsbuild.WithTimeout(-1), codeartsbuild.WithTimeout(1)}, ""},
		"unknown region":             {options{codeartsbuild.WithRegion("xx-nowhere-9"), token}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := codeartsbuild.NewClient(tt.options...)
			if tt.want == "" {
				require.NoError(t, err)
				require.NotNil(t, client)
				return
			}
			require.Nil(t, client)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			require.Contains(t, err.Error(), tt.want)
		})
	}
}

// B45: of the same option the last one counts.
func TestLastOptionCounts(t *testing.T) {
	t.Parallel()
	var (
		endpoint = codeartsbuild.WithEndpoint(sdktest.Endpoint)
		token    = codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("first"))
		key      = codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(sdktest.AccessKeyID, sdktest.SecretKey))
	)
	type options = []codeartsbuild.ClientOption
	sentTo := func(r httpfake.Request) any { return r.URL.String() }
	header := func(name string) func(httpfake.Request) any {
		return func(r httpfake.Request) any { return r.Header.Get(name) }
	}
	timeout := func(r httpfake.Request) any {
		deadline, ok := r.Context().Deadline()
		if !ok {
			return time.Duration(0)
		}
		return deadline.Sub(r.At)
	}
	tests := map[string]struct {
		client options
		call   []codeartsbuild.CallOption
		got    func(httpfake.Request) any
		want   any
	}{
		"region": {
			client: options{codeartsbuild.WithRegion("cn-north-1"), codeartsbuild.WithRegion("cn-north-4"), token},
			got:    sentTo, want: "https://cloudbuild-ext.cn-north-4.myhuaweicloud.com/v3/jobs/stop",
		},
		"endpoint": {
			client: options{codeartsbuild.WithEndpoint("http://rejected.example.com"), endpoint, token},
			got:    sentTo, want: sdktest.Endpoint + "/v3/jobs/stop",
		},
		"token source": {
			client: options{endpoint, token, codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("second"))},
			got:    header("X-Auth-Token"), want: "second",
		},
		"access key source": {
			client: options{endpoint, codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("", "")), key},
			got:    header("X-Auth-Token"), want: "",
		},
		"project id": {
			client: options{endpoint, key, codeartsbuild.WithProjectID("one"), codeartsbuild.WithProjectID("two")},
			got:    header("X-Project-Id"), want: "two",
		},
		"user agent": {
			client: options{endpoint, token, codeartsbuild.WithUserAgent("one/1"), codeartsbuild.WithUserAgent("two/2")},
			got:    func(r httpfake.Request) any { return strings.HasPrefix(r.UserAgent(), "two/2 codeartsbuild-go/") }, want: true,
		},
		"stop API": {
			client: options{endpoint, token, codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto), codeartsbuild.WithStopAPI(codeartsbuild.StopAPIV1)},
			got:    sentTo, want: sdktest.Endpoint + "/v1/job/" + sdktest.JobID + "/stop?build_no=" + sdktest.BuildNo,
		},
		"timeout": {
			client: options{endpoint, token, codeartsbuild.WithTimeout(0), codeartsbuild.WithTimeout(time.Minute)},
			got:    timeout, want: time.Minute,
		},
		"timeout, none": {
			client: options{endpoint, token, codeartsbuild.WithTimeout(time.Minute), codeartsbuild.WithTimeout(0)},
			got:    timeout, want: time.Duration(0),
		},
		"timeout of a call": {
			client: options{endpoint, token, codeartsbuild.WithTimeout(time.Minute)},
			call:   []codeartsbuild.CallOption{codeartsbuild.WithTimeout(-1), nil, codeartsbuild.WithTimeout(time.Hour)},
			got:    timeout, want: time.Hour,
		},
		"timeout by default": {
			client: options{endpoint, token}, call: []codeartsbuild.CallOption{nil},
			got: timeout, want: 30 * time.Second,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // so that deadlines are exact
				transport := httpfake.Script(httpfake.Reply(http.StatusBadRequest, ""))
				client := sdktest.NewClient(t, append(tt.client, codeartsbuild.WithTransport(nil), codeartsbuild.WithTransport(transport))...)
				require.ErrorIs(t, sdktest.Stop(t.Context(), client, tt.call...), codeartsbuild.ErrBadRequest)
				require.Equal(t, 1, transport.Count())
				require.Equal(t, tt.want, tt.got(transport.Requests()[0]))
			})
		})
	}
}

// B45: the options of one call.
func TestCallOptions(t *testing.T) {
	t.Parallel()
	var first, second codeartsbuild.Response
	tests := map[string]struct {
		options  []codeartsbuild.CallOption
		attempts int // 0: rejected
	}{
		"nil":                    {nil, 5},
		"nil option":             {[]codeartsbuild.CallOption{nil, codeartsbuild.Option(nil)}, 5},
		"retry twice":            {[]codeartsbuild.CallOption{codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 2}), codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 3})}, 3},
		"bad retry, then none":   {[]codeartsbuild.CallOption{codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: -1}), sdktest.Once}, 1},
		"bad retry":              {[]codeartsbuild.CallOption{sdktest.Once, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: -1})}, 0},
		"bad timeout":            {[]codeartsbuild.CallOption{codeartsbuild.WithTimeout(-1)}, 0},
		"nil response":           {[]codeartsbuild.CallOption{codeartsbuild.WithResponseInto(nil)}, 0},
		"response, then nil":     {[]codeartsbuild.CallOption{codeartsbuild.WithResponseInto(&first), codeartsbuild.WithResponseInto(nil)}, 0},
		"nil response, then one": {[]codeartsbuild.CallOption{codeartsbuild.WithResponseInto(nil), codeartsbuild.WithResponseInto(&first), codeartsbuild.WithResponseInto(&second)}, 5},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := httpfake.Script(httpfake.Reply(http.StatusServiceUnavailable, ""))
				client := sdktest.Client(t, transport)
				err := sdktest.Stop(t.Context(), client, tt.options...)
				if tt.attempts == 0 {
					requireRejected(t, err, transport)
					return
				}
				require.ErrorIs(t, err, codeartsbuild.ErrInternalServerError)
				require.Equal(t, tt.attempts, transport.Count())
				if name == "nil response, then one" {
					require.Zero(t, first)
					require.Equal(t, codeartsbuild.Response{StatusCode: http.StatusServiceUnavailable, Header: second.Header, Attempts: 5}, second)
				}
			})
		})
	}
}

// B45: a source made of a nil function gives an error and does not panic.
func TestTokenSourceFuncNil(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]codeartsbuild.TokenSource{
		"bare": codeartsbuild.TokenSourceFunc(nil), "cached": codeartsbuild.NewCachedTokenSource(codeartsbuild.TokenSourceFunc(nil)), "nil, cached": codeartsbuild.NewCachedTokenSource(nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(http.StatusOK, `{"result":true}`))
			client := sdktest.Client(t, transport, codeartsbuild.WithTokenSource(source))
			err := sdktest.Stop(t.Context(), client)
			require.ErrorContains(t, err, "codeartsbuild: StopJob: ")
			require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
			require.Zero(t, transport.Count())
		})
	}
}

// B45: regions are added, so that an unknown one only shows when its host does not resolve.
func TestUnknownRegion(t *testing.T) {
	t.Parallel()
	unknown := httpfake.Func(func(req *http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: req.URL.Hostname(), IsNotFound: true}}
	})
	t.Run("of the service", func(t *testing.T) {
		t.Parallel()
		transport := httpfake.Script(unknown)
		client := sdktest.NewClient(t, codeartsbuild.WithRegion("xx-nowhere-9"), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(sdktest.Token)), codeartsbuild.WithTransport(transport))
		err := sdktest.Stop(t.Context(), client)
		require.ErrorContains(t, err, "cloudbuild-ext.xx-nowhere-9.myhuaweicloud.com")
		require.ErrorContains(t, err, "no such host")
		require.NotErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
		require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
		require.Equal(t, 1, transport.Count(), "that does not get better")
	})
	t.Run("of the login", func(t *testing.T) {
		t.Parallel()
		iam, service := httpfake.Script(unknown), httpfake.Script(httpfake.Reply(http.StatusOK, `{"result":true}`))
		cfg := sdktest.IAMConfig("")
		cfg.Region, cfg.ProjectName, cfg.Transport = "xx-nowhere-9", "", iam
		client := sdktest.NewClient(t, codeartsbuild.WithRegion("cn-north-4"), codeartsbuild.WithTokenSource(sdktest.TokenSource(t, cfg)), codeartsbuild.WithTransport(service))
		require.ErrorContains(t, sdktest.Stop(t.Context(), client), "iam.xx-nowhere-9.myhuaweicloud.com")
		require.Equal(t, 1, iam.Count())
		require.Zero(t, service.Count())
	})
}

func TestNilPointerAsSource(t *testing.T) {
	t.Parallel()
	var (
		tokens *codeartsbuild.CachedTokenSource
		keys   *codeartsbuild.CachedAccessKeySource
	)
	for name, option := range map[string]codeartsbuild.ClientOption{
		"tokens": codeartsbuild.WithTokenSource(tokens), "access keys": codeartsbuild.WithAccessKeySource(keys),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint(sdktest.Endpoint), option)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			require.Nil(t, client)
		})
	}
}
