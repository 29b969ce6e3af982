// Package programtest runs the programs in examples as their users do: each in a process of its own, in an
// environment with nothing in it, against an in-memory service on a socket.
package programtest

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// self is the variable that makes a test binary the program.
const self = "PROGRAMTEST_MAIN"

// Main is the body of a TestMain: it runs the tests or, in a process that Start made, the program.
func Main(m *testing.M, main func()) {
	if os.Getenv(self) != "" {
		main()
		return
	}
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = f.Value.Set("32") // the tests wait for builds to end, and need no processor for that
	}
	os.Exit(m.Run())
}

// A Process is a program that runs.
type Process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr output
	secrets        []string
	ended          chan struct{}
}

// A Result is what a program left behind.
type Result struct {
	Code           int // of its exit; -1 when a signal ended it
	Stdout, Stderr string
	Took           time.Duration
}

// Lines are those of stdout.
func (r Result) Lines() []string { return lines(r.Stdout) }

// Errors are the lines of stderr.
func (r Result) Errors() []string { return lines(r.Stderr) }

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// An output is what a process has printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// command is the program in an environment that holds env, a home without files, and nothing else.
func command(t *testing.T, env, args []string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program, args...)
	cmd.Env = append([]string{self + "=1", "HOME=" + t.TempDir(), "GORACE=atexit_sleep_ms=0"}, env...) // the race detector would sleep for 1 s
	if testing.CoverMode() != "" {
		cmd.Env = append(cmd.Env, "GOCOVERDIR="+t.TempDir()) // else the program would print a warning
	}
	cmd.Dir = t.TempDir()
	return cmd
}

// Start starts the program. It is killed when the test ends before it does.
func Start(t *testing.T, env []string, args ...string) *Process {
	t.Helper()
	return start(t, command(t, env, args), env)
}

// StartOnTerminal starts the program with a terminal as its stdout and stderr; what it prints there is its
// stdout. It skips the test where there is no script(1).
func StartOnTerminal(t *testing.T, env []string, args ...string) *Process {
	t.Helper()
	script, err := exec.LookPath("script")
	if err != nil {
		t.Skip("no script(1), which makes a terminal")
	}
	program := command(t, env, args)
	cmd := exec.Command(script, "--quiet", "--return", "--flush", "--command", strings.Join(program.Args, " "), os.DevNull)
	cmd.Env, cmd.Dir = append(program.Env, "SHELL=/bin/sh"), program.Dir
	return start(t, cmd, env)
}

func start(t *testing.T, cmd *exec.Cmd, env []string) *Process {
	t.Helper()
	p := &Process{t: t, cmd: cmd, secrets: secrets(env), ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	require.NoError(t, cmd.Start())
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // what it says is in ProcessState
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended, unless the test failed
		<-p.ended
	})
	return p
}

// secrets are the values of an environment that no output may hold.
func secrets(env []string) []string {
	found := []string{password()}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		for _, word := range []string{"TOKEN", "SK", "SECRET_KEY", "PASSWORD"} {
			if strings.HasSuffix(name, word) && value != "" {
				found = append(found, value)
			}
		}
	}
	return found
}

// Run runs the program until it ends.
func Run(t *testing.T, env []string, args ...string) Result {
	t.Helper()
	return Start(t, env, args...).Wait()
}

// limit is how long anything here may take.
const limit = time.Minute

// Wait waits for the end of the program. None of its outputs may hold a secret.
func (p *Process) Wait() Result {
	p.t.Helper()
	began := time.Now()
	select {
	case <-p.ended:
	case <-time.After(limit):
		_ = p.cmd.Process.Kill()
		<-p.ended
		require.Failf(p.t, "the program does not end", "stdout:\n%s\nstderr:\n%s", &p.stdout, &p.stderr)
	}
	r := Result{p.cmd.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String(), time.Since(began)}
	for _, secret := range p.secrets {
		require.NotContains(p.t, r.Stdout+r.Stderr, secret, "a secret was printed")
	}
	return r
}

// Interrupt sends what Ctrl-C sends.
func (p *Process) Interrupt() { p.Signal(os.Interrupt) }

// Signal sends a signal.
func (p *Process) Signal(signal os.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(signal))
}

// AwaitStdout waits until stdout holds a text.
func (p *Process) AwaitStdout(text string) {
	p.t.Helper()
	p.await(&p.stdout, text)
}

// AwaitStderr waits until stderr holds a text.
func (p *Process) AwaitStderr(text string) {
	p.t.Helper()
	p.await(&p.stderr, text)
}

func (p *Process) await(o *output, text string) {
	p.t.Helper()
	for !strings.Contains(o.String(), text) {
		select {
		case <-p.ended:
			if !strings.Contains(o.String(), text) {
				require.Failf(p.t, "the program ended without it", "%q\nstdout:\n%s\nstderr:\n%s", text, &p.stdout, &p.stderr)
			}
		case <-time.After(pause):
		}
	}
}

// pause is the time between two looks.
const pause = 5 * time.Millisecond

// Await waits until a condition holds.
func Await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, limit, pause, what)
}

// WriteFile puts a file into a folder of its own and returns its name.
func WriteFile(t *testing.T, content string) string {
	t.Helper()
	name := t.TempDir() + "/file"
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	return name
}

// ReadFile returns what is in a file; "" where there is none.
func ReadFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(t, err)
	}
	return string(content)
}
