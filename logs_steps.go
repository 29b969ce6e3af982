package codeartsbuild

import (
	"cmp"
	"context"
	"io"
	"net/http"
)

// LogPage is a piece of a log. Its offsets are the service's own, in a unit that is not documented.
type LogPage struct {
	Text     string `json:"log"` // can be empty although there is more
	Start    int64  `json:"start_offset"`
	End      int64  `json:"end_offset"` // the Start of the next page
	HasMore  bool   `json:"has_more"`   // while the build runs, false does not mean the end
	Location string `json:"location"`   // where the service found the log, such as jenkins
}

// LogSort is the order of the lines of a page.
type LogSort string

// The orders of lines, in the service's spelling.
const (
	LogAscending  LogSort = "AES"
	LogDescending LogSort = "DESC"
)

// LogPageOptions choose a piece of the log of a finished build. Nil means the zero value: from the start on, in the
// service's order.
type LogPageOptions struct {
	Start int64   `url:"start_offset"`
	End   int64   `url:"end_offset"` // 0: no end
	Sort  LogSort `url:"sort,omitempty"`
}

type logPageQuery struct {
	JobID   string `url:"job_id"`
	BuildNo string `url:"build_no"`
	LogPageOptions
}

var opShowActionIInfo = operation{
	name: "ShowActionIInfo", method: http.MethodGet, path: "/v1/log/stage/page", args: []string{"job_id", "build_no"},
}

// Page returns a piece of the log of a build that has finished. For a build that runs there is [LogsService.Follow].
//
// API: ShowActionIInfo, GET /v1/log/stage/page.
func (s *LogsService) Page(ctx context.Context, jobID, buildNo string, in *LogPageOptions, opts ...CallOption) (*LogPage, error) {
	query := logPageQuery{jobID, buildNo, orZero(in)}
	return fetch[LogPage](ctx, s.client, &opShowActionIInfo, []string{jobID, buildNo}, query, opts)
}

type logStepQuery struct {
	logPageQuery
	StepID string `url:"step_id"`
}

var opShowConsoleInfo = operation{
	name: "ShowConsoleInfo", method: http.MethodGet, path: "/v1/log/task/page", args: []string{"job_id", "build_no"},
}

// StepPage returns a piece of the log of one step of a build that has finished. The documentation does not say where
// the step id, a number, comes from; most likely it is the NodeID of a [BuildStage] or of a [LogError].
//
// API: ShowConsoleInfo, GET /v1/log/task/page.
func (s *LogsService) StepPage(ctx context.Context, jobID, buildNo, stepID string, in *LogPageOptions, opts ...CallOption) (*LogPage, error) {
	query := logStepQuery{logPageQuery{jobID, buildNo, orZero(in)}, stepID}
	return fetch[LogPage](ctx, s.client, &opShowConsoleInfo, []string{jobID, buildNo}, query, opts)
}

// LogRunningPageOptions choose a piece of the log of a step that can still run. Nil means the zero value: 1000 lines
// from the start on, in the service's order.
type LogRunningPageOptions struct {
	Start int64   `url:"start_offset"`
	End   int64   `url:"end_offset"` // 0: no end
	Sort  LogSort `url:"sort,omitempty"`
	Size  int     `url:"size"` // most likely in lines; 0 means 1000, the only value that all editions of the documentation allow
}

type logRunningStepQuery struct {
	JobID   string `url:"job_id"`
	BuildNo string `url:"build_no"`
	StepID  string `url:"step_id"`
	LogRunningPageOptions
}

var opShowActionInfo = operation{
	name: "ShowActionInfo", method: http.MethodGet, path: "/v1/log/task/step", args: []string{"job_id", "build_no"},
}

// RunningStepPage returns a piece of the log of one step while the build runs. It takes the step id of
// [LogsService.StepPage].
//
// API: ShowActionInfo, GET /v1/log/task/step.
func (s *LogsService) RunningStepPage(ctx context.Context, jobID, buildNo, stepID string, in *LogRunningPageOptions, opts ...CallOption) (*LogPage, error) {
	query := logRunningStepQuery{jobID, buildNo, stepID, orZero(in)}
	query.Size = cmp.Or(query.Size, logPieceLines)
	return fetch[LogPage](ctx, s.client, &opShowActionInfo, []string{jobID, buildNo}, query, opts)
}

// LogLevel is how much a downloaded log tells.
type LogLevel string

// The levels of a log.
const (
	LogInfo  LogLevel = "INFO"
	LogDebug LogLevel = "DEBUG"
)

// LogDownloadOptions choose the form of a downloaded log. Nil means the zero value.
type LogDownloadOptions struct {
	Level    LogLevel `url:"log_level,omitempty"` // "" means LogInfo
	Compress bool     `url:"compress,omitempty"`  // as a compressed file, in a format that is not documented
}

type logDownloadQuery struct {
	Stage string `url:"task_name"`
	LogDownloadOptions
}

var opDownloadTaskLogNew = operation{
	name: "DownloadTaskLogNew", method: http.MethodGet, path: "/v1/log/{record_id}/task-log", stream: true,
}

// DownloadStep opens the log of one step of a build. It takes the RecordID that [BuildsService.Get] reports, and the
// Name of a [BuildStage]: stage1 is the first step of the job. The caller closes the log. The rest is as for
// [LogsService.Download].
//
// API: DownloadTaskLogNew, GET /v1/log/{record_id}/task-log.
func (s *LogsService) DownloadStep(ctx context.Context, recordID, stage string, in *LogDownloadOptions, opts ...CallOption) (io.ReadCloser, error) {
	query := logDownloadQuery{stage, orZero(in)}
	return fetchValue[io.ReadCloser](ctx, s.client, &opDownloadTaskLogNew, []string{recordID}, query, opts)
}
