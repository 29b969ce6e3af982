package codeartsbuild_test

import (
	"context"
	"testing"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func TestArtifactsAsDocumented(t *testing.T) {
	t.Parallel()
	artifacts := func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
		return c.Builds.Artifacts(ctx, documentedJob, "7")
	}
	const text = "a287e712be6c404ca26e5f69040fa12b" // the document has it in place of every value
	testDocumentedCalls(t, map[string]documentedCall{
		"ShowNewOutput": {
			call:    artifacts,
			request: "GET /v1/job/" + documentedJob + "/7/output",
			reply:   documentedReply(t, "ShowOutputInfo"), // its older twin
			want: &codeartsbuild.BuildArtifacts{Packages: map[string]codeartsbuild.BuildArtifact{"additionalProp1": {
				ProjectID: text, Name: text, Version: text, PackageType: text, URI: text, Type: text, DailyBuildNo: text,
			}}},
		},
		"ShowNewOutput of a build with an image": {
			call:    artifacts,
			request: "GET /v1/job/" + documentedJob + "/7/output",
			reply: `{"result":{"package_info":{"name":"app.jar","version":"1.0","package_type":"jar","uri":"/a/1.0/app.jar"},` +
				`"package_infos":{},"image_infos":{"web":{"name":"web","version":2}}},"status":"success"}`,
			want: &codeartsbuild.BuildArtifacts{
				Package:  codeartsbuild.BuildArtifact{Name: "app.jar", Version: "1.0", PackageType: codeartsbuild.BuildArtifactJAR, URI: "/a/1.0/app.jar"},
				Packages: map[string]codeartsbuild.BuildArtifact{},
				Images:   map[string]codeartsbuild.BuildArtifact{"web": {Name: "web", Version: "2"}},
			},
		},
	})
}
