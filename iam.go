package codeartsbuild

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// A SecretFunc returns a secret. It is called before each login, with the context of the login, so that a rotated
// password is picked up.
type SecretFunc func(ctx context.Context) (string, error)

// StaticSecret returns a SecretFunc for a secret that does not change.
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
	Passcode SecretFunc // the one-time code of a user with a second factor; nil: no code

	ProjectName, ProjectID string // the project of the token, by name or by id; default: the project named like Region

	Transport    http.RoundTripper // default: a transport of its own, as for WithTransport
	InsecureHTTP bool              // allows the password over http:// to a host that is not this machine
}

// iamTimeout limits one attempt of a login.
const iamTimeout = 10 * time.Second

// A login changes nothing, so it is retried like a read. After 401 and 403 it never is: repeated logins lock the user.
var opCreateToken = operation{
	name: "CreateToken", method: http.MethodPost, path: "/v3/auth/tokens", effect: readOnly, flat: true,
	quotes: quotesRequest, problem: loginProblem,
}

// NewIAMTokenSource logs in at Huawei Cloud IAM, or any Keystone, with a user's password, and keeps the token
// as NewCachedTokenSource does. It checks what can be checked without I/O; its errors are
// ErrInvalidArgument.
//
// Token fails with the [*APIError] of the login, whose Operation is "CreateToken": [ErrUnauthorized] for a wrong name,
// password, account or project (IAM does not say which), and [ErrNotProjectScoped] for a token without a project. If
// IAM did not respond, the text of the error has CreateToken and the host of IAM. Each attempt of a login may take 10 s.
//
// IAM locks a user after a few wrong passwords. A login that was rejected with 401 or 403 is therefore not repeated
// with the same password for 1 minute, then 2, 4, 8 and 10; Token returns the same error meanwhile, with a note. The
// SecretFunc is asked each time, and another password is used at once; another one-time code is not.
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
	endpoint.RawQuery = "nocatalog=true" // the catalog is most of the response, and unused
	client := newClient(endpoint, &config{transport: cfg.Transport, settings: settings{timeout: iamTimeout}})
	return NewCachedTokenSource(&iamTokenSource{client: client, config: cfg}), nil
}

func (cfg *IAMConfig) validate() error {
	for _, f := range []struct{ name, value string }{
		{"Region", cfg.Region}, {"DomainName", cfg.DomainName}, {"DomainID", cfg.DomainID}, {"UserName", cfg.UserName},
		{"UserID", cfg.UserID}, {"ProjectName", cfg.ProjectName}, {"ProjectID", cfg.ProjectID},
	} {
		if !isName(f.value) {
			return invalid("IAMConfig.%s must be UTF-8 text without control characters, got %s", f.name, quoted(f.value))
		}
	}
	switch {
	case cfg.Region == "" && cfg.Endpoint == "":
		return invalid("IAMConfig must have Region or Endpoint")
	case cfg.UserName == "" && cfg.UserID == "":
		return invalid("IAMConfig must have UserName or UserID")
	case cfg.UserName != "" && cfg.UserID != "":
		return invalid("IAMConfig must not have both UserName and UserID")
	case cfg.DomainName != "" && cfg.DomainID != "":
		return invalid("IAMConfig must not have both DomainName and DomainID")
	case cfg.ProjectName != "" && cfg.ProjectID != "":
		return invalid("IAMConfig must not have both ProjectName and ProjectID")
	case cfg.ProjectName == "" && cfg.ProjectID == "":
		return invalid("IAMConfig must have Region, ProjectName or ProjectID")
	case (cfg.UserName != "" || cfg.ProjectName != "") && cfg.DomainName == "" && cfg.DomainID == "":
		return invalid("IAMConfig with a user or project by name must have DomainName or DomainID, the account")
	case cfg.Password == nil:
		return invalid("IAMConfig must have Password")
	}
	return nil
}

// isName rejects a text that IAM would not find, or find as another one: in another encoding, or with the line break
// or the byte order mark of the file that it was read from.
func isName(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, isControl)
}

// isControl also recognizes what ends a line or begins a file beyond ASCII.
func isControl(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff'
}

// isSecret is less strict, since a password may hold a control character for good reason, but not at its ends.
func isSecret(text string) bool {
	return utf8.ValidString(text) && strings.TrimFunc(text, isControl) == text
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
	endpoint.Path, endpoint.RawPath = withoutTokenPath(endpoint.Path), withoutTokenPath(endpoint.RawPath)
	return endpoint, nil
}

// withoutTokenPath accepts an address that goes on to the version, or to the call itself.
func withoutTokenPath(path string) string {
	for _, end := range []string{"/v3", "/v3/auth", opCreateToken.path} {
		if rest, ok := strings.CutSuffix(path, end); ok {
			return rest
		}
	}
	return path
}

// iamTokenSource makes one login per Token.
type iamTokenSource struct {
	client   *Client
	config   IAMConfig
	rejected rejectedLogin
}

// CloseIdleConnections closes those to IAM.
func (s *iamTokenSource) CloseIdleConnections() { s.client.CloseIdleConnections() }

// Token logs in.
func (s *iamTokenSource) Token(ctx context.Context) (*Token, error) {
	password, err := secretFrom(ctx, s.config.Password, "password")
	if err != nil {
		return nil, err
	}
	if err := s.rejected.with(password); err != nil {
		return nil, err
	}
	passcode := ""
	if s.config.Passcode != nil {
		if passcode, err = secretFrom(ctx, s.config.Passcode, "one-time code"); err != nil {
			return nil, err
		}
	}
	out := &loginResponse{}
	call := s.client.newCall(&opCreateToken, out)
	call.secrets, call.code = []string{password}, passcode
	err = s.client.do(ctx, &call, nil, s.config.login(password, passcode), nil)
	s.rejected.keep(password, err)
	if err != nil {
		return nil, ofHost(s.client.endpoint.Host, err)
	}
	return out.token, nil
}

// ofHost adds the host to an error without a response: it is not the one that the caller's client calls.
func ofHost(host string, err error) error {
	failed, ok := err.(*callError)
	if !ok {
		return err
	}
	told := *failed
	told.text = host + ": " + failed.text
	return &told
}

func secretFrom(ctx context.Context, secret SecretFunc, name string) (string, error) {
	value, err := secret(ctx)
	if err != nil {
		return "", &callError{
			operation: opCreateToken.name, text: "no " + name + ": " + errorText(err), details: details{cause: err},
		}
	}
	if value == "" {
		return "", opCreateToken.named(invalid("the %s must not be empty", name))
	}
	if !isSecret(value) {
		return "", opCreateToken.named(invalid("the %s must be UTF-8 text without a line break or another control character at its ends", name))
	}
	return value, nil
}

// A rejectedLogin is the last login that IAM rejected. By default Huawei Cloud locks a user after five wrong passwords
// within 15 minutes. With these pauses one client sends at most four.
type rejectedLogin struct {
	mu       sync.Mutex
	err      error // nil: the last login was accepted
	password [sha256.Size]byte
	pause    time.Duration
	until    time.Time
}

const (
	firstLoginPause   = time.Minute
	longestLoginPause = 10 * time.Minute
)

// with returns the error of the last login while another one with the same password is too early.
func (r *rejectedLogin) with(password string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := time.Until(r.until)
	if r.err == nil || left <= 0 || r.password != sha256.Sum256([]byte(password)) {
		return nil
	}
	return amend(r.err, fmt.Sprintf("; not tried again with the same password for %v", left.Round(time.Second)))
}

// keep remembers how a login with the password ended. A login that failed for another reason changes nothing.
func (r *rejectedLogin) keep(password string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.err = nil
	}
	if !errors.Is(err, ErrUnauthorized) && !errors.Is(err, ErrForbidden) {
		return
	}
	sum := sha256.Sum256([]byte(password))
	if r.err != nil && r.password == sum {
		r.pause = min(2*r.pause, longestLoginPause)
	} else {
		r.pause = firstLoginPause
	}
	r.err, r.password, r.until = ofAnotherCall(err), sum, time.Now().Add(r.pause)
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

// A loginResponse is the response to a login: the token itself is in a header.
type loginResponse struct{ token *Token }

func (r *loginResponse) decodePayload(payload []byte, of about) error {
	value := of.header.Get("X-Subject-Token")
	var body struct {
		Token *struct {
			ExpiresAt json.RawMessage `json:"expires_at"` // an unreadable time must not fail the login
			IssuedAt  json.RawMessage `json:"issued_at"`
			Project   struct {
				ID string `json:"id"`
			} `json:"project"`
		} `json:"token"`
	}
	err := loosejson.Unmarshal(payload, &body)
	switch {
	case value == "":
		return errors.New("the response to the login has no X-Subject-Token")
	case !isTrimmed(value):
		return errors.New("the token has characters that a header cannot carry")
	case err != nil || body.Token == nil:
		return errors.New("the response to the login does not describe a token")
	case body.Token.Project.ID == "":
		return ErrNotProjectScoped
	}
	expiresAt, issuedAt := loosejson.Time(loosejson.Text(body.Token.ExpiresAt)), loosejson.Time(loosejson.Text(body.Token.IssuedAt))
	r.token = NewToken(value, expiresAt)
	r.token.projectID = body.Token.Project.ID
	if !issuedAt.IsZero() && !expiresAt.IsZero() {
		r.token.lifetime = max(expiresAt.Sub(issuedAt), 0)
	}
	return nil
}

// loginProblem reads a rejected login. Keystone quotes a request that it cannot read, and a quoted password may be
// spelled in ways that no search finds: only the title of such a response is kept. If a second factor is missing, the
// response has the form of a receipt.
func loginProblem(status int, body []byte) problem {
	if !json.Valid(body) {
		return problem{message: pageTitle(string(body))}
	}
	for m := loosejson.Members(body); m.Next(); {
		if string(m.Name) == "receipt" || string(m.Name) == "required_auth_methods" {
			return problem{code: strconv.Itoa(status), message: "a one-time code is needed as well: set IAMConfig.Passcode"}
		}
	}
	r := readReport(body)
	p := r.problem(problemDepth)
	if quotesRequest(status) {
		p.message = titleOf(body)
	}
	return p
}

// quotesRequest reports whether the response to a login with this status may quote the request.
func quotesRequest(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests:
		return false
	}
	return status < 500
}

func titleOf(body []byte) string {
	for m := loosejson.Members(body); m.Next(); {
		switch string(m.Name) {
		case "title":
			return loosejson.Text(m.Value)
		case "error":
			if title := titleOf(m.Value); title != "" {
				return title
			}
		}
	}
	return ""
}
