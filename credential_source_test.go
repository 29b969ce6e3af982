package codeartsbuild_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
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

// credentialOptions are the ways to give a source to a client.
var credentialOptions = map[string]func(sourceFunc) codeartsbuild.ClientOption{
	"token": func(source sourceFunc) codeartsbuild.ClientOption {
		return codeartsbuild.WithTokenSource(source.tokens())
	},
	"cached token": func(source sourceFunc) codeartsbuild.ClientOption { return tokenCache(source).option },
	"access key": func(source sourceFunc) codeartsbuild.ClientOption {
		return codeartsbuild.WithAccessKeySource(source.keys())
	},
	"cached access key": func(source sourceFunc) codeartsbuild.ClientOption { return keyCache(source).option },
}

// unsent is a transport that must not be called.
func unsent(t *testing.T) httpfake.Func {
	return func(req *http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return httpfake.Lost(req)
	}
}

// B83: the time of an attempt starts with its request, not with the credential.
func TestSlowCredentialOutsideAttemptTimeout(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		call   sdktest.Call
		status int
		body   string
		kinds  []string
	}{
		"run":                  {sdktest.Run, 200, `{"actual_build_number":"20"}`, []string{}},
		"stop":                 {sdktest.Stop, 200, `{"result":true}`, []string{}},
		"read":                 {sdktest.Read, 200, `{}`, []string{}},
		"build that had ended": {sdktest.Stop, 400, finishedBody, []string{"ErrBuildFinished"}},
	}
	for kind, option := range credentialOptions {
		for name, tt := range tests {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					issuer := &numberedIssuer{takes: 10 * time.Second}
					reply := httpfake.Reply(tt.status, tt.body)
					transport := httpfake.Script(func(req *http.Request) (*http.Response, error) {
						select {
						case <-req.Context().Done():
							return nil, req.Context().Err()
						case <-time.After(900 * time.Millisecond):
							return reply(req)
						}
					})
					client := sdktest.ClientWith(t, option(issuer.issue), transport, codeartsbuild.WithTimeout(time.Second))
					var response codeartsbuild.Response
					require.Equal(t, tt.kinds, sdktest.Kinds(tt.call(t.Context(), client, codeartsbuild.WithResponseInto(&response))))
					require.Equal(t, 1, response.Attempts)
					require.Equal(t, 1, transport.Count())
					require.EqualValues(t, 1, issuer.asked.Load())
				})
			})
		}
	}
}

// B83: the context ends while a source takes no notice: nothing is sent, and the outcome is known.
func TestSourceIgnoresContext(t *testing.T) {
	t.Parallel()
	ends := map[string]func(context.Context) (context.Context, context.CancelFunc){
		"DeadlineExceeded": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		},
		"Canceled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		},
	}
	calls := map[string]sdktest.Call{"stop": sdktest.Stop, "run": sdktest.Run, "read": sdktest.Read}
	for kind, option := range credentialOptions {
		if strings.HasPrefix(kind, "cached") { // a cache returns by itself
			continue
		}
		for want, end := range ends {
			for name, call := range calls {
				t.Run(name+"/"+kind+"/"+want, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						client := sdktest.ClientWith(t, option(func(context.Context) (string, time.Time, error) {
							time.Sleep(2 * time.Second)
							return "late", time.Time{}, nil
						}), unsent(t))
						ctx, cancel := end(t.Context())
						defer cancel()
						var response codeartsbuild.Response
						require.Equal(t, []string{want}, sdktest.Kinds(call(ctx, client, codeartsbuild.WithResponseInto(&response))))
						require.Zero(t, response.Attempts)
					})
				})
			}
		}
	}
}

// B86: the error of a source may be that of another client's call. It does not make the outcome of this call
// unknown and does not end its context; its other kinds stay.
func TestSourceErrorKinds(t *testing.T) {
	t.Parallel()
	sealed := errors.New("the vault is sealed")
	slow := codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: time.Hour, MaxDelay: time.Hour})
	// inner is a call whose context ends in the pause after an attempt whose outcome is unknown.
	inner := func(ctx context.Context, attempt httpfake.Func) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return sdktest.Stop(ctx, sdktest.Client(t, attempt, slow))
	}
	tests := map[string]struct {
		source func(context.Context) error
		kinds  []string
		status int // of the *APIError; 0: none
		is     error
	}{
		"outcome unknown": {source: func(context.Context) error {
			return fmt.Errorf("%w: %w", sealed, codeartsbuild.ErrOutcomeUnknown)
		}, kinds: []string{}, is: sealed},
		"outcome unknown after the end of a context": {source: func(context.Context) error {
			return fmt.Errorf("%w: %w: %w: %w", sealed, codeartsbuild.ErrOutcomeUnknown, context.DeadlineExceeded, context.Canceled)
		}, kinds: []string{}, is: sealed},
		"outcome unknown and another kind": {source: func(context.Context) error {
			return fmt.Errorf("%w: %w: %w", sealed, codeartsbuild.ErrNotFound, codeartsbuild.ErrOutcomeUnknown)
		}, kinds: []string{"ErrNotFound"}, is: sealed},
		"504 of another client": {source: func(ctx context.Context) error {
			return inner(ctx, httpfake.Reply(504, ""))
		}, kinds: []string{"ErrInternalServerError"}, status: 504},
		"504 of another client, wrapped": {source: func(ctx context.Context) error {
			return fmt.Errorf("%w: %w", sealed, inner(ctx, httpfake.Reply(504, "")))
		}, kinds: []string{"ErrInternalServerError"}, status: 504},
		"lost response of another client": {source: func(ctx context.Context) error {
			return inner(ctx, httpfake.Fail(io.ErrUnexpectedEOF))
		}, kinds: []string{}},
	}
	calls := map[string]sdktest.Call{"stop": sdktest.Stop, "run": sdktest.Run, "read": sdktest.Read}
	for kind, option := range credentialOptions {
		for name, tt := range tests {
			for what, call := range calls {
				t.Run(name+"/"+kind+"/"+what, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						client := sdktest.ClientWith(t, option(func(ctx context.Context) (string, time.Time, error) {
							return "", time.Time{}, tt.source(ctx)
						}), unsent(t))
						err := call(t.Context(), client)
						require.Error(t, err)
						require.Equal(t, tt.kinds, sdktest.Kinds(err))
						var apiErr *codeartsbuild.APIError
						if errors.As(err, &apiErr) || tt.status != 0 {
							require.Equal(t, tt.status, sdktest.APIError(t, err).StatusCode)
						}
						if tt.is != nil {
							require.ErrorIs(t, err, tt.is)
						}
					})
				})
			}
		}
	}
}

// B86: a source that ends its goroutine gives an error to all who wait.
func TestSourceEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		var asked atomic.Int32
		cache := newCache(func(context.Context) (string, time.Time, error) {
			if asked.Add(1) == 1 {
				time.Sleep(time.Second)
				runtime.Goexit()
			}
			return "after", time.Time{}, nil
		})
		started := time.Now()
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if got, err := cache.get(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a waiter got %q, %v, want an error", got, err)
				}
			})
		}
		group.Wait()
		require.Equal(t, time.Second, time.Since(started))
		requireCredential(t, cache, "after")
	})
}

// B86: a cache that is asked without a context rejects that.
func TestCacheWithoutContext(t *testing.T) {
	t.Parallel()
	eachCache(t, func(t *testing.T, newCache func(sourceFunc) credentialCache) {
		issuer := &numberedIssuer{lifetime: time.Hour}
		cache := newCache(issuer.issue)
		var none context.Context
		for range 2 { // without a credential and with one
			require.NotPanics(t, func() {
				_, err := cache.get(none)
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			})
			requireCredential(t, cache, "1")
		}
		require.EqualValues(t, 1, issuer.asked.Load())
	})
}

// B19: a source without a credential is an error, and nothing is sent.
func TestNoCredentialNothingSent(t *testing.T) {
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
			client := sdktest.ClientWith(t, option, unsent(t))
			for i := range int32(2) {
				attempts, err := stopCounting(t.Context(), client)
				require.Error(t, err)
				require.ErrorContains(t, err, "StopJob")
				if cause != nil {
					require.ErrorIs(t, err, cause)
				}
				require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				require.Zero(t, attempts)
				require.Equal(t, i+1, asked(), "asked again at the next call, and only then")
			}
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
			var asked atomic.Int32
			var source codeartsbuild.AccessKeySource = sdktest.AccessKeySource(func(context.Context) (*key, error) {
				asked.Add(1)
				return tt.key, tt.err
			})
			if cached {
				source = codeartsbuild.NewCachedAccessKeySource(source)
			}
			check(fmt.Sprintf("%s, cached %t", name, cached), tt.err, codeartsbuild.WithAccessKeySource(source), asked.Load)
		}
	}
}

// B19: a cache without a source.
func TestCacheOfNilSource(t *testing.T) {
	t.Parallel()
	token, err := codeartsbuild.NewCachedTokenSource(nil).Token(t.Context())
	require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
	require.Nil(t, token)
	key, err := codeartsbuild.NewCachedAccessKeySource(nil).AccessKey(t.Context())
	require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
	require.Nil(t, key)
}

// B29: the source is asked for a token for each attempt.
func TestTokenPerAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		unavailable := httpfake.Reply(503, "{}")
		transport := httpfake.Script(unavailable, unavailable, unavailable, httpfake.Reply(200, `{"result":true}`))
		source := sourceFunc((&numberedIssuer{}).issue)
		attempts, err := stopCounting(t.Context(), sdktest.ClientWith(t, codeartsbuild.WithTokenSource(source.tokens()), transport))
		require.NoError(t, err)
		require.Equal(t, 4, attempts)
		var sent []string
		for _, r := range transport.Requests() {
			sent = append(sent, r.Header.Get("X-Auth-Token"))
		}
		require.Equal(t, []string{"1", "2", "3", "4"}, sent)
	})
}

func TestCloseIdleConnectionsReachesSource(t *testing.T) {
	t.Parallel()
	source := &closeCounter{}
	tokens := codeartsbuild.NewCachedTokenSource(source)
	keys := codeartsbuild.NewCachedAccessKeySource(source)
	tokens.CloseIdleConnections()
	keys.CloseIdleConnections()
	require.EqualValues(t, 2, source.closed)
	for _, credential := range []codeartsbuild.ClientOption{codeartsbuild.WithTokenSource(tokens), codeartsbuild.WithAccessKeySource(keys)} {
		sdktest.ClientWith(t, credential, unsent(t)).CloseIdleConnections()
	}
	require.EqualValues(t, 4, source.closed)
	require.NotPanics(t, func() {
		codeartsbuild.NewCachedTokenSource(codeartsbuild.StaticToken("token")).CloseIdleConnections()
		codeartsbuild.NewCachedTokenSource(nil).CloseIdleConnections()
	})
}

type closeCounter struct{ closed int }

func (*closeCounter) Token(context.Context) (*codeartsbuild.Token, error) { return nil, nil }

func (*closeCounter) AccessKey(context.Context) (*codeartsbuild.AccessKey, error) { return nil, nil }

func (c *closeCounter) CloseIdleConnections() { c.closed++ }

func TestTokenAccessors(t *testing.T) {
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
