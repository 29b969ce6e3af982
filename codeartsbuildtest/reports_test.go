package codeartsbuildtest

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// history is a job with builds of two days: one that failed yesterday, and today one that succeeded, one that failed on
// another branch and one that runs.
func history(t *testing.T) (c *caller, j *job) {
	t.Helper()
	srv := NewServer()
	job := srv.AddJob("nightly")
	now := time.Now()
	for _, b := range []struct {
		status codeartsbuild.BuildStatus
		branch string
		ago    time.Duration
		ran    time.Duration
	}{
		{codeartsbuild.StatusSucceeded, "main", 40 * 24 * time.Hour, time.Second},
		{codeartsbuild.StatusFailed, "main", 24 * time.Hour, 4 * time.Second},
		{codeartsbuild.StatusSucceeded, "main", 2 * time.Hour, 2 * time.Second},
		{codeartsbuild.StatusFailed, "dev", time.Hour, 6 * time.Second},
		{codeartsbuild.StatusRunning, "main", time.Minute, 0},
	} {
		build := codeartsbuild.Build{Status: b.status, Branch: b.branch, Revision: "abc", Executor: "ada", StartedAt: now.Add(-b.ago), Trigger: codeartsbuild.TriggerManual}
		if b.ran > 0 {
			build.FinishedAt = build.StartedAt.Add(b.ran)
		}
		srv.AddBuild(job, build)
	}
	return newCaller(t, srv), srv.state.jobs.all()[0]
}

func inBubble(t *testing.T, test func(t *testing.T, c *caller, j *job)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12 * time.Hour) // the bubble begins at 8 o'clock of the service
		c, j := history(t)
		test(t, c, j)
	})
}

func TestSuccessReport(t *testing.T) {
	inBubble(t, func(t *testing.T, c *caller, j *job) {
		report := func(query string) response {
			return c.get("/v1/report/ratio?job_id=" + j.id + "&repository_name=" + query)
		}
		got := report("demo&interval=7")
		assert.Equal(t, "1/3", got.value(t, "result.total_success_ratio_fraction"))
		assert.InDelta(t, 3, got.value(t, "result.total_count"), 0)
		assert.Equal(t, "all", got.value(t, "result.branch"))
		assert.Equal(t, []any{
			map[string]any{"date": "2000/01/01", "success_ratio": 50.0}, map[string]any{"date": "1999/12/31", "success_ratio": 0.0},
		}, got.value(t, "result.every_day_report"))
		assert.Equal(t, "0/1", report("demo&interval=7&branch=dev").value(t, "result.total_success_ratio_fraction"))
		assert.Equal(t, "0/0", report("other&interval=7").value(t, "result.total_success_ratio_fraction"))
	})
}

func TestTimeReport(t *testing.T) {
	inBubble(t, func(t *testing.T, c *caller, j *job) {
		got := c.get("/v1/report/time?job_id=" + j.id + "&repository_name=demo&interval=7")
		for name, want := range map[string]float64{"avg_build_time": 4000, "max_build_time": 6000, "min_build_time": 2000} {
			assert.InDelta(t, want, got.value(t, "result."+name), 0, name)
		}
		assert.Len(t, got.value(t, "result.chart"), 3)
		assert.Equal(t, "FAILURE", got.value(t, "result.chart.0.build_result"))
		none := c.get("/v1/report/time?job_id=" + j.id + "&repository_name=demo&interval=7&branch=x")
		assert.InDelta(t, 0, none.value(t, "result.avg_build_time"), 0)
	})
}

func TestCounts(t *testing.T) {
	inBubble(t, func(t *testing.T, c *caller, j *job) {
		total := "/v1/record/" + j.buildProjectID + "/statistics"
		assert.InDelta(t, 5, c.get(total).value(t, "result.total"), 0)
		assert.InDelta(t, 3, c.get(total+"?from_date=2000-01-01%2000:00:00").value(t, "result.total"), 0)
		summary := c.get("/v1/domain/job-summary")
		for name, want := range map[string]float64{"job_total": 1, "build_no": 5, "avg_success_ratio": 50} {
			assert.InDelta(t, want, summary.value(t, "result.summary."+name), 0, name)
		}
		ratio := c.get("/v3/jobs/" + j.id + "/success-ratio?start_time=1999-12-31&end_time=2000-01-01")
		assert.Equal(t, map[string]any{"success_count": 1.0, "total_count": 3.0, "success_ratio": 0.33}, at(parsed(t, ratio)))
		empty := c.get("/v3/jobs/" + j.id + "/success-ratio?start_time=1990-01-01&end_time=1990-01-02")
		assert.InDelta(t, 0, empty.value(t, "success_ratio"), 0)
	})
}

func TestBranches(t *testing.T) {
	inBubble(t, func(t *testing.T, c *caller, j *job) {
		assert.JSONEq(t, `["main","dev","master"]`, c.get("/v1/job/"+j.id+"/badge/branches").result(t))
		assert.JSONEq(t, `["dev"]`, c.get("/v1/job/"+j.id+"/badge/branches?limit=1&offset=1").result(t))
		assert.JSONEq(t, `["main","dev","master"]`, c.get("/v1/report/branches?job_id="+j.id+"&repository_name=demo").result(t))
		assert.JSONEq(t, `[]`, c.get("/v1/report/branches?job_id="+j.id+"&repository_name=other").result(t))
		assert.Equal(t, "demo", c.get("/v1/report/"+j.id+"/repositories").value(t, "result.latest"))
	})
}

func TestOldHistories(t *testing.T) {
	inBubble(t, func(t *testing.T, c *caller, j *job) {
		got := c.get("/v3/jobs/" + j.id + "/history?offset=0&limit=2&interval=7")
		assert.InDelta(t, 3, got.value(t, "total"), 0)
		assert.Equal(t, []any{4.0, 3.0}, []any{got.value(t, "history_records.0.build_number"), got.value(t, "history_records.1.build_number")})
		assert.Equal(t, "2000-01-01T19:00:00+08:00", got.value(t, "history_records.0.start_time"))
		next := c.get("/v3/jobs/" + j.id + "/history?offset=1&limit=2&interval=7")
		assert.InDelta(t, 2, next.value(t, "history_records.0.build_number"), 0)

		period := c.get("/v3/jobs/" + j.id + "/period-history?offset=0&limit=10&start_time=1999-12-31&end_time=1999-12-31")
		assert.InDelta(t, 1, period.value(t, "total"), 0)
		assert.Equal(t, "手工触发", period.value(t, "history_records.0.trigger_type"))
		last := c.get("/v3/jobs/" + codeProjectID + "/last-history?repository_name=demo")
		assert.Equal(t, []any{4.0, "nightly", "abc"}, []any{last.value(t, "build_number"), last.value(t, "job_name"), last.value(t, "commit_id")})
		assert.Equal(t, 422, c.get("/v3/jobs/"+codeProjectID+"/last-history?repository_name=x").status)
	})
}

func TestLastHistoryOfNothing(t *testing.T) {
	t.Parallel()
	c := newCaller(t, NewServer())
	assert.Equal(t, 422, c.get("/v3/jobs/"+codeProjectID+"/last-history?repository_name=demo").status)
}

func TestBriefRecords(t *testing.T) {
	inBubble(t, func(t *testing.T, c *caller, j *job) {
		got := c.call("POST", "/v1/record/brief?limit=2", fmt.Sprintf(`[%q,"x"]`, j.buildProjectID))
		assert.Len(t, got.value(t, "result.0.brief_build_record_dtos"), 2)
		assert.InDelta(t, 5, got.value(t, "result.0.brief_build_record_dtos.0.build_no"), 0)
		assert.Equal(t, "RUNNING", got.value(t, "result.0.brief_build_record_dtos.0.status"))
		assert.Equal(t, []any{}, got.value(t, "result.1.brief_build_record_dtos"))
	})
}

func TestArtifacts(t *testing.T) {
	inBubble(t, func(t *testing.T, c *caller, j *job) {
		for _, path := range []string{"/v1/job/" + j.id + "/%d/output", "/v3/jobs/" + j.id + "/%d/output-info"} {
			good := c.get(fmt.Sprintf(path, 3))
			assert.Equal(t, "jar", at(parsed(t, good), "result", "package_infos", "demo.jar", "package_type"))
			assert.Empty(t, c.get(fmt.Sprintf(path, 4)).value(t, "result.package_infos"), "a build that failed has none")
			assert.Equal(t, 422, c.get(fmt.Sprintf(path, 9)).status)
		}
	})
}

func TestProjects(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	assert.Equal(t, srv.ProjectID(), c.get("/v1/domain/project/related").value(t, "result.project_info_list.0.identifier"))
	list := func(query string) any {
		return c.get("/v1/domain/project/related-page?"+query).value(t, "result.total")
	}
	assert.InDelta(t, 1, list("page_no=1&page_size=10&search=dem"), 0)
	assert.InDelta(t, 0, list("search=x"), 0)
	page := c.get("/v1/domain/project/related-page?page_no=2")
	assert.Empty(t, page.value(t, "result.project_info_list"))
}

func TestFilesThatAreNotLogs(t *testing.T) {
	t.Parallel()
	_, c, j := filled(t)
	assert.Equal(t, "FROM scratch\n", c.get("/v1/image/dockerfile-template?image_id=x").body)
	coverage := "/v1/report/junit/coverage/download?job_id=" + j.id + "&root_id=a&build_no="
	assert.Equal(t, emptyArchive, c.get(coverage+"1").body)
	assert.Equal(t, 422, c.get(coverage+"9").status)
}

// parsed is the body as decoded JSON.
func parsed(t *testing.T, r response) any {
	t.Helper()
	require.Equal(t, 200, r.status, r.body)
	return r.value(t, "")
}
