package codeartsbuildtest

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// configuration is one of a job with members that no page documents, in a spelling that only a copy keeps.
const configuration = `{ "arch":"x86-64", "future": {"a": [1.0, 1e2, "\u00e9<>"]}, "project_id":"PROJECT","job_name":"NAME",` +
	` "steps":[ {"name":"Maven","module_id":"m","properties":{"b":null, "a":{}},"when": "always"},` +
	`{"name":"Off","module_id":"m","enable":false}],"scms":[{"url":"u","scm_type":"codehub","branch":"main","lfs":true}],` +
	`"parameters":[{"name":"hudson.model.StringParameterDefinition","params":[{"name":"name","value":"key"},` +
	`{"name":"defaultValue","value":"secret"},{"name":"sensitiveVar","value":"true"}]}]}`

func configured(name string) string {
	return strings.NewReplacer("PROJECT", codeProjectID, "NAME", name).Replace(configuration)
}

// result is the result of a response, byte for byte.
func (r response) result(t *testing.T) string {
	t.Helper()
	var body struct{ Result json.RawMessage }
	require.Equal(t, 200, r.status, r.body)
	require.NoError(t, json.Unmarshal([]byte(r.body), &body))
	return string(body.Result)
}

func TestConfigurationIsKeptByteForByte(t *testing.T) {
	t.Parallel()
	for _, version := range []struct{ create, update, show string }{
		{"/v1/job/create", "/v1/job/update", "/v1/job/{}/config"},
		{"/v3/jobs/create", "/v3/jobs/update", "/v3/jobs/{}/query"},
	} {
		c := newCaller(t, NewServer())
		job := c.call("POST", version.create, configured("first")).value(t, "result.job_id").(string)
		show := strings.Replace(version.show, "{}", job, 1)
		assert.Equal(t, configured("first"), c.get(show).result(t))
		assert.Equal(t, configured("first"), c.get(show+"?get_all_params=true").result(t))

		changed := strings.Replace(configured("second"), `"future"`, `"later"`, 1)
		updated := c.call("POST", version.update, `{"job_id":"`+job+`",`+changed[1:])
		require.Equal(t, 200, updated.status, updated.body)
		assert.Equal(t, job, updated.value(t, "result.job_id"))
		got := c.get(show).result(t)
		assert.JSONEq(t, changed, got, "the whole configuration is replaced, and has no job_id")
		for _, part := range []string{`[1.0, 1e2, "\u00e9<>"]`, `{"b":null, "a":{}}`, `"when": "always"`} {
			assert.Contains(t, got, part)
		}
	}
}

func TestCreatedJobIsListedAndRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		job := c.call("POST", "/v1/job/create", configured("made")).value(t, "result.job_id").(string)
		assert.Equal(t, job, c.get("/v1/job/list?search=made").value(t, "result.job_list.0.id"))
		assert.Equal(t, "made", c.get("/v1/job/"+job+"/info").value(t, "result.job_name"))
		exists := "/v1/job/check/exist?project_id=" + codeProjectID + "&job_name="
		assert.Equal(t, true, c.get(exists+"made").value(t, "result"))
		assert.Equal(t, false, c.get(exists+"other").value(t, "result"))
		assert.Equal(t, "made-copy-1", c.get("/v1/job/"+job+"/copy-name").value(t, "result"))
		assert.Equal(t, false, c.get("/v1/job/check/count").value(t, "result"))

		c.call("POST", "/v1/job/execute", `{"job_id":"`+job+`"}`)
		detail := c.get("/v1/record/" + job + "/1/record-info")
		assert.Equal(t, "main", detail.value(t, "result.branch"))
		parameters := c.get("/v1/job/" + job + "/1/history-parameters")
		assert.JSONEq(t, `[{"name":"key","value":"******"},{"name":"codeBranch","value":"main"}]`, parameters.result(t), "secret values are hidden")
		time.Sleep(startDelay)
		assert.Equal(t, codeartsbuild.StatusRunning, srv.Status(job, "1"))
	})
}

func TestCopyOfAJob(t *testing.T) {
	t.Parallel()
	c := newCaller(t, NewServer())
	job := c.call("POST", "/v1/job/create", configured("first")).value(t, "result.job_id").(string)
	copied := c.call("POST", "/v1/job/copy", `{"copy_job_id":"`+job+`","arch":"arm","project_id":"`+codeProjectID+`","job_name":"first-copy-1","steps":[]}`)
	id := copied.value(t, "result.job_id").(string)
	assert.NotEqual(t, job, id)
	config := c.get("/v1/job/" + id + "/config")
	assert.Equal(t, "arm", config.value(t, "result.arch"))
	assert.Equal(t, "main", config.value(t, "result.scms.0.branch"), "what the request does not give is that of the other job")
	assert.Equal(t, "é<>", config.value(t, "result.future.a.2"))
	assert.Nil(t, config.value(t, "result.copy_job_id"))
	assert.Equal(t, "first-copy-2", c.get("/v1/job/"+job+"/copy-name").value(t, "result"))
}

func TestConfigurationsThatAreRejected(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	c.call("POST", "/v1/job/create", configured("taken"))
	other := c.call("POST", "/v1/job/create", configured("other")).value(t, "result.job_id").(string)
	for name, tt := range map[string]struct {
		body string
		code string
	}{
		"name with a space":  {configured("a b"), "CB.00060200"},
		"no name":            {configured(""), "CB.00060200"},
		"name of 116":        {configured(strings.Repeat("x", 116)), "CB.00060200"},
		"name in use":        {configured("taken"), "DEVCB.00030000"},
		"another project":    {strings.Replace(configured("a"), codeProjectID, strings.Repeat("0", 32), 1), "CB.00060200"},
		"unknown group":      {`{"group_id":"x",` + configured("a")[1:], "CB.00060200"},
		"no steps":           {strings.Replace(configured("a"), `"steps"`, `"stages"`, 1), "CB.00060200"},
		"another arch":       {strings.Replace(configured("a"), "x86-64", "riscv", 1), "CB.00060200"},
		"number for a depth": {strings.Replace(configured("a"), `"lfs":true`, `"depth":1`, 1), "CB.00060200"},
	} {
		created := c.call("POST", "/v1/job/create", tt.body)
		assert.Equal(t, tt.code, created.value(t, "error_code"), name)
		updated := c.call("POST", "/v1/job/update", `{"job_id":"`+other+`",`+tt.body[1:])
		assert.Equal(t, tt.code, updated.value(t, "error_code"), name)
	}
	assert.Len(t, srv.state.jobs.all(), 2)
	kept := c.call("POST", "/v1/job/update", `{"job_id":"`+other+`",`+configured("other")[1:])
	assert.Equal(t, 200, kept.status, "its own name is not taken")
	added := srv.AddJob("a b, of a test")
	own := c.call("POST", "/v1/job/update", `{"job_id":"`+added+`",`+configured("a b, of a test")[1:])
	assert.Equal(t, 200, own.status, own.body)
	chinese := c.call("POST", "/v1/job/create", configured("构建-1_a"))
	assert.Equal(t, 200, chinese.status)
	assert.Equal(t, 422, c.call("POST", "/v1/job/update", `{"job_id":"x",`+configured("y")[1:]).status)
}

// Names are told apart by letter case, also where members that are not documented are kept.
func TestNamesInAConfigurationAreExact(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job, other := srv.AddJob("a"), srv.AddJob("b")
	got := c.call("POST", "/v1/job/update", `{"job_id":"`+job+`","Job_id":"`+other+`","Job_name":"x",`+configured("new")[1:])
	assert.Equal(t, job, got.value(t, "result.job_id"))
	config := c.get("/v1/job/" + job + "/config")
	assert.Equal(t, other, config.value(t, "result.Job_id"))
	assert.Equal(t, "new", c.get("/v1/job/"+job+"/info").value(t, "result.job_name"))
}

func TestUpdatesOfAJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t, NewServer())
		job := c.call("POST", "/v1/job/create", configured("first")).value(t, "result.job_id").(string)
		time.Sleep(time.Hour)
		c.call("POST", "/v1/job/update", `{"job_id":"`+job+`",`+configured("first")[1:])
		history := c.get("/v1/job/" + job + "/history?page_size=1")
		assert.InDelta(t, 2, history.value(t, "result.total"), 0)
		assert.Len(t, history.value(t, "result.job_update_records"), 1)
		assert.Equal(t, "UPDATE", history.value(t, "result.job_update_records.0.update_type"))
		assert.InDelta(t, time.Now().UnixMilli(), history.value(t, "result.job_update_records.0.update_at"), 0)
		older := c.get("/v1/job/" + job + "/history?page_size=1&page_no=2")
		assert.Equal(t, "CREATE", older.value(t, "result.job_update_records.0.update_type"))
	})
}

func TestBranchOfARun(t *testing.T) {
	t.Parallel()
	const parameter = `[{"name":"p","params":[{"name":"name","value":"codeBranch"},{"name":"defaultValue","value":"dev"}]}]`
	for name, tt := range map[string]struct{ branch, run, want string }{
		"the job's own":                          {"main", ``, "main"},
		"of the run's source":                    {"main", `,"scm":{"branch":"x"}`, "x"},
		"of the run's parameter":                 {"main", `,"parameter":[{"name":"codeBranch","value":"x"}]`, "x"},
		"from the parameter's default":           {"${codeBranch}", ``, "dev"},
		"from the parameter":                     {"$codeBranch", `,"parameter":[{"name":"codeBranch","value":"x"}]`, "x"},
		"from the parameter, not the source":     {"${codeBranch}", `,"scm":{"branch":"x"}`, "dev"},
		"from the parameter, though both are in": {"${codeBranch}", `,"scm":{"branch":"x"},"parameter":[{"name":"codeBranch","value":"y"}]`, "y"},
		"none with a tag":                        {"main", `,"scm":{"build_tag":"v1"}`, ""},
	} {
		c := newCaller(t, NewServer())
		config := strings.Replace(configured("a"), `"branch":"main"`, `"branch":"`+tt.branch+`"`, 1)
		config = strings.Replace(config, `"parameters":[`, `"parameters":`+parameter+`,"ignored":[`, 1)
		job := c.call("POST", "/v1/job/create", config).value(t, "result.job_id").(string)
		got := c.call("POST", "/v1/job/execute", `{"job_id":"`+job+`"`+tt.run+`}`)
		require.Equal(t, 200, got.status, got.body)
		assert.Equal(t, tt.want, c.get("/v1/record/"+job+"/1/record-info").value(t, "result.branch"), name)
	}
}

// A job that builds tags cannot be scheduled without one, unless the run says what to build.
func TestRunWithoutATag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		config := strings.Replace(configured("a"), `"lfs":true`, `"build_type":"tag"`, 1)
		job := c.call("POST", "/v1/job/create", config).value(t, "result.job_id").(string)
		for _, scm := range []string{`{}`, `{"build_tag":"v1"}`, `{"build_type":"branch","branch":"x"}`} {
			require.Equal(t, 200, c.call("POST", "/v1/job/execute", `{"job_id":"`+job+`","scm":`+scm+`}`).status)
		}
		assert.Equal(t, 400, c.call("POST", "/v1/job/execute", `{"job_id":"`+job+`","scm":{"build_type":"x"}}`).status)
		time.Sleep(startDelay)
		assert.Equal(t, codeartsbuild.StatusScheduleFailed, srv.Status(job, "1"))
		assert.Equal(t, codeartsbuild.StatusRunning, srv.Status(job, "2"))
		assert.Equal(t, codeartsbuild.StatusRunning, srv.Status(job, "3"))
		assert.Nil(t, c.get("/v1/record/"+job+"/1/record-info").value(t, "result.start_time"))
	})
}

func TestDisabledJob(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	shown := func() any { return c.get("/v1/job/"+job+"/check/disable").value(t, "result") }
	run := func() response { return c.call("POST", "/v1/job/execute", `{"job_id":"`+job+`"}`) }

	assert.Nil(t, shown())
	assert.JSONEq(t, `{"status":"success"}`, c.call("POST", "/v1/job/"+job+"/disable", `{"disabled":true,"reason":"freeze"}`).body)
	assert.Equal(t, "freeze", shown().(map[string]any)["reson"])
	listed := c.get("/v1/job/list")
	assert.Equal(t, true, listed.value(t, "result.job_list.0.disabled"))
	assert.Equal(t, "freeze", listed.value(t, "result.job_list.0.forbidden_msg"))
	assert.Equal(t, "DEVCB.00030000", run().value(t, "error_code"))
	assert.Equal(t, 200, c.call("POST", "/v1/job/"+job+"/stop", `{"build_no":`+no+`}`).status, "its builds can be stopped")

	c.call("POST", "/v1/job/"+job+"/disable", `{"disabled":false,"reason":""}`)
	assert.Nil(t, shown())
	assert.Equal(t, 200, run().status)
	c.call("POST", "/v3/jobs/"+job+"/disable", "")
	assert.Equal(t, 422, run().status)
	c.call("POST", "/v3/jobs/"+job+"/recover", "")
	assert.Equal(t, 200, run().status)
}

func TestDeletedJobGoesToTheRecycleBin(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(c *caller, job string) response{
		"DeleteTheJob":   func(c *caller, job string) response { return c.call("DELETE", "/v1/job/"+job+"/delete", "") },
		"DeleteBuildJob": func(c *caller, job string) response { return c.call("POST", "/v3/jobs/"+job+"/delete", "") },
		"BatchDeleteBuildJobs": func(c *caller, job string) response {
			return c.call("DELETE", "/v1/job/batch-delete", `{"job_ids":["`+job+`"]}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, c, j := filled(t)
			record := j.builds[0].recordID
			deleted := remove(c, j.id)
			require.Equal(t, 200, deleted.status, deleted.body)
			assert.Equal(t, j.id, deleted.value(t, "result.job_id"))
			assert.Equal(t, srv.ProjectID(), deleted.value(t, "result.project_id"))
			assert.InDelta(t, 0, c.get("/v1/job/list").value(t, "result.total"), 0)
			for _, target := range []string{"/v1/job/" + j.id + "/info", "/v1/record/" + j.id + "/1/record-info", "/v1/record/" + record + "/info"} {
				assert.Equal(t, 422, c.get(target).status, target)
			}
			assert.Empty(t, srv.Status(j.id, "1"))
			assert.Equal(t, 422, remove(c, j.id).status, "it is gone")

			bin := c.get("/v1/job/recycling-jobs?page_no=1&page_size=10&search=night")
			assert.Equal(t, j.id, bin.value(t, "result.job_list.0.job_id"))
			assert.InDelta(t, 30, bin.value(t, "result.keep_time"), 0)
			restored := c.call("POST", "/v1/job/recycling-restoration", `{"job_ids":["`+j.id+`","`+j.id+`"]}`)
			require.Equal(t, 200, restored.status, restored.body)
			assert.Equal(t, 200, c.get("/v1/record/"+record+"/info").status)
			assert.NotEqual(t, j.id, srv.AddJob("another"), "ids stay unique")
		})
	}
}

func TestSeveralJobsAreDeletedOrNone(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	a, b := srv.AddJob("a"), srv.AddJob("b")
	assert.Equal(t, 422, c.call("DELETE", "/v1/job/batch-delete", `{"job_ids":["`+a+`","x"]}`).status)
	assert.Equal(t, 400, c.call("DELETE", "/v1/job/batch-delete", `{"job_ids":[]}`).status)
	assert.Len(t, srv.state.jobs.all(), 2)
	assert.Equal(t, 200, c.call("DELETE", "/v1/job/batch-delete", `{"job_ids":["`+b+`","`+a+`","`+b+`"]}`).status)
	assert.Empty(t, srv.state.jobs.all())
}

func TestRecycleBin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		var ids []string
		for _, name := range []string{"a", "b", "c", "d"} {
			ids = append(ids, srv.AddJob(name))
			c.call("DELETE", "/v1/job/"+ids[len(ids)-1]+"/delete", "")
		}
		list := func(query string) response { return c.get("/v1/job/recycling-jobs?" + query) }
		total := func() any { return list("").value(t, "result.total") }
		assert.Equal(t, "b", list("page_no=2&page_size=1").value(t, "result.job_list.0.job_name"))
		assert.Equal(t, "b", list("page_index=1&page_size=1").value(t, "result.job_list.0.job_name"))
		assert.Equal(t, "b", list("page_index=1&page_no=2&page_size=1").value(t, "result.job_list.0.job_name"))
		assert.Equal(t, 400, list("page_index=1&page_no=1&page_size=1").status, "two pages")

		assert.Equal(t, 422, c.call("POST", "/v1/job/recycling-restoration", `{"job_ids":["`+ids[0]+`","x"]}`).status)
		assert.InDelta(t, 4, total(), 0, "all or none")
		assert.Equal(t, 200, c.call("DELETE", "/v1/job/recycling-deletion", `{"job_ids":["`+ids[0]+`"]}`).status)
		assert.InDelta(t, 3, total(), 0)
		assert.Equal(t, 422, c.call("POST", "/v1/job/recycling-restoration", `{"job_ids":["`+ids[0]+`"]}`).status)

		assert.Equal(t, 400, c.call("POST", "/v1/job/keep-time", `{"keep_time":31}`).status)
		assert.InDelta(t, 2, c.call("POST", "/v1/job/keep-time", `{"keep_time":2}`).value(t, "result.keep_time"), 0)
		time.Sleep(24*time.Hour - time.Second)
		c = newCaller(t, srv)
		assert.InDelta(t, 3, total(), 0)
		time.Sleep(24*time.Hour + time.Second)
		c = newCaller(t, srv)
		assert.InDelta(t, 0, total(), 0, "their time is over")

		c.call("DELETE", "/v1/job/"+srv.AddJob("e")+"/delete", "")
		assert.Equal(t, 200, c.call("DELETE", "/v1/job/recycling-empty", "").status)
		assert.InDelta(t, 0, total(), 0)
	})
}

func TestFavouriteJob(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	favourite := func() any { return c.get("/v1/job/list").value(t, "result.job_list.0.favorite") }
	assert.Equal(t, true, c.call("POST", "/v1/job/"+job+"/follow", "").value(t, "result.favorite"))
	assert.Equal(t, true, favourite())
	assert.Equal(t, false, c.call("POST", "/v1/job/"+job+"/unfollow", "{}").value(t, "result.favorite"))
	assert.Equal(t, false, favourite())
}

func TestRightsOnAJob(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	right := func(role, name string) any {
		for _, row := range c.get("/v1/job/permission/role?job_id="+job).value(t, "result").([]any) {
			if at(row, "role_name") == role {
				return at(row, name)
			}
		}
		return nil
	}
	set := func(body string) response {
		return c.call("PUT", "/v1/job/role-permission", `{"job_id":"`+job+`",`+body+`}`)
	}
	assert.Equal(t, false, right("viewer", "is_execute"))
	assert.Equal(t, 200, set(`"role_id":"5","permission_name":"is_execute"`).status)
	assert.Equal(t, true, right("viewer", "is_execute"), "true unless the request says otherwise")
	assert.Equal(t, 200, set(`"role_id":"5","permission_name":"is_execute","permission_value":false`).status)
	assert.Equal(t, false, right("viewer", "is_execute"))
	assert.Equal(t, 400, set(`"role_id":"99","permission_name":"is_execute"`).status)
	assert.Equal(t, 400, set(`"role_id":"x","permission_name":"is_execute"`).status)
	assert.Equal(t, 400, set(`"role_id":"5"`).status)

	all := c.call("POST", "/v1/job/permissions/batch", `{"job_ids":["`+job+`"],"project_switch":true,"permissions":[{"role_id":5,"is_delete":true},{"role_id":9,"role_name":"guest","is_view":true}]}`)
	assert.Equal(t, 200, all.status, all.body)
	assert.Equal(t, []any{true, false, true}, []any{right("viewer", "is_delete"), right("viewer", "is_view"), right("guest", "is_view")})
	assert.Equal(t, true, c.get("/v1/job/list").value(t, "result.job_list.0.project_permission_switch"))
	assert.Equal(t, 422, c.call("POST", "/v1/job/permissions/batch", `{"job_ids":["x"]}`).status)

	c.call("POST", "/v1/job/project/permission", `{"job_id":"`+job+`","project_switch":false}`)
	assert.Equal(t, false, c.get("/v1/job/"+job+"/info").value(t, "result.project_permission_switch"))
	own := c.get("/v1/job/permission?project_id=" + codeProjectID + "&job_id=" + job)
	assert.Equal(t, true, own.value(t, "result.is_manager"))
}

func TestNotices(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	enabled := func() map[string]any {
		notices := c.get("/v1/job/" + job + "/notice")
		assert.JSONEq(t, notices.result(t), c.get("/v3/jobs/notice/"+job+"/query").result(t))
		return notices.value(t, "result.1.enable_map").(map[string]any) // of MAIL
	}
	assert.Equal(t, true, enabled()["deleteJob"])
	got := c.call("PUT", "/v1/job/"+job+"/notice", `{"notice_type":"MAIL","enabled_event_type_names":["forbiddenJob"],"param_config":"p"}`)
	assert.Equal(t, 200, got.status, got.body)
	assert.Equal(t, false, enabled()["deleteJob"])
	assert.Equal(t, true, enabled()["forbiddenJob"])
	assert.Equal(t, "p", c.get("/v1/job/"+job+"/notice").value(t, "result.1.param_config"))
	old := c.call("POST", "/v3/jobs/notice/"+job+"/update", `{"notice_type":"MAIL","enabled_event_type_names":["deleteJob"]}`)
	assert.Equal(t, job, old.value(t, "result.job_id"))
	assert.Equal(t, false, enabled()["forbiddenJob"])
	assert.Equal(t, 200, c.call("POST", "/v3/jobs/notice/"+job+"/disable?notice_type=MAIL", "").status)
	assert.Equal(t, false, enabled()["deleteJob"])

	for _, body := range []string{`{"notice_type":"FAX","enabled_event_type_names":[]}`, `{"notice_type":"MAIL","enabled_event_type_names":["x"]}`} {
		assert.Equal(t, 400, c.call("PUT", "/v1/job/"+job+"/notice", body).status, body)
	}
}
