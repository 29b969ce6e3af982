// Run-and-follow starts a build, prints its log as it grows, and ends as the build did.
//
// The log goes to stdout byte for byte; the build's number comes first on stderr, then each change of its
// status, and the verdict last.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

func main() { program.Main(run) }

type options struct {
	cloud           program.Cloud
	job             string
	request         codeartsbuild.RunRequest
	attach          string
	fromOffset      int64
	timeout         time.Duration
	stopOnInterrupt bool
	stopOnTimeout   bool
	quiet           bool
	json            bool
	logFile         string
	stateFile       string
}

// parameters is a flag of the form name=value.
type parameters map[string]string

func (p parameters) String() string { return "" }

func (p parameters) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("want name=value")
	}
	p[name] = value
	return nil
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{request: codeartsbuild.RunRequest{Parameters: map[string]string{}}}
	flags := flag.NewFlagSet("run-and-follow", flag.ContinueOnError)
	program.Text(flags, &o.job, "job", "`id` of the job")
	flags.Var(parameters(o.request.Parameters), "param", "parameter of the build, as `name=value`; may be given several times")
	program.Text(flags, &o.request.Branch, "branch", "branch to build")
	program.Text(flags, &o.request.CommitID, "commit", "commit to build")
	program.Text(flags, &o.attach, "attach", "follow the build with this `number` instead of starting one")
	flags.Int64Var(&o.fromOffset, "from-offset", 0, "with -attach: where in the log to start, as a state file has it")
	flags.DurationVar(&o.timeout, "timeout", 0, "wait for the build no longer than this `time`; 0: no limit")
	flags.BoolVar(&o.stopOnInterrupt, "stop-on-interrupt", true, "stop the build when this program is interrupted; a second interruption ends it at once")
	flags.BoolVar(&o.stopOnTimeout, "stop-on-timeout", false, "stop the build when -timeout is over")
	flags.BoolVar(&o.quiet, "quiet", false, "print neither the log nor changes of the status")
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line on stderr")
	program.Text(flags, &o.logFile, "log-file", "also write the log to this `file`, which has another name until it is complete")
	program.Text(flags, &o.stateFile, "state", "keep job, build and offset in this `file`, and go on from there when it exists")
	o.cloud.Flags(flags)
	o.cloud.DemoFlag(flags)
	if err := program.Parse(flags, args, stderr); err != nil {
		return nil, err
	}
	return o, o.check()
}

func (o *options) check() error {
	switch {
	case o.cloud.Demo == (o.job != ""):
		return program.Usagef("either -job or -demo is needed")
	case o.cloud.Demo && o.attach != "":
		return program.Usagef("-demo starts a build of its own: -attach does not go with it")
	case o.attach != "" && (o.request.Branch != "" || o.request.CommitID != "" || len(o.request.Parameters) > 0):
		return program.Usagef("-attach starts no build: -branch, -commit and -param do not go with it")
	case o.attach == "" && o.fromOffset != 0:
		return program.Usagef("-from-offset goes with -attach")
	case o.fromOffset < 0 || o.timeout < 0:
		return program.Usagef("-from-offset or -timeout is negative")
	case o.stopOnTimeout && o.timeout == 0:
		return program.Usagef("-stop-on-timeout goes with -timeout")
	}
	return nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	screen := newScreen(stdout, stderr, o.json, o.quiet)
	err = o.run(ctx, screen)
	if err != nil && o.json && !errors.Is(err, program.ErrFailed) { // stderr has JSON only
		screen.event("ERROR", "error", err.Error(), "remedy", program.Remedy(err))
		err = program.WithRemedy(errors.Join(err, program.ErrFailed), "")
	}
	return err
}

// run finds out what it can before it starts a build that nobody would then follow.
func (o *options) run(ctx context.Context, screen *screen) error {
	state, err := o.loadState()
	if err != nil {
		return err
	}
	if err := checkSave(o.stateFile); err != nil {
		return err
	}
	file, err := openLog(o.logFile, state)
	if err != nil {
		return err
	}
	client, done, err := o.cloud.Open(ctx, o.fill)
	if err != nil {
		return errors.Join(err, file.leave())
	}
	defer done()
	if err := o.start(ctx, client, state); err != nil {
		return errors.Join(err, file.leave())
	}
	screen.event("BUILD", "job", state.Job, "build", state.Build)
	f := &follower{options: o, client: client, state: state, screen: screen}
	return f.follow(ctx, file)
}

// start runs a build, unless there is one to follow.
func (o *options) start(ctx context.Context, client *codeartsbuild.Client, s *state) error {
	if s.Build != "" {
		_, err := client.Builds.Get(ctx, s.Job, s.Build) // a wrong number shows at once
		if s.resumed && errors.Is(err, codeartsbuild.ErrNotFound) {
			return program.WithRemedy(err, "The build is that of the state file "+o.stateFile+", which was left as it is. Remove it to begin anew.")
		}
		return err
	}
	started, err := client.Jobs.Run(ctx, o.job, &o.request)
	if errors.Is(err, codeartsbuild.ErrOutcomeUnknown) {
		return program.WithRemedy(err, "A build may have been started: look at the builds of the job before you run this again.")
	}
	if err != nil {
		return err
	}
	s.Job, s.Build = o.job, started.BuildNo
	return nil
}
