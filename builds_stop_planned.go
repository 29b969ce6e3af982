package codeartsbuild

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

// StopPlannedOptions say how a plan is carried out. Nil means the zero value.
type StopPlannedOptions struct {
	Max      int           // reject a plan that stops more builds; 0 means 25
	Parallel int           // stops at the same time; 0 means 4
	Wait     time.Duration // read each stopped build until it has finished, for at most this long; 0: do not wait
	Reason   string        // for the log: the service does not keep a reason

	// OnOutcome is called with each outcome as soon as it is known, one at a time and in that order. It may be nil.
	// While it runs, other stops may have to wait.
	OnOutcome func(StopOutcome)
}

const (
	defaultMaxStops      = 25
	defaultParallelStops = 4
)

// StopOutcome is the outcome for one chosen build. Exactly one of Stopped, AlreadyFinished and Err is set, with one
// exception: with Wait, an accepted stop of a build that was not read back as finished is Stopped with an Err that is
// ErrStillRunning.
type StopOutcome struct {
	Build           *Build // as it was last read
	Stopped         bool   // the service accepted the stop
	AlreadyFinished bool   // the build no longer runs, perhaps not because of this stop
	Err             error
	RequestID       string // the service's name for the request of the stop; "" if no stop was sent

	Took time.Duration // from the stop to this outcome; 0 if no stop was sent
}

// StopPlanned stops the builds that a plan chose. It reads each build again first, and skips a build that has
// finished since, as AlreadyFinished. It goes on after a failure. It returns one outcome per chosen build, in the
// plan's order, and the joined errors of the failures beside them; OnOutcome gets each outcome earlier.
//
// A plan that would stop more than Max builds is rejected with [ErrInvalidArgument] and without outcomes, since that
// many usually mean a wrong rule. After the context has ended, the builds that were not attempted yet have its error,
// which is never [ErrOutcomeUnknown]. With a logger, each stop leaves one record at Info: operation, job, build,
// branch, reason, outcome, request_id, attempts.
//
// API: ShowJobBuildRecordDetail, GET /v1/record/{job_id}/{build_no}/record-info, then StopJob as for
// [JobsService.Stop] and, with Wait, the operations of [BuildsService.Wait].
func (s *BuildsService) StopPlanned(ctx context.Context, plan *StopPlan, in *StopPlannedOptions, opts ...CallOption) ([]StopOutcome, error) {
	options := orZero(in)
	chosen, err := options.choose(ctx, plan)
	if err != nil {
		return nil, opStopJob.named(err)
	}
	outcomes := make([]StopOutcome, len(chosen))
	reporting := make(chan struct{}, 1) // no mutex: OnOutcome may sleep, also in a synctest bubble
	var running sync.WaitGroup
	free := make(chan struct{}, options.Parallel)
	for i, build := range chosen {
		free <- struct{}{}
		running.Go(func() {
			defer func() { <-free }()
			outcomes[i] = s.stopOne(ctx, build, &options, opts)
			if options.OnOutcome != nil {
				reporting <- struct{}{}
				defer func() { <-reporting }()
				options.OnOutcome(outcomes[i])
			}
		})
	}
	running.Wait()
	return outcomes, joinOutcomes(outcomes)
}

// choose fills in the defaults and returns the builds to stop.
func (o *StopPlannedOptions) choose(ctx context.Context, plan *StopPlan) ([]*Build, error) {
	switch {
	case ctx == nil:
		return nil, errNilContext
	case plan == nil:
		return nil, invalid("the plan must not be nil")
	case o.Max < 0 || o.Parallel < 0 || o.Wait < 0:
		return nil, invalid("Max, Parallel and Wait must not be negative")
	}
	if o.Max == 0 {
		o.Max = defaultMaxStops
	}
	if o.Parallel == 0 {
		o.Parallel = defaultParallelStops
	}
	var chosen []*Build
	for _, d := range plan.Decisions {
		if !d.Stop {
			continue
		}
		if d.Build == nil {
			return nil, invalid("the plan must not choose a nil build")
		}
		build := *d.Build
		build.JobID = plan.JobID
		chosen = append(chosen, &build)
	}
	if len(chosen) > o.Max {
		return nil, invalid("the plan must stop at most Max builds, %d; it stops %d", o.Max, len(chosen))
	}
	return chosen, nil
}

// stopOne reads a build, stops it, and waits for it if Wait says so.
func (s *BuildsService) stopOne(ctx context.Context, build *Build, o *StopPlannedOptions, opts []CallOption) StopOutcome {
	if err := ctx.Err(); err != nil {
		return StopOutcome{Build: build, Err: &callError{
			operation: opStopJob.name, text: err.Error() + "; not attempted", details: details{kinds: []error{err}},
		}}
	}
	var response Response // in place of the caller's, since calls run at the same time
	opts = append(opts[:len(opts):len(opts)], WithResponseInto(&response))
	now, err := s.reread(ctx, build, opts)
	if err != nil {
		return StopOutcome{Build: build, Err: err}
	}
	if now.Status.Terminal() {
		return StopOutcome{Build: now, AlreadyFinished: true}
	}
	asked := time.Now()
	result, err := s.client.Jobs.Stop(ctx, now.JobID, now.BuildNo, opts...)
	sent := response.Attempts > 0
	outcome := StopOutcome{Build: now, Err: err, RequestID: response.RequestID}
	switch {
	case err == nil:
		outcome.Stopped, outcome.AlreadyFinished = !result.AlreadyFinished, result.AlreadyFinished
	case errors.Is(err, ErrBuildFinished) && !errors.Is(err, ErrOutcomeUnknown):
		outcome.AlreadyFinished, outcome.Err = true, nil
	}
	s.logStop(ctx, &outcome, o.Reason, response)
	if outcome.AlreadyFinished { // since it was read
		if now, err := s.reread(ctx, build, opts); err == nil {
			outcome.Build = now
		}
	}
	if o.Wait > 0 {
		s.confirm(ctx, &outcome, o.Wait, opts)
	}
	if sent {
		outcome.Took = time.Since(asked)
	}
	return outcome
}

// reread reads a planned build again. The plan may know a branch that the record lacks.
func (s *BuildsService) reread(ctx context.Context, planned *Build, opts []CallOption) (*Build, error) {
	now, err := s.Get(ctx, planned.JobID, planned.BuildNo, opts...)
	if err == nil {
		now.Branch = cmp.Or(now.Branch, planned.Branch)
	}
	return now, err
}

// confirm reads a build until it has finished. This also resolves an unknown outcome: the build no longer runs.
func (s *BuildsService) confirm(ctx context.Context, outcome *StopOutcome, limit time.Duration, opts []CallOption) {
	unknown := errors.Is(outcome.Err, ErrOutcomeUnknown)
	if !outcome.Stopped && !unknown {
		return
	}
	build, err := s.await(ctx, outcome.Build.JobID, outcome.Build.BuildNo, limit, nil, opts)
	switch {
	case err == nil:
		build.Branch = cmp.Or(build.Branch, outcome.Build.Branch)
		outcome.Build, outcome.AlreadyFinished, outcome.Err = build, unknown, nil
	case outcome.Stopped:
		outcome.Err = amend(err, "", ErrStillRunning)
	}
}

func (s *BuildsService) logStop(ctx context.Context, outcome *StopOutcome, reason string, response Response) {
	logger := s.client.logger
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
		slog.String("branch", outcome.Build.Branch), slog.String("reason", reason), slog.String("outcome", word),
		slog.String("request_id", response.RequestID), slog.Int("attempts", response.Attempts))
}

// stopErrors are the failures of a plan, in one line.
type stopErrors struct {
	builds []string
	errs   []error
	total  int
}

func joinOutcomes(outcomes []StopOutcome) error {
	joined := &stopErrors{total: len(outcomes)}
	for _, outcome := range outcomes {
		if outcome.Err != nil {
			joined.builds = append(joined.builds, outcome.Build.BuildNo)
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
		text := "build " + e.builds[i] + ": " + strings.TrimPrefix(err.Error(), "codeartsbuild: ")
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
