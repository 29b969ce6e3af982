package codeartsbuild

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A SecretFunc returns a secret. It is asked at each login, so that a rotated password is picked up, under
// the context of the login.
type SecretFunc func(ctx context.Context) (string, error)

// StaticSecret is a SecretFunc of a secret that does not change.
func StaticSecret(value string) SecretFunc {
	return func(context.Context) (string, error) { return value, nil }
}

// IAMConfig says how NewIAMTokenSource logs in: who, with which secret, where, and for which project.
type IAMConfig struct {
	Region   string // such as "cn-north-4"; chooses the endpoint and, unless it is given, the project
	Endpoint string // of IAM or another Keystone, with or without /v3; default: https://iam.{Region}.myhuaweicloud.com

	DomainName, DomainID string // the account, by name or by id; needed with names of user or project
	UserName, UserID     string // the user of the account, by name or by id

	Password SecretFunc
	Passcode SecretFunc // the one-time code of a user with a second factor; nil: none

	ProjectName, ProjectID string // the project of the token, by name or by id; default: the project named like Region

	Transport    http.RoundTripper // default: a transport of its own, as for WithTransport
	InsecureHTTP bool              // allows the password over http:// to a host that is not this machine
}

// iamTimeout bounds one attempt of a login.
const iamTimeout = 10 * time.Second

// The token request changes nothing that anybody would miss, so that it is replayed like a read. A 401 or
// a 403 never is: repeated logins lock the user.
var opCreateToken = operation{name: "CreateToken", method: http.MethodPost, path: "/v3/auth/tokens", readOnly: true, login: true}

// NewIAMTokenSource logs in at Huawei Cloud IAM, or any Keystone, with a user's password, and keeps the token
// as NewCachedTokenSource does. It checks what can be checked without I/O; its errors are
// ErrInvalidArgument.
//
// Token fails with the [*APIError] of the login, whose Operation is "CreateToken": [ErrUnauthorized] for a
// wrong name, password, account or project (IAM does not say which), and [ErrNotProjectScoped] where the
// token is none of a project's. Each attempt of a login may take 10 s.
//
// API: CreateToken, POST /v3/auth/tokens, of IAM (KeystoneCreateUserTokenByPassword).
func NewIAMTokenSource(cfg IAMConfig) (*CachedTokenSource, error) {
	if cfg.ProjectName == "" && cfg.ProjectID == "" {
		cfg.ProjectName = cfg.Region
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	endpoint, err := cfg.origin()
	if err != nil {
		return nil, err
	}
	endpoint.RawQuery = "nocatalog=true" // the catalog is most of the answer, and unused
	client := newClient(endpoint, &config{transport: cfg.Transport, settings: settings{timeout: iamTimeout}})
	return NewCachedTokenSource(&iamTokenSource{client: client, config: cfg}), nil
}

func (cfg *IAMConfig) validate() error {
	switch {
	case cfg.Region == "" && cfg.Endpoint == "":
		return invalid("IAMConfig: one of Region and Endpoint is needed")
	case cfg.UserName == "" && cfg.UserID == "":
		return invalid("IAMConfig: one of UserName and UserID is needed")
	case cfg.UserName != "" && cfg.UserID != "":
		return invalid("IAMConfig: both UserName and UserID are given")
	case cfg.DomainName != "" && cfg.DomainID != "":
		return invalid("IAMConfig: both DomainName and DomainID are given")
	case cfg.ProjectName != "" && cfg.ProjectID != "":
		return invalid("IAMConfig: both ProjectName and ProjectID are given")
	case cfg.ProjectName == "" && cfg.ProjectID == "":
		return invalid("IAMConfig: one of Region, ProjectName and ProjectID is needed")
	case (cfg.UserName != "" || cfg.ProjectName != "") && cfg.DomainName == "" && cfg.DomainID == "":
		return invalid("IAMConfig: a user or project given by name needs DomainName or DomainID, the account")
	case cfg.Password == nil:
		return invalid("IAMConfig: Password is needed")
	}
	return nil
}

func (cfg *IAMConfig) origin() (*url.URL, error) {
	if cfg.Endpoint == "" {
		if err := checkRegion(cfg.Region); err != nil {
			return nil, err
		}
		return parseEndpoint("https://iam."+cfg.Region+".myhuaweicloud.com", false, "")
	}
	endpoint, err := parseEndpoint(cfg.Endpoint, cfg.InsecureHTTP, "InsecureHTTP")
	if err != nil {
		return nil, err
	}
	endpoint.Path = strings.TrimSuffix(endpoint.Path, "/v3")
	endpoint.RawPath = strings.TrimSuffix(endpoint.RawPath, "/v3")
	return endpoint, nil
}

// iamTokenSource makes one login per Token.
type iamTokenSource struct {
	client *Client
	config IAMConfig
}

// CloseIdleConnections closes those to IAM.
func (s *iamTokenSource) CloseIdleConnections() { s.client.CloseIdleConnections() }

// Token logs in.
func (s *iamTokenSource) Token(ctx context.Context) (*Token, error) {
	password, err := s.config.Password(ctx)
	if err != nil {
		return nil, &callError{operation: opCreateToken.name, text: "no password: " + errorText(err), cause: err}
	}
	if password == "" {
		return nil, &callError{operation: opCreateToken.name, text: "the password is empty", kinds: []error{ErrInvalidArgument}}
	}
	secrets := []string{password}
	passcode := ""
	if s.config.Passcode != nil {
		if passcode, err = s.config.Passcode(ctx); err != nil {
			return nil, &callError{operation: opCreateToken.name, text: "no one-time code: " + errorText(err), cause: err}
		}
		if passcode == "" {
			return nil, &callError{operation: opCreateToken.name, text: "the one-time code is empty", kinds: []error{ErrInvalidArgument}}
		}
		secrets = append(secrets, passcode)
	}
	answer, err := fetch[tokenAnswer](ctx, s.client, &opCreateToken, nil, s.config.login(password, passcode),
		[]CallOption{callOption(func(c *callSettings) { c.secrets = secrets })})
	if err != nil {
		return nil, err
	}
	return answer.token, nil
}

// The parts of a login as the token API names them. A project given by name is sent with its domain, which
// Keystone wants.
type (
	loginRequest struct {
		Auth loginAuth `json:"auth"`
	}
	loginAuth struct {
		Identity loginIdentity `json:"identity"`
		Scope    loginScope    `json:"scope"`
	}
	loginIdentity struct {
		Methods  []string   `json:"methods"`
		Password loginUser  `json:"password"`
		TOTP     *loginUser `json:"totp,omitempty"`
	}
	loginUser struct {
		User loginName `json:"user"`
	}
	loginScope struct {
		Project loginName `json:"project"`
	}
	loginName struct {
		ID       string     `json:"id,omitzero"`
		Name     string     `json:"name,omitzero"`
		Domain   *loginName `json:"domain,omitempty"`
		Password string     `json:"password,omitzero"`
		Passcode string     `json:"passcode,omitzero"`
	}
)

func (cfg *IAMConfig) login(password, passcode string) loginRequest {
	domain := &loginName{ID: cfg.DomainID, Name: cfg.DomainName}
	named := func(id, name string) loginName {
		if id != "" {
			return loginName{ID: id}
		}
		return loginName{Name: name, Domain: domain}
	}
	user := named(cfg.UserID, cfg.UserName)
	identity := loginIdentity{Methods: []string{"password"}, Password: loginUser{user}}
	identity.Password.User.Password = password
	if cfg.Passcode != nil {
		identity.Methods = append(identity.Methods, "totp")
		identity.TOTP = &loginUser{user}
		identity.TOTP.User.Passcode = passcode
	}
	return loginRequest{loginAuth{identity, loginScope{named(cfg.ProjectID, cfg.ProjectName)}}}
}

// tokenAnswer is the answer to a login: the token itself is in a header.
type tokenAnswer struct{ token *Token }

func (a *tokenAnswer) decodeAnswer(payload []byte, info answerInfo) error {
	value := info.header.Get("X-Subject-Token")
	var answer struct {
		Token *struct {
			ExpiresAt flexibleTime `json:"expires_at"`
			IssuedAt  flexibleTime `json:"issued_at"`
			Project   struct {
				ID flexibleString `json:"id"`
			} `json:"project"`
		} `json:"token"`
	}
	switch err := json.Unmarshal(payload, &answer); {
	case value == "":
		return errors.New("the answer to the login has no X-Subject-Token")
	case !isHeaderValue(value):
		return errors.New("the token has characters that a header cannot carry")
	case err != nil || answer.Token == nil:
		return errors.New("the answer to the login does not describe a token")
	case answer.Token.Project.ID == "":
		return ErrNotProjectScoped
	}
	a.token = NewToken(value, answer.Token.ExpiresAt.Time)
	a.token.projectID = string(answer.Token.Project.ID)
	if issued := answer.Token.IssuedAt.Time; !issued.IsZero() && !a.token.expiresAt.IsZero() {
		a.token.lifetime = max(answer.Token.ExpiresAt.Sub(issued), 0)
	}
	return nil
}

// loginProblem reads the refusal of a login. Keystone quotes a request that it cannot read, and a quoted
// password may be spelled in ways that no search finds, so that only the title of such an answer is kept.
// Where a second factor is wanted the answer is no error of any known form.
func loginProblem(status int, body []byte) problem {
	if !json.Valid(body) {
		return problem{message: pageTitle(string(body))}
	}
	for m := membersOf(body); m.next(); {
		if string(m.name) == "receipt" || string(m.name) == "required_auth_methods" {
			return problem{code: strconv.Itoa(status), message: "a one-time code is wanted as well: set IAMConfig.Passcode"}
		}
	}
	p := readProblem(body, 2)
	if quotesRequest(status) {
		p.message = titleOf(body)
	}
	return p
}

// quotesRequest reports whether an answer of this status may quote the request.
func quotesRequest(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests:
		return false
	}
	return status < 500
}

func titleOf(body []byte) string {
	for m := membersOf(body); m.next(); {
		switch string(m.name) {
		case "title":
			return scalarText(m.value)
		case "error":
			if title := titleOf(m.value); title != "" {
				return title
			}
		}
	}
	return ""
}
