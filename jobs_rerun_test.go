package codeartsbuild_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B53a: Rerun starts what the earlier build was started with.
func TestRerun(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		record, parameters string
		want               string // of the body, beside the job
	}{
		"a branch": {
			`"build_type":"branch","branch":"main","commit":"1a2b","tag":null`, `[{"name":"codeBranch","value":"main"},{"name":"a","value":"1"}]`,
			`{"parameter":[{"name":"a","value":"1"},{"name":"codeBranch","value":"main"}],"scm":{"build_type":"branch","branch":"main"}}`,
		},
		"a branch as a reference": {`"build_type":"branch","branch":"refs/heads/main"`, `[]`, `{"scm":{"build_type":"branch","branch":"main"}}`},
		"a tag":                   {`"build_type":"tag","branch":"","tag":"v1","commit":"1a2b"`, `[]`, `{"scm":{"build_type":"tag","build_tag":"v1"}}`},
		"a tag on a branch":       {`"build_type":"tag","branch":"main","tag":"v1"`, `null`, `{"scm":{"build_type":"tag","build_tag":"v1"}}`},
		"a commit": {
			`"build_type":"commitId","branch":null,"revision":"1a2b"`, `[]`, `{"scm":{"build_type":"commitId","build_commit_id":"1a2b"}}`,
		},
		"a commit of a branch": {
			`"build_type":"commitId","branch":"main","commit":"1a2b"`, `[]`, `{"scm":{"build_type":"commitId","build_commit_id":"1a2b","branch":"main"}}`,
		},
		"a commit, of an unknown type": {`"commit":"1a2b"`, `[]`, `{"scm":{"build_type":"commitId","build_commit_id":"1a2b"}}`},
		"a tag, of an unknown type":    {`"tag":"v1"`, `[]`, `{"scm":{"build_type":"tag","build_tag":"v1"}}`},
		"a branch, of an unknown type": {`"branch":"main","tag":"v1","commit":"1a2b"`, `[]`, `{"scm":{"build_type":"branch","branch":"main"}}`},
		"no source":                    {`"build_type":""`, `[]`, `{}`},
		"secret parameters": {
			`"build_type":"branch","branch":"main"`, `[{"name":"password","value":"******"},{"name":"token","value":"***"},{"name":"stars","value":"a*"},{"name":"empty","value":""}]`,
			`{"parameter":[{"name":"empty","value":""},{"name":"stars","value":"a*"}],"scm":{"build_type":"branch","branch":"main"}}`,
		},
		"parameters of other kinds": {
			`"branch":"main"`, `[{"name":"n","value":5},{"name":"b","value":true},{"name":"none","value":null},{"name":"","value":"x"},{"name":"more","value":"1","type":"normalparam"}]`,
			`{"parameter":[{"name":"b","value":"true"},{"name":"more","value":"1"},{"name":"n","value":"5"},{"name":"none","value":""}],"scm":{"build_type":"branch","branch":"main"}}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(
				httpfake.Reply(200, `{"result":{"build_no":20,"status":"FAILURE",`+tt.record+`},"status":"success"}`),
				httpfake.Reply(200, `{"error":null,"result":`+tt.parameters+`,"status":"success"}`),
				httpfake.Reply(200, `{"actual_build_number":"21"}`))
			result, err := sdktest.Client(t, transport).Jobs.Rerun(t.Context(), sdktest.JobID, "20")
			require.NoError(t, err)
			require.Equal(t, "21", result.BuildNo)
			requests := transport.Requests()
			require.Equal(t, "GET /v1/job/"+sdktest.JobID+"/20/history-parameters", requests[1].Method+" "+requests[1].URL.RequestURI())
			require.Equal(t, "/v1/job/execute", requests[2].URL.Path)
			var sent map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(requests[2].Body), &sent))
			delete(sent, "job_id")
			rest, err := json.Marshal(sent)
			require.NoError(t, err)
			require.JSONEq(t, tt.want, string(rest))
		})
	}
}

// B53a: without knowing what to run, Rerun starts nothing.
func TestRerunErrors(t *testing.T) {
	t.Parallel()
	record := httpfake.Reply(200, `{"result":{"build_no":20,"branch":"main"}}`)
	tests := map[string]struct {
		no       string
		steps    []httpfake.Func
		kinds    []string
		requests int
	}{
		"no build":                    {"0", []httpfake.Func{httpfake.Lost}, []string{"ErrInvalidArgument"}, 0},
		"a daily number":              {"20261124.3", []httpfake.Func{httpfake.Lost}, []string{"ErrInvalidArgument"}, 0},
		"an unknown build":            {"20", []httpfake.Func{httpfake.Reply(404, `{}`)}, []string{"ErrNotFound"}, 1},
		"another build's record":      {"20", []httpfake.Func{httpfake.Reply(200, `{"result":{"build_no":21}}`)}, []string{"ErrUnexpectedResponse"}, 1},
		"no parameters to be had":     {"20", []httpfake.Func{record, httpfake.Reply(403, `{}`)}, []string{"ErrForbidden"}, 2},
		"parameters that are none":    {"20", []httpfake.Func{record, httpfake.Reply(200, `{"result":{"name":"a"}}`)}, []string{"ErrUnexpectedResponse"}, 2},
		"parameters that are missing": {"20", []httpfake.Func{record, httpfake.Reply(200, `{"status":"success"}`)}, []string{"ErrUnexpectedResponse"}, 2},
		"no response at all":          {"20", []httpfake.Func{record, httpfake.Reply(200, ``)}, []string{"ErrUnexpectedResponse"}, 2},
		"a lost run":                  {"20", []httpfake.Func{record, httpfake.Reply(200, `{"result":[]}`), httpfake.Lost}, []string{"ErrOutcomeUnknown"}, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(tt.steps...)
			result, err := sdktest.Client(t, transport, sdktest.Once).Jobs.Rerun(t.Context(), sdktest.JobID, tt.no)
			require.Nil(t, result)
			require.Equal(t, tt.kinds, sdktest.Kinds(err))
			require.Equal(t, tt.requests, transport.Count())
		})
	}
}

// A clockService has a clock of its own, and the builds of a job: the one of a run whose response is lost, and others.
type clockService struct {
	ahead   time.Duration
	noDate  bool // in the response to the run
	running []string
	lists   int
}

func (s *clockService) now() time.Time { return time.Now().Add(s.ahead) }

func (s *clockService) add(members string) {
	row := fmt.Sprintf(`{"number":%d,"job_running_status":"Running","start_time":%d,%s}`, len(s.running)+1, s.now().UnixMilli(), members)
	s.running = append(s.running, row)
}

func (s *clockService) RoundTrip(r *http.Request) (*http.Response, error) {
	date := s.now().UTC().Format(http.TimeFormat)
	if strings.HasSuffix(r.URL.Path, "/execute") {
		s.add(`"code_branch":"main","commit_id":"1a2b3c4d"`)
		if s.noDate {
			return httpfake.Lost(r)
		}
		return httpfake.Reply(504, "", "Date", date)(r)
	}
	s.lists++
	zone := time.FixedZone("", 8*60*60)
	from, _ := time.ParseInLocation("2006-01-02 15:04:05", r.FormValue("start_time"), zone)
	to, _ := time.ParseInLocation("2006-01-02 15:04:05", r.FormValue("end_time"), zone)
	var rows []string
	for _, row := range s.running {
		var start struct {
			Milliseconds int64 `json:"start_time"`
		}
		_ = json.Unmarshal([]byte(row), &start)
		if at := time.UnixMilli(start.Milliseconds); !at.Before(from) && !at.After(to) {
			rows = append([]string{row}, rows...)
		}
	}
	return httpfake.Reply(200, `{"result":{"job_build_states":[`+strings.Join(rows, ",")+`]}}`, "Date", date)(r)
}

// B50a: the build of a run whose response was lost is found by the service's clock, however wrong the local one is, and
// whether the lost response told the time or not.
func TestFindRunByTheServicesClock(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 2 * time.Second, -2 * time.Second, time.Minute, -time.Minute, time.Hour, -time.Hour, 3 * time.Hour, -400 * time.Hour, 40 * 24 * time.Hour} {
		for _, noDate := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, no date %t", ahead, noDate), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(30 * 365 * 24 * time.Hour) // bubbles begin in 2000
					s := &clockService{ahead: ahead, noDate: noDate}
					client := sdktest.Client(t, s, sdktest.Once)
					s.add(`"code_branch":"main"`) // long before
					time.Sleep(time.Hour + 300*time.Millisecond)
					s.add(`"code_branch":"main"`) // a minute before
					time.Sleep(time.Minute)
					in, before := &codeartsbuild.RunRequest{Branch: "main"}, time.Now()
					_, err := client.Jobs.Run(t.Context(), sdktest.JobID, in)
					require.ErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
					time.Sleep(20 * time.Second)
					builds, err := client.Jobs.FindRun(t.Context(), sdktest.JobID, in, before)
					require.NoError(t, err)
					require.Len(t, builds, 1)
					require.Equal(t, "3", builds[0].BuildNo)
					require.LessOrEqual(t, s.lists, 4)
				})
			})
		}
	}
}

// B50a: a build that starts while the list is on its way is found: the request of the run, or that of the list, took its
// time.
func TestFindRunOfABuildThatStartsLate(t *testing.T) {
	t.Parallel()
	stalled := codeartsbuildtest.Delay
	tests := map[string]struct{ run, list faults }{
		"at once":                   {faults{codeartsbuildtest.DropAnswer()}, nil},
		"the list takes 20 s":       {faults{codeartsbuildtest.DropAnswer()}, faults{stalled(20 * time.Second)}},
		"the run takes 45 s":        {faults{stalled(45 * time.Second)}, faults{stalled(20 * time.Second)}},
		"the list is retried":       {faults{codeartsbuildtest.DropAnswer()}, faults{stalled(time.Minute), codeartsbuildtest.Reply(503, ""), stalled(29 * time.Second)}},
		"the list is asked to wait": {faults{codeartsbuildtest.DropAnswer()}, faults{sdktest.RetryAfter("25")}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				f.Next(sdktest.OpRun, tt.run...)
				f.Next(sdktest.OpListBuild, tt.list...)
				client, before := f.Client(), time.Now()
				_, err := client.Jobs.Run(t.Context(), f.JobID, nil)
				require.ErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				builds, err := client.Jobs.FindRun(t.Context(), f.JobID, nil, before)
				require.NoError(t, err)
				require.Len(t, builds, 1)
				require.Equal(t, "1", builds[0].BuildNo)
			})
		})
	}
}

// B50a: which builds a run may have started.
func TestFindRunMatches(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   *codeartsbuild.RunRequest
		row  string
		want bool
	}{
		"nothing was asked for":       {nil, `"code_branch":"main"`, true},
		"the same branch":             {&codeartsbuild.RunRequest{Branch: "main"}, `"code_branch":"main"`, true},
		"the same branch, as a ref":   {&codeartsbuild.RunRequest{Branch: "refs/heads/main"}, `"code_branch":"main"`, true},
		"the same branch, listed so":  {&codeartsbuild.RunRequest{Branch: "main"}, `"code_branch":"refs/heads/main"`, true},
		"another branch":              {&codeartsbuild.RunRequest{Branch: "main"}, `"code_branch":"Main"`, false},
		"no branch yet":               {&codeartsbuild.RunRequest{Branch: "main"}, `"code_branch":null`, true},
		"the same commit":             {&codeartsbuild.RunRequest{CommitID: "1a2b3c4d"}, `"commit_id":"1A2B3C4D"`, true},
		"a short commit":              {&codeartsbuild.RunRequest{CommitID: "1a2b3c4"}, `"commit_id":"1a2b3c4d5e6f"`, true},
		"another commit":              {&codeartsbuild.RunRequest{CommitID: "1a2b3c4d"}, `"commit_id":"1a2b3c4e"`, false},
		"no commit yet":               {&codeartsbuild.RunRequest{CommitID: "1a2b3c4d"}, `"commit_id":""`, true},
		"another branch, same commit": {&codeartsbuild.RunRequest{CommitID: "1a2b3c4d", Branch: "main"}, `"commit_id":"1a2b3c4d","code_branch":"dev"`, false},
		"a tag":                       {&codeartsbuild.RunRequest{Tag: "v1"}, `"code_branch":"v1"`, true},
		"started by a schedule":       {nil, `"trigger_type":"定时触发"`, false},
		"started by a person":         {nil, `"trigger_type":"Manual"`, true},
		"in the queue":                {&codeartsbuild.RunRequest{Branch: "main"}, `"job_running_status":"InQueue"`, true},
		"finished already":            {&codeartsbuild.RunRequest{Branch: "main"}, `"job_running_status":"Finished","state":"FAILURE","code_branch":"main"`, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := httpfake.Reply(200, `{"result":{"job_build_states":[{"number":7,"start_time":1764000000000,`+tt.row+`}]}}`)
			builds, err := sdktest.Client(t, list).Jobs.FindRun(t.Context(), sdktest.JobID, tt.in, time.Now())
			require.NoError(t, err)
			require.NotNil(t, builds)
			require.Equal(t, tt.want, len(builds) == 1)
		})
	}
}

// B50a
func TestFindRunErrors(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Reply(403, `{}`))
	client := sdktest.Client(t, transport)
	_, err := client.Jobs.FindRun(t.Context(), sdktest.JobID, nil, time.Time{})
	require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err))
	_, err = client.Jobs.FindRun(t.Context(), "", nil, time.Now())
	require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err))
	require.Zero(t, transport.Count())
	builds, err := client.Jobs.FindRun(t.Context(), sdktest.JobID, nil, time.Now())
	require.Equal(t, []string{"ErrForbidden"}, sdktest.Kinds(err))
	require.Nil(t, builds)
}
