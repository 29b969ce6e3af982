package codeartsbuild

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild/internal/signing"
)

// An AccessKey signs requests. It is immutable and safe for concurrent use; printing it in any way shows
// neither the secret nor the security token. The nil AccessKey is empty.
type AccessKey struct {
	id        string
	secrets   func() (secret, securityToken string)
	expiresAt time.Time
}

// NewAccessKey makes a permanent access key.
func NewAccessKey(id, secret string) *AccessKey {
	return NewTemporaryAccessKey(id, secret, "", time.Time{})
}

// NewTemporaryAccessKey makes an access key that is valid only with its security token, until expiresAt; the zero
// time means that its end is not known.
func NewTemporaryAccessKey(id, secret, securityToken string, expiresAt time.Time) *AccessKey {
	return &AccessKey{id: id, secrets: func() (string, string) { return secret, securityToken }, expiresAt: expiresAt}
}

// Format prints the id, which is not secret.
func (k *AccessKey) Format(f fmt.State, _ rune) {
	if k == nil {
		fmt.Fprint(f, "<nil>")
		return
	}
	fmt.Fprintf(f, "codeartsbuild.AccessKey{%s}", oneLine(k.id, 64))
}

func (k *AccessKey) usable() bool {
	if k == nil || k.secrets == nil || k.id == "" {
		return false
	}
	secret, _ := k.secrets()
	return secret != ""
}

func (k *AccessKey) validity() (time.Time, time.Duration) {
	if k == nil {
		return time.Time{}, 0
	}
	return k.expiresAt, 0
}

// check rejects a key that no service issues. A line break that was read with the secret from a file would only
// make the signature wrong.
func (k *AccessKey) check() error {
	secret, securityToken := k.secrets()
	for _, part := range []string{k.id, secret, securityToken} {
		if !isWord(part) {
			return invalid("the access key must not hold a space, a comma, a line break or another character that cannot be sent")
		}
	}
	return nil
}

// An AccessKeySource returns the key that signs each attempt of a call. Users implement it; it must be safe for
// concurrent use and end when ctx does. Like a [TokenSource] it may have the methods
// Invalidate(*AccessKey) and CloseIdleConnections().
type AccessKeySource interface {
	AccessKey(ctx context.Context) (*AccessKey, error)
}

// StaticAccessKey is a source of one permanent access key.
func StaticAccessKey(id, secret string) AccessKeySource {
	return staticAccessKey{NewAccessKey(id, secret)}
}

type staticAccessKey struct{ key *AccessKey }

func (s staticAccessKey) AccessKey(context.Context) (*AccessKey, error) { return s.key, nil }

// A CachedAccessKeySource keeps the access key of another source until shortly before it expires, as a
// CachedTokenSource keeps a token. It is safe for concurrent use.
type CachedAccessKeySource struct{ cache cache[*AccessKey] }

// NewCachedAccessKeySource puts a cache in front of src, with the rules of NewCachedTokenSource.
func NewCachedAccessKeySource(src AccessKeySource) *CachedAccessKeySource {
	s := &CachedAccessKeySource{}
	s.cache.source = src
	s.cache.fetch = func(ctx context.Context) (*AccessKey, error) {
		if src == nil {
			return nil, invalid("the source of a CachedAccessKeySource must not be nil")
		}
		return src.AccessKey(ctx)
	}
	return s
}

// AccessKey returns the cached key, or a new one. The error is the source's, or the context's if that ended first.
func (s *CachedAccessKeySource) AccessKey(ctx context.Context) (*AccessKey, error) {
	return s.cache.get(ctx)
}

// Invalidate makes the cache forget k, if that is the key that it holds.
func (s *CachedAccessKeySource) Invalidate(k *AccessKey) {
	s.cache.drop(func(held *AccessKey) bool { return held == k })
}

// CloseIdleConnections closes the idle connections of the source behind the cache, if that can.
func (s *CachedAccessKeySource) CloseIdleConnections() { closeIdleConnections(s.cache.source) }

// Format prints the type only: the content is secret or behind a lock.
func (s *CachedAccessKeySource) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, "codeartsbuild.CachedAccessKeySource{…}")
}

// keyAuth signs requests.
type keyAuth struct {
	source    AccessKeySource
	projectID []string     // the value of X-Project-Id; nil: none
	clock     atomic.Int64 // nanoseconds that are added to the local time
	renewals
}

func (k *keyAuth) credential(ctx context.Context) (credential, error) {
	key, err := k.source.AccessKey(ctx)
	if err == nil && !key.usable() {
		err = errNoCredential
	}
	if err == nil {
		err = key.check()
	}
	if err != nil {
		return nil, err
	}
	return &signer{key: key, projectID: k.projectID, clock: time.Duration(k.clock.Load())}, nil
}

// rejected drops a cached key, and corrects the clock by that of the response.
func (k *keyAuth) rejected(cred credential, header http.Header) bool {
	s := cred.(*signer)
	again := k.correctClock(s.clock, header)
	if source, ok := k.source.(interface{ Invalidate(*AccessKey) }); ok && k.allow(s.key) {
		source.Invalidate(s.key)
		again = true
	}
	return again
}

const (
	// tolerance is how wrong a clock may be for a signature. The service allows 15 minutes.
	tolerance = 5 * time.Minute
	// maxCorrection is the largest error of a local clock that is believed: an hour of summer time, a time zone, a
	// wrong date. The Date of a response is not protected by anything, and a signature of another year can be kept
	// and used in that year.
	maxCorrection = 24 * time.Hour
)

// correctClock takes the service's time from a response to a signature that was not accepted, and reports whether a
// new signature may help. A correction that did not help is forgotten.
func (k *keyAuth) correctClock(used time.Duration, header http.Header) bool {
	var ahead time.Duration
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		ahead = time.Until(date)
	}
	if ahead.Abs() > maxCorrection {
		ahead = 0
	}
	if (ahead - used).Abs() < tolerance {
		k.clock.CompareAndSwap(int64(used), 0)
		return false
	}
	k.clock.CompareAndSwap(int64(used), int64(ahead))
	return true
}

func (k *keyAuth) closeIdleConnections() { closeIdleConnections(k.source) }

// A signer is the credential of one attempt: a key, and the signature that it made.
type signer struct {
	key       *AccessKey
	projectID []string
	clock     time.Duration
	signature string
}

func (s *signer) apply(req *http.Request, body []byte) {
	if s.projectID != nil {
		req.Header["X-Project-Id"] = s.projectID
	}
	secret, securityToken := s.key.secrets()
	s.signature = signing.Sign(req, body, signing.Key{ID: s.key.id, Secret: secret, SecurityToken: securityToken}, time.Now().Add(s.clock))
}

func (s *signer) secrets() []string {
	secret, securityToken := s.key.secrets()
	return []string{secret, securityToken, s.signature}
}
