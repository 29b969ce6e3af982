package codeartsbuildtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStopTakesEffectLater(t *testing.T) {
	t.Parallel()
	calls := map[string]func(c *caller, job, no string) response{
		"StopJob": func(c *caller, job, no string) response {
			return c.call("POST", "/v3/jobs/stop", `{"job_id":"`+job+`","build_no":"`+no+`"}`)
		},
		"StopTheJob, number in the body": func(c *caller, job, no string) response {
			return c.call("POST", "/v1/job/"+job+"/stop", `{"build_no":`+no+`}`)
		},
		"StopTheJob, string in the body": func(c *caller, job, no string) response {
			return c.call("POST", "/v1/job/"+job+"/stop", `{"build_no":"`+no+`"}`)
		},
		"StopTheJob, in the query": func(c *caller, job, no string) response {
			return c.call("POST", "/v1/job/"+job+"/stop?build_no="+no, "")
		},
		"StopTheJob, in both": func(c *caller, job, no string) response {
			return c.call("POST", "/v1/job/"+job+"/stop?build_no="+no, `{"build_no":`+no+`}`)
		},
		"StopBuildJob": func(c *caller, job, no string) response {
			return c.call("POST", "/v3/jobs/"+job+"/"+no+"/stop", "")
		},
	}
	for name, stop := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, status := range []codeartsbuild.BuildStatus{codeartsbuild.StatusRunning, codeartsbuild.StatusQueued, "paused"} {
				synctest.Test(t, func(t *testing.T) {
					srv := NewServer()
					c := newCaller(t, srv)
					job := srv.AddJob("nightly")
					no := srv.AddBuild(job, codeartsbuild.Build{Status: status})

					assert.Equal(t, 200, stop(c, job, no).status)
					assert.Equal(t, status, srv.Status(job, no))
					time.Sleep(defaultStopDelay - time.Second)
					assert.Equal(t, 200, stop(c, job, no).status, "a second stop is accepted as well")
					time.Sleep(defaultStopDelay/3 - time.Millisecond)
					assert.Equal(t, status, srv.Status(job, no))
					time.Sleep(time.Millisecond)
					assert.Equal(t, codeartsbuild.StatusAborted, srv.Status(job, no), "the second stop does not put it off")
					assert.Equal(t, 400, stop(c, job, no).status)
					detail := c.get("/v1/record/" + job + "/" + no + "/record-info")
					assert.Equal(t, "ABORTED", detail.value(t, "result.status"))
				})
			}
		})
	}
}

func TestFinishBeatsAStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		_, err := srv.Client().Jobs.Stop(t.Context(), job, no)
		require.NoError(t, err)
		running := func() any {
			return newCaller(t, srv).get("/v1/job/"+job+"/running-status").value(t, "result.is_running")
		}
		assert.Equal(t, true, running())
		srv.Finish(job, no, codeartsbuild.StatusSucceeded)
		assert.Equal(t, false, running())
		assert.Empty(t, srv.state.jobs.all()[0].waiting, "the stop is forgotten")
		time.Sleep(time.Minute)
		assert.Equal(t, codeartsbuild.StatusSucceeded, srv.Status(job, no))

		srv.Finish(job, no, codeartsbuild.StatusFailed)
		assert.Equal(t, codeartsbuild.StatusSucceeded, srv.Status(job, no), "what has ended stays as it is")
	})
}

func TestFinishStartsAQueuedBuild(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		job := srv.AddJob("nightly")
		no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		time.Sleep(time.Hour)
		assert.Equal(t, codeartsbuild.StatusQueued, srv.Status(job, no), "an added build stays as it is")
		srv.Finish(job, no, "")
		srv.Finish(job, no, codeartsbuild.StatusRunning)

		got, err := srv.Client().Builds.Get(t.Context(), job, no)
		require.NoError(t, err)
		assert.Equal(t, codeartsbuild.StatusRunning, got.Status)
		assert.Equal(t, time.Hour, got.StartedAt.Sub(got.QueuedAt))
	})
}

func TestAddBuildFillsTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		early, later, none := now.Add(-2*time.Hour), now.Add(-time.Hour), time.Time{}
		type times struct{ queued, started, finished time.Time }
		tests := map[string]struct {
			status codeartsbuild.BuildStatus
			given  times
			want   times
		}{
			"running":                {"", times{}, times{now, now, none}},
			"queued":                 {codeartsbuild.StatusQueued, times{}, times{now, none, none}},
			"queued since":           {codeartsbuild.StatusQueued, times{queued: early}, times{early, none, none}},
			"running since":          {codeartsbuild.StatusRunning, times{started: early}, times{early, early, none}},
			"running after a wait":   {codeartsbuild.StatusRunning, times{early, later, none}, times{early, later, none}},
			"running, queued since":  {codeartsbuild.StatusRunning, times{queued: early}, times{early, early, none}},
			"ended":                  {codeartsbuild.StatusFailed, times{}, times{now, now, now}},
			"ended after a run":      {codeartsbuild.StatusFailed, times{started: early}, times{early, early, now}},
			"ended then":             {codeartsbuild.StatusSucceeded, times{finished: early}, times{early, early, early}},
			"never ran":              {codeartsbuild.StatusScheduleFailed, times{queued: early}, times{early, none, now}},
			"of an unknown status":   {"PAUSED", times{}, times{now, now, none}},
			"all given, as it comes": {codeartsbuild.StatusTimedOut, times{early, later, now}, times{early, later, now}},
		}
		srv := NewServer()
		client := srv.Client()
		for name, tt := range tests {
			job := srv.AddJob(name)
			no := srv.AddBuild(job, codeartsbuild.Build{
				JobID: "ignored", BuildNo: "77", Status: tt.status, Branch: "b", Revision: "r", Trigger: "webhook",
				QueuedAt: tt.given.queued, StartedAt: tt.given.started, FinishedAt: tt.given.finished,
			})
			got, err := client.Builds.Get(t.Context(), job, no)
			require.NoError(t, err, name)
			if tt.status == "" {
				tt.status = codeartsbuild.StatusRunning
			}
			assert.Equal(t, tt.want, times{got.QueuedAt, got.StartedAt, got.FinishedAt}, name)
			assert.Equal(t, []any{"1", tt.status, "b", "r", "webhook"},
				[]any{got.BuildNo, got.Status, got.Branch, got.Revision, got.Trigger}, name)
		}
	})
}

func TestRunWaitsASecond(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/v1/job/execute", "/v3/jobs/build"} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(17 * time.Hour) // the bubble begins on 2000-01-01; here it is the next day already
			srv := NewServer()
			c := newCaller(t, srv)
			job := srv.AddJob("nightly")
			body := func(rest string) string { return `{"job_id":"` + job + `"` + rest + `}` }

			first := c.call("POST", target, body(`,"parameter":[{"name":"a","value":"1"}]`))
			second := c.call("POST", target, body(`,"scm":{"branch":"main","build_commit_id":"abc","build_tag":null}`))
			assert.Equal(t, "1", first.value(t, "actual_build_number"))
			assert.Equal(t, "20000102.1", first.value(t, "daily_build_number"))
			assert.Equal(t, "20000102.2", second.value(t, "daily_build_number"))

			assert.Equal(t, codeartsbuild.StatusQueued, srv.Status(job, "1"))
			time.Sleep(startDelay)
			assert.Equal(t, codeartsbuild.StatusRunning, srv.Status(job, "1"))

			shown := c.get("/v1/record/" + srv.state.jobs.all()[0].builds[0].recordID + "/info")
			assert.Equal(t, "master", shown.value(t, "result.branch"))
			assert.Equal(t, map[string]any{"name": "a", "value": "1", "secret": false, "type": "string"}, shown.value(t, "result.parameters.0"))
			assert.Equal(t, "codeBranch", shown.value(t, "result.parameters.1.name"))
			assert.Equal(t, "master", shown.value(t, "result.parameters.1.value"))
			assert.Equal(t, "MANUAL", shown.value(t, "result.trigger_type"))
			assert.InDelta(t, 1000, shown.value(t, "result.pending_duration"), 0)

			detail := c.get("/v1/record/" + job + "/2/record-info")
			assert.Equal(t, "main", detail.value(t, "result.branch"))
			assert.Equal(t, "abc", detail.value(t, "result.commit"))
		})
	}
}

func TestRunChoosesWhatToBuild(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ request, branch, kind string }{
		"nothing said": {`{}`, "master", "branch"},
		"a parameter":  {`{"parameter":[{"name":"codeBranch","value":"dev"}]}`, "dev", "branch"},
		"a branch":     {`{"parameter":[{"name":"codeBranch","value":"dev"}],"scm":{"branch":"main"}}`, "main", "branch"},
		"a tag":        {`{"scm":{"build_tag":"v1"}}`, "", "tag"},
		"a commit":     {`{"parameter":[{"name":"codeBranch","value":""}],"scm":{"build_commit_id":"abc"}}`, "", "commitId"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := NewServer()
			c := newCaller(t, srv)
			var body map[string]any
			require.NoError(t, json.Unmarshal([]byte(tt.request), &body))
			body["job_id"] = srv.AddJob("nightly")
			data, err := json.Marshal(body)
			require.NoError(t, err)
			require.Equal(t, 200, c.call("POST", "/v1/job/execute", string(data)).status)

			detail := c.get("/v1/record/" + srv.state.jobs.all()[0].id + "/1/record-info")
			assert.Equal(t, tt.branch, detail.value(t, "result.branch"))
			assert.Equal(t, tt.kind, detail.value(t, "result.build_type"))
		})
	}
}

func TestStopEndsTheWaitOfARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		job := srv.AddJob("nightly")
		c.call("POST", "/v1/job/execute", `{"job_id":"`+job+`"}`)
		c.call("POST", "/v1/job/"+job+"/stop", `{"build_no":1}`)
		time.Sleep(defaultStopDelay - time.Millisecond)
		assert.Equal(t, codeartsbuild.StatusQueued, srv.Status(job, "1"), "it does not start any more")
		time.Sleep(time.Millisecond)
		assert.Equal(t, codeartsbuild.StatusAborted, srv.Status(job, "1"))
		assert.Nil(t, c.get("/v1/record/"+job+"/1/record-info").value(t, "result.start_time"))
	})
}

// wordsOfAStatus is how the calls spell the status of a build.
type wordsOfAStatus struct {
	status                       codeartsbuild.BuildStatus
	record, state, running, last string
	ended                        bool
}

// filter chooses the job by the status of its last build, where that has a documented word.
func (w wordsOfAStatus) filter() string {
	if w.last == "PAUSED" {
		return ""
	}
	return "?build_status=" + w.last
}

func TestWordsOfEachCall(t *testing.T) {
	t.Parallel()
	tests := []wordsOfAStatus{
		{codeartsbuild.StatusQueued, "QUEUED", "", "InQueue", "building", false},
		{codeartsbuild.StatusRunning, "RUNNING", "", "Running", "building", false},
		{codeartsbuild.StatusSucceeded, "SUCCESS", "SUCCESS", "Finished", "blue", true},
		{codeartsbuild.StatusFailed, "FAILURE", "FAILURE", "Finished", "red", true},
		{codeartsbuild.StatusAborted, "ABORTED", "ABORTED", "Finished", "aborted", true},
		{codeartsbuild.StatusTimedOut, "TIMEOUT", "TIMEOUT", "Finished", "timeout", true},
		{codeartsbuild.StatusScheduleFailed, "SCHEDULE_FAILURE", "SCHEDULE_FAILURE", "Finished", "red", true},
		{"PAUSED", "PAUSED", "PAUSED", "PAUSED", "PAUSED", false},
	}
	for _, tt := range tests {
		t.Run(string(tt.status), func(t *testing.T) {
			t.Parallel()
			srv := NewServer()
			c := newCaller(t, srv)
			job := srv.AddJob("nightly")
			assert.Equal(t, "none", c.get("/v1/job/list").value(t, "result.job_list.0.last_build_status"))
			srv.AddBuild(job, codeartsbuild.Build{Status: tt.status, Trigger: codeartsbuild.TriggerScheduled})

			detail := c.get("/v1/record/" + job + "/1/record-info")
			assert.Equal(t, tt.record, detail.value(t, "result.status"))
			assert.Equal(t, tt.ended, detail.value(t, "result.finish_time") != nil)
			history := c.get("/v1/record/" + job + "/1/build-info-record")
			assert.Equal(t, tt.state, history.value(t, "result.state"))
			assert.Equal(t, tt.running, history.value(t, "result.job_running_status"))
			assert.Equal(t, "定时触发", history.value(t, "result.trigger_type"))
			listed := c.get("/v1/job/list" + tt.filter())
			assert.Equal(t, tt.last, listed.value(t, "result.job_list.0.last_build_status"))
			assert.Equal(t, tt.ended, listed.value(t, "result.job_list.0.is_finished"))
			running := c.get("/v1/job/" + job + "/running-status")
			assert.Equal(t, !tt.ended, running.value(t, "result.is_running"))
			assert.Equal(t, tt.running, running.value(t, "result.last_build_status"))
			assert.Equal(t, !tt.ended, c.get("/v3/jobs/"+job+"/status").value(t, "result"))
			details := c.get("/v1/job/" + job + "/1/build-info")
			assert.Equal(t, !tt.ended, details.value(t, "result.building"))
		})
	}
}

func TestHistoryInPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		job := srv.AddJob("nightly")
		for range 25 {
			srv.StartBuild(job)
			time.Sleep(time.Minute)
		}
		page := func(index, size int) (numbers []int, total any) {
			got := c.get("/v1/record/" + job + "/list" + window() + fmt.Sprintf("&page_index=%d&page_size=%d", index, size))
			for i := range got.value(t, "result.job_build_states").([]any) {
				numbers = append(numbers, int(got.value(t, "result.job_build_states."+strconv.Itoa(i)+".number").(float64)))
			}
			assert.Equal(t, strconv.Itoa(index), got.value(t, "result.page_index"))
			assert.Equal(t, got.value(t, "result.total_record"), got.value(t, "result.total_page"))
			return numbers, got.value(t, "result.total_record")
		}
		numbers, total := page(0, 10)
		assert.Equal(t, []int{25, 24, 23, 22, 21, 20, 19, 18, 17, 16}, numbers)
		assert.Equal(t, "25", total)
		numbers, _ = page(2, 10)
		assert.Equal(t, []int{5, 4, 3, 2, 1}, numbers)
		numbers, _ = page(3, 10)
		assert.Empty(t, numbers)
		numbers, _ = page(1<<30, 100)
		assert.Empty(t, numbers)
	})
}

// The window is read on the clock of the service, eight hours ahead of UTC, and has both of its ends.
func TestHistoryInAWindow(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	at := func(text string) time.Time {
		start, err := time.Parse("2006-01-02 15:04:05.000", text)
		require.NoError(t, err)
		return start
	}
	srv.AddBuild(job, codeartsbuild.Build{StartedAt: at("2026-11-24 00:00:00.500")})
	srv.AddBuild(job, codeartsbuild.Build{StartedAt: at("2026-11-24 01:00:00.999")})
	tests := map[string]struct {
		from, to string
		want     int
	}{
		"both":           {"2026-11-24 08:00:00", "2026-11-24 09:00:00", 2},
		"the first":      {"2026-11-24 07:00:00", "2026-11-24 08:00:00", 1},
		"the second":     {"2026-11-24 08:00:01", "2026-11-24 09:00:00", 1},
		"not UTC":        {"2026-11-24 00:00:00", "2026-11-24 01:00:00", 0},
		"31 days":        {"2026-11-01 00:00:00", "2026-12-02 00:00:00", 2},
		"one second":     {"2026-11-24 09:00:00", "2026-11-24 09:00:00", 1},
		"between builds": {"2026-11-24 08:00:01", "2026-11-24 08:59:59", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			history := c.get("/v1/record/" + job + "/list?" +
				url.Values{"start_time": {tt.from}, "end_time": {tt.to}}.Encode())
			assert.Equal(t, strconv.Itoa(tt.want), history.value(t, "result.total_record"), history.body)
			records := c.get("/v1/record/" + srv.state.jobs.all()[0].buildProjectID + "/records?" +
				url.Values{"from_date": {tt.from}, "to_date": {tt.to}}.Encode())
			assert.Len(t, records.value(t, "result.data"), tt.want)
		})
	}
}

func TestRecordsByBranchTagAndTrigger(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	srv.AddBuild(job, codeartsbuild.Build{Branch: "main", Trigger: codeartsbuild.TriggerManual})
	srv.AddBuild(job, codeartsbuild.Build{Branch: "dev", Trigger: "webhook"})
	c.call("POST", "/v1/job/execute", `{"job_id":"`+job+`","scm":{"build_tag":"v1"}}`)
	for query, want := range map[string]int{
		"":                            3,
		"branches=main":               1,
		"branches=main&branches=dev":  2,
		"branches=main,dev":           2,
		"triggers=MANUAL":             2,
		"triggers=webhook&branches=x": 0,
		"tags=v1":                     1,
		"limit=2":                     2,
		"limit=2&page=0":              2,
		"limit=2&page=1":              2,
		"limit=2&page=2":              1,
		"limit=100&page=2147483647":   0,
	} {
		got := c.get("/v1/record/" + srv.state.jobs.all()[0].buildProjectID + "/records?" + query)
		assert.Len(t, got.value(t, "result.data"), want, query)
		assert.InDelta(t, -1, got.value(t, "result.pagination.total"), 0)
	}
}

func TestJobsInPages(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	for i := range 12 {
		srv.AddJob(fmt.Sprint("job-", i))
	}
	project := c.get("/v1/job/list").value(t, "result.job_list.0.project_id").(string)
	for query, want := range map[string]struct{ rows, total int }{
		"":                         {10, 12},
		"page_index=1":             {2, 12},
		"page_index=2":             {0, 12},
		"page_size=100":            {12, 12},
		"search=job-1&page_size=2": {2, 3},
		"search=JOB":               {0, 0},
		"build_status=none":        {10, 12},
		"build_status=blue":        {0, 0},
		"creator_id=" + userID:     {10, 12},
		"creator_id=x":             {0, 0},
	} {
		all := c.get("/v1/job/list?" + query)
		assert.Len(t, all.value(t, "result.job_list"), want.rows, query)
		assert.InDelta(t, want.total, all.value(t, "result.total"), 0, query)
		own := c.get("/v1/job/" + project + "/list?" + query)
		assert.Len(t, own.value(t, "jobs"), want.rows, query)
		assert.InDelta(t, want.total, own.value(t, "total"), 0, query)
	}
	other := c.get("/v1/job/" + hexID("another project") + "/list")
	assert.Empty(t, other.value(t, "jobs"))
	assert.Empty(t, other.value(t, "result.job_list"))
	assert.InDelta(t, 0, other.value(t, "total"), 0)
}

// What is put in through AddBuild comes out of the SDK's list.
func TestListedBuildsAreThoseAdded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		job := srv.AddJob("nightly")
		now := time.Now().UTC()
		ended := codeartsbuild.Build{StartedAt: now.Add(-time.Hour), FinishedAt: now.Add(-time.Minute)}
		running := codeartsbuild.Build{StartedAt: now.Add(-time.Hour)}
		queued := codeartsbuild.Build{QueuedAt: now.Add(-time.Hour)}
		var want []codeartsbuild.Build
		for _, row := range []struct {
			status  codeartsbuild.BuildStatus
			trigger string
			build   codeartsbuild.Build
		}{
			{codeartsbuild.StatusQueued, codeartsbuild.TriggerManual, queued},
			{codeartsbuild.StatusRunning, codeartsbuild.TriggerScheduled, running},
			{codeartsbuild.StatusSucceeded, "webhook", ended},
			{codeartsbuild.StatusFailed, "", ended},
			{codeartsbuild.StatusAborted, codeartsbuild.TriggerManual, ended},
			{codeartsbuild.StatusTimedOut, codeartsbuild.TriggerManual, ended},
			{"PAUSED", codeartsbuild.TriggerManual, running},
		} {
			b := row.build
			b.Status, b.Trigger, b.JobID = row.status, row.trigger, job
			b.Branch, b.Revision, b.Executor = "main", "abc", "ada"
			b.BuildNo = srv.AddBuild(job, b)
			b.Trigger = cmp.Or(b.Trigger, "Push")
			want = append([]codeartsbuild.Build{b}, want...)
		}
		page, err := srv.Client().Builds.List(t.Context(), job, nil)
		require.NoError(t, err)
		for i := range page.Items {
			page.Items[i].BuildDetails = codeartsbuild.BuildDetails{} // AddBuild does not take them
		}
		assert.Equal(t, want, page.Items)
		assert.Equal(t, len(want), page.Total)
	})
}

func TestStopDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		client := srv.Client()
		job := srv.AddJob("nightly")
		stopped := func() string {
			no := srv.StartBuild(job)
			_, err := client.Jobs.Stop(t.Context(), job, no)
			require.NoError(t, err)
			return no
		}
		early := stopped()
		srv.SetStopDelay(time.Minute)
		late := stopped()
		time.Sleep(defaultStopDelay)
		assert.Equal(t, codeartsbuild.StatusAborted, srv.Status(job, early))
		assert.Equal(t, codeartsbuild.StatusRunning, srv.Status(job, late))
		time.Sleep(time.Minute)
		assert.Equal(t, codeartsbuild.StatusAborted, srv.Status(job, late))
		srv.SetStopDelay(0)
		assert.Equal(t, codeartsbuild.StatusAborted, srv.Status(job, stopped()))
	})
}

func TestHiddenRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		client := srv.Client()
		c := newCaller(t, srv)
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		record := srv.state.jobs.all()[0].builds[0].recordID
		srv.Hide(job, no, 20*time.Second)
		srv.Hide(job, "2", 20*time.Second)
		srv.Hide("no job", "1", time.Second)
		for _, target := range []string{
			"/v1/record/" + job + "/1/record-info", "/v1/record/" + job + "/1/build-info-record", "/v1/record/" + record + "/info",
			"/v1/job/" + job + "/1/build-info",
		} {
			assert.Equal(t, 422, c.get(target).status, target)
		}
		srv.StartBuild(job)
		assert.Equal(t, 422, c.get("/v1/record/"+job+"/2/record-info").status, "a build that begins later")
		page, err := client.Builds.List(t.Context(), job, nil)
		require.NoError(t, err)
		assert.Len(t, page.Items, 2, "lists know them")
		time.Sleep(20 * time.Second)
		_, err = client.Builds.Get(t.Context(), job, no)
		require.NoError(t, err)
	})
}

// A build that never ran has no start, in lists as in its record.
func TestBuildStoppedInTheQueueHasNoStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		client := srv.Client()
		job := srv.AddJob("nightly")
		no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusScheduleFailed})
		skipped := srv.AddBuild(job, codeartsbuild.Build{Status: "PENDING"})
		srv.Finish(job, skipped, "SKIPPED")
		_, err := client.Jobs.Stop(t.Context(), job, no)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		page, err := client.Builds.List(t.Context(), job, nil)
		require.NoError(t, err)
		require.Len(t, page.Items, 3)
		for _, row := range page.Items {
			assert.Zero(t, row.StartedAt, row.Status)
			got, err := client.Builds.Get(t.Context(), job, row.BuildNo)
			require.NoError(t, err)
			assert.Zero(t, got.StartedAt)
			assert.Equal(t, row.BuildNo != skipped, got.Status.Terminal())
		}
	})
}

func TestWordsOfTheServiceAreStatuses(t *testing.T) {
	t.Parallel()
	for word, want := range map[codeartsbuild.BuildStatus]codeartsbuild.BuildStatus{
		"SUCCESS": codeartsbuild.StatusSucceeded, "FAILURE": codeartsbuild.StatusFailed, "red": codeartsbuild.StatusFailed,
		"Aborted": codeartsbuild.StatusAborted, "CANCELED": codeartsbuild.StatusAborted, "TIMEOUT": codeartsbuild.StatusTimedOut,
		"SCHEDULE_FAILURE": codeartsbuild.StatusScheduleFailed, "InQueue": codeartsbuild.StatusQueued,
		"RUNNING": codeartsbuild.StatusRunning, "timed_out": codeartsbuild.StatusTimedOut, "PAUSED": "PAUSED",
		"PENDING": codeartsbuild.StatusQueued, "Queuing": codeartsbuild.StatusQueued, "runnable": codeartsbuild.StatusQueued,
		"STARTING": codeartsbuild.StatusRunning, " SUCCESS ": codeartsbuild.StatusSucceeded,
	} {
		srv := NewServer()
		c := newCaller(t, srv)
		job := srv.AddJob("nightly")
		no := srv.AddBuild(job, codeartsbuild.Build{Status: word})
		assert.Equal(t, want, srv.Status(job, no), word)
		stop := c.call("POST", "/v1/job/"+job+"/stop", `{"build_no":1}`)
		assert.Equal(t, want.Terminal(), stop.status == 400, word)

		other := srv.StartBuild(job)
		srv.Finish(job, other, word)
		assert.Equal(t, want, srv.Status(job, other), word)
	}
}

func TestRunNamesItsBuildTwice(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	got := c.call("POST", "/v1/job/execute", `{"job_id":"`+srv.AddJob("nightly")+`"}`)
	for _, name := range []string{"actual_build_number", "daily_build_number", "octopus_job_name"} {
		assert.Equal(t, got.value(t, name), got.value(t, "result."+name))
	}
	assert.Equal(t, "1", got.value(t, "result.actual_build_number"))
	assert.Equal(t, "success", got.value(t, "status"))
}
