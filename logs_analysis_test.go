package codeartsbuild_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B81: the errors that the service found in a log.
func TestLogAnalysis(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusFailed})
		analysis, err := client.Logs.Analysis(t.Context(), f.JobID, no)
		require.NoError(t, err)
		require.Equal(t, &codeartsbuild.LogAnalysis{JobName: "nightly", Errors: []codeartsbuild.LogError{}}, analysis)

		f.AppendLog(f.JobID, no, "[2026/11/24 10:00:00.000 GMT+08:00] [INFO] [build:image] : fine\n"+
			"[2026/11/24 10:00:01.000 GMT+08:00] [ERROR] [build:image] : DEV.CB.0210043, no Dockerfile\n")
		analysis, err = client.Logs.Analysis(t.Context(), f.JobID, no)
		require.NoError(t, err)
		require.Len(t, analysis.Errors, 1)
		found := analysis.Errors[0]
		require.NotEmpty(t, found.NodeID)
		found.NodeID = ""
		require.Equal(t, codeartsbuild.LogError{Step: "image", Analyzed: true, LogErrorInfo: codeartsbuild.LogErrorInfo{Code: "DEV.CB.0210043", Message: "DEV.CB.0210043, no Dockerfile"}}, found)

		_, err = client.Logs.Analysis(t.Context(), f.JobID, "9")
		require.ErrorIs(t, err, codeartsbuild.ErrNotFound)
		_, err = client.Logs.Analysis(t.Context(), f.JobID, "0")
		require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
	})
}

// B81: the forms of an analysis.
func TestLogAnalysisResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want codeartsbuild.LogAnalysis
	}{
		"as reported": {
			`{"result":{"job_name":"demo","error_nodes":[{"node_id":"n1","step":"image","analyzed_success":true,"error_info":{"error_code":"DEV.CB.0210043","error_message":"no Dockerfile","faq":"https://example.com/faq"}}]},"error":null,"status":"success"}`,
			codeartsbuild.LogAnalysis{JobName: "demo", Errors: []codeartsbuild.LogError{{NodeID: "n1", Step: "image", Analyzed: true, LogErrorInfo: codeartsbuild.LogErrorInfo{Code: "DEV.CB.0210043", Message: "no Dockerfile", FAQ: "https://example.com/faq"}}}},
		},
		"spelled otherwise": {
			`{"job_name":7,"error_nodes":[{"node_id":1,"analyzed_success":"False","error_info":null},{"analyzed_success":"true","error_info":{"error_code":43}}]}`,
			codeartsbuild.LogAnalysis{JobName: "7", Errors: []codeartsbuild.LogError{{NodeID: "1"}, {Analyzed: true, LogErrorInfo: codeartsbuild.LogErrorInfo{Code: "43"}}}},
		},
		"nothing found": {`{"result":{"job_name":"demo","error_nodes":null}}`, codeartsbuild.LogAnalysis{JobName: "demo"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := sdktest.Client(t, httpfake.Reply(200, tt.body)).Logs.Analysis(t.Context(), sdktest.JobID, "1")
			require.NoError(t, err)
			require.Equal(t, &tt.want, got)
		})
	}
}
