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
