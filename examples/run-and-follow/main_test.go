package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

func aCloud(t *testing.T) (cloud *programtest.Cloud, job string) {
	t.Helper()
	cloud = programtest.NewCloud(t)
	return cloud, cloud.AddJob("nightly")
}

// aLog is some text in which no two lines are alike and characters have one to four bytes.
func aLog(name string, lines int) string {
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "[%s] line %d: ÄÖÜ 构建 🏗 <a href=\"x\">&amp;\t\x1b[31mred\x1b[0m\r\n", name, i)
	}
	return b.String()
}

// requireLog compares without showing all of it.
func requireLog(t *testing.T, want, got string) {
	t.Helper()
	same := 0
	for same < min(len(want), len(got)) && want[same] == got[same] {
		same++
	}
	if want != got {
		require.Failf(t, "the log is another", "%d bytes, want %d, of which the first %d are right; then %.80q", len(got), len(want), same, got[same:])
	}
}

// writing makes the next build that is started begin its log at once.
func writing(cloud *programtest.Cloud, job, log string) {
	cloud.Next("ExecuteJob", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			cloud.AppendLog(job, "1", log)
		})
	})
}

// ended adds a build that has ended, with a log.
func ended(cloud *programtest.Cloud, job string, status codeartsbuild.BuildStatus, log string) (build string) {
	at := time.Now().Add(-time.Hour)
	build = cloud.AddBuild(job, codeartsbuild.Build{Status: status, StartedAt: at, FinishedAt: at.Add(372 * time.Second)})
	cloud.AppendLog(job, build, log)
	return build
}

// begin starts the program, which starts build 1, and returns once it follows it.
func begin(t *testing.T, cloud *programtest.Cloud, job string, args ...string) *programtest.Process {
	t.Helper()
	p := cloud.Start(t, append([]string{"-job", job}, args...)...)
	p.AwaitStderr("\nSTATUS ")
	return p
}

// events are the first words of the lines on stderr.
func events(r programtest.Result) string {
	var words []string
	for _, line := range r.Errors() {
		word, _, _ := strings.Cut(line, " ")
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestDemonstration(t *testing.T) {
	t.Parallel()
	r := programtest.Run(t, nil, "-demo")
	require.Equal(t, program.Done, r.Code, r.Stderr)
	require.Len(t, r.Lines(), 4)
	require.Regexp(t, `^\[\d{4}/\d\d/\d\d .*\] \[INFO\] \[build:4\] : upload: nightly\.tar\.gz$`, r.Lines()[3])
	require.Regexp(t, `^BUILD job=\w{32} build=1$`, r.Errors()[0])
	require.Regexp(t, `^RESULT build=1 status=succeeded took=\d+s$`, r.Errors()[len(r.Errors())-1])
}

func TestRunAndFollow(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	file := filepath.Join(t.TempDir(), "log")
	first, second := aLog("first", 2500), aLog("second", 100) // the first does not fit into one response
	writing(cloud, job, first)
	p := begin(t, cloud, job, "-branch", "feat/x", "-commit", "1a2b3c4d", "-param", "version=1.2=3", "-param", "empty=", "-log-file", file)
	programtest.Await(t, "the file has the first piece", func() bool { return len(programtest.ReadFile(t, file+".partial")) == len(first) })
	require.NoFileExists(t, file, "it has its name only when it is complete")
	cloud.AppendLog(job, "1", second)
	cloud.Finish(job, "1", codeartsbuild.StatusSucceeded)
	r := p.Wait()

	require.Equal(t, program.Done, r.Code, r.Stderr)
	requireLog(t, first+second, r.Stdout)
	requireLog(t, first+second, programtest.ReadFile(t, file))
	require.NoFileExists(t, file+".partial")
	require.Equal(t, "BUILD job="+job+" build=1", r.Errors()[0], "the number comes first")
	require.Regexp(t, `^STATUS time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ build=1 status=queued$`, r.Errors()[1])
	require.Regexp(t, `^RESULT build=1 status=succeeded`, r.Errors()[len(r.Errors())-1], "the verdict comes last")
	require.NotContains(t, r.Stderr, "\r", "there is no status line where there is no terminal")
	require.NotContains(t, r.Stderr, "\x1b")
	require.Equal(t, []string{"ExecuteJob"}, cloud.Changes())
	for _, request := range cloud.Requests() {
		if request.Operation == "ExecuteJob" {
			require.JSONEq(t, `{"job_id":"`+job+`","parameter":[{"name":"empty","value":""},{"name":"version","value":"1.2=3"}],
				"scm":{"build_type":"commitId","branch":"feat/x","build_commit_id":"1a2b3c4d"}}`, string(request.Body))
		}
	}
}

func TestBuildThatHasEnded(t *testing.T) {
	t.Parallel()
	first, log := aLog("ended", 1), aLog("ended", 10)
	tests := map[string]struct {
		status codeartsbuild.BuildStatus
		args   []string
		code   int
		stdout string
		events string
	}{
		"succeeded":         {codeartsbuild.StatusSucceeded, nil, program.Done, log, "BUILD STATUS RESULT"},
		"failed":            {codeartsbuild.StatusFailed, nil, program.Failed, log, "BUILD STATUS RESULT"},
		"aborted":           {codeartsbuild.StatusAborted, nil, program.Failed, log, "BUILD STATUS RESULT"},
		"timed out":         {codeartsbuild.StatusTimedOut, nil, program.Failed, log, "BUILD STATUS RESULT"},
		"from an offset":    {codeartsbuild.StatusSucceeded, []string{"-from-offset", strconv.Itoa(len(first))}, program.Done, log[len(first):], "BUILD STATUS RESULT"},
		"from behind it":    {codeartsbuild.StatusSucceeded, []string{"-from-offset", "1000000"}, program.Done, "", "BUILD STATUS RESULT"},
		"quietly":           {codeartsbuild.StatusSucceeded, []string{"-quiet"}, program.Done, "", "BUILD RESULT"},
		"failed, quietly":   {codeartsbuild.StatusFailed, []string{"-quiet"}, program.Failed, "", "BUILD RESULT"},
		"within its time":   {codeartsbuild.StatusSucceeded, []string{"-timeout", "1s", "-stop-on-timeout"}, program.Done, log, "BUILD STATUS RESULT"},
		"without a log":     {codeartsbuild.StatusScheduleFailed, []string{"-from-offset", strconv.Itoa(len(log))}, program.Failed, "", "BUILD STATUS RESULT"},
		"with unknown word": {"exploded", []string{"-timeout", "2s"}, program.TimedOut, log, "BUILD STATUS codeartsbuild: The"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			build := ended(cloud, job, tt.status, log)
			r := cloud.Run(t, append([]string{"-job", job, "-attach", build}, tt.args...)...)
			require.Equal(t, tt.code, r.Code, r.Stderr)
			requireLog(t, tt.stdout, r.Stdout)
			require.Equal(t, tt.events, events(r), r.Stderr)
			require.Equal(t, "BUILD job="+job+" build=1", r.Errors()[0])
			if tt.code != program.TimedOut {
				require.Equal(t, "RESULT build=1 status="+string(tt.status)+" took=6m12s", r.Errors()[len(r.Errors())-1])
			}
			require.Empty(t, cloud.Changes(), "nothing is started or stopped")
		})
	}
}

func TestRunThatIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault  codeartsbuildtest.Fault
		job    string // "": the one that there is
		code   int
		stderr string // a pattern
	}{
		"not allowed":   {codeartsbuildtest.Reply(403, programtest.Forbidden), "", program.Failed, "403 APIGW.0302.*\nAsk an administrator"},
		"no such job":   {nil, "0123456789abcdef0123456789abcdef", program.Failed, "\nCheck -job"},
		"token expired": {codeartsbuildtest.ExpireToken(), "", program.Usage, "401.*\nCheck the credential"},
		"response lost": {codeartsbuildtest.DropAnswer(), "", program.Unknown, "outcome unknown.*\nA build may have been started: look at the builds of the job"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			if tt.job != "" {
				job = tt.job
			}
			cloud.Next("ExecuteJob", tt.fault)
			dir := t.TempDir()
			r := cloud.Run(t, "-job", job, "-state", filepath.Join(dir, "state"), "-log-file", filepath.Join(dir, "log"))
			require.Equal(t, tt.code, r.Code, r.Stderr)
			require.Regexp(t, tt.stderr, r.Stderr)
			require.Len(t, cloud.Changes(), 1, "a run is sent once")
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, left, "no empty files are left")
		})
	}
}

func TestAttachToABuildThatDoesNotExistFailsAtOnce(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	r := cloud.Run(t, "-job", job, "-attach", "7")
	require.Equal(t, program.Failed, r.Code)
	require.Regexp(t, "\nCheck -job .* and the build number", r.Stderr)
	require.Len(t, cloud.Requests(), 2, "a login and one read")
}

func TestWhatCannotBeKeptStartsNoBuild(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tests := map[string]struct {
		args   []string
		stderr string // a pattern
		code   int
	}{
		"state in no folder":     {[]string{"-state", folder + "/none/state"}, "the state cannot be saved, so nothing was started: .*\nGive -state", program.Failed},
		"state that is a folder": {[]string{"-state", folder}, "the state file cannot be read.*\nIt was left as it is", program.Usage},
		"log in no folder":       {[]string{"-log-file", folder + "/none/log"}, "the log file cannot be written, so nothing was started: .*\nGive -log-file", program.Failed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			r := cloud.Run(t, append([]string{"-job", job}, tt.args...)...)
			require.Equal(t, tt.code, r.Code)
			require.Regexp(t, tt.stderr, r.Stderr)
			require.Empty(t, cloud.Changes())
		})
	}
}

func TestWrongUseStartsNothing(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	before := len(cloud.Requests())
	tests := map[string]struct {
		args   []string
		stderr string // a pattern
	}{
		"no job":                         {nil, "either -job or -demo is needed"},
		"job and demo":                   {[]string{"-job", job, "-demo"}, "either -job or -demo is needed"},
		"empty job":                      {[]string{"-job", ""}, `invalid value "" for flag -job: the value is empty; perhaps a variable is not set`},
		"empty job in a demo":            {[]string{"-demo", "-job", ""}, "the value is empty"},
		"empty number to attach to":      {[]string{"-job", job, "-attach", ""}, "for flag -attach: the value is empty"},
		"empty branch":                   {[]string{"-job", job, "-branch", ""}, "for flag -branch: the value is empty"},
		"empty commit":                   {[]string{"-job", job, "-commit", ""}, "for flag -commit: the value is empty"},
		"empty state":                    {[]string{"-job", job, "-state", ""}, "for flag -state: the value is empty"},
		"empty log file":                 {[]string{"-job", job, "-log-file", ""}, "for flag -log-file: the value is empty"},
		"demo and attach":                {[]string{"-demo", "-attach", "1"}, "-demo starts a build of its own"},
		"attach and branch":              {[]string{"-job", job, "-attach", "1", "-branch", "x"}, "-attach starts no build"},
		"attach and commit":              {[]string{"-job", job, "-attach", "1", "-commit", "x"}, "-attach starts no build"},
		"attach and param":               {[]string{"-job", job, "-attach", "1", "-param", "a=b"}, "-attach starts no build"},
		"offset without attach":          {[]string{"-job", job, "-from-offset", "1"}, "-from-offset goes with -attach"},
		"negative offset":                {[]string{"-job", job, "-attach", "1", "-from-offset", "-1"}, "is negative"},
		"negative timeout":               {[]string{"-job", job, "-timeout", "-1s"}, "is negative"},
		"stop on timeout without one":    {[]string{"-job", job, "-stop-on-timeout"}, "-stop-on-timeout goes with -timeout"},
		"param without a value":          {[]string{"-job", job, "-param", "a"}, "want name=value"},
		"param without a name":           {[]string{"-job", job, "-param", "=a"}, "want name=value"},
		"an argument":                    {[]string{"-job", job, "-param", "a=b", "c=d"}, `"c=d" is not a flag`},
		"job of another form":            {[]string{"-job", "nightly"}, `job_id must be an id of 32 letters and digits, got "nightly"`},
		"attach to a daily number":       {[]string{"-job", job, "-attach", "20221011.29"}, "is a daily number"},
		"value of stop-on-interrupt":     {[]string{"-job", job, "-stop-on-interrupt", "false"}, `"false" is not a flag`},
		"endpoint that is not this one":  {[]string{"-job", job, "-endpoint", "http://example.com"}, "over http to example.com"},
		"endpoint and region, with json": {[]string{"-job", job, "-json", "-region", "cn-north-4"}, `^{"error":".*WithRegion and WithEndpoint cannot be combined.*","event":"error","remedy":"Say where .*"}\n$`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cloud.Run(t, tt.args...)
			require.Equal(t, program.Usage, r.Code, r.Stdout+r.Stderr)
			require.Regexp(t, tt.stderr, r.Stderr)
			require.Empty(t, r.Stdout)
			require.Len(t, cloud.Requests(), before, "nothing was sent")
		})
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		signal  syscall.Signal
		args    []string
		ready   string                  // on stderr
		fault   codeartsbuildtest.Fault // of the stop
		changes int
		stderr  string // a pattern of the end
	}{
		"the stop is accepted": {
			syscall.SIGINT, nil, "STATUS", nil, 2, "\nSTOPPING build=1\n.*; the stop of the build was accepted\n$",
		},
		"by SIGTERM": {
			syscall.SIGTERM, nil, "STATUS", nil, 2, "\nSTOPPING build=1\n.*; the stop of the build was accepted\n$",
		},
		"the stop is not confirmed": {
			syscall.SIGINT, nil, "STATUS", codeartsbuildtest.Reply(403, programtest.Forbidden), 2,
			"\nSTOPPING build=1\n.*; the stop of the build was not confirmed: .*403 APIGW.0302.*\nLook whether build 1 still runs, and stop it if it does.\n$",
		},
		"the build had ended": {
			syscall.SIGINT, nil, "STATUS", codeartsbuildtest.Reply(400, programtest.Finished), 2, "\nSTOPPING build=1\n.*; the build had already finished\n$",
		},
		"the build is to go on": {
			syscall.SIGINT, []string{"-stop-on-interrupt=false"}, "STATUS", nil, 1, "last seen (queued|running).*\nThe build goes on: follow it with -attach 1.\n$",
		},
		"the build is to go on, and there is a state": {
			syscall.SIGINT, []string{"-stop-on-interrupt=false", "-state", "state"}, "STATUS", nil, 1,
			"last seen (queued|running).*\nThe build goes on: run the same command again to follow it.\n$",
		},
		"quietly": {
			syscall.SIGINT, []string{"-quiet", "-stop-on-interrupt=false"}, "BUILD", nil, 1, "^BUILD .*\n.*\nThe build goes on: follow it with -attach 1.\n$",
		},
		"with json": {
			syscall.SIGINT, []string{"-json"}, `"event":"status"`, nil, 2, `\n{"build":"1","event":"stopping"}\n{"error":".*; the stop of the build was accepted","event":"error"}\n$`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			cloud.Next("StopJob", tt.fault)
			p := cloud.Start(t, append([]string{"-job", job}, tt.args...)...)
			p.AwaitStderr(tt.ready)
			programtest.Await(t, "the log is followed", func() bool { return cloud.Count("DownloadBuildRealTimeLog") > 0 })
			p.Signal(tt.signal)
			r := p.Wait()
			require.Equal(t, program.Interrupted, r.Code, r.Stderr)
			require.Less(t, r.Took, 3*time.Second)
			require.Regexp(t, tt.stderr, r.Stderr)
			require.Len(t, cloud.Changes(), tt.changes)
			require.NotContains(t, r.Stderr, "that is always safe", "the same command would start another build")
		})
	}
}

func TestSecondInterruptionEndsItAtOnce(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	cloud.Next("StopJob", codeartsbuildtest.Delay(time.Minute))
	p := begin(t, cloud, job)
	p.Interrupt()
	p.AwaitStderr("STOPPING build=1")
	programtest.Await(t, "the stop arrives", func() bool { return cloud.Count("StopJob") == 1 })
	p.Interrupt()
	r := p.Wait()
	require.Less(t, r.Took, 3*time.Second)
	require.Equal(t, -1, r.Code, "the signal ended it, which a shell shows as 130")
}

func TestTimedOut(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args    []string
		fault   func(*programtest.Cloud, string) codeartsbuildtest.Fault // of the stop
		code    int
		changes int
		stderr  string // a pattern of the end
	}{
		"the build goes on": {
			nil, nil, program.TimedOut, 1, "has not finished within 1s; build 1 was last seen .*\nThe build goes on: follow it with -attach 1.\n$",
		},
		"the build goes on, and there is a state": {
			[]string{"-state", "state"}, nil, program.TimedOut, 1, "\nThe build goes on: run the same command again to follow it.\n$",
		},
		"the build is stopped": {
			[]string{"-stop-on-timeout"}, nil, program.TimedOut, 2, "\nSTOPPING build=1\n.*has not finished within 1s.*\nThe stop of the build was accepted.\n$",
		},
		"the stop is refused": {
			[]string{"-stop-on-timeout"},
			func(*programtest.Cloud, string) codeartsbuildtest.Fault {
				return codeartsbuildtest.Reply(403, programtest.Forbidden)
			},
			program.TimedOut, 2, "\nSTOPPING build=1\n.*has not finished within 1s.*\n.*403 APIGW.0302.*\nThe stop of the build was not confirmed: look whether build 1 still runs.\n$",
		},
		"the build ends before the stop": {
			[]string{"-stop-on-timeout"},
			func(c *programtest.Cloud, job string) codeartsbuildtest.Fault {
				return c.Ends(job, "1", codeartsbuild.StatusSucceeded)
			},
			program.Done, 2, "\nSTOPPING build=1\nRESULT build=1 status=succeeded.*\n$",
		},
		"the build has ended, and its record lags behind": {
			[]string{"-stop-on-timeout"},
			func(c *programtest.Cloud, job string) codeartsbuildtest.Fault {
				return func(http.Handler) http.Handler {
					time.AfterFunc(50*time.Millisecond, func() { c.Finish(job, "1", codeartsbuild.StatusFailed) })
					return codeartsbuildtest.Reply(400, programtest.Finished)(nil)
				}
			},
			program.Failed, 2, "\nSTOPPING build=1\nRESULT build=1 status=failed.*\n$",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			if tt.fault != nil {
				cloud.Next("StopJob", tt.fault(cloud, job))
			}
			r := cloud.Run(t, append([]string{"-job", job, "-timeout", "1s"}, tt.args...)...)
			require.Equal(t, tt.code, r.Code, r.Stderr)
			require.Regexp(t, tt.stderr, r.Stderr)
			require.Len(t, cloud.Changes(), tt.changes)
		})
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status codeartsbuild.BuildStatus
		args   []string
		code   int
		events []string
	}{
		"ended":       {codeartsbuild.StatusFailed, nil, program.Failed, []string{"build", "status failed", "result failed"}},
		"quietly":     {codeartsbuild.StatusFailed, []string{"-quiet"}, program.Failed, []string{"build", "result failed"}},
		"timed out":   {codeartsbuild.StatusRunning, []string{"-timeout", "100ms"}, program.TimedOut, []string{"build", "status running", "error"}},
		"no such one": {codeartsbuild.StatusRunning, []string{"-attach", "2"}, program.Failed, []string{"error"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			build := ended(cloud, job, tt.status, "the log\n")
			r := cloud.Run(t, append([]string{"-job", job, "-attach", build, "-json"}, tt.args...)...)
			require.Equal(t, tt.code, r.Code, r.Stderr)
			var got []string
			for _, line := range r.Errors() {
				var object map[string]string
				require.NoError(t, json.Unmarshal([]byte(line), &object), line)
				got = append(got, strings.TrimSpace(object["event"]+" "+object["status"]))
			}
			require.Equal(t, tt.events, got)
		})
	}
}

func TestLogThatIsNotCompleteHasNoName(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	folder := filepath.Join(t.TempDir(), "gone")
	require.NoError(t, os.Mkdir(folder, 0o700))
	file := filepath.Join(t.TempDir(), "log")
	p := begin(t, cloud, job, "-state", filepath.Join(folder, "state"), "-log-file", file)
	programtest.Await(t, "the state is saved", func() bool { return programtest.ReadFile(t, filepath.Join(folder, "state")) != "" })
	require.NoError(t, os.RemoveAll(folder)) // so that the next piece of the log ends it
	cloud.AppendLog(job, "1", "the log\n")
	p.AwaitStdout("the log\n")
	cloud.Finish(job, "1", codeartsbuild.StatusSucceeded)
	r := p.Wait()
	require.Equal(t, program.Failed, r.Code, "the build succeeded, and yet something is wrong: "+r.Stderr)
	require.Regexp(t, "\nLOG FAILED error=.*the state cannot be saved(.*\n)+RESULT build=1 status=succeeded.*\nthe log is not complete: the state cannot be saved.*\nRun the same command again for the rest of the log\\.\n$", r.Stderr)
	require.NoFileExists(t, file)
	require.Equal(t, "the log\n", programtest.ReadFile(t, file+".partial"))
}

func TestHowToGetTheRestOfTheLog(t *testing.T) {
	t.Parallel()
	f := &follower{options: &options{}, state: &state{Build: "7", Offset: 11}}
	require.Equal(t, "Read the rest of the log with -attach 7 -from-offset 11.", f.rest())
	f.stateFile = "state"
	require.Equal(t, "Run the same command again for the rest of the log.", f.rest())
}

func TestStatusLineOnATerminal(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	writing(cloud, job, "the log\n")
	r := programtest.StartOnTerminal(t, cloud.TokenEnv(), "-endpoint", cloud.URL, "-job", job, "-timeout", "3500ms").Wait()
	require.Equal(t, program.TimedOut, r.Code, r.Stdout)
	lines := regexp.MustCompile(`\ds  (queued|running)(\r\x1b\[K)?`).FindAllString(r.Stdout, -1)
	require.NotEmpty(t, lines, r.Stdout)
	for _, line := range lines {
		require.True(t, strings.HasSuffix(line, "\r\x1b[K"), "the line is taken away before anything else comes: %q", r.Stdout)
	}
	require.Contains(t, r.Stdout, "\nthe log\r\n", "nothing stands before the log")
}
