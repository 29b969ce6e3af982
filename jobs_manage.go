package codeartsbuild

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

var opDeleteTheJob = operation{name: "DeleteTheJob", method: http.MethodDelete, path: "/v1/job/{job_id}/delete", effect: repeatable}

// Delete moves a job to the recycle bin. [JobsService.Restore] brings it back, until the time of [JobsService.KeepTime]
// has passed. A job that the service does not know is [ErrNotFound]; if the error is also [ErrOutcomeUnknown], an earlier
// attempt of this call may have deleted it.
//
// API: DeleteTheJob, DELETE /v1/job/{job_id}/delete.
func (s *JobsService) Delete(ctx context.Context, jobID string, opts ...CallOption) (*JobDeletion, error) {
	return fetch[JobDeletion](ctx, s.client, &opDeleteTheJob, []string{jobID}, nil, opts)
}

var opBatchDeleteBuildJobs = operation{name: "BatchDeleteBuildJobs", method: http.MethodDelete, path: "/v1/job/batch-delete", effect: repeatable}

// DeleteMany moves jobs to the recycle bin, as [JobsService.Delete] does with one. The service's response names only one
// of them. No job is [ErrInvalidArgument].
//
// API: BatchDeleteBuildJobs, DELETE /v1/job/batch-delete.
func (s *JobsService) DeleteMany(ctx context.Context, ids []string, opts ...CallOption) (*JobDeletion, error) {
	if err := checkJobIDs(ids); err != nil {
		return nil, opBatchDeleteBuildJobs.named(err)
	}
	return fetch[JobDeletion](ctx, s.client, &opBatchDeleteBuildJobs, nil, jobIDList{ids}, opts)
}

type disabling struct {
	Reason   string `json:"reason"`
	Disabled bool   `json:"disabled"`
}

// Disabling and enabling are one call of the service.
var opDisableTheJob = operation{
	name: "DisableTheJob", method: http.MethodPost, path: "/v1/job/{job_id}/disable", effect: repeatable, flat: true,
}

// Disable keeps a job from being built until [JobsService.Enable]. The service wants a reason.
//
// API: DisableTheJob, POST /v1/job/{job_id}/disable.
func (s *JobsService) Disable(ctx context.Context, jobID, reason string, opts ...CallOption) error {
	return s.client.perform(ctx, &opDisableTheJob, []string{jobID}, disabling{reason, true}, opts)
}

// Enable lets a job be built again after [JobsService.Disable].
//
// API: DisableTheJob, POST /v1/job/{job_id}/disable.
func (s *JobsService) Enable(ctx context.Context, jobID string, opts ...CallOption) error {
	return s.client.perform(ctx, &opDisableTheJob, []string{jobID}, disabling{}, opts)
}

// JobDisabling tells whether a job is disabled, and why. It is zero if the job is not.
type JobDisabling struct {
	Disabled bool      `json:"disabled"`
	JobID    string    `json:"job_id"`
	JobName  string    `json:"job_name"`
	Reason   string    `json:"reson" also:"reason"` // documented as reson
	By       string    `json:"forbiddener"`
	At       time.Time `json:"forbidden_time"`
}

var opShowDisable = operation{name: "ShowDisable", method: http.MethodGet, path: "/v1/job/{job_id}/check/disable"}

// Disabled tells whether a job is disabled, by whom and why.
//
// API: ShowDisable, GET /v1/job/{job_id}/check/disable.
func (s *JobsService) Disabled(ctx context.Context, jobID string, opts ...CallOption) (*JobDisabling, error) {
	return fetch[JobDisabling](ctx, s.client, &opShowDisable, []string{jobID}, nil, opts)
}

// favourite is whether a job is a favourite of the caller.
type favourite struct {
	Favourite bool `json:"favorite"`
}

var opAddFavouriteTask = operation{name: "AddFavouriteTask", method: http.MethodPost, path: "/v1/job/{job_id}/follow", effect: repeatable}

// AddFavourite makes a job a favourite of the caller, and returns whether it is one now.
//
// API: AddFavouriteTask, POST /v1/job/{job_id}/follow.
func (s *JobsService) AddFavourite(ctx context.Context, jobID string, opts ...CallOption) (bool, error) {
	out, err := fetchValue[favourite](ctx, s.client, &opAddFavouriteTask, []string{jobID}, nil, opts)
	return out.Favourite, err
}

var opRemoverFavouriteTask = operation{name: "RemoverFavouriteTask", method: http.MethodPost, path: "/v1/job/{job_id}/unfollow", effect: repeatable}

// RemoveFavourite takes a job from the favourites of the caller, and returns whether it still is one.
//
// API: RemoverFavouriteTask, POST /v1/job/{job_id}/unfollow.
func (s *JobsService) RemoveFavourite(ctx context.Context, jobID string, opts ...CallOption) (bool, error) {
	out, err := fetchValue[favourite](ctx, s.client, &opRemoverFavouriteTask, []string{jobID}, nil, opts)
	return out.Favourite, err
}

type nameCheck struct {
	ProjectID string `url:"project_id"`
	Name      string `url:"job_name"`
}

var opCheckJobNameIsExists = operation{
	name: "CheckJobNameIsExists", method: http.MethodGet, path: "/v1/job/check/exist", args: []string{"project_id"},
}

// NameTaken reports whether a CodeArts project has a job of this name.
//
// API: CheckJobNameIsExists, GET /v1/job/check/exist.
func (s *JobsService) NameTaken(ctx context.Context, projectID, name string, opts ...CallOption) (bool, error) {
	return fetchValue[bool](ctx, s.client, &opCheckJobNameIsExists, []string{projectID}, nameCheck{projectID, name}, opts)
}

var opShowCopyName = operation{name: "ShowCopyName", method: http.MethodGet, path: "/v1/job/{job_id}/copy-name"}

// CopyName returns a name that a copy of a job can have.
//
// API: ShowCopyName, GET /v1/job/{job_id}/copy-name.
func (s *JobsService) CopyName(ctx context.Context, jobID string, opts ...CallOption) (string, error) {
	return fetchValue[string](ctx, s.client, &opShowCopyName, []string{jobID}, nil, opts)
}

var opCheckJobCountIsTopLimit = operation{name: "CheckJobCountIsTopLimit", method: http.MethodGet, path: "/v1/job/check/count"}

// AtLimit reports whether the tenant has as many jobs as it can have.
//
// API: CheckJobCountIsTopLimit, GET /v1/job/check/count.
func (s *JobsService) AtLimit(ctx context.Context, opts ...CallOption) (bool, error) {
	return fetchValue[bool](ctx, s.client, &opCheckJobCountIsTopLimit, nil, nil, opts)
}

// JobInfo is a job as [JobsService.Get] describes it.
type JobInfo struct {
	ID                 string    `json:"id"`
	Name               string    `json:"job_name"`
	BuildProjectID     string    `json:"project_id"`                // the UUID by which records are listed, not the CodeArts project
	ProjectPermissions bool      `json:"project_permission_switch"` // permissions are those of the project
	SourceCode         string    `json:"source_code"`               // where the code comes from
	Disabled           bool      `json:"disabled"`
	Favourite          bool      `json:"favorite"` // of the caller
	JobRights                    // of the caller
	CreatedAt          time.Time `json:"create_time"`
	HealthScore        int       `json:"health_score"`

	// The rest is about the newest build.
	RunningStatus   string      `json:"running_status"` // the service's word
	LastBuildStatus BuildStatus `json:"last_build_status"`
	LastBuildTime   time.Time   `json:"last_build_time"`
	BuildTime       string      `json:"build_time"`  // how long it ran; the unit is not documented
	ChargeTime      string      `json:"charge_time"` // the time to pay for; the unit is not documented
	NewBuild        bool        `json:"new_build"`   // not documented further
}

var opShowJobInfo = operation{name: "ShowJobInfo", method: http.MethodGet, path: "/v1/job/{job_id}/info"}

// Get returns a job. A job that the service does not know is [ErrNotFound].
//
// API: ShowJobInfo, GET /v1/job/{job_id}/info.
func (s *JobsService) Get(ctx context.Context, jobID string, opts ...CallOption) (*JobInfo, error) {
	return fetch[JobInfo](ctx, s.client, &opShowJobInfo, []string{jobID}, nil, opts)
}

// JobPipelineInfo is what a pipeline needs to know of a job to run it.
type JobPipelineInfo struct {
	Name        string                `json:"job_name"`
	NameMessage string                `json:"job_name_massage" also:"job_name_message"` // the rule for names, for people; documented as massage
	NameRegex   string                `json:"job_name_regex"`
	SourceCode  string                `json:"source_code"` // where the code comes from
	Sources     []JobSource           `json:"scms"`
	Parameters  JobPipelineParameters `json:"parameters"`
}

// JobPipelineParameters are the parameters of a job. The service sends a list, or the only one.
type JobPipelineParameters []JobPipelineParameter

// JobPipelineParameter is a parameter of a job, as a pipeline sees it.
type JobPipelineParameter struct {
	Kind     string                `json:"name"` // as in JobParameter
	Region   string                `json:"region"`
	Language string                `json:"language"`
	Settings []JobParameterSetting `json:"params"`
}

// UnmarshalJSON reads both forms.
func (p *JobPipelineParameters) UnmarshalJSON(data []byte) error {
	switch {
	case loosejson.IsBlank(data):
		*p = nil
		return nil
	case data[0] == '{':
		*p = make(JobPipelineParameters, 1)
		return loosejson.Unmarshal(data, &(*p)[0])
	}
	return loosejson.Unmarshal(data, (*[]JobPipelineParameter)(p))
}

// JobPipelineOptions choose the parameters of [JobsService.PipelineInfo]. Nil means the zero value.
type JobPipelineOptions struct {
	AllParameters bool `url:"all,omitempty"`              // also those that the service leaves out by default
	UsedOnly      bool `url:"check_param_used,omitempty"` // only those that the job uses
}

var opShowJobPipelineInfo = operation{name: "ShowJobPipelineInfo", method: http.MethodGet, path: "/v1/job/{job_id}/pipeline-info"}

// PipelineInfo returns what a pipeline needs to know of a job to run it.
//
// API: ShowJobPipelineInfo, GET /v1/job/{job_id}/pipeline-info.
func (s *JobsService) PipelineInfo(ctx context.Context, jobID string, in *JobPipelineOptions, opts ...CallOption) (*JobPipelineInfo, error) {
	return fetch[JobPipelineInfo](ctx, s.client, &opShowJobPipelineInfo, []string{jobID}, orZero(in), opts)
}

// JobStepStatus is how far a build has come, in the words of the service.
type JobStepStatus struct {
	Status      string `json:"status"`       // such as success, completed, runnable or pending
	AbortStatus string `json:"abort_status"` // such as aborted or timeout; "" if the build was not ended early
	Label       string `json:"label"`        // of the machine that builds, such as default-x86-2u8g
}

// UnmarshalJSON also reads the newer form, in which the status is that of a workflow.
func (s *JobStepStatus) UnmarshalJSON(data []byte) error {
	type plain JobStepStatus
	var both struct {
		plain
		Workflow plain `json:"workflow"`
	}
	err := loosejson.Unmarshal(data, &both)
	s.Status = cmp.Or(both.Workflow.Status, both.Status)
	s.AbortStatus = cmp.Or(both.Workflow.AbortStatus, both.AbortStatus)
	s.Label = cmp.Or(both.Workflow.Label, both.Label)
	return err
}

type numberedBuild struct {
	BuildNo string `url:"build_no"`
}

var opShowJobStepStatus = operation{
	name: "ShowJobStepStatus", method: http.MethodGet, path: "/v1/job/{job_id}/status", args: []string{"build_no"},
}

// StepStatus returns how far a build of a job has come. [BuildsService.Get] returns the build itself.
//
// API: ShowJobStepStatus, GET /v1/job/{job_id}/status.
func (s *JobsService) StepStatus(ctx context.Context, jobID, buildNo string, opts ...CallOption) (*JobStepStatus, error) {
	return fetch[JobStepStatus](ctx, s.client, &opShowJobStepStatus, []string{jobID, buildNo}, numberedBuild{buildNo}, opts)
}
