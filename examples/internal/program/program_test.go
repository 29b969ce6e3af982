package program_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

const job = "0123456789abcdef0123456789abcdef"

// apiError is a response as a client returns it.
func apiError(status int, code string) error {
	return &codeartsbuild.APIError{StatusCode: status, ErrorCode: code, Operation: "StopJob"}
}

func TestExitCodeAndRemedyOfAnError(t *testing.T) {
	t.Parallel()
	unknown := fmt.Errorf("codeartsbuild: StopJob: no response; %w", codeartsbuild.ErrOutcomeUnknown)
	tests := map[string]struct {
		err    error
		code   int
		remedy string // a part of it; "": none
	}{
		"no error":           {nil, program.Done, ""},
		"help was asked for": {flag.ErrHelp, program.Done, ""},
		"already ended":      {apiError(400, "DEV.CB.032302"), program.Done, "Nothing is left to stop"},
		"already ended, after an unknown outcome": {errors.Join(apiError(400, "DEV.CB.032302"), codeartsbuild.ErrOutcomeUnknown), program.Unknown, "Nothing is left to stop"},
		"refused":                           {apiError(403, ""), program.Failed, "administrator"},
		"not found":                         {apiError(404, ""), program.Failed, "Check -job"},
		"declined":                          {codeartsbuild.ErrNotStopped, program.Failed, "console"},
		"too many requests":                 {apiError(429, ""), program.Failed, "Wait a minute"},
		"bad request":                       {apiError(400, ""), program.Failed, "does not accept"},
		"the service is broken":             {apiError(500, "CB.1"), program.Failed, "some minutes"},
		"the call was switched off":         {apiError(404, "APIGW.0101"), program.Failed, "StopAPIV1"},
		"something else responded":          {apiError(302, ""), program.Failed, "Check -endpoint"},
		"no connection":                     {errors.New("codeartsbuild: StopJob: no connection: refused"), program.Failed, "Check the network"},
		"still running":                     {codeartsbuild.ErrStillRunning, program.Failed, "Look again later"},
		"printed already":                   {program.ErrFailed, program.Failed, ""},
		"anything else":                     {io.ErrUnexpectedEOF, program.Failed, ""},
		"wrong flags":                       {program.Usagef("%q is not a flag", "x"), program.Usage, "-h"},
		"bad argument":                      {codeartsbuild.ErrInvalidArgument, program.Usage, "Correct the flag"},
		"bad credential":                    {apiError(401, ""), program.Usage, "Check the credential"},
		"token of no project":               {codeartsbuild.ErrNotProjectScoped, program.Usage, "HUAWEICLOUD_SDK_PROJECT_ID"},
		"no credential":                     {codeartsbuild.ErrUnauthorized, program.Usage, "may be missing"},
		"unknown":                           {unknown, program.Unknown, "Run the same command again"},
		"unknown, printed already":          {errors.Join(codeartsbuild.ErrOutcomeUnknown, program.ErrFailed), program.Unknown, "Run the same command again"},
		"unknown, though bad credential":    {errors.Join(unknown, apiError(401, "")), program.Unknown, "Run the same command again"},
		"timed out":                         {context.DeadlineExceeded, program.TimedOut, "-timeout"},
		"timed out, and so unknown":         {errors.Join(unknown, context.DeadlineExceeded), program.TimedOut, "Run the same command again"},
		"a timeout of the program's own":    {program.WithTimeout(codeartsbuild.ErrStillRunning, "Do this."), program.TimedOut, "Do this."},
		"an advice of its own":              {fmt.Errorf("more: %w", program.WithRemedy(apiError(401, ""), "Do that.")), program.Usage, "Do that."},
		"an advice of its own, which is no": {program.WithRemedy(apiError(403, ""), ""), program.Failed, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.code, program.Code(tt.err, false), "exit code")
			remedy := program.Remedy(tt.err)
			if tt.remedy == "" {
				require.Empty(t, remedy)
			}
			require.Contains(t, remedy, tt.remedy)
			require.NotContains(t, remedy, "\n")
		})
	}
}

func TestExitCodeOfAnInterruptedProgram(t *testing.T) {
	t.Parallel()
	require.Equal(t, program.Interrupted, program.Code(context.Canceled, true))
	require.Equal(t, program.Interrupted, program.Code(codeartsbuild.ErrOutcomeUnknown, true))
	require.Equal(t, program.Interrupted, program.Code(program.ErrFailed, true))
	require.Equal(t, program.Done, program.Code(nil, true), "it was done before")
	require.Equal(t, program.Done, program.Code(apiError(400, "DEV.CB.032302"), true), "there is nothing left to do")
}

func TestReport(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		want string
	}{
		"nothing went wrong":                  {nil, ""},
		"an error and what to do":             {apiError(429, ""), "codeartsbuild: StopJob: Too Many Requests (429)\nWait a minute and run it again.\n"},
		"an error that says it all":           {io.ErrUnexpectedEOF, "unexpected EOF\n"},
		"printed already":                     {program.ErrFailed, ""},
		"printed already, and what to do now": {program.WithRemedy(program.ErrFailed, "Do this."), "Do this.\n"},
		"help was printed already":            {flag.ErrHelp, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			require.Equal(t, program.Code(tt.err, false), program.Report(&stderr, tt.err, false))
			require.Equal(t, tt.want, stderr.String())
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args   []string
		code   int
		stderr string // a part of all that is printed in the end
	}{
		"no flag":             {nil, program.Done, ""},
		"good flags":          {[]string{"-id", "x", "-many", "a", "-many", "b"}, program.Done, ""},
		"help":                {[]string{"-h"}, program.Done, "names something"},
		"unknown flag":        {[]string{"-nonsense"}, program.Usage, "not defined: -nonsense"},
		"an argument":         {[]string{"-id", "x", "811"}, program.Usage, `"811" is not a flag`},
		"an empty id":         {[]string{"-id", ""}, program.Usage, "perhaps a variable is not set"},
		"an empty id with =":  {[]string{"-id="}, program.Usage, "perhaps a variable is not set"},
		"an empty one of two": {[]string{"-many", "a", "-many", ""}, program.Usage, "perhaps a variable is not set"},
		"an empty argument":   {[]string{""}, program.Usage, `"" is not a flag`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var id string
			var many program.List
			flags := flag.NewFlagSet("test", flag.ContinueOnError)
			program.Text(flags, &id, "id", "names `something`")
			flags.Var(&many, "many", "names more")
			var stderr bytes.Buffer
			err := program.Parse(flags, tt.args, &stderr)
			require.Equal(t, tt.code, program.Report(&stderr, err, false))
			require.Contains(t, stderr.String(), tt.stderr)
			if name == "good flags" {
				require.Equal(t, "x", id)
				require.Equal(t, program.List{"a", "b"}, many)
			}
		})
	}
}

func TestListKeepsEachValueOnce(t *testing.T) {
	t.Parallel()
	var list program.List
	for _, value := range []string{"b", "a", "b"} {
		require.NoError(t, list.Set(value))
	}
	require.Equal(t, program.List{"b", "a"}, list)
	require.Equal(t, "b,a", list.String())
}

func TestLinesOfAPrinter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fields []string
		text   string
		object map[string]string
	}{
		"no field":          {nil, "STILL RUNNING", map[string]string{"event": "still_running"}},
		"plain words":       {[]string{"build", "811", "branch", "feat/x"}, "STILL RUNNING build=811 branch=feat/x", map[string]string{"event": "still_running", "build": "811", "branch": "feat/x"}},
		"an empty value":    {[]string{"build", "811", "branch", ""}, "STILL RUNNING build=811", map[string]string{"event": "still_running", "build": "811"}},
		"a space":           {[]string{"message", "not now"}, `STILL RUNNING message="not now"`, map[string]string{"event": "still_running", "message": "not now"}},
		"a line break":      {[]string{"message", "not\nnow"}, `STILL RUNNING message="not\nnow"`, map[string]string{"event": "still_running", "message": "not\nnow"}},
		"a quotation mark":  {[]string{"message", `a"b`}, `STILL RUNNING message="a\"b"`, map[string]string{"event": "still_running", "message": `a"b`}},
		"a terminal's code": {[]string{"branch", "x\x1b[2J"}, `STILL RUNNING branch="x\x1b[2J"`, map[string]string{"event": "still_running", "branch": "x\x1b[2J"}},
		"another alphabet":  {[]string{"branch", "功能/x"}, "STILL RUNNING branch=功能/x", map[string]string{"event": "still_running", "branch": "功能/x"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			program.Printer{W: &out}.Line("STILL RUNNING", tt.fields...)
			require.Equal(t, tt.text+"\n", out.String())

			out.Reset()
			program.Printer{W: &out, JSON: true}.Line("STILL RUNNING", tt.fields...)
			require.Equal(t, 1, strings.Count(out.String(), "\n"), "one line")
			var object map[string]string
			require.NoError(t, json.Unmarshal(out.Bytes(), &object))
			require.Equal(t, tt.object, object)
		})
	}
}

func TestBuildFieldsShortenTheRevision(t *testing.T) {
	t.Parallel()
	tests := map[string]string{"1a2b3c4d5e": "1a2b3c4", "1a2": "1a2", "": ""}
	for revision, short := range tests {
		b := &codeartsbuild.Build{JobID: job, BuildNo: "811", Branch: "feat/x", Revision: revision}
		require.Equal(t, []string{"job", job, "build", "811", "branch", "feat/x", "rev", short}, program.BuildFields(b))
	}
}

func TestAgeCountsFromTheStartOrElseFromTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		require.Equal(t, "6m12s", program.Age(&codeartsbuild.Build{StartedAt: now.Add(-372*time.Second - 900*time.Millisecond), QueuedAt: now.Add(-time.Hour)}))
		require.Equal(t, "1h0m0s", program.Age(&codeartsbuild.Build{QueuedAt: now.Add(-time.Hour)}))
		require.Empty(t, program.Age(&codeartsbuild.Build{}))
	})
}

func TestStampIsInUTC(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 1, 2, 3, 450_000_000, time.FixedZone("UTC+8", 8*60*60))
	require.Equal(t, "17:02:03.4", program.Stamp(at))
}

// a sweepTest is a sweep over a service in memory, in which builds 1 to 4 run and 3 is to stay.
type sweepTest struct {
	*codeartsbuildtest.Server
	job     string
	sweep   program.Sweep
	out     bytes.Buffer
	notes   bytes.Buffer
	plan    *codeartsbuild.StopPlan
	records []string // of the audit
}

func newSweepTest() *sweepTest {
	s := &sweepTest{Server: codeartsbuildtest.NewServer()}
	s.job = s.AddJob("nightly")
	s.plan = &codeartsbuild.StopPlan{JobID: s.job}
	for i := range 4 {
		build := codeartsbuild.Build{JobID: s.job, Branch: fmt.Sprintf("feat/%d", i+1), Revision: "1a2b3c4d5e6f", StartedAt: time.Now().Add(-372 * time.Second)}
		build.BuildNo = s.AddBuild(s.job, build)
		s.plan.Decisions = append(s.plan.Decisions, codeartsbuild.StopDecision{Build: &build, Stop: i != 2, Rule: codeartsbuild.StopRule(fmt.Sprintf("rule %d", i+1))})
	}
	s.sweep = program.Sweep{Printer: program.Printer{W: &s.out}, Notes: &s.notes, Yes: true, Stop: codeartsbuild.StopPlannedOptions{Max: 25, Parallel: 1}}
	s.sweep.Audit = func(d codeartsbuild.StopDecision, o *codeartsbuild.StopOutcome) error {
		s.records = append(s.records, d.String()+" of build "+o.Build.BuildNo)
		return nil
	}
	return s
}

// varying is what lines hold that no test can foresee.
var varying = regexp.MustCompile(`(request_id=)\w+|(no response: )[^;]*`)

// run decides, acts, and returns the lines without what varies and the job, which all of them have.
func (s *sweepTest) run(ctx context.Context) (lines []string, code int) {
	client := s.Client()
	defer client.CloseIdleConnections()
	s.sweep.Add(s.plan, func(d codeartsbuild.StopDecision) (name, value string) { return "reason", d.String() })
	err := s.sweep.Act(ctx, client)
	code = program.Report(&s.notes, err, false)
	text := varying.ReplaceAllString(strings.ReplaceAll(s.out.String(), " job="+s.job, ""), "$1$2…")
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n"), code
}

// stops counts the requests that stop a build.
func (s *sweepTest) stops() int {
	n := 0
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet {
			n++
		}
	}
	return n
}

// decided are the lines that come first in every sweep.
var decided = []string{
	`STOP build=1 branch=feat/1 rev=1a2b3c4 age=6m12s reason="rule 1"`,
	`STOP build=2 branch=feat/2 rev=1a2b3c4 age=6m12s reason="rule 2"`,
	`KEEP build=3 branch=feat/3 rev=1a2b3c4 age=6m12s reason="rule 3"`,
	`STOP build=4 branch=feat/4 rev=1a2b3c4 age=6m12s reason="rule 4"`,
}

const (
	forbidden = `{"error_code":"APIGW.0302","error_msg":"not allowed"}`
	finished  = `{"error_code":"DEV.CB.032302","error_msg":"already finished"}`
)

func TestSweep(t *testing.T) {
	t.Parallel()
	dropAll := make([]codeartsbuildtest.Fault, 5)
	for i := range dropAll {
		dropAll[i] = codeartsbuildtest.DropRequest()
	}
	tests := map[string]struct {
		prepare func(*sweepTest)
		lines   []string // after the decisions
		code    int
		stops   int
		notes   string // a part
	}{
		"a dry run stops nothing": {
			func(s *sweepTest) { s.sweep.Yes = false },
			[]string{"DRY RUN chosen=3 kept=1 stopped=0"}, program.Done, 0, "run it with -yes",
		},
		"more than -max stops nothing": {
			func(s *sweepTest) { s.sweep.Stop.Max = 2 },
			[]string{"DRY RUN chosen=3 kept=1 stopped=0"}, program.Failed, 0, "3 builds are chosen, which is more than -max 2: none was stopped\nLook at the lines above",
		},
		"a dry run of more than -max fails as well": {
			func(s *sweepTest) { s.sweep.Yes, s.sweep.Stop.Max = false, 2 },
			[]string{"DRY RUN chosen=3 kept=1 stopped=0"}, program.Failed, 0, "none was stopped",
		},
		"as many as -max are fine": {
			func(s *sweepTest) { s.sweep.Stop.Max = 3 },
			[]string{
				"STOPPED build=1 branch=feat/1 rev=1a2b3c4 status=stopping request_id=…",
				"STOPPED build=2 branch=feat/2 rev=1a2b3c4 status=stopping request_id=…",
				"STOPPED build=4 branch=feat/4 rev=1a2b3c4 status=stopping request_id=…",
				"DONE chosen=3 kept=1 stopped=3 already=0 failed=0 unknown=0 still_running=0",
			}, program.Done, 3, "",
		},
		"ended meanwhile, and refused": {
			func(s *sweepTest) {
				s.Finish(s.job, "1", codeartsbuild.StatusSucceeded)
				s.Next("StopJob", codeartsbuildtest.Reply(400, finished), codeartsbuildtest.Reply(403, forbidden))
			},
			[]string{
				"ALREADY build=1 branch=feat/1 rev=1a2b3c4 status=succeeded",
				"ALREADY build=2 branch=feat/2 rev=1a2b3c4",
				`FAILED build=4 branch=feat/4 rev=1a2b3c4 code=APIGW.0302 status=403 request_id=… message="not allowed"`,
				"DONE chosen=3 kept=1 stopped=0 already=2 failed=1 unknown=0 still_running=0",
			}, program.Failed, 2, "Ask an administrator",
		},
		"outcome unknown": {
			func(s *sweepTest) { s.Next("StopJob", dropAll...) },
			[]string{
				`UNKNOWN build=1 branch=feat/1 rev=1a2b3c4 error="codeartsbuild: StopJob: no response: …; outcome unknown: the request may have taken effect"`,
				"STOPPED build=2 branch=feat/2 rev=1a2b3c4 status=stopping request_id=…",
				"STOPPED build=4 branch=feat/4 rev=1a2b3c4 status=stopping request_id=…",
				"DONE chosen=3 kept=1 stopped=2 already=0 failed=0 unknown=1 still_running=0",
			}, program.Unknown, 7, "Run the same command again",
		},
		"a failure counts for more than an unknown outcome": {
			func(s *sweepTest) { s.Next("StopJob", append(dropAll, codeartsbuildtest.Reply(403, forbidden))...) },
			[]string{
				`UNKNOWN build=1 branch=feat/1 rev=1a2b3c4 error="codeartsbuild: StopJob: no response: …; outcome unknown: the request may have taken effect"`,
				`FAILED build=2 branch=feat/2 rev=1a2b3c4 code=APIGW.0302 status=403 request_id=… message="not allowed"`,
				"STOPPED build=4 branch=feat/4 rev=1a2b3c4 status=stopping request_id=…",
				"DONE chosen=3 kept=1 stopped=1 already=0 failed=1 unknown=1 still_running=0",
			}, program.Failed, 7, "",
		},
		"not ended within -wait": {
			func(s *sweepTest) { s.sweep.Stop.Wait, s.sweep.Stop.Parallel = time.Second, 3 },
			[]string{
				"STILL RUNNING build=1 branch=feat/1 rev=1a2b3c4 status=running after=1s request_id=…",
				"STILL RUNNING build=2 branch=feat/2 rev=1a2b3c4 status=running after=1s request_id=…",
				"STILL RUNNING build=4 branch=feat/4 rev=1a2b3c4 status=running after=1s request_id=…",
				"DONE chosen=3 kept=1 stopped=0 already=0 failed=0 unknown=0 still_running=3",
			}, program.Failed, 3, "Look again later",
		},
		"not ready": {
			func(s *sweepTest) { s.sweep.Ready = func() error { return errors.New("the disk is full") } },
			[]string{}, program.Failed, 0, "the disk is full",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSweepTest()
				defer s.Close()
				tt.prepare(s)
				lines, code := s.run(t.Context())
				require.Equal(t, decided, lines[:len(decided)])
				require.Equal(t, tt.code, code, s.notes.String())
				require.Equal(t, tt.stops, s.stops(), "requests that stop")
				require.Contains(t, s.notes.String(), tt.notes)
				if s.sweep.Stop.Parallel == 1 {
					require.Equal(t, tt.lines, lines[len(decided):])
				}
				require.ElementsMatch(t, tt.lines, lines[len(decided):])
			})
		})
	}
}

func TestSweepThatWaitsSaysHowItEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSweepTest()
		defer s.Close()
		s.sweep.Stop.Wait, s.sweep.Stop.Parallel = time.Minute, 3
		lines, code := s.run(t.Context())
		require.Equal(t, program.Done, code)
		for i, no := range []string{"1", "2", "4"} {
			require.Regexp(t, `^STOPPED build=`+no+` branch=feat/`+no+` rev=1a2b3c4 status=aborted after=[3-7]s request_id=…$`, slices.Sorted(slices.Values(lines[len(decided):]))[i+1])
		}
		require.Equal(t, "DONE chosen=3 kept=1 stopped=3 already=0 failed=0 unknown=0 still_running=0", lines[len(lines)-1])
		require.ElementsMatch(t, []string{"rule 1 of build 1", "rule 2 of build 2", "rule 4 of build 4"}, s.records, "the audit has each stop with its rule")
	})
}

func TestSweepEndsAfterAPlanThatHasNoRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSweepTest()
		defer s.Close()
		other := s.AddJob("hourly")
		build := codeartsbuild.Build{JobID: other, BuildNo: s.StartBuild(other)}
		s.sweep.Audit = func(codeartsbuild.StopDecision, *codeartsbuild.StopOutcome) error { return errors.New("no record") }
		s.sweep.Add(&codeartsbuild.StopPlan{JobID: other, Decisions: []codeartsbuild.StopDecision{{Build: &build, Stop: true}}},
			func(codeartsbuild.StopDecision) (name, value string) { return "", "" })
		_, code := s.run(t.Context())
		require.Equal(t, program.Failed, code)
		require.Equal(t, 1, s.stops(), "the second job was left alone")
		require.Contains(t, s.notes.String(), "no record")
	})
}

func TestSweepEndsAmidAPlanThatHasNoRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSweepTest()
		defer s.Close()
		records := 0
		s.sweep.Audit = func(codeartsbuild.StopDecision, *codeartsbuild.StopOutcome) error {
			if records++; records > 1 {
				return errors.New("no record")
			}
			return nil
		}
		lines, code := s.run(t.Context())
		require.Equal(t, program.Failed, code)
		require.Equal(t, 2, s.stops())
		require.Equal(t, 2, records, "one error is enough")
		require.Contains(t, lines[len(lines)-2], `FAILED build=4 branch=feat/4 rev=1a2b3c4 error="codeartsbuild: StopJob: context canceled; not attempted"`)
		require.Contains(t, s.notes.String(), "no record")
	})
}

func TestSweepWhoseContextHasEnded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end    func(context.Context) (context.Context, context.CancelFunc)
		code   int
		remedy string
	}{
		"cancelled": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx, cancel
			}, program.Failed, "Run the same command again for the rest",
		},
		"timed out": {
			func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, 0) },
			program.TimedOut, "Give it more time with -timeout",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSweepTest()
				defer s.Close()
				ctx, cancel := tt.end(t.Context())
				defer cancel()
				lines, code := s.run(ctx)
				require.Equal(t, tt.code, code)
				require.Contains(t, lines[len(decided)], "not attempted")
				require.Contains(t, s.notes.String(), tt.remedy)
				require.Zero(t, s.stops())
			})
		})
	}
}

func TestSweepFlags(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string // of the error; "": none
	}{
		"as they are":   {nil, ""},
		"all":           {[]string{"-max", "3", "-wait", "1m", "-yes", "-json"}, ""},
		"no maximum":    {[]string{"-max", "0"}, "-max is at least 1"},
		"negative wait": {[]string{"-wait", "-1s"}, "-wait -1s is no time to wait"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s program.Sweep
			flags := flag.NewFlagSet("test", flag.ContinueOnError)
			s.Flags(flags)
			require.NoError(t, flags.Parse(tt.args))
			err := s.Check()
			if tt.want == "" {
				require.NoError(t, err)
				require.Equal(t, len(tt.args) > 0, s.Yes)
				return
			}
			require.ErrorIs(t, err, program.ErrUsage)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestHasCredential(t *testing.T) {
	names := []string{
		"CODEARTSBUILD_TOKEN", "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_CREDENTIALS_FILE", "HC_CONTAINER_CREDENTIALS_FULL_URI",
		"HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_USER_NAME", "HW_USER_ID", "HW_USER_PASSWORD",
		"OS_ACCESS_KEY", "OS_SECRET_KEY", "OS_USERNAME", "OS_USER_ID", "OS_PASSWORD",
	}
	for _, name := range names {
		t.Setenv(name, "")
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	require.False(t, program.HasCredential(), "an empty variable is not set")
	for _, name := range names {
		t.Setenv(name, "x")
		require.True(t, program.HasCredential(), name)
		t.Setenv(name, "")
	}
	require.NoError(t, os.Mkdir(filepath.Join(home, ".huaweicloud"), 0o700))
	require.False(t, program.HasCredential())
	require.NoError(t, os.WriteFile(filepath.Join(home, ".huaweicloud", "credentials"), nil, 0o600))
	require.True(t, program.HasCredential(), "a profile file")
}

func TestLogIn(t *testing.T) {
	t.Parallel()
	server, client, err := program.LogIn(t.Context())
	require.NoError(t, err)
	defer server.Close()
	defer client.CloseIdleConnections()
	job := server.AddJob("nightly")
	started, err := client.Jobs.Run(t.Context(), job, nil)
	require.NoError(t, err)
	require.Equal(t, "1", started.BuildNo)
	require.Equal(t, "CreateToken", server.Requests()[0].Operation, "with a real login")
}
