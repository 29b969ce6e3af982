package codeartsbuild

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"time"
)

// Job is a job as the lists describe it. A field that the list does not report is zero.
type Job struct {
	ID                 string `json:"id"`
	Name               string `json:"job_name"`
	ProjectID          string `json:"project_id"` // of CodeArts, not of IAM
	ProjectName        string `json:"project_name"`
	BuildProjectID     string `json:"build_project_id"`          // the UUID by which records are listed
	ProjectPermissions bool   `json:"project_permission_switch"` // permissions are those of the project
	CreatorID          string `json:"job_creator"`
	UserID             string `json:"user_id"`
	UserName           string `json:"user_name"`
	NickName           string `json:"nick_name"`
	Disabled           bool   `json:"disabled"`
	DisabledReason     string `json:"forbidden_msg"`
	Favourite          bool   `json:"favorite"`     // of the caller
	HealthScore        int    `json:"health_score"` // such as 75 or 100
	JobRights                 // of the caller; the lists do not report CanManage

	SourceCode   string `json:"source_code"` // where the code comes from
	SourceType   string `json:"scm_type"`    // the kind of repository, such as codehub, Repo or Github
	RepositoryID string `json:"repo_id"`
	WebURL       string `json:"scm_web_url"` // of the repository
	BuildType    string `json:"build_type"`  // branch, tag or commit
	Branch       string `json:"code_branch"`
	Tag          string `json:"tag"`
	CommitID     string `json:"commit_id"`
	CommitURL    string `json:"commit_detail_url"`
	TaskID       string `json:"task_id"` // the daily number of the newest build, such as "#20240923.1"

	// The rest is about the newest build.
	Finished        bool        `json:"is_finished"`
	BuildNo         string      `json:"build_number"`
	LastBuildStatus BuildStatus `json:"last_build_status"`       // running while it builds; "none" if the job was never built
	RunningStatus   string      `json:"last_job_running_status"` // the service's word, such as "Finished"
	LastBuildTime   time.Time   `json:"last_build_time"`         // when it began
	BuildMillis     int64       `json:"build_time"`              // how long it took
	LastUser        string      `json:"last_build_user"`
	LastUserID      string      `json:"last_build_user_id"`
	TriggerType     string      `json:"trigger_type"` // the service's word, such as "Manual"
}

// A JobStatus is the service's word for the newest build of a job, to filter a list by.
type JobStatus string

// The words of the service.
const (
	JobSucceeded  JobStatus = "blue"
	JobFailed     JobStatus = "red"
	JobTimedOut   JobStatus = "timeout"
	JobAborted    JobStatus = "aborted"
	JobBuilding   JobStatus = "building"
	JobNeverBuilt JobStatus = "none"
)

func (j *Job) complete(of about) error {
	j.ProjectID = cmp.Or(j.ProjectID, of.project)
	return nil
}

// A JobOrder is the order of a list.
type JobOrder string

// The orders of a list.
const (
	JobOrderAscending  JobOrder = "ASC"
	JobOrderDescending JobOrder = "DESC"
)

// JobListOptions choose the jobs of a list. Nil means the zero value.
type JobListOptions struct {
	Page      int       `url:"-"`                // from 1; 0 means 1. All ignores it
	PageSize  int       `url:"-"`                // 1 to 100; 0 means 100
	Search    string    `url:"search,omitempty"` // a part of the name; "" means all
	CreatorID string    `url:"creator_id,omitempty"`
	Status    JobStatus `url:"build_status,omitempty"` // of the newest build
	SortField string    `url:"sort_field,omitempty"`   // the service does not document the values
	SortOrder JobOrder  `url:"sort_order,omitempty"`
	ByGroup   bool      `url:"by_group,omitempty"`      // list by group
	GroupID   string    `url:"group_path_id,omitempty"` // the group
}

// The rows are documented as jobs, and the live service sends them as job_list.
var opListProjectJobs = operation{
	name: "ListProjectJobs", method: http.MethodGet, path: "/v1/job/{project_id}/list",
	list: &listing{page: "page_index", size: "page_size", rows: "jobs,job_list", total: "total"},
}

// List returns one page of the jobs of a CodeArts project, whose id has 32 letters and digits. It is not the id
// of an IAM project.
//
// API: ListProjectJobs, GET /v1/job/{project_id}/list.
func (s *JobsService) List(ctx context.Context, projectID string, in *JobListOptions, opts ...CallOption) (*Page[Job], error) {
	o := orZero(in)
	return listPage[Job](ctx, s.client, &opListProjectJobs, []string{projectID}, o.Page, o.PageSize, o, opts)
}

// All returns an iterator over the jobs of a CodeArts project. It reads a page when its first job is wanted, and
// ends after the first error.
//
// API: ListProjectJobs, GET /v1/job/{project_id}/list.
func (s *JobsService) All(ctx context.Context, projectID string, in *JobListOptions, opts ...CallOption) iter.Seq2[*Job, error] {
	o := orZero(in)
	return listAll(ctx, s.client, &opListProjectJobs, []string{projectID}, o.PageSize, o, (*Job).key, opts)
}

func (j *Job) key() string { return j.ID }

// JobVisibleOptions choose among the jobs that the caller sees. Nil means the zero value.
type JobVisibleOptions struct {
	Page      int       `url:"-"`                // from 1; 0 means 1. AllVisible ignores it
	PageSize  int       `url:"-"`                // 1 to 100; 0 means 100
	Search    string    `url:"search,omitempty"` // a part of the name; "" means all
	CreatorID string    `url:"creator_id,omitempty"`
	Status    JobStatus `url:"build_status,omitempty"` // of the newest build
	SortField string    `url:"sort_field,omitempty"`   // the service does not document the values
	SortOrder JobOrder  `url:"sort_order,omitempty"`
}

var opListJob = operation{
	name: "ListJob", method: http.MethodGet, path: "/v1/job/list",
	list: &listing{page: "page_index", size: "page_size", rows: "job_list,jobs", total: "total"},
}

// ListVisible returns one page of the jobs that the caller sees, of all projects.
//
// API: ListJob, GET /v1/job/list.
func (s *JobsService) ListVisible(ctx context.Context, in *JobVisibleOptions, opts ...CallOption) (*Page[Job], error) {
	o := orZero(in)
	return listPage[Job](ctx, s.client, &opListJob, nil, o.Page, o.PageSize, o, opts)
}

// AllVisible returns an iterator over the jobs that the caller sees, of all projects. It reads a page when its first job
// is wanted, and ends after the first error.
//
// API: ListJob, GET /v1/job/list.
func (s *JobsService) AllVisible(ctx context.Context, in *JobVisibleOptions, opts ...CallOption) iter.Seq2[*Job, error] {
	o := orZero(in)
	return listAll(ctx, s.client, &opListJob, nil, o.PageSize, o, (*Job).key, opts)
}
