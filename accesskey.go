package codeartsbuild

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
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

// NewTemporaryAccessKey makes an access key that is only good together with its security token, until
// expiresAt; the zero time means that its end is not known.
func NewTemporaryAccessKey(id, secret, securityToken string, expiresAt time.Time) *AccessKey {
	return &AccessKey{id: id, secrets: func() (string, string) { return secret, securityToken }, expiresAt: expiresAt}
}

// Format prints the id, which is no secret.
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

// check refuses what cannot be sent in a header.
func (k *AccessKey) check() error {
	_, securityToken := k.secrets()
	if !isHeaderValue(k.id) || strings.ContainsAny(k.id, ", ") || !isHeaderValue(securityToken) {
		return invalid("the access key has characters that a header cannot carry")
	}
	return nil
}

// An AccessKeySource gives the key that signs each attempt of a call. Users implement it; it must be safe
// for concurrent use and end when ctx does. Like a [TokenSource] it may have the methods
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

// A CachedAccessKeySource keeps the access key of another source until shortly before it ends, as a
// CachedTokenSource keeps a token. It is safe for concurrent use.
type CachedAccessKeySource struct{ cache cache[*AccessKey] }

// NewCachedAccessKeySource puts a cache in front of src, with the rules of NewCachedTokenSource.
func NewCachedAccessKeySource(src AccessKeySource) *CachedAccessKeySource {
	s := &CachedAccessKeySource{}
	s.cache.source = src
	s.cache.fetch = func(ctx context.Context) (*AccessKey, error) {
		if src == nil {
			return nil, invalid("the source of a CachedAccessKeySource is nil")
		}
		return src.AccessKey(ctx)
	}
	return s
}

// AccessKey returns the cached key, or a new one. The error is the source's, or the context's if that
// ended first.
func (s *CachedAccessKeySource) AccessKey(ctx context.Context) (*AccessKey, error) {
	return s.cache.get(ctx)
}

// Invalidate makes the cache forget k, if that is the key that it holds.
func (s *CachedAccessKeySource) Invalidate(k *AccessKey) {
	s.cache.drop(func(held *AccessKey) bool { return held == k })
}

// CloseIdleConnections closes the idle connections of the source behind the cache, if that can.
func (s *CachedAccessKeySource) CloseIdleConnections() { closeIdleConnections(s.cache.source) }

// Format prints the type only: what is inside is secret or behind a lock.
func (s *CachedAccessKeySource) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, "codeartsbuild.CachedAccessKeySource{…}")
}

const (
	signatureAlgorithm = "SDK-HMAC-SHA256"
	signatureTime      = "20060102T150405Z"
)

// sign adds the date and the signature of key to a request. Whatever the header holds by then is signed,
// but for the content type, which proxies are free to rewrite. It returns the signature alone.
func sign(req *http.Request, body []byte, key *AccessKey, at time.Time) string {
	secret, securityToken := key.secrets()
	date := at.UTC().Format(signatureTime)
	req.Header["X-Sdk-Date"] = []string{date}
	if securityToken != "" {
		req.Header["X-Security-Token"] = []string{securityToken}
	}
	if contentType := req.Header.Get("Content-Type"); contentType != "" &&
		!strings.Contains(contentType, "application/json") && !strings.Contains(contentType, "application/bson") &&
		req.Header.Get("X-Sdk-Content-Sha256") == "" {
		req.Header["X-Sdk-Content-Sha256"] = []string{"UNSIGNED-PAYLOAD"}
	}
	canonical, signed := canonicalRequest(req, body)
	hash := sha256.Sum256([]byte(canonical))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signatureAlgorithm + "\n" + date + "\n" + hex.EncodeToString(hash[:])))
	signature := hex.EncodeToString(mac.Sum(nil))
	req.Header["Authorization"] = []string{signatureAlgorithm + " Access=" + key.id +
		", SignedHeaders=" + signed + ", Signature=" + signature}
	return signature
}

// canonicalRequest is the text that is hashed and signed, and the list of the headers in it.
func canonicalRequest(req *http.Request, body []byte) (canonical, signed string) {
	names := make([]string, 0, len(req.Header))
	values := make(map[string]string, len(req.Header))
	for name, value := range req.Header {
		name = strings.ToLower(name)
		if !strings.HasPrefix(name, "content-type") && !strings.Contains(name, "_") {
			names = append(names, name)
			values[name] = strings.TrimSpace(strings.Join(value, ","))
		}
	}
	slices.Sort(names)
	signed = strings.Join(names, ";")

	payload := req.Header.Get("X-Sdk-Content-Sha256")
	if payload == "" {
		hash := sha256.Sum256(body)
		payload = hex.EncodeToString(hash[:])
	}
	var b strings.Builder
	b.WriteString(req.Method + "\n" + canonicalPath(req.URL.Path) + "\n" + canonicalQuery(req.URL.Query()) + "\n")
	for _, name := range names {
		b.WriteString(name + ":" + values[name] + "\n")
	}
	b.WriteString("\n" + signed + "\n" + payload)
	return b.String(), signed
}

func canonicalPath(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = percentEncode(segment)
	}
	encoded := strings.Join(segments, "/")
	if !strings.HasSuffix(encoded, "/") {
		encoded += "/"
	}
	return encoded
}

func canonicalQuery(query url.Values) string {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names)
	var pairs []string
	for _, name := range names {
		values := slices.Clone(query[name])
		slices.Sort(values)
		for _, value := range values {
			pairs = append(pairs, percentEncode(name)+"="+percentEncode(value))
		}
	}
	return strings.Join(pairs, "&")
}

// percentEncode leaves the unreserved characters of RFC 3986 only; url.QueryEscape differs in the space.
func percentEncode(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
