package main

import (
	"context"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/spf13/cobra"
)

const sweepUse = " (--job ID | --project ID) [flags]"

func (p *program) supersededCommand() *cobra.Command {
	s := &sweep{program: p}
	var rule codeartsbuild.SupersededOptions
	cmd := &cobra.Command{
		Use: "superseded" + sweepUse, Short: "Stop builds that a newer push made pointless",
		Long: "Superseded stops builds that a newer build of their branch made pointless.\nIt prints its plan; --yes carries it out.",
		Example: `  codeartsbuild superseded --job ID --protect 'release/*'
  codeartsbuild superseded --project ID --within 24h --audit stops.jsonl --yes`,
	}
	flags := cmd.Flags()
	p.command(cmd, func(ctx context.Context) error {
		switch {
		case rule.Keep < 1:
			return usagef("--keep must be at least 1")
		case rule.Anchor != "" && s.project != "":
			return usagef("--anchor needs --job: builds are numbered per job")
		}
		rule.Protect, rule.Within = s.protect, s.within
		return s.run(ctx, func(ctx context.Context, client *codeartsbuild.Client) (*codeartsbuild.StopPlan, error) {
			if s.project != "" {
				return client.Builds.PlanProject(ctx, s.project, &codeartsbuild.ProjectOptions{Superseded: &rule})
			}
			return s.perJob(s.jobs, func(job string) (*codeartsbuild.StopPlan, error) {
				return client.Builds.PlanSuperseded(ctx, job, &rule)
			})
		})
	})
	s.sweepFlags(flags, "superseded", func() {
		listFlag(flags, &rule.Branches, "branch", "only branches like `BRANCH` (feat/*); repeatable")
		flags.IntVar(&rule.Keep, "keep", 1, "keep `COUNT` newest builds of a branch")
		textFlag(flags, &rule.Anchor, "anchor", "look at builds up to this `NUMBER` only")
		flags.BoolVar(&rule.SameTrigger, "same-trigger", false, "a build supersedes only those started the same way")
		includeFlags(cmd, &rule.IncludeScheduled, &rule.IncludeManual, &rule.IncludeNoTrigger)
	})
	return cmd
}

func includeFlags(cmd *cobra.Command, scheduled, manual, noTrigger *bool) {
	cmd.Flags().BoolVar(scheduled, "include-scheduled", false, "also stop builds that a schedule started")
	cmd.Flags().BoolVar(manual, "include-manual", false, "also stop builds that a person started")
	cmd.Flags().BoolVar(noTrigger, "include-no-trigger", false, "also stop builds whose starter is not known")
}

func (p *program) runawayCommand() *cobra.Command {
	s := &sweep{program: p}
	var rule codeartsbuild.RunawayOptions
	cmd := &cobra.Command{
		Use: "runaway" + sweepUse, Short: "Stop builds that run, or wait to run, for too long",
		Long: "Runaway stops the builds that run, or wait to run, for longer than a limit.\nIt prints its plan; --yes carries it out.",
		Example: `  codeartsbuild runaway --job ID --max-running 2h
  codeartsbuild runaway --project ID --max-running 2h --max-queued 30m --yes`,
	}
	flags := cmd.Flags()
	p.command(cmd, func(ctx context.Context) error {
		switch {
		case rule.MaxRunning == 0 && rule.MaxQueued == 0:
			return usagef("--max-running or --max-queued is needed")
		case rule.MaxRunning < 0 || rule.MaxQueued < 0:
			return usagef("--max-running and --max-queued must not be negative")
		}
		rule.Protect, rule.Within = s.protect, s.within
		return s.run(ctx, func(ctx context.Context, client *codeartsbuild.Client) (*codeartsbuild.StopPlan, error) {
			if s.project != "" {
				return client.Builds.PlanProject(ctx, s.project, &codeartsbuild.ProjectOptions{Runaway: &rule})
			}
			return s.perJob(s.jobs, func(job string) (*codeartsbuild.StopPlan, error) { return client.Builds.PlanRunaway(ctx, job, &rule) })
		})
	})
	s.sweepFlags(flags, "runaway", func() {
		flags.DurationVar(&rule.MaxRunning, "max-running", 0, "stop builds that run for longer than this `TIME`")
		flags.DurationVar(&rule.MaxQueued, "max-queued", 0, "stop builds that wait for longer than this `TIME`")
	})
	return cmd
}

func (p *program) branchesCommand() *cobra.Command {
	s := &sweep{program: p}
	var rule codeartsbuild.BranchOptions
	cmd := &cobra.Command{
		Use: "branches --branch BRANCH" + sweepUse, Short: "Stop all builds of branches, as of a closed pull request",
		Long: "Branches stops all builds of branches, such as that of a closed pull request.\nIt prints its plan; --yes carries it out.",
		Example: `  codeartsbuild branches --job ID --branch feat/login
  codeartsbuild branches --project ID --branch 'pr/*' --protect pr/7 --yes`,
	}
	flags := cmd.Flags()
	p.command(cmd, func(ctx context.Context) error {
		if len(rule.Branches) == 0 {
			return usagef("--branch is needed")
		}
		rule.Protect, rule.Within = s.protect, s.within
		return s.run(ctx, func(ctx context.Context, client *codeartsbuild.Client) (*codeartsbuild.StopPlan, error) {
			jobs, err := s.activeJobs(ctx, client, s.within)
			if err != nil {
				return nil, err
			}
			return s.perJob(jobs, func(job string) (*codeartsbuild.StopPlan, error) { return client.Builds.PlanBranches(ctx, job, &rule) })
		})
	})
	s.sweepFlags(flags, "branch", func() {
		listFlag(flags, &rule.Branches, "branch", "builds of branches like `BRANCH` (pr/*); repeatable")
		includeFlags(cmd, &rule.IncludeScheduled, &rule.IncludeManual, &rule.IncludeNoTrigger)
	})
	return cmd
}

const maxWithin = 31 * 24 * time.Hour

// isIdle reports whether a job was never built, or is not building and has not begun a build since a time. A job of which
// the service says too little is not idle.
func isIdle(job *codeartsbuild.Job, since time.Time) bool {
	if job.LastBuildTime.IsZero() {
		return strings.EqualFold(string(job.LastBuildStatus), string(codeartsbuild.JobNeverBuilt))
	}
	return job.Finished && job.LastBuildStatus != codeartsbuild.StatusRunning && job.LastBuildTime.Before(since)
}

// activeJobs are the jobs of the flags or, of a project, those that build or built within this time.
func (t *target) activeJobs(ctx context.Context, client *codeartsbuild.Client, within time.Duration) ([]string, error) {
	if t.project == "" {
		return t.jobs, nil
	}
	if within == 0 {
		within = maxWithin
	}
	const clockMargin = 25 * time.Hour // the local clock may be wrong by a time zone
	since := time.Now().Add(-within - clockMargin)
	var active []string
	found := false
	for job, err := range client.Jobs.All(ctx, t.project, nil) {
		if err != nil {
			return nil, err
		}
		found = true
		if !isIdle(job, since) {
			active = append(active, job.ID)
		}
	}
	if !found {
		return nil, errNoJobs(t.project)
	}
	return active, nil
}
