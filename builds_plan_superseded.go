package codeartsbuild

import (
	"context"
	"slices"
	"strings"
	"time"
)

// SupersededOptions say which builds are superseded by newer ones. The zero value is a valid rule: of each branch
// only the newest build stays. Nil means the zero value.
type SupersededOptions struct {
	Keep   int    // the newest builds of a branch that stay; 0 means 1
	Anchor string // consider only builds up to this number, such as the caller's own; "" means all

	// Branches and Protect are patterns as in MatchBranch. Branches limits the plan; empty means all branches.
	// Builds of a branch that Protect names stay.
	Branches, Protect []string

	SameTrigger      bool // a build supersedes only those that were started in the same way
	IncludeScheduled bool // also stop builds that a schedule started
	IncludeManual    bool // also stop builds that a person started
	IncludeNoTrigger bool // also stop builds of which the service does not say how they were started

	Within time.Duration // consider only builds that began within this time; 0 means 31 days
}

// PlanSuperseded decides which active builds of a job are superseded by newer builds of the same branch. It only
// reads; StopPlanned acts.
//
// The newest builds of each branch, finished ones included, are kept. Active builds with a lower number are chosen,
// unless one of these holds, in this order: the branch is protected; a schedule or a person started the build, see
// [TriggerManual], or the service does not say who; it has no branch or no revision; it is one of the newest, or
// began later than the newest; it builds the same revision as one of the newest. A build that was aborted, has
// finished without a start or has no revision supersedes nothing and is not among the newest. Two revisions are the
// same if one begins with the other, from 7 digits on. A build with an unknown status is never chosen.
//
// A pattern that no branch can match, an invalid anchor and a negative number are [ErrInvalidArgument].
//
// API: ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *BuildsService) PlanSuperseded(ctx context.Context, jobID string, in *SupersededOptions, opts ...CallOption) (*StopPlan, error) {
	options := orZero(in)
	if err := options.validate(); err != nil {
		return nil, opListBuildInfoRecordByJobID.named(err)
	}
	builds, w, err := s.collectAnew(ctx, jobID, within(options.Within), opts)
	if err != nil {
		return nil, err
	}
	return &StopPlan{jobID, decideSuperseded(builds, &options, w)}, nil
}

func (o *SupersededOptions) validate() error {
	if o.Keep < 0 {
		return invalid("Keep must be 0 (which means 1) or more, got %d", o.Keep)
	}
	if o.Anchor != "" {
		if err := checkBuildNo("Anchor", o.Anchor); err != nil {
			return err
		}
	}
	if err := checkPatterns(o.Branches, o.Protect); err != nil {
		return err
	}
	return checkWithin(o.Within)
}

// A line holds the builds that can supersede each other: those of a branch and, with SameTrigger, of a trigger.
type line struct{ branch, trigger string }

func (o *SupersededOptions) lineOf(b *Build) line {
	if o.SameTrigger {
		return line{b.Branch, b.Trigger}
	}
	return line{branch: b.Branch}
}

// decideSuperseded applies the rules to the builds of a job.
func decideSuperseded(builds []*Build, o *SupersededOptions, w window) []StopDecision {
	var decisions []StopDecision
	anchor := (&Build{BuildNo: o.Anchor}).number()
	newest := make(map[line][]*Build)
	for _, b := range newestFirst(builds) {
		if (anchor > 0 && b.number() > anchor) || (len(o.Branches) > 0 && !matchesAny(o.Branches, b.Branch)) {
			continue
		}
		kept := newest[o.lineOf(b)]
		isNewest := len(kept) < max(o.Keep, 1)
		if isNewest && b.mayRun() && b.Revision != "" {
			newest[o.lineOf(b)] = append(kept, b)
		}
		if !b.active() {
			continue
		}
		d := StopDecision{Build: b, Rule: o.spares(b, isNewest, kept, w)}
		if d.Rule == "" {
			d.Stop, d.Rule, d.By = true, RuleSuperseded, kept[0].BuildNo
		}
		d.Age, _ = w.age(b)
		decisions = append(decisions, d)
	}
	return decisions
}

// mayRun reports whether a build runs, has run or can still run to its end. One that has finished without a start, such
// as with the word SKIPPED, never ran.
func (b *Build) mayRun() bool {
	switch b.Status {
	case StatusAborted, StatusScheduleFailed:
		return false
	}
	return b.Status.Terminal() || !b.Finished() || !b.StartedAt.IsZero()
}

// spares names the first rule that keeps an active build, or "".
func (o *SupersededOptions) spares(b *Build, isNewest bool, newest []*Build, w window) StopRule {
	guard := guard{o.Protect, o.IncludeScheduled, o.IncludeManual, o.IncludeNoTrigger}
	rule := guard.spares(b)
	switch {
	case rule != "":
		return rule
	case b.Revision == "":
		return RuleNoRevision
	case isNewest || w.later(b, newest[0]):
		return RuleNewest
	case slices.ContainsFunc(newest, func(n *Build) bool { return sameRevision(n.Revision, b.Revision) }):
		return RuleSameRevision
	}
	return ""
}

// later reports whether a build began to run, or to wait, after another. The start of one and the wait of the other
// do not compare: builds wait before they run.
func (w window) later(b, other *Build) bool {
	after := func(a, b time.Time) bool { return w.credible(a) && w.credible(b) && a.After(b) }
	return after(b.StartedAt, other.StartedAt) ||
		(b.Status == StatusQueued && other.Status == StatusQueued && after(b.QueuedAt, other.QueuedAt))
}

// shortRevision is the length from which on Git abbreviates revisions.
const shortRevision = 7

func sameRevision(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return strings.EqualFold(a, b) || (len(a) >= shortRevision && strings.EqualFold(a, b[:len(a)]))
}
