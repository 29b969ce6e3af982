package codeartsbuild

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The arguments of a body are written without an encoder.
func TestArgumentBody(t *testing.T) {
	t.Parallel()
	job, build := strings.Repeat("aZ09", 8), "2147483647"
	body := argumentBody(opStopJob.args, []string{job, build})
	require.Equal(t, `{"job_id":"`+job+`","build_no":"2147483647"}`, string(body))
	require.Equal(t, len(body), cap(body), "the size is known before")
	require.Equal(t, `{"job_id":"1"}`, string(argumentBody([]string{"job_id"}, []string{"1"})))
}

// Every character that a rule accepts stands for itself in a path and in JSON.
func TestRulesAcceptOnlyPlainCharacters(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"job_id", "project_id", "keystore_id", "id", "record_id", "build_flow_record_id", "build_project_id", "uuid", "endpoint_id", "permission_id"} {
		rule, ok := ruleOf(name)
		require.True(t, ok, name)
		accepted := 0
		for c := range 256 {
			value := strings.Repeat("a", rule.least-1) + string([]byte{byte(c)})
			if checkArgument(name, value) != nil {
				continue
			}
			accepted++
			quoted, err := json.Marshal(value)
			require.NoError(t, err)
			require.Equal(t, `"`+value+`"`, string(quoted), name)
			require.Equal(t, value, url.PathEscape(value), name)
		}
		require.Equal(t, 62+len(rule.also), accepted, name)
	}
}

// A rejected id is told what an id of its kind looks like.
func TestRejectedIDNamesItsRule(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]string{
		"job_id":    "32 letters and digits",
		"record_id": "36 letters, digits and dashes",
		"uuid":      "at most 64 letters, digits and dashes",
	} {
		require.EqualError(t, checkArgument(name, "!"), "codeartsbuild: "+name+" must be an id of "+rule+`, got "!"`)
	}
}

// B128: a method with too few or too many arguments for its operation fails before anything is sent.
func TestTargetCountsItsArguments(t *testing.T) {
	t.Parallel()
	client, err := NewClient(WithEndpoint("https://example.com"), WithTokenSource(StaticToken("t")))
	require.NoError(t, err)
	id := strings.Repeat("a", 32)
	for name, tt := range map[string]struct {
		op   *operation
		args []string
		want string // the URL; "": an error
	}{
		"of the path":     {&operation{path: "/v1/{job_id}/x"}, []string{id}, "https://example.com/v1/" + id + "/x"},
		"of the body":     {&operation{path: "/v1/x", args: []string{"job_id"}}, []string{id}, "https://example.com/v1/x"},
		"of both":         {&operation{path: "/v1/{job_id}/x", args: []string{"build_no"}}, []string{id, "5"}, "https://example.com/v1/" + id + "/x"},
		"one too few":     {&operation{path: "/v1/{job_id}/{build_no}"}, []string{id}, ""},
		"none for a body": {&operation{path: "/v1/x", args: []string{"job_id"}}, nil, ""},
		"one too many":    {&operation{path: "/v1/{job_id}"}, []string{id, "5"}, ""},
	} {
		c := &call{op: tt.op}
		err := c.target(client, tt.args)
		if tt.want == "" {
			require.ErrorIs(t, err, ErrInvalidArgument, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, tt.want, c.url.String(), name)
	}
}

// A ring is a value that writes itself, and holds itself.
type ring struct {
	Next any
	Text string
}

func (r ring) MarshalJSON() ([]byte, error) { return []byte(`"\ufffd"`), nil }

// These are rings of one kind of value each.
type (
	structRing struct{ Next *structRing }
	sliceRing  []sliceRing
	mapRing    map[string]mapRing
)

func (*structRing) MarshalJSON() ([]byte, error) { return []byte(`"\ufffd"`), nil }
func (sliceRing) MarshalJSON() ([]byte, error)   { return []byte(`"\ufffd"`), nil }
func (mapRing) MarshalJSON() ([]byte, error)     { return []byte(`"\ufffd"`), nil }

// Only a text that is not UTF-8 is rejected, wherever it stands in a value. A value that writes itself may be a ring.
func TestNotUTF8(t *testing.T) {
	t.Parallel()
	const wrong = "caf\xe9"
	ringOf := func(link func(*ring) any) *ring {
		r := new(ring)
		r.Next = link(r)
		return r
	}
	rings := map[string]any{
		"pointer": ringOf(func(r *ring) any { return r }),
		"slice":   ringOf(func(r *ring) any { return []*ring{r} }),
		"array":   ringOf(func(r *ring) any { return [1]*ring{r} }),
		"key":     ringOf(func(r *ring) any { return map[*ring]bool{r: true} }),
		"value":   ringOf(func(r *ring) any { return map[string]*ring{"a": r} }),
	}
	ofStructs, ofSlices, ofMaps := &structRing{}, make(sliceRing, 1), mapRing{}
	ofStructs.Next, ofSlices[0], ofMaps["a"] = ofStructs, ofSlices, ofMaps
	rings["structs"], rings["slices"], rings["maps"] = ofStructs, ofSlices, ofMaps
	for name, value := range rings {
		_, err := encodeJSON(value)
		require.NoError(t, err, name)
	}
	for name, value := range map[string]any{
		"text": wrong, "pointer": &[]string{wrong}[0], "slice": []string{"a", wrong}, "array": [2]string{"a", wrong},
		"struct": struct{ A, B string }{"a", wrong}, "key": map[string]int{wrong: 1}, "value": map[string]string{"a": wrong},
		"any": []any{1, nil, wrong}, "deep": map[string]any{"a": []any{struct{ B *[]string }{&[]string{wrong}}}},
	} {
		_, err := encodeJSON(value)
		require.EqualError(t, err, `codeartsbuild: a text must be UTF-8, got "caf\xe9"`, name)
	}
	for name, value := range map[string]any{
		"its own form":   json.RawMessage(`"\ufffd"`),
		"in a struct":    struct{ A json.RawMessage }{json.RawMessage(`"\ufffd"`)},
		"between others": []any{"a", struct{ A, B any }{json.RawMessage(`"\ufffd"`), map[string]any{"c": nil}}},
	} {
		_, err := encodeJSON(value)
		require.NoError(t, err, name)
	}
}
