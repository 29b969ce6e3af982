package codeartsbuild

import (
	"context"
	"time"
)

// RunawayOptions say which builds take too long. At least one limit is needed: the zero value is rejected.
type RunawayOptions struct {
	MaxRunning time.Duration // since the build started; 0 means no limit
	MaxQueued  time.Duration // since the build was queued, if it has not started; 0 means no limit

	Protect []string          // patterns as in MatchBranch; builds of a branch that Protect names stay
	Exempt  func(*Build) bool // reports whether a build stays however long it takes; nil: all are subject to the limits

	// Within must be more than the limits: only builds that began within this time are considered. 0 means 31 days.
	Within time.Duration
}

// PlanRunaway decides which active builds of a job take too long: running builds since their start, queued builds
// since they were queued, by the service's clock. It only reads; StopPlanned acts.
//
// A build over its limit is chosen, unless one of these holds, in this order: its branch is protected, it is exempt,
// or the service does not say when it began. A time that cannot be is not a start: one in the future, one before Within, one before 2015. A
// build with an unknown status is never chosen.
//
// Options without a limit, nil included, a negative time, a limit that Within does not exceed and a pattern that no
// branch can match are [ErrInvalidArgument].
//
// API: ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *BuildsService) PlanRunaway(ctx context.Context, jobID string, in *RunawayOptions, opts ...CallOption) (*StopPlan, error) {
	if err := in.validate(); err != nil {
		return nil, opListBuildInfoRecordByJobID.named(err)
	}
	builds, w, err := s.collectAnew(ctx, jobID, within(in.Within), opts)
	if err != nil {
		return nil, err
	}
	return &StopPlan{jobID, decideRunaway(builds, in, w)}, nil
}

func (o *RunawayOptions) validate() error {
	switch {
	case o == nil || (o.MaxRunning == 0 && o.MaxQueued == 0):
		return invalid("MaxRunning or MaxQueued must be given; without a limit every build would be chosen")
	case o.MaxRunning < 0 || o.MaxQueued < 0:
		return invalid("MaxRunning and MaxQueued must not be negative")
	}
	if err := checkPatterns(nil, o.Protect); err != nil {
		return err
	}
	if err := checkWithin(o.Within); err != nil {
		return err
	}
	if most := within(o.Within); o.MaxRunning >= most || o.MaxQueued >= most {
		return invalid("MaxRunning and MaxQueued must be less than Within, %v: older builds are not considered", most)
	}
	return nil
}

// decideRunaway applies the limits to the builds of a job.
func decideRunaway(builds []*Build, o *RunawayOptions, w window) []StopDecision {
	var decisions []StopDecision
	for _, b := range newestFirst(builds) {
		if !b.active() {
			continue
		}
		rule, limit := RuleRunning, o.MaxRunning
		if b.Status == StatusQueued {
			rule, limit = RuleQueued, o.MaxQueued
		}
		age, known := w.age(b)
		d := StopDecision{Build: b, Age: age}
		switch {
		case matchesAny(o.Protect, b.Branch):
			d.Rule = RuleProtected
		case o.Exempt != nil && o.Exempt(b):
			d.Rule = RuleExempt
		case !known:
			d.Rule = RuleNoStart
		case limit == 0 || age <= limit:
			d.Rule = RuleWithinLimit
		default:
			d.Stop, d.Rule, d.limit = true, rule, limit
		}
		decisions = append(decisions, d)
	}
	return decisions
}
