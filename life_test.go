package codeartsbuild_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// B47
func TestB47ThousandGoroutinesShareAClient(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	login := wireIAMSource(t, srv.IAMConfig())
	client := srv.Client(codeartsbuild.WithTokenSource(login), codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto),
		codeartsbuild.WithLogger(slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 100, MinDelay: 1, MaxDelay: 1}))
	job := srv.AddJob("nightly")
	const callers = 1000
	for range callers {
		srv.StartBuild(job)
	}
	for range 20 {
		srv.Next("StopJob", codeartsbuildtest.Reply(503, ""), codeartsbuildtest.DropAnswer(), nil)
	}
	srv.Next("StopJob", codeartsbuildtest.ExpireToken())
	srv.Next("StopJob", codeartsbuildtest.Reply(404, `{"error_code":"APIGW.0101","error_msg":"no such API"}`))

	shared := make([]codeartsbuild.CallOption, 2, 8) // has room, into which nobody may write
	shared[0] = codeartsbuild.WithTimeout(time.Minute)
	failures := make(chan error, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			number := fmt.Sprint(i + 1)
			var response codeartsbuild.Response
			opts := append(shared[:2:2], codeartsbuild.WithResponseInto(&response))
			result, err := client.Jobs.Stop(context.Background(), job, number, opts...)
			clear(opts)
			if err == nil && (result.Result != (response.StatusCode == http.StatusOK) || response.RequestID == "") {
				err = fmt.Errorf("response %v with result %v", response, result)
			}
			clear(response.Header)
			if err == nil {
				var build *codeartsbuild.Build
				if build, err = client.Builds.Get(context.Background(), job, number, shared...); err == nil && build.BuildNo != number {
					err = fmt.Errorf("got build %s for %s", build.BuildNo, number)
				}
			}
			_, _ = client.Jobs.Stop(context.Background(), job, "0")
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

// B47
func TestB47WhatTheCallerChangesAfterwardsHasNoEffect(t *testing.T) {
	t.Parallel()
	const stopped = `{"result":true}`
	tests := map[string]func(t *testing.T){
		"options of a client": func(t *testing.T) {
			var urls []string
			opts := []codeartsbuild.ClientOption{
				codeartsbuild.WithEndpoint("https://build.example.com"), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(wireToken)),
				codeartsbuild.WithTransport(wireTransport(func(req *http.Request) (*http.Response, error) {
					urls = append(urls, req.URL.String())
					return wireAnswer(req, http.StatusOK, stopped), nil
				})),
			}
			client := wireNewClient(t, opts...)
			clear(opts)
			_, err := client.Jobs.Stop(t.Context(), wireJob, "7")
			require.NoError(t, err)
			require.Equal(t, []string{"https://build.example.com/v3/jobs/stop"}, urls)
		},
		"options of a call that is under way": func(t *testing.T) {
			attempts := 0
			opts := make([]codeartsbuild.CallOption, 1, 4)
			opts[0] = codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 3, MinDelay: 1, MaxDelay: 1})
			client := wireClient(t, "https://build.example.com", codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto),
				codeartsbuild.WithTransport(wireTransport(func(req *http.Request) (*http.Response, error) {
					attempts++
					opts[0] = codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: -1})
					return wireAnswer(req, http.StatusServiceUnavailable, ""), nil
				})))
			_, err := client.Jobs.Stop(t.Context(), wireJob, "7", opts...)
			require.ErrorIs(t, err, codeartsbuild.ErrInternalServerError)
			require.Equal(t, 3, attempts)
			require.Nil(t, opts[:2][1])
		},
		"room behind the options of a call": func(t *testing.T) {
			opts := make([]codeartsbuild.CallOption, 1, 8)
			opts[0] = wireOnce
			client := wireClient(t, "https://build.example.com", codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto),
				codeartsbuild.WithTransport(wireTransport(func(req *http.Request) (*http.Response, error) {
					if req.URL.Path == wireStop {
						return wireAnswer(req, http.StatusNotFound, `{"error_code":"APIGW.0101","error_msg":"no such API"}`), nil
					}
					return wireAnswer(req, http.StatusOK, stopped), nil
				})))
			_, err := client.Jobs.Stop(t.Context(), wireJob, "7", opts...)
			require.NoError(t, err)
			require.Equal(t, make([]codeartsbuild.CallOption, 7), opts[1:8])
		},
		"input of a call that is under way": func(t *testing.T) {
			in := map[string][]string{"tags": {"one", "two"}}
			var bodies []string
			client := wireClient(t, "https://build.example.com", wireQuick, codeartsbuild.WithTransport(wireTransport(func(req *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(req.Body)
				if err != nil {
					return nil, err
				}
				bodies = append(bodies, string(body))
				in["tags"][0] = "changed"
				if len(bodies) < 3 {
					return wireAnswer(req, http.StatusServiceUnavailable, ""), nil
				}
				return wireAnswer(req, http.StatusOK, "{}"), nil
			})))
			require.NoError(t, client.Do(t.Context(), http.MethodPost, "/v9/anything", in, nil))
			require.Equal(t, slices.Repeat([]string{`{"tags":["one","two"]}`}, 3), bodies)
		},
		"query of a call that is under way": func(t *testing.T) {
			in := &struct {
				Tags []string `url:"tags"`
			}{[]string{"one", "two"}}
			var queries []string
			client := wireClient(t, "https://build.example.com", wireQuick, codeartsbuild.WithTransport(wireTransport(func(req *http.Request) (*http.Response, error) {
				queries = append(queries, req.URL.RawQuery)
				in.Tags[0] = "changed"
				if len(queries) < 3 {
					return wireAnswer(req, http.StatusServiceUnavailable, ""), nil
				}
				return wireAnswer(req, http.StatusOK, "{}"), nil
			})))
			require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v9/anything", in, nil))
			require.Equal(t, slices.Repeat([]string{"tags=one&tags=two"}, 3), queries)
		},
		"parameters of a run": func(t *testing.T) {
			in := &codeartsbuild.RunRequest{Parameters: map[string]string{"a": "1"}, Branch: "main"}
			var bodies []string
			client := wireClient(t, "https://build.example.com", wireQuick, codeartsbuild.WithTransport(wireTransport(func(req *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(req.Body)
				if err != nil {
					return nil, err
				}
				bodies = append(bodies, string(body))
				in.Parameters["a"], in.Branch = "2", "other"
				return wireAnswer(req, http.StatusServiceUnavailable, ""), nil
			})))
			_, err := client.Jobs.Run(t.Context(), wireJob, in)
			require.Error(t, err)
			require.Len(t, bodies, 5)
			require.Len(t, slices.Compact(bodies), 1)
		},
		"header, query and body of a request that a transport changes": func(t *testing.T) {
			var agents, queries, bodies []string
			client := wireClient(t, "https://build.example.com", wireQuick, codeartsbuild.WithTransport(wireTransport(func(req *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(req.Body)
				if err != nil {
					return nil, err
				}
				agents, queries, bodies = append(agents, req.UserAgent()), append(queries, req.URL.RequestURI()), append(bodies, string(body))
				for name := range req.Header { // appended to, which must not reach what calls share
					req.Header.Add(name, "added")
				}
				req.Header.Set("X-Trace", "added")
				clear(body)
				if len(agents)%2 == 1 {
					return wireAnswer(req, http.StatusServiceUnavailable, ""), nil
				}
				return wireAnswer(req, http.StatusOK, stopped), nil
			})))
			for range 2 {
				_, err := client.Jobs.Stop(t.Context(), wireJob, "7")
				require.NoError(t, err)
			}
			require.Len(t, agents, 4)
			for _, seen := range [][]string{agents, queries, bodies} {
				require.Len(t, slices.Compact(seen), 1)
			}
			require.NotContains(t, agents[0], "added")
		},
		"headers of two requests that are added to at once": func(t *testing.T) {
			var headers []http.Header
			client := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(wireTransport(func(req *http.Request) (*http.Response, error) {
				headers = append(headers, req.Header)
				return wireAnswer(req, http.StatusOK, stopped), nil
			})))
			for range 2 {
				_, err := client.Jobs.Stop(t.Context(), wireJob, "7")
				require.NoError(t, err)
			}
			for name := range headers[0] {
				headers[0].Add(name, "first")
				headers[1].Add(name, "second")
				require.Equal(t, "first", headers[0].Values(name)[1], name)
			}
		},
		"response that a call filled": func(t *testing.T) {
			client := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(wireTransport(func(req *http.Request) (*http.Response, error) {
				return wireAnswer(req, http.StatusForbidden, ""), nil
			})))
			var response codeartsbuild.Response
			_, err := client.Jobs.Stop(t.Context(), wireJob, "7", codeartsbuild.WithResponseInto(&response))
			response.Header.Set("X-Request-Id", "changed")
			response.RequestID = "changed"
			var apiErr *codeartsbuild.APIError
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, "request", apiErr.RequestID)
		},
		"bytes that an earlier call returned": func(t *testing.T) {
			n := 0
			client := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(wireTransport(func(req *http.Request) (*http.Response, error) {
				n++
				status := http.StatusOK
				if n%2 == 0 {
					status = http.StatusForbidden
				}
				return wireAnswer(req, status, fmt.Sprintf(`{"error_msg":"","n":"number %04d"}`, n)), nil
			})))
			var first []byte
			var raw json.RawMessage
			require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v9/anything", nil, &first))
			err := client.Do(t.Context(), http.MethodGet, "/v9/anything", nil, nil)
			require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v9/anything", nil, &raw))
			var apiErr *codeartsbuild.APIError
			require.ErrorAs(t, err, &apiErr)
			for range 20 { // whose answers use the same memory, if any
				var other []byte
				_ = client.Do(t.Context(), http.MethodGet, "/v9/anything", nil, &other)
				for i := range other {
					other[i] = '-'
				}
			}
			require.Contains(t, string(first), "number 0001")
			require.Contains(t, string(apiErr.Body), "number 0002")
			require.Contains(t, string(raw), "number 0003")
		},
		"login": func(t *testing.T) {
			srv := codeartsbuildtest.NewServer()
			defer srv.Close()
			cfg := srv.IAMConfig()
			source := wireIAMSource(t, cfg)
			cfg = codeartsbuild.IAMConfig{}
			require.Empty(t, cfg)
			_, err := source.Token(t.Context())
			require.NoError(t, err)
		},
	}
	for name, run := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t)
		})
	}
}

// A wireGiven is a transport that a user configured.
type wireGiven struct {
	Name    string
	Headers http.Header
	closed  *atomic.Int32
}

func (g *wireGiven) RoundTrip(req *http.Request) (*http.Response, error) {
	return wireAnswer(req, http.StatusOK, `{"result":true}`), nil
}

func (g *wireGiven) CloseIdleConnections() { g.closed.Add(1) }

// B47
func TestB47TransportAndLoggerThatAreGivenStayAsTheyAre(t *testing.T) {
	t.Parallel()
	t.Run("transport of a user's", func(t *testing.T) {
		t.Parallel()
		given := &wireGiven{"mine", http.Header{"A": {"b"}}, new(atomic.Int32)}
		before := wireGiven{given.Name, given.Headers.Clone(), given.closed}
		client := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(given))
		_, err := client.Jobs.Stop(t.Context(), wireJob, "7")
		require.NoError(t, err)
		client.CloseIdleConnections()
		require.Equal(t, before, *given)
		require.EqualValues(t, 1, given.closed.Load())
	})
	t.Run("transport of net/http", func(t *testing.T) {
		t.Parallel()
		server := wireListen(t, nil)
		given, alone := &http.Transport{MaxIdleConns: 3}, &http.Transport{MaxIdleConns: 3}
		defer alone.CloseIdleConnections()
		client := wireClient(t, server.URL, codeartsbuild.WithTransport(given))
		cfg := wireIAM(server.URL)
		cfg.Transport = given
		wireIAMSource(t, cfg)
		require.Equal(t, wireExported(alone), wireExported(given), "made")
		_, err := client.Jobs.Stop(t.Context(), wireJob, "7")
		require.NoError(t, err)
		// net/http itself sets some fields at the first request
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		require.NoError(t, err)
		resp, err := alone.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, wireExported(alone), wireExported(given), "used")
	})
	t.Run("default transport of net/http", func(t *testing.T) {
		t.Parallel()
		before := wireExported(http.DefaultTransport.(*http.Transport))
		server := wireListen(t, nil)
		_, err := wireClient(t, server.URL).Jobs.Stop(t.Context(), wireJob, "7")
		require.NoError(t, err)
		require.Equal(t, before, wireExported(http.DefaultTransport.(*http.Transport)))
	})
	t.Run("logger", func(t *testing.T) {
		t.Parallel()
		handler := &wireLog{}
		logger := slog.New(handler)
		before, standard := *logger, slog.Default()
		client := wireClient(t, "https://build.example.com", codeartsbuild.WithTransport(&wireGiven{closed: new(atomic.Int32)}), codeartsbuild.WithLogger(logger))
		_, err := client.Jobs.Stop(t.Context(), wireJob, "7")
		require.NoError(t, err)
		require.Equal(t, before, *logger)
		require.False(t, handler.changed)
		require.NotEmpty(t, handler.all())
		require.Same(t, standard, slog.Default())
	})
}

// wireExported are the fields of a transport that anybody may set. A function only says whether it is set.
func wireExported(transport *http.Transport) map[string]any {
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

// wireGoroutines counts the goroutines that f started, directly or not, and those that they started: they
// have its label. Goroutines of other tests do not.
func wireGoroutines(t *testing.T, f func()) (count func() int) {
	name := "of " + t.Name()
	pprof.Do(context.Background(), pprof.Labels("wire", name), func(context.Context) { f() })
	return func() int { return len(wireStacks(name)) }
}

func wireStacks(name string) []string {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		panic(err)
	}
	var found []string
	for _, stack := range strings.Split(all.String(), "\n\n") {
		if strings.Contains(stack, `"wire":"`+name+`"`) {
			found = append(found, stack)
		}
	}
	return found
}

// wireSoon waits until a condition holds, for a bounded time.
func wireSoon(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 30*time.Second, 5*time.Millisecond, what)
}

// A wireZeros is an endless body.
type wireZeros struct{}

func (wireZeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// B48
func TestB48NothingIsLeftAfterTheLastCall(t *testing.T) {
	t.Parallel()
	plain := func(*httptest.Server) {}
	protocols := map[string]struct {
		setUp func(*httptest.Server)
		own   bool // the client's own transport, else one that trusts the server
		major int
	}{
		"HTTP/1.1 with the default transport": {plain, true, 1},
		"HTTP/1.1 over TLS":                   {wireTLS, false, 1},
		"HTTP/2 over TLS":                     {wireHTTP2, false, 2},
	}
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var major atomic.Int32
			release := make(chan struct{})
			handle := func(w http.ResponseWriter, r *http.Request) {
				major.Store(int32(r.ProtoMajor))
				switch r.URL.Path {
				case "/v9/error":
					wireReply(http.StatusForbidden, `{"error_msg":"no"}`)(w, r)
				case "/v9/huge":
					wireReply(http.StatusInternalServerError, strings.Repeat("x", 1<<20))(w, r)
				case "/v9/oversized":
					w.Header().Set("Content-Length", strconv.Itoa(11<<20))
					_, _ = io.CopyN(w, wireZeros{}, 11<<20)
				case "/v9/cut":
					w.Header().Set("Content-Length", "1000")
					_, _ = io.WriteString(w, "{")
				case "/v9/slow":
					select {
					case <-release:
					case <-r.Context().Done():
					}
				case "/v9/half":
					_, _ = io.WriteString(w, "{")
					_ = http.NewResponseController(w).Flush()
					select {
					case <-release:
					case <-r.Context().Done():
					}
				case wireLogin:
					w.Header().Set("X-Subject-Token", wireToken)
					wireReply(http.StatusCreated, `{"token":{"project":{"id":"0123456789abcdef0123456789abcdef"}}}`)(w, r)
				default:
					wireReply(http.StatusOK, `{"result":true}`)(w, r)
				}
			}
			server, iam := wireListen(t, handle, protocol.setUp), wireListen(t, handle, protocol.setUp)
			defer close(release)
			var transport, iamTransport http.RoundTripper
			if !protocol.own {
				transport, iamTransport = server.Client().Transport, iam.Client().Transport
			}
			cfg := wireIAM(iam.URL)
			cfg.Transport = iamTransport
			login := wireIAMSource(t, cfg)
			client := wireClient(t, server.URL, codeartsbuild.WithTokenSource(login), codeartsbuild.WithTransport(transport), wireQuick)

			left := wireGoroutines(t, func() {
				var group sync.WaitGroup
				for i := range 20 {
					group.Go(func() {
						_, _ = client.Jobs.Stop(context.Background(), wireJob, "7")
						_ = client.Do(context.Background(), http.MethodGet, "/v9/error", nil, nil)
						_ = client.Do(context.Background(), http.MethodPost, "/v9/huge", nil, nil)
						_ = client.Do(context.Background(), http.MethodPost, "/v9/huge", nil, nil, codeartsbuild.WithTimeout(0)) // no timer that would end it
						_ = client.Do(context.Background(), http.MethodPost, "/v9/oversized", nil, nil, codeartsbuild.WithTimeout(0))
						_ = client.Do(context.Background(), http.MethodGet, "/v9/cut", nil, nil, wireOnce)
						ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
						defer cancel()
						path := []string{"/v9/slow", "/v9/half"}[i%2]
						_ = client.Do(ctx, http.MethodGet, path, nil, nil)
						_ = client.Do(context.Background(), http.MethodGet, path, nil, nil, codeartsbuild.WithTimeout(20*time.Millisecond), wireOnce)
						token, _ := login.Token(context.Background())
						login.Invalidate(token)
					})
				}
				group.Wait()
				_, err := client.Jobs.Stop(context.Background(), wireJob, "7") // leaves a connection, where an ended call closes its own
				require.NoError(t, err)
			})
			require.EqualValues(t, protocol.major, major.Load())
			for _, s := range []*wireServer{server, iam} {
				_, open := s.connections()
				require.Positive(t, open, "connections are kept until somebody closes them")
			}
			require.Positive(t, left())
			client.CloseIdleConnections()
			wireSoon(t, "a goroutine is left", func() bool { return left() == 0 })
			for _, s := range []*wireServer{server, iam} {
				wireSoon(t, "a connection is left", func() bool {
					_, open := s.connections()
					return open == 0
				})
			}
		})
	}
}

// B48: a refresh that nobody waits for any more ends, without a result and without anybody's help.
func TestB48RefreshThatNobodyWaitsForEnds(t *testing.T) {
	t.Parallel()
	stuck := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	tests := map[string][]codeartsbuild.ClientOption{
		"token": {codeartsbuild.WithTokenSource(codeartsbuild.NewCachedTokenSource(codeartsbuild.TokenSourceFunc(
			func(ctx context.Context) (*codeartsbuild.Token, error) { return nil, stuck(ctx) })))},
		"access key": {codeartsbuild.WithAccessKeySource(codeartsbuild.NewCachedAccessKeySource(wireStuckKeys(stuck)))},
	}
	for name, opts := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := wireNewClient(t, append(opts, codeartsbuild.WithEndpoint("https://build.example.com"))...)
			var errs [8]error
			left := wireGoroutines(t, func() {
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
				defer cancel()
				var group sync.WaitGroup
				for i := range errs {
					group.Go(func() { _, errs[i] = client.Jobs.Stop(ctx, wireJob, "7") })
				}
				group.Wait()
			})
			for _, err := range errs {
				require.ErrorIs(t, err, context.DeadlineExceeded)
			}
			wireSoon(t, "a goroutine is left", func() bool { return left() == 0 })
		})
	}
}

type wireStuckKeys func(context.Context) error

func (f wireStuckKeys) AccessKey(ctx context.Context) (*codeartsbuild.AccessKey, error) {
	return nil, f(ctx)
}

// B48: making a client, or a source, starts nothing.
func TestB48NothingRunsBeforeTheFirstCall(t *testing.T) {
	t.Parallel()
	left := wireGoroutines(t, func() {
		for range 10 {
			_, err := codeartsbuild.NewIAMTokenSource(wireIAM("https://iam.example.com"))
			require.NoError(t, err)
			_, err = codeartsbuild.NewClient(codeartsbuild.WithRegion("cn-north-4"), codeartsbuild.WithTokenSource(codeartsbuild.NewCachedTokenSource(codeartsbuild.StaticToken(wireToken))))
			require.NoError(t, err)
		}
	})
	require.Zero(t, left())
}

// B49: the requests of all calls, failed and repeated ones included, go to the endpoint and to IAM.
func TestB49NothingIsSentElsewhere(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	var mu sync.Mutex
	origins := map[string]int{}
	through := func(req *http.Request) (*http.Response, error) {
		mu.Lock()
		origins[req.URL.Scheme+"://"+req.URL.Host+" "+req.Host]++
		mu.Unlock()
		recorded := httptest.NewRecorder()
		inside := req.Clone(req.Context())
		inside.RequestURI = req.URL.RequestURI()
		srv.ServeHTTP(recorded, inside)
		return recorded.Result(), nil
	}
	cfg := srv.IAMConfig()
	cfg.Endpoint, cfg.Transport = "https://iam.example.com", wireTransport(through)
	client := wireClient(t, "https://build.example.com", codeartsbuild.WithTokenSource(wireIAMSource(t, cfg)), codeartsbuild.WithTransport(wireTransport(through)), wireQuick)
	wireUseEverything(t, srv, client)
	require.Len(t, origins, 2, "%v", origins)
	require.Positive(t, origins["https://iam.example.com iam.example.com"])
	require.Positive(t, origins["https://build.example.com build.example.com"])
}

// wireUseEverything makes the calls there are, in good times and bad.
func wireUseEverything(t *testing.T, srv *codeartsbuildtest.Server, client *codeartsbuild.Client) {
	job := srv.AddJob("nightly")
	redirect := codeartsbuildtest.Redirect("https://elsewhere.example.com/?a=b")
	for _, faults := range [][]codeartsbuildtest.Fault{
		nil,
		{codeartsbuildtest.Reply(http.StatusServiceUnavailable, ""), codeartsbuildtest.Reply(http.StatusTooManyRequests, "")},
		{codeartsbuildtest.ExpireToken()},
		{redirect},
		{codeartsbuildtest.Reply(http.StatusOK, "<html><title>Log in</title></html>"), nil},
		{codeartsbuildtest.Reply(http.StatusForbidden, `{"error_code":"DEV.CB.1","error_msg":"no"}`)},
		{codeartsbuildtest.Reply(http.StatusNotFound, `{"error_code":"APIGW.0101","error_msg":"no"}`)},
	} {
		build := srv.StartBuild(job)
		for _, operation := range []string{"StopJob", "ShowJobBuildRecordDetail", "ExecuteJob", ""} {
			srv.Next(operation, faults...)
		}
		_, _ = client.Jobs.Stop(t.Context(), job, build)
		_, _ = client.Builds.Get(t.Context(), job, build)
		_, _ = client.Jobs.Run(t.Context(), job, nil)
		_ = client.Do(t.Context(), http.MethodPost, "/v9/anything?a=b", map[string]string{"a": "b"}, nil)
		srv.Next("CreateToken", redirect)
		srv.Next("StopJob", codeartsbuildtest.ExpireToken())
		_, _ = client.Jobs.Stop(t.Context(), job, build)
	}
	_, _ = client.Jobs.Stop(t.Context(), "none", "0")
}

// B49
func TestB49NothingIsPrintedOrWrittenToDisk(t *testing.T) {
	t.Parallel()
	if os.Getenv(wireOrderVariable) != "" {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		srv.Start()
		login := wireIAMSource(t, srv.IAMConfig())
		wireUseEverything(t, srv, srv.Client(codeartsbuild.WithTokenSource(login), wireQuick))
		_, err := codeartsbuild.NewClient()
		require.Error(t, err)
		return
	}
	home := t.TempDir()
	stdout, stderr := wireAgain(t, "TestB49NothingIsPrintedOrWrittenToDisk",
		wireOrderVariable+"=use everything", "HOME="+home, "TMPDIR="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home)
	require.Empty(t, stderr)
	for line := range strings.Lines(stdout) { // what package testing itself prints
		if !strings.HasPrefix(line, "PASS") && !strings.HasPrefix(line, "coverage:") {
			t.Errorf("printed: %q", line)
		}
	}
	entries, err := os.ReadDir(home)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// B49: the sources name nothing that prints, writes to disk, logs on its own account or goes around the
// transport.
func TestB49SourcesUseNothingThatPrintsOrWrites(t *testing.T) {
	t.Parallel()
	forbidden := map[string][]string{
		"fmt": {"Print", "Printf", "Println"},
		"os": {
			"Stdout", "Stderr", "Create", "CreateTemp", "OpenFile", "WriteFile", "Mkdir", "MkdirAll", "MkdirTemp", "Rename", "Remove", "RemoveAll", "Setenv", "Symlink", "Link",
			"Truncate", "Chmod", "StartProcess", "Exit",
		},
		"log/slog": {"Debug", "Info", "Warn", "Error", "Log", "LogAttrs", "Default", "SetDefault", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "SetLogLoggerLevel"},
		"net/http": {"DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm", "Client"},
		"net":      {"Dial", "DialTimeout", "Listen"},
	}
	unwanted := []string{"log", "log/syslog", "os/exec", "expvar", "net/rpc", "net/smtp", "plugin", "unsafe"}
	for _, folder := range []string{"."} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
				require.NoError(t, err)
				packages := map[string]string{} // by the name in the file
				for _, imported := range parsed.Imports {
					path := strings.Trim(imported.Path.Value, `"`)
					require.NotContains(t, unwanted, path)
					name := path[strings.LastIndexByte(path, '/')+1:]
					if imported.Name != nil {
						name = imported.Name.Name
					}
					packages[name] = path
				}
				ast.Inspect(parsed, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.SelectorExpr:
						if of, ok := n.X.(*ast.Ident); ok {
							require.NotContains(t, forbidden[packages[of.Name]], n.Sel.Name, "%s.%s", of.Name, n.Sel.Name)
						}
					case *ast.CallExpr:
						if called, ok := n.Fun.(*ast.Ident); ok && (called.Name == "print" || called.Name == "println") {
							t.Errorf("%s is called", called.Name)
						}
					}
					return true
				})
			})
		}
	}
}
