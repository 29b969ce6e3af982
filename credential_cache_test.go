package codeartsbuild_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const crowd = 1000

// A sourceFunc issues credentials, which these tests know by name.
type sourceFunc func(ctx context.Context) (name string, ends time.Time, err error)

func (f sourceFunc) tokens() codeartsbuild.TokenSourceFunc {
	return func(ctx context.Context) (*codeartsbuild.Token, error) {
		name, ends, err := f(ctx)
		if err != nil {
			return nil, err
		}
		return codeartsbuild.NewToken(name, ends), nil
	}
}

func (f sourceFunc) keys() sdktest.AccessKeySource {
	return func(ctx context.Context) (*codeartsbuild.AccessKey, error) {
		name, ends, err := f(ctx)
		if err != nil {
			return nil, err
		}
		return codeartsbuild.NewTemporaryAccessKey(name, "secret", "", ends), nil
	}
}

// A credentialCache is the cache in front of a sourceFunc, for tokens or for access keys.
type credentialCache struct {
	get        func(ctx context.Context) (name string, err error)
	invalidate func(name string)
	option     codeartsbuild.ClientOption
}

var bothCaches = map[string]func(sourceFunc) credentialCache{"tokens": tokenCache, "access keys": keyCache}

func tokenCache(source sourceFunc) credentialCache {
	cached := codeartsbuild.NewCachedTokenSource(source.tokens())
	return credentialCache{
		get: func(ctx context.Context) (string, error) {
			token, err := cached.Token(ctx)
			return token.Value(), err
		},
		invalidate: func(name string) { cached.Invalidate(codeartsbuild.NewToken(name, time.Time{})) },
		option:     codeartsbuild.WithTokenSource(cached),
	}
}

func keyCache(source sourceFunc) credentialCache {
	keys := source.keys()
	var made sync.Map // name to *codeartsbuild.AccessKey
	cached := codeartsbuild.NewCachedAccessKeySource(sdktest.AccessKeySource(func(ctx context.Context) (*codeartsbuild.AccessKey, error) {
		key, err := keys(ctx)
		if err == nil {
			made.Store(keyID(key), key)
		}
		return key, err
	}))
	return credentialCache{
		get: func(ctx context.Context) (string, error) {
			key, err := cached.AccessKey(ctx)
			if key == nil {
				return "", err
			}
			return keyID(key), err
		},
		invalidate: func(name string) {
			if key, ok := made.Load(name); ok {
				cached.Invalidate(key.(*codeartsbuild.AccessKey))
			}
		},
		option: codeartsbuild.WithAccessKeySource(cached),
	}
}

// keyID is all that a key shows.
func keyID(key *codeartsbuild.AccessKey) string {
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(key), "codeartsbuild.AccessKey{"), "}")
}

// eachCache runs a test in a bubble for either kind of credential.
func eachCache(t *testing.T, test func(t *testing.T, newCache func(sourceFunc) credentialCache)) {
	for kind, newCache := range bothCaches {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, newCache) })
		})
	}
}

// A numberedIssuer issues the credentials "1", "2", "3" and so on.
type numberedIssuer struct {
	lifetime time.Duration   // 0: unknown
	takes    time.Duration   // each time
	fail     map[int32]error // by number
	asked    atomic.Int32
}

func (i *numberedIssuer) issue(ctx context.Context) (string, time.Time, error) {
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

func requireCredential(t *testing.T, cache credentialCache, want string) {
	t.Helper()
	got, err := cache.get(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// B10: many callers on a cold cache make one request.
func TestColdCacheAsksOnce(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{lifetime: time.Hour, takes: time.Second}
		cache := newCache(issuer.issue)
		started := time.Now()
		var group sync.WaitGroup
		for range crowd {
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
		t.Logf("%d callers on a cold cache: %d request", crowd, issuer.asked.Load())
	})
}

// B10: the same through IAM and with the real scheduler.
func TestColdCacheLogsInOnce(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	source := sdktest.TokenSource(t, f.IAMConfig())
	var group sync.WaitGroup
	start := make(chan struct{})
	values := make([]string, crowd)
	for i := range crowd {
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
	require.Equal(t, 1, f.Count(sdktest.OpLogin))
	t.Logf("%d callers on a cold cache: %d login", crowd, f.Count(sdktest.OpLogin))
}

// B11: a waiter returns when its own context ends.
func TestWaiterEndsWithItsContext(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{takes: time.Minute}
		cache := newCache(issuer.issue)
		started := time.Now()
		var group sync.WaitGroup
		defer group.Wait()
		group.Go(func() { // starts the refresh
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

// B11, B21: the same through a call, which has sent nothing then: its outcome is known.
func TestCallWaitingForCredentialEndsWithItsContext(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{takes: time.Minute}
		gateway := &credentialGateway{accepts: func(string) bool { return true }}
		client := sdktest.ClientWith(t, newCache(issuer.issue).option, gateway)
		for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
			started := time.Now()
			ctx, cancel := context.WithDeadline(t.Context(), started.Add(5*time.Second))
			if end == context.Canceled {
				time.AfterFunc(2*time.Second, cancel)
			}
			_, err := stopCounting(ctx, client)
			cancel()
			require.ErrorIs(t, err, end)
			require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
			require.LessOrEqual(t, time.Since(started), 5*time.Second)
		}
		require.Zero(t, gateway.requests.Load())
	})
}

// B12: a refresh outlives the caller that started it.
func TestRefreshOutlivesItsStarter(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{takes: 10 * time.Second}
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

// B12: a refresh ends with its last waiter, and the next caller does not wait for its remains.
func TestRefreshEndsWithItsLastWaiter(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
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
		require.Len(t, ended, 1, "no caller waits any more")
		started := time.Now()
		requireCredential(t, cache, "second")
		require.Zero(t, time.Since(started))
		time.Sleep(2 * time.Second) // until the remains have ended
		requireCredential(t, cache, "second")
	})
}

// B13: a late rejection of an old credential keeps the new one.
func TestLateInvalidateKeepsNewCredential(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{}
		cache := newCache(issuer.issue)
		requireCredential(t, cache, "1")
		cache.invalidate("1")
		requireCredential(t, cache, "2")
		cache.invalidate("1")
		cache.invalidate("unknown")
		requireCredential(t, cache, "2")
		cache.invalidate("2")
		requireCredential(t, cache, "3")
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

// B14: a failed refresh is the error of every waiter, and the next call tries again.
func TestFailedRefreshReachesEveryWaiter(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		outage := errors.New("outage")
		issuer := &numberedIssuer{takes: time.Second, fail: map[int32]error{1: outage, 2: outage}}
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
		requireCredential(t, cache, "3")
	})
}

// B14: a credential beside an error is neither used nor kept.
func TestCredentialBesideErrorIgnored(t *testing.T) {
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

// B14: a failed early renewal is not an error while the old credential lasts.
func TestEarlyRenewalFailsWhileOldLasts(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		outage := errors.New("outage")
		issuer := &numberedIssuer{lifetime: time.Hour, fail: map[int32]error{2: outage, 3: outage, 4: outage, 5: outage}}
		cache := newCache(issuer.issue)
		requireCredential(t, cache, "1")
		time.Sleep(56 * time.Minute) // renewal begins 6 to 4.5 minutes before the end
		for asked := int32(2); asked <= 4; asked++ {
			requireCredential(t, cache, "1")
			require.Equal(t, asked, issuer.asked.Load())
			for range 29 {
				time.Sleep(time.Second)
				requireCredential(t, cache, "1")
			}
			require.Equal(t, asked, issuer.asked.Load(), "tried again within 30 s")
			time.Sleep(time.Second)
		}
		time.Sleep(3 * time.Minute) // now the old one has ended
		_, err := cache.get(t.Context())
		require.ErrorIs(t, err, outage)
		require.EqualValues(t, 5, issuer.asked.Load())
		requireCredential(t, cache, "6") // at once: without an old one there is nothing to wait with
	})
}

// B14: an early renewal succeeds after a failure.
func TestEarlyRenewalSucceedsAfterFailure(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{lifetime: time.Hour, fail: map[int32]error{2: errors.New("outage")}}
		cache := newCache(issuer.issue)
		requireCredential(t, cache, "1")
		time.Sleep(56 * time.Minute)
		requireCredential(t, cache, "1")
		time.Sleep(30 * time.Second)
		requireCredential(t, cache, "3")
		time.Sleep(50 * time.Minute) // of its own hour
		requireCredential(t, cache, "3")
		require.EqualValues(t, 3, issuer.asked.Load())
	})
}

// B14: no caller waits long for an issuer that hangs while the old credential lasts.
func TestEarlyRenewalHangsAndIsGivenUp(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{lifetime: time.Hour}
		cache := newCache(issuer.issue)
		requireCredential(t, cache, "1")
		issuer.takes = 24 * time.Hour
		time.Sleep(56 * time.Minute)
		started := time.Now()
		requireCredential(t, cache, "1")
		require.LessOrEqual(t, time.Since(started), 10*time.Second)
		require.EqualValues(t, 2, issuer.asked.Load())
	})
}

// B14: short deadlines and an issuer that hangs must not fail call after call while the old one lasts.
func TestEarlyRenewalGivenUpByItsCaller(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{lifetime: time.Hour}
		cache := newCache(issuer.issue)
		requireCredential(t, cache, "1")
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

// B14: the old credential ends, or is rejected, while its renewal is under way: then the failure is an error.
func TestEarlyRenewalFailsAfterOldIsGone(t *testing.T) {
	t.Parallel()
	t.Run("ended", func(t *testing.T) {
		t.Parallel()
		eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
			outage := errors.New("outage")
			issuer := &numberedIssuer{lifetime: 20 * time.Second, fail: map[int32]error{2: outage}}
			cache := newCache(issuer.issue)
			requireCredential(t, cache, "1")
			issuer.takes = 9 * time.Second
			time.Sleep(14 * time.Second)
			got, err := cache.get(t.Context()) // ends 3 s after the old one
			require.ErrorIs(t, err, outage)
			require.Empty(t, got)
		})
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
			outage := errors.New("outage")
			issuer := &numberedIssuer{lifetime: time.Hour, fail: map[int32]error{2: outage}}
			cache := newCache(issuer.issue)
			requireCredential(t, cache, "1")
			issuer.takes = 5 * time.Second
			time.Sleep(56 * time.Minute)
			time.AfterFunc(time.Second, func() { cache.invalidate("1") })
			got, err := cache.get(t.Context())
			require.ErrorIs(t, err, outage)
			require.Empty(t, got)
		})
	})
}

// B13, B14: a rejection during an early renewal does not start a second one.
func TestInvalidateDuringEarlyRenewal(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{lifetime: time.Hour}
		cache := newCache(issuer.issue)
		requireCredential(t, cache, "1")
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
		requireCredential(t, cache, "2")
		group.Wait()
		require.EqualValues(t, 2, issuer.asked.Load())
	})
}

// B15: the renewal begins early, by a tenth of the lifetime within limits, and with jitter.
func TestEarlyRenewalWindow(t *testing.T) {
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
			eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
				const caches, steps = 64, 20
				var issuers [caches]numberedIssuer
				var cached [caches]credentialCache
				for i := range caches {
					issuers[i].lifetime = tt.lifetime
					cached[i] = newCache(issuers[i].issue)
					requireCredential(t, cached[i], "1")
				}
				time.Sleep(tt.lifetime - tt.window - 1)
				for i := range caches {
					requireCredential(t, cached[i], "1")
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

// B15: one caller renews, the others keep the old credential.
func TestEarlyRenewalByOneCaller(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{lifetime: time.Hour}
		cache := newCache(issuer.issue)
		requireCredential(t, cache, "1")
		issuer.takes = 5 * time.Second
		time.Sleep(56 * time.Minute)
		var old, renewed atomic.Int32
		var group sync.WaitGroup
		started := time.Now()
		for range crowd {
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
		require.EqualValues(t, crowd-1, old.Load())
		require.EqualValues(t, 2, issuer.asked.Load())
	})
}

// B15: a credential with an unknown end is used until it is rejected.
func TestCredentialWithUnknownEnd(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{}
		cache := newCache(issuer.issue)
		for range 10 {
			requireCredential(t, cache, "1")
			time.Sleep(365 * 24 * time.Hour)
		}
		cache.invalidate("1")
		requireCredential(t, cache, "2")
	})
}

func TestCredentialEnded(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{lifetime: time.Hour, takes: time.Second}
		cache := newCache(issuer.issue)
		requireCredential(t, cache, "1")
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
		require.Equal(t, time.Second, time.Since(started), "no caller gets one that has ended")
		require.EqualValues(t, 2, issuer.asked.Load())
	})
}

func TestEarlyRenewalHangs(t *testing.T) {
	t.Parallel()
	sources := map[string]func(context.Context){
		"until its context ends":  func(ctx context.Context) { <-ctx.Done() },
		"longer than its context": func(context.Context) { time.Sleep(time.Hour) },
	}
	for name, hang := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
				var asked atomic.Int32
				cache := newCache(func(ctx context.Context) (string, time.Time, error) {
					if asked.Add(1) > 1 {
						hang(ctx)
						return "", time.Time{}, errors.New("hung up")
					}
					return "1", time.Now().Add(time.Hour), nil
				})
				requireAfter := func(ctx context.Context, want time.Duration) {
					t.Helper()
					started := time.Now()
					got, err := cache.get(ctx)
					require.NoError(t, err)
					require.Equal(t, "1", got)
					require.Equal(t, want, time.Since(started))
				}
				requireAfter(t.Context(), 0)
				time.Sleep(57 * time.Minute)
				for range 2 {
					ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
					requireAfter(ctx, 2*time.Second)
					requireAfter(ctx, 0)
					cancel()
					requireAfter(t.Context(), 0)
					time.Sleep(31 * time.Second)
					requireAfter(t.Context(), 10*time.Second)
					requireAfter(t.Context(), 0)
					time.Sleep(31 * time.Second)
				}
				require.EqualValues(t, 5, asked.Load())
				time.Sleep(2 * time.Hour) // until all that were asked have returned
			})
		})
	}
}

// A renewal just before the end is waited for. If it fails, the old credential is used while it lasts.
func TestEarlyRenewalJustBeforeTheEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		takes  time.Duration
		fails  bool
		within time.Duration // of the caller's deadline; 0: none
		want   string
	}{
		"slow":                      {takes: 5 * time.Second, want: "2"},
		"slow, and a deadline":      {takes: 5 * time.Second, within: 8 * time.Second, want: "2"},
		"slower than patience":      {takes: 12 * time.Second, want: "2"},
		"fails while the old lasts": {takes: time.Second, fails: true, want: "1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
				var asked atomic.Int32
				cache := newCache(func(context.Context) (string, time.Time, error) {
					if asked.Add(1) == 1 {
						return "1", time.Now().Add(time.Hour), nil
					}
					time.Sleep(tt.takes)
					if tt.fails {
						return "", time.Time{}, errors.New("no")
					}
					return "2", time.Now().Add(time.Hour), nil
				})
				requireCredential(t, cache, "1")
				time.Sleep(time.Hour - 3*time.Second)
				ctx := t.Context()
				if tt.within > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.within)
					defer cancel()
				}
				got, err := cache.get(ctx)
				require.NoError(t, err)
				require.Equal(t, tt.want, got)
			})
		})
	}
}

func TestCredentialIssuedAlreadyEnded(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{lifetime: -time.Hour}
		cache := newCache(func(ctx context.Context) (string, time.Time, error) {
			name, _, err := issuer.issue(ctx)
			return name, time.Now().Add(-time.Hour), err
		})
		for range 5 {
			requireCredential(t, cache, "1")
		}
		require.EqualValues(t, 1, issuer.asked.Load())
		gateway := &credentialGateway{accepts: func(name string) bool { return name == "2" }}
		requests, err := stopCounting(t.Context(), sdktest.ClientWith(t, cache.option, gateway))
		require.NoError(t, err)
		require.Equal(t, 2, requests)
		requireCredential(t, cache, "2")
	})
}
