// Package examples has programs that use the package, each complete in one file.
package examples

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// folder holds the compiled programs, as long as the tests run.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "examples"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// compile builds all programs, once.
var compile = sync.OnceValue(func() error {
	out, err := exec.Command("go", "build", "-o", folder+string(filepath.Separator), "./stop", "./sweep", "./webhook", "./run-and-follow").CombinedOutput()
	if err != nil {
		return errors.New(string(out))
	}
	return nil
})

// program prepares a program to run on a service, or without any credential.
func program(t *testing.T, server *codeartsbuildtest.Server, name string, args ...string) *exec.Cmd {
	t.Helper()
	if err := compile(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(folder, name), args...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "WEBHOOK_TOKEN=secret"}
	if server != nil {
		id, secret := server.AccessKey()
		cmd.Env = append(cmd.Env, "CODEARTSBUILD_ENDPOINT="+server.URL, "HUAWEICLOUD_SDK_AK="+id, "HUAWEICLOUD_SDK_SK="+secret)
	}
	return cmd
}

// output runs a program to its end.
func output(t *testing.T, cmd *exec.Cmd) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

func newServer(t *testing.T) *codeartsbuildtest.Server {
	t.Helper()
	server := codeartsbuildtest.NewServer()
	server.SetStopDelay(time.Millisecond)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// newPushes adds a job with two builds of a branch.
func newPushes(server *codeartsbuildtest.Server) (job string) {
	job = server.AddJob("pushes")
	for _, revision := range []string{"1111111", "2222222"} {
		server.AddBuild(job, codeartsbuild.Build{Branch: "feat/login", Revision: revision, Trigger: "push"})
	}
	return job
}

func TestStop(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault  codeartsbuildtest.Fault
		args   []string
		code   int
		stdout string // matches
		stderr string // a part
	}{
		"accepted":         {nil, []string{"-build", "1"}, 0, `accepted the stop of build 1, and ends it within seconds\n$`, ""},
		"waited":           {nil, []string{"-build", "1", "-wait"}, 0, `build 1 finished: aborted, .* after the request\n$`, ""},
		"lost response":    {codeartsbuildtest.DropAnswer(), []string{"-build", "1", "-wait"}, 0, `build 1 finished: aborted`, ""},
		"finished before":  {nil, []string{"-build", "3"}, 0, `^$`, "already finished"},
		"no such build":    {nil, []string{"-build", "99"}, 1, `^$`, "StopJob"},
		"flag is missing":  {nil, nil, 2, `^$`, "-job and -build are needed"},
		"wrong build":      {nil, []string{"-build", "0"}, 2, `^$`, "build_no must be a build number"},
		"outcome unknown":  {codeartsbuildtest.Reply(500, ""), []string{"-build", "1"}, 3, `^$`, "StopJob"},
		"too slow":         {codeartsbuildtest.Delay(time.Minute), []string{"-build", "1", "-timeout", "50ms"}, 124, `^$`, "StopJob"},
		"wrong credential": {codeartsbuildtest.Reply(401, `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information"}`), []string{"-build", "1"}, 2, `^$`, "StopJob"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			job := newPushes(server)
			server.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusFailed})
			if name == "lost response" {
				server.Next("StopJob", tt.fault)
			} else if tt.fault != nil {
				server.Always("StopJob", tt.fault)
			}
			stdout, stderr, code := output(t, program(t, server, "stop", append([]string{"-job", job}, tt.args...)...))
			if code != tt.code || !regexp.MustCompile(tt.stdout).MatchString(stdout) || !strings.Contains(stderr, tt.stderr) || tt.stderr == "" && stderr != "" {
				t.Errorf("exit %d, stdout %q, stderr %q, want %d, %s, %q", code, stdout, stderr, tt.code, tt.stdout, tt.stderr)
			}
		})
	}
}

func TestStopWithoutCredentialsDemonstrates(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := output(t, program(t, nil, "stop"))
	if code != 0 || stderr != "" || !strings.HasPrefix(stdout, "No credentials are set") || !strings.Contains(stdout, "build 1 finished: aborted") {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := newPushes(server)
	stdout, stderr, code := output(t, program(t, server, "sweep", "-project", server.ProjectID()))
	if want := "stop true   job " + job + "  build 1  branch \"feat/login\"  superseded by 2\n"; code != 0 || stderr != "" || !strings.Contains(stdout, want) || server.Status(job, "1") != codeartsbuild.StatusRunning {
		t.Errorf("plan: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	stdout, stderr, code = output(t, program(t, server, "sweep", "-project", server.ProjectID(), "-yes"))
	if want := "job " + job + "  build 1  aborted\n"; code != 0 || stderr != "" || !strings.HasSuffix(stdout, want) {
		t.Errorf("act: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestRunAndFollow(t *testing.T) {
	t.Parallel()
	for status, want := range map[codeartsbuild.BuildStatus]int{codeartsbuild.StatusSucceeded: 0, codeartsbuild.StatusFailed: 1} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			job := server.AddJob("nightly")
			go func() {
				for server.Status(job, "1") != codeartsbuild.StatusRunning {
					select {
					case <-t.Context().Done():
						return
					case <-time.After(5 * time.Millisecond):
					}
				}
				server.AppendLog(job, "1", "compile\nlink\n")
				server.Finish(job, "1", status)
			}()
			stdout, stderr, code := output(t, program(t, server, "run-and-follow", "-job", job, "-branch", "main"))
			if code != want || stdout != "compile\nlink\n" || !strings.HasPrefix(stderr, "build 1 started\n") || !strings.HasSuffix(stderr, "build 1 finished: "+string(status)+"\n") {
				t.Errorf("exit %d, stdout %q, stderr %q, want %d", code, stdout, stderr, want)
			}
		})
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := newPushes(server)
	address := freeAddress(t)
	cmd := program(t, server, "webhook", "-job", job, "-listen", address, "-after", "1ms")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for _, tt := range []struct {
		token, body string
		status      int
	}{
		{"wrong", `{"ref":"refs/heads/feat/login"}`, http.StatusUnauthorized},
		{"secret", `{"ref":"refs/tags/v1"}`, http.StatusBadRequest},
		{"secret", `{"ref":"refs/heads/feat/login"}`, http.StatusAccepted},
	} {
		if status := post(t, "http://"+address+"/push", tt.token, tt.body); status != tt.status {
			t.Errorf("%s: %d, want %d", tt.body, status, tt.status)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); server.Status(job, "1") != codeartsbuild.StatusAborted; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("build 1 was not stopped within 30 s")
		}
	}
	if status := server.Status(job, "2"); status != codeartsbuild.StatusRunning {
		t.Errorf("build 2 is %s, want running", status)
	}
}

// freeAddress is one that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// post sends a request as soon as the program listens.
func post(t *testing.T, url, token, body string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Gitlab-Token", token)
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			return resp.StatusCode
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestLengths keeps the programs short enough to be read at once.
func TestLengths(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"webhook/*.go", "sweep/*.go", "run-and-follow/*.go", "testing/*.go", "otel/main.go"} {
		files, _ := filepath.Glob(pattern)
		if len(files) != 1 {
			t.Errorf("%s are %d files, want one", pattern, len(files))
			continue
		}
		text, err := os.ReadFile(files[0])
		if lines := strings.Count(string(text), "\n"); err != nil || lines > 60 {
			t.Errorf("%s has %d lines, %v, want at most 60", files[0], lines, err)
		}
	}
}
