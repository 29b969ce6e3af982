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
