package codeartsbuild_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// subprocessVariable is set in the processes of runAgain, to what the test has to do there.
const subprocessVariable = "CODEARTSBUILD_TEST_SUBPROCESS"

// runAgain runs the test again, in a process that has the given environment and works in an empty folder.
func runAgain(t *testing.T, env ...string) (stdout, stderr string) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	test, _, _ := strings.Cut(t.Name(), "/")
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+test+"$", "-test.count=1", "-test.timeout=60s")
	cmd.Env, cmd.Dir = append(env, "GORACE=atexit_sleep_ms=0"), t.TempDir()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	require.NoError(t, cmd.Run(), "%s%s", &out, &errOut)
	entries, err := os.ReadDir(cmd.Dir)
	require.NoError(t, err)
	require.Empty(t, entries, "the child wrote a file")
	return out.String(), errOut.String()
}
