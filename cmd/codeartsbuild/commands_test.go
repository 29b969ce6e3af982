package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A use is one run of the program on the service that serve runs.
type use struct {
	command        string // with the variables that serve prints
	code           int
	stdout, stderr string // patterns; "" means that the stream must be empty
}

// The right uses of each command, in groups: those of a group build on each other.
var rightUses = map[string][]use{
	"lists": {
		{"jobs --project $PROJECT", 0, `(?s)^JOB +LAST STATUS +LAST BUILD +NAME\n.* nightly\n.* pushes\n$`, ""},
		{"jobs --project $PROJECT --search night -o json", 0, `^{"event":"job","job":"$NIGHTLY","name":"nightly","project":"\w+","disabled":false,.*}\n$`, ""},
		{"jobs --project $PROJECT --search nothing", 0, `^JOB .*\n$`, ""},
		{"builds --job $PUSHES", 0, `(?s)^job \w+\nBUILD +STATUS +BEGAN +TOOK +TRIGGER +REVISION +BRANCH\n6 +running +\S+ \S+ +- +push +7a1b2c3 +feat/login\n.*\n1 +running `, ""},
		{"builds --job $PUSHES --job $STUCK --within 1h", 0, `(?s)^job $PUSHES\n.*job $STUCK\n`, ""},
		{"builds --project $PROJECT --max 1 -o json", 0, `(?m)^{"event":"build","job":"$PUSHES","build":"6",.*"status":"running",`, ""},
		{"config --job $NIGHTLY", 0, `(?s)^{\n  "project_id": "$PROJECT",\n  "job_name": "nightly",.*}\n$`, ""},
		{"config --job $NIGHTLY -o json", 0, `^{"project_id":"$PROJECT","job_name":"nightly",.*}\n$`, ""},
		{"logs --job $STUCK --build 1", 0, `^`, `^.* build 1 is running: these are the last lines of its log; --follow prints all\n$`},
		{"logs --job $STUCK --build 1 --tail 1", 0, `^([^\n]*\n)?$`, ""},
	},
	"plans": {
		{"superseded --job $PUSHES", 0, `(?m)^STOP  5  feat/login   5f2d8c7  .*  superseded by 6\n(.*\n)+DRY RUN  chosen 3, kept 3, stopped 0\n`, dryRun},
		{"superseded --job $PUSHES -o json", 0, `(?m)^{"event":"stop","job":"$PUSHES","build":"5",.*"by":"6"}$`, ""},
		{"superseded --job $PUSHES --anchor 5 --keep 2 --branch feat/* --same-trigger", 0, `DRY RUN  chosen \d+, kept \d+, stopped 0\n$`, `.?`},
		{"superseded --job $PUSHES --protect * --max 1 --within 1h", 0, `DRY RUN  chosen 0, kept 6, stopped 0\n$`, ""},
		{"superseded --job $PUSHES --max 1", 1, `DRY RUN  chosen 3, kept 3, stopped 0\n$`, `^3 builds are chosen, which is more than --max 1: nothing was stopped\nLook at the lines above`},
		{"runaway --project $PROJECT --max-running 2h --max-queued 30m", 0, `(?m)^STOP  1  main  .*  running 3h41m\n`, dryRun},
		{"runaway --job $STUCK --max-running 2h --protect main", 0, `(?m)^KEEP  1  main  .*  protected\n`, ""},
		{"branches --job $PUSHES --branch release/*", 0, `(?m)^STOP  3  release/1.0 `, dryRun},
		{"branches --job $PUSHES --branch release/* --protect release/1.0", 0, `DRY RUN  chosen 0`, ""},
	},
	"stops": {
		{"superseded --project $PROJECT --yes", 0, `\nDONE  chosen 3, kept \d+, stopped [23]`, ""},
		{"branches --job $PUSHES --branch release/* --yes --wait 20s --reason gone --parallel 2", 0, `STOPPED  3  release/1.0  1b9d6bc  aborted after `, ""},
		{"stop --job $STUCK --build 2 --wait 20s -o json", 0, `^{"event":"accepted",.*}\n{"event":"stopped",.*"status":"aborted",.*}\n$`, ""},
		{"stop --job $STUCK --build 2", 0, `build 2: the build has already finished\n$`, ""},
		{"runaway --job $STUCK --max-running 2h --yes --best-effort -o json", 0, `{"event":"done","chosen":1,"kept":0,"stopped":1,.*}\n$`, ""},
	},
	"runs": {
		{"run --job $NIGHTLY --branch main", 0, `(?s)^\[.* : checkout: .* : upload: app.tar.gz\n$`, `(?s)^\S+  build 1 of job $NIGHTLY\n.*build 1 finished: succeeded after .*\n$`},
		{"rerun --job $NIGHTLY --build 1 --quiet -o json", 0, "", `^{"event":"build",.*"build":"2"}\n{"event":"result",.*"status":"succeeded",.*}\n$`},
		{"wait --job $NIGHTLY --build 2", 0, `^\S+  build 2: succeeded after .*\n$`, ""},
		{"wait --job $NIGHTLY --build 2 -o json", 0, `^{"event":"status",.*"status":"succeeded",.*}\n$`, ""},
		{"logs --job $NIGHTLY --build 1", 0, `^(\[.*\n){4}$`, ""},
		{"logs --job $NIGHTLY --build 1 --follow --from-offset 0", 0, `^(\[.*\n){4}$`, ""},
		{"logs --job $NIGHTLY --build 1 --tail 2", 0, `^(\[.*\n){2}$`, ""},
		{"logs --job $NIGHTLY --build 1 --step maven", 0, `^`, ""},
		{"logs --job $NIGHTLY --build 1 --step nothing", 1, "", `^--step must be one of the build's steps, `},
		{"artifacts --job $NIGHTLY --build 1", 0, `^KIND +TYPE +VERSION +NAME +URI\npackage `, ""},
		{"artifacts --job $NIGHTLY --build 1 -o json", 0, `^{"event":"package",.*}\n$`, ""},
	},
	"failures": {
		{"run --job $FLAKY --quiet", 1, "", `(?s)^\S+  build 1 of job $FLAKY\n.*build 1 finished: failed after .*\n$`},
		{"wait --job $FLAKY --build 1", 1, `^\S+  build 1: failed after .*\n$`, ""},
		{"wait --job $STUCK --build 1 --timeout 1s", 124, `^\S+  build 1: running\n$`, `(?s)^codeartsbuild: .*\nThe build goes on: wait longer with --timeout.\n$`},
		{"logs --job $STUCK --build 1 --follow --timeout 1s", 124, `^`, `^codeartsbuild: `},
		{"stop --job $STUCK --build 77", 1, "", notFound},
		{"wait --job $STUCK --build 77 --timeout 1s", 124, "", `^codeartsbuild: `},
		{"logs --job $STUCK --build 77", 1, "", notFound},
		{"artifacts --job $STUCK --build 77", 1, "", notFound},
		{"rerun --job $STUCK --build 77", 1, "", notFound},
		{"run --job " + noID, 1, "", notFound},
		{"config --job " + noID, 1, "", notFound},
		{"builds --job " + noID, 1, "", notFound},
		{"superseded --job " + noID, 1, "", notFound},
		{"runaway --max-queued 1m --job " + noID, 1, "", notFound},
		{"branches --branch x --job " + noID + " -o json", 1, "", `^{"event":"error","error":".*","remedy":"Check --job`},
		{"jobs --project " + noID, 1, "", `^the project has no job; `},
	},
	"others": {
		{"version", 0, `^codeartsbuild \S+ \(go1\.`, ""},
		{"version -o json", 0, `^{"event":"version","version":".*","go":"go1\.`, ""},
		{"completion bash", 0, `codeartsbuild`, ""},
		{"completion zsh", 0, `codeartsbuild`, ""},
		{"completion fish", 0, `codeartsbuild`, ""},
		{"completion powershell", 0, `codeartsbuild`, ""},
		{"help", 0, `^Codeartsbuild stops`, ""},
		{"help stop", 0, `^Stop stops one build`, ""},
		{"-h", 0, `^Codeartsbuild stops`, ""},
	},
}

const (
	noID     = "00000000000000000000000000000000"
	dryRun   = `^Nothing was stopped: --yes stops the builds\.\n$`
	notFound = `^codeartsbuild: \w+: .* \(422 \w+\.00031006, request \w+\)\nCheck --job `
)

// The flags that each command rejects before its first request, beside those that all commands reject.
var wrongUses = map[string][]string{
	"stop":       {"", "--job $STUCK", "--build 1", "--job x --build 1", "--job $STUCK --build 0", "--job $STUCK --build latest", "--job $STUCK --build 1 --wait -1s", "--job $STUCK --build 1 --wait 5"},
	"superseded": {"", "--job $PUSHES --project $PROJECT", "--job x", "--job $PUSHES --keep 0", "--job $PUSHES --max 0", "--job $PUSHES --parallel 0", "--job $PUSHES --within -1h", "--job $PUSHES --anchor x", "--project $PROJECT --anchor 5", "--job $PUSHES --protect ^x"},
	"runaway":    {"", "--job $STUCK", "--job $STUCK --max-running -1h", "--job $STUCK --max-running 2h --within 1h", "--project $PROJECT --max-running 1h --protect a..b", "--max-running 1h"},
	"branches":   {"", "--job $PUSHES", "--branch main", "--job $PUSHES --branch a..b", "--job $PUSHES --branch main --wait -1s"},
	"run":        {"", "--job x", "--job $STUCK --param x", "--job $STUCK --attach 1 --branch main", "--job $STUCK --from-offset 5", "--job $STUCK --attach 1 --from-offset -5", "--job $STUCK --stop-on-timeout"},
	"rerun":      {"", "--job $STUCK", "--job $STUCK --build x", "--job $STUCK --build 1 --stop-on-timeout"},
	"wait":       {"", "--job $STUCK", "--job x --build 1", "--job $STUCK --build 0"},
	"logs":       {"", "--job $STUCK", "--job $STUCK --build 1 --follow --tail 5", "--job $STUCK --build 1 --tail 1001", "--job $STUCK --build 1 --from-offset 5", "--job $STUCK --build 1 --step Maven --follow", "--job $STUCK --build 0"},
	"builds":     {"", "--job $STUCK --project $PROJECT", "--job x", "--job $STUCK --within 0", "--job $STUCK --max 0"},
	"jobs":       {"", "--project a/b"},
	"artifacts":  {"", "--job $STUCK", "--build 1", "--job $STUCK --build 0"},
	"config":     {"", "--job x", "--job $STUCK --yes", "--job $STUCK --file /nothing"},
	"serve":      {"--port 65536", "--port -1", "--fault x", "--fault StopJob=explode", "--fault =once:503", "--fault StopJob=delay:x"},
	"version":    {"-o xml"},
	"completion": {"", "tcsh", "bash zsh"},
	"help":       {"halt"},
}

// check runs the program in a process of its own, and compares its exit code and its streams.
func (u use) check(t *testing.T, variables map[string]string) {
	t.Helper()
	expand := func(text string) string {
		return os.Expand(text, func(name string) string {
			if v, ok := variables[name]; ok {
				return v
			}
			return "$" + name // the end of a pattern
		})
	}
	args := strings.Fields(expand(u.command))
	if strings.Contains(u.command, " --job ") || strings.Contains(u.command, " --project ") || strings.Contains(u.command, " --build ") {
		args = append(args, "--endpoint", variables["CODEARTSBUILD_ENDPOINT"])
	}
	p := start(t, nil, args...)
	code, stdout, stderr := p.end(), p.stdout.String(), p.stderr.String()
	if code != u.code {
		t.Errorf("%s: exit %d, want %d\nstdout:\n%s\nstderr:\n%s", u.command, code, u.code, stdout, stderr)
	}
	for _, s := range []struct{ name, text, want string }{{"stdout", stdout, u.stdout}, {"stderr", stderr, u.stderr}} {
		if s.want == "" && s.text != "" || !regexp.MustCompile(expand(s.want)).MatchString(s.text) {
			t.Errorf("%s: %s is\n%s\nwant %s", u.command, s.name, s.text, s.want)
		}
	}
	if strings.Contains(u.command, "-o json") && !strings.HasPrefix(u.command, "config") {
		for line := range strings.Lines(stdout) {
			var object struct{ Event string }
			if err := json.Unmarshal([]byte(line), &object); err != nil || object.Event == "" {
				t.Errorf("%s: the line %q has no event, %v", u.command, line, err)
			}
		}
	}
}

// TestEveryCommandOnServe runs each command, in a process of its own, on the service that serve runs.
func TestEveryCommandOnServe(t *testing.T) {
	t.Parallel()
	t.Run("right", func(t *testing.T) {
		t.Parallel()
		for name, uses := range rightUses {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p, variables := serve(t)
				for _, u := range uses {
					u.check(t, variables)
				}
				_ = p.Process.Signal(syscall.SIGTERM)
				if code := p.end(); code != 0 || p.stderr.String() != "" {
					t.Errorf("serve: exit %d, stderr %q, want 0", code, p.stderr.String())
				}
			})
		}
	})
	t.Run("wrong", func(t *testing.T) {
		t.Parallel()
		_, variables := serve(t)
		for command, flags := range wrongUses {
			for _, f := range append(slices.Clone(flags), "--nonsense", "word that-is-no-flag") {
				use{command + " " + f, exitUsage, "", `^(Usage: codeartsbuild|codeartsbuild: )`}.check(t, variables)
			}
		}
	})
}

// A command without a right or a wrong use above would not be checked.
func TestEveryCommandHasUses(t *testing.T) {
	t.Parallel()
	right := map[string]bool{"serve": true} // the service of all others
	for _, uses := range rightUses {
		for _, u := range uses {
			right[strings.Fields(u.command)[0]] = true
		}
	}
	for _, c := range (&program{}).commands() {
		if !right[c.Name()] || len(wrongUses[c.Name()]) == 0 {
			t.Errorf("%s has a right use: %t, and %d wrong ones, want both", c.Name(), right[c.Name()], len(wrongUses[c.Name()]))
		}
	}
}
