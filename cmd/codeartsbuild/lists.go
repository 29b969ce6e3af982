package main

import (
	"context"
	"net/http"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/spf13/cobra"
)

func (p *program) buildsCommand() *cobra.Command {
	var (
		t      target
		c      connection
		within time.Duration
		most   int
	)
	cmd := &cobra.Command{
		Use: "builds (--job ID | --project ID) [flags]", Short: "List the builds of jobs, newest first",
		Long: "Builds lists the builds of jobs that began within some time, newest first.",
		Example: `  codeartsbuild builds --job ID --within 8h
  codeartsbuild builds --project ID -o json | jq 'select(.status == "failed")'`,
	}
	p.command(cmd, func(ctx context.Context) error {
		if err := t.check(); err != nil {
			return err
		}
		if within <= 0 || most < 1 {
			return usagef("--within must be positive, and --max at least 1")
		}
		ctx, client, done, err := c.open(ctx)
		if err != nil {
			return err
		}
		defer done()
		jobs, err := t.activeJobs(ctx, client, within)
		if err != nil {
			return err
		}
		if len(jobs) == 0 {
			return nil
		}
		now, err := serviceTime(ctx, client, jobs[0])
		if err != nil {
			return err
		}
		for _, job := range jobs {
			if err := p.listBuilds(ctx, client, job, now.Add(-within), most); err != nil {
				return err
			}
		}
		return nil
	})
	t.flags(cmd.Flags())
	cmd.Flags().DurationVar(&within, "within", 24*time.Hour, "builds that began within this `TIME`")
	cmd.Flags().IntVar(&most, "max", 100, "at most this `COUNT` of builds of a job")
	p.outputFlag(cmd.Flags())
	c.flags(cmd.Flags(), 2*time.Minute)
	return cmd
}

// serviceTime is the time of the service, by which builds are listed: the local clock may be wrong.
func serviceTime(ctx context.Context, client *codeartsbuild.Client, job string) (time.Time, error) {
	var response codeartsbuild.Response
	_, err := client.Builds.List(ctx, job, &codeartsbuild.BuildListOptions{PageSize: 1}, codeartsbuild.WithResponseInto(&response))
	if err != nil {
		return time.Time{}, err
	}
	now, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return time.Now(), nil
	}
	return now, nil
}

func (p *program) listBuilds(ctx context.Context, client *codeartsbuild.Client, job string, since time.Time, most int) error {
	rows := [][]string{{"BUILD", "STATUS", "BEGAN", "TOOK", "TRIGGER", "REVISION", "BRANCH"}}
	for b, err := range client.Builds.All(ctx, job, &codeartsbuild.BuildListOptions{From: since}) {
		if err != nil {
			return err
		}
		if most--; most < 0 {
			break
		}
		if p.format == formatJSON {
			_, _ = p.stdout.Write(object("build", append(buildFields(b), statusFields(b)...)))
			continue
		}
		cells := buildCells(b)
		rows = append(rows, []string{cells[0], cell(string(b.Status)), when(began(b)), took(b), cell(b.Trigger), cells[2], cells[1]})
	}
	if p.format == formatText {
		p.stdout.line("job %s", word(job))
		p.printRows(rows)
	}
	return p.stdout.failed()
}

// printRows prints a heading and its rows.
func (p *program) printRows(rows [][]string) {
	t := newTable(rows)
	for i, row := range rows {
		line := t.row(p.stdout, "", row...)
		if i == 0 {
			line = p.stdout.paint(faint, line)
		}
		p.stdout.line("%s", line)
	}
}

func statusFields(b *codeartsbuild.Build) []field {
	return []field{{"status", string(b.Status)}, {"queued_at", b.QueuedAt}, {"started_at", b.StartedAt}, {"finished_at", b.FinishedAt}}
}

// began is when a build started or, if it has not, when it was queued.
func began(b *codeartsbuild.Build) time.Time {
	if b.StartedAt.IsZero() {
		return b.QueuedAt
	}
	return b.StartedAt
}

// when is a time in UTC.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}

// took is how long a build ran.
func took(b *codeartsbuild.Build) string {
	if b.StartedAt.IsZero() || b.FinishedAt.IsZero() {
		return "-"
	}
	return age(b.FinishedAt.Sub(b.StartedAt))
}

func (p *program) jobsCommand() *cobra.Command {
	var (
		c               connection
		project, search string
	)
	cmd := &cobra.Command{
		Use: "jobs --project ID [flags]", Short: "List the jobs of a project",
		Long: "Jobs lists the build jobs of a CodeArts project.",
		Example: `  codeartsbuild jobs --project ID
  codeartsbuild jobs --project ID --search nightly -o json | jq -r .job`,
	}
	p.command(cmd, func(ctx context.Context) error {
		if project == "" {
			return usagef("--project is needed")
		}
		ctx, client, done, err := c.open(ctx)
		if err != nil {
			return err
		}
		defer done()
		return p.listJobs(ctx, client, project, search)
	})
	textFlag(cmd.Flags(), &project, "project", "`ID` of a CodeArts project")
	textFlag(cmd.Flags(), &search, "search", "only jobs whose name contains this `TEXT`")
	p.outputFlag(cmd.Flags())
	c.flags(cmd.Flags(), 2*time.Minute)
	return cmd
}

func (p *program) listJobs(ctx context.Context, client *codeartsbuild.Client, project, search string) error {
	found := false
	rows := [][]string{{"JOB", "LAST STATUS", "LAST BUILD", "NAME"}}
	for job, err := range client.Jobs.All(ctx, project, &codeartsbuild.JobListOptions{Search: search}) {
		if err != nil {
			return err
		}
		found = true
		if p.format == formatJSON {
			_, _ = p.stdout.Write(object("job", []field{{"job", job.ID}, {"name", job.Name}, {"project", job.ProjectID}, {"disabled", job.Disabled},
				{"last_build_status", string(job.LastBuildStatus)}, {"last_build_at", job.LastBuildTime}}))
			continue
		}
		rows = append(rows, []string{cell(job.ID), cell(string(job.LastBuildStatus)), when(job.LastBuildTime), cell(job.Name)})
	}
	switch {
	case !found && search == "":
		return errNoJobs(project)
	case p.format == formatText:
		p.printRows(rows)
	}
	return p.stdout.failed()
}
