// Sweep stops, in all jobs of a project, builds that a newer push made pointless or that run for too long.
//
// It prints its plan, and acts with -yes:
//
//	sweep -project 231888c0cb5aa3409545e8e008a03a67 -yes
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func main() {
	project := flag.String("project", "", "`id` of the CodeArts project")
	yes := flag.Bool("yes", false, "stop the builds")
	flag.Parse()
	if err := sweep(context.Background(), *project, *yes); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func sweep(ctx context.Context, project string, yes bool) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	client, err := codeartsbuild.NewClient(codeartsbuild.WithEnvironment())
	if err != nil {
		return err
	}
	plan, err := client.Builds.PlanProject(ctx, project, &codeartsbuild.ProjectOptions{
		Superseded: &codeartsbuild.SupersededOptions{Within: 24 * time.Hour, Protect: []string{"main", "release/*"}},
		Runaway:    &codeartsbuild.RunawayOptions{Within: 24 * time.Hour, MaxRunning: 2 * time.Hour},
	})
	if err != nil {
		return err
	}
	for _, d := range plan.Decisions {
		fmt.Printf("stop %-5t  job %s  build %s  branch %q  %s\n", d.Stop, d.Build.JobID, d.Build.BuildNo, d.Build.Branch, d)
	}
	if !yes {
		return nil
	}
	outcomes, err := client.Builds.StopPlanned(ctx, plan, &codeartsbuild.StopPlannedOptions{Wait: time.Minute})
	for _, o := range outcomes {
		fmt.Printf("job %s  build %s  %s\n", o.Build.JobID, o.Build.BuildNo, o.Build.Status)
	}
	return err
}
