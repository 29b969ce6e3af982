package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDifference(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ before, after, want string }{
		"same":    {"a b c", "a b c", ""},
		"added":   {"a c", "a b c", "+2b"},
		"removed": {"a b c", "a c", "-2b"},
		"changed": {"a b c", "a x c", "-2b +2x"},
		"several": {"a b c d e", "a x c e f", "-2b +2x -4d +5f"},
		"all":     {"a", "b", "-1a +1b"},
	}
	for name, tt := range tests {
		var got []string
		for _, ch := range difference(strings.Fields(tt.before), strings.Fields(tt.after)) {
			got = append(got, fmt.Sprintf("%c%d%s", ch.sign, ch.line, ch.text))
		}
		if !slices.Equal(got, strings.Fields(tt.want)) {
			t.Errorf("%s: %v, want %s", name, got, tt.want)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := server.AddJob("nightly")
	command := []string{"config", "--job", job, "--endpoint", server.URL}
	printed, stderr, code := call(t, command...)
	if code != 0 || !strings.Contains(printed, "\n  \"job_name\": \"nightly\"") {
		t.Fatalf("get: exit %d, stdout %s, stderr %s", code, printed, stderr)
	}
	file := filepath.Join(t.TempDir(), "job.json")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(printed)
	if stdout, stderr, code := call(t, append(command, "--file", file, "--yes")...); code != 0 || stdout != "DRY RUN  lines removed 0, added 0\n" || stderr != "" {
		t.Errorf("no change: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	write(strings.Replace(printed, `"nightly"`, `"nightly-2"`, 1))
	for _, step := range []struct {
		flag, stdout string
		updates      int
	}{
		{"--yes=false", "\"nightly-2\",\nDRY RUN  lines removed 1, added 1\n", 0},
		{"--yes", "\"nightly-2\",\nDONE  lines removed 1, added 1\n", 1},
		{"--yes", "DRY RUN  lines removed 0, added 0\n", 1},
	} {
		stdout, stderr, code := call(t, append(command, "--file", file, step.flag)...)
		updates := 0
		for _, operation := range operations(server) {
			if operation == "UpdateNewJob" {
				updates++
			}
		}
		if code != 0 || !strings.HasSuffix(stdout, step.stdout) || updates != step.updates {
			t.Errorf("%s: exit %d after %d updates, stdout %q, stderr %q, want %d and %q", step.flag, code, updates, stdout, stderr, step.updates, step.stdout)
		}
	}
	for name, args := range map[string][]string{"yes alone": {"--yes"}, "missing file": {"--file", file + "x"}, "broken file": {"--file", os.Args[0]}} {
		if stdout, stderr, code := call(t, append(command, args...)...); code != exitUsage || stdout != "" {
			t.Errorf("%s: exit %d, stdout %q, stderr %q, want 2", name, code, stdout, stderr)
		}
	}
}
