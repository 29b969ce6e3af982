//go:build go1.26 && !race

package codeartsbuild

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// cannedTransport answers in memory, with the statuses and bodies given, one after the other and again.
type cannedTransport struct {
	answers []cannedAnswer
	next    int
}

type cannedAnswer struct {
	status int
	body   []byte
	header http.Header
}

func canned(status int, body string) cannedAnswer {
	return cannedAnswer{status, []byte(body), http.Header{
		"Content-Type": {"application/json;charset=UTF-8"}, "X-Request-Id": {"7f3c2a1b7f3c2a1b7f3c2a1b7f3c2a1b"},
	}}
}

// RoundTrip is never inlined, since the bare exchange would then be cheaper than any transport is.
//
//go:noinline
func (t *cannedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	a := t.answers[t.next%len(t.answers)]
	t.next++
	return &http.Response{
		StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: a.header,
		Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: req,
	}, nil
}

const (
	testJob     = "48c66c6002964721be537cdc6ce0297b"
	stoppedBody = `{"result":true}`
	errorBody   = `{"error_code":"CB.00060200","error_msg":"Invalid param"}`
	busyBody    = `{"error_code":"CB.00060100","error_msg":"Network busy"}`
)

// cost is what one run of f allocates.
type cost struct{ allocations, bytes float64 }

func measure(f func()) cost {
	const runs = 2000
	f()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return cost{float64(after.Mallocs-before.Mallocs) / runs, float64(after.TotalAlloc-before.TotalAlloc) / runs}
}

// What a call allocates above the bare exchange with a request that exists already. These are gates: at
// most, on the newest Go, and alone, since other tests would be counted too.
func TestStopAllocatesAtMost(t *testing.T) {
	tests := map[string]struct {
		answers  []cannedAnswer
		deadline bool
		limit    cost
	}{
		"success":                   {[]cannedAnswer{canned(200, stoppedBody)}, false, cost{13, 1250}},
		"success, deadline nearer":  {[]cannedAnswer{canned(200, stoppedBody)}, true, cost{9, 950}},
		"error answer":              {[]cannedAnswer{canned(400, errorBody)}, false, cost{18, 1550}},
		"one retry, no real pauses": {[]cannedAnswer{canned(500, busyBody), canned(200, stoppedBody)}, false, cost{32, 2950}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := &cannedTransport{answers: tt.answers}
				client, err := NewClient(WithEndpoint("https://build.example.com"), WithTokenSource(StaticToken("token")), WithTransport(transport))
				require.NoError(t, err)
				ctx := context.Background()
				if tt.deadline {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 20*time.Second)
					defer cancel()
				}
				req, err := http.NewRequest(http.MethodPost, "https://build.example.com/v3/jobs/stop", nil)
				require.NoError(t, err)
				bare := measure(func() {
					for range tt.answers {
						resp, _ := transport.RoundTrip(req)
						_ = resp.Body.Close()
					}
				})
				call := measure(func() { _, _ = client.Jobs.Stop(ctx, testJob, "20") })
				own := cost{call.allocations - bare.allocations, call.bytes - bare.bytes}
				t.Logf("%s: %.1f own allocations of at most %.0f, %.0f own bytes of at most %.0f", name, own.allocations, tt.limit.allocations, own.bytes, tt.limit.bytes)
				require.LessOrEqual(t, own.allocations, tt.limit.allocations+0.5)
				require.LessOrEqual(t, own.bytes, tt.limit.bytes+0.5)
			})
		})
	}
}
