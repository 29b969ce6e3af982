// Reap-runaway stops builds that run, or wait to run, for too long, in some jobs or in all of a project.
//
// It prints what it would do; -yes does it.
package main

import (
	"context"
	"flag"
	"io"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

func main() { program.Main(run) }

type options struct {
	cloud     program.Cloud
	sweep     program.Sweep
	jobs      program.List
	project   string
	rule      codeartsbuild.RunawayOptions
	exempt    program.List
	auditFile string
	timeout   time.Duration
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("reap-runaway", flag.ContinueOnError)
	flags.Var(&o.jobs, "job", "`id` of a job; may be given several times")
	program.Text(flags, &o.project, "project", "all jobs of the CodeArts project with this `id`, instead of -job")
	flags.DurationVar(&o.rule.MaxRunning, "max-running", 0, "stop builds that run for longer than this `time`")
	flags.DurationVar(&o.rule.MaxQueued, "max-queued", 0, "stop builds that wait for longer than this `time`")
	flags.Var(&o.exempt, "exempt", "leave branches that match this `pattern` alone, in which * stands for any characters; may be given several times")
	program.Text(flags, &o.auditFile, "audit", "append one JSON object per stop to this `file`")
	flags.StringVar(&o.sweep.Stop.Reason, "label", "runaway", "reason, for the log and the audit file")
	flags.DurationVar(&o.timeout, "timeout", 15*time.Minute, "end after this `time`")
	o.sweep.Flags(flags)
	o.cloud.Flags(flags)
	o.cloud.DemoFlag(flags)
	if err := program.Parse(flags, args, stderr); err != nil {
		return nil, err
	}
	switch {
	case o.cloud.Demo && (len(o.jobs) > 0 || o.project != ""), len(o.jobs) > 0 && o.project != "":
		return nil, program.Usagef("-job, -project and -demo exclude each other")
	case !o.cloud.Demo && len(o.jobs) == 0 && o.project == "":
		return nil, program.Usagef("one of -job, -project and -demo is needed")
	case o.rule.MaxRunning == 0 && o.rule.MaxQueued == 0:
		return nil, program.Usagef("-max-running or -max-queued is needed: without a limit every build would be one too many")
	case o.rule.MaxRunning < 0 || o.rule.MaxQueued < 0:
		return nil, program.Usagef("-max-running or -max-queued is negative")
	case o.timeout <= 0:
		return nil, program.Usagef("-timeout is %v, and has to be positive", o.timeout)
	}
	o.rule.Exempt = o.spares
	return o, o.sweep.Check()
}

func (o *options) spares(b *codeartsbuild.Build) bool {
	for _, pattern := range o.exempt {
		if codeartsbuild.MatchBranch(pattern, b.Branch) {
			return true
		}
	}
	return false
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	o.sweep.W, o.sweep.Notes = stdout, stderr
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if o.auditFile != "" && o.sweep.Yes {
		audit, err := openAudit(o.auditFile, o.sweep.Stop.Reason)
		if err != nil {
			return err
		}
		defer audit.Close()
		o.sweep.Ready, o.sweep.Audit = audit.ready, audit.record
	}
	client, done, err := o.cloud.Open(ctx, o.fill, program.Log(stderr))
	if err != nil {
		return err
	}
	defer done()
	if err := o.plan(ctx, client); err != nil {
		return err
	}
	return o.sweep.Act(ctx, client)
}

// plan decides for all jobs before anything is stopped.
func (o *options) plan(ctx context.Context, client *codeartsbuild.Client) error {
	if o.project != "" {
		for job, err := range client.Jobs.All(ctx, o.project, nil) {
			if err != nil {
				return err
			}
			o.jobs = append(o.jobs, job.ID)
		}
	}
	for _, job := range o.jobs {
		plan, err := client.Builds.PlanRunaway(ctx, job, &o.rule)
		if err != nil {
			return err
		}
		o.sweep.Add(plan, func(d codeartsbuild.StopDecision) (name, value string) {
			return "reason", strings.ReplaceAll(d.String(), " ", "-")
		})
	}
	return nil
}
