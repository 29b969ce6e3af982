package codeartsbuild_test

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// readBoth reads a build by both calls: from a list, whose row has the given members, and by itself.
func readBoth(t *testing.T, row, record string) (listed, read *codeartsbuild.Build) {
	t.Helper()
	client := sdktest.Client(t, httpfake.Script(
		httpfake.Reply(200, `{"result":{"job_build_states":[{"number":7,`+row+`}],"total_record":"1"},"error":null,"status":"success"}`),
		httpfake.Reply(200, `{"result":{"build_no":"7",`+record+`},"status":"success"}`),
	))
	page, err := client.Builds.List(t.Context(), sdktest.JobID, nil)
	require.NoError(t, err)
	read, err = client.Builds.Get(t.Context(), sdktest.JobID, "7")
	require.NoError(t, err)
	return &page.Items[0], read
}

// B57: a build is the same from a list and from its record.
func TestBuildFromListAndRecord(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time { return parseTime(t, text) }
	tests := map[string]struct {
		row, record  string
		listed, read codeartsbuild.Build
	}{
		"as documented": {
			`"state":"SUCCESS","job_running_status":"Finished","code_branch":"master","commit_id":"ffe2","executor":"test","user_id":"ae22",` +
				`"trigger_type":"Manual","start_time":1703554641000,"cost_time":3525000`,
			`"status":"SUCCESS","branch":"master","commit":"ffe2","trigger_name":"test","user_id":"ae22","trigger_type":"MANUAL",` +
				`"build_record_id":"9d6169b9-022d-458c-9dc8-48cc94cc4083","codeci_job_id":"` + sdktest.JobID + `","create_time":"2023-12-26T01:36:00.000+00:00",` +
				`"queued_time":"2023-12-26T01:37:00.000+00:00","start_time":"2023-12-26T01:37:21.000+00:00","finish_time":"2023-12-26T02:36:06.000+00:00"`,
			codeartsbuild.Build{
				JobID: sdktest.JobID, BuildNo: "7", Status: codeartsbuild.StatusSucceeded, Branch: "master", Revision: "ffe2",
				Trigger: codeartsbuild.TriggerManual, Executor: "test", StartedAt: at("2023-12-26T01:37:21Z"), FinishedAt: at("2023-12-26T02:36:06Z"),
			},
			codeartsbuild.Build{
				JobID: sdktest.JobID, BuildNo: "7", RecordID: "9d6169b9-022d-458c-9dc8-48cc94cc4083", Status: codeartsbuild.StatusSucceeded, Branch: "master",
				Revision: "ffe2", Trigger: codeartsbuild.TriggerManual, Executor: "test", QueuedAt: at("2023-12-26T01:37:00Z"),
				StartedAt: at("2023-12-26T01:37:21Z"), FinishedAt: at("2023-12-26T02:36:06Z"),
			},
		},
		"waiting": {
			`"state":"","job_running_status":"InQueue","user_id":"ae22","trigger_type":"定时触发","start_time":"1703554641000","cost_time":0`,
			`"status":"QUEUED","user_id":"ae22","trigger_type":"定时触发","create_time":"2023-12-26T01:37:21.000+00:00","queued_time":null,"start_time":null,"finish_time":""`,
			codeartsbuild.Build{
				JobID: sdktest.JobID, BuildNo: "7", Status: codeartsbuild.StatusQueued, Trigger: codeartsbuild.TriggerScheduled, Executor: "ae22",
				QueuedAt: at("2023-12-26T01:37:21Z"),
			},
			codeartsbuild.Build{
				JobID: sdktest.JobID, BuildNo: "7", Status: codeartsbuild.StatusQueued, Trigger: codeartsbuild.TriggerScheduled, Executor: "ae22",
				QueuedAt: at("2023-12-26T01:37:21Z"),
			},
		},
		"running": {
			`"state":null,"job_running_status":"Running","commit_id":"ffe2","trigger_type":"webhook","start_time":1703554641,"cost_time":60000`,
			`"status":"RUNNING","revision":"ffe2","trigger_type":"webhook","start_time":"2023-12-26 09:37:21"`,
			codeartsbuild.Build{
				JobID: sdktest.JobID, BuildNo: "7", Status: codeartsbuild.StatusRunning, Revision: "ffe2", Trigger: "webhook", StartedAt: at("2023-12-26T01:37:21Z"),
			},
			codeartsbuild.Build{
				JobID: sdktest.JobID, BuildNo: "7", Status: codeartsbuild.StatusRunning, Revision: "ffe2", Trigger: "webhook", StartedAt: at("2023-12-26T01:37:21Z"),
			},
		},
		"nothing but a number": {
			`"state":null`, `"status":null`,
			codeartsbuild.Build{JobID: sdktest.JobID, BuildNo: "7"}, codeartsbuild.Build{JobID: sdktest.JobID, BuildNo: "7"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listed, read := readBoth(t, tt.row, tt.record)
			listed.BuildDetails, read.BuildDetails = codeartsbuild.BuildDetails{}, codeartsbuild.BuildDetails{} // they differ by the call
			require.Equal(t, &tt.listed, listed)
			require.Equal(t, &tt.read, read)
		})
	}
}

// B41, B57: the status words of both calls.
func TestBuildStatusWords(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		running, state string // of a list
		status         string // of a record
		want           codeartsbuild.BuildStatus
		terminal       bool
	}{
		"succeeded":       {running: "Finished", state: "SUCCESS", status: "SUCCESS", want: codeartsbuild.StatusSucceeded, terminal: true},
		"small letters":   {running: "finished", state: "success", status: "success", want: codeartsbuild.StatusSucceeded, terminal: true},
		"blue":            {running: "Finished", state: "blue", status: "blue", want: codeartsbuild.StatusSucceeded, terminal: true},
		"failed":          {running: "Finished", state: "FAILURE", status: "FAILURE", want: codeartsbuild.StatusFailed, terminal: true},
		"failed, in past": {running: "Finished", state: "FAILED", status: "FAILED", want: codeartsbuild.StatusFailed, terminal: true},
		"an error":        {running: "Finished", state: "error", status: "ERROR", want: codeartsbuild.StatusFailed, terminal: true},
		"red":             {running: "Finished", state: "red", status: "red", want: codeartsbuild.StatusFailed, terminal: true},
		"aborted":         {running: "Finished", state: "ABORTED", status: "ABORTED", want: codeartsbuild.StatusAborted, terminal: true},
		"canceled":        {running: "Finished", state: "CANCELED", status: "CANCELED", want: codeartsbuild.StatusAborted, terminal: true},
		"timed out":       {running: "Finished", state: "TIMEOUT", status: "timeout", want: codeartsbuild.StatusTimedOut, terminal: true},
		"never scheduled": {running: "Finished", state: "SCHEDULE_FAILURE", status: "SCHEDULE_FAILURE", want: codeartsbuild.StatusScheduleFailed, terminal: true},
		"only a result":   {state: "ABORTED", status: " ABORTED ", want: codeartsbuild.StatusAborted, terminal: true},
		"running":         {running: "Running", status: "RUNNING", want: codeartsbuild.StatusRunning},
		"an older result": {running: "Running", state: "FAILURE", status: "running", want: codeartsbuild.StatusRunning},
		"building":        {running: "building", status: "building", want: codeartsbuild.StatusRunning},
		"starting":        {running: "Starting", status: "STARTING", want: codeartsbuild.StatusRunning},
		"queued":          {running: "InQueue", status: "QUEUED", want: codeartsbuild.StatusQueued},
		"in two words":    {running: "In Queue", status: "in_queue", want: codeartsbuild.StatusQueued},
		"waiting":         {running: "Waiting", status: "WAITING", want: codeartsbuild.StatusQueued},
		"pending":         {running: "pending", status: "pending", want: codeartsbuild.StatusQueued},
		"runnable":        {running: "runnable", status: "runnable", want: codeartsbuild.StatusQueued},
		"an unknown word": {running: "Hibernating", status: "Hibernating", want: "Hibernating"},
		"none":            {},
		"unknown result":  {running: "Finished", state: "PARTIAL", status: "PARTIAL", want: "PARTIAL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listed, read := readBoth(t, fmt.Sprintf(`"job_running_status":%q,"state":%q`, tt.running, tt.state), fmt.Sprintf(`"status":%q`, tt.status))
			require.Equal(t, tt.want, listed.Status)
			require.Equal(t, tt.want, read.Status)
			require.Equal(t, tt.terminal, listed.Status.Terminal())
		})
	}
}

// B57: times in all spellings.
func TestBuildTimes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"milliseconds":              {`1703554641000`, "2023-12-26T01:37:21Z"},
		"milliseconds as text":      {`"1703554641000"`, "2023-12-26T01:37:21Z"},
		"seconds":                   {`1703554641`, "2023-12-26T01:37:21Z"},
		"parts of a second, UTC":    {`"2024-06-26T08:25:09.000+00:00"`, "2024-06-26T08:25:09Z"},
		"Z":                         {`"2024-06-26T08:25:09Z"`, "2024-06-26T08:25:09Z"},
		"an offset":                 {`"2024-06-26T08:25:09+08:00"`, "2024-06-26T00:25:09Z"},
		"an offset without a colon": {`"2024-06-26T02:31:01+0800"`, "2024-06-25T18:31:01Z"},
		"the service's clock":       {`"2024-08-31 10:58:02"`, "2024-08-31T02:58:02Z"},
		"single digits, no seconds": {`"2024-9-3 17:42"`, "2024-09-03T09:42:00Z"},
		"words":                     {`"Jun 5, 2024 4:00:58 PM"`, "2024-06-05T08:00:58Z"},
		"zero":                      {`0`, ""},
		"null":                      {`null`, ""},
		"nothing":                   {`""`, ""},
		"nonsense":                  {`"soon"`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := parseTime(t, tt.want)
			listed, read := readBoth(t, `"job_running_status":"Running","start_time":`+tt.text, `"status":"RUNNING","start_time":`+tt.text)
			require.Equal(t, want, listed.StartedAt)
			require.Equal(t, want, read.StartedAt)
		})
	}
}

// B57: the triggers that plans tell apart.
func TestBuildTriggers(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"MANUAL": codeartsbuild.TriggerManual, "Manual": codeartsbuild.TriggerManual, "手工触发": codeartsbuild.TriggerManual,
		"手动触发": codeartsbuild.TriggerManual, "定时触发": codeartsbuild.TriggerScheduled, "SCHEDULE": codeartsbuild.TriggerScheduled,
		"Scheduled": codeartsbuild.TriggerScheduled, "timer": codeartsbuild.TriggerScheduled, "": "", "webhook": "webhook", "代码提交触发": "代码提交触发",
	}
	for word, want := range tests {
		listed, read := readBoth(t, fmt.Sprintf(`"trigger_type":%q`, word), fmt.Sprintf(`"trigger_type":%q`, word))
		require.Equal(t, []string{want, want}, []string{listed.Trigger, read.Trigger}, "trigger %q", word)
	}
}

// B57: the in-memory service reports the same build in both calls.
func TestBuildOfInMemoryService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		for _, status := range []codeartsbuild.BuildStatus{
			codeartsbuild.StatusQueued, codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded, codeartsbuild.StatusFailed,
			codeartsbuild.StatusAborted, codeartsbuild.StatusTimedOut, codeartsbuild.StatusScheduleFailed, "HIBERNATING",
		} {
			no := f.AddBuild(f.JobID, codeartsbuild.Build{
				Status: status, Branch: "feat/x", Revision: "1a2b3c4", Trigger: codeartsbuild.TriggerManual, QueuedAt: time.Now().Add(-time.Hour),
			})
			read, err := client.Builds.Get(t.Context(), f.JobID, no)
			require.NoError(t, err)
			page, err := client.Builds.List(t.Context(), f.JobID, &codeartsbuild.BuildListOptions{PageSize: 1})
			require.NoError(t, err)
			listed := page.Items[0]
			require.Equal(t, status, read.Status)
			require.Equal(t, status, listed.Status)
			require.Equal(t, [5]string{no, "feat/x", "1a2b3c4", "manual", f.JobID}, [5]string{read.BuildNo, read.Branch, read.Revision, read.Trigger, read.JobID})
			require.Equal(t, [5]string{no, "feat/x", "1a2b3c4", "manual", f.JobID}, [5]string{listed.BuildNo, listed.Branch, listed.Revision, listed.Trigger, listed.JobID})
		}
	})
}

// B58: a record of another build is unexpected.
func TestGetOfAnotherBuild(t *testing.T) {
	t.Parallel()
	record := func(job, number string) string {
		return `{"result":{"codeci_job_id":` + strconv.Quote(job) + `,"build_no":` + number + `,"status":"RUNNING"}}`
	}
	tests := map[string]struct {
		status int
		body   string
		want   error // nil: it is the build
	}{
		"this build":              {status: 200, body: record(sdktest.JobID, `7`)},
		"its number as text":      {status: 200, body: record(sdktest.JobID, `"7"`)},
		"its number as 7.0":       {status: 200, body: record(sdktest.JobID, `7.0`)},
		"no job":                  {status: 200, body: record("", `7`)},
		"its job in capitals":     {status: 200, body: record("48C66C6002964721BE537CDC6CE0297B", `7`)},
		"flat":                    {status: 200, body: `{"build_no":7,"status":"RUNNING"}`},
		"another number":          {status: 200, body: record(sdktest.JobID, `8`), want: codeartsbuild.ErrUnexpectedResponse},
		"another job":             {status: 200, body: record("58c66c6002964721be537cdc6ce0297b", `7`), want: codeartsbuild.ErrUnexpectedResponse},
		"no number":               {status: 200, body: record(sdktest.JobID, `null`), want: codeartsbuild.ErrUnexpectedResponse},
		"nothing":                 {status: 200, want: codeartsbuild.ErrUnexpectedResponse},
		"an empty result":         {status: 200, body: `{"result":null,"status":"success"}`, want: codeartsbuild.ErrUnexpectedResponse},
		"a list":                  {status: 200, body: `[]`, want: codeartsbuild.ErrUnexpectedResponse},
		"an error in a success":   {status: 200, body: `{"error_code":"DEVCB.00031006","error_msg":"none"}`, want: codeartsbuild.ErrNotFound},
		"a build that is unknown": {status: 422, body: `{"error_code":"DEVCB.00031006","error_msg":"none"}`, want: codeartsbuild.ErrNotFound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				build, err := sdktest.Client(t, httpfake.Reply(tt.status, tt.body)).Builds.Get(t.Context(), sdktest.JobID, "7")
				if tt.want == nil {
					require.NoError(t, err)
					require.Equal(t, "7", build.BuildNo)
					return
				}
				require.Nil(t, build)
				require.ErrorIs(t, err, tt.want)
				require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
			})
		})
	}
}
