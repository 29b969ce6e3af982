package codeartsbuild_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const renewBody = `{"error_code":"APIGW.0307","error_msg":"The token must be updated"}`

// A credentialGateway accepts the credentials that it is told to. It never checks signatures.
type credentialGateway struct {
	accepts  func(name string) bool
	takes    time.Duration
	requests atomic.Int32
}

func (g *credentialGateway) RoundTrip(req *http.Request) (*http.Response, error) {
	g.requests.Add(1)
	name := req.Header.Get("X-Auth-Token")
	if _, rest, ok := strings.Cut(req.Header.Get("Authorization"), "Access="); ok {
		name, _, _ = strings.Cut(rest, ",")
	}
	time.Sleep(g.takes)
	if !g.accepts(name) {
		return httpfake.Reply(401, renewBody)(req)
	}
	return accepted(req)
}

// stopCounting stops a build and returns how many requests that took.
func stopCounting(ctx context.Context, client *codeartsbuild.Client, opts ...codeartsbuild.CallOption) (int, error) {
	var response codeartsbuild.Response
	err := sdktest.Stop(ctx, client, append(opts, codeartsbuild.WithResponseInto(&response))...)
	return response.Attempts, err
}

// B13: many calls whose token is revoked log in once, and each is retried once.
func TestRevokedTokenRenewedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewBuild(t)
		client := f.Client(codeartsbuild.WithTokenSource(sdktest.TokenSource(t, f.IAMConfig())))
		_, err := client.Builds.Get(t.Context(), f.JobID, f.BuildNo)
		require.NoError(t, err)

		revoke := func(next http.Handler) http.Handler {
			return codeartsbuildtest.Delay(time.Second)(codeartsbuildtest.ExpireToken()(next))
		}
		f.Next(sdktest.OpGetBuild, revoke)
		f.NextN(sdktest.OpGetBuild, crowd-1, codeartsbuildtest.Delay(2*time.Second)) // all are under way when the token ends
		f.Next(sdktest.OpLogin, codeartsbuildtest.Delay(5*time.Second))
		var most, total atomic.Int64
		var group sync.WaitGroup
		for range crowd {
			group.Go(func() {
				var response codeartsbuild.Response
				if _, err := client.Builds.Get(t.Context(), f.JobID, f.BuildNo, codeartsbuild.WithResponseInto(&response)); err != nil {
					t.Errorf("Get: %v", err)
				}
				total.Add(int64(response.Attempts))
				if response.Attempts > 2 {
					most.Add(1)
				}
			})
		}
		group.Wait()
		require.Equal(t, 2, f.Count(sdktest.OpLogin), "logins, the first one included")
		require.Zero(t, most.Load(), "calls that were retried more than once")
		require.EqualValues(t, 2*crowd, total.Load(), "every call was rejected once and retried once")
		require.Equal(t, 2*crowd+1, f.Count(sdktest.OpGetBuild))
		t.Logf("%d calls with a revoked token: %d login, %d requests, each call retried once",
			crowd, f.Count(sdktest.OpLogin)-1, f.Count(sdktest.OpGetBuild)-1)
	})
}

// B13: the same for either kind of credential, and with the real scheduler in the second half.
func TestUnauthorizedCredentialRenewedOnce(t *testing.T) {
	t.Parallel()
	for kind, newCache := range bothCaches {
		run := func(t *testing.T, takes time.Duration) {
			issuer := &numberedIssuer{takes: takes}
			gateway := &credentialGateway{accepts: func(name string) bool { return name != "1" }, takes: takes}
			client := sdktest.ClientWith(t, newCache(issuer.issue).option, gateway)
			var group sync.WaitGroup
			for range crowd {
				group.Go(func() {
					if attempts, err := stopCounting(t.Context(), client); err != nil || attempts > 2 {
						t.Errorf("%d attempts, %v, want at most 2 and a stop", attempts, err)
					}
				})
			}
			group.Wait()
			require.EqualValues(t, 2, issuer.asked.Load())
			require.LessOrEqual(t, gateway.requests.Load(), int32(2*crowd))
		}
		t.Run(kind+", all rejected together", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { run(t, time.Second) })
		})
		t.Run(kind+", as it comes", func(t *testing.T) {
			t.Parallel()
			run(t, 0)
		})
	}
}

// B13: a 401 renews the token once, whichever responses come before and after it.
func TestUnauthorizedResponse(t *testing.T) {
	t.Parallel()
	type step struct {
		want     error // nil: stopped
		attempts int
		logins   int // so far
	}
	var (
		revoke = codeartsbuildtest.ExpireToken()
		busy   = codeartsbuildtest.Reply(503, `{}`)
	)
	unauthorized := codeartsbuild.ErrUnauthorized
	attempts := func(n int) codeartsbuild.CallOption {
		return codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: n})
	}
	tests := map[string]struct {
		cold   bool // else the client has made a call before
		faults faults
		option codeartsbuild.CallOption
		steps  []step
	}{
		"token revoked: renewed and retried": {faults: faults{revoke}, steps: []step{{attempts: 2, logins: 2}, {attempts: 1, logins: 2}}},
		"first token dead on arrival":        {cold: true, faults: faults{revoke}, steps: []step{{attempts: 2, logins: 2}, {attempts: 1, logins: 2}}},
		"renewed token rejected: final":      {faults: faults{revoke, revoke}, steps: []step{{want: unauthorized, attempts: 2, logins: 2}}},
		"renewed token rejected: not remembered": {
			faults: faults{revoke, revoke},
			steps:  []step{{want: unauthorized, attempts: 2, logins: 2}, {attempts: 1, logins: 3}, {attempts: 1, logins: 3}},
		},
		"always rejected: two requests per call": {
			faults: faults{revoke, revoke, revoke, revoke},
			steps:  []step{{want: unauthorized, attempts: 2, logins: 2}, {want: unauthorized, attempts: 2, logins: 4}, {attempts: 1, logins: 5}},
		},
		"gateway's code under another status": {faults: faults{codeartsbuildtest.Reply(403, renewBody)}, steps: []step{{attempts: 2, logins: 2}}},
		"rejected at the last attempt":        {faults: faults{revoke}, option: attempts(1), steps: []step{{attempts: 2, logins: 2}}},
		"not counted against MaxAttempts":     {faults: faults{revoke, busy}, option: attempts(2), steps: []step{{attempts: 3, logins: 2}}},
		"rejected after a busy response":      {faults: faults{busy, revoke}, steps: []step{{attempts: 3, logins: 2}}},
		"rejected, busy, rejected: renewed only once": {
			faults: faults{revoke, busy, revoke},
			steps:  []step{{want: unauthorized, attempts: 3, logins: 2}, {attempts: 1, logins: 3}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				client := f.Client(codeartsbuild.WithTokenSource(sdktest.TokenSource(t, f.IAMConfig())))
				if !tt.cold {
					_, err := client.Jobs.Stop(t.Context(), f.JobID, f.StartBuild(f.JobID))
					require.NoError(t, err)
				}
				f.Next(sdktest.OpStop, tt.faults...)
				for i, want := range tt.steps {
					var response codeartsbuild.Response
					_, err := client.Jobs.Stop(t.Context(), f.JobID, f.StartBuild(f.JobID), tt.option, codeartsbuild.WithResponseInto(&response))
					require.ErrorIs(t, err, want.want, "call %d", i+1)
					require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown, "call %d: a rejected request has no effect", i+1)
					require.Equal(t, want.attempts, response.Attempts, "requests of call %d", i+1)
					require.Equal(t, want.logins, f.Count(sdktest.OpLogin), "logins after call %d", i+1)
				}
			})
		})
	}
}

// B13: a static credential cannot be renewed: a retry would be the same request again.
func TestUnauthorizedStaticCredentialSentOnce(t *testing.T) {
	t.Parallel()
	gateway := &credentialGateway{accepts: func(string) bool { return false }}
	for _, option := range []codeartsbuild.ClientOption{
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("expired")),
		codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("unknown", "secret")),
	} {
		attempts, err := stopCounting(t.Context(), sdktest.ClientWith(t, option, gateway))
		require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
		require.Equal(t, 1, attempts)
	}
}

// B13: the late 401 comes through a call that was slow.
func TestUnauthorizedAfterTokenWasRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		source := sdktest.TokenSource(t, f.IAMConfig())
		client := f.Client(codeartsbuild.WithTokenSource(source))
		old, err := source.Token(t.Context())
		require.NoError(t, err)

		f.Next(sdktest.OpStop, codeartsbuildtest.Delay(10*time.Second), codeartsbuildtest.ExpireToken())
		slowBuild, fastBuild := f.StartBuild(f.JobID), f.StartBuild(f.JobID)
		var group sync.WaitGroup
		defer group.Wait()
		group.Go(func() {
			var response codeartsbuild.Response
			if _, err := client.Jobs.Stop(t.Context(), f.JobID, slowBuild, codeartsbuild.WithResponseInto(&response)); err != nil || response.Attempts != 2 {
				t.Errorf("the slow call: %d attempts, %v", response.Attempts, err)
			}
		})
		synctest.Wait()
		_, err = client.Jobs.Stop(t.Context(), f.JobID, fastBuild)
		require.NoError(t, err)
		renewed, err := source.Token(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, old.Value(), renewed.Value())
		group.Wait()

		kept, err := source.Token(t.Context())
		require.NoError(t, err)
		require.Same(t, renewed, kept)
		require.Equal(t, 2, f.Count(sdktest.OpLogin))
	})
}
