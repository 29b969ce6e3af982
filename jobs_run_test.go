package codeartsbuild_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// buildsJob is a job that no service has to know.
const buildsJob = "48c66c6002964721be537cdc6ce0297b"

// buildsClient is a client whose only answer is the given one, whatever it asks.
func buildsClient(t *testing.T, answer func(*http.Request) (*http.Response, error)) (*codeartsbuild.Client, *httpmock.MockTransport) {
	t.Helper()
	transport := httpmock.NewMockTransport()
	transport.RegisterNoResponder(answer)
	client, err := codeartsbuild.NewClient(
		codeartsbuild.WithEndpoint("https://cloudbuild.example.com"),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("token")),
		codeartsbuild.WithTransport(transport),
	)
	require.NoError(t, err)
	return client, transport
}

func buildsAnswer(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return httpmock.NewStringResponse(status, body), nil }
}

// buildsCount is how often an operation was asked for.
func buildsCount(srv *codeartsbuildtest.Server, operation string) (n int) {
	for _, r := range srv.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

func TestB50RunIsSentOnceUnlessItCannotHaveBeenProcessed(t *testing.T) {
	t.Parallel()
	const busy, frequent = `{"error_code":"CB.00060100","error_msg":"busy"}`, `{"error_code":"CB.00060211","error_msg":"too frequent"}`
	tests := map[string]struct {
		faults   []codeartsbuildtest.Fault
		want     error // nil: a build was accepted
		unknown  bool
		requests int
		builds   int
	}{
		"accepted":                        {nil, nil, false, 1, 1},
		"answer lost":                     {[]codeartsbuildtest.Fault{codeartsbuildtest.DropAnswer()}, codeartsbuild.ErrOutcomeUnknown, true, 1, 1},
		"request lost":                    {[]codeartsbuildtest.Fault{codeartsbuildtest.DropRequest()}, codeartsbuild.ErrOutcomeUnknown, true, 1, 0},
		"bad gateway":                     {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(502, "")}, codeartsbuild.ErrInternalServerError, true, 1, 0},
		"gateway timeout":                 {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(504, "")}, codeartsbuild.ErrInternalServerError, true, 1, 0},
		"500 that is not explained":       {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(500, "{}")}, codeartsbuild.ErrInternalServerError, true, 1, 0},
		"500 that is explained":           {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(500, busy)}, codeartsbuild.ErrInternalServerError, false, 1, 0},
		"a page in place of the answer":   {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(200, "<html>")}, codeartsbuild.ErrUnexpectedResponse, true, 1, 0},
		"a success without a number":      {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(200, "{}")}, codeartsbuild.ErrUnexpectedResponse, true, 1, 0},
		"a success that is empty":         {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(200, "")}, codeartsbuild.ErrUnexpectedResponse, true, 1, 0},
		"refused":                         {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(403, "{}")}, codeartsbuild.ErrForbidden, false, 1, 0},
		"not available, then accepted":    {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(503, "")}, nil, false, 2, 1},
		"too many requests, then":         {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(429, "")}, nil, false, 2, 1},
		"too frequent, then":              {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(400, frequent)}, nil, false, 2, 1},
		"not available, then lost":        {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(503, ""), codeartsbuildtest.DropAnswer()}, codeartsbuild.ErrOutcomeUnknown, true, 2, 1},
		"not available, then a bad gate":  {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(503, ""), codeartsbuildtest.Reply(502, "")}, codeartsbuild.ErrInternalServerError, true, 2, 0},
		"not available, then busy":        {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(503, ""), codeartsbuildtest.Reply(500, busy)}, codeartsbuild.ErrInternalServerError, false, 2, 0},
		"not available, then not allowed": {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(503, ""), codeartsbuildtest.Reply(403, "{}")}, codeartsbuild.ErrForbidden, false, 2, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer()
				defer srv.Close()
				job := srv.AddJob("nightly")
				srv.Next("ExecuteJob", tt.faults...)
				result, err := srv.Client().Jobs.Run(t.Context(), job, &codeartsbuild.RunRequest{Branch: "main"})
				require.ErrorIs(t, err, tt.want)
				require.Equal(t, tt.unknown, errors.Is(err, codeartsbuild.ErrOutcomeUnknown), "outcome unknown: %v", err)
				require.Equal(t, tt.requests, len(srv.Requests()))
				if tt.want == nil {
					require.Equal(t, "1", result.BuildNo)
				} else {
					require.Nil(t, result, "no value stands beside an error")
				}
				require.Equal(t, tt.builds > 0, srv.Status(job, "1") != "")
				require.Equal(t, tt.builds > 1, srv.Status(job, "2") != "", "one run is one build")
			})
		})
	}
}

func TestB50RunThatNobodyHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		client, job := srv.Client(), srv.AddJob("nightly")
		srv.Close()
		_, err := client.Jobs.Run(t.Context(), job, nil)
		require.Error(t, err)
		require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown, "a refused connection starts nothing")
	})
}

func TestB50RunOfAJobThatDoesNotExist(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	_, err := srv.Client().Jobs.Run(t.Context(), buildsJob, nil)
	require.ErrorIs(t, err, codeartsbuild.ErrNotFound)
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
}

func TestB51AnswersToARun(t *testing.T) {
	t.Parallel()
	const notStarted = "error"
	tests := map[string]struct {
		body, buildNo, daily string
	}{
		"flat":                         {`{"actual_build_number":"20","daily_build_number":"20200612.20","octopus_job_name":"j_Oaqg"}`, "20", "20200612.20"},
		"in a result":                  {`{"result":{"actual_build_number":"20","daily_build_number":"20200612.20"},"error":null,"status":"success"}`, "20", "20200612.20"},
		"a number":                     {`{"actual_build_number":20}`, "20", ""},
		"a number with a fraction":     {`{"result":{"actual_build_number":20.0,"daily_build_number":null}}`, "20", ""},
		"an empty result beside it":    {`{"result":null,"actual_build_number":"20"}`, "20", ""},
		"no number":                    {`{"daily_build_number":"20200612.20"}`, notStarted, ""},
		"number null":                  {`{"actual_build_number":null}`, notStarted, ""},
		"number zero":                  {`{"actual_build_number":0}`, notStarted, ""},
		"daily number for number":      {`{"actual_build_number":"20200612.20"}`, notStarted, ""},
		"an error in a success":        {`{"error_code":"CB.00060200","error_msg":"no"}`, notStarted, ""},
		"an error object in a success": {`{"result":null,"error":{"code":"DEV.CB.032000","reason":"no"},"status":"error"}`, notStarted, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := buildsClient(t, buildsAnswer(200, tt.body))
			result, err := client.Jobs.Run(t.Context(), buildsJob, nil)
			if tt.buildNo == notStarted {
				require.ErrorAs(t, err, new(*codeartsbuild.APIError))
				return
			}
			require.NoError(t, err)
			require.Equal(t, &codeartsbuild.RunResult{BuildNo: tt.buildNo, DailyBuildNo: tt.daily}, result)
		})
	}
}

func TestB52WhatARunSends(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   *codeartsbuild.RunRequest
		want string // of the body, beside the job; "" means refused
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
			var body []byte
			var asked string
			client, transport := buildsClient(t, func(r *http.Request) (*http.Response, error) {
				asked = r.Method + " " + r.URL.RequestURI()
				body, _ = io.ReadAll(r.Body)
				return httpmock.NewStringResponse(200, `{"actual_build_number":"1"}`), nil
			})
			_, err := client.Jobs.Run(t.Context(), buildsJob, tt.in)
			if tt.want == "" {
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.Zero(t, transport.GetTotalCallCount())
				return
			}
			require.NoError(t, err)
			require.Equal(t, "POST /v1/job/execute", asked)
			var sent map[string]any
			require.NoError(t, json.Unmarshal(body, &sent))
			require.Equal(t, buildsJob, sent["job_id"])
			delete(sent, "job_id")
			rest, err := json.Marshal(sent)
			require.NoError(t, err)
			require.JSONEq(t, tt.want, string(rest))
		})
	}
}

func TestB52ParametersComeInOneOrder(t *testing.T) {
	t.Parallel()
	in := &codeartsbuild.RunRequest{Parameters: map[string]string{}}
	for name := 'a'; name <= 'z'; name++ {
		in.Parameters[string(name)] = ""
	}
	var names []string
	client, _ := buildsClient(t, func(r *http.Request) (*http.Response, error) {
		var sent struct {
			Parameter []struct{ Name string } `json:"parameter"`
		}
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&sent))
		for _, p := range sent.Parameter {
			names = append(names, p.Name)
		}
		return httpmock.NewStringResponse(200, `{"actual_build_number":"1"}`), nil
	})
	_, err := client.Jobs.Run(t.Context(), buildsJob, in)
	require.NoError(t, err)
	require.Equal(t, "abcdefghijklmnopqrstuvwxyz", strings.Join(names, ""))
}

func TestB52RunOfNoJob(t *testing.T) {
	t.Parallel()
	for _, job := range []string{"", " ", "..", "a/b", buildsJob + "0"} {
		client, transport := buildsClient(t, buildsAnswer(200, "{}"))
		_, err := client.Jobs.Run(t.Context(), job, nil)
		require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, "job %q", job)
		require.Zero(t, transport.GetTotalCallCount())
	}
}

func TestB53WhetherAJobRuns(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	client := srv.Client()
	job := srv.AddJob("nightly")
	want := func(running bool, buildNo string) {
		t.Helper()
		status, err := client.Jobs.Running(t.Context(), job)
		require.NoError(t, err)
		require.Equal(t, &codeartsbuild.RunningStatus{Running: running, BuildNo: buildNo}, status)
	}
	want(false, "")
	no := srv.StartBuild(job)
	want(true, no)
	srv.Finish(job, no, codeartsbuild.StatusFailed)
	want(false, no)

	spelled, _ := buildsClient(t, buildsAnswer(200, `{"is_running":"TRUE","last_build_no":9}`))
	status, err := spelled.Jobs.Running(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, &codeartsbuild.RunningStatus{Running: true, BuildNo: "9"}, status)
}
