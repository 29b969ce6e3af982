package codeartsbuild_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// Run a build and copy its log until it has finished. If the context ends before that, the build is stopped.
func ExampleBuildsService_Wait() {
	srv := codeartsbuildtest.NewServer() // in place of the cloud
	defer srv.Close()
	job := srv.AddJob("nightly")
	client, ctx := srv.Client(), context.Background()

	run, err := client.Jobs.Run(ctx, job, &codeartsbuild.RunRequest{Branch: "main"})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv.AppendLog(job, run.BuildNo, "compiling\ntesting\n") // what the build does
	srv.Finish(job, run.BuildNo, codeartsbuild.StatusSucceeded)

	build, err := client.Builds.Wait(ctx, job, run.BuildNo, &codeartsbuild.WaitOptions{
		Log:          os.Stdout,
		StopOnCancel: 10 * time.Second,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(build.Status)
	// Output:
	// compiling
	// testing
	// succeeded
}

// Why did the build fail? Its last lines often tell.
func ExampleLogsService_Tail() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	build := srv.StartBuild(job)
	srv.AppendLog(job, build, "compiling\ntesting\nFAIL: 2 of 31 packages\n")
	srv.Finish(job, build, codeartsbuild.StatusFailed)

	lines, err := srv.Client().Logs.Tail(context.Background(), job, build, 1)
	fmt.Println(lines, err)
	// Output: [FAIL: 2 of 31 packages] <nil>
}
