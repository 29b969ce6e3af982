package codeartsbuild_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B50: a run is retried only if the service cannot have processed it.
func TestRunOutcome(t *testing.T) {
	t.Parallel()
	const busy, frequent = `{"error_code":"CB.00060100","error_msg":"busy"}`, `{"error_code":"CB.00060211","error_msg":"too frequent"}`
	tests := map[string]struct {
		faults   faults
		want     error // nil: a build was accepted
		unknown  bool
		requests int
		builds   int
	}{
		"accepted":                        {requests: 1, builds: 1},
		"response lost":                   {faults: faults{codeartsbuildtest.DropAnswer()}, want: codeartsbuild.ErrOutcomeUnknown, unknown: true, requests: 1, builds: 1},
		"request lost":                    {faults: faults{codeartsbuildtest.DropRequest()}, want: codeartsbuild.ErrOutcomeUnknown, unknown: true, requests: 1},
		"bad gateway":                     {faults: faults{codeartsbuildtest.Reply(502, "")}, want: codeartsbuild.ErrInternalServerError, unknown: true, requests: 1},
		"gateway timeout":                 {faults: faults{codeartsbuildtest.Reply(504, "")}, want: codeartsbuild.ErrInternalServerError, unknown: true, requests: 1},
		"500 without a code":              {faults: faults{codeartsbuildtest.Reply(500, "{}")}, want: codeartsbuild.ErrInternalServerError, unknown: true, requests: 1},
		"500 with a code":                 {faults: faults{codeartsbuildtest.Reply(500, busy)}, want: codeartsbuild.ErrInternalServerError, requests: 1},
		"a page with a 200":               {faults: faults{codeartsbuildtest.Reply(200, "<html>")}, want: codeartsbuild.ErrUnexpectedResponse, unknown: true, requests: 1},
		"a success without a number":      {faults: faults{codeartsbuildtest.Reply(200, "{}")}, want: codeartsbuild.ErrUnexpectedResponse, unknown: true, requests: 1},
		"an empty success":                {faults: faults{codeartsbuildtest.Reply(200, "")}, want: codeartsbuild.ErrUnexpectedResponse, unknown: true, requests: 1},
		"rejected":                        {faults: faults{codeartsbuildtest.Reply(403, "{}")}, want: codeartsbuild.ErrForbidden, requests: 1},
		"not available, then accepted":    {faults: faults{codeartsbuildtest.Reply(503, "")}, requests: 2, builds: 1},
		"too many requests, then":         {faults: faults{codeartsbuildtest.Reply(429, "")}, requests: 2, builds: 1},
		"too frequent, then":              {faults: faults{codeartsbuildtest.Reply(400, frequent)}, requests: 2, builds: 1},
		"not available, then lost":        {faults: faults{codeartsbuildtest.Reply(503, ""), codeartsbuildtest.DropAnswer()}, want: codeartsbuild.ErrOutcomeUnknown, unknown: true, requests: 2, builds: 1},
		"not available, then a bad gate":  {faults: faults{codeartsbuildtest.Reply(503, ""), codeartsbuildtest.Reply(502, "")}, want: codeartsbuild.ErrInternalServerError, unknown: true, requests: 2},
		"not available, then busy":        {faults: faults{codeartsbuildtest.Reply(503, ""), codeartsbuildtest.Reply(500, busy)}, want: codeartsbuild.ErrInternalServerError, requests: 2},
		"not available, then not allowed": {faults: faults{codeartsbuildtest.Reply(503, ""), codeartsbuildtest.Reply(403, "{}")}, want: codeartsbuild.ErrForbidden, requests: 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				f.Next(sdktest.OpRun, tt.faults...)
				result, err := f.Client().Jobs.Run(t.Context(), f.JobID, &codeartsbuild.RunRequest{Branch: "main"})
				require.ErrorIs(t, err, tt.want)
				require.Equal(t, tt.unknown, errors.Is(err, codeartsbuild.ErrOutcomeUnknown), "outcome unknown: %v", err)
				require.Equal(t, tt.requests, len(f.Requests()))
				if tt.want == nil {
					require.Equal(t, "1", result.BuildNo)
				} else {
					require.Nil(t, result, "no value beside an error")
				}
				require.Equal(t, tt.builds > 0, f.Status(f.JobID, "1") != "")
				require.Equal(t, tt.builds > 1, f.Status(f.JobID, "2") != "", "one run is one build")
			})
		})
	}
}

// B50: a run that could not be sent has started nothing.
func TestRunNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		f.Close()
		_, err := client.Jobs.Run(t.Context(), f.JobID, nil)
		require.Error(t, err)
		require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown, "a refused connection starts nothing")
	})
}

// B50: a job that does not exist has started nothing.
func TestRunOfUnknownJob(t *testing.T) {
	t.Parallel()
	_, err := sdktest.NewService(t).Client().Jobs.Run(t.Context(), sdktest.JobID, nil)
	require.ErrorIs(t, err, codeartsbuild.ErrNotFound)
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
}

// B51: the forms of a response to a run.
func TestRunResponses(t *testing.T) {
	t.Parallel()
	const notStarted = "error"
	tests := map[string]struct {
		body, buildNo, daily string
	}{
		"flat":                         {body: `{"actual_build_number":"20","daily_build_number":"20200612.20","octopus_job_name":"j_Oaqg"}`, buildNo: "20", daily: "20200612.20"},
		"in a result":                  {body: `{"result":{"actual_build_number":"20","daily_build_number":"20200612.20"},"error":null,"status":"success"}`, buildNo: "20", daily: "20200612.20"},
		"a number":                     {body: `{"actual_build_number":20}`, buildNo: "20"},
		"a number with a fraction":     {body: `{"result":{"actual_build_number":20.0,"daily_build_number":null}}`, buildNo: "20"},
		"an empty result beside it":    {body: `{"result":null,"actual_build_number":"20"}`, buildNo: "20"},
		"no number":                    {body: `{"daily_build_number":"20200612.20"}`, buildNo: notStarted},
		"number null":                  {body: `{"actual_build_number":null}`, buildNo: notStarted},
		"number zero":                  {body: `{"actual_build_number":0}`, buildNo: notStarted},
		"daily number for number":      {body: `{"actual_build_number":"20200612.20"}`, buildNo: notStarted},
		"an error in a success":        {body: `{"error_code":"CB.00060200","error_msg":"no"}`, buildNo: notStarted},
		"an error object in a success": {body: `{"result":null,"error":{"code":"DEV.CB.032000","reason":"no"},"status":"error"}`, buildNo: notStarted},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := sdktest.Client(t, httpfake.Reply(200, tt.body)).Jobs.Run(t.Context(), sdktest.JobID, nil)
			if tt.buildNo == notStarted {
				sdktest.APIError(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, &codeartsbuild.RunResult{BuildNo: tt.buildNo, DailyBuildNo: tt.daily}, result)
		})
	}
}

// B52: the request of a run.
func TestRunRequest(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   *codeartsbuild.RunRequest
		want string // of the body, without the job; "": rejected
	}{
		"nothing":             {nil, `{}`},
		"an empty request":    {&codeartsbuild.RunRequest{}, `{}`},
		"a branch":            {&codeartsbuild.RunRequest{Branch: "feat/x"}, `{"scm":{"build_type":"branch","branch":"feat/x"}}`},
		"a tag":               {&codeartsbuild.RunRequest{Tag: "v1"}, `{"scm":{"build_type":"tag","build_tag":"v1"}}`},
		"a commit":            {&codeartsbuild.RunRequest{CommitID: "1a2b"}, `{"scm":{"build_type":"commitId","build_commit_id":"1a2b"}}`},
		"a commit, a branch":  {&codeartsbuild.RunRequest{CommitID: "1a2b", Branch: "main"}, `{"scm":{"build_type":"commitId","build_commit_id":"1a2b","branch":"main"}}`},
		"parameters":          {&codeartsbuild.RunRequest{Parameters: map[string]string{"z": "1", "a": "", "m": "ä\n\""}}, `{"parameter":[{"name":"a","value":""},{"name":"m","value":"ä\n\""},{"name":"z","value":"1"}]}`},
		"a tag and a branch":  {&codeartsbuild.RunRequest{Tag: "v1", Branch: "main"}, ""},
		"a tag and a commit":  {&codeartsbuild.RunRequest{Tag: "v1", CommitID: "1a2b"}, ""},
		"a nameless argument": {&codeartsbuild.RunRequest{Parameters: map[string]string{"": "1"}}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(200, `{"actual_build_number":"1"}`))
			_, err := sdktest.Client(t, transport).Jobs.Run(t.Context(), sdktest.JobID, tt.in)
			if tt.want == "" {
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.Zero(t, transport.Count())
				return
			}
			require.NoError(t, err)
			r := transport.Requests()[0]
			require.Equal(t, "POST /v1/job/execute", r.Method+" "+r.URL.RequestURI())
			var sent map[string]any
			require.NoError(t, json.Unmarshal([]byte(r.Body), &sent))
			require.Equal(t, sdktest.JobID, sent["job_id"])
			delete(sent, "job_id")
			rest, err := json.Marshal(sent)
			require.NoError(t, err)
			require.JSONEq(t, tt.want, string(rest))
		})
	}
}

// B52: parameters are sorted by name.
func TestRunParametersSorted(t *testing.T) {
	t.Parallel()
	in := &codeartsbuild.RunRequest{Parameters: map[string]string{}}
	for name := 'a'; name <= 'z'; name++ {
		in.Parameters[string(name)] = ""
	}
	transport := httpfake.Script(httpfake.Reply(200, `{"actual_build_number":"1"}`))
	_, err := sdktest.Client(t, transport).Jobs.Run(t.Context(), sdktest.JobID, in)
	require.NoError(t, err)
	var sent struct {
		Parameter []struct{ Name string } `json:"parameter"`
	}
	require.NoError(t, json.Unmarshal([]byte(transport.Requests()[0].Body), &sent))
	var names []string
	for _, p := range sent.Parameter {
		names = append(names, p.Name)
	}
	require.Equal(t, "abcdefghijklmnopqrstuvwxyz", strings.Join(names, ""))
}

// B52: a job id that cannot be one is rejected.
func TestRunJobIDRejected(t *testing.T) {
	t.Parallel()
	for _, job := range []string{"", " ", "..", "a/b", sdktest.JobID + "0"} {
		_, err := sdktest.Client(t, unsent(t)).Jobs.Run(t.Context(), job, nil)
		require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, "job %q", job)
	}
}

// B53: Running tells whether the job builds, and its newest number.
func TestRunning(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	client := f.Client()
	want := func(running bool, buildNo string) {
		t.Helper()
		status, err := client.Jobs.Running(t.Context(), f.JobID)
		require.NoError(t, err)
		require.Equal(t, &codeartsbuild.RunningStatus{Running: running, BuildNo: buildNo}, status)
	}
	want(false, "")
	no := f.StartBuild(f.JobID)
	want(true, no)
	f.Finish(f.JobID, no, codeartsbuild.StatusFailed)
	want(false, no)

	spelled := sdktest.Client(t, httpfake.Reply(200, `{"is_running":"TRUE","last_build_no":9}`))
	status, err := spelled.Jobs.Running(t.Context(), f.JobID)
	require.NoError(t, err)
	require.Equal(t, &codeartsbuild.RunningStatus{Running: true, BuildNo: "9"}, status)
}

// B26: a run with an unknown outcome is not retried. The build may be there.
func TestRunSentOnce(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		f.Next(sdktest.OpRun, codeartsbuildtest.DropAnswer())
		result, err := f.Client().Jobs.Run(t.Context(), f.JobID, nil)
		require.Nil(t, result)
		require.Equal(t, []string{"ErrOutcomeUnknown"}, sdktest.Kinds(err))
		require.Equal(t, []string{sdktest.OpRun}, f.Operations())
		require.Equal(t, codeartsbuild.StatusQueued, f.Status(f.JobID, "2"), "the build is there")

		f.Next(sdktest.OpRun, codeartsbuildtest.Reply(429, ""), codeartsbuildtest.Reply(503, ""))
		result, err = f.Client().Jobs.Run(t.Context(), f.JobID, nil)
		require.NoError(t, err)
		require.Equal(t, "3", result.BuildNo)
		require.Equal(t, slices.Repeat([]string{sdktest.OpRun}, 4), f.Operations())
	})
}
