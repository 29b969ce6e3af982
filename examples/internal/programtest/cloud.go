package programtest

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// Responses of the service, for faults.
const (
	Forbidden = `{"error_code":"APIGW.0302","error_msg":"The user is not allowed to call this API","request_id":"0123"}`
	Finished  = `{"error_code":"DEV.CB.032302","error_msg":"build record [1] is already finished"}`
)

// A Cloud is an in-memory service on a socket, and a token of a user who has logged in there.
type Cloud struct {
	*codeartsbuildtest.Server
	Token string
}

// NewCloud starts a service, which ends with the test.
func NewCloud(t *testing.T) *Cloud {
	t.Helper()
	server := codeartsbuildtest.NewServer()
	server.Start()
	t.Cleanup(server.Close)
	require.NotEmpty(t, server.URL, "no socket")
	source, err := codeartsbuild.NewIAMTokenSource(server.IAMConfig())
	require.NoError(t, err)
	defer source.CloseIdleConnections()
	token, err := source.Token(t.Context())
	require.NoError(t, err)
	return &Cloud{server, token.Value()}
}

func password() string {
	secret, _ := codeartsbuildtest.NewServer().IAMConfig().Password(context.Background()) // a constant
	return secret
}

// TokenEnv is the environment of somebody who has a token.
func (c *Cloud) TokenEnv() []string { return []string{"CODEARTSBUILD_TOKEN=" + c.Token} }

// KeyEnv is the environment of somebody who has an access key.
func (c *Cloud) KeyEnv() []string {
	id, secret := c.AccessKey()
	return []string{"HUAWEICLOUD_SDK_AK=" + id, "HUAWEICLOUD_SDK_SK=" + secret}
}

// PasswordEnv is the environment of somebody who has a password, and logs in for each program.
func (c *Cloud) PasswordEnv(password string) []string {
	config := c.IAMConfig()
	return []string{
		"HW_AUTH_URL=" + config.Endpoint, "HW_DOMAIN_NAME=" + config.DomainName, "HW_PROJECT_NAME=" + config.ProjectName,
		"HW_USER_NAME=" + config.UserName, "HW_USER_PASSWORD=" + password,
	}
}

// Password is the right one.
func (c *Cloud) Password() string { return password() }

// Start starts the program with the token and the endpoint of this service.
func (c *Cloud) Start(t *testing.T, args ...string) *Process {
	t.Helper()
	return Start(t, c.TokenEnv(), append([]string{"-endpoint", c.URL}, args...)...)
}

// Run runs the program with the token and the endpoint of this service.
func (c *Cloud) Run(t *testing.T, args ...string) Result {
	t.Helper()
	return c.Start(t, args...).Wait()
}

// Count is how many requests there have been of an operation.
func (c *Cloud) Count(operation string) int {
	n := 0
	for _, r := range c.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

// Changes are the operations so far that change something, in the order in which they came. Logins are none.
func (c *Cloud) Changes() []string {
	var changes []string
	for _, r := range c.Requests() {
		if r.Method != http.MethodGet && r.Operation != "CreateToken" {
			changes = append(changes, cmp.Or(r.Operation, r.Method+" "+r.Path))
		}
	}
	return changes
}

// Ends makes a build end by itself when the request arrives that the fault is for.
func (c *Cloud) Ends(job, build string, status codeartsbuild.BuildStatus) codeartsbuildtest.Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.Finish(job, build, status)
			next.ServeHTTP(w, r)
		})
	}
}

// Project is the id of the project that all jobs are in. There has to be one.
func (c *Cloud) Project(t *testing.T) string {
	t.Helper()
	client := c.Client()
	defer client.CloseIdleConnections()
	var response []byte
	require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v1/job/list", nil, &response))
	found := regexp.MustCompile(`"project_id":"(\w{32})"`).FindSubmatch(response)
	require.NotNil(t, found, "%s", response)
	return string(found[1])
}

// RequireSweep requires the lines of a sweep: the decisions in the order of the plan, the outcomes as they
// came, and the sums last.
func RequireSweep(t *testing.T, decided, outcomes, lines []string) {
	t.Helper()
	require.Len(t, lines, len(decided)+len(outcomes), lines)
	require.Equal(t, decided, lines[:len(decided)])
	require.ElementsMatch(t, outcomes, lines[len(decided):])
	require.Equal(t, outcomes[len(outcomes)-1], lines[len(lines)-1])
}

// StopOf applies a fault to the stops of one build only.
func StopOf(build string, fault codeartsbuildtest.Fault) codeartsbuildtest.Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body) // memory
			r.Body = io.NopCloser(bytes.NewReader(body))
			if bytes.Contains(body, []byte(`"build_no":"`+build+`"`)) {
				fault(next).ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
