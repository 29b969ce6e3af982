package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

// aCloud has one job, in which builds 1 to 3 and 5 of feat/x run, and build 4 of main.
func aCloud(t *testing.T) (cloud *programtest.Cloud, job string) {
	t.Helper()
	cloud = programtest.NewCloud(t)
	return cloud, addJob(cloud)
}

func addJob(cloud *programtest.Cloud) (job string) {
	job = cloud.AddJob("nightly")
	for i, b := range []codeartsbuild.Build{
		{Branch: "feat/x", Revision: "1a2b3c4d5e6f"},
		{Branch: "feat/x", Revision: "2a2b3c4d5e6f", Status: codeartsbuild.StatusQueued},
		{Branch: "feat/x", Revision: "3a2b3c4d5e6f", Trigger: codeartsbuild.TriggerManual},
		{Branch: "main", Revision: "4a2b3c4d5e6f"},
		{Branch: "feat/x", Revision: "5a2b3c4d5e6f"},
	} {
		b.QueuedAt = time.Now().Add(-672*time.Second + time.Duration(i)*time.Minute)
		cloud.AddBuild(job, b)
	}
	return job
}

var (
	ages     = regexp.MustCompile(`age=[0-9hms]+`)
	ids      = regexp.MustCompile(`request_id=[0-9a-f]{32}\b`)
	moments  = regexp.MustCompile(`after=\d+s`)
	problems = regexp.MustCompile(`(error|message)="[^"]*"`)
)

// untimed are the lines of stdout without what differs from run to run.
func untimed(r programtest.Result, job string) []string {
	text := strings.ReplaceAll(r.Stdout, "job="+job, "job=JOB")
	for pattern, word := range map[*regexp.Regexp]string{ages: "age=AGE", ids: "request_id=ID", moments: "after=SOON", problems: "$1=TEXT"} {
		text = pattern.ReplaceAllString(text, word)
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

var decided = []string{
	"KEEP job=JOB build=5 branch=feat/x rev=5a2b3c4 age=AGE reason=newest",
	"KEEP job=JOB build=4 branch=main rev=4a2b3c4 age=AGE reason=newest",
	"KEEP job=JOB build=3 branch=feat/x rev=3a2b3c4 age=AGE reason=manual",
	"STOP job=JOB build=2 branch=feat/x rev=2a2b3c4 age=AGE by=#5",
	"STOP job=JOB build=1 branch=feat/x rev=1a2b3c4 age=AGE by=#5",
}

func TestDemonstration(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		last string
	}{
		"a dry run":     {nil, "DRY RUN chosen=3 kept=3 stopped=0"},
		"for real":      {[]string{"-yes"}, "DONE chosen=3 kept=3 stopped=3 already=0 failed=0 unknown=0 still_running=0"},
		"to the end":    {[]string{"-yes", "-wait", "1m"}, "DONE chosen=3 kept=3 stopped=3 already=0 failed=0 unknown=0 still_running=0"},
		"of a schedule": {[]string{"-include-scheduled"}, "DRY RUN chosen=4 kept=2 stopped=0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := programtest.Run(t, nil, append([]string{"-demo"}, tt.args...)...)
			require.Equal(t, program.Done, r.Code, r.Stderr)
			lines := r.Lines()
			require.Regexp(t, `^KEEP job=\w{32} build=6 branch=feat/login rev=7a1b2c3 age=2m2\ds reason=newest$`, lines[0])
			require.Equal(t, tt.last, lines[len(lines)-1])
		})
	}
}

func TestDryRunIsTheDefault(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	r := cloud.Run(t, "-job", job)
	require.Equal(t, program.Done, r.Code, r.Stderr)
	require.Equal(t, append(decided, "DRY RUN chosen=2 kept=3 stopped=0"), untimed(r, job))
	require.Regexp(t, `build=1 branch=feat/x rev=1a2b3c4 age=11m(1[2-9]|[2-5]\d)s by=#5\n`, r.Stdout)
	require.Equal(t, "Nothing was stopped: run it with -yes for that.\n", r.Stderr)
	require.Empty(t, cloud.Changes(), "a plan only reads")
}

func TestNothingToStop(t *testing.T) {
	t.Parallel()
	cloud := programtest.NewCloud(t)
	job := cloud.AddJob("nightly")
	r := cloud.Run(t, "-job", job, "-yes")
	require.Equal(t, program.Done, r.Code, r.Stderr)
	require.Equal(t, "DONE chosen=0 kept=0 stopped=0 already=0 failed=0 unknown=0 still_running=0\n", r.Stdout)
	require.Empty(t, r.Stderr)
}

func TestYesStops(t *testing.T) {
	t.Parallel()
	reply, drop := codeartsbuildtest.Reply, codeartsbuildtest.DropAnswer()
	tests := map[string]struct {
		args    []string
		prepare func(cloud *programtest.Cloud, job string)
		code    int
		lines   []string // after the decisions
		stderr  string   // a pattern of its end
	}{
		"accepted": {
			nil, nil, program.Done, []string{
				"STOPPED job=JOB build=2 branch=feat/x rev=2a2b3c4 status=stopping request_id=ID",
				"STOPPED job=JOB build=1 branch=feat/x rev=1a2b3c4 status=stopping request_id=ID",
				"DONE chosen=2 kept=3 stopped=2 already=0 failed=0 unknown=0 still_running=0",
			}, `attempts=1\n$`,
		},
		"waited for": {
			[]string{"-wait", "1m"}, nil, program.Done, []string{
				"STOPPED job=JOB build=2 branch=feat/x rev=2a2b3c4 status=aborted after=SOON request_id=ID",
				"STOPPED job=JOB build=1 branch=feat/x rev=1a2b3c4 status=aborted after=SOON request_id=ID",
				"DONE chosen=2 kept=3 stopped=2 already=0 failed=0 unknown=0 still_running=0",
			}, `attempts=1\n$`,
		},
		"not ended within -wait": {
			[]string{"-wait", "500ms"}, nil, program.Failed, []string{
				"STILL RUNNING job=JOB build=2 branch=feat/x rev=2a2b3c4 status=queued after=SOON request_id=ID",
				"STILL RUNNING job=JOB build=1 branch=feat/x rev=1a2b3c4 status=running after=SOON request_id=ID",
				"DONE chosen=2 kept=3 stopped=0 already=0 failed=0 unknown=0 still_running=2",
			}, "\nLook again later, or wait longer\\.\n$",
		},
		"one has ended meanwhile": {
			nil, func(cloud *programtest.Cloud, job string) {
				cloud.Next("ShowJobBuildRecordDetail", cloud.Ends(job, "1", codeartsbuild.StatusFailed))
			}, program.Done, []string{
				"STOPPED job=JOB build=2 branch=feat/x rev=2a2b3c4 status=stopping request_id=ID",
				"ALREADY job=JOB build=1 branch=feat/x rev=1a2b3c4 status=failed",
				"DONE chosen=2 kept=3 stopped=1 already=1 failed=0 unknown=0 still_running=0",
			}, `attempts=1\n$`,
		},
		"one is refused": {
			nil, func(cloud *programtest.Cloud, _ string) { cloud.Next("StopJob", reply(403, programtest.Forbidden)) },
			program.Failed, []string{
				"FAILED job=JOB build=2 branch=feat/x rev=2a2b3c4 code=APIGW.0302 status=403 request_id=ID message=TEXT",
				"STOPPED job=JOB build=1 branch=feat/x rev=1a2b3c4 status=stopping request_id=ID",
				"DONE chosen=2 kept=3 stopped=1 already=0 failed=1 unknown=0 still_running=0",
			}, "\nAsk an administrator of the project .*\n$",
		},
		"one is refused, with best effort": {
			[]string{"-best-effort"}, func(cloud *programtest.Cloud, _ string) { cloud.Next("StopJob", reply(403, programtest.Forbidden)) },
			program.Done, []string{
				"FAILED job=JOB build=2 branch=feat/x rev=2a2b3c4 code=APIGW.0302 status=403 request_id=ID message=TEXT",
				"STOPPED job=JOB build=1 branch=feat/x rev=1a2b3c4 status=stopping request_id=ID",
				"DONE chosen=2 kept=3 stopped=1 already=0 failed=1 unknown=0 still_running=0",
			}, `attempts=1\n$`,
		},
		"of one the outcome is unknown": {
			nil, func(cloud *programtest.Cloud, _ string) {
				cloud.Next("StopJob", drop, reply(403, programtest.Forbidden))
			}, program.Unknown, []string{
				"UNKNOWN job=JOB build=2 branch=feat/x rev=2a2b3c4 code=APIGW.0302 status=403 request_id=ID message=TEXT",
				"STOPPED job=JOB build=1 branch=feat/x rev=1a2b3c4 status=stopping request_id=ID",
				"DONE chosen=2 kept=3 stopped=1 already=0 failed=0 unknown=1 still_running=0",
			}, "\nThe build may or may not have been stopped. Run the same command again: that is always safe.\n$",
		},
		"of one the response was lost, and it has ended": {
			nil, func(cloud *programtest.Cloud, _ string) {
				cloud.Next("StopJob", drop, reply(400, programtest.Finished))
			}, program.Done, []string{
				"ALREADY job=JOB build=2 branch=feat/x rev=2a2b3c4",
				"STOPPED job=JOB build=1 branch=feat/x rev=1a2b3c4 status=stopping request_id=ID",
				"DONE chosen=2 kept=3 stopped=1 already=1 failed=0 unknown=0 still_running=0",
			}, `attempts=1\n$`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			if tt.prepare != nil {
				tt.prepare(cloud, job)
			}
			args := []string{"-job", job, "-yes"}
			if tt.prepare != nil {
				args = append(args, "-parallel", "1") // so that the first fault meets the first build
			}
			r := cloud.Run(t, append(args, tt.args...)...)
			require.Equal(t, tt.code, r.Code, r.Stdout+r.Stderr)
			programtest.RequireSweep(t, decided, tt.lines, untimed(r, job))
			require.Regexp(t, tt.stderr, r.Stderr)
			require.Equal(t, codeartsbuild.StatusRunning, cloud.Status(job, "5"), "the newest goes on")
		})
	}
}

func TestOptionsOfTheRule(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args    []string
		stopped string // the builds, newest first
		why     string // a line that explains it
	}{
		"as they are":                        {nil, "2 1", "build=3 branch=feat/x rev=3a2b3c4 age=AGE reason=manual"},
		"the newest two stay":                {[]string{"-keep", "2", "-include-manual"}, "2 1", "build=3 branch=feat/x rev=3a2b3c4 age=AGE reason=newest"},
		"those of people as well":            {[]string{"-include-manual"}, "3 2 1", "build=3 branch=feat/x rev=3a2b3c4 age=AGE by=#5"},
		"protected":                          {[]string{"-protect", "feat/*"}, "", "build=1 branch=feat/x rev=1a2b3c4 age=AGE reason=protected"},
		"protected twice":                    {[]string{"-protect", "release/*", "-protect", "feat/?"}, "", "build=2 branch=feat/x rev=2a2b3c4 age=AGE reason=protected"},
		"another branch":                     {[]string{"-branch", "main"}, "", "build=4 branch=main rev=4a2b3c4 age=AGE reason=newest"},
		"one of two branches":                {[]string{"-branch", "main", "-branch", "feat/*"}, "2 1", "build=1 branch=feat/x rev=1a2b3c4 age=AGE by=#5"},
		"only up to the build that calls":    {[]string{"-anchor", "2"}, "1", "build=1 branch=feat/x rev=1a2b3c4 age=AGE by=#2"},
		"only what was started in this way":  {[]string{"-same-trigger", "-include-manual"}, "2 1", "build=3 branch=feat/x rev=3a2b3c4 age=AGE reason=newest"},
		"those of schedules, of which is no": {[]string{"-include-scheduled"}, "2 1", "build=5 branch=feat/x rev=5a2b3c4 age=AGE reason=newest"},
	}
	chosen := regexp.MustCompile(`(?m)^STOP job=JOB build=(\d+)`)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			r := cloud.Run(t, append([]string{"-job", job}, tt.args...)...)
			require.Equal(t, program.Done, r.Code, r.Stderr)
			text := strings.Join(untimed(r, job), "\n")
			var stopped []string
			for _, match := range chosen.FindAllStringSubmatch(text, -1) {
				stopped = append(stopped, match[1])
			}
			require.Equal(t, tt.stopped, strings.Join(stopped, " "), r.Stdout)
			require.Contains(t, text, tt.why)
		})
	}
}

func TestMoreThanMaxStopsNone(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	other := addJob(cloud)
	r := cloud.Run(t, "-job", job, "-job", other, "-yes", "-max", "3") // each job alone would be fine
	require.Equal(t, program.Failed, r.Code)
	require.Equal(t, 5+5+1, len(r.Lines()), "the list is printed")
	require.Equal(t, "DRY RUN chosen=4 kept=6 stopped=0", r.Lines()[10])
	require.Regexp(t, "4 builds are chosen, which is more than -max 3: none was stopped\nLook at the lines above", r.Stderr)
	require.Empty(t, cloud.Changes())
}

func TestSeveralJobs(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	other := addJob(cloud)
	r := cloud.Run(t, "-job", job, "-job", other, "-job", job, "-yes", "-reason", "newer push", "-best-effort")
	require.Equal(t, program.Done, r.Code, r.Stderr)
	require.Equal(t, "DONE chosen=4 kept=6 stopped=4 already=0 failed=0 unknown=0 still_running=0", r.Lines()[len(r.Lines())-1])
	require.Len(t, cloud.Changes(), 4, "a job that is named twice is looked at once")
	require.Equal(t, 4, strings.Count(r.Stderr, `reason="newer push" outcome=stopped`), "the log has each stop")
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	cloud.Next("StopJob", codeartsbuildtest.Reply(403, programtest.Forbidden))
	r := cloud.Run(t, "-job", job, "-yes", "-json", "-parallel", "1")
	require.Equal(t, program.Failed, r.Code)
	var events []string
	for _, line := range r.Lines() {
		var object map[string]string
		require.NoError(t, json.Unmarshal([]byte(line), &object), line)
		events = append(events, strings.TrimSpace(object["event"]+" "+object["build"]))
		if object["build"] != "" {
			require.Equal(t, job, object["job"])
		}
	}
	require.Equal(t, []string{"keep 5", "keep 4", "keep 3", "stop 2", "stop 1", "failed 2", "stopped 1", "done"}, events)
	require.Contains(t, r.Stdout, `"code":"APIGW.0302"`)
}

func TestWrongUseStopsNothing(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	before := len(cloud.Requests())
	tests := map[string]struct {
		args   []string
		stderr string // a pattern
	}{
		"no job":               {[]string{"-yes"}, "either -job or -demo is needed"},
		"job and demo":         {[]string{"-job", job, "-demo"}, "either -job or -demo is needed"},
		"empty job":            {[]string{"-job", "", "-yes"}, `invalid value "" for flag -job: the value is empty; perhaps a variable is not set`},
		"empty job of two":     {[]string{"-job", job, "-job", "", "-yes"}, "the value is empty"},
		"empty branch":         {[]string{"-job", job, "-branch", "", "-yes"}, "the value is empty"},
		"empty protected":      {[]string{"-job", job, "-protect", "", "-yes"}, "the value is empty"},
		"empty anchor":         {[]string{"-job", job, "-anchor", "", "-yes"}, "for flag -anchor: the value is empty"},
		"anchor of a day":      {[]string{"-job", job, "-anchor", "20221011.29", "-yes"}, "is a daily number"},
		"job of another form":  {[]string{"-job", "nightly", "-yes"}, `job_id must be an id of 32 letters and digits, got "nightly"`},
		"keep none":            {[]string{"-job", job, "-keep", "0", "-yes"}, "-keep and -parallel are at least 1"},
		"no stop at a time":    {[]string{"-job", job, "-parallel", "0", "-yes"}, "-keep and -parallel are at least 1"},
		"no maximum":           {[]string{"-job", job, "-max", "0", "-yes"}, "-max is at least 1"},
		"negative wait":        {[]string{"-job", job, "-wait", "-1s", "-yes"}, "-wait -1s is no time"},
		"no time":              {[]string{"-job", job, "-timeout", "0", "-yes"}, "-timeout is 0s, and has to be positive"},
		"an argument":          {[]string{"-job", job, "-yes", "all"}, `"all" is not a flag`},
		"value without a flag": {[]string{"-yes", "true", "-job", job}, `"true" is not a flag`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cloud.Run(t, tt.args...)
			require.Equal(t, program.Usage, r.Code, r.Stdout+r.Stderr)
			require.Regexp(t, tt.stderr, r.Stderr)
			require.Empty(t, r.Stdout)
			require.Len(t, cloud.Requests(), before, "nothing was sent")
		})
	}
}

func TestListThatCannotBeRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault codeartsbuildtest.Fault
		args  []string
		code  int
	}{
		"refused":                 {codeartsbuildtest.Reply(403, programtest.Forbidden), []string{"-best-effort"}, program.Failed},
		"token expired":           {codeartsbuildtest.ExpireToken(), nil, program.Usage},
		"no response in -timeout": {codeartsbuildtest.Delay(time.Minute), []string{"-timeout", "300ms"}, program.TimedOut},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			cloud.Next("ListBuildInfoRecordByJobId", tt.fault)
			r := cloud.Run(t, append([]string{"-job", job, "-yes"}, tt.args...)...)
			require.Equal(t, tt.code, r.Code, r.Stderr)
			require.Empty(t, r.Stdout)
			require.Empty(t, cloud.Changes())
		})
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	p := cloud.Start(t, "-job", job, "-yes", "-wait", "1m")
	programtest.Await(t, "both stops arrive", func() bool { return len(cloud.Changes()) == 2 })
	p.AwaitStderr("build=1 branch=feat/x reason=superseded outcome=stopped")
	p.AwaitStderr("build=2 branch=feat/x reason=superseded outcome=stopped")
	p.Interrupt()
	r := p.Wait()
	require.Equal(t, program.Interrupted, r.Code, r.Stdout+r.Stderr)
	require.Less(t, r.Took, 3*time.Second)
	programtest.RequireSweep(t, decided, []string{ // what was done is told
		"STILL RUNNING job=JOB build=2 branch=feat/x rev=2a2b3c4 status=queued after=SOON request_id=ID",
		"STILL RUNNING job=JOB build=1 branch=feat/x rev=1a2b3c4 status=running after=SOON request_id=ID",
		"DONE chosen=2 kept=3 stopped=0 already=0 failed=0 unknown=0 still_running=2",
	}, untimed(r, job))
	require.Contains(t, r.Stderr, "\nRun the same command again for the rest")
}
