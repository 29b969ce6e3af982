package codeartsbuildtest

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documentedOperations reads names and states of all operations, past the generator.
func documentedOperations(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "operations.json"))
	require.NoError(t, err)
	var document struct {
		Operations []struct{ Operation, Status string }
	}
	require.NoError(t, json.Unmarshal(data, &document))
	states := map[string]string{}
	for _, op := range document.Operations {
		states[op.Operation] = op.Status
	}
	return states
}

func TestEveryDocumentedOperationIsServed(t *testing.T) {
	t.Parallel()
	states := documentedOperations(t)
	current := 0
	for _, op := range documented {
		assert.Equal(t, states[op.name] == "current", op.current, op.name)
		if op.current {
			current++
		}
		delete(states, op.name)
	}
	assert.Empty(t, states, "operations that are not served")
	assert.Equal(t, 113, current)
}

func TestHandlersAreOfDocumentedOperations(t *testing.T) {
	t.Parallel()
	for name := range handlers {
		assert.True(t, slices.ContainsFunc(documented, func(op operation) bool { return op.name == name }), name)
	}
}

func TestDisputesAreOfDocumentedOperations(t *testing.T) {
	t.Parallel()
	for _, d := range disputes {
		assert.True(t, slices.ContainsFunc(documented, func(op operation) bool { return op.name == d.operation }), d.operation)
		assert.NotEmpty(t, d.reason, d.operation)
	}
	for _, name := range configurations {
		assert.True(t, slices.ContainsFunc(documented, func(op operation) bool { return op.name == name && op.body != "" }), name)
	}
}

func TestPatternsCompile(t *testing.T) {
	t.Parallel()
	for _, op := range documented {
		for _, p := range op.params {
			_, err := regexp.Compile(p.pattern)
			assert.NoError(t, err, op.name)
		}
	}
	assert.NotEmpty(t, documentedExamples())
}

// A path with placeholders filled in leads to its own operation, though other paths look like it.
func TestRoutesAreUnambiguous(t *testing.T) {
	t.Parallel()
	for _, op := range documented {
		path := strings.NewReplacer("{", "", "}", "").Replace(op.path)
		found, values := findRoute(op.method, path)
		require.NotNil(t, found, op.path)
		assert.Equal(t, op.name, found.name, op.path)
		assert.Len(t, values, strings.Count(op.path, "{"))
		for name, value := range values {
			assert.Equal(t, name, value)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/v1/job/abc/info":       "abc",
		"/v1/job/a%2Fb/info":     "a/b",
		"/v1/job/%61%62c/info":   "abc",
		"/v1/job//info":          "",
		"/v1/job/abc/info/":      "",
		"/v1/job/a/b/info":       "",
		"/v1/job/%zz/info":       "",
		"//v1/job/abc/info":      "",
		"/v1/job/abc/info%2F":    "",
		"/v1/job/{job_id}/info":  "{job_id}",
		"/v1/job/..%2Fabc/info":  "../abc",
		"/v1/job/日志/info":        "日志",
		"/v1/job/%E6%97%A5/info": "日",
	} {
		op, values := findRoute("GET", path)
		assert.Equal(t, want != "", op != nil, path)
		assert.Equal(t, want, values["job_id"], path)
	}
}

// sampleValues are parameters that need a value of their own; the rest follows from the document.
func sampleValues(j *job) map[string]string {
	b := j.builds[0]
	return map[string]string{
		"job_id": j.id, "build_no": "1", "build_number": "1", "project_id": codeProjectID,
		"record_id": b.recordID, "build_flow_record_id": b.recordID, "build_project_id": j.buildProjectID,
		"domain_id": accountID, "repository_name": repositoryName,
	}
}

// sample is a request of an operation that names all required parameters, and its body.
func sample(t testing.TB, op *operation, values map[string]string) (target, body string) {
	t.Helper()
	path, query := op.path, url.Values{}
	for _, p := range op.params {
		switch {
		case p.in == "path":
			path = strings.ReplaceAll(path, "{"+p.name+"}", url.PathEscape(p.sample(values)))
		case p.required:
			query.Set(p.name, p.sample(values))
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	if op.body != "" {
		data, err := json.Marshal(sampleOf(op.body, values))
		require.NoError(t, err)
		body = string(data)
	}
	return path, body
}

func (p *param) sample(values map[string]string) string {
	switch value, ok := values[p.name]; {
	case ok:
		return value
	case p.oneOf != nil:
		return p.oneOf[0]
	case p.layout != "":
		return time.Now().In(serviceZone).Format(p.layout)
	case p.typ == "bool":
		return "true"
	case p.typ == "int32":
		return strconv.Itoa(max(p.least, min(p.most, 1)))
	}
	return "1"
}

// sampleOf is a body in which every member is given.
func sampleOf(typ string, values map[string]string) any {
	if element, ok := elementType(typ); ok {
		return []any{sampleOf(element, values)}
	}
	if value, ok := valueType(typ); ok {
		return map[string]any{"a": sampleOf(value, values)}
	}
	switch typ {
	case "bool":
		return true
	case "int32", "int64", "double", "float":
		return 1
	}
	fields, known := documentedTypes[typ]
	if !known {
		return "1"
	}
	object := map[string]any{}
	for _, f := range fields {
		object[f.name] = sampleOf(f.typ, values)
		if f.oneOf != nil {
			object[f.name] = f.oneOf[0]
		}
		if value, ok := values[f.name]; ok && f.typ == "string" {
			object[f.name] = value
		}
	}
	return object
}

func TestOperationsWithoutAHandlerHaveTheirExample(t *testing.T) {
	t.Parallel()
	_, c, j := filled(t)
	for i := range documented {
		op := &documented[i]
		if handlers[op.name] != nil {
			continue
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			target, body := sample(t, op, sampleValues(j))
			got := c.call(op.method, target, body)
			require.Equal(t, 200, got.status, got.body)
			if want, ok := documentedExamples()[op.name]; ok {
				assert.JSONEq(t, string(want), got.body)
				return
			}
			assert.Equal(t, "success", got.value(t, "status"))
			assert.Contains(t, got.body, `"result":`)
		})
	}
}

func TestZeroValues(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]string{
		"string":                  `""`,
		"bool":                    `false`,
		"int64":                   `0`,
		"string[]":                `[""]`,
		"map<string,string>":      `{}`,
		"any":                     `null`,
		"ParameterItem[]":         `[{"name":"","value":""}]`,
		"CountdownListTips":       `{"summary":{"next_action":0,"next_action_remain_day":0,"next_action_url":"","status":0}}`,
		"a type nobody has":       `null`,
		"a type nobody has[]":     `[]`,
		"CreateBuildTimeout":      `{"limit":"","unit":""}`,
		"JobRolePermission[][][]": string(encode([]any{[]any{[]any{zeroOf("JobRolePermission", nil)}}})),
	} {
		assert.JSONEq(t, want, string(encode(zeroOf(typ, nil))), typ)
	}
}
