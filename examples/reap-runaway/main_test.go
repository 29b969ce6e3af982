package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// aCloud has one job, with two builds that run for hours, one that has just started, and one that waits.
func aCloud(t *testing.T) (cloud *programtest.Cloud, job string) {
	t.Helper()
	cloud = programtest.NewCloud(t)
	return cloud, addJob(cloud)
}

func addJob(cloud *programtest.Cloud) (job string) {
	job = cloud.AddJob("nightly")
	for _, b := range []codeartsbuild.Build{
		{Branch: "main", Revision: "1a2b3c4d5e6f", StartedAt: ago(3*time.Hour + 41*time.Minute), Executor: "alice", Trigger: "push"},
		{Branch: "release/1.0", StartedAt: ago(2 * time.Hour), Executor: "bob", Trigger: codeartsbuild.TriggerManual},
		{Branch: "main", StartedAt: ago(time.Minute), Executor: "alice"},
		{Branch: "feat/x", QueuedAt: ago(50 * time.Minute), Status: codeartsbuild.StatusQueued, Executor: "bob"},
	} {
		cloud.AddBuild(job, b)
	}
	return job
}

func ago(d time.Duration) time.Time { return time.Now().Add(-d - time.Second) }

var (
	ids      = regexp.MustCompile(`request_id=[0-9a-f]{32}\b`)
	moments  = regexp.MustCompile(`after=\d+s`)
	problems = regexp.MustCompile(`(error|message)="[^"]*"`)
	seconds  = regexp.MustCompile(`(\d+m)\d+s`)
)

// untimed are the lines of stdout without what differs from run to run.
func untimed(r programtest.Result, job string) []string {
	text := strings.ReplaceAll(r.Stdout, "job="+job, "job=JOB")
	for pattern, word := range map[*regexp.Regexp]string{ids: "request_id=ID", moments: "after=SOON", problems: "$1=TEXT", seconds: "${1}Ns"} {
		text = pattern.ReplaceAllString(text, word)
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// decided are the lines with -max-running 1h.
var decided = []string{
	"KEEP job=JOB build=4 branch=feat/x age=50mNs reason=within-limit",
	"KEEP job=JOB build=3 branch=main age=1mNs reason=within-limit",
	"STOP job=JOB build=2 branch=release/1.0 age=2h0mNs reason=running-2h0m",
	"STOP job=JOB build=1 branch=main rev=1a2b3c4 age=3h41mNs reason=running-3h41m",
}

func TestDemonstration(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		last string
	}{
		"a dry run":       {[]string{"-max-running", "1h"}, "DRY RUN chosen=2 kept=2 stopped=0"},
		"for real":        {[]string{"-max-running", "1h", "-max-queued", "30m", "-yes"}, "DONE chosen=3 kept=1 stopped=3 already=0 failed=0 unknown=0 still_running=0"},
		"with exemptions": {[]string{"-max-running", "1h", "-exempt", "release/*"}, "DRY RUN chosen=1 kept=3 stopped=0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := programtest.Run(t, nil, append([]string{"-demo"}, tt.args...)...)
			require.Equal(t, program.Done, r.Code, r.Stderr)
			require.Equal(t, tt.last, r.Lines()[len(r.Lines())-1])
		})
	}
}

func TestDryRunIsTheDefault(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	audit := filepath.Join(t.TempDir(), "audit")
	r := cloud.Run(t, "-job", job, "-max-running", "1h", "-audit", audit)
	require.Equal(t, program.Done, r.Code, r.Stderr)
	require.Equal(t, append(decided, "DRY RUN chosen=2 kept=2 stopped=0"), untimed(r, job))
	require.Equal(t, "Nothing was stopped: run it with -yes for that.\n", r.Stderr)
	require.Empty(t, cloud.Changes(), "a plan only reads")
	require.NoFileExists(t, audit)
}

func TestYesStops(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args   []string
		code   int
		lines  []string // after the decisions
		stderr string   // a pattern
	}{
		"accepted": {
			nil, program.Done, []string{
				"STOPPED job=JOB build=2 branch=release/1.0 status=stopping request_id=ID",
				"STOPPED job=JOB build=1 branch=main rev=1a2b3c4 status=stopping request_id=ID",
				"DONE chosen=2 kept=2 stopped=2 already=0 failed=0 unknown=0 still_running=0",
			}, "",
		},
		"waited for": {
			[]string{"-wait", "1m"}, program.Done, []string{
				"STOPPED job=JOB build=2 branch=release/1.0 status=aborted after=SOON request_id=ID",
				"STOPPED job=JOB build=1 branch=main rev=1a2b3c4 status=aborted after=SOON request_id=ID",
				"DONE chosen=2 kept=2 stopped=2 already=0 failed=0 unknown=0 still_running=0",
			}, "",
		},
		"still running after -wait": {
			[]string{"-wait", "500ms"}, program.Failed, []string{
				"STILL RUNNING job=JOB build=2 branch=release/1.0 status=running after=SOON request_id=ID",
				"STILL RUNNING job=JOB build=1 branch=main rev=1a2b3c4 status=running after=SOON request_id=ID",
				"DONE chosen=2 kept=2 stopped=0 already=0 failed=0 unknown=0 still_running=2",
			}, "\nLook again later, or wait longer.\n$",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			r := cloud.Run(t, append([]string{"-job", job, "-max-running", "1h", "-yes"}, tt.args...)...)
			require.Equal(t, tt.code, r.Code, r.Stdout+r.Stderr)
			programtest.RequireSweep(t, decided, tt.lines, untimed(r, job))
			require.Regexp(t, tt.stderr, r.Stderr)
			require.Len(t, cloud.Changes(), 2)
		})
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args    []string
		stopped string // the builds, newest first
		why     string // a line that explains it
	}{
		"running":             {[]string{"-max-running", "3h"}, "1", "build=2 branch=release/1.0 age=2h0mNs reason=within-limit"},
		"waiting":             {[]string{"-max-queued", "30m"}, "4", "build=4 branch=feat/x age=50mNs reason=queued-50mNs"},
		"both":                {[]string{"-max-running", "1h", "-max-queued", "30m"}, "4 2 1", "build=3 branch=main age=1mNs reason=within-limit"},
		"none is that old":    {[]string{"-max-running", "9h", "-max-queued", "9h"}, "", "build=1 branch=main rev=1a2b3c4 age=3h41mNs reason=within-limit"},
		"exempt":              {[]string{"-max-running", "1h", "-exempt", "release/*"}, "1", "build=2 branch=release/1.0 age=2h0mNs reason=exempt"},
		"two kinds of exempt": {[]string{"-max-running", "1h", "-exempt", "release/*", "-exempt", "ma?n"}, "", "build=1 branch=main rev=1a2b3c4 age=3h41mNs reason=exempt"},
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

func TestAllJobsOfAProject(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	other := addJob(cloud)
	r := cloud.Run(t, "-project", cloud.Project(t), "-max-running", "1h", "-yes")
	require.Equal(t, program.Done, r.Code, r.Stderr)
	require.Contains(t, r.Stdout, "\nSTOPPED job="+job+" build=1 ")
	require.Contains(t, r.Stdout, "\nSTOPPED job="+other+" build=1 ")
	require.Equal(t, "DONE chosen=4 kept=4 stopped=4 already=0 failed=0 unknown=0 still_running=0", r.Lines()[len(r.Lines())-1])
}

func TestProjectThatDoesNotExist(t *testing.T) {
	t.Parallel()
	cloud, _ := aCloud(t)
	r := cloud.Run(t, "-project", "0123456789abcdef0123456789abcdef", "-max-running", "1h", "-yes")
	require.Empty(t, cloud.Changes())
	require.NotContains(t, r.Stdout, "STOP")
}

func TestACrowdStopsNone(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	audit := filepath.Join(t.TempDir(), "audit")
	r := cloud.Run(t, "-job", job, "-max-running", "1s", "-max", "2", "-yes", "-audit", audit)
	require.Equal(t, program.Failed, r.Code)
	require.Len(t, r.Lines(), 5, "the list is printed")
	require.Equal(t, "DRY RUN chosen=3 kept=1 stopped=0", r.Lines()[4])
	require.Regexp(t, "^3 builds are chosen, which is more than -max 2: none was stopped\nLook at the lines above: if they are right, raise -max.\n$", r.Stderr)
	require.Empty(t, cloud.Changes())
	require.Empty(t, programtest.ReadFile(t, audit))
}

func TestAuditHasOneObjectPerStop(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	refuse := programtest.StopOf("2", codeartsbuildtest.Reply(403, programtest.Forbidden))
	cloud.Next("StopJob", refuse, refuse, refuse)
	end := cloud.Ends(job, "4", codeartsbuild.StatusFailed)
	cloud.Next("ShowJobBuildRecordDetail", end, end, end)
	audit := programtest.WriteFile(t, `{"from":"earlier"}`+"\n")
	began := time.Now().Truncate(time.Second)
	r := cloud.Run(t, "-job", job, "-max-running", "1h", "-max-queued", "30m", "-yes", "-wait", "100ms", "-audit", audit, "-label", "took too long")
	require.Equal(t, program.Failed, r.Code, r.Stderr)

	records := readAudit(t, audit)
	require.Len(t, records, 4)
	slices.SortFunc(records[1:], func(a, b map[string]string) int { return strings.Compare(b["build"], a["build"]) })
	for _, record := range records[1:] {
		at, err := time.Parse("2006-01-02T15:04:05Z", record["time"])
		require.NoError(t, err, "the time is in UTC")
		require.WithinRange(t, at, began, time.Now())
		require.Contains(t, r.Stdout, "build="+record["build"]+" ")
		if id := record["request_id"]; id != "" {
			require.Regexp(t, `\bbuild=`+record["build"]+` .*request_id=`+id, r.Stdout, "the line names the same request")
			record["request_id"] = "ID"
		}
		record["time"] = "TIME"
		for _, field := range []string{"ran", "rule"} {
			record[field] = seconds.ReplaceAllString(record[field], "${1}Ns")
		}
	}
	require.Contains(t, records[2]["error"], "APIGW.0302")
	delete(records[2], "error")
	delete(records[3], "error")
	require.Equal(t, []map[string]string{
		{"from": "earlier"},
		{
			"time": "TIME", "job": job, "build": "4", "branch": "feat/x", "executor": "bob", "trigger": "Push", "ran": "",
			"rule": "queued 50mNs", "reason": "took too long", "outcome": "already finished", "request_id": "",
		},
		{
			"time": "TIME", "job": job, "build": "2", "branch": "release/1.0", "executor": "bob", "trigger": "manual", "ran": "2h0mNs",
			"rule": "running 2h0m", "reason": "took too long", "outcome": "failed", "request_id": "ID",
		},
		{
			"time": "TIME", "job": job, "build": "1", "branch": "main", "executor": "alice", "trigger": "push", "ran": "3h41mNs",
			"rule": "running 3h41m", "reason": "took too long", "outcome": "still running", "request_id": "ID",
		},
	}, records)
}

// readAudit reads the objects of an audit file, one a line.
func readAudit(t *testing.T, name string) []map[string]string {
	t.Helper()
	var records []map[string]string
	for line := range strings.Lines(programtest.ReadFile(t, name)) {
		var record map[string]string
		require.NoError(t, json.Unmarshal([]byte(line), &record), line)
		records = append(records, record)
	}
	return records
}

func TestAuditThatCannotBeWrittenStopsTheProgramBeforeItStopsABuild(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"in a folder that does not exist": filepath.Join(t.TempDir(), "none", "audit"),
		"a folder":                        t.TempDir(),
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		tests["on a disk that is full"] = "/dev/full"
	}
	for name, file := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			r := cloud.Run(t, "-job", job, "-max-running", "1h", "-yes", "-audit", file)
			require.Equal(t, program.Failed, r.Code, r.Stdout)
			require.Regexp(t, "the audit file cannot be written, so nothing is stopped: .*\nGive -audit a file that can be written", r.Stderr)
			require.Empty(t, cloud.Changes())
		})
	}
}

func TestAuditGoesOnAfterARecordThatWasCutOff(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ before, want string }{
		"cut off":       {`{"time":"cu`, `{"time":"cu` + "\n"},
		"cut off early": {"{\"build\":\"9\"}\n ", "{\"build\":\"9\"}\n  "},
		"whole":         {"{\"build\":\"9\"}\n", "{\"build\":\"9\"}\n "},
		"none yet":      {"", " "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, job := aCloud(t)
			audit := programtest.WriteFile(t, tt.before)
			r := cloud.Run(t, "-job", job, "-max-running", "3h", "-yes", "-audit", audit)
			require.Equal(t, program.Done, r.Code, r.Stderr)
			record, ok := strings.CutPrefix(programtest.ReadFile(t, audit), tt.want)
			require.True(t, ok, programtest.ReadFile(t, audit))
			require.Equal(t, "1", readAudit(t, programtest.WriteFile(t, record))[0]["build"])
		})
	}
}

func TestAuditOfWhatWasStopped(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	audit := filepath.Join(t.TempDir(), "audit")
	r := cloud.Run(t, "-job", job, "-max-running", "3h", "-yes", "-audit", audit)
	require.Equal(t, program.Done, r.Code, r.Stderr)
	records := readAudit(t, audit)
	require.Len(t, records, 1)
	require.Equal(t, "stopped", records[0]["outcome"])
	require.NotContains(t, records[0], "error")
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	r := cloud.Run(t, "-job", job, "-max-running", "1h", "-yes", "-json", "-wait", "100ms")
	require.Equal(t, program.Failed, r.Code)
	var events []string
	for _, line := range r.Lines() {
		var object map[string]string
		require.NoError(t, json.Unmarshal([]byte(line), &object), line)
		events = append(events, strings.TrimSpace(object["event"]+" "+object["build"]))
	}
	programtest.RequireSweep(t, []string{"keep 4", "keep 3", "stop 2", "stop 1"}, []string{"still_running 2", "still_running 1", "done"}, events)
}

func TestWrongUseStopsNothing(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	project := cloud.Project(t)
	before := len(cloud.Requests())
	tests := map[string]struct {
		args   []string
		stderr string // a pattern
	}{
		"neither job nor project": {[]string{"-max-running", "1h", "-yes"}, "one of -job, -project and -demo is needed"},
		"job and project":         {[]string{"-job", job, "-project", project, "-max-running", "1h"}, "exclude each other"},
		"job and demo":            {[]string{"-job", job, "-demo", "-max-running", "1h"}, "exclude each other"},
		"project and demo":        {[]string{"-project", project, "-demo", "-max-running", "1h"}, "exclude each other"},
		"empty job":               {[]string{"-job", "", "-max-running", "1h", "-yes"}, `invalid value "" for flag -job: the value is empty; perhaps a variable is not set`},
		"empty project":           {[]string{"-project", "", "-max-running", "1h", "-yes"}, "for flag -project: the value is empty"},
		"empty project and a job": {[]string{"-project", "", "-job", job, "-max-running", "1h", "-yes"}, "for flag -project: the value is empty"},
		"empty exemption":         {[]string{"-job", job, "-exempt", "", "-max-running", "1h", "-yes"}, "for flag -exempt: the value is empty"},
		"empty audit":             {[]string{"-job", job, "-audit", "", "-max-running", "1h", "-yes"}, "for flag -audit: the value is empty"},
		"no limit":                {[]string{"-job", job, "-yes"}, "-max-running or -max-queued is needed"},
		"limits of zero":          {[]string{"-job", job, "-max-running", "0", "-max-queued", "0s", "-yes"}, "-max-running or -max-queued is needed"},
		"a negative limit":        {[]string{"-job", job, "-max-running", "-1h", "-yes"}, "-max-running or -max-queued is negative"},
		"limit without a unit":    {[]string{"-job", job, "-max-running", "60", "-yes"}, "parse error"},
		"no maximum":              {[]string{"-job", job, "-max-running", "1h", "-max", "0", "-yes"}, "-max is at least 1"},
		"negative wait":           {[]string{"-job", job, "-max-running", "1h", "-wait", "-1s", "-yes"}, "-wait -1s is no time"},
		"no time":                 {[]string{"-job", job, "-max-running", "1h", "-timeout", "0", "-yes"}, "-timeout is 0s, and has to be positive"},
		"project of another form": {[]string{"-project", "acme", "-max-running", "1h", "-yes"}, `project_id must be an id of 32 letters and digits, got "acme"`},
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

func TestKilledTheAuditStillHasWhatWasDone(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	cloud.Next("StopJob", programtest.StopOf("2", codeartsbuildtest.Delay(time.Hour)), programtest.StopOf("2", codeartsbuildtest.Delay(time.Hour)))
	audit := filepath.Join(t.TempDir(), "audit")
	p := cloud.Start(t, "-job", job, "-max-running", "1h", "-yes", "-audit", audit)
	p.AwaitStdout("\nSTOPPED job=" + job + " build=1 ")
	programtest.Await(t, "the record is there", func() bool { return strings.HasSuffix(programtest.ReadFile(t, audit), "}\n") })
	p.Signal(os.Kill)
	p.Wait()
	records := readAudit(t, audit)
	require.Len(t, records, 1, "while the other stop has no response yet")
	require.Equal(t, "1", records[0]["build"])
	require.Equal(t, "stopped", records[0]["outcome"])
}

func TestInterruptedTheAuditStillHasWhatWasDone(t *testing.T) {
	t.Parallel()
	cloud, job := aCloud(t)
	audit := filepath.Join(t.TempDir(), "audit")
	p := cloud.Start(t, "-job", job, "-max-running", "1h", "-yes", "-wait", "1m", "-audit", audit)
	p.AwaitStderr("build=1 branch=main reason=runaway outcome=stopped")
	p.AwaitStderr("build=2 branch=release/1.0 reason=runaway outcome=stopped")
	p.Interrupt()
	r := p.Wait()
	require.Equal(t, program.Interrupted, r.Code, r.Stdout+r.Stderr)
	require.Less(t, r.Took, 3*time.Second)
	records := readAudit(t, audit)
	require.Len(t, records, 2)
	for _, record := range records {
		require.Equal(t, "still running", record["outcome"])
		require.Regexp(t, `^[0-9a-f]{32}$`, record["request_id"])
	}
}
