package codeartsbuild

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

// The responses of the two services, as the vendor's SDK reads them.
const (
	metadataKey = `{"credential":{"access":"AKMETA","expires_at":"2100-01-01T00:00:00.000000Z","secret":"hidden-sk","securitytoken":"hidden-st"}}`
	podKey      = `{"assumedAgency":{"urn":"u","id":"i"},"audience":"a","credentials":{"accessKeyId":"AKPOD","secretAccessKey":"hidden-sk",` +
		`"securityToken":"hidden-st","expiration":"2100-01-01T00:00:00.000000Z"},"podIdentityAssociationId":"","subject":{}}`
)

// unknownCertificate is a failure that does not go away.
var unknownCertificate = x509.UnknownAuthorityError{}

// podVars are the variables of pod identity, with a file that holds the token.
func podVars(t testing.TB, uri, token string) vars {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(token), 0o600))
	return vars{podIdentityURI: uri, podIdentityFile: file}
}

// withMachine makes an environment without a credential, where transport leads to the machine's service.
func withMachine(t testing.TB, transport http.RoundTripper, pod vars) *environment {
	t.Helper()
	env := newEnvironment(t, regionVars.with(pod), "")
	env.transport = transport
	return env
}

// asked are the requests that the machine's service got, in one line each.
func asked(requests []httpfake.Request) []string {
	var lines []string
	for _, r := range requests {
		line := r.Method + " " + r.URL.RequestURI()
		for _, name := range []string{"X-Metadata-Token-Ttl-Seconds", "X-Metadata-Token", "Authorization", "Content-Type"} {
			if value := r.Header.Get(name); value != "" {
				line += " " + value
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// requireMachineError requires the error of a call that got no key: it begins with the service, lists the other places,
// says why the host gave none, and shows no secret.
func requireMachineError(t *testing.T, err error, want reason) {
	t.Helper()
	require.Error(t, err)
	rest := err.Error()
	require.True(t, strings.HasPrefix(rest, "codeartsbuild: "+want.service+": no credential: none of HUAWEICLOUD_SDK_AK, "), rest)
	for _, step := range []string{
		"CODEARTSBUILD_TOKEN", "HW_ACCESS_KEY", "HW_USER_NAME", "OS_ACCESS_KEY", "OS_USERNAME", "; no file ",
		"; " + want.host + ": " + want.text + "; set HUAWEICLOUD_SDK_AK", "WithAccessKeySource",
	} {
		_, after, ok := strings.Cut(rest, step)
		require.True(t, ok, "%q in %q", step, err)
		rest = after
	}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "hidden")
	require.NotContains(t, err.Error(), "\n")
	require.Less(t, len(err.Error()), 1<<10)
	require.ErrorIs(t, err, ErrUnauthorized)
	require.NotErrorIs(t, err, ErrInvalidArgument)
	require.NotErrorIs(t, err, ErrOutcomeUnknown)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, errors.As(err, new(*APIError)), "the service was not asked")
}

// A reason is why a host gave no key.
type reason struct{ service, host, text string }

func metadataReason(text string) reason { return reason{"metadata service", "metadata.test", text} }

func podReason(text string) reason { return reason{"pod identity", "127.0.0.1:8080", text} }

const (
	askToken = "PUT /meta-data/latest/api/token 21600"
	askKey   = "GET /openstack/latest/securitykey"
	askPod   = "POST /v1/credentials?x=1 hidden-token application/json"
	podURI   = "http://127.0.0.1:8080/v1/credentials?x=1"
)

// A machineTest is what the machine's service does, request by request, and what a call makes of it.
type machineTest struct {
	steps []httpfake.Func
	want  string // the reason in the error; "": the key is used
	asked []string
}

func runMachineTests(t *testing.T, reason func(string) reason, pod vars, tests map[string]machineTest) {
	for test, tt := range tests {
		t.Run(test, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				machine := httpfake.Script(tt.steps...)
				start := time.Now()
				got, err := callWith(t, withMachine(t, machine, pod))
				if tt.want == "" {
					require.NoError(t, err)
					require.Contains(t, []string{"AKMETA", "AKPOD"}, got.key)
					require.Equal(t, "hidden-st", got.securityToken)
				} else {
					requireMachineError(t, err, reason(tt.want))
				}
				if tt.asked != nil {
					require.Equal(t, tt.asked, asked(machine.Requests()))
				}
				require.Less(t, time.Since(start), 3*time.Second)
			})
		})
	}
}

func TestMetadataService(t *testing.T) {
	t.Parallel()
	token, key := httpfake.Reply(200, "hidden-token"), httpfake.Reply(200, metadataKey)
	rejected, redirect := httpfake.Reply(401, "hidden"), httpfake.Reply(302, "", "Location", "http://hidden.example.com")
	sessionOf := func(body string) []httpfake.Func { return []httpfake.Func{token, httpfake.Reply(200, body)} }
	const noKey, askWithToken = "the response holds no access key", askKey + " hidden-token"
	runMachineTests(t, metadataReason, nil, map[string]machineTest{
		"version 2":                     {[]httpfake.Func{token, key}, "", []string{askToken, askWithToken}},
		"version 2, a line break":       {[]httpfake.Func{httpfake.Reply(200, "hidden-token\n"), key}, "", []string{askToken, askWithToken}},
		"version 1, not found":          {[]httpfake.Func{httpfake.Reply(404, "hidden"), key}, "", []string{askToken, askKey}},
		"version 1, method not allowed": {[]httpfake.Func{httpfake.Reply(405, ""), key}, "", []string{askToken, askKey}},
		"version 1, unavailable":        {[]httpfake.Func{httpfake.Reply(503, ""), key}, "", []string{askToken, askKey}},
		"a rejected session": {
			[]httpfake.Func{token, rejected, httpfake.Reply(200, "second"), key}, "", []string{askToken, askWithToken, askToken, askKey + " second"},
		},
		"a second rejected session": {
			[]httpfake.Func{token, rejected, token, rejected}, "responded 401 Unauthorized", []string{askToken, askWithToken, askToken, askWithToken},
		},
		"version 1 no longer": {
			[]httpfake.Func{httpfake.Reply(404, ""), rejected, token, key}, "", []string{askToken, askKey, askToken, askWithToken},
		},
		"no agency": {
			[]httpfake.Func{token, httpfake.Reply(401, "Please configure Cloud Service Agency first. hidden")},
			"this instance has no agency, which would have keys", []string{askToken, askWithToken},
		},
		"the spelling of pod identity":    {sessionOf(podKey), "", nil},
		"a key without an end":            {sessionOf(`{"credential":{"access":"AKMETA","secret":"hidden-sk","securitytoken":"hidden-st"}}`), "", nil},
		"the token request is redirected": {[]httpfake.Func{redirect}, "responded 302 Found, which is not followed", []string{askToken}},
		"the key request is redirected":   {[]httpfake.Func{token, redirect}, "responded 302 Found, which is not followed", []string{askToken, askWithToken}},
		"the token request is rejected":   {[]httpfake.Func{rejected}, "responded 401 Unauthorized", []string{askToken}},
		"the token request is forbidden":  {[]httpfake.Func{httpfake.Reply(403, "hidden")}, "responded 403 Forbidden", []string{askToken}},
		"the token request is bad":        {[]httpfake.Func{httpfake.Reply(400, "hidden")}, "responded 400 Bad Request", []string{askToken}},
		"the key is forbidden":            {[]httpfake.Func{token, httpfake.Reply(403, "hidden")}, "responded 403 Forbidden", []string{askToken, askWithToken}},
		"an empty token":                  {[]httpfake.Func{httpfake.Reply(200, " ")}, "the response to the request for a session holds no token", []string{askToken}},
		"a page for a token":              {[]httpfake.Func{httpfake.Reply(200, "<html>\nhidden</html>")}, "the response to the request for a session holds no token", []string{askToken}},
		"an unusual success":              {[]httpfake.Func{token, httpfake.Reply(204, "")}, "responded 204 No Content", nil},
		"a page":                          {sessionOf("<html>hidden</html>"), noKey, nil},
		"nothing":                         {sessionOf(""), noKey, nil},
		"null":                            {sessionOf("null"), noKey, nil},
		"no key":                          {sessionOf(`{"credential":{}}`), noKey, nil},
		"no security token":               {sessionOf(`{"credential":{"access":"hidden","secret":"hidden"}}`), noKey, nil},
		"a key of another type":           {sessionOf(`{"credential":{"access":{"id":"hidden"},"secret":"hidden","securitytoken":"hidden"}}`), noKey, nil},
		"a key that no header carries":    {sessionOf(`{"credential":{"access":"hid\nden","secret":"hidden","securitytoken":"hidden"}}`), noKey, nil},
		"a compressed response":           {[]httpfake.Func{token, httpfake.Reply(200, "\x1f\x8bhidden", "Content-Encoding", "gzip")}, noKey, nil},
		"a huge response":                 {sessionOf(strings.Repeat("hidden ", 1<<20)), "the response is larger than 64 KiB", nil},
		"a huge token":                    {[]httpfake.Func{httpfake.Reply(200, strings.Repeat("hidden ", 1<<20))}, "the response is larger than 64 KiB", nil},
	})
}

// B117: A service that has just started is asked again, as is one whose response was lost.
func TestMachineThatStarts(t *testing.T) {
	t.Parallel()
	token, key := httpfake.Reply(200, "hidden-token"), httpfake.Reply(200, metadataKey)
	const askWithToken = askKey + " hidden-token"
	broken := map[string]httpfake.Func{
		"500": httpfake.Reply(500, "hidden"), "502": httpfake.Reply(502, ""), "503": httpfake.Reply(503, ""), "504": httpfake.Reply(504, ""),
		"429": httpfake.Reply(429, "", "Retry-After", "60"), "404": httpfake.Reply(404, ""),
		"refused": httpfake.Refused, "lost": httpfake.Lost, "cut off": httpfake.Cut(200, "hid"),
	}
	tests := map[string]machineTest{}
	for name, step := range broken {
		tests[name+" for the key"] = machineTest{[]httpfake.Func{token, step, token, key}, "", []string{askToken, askWithToken, askToken, askWithToken}}
		if name != "404" && name != "503" { // these are version 1
			tests[name+" for the session"] = machineTest{[]httpfake.Func{step, token, key}, "", []string{askToken, askToken, askWithToken}}
		}
	}
	tests["503 for all"] = machineTest{
		[]httpfake.Func{broken["503"], broken["503"], broken["503"], httpfake.Reply(401, ""), token, key}, "",
		[]string{askToken, askKey, askToken, askKey, askToken, askWithToken},
	}
	runMachineTests(t, metadataReason, nil, tests)

	tests = map[string]machineTest{}
	for name, step := range broken {
		tests["pod identity, "+name] = machineTest{[]httpfake.Func{step, step, httpfake.Reply(200, podKey)}, "", []string{askPod, askPod, askPod}}
	}
	runMachineTests(t, podReason, podVars(t, podURI, "hidden-token"), tests)
}

// B117: The metadata service is asked for at most 3 s, and pod identity for at most 10 s.
func TestMachineThatStaysAway(t *testing.T) {
	t.Parallel()
	slowly := func(req *http.Request) (*http.Response, error) {
		time.Sleep(2 * time.Second)
		return httpfake.Reply(200, "hidden-token")(req)
	}
	pod := podVars(t, podURI, "hidden-token")
	tests := map[string]struct {
		pod   vars
		steps []httpfake.Func
		want  reason
	}{
		"no response":              {nil, []httpfake.Func{httpfake.Stuck}, metadataReason("no response within 3s")},
		"a slow session, no key":   {nil, []httpfake.Func{slowly, httpfake.Stuck}, metadataReason("no response within 3s")},
		"half a response":          {nil, []httpfake.Func{httpfake.Stalled(200, "hid")}, metadataReason("no response within 3s")},
		"a failure and no more":    {nil, []httpfake.Func{httpfake.Reply(500, ""), httpfake.Stuck}, metadataReason("responded 500 Internal Server Error")},
		"always 500":               {nil, []httpfake.Func{httpfake.Reply(500, "")}, metadataReason("responded 500 Internal Server Error")},
		"always 404":               {nil, []httpfake.Func{httpfake.Reply(404, "")}, metadataReason("responded 404 Not Found")},
		"always 429":               {nil, []httpfake.Func{httpfake.Reply(429, "")}, metadataReason("responded 429 Too Many Requests")},
		"version 1, always 401":    {nil, []httpfake.Func{httpfake.Reply(404, ""), httpfake.Reply(401, ""), httpfake.Reply(404, ""), httpfake.Reply(401, ""), httpfake.Stuck}, metadataReason("responded 401 Unauthorized")},
		"nothing listens":          {nil, []httpfake.Func{httpfake.Refused}, metadataReason("no connection")},
		"pod identity, nothing":    {pod, []httpfake.Func{httpfake.Stuck}, podReason("no response within 10s")},
		"pod identity, always 503": {pod, []httpfake.Func{httpfake.Reply(503, "")}, podReason("responded 503 Service Unavailable")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				machine := httpfake.Script(tt.steps...)
				start := time.Now()
				_, err := callWith(t, withMachine(t, machine, tt.pod))
				limit := 3 * time.Second
				if tt.pod != nil {
					limit = 10 * time.Second
				}
				require.Equal(t, limit, time.Since(start))
				requireMachineError(t, err, tt.want)
				require.Less(t, machine.Count(), 100, "it is not asked without a pause")
			})
		})
	}
}

// An error says why there was no response. It shows no more of the address than the host.
func TestMachineThatCannotBeReached(t *testing.T) {
	t.Parallel()
	dial := func(err error) httpfake.Func { return httpfake.Fail(&net.OpError{Op: "dial", Net: "tcp", Err: err}) }
	unknownHost := &net.DNSError{Err: "no such host", Name: "hidden.example.com", IsNotFound: true}
	syscallError := func(text string) error { return &os.SyscallError{Syscall: "connect", Err: errors.New(text)} }
	for test, tt := range map[string]struct {
		step  httpfake.Func
		want  string
		final bool
	}{
		"certificate":        {httpfake.Fail(unknownCertificate), "no connection: the certificate is invalid", true},
		"unknown host":       {dial(unknownHost), "no connection: no such host", true},
		"refused":            {dial(syscallError("connection refused")), "no connection: connection refused", false},
		"no route":           {dial(syscallError("no route to host")), "no connection: no route to host", false},
		"another reason":     {dial(&net.AddrError{Err: "invalid port", Addr: "hidden:99999"}), "no connection", false},
		"malformed response": {httpfake.Fail(errors.New(`malformed HTTP response "hidden"`)), "no readable response", false},
	} {
		t.Run(test, func(t *testing.T) {
			t.Parallel()
			pod := podVars(t, podURI, "hidden-token")
			synctest.Test(t, func(t *testing.T) {
				machine := httpfake.Script(tt.step)
				_, err := callWith(t, withMachine(t, machine, pod))
				requireMachineError(t, err, podReason(tt.want))
				require.NotContains(t, err.Error(), "/v1/credentials")
				require.Equal(t, tt.final, machine.Count() == 1)
			})
		})
	}
}

func TestPodIdentity(t *testing.T) {
	t.Parallel()
	key := httpfake.Reply(200, podKey)
	tests := map[string]struct {
		step  httpfake.Func
		token string // the content of the file
		want  string
		asked []string
	}{
		"a key":                {key, "hidden-token\n", "", []string{askPod}},
		"the other spelling":   {httpfake.Reply(200, metadataKey), "hidden-token", "", []string{askPod}},
		"rejected":             {httpfake.Reply(401, podKey), "hidden-token", "responded 401 Unauthorized", []string{askPod}},
		"forbidden":            {httpfake.Reply(403, podKey), "hidden-token", "responded 403 Forbidden", []string{askPod}},
		"bad":                  {httpfake.Reply(400, podKey), "hidden-token", "responded 400 Bad Request", []string{askPod}},
		"a redirect":           {httpfake.Reply(307, "", "Location", "http://hidden.example.com"), "hidden-token", "responded 307 Temporary Redirect, which is not followed", []string{askPod}},
		"a page":               {httpfake.Reply(200, "<html>hidden</html>"), "hidden-token", "the response holds no access key", []string{askPod}},
		"an empty file":        {key, " \n", "not asked: the file of " + podIdentityFile + " does not hold a token", nil},
		"a file of two tokens": {key, "hidden\nhidden", "not asked: the file of " + podIdentityFile + " does not hold a token", nil},
		"a huge file":          {key, strings.Repeat("hidden", 1<<18), "not asked: the file of " + podIdentityFile + " cannot be read: larger than 1 MiB", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			machine := httpfake.Script(tt.step)
			got, err := callWith(t, withMachine(t, machine, podVars(t, podURI, tt.token)))
			if tt.want == "" {
				require.NoError(t, err)
				require.Equal(t, "hidden-st", got.securityToken)
			} else {
				requireMachineError(t, err, podReason(tt.want))
			}
			require.Equal(t, tt.asked, asked(machine.Requests()))
			for _, r := range machine.Requests() {
				require.Equal(t, "{}", r.Body)
			}
		})
	}
}

func TestPodIdentityReadsItsFileForEachKey(t *testing.T) {
	t.Parallel()
	machine := httpfake.Script(httpfake.Reply(200, podKey))
	pod := podVars(t, podURI, "one")
	client, err := NewClient(withMachine(t, machine, pod).option(), WithTransport(serviceAndIAM()))
	require.NoError(t, err)
	source := client.auth.(*keyAuth).source.(*CachedAccessKeySource)
	for _, token := range []string{"one", "two"} {
		require.NoError(t, os.WriteFile(pod[podIdentityFile], []byte(token), 0o600))
		key, err := source.AccessKey(t.Context())
		require.NoError(t, err)
		source.Invalidate(key)
	}
	require.NoError(t, os.Remove(pod[podIdentityFile]))
	_, err = source.AccessKey(t.Context())
	require.ErrorContains(t, err, podIdentityFile+" cannot be read: ")
	require.NotContains(t, err.Error(), pod[podIdentityFile])
	require.Equal(t, []string{strings.Replace(askPod, "hidden-token", "one", 1), strings.Replace(askPod, "hidden-token", "two", 1)}, asked(machine.Requests()))
}

// The token of a container is not sent where others on the way could read it.
func TestPodIdentityAddress(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ fine, withOption bool }{
		"https://agent.example.com/v1/credentials": {true, true},
		"https://10.0.0.1":                         {true, true},
		"http://localhost:8080/x":                  {true, true},
		"http://LOCALHOST:8080/x":                  {true, true},
		"http://127.0.0.9:8080/x":                  {true, true},
		"http://[::1]/x?y=z":                       {true, true},
		"http://169.254.170.23/v1/credentials":     {true, true},
		"http://[fe80::1]/x":                       {true, true},
		"http://[::ffff:169.254.0.1]/x":            {true, true},
		"http://10.0.0.1/x":                        {false, true},
		"http://agent.example.com/x":               {false, true},
		"http://169.254.170.23.example.com/x":      {false, true},
		"http://[fd00::1]/x":                       {false, true},
		"https://user:pass@agent.example.com/x":    {},
		"https://agent.example.com/x#y":            {},
		"https:///x":                               {},
		"https:agent":                              {},
		"ftp://127.0.0.1/x":                        {},
		"/v1/credentials":                          {},
		"http://127.0.0.1/%zz":                     {},
		"http://127.0.0.1/\n":                      {},
	}
	for uri, tt := range tests {
		t.Run(uri, func(t *testing.T) {
			t.Parallel()
			env := withMachine(t, nil, podVars(t, uri, "token"))
			_, err := NewClient(env.option())
			_, withOption := NewClient(env.option(), WithInsecureHTTP())
			require.Equal(t, tt.fine, err == nil, err)
			require.Equal(t, tt.withOption, withOption == nil, withOption)
			for _, err := range []error{err, withOption} {
				if err != nil {
					require.ErrorIs(t, err, ErrInvalidArgument)
					require.ErrorContains(t, err, podIdentityURI)
					require.NotContains(t, err.Error(), uri)
				}
			}
		})
	}
}

func TestNewClientDoesNotAskForKeys(t *testing.T) {
	t.Parallel()
	machine := httpfake.Script(httpfake.Stuck)
	for _, pod := range []vars{nil, podVars(t, "https://agent.example.com", "token")} {
		_, err := NewClient(withMachine(t, machine, pod).option())
		require.NoError(t, err)
	}
	require.Zero(t, machine.Count())
}

func TestMachineIsAskedWithTheContextOfTheCall(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]httpfake.Func{"no response": httpfake.Stuck, "in a pause": httpfake.Reply(500, "")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				machine := httpfake.Script(step)
				client, err := NewClient(withMachine(t, machine, nil).option(), WithTransport(serviceAndIAM()))
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				err = client.Do(ctx, http.MethodGet, "/v1/x", nil, nil)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, time.Second, time.Since(start))
				synctest.Wait()
				asked := machine.Count()
				time.Sleep(time.Second)
				require.Equal(t, asked, machine.Count(), "no caller waits any more")
			})
		})
	}
}

func TestManyCallersAskTheMachineOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slowly := func(body string) httpfake.Func {
			return func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return httpfake.Reply(200, body)(req)
			}
		}
		machine := httpfake.Script(slowly("token"), slowly(metadataKey))
		client, err := NewClient(withMachine(t, machine, nil).option(), WithTransport(serviceAndIAM()))
		require.NoError(t, err)
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if err := client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.Equal(t, 2, machine.Count())
	})
}

func TestMachineKeysAreRenewedEarly(t *testing.T) {
	t.Parallel()
	pod := podVars(t, podURI, "token")
	synctest.Test(t, func(t *testing.T) {
		down := false
		machine := httpfake.Record(httpfake.Func(func(req *http.Request) (*http.Response, error) {
			if down {
				return httpfake.Reply(403, "hidden")(req)
			}
			expires := time.Now().Add(24 * time.Hour).UTC().Format("2006-01-02T15:04:05.000000Z")
			return httpfake.Reply(200, `{"credentials":{"accessKeyId":"AK","secretAccessKey":"s","securityToken":"t","expiration":"`+expires+`"}}`)(req)
		}))
		client, err := NewClient(withMachine(t, machine, pod).option(), WithTransport(serviceAndIAM()))
		require.NoError(t, err)
		for _, step := range []struct {
			pause    time.Duration
			down     bool
			requests int
		}{
			{0, false, 1},
			{23 * time.Hour, false, 1},
			{53 * time.Minute, true, 2}, // seven minutes before the end; the old key is still valid
			{0, true, 2},
			{31 * time.Second, false, 3},
			{time.Hour, false, 3},
		} {
			time.Sleep(step.pause)
			down = step.down
			require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil))
			require.Equal(t, step.requests, machine.Count())
		}
	})
}

func TestRejectedMachineKeyIsReplaced(t *testing.T) {
	t.Parallel()
	var issued atomic.Int32
	machine := httpfake.Record(httpfake.Func(func(req *http.Request) (*http.Response, error) {
		return httpfake.Reply(200, fmt.Sprintf(`{"credentials":{"accessKeyId":"AK%d","secretAccessKey":"s","securityToken":"t"}}`, issued.Add(1)))(req)
	}))
	service := httpfake.Func(func(req *http.Request) (*http.Response, error) {
		if strings.Contains(req.Header.Get("Authorization"), "Access=AK1,") {
			return httpfake.Reply(401, `{"error_code":"APIGW.0301","error_msg":"rejected"}`)(req)
		}
		return httpfake.Reply(200, `{}`)(req)
	})
	client, err := NewClient(withMachine(t, machine, podVars(t, podURI, "token")).option(), WithTransport(service))
	require.NoError(t, err)
	require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil))
	require.Equal(t, 2, machine.Count())
}

// B113: The requests for a key are in the log of the call that needs it, without the key.
func TestMachineIsInTheLog(t *testing.T) {
	t.Parallel()
	pod := podVars(t, podURI, "hidden-token")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		env := withMachine(t, httpfake.Script(httpfake.Reply(503, "hidden"), httpfake.Reply(200, podKey)), pod)
		_, err := callWith(t, env, WithLogger(logger))
		require.NoError(t, err)
		require.Contains(t, log.String(), `msg=attempt operation="pod identity" attempt=1 duration=0s error="responded 503 Service Unavailable"`)
		require.Contains(t, log.String(), `msg=attempt operation="pod identity" attempt=2 duration=0s`)
		require.NotContains(t, log.String(), "hidden")
		require.NotContains(t, log.String(), "AKPOD")
	})
}

// B48: the connections to the machine's services are closed with those of the client.
func TestB48MachineConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	server := httpfake.Listen(t, httpfake.Handler(200, podKey))
	client, err := NewClient(withMachine(t, nil, podVars(t, server.URL, "token")).option(), WithTransport(serviceAndIAM()))
	require.NoError(t, err)
	require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil))
	open := func() int { _, open := server.Connections(); return open }
	require.Equal(t, 1, open())
	client.CloseIdleConnections()
	require.Eventually(t, func() bool { return open() == 0 }, 5*time.Second, time.Millisecond)
}

// B9: net/http reads the proxy of the environment once per process, so that a process of its own has one.
func TestB9MetadataServiceKnowsNoProxy(t *testing.T) {
	t.Parallel()
	const variable = "CODEARTSBUILD_TEST_METADATA"
	if endpoint := os.Getenv(variable); endpoint != "" {
		proxy, err := http.ProxyFromEnvironment(httptest.NewRequest(http.MethodGet, endpoint, nil))
		require.NoError(t, err)
		require.NotNil(t, proxy, "this process has a proxy")
		env := withMachine(t, nil, nil)
		env.metadata = endpoint
		got, err := callWith(t, env)
		require.NoError(t, err)
		require.Equal(t, "AKMETA", got.key)
		return
	}
	if runtime.GOOS == "windows" {
		t.Skip("this machine has no address but its loopback, for which no proxy is used anyway")
	}
	proxy := httpfake.Listen(t, httpfake.Handler(502, ""))
	server := httpfake.Listen(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			httpfake.Handler(200, "token")(w, r)
			return
		}
		httpfake.Handler(200, metadataKey)(w, r)
	})
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	child := exec.Command(os.Args[0], "-test.run=^TestB9MetadataServiceKnowsNoProxy$", "-test.count=1")
	child.Env = append(os.Environ(), variable+"=http://0.0.0.0:"+port, "HTTP_PROXY="+proxy.URL, "http_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=", "REQUEST_METHOD=")
	output, err := child.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Empty(t, proxy.Requests())
	require.Len(t, server.Requests(), 2)
}
