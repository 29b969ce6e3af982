package codeartsbuildtest

import (
	"net/http"
	"time"
)

// tokenLifetime is how long a token is good for.
const tokenLifetime = 24 * time.Hour

const tokenHeader = "X-Auth-Token"

// A scope is what a token is good for.
type scope int

const (
	scopeNone scope = iota
	scopeDomain
	scopeProject
)

// A grant is what a token stands for.
type grant struct {
	scope     scope
	expiresAt time.Time
}

// authorize refuses a request whose credential is not good for the service; nil lets it pass.
func (s *Server) authorize(c *call) *answer {
	if token := c.r.Header.Get(tokenHeader); token != "" {
		return s.authorizeToken(c, token)
	}
	if c.r.Header.Get("Authorization") == "" {
		return c.refuseCredential("X-Auth-Token not found")
	}
	if err := verify(c.r, c.body, c.now); err != nil {
		return c.refuseCredential(err.Error())
	}
	return nil
}

func (s *Server) authorizeToken(c *call, token string) *answer {
	g, known := s.tokens[token]
	switch {
	case !known || !c.now.Before(g.expiresAt):
		a := gateway(c.requestID, http.StatusUnauthorized, "APIGW.0307", "The token must be updated")
		return &a
	case g.scope != scopeProject:
		a := gateway(c.requestID, http.StatusForbidden, "APIGW.0302",
			"The user is not allowed to call this API: the scope of the token is not a project")
		return &a
	}
	return nil
}

func (c *call) refuseCredential(why string) *answer {
	a := gateway(c.requestID, http.StatusUnauthorized, "APIGW.0301", "Incorrect IAM authentication information: "+why)
	return &a
}

// expire makes a token invalid.
func (s *Server) expire(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, token)
}
