package codeartsbuild

import (
	"context"
	"strings"
	"time"
)

// runAgain is the request that starts the same build again.
func (b *Build) runAgain(parameters []BuildParameter) *RunRequest {
	in := &RunRequest{Parameters: make(map[string]string)}
	branch := strings.TrimPrefix(b.Branch, "refs/heads/")
	switch {
	case b.Tag != "" && (b.BuildType == "tag" || branch == ""):
		in.Tag = b.Tag
	case b.Revision != "" && (strings.EqualFold(b.BuildType, "commitId") || branch == ""):
		in.CommitID, in.Branch = b.Revision, branch
	default:
		in.Branch = branch
	}
	for _, p := range parameters {
		if p.Name != "" && !isMasked(p.Value) {
			in.Parameters[p.Name] = p.Value
		}
	}
	return in
}

// isMasked reports whether a value stands for a secret.
func isMasked(value string) bool { return value != "" && strings.Trim(value, "*") == "" }

// Rerun runs a job again as it ran in an earlier build: with the same branch, tag or commit, and with the same
// parameters. A build of a branch builds the newest commit of the branch, as the earlier one did.
//
// The values of secret parameters cannot be read back: one that the service masks with asterisks is left out, so that
// the job's default is used. The same is true of all that the job's configuration has become since. The errors are
// those of [BuildsService.Get], [BuildsService.Parameters] and [JobsService.Run].
//
// API: ShowJobBuildRecordDetail, GET /v1/record/{job_id}/{build_no}/record-info,
// ListBuildParameter, GET /v1/job/{job_id}/{build_no}/history-parameters, then ExecuteJob, POST /v1/job/execute.
func (s *JobsService) Rerun(ctx context.Context, jobID, buildNo string, opts ...CallOption) (*RunResult, error) {
	earlier, err := s.client.Builds.Get(ctx, jobID, buildNo, opts...)
	if err != nil {
		return nil, err
	}
	parameters, err := s.client.Builds.Parameters(ctx, jobID, buildNo, opts...)
	if err != nil {
		return nil, err
	}
	return s.Run(ctx, jobID, earlier.runAgain(parameters), opts...)
}

// findPad is how much earlier than the run its build may seem to have started: times have whole seconds, and the
// service's clock is known to two.
const findPad = 5 * time.Second

// findAhead is how long the list may be on its way: a build that starts meanwhile, after the list was requested, is found
// as well.
const findAhead = 10 * time.Minute

// FindRun returns the builds that a run may have started since a time of the local clock, newest first. It is for an
// error of [JobsService.Run] that is [ErrOutcomeUnknown]:
//
//	before := time.Now()
//	run, err := client.Jobs.Run(ctx, job, in)
//	if errors.Is(err, codeartsbuild.ErrOutcomeUnknown) {
//		builds, err := client.Jobs.FindRun(ctx, job, in, before)
//
// A build can come into the list some seconds late. One build most likely is the one of the run. Several can be, since
// others may run the job at the same time: branch and commit are compared where both are known, parameters are not, and
// builds that a schedule started are left out. The local clock may be wrong. A zero time is [ErrInvalidArgument].
//
// API: ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *JobsService) FindRun(ctx context.Context, jobID string, in *RunRequest, since time.Time, opts ...CallOption) ([]*Build, error) {
	if since.IsZero() {
		return nil, opListBuildInfoRecordByJobID.named(invalid("since must not be zero"))
	}
	request, clock := orZero(in), &s.client.clock
	clock.expire()
	for {
		ahead := clock.ahead.Load()
		window := BuildListOptions{From: clock.at(since).Add(-findPad), To: clock.now().Add(findAhead)}
		builds := []*Build{}
		var failed error
		for build, err := range s.client.Builds.All(ctx, jobID, &window, opts...) {
			if failed = err; err == nil && request.mayHaveStarted(build) {
				builds = append(builds, build)
			}
		}
		switch {
		case clock.moved(ahead): // the list was asked for the wrong time
		case failed != nil:
			return nil, failed
		default:
			return builds, nil
		}
	}
}

// mayHaveStarted reports whether nothing speaks against it that the request started a build.
func (in *RunRequest) mayHaveStarted(b *Build) bool {
	branch := strings.TrimPrefix(in.Branch, "refs/heads/")
	switch {
	case b.Trigger == TriggerScheduled:
		return false
	case branch != "" && b.Branch != "" && strings.TrimPrefix(b.Branch, "refs/heads/") != branch:
		return false
	case in.CommitID != "" && b.Revision != "":
		shorter := min(len(in.CommitID), len(b.Revision))
		return strings.EqualFold(in.CommitID[:shorter], b.Revision[:shorter])
	}
	return true
}
