package main

import (
	"regexp"
	"strings"
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
