// Stop-superseded stops the builds of a job that a newer push to the same branch made pointless.
//
// It prints what it would do; -yes does it.
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
	cloud      program.Cloud
	sweep      program.Sweep
	jobs       program.List
	rule       codeartsbuild.SupersededOptions
	timeout    time.Duration
	bestEffort bool
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("stop-superseded", flag.ContinueOnError)
	flags.Var(&o.jobs, "job", "`id` of a job; may be given several times")
	flags.Var((*program.List)(&o.rule.Branches), "branch", "only branches that match this `pattern`, in which * stands for any characters; may be given several times")
	flags.Var((*program.List)(&o.rule.Protect), "protect", "leave branches that match this `pattern` alone; may be given several times")
	flags.IntVar(&o.rule.Keep, "keep", 1, "the newest builds of a branch that stay")
	program.Text(flags, &o.rule.Anchor, "anchor", "look at builds up to this `number` only, such as the one that calls")
	flags.BoolVar(&o.rule.SameTrigger, "same-trigger", false, "a build supersedes only those that were started in the same way")
	flags.BoolVar(&o.rule.IncludeScheduled, "include-scheduled", false, "also stop builds that a schedule started")
	flags.BoolVar(&o.rule.IncludeManual, "include-manual", false, "also stop builds that a person started")
	flags.IntVar(&o.sweep.Stop.Parallel, "parallel", 4, "stops at the same time")
	flags.StringVar(&o.sweep.Stop.Reason, "reason", "superseded", "reason, for the log")
	flags.BoolVar(&o.bestEffort, "best-effort", false, "exit with 0 although some stops failed")
	flags.DurationVar(&o.timeout, "timeout", 15*time.Minute, "end after this `time`")
	o.sweep.Flags(flags)
	o.cloud.Flags(flags)
	o.cloud.DemoFlag(flags)
	if err := program.Parse(flags, args, stderr); err != nil {
		return nil, err
	}
	switch {
	case o.cloud.Demo == (len(o.jobs) > 0):
		return nil, program.Usagef("either -job or -demo is needed")
	case o.timeout <= 0:
		return nil, program.Usagef("-timeout is %v, and has to be positive", o.timeout)
	case o.rule.Keep < 1 || o.sweep.Stop.Parallel < 1:
		return nil, program.Usagef("-keep and -parallel are at least 1")
	}
	return o, o.sweep.Check()
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	o.sweep.W, o.sweep.Notes = stdout, stderr
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	client, done, err := o.cloud.Open(ctx, o.fill, program.Log(stderr))
	if err != nil {
		return err
	}
	defer done()
	for _, job := range o.jobs {
		plan, err := client.Builds.PlanSuperseded(ctx, job, &o.rule)
		if err != nil {
			return err
		}
		o.sweep.Add(plan, why)
	}
	err = o.sweep.Act(ctx, client)
	if o.bestEffort && errors.Is(err, program.ErrFailed) { // some of the stops failed, and that is all
		return nil
	}
	return err
}

func why(d codeartsbuild.StopDecision) (name, value string) {
	if d.Rule == codeartsbuild.RuleSuperseded {
		return "by", "#" + d.By
	}
	return "reason", strings.ReplaceAll(d.String(), " ", "-")
}
