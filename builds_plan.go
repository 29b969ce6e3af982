package codeartsbuild

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SupersededOptions say which builds are superseded by newer ones. The zero value is a valid rule: of each branch
// only the newest build stays. Nil means the zero value.
type SupersededOptions struct {
	Keep   int    // the newest builds of a branch that stay; 0 means 1
	Anchor string // consider only builds up to this number, such as the caller's own; "" means all

	// Branches and Protect are patterns, in which * stands for any characters, slashes included, and ? for
	// one. Branches limits the plan; empty means all branches. Builds of a branch that Protect names stay.
	Branches, Protect []string

	SameTrigger      bool // a build supersedes only those that were started in the same way
	IncludeScheduled bool // also stop builds that a schedule started
	IncludeManual    bool // also stop builds that a person started
}

// RunawayOptions say which builds take too long. At least one limit is needed: the zero value is rejected.
type RunawayOptions struct {
	MaxRunning time.Duration     // since the build started; 0 means no limit
	MaxQueued  time.Duration     // since the build was queued, if it has not started; 0 means no limit
	Exempt     func(*Build) bool // reports whether a build stays however long it takes; nil: no build does
}

// StopPlan decides about the active builds of a job: those that are queued or running.
type StopPlan struct {
	JobID     string
	Decisions []StopDecision // newest build first
}

// StopDecision decides about one build.
type StopDecision struct {
	Build *Build
	Stop  bool   // StopPlanned stops the build
	Rule  string // the reason: "superseded by 815", "newest", "protected", "same revision", "running 3h41m", …
}

// PlanSuperseded decides which active builds of a job are superseded by newer builds of the same branch. It only
// reads; StopPlanned acts.
//
// The newest builds of each branch, finished ones included, are kept. Active builds with a lower number are chosen,
// unless one of these holds, in this order: the branch is protected, a schedule or a person started the build, it has
// no branch or no revision, it is one of the newest, or it builds the same revision as one of the newest. A build with
// an unknown status is never chosen. Only builds of the last 31 days are considered. An empty pattern, an invalid
// anchor and a negative number are [ErrInvalidArgument].
//
// API: ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *BuildsService) PlanSuperseded(ctx context.Context, jobID string, in *SupersededOptions, opts ...CallOption) (*StopPlan, error) {
	options := orZero(in)
	if err := options.validate(); err != nil {
		return nil, opListBuildInfoRecordByJobID.named(err)
	}
	builds, err := s.collect(ctx, jobID, opts)
	if err != nil {
		return nil, err
	}
	return &StopPlan{jobID, decideSuperseded(builds, &options)}, nil
}

// PlanRunaway decides which active builds of a job take too long: running builds since their start, queued builds
// since they were queued. It only reads; StopPlanned acts. A build whose status or start is unknown is never chosen.
// Only builds of the last 31 days are considered. Options without a limit, nil included, are [ErrInvalidArgument].
//
// API: ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *BuildsService) PlanRunaway(ctx context.Context, jobID string, in *RunawayOptions, opts ...CallOption) (*StopPlan, error) {
	if err := in.validate(); err != nil {
		return nil, opListBuildInfoRecordByJobID.named(err)
	}
	builds, err := s.collect(ctx, jobID, opts)
	if err != nil {
		return nil, err
	}
	return &StopPlan{jobID, decideRunaway(builds, in, time.Now())}, nil
}

func (s *BuildsService) collect(ctx context.Context, jobID string, opts []CallOption) ([]*Build, error) {
	var builds []*Build
	for build, err := range s.All(ctx, jobID, nil, opts...) {
		if err != nil {
			return nil, err
		}
		builds = append(builds, build)
	}
	return builds, nil
}

func (o *SupersededOptions) validate() error {
	if o.Keep < 0 {
		return invalid("Keep must be 0 (which means 1) or more, got %d", o.Keep)
	}
	if slices.Contains(o.Branches, "") || slices.Contains(o.Protect, "") {
		return invalid("a branch pattern must not be empty; * stands for all branches")
	}
	if o.Anchor != "" {
		return checkBuildNo("Anchor", o.Anchor)
	}
	return nil
}

func (o *RunawayOptions) validate() error {
	switch {
	case o == nil || (o.MaxRunning == 0 && o.MaxQueued == 0):
		return invalid("MaxRunning or MaxQueued must be given; without a limit every build would be chosen")
	case o.MaxRunning < 0 || o.MaxQueued < 0:
		return invalid("MaxRunning and MaxQueued must not be negative")
	}
	return nil
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

// newestFirst sorts by number: "9" comes before "10", and lists are not always in order.
func newestFirst(builds []*Build) []*Build {
	sorted := slices.DeleteFunc(slices.Clone(builds), func(b *Build) bool { return b.number() == 0 })
	slices.SortStableFunc(sorted, func(a, b *Build) int { return b.number() - a.number() })
	return sorted
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
func decideSuperseded(builds []*Build, o *SupersededOptions) []StopDecision {
	var decisions []StopDecision
	anchor := (&Build{BuildNo: o.Anchor}).number()
	newest := make(map[line][]*Build)
	for _, b := range newestFirst(builds) {
		if (anchor > 0 && b.number() > anchor) || (len(o.Branches) > 0 && !matchesAny(o.Branches, b.Branch)) {
			continue
		}
		kept := newest[o.lineOf(b)]
		isNewest := len(kept) < max(o.Keep, 1)
		if isNewest {
			newest[o.lineOf(b)] = append(kept, b)
		}
		if b.active() {
			rule := o.spares(b, isNewest, kept)
			stop := rule == ""
			if stop {
				rule = "superseded by " + kept[0].BuildNo
			}
			decisions = append(decisions, StopDecision{b, stop, rule})
		}
	}
	return decisions
}

// spares names the first rule that keeps an active build, or "".
func (o *SupersededOptions) spares(b *Build, isNewest bool, newest []*Build) string {
	switch {
	case matchesAny(o.Protect, b.Branch):
		return "protected"
	case b.Trigger == TriggerScheduled && !o.IncludeScheduled:
		return "scheduled"
	case b.Trigger == TriggerManual && !o.IncludeManual:
		return "manual"
	case b.Branch == "":
		return "no branch"
	case b.Revision == "":
		return "no revision"
	case isNewest:
		return "newest"
	case slices.ContainsFunc(newest, func(n *Build) bool { return strings.EqualFold(n.Revision, b.Revision) }):
		return "same revision"
	}
	return ""
}

// decideRunaway applies the limits to the builds of a job.
func decideRunaway(builds []*Build, o *RunawayOptions, now time.Time) []StopDecision {
	var decisions []StopDecision
	for _, b := range newestFirst(builds) {
		if !b.active() {
			continue
		}
		since, limit := b.StartedAt, o.MaxRunning
		if b.Status == StatusQueued {
			since, limit = b.QueuedAt, o.MaxQueued
		}
		d := StopDecision{Build: b, Rule: string(b.Status) + " " + minutes(now.Sub(since))}
		switch {
		case o.Exempt != nil && o.Exempt(b):
			d.Rule = "exempt"
		case since.IsZero():
			d.Rule = "no start time"
		default:
			d.Stop = limit > 0 && now.Sub(since) > limit
		}
		decisions = append(decisions, d)
	}
	return decisions
}

// minutes spells a duration as people do: 3h41m, and with seconds below one hour.
func minutes(d time.Duration) string {
	d = max(d, 0)
	if d < time.Hour {
		return d.Truncate(time.Second).String()
	}
	return strings.TrimSuffix(d.Truncate(time.Minute).String(), "0s")
}

func matchesAny(patterns []string, branch string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return MatchBranch(pattern, branch) })
}

// MatchBranch reports whether a pattern of a plan matches the whole name of a branch: * stands for any characters,
// slashes included, and ? for one.
func MatchBranch(pattern, branch string) bool {
	// Only the last star is remembered: it can match all that an earlier one would have to give back.
	p, t := []rune(pattern), []rune(branch)
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i, j = i+1, j+1
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(string(p[i:]), "*") == ""
}
