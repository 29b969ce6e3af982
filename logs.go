package codeartsbuild

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"strconv"
)

// LogsService reads the logs of builds. Its methods are safe for concurrent use.
type LogsService struct{ service }

// LogChunk is a piece of a log.
type LogChunk struct {
	Text []byte
	Next int64 // the offset from which Follow goes on; it has no other meaning
}

var opReadLog = operation{name: "DownloadBuildRealTimeLog", method: http.MethodGet, path: "/v1/log/{job_id}/{build_no}/real-time-log", envelope: "result"}

// logChunkSize is how much of a log is asked for at a time.
const logChunkSize = 1 << 20

type logQuery struct {
	StartOffset int64  `url:"start_offset"`
	Sort        string `url:"sort"`
	Size        string `url:"size"`
}

// logAnswer is a piece of a log as the service sends it.
type logAnswer struct {
	text    string
	next    int64 // 0: the answer had no offset
	hasMore bool
}

func (a *logAnswer) decodeAnswer(payload []byte, _ answerInfo) error {
	var answer struct {
		Log       string       `json:"log"`
		EndOffset flexibleInt  `json:"end_offset"`
		HasMore   flexibleBool `json:"has_more"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil {
		return err
	}
	*a = logAnswer{answer.Log, int64(answer.EndOffset), bool(answer.HasMore)}
	return nil
}

// Follow returns an iterator over the log of a build from an offset on: 0, or the Next of an earlier chunk. It
// yields each piece of the log exactly once and in order, also across lost connections, goes on while the
// build runs, and ends when the build has ended and the service has no more.
//
// The log is read at once while there is more, and otherwise every 2 s, up to every 15 s while nothing
// comes. After five reads in a row that failed, unless the build has not begun yet, and when the context ends,
// the last pair has the error and a zero LogChunk. A negative offset is [ErrInvalidArgument].
//
// API: DownloadBuildRealTimeLog, GET /v1/log/{job_id}/{build_no}/real-time-log.
func (s *LogsService) Follow(ctx context.Context, jobID, buildNo string, offset int64, opts ...CallOption) iter.Seq2[LogChunk, error] {
	if offset < 0 {
		return failed[LogChunk](opReadLog.refuse(invalid("the offset %d is negative", offset)))
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
	wait     bool // before the next read: the last one brought all there was
	failures int  // reads of the log in a row
	blind    int  // reads of the build in a row that failed
	ended    bool // the build has
	quiet    int  // reads without a text since then
	drained  bool
}

// quietReads is how many reads without a text end a log after its build has ended. It is more than one,
// since the last lines may arrive after the status.
const quietReads = 2

// step reads the log once, after a pause where there was nothing more to read.
func (f *follower) step(ctx context.Context) (LogChunk, error) {
	if f.wait {
		if err := f.pause(ctx); err != nil {
			return LogChunk{}, err
		}
	}
	f.wait = true
	answer, err := f.read(ctx)
	if err != nil {
		if f.failures == maxFailures-1 && f.queued(ctx) { // it has no log yet
			f.failures = 0
		}
		return LogChunk{}, f.failed(ctx, &f.failures, err)
	}
	f.failures = 0
	if answer.next > f.offset && answer.text != "" {
		f.offset, f.quiet, f.wait = answer.next, 0, !answer.hasMore
		f.pace.reset()
		return LogChunk{[]byte(answer.text), answer.next}, nil
	}
	if !f.ended {
		return LogChunk{}, f.look(ctx)
	}
	f.quiet++
	if !answer.hasMore { // what is late comes soon
		f.pace.reset()
	}
	if f.drained = f.quiet >= quietReads && !answer.hasMore; !f.drained && f.quiet >= quietReads+maxFailures {
		return LogChunk{}, &callError{operation: opReadLog.name, text: "the log has more, but does not go on", kinds: unexpectedKind}
	}
	return LogChunk{}, nil
}

// queued reports whether the build has not begun, as far as anybody can tell.
func (f *follower) queued(ctx context.Context) bool {
	build, err := f.s.client.Builds.Get(ctx, f.job, f.build, f.opts...)
	return err == nil && build.Status == StatusQueued
}

func (f *follower) read(ctx context.Context) (*logAnswer, error) {
	return fetch[logAnswer](ctx, f.s.client, &opReadLog, []string{f.job, f.build},
		logQuery{StartOffset: f.offset, Sort: "asc", Size: strconv.Itoa(logChunkSize)}, f.opts)
}

// look asks whether the build has ended. What it wrote until then may not have been read yet.
func (f *follower) look(ctx context.Context) error {
	build, err := f.s.client.Builds.Get(ctx, f.job, f.build, f.opts...)
	if err != nil {
		return f.failed(ctx, &f.blind, err)
	}
	f.blind = 0
	if build.Status.Terminal() {
		f.ended = true
		f.pace.reset()
	}
	return nil
}

// failed counts a failed read, and returns its error if it ends the log. The next read waits for as long
// as the service asks.
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
		return &callError{operation: opReadLog.name, text: endText(err, cause, ""), kinds: []error{err}, cause: cause}
	}
	return nil
}

var opDownloadLog = operation{name: "DownloadBuildFullLog", method: http.MethodGet, path: "/v1/log/{record_id}/download-log", stream: true}

// Download opens the whole log of a build, by the RecordID that [BuildsService.Get] reports and lists lack;
// what has not 36 letters, digits and dashes is [ErrInvalidArgument]. The caller closes it. The timeout of a
// call ends with the header of the answer; the context also ends the reading.
//
// A redirect to another store is followed once, over https only and without the credential. An answer that
// is JSON instead of a file is the error in it, or [ErrUnexpectedResponse].
//
// API: DownloadBuildFullLog, GET /v1/log/{record_id}/download-log.
func (s *LogsService) Download(ctx context.Context, recordID string, opts ...CallOption) (io.ReadCloser, error) {
	file, err := fetch[io.ReadCloser](ctx, s.client, &opDownloadLog, []string{recordID}, nil, opts)
	if err != nil {
		return nil, err
	}
	return *file, nil
}

// LogAnalysis is what the service found in the log of a failed build.
type LogAnalysis struct {
	JobName string
	Errors  []LogError
}

// LogError is an error that a step of a build ran into.
type LogError struct {
	NodeID   string
	Step     string
	Analyzed bool   // the service knows this error
	Code     string // and calls it this
	Message  string
	FAQ      string // where the service explains it
}

var opAnalyzeLog = operation{name: "ShowLogAnalysis", method: http.MethodGet, path: "/v1/log/{job_id}/{build_no}/analysis", envelope: "result"}

// Analysis returns the errors that the service found in the log of a build.
//
// API: ShowLogAnalysis, GET /v1/log/{job_id}/{build_no}/analysis.
func (s *LogsService) Analysis(ctx context.Context, jobID, buildNo string, opts ...CallOption) (*LogAnalysis, error) {
	return fetch[LogAnalysis](ctx, s.client, &opAnalyzeLog, []string{jobID, buildNo}, nil, opts)
}

func (a *LogAnalysis) decodeAnswer(payload []byte, _ answerInfo) error {
	var answer struct {
		JobName flexibleString `json:"job_name"`
		Nodes   []struct {
			NodeID   flexibleString `json:"node_id"`
			Step     flexibleString `json:"step"`
			Analyzed flexibleBool   `json:"analyzed_success"`
			Error    struct {
				Code    flexibleString `json:"error_code"`
				Message flexibleString `json:"error_message"`
				FAQ     flexibleString `json:"faq"`
			} `json:"error_info"`
		} `json:"error_nodes"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil {
		return err
	}
	*a = LogAnalysis{JobName: string(answer.JobName)}
	for _, n := range answer.Nodes {
		a.Errors = append(a.Errors, LogError{
			string(n.NodeID), string(n.Step), bool(n.Analyzed), string(n.Error.Code), string(n.Error.Message), string(n.Error.FAQ),
		})
	}
	return nil
}
