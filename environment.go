package codeartsbuild

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// WithEnvironment finds the endpoint, the credential and the project that the other options do not give. It takes each
// of them from the first place that has it. An empty variable counts as not set.
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
//  4. The profile file, an INI file with ak, sk, security_token and project_id in the section [basic]. If
//     HUAWEICLOUD_SDK_CREDENTIALS_FILE names the file, it must exist and hold a key. The file
//     ~/.huaweicloud/credentials need not.
//  5. Pod identity, if HC_CONTAINER_CREDENTIALS_FULL_URI is set: temporary keys from that address, with the
//     content of the file HC_CONTAINER_AUTHORIZATION_TOKEN_FILE as Authorization. The address starts with
//     https://, or is a loopback or link-local one, see WithInsecureHTTP. The metadata service is then not
//     asked.
//  6. The metadata service of the instance, version 2 or, if it has only that, version 1: the temporary keys of
//     the instance's agency.
//
// A user logs in as with [NewIAMTokenSource], through the client's transport: at HW_AUTH_URL or OS_AUTH_URL,
// HUAWEICLOUD_SDK_IAM_ENDPOINT, or the region's IAM, for the project below, HW_PROJECT_NAME or OS_PROJECT_NAME, or
// the project with the name of the region. If both an id and a name are set, the id counts. If the login is at another
// cloud, a host outside myhuaweicloud.com and myhuaweicloud.eu, the endpoint must be given as well: a region is not
// enough, since the token of that cloud would go to Huawei Cloud.
//
// Project, unless WithProjectID is given: HUAWEICLOUD_SDK_PROJECT_ID, HW_PROJECT_ID, OS_PROJECT_ID and the profile
// file, in this order, up to the place of the credential; with WithAccessKeySource the variables only.
//
// NewClient reads variables and the profile file only. Pod identity and metadata are asked when a call needs a key,
// with the context of that call, never through a proxy. If there is no response, or one with the status 404, 429 or 5xx,
// they are asked again, in all for at most 10 s and 3 s. Their keys are kept, and renewed early, as
// [NewCachedAccessKeySource] does. If they give no key, the call fails with ErrUnauthorized, and the text names the
// service and its host, and all places that were searched.
//
// NewClient returns ErrInvalidArgument for half a credential, two credentials in one of the places, a value that cannot
// be sent, a file that is not a regular file, cannot be read or is not an INI file, and an endpoint or region that is
// missing or invalid. The error has the name of the variable or file and nothing of its content.
func WithEnvironment() ClientOption {
	env := environment{lookup: os.LookupEnv, home: os.UserHomeDir, metadata: metadataEndpoint}
	return env.option()
}

// An environment is where WithEnvironment looks.
type environment struct {
	lookup    func(name string) (value string, ok bool)
	within    string // where lookup looks, at the end of each name in an error; "": the variables
	home      func() (string, error)
	metadata  string            // the address of the metadata service
	transport http.RoundTripper // to it and to pod identity; nil: one of its own
}

func (env *environment) option() ClientOption {
	return clientOption(func(c *config) { c.environment = env.fill })
}

// A tool is the names under which one tool keeps a credential.
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

// profileKeys are the names in the profile file.
var profileKeys = tool{keyID: "ak", keySecret: "sk", securityToken: "security_token", projectID: "project_id"}

var regionVariables = []string{"HUAWEICLOUD_SDK_REGION", "HW_REGION_NAME", "OS_REGION_NAME"}

// A setting is a value and its name. No error shows the value.
type setting struct{ name, value string }

// first is the first of these names that has a value. If none has one, the value is empty.
func (env *environment) first(names ...string) setting {
	for _, name := range names {
		if value, ok := env.lookup(name); ok && value != "" {
			return setting{name + env.within, value}
		}
	}
	return setting{name: strings.Join(names, " or ") + env.within}
}

// present returns the settings that have a value.
func present(settings ...setting) []setting {
	var kept []setting
	for _, f := range settings {
		if f.value != "" {
			kept = append(kept, f)
		}
	}
	return kept
}

func anyOf(settings ...setting) setting { return append(present(settings...), setting{})[0] }

// fill gives the options that are missing.
func (env *environment) fill(cfg *config) error {
	if cfg.region == nil && cfg.endpoint == nil {
		if err := env.fillEndpoint(cfg); err != nil {
			return err
		}
	}
	if cfg.tokens != nil {
		return nil // a token already belongs to a project
	}
	for i := range tools {
		if found, err := env.fillFrom(&tools[i], cfg); found || err != nil {
			return err
		}
	}
	if cfg.keys != nil {
		return nil
	}
	return env.fillFromFile(cfg)
}

func (env *environment) fillEndpoint(cfg *config) error {
	if endpoint := env.first("CODEARTSBUILD_ENDPOINT"); endpoint.value != "" {
		return cfg.useEndpoint(endpoint)
	}
	region, err := env.region()
	if err != nil {
		return err
	}
	if region.value == "" {
		return invalid("an endpoint is missing: set CODEARTSBUILD_ENDPOINT or one of %s, or use WithRegion or WithEndpoint",
			strings.Join(regionVariables, ", "))
	}
	suffix := strings.ToUpper(strings.ReplaceAll(region.value, "-", "_"))
	if moved := env.first("HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_" + suffix); moved.value != "" {
		moved.value, _, _ = strings.Cut(moved.value, ",")
		return cfg.useEndpoint(moved.withScheme())
	}
	cfg.region = &region.value
	return nil
}

// region is the region of the variables. If none is set, it has no value.
func (env *environment) region() (setting, error) {
	region := env.first(regionVariables...)
	if region.value != "" && checkRegion(region.value) != nil {
		return setting{}, invalid("%s must hold a region, a name such as cn-north-4", region.name)
	}
	return region, nil
}

func (cfg *config) useEndpoint(f setting) error {
	if _, err := f.endpoint(cfg); err != nil {
		return err
	}
	cfg.endpoint = &f.value
	return nil
}

// endpoint reads an address. Its error names all rules, since that of the broken one may quote the value.
func (f setting) endpoint(cfg *config) (*url.URL, error) {
	u, err := parseEndpoint(f.value, cfg.insecureHTTP, "WithInsecureHTTP")
	if err != nil {
		return nil, invalid("%s must hold an endpoint: https:// and a host, without user name, query and fragment; "+
			"http:// needs WithInsecureHTTP unless it is this machine", f.name)
	}
	return u, nil
}

// withScheme completes a bare host, which some variables hold.
func (f setting) withScheme() setting {
	f.value = strings.TrimSpace(f.value)
	if !strings.Contains(f.value, "://") {
		f.value = "https://" + f.value
	}
	return f
}

// fillFrom takes the project and the credential of a tool, if its names have values.
func (env *environment) fillFrom(t *tool, cfg *config) (found bool, err error) {
	if err := cfg.fillProject(env.first(t.projectID)); err != nil || cfg.keys != nil {
		return false, err
	}
	id, secret, securityToken := env.first(t.keyID), env.first(t.keySecret), env.first(t.securityToken)
	token, user, password := env.first(t.token), env.first(t.users...), env.first(t.password)
	key := anyOf(id, secret, securityToken)
	switch ways := present(key, token, password); {
	case len(ways) > 1:
		return false, invalid("%s and %s cannot be combined; unset one of them", ways[0].name, ways[1].name)
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

func (cfg *config) fillProject(project setting) error {
	if project.value == "" || cfg.projectID != nil {
		return nil
	}
	cfg.projectID = &project.value
	return project.checkWord()
}

// checkWord rejects a value that cannot be an id, key or token.
func (f setting) checkWord() error {
	if !isWord(f.value) {
		return invalid("%s must not hold a space, a comma, a line break or another character that cannot be sent", f.name)
	}
	return nil
}

func missingPart(has, lacks setting) error {
	return invalid("%s is set, and %s must be set as well", has.name, lacks.name)
}

// fillKey takes an access key of which at least one part is set.
func (cfg *config) fillKey(id, secret, securityToken setting) error {
	for _, part := range []setting{id, secret} {
		if part.value == "" {
			return missingPart(anyOf(id, secret, securityToken), part)
		}
	}
	for _, part := range []setting{id, secret, securityToken} {
		if err := part.checkWord(); err != nil {
			return err
		}
	}
	var source AccessKeySource = staticAccessKey{NewTemporaryAccessKey(id.value, secret.value, securityToken.value, time.Time{})}
	cfg.keys = &source
	return nil
}
