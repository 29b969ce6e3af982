package main

import (
	"strings"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func TestLogOfAStep(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := server.AddJob("nightly")
	build := server.AddBuild(job, codeartsbuild.Build{StartedAt: time.Now().Add(-time.Hour)})
	server.AppendLog(job, build, "[2026/01/02 03:04:05.000] [INFO] [Maven] : compile\n")
	server.Finish(job, build, codeartsbuild.StatusSucceeded)
	command := []string{"logs", "--job", job, "--build", build, "--endpoint", server.URL, "--step"}
	for _, step := range []string{"maven", "stage2", "stage1"} {
		_, stderr, code := call(t, append(command, step)...)
		if code != 0 || stderr != "" {
			t.Errorf("%s: exit %d, stderr %q, want 0", step, code, stderr)
		}
	}
	stdout, stderr, code := call(t, append(command, "Gradle")...)
	if code != exitFailed || stdout != "" || !strings.Contains(stderr, "--step must be one of the build's steps, initial, ") || !strings.Contains(stderr, "Maven") {
		t.Errorf("unknown step: exit %d, stdout %q, stderr %q, want 1", code, stdout, stderr)
	}
}
