package codeartsbuild

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// RetryPolicy says how often and how fast a call is replayed. The zero value means the defaults.
//
// What is replayed does not depend on it: for every operation an attempt that cannot have been processed
// (429, 503, a refused connection), for those that may safely run twice also one whose answer was lost or
// unclear. Nor does the budget that all calls of a client share: 500 replays, of which each
// attempt that needs none gives one back. When it is spent nothing is replayed, and the error says so
// behind the service's last answer.
type RetryPolicy struct {
	// MaxAttempts includes the first attempt: 0 means 5, 1 means no replay.
	MaxAttempts int
	// MinDelay bounds the first pause; each further one may be twice as long, up to MaxDelay. Zero means
	// 0.5 s and 30 s. A throttled call starts at 8 times MinDelay. What the service asks for in
	// Retry-After is kept where it is at most MaxDelay; a call that would have to wait longer returns.
	MinDelay, MaxDelay time.Duration
}

const (
	defaultMaxAttempts = 5
	defaultMinDelay    = 500 * time.Millisecond
	defaultMaxDelay    = 30 * time.Second

	// throttledFactor lengthens the pauses of a throttled call: the windows in which the service counts
	// are a minute, so that half a second tells it nothing.
	throttledFactor = 8
)

func (p RetryPolicy) validate() error {
	switch {
	case p.MaxAttempts < 0:
		return invalid("MaxAttempts is %d, want 0 (the default) or more", p.MaxAttempts)
	case p.MinDelay < 0 || p.MaxDelay < 0:
		return invalid("a retry delay is negative")
	case p.MinDelay > p.withDefaults().MaxDelay:
		return invalid("MinDelay %v is longer than MaxDelay %v", p.MinDelay, p.withDefaults().MaxDelay)
	}
	return nil
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	if p.MaxAttempts == 0 {
		p.MaxAttempts = defaultMaxAttempts
	}
	if p.MaxDelay == 0 {
		p.MaxDelay = max(defaultMaxDelay, p.MinDelay)
	}
	if p.MinDelay == 0 {
		p.MinDelay = min(defaultMinDelay, p.MaxDelay)
	}
	return p
}

// delay is the pause after the given attempt, counted from 1. It has no lower bound but 1 ns, so that
// callers who failed together do not come back together.
func (p RetryPolicy) delay(attempt int, throttled bool) time.Duration {
	if throttled {
		half := saturate(saturate(p.MinDelay, throttledFactor, p.MaxDelay), doublings(attempt), p.MaxDelay) / 2
		return half + 1 + rand.N(max(half, 1))
	}
	return 1 + rand.N(saturate(p.MinDelay, doublings(attempt), p.MaxDelay))
}

func doublings(attempt int) time.Duration { return 1 << min(max(attempt-1, 0), 62) }

// saturate is d times factor, and limit where that is more; it compares before it multiplies.
func saturate(d, factor, limit time.Duration) time.Duration {
	if d > limit/factor {
		return limit
	}
	return d * factor
}

// retryAfter reads the header Retry-After: seconds, or a date, which is compared with the answer's own
// Date, since the local clock may be wrong. It is 0 where the header says nothing.
func retryAfter(header http.Header) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// maxRetryAfter bounds what a server can make an error say.
const maxRetryAfter = 100 * 365 * 24 * time.Hour

// A budget bounds what all calls of a client replay while the service is down: an attempt that asks for
// a replay takes one of 500, an attempt that needs none gives one back.
type budget struct{ spent atomic.Int64 }

const budgetSize = 500

func (b *budget) take() bool {
	for {
		spent := b.spent.Load()
		if spent >= budgetSize {
			return false
		}
		if b.spent.CompareAndSwap(spent, spent+1) {
			return true
		}
	}
}

func (b *budget) giveBack() {
	for {
		spent := b.spent.Load()
		if spent == 0 || b.spent.CompareAndSwap(spent, spent-1) {
			return
		}
	}
}

// sleep waits and reports whether it did so to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// pause waits before the next attempt and returns nil, or the error with which the call ends now: never
// less than what the attempt said.
func (c *Client) pause(call *call, v verdict) error {
	counted := call.attempt - call.free
	delay := v.after
	if delay == 0 {
		delay = call.retry.delay(counted, v.later)
	}
	if counted >= call.retry.MaxAttempts || delay > call.retry.MaxDelay {
		return v.err
	}
	if deadline, ok := call.ctx.Deadline(); ok && time.Until(deadline) <= delay {
		return amend(v.err, "; not retried: the deadline comes before the next attempt", context.DeadlineExceeded)
	}
	if !c.budget.take() {
		return amend(v.err, "; not retried: this client's retry budget is spent")
	}
	if !sleep(call.ctx, delay) || call.ctx.Err() != nil {
		return endedBy(v.err, call.ctx.Err(), context.Cause(call.ctx))
	}
	return nil
}
