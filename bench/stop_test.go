package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	vendorclient "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/codeartsbuild/v3"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/codeartsbuild/v3/model"
)

const (
	jobID   = "48c66c6002964721be537cdc6ce0297b"
	buildNo = "20"
	token   = "made-up-token"

	accepted = `{"result":true}`
	refused  = `{"error_code":"CB.00060200","error_msg":"Invalid param"}`
	busy     = `{"error_code":"CB.00060100","error_msg":"Network busy"}`
)

// byHand stops a build as one writes it with net/http: no time limit, no limit on the response, no retry but
// the one of its caller.
func byHand(ctx context.Context, client *http.Client, endpoint string) error {
	body, err := json.Marshal(struct {
		JobID   string `json:"job_id"`
		BuildNo string `json:"build_no"`
	}{jobID, buildNo})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/v3/jobs/stop", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", token)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var problem struct {
			Code    string `json:"error_code"`
			Message string `json:"error_msg"`
		}
		if err := json.Unmarshal(data, &problem); err != nil {
			return err
		}
		return fmt.Errorf("%d %s: %s", resp.StatusCode, problem.Code, problem.Message)
	}
	var response struct {
		Result bool `json:"result"`
	}
	if err := json.Unmarshal(data, &response); err != nil {
		return err
	}
	if !response.Result {
		return errors.New("not stopped")
	}
	return nil
}

// memory responses without a network: with the statuses and bodies given, one after the other and again.
type memory struct {
	statuses []int
	bodies   []string
	next     atomic.Int64
}

func (m *memory) RoundTrip(req *http.Request) (*http.Response, error) {
	i := int(m.next.Add(1)-1) % len(m.statuses)
	return &http.Response{
		StatusCode: m.statuses[i], Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader([]byte(m.bodies[i]))),
		ContentLength: int64(len(m.bodies[i])), Request: req,
	}, nil
}

func newClient(b *testing.B, endpoint string, opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	b.Helper()
	client, err := codeartsbuild.NewClient(append(opts, codeartsbuild.WithEndpoint(endpoint),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(token)))...)
	if err != nil {
		b.Fatal(err)
	}
	return client
}

// A way is one of the ways to make a call, with the time that each round took.
type way struct {
	name   string
	call   func()
	rounds []time.Duration
}

// compare makes calls in all ways, in rounds, and reports the medians and their ratios to the first way.
func compare(b *testing.B, calls, callers int, ways ...*way) {
	for _, w := range ways {
		w.round(calls, callers) // connections and caches
	}
	for b.Loop() {
		for _, w := range ways {
			w.rounds = append(w.rounds, w.round(calls, callers))
		}
	}
	first := ways[0].median()
	for _, w := range ways {
		b.ReportMetric(float64(w.median().Nanoseconds())/float64(calls), w.name+"-ns/call")
	}
	for _, w := range ways[1:] {
		b.ReportMetric(float64(w.median())/float64(first), w.name+"/"+ways[0].name)
	}
	b.ReportMetric(0, "ns/op")
}

func (w *way) round(calls, callers int) time.Duration {
	start := time.Now()
	if callers == 1 {
		for range calls {
			w.call()
		}
		return time.Since(start)
	}
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range calls / callers {
				w.call()
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

func (w *way) median() time.Duration {
	sorted := slices.Sorted(slices.Values(w.rounds))
	return sorted[len(sorted)/2]
}

func BenchmarkStopInMemory(b *testing.B) {
	const endpoint = "https://build.example.com"
	tests := map[string]struct {
		statuses []int
		bodies   []string
		deadline bool
		failures bool
	}{
		"success":         {[]int{200}, []string{accepted}, false, false},
		"deadline-nearer": {[]int{200}, []string{accepted}, true, false},
		"error-response":  {[]int{400}, []string{refused}, false, true},
		"one-retry":       {[]int{500, 200}, []string{busy, accepted}, false, false},
	}
	for name, tt := range tests {
		b.Run(name, func(b *testing.B) {
			ctx := context.Background()
			if tt.deadline {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 25*time.Second)
				defer cancel()
			}
			hand := &http.Client{Transport: &memory{statuses: tt.statuses, bodies: tt.bodies}}
			client := newClient(b, endpoint, codeartsbuild.WithTransport(&memory{statuses: tt.statuses, bodies: tt.bodies}),
				codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: 1, MaxDelay: 1}))
			compare(b, 500, 1,
				&way{name: "hand", call: func() {
					err := byHand(ctx, hand, endpoint)
					for range len(tt.statuses) - 1 {
						time.Sleep(time.Nanosecond) // a loop by hand pauses as well
						err = byHand(ctx, hand, endpoint)
					}
					if (err != nil) != tt.failures {
						b.Fatal(err)
					}
				}},
				&way{name: "client", call: func() {
					if _, err := client.Jobs.Stop(ctx, jobID, buildNo); (err != nil) != tt.failures {
						b.Fatal(err)
					}
				}})
		})
	}
}

// The vendor's client signs each request, which is the way it is made to be used; it is compared with a
// client that signs as well.
func BenchmarkStopLoopback(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, accepted)
	}))
	defer server.Close()
	ctx := context.Background()
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("callers-%d", callers), func(b *testing.B) {
			hand := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
			defer hand.CloseIdleConnections()
			client := newClient(b, server.URL)
			defer client.CloseIdleConnections()
			compare(b, 320, callers,
				&way{name: "hand", call: func() {
					if err := byHand(ctx, hand, server.URL); err != nil {
						b.Error(err)
					}
				}},
				&way{name: "client", call: func() {
					if _, err := client.Jobs.Stop(ctx, jobID, buildNo); err != nil {
						b.Error(err)
					}
				}})
		})
	}
	b.Run("signed", func(b *testing.B) {
		client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint(server.URL), codeartsbuild.WithProjectID("made-up-project"),
			codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("MADEUPAK", "made-up-secret")))
		if err != nil {
			b.Fatal(err)
		}
		defer client.CloseIdleConnections()
		vendor := newVendorClient(b, server.URL)
		compare(b, 320, 1,
			&way{name: "vendor", call: func() {
				if _, err := vendor.StopJob(&model.StopJobRequest{Body: &model.StopJobRequestBody{JobId: jobID, BuildNo: buildNo}}); err != nil {
					b.Error(err)
				}
			}},
			&way{name: "client", call: func() {
				if _, err := client.Jobs.Stop(ctx, jobID, buildNo); err != nil {
					b.Error(err)
				}
			}})
	})
}

func newVendorClient(b *testing.B, endpoint string) *vendorclient.CodeArtsBuildClient {
	b.Helper()
	credentials, err := basic.NewCredentialsBuilder().WithAk("MADEUPAK").WithSk("made-up-secret").WithProjectId("made-up-project").SafeBuild()
	if err != nil {
		b.Fatal(err)
	}
	client, err := vendorclient.CodeArtsBuildClientBuilder().WithEndpoints([]string{endpoint}).WithCredential(credentials).
		WithHttpConfig(config.DefaultHttpConfig()).SafeBuild()
	if err != nil {
		b.Fatal(err)
	}
	return vendorclient.NewCodeArtsBuildClient(client)
}
