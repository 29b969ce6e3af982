package codeartsbuild

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"slices"
	"time"
)

// LogChunk is a piece of a log.
type LogChunk struct {
	Text []byte
	Next int64 // the offset from which Follow goes on; it has no other meaning
}

var opDownloadBuildRealTimeLog = operation{
	name: "DownloadBuildRealTimeLog", method: http.MethodGet, path: "/v1/log/{job_id}/{build_no}/real-time-log",
}

// Follow returns an iterator over the log of a build from an offset on: 0, or the Next of an earlier chunk. It
// yields each piece of the log once and in order, also across lost connections. It goes on while the build runs, and
// ends when the build has finished and two more reads have brought nothing. A build that never started has no log.
//
// While there is more, the log is read at once; otherwise every 2 s and, while nothing comes, up to every 15 s. While
// the build is queued, only its record is read. If reads fail, Follow ends as [BuildsService.Wait] does: after 5
// minutes without a good one, and at once if the credential is rejected or a response is larger than 10 MiB. The last
// pair then has the error and a zero LogChunk, as it has when the context ends.
//
// A piece of which the place in the log cannot be told is [ErrUnexpectedResponse], and so are a gap, a log that was
// begun anew, and a log that does not end although the build has finished; the text has the offsets. A negative
// offset is [ErrInvalidArgument].
//
// API: DownloadBuildRealTimeLog, GET /v1/log/{job_id}/{build_no}/real-time-log, and
// ShowJobBuildRecordDetail, GET /v1/record/{job_id}/{build_no}/record-info.
func (s *LogsService) Follow(ctx context.Context, jobID, buildNo string, offset int64, opts ...CallOption) iter.Seq2[LogChunk, error] {
	if offset < 0 {
		return failed[LogChunk](opDownloadBuildRealTimeLog.named(invalid("the offset must not be negative, got %d", offset)))
	}
	opts = slices.Clone(opts)
	return func(yield func(LogChunk, error) bool) {
		f := s.newFollower(jobID, buildNo, offset, opts)
		err := f.run(ctx, func(chunk LogChunk) bool { return yield(chunk, nil) })
		if err != nil {
			yield(LogChunk{}, err)
		}
	}
}

// The limits of a log, and the pauses at its end.
const (
	// quietReads is how many reads without text end the log of a finished build. Each comes after a pause, since the
	// last lines may arrive after the status.
	quietReads = 2
	// maxUnlooked is how long text may come before the build is looked at: its log may have no end.
	maxUnlooked = time.Minute
	// settledAfter is how long after the end of a build late lines no longer come.
	settledAfter = time.Minute
	// emptyReads is how many reads in a row may bring no text although the service says that there is more.
	emptyReads = 7
	// littleText is less, in bytes, than any size of piece that makes sense. After such a piece there is a pause: a log
	// that grows by a byte at a time would be read without end.
	littleText  = 256
	littlePause = 250 * time.Millisecond
	// maxReadsAfterFinish is how many pieces of little text in a row the log of a finished build may have: those of 17
	// minutes.
	maxReadsAfterFinish = 4000
	// maxLogBytes is how much text may come after the build has finished. Offsets are documented as 32-bit numbers.
	maxLogBytes = 1 << 31
	// maxLateBlind is how long Wait tries to read the rest of a log after the build has finished.
	maxLateBlind = time.Minute
)

// A follower is where following a log has come to.
type follower struct {
	s          *LogsService
	job, build string
	opts       []CallOption

	look     func(context.Context) (*Build, error) // the build as it is now
	news     <-chan struct{}                       // ends a pause, since the build has changed; nil: never
	interval time.Duration                         // the longest pause
	late     time.Duration                         // how long reads may fail once the build has finished
	once     bool                                  // end with what the log has now

	place   logPlace
	pace    pace
	paused  bool          // the last read came after a pause
	delay   time.Duration // before the next read; paced: that of the pace
	reads   outage        // of the log
	looks   outage        // of the build
	looked  time.Time     // when the build was read last
	known   bool          // it could be read
	started bool          // the build has left the queue, or may have left it
	never   bool          // the build has finished without a start
	ended   bool          // there is no more

	finished bool  // the build has
	settled  bool  // for so long that no late lines will come
	quiet    int   // reads without text in a row since then
	little   int   // pieces with little text in a row since then
	bytes    int64 // of text since then
}

func (s *LogsService) newFollower(jobID, buildNo string, offset int64, opts []CallOption) *follower {
	return &follower{
		s: s, job: jobID, build: buildNo, opts: opts, interval: lastPause, late: maxBlind,
		look: func(ctx context.Context) (*Build, error) {
			return s.client.Builds.look(ctx, jobID, buildNo, nil, opts)
		},
		place: logPlace{next: offset, start: -1}, reads: outage{limit: maxBlind}, looks: outage{limit: maxBlind},
	}
}

// run reads the log to its end, or until yield returns false.
func (f *follower) run(ctx context.Context, yield func(LogChunk) bool) error {
	for !f.ended {
		if err := f.wait(ctx); err != nil {
			return err
		}
		text, err := f.step(ctx)
		if err != nil {
			return err
		}
		if text != "" && !yield(LogChunk{[]byte(text), f.place.next}) {
			return nil
		}
	}
	return nil
}

func (f *follower) wait(ctx context.Context) error {
	if f.delay == paced {
		f.delay = f.pace.next(f.interval)
	}
	f.paused = f.delay > 0
	if !f.paused {
		return nil
	}
	timer := time.NewTimer(f.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-f.news:
		return nil
	case <-ctx.Done():
	}
	err, cause := ctx.Err(), context.Cause(ctx)
	return &callError{
		operation: opDownloadBuildRealTimeLog.name, text: endText(err, cause, ""),
		details: details{kinds: []error{err}, cause: cause},
	}
}

// paced stands for the delay of the pace.
const paced = -1

// step reads the build until it has left the queue, and then the log.
func (f *follower) step(ctx context.Context) (text string, err error) {
	f.delay = paced
	switch {
	case !f.started:
		return "", f.lookAtBuild(ctx)
	case !f.finished && !f.once && time.Since(f.looked) >= maxUnlooked:
		f.delay = 0
		return "", f.lookAtBuild(ctx)
	}
	piece, err := f.read(ctx)
	if err != nil {
		return "", f.readFailed(ctx, err)
	}
	f.reads.over()
	text, err = f.place.take(piece)
	switch {
	case err != nil:
		return "", err
	case text == "":
		return "", f.nothing(ctx, piece)
	}
	return text, f.something(text, piece)
}

func (f *follower) read(ctx context.Context) (*logPiece, error) {
	piece, opts := new(logPiece), f.opts
	if f.never { // most likely there is no log, which the service reports as a failure that may pass
		opts = append(slices.Clip(opts), WithRetry(RetryPolicy{MaxAttempts: 1}))
	}
	call := f.s.client.newCall(&opDownloadBuildRealTimeLog, piece)
	err := f.s.client.do(ctx, &call, []string{f.job, f.build}, f.place.query(), opts)
	piece.requestID, piece.attempts = call.requestID, call.attempts
	return piece, err
}

// something counts a text, and decides when to read on.
func (f *follower) something(text string, piece *logPiece) error {
	isLittle := len(text) < littleText
	f.pace.reset()
	f.quiet = 0
	if piece.HasMore || f.once || f.settled {
		f.delay = 0
		if isLittle {
			f.delay = littlePause
		}
	}
	f.ended = f.once && isLittle && !piece.HasMore
	if !f.finished {
		return nil
	}
	f.bytes += int64(len(text))
	if f.little++; !isLittle {
		f.little = 0
	}
	if f.little > maxReadsAfterFinish || f.bytes > maxLogBytes {
		return piece.unexpected("the build has finished, but its log does not end: offset %d after %d bytes", f.place.next, f.bytes)
	}
	return nil
}

// nothing looks at the build, or decides whether the log of a finished build has ended.
func (f *follower) nothing(ctx context.Context, piece *logPiece) error {
	missing := piece.HasMore || piece.End != nil && *piece.End > f.place.next // announced, but not returned
	if f.paused && (f.finished || f.once) || f.settled {
		f.quiet++
	}
	switch {
	case f.place.omitEnd && !f.place.omitHelped: // ask at once in the other way
		f.delay = 0
		return nil
	case f.once && !missing:
		return f.end()
	case !f.finished && !f.once:
		return f.lookAtBuild(ctx)
	}
	if !missing {
		f.pace.reset() // late lines come soon
	}
	switch {
	case missing && f.quiet >= emptyReads:
		return piece.unexpected("the log has more text behind offset %d, but the service returns none", f.place.next)
	case missing:
	case f.quiet >= quietReads:
		return f.end()
	case f.settled:
		f.delay = 0
	}
	return nil
}

// end ends the log, unless its last piece did not fit.
func (f *follower) end() error {
	f.ended = true
	return f.place.suspect
}

// lookAtBuild reads the build: its log begins when the build leaves the queue. When it has finished, its last lines
// may still be unread. If the build cannot be read, the log may tell more.
func (f *follower) lookAtBuild(ctx context.Context) error {
	f.looked = time.Now()
	build, err := f.look(ctx)
	if err != nil {
		f.started = f.started || !f.known && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrTooManyRequests)
		return f.failed(ctx, &f.looks, err)
	}
	f.looks.over()
	f.known = true
	finished := build.Finished()
	switch {
	case finished && build.Status == StatusScheduleFailed:
		f.ended = true
	case finished && !f.finished:
		f.finished, f.never = true, build.StartedAt.IsZero()
		f.settled = !build.FinishedAt.IsZero() && f.s.client.clock.now().Sub(build.FinishedAt) > settledAfter
		f.reads.limit = f.late
		f.pace.reset()
	}
	switch {
	case build.Status == StatusQueued:
		f.started = f.place.tail != nil // the record lags behind the log
	case !f.started:
		f.pace.reset()
		f.started, f.delay = true, 0
	}
	return nil
}

// readFailed decides about a failed read of the log. A build that never started has none.
func (f *follower) readFailed(ctx context.Context, err error) error {
	if f.never && tellsNoLog(err) {
		f.ended = true
		return nil
	}
	if err := f.failed(ctx, &f.reads, err); err != nil || f.finished {
		return err
	}
	return f.lookAtBuild(ctx)
}

// tellsNoLog reports whether the service says that there is no log.
func tellsNoLog(err error) bool {
	var apiErr *APIError
	if rejected(err) || errors.Is(err, ErrTooManyRequests) || !errors.As(err, &apiErr) {
		return false
	}
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrBadRequest) ||
		(apiErr.StatusCode == http.StatusInternalServerError || isSuccess(apiErr.StatusCode)) && explains(apiErr.StatusCode, apiErr.ErrorCode)
}

// failed returns the error that ends the log, or nil. The next read comes no sooner than the service asks.
func (f *follower) failed(ctx context.Context, o *outage, err error) error {
	if ctx == nil {
		return err
	}
	if ctx.Err() == nil {
		if ended := o.ended(err, ""); ended != nil {
			return ended
		}
		if d := retryAfterOf(err); d == 0 || sleep(ctx, d) {
			return nil
		}
	}
	if errors.Is(err, ctx.Err()) {
		return err
	}
	return endedBy(err, ctx.Err(), context.Cause(ctx))
}
