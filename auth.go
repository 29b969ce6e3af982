package codeartsbuild

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// A Token is an IAM token. It is immutable and safe for concurrent use; printing it in any way shows
// neither its value nor a part of it. The nil Token is empty.
type Token struct {
	header    func() []string // the value as the header wants it, behind a function since fmt follows fields
	sendable  bool            // a header can carry it
	expiresAt time.Time
	projectID string
	lifetime  time.Duration // 0: ends at expiresAt by the local clock
}

// NewToken makes a token of its value and the time at which it ends; the zero time means that this is
// not known, and that the token is used until the service refuses it. It refuses nothing: a value that
// cannot be sent makes the calls that would use it fail with ErrInvalidArgument.
func NewToken(value string, expiresAt time.Time) *Token {
	header := []string{value}
	return &Token{header: func() []string { return header }, sendable: isHeaderValue(value), expiresAt: expiresAt}
}

// Value returns the token itself, a credential.
func (t *Token) Value() string {
	if t == nil || t.header == nil {
		return ""
	}
	return t.header()[0]
}

// ExpiresAt returns when the token ends by the issuer's clock; the zero time if that is not known.
func (t *Token) ExpiresAt() time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.expiresAt
}

// ProjectID returns the id of the IAM project that the token is for; "" if that is not known.
func (t *Token) ProjectID() string {
	if t == nil {
		return ""
	}
	return t.projectID
}

// Format prints what is no secret.
func (t *Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, "codeartsbuild.Token{…}") }

func (t *Token) usable() bool { return t.Value() != "" }

func (t *Token) validity() (time.Time, time.Duration) {
	return t.ExpiresAt(), t.lifetime
}

// A TokenSource gives the token for each attempt of a call. Users implement it; it must be safe for
// concurrent use and end when ctx does.
//
// A source may also have the method Invalidate(*Token). It is called with a token that the service
// refused, and must forget that very token if it still holds it; the call is then replayed once. It may
// have CloseIdleConnections() as well, which [Client.CloseIdleConnections] calls.
type TokenSource interface {
	Token(ctx context.Context) (*Token, error)
}

// TokenSourceFunc makes a TokenSource of a function.
type TokenSourceFunc func(ctx context.Context) (*Token, error)

// Token calls f. A nil f has no token.
func (f TokenSourceFunc) Token(ctx context.Context) (*Token, error) {
	if f == nil {
		return nil, errNoCredential
	}
	return f(ctx)
}

// StaticToken is a source of one token that was issued elsewhere. When it has expired every call gets
// ErrUnauthorized.
func StaticToken(value string) TokenSource { return staticToken{NewToken(value, time.Time{})} }

type staticToken struct{ token *Token }

func (s staticToken) Token(context.Context) (*Token, error) { return s.token, nil }

// A CachedTokenSource keeps the token of another source until shortly before it ends. However many
// callers want one, one request at a time is made; it belongs to none of them, and ends when none waits
// for it any more. It is safe for concurrent use.
type CachedTokenSource struct{ cache cache[*Token] }

// NewCachedTokenSource puts a cache in front of src. The token is renewed early: in the last tenth of its
// lifetime, which is taken as at least 1 and at most 10 minutes, and never as more than half of it. One caller
// waits for that, for at most 10 s or half of the time that it has; a renewal that fails is no error while the
// old token lasts, and is tried again after 30 s.
func NewCachedTokenSource(src TokenSource) *CachedTokenSource {
	s := &CachedTokenSource{}
	s.cache.source = src
	s.cache.fetch = func(ctx context.Context) (*Token, error) {
		if src == nil {
			return nil, invalid("the source of a CachedTokenSource is nil")
		}
		return src.Token(ctx)
	}
	return s
}

// Token returns the cached token, or a new one. The error is the source's, or the context's if that ended
// first.
func (s *CachedTokenSource) Token(ctx context.Context) (*Token, error) { return s.cache.get(ctx) }

// Invalidate makes the cache forget t, if that is the token that it holds.
func (s *CachedTokenSource) Invalidate(t *Token) {
	s.cache.drop(func(held *Token) bool { return held == t || (t.usable() && held.Value() == t.Value()) })
}

// CloseIdleConnections closes the idle connections of the source behind the cache, if that can.
func (s *CachedTokenSource) CloseIdleConnections() { closeIdleConnections(s.cache.source) }

// Format prints the type only: what is inside is secret or behind a lock.
func (s *CachedTokenSource) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, "codeartsbuild.CachedTokenSource{…}")
}

// closeIdleConnections does so where v can.
func closeIdleConnections(v any) {
	if closer, ok := v.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// A credential is what the cache can hold: a token or an access key.
type credential interface {
	usable() bool
	// validity returns when the credential ends by the local clock and, where its issuer said so, how long
	// it lives from its receipt, which holds even where the local clock is wrong.
	validity() (time.Time, time.Duration)
}

const (
	earliestRenewal   = 10 * time.Minute
	latestRenewal     = time.Minute
	renewalRetryPause = 30 * time.Second
	renewalPatience   = 10 * time.Second // while the old credential still works nobody should wait longer
)

var errNoCredential = errors.New("the source returned an empty credential")

// A cache serves one credential to many callers.
type cache[C credential] struct {
	source any
	fetch  func(context.Context) (C, error)

	mu      sync.Mutex
	held    C
	ends    time.Time // zero: unknown
	renewAt time.Time // zero: never
	refresh *refresh[C]
}

// A refresh is a request for a new credential that is under way. done is closed when value and err are set.
type refresh[C credential] struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int
	value   C
	err     error
}

// get returns the held credential while it lasts, and joins or starts a refresh otherwise. One caller
// who comes in the time of early renewal renews; the others go on with the old one.
func (c *cache[C]) get(ctx context.Context) (C, error) {
	if ctx == nil {
		var none C
		return none, invalid("the context is nil")
	}
	c.mu.Lock()
	valid := c.lasts()
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
	if c.lasts() {
		return c.held, nil
	}
	return value, err
}

// patience is how long a caller waits for a renewal that it can do without: it still has a call to make.
func patience(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(time.Until(deadline)/2, renewalPatience)
	}
	return renewalPatience
}

// lasts reports whether the held credential can still be used. The caller holds mu.
func (c *cache[C]) lasts() bool {
	return c.held.usable() && (c.ends.IsZero() || time.Now().Before(c.ends))
}

// join starts a refresh unless one is under way, and counts the caller among those who wait for it.
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
		return r.value, r.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.waiters--; r.waiters == 0 {
		r.cancel()
		if c.refresh == r { // a caller who comes now starts anew
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
	defer c.settle(r) // also when the source ends its goroutine
	value, err := c.fetch(ctx)
	switch {
	case err != nil:
		r.err = err
	case value.usable():
		r.value, r.err = value, nil
	}
}

// settle ends a refresh with what it has brought.
func (c *cache[C]) settle(r *refresh[C]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.err == nil {
		c.hold(r.value)
	} else if c.refresh == r {
		c.renewAt = time.Now().Add(renewalRetryPause) // matters only while the old one lasts
	}
	if c.refresh == r {
		c.refresh = nil
	}
	close(r.done)
}

// hold stores a credential with the times at which it ends and is to be renewed. Times that come from a
// lifetime are on the monotonic clock. What is new and should have ended already tells a clock that is wrong.
func (c *cache[C]) hold(value C) {
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
