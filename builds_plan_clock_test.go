package codeartsbuild_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// dated is a fault that lets the service respond with the Date of another clock.
func dated(ahead time.Duration) codeartsbuildtest.Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			next.ServeHTTP(w, r)
		})
	}
}

// Ages and windows are by the service's clock, from the first plan of a client on.
func TestPlansUseTheClockOfTheService(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ahead    time.Duration // of the service's clock
		age      time.Duration // by that clock
		within   time.Duration
		want     string
		requests int
	}{
		"behind, a young build":             {-3 * time.Hour, 5 * time.Minute, 0, "within limit", 2},
		"behind, an old build":              {-3 * time.Hour, 150 * time.Minute, 0, "running 2h30m", 2},
		"behind, a short window":            {-3 * time.Hour, 150 * time.Minute, 170 * time.Minute, "running 2h30m", 2},
		"a day behind":                      {-24 * time.Hour, time.Minute, 150 * time.Minute, "within limit", 2},
		"ahead, a young build":              {3 * time.Hour, 5 * time.Minute, 0, "within limit", 2},
		"ahead, an old build":               {3 * time.Hour, 150 * time.Minute, 0, "running 2h30m", 2},
		"ahead, a short window":             {3 * time.Hour, 5 * time.Minute, 150 * time.Minute, "within limit", 2},
		"right, a young build":              {0, 5 * time.Minute, 0, "within limit", 1},
		"right, an old build":               {0, 150 * time.Minute, 0, "running 2h30m", 1},
		"as right as a Date in seconds can": {time.Second, 150 * time.Minute, 0, "running 2h29m", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				f.AddBuild(f.JobID, codeartsbuild.Build{StartedAt: time.Now().Add(tt.ahead - tt.age)})
				f.NextN(sdktest.OpListBuild, 9, dated(tt.ahead))
				plan, err := f.Client().Builds.PlanRunaway(t.Context(), f.JobID, &codeartsbuild.RunawayOptions{MaxRunning: 2 * time.Hour, Within: tt.within})
				require.NoError(t, err)
				require.Len(t, plan.Decisions, 1)
				require.Equal(t, tt.want, plan.Decisions[0].String())
				require.InDelta(t, tt.age, plan.Decisions[0].Age, float64(2*time.Second))
				require.Equal(t, tt.requests, f.Count(sdktest.OpListBuild), "a clock that is found to be wrong costs one request")
			})
		})
	}
}

// An age is that after the list was read, which can take long.
func TestPlanTellsTheAgeAfterTheList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewBuild(t)
		f.Next(sdktest.OpListBuild, func(next http.Handler) http.Handler { return codeartsbuildtest.Delay(20 * time.Second)(dated(0)(next)) })
		plan, err := f.Client().Builds.PlanRunaway(t.Context(), f.JobID, &codeartsbuild.RunawayOptions{MaxRunning: 10 * time.Second})
		require.NoError(t, err)
		require.Equal(t, "running 20s", plan.Decisions[0].String())
	})
}

// The jobs that a plan of a project reads, and their builds, are of the service's time.
func TestPlanProjectUsesTheClockOfTheService(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-5 * time.Hour, 0, 5 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			f := sdktest.NewJob(t)
			now := time.Now().Add(ahead)
			f.AddBuild(f.JobID, codeartsbuild.Build{StartedAt: now.Add(-5 * time.Minute)})
			f.AddBuild(f.AddJob("hourly"), codeartsbuild.Build{StartedAt: now.Add(-50 * time.Minute)})
			f.AddBuild(f.AddJob("daily"), codeartsbuild.Build{StartedAt: now.Add(-2 * time.Hour), Status: codeartsbuild.StatusFailed})
			client := f.Client()
			project := projectOf(t.Context(), f.Client())
			f.NextN("ListProjectJobs", 9, dated(ahead))
			f.NextN(sdktest.OpListBuild, 9, dated(ahead))
			plan, err := client.Builds.PlanProject(t.Context(), project, &codeartsbuild.ProjectOptions{
				Runaway: &codeartsbuild.RunawayOptions{MaxRunning: 30 * time.Minute, Within: time.Hour},
			})
			require.NoError(t, err)
			require.Len(t, plan.Decisions, 2, "the service's clock is %v ahead", ahead)
			require.Equal(t, "within limit", plan.Decisions[0].String())
			require.Equal(t, "running 50m0s", plan.Decisions[1].String())
			require.Equal(t, 2, f.Count(sdktest.OpListBuild))
		})
	}
}

// The local clock may be set while a client lives, also a moment before a plan, and a service may reject the time that a
// wrong clock asks for.
func TestPlansNoticeAClockThatIsSet(t *testing.T) {
	t.Parallel()
	plans := map[string]func(*testing.T, *sdktest.Fixture, *codeartsbuild.Client) (*codeartsbuild.StopPlan, error){
		"runaway": func(t *testing.T, f *sdktest.Fixture, c *codeartsbuild.Client) (*codeartsbuild.StopPlan, error) {
			return c.Builds.PlanRunaway(t.Context(), f.JobID, &codeartsbuild.RunawayOptions{MaxRunning: 2 * time.Hour})
		},
		"superseded": func(t *testing.T, f *sdktest.Fixture, c *codeartsbuild.Client) (*codeartsbuild.StopPlan, error) {
			return c.Builds.PlanSuperseded(t.Context(), f.JobID, nil)
		},
	}
	for name, plan := range plans {
		for _, was := range []time.Duration{0, 3 * time.Hour, -3 * time.Hour} {
			for _, is := range []time.Duration{0, 3 * time.Hour, -3 * time.Hour} {
				for _, pause := range []time.Duration{time.Second, 2 * time.Minute} {
					synctest.Test(t, func(t *testing.T) {
						f := sdktest.NewJob(t)
						client := f.Client()
						lift := f.Always("", dated(was))
						_, err := client.Builds.List(t.Context(), f.JobID, nil)
						require.NoError(t, err)
						lift()
						time.Sleep(pause)
						f.Always("", dated(is))
						start := time.Now().Add(is - time.Minute)
						f.AddBuild(f.JobID, codeartsbuild.Build{Branch: "main", Revision: "1111111", StartedAt: start})
						f.AddBuild(f.JobID, codeartsbuild.Build{Branch: "main", Revision: "2222222", StartedAt: start})
						got, err := plan(t, f, client)
						require.NoError(t, err)
						require.Len(t, got.Decisions, 2, "%s: %v, then %v after %v", name, was, is, pause)
						require.Equal(t, name == "superseded", got.Decisions[1].Stop, "%s: %v, then %v after %v", name, was, is, pause)
						found, err := client.Jobs.FindRun(t.Context(), f.JobID, nil, time.Now().Add(-2*time.Minute))
						require.NoError(t, err)
						require.Len(t, found, 2)
					})
				}
			}
		}
	}
	t.Run("rejected", func(t *testing.T) {
		t.Parallel()
		for name, plan := range plans {
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				f.AddBuild(f.JobID, codeartsbuild.Build{StartedAt: time.Now()})
				behind := http.Header{"Date": {time.Now().Add(-40 * 24 * time.Hour).UTC().Format(http.TimeFormat)}}
				f.Next(sdktest.OpListBuild, codeartsbuildtest.ReplyHeader(400, behind, `{"error_code":"DEV.CB.0000","error_msg":"start_time is in the future"}`))
				f.NextN(sdktest.OpListBuild, 9, dated(-40*24*time.Hour))
				_, err := plan(t, f, f.Client())
				require.NoError(t, err, name)
			})
		}
	})
}
