package codeartsbuild

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// JobUpdate is an edit of a job's configuration.
type JobUpdate struct {
	ID       string    `json:"id"`
	Number   int       `json:"update_number"` // counts the edits of the job; Diff takes it
	Kind     string    `json:"update_type"`   // such as "UPDATE"
	At       time.Time `json:"update_at"`
	UserID   string    `json:"user_id"`
	UserName string    `json:"user_name"`
	NickName string    `json:"nick_name"`
}

func (u *JobUpdate) key() string { return u.ID }

// JobPageOptions choose a page of a list that has no other options. Nil means the zero value.
type JobPageOptions struct {
	Page     int `url:"-"` // from 1; 0 means 1. An iterator ignores it
	PageSize int `url:"-"` // 1 to 100; 0 means 100
}

var opListUpdateJobHistory = operation{
	name: "ListUpdateJobHistory", method: http.MethodGet, path: "/v1/job/{job_id}/history",
	list: &listing{page: "page_no", first: 1, size: "page_size", rows: "job_update_records", total: "total"},
}

// ListUpdates returns one page of the edits of a job's configuration.
//
// API: ListUpdateJobHistory, GET /v1/job/{job_id}/history.
func (s *JobsService) ListUpdates(ctx context.Context, jobID string, in *JobPageOptions, opts ...CallOption) (*Page[JobUpdate], error) {
	o := orZero(in)
	return listPage[JobUpdate](ctx, s.client, &opListUpdateJobHistory, []string{jobID}, o.Page, o.PageSize, nil, opts)
}

// AllUpdates returns an iterator over the edits of a job's configuration. It reads a page when its first edit is wanted,
// and ends after the first error.
//
// API: ListUpdateJobHistory, GET /v1/job/{job_id}/history.
func (s *JobsService) AllUpdates(ctx context.Context, jobID string, in *JobPageOptions, opts ...CallOption) iter.Seq2[*JobUpdate, error] {
	return listAll(ctx, s.client, &opListUpdateJobHistory, []string{jobID}, orZero(in).PageSize, nil, (*JobUpdate).key, opts)
}

type configDiff struct {
	Older int `url:"original_no"`
	Newer int `url:"revisedl_no"` // spelled so
}

var opShowJobConfigDiff = operation{name: "ShowJobConfigDiff", method: http.MethodGet, path: "/v1/job/{job_id}/diff"}

// Diff returns the difference between two configurations of a job, which the numbers of two edits name. The service does
// not document its form. "" means that they are equal.
//
// API: ShowJobConfigDiff, GET /v1/job/{job_id}/diff.
func (s *JobsService) Diff(ctx context.Context, jobID string, older, newer int, opts ...CallOption) (string, error) {
	return fetchValue[string](ctx, s.client, &opShowJobConfigDiff, []string{jobID}, configDiff{older, newer}, opts)
}
