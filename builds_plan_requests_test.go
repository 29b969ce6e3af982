package codeartsbuild_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
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

const opListJobs = "ListProjectJobs"

// projectFixture is a project with as many jobs, each with 100 builds: those of the first jobs began within the day.
func projectFixture(t *testing.T, jobs, active int) (f *sdktest.Fixture, client *codeartsbuild.Client, project string) {
	t.Helper()
	f = sdktest.NewJob(t)
	now := time.Now()
	for i := range jobs {
		job, last := f.JobID, now.Add(-25*time.Hour)
		if i > 0 {
			job = f.AddJob(fmt.Sprintf("job %d", i))
		}
		if i < active {
			last = now.Add(-time.Duration(i+1) * time.Minute)
		}
		for n := range 100 {
			status := codeartsbuild.StatusSucceeded
			if n == 99 && i < active {
				status = codeartsbuild.StatusRunning
			}
			f.AddBuild(job, codeartsbuild.Build{
				Branch: "main", Revision: fmt.Sprintf("r%d", n), Trigger: "Push", Status: status,
				StartedAt: last.Add(-time.Duration(99-n) * 20 * time.Minute), FinishedAt: last,
			})
		}
	}
	return f, f.Client(), projectOf(t.Context(), f.Client())
}

// A sweep costs what is active.
func TestPlanProjectRequests(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	superseded := func(within time.Duration) *codeartsbuild.ProjectOptions {
		return &codeartsbuild.ProjectOptions{Superseded: &codeartsbuild.SupersededOptions{Within: within}}
	}
	tests := map[string]struct {
		jobs, active   int
		options        *codeartsbuild.ProjectOptions
		listed, builds int // requests, at most
		decisions      int
	}{
		"100 jobs, of which 10 built within the day":   {100, 10, superseded(day), 2, 10, 10},
		"100 jobs, of which all built within the day":  {100, 100, superseded(day), 2, 100, 100},
		"100 jobs, of which none built within the day": {100, 0, superseded(day), 2, 0, 0},
		"250 jobs, of which 3 built within the day":    {250, 3, superseded(day), 3, 3, 3},
		"the longer time of two rules counts": {20, 5, &codeartsbuild.ProjectOptions{
			Superseded: &codeartsbuild.SupersededOptions{Within: time.Hour}, Runaway: &codeartsbuild.RunawayOptions{MaxRunning: time.Minute, Within: day},
		}, 1, 5, 5},
		"a month: a second page of each job, since the first is full": {10, 10, superseded(0), 1, 20, 10},
		"jobs that are not wanted": {20, 10, &codeartsbuild.ProjectOptions{
			Superseded: &codeartsbuild.SupersededOptions{Within: day}, Jobs: func(job *codeartsbuild.Job) bool { return job.Name == "job 3" || job.Name == "job 15" },
		}, 1, 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, client, project := projectFixture(t, tt.jobs, tt.active)
				before := len(f.Requests())
				plan, err := client.Builds.PlanProject(t.Context(), project, tt.options)
				require.NoError(t, err)
				require.Empty(t, plan.JobID)
				require.Len(t, plan.Decisions, tt.decisions)
				require.LessOrEqual(t, f.Count(opListJobs), tt.listed)
				require.LessOrEqual(t, f.Count(sdktest.OpListBuild), tt.builds)
				for _, r := range f.Requests()[before:] {
					require.Equal(t, "GET", r.Method)
				}
				t.Logf("%d requests, %d of them for builds", len(f.Requests())-before, f.Count(sdktest.OpListBuild))
			})
		})
	}
}

func TestPlanProjectOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		jobs := []string{f.JobID}
		for i := range 9 {
			jobs = append(jobs, f.AddJob(fmt.Sprint(i)))
		}
		var want []string
		for _, job := range jobs {
			for n := range 3 {
				f.AddBuild(job, codeartsbuild.Build{Branch: "main", Revision: fmt.Sprint(n), Trigger: "Push"})
			}
			want = append(want, job+" 3 newest", job+" 2 superseded by 3", job+" 1 superseded by 3")
		}
		var read atomic.Int64
		f.NextN(sdktest.OpListBuild, 10, sdktest.Before(func(*http.Request) {
			time.Sleep(time.Duration(100-10*read.Add(1)) * time.Millisecond) // later reads are quicker
		}))
		client := f.Client()
		plan, err := client.Builds.PlanProject(t.Context(), projectOf(t.Context(), client), &codeartsbuild.ProjectOptions{Superseded: &codeartsbuild.SupersededOptions{}})
		require.NoError(t, err)
		var got []string
		for _, d := range plan.Decisions {
			got = append(got, d.Build.JobID+" "+d.Build.BuildNo+" "+d.String())
		}
		require.Equal(t, want, got)

		outcomes, err := client.Builds.StopPlanned(t.Context(), plan, nil)
		require.NoError(t, err)
		require.Len(t, outcomes, 20)
		time.Sleep(time.Minute)
		for _, job := range jobs {
			require.Equal(t, codeartsbuild.StatusRunning, f.Status(job, "3"))
			require.Equal(t, codeartsbuild.StatusAborted, f.Status(job, "2"))
		}
	})
}

func TestPlanProjectParallel(t *testing.T) {
	t.Parallel()
	for parallel, want := range map[int]int{0: 4, 1: 1, 6: 6, 99: 9} {
		synctest.Test(t, func(t *testing.T) {
			f, client, project := projectFixture(t, 9, 9)
			var running httpfake.Peak
			f.NextN(sdktest.OpListBuild, 9, sdktest.Before(func(*http.Request) {
				running.Enter()
				defer running.Leave()
				time.Sleep(time.Second)
			}))
			var response codeartsbuild.Response
			_, err := client.Builds.PlanProject(t.Context(), project, &codeartsbuild.ProjectOptions{
				Superseded: &codeartsbuild.SupersededOptions{Within: time.Hour}, Parallel: parallel,
			}, codeartsbuild.WithResponseInto(&response))
			require.NoError(t, err)
			require.Equal(t, want, running.Most(), "Parallel %d", parallel)
			require.Zero(t, response, "it is for one call at a time")
		})
	}
}

// A bubble ends only when all of its goroutines have.
func TestPlanProjectEndsAtTheFirstError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, client, project := projectFixture(t, 20, 20)
		slow, forbidden := codeartsbuildtest.Delay(time.Minute), codeartsbuildtest.Reply(403, `{"error_code":"APIGW.0302","error_msg":"not yours"}`)
		f.Next(sdktest.OpListBuild, slow, slow, forbidden, slow, slow)
		start := time.Now()
		plan, err := client.Builds.PlanProject(t.Context(), project, &codeartsbuild.ProjectOptions{Superseded: &codeartsbuild.SupersededOptions{Within: time.Hour}})
		require.Nil(t, plan)
		require.Equal(t, []string{"ErrForbidden"}, sdktest.Kinds(err))
		require.ErrorContains(t, err, "ListBuildInfoRecordByJobId")
		require.ErrorContains(t, err, "; job ")
		require.Less(t, time.Since(start), time.Second, "the reads under way end as well")
		require.LessOrEqual(t, f.Count(sdktest.OpListBuild), 5)
	})
}

func TestPlanProjectEndsWithItsContext(t *testing.T) {
	t.Parallel()
	cause := errors.New("shutdown")
	for name, operation := range map[string]string{"jobs": opListJobs, "builds": sdktest.OpListBuild} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, client, project := projectFixture(t, 20, 20)
				f.NextN(operation, 20, codeartsbuildtest.Delay(10*time.Second))
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(cause) })
				start := time.Now()
				plan, err := client.Builds.PlanProject(ctx, project, &codeartsbuild.ProjectOptions{Superseded: &codeartsbuild.SupersededOptions{Within: time.Hour}})
				require.Nil(t, plan)
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, cause)
				require.Equal(t, time.Second, time.Since(start))
			})
		})
	}
}

// A wrong id must not watch nothing for ever.
func TestPlanProjectWithoutJobs(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	rule := &codeartsbuild.ProjectOptions{Superseded: &codeartsbuild.SupersededOptions{}}
	for _, id := range []string{strings.Repeat("0", 32), f.JobID} {
		plan, err := f.Client().Builds.PlanProject(t.Context(), id, rule)
		require.Nil(t, plan)
		require.Equal(t, []string{"ErrNotFound"}, sdktest.Kinds(err))
		require.ErrorContains(t, err, `ListProjectJobs: the project has no job; its id must be that of a CodeArts project, got "`+id+`"`)
	}
	project := projectOf(t.Context(), f.Client())
	plan, err := f.Client().Builds.PlanProject(t.Context(), project, rule)
	require.NoError(t, err, "a job that was never built")
	require.Empty(t, plan.Decisions)
	rule.Jobs = func(*codeartsbuild.Job) bool { return false }
	plan, err = f.Client().Builds.PlanProject(t.Context(), project, rule)
	require.NoError(t, err, "a job that is not wanted")
	require.Empty(t, plan.Decisions)
	require.Zero(t, f.Count(sdktest.OpListBuild))
}

// A job can be deleted after the jobs were listed.
func TestPlanProjectWithoutADeletedJob(t *testing.T) {
	t.Parallel()
	f, client, project := projectFixture(t, 3, 3)
	f.Next(sdktest.OpListBuild, codeartsbuildtest.Reply(422, `{"error_code":"DEVCB.00031006","error_msg":"no such job"}`))
	plan, err := client.Builds.PlanProject(t.Context(), project, &codeartsbuild.ProjectOptions{Superseded: &codeartsbuild.SupersededOptions{Within: time.Hour}})
	require.NoError(t, err)
	require.Len(t, plan.Decisions, 2)
}

// The caller's functions run in the caller's goroutine.
func TestPlanProjectPanics(t *testing.T) {
	t.Parallel()
	boom := map[string]*codeartsbuild.ProjectOptions{
		"Exempt": {Runaway: &codeartsbuild.RunawayOptions{MaxRunning: time.Hour, Exempt: func(*codeartsbuild.Build) bool { panic("boom") }}},
		"Jobs":   {Superseded: &codeartsbuild.SupersededOptions{}, Jobs: func(*codeartsbuild.Job) bool { panic("boom") }},
	}
	for name, options := range boom {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, client, project := projectFixture(t, 5, 5)
				require.PanicsWithValue(t, "boom", func() { _, _ = client.Builds.PlanProject(t.Context(), project, options) })
			})
		})
	}
}
