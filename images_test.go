package codeartsbuild_test

import (
	"context"
	"testing"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func TestImagesAsDocumented(t *testing.T) {
	t.Parallel()
	const id = "e1579739-cd2e-11e9-b7c2-286ed489051f"
	testDocumentedCalls(t, map[string]documentedCall{
		"ShowImageTemplateList": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Images.List(ctx)
			},
			request: "GET /v1/image/templates",
			want: []codeartsbuild.Image{{
				ID: id, Name: "special_base_image", Organization: "codeci", Label: "arm-centos7-base-1.0.1", BaseImage: "centos",
				Title: "CentOS 7-based arm Base Image",
				Description: "This base image is based on CentOS 7 and is used for ARM builds. It has the following tools installed: " +
					"OpenJDK 1.8.0_40, Maven 3.5.3, Ant 1.10.3, Git, Wget, zip, unzip, bzip2, GCC, Make, and CMake.",
				CreatedAt: utcTime(2021, 8, 17, 0, 0, 0),
			}},
		},
		"ShowDockerfileTemplate": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return textOf(c.Images.Dockerfile(ctx, id))
			},
			request: "GET /v1/image/dockerfile-template?image_id=" + id,
			reply:   "FROM centos:7\n", header: octets(),
			want: "FROM centos:7\n",
		},
	})
}
