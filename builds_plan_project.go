package codeartsbuild

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ProjectOptions say how to decide about the builds of a project. At least one of the two rules is needed.
type ProjectOptions struct {
	Superseded *SupersededOptions // as PlanSuperseded for each job; without an Anchor, since numbers count per job
	Runaway    *RunawayOptions    // as PlanRunaway for each job

	Jobs     func(*Job) bool // reports whether to consider a job; nil: all jobs
	Parallel int             // jobs that are read at the same time; 0 means 4
}

// PlanProject decides about the active builds of all jobs of a CodeArts project, by one rule or by both. It only
// reads; StopPlanned acts. The plan has no JobID. It has the jobs in the order of the service, and the newest build of
// each job first.
//
// Each rule decides as its own plan does. With both there is one decision for each build. Runaway comes first: a build
// that takes too long is stopped for that, and supersedes nothing. All other builds are Superseded's, if it considers
// them.
//
// The cost is one request for each 100 jobs of the project, and one for each 100 builds that began Within. A job that
// is not building, and whose last build began earlier, is not read. The first read that fails ends the others, and its
// error names the job; a job that was deleted meanwhile has no builds.
//
// A project without any job is [ErrNotFound]: its id may be wrong. Options without a rule, nil included, and those that
// the rules reject are [ErrInvalidArgument].
//
// API: ListProjectJobs, GET /v1/job/{project_id}/list, and ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *BuildsService) PlanProject(ctx context.Context, projectID string, in *ProjectOptions, opts ...CallOption) (*StopPlan, error) {
	if err := in.validate(); err != nil {
		return nil, opListProjectJobs.named(err)
	}
	jobs, err := s.jobsToRead(ctx, projectID, in, opts)
	if err != nil {
		return nil, err
	}
	histories, err := s.collectAll(ctx, jobs, in, opts)
	if err != nil {
		return nil, err
	}
	plan := &StopPlan{}
	for _, h := range histories {
		plan.Decisions = append(plan.Decisions, in.decide(h.builds, h.window)...)
	}
	return plan, nil
}

func (o *ProjectOptions) validate() error {
	switch {
	case o == nil || (o.Superseded == nil && o.Runaway == nil):
		return invalid("Superseded or Runaway must be given")
	case o.Parallel < 0:
		return invalid("Parallel must be 0 (which means %d) or more, got %d", defaultParallel, o.Parallel)
	}
	if o.Superseded != nil {
		if o.Superseded.Anchor != "" {
			return invalid("Anchor must be empty: each job of a project has its own build numbers")
		}
		if err := o.Superseded.validate(); err != nil {
			return err
		}
	}
	if o.Runaway != nil {
		return o.Runaway.validate()
	}
	return nil
}

// within is the longer time of the two rules.
func (o *ProjectOptions) within() time.Duration {
	var longest time.Duration
	if o.Superseded != nil {
		longest = within(o.Superseded.Within)
	}
	if o.Runaway != nil {
		longest = max(longest, within(o.Runaway.Within))
	}
	return longest
}

// jobsToRead lists the jobs of a project that can have builds to decide about.
func (s *BuildsService) jobsToRead(ctx context.Context, projectID string, in *ProjectOptions, opts []CallOption) ([]*Job, error) {
	s.client.clock.expire()
	var wanted []*Job
	found := false
	for job, err := range s.client.Jobs.All(ctx, projectID, nil, respondingInto(new(Response), opts)...) {
		if err != nil {
			return nil, err
		}
		found = true
		if in.Jobs == nil || in.Jobs(job) {
			wanted = append(wanted, job)
		}
	}
	if !found {
		return nil, &callError{
			operation: opListProjectJobs.name, text: "the project has no job; its id must be that of a CodeArts project, got " + quoted(projectID),
			details: details{kinds: []error{ErrNotFound}},
		}
	}
	from := s.client.clock.now().Add(-in.within())
	return slices.DeleteFunc(wanted, func(j *Job) bool { return j.idleSince(from) }), nil
}

// idleSince reports whether a job was never built, or is not building and has not begun a build since a time. A job
// of which the service says too little is not idle.
func (j *Job) idleSince(from time.Time) bool {
	if j.LastBuildTime.IsZero() {
		return strings.EqualFold(string(j.LastBuildStatus), string(JobNeverBuilt))
	}
	return j.Finished && j.LastBuildStatus != StatusRunning && j.LastBuildTime.Before(from)
}

// A history is the builds of one job.
type history struct {
	builds []*Build
	window window
	err    error
}

// collectAll reads the builds of all jobs, several at the same time.
func (s *BuildsService) collectAll(ctx context.Context, jobs []*Job, in *ProjectOptions, opts []CallOption) ([]history, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	histories := make([]history, len(jobs))
	read := func(i int) {
		h := &histories[i]
		h.builds, h.window, h.err = s.collect(ctx, jobs[i].ID, in.within(), respondingInto(new(Response), opts))
		if errors.Is(h.err, ErrNotFound) {
			h.err = nil
		}
	}
	for i := range inParallel(len(jobs), cmp.Or(in.Parallel, defaultParallel), read) {
		if err := histories[i].err; err != nil {
			cancel() // or leaving the loop would wait for the other reads
			return nil, amend(err, "; job "+jobs[i].ID)
		}
	}
	return histories, nil
}

// respondingInto replaces the response of the caller's options, which is for one call at a time.
func respondingInto(response *Response, opts []CallOption) []CallOption {
	return append(opts[:len(opts):len(opts)], WithResponseInto(response))
}

// defaultParallel is how many jobs are read, or builds stopped, at the same time.
const defaultParallel = 4

// inParallel calls do with the numbers from 0 to n-1, at most limit calls at a time, and yields each number when its
// call has returned. Only then does the next call begin in its place. The loop may end early or panic: no further call
// begins, and it ends when those under way have returned. If a call panics or ends its goroutine, the loop does.
func inParallel(n, limit int, do func(i int)) iter.Seq[int] {
	return func(yield func(int) bool) {
		var next atomic.Int64
		var workers sync.WaitGroup
		done, left := make(chan callEnd), make(chan struct{})
		call := func(i int) {
			end := callEnd{i: i, exited: true}
			defer func() {
				end.panicked = recover()
				select {
				case done <- end:
				case <-left:
				}
			}()
			do(i)
			end.exited = false
		}
		work := func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				call(i)
			}
		}
		for range min(limit, n) {
			workers.Go(work)
		}
		defer workers.Wait()
		defer close(left)
		defer next.Store(int64(n)) // no further call
		for range n {
			if !yield((<-done).number()) {
				return
			}
		}
	}
}

// A callEnd is how a call of inParallel has ended.
type callEnd struct {
	i        int
	panicked any
	exited   bool // without a return
}

// number is that of a call that has returned.
func (e callEnd) number() int {
	switch {
	case e.panicked != nil:
		panic(e.panicked)
	case e.exited:
		runtime.Goexit()
	}
	return e.i
}

// decide applies the rules to the builds of a job. A build that Runaway stops supersedes nothing.
func (o *ProjectOptions) decide(builds []*Build, w window) []StopDecision {
	var decisions []StopDecision
	decided := make(map[*Build]StopDecision)
	add := func(more []StopDecision) {
		for _, d := range more {
			decided[d.Build] = d
		}
	}
	if o.Runaway != nil {
		add(decideRunaway(w.since(within(o.Runaway.Within), builds), o.Runaway, w))
	}
	if o.Superseded != nil {
		rest := slices.DeleteFunc(w.since(within(o.Superseded.Within), builds), func(b *Build) bool { return decided[b].Stop })
		add(decideSuperseded(rest, o.Superseded, w))
	}
	for _, b := range newestFirst(builds) {
		if d, ok := decided[b]; ok {
			decisions = append(decisions, d)
		}
	}
	return decisions
}

// since returns the builds that began within a time, which may be shorter than that of the window.
func (w window) since(within time.Duration, builds []*Build) []*Build {
	from := w.now.Add(-within)
	return slices.DeleteFunc(slices.Clone(builds), func(b *Build) bool {
		began := laterOf(b.StartedAt, b.QueuedAt)
		return w.credible(began) && began.Before(from)
	})
}
