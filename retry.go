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

// RetryPolicy sets how often and how fast calls are retried. The zero value means the defaults.
//
// The policy does not set what is retried. Every operation is retried when the service cannot have processed it:
// after 429, 503 and a failed connection. An operation that may run twice is also retried after a lost or unclear
// response. All calls of a client share a budget of 150 retries, which each attempt that needs no retry refills by
// one. When the budget is spent, a call returns the service's last response, and the text of the error says why.
type RetryPolicy struct {
	// MaxAttempts includes the first attempt: 0 means 5, 1 means no retry. The one retry with a new credential
	// after a 401 does not count.
	MaxAttempts int
	// MinDelay is the longest first pause; the length of each pause is random. The longest pause doubles with
	// each attempt up to MaxDelay. Zero means 0.5 s and 30 s. After 429 the pauses start at 8 times MinDelay.
	// The service's Retry-After takes their place; if it asks for more than MaxDelay, the call returns.
	MinDelay, MaxDelay time.Duration
}

const (
	defaultMaxAttempts = 5
	defaultMinDelay    = 500 * time.Millisecond
	defaultMaxDelay    = 30 * time.Second

	// throttledFactor lengthens the pauses of a throttled call, since the service counts calls by the minute.
	throttledFactor = 8
)

func (p RetryPolicy) validate() error {
	switch {
	case p.MaxAttempts < 0:
		return invalid("MaxAttempts must be 0 (the default) or more, got %d", p.MaxAttempts)
	case p.MinDelay < 0 || p.MaxDelay < 0:
		return invalid("MinDelay and MaxDelay must not be negative")
	case p.MinDelay > p.withDefaults().MaxDelay:
		return invalid("MinDelay must be at most MaxDelay, %v, got %v", p.withDefaults().MaxDelay, p.MinDelay)
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

// delay is the random pause after an attempt, counted from 1: up to d, which doubles from MinDelay to MaxDelay.
// Callers that failed together thus do not come back together. For a throttled call it is between half of d and d,
// and d starts 8 times as long.
func (p RetryPolicy) delay(attempt int, throttled bool) time.Duration {
	if throttled {
		half := saturate(saturate(p.MinDelay, throttledFactor, p.MaxDelay), doublings(attempt), p.MaxDelay) / 2
		return half + 1 + rand.N(max(half, 1))
	}
	return 1 + rand.N(saturate(p.MinDelay, doublings(attempt), p.MaxDelay))
}

func doublings(attempt int) time.Duration { return 1 << min(max(attempt-1, 0), 62) }

// saturate is the smaller of d times factor and limit, without overflow.
func saturate(d, factor, limit time.Duration) time.Duration {
	if d > limit/factor {
		return limit
	}
	return d * factor
}

// retryAfter reads the header Retry-After: seconds, or a date, which is compared with the Date of the response,
// since the local clock may be wrong. It is 0 without a valid header, and at most maxRetryAfter.
func retryAfter(header http.Header) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if isDigits(value) {
		seconds, _ := strconv.ParseUint(value, 10, 64) // the largest number, if there are too many digits
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

// maxRetryAfter keeps a large number of seconds within time.Duration.
const maxRetryAfter = 100 * 365 * 24 * time.Hour

// A budget limits the retries of all calls of a client while the service is down: an attempt that wants a retry
// takes one of 150, and an attempt that needs none gives one back. A client with 1,000 calls a minute then sends at most
// 1.2 requests a call in an outage of a minute, and some 50 callers at the same time survive a failure of a second.
type budget struct{ spent atomic.Int64 }

const budgetSize = 150

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

// sleep waits and reports whether it did so to the end, rather than that of ctx.
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

// pause waits before the next attempt and returns nil, or returns the error that ends the call: never less than
// the error of the attempt.
func (c *Client) pause(call *call, v verdict) error {
	counted := call.attempts - call.uncounted
	delay := v.wait
	if delay == 0 {
		delay = call.retry.delay(counted, v.slow)
	}
	if counted >= call.retry.MaxAttempts || delay > call.retry.MaxDelay {
		return v.err
	}
	if !call.upload.rewind() {
		return amend(v.err, "; not retried: the file cannot be read again")
	}
	if v.dead {
		delay = max(delay, idlePause)
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
	if v.dead {
		closeIdleConnections(c.transport)
	}
	return nil
}

// idlePause is how long a transport needs to see that the connection of a cancelled attempt is idle. HTTP/2 would use
// it for the next attempt, too.
const idlePause = 50 * time.Millisecond
