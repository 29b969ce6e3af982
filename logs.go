package codeartsbuild

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
)

// LogsService reads the logs of builds. Its methods are safe for concurrent use.
type LogsService struct{ service }

// LogChunk is a piece of a log.
type LogChunk struct {
	Text []byte
	Next int64 // the offset from which Follow goes on; it has no other meaning
}

var opDownloadBuildRealTimeLog = operation{
	name: "DownloadBuildRealTimeLog", method: http.MethodGet, path: "/v1/log/{job_id}/{build_no}/real-time-log",
}

// A logQuery asks for a piece of a log in the only way that all editions of the documentation allow.
type logQuery struct {
	StartOffset int64 `url:"start_offset"`
	EndOffset   int64 `url:"end_offset"` // 0: to the end
	Size        int   `url:"size"`       // lines
}

const logPieceLines = 1000

// A logPiece is a piece of a log as the service sends it.
type logPiece struct {
	Text    string `json:"log"`
	Next    int64  `json:"end_offset"` // 0: the response has no offset
	HasMore bool   `json:"has_more"`
}

// Follow returns an iterator over the log of a build from an offset on: 0, or the Next of an earlier chunk. It
// yields each piece of the log once and in order, also across lost connections. It goes on while the build runs,
// and ends when the build has finished and the service has no more.
//
// While there is more, the log is read at once; otherwise every 2 s and, while nothing comes, up to every 15 s.
// After five failed reads in a row of a build that has started, or when the context ends, the last pair has the
// error and a zero LogChunk. A negative offset is [ErrInvalidArgument].
//
// API: DownloadBuildRealTimeLog, GET /v1/log/{job_id}/{build_no}/real-time-log.
func (s *LogsService) Follow(ctx context.Context, jobID, buildNo string, offset int64, opts ...CallOption) iter.Seq2[LogChunk, error] {
	if offset < 0 {
		return failed[LogChunk](opDownloadBuildRealTimeLog.named(invalid("the offset must not be negative, got %d", offset)))
	}
	return func(yield func(LogChunk, error) bool) {
		f := follower{s: s, job: jobID, build: buildNo, offset: offset, opts: opts}
		for !f.drained {
			chunk, err := f.step(ctx)
			if err != nil {
				yield(LogChunk{}, err)
				return
			}
			if len(chunk.Text) > 0 && !yield(chunk, nil) {
				return
			}
		}
	}
}

// A follower is where following a log has come to.
type follower struct {
	s          *LogsService
	job, build string
	opts       []CallOption

	offset   int64
	pace     pace
	wait     bool // before the next read: the last one brought everything
	failures int  // failed reads of the log in a row
	blind    int  // failed reads of the build in a row
	finished bool // the build has
	quiet    int  // reads without a text since then
	drained  bool
}

// quietReads is how many reads without a text end the log of a finished build. It is more than one, since the
// last lines may arrive after the status.
const quietReads = 2

// step reads the log once, after a pause if the last read brought everything.
func (f *follower) step(ctx context.Context) (LogChunk, error) {
	if f.wait {
		if err := f.pause(ctx); err != nil {
			return LogChunk{}, err
		}
	}
	f.wait = true
	piece, err := f.read(ctx)
	if err != nil {
		if f.failures == maxFailures-1 && f.queued(ctx) { // it has no log yet
			f.failures = 0
		}
		return LogChunk{}, f.failed(ctx, &f.failures, err)
	}
	f.failures = 0
	if piece.Next > f.offset && piece.Text != "" {
		f.offset, f.quiet, f.wait = piece.Next, 0, !piece.HasMore
		f.pace.reset()
		return LogChunk{[]byte(piece.Text), piece.Next}, nil
	}
	if !f.finished {
		return LogChunk{}, f.readBuild(ctx)
	}
	f.quiet++
	if !piece.HasMore { // late lines come soon
		f.pace.reset()
	}
	if f.drained = f.quiet >= quietReads && !piece.HasMore; !f.drained && f.quiet >= quietReads+maxFailures {
		return LogChunk{}, &callError{
			operation: opDownloadBuildRealTimeLog.name, text: "the service reports more log but returns none",
			details: details{kinds: unexpectedKind},
		}
	}
	return LogChunk{}, nil
}

// queued reports whether the build is known to wait for its start.
func (f *follower) queued(ctx context.Context) bool {
	build, err := f.s.client.Builds.Get(ctx, f.job, f.build, f.opts...)
	return err == nil && build.Status == StatusQueued
}

func (f *follower) read(ctx context.Context) (*logPiece, error) {
	return fetch[logPiece](ctx, f.s.client, &opDownloadBuildRealTimeLog, []string{f.job, f.build},
		logQuery{StartOffset: f.offset, Size: logPieceLines}, f.opts)
}

// readBuild asks whether the build has finished. Its last lines may still be unread then.
func (f *follower) readBuild(ctx context.Context) error {
	build, err := f.s.client.Builds.Get(ctx, f.job, f.build, f.opts...)
	if err != nil {
		return f.failed(ctx, &f.blind, err)
	}
	f.blind = 0
	if build.Status.Terminal() {
		f.finished = true
		f.pace.reset()
	}
	return nil
}

// failed counts a failed read, and returns its error if it ends the log. The next read comes no sooner than the
// service asks.
func (f *follower) failed(ctx context.Context, failures *int, err error) error {
	*failures++
	if *failures == maxFailures || ctx == nil || ctx.Err() != nil || errors.Is(err, ErrInvalidArgument) {
		return err
	}
	if d := retryAfterOf(err); d > 0 && !sleep(ctx, d) {
		return endedBy(err, ctx.Err(), context.Cause(ctx))
	}
	return nil
}

func (f *follower) pause(ctx context.Context) error {
	if !sleep(ctx, f.pace.next()) {
		err, cause := ctx.Err(), context.Cause(ctx)
		return &callError{
			operation: opDownloadBuildRealTimeLog.name, text: endText(err, cause, ""),
			details: details{kinds: []error{err}, cause: cause},
		}
	}
	return nil
}

var opDownloadBuildFullLog = operation{
	name: "DownloadBuildFullLog", method: http.MethodGet, path: "/v1/log/{record_id}/download-log", stream: true,
}

// Download opens the whole log of a build, by the RecordID that [BuildsService.Get] reports and lists lack. It must
// have 36 letters, digits and dashes; anything else is [ErrInvalidArgument]. The caller closes the log. The timeout
// of the call ends with the header of the response; the context also ends the reading.
//
// A redirect to another store is followed once, over https only and without the credential. A JSON response in
// place of the file is the error in it, or [ErrUnexpectedResponse].
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
