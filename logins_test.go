package codeartsbuild_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
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

// The secrets of these logins, and the response to a rejected one.
const (
	hiddenPassword = "hidden-Pa55word"
	hiddenPasscode = "hidden-083585"
	loginRejected  = `{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}`
)

// issue responds to the login with the token of this name.
func issue(token string) httpfake.Func {
	return httpfake.Reply(201, `{"token":{"project":{"id":"d3efaaea5fa4443f8ada1d87e8387c18"}}}`, "X-Subject-Token", token)
}

// issueEach issues the tokens hidden-token-1, hidden-token-2 and so on.
func issueEach() httpfake.Func {
	var issued atomic.Int32
	return func(req *http.Request) (*http.Response, error) {
		return issue(fmt.Sprintf("hidden-token-%d", issued.Add(1)))(req)
	}
}

// loginAt logs in by names at https://iam.example.com, where transport is.
func loginAt(transport http.RoundTripper) codeartsbuild.IAMConfig {
	return codeartsbuild.IAMConfig{
		Endpoint: "https://iam.example.com", DomainName: "acme", UserName: "builder", ProjectName: "eu-west-101",
		Password: codeartsbuild.StaticSecret(hiddenPassword), Transport: transport,
	}
}

func loginSource(t testing.TB, cfg codeartsbuild.IAMConfig) *codeartsbuild.CachedTokenSource {
	t.Helper()
	source, err := codeartsbuild.NewIAMTokenSource(cfg)
	require.NoError(t, err)
	return source
}

// noSecrets requires that a text shows nothing that these tests hide.
func noSecrets(t testing.TB, text string) {
	t.Helper()
	require.NotContains(t, text, "hidden-")
}

// B112: A login without a response is told as that: with the name of the login and the host that was asked.
func TestLoginWithoutAResponse(t *testing.T) {
	t.Parallel()
	dial := func(err error) httpfake.Func {
		return httpfake.Fail(&net.OpError{Op: "dial", Net: "tcp", Err: err})
	}
	tests := map[string]struct {
		endpoint string
		fault    httpfake.Func
		want     string
		attempts int
	}{
		"connection refused":  {"https://iam.example.com", httpfake.Refused, "iam.example.com: no connection: dial tcp: connection refused", 5},
		"no route":            {"https://iam.example.com/v3", dial(errors.New("no route to host")), "iam.example.com: no connection: dial tcp: no route to host", 5},
		"a port":              {"https://iam.example.com:5000", httpfake.Refused, "iam.example.com:5000: no connection: dial tcp: connection refused", 5},
		"unknown host":        {"https://iam.example.com", httpfake.Fail(&net.DNSError{Err: "no such host", Name: "iam.example.com", IsNotFound: true}), "iam.example.com: no connection: lookup iam.example.com: no such host", 1},
		"unknown certificate": {"https://iam.example.com", httpfake.Fail(x509.UnknownAuthorityError{}), "iam.example.com: no connection: x509: certificate signed by unknown authority", 1},
		"response lost":       {"https://iam.example.com", httpfake.Lost, "iam.example.com: no response: EOF", 5},
		"no response":         {"https://iam.example.com", httpfake.Stuck, "iam.example.com: no response within 10s", 5},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iam, service := httpfake.Script(tt.fault), httpfake.Script(httpfake.Reply(200, `{}`))
				cfg := loginAt(iam)
				cfg.Endpoint = tt.endpoint
				source := loginSource(t, cfg)
				client := sdktest.Client(t, service, codeartsbuild.WithTokenSource(source))
				for _, call := range []sdktest.Call{sdktest.Stop, sdktest.Run, sdktest.Read} {
					err := call(t.Context(), client)
					require.EqualError(t, err, "codeartsbuild: CreateToken: "+tt.want)
					require.Equal(t, strings.Contains(tt.want, "no connection"), errors.Is(err, codeartsbuild.ErrNotSent))
					require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				}
				_, err := source.Token(t.Context())
				require.EqualError(t, err, "codeartsbuild: CreateToken: "+tt.want)
				require.Equal(t, 4*tt.attempts, iam.Count())
				require.Zero(t, service.Count())
			})
		})
	}
}

// B112: A context that ends during a login says what the call waited for.
func TestContextThatEndsDuringALogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := httpfake.Script(httpfake.Reply(200, `{}`))
		client := sdktest.Client(t, service, codeartsbuild.WithTokenSource(loginSource(t, loginAt(httpfake.Script(httpfake.Stuck)))))
		limited, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		err := sdktest.Stop(limited, client)
		require.EqualError(t, err, "codeartsbuild: StopJob: context deadline exceeded: no credential yet")
		require.Equal(t, []string{"DeadlineExceeded"}, sdktest.Kinds(err))

		canceled, cancelCause := context.WithCancelCause(t.Context())
		time.AfterFunc(25*time.Second, func() { cancelCause(errors.New("shutdown")) })
		err = sdktest.Run(canceled, client)
		require.EqualError(t, err, "codeartsbuild: ExecuteJob: context canceled: no credential yet: shutdown")
		require.Equal(t, []string{"Canceled"}, sdktest.Kinds(err))
		require.ErrorContains(t, sdktest.Read(limited, client), "context deadline exceeded")
		require.Zero(t, service.Count())
	})
}

// A failure before the login is told as one of the login. The error of another source is told as one of the call.
func TestCredentialThatIsNotToBeHad(t *testing.T) {
	t.Parallel()
	sealed := errors.New("the vault is sealed")
	cfg := loginAt(httpfake.Script(httpfake.Lost))
	cfg.Password = func(context.Context) (string, error) { return "", sealed }
	own := codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) { return nil, sealed })
	wrapped := codeartsbuild.TokenSourceFunc(func(ctx context.Context) (*codeartsbuild.Token, error) {
		return loginSource(t, cfg).Token(ctx)
	})
	for want, source := range map[string]codeartsbuild.TokenSource{
		"codeartsbuild: CreateToken: no password: the vault is sealed":         loginSource(t, cfg),
		"codeartsbuild: CreateToken: no password: the vault is sealed ":        wrapped,
		"codeartsbuild: StopJob: no credential: the vault is sealed":           own,
		"codeartsbuild: StopJob: no credential: the vault is sealed  (cached)": codeartsbuild.NewCachedTokenSource(own),
	} {
		client := sdktest.Client(t, httpfake.Script(httpfake.Lost), codeartsbuild.WithTokenSource(source))
		err := sdktest.Stop(t.Context(), client)
		want, _, _ = strings.Cut(want, " (cached)")
		require.EqualError(t, err, strings.TrimSpace(want))
		require.ErrorIs(t, err, sealed)
	}
}

// logRecords are the messages, operations and statuses of a JSON log.
func logRecords(t testing.TB, log string) []string {
	t.Helper()
	var records []string
	for line := range strings.Lines(log) {
		var r struct {
			Msg, Operation    string
			Status            int
			Attempt, Attempts int
		}
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		records = append(records, fmt.Sprintf("%s %s %d #%d", r.Msg, r.Operation, r.Status, r.Attempt+r.Attempts))
	}
	return records
}

func debugLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// B113: The logger of the call that needs a login logs the login.
func TestLoginsAreLogged(t *testing.T) {
	t.Parallel()
	stopped := []string{"attempt StopJob 200 #1", "call StopJob 200 #1"}
	tests := map[string]struct {
		iam  []httpfake.Func
		want []string
	}{
		"a login": {
			[]httpfake.Func{issueEach()},
			append([]string{"attempt CreateToken 201 #1", "call CreateToken 201 #1"}, stopped...),
		},
		"a login that is retried": {
			[]httpfake.Func{httpfake.Refused, httpfake.Reply(503, ``), issueEach()},
			append([]string{"attempt CreateToken 0 #1", "attempt CreateToken 503 #2", "attempt CreateToken 201 #3", "call CreateToken 201 #3"}, stopped...),
		},
		"a rejected login": {
			[]httpfake.Func{httpfake.Reply(401, loginRejected)},
			[]string{"attempt CreateToken 401 #1", "call CreateToken 401 #1", "attempt StopJob 0 #0", "call StopJob 0 #0"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg := loginAt(httpfake.Script(tt.iam...))
				cfg.Passcode = codeartsbuild.StaticSecret(hiddenPasscode)
				var log bytes.Buffer
				client := sdktest.Client(t, httpfake.Reply(200, `{"result":true}`),
					codeartsbuild.WithTokenSource(loginSource(t, cfg)), codeartsbuild.WithLogger(debugLogger(&log)))
				_ = sdktest.Stop(t.Context(), client)
				require.Equal(t, tt.want, logRecords(t, log.String()))
				noSecrets(t, log.String())
			})
		})
	}
}

// Clients share a source: each one's logger logs the logins that its calls make necessary, and no other.
func TestLoginsOfASharedSourceAreLogged(t *testing.T) {
	t.Parallel()
	source := loginSource(t, loginAt(issueEach()))
	var first, second bytes.Buffer
	accept := httpfake.Reply(200, `{"result":true}`)
	silent := sdktest.Client(t, accept, codeartsbuild.WithTokenSource(source))
	one := sdktest.Client(t, accept, codeartsbuild.WithTokenSource(source), codeartsbuild.WithLogger(debugLogger(&first)))
	two := sdktest.Client(t, accept, codeartsbuild.WithTokenSource(source), codeartsbuild.WithLogger(debugLogger(&second)))
	logins := func(log *bytes.Buffer) int { return strings.Count(log.String(), `"CreateToken"`) }
	for i, step := range []struct {
		client        *codeartsbuild.Client
		revoked       bool // the token before the call
		first, second int  // records of logins after it
	}{{one, false, 2, 0}, {two, false, 2, 0}, {two, true, 2, 2}, {silent, true, 2, 2}, {one, true, 4, 2}} {
		if step.revoked {
			token, err := source.Token(t.Context())
			require.NoError(t, err)
			source.Invalidate(token)
		}
		require.NoError(t, sdktest.Stop(t.Context(), step.client))
		require.Equal(t, [2]int{step.first, step.second}, [2]int{logins(&first), logins(&second)}, "step %d", i)
	}
}

// B114: NewIAMTokenSource rejects a name that no IAM would find, or find as another one. A password is rejected before it is
// sent, and never shown.
func TestLoginTextThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	type config = codeartsbuild.IAMConfig
	fields := map[string]func(cfg *config, value string){
		"Region":      func(cfg *config, value string) { cfg.Region, cfg.ProjectName = value, "" },
		"DomainName":  func(cfg *config, value string) { cfg.DomainName = value },
		"DomainID":    func(cfg *config, value string) { cfg.DomainName, cfg.DomainID = "", value },
		"UserName":    func(cfg *config, value string) { cfg.UserName = value },
		"UserID":      func(cfg *config, value string) { cfg.UserName, cfg.UserID = "", value },
		"ProjectName": func(cfg *config, value string) { cfg.ProjectName = value },
		"ProjectID":   func(cfg *config, value string) { cfg.ProjectName, cfg.ProjectID = "", value },
	}
	for value, shown := range map[string]string{
		"acme\n": `"acme\n"`, "acme\r\n": `"acme\r\n"`, "b\xfcro": `"b\xfcro"`, "acme\x00": `"acme\x00"`, "ac\tme": `"ac\tme"`, "\x85acme": `"\x85acme"`, "acme\u0085": `"acme\u0085"`,
		"acme\u2028": `"acme\u2028"`, "\ufeffacme": `"\ufeffacme"`,
	} {
		for field, set := range fields {
			cfg := loginAt(httpfake.Script(issueEach()))
			set(&cfg, value)
			_, err := codeartsbuild.NewIAMTokenSource(cfg)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			require.EqualError(t, err, "codeartsbuild: IAMConfig."+field+" must be UTF-8 text without control characters, got "+shown)
		}
	}
	for name, secret := range map[string]string{
		"line break": hiddenPassword + "\n", "of Windows": hiddenPassword + "\r\n", "before": "\n" + hiddenPassword, "Latin-1": hiddenPassword + "\xe4",
		"cut in a character": (hiddenPassword + "ä")[:len(hiddenPassword)+1], "NUL": hiddenPassword + "\x00", "next line": hiddenPassword + "\u0085",
		"line separator": hiddenPassword + "\u2028", "paragraph separator": hiddenPassword + "\u2029", "byte order mark": "\ufeff" + hiddenPassword,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what, set := range map[string]func(cfg *config, secret codeartsbuild.SecretFunc){
				"password":      func(cfg *config, secret codeartsbuild.SecretFunc) { cfg.Password = secret },
				"one-time code": func(cfg *config, secret codeartsbuild.SecretFunc) { cfg.Passcode = secret },
			} {
				iam := httpfake.Script(issueEach())
				cfg := loginAt(iam)
				set(&cfg, codeartsbuild.StaticSecret(secret))
				_, err := loginSource(t, cfg).Token(t.Context())
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.ErrorContains(t, err, "codeartsbuild: CreateToken: the "+what+" must be UTF-8 text")
				noSecrets(t, fmt.Sprintf("%v %+v %#v", err, err, err))
				require.Zero(t, iam.Count())
			}
		})
	}
}

// Unusual texts that may be meant are sent as they are.
func TestLoginTextThatIsSentAsItIs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"büro", "构建", " acme ", "a\u200db", "acme ltd.", "\"acme\\"} {
		iam := httpfake.Script(issueEach())
		cfg := loginAt(iam)
		cfg.UserName, cfg.Password = text, codeartsbuild.StaticSecret(text+"\t"+text)
		_, err := loginSource(t, cfg).Token(t.Context())
		require.NoError(t, err)
		var sent struct {
			Auth struct {
				Identity struct {
					Password struct {
						User struct{ Name, Password string }
					}
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(iam.Requests()[0].Body), &sent))
		require.Equal(t, text, sent.Auth.Identity.Password.User.Name)
		require.Equal(t, text+"\t"+text, sent.Auth.Identity.Password.User.Password)
	}
}

// The address of IAM may go on to the version or to the call, as OpenStack's OS_AUTH_URL does.
func TestLoginAddressWithThePathOfTheCall(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"":                              "",
		"/":                             "",
		"/v3":                           "",
		"/v3/":                          "",
		"/v3/auth":                      "",
		"/v3/auth/":                     "",
		"/v3/auth/tokens":               "",
		"/v3/auth/tokens/":              "",
		"/identity/v3/auth/tokens":      "/identity",
		"/a%2Fb/v3/auth/tokens/":        "/a%2Fb",
		"/v3/auth/tokens/v3":            "/v3/auth/tokens",
		"/auth/tokens":                  "/auth/tokens",
		"/xv3":                          "/xv3",
		"/identity/v3/auth/tokens/more": "/identity/v3/auth/tokens/more",
	} {
		iam := httpfake.Script(issueEach())
		cfg := loginAt(iam)
		cfg.Endpoint += path
		_, err := loginSource(t, cfg).Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, "https://iam.example.com"+want+"/v3/auth/tokens?nocatalog=true", iam.Requests()[0].URL.String(), path)
	}
}

// B115, B163: a rejected password locks the user when it is tried again and again. Each of these uses of a client makes
// one login.
func TestRejectedLoginIsNotRepeated(t *testing.T) {
	t.Parallel()
	plan := &codeartsbuild.StopPlan{JobID: sdktest.JobID}
	for i := range 25 {
		build := &codeartsbuild.Build{JobID: sdktest.JobID, BuildNo: fmt.Sprint(i + 1), Status: codeartsbuild.StatusRunning}
		plan.Decisions = append(plan.Decisions, codeartsbuild.StopDecision{Build: build, Stop: true})
	}
	uses := map[string]func(ctx context.Context, c *codeartsbuild.Client) error{
		"1,000 calls": func(ctx context.Context, c *codeartsbuild.Client) (err error) {
			for range 1000 {
				if err = sdktest.Stop(ctx, c); err == nil {
					return nil
				}
			}
			return err
		},
		"1,000 calls at once": func(ctx context.Context, c *codeartsbuild.Client) error {
			var group sync.WaitGroup
			for range 1000 {
				group.Go(func() { _ = sdktest.Stop(ctx, c) })
			}
			group.Wait()
			return sdktest.Stop(ctx, c)
		},
		"Wait": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Builds.Wait(ctx, sdktest.JobID, sdktest.BuildNo, nil)
			return err
		},
		"Wait with StopOnCancel": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Builds.Wait(ctx, sdktest.JobID, sdktest.BuildNo, &codeartsbuild.WaitOptions{StopOnCancel: time.Minute})
			return err
		},
		"Follow": func(ctx context.Context, c *codeartsbuild.Client) (err error) {
			for _, err = range c.Logs.Follow(ctx, sdktest.JobID, sdktest.BuildNo, 0) {
			}
			return err
		},
		"StopPlanned": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Builds.StopPlanned(ctx, plan, nil)
			return err
		},
	}
	for status, body := range map[int]string{401: loginRejected, 403: `{"error_code":"IAM.0003","error_msg":"locked"}`} {
		for name, use := range uses {
			t.Run(fmt.Sprintf("%s, %d", name, status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					iam, service := httpfake.Script(httpfake.Reply(status, body)), httpfake.Script(httpfake.Reply(200, `{}`))
					client := sdktest.Client(t, service, codeartsbuild.WithTokenSource(loginSource(t, loginAt(iam))))
					err := use(t.Context(), client)
					kind := codeartsbuild.ErrUnauthorized
					if status == 403 {
						kind = codeartsbuild.ErrForbidden
					}
					require.ErrorIs(t, err, kind)
					require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
					require.LessOrEqual(t, iam.Count(), 2)
					require.Zero(t, service.Count())
				})
			})
		}
	}
}

// The error of a login that is not made says which one it is, and for how long.
func TestRejectedLoginIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iam := httpfake.Script(httpfake.Reply(401, loginRejected, "X-Openstack-Request-Id", "req-7"))
		client := sdktest.Client(t, httpfake.Reply(200, `{}`), codeartsbuild.WithTokenSource(loginSource(t, loginAt(iam))))
		const text = "codeartsbuild: CreateToken: The request you have made requires authentication. (401 401, request req-7)"
		start := time.Now()
		for _, step := range []struct {
			at     time.Duration
			note   string
			logins int
		}{
			{0, "", 1},
			{0, "; not tried again with the same password for 1m0s", 1},
			{59 * time.Second, "; not tried again with the same password for 1s", 1},
			{time.Minute, "", 2},
			{time.Minute + 30*time.Second, "; not tried again with the same password for 1m30s", 2},
			{3 * time.Minute, "", 3},
			{7*time.Minute - 1, "; not tried again with the same password for 0s", 3},
			{7 * time.Minute, "", 4},
			{15 * time.Minute, "", 5},
			{25 * time.Minute, "", 6},
			{34 * time.Minute, "; not tried again with the same password for 1m0s", 6},
			{35 * time.Minute, "", 7},
			{24 * time.Hour, "", 8},
		} {
			time.Sleep(step.at - time.Since(start))
			err := sdktest.Stop(t.Context(), client)
			require.EqualError(t, err, text+step.note, "after %v", step.at)
			require.Equal(t, []string{"ErrUnauthorized"}, sdktest.Kinds(err))
			apiErr := sdktest.APIError(t, err)
			require.Equal(t, 401, apiErr.StatusCode)
			require.Equal(t, "CreateToken", apiErr.Operation)
			require.Equal(t, step.logins, iam.Count(), "after %v", step.at)
		}
	})
}

// B115: Another password is used at once, and its rejection is remembered from the start.
func TestRotatedPasswordIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iam := httpfake.Script(httpfake.Func(func(req *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(req.Body)
			if err == nil && strings.Contains(string(body), `"the right one"`) {
				return issue("hidden-token")(req)
			}
			return httpfake.Reply(401, loginRejected)(req)
		}))
		password := "wrong"
		asked := 0
		cfg := loginAt(iam)
		cfg.Password = func(context.Context) (string, error) { asked++; return password, nil }
		source := loginSource(t, cfg)
		for i, step := range []struct {
			password string
			ok       bool
			logins   int
		}{
			{"wrong", false, 1}, {"wrong", false, 1}, {"wrong as well", false, 2}, {"wrong as well", false, 2}, {"the right one", true, 3}, {"wrong", false, 4},
		} {
			password = step.password
			token, err := source.Token(t.Context())
			require.Equal(t, step.ok, err == nil, "step %d: %v", i, err)
			require.Equal(t, step.logins, iam.Count(), "step %d", i)
			require.Equal(t, i+1, asked, "the secret is asked for each time")
			source.Invalidate(token)
		}
		time.Sleep(time.Minute)
		_, err := source.Token(t.Context())
		require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
		require.Equal(t, 5, iam.Count(), "the pauses start anew after a success")
	})
}

// A password that was accepted in between starts with the shortest pause again.
func TestPausesBetweenLoginsStartAnewAfterASuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rejected := httpfake.Reply(401, loginRejected)
		iam := httpfake.Script(rejected, rejected, issue("hidden-token"), rejected, issue("hidden-token"))
		source := loginSource(t, loginAt(iam))
		for i, pause := range []time.Duration{0, time.Minute, 2 * time.Minute, 0, time.Minute} {
			time.Sleep(pause)
			token, _ := source.Token(t.Context())
			require.Equal(t, i+1, iam.Count())
			source.Invalidate(token)
		}
	})
}

// The rejection counts although its body did not come, and the end of the caller's context is not part of it.
func TestRejectedLoginWhoseResponseIsNotAwaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iam := httpfake.Script(httpfake.Stalled(401, `{"err`))
		source := loginSource(t, loginAt(iam))
		limited, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := source.Token(limited)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		_, err = source.Token(t.Context())
		require.Equal(t, []string{"ErrUnauthorized"}, sdktest.Kinds(err))
		require.Equal(t, 1, iam.Count())
	})
}

// A one-time code changes every 30 s. It does not make a wrong password right.
func TestAnotherOneTimeCodeIsNoReasonToLogIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iam := httpfake.Script(httpfake.Reply(401, loginRejected))
		cfg := loginAt(iam)
		codes := 0
		cfg.Passcode = func(context.Context) (string, error) { codes++; return fmt.Sprint(100000 + codes), nil }
		source := loginSource(t, cfg)
		for range 10 {
			_, err := source.Token(t.Context())
			require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
			time.Sleep(30 * time.Second)
		}
		require.Equal(t, 3, iam.Count(), "within five minutes")
		require.Equal(t, iam.Count(), codes, "a code is asked for only when it is sent")
	})
}

// A login that fails for another reason is tried again by the next call, and keeps what is known of the password.
func TestLoginThatIsNotRejectedIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		steps := []httpfake.Func{
			httpfake.Reply(404, ``), httpfake.Reply(400, `{}`), httpfake.Reply(200, `{}`), httpfake.Reply(302, ``, "Location", "/"),
			httpfake.Reply(401, loginRejected), httpfake.Reply(404, ``), httpfake.Reply(401, loginRejected), issue("hidden-token"),
		}
		iam := httpfake.Script(steps...)
		source := loginSource(t, loginAt(iam))
		for _, at := range []time.Duration{0, 0, 0, 0, 0, time.Minute, 0, 2 * time.Minute} {
			time.Sleep(at)
			_, _ = source.Token(t.Context())
		}
		require.Equal(t, len(steps), iam.Count())
		token, err := source.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, "hidden-token", token.Value())
	})
}

// An early renewal is tried again after 30 s. That must not lock the user either, and the old token is used to its end.
func TestRejectedEarlyRenewalIsNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issueForADay := func(req *http.Request) (*http.Response, error) {
			now := time.Now().UTC()
			return httpfake.Reply(201, fmt.Sprintf(`{"token":{"issued_at":%q,"expires_at":%q,"project":{"id":"p"}}}`,
				now.Format(time.RFC3339), now.Add(24*time.Hour).Format(time.RFC3339)), "X-Subject-Token", "hidden-token")(req)
		}
		iam := httpfake.Script(issueForADay, httpfake.Reply(401, loginRejected))
		source := loginSource(t, loginAt(iam))
		start := time.Now()
		for time.Since(start) < 24*time.Hour {
			_, err := source.Token(t.Context())
			require.NoError(t, err, "after %v", time.Since(start))
			time.Sleep(10 * time.Second)
		}
		require.LessOrEqual(t, iam.Count(), 5)
		_, err := source.Token(t.Context())
		require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
	})
}

// B116: A service that rejects every token makes a few logins, not two of each call. The calls end with its response.
func TestServiceThatRejectsEveryToken(t *testing.T) {
	t.Parallel()
	rejected := httpfake.Reply(401, `{"error_code":"APIGW.0307","error_msg":"The token must be updated"}`)
	t.Run("one after the other", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			iam, service := httpfake.Script(issueEach()), httpfake.Script(rejected)
			client := sdktest.Client(t, service, codeartsbuild.WithTokenSource(loginSource(t, loginAt(iam))))
			for range 1000 {
				err := sdktest.Stop(t.Context(), client)
				require.EqualError(t, err, "codeartsbuild: StopJob: The token must be updated (401 APIGW.0307)")
			}
			require.Equal(t, 5, iam.Count())
			require.Equal(t, 1002, service.Count(), "a token that was rejected is not sent twice by the same call")
		})
	})
	t.Run("at once", func(t *testing.T) {
		t.Parallel()
		iam, service := httpfake.Script(issueEach()), httpfake.Script(rejected)
		client := sdktest.Client(t, service, codeartsbuild.WithTokenSource(loginSource(t, loginAt(iam))))
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() { _ = sdktest.Stop(t.Context(), client) })
		}
		group.Wait()
		require.LessOrEqual(t, iam.Count(), 6)
	})
	t.Run("pauses double", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			iam := httpfake.Script(issueEach())
			client := sdktest.Client(t, rejected, codeartsbuild.WithTokenSource(loginSource(t, loginAt(iam))))
			start, logins := time.Now(), 0
			var at []time.Duration // of the logins after the free ones
			for len(at) < 12 {
				_ = sdktest.Stop(t.Context(), client)
				if n := iam.Count(); n > 5 && n > logins {
					at = append(at, time.Since(start).Round(time.Second))
				}
				logins = iam.Count()
				time.Sleep(100 * time.Millisecond)
			}
			want := []time.Duration{time.Second} // then 2, 4, 8 s and so on
			for pause := 2 * time.Second; len(want) < 12; pause = min(2*pause, 10*time.Minute) {
				want = append(want, want[len(want)-1]+pause)
			}
			for i := range want {
				require.InDelta(t, want[i], at[i], float64(time.Second), "login %d: %v", i, at)
			}
		})
	})
	t.Run("every 30 s for a day", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			iam := httpfake.Script(issueEach())
			client := sdktest.Client(t, rejected, codeartsbuild.WithTokenSource(loginSource(t, loginAt(iam))))
			for range 24 * 60 * 60 / 30 {
				_ = sdktest.Stop(t.Context(), client)
				time.Sleep(30 * time.Second)
			}
			require.LessOrEqual(t, iam.Count(), 5+10+24*6, "in the end one in 10 minutes")
		})
	})
}

// The service learns of a token late: the one that it rejected at first is used once it accepts it.
func TestTokenThatIsAcceptedLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ready atomic.Bool
		iam := httpfake.Script(issueEach())
		client := sdktest.Client(t, httpfake.Func(func(req *http.Request) (*http.Response, error) {
			if ready.Load() {
				return httpfake.Reply(200, `{"result":true}`)(req)
			}
			return httpfake.Reply(401, `{}`)(req)
		}), codeartsbuild.WithTokenSource(loginSource(t, loginAt(iam))))
		for range 10 {
			require.ErrorIs(t, sdktest.Stop(t.Context(), client), codeartsbuild.ErrUnauthorized)
		}
		require.Equal(t, 5, iam.Count())
		ready.Store(true)
		require.NoError(t, sdktest.Stop(t.Context(), client))
		require.Equal(t, 5, iam.Count())

		time.Sleep(time.Hour) // the token lasted, so that the next rejections are the first ones
		ready.Store(false)
		for range 10 {
			require.ErrorIs(t, sdktest.Stop(t.Context(), client), codeartsbuild.ErrUnauthorized)
		}
		require.Equal(t, 9, iam.Count())
	})
}

// Tokens that the service accepts, or that last, are replaced at once however often they are revoked.
func TestTokensThatAreRevokedAgainAndAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int // of the response to a valid token
		pause  time.Duration
	}{"after a success": {200, 0}, "after 11 minutes": {404, 11 * time.Minute}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				revoked := true
				iam := httpfake.Script(issueEach())
				client := sdktest.Client(t, httpfake.Func(func(req *http.Request) (*http.Response, error) {
					if revoked {
						revoked = false
						return httpfake.Reply(401, `{}`)(req)
					}
					return httpfake.Reply(tt.status, `{"result":true}`)(req)
				}), codeartsbuild.WithTokenSource(loginSource(t, loginAt(iam))))
				for i := range 20 {
					revoked = true
					err := sdktest.Stop(t.Context(), client)
					require.NotErrorIs(t, err, codeartsbuild.ErrUnauthorized)
					require.Equal(t, i+2, iam.Count())
					time.Sleep(tt.pause)
				}
			})
		})
	}
}

// The same rule keeps an access key that the service rejects.
func TestServiceThatRejectsEveryAccessKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &countedKeys{}
		client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint(sdktest.Endpoint), codeartsbuild.WithTransport(httpfake.Reply(401, `{}`)),
			codeartsbuild.WithAccessKeySource(codeartsbuild.NewCachedAccessKeySource(source)))
		require.NoError(t, err)
		for range 1000 {
			require.ErrorIs(t, sdktest.Stop(t.Context(), client), codeartsbuild.ErrUnauthorized)
		}
		require.EqualValues(t, 5, source.asked.Load())
	})
}

type countedKeys struct{ asked atomic.Int32 }

func (s *countedKeys) AccessKey(context.Context) (*codeartsbuild.AccessKey, error) {
	return codeartsbuild.NewAccessKey(fmt.Sprintf("AK%d", s.asked.Add(1)), "hidden-secret"), nil
}
