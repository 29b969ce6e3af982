package codeartsbuild_test

import (
	"math"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B25: an invalid policy is rejected before anything is sent.
func TestRetryPolicyRejected(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]codeartsbuild.RetryPolicy{
		"negative attempts":       {MaxAttempts: -1},
		"negative MinDelay":       {MinDelay: -1},
		"negative MaxDelay":       {MaxDelay: -1},
		"MinDelay above MaxDelay": {MinDelay: 2, MaxDelay: 1},
		"smallest numbers":        {MinDelay: math.MinInt64, MaxDelay: math.MinInt64},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(accepted)
			requireRejected(t, sdktest.Stop(t.Context(), sdktest.Client(t, transport), codeartsbuild.WithRetry(policy)), transport)
		})
	}
}

// B25: MaxAttempts includes the first attempt. Zero means 5.
func TestMaxAttempts(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]int{0: 5, 1: 1, 2: 2, 7: 7} {
		t.Run(strconv.Itoa(attempts), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := httpfake.Script(unavailable)
				policy := codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: attempts})
				made, err := stopCounting(t.Context(), sdktest.Client(t, transport), policy)
				require.Equal(t, want, transport.Count())
				require.Equal(t, want, sdktest.APIError(t, err).Attempts)
				require.Equal(t, want, made)
			})
		})
	}
}

// B25: a thousand attempts end with the budget of the client.
func TestMaxAttemptsBeyondBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := httpfake.Script(httpfake.Reply(503, `{"error_msg":"maintenance"}`))
		policy := codeartsbuild.RetryPolicy{MaxAttempts: 1000, MaxDelay: time.Second}
		err := sdktest.Stop(t.Context(), sdktest.Client(t, transport), codeartsbuild.WithRetry(policy))
		requests := transport.Requests()
		require.Len(t, requests, 1+retryBudget)
		for i := range requests[1:] {
			pause := requests[i+1].At.Sub(requests[i].At)
			require.Positive(t, pause)
			require.LessOrEqual(t, pause, time.Second)
		}
		require.ErrorContains(t, err, "maintenance")
		require.ErrorContains(t, err, "budget")
	})
}
