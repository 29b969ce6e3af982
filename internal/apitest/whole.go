package apitest

import (
	"context"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// wholeCalls are the calls of lists without filters, for a service whose content the caller does not choose.
var wholeCalls = map[string]Call{
	"ListProjectJobs whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.List(ctx, s.Project, nil)
	},
	"ListJob whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.ListVisible(ctx, nil)
	},
	"ListRecyclingJob whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.ListDeleted(ctx, nil)
	},
	"ListBuildInfoRecordByJobId whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.List(ctx, s.Job, nil)
	},
	"ListRecords whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Records(ctx, s.BuildProject, nil)
	},
	"ShowJobTotal whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Count(ctx, s.BuildProject, nil)
	},
	"ListRelatedProjectInfo whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Account.Projects(ctx, nil)
	},
	"ListCustomTemplate whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Templates.List(ctx, nil)
	},
	"ListOfficialTemplate whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Templates.ListOfficial(ctx, nil)
	},
	"ListKeystoreSearch whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Keystores.List(ctx, nil)
	},
	"ListTagList whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Repositories.Tags(ctx, codeartsbuild.RepositoryCodeHub, s.RepositoryID, nil)
	},
	"ShowGitCodeRepository whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Repositories.GitCode(ctx, s.Endpoint, nil)
	},
	"ShowGitCodeRepositoryBranches whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Repositories.GitCodeBranches(ctx, s.Endpoint, s.GitCode, nil)
	},
	"ShowJobBuildSuccessRatio whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Reports.SuccessRatio(ctx, s.Job, s.Repository, nil)
	},
	"ShowJobBuildTime whole": func(ctx context.Context, s *Scene) (any, error) {
		return s.Reports.BuildTimes(ctx, s.Job, s.Repository, nil)
	},
}

// Whole returns the call of an operation that leaves out filters.
func Whole(operation string) Call {
	if call, ok := wholeCalls[operation+" whole"]; ok {
		return call
	}
	return Calls()[operation]
}
