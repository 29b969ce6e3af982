// Stop stops one build of a job and, with -wait, waits until it has ended.
//
// Without credentials in the environment and without flags that say what to stop, or where, it shows that on
// an in-memory service.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

func main() { program.Main(run) }

type options struct {
	cloud      program.Cloud
	job, build string
	wait       bool
	timeout    time.Duration
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("stop", flag.ContinueOnError)
	program.Text(flags, &o.job, "job", "`id` of the job: 32 letters and digits")
	program.Text(flags, &o.build, "build", "`number` of the build, from 1")
	flags.BoolVar(&o.wait, "wait", false, "wait until the build has ended")
	flags.DurationVar(&o.timeout, "timeout", 10*time.Minute, "end after this `time`")
	o.cloud.Flags(flags)
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	if o.timeout <= 0 {
		return program.Usagef("-timeout is %v, and has to be positive", o.timeout)
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if o.job+o.build+o.cloud.Region+o.cloud.Endpoint == "" && !program.HasCredential() {
		return o.demonstrate(ctx, stdout)
	}
	if o.job == "" || o.build == "" {
		return program.Usagef("both -job and -build are needed")
	}
	client, err := o.cloud.Connect()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	return o.stop(ctx, client, stdout)
}

// demonstrate stops a build of the in-memory service, over a socket and with a real login.
func (o options) demonstrate(ctx context.Context, stdout io.Writer) error {
	server, client, err := program.LogIn(ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	defer client.CloseIdleConnections()
	fmt.Fprintf(stdout, "No credentials are set, so this is a demonstration with an in-memory service at %s.\n", server.URL)
	o.job = server.AddJob("nightly")
	started, err := client.Jobs.Run(ctx, o.job, &codeartsbuild.RunRequest{Branch: "main"})
	if err != nil {
		return err
	}
	o.build, o.wait = started.BuildNo, true
	fmt.Fprintf(stdout, "%s  logged in with a password and started build %s of job %s\n", program.Stamp(time.Now()), o.build, o.job)
	if err := o.stop(ctx, client, stdout); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "In the cloud: go run ./examples/stop -region REGION -job ID -build NUMBER -wait")
	return nil
}

// stop stops the build and says what it sees on the way.
func (o options) stop(ctx context.Context, client *codeartsbuild.Client, stdout io.Writer) error {
	say := func(format string, args ...any) {
		fmt.Fprintf(stdout, "%s  %s\n", program.Stamp(time.Now()), fmt.Sprintf(format, args...))
	}
	asked := time.Now()
	result, stopErr := client.Jobs.Stop(ctx, o.job, o.build)
	switch {
	case errors.Is(stopErr, codeartsbuild.ErrBuildFinished):
		say("build %s had already finished", o.build)
		return nil
	case errors.Is(stopErr, codeartsbuild.ErrOutcomeUnknown) && o.wait && ctx.Err() == nil:
		say("%v; looking whether the build ends", stopErr)
	case stopErr != nil:
		return stopErr
	case result.AlreadyFinished:
		say("build %s no longer runs", o.build)
		return nil
	default:
		say("the service accepted the stop of build %s", o.build)
	}
	if !o.wait {
		fmt.Fprintf(stdout, "Accepted: the service ends build %s within seconds. See it happen with -wait.\n", o.build)
		return nil
	}
	return o.watch(ctx, client, asked, stopErr, stdout, say)
}

func (o options) watch(ctx context.Context, client *codeartsbuild.Client, asked time.Time, stopErr error, stdout io.Writer, say func(string, ...any)) error {
	ended, err := client.Builds.Wait(ctx, o.job, o.build, &codeartsbuild.WaitOptions{OnChange: func(b *codeartsbuild.Build) {
		say("build %s is %s", b.BuildNo, b.Status)
	}})
	if err != nil && stopErr == nil {
		return program.WithRemedy(err, "The stop was accepted, and the build ends without this program. Run the same command again to see it end.")
	}
	if err != nil {
		return errors.Join(err, stopErr)
	}
	verdict := "Stopped"
	if ended.Status != codeartsbuild.StatusAborted { // it came to its own end before the stop reached it
		verdict = "Not stopped"
	}
	fmt.Fprintf(stdout, "%s: build %s ended as %s, %s after the request.\n", verdict, o.build, ended.Status, time.Since(asked).Round(100*time.Millisecond))
	return nil
}
