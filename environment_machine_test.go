package codeartsbuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
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
)

// There is no metadata service and no pod identity where these tests run, so that servers of the tests stand
// in for them, with the answers that the vendor's SDK reads.
const (
	envMetadataKey = `{"credential":{"access":"AKMETA","expires_at":"2100-01-01T00:00:00.000000Z","secret":"hidden-sk","securitytoken":"hidden-st"}}`
	envPodKey      = `{"assumedAgency":{"urn":"u","id":"i"},"audience":"a","credentials":{"accessKeyId":"AKPOD","secretAccessKey":"hidden-sk",` +
		`"securityToken":"hidden-st","expiration":"2100-01-01T00:00:00.000000Z"},"podIdentityAssociationId":"","subject":{}}`
)

// A metadataServer answers in order, and the last answer again, and keeps what it was asked.
type metadataServer struct {
	*httptest.Server
	mu      sync.Mutex
	answers []http.HandlerFunc
	asked   []string
}

func newMetadataServer(t testing.TB, answers ...http.HandlerFunc) *metadataServer {
	t.Helper()
	s := &metadataServer{answers: answers}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *metadataServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	asked := r.Method + " " + r.URL.RequestURI()
	for _, name := range []string{"X-Metadata-Token-Ttl-Seconds", "X-Metadata-Token", "Authorization", "Content-Type"} {
		if value := r.Header.Get(name); value != "" {
			asked += " " + value
		}
	}
	if len(body) > 0 {
		asked += " " + string(body)
	}
	s.mu.Lock()
	s.asked = append(s.asked, asked)
	answer := s.answers[min(len(s.asked), len(s.answers))-1]
	s.mu.Unlock()
	answer(w, r)
}

func (s *metadataServer) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

func metadataReply(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// metadataEnv is a place that has a metadata service at endpoint, and with pod the variables of pod identity.
func metadataEnv(t testing.TB, endpoint string, pod map[string]string) *environment {
	t.Helper()
	vars := map[string]string{"HW_REGION_NAME": "cn-north-4"}
	maps.Copy(vars, pod)
	env := envIn(t, vars, "")
	env.metadata, env.transport = endpoint, nil
	return env
}

func podVariables(t testing.TB, uri, token string) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(token), 0o600))
	return map[string]string{podIdentityURI: uri, podIdentityFile: file}
}

const (
	putToken = "PUT /meta-data/latest/api/token 21600"
	getKey   = "GET /openstack/latest/securitykey"
)

func TestMetadataService(t *testing.T) {
	t.Parallel()
	token, key := metadataReply(200, "hidden-token"), metadataReply(200, envMetadataKey)
	elsewhere := newMetadataServer(t, key)
	redirect := metadataReply(302, "", "Location", elsewhere.URL+"/hidden")
	tests := map[string]struct {
		answers []http.HandlerFunc
		want    string // in the error; "": the key is used
		asked   []string
	}{
		"version 2":                       {[]http.HandlerFunc{token, key}, "", []string{putToken, getKey + " hidden-token"}},
		"version 2, a line break":         {[]http.HandlerFunc{metadataReply(200, "hidden-token\n"), key}, "", []string{putToken, getKey + " hidden-token"}},
		"version 1, not found":            {[]http.HandlerFunc{metadataReply(404, "hidden"), key}, "", []string{putToken, getKey}},
		"version 1, method not allowed":   {[]http.HandlerFunc{metadataReply(405, ""), key}, "", []string{putToken, getKey}},
		"version 1, unavailable":          {[]http.HandlerFunc{metadataReply(503, ""), key}, "", []string{putToken, getKey}},
		"a token that is refused":         {[]http.HandlerFunc{token, metadataReply(401, "hidden"), metadataReply(200, "second"), key}, "", []string{putToken, getKey + " hidden-token", putToken, getKey + " second"}},
		"a second token that is refused":  {[]http.HandlerFunc{token, metadataReply(401, "hidden"), token, metadataReply(401, "hidden")}, "responded 401 Unauthorized", []string{putToken, getKey + " hidden-token", putToken, getKey + " hidden-token"}},
		"version 1 no longer":             {[]http.HandlerFunc{metadataReply(404, ""), metadataReply(401, ""), token, key}, "", []string{putToken, getKey, putToken, getKey + " hidden-token"}},
		"no agency":                       {[]http.HandlerFunc{token, metadataReply(401, "Please configure Cloud Service Agency first. hidden")}, "this instance has no agency", []string{putToken, getKey + " hidden-token"}},
		"the pod's spelling":              {[]http.HandlerFunc{token, metadataReply(200, envPodKey)}, "", nil},
		"no end":                          {[]http.HandlerFunc{token, metadataReply(200, `{"credential":{"access":"AKMETA","secret":"hidden-sk","securitytoken":"hidden-st"}}`)}, "", nil},
		"the token request fails":         {[]http.HandlerFunc{metadataReply(500, "hidden")}, "responded 500 Internal Server Error", []string{putToken}},
		"the token request is redirected": {[]http.HandlerFunc{redirect}, "responded 302 Found, which is not followed", []string{putToken}},
		"the key request is redirected":   {[]http.HandlerFunc{token, redirect}, "responded 302 Found, which is not followed", []string{putToken, getKey + " hidden-token"}},
		"an empty token":                  {[]http.HandlerFunc{metadataReply(200, " ")}, "sent no token", []string{putToken}},
		"a page for a token":              {[]http.HandlerFunc{metadataReply(200, "<html>\nhidden</html>")}, "sent no token", []string{putToken}},
		"not found":                       {[]http.HandlerFunc{metadataReply(404, "hidden")}, "responded 404 Not Found", []string{putToken, getKey}},
		"an unusual success":              {[]http.HandlerFunc{token, metadataReply(204, "")}, "responded 204 No Content", nil},
		"a page":                          {[]http.HandlerFunc{token, metadataReply(200, "<html>hidden</html>")}, "sent no access key", nil},
		"nothing":                         {[]http.HandlerFunc{token, metadataReply(200, "")}, "sent no access key", nil},
		"null":                            {[]http.HandlerFunc{token, metadataReply(200, "null")}, "sent no access key", nil},
		"no key":                          {[]http.HandlerFunc{token, metadataReply(200, `{"credential":{}}`)}, "sent no access key", nil},
		"no security token":               {[]http.HandlerFunc{token, metadataReply(200, `{"credential":{"access":"hidden","secret":"hidden"}}`)}, "sent no access key", nil},
		"a key of another type":           {[]http.HandlerFunc{token, metadataReply(200, `{"credential":{"access":{"id":"hidden"},"secret":"hidden","securitytoken":"hidden"}}`)}, "sent no access key", nil},
		"a key that no header carries":    {[]http.HandlerFunc{token, metadataReply(200, `{"credential":{"access":"hid\nden","secret":"hidden","securitytoken":"hidden"}}`)}, "sent no access key", nil},
		"half an answer":                  {[]http.HandlerFunc{token, metadataReply(200, envMetadataKey, "Content-Length", "400")}, "cut off", nil},
		"a huge answer":                   {[]http.HandlerFunc{token, metadataReply(200, strings.Repeat("hidden ", 1<<20))}, "larger than 64 KiB", nil},
		"a huge token":                    {[]http.HandlerFunc{metadataReply(200, strings.Repeat("hidden ", 1<<20))}, "larger than 64 KiB", nil},
		"a packed answer":                 {[]http.HandlerFunc{token, metadataReply(200, "\x1f\x8bhidden", "Content-Encoding", "gzip")}, "sent no access key", nil},
		"no HTTP":                         {[]http.HandlerFunc{token, metadataRaw("hidden secrets\r\n\r\n")}, "sent no readable response", nil},
		"a dropped connection":            {[]http.HandlerFunc{token, metadataRaw("")}, "sent no readable response", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newMetadataServer(t, tt.answers...)
			got, err := envCall(t, metadataEnv(t, server.URL, nil))
			if tt.want == "" {
				require.NoError(t, err)
				require.Contains(t, []string{"AKMETA", "AKPOD"}, got.key)
				require.Equal(t, "hidden-st", got.securityToken)
			} else {
				requireMachineError(t, err, tt.want)
			}
			if tt.asked != nil {
				require.Equal(t, tt.asked, server.requests())
			}
		})
	}
	t.Cleanup(func() { require.Empty(t, elsewhere.requests()) })
}

// metadataRaw breaks into the connection, writes text and closes.
func metadataRaw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}
}

// requireMachineError wants the error of a call that lists what was tried, in order, and shows no secret.
func requireMachineError(t *testing.T, err error, want string) {
	t.Helper()
	require.ErrorContains(t, err, want)
	text := err.Error()
	require.True(t, strings.HasPrefix(text, "codeartsbuild: GET /v1/x: no credential: none of HUAWEICLOUD_SDK_AK, "), text)
	rest := text
	for _, step := range []string{"CODEARTSBUILD_TOKEN", "HW_ACCESS_KEY", "HW_USER_NAME", "OS_ACCESS_KEY", "OS_USERNAME", "no file ", want, "; set HUAWEICLOUD_SDK_AK", "WithAccessKeySource"} {
		_, after, ok := strings.Cut(rest, step)
		require.True(t, ok, "%q in %q", step, text)
		rest = after
	}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "hidden")
	require.NotContains(t, text, "\n")
	require.Less(t, len(text), 1<<10)
	require.ErrorIs(t, err, ErrUnauthorized)
	require.NotErrorIs(t, err, ErrInvalidArgument)
	require.NotErrorIs(t, err, ErrOutcomeUnknown)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, errors.As(err, new(*APIError)), "the service was not asked")
}

func TestMachineWithoutMetadataService(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := "http://" + listener.Addr().String()
	require.NoError(t, listener.Close())
	_, err = envCall(t, metadataEnv(t, closed, nil))
	requireMachineError(t, err, podIdentityURI+" is not set; the metadata service cannot be reached: connection refused")
	require.NotContains(t, err.Error(), "127.0.0.1")
}

// What kept an answer away is told, and not from where.
func TestMachineThatCannotBeReached(t *testing.T) {
	t.Parallel()
	agent := httptest.NewUnstartedServer(metadataReply(200, envPodKey))
	agent.Config.ErrorLog = log.New(io.Discard, "", 0)
	agent.StartTLS()
	t.Cleanup(agent.Close)
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	tests := map[string]struct {
		fail error // nil: the agent, whose certificate nobody knows
		want string
	}{
		"certificate":      {nil, "pod identity has an invalid certificate"},
		"name":             {dial(&net.DNSError{Err: "no such host", Name: "hidden.example.com"}), "pod identity cannot be reached: no such host;"},
		"route":            {dial(&os.SyscallError{Syscall: "connect", Err: errors.New("no route to host")}), "pod identity cannot be reached: no route to host;"},
		"another reason":   {dial(&net.AddrError{Err: "invalid port", Addr: "hidden:99999"}), "pod identity cannot be reached;"},
		"a malformed word": {errors.New("malformed HTTP response \"hidden\""), "pod identity sent no readable response;"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := metadataEnv(t, "", podVariables(t, agent.URL, "token"))
			if tt.fail != nil {
				env.transport = envTransport(func(*http.Request) (*http.Response, error) { return nil, tt.fail })
			}
			_, err := envCall(t, env)
			requireMachineError(t, err, tt.want[:len(tt.want)-1])
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), strings.TrimPrefix(agent.URL, "https://"))
		})
	}
}

func TestPodIdentity(t *testing.T) {
	t.Parallel()
	key := metadataReply(200, envPodKey)
	elsewhere := newMetadataServer(t, key)
	asked := []string{`POST /v1/credentials?x=1 hidden-token application/json {}`}
	tests := map[string]struct {
		answer http.HandlerFunc
		token  string // the content of the file
		want   string
		asked  []string
	}{
		"a key":                {key, "hidden-token\n", "", asked},
		"the other spelling":   {metadataReply(200, envMetadataKey), "hidden-token", "", asked},
		"a refusal":            {metadataReply(403, envPodKey), "hidden-token", "pod identity responded 403 Forbidden", asked},
		"a redirect":           {metadataReply(307, "", "Location", elsewhere.URL), "hidden-token", "pod identity responded 307 Temporary Redirect, which is not followed", asked},
		"a page":               {metadataReply(200, "<html>hidden</html>"), "hidden-token", "pod identity sent no access key", asked},
		"an empty file":        {key, " \n", "does not hold a token", nil},
		"a file of two tokens": {key, "hidden\nhidden", "does not hold a token", nil},
		"a huge file":          {key, strings.Repeat("hidden", 1<<18), "cannot be read: larger than 1 MiB", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, metadata := newMetadataServer(t, tt.answer), newMetadataServer(t, metadataReply(200, envMetadataKey))
			got, err := envCall(t, metadataEnv(t, metadata.URL, podVariables(t, server.URL+"/v1/credentials?x=1", tt.token)))
			if tt.want == "" {
				require.NoError(t, err)
				require.Equal(t, "hidden-st", got.securityToken)
			} else {
				requireMachineError(t, err, tt.want)
			}
			require.Equal(t, tt.asked, server.requests())
			require.Empty(t, metadata.requests(), "the instance's keys are not the container's")
		})
	}
	t.Cleanup(func() { require.Empty(t, elsewhere.requests()) })
}

func TestPodIdentityReadsItsFileAtEachRequest(t *testing.T) {
	t.Parallel()
	server := newMetadataServer(t, metadataReply(200, envPodKey))
	vars := podVariables(t, server.URL, "one")
	client, err := NewClient(metadataEnv(t, "", vars).option(), WithTransport(&envService{}))
	require.NoError(t, err)
	for _, token := range []string{"one", "two", ""} {
		if token == "" {
			require.NoError(t, os.Remove(vars[podIdentityFile]))
		} else {
			require.NoError(t, os.WriteFile(vars[podIdentityFile], []byte(token), 0o600))
		}
		key, err := client.auth.(*keyAuth).source.AccessKey(t.Context())
		if token == "" {
			require.ErrorContains(t, err, podIdentityFile+" cannot be read: ")
			require.NotContains(t, err.Error(), vars[podIdentityFile])
			break
		}
		require.NoError(t, err)
		client.auth.(*keyAuth).source.(*CachedAccessKeySource).Invalidate(key)
	}
	require.Equal(t, []string{"POST / one application/json {}", "POST / two application/json {}"}, server.requests())
}

// The token of a container goes nowhere that anybody on the way could read it.
func TestPodIdentityAddress(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ fine, withOption bool }{
		"https://agent.example.com/v1/credentials": {true, true},
		"https://10.0.0.1":                         {true, true},
		"http://localhost:8080/x":                  {true, true},
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
			env := metadataEnv(t, "", podVariables(t, uri, "token"))
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

// envMachine answers requests for keys in memory.
type envMachine struct {
	requests atomic.Int32
	answer   func(req *http.Request, n int32) (*http.Response, error)
}

func (m *envMachine) RoundTrip(req *http.Request) (*http.Response, error) {
	return m.answer(req, m.requests.Add(1))
}

func envClient(t testing.TB, machine *envMachine, vars map[string]string) *Client {
	t.Helper()
	env := metadataEnv(t, "http://metadata.test", vars)
	env.transport = machine
	client, err := NewClient(env.option(), WithTransport(&envService{}))
	require.NoError(t, err)
	return client
}

func TestNewClientAsksNobodyForKeys(t *testing.T) {
	t.Parallel()
	machine := &envMachine{}
	envClient(t, machine, nil)
	envClient(t, machine, podVariables(t, "https://agent.example.com", "token"))
	require.Zero(t, machine.requests.Load())
}

// A service that does not answer costs three seconds in all, however its answers are slow, and ten for pod identity.
func TestSlowMachineIsGivenUp(t *testing.T) {
	t.Parallel()
	hang := func(req *http.Request, _ int32) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	tests := map[string]struct {
		pod    bool
		answer func(*http.Request, int32) (*http.Response, error)
		limit  time.Duration
	}{
		"no answer": {false, hang, 3 * time.Second},
		"a slow token and no key": {false, func(req *http.Request, n int32) (*http.Response, error) {
			if n > 1 {
				return hang(req, n)
			}
			time.Sleep(2 * time.Second)
			return envAnswer(200, "token"), nil
		}, 3 * time.Second},
		"half an answer": {false, func(req *http.Request, _ int32) (*http.Response, error) {
			answer := envAnswer(200, "")
			answer.Body = io.NopCloser(envStuck{req.Context()})
			return answer, nil
		}, 3 * time.Second},
		"pod identity": {true, hang, 10 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var vars map[string]string
			if tt.pod {
				vars = podVariables(t, "http://127.0.0.1", "token")
			}
			synctest.Test(t, func(t *testing.T) {
				client := envClient(t, &envMachine{answer: tt.answer}, vars)
				start := time.Now()
				err := client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil)
				require.Equal(t, tt.limit, time.Since(start))
				requireMachineError(t, err, "did not respond within "+tt.limit.String())
			})
		})
	}
}

type envStuck struct{ ctx context.Context }

func (s envStuck) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func TestMachineIsAskedUnderTheContextOfTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		client := envClient(t, &envMachine{answer: func(req *http.Request, _ int32) (*http.Response, error) {
			<-req.Context().Done()
			ended <- req.Context().Err()
			return nil, req.Context().Err()
		}}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := client.Do(ctx, http.MethodGet, "/v1/x", nil, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		require.ErrorIs(t, <-ended, context.Canceled, "nobody waits for the request any more")
	})
}

func TestManyCallersAskTheMachineOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		machine := &envMachine{answer: func(_ *http.Request, n int32) (*http.Response, error) {
			time.Sleep(time.Second)
			if n == 1 {
				return envAnswer(200, "token"), nil
			}
			return envAnswer(200, envMetadataKey), nil
		}}
		client := envClient(t, machine, nil)
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if err := client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 2, machine.requests.Load())
	})
}

func TestMachineKeysAreRenewedEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		machine := &envMachine{answer: func(_ *http.Request, n int32) (*http.Response, error) {
			if down.Load() {
				return envAnswer(500, "hidden"), nil
			}
			expires := time.Now().Add(24 * time.Hour).UTC().Format("2006-01-02T15:04:05.000000Z")
			return envAnswer(200, fmt.Sprintf(`{"credentials":{"accessKeyId":"AK%d","secretAccessKey":"s","securityToken":"t","expiration":%q}}`, n, expires)), nil
		}}
		client := envClient(t, machine, podVariables(t, "http://127.0.0.1", "token"))
		requests := func(want int32) {
			t.Helper()
			require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil))
			require.Equal(t, want, machine.requests.Load())
		}
		requests(1)
		time.Sleep(23 * time.Hour)
		requests(1)
		time.Sleep(53 * time.Minute) // seven minutes before the end
		down.Store(true)
		requests(2) // fails, and the old key still lasts
		requests(2)
		time.Sleep(31 * time.Second)
		down.Store(false)
		requests(3)
		time.Sleep(time.Hour)
		requests(3)
	})
}

// A key that the service refuses is replaced once.
func TestRefusedMachineKeyIsReplaced(t *testing.T) {
	t.Parallel()
	machine := &envMachine{answer: func(_ *http.Request, n int32) (*http.Response, error) {
		return envAnswer(200, fmt.Sprintf(`{"credentials":{"accessKeyId":"AK%d","secretAccessKey":"s","securityToken":"t"}}`, n)), nil
	}}
	env := metadataEnv(t, "", podVariables(t, "http://127.0.0.1", "token"))
	env.transport = machine
	client, err := NewClient(env.option(), WithTransport(envTransport(func(req *http.Request) (*http.Response, error) {
		if strings.Contains(req.Header.Get("Authorization"), "Access=AK1,") {
			return envAnswer(401, `{"error_code":"APIGW.0301","error_msg":"refused"}`), nil
		}
		return envAnswer(200, `{}`), nil
	})))
	require.NoError(t, err)
	require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil))
	require.EqualValues(t, 2, machine.requests.Load())
}

// B48: the connections to the machine's services go with those of the client.
func TestB48MachineConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	var open atomic.Int32
	server := httptest.NewUnstartedServer(metadataReply(200, envPodKey))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	server.Start()
	defer server.Close()
	client, err := NewClient(metadataEnv(t, "", podVariables(t, server.URL, "token")).option(), WithTransport(&envService{}))
	require.NoError(t, err)
	require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil))
	require.EqualValues(t, 1, open.Load())
	client.CloseIdleConnections()
	require.Eventually(t, func() bool { return open.Load() == 0 }, 5*time.Second, time.Millisecond)
}

// B9: net/http reads the proxy of the environment once per process, so that a process of its own has one.
func TestB9MetadataServiceKnowsNoProxy(t *testing.T) {
	t.Parallel()
	const variable = "CODEARTSBUILD_TEST_METADATA"
	if endpoint := os.Getenv(variable); endpoint != "" {
		req := httptest.NewRequest(http.MethodGet, endpoint, nil)
		proxy, err := http.ProxyFromEnvironment(req)
		require.NoError(t, err)
		require.NotNil(t, proxy, "this process has a proxy")
		got, err := envCall(t, metadataEnv(t, endpoint, nil))
		require.NoError(t, err)
		require.Equal(t, "AKMETA", got.key)
		return
	}
	if runtime.GOOS == "windows" {
		t.Skip("there is no way to this machine but its loopback, for which no proxy is used anyway")
	}
	proxy := newMetadataServer(t, metadataReply(502, ""))
	server := newMetadataServer(t, metadataReply(200, "token"), metadataReply(200, envMetadataKey))
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	child := exec.Command(os.Args[0], "-test.run=^TestB9MetadataServiceKnowsNoProxy$", "-test.count=1")
	child.Env = append(os.Environ(), variable+"=http://0.0.0.0:"+port, "HTTP_PROXY="+proxy.URL, "http_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=", "REQUEST_METHOD=")
	output, err := child.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Empty(t, proxy.requests())
	require.Len(t, server.requests(), 2)
}
