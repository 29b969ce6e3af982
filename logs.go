package codeartsbuild

import (
	"context"
	"io"
	"net/http"
)

// LogsService reads the logs of builds. Its methods are safe for concurrent use.
type LogsService struct{ service }

var opDownloadBuildFullLog = operation{
	name: "DownloadBuildFullLog", method: http.MethodGet, path: "/v1/log/{record_id}/download-log", stream: true,
}

// Download opens the whole log of a build, by the RecordID that [BuildsService.Get] reports and lists lack. It must
// have 36 letters, digits and dashes; anything else is [ErrInvalidArgument]. The caller closes the log. The timeout
// of the call ends with the header of the response; the context also ends the reading.
//
// A redirect to another store is followed once, over https only and without the credential. A JSON response in
// place of the file is the error in it, or [ErrUnexpectedResponse]; a part of the file (206) is
// ErrUnexpectedResponse. A file that is cut off ends with an error of Read, with one exception: over HTTP/1 without
// Content-Length and without chunks, the end of the connection is the end of the file, and a lost connection looks
// the same.
//
// API: DownloadBuildFullLog, GET /v1/log/{record_id}/download-log.
func (s *LogsService) Download(ctx context.Context, recordID string, opts ...CallOption) (io.ReadCloser, error) {
	file, err := fetch[io.ReadCloser](ctx, s.client, &opDownloadBuildFullLog, []string{recordID}, nil, opts)
	if err != nil {
		return nil, err
	}
	return *file, nil
}

// LogAnalysis is what the service found in the log of a failed build.
type LogAnalysis struct {
	JobName string     `json:"job_name" also:"jobName"`
	Errors  []LogError `json:"error_nodes"`
}

// LogError is an error of one step of a build.
type LogError struct {
	NodeID   string `json:"node_id"` // of the step
	Step     string `json:"step"`
	Analyzed bool   `json:"analyzed_success"` // the service knows this error

	LogErrorInfo `json:"error_info"`
}

// LogErrorInfo is how the service explains an error that it knows.
type LogErrorInfo struct {
	Code    string `json:"error_code"`
	Message string `json:"error_message"`
	FAQ     string `json:"faq"` // the address of an explanation
}

var opShowLogAnalysis = operation{name: "ShowLogAnalysis", method: http.MethodGet, path: "/v1/log/{job_id}/{build_no}/analysis"}

// Analysis returns the errors that the service found in the log of a build.
//
// API: ShowLogAnalysis, GET /v1/log/{job_id}/{build_no}/analysis.
func (s *LogsService) Analysis(ctx context.Context, jobID, buildNo string, opts ...CallOption) (*LogAnalysis, error) {
	return fetch[LogAnalysis](ctx, s.client, &opShowLogAnalysis, []string{jobID, buildNo}, nil, opts)
}
