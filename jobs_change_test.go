package codeartsbuild_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// oddConfig has what a client can lose: null, "", false and absent members, numbers in place of texts, and members
// that no client knows.
const oddConfig = `{"job_name":"nightly","project_id":"p","description":"","group_id":null,"flavor":2,"auto_update_sub_module":false,"build_if_code_updated":false,"big":9007199254740993,
"timeout":null,"resource_limit":{},"triggers":[],"new":{"a":[null,{"b":1e400}]},
"scms":[{"url":"u","scm_type":"codehub","depth":1,"end_point_id":null,"source":null,"enable_git_lfs":false,"ssh":{"x":false}}],
"parameters":[{"name":"k","params":[{"limits":null,"name":"name","value":"codeBranch"},{"limits":[],"name":"defaultValue","value":"master"},{"name":"type"}],"hidden":0}],
"steps":[{"module_id":"m1","name":"one","properties":{"a":null,"b":"<&>"},"version":null,"image":"jdk17"},{"module_id":"m2","name":"two","properties":null,"enable":null,"env":[]},
{"module_id":"m3","name":"three","enable":true,"version":""}]}`

func newStep(module, name string) codeartsbuild.JobStep {
	return codeartsbuild.JobStep{ModuleID: module, Name: name}
}

// B126
func TestChangeKeepsWhatItDoesNotEdit(t *testing.T) {
	t.Parallel()
	disabled, enabled := false, true
	tests := map[string]struct {
		edit func(*codeartsbuild.JobConfig)
		want map[string]string // by a piece of oddConfig, what stands in its place; nil: nothing is written
	}{
		"nothing": {func(*codeartsbuild.JobConfig) {}, nil},
		"a change and back": {func(c *codeartsbuild.JobConfig) {
			c.Name, c.Steps[0].Name = "weekly", "null"
			c.Name, c.Steps[0].Name = "nightly", "one"
		}, nil},
		"a zero value where nothing is": {func(c *codeartsbuild.JobConfig) { c.AgencyURN, c.GroupID = "", "" }, nil},
		"a text": {func(c *codeartsbuild.JobConfig) { c.Name = "weekly" },
			map[string]string{`"job_name":"nightly"`: `"job_name":"weekly"`}},
		"an empty text": {func(c *codeartsbuild.JobConfig) { c.Description = "d" },
			map[string]string{`"description":""`: `"description":"d"`}},
		"a null": {func(c *codeartsbuild.JobConfig) { c.GroupID = "g" },
			map[string]string{`"group_id":null`: `"group_id":"g"`}},
		"an absent text": {func(c *codeartsbuild.JobConfig) { c.AgencyURN = "urn" },
			map[string]string{`"triggers"`: `"agency_urn":"urn","triggers"`}},
		"a text cleared": {func(c *codeartsbuild.JobConfig) { c.Flavor = "" },
			map[string]string{`"flavor":2,`: ``}},
		"a switch": {func(c *codeartsbuild.JobConfig) { c.AutoUpdateSubmodules, c.BuildOnPush = true, &enabled },
			map[string]string{`"auto_update_sub_module":false,"build_if_code_updated":false`: `"auto_update_sub_module":"true","build_if_code_updated":true`}},
		"a step switched off": {func(c *codeartsbuild.JobConfig) { c.Steps[0].Enable, c.Steps[2].Enable = &disabled, &disabled },
			map[string]string{`"name":"one",`: `"name":"one","enable":false,`, `"name":"three","enable":true`: `"name":"three","enable":false`}},
		"an absent switch": {func(c *codeartsbuild.JobConfig) { c.Sources[0].AutoBuild = true },
			map[string]string{`"depth":1,`: `"is_auto_build":true,"depth":1,`}},
		"an object that was null": {func(c *codeartsbuild.JobConfig) { c.Timeout.Limit = "240" },
			map[string]string{`"timeout":null`: `"timeout":{"limit":"240"}`}},
		"an object that was empty": {func(c *codeartsbuild.JobConfig) { c.ResourceLimit.CPU = "2" },
			map[string]string{`"resource_limit":{}`: `"resource_limit":{"cpu":"2"}`}},
		"a list that was empty": {func(c *codeartsbuild.JobConfig) { c.Triggers = append(c.Triggers, codeartsbuild.JobTrigger{Kind: "t"}) },
			map[string]string{`"triggers":[]`: `"triggers":[{"name":"t","parameters":null}]`}},
		"a setting": {func(c *codeartsbuild.JobConfig) { c.Parameters[0].Settings[1].Value = "main" },
			map[string]string{`"value":"master"`: `"value":"main"`}},
		"a setting that was absent": {func(c *codeartsbuild.JobConfig) { c.Parameters[0].Settings[2].Value = "t" },
			map[string]string{`{"name":"type"}`: `{"name":"type","value":"t"}`}},
		"a property": {func(c *codeartsbuild.JobConfig) { c.Steps[0].Properties["a"] = json.RawMessage(`[1]`) },
			map[string]string{`"a":null,"b"`: `"a":[1],"b"`}},
		"a property that goes": {func(c *codeartsbuild.JobConfig) { delete(c.Steps[0].Properties, "a") },
			map[string]string{`"a":null,"b"`: `"b"`}},
		"properties where there were none": {func(c *codeartsbuild.JobConfig) {
			c.Steps[1].Properties = map[string]json.RawMessage{"a": json.RawMessage("0")}
		}, map[string]string{`"properties":null`: `"properties":{"a":0}`}},
		"an unknown member": {func(c *codeartsbuild.JobConfig) { c.Steps[0].Extra["image"] = json.RawMessage(`"jdk21"`) },
			map[string]string{`"jdk17"`: `"jdk21"`}},
		"a part of an unknown member": {func(c *codeartsbuild.JobConfig) { c.Extra["new"] = json.RawMessage(`{"a":[null,{"b":2}]}`) },
			map[string]string{`{"b":1e400}`: `{"b":2}`}},
		"an unknown member that goes": {func(c *codeartsbuild.JobConfig) { delete(c.Sources[0].Extra, "ssh") },
			map[string]string{`,"ssh":{"x":false}`: ``}},
		"a step in front": {func(c *codeartsbuild.JobConfig) { c.Steps = slices.Insert(c.Steps, 0, newStep("m0", "zero")) },
			map[string]string{`"steps":[`: `"steps":[{"module_id":"m0","name":"zero"},`}},
		"a step in front, and another edited": {func(c *codeartsbuild.JobConfig) {
			c.Steps[0].Name = "two"
			c.Steps = slices.Insert(c.Steps, 0, newStep("m0", "one"))
		}, map[string]string{`"steps":[`: `"steps":[{"module_id":"m0","name":"one"},`, `"module_id":"m1","name":"one"`: `"module_id":"m1","name":"two"`}},
		"a step less, and another edited": {func(c *codeartsbuild.JobConfig) {
			c.Steps = slices.Delete(c.Steps, 0, 1)
			c.Steps[0].Name = "2"
		}, map[string]string{`{"module_id":"m1","name":"one","properties":{"a":null,"b":"<&>"},"version":null,"image":"jdk17"},`: ``, `"two"`: `"2"`}},
		"steps in another order": {func(c *codeartsbuild.JobConfig) {
			c.Steps[0], c.Steps[1] = c.Steps[1], c.Steps[0]
			c.Steps[1].Name = "last but one"
		}, map[string]string{
			`{"module_id":"m1","name":"one","properties":{"a":null,"b":"<&>"},"version":null,"image":"jdk17"},`: ``,
			`"env":[]},`: `"env":[]},{"module_id":"m1","name":"last but one","properties":{"a":null,"b":"<&>"},"version":null,"image":"jdk17"},`,
		}},
		"a step in place of another": {func(c *codeartsbuild.JobConfig) { c.Steps[0] = newStep("m9", "nine") },
			map[string]string{`{"module_id":"m1","name":"one","properties":{"a":null,"b":"<&>"},"version":null,"image":"jdk17"}`: `{"module_id":"m9","name":"nine","version":null}`}},
		"no step": {func(c *codeartsbuild.JobConfig) { c.Steps = nil },
			map[string]string{oddConfig[strings.Index(oddConfig, `"steps"`):]: `"steps":[]}`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, writes := oddConfig, 0
			for old, piece := range tt.want {
				require.Equal(t, 1, strings.Count(oddConfig, old), "%s", old)
				want, writes = strings.Replace(want, old, piece, 1), 1
			}
			kept := &keptConfig{json.RawMessage(oddConfig)}
			recorder := httpfake.Record(kept)
			got, err := sdktest.Client(t, recorder).Jobs.Change(t.Context(), jobID, func(c *codeartsbuild.JobConfig) error {
				tt.edit(c)
				return nil
			})
			require.NoError(t, err)
			requireSameJSON(t, want, string(kept.config))
			require.Equal(t, 1+2*writes, recorder.Count(), "a second reading and an update")
			edited := jobConfig(t, oddConfig)
			tt.edit(edited)
			require.Equal(t, edited, got)
		})
	}
}

func TestChangeIsOneUpdate(t *testing.T) {
	t.Parallel()
	const config, changed = `{"job_id":"another","job_name":"nightly","steps":[]}`, `{"job_id":"` + jobID + `","job_name":"nightly","steps":[],"flavor":"4u8g"}`
	reply := httpfake.Reply(200, `{"result":`+config+`}`)
	transport := httpfake.Script(reply, reply, httpfake.Reply(200, documentedJSON(t, "UpdateNewJob.response")))
	_, err := sdktest.Client(t, transport).Jobs.Change(t.Context(), jobID, func(c *codeartsbuild.JobConfig) error {
		c.Flavor = "4u8g"
		return nil
	})
	require.NoError(t, err)
	requests := transport.Requests()
	require.Len(t, requests, 3)
	for _, r := range requests[:2] {
		require.Equal(t, configRequest, r.Method+" "+r.URL.RequestURI())
	}
	require.Equal(t, "POST /v1/job/update", requests[2].Method+" "+requests[2].URL.RequestURI())
	requireSameJSON(t, changed, requests[2].Body)
}

func TestChangeThatMeetsAnother(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		second string // the configuration at the second reading
		want   []string
	}{
		"a text":               {`{"job_name":"weekly","steps":[{"module_id":"m","x":1}]}`, []string{"ErrConflict"}},
		"an unknown member":    {`{"job_name":"nightly","steps":[{"module_id":"m","x":2}]}`, []string{"ErrConflict"}},
		"the digits of one":    {`{"job_name":"nightly","steps":[{"module_id":"m","x":1.0}]}`, []string{"ErrConflict"}},
		"a member that is new": {`{"job_name":"nightly","steps":[{"module_id":"m","x":1}],"y":null}`, []string{"ErrConflict"}},
		"a step":               {`{"job_name":"nightly","steps":[]}`, []string{"ErrConflict"}},
		"only another order":   {`{"steps":[ {"x":1,"module_id":"m"} ],"job_name":"nightly"}`, []string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(
				httpfake.Reply(200, `{"result":{"job_name":"nightly","steps":[{"module_id":"m","x":1}]}}`),
				httpfake.Reply(200, `{"result":`+tt.second+`}`),
				httpfake.Reply(200, documentedJSON(t, "UpdateNewJob.response")),
			)
			got, err := sdktest.Client(t, transport).Jobs.Change(t.Context(), jobID, func(c *codeartsbuild.JobConfig) error {
				c.Flavor = "4u8g"
				return nil
			})
			require.Equal(t, tt.want, sdktest.Kinds(err))
			if err == nil {
				require.Equal(t, 3, transport.Count())
				return
			}
			require.Nil(t, got)
			require.Equal(t, 2, transport.Count(), "nothing is written")
			require.EqualError(t, err, "codeartsbuild: UpdateNewJob: the configuration changed meanwhile; nothing was written")
		})
	}
}

func TestChangeThatFails(t *testing.T) {
	t.Parallel()
	const config = `{"result":{"job_name":"nightly","steps":[]}}`
	var (
		own      = errors.New("the step is missing")
		read     = httpfake.Reply(200, config)
		notFound = httpfake.Reply(422, `{"error_code":"DEVCB.00031006","error_msg":"the job does not exist"}`)
		edit     = func(c *codeartsbuild.JobConfig) error { c.Flavor = "4u8g"; return nil }
	)
	tests := map[string]struct {
		steps    []httpfake.Func
		change   func(*codeartsbuild.JobConfig) error
		want     []string
		requests int
	}{
		"no function":               {[]httpfake.Func{read}, nil, []string{"ErrInvalidArgument"}, 0},
		"the function's own error":  {[]httpfake.Func{read}, func(c *codeartsbuild.JobConfig) error { c.Flavor = "4u8g"; return fmt.Errorf("no: %w", own) }, []string{}, 1},
		"a job that is not there":   {[]httpfake.Func{notFound}, edit, []string{"ErrNotFound"}, 1},
		"a job that went meanwhile": {[]httpfake.Func{read, notFound}, edit, []string{"ErrNotFound"}, 2},
		"an update that is lost":    {[]httpfake.Func{read, read, httpfake.Lost}, edit, []string{"ErrOutcomeUnknown"}, 3},
		"an update that is rejected": {[]httpfake.Func{read, read, httpfake.Reply(400, `{"error_code":"CB.00060200","error_msg":"invalid parameter"}`)}, edit,
			[]string{"ErrBadRequest"}, 3},
		"a text that is not UTF-8": {[]httpfake.Func{read}, func(c *codeartsbuild.JobConfig) error { c.Flavor = "\xff"; return nil }, []string{"ErrInvalidArgument"}, 1},
		"a value that is not JSON": {[]httpfake.Func{read}, func(c *codeartsbuild.JobConfig) error {
			c.Extra = map[string]json.RawMessage{"a": json.RawMessage("{")}
			return nil
		}, []string{"ErrInvalidArgument"}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(tt.steps...)
			got, err := sdktest.Client(t, transport, sdktest.Quick).Jobs.Change(t.Context(), jobID, tt.change)
			require.Error(t, err)
			require.Nil(t, got)
			require.Equal(t, tt.want, sdktest.Kinds(err))
			require.Equal(t, tt.requests, transport.Count())
			require.Equal(t, len(tt.want) == 0, errors.Is(err, own))
		})
	}
}

// After a lost update the same Change finds out whether it is still to be made.
func TestChangeAgainAfterALostUpdate(t *testing.T) {
	t.Parallel()
	kept := &keptConfig{json.RawMessage(`{"job_name":"nightly","steps":[]}`)}
	recorder := httpfake.Record(httpfake.Func(func(req *http.Request) (*http.Response, error) {
		resp, err := kept.RoundTrip(req)
		if req.Method == http.MethodPost {
			return httpfake.Lost(req)
		}
		return resp, err
	}))
	jobs := sdktest.Client(t, recorder).Jobs
	edit := func(c *codeartsbuild.JobConfig) error { c.Flavor = "4u8g"; return nil }
	_, err := jobs.Change(t.Context(), jobID, edit)
	require.Equal(t, []string{"ErrOutcomeUnknown"}, sdktest.Kinds(err))
	require.Equal(t, 3, recorder.Count())
	config, err := jobs.Change(t.Context(), jobID, edit)
	require.NoError(t, err)
	require.Equal(t, "4u8g", config.Flavor)
	require.Equal(t, 4, recorder.Count(), "only another reading")
}

// A touch is an edit of a configuration, and the same edit of its JSON. It reports whether there is such a thing.
type touch struct {
	typed func(*codeartsbuild.JobConfig) bool
	raw   func(map[string]any)
}

// touches edit a member each and leave the order of all lists alone.
var touches = []touch{
	{
		func(c *codeartsbuild.JobConfig) bool { c.Description = "touched"; return true },
		func(c map[string]any) { c["description"] = "touched" },
	},
	{
		func(c *codeartsbuild.JobConfig) bool {
			if c.Extra == nil {
				c.Extra = make(map[string]json.RawMessage)
			}
			c.Extra["touched"] = json.RawMessage(`[0]`)
			return true
		},
		func(c map[string]any) { c["touched"] = []any{json.Number("0")} },
	},
	{
		func(c *codeartsbuild.JobConfig) bool { c.Steps = append(c.Steps, newStep("m", "touched")); return true },
		func(c map[string]any) {
			steps, _ := c["steps"].([]any)
			c["steps"] = append(steps, map[string]any{"module_id": "m", "name": "touched"})
		},
	},
	{
		func(c *codeartsbuild.JobConfig) bool {
			if len(c.Steps) == 0 {
				return false
			}
			c.Steps[len(c.Steps)-1].Name = "touched"
			return true
		},
		func(c map[string]any) { lastObject(c["steps"])["name"] = "touched" },
	},
	{
		func(c *codeartsbuild.JobConfig) bool {
			if len(c.Sources) == 0 {
				return false
			}
			source := &c.Sources[len(c.Sources)-1]
			source.AutoBuild = !source.AutoBuild
			return true
		},
		func(c map[string]any) {
			source := lastObject(c["scms"])
			source["is_auto_build"] = !isTrue(source["is_auto_build"])
		},
	},
	{
		func(c *codeartsbuild.JobConfig) bool {
			if len(c.Parameters) == 0 || len(c.Parameters[len(c.Parameters)-1].Settings) == 0 {
				return false
			}
			settings := c.Parameters[len(c.Parameters)-1].Settings
			settings[len(settings)-1].Value = "touched"
			return true
		},
		func(c map[string]any) { lastObject(lastObject(c["parameters"])["params"])["value"] = "touched" },
	},
	{
		func(c *codeartsbuild.JobConfig) bool { c.Timeout.Unit = "touched"; return true },
		func(c map[string]any) {
			if _, ok := c["timeout"].(map[string]any); !ok {
				c["timeout"] = map[string]any{}
			}
			c["timeout"].(map[string]any)["unit"] = "touched"
		},
	},
}

// isTrue reads a switch in the forms in which the service sends it.
func isTrue(value any) bool {
	text := fmt.Sprint(value)
	return text == "1" || strings.EqualFold(text, "true")
}

// lastObject returns the last element of a list; an object of its own if that is not an object.
func lastObject(list any) map[string]any {
	if elements, ok := list.([]any); ok && len(elements) > 0 {
		if object, ok := elements[len(elements)-1].(map[string]any); ok {
			return object
		}
		object := map[string]any{}
		elements[len(elements)-1] = object
		return object
	}
	return map[string]any{}
}

// requireTouched changes a configuration by a touch and requires that nothing else is different afterwards.
func requireTouched(t *testing.T, config string, touch touch) {
	t.Helper()
	kept, touched := &keptConfig{json.RawMessage(config)}, false
	recorder := httpfake.Record(kept)
	_, err := sdktest.Client(t, recorder, sdktest.Once).Jobs.Change(t.Context(), jobID, func(c *codeartsbuild.JobConfig) error {
		touched = touch.typed(c)
		return nil
	})
	if err != nil { // not a configuration
		require.ErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse)
		require.Equal(t, 1, recorder.Count())
		return
	}
	want := decodeNumbers(t, config).(map[string]any)
	if touched {
		touch.raw(want)
	}
	if recorder.Count() > 1 {
		delete(want, "job_id") // the service's own was replaced
	}
	require.Equal(t, want, decodeNumbers(t, string(kept.config)))
}

// randomConfig makes a configuration with known and unknown members at all levels, each of them in any form that a
// reader accepts.
func randomConfig(r *rand.Rand) map[string]any {
	text := func() any {
		return []any{"", nil, json.Number("7"), "text", true, json.Number("9007199254740993")}[r.Intn(6)]
	}
	toggle := func() any { return []any{true, false, nil, "false", "", json.Number("1")}[r.Intn(6)] }
	unknown := func() any {
		return []any{nil, false, "", json.Number("0"), []any{}, map[string]any{}, []any{nil, map[string]any{"x": json.Number("1e999")}}, "\u2028<&>"}[r.Intn(8)]
	}
	some := func(texts, toggles []string, more map[string]any) map[string]any {
		object := maps.Clone(more)
		if object == nil {
			object = make(map[string]any)
		}
		for _, name := range texts {
			if r.Intn(2) == 0 {
				object[name] = text()
			}
		}
		for _, name := range toggles {
			if r.Intn(2) == 0 {
				object[name] = toggle()
			}
		}
		for range r.Intn(3) {
			object[[]string{"new", "Extra", "id", "job_id2"}[r.Intn(4)]] = unknown()
		}
		return object
	}
	list := func(element func() any) any {
		if r.Intn(4) == 0 {
			return []any{nil, "", []any{}}[r.Intn(3)]
		}
		elements := []any{}
		for range 1 + r.Intn(3) {
			elements = append(elements, element())
		}
		return elements
	}
	limit := func() any { return some([]string{"disable", "display_name", "name"}, nil, nil) }
	setting := func() any { return some([]string{"name", "value"}, nil, map[string]any{"limits": list(limit)}) }
	pair := func() any { return some([]string{"name", "value"}, nil, nil) }
	return some(
		[]string{"description", "group_id", "arch", "host_type", "flavor", "build_config_type", "source_code", "agency_urn", "project_id"},
		[]string{"auto_update_sub_module", "build_if_code_updated"},
		map[string]any{
			"job_name": "nightly",
			"parameters": list(func() any {
				return some([]string{"name"}, nil, map[string]any{"params": list(setting)})
			}),
			"scms": list(func() any {
				return some([]string{"url", "web_url", "scm_type", "repo_id", "branch", "build_type", "depth", "end_point_id"}, []string{"is_auto_build", "enable_git_lfs"}, nil)
			}),
			"steps": list(func() any {
				return some([]string{"module_id", "name", "version"}, []string{"enable"}, map[string]any{"properties": []any{nil, map[string]any{"p": unknown()}}[r.Intn(2)]})
			}),
			"triggers":       list(func() any { return some([]string{"name"}, nil, map[string]any{"parameters": list(pair)}) }),
			"timeout":        []any{nil, "", some([]string{"limit", "unit"}, nil, nil)}[r.Intn(3)],
			"resource_limit": some([]string{"cpu", "memory"}, nil, nil),
		})
}

// madeConfig makes a configuration from a seed.
func madeConfig(t testing.TB, seed int64) []byte {
	t.Helper()
	config, err := json.Marshal(randomConfig(rand.New(rand.NewSource(seed))))
	require.NoError(t, err)
	return config
}

func TestChangeKeepsRandomConfigurations(t *testing.T) {
	t.Parallel()
	for seed := range int64(100) {
		config := string(madeConfig(t, seed))
		for i, touch := range touches {
			requireTouched(t, config, touch)
			require.False(t, t.Failed(), "seed %d, touch %d, %s", seed, i, config)
		}
	}
}

// Data that are not JSON become the seed of a configuration.
func FuzzChange(f *testing.F) {
	for i := range touches {
		f.Add([]byte(oddConfig), uint8(i))
		f.Add([]byte(fullConfig), uint8(i))
		f.Add([]byte(`{"job_name":"n","steps":[null,[],{}],"parameters":[{"params":[null]}],"scms":[""],"timeout":""}`), uint8(i))
		f.Add([]byte{byte(i)}, uint8(i))
	}
	f.Fuzz(func(t *testing.T, config []byte, i uint8) {
		if !json.Valid(config) {
			seed := fnv.New64()
			_, _ = seed.Write(config)
			config = madeConfig(t, int64(seed.Sum64()))
		}
		requireTouched(t, string(config), touches[int(i)%len(touches)])
	})
}
