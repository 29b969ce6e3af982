package codeartsbuild

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// StopPlan decides about active builds: those that are queued or running. Decisions of several plans may be put
// into one plan without a JobID.
type StopPlan struct {
	JobID     string         `json:"job_id"`    // of all builds; "" for a plan over several jobs
	Decisions []StopDecision `json:"decisions"` // newest build first; of several jobs, one job after the other
}

// StopDecision decides about one build.
type StopDecision struct {
	Build *Build   `json:"build"`
	Stop  bool     `json:"stop"`        // StopPlanned stops the build
	Rule  StopRule `json:"rule"`        // the reason
	By    string   `json:"by,omitzero"` // for RuleSuperseded: the number of the newer build; "" otherwise

	// Age is how long the build has run or, if it is queued, has waited, by the service's clock. 0 also means that
	// its start is not known. In JSON it is a number of nanoseconds.
	Age time.Duration `json:"age"`

	limit time.Duration // that Age exceeds, for RuleRunning and RuleQueued; 0: not known, as after JSON
}

// StopRule is the reason of a decision.
type StopRule string

// The rules that stop a build.
const (
	RuleSuperseded StopRule = "superseded" // a newer build of its branch makes it pointless
	RuleRunning    StopRule = "running"    // it has run longer than MaxRunning
	RuleQueued     StopRule = "queued"     // it has waited longer than MaxQueued
	RuleBranch     StopRule = "branch"     // PlanBranches was asked for its branch
)

// The rules that spare a build.
const (
	RuleNewest       StopRule = "newest"        // it is one of the newest of its branch
	RuleProtected    StopRule = "protected"     // Protect names its branch
	RuleSameRevision StopRule = "same revision" // it builds the revision of one of the newest
	RuleScheduled    StopRule = "scheduled"     // a schedule started it
	RuleManual       StopRule = "manual"        // a person started it
	RuleNoBranch     StopRule = "no branch"     // the service does not say which branch it builds
	RuleNoRevision   StopRule = "no revision"   // the service does not say which revision it builds
	RuleNoTrigger    StopRule = "no trigger"    // the service does not say how it was started
	RuleExempt       StopRule = "exempt"        // Exempt names it
	RuleNoStart      StopRule = "no start time" // the service does not say when it began, or says a time that cannot be
	RuleWithinLimit  StopRule = "within limit"  // it does not take too long
)

// String returns the reason in words, such as "superseded by 815", "running 3h41m" or "newest".
func (d StopDecision) String() string {
	switch d.Rule {
	case RuleSuperseded:
		return string(d.Rule) + " by " + d.By
	case RuleRunning, RuleQueued:
		return string(d.Rule) + " " + minutes(d.Age)
	}
	return string(d.Rule)
}

// minutes spells a duration as people do: 3h41m, and with seconds below one hour.
func minutes(d time.Duration) string {
	if d < time.Hour {
		return d.Truncate(time.Second).String()
	}
	return strings.TrimSuffix(d.Truncate(time.Minute).String(), "0s")
}

// A window is the time that a plan looks at, by the service's clock.
type window struct{ from, now time.Time }

// A start that one of these excludes is a mistake of the service, such as 1970 for a time that it does not know.
const (
	windowMargin    = time.Hour   // by which a build in a list can begin before the time that was asked for
	futureTolerance = time.Minute // by which the clocks of the service can differ
)

// serviceBirth is before the first build of the service.
var serviceBirth = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)

// credible reports whether a build of the window can have begun at a time. Tests may live before the service.
func (w window) credible(start time.Time) bool {
	return !start.IsZero() && !start.Before(w.from.Add(-windowMargin)) && !start.After(w.now.Add(futureTolerance)) &&
		(!start.Before(serviceBirth) || w.now.Before(serviceBirth))
}

// age is how long a build has run or, if it is queued, has waited.
func (w window) age(b *Build) (age time.Duration, known bool) {
	since := b.activeSince()
	if !w.credible(since) {
		return 0, false
	}
	return max(w.now.Sub(since), 0), true
}

// collectAnew is collect with a new reading of the service's clock.
func (s *BuildsService) collectAnew(ctx context.Context, jobID string, within time.Duration, opts []CallOption) ([]*Build, window, error) {
	s.client.clock.expire()
	return s.collect(ctx, jobID, within, opts)
}

// collect lists the builds of a job that began within this time.
func (s *BuildsService) collect(ctx context.Context, jobID string, within time.Duration, opts []CallOption) ([]*Build, window, error) {
	clock := &s.client.clock
	for {
		ahead, to := clock.ahead.Load(), clock.now()
		w := window{from: to.Add(-within)}
		var builds []*Build
		var failed error
		for row, err := range s.all(ctx, jobID, &BuildListOptions{From: w.from, To: to}, opts) {
			if failed = err; err == nil {
				builds = append(builds, row.seen(clock.now()))
			}
		}
		w.now = clock.now()
		switch {
		case clock.moved(ahead): // the list was asked for the wrong time
		case failed != nil:
			return nil, w, failed
		default:
			return builds, w, nil
		}
	}
}

// within fills in the default of the time that a plan looks at.
func within(d time.Duration) time.Duration { return cmp.Or(d, maxWindow) }

func checkWithin(d time.Duration) error {
	if d < 0 {
		return invalid("Within must be 0 (which means 31 days) or more, got %v", d)
	}
	return nil
}

// A guard spares builds because of their branch and of who started them.
type guard struct {
	protect                                           []string
	includeScheduled, includeManual, includeNoTrigger bool
}

// spares names the first rule that spares a build, or "".
func (g *guard) spares(b *Build) StopRule {
	switch {
	case matchesAny(g.protect, b.Branch):
		return RuleProtected
	case b.Trigger == TriggerScheduled && !g.includeScheduled:
		return RuleScheduled
	case b.Trigger == TriggerManual && !g.includeManual:
		return RuleManual
	case b.Trigger == "" && !g.includeNoTrigger:
		return RuleNoTrigger
	case b.Branch == "":
		return RuleNoBranch
	}
	return ""
}

// number is the number of a build, or 0 if it has no valid one; plans ignore such a build.
func (b *Build) number() int {
	n, err := strconv.Atoi(b.BuildNo)
	if err != nil {
		return 0
	}
	return n
}

func (b *Build) active() bool { return b.Status == StatusQueued || b.Status == StatusRunning }

// activeSince is when an active build began to run or, if it is queued, to wait.
func (b *Build) activeSince() time.Time {
	if b.Status == StatusQueued {
		return b.QueuedAt
	}
	return b.StartedAt
}

// newestFirst sorts by number: "9" comes before "10", and lists are not always in order.
func newestFirst(builds []*Build) []*Build {
	sorted := slices.DeleteFunc(slices.Clone(builds), func(b *Build) bool { return b.number() == 0 })
	slices.SortStableFunc(sorted, func(a, b *Build) int { return b.number() - a.number() })
	return sorted
}
