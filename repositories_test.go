package codeartsbuild_test

import (
	"context"
	"testing"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func TestRepositoriesAsDocumented(t *testing.T) {
	t.Parallel()
	testDocumentedCalls(t, map[string]documentedCall{
		"ListRepository": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Repositories.OfJob(ctx, documentedJob)
			},
			request: "GET /v1/report/" + documentedJob + "/repositories",
			want:    &codeartsbuild.RepositoryNames{Latest: "APITestCreateMaven01", All: []string{"APITestCreateMaven01"}},
		},
		"ListRepoBranch": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Repositories.BranchesOfJob(ctx, documentedJob, "maven-demo")
			},
			request: "GET /v1/report/branches?job_id=" + documentedJob + "&repository_name=maven-demo",
			want:    []string{"master"},
		},
		"ListTagList": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				in := &codeartsbuild.RepositoryTagListOptions{Page: 2, PageSize: 10, Search: "v1"}
				return c.Repositories.Tags(ctx, codeartsbuild.RepositoryCodeHub, "2111668884", in)
			},
			request: "GET /v1/code/tags?page_no=2&page_size=10&repo_id=2111668884&scm_type=codehub&search=v1",
			want:    &codeartsbuild.Page[codeartsbuild.RepositoryTag]{Items: []codeartsbuild.RepositoryTag{{Name: "1"}}, Total: 2},
		},
		"ShowGitCodeRepository": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Repositories.GitCode(ctx, "endpoint1", nil)
			},
			request: "GET /v1/code/git-code/endpoint1/repositories?limit=100&offset=0&page=1&page_size=100",
			want: &codeartsbuild.Page[codeartsbuild.RepositoryGitCode]{
				Items: []codeartsbuild.RepositoryGitCode{{ID: "4267732", Name: "CodeArtsBuild"}}, Total: -1,
			},
		},
		"ShowGitCodeRepository of some ids": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				in := &codeartsbuild.RepositoryGitCodeListOptions{Page: 3, PageSize: 10, Search: "sdk", IDs: []string{"1", "2"}}
				return c.Repositories.GitCode(ctx, "endpoint1", in)
			},
			request: "GET /v1/code/git-code/endpoint1/repositories?ids=1%2C2&limit=10&offset=2&page=3&page_size=10&search=sdk",
			reply:   `{"result":[{"id":"1","uuid":"u","name":"sdk","http_url":"https://a","git_url":"git@a"}],"status":"success"}`,
			want: &codeartsbuild.Page[codeartsbuild.RepositoryGitCode]{
				Items: []codeartsbuild.RepositoryGitCode{{ID: "1", UUID: "u", Name: "sdk", HTTPURL: "https://a", GitURL: "git@a"}}, Total: -1,
			},
		},
		"ShowGitCodeRepositoryBranches": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Repositories.GitCodeBranches(ctx, "endpoint1", "4267732", &codeartsbuild.RepositoryBranchListOptions{Search: "rel"})
			},
			request: "GET /v1/code/git-code/endpoint1/branches?limit=100&offset=0&page=1&page_size=100&repo_id=4267732&search=rel",
			reply: `{"result":[{"name":"release","commit":{"id":"e980b88","title":"t","message":"m","created_at":"2024-06-29T08:56:18.000+08:00",` +
				`"author_name":"a","committer_name":"c"}}],"error":null,"status":"success"}`,
			want: &codeartsbuild.Page[codeartsbuild.RepositoryBranch]{Items: []codeartsbuild.RepositoryBranch{{
				Name: "release",
				Commit: codeartsbuild.RepositoryCommit{
					ID: "e980b88", Title: "t", Message: "m", CreatedAt: utcTime(2024, 6, 29, 0, 56, 18), AuthorName: "a", CommitterName: "c",
				},
			}}, Total: -1},
		},
	})
}

func TestRepositoryListsReadEveryPage(t *testing.T) {
	t.Parallel()
	testDocumentedLists(t, map[string]documentedList{
		"ListTagList": {
			walk: func(ctx context.Context, c *codeartsbuild.Client) ([]string, error) {
				in := &codeartsbuild.RepositoryTagListOptions{PageSize: 1}
				return keysOf(c.Repositories.AllTags(ctx, codeartsbuild.RepositoryGitHub, "", in), func(r *codeartsbuild.RepositoryTag) string { return r.Name })
			},
			page: `{"result":{"tag_list":[%s],"total":"2"}}`,
			rows: []string{`{"name":"v2"}`, `{"name":"v1"}`},
			want: []string{"v2", "v1"},
			queries: []string{
				"page_no=1&page_size=1&scm_type=github", "page_no=2&page_size=1&scm_type=github", "page_no=3&page_size=1&scm_type=github",
			},
		},
		"ShowGitCodeRepository": {
			walk: func(ctx context.Context, c *codeartsbuild.Client) ([]string, error) {
				in := &codeartsbuild.RepositoryGitCodeListOptions{PageSize: 1}
				return keysOf(c.Repositories.AllGitCode(ctx, "endpoint1", in), func(r *codeartsbuild.RepositoryGitCode) string { return r.ID })
			},
			page: `{"result":[%s]}`,
			rows: []string{`{"id":1}`, `{"id":2}`},
			want: []string{"1", "2"},
			queries: []string{
				"limit=1&offset=0&page=1&page_size=1", "limit=1&offset=1&page=2&page_size=1", "limit=1&offset=2&page=3&page_size=1",
			},
		},
		"ShowGitCodeRepositoryBranches": {
			walk: func(ctx context.Context, c *codeartsbuild.Client) ([]string, error) {
				in := &codeartsbuild.RepositoryBranchListOptions{PageSize: 1}
				return keysOf(c.Repositories.AllGitCodeBranches(ctx, "endpoint1", "9", in), func(b *codeartsbuild.RepositoryBranch) string { return b.Name })
			},
			page: `{"result":[%s]}`,
			rows: []string{`{"name":"main"}`},
			want: []string{"main"},
			queries: []string{
				"limit=1&offset=0&page=1&page_size=1&repo_id=9", "limit=1&offset=1&page=2&page_size=1&repo_id=9",
			},
		},
	})
}
