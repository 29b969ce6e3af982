package codeartsbuild

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

// vars are the variables of an environment.
type vars map[string]string

// with returns the variables with those of others added.
func (v vars) with(others vars) vars {
	all := maps.Clone(v)
	maps.Copy(all, others)
	return all
}

// newEnvironment makes an environment with these variables and this profile file, "" for none. Its metadata service
// cannot be reached.
func newEnvironment(t testing.TB, variables vars, profile string) *environment {
	t.Helper()
	home := t.TempDir()
	if profile != "" {
		require.NoError(t, os.Mkdir(filepath.Join(home, ".huaweicloud"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(home, ".huaweicloud", "credentials"), []byte(profile), 0o600))
	}
	return &environment{
		lookup:    func(name string) (string, bool) { value, ok := variables[name]; return value, ok },
		home:      func() (string, error) { return home, nil },
		metadata:  "http://metadata.test",
		transport: httpfake.Fail(unknownCertificate),
	}
}

// seen is what reached the service, and IAM before it.
type seen struct {
	url, token, key, securityToken, project string
	login, loginURL                         string
}

// serviceAndIAM accepts every call and every login.
func serviceAndIAM() *httpfake.Recorder {
	return httpfake.Record(httpfake.Func(func(req *http.Request) (*http.Response, error) {
		if strings.HasSuffix(req.URL.Path, "/v3/auth/tokens") {
			return httpfake.Reply(201, `{"token":{"expires_at":"2100-01-01T00:00:00Z","project":{"id":"p"}}}`, "X-Subject-Token", "issued-token")(req)
		}
		return httpfake.Reply(200, `{}`)(req)
	}))
}

// callWith makes a client with an environment, and one call.
func callWith(t testing.TB, env *environment, opts ...ClientOption) (seen, error) {
	t.Helper()
	service := serviceAndIAM()
	client, err := NewClient(append([]ClientOption{env.option(), WithTransport(service)}, opts...)...)
	if err != nil {
		return seen{}, err
	}
	err = client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil)
	var got seen
	for _, r := range service.Requests() {
		origin := r.URL.Scheme + "://" + r.URL.Host
		if strings.HasSuffix(r.URL.Path, "/v3/auth/tokens") {
			got.login, got.loginURL = r.Body, origin+r.URL.Path
			continue
		}
		got.url, got.token = origin, r.Header.Get("X-Auth-Token")
		got.securityToken, got.project = r.Header.Get("X-Security-Token"), r.Header.Get("X-Project-Id")
		if _, access, ok := strings.Cut(r.Header.Get("Authorization"), "Access="); ok {
			got.key, _, _ = strings.Cut(access, ",")
		}
	}
	return got, err
}

// A fillTest is an environment and what a call with it sends.
type fillTest struct {
	vars    vars
	profile string
	opts    []ClientOption
	want    seen
}

func runFillTests(t *testing.T, tests map[string]fillTest) {
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := callWith(t, newEnvironment(t, tt.vars, tt.profile), tt.opts...)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

const (
	cloudURL    = "https://cloudbuild-ext.cn-north-4.myhuaweicloud.com"
	cloudIAM    = "https://iam.cn-north-4.myhuaweicloud.com/v3/auth/tokens"
	profileText = "[basic]\nak = AKFILE\nsk = secret-file\n"
)

var (
	regionVars    = vars{"HW_REGION_NAME": "cn-north-4"}
	huaweiKey     = vars{"HUAWEICLOUD_SDK_REGION": "cn-north-4", "HUAWEICLOUD_SDK_AK": "AKSDK", "HUAWEICLOUD_SDK_SK": "secret-sdk"}
	terraformKey  = vars{"HW_ACCESS_KEY": "AKHW", "HW_SECRET_KEY": "secret-hw"}
	terraformUser = vars{"HW_REGION_NAME": "cn-north-4", "HW_USER_NAME": "ci", "HW_USER_PASSWORD": "pass word", "HW_DOMAIN_NAME": "acme"}
	openstackUser = vars{"OS_REGION_NAME": "cn-north-4", "OS_USERNAME": "ci", "OS_PASSWORD": "pass word", "OS_USER_DOMAIN_NAME": "acme"}
)

// loginBody is the body of a login.
func loginBody(user, project string) string {
	return `{"auth":{"identity":{"methods":["password"],"password":{"user":` + user + `}},"scope":{"project":` + project + `}}}`
}

// loggedIn is a call after the login of the user "ci" for the project of the region.
func loggedIn() seen {
	return seen{
		url: cloudURL, token: "issued-token", loginURL: cloudIAM,
		login: loginBody(`{"name":"ci","domain":{"name":"acme"},"password":"pass word"}`, `{"name":"cn-north-4","domain":{"name":"acme"}}`),
	}
}

func loggedInAs(user, project string) seen {
	s := loggedIn()
	s.login = loginBody(user, project)
	return s
}

// loggedInAt is a call to build.example.com after a login at iam.
func loggedInAt(iam string) seen {
	s := loggedIn()
	s.url, s.loginURL = "https://build.example.com", iam
	return s
}

func TestEnvironmentKeyOrToken(t *testing.T) {
	t.Parallel()
	runFillTests(t, map[string]fillTest{
		"the vendor's names":       {vars: huaweiKey, want: seen{url: cloudURL, key: "AKSDK"}},
		"a temporary key":          {vars: huaweiKey.with(vars{"HUAWEICLOUD_SDK_SECURITY_TOKEN": "st"}), want: seen{url: cloudURL, key: "AKSDK", securityToken: "st"}},
		"a project for it":         {vars: huaweiKey.with(vars{"HUAWEICLOUD_SDK_PROJECT_ID": "p1"}), want: seen{url: cloudURL, key: "AKSDK", project: "p1"}},
		"a token":                  {vars: regionVars.with(vars{"CODEARTSBUILD_TOKEN": "tok"}), want: seen{url: cloudURL, token: "tok"}},
		"a token needs no project": {vars: regionVars.with(vars{"CODEARTSBUILD_TOKEN": "tok", "HUAWEICLOUD_SDK_PROJECT_ID": "p1"}), want: seen{url: cloudURL, token: "tok"}},
		"Terraform's names": {
			vars: regionVars.with(terraformKey).with(vars{"HW_SECURITY_TOKEN": "st", "HW_PROJECT_ID": "p2"}),
			want: seen{url: cloudURL, key: "AKHW", securityToken: "st", project: "p2"},
		},
		"OpenStack's names": {
			vars: vars{"OS_REGION_NAME": "cn-north-4", "OS_ACCESS_KEY": "AKOS", "OS_SECRET_KEY": "secret-os", "OS_SECURITY_TOKEN": "st", "OS_PROJECT_ID": "p3"},
			want: seen{url: cloudURL, key: "AKOS", securityToken: "st", project: "p3"},
		},
		"a user name without password beside a key": {
			vars: regionVars.with(terraformKey).with(vars{"HW_USER_NAME": "ci"}), want: seen{url: cloudURL, key: "AKHW"},
		},
		"an empty variable is not set": {
			vars: regionVars.with(terraformKey).with(vars{"HUAWEICLOUD_SDK_REGION": "", "HUAWEICLOUD_SDK_AK": "", "CODEARTSBUILD_TOKEN": ""}),
			want: seen{url: cloudURL, key: "AKHW"},
		},
		"the profile file": {vars: regionVars, profile: profileText, want: seen{url: cloudURL, key: "AKFILE"}},
		"all of the profile file": {
			vars:    regionVars,
			profile: "[basic]# comment\nak=AKFILE\nsk=secret-file\nsecurity_token=st\nproject_id=p4\niam_endpoint=https://iam.example.com\n",
			want:    seen{url: cloudURL, key: "AKFILE", securityToken: "st", project: "p4"},
		},
	})
}

func TestEnvironmentUser(t *testing.T) {
	t.Parallel()
	runFillTests(t, map[string]fillTest{
		"Terraform's names": {vars: terraformUser, want: loggedIn()},
		"OpenStack's names": {vars: openstackUser, want: loggedIn()},
		"OpenStack's other name for the account": {
			vars: vars{"OS_REGION_NAME": "cn-north-4", "OS_USERNAME": "ci", "OS_PASSWORD": "pass word", "OS_DOMAIN_NAME": "acme"}, want: loggedIn(),
		},
		"the user's account before the other": {vars: openstackUser.with(vars{"OS_DOMAIN_ID": "d9", "OS_DOMAIN_NAME": "other"}), want: loggedIn()},
		"Terraform's ids before the names": {
			vars: terraformUser.with(vars{"HW_USER_ID": "u1", "HW_DOMAIN_ID": "d1", "HW_PROJECT_ID": "p2", "HW_PROJECT_NAME": "ignored"}),
			want: loggedInAs(`{"id":"u1","password":"pass word"}`, `{"id":"p2"}`),
		},
		"OpenStack's ids before the names": {
			vars: openstackUser.with(vars{"OS_USER_ID": "u1", "OS_USER_DOMAIN_ID": "d1", "OS_PROJECT_NAME": "build"}),
			want: loggedInAs(`{"id":"u1","password":"pass word"}`, `{"name":"build","domain":{"id":"d1"}}`),
		},
		"two ids need no account": {
			vars: regionVars.with(vars{"HW_USER_ID": "u1", "HW_USER_PASSWORD": "pass word", "HW_PROJECT_ID": "p2"}),
			want: loggedInAs(`{"id":"u1","password":"pass word"}`, `{"id":"p2"}`),
		},
		"the project of an option": {
			vars: terraformUser.with(vars{"HW_PROJECT_NAME": "ignored"}), opts: []ClientOption{WithProjectID("p0")},
			want: loggedInAs(`{"name":"ci","domain":{"name":"acme"},"password":"pass word"}`, `{"id":"p0"}`),
		},
		"the region of an option": {
			vars: vars{"HW_USER_NAME": "ci", "HW_USER_PASSWORD": "pass word", "HW_DOMAIN_NAME": "acme"},
			opts: []ClientOption{WithRegion("cn-north-4")}, want: loggedIn(),
		},
		"a password with a control character in its middle": {
			vars: terraformUser.with(vars{"HW_USER_PASSWORD": "pass\tword"}),
			want: loggedInAs(`{"name":"ci","domain":{"name":"acme"},"password":"pass\tword"}`, `{"name":"cn-north-4","domain":{"name":"acme"}}`),
		},
	})
}

// The password goes to the address of the same tool, then to that of the vendor, then to the region's IAM.
func TestEnvironmentAddressOfTheLogin(t *testing.T) {
	t.Parallel()
	const iam = "https://iam.example.com"
	build := vars{"CODEARTSBUILD_ENDPOINT": "https://build.example.com"}
	runFillTests(t, map[string]fillTest{
		"the region's": {vars: terraformUser.with(build), want: loggedInAt(cloudIAM)},
		"Terraform's": {
			vars: terraformUser.with(build).with(vars{"HW_AUTH_URL": iam + ":443/v3", "HUAWEICLOUD_SDK_IAM_ENDPOINT": "https://other.example.com"}),
			want: loggedInAt(iam + ":443/v3/auth/tokens"),
		},
		"OpenStack's": {
			vars: openstackUser.with(build).with(vars{"OS_AUTH_URL": "http://127.0.0.1:5000/v3/"}), want: loggedInAt("http://127.0.0.1:5000/v3/auth/tokens"),
		},
		"with the path of the call": {
			vars: openstackUser.with(build).with(vars{"OS_AUTH_URL": iam + "/v3/auth/tokens"}), want: loggedInAt(iam + "/v3/auth/tokens"),
		},
		"the vendor's, a bare host": {
			vars: terraformUser.with(build).with(vars{"HUAWEICLOUD_SDK_IAM_ENDPOINT": "iam.example.com"}), want: loggedInAt(iam + "/v3/auth/tokens"),
		},
		"http, which the option allows": {
			vars: openstackUser.with(build).with(vars{"OS_AUTH_URL": "http://keystone:5000/v3"}), opts: []ClientOption{WithInsecureHTTP()},
			want: loggedInAt("http://keystone:5000/v3/auth/tokens"),
		},
		"a region that is not needed": {
			vars: openstackUser.with(vars{"OS_REGION_NAME": "RegionOne", "OS_AUTH_URL": iam + "/v3", "OS_PROJECT_NAME": "cn-north-4"}),
			opts: []ClientOption{WithEndpoint("https://build.example.com")}, want: loggedInAt(iam + "/v3/auth/tokens"),
		},
		"a moved endpoint of the region": {
			vars: terraformUser.with(vars{"HW_AUTH_URL": iam, "HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4": "build.example.com"}),
			want: loggedInAt(iam + "/v3/auth/tokens"),
		},
	})
}

// B119: The token of a private OpenStack must not go to the endpoint of Huawei Cloud, which a region stands for.
func TestEnvironmentLoginAtAnotherCloud(t *testing.T) {
	t.Parallel()
	private := []string{
		"https://keystone.example.com/v3", "http://127.0.0.1:5000/v3", "https://iam.eu-de.otc.t-systems.com/v3", "https://myhuaweicloud.com.example.com",
		"https://iam-myhuaweicloud.com", "https://10.0.0.1:5000", "https://[2001:db8::1]:5000/v3",
	}
	cloud := []string{
		"https://iam.myhuaweicloud.com/v3", "https://iam.cn-north-4.myhuaweicloud.com:443/v3/", "https://iam.eu-west-101.myhuaweicloud.eu",
		"https://IAM.CN-NORTH-4.MYHUAWEICLOUD.COM", "https://iam.cn-north-4.myhuaweicloud.com./v3",
	}
	for name, user := range map[string]vars{"OS_AUTH_URL": openstackUser, "HW_AUTH_URL": terraformUser, "HUAWEICLOUD_SDK_IAM_ENDPOINT": openstackUser} {
		for _, address := range private {
			variables := user.with(vars{name: address})
			for _, opts := range [][]ClientOption{nil, {WithRegion("cn-north-4")}} {
				_, err := callWith(t, newEnvironment(t, variables, ""), opts...)
				require.ErrorIs(t, err, ErrInvalidArgument, "%s=%s", name, address)
				require.EqualError(t, err, "codeartsbuild: "+name+
					" holds the address of another cloud, so that the endpoint must be given as well: set CODEARTSBUILD_ENDPOINT or use WithEndpoint")
			}
			got, err := callWith(t, newEnvironment(t, variables, ""), WithEndpoint("https://build.example.com"))
			require.NoError(t, err)
			require.Equal(t, "https://build.example.com", got.url)
		}
		for _, address := range cloud {
			got, err := callWith(t, newEnvironment(t, user.with(vars{name: address}), ""))
			require.NoError(t, err, "%s=%s", name, address)
			require.Equal(t, cloudURL, got.url)
		}
	}
}

func TestEnvironmentEndpoint(t *testing.T) {
	t.Parallel()
	runFillTests(t, map[string]fillTest{
		"an endpoint before a region": {
			vars: huaweiKey.with(vars{"CODEARTSBUILD_ENDPOINT": "https://build.example.com", "HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4": "https://no.example.com"}),
			want: seen{url: "https://build.example.com", key: "AKSDK"},
		},
		"that of a region": {
			vars: huaweiKey.with(vars{"HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4": "https://a.example.com, https://b.example.com"}),
			want: seen{url: "https://a.example.com", key: "AKSDK"},
		},
		"that of a region, a bare host": {
			vars: huaweiKey.with(vars{"HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4": "a.example.com"}),
			want: seen{url: "https://a.example.com", key: "AKSDK"},
		},
		"that of another region": {
			vars: huaweiKey.with(vars{"HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_EAST_3": "https://a.example.com"}),
			want: seen{url: cloudURL, key: "AKSDK"},
		},
		"regions in order": {
			vars: huaweiKey.with(vars{"HW_REGION_NAME": "cn-east-3", "OS_REGION_NAME": "cn-south-1"}), want: seen{url: cloudURL, key: "AKSDK"},
		},
	})
}

func TestEnvironmentOrderOfPlaces(t *testing.T) {
	t.Parallel()
	runFillTests(t, map[string]fillTest{
		"the vendor's names before the others": {
			vars: huaweiKey.with(terraformKey).with(vars{"OS_PASSWORD": "half"}), profile: profileText, want: seen{url: cloudURL, key: "AKSDK"},
		},
		"Terraform's names before OpenStack's": {
			vars: openstackUser.with(terraformKey), profile: profileText, want: seen{url: cloudURL, key: "AKHW"},
		},
		"variables before the profile file": {vars: openstackUser, profile: "broken", want: loggedIn()},
		"the variable's project before the file's": {
			vars: regionVars.with(vars{"OS_PROJECT_ID": "p3"}), profile: profileText + "project_id = p4", want: seen{url: cloudURL, key: "AKFILE", project: "p3"},
		},
		"no project that comes after the key": {
			vars: huaweiKey.with(vars{"HW_PROJECT_ID": "p2", "OS_PROJECT_ID": "p3"}), profile: profileText + "project_id = p4",
			want: seen{url: cloudURL, key: "AKSDK"},
		},
		"a project that comes before the key": {
			vars: regionVars.with(terraformKey).with(vars{"HUAWEICLOUD_SDK_PROJECT_ID": "p1", "HW_PROJECT_ID": "p2"}),
			want: seen{url: cloudURL, key: "AKHW", project: "p1"},
		},
	})
}

func TestEnvironmentComesAfterOptions(t *testing.T) {
	t.Parallel()
	runFillTests(t, map[string]fillTest{
		"all options": {
			vars: huaweiKey.with(vars{"CODEARTSBUILD_ENDPOINT": "https://no.example.com", "HUAWEICLOUD_SDK_PROJECT_ID": "p1"}), profile: profileText,
			opts: []ClientOption{WithEndpoint("https://build.example.com"), WithAccessKeySource(StaticAccessKey("AKOPT", "secret-opt")), WithProjectID("p0")},
			want: seen{url: "https://build.example.com", key: "AKOPT", project: "p0"},
		},
		"a token": {
			vars: huaweiKey, opts: []ClientOption{WithTokenSource(StaticToken("opt"))}, want: seen{url: cloudURL, token: "opt"},
		},
		"a key, and the project of a variable": {
			vars: regionVars.with(vars{"OS_PROJECT_ID": "p3"}), profile: "broken",
			opts: []ClientOption{WithAccessKeySource(StaticAccessKey("AKOPT", "secret-opt"))}, want: seen{url: cloudURL, key: "AKOPT", project: "p3"},
		},
		"a region, whose endpoint is not moved": {
			vars: huaweiKey.with(vars{"HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4": "https://a.example.com"}),
			opts: []ClientOption{WithRegion("cn-north-4")}, want: seen{url: cloudURL, key: "AKSDK"},
		},
	})
}

// Nothing is looked up that the options give, in whichever order they come.
func TestEnvironmentIsReadAsFarAsNeeded(t *testing.T) {
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

func TestWithEnvironmentBesideAllOptions(t *testing.T) {
	t.Parallel()
	_, err := NewClient(WithEnvironment(), WithEndpoint("https://build.example.com"), WithTokenSource(StaticToken("t")))
	require.NoError(t, err)
}

// A rejectTest is an environment that NewClient rejects, and the parts of the error.
type rejectTest struct {
	vars    vars
	profile string
	opts    []ClientOption
	want    []string
}

// runRejectTests also requires that the error shows nothing of the values, which contain "hush".
func runRejectTests(t *testing.T, tests map[string]rejectTest) {
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnvironment(t, tt.vars, tt.profile)
			_, err := NewClient(append([]ClientOption{env.option()}, tt.opts...)...)
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

func TestEnvironmentEndpointThatIsRejected(t *testing.T) {
	t.Parallel()
	runRejectTests(t, map[string]rejectTest{
		"nothing at all": {vars: vars{}, want: []string{
			"an endpoint is missing", "CODEARTSBUILD_ENDPOINT", "HUAWEICLOUD_SDK_REGION", "HW_REGION_NAME", "OS_REGION_NAME", "WithRegion", "WithEndpoint",
		}},
		"a region with a space": {vars: vars{"HW_REGION_NAME": "Region Hush"}, want: []string{"HW_REGION_NAME must hold a region"}},
		"OpenStack's default":   {vars: vars{"OS_REGION_NAME": "RegionOne"}, want: []string{"OS_REGION_NAME must hold a region"}},
		"no scheme":             {vars: vars{"CODEARTSBUILD_ENDPOINT": "build.hush.com"}, want: []string{"CODEARTSBUILD_ENDPOINT", "https://"}},
		"http":                  {vars: vars{"CODEARTSBUILD_ENDPOINT": "http://build.hush.com"}, want: []string{"CODEARTSBUILD_ENDPOINT", "WithInsecureHTTP"}},
		"a password":            {vars: vars{"CODEARTSBUILD_ENDPOINT": "https://me:hush@build.hush.com"}, want: []string{"CODEARTSBUILD_ENDPOINT"}},
		"a line break":          {vars: vars{"CODEARTSBUILD_ENDPOINT": "https://build.hush.com\n"}, want: []string{"CODEARTSBUILD_ENDPOINT"}},
		"a port over 65535":     {vars: vars{"CODEARTSBUILD_ENDPOINT": "https://build.hush.com:65536"}, want: []string{"CODEARTSBUILD_ENDPOINT"}},
		"that of a region": {
			vars: regionVars.with(vars{"HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4": "https://build.hush.com?x"}),
			want: []string{"HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4"},
		},
	})
}

func TestEnvironmentKeyThatIsRejected(t *testing.T) {
	t.Parallel()
	in := regionVars.with
	key := in(vars{"HUAWEICLOUD_SDK_AK": "AKHUSH", "HUAWEICLOUD_SDK_SK": "secret-hush"}).with
	runRejectTests(t, map[string]rejectTest{
		"the id alone":             {vars: in(vars{"HUAWEICLOUD_SDK_AK": "AKHUSH"}), want: []string{"HUAWEICLOUD_SDK_AK is set, and HUAWEICLOUD_SDK_SK must be set as well"}},
		"the secret alone":         {vars: in(vars{"HUAWEICLOUD_SDK_SK": "secret-hush"}), want: []string{"HUAWEICLOUD_SDK_SK is set, and HUAWEICLOUD_SDK_AK must be set as well"}},
		"the security token alone": {vars: in(vars{"HUAWEICLOUD_SDK_SECURITY_TOKEN": "st-hush"}), want: []string{"HUAWEICLOUD_SDK_SECURITY_TOKEN is set, and HUAWEICLOUD_SDK_AK must be set as well"}},
		"Terraform's id alone":     {vars: in(vars{"HW_ACCESS_KEY": "AKHUSH", "OS_SECRET_KEY": "secret-hush"}), want: []string{"HW_ACCESS_KEY", "HW_SECRET_KEY"}},
		"OpenStack's secret alone": {vars: in(vars{"OS_SECRET_KEY": "secret-hush"}), want: []string{"OS_ACCESS_KEY", "OS_SECRET_KEY"}},
		"half, though more comes behind": {
			vars: in(vars{"HW_ACCESS_KEY": "AKHUSH", "OS_ACCESS_KEY": "AKHUSH", "OS_SECRET_KEY": "secret-hush"}), want: []string{"HW_SECRET_KEY"},
		},
		"a key and a token": {vars: key(vars{"CODEARTSBUILD_TOKEN": "token-hush"}), want: []string{"HUAWEICLOUD_SDK_AK", "CODEARTSBUILD_TOKEN", "cannot be combined"}},
		"Terraform's key and password": {
			vars: in(vars{"HW_ACCESS_KEY": "AKHUSH", "HW_SECRET_KEY": "secret-hush", "HW_USER_PASSWORD": "pass-hush"}), want: []string{"HW_ACCESS_KEY", "HW_USER_PASSWORD"},
		},
		"OpenStack's key and password": {
			vars: in(vars{"OS_ACCESS_KEY": "AKHUSH", "OS_SECRET_KEY": "secret-hush", "OS_USERNAME": "hush", "OS_PASSWORD": "hush"}), want: []string{"OS_ACCESS_KEY", "OS_PASSWORD"},
		},
		"a secret with a line break":          {vars: key(vars{"HUAWEICLOUD_SDK_SK": "secret-hush\n"}), want: []string{"HUAWEICLOUD_SDK_SK"}},
		"a secret with a space":               {vars: key(vars{"HUAWEICLOUD_SDK_SK": "secret hush"}), want: []string{"HUAWEICLOUD_SDK_SK"}},
		"an id with a comma":                  {vars: key(vars{"HUAWEICLOUD_SDK_AK": "AK,HUSH"}), want: []string{"HUAWEICLOUD_SDK_AK"}},
		"a security token with a NUL":         {vars: key(vars{"HUAWEICLOUD_SDK_SECURITY_TOKEN": "st\x00hush"}), want: []string{"HUAWEICLOUD_SDK_SECURITY_TOKEN"}},
		"a token with a letter beyond ASCII":  {vars: in(vars{"CODEARTSBUILD_TOKEN": "tökén-hush"}), want: []string{"CODEARTSBUILD_TOKEN"}},
		"a project with a line break":         {vars: key(vars{"HUAWEICLOUD_SDK_PROJECT_ID": "p-hush\r\nX: y"}), want: []string{"HUAWEICLOUD_SDK_PROJECT_ID"}},
		"pod identity without the token file": {vars: in(vars{podIdentityURI: "http://127.0.0.1/hush"}), want: []string{podIdentityURI + " is set, and " + podIdentityFile + " must be set as well"}},
	})
}

func TestEnvironmentUserThatIsRejected(t *testing.T) {
	t.Parallel()
	in := regionVars.with
	user := in(vars{"OS_USERNAME": "user-hush", "OS_PASSWORD": "pass-hush", "OS_USER_DOMAIN_NAME": "acme-hush"}).with
	endpoint := []ClientOption{WithEndpoint("https://build.example.com")}
	const name, password = " must hold UTF-8 text without control characters", " must hold UTF-8 text without a line break"
	runRejectTests(t, map[string]rejectTest{
		"a user without password":   {vars: in(vars{"OS_USERNAME": "user-hush"}), want: []string{"OS_USERNAME is set, and OS_PASSWORD must be set as well"}},
		"a password without user":   {vars: in(vars{"HW_USER_PASSWORD": "pass-hush"}), want: []string{"HW_USER_PASSWORD is set, and HW_USER_ID or HW_USER_NAME must be set as well"}},
		"a user without account":    {vars: in(vars{"HW_USER_NAME": "user-hush", "HW_USER_PASSWORD": "pass-hush"}), want: []string{"HW_USER_NAME", "HW_DOMAIN_ID", "HW_DOMAIN_NAME"}},
		"a project without account": {vars: in(vars{"HW_USER_ID": "user-hush", "HW_USER_PASSWORD": "pass-hush"}), want: []string{"HW_USER_ID", "HW_DOMAIN_NAME"}},
		"IAM over http":             {vars: user(vars{"OS_AUTH_URL": "http://iam.hush.com/v3"}), want: []string{"OS_AUTH_URL"}},
		"IAM with a query":          {vars: user(vars{"HUAWEICLOUD_SDK_IAM_ENDPOINT": "iam.hush.com?x=1"}), want: []string{"HUAWEICLOUD_SDK_IAM_ENDPOINT"}},
		"nowhere to log in": {
			vars: vars{"OS_USERNAME": "user-hush", "OS_PASSWORD": "pass-hush", "OS_DOMAIN_ID": "d-hush"}, opts: endpoint,
			want: []string{"OS_PASSWORD", "HW_REGION_NAME", "OS_AUTH_URL", "OS_PROJECT_NAME"},
		},
		"the region of an option": {
			vars: user(nil), opts: []ClientOption{WithRegion("North 4")}, want: []string{`the region must be a name such as cn-north-4, got "North 4"`},
		},
		"a region for the login":             {vars: user(vars{"HW_REGION_NAME": "Region Hush"}), opts: endpoint, want: []string{"HW_REGION_NAME"}},
		"a password with its line break":     {vars: user(vars{"OS_PASSWORD": "pass-hush\n"}), want: []string{"OS_PASSWORD" + password}},
		"a password that is not UTF-8":       {vars: user(vars{"OS_PASSWORD": "p\xe4ss-hush"}), want: []string{"OS_PASSWORD" + password}},
		"a user name with its line break":    {vars: user(vars{"OS_USERNAME": "user-hush\r\n"}), want: []string{"OS_USERNAME" + name}},
		"a user id that is not UTF-8":        {vars: user(vars{"OS_USER_ID": "hush\xff"}), want: []string{"OS_USER_ID" + name}},
		"an account with a NUL":              {vars: user(vars{"OS_USER_DOMAIN_NAME": "acme-hush\x00"}), want: []string{"OS_USER_DOMAIN_NAME" + name}},
		"a project name with its line break": {vars: user(vars{"OS_PROJECT_NAME": "hush\n"}), want: []string{"OS_PROJECT_NAME" + name}},
	})
}

func TestProfileFileThatIsRejected(t *testing.T) {
	t.Parallel()
	runRejectTests(t, map[string]rejectTest{
		"another format":      {vars: regionVars, profile: "[basic]\n\n{hush}\n", want: []string{"credentials, line 3"}},
		"the id alone":        {vars: regionVars, profile: "[basic]\nak=AKHUSH\n", want: []string{"ak in [basic] of ", "sk in [basic] of ", "credentials"}},
		"the token alone":     {vars: regionVars, profile: "[basic]\nsecurity_token=st-hush\n", want: []string{"security_token in [basic] of ", "ak in [basic] of "}},
		"a secret with space": {vars: regionVars, profile: "[basic]\nak=AKHUSH\nsk=secret hush\n", want: []string{"sk in [basic] of ", "credentials"}},
		"a bad project":       {vars: regionVars, profile: "[basic]\nproject_id=p\x01hush\n", want: []string{"project_id in [basic] of "}},
	})
}

// B118: A profile file that a variable names is the credential: without it, the program must not go on with the rights of
// the machine.
func TestNamedProfileFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	tests := map[string]struct{ path, want string }{
		"with a key":     {file("key", "[basic]\nak=AKPATH\nsk=secret-path\n"), ""},
		"missing":        {filepath.Join(folder, "missing"), " must be readable: "},
		"in no folder":   {filepath.Join(folder, "missing", "file"), " must be readable: "},
		"below a file":   {filepath.Join(file("below", ""), "file"), " must be readable: "},
		"a folder":       {folder, " must be readable: not a regular file"},
		"empty":          {file("empty", ""), " must hold ak and sk in [basic]"},
		"other sections": {file("other", "[global]\nak=AKHUSH\nsk=hush\n"), " must hold ak and sk in [basic]"},
		"a project only": {file("project", "[basic]\nproject_id=p1\n"), " must hold ak and sk in [basic]"},
		"too large":      {file("large", strings.Repeat("# hush\n", 1<<18)), " must be readable: larger than 1 MiB"},
		"half a key":     {file("half", "[basic]\nsk=hush\n"), "ak in [basic] of "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnvironment(t, regionVars.with(vars{"HUAWEICLOUD_SDK_CREDENTIALS_FILE": tt.path}), profileText)
			machine := httpfake.Script(httpfake.Reply(200, metadataKey))
			env.transport = machine
			got, err := callWith(t, env)
			if tt.want == "" {
				require.NoError(t, err)
				require.Equal(t, "AKPATH", got.key)
				return
			}
			require.ErrorIs(t, err, ErrInvalidArgument)
			require.ErrorContains(t, err, tt.path)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "hush")
			require.Zero(t, machine.Count())
		})
	}
}

func TestProfileFileThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "closed")
	require.NoError(t, os.WriteFile(path, nil, 0o000))
	if _, err := os.ReadFile(path); err == nil {
		t.Skip("this user may read every file")
	}
	_, err := NewClient(newEnvironment(t, regionVars.with(vars{"HUAWEICLOUD_SDK_CREDENTIALS_FILE": path}), "").option())
	require.ErrorIs(t, err, ErrInvalidArgument)
	require.Equal(t, 1, strings.Count(err.Error(), path))
}

// The file in the home folder need not exist. Then the machine's service is asked.
func TestProfileFileOfTheHome(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	tests := map[string]struct {
		home    func() (string, error)
		profile string
		want    string // in the error of a call
	}{
		"missing":            {nil, "", "; no file "},
		"the home is a file": {func() (string, error) { return file, nil }, "", "; no file "},
		"no home":            {func() (string, error) { return "", errors.New("no home") }, "", "; no home folder"},
		"an empty name":      {func() (string, error) { return "", nil }, "", "; no home folder"},
		"no key":             {nil, "[basic]\nproject_id=p1\n", "; no ak in [basic] of "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnvironment(t, regionVars, tt.profile)
			if tt.home != nil {
				env.home = tt.home
			}
			_, err := callWith(t, env)
			require.ErrorContains(t, err, tt.want)
			require.ErrorIs(t, err, ErrUnauthorized)
			require.NotErrorIs(t, err, ErrInvalidArgument)
		})
	}
}

// B5: nothing that a client was made of shows a secret.
func TestB5EnvironmentShowsNoSecret(t *testing.T) {
	t.Parallel()
	pod := vars{podIdentityURI: "https://pod.test/?hidden=7", podIdentityFile: "/hidden-8"}
	environments := map[string]*environment{
		"key":      newEnvironment(t, regionVars.with(vars{"HW_ACCESS_KEY": "AK", "HW_SECRET_KEY": "hidden-1", "HW_SECURITY_TOKEN": "hidden-2"}), ""),
		"token":    newEnvironment(t, regionVars.with(vars{"CODEARTSBUILD_TOKEN": "hidden-3"}), ""),
		"user":     newEnvironment(t, terraformUser.with(vars{"HW_USER_PASSWORD": "hidden-4"}), ""),
		"file":     newEnvironment(t, regionVars, "[basic]\nak=AK\nsk=hidden-5\nsecurity_token=hidden-6"),
		"pod":      newEnvironment(t, regionVars.with(pod), ""),
		"metadata": newEnvironment(t, regionVars, ""),
	}
	for name, env := range environments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := NewClient(env.option(), WithTransport(serviceAndIAM()))
			require.NoError(t, err)
			holder := struct {
				client *Client
				source any
			}{client, sourceOf(client)}
			_, callErr := callWith(t, env)
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
	env := newEnvironment(t, regionVars, profileText)
	home, err := env.home()
	require.NoError(t, err)
	files := func() map[string]time.Time {
		times := map[string]time.Time{}
		require.NoError(t, filepath.WalkDir(home, func(path string, entry fs.DirEntry, err error) error {
			require.NoError(t, err)
			info, err := entry.Info()
			times[path] = info.ModTime()
			return err
		}))
		return times
	}
	before := files()
	require.Len(t, before, 3)
	_, err = callWith(t, env)
	require.NoError(t, err)
	require.Equal(t, before, files())
}
