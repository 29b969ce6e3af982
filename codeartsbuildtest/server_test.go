package codeartsbuildtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A caller sends plain requests to a server, with a token that it logged in for.
type caller struct {
	t         testing.TB
	transport http.RoundTripper
	origin    string
	token     string
}

// A response is one that was read to its end.
type response struct {
	status int
	header http.Header
	body   string
}

const loginBody = `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"builder","password":"` +
	userPassword + `","domain":{"name":"acme"}}}},"scope":{"project":{"name":"eu-west-101","domain":{"name":"acme"}}}}}`

func newCaller(t testing.TB, srv *Server) *caller {
	t.Helper()
	c := &caller{t: t, transport: &transport{srv}, origin: memoryOrigin}
	c.token = c.call("POST", "/v3/auth/tokens", loginBody).header.Get("X-Subject-Token")
	require.NotEmpty(t, c.token, "the login gave no token")
	return c
}

func (c *caller) request(method, target, body string) *http.Request {
	c.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, c.origin+target, strings.NewReader(body))
	require.NoError(c.t, err)
	if c.token != "" {
		req.Header.Set("X-Auth-Token", c.token)
	}
	return req
}

func (c *caller) try(req *http.Request) (response, error) {
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return response{res.StatusCode, res.Header, string(body)}, err
}

func (c *caller) call(method, target, body string) response {
	c.t.Helper()
	got, err := c.try(c.request(method, target, body))
	require.NoError(c.t, err)
	return got
}

func (c *caller) get(target string) response { c.t.Helper(); return c.call("GET", target, "") }

// value finds what a JSON body has at a path like result.log, list elements by number.
func (r response) value(t testing.TB, path string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(r.body), &v), r.body)
	for name := range strings.SplitSeq(path, ".") {
		if path == "" {
			break
		}
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			var i int
			_, err := fmt.Sscan(name, &i)
			require.NoError(t, err)
			require.Less(t, i, len(in), r.body)
			v = in[i]
		}
	}
	return v
}

func TestClientIsReady(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)

	result, err := srv.Client().Jobs.Stop(t.Context(), job, no)
	require.NoError(t, err)
	assert.True(t, result.Result)

	requests := srv.Requests()
	require.Len(t, requests, 1, "the token was issued without a login")
	assert.Equal(t, "StopJob", requests[0].Operation)
	assert.Equal(t, "POST", requests[0].Method)
	assert.Equal(t, "/v3/jobs/stop", requests[0].Path)
	assert.JSONEq(t, `{"job_id":"`+job+`","build_no":"`+no+`"}`, string(requests[0].Body))
	assert.NotEmpty(t, requests[0].Header.Get("X-Auth-Token"))
}

func TestClientOptionsReplaceItsOwn(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")

	client := srv.Client(codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("wrong")))
	_, err := client.Jobs.Stop(t.Context(), job, srv.StartBuild(job))
	require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)

	keys := codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(srv.AccessKey()))
	_, err = codeartsbuild.NewClient(codeartsbuild.WithEndpoint(memoryOrigin),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("a token")), keys)
	require.Error(t, err)
	assert.PanicsWithValue(t, "codeartsbuildtest: Server.Client: "+err.Error(), func() { srv.Client(keys) })
}

func TestClientRenewsItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		defer srv.Close()
		client := srv.Client()
		job := srv.AddJob("nightly")
		for range 60 {
			_, err := client.Jobs.List(t.Context(), srv.ProjectID(), nil)
			require.NoError(t, err)
			time.Sleep(11 * time.Hour)
		}
		tokens := map[string]bool{}
		for _, r := range srv.Requests() {
			assert.Equal(t, "ListProjectJobs", r.Operation, "without a login")
			tokens[r.Header.Get("X-Auth-Token")] = true
		}
		assert.Less(t, len(tokens), 60, "a token is used as long as it lives")

		srv.Next("StopJob", ExpireToken())
		no := srv.StartBuild(job)
		_, err := client.Jobs.Stop(t.Context(), job, no)
		require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized, "a token that is taken away fails one call")
		_, err = client.Jobs.Stop(t.Context(), job, no)
		require.NoError(t, err)
	})
}

func TestProjectOfTheJobs(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	srv.AddJob("nightly")
	assert.Equal(t, srv.ProjectID(), c.get("/v1/job/list").value(t, "result.job_list.0.project_id"))
	assert.InDelta(t, 1, c.get("/v1/job/"+srv.ProjectID()+"/list").value(t, "total"), 0)
}

func TestClientsOfOnesOwnInMemory(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	cfg := srv.IAMConfig()
	cfg.Transport = srv.Transport()
	tokens, err := codeartsbuild.NewIAMTokenSource(cfg)
	require.NoError(t, err)
	for name, credential := range map[string]codeartsbuild.ClientOption{
		"token":      codeartsbuild.WithTokenSource(tokens),
		"access key": codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(srv.AccessKey())),
	} {
		client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint("https://build.example.com"),
			codeartsbuild.WithTransport(srv.Transport()), credential)
		require.NoError(t, err, name)
		_, err = client.Jobs.Stop(t.Context(), job, srv.StartBuild(job))
		require.NoError(t, err, name)
	}
}

func TestIAMConfigLogsIn(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]bool{"in memory": false, "over the socket": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := NewServer()
			defer srv.Close()
			if start {
				srv.Start()
			}
			job := srv.AddJob("nightly")
			tokens, err := codeartsbuild.NewIAMTokenSource(srv.IAMConfig())
			require.NoError(t, err)
			defer tokens.CloseIdleConnections()

			client := srv.Client(codeartsbuild.WithTokenSource(tokens))
			defer client.CloseIdleConnections()
			_, err = client.Jobs.Stop(t.Context(), job, srv.StartBuild(job))
			require.NoError(t, err)
			token, err := tokens.Token(t.Context())
			require.NoError(t, err)
			assert.Equal(t, projectID, token.ProjectID())
			assert.Equal(t, []string{"CreateToken", "StopJob"}, operations(srv))
		})
	}
}

func operations(srv *Server) []string {
	var names []string
	for _, r := range srv.Requests() {
		names = append(names, r.Operation)
	}
	return names
}

func TestRequestsAreCopies(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	c.call("POST", "/v1/job/execute?a=1&b=%20", "{}")

	first := srv.Requests()[1]
	assert.Equal(t, "ExecuteJob", first.Operation)
	assert.Equal(t, "/v1/job/execute?a=1&b=%20", first.Path)
	first.Header.Set("X-Auth-Token", "changed")
	first.Body[0] = '!'

	again := srv.Requests()[1]
	assert.Equal(t, c.token, again.Header.Get("X-Auth-Token"))
	assert.Equal(t, "{}", string(again.Body))
}

func TestUnpublishedPaths(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	for _, request := range []string{
		"GET /", "GET /v1/nothing", "POST /v3/jobs/Stop", "GET /v3/jobs/stop", "DELETE /v3/jobs/stop",
		"POST /v3/jobs/stop/", "POST /v3//jobs/stop", "POST /v3/jobs/./stop", "HEAD /v1/job/list",
		"GET /v3/auth/tokens", "POST /v1/job/" + job + "/1/stop",
	} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(request, " ")
			got := c.call(method, path, "")
			assert.Equal(t, http.StatusNotFound, got.status)
			if method != "HEAD" {
				assert.Equal(t, "APIGW.0101", got.value(t, "error_code"))
				assert.Equal(t, got.header.Get("X-Request-Id"), got.value(t, "request_id"))
			}
		})
	}
}

func TestEveryReplyHasDateAndRequestID(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	srv.Next("ListJob", Reply(503, ""), Redirect("https://example.com/"))

	seen := map[string]bool{}
	for _, target := range []string{"/v1/job/list", "/v1/job/list", "/v1/job/list", "/nowhere"} {
		got := c.get(target)
		id := got.header.Get("X-Request-Id")
		assert.Regexp(t, "^[0-9a-f]{32}$", id)
		assert.False(t, seen[id], "request id %s twice", id)
		seen[id] = true
		date, err := http.ParseTime(got.header.Get("Date"))
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now(), date, 5*time.Second)
	}
}

func TestLargeRequestBody(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)

	got := c.call("POST", "/v1/job/execute", strings.Repeat("x", maxRequestBody+1))
	assert.Equal(t, http.StatusRequestEntityTooLarge, got.status)
	assert.Equal(t, "APIGW.0201", got.value(t, "error_code"))
	assert.Len(t, srv.Requests()[1].Body, maxRequestBody)
}

// In a bubble, so that a slow machine does not let the stops take effect in between.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		defer srv.Close()
		client := srv.Client()
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				job := srv.AddJob(fmt.Sprint("job ", i))
				no := srv.StartBuild(job)
				srv.AppendLog(job, no, "text\n")
				srv.Next("StopJob", nil)
				_, err := client.Jobs.Stop(t.Context(), job, no)
				assert.NoError(t, err)
				_, err = client.Builds.Get(t.Context(), job, no)
				assert.NoError(t, err)
				srv.Finish(job, no, codeartsbuild.StatusFailed)
				assert.Equal(t, codeartsbuild.StatusFailed, srv.Status(job, no))
				srv.Requests()
			})
		}
		all.Wait()
		assert.Len(t, srv.Requests(), 400)
	})
}

func TestUnknownNamesAreHarmless(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	job := srv.AddJob("nightly")
	for _, no := range []string{"", "0", "1", "-1", "x"} {
		srv.AppendLog(job, no, "x")
		srv.Finish(job, no, codeartsbuild.StatusFailed)
		assert.Empty(t, srv.Status(job, no))
	}
	assert.Empty(t, srv.StartBuild("no job"))
	assert.Empty(t, srv.AddBuild("no job", codeartsbuild.Build{}))
	assert.Empty(t, srv.Status("no job", "1"))
}

func TestNothingIsRandom(t *testing.T) {
	t.Parallel()
	run := func() []string {
		srv := NewServer()
		job := srv.AddJob("nightly")
		id := newCaller(t, srv).token
		return []string{job, srv.StartBuild(job), id, srv.state.jobs.all()[0].builds[0].recordID}
	}
	first := run()
	assert.Equal(t, first, run())
	assert.Regexp(t, "^[0-9a-z]{32}$", first[0])
	assert.Equal(t, "1", first[1])
	assert.Regexp(t, "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", first[3])

	srv := NewServer()
	tokens := []string{newCaller(t, srv).token, newCaller(t, srv).token, newCaller(t, srv).token}
	slices.Sort(tokens)
	assert.Len(t, slices.Compact(tokens), 3, "each login has its own token")
}
