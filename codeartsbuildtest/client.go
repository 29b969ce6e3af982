package codeartsbuildtest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// Client returns a client that is ready to call this server, in memory or, once started, over the socket. It
// needs no login: its tokens are issued to it, a new one before the old one expires, so that a test may last weeks. A
// token that [ExpireToken] takes away fails one call. An option given here replaces the client's own.
//
// Client panics with the error of [codeartsbuild.NewClient] when the options do not fit together, for
// example when they hold an access key source, which is a second credential.
func (s *Server) Client(opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	origin, started := s.origin()
	own := []codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint(origin),
		codeartsbuild.WithTokenSource(&issuedTokens{server: s}),
	}
	if !started {
		own = append(own, codeartsbuild.WithTransport(s.Transport()))
	}
	client, err := codeartsbuild.NewClient(append(own, opts...)...)
	if err != nil {
		panic(fmt.Sprintf("codeartsbuildtest: Server.Client: %v", err))
	}
	return client
}

// issuedTokens are the tokens of a client of the server's own.
type issuedTokens struct {
	server *Server
	value  string
	token  *codeartsbuild.Token
}

func (i *issuedTokens) Token(context.Context) (*codeartsbuild.Token, error) {
	i.server.mu.Lock()
	defer i.server.mu.Unlock()
	s := &i.server.state
	if current, ok := s.tokens[i.value]; !ok || s.now().Add(time.Hour).After(current.expiresAt) {
		i.value = s.issueToken(scopeProject, s.now())
		i.token = codeartsbuild.NewToken(i.value, time.Time{})
	}
	return i.token, nil
}

// origin is where clients find the server, and whether that is a socket.
func (s *Server) origin() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.URL != "" {
		return s.URL, true
	}
	return memoryOrigin, false
}

// Transport returns a transport that reaches the server in memory, also after [Server.Start]. It is for a client or an
// [codeartsbuild.IAMConfig] of one's own. The host of a request does not matter.
func (s *Server) Transport() http.RoundTripper { return &transport{s} }
