package codeartsbuild

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// StopPlannedOptions say how a plan is carried out. Nil means the zero value.
type StopPlannedOptions struct {
	Max      int           // reject a plan that stops more builds; 0 means 25
	Parallel int           // stops at the same time; 0 means 4
	Wait     time.Duration // read each stopped build until it has finished, for at most this long; 0: do not wait
	Reason   string        // for the log: the service does not keep a reason

	// OnOutcome is called with each outcome as soon as it is known, one at a time and in that order, by the goroutine
	// that called StopPlanned. It may be nil. While it runs, other stops may have to wait. If it panics, the panic goes
	// on to the caller when the stops under way have ended.
	OnOutcome func(StopOutcome)
}

const defaultMaxStops = 25

// StopOutcome is the outcome for one chosen build. Exactly one of Stopped, AlreadyFinished, Skipped and Err is set, with
// one exception: with Wait, an accepted stop of a build that was not read back as finished is Stopped with an Err that is
// ErrStillRunning.
type StopOutcome struct {
	Build           *Build   `json:"build"`            // as it was last read
	Rule            StopRule `json:"rule"`             // why the plan chose it
	Stopped         bool     `json:"stopped"`          // the service accepted the stop
	AlreadyFinished bool     `json:"already_finished"` // the build no longer runs, perhaps not because of this stop
	Skipped         bool     `json:"skipped"`          // the reason to stop it is gone; no stop was sent
	Err             error    `json:"-"`                // in JSON, "error" is its text
	RequestID       string   `json:"request_id"`       // the service's name for the request of the stop; "" if no stop was sent
	Attempts        int      `json:"attempts"`         // requests sent for the stop

	// Took is the time from the stop to this outcome; 0 if no stop was sent. In JSON it is a number of nanoseconds.
	Took time.Duration `json:"took"`
}

// MarshalJSON writes the error as its text.
func (o StopOutcome) MarshalJSON() ([]byte, error) {
	type fields StopOutcome
	text := ""
	if o.Err != nil {
		text = o.Err.Error()
	}
	return json.Marshal(struct {
		fields
		Text string `json:"error,omitzero"`
	}{fields(o), text})
}

// StopPlanned stops the builds that a plan chose: each that of its own job, which is Build.JobID or, where that is empty,
// the plan's. It reads each build again first, and skips a build that has finished since, as AlreadyFinished. It goes on
// after a failure. It returns one outcome per chosen build, in the plan's order, and the joined errors of the failures
// beside them; OnOutcome gets each outcome earlier. A build that was chosen twice is stopped once, for the first reason.
//
// A build is Skipped if its reason is gone: it was queued too long and now runs; it now takes no longer than the limit;
// it is of another branch now, or a person or a schedule turns out to have started it (RuleSuperseded and RuleBranch
// only); the build that supersedes it was aborted, has finished without a start, is of another branch or is stopped by
// the same plan for another reason. If one of these cannot be read, the build is left alone, with that error.
//
// A plan that would stop more than Max builds, which usually means a wrong rule, is rejected with [ErrTooManyBuilds] and
// without outcomes. So is, with [ErrInvalidArgument], a plan with a chosen build whose job is missing or is not the
// plan's. After the context has ended, the builds that were not attempted yet have its error and its cause, and are never
// [ErrOutcomeUnknown]. With a logger, each stop leaves one record at Info: operation, job, build, branch, reason, outcome,
// request_id, attempts.
//
// API: ShowJobBuildRecordDetail, GET /v1/record/{job_id}/{build_no}/record-info, also for the build that supersedes
// another, then StopJob as for [JobsService.Stop] and, with Wait, the operations of [BuildsService.Wait].
func (s *BuildsService) StopPlanned(ctx context.Context, plan *StopPlan, in *StopPlannedOptions, opts ...CallOption) ([]StopOutcome, error) {
	p := planned{s, orZero(in), opts, nil}
	chosen, err := p.choose(ctx, plan)
	if err != nil {
		return nil, opStopJob.named(err)
	}
	s.client.clock.expire()
	outcomes := make([]StopOutcome, len(chosen))
	stop := func(i int) { outcomes[i] = p.stop(ctx, &chosen[i]) }
	for i := range inParallel(len(chosen), cmp.Or(p.Parallel, defaultParallel), stop) {
		if p.OnOutcome != nil {
			p.OnOutcome(outcomes[i])
		}
	}
	return outcomes, joinOutcomes(outcomes)
}

// planned is one use of StopPlanned: the part that its stops share.
type planned struct {
	builds *BuildsService
	StopPlannedOptions
	opts   []CallOption
	chosen map[buildKey]StopRule // the reason of each build that it stops
}

// A buildKey tells builds apart. Job ids differ in more than letter case.
type buildKey struct{ job, build string }

func keyOf(jobID, buildNo string) buildKey { return buildKey{strings.ToLower(jobID), buildNo} }

// choose returns the decisions to carry out, one for each build, with a copy of the build that has its job.
func (p *planned) choose(ctx context.Context, plan *StopPlan) ([]StopDecision, error) {
	switch {
	case ctx == nil:
		return nil, errNilContext
	case plan == nil:
		return nil, invalid("the plan must not be nil")
	case p.Max < 0 || p.Parallel < 0 || p.Wait < 0:
		return nil, invalid("Max, Parallel and Wait must not be negative")
	}
	var chosen []StopDecision
	p.chosen = make(map[buildKey]StopRule)
	for _, d := range plan.Decisions {
		if !d.Stop {
			continue
		}
		build, err := plan.buildOf(&d)
		if err != nil {
			return nil, err
		}
		key := keyOf(build.JobID, build.BuildNo)
		if _, twice := p.chosen[key]; twice {
			continue
		}
		p.chosen[key] = d.Rule
		d.Build = build
		chosen = append(chosen, d)
	}
	if most := cmp.Or(p.Max, defaultMaxStops); len(chosen) > most {
		return nil, &callError{
			text:    fmt.Sprintf("the plan stops %d builds, which is more than Max, %d", len(chosen), most),
			details: details{kinds: []error{ErrTooManyBuilds}},
		}
	}
	return chosen, nil
}

// buildOf is a copy of the build of a decision, with its job as the plan spells it.
func (p *StopPlan) buildOf(d *StopDecision) (*Build, error) {
	if d.Build == nil {
		return nil, invalid("the plan must not choose a nil build")
	}
	build := *d.Build
	switch {
	case p.JobID == "" && build.JobID == "":
		return nil, invalid("the plan or its build %s must name the job", quoted(build.BuildNo))
	case p.JobID != "" && build.JobID != "" && !strings.EqualFold(p.JobID, build.JobID):
		return nil, invalid("build %s must be of the plan's job, %s, but is of job %s; a plan over several jobs must have no JobID",
			quoted(build.BuildNo), quoted(p.JobID), quoted(build.JobID))
	}
	build.JobID = cmp.Or(p.JobID, build.JobID)
	return &build, nil
}

// stop reads a build, and stops it if the reason still holds.
func (p *planned) stop(ctx context.Context, d *StopDecision) StopOutcome {
	outcome := StopOutcome{Build: d.Build, Rule: d.Rule}
	if err, cause := ctx.Err(), context.Cause(ctx); err != nil {
		outcome.Err = &callError{
			operation: opStopJob.name, text: endText(err, cause, "") + "; not attempted", details: details{kinds: []error{err}, cause: cause},
		}
		return outcome
	}
	now, err := p.reread(ctx, d.Build)
	if err != nil {
		outcome.Err = err
		return outcome
	}
	outcome.Build = now
	if now.Finished() {
		outcome.AlreadyFinished = true
		return outcome
	}
	stands, err := p.stands(ctx, d, now)
	if err != nil {
		outcome.Err = err
		return outcome
	}
	if outcome.Skipped = !stands; stands {
		p.send(ctx, &outcome)
	}
	return outcome
}

// send stops the build of an outcome, and waits for it if Wait says so.
func (p *planned) send(ctx context.Context, outcome *StopOutcome) {
	var response Response
	asked := time.Now()
	result, err := p.builds.client.Jobs.Stop(ctx, outcome.Build.JobID, outcome.Build.BuildNo, respondingInto(&response, p.opts)...)
	outcome.Err, outcome.RequestID, outcome.Attempts = err, response.RequestID, response.Attempts
	switch {
	case err == nil:
		outcome.Stopped, outcome.AlreadyFinished = !result.AlreadyFinished, result.AlreadyFinished
	case errors.Is(err, ErrBuildFinished) && !errors.Is(err, ErrOutcomeUnknown):
		outcome.AlreadyFinished, outcome.Err = true, nil
	}
	p.log(ctx, outcome)
	if outcome.AlreadyFinished { // since it was read
		if now, err := p.reread(ctx, outcome.Build); err == nil {
			outcome.Build = now
		}
	}
	if p.Wait > 0 {
		p.confirm(ctx, outcome)
	}
	if outcome.Attempts > 0 {
		outcome.Took = time.Since(asked)
	}
}

// reread reads a build again. The build as it was known may have a branch that the record lacks, and has the plan's
// spelling of the job.
func (p *planned) reread(ctx context.Context, known *Build) (*Build, error) {
	now, err := p.builds.Get(ctx, known.JobID, known.BuildNo, respondingInto(new(Response), p.opts)...)
	if err != nil {
		return nil, err
	}
	return asKnown(now, known), nil
}

func asKnown(now, known *Build) *Build {
	now.JobID, now.Branch = known.JobID, cmp.Or(now.Branch, known.Branch)
	return now
}

// stands reports whether the reason of a decision still holds. It reads the build that supersedes another, unless the
// plan stops that one as well: if it is superseded too, both are, and otherwise it supersedes nothing.
func (p *planned) stands(ctx context.Context, d *StopDecision, now *Build) (bool, error) {
	var newer *Build
	if d.Rule == RuleSuperseded && d.By != "" {
		rule, stopped := p.chosen[keyOf(now.JobID, d.By)]
		if stopped && rule != RuleSuperseded {
			return false, nil
		}
		if !stopped {
			var err error
			if newer, err = p.builds.Get(ctx, now.JobID, d.By, respondingInto(new(Response), p.opts)...); err != nil {
				return false, amend(err, "; build "+d.By+", which supersedes it, could not be read")
			}
		}
	}
	return d.stands(now, newer, p.builds.client.clock.now()), nil
}

// stands reports whether the reason of a decision still holds for the build as it is now. newer is the build that
// supersedes it, or nil if that is not known. A record without a start, and a plan without its limit, leave the age as
// it was planned. A rule that no plan has always holds.
func (d *StopDecision) stands(now, newer *Build, at time.Time) bool {
	switch d.Rule {
	case RuleRunning, RuleQueued:
		since := now.activeSince()
		return now.Status == BuildStatus(d.Rule) && (d.limit == 0 || since.IsZero() || at.Sub(since) > d.limit)
	case RuleSuperseded, RuleBranch:
		spared := now.Trigger == TriggerManual || now.Trigger == TriggerScheduled
		return (!spared || now.Trigger == d.Build.Trigger) && isSameBranch(now, d.Build) &&
			(newer == nil || (newer.mayRun() && isSameBranch(now, newer)))
	}
	return true
}

// isSameBranch reports whether two builds are of one branch, as far as the service says so.
func isSameBranch(a, b *Build) bool { return a.Branch == "" || b.Branch == "" || a.Branch == b.Branch }

// confirm reads a build until it has finished. This also resolves an unknown outcome: the build no longer runs.
func (p *planned) confirm(ctx context.Context, outcome *StopOutcome) {
	unknown := errors.Is(outcome.Err, ErrOutcomeUnknown)
	if !outcome.Stopped && !unknown {
		return
	}
	build, err := p.builds.await(ctx, outcome.Build.JobID, outcome.Build.BuildNo, p.Wait, nil, respondingInto(new(Response), p.opts))
	switch {
	case err == nil:
		outcome.Build, outcome.AlreadyFinished, outcome.Err = asKnown(build, outcome.Build), unknown, nil
	case outcome.Stopped:
		outcome.Err = amend(err, "", ErrStillRunning)
	}
}

func (p *planned) log(ctx context.Context, outcome *StopOutcome) {
	logger := p.builds.client.logger
	if logger == nil {
		return
	}
	word := "failed"
	switch {
	case outcome.Stopped:
		word = "stopped"
	case outcome.AlreadyFinished:
		word = "already finished"
	case errors.Is(outcome.Err, ErrOutcomeUnknown):
		word = "unknown"
	}
	logger.LogAttrs(ctx, slog.LevelInfo, "stop",
		slog.String("operation", opStopJob.name), slog.String("job", outcome.Build.JobID), slog.String("build", outcome.Build.BuildNo),
		slog.String("branch", outcome.Build.Branch), slog.String("reason", p.Reason), slog.String("outcome", word),
		slog.String("request_id", outcome.RequestID), slog.Int("attempts", outcome.Attempts))
}

// stopErrors are the failures of a plan, in one line.
type stopErrors struct {
	builds []*Build
	errs   []error
	total  int
}

func joinOutcomes(outcomes []StopOutcome) error {
	joined := &stopErrors{total: len(outcomes)}
	for _, outcome := range outcomes {
		if outcome.Err != nil {
			joined.builds = append(joined.builds, outcome.Build)
			joined.errs = append(joined.errs, outcome.Err)
		}
	}
	if len(joined.errs) == 0 {
		return nil
	}
	return joined
}

func (e *stopErrors) Error() string {
	var b strings.Builder
	b.WriteString("codeartsbuild: " + strconv.Itoa(len(e.errs)) + " of " + strconv.Itoa(e.total) + " builds: ")
	for i, err := range e.errs {
		if i > 0 {
			b.WriteString("; ")
		}
		text := "job " + oneLine(e.builds[i].JobID, 64) + ", build " + oneLine(e.builds[i].BuildNo, 64) + ": " +
			strings.TrimPrefix(err.Error(), "codeartsbuild: ")
		if b.Len()+len(text) > 1000 {
			b.WriteString("…")
			break
		}
		b.WriteString(text)
	}
	return b.String()
}

// Unwrap returns every failure, for errors.Is and errors.As.
func (e *stopErrors) Unwrap() []error { return e.errs }
