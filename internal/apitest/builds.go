package apitest

import (
	"context"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

var buildCalls = map[string]Call{
	"ListBuildInfoRecordByJobId": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.List(ctx, s.Job, &codeartsbuild.BuildListOptions{From: time.Now().AddDate(0, 0, -1), To: time.Now(), Page: 1, PageSize: 10})
	},
	"ShowJobBuildRecordDetail": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Get(ctx, s.Job, s.Build)
	},
	"ShowBuildInfoRecord": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Summary(ctx, s.Job, s.Build)
	},
	"ShowBuildDetails": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Result(ctx, s.Job, s.Build)
	},
	"ListBuildParameter": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Parameters(ctx, s.Job, s.Build)
	},
	"ListRecords": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Records(ctx, s.BuildProject, &codeartsbuild.BuildRecordListOptions{
			Page: 1, PageSize: 10, Triggers: []string{"MANUAL"}, Branches: []string{"master"}, Tags: []string{"v1"},
			From: time.Now().AddDate(0, 0, -1), To: time.Now(),
		})
	},
	"ListBriefRecord": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.BriefRecords(ctx, []string{s.BuildProject}, 10)
	},
	"ShowBuildRecord": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Record(ctx, s.Record)
	},
	"ShowBuildRecordBuildScript": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Script(ctx, s.Record)
	},
	"ShowBuildRecordFlowGraph": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Graph(ctx, s.Record)
	},
	"ShowBuildRecordFullStages": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Stages(ctx, s.Record, &codeartsbuild.BuildStageOptions{Cascade: true})
	},
	"ShowJobTotal": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Count(ctx, s.BuildProject, &codeartsbuild.BuildCountOptions{From: time.Now().AddDate(0, 0, -1), To: time.Now()})
	},
	"ShowNewOutput": func(ctx context.Context, s *Scene) (any, error) {
		return s.Builds.Artifacts(ctx, s.Job, s.Build)
	},
}
