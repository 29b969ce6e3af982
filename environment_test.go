package codeartsbuild

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/profile"
)

// envIn is a place with these variables and this profile file, "" for none. Nothing answers there.
func envIn(t testing.TB, vars map[string]string, profile string) *environment {
	t.Helper()
	home := t.TempDir()
	if profile != "" {
		require.NoError(t, os.Mkdir(filepath.Join(home, ".huaweicloud"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(home, ".huaweicloud", "credentials"), []byte(profile), 0o600))
	}
	return &environment{
		lookup:    func(name string) (string, bool) { value, ok := vars[name]; return value, ok },
		home:      func() (string, error) { return home, nil },
		metadata:  "http://metadata.test",
		transport: envTransport(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }),
	}
}

type envTransport func(*http.Request) (*http.Response, error)

func (f envTransport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func envAnswer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// envSeen is what reached the service, and IAM before it.
type envSeen struct {
	url, token, key, securityToken, project string
	login, loginURL                         string
}

// envService is the service and IAM in memory.
type envService struct {
	mu   sync.Mutex
	seen envSeen
}

func (s *envService) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasSuffix(req.URL.Path, "/v3/auth/tokens") {
		body, err := io.ReadAll(req.Body)
		s.seen.login, s.seen.loginURL = string(body), req.URL.Scheme+"://"+req.URL.Host+req.URL.Path
		answer := envAnswer(201, `{"token":{"expires_at":"2100-01-01T00:00:00Z","project":{"id":"p"}}}`)
		answer.Header.Set("X-Subject-Token", "issued-token")
		return answer, err
	}
	s.seen.url = req.URL.Scheme + "://" + req.URL.Host
	s.seen.token = req.Header.Get("X-Auth-Token")
	s.seen.securityToken, s.seen.project = req.Header.Get("X-Security-Token"), req.Header.Get("X-Project-Id")
	if _, access, ok := strings.Cut(req.Header.Get("Authorization"), "Access="); ok {
		s.seen.key, _, _ = strings.Cut(access, ",")
	}
	return envAnswer(200, `{}`), nil
}

// envCall makes a client there, and one call.
func envCall(t testing.TB, env *environment, opts ...ClientOption) (envSeen, error) {
	t.Helper()
	service := &envService{}
	client, err := NewClient(append(slices.Clip(opts), env.option(), WithTransport(service))...)
	if err != nil {
		return envSeen{}, err
	}
	err = client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil)
	return service.seen, err
}

// login is the body of a login by password.
func envLogin(user, scope string) string {
	return `{"auth":{"identity":{"methods":["password"],"password":{"user":` + user + `}},"scope":{"project":` + scope + `}}}`
}

const (
	envURL = "https://cloudbuild-ext.cn-north-4.myhuaweicloud.com"
	envIAM = "https://iam.cn-north-4.myhuaweicloud.com/v3/auth/tokens"
)

func TestWhatTheEnvironmentFillsIn(t *testing.T) {
	t.Parallel()
	huawei := map[string]string{"HUAWEICLOUD_SDK_REGION": "cn-north-4", "HUAWEICLOUD_SDK_AK": "AKSDK", "HUAWEICLOUD_SDK_SK": "secret-sdk"}
	terraform := map[string]string{
		"HW_REGION_NAME": "cn-north-4", "HW_USER_NAME": "ci", "HW_USER_PASSWORD": "pass word", "HW_DOMAIN_NAME": "acme",
	}
	openstack := map[string]string{
		"OS_REGION_NAME": "cn-north-4", "OS_USERNAME": "ci", "OS_PASSWORD": "pass word", "OS_USER_DOMAIN_NAME": "acme",
	}
	const file = "[basic]\nak = AKFILE\nsk = secret-file\n"
	ci := envLogin(`{"name":"ci","domain":{"name":"acme"},"password":"pass word"}`, `{"name":"cn-north-4","domain":{"name":"acme"}}`)
	loggedIn := envSeen{url: envURL, token: "issued-token", login: ci, loginURL: envIAM}

	with := func(base map[string]string, pairs ...string) map[string]string {
		vars := maps.Clone(base)
		for i := 0; i < len(pairs); i += 2 {
			vars[pairs[i]] = pairs[i+1]
		}
		return vars
	}
	at := func(seen envSeen, change func(*envSeen)) envSeen { change(&seen); return seen }
	region := map[string]string{"HW_REGION_NAME": "cn-north-4"}

	tests := map[string]struct {
		vars    map[string]string
		profile string
		opts    []ClientOption
		want    envSeen
	}{
		"the vendor's names":       {vars: huawei, want: envSeen{url: envURL, key: "AKSDK"}},
		"a temporary key":          {vars: with(huawei, "HUAWEICLOUD_SDK_SECURITY_TOKEN", "st"), want: envSeen{url: envURL, key: "AKSDK", securityToken: "st"}},
		"a project for it":         {vars: with(huawei, "HUAWEICLOUD_SDK_PROJECT_ID", "p1"), want: envSeen{url: envURL, key: "AKSDK", project: "p1"}},
		"a token":                  {vars: with(region, "CODEARTSBUILD_TOKEN", "tok"), want: envSeen{url: envURL, token: "tok"}},
		"a token needs no project": {vars: with(region, "CODEARTSBUILD_TOKEN", "tok", "HUAWEICLOUD_SDK_PROJECT_ID", "p1"), want: envSeen{url: envURL, token: "tok"}},
		"Terraform's names for keys": {
			vars: map[string]string{"HW_REGION_NAME": "cn-north-4", "HW_ACCESS_KEY": "AKHW", "HW_SECRET_KEY": "secret-hw", "HW_SECURITY_TOKEN": "st", "HW_PROJECT_ID": "p2"},
			want: envSeen{url: envURL, key: "AKHW", securityToken: "st", project: "p2"},
		},
		"OpenStack's names for keys": {
			vars: map[string]string{"OS_REGION_NAME": "cn-north-4", "OS_ACCESS_KEY": "AKOS", "OS_SECRET_KEY": "secret-os", "OS_SECURITY_TOKEN": "st", "OS_PROJECT_ID": "p3"},
			want: envSeen{url: envURL, key: "AKOS", securityToken: "st", project: "p3"},
		},
		"Terraform's user": {vars: terraform, want: loggedIn},
		"OpenStack's user": {vars: openstack, want: loggedIn},
		"OpenStack's other name for the account": {
			vars: map[string]string{"OS_REGION_NAME": "cn-north-4", "OS_USERNAME": "ci", "OS_PASSWORD": "pass word", "OS_DOMAIN_NAME": "acme"},
			want: loggedIn,
		},
		"the user's account before the other": {vars: with(openstack, "OS_DOMAIN_ID", "d9", "OS_DOMAIN_NAME", "other"), want: loggedIn},
		"Terraform's ids before the names": {
			vars: with(terraform, "HW_USER_ID", "u1", "HW_DOMAIN_ID", "d1", "HW_PROJECT_ID", "p2", "HW_PROJECT_NAME", "ignored"),
			want: at(loggedIn, func(s *envSeen) { s.login = envLogin(`{"id":"u1","password":"pass word"}`, `{"id":"p2"}`) }),
		},
		"OpenStack's ids before the names": {
			vars: with(openstack, "OS_USER_ID", "u1", "OS_USER_DOMAIN_ID", "d1", "OS_PROJECT_NAME", "build"),
			want: at(loggedIn, func(s *envSeen) {
				s.login = envLogin(`{"id":"u1","password":"pass word"}`, `{"name":"build","domain":{"id":"d1"}}`)
			}),
		},
		"two ids need no account": {
			vars: map[string]string{"HW_REGION_NAME": "cn-north-4", "HW_USER_ID": "u1", "HW_USER_PASSWORD": "pass word", "HW_PROJECT_ID": "p2"},
			want: at(loggedIn, func(s *envSeen) { s.login = envLogin(`{"id":"u1","password":"pass word"}`, `{"id":"p2"}`) }),
		},
		"the project that an option gives": {
			vars: with(terraform, "HW_PROJECT_NAME", "ignored"), opts: []ClientOption{WithProjectID("p0")},
			want: at(loggedIn, func(s *envSeen) {
				s.login = envLogin(`{"name":"ci","domain":{"name":"acme"},"password":"pass word"}`, `{"id":"p0"}`)
			}),
		},
		"a user name without password beside a key": {
			vars: map[string]string{"HW_REGION_NAME": "cn-north-4", "HW_ACCESS_KEY": "AKHW", "HW_SECRET_KEY": "secret-hw", "HW_USER_NAME": "ci"},
			want: envSeen{url: envURL, key: "AKHW"},
		},
		"Terraform's address of IAM": {
			vars: with(terraform, "HW_AUTH_URL", "https://iam.example.com:443/v3", "HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://other.example.com"),
			want: at(loggedIn, func(s *envSeen) { s.loginURL = "https://iam.example.com:443/v3/auth/tokens" }),
		},
		"OpenStack's address of IAM": {
			vars: with(openstack, "OS_AUTH_URL", "http://127.0.0.1:5000/v3/"),
			want: at(loggedIn, func(s *envSeen) { s.loginURL = "http://127.0.0.1:5000/v3/auth/tokens" }),
		},
		"the vendor's address of IAM, a bare host": {
			vars: with(terraform, "HUAWEICLOUD_SDK_IAM_ENDPOINT", "iam.example.com"),
			want: at(loggedIn, func(s *envSeen) { s.loginURL = "https://iam.example.com/v3/auth/tokens" }),
		},
		"http to IAM with the option": {
			vars: with(openstack, "OS_AUTH_URL", "http://keystone:5000/v3"), opts: []ClientOption{WithInsecureHTTP()},
			want: at(loggedIn, func(s *envSeen) { s.loginURL = "http://keystone:5000/v3/auth/tokens" }),
		},
		"a region that is not looked at": {
			vars: with(openstack, "OS_REGION_NAME", "RegionOne", "OS_AUTH_URL", "https://iam.example.com/v3", "OS_PROJECT_NAME", "cn-north-4"),
			opts: []ClientOption{WithRegion("cn-north-4")},
			want: at(loggedIn, func(s *envSeen) { s.loginURL = "https://iam.example.com/v3/auth/tokens" }),
		},
		"the option's region for the login": {
			vars: map[string]string{"HW_USER_NAME": "ci", "HW_USER_PASSWORD": "pass word", "HW_DOMAIN_NAME": "acme"},
			opts: []ClientOption{WithRegion("cn-north-4")}, want: loggedIn,
		},
		"a region for the login beside an endpoint": {
			vars: with(terraform, "CODEARTSBUILD_ENDPOINT", "https://build.example.com"),
			want: at(loggedIn, func(s *envSeen) { s.url = "https://build.example.com" }),
		},

		"an endpoint before a region": {
			vars: with(huawei, "CODEARTSBUILD_ENDPOINT", "https://build.example.com", "HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4", "https://no.example.com"),
			want: envSeen{url: "https://build.example.com", key: "AKSDK"},
		},
		"the endpoint of a region": {
			vars: with(huawei, "HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4", "https://a.example.com, https://b.example.com"),
			want: envSeen{url: "https://a.example.com", key: "AKSDK"},
		},
		"the endpoint of a region, a bare host": {
			vars: with(huawei, "HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4", "a.example.com"),
			want: envSeen{url: "https://a.example.com", key: "AKSDK"},
		},
		"the endpoint of another region": {
			vars: with(huawei, "HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_EAST_3", "https://a.example.com"),
			want: envSeen{url: envURL, key: "AKSDK"},
		},
		"regions in order": {
			vars: with(huawei, "HW_REGION_NAME", "cn-east-3", "OS_REGION_NAME", "cn-south-1"),
			want: envSeen{url: envURL, key: "AKSDK"},
		},
		"an empty variable is none": {
			vars: map[string]string{"HUAWEICLOUD_SDK_REGION": "", "HUAWEICLOUD_SDK_AK": "", "CODEARTSBUILD_TOKEN": "", "HW_REGION_NAME": "cn-north-4", "HW_ACCESS_KEY": "AKHW", "HW_SECRET_KEY": "secret-hw"},
			want: envSeen{url: envURL, key: "AKHW"},
		},

		"the vendor's names before the others": {
			vars: with(huawei, "HW_ACCESS_KEY", "AKHW", "HW_SECRET_KEY", "secret-hw", "OS_PASSWORD", "half"), profile: file,
			want: envSeen{url: envURL, key: "AKSDK"},
		},
		"Terraform's names before OpenStack's": {
			vars: with(openstack, "HW_ACCESS_KEY", "AKHW", "HW_SECRET_KEY", "secret-hw"), profile: file,
			want: envSeen{url: envURL, key: "AKHW"},
		},
		"a variable before the file": {
			vars: openstack, profile: "broken", want: loggedIn,
		},
		"the file": {vars: region, profile: file, want: envSeen{url: envURL, key: "AKFILE"}},
		"all of the file": {
			vars: region, profile: "[basic]\nak=AKFILE\nsk=secret-file\nsecurity_token=st\nproject_id=p4\niam_endpoint=https://iam.example.com\n",
			want: envSeen{url: envURL, key: "AKFILE", securityToken: "st", project: "p4"},
		},
		"the variable's project before the file's": {
			vars: with(region, "OS_PROJECT_ID", "p3"), profile: file + "project_id = p4",
			want: envSeen{url: envURL, key: "AKFILE", project: "p3"},
		},
		"no project that comes after the key": {
			vars: with(huawei, "HW_PROJECT_ID", "p2", "OS_PROJECT_ID", "p3"), profile: file + "project_id = p4",
			want: envSeen{url: envURL, key: "AKSDK"},
		},
		"a project that comes before the key": {
			vars: with(region, "HUAWEICLOUD_SDK_PROJECT_ID", "p1", "HW_ACCESS_KEY", "AKHW", "HW_SECRET_KEY", "secret-hw", "HW_PROJECT_ID", "p2"),
			want: envSeen{url: envURL, key: "AKHW", project: "p1"},
		},

		"options before everything": {
			vars: with(huawei, "CODEARTSBUILD_ENDPOINT", "https://no.example.com", "HUAWEICLOUD_SDK_PROJECT_ID", "p1"), profile: file,
			opts: []ClientOption{WithEndpoint("https://build.example.com"), WithAccessKeySource(StaticAccessKey("AKOPT", "secret-opt")), WithProjectID("p0")},
			want: envSeen{url: "https://build.example.com", key: "AKOPT", project: "p0"},
		},
		"an option's token": {
			vars: huawei, opts: []ClientOption{WithTokenSource(StaticToken("opt"))}, want: envSeen{url: envURL, token: "opt"},
		},
		"an option's key and a variable's project": {
			vars: with(region, "OS_PROJECT_ID", "p3"), profile: "broken",
			opts: []ClientOption{WithAccessKeySource(StaticAccessKey("AKOPT", "secret-opt"))},
			want: envSeen{url: envURL, key: "AKOPT", project: "p3"},
		},
		"an option's region is not moved": {
			vars: with(huawei, "HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4", "https://a.example.com"),
			opts: []ClientOption{WithRegion("cn-north-4")}, want: envSeen{url: envURL, key: "AKSDK"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := envCall(t, envIn(t, tt.vars, tt.profile), tt.opts...)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestOptionsOfEitherOrderWinOverTheEnvironment(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		opts []ClientOption
		want []string // variables that are looked up
	}{
		"endpoint and token": {[]ClientOption{WithEndpoint("https://build.example.com"), WithTokenSource(StaticToken("t"))}, nil},
		"region and token":   {[]ClientOption{WithRegion("cn-north-4"), WithTokenSource(StaticToken("t"))}, nil},
		"region and key": {
			[]ClientOption{WithRegion("cn-north-4"), WithAccessKeySource(StaticAccessKey("AK", "secret"))},
			[]string{"HUAWEICLOUD_SDK_PROJECT_ID", "HW_PROJECT_ID", "OS_PROJECT_ID"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			env := environment{
				lookup: func(name string) (string, bool) { asked = append(asked, name); return "", false },
				home:   func() (string, error) { asked = append(asked, "home"); return "", errors.New("none") },
			}
			_, err := NewClient(append([]ClientOption{env.option()}, tt.opts...)...)
			require.NoError(t, err)
			_, err = NewClient(append(tt.opts, env.option())...)
			require.NoError(t, err)
			require.Equal(t, append(tt.want, tt.want...), asked)
		})
	}
}

func TestWithEnvironmentReadsTheProcessOnlyAsFarAsNeeded(t *testing.T) {
	t.Parallel()
	_, err := NewClient(WithEnvironment(), WithEndpoint("https://build.example.com"), WithTokenSource(StaticToken("t")))
	require.NoError(t, err)
}

// Bad input names its variable or file and repeats nothing of it.
func TestEnvironmentThatIsRefused(t *testing.T) {
	t.Parallel()
	region := map[string]string{"HW_REGION_NAME": "cn-north-4"}
	in := func(pairs ...string) map[string]string {
		vars := maps.Clone(region)
		for i := 0; i < len(pairs); i += 2 {
			vars[pairs[i]] = pairs[i+1]
		}
		return vars
	}
	key := func(pairs ...string) map[string]string {
		return in(append([]string{"HUAWEICLOUD_SDK_AK", "AKHUSH", "HUAWEICLOUD_SDK_SK", "secret-hush"}, pairs...)...)
	}
	user := func(pairs ...string) map[string]string {
		return in(append([]string{"OS_USERNAME", "user-hush", "OS_PASSWORD", "pass-hush", "OS_USER_DOMAIN_NAME", "acme-hush"}, pairs...)...)
	}
	tests := map[string]struct {
		vars    map[string]string
		profile string
		opts    []ClientOption
		want    []string
	}{
		"nothing at all": {map[string]string{}, "", nil, []string{
			"an endpoint is missing", "CODEARTSBUILD_ENDPOINT", "HUAWEICLOUD_SDK_REGION", "HW_REGION_NAME", "OS_REGION_NAME", "WithRegion", "WithEndpoint",
		}},
		"a region that is none":         {in("HW_REGION_NAME", "Region Hush"), "", nil, []string{"HW_REGION_NAME"}},
		"OpenStack's default":           {map[string]string{"OS_REGION_NAME": "RegionOne"}, "", nil, []string{"OS_REGION_NAME"}},
		"an endpoint without scheme":    {in("CODEARTSBUILD_ENDPOINT", "build.hush.com"), "", nil, []string{"CODEARTSBUILD_ENDPOINT", "https://"}},
		"an endpoint over http":         {in("CODEARTSBUILD_ENDPOINT", "http://build.hush.com"), "", nil, []string{"CODEARTSBUILD_ENDPOINT", "WithInsecureHTTP"}},
		"an endpoint with a password":   {in("CODEARTSBUILD_ENDPOINT", "https://me:hush@build.hush.com"), "", nil, []string{"CODEARTSBUILD_ENDPOINT"}},
		"an endpoint with a line break": {in("CODEARTSBUILD_ENDPOINT", "https://build.hush.com\n"), "", nil, []string{"CODEARTSBUILD_ENDPOINT"}},
		"an endpoint of a region": {
			in("HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4", "https://build.hush.com?x"), "", nil, []string{"HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4"},
		},

		"the id alone":                    {in("HUAWEICLOUD_SDK_AK", "AKHUSH"), "", nil, []string{"HUAWEICLOUD_SDK_AK is set, and HUAWEICLOUD_SDK_SK must be set as well"}},
		"the secret alone":                {in("HUAWEICLOUD_SDK_SK", "secret-hush"), "", nil, []string{"HUAWEICLOUD_SDK_SK is set, and HUAWEICLOUD_SDK_AK must be set as well"}},
		"the security token alone":        {in("HUAWEICLOUD_SDK_SECURITY_TOKEN", "st-hush"), "", nil, []string{"HUAWEICLOUD_SDK_SECURITY_TOKEN is set, and HUAWEICLOUD_SDK_AK must be set as well"}},
		"Terraform's id alone":            {in("HW_ACCESS_KEY", "AKHUSH", "OS_SECRET_KEY", "secret-hush"), "", nil, []string{"HW_ACCESS_KEY", "HW_SECRET_KEY"}},
		"OpenStack's secret alone":        {in("OS_SECRET_KEY", "secret-hush"), "", nil, []string{"OS_ACCESS_KEY", "OS_SECRET_KEY"}},
		"half, though more comes behind":  {in("HW_ACCESS_KEY", "AKHUSH", "OS_ACCESS_KEY", "AKHUSH", "OS_SECRET_KEY", "secret-hush"), "", nil, []string{"HW_SECRET_KEY"}},
		"a key and a token":               {key("CODEARTSBUILD_TOKEN", "token-hush"), "", nil, []string{"HUAWEICLOUD_SDK_AK", "CODEARTSBUILD_TOKEN"}},
		"Terraform's key and password":    {in("HW_ACCESS_KEY", "AKHUSH", "HW_SECRET_KEY", "secret-hush", "HW_USER_PASSWORD", "pass-hush"), "", nil, []string{"HW_ACCESS_KEY", "HW_USER_PASSWORD"}},
		"OpenStack's key and password":    {user("OS_ACCESS_KEY", "AKHUSH", "OS_SECRET_KEY", "secret-hush"), "", nil, []string{"OS_ACCESS_KEY", "OS_PASSWORD"}},
		"a secret with a line break":      {key("HUAWEICLOUD_SDK_SK", "secret-hush\n"), "", nil, []string{"HUAWEICLOUD_SDK_SK"}},
		"a secret with a space":           {key("HUAWEICLOUD_SDK_SK", "secret hush"), "", nil, []string{"HUAWEICLOUD_SDK_SK"}},
		"an id with a comma":              {key("HUAWEICLOUD_SDK_AK", "AK,HUSH"), "", nil, []string{"HUAWEICLOUD_SDK_AK"}},
		"a security token with a NUL":     {key("HUAWEICLOUD_SDK_SECURITY_TOKEN", "st\x00hush"), "", nil, []string{"HUAWEICLOUD_SDK_SECURITY_TOKEN"}},
		"a token with a letter from afar": {in("CODEARTSBUILD_TOKEN", "tökén-hush"), "", nil, []string{"CODEARTSBUILD_TOKEN"}},
		"a project with a line break":     {key("HUAWEICLOUD_SDK_PROJECT_ID", "p-hush\r\nX: y"), "", nil, []string{"HUAWEICLOUD_SDK_PROJECT_ID"}},

		"a user without password":   {in("OS_USERNAME", "user-hush"), "", nil, []string{"OS_USERNAME is set, and OS_PASSWORD must be set as well"}},
		"a password without user":   {in("HW_USER_PASSWORD", "pass-hush"), "", nil, []string{"HW_USER_PASSWORD is set, and HW_USER_ID or HW_USER_NAME must be set as well"}},
		"a user without account":    {in("HW_USER_NAME", "user-hush", "HW_USER_PASSWORD", "pass-hush"), "", nil, []string{"HW_USER_NAME", "HW_DOMAIN_ID", "HW_DOMAIN_NAME"}},
		"a project without account": {in("HW_USER_ID", "user-hush", "HW_USER_PASSWORD", "pass-hush"), "", nil, []string{"HW_USER_ID", "HW_DOMAIN_NAME"}},
		"IAM over http":             {user("OS_AUTH_URL", "http://iam.hush.com/v3"), "", nil, []string{"OS_AUTH_URL"}},
		"IAM with a query":          {user("HUAWEICLOUD_SDK_IAM_ENDPOINT", "iam.hush.com?x=1"), "", nil, []string{"HUAWEICLOUD_SDK_IAM_ENDPOINT"}},
		"no place to log in": {
			map[string]string{"OS_USERNAME": "user-hush", "OS_PASSWORD": "pass-hush", "OS_DOMAIN_ID": "d-hush"}, "",
			[]ClientOption{WithEndpoint("https://build.example.com")}, []string{"OS_PASSWORD", "HW_REGION_NAME", "OS_AUTH_URL", "OS_PROJECT_NAME"},
		},
		"an option's region that is none": {user(), "", []ClientOption{WithRegion("North 4")}, []string{`the region must be a name such as cn-north-4, got "North 4"`}},
		"a region for the login that is none": {
			user("HW_REGION_NAME", "Region Hush"), "", []ClientOption{WithEndpoint("https://build.example.com")}, []string{"HW_REGION_NAME"},
		},

		"a file that is no INI":        {region, "[basic]\n\n{hush}\n", nil, []string{"credentials, line 3"}},
		"a section without end":        {region, "[basic\nak=AKHUSH\n", nil, []string{"credentials, line 1", "bracket"}},
		"a line without a key":         {region, "[global]\n=hush\n", nil, []string{"credentials, line 2"}},
		"a key given twice":            {region, "[basic]\nak=AKHUSH\nsk=secret-hush\nAK=AKHUSH2\n", nil, []string{"credentials, line 4"}},
		"the file's id alone":          {region, "[basic]\nak=AKHUSH\n", nil, []string{"ak in [basic] of ", "sk in [basic] of ", "credentials"}},
		"the file's token alone":       {region, "[basic]\nsecurity_token=st-hush\n", nil, []string{"security_token in [basic] of ", "ak in [basic] of "}},
		"the file's secret has spaces": {region, "[basic]\nak=AKHUSH\nsk=secret hush\n", nil, []string{"sk in [basic] of ", "credentials"}},
		"the file's project is bad":    {region, "[basic]\nproject_id=p\x01hush\n", nil, []string{"project_id in [basic] of "}},

		"pod identity without its token": {in("HC_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/hush"), "", nil, []string{"HC_CONTAINER_CREDENTIALS_FULL_URI is set, and HC_CONTAINER_AUTHORIZATION_TOKEN_FILE must be set as well"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewClient(append([]ClientOption{envIn(t, tt.vars, tt.profile).option()}, tt.opts...)...)
			require.ErrorIs(t, err, ErrInvalidArgument)
			text := fmt.Sprintf("%v %+v %q", err, err, err.Error())
			for _, part := range tt.want {
				require.Contains(t, text, part)
			}
			require.NotContains(t, strings.ToLower(text), "hush")
			require.NotContains(t, err.Error(), "\n")
			require.Less(t, len(err.Error()), 1<<10)
		})
	}
}

func TestProfileFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	closed, large := filepath.Join(folder, "closed"), filepath.Join(folder, "large")
	require.NoError(t, os.WriteFile(closed, nil, 0o000))
	require.NoError(t, os.WriteFile(large, bytes.Repeat([]byte("# secret\n"), 1<<17), 0o600))
	paths := map[string]string{"a folder": folder, "too large": large}
	if os.Getuid() > 0 { // root reads everything, and Windows has no such modes
		paths["not allowed"] = closed
	}
	for name, path := range paths {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := envIn(t, map[string]string{"HW_REGION_NAME": "cn-north-4", "HUAWEICLOUD_SDK_CREDENTIALS_FILE": path}, "")
			_, err := NewClient(env.option())
			require.ErrorIs(t, err, ErrInvalidArgument)
			require.ErrorContains(t, err, path)
			require.Equal(t, 1, strings.Count(err.Error(), path))
		})
	}
}

func TestProfileFileNeedNotExist(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	tests := map[string]struct {
		path string // HUAWEICLOUD_SDK_CREDENTIALS_FILE
		home func() (string, error)
		want string // in the error of a call
	}{
		"none in the home":   {"", func() (string, error) { return folder, nil }, "no file " + filepath.Join(folder, ".huaweicloud", "credentials")[:20]},
		"the home is a file": {"", func() (string, error) { return file, nil }, "no file "},
		"no home":            {"", func() (string, error) { return "", errors.New("no home") }, "no home folder"},
		"none at the path":   {filepath.Join(folder, "missing"), nil, "no file "},
		"an empty file":      {file, nil, "no ak in [basic]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := envIn(t, map[string]string{"HW_REGION_NAME": "cn-north-4", "HUAWEICLOUD_SDK_CREDENTIALS_FILE": tt.path}, "")
			env.home = tt.home
			_, err := envCall(t, env)
			require.ErrorContains(t, err, tt.want)
			require.NotErrorIs(t, err, ErrInvalidArgument)
		})
	}
}

func TestProfileFileOfAnotherPath(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.ini")
	require.NoError(t, os.WriteFile(path, []byte("[basic]\nak=AKPATH\nsk=secret-path\n"), 0o600))
	env := envIn(t, map[string]string{"HW_REGION_NAME": "cn-north-4", "HUAWEICLOUD_SDK_CREDENTIALS_FILE": path}, "[basic]\nak=AKHOME\nsk=secret-home\n")
	got, err := envCall(t, env)
	require.NoError(t, err)
	require.Equal(t, "AKPATH", got.key)
}

func TestProfileSpellings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, ak, sk string }{
		"plain":                    {"[basic]\nak=A\nsk=B", "A", "B"},
		"spaces and tabs":          {"  [ basic ]  \n\tak \t=  A \n sk\t:\tB\t\n", "A", "B"},
		"Windows":                  {"\ufeff[basic]\r\nak = A\r\nsk = B\r\n", "A", "B"},
		"comments":                 {"# c\n; c\n[basic] # c\nak = A # c = d\nsk = B\t; c\n#sk = C\n", "A", "B"},
		"quotes":                   {"[basic]\nak = \"A\"\nsk = 'B' ; c\n", "A", "B"},
		"a quote that is a value":  {"[basic]\nak = \"\nsk = 'B\n", "\"", "'B"},
		"equals signs and hashes":  {"[basic]\nak = A==\nsk = B#;=\n", "A==", "B#;="},
		"upper case":               {"[basic]\nAK = A\nSk = B\n", "A", "B"},
		"sections around it":       {"x=y\n[global]\nak=G\nsk=G\nak=H\n[basic]\nak=A\n[other]\nak=O\n[basic]\nsk=B\n", "A", "B"},
		"another section only":     {"[global]\nak=G\nsk=G\n[Basic]\nak=H\n", "", ""},
		"empty values":             {"[basic]\nak=\nsk = # none\n", "", ""},
		"nothing":                  {"", "", ""},
		"a comment without an end": {"[basic]\nak=A\nsk=B\n#", "A", "B"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := profile.Parse("file", tt.text)
			require.NoError(t, err)
			require.Equal(t, tt.ak, got["ak"])
			require.Equal(t, tt.sk, got["sk"])
		})
	}
}

// B5: nothing that a client was made of shows a secret.
func TestB5EnvironmentShowsNoSecret(t *testing.T) {
	t.Parallel()
	places := map[string]*environment{
		"key":      envIn(t, map[string]string{"HW_REGION_NAME": "cn-north-4", "HW_ACCESS_KEY": "AK", "HW_SECRET_KEY": "hidden-1", "HW_SECURITY_TOKEN": "hidden-2"}, ""),
		"token":    envIn(t, map[string]string{"HW_REGION_NAME": "cn-north-4", "CODEARTSBUILD_TOKEN": "hidden-3"}, ""),
		"user":     envIn(t, map[string]string{"HW_REGION_NAME": "cn-north-4", "HW_USER_NAME": "ci", "HW_USER_PASSWORD": "hidden-4", "HW_DOMAIN_NAME": "acme"}, ""),
		"file":     envIn(t, map[string]string{"HW_REGION_NAME": "cn-north-4"}, "[basic]\nak=AK\nsk=hidden-5\nsecurity_token=hidden-6"),
		"pod":      envIn(t, map[string]string{"HW_REGION_NAME": "cn-north-4", podIdentityURI: "https://pod.test/?hidden=7", podIdentityFile: "/hidden-8"}, ""),
		"metadata": envIn(t, map[string]string{"HW_REGION_NAME": "cn-north-4"}, ""),
	}
	for name, env := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := NewClient(env.option(), WithTransport(&envService{}))
			require.NoError(t, err)
			holder := struct {
				client *Client
				source any
			}{client, sourceOf(client)}
			_, callErr := envCall(t, env)
			var printed bytes.Buffer
			for _, value := range []any{client, sourceOf(client), holder, &holder, callErr} {
				fmt.Fprintf(&printed, "%v %+v %#v %s %q\n", value, value, value, value, value)
				slog.New(slog.NewTextHandler(&printed, nil)).Info("text", "value", value)
				slog.New(slog.NewJSONHandler(&printed, nil)).Info("json", "value", value)
				if encoded, err := json.Marshal(value); err == nil {
					printed.Write(encoded)
				}
			}
			require.NotContains(t, printed.String(), "hidden")
		})
	}
}

func sourceOf(client *Client) any {
	if tokens, ok := client.auth.(*tokenAuth); ok {
		return tokens.source
	}
	return client.auth.(*keyAuth).source
}

// B49: a client writes nothing into the home folder.
func TestB49EnvironmentIsOnlyRead(t *testing.T) {
	t.Parallel()
	env := envIn(t, map[string]string{"HW_REGION_NAME": "cn-north-4"}, "[basic]\nak=AK\nsk=secret\n")
	home, err := env.home()
	require.NoError(t, err)
	before := envFiles(t, home)
	_, err = envCall(t, env)
	require.NoError(t, err)
	require.Equal(t, before, envFiles(t, home))
}

func envFiles(t *testing.T, root string) map[string]time.Time {
	t.Helper()
	files := map[string]time.Time{}
	require.NoError(t, filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			files[path] = info.ModTime()
		}
		return err
	}))
	if runtime.GOOS != "windows" {
		require.Len(t, files, 3)
	}
	return files
}
