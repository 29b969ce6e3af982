package codeartsbuildtest

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"path"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

const (
	accountName  = "acme"
	userName     = "builder"
	mfaUserName  = "builder-mfa"
	userPassword = "made-up-password-of-the-in-memory-service"
	mfaPasscode  = "083585"
	projectName  = "eu-west-101" // IAM names its projects after regions

	tokenLifetime   = 24 * time.Hour
	receiptLifetime = 5 * time.Minute
)

var projectID = hexID("IAM project")

// IAMConfig returns the configuration of a login here: in memory or, once started, over the socket. It names
// everything; the ids of user, account and project are in the token's body.
//
// A second user, "builder-mfa" with the same password, needs the one-time code "083585", which stays
// valid; without it the login is rejected with a receipt.
func (s *Server) IAMConfig() codeartsbuild.IAMConfig {
	origin, started := s.origin()
	cfg := codeartsbuild.IAMConfig{
		Endpoint:    origin,
		DomainName:  accountName,
		UserName:    userName,
		Password:    codeartsbuild.StaticSecret(userPassword),
		ProjectName: projectName,
	}
	if !started {
		cfg.Transport = s.Transport()
	}
	return cfg
}

// A user is one that can log in.
type user struct {
	id, name string
	passcode string // empty: the password is enough
}

var users = []user{
	{id: userID, name: userName},
	{id: hexID("user", mfaUserName), name: mfaUserName, passcode: mfaPasscode},
}

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

// A loginError is a login that IAM rejects.
type loginError struct{ *reply }

func (loginError) Error() string { return "the login is rejected" }

// createToken serves IAM's POST /v3/auth/tokens as Keystone was recorded to.
func (s *state) createToken(r *request) *reply {
	back, err := s.login(r)
	if rejected := (loginError{}); errors.As(err, &rejected) {
		back = rejected.reply
	}
	if back.header == nil {
		back.header = http.Header{}
	}
	back.header.Set("Vary", tokenHeader)
	back.header.Set("X-IAM-Trace-Id", r.id)
	return back
}

func (s *state) login(r *request) (*reply, error) {
	if len(r.body) > maxLoginBody {
		return jsonReply(http.StatusRequestEntityTooLarge, iamJSON, map[string]string{
			"message": fmt.Sprintf("Request is too large. Larger than max_request_body_size (%d).<br /><br />\n\n\n", maxLoginBody),
			"code":    "413 Request Entity Too Large",
			"title":   "Request Entity Too Large",
		}), nil
	}
	in, err := parseLogin(r)
	if err != nil {
		return nil, err
	}
	u, err := in.authenticate(r)
	if err != nil {
		return nil, err
	}
	if !in.known {
		return nil, wrongLogin(r)
	}
	back := jsonReply(http.StatusCreated, iamJSON, map[string]any{"token": in.tokenBody(u, s.issued, r)})
	back.header = http.Header{"X-Subject-Token": {s.issueToken(in.scope, r.now)}}
	return back, nil
}

// issueToken makes a token that is good from now on.
func (s *state) issueToken(sc scope, now time.Time) string {
	s.issued++
	seed := hexID("token", s.issued)
	a, b := sha512.Sum512([]byte(seed)), sha512.Sum512([]byte("second half of "+seed))
	value := "gAAAAAB" + base64.RawURLEncoding.EncodeToString(append(a[:], b[:]...))
	s.tokens[value] = grant{scope: sc, expiresAt: now.Truncate(time.Second).Add(tokenLifetime)}
	return value
}

// expire makes a token invalid.
func (s *Server) expire(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.state.tokens, token)
}

// iamTime is how IAM spells a time: UTC, whole seconds, always six zeros.
func iamTime(t time.Time) string {
	return t.UTC().Truncate(time.Second).Format("2006-01-02T15:04:05.000000Z")
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type namedInAccount struct {
	Domain named  `json:"domain"`
	ID     string `json:"id"`
	Name   string `json:"name"`
}

type tokenUser struct {
	namedInAccount
	PasswordExpiresAt *string `json:"password_expires_at"`
}

type tokenBody struct {
	Methods   []string        `json:"methods"`
	User      tokenUser       `json:"user"`
	AuditIDs  []string        `json:"audit_ids"`
	ExpiresAt string          `json:"expires_at"`
	IssuedAt  string          `json:"issued_at"`
	Project   *namedInAccount `json:"project,omitempty"`
	IsDomain  *bool           `json:"is_domain,omitempty"`
	Domain    *named          `json:"domain,omitempty"`
	Roles     []named         `json:"roles,omitempty"`
	Catalog   []catalogEntry  `json:"catalog,omitempty"`
}

type catalogEntry struct {
	Endpoints []catalogEndpoint `json:"endpoints"`
	ID        string            `json:"id"`
	Type      string            `json:"type"`
	Name      string            `json:"name"`
}

type catalogEndpoint struct {
	ID        string `json:"id"`
	Interface string `json:"interface"`
	RegionID  string `json:"region_id"`
	URL       string `json:"url"`
	Region    string `json:"region"`
}

func (in *login) tokenBody(u *user, number int, r *request) tokenBody {
	account := named{accountID, accountName}
	body := tokenBody{
		Methods:   in.methods,
		User:      tokenUser{namedInAccount: namedInAccount{account, u.id, u.name}},
		AuditIDs:  []string{hexID("audit", number)[:22]},
		ExpiresAt: iamTime(r.now.Add(tokenLifetime)),
		IssuedAt:  iamTime(r.now),
	}
	switch in.scope {
	case scopeNone:
		return body
	case scopeDomain:
		body.Domain = &account
	case scopeProject:
		body.Project = &namedInAccount{account, projectID, projectName}
		body.IsDomain = new(bool)
	}
	body.Roles = []named{{hexID("role"), "te_admin"}}
	if !r.http.URL.Query().Has("nocatalog") {
		body.Catalog = catalog(r.http)
	}
	return body
}

func catalog(r *http.Request) []catalogEntry {
	return []catalogEntry{{
		Endpoints: []catalogEndpoint{{
			ID:        hexID("catalog endpoint"),
			Interface: "public",
			RegionID:  projectName,
			URL:       loginRoot(r),
			Region:    projectName,
		}},
		ID:   hexID("catalog entry"),
		Type: "identity",
		Name: "keystone",
	}}
}

// requestOrigin is where a request found the server.
func requestOrigin(r *http.Request) string {
	if r.Host == memoryHost {
		return memoryOrigin
	}
	return "http://" + r.Host
}

func loginRoot(r *http.Request) string { return requestOrigin(r) + path.Dir(path.Dir(tokenPath)) }

func iamError(status int, message string) *reply {
	type failure struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Title   string `json:"title"`
	}
	return jsonReply(status, iamJSON, struct {
		Error failure `json:"error"`
	}{failure{status, message, http.StatusText(status)}})
}

// wrongLogin is the one error for all that must not be told apart.
func wrongLogin(r *request) error {
	back := iamError(http.StatusUnauthorized, "The request you have made requires authentication.")
	back.header = http.Header{"Www-Authenticate": {fmt.Sprintf("Keystone uri=%q", loginRoot(r.http))}}
	return loginError{back}
}

func expecting(missing string) error {
	return loginError{iamError(http.StatusBadRequest, "Expecting to find "+missing+". The server could not comply with the request"+
		" since it is either malformed or otherwise incorrect. The client is assumed to be in error.")}
}

// schemaError quotes the part of the request that it rejects, secrets included, as Keystone does.
func schemaError(reason, place string, instance json.RawMessage) error {
	return loginError{iamError(http.StatusBadRequest, reason+"\n\nOn "+place+":\n    "+string(instance))}
}

// askForPasscode rejects a login that lacks the one-time code. Its form is not that of IAM's errors.
func askForPasscode(r *request, u *user) error {
	type receipt struct {
		Methods   []string       `json:"methods"`
		User      namedInAccount `json:"user"`
		ExpiresAt string         `json:"expires_at"`
		IssuedAt  string         `json:"issued_at"`
	}
	back := jsonReply(http.StatusUnauthorized, iamJSON, struct {
		Receipt  receipt    `json:"receipt"`
		Required [][]string `json:"required_auth_methods"`
	}{
		receipt{
			Methods:   []string{"password"},
			User:      namedInAccount{named{accountID, accountName}, u.id, u.name},
			ExpiresAt: iamTime(r.now.Add(receiptLifetime)),
			IssuedAt:  iamTime(r.now),
		},
		[][]string{{"password", "totp"}},
	})
	back.header = http.Header{"Openstack-Auth-Receipt": {"gAAAAABr" + hexID("receipt", r.id)}}
	return loginError{back}
}

// redirectToLogin is what Keystone does with a slash too many in the path of the login: a client that
// follows sends its password twice.
func redirectToLogin(r *request) *reply {
	to := html.EscapeString(requestOrigin(r.http) + tokenPath)
	return &reply{
		status:      http.StatusPermanentRedirect,
		contentType: htmlText,
		header:      http.Header{"Location": {to}},
		body: []byte("<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n" +
			"<p>You should be redirected automatically to the target URL: <a href=\"" + to + "\">" + to +
			"</a>. If not, click the link.\n"),
	}
}
