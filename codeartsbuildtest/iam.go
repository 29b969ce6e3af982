package codeartsbuildtest

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
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
	userPassword = "made-up-password-of-the-embedded-service"
	mfaPasscode  = "083585"
	projectName  = "eu-west-101" // IAM names its projects after regions

	maxLoginBody    = 114688
	receiptLifetime = 5 * time.Minute
)

var projectID = hexID("IAM project")

// IAMConfig returns the configuration of a login here: in memory or, once started, over the socket. It names
// everything; the ids of user, account and project are in the token's body.
//
// A second user, "builder-mfa" with the same password, needs the one-time code "083585", which stays
// valid; without it the login is refused with a receipt.
func (s *Server) IAMConfig() codeartsbuild.IAMConfig {
	s.mu.Lock()
	origin, started := s.origin()
	s.mu.Unlock()
	cfg := codeartsbuild.IAMConfig{
		Endpoint:    origin,
		DomainName:  accountName,
		UserName:    userName,
		Password:    codeartsbuild.StaticSecret(userPassword),
		ProjectName: projectName,
	}
	if !started {
		cfg.Transport = &transport{s}
	}
	return cfg
}

// A user is who can log in.
type user struct {
	id, name string
	passcode string // empty: the password is enough
}

var users = []user{
	{id: userID, name: userName},
	{id: hexID("user", mfaUserName), name: mfaUserName, passcode: mfaPasscode},
}

// createToken answers IAM's POST /v3/auth/tokens as Keystone was recorded to.
func (s *Server) createToken(c *call) answer {
	a := s.answerLogin(c)
	if a.header == nil {
		a.header = map[string]string{}
	}
	a.header["Vary"] = tokenHeader
	a.header["X-IAM-Trace-Id"] = c.requestID
	return a
}

func (s *Server) answerLogin(c *call) answer {
	if len(c.body) > maxLoginBody {
		return jsonAnswer(http.StatusRequestEntityTooLarge, iamJSON, map[string]string{
			"message": fmt.Sprintf("Request is too large. Larger than max_request_body_size (%d).<br /><br />\n\n\n", maxLoginBody),
			"code":    "413 Request Entity Too Large",
			"title":   "Request Entity Too Large",
		})
	}
	in, refused := parseLogin(c)
	if refused != nil {
		return *refused
	}
	u, refused := in.authenticate(c)
	if refused != nil {
		return *refused
	}
	if !in.known {
		return refuseLogin(c)
	}
	a := jsonAnswer(http.StatusCreated, iamJSON, map[string]any{"token": in.tokenBody(u, s.issued, c)})
	a.header = map[string]string{"X-Subject-Token": s.issueToken(in.scope, c.now)}
	return a
}

// issueToken makes a token that is good from now on. The caller holds s.mu.
func (s *Server) issueToken(sc scope, now time.Time) string {
	s.issued++
	seed := hexID("token", s.issued)
	a, b := sha512.Sum512([]byte(seed)), sha512.Sum512([]byte("second half of "+seed))
	value := "gAAAAAB" + base64.RawURLEncoding.EncodeToString(append(a[:], b[:]...))
	s.tokens[value] = grant{scope: sc, expiresAt: now.Truncate(time.Second).Add(tokenLifetime)}
	return value
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

func (in *login) tokenBody(u *user, number int, c *call) tokenBody {
	account := named{accountID, accountName}
	body := tokenBody{
		Methods:   in.methods,
		User:      tokenUser{namedInAccount: namedInAccount{account, u.id, u.name}},
		AuditIDs:  []string{hexID("audit", number)[:22]},
		ExpiresAt: iamTime(c.now.Add(tokenLifetime)),
		IssuedAt:  iamTime(c.now),
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
	if !c.query.Has("nocatalog") {
		body.Catalog = catalog(c)
	}
	return body
}

func catalog(c *call) []catalogEntry {
	return []catalogEntry{{
		Endpoints: []catalogEndpoint{{
			ID:        hexID("catalog endpoint"),
			Interface: "public",
			RegionID:  projectName,
			URL:       loginRoot(c.r),
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

func iamError(status int, message string) answer {
	type failure struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Title   string `json:"title"`
	}
	return jsonAnswer(status, iamJSON, struct {
		Error failure `json:"error"`
	}{failure{status, message, http.StatusText(status)}})
}

// refuseLogin is the one answer to all that is not to be told apart.
func refuseLogin(c *call) answer {
	a := iamError(http.StatusUnauthorized, "The request you have made requires authentication.")
	a.header = map[string]string{"Www-Authenticate": fmt.Sprintf("Keystone uri=%q", loginRoot(c.r))}
	return a
}

func expecting(what string) *answer {
	a := iamError(http.StatusBadRequest, "Expecting to find "+what+". The server could not comply with the request"+
		" since it is either malformed or otherwise incorrect. The client is assumed to be in error.")
	return &a
}

// refuseSchema quotes what it refuses, secrets and all, as Keystone does.
func refuseSchema(why, place string, instance json.RawMessage) *answer {
	a := iamError(http.StatusBadRequest, why+"\n\nOn "+place+":\n    "+string(instance))
	return &a
}

// askForPasscode refuses a login that lacks the one-time code. It is no error of IAM's form.
func askForPasscode(c *call, u *user) *answer {
	type receipt struct {
		Methods   []string       `json:"methods"`
		User      namedInAccount `json:"user"`
		ExpiresAt string         `json:"expires_at"`
		IssuedAt  string         `json:"issued_at"`
	}
	a := jsonAnswer(http.StatusUnauthorized, iamJSON, struct {
		Receipt  receipt    `json:"receipt"`
		Required [][]string `json:"required_auth_methods"`
	}{
		receipt{
			Methods:   []string{"password"},
			User:      namedInAccount{named{accountID, accountName}, u.id, u.name},
			ExpiresAt: iamTime(c.now.Add(receiptLifetime)),
			IssuedAt:  iamTime(c.now),
		},
		[][]string{{"password", "totp"}},
	})
	a.header = map[string]string{"Openstack-Auth-Receipt": "gAAAAABr" + hexID("receipt", c.requestID)}
	return &a
}

// redirectToLogin is what Keystone does with a slash too many in the path of the login: a client that
// follows sends its password twice.
func redirectToLogin(w http.ResponseWriter, r *http.Request) {
	to := html.EscapeString(requestOrigin(r) + tokenPath)
	answer{
		status:      http.StatusPermanentRedirect,
		contentType: htmlText,
		header:      map[string]string{"Location": to},
		body: []byte("<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n" +
			"<p>You should be redirected automatically to the target URL: <a href=\"" + to + "\">" + to +
			"</a>. If not, click the link.\n"),
	}.write(w)
}
