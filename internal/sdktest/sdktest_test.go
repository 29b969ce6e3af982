package sdktest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		want []string
	}{
		"nil":      {nil, []string{}},
		"unknown":  {errors.New("other"), []string{}},
		"one":      {fmt.Errorf("call: %w", codeartsbuild.ErrNotFound), []string{"ErrNotFound"}},
		"two":      {errors.Join(codeartsbuild.ErrOutcomeUnknown, codeartsbuild.ErrForbidden), []string{"ErrForbidden", "ErrOutcomeUnknown"}},
		"contexts": {errors.Join(context.Canceled, context.DeadlineExceeded), []string{"Canceled", "DeadlineExceeded"}},
		"response": {&codeartsbuild.APIError{StatusCode: 403}, []string{"ErrForbidden"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, sdktest.Kinds(tt.err))
		})
	}
}

// A kind that Kinds does not know is one that no test sees.
func TestKindsKnowsEveryErrorValue(t *testing.T) {
	t.Parallel()
	api, err := os.ReadFile("../../api.txt")
	require.NoError(t, err)
	names := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)\b(Err[A-Z]\w+)$|^var (Err[A-Z]\w+)`).FindAllStringSubmatch(string(api), -1) {
		names[match[1]+match[2]] = true
	}
	require.Greater(t, len(names), 10)
	require.Equal(t, slices.Sorted(maps.Keys(names)), sdktest.ErrorValues())
}

func TestClientSendsItsTokenAndNothingElse(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Reply(200, `{"result":true}`))
	for name, call := range map[string]sdktest.Call{"stop": sdktest.Stop, "run": sdktest.Run, "read": sdktest.Read} {
		t.Run(name, func(t *testing.T) {
			_ = call(t.Context(), sdktest.Client(t, transport, sdktest.Once))
			last := transport.Requests()[transport.Count()-1]
			require.Equal(t, sdktest.Token, last.Header.Get("X-Auth-Token"))
			require.Equal(t, sdktest.Endpoint, last.URL.Scheme+"://"+last.URL.Host)
			require.Contains(t, last.URL.Path+last.Body, sdktest.JobID)
		})
	}
	require.Equal(t, 3, transport.Count())
}

func TestLogin(t *testing.T) {
	t.Parallel()
	iam := httpfake.Listen(t, sdktest.Granted)
	service := httpfake.Listen(t, sdktest.Accepted)
	source := sdktest.TokenSource(t, sdktest.IAMConfig(iam.URL))
	client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(service.URL), codeartsbuild.WithTokenSource(source))
	require.NoError(t, sdktest.Stop(t.Context(), client))
	require.Equal(t, sdktest.Token, service.Requests()[0].Header.Get("X-Auth-Token"))
	require.Contains(t, iam.Requests()[0].Body, sdktest.Password)
	require.Contains(t, iam.Requests()[0].Body, sdktest.Passcode)
}

func TestTemporaryKey(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Reply(200, `{"result":true}`))
	client := sdktest.ClientWith(t, codeartsbuild.WithAccessKeySource(sdktest.TemporaryKey(sdktest.SecurityToken)), transport)
	require.NoError(t, sdktest.Stop(t.Context(), client))
	header := transport.Requests()[0].Header
	require.Equal(t, sdktest.SecurityToken, header.Get("X-Security-Token"))
	require.Contains(t, header.Get("Authorization"), "Access="+sdktest.AccessKeyID)
}

// A secret that is part of another would be found in its place.
func TestSecretsDiffer(t *testing.T) {
	t.Parallel()
	for i, a := range sdktest.Secrets() {
		for j, b := range sdktest.Secrets() {
			require.Equal(t, i == j, strings.Contains(a, b[:12]), "%s and %s", a, b)
		}
	}
}

func TestRetryPolicies(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		policy   codeartsbuild.Option
		requests int
	}{"once": {sdktest.Once, 1}, "quick": {sdktest.Quick, 5}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(503, ""))
			err := sdktest.Stop(t.Context(), sdktest.Client(t, transport, tt.policy))
			require.Equal(t, 503, sdktest.APIError(t, err).StatusCode)
			require.Equal(t, tt.requests, transport.Count())
		})
	}
}

func TestFixture(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		arrivals := f.Arrivals(sdktest.OpGetBuild)
		f.NextN(sdktest.OpStop, 2, codeartsbuildtest.Reply(503, ""))
		_, err := f.Client().Jobs.StopAndWait(t.Context(), f.JobID, f.BuildNo)
		require.NoError(t, err)
		require.Equal(t, 3, f.Count(sdktest.OpStop))
		require.Equal(t, []string{sdktest.OpStop, sdktest.OpStop, sdktest.OpStop, sdktest.OpGetBuild}, f.Operations()[:4])
		require.Len(t, arrivals(), f.Count(sdktest.OpGetBuild))
		require.IsIncreasing(t, arrivals())
	})
}

func TestFixtureWithoutABuild(t *testing.T) {
	t.Parallel()
	require.Empty(t, sdktest.NewService(t).JobID)
	f := sdktest.NewJob(t)
	_, err := f.Client().Builds.Get(t.Context(), f.JobID, "1")
	require.Equal(t, []string{"ErrNotFound"}, sdktest.Kinds(err))
	require.Equal(t, "1", f.StartBuild(f.JobID))
}

func TestStatusesFollowEachOther(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		f.Statuses(no, time.Minute, codeartsbuild.StatusRunning, codeartsbuild.StatusFailed)
		for _, want := range []codeartsbuild.BuildStatus{codeartsbuild.StatusQueued, codeartsbuild.StatusRunning, codeartsbuild.StatusFailed} {
			require.Equal(t, want, f.Status(f.JobID, no))
			time.Sleep(time.Minute)
			synctest.Wait()
		}
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault codeartsbuildtest.Fault
		want  []string
		after time.Duration
	}{
		"cut":         {sdktest.Cut(200, `{"result":true}`), []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, 0},
		"retry after": {sdktest.RetryAfter("7"), []string{"ErrTooManyRequests"}, 7 * time.Second},
		"before":      {sdktest.Before(func(r *http.Request) { r.Header.Del("X-Auth-Token") }), []string{"ErrUnauthorized"}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				f.Next(sdktest.OpStop, tt.fault)
				_, err := f.Client(sdktest.Once).Jobs.Stop(t.Context(), f.JobID, f.BuildNo)
				require.Equal(t, tt.want, sdktest.Kinds(err))
				require.Equal(t, tt.after, sdktest.APIError(t, err).RetryAfter)
			})
		})
	}
}
