package codeartsbuild

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// The pace at which a build is read: from the first pause on it grows by half, up to the last one, and
// starts again when something changed.
const (
	firstPause  = 2 * time.Second
	lastPause   = 15 * time.Second
	maxFailures = 5 // reads in a row
)

type pace struct{ pause time.Duration }

func (p *pace) reset() { p.pause = 0 }

// next is the pause before the next read, up to a fifth longer than its turn, so that watchers who started
// together part.
func (p *pace) next() time.Duration {
	p.pause = min(max(p.pause+p.pause/2, firstPause), lastPause)
	return min(p.pause+rand.N(p.pause/5), lastPause)
}

// await reads a build until it has ended, for at most limit (0: no limit), and calls onChange, if there is
// one, with the first status and each other one.
func (s *BuildsService) await(ctx context.Context, jobID, buildNo string, limit time.Duration, onChange func(*Build), opts []CallOption) (*Build, error) {
	w := watch{started: time.Now()}
	var pace pace
	for failures := 0; ; {
		build, err := s.Get(ctx, jobID, buildNo, opts...)
		switch {
		case err == nil && w.see(build):
			pace.reset()
			if onChange != nil {
				onChange(build)
			}
		case err != nil && (ctx == nil || ctx.Err() != nil || errors.Is(err, ErrInvalidArgument)):
			return nil, amend(err, w.note())
		}
		if err != nil {
			failures++
		} else if failures = 0; build.Status.Terminal() {
			return build, nil
		}
		if failures == maxFailures {
			return nil, amend(err, fmt.Sprintf("; the last of %d reads that failed%s", failures, w.note()))
		}
		if err := w.wait(ctx, max(pace.next(), retryAfterOf(err)), limit); err != nil {
			return nil, err
		}
	}
}

// A watch is what is known of a build that is waited for.
type watch struct {
	started time.Time
	last    *Build
}

// see reports whether the build has another status than before.
func (w *watch) see(build *Build) bool {
	changed := w.last == nil || w.last.Status != build.Status
	w.last = build
	return changed
}

// wait pauses before the next read, the last one being when the limit is reached. Its error says that
// waiting ended before the build did.
func (w *watch) wait(ctx context.Context, pause, limit time.Duration) error {
	if limit > 0 {
		left := limit - time.Since(w.started)
		if left <= 0 {
			return &callError{text: "the build has not ended within " + limit.String(), kinds: []error{ErrStillRunning}, note: w.note()}
		}
		pause = min(pause, left)
	}
	if !sleep(ctx, pause) {
		return w.ended(ctx)
	}
	return nil
}

func (w *watch) ended(ctx context.Context) error {
	ans := answer{err: ctx.Err(), ended: ctx.Err(), cause: context.Cause(ctx)}
	return &callError{text: endText(&ans), kinds: append(contextKinds(&ans), ErrStillRunning), note: w.note()}
}

func (w *watch) note() string {
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
