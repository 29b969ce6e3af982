package codeartsbuild_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

func TestNoticesOfAJob(t *testing.T) {
	t.Parallel()
	events := func(on bool) map[string]bool {
		return map[string]bool{"buildJobFail": on, "buildJobSuccess": on, "deleteJob": on, "forbiddenJob": on, "updateConfigJob": on}
	}
	set := func(in *codeartsbuild.JobNoticeRequest) func(context.Context, *codeartsbuild.JobsService) (any, error) {
		return func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
			return done(s.SetNotice(ctx, jobID, in))
		}
	}
	const path = "/v1/job/" + jobID + "/notice"
	testJobCalls(t, map[string]jobCall{
		"read": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.Notices(ctx, jobID) },
			"GET " + path, "", "ShowJobNoticeConfigInfo.response",
			[]codeartsbuild.JobNotice{
				{Type: "DING_TALK", Events: events(false)}, {Type: "MAIL", Events: events(true)},
				{Type: "MESSAGE", Events: events(true)}, {Type: "WECOM", Events: events(false)},
			},
		},
		"none": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.Notices(ctx, jobID) },
			"GET " + path, "", `{"result":[],"error":null,"status":"success"}`, []codeartsbuild.JobNotice{},
		},
		"set": {
			set(&codeartsbuild.JobNoticeRequest{Type: "MESSAGE", Events: []string{"updateConfigJob", "deleteJob", "forbiddenJob"}}),
			"PUT " + path, "UpdateNotice.request", `{"result":"","error":null,"status":"success"}`, nil,
		},
		"set with all that is documented": {
			set(&codeartsbuild.JobNoticeRequest{Type: "WECOM", Events: []string{"deleteJob"}, SendSwitch: "on", Address: "https://example.com", UseProjectNotice: "false"}),
			"PUT " + path,
			`{"notice_type":"WECOM","enabled_event_type_names":["deleteJob"],"send_switch":"on","param_config":"https://example.com","use_project_notice":"false"}`,
			`{"status":"success"}`, nil,
		},
		"switched off": {
			set(&codeartsbuild.JobNoticeRequest{Type: "MAIL"}), "PUT " + path, `{"notice_type":"MAIL","enabled_event_type_names":[]}`, `{"status":"success"}`, nil,
		},
		"a webhook": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return done(s.CheckWebhook(ctx, otherJob, "DING_TALK", "https://oapi.dingtalk.com/robot/send?access_token="))
			},
			"POST /v1/job/check/webhook-url", "CheckWebhookUrl.request", "CheckWebhookUrl.response", nil,
		},
	})
}

func TestWebhookThatTheServiceRejects(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Lost, httpfake.Reply(200, `{"error":"the address does not respond","status":"fail"}`))
	err := sdktest.Client(t, transport, sdktest.Quick).Jobs.CheckWebhook(t.Context(), jobID, "WECOM", "https://example.com")
	require.Equal(t, "the address does not respond", sdktest.APIError(t, err).ErrorMsg)
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	require.Equal(t, 2, transport.Count(), "a check can be repeated")
}
