package main

import (
	"bufio"
	"encoding/json"
	"net/http"
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

func TestSweeps(t *testing.T) {
	t.Parallel()
	forbidden := codeartsbuildtest.Reply(403, `{"error_code":"DEV.00000003","error_msg":"denied"}`)
	tests := map[string]struct {
		args    []string
		fault   codeartsbuildtest.Fault // of all stops
		code    int
		stopped []string
		stdout  string // parts, separated by |
		stderr  string
	}{
		"superseded, plan":        {[]string{"superseded"}, nil, 0, nil, "STOP  2  main  2222222  3h0m  superseded by 3\n|DRY RUN  chosen 2, kept 1, stopped 0\n", "--yes stops the builds"},
		"superseded, act":         {[]string{"superseded", "--yes"}, nil, 0, []string{"1", "2"}, "STOPPED  2  main  2222222  stopping\n|DONE  chosen 2, kept 1, stopped 2\n", ""},
		"superseded, wait":        {[]string{"superseded", "--yes", "--wait", "20s"}, nil, 0, []string{"1", "2"}, "STOPPED  2  main  2222222  aborted after |DONE  chosen 2, kept 1, stopped 2\n", ""},
		"superseded, JSON":        {[]string{"superseded", "--yes", "-o", "json"}, nil, 0, []string{"1", "2"}, `{"event":"keep","job":"|"age_seconds":10800,"rule":"superseded","by":"3"}|"attempts":1,"request_id":"|{"event":"done","chosen":2,"kept":1,"stopped":2,"already":0,"skipped":0,"failed":0,"unknown":0,"still_running":0}`, ""},
		"superseded, keep two":    {[]string{"superseded", "--yes", "--keep", "2"}, nil, 0, []string{"1"}, "DONE  chosen 1", ""},
		"superseded, protected":   {[]string{"superseded", "--yes", "--protect", "ma*"}, nil, 0, nil, "protected\n|DONE  chosen 0", ""},
		"superseded, other":       {[]string{"superseded", "--yes", "--branch", "feat/*"}, nil, 0, nil, "DONE  chosen 0", ""},
		"superseded, too many":    {[]string{"superseded", "--yes", "--max", "1"}, nil, 1, nil, "DRY RUN  chosen 2", "2 builds are chosen, which is more than --max 1: nothing was stopped"},
		"superseded, forbidden":   {[]string{"superseded", "--yes"}, forbidden, 1, []string{"1", "2"}, "FAILED   1  main|DONE  chosen 2, kept 1, stopped 0, failed 2\n", "Ask an administrator"},
		"superseded, best effort": {[]string{"superseded", "--yes", "--best-effort"}, forbidden, 0, []string{"1", "2"}, "failed 2\n", ""},
		"superseded, unknown":     {[]string{"superseded", "--yes"}, codeartsbuildtest.Reply(504, ""), 3, []string{"1", "2"}, "unknown 2\n", "Run the same command again"},
		"runaway":                 {[]string{"runaway", "--max-running", "2h", "--yes"}, nil, 0, []string{"1", "2", "3"}, "running 3h0m|DONE  chosen 3, kept 0, stopped 3\n", ""},
		"runaway, protected":      {[]string{"runaway", "--max-running", "2h", "--yes", "--protect", "main"}, nil, 0, nil, "KEEP  1  main  1111111  3h0m  protected\n|DONE  chosen 0", ""},
		"runaway, within a limit": {[]string{"runaway", "--max-running", "4h", "--yes"}, nil, 0, nil, "within limit", ""},
		"branches":                {[]string{"branches", "--branch", "main", "--yes"}, nil, 0, []string{"1", "2", "3"}, "DONE  chosen 3", ""},
		"branches, protected":     {[]string{"branches", "--branch", "*", "--protect", "main", "--yes"}, nil, 0, nil, "DONE  chosen 0", ""},
	}
	for name, tt := range tests {
		for _, target := range []string{"--job", "--project"} {
			t.Run(name+" of a "+target[2:], func(t *testing.T) {
				t.Parallel()
				server := newServer(t)
				job := newPushes(server)
				if tt.fault != nil {
					server.Always("StopJob", tt.fault)
				}
				id := map[string]string{"--job": job, "--project": server.ProjectID()}[target]
				stdout, stderr, code := call(t, append(slices.Clone(tt.args), target, id, "--endpoint", server.URL)...)
				got := stops(server)
				slices.Sort(got)
				if got = slices.Compact(got); code != tt.code || !slices.Equal(got, tt.stopped) {
					t.Errorf("exit %d, stops of %v, want %d and %v; stdout %s; stderr %s", code, got, tt.code, tt.stopped, stdout, stderr)
				}
				for _, part := range strings.Split(tt.stdout, "|") {
					if !strings.Contains(stdout, part) {
						t.Errorf("stdout lacks %q:\n%s", part, stdout)
					}
				}
				if !strings.Contains(stderr, tt.stderr) || tt.stderr == "" && stderr != "" {
					t.Errorf("stderr is %q, want %q", stderr, tt.stderr)
				}
			})
		}
	}
}

func TestProjectWithoutJobs(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for _, args := range [][]string{{"superseded"}, {"runaway", "--max-running", "1h"}, {"branches", "--branch", "x"}, {"builds"}, {"jobs"}} {
		stdout, stderr, code := call(t, append(args, "--project", strings.Repeat("0", 32), "--endpoint", server.URL)...)
		if code != exitFailed || stdout != "" || !strings.Contains(stderr, "project") {
			t.Errorf("%s: exit %d, stdout %q, stderr %q, want 1 and a message", args[0], code, stdout, stderr)
		}
	}
}

// The builds of a time are those of the service's time: the local clock may be hours off.
func TestBuildsByTheClockOfTheService(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-3 * time.Hour, 0, 3 * time.Hour} {
		server := newServer(t)
		server.Always("", func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
				next.ServeHTTP(w, r)
			})
		})
		job := server.AddJob("nightly")
		now := time.Now().Add(ahead)
		server.AddBuild(job, codeartsbuild.Build{StartedAt: now.Add(-2 * time.Hour)})
		server.AddBuild(job, codeartsbuild.Build{StartedAt: now.Add(-time.Minute)})
		for _, target := range [][]string{{"--job", job}, {"--project", server.ProjectID()}} {
			stdout, stderr, code := call(t, append([]string{"builds", "--within", "1h", "-o", "json", "--endpoint", server.URL}, target...)...)
			if code != exitDone || strings.Count(stdout, "\n") != 1 || !strings.Contains(stdout, `"build":"2"`) {
				t.Errorf("the service is %v ahead, %s: exit %d, stdout %q, stderr %q, want build 2 alone", ahead, target[0], code, stdout, stderr)
			}
		}
	}
}

// A job of a project is looked at unless it is known to be idle.
func TestJobsThatMayBuild(t *testing.T) {
	t.Parallel()
	for row, want := range map[string]bool{
		`"is_finished":true,"last_build_time":"","last_build_status":"red"`:                        true,
		`"is_finished":true,"last_build_time":"1970-01-01 08:00:00","last_build_status":"red"`:     true,
		`"is_finished":true,"last_build_time":"2020-01-01 00:00:00","last_build_status":"running"`: true,
		`"is_finished":false,"last_build_time":"2020-01-01 00:00:00","last_build_status":"red"`:    true,
		`"is_finished":true,"last_build_time":"2020-01-01 00:00:00","last_build_status":"red"`:     false,
		`"is_finished":true,"last_build_time":"","last_build_status":"none"`:                       false,
	} {
		server := newServer(t)
		job := newPushes(server)
		server.Next("ListProjectJobs", codeartsbuildtest.Reply(200, `{"result":{"jobs":[{"id":"`+job+`",`+row+`}],"total":1}}`))
		stdout, stderr, _ := call(t, "branches", "--branch", "main", "--project", server.ProjectID(), "--endpoint", server.URL)
		if got := strings.Contains(stdout, "STOP"); got != want {
			t.Errorf("%s: builds of the job are planned: %v, want %v; stdout %q, stderr %q", row, got, want, stdout, stderr)
		}
	}
}

// records are the events of an audit file for each build.
func records(t *testing.T, name string) map[string][]string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	events := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		var record struct{ Event, Build, Rule, Reason string }
		if json.Unmarshal([]byte(line), &record) == nil {
			events[record.Build] = append(events[record.Build], record.Event)
		}
	}
	return events
}

func TestAuditFile(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := newPushes(server)
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(name, []byte(`{"event":"stop","build":"9`), 0o600); err != nil { // of a run that was killed
		t.Fatal(err)
	}
	args := []string{"superseded", "--job", job, "--endpoint", server.URL, "--audit", name}
	if _, stderr, code := call(t, args...); code != 0 {
		t.Fatalf("plan: exit %d, %s", code, stderr)
	}
	if _, stderr, code := call(t, append(args, "--yes", "--reason", "newer push")...); code != 0 {
		t.Fatalf("act: exit %d, %s", code, stderr)
	}
	got := records(t, name)
	for _, build := range []string{"1", "2"} {
		if !slices.Equal(got[build], []string{"stop", "stopped"}) {
			t.Errorf("build %s has the records %v, want stop, stopped", build, got[build])
		}
	}
	data, _ := os.ReadFile(name)
	if text := string(data); !strings.Contains(text, `"rule":"superseded by 3","reason":"newer push"`) || !strings.HasPrefix(text, `{"event":"stop","build":"9`+"\n{") {
		t.Errorf("the file is\n%s", text)
	}
}

func TestAuditFileThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	fifo := filepath.Join(folder, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{folder, "/dev/full", fifo, filepath.Join(folder, "missing", "file")} {
		server := newServer(t)
		job := newPushes(server)
		_, stderr, code := call(t, "superseded", "--job", job, "--endpoint", server.URL, "--audit", name, "--yes")
		if code != exitFailed || len(stops(server)) != 0 || !strings.Contains(stderr, "the audit file cannot be written, so nothing is stopped") {
			t.Errorf("%s: exit %d after %d stops, stderr %q, want 1 after none", name, code, len(stops(server)), stderr)
		}
	}
}

func TestAuditFileIsPrivateAndWrittenThrough(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	link, file := filepath.Join(folder, "link"), filepath.Join(folder, "file")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	server := newServer(t)
	if _, stderr, code := call(t, "superseded", "--job", newPushes(server), "--endpoint", server.URL, "--audit", link, "--yes"); code != 0 {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	info, err := os.Lstat(file)
	if err != nil || info.Mode() != 0o600 || len(records(t, file)) != 2 {
		t.Errorf("the file is %v, %v, with %d builds, want -rw------- with 2", info, err, len(records(t, file)))
	}
}

func TestClosedPipeLosesNoRecord(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := server.AddJob("busy")
	for range 20 {
		server.AddBuild(job, codeartsbuild.Build{Branch: "main", StartedAt: time.Now().Add(-3 * time.Hour)})
	}
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, writer, "runaway", "--job", job, "--max-running", "1h", "--yes", "--audit", name, "--endpoint", server.URL)
	writer.Close()
	for lines := bufio.NewScanner(reader); lines.Scan() && !strings.HasPrefix(lines.Text(), "STOPPED"); {
	}
	reader.Close()
	if code := p.end(); code != exitFailed {
		t.Errorf("exit %d, stderr %q, want 1", code, p.stderr.String())
	}
	got := records(t, name)
	for _, build := range stops(server) {
		if len(got[build]) != 2 {
			t.Errorf("build %s got a stop, and its records are %v, want two", build, got[build])
		}
	}
}

func TestKilledSweepHasARecordOfEachStop(t *testing.T) {
	t.Parallel()
	count := func(operation string, n int) func([]codeartsbuildtest.Request) bool {
		return func(requests []codeartsbuildtest.Request) bool {
			for _, r := range requests {
				if r.Operation == operation {
					n--
				}
			}
			return n <= 0
		}
	}
	phases := map[string]func([]codeartsbuildtest.Request) bool{
		"planning":       count("ListBuildInfoRecordByJobId", 1),
		"reading":        count("ShowJobBuildRecordDetail", 1),
		"first stop":     count("StopJob", 1),
		"third stop":     count("StopJob", 3),
		"tenth stop":     count("StopJob", 10),
		"after all":      count("StopJob", 12),
		"after some end": count("ShowJobBuildRecordDetail", 15),
	}
	for name, reached := range phases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			job := server.AddJob("busy")
			for range 12 {
				server.AddBuild(job, codeartsbuild.Build{Branch: "main", StartedAt: time.Now().Add(-3 * time.Hour)})
			}
			server.Always("", codeartsbuildtest.Delay(3*time.Millisecond))
			file := filepath.Join(t.TempDir(), "audit.jsonl")
			p := start(t, nil, "runaway", "--job", job, "--max-running", "1h", "--yes", "--audit", file, "--wait", "1m", "--endpoint", server.URL)
			eventually(t, name, func() bool { return reached(server.Requests()) })
			_ = p.Process.Kill()
			p.end()
			got := records(t, file)
			for _, build := range stops(server) {
				if len(got[build]) == 0 {
					t.Errorf("build %s got a stop and has no record", build)
				}
			}
		})
	}
}

// Each phase of a sweep that stops one build after the other ends with a request that the service holds back. The
// program is killed then.
func TestKilledInEachPhase(t *testing.T) {
	t.Parallel()
	const builds = 3
	phases := map[string]struct {
		operation                string // whose request is held back
		nth                      int
		chosen, stopped, outcome int // builds on record as chosen, with a stop that arrived, with an outcome on record
	}{
		"before the plan":               {"ListBuildInfoRecordByJobId", 1, 0, 0, 0},
		"after the records of the plan": {"ShowJobBuildRecordDetail", 1, builds, 0, 0},
		"during the first stop":         {"StopJob", 1, builds, 1, 0},
		"after the first outcome":       {"ShowJobBuildRecordDetail", 2, builds, 1, 1},
		"during the second stop":        {"StopJob", 2, builds, 2, 1},
		"after the outcome before last": {"ShowJobBuildRecordDetail", builds, builds, builds - 1, builds - 1},
		"during the last stop":          {"StopJob", builds, builds, builds, builds - 1},
	}
	for name, tt := range phases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			job := newPushes(server)
			held := make(chan struct{})
			hold := func(http.Handler) http.Handler {
				return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					close(held)
					<-r.Context().Done()
				})
			}
			through := func(service http.Handler) http.Handler { return service }
			server.Next(tt.operation, append(slices.Repeat([]codeartsbuildtest.Fault{through}, tt.nth-1), hold)...)
			file := filepath.Join(t.TempDir(), "audit.jsonl")
			p := start(t, nil, "runaway", "--job", job, "--max-running", "1h", "--yes", "--parallel", "1", "--audit", file, "--endpoint", server.URL)
			eventually(t, tt.operation, func() bool {
				select {
				case <-held:
					return true
				default:
					return false
				}
			})
			_ = p.Process.Kill()
			p.end()
			chosen, outcomes := 0, 0
			got := records(t, file)
			for build, events := range got {
				if build != "" && events[0] == "stop" {
					chosen++
					outcomes += len(events) - 1
				}
			}
			if n := len(stops(server)); chosen != tt.chosen || n != tt.stopped || outcomes != tt.outcome {
				t.Errorf("%d builds are on record as chosen, %d got a stop, %d have an outcome, want %d, %d, %d; the records are %v",
					chosen, n, outcomes, tt.chosen, tt.stopped, tt.outcome, got)
			}
		})
	}
}

func TestAuditFileThatBreaksEndsTheSweep(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := server.AddJob("busy")
	for range 20 {
		server.AddBuild(job, codeartsbuild.Build{Branch: "main", StartedAt: time.Now().Add(-3 * time.Hour)})
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	server.Next("StopJob", func(service http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reader.Close()
			service.ServeHTTP(w, r)
		})
	})
	stdout, stderr, code := call(t, "runaway", "--job", job, "--max-running", "1h", "--yes", "--parallel", "1", "--audit", fifo, "--endpoint", server.URL)
	if n := len(stops(server)); code != exitFailed || n > 2 || !strings.Contains(stderr, "the audit file has no outcome of build ") {
		t.Errorf("exit %d after %d stops, stdout %q, stderr %q, want 1 after a few", code, n, stdout, stderr)
	}
}
