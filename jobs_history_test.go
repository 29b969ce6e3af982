package codeartsbuild_test

import (
	"context"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func TestEditsOfAJob(t *testing.T) {
	t.Parallel()
	edit := codeartsbuild.JobUpdate{
		ID: "502248950", Number: 2, Kind: "UPDATE", At: time.UnixMilli(1726393693000).UTC(),
		UserID: "ae22fd035f354cfa8d82a3f1c8940446", UserName: "testUser", NickName: "testUser",
	}
	diff := func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.Diff(ctx, jobID, 0, 1) }
	const diffRequest = "GET /v1/job/" + jobID + "/diff?original_no=0&revisedl_no=1"
	testJobCalls(t, map[string]jobCall{
		"a page": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.ListUpdates(ctx, jobID, &codeartsbuild.JobPageOptions{Page: 3, PageSize: 7})
			},
			"GET /v1/job/" + jobID + "/history?page_no=3&page_size=7", "", "ListUpdateJobHistory.response",
			&codeartsbuild.Page[codeartsbuild.JobUpdate]{Items: []codeartsbuild.JobUpdate{edit}, Total: 1},
		},
		"all": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return collect(s.AllUpdates(ctx, jobID, nil))
			},
			"GET /v1/job/" + jobID + "/history?page_no=1&page_size=100", "", "ListUpdateJobHistory.response", []codeartsbuild.JobUpdate{edit},
		},
		"no difference": {diff, diffRequest, "", "ShowJobConfigDiff.response", ""},
		"a difference":  {diff, diffRequest, "", `{"result":"- a\n+ b","status":"success"}`, "- a\n+ b"},
	})
}
