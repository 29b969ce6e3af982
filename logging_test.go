package codeartsbuild_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// A logRecorder keeps the records of a logger.
type logRecorder struct {
	mu      sync.Mutex
	records []slog.Record
	changed bool // another handler was derived
}

func (l *logRecorder) Enabled(context.Context, slog.Level) bool { return true }

func (l *logRecorder) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r.Clone())
	return nil
}

func (l *logRecorder) WithAttrs([]slog.Attr) slog.Handler { return l.derived() }

func (l *logRecorder) WithGroup(string) slog.Handler { return l.derived() }

func (l *logRecorder) derived() slog.Handler {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed = true
	return l
}

func (l *logRecorder) all() []slog.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.records)
}

// warnings are the messages of records at Warn and above.
func (l *logRecorder) warnings() []string {
	var texts []string
	for _, r := range l.all() {
		if r.Level >= slog.LevelWarn {
			texts = append(texts, r.Message)
		}
	}
	return texts
}

// The duration of an attempt is that from its start to its response, and that of a call has the pauses as well.
func TestLogsHoldDurations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := func(d time.Duration, next httpfake.Func) httpfake.Func {
			return func(req *http.Request) (*http.Response, error) {
				time.Sleep(d)
				return next(req)
			}
		}
		var kept logRecorder
		transport := httpfake.Script(slow(2*time.Second, httpfake.Reply(503, "")), slow(time.Second, httpfake.Reply(200, `{"result":true}`)))
		client := sdktest.Client(t, transport, codeartsbuild.WithLogger(slog.New(&kept)))
		start := time.Now()
		require.NoError(t, sdktest.Stop(t.Context(), client))
		var durations []time.Duration
		for _, record := range kept.all() {
			record.Attrs(func(a slog.Attr) bool {
				if a.Key == "duration" {
					durations = append(durations, a.Value.Duration())
				}
				return true
			})
		}
		require.Equal(t, []time.Duration{2 * time.Second, time.Second, time.Since(start)}, durations)
	})
}

// B7: records have attributes of documented names only, which hold no secret, and all of these are in use.
func TestLogsHoldDocumentedNamesOnly(t *testing.T) {
	t.Parallel()
	allowed := []string{"operation", "job", "build", "status", "code", "request_id", "attempt", "attempts", "duration", "error"}
	seen := map[string]bool{}
	var mu sync.Mutex
	reply := codeartsbuildtest.Reply
	tests := map[string]struct {
		faults faults
		option codeartsbuild.ClientOption
	}{
		"stopped":          {},
		"rejected":         {faults: faults{reply(403, `{"error_code":"DEV.CB.1","error_msg":"no"}`)}},
		"throttled, twice": {faults: faults{reply(429, ""), reply(503, `{"data":"in-body"}`)}},
		"lost":             {faults: faults{codeartsbuildtest.DropAnswer()}},
		"redirected":       {faults: faults{codeartsbuildtest.Redirect("https://login.example.com/?a=in-query")}},
		"a page":           {faults: faults{reply(200, "<html>no</html>"), reply(200, "<html>no</html>")}},
		"token expired":    {faults: faults{codeartsbuildtest.ExpireToken()}},
		"v3 retired":       {faults: faults{reply(404, retiredBody)}, option: codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto)},
		"token repeated": {faults: faults{func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				token := r.Header.Get("X-Auth-Token")
				httpfake.Handler(400, `{"error_code":"`+token+`","error_msg":"`+token+`"}`, "X-Request-Id", token)(w, r)
			})
		}}},
	}
	t.Run("situations", func(t *testing.T) {
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := sdktest.NewBuild(t)
				f.Next(sdktest.OpStop, tt.faults...)
				login := sdktest.TokenSource(t, f.IAMConfig())
				kept := &logRecorder{}
				client := f.Client(codeartsbuild.WithTokenSource(login), sdktest.Quick, codeartsbuild.WithLogger(slog.New(kept)), tt.option)
				_, _ = client.Jobs.Stop(t.Context(), f.JobID, f.BuildNo)
				_, _ = client.Builds.Get(t.Context(), f.JobID, f.BuildNo)
				_ = client.Do(t.Context(), http.MethodPost, "/v9/anything?a=in-query", map[string]string{"a": "in-body"}, nil)
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				_, _ = client.Jobs.Stop(ended, f.JobID, f.BuildNo)

				require.NotEmpty(t, kept.all())
				token, err := login.Token(t.Context())
				require.NoError(t, err)
				for _, r := range kept.all() {
					r.Attrs(func(a slog.Attr) bool {
						require.Contains(t, allowed, a.Key)
						require.NotEqual(t, slog.KindAny, a.Value.Kind(), "%s can hold anything", a.Key)
						for _, secret := range []string{token.Value()[:20], "in-query", "in-body", "X-Auth-Token"} {
							require.NotContains(t, a.Value.String(), secret, a.Key)
						}
						mu.Lock()
						defer mu.Unlock()
						seen[a.Key] = true
						return true
					})
				}
			})
		}
	})
	require.Len(t, seen, len(allowed), "all documented names are in use: %v", seen)
}

// B7: instrumentation learns the name of the operation, which has no query.
func TestOperationFromContextNamesCall(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"Stop": "StopJob", "Stop over v1": "StopTheJob", "Stop with StopAPIAuto": "StopJob", "StopAndWait": "StopJob",
		"Run": "ExecuteJob", "Get": "ShowJobBuildRecordDetail", "any GET": "GET /v9/anything", "any HEAD": "HEAD /v9/anything",
		"any POST": "POST /v9/anything", "any PUT": "PUT /v9/anything", "any DELETE": "DELETE /v9/anything",
	}
	for _, call := range namedCalls() {
		t.Run(call.name, func(t *testing.T) {
			t.Parallel()
			var operation string
			client := sdktest.Client(t, httpfake.Func(func(req *http.Request) (*http.Response, error) {
				operation = codeartsbuild.OperationFromContext(req.Context())
				return httpfake.Reply(http.StatusBadRequest, "")(req)
			}), call.opts...)
			require.Error(t, call.do(t.Context(), client))
			require.Equal(t, want[call.name], operation)
		})
	}
}
