package codeartsbuild_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B24: the pauses of a throttled call last about as long as the minute in which the service counts. The service did not
// process the request, so that every operation is retried.
func TestThrottledCallPauses(t *testing.T) {
	t.Parallel()
	throttled := map[string]httpfake.Func{
		"429":                          httpfake.Reply(429, ""),
		"too frequent as 400":          httpfake.Reply(400, `{"error_code":"CB.00060211","error_msg":"too frequent"}`),
		"too frequent as 500":          httpfake.Reply(500, `{"error_code":"CB.00060211","error_msg":"too frequent"}`),
		"by the gateway":               httpfake.Reply(429, `{"error_code":"APIGW.0308","error_msg":"throttled"}`),
		"by the gateway, other status": httpfake.Reply(403, `{"error_code":"APIGW.0308","error_msg":"throttled"}`),
		"429 with invalid Retry-After": httpfake.Reply(429, "", "Retry-After", "soon"),
	}
	for name, step := range throttled {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for range 20 {
					transport := httpfake.Script(step)
					start := time.Now()
					err := anyPost(t.Context(), sdktest.Client(t, transport))
					require.Equal(t, []string{"ErrTooManyRequests"}, sdktest.Kinds(err))
					require.GreaterOrEqual(t, time.Since(start), 29*time.Second)
					require.LessOrEqual(t, time.Since(start), 58*time.Second+time.Millisecond)
					requests := transport.Requests()
					require.Len(t, requests, 5)
					for i, most := range []time.Duration{4, 8, 16, 30} {
						pause := requests[i+1].At.Sub(requests[i].At)
						require.Greater(t, pause, most*time.Second/2, "pause %d", i+1)
						require.LessOrEqual(t, pause, most*time.Second, "pause %d", i+1)
					}
				}
			})
		})
	}
}

// B24: a throttled call makes the attempts that come before its deadline.
func TestThrottledCallWithDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := httpfake.Script(httpfake.Reply(429, ""))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		start := time.Now()
		err := sdktest.Stop(ctx, sdktest.Client(t, transport))
		require.Equal(t, []string{"DeadlineExceeded", "ErrTooManyRequests"}, sdktest.Kinds(err))
		require.Less(t, time.Since(start), 20*time.Second)
		require.Greater(t, transport.Count(), 1)
	})
}
