package loosejson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// config is a type that is read, changed and written back.
type config struct {
	Name    string                     `json:"name" also:"title"`
	Extra   map[string]json.RawMessage `json:",unknown"`
	Enabled bool                       `json:"enabled"`
	Note    string                     `json:"note,omitzero"`
	Steps   []step                     `json:"steps"`
	ByName  map[string]*step           `json:"by_name,omitzero"`
	Source  *step                      `json:"source,omitzero"`
	Own     custom                     `json:"own,omitzero"`
	Raw     json.RawMessage            `json:"raw,omitzero"`
	stepList
}

type stepList struct {
	Last step `json:"last,omitzero"`
}

type step struct {
	ID    string                     `json:"id"`
	Extra map[string]json.RawMessage `json:",unknown"`
}

// custom writes itself. Its output stays as it is.
type custom struct {
	Extra map[string]json.RawMessage `json:",unknown"`
}

func (c custom) MarshalJSON() ([]byte, error) { return []byte(`{"Extra":{"own":true}}`), nil }

func raws(pairs ...string) map[string]json.RawMessage {
	members := make(map[string]json.RawMessage)
	for i := 0; i < len(pairs); i += 2 {
		members[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	return members
}

func TestMarshal(t *testing.T) {
	t.Parallel()
	var none *config
	tests := map[string]struct {
		in   any
		want string
	}{
		"no unknown members":            {config{Name: "a"}, `{"name":"a","enabled":false,"steps":null}`},
		"empty unknown members":         {config{Name: "a", Extra: raws()}, `{"name":"a","enabled":false,"steps":null}`},
		"unknown members, sorted, last": {config{Name: "a", Extra: raws("z", `1`, "a", `{"x": [1]}`, "m", `null`)}, `{"name":"a","enabled":false,"steps":null,"a":{"x":[1]},"m":null,"z":1}`},
		"only unknown members":          {&step{Extra: raws("é\"<", `1`)}, `{"id":"","é\"<":1}`},
		"known members win":             {config{Name: "a", Extra: raws("name", `"b"`, "enabled", `true`, "title", `"c"`, "other", `1`)}, `{"name":"a","enabled":false,"steps":null,"other":1}`},
		"unknown member Extra":          {step{Extra: raws("Extra", `{"id":"x"}`)}, `{"id":"","Extra":{"id":"x"}}`},
		"in a slice":                    {config{Steps: []step{{ID: "1", Extra: raws("x", `1`)}, {ID: "2"}, {Extra: raws("y", `[2,3]`)}}}, `{"name":"","enabled":false,"steps":[{"id":"1","x":1},{"id":"2"},{"id":"","y":[2,3]}]}`},
		"in an empty slice":             {config{Steps: []step{}}, `{"name":"","enabled":false,"steps":[]}`},
		"in a map":                      {config{ByName: map[string]*step{"b\"": {Extra: raws("x", `1`)}, "a": nil}}, `{"name":"","enabled":false,"steps":null,"by_name":{"a":null,"b\"":{"id":"","x":1}}}`},
		"behind a pointer":              {config{Source: &step{ID: "a", Extra: raws("x", `1`)}}, `{"name":"","enabled":false,"steps":null,"source":{"id":"a","x":1}}`},
		"in an embedded struct":         {config{stepList: stepList{Last: step{ID: "a", Extra: raws("x", `1`)}}}, `{"name":"","enabled":false,"steps":null,"last":{"id":"a","x":1}}`},
		"in a type that writes itself":  {config{Own: custom{Extra: raws("x", `1`)}}, `{"name":"","enabled":false,"steps":null,"own":{"Extra":{"own":true}}}`},
		"a list":                        {[]step{{Extra: raws("x", `1`)}}, `[{"id":"","x":1}]`},
		"a map":                         {map[string]step{"Extra": {Extra: raws("x", `1`)}}, `{"Extra":{"id":"","x":1}}`},
		"no HTML":                       {config{Name: "a && b > c", Raw: json.RawMessage(`{"s": "<&>\u003c\u2028 1.50", "n":1.50}`)}, `{"name":"a && b > c","enabled":false,"steps":null,"raw":{"s":"<&>\u003c\u2028 1.50","n":1.50}}`},
		"no HTML in plain types":        {map[string]string{"a": "<&>"}, `{"a":"<&>"}`},
		"nil":                           {nil, `null`},
		"nil pointer":                   {none, `null`},
		"types that do not fit":         {map[int]any{1: []byte("a")}, `{"1":"YQ=="}`},
		"embedded pointer":              {struct{ *stepList }{&stepList{Last: step{ID: "a"}}}, `{"last":{"id":"a","Extra":null}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := loosejson.Marshal(tt.in)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(got))
		})
	}
}

func TestMarshalErrors(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]any{
		"a channel":                    make(chan int),
		"an unknown member not JSON":   step{Extra: raws("x", `{`)},
		"an unknown member with comma": step{Extra: raws("x", `1,"y":2`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := loosejson.Marshal(in)
			require.Error(t, err)
			require.Nil(t, got)
		})
	}
}

// The bytes that Marshal returns are not in the buffer that the next call uses.
func TestMarshalReturnsItsOwnBytes(t *testing.T) {
	t.Parallel()
	first, err := loosejson.Marshal(map[string]string{"a": strings.Repeat("x", 100)})
	require.NoError(t, err)
	before := string(first)
	for range 10 {
		_, err = loosejson.Marshal(map[string]string{"b": strings.Repeat("y", 50)})
		require.NoError(t, err)
	}
	require.Equal(t, before, string(first))
}

// Reading, changing one member and writing back loses nothing.
func TestReadChangeWrite(t *testing.T) {
	t.Parallel()
	const before = `{"name":"a","enabled":true,"steps":[{"id":"1","properties":{"x":null,"y":1.50}}],"raw":"","flags":[],"agency":null,"limit":{"cpu":9007199254740993}}`
	var c config
	require.NoError(t, loosejson.Unmarshal([]byte(before), &c))
	c.Enabled = false
	after, err := loosejson.Marshal(&c)
	require.NoError(t, err)
	require.Equal(t, `{"name":"a","enabled":false,"steps":[{"id":"1","properties":{"x":null,"y":1.50}}],"raw":"","agency":null,"flags":[],"limit":{"cpu":9007199254740993}}`, string(after))
}
