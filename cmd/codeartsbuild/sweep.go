package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/spf13/pflag"
)

// A sweep is a command that stops many builds: it prints what was decided for all jobs, and then stops all that was
// chosen, or nothing.
type sweep struct {
	*program
	connection
	target
	stop       codeartsbuild.StopPlannedOptions
	within     time.Duration
	protect    []string
	yes        bool
	auditFile  string
	bestEffort bool

	outcomes     *table
	chosen, kept int
	results      map[result]int
	failure      error // the first
}

// sweepFlags adds the flags of all sweeps; own adds those of one, behind its target.
func (s *sweep) sweepFlags(flags *pflag.FlagSet, reason string, own func()) {
	s.target.flags(flags)
	own()
	listFlag(flags, &s.protect, "protect", "leave branches like this `BRANCH` alone; repeatable")
	flags.DurationVar(&s.within, "within", 0, "only builds that began within `TIME`; 0: 31 days")
	yesFlag(flags, &s.yes, "stop the builds")
	flags.IntVar(&s.stop.Max, "max", 25, "stop nothing if over `COUNT` are chosen")
	flags.DurationVar(&s.stop.Wait, "wait", 0, "wait this `TIME` for each stopped build to finish")
	flags.IntVar(&s.stop.Parallel, "parallel", 4, "`COUNT` of stops at the same time")
	flags.StringVar(&s.stop.Reason, "reason", reason, "`TEXT` for the audit file")
	textFlag(flags, &s.auditFile, "audit", "append to `FILE` a record before and after each stop")
	flags.BoolVar(&s.bestEffort, "best-effort", false, "exit with 0 although some stops failed")
	s.outputFlag(flags)
	s.connection.flags(flags, 15*time.Minute)
}

func (s *sweep) check() error {
	switch {
	case s.stop.Max < 1 || s.stop.Parallel < 1:
		return usagef("--max and --parallel must be at least 1")
	case s.stop.Wait < 0 || s.within < 0:
		return usagef("--wait and --within must not be negative")
	}
	return s.target.check()
}

// run makes a plan over all jobs, and carries it out.
func (s *sweep) run(ctx context.Context, plan func(context.Context, *codeartsbuild.Client) (*codeartsbuild.StopPlan, error)) error {
	if err := s.check(); err != nil {
		return err
	}
	ctx, client, done, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	var record *audit
	if s.auditFile != "" && s.yes {
		if record, err = openAudit(s.auditFile, s.stop.Reason); err != nil {
			return err
		}
		defer record.close()
	}
	decided, err := plan(ctx, client)
	if err != nil {
		return err
	}
	s.show(decided)
	if err := s.stdout.failed(); err != nil {
		return err
	}
	return s.act(ctx, client, decided, record)
}

// perJob makes one plan of the plans of the jobs.
func (s *sweep) perJob(jobs []string, plan func(jobID string) (*codeartsbuild.StopPlan, error)) (*codeartsbuild.StopPlan, error) {
	all := &codeartsbuild.StopPlan{}
	for _, job := range jobs {
		p, err := plan(job)
		if err != nil {
			return nil, err
		}
		for _, d := range p.Decisions {
			d.Build.JobID = cmp.Or(d.Build.JobID, job)
			all.Decisions = append(all.Decisions, d)
		}
	}
	return all, nil
}

// show prints the decisions, job by job.
func (s *sweep) show(plan *codeartsbuild.StopPlan) {
	rows, chosen := make([][]string, 0, len(plan.Decisions)), [][]string{{resultStopped.word}}
	for _, d := range plan.Decisions {
		decided := "KEEP"
		if d.Stop {
			decided = "STOP"
			s.chosen++
			chosen = append(chosen, append([]string{""}, buildCells(d.Build)...))
		} else {
			s.kept++
		}
		rows = append(rows, append(append([]string{decided}, buildCells(d.Build)...), knownAge(d), cell(string(d.Rule))))
	}
	s.outcomes, s.results = newTable(chosen), map[result]int{}
	t, job := newTable(rows), ""
	for i, d := range plan.Decisions {
		if s.format == formatJSON {
			s.showJSON(d)
			continue
		}
		if job != d.Build.JobID {
			job = d.Build.JobID
			s.stdout.line("job %s", word(job))
		}
		row, colour := rows[i], faint
		if d.Stop {
			colour = yellow
		}
		row[len(row)-1] = printable(d.String())
		s.stdout.line("%s", t.row(s.stdout, colour, row...))
	}
}

func (s *sweep) showJSON(d codeartsbuild.StopDecision) {
	event := "keep"
	if d.Stop {
		event = "stop"
	}
	s.event(event, append(buildFields(d.Build), field{"age_seconds", d.Age.Truncate(time.Second)}, field{"rule", string(d.Rule)}, field{"by", d.By})...)
}

// event prints a line of JSON.
func (s *sweep) event(name string, fields ...field) {
	_, _ = s.stdout.Write(object(name, fields)) // the stream keeps the error
}

// act stops what the plan chose, if that is wanted and not too much, and prints what became of it and the sums.
func (s *sweep) act(ctx context.Context, client *codeartsbuild.Client, plan *codeartsbuild.StopPlan, record *audit) error {
	switch {
	case s.chosen > s.stop.Max:
		s.dryRun()
		return withRemedy(fmt.Errorf("%d builds are chosen, which is more than --max %d: nothing was stopped", s.chosen, s.stop.Max),
			"Look at the lines above: if they are right, raise --max.")
	case !s.yes:
		s.dryRun()
		if s.chosen > 0 && s.format == formatText {
			s.stderr.line("Nothing was stopped: --yes stops the builds.")
		}
		return nil
	}
	if err := record.begin(plan); err != nil {
		return err
	}
	if err := s.carryOut(ctx, client, plan, record); err != nil {
		return err
	}
	s.done()
	return s.verdict(ctx)
}

// carryOut stops the builds, as long as there is a record of each.
func (s *sweep) carryOut(ctx context.Context, client *codeartsbuild.Client, plan *codeartsbuild.StopPlan, record *audit) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var recordErr error
	options := s.stop
	options.OnOutcome = func(o codeartsbuild.StopOutcome) { // at once, and on record first: this program may be killed
		if recordErr == nil {
			if recordErr = record.outcome(&o); recordErr != nil {
				cancel()
			}
		}
		s.outcome(&o)
	}
	outcomes, err := client.Builds.StopPlanned(ctx, plan, &options)
	if err != nil && outcomes == nil {
		return err
	}
	return recordErr
}

func (s *sweep) dryRun() {
	if s.format == formatJSON {
		s.event("dry_run", field{"chosen", s.chosen}, field{"kept", s.kept}, field{"stopped", 0})
		return
	}
	s.stdout.line("DRY RUN  chosen %d, kept %d, stopped 0", s.chosen, s.kept)
}

func (s *sweep) done() {
	results := []result{resultStopped, resultAlready, resultSkipped, resultFailed, resultUnknown, resultStillRunning}
	fields, sums := []field{{"chosen", s.chosen}, {"kept", s.kept}}, fmt.Sprintf("chosen %d, kept %d", s.chosen, s.kept)
	for _, r := range results {
		fields = append(fields, field{r.event, s.results[r]})
		if s.results[r] > 0 || r == resultStopped {
			sums += fmt.Sprintf(", %s %d", r.record, s.results[r])
		}
	}
	if s.format == formatJSON {
		s.event("done", fields...)
		return
	}
	s.stdout.line("DONE  %s", sums)
}

// verdict is the error that the sums amount to. Each failure was printed already.
func (s *sweep) verdict(ctx context.Context) error {
	switch {
	case s.failure == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return withRemedy(ctx.Err(), "Run the same command again for the rest: what has been stopped is not stopped twice.")
	case ctx.Err() != nil:
		return ctx.Err()
	case s.bestEffort:
		return nil
	case s.results[resultFailed] == 0 && s.results[resultStillRunning] == 0:
		return errors.Join(codeartsbuild.ErrOutcomeUnknown, errPrinted)
	}
	return withRemedy(errPrinted, remedy(s.failure))
}

// A result is a kind of outcome: its word in rows, in JSON and in the audit file.
type result struct{ word, colour, event, record string }

var (
	resultStopped      = result{"STOPPED", green, "stopped", "stopped"}
	resultAlready      = result{"ALREADY", faint, "already", "already finished"}
	resultSkipped      = result{"SKIPPED", faint, "skipped", "skipped"}
	resultStillRunning = result{"RUNNING", yellow, "still_running", "still running"}
	resultUnknown      = result{"UNKNOWN", red, "unknown", "unknown"}
	resultFailed       = result{"FAILED", red, "failed", "failed"}
)

func resultOf(o *codeartsbuild.StopOutcome) result {
	switch {
	case o.Stopped && errors.Is(o.Err, codeartsbuild.ErrStillRunning):
		return resultStillRunning
	case errors.Is(o.Err, codeartsbuild.ErrOutcomeUnknown):
		return resultUnknown
	case o.Err != nil:
		return resultFailed
	case o.AlreadyFinished:
		return resultAlready
	case o.Skipped:
		return resultSkipped
	}
	return resultStopped
}

// outcome prints what became of one build, and counts it.
func (s *sweep) outcome(o *codeartsbuild.StopOutcome) {
	s.failure = cmp.Or(s.failure, o.Err)
	r := resultOf(o)
	s.results[r]++
	if s.format == formatJSON {
		fields := append(buildFields(o.Build), field{"status", string(o.Build.Status)}, field{"rule", string(o.Rule)},
			field{"after_seconds", o.Took.Round(time.Millisecond)}, field{"attempts", o.Attempts}, field{"request_id", o.RequestID})
		s.event(r.event, append(fields, failureFields(o.Err)...)...)
		return
	}
	row := append([]string{r.word}, buildCells(o.Build)...)
	s.stdout.line("%s", s.outcomes.row(s.stdout, r.colour, append(row, s.detail(o))...))
}

// detail is the last column of an outcome.
func (s *sweep) detail(o *codeartsbuild.StopOutcome) string {
	switch {
	case o.Err != nil && !errors.Is(o.Err, codeartsbuild.ErrStillRunning):
		return errorText(o.Err)
	case o.Skipped:
		return "the reason is gone"
	case o.AlreadyFinished && !o.Build.Status.Terminal(): // it was read before it finished
		return ""
	case o.AlreadyFinished:
		return word(string(o.Build.Status))
	case s.stop.Wait == 0:
		return "stopping"
	}
	return word(string(o.Build.Status)) + " after " + o.Took.Round(time.Second).String()
}

// failureFields are what a program can use of an error.
func failureFields(err error) []field {
	if err == nil {
		return nil
	}
	fields := []field{{"error", errorText(err)}}
	var apiErr *codeartsbuild.APIError
	if errors.As(err, &apiErr) {
		fields = append(fields, field{"code", apiErr.ErrorCode}, field{"http_status", apiErr.StatusCode})
	}
	return fields
}

// buildCells are the columns that every row about a build starts with.
func buildCells(b *codeartsbuild.Build) []string {
	return []string{cell(b.BuildNo), cell(b.Branch), cell(b.Revision[:min(len(b.Revision), 7)])}
}

// buildFields are the members that every object about a build starts with.
func buildFields(b *codeartsbuild.Build) []field {
	return []field{{"job", b.JobID}, {"build", b.BuildNo}, {"branch", b.Branch}, {"revision", b.Revision}, {"trigger", b.Trigger}, {"executor", b.Executor}}
}

func knownAge(d codeartsbuild.StopDecision) string {
	if d.Age <= 0 {
		return "-"
	}
	return age(d.Age)
}

// age spells a duration as people do.
func age(d time.Duration) string {
	if d < time.Hour {
		return d.Truncate(time.Second).String()
	}
	return strconv.Itoa(int(d/time.Hour)) + "h" + strconv.Itoa(int(d%time.Hour/time.Minute)) + "m"
}
