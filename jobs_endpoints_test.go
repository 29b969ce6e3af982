package codeartsbuild_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func TestEndpointsOfAProject(t *testing.T) {
	t.Parallel()
	endpoint := func(id, name string) codeartsbuild.JobEndpoint {
		null := json.RawMessage("null")
		return codeartsbuild.JobEndpoint{
			ID: id, Name: name, URL: "https://www.huaweicloud.com/", ProjectID: "b4d3971c3988463b865f6f920846149e", Region: "cn-north-7",
			ModuleID:      "devcloud2018.codeci_endpoint_nexus.nexusEndpoint",
			CreatedBy:     codeartsbuild.JobEndpointUser{ID: "ae22fd035f354cfa8d82a3f1c8940446", Name: "devcloud_codeci_z00485259_02"},
			Authorization: codeartsbuild.JobEndpointLogin{Scheme: null, Parameters: null}, Data: null,
		}
	}
	both := []codeartsbuild.JobEndpoint{endpoint("f411faccc648483a8cbb0efb63fc1b83", "test2"), endpoint("80101f3900f84b82855c81c4474c8969", "test1")}
	testJobCalls(t, map[string]jobCall{
		"a page": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.ListEndpoints(ctx, projectID, &codeartsbuild.JobPageOptions{Page: 2, PageSize: 10})
			},
			"GET /v1/job/" + projectID + "/nexus?limit=10&offset=1", "", "ListEndPoints.response",
			&codeartsbuild.Page[codeartsbuild.JobEndpoint]{Items: both, Total: 2},
		},
		"all": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return collect(s.AllEndpoints(ctx, projectID, nil))
			},
			"GET /v1/job/" + projectID + "/nexus?limit=100&offset=0", "", "ListEndPoints.response", both,
		},
	})
}
