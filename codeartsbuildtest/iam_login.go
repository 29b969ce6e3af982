package codeartsbuildtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	loginOperation = "CreateToken"
	tokenPath      = "/v3/auth/tokens"
	maxLoginBody   = 114688
)

func isLogin(r *http.Request) bool {
	return r.Method == http.MethodPost && (r.URL.Path == tokenPath || r.URL.Path == tokenPath+"/")
}

// isMisspeltLogin reports whether the path is that of the login but for slashes and dots.
func isMisspeltLogin(r *http.Request) bool {
	return r.URL.Path != tokenPath && path.Clean(r.URL.Path) == tokenPath && !isLogin(r)
}

// An identityRef names an account, project or user by id or by name, the latter with its account.
type identityRef struct {
	ID     text         `json:"id"`
	Name   text         `json:"name"`
	Domain *identityRef `json:"domain"`
}

// is reports whether the reference means the thing of the account with this id and name.
func (r *identityRef) is(id, name string) bool {
	if r.ID.given {
		return r.ID.value == id
	}
	return r.Name.value == name && (r.Domain == nil || r.Domain.is(accountID, accountName))
}

// incomplete reports whether a name lacks the account that it belongs to.
func (r *identityRef) incomplete() bool {
	return !r.ID.given && (r.Domain == nil || !r.Domain.ID.given && !r.Domain.Name.given)
}

// A proof is what a method of a login brings: the user, and a password or a code.
type proof struct {
	User struct {
		identityRef
		Password text `json:"password"`
		Passcode any  `json:"passcode"`
	} `json:"user"`
}

// shows reports whether the proof is right.
func (p *proof) shows(method string, u user) bool {
	if method == "totp" {
		return u.passcode != "" && p.User.Passcode == u.passcode
	}
	return p.User.Password.value == userPassword
}

// A text is a string and nothing else, not even null.
type text struct {
	given bool
	value string
}

func (t *text) UnmarshalJSON(data []byte) error {
	if data[0] != '"' {
		return fmt.Errorf("%s is not of type 'string'", data)
	}
	t.given = true
	return json.Unmarshal(data, &t.value)
}

// A login is a token request that is well formed.
type login struct {
	methods []string
	proofs  map[string]*proof // by method
	scope   scope
	known   bool // what the scope names exists
}

// parseLogin reads a token request in the order in which Keystone does.
func parseLogin(r *request) (*login, error) {
	kind := strings.ToLower(r.http.Header.Get("Content-Type"))
	if kind != "" && !strings.HasPrefix(kind, "application/json") {
		return nil, expecting("application/json in Content-Type header")
	}
	var body struct {
		Auth json.RawMessage `json:"auth"`
	}
	if len(r.body) > 0 && (!isObjectText(r.body) || json.Unmarshal(r.body, &body) != nil) {
		return nil, expecting("valid JSON in request body")
	}
	if len(body.Auth) == 0 {
		return nil, expecting("auth in request body")
	}
	var auth struct {
		Identity json.RawMessage `json:"identity"`
		Scope    json.RawMessage `json:"scope"`
	}
	if err := json.Unmarshal(body.Auth, &auth); err != nil || len(auth.Identity) == 0 {
		return nil, schemaError("'identity' is a required property", "instance", body.Auth)
	}
	in, err := parseIdentity(auth.Identity)
	if err != nil {
		return nil, err
	}
	return in, in.parseScope(auth.Scope)
}

func isObjectText(body []byte) bool {
	return utf8.Valid(body) && json.Valid(body) && bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
}

func parseIdentity(raw json.RawMessage) (*login, error) {
	const field = "Invalid input for field 'identity': "
	var blocks map[string]json.RawMessage
	if err := json.Unmarshal(raw, &blocks); err != nil {
		return nil, schemaError(field+"not of type 'object'", "instance['identity']", raw)
	}
	in := &login{proofs: map[string]*proof{}}
	if blocks["methods"] == nil {
		return nil, schemaError(field+"'methods' is a required property", "instance['identity']", raw)
	}
	if err := json.Unmarshal(blocks["methods"], &in.methods); err != nil {
		return nil, schemaError(field+"'methods' is not of type 'array'", "instance['identity']", raw)
	}
	for _, method := range in.methods {
		block, ok := blocks[method]
		if !ok {
			return nil, expecting(method + " in identity")
		}
		p := new(proof)
		if err := json.Unmarshal(block, p); err != nil {
			return nil, schemaError(field+err.Error(), "instance['identity']", raw)
		}
		in.proofs[method] = p
	}
	return in, nil
}

// parseScope reads what the token is to be good for: one thing, or nothing.
func (in *login) parseScope(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == `"unscoped"` {
		in.known = true
		return nil
	}
	var wanted map[string]*identityRef
	if err := json.Unmarshal(raw, &wanted); err != nil || len(wanted) != 1 {
		return expecting("system, project, domain, OS-TRUST:trust or unscoped in scope")
	}
	if project := wanted["project"]; project != nil {
		if project.incomplete() {
			return expecting("domain in project")
		}
		in.scope, in.known = scopeProject, project.is(projectID, projectName)
	}
	if domain := wanted["domain"]; domain != nil {
		in.scope, in.known = scopeDomain, domain.is(accountID, accountName)
	}
	return nil
}

// authenticate finds the user that logs in. Every failure has the same words, so that they cannot be used to find
// out which names exist; only a one-time code that is missing is asked for.
func (in *login) authenticate(r *request) (*user, error) {
	var found *user
	for _, method := range in.methods {
		p := in.proofs[method]
		if method != "password" && method != "totp" {
			return nil, wrongLogin(r)
		}
		if p.User.incomplete() {
			return nil, expecting("domain in user")
		}
		i := slices.IndexFunc(users, func(u user) bool { return p.User.is(u.id, u.name) })
		if i < 0 || found != nil && found != &users[i] || !p.shows(method, users[i]) {
			return nil, wrongLogin(r)
		}
		found = &users[i]
	}
	switch {
	case in.proofs["password"] == nil:
		return nil, wrongLogin(r)
	case found.passcode != "" && in.proofs["totp"] == nil:
		return nil, askForPasscode(r, found)
	}
	return found, nil
}
