package codeartsbuild_test

import (
	"context"
	"fmt"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

func ExampleBuildsService_StopPlanned() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	for _, revision := range []string{"a11ce", "b0b", "ca11"} {
		srv.AddBuild(job, codeartsbuild.Build{Branch: "feat/login", Revision: revision, Trigger: "Push"})
	}
	srv.AddBuild(job, codeartsbuild.Build{Branch: "release/1.0", Revision: "d00d", Trigger: "Push"})

	client, ctx := srv.Client(), context.Background()
	plan, err := client.Builds.PlanSuperseded(ctx, job, &codeartsbuild.SupersededOptions{Protect: []string{"release*"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range plan.Decisions {
		fmt.Println(d.Build.BuildNo, d.Build.Branch, d.Stop, d)
	}
	outcomes, err := client.Builds.StopPlanned(ctx, plan, &codeartsbuild.StopPlannedOptions{Reason: "newer push"})
	for _, o := range outcomes {
		fmt.Println("stopped", o.Build.BuildNo, o.Stopped)
	}
	fmt.Println(err)
	// Output:
	// 4 release/1.0 false protected
	// 3 feat/login false newest
	// 2 feat/login true superseded by 3
	// 1 feat/login true superseded by 3
	// stopped 2 true
	// stopped 1 true
	// <nil>
}

func ExampleBuildsService_PlanRunaway() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	srv.AddBuild(job, codeartsbuild.Build{Branch: "main", StartedAt: time.Now().Add(-221 * time.Minute)})

	plan, err := srv.Client().Builds.PlanRunaway(context.Background(), job, &codeartsbuild.RunawayOptions{
		MaxRunning: 2 * time.Hour,
		Protect:    []string{"release*"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range plan.Decisions {
		fmt.Println(d.Build.BuildNo, d.Stop, d)
	}
	// Output: 1 true running 3h41m
}

// A pull request is closed: its builds are of no use any more.
func ExampleBuildsService_PlanBranches() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	srv.AddBuild(job, codeartsbuild.Build{Branch: "feat/login", Trigger: "Push"})
	srv.AddBuild(job, codeartsbuild.Build{Branch: "main", Trigger: "Push"})
	srv.AddBuild(job, codeartsbuild.Build{Branch: "feat/login", Trigger: codeartsbuild.TriggerManual})

	client, ctx := srv.Client(), context.Background()
	plan, err := client.Builds.PlanBranches(ctx, job, &codeartsbuild.BranchOptions{Branches: []string{"feat/login"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range plan.Decisions {
		fmt.Println(d.Build.BuildNo, d.Stop, d)
	}
	outcomes, err := client.Builds.StopPlanned(ctx, plan, &codeartsbuild.StopPlannedOptions{Reason: "pull request closed"})
	for _, o := range outcomes {
		fmt.Println("stopped", o.Build.BuildNo, o.Stopped)
	}
	fmt.Println(err)
	// Output:
	// 3 false manual
	// 1 true branch
	// stopped 1 true
	// <nil>
}

// A sweep over all jobs of a project, every few minutes: builds that a newer push made pointless, and builds that
// take too long. Only the jobs that have built within the day are read.
func ExampleBuildsService_PlanProject() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	api, web := srv.AddJob("api"), srv.AddJob("web")
	started := time.Now().Add(-4 * time.Hour)
	srv.AddBuild(api, codeartsbuild.Build{Branch: "main", Revision: "a11ce", Trigger: "Push", StartedAt: started})
	srv.AddBuild(web, codeartsbuild.Build{Branch: "main", Revision: "b0b", Trigger: "Push"})
	srv.AddBuild(web, codeartsbuild.Build{Branch: "main", Revision: "ca11", Trigger: "Push"})

	client, ctx := srv.Client(), context.Background()
	plan, err := client.Builds.PlanProject(ctx, projectOf(ctx, client), &codeartsbuild.ProjectOptions{
		Superseded: &codeartsbuild.SupersededOptions{Protect: []string{"release/*"}, Within: 24 * time.Hour},
		Runaway:    &codeartsbuild.RunawayOptions{MaxRunning: 2 * time.Hour, Within: 24 * time.Hour},
		Jobs:       func(job *codeartsbuild.Job) bool { return job.Name != "nightly" },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	outcomes, err := client.Builds.StopPlanned(ctx, plan, nil)
	for _, o := range outcomes {
		fmt.Println(o.Rule, o.Build.BuildNo, o.Build.JobID == api, o.Stopped)
	}
	fmt.Println(err)
	// Output:
	// running 1 true true
	// superseded 1 false true
	// <nil>
}

// projectOf returns the id of the in-memory service's project.
func projectOf(ctx context.Context, client *codeartsbuild.Client) string {
	var out struct {
		Result struct {
			Jobs []struct {
				ProjectID string `json:"project_id"`
			} `json:"job_list"`
		} `json:"result"`
	}
	if err := client.Do(ctx, "GET", "/v1/job/list?page_index=0&page_size=1", nil, &out); err != nil || len(out.Result.Jobs) == 0 {
		return ""
	}
	return out.Result.Jobs[0].ProjectID
}
