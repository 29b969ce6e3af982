package codeartsbuild

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// WithEnvironment fills in what the other options leave open from the place where the program runs. What an
// option answers is not looked up; what is looked up is taken from the first place that has it. An empty
// variable counts as not set.
//
// Endpoint, unless WithRegion or WithEndpoint is given:
//
//  1. CODEARTSBUILD_ENDPOINT, with the rules of WithEndpoint.
//  2. The region in HUAWEICLOUD_SDK_REGION, HW_REGION_NAME or OS_REGION_NAME, as for WithRegion. A variable
//     that ends in the region's name moves its endpoint: HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 is
//     that of cn-north-4. It may hold a list with commas, of which the first is used.
//
// Credential, unless WithTokenSource or WithAccessKeySource is given:
//
//  1. HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, with HUAWEICLOUD_SDK_SECURITY_TOKEN for a temporary key, or
//     CODEARTSBUILD_TOKEN, an IAM token.
//  2. Terraform's names: HW_ACCESS_KEY and HW_SECRET_KEY, with HW_SECURITY_TOKEN, or a user with HW_USER_NAME
//     or HW_USER_ID, HW_USER_PASSWORD, and HW_DOMAIN_NAME or HW_DOMAIN_ID for the account.
//  3. OpenStack's names: OS_ACCESS_KEY and OS_SECRET_KEY, with OS_SECURITY_TOKEN, or a user with OS_USERNAME
//     or OS_USER_ID, OS_PASSWORD, and OS_USER_DOMAIN_NAME, OS_USER_DOMAIN_ID, OS_DOMAIN_NAME or OS_DOMAIN_ID
//     for the account.
//  4. The profile file HUAWEICLOUD_SDK_CREDENTIALS_FILE, or else ~/.huaweicloud/credentials: an INI file with ak,
//     sk, security_token and project_id in the section [basic]. It need not exist.
//  5. Pod identity, where HC_CONTAINER_CREDENTIALS_FULL_URI is set: temporary keys from that address, for the
//     content of the file HC_CONTAINER_AUTHORIZATION_TOKEN_FILE as Authorization. The address starts with
//     https://, or is a loopback or link-local one, see WithInsecureHTTP. The metadata service is then not
//     asked.
//  6. The metadata service of the instance, version 2 or, where that is not offered, version 1: the temporary keys of
//     the agency that the instance has.
//
// A user logs in as with [NewIAMTokenSource], through the client's transport: at HW_AUTH_URL or OS_AUTH_URL,
// HUAWEICLOUD_SDK_IAM_ENDPOINT, or the region's IAM, for the project below, HW_PROJECT_NAME or OS_PROJECT_NAME, or
// the project named like the region. Where both an id and a name are set, the id counts.
//
// Project, unless WithProjectID is given: HUAWEICLOUD_SDK_PROJECT_ID, HW_PROJECT_ID, OS_PROJECT_ID and the
// profile file, in this order, but none that comes after the place of the credential; with
// WithAccessKeySource the variables only.
//
// NewClient reads variables and the profile file only. Pod identity and metadata are asked when a call needs
// a key, under the context of that call, for at most 10 s and 3 s, never through a proxy; their keys are
// kept, and renewed early, as [NewCachedAccessKeySource] does. A call for which they give none fails with
// ErrUnauthorized, whose text lists where a credential was looked for.
//
// NewClient returns ErrInvalidArgument, with the name of the variable or file and none of its content, for
// half a credential, two credentials in one of the places, a value that cannot be sent, a file that cannot be
// read or is no INI file, and an endpoint or region that is missing or not valid.
func WithEnvironment() ClientOption {
	env := environment{lookup: os.LookupEnv, home: os.UserHomeDir, metadata: metadataEndpoint}
	return env.option()
}

// An environment is the place where a program runs.
type environment struct {
	lookup    func(name string) (value string, ok bool)
	home      func() (string, error)
	metadata  string            // the address of the metadata service
	transport http.RoundTripper // to it and to pod identity; nil: one of its own
}

func (env *environment) option() ClientOption {
	return clientOption(func(c *config) { c.environment = env.fill })
}

// A tool is one whose variables name a credential.
type tool struct {
	keyID, keySecret, securityToken string
	token                           string
	password                        string
	users, accounts                 []string // the ones that end in _ID hold an id, the others a name
	projectID, projectName          string
	authURL                         string
}

var tools = [...]tool{
	{
		keyID: "HUAWEICLOUD_SDK_AK", keySecret: "HUAWEICLOUD_SDK_SK", securityToken: "HUAWEICLOUD_SDK_SECURITY_TOKEN",
		token: "CODEARTSBUILD_TOKEN", projectID: "HUAWEICLOUD_SDK_PROJECT_ID",
	},
	{
		keyID: "HW_ACCESS_KEY", keySecret: "HW_SECRET_KEY", securityToken: "HW_SECURITY_TOKEN",
		users: []string{"HW_USER_ID", "HW_USER_NAME"}, password: "HW_USER_PASSWORD",
		accounts:  []string{"HW_DOMAIN_ID", "HW_DOMAIN_NAME"},
		projectID: "HW_PROJECT_ID", projectName: "HW_PROJECT_NAME", authURL: "HW_AUTH_URL",
	},
	{
		keyID: "OS_ACCESS_KEY", keySecret: "OS_SECRET_KEY", securityToken: "OS_SECURITY_TOKEN",
		users: []string{"OS_USER_ID", "OS_USERNAME"}, password: "OS_PASSWORD",
		accounts:  []string{"OS_USER_DOMAIN_ID", "OS_USER_DOMAIN_NAME", "OS_DOMAIN_ID", "OS_DOMAIN_NAME"},
		projectID: "OS_PROJECT_ID", projectName: "OS_PROJECT_NAME", authURL: "OS_AUTH_URL",
	},
}

var regionVariables = []string{"HUAWEICLOUD_SDK_REGION", "HW_REGION_NAME", "OS_REGION_NAME"}

// A finding is a value and the name of its place. Only the latter is ever told.
type finding struct{ name, value string }

// first is the first variable of these that is set. Without one the value is empty.
func (env *environment) first(names ...string) finding {
	for _, name := range names {
		if value, ok := env.lookup(name); ok && value != "" {
			return finding{name, value}
		}
	}
	return finding{name: strings.Join(names, " or ")}
}

// fill answers what the options left open.
func (env *environment) fill(cfg *config) error {
	if cfg.region == nil && cfg.endpoint == nil {
		if err := env.fillEndpoint(cfg); err != nil {
			return err
		}
	}
	if cfg.tokens != nil {
		return nil // a token is already a project's
	}
	given := cfg.keys != nil
	for i := range tools {
		if err := cfg.fillProject(env.first(tools[i].projectID)); err != nil {
			return err
		}
		if given {
			continue
		}
		if found, err := env.fillFrom(&tools[i], cfg); found || err != nil {
			return err
		}
	}
	if given {
		return nil
	}
	return env.fillFromProfile(cfg)
}

func (env *environment) fillEndpoint(cfg *config) error {
	if endpoint := env.first("CODEARTSBUILD_ENDPOINT"); endpoint.value != "" {
		return cfg.fillEndpoint(endpoint)
	}
	region, err := env.region()
	if err != nil {
		return err
	}
	if region.value == "" {
		return invalid("no endpoint: none of CODEARTSBUILD_ENDPOINT, %s is set, and neither WithRegion nor WithEndpoint is given",
			strings.Join(regionVariables, ", "))
	}
	suffix := strings.ToUpper(strings.ReplaceAll(region.value, "-", "_"))
	if moved := env.first("HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_" + suffix); moved.value != "" {
		moved.value, _, _ = strings.Cut(moved.value, ",")
		return cfg.fillEndpoint(moved.withScheme())
	}
	cfg.region = &region.value
	return nil
}

// region is that of the variables; it has no value when none is set.
func (env *environment) region() (finding, error) {
	region := env.first(regionVariables...)
	if region.value != "" && checkRegion(region.value) != nil {
		return finding{}, invalid("%s does not hold a region, which is a name such as cn-north-4", region.name)
	}
	return region, nil
}

func (cfg *config) fillEndpoint(endpoint finding) error {
	if err := cfg.checkEndpoint(endpoint); err != nil {
		return err
	}
	cfg.endpoint = &endpoint.value
	return nil
}

// checkEndpoint tells all the rules rather than the one that was broken, which may quote the value.
func (cfg *config) checkEndpoint(endpoint finding) error {
	if _, err := parseEndpoint(endpoint.value, cfg.insecureHTTP, "WithInsecureHTTP"); err != nil {
		return invalid("%s does not hold an endpoint: https:// and a host, without user name, query and fragment; "+
			"http:// needs WithInsecureHTTP unless it is this machine", endpoint.name)
	}
	return nil
}

// withScheme completes a bare host, which the vendor's variables may hold.
func (f finding) withScheme() finding {
	f.value = strings.TrimSpace(f.value)
	if !strings.Contains(f.value, "://") {
		f.value = "https://" + f.value
	}
	return f
}

func (cfg *config) fillProject(project finding) error {
	if project.value == "" || cfg.projectID != nil {
		return nil
	}
	if err := project.checkWord(); err != nil {
		return err
	}
	cfg.projectID = &project.value
	return nil
}

// checkWord refuses what no id, key or token has, and what a header cannot carry.
func (f finding) checkWord() error {
	if !isHeaderValue(f.value) || strings.ContainsAny(f.value, " ,") {
		return invalid("%s holds a space, a comma, a line break or another character that cannot be sent", f.name)
	}
	return nil
}

// fillFrom takes the credential of a tool, if its variables hold one.
func (env *environment) fillFrom(t *tool, cfg *config) (found bool, err error) {
	id, secret, securityToken := env.first(t.keyID), env.first(t.keySecret), env.first(t.securityToken)
	token, user, password := env.first(t.token), env.first(t.users...), env.first(t.password)
	key := anyOf(id, secret, securityToken)
	switch ways := present(key, token, password); {
	case len(ways) > 1:
		return false, invalid("both %s and %s are set, two credentials in one place; unset one of them", ways[0].name, ways[1].name)
	case len(ways) == 0 && user.value == "":
		return false, nil
	case key.value != "":
		return true, cfg.fillKey(id, secret, securityToken)
	case token.value != "":
		source := StaticToken(token.value)
		cfg.tokens = &source
		return true, token.checkWord()
	}
	return true, env.fillLogin(t, cfg, user, password)
}

// present keeps the findings that have a value.
func present(findings ...finding) []finding {
	var kept []finding
	for _, f := range findings {
		if f.value != "" {
			kept = append(kept, f)
		}
	}
	return kept
}

func anyOf(findings ...finding) finding { return append(present(findings...), finding{})[0] }

func halfSet(has, lacks finding) error {
	return invalid("%s is set, but %s is not", has.name, lacks.name)
}

// fillKey takes an access key of which at least one part is set.
func (cfg *config) fillKey(id, secret, securityToken finding) error {
	for _, part := range []finding{id, secret} {
		if part.value == "" {
			return halfSet(anyOf(id, secret, securityToken), part)
		}
	}
	for _, part := range []finding{id, secret, securityToken} {
		if err := part.checkWord(); err != nil {
			return err
		}
	}
	var source AccessKeySource = staticAccessKey{NewTemporaryAccessKey(id.value, secret.value, securityToken.value, time.Time{})}
	cfg.keys = &source
	return nil
}

// fillLogin logs in with the user and password of a tool, of which at least one is set.
func (env *environment) fillLogin(t *tool, cfg *config, user, password finding) error {
	account := env.first(t.accounts...)
	switch {
	case password.value == "":
		return halfSet(user, password)
	case user.value == "":
		return halfSet(password, user)
	case account.value == "" && (!user.isID() || cfg.projectID == nil):
		return invalid("%s is set, but not the account: one of %s", user.name, strings.Join(t.accounts, ", "))
	}
	login := IAMConfig{Password: StaticSecret(password.value), Transport: cfg.transport, InsecureHTTP: cfg.insecureHTTP}
	login.UserID, login.UserName = user.idOrName()
	login.DomainID, login.DomainName = account.idOrName()
	if err := env.aim(&login, t, cfg); err != nil {
		return err
	}
	source, err := NewIAMTokenSource(login)
	if err != nil {
		return err
	}
	var tokens TokenSource = source
	cfg.tokens = &tokens
	return nil
}

// aim says where to log in, and for which project. The password goes to the address that stands beside it, if any.
func (env *environment) aim(login *IAMConfig, t *tool, cfg *config) error {
	if endpoint := env.first(t.authURL, "HUAWEICLOUD_SDK_IAM_ENDPOINT"); endpoint.value != "" {
		endpoint = endpoint.withScheme()
		if err := cfg.checkEndpoint(endpoint); err != nil {
			return err
		}
		login.Endpoint = endpoint.value
	}
	if cfg.projectID != nil {
		login.ProjectID = *cfg.projectID
	} else {
		login.ProjectName = env.first(t.projectName).value
	}
	if login.Endpoint != "" && login.ProjectID+login.ProjectName != "" {
		return nil
	}
	if cfg.region != nil {
		login.Region = *cfg.region
		return nil
	}
	region, err := env.region()
	if err == nil && region.value == "" {
		err = invalid("%s is set, but not where to log in and for which project: set one of %s, or both %s and %s",
			t.password, strings.Join(regionVariables, ", "), t.authURL, t.projectName)
	}
	login.Region = region.value
	return err
}

func (f finding) isID() bool { return strings.HasSuffix(f.name, "_ID") }

func (f finding) idOrName() (id, name string) {
	if f.isID() {
		return f.value, ""
	}
	return "", f.value
}

// fillFromProfile takes the credential of the profile file or, where that has none, asks the machine for one
// when it is needed.
func (env *environment) fillFromProfile(cfg *config) error {
	file, err := env.readProfile()
	if err != nil {
		return err
	}
	if err := cfg.fillProject(file.finding("project_id")); err != nil {
		return err
	}
	id, secret, securityToken := file.finding("ak"), file.finding("sk"), file.finding("security_token")
	if anyOf(id, secret, securityToken).value != "" {
		return cfg.fillKey(id, secret, securityToken)
	}
	return env.fillFromMachine(cfg, file.lack)
}

// A profile is the section [basic] of a profile file.
type profile struct {
	path   string
	values map[string]string
	lack   string // says that there is no key in it
}

func (p *profile) finding(key string) finding {
	return finding{key + " in [basic] of " + p.path, p.values[key]}
}

// readProfile reads the profile file. One that does not exist is empty.
func (env *environment) readProfile() (*profile, error) {
	path := env.first("HUAWEICLOUD_SDK_CREDENTIALS_FILE").value
	if path == "" {
		home, err := env.home()
		if err != nil || home == "" {
			return &profile{lack: "no home folder with a profile file"}, nil
		}
		path = filepath.Join(home, ".huaweicloud", "credentials")
	}
	text, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return &profile{path: path, lack: "no file " + oneLine(path, 80)}, nil
	case err != nil:
		return nil, invalid("the profile file %s cannot be read: %s", path, fileProblem(err))
	}
	values, err := parseProfile(path, text)
	if err != nil {
		return nil, err
	}
	return &profile{path, values, "no ak in [basic] of " + oneLine(path, 80)}, nil
}

const maxFile = 1 << 20

var errLargeFile = errors.New("larger than 1 MiB")

// readFile reads a file that is expected to be small.
func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errLargeFile
	}
	return string(text), err
}

// fileProblem is the text of an error without the name of the file.
func fileProblem(err error) string {
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return err.Error()
}

// parseProfile reads the section [basic] of an INI file, with the spellings that the vendor's SDKs take:
// "=" or ":", comments with "#" or ";" on a line of their own or after a space, quotes around a value. The
// case of keys does not count. Its errors tell the line, and nothing that is in it.
func parseProfile(path, text string) (map[string]string, error) {
	values, section, number := map[string]string{}, "", 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		line = withoutComment(line)
		if line == "" {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok {
			if section, ok = strings.CutSuffix(name, "]"); !ok {
				return nil, invalid("%s, line %d: the section has no closing bracket", path, number)
			}
			section = strings.TrimSpace(section)
			continue
		}
		key, value, ok := cutKey(line)
		if !ok {
			return nil, invalid("%s, line %d: neither a section, a comment nor a key with a value", path, number)
		}
		if section != "basic" {
			continue
		}
		if _, twice := values[key]; twice {
			return nil, invalid("%s, line %d: a key of [basic] is given again", path, number)
		}
		values[key] = value
	}
	return values, nil
}

func withoutComment(line string) string {
	line = strings.TrimSpace(line)
	for i := range len(line) {
		if (line[i] == '#' || line[i] == ';') && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return strings.TrimSpace(line[:i])
		}
	}
	return line
}

func cutKey(line string) (key, value string, ok bool) {
	i := strings.IndexAny(line, "=:")
	if i <= 0 {
		return "", "", false
	}
	key, value = strings.ToLower(strings.TrimSpace(line[:i])), strings.TrimSpace(line[i+1:])
	if n := len(value); n >= 2 && value[0] == value[n-1] && strings.IndexByte("\"'`", value[0]) >= 0 {
		value = value[1 : n-1]
	}
	return key, value, true
}
