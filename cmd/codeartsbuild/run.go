package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/spf13/cobra"
)

// parameters is a flag of the form NAME=VALUE.
type parameters map[string]string

// String implements pflag.Value.
func (p parameters) String() string { return "" }

// Type implements pflag.Value.
func (p parameters) Type() string { return "NAME=VALUE" }

// Set implements pflag.Value.
func (p parameters) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("must be NAME=VALUE")
	}
	p[name] = value
	return nil
}

func (p *program) runCommand() *cobra.Command {
	f := &follower{program: p}
	request := &codeartsbuild.RunRequest{Parameters: map[string]string{}}
	var attach string
	var offset int64
	cmd := &cobra.Command{
		Use: "run --job ID [flags]", Short: "Start a build and follow it to its end",
		Long: `Run starts a build and prints its log on stdout as it grows. It exits with 0 if
the build succeeds, and with 1 if not. The number of the build, its status and
the result go to stderr. An interruption stops the build; a second one ends this
program at once. A closed stdout is an interruption.`,
		Example: `  codeartsbuild run --job ID --branch main --param target=all
  codeartsbuild run --job ID --state nightly.state --log-file nightly.log
  codeartsbuild run --job ID --timeout 2h --stop-on-timeout`,
	}
	p.command(cmd, func(ctx context.Context) error {
		if err := f.check(); err != nil {
			return err
		}
		switch {
		case attach != "" && (request.Branch+request.Tag+request.CommitID != "" || len(request.Parameters) > 0):
			return usagef("--attach starts no build: it cannot be combined with --branch, --tag, --commit and --param")
		case attach == "" && offset != 0:
			return usagef("--from-offset needs --attach")
		case offset < 0:
			return usagef("--from-offset must not be negative")
		}
		fresh := newState(f.job, request)
		fresh.Build, fresh.Offset = attach, offset
		return f.run(ctx, fresh, func(ctx context.Context) (*codeartsbuild.RunResult, error) { return f.start(ctx, request) })
	})
	flags := cmd.Flags()
	jobFlag(flags, &f.job)
	textFlag(flags, &request.Branch, "branch", "`BRANCH` to build")
	textFlag(flags, &request.Tag, "tag", "`TAG` to build")
	textFlag(flags, &request.CommitID, "commit", "`COMMIT` to build")
	flags.Var(parameters(request.Parameters), "param", "parameter of the build, as `NAME=VALUE`; repeatable")
	textFlag(flags, &attach, "attach", "follow build `NUMBER` instead of starting one")
	flags.Int64Var(&offset, "from-offset", 0, "with --attach: start at this `OFFSET` in the log")
	f.flags(flags)
	return cmd
}

// start runs the job. After an unknown outcome it names the builds that it may have started.
func (f *follower) start(ctx context.Context, request *codeartsbuild.RunRequest) (*codeartsbuild.RunResult, error) {
	before := time.Now()
	result, err := f.client.Jobs.Run(ctx, f.job, request)
	if !errors.Is(err, codeartsbuild.ErrOutcomeUnknown) {
		return result, err
	}
	advice := "A build may have been started: look at the builds of the job before you run this again."
	if builds, findErr := f.client.Jobs.FindRun(ctx, f.job, request, before); findErr == nil && len(builds) > 0 {
		numbers := make([]string, len(builds))
		for i, b := range builds {
			numbers[i] = word(b.BuildNo)
		}
		advice = "It may have started build " + strings.Join(numbers, " or ") + ": follow that one with --attach."
	}
	return nil, withRemedy(err, advice)
}

func (p *program) rerunCommand() *cobra.Command {
	f := &follower{program: p}
	var build string
	cmd := &cobra.Command{
		Use: "rerun --job ID --build NUMBER [flags]", Short: "Run a job again as in an earlier build, and follow the build",
		Long: `Rerun starts a build with the branch, tag or commit and the parameters of an
earlier one, and follows it as run does. The values of secret parameters are not
known: the job's defaults are used.`,
		Example: `  codeartsbuild rerun --job ID --build 811
  codeartsbuild rerun --job ID --build 811 --quiet -o json`,
	}
	p.command(cmd, func(ctx context.Context) error {
		if err := f.check(); err != nil {
			return err
		}
		if build == "" {
			return usagef("--build is needed")
		}
		return f.run(ctx, &state{Job: f.job, RerunOf: build}, func(ctx context.Context) (*codeartsbuild.RunResult, error) {
			result, err := f.client.Jobs.Rerun(ctx, f.job, build)
			if errors.Is(err, codeartsbuild.ErrOutcomeUnknown) {
				err = withRemedy(err, "A build may have been started: look at the builds of the job before you run this again.")
			}
			return result, err
		})
	})
	jobFlag(cmd.Flags(), &f.job)
	buildFlag(cmd.Flags(), &build)
	f.flags(cmd.Flags())
	return cmd
}

func (p *program) waitCommand() *cobra.Command {
	var (
		c          connection
		job, build string
	)
	cmd := &cobra.Command{
		Use: "wait --job ID --build NUMBER [flags]", Short: "Wait until a build has finished",
		Long: `Wait prints each change of a build's status until the build has finished. It
exits with 0 if the build succeeds, and with 1 if not. It never stops the build.`,
		Example: `  codeartsbuild wait --job ID --build 811 --timeout 1h
  codeartsbuild wait --job ID --build 811 -o json | tail -n 1 | jq -r .status`,
	}
	p.command(cmd, func(ctx context.Context) error {
		switch {
		case job == "" || build == "":
			return usagef("--job and --build are needed")
		case c.timeout < 0:
			return usagef("--timeout must not be negative, got %v", c.timeout)
		}
		client, err := c.connect()
		if err != nil {
			return err
		}
		defer client.CloseIdleConnections()
		ended, err := client.Builds.Wait(ctx, job, build, &codeartsbuild.WaitOptions{Timeout: c.timeout, OnChange: p.showStatus})
		switch {
		case err != nil && ctx.Err() == nil && errors.Is(err, codeartsbuild.ErrStillRunning):
			return withTimeout(err, "The build goes on: wait longer with --timeout.")
		case err != nil && ctx.Err() != nil:
			return withRemedy(err, "The build goes on.")
		case err == nil && ended.Status != codeartsbuild.StatusSucceeded:
			return errPrinted
		}
		return err
	})
	jobFlag(cmd.Flags(), &job)
	buildFlag(cmd.Flags(), &build)
	p.outputFlag(cmd.Flags())
	c.flags(cmd.Flags(), 0)
	return cmd
}

// showStatus prints the status of a build on stdout.
func (p *program) showStatus(b *codeartsbuild.Build) {
	if p.format == formatJSON {
		_, _ = p.stdout.Write(object("status", append(append([]field{{"time", time.Now()}}, buildFields(b)...), statusFields(b)...)))
		return
	}
	text := stamp(time.Now()) + "  build " + word(b.BuildNo) + ": " + word(string(b.Status))
	if took := took(b); took != "-" {
		text += " after " + took
	}
	p.stdout.line("%s", text)
}
