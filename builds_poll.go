package codeartsbuild

import (
	"context"
	"errors"
	"sync"
	"time"
)

// pollers are the jobs with builds that a client waits for.
type pollers struct {
	mu   sync.Mutex
	jobs map[string]*poller
}

// A poller serves those who wait for builds of one job. They read at the same times; if there are several, one list
// call serves them all.
type poller struct {
	job     string
	members int // guarded by pollers.mu

	mu   sync.Mutex
	pace pace
	open *poll // the poll that a waiter can join: its list has not been requested yet
}

// A poll is one read of a poller. Its goroutine ends with the read, or when no waiter is left.
type poll struct {
	ready   chan struct{}
	cancel  context.CancelFunc
	due     time.Time
	waiters int
	limit   time.Duration // of the list call
	snapshot
	panicked any // by the transport, for example
}

// A snapshot is the result of one list call. Without builds each waiter reads its own.
type snapshot struct {
	builds map[string]*Build // by number; shared, so that they must not be changed
	busy   error             // the service wants fewer calls: no waiter reads now
}

// listLimit bounds the list call, for which all waiters of a job wait: it has one attempt, and after it each
// waiter can read its own build.
const listLimit = 10 * time.Second

func (p *pollers) join(job string) *poller {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := p.jobs[job]
	if of == nil {
		if p.jobs == nil {
			p.jobs = make(map[string]*poller)
		}
		of = &poller{job: job}
		p.jobs[job] = of
	}
	of.members++
	return of
}

func (p *pollers) leave(of *poller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if of.members--; of.members == 0 {
		delete(p.jobs, of.job)
	}
}

// change makes the poller read faster again.
func (p *poller) change() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pace.reset()
}

// next joins the next read. The waiter starts a read if no other comes, or if the next one comes too late.
func (p *poller) next(ctx context.Context, w *waiter) *poll {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil || time.Until(p.open.due) > w.interval {
		detached, cancel := context.WithCancel(context.WithoutCancel(ctx))
		pause := p.pace.next(w.interval)
		p.open = &poll{ready: make(chan struct{}), cancel: cancel, due: time.Now().Add(pause), limit: listLimit}
		go p.run(detached, w.s, p.open, pause)
	}
	p.open.waiters++
	if w.attempt > 0 {
		p.open.limit = min(p.open.limit, w.attempt)
	}
	return p.open
}

// release leaves a read, which ends when no waiter is left.
func (p *poller) release(t *poll) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.waiters--; t.waiters == 0 {
		t.cancel()
		if p.open == t {
			p.open = nil
		}
	}
}

func (p *poller) run(ctx context.Context, s *BuildsService, t *poll, pause time.Duration) {
	defer close(t.ready)
	defer t.cancel()
	defer func() { t.panicked = recover() }()
	if !sleep(ctx, pause) {
		return
	}
	if limit, several := p.start(t); several {
		t.snapshot = s.newest(ctx, p.job, limit)
	}
}

// start closes a poll to more waiters, since a waiter must not get a list that was requested before it joined. It
// returns the limit of the list call, and whether there are waiters to share it.
func (p *poller) start(t *poll) (limit time.Duration, several bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == t {
		p.open = nil
	}
	return t.limit, t.waiters > 1
}

// newest lists the newest page of the builds of a job, with one attempt.
func (s *BuildsService) newest(ctx context.Context, jobID string, limit time.Duration) snapshot {
	_, page, err := s.first(ctx, jobID, nil, []CallOption{WithTimeout(limit), WithRetry(RetryPolicy{MaxAttempts: 1})})
	if err != nil {
		after := retryAfterOf(err)
		if after > 0 && after <= maxObeyed || after == 0 && errors.Is(err, ErrTooManyRequests) {
			return snapshot{busy: err}
		}
		return snapshot{}
	}
	seen := make(map[string]*Build, len(page.Items))
	for i := range page.Items {
		build := page.Items[i].seen(s.client.clock.now())
		seen[build.BuildNo] = build
	}
	return snapshot{builds: seen}
}
