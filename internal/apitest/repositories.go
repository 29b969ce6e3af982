package apitest

import (
	"context"

	"github.com/codeartsbuild-go/codeartsbuild"
)

var repositoryCalls = map[string]Call{
	"ListRepository": func(ctx context.Context, s *Scene) (any, error) {
		return s.Repositories.OfJob(ctx, s.Job)
	},
	"ListRepoBranch": func(ctx context.Context, s *Scene) (any, error) {
		return s.Repositories.BranchesOfJob(ctx, s.Job, s.Repository)
	},
	"ListTagList": func(ctx context.Context, s *Scene) (any, error) {
		return s.Repositories.Tags(ctx, codeartsbuild.RepositoryCodeHub, s.RepositoryID, &codeartsbuild.RepositoryTagListOptions{Page: 1, PageSize: 10, Search: "v"})
	},
	"ShowGitCodeRepository": func(ctx context.Context, s *Scene) (any, error) {
		return s.Repositories.GitCode(ctx, s.Endpoint, &codeartsbuild.RepositoryGitCodeListOptions{Page: 1, PageSize: 10, Search: "a", IDs: []string{"1", "2"}})
	},
	"ShowGitCodeRepositoryBranches": func(ctx context.Context, s *Scene) (any, error) {
		return s.Repositories.GitCodeBranches(ctx, s.Endpoint, s.GitCode, &codeartsbuild.RepositoryBranchListOptions{Page: 1, PageSize: 10, Search: "m"})
	},
}
