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

// stagesOf writes the stages of the first build as name, status and duration in seconds; a stage that did not run has
// no duration.
func stagesOf(t *testing.T, c *caller, j *job) (rows []string) {
	t.Helper()
	got := c.get("/v1/record/" + j.builds[0].recordID + "/full-stages?cascade=true")
	for _, name := range []string{"initial", "stage1", "stage2", "stage3", "final"} {
		st := got.value(t, "result.build_stages."+name).(map[string]any)
		row := fmt.Sprint(name, " ", st["status"])
		if st["node_id"] != nil {
			row += fmt.Sprint(" ", st["build_duration"].(float64)/1000)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestStagesOfABuild(t *testing.T) {
	t.Parallel()
	const running, succeeded, failed, aborted = codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded, codeartsbuild.StatusFailed, codeartsbuild.StatusAborted
	tests := map[string]struct {
		after time.Duration
		end   codeartsbuild.BuildStatus // empty: it still runs
		want  []string
	}{
		"just begun":         {0, "", []string{"initial RUNNING 0", "stage1 QUEUED", "stage2 QUEUED", "stage3 QUEUED", "final QUEUED"}},
		"in the checkout":    {5 * time.Second, "", []string{"initial SUCCESS 1", "stage1 RUNNING 4", "stage2 QUEUED", "stage3 QUEUED", "final QUEUED"}},
		"in the last step":   {time.Hour, "", []string{"initial SUCCESS 1", "stage1 SUCCESS 10", "stage2 SUCCESS 10", "stage3 RUNNING 3579", "final QUEUED"}},
		"succeeded":          {time.Minute, succeeded, []string{"initial SUCCESS 1", "stage1 SUCCESS 10", "stage2 SUCCESS 10", "stage3 SUCCESS 39", "final SUCCESS 0"}},
		"failed in a step":   {15 * time.Second, failed, []string{"initial SUCCESS 1", "stage1 SUCCESS 10", "stage2 FAILURE 4", "stage3 FAILURE", "final FAILURE 0"}},
		"failed at the end":  {time.Minute, failed, []string{"initial SUCCESS 1", "stage1 SUCCESS 10", "stage2 SUCCESS 10", "stage3 FAILURE 39", "final FAILURE 0"}},
		"aborted":            {5 * time.Second, aborted, []string{"initial SUCCESS 1", "stage1 ABORTED 4", "stage2 ABORTED", "stage3 ABORTED", "final ABORTED 0"}},
		"succeeded at once":  {0, succeeded, []string{"initial SUCCESS 0", "stage1 SUCCESS 0", "stage2 SUCCESS 0", "stage3 SUCCESS 0", "final SUCCESS 0"}},
		"succeeded early on": {5 * time.Second, succeeded, []string{"initial SUCCESS 1", "stage1 SUCCESS 4", "stage2 SUCCESS 0", "stage3 SUCCESS 0", "final SUCCESS 0"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := NewServer()
				c := newCaller(t, srv)
				job := srv.AddJob("nightly")
				no := srv.AddBuild(job, codeartsbuild.Build{Status: running})
				time.Sleep(tt.after)
				srv.Finish(job, no, tt.end)
				assert.Equal(t, tt.want, stagesOf(t, c, srv.state.jobs.all()[0]))
				if tt.end != "" {
					time.Sleep(time.Hour)
					assert.Equal(t, tt.want, stagesOf(t, c, srv.state.jobs.all()[0]), "they stay as they are")
				}
			})
		})
	}
}

func TestStagesOfABuildThatDidNotRun(t *testing.T) {
	t.Parallel()
	for status, word := range map[codeartsbuild.BuildStatus]string{
		codeartsbuild.StatusQueued: "QUEUED", codeartsbuild.StatusScheduleFailed: "SCHEDULE_FAILURE",
	} {
		srv := NewServer()
		c := newCaller(t, srv)
		srv.AddBuild(srv.AddJob("nightly"), codeartsbuild.Build{Status: status})
		want := []string{"initial " + word, "stage1 " + word, "stage2 " + word, "stage3 " + word, "final " + word}
		assert.Equal(t, want, stagesOf(t, c, srv.state.jobs.all()[0]))
	}
}

// The steps are those that the job had when the build began.
func TestStagesAreThoseOfTheConfiguration(t *testing.T) {
	t.Parallel()
	c := newCaller(t, NewServer())
	job := c.call("POST", "/v1/job/create", configured("first")).value(t, "result.job_id").(string)
	c.call("POST", "/v1/job/execute", `{"job_id":"`+job+`"}`)
	c.call("POST", "/v1/job/update", `{"job_id":"`+job+`",`+configured("second")[1:len(configured("second"))-1]+`,"steps":[]}`)
	details := c.get("/v3/jobs/" + job + "/1/history-details")
	assert.Equal(t, "Code CheckOut", details.value(t, "build_steps.0.name"))
	assert.Equal(t, "Maven", details.value(t, "build_steps.1.name"))
	assert.Len(t, details.value(t, "build_steps"), 2, "a disabled step does not run")
	assert.Empty(t, details.value(t, "build_steps.1.status"), "it has not run yet")
	assert.Equal(t, "******", details.value(t, "parameters.key"))
	record := c.get("/v1/record/"+job+"/1/record-info").value(t, "result.build_record_id").(string)
	assert.Contains(t, c.get("/v1/record/"+record+"/build-script").value(t, "result"), "displayName: \"Maven\"")
	assert.Equal(t, []any{}, c.get("/v1/record/"+record+"/flow-graph").value(t, "result.vertices"))
	assert.Equal(t, 422, c.get("/v1/record/x/flow-graph").status)
}

func TestStepStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[codeartsbuild.BuildStatus][3]string{
		codeartsbuild.StatusQueued:    {"", "pending", ""},
		codeartsbuild.StatusRunning:   {"running", "runnable", ""},
		codeartsbuild.StatusSucceeded: {"success", "completed", ""},
		codeartsbuild.StatusAborted:   {"error", "completed", "aborted"},
		codeartsbuild.StatusTimedOut:  {"error", "completed", "timeout"},
	} {
		srv := NewServer()
		c := newCaller(t, srv)
		job := srv.AddJob("nightly")
		srv.AddBuild(job, codeartsbuild.Build{Status: status})
		srv.StartBuild(job)
		got := c.get("/v1/job/" + job + "/status")
		assert.Equal(t, want[:], []string{
			got.value(t, "result.status").(string), got.value(t, "result.workflow.status").(string), got.value(t, "result.abort_status").(string),
		}, "build 1 is the documented default")
		assert.Equal(t, "running", c.get("/v1/job/"+job+"/status?build_no=2").value(t, "result.status"))
	}
}

func TestLogOfAStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		time.Sleep(15 * time.Second)
		srv.AppendLog(job, no, "prepare\n"+
			"[2026/09/10 19:09:19.885 GMT+08:00] [INFO] [Code CheckOut:external_pre_checkout] : begin\n"+
			"untagged\n"+
			"[2026/09/10 19:09:20.885 GMT+08:00] [INFO] [other:task] : still the checkout\n"+
			"[2026/09/10 19:09:21.885 GMT+08:00] [INFO] [Maven:external_post_maven] : maven\n"+
			"[2026/09/10 19:09:21.885 GMT+08:00] [DEBUG] [stage2] : detail\n")
		stages := c.get("/v1/record/" + srv.state.jobs.all()[0].builds[0].recordID + "/full-stages")
		node := func(stage string) int {
			return int(stages.value(t, "result.build_stages."+stage+".node_id").(float64))
		}
		read := func(call string, node int) response {
			return c.get(fmt.Sprintf("/v1/log/task/%s&job_id=%s&build_no=%s&step_id=%d", call, job, no, node))
		}
		const running, afterwards = "step?size=1000&start_offset=0&end_offset=0", "page?start_offset=0&end_offset=0"
		for _, call := range []string{running, afterwards} {
			assert.Equal(t, "prepare\n", read(call, node("initial")).value(t, "result.log"))
			checkout := read(call, node("stage1")).value(t, "result.log")
			assert.Contains(t, checkout, "begin\nuntagged\n")
			assert.Contains(t, checkout, "still the checkout")
			assert.NotContains(t, checkout, "maven")
		}
		first := read("step?size=1&start_offset=0&end_offset=0", node("stage1"))
		assert.Equal(t, true, first.value(t, "result.has_more"), "it comes in pieces")
		assert.Equal(t, 422, read(running, node("stage2")+1).status, "the step has not run")
		whole := c.get("/v1/log/stage/page?job_id=" + job + "&build_no=1&start_offset=0&end_offset=0")
		assert.Contains(t, whole.value(t, "result.log"), "prepare\n")

		record := srv.state.jobs.all()[0].builds[0].recordID
		for _, path := range []string{"/v1/log/" + record + "/task-log", "/v4/" + record + "/task-log"} {
			got := c.get(path + "?task_name=stage2")
			require.Equal(t, octetStream, got.header.Get("Content-Type"), got.body)
			assert.Contains(t, got.body, "maven\n")
			assert.NotContains(t, got.body, "detail")
			assert.Contains(t, c.get(path+"?task_name=stage2&log_level=DEBUG").body, "detail")
		}
		assert.Equal(t, 400, c.get("/v1/log/"+record+"/task-log?task_name=external_post_maven").status)
		assert.Contains(t, c.get("/v4/"+record+"/task-log?task_name=external_post_maven").body, "maven\n")
		assert.Equal(t, 422, c.get("/v4/x/task-log?task_name=stage1").status)
	})
}
