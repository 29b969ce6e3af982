package codeartsbuild_test

import (
	"context"
	"net/http"
	"runtime"
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

// B171: a panic of the caller's code goes on in the caller's goroutine, where it can be recovered, whichever goroutine ran it.
func TestPanicsGoOnInTheCallersGoroutine(t *testing.T) {
	t.Parallel()
	type use func(ctx context.Context, f *sdktest.Fixture, c *codeartsbuild.Client)
	wait := func(no string) use {
		return func(ctx context.Context, f *sdktest.Fixture, c *codeartsbuild.Client) {
			_, _ = c.Builds.Wait(ctx, f.JobID, no, nil)
		}
	}
	tests := map[string]struct {
		operation string // at which the transport panics
		uses      []use  // at the same time; each panics
	}{
		"a stop of a plan": {sdktest.OpStop, []use{func(ctx context.Context, f *sdktest.Fixture, c *codeartsbuild.Client) {
			_, _ = c.Builds.StopPlanned(ctx, buildsPlan(f.JobID, startBuilds(f, 9)...), nil)
		}}},
		"a list of a plan": {sdktest.OpListBuild, []use{func(ctx context.Context, f *sdktest.Fixture, c *codeartsbuild.Client) {
			in := &codeartsbuild.ProjectOptions{Superseded: &codeartsbuild.SupersededOptions{}}
			_, _ = c.Builds.PlanProject(ctx, f.ProjectID(), in)
		}}},
		"the list that waiters share": {sdktest.OpListBuild, []use{wait("1"), wait("2")}},
		"a login": {"CreateToken", []use{
			func(ctx context.Context, f *sdktest.Fixture, c *codeartsbuild.Client) {
				_, _ = c.Jobs.Stop(ctx, f.JobID, "1")
			},
			func(ctx context.Context, f *sdktest.Fixture, c *codeartsbuild.Client) {
				_, _ = c.Jobs.Stop(ctx, f.JobID, "2")
			},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) { // which fails if a goroutine is left
				f.StartBuild(f.JobID)
				transport := httpfake.Func(func(r *http.Request) (*http.Response, error) {
					if codeartsbuild.OperationFromContext(r.Context()) == tt.operation {
						panic("boom")
					}
					return f.Transport().RoundTrip(r)
				})
				login := f.IAMConfig()
				login.Transport = transport
				source, err := codeartsbuild.NewIAMTokenSource(login)
				require.NoError(t, err)
				client := f.Client(codeartsbuild.WithTransport(transport), codeartsbuild.WithTokenSource(source))
				var recovered atomic.Int64
				var all sync.WaitGroup
				for _, use := range tt.uses {
					all.Go(func() {
						defer func() {
							if recover() == "boom" {
								recovered.Add(1)
							}
						}()
						use(t.Context(), f, client)
					})
				}
				all.Wait()
				require.EqualValues(t, len(tt.uses), recovered.Load())
			})
		})
	}
}

// B171: a goroutine that the caller's code ends, as FailNow of a test does, is the caller's.
func TestStopPlannedWhoseTransportEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		client := f.Client(codeartsbuild.WithTransport(httpfake.Func(func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			runtime.Goexit()
			return nil, nil
		})))
		returned := false
		var ended sync.WaitGroup
		ended.Go(func() {
			_, _ = client.Builds.StopPlanned(t.Context(), buildsPlan(f.JobID, startBuilds(f, 9)...), nil)
			returned = true
		})
		ended.Wait()
		synctest.Wait()
		require.False(t, returned)
	})
}
