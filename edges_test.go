package codeartsbuild_test

import (
	"context"
	"encoding/json"
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

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// An edgeCall is a call of these tests: one that may be repeated, one that may not, and one that reads.
type edgeCall func(context.Context, *codeartsbuild.Client, ...codeartsbuild.CallOption) error

func edgeStop(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
	_, err := c.Jobs.Stop(ctx, answerJob, "20", opts...)
	return err
}

func edgeRun(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
	_, err := c.Jobs.Run(ctx, answerJob, nil, opts...)
	return err
}

func edgeRead(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
	return c.Do(ctx, http.MethodGet, "/v1/job/anything", nil, nil, opts...)
}

// edgeThrice makes each call up to three attempts.
var edgeThrice = codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 3, MinDelay: 1, MaxDelay: 1})

// edgeSources are the ways to give a source to a client.
var edgeSources = map[string]func(authSource) codeartsbuild.ClientOption{
	"token": func(source authSource) codeartsbuild.ClientOption {
		tokens := func(ctx context.Context) (*codeartsbuild.Token, error) {
			name, ends, err := source(ctx)
			return codeartsbuild.NewToken(name, ends), err
		}
		return codeartsbuild.WithTokenSource(codeartsbuild.TokenSourceFunc(tokens))
	},
	"cached token": func(source authSource) codeartsbuild.ClientOption { return authTokens(source).option },
	"access key": func(source authSource) codeartsbuild.ClientOption {
		return codeartsbuild.WithAccessKeySource(&authKeySource{source: source})
	},
	"cached access key": func(source authSource) codeartsbuild.ClientOption { return authKeys(source).option },
}

// edgeClient is a client with one of edgeSources, or with a token of its own where option is nil.
func edgeClient(
	t *testing.T, option codeartsbuild.ClientOption, transport answerTransport, opts ...codeartsbuild.ClientOption,
) *codeartsbuild.Client {
	t.Helper()
	if option == nil {
		option = codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(answerToken))
	}
	return wireNewClient(t, append([]codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint("https://build.example.com"), option, codeartsbuild.WithTransport(transport),
	}, opts...)...)
}

func TestB83SlowCredentialTakesNoTimeFromTheAttempt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		call   edgeCall
		status int
		body   string
		kinds  []string
	}{
		"B83 run":                  {edgeRun, 200, `{"actual_build_number":"20"}`, []string{}},
		"B83 stop":                 {edgeStop, 200, `{"result":true}`, []string{}},
		"B83 read":                 {edgeRead, 200, `{}`, []string{}},
		"B83 build that had ended": {edgeStop, 400, answerFinished, []string{"ErrBuildFinished"}},
	}
	for kind, option := range edgeSources {
		for name, tt := range tests {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					issuer := &authIssuer{takes: 10 * time.Second}
					requests := 0
					client := edgeClient(t, option(issuer.issue), func(req *http.Request) (*http.Response, error) {
						select {
						case <-req.Context().Done():
							return nil, req.Context().Err()
						case <-time.After(900 * time.Millisecond):
							requests++
							return wireAnswer(req, tt.status, tt.body), nil
						}
					}, codeartsbuild.WithTimeout(time.Second))
					var response codeartsbuild.Response
					require.Equal(t, tt.kinds, answerAre(tt.call(t.Context(), client, codeartsbuild.WithResponseInto(&response))))
					require.Equal(t, 1, response.Attempts)
					require.Equal(t, 1, requests)
					require.EqualValues(t, 1, issuer.asked.Load())
				})
			})
		}
	}
}

func TestB83SourceTakesNoNoticeOfTheEndOfTheContext(t *testing.T) {
	t.Parallel()
	ends := map[string]func(context.Context) (context.Context, context.CancelFunc){
		"DeadlineExceeded": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		},
		"context.Canceled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		},
	}
	calls := map[string]edgeCall{"B83 stop": edgeStop, "B83 run": edgeRun, "B83 read": edgeRead}
	for kind, option := range edgeSources {
		if strings.HasPrefix(kind, "cached") { // a cache returns by itself
			continue
		}
		for want, end := range ends {
			for name, call := range calls {
				t.Run(name+"/"+kind+"/"+want, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						client := edgeClient(t, option(func(context.Context) (string, time.Time, error) {
							time.Sleep(2 * time.Second)
							return "late", time.Time{}, nil
						}), func(req *http.Request) (*http.Response, error) {
							t.Error("the transport was called")
							return nil, req.Context().Err()
						})
						ctx, cancel := end(t.Context())
						defer cancel()
						var response codeartsbuild.Response
						require.Equal(t, []string{want}, answerAre(call(ctx, client, codeartsbuild.WithResponseInto(&response))))
						require.Zero(t, response.Attempts)
					})
				})
			}
		}
	}
}

func TestB86KindsThatTheErrorOfASourceLoses(t *testing.T) {
	t.Parallel()
	sealed := errors.New("the vault is sealed")
	slow := codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: time.Hour, MaxDelay: time.Hour})
	// A call whose context ends in the pause after an attempt that left doubt.
	inner := func(ctx context.Context, answer answerTransport) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return edgeStop(ctx, edgeClient(t, nil, answer, slow))
	}
	timeout := func(req *http.Request) (*http.Response, error) { return wireAnswer(req, 504, ""), nil }
	tests := map[string]struct {
		source func(context.Context) error
		kinds  []string
		status int // of the *APIError; 0: none
		is     error
	}{
		"B86 in doubt": {func(context.Context) error {
			return fmt.Errorf("%w: %w", sealed, codeartsbuild.ErrOutcomeUnknown)
		}, []string{}, 0, sealed},
		"B86 in doubt when a context ended": {func(context.Context) error {
			return fmt.Errorf("%w: %w: %w: %w", sealed, codeartsbuild.ErrOutcomeUnknown, context.DeadlineExceeded, context.Canceled)
		}, []string{}, 0, sealed},
		"B86 another kind beside the doubt": {func(context.Context) error {
			return fmt.Errorf("%w: %w: %w", sealed, codeartsbuild.ErrNotFound, codeartsbuild.ErrOutcomeUnknown)
		}, []string{"ErrNotFound"}, 0, sealed},
		"B86 answer in doubt to a client of the source's": {func(ctx context.Context) error {
			return inner(ctx, timeout)
		}, []string{"ErrInternalServerError"}, 504, nil},
		"B86 answer to a client of the source's, wrapped": {func(ctx context.Context) error {
			return fmt.Errorf("%w: %w", sealed, inner(ctx, timeout))
		}, []string{"ErrInternalServerError"}, 504, nil},
		"B86 lost answer to a client of the source's": {func(ctx context.Context) error {
			return inner(ctx, func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
		}, []string{}, 0, nil},
	}
	calls := map[string]edgeCall{"stop": edgeStop, "run": edgeRun, "read": edgeRead}
	for kind, option := range edgeSources {
		for name, tt := range tests {
			for what, call := range calls {
				t.Run(name+"/"+kind+"/"+what, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						client := edgeClient(t, option(func(ctx context.Context) (string, time.Time, error) {
							return "", time.Time{}, tt.source(ctx)
						}), func(*http.Request) (*http.Response, error) {
							t.Error("a request was sent")
							return nil, io.EOF
						})
						err := call(t.Context(), client)
						require.Error(t, err)
						require.Equal(t, tt.kinds, answerAre(err))
						var apiErr *codeartsbuild.APIError
						require.Equal(t, tt.status != 0, errors.As(err, &apiErr))
						if tt.status != 0 {
							require.Equal(t, tt.status, apiErr.StatusCode)
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

func TestB86SourceThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
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
		requireAuth(t, cache, "after")
	})
}

func TestB86CacheIsAskedWithoutAContext(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{lifetime: time.Hour}
		cache := newCache(issuer.issue)
		var none context.Context
		for range 2 { // nothing held, and something
			require.NotPanics(t, func() {
				_, err := cache.get(none)
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			})
			requireAuth(t, cache, "1")
		}
		require.EqualValues(t, 1, issuer.asked.Load())
	})
}

func TestB88StringArrivesAsItIs(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{`"hello"`: "hello", `"5"`: "5", `"{\"a\":1}"`: `{"a":1}`, "\n\"\" ": ""} {
		t.Run("B88 "+body, func(t *testing.T) {
			t.Parallel()
			client, _ := answerClient(t, httpmock.NewStringResponder(200, body), answerOnce)
			text := "before"
			require.NoError(t, client.Do(t.Context(), http.MethodGet, "/x", nil, &text))
			require.Equal(t, want, text)
			var anything any
			require.NoError(t, client.Do(t.Context(), http.MethodPost, "/x", nil, &anything))
			require.Equal(t, want, anything)
		})
	}
}

func TestB88HeadNeedsNoBody(t *testing.T) {
	t.Parallel()
	requests := 0
	client := edgeClient(t, nil, func(req *http.Request) (*http.Response, error) {
		requests++
		answer := wireAnswer(req, 200, "")
		answer.Body, answer.ContentLength = http.NoBody, 10
		return answer, nil
	}, wireQuick)
	out := "before"
	require.NoError(t, client.Do(t.Context(), http.MethodHead, "/x", nil, &out))
	require.Equal(t, "before", out)
	require.Equal(t, 1, requests)
}

func TestB88RawMessageIsChecked(t *testing.T) {
	t.Parallel()
	for _, in := range []json.RawMessage{json.RawMessage("{bad"), {}, json.RawMessage("{}{}")} {
		t.Run("B88 "+string(in), func(t *testing.T) {
			t.Parallel()
			client, mock := answerClient(t, httpmock.NewStringResponder(200, "{}"))
			require.ErrorIs(t, client.Do(t.Context(), http.MethodPost, "/x", in, nil), codeartsbuild.ErrInvalidArgument)
			require.Zero(t, mock.GetTotalCallCount())
		})
	}
}

func TestB88Paths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{ // "": refused
		`/a?b=c;d`: "", `/a?b=%zz`: "", `/a?b=c%3Bd`: `/a?b=c%3Bd`,
		`/a\b`: "", `/a<b`: "", `/a"b`: "", `/a^b?c=d`: "", `/é`: "",
		`/a?`: `/a?`, `/a%2fb`: `/a%2fb`, `/a%2Fb?c=%2f`: `/a%2Fb?c=%2f`,
	} {
		t.Run("B88 "+path, func(t *testing.T) {
			t.Parallel()
			var last wireSeen
			mock := wireSee(&last)
			client := edgeClient(t, nil, mock.RoundTrip)
			err := client.Do(t.Context(), http.MethodGet, path, nil, nil)
			if want == "" {
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.Zero(t, mock.GetTotalCallCount())
				return
			}
			require.Equal(t, "https://build.example.com"+want, last.url)
		})
	}
}

// edgeBroken answers with less than it announces: the rest is cut off, or never comes.
func edgeBroken(status int, start string, stalls bool) answerTransport {
	return func(req *http.Request) (*http.Response, error) {
		answer := wireAnswer(req, status, "")
		var rest io.Reader = iamBroken{}
		if stalls {
			rest = edgeSilence{req.Context()}
		}
		answer.Body, answer.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(start), rest)), 109
		return answer, nil
	}
}

// An edgeSilence is a body that says nothing until a context ends.
type edgeSilence struct{ ctx context.Context }

func (s edgeSilence) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

var edgeBreaks = map[string]bool{"cut off": false, "stalls": true}

func TestB89LoginThatIsRefusedHalf(t *testing.T) {
	t.Parallel()
	for how, stalls := range edgeBreaks {
		for status, kind := range map[int]error{
			401: codeartsbuild.ErrUnauthorized, 403: codeartsbuild.ErrForbidden, 400: codeartsbuild.ErrBadRequest,
			302: codeartsbuild.ErrUnexpectedResponse, 308: codeartsbuild.ErrUnexpectedResponse,
		} {
			t.Run(fmt.Sprintf("B89 %d %s", status, how), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					transport := iamAnswers(edgeBroken(status, `{"error":{"code":`, stalls))
					token, err := iamSource(t, iamConfig(transport)).Token(t.Context())
					apiErr := requireIAMAPIError(t, token, err, iamPassword)
					require.Equal(t, status, apiErr.StatusCode)
					require.ErrorIs(t, err, kind)
					require.Len(t, transport.sent(), 1)
				})
			})
		}
	}
}

func TestB89StopThatIsRefusedHalf(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status   int
		kinds    []string
		requests int
		tokens   int
	}{
		"B89 401": {401, []string{"ErrUnauthorized"}, 2, 2},
		"B89 400": {400, []string{"ErrBadRequest"}, 1, 1},
		"B89 404": {404, []string{"ErrNotFound"}, 1, 1},
		"B89 500": {500, []string{"ErrInternalServerError", "ErrOutcomeUnknown"}, 3, 1},
	}
	for how, stalls := range edgeBreaks {
		for name, tt := range tests {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					issuer := &authIssuer{}
					client := edgeClient(t, authTokens(issuer.issue).option, edgeBroken(tt.status, `{"error_`, stalls), edgeThrice)
					requests, err := authStop(t.Context(), client)
					require.Equal(t, tt.kinds, answerAre(err))
					require.Equal(t, tt.requests, requests)
					require.EqualValues(t, tt.tokens, issuer.asked.Load())
				})
			})
		}
	}
}

func TestB90StopAPIAutoAfterALoginThatIsNotPublished(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		login, stop int // how many of each the gateway does not know
		paths       []string
	}{
		"B90 login":     {1, 0, []string{"/v3/jobs/stop"}},
		"B90 both":      {1, 1, []string{"/v3/jobs/stop", "/v1/job/" + answerJob + "/stop"}},
		"B90 stop only": {0, 1, []string{"/v3/jobs/stop", "/v1/job/" + answerJob + "/stop", "/v1/job/" + answerJob + "/stop"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var paths []string
			login := iamGranted
			if tt.login > 0 {
				login = iamReply(404, answerRetired)
			}
			source := iamSource(t, iamConfig(iamAnswers(login, iamGranted)))
			client := edgeClient(t, codeartsbuild.WithTokenSource(source), func(req *http.Request) (*http.Response, error) {
				if paths = append(paths, req.URL.Path); len(paths) <= tt.stop {
					return wireAnswer(req, 404, answerRetired), nil
				}
				return wireAnswer(req, 200, `{"result":true}`), nil
			}, codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto))
			first := edgeStop(t.Context(), client)
			if tt.login > 0 {
				require.ErrorIs(t, first, codeartsbuild.ErrAPIRetired)
			} else {
				require.NoError(t, first)
			}
			require.NoError(t, edgeStop(t.Context(), client))
			require.Equal(t, tt.paths, paths)
		})
	}
}

func TestB91CodesThatSayNothingAndThoseOfTheService(t *testing.T) {
	t.Parallel()
	unexplained := []string{"ErrInternalServerError", "ErrOutcomeUnknown"}
	tests := map[string]struct {
		status   int
		body     string
		kinds    []string
		requests int
	}{
		"B91 500, code of 0":                      {500, `{"error_code":0}`, unexplained, 3},
		"B91 500, code of 0 in a string":          {500, `{"error_code":"0","error_msg":"oops"}`, unexplained, 3},
		"B91 500, code of false":                  {500, `{"code":false}`, unexplained, 3},
		"B91 500, code of true":                   {500, `{"error_code":true}`, unexplained, 3},
		"B91 500, the status again":               {500, `{"code":500,"message":"Internal Server Error"}`, unexplained, 3},
		"B91 500, the status in a string":         {500, `{"error":{"code":"500"}}`, unexplained, 3},
		"B91 505, the status again":               {505, `{"code":505}`, unexplained, 3},
		"B91 502, build that had ended":           {502, `{"error_code":"DEV.CB.032302"}`, []string{"ErrBuildFinished"}, 1},
		"B91 504, build that had ended":           {504, `{"error_code":"DEV.CB.032302"}`, []string{"ErrBuildFinished"}, 1},
		"B91 504, build that had ended, as live":  {504, answerFinished, []string{"ErrBuildFinished"}, 1},
		"B91 504, the gateway's code":             {504, `{"error_code":"APIGW.0201"}`, unexplained, 3},
		"B91 502, a code that the table does not": {502, `{"error_code":"CB.99999999"}`, unexplained, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, mock := answerClient(t, httpmock.NewStringResponder(tt.status, tt.body), edgeThrice)
			require.Equal(t, tt.kinds, answerAre(edgeStop(t.Context(), client)))
			require.Equal(t, tt.requests, mock.GetTotalCallCount())
		})
	}
}

func TestB92CallsThatSendNothingGiveNothingBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, mock := answerClient(t, httpmock.NewStringResponder(503, "{}"), wireQuick)
		dead, cancel := context.WithCancel(t.Context())
		cancel()
		const calls = 3000
		for range calls {
			require.ErrorIs(t, edgeStop(t.Context(), client), codeartsbuild.ErrInternalServerError)
			for range 4 {
				require.ErrorIs(t, edgeStop(dead, client), context.Canceled)
			}
		}
		require.LessOrEqual(t, mock.GetTotalCallCount(), calls*12/10)
	})
}

// An edgeContext has ended as soon as its time comes, and says so on its channel a moment later.
type edgeContext struct {
	context.Context
	ends time.Time
}

func (c edgeContext) Err() error {
	if time.Now().Before(c.ends) {
		return nil
	}
	return context.Canceled
}

func TestB92CancelAtTheVeryEndOfAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		client := edgeClient(t, nil, func(req *http.Request) (*http.Response, error) {
			requests++
			answer := wireAnswer(req, 503, `{"error_msg":"maintenance"}`)
			answer.Header.Set("Retry-After", "1")
			return answer, nil
		})
		inner, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(time.Second+1, cancel)
		err := edgeStop(edgeContext{inner, time.Now().Add(time.Second)}, client)
		require.Equal(t, []string{"ErrInternalServerError", "context.Canceled"}, answerAre(err))
		var apiErr *codeartsbuild.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Equal(t, "maintenance", apiErr.ErrorMsg)
		require.Equal(t, 1, requests)
	})
}

func TestStopThatIsAnsweredWith200AndSomething(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body  string
		kinds []string // nil: stopped
	}{
		"err_msg":                         {`{"err_msg":"denied"}`, []string{"ErrNotStopped"}},
		"status of an error and its text": {`{"code":401,"message":"no"}`, []string{"ErrNotStopped"}},
		"escaped false":                   {`{"result":"\u0066alse"}`, []string{"ErrNotStopped"}},
		"nothing in error and errors":     {`{"result" : true, "error" : { }, "errors" : [ ]}`, nil},
		"code of 0 and a text":            {`{"result":true,"error_code":"0","error_msg":"success"}`, nil},
		"nothing in result":               {`{"result":{ }}`, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apiErr := answerStop(t, 200, tt.body)
			if tt.kinds == nil {
				require.Nil(t, apiErr)
				return
			}
			require.NotNil(t, apiErr)
			require.Equal(t, 200, apiErr.StatusCode)
			require.Equal(t, tt.kinds, answerAre(apiErr))
		})
	}
}

func TestEarlyRenewalThatHangs(t *testing.T) {
	t.Parallel()
	sources := map[string]func(context.Context){
		"until its context ends":                        func(ctx context.Context) { <-ctx.Done() },
		"and takes no notice of the end of its context": func(context.Context) { time.Sleep(time.Hour) },
	}
	for name, hang := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
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
				time.Sleep(2 * time.Hour) // until all have returned that were asked
			})
		})
	}
}

// A renewal that nobody can do without is waited for, and one that fails is none while the old credential lasts.
func TestEarlyRenewalJustBeforeTheEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		takes  time.Duration
		fails  bool
		within time.Duration // of the caller's deadline; 0: none
		want   string
	}{
		"slow":                      {5 * time.Second, false, 0, "2"},
		"slow, and a deadline":      {5 * time.Second, false, 8 * time.Second, "2"},
		"slower than patience":      {12 * time.Second, false, 0, "2"},
		"fails while the old lasts": {time.Second, true, 0, "1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
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
				requireAuth(t, cache, "1")
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

func TestCredentialThatHasEndedAlreadyIsKeptUntilItIsRefused(t *testing.T) {
	t.Parallel()
	authEach(t, func(t *testing.T, newCache func(authSource) authCache) {
		issuer := &authIssuer{lifetime: -time.Hour}
		cache := newCache(func(ctx context.Context) (string, time.Time, error) {
			name, _, err := issuer.issue(ctx)
			return name, time.Now().Add(-time.Hour), err
		})
		for range 5 {
			requireAuth(t, cache, "1")
		}
		require.EqualValues(t, 1, issuer.asked.Load())
		gateway := &authGateway{accepts: func(name string) bool { return name == "2" }}
		requests, err := authStop(t.Context(), gateway.client(t, cache.option))
		require.NoError(t, err)
		require.Equal(t, 2, requests)
		requireAuth(t, cache, "2")
	})
}

func TestNilPointerIsNoSource(t *testing.T) {
	t.Parallel()
	var (
		tokens *codeartsbuild.CachedTokenSource
		keys   *codeartsbuild.CachedAccessKeySource
	)
	for name, option := range map[string]codeartsbuild.ClientOption{
		"tokens": codeartsbuild.WithTokenSource(tokens), "access keys": codeartsbuild.WithAccessKeySource(keys),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint("https://build.example.com"), option)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			require.Nil(t, client)
		})
	}
}

func TestTextOfAWaitThatEndsWithALongCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := errors.New(strings.Repeat("a long\ncause ", 200))
		client := edgeClient(t, nil, func(req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodGet {
				<-req.Context().Done()
			}
			return nil, long
		})
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(long) })
		_, err := client.Builds.Wait(ctx, answerJob, "20", &codeartsbuild.WaitOptions{StopOnCancel: time.Second})
		require.Equal(t, []string{"ErrOutcomeUnknown", "ErrStillRunning", "context.Canceled"}, answerAre(err))
		wireRequireLine(t, err)
	})
}
