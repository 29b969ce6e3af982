package codeartsbuild

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// RunRequest says what a new build uses in place of the job's configuration. Nil means the configuration.
type RunRequest struct {
	Parameters map[string]string // values of the job's parameters, by name; the others keep their defaults
	// Branch is the branch to build; with CommitID, the branch of that commit. Many jobs take their branch from a
	// parameter, by default "codeBranch", and do not read this: for them set BranchParameter as well.
	Branch   string
	Tag      string // the tag to build, in place of Branch and CommitID
	CommitID string // the commit to build; it outweighs Branch
	// BranchParameter is the name of a parameter of the job that gets Branch too, such as "codeBranch"; "" means none.
	BranchParameter string
}

// RunResult names the build that the service has accepted to run.
type RunResult struct {
	BuildNo      string `json:"actual_build_number"` // the number that Stop, Get and the logs take
	DailyBuildNo string `json:"daily_build_number"`  // such as "20261124.3": for people, no call takes it
	ExecutionID  string `json:"octopus_job_name"`    // such as "j_YE1bu9Z7"; no call takes it
}

func (r *RunResult) complete(about) error {
	r.BuildNo = plainBuildNo(r.BuildNo)
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
// After an error that is [ErrOutcomeUnknown] a build may have started. To find out, call [JobsService.FindRun] with the
// same request and with the time before the call, and run the job again only if no build is found. A job that the
// service does not know is [ErrNotFound]. Rejected with [ErrInvalidArgument] are a tag beside a branch or commit, a
// branch parameter without a branch, a parameter without a name or with the name of the branch parameter, text that is
// not UTF-8, and a branch, tag or commit with white space or control characters.
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
	if err := in.validate(); err != nil {
		return nil, err
	}
	for name, value := range in.Parameters {
		request.Parameters = append(request.Parameters, runParameter{name, value})
	}
	if in.BranchParameter != "" {
		request.Parameters = append(request.Parameters, runParameter{in.BranchParameter, in.Branch})
	}
	slices.SortFunc(request.Parameters, func(a, b runParameter) int { return strings.Compare(a.Name, b.Name) })
	source := runSource{Branch: in.Branch, Tag: in.Tag, CommitID: in.CommitID}
	switch {
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

func (in *RunRequest) validate() error {
	for _, ref := range [...]struct{ name, value string }{{"Branch", in.Branch}, {"Tag", in.Tag}, {"CommitID", in.CommitID}} {
		if !utf8.ValidString(ref.value) || strings.ContainsFunc(ref.value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			return invalid("%s must be UTF-8 without white space and control characters, got %s", ref.name, quoted(ref.value))
		}
	}
	for name, value := range in.Parameters {
		switch {
		case name == "":
			return invalid("the name of a parameter must not be empty")
		case !utf8.ValidString(name):
			return invalid("the name of a parameter must be UTF-8, got %s", quoted(name))
		case !utf8.ValidString(value): // not shown, since it can be a secret
			return invalid("the value of the parameter %s must be UTF-8", quoted(name))
		}
	}
	_, given := in.Parameters[in.BranchParameter]
	switch {
	case in.Tag != "" && (in.Branch != "" || in.CommitID != ""):
		return invalid("Tag cannot be combined with Branch or CommitID")
	case in.BranchParameter == "":
		return nil
	case !utf8.ValidString(in.BranchParameter):
		return invalid("BranchParameter must be UTF-8, got %s", quoted(in.BranchParameter))
	case in.Branch == "":
		return invalid("BranchParameter must come with a Branch")
	case given:
		return invalid("the parameter %s must be given once: it is in Parameters and in BranchParameter", quoted(in.BranchParameter))
	}
	return nil
}

// RunningStatus tells whether a job is building.
type RunningStatus struct {
	Running  bool   `json:"is_running"`
	BuildNo  string `json:"last_build_no"`     // of the newest build; "" if the job was never built
	Progress string `json:"last_build_status"` // of the newest build, such as "Finished"; it does not tell the result
	JobID    string `json:"last_job_id"`
}

func (r *RunningStatus) complete(about) error {
	r.BuildNo = plainBuildNo(r.BuildNo)
	return nil
}

var opShowRunningStatus = operation{name: "ShowRunningStatus", method: http.MethodGet, path: "/v1/job/{job_id}/running-status"}

// Running reports whether a build of the job runs, and the number of its newest build.
//
// API: ShowRunningStatus, GET /v1/job/{job_id}/running-status.
func (s *JobsService) Running(ctx context.Context, jobID string, opts ...CallOption) (*RunningStatus, error) {
	return fetch[RunningStatus](ctx, s.client, &opShowRunningStatus, []string{jobID}, nil, opts)
}
