package codeartsbuild

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

const stopProgram = `package main

import (
	"context"
	"os"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func main() {
	client, err := codeartsbuild.NewClient(codeartsbuild.WithRegion("cn-north-4"), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("t")))
	if err == nil {
		_, err = client.Jobs.Stop(context.Background(), os.Args[1], os.Args[2])
	}
	if err != nil {
		os.Exit(1)
	}
}
`

// No table reaches every operation or type, so that a program links only those of the calls that it makes.
func TestProgramLinksOnlyItsOperations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "stop")
	require.NoError(t, os.WriteFile(source, []byte(stopProgram), 0o644))
	out, err := exec.Command("go", "build", "-o", program, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command("go", "tool", "nm", program).Output()
	require.NoError(t, err)
	linked := regexp.MustCompile(`codeartsbuild\.(op[A-Z]\w+)|codeartsbuild\.\(\*(\w+Service)\)`).FindAllString(string(out), -1)
	slices.Sort(linked)
	require.Equal(t, []string{"codeartsbuild.(*JobsService)", "codeartsbuild.opStopJob", "codeartsbuild.opStopTheJob"}, slices.Compact(linked))
}
