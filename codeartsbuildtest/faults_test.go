package codeartsbuildtest

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFaultsInOrder(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	srv.Next("ListJob", Reply(503, `{"a":1}`), nil)
	srv.Next("ListJob", Reply(502, "<html>"), Redirect("https://login.example.com/?a=b"), Reply(401, ""))
	srv.Next("StopJob", Reply(500, ""))

	got := c.get("/v1/job/list")
	assert.Equal(t, []any{503, `{"a":1}`, "application/json;charset=UTF-8"},
		[]any{got.status, got.body, got.header.Get("Content-Type")})
	assert.Equal(t, 200, c.get("/v1/job/list").status, "a nil fault passes the request on")
	got = c.get("/v1/job/list")
	assert.Equal(t, []any{502, "<html>", "text/html; charset=utf-8"},
		[]any{got.status, got.body, got.header.Get("Content-Type")})
	got = c.get("/v1/job/list")
	assert.Equal(t, []any{307, "", "https://login.example.com/?a=b"},
		[]any{got.status, got.body, got.header.Get("Location")})
	assert.Equal(t, "0", got.header.Get("Content-Length"))
	c.token = ""
	got = c.get("/v1/job/list")
	assert.Equal(t, []any{401, ""}, []any{got.status, got.body}, "a fault stands before the check of credentials")
	assert.Equal(t, "APIGW.0301", c.get("/v1/job/list").value(t, "error_code"), "the queue is empty again")
}

func TestReplyTakesAnyStatus(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	for status, want := range map[int]int{-1: 500, 0: 500, 101: 500, 200: 200, 204: 204, 304: 304, 999: 999, 1000: 500} {
		srv.Next("ListJob", Reply(status, "body"))
		got := c.get("/v1/job/list")
		assert.Equal(t, want, got.status, status)
		if want == 204 || want == 304 {
			assert.Empty(t, got.body)
			assert.Empty(t, got.header.Get("Content-Length"))
		}
	}
}

func TestDropsDifferInWhatTheServiceSaw(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault Fault
		want  codeartsbuild.BuildStatus
	}{
		"request":  {DropRequest(), codeartsbuild.StatusRunning},
		"response": {DropAnswer(), codeartsbuild.StatusAborted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := NewServer()
				c := newCaller(t, srv)
				job := srv.AddJob("nightly")
				no := srv.StartBuild(job)
				srv.Next("StopJob", tt.fault)
				_, err := c.try(c.request("POST", "/v3/jobs/stop", `{"job_id":"`+job+`","build_no":"`+no+`"}`))
				require.ErrorIs(t, err, io.EOF)
				time.Sleep(time.Minute)
				assert.Equal(t, tt.want, srv.Status(job, no))
				assert.Equal(t, []string{"CreateToken", "StopJob"}, operations(srv), "it arrived all the same")
			})
		})
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		stop := func(ctx context.Context) error {
			req := c.request("POST", "/v3/jobs/stop", `{"job_id":"`+job+`","build_no":"`+no+`"}`)
			_, err := c.try(req.WithContext(ctx))
			return err
		}
		start := time.Now()
		srv.Next("StopJob", Delay(time.Hour), Delay(time.Hour))

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, stop(ctx), context.DeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(start), "the client gave up")
		synctest.Wait()
		time.Sleep(defaultStopDelay)
		assert.Equal(t, codeartsbuild.StatusAborted, srv.Status(job, no), "the service saw the request then")

		start = time.Now()
		require.NoError(t, stop(t.Context()))
		assert.Equal(t, time.Hour, time.Since(start))
	})
}

// A server that is closed replies to nothing, also where another fault would reply after the delay.
func TestDelayOfAClosedServer(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]Fault{
		"alone": {Delay(time.Hour)}, "before a reply": {Delay(time.Hour), Reply(200, `{"result":true}`)},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := NewServer()
			c := newCaller(t, srv)
			job := srv.AddJob("nightly")
			no := srv.StartBuild(job)
			srv.Always("StopJob", faults...)
			time.AfterFunc(time.Minute, srv.Close)
			_, err := c.try(c.request("POST", "/v3/jobs/stop", `{"job_id":"`+job+`","build_no":"`+no+`"}`))
			require.Error(t, err, name)
			time.Sleep(time.Hour)
			assert.Equal(t, codeartsbuild.StatusRunning, srv.Status(job, no), name)
		})
	}
}

func TestExpireToken(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c, other := newCaller(t, srv), newCaller(t, srv)
	srv.Next("ListJob", ExpireToken())
	assert.Equal(t, "APIGW.0307", c.get("/v1/job/list").value(t, "error_code"))
	assert.Equal(t, "APIGW.0307", c.get("/v1/job/list").value(t, "error_code"), "it stays invalid")
	assert.Equal(t, 200, other.get("/v1/job/list").status)

	srv.Next("ListJob", ExpireToken())
	other.token = ""
	assert.Equal(t, "APIGW.0301", other.get("/v1/job/list").value(t, "error_code"))
}

func TestExpiredTokenIsReplaced(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	tokens, err := codeartsbuild.NewIAMTokenSource(srv.IAMConfig())
	require.NoError(t, err)
	srv.Next("StopJob", ExpireToken())
	_, err = srv.Client(codeartsbuild.WithTokenSource(tokens)).Jobs.Stop(t.Context(), job, no)
	require.NoError(t, err)
	assert.Equal(t, []string{"CreateToken", "StopJob", "CreateToken", "StopJob"}, operations(srv))
}

func TestFaultOfOnesOwn(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	srv.Next("ListJob", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Seen", r.URL.Path)
			next.ServeHTTP(w, r)
		})
	})
	assert.Equal(t, "/v1/job/list", c.get("/v1/job/list").header.Get("X-Seen"))

	srv.Next("CreateToken", Reply(503, ""))
	assert.Equal(t, 503, c.call("POST", "/v3/auth/tokens", loginBody).status)
	srv.Next("", Reply(418, ""))
	assert.Equal(t, 418, c.get("/nowhere").status, "unknown paths have a queue as well")
}

func TestFaultsComposeWithinARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		start := time.Now()
		srv.Next("ListJob", func(next http.Handler) http.Handler { return Delay(time.Minute)(Reply(503, "")(next)) })
		assert.Equal(t, 503, c.get("/v1/job/list").status)
		assert.Equal(t, time.Minute, time.Since(start))
	})
}

func TestFaultsThatLast(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	var order []string
	note := func(name string) Fault {
		return fault(func(w http.ResponseWriter, r *http.Request, service http.Handler) {
			order = append(order, name)
			service.ServeHTTP(w, r)
		})
	}
	everywhere := srv.Always("", note("everywhere"), nil, note("behind"))
	lists := srv.Always("ListJob", note("lists"))
	srv.Next("ListJob", note("next"))

	c.get("/v1/job/list")
	assert.Equal(t, []string{"next", "everywhere", "behind", "lists"}, order)
	order = nil
	c.get("/v1/job/list")
	assert.Equal(t, []string{"everywhere", "behind", "lists"}, order)
	order = nil
	c.call("POST", "/v3/auth/tokens", loginBody)
	c.get("/nowhere")
	assert.Equal(t, []string{"everywhere", "behind", "everywhere", "behind"}, order, "the login and paths that are not served as well")
	order = nil
	everywhere()
	everywhere()
	c.get("/v1/job/list")
	assert.Equal(t, []string{"lists"}, order)
	lists()
	order = nil
	c.get("/v1/job/list")
	assert.Empty(t, order)
}

func TestUnusedFaults(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	assert.Empty(t, srv.Unused())
	srv.Next("StopJob", Reply(503, ""), nil)
	srv.Next("ListJob", Reply(503, ""))
	srv.Next("ListJobs", Reply(503, ""))
	srv.Always("RunJob", Reply(503, ""))
	c.get("/v1/job/list")
	c.call("POST", "/v3/jobs/stop", "{}")
	assert.Equal(t, []string{"ListJobs", "StopJob"}, srv.Unused())
}

func TestReplyHeader(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	header := http.Header{"Retry-After": {"7"}, "content-type": {"text/plain"}, "Date": {"Thu, 01 Jan 2026 00:00:00 GMT"}}
	srv.Next("ListJob", ReplyHeader(429, header, "busy"), ReplyHeader(10, nil, "{}"))
	header.Set("Retry-After", "changed")
	got := c.get("/v1/job/list")
	assert.Equal(t, []any{429, "busy", "7", "text/plain", "Thu, 01 Jan 2026 00:00:00 GMT", "4"}, []any{got.status, got.body,
		got.header.Get("Retry-After"), got.header.Get("Content-Type"), got.header.Get("Date"), got.header.Get("Content-Length")})
	got = c.get("/v1/job/list")
	assert.Equal(t, []any{500, "application/json;charset=UTF-8"}, []any{got.status, got.header.Get("Content-Type")})
}

func TestEditQuery(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	srv.AppendLog(job, no, "1\n2\n3\n4\n")
	lift := srv.Always("DownloadBuildRealTimeLog", EditQuery(func(q url.Values) { q.Set("size", "2") }))
	_, _, pieces := follow(t, c, logPath(job, no, "size=1000"), 0)
	assert.Equal(t, 2, pieces, "small pieces")
	lift()

	srv.Next("DownloadBuildRealTimeLog",
		EditQuery(func(q url.Values) { q.Set("start_offset", "2") }),
		EditQuery(func(q url.Values) { q.Set("end_offset", q.Get("start_offset")) }))
	got := c.get(logPath(job, no, "size=1000&start_offset=4"))
	assert.Equal(t, "2\n3\n4\n", got.value(t, "result.log"), "an overlap")
	got = c.get(logPath(job, no, "size=1000&start_offset=4"))
	assert.Empty(t, got.value(t, "result.log"))
	assert.Equal(t, true, got.value(t, "result.has_more"), "an empty piece")
	assert.Contains(t, srv.Requests()[3].Path, "start_offset=4", "the request is noted as it came")
}

func TestEditReply(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	srv.Next("ListJob", EditReply(func(body string) string { return strings.Replace(body, `"total":1`, `"total":150`, 1) }))
	got := c.get("/v1/job/list")
	assert.InDelta(t, 150, got.value(t, "result.total"), 0)
	assert.Equal(t, []string{"application/json;charset=UTF-8"}, got.header["Content-Type"])
	assert.NotEmpty(t, got.header.Get("X-Request-Id"))

	srv.Next("ShowJobInfo", EditReply(strings.ToUpper))
	got = c.get("/v1/job/" + strings.ToUpper(job) + "/info")
	assert.Equal(t, 422, got.status, "the status stays")
	assert.Contains(t, got.body, "ERROR_CODE")
}

func TestPanicsBreakTheConnection(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	srv.Next("ListJob", func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the test is wrong") })
	}, func(http.Handler) http.Handler { panic("so is this one") })
	_, err := c.try(c.request("GET", "/v1/job/list", ""))
	require.ErrorIs(t, err, io.EOF)
	require.ErrorContains(t, err, "the test is wrong")
	_, err = c.try(c.request("GET", "/v1/job/list", ""))
	require.ErrorContains(t, err, "so is this one")
	assert.Equal(t, 200, c.get("/v1/job/list").status, "the server goes on")
}
