package codeartsbuild_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// wireJobCalls are calls that name a job and a build; the ones whose names start with "Run" ignore the
// build.
var wireJobCalls = map[string]struct {
	api codeartsbuild.StopAPI
	do  func(ctx context.Context, c *codeartsbuild.Client, job, build string) error
}{
	"Stop": {codeartsbuild.StopAPIV3, func(ctx context.Context, c *codeartsbuild.Client, job, build string) error {
		_, err := c.Jobs.Stop(ctx, job, build)
		return err
	}},
	"Stop over v1": {codeartsbuild.StopAPIV1, func(ctx context.Context, c *codeartsbuild.Client, job, build string) error {
		_, err := c.Jobs.Stop(ctx, job, build)
		return err
	}},
	"Stop with the API chosen by itself": {codeartsbuild.StopAPIAuto, func(ctx context.Context, c *codeartsbuild.Client, job, build string) error {
		_, err := c.Jobs.Stop(ctx, job, build)
		return err
	}},
	"StopAndWait": {codeartsbuild.StopAPIV3, func(ctx context.Context, c *codeartsbuild.Client, job, build string) error {
		_, err := c.Jobs.StopAndWait(ctx, job, build)
		return err
	}},
	"Get": {codeartsbuild.StopAPIV3, func(ctx context.Context, c *codeartsbuild.Client, job, build string) error {
		_, err := c.Builds.Get(ctx, job, build)
		return err
	}},
	"Run": {codeartsbuild.StopAPIV3, func(ctx context.Context, c *codeartsbuild.Client, job, _ string) error {
		_, err := c.Jobs.Run(ctx, job, &codeartsbuild.RunRequest{Branch: "main"})
		return err
	}},
}

// wireRequireRefused requires that a call was refused before anything was sent.
func wireRequireRefused(t *testing.T, err error, mock *httpmock.MockTransport) {
	t.Helper()
	require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	require.NotErrorIs(t, err, codeartsbuild.ErrStillRunning)
	var apiErr *codeartsbuild.APIError
	require.False(t, errors.As(err, &apiErr), "no answer came: %v", err)
	require.Zero(t, mock.GetTotalCallCount())
}

// B43
func TestB43JobIDThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		"empty": "", "blank": " ", "as long as an id, but blank": strings.Repeat(" ", 32), "line feed": "\n", "dots": "..", "dot": ".",
		"up in the path":                   "../../v3/jobs/stop",
		"up in a text of the right length": "../" + wireJob[3:],
		"slash":                            "a/b",
		"slash in the right length":        wireJob[:15] + "/" + wireJob[16:],
		"slash before an id":               "/" + wireJob[1:],
		"query":                            "a?b",
		"query in the right length":        wireJob[:15] + "?" + wireJob[16:],
		"fragment":                         "a#b",
		"fragment in the right length":     wireJob[:15] + "#" + wireJob[16:],
		"placeholder":                      "{build_no}",
		"placeholder of its own":           "{job_id}",
		"escaped dots":                     "%2e%2e",
		"escaped in the right length":      "%2e" + wireJob[3:],
		"31 characters":                    wireJob[:31],
		"33 characters":                    wireJob + "0",
		"space behind":                     wireJob + " ",
		"space in front":                   " " + wireJob,
		"line feed behind":                 wireJob + "\n",
		"dashes, a UUID":                   "48c66c60-0296-4721-be53-7cdc6ce0297b",
		"underscore":                       wireJob[:31] + "_",
		"32 bytes of Chinese":              strings.Repeat("构", 10) + "ab",
		"32 wide digits":                   strings.Repeat("１", 32),
		"semicolon":                        wireJob[:15] + ";" + wireJob[16:],
		"two ids":                          wireJob + "," + wireJob,
	}
	for call, c := range wireJobCalls {
		for kind, job := range bad {
			t.Run(call+" of a job id: "+kind, func(t *testing.T) {
				t.Parallel()
				mock := wireMock(http.StatusOK, `{"result":true}`, nil)
				client := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(mock), codeartsbuild.WithStopAPI(c.api))
				err := c.do(t.Context(), client, job, "7")
				wireRequireRefused(t, err, mock)
				require.Contains(t, err.Error(), "job_id")
			})
		}
	}
}

// B43
func TestB43JobIDInAnyLettersIsSentAsGiven(t *testing.T) {
	t.Parallel()
	for _, job := range []string{wireJob, strings.ToUpper(wireJob), "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "zyxwvutsrqponmlkjihgfedcba987654", strings.Repeat("0", 32)} {
		for call, c := range wireJobCalls {
			t.Run(call+" of "+job, func(t *testing.T) {
				t.Parallel()
				var sent string
				mock := httpmock.NewMockTransport()
				mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
					sent = req.URL.Path
					if req.Body != nil {
						body, err := io.ReadAll(req.Body)
						if err != nil {
							return nil, err
						}
						sent += string(body)
					}
					return httpmock.NewStringResponse(http.StatusBadRequest, ""), nil
				})
				client := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(mock), codeartsbuild.WithStopAPI(c.api))
				require.ErrorIs(t, c.do(t.Context(), client, job, "7"), codeartsbuild.ErrBadRequest)
				require.Contains(t, sent, job)
			})
		}
	}
}

// B44
func TestB44BuildNumberThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		"empty": "", "blank": " ", "zero": "0", "zeros": "000", "negative": "-1", "with a sign": "+1", "fraction": "1.5", "whole, but with a point": "5.0",
		"word": "latest", "one too many": "2147483648", "more than 32 bits, which a cast would cut": "4294967297", "more than 64 bits": "18446744073709551617",
		"endless": strings.Repeat("9", 4000), "leading zero": "07", "leading zeros as with octal": "0o7", "hexadecimal": "0x7", "exponent": "1e3",
		"with a separator": "1_000", "with a comma": "1,000", "space in front": " 7", "space behind": "7 ", "line feed behind": "7\n",
		"wide digit": "７", "Arabic digit": "٧", "superscript": "²", "daily number": "20221011.29", "two": "7,8", "slash": "7/8", "dots": "..", "query": "7?a=b",
		"placeholder": "{job_id}", "escape": "%37", "not a number": "NaN", "infinity": "Inf", "null": "null", "NUL": "7\x00",
	}
	for call, c := range wireJobCalls {
		if strings.HasPrefix(call, "Run") {
			continue
		}
		for kind, build := range bad {
			t.Run(call+" of a build number: "+kind, func(t *testing.T) {
				t.Parallel()
				mock := wireMock(http.StatusOK, `{"result":true}`, nil)
				client := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(mock), codeartsbuild.WithStopAPI(c.api))
				err := c.do(t.Context(), client, wireJob, build)
				wireRequireRefused(t, err, mock)
				require.Contains(t, err.Error(), "build_no")
			})
		}
	}
}

// B44
func TestB44SmallestAndLargestBuildNumberAreAccepted(t *testing.T) {
	t.Parallel()
	for call, c := range wireJobCalls {
		if strings.HasPrefix(call, "Run") {
			continue
		}
		for _, build := range []string{"1", "9", "10", "2147483647"} {
			t.Run(call+" of "+build, func(t *testing.T) {
				t.Parallel()
				mock := wireMock(http.StatusBadRequest, "", nil)
				client := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(mock), codeartsbuild.WithStopAPI(c.api))
				require.ErrorIs(t, c.do(t.Context(), client, wireJob, build), codeartsbuild.ErrBadRequest)
				require.Equal(t, 1, mock.GetTotalCallCount())
			})
		}
	}
}

// B45
func TestB45OptionsThatDoNotFitTogether(t *testing.T) {
	t.Parallel()
	var (
		region   = codeartsbuild.WithRegion("cn-north-4")
		endpoint = codeartsbuild.WithEndpoint("https://build.example.com")
		token    = codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(wireToken))
		key      = codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("AKWIRE", wireSecretKey))
	)
	type options = []codeartsbuild.ClientOption
	tests := map[string]struct {
		options options
		want    string // part of the refusal; "": accepted
	}{
		"nil options":                 {nil, "no endpoint"},
		"empty options":               {options{}, "no endpoint"},
		"nil option":                  {options{nil, region, nil, token, nil}, ""},
		"nil Option":                  {options{region, codeartsbuild.Option(nil), token}, ""},
		"nil alone":                   {options{nil}, "no endpoint"},
		"endpoint and credential":     {options{endpoint, token}, ""},
		"in the other order":          {options{token, endpoint}, ""},
		"endpoint and key":            {options{endpoint, key}, ""},
		"no credential":               {options{region}, "no credential"},
		"no endpoint":                 {options{token}, "no endpoint"},
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
		"access key without a secret": {options{region, codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("AKWIRE", ""))}, "empty"},
		"empty project id":            {options{region, key, codeartsbuild.WithProjectID("")}, "project id"},
		"nil transport":               {options{region, token, codeartsbuild.WithTransport(nil)}, ""},
		"nil logger":                  {options{region, token, codeartsbuild.WithLogger(nil)}, ""},
		"unknown stop API":            {options{region, token, codeartsbuild.WithStopAPI(3)}, "StopAPI"},
		"negative stop API":           {options{region, token, codeartsbuild.WithStopAPI(-1)}, "StopAPI"},
		"negative timeout":            {options{region, token, codeartsbuild.WithTimeout(-1)}, "timeout"},
		"negative attempts":           {options{region, token, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: -1})}, "MaxAttempts"},
		"negative delay":              {options{region, token, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: -1})}, "delay"},
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

// B45
func TestB45LoginThatIsNotSaidOnceIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*codeartsbuild.IAMConfig)
		want   string // part of the refusal; "": accepted
	}{
		"by names":                    {func(*codeartsbuild.IAMConfig) {}, ""},
		"by region":                   {func(c *codeartsbuild.IAMConfig) { c.Endpoint, c.ProjectName, c.Region = "", "", "cn-north-4" }, ""},
		"unknown region":              {func(c *codeartsbuild.IAMConfig) { c.Endpoint, c.ProjectName, c.Region = "", "", "xx-nowhere-9" }, ""},
		"region for the project only": {func(c *codeartsbuild.IAMConfig) { c.ProjectName, c.Region = "", "cn-north-4" }, ""},
		"by ids": {func(c *codeartsbuild.IAMConfig) {
			c.UserName, c.UserID, c.ProjectName, c.ProjectID, c.DomainName = "", "u", "", "p", ""
		}, ""},
		"neither region nor endpoint": {func(c *codeartsbuild.IAMConfig) { c.Endpoint = "" }, "Region and Endpoint"},
		"no user":                     {func(c *codeartsbuild.IAMConfig) { c.UserName = "" }, "UserName and UserID"},
		"user twice":                  {func(c *codeartsbuild.IAMConfig) { c.UserID = "u" }, "UserName and UserID"},
		"account twice":               {func(c *codeartsbuild.IAMConfig) { c.DomainID = "d" }, "DomainName and DomainID"},
		"project twice":               {func(c *codeartsbuild.IAMConfig) { c.ProjectID = "p" }, "ProjectName and ProjectID"},
		"no project":                  {func(c *codeartsbuild.IAMConfig) { c.ProjectName = "" }, "ProjectName and ProjectID"},
		"user by name, no account":    {func(c *codeartsbuild.IAMConfig) { c.DomainName, c.ProjectName, c.ProjectID = "", "", "p" }, "DomainName"},
		"project by name, no account": {func(c *codeartsbuild.IAMConfig) { c.DomainName, c.UserName, c.UserID = "", "", "u" }, "DomainName"},
		"project by region, no account": {func(c *codeartsbuild.IAMConfig) {
			c.DomainName, c.UserName, c.UserID, c.ProjectName, c.Region = "", "", "u", "", "cn-north-4"
		}, "DomainName"},
		"no password":                    {func(c *codeartsbuild.IAMConfig) { c.Password = nil }, "Password"},
		"nothing":                        {func(c *codeartsbuild.IAMConfig) { *c = codeartsbuild.IAMConfig{} }, "Region and Endpoint"},
		"region that would move the URL": {func(c *codeartsbuild.IAMConfig) { c.Endpoint, c.Region = "", "example.com/" }, "region"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := wireIAM("https://iam.example.com")
			tt.change(&cfg)
			source, err := codeartsbuild.NewIAMTokenSource(cfg)
			if tt.want == "" {
				require.NoError(t, err)
				require.NotNil(t, source)
				return
			}
			require.Nil(t, source)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			require.Contains(t, err.Error(), tt.want)
		})
	}
}

// A wireSeen is a request as a transport gets it.
type wireSeen struct {
	url, agent, token, project string
	left                       time.Duration // until the deadline; 0: none
}

// wireSee answers every request with an error that is not replayed, and remembers the last one.
func wireSee(last *wireSeen) *httpmock.MockTransport {
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
		*last = wireSeen{url: req.URL.String(), agent: req.UserAgent(), token: req.Header.Get("X-Auth-Token"), project: req.Header.Get("X-Project-Id")}
		if deadline, ok := req.Context().Deadline(); ok {
			last.left = time.Until(deadline)
		}
		return httpmock.NewStringResponse(http.StatusBadRequest, ""), nil
	})
	return mock
}

// B45
func TestB45TheLastOfTheSameOptionCounts(t *testing.T) {
	t.Parallel()
	var (
		endpoint = codeartsbuild.WithEndpoint("https://build.example.com")
		token    = codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("first"))
		key      = codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("AKWIRE", wireSecretKey))
	)
	type options = []codeartsbuild.ClientOption
	tests := map[string]struct {
		client options
		call   []codeartsbuild.CallOption
		want   func(*testing.T, wireSeen)
	}{
		"region": {options{codeartsbuild.WithRegion("cn-north-1"), codeartsbuild.WithRegion("cn-north-4"), token}, nil, func(t *testing.T, s wireSeen) {
			require.Equal(t, "https://cloudbuild-ext.cn-north-4.myhuaweicloud.com/v3/jobs/stop", s.url)
		}},
		"endpoint": {options{codeartsbuild.WithEndpoint("http://refused.example.com"), endpoint, token}, nil, func(t *testing.T, s wireSeen) {
			require.Equal(t, "https://build.example.com/v3/jobs/stop", s.url)
		}},
		"token source": {options{endpoint, token, codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("second"))}, nil, func(t *testing.T, s wireSeen) {
			require.Equal(t, "second", s.token)
		}},
		"access key source": {
			options{endpoint, codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("", "")), key}, nil, func(t *testing.T, s wireSeen) {
				require.Empty(t, s.token)
			},
		},
		"project id": {options{endpoint, key, codeartsbuild.WithProjectID("one"), codeartsbuild.WithProjectID("two")}, nil, func(t *testing.T, s wireSeen) {
			require.Equal(t, "two", s.project)
		}},
		"user agent": {options{endpoint, token, codeartsbuild.WithUserAgent("one/1"), codeartsbuild.WithUserAgent("two/2")}, nil, func(t *testing.T, s wireSeen) {
			require.True(t, strings.HasPrefix(s.agent, "two/2 codeartsbuild-go/"), s.agent)
		}},
		"stop API": {options{endpoint, token, codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto), codeartsbuild.WithStopAPI(codeartsbuild.StopAPIV1)}, nil, func(t *testing.T, s wireSeen) {
			require.Equal(t, "https://build.example.com/v1/job/"+wireJob+"/stop?build_no=7", s.url)
		}},
		"timeout": {options{endpoint, token, codeartsbuild.WithTimeout(0), codeartsbuild.WithTimeout(time.Minute)}, nil, func(t *testing.T, s wireSeen) {
			require.Equal(t, time.Minute, s.left)
		}},
		"timeout, none": {options{endpoint, token, codeartsbuild.WithTimeout(time.Minute), codeartsbuild.WithTimeout(0)}, nil, func(t *testing.T, s wireSeen) {
			require.Zero(t, s.left)
		}},
		"timeout of a call": {
			options{endpoint, token, codeartsbuild.WithTimeout(time.Minute)},
			[]codeartsbuild.CallOption{codeartsbuild.WithTimeout(-1), nil, codeartsbuild.WithTimeout(time.Hour)},
			func(t *testing.T, s wireSeen) { require.Equal(t, time.Hour, s.left) },
		},
		"timeout by default": {options{endpoint, token}, []codeartsbuild.CallOption{nil}, func(t *testing.T, s wireSeen) {
			require.Equal(t, 30*time.Second, s.left)
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // so that deadlines are exact
				var last wireSeen
				mock := wireSee(&last)
				client := wireNewClient(t, append(tt.client, codeartsbuild.WithTransport(nil), codeartsbuild.WithTransport(mock))...)
				_, err := client.Jobs.Stop(t.Context(), wireJob, "7", tt.call...)
				require.ErrorIs(t, err, codeartsbuild.ErrBadRequest)
				require.Equal(t, 1, mock.GetTotalCallCount())
				tt.want(t, last)
			})
		})
	}
}

// B45
func TestB45OptionsOfOneCall(t *testing.T) {
	t.Parallel()
	var first, second codeartsbuild.Response
	tests := map[string]struct {
		options  []codeartsbuild.CallOption
		attempts int // 0: refused
	}{
		"nil":                    {nil, 5},
		"nil option":             {[]codeartsbuild.CallOption{nil, codeartsbuild.Option(nil)}, 5},
		"retry twice":            {[]codeartsbuild.CallOption{codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 2}), codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 3})}, 3},
		"bad retry, then none":   {[]codeartsbuild.CallOption{codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: -1}), wireOnce}, 1},
		"bad retry":              {[]codeartsbuild.CallOption{wireOnce, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: -1})}, 0},
		"bad timeout":            {[]codeartsbuild.CallOption{codeartsbuild.WithTimeout(-1)}, 0},
		"nil response":           {[]codeartsbuild.CallOption{codeartsbuild.WithResponseInto(nil)}, 0},
		"response, then nil":     {[]codeartsbuild.CallOption{codeartsbuild.WithResponseInto(&first), codeartsbuild.WithResponseInto(nil)}, 0},
		"nil response, then one": {[]codeartsbuild.CallOption{codeartsbuild.WithResponseInto(nil), codeartsbuild.WithResponseInto(&first), codeartsbuild.WithResponseInto(&second)}, 5},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mock := wireMock(http.StatusServiceUnavailable, "", nil)
				client := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(mock))
				_, err := client.Jobs.Stop(t.Context(), wireJob, "7", tt.options...)
				if tt.attempts == 0 {
					wireRequireRefused(t, err, mock)
					return
				}
				require.ErrorIs(t, err, codeartsbuild.ErrInternalServerError)
				require.Equal(t, tt.attempts, mock.GetTotalCallCount())
				if name == "nil response, then one" {
					require.Zero(t, first)
					require.Equal(t, codeartsbuild.Response{StatusCode: http.StatusServiceUnavailable, Header: second.Header, Attempts: 5}, second)
				}
			})
		})
	}
}

// B45
func TestB45SourceMadeOfANilFunctionIsAnErrorAndNoPanic(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]codeartsbuild.TokenSource{
		"bare": codeartsbuild.TokenSourceFunc(nil), "cached": codeartsbuild.NewCachedTokenSource(codeartsbuild.TokenSourceFunc(nil)), "nil, cached": codeartsbuild.NewCachedTokenSource(nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mock := wireMock(http.StatusOK, `{"result":true}`, nil)
			client := wireClient(t, "https://build.example.com", codeartsbuild.WithTokenSource(source), codeartsbuild.WithTransport(mock))
			_, err := client.Jobs.Stop(t.Context(), wireJob, "7")
			require.ErrorContains(t, err, "codeartsbuild: StopJob: ")
			require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
			require.Zero(t, mock.GetTotalCallCount())
		})
	}
}

// B45: regions are added, so that an unknown one is only found out when its host does not resolve.
func TestB45UnknownRegionShowsWhenItDoesNotResolve(t *testing.T) {
	t.Parallel()
	unknown := func(req *http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: req.URL.Hostname(), IsNotFound: true}}
	}
	t.Run("of the service", func(t *testing.T) {
		t.Parallel()
		mock := httpmock.NewMockTransport()
		mock.RegisterNoResponder(unknown)
		client := wireNewClient(t, codeartsbuild.WithRegion("xx-nowhere-9"), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(wireToken)), codeartsbuild.WithTransport(mock))
		_, err := client.Jobs.Stop(t.Context(), wireJob, "7")
		require.ErrorContains(t, err, "cloudbuild-ext.xx-nowhere-9.myhuaweicloud.com")
		require.ErrorContains(t, err, "no such host")
		require.NotErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
		require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
		require.Equal(t, 1, mock.GetTotalCallCount(), "that does not get better")
	})
	t.Run("of the login", func(t *testing.T) {
		t.Parallel()
		iam := httpmock.NewMockTransport()
		iam.RegisterNoResponder(unknown)
		cfg := wireIAM("")
		cfg.Region, cfg.ProjectName, cfg.Transport = "xx-nowhere-9", "", iam
		mock := wireMock(http.StatusOK, `{"result":true}`, nil)
		client := wireNewClient(t, codeartsbuild.WithRegion("cn-north-4"), codeartsbuild.WithTokenSource(wireIAMSource(t, cfg)), codeartsbuild.WithTransport(mock))
		_, err := client.Jobs.Stop(t.Context(), wireJob, "7")
		require.ErrorContains(t, err, "iam.xx-nowhere-9.myhuaweicloud.com")
		require.Equal(t, 1, iam.GetTotalCallCount())
		require.Zero(t, mock.GetTotalCallCount())
	})
}

// B46
func TestB46QueryValuesArriveAsTheyAreWhateverTheyHold(t *testing.T) {
	t.Parallel()
	server := wireListen(t, nil)
	for name, value := range map[string]string{
		"ampersand": "a&b=c", "hash": "a#b", "space": "a b", "plus": "a+b", "equals": "a=b", "question mark": "a?b", "slash": "a/../b", "percent": "100%", "escaped": "%26%20",
		"semicolon": "a;b", "quotes": `"a"'b'`, "Chinese": "构建任务 每日", "emoji": "🚀", "line feed": "a\r\nX-Evil: 1", "NUL": "a\x00b", "not UTF-8": "a\xffb", "empty": "", "brackets": "a[0]{1}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := wireClient(t, server.URL)
			err := client.Do(t.Context(), http.MethodGet, "/v9/"+url.PathEscape(name)+"?given=%E6%9E%84+a", struct {
				Value string `url:"value"`
				Other int    `url:"other"`
			}{value, 1}, nil)
			require.NoError(t, err)
			found := false
			for _, r := range server.requests() {
				got, err := url.Parse(r.uri)
				require.NoError(t, err)
				if got.Path != "/v9/"+name {
					continue
				}
				found = true
				require.Equal(t, url.Values{"value": {value}, "other": {"1"}, "given": {"构 a"}}, got.Query())
				require.NotContains(t, r.uri, "#")
			}
			require.True(t, found)
		})
	}
}

// B46: a signature covers the query, so that both must spell it in one way.
func TestB46QueryOfASignedRequestIsSignedAsItIsSent(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	srv.Start()
	job := srv.AddJob("nightly")
	id, secret := srv.AccessKey()
	client := wireNewClient(t, codeartsbuild.WithEndpoint(srv.URL), codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(id, secret)))
	for _, value := range []string{"a&b#c d+e", "构建任务 每日", "~-._*!'()", "%26", "a/b:c,d;e=f"} {
		err := client.Do(t.Context(), http.MethodGet, "/v1/job/"+job+"/running-status?z=1&b=%2B+%7E", struct {
			Values []string `url:"a"`
		}{[]string{value, value + "2", "0"}}, nil)
		require.NoError(t, err, value)
	}
}

// B46: what go-querystring makes of the types for which it has had gaps.
func TestB46QueryOfTypesWithGaps(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 13, 4, 5, 0, time.FixedZone("UTC+8", 8*60*60))
	words, none := []string{"a b", "构"}, []string{}
	type embedded struct {
		Page int `url:"page,omitempty"`
	}
	tests := map[string]struct {
		in   any
		want url.Values
	}{
		"pointer to a slice": {struct {
			A *[]string `url:"a"`
		}{&words}, url.Values{"a": words}},
		"pointer to a slice, with comma": {struct {
			A *[]string `url:"a,comma"`
		}{&words}, url.Values{"a": {"a b,构"}}},
		"pointer to an empty slice": {struct {
			A *[]string `url:"a,comma"`
		}{&none}, url.Values{}},
		"nil pointer to a slice": {struct {
			A *[]string `url:"a,omitempty"`
		}{}, url.Values{}},
		"slice with comma": {struct {
			A []string `url:"a,comma"`
		}{words}, url.Values{"a": {"a b,构"}}},
		"empty slice with comma": {struct {
			A []string `url:"a,comma"`
		}{none}, url.Values{}},
		"nil slice with comma": {struct {
			A []string `url:"a,comma"`
		}{}, url.Values{}},
		"slice of pointers": {struct {
			A []*string `url:"a"`
		}{[]*string{&words[0], nil, &words[1]}}, url.Values{"a": {"a b", "", "构"}}},
		"time": {struct {
			A time.Time `url:"a"`
		}{at}, url.Values{"a": {"2026-11-24T13:04:05+08:00"}}},
		"pointer to a time": {struct {
			A *time.Time `url:"a"`
		}{&at}, url.Values{"a": {"2026-11-24T13:04:05+08:00"}}},
		"pointer to a time with a layout": {struct {
			A *time.Time `url:"a" layout:"2006-01-02 15:04:05"`
		}{&at}, url.Values{"a": {"2026-11-24 13:04:05"}}},
		"pointer to a time in milliseconds": {struct {
			A *time.Time `url:"a,unixmilli"`
		}{&at}, url.Values{"a": {"1795496645000"}}},
		"nil pointer to a time": {struct {
			A *time.Time `url:"a,omitempty"`
		}{}, url.Values{}},
		"zero time": {struct {
			A time.Time `url:"a,omitempty"`
		}{}, url.Values{}},
		"bool as a number": {struct {
			A *bool `url:"a,int"`
		}{new(bool)}, url.Values{"a": {"0"}}},
		"embedded struct": {struct {
			embedded
			A string `url:"a"`
		}{embedded{3}, "b"}, url.Values{"a": {"b"}, "page": {"3"}}},
		"pointer to a struct": {&embedded{4}, url.Values{"page": {"4"}}},
		"nil":                 {nil, url.Values{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var last wireSeen
			client := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(wireSee(&last)))
			require.ErrorIs(t, client.Do(t.Context(), http.MethodGet, "/v9/anything", tt.in, nil), codeartsbuild.ErrBadRequest)
			got, err := url.Parse(last.url)
			require.NoError(t, err)
			require.Equal(t, tt.want, got.Query())
		})
	}
}

// B46
func TestB46InputThatIsNoQueryIsRefused(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]any{"text": "a=b", "map": map[string]string{"a": "b"}, "url.Values": url.Values{"a": {"b"}}, "number": 7, "slice": []string{"a"}} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			t.Run(method+" with a "+name, func(t *testing.T) {
				t.Parallel()
				mock := wireMock(http.StatusOK, "{}", nil)
				client := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(mock), codeartsbuild.WithLogger(slog.New(&wireLog{})))
				wireRequireRefused(t, client.Do(t.Context(), method, "/v9/anything", in, nil), mock)
			})
		}
	}
}
