package codeartsbuild_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// abortedStages are the stages of the documented example, in their order.
func abortedStages() []codeartsbuild.BuildStage {
	created, ended := utcTime(2024, 9, 24, 3, 18, 49), utcTime(2024, 9, 24, 3, 18, 59)
	stages := []codeartsbuild.BuildStage{
		{ID: "a2866f49-76f6-4aa1-b26b-f91b2f95e2e7", Name: "initial", DisplayName: "initial"},
		{ID: "c42a2957-df7e-4304-a759-3e4d02c456ed", Name: "stage1", DisplayName: "Cache Check"},
		{ID: "03cb8420-29c0-42d5-91bf-ff65e101f165", Name: "stage2", DisplayName: "Code CheckOut"},
		{ID: "d8e3269e-ba5b-46eb-bd57-32e99dcacdf2", Name: "stage3", DisplayName: "Maven"},
		{ID: "ad40acdf-4ec9-4998-a425-5b32778d6e06", Name: "final", DisplayName: "final"},
	}
	for i := range stages {
		s := &stages[i]
		s.RecordID, s.ExecutionID, s.Sequence = "94baa8ec-fd3f-4cae-81af-b24385a7220f", "j_fDyt05ip", i
		s.Status, s.StatusCode = codeartsbuild.StatusAborted, 8
		s.CreatedAt, s.ScheduledAt, s.QueuedAt, s.StartedAt, s.FinishedAt = created, created, created, created, ended
	}
	first := &stages[0]
	first.NodeID = "9"
	first.QueuedAt, first.StartedAt = utcTime(2024, 9, 24, 3, 18, 50), utcTime(2024, 9, 24, 3, 18, 51)
	first.DurationMillis, first.BuildMillis, first.PendingMillis = 10000, 9000, 1000
	return stages
}

func TestBuildStagesAsDocumented(t *testing.T) {
	t.Parallel()
	var script struct{ Result string }
	require.NoError(t, json.Unmarshal([]byte(documentedReply(t, "ShowBuildRecordBuildScript")), &script))
	stages := func(in *codeartsbuild.BuildStageOptions) func(context.Context, *codeartsbuild.Client) (any, error) {
		return func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
			return c.Builds.Stages(ctx, documentedRecord, in)
		}
	}
	testDocumentedCalls(t, map[string]documentedCall{
		"ShowBuildRecordFullStages": {
			call:    stages(nil),
			request: "GET /v1/record/" + documentedRecord + "/full-stages",
			want:    abortedStages(),
		},
		"ShowBuildRecordFullStages with steps": {
			call:    stages(&codeartsbuild.BuildStageOptions{Cascade: true}),
			request: "GET /v1/record/" + documentedRecord + "/full-stages?cascade=true",
			reply:   `{"result":{"build_stages":{"stage1":{"execution_stage_name":"stage1","node_id":"12","steps":[{"id":1}]}}}}`,
			want: []codeartsbuild.BuildStage{{
				Name: "stage1", NodeID: "12", Extra: map[string]json.RawMessage{"steps": json.RawMessage(`[{"id":1}]`)},
			}},
		},
		"ShowBuildRecordFullStages of a build that never started": {
			call:    stages(nil),
			request: "GET /v1/record/" + documentedRecord + "/full-stages",
			reply:   `{"result":{"build_stages":{},"check_stages":null},"error":null,"status":"success"}`,
			want:    []codeartsbuild.BuildStage(nil),
		},
		"ShowBuildRecordFlowGraph": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.Graph(ctx, documentedRecord)
			},
			request: "GET /v1/record/" + documentedRecord + "/flow-graph",
			want: &codeartsbuild.BuildGraph{
				Edges: []codeartsbuild.BuildGraphEdge{{From: "d5587caf-05d7-42af-8ed2-daa20eb1de1b", To: "af81a8ff-1d53-4e0a-9108-fa7880366e73"}},
				Builds: []codeartsbuild.BuildRecord{{
					ID: "7607d919-6c21-43b3-a06e-ee016ff8e7c7", BuildNo: "535", DisplayName: "job4", Status: codeartsbuild.StatusSucceeded,
					StartedAt: utcTime(2020, 12, 30, 9, 33, 11), FinishedAt: utcTime(2020, 12, 30, 9, 33, 27), BuildMillis: 38156,
				}},
			},
		},
		"ShowBuildRecordFlowGraph in another spelling": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.Graph(ctx, documentedRecord)
			},
			request: "GET /v1/record/" + documentedRecord + "/flow-graph",
			reply:   `{"result":{"edges":[],"nodes":[{"id":"a","build_no":7}]}}`,
			want:    &codeartsbuild.BuildGraph{Edges: []codeartsbuild.BuildGraphEdge{}, Builds: []codeartsbuild.BuildRecord{{ID: "a", BuildNo: "7"}}},
		},
		"ShowBuildRecordBuildScript": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.Script(ctx, documentedRecord)
			},
			request: "GET /v1/record/" + documentedRecord + "/build-script",
			want:    script.Result,
		},
		"ShowBuildRecordBuildScript of a build without one": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.Script(ctx, documentedRecord)
			},
			request: "GET /v1/record/" + documentedRecord + "/build-script",
			reply:   `{"result":"","error":null,"status":"success"}`,
			want:    "",
		},
	})
	require.NotEmpty(t, script.Result)
}

func TestAScriptThatIsNotTextIsUnexpected(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Reply(200, `{"result":{"version":"2.0"}}`))
	_, err := sdktest.Client(t, transport).Builds.Script(t.Context(), documentedRecord)
	require.ErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse)
	require.Equal(t, 1, transport.Count(), "the next response would be the same")
}
