package codeartsbuild_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

func TestLogPagesAsDocumented(t *testing.T) {
	t.Parallel()
	page := &codeartsbuild.LogPage{
		Text: "[2025/06/26 14:23:32.169 GMT+08:00] [INFO] [代码检出:external_pre_checkout] : 该步骤开始执行\n[2025/06/26 14:23:32.172 GMT+08:00]...",
		End:  24351, Location: "jenkins",
	}
	testDocumentedCalls(t, map[string]documentedCall{
		"ShowActionIInfo": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Logs.Page(ctx, documentedJob, "7", nil)
			},
			request: "GET /v1/log/stage/page?build_no=7&end_offset=0&job_id=" + documentedJob + "&start_offset=0",
			want:    page,
		},
		"ShowActionIInfo from its end": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Logs.Page(ctx, documentedJob, "7", &codeartsbuild.LogPageOptions{Start: 5, End: 9, Sort: codeartsbuild.LogDescending})
			},
			request: "GET /v1/log/stage/page?build_no=7&end_offset=9&job_id=" + documentedJob + "&sort=DESC&start_offset=5",
			reply:   `{"result":{"log":"x","start_offset":"5","end_offset":"9","has_more":true},"status":"success"}`,
			want:    &codeartsbuild.LogPage{Text: "x", Start: 5, End: 9, HasMore: true},
		},
		"ShowConsoleInfo": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Logs.StepPage(ctx, documentedJob, "7", "12", &codeartsbuild.LogPageOptions{Sort: codeartsbuild.LogAscending})
			},
			request: "GET /v1/log/task/page?build_no=7&end_offset=0&job_id=" + documentedJob + "&sort=AES&start_offset=0&step_id=12",
			want:    page,
		},
		"ShowActionInfo": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Logs.RunningStepPage(ctx, documentedJob, "7", "12", nil)
			},
			request: "GET /v1/log/task/step?build_no=7&end_offset=0&job_id=" + documentedJob + "&size=1000&start_offset=0&step_id=12",
			want:    page,
		},
		"ShowActionInfo of ten lines": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Logs.RunningStepPage(ctx, documentedJob, "7", "12", &codeartsbuild.LogRunningPageOptions{
					Start: 3, Sort: codeartsbuild.LogDescending, Size: 10,
				})
			},
			request: "GET /v1/log/task/step?build_no=7&end_offset=0&job_id=" + documentedJob + "&size=10&sort=DESC&start_offset=3&step_id=12",
			want:    page,
		},
		"DownloadTaskLogNew": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return textOf(c.Logs.DownloadStep(ctx, documentedRecord, "stage1", nil))
			},
			request: "GET /v1/log/" + documentedRecord + "/task-log?task_name=stage1",
			reply:   "line 1\nline 2\n", header: octets(),
			want: "line 1\nline 2\n",
		},
		"DownloadTaskLogNew in detail": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				in := &codeartsbuild.LogDownloadOptions{Level: codeartsbuild.LogDebug, Compress: true}
				return textOf(c.Logs.DownloadStep(ctx, documentedRecord, "stage1", in))
			},
			request: "GET /v1/log/" + documentedRecord + "/task-log?compress=true&log_level=DEBUG&task_name=stage1",
			reply:   "\x1f\x8b", header: octets(),
			want: "\x1f\x8b",
		},
	})
}

func TestAStepLogThatIsJSONIsAnError(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reply string
		want  error
	}{
		"an error":      {`{"error_code":"CB.00031006","error_msg":"none"}`, codeartsbuild.ErrNotFound},
		"anything else": {`{"result":null,"status":"success"}`, codeartsbuild.ErrUnexpectedResponse},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := sdktest.Client(t, httpfake.Script(httpfake.Reply(200, tt.reply)), sdktest.Once)
			log, err := client.Logs.DownloadStep(t.Context(), documentedRecord, "stage1", nil)
			require.ErrorIs(t, err, tt.want)
			require.Nil(t, log)
		})
	}
}

func TestLogPagesRejectOtherIDs(t *testing.T) {
	t.Parallel()
	rejectedBeforeIO(t, map[string]func(context.Context, *codeartsbuild.Client) error{
		"a record in place of a job": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Logs.Page(ctx, documentedRecord, "7", nil)
			return err
		},
		"no build number": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Logs.StepPage(ctx, documentedJob, "", "12", nil)
			return err
		},
		"a daily number": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Logs.RunningStepPage(ctx, documentedJob, "20240626.2", "12", nil)
			return err
		},
	})
}
