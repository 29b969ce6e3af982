package codeartsbuild

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// WaitOptions say how Wait waits. Nil means the zero value.
type WaitOptions struct {
	// Timeout ends the waiting, with ErrStillRunning, and never stops the build. 0 means no limit.
	Timeout time.Duration
	// StopOnCancel stops the build if the context ends before the build finished: one stop, which may take this
	// long. 0 means that the build goes on.
	StopOnCancel time.Duration
	// OnChange is called with the build as it was first read, and whenever its status has changed. It may be nil.
	// Wait goes on when it returns.
	OnChange func(*Build)
}

// Wait reads a build until it has finished, and returns it in its last status: succeeded, failed, aborted, …
//
// The build is read every 2 s and, while nothing changes, up to every 15 s. Builds of one job that are waited for at
// the same time share one list call. Five failed reads in a row end the waiting with the error of the last. If the
// context ends, the error is the context's and, as after Timeout, also [ErrStillRunning]; with StopOnCancel its text
// says whether the stop was confirmed, and it is [ErrOutcomeUnknown] if it was not.
//
// API: ShowJobBuildRecordDetail, GET /v1/record/{job_id}/{build_no}/record-info, and
// ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *BuildsService) Wait(ctx context.Context, jobID, buildNo string, in *WaitOptions, opts ...CallOption) (*Build, error) {
	options := orZero(in)
	if options.Timeout < 0 || options.StopOnCancel < 0 {
		return nil, opShowJobBuildRecordDetail.named(invalid("Timeout and StopOnCancel must not be negative"))
	}
	build, err := s.await(ctx, jobID, buildNo, options.Timeout, options.OnChange, opts)
	if err != nil && options.StopOnCancel > 0 && !errors.Is(err, ErrInvalidArgument) && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil, s.stopCancelled(ctx, err, jobID, buildNo, options.StopOnCancel, opts)
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
	maxFailures = 5               // reads in a row
	lastRead    = 5 * time.Second // for the read at the end of Timeout
)

type pace struct{ pause time.Duration }

func (p *pace) reset() { p.pause = 0 }

// next is the pause before the next read. It is longer by a random part, at most a fifth, so that waiters that
// started together do not stay together.
func (p *pace) next() time.Duration {
	p.pause = min(max(p.pause+p.pause/2, firstPause), lastPause)
	return min(p.pause+rand.N(p.pause/5), lastPause)
}

// await reads a build until it has finished, for at most limit (0: no limit), and calls onChange, unless it is nil,
// with the first status and each other one.
func (s *BuildsService) await(ctx context.Context, jobID, buildNo string, limit time.Duration, onChange func(*Build), opts []CallOption) (*Build, error) {
	w := waiter{started: time.Now(), limit: limit}
	build, err := w.read(ctx, s, jobID, buildNo, opts)
	if ctx == nil || errors.Is(err, ErrInvalidArgument) {
		return nil, err
	}
	poller := s.client.pollers.join(jobID)
	defer s.client.pollers.leave(poller)
	for failures := 0; ; {
		switch {
		case err == nil:
			failures = 0
			if w.observe(build) {
				poller.change()
				if onChange != nil {
					onChange(build)
				}
			}
			if build.Status.Terminal() {
				return build, nil
			}
		case errors.Is(err, ErrStillRunning): // it has taken too long
			return nil, err
		case ctx.Err() != nil:
			if !errors.Is(err, ctx.Err()) { // the read had its answer by then
				err = endedBy(err, ctx.Err(), context.Cause(ctx))
			}
			return nil, amend(err, w.note(), ErrStillRunning)
		default:
			if failures++; failures == maxFailures {
				return nil, amend(err, fmt.Sprintf("; the last of %d reads that failed%s", failures, w.note()))
			}
		}
		var seen snapshot
		if seen, err = w.wait(ctx, s, poller, retryAfterOf(err)); err != nil {
			return nil, err
		}
		build, err = seen.builds[buildNo], seen.busy
		if err == nil && (build == nil || build.Status.Terminal()) { // the list knows less of a finished build
			build, err = w.read(ctx, s, jobID, buildNo, opts)
		}
	}
}

// A waiter waits for one build.
type waiter struct {
	started time.Time
	limit   time.Duration // 0: none
	last    *Build
}

// read reads the build within the limit of the waiting. It cancels the read, since a deadline would look like the
// caller's.
func (w *waiter) read(ctx context.Context, s *BuildsService, jobID, buildNo string, opts []CallOption) (*Build, error) {
	if w.limit == 0 || ctx == nil {
		return s.Get(ctx, jobID, buildNo, opts...)
	}
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := time.AfterFunc(max(w.limit-time.Since(w.started), 0)+lastRead, cancel)
	defer timer.Stop()
	build, err := s.Get(limited, jobID, buildNo, opts...)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, w.expired()
	}
	return build, err
}

// expired is the error at the limit of the waiting.
func (w *waiter) expired() error {
	return &callError{
		operation: opShowJobBuildRecordDetail.name, text: "the build has not finished within " + w.limit.String(),
		details: details{kinds: []error{ErrStillRunning}, note: w.note()},
	}
}

// observe keeps the build, and reports whether its status has changed.
func (w *waiter) observe(build *Build) bool {
	changed := w.last == nil || w.last.Status != build.Status
	w.last = build
	return changed
}

// wait waits for the poller's next read, or longer if the service asked for it, and returns the result of that read.
// The last read is at the limit; after it the error says that the build has not finished.
func (w *waiter) wait(ctx context.Context, s *BuildsService, poller *poller, atLeast time.Duration) (snapshot, error) {
	if ctx.Err() != nil {
		return snapshot{}, w.ended(ctx)
	}
	limit := lastPause + atLeast + time.Hour // no limit: every read comes earlier
	if w.limit > 0 {
		if limit = w.limit - time.Since(w.started); limit <= 0 {
			return snapshot{}, w.expired()
		}
	}
	if atLeast > 0 && !sleep(ctx, min(atLeast, limit)) {
		return snapshot{}, w.ended(ctx)
	}
	timer := time.NewTimer(max(limit-atLeast, 0))
	defer timer.Stop()
	poll := poller.next(ctx, s)
	defer poller.release(poll)
	select {
	case <-poll.ready:
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
	return "; build " + w.last.BuildNo + " was last seen " + oneLine(string(w.last.Status), 40) + ", after " + waited
}

// retryAfterOf is how long the service asked to wait in an error.
func retryAfterOf(err error) time.Duration {
	var apiErr *APIError
	if errors.As(err, &apiErr) {
		return apiErr.RetryAfter
	}
	return 0
}
