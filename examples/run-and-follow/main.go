// Run-and-follow starts a build, prints its log as it grows, and exits with 0 if the build succeeds. An interruption
// stops the build:
//
//	run-and-follow -job 48c66c6002964721be537cdc6ce0297b -branch main
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func main() {
	job := flag.String("job", "", "`id` of the job")
	branch := flag.String("branch", "", "`branch` to build")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	build, err := runAndFollow(ctx, *job, *branch)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Fprintf(os.Stderr, "build %s finished: %s\n", build.BuildNo, build.Status)
	if build.Status != codeartsbuild.StatusSucceeded {
		os.Exit(1)
	}
}

func runAndFollow(ctx context.Context, job, branch string) (*codeartsbuild.Build, error) {
	client, err := codeartsbuild.NewClient(codeartsbuild.WithEnvironment())
	if err != nil {
		return nil, err
	}
	before, request := time.Now(), &codeartsbuild.RunRequest{Branch: branch}
	run, err := client.Jobs.Run(ctx, job, request)
	if errors.Is(err, codeartsbuild.ErrOutcomeUnknown) {
		builds, findErr := client.Jobs.FindRun(ctx, job, request, before)
		return nil, fmt.Errorf("%w; %d builds may be the one of this run: %v", err, len(builds), findErr)
	}
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "build %s started\n", run.BuildNo)
	return client.Builds.Wait(ctx, job, run.BuildNo, &codeartsbuild.WaitOptions{
		Log:          os.Stdout,
		StopOnCancel: 10 * time.Second,
		OnChange:     func(b *codeartsbuild.Build) { fmt.Fprintf(os.Stderr, "build %s: %s\n", b.BuildNo, b.Status) },
	})
}
