package codeartsbuild_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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

const authCrowd = 1000

// An authSource issues credentials, which these tests know by name.
type authSource func(ctx context.Context) (name string, ends time.Time, err error)

// An authCache is the cache in front of an authSource, for tokens or for access keys.
type authCache struct {
	get        func(ctx context.Context) (name string, err error)
	invalidate func(name string)
	option     codeartsbuild.ClientOption
}

var authCaches = map[string]func(authSource) authCache{"tokens": authTokens, "access keys": authKeys}

func authTokens(source authSource) authCache {
	cached := codeartsbuild.NewCachedTokenSource(codeartsbuild.TokenSourceFunc(func(ctx context.Context) (*codeartsbuild.Token, error) {
		name, ends, err := source(ctx)
		if err != nil {
			return nil, err
		}
		return codeartsbuild.NewToken(name, ends), nil
	}))
	return authCache{
		get: func(ctx context.Context) (string, error) {
			token, err := cached.Token(ctx)
			return token.Value(), err
		},
		invalidate: func(name string) { cached.Invalidate(codeartsbuild.NewToken(name, time.Time{})) },
		option:     codeartsbuild.WithTokenSource(cached),
	}
}

// authKeySource is an AccessKeySource. The keys it made are known by name, since a key shows nothing but its id.
type authKeySource struct {
	source authSource
	made   sync.Map // name to *codeartsbuild.AccessKey
}

func (s *authKeySource) AccessKey(ctx context.Context) (*codeartsbuild.AccessKey, error) {
	name, ends, err := s.source(ctx)
	if err != nil {
		return nil, err
	}
	key := codeartsbuild.NewTemporaryAccessKey(name, "secret", "", ends)
	s.made.Store(name, key)
	return key, nil
}

func authKeys(source authSource) authCache {
	keys := &authKeySource{source: source}
	cached := codeartsbuild.NewCachedAccessKeySource(keys)
	return authCache{
		get: func(ctx context.Context) (string, error) {
			key, err := cached.AccessKey(ctx)
			if key == nil {
				return "", err
			}
			return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(key), "codeartsbuild.AccessKey{"), "}"), err
		},
		invalidate: func(name string) {
			if key, ok := keys.made.Load(name); ok {
				cached.Invalidate(key.(*codeartsbuild.AccessKey))
			}
		},
		option: codeartsbuild.WithAccessKeySource(cached),
	}
}

// authEach runs a test in a bubble for either kind of credential.
func authEach(t *testing.T, test func(t *testing.T, newCache func(authSource) authCache)) {
	for kind, newCache := range authCaches {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, newCache) })
		})
	}
}

// An authIssuer issues the credentials "1", "2", "3" and so on.
type authIssuer struct {
	lifetime time.Duration   // 0: unknown
	takes    time.Duration   // each time
	fail     map[int32]error // by number
	asked    atomic.Int32
}

func (i *authIssuer) issue(ctx context.Context) (string, time.Time, error) {
	n := i.asked.Add(1)
	select {
	case <-time.After(i.takes):
	case <-ctx.Done():
		return "", time.Time{}, ctx.Err()
	}
	if err := i.fail[n]; err != nil {
		return "", time.Time{}, err
	}
	var ends time.Time
	if i.lifetime > 0 {
		ends = time.Now().Add(i.lifetime)
	}
	return strconv.Itoa(int(n)), ends, nil
}

func requireAuth(t *testing.T, cache authCache, want string) {
	t.Helper()
	got, err := cache.get(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// An authGateway is a service in memory that accepts the credentials that it is told to. It never checks
// signatures.
type authGateway struct {
	accepts  func(name string) bool
	takes    time.Duration
	requests atomic.Int32
	status   int // of a refusal; 0: 401
}

func (g *authGateway) RoundTrip(req *http.Request) (*http.Response, error) {
	g.requests.Add(1)
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	name := req.Header.Get("X-Auth-Token")
	if _, rest, ok := strings.Cut(req.Header.Get("Authorization"), "Access="); ok {
		name, _, _ = strings.Cut(rest, ",")
	}
	time.Sleep(g.takes)
	if !g.accepts(name) {
		return httpmock.NewStringResponse(max(g.status, 401), `{"error_code":"APIGW.0307","error_msg":"The token must be updated"}`), nil
	}
	return httpmock.NewStringResponse(200, `{"result":true}`), nil
}

func (g *authGateway) client(t *testing.T, opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	t.Helper()
	client, err := codeartsbuild.NewClient(append([]codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint("https://build.example.com"), codeartsbuild.WithTransport(g),
	}, opts...)...)
	require.NoError(t, err)
	return client
}

// authStop stops a build and returns how many requests that took.
func authStop(ctx context.Context, client *codeartsbuild.Client, opts ...codeartsbuild.CallOption) (int, error) {
	var response codeartsbuild.Response
	_, err := client.Jobs.Stop(ctx, "48c66c6002964721be537cdc6ce0297b", "20", append(opts, codeartsbuild.WithResponseInto(&response))...)
	return response.Attempts, err
}

// authCount counts the requests of one operation that have reached the embedded service.
func authCount(srv *codeartsbuildtest.Server, operation string) int {
	n := 0
	for _, r := range srv.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

func TestB10ManyCallersOnAColdCacheMakeOneRequest(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{lifetime: time.Hour, takes: time.Second}
		cache := newCache(issuer.issue)
		started := time.Now()
		var group sync.WaitGroup
		for range authCrowd {
			group.Go(func() {
				got, err := cache.get(t.Context())
				if err != nil || got != "1" {
					t.Errorf("got %q, %v, want the one credential", got, err)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 1, issuer.asked.Load())
		require.Equal(t, time.Second, time.Since(started), "all wait for the same request")
		t.Logf("%d callers on a cold cache: %d request", authCrowd, issuer.asked.Load())
	})
}

// B10, through IAM and with the real scheduler.
func TestB10ManyCallersLogInOnce(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	source, err := codeartsbuild.NewIAMTokenSource(srv.IAMConfig())
	require.NoError(t, err)
	var group sync.WaitGroup
	start := make(chan struct{})
	values := make([]string, authCrowd)
	for i := range authCrowd {
		group.Go(func() {
			<-start
			token, err := source.Token(t.Context())
			if err != nil {
				t.Errorf("Token: %v", err)
			}
			values[i] = token.Value()
		})
	}
	close(start)
	group.Wait()
	for _, value := range values {
		require.NotEmpty(t, value)
		require.Equal(t, values[0], value)
	}
	require.Equal(t, 1, authCount(srv, "CreateToken"))
	t.Logf("%d callers on a cold cache: %d login", authCrowd, authCount(srv, "CreateToken"))
}

func TestB11WaiterReturnsWhenItsOwnContextEnds(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{takes: time.Minute}
		cache := newCache(issuer.issue)
		started := time.Now()
		var group sync.WaitGroup
		defer group.Wait()
		group.Go(func() { // whose refresh it is
			if got, err := cache.get(t.Context()); got != "1" || err != nil || time.Since(started) != time.Minute {
				t.Errorf("got %q, %v after %v, want the credential after a minute", got, err, time.Since(started))
			}
		})
		synctest.Wait()

		limited, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		got, err := cache.get(limited)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Empty(t, got)
		require.Equal(t, 3*time.Second, time.Since(started))

		canceled, cancel := context.WithCancel(t.Context())
		time.AfterFunc(4*time.Second, cancel)
		_, err = cache.get(canceled)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 7*time.Second, time.Since(started))
		require.EqualValues(t, 1, issuer.asked.Load())
	})
}

// B11, B21: the same through a call, which sends nothing then and leaves nothing open.
func TestB11CallWaitingForACredentialReturnsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{takes: time.Minute}
		gateway := &authGateway{accepts: func(string) bool { return true }}
		client := gateway.client(t, newCache(issuer.issue).option)
		for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
			started := time.Now()
			ctx, cancel := context.WithDeadline(t.Context(), started.Add(5*time.Second))
			if end == context.Canceled {
				time.AfterFunc(2*time.Second, cancel)
			}
			_, err := authStop(ctx, client)
			cancel()
			require.ErrorIs(t, err, end)
			require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
			require.LessOrEqual(t, time.Since(started), 5*time.Second)
		}
		require.Zero(t, gateway.requests.Load())
	})
}

func TestB12RefreshOutlivesTheCallerThatStartedIt(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{takes: 10 * time.Second}
		cache := newCache(issuer.issue)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := cache.get(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("the caller that was canceled got %v", err)
			}
		})
		synctest.Wait()
		started := time.Now()
		for range 100 {
			group.Go(func() {
				if got, err := cache.get(t.Context()); got != "1" || err != nil {
					t.Errorf("a caller that was not canceled got %q, %v", got, err)
				}
			})
		}
		synctest.Wait()
		cancel()
		group.Wait()
		require.EqualValues(t, 1, issuer.asked.Load(), "requests")
		require.Equal(t, 10*time.Second, time.Since(started), "the same request, not a second one")
	})
}

// B12: a refresh ends when nobody waits for it any more, and the next caller does not wait for its remains.
func TestB12RefreshEndsWithItsLastWaiter(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		ended := make(chan error, 1)
		var asked atomic.Int32
		cache := newCache(func(ctx context.Context) (string, time.Time, error) {
			if asked.Add(1) > 1 {
				return "second", time.Time{}, nil
			}
			<-ctx.Done()
			ended <- ctx.Err()
			time.Sleep(time.Second) // slow to notice
			return "", time.Time{}, ctx.Err()
		})
		var group sync.WaitGroup
		defer group.Wait()
		for i := range 3 {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*time.Second)
				defer cancel()
				if _, err := cache.get(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a caller whose time was up got %v", err)
				}
			})
		}
		time.Sleep(2500 * time.Millisecond)
		require.Empty(t, ended, "one caller still waits")
		group.Wait()
		synctest.Wait()
		require.Len(t, ended, 1, "nobody waits any more")
		started := time.Now()
		requireAuth(t, cache, "second")
		require.Zero(t, time.Since(started))
		time.Sleep(2 * time.Second) // the remains have come to their end
		requireAuth(t, cache, "second")
	})
}

// B13: the whole of it, through a client, with a login that takes its time.
func TestB13RevokedTokenOfManyCallsIsRenewedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		build := srv.StartBuild(job)
		source, err := codeartsbuild.NewIAMTokenSource(srv.IAMConfig())
		require.NoError(t, err)
		client := srv.Client(codeartsbuild.WithTokenSource(source))
		_, err = client.Builds.Get(t.Context(), job, build)
		require.NoError(t, err)

		const read = "ShowJobBuildRecordDetail"
		revoke := func(next http.Handler) http.Handler {
			return codeartsbuildtest.Delay(time.Second)(codeartsbuildtest.ExpireToken()(next))
		}
		srv.Next(read, revoke)
		for range authCrowd - 1 {
			srv.Next(read, codeartsbuildtest.Delay(2*time.Second)) // all are under way when the token ends
		}
		srv.Next("CreateToken", codeartsbuildtest.Delay(5*time.Second))
		var most, total atomic.Int64
		var group sync.WaitGroup
		for range authCrowd {
			group.Go(func() {
				var response codeartsbuild.Response
				if _, err := client.Builds.Get(t.Context(), job, build, codeartsbuild.WithResponseInto(&response)); err != nil {
					t.Errorf("Get: %v", err)
				}
				total.Add(int64(response.Attempts))
				if response.Attempts > 2 {
					most.Add(1)
				}
			})
		}
		group.Wait()
		require.Equal(t, 2, authCount(srv, "CreateToken"), "logins, the first one included")
		require.Zero(t, most.Load(), "calls that were replayed more than once")
		require.EqualValues(t, 2*authCrowd, total.Load(), "every call was refused once and replayed once")
		require.Equal(t, 2*authCrowd+1, authCount(srv, read))
		t.Logf("%d calls with a revoked token: %d login, %d requests, each call replayed once",
			authCrowd, authCount(srv, "CreateToken")-1, authCount(srv, read)-1)
	})
}

// B13 for either kind of credential, and with the real scheduler in the second half.
func TestB13RefusedCredentialIsRenewedOnce(t *testing.T) {
	t.Parallel()
	for kind, newCache := range authCaches {
		crowd := func(t *testing.T, takes time.Duration) {
			issuer := &authIssuer{takes: takes}
			gateway := &authGateway{accepts: func(name string) bool { return name != "1" }, takes: takes}
			client := gateway.client(t, newCache(issuer.issue).option)
			var group sync.WaitGroup
			for range authCrowd {
				group.Go(func() {
					if attempts, err := authStop(t.Context(), client); err != nil || attempts > 2 {
						t.Errorf("%d attempts, %v, want at most 2 and a stop", attempts, err)
					}
				})
			}
			group.Wait()
			require.EqualValues(t, 2, issuer.asked.Load())
			require.LessOrEqual(t, gateway.requests.Load(), int32(2*authCrowd))
		}
		t.Run(kind+", all refused together", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { crowd(t, time.Second) })
		})
		t.Run(kind+", as it comes", func(t *testing.T) {
			t.Parallel()
			crowd(t, 0)
		})
	}
}

func TestB13WhatA401LeadsTo(t *testing.T) {
	t.Parallel()
	type step struct {
		want     error // nil: stopped
		attempts int
		logins   int // so far
	}
	const refusal = `{"error_code":"APIGW.0307","error_msg":"The token must be updated"}`
	var (
		revoke = codeartsbuildtest.ExpireToken()
		busy   = codeartsbuildtest.Reply(503, `{}`)
	)
	unauthorized := codeartsbuild.ErrUnauthorized
	tests := map[string]struct {
		warm   bool
		faults []codeartsbuildtest.Fault
		opts   []codeartsbuild.CallOption
		steps  []step
	}{
		"token revoked: renewed and replayed":       {true, []codeartsbuildtest.Fault{revoke}, nil, []step{{nil, 2, 2}, {nil, 1, 2}}},
		"first token dead on arrival":               {false, []codeartsbuildtest.Fault{revoke}, nil, []step{{nil, 2, 2}, {nil, 1, 2}}},
		"renewed token refused: the answer":         {true, []codeartsbuildtest.Fault{revoke, revoke}, nil, []step{{unauthorized, 2, 2}}},
		"renewed token refused: not remembered":     {true, []codeartsbuildtest.Fault{revoke, revoke}, nil, []step{{unauthorized, 2, 2}, {nil, 1, 3}, {nil, 1, 3}}},
		"refused for ever: two requests a call":     {true, []codeartsbuildtest.Fault{revoke, revoke, revoke, revoke}, nil, []step{{unauthorized, 2, 2}, {unauthorized, 2, 4}, {nil, 1, 5}}},
		"gateway's code under another status":       {true, []codeartsbuildtest.Fault{codeartsbuildtest.Reply(403, refusal)}, nil, []step{{nil, 2, 2}}},
		"refused at the last attempt":               {true, []codeartsbuildtest.Fault{revoke}, []codeartsbuild.CallOption{codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 1})}, []step{{nil, 2, 2}}},
		"the replay is none of MaxAttempts":         {true, []codeartsbuildtest.Fault{revoke, busy}, []codeartsbuild.CallOption{codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 2})}, []step{{nil, 3, 2}}},
		"refused after a busy answer":               {true, []codeartsbuildtest.Fault{busy, revoke}, nil, []step{{nil, 3, 2}}},
		"refused, busy, refused: renewed only once": {true, []codeartsbuildtest.Fault{revoke, busy, revoke}, nil, []step{{unauthorized, 3, 2}, {nil, 1, 3}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				source, err := codeartsbuild.NewIAMTokenSource(srv.IAMConfig())
				require.NoError(t, err)
				client := srv.Client(codeartsbuild.WithTokenSource(source))
				if tt.warm {
					_, err := client.Jobs.Stop(t.Context(), job, srv.StartBuild(job))
					require.NoError(t, err)
				}
				srv.Next("StopJob", tt.faults...)
				for i, want := range tt.steps {
					var response codeartsbuild.Response
					_, err := client.Jobs.Stop(t.Context(), job, srv.StartBuild(job), append(tt.opts, codeartsbuild.WithResponseInto(&response))...)
					require.ErrorIs(t, err, want.want, "call %d", i+1)
					require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown, "call %d: a refused request has no effect", i+1)
					require.Equal(t, want.attempts, response.Attempts, "requests of call %d", i+1)
					require.Equal(t, want.logins, authCount(srv, "CreateToken"), "logins after call %d", i+1)
				}
			})
		})
	}
}

// B13: nothing can be renewed where the source says so, so that a replay would be the same request again.
func TestB13StaticTokenIsNotSentAgain(t *testing.T) {
	t.Parallel()
	gateway := &authGateway{accepts: func(string) bool { return false }}
	for _, option := range []codeartsbuild.ClientOption{
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("expired")),
		codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("unknown", "secret")),
	} {
		attempts, err := authStop(t.Context(), gateway.client(t, option))
		require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
		require.Equal(t, 1, attempts)
	}
}

func TestB13LateRefusalOfAnOldCredentialKeepsTheNewOne(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{}
		cache := newCache(issuer.issue)
		requireAuth(t, cache, "1")
		cache.invalidate("1")
		requireAuth(t, cache, "2")
		cache.invalidate("1")
		cache.invalidate("none of ours")
		requireAuth(t, cache, "2")
		cache.invalidate("2")
		requireAuth(t, cache, "3")
	})
}

// B13: the late 401 comes through a call that was slow.
func TestB13SlowCallIsRefusedAfterTheTokenWasRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		source, err := codeartsbuild.NewIAMTokenSource(srv.IAMConfig())
		require.NoError(t, err)
		client := srv.Client(codeartsbuild.WithTokenSource(source))
		old, err := source.Token(t.Context())
		require.NoError(t, err)

		srv.Next("StopJob", codeartsbuildtest.Delay(10*time.Second), codeartsbuildtest.ExpireToken())
		slowBuild, fastBuild := srv.StartBuild(job), srv.StartBuild(job)
		var group sync.WaitGroup
		defer group.Wait()
		group.Go(func() {
			var response codeartsbuild.Response
			if _, err := client.Jobs.Stop(t.Context(), job, slowBuild, codeartsbuild.WithResponseInto(&response)); err != nil || response.Attempts != 2 {
				t.Errorf("the slow call: %d attempts, %v", response.Attempts, err)
			}
		})
		synctest.Wait()
		_, err = client.Jobs.Stop(t.Context(), job, fastBuild)
		require.NoError(t, err)
		renewed, err := source.Token(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, old.Value(), renewed.Value())
		group.Wait()

		kept, err := source.Token(t.Context())
		require.NoError(t, err)
		require.Same(t, renewed, kept)
		require.Equal(t, 2, authCount(srv, "CreateToken"))
	})
}

func TestInvalidateOfNothing(t *testing.T) {
	t.Parallel()
	cold := codeartsbuild.NewCachedTokenSource(codeartsbuild.StaticToken("token"))
	require.NotPanics(t, func() { cold.Invalidate(nil) })
	token, err := cold.Token(t.Context())
	require.NoError(t, err)
	cold.Invalidate(nil)
	cold.Invalidate(codeartsbuild.NewToken("", time.Time{}))
	kept, err := cold.Token(t.Context())
	require.NoError(t, err)
	require.Same(t, token, kept)
}

func TestB14FailedRefreshIsEveryWaitersErrorAndTheNextCallTriesAgain(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		outage := errors.New("outage")
		issuer := &authIssuer{takes: time.Second, fail: map[int32]error{1: outage, 2: outage}}
		cache := newCache(issuer.issue)
		for round := int32(1); round <= 2; round++ {
			var group sync.WaitGroup
			for range 100 {
				group.Go(func() {
					if got, err := cache.get(t.Context()); !errors.Is(err, outage) || got != "" {
						t.Errorf("round %d: a waiter got %q, %v", round, got, err)
					}
				})
			}
			group.Wait()
			require.Equal(t, round, issuer.asked.Load())
		}
		requireAuth(t, cache, "3")
	})
}

// B14: what a source returns beside an error is neither used nor kept.
func TestB14CredentialBesideAnErrorIsNoCredential(t *testing.T) {
	t.Parallel()
	outage := errors.New("outage")
	tokens := codeartsbuild.NewCachedTokenSource(codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
		return codeartsbuild.NewToken("beside", time.Time{}), outage
	}))
	for range 2 {
		token, err := tokens.Token(t.Context())
		require.ErrorIs(t, err, outage)
		require.Nil(t, token)
	}
}

func TestB14FailedEarlyRenewalIsNoErrorWhileTheOldLasts(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		outage := errors.New("outage")
		issuer := &authIssuer{lifetime: time.Hour, fail: map[int32]error{2: outage, 3: outage, 4: outage, 5: outage}}
		cache := newCache(issuer.issue)
		requireAuth(t, cache, "1")
		time.Sleep(56 * time.Minute) // renewal begins 6 to 4.5 minutes before the end
		for asked := int32(2); asked <= 4; asked++ {
			requireAuth(t, cache, "1")
			require.Equal(t, asked, issuer.asked.Load())
			for range 29 {
				time.Sleep(time.Second)
				requireAuth(t, cache, "1")
			}
			require.Equal(t, asked, issuer.asked.Load(), "tried again within 30 s")
			time.Sleep(time.Second)
		}
		time.Sleep(3 * time.Minute) // now the old one has ended
		_, err := cache.get(t.Context())
		require.ErrorIs(t, err, outage)
		require.EqualValues(t, 5, issuer.asked.Load())
		requireAuth(t, cache, "6") // at once: without an old one there is nothing to wait with
	})
}

func TestB14EarlyRenewalThatSucceedsAfterAFailure(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{lifetime: time.Hour, fail: map[int32]error{2: errors.New("outage")}}
		cache := newCache(issuer.issue)
		requireAuth(t, cache, "1")
		time.Sleep(56 * time.Minute)
		requireAuth(t, cache, "1")
		time.Sleep(30 * time.Second)
		requireAuth(t, cache, "3")
		time.Sleep(50 * time.Minute) // of its own hour
		requireAuth(t, cache, "3")
		require.EqualValues(t, 3, issuer.asked.Load())
	})
}

// B14: nobody who holds a valid credential waits long for an issuer that hangs.
func TestB14EarlyRenewalThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{lifetime: time.Hour}
		cache := newCache(issuer.issue)
		requireAuth(t, cache, "1")
		issuer.takes = 24 * time.Hour
		time.Sleep(56 * time.Minute)
		started := time.Now()
		requireAuth(t, cache, "1")
		require.LessOrEqual(t, time.Since(started), 10*time.Second)
		require.EqualValues(t, 2, issuer.asked.Load())
	})
}

// B14: short deadlines and an issuer that hangs must not fail call after call while the old one lasts.
func TestB14EarlyRenewalGivenUpByItsCallerIsAlsoAFailure(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{lifetime: time.Hour}
		cache := newCache(issuer.issue)
		requireAuth(t, cache, "1")
		issuer.takes = 24 * time.Hour
		time.Sleep(56 * time.Minute)
		for i := range 8 {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			got, err := cache.get(ctx)
			cancel()
			if i == 0 && err != nil { // the one that renews may wait for as long as it likes
				require.ErrorIs(t, err, context.DeadlineExceeded)
				continue
			}
			require.NoError(t, err, "caller %d", i+1)
			require.Equal(t, "1", got)
			time.Sleep(time.Second)
		}
		require.EqualValues(t, 2, issuer.asked.Load(), "tried again within 30 s")
	})
}

// B14: the old one ends, or is refused, while its renewal is under way; then the failure is an error.
func TestB14EarlyRenewalFailsAfterTheOldIsGone(t *testing.T) {
	t.Parallel()
	t.Run("ended", func(t *testing.T) {
		t.Parallel()
		authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
			outage := errors.New("outage")
			issuer := &authIssuer{lifetime: 20 * time.Second, fail: map[int32]error{2: outage}}
			cache := newCache(issuer.issue)
			requireAuth(t, cache, "1")
			issuer.takes = 9 * time.Second
			time.Sleep(14 * time.Second)
			got, err := cache.get(t.Context()) // ends 3 s after the old one
			require.ErrorIs(t, err, outage)
			require.Empty(t, got)
		})
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
			outage := errors.New("outage")
			issuer := &authIssuer{lifetime: time.Hour, fail: map[int32]error{2: outage}}
			cache := newCache(issuer.issue)
			requireAuth(t, cache, "1")
			issuer.takes = 5 * time.Second
			time.Sleep(56 * time.Minute)
			time.AfterFunc(time.Second, func() { cache.invalidate("1") })
			got, err := cache.get(t.Context())
			require.ErrorIs(t, err, outage)
			require.Empty(t, got)
		})
	})
}

// B13, B14: a refusal while the renewal is under way joins it.
func TestB13RefusalDuringAnEarlyRenewalStartsNoSecondOne(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{lifetime: time.Hour}
		cache := newCache(issuer.issue)
		requireAuth(t, cache, "1")
		issuer.takes = 5 * time.Second
		time.Sleep(56 * time.Minute)
		var group sync.WaitGroup
		defer group.Wait()
		group.Go(func() {
			if got, err := cache.get(t.Context()); got != "2" || err != nil {
				t.Errorf("the caller that renews got %q, %v", got, err)
			}
		})
		synctest.Wait()
		cache.invalidate("1")
		requireAuth(t, cache, "2")
		group.Wait()
		require.EqualValues(t, 2, issuer.asked.Load())
	})
}

func TestB15RenewalWindow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ lifetime, window time.Duration }{
		"a day: at most 10 minutes":         {24 * time.Hour, 10 * time.Minute},
		"two days: at most 10 minutes":      {48 * time.Hour, 10 * time.Minute},
		"an hour: a tenth":                  {time.Hour, 6 * time.Minute},
		"20 minutes: a tenth":               {20 * time.Minute, 2 * time.Minute},
		"10 minutes: a minute":              {10 * time.Minute, time.Minute},
		"5 minutes: at least a minute":      {5 * time.Minute, time.Minute},
		"100 seconds: never more than half": {100 * time.Second, 50 * time.Second},
		"a second: never more than half":    {time.Second, 500 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
				const caches, steps = 64, 20
				var issuers [caches]authIssuer
				var cached [caches]authCache
				for i := range caches {
					issuers[i].lifetime = tt.lifetime
					cached[i] = newCache(issuers[i].issue)
					requireAuth(t, cached[i], "1")
				}
				time.Sleep(tt.lifetime - tt.window - 1)
				for i := range caches {
					requireAuth(t, cached[i], "1")
					require.EqualValues(t, 1, issuers[i].asked.Load(), "renewed before the window")
				}
				at := map[int]int{}
				for step := range steps / 2 {
					time.Sleep(tt.window / steps)
					for i := range caches {
						before := issuers[i].asked.Load()
						got, err := cached[i].get(t.Context())
						require.NoError(t, err)
						if before == 1 && got == "2" {
							at[step]++
						}
					}
				}
				renewed := 0
				for _, n := range at {
					renewed += n
				}
				require.Equal(t, caches, renewed, "renewed in the first half of the window, and used from then on")
				require.Greater(t, len(at), 1, "jitter: clients that started together renew apart")
			})
		})
	}
}

func TestB15OneCallerRenewsWhileTheOthersKeepTheOld(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{lifetime: time.Hour}
		cache := newCache(issuer.issue)
		requireAuth(t, cache, "1")
		issuer.takes = 5 * time.Second
		time.Sleep(56 * time.Minute)
		var old, renewed atomic.Int32
		var group sync.WaitGroup
		started := time.Now()
		for range authCrowd {
			group.Go(func() {
				got, err := cache.get(t.Context())
				switch {
				case err == nil && got == "1" && time.Since(started) == 0:
					old.Add(1)
				case err == nil && got == "2" && time.Since(started) == 5*time.Second:
					renewed.Add(1)
				default:
					t.Errorf("got %q, %v after %v", got, err, time.Since(started))
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 1, renewed.Load())
		require.EqualValues(t, authCrowd-1, old.Load())
		require.EqualValues(t, 2, issuer.asked.Load())
	})
}

func TestB15UnknownEndIsUsedUntilRefused(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{}
		cache := newCache(issuer.issue)
		for range 10 {
			requireAuth(t, cache, "1")
			time.Sleep(365 * 24 * time.Hour)
		}
		cache.invalidate("1")
		requireAuth(t, cache, "2")
	})
}

func TestCredentialThatHasEndedIsReplaced(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{lifetime: time.Hour, takes: time.Second}
		cache := newCache(issuer.issue)
		requireAuth(t, cache, "1")
		time.Sleep(time.Hour)
		started := time.Now()
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if got, err := cache.get(t.Context()); got != "2" || err != nil {
					t.Errorf("got %q, %v, want the next one", got, err)
				}
			})
		}
		group.Wait()
		require.Equal(t, time.Second, time.Since(started), "nobody gets one that has ended")
		require.EqualValues(t, 2, issuer.asked.Load())
	})
}

func TestB19NoCredentialIsAnErrorAndNothingIsSent(t *testing.T) {
	t.Parallel()
	type token = codeartsbuild.Token
	type key = codeartsbuild.AccessKey
	outage := errors.New("outage")
	tokens := map[string]struct {
		token *token
		err   error
	}{
		"nil token":             {nil, nil},
		"empty token":           {codeartsbuild.NewToken("", time.Time{}), nil},
		"zero token":            {&token{}, nil},
		"token beside an error": {codeartsbuild.NewToken("beside", time.Time{}), outage},
	}
	keys := map[string]struct {
		key *key
		err error
	}{
		"nil key":             {nil, nil},
		"zero key":            {&key{}, nil},
		"key without id":      {codeartsbuild.NewAccessKey("", "secret"), nil},
		"key without secret":  {codeartsbuild.NewAccessKey("id", ""), nil},
		"key beside an error": {codeartsbuild.NewAccessKey("id", "secret"), outage},
	}
	check := func(name string, cause error, option codeartsbuild.ClientOption, asked func() int32) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpmock.NewMockTransport()
			transport.RegisterNoResponder(httpmock.NewStringResponder(200, `{"result":true}`))
			client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint("https://build.example.com"), codeartsbuild.WithTransport(transport), option)
			require.NoError(t, err)
			for i := range int32(2) {
				attempts, err := authStop(t.Context(), client)
				require.Error(t, err)
				require.ErrorContains(t, err, "StopJob")
				if cause != nil {
					require.ErrorIs(t, err, cause)
				}
				require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				require.Zero(t, attempts)
				require.Equal(t, i+1, asked(), "asked again at the next call, and only then")
			}
			require.Zero(t, transport.GetTotalCallCount(), "requests")
		})
	}
	for name, tt := range tokens {
		for _, cached := range []bool{false, true} {
			var asked atomic.Int32
			var source codeartsbuild.TokenSource = codeartsbuild.TokenSourceFunc(func(context.Context) (*token, error) {
				asked.Add(1)
				return tt.token, tt.err
			})
			if cached {
				source = codeartsbuild.NewCachedTokenSource(source)
			}
			check(fmt.Sprintf("%s, cached %t", name, cached), tt.err, codeartsbuild.WithTokenSource(source), asked.Load)
		}
	}
	for name, tt := range keys {
		for _, cached := range []bool{false, true} {
			source := &authKeyFunc{f: func() (*key, error) { return tt.key, tt.err }}
			option := codeartsbuild.WithAccessKeySource(source)
			if cached {
				option = codeartsbuild.WithAccessKeySource(codeartsbuild.NewCachedAccessKeySource(source))
			}
			check(fmt.Sprintf("%s, cached %t", name, cached), tt.err, option, source.asked.Load)
		}
	}
}

type authKeyFunc struct {
	f     func() (*codeartsbuild.AccessKey, error)
	asked atomic.Int32
}

func (s *authKeyFunc) AccessKey(context.Context) (*codeartsbuild.AccessKey, error) {
	s.asked.Add(1)
	return s.f()
}

// B19: a cache in front of nothing.
func TestB19CacheOfANilSource(t *testing.T) {
	t.Parallel()
	token, err := codeartsbuild.NewCachedTokenSource(nil).Token(t.Context())
	require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
	require.Nil(t, token)
	key, err := codeartsbuild.NewCachedAccessKeySource(nil).AccessKey(t.Context())
	require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
	require.Nil(t, key)
}

// B29 of tokens: the source is asked for each attempt.
func TestB29EachAttemptHasAFreshToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		transport := httpmock.NewMockTransport()
		transport.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
			sent = append(sent, req.Header.Get("X-Auth-Token"))
			if len(sent) < 4 {
				return httpmock.NewStringResponse(503, `{}`), nil
			}
			return httpmock.NewStringResponse(200, `{"result":true}`), nil
		})
		issuer := &authIssuer{}
		client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint("https://build.example.com"), codeartsbuild.WithTransport(transport),
			codeartsbuild.WithTokenSource(codeartsbuild.TokenSourceFunc(func(ctx context.Context) (*codeartsbuild.Token, error) {
				name, ends, err := issuer.issue(ctx)
				return codeartsbuild.NewToken(name, ends), err
			})))
		require.NoError(t, err)
		attempts, err := authStop(t.Context(), client)
		require.NoError(t, err)
		require.Equal(t, 4, attempts)
		require.Equal(t, []string{"1", "2", "3", "4"}, sent)
	})
}

func TestCloseIdleConnectionsReachesTheSourceBehindTheCache(t *testing.T) {
	t.Parallel()
	source := &authCloser{}
	tokens := codeartsbuild.NewCachedTokenSource(source)
	keys := codeartsbuild.NewCachedAccessKeySource(source)
	tokens.CloseIdleConnections()
	keys.CloseIdleConnections()
	require.EqualValues(t, 2, source.closed)
	gateway := &authGateway{}
	gateway.client(t, codeartsbuild.WithTokenSource(tokens)).CloseIdleConnections()
	gateway.client(t, codeartsbuild.WithAccessKeySource(keys)).CloseIdleConnections()
	require.EqualValues(t, 4, source.closed)
	require.NotPanics(t, func() {
		codeartsbuild.NewCachedTokenSource(codeartsbuild.StaticToken("token")).CloseIdleConnections()
		codeartsbuild.NewCachedTokenSource(nil).CloseIdleConnections()
	})
}

type authCloser struct{ closed int }

func (*authCloser) Token(context.Context) (*codeartsbuild.Token, error)         { return nil, nil }
func (*authCloser) AccessKey(context.Context) (*codeartsbuild.AccessKey, error) { return nil, nil }
func (c *authCloser) CloseIdleConnections()                                     { c.closed++ }

func TestTokenTellsWhatItIs(t *testing.T) {
	t.Parallel()
	ends := time.Date(2026, 11, 25, 11, 36, 55, 0, time.UTC)
	token := codeartsbuild.NewToken("value", ends)
	require.Equal(t, "value", token.Value())
	require.Equal(t, ends, token.ExpiresAt())
	require.Empty(t, token.ProjectID())
	for _, empty := range []*codeartsbuild.Token{nil, {}, codeartsbuild.NewToken("", time.Time{})} {
		require.Empty(t, empty.Value())
		require.Zero(t, empty.ExpiresAt())
		require.Empty(t, empty.ProjectID())
	}
}
