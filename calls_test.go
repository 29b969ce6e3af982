package codeartsbuild_test

import (
	"context"
	"net/http"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// The paths of the two requests that most tests make.
const (
	stopPath  = "/v3/jobs/stop"
	loginPath = "/v3/auth/tokens"
)

// anyPost is a call of Do that must not be repeated.
func anyPost(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
	return c.Do(ctx, http.MethodPost, "/v1/job/anything", map[string]string{"job_id": sdktest.JobID}, nil, opts...)
}

// stopAndWait stops the build and waits until it has finished.
func stopAndWait(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
	_, err := c.Jobs.StopAndWait(ctx, sdktest.JobID, sdktest.BuildNo, opts...)
	return err
}

type faults = []codeartsbuildtest.Fault

// A namedCall is one way to make the client send its credential.
type namedCall struct {
	name string
	opts []codeartsbuild.ClientOption
	do   sdktest.Call
}

func namedCalls() []namedCall {
	anything := func(method string, in any) sdktest.Call {
		return func(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
			return c.Do(ctx, method, "/v9/anything?page=3", in, nil, opts...)
		}
	}
	stopAPI := func(api codeartsbuild.StopAPI) []codeartsbuild.ClientOption {
		return []codeartsbuild.ClientOption{codeartsbuild.WithStopAPI(api)}
	}
	return []namedCall{
		{name: "Stop", do: sdktest.Stop},
		{name: "Stop over v1", opts: stopAPI(codeartsbuild.StopAPIV1), do: sdktest.Stop},
		{name: "Stop with StopAPIAuto", opts: stopAPI(codeartsbuild.StopAPIAuto), do: sdktest.Stop},
		{name: "StopAndWait", do: stopAndWait},
		{name: "Run", do: sdktest.Run},
		{name: "Get", do: func(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
			_, err := c.Builds.Get(ctx, sdktest.JobID, sdktest.BuildNo, opts...)
			return err
		}},
		{name: "any GET", do: anything(http.MethodGet, nil)},
		{name: "any HEAD", do: anything(http.MethodHead, nil)},
		{name: "any POST", do: anything(http.MethodPost, map[string]string{"secret": "in-body"})},
		{name: "any PUT", do: anything(http.MethodPut, map[string]string{"secret": "in-body"})},
		{name: "any DELETE", do: anything(http.MethodDelete, nil)},
	}
}
