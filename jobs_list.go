package codeartsbuild

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"time"
)

// Job is a job as the lists describe it.
type Job struct {
	ID        string `json:"id"`
	Name      string `json:"job_name"`
	ProjectID string `json:"project_id"` // of CodeArts, not of IAM
	Disabled  bool   `json:"disabled"`
	Finished  bool   `json:"is_finished"` // its last build has finished

	LastBuildTime   time.Time   `json:"last_build_time"`   // when its last build began
	LastBuildStatus BuildStatus `json:"last_build_status"` // running while it builds; "none" if it was never built
}

func (j *Job) complete(of about) error {
	j.ProjectID = cmp.Or(j.ProjectID, of.project)
	return nil
}

// JobListOptions choose the jobs of a list. Nil means the zero value.
type JobListOptions struct {
	Page     int    `url:"-"`                // from 1; 0 means 1. All ignores it
	PageSize int    `url:"-"`                // 1 to 100; 0 means 100
	Search   string `url:"search,omitempty"` // a part of the name; "" means all
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
	return listAll(ctx, s.client, &opListProjectJobs, []string{projectID}, o.PageSize, o, func(j *Job) string { return j.ID }, opts)
}
