package codeartsbuild_test

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// responseTo is a transport that responds with 200 to requests of this method and path, and to no other.
func responseTo(method, path, body string) http.RoundTripper {
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(method, sdktest.Endpoint+path, httpmock.NewStringResponder(http.StatusOK, body))
	return mock
}

const recordPath = "/v1/record/" + sdktest.JobID + "/" + sdktest.BuildNo + "/record-info"

// readBuild reads a build whose record has these members, and the job and the number unless they are among them.
func readBuild(t *testing.T, members string) (*codeartsbuild.Build, error) {
	t.Helper()
	if !strings.Contains(members, `"build_no"`) {
		members = `"build_no":20,` + members
	}
	record := `{"codeci_job_id":"` + sdktest.JobID + `",` + members + `}`
	transport := responseTo(http.MethodGet, recordPath, `{"result":`+record+`,"status":"success"}`)
	return sdktest.Client(t, transport, sdktest.Once).Builds.Get(t.Context(), sdktest.JobID, sdktest.BuildNo)
}

// runOnce starts a build with this body of the response.
func runOnce(t *testing.T, body string) (*codeartsbuild.RunResult, error) {
	t.Helper()
	transport := responseTo(http.MethodPost, "/v1/job/execute", body)
	return sdktest.Client(t, transport, sdktest.Once).Jobs.Run(t.Context(), sdktest.JobID, nil)
}

// B38: unknown and repeated members are accepted, and numbers where texts are documented, and the reverse.
func TestBuildSpellings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		members string
		want    codeartsbuild.Build
	}{
		"as documented":           {`"build_record_id":"9d6169b9","branch":"master","user_id":"ae22"`, codeartsbuild.Build{RecordID: "9d6169b9", Branch: "master", Executor: "ae22"}},
		"unknown members":         {`"branch":"master","new":{"deep":[1,{"status":"x"}]},"":null`, codeartsbuild.Build{Branch: "master"}},
		"the last of two":         {`"branch":"first","branch":"second"`, codeartsbuild.Build{Branch: "second"}},
		"number where a string":   {`"build_record_id":9169,"branch":20260101,"user_id":7`, codeartsbuild.Build{RecordID: "9169", Branch: "20260101", Executor: "7"}},
		"huge number":             {`"build_record_id":123456789012345678901234567890`, codeartsbuild.Build{RecordID: "123456789012345678901234567890"}},
		"bool where a string":     {`"branch":true`, codeartsbuild.Build{Branch: "true"}},
		"null":                    {`"branch":null,"commit":null,"start_time":null,"status":null`, codeartsbuild.Build{}},
		"string where a number":   {`"build_no":"20","branch":"master"`, codeartsbuild.Build{Branch: "master"}},
		"other letters of a case": {`"Branch":"master","STATUS":"SUCCESS"`, codeartsbuild.Build{}},
		"escapes":                 {`"branch":"feature\/\u4e2d\ud83d\ude00"`, codeartsbuild.Build{Branch: "feature/中😀"}},
		"invalid UTF-8":           {`"branch":"a` + "\xff" + `b"`, codeartsbuild.Build{Branch: "a\ufffdb"}},
		"times as numbers":        {`"start_time":1665476922000,"create_time":"1665476922"`, codeartsbuild.Build{StartedAt: time.Unix(1665476922, 0).UTC(), QueuedAt: time.Unix(1665476922, 0).UTC()}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			build, err := readBuild(t, tt.members)
			require.NoError(t, err)
			tt.want.JobID, tt.want.BuildNo = sdktest.JobID, sdktest.BuildNo
			build.BuildDetails = codeartsbuild.BuildDetails{}
			require.Equal(t, &tt.want, build)
		})
	}
}

// B38: a build without the envelope is read as well.
func TestBuildWithoutEnvelope(t *testing.T) {
	t.Parallel()
	transport := responseTo(http.MethodGet, recordPath, `{"build_no":"20","branch":"master"}`)
	build, err := sdktest.Client(t, transport, sdktest.Once).Builds.Get(t.Context(), sdktest.JobID, sdktest.BuildNo)
	require.NoError(t, err)
	require.Equal(t, "master", build.Branch)
}

// B38: Do reads a response as encoding/json does.
func TestDoSpellings(t *testing.T) {
	t.Parallel()
	var out struct {
		Name   string `json:"name"`
		Number int    `json:"number"`
	}
	transport := responseTo(http.MethodGet, "/v1/anything", `{"name":"first","unknown":[{}],"number":1,"name":"second","NUMBER":2,"error":null}`)
	require.NoError(t, sdktest.Client(t, transport, sdktest.Once).Do(t.Context(), http.MethodGet, "/v1/anything", nil, &out))
	require.Equal(t, "second", out.Name)
	require.Equal(t, 2, out.Number)
}

// B38: each spelling of the number of a new build gives the same text.
func TestRunSpellings(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"texts":              `{"actual_build_number":"7","daily_build_number":"20261124.3"}`,
		"numbers":            `{"actual_build_number":7,"daily_build_number":20261124.3}`,
		"envelope":           `{"result":{"actual_build_number":"7","daily_build_number":"20261124.3"},"status":"success"}`,
		"more members":       `{"another":1,"actual_build_number":1,"actual_build_number":7.0,"daily_build_number":"20261124.3"}`,
		"object in a string": `"{\"actual_build_number\":\"7\",\"daily_build_number\":\"20261124.3\"}"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := runOnce(t, body)
			require.NoError(t, err)
			require.Equal(t, &codeartsbuild.RunResult{BuildNo: "7", DailyBuildNo: "20261124.3"}, result)
		})
	}
}

// B39: a build number is the same text, however the response spells it.
func TestBuildNumberSpellings(t *testing.T) {
	t.Parallel()
	for _, spelled := range []string{`20`, `"20"`, `20.0`, `2e1`, `20.00`} {
		t.Run(spelled, func(t *testing.T) {
			t.Parallel()
			build, err := readBuild(t, `"build_no":`+spelled)
			require.NoError(t, err)
			require.Equal(t, sdktest.BuildNo, build.BuildNo)
		})
	}
}

// B39: the build in the response must have the number that was asked for.
func TestBuildNumberUnexpected(t *testing.T) {
	t.Parallel()
	for _, spelled := range []string{`21`, `"021"`, `20.5`, `"20221011.29"`, `20221011.29`, `null`, `""`, `{}`, `-20`} {
		t.Run(spelled, func(t *testing.T) {
			t.Parallel()
			_, err := readBuild(t, `"build_no":`+spelled)
			require.ErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse)
		})
	}
}

// B39: a daily number is rejected with an error that names the mistake.
func TestDailyNumberRejected(t *testing.T) {
	t.Parallel()
	calls := map[string]func(c *codeartsbuild.Client, number string) error{
		"stop": func(c *codeartsbuild.Client, number string) error {
			_, err := c.Jobs.Stop(t.Context(), sdktest.JobID, number)
			return err
		},
		"stop and wait": func(c *codeartsbuild.Client, number string) error {
			_, err := c.Jobs.StopAndWait(t.Context(), sdktest.JobID, number)
			return err
		},
		"build": func(c *codeartsbuild.Client, number string) error {
			_, err := c.Builds.Get(t.Context(), sdktest.JobID, number)
			return err
		},
	}
	for _, number := range []string{"20221011.29", "20261124.1"} {
		for name, call := range calls {
			t.Run(number+"/"+name, func(t *testing.T) {
				t.Parallel()
				transport := httpfake.Script(accepted)
				err := call(sdktest.Client(t, transport), number)
				requireRejected(t, err, transport)
				require.ErrorContains(t, err, strconv.Quote(number)+" is a daily number")
			})
		}
	}
}

// B39: a run whose response has only a daily number, or none, may have started a build.
func TestRunWithoutBuildNumber(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"actual_build_number":"20221011.29"}`, `{"daily_build_number":"20221011.29"}`, `{}`} {
		_, err := runOnce(t, body)
		require.Equal(t, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, sdktest.Kinds(err), body)
	}
}

// B40: each way in which the service spells a time gives the right instant, and an invalid time the zero one.
func TestTimeSpellings(t *testing.T) {
	t.Parallel()
	moment := time.Date(2022, 10, 11, 8, 28, 42, 0, time.UTC)
	tests := map[string]struct {
		value string // as JSON
		want  time.Time
	}{
		"offset":                    {`"2022-10-11T08:28:42.000+00:00"`, moment},
		"Z":                         {`"2022-10-11T08:28:42Z"`, moment},
		"Z, milliseconds":           {`"2022-10-11T08:28:42.123Z"`, moment.Add(123 * time.Millisecond)},
		"microseconds of IAM":       {`"2022-10-11T08:28:42.000000Z"`, moment},
		"UTC+8":                     {`"2022-10-11T16:28:42+08:00"`, moment},
		"UTC+8, milliseconds":       {`"2022-10-11T16:28:42.5+08:00"`, moment.Add(500 * time.Millisecond)},
		"UTC+8 without a colon":     {`"2022-10-11T16:28:42+0800"`, moment},
		"no zone":                   {`"2022-10-11T16:28:42"`, moment},
		"wall clock":                {`"2022-10-11 16:28:42"`, moment},
		"wall clock, fraction":      {`"2022-10-11 16:28:42.250"`, moment.Add(250 * time.Millisecond)},
		"wall clock, short":         {`"2022-10-11 16:28"`, moment.Truncate(time.Minute)},
		"wall clock, single digits": {`"2024-9-3 17:42"`, time.Date(2024, 9, 3, 9, 42, 0, 0, time.UTC)},
		"a day":                     {`"2022-10-11"`, time.Date(2022, 10, 10, 16, 0, 0, 0, time.UTC)},
		"English":                   {`"Jun 5, 2024 4:00:58 PM"`, time.Date(2024, 6, 5, 8, 0, 58, 0, time.UTC)},
		"English, narrow space":     {`"Jun 5, 2024, 4:00:58\u202fPM"`, time.Date(2024, 6, 5, 8, 0, 58, 0, time.UTC)},
		"milliseconds":              {`1665476922000`, moment},
		"milliseconds in a string":  {`"1665476922000"`, moment},
		"milliseconds with a point": {`1665476922000.0`, moment},
		"milliseconds, exponent":    {`1.665476922E12`, moment},
		"seconds":                   {`1665476922`, moment},
		"seconds in a string":       {`"1665476922"`, moment},
		"last second of 32 bits":    {`2147483647`, time.Unix(math.MaxInt32, 0).UTC()},
		"milliseconds of 2001":      {`1000000000000`, time.Unix(1000000000, 0).UTC()},
		"null":                      {`null`, time.Time{}},
		"empty":                     {`""`, time.Time{}},
		"blank":                     {`"  "`, time.Time{}},
		"zero":                      {`0`, time.Time{}},
		"negative":                  {`-1`, time.Time{}},
		"too large":                 {`9223372036854775807`, time.Time{}},
		"out of range":              {`1e300`, time.Time{}},
		"word":                      {`"yesterday"`, time.Time{}},
		"thirteenth month":          {`"2022-13-11 16:28:42"`, time.Time{}},
		"bool":                      {`true`, time.Time{}},
		"zero of another language":  {`"0001-01-01T00:00:00Z"`, time.Time{}},
		"zero of a database":        {`"0000-00-00 00:00:00"`, time.Time{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			build, err := readBuild(t, `"start_time":`+tt.value)
			require.NoError(t, err)
			require.Equal(t, tt.want, build.StartedAt)
		})
	}
}

// B41: each known word is a status. An unknown word stays as it is and is not terminal.
func TestStatusSpellings(t *testing.T) {
	t.Parallel()
	words := map[codeartsbuild.BuildStatus][]string{
		codeartsbuild.StatusQueued:         {"QUEUED", "InQueue", "WAITING", "pending", "runnable"},
		codeartsbuild.StatusRunning:        {"RUNNING", "Running", "building", "STARTING"},
		codeartsbuild.StatusSucceeded:      {"SUCCESS", "success", "blue"},
		codeartsbuild.StatusFailed:         {"FAILURE", "FAILED", "ERROR", "red"},
		codeartsbuild.StatusAborted:        {"ABORTED", "aborted", "CANCELED", "Cancelled"},
		codeartsbuild.StatusTimedOut:       {"TIMEOUT", "timeout"},
		codeartsbuild.StatusScheduleFailed: {"SCHEDULE_FAILURE", "schedule-failed"},
		"PAUSED":                           {"PAUSED"},
		"已暂停":                              {"已暂停"},
		"Finished?":                        {"Finished?"},
		"8":                                {"8"},
		"":                                 {""},
	}
	terminal := []codeartsbuild.BuildStatus{
		codeartsbuild.StatusSucceeded, codeartsbuild.StatusFailed, codeartsbuild.StatusAborted, codeartsbuild.StatusTimedOut,
		codeartsbuild.StatusScheduleFailed,
	}
	for want, spelled := range words {
		for _, word := range spelled {
			t.Run(word, func(t *testing.T) {
				t.Parallel()
				build, err := readBuild(t, fmt.Sprintf(`"status":%q`, word))
				require.NoError(t, err)
				require.Equal(t, want, build.Status)
				require.Equal(t, slices.Contains(terminal, want), build.Status.Terminal())
			})
		}
	}
}

// B41: StopAndWait goes on waiting after an unknown word.
func TestStopAndWaitUnknownStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		withStatus := func(status string) httpfake.Func {
			return httpfake.Reply(200, `{"result":{"codeci_job_id":"`+sdktest.JobID+`","build_no":20,"status":"`+status+`"}}`)
		}
		transport := httpfake.Script(accepted, withStatus("PAUSED"), withStatus("EVAPORATED"), withStatus("ABORTED"))
		build, err := sdktest.Client(t, transport).Jobs.StopAndWait(t.Context(), sdktest.JobID, sdktest.BuildNo)
		require.NoError(t, err)
		require.Equal(t, codeartsbuild.StatusAborted, build.Status)
		require.Equal(t, 4, transport.Count())
	})
}
