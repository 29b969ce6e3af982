package codeartsbuild

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// BranchOptions name the branches whose builds are to stop, such as that of a closed pull request. At least one is
// needed.
type BranchOptions struct {
	Branches, Protect []string // patterns as in MatchBranch; builds of a branch that Protect names stay

	IncludeScheduled bool // also stop builds that a schedule started
	IncludeManual    bool // also stop builds that a person started
	IncludeNoTrigger bool // also stop builds of which the service does not say how they were started

	Within time.Duration // consider only builds that began within this time; 0 means 31 days
}

// PlanBranches decides about all active builds of some branches of a job. It only reads; StopPlanned acts.
//
// Each active build of the branches is chosen, unless one of these holds, in this order: the branch is protected; a
// schedule or a person started the build, see [TriggerManual], or the service does not say who; it has no branch. A
// build with an unknown status is never chosen.
//
// Options without a branch, nil included, a pattern that no branch can match and a negative time are
// [ErrInvalidArgument].
//
// API: ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *BuildsService) PlanBranches(ctx context.Context, jobID string, in *BranchOptions, opts ...CallOption) (*StopPlan, error) {
	if err := in.validate(); err != nil {
		return nil, opListBuildInfoRecordByJobID.named(err)
	}
	builds, w, err := s.collectAnew(ctx, jobID, within(in.Within), opts)
	if err != nil {
		return nil, err
	}
	return &StopPlan{jobID, decideBranches(builds, in, w)}, nil
}

func (o *BranchOptions) validate() error {
	if o == nil || len(o.Branches) == 0 {
		return invalid("Branches must name a branch; * stands for all branches")
	}
	if err := checkPatterns(o.Branches, o.Protect); err != nil {
		return err
	}
	return checkWithin(o.Within)
}

// decideBranches applies the rules to the builds of a job.
func decideBranches(builds []*Build, o *BranchOptions, w window) []StopDecision {
	var decisions []StopDecision
	guard := guard{o.Protect, o.IncludeScheduled, o.IncludeManual, o.IncludeNoTrigger}
	for _, b := range newestFirst(builds) {
		if !b.active() || !matchesAny(o.Branches, b.Branch) {
			continue
		}
		d := StopDecision{Build: b, Rule: guard.spares(b)}
		if d.Rule == "" {
			d.Stop, d.Rule = true, RuleBranch
		}
		d.Age, _ = w.age(b)
		decisions = append(decisions, d)
	}
	return decisions
}

func matchesAny(patterns []string, branch string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return MatchBranch(pattern, branch) })
}

// MatchBranch reports whether a pattern of a plan matches the whole name of a branch: * stands for any characters,
// slashes included, and ? for one. Both may begin with refs/heads/, which does not count.
func MatchBranch(pattern, branch string) bool {
	// Only the last star is remembered: it can match all that an earlier one would have to give back.
	p, t := []rune(strings.TrimPrefix(pattern, branchPrefix)), []rune(strings.TrimPrefix(branch, branchPrefix))
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

// checkPatterns rejects a pattern that matches no branch. It would protect nothing, and the mistake would be seen
// only when a build was stopped.
func checkPatterns(branches, protect []string) error {
	for _, pattern := range branches {
		if err := checkPattern("Branches", pattern); err != nil {
			return err
		}
	}
	for _, pattern := range protect {
		if err := checkPattern("Protect", pattern); err != nil {
			return err
		}
	}
	return nil
}

// checkPattern applies Git's rules for the names of branches. It also rejects $ and a leading refs/, which a branch can
// have, but which rather belong to a regular expression and to a tag; ? matches them.
func checkPattern(option, pattern string) error {
	name := strings.TrimPrefix(pattern, branchPrefix)
	if name == "" {
		return invalid("%s must not have an empty pattern; * stands for all branches", option)
	}
	if found := notInBranch(name); found != "" {
		return invalid("%s must be names of branches, in which only * and ? are special; %s is not allowed, got %s", option, found, quoted(pattern))
	}
	return nil
}

// notInBranch names the first part of a pattern that no branch has, or returns "".
func notInBranch(name string) string {
	if !utf8.ValidString(name) {
		return "text that is not UTF-8"
	}
	for i, r := range name {
		atEdge := i == 0 || i+utf8.RuneLen(r) == len(name)
		if strings.ContainsRune(` ~^:\[$`, r) || unicode.IsControl(r) || (atEdge && (unicode.IsSpace(r) || unicode.Is(unicode.Cf, r))) {
			return strconv.QuoteRuneToASCII(r)
		}
	}
	for _, part := range []string{"..", "//", "/.", "@{", ".lock/"} {
		if strings.Contains(name, part) {
			return strconv.Quote(part)
		}
	}
	for _, start := range []string{"/", "-", ".", "refs/"} {
		if strings.HasPrefix(name, start) {
			return strconv.Quote(start) + " at its start"
		}
	}
	for _, end := range []string{"/", ".", ".lock"} {
		if strings.HasSuffix(name, end) {
			return strconv.Quote(end) + " at its end"
		}
	}
	return ""
}
