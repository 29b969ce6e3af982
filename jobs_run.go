package codeartsbuild

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
)

// RunRequest says what a new build is to use. Nil means what the job is configured with.
type RunRequest struct {
	Parameters map[string]string
	Branch     string
	Tag        string // instead of Branch and CommitID
	CommitID   string
}

// RunResult names the build that the service has accepted to run.
type RunResult struct {
	BuildNo      string // the number that Stop, Get and the logs take
	DailyBuildNo string // such as "20261124.3": for people, no call takes it
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

var opExecuteJob = operation{name: "ExecuteJob", method: http.MethodPost, path: "/v1/job/execute", args: []string{"job_id"}, envelope: "result"}

// Run starts a build of a job. It is sent again only where the first request cannot have been processed:
// twice would be two builds.
//
// An error that is [ErrOutcomeUnknown] leaves open whether a build was started. To find out, list the
// builds of the job from the time of the call on with [BuildsService.List] and look for one with the
// branch, commit and executor of the request. A job that the service does not know is [ErrNotFound]; a tag
// beside a branch or commit, and a parameter without a name, are [ErrInvalidArgument].
//
// API: ExecuteJob, POST /v1/job/execute.
func (s *JobsService) Run(ctx context.Context, jobID string, in *RunRequest, opts ...CallOption) (*RunResult, error) {
	body, err := in.body(jobID)
	if err != nil {
		return nil, opExecuteJob.refuse(err)
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
			return nil, invalid("a parameter has no name")
		}
		request.Parameters = append(request.Parameters, runParameter{name, in.Parameters[name]})
	}
	source := runSource{Branch: in.Branch, Tag: in.Tag, CommitID: in.CommitID}
	switch {
	case in.Tag != "" && (in.Branch != "" || in.CommitID != ""):
		return nil, invalid("a tag and a branch or commit are given; a build has one source")
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

func (r *RunResult) decodeAnswer(payload []byte, _ answerInfo) error {
	var answer struct {
		BuildNo      flexibleString `json:"actual_build_number"`
		DailyBuildNo flexibleString `json:"daily_build_number"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil {
		return err
	}
	if err := checkBuildNo(string(answer.BuildNo)); err != nil {
		return errors.New("the answer names no build number")
	}
	*r = RunResult{string(answer.BuildNo), string(answer.DailyBuildNo)}
	return nil
}

// RunningStatus tells whether a job is building.
type RunningStatus struct {
	Running bool
	BuildNo string // of the newest build; "" when the job was never built
}

var opShowRunningStatus = operation{name: "ShowRunningStatus", method: http.MethodGet, path: "/v1/job/{job_id}/running-status", envelope: "result"}

// Running reports whether a build of the job runs, and the number of its newest build.
//
// API: ShowRunningStatus, GET /v1/job/{job_id}/running-status.
func (s *JobsService) Running(ctx context.Context, jobID string, opts ...CallOption) (*RunningStatus, error) {
	return fetch[RunningStatus](ctx, s.client, &opShowRunningStatus, []string{jobID}, nil, opts)
}

func (r *RunningStatus) decodeAnswer(payload []byte, _ answerInfo) error {
	var answer struct {
		Running flexibleBool   `json:"is_running"`
		BuildNo flexibleString `json:"last_build_no"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil {
		return err
	}
	*r = RunningStatus{bool(answer.Running), string(answer.BuildNo)}
	return nil
}
