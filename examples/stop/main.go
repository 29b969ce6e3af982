// Stop stops one build of a job and, with -wait, waits until it has finished.
//
// Without credentials in the environment and without flags it does so on an in-memory service.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

func main() {
	job := flag.String("job", "", "`id` of the job: 32 letters and digits")
	build := flag.String("build", "", "`number` of the build, from 1")
	region := flag.String("region", "", "`region` of the service, such as cn-north-4; otherwise from the environment")
	wait := flag.Bool("wait", false, "wait until the build has finished")
	timeout := flag.Duration("timeout", 10*time.Minute, "end after this `time`")
	flag.Parse()
	ctx, end := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer end()
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	var err error
	switch {
	case *job+*build+*region == "" && !hasCredential():
		err = demonstrate(ctx)
	case *job == "" || *build == "":
		fmt.Fprintln(os.Stderr, "-job and -build are needed; -h lists the flags")
		os.Exit(2)
	default:
		err = stopInCloud(ctx, *region, *job, *build, *wait)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code(ctx, err))
}

// hasCredential reports whether the environment has any part of a credential, or there is a credential file.
func hasCredential() bool {
	for _, name := range []string{
		"CODEARTSBUILD_TOKEN", "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_USER_NAME",
		"HW_USER_ID", "HW_USER_PASSWORD", "OS_ACCESS_KEY", "OS_SECRET_KEY", "OS_USERNAME", "OS_USER_ID", "OS_PASSWORD",
		"HUAWEICLOUD_SDK_CREDENTIALS_FILE", "HC_CONTAINER_CREDENTIALS_FULL_URI",
	} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	home, err := os.UserHomeDir()
	if err == nil {
		_, err = os.Stat(filepath.Join(home, ".huaweicloud", "credentials"))
	}
	return err == nil
}

// demonstrate starts and stops a build of the in-memory service, over a socket and with a real login.
func demonstrate(ctx context.Context) error {
	server := codeartsbuildtest.NewServer()
	defer server.Close()
	server.Start()
	fmt.Println("No credentials are set, so this is a demonstration with an in-memory service at", server.URL)
	source, err := codeartsbuild.NewIAMTokenSource(server.IAMConfig())
	if err != nil {
		return err
	}
	client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint(server.URL), codeartsbuild.WithTokenSource(source))
	if err != nil {
		return err
	}
	job := server.AddJob("nightly")
	started, err := client.Jobs.Run(ctx, job, &codeartsbuild.RunRequest{Branch: "main"})
	if err != nil {
		return err
	}
	say("logged in with a password and started build %s of job %s", started.BuildNo, job)
	if err := stop(ctx, client, job, started.BuildNo, true); err != nil {
		return err
	}
	fmt.Println("In the cloud: go run ./examples/stop -region REGION -job ID -build NUMBER -wait")
	return nil
}

func stopInCloud(ctx context.Context, region, job, build string, wait bool) error {
	opts := []codeartsbuild.ClientOption{codeartsbuild.WithEnvironment()}
	if region != "" {
		opts = append(opts, codeartsbuild.WithRegion(region))
	}
	client, err := codeartsbuild.NewClient(opts...)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	return stop(ctx, client, job, build, wait)
}

// stop stops a build, and says what it sees on the way.
func stop(ctx context.Context, client *codeartsbuild.Client, job, build string, wait bool) error {
	began := time.Now()
	if !wait {
		_, err := client.Jobs.Stop(ctx, job, build)
		if err == nil {
			say("the service accepted the stop of build %s, and ends it within seconds", build)
		}
		return err
	}
	ended, err := client.Jobs.StopAndWait(ctx, job, build)
	if err == nil {
		say("build %s finished: %s, %s after the request", build, ended.Status, time.Since(began).Round(100*time.Millisecond))
	}
	return err
}

func say(format string, args ...any) {
	fmt.Printf("%s  %s\n", time.Now().UTC().Format("15:04:05"), fmt.Sprintf(format, args...))
}

// code is the exit code: 0 stopped or already finished, 1 failed, 2 credentials, 3 outcome unknown, 124 timed out and
// 130 interrupted.
func code(ctx context.Context, err error) int {
	switch {
	case err == nil, errors.Is(err, codeartsbuild.ErrBuildFinished) && !errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
		return 0
	case errors.Is(ctx.Err(), context.Canceled):
		return 130
	case errors.Is(err, context.DeadlineExceeded):
		return 124
	case errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
		return 3
	case errors.Is(err, codeartsbuild.ErrInvalidArgument), errors.Is(err, codeartsbuild.ErrUnauthorized), errors.Is(err, codeartsbuild.ErrNotProjectScoped):
		return 2
	}
	return 1
}
