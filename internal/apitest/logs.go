package apitest

import (
	"context"
	"iter"

	"github.com/codeartsbuild-go/codeartsbuild"
)

var logCalls = map[string]Call{
	"DownloadBuildFullLog": func(ctx context.Context, s *Scene) (any, error) {
		return s.Logs.Download(ctx, s.Record)
	},
	"DownloadBuildRealTimeLog": func(ctx context.Context, s *Scene) (any, error) {
		return firstChunk(s.Logs.Follow(ctx, s.Job, s.Build, s.Offset))
	},
	"ShowActionIInfo": func(ctx context.Context, s *Scene) (any, error) {
		return s.Logs.Page(ctx, s.Job, s.Build, &codeartsbuild.LogPageOptions{End: 10, Sort: codeartsbuild.LogAscending})
	},
	"ShowConsoleInfo": func(ctx context.Context, s *Scene) (any, error) {
		return s.Logs.StepPage(ctx, s.Job, s.Build, s.Step, &codeartsbuild.LogPageOptions{End: 10, Sort: codeartsbuild.LogDescending})
	},
	"ShowActionInfo": func(ctx context.Context, s *Scene) (any, error) {
		return s.Logs.RunningStepPage(ctx, s.Job, s.Build, s.Step, &codeartsbuild.LogRunningPageOptions{End: 10, Sort: codeartsbuild.LogAscending})
	},
	"DownloadTaskLogNew": func(ctx context.Context, s *Scene) (any, error) {
		return s.Logs.DownloadStep(ctx, s.Record, s.Stage, &codeartsbuild.LogDownloadOptions{Level: codeartsbuild.LogDebug, Compress: true})
	},
	"ShowLogAnalysis": func(ctx context.Context, s *Scene) (any, error) {
		return s.Logs.Analysis(ctx, s.Job, s.Build)
	},
}

// firstChunk reads the beginning of a log.
func firstChunk(log iter.Seq2[codeartsbuild.LogChunk, error]) (any, error) {
	for chunk, err := range log {
		return chunk, err
	}
	return codeartsbuild.LogChunk{}, nil
}
