package codeartsbuild_test

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
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

const signedTime = "20060102T150405Z"

// bubbleStart is when time begins in a bubble.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// A clockGateway checks signatures by its own clock and passes the valid requests on.
type clockGateway struct {
	skew    func(n int) time.Duration  // of its clock against the local one at request n, from 1; nil: none
	date    func(now time.Time) string // the Date of a rejection; nil: its time
	secret  string                     // "": SecretKey
	rejects bool                       // every request
	next    *httpfake.Recorder         // nil: accepts
	takes   time.Duration

	mu       sync.Mutex
	requests []signedRequest
}

// A signedRequest is a request as the gateway gets it.
type signedRequest struct {
	signedAt, arrivedAt time.Time
	keyID               string
}

func (g *clockGateway) RoundTrip(req *http.Request) (*http.Response, error) {
	recorded := httpfake.Script(accepted)
	response, err := recorded.RoundTrip(req) // reads the body
	if err != nil {
		return nil, err
	}
	keyID, valid := verifySignature(req, recorded.Requests()[0].Body, cmp.Or(g.secret, sdktest.SecretKey))
	signedAt, err := time.Parse(signedTime, req.Header.Get("X-Sdk-Date"))
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	g.requests = append(g.requests, signedRequest{signedAt: signedAt, arrivedAt: time.Now(), keyID: keyID})
	n := len(g.requests)
	g.mu.Unlock()
	time.Sleep(g.takes)

	now := time.Now().UTC()
	if g.skew != nil {
		now = now.Add(g.skew(n))
	}
	if !valid || g.rejects || now.Sub(signedAt).Abs() > 15*time.Minute {
		date := now.Format(http.TimeFormat)
		if g.date != nil {
			date = g.date(now)
		}
		return httpfake.Reply(401, `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information"}`, "Date", date)(req)
	}
	if g.next != nil {
		if response, err = g.next.RoundTrip(req); err != nil {
			return nil, err
		}
	}
	if response.Header.Get("Date") == "" {
		response.Header.Set("Date", now.Format(http.TimeFormat))
	}
	return response, nil
}

func (g *clockGateway) sent() []signedRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.requests
}

// client signs with a static key.
func (g *clockGateway) client(t *testing.T, opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	t.Helper()
	return sdktest.ClientWith(t, codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(sdktest.AccessKeyID, sdktest.SecretKey)), g, opts...)
}

// verifySignature signs a request a second time, as the documentation says, and reports which key it names
// and whether the signatures are the same. The paths and queries of these tests need no escaping.
func verifySignature(req *http.Request, body, secret string) (id string, valid bool) {
	given := req.Header.Get("Authorization")
	rest, ok := strings.CutPrefix(given, "SDK-HMAC-SHA256 Access=")
	if !ok {
		return "", false
	}
	id, rest, _ = strings.Cut(rest, ", SignedHeaders=")
	names, signature, _ := strings.Cut(rest, ", Signature=")
	sum := func(text string) string {
		hash := sha256.Sum256([]byte(text))
		return hex.EncodeToString(hash[:])
	}
	canonical := req.Method + "\n" + strings.TrimSuffix(req.URL.Path, "/") + "/\n" + req.URL.RawQuery + "\n"
	for name := range strings.SplitSeq(names, ";") {
		canonical += name + ":" + strings.Join(req.Header.Values(name), ",") + "\n"
	}
	canonical += "\n" + names + "\n" + sum(body)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("SDK-HMAC-SHA256\n" + req.Header.Get("X-Sdk-Date") + "\n" + sum(canonical)))
	return id, signature == hex.EncodeToString(mac.Sum(nil))
}

// B20: the Date of a 401 corrects the clock once, and the correction is remembered.
func TestClockCorrectedByUnauthorized(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{
		"an hour behind": time.Hour, "an hour ahead": -time.Hour, "16 minutes behind": 16 * time.Minute, "16 minutes ahead": -16 * time.Minute,
		"a day behind": 24 * time.Hour, "a day ahead": -24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gateway := &clockGateway{skew: func(int) time.Duration { return skew }}
				client := gateway.client(t, sdktest.Once) // the second attempt does not count
				attempts, err := stopCounting(t.Context(), client)
				require.NoError(t, err)
				require.Equal(t, 2, attempts)
				for range 3 {
					time.Sleep(time.Hour)
					attempts, err = stopCounting(t.Context(), client)
					require.NoError(t, err)
					require.Equal(t, 1, attempts, "the correction is remembered")
				}
				sent := gateway.sent()
				require.Len(t, sent, 5)
				require.WithinDuration(t, sent[0].arrivedAt, sent[0].signedAt, time.Second, "the first one by the local clock")
				for _, r := range sent[1:] {
					require.WithinDuration(t, r.arrivedAt.Add(skew), r.signedAt, 2*time.Second, "the others by the gateway's")
				}
			})
		})
	}
}

// B20: the local clock is set right while the program runs, so that the correction is wrong.
func TestClockSetRightLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		skew := time.Hour
		gateway := &clockGateway{skew: func(int) time.Duration { return skew }}
		client := gateway.client(t)
		for _, want := range []int{2, 1} {
			attempts, err := stopCounting(t.Context(), client)
			require.NoError(t, err)
			require.Equal(t, want, attempts)
		}
		skew = 0
		for _, want := range []int{2, 1} {
			attempts, err := stopCounting(t.Context(), client)
			require.NoError(t, err)
			require.Equal(t, want, attempts)
		}
	})
}

// B20: all calls that were signed by the wrong clock are retried, not only the first one that is rejected.
func TestClockWrongForManyCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gateway := &clockGateway{skew: func(int) time.Duration { return time.Hour }, takes: time.Second}
		client := gateway.client(t)
		var failed atomic.Int32
		var group sync.WaitGroup
		for range crowd {
			group.Go(func() {
				if attempts, err := stopCounting(t.Context(), client); err != nil || attempts != 2 {
					failed.Add(1)
				}
			})
		}
		group.Wait()
		require.Zero(t, failed.Load(), "calls that were not retried by the right clock")
		require.Len(t, gateway.sent(), 2*crowd)
		t.Logf("%d calls by a clock an hour off: %d requests, each call retried once", crowd, len(gateway.sent()))
	})
}

// B20: a 401 that the clock does not explain is final.
func TestUnauthorizedWithRightClock(t *testing.T) {
	t.Parallel()
	hour := func(int) time.Duration { return time.Hour }
	tests := map[string]struct {
		gateway  *clockGateway
		requests int
	}{
		"clock is right":                  {&clockGateway{rejects: true}, 1},
		"clock is off by no more than 4m": {&clockGateway{rejects: true, skew: func(int) time.Duration { return 4 * time.Minute }}, 1},
		"secret is wrong":                 {&clockGateway{secret: "xyz-another-secret"}, 1},
		"401 without a Date":              {&clockGateway{skew: hour, date: func(time.Time) string { return "" }}, 1},
		"401 with a bad Date":             {&clockGateway{skew: hour, date: func(time.Time) string { return "a quarter past nine" }}, 1},
		"clock is wrong and key too":      {&clockGateway{rejects: true, skew: hour}, 2},
		"gateway's clock jumps each time": {&clockGateway{rejects: true, skew: func(n int) time.Duration { return time.Duration(n) * time.Hour }}, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				attempts, err := stopCounting(t.Context(), tt.gateway.client(t))
				require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
				require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				require.Equal(t, tt.requests, sdktest.APIError(t, err).Attempts)
				require.Equal(t, tt.requests, attempts)
				require.Len(t, tt.gateway.sent(), tt.requests)
				require.NotContains(t, printedError(err), sdktest.SecretKey)
			})
		})
	}
}

// B20: no other response corrects the clock.
func TestClockNotCorrectedByOtherResponses(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"success": 200, "bad request": 400, "forbidden": 403, "not found": 404, "busy": 503} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				later := bubbleStart.Add(3 * time.Hour).Format(http.TimeFormat)
				gateway := &clockGateway{next: httpfake.Script(httpfake.Reply(status, "{}", "Date", later), accepted)}
				client := gateway.client(t)
				_, _ = stopCounting(t.Context(), client)
				time.Sleep(time.Second)
				_, err := stopCounting(t.Context(), client)
				require.NoError(t, err)
				for _, r := range gateway.sent() {
					require.WithinDuration(t, r.arrivedAt, r.signedAt, time.Second)
				}
			})
		})
	}
}

// B20: a 401 for a token has nothing to do with the clock.
func TestClockNotCorrectedForTokens(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Reply(401, "{}", "Date", "Tue, 24 Nov 2020 11:36:56 GMT"))
	require.ErrorIs(t, sdktest.Stop(t.Context(), sdktest.Client(t, transport)), codeartsbuild.ErrUnauthorized)
	require.Equal(t, 1, transport.Count())
}

// B13, B20: the key behind a cache is rejected because of the clock.
func TestClockWrongWithCachedKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gateway := &clockGateway{skew: func(int) time.Duration { return time.Hour }, takes: time.Second}
		var asked atomic.Int32
		source := sdktest.AccessKeySource(func(context.Context) (*codeartsbuild.AccessKey, error) {
			asked.Add(1)
			return codeartsbuild.NewAccessKey(sdktest.AccessKeyID, sdktest.SecretKey), nil
		})
		client := sdktest.ClientWith(t, codeartsbuild.WithAccessKeySource(codeartsbuild.NewCachedAccessKeySource(source)), gateway)
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if attempts, err := stopCounting(t.Context(), client); err != nil || attempts != 2 {
					t.Errorf("%d attempts, %v, want a retry that succeeds", attempts, err)
				}
			})
		}
		group.Wait()
		require.LessOrEqual(t, asked.Load(), int32(2))
		attempts, err := stopCounting(t.Context(), client)
		require.NoError(t, err)
		require.Equal(t, 1, attempts)
	})
}
