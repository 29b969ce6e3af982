package codeartsbuildtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// formOf reduces a JSON value to its names and types. Lists are as their first element; null fits all and so
// has no form.
func formOf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		names := map[string]any{}
		for name, member := range v {
			names[name] = formOf(member)
		}
		return names
	case []any:
		if len(v) == 0 {
			return nil
		}
		return []any{formOf(v[0])}
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "bool"
	}
	return nil
}

// alike forgets the types of what is null in either form.
func alike(a, b any) (any, any) {
	x, ok := a.(map[string]any)
	y, same := b.(map[string]any)
	if list, isList := a.([]any); isList {
		if other, both := b.([]any); both {
			p, q := alike(list[0], other[0])
			return []any{p}, []any{q}
		}
	}
	if a == nil || b == nil {
		return nil, nil
	}
	if !ok || !same {
		return a, b
	}
	for name := range x {
		if _, both := y[name]; both {
			x[name], y[name] = alike(x[name], y[name])
		}
	}
	return x, y
}

func assertSameForm(t *testing.T, documented, got string) {
	t.Helper()
	var want, have any
	require.NoError(t, json.Unmarshal([]byte(documented), &want), documented)
	require.NoError(t, json.Unmarshal([]byte(got), &have), got)
	x, y := alike(formOf(want), formOf(have))
	assert.Equal(t, x, y)
}

func example(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "examples", name+".json"))
	require.NoError(t, err)
	return string(data)
}

func TestErrorBodiesAreAsDocumented(t *testing.T) {
	t.Parallel()
	_, c, j := filled(t)
	unknown := strings.Repeat("0", 32)
	stop := func(job, no string) string { return `{"job_id":"` + job + `","build_no":"` + no + `"}` }
	record := "/v1/record/00000000-0000-0000-0000-000000000000"
	tests := map[string]struct {
		request, body string
		status        int
		code, example string
	}{
		"stop of an ended build": {"POST /v3/jobs/stop", stop(j.id, "1"), 400, "", "error.string-of-json"},
		"v1 stop of an ended build": {
			"POST /v1/job/" + j.id + "/stop", `{"build_no":1}`, 400, "", "error.string-of-json",
		},
		"path stop of an ended build":  {"POST /v3/jobs/" + j.id + "/1/stop", "", 400, "", "error.string-of-json"},
		"stop of an unknown build":     {"POST /v3/jobs/stop", stop(j.id, "99"), 422, "CB.00031006", "error.documented"},
		"stop of an unknown job":       {"POST /v3/jobs/stop", stop(unknown, "1"), 422, "CB.00031006", "error.documented"},
		"v1 stop of an unknown build":  {"POST /v1/job/" + j.id + "/stop", `{"build_no":99}`, 422, "DEVCB.00031006", "error.not-found-422"},
		"stop without a number":        {"POST /v3/jobs/stop", `{"job_id":"` + j.id + `"}`, 400, "CB.00060200", "error.documented"},
		"stop of null":                 {"POST /v3/jobs/stop", `{"job_id":"` + j.id + `","build_no":null}`, 400, "CB.00060200", "error.documented"},
		"stop without a job":           {"POST /v3/jobs/stop", `{"build_no":"1"}`, 400, "CB.00060200", "error.documented"},
		"stop of the daily number":     {"POST /v3/jobs/stop", stop(j.id, "20261124.1"), 400, "CB.00060200", "error.documented"},
		"stop with a broken body":      {"POST /v3/jobs/stop", `{`, 400, "CB.00060200", "error.documented"},
		"v1 stop without a number":     {"POST /v1/job/" + j.id + "/stop", "", 400, "CB.00060200", "error.documented"},
		"v1 stop with a broken body":   {"POST /v1/job/" + j.id + "/stop", "{", 400, "CB.00060200", "error.documented"},
		"v1 stop of null":              {"POST /v1/job/" + j.id + "/stop", `{"build_no":null}`, 400, "CB.00060200", "error.documented"},
		"v1 stop of two builds":        {"POST /v1/job/" + j.id + "/stop?build_no=1", `{"build_no":2}`, 400, "CB.00060200", "error.documented"},
		"run without a body":           {"POST /v1/job/execute", "", 400, "CB.00060200", "error.documented"},
		"run without a job":            {"POST /v1/job/execute", "{}", 400, "CB.00060200", "error.documented"},
		"run of an unknown job":        {"POST /v1/job/execute", `{"job_id":"` + unknown + `"}`, 422, "DEVCB.00031006", "error.documented"},
		"old run of an unknown job":    {"POST /v3/jobs/build", `{"job_id":"` + unknown + `"}`, 422, "CB.00031006", "error.documented"},
		"info of an unknown job":       {"GET /v1/job/" + unknown + "/info", "", 422, "DEVCB.00031006", "error.documented"},
		"old status of an unknown job": {"GET /v3/jobs/" + unknown + "/status", "", 422, "CB.00031006", "error.documented"},
		"detail of an unknown build":   {"GET /v1/record/" + j.id + "/99/record-info", "", 422, "DEVCB.00031006", "error.documented"},
		"detail of no number":          {"GET /v1/record/" + j.id + "/x/record-info", "", 400, "CB.00060200", "error.documented"},
		"unknown record":               {"GET " + record + "/info", "", 422, "DEVCB.00031006", "error.documented"},
		"records of an unknown id":     {"GET " + record + "/records", "", 200, "DEV.CB.032000", "error.flat-in-200"},
		"records, page no number":      {"GET /v1/record/" + j.buildProjectID + "/records?page=x", "", 400, "CB.00060200", "error.documented"},
		"records, limit 0":             {"GET /v1/record/" + j.buildProjectID + "/records?limit=0", "", 400, "CB.00060200", "error.documented"},
		"records, from no time":        {"GET /v1/record/" + j.buildProjectID + "/records?from_date=x", "", 400, "CB.00060200", "error.documented"},
		"records, to no time":          {"GET /v1/record/" + j.buildProjectID + "/records?to_date=x", "", 400, "CB.00060200", "error.documented"},
		"history without a window":     {"GET /v1/record/" + j.id + "/list", "", 400, "CB.00060200", "error.documented"},
		"history without an end":       {"GET /v1/record/" + j.id + "/list?start_time=2026-01-01%2000:00:00", "", 400, "CB.00060200", "error.documented"},
		"history with a wrong start":   {"GET /v1/record/" + j.id + "/list?start_time=2026-01-01&end_time=2026-01-02", "", 400, "CB.00060200", "error.documented"},
		"history of no job":            {"GET /v1/record/" + unknown + "/list" + window(), "", 422, "DEVCB.00031006", "error.documented"},
		"history with a wrong end":     {"GET /v1/record/" + j.id + "/list?start_time=2026-01-01%2000:00:00&end_time=x", "", 400, "CB.00060200", "error.documented"},
		"history entry of no build":    {"GET /v1/record/" + j.id + "/99/build-info-record", "", 422, "DEVCB.00031006", "error.documented"},
		"status of an unknown job":     {"GET /v1/job/" + unknown + "/running-status", "", 422, "DEVCB.00031006", "error.documented"},
		"build info of no build":       {"GET /v1/job/" + j.id + "/99/build-info", "", 422, "DEVCB.00031006", "error.documented"},
		"history of 32 days": {
			"GET /v1/record/" + j.id + "/list?start_time=2026-01-01%2000:00:00&end_time=2026-02-02%2000:00:00", "", 400, "CB.00031105", "error.documented",
		},
		"history, page too large":  {"GET /v1/record/" + j.id + "/list" + window() + "&page_size=101", "", 400, "CB.00060200", "error.documented"},
		"jobs, page below 0":       {"GET /v1/job/list?page_index=-1", "", 400, "CB.00060200", "error.documented"},
		"jobs of a project, alike": {"GET /v1/job/" + codeProjectID + "/list?page_size=x", "", 400, "CB.00060200", "error.documented"},
		"log of an unknown record": {"GET /v1/log/00000000-0000-0000-0000-000000000000/download-log", "", 422, "DEVCB.00031006", "error.documented"},
		"log with a wrong offset":  {"GET /v1/log/" + j.id + "/1/real-time-log?size=1000&start_offset=-1", "", 400, "CB.00060200", "error.documented"},
		"log with a wrong end":     {"GET /v1/log/" + j.id + "/1/real-time-log?size=1000&end_offset=x", "", 400, "CB.00060200", "error.documented"},
		"log with a wrong size":    {"GET /v1/log/" + j.id + "/1/real-time-log?size=x", "", 400, "CB.00060200", "error.documented"},
		"log of no build":          {"GET /v1/log/" + j.id + "/99/real-time-log?size=1000", "", 422, "DEVCB.00031006", "error.documented"},
		"analysis of no build":     {"GET /v1/log/" + j.id + "/99/analysis", "", 422, "DEVCB.00031006", "error.documented"},
		"step without its name":    {"GET /v4/" + j.builds[0].recordID + "/task-log", "", 400, "CB.00060200", "error.documented"},
		"step of an unknown build": {"GET /v4/x/task-log?task_name=a", "", 422, "CB.00031006", "error.documented"},
		"unpublished":              {"GET /v9", "", 404, "APIGW.0101", "error.gateway-notfound-404"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method, target, _ := strings.Cut(tt.request, " ")
			got := c.call(method, target, tt.body)
			assert.Equal(t, tt.status, got.status, got.body)
			assert.Equal(t, "application/json;charset=UTF-8", got.header.Get("Content-Type"))
			assertSameForm(t, example(t, tt.example), got.body)
			if tt.code != "" {
				assert.Equal(t, tt.code, got.value(t, "error_code"))
			}
		})
	}
	t.Run("what the string of an ended build holds", func(t *testing.T) {
		t.Parallel()
		got := c.call("POST", "/v3/jobs/stop", stop(j.id, "1"))
		var inner string
		require.NoError(t, json.Unmarshal([]byte(got.body), &inner))
		assertSameForm(t, example(t, "error.nested-code-reason"), inner)
		assert.Equal(t, "DEV.CB.032302", response{body: inner}.value(t, "error.code"))
	})
}
