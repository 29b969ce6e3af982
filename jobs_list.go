package codeartsbuild

import (
	"cmp"
	"context"
	"iter"
	"net/http"
)

// Job is a job as the lists describe it.
type Job struct {
	ID        string
	Name      string
	ProjectID string // of CodeArts, not of IAM
	Disabled  bool
	Finished  bool // its newest build has ended
}

// JobListOptions choose the jobs of a list. Nil means the zero value.
type JobListOptions struct {
	Page     int    // from 1; 0 means 1. All ignores it
	PageSize int    // 1 to 100; 0 means 100
	Search   string // a part of the name; "" means all
}

var opListProjectJobs = operation{name: "ListProjectJobs", method: http.MethodGet, path: "/v1/job/{project_id}/list", envelope: "result"}

// List returns one page of the jobs of a CodeArts project, whose id has 32 letters and digits and is none
// of IAM's.
//
// API: ListProjectJobs, GET /v1/job/{project_id}/list.
func (s *JobsService) List(ctx context.Context, projectID string, in *JobListOptions, opts ...CallOption) (*Page[Job], error) {
	query, err := in.query()
	if err != nil {
		return nil, opListProjectJobs.refuse(err)
	}
	rows, err := fetch[jobRows](ctx, s.client, &opListProjectJobs, []string{projectID}, query, opts)
	if err != nil {
		return nil, err
	}
	return rows.page(projectID), nil
}

// All returns an iterator over the jobs of a CodeArts project. It reads a page when its first job is
// wanted, and ends after the first error.
//
// API: ListProjectJobs, GET /v1/job/{project_id}/list.
func (s *JobsService) All(ctx context.Context, projectID string, in *JobListOptions, opts ...CallOption) iter.Seq2[*Job, error] {
	var options JobListOptions
	if in != nil {
		options = *in
	}
	size := cmp.Or(options.PageSize, defaultPageSize)
	return pages(size, func(j *Job) string { return j.ID }, func(page int) (*Page[Job], error) {
		options.Page = page
		return s.List(ctx, projectID, &options, opts...)
	})
}

type jobListQuery struct {
	PageIndex int    `url:"page_index"` // from 0
	PageSize  int    `url:"page_size"`
	Search    string `url:"search,omitempty"`
}

func (in *JobListOptions) query() (jobListQuery, error) {
	var options JobListOptions
	if in != nil {
		options = *in
	}
	page, size, err := checkPage(options.Page, options.PageSize)
	return jobListQuery{PageIndex: page - 1, PageSize: size, Search: options.Search}, err
}

// jobRows is a page of jobs: documented as jobs, seen live as job_list in an envelope.
type jobRows struct {
	Jobs    []jobRow       `json:"jobs"`
	JobList []jobRow       `json:"job_list"`
	Total   flexibleString `json:"total"`
}

type jobRow struct {
	ID        flexibleString `json:"id"`
	Name      flexibleString `json:"job_name"`
	ProjectID flexibleString `json:"project_id"`
	Disabled  flexibleBool   `json:"disabled"`
	Finished  flexibleBool   `json:"is_finished"`
}

func (r *jobRows) page(projectID string) *Page[Job] {
	page := &Page[Job]{Total: parseTotal(r.Total)}
	for _, row := range append(r.Jobs, r.JobList...) {
		page.Items = append(page.Items, Job{
			ID: string(row.ID), Name: string(row.Name), ProjectID: cmp.Or(string(row.ProjectID), projectID),
			Disabled: bool(row.Disabled), Finished: bool(row.Finished),
		})
	}
	return page
}
