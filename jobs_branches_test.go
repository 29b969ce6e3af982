package codeartsbuild_test

import (
	"context"
	"testing"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func TestBadgeBranchesAsDocumented(t *testing.T) {
	t.Parallel()
	testDocumentedCalls(t, map[string]documentedCall{
		"ShowBranchByJobId": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Jobs.BadgeBranches(ctx, documentedJob, &codeartsbuild.JobBranchListOptions{Page: 2, PageSize: 20})
			},
			request: "GET /v1/job/" + documentedJob + "/badge/branches?limit=20&offset=1",
			want:    &codeartsbuild.Page[string]{Items: []string{"master"}, Total: -1},
		},
		"ShowBranchByJobId without branches": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Jobs.BadgeBranches(ctx, documentedJob, nil)
			},
			request: "GET /v1/job/" + documentedJob + "/badge/branches?limit=100&offset=0",
			reply:   `{"status":"success","result":null}`,
			want:    &codeartsbuild.Page[string]{Total: -1},
		},
	})
	testDocumentedLists(t, map[string]documentedList{
		"ShowBranchByJobId": {
			walk: func(ctx context.Context, c *codeartsbuild.Client) ([]string, error) {
				in := &codeartsbuild.JobBranchListOptions{PageSize: 1}
				return keysOf(c.Jobs.AllBadgeBranches(ctx, documentedJob, in), func(name *string) string { return *name })
			},
			page:    `{"status":"success","result":[%s]}`,
			rows:    []string{`"main"`, `"dev"`},
			want:    []string{"main", "dev"},
			queries: []string{"limit=1&offset=0", "limit=1&offset=1", "limit=1&offset=2"},
		},
	})
}
