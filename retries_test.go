package codeartsbuild_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/h2fake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// A retryRow is a row of testdata/retries.json: what a fault that lasts leads to.
type retryRow struct {
	Group     string
	Fault     string
	Protocols []string // empty: HTTP/1.1 and HTTP/2
	Once      retryOutcome
	Repeat    retryOutcome
	Read      retryOutcome
}

type retryOutcome struct {
	Requests int      // until the call ends
	Errors   []string // the kinds of its error; empty: a success
	Unknown  bool     // the error is also ErrOutcomeUnknown
}

var protocols = []string{"HTTP/1.1", "HTTP/2"}

func readRetries(t *testing.T) []retryRow {
	t.Helper()
	data, err := os.ReadFile("testdata/retries.json")
	require.NoError(t, err)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var rows []retryRow
	require.NoError(t, decoder.Decode(&rows))
	return rows
}

// retryCalls are a call of each effect.
var retryCalls = map[string]func(context.Context, *codeartsbuild.Client, string, string, ...codeartsbuild.CallOption) error{
	"once": func(ctx context.Context, c *codeartsbuild.Client, job, _ string, opts ...codeartsbuild.CallOption) error {
		_, err := c.Jobs.Run(ctx, job, nil, opts...)
		return err
	},
	"repeat": func(ctx context.Context, c *codeartsbuild.Client, job, build string, opts ...codeartsbuild.CallOption) error {
		_, err := c.Jobs.Stop(ctx, job, build, opts...)
		return err
	},
	"read": func(ctx context.Context, c *codeartsbuild.Client, job, build string, opts ...codeartsbuild.CallOption) error {
		_, err := c.Builds.Get(ctx, job, build, opts...)
		return err
	},
}

// A retryFault is how a fault is made: in the service, or on the connection.
type retryFault struct {
	service    codeartsbuildtest.Fault
	connection func(net.Conn) // of each connection that is accepted
	refused    bool           // nothing listens
	frames     []h2fake.Step  // of each HTTP/2 connection
	timeout    time.Duration  // of an attempt
}

func reply(status int, code string) retryFault {
	return retryFault{service: codeartsbuildtest.Reply(status, `{"error_code":"`+code+`","error_msg":"as the fault says"}`)}
}

func body(status int, text string) retryFault {
	return retryFault{service: codeartsbuildtest.Reply(status, text)}
}

func onSocket(f func(w http.ResponseWriter, r *http.Request)) retryFault {
	return retryFault{service: func(http.Handler) http.Handler { return http.HandlerFunc(f) }}
}

var retryFaults = map[string]retryFault{
	"the service's code for an invalid parameter (400 CB.00060200)": reply(400, "CB.00060200"),
	"the service's code for a missing job (422 DEVCB.00031006)":     reply(422, "DEVCB.00031006"),
	"the service's code for a finished build (400 DEV.CB.032302)":   reply(400, "DEV.CB.032302"),
	"API not published (404 APIGW.0101)":                            reply(404, "APIGW.0101"),
	"no permission (403 APIGW.0302)":                                reply(403, "APIGW.0302"),
	"token rejected (401 APIGW.0301)":                               reply(401, "APIGW.0301"),
	"404 without a body":                                            body(404, ""),
	"an internal error with a code (500 CB.00060101)":               reply(500, "CB.00060101"),
	"a network that is busy (500 CB.00060100)":                      reply(500, "CB.00060100"),
	"500 without a code":                                            body(500, "<html>oops</html>"),
	"502 from a gateway":                                            body(502, "<html>bad gateway</html>"),
	"504 from a gateway":                                            body(504, "<html>timeout</html>"),
	"503":                                                           body(503, ""),
	"429":                                                           body(429, ""),
	"too many requests by the service's code (400 CB.00060211)":     reply(400, "CB.00060211"),
	"throttled by the gateway (403 APIGW.0308)":                     reply(403, "APIGW.0308"),
	"a redirect":                                                    {service: codeartsbuildtest.Redirect("https://elsewhere.invalid/")},
	"a page of a proxy with status 200":                             body(200, "<html>log in</html>"),
	"an error inside a success (200 CB.00060200)":                   reply(200, "CB.00060200"),
	"a success that does not fit the Go type":                       body(200, `{"result":[1]}`),
	"a success that is too large":                                   onSocket(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, io.LimitReader(endless{}, 11<<20)) }),
	"a success that is cut off": onSocket(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "99")
		_, _ = io.WriteString(w, `{"re`)
	}),
	"a response that is lost":                                    {service: codeartsbuildtest.DropAnswer()},
	"a request that is lost":                                     {service: codeartsbuildtest.DropRequest()},
	"no response within the timeout":                             {service: stuck, timeout: 40 * time.Millisecond},
	"a refused connection":                                       {refused: true},
	"a TLS handshake that is broken off":                         {connection: func(c net.Conn) { _ = c.Close() }},
	"a connection that ends without taking the request (GOAWAY)": {frames: []h2fake.Step{h2fake.Read, h2fake.GoAway(0)}},
	"a stream that is refused (REFUSED_STREAM)":                  {frames: []h2fake.Step{h2fake.Read, h2fake.Reset(h2fake.RefusedStream)}},
	"a stream that is broken off (PROTOCOL_ERROR)":               {frames: []h2fake.Step{h2fake.Read, h2fake.Reset(h2fake.ProtocolError)}},
	"a stream that is broken off (INTERNAL_ERROR)":               {frames: []h2fake.Step{h2fake.Read, h2fake.Reset(h2fake.InternalError)}},
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func stuck(http.Handler) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(2 * time.Second): // a client that gives up without a word
		}
	})
}

// B93: the table of retries holds for every effect and protocol.
func TestRetries(t *testing.T) {
	t.Parallel()
	rows := readRetries(t)
	listed := map[string]bool{}
	for _, row := range rows {
		listed[row.Fault] = true
		require.Contains(t, retryFaults, row.Fault)
		for _, protocol := range protocols {
			if len(row.Protocols) > 0 && !slices.Contains(row.Protocols, protocol) {
				continue
			}
			for effect, want := range map[string]retryOutcome{"once": row.Once, "repeat": row.Repeat, "read": row.Read} {
				if want.Requests == 0 {
					continue // the fault has no meaning there
				}
				t.Run(row.Fault+"/"+protocol+"/"+effect, func(t *testing.T) {
					t.Parallel()
					requests, err := meetFault(t, retryFaults[row.Fault], protocol, effect)
					kinds := sdktest.Kinds(err)
					unknown := slices.Contains(kinds, "ErrOutcomeUnknown")
					kinds = slices.DeleteFunc(kinds, func(kind string) bool { return kind == "ErrOutcomeUnknown" })
					require.Equal(t, want, retryOutcome{requests, append([]string{}, kinds...), unknown}, "%v", err)
				})
			}
		}
	}
	for fault := range retryFaults {
		require.True(t, listed[fault], "%s is not in the table", fault)
	}
}

// meetFault makes a call to a service with a fault that lasts.
func meetFault(t *testing.T, fault retryFault, protocol, effect string) (requests int, err error) {
	t.Helper()
	srv := codeartsbuildtest.NewServer()
	t.Cleanup(srv.Close)
	job := srv.AddJob("nightly")
	build := srv.StartBuild(job)
	call := retryCalls[effect]
	opts := []codeartsbuild.CallOption{sdktest.Quick}
	if fault.timeout > 0 {
		opts = append(opts, codeartsbuild.WithTimeout(fault.timeout))
	}
	var response codeartsbuild.Response
	opts = append(opts, codeartsbuild.WithResponseInto(&response))
	if fault.frames != nil {
		peer := h2fake.NewServer(t, h2fake.Always(fault.frames...))
		client := sdktest.Client(t, trusting(peer), codeartsbuild.WithEndpoint(peer.URL))
		err = call(t.Context(), client, job, build, opts...)
		return response.Attempts, err
	}
	var made atomic.Int64
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v3/auth/tokens" {
			made.Add(1)
		}
		srv.ServeHTTP(w, r)
	}))
	web.EnableHTTP2 = protocol == "HTTP/2"
	if fault.connection != nil {
		web.Listener = &hostileListener{web.Listener, fault.connection}
	}
	httpfake.Quiet(web)
	web.StartTLS()
	t.Cleanup(web.Close)
	if fault.refused {
		web.Close()
	}
	transport := web.Client().Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = web.EnableHTTP2
	transport.DisableCompression = true
	t.Cleanup(transport.CloseIdleConnections)
	tokens, err := codeartsbuild.NewIAMTokenSource(srv.IAMConfig())
	require.NoError(t, err)
	client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint(web.URL), codeartsbuild.WithTokenSource(tokens), codeartsbuild.WithTransport(transport))
	require.NoError(t, err)
	if fault.service != nil {
		for _, op := range []string{sdktest.OpRun, sdktest.OpStop, sdktest.OpGetBuild} {
			srv.Always(op, fault.service)
		}
	}
	err = call(t.Context(), client, job, build, opts...)
	if fault.refused || fault.connection != nil || fault.timeout > 0 { // an attempt may end before it is sent
		return response.Attempts, err
	}
	require.EqualValues(t, made.Load(), response.Attempts, "attempts are the requests that arrived")
	return response.Attempts, err
}

func trusting(peer *h2fake.Server) *http.Transport {
	return &http.Transport{TLSClientConfig: trust(peer.Roots), ForceAttemptHTTP2: true}
}

type hostileListener struct {
	net.Listener
	do func(net.Conn)
}

func (l *hostileListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.do(conn)
	}
	return conn, err
}

var updateRetries = flag.Bool("update-retries", false, "write docs/retries.md anew")

// The page about retries is the table as people read it.
func TestRetriesPage(t *testing.T) {
	t.Parallel()
	page := retriesPage(readRetries(t))
	if *updateRetries {
		require.NoError(t, os.MkdirAll("docs", 0o755))
		require.NoError(t, os.WriteFile("docs/retries.md", []byte(page), 0o644))
	}
	text, err := os.ReadFile("docs/retries.md")
	require.NoError(t, err)
	require.Equal(t, page, string(text), "run go test -run TestRetriesPage -update-retries .")
}

const retriesIntroduction = `# Retries and unknown outcomes

A call makes up to five attempts (` + "`RetryPolicy.MaxAttempts`" + `), with random pauses in between. The table says what a
fault that lasts leads to: how many requests are sent, which error the call returns, and whether the error is also
` + "`ErrOutcomeUnknown`" + `, which means that the request may have taken effect. If the fault passes, the next attempt succeeds.

There are three kinds of calls:

- **once**: running it twice does something else, such as ` + "`Jobs.Run`" + `. It is sent again only if the service did not process it.
- **repeatable**: running it twice is as good as once, such as ` + "`Jobs.Stop`" + `.
- **read**: it changes nothing, such as ` + "`Builds.Get`" + `. Its outcome is never unknown.

Once an attempt may have taken effect, every error of the call is also ` + "`ErrOutcomeUnknown`" + `, also if later attempts returned something else.
A rejected token is replaced once, beside the five attempts. A request that an HTTP/2 connection did not take is sent again at
once, at most eight times a call. This includes a stream that is refused (REFUSED_STREAM), also of a call that runs once: by the
standard of HTTP/2 it was not processed. But haproxy refuses streams that it has passed on, too, when the server behind it goes
away, so that the outcome counts as unknown. All calls of a client share a budget of 150 retries: when it is spent, a call returns the
service's last response.

This page is generated from testdata/retries.json, which the tests run over HTTP/1.1 and HTTP/2.
`

func retriesPage(rows []retryRow) string {
	var b strings.Builder
	b.WriteString(retriesIntroduction)
	group := ""
	for _, row := range rows {
		if row.Group != group {
			group = row.Group
			fmt.Fprintf(&b, "\n## %s\n\n| fault | once | repeatable | read | error |\n|---|---|---|---|---|\n", group)
		}
		fault := row.Fault
		if len(row.Protocols) > 0 {
			fault += ", " + strings.Join(row.Protocols, ", ") + " only"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", fault, row.Once, row.Repeat, row.Read, row.errors())
	}
	return b.String()
}

func (o retryOutcome) String() string {
	switch {
	case o.Requests == 0:
		return "–"
	case o.Unknown:
		return fmt.Sprintf("%d, unknown", o.Requests)
	}
	return fmt.Sprint(o.Requests)
}

// errors are the kinds of the error, told apart by effect where they differ.
func (r *retryRow) errors() string {
	name := func(o retryOutcome) string {
		if len(o.Errors) == 0 {
			return "–"
		}
		return "`" + strings.Join(o.Errors, "`, `") + "`"
	}
	names := []string{name(r.Repeat)}
	for _, other := range []retryOutcome{r.Once, r.Read} {
		if other.Requests > 0 && !slices.Contains(names, name(other)) {
			names = append(names, name(other))
		}
	}
	return strings.Join(names, " or ")
}
