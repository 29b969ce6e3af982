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
	waiters int // guarded by pollers.mu

	mu      sync.Mutex
	pace    pace
	current *poll
}

// A poll is the next read of a poller. Its goroutine ends with the read, or when no waiter is left.
type poll struct {
	ready   chan struct{}
	cancel  context.CancelFunc
	waiters int
	snapshot
}

// A snapshot is the result of one list call. Without builds each waiter reads its own.
type snapshot struct {
	builds map[string]*Build // by number
	busy   error             // the service wants fewer calls: no waiter reads now
}

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
	of.waiters++
	return of
}

func (p *pollers) leave(of *poller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if of.waiters--; of.waiters == 0 {
		delete(p.jobs, of.job)
	}
}

// change makes the poller read faster again.
func (p *poller) change() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pace.reset()
}

// next joins the next read, which the first waiter starts.
func (p *poller) next(ctx context.Context, s *BuildsService) *poll {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil {
		detached, cancel := context.WithCancel(context.WithoutCancel(ctx))
		p.current = &poll{ready: make(chan struct{}), cancel: cancel}
		go p.run(detached, s, p.current, p.pace.next())
	}
	p.current.waiters++
	return p.current
}

// release leaves a read, which ends when no waiter is left.
func (p *poller) release(t *poll) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.waiters--; t.waiters == 0 {
		t.cancel()
		if p.current == t {
			p.current = nil
		}
	}
}

func (p *poller) run(ctx context.Context, s *BuildsService, t *poll, pause time.Duration) {
	defer t.cancel()
	if sleep(ctx, pause) && p.shared(t) {
		t.snapshot = s.newest(ctx, p.job)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == t {
		p.current = nil
	}
	close(t.ready)
}

func (p *poller) shared(t *poll) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return t.waiters > 1
}

// newest lists the newest page of the builds of a job.
func (s *BuildsService) newest(ctx context.Context, jobID string) snapshot {
	page, err := s.List(ctx, jobID, nil)
	if err != nil {
		if errors.Is(err, ErrTooManyRequests) || retryAfterOf(err) > 0 {
			return snapshot{busy: err}
		}
		return snapshot{}
	}
	seen := make(map[string]*Build, len(page.Items))
	for i := range page.Items {
		seen[page.Items[i].BuildNo] = &page.Items[i]
	}
	return snapshot{builds: seen}
}
