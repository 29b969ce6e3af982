package codeartsbuild_test

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

const (
	authKeyID     = "AKIDEXAMPLE"
	authKeySecret = "wJalrXUtnFEMI-K7MDENG"
	authSigned    = "20060102T150405Z"
)

// An authSignedRequest is what a gateway sees of a signed request.
type authSignedRequest struct {
	signedAt, arrivedAt time.Time
	id                  string
	body                string
}

// An authClockGateway checks signatures by its own clock, in memory. Its clock is ahead of the local one by
// skew, which may change from request to request.
type authClockGateway struct {
	skew     func(n int) time.Duration
	date     func(now time.Time) string // the Date of refusals; nil: the time by its clock
	refuses  func(r authSignedRequest) bool
	answer   func(n int) *http.Response // of what it accepts; nil: stopped
	takes    time.Duration
	secret   string // "" for authKeySecret
	mu       sync.Mutex
	requests []authSignedRequest
}

func (g *authClockGateway) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	id, valid := authVerify(req, string(body), cmp.Or(g.secret, authKeySecret))
	signedAt, err := time.Parse(authSigned, req.Header.Get("X-Sdk-Date"))
	if err != nil {
		return nil, err
	}
	seen := authSignedRequest{signedAt: signedAt, arrivedAt: time.Now(), id: id, body: string(body)}
	g.mu.Lock()
	g.requests = append(g.requests, seen)
	n := len(g.requests)
	g.mu.Unlock()
	time.Sleep(g.takes)

	now := time.Now()
	if g.skew != nil {
		now = now.Add(g.skew(n))
	}
	date := now.UTC().Format(http.TimeFormat)
	if !valid || now.Sub(signedAt).Abs() > 15*time.Minute || (g.refuses != nil && g.refuses(seen)) {
		if g.date != nil {
			date = g.date(now)
		}
		answer := httpmock.NewStringResponse(401, `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information"}`)
		answer.Header.Set("Date", date)
		return answer, nil
	}
	answer := httpmock.NewStringResponse(200, `{"result":true}`)
	if g.answer != nil {
		answer = g.answer(n)
	}
	if answer.Header.Get("Date") == "" {
		answer.Header.Set("Date", date)
	}
	return answer, nil
}

func (g *authClockGateway) sent() []authSignedRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.requests
}

func (g *authClockGateway) client(t *testing.T, opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	t.Helper()
	client, err := codeartsbuild.NewClient(append([]codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint("https://build.example.com"), codeartsbuild.WithTransport(g),
		codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(authKeyID, authKeySecret)),
	}, opts...)...)
	require.NoError(t, err)
	return client
}

// authVerify signs a request a second time, from what the documentation says, and reports whose key it
// names and whether the signatures are the same. The paths and queries of these tests need no escaping.
func authVerify(req *http.Request, body, secret string) (id string, valid bool) {
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

func TestB20WrongClockIsCorrectedByARefusal(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{
		"an hour behind": time.Hour, "an hour ahead": -time.Hour, "16 minutes behind": 16 * time.Minute, "16 minutes ahead": -16 * time.Minute,
		"26 years behind": 26 * 365 * 24 * time.Hour, "a day ahead": -24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gateway := &authClockGateway{skew: func(int) time.Duration { return skew }}
				client := gateway.client(t, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 1})) // not a retry
				attempts, err := authStop(t.Context(), client)
				require.NoError(t, err)
				require.Equal(t, 2, attempts)
				for range 3 {
					time.Sleep(time.Hour)
					attempts, err = authStop(t.Context(), client)
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

// B20: the local clock is set right while the program runs; what was learned is then what is wrong.
func TestB20ClockThatIsSetRightLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		skew := time.Hour
		gateway := &authClockGateway{skew: func(int) time.Duration { return skew }}
		client := gateway.client(t)
		for _, want := range []int{2, 1} {
			attempts, err := authStop(t.Context(), client)
			require.NoError(t, err)
			require.Equal(t, want, attempts)
		}
		skew = 0
		for _, want := range []int{2, 1} {
			attempts, err := authStop(t.Context(), client)
			require.NoError(t, err)
			require.Equal(t, want, attempts)
		}
	})
}

// B20: all calls that were signed by the wrong clock are replayed, not only the one whose refusal comes first.
func TestB20WrongClockOfManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gateway := &authClockGateway{skew: func(int) time.Duration { return time.Hour }, takes: time.Second}
		client := gateway.client(t)
		var refused atomic.Int32
		var group sync.WaitGroup
		for range authCrowd {
			group.Go(func() {
				if attempts, err := authStop(t.Context(), client); err != nil || attempts != 2 {
					refused.Add(1)
				}
			})
		}
		group.Wait()
		require.Zero(t, refused.Load(), "calls that were not replayed by the right clock")
		require.Len(t, gateway.sent(), 2*authCrowd)
		t.Logf("%d calls by a clock an hour off: %d requests, each call replayed once", authCrowd, len(gateway.sent()))
	})
}

func TestB20RefusalThatIsNotTheClocksFault(t *testing.T) {
	t.Parallel()
	always := func(authSignedRequest) bool { return true }
	an := func(hours int) func(int) time.Duration {
		return func(int) time.Duration { return time.Duration(hours) * time.Hour }
	}
	tests := map[string]struct {
		gateway  *authClockGateway
		requests int
	}{
		"clock is right":                  {&authClockGateway{refuses: always}, 1},
		"clock is off by no more than 4m": {&authClockGateway{refuses: always, skew: func(int) time.Duration { return 4 * time.Minute }}, 1},
		"secret is wrong":                 {&authClockGateway{secret: "xyz-another-secret"}, 1},
		"refusal without a Date":          {&authClockGateway{skew: an(1), date: func(time.Time) string { return "" }}, 1},
		"refusal with a bad Date":         {&authClockGateway{skew: an(1), date: func(time.Time) string { return "a quarter past nine" }}, 1},
		"clock is wrong and key too":      {&authClockGateway{refuses: always, skew: an(1)}, 2},
		"gateway's clock jumps each time": {&authClockGateway{refuses: always, skew: func(n int) time.Duration { return time.Duration(n) * time.Hour }}, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				attempts, err := authStop(t.Context(), tt.gateway.client(t))
				require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
				require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				var apiErr *codeartsbuild.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, tt.requests, apiErr.Attempts)
				require.Equal(t, tt.requests, attempts)
				require.Len(t, tt.gateway.sent(), tt.requests)
				require.NotContains(t, iamPrinted(err), authKeySecret)
			})
		})
	}
}

// B20: no other answer has a say in what the time is.
func TestB20OnlyARefusalCorrectsTheClock(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"success": 200, "bad request": 400, "forbidden": 403, "not found": 404, "busy": 503} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gateway := &authClockGateway{answer: func(n int) *http.Response {
					answer := httpmock.NewStringResponse(200, `{"result":true}`)
					if n == 1 {
						answer = httpmock.NewStringResponse(status, `{}`)
						answer.Header.Set("Date", time.Now().Add(3*time.Hour).UTC().Format(http.TimeFormat))
					}
					return answer
				}}
				client := gateway.client(t)
				_, _ = authStop(t.Context(), client)
				time.Sleep(time.Second)
				_, err := authStop(t.Context(), client)
				require.NoError(t, err)
				for _, r := range gateway.sent() {
					require.WithinDuration(t, r.arrivedAt, r.signedAt, time.Second)
				}
			})
		})
	}
}

// B20: tokens have nothing to do with the clock.
func TestB20RefusedTokenIsNoSignOfAWrongClock(t *testing.T) {
	t.Parallel()
	transport := httpmock.NewMockTransport()
	transport.RegisterNoResponder(func(*http.Request) (*http.Response, error) {
		answer := httpmock.NewStringResponse(401, `{}`)
		answer.Header.Set("Date", "Tue, 24 Nov 2020 11:36:56 GMT")
		return answer, nil
	})
	client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint("https://build.example.com"), codeartsbuild.WithTransport(transport),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("token")))
	require.NoError(t, err)
	_, err = authStop(t.Context(), client)
	require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
	require.Equal(t, 1, transport.GetTotalCallCount())
}

func TestB29EachAttemptIsSignedAnew(t *testing.T) {
	t.Parallel()
	lost := codeartsbuildtest.DropAnswer()
	busy := codeartsbuildtest.Reply(503, `{}`)
	later := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "20")
			w.WriteHeader(http.StatusTooManyRequests)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		build := srv.StartBuild(job)
		srv.Next("StopJob", later, busy, later, lost)
		client := authSigning(t, srv, codeartsbuild.StaticAccessKey(srv.AccessKey()))
		var response codeartsbuild.Response
		_, err := client.Jobs.Stop(t.Context(), job, build, codeartsbuild.WithResponseInto(&response))
		require.NoError(t, err) // the embedded service checks the signature of the last one
		require.Equal(t, 5, response.Attempts)
		var dates, signatures []string
		for _, r := range srv.Requests() {
			require.JSONEq(t, `{"job_id":"`+job+`","build_no":"`+build+`"}`, string(r.Body), "every attempt carries the whole body")
			require.Len(t, r.Header["X-Sdk-Date"], 1)
			require.Len(t, r.Header["Authorization"], 1)
			dates = append(dates, r.Header.Get("X-Sdk-Date"))
			signatures = append(signatures, r.Header.Get("Authorization"))
		}
		require.Len(t, dates, 5)
		require.True(t, slices.IsSorted(dates), "%v", dates)
		require.NotEqual(t, dates[0], dates[1], "20 s later")
		require.NotEqual(t, dates[2], dates[3], "20 s later")
		require.NotEqual(t, signatures[0], signatures[1])
		require.NotEqual(t, signatures[2], signatures[3])
	})
}

// B29: pauses are long enough for a date to be refused; a signature kept from the first attempt would be.
func TestB29SignatureIsFreshAfterALongPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gateway := &authClockGateway{answer: func(n int) *http.Response {
			if n == 1 {
				answer := httpmock.NewStringResponse(503, `{}`)
				answer.Header.Set("Retry-After", strconv.Itoa(20*60))
				return answer
			}
			return httpmock.NewStringResponse(200, `{"result":true}`)
		}}
		attempts, err := authStop(t.Context(), gateway.client(t), codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxDelay: time.Hour}))
		require.NoError(t, err)
		require.Equal(t, 2, attempts)
		for _, r := range gateway.sent() {
			require.WithinDuration(t, r.arrivedAt, r.signedAt, time.Second)
		}
	})
}

// B29: the source of keys is asked for each attempt.
func TestB29EachAttemptAsksForItsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gateway := &authClockGateway{answer: func(n int) *http.Response {
			if n < 3 {
				return httpmock.NewStringResponse(503, `{}`)
			}
			return httpmock.NewStringResponse(200, `{"result":true}`)
		}}
		rotating := &authKeyFunc{}
		rotating.f = func() (*codeartsbuild.AccessKey, error) {
			return codeartsbuild.NewAccessKey("key-"+strconv.Itoa(int(rotating.asked.Load())), authKeySecret), nil
		}
		_, err := authStop(t.Context(), gateway.client(t, codeartsbuild.WithAccessKeySource(rotating)))
		require.NoError(t, err)
		var ids []string
		for _, r := range gateway.sent() {
			ids = append(ids, r.id)
		}
		require.Equal(t, []string{"key-1", "key-2", "key-3"}, ids)
	})
}

// authSigning is a client that signs its requests to the embedded service, in memory.
func authSigning(t *testing.T, srv *codeartsbuildtest.Server, keys codeartsbuild.AccessKeySource, opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	t.Helper()
	cfg := srv.IAMConfig() // has endpoint and transport
	client, err := codeartsbuild.NewClient(append([]codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint(cfg.Endpoint), codeartsbuild.WithTransport(cfg.Transport), codeartsbuild.WithAccessKeySource(keys),
	}, opts...)...)
	require.NoError(t, err)
	return client
}

func authSignedNames(header http.Header) []string {
	_, rest, _ := strings.Cut(header.Get("Authorization"), "SignedHeaders=")
	names, _, _ := strings.Cut(rest, ",")
	return strings.Split(names, ";")
}

// What is signed cannot be changed on the way; the embedded service checks it.
func TestB20SignedRequests(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		key    func(id, secret string) *codeartsbuild.AccessKey
		opts   []codeartsbuild.ClientOption
		header map[string]string // that has to be sent and signed
		absent []string
	}{
		"permanent key": {
			codeartsbuild.NewAccessKey, nil,
			map[string]string{}, []string{"X-Security-Token", "X-Project-Id", "X-Auth-Token"},
		},
		"temporary key": {
			func(id, secret string) *codeartsbuild.AccessKey {
				return codeartsbuild.NewTemporaryAccessKey(id, secret, "security-token", time.Now().Add(time.Hour))
			}, nil,
			map[string]string{"X-Security-Token": "security-token"}, []string{"X-Project-Id", "X-Auth-Token"},
		},
		"with a project": {
			codeartsbuild.NewAccessKey, []codeartsbuild.ClientOption{codeartsbuild.WithProjectID(iamProject)},
			map[string]string{"X-Project-Id": iamProject}, []string{"X-Security-Token", "X-Auth-Token"},
		},
		"temporary key, with a project": {
			func(id, secret string) *codeartsbuild.AccessKey {
				return codeartsbuild.NewTemporaryAccessKey(id, secret, "security-token", time.Time{})
			}, []codeartsbuild.ClientOption{codeartsbuild.WithProjectID(iamProject)},
			map[string]string{"X-Security-Token": "security-token", "X-Project-Id": iamProject}, []string{"X-Auth-Token"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := codeartsbuildtest.NewServer()
			defer srv.Close()
			job := srv.AddJob("nightly")
			source := &authKeyFunc{f: func() (*codeartsbuild.AccessKey, error) { return tt.key(srv.AccessKey()), nil }}
			_, err := authSigning(t, srv, source, tt.opts...).Jobs.Stop(t.Context(), job, srv.StartBuild(job))
			require.NoError(t, err)
			sent := srv.Requests()
			require.Len(t, sent, 1)
			names := authSignedNames(sent[0].Header)
			require.True(t, slices.IsSorted(names), "%v", names)
			require.Contains(t, names, "x-sdk-date")
			for name, value := range tt.header {
				require.Equal(t, []string{value}, sent[0].Header[name])
				require.Contains(t, names, strings.ToLower(name))
			}
			for _, name := range tt.absent {
				require.NotContains(t, sent[0].Header, name)
			}
		})
	}
}

// Whoever changes a signed header, the path or the body on the way is refused.
func TestB20ChangeOnTheWayIsNoticed(t *testing.T) {
	t.Parallel()
	changes := map[string]func(req *http.Request){
		"project":        func(req *http.Request) { req.Header.Set("X-Project-Id", "another") },
		"security token": func(req *http.Request) { req.Header.Set("X-Security-Token", "another") },
		"date": func(req *http.Request) {
			req.Header.Set("X-Sdk-Date", time.Now().UTC().Add(time.Minute).Format(authSigned))
		},
		"query": func(req *http.Request) { req.URL.RawQuery = "force=true" },
		"body": func(req *http.Request) {
			body := `{"job_id":"48c66c6002964721be537cdc6ce0297b","build_no":"7"}`
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := codeartsbuildtest.NewServer()
			defer srv.Close()
			through := srv.IAMConfig().Transport
			job := srv.AddJob("nightly")
			source := &authKeyFunc{f: func() (*codeartsbuild.AccessKey, error) {
				id, secret := srv.AccessKey()
				return codeartsbuild.NewTemporaryAccessKey(id, secret, "security-token", time.Time{}), nil
			}}
			client := authSigning(t, srv, source, codeartsbuild.WithProjectID(iamProject), codeartsbuild.WithTransport(authRoundTrip(func(req *http.Request) (*http.Response, error) {
				req = req.Clone(req.Context())
				change(req)
				return through.RoundTrip(req)
			})))
			_, err := client.Jobs.Stop(t.Context(), job, srv.StartBuild(job))
			require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
			require.Len(t, srv.Requests(), 1)
		})
	}
}

type authRoundTrip func(*http.Request) (*http.Response, error)

func (f authRoundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A temporary key ends, and so does its security token: the next one is fetched in time, and both change.
func TestB15TemporaryKeyIsRenewedBeforeItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		source := &authKeyFunc{}
		source.f = func() (*codeartsbuild.AccessKey, error) {
			id, secret := srv.AccessKey()
			return codeartsbuild.NewTemporaryAccessKey(id, secret, "security-token-"+strconv.Itoa(int(source.asked.Load())), time.Now().Add(time.Hour)), nil
		}
		client := authSigning(t, srv, codeartsbuild.NewCachedAccessKeySource(source))
		for _, at := range []time.Duration{0, 53 * time.Minute, 58 * time.Minute, 59 * time.Minute} {
			time.Sleep(at - time.Since(authBubbleStart))
			_, err := client.Jobs.Stop(t.Context(), job, srv.StartBuild(job))
			require.NoError(t, err)
		}
		var tokens []string
		for _, r := range srv.Requests() {
			tokens = append(tokens, r.Header.Get("X-Security-Token"))
		}
		require.Equal(t, []string{"security-token-1", "security-token-1", "security-token-2", "security-token-2"}, tokens)
	})
}

// authBubbleStart is when time begins in a bubble.
var authBubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// B8, B19: a key that no header can carry is refused, and nothing is sent.
func TestB8KeyThatNoHeaderCanCarry(t *testing.T) {
	t.Parallel()
	tests := map[string]*codeartsbuild.AccessKey{
		"line break in the id":             codeartsbuild.NewAccessKey("id\r\nX-Injected: 1", authKeySecret),
		"comma in the id":                  codeartsbuild.NewAccessKey("id, SignedHeaders=host", authKeySecret),
		"id is not ASCII":                  codeartsbuild.NewAccessKey("密", authKeySecret),
		"line break in the security token": codeartsbuild.NewTemporaryAccessKey("id", authKeySecret, "a\nb", time.Time{}),
		"NUL in the security token":        codeartsbuild.NewTemporaryAccessKey("id", authKeySecret, "a\x00b", time.Time{}),
	}
	for name, key := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gateway := &authGateway{accepts: func(string) bool { return true }}
			source := &authKeyFunc{f: func() (*codeartsbuild.AccessKey, error) { return key, nil }}
			for _, option := range []codeartsbuild.ClientOption{
				codeartsbuild.WithAccessKeySource(source), codeartsbuild.WithAccessKeySource(codeartsbuild.NewCachedAccessKeySource(source)),
			} {
				attempts, err := authStop(context.Background(), gateway.client(t, option))
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.NotContains(t, iamPrinted(err), authKeySecret)
				require.Zero(t, attempts)
			}
			require.Zero(t, gateway.requests.Load())
		})
	}
}

// B13 and B20 together: the key behind a cache is refused because of the clock.
func TestB20WrongClockWithACachedKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gateway := &authClockGateway{skew: func(int) time.Duration { return time.Hour }, takes: time.Second}
		source := &authKeyFunc{f: func() (*codeartsbuild.AccessKey, error) {
			return codeartsbuild.NewAccessKey(authKeyID, authKeySecret), nil
		}}
		client := gateway.client(t, codeartsbuild.WithAccessKeySource(codeartsbuild.NewCachedAccessKeySource(source)))
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if attempts, err := authStop(t.Context(), client); err != nil || attempts != 2 {
					t.Errorf("%d attempts, %v, want a replay that succeeds", attempts, err)
				}
			})
		}
		group.Wait()
		require.LessOrEqual(t, source.asked.Load(), int32(2))
		attempts, err := authStop(t.Context(), client)
		require.NoError(t, err)
		require.Equal(t, 1, attempts)
	})
}
