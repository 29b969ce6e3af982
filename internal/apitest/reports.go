package apitest

import (
	"context"

	"github.com/codeartsbuild-go/codeartsbuild"
)

var reportCalls = map[string]Call{
	"ShowReportSummary": func(ctx context.Context, s *Scene) (any, error) {
		return s.Reports.Summary(ctx, s.Job, s.Build)
	},
	"ListJunitCoverageSummary": func(ctx context.Context, s *Scene) (any, error) {
		return s.Reports.Coverage(ctx, s.Job, s.Build)
	},
	"DownloadJunitCoverageZip": func(ctx context.Context, s *Scene) (any, error) {
		return s.Reports.DownloadCoverage(ctx, s.Job, s.Build, s.Report)
	},
	"ShowJobBuildSuccessRatio": func(ctx context.Context, s *Scene) (any, error) {
		return s.Reports.SuccessRatio(ctx, s.Job, s.Repository, &codeartsbuild.ReportOptions{Branch: "master", Days: 30})
	},
	"ShowJobBuildTime": func(ctx context.Context, s *Scene) (any, error) {
		return s.Reports.BuildTimes(ctx, s.Job, s.Repository, &codeartsbuild.ReportOptions{Branch: "master", Days: 30})
	},
}
