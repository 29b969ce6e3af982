package codeartsbuildtest

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// started is a caller over a socket of its own.
func started(t *testing.T, srv *Server) *caller {
	t.Helper()
	srv.Start()
	require.Regexp(t, `^http://127\.0\.0\.1:[0-9]+$`, srv.URL)
	own := &http.Transport{}
	t.Cleanup(own.CloseIdleConnections)
	return &caller{t: t, transport: own, origin: srv.URL, token: newCaller(t, srv).token}
}

func TestSocket(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	defer srv.Close()
	c := started(t, srv)
	url := srv.URL
	srv.Start()
	assert.Equal(t, url, srv.URL, "a second start changes nothing")

	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	stop := func() (response, error) {
		return c.try(c.request("POST", "/v3/jobs/stop?", `{"job_id":"`+job+`","build_no":"`+no+`"}`))
	}
	srv.Next("StopJob", DropRequest(), DropAnswer(), Reply(503, "{}"), Redirect("https://example.com/"))
	_, err := stop()
	require.ErrorIs(t, err, io.EOF)
	_, err = stop()
	require.ErrorIs(t, err, io.EOF)
	for _, want := range []int{503, 307, 200} {
		got, err := stop()
		require.NoError(t, err)
		assert.Equal(t, want, got.status)
		assert.Regexp(t, "^[0-9a-f]{32}$", got.header.Get("X-Request-Id"))
	}
	last := srv.Requests()[5]
	assert.Equal(t, []string{"StopJob", "POST", "/v3/jobs/stop?"}, []string{last.Operation, last.Method, last.Path})
}

func TestSDKOverTheSocket(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	defer srv.Close()
	srv.Start()
	job := srv.AddJob("nightly")
	clients := map[string]*codeartsbuild.Client{"token": srv.Client()}
	signing, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint(srv.URL),
		codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(srv.AccessKey())))
	require.NoError(t, err)
	clients["access key"] = signing
	for name, client := range clients {
		no := srv.StartBuild(job)
		_, err := client.Jobs.Stop(t.Context(), job, no)
		require.NoError(t, err, name)
		got, err := client.Builds.Get(t.Context(), job, no)
		require.NoError(t, err, name)
		assert.Equal(t, codeartsbuild.StatusRunning, got.Status, name)
		client.CloseIdleConnections()
	}
}

// Not parallel: it counts goroutines.
func TestCloseLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	srv := NewServer()
	c := started(t, srv)
	srv.Next("ListJob", Delay(time.Hour))
	done := make(chan error)
	go func() {
		_, err := c.try(c.request("GET", "/v1/job/list", ""))
		done <- err
	}()
	for len(srv.Requests()) < 2 { // the login and what waits
		runtime.Gosched()
	}
	srv.Close()
	<-done
	srv.Close()
	srv.Start()
	_, err := c.try(c.request("GET", "/v1/job/list", ""))
	require.Error(t, err, "nobody listens any more")

	c.transport.(*http.Transport).CloseIdleConnections()
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 5*time.Second, 10*time.Millisecond,
		"goroutines before: %d", before)
}

func TestBrokenRequestHasNoReply(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	defer srv.Close()
	c := started(t, srv)
	req := c.request("POST", "/v1/job/execute", "")
	req.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), failing{}))
	req.ContentLength = -1
	_, err := c.try(req)
	require.Error(t, err)
}

// A failing reader breaks off.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the file is gone") }
