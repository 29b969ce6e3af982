package codeartsbuild_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// A modelClient is one of the clients of a world.
type modelClient struct {
	*codeartsbuild.Client
	name string
	auto bool // it changes to the other API for stops by itself
}

// newClients makes clients with a token and with keys that end, for each API that stops builds.
func (w *modelWorld) newClients(t testing.TB, transport http.RoundTripper) []modelClient {
	token := func(opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
		return w.Client(append(opts, codeartsbuild.WithTransport(transport))...)
	}
	signed := func(opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
		source := codeartsbuild.NewCachedAccessKeySource(sdktest.AccessKeySource(w.issueKey))
		return sdktest.ClientWith(t, codeartsbuild.WithAccessKeySource(source), transport, opts...)
	}
	auto := codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto)
	return []modelClient{
		{token(), "token", false},
		{signed(), "key", false},
		{token(auto), "token, auto", true},
		{signed(auto), "key, auto", true},
		{token(codeartsbuild.WithStopAPI(codeartsbuild.StopAPIV1)), "token, v1", false},
	}
}

// clientOf chooses a client: most often the first one, so that waits share lists.
func (w *modelWorld) clientOf(n int) modelClient {
	return w.clients[max(n%8-3, 0)]
}

// modelKeys are the temporary keys that were issued.
type modelKeys struct {
	ends    map[string]time.Time // by security token
	newest  string
	renewed time.Time // when one was revoked last
}

// issueKey makes a key that is valid for some minutes.
func (w *modelWorld) issueKey(context.Context) (*codeartsbuild.AccessKey, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.saw["a key"]++
	n := len(w.keys.ends) + 1
	id, secret := w.AccessKey()
	w.keys.newest = fmt.Sprintf("security-token-%d", n)
	ends := time.Now().Add(time.Duration(2+n%5) * time.Minute)
	w.keys.ends[w.keys.newest] = ends
	return codeartsbuild.NewTemporaryAccessKey(id, secret, w.keys.newest, ends), nil
}

// accepts reports whether a request may have been signed with this key; "" stands for a token. No request may be sent
// with a key that has ended, unless it was revoked.
func (w *modelWorld) accepts(securityToken string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	ends, issued := w.keys.ends[securityToken]
	switch {
	case securityToken == "":
		return true
	case !issued:
		w.problem("a request has the unknown key %q", securityToken)
		return false
	case ends.IsZero():
		w.saw["a revoked key"]++
		return false
	case time.Now().After(ends):
		w.problem("a request has the key %q, which ended at %.1f s", securityToken, ends.Sub(w.began).Seconds())
		return false
	}
	return true
}

// change revokes the newest key or takes the API for stops away, and says which. A key is revoked rarely: a call renews
// a rejected credential once.
func (w *modelWorld) change(now time.Time, n int) string {
	if n%2 == 0 {
		w.retired = true
		return "StopJob is no longer published"
	}
	if w.keys.newest == "" || now.Sub(w.keys.renewed) < 10*time.Minute {
		return "nothing, since there is no key to revoke"
	}
	w.keys.renewed = now
	w.keys.ends[w.keys.newest] = time.Time{}
	return "the key " + w.keys.newest + " is revoked"
}
