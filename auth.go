package codeartsbuild

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
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

// NewToken makes a token of its value and the time at which it expires; the zero time means that this is not known,
// and that the token is used until the service rejects it. A value that cannot be sent makes the calls that would
// use it fail with ErrInvalidArgument.
func NewToken(value string, expiresAt time.Time) *Token {
	header := []string{value}
	return &Token{header: func() []string { return header }, sendable: isTrimmed(value), expiresAt: expiresAt}
}

// Value returns the token itself, a credential.
func (t *Token) Value() string {
	if t == nil || t.header == nil {
		return ""
	}
	return t.header()[0]
}

// ExpiresAt returns when the token expires by the issuer's clock; the zero time if that is not known.
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

// Format prints the type only.
func (t *Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, "codeartsbuild.Token{…}") }

func (t *Token) usable() bool { return t.Value() != "" }

func (t *Token) validity() (time.Time, time.Duration) {
	return t.ExpiresAt(), t.lifetime
}

// A TokenSource returns the token for each attempt of a call. Users implement it; it must be safe for concurrent
// use and end when ctx does.
//
// A source may also have the method Invalidate(*Token). It is called with a token that the service rejected, and
// must forget that very token if it still holds it; the call is then retried once. If the service rejects each new
// token, a client calls Invalidate four times in a row, and then with pauses from 1 s to 10 minutes; meanwhile its calls
// end with the service's response to the last token. A source may have CloseIdleConnections() as well, which
// [Client.CloseIdleConnections] calls.
type TokenSource interface {
	Token(ctx context.Context) (*Token, error)
}

// TokenSourceFunc is a function that is a TokenSource.
type TokenSourceFunc func(ctx context.Context) (*Token, error)

// Token calls f. A nil f returns an error.
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

// A CachedTokenSource keeps the token of another source until shortly before it expires. However many callers want
// one, it makes one request at a time. The request does not belong to a caller: it ends when no caller waits for it.
// It is safe for concurrent use.
type CachedTokenSource struct{ cache cache[*Token] }

// NewCachedTokenSource puts a cache in front of src. The token is renewed early: in the last tenth of its lifetime,
// but at least 1 and at most 10 minutes before it expires, and never before half of its lifetime. One caller waits
// for the renewal, for at most 10 s or half of the time that it has. A failed renewal is not an error while the old
// token is valid, and is tried again after 30 s.
func NewCachedTokenSource(src TokenSource) *CachedTokenSource {
	s := &CachedTokenSource{}
	s.cache.source = src
	s.cache.fetch = func(ctx context.Context) (*Token, error) {
		if src == nil {
			return nil, invalid("the source of a CachedTokenSource must not be nil")
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

// Format prints the type only: the content is secret or behind a lock.
func (s *CachedTokenSource) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, "codeartsbuild.CachedTokenSource{…}")
}

// closeIdleConnections calls the method of this name, if v has it.
func closeIdleConnections(v any) {
	if closer, ok := v.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// An authenticator gives each attempt its credential. There are two: tokens and access keys.
type authenticator interface {
	credential(ctx context.Context) (credential, error)
	// rejected is told that the service did not accept a credential, in a response with this header. It drops
	// the credential or corrects the clock, and reports whether a new one may be accepted.
	rejected(cred credential, header http.Header) bool
	accepted() // the service did accept one
	closeIdleConnections()
}

// A credential is good for one attempt.
type credential interface {
	apply(req *http.Request, body []byte)
	secrets() []string // no error may repeat them
}

// credential asks for the credential of an attempt. The source gets the caller's context: it sets its own
// timeouts, and it may ignore cancellation.
func (c *Client) credential(ctx context.Context) (credential, error) {
	if err := ctx.Err(); err != nil || c.auth == nil {
		return nil, err
	}
	cred, err := c.auth.credential(ctx)
	switch {
	case err == nil:
		return cred, ctx.Err()
	case isContextError(err) && ctx.Err() != nil:
		return nil, errNoCredentialYet
	}
	return nil, err
}

// errNoCredentialYet is why an ended context ended the call.
var errNoCredentialYet = errors.New("no credential yet")

// renew replaces a rejected credential, and reports whether the call may be retried with the new one, which it
// may once.
func (c *Client) renew(call *call, a *attempt) bool {
	if a.cred == nil || !c.auth.rejected(a.cred, a.header) || call.renewed || !call.upload.rewind() {
		return false
	}
	call.renewed = true
	return true
}

// renewals are the rejected credentials for which a new one was asked. A service that rejects each new one must not
// cause a login of each call.
type renewals struct {
	inARow atomic.Int32 // since the service last accepted one

	mu    sync.Mutex
	last  any       // the credential for which a new one was asked last
	until time.Time // no new one is asked for before
}

const (
	freeRenewals        = 4 // each change of a user or of the account revokes the tokens, and there may be several
	firstRenewalPause   = time.Second
	longestRenewalPause = 10 * time.Minute
)

// allow reports whether a new credential may be asked for in place of a rejected one. Many calls may report the same
// one.
func (r *renewals) allow(rejected any) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := int(r.inARow.Load())
	switch {
	case n > 0 && r.last == rejected:
		return true
	case n >= freeRenewals && time.Now().Before(r.until):
		return false
	}
	r.inARow.Store(int32(n + 1))
	r.last = rejected
	r.until = time.Now().Add(saturate(firstRenewalPause, doublings(n+2-freeRenewals), longestRenewalPause))
	return true
}

// accepted ends the row.
func (r *renewals) accepted() {
	if r.inARow.Load() != 0 {
		r.inARow.Store(0)
	}
}

// tokenAuth sends tokens. The credential of an attempt is the token itself.
type tokenAuth struct {
	source TokenSource
	renewals
}

func (t *tokenAuth) credential(ctx context.Context) (credential, error) {
	token, err := t.source.Token(ctx)
	if err == nil && !token.usable() {
		err = errNoCredential
	}
	if err == nil && !token.sendable {
		err = checkToken(token)
	}
	if err != nil {
		return nil, err
	}
	return token, nil
}

func (t *tokenAuth) rejected(cred credential, _ http.Header) bool {
	token := cred.(*Token)
	source, ok := t.source.(interface{ Invalidate(*Token) })
	if !ok || !t.allow(token) {
		return false
	}
	source.Invalidate(token)
	return true
}

func (t *tokenAuth) closeIdleConnections() { closeIdleConnections(t.source) }

func (t *Token) apply(req *http.Request, _ []byte) { req.Header["X-Auth-Token"] = t.header() }

func (t *Token) secrets() []string { return t.header() }
