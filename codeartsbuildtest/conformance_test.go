package codeartsbuildtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A document is what operations.json has of responses, read past the generator.
type document struct {
	Operations []struct {
		Operation, Response string
	}
	Types map[string][]struct {
		JSON, Type string
	}
}

func readDocument(t *testing.T) (d document) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "operations.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &d))
	return d
}

// compare lists how a value differs from its documented type and from the documented example of it. Null fits all.
func (d *document) compare(v any, typ string, example any, place string) (problems []string) {
	if v == nil {
		return nil
	}
	if element, ok := elementType(typ); ok {
		list, ok := v.([]any)
		if !ok {
			return []string{place + " is no list"}
		}
		examples, _ := example.([]any)
		for i, item := range list {
			var like any
			if len(examples) > 0 {
				like = examples[0]
			}
			problems = append(problems, d.compare(item, element, like, fmt.Sprintf("%s[%d]", place, i))...)
		}
		return problems
	}
	object, isObject := v.(map[string]any)
	examples, _ := example.(map[string]any)
	if value, ok := valueType(typ); ok {
		for name, member := range object {
			problems = append(problems, d.compare(member, value, examples[name], join(place, name))...)
		}
		return problems
	}
	if fields, ok := d.Types[typ]; ok {
		if !isObject {
			return []string{place + " is no object"}
		}
		known := map[string]string{}
		for _, f := range fields {
			known[f.JSON] = f.Type
		}
		for name, member := range object {
			kind, ok := known[name]
			if _, shown := examples[name]; !ok && !shown {
				problems = append(problems, join(place, name)+" is not documented")
				continue
			}
			problems = append(problems, d.compare(member, cmp.Or(kind, "any"), examples[name], join(place, name))...)
		}
		for name := range examples {
			if _, ok := object[name]; !ok {
				problems = append(problems, join(place, name)+" of the example is missing")
			}
		}
		return problems
	}
	if typ != "any" && kind(v) != typeKind(typ) && kind(v) != kind(example) {
		problems = append(problems, fmt.Sprintf("%s is a %s, and the type is %s", place, kind(v), typ))
	}
	return problems
}

func kind(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "bool"
	case float64:
		return "number"
	case nil:
		return "null"
	}
	return "object or list"
}

func typeKind(typ string) string {
	switch typ {
	case "int32", "int64", "float", "double":
		return "number"
	}
	return typ
}

// exceptions are differences from the document that have a reason.
var exceptions = map[string][]string{
	"ExecuteJob":          {"error is not documented", "result is not documented", "status is not documented"}, // public clients read result
	"ListProjectJobs":     {"error is not documented", "result is not documented", "status is not documented"}, // the newest page and the live service
	"ShowJobStepStatus":   {"result.workflow is not documented"},                                               // newer pages
	"ShowLogAnalysis":     {"result.job_name is not documented"},                                               // live
	"ShowJobPipelineInfo": limitsOfParameters(8),                                                               // the configuration has them
}

func limitsOfParameters(count int) (problems []string) {
	for i := range count {
		problems = append(problems, fmt.Sprintf("result.parameters[0].params[%d].limits is not documented", i))
	}
	return problems
}

// Every operation succeeds, and its response has the documented form.
func TestResponsesOfAllOperations(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	responses := map[string]string{}
	for _, op := range d.Operations {
		responses[op.Operation] = op.Response
	}
	for i := range documented {
		op := &documented[i]
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			got := newScene(t).succeed(op)
			if got.header.Get("Content-Type") == octetStream || op.name == "ShowAvailableInnerSpec" {
				return
			}
			assert.Equal(t, "application/json;charset=UTF-8", got.header.Get("Content-Type"))
			var body, like any
			require.NoError(t, json.Unmarshal([]byte(got.body), &body), got.body)
			if raw, ok := documentedExamples()[op.name]; ok {
				require.NoError(t, json.Unmarshal(raw, &like))
			}
			problems := d.compare(body, responses[op.name], like, "")
			slices.Sort(problems)
			assert.Equal(t, exceptions[op.name], problems, got.body)
		})
	}
}

// The example of ShowBuildInfoRecord has its number as a text, and the type has a number, as the example of the list.
func TestHistoryEntryIsThatOfTheList(t *testing.T) {
	t.Parallel()
	_, c, j := filled(t)
	entry := c.get("/v1/record/"+j.id+"/1/build-info-record").value(t, "result")
	assert.Equal(t, c.get("/v1/record/"+j.id+"/list"+window()).value(t, "result.job_build_states.1"), entry)
}
