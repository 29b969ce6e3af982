package codeartsbuild_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const retryBudget = 150 // of a client

// stopMany stops builds from 50 callers at a time, and gives each error to check.
func stopMany(t *testing.T, calls int, client *codeartsbuild.Client, check func(error)) {
	t.Helper()
	const callers = 50
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range calls / callers {
				check(sdktest.Stop(t.Context(), client))
			}
		})
	}
	group.Wait()
}

// B30: while the service is down, a client does not multiply the load. It recovers by itself.
func TestBudgetInOutage(t *testing.T) {
	t.Parallel()
	const calls = 5000
	outages := map[string]struct {
		step   httpfake.Func
		status int    // of the service's last response; 0: no response came
		text   string // of the last cause
	}{
		"503":                {httpfake.Reply(503, `{"error_code":"APIGW.0613","error_msg":"down for repair"}`), 503, "down for repair"},
		"502":                {httpfake.Reply(502, "<title>bad upstream</title>"), 502, ""},
		"throttled":          {httpfake.Reply(429, `{"error_code":"APIGW.0308","error_msg":"slow down"}`), 429, "slow down"},
		"lost responses":     {httpfake.Lost, 0, "EOF"},
		"connection refused": {httpfake.Refused, 0, "connection refused"},
	}
	for name, tt := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var requests, toFail, spent atomic.Int64
				toFail.Store(math.MaxInt64)
				client := sdktest.Client(t, httpfake.Func(func(req *http.Request) (*http.Response, error) {
					requests.Add(1)
					if toFail.Add(-1) < 0 {
						return accepted(req)
					}
					return tt.step(req)
				}))
				stopMany(t, calls, client, func(err error) {
					var apiErr *codeartsbuild.APIError
					switch {
					case err == nil:
						t.Error("a call succeeded in an outage")
						return
					case errors.As(err, &apiErr) != (tt.status != 0) || (apiErr != nil && apiErr.StatusCode != tt.status) || !strings.Contains(err.Error(), tt.text):
						t.Errorf("%v (%T), want the service's last response: %d %s", err, err, tt.status, tt.text)
					}
					if strings.Contains(err.Error(), "retry budget is spent") {
						spent.Add(1)
					}
				})
				perCall := float64(requests.Load()) / calls
				t.Logf("%d calls, %.3f requests a call, %d errors say that the budget is spent", calls, perCall, spent.Load())
				require.LessOrEqual(t, perCall, 1.2)
				require.Greater(t, perCall, 1.02, "the budget was used")
				require.Greater(t, spent.Load(), int64(calls*8/10))

				toFail.Store(0)
				require.NoError(t, sdktest.Stop(t.Context(), client), "the service is back")
				toFail.Store(1)
				requests.Store(0)
				require.NoError(t, sdktest.Stop(t.Context(), client), "a retry is possible again after the success")
				require.EqualValues(t, 2, requests.Load())
			})
		})
	}
}

// B30: the budget does not run dry while 30 % of the attempts fail.
func TestBudgetWithThirtyPercentFailing(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]httpfake.Func{"503": unavailable, "lost responses": httpfake.Lost, "502": httpfake.Reply(502, "")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const calls = 5000
				var (
					mu     sync.Mutex
					random = rand.New(rand.NewPCG(30, 5000))
					lowest = retryBudget
					failed atomic.Int64
					client *codeartsbuild.Client
				)
				transport := httpfake.Record(httpfake.Func(func(req *http.Request) (*http.Response, error) {
					mu.Lock()
					lowest = min(lowest, codeartsbuild.BudgetLeft(client))
					fails := random.Float64() < 0.3
					mu.Unlock()
					if fails {
						return fail(req)
					}
					return accepted(req)
				}))
				client = sdktest.Client(t, transport)
				stopMany(t, calls, client, func(err error) {
					if err != nil {
						failed.Add(1)
						if strings.Contains(err.Error(), "budget") {
							t.Errorf("not retried: %v", err)
						}
					}
				})
				t.Logf("%d requests of %d calls; the budget fell to %d of %d; %d calls failed five times", transport.Count(), calls, lowest, retryBudget, failed.Load())
				require.Positive(t, lowest)
			})
		})
	}
}

// B30: an error that is not retried takes nothing from the budget.
func TestBudgetErrorNotRetried(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Reply(400, ""))
	client := sdktest.Client(t, transport)
	for range 2 * retryBudget {
		require.ErrorIs(t, sdktest.Stop(t.Context(), client), codeartsbuild.ErrBadRequest)
	}
	require.Equal(t, 2*retryBudget, transport.Count())
	require.Equal(t, retryBudget, codeartsbuild.BudgetLeft(client))
}

// B30: the retry with a new token takes nothing from the budget.
func TestBudgetNewToken(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Reply(401, ""))
	tokens := codeartsbuild.NewCachedTokenSource(codeartsbuild.StaticToken(sdktest.Token))
	client := sdktest.ClientWith(t, codeartsbuild.WithTokenSource(tokens), transport)
	for range 10 {
		require.ErrorIs(t, sdktest.Stop(t.Context(), client), codeartsbuild.ErrUnauthorized)
	}
	require.Equal(t, retryBudget, codeartsbuild.BudgetLeft(client))
	require.Equal(t, 20, transport.Count())
}

// B30: a retry takes one from the budget, and a success gives one back. The retry with a new token is not one of
// MaxAttempts.
func TestBudgetTakenAndGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		steps := slices.Repeat([]httpfake.Func{unavailable}, 101)
		transport := httpfake.Script(append(steps, httpfake.Reply(401, ""), unavailable, accepted)...)
		tokens := codeartsbuild.NewCachedTokenSource(codeartsbuild.StaticToken(sdktest.Token))
		client := sdktest.ClientWith(t, codeartsbuild.WithTokenSource(tokens), transport)
		stop := func(attempts int) error {
			return sdktest.Stop(t.Context(), client, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: attempts}))
		}
		require.ErrorIs(t, stop(101), codeartsbuild.ErrInternalServerError)
		require.Equal(t, retryBudget-100, codeartsbuild.BudgetLeft(client))
		require.NoError(t, stop(2))
		require.Equal(t, retryBudget-100, codeartsbuild.BudgetLeft(client))
		require.Equal(t, 104, transport.Count())
	})
}

// B92: a call that made no attempt gives nothing back to the retry budget.
func TestBudgetUnsentAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := httpfake.Script(httpfake.Reply(503, "{}"))
		client := sdktest.Client(t, transport, sdktest.Quick)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		const calls = 3000
		for range calls {
			require.ErrorIs(t, sdktest.Stop(t.Context(), client), codeartsbuild.ErrInternalServerError)
			for range 4 {
				require.ErrorIs(t, sdktest.Stop(ended, client), context.Canceled)
			}
		}
		require.LessOrEqual(t, transport.Count(), calls*12/10)
	})
}

// An earlyContext has ended as soon as its time comes. Its channel is closed a moment later.
type earlyContext struct {
	context.Context
	ends time.Time
}

func (c earlyContext) Err() error {
	if time.Now().Before(c.ends) {
		return nil
	}
	return context.Canceled
}

// B92: a cancel at the very end of a pause keeps the last words of the service.
func TestCancelAtEndOfPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := httpfake.Script(httpfake.Reply(503, `{"error_msg":"maintenance"}`, "Retry-After", "1"))
		inner, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(time.Second+1, cancel)
		err := sdktest.Stop(earlyContext{inner, time.Now().Add(time.Second)}, sdktest.Client(t, transport))
		require.Equal(t, []string{"Canceled", "ErrInternalServerError"}, sdktest.Kinds(err))
		require.Equal(t, "maintenance", sdktest.APIError(t, err).ErrorMsg)
		require.Equal(t, 1, transport.Count())
	})
}
