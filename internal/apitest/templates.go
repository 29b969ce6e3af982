package apitest

import (
	"context"
	"encoding/json"

	"github.com/codeartsbuild-go/codeartsbuild"
)

var templateCalls = map[string]Call{
	"CreateTemplate": func(ctx context.Context, s *Scene) (any, error) {
		return s.Templates.Create(ctx, wholeTemplate())
	},
	"ListCustomTemplate": func(ctx context.Context, s *Scene) (any, error) {
		return s.Templates.List(ctx, &codeartsbuild.TemplateListOptions{Page: 1, PageSize: 10, Name: "a", Filter: "f", Tags: "t"})
	},
	"ListOfficialTemplate": func(ctx context.Context, s *Scene) (any, error) {
		return s.Templates.ListOfficial(ctx, &codeartsbuild.TemplateOfficialListOptions{Page: 1, PageSize: 10, Name: "a"})
	},
	"ListRecommendOfficialTemplate": func(ctx context.Context, s *Scene) (any, error) {
		return s.Templates.Recommend(ctx, &codeartsbuild.TemplateRecommendRequest{GitURL: "git@example.invalid:a.git", Branch: "master", Tags: "v1"})
	},
	"ShowTemplate": func(ctx context.Context, s *Scene) (any, error) {
		return s.Templates.Get(ctx, s.Template)
	},
	"ShowYamlTemplate": func(ctx context.Context, s *Scene) (any, error) {
		return s.Templates.DefaultYAML(ctx, s.Job, "devcloud")
	},
	"DeleteTemplate": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Templates.Delete(ctx, s.Template)
	},
	"SaveTemplateUsedInfo": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Templates.MarkUsed(ctx, s.Job, s.Template)
	},
	"AddFavouriteCustomTemplate": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Templates.AddFavourite(ctx, s.Template)
	},
	"RemoverFavouriteCustomTemplate": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Templates.RemoveFavourite(ctx, s.Template)
	},
	"AddFavouriteOfficialTemplate": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Templates.AddOfficialFavourite(ctx, s.Official)
	},
	"RemoverFavouriteOfficialTemplate": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Templates.RemoveOfficialFavourite(ctx, s.Official)
	},
}

func wholeTemplate() *codeartsbuild.TemplateRequest {
	return &codeartsbuild.TemplateRequest{
		Name: "custom", Description: "d", ToolType: "maven",
		Steps: []codeartsbuild.TemplateStep{{
			ModuleID: "m", Name: "n", Version: "1", Enable: true, Properties: map[string]json.RawMessage{"image": json.RawMessage(`"i"`)},
		}},
		Parameters: []codeartsbuild.TemplateParameter{{Name: "hudson.model.StringParameterDefinition", Settings: []codeartsbuild.TemplateParameterSetting{{
			Name: "name", Value: "codeBranch", Limits: []codeartsbuild.TemplateParameterLimit{{Name: "a", DisplayName: "A", Disable: "0"}},
		}}}},
		Resources: codeartsbuild.TemplateResources{CPU: "2", Memory: "4096"},
	}
}
