//go:build go1.26 && !race

package codeartsbuild_test

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

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// A cannedTransport gives its responses in turn, over and over. It allocates as little as a transport can.
type cannedTransport struct {
	responses []cannedResponse
	next      int
}

type cannedResponse struct {
	status int
	header http.Header
	body   []byte
}

func canned(status int, body string) cannedResponse {
	return cannedResponse{status, http.Header{
		"Content-Type": {"application/json;charset=UTF-8"}, "X-Request-Id": {"7f3c2a1b7f3c2a1b7f3c2a1b7f3c2a1b"},
	}, []byte(body)}
}

// RoundTrip is not inlined: otherwise the bare exchange would be cheaper than with any real transport.
//
//go:noinline
func (t *cannedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	r := t.responses[t.next%len(t.responses)]
	t.next++
	return &http.Response{
		StatusCode: r.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: r.header,
		Body: io.NopCloser(bytes.NewReader(r.body)), ContentLength: int64(len(r.body)), Request: req,
	}, nil
}

// An allocation is how much one run of a function allocates.
type allocation struct{ objects, bytes float64 }

func allocated(f func()) allocation {
	const runs = 2000
	f()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return allocation{float64(after.Mallocs-before.Mallocs) / runs, float64(after.TotalAlloc-before.TotalAlloc) / runs}
}

// A Stop allocates at most this much on top of the bare exchange with a request that exists already. The limits hold for
// the newest Go. The test is not parallel, since the allocations of other tests would be counted too.
func TestStopAllocatesAtMost(t *testing.T) {
	success, invalid := canned(200, `{"result":true}`), canned(400, `{"error_code":"CB.00060200","error_msg":"Invalid param"}`)
	busy := canned(500, `{"error_code":"CB.00060100","error_msg":"Network busy"}`)
	tests := map[string]struct {
		responses []cannedResponse
		deadline  bool
		limit     allocation
	}{
		"success":                   {[]cannedResponse{success}, false, allocation{13, 1250}},
		"success, deadline nearer":  {[]cannedResponse{success}, true, allocation{9, 950}},
		"error response":            {[]cannedResponse{invalid}, false, allocation{18, 1550}},
		"one retry, no real pauses": {[]cannedResponse{busy, success}, false, allocation{32, 2950}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := &cannedTransport{responses: tt.responses}
				client := sdktest.NewClient(t, codeartsbuild.WithEndpoint(sdktest.Endpoint),
					codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("token")), codeartsbuild.WithTransport(transport))
				ctx := context.Background()
				if tt.deadline {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 20*time.Second)
					defer cancel()
				}
				req, err := http.NewRequest(http.MethodPost, sdktest.Endpoint+stopPath, nil)
				require.NoError(t, err)
				bare := allocated(func() {
					for range tt.responses {
						resp, _ := transport.RoundTrip(req)
						_ = resp.Body.Close()
					}
				})
				call := allocated(func() { _, _ = client.Jobs.Stop(ctx, sdktest.JobID, sdktest.BuildNo) })
				own := allocation{call.objects - bare.objects, call.bytes - bare.bytes}
				t.Logf("%s: %.1f own allocations of at most %.0f, %.0f own bytes of at most %.0f", name, own.objects, tt.limit.objects, own.bytes, tt.limit.bytes)
				require.LessOrEqual(t, own.objects, tt.limit.objects+0.5)
				require.LessOrEqual(t, own.bytes, tt.limit.bytes+0.5)
			})
		})
	}
}
