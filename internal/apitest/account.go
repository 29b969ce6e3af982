package apitest

import (
	"context"

	"github.com/codeartsbuild-go/codeartsbuild"
)

var accountCalls = map[string]Call{
	"ShowImageTemplateList": func(ctx context.Context, s *Scene) (any, error) {
		return s.Images.List(ctx)
	},
	"ShowDockerfileTemplate": func(ctx context.Context, s *Scene) (any, error) {
		return s.Images.Dockerfile(ctx, s.Image)
	},
	"ShowUserChargeType": func(ctx context.Context, s *Scene) (any, error) {
		return s.Account.ChargeType(ctx)
	},
	"ShowDomainsStatuses": func(ctx context.Context, s *Scene) (any, error) {
		return s.Account.Domains(ctx, []string{"a", "b"})
	},
	"ShowDomainStatus": func(ctx context.Context, s *Scene) (any, error) {
		return s.Account.Status(ctx)
	},
	"ShowSummaryBuildJobInfo": func(ctx context.Context, s *Scene) (any, error) {
		return s.Account.Summary(ctx)
	},
	"ShowUserOverPackageQuota": func(ctx context.Context, s *Scene) (any, error) {
		return s.Account.Quota(ctx, s.Project)
	},
	"ShowRelatedProject": func(ctx context.Context, s *Scene) (any, error) {
		return s.Account.RelatedProjects(ctx)
	},
	"ListRelatedProjectInfo": func(ctx context.Context, s *Scene) (any, error) {
		return s.Account.Projects(ctx, &codeartsbuild.AccountProjectListOptions{Page: 1, PageSize: 10, Search: "a"})
	},
	"ShowProjectPermission": func(ctx context.Context, s *Scene) (any, error) {
		return s.Account.Permissions(ctx, s.Project)
	},
	"ShowPackageSpecCountDown": func(ctx context.Context, s *Scene) (any, error) {
		return s.Account.Expiry(ctx, &codeartsbuild.AccountExpiryRequest{ServiceType: "s", ResourceID: "r", ReminderDay: "30"})
	},
	"ShowPackageSpecStatus": func(ctx context.Context, s *Scene) (any, error) {
		return s.Account.Packages(ctx, s.Project, codeartsbuild.AccountPackageNormal)
	},
	"ShowAvailableInnerSpec": func(ctx context.Context, s *Scene) (any, error) {
		return s.Account.Specs(ctx, s.Project, codeartsbuild.JobArchARM)
	},
}
