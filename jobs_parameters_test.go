package codeartsbuild_test

import (
	"context"
	"testing"

	"github.com/codeartsbuild-go/codeartsbuild"
)

const stringParameter = "hudson.model.StringParameterDefinition"

func TestParametersThatJobsCanHave(t *testing.T) {
	t.Parallel()
	setting := func(name, value string) codeartsbuild.JobParameterSetting {
		return codeartsbuild.JobParameterSetting{Name: name, Value: value}
	}
	testJobCalls(t, map[string]jobCall{
		"kinds": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.ParameterKinds(ctx) },
			"GET /v1/job/build-params", "", "ShowBuildParamsList.response",
			[]codeartsbuild.JobParameterKind{{
				Name: stringParameter, Title: "String Parameters",
				Settings: []codeartsbuild.JobParameterSettingKind{{
					Name: "name", Title: "Parameter", Type: "text", Required: true,
					Constraints: []codeartsbuild.JobParameterConstraint{
						{Type: "maxLen", Value: "128", ErrorMsg: "Enter a maximum of 128 characters."},
						{Type: "minLen", Value: "1", ErrorMsg: "Enter at least 1 character."},
						{
							Type: "regex", Value: `^[a-z0-9A-Z\_]{1,128}$`,
							ErrorMsg: "Enter 1 to 128 characters. Only letters (not case-sensitive), digits, and underscores (_) are allowed.",
						},
					},
				}},
			}},
		},
		"defaults": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.DefaultParameters(ctx) },
			"GET /v1/job/default-parameters", "", "ShowDefaultBuildParameters.response",
			[]codeartsbuild.JobParameter{{Kind: stringParameter, Settings: []codeartsbuild.JobParameterSetting{
				setting("name", "codeBranch"), setting("type", "normalparam"), setting("defaultValue", "master"),
				setting("description", "Code branch, predefined parameters"), setting("deletion", "false"), setting("defaults", "true"),
			}}},
		},
		"of the system": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.SystemParameters(ctx) },
			"GET /v1/job/system-parameters", "", "ShowJobSystemParameters.response",
			[]codeartsbuild.JobSystemParameter{{ID: "6", Name: "BUILDNUMBER", Description: "In the format of Date.Builds run on that day"}},
		},
	})
}
