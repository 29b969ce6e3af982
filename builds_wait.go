package codeartsbuild

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// WaitOptions say how Wait waits. Nil means the zero value.
type WaitOptions struct {
	// Timeout ends waiting, with ErrStillRunning, and never stops the build. 0 means no limit.
	Timeout time.Duration
	// StopOnCancel stops the build when the context ends while it is waited for: one stop, which may take this
	// long. 0 means that the build goes on.
	StopOnCancel time.Duration
	// OnChange is called with the build as it was first seen, and whenever it has another status. It may be
	// nil. Wait goes on when it returns.
	OnChange func(*Build)
}

// Wait reads a build until it has ended, and returns it in its last status, whatever that is.
//
// The build is read every 2 s and, while nothing changes, up to every 15 s; builds of one job that are
// waited for at the same time share one list call. Five reads in a row that fail end it with the error of
// the last. When the context ends, the error is the context's and, as after Timeout, also [ErrStillRunning]; with
// StopOnCancel it says whether the stop was confirmed, and is [ErrOutcomeUnknown] if it was not.
//
// API: ShowJobBuildRecordDetail, GET /v1/record/{job_id}/{build_no}/record-info, and
// ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *BuildsService) Wait(ctx context.Context, jobID, buildNo string, in *WaitOptions, opts ...CallOption) (*Build, error) {
	var options WaitOptions
	if in != nil {
		options = *in
	}
	if options.Timeout < 0 || options.StopOnCancel < 0 {
		return nil, opShowJobBuildRecordDetail.refuse(invalid("a time to wait is negative"))
	}
	build, err := s.await(ctx, jobID, buildNo, options.Timeout, options.OnChange, opts)
	if err != nil && options.StopOnCancel > 0 && !errors.Is(err, ErrInvalidArgument) && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil, s.stopCancelled(ctx, err, jobID, buildNo, options.StopOnCancel, opts)
	}
	return build, err
}

// stopCancelled stops the build that was waited for until the context ended, apart from that context.
func (s *BuildsService) stopCancelled(ctx context.Context, cause error, jobID, buildNo string, limit time.Duration, opts []CallOption) error {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	switch _, err := s.client.Jobs.Stop(detached, jobID, buildNo, opts...); {
	case err == nil:
		return amend(cause, "; the stop of the build was accepted")
	case errors.Is(err, ErrBuildFinished):
		return amend(cause, "; the build had already ended")
	default:
		return amend(cause, "; the stop of the build was not confirmed: "+oneLine(err.Error(), 400), ErrOutcomeUnknown)
	}
}

// The pace at which builds are read: from the first pause on it grows by half, up to the last one, and
// starts again when something changed.
const (
	firstPause  = 2 * time.Second
	lastPause   = 15 * time.Second
	maxFailures = 5               // reads in a row
	lastRead    = 5 * time.Second // for the read when the limit of waiting is reached
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
	w := watch{started: time.Now(), limit: limit}
	build, err := w.read(ctx, s, jobID, buildNo, opts)
	if ctx == nil || errors.Is(err, ErrInvalidArgument) {
		return nil, err
	}
	group := s.client.watches.join(jobID)
	defer s.client.watches.leave(group)
	for failures := 0; ; {
		switch {
		case err == nil:
			failures = 0
			if w.see(build) {
				group.change()
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
		var list listing
		if list, err = w.wait(ctx, s, group, retryAfterOf(err)); err != nil {
			return nil, err
		}
		build, err = list.builds[buildNo], list.busy
		if err == nil && (build == nil || build.Status.Terminal()) { // the list knows less of an ended build
			build, err = w.read(ctx, s, jobID, buildNo, opts)
		}
	}
}

// A watch is what is known of a build that is waited for.
type watch struct {
	started time.Time
	limit   time.Duration // 0: none
	last    *Build
}

// read reads the build, for no longer than the limit of waiting allows. It cancels rather than have a deadline,
// which would be taken for the caller's.
func (w *watch) read(ctx context.Context, s *BuildsService, jobID, buildNo string, opts []CallOption) (*Build, error) {
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

// expired is the error after the limit of waiting.
func (w *watch) expired() error {
	return &callError{
		operation: opShowJobBuildRecordDetail.name, text: "the build has not ended within " + w.limit.String(),
		kinds: []error{ErrStillRunning}, note: w.note(),
	}
}

// see reports whether the build has another status than before.
func (w *watch) see(build *Build) bool {
	changed := w.last == nil || w.last.Status != build.Status
	w.last = build
	return changed
}

// wait pauses until the group's next read, or longer where the service asked for it, and returns what that
// read brought. The last read is when the limit is reached; the error after it says that waiting ended
// before the build did.
func (w *watch) wait(ctx context.Context, s *BuildsService, group *watchGroup, atLeast time.Duration) (listing, error) {
	if ctx.Err() != nil {
		return listing{}, w.ended(ctx)
	}
	limit := lastPause + atLeast + time.Hour // never reached
	if w.limit > 0 {
		if limit = w.limit - time.Since(w.started); limit <= 0 {
			return listing{}, w.expired()
		}
	}
	if atLeast > 0 && !sleep(ctx, min(atLeast, limit)) {
		return listing{}, w.ended(ctx)
	}
	timer := time.NewTimer(max(limit-atLeast, 0))
	defer timer.Stop()
	tick := group.tick(ctx, s)
	defer group.done(tick)
	select {
	case <-tick.ready:
		return tick.listing, nil
	case <-timer.C:
		return listing{}, nil
	case <-ctx.Done():
		return listing{}, w.ended(ctx)
	}
}

func (w *watch) ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	return &callError{operation: opShowJobBuildRecordDetail.name, text: endText(err, cause, ""), kinds: []error{err, ErrStillRunning}, cause: cause, note: w.note()}
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

// watchGroups are the jobs of a client whose builds are waited for.
type watchGroups struct {
	mu   sync.Mutex
	jobs map[string]*watchGroup
}

// A watchGroup is who waits for builds of one job. They read at the same times: one list call for all of
// them where there are several.
type watchGroup struct {
	job     string
	members int // guarded by watchGroups.mu

	mu      sync.Mutex
	pace    pace
	current *tick
}

// A tick is the next read of a group. It is made by a goroutine that ends with it, or when nobody waits
// for it any more.
type tick struct {
	ready   chan struct{}
	cancel  context.CancelFunc
	waiters int
	listing
}

// A listing is what one list call says of the builds of a job. Without it each build is read by itself.
type listing struct {
	builds map[string]*Build // by number
	busy   error             // the service wants fewer calls, so that nobody reads now
}

func (g *watchGroups) join(job string) *watchGroup {
	g.mu.Lock()
	defer g.mu.Unlock()
	group := g.jobs[job]
	if group == nil {
		if g.jobs == nil {
			g.jobs = make(map[string]*watchGroup)
		}
		group = &watchGroup{job: job}
		g.jobs[job] = group
	}
	group.members++
	return group
}

func (g *watchGroups) leave(group *watchGroup) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if group.members--; group.members == 0 {
		delete(g.jobs, group.job)
	}
}

// change makes the group read faster again.
func (g *watchGroup) change() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pace.reset()
}

// tick joins the next read of the group, which the first to come starts.
func (g *watchGroup) tick(ctx context.Context, s *BuildsService) *tick {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.current == nil {
		detached, cancel := context.WithCancel(context.WithoutCancel(ctx))
		g.current = &tick{ready: make(chan struct{}), cancel: cancel}
		go g.run(detached, s, g.current, g.pace.next())
	}
	g.current.waiters++
	return g.current
}

// done takes the caller off the tick, which ends when it has nobody left.
func (g *watchGroup) done(t *tick) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.waiters--; t.waiters == 0 {
		t.cancel()
		if g.current == t {
			g.current = nil
		}
	}
}

func (g *watchGroup) run(ctx context.Context, s *BuildsService, t *tick, pause time.Duration) {
	defer t.cancel()
	if sleep(ctx, pause) && g.shared(t) {
		t.listing = s.newest(ctx, g.job)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.current == t {
		g.current = nil
	}
	close(t.ready)
}

func (g *watchGroup) shared(t *tick) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return t.waiters > 1
}

// newest lists the newest page of the builds of a job.
func (s *BuildsService) newest(ctx context.Context, jobID string) listing {
	page, err := s.List(ctx, jobID, nil)
	if err != nil {
		if errors.Is(err, ErrTooManyRequests) || retryAfterOf(err) > 0 {
			return listing{busy: err}
		}
		return listing{}
	}
	seen := make(map[string]*Build, len(page.Items))
	for i := range page.Items {
		seen[page.Items[i].BuildNo] = &page.Items[i]
	}
	return listing{builds: seen}
}
