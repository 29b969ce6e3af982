package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"

	"github.com/codeartsbuild-go/codeartsbuild"
)

const (
	loginCallers = 50
	loginTime    = 20 * time.Millisecond // long enough for all callers to wait for it
)

// A login counts the token requests of many callers who begin at the same time.
type login struct {
	Cold    int // without a token
	Expired int // when the service rejects the token that they have
}

// An identity issues tokens and is the service that takes them, too.
type identity struct {
	mu     sync.Mutex
	logins int
	valid  string
}

func (i *identity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/v3/auth/tokens" {
		time.Sleep(loginTime)
		w.Header().Set("X-Subject-Token", i.issue())
		w.WriteHeader(http.StatusCreated)
		expires := time.Now().Add(24 * time.Hour).UTC().Format("2006-01-02T15:04:05.000000Z")
		_, _ = fmt.Fprintf(w, `{"token":{"expires_at":%q,"project":{"id":%q},"catalog":[]}}`, expires, madeUpProject)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if r.Header.Get("X-Auth-Token") != i.valid {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information"}`)
		return
	}
	_, _ = io.WriteString(w, accepted)
}

func (i *identity) issue() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.logins++
	i.valid = fmt.Sprintf("token-%d", i.logins)
	return i.valid
}

// expire makes the token worthless and returns how many were requested.
func (i *identity) expire() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.valid = "none"
	return i.logins
}

// measureLogins counts for the clients that log in by themselves.
func measureLogins(ctx context.Context, c client) (login, error) {
	i := &identity{valid: "none"}
	server := httptest.NewServer(i)
	defer server.Close()
	stop, err := c.logsIn(ctx, server.URL)
	if err != nil {
		return login{}, err
	}
	if err := together(loginCallers, func(int) error { return stopOnce(ctx, stop) }); err != nil {
		return login{}, err
	}
	cold := i.expire()
	if err := together(loginCallers, func(int) error { return stopOnce(ctx, stop) }); err != nil {
		return login{}, err
	}
	return login{Cold: cold, Expired: i.expire() - cold}, nil
}

func loginOurs(_ context.Context, endpoint string) (stop, error) {
	tokens, err := codeartsbuild.NewIAMTokenSource(codeartsbuild.IAMConfig{
		Endpoint: endpoint, DomainName: "made-up", UserName: "made-up", ProjectName: "made-up",
		Password: codeartsbuild.StaticSecret("made-up-password"),
	})
	if err != nil {
		return nil, err
	}
	c, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint(endpoint), codeartsbuild.WithTokenSource(tokens))
	if err != nil {
		return nil, err
	}
	return ourStop(c), nil
}

// loginGophercloud logs in when the client is made, as gophercloud does.
func loginGophercloud(ctx context.Context, endpoint string) (stop, error) {
	provider, err := openstack.AuthenticatedClient(ctx, gophercloud.AuthOptions{
		IdentityEndpoint: endpoint + "/v3/", DomainName: "made-up", Username: "made-up", Password: "made-up-password",
		Scope: &gophercloud.AuthScope{ProjectName: "made-up", DomainName: "made-up"}, AllowReauth: true,
	})
	if err != nil {
		return nil, err
	}
	return gophercloudStop(provider, setup{endpoint: endpoint}), nil
}
