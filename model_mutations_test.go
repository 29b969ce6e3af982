package codeartsbuild_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var modelMutations = flag.Bool("model.mutations", false, "let TestModelFindsMutations compile and run the model once for each fault in the sources")

// A mutation is a fault in the sources of the client.
type mutation struct{ file, right, wrong string }

var mutations = map[string]mutation{
	"one quiet read ends a log":                 {"logs_follow.go", "quietReads = 2", "quietReads = 1"},
	"a build goes back to an earlier phase":     {"builds_wait.go", "now != phaseUnknown && now < w.phase", "now != phaseUnknown && now < 0"},
	"a run is retried like a stop":              {"jobs_run.go", `path: "/v1/job/execute", args: []string{"job_id"}}`, `path: "/v1/job/execute", args: []string{"job_id"}, effect: repeatable}`},
	"a lost response leaves nothing open":       {"classify.go", "unknown := !notSent && !a.noCred && a.cut == nil && c.effect != readOnly", "unknown := false"},
	"a gateway timeout leaves nothing open":     {"codes.go", "http.StatusGatewayTimeout:      {kinds: []error{ErrInternalServerError}, retry: retryRepeatable, unknown: true}", "http.StatusGatewayTimeout: {kinds: []error{ErrInternalServerError}, retry: retryAlways}"},
	"a wait has no limit":                       {"builds_wait.go", "= options.Timeout, cmp.Or", "= 0*options.Timeout, cmp.Or"},
	"a wait does not read at its limit":         {"builds_wait.go", "case <-timer.C:\n\t\treturn snapshot{}, nil", "case <-timer.C:\n\t\treturn snapshot{}, w.expired()"},
	"a list is trusted for hours":               {"builds_wait.go", "recordAge = 45 * time.Second", "recordAge = 45 * time.Hour"},
	"the limit of a wait stops the build":       {"builds_wait.go", "&& ctx.Err() != nil && errors.Is(err, ctx.Err()) {\n\t\terr = s.stopCancelled", "{\n\t\terr = s.stopCancelled"},
	"a key is used after its end":               {"cache.go", "if c.ends.IsZero() || left <= 0 {", "if true || left <= 0 {"},
	"a revoked key is kept":                     {"cache.go", "if c.held.usable() && matches(c.held) {", "if false && matches(c.held) {"},
	"the other API for stops is not tried":      {"jobs.go", "if s.client.stopAPI == StopAPIAuto && retired(err) {", "if false && retired(err) {"},
	"a stop is sent though its reason has gone": {"builds_stop_planned.go", "if outcome.Skipped = !stands; stands {", "if outcome.Skipped = !stands; true {"},
	"a finished build is stopped all the same":  {"builds_stop_planned.go", "if now.Finished() {\n\t\toutcome.AlreadyFinished = true", "if now.Finished() {\n\t\toutcome.Stopped = true"},
	"a plan spares no protected branch":         {"builds_plan.go", "case matchesAny(g.protect, b.Branch):", "case false && matchesAny(g.protect, b.Branch):"},
}

// B150: the model finds faults in the sources within 1,000 seeds. Without its flag the test only compares the sources
// with the table.
func TestModelFindsMutations(t *testing.T) {
	t.Parallel()
	for name, m := range mutations {
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(m.file)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(source), m.right), "%s must have the text once: %s", m.file, m.right)
			if !*modelMutations {
				return
			}
			out, err := modelWith(t, m.file, strings.Replace(string(source), m.right, m.wrong, 1))
			require.Error(t, err, "1,000 seeds did not find it: %s", out)
			require.Contains(t, string(out), "-model.seed=", "%s", out)
			t.Logf("%.400s", out)
		})
	}
}

// modelWith runs the model with another text of a source file.
func modelWith(t *testing.T, file, text string) ([]byte, error) {
	t.Helper()
	right, err := filepath.Abs(file)
	require.NoError(t, err)
	wrong, overlay := filepath.Join(t.TempDir(), "wrong.go"), filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(wrong, []byte(text), 0o600))
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {right: wrong}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, replace, 0o600))
	return exec.CommandContext(t.Context(), "go", "test", "-overlay="+overlay, "-vet=off", "-run=^TestModel$", "-model.seeds=1000", ".").CombinedOutput()
}
