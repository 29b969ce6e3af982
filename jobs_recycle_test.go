package codeartsbuild_test

import (
	"context"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func TestRecycleBin(t *testing.T) {
	t.Parallel()
	deleted := codeartsbuild.JobDeletion{
		JobID: "c798139500d2456d82d95d108f182b5a", Name: "testJobName", ProjectID: "b4d3971c3988463b865f6f920846149e",
		CreatorID: "ae22fd035f354cfa8d82a3f1c8940446", CreatorName: "testUser",
		CreatedAt: time.Date(2024, 9, 20, 6, 38, 49, 0, time.UTC), DeletedAt: time.Date(2024, 9, 23, 9, 40, 55, 0, time.UTC),
	}
	ids := []string{"f9d6c8466d614a9788e9a0acf6c15f46"}
	testJobCalls(t, map[string]jobCall{
		"a page": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.ListDeleted(ctx, &codeartsbuild.JobDeletionListOptions{Page: 2, PageSize: 5, Search: "test"})
			},
			"GET /v1/job/recycling-jobs?page_no=2&page_size=5&search=test", "", "ListRecyclingJob.response",
			&codeartsbuild.Page[codeartsbuild.JobDeletion]{Items: []codeartsbuild.JobDeletion{deleted}, Total: 1},
		},
		"all": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return collect(s.AllDeleted(ctx, nil))
			},
			"GET /v1/job/recycling-jobs?page_no=1&page_size=100", "", "ListRecyclingJob.response", []codeartsbuild.JobDeletion{deleted},
		},
		"without time stamps": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return collect(s.AllDeleted(ctx, nil))
			},
			"GET /v1/job/recycling-jobs?page_no=1&page_size=100", "",
			`{"result":{"job_list":[{"job_id":"a","delete_time":"2024-09-23 17:40:55","delete_time_stamp":""}]}}`,
			[]codeartsbuild.JobDeletion{{JobID: "a", DeletedAt: deleted.DeletedAt}},
		},
		"the time for which it keeps jobs": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.KeepTime(ctx) },
			"GET /v1/job/recycling-jobs", "", "ListRecyclingJob.response", 29,
		},
		"another time": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.SetKeepTime(ctx, 29) },
			"POST /v1/job/keep-time", "SetKeepTime.request", "SetKeepTime.response", 29,
		},
		"restored": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return done(s.Restore(ctx, ids)) },
			"POST /v1/job/recycling-restoration", "RestoreRecyclingJobs.request", "RestoreRecyclingJobs.response", nil,
		},
		"destroyed": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return done(s.Purge(ctx, ids)) },
			"DELETE /v1/job/recycling-deletion", "DeleteRecyclingJobs.request", "DeleteRecyclingJobs.response", nil,
		},
		"emptied": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return done(s.EmptyRecycleBin(ctx))
			},
			"DELETE /v1/job/recycling-empty", "", "ClearRecyclingJobs.response", nil,
		},
	})
}
