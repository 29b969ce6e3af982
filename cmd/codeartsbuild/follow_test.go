package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

const logText = "compile\nlink\n"

// newFinished adds a job with a build that has a log and has finished.
func newFinished(server *codeartsbuildtest.Server, status codeartsbuild.BuildStatus) (job string) {
	job = server.AddJob("nightly")
	build := server.StartBuild(job)
	server.AppendLog(job, build, logText)
	server.Finish(job, build, status)
	return job
}

// operations are those of the requests so far.
func operations(server *codeartsbuildtest.Server) []string {
	var names []string
	for _, r := range server.Requests() {
		names = append(names, r.Operation)
	}
	return names
}

func TestFollowFinishedBuild(t *testing.T) {
	t.Parallel()
	const logOperation = "DownloadBuildRealTimeLog"
	tests := map[string]struct {
		status codeartsbuild.BuildStatus
		args   []string
		fault  codeartsbuildtest.Fault // of the log
		code   int
		stdout string
		stderr string // a part
	}{
		"succeeded":          {"SUCCESS", nil, nil, 0, logText, "build 1 finished: succeeded after "},
		"failed":             {"FAILED", nil, nil, 1, logText, "build 1 finished: failed after "},
		"quiet":              {"SUCCESS", []string{"--quiet"}, nil, 0, "", "build 1 finished: succeeded"},
		"JSON":               {"SUCCESS", []string{"-o", "json"}, nil, 0, logText, `"build":"1","status":"succeeded","took_seconds":`},
		"log is forbidden":   {"SUCCESS", nil, codeartsbuildtest.Reply(403, `{"error_code":"DEV.00000003","error_msg":"no"}`), 0, "", "the log is not complete: codeartsbuild: " + logOperation},
		"failed without log": {"FAILED", nil, codeartsbuildtest.Reply(403, `{"error_code":"DEV.00000003","error_msg":"no"}`), 1, "", "build 1 finished: failed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			job := newFinished(server, tt.status)
			if tt.fault != nil {
				server.Always(logOperation, tt.fault)
			}
			stdout, stderr, code := call(t, append([]string{"run", "--job", job, "--attach", "1", "--endpoint", server.URL}, tt.args...)...)
			if code != tt.code || stdout != tt.stdout || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit %d, stdout %q, stderr %q, want %d, %q, %q", code, stdout, stderr, tt.code, tt.stdout, tt.stderr)
			}
			if read := slices.Contains(operations(server), logOperation); read != (name != "quiet") {
				t.Errorf("the log was read: %v", read)
			}
		})
	}
}

// work ends the first build of a job with a log as soon as it runs.
func work(t *testing.T, server *codeartsbuildtest.Server, job, build string) {
	go func() {
		for server.Status(job, build) != codeartsbuild.StatusRunning {
			select {
			case <-t.Context().Done():
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
		server.AppendLog(job, build, logText)
		server.Finish(job, build, codeartsbuild.StatusSucceeded)
	}()
}

func TestRunAndRerun(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := server.AddJob("nightly")
	work(t, server, job, "1")
	stdout, stderr, code := call(t, "run", "--job", job, "--branch", "feat/a", "--param", "target=all=1", "--endpoint", server.URL)
	if code != 0 || stdout != logText || !strings.Contains(stderr, "build 1 of job "+job) {
		t.Errorf("run: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	work(t, server, job, "2")
	stdout, stderr, code = call(t, "rerun", "--job", job, "--build", "1", "--endpoint", server.URL)
	if code != 0 || stdout != logText || !strings.Contains(stderr, "build 2 of job "+job) {
		t.Errorf("rerun: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	runs := 0
	for _, r := range server.Requests() {
		if r.Operation == "ExecuteJob" {
			runs++
			if body := string(r.Body); !strings.Contains(body, `"feat/a"`) || !strings.Contains(body, `"all=1"`) {
				t.Errorf("ExecuteJob got %s", body)
			}
		}
	}
	if runs != 2 {
		t.Errorf("%d runs, want 2", runs)
	}
}

func TestRunWithUnknownOutcome(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := server.AddJob("nightly")
	server.Next("ExecuteJob", codeartsbuildtest.DropAnswer())
	stdout, stderr, code := call(t, "run", "--job", job, "--branch", "main", "--endpoint", server.URL)
	if code != exitUnknown || stdout != "" || !strings.Contains(stderr, "It may have started build 1: follow that one with --attach.") {
		t.Errorf("exit %d, stdout %q, stderr %q, want 3", code, stdout, stderr)
	}
}

func TestWrongUseOfRunWaitAndLogs(t *testing.T) {
	t.Parallel()
	job := strings.Repeat("0", 32)
	tests := map[string]struct {
		args []string
		last string
	}{
		"run without a job":         {[]string{"run"}, "codeartsbuild run: --job is needed"},
		"attach and branch":         {[]string{"run", "--job", job, "--attach", "1", "--branch", "a"}, "codeartsbuild run: --attach starts no build: it cannot be combined with --branch, --tag, --commit and --param"},
		"offset without a build":    {[]string{"run", "--job", job, "--from-offset", "1"}, "codeartsbuild run: --from-offset needs --attach"},
		"negative offset":           {[]string{"run", "--job", job, "--attach", "1", "--from-offset", "-1"}, "codeartsbuild run: --from-offset must not be negative"},
		"parameter without a value": {[]string{"run", "--param", "x"}, `codeartsbuild run: invalid argument "x" for "--param" flag: must be NAME=VALUE`},
		"stop without a timeout":    {[]string{"run", "--job", job, "--stop-on-timeout"}, "codeartsbuild run: --stop-on-timeout needs --timeout"},
		"rerun without a build":     {[]string{"rerun", "--job", job}, "codeartsbuild rerun: --build is needed"},
		"wait without a build":      {[]string{"wait", "--job", job}, "codeartsbuild wait: --job and --build are needed"},
		"negative wait":             {[]string{"wait", "--job", job, "--build", "1", "--timeout", "-1s"}, "codeartsbuild wait: --timeout must not be negative, got -1s"},
		"logs without a build":      {[]string{"logs", "--job", job}, "codeartsbuild logs: --job and --build are needed"},
		"logs, follow the tail":     {[]string{"logs", "--job", job, "--build", "1", "--follow", "--tail", "1"}, "codeartsbuild logs: --follow, --tail and --step cannot be combined"},
		"logs, long tail":           {[]string{"logs", "--job", job, "--build", "1", "--tail", "1001"}, "codeartsbuild logs: --tail must be 1 to 1000, got 1001"},
		"logs, offset":              {[]string{"logs", "--job", job, "--build", "1", "--from-offset", "3"}, "codeartsbuild logs: --from-offset needs --follow"},
		"logs, negative offset":     {[]string{"logs", "--job", job, "--build", "1", "--follow", "--from-offset", "-3"}, "codeartsbuild logs: --from-offset must not be negative"},
	}
	for name, tt := range tests {
		stdout, stderr, code := call(t, tt.args...)
		if code != exitUsage || stdout != "" || !strings.HasSuffix(stderr, "\n"+tt.last+"\n") {
			t.Errorf("%s: exit %d, stdout %q, stderr:\n%s\nwant exit 2 and at the end:\n%s", name, code, stdout, stderr, tt.last)
		}
	}
}

func TestEndOfTheProgramStopsTheBuild(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end  func(p *process, stdout *os.File, log func())
		args []string
		code int
		stop bool
	}{
		"SIGINT":               {func(p *process, _ *os.File, _ func()) { _ = p.Process.Signal(syscall.SIGINT) }, nil, exitInterrupted, true},
		"SIGTERM":              {func(p *process, _ *os.File, _ func()) { _ = p.Process.Signal(syscall.SIGTERM) }, nil, exitInterrupted, true},
		"SIGHUP":               {func(p *process, _ *os.File, _ func()) { _ = p.Process.Signal(syscall.SIGHUP) }, nil, exitInterrupted, true},
		"SIGINT, not to stop":  {func(p *process, _ *os.File, _ func()) { _ = p.Process.Signal(syscall.SIGINT) }, []string{"--stop-on-interrupt=false"}, exitInterrupted, false},
		"closed stdout":        {func(_ *process, stdout *os.File, log func()) { stdout.Close(); log() }, nil, exitFailed, true},
		"timeout":              {func(*process, *os.File, func()) {}, []string{"--timeout", "1s"}, exitTimedOut, false},
		"timeout, and to stop": {func(*process, *os.File, func()) {}, []string{"--timeout", "1s", "--stop-on-timeout"}, exitTimedOut, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			job := server.AddJob("nightly")
			build := server.StartBuild(job)
			server.AppendLog(job, build, "first line\n")
			reader, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			p := start(t, writer, append([]string{"run", "--job", job, "--attach", build, "--endpoint", server.URL}, tt.args...)...)
			writer.Close()
			if line, err := bufio.NewReader(reader).ReadString('\n'); line != "first line\n" {
				t.Fatalf("the first line is %q, %v; stderr %s", line, err, p.stderr.String())
			}
			tt.end(p, reader, func() { server.AppendLog(job, build, "second line\n") })
			if code := p.end(); code != tt.code || (len(stops(server)) == 1) != tt.stop || code == exitInterrupted && strings.Contains(p.stderr.String(), "the log is not complete") {
				t.Errorf("exit %d after %d stops, stderr %q, want %d and a stop: %v", code, len(stops(server)), p.stderr.String(), tt.code, tt.stop)
			}
		})
	}
}

// Whether the build goes on is said on stderr also when the end of stdout is what ended the program.
func TestClosedStdoutAndAStopThatFails(t *testing.T) {
	t.Parallel()
	for want, fault := range map[string]codeartsbuildtest.Fault{
		"the stop of the build was accepted":                 nil,
		"Look whether build 1 still runs, and stop it if it": codeartsbuildtest.Reply(404, `{}`),
	} {
		server := newServer(t)
		job := server.AddJob("nightly")
		build := server.StartBuild(job)
		server.AppendLog(job, build, "line\n")
		server.Next("StopJob", fault)
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		reader.Close()
		p := start(t, writer, "run", "--job", job, "--attach", build, "--endpoint", server.URL)
		writer.Close()
		if code := p.end(); code != exitFailed || !strings.Contains(p.stderr.String(), want) {
			t.Errorf("exit %d, stderr %q, want 1 and %q", code, p.stderr.String(), want)
		}
	}
}

// newLogFiles makes the files of TestLogFile.
func newLogFiles(t *testing.T) (path func(name string) string) {
	t.Helper()
	folder := t.TempDir()
	path = func(name string) string { return filepath.Join(folder, name) }
	for name, text := range map[string]string{"old": longText, "target": longText, "precious": "precious"} {
		if err := os.WriteFile(path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"link": "target", "trap.partial": "precious"} {
		if err := os.Symlink(path(target), path(link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(path("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const longText = "of an earlier build, and longer than the log\n"

func TestLogFile(t *testing.T) {
	t.Parallel()
	path := newLogFiles(t)
	tests := map[string]struct {
		name, content string // of which file
		code          int
		stderr        string
	}{
		"new":                   {path("new"), path("new"), 0, ""},
		"old":                   {path("old"), path("old"), 0, ""},
		"symlink":               {path("link"), path("target"), 0, ""},
		"device":                {"/dev/null", "", 0, ""},
		"folder":                {path(""), "", 1, "so nothing was started"},
		"FIFO without a reader": {path("fifo"), "", 1, "so nothing was started"},
		"symlink as partial":    {path("trap"), "", 1, "must be a regular file"},
		"full device":           {"/dev/full", "", 1, "the log file is not complete"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			before, _ := os.Lstat(tt.name)
			job := newFinished(server, "SUCCESS")
			_, stderr, code := call(t, "run", "--job", job, "--attach", "1", "--endpoint", server.URL, "--log-file", tt.name, "--quiet")
			if code != tt.code || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit %d, stderr %q, want %d and %q", code, stderr, tt.code, tt.stderr)
			}
			if strings.Contains(tt.stderr, "started") && len(server.Requests()) > 0 {
				t.Errorf("there were the requests %v, want none", operations(server))
			}
			after, _ := os.Lstat(tt.name)
			if before != nil && before.Mode().Type() != after.Mode().Type() {
				t.Errorf("the file was %v and is %v", before.Mode(), after.Mode())
			}
			if tt.content != "" {
				data, err := os.ReadFile(tt.content)
				info, _ := os.Stat(tt.content)
				if string(data) != logText || err != nil || info.Mode() != 0o600 {
					t.Errorf("the file has %q, %v, mode %v", data, err, info.Mode())
				}
			}
		})
	}
	t.Cleanup(func() {
		if data, _ := os.ReadFile(path("precious")); string(data) != "precious" {
			t.Errorf("the target of the symlink was changed to %q", data)
		}
	})
}

func TestLogFileIsLeftAloneWhenAFlagIsWrong(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(name+partial, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, code := call(t, "run", "--job", strings.Repeat("0", 32), "--region", "a/b", "--log-file", name); code != exitUsage {
		t.Errorf("exit %d, want 2", code)
	}
	if data, _ := os.ReadFile(name + partial); string(data) != "precious" {
		t.Errorf("the file has %q", data)
	}
}

func TestStateFile(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := newFinished(server, "SUCCESS")
	saved := func(s state) string {
		data, _ := json.Marshal(s)
		return string(data)
	}
	tests := map[string]struct {
		content string
		args    []string
		code    int
		stdout  string
		stderr  string
	}{
		"goes on":              {saved(state{Job: job, Build: "1", Branch: "a", Offset: 8}), []string{"--branch", "a"}, 0, "link\n", "build 1 finished"},
		"of another branch":    {saved(state{Job: job, Build: "1", Branch: "a"}), []string{"--branch", "b"}, 2, "", "belongs to build 1 of branch a, which other flags started"},
		"of no branch":         {saved(state{Job: job, Build: "1"}), []string{"--branch", "b"}, 2, "", "belongs to build 1 of the job's own branch"},
		"of other parameters":  {saved(state{Job: job, Build: "1", Parameters: map[string]string{"a": "1"}}), nil, 2, "", "which other flags started"},
		"of a rerun":           {saved(state{Job: job, Build: "1", RerunOf: "3"}), nil, 2, "", "belongs to build 1 of a rerun of build 3"},
		"of another job":       {saved(state{Job: "x\x1b", Build: "1"}), nil, 2, "", `belongs to job "x\x1b"`},
		"of another build":     {saved(state{Job: job, Build: "1"}), []string{"--attach", "2"}, 2, "", "belongs to build 1"},
		"broken":               {"{", nil, 2, "", "is broken"},
		"of a build not there": {saved(state{Job: job, Build: "99"}), nil, 1, "", "Remove it to begin anew."},
		"without the log":      {saved(state{Job: job, Build: "1", Offset: 8}), []string{"--log-file", filepath.Join(t.TempDir(), "log")}, 2, "", "lacks the part of the log"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "state")
			if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			stdout, stderr, code := call(t, append([]string{"run", "--job", job, "--endpoint", server.URL, "--state", file}, tt.args...)...)
			if code != tt.code || stdout != tt.stdout || !strings.Contains(stderr, tt.stderr) || strings.Contains(stderr, "\x1b") {
				t.Errorf("exit %d, stdout %q, stderr %q, want %d, %q, %q", code, stdout, stderr, tt.code, tt.stdout, tt.stderr)
			}
			data, err := os.ReadFile(file)
			if code == 0 && !os.IsNotExist(err) || code != 0 && string(data) != tt.content {
				t.Errorf("the file has %q, %v", data, err)
			}
		})
	}
	if slices.Contains(operations(server), "ExecuteJob") {
		t.Error("a build was started")
	}
}

func TestStateFileOfAnotherKind(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	link, target := filepath.Join(folder, "link"), filepath.Join(folder, "target")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		code int
		mode os.FileMode
	}{link: {0, os.ModeSymlink}, "/dev/null": {0, os.ModeDevice | os.ModeCharDevice}, folder: {2, os.ModeDir}} {
		t.Run(want.mode.String(), func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			job := newFinished(server, "SUCCESS")
			_, stderr, code := call(t, "run", "--job", job, "--attach", "1", "--endpoint", server.URL, "--state", name)
			info, err := os.Lstat(name)
			if code != want.code || err != nil || info.Mode().Type() != want.mode {
				t.Errorf("exit %d, stderr %q, %v, %v, want %d and a %v", code, stderr, info, err, want.code, want.mode)
			}
		})
	}
}

func TestKilledRunGoesOn(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := server.AddJob("nightly")
	build := server.StartBuild(job)
	server.AppendLog(job, build, "first line\n")
	folder := t.TempDir()
	args := []string{"run", "--job", job, "--attach", build, "--endpoint", server.URL, "--state", filepath.Join(folder, "state"), "--log-file", filepath.Join(folder, "log")}
	p := start(t, nil, args...)
	eventually(t, "the offset is saved", func() bool {
		data, _ := os.ReadFile(filepath.Join(folder, "state"))
		return strings.Contains(string(data), `"offset":11`)
	})
	_ = p.Process.Kill()
	p.end()
	server.AppendLog(job, build, "second line\n")
	server.Finish(job, build, "SUCCESS")
	stdout, stderr, code := call(t, args...)
	if code != 0 || stdout != "second line\n" {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if data, err := os.ReadFile(filepath.Join(folder, "log")); string(data) != "first line\nsecond line\n" {
		t.Errorf("the log file has %q, %v", data, err)
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status codeartsbuild.BuildStatus // "": it runs
		args   []string
		code   int
		stdout string
	}{
		"succeeded":       {"SUCCESS", nil, 0, "build 1: succeeded after "},
		"failed":          {"FAILED", nil, 1, "build 1: failed after "},
		"failed, as JSON": {"FAILED", []string{"-o", "json"}, 1, `"status":"failed",`},
		"too slow":        {"", []string{"--timeout", "100ms"}, exitTimedOut, "build 1: running\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			job := server.AddJob("nightly")
			build := server.StartBuild(job)
			server.Finish(job, build, tt.status)
			stdout, stderr, code := call(t, append([]string{"wait", "--job", job, "--build", build, "--endpoint", server.URL}, tt.args...)...)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || (stderr != "") != (code == exitTimedOut) || len(stops(server)) > 0 {
				t.Errorf("exit %d, stdout %q, stderr %q, want %d and %q", code, stdout, stderr, tt.code, tt.stdout)
			}
		})
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		running bool
		args    []string
		stdout  string
		stderr  string
	}{
		"whole":                 {false, nil, logText, ""},
		"whole, by following":   {false, []string{"--follow"}, logText, ""},
		"from an offset":        {false, []string{"--follow", "--from-offset", "8"}, "link\n", ""},
		"last line":             {false, []string{"--tail", "1"}, "link\n", ""},
		"running":               {true, nil, logText, "--follow prints all"},
		"last line, of running": {true, []string{"--tail", "1"}, "link\n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			job := server.AddJob("nightly")
			build := server.StartBuild(job)
			server.AppendLog(job, build, logText)
			if !tt.running {
				server.Finish(job, build, "FAILED")
			}
			stdout, stderr, code := call(t, append([]string{"logs", "--job", job, "--build", build, "--endpoint", server.URL}, tt.args...)...)
			if code != 0 || stdout != tt.stdout || !strings.Contains(stderr, tt.stderr) || tt.stderr == "" && stderr != "" {
				t.Errorf("exit %d, stdout %q, stderr %q, want 0, %q, %q", code, stdout, stderr, tt.stdout, tt.stderr)
			}
		})
	}
}
