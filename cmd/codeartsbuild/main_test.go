package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// self is the variable that makes the test binary the program.
const self = "CODEARTSBUILD_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(self) != "" {
		main()
		return
	}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		prefix, _, _ := strings.Cut(name, "_")
		switch prefix {
		case "HUAWEICLOUD", "HW", "OS", "HC", "CODEARTSBUILD":
			os.Unsetenv(name)
		}
	}
	server := codeartsbuildtest.NewServer()
	id, secret := server.AccessKey()
	server.Close()
	os.Setenv("HUAWEICLOUD_SDK_AK", id)
	os.Setenv("HUAWEICLOUD_SDK_SK", secret)
	// A process inherits which signals are ignored: SIGINT behind & in a script, SIGHUP under nohup. One that is caught
	// is not ignored by the programs that the tests start.
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = parallel.Value.Set("32") // the tests wait for the service, and need no processor for that
	}
	os.Exit(m.Run())
}

// newServer starts a service on a socket, with stops that take no time.
func newServer(t *testing.T) *codeartsbuildtest.Server {
	t.Helper()
	server := codeartsbuildtest.NewServer()
	server.SetStopDelay(time.Millisecond)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// newPushes adds a job with three builds of a branch, of which a newer one supersedes two.
func newPushes(server *codeartsbuildtest.Server) (job string) {
	job = server.AddJob("pushes")
	for _, revision := range []string{"1111111", "2222222", "3333333"} {
		server.AddBuild(job, codeartsbuild.Build{Branch: "main", Revision: revision, Trigger: "push", StartedAt: time.Now().Add(-3 * time.Hour)})
	}
	return job
}

// stops are the builds for which the service got a stop.
func stops(server *codeartsbuildtest.Server) []string {
	var builds []string
	for _, r := range server.Requests() {
		var body struct {
			BuildNo json.Number `json:"build_no"`
		}
		if r.Operation == "StopJob" && json.Unmarshal(r.Body, &body) == nil {
			builds = append(builds, body.BuildNo.String())
		}
	}
	return builds
}

// call runs the program in this process.
func call(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = run(args, &out, &errOut)
	return out.String(), errOut.String(), code
}

// A process is the program in a process of its own.
type process struct {
	*exec.Cmd
	stdout, stderr buffer
}

// A buffer is written by the process and read by the test.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start starts the program. A nil stdout is read into the process's own.
func start(t *testing.T, stdout io.Writer, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(context.Background(), os.Args[0], args...)}
	p.Env = append(os.Environ(), self+"=1", "GOCOVERDIR="+t.TempDir())
	p.Stdout, p.Stderr = stdout, &p.stderr
	if stdout == nil {
		p.Stdout = &p.stdout
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// end waits for the program and returns its exit code; -1 after a signal.
func (p *process) end() int {
	_ = p.Wait()
	return p.ProcessState.ExitCode()
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestHelpOfEveryCommand(t *testing.T) {
	t.Parallel()
	p := &program{}
	p.stdout, p.stderr = newStream(io.Discard, nil), newStream(io.Discard, nil)
	flags := map[string]string{}
	for _, c := range append(p.commands(), p.root()) {
		args := []string{c.Name(), "-h"}
		if c.Name() == "codeartsbuild" {
			args = args[1:]
		}
		stdout, stderr, code := call(t, args...)
		if code != 0 || stderr != "" {
			t.Errorf("%s -h: exit %d, stderr %q", c.Name(), code, stderr)
		}
		if n := strings.Count(stdout, "\n"); n > 40 {
			t.Errorf("%s -h has %d lines, want at most 40", c.Name(), n)
		}
		if got, want := strings.Contains(stdout, "\nVariables: CODEARTSBUILD_TOKEN"), strings.Contains(stdout, "--endpoint") || c.Name() == "codeartsbuild"; got != want {
			t.Errorf("%s -h names variables: %t, want %t", c.Name(), got, want)
		}
		for _, part := range []string{"Usage: codeartsbuild", "Examples:\n  ", "\nExit codes: 0 "} {
			if !strings.Contains(stdout, part) {
				t.Errorf("%s -h lacks %q:\n%s", c.Name(), part, stdout)
			}
		}
		for _, line := range strings.Split(stdout, "\n") {
			if len(line) > 80 {
				t.Errorf("%s -h has a line that is longer than 80 columns: %s", c.Name(), line)
			}
			spelled := strings.Fields(line)
			if len(spelled) > 1 && strings.HasPrefix(spelled[0], "--") && strings.ToUpper(spelled[1]) == spelled[1] {
				if known := flags[spelled[0]]; known != "" && known != spelled[1] {
					t.Errorf("%s -h: %s has the placeholder %s, elsewhere %s", c.Name(), spelled[0], spelled[1], known)
				}
				flags[spelled[0]] = spelled[1]
			}
		}
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := newPushes(server)
	tests := map[string]struct {
		args []string
		last string // of stderr
	}{
		"no command":                {nil, "codeartsbuild: a command is needed"},
		"unknown command":           {[]string{"halt"}, `codeartsbuild: "halt" must be a command`},
		"help of no command":        {[]string{"help", "halt"}, `codeartsbuild help: "halt" must be a command`},
		"unknown flag":              {[]string{"stop", "--jop", job}, "codeartsbuild stop: unknown flag: --jop"},
		"argument that is no flag":  {[]string{"stop", job}, `codeartsbuild stop: "` + job + `" must be a flag`},
		"flag without its value":    {[]string{"stop", "--job"}, "codeartsbuild stop: flag needs an argument: --job"},
		"empty value":               {[]string{"stop", "--job="}, `codeartsbuild stop: invalid argument "" for "--job" flag: must not be empty; perhaps a variable is not set`},
		"escapes in a value":        {[]string{"stop", "--wait", "\x1b[2J"}, `codeartsbuild stop: invalid argument "\x1b[2J" for "--wait" flag: time: invalid duration "\x1b[2J"`},
		"stop without a build":      {[]string{"stop", "--job", job}, "codeartsbuild stop: --job and --build are needed"},
		"stop, negative wait":       {[]string{"stop", "--job", job, "--build", "1", "--wait", "-1s"}, "codeartsbuild stop: --wait must not be negative"},
		"negative timeout":          {[]string{"stop", "--job", job, "--build", "1", "--timeout", "-1s"}, "codeartsbuild stop: --timeout must not be negative, got -1s"},
		"format":                    {[]string{"jobs", "-o", "xml"}, `codeartsbuild jobs: invalid argument "xml" for "-o, --output" flag: must be text or json`},
		"sweep without a job":       {[]string{"superseded"}, "codeartsbuild superseded: either --job or --project is needed"},
		"sweep of job and project":  {[]string{"superseded", "--job", job, "--project", job}, "codeartsbuild superseded: either --job or --project is needed"},
		"superseded, keep nothing":  {[]string{"superseded", "--job", job, "--keep", "0"}, "codeartsbuild superseded: --keep must be at least 1"},
		"superseded, stop nothing":  {[]string{"superseded", "--job", job, "--max", "0"}, "codeartsbuild superseded: --max and --parallel must be at least 1"},
		"anchor of a project":       {[]string{"superseded", "--project", job, "--anchor", "5"}, "codeartsbuild superseded: --anchor needs --job: builds are numbered per job"},
		"runaway without a limit":   {[]string{"runaway", "--job", job}, "codeartsbuild runaway: --max-running or --max-queued is needed"},
		"branches without a branch": {[]string{"branches", "--job", job}, "codeartsbuild branches: --branch is needed"},
		"builds without a job":      {[]string{"builds"}, "codeartsbuild builds: either --job or --project is needed"},
		"jobs without a project":    {[]string{"jobs"}, "codeartsbuild jobs: --project is needed"},
		"a shell that is unknown":   {[]string{"completion", "tcsh"}, "codeartsbuild completion: completion needs the name of one shell: bash, zsh, fish or powershell"},
		"a fault that is unknown":   {[]string{"serve", "--fault", "StopJob=explode"}, `codeartsbuild serve: --fault "StopJob=explode": the kind must be drop-request, drop-answer, expire-token, delay:TIME or a status from 200`},
		"a port that is too large":  {[]string{"serve", "--port", "65536"}, "codeartsbuild serve: --port must be 0 to 65535, got 65536"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := call(t, tt.args...)
			lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
			if code != exitUsage || stdout != "" || lines[len(lines)-1] != tt.last || !strings.HasPrefix(stderr, "Usage: codeartsbuild") {
				t.Errorf("exit %d, stdout %q, stderr:\n%s\nwant exit 2 and at the end:\n%s", code, stdout, stderr, tt.last)
			}
		})
	}
}

func TestWrongValuesNameTheFlag(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := newPushes(server)
	tests := map[string]struct {
		args []string
		want string
	}{
		"job id":                 {[]string{"stop", "--job", "x", "--build", "1"}, "--job must be an id"},
		"build number":           {[]string{"stop", "--job", job, "--build", "0"}, "--build must be a build number"},
		"pattern of superseded":  {[]string{"superseded", "--job", job, "--protect", "/release"}, "--protect must be names of branches"},
		"pattern of runaway":     {[]string{"runaway", "--job", job, "--max-running", "1h", "--protect", "^release"}, "--protect must be names of branches"},
		"pattern of branches":    {[]string{"branches", "--job", job, "--branch", "a b"}, "--branch must be names of branches"},
		"pattern in a project":   {[]string{"superseded", "--project", server.ProjectID(), "--branch", "a..b"}, "--branch must be names of branches"},
		"limit of runaway":       {[]string{"runaway", "--job", job, "--max-running", "800h"}, "--max-running and --max-queued must be less than --within, 744h0m0s"},
		"limit over within":      {[]string{"runaway", "--job", job, "--max-queued", "1h", "--within", "30m"}, "--max-running and --max-queued must be less than --within, 30m0s"},
		"branch of a run":        {[]string{"run", "--job", job, "--branch", "a b"}, "--branch must be UTF-8 without white space"},
		"tag of a run":           {[]string{"run", "--job", job, "--tag", "a\n"}, "--tag must be UTF-8 without white space"},
		"commit of a run":        {[]string{"run", "--job", job, "--commit", "a\tb"}, "--commit must be UTF-8 without white space"},
		"tag beside a branch":    {[]string{"run", "--job", job, "--tag", "a", "--branch", "b"}, "--tag cannot be combined with --branch or --commit"},
		"region that is no name": {[]string{"stop", "--job", job, "--build", "1", "--region", "a/b"}, "region"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := tt.args
			if name != "region that is no name" {
				args = append(args, "--endpoint", server.URL)
			}
			stdout, stderr, code := call(t, args...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit %d, stdout %q, stderr %q, want exit 2 and %q", code, stdout, stderr, tt.want)
			}
		})
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare        func(server *codeartsbuildtest.Server, job string)
		args           []string
		code           int
		stdout, stderr string // parts
	}{
		"accepted":          {nil, nil, exitDone, "build 1: the service accepted the stop\n", ""},
		"accepted, as JSON": {nil, []string{"-o", "json"}, exitDone, `"event":"accepted"`, ""},
		"stopped":           {nil, []string{"--wait", "20s"}, exitDone, "build 1: the build was stopped, status aborted, ", ""},
		"finished before": {func(server *codeartsbuildtest.Server, job string) {
			server.Finish(job, "1", codeartsbuild.StatusFailed)
		}, nil,
			exitDone, "build 1: the build has already finished\n", ""},
		"unknown": {func(server *codeartsbuildtest.Server, _ string) {
			server.Always("StopJob", codeartsbuildtest.Reply(500, ""))
		}, []string{"--timeout", "0"}, exitUnknown, "", "Run the same command again: that is always safe."},
		"forbidden": {func(server *codeartsbuildtest.Server, _ string) {
			server.Next("StopJob", codeartsbuildtest.Reply(403, `{"error_code":"DEV.00000003","error_msg":"denied"}`))
		}, nil, exitFailed, "", "Ask an administrator"},
		"forbidden, as JSON": {func(server *codeartsbuildtest.Server, _ string) {
			server.Next("StopJob", codeartsbuildtest.Reply(403, `{"error_code":"DEV.00000003","error_msg":"denied"}`))
		}, []string{"-o", "json"}, exitFailed, "", `{"event":"error","error":"codeartsbuild: StopJob`},
		"too slow": {func(server *codeartsbuildtest.Server, _ string) {
			server.Next("StopJob", codeartsbuildtest.Delay(time.Minute))
		}, []string{"--timeout", "50ms"}, exitTimedOut, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			job := newPushes(server)
			if tt.prepare != nil {
				tt.prepare(server, job)
			}
			stdout, stderr, code := call(t, append([]string{"stop", "--job", job, "--build", "1", "--endpoint", server.URL}, tt.args...)...)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) || tt.stdout == "" && stdout != "" || tt.stderr == "" && stderr != "" && tt.code == 0 {
				t.Errorf("exit %d, stdout %q, stderr %q, want %d, %q, %q", code, stdout, stderr, tt.code, tt.stdout, tt.stderr)
			}
		})
	}
}

func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args    []string
		stopped int
	}{
		"help":         {[]string{"stop", "-h"}, 0},
		"version":      {[]string{"version"}, 0},
		"completion":   {[]string{"completion", "bash"}, 0},
		"stop":         {[]string{"stop", "--build", "1"}, 1},
		"stop as JSON": {[]string{"stop", "--build", "1", "-o", "json"}, 1},
		"superseded":   {[]string{"superseded", "--yes"}, 0},
		"runaway":      {[]string{"runaway", "--max-running", "1h", "--yes", "-o", "json"}, 0},
		"builds":       {[]string{"builds"}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			job := newPushes(server)
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip(err) // only Linux has it
			}
			if err != nil {
				t.Fatal(err)
			}
			defer full.Close()
			args := tt.args
			if !strings.Contains("help version completion", name) {
				args = append(args, "--job", job, "--endpoint", server.URL)
			}
			p := start(t, full, args...)
			if code := p.end(); code != exitFailed || len(stops(server)) != tt.stopped || !strings.Contains(p.stderr.String(), "the output cannot be written") {
				t.Errorf("exit %d, %d stops, stderr %q, want 1, %d and a message", code, len(stops(server)), p.stderr.String(), tt.stopped)
			}
		})
	}
}

func TestInterruptionEndsAWait(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			server.SetStopDelay(time.Hour)
			job := newPushes(server)
			p := start(t, nil, "stop", "--job", job, "--build", "1", "--wait", "1h", "--endpoint", server.URL)
			eventually(t, "the stop is accepted", func() bool { return strings.Contains(p.stdout.String(), "accepted") })
			_ = p.Process.Signal(s)
			if code := p.end(); code != exitInterrupted || !strings.Contains(p.stderr.String(), "The stop was accepted") {
				t.Errorf("exit %d, stderr %q, want 130", code, p.stderr.String())
			}
		})
	}
}
