package codeartsbuild_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B47: many goroutines share a client, also while things go wrong.
func TestThousandGoroutinesShareClient(t *testing.T) {
	t.Parallel()
	const callers = 1000
	f := sdktest.NewJob(t)
	for range callers {
		f.StartBuild(f.JobID)
	}
	for range 20 {
		f.Next(sdktest.OpStop, codeartsbuildtest.Reply(503, ""), codeartsbuildtest.DropAnswer(), nil)
	}
	f.Next(sdktest.OpStop, codeartsbuildtest.ExpireToken(), codeartsbuildtest.Reply(404, retiredBody))
	client := f.Client(codeartsbuild.WithTokenSource(sdktest.TokenSource(t, f.IAMConfig())), codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto),
		codeartsbuild.WithLogger(slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 100, MinDelay: 1, MaxDelay: 1}))

	shared := make([]codeartsbuild.CallOption, 2, 8) // has room, that belongs to the caller
	shared[0] = codeartsbuild.WithTimeout(time.Minute)
	failures := make(chan error, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			number := fmt.Sprint(i + 1)
			var response codeartsbuild.Response
			opts := append(shared[:2:2], codeartsbuild.WithResponseInto(&response))
			result, err := client.Jobs.Stop(context.Background(), f.JobID, number, opts...)
			clear(opts)
			if err == nil && (result.Result != (response.StatusCode == http.StatusOK) || response.RequestID == "") {
				err = fmt.Errorf("response %v with result %v", response, result)
			}
			clear(response.Header)
			if err == nil {
				var build *codeartsbuild.Build
				if build, err = client.Builds.Get(context.Background(), f.JobID, number, shared...); err == nil && build.BuildNo != number {
					err = fmt.Errorf("got build %s for %s", build.BuildNo, number)
				}
			}
			_, _ = client.Jobs.Stop(context.Background(), f.JobID, "0")
			if i%50 == 0 {
				_ = fmt.Sprintf("%+v", client)
				client.CloseIdleConnections()
			}
			failures <- err
		})
	}
	group.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	require.Equal(t, make([]codeartsbuild.CallOption, 6), shared[2:8], "room that belongs to the caller was written to")
}

// changing treats a request as the step says, and changes something before the client has the response.
func changing(step httpfake.Func, change func(*http.Request)) httpfake.Func {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := step(req)
		change(req)
		return resp, err
	}
}

var (
	accepted    = httpfake.Reply(http.StatusOK, `{"result":true}`)
	unavailable = httpfake.Reply(http.StatusServiceUnavailable, "")
)

// B47
func TestClientOptionsChangedLater(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(accepted)
	opts := []codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint(sdktest.Endpoint), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(sdktest.Token)), codeartsbuild.WithTransport(transport),
	}
	client := sdktest.NewClient(t, opts...)
	clear(opts)
	require.NoError(t, sdktest.Stop(t.Context(), client))
	require.Equal(t, 1, transport.Count())
	require.Equal(t, sdktest.Endpoint+stopPath, transport.Requests()[0].URL.String())
}

// B47
func TestCallOptionsChangedDuringCall(t *testing.T) {
	t.Parallel()
	opts := make([]codeartsbuild.CallOption, 1, 4)
	opts[0] = codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 3, MinDelay: 1, MaxDelay: 1})
	transport := httpfake.Script(changing(unavailable, func(*http.Request) {
		opts[0] = codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: -1})
	}))
	client := sdktest.Client(t, transport, codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto))
	require.ErrorIs(t, sdktest.Stop(t.Context(), client, opts...), codeartsbuild.ErrInternalServerError)
	require.Equal(t, 3, transport.Count())
	require.Nil(t, opts[:2][1])
}

// B47: nothing is appended to the caller's slice.
func TestCallOptionsKeepTheirRoom(t *testing.T) {
	t.Parallel()
	opts := make([]codeartsbuild.CallOption, 1, 8)
	opts[0] = sdktest.Once
	transport := httpfake.Script(httpfake.Reply(http.StatusNotFound, retiredBody), accepted)
	client := sdktest.Client(t, transport, codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto))
	require.NoError(t, sdktest.Stop(t.Context(), client, opts...))
	require.Equal(t, make([]codeartsbuild.CallOption, 7), opts[1:8])
}

// B47
func TestBodyChangedDuringCall(t *testing.T) {
	t.Parallel()
	in := map[string][]string{"tags": {"one", "two"}}
	failed := changing(unavailable, func(*http.Request) { in["tags"][0] = "changed" })
	transport := httpfake.Script(failed, failed, accepted)
	require.NoError(t, sdktest.Client(t, transport, sdktest.Quick).Do(t.Context(), http.MethodPost, "/v9/anything", in, nil))
	require.Equal(t, 3, transport.Count())
	for _, r := range transport.Requests() {
		require.Equal(t, `{"tags":["one","two"]}`, r.Body)
	}
}

// B47
func TestQueryChangedDuringCall(t *testing.T) {
	t.Parallel()
	in := &struct {
		Tags []string `url:"tags"`
	}{[]string{"one", "two"}}
	failed := changing(unavailable, func(*http.Request) { in.Tags[0] = "changed" })
	transport := httpfake.Script(failed, failed, accepted)
	require.NoError(t, sdktest.Client(t, transport, sdktest.Quick).Do(t.Context(), http.MethodGet, "/v9/anything", in, nil))
	require.Equal(t, 3, transport.Count())
	for _, r := range transport.Requests() {
		require.Equal(t, "tags=one&tags=two", r.URL.RawQuery)
	}
}

// B47: an iterator reads its options when it is made, not when the loop begins.
func TestOptionsChangedBeforeTheLoop(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*codeartsbuild.Client, []string, []codeartsbuild.CallOption) (run func()){
		"a list": func(c *codeartsbuild.Client, branches []string, opts []codeartsbuild.CallOption) func() {
			all := c.Builds.AllRecords(t.Context(), logRecordID, &codeartsbuild.BuildRecordListOptions{Branches: branches}, opts...)
			return func() { drain(all) }
		},
		"builds": func(c *codeartsbuild.Client, _ []string, opts []codeartsbuild.CallOption) func() {
			all := c.Builds.All(t.Context(), sdktest.JobID, nil, opts...)
			return func() { drain(all) }
		},
		"a log": func(c *codeartsbuild.Client, _ []string, opts []codeartsbuild.CallOption) func() {
			all := c.Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0, opts...)
			return func() { drain(all) }
		},
	}
	for name, list := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(http.StatusForbidden, ""))
			opts, branches := []codeartsbuild.CallOption{codeartsbuild.WithQuery("mark", "one")}, []string{"main"}
			run := list(sdktest.Client(t, transport), branches, opts)
			opts[0], branches[0] = codeartsbuild.WithQuery("mark", "two"), "other"
			run()
			require.NotZero(t, transport.Count())
			for _, r := range transport.Requests() {
				require.Contains(t, r.URL.RawQuery, "mark=one")
				require.NotContains(t, r.URL.RawQuery, "other")
			}
		})
	}
}

func drain[T any](all iter.Seq2[T, error]) {
	for range all {
		continue
	}
}

// B47
func TestRunRequestChangedDuringCall(t *testing.T) {
	t.Parallel()
	in := &codeartsbuild.RunRequest{Parameters: map[string]string{"a": "1"}, Branch: "main"}
	transport := httpfake.Script(changing(unavailable, func(*http.Request) { in.Parameters["a"], in.Branch = "2", "other" }))
	_, err := sdktest.Client(t, transport, sdktest.Quick).Jobs.Run(t.Context(), sdktest.JobID, in)
	require.Error(t, err)
	requests := transport.Requests()
	require.Len(t, requests, 5)
	for _, r := range requests {
		require.Equal(t, requests[0].Body, r.Body)
	}
}

// B47: a transport changes the request that it got. The next attempt and the next call are as they should be.
func TestRequestChangedByTransport(t *testing.T) {
	t.Parallel()
	spoil := func(req *http.Request) {
		for name := range req.Header { // appended to, which must not reach the values that calls share
			req.Header.Add(name, "added")
		}
		req.Header.Set("X-Trace", "added")
	}
	transport := httpfake.Script(changing(unavailable, spoil), changing(accepted, spoil), changing(unavailable, spoil), changing(accepted, spoil))
	client := sdktest.Client(t, transport, sdktest.Quick)
	for range 2 {
		require.NoError(t, sdktest.Stop(t.Context(), client))
	}
	requests := transport.Requests()
	require.Len(t, requests, 4)
	for _, r := range requests {
		require.Equal(t, requests[0].Header, r.Header)
		require.Equal(t, requests[0].URL, r.URL)
		require.Equal(t, requests[0].Body, r.Body)
	}
	require.NotContains(t, requests[0].Header, "X-Trace")
}

// B47: two requests have no header value in common that one could append to.
func TestHeadersNotShared(t *testing.T) {
	t.Parallel()
	var headers []http.Header
	client := sdktest.Client(t, changing(accepted, func(req *http.Request) { headers = append(headers, req.Header) }))
	for range 2 {
		require.NoError(t, sdktest.Stop(t.Context(), client))
	}
	for name := range headers[0] {
		headers[0].Add(name, "first")
		headers[1].Add(name, "second")
		require.Equal(t, "first", headers[0].Values(name)[1], name)
	}
}

// B47
func TestResponseChangedByCaller(t *testing.T) {
	t.Parallel()
	var response codeartsbuild.Response
	client := sdktest.Client(t, httpfake.Reply(http.StatusForbidden, "", "X-Request-Id", "request"))
	err := sdktest.Stop(t.Context(), client, codeartsbuild.WithResponseInto(&response))
	require.Equal(t, "request", response.RequestID)
	response.Header.Set("X-Request-Id", "changed")
	response.RequestID = "changed"
	require.Equal(t, "request", sdktest.APIError(t, err).RequestID)
}

// B47: later calls do not use the memory of bytes that an earlier one returned.
func TestReturnedBytesNotReused(t *testing.T) {
	t.Parallel()
	n := 0
	client := sdktest.Client(t, httpfake.Func(func(req *http.Request) (*http.Response, error) {
		n++
		status := http.StatusOK
		if n%2 == 0 {
			status = http.StatusForbidden
		}
		return httpfake.Reply(status, fmt.Sprintf(`{"error_msg":"","n":"number %04d"}`, n))(req)
	}))
	get := func(out any) error { return client.Do(t.Context(), http.MethodGet, "/v9/anything", nil, out) }
	var first []byte
	var raw json.RawMessage
	require.NoError(t, get(&first))
	apiErr := sdktest.APIError(t, get(nil))
	require.NoError(t, get(&raw))
	for range 20 {
		var other []byte
		_ = get(&other)
		for i := range other {
			other[i] = '-'
		}
	}
	require.Contains(t, string(first), "number 0001")
	require.Contains(t, string(apiErr.Body), "number 0002")
	require.Contains(t, string(raw), "number 0003")
}

// B47
func TestIAMConfigChangedLater(t *testing.T) {
	t.Parallel()
	cfg := sdktest.NewJob(t).IAMConfig()
	source := sdktest.TokenSource(t, cfg)
	cfg = codeartsbuild.IAMConfig{}
	require.Empty(t, cfg)
	_, err := source.Token(t.Context())
	require.NoError(t, err)
}

// A givenTransport is a transport of a user's.
type givenTransport struct {
	Name    string
	Headers http.Header
	closed  *atomic.Int32
}

func (g *givenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	return accepted(req)
}

func (g *givenTransport) CloseIdleConnections() { g.closed.Add(1) }

// B47: a transport and a logger that are given stay as they are.
func TestGivenTransportAndLoggerUnchanged(t *testing.T) {
	t.Parallel()
	t.Run("transport of a user's", func(t *testing.T) {
		t.Parallel()
		given := &givenTransport{"mine", http.Header{"A": {"b"}}, new(atomic.Int32)}
		before := givenTransport{given.Name, given.Headers.Clone(), given.closed}
		client := sdktest.Client(t, given)
		require.NoError(t, sdktest.Stop(t.Context(), client))
		client.CloseIdleConnections()
		require.Equal(t, before, *given)
		require.EqualValues(t, 1, given.closed.Load())
	})
	t.Run("transport of net/http", func(t *testing.T) {
		t.Parallel()
		server := httpfake.Listen(t, sdktest.Accepted)
		given, alone := &http.Transport{MaxIdleConns: 3}, &http.Transport{MaxIdleConns: 3}
		defer alone.CloseIdleConnections()
		client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL), codeartsbuild.WithTransport(given))
		cfg := sdktest.IAMConfig(server.URL)
		cfg.Transport = given
		sdktest.TokenSource(t, cfg)
		require.Equal(t, exportedFields(alone), exportedFields(given), "made")
		require.NoError(t, sdktest.Stop(t.Context(), client))
		// net/http itself sets some fields at the first request
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		require.NoError(t, err)
		resp, err := alone.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, exportedFields(alone), exportedFields(given), "used")
	})
	t.Run("default transport of net/http", func(t *testing.T) {
		t.Parallel()
		before := exportedFields(http.DefaultTransport.(*http.Transport))
		server := httpfake.Listen(t, sdktest.Accepted)
		require.NoError(t, sdktest.Stop(t.Context(), sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL))))
		require.Equal(t, before, exportedFields(http.DefaultTransport.(*http.Transport)))
	})
	t.Run("logger", func(t *testing.T) {
		t.Parallel()
		handler := &logRecorder{}
		logger := slog.New(handler)
		before, standard := *logger, slog.Default()
		require.NoError(t, sdktest.Stop(t.Context(), sdktest.Client(t, accepted, codeartsbuild.WithLogger(logger))))
		require.Equal(t, before, *logger)
		require.False(t, handler.changed)
		require.NotEmpty(t, handler.all())
		require.Same(t, standard, slog.Default())
	})
}

// exportedFields are the fields of a transport that users may set. A function only says whether it is set.
func exportedFields(transport *http.Transport) map[string]any {
	fields := map[string]any{}
	v := reflect.ValueOf(transport).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		switch {
		case !field.IsExported():
		case field.Type.Kind() == reflect.Func:
			fields[field.Name] = v.Field(i).IsNil()
		case field.Type.Kind() == reflect.Map:
			fields[field.Name] = v.Field(i).Len()
		case field.Type == reflect.TypeFor[*tls.Config]():
			config, _ := v.Field(i).Interface().(*tls.Config)
			fields[field.Name] = config != nil && len(config.NextProtos) > 0
		default:
			fields[field.Name] = v.Field(i).Interface()
		}
	}
	return fields
}
