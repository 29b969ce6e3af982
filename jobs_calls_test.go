package codeartsbuild_test

import (
	"context"
	"testing"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const (
	jobID     = sdktest.JobID
	otherJob  = "2f211929d0c543feb38824a665ad7fcb"
	projectID = "6823252f543d4915b49892a5fd9f0ec3"
)

// A jobCall is a call of a method, the one request that it makes, and what the response becomes.
type jobCall struct {
	do       func(context.Context, *codeartsbuild.JobsService) (any, error)
	request  string // such as "GET /v1/job/list?page_index=0"
	body     string // JSON; "" for none
	response string // JSON, or the name of a documented example
	want     any
}

func testJobCalls(t *testing.T, calls map[string]jobCall) {
	t.Helper()
	tests := make(map[string]endpointCall, len(calls))
	for name, tt := range calls {
		tests[name] = endpointCall{
			call:    func(ctx context.Context, client *codeartsbuild.Client) (any, error) { return tt.do(ctx, client.Jobs) },
			request: tt.request, body: tt.body, response: tt.response, want: tt.want,
		}
	}
	testEndpoints(t, tests)
}
