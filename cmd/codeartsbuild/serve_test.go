package main

import (
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// serve starts the service as a user does, and returns the variables that it prints.
func serve(t *testing.T, args ...string) (*process, map[string]string) {
	t.Helper()
	p := start(t, nil, append([]string{"serve"}, args...)...)
	eventually(t, "serve prints its variables", func() bool { return strings.Contains(p.stdout.String(), "\nPUSHES=") })
	variables := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(?:export )?(\w+)=(\S+)`).FindAllStringSubmatch(p.stdout.String(), -1) {
		variables[m[1]] = m[2]
	}
	return p, variables
}

// TestCommandsOnServe runs each command once on the service that serve runs.
func TestCommandsOnServe(t *testing.T) {
	t.Parallel()
	p, v := serve(t, "--fault", "StopJob=once:drop-answer")
	if v["HUAWEICLOUD_SDK_AK"] != os.Getenv("HUAWEICLOUD_SDK_AK") {
		t.Fatalf("serve prints %q", p.stdout.String())
	}
	commands := []struct {
		args   []string
		code   int
		stdout string // a part, or what it matches
	}{
		{[]string{"jobs", "--project", v["PROJECT"]}, 0, `(?s)^JOB +LAST STATUS +LAST BUILD +NAME\n.* nightly\n.* pushes\n$`},
		{[]string{"jobs", "--project", v["PROJECT"], "--search", "night", "-o", "json"}, 0, `^{"event":"job","job":"` + v["NIGHTLY"] + `","name":"nightly","project":"\w+","disabled":false,.*}\n$`},
		{[]string{"builds", "--job", v["PUSHES"]}, 0, `(?s)^job \w+\nBUILD +STATUS +BRANCH +REVISION +TRIGGER +QUEUED +TOOK\n6 +running +feat/login +7a1b2c3 .*\n1 +running `},
		{[]string{"builds", "--project", v["PROJECT"], "--max", "1", "-o", "json"}, 0, `(?m)^{"event":"build","job":"` + v["PUSHES"] + `","build":"6",.*"status":"running",`},
		{[]string{"superseded", "--job", v["PUSHES"]}, 0, `(?m)^STOP  5  feat/login   5f2d8c7  .*  superseded by 6\n(.*\n)+DRY RUN  chosen 3, kept 3, stopped 0\n`},
		{[]string{"superseded", "--project", v["PROJECT"], "--yes"}, 0, `\nDONE  chosen 3, kept \d+, stopped [23]`},
		{[]string{"runaway", "--project", v["PROJECT"], "--max-running", "2h", "--max-queued", "30m"}, 0, `(?m)^STOP  1  main  .*  running 3h41m\n`},
		{[]string{"branches", "--job", v["PUSHES"], "--branch", "release/*", "--yes", "--wait", "20s"}, 0, `STOPPED .*  3  release/1.0  1b9d6bc  aborted after `},
		{[]string{"stop", "--job", v["STUCK"], "--build", "1"}, 0, `build 1: the service accepted the stop\n$`},
		{[]string{"stop", "--job", v["STUCK"], "--build", "77"}, 1, `^$`},
		{[]string{"version"}, 0, `^codeartsbuild .*\(go1\.`},
		{[]string{"version", "-o", "json"}, 0, `^{"event":"version","version":".*","go":"go1\.`},
		{[]string{"completion", "bash"}, 0, `codeartsbuild`},
		{[]string{"completion", "zsh"}, 0, `codeartsbuild`},
		{[]string{"completion", "fish"}, 0, `codeartsbuild`},
		{[]string{"completion", "powershell"}, 0, `codeartsbuild`},
	}
	for _, c := range commands {
		args := c.args
		if c.args[0] != "version" && c.args[0] != "completion" {
			args = append(args, "--endpoint", v["CODEARTSBUILD_ENDPOINT"])
		}
		stdout, stderr, code := call(t, args...)
		if code != c.code || !regexp.MustCompile(c.stdout).MatchString(stdout) || (code == 0) != (stderr == "" || strings.HasPrefix(stderr, "Nothing was stopped")) {
			t.Errorf("%q: exit %d, stdout:\n%s\nstderr: %q\nwant %d and %s", c.args, code, stdout, stderr, c.code, c.stdout)
		}
	}
	_ = p.Process.Signal(syscall.SIGTERM)
	if code := p.end(); code != 0 || p.stderr.String() != "" {
		t.Errorf("serve: exit %d, stderr %q, want 0", code, p.stderr.String())
	}
}

func TestServeFaults(t *testing.T) {
	t.Parallel()
	_, v := serve(t, "--fault", "StopJob=500", "--fault", `ListProjectJobs=403:{"error_code":"DEV.00000003","error_msg":"no"}`, "--fault", "ListBuildInfoRecordByJobId=delay:10s")
	tests := []struct {
		args []string
		code int
	}{
		{[]string{"stop", "--job", v["STUCK"], "--build", "1"}, exitUnknown},
		{[]string{"jobs", "--project", v["PROJECT"]}, exitFailed},
		{[]string{"builds", "--job", v["STUCK"], "--timeout", "50ms"}, exitTimedOut},
	}
	for _, tt := range tests {
		if _, stderr, code := call(t, append(tt.args, "--endpoint", v["CODEARTSBUILD_ENDPOINT"])...); code != tt.code {
			t.Errorf("%s: exit %d, %s, want %d", tt.args[0], code, stderr, tt.code)
		}
	}
}

func TestServeOnATakenPort(t *testing.T) {
	t.Parallel()
	_, v := serve(t)
	port := v["CODEARTSBUILD_ENDPOINT"][strings.LastIndex(v["CODEARTSBUILD_ENDPOINT"], ":")+1:]
	if _, stderr, code := call(t, "serve", "--port", port); code != exitFailed || !strings.Contains(stderr, "Choose another --port.") {
		t.Errorf("exit %d, %s, want 1", code, stderr)
	}
}
