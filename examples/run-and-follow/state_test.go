package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/programtest"
)

// The lines of a state file that belongs to the job of a test.
func stateOf(job, rest string) string { return `{"job":"` + job + `",` + rest + "}\n" }

func TestStateThatIsOfNoUseIsReportedAndLeftAlone(t *testing.T) {
	t.Parallel()
	const other = "0123456789abcdef0123456789abcdef"
	tests := map[string]struct {
		content func(job string) string
		args    []string
		stderr  string // a pattern
	}{
		"empty":             {func(string) string { return "" }, nil, "is broken"},
		"no JSON":           {func(string) string { return "build=1\x00\xff" }, nil, "is broken"},
		"cut off":           {func(job string) string { return `{"job":"` + job + `","build":"1","off` }, nil, "is broken"},
		"two of them":       {func(job string) string { return strings.Repeat(stateOf(job, `"build":"1","offset":0`), 2) }, nil, "is broken"},
		"null":              {func(string) string { return "null" }, nil, "is broken"},
		"an empty object":   {func(string) string { return "{}" }, nil, "is broken"},
		"a list":            {func(string) string { return "[]" }, nil, "is broken"},
		"no job":            {func(string) string { return `{"build":"1","offset":0}` }, nil, "is broken"},
		"no build":          {func(job string) string { return stateOf(job, `"offset":0`) }, nil, "is broken"},
		"offset of a text":  {func(job string) string { return stateOf(job, `"build":"1","offset":"0"`) }, nil, "is broken"},
		"negative offset":   {func(job string) string { return stateOf(job, `"build":"1","offset":-1`) }, nil, "is broken"},
		"negative size":     {func(job string) string { return stateOf(job, `"build":"1","offset":1,"log_size":-1`) }, nil, "is broken"},
		"number of no kind": {func(job string) string { return stateOf(job, `"build":"x","offset":0`) }, nil, "is broken"},
		"number of zero":    {func(job string) string { return stateOf(job, `"build":"0","offset":0`) }, nil, "is broken"},
		"of another job":    {func(string) string { return stateOf(other, `"build":"1","offset":0`) }, nil, "belongs to job " + other},
		"of another build":  {func(job string) string { return stateOf(job, `"build":"1","offset":0`) }, []string{"-attach", "2"}, "belongs to build 1"},
		"without its log":   {func(job string) string { return stateOf(job, `"build":"1","offset":5`) }, []string{"-log-file", "log"}, "log.partial lacks what an earlier run has printed.*\n.*-attach 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			content := tt.content(job)
			file := programtest.WriteFile(t, content)
			r := cloud.Run(t, append([]string{"-job", job, "-state", file}, tt.args...)...)
			require.Equal(t, program.Usage, r.Code, r.Stderr)
			require.Regexp(t, tt.stderr, r.Stderr)
			require.Equal(t, content, programtest.ReadFile(t, file), "byte for byte")
			left, err := os.ReadDir(filepath.Dir(file))
			require.NoError(t, err)
			require.Len(t, left, 1, "no other file is left beside it")
			require.Empty(t, cloud.Changes(), "no build is started in its place")
		})
	}
}

func TestStateOfABuildThatDoesNotExist(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	content := stateOf(job, `"build":"9999","offset":0`)
	file := programtest.WriteFile(t, content)
	r := cloud.Run(t, "-job", job, "-state", file)
	require.Equal(t, program.Failed, r.Code, r.Stderr)
	require.Regexp(t, "\nThe build is that of the state file "+file+", which was left as it is. Remove it to begin anew.\n$", r.Stderr)
	require.Equal(t, content, programtest.ReadFile(t, file))
	require.Empty(t, cloud.Changes())
}

func TestStateOfADemonstrationIsNotTakenForAnother(t *testing.T) {
	t.Parallel()
	file := programtest.WriteFile(t, stateOf("0123456789abcdef0123456789abcdef", `"build":"1","offset":0`))
	r := programtest.Run(t, nil, "-demo", "-state", file)
	require.Equal(t, program.Usage, r.Code)
	require.Contains(t, r.Stderr, "-demo starts a build of its own")
}

func TestKilledAndStartedAgainTheLogHasNoGapAndNoRepetition(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	folder := t.TempDir()
	state, file := filepath.Join(folder, "state"), filepath.Join(folder, "log")
	before, after := aLog("before", 1500), aLog("after", 1500)

	writing(cloud, job, before)
	p := cloud.Start(t, "-job", job, "-state", state, "-log-file", file)
	size := strconv.Itoa(len(before))
	want := stateOf(job, `"build":"1","offset":`+size+`,"log_size":`+size)
	programtest.Await(t, "the state is saved", func() bool { return programtest.ReadFile(t, state) == want })
	p.Signal(syscall.SIGKILL)
	killed := p.Wait()
	require.Equal(t, -1, killed.Code)
	require.NoFileExists(t, file)

	cloud.AppendLog(job, "1", after)
	cloud.Finish(job, "1", codeartsbuild.StatusFailed)
	partial, err := os.OpenFile(file+".partial", os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = partial.WriteString(after[:20]) // as if it had been killed between writing and saving
	require.NoError(t, err)
	require.NoError(t, partial.Close())

	r := cloud.Run(t, "-job", job, "-state", state, "-log-file", file)
	require.Equal(t, program.Failed, r.Code, r.Stderr)
	require.Equal(t, "BUILD job="+job+" build=1", r.Errors()[0])
	require.Equal(t, []string{"ExecuteJob"}, cloud.Changes(), "no second build was started")
	requireLog(t, before+after, killed.Stdout+r.Stdout)
	requireLog(t, before+after, programtest.ReadFile(t, file))
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 1, "the state is forgotten when the build has been followed to its end")
}

func TestStateOfTheBuildThatWasAttachedTo(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	build := cloud.StartBuild(job)
	cloud.AppendLog(job, build, "the log\n")
	state := filepath.Join(t.TempDir(), "state")
	run := func() programtest.Result {
		return cloud.Run(t, "-job", job, "-attach", build, "-from-offset", "4", "-state", state, "-timeout", "1500ms")
	}
	r := run()
	require.Equal(t, program.TimedOut, r.Code, r.Stderr)
	require.Equal(t, "log\n", r.Stdout)
	require.Equal(t, stateOf(job, `"build":"1","offset":8`), programtest.ReadFile(t, state), "it stays for the next time")
	cloud.AppendLog(job, build, "more\n")
	r = run()
	require.Equal(t, program.TimedOut, r.Code, r.Stderr)
	require.Equal(t, "more\n", r.Stdout, "the file counts for more than -from-offset")
}

func TestFromAnOffsetALogFileGoesOn(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	build := ended(cloud, job, codeartsbuild.StatusSucceeded, "the log\n")
	file := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(file+".partial", []byte("the "), 0o600))
	r := cloud.Run(t, "-job", job, "-attach", build, "-from-offset", "4", "-log-file", file)
	require.Equal(t, program.Done, r.Code, r.Stderr)
	require.Equal(t, "the log\n", programtest.ReadFile(t, file))
}

func TestFromTheStartALogFileBeginsAnew(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	build := ended(cloud, job, codeartsbuild.StatusSucceeded, "the log\n")
	file := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(file+".partial", []byte("of another build"), 0o600))
	require.NoError(t, os.WriteFile(file, []byte("of a third one"), 0o600))
	r := cloud.Run(t, "-job", job, "-attach", build, "-log-file", file)
	require.Equal(t, program.Done, r.Code, r.Stderr)
	require.Equal(t, "the log\n", programtest.ReadFile(t, file))
}
