package codeartsbuild

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// WaitOptions say how Wait waits. Nil means the zero value.
type WaitOptions struct {
	// Timeout ends the waiting, with ErrStillRunning, and never stops the build. 0 means no limit.
	Timeout time.Duration
	// StopOnCancel stops the build if the context ends before the build finished: one stop, which may take this
	// long. 0 means that the build goes on.
	StopOnCancel time.Duration
	// OnChange is called with a copy of the build as it was first read, and whenever its status has changed. It may
	// be nil. Wait goes on when it returns.
	OnChange func(*Build)
	// Interval is the longest pause between two reads: 0 means 15 s, and less than 1 s is ErrInvalidArgument.
	Interval time.Duration

	// Log gets the log of the build while the build runs, to its last line. Nil means that the log is not read.
	Log io.Writer
	// LogOffset is where the log begins: 0, or an offset that OnLog or Follow has reported.
	LogOffset int64
	// OnLog is called after each piece that was written to Log, with the offset from which the log goes on. If the
	// log cannot be read or written to its end, OnLog is called once with the error, and the build is waited for all
	// the same. It may be nil.
	OnLog func(next int64, err error)
}

func (o *WaitOptions) validate() error {
	switch {
	case o.Timeout < 0 || o.StopOnCancel < 0:
		return invalid("Timeout and StopOnCancel must not be negative")
	case o.Interval != 0 && o.Interval < minInterval:
		return invalid("Interval must be 0 (which means %v) or at least %v, got %v", lastPause, minInterval, o.Interval)
	case o.LogOffset < 0:
		return invalid("LogOffset must not be negative, got %d", o.LogOffset)
	}
	return nil
}

// Wait reads a build until it has finished, and returns it in its last status: succeeded, failed, aborted, …
//
// The build is read every 2 s and, while nothing changes, up to every 15 s. Builds of one job that are waited for at
// the same time share one list call, and each is also read by itself, about once a minute. A build may be unknown to
// the service in the first minute, as it is shortly after its start. Waiting ends with the error of the last read
// after 5 minutes without a good one, and at once if the credential is rejected, if the service asks to wait for more
// than 5 minutes, or if a response is larger than 10 MiB. If the context ends, the error is the context's and, as after
// Timeout, also [ErrStillRunning]; with StopOnCancel its text says whether the stop was confirmed, and it is
// [ErrOutcomeUnknown] if it was not. If the service does not say when the build finished, FinishedAt can be the time
// at which Wait read that it had.
//
// With Log, Wait also copies the log as [LogsService.Follow] reads it. The error of Wait is never the log's: OnLog
// gets that. After the build finished, Wait returns when the log has been copied to its end, or when the log could
// not be read for a minute. Log and the functions are called one at a time. If the context ends while Log is being
// written to, Wait stops the build first and then waits for the writer.
//
// API: ShowJobBuildRecordDetail, GET /v1/record/{job_id}/{build_no}/record-info,
// ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list, and with Log
// DownloadBuildRealTimeLog, GET /v1/log/{job_id}/{build_no}/real-time-log.
func (s *BuildsService) Wait(ctx context.Context, jobID, buildNo string, in *WaitOptions, opts ...CallOption) (*Build, error) {
	options := orZero(in)
	if err := options.validate(); err != nil {
		return nil, opShowJobBuildRecordDetail.named(err)
	}
	w := s.newWaiter(jobID, buildNo, opts)
	w.limit, w.interval, w.onChange = options.Timeout, cmp.Or(options.Interval, lastPause), options.OnChange
	waiting := ctx
	if options.Log != nil && ctx != nil {
		w.log = newLogCopy(w, &options)
		waiting, w.log.abort = context.WithCancel(ctx)
		defer w.log.end(nil) // also if OnChange panics
	}
	build, err := w.run(waiting)
	if err != nil && options.StopOnCancel > 0 && !errors.Is(err, ErrInvalidArgument) && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = s.stopCancelled(ctx, err, jobID, buildNo, options.StopOnCancel, opts)
	}
	if w.log != nil {
		w.log.finish(err)
	}
	return build, err
}

// stopCancelled stops a build after the caller's context ended, with a context of its own.
func (s *BuildsService) stopCancelled(ctx context.Context, cause error, jobID, buildNo string, limit time.Duration, opts []CallOption) error {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	switch _, err := s.client.Jobs.Stop(detached, jobID, buildNo, opts...); {
	case err == nil:
		return amend(cause, "; the stop of the build was accepted")
	case errors.Is(err, ErrBuildFinished):
		return amend(cause, "; the build had already finished")
	default:
		return amend(cause, "; the stop of the build was not confirmed: "+oneLine(err.Error(), 400), ErrOutcomeUnknown)
	}
}

// The pace at which builds are read: each pause is longer by half than the one before, up to the last one. A change
// starts again with the first one.
const (
	firstPause  = 2 * time.Second
	lastPause   = 15 * time.Second
	minInterval = time.Second
	lastRead    = 5 * time.Second // for the read at the end of Timeout
)

type pace struct{ pause time.Duration }

func (p *pace) reset() { p.pause = 0 }

// next is the pause before the next read, at most longest. It is longer by a random part, at most a fifth, so that
// waiters that started together do not stay together.
func (p *pace) next(longest time.Duration) time.Duration {
	p.pause = min(max(p.pause+p.pause/2, firstPause), longest)
	return min(p.pause+rand.N(p.pause/5), longest)
}

// The limits of waiting while reads fail.
const (
	maxBlind   = 5 * time.Minute // without a good read: outages of some minutes are common
	maxMissing = time.Minute     // of "not found": the record of a build can come later than its number
	maxObeyed  = 5 * time.Minute // of Retry-After: the service may be well again long before
)

// An outage is the time for which reads have failed in a row.
type outage struct {
	limit   time.Duration
	since   time.Time // zero: the last read was good
	missing time.Time // since when every read says "not found"; zero: the last one did not
}

func (o *outage) over() { o.since, o.missing = time.Time{}, time.Time{} }

// ended returns the error that ends the waiting after a failed read, or nil if another read may be made.
func (o *outage) ended(err error, note string) error {
	now := time.Now()
	if o.since.IsZero() {
		o.since = now
	}
	switch {
	case !errors.Is(err, ErrNotFound):
		o.missing = time.Time{}
	case o.missing.IsZero():
		o.missing = now
	}
	failing, missing := now.Sub(o.since), !o.missing.IsZero() && now.Sub(o.missing) >= maxMissing
	switch {
	case hopeless(err) || retryAfterOf(err) > maxObeyed:
		return amend(err, note)
	case failing < o.limit && !missing:
		return nil
	}
	if failing > 0 {
		note = "; no read has succeeded for " + failing.Round(100*time.Millisecond).String() + note
	}
	return amend(err, note)
}

// hopeless reports whether a later read would fail as well.
func hopeless(err error) bool {
	return errors.Is(err, ErrInvalidArgument) || errors.Is(err, errLimit) || rejected(err)
}

// rejected reports whether the credential or its login was not accepted. Trying again would fail as well, and too
// many logins lock the user.
func rejected(err error) bool {
	if errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotProjectScoped) {
		return true
	}
	var apiErr *APIError
	return errors.As(err, &apiErr) && apiErr.Operation == opCreateToken.name && apiErr.StatusCode >= 400 && apiErr.StatusCode < 500 &&
		!errors.Is(err, ErrTooManyRequests)
}

// retryAfterOf is how long the service asked to wait in an error.
func retryAfterOf(err error) time.Duration {
	var apiErr *APIError
	if errors.As(err, &apiErr) {
		return apiErr.RetryAfter
	}
	return 0
}

// await reads a build until it has finished, for at most limit (0: no limit), and calls onChange, unless it is nil,
// with the first status and each other one.
func (s *BuildsService) await(ctx context.Context, jobID, buildNo string, limit time.Duration, onChange func(*Build), opts []CallOption) (*Build, error) {
	w := s.newWaiter(jobID, buildNo, opts)
	w.limit, w.onChange = limit, onChange
	return w.run(ctx)
}

// A waiter waits for one build.
type waiter struct {
	s              *BuildsService
	jobID, buildNo string
	opts           []CallOption

	limit    time.Duration // of the waiting; 0: none
	interval time.Duration // the longest pause
	attempt  time.Duration // the limit of an attempt; 0: none
	onChange func(*Build)  // may be nil
	log      *logCopy      // nil: the log is not copied

	started  time.Time
	outage   outage
	last     *Build // as it was seen last; nil: not yet
	phase    phase
	recordAt time.Time // when its record was read last
	refused  bool      // since then the service has refused the list
}

func (s *BuildsService) newWaiter(jobID, buildNo string, opts []CallOption) *waiter {
	call := s.client.newCall(&opShowJobBuildRecordDetail, nil)
	_, _ = call.apply(opts) // the first read rejects invalid options
	return &waiter{
		s: s, jobID: jobID, buildNo: buildNo, opts: opts,
		interval: lastPause, attempt: call.timeout, started: time.Now(), outage: outage{limit: maxBlind},
	}
}

// run waits until the build has finished.
func (w *waiter) run(ctx context.Context) (*Build, error) {
	build, err := w.read(ctx, nil)
	if ctx == nil || errors.Is(err, ErrInvalidArgument) {
		return nil, err
	}
	poller := w.s.client.pollers.join(w.jobID)
	defer w.s.client.pollers.leave(poller)
	for {
		if err != nil {
			if ended := w.failed(ctx, err); ended != nil {
				return nil, ended
			}
		} else {
			if w.observe(ctx, build) {
				poller.change()
			}
			if w.last.Finished() {
				return w.last, nil
			}
		}
		seen, ended := w.wait(ctx, poller, retryAfterOf(err))
		if ended != nil {
			return nil, ended
		}
		build, err = w.look(ctx, seen)
	}
}

// failed returns the error that ends the waiting after a failed read, or nil.
func (w *waiter) failed(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, ErrStillRunning): // it has taken too long
		return err
	case ctx.Err() != nil:
		if !errors.Is(err, ctx.Err()) { // the read had its response by then
			err = endedBy(err, ctx.Err(), context.Cause(ctx))
		}
		return amend(err, w.note(), ErrStillRunning)
	}
	return w.outage.ended(err, w.note())
}

// recordAge is how old the record of a build may be while its row in the list is read. A row was seen to stay at
// Running. With pauses of at most 15 s each record is read at least once a minute.
const recordAge = 45 * time.Second

// look takes the build from a list, or reads its record: the list has too little of a finished build.
func (w *waiter) look(ctx context.Context, seen snapshot) (*Build, error) {
	old := time.Since(w.recordAt) >= recordAge
	if seen.busy != nil && (!old || retryAfterOf(seen.busy) > 0) {
		w.refused = true
		return nil, seen.busy
	}
	row := seen.builds[w.buildNo]
	if row == nil || !row.active() {
		return w.read(ctx, row)
	}
	if !old {
		return row, nil
	}
	build, err := w.read(ctx, row)
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrStillRunning) && !hopeless(err) && retryAfterOf(err) == 0 {
		return row, nil // the list still shows the build
	}
	return build, err
}

// read reads the build within the limit of the waiting. It cancels the read, since a deadline would look like the
// caller's.
func (w *waiter) read(ctx context.Context, row *Build) (*Build, error) {
	w.recordAt, w.refused = time.Now(), false
	if w.limit == 0 || ctx == nil {
		return w.s.look(ctx, w.jobID, w.buildNo, row, w.opts)
	}
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := time.AfterFunc(max(w.limit-time.Since(w.started), 0)+lastRead, cancel)
	defer timer.Stop()
	build, err := w.s.look(limited, w.jobID, w.buildNo, row, w.opts)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, w.expired()
	}
	return build, err
}

// look reads the record of a build. If the record does not tell whether the build has finished, since its word is not
// known here, the list does: row, or else a row of the newest page.
func (s *BuildsService) look(ctx context.Context, jobID, buildNo string, row *Build, opts []CallOption) (*Build, error) {
	build, err := s.Get(ctx, jobID, buildNo, opts...)
	if err != nil || build.active() || build.Finished() {
		return build, err
	}
	if row == nil {
		row = s.newest(ctx, jobID, listLimit).builds[buildNo]
	}
	if row != nil && row.Finished() {
		build.FinishedAt = row.FinishedAt
		if row.Status.Terminal() {
			build.Status = row.Status
		}
	}
	return build, nil
}

// expired is the error at the limit of the waiting.
func (w *waiter) expired() error {
	return &callError{
		operation: opShowJobBuildRecordDetail.name, text: "the build has not finished within " + w.limit.String(),
		details: details{kinds: []error{ErrStillRunning}, note: w.note()},
	}
}

// A phase of a build comes after the ones before it.
type phase int

const (
	phaseUnknown phase = iota
	phaseQueued
	phaseRunning
	phaseFinished
)

func (b *Build) phase() phase {
	switch {
	case b.Finished():
		return phaseFinished
	case b.Status == StatusQueued:
		return phaseQueued
	case b.Status == StatusRunning:
		return phaseRunning
	}
	return phaseUnknown
}

// observe keeps the build, and reports whether its status has changed. It ignores a build in an earlier phase: a list
// or a record can lag behind.
func (w *waiter) observe(ctx context.Context, build *Build) (changed bool) {
	w.outage.over()
	now := build.phase()
	if now != phaseUnknown && now < w.phase {
		return false
	}
	w.phase = max(w.phase, now)
	changed = w.last == nil || !sameWord(w.last.Status, build.Status)
	w.last = build
	if w.log != nil {
		w.log.see(ctx, build)
	}
	if changed && w.onChange != nil {
		own := *build // a list is shared with other waiters
		w.inTurn(ctx, func() { w.onChange(&own) })
	}
	return changed
}

// sameWord reports whether two words of the service differ in their spelling at most.
func sameWord(a, b BuildStatus) bool {
	return a == b || strings.EqualFold(statusSpelling.Replace(string(a)), statusSpelling.Replace(string(b)))
}

// inTurn calls a function of the caller's while the log does not. It does not if the context ends before.
func (w *waiter) inTurn(ctx context.Context, call func()) {
	if w.log == nil {
		call()
		return
	}
	w.log.inTurn(ctx, call)
}

// wait waits for the poller's next read, or longer if the service asked for it, and returns the result of that read.
// The last read is at the limit; after it the error says that the build has not finished.
func (w *waiter) wait(ctx context.Context, poller *poller, atLeast time.Duration) (snapshot, error) {
	if ctx.Err() != nil {
		return snapshot{}, w.ended(ctx)
	}
	limit := w.interval + atLeast + time.Hour // no limit: every read comes earlier
	if w.limit > 0 {
		if limit = w.limit - time.Since(w.started); limit <= 0 {
			return snapshot{}, w.expired()
		}
	}
	if atLeast > 0 && !sleep(ctx, min(atLeast, limit)) {
		return snapshot{}, w.ended(ctx)
	}
	if atLeast > 0 && w.refused && time.Since(w.recordAt) >= recordAge {
		return snapshot{}, nil // the list may be refused again, while records can be read
	}
	timer := time.NewTimer(max(limit-atLeast, 0))
	defer timer.Stop()
	poll := poller.next(ctx, w)
	defer poller.release(poll)
	select {
	case <-poll.ready:
		if poll.panicked != nil { // goes on where it can be recovered
			panic(poll.panicked)
		}
		return poll.snapshot, nil
	case <-timer.C:
		return snapshot{}, nil
	case <-ctx.Done():
		return snapshot{}, w.ended(ctx)
	}
}

func (w *waiter) ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	return &callError{
		operation: opShowJobBuildRecordDetail.name, text: endText(err, cause, ""),
		details: details{kinds: []error{err, ErrStillRunning}, cause: cause, note: w.note()},
	}
}

func (w *waiter) note() string {
	waited := time.Since(w.started).Round(100 * time.Millisecond).String()
	if w.last == nil {
		return "; waited " + waited
	}
	status := cmp.Or(oneLine(string(w.last.Status), 40), "without a status")
	return "; build " + w.last.BuildNo + " was last seen " + status + ", after " + waited
}
