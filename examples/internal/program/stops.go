package program

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// BuildFields are the fields that every line about a build starts with.
func BuildFields(b *codeartsbuild.Build) []string {
	return []string{"job", b.JobID, "build", b.BuildNo, "branch", b.Branch, "rev", short(b.Revision)}
}

func short(revision string) string { return revision[:min(len(revision), 7)] }

// Age is how long a build has run or, before that, waited.
func Age(b *codeartsbuild.Build) string {
	since := b.StartedAt
	if since.IsZero() {
		since = b.QueuedAt
	}
	if since.IsZero() {
		return ""
	}
	return time.Since(since).Truncate(time.Second).String()
}

// A Sweep is what a program that stops many builds does: it prints what was decided for all jobs, and then
// stops what was chosen, or nothing.
type Sweep struct {
	Printer
	Stop codeartsbuild.StopPlannedOptions
	Yes  bool
	// Notes is where to say what people should know beside the lines.
	Notes io.Writer
	// Ready reports whether stops may begin, and Audit keeps a record of each; nil: none.
	Ready func() error
	Audit func(codeartsbuild.StopDecision, *codeartsbuild.StopOutcome) error

	plans                                                    []*codeartsbuild.StopPlan
	chosen, kept, stopped, already, failed, unknown, running int
	failure                                                  error // the first
}

// Flags adds the flags of all programs that stop many builds.
func (s *Sweep) Flags(flags *flag.FlagSet) {
	flags.IntVar(&s.Stop.Max, "max", 25, "stop none when more would have to be")
	flags.DurationVar(&s.Stop.Wait, "wait", 0, "wait this long for each stopped build to end")
	flags.BoolVar(&s.Yes, "yes", false, "stop the builds; without it nothing is stopped")
	flags.BoolVar(&s.JSON, "json", false, "print one JSON object a line")
}

// Check refuses flags that no sweep can work with.
func (s *Sweep) Check() error {
	switch {
	case s.Stop.Max < 1:
		return Usagef("-max is at least 1")
	case s.Stop.Wait < 0:
		return Usagef("-wait %v is no time to wait", s.Stop.Wait)
	}
	return nil
}

// Add prints the decisions of a plan and keeps it for Act. Why gives the field that explains a decision.
func (s *Sweep) Add(plan *codeartsbuild.StopPlan, why func(codeartsbuild.StopDecision) (name, value string)) {
	s.plans = append(s.plans, plan)
	for _, d := range plan.Decisions {
		word := "KEEP"
		if d.Stop {
			word = "STOP"
			s.chosen++
		} else {
			s.kept++
		}
		name, value := why(d)
		s.Line(word, append(BuildFields(d.Build), "age", Age(d.Build), name, value)...)
	}
}

// Act stops what the plans chose, if that is wanted and not too much, and prints what became of it and
// the sums.
func (s *Sweep) Act(ctx context.Context, client *codeartsbuild.Client) error {
	if s.chosen > s.Stop.Max {
		s.sum(false)
		return WithRemedy(fmt.Errorf("%d builds are chosen, which is more than -max %d: none was stopped", s.chosen, s.Stop.Max),
			"Look at the lines above: if they are right, raise -max.")
	}
	if !s.Yes {
		s.sum(false)
		if s.chosen > 0 {
			fmt.Fprintln(s.Notes, "Nothing was stopped: run it with -yes for that.")
		}
		return nil
	}
	if s.Ready != nil && s.chosen > 0 {
		if err := s.Ready(); err != nil {
			return err
		}
	}
	auditErr, err := s.stop(ctx, client)
	if err != nil {
		return err
	}
	s.sum(true)
	return s.verdict(ctx, auditErr)
}

// stop carries out the plans, one job after the other, as long as there is a record of what is stopped.
func (s *Sweep) stop(ctx context.Context, client *codeartsbuild.Client) (auditErr, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, plan := range s.plans {
		options := s.Stop
		options.OnOutcome = func(o codeartsbuild.StopOutcome) { // at once: this program may be killed
			s.outcome(&o)
			if s.Audit == nil || auditErr != nil {
				return
			}
			if auditErr = s.Audit(decision(plan, o.Build.BuildNo), &o); auditErr != nil {
				cancel()
			}
		}
		outcomes, err := client.Builds.StopPlanned(ctx, plan, &options)
		if err != nil && outcomes == nil {
			return nil, err
		}
		if auditErr != nil {
			break
		}
	}
	return auditErr, nil
}

func decision(plan *codeartsbuild.StopPlan, buildNo string) codeartsbuild.StopDecision {
	i := slices.IndexFunc(plan.Decisions, func(d codeartsbuild.StopDecision) bool { return d.Build.BuildNo == buildNo })
	return plan.Decisions[i]
}

func (s *Sweep) sum(acted bool) {
	fields := []string{"chosen", strconv.Itoa(s.chosen), "kept", strconv.Itoa(s.kept)}
	if !acted {
		s.Line("DRY RUN", append(fields, "stopped", "0")...)
		return
	}
	s.Line("DONE", append(fields, "stopped", strconv.Itoa(s.stopped), "already", strconv.Itoa(s.already), "failed", strconv.Itoa(s.failed),
		"unknown", strconv.Itoa(s.unknown), "still_running", strconv.Itoa(s.running))...)
}

// verdict is what the sums amount to. Each failure was printed already.
func (s *Sweep) verdict(ctx context.Context, auditErr error) error {
	switch {
	case auditErr != nil:
		return auditErr
	case s.failure == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return WithRemedy(ctx.Err(), "Run the same command again for the rest: what has been stopped is not stopped twice.")
	case ctx.Err() != nil:
		return ctx.Err()
	case s.failed == 0 && s.running == 0:
		return errors.Join(codeartsbuild.ErrOutcomeUnknown, ErrFailed)
	}
	return WithRemedy(ErrFailed, Remedy(s.failure))
}

// outcome prints what became of one build, and counts it.
func (s *Sweep) outcome(o *codeartsbuild.StopOutcome) {
	s.failure = cmp.Or(s.failure, o.Err)
	fields := BuildFields(o.Build)
	after := o.Took.Round(time.Second).String()
	switch {
	case o.Err == nil && o.AlreadyFinished:
		s.already++
		if o.Build.Status.Terminal() { // else it was read before it ended
			fields = append(fields, "status", string(o.Build.Status))
		}
		s.Line("ALREADY", fields...)
	case o.Err == nil && s.Stop.Wait > 0:
		s.stopped++
		s.Line("STOPPED", append(fields, "status", string(o.Build.Status), "after", after, "request_id", o.RequestID)...)
	case o.Err == nil:
		s.stopped++
		s.Line("STOPPED", append(fields, "status", "stopping", "request_id", o.RequestID)...)
	case errors.Is(o.Err, codeartsbuild.ErrStillRunning):
		s.running++
		s.Line("STILL RUNNING", append(fields, "status", string(o.Build.Status), "after", after, "request_id", o.RequestID)...)
	case errors.Is(o.Err, codeartsbuild.ErrOutcomeUnknown):
		s.unknown++
		s.Line("UNKNOWN", append(fields, failure(o.Err)...)...)
	default:
		s.failed++
		s.Line("FAILED", append(fields, failure(o.Err)...)...)
	}
}

func failure(err error) []string {
	var apiErr *codeartsbuild.APIError
	if errors.As(err, &apiErr) {
		return []string{"code", apiErr.ErrorCode, "status", strconv.Itoa(apiErr.StatusCode), "request_id", apiErr.RequestID, "message", apiErr.ErrorMsg}
	}
	return []string{"error", err.Error()}
}
