package codeartsbuild_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B50: a run is sent once, unless it cannot have been processed.
func TestRunIsSentOnce(t *testing.T) {
	t.Parallel()
	const busy, frequent = `{"error_code":"CB.00060100","error_msg":"busy"}`, `{"error_code":"CB.00060211","error_msg":"too frequent"}`
	reply, lost := codeartsbuildtest.Reply, codeartsbuildtest.DropAnswer()
	faults := func(f ...codeartsbuildtest.Fault) []codeartsbuildtest.Fault { return f }
	tests := map[string]struct {
		faults   []codeartsbuildtest.Fault
		want     []string
		requests int
		builds   int
	}{
		"accepted":                        {nil, []string{}, 1, 1},
		"response lost":                   {faults(lost), []string{"ErrOutcomeUnknown"}, 1, 1},
		"request lost":                    {faults(codeartsbuildtest.DropRequest()), []string{"ErrOutcomeUnknown"}, 1, 0},
		"bad gateway":                     {faults(reply(502, "")), []string{"ErrInternalServerError", "ErrOutcomeUnknown"}, 1, 0},
		"gateway timeout":                 {faults(reply(504, "")), []string{"ErrInternalServerError", "ErrOutcomeUnknown"}, 1, 0},
		"500 that is not explained":       {faults(reply(500, "{}")), []string{"ErrInternalServerError", "ErrOutcomeUnknown"}, 1, 0},
		"500 that is explained":           {faults(reply(500, busy)), []string{"ErrInternalServerError"}, 1, 0},
		"a page in place of the response": {faults(reply(200, "<html>")), []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, 1, 0},
		"a success without a number":      {faults(reply(200, "{}")), []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, 1, 0},
		"a success that is empty":         {faults(reply(200, "")), []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, 1, 0},
		"forbidden":                       {faults(reply(403, "{}")), []string{"ErrForbidden"}, 1, 0},
		"not available, then accepted":    {faults(reply(503, "")), []string{}, 2, 1},
		"too many requests, then":         {faults(reply(429, "")), []string{}, 2, 1},
		"too frequent, then":              {faults(reply(400, frequent)), []string{}, 2, 1},
		"not available, then lost":        {faults(reply(503, ""), lost), []string{"ErrOutcomeUnknown"}, 2, 1},
		"not available, then a bad gate":  {faults(reply(503, ""), reply(502, "")), []string{"ErrInternalServerError", "ErrOutcomeUnknown"}, 2, 0},
		"not available, then busy":        {faults(reply(503, ""), reply(500, busy)), []string{"ErrInternalServerError"}, 2, 0},
		"not available, then not allowed": {faults(reply(503, ""), reply(403, "{}")), []string{"ErrForbidden"}, 2, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				f.Next(sdktest.OpRun, tt.faults...)
				result, err := f.Client().Jobs.Run(t.Context(), f.JobID, &codeartsbuild.RunRequest{Branch: "main"})
				require.Equal(t, tt.want, sdktest.Kinds(err))
				require.Equal(t, tt.requests, len(f.Requests()))
				if err == nil {
					require.Equal(t, "1", result.BuildNo)
				} else {
					require.Nil(t, result, "no value stands beside an error")
				}
				require.Equal(t, tt.builds > 0, f.Status(f.JobID, "1") != "")
				require.Equal(t, tt.builds > 1, f.Status(f.JobID, "2") != "", "one run is one build")
			})
		})
	}
}

// B50: a refused connection starts nothing.
func TestRunWithoutAService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		f.Close()
		_, err := f.Client().Jobs.Run(t.Context(), f.JobID, nil)
		require.Error(t, err)
		require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	})
}

// B50
func TestRunOfAnUnknownJob(t *testing.T) {
	t.Parallel()
	_, err := sdktest.NewJob(t).Client().Jobs.Run(t.Context(), sdktest.JobID, nil)
	require.Equal(t, []string{"ErrNotFound"}, sdktest.Kinds(err))
}

// B51: the number of the new build, in any spelling of the response.
func TestRunResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body, buildNo, daily, execution string // no number: an error
	}{
		"flat":                         {`{"actual_build_number":"20","daily_build_number":"20200612.20","octopus_job_name":"j_Oaqg"}`, "20", "20200612.20", "j_Oaqg"},
		"in a result":                  {`{"result":{"actual_build_number":"20","daily_build_number":"20200612.20"},"error":null,"status":"success"}`, "20", "20200612.20", ""},
		"a number":                     {`{"actual_build_number":20}`, "20", "", ""},
		"a number with a fraction":     {`{"result":{"actual_build_number":20.0,"daily_build_number":null}}`, "20", "", ""},
		"a text with a fraction":       {`{"actual_build_number":"20.0"}`, "20", "", ""},
		"leading zeros":                {`{"actual_build_number":"0020"}`, "20", "", ""},
		"blanks":                       {`{"actual_build_number":" 20 "}`, "20", "", ""},
		"an empty result beside it":    {`{"result":null,"actual_build_number":"20"}`, "20", "", ""},
		"no number":                    {`{"daily_build_number":"20200612.20"}`, "", "", ""},
		"number null":                  {`{"actual_build_number":null}`, "", "", ""},
		"number zero":                  {`{"actual_build_number":0}`, "", "", ""},
		"half a number":                {`{"actual_build_number":"20.5"}`, "", "", ""},
		"daily number for number":      {`{"actual_build_number":"20200612.20"}`, "", "", ""},
		"first daily number":           {`{"actual_build_number":"20200612.0"}`, "", "", ""},
		"an error in a success":        {`{"error_code":"CB.00060200","error_msg":"no"}`, "", "", ""},
		"an error object in a success": {`{"result":null,"error":{"code":"DEV.CB.032000","reason":"no"},"status":"error"}`, "", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := sdktest.Client(t, httpfake.Reply(200, tt.body)).Jobs.Run(t.Context(), sdktest.JobID, nil)
			if tt.buildNo == "" {
				sdktest.APIError(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, &codeartsbuild.RunResult{BuildNo: tt.buildNo, DailyBuildNo: tt.daily, ExecutionID: tt.execution}, result)
		})
	}
}

// B51: the spellings of a build number in other responses.
func TestBuildNumberInResponses(t *testing.T) {
	t.Parallel()
	for _, spelled := range []string{`5`, `5.0`, `5e0`, `"5"`, `"005"`, `" 5 "`, `"5.0"`, `"5.00"`, `"\t5\n"`} {
		record := `{"result":{"build_no":` + spelled + `,"status":"RUNNING"}}`
		build, err := sdktest.Client(t, httpfake.Reply(200, record)).Builds.Get(t.Context(), sdktest.JobID, "5")
		require.NoError(t, err, spelled)
		require.Equal(t, "5", build.BuildNo)

		list := `{"result":{"job_build_states":[{"number":` + spelled + `}]}}`
		page, err := sdktest.Client(t, httpfake.Reply(200, list)).Builds.List(t.Context(), sdktest.JobID, nil)
		require.NoError(t, err, spelled)
		require.Equal(t, "5", page.Items[0].BuildNo)

		status, err := sdktest.Client(t, httpfake.Reply(200, `{"is_running":true,"last_build_no":`+spelled+`}`)).Jobs.Running(t.Context(), sdktest.JobID)
		require.NoError(t, err, spelled)
		require.Equal(t, "5", status.BuildNo)
	}
	for _, other := range []string{`6`, `"5.5"`, `"0x5"`, `"+5"`, `"5,0"`, `"20221011.5"`, `""`, `null`, `"5 6"`} {
		client := sdktest.Client(t, httpfake.Reply(200, `{"result":{"build_no":`+other+`,"status":"RUNNING"}}`), sdktest.Once)
		_, err := client.Builds.Get(t.Context(), sdktest.JobID, "5")
		require.ErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse, other)
	}
}

// B52: parameters are sorted by name, and the source goes with its type.
func TestRunRequests(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   *codeartsbuild.RunRequest
		want string // of the body, beside the job
	}{
		"nothing":            {nil, `{}`},
		"an empty request":   {&codeartsbuild.RunRequest{}, `{}`},
		"a branch":           {&codeartsbuild.RunRequest{Branch: "feat/x"}, `{"scm":{"build_type":"branch","branch":"feat/x"}}`},
		"a Chinese branch":   {&codeartsbuild.RunRequest{Branch: "特性/🔑"}, `{"scm":{"build_type":"branch","branch":"特性/🔑"}}`},
		"a tag":              {&codeartsbuild.RunRequest{Tag: "v1"}, `{"scm":{"build_type":"tag","build_tag":"v1"}}`},
		"a commit":           {&codeartsbuild.RunRequest{CommitID: "1a2b"}, `{"scm":{"build_type":"commitId","build_commit_id":"1a2b"}}`},
		"a commit, a branch": {&codeartsbuild.RunRequest{CommitID: "1a2b", Branch: "main"}, `{"scm":{"build_type":"commitId","build_commit_id":"1a2b","branch":"main"}}`},
		"parameters": {&codeartsbuild.RunRequest{Parameters: map[string]string{"z": "1", "a": "", "m": "ä\n\""}},
			`{"parameter":[{"name":"a","value":""},{"name":"m","value":"ä\n\""},{"name":"z","value":"1"}]}`},
		"a branch parameter": {&codeartsbuild.RunRequest{Branch: "main", BranchParameter: "codeBranch", Parameters: map[string]string{"a": "1", "z": "2"}},
			`{"parameter":[{"name":"a","value":"1"},{"name":"codeBranch","value":"main"},{"name":"z","value":"2"}],"scm":{"build_type":"branch","branch":"main"}}`},
		"a branch parameter of a commit": {&codeartsbuild.RunRequest{Branch: "main", CommitID: "1a2b", BranchParameter: "b"},
			`{"parameter":[{"name":"b","value":"main"}],"scm":{"build_type":"commitId","build_commit_id":"1a2b","branch":"main"}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(200, `{"actual_build_number":"1"}`))
			_, err := sdktest.Client(t, transport).Jobs.Run(t.Context(), sdktest.JobID, tt.in)
			require.NoError(t, err)
			request := transport.Requests()[0]
			require.Equal(t, "POST /v1/job/execute", request.Method+" "+request.URL.RequestURI())
			var sent map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(request.Body), &sent))
			require.JSONEq(t, `"`+sdktest.JobID+`"`, string(sent["job_id"]))
			delete(sent, "job_id")
			rest, err := json.Marshal(sent)
			require.NoError(t, err)
			require.JSONEq(t, tt.want, string(rest))
		})
	}
}

// B52, B52a: a request that the service would take for another one is rejected before anything is sent. The text shows
// the character that is wrong.
func TestRunBadRequests(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		job  string
		in   codeartsbuild.RunRequest
		text string
	}{
		"a tag and a branch":            {"", codeartsbuild.RunRequest{Tag: "v1", Branch: "main"}, "Tag cannot be combined"},
		"a tag and a commit":            {"", codeartsbuild.RunRequest{Tag: "v1", CommitID: "1a2b"}, "Tag cannot be combined"},
		"a nameless parameter":          {"", codeartsbuild.RunRequest{Parameters: map[string]string{"": "1"}}, "name of a parameter"},
		"a branch that is not UTF-8":    {"", codeartsbuild.RunRequest{Branch: "feat/\xe4"}, `Branch must be UTF-8 without white space and control characters, got "feat/\xe4"`},
		"a tag that is not UTF-8":       {"", codeartsbuild.RunRequest{Tag: "v\xff"}, `Tag must be UTF-8`},
		"a commit that is not UTF-8":    {"", codeartsbuild.RunRequest{CommitID: "\xc3("}, `CommitID must be UTF-8`},
		"a branch with a line break":    {"", codeartsbuild.RunRequest{Branch: "main\n"}, `got "main\n"`},
		"a branch with a blank":         {"", codeartsbuild.RunRequest{Branch: " main"}, `got " main"`},
		"a branch with a wide blank":    {"", codeartsbuild.RunRequest{Branch: "main\u00a0"}, `got "main\u00a0"`},
		"a tag with a carriage return":  {"", codeartsbuild.RunRequest{Tag: "v1\r"}, `got "v1\r"`},
		"a commit with NUL":             {"", codeartsbuild.RunRequest{CommitID: "1a2b\x00"}, `got "1a2b\x00"`},
		"two names that become one":     {"", codeartsbuild.RunRequest{Parameters: map[string]string{"P\xff": "1", "P\xfe": "2"}}, `name of a parameter must be UTF-8, got "P\x`},
		"a value that is not UTF-8":     {"", codeartsbuild.RunRequest{Parameters: map[string]string{"P": "s3cr3t\xff"}}, `the value of the parameter "P" must be UTF-8`},
		"a value cut within a letter":   {"", codeartsbuild.RunRequest{Parameters: map[string]string{"P": "\xe7\xbc"}}, `the value of the parameter "P" must be UTF-8`},
		"a parameter without a branch":  {"", codeartsbuild.RunRequest{BranchParameter: "codeBranch"}, "BranchParameter must come with a Branch"},
		"a parameter with a tag":        {"", codeartsbuild.RunRequest{BranchParameter: "codeBranch", Tag: "v1"}, "BranchParameter must come with a Branch"},
		"a parameter given twice":       {"", codeartsbuild.RunRequest{Branch: "main", BranchParameter: "codeBranch", Parameters: map[string]string{"codeBranch": "x"}}, `the parameter "codeBranch" must be given once`},
		"a parameter that is not UTF-8": {"", codeartsbuild.RunRequest{Branch: "main", BranchParameter: "\xff"}, "BranchParameter must be UTF-8"},
		"no job":                        {" ", codeartsbuild.RunRequest{}, "job_id must be"},
		"a path for a job":              {"..", codeartsbuild.RunRequest{}, "job_id must be"},
		"a long job":                    {sdktest.JobID + "0", codeartsbuild.RunRequest{}, "job_id must be"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := tt.job
			if job == "" {
				job = sdktest.JobID
			}
			transport := httpfake.Script(httpfake.Lost)
			_, err := sdktest.Client(t, transport).Jobs.Run(t.Context(), job, &tt.in)
			require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err))
			require.ErrorContains(t, err, tt.text)
			require.NotContains(t, err.Error(), "s3cr3t", "a value can be a secret")
			require.True(t, strings.HasPrefix(err.Error(), "codeartsbuild: ExecuteJob: "), err)
			require.Zero(t, transport.Count())
		})
	}
}

// B52: the same request is the same body each time.
func TestRunParametersComeInOneOrder(t *testing.T) {
	t.Parallel()
	in := &codeartsbuild.RunRequest{Parameters: map[string]string{}}
	for name := 'a'; name <= 'z'; name++ {
		in.Parameters[string(name)] = ""
	}
	transport := httpfake.Script(httpfake.Reply(200, `{"actual_build_number":"1"}`))
	client := sdktest.Client(t, transport)
	for range 10 {
		_, err := client.Jobs.Run(t.Context(), sdktest.JobID, in)
		require.NoError(t, err)
	}
	requests := transport.Requests()
	require.Contains(t, requests[0].Body, `{"name":"a","value":""},{"name":"b","value":""},{"name":"c"`)
	for _, request := range requests {
		require.Equal(t, requests[0].Body, request.Body)
	}
}

// B53: whether a job builds, and the number of its newest build.
func TestRunning(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	client := f.Client()
	want := func(running bool, buildNo, progress string) {
		t.Helper()
		status, err := client.Jobs.Running(t.Context(), f.JobID)
		require.NoError(t, err)
		require.Equal(t, &codeartsbuild.RunningStatus{Running: running, BuildNo: buildNo, Progress: progress, JobID: f.JobID}, status)
	}
	want(false, "", "")
	no := f.StartBuild(f.JobID)
	want(true, no, "Running")
	f.Finish(f.JobID, no, codeartsbuild.StatusFailed)
	want(false, no, "Finished")

	spelled := sdktest.Client(t, httpfake.Reply(200, `{"is_running":"TRUE","last_build_no":9}`))
	status, err := spelled.Jobs.Running(t.Context(), f.JobID)
	require.NoError(t, err)
	require.Equal(t, &codeartsbuild.RunningStatus{Running: true, BuildNo: "9"}, status)
}
