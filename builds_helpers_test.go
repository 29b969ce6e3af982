package codeartsbuild_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// What the tests of lists and plans share until they use package sdktest.

const (
	buildsJob    = sdktest.JobID
	buildsOpGet  = sdktest.OpGetBuild
	buildsOpList = sdktest.OpListBuild
	buildsOpStop = sdktest.OpStop
)

// buildsClient is a client with one response, whatever it asks.
func buildsClient(t *testing.T, respond func(*http.Request) (*http.Response, error)) (*codeartsbuild.Client, *httpmock.MockTransport) {
	t.Helper()
	transport := httpmock.NewMockTransport()
	transport.RegisterNoResponder(respond)
	client, err := codeartsbuild.NewClient(
		codeartsbuild.WithEndpoint("https://cloudbuild.example.com"),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("token")),
		codeartsbuild.WithTransport(transport),
	)
	require.NoError(t, err)
	return client, transport
}

func buildsAnswer(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return httpmock.NewStringResponse(status, body), nil }
}

func buildsCount(srv *codeartsbuildtest.Server, operation string) (n int) {
	for _, r := range srv.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

func buildsDo(do func(*http.Request)) codeartsbuildtest.Fault { return sdktest.Before(do) }

func buildsEach(srv *codeartsbuildtest.Server, operation string, n int, fault codeartsbuildtest.Fault) {
	srv.Next(operation, slices.Repeat([]codeartsbuildtest.Fault{fault}, n)...)
}
