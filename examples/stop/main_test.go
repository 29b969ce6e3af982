package main

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

// aCloud has one job, with one build that runs.
func aCloud(t *testing.T) (cloud *programtest.Cloud, job string) {
	t.Helper()
	cloud = programtest.NewCloud(t)
	job = cloud.AddJob("nightly")
	cloud.StartBuild(job)
	return cloud, job
}

// untimed replaces what differs from run to run.
func untimed(lines []string) []string {
	var out []string
	for _, line := range lines {
		line = regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d  `).ReplaceAllString(line, "TIME  ")
		line = regexp.MustCompile(`\d+(\.\d)?s after`).ReplaceAllString(line, "SOON after")
		out = append(out, regexp.MustCompile(`http://127\.0\.0\.1:\d+`).ReplaceAllString(line, "URL"))
	}
	return out
}

func TestDemonstrationWithoutCredentials(t *testing.T) {
	t.Parallel()
	r := programtest.Run(t, nil)
	require.Equal(t, program.Done, r.Code, r.Stderr)
	require.Empty(t, r.Stderr)
	lines := untimed(r.Lines())
	require.Equal(t, "No credentials are set, so this is a demonstration with an in-memory service at URL.", lines[0])
	require.Regexp(t, `^TIME  logged in with a password and started build 1 of job [0-9a-f]{32}$`, lines[1])
	require.Equal(t, "TIME  the service accepted the stop of build 1", lines[2])
	require.Contains(t, lines, "TIME  build 1 is queued")
	require.Equal(t, []string{
		"TIME  build 1 is aborted",
		"Stopped: build 1 ended as aborted, SOON after the request.",
		"In the cloud: go run ./examples/stop -region REGION -job ID -build NUMBER -wait",
	}, lines[len(lines)-3:])
}

func TestStop(t *testing.T) {
	t.Parallel()
	drop, reply := codeartsbuildtest.DropAnswer(), codeartsbuildtest.Reply
	tests := map[string]struct {
		faults []codeartsbuildtest.Fault
		args   []string
		code   int
		stdout string // a pattern
		stderr string // a pattern
		stops  int
	}{
		"accepted": {
			nil, nil, program.Done, `(?m)^\d\d:\d\d:\d\d\.\d  the service accepted the stop of build 1\nAccepted: .* See it happen with -wait\.$`, "^$", 1,
		},
		"ended before": {
			[]codeartsbuildtest.Fault{reply(400, programtest.Finished)}, nil, program.Done, "build 1 had already finished", "^$", 1,
		},
		"ended before, and waited for": {
			[]codeartsbuildtest.Fault{reply(400, programtest.Finished)}, []string{"-wait"}, program.Done, "build 1 had already finished", "^$", 1,
		},
		"response lost, then ended": {
			[]codeartsbuildtest.Fault{drop, reply(400, programtest.Finished)}, nil, program.Done, "build 1 no longer runs", "^$", 2,
		},
		"refused": {
			[]codeartsbuildtest.Fault{reply(403, programtest.Forbidden)}, nil, program.Failed, "^$", `403 APIGW\.0302.*\nAsk an administrator`, 1,
		},
		"refused, though to be waited for": {
			[]codeartsbuildtest.Fault{reply(403, programtest.Forbidden)}, []string{"-wait"}, program.Failed, "^$", "Ask an administrator", 1,
		},
		"declined": {
			[]codeartsbuildtest.Fault{reply(200, `{"result":false}`)}, nil, program.Failed, "^$", "did not stop the build.*\nLook at the build", 1,
		},
		"no such build": {
			nil, []string{"-build", "2"}, program.Failed, "^$", "422 .*request [0-9a-f]{32}.*\nCheck -job", 1,
		},
		"no such job": {
			nil, []string{"-job", "0123456789abcdef0123456789abcdef"}, program.Failed, "^$", "422 .*\nCheck -job", 1,
		},
		"call switched off": {
			[]codeartsbuildtest.Fault{reply(404, `{"error_code":"APIGW.0101","error_msg":"API not exist"}`)}, nil, program.Failed, "^$", "\nThis region no longer has the call", 1,
		},
		"token expired": {
			[]codeartsbuildtest.Fault{codeartsbuildtest.ExpireToken()}, nil, program.Usage, "^$", "401 APIGW.0307.*\nCheck the credential", 1,
		},
		"redirected": {
			[]codeartsbuildtest.Fault{codeartsbuildtest.Redirect("https://login.example.com/")}, nil, program.Failed, "^$", "login.example.com.*\nCheck -endpoint", 1,
		},
		"response lost, then refused: unknown": {
			[]codeartsbuildtest.Fault{drop, reply(403, programtest.Forbidden)}, nil, program.Unknown, "^$", "outcome unknown.*\nThe build may or may not have been stopped. Run the same command again", 2,
		},
		"responses lost until all attempts are used: unknown": {
			slices.Repeat([]codeartsbuildtest.Fault{drop}, 5), nil, program.Unknown, "^$", "outcome unknown.*\nThe build may or may not have been stopped. Run the same command again", 5,
		},
		"no response within -timeout": {
			[]codeartsbuildtest.Fault{codeartsbuildtest.Delay(time.Minute)}, []string{"-timeout", "1s"}, program.TimedOut, "^$", "outcome unknown.*\nThe build may or may not have been stopped", 1,
		},
		"not ended within -timeout": {
			nil, []string{"-wait", "-timeout", "2s"}, program.TimedOut, "accepted the stop", "last seen running.*\nThe stop was accepted", 1,
		},
		"waited for": {
			nil, []string{"-wait"}, program.Done, `(?s)accepted the stop of build 1\n.*build 1 is running\n.*build 1 is aborted\nStopped: build 1 ended as aborted, [3-9](\.\d)?s after the request\.\n$`, "^$", 1,
		},
		"unknown, but it was seen to end": {
			[]codeartsbuildtest.Fault{drop, reply(403, programtest.Forbidden)}, []string{"-wait"}, program.Done, `(?s)outcome unknown.*; looking whether the build ends\n.*Stopped: build 1 ended as aborted`, "^$", 2,
		},
		"unknown, and not seen to end": {
			[]codeartsbuildtest.Fault{codeartsbuildtest.DropRequest(), reply(403, programtest.Forbidden)}, []string{"-wait", "-timeout", "3s"}, program.TimedOut, "looking whether the build ends", "\nThe build may or may not have been stopped", 2,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			cloud.Next("StopJob", tt.faults...)
			r := cloud.Run(t, append([]string{"-job", job, "-build", "1"}, tt.args...)...)
			require.Equal(t, tt.code, r.Code, r.Stdout+r.Stderr)
			require.Regexp(t, tt.stdout, r.Stdout)
			require.Regexp(t, tt.stderr, r.Stderr)
			require.Len(t, cloud.Changes(), tt.stops, "requests that stop")
		})
	}
}

func TestBuildThatEndsByItselfBeforeTheStopReachesIt(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	cloud.Next("StopJob", func(http.Handler) http.Handler {
		cloud.Finish(job, "1", codeartsbuild.StatusSucceeded)
		return codeartsbuildtest.Reply(200, `{"result":true}`)(nil)
	})
	r := cloud.Run(t, "-job", job, "-build", "1", "-wait")
	require.Equal(t, program.Done, r.Code, r.Stderr)
	require.Contains(t, r.Stdout, "\nNot stopped: build 1 ended as succeeded")
}

func TestCredentialsFromTheEnvironment(t *testing.T) {
	t.Parallel()
	const token = "a-token-that-nobody-knows"
	tests := map[string]struct {
		env    func(*programtest.Cloud) []string
		code   int
		stderr string // a pattern
	}{
		"access key": {(*programtest.Cloud).KeyEnv, program.Done, "^$"},
		"password":   {func(c *programtest.Cloud) []string { return c.PasswordEnv(c.Password()) }, program.Done, "^$"},
		"unknown token": {
			func(*programtest.Cloud) []string { return []string{"CODEARTSBUILD_TOKEN=" + token} },
			program.Usage, "401 APIGW.0307.*\nCheck the credential",
		},
		"wrong secret key": {
			func(c *programtest.Cloud) []string {
				return []string{c.KeyEnv()[0], "HUAWEICLOUD_SDK_SK=wrong-secret-key"}
			},
			program.Usage, "401 APIGW.0301.*\nCheck the credential",
		},
		"wrong password": {
			func(c *programtest.Cloud) []string { return c.PasswordEnv("wrong-password") },
			program.Usage, "CreateToken.*401.*\nCheck the credential",
		},
		"half an access key": {
			func(c *programtest.Cloud) []string { return c.KeyEnv()[:1] },
			program.Usage, "HUAWEICLOUD_SDK_SK must be set as well\nSay where the service is",
		},
		"two credentials": {
			func(c *programtest.Cloud) []string { return append(c.KeyEnv(), c.TokenEnv()...) },
			program.Usage, "HUAWEICLOUD_SDK_AK and CODEARTSBUILD_TOKEN cannot be combined",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			r := programtest.Run(t, tt.env(cloud), "-endpoint", cloud.URL, "-job", job, "-build", "1")
			require.Equal(t, tt.code, r.Code, r.Stderr)
			require.Regexp(t, tt.stderr, r.Stderr)
		})
	}
}

// Pod identity is asked here, since the metadata service of the machine that runs the test may know a key.
func TestCredentialThatIsNowhere(t *testing.T) {
	t.Parallel()
	pod := httptest.NewServer(http.NotFoundHandler())
	defer pod.Close()
	cloud, job := aCloud(t)
	r := programtest.Run(t, []string{
		"HC_CONTAINER_CREDENTIALS_FULL_URI=" + pod.URL, "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + programtest.WriteFile(t, "a-container's-token"),
	}, "-endpoint", cloud.URL, "-job", job, "-build", "1")
	require.Equal(t, program.Usage, r.Code, r.Stderr)
	require.Regexp(t, `no credential: none of HUAWEICLOUD_SDK_AK, .* 404 Not Found.*; set HUAWEICLOUD_SDK_AK and .*\nCheck the credential: it may be missing, `, r.Stderr)
	require.NotContains(t, r.Stderr, "a-container's-token")
	require.Empty(t, cloud.Changes())
}

func TestWrongUseSendsNothing(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	before := len(cloud.Requests())
	tests := map[string]struct {
		args   []string
		stderr string // a pattern
	}{
		"unknown flag":          {[]string{"-nonsense"}, "not defined: -nonsense"},
		"an argument":           {[]string{"-job", job, "-build", "1", "811"}, `"811" is not a flag\nRun it with -h`},
		"no build":              {[]string{"-job", job}, "both -job and -build are needed"},
		"no job":                {[]string{"-build", "1"}, "both -job and -build are needed"},
		"neither":               {nil, "both -job and -build are needed"},
		"empty job":             {[]string{"-job", "", "-build", "1"}, `invalid value "" for flag -job: the value is empty; perhaps a variable is not set`},
		"empty build":           {[]string{"-job", job, "-build", ""}, "for flag -build: the value is empty"},
		"no time":               {[]string{"-job", job, "-build", "1", "-timeout", "0"}, "-timeout is 0s, and has to be positive"},
		"negative time":         {[]string{"-job", job, "-build", "1", "-timeout", "-1s"}, "-timeout is -1s, and has to be positive"},
		"time without a unit":   {[]string{"-job", job, "-build", "1", "-timeout", "10"}, "parse error"},
		"job of another form":   {[]string{"-job", "nightly", "-build", "1"}, `job_id must be an id of 32 letters and digits, got "nightly".*\nCorrect the flag`},
		"daily number":          {[]string{"-job", job, "-build", "20221011.29"}, `"20221011.29" is a daily number`},
		"build zero":            {[]string{"-job", job, "-build", "0"}, `build_no must be a build number, a whole number from 1 to 2147483647, got "0"`},
		"endpoint and region":   {[]string{"-job", job, "-build", "1", "-region", "cn-north-4"}, "WithRegion and WithEndpoint cannot be combined"},
		"endpoint without tls":  {[]string{"-job", job, "-build", "1", "-endpoint", "http://example.com"}, "over http to example.com"},
		"endpoint that is none": {[]string{"-job", job, "-build", "1", "-endpoint", "example.com"}, "must start with https://"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cloud.Run(t, tt.args...)
			require.Equal(t, program.Usage, r.Code, r.Stdout+r.Stderr)
			require.Regexp(t, tt.stderr, r.Stderr)
			require.Empty(t, r.Stdout)
			require.Len(t, cloud.Requests(), before)
		})
	}
}

// An unset variable, and a place without a credential, must not pass for the wish to see something.
func TestNoDemonstrationWhereFlagsSayWhatToDo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args   []string
		stderr string
	}{
		"empty job and build": {[]string{"-job", "", "-build", ""}, "the value is empty"},
		"a region only":       {[]string{"-region", "cn-north-4"}, "both -job and -build are needed"},
		"an endpoint only":    {[]string{"-endpoint", "https://example.com"}, "both -job and -build are needed"},
		"no region":           {[]string{"-job", "0123456789abcdef0123456789abcdef", "-build", "1"}, "an endpoint is missing: .*\nSay where the service is with -region or -endpoint"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := programtest.Run(t, nil, tt.args...)
			require.Equal(t, program.Usage, r.Code, r.Stdout+r.Stderr)
			require.Empty(t, r.Stdout)
			require.Regexp(t, tt.stderr, r.Stderr)
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	cloud.Close()
	r := cloud.Run(t, "-job", job, "-build", "1")
	require.Equal(t, program.Failed, r.Code, "a connection that was refused leaves no outcome unknown: "+r.Stderr)
	require.Regexp(t, "no connection: .*refused\nCheck the network, -endpoint and -region", r.Stderr)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	r := programtest.Run(t, nil, "-h")
	require.Equal(t, program.Done, r.Code)
	for _, name := range []string{"-job id", "-build number", "-wait", "-region region", "-endpoint URL", "-timeout time"} {
		require.Contains(t, r.Stderr, "\n  "+name)
	}
}

func TestInterruptedItEndsAtOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		signal syscall.Signal
		faults []codeartsbuildtest.Fault
		args   []string
		ready  func(*programtest.Process, *programtest.Cloud, *testing.T)
		stderr string // a pattern
	}{
		"while it waits": {
			syscall.SIGINT, nil, []string{"-wait"},
			func(p *programtest.Process, _ *programtest.Cloud, _ *testing.T) { p.AwaitStdout("build 1 is running") },
			"last seen running.*\nThe stop was accepted, and the build ends without this program",
		},
		"by SIGTERM": {
			syscall.SIGTERM, nil, []string{"-wait"},
			func(p *programtest.Process, _ *programtest.Cloud, _ *testing.T) { p.AwaitStdout("build 1 is running") },
			"last seen running",
		},
		"while it stops": {
			syscall.SIGINT, []codeartsbuildtest.Fault{codeartsbuildtest.Delay(time.Minute)}, nil,
			func(_ *programtest.Process, c *programtest.Cloud, t *testing.T) {
				programtest.Await(t, "the stop arrives", func() bool { return c.Count("StopJob") == 1 })
			},
			"outcome unknown.*\nThe build may or may not have been stopped. Run the same command again",
		},
		"between two attempts": {
			syscall.SIGINT, []codeartsbuildtest.Fault{codeartsbuildtest.Reply(429, `{"error_code":"APIGW.0308","error_msg":"throttled"}`)}, nil,
			func(_ *programtest.Process, c *programtest.Cloud, t *testing.T) {
				programtest.Await(t, "the stop arrives", func() bool { return c.Count("StopJob") == 1 })
			},
			"context canceled.*\n(Wait a minute|The build may or may not)", // the response may not have arrived yet
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			cloud.Next("StopJob", tt.faults...)
			p := cloud.Start(t, append([]string{"-job", job, "-build", "1"}, tt.args...)...)
			tt.ready(p, cloud, t)
			p.Signal(tt.signal)
			r := p.Wait()
			require.Less(t, r.Took, 3*time.Second)
			require.Equal(t, program.Interrupted, r.Code, r.Stdout+r.Stderr)
			require.Regexp(t, tt.stderr, r.Stderr)
		})
	}
}

func TestInterruptedDemonstrationEndsAtOnce(t *testing.T) {
	t.Parallel()
	p := programtest.Start(t, nil)
	p.AwaitStdout("accepted the stop")
	p.Interrupt()
	r := p.Wait()
	require.Less(t, r.Took, 3*time.Second)
	require.Equal(t, program.Interrupted, r.Code, r.Stderr)
}
