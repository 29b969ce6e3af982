package codeartsbuild

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
)

// RunRequest says what a new build uses in place of the job's configuration. Nil means the configuration.
type RunRequest struct {
	Parameters map[string]string // values of the job's parameters, by name; the others keep their defaults
	Branch     string            // the branch to build; with CommitID, the branch of that commit
	Tag        string            // the tag to build, in place of Branch and CommitID
	CommitID   string            // the commit to build; it outweighs Branch
}

// RunResult names the build that the service has accepted to run.
type RunResult struct {
	BuildNo      string `json:"actual_build_number"` // the number that Stop, Get and the logs take
	DailyBuildNo string `json:"daily_build_number"`  // such as "20261124.3": for people, no call takes it
}

func (r *RunResult) complete(about) error {
	if checkBuildNo("build_no", r.BuildNo) != nil {
		return errors.New("the response names no build number")
	}
	return nil
}

type runRequest struct {
	JobID      string         `json:"job_id"`
	Parameters []runParameter `json:"parameter,omitzero"`
	SCM        *runSource     `json:"scm,omitempty"`
}

type runParameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type runSource struct {
	BuildType string `json:"build_type,omitzero"`
	Branch    string `json:"branch,omitzero"`
	Tag       string `json:"build_tag,omitzero"`
	CommitID  string `json:"build_commit_id,omitzero"`
}

var opExecuteJob = operation{name: "ExecuteJob", method: http.MethodPost, path: "/v1/job/execute", args: []string{"job_id"}}

// Run starts a build of a job. It is sent again only if the service did not process the first request, since
// each request starts a build.
//
// After an error that is [ErrOutcomeUnknown] a build may have started. To find out, list the
// builds of the job from the time of the call on with [BuildsService.List] and look for one with the
// branch, commit and executor of the request. A job that the service does not know is [ErrNotFound]; a tag
// beside a branch or commit, and a parameter without a name, are [ErrInvalidArgument].
//
// API: ExecuteJob, POST /v1/job/execute.
func (s *JobsService) Run(ctx context.Context, jobID string, in *RunRequest, opts ...CallOption) (*RunResult, error) {
	body, err := in.body(jobID)
	if err != nil {
		return nil, opExecuteJob.named(err)
	}
	return fetch[RunResult](ctx, s.client, &opExecuteJob, []string{jobID}, body, opts)
}

func (in *RunRequest) body(jobID string) (*runRequest, error) {
	request := &runRequest{JobID: jobID}
	if in == nil {
		return request, nil
	}
	for _, name := range slices.Sorted(maps.Keys(in.Parameters)) {
		if name == "" {
			return nil, invalid("the name of a parameter must not be empty")
		}
		request.Parameters = append(request.Parameters, runParameter{name, in.Parameters[name]})
	}
	source := runSource{Branch: in.Branch, Tag: in.Tag, CommitID: in.CommitID}
	switch {
	case in.Tag != "" && (in.Branch != "" || in.CommitID != ""):
		return nil, invalid("Tag cannot be combined with Branch or CommitID")
	case in.Tag != "":
		source.BuildType = "tag"
	case in.CommitID != "":
		source.BuildType = "commitId"
	case in.Branch != "":
		source.BuildType = "branch"
	default:
		return request, nil
	}
	request.SCM = &source
	return request, nil
}

// RunningStatus tells whether a job is building.
type RunningStatus struct {
	Running bool   `json:"is_running"`
	BuildNo string `json:"last_build_no"` // of the newest build; "" if the job was never built
}

var opShowRunningStatus = operation{name: "ShowRunningStatus", method: http.MethodGet, path: "/v1/job/{job_id}/running-status"}

// Running reports whether a build of the job runs, and the number of its newest build.
//
// API: ShowRunningStatus, GET /v1/job/{job_id}/running-status.
func (s *JobsService) Running(ctx context.Context, jobID string, opts ...CallOption) (*RunningStatus, error) {
	return fetch[RunningStatus](ctx, s.client, &opShowRunningStatus, []string{jobID}, nil, opts)
}
