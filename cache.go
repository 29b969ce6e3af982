package codeartsbuild

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// A perishable can be kept by a cache: a token or an access key.
type perishable interface {
	usable() bool
	// validity returns when the credential expires by the local clock and, if its issuer said so, its lifetime
	// from its receipt, which holds even if the local clock is wrong.
	validity() (time.Time, time.Duration)
}

const (
	earliestRenewal   = 10 * time.Minute
	latestRenewal     = time.Minute
	renewalRetryPause = 30 * time.Second
	renewalPatience   = 10 * time.Second // the longest wait for a new credential while the old one is valid
)

var errNoCredential = errors.New("the source returned an empty credential")

// A cache serves one credential to many callers.
type cache[C perishable] struct {
	source any
	fetch  func(context.Context) (C, error)

	mu      sync.Mutex
	held    C
	ends    time.Time // zero: unknown
	renewAt time.Time // zero: never
	refresh *refresh[C]
}

// A refresh is a request for a new credential. done is closed when value and err are set.
type refresh[C perishable] struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int
	value   C
	err     error

	panicked any // by the source
}

// get returns the held credential while it is valid, and joins or starts a refresh otherwise. In the time of early
// renewal one caller renews; the others go on with the old credential.
func (c *cache[C]) get(ctx context.Context) (C, error) {
	if ctx == nil {
		var none C
		return none, errNilContext
	}
	c.mu.Lock()
	valid := c.valid()
	early := valid && !c.renewAt.IsZero() && !time.Now().Before(c.renewAt)
	if held := c.held; valid && (!early || c.refresh != nil) {
		c.mu.Unlock()
		return held, nil
	}
	r := c.join(ctx)
	patient := ctx
	if limit := patience(ctx); early && time.Now().Add(limit).Before(c.ends) {
		var cancel context.CancelFunc
		patient, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	c.mu.Unlock()

	value, err := c.wait(patient, r)
	if err == nil || !early || ctx.Err() != nil {
		return value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.valid() {
		return c.held, nil
	}
	return value, err
}

// patience is how long a caller waits for an early renewal, so that it keeps time for its call.
func patience(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(time.Until(deadline)/2, renewalPatience)
	}
	return renewalPatience
}

// valid reports whether the held credential can still be used. The caller holds mu.
func (c *cache[C]) valid() bool {
	return c.held.usable() && (c.ends.IsZero() || time.Now().Before(c.ends))
}

// join starts a refresh unless one is under way, and counts the caller as waiting for it.
func (c *cache[C]) join(ctx context.Context) *refresh[C] {
	if c.refresh == nil {
		detached, cancel := context.WithCancel(context.WithoutCancel(ctx))
		c.refresh = &refresh[C]{done: make(chan struct{}), cancel: cancel}
		go c.run(detached, c.refresh)
	}
	c.refresh.waiters++
	return c.refresh
}

func (c *cache[C]) wait(ctx context.Context, r *refresh[C]) (C, error) {
	select {
	case <-r.done:
		if r.panicked != nil { // goes on where it can be recovered
			panic(r.panicked)
		}
		return r.value, r.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.waiters--; r.waiters == 0 {
		r.cancel()
		if c.refresh == r { // the next caller starts a new one
			c.refresh = nil
			c.renewAt = time.Now().Add(renewalRetryPause)
		}
	}
	var none C
	return none, ctx.Err()
}

func (c *cache[C]) run(ctx context.Context, r *refresh[C]) {
	defer r.cancel()
	r.err = errNoCredential
	defer c.finish(r) // also when the source ends its goroutine
	defer func() { r.panicked = recover() }()
	value, err := c.fetch(ctx)
	switch {
	case err != nil:
		r.err = err
	case value.usable():
		r.value, r.err = value, nil
	}
}

// finish ends a refresh with its result.
func (c *cache[C]) finish(r *refresh[C]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.err == nil {
		c.store(r.value)
	} else if c.refresh == r {
		c.renewAt = time.Now().Add(renewalRetryPause) // matters only while the old one is valid
	}
	if c.refresh == r {
		c.refresh = nil
	}
	close(r.done)
}

// store keeps a credential with the times at which it expires and at which it is renewed. A lifetime is counted on
// the monotonic clock. A fresh credential that has already expired means that the local clock is wrong: the expiry
// is ignored.
func (c *cache[C]) store(value C) {
	now := time.Now()
	ends, lifetime := value.validity()
	c.held, c.ends, c.renewAt = value, ends, time.Time{}
	if lifetime > 0 {
		c.ends = now.Add(lifetime)
	}
	left := c.ends.Sub(now)
	if c.ends.IsZero() || left <= 0 {
		c.ends = time.Time{}
		return
	}
	window := min(max(left/10, latestRenewal), earliestRenewal, left/2)
	if window > 0 {
		c.renewAt = c.ends.Add(-window + rand.N(window/4+1))
	}
}

func (c *cache[C]) drop(matches func(C) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held.usable() && matches(c.held) {
		var none C
		c.held = none
	}
}
