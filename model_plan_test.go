package codeartsbuild_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// A modelRule is a plan to make. The model decides about it by itself, from the text of the documentation.
type modelRule struct {
	name                  string
	superseded, runaway   bool
	branches              bool // PlanBranches
	project               bool // PlanProject
	keep                  int
	protect, only         []string
	manual, scheduled     bool
	maxRunning, maxQueued time.Duration
}

func newModelRule(s modelStep) modelRule {
	r := modelRule{
		keep: 1 + s.a%2, manual: s.a/2%3 == 0, scheduled: s.a/6%3 == 0,
		maxRunning: time.Duration(20+s.a/18%60) * time.Minute, maxQueued: time.Duration(s.a/1080%40) * time.Minute,
	}
	if s.b%3 == 0 {
		r.protect = []string{modelBranches[s.b/3%3]}
	}
	switch s.build % 5 {
	case 0:
		r.name, r.superseded = "PlanSuperseded", true
		if s.b/9%3 == 0 {
			r.only = []string{modelBranches[s.b/27%3]}
		}
	case 1:
		r.name, r.runaway = "PlanRunaway", true
	case 2:
		r.name, r.branches, r.only = "PlanBranches", true, []string{modelBranches[s.b/27%3]}
	case 3:
		r.name, r.project, r.superseded, r.runaway = "PlanProject", true, true, true
	default:
		r.name, r.project, r.superseded, r.runaway = "PlanProject", true, s.b%2 == 0, s.b%2 == 1
	}
	return r
}

func (r modelRule) String() string { return r.name }

// plan lets the client make the plan.
func (r modelRule) plan(ctx context.Context, w *modelWorld, by modelClient, job *modelJob) (*codeartsbuild.StopPlan, error) {
	superseded := &codeartsbuild.SupersededOptions{
		Keep: r.keep, Branches: r.only, Protect: r.protect, IncludeManual: r.manual, IncludeScheduled: r.scheduled,
	}
	runaway := &codeartsbuild.RunawayOptions{MaxRunning: r.maxRunning, MaxQueued: r.maxQueued}
	switch builds := by.Builds; {
	case r.project:
		project := &codeartsbuild.ProjectOptions{Superseded: superseded, Runaway: runaway}
		if !r.superseded {
			project.Superseded = nil
		}
		if !r.runaway {
			project.Runaway = nil
		}
		return builds.PlanProject(ctx, w.ProjectID(), project)
	case r.branches:
		return builds.PlanBranches(ctx, job.id, &codeartsbuild.BranchOptions{
			Branches: r.only, Protect: r.protect, IncludeManual: r.manual, IncludeScheduled: r.scheduled,
		})
	case r.runaway:
		return builds.PlanRunaway(ctx, job.id, runaway)
	default:
		return builds.PlanSuperseded(ctx, job.id, superseded)
	}
}

// listedBy returns what lists show of the builds that a plan is about.
func (w *modelWorld) listedBy(r modelRule, job *modelJob) [][]*modelBuild {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all [][]*modelBuild
	for _, j := range w.jobs {
		if r.project || j == job {
			all = append(all, j.listed())
		}
	}
	return all
}

// comparePlan compares a plan with the one of the model. The caller holds w.mu.
func (w *modelWorld) comparePlan(r modelRule, histories [][]*modelBuild, plan *codeartsbuild.StopPlan) {
	var want, got []string
	for _, builds := range histories {
		for _, b := range slices.Backward(builds) {
			if rule := r.decide(b, builds); rule != "" {
				want = append(want, fmt.Sprint(b, " ", rule))
			}
		}
	}
	for _, d := range plan.Decisions {
		if d.Stop {
			w.saw["a build that a plan chose"]++
			got = append(got, fmt.Sprint(w.find(d.Build.JobID, d.Build.BuildNo), " ", d.Rule))
		}
	}
	if !slices.Equal(got, want) {
		w.problem("%+v chose %q, want %q", r, got, want)
	}
}

// decide returns the rule by which a build is to stop, or "".
func (r modelRule) decide(b *modelBuild, all []*modelBuild) codeartsbuild.StopRule {
	if b.status.Terminal() {
		return ""
	}
	switch {
	case r.runaway && r.tooLong(b) && b.status == codeartsbuild.StatusQueued:
		return codeartsbuild.RuleQueued
	case r.runaway && r.tooLong(b):
		return codeartsbuild.RuleRunning
	case !r.superseded && !r.branches, len(r.only) > 0 && b.branch != r.only[0], slices.Contains(r.protect, b.branch):
		return ""
	case b.trigger == codeartsbuild.TriggerManual && !r.manual, b.trigger == codeartsbuild.TriggerScheduled && !r.scheduled:
		return ""
	case r.branches:
		return codeartsbuild.RuleBranch
	case r.isSuperseded(b, all):
		return codeartsbuild.RuleSuperseded
	}
	return ""
}

func (r modelRule) tooLong(b *modelBuild) bool {
	if b.status.Terminal() {
		return false
	}
	if b.status == codeartsbuild.StatusQueued {
		return r.maxQueued > 0 && time.Since(b.queuedAt) > r.maxQueued
	}
	return time.Since(b.startedAt) > r.maxRunning
}

// isSuperseded reports whether enough newer builds of the branch can run to their end, none of which builds the same
// revision, and whether the newest of them did not begin earlier.
func (r modelRule) isSuperseded(b *modelBuild, all []*modelBuild) bool {
	var newer []*modelBuild
	for _, other := range slices.Backward(all[b.no:]) {
		if other.branch == b.branch && other.status != codeartsbuild.StatusAborted && !(r.runaway && r.tooLong(other)) && len(newer) < r.keep {
			newer = append(newer, other)
		}
	}
	if len(newer) < r.keep || slices.ContainsFunc(newer, func(n *modelBuild) bool { return n.revision == b.revision }) {
		return false
	}
	if b.status == codeartsbuild.StatusQueued {
		return newer[0].status != codeartsbuild.StatusQueued || !b.queuedAt.After(newer[0].queuedAt)
	}
	return newer[0].startedAt.IsZero() || !b.startedAt.Truncate(time.Millisecond).After(newer[0].startedAt.Truncate(time.Millisecond))
}
