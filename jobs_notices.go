package codeartsbuild

import (
	"context"
	"net/http"
)

// JobNotice is one way in which the service tells people of a job.
type JobNotice struct {
	Type    string          `json:"notice_type"`  // such as MAIL, MESSAGE, DING_TALK or WECOM
	Events  map[string]bool `json:"enable_map"`   // whether it tells of an event, such as buildJobFail or deleteJob
	Address string          `json:"param_config"` // of a webhook, for example
}

var opShowJobNoticeConfigInfo = operation{name: "ShowJobNoticeConfigInfo", method: http.MethodGet, path: "/v1/job/{job_id}/notice"}

// Notices returns the ways in which the service tells people of a job, also those that are off.
//
// API: ShowJobNoticeConfigInfo, GET /v1/job/{job_id}/notice.
func (s *JobsService) Notices(ctx context.Context, jobID string, opts ...CallOption) ([]JobNotice, error) {
	return fetchValue[[]JobNotice](ctx, s.client, &opShowJobNoticeConfigInfo, []string{jobID}, nil, opts)
}

// JobNoticeRequest says of which events a type of notice tells from now on.
type JobNoticeRequest struct {
	Type             string   `json:"notice_type"`              // as in JobNotice
	Events           []string `json:"enabled_event_type_names"` // such as buildJobSuccess, buildJobFail, updateConfigJob, forbiddenJob, deleteJob; none switches all off
	SendSwitch       string   `json:"send_switch,omitzero"`     // not documented further
	Address          string   `json:"param_config,omitzero"`    // of a webhook, for example
	UseProjectNotice string   `json:"use_project_notice,omitzero"`
}

var opUpdateNewNoticeNew = operation{
	name: "UpdateNewNoticeNew", method: http.MethodPut, path: "/v1/job/{job_id}/notice", effect: repeatable,
}

// SetNotice replaces the settings of one type of notice: it no longer tells of events that in does not name.
//
// API: UpdateNewNoticeNew, PUT /v1/job/{job_id}/notice.
func (s *JobsService) SetNotice(ctx context.Context, jobID string, in *JobNoticeRequest, opts ...CallOption) error {
	body := orZero(in)
	body.Events = append([]string{}, body.Events...) // none is [], not null
	return s.client.perform(ctx, &opUpdateNewNoticeNew, []string{jobID}, body, opts)
}

type webhookCheck struct {
	JobID string `json:"job_id"`
	Type  string `json:"notice_type"`
	URL   string `json:"webhook_url"`
}

var opCheckWebhookURL = operation{
	name: "CheckWebhookUrl", method: http.MethodPost, path: "/v1/job/check/webhook-url", args: []string{"job_id"},
	effect: readOnly, flat: true,
}

// CheckWebhook asks the service whether it accepts the address of a webhook for a type of notice, such as DING_TALK.
// The error is nil if so.
//
// API: CheckWebhookUrl, POST /v1/job/check/webhook-url.
func (s *JobsService) CheckWebhook(ctx context.Context, jobID, noticeType, webhookURL string, opts ...CallOption) error {
	return s.client.perform(ctx, &opCheckWebhookURL, []string{jobID}, webhookCheck{jobID, noticeType, webhookURL}, opts)
}
