package codeartsbuild

import (
	"context"
	"iter"
	"net/http"
)

// JobBranchListOptions choose the branches of a list. Nil means the zero value.
type JobBranchListOptions struct {
	Page     int `url:"-"` // from 1; 0 means 1. AllBadgeBranches ignores it
	PageSize int `url:"-"` // 1 to 100; 0 means 100
}

var opShowBranchByJobID = operation{
	name: "ShowBranchByJobId", method: http.MethodGet, path: "/v1/job/{job_id}/badge/branches",
	list: &listing{page: "offset", size: "limit"},
}

// BadgeBranches returns one page of the branches that a status badge of the job can show. The total is -1.
//
// API: ShowBranchByJobId, GET /v1/job/{job_id}/badge/branches.
func (s *JobsService) BadgeBranches(ctx context.Context, jobID string, in *JobBranchListOptions, opts ...CallOption) (*Page[string], error) {
	o := orZero(in)
	return listPage[string](ctx, s.client, &opShowBranchByJobID, []string{jobID}, o.Page, o.PageSize, nil, opts)
}

// AllBadgeBranches returns an iterator over the branches that a status badge of the job can show. It reads a page when
// its first branch is wanted, and ends after the first error.
//
// API: ShowBranchByJobId, GET /v1/job/{job_id}/badge/branches.
func (s *JobsService) AllBadgeBranches(ctx context.Context, jobID string, in *JobBranchListOptions, opts ...CallOption) iter.Seq2[*string, error] {
	return listAll(ctx, s.client, &opShowBranchByJobID, []string{jobID}, orZero(in).PageSize, nil, func(name *string) string { return *name }, opts)
}
