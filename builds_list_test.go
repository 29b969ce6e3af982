package codeartsbuild_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

func buildsTime(t *testing.T, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}

// buildsWindows is a client of a job without builds, and the windows that it asks for, on the service's
// clock, which is 8 hours ahead of UTC.
func buildsWindows(t *testing.T) (*codeartsbuild.Client, *[]string) {
	t.Helper()
	windows := new([]string)
	client, _ := buildsClient(t, func(r *http.Request) (*http.Response, error) {
		q := r.URL.Query()
		*windows = append(*windows, q.Get("start_time")+" to "+q.Get("end_time"))
		return httpmock.NewStringResponse(200, `{"result":{"job_build_states":[]}}`), nil
	})
	return client, windows
}

func TestB56WindowsOfALongTime(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from, to string
		windows  []string
	}{
		"nothing given": { // in a bubble time starts with the year 2000
			"", "", []string{"1999-12-01 08:00:00 to 2000-01-01 08:00:00"},
		},
		"only an end": {
			"", "2026-03-31T16:00:00Z", []string{"2026-03-01 00:00:00 to 2026-04-01 00:00:00"},
		},
		"only a start": {
			"1999-12-31T00:00:00Z", "", []string{"1999-12-31 08:00:00 to 2000-01-01 08:00:00"},
		},
		"a day": {
			"2026-03-01T23:00:00Z", "2026-03-02T23:00:00Z", []string{"2026-03-02 07:00:00 to 2026-03-03 07:00:00"},
		},
		"times of other zones": {
			"2026-03-01T23:00:00-05:00", "2026-03-03T04:00:00+09:00", []string{"2026-03-02 12:00:00 to 2026-03-03 03:00:00"},
		},
		"no time at all": {
			"2026-03-01T23:00:00Z", "2026-03-01T23:00:00Z", []string{"2026-03-02 07:00:00 to 2026-03-02 07:00:00"},
		},
		"parts of seconds": {
			"2026-03-01T00:00:00.9Z", "2026-03-02T00:00:00.1Z", []string{"2026-03-01 08:00:00 to 2026-03-02 08:00:01"},
		},
		"the future": {
			"2000-01-01T00:00:00Z", "2000-02-01T00:00:00Z", []string{"2000-01-01 08:00:00 to 2000-02-01 08:00:00"},
		},
		"31 days": {
			"2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", []string{"2026-03-01 08:00:00 to 2026-04-01 08:00:00"},
		},
		"a second more": {
			"2026-02-28T23:59:59Z", "2026-04-01T00:00:00Z",
			[]string{"2026-03-01 08:00:00 to 2026-04-01 08:00:00", "2026-03-01 07:59:59 to 2026-03-01 08:00:00"},
		},
		"a hundred days": {
			"2026-01-01T00:00:00Z", "2026-04-11T00:00:00Z",
			[]string{
				"2026-03-11 08:00:00 to 2026-04-11 08:00:00", "2026-02-08 08:00:00 to 2026-03-11 08:00:00",
				"2026-01-08 08:00:00 to 2026-02-08 08:00:00", "2026-01-01 08:00:00 to 2026-01-08 08:00:00",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, windows := buildsWindows(t)
				in := &codeartsbuild.BuildListOptions{From: buildsTime(t, tt.from), To: buildsTime(t, tt.to)}
				for _, err := range client.Builds.All(t.Context(), buildsJob, in) {
					require.NoError(t, err)
				}
				require.Equal(t, tt.windows, *windows)

				*windows = nil
				_, err := client.Builds.List(t.Context(), buildsJob, in)
				if len(tt.windows) > 1 {
					require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, "one list spans at most 31 days")
					require.Empty(t, *windows)
					return
				}
				require.NoError(t, err)
				require.Equal(t, tt.windows, *windows)
			})
		})
	}
}

// A window of 31 days is not refused because its ends are no whole seconds, which the service cannot take.
func TestB56ThirtyOneDaysWithPartsOfSeconds(t *testing.T) {
	t.Parallel()
	const days = 31 * 24 * time.Hour
	tests := map[string]func(now time.Time) *codeartsbuild.BuildListOptions{
		"up to now": func(now time.Time) *codeartsbuild.BuildListOptions {
			return &codeartsbuild.BuildListOptions{From: now.Add(-days)}
		},
		"up to a given time": func(now time.Time) *codeartsbuild.BuildListOptions {
			return &codeartsbuild.BuildListOptions{From: now.Add(-2 * days), To: now.Add(-days)}
		},
	}
	for name, options := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := codeartsbuildtest.NewServer() // refuses more than 31 days
				defer srv.Close()
				job := srv.AddJob("nightly")
				time.Sleep(300 * time.Millisecond)
				_, err := srv.Client().Builds.List(t.Context(), job, options(time.Now()))
				require.NoError(t, err)
			})
		})
	}
}

func TestB56ListsThatAreRefused(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		job string
		in  codeartsbuild.BuildListOptions
	}{
		"a negative page":   {buildsJob, codeartsbuild.BuildListOptions{Page: -1}},
		"a negative size":   {buildsJob, codeartsbuild.BuildListOptions{PageSize: -1}},
		"a size too large":  {buildsJob, codeartsbuild.BuildListOptions{PageSize: 101}},
		"a start after end": {buildsJob, codeartsbuild.BuildListOptions{From: now.Add(time.Second), To: now}},
		"no job":            {"", codeartsbuild.BuildListOptions{}},
		"a path for a job":  {"../" + buildsJob[3:], codeartsbuild.BuildListOptions{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, windows := buildsWindows(t)
			_, err := client.Builds.List(t.Context(), tt.job, &tt.in)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			pairs := 0
			tt.in.Page = max(tt.in.Page, 0) // All ignores it
			for build, err := range client.Builds.All(t.Context(), tt.job, &tt.in) {
				require.Equal(t, err == nil, build != nil)
				pairs++
			}
			if name != "a negative page" {
				require.Equal(t, 1, pairs)
				require.Empty(t, *windows)
			}
		})
	}
}

// buildsNumbers collects the numbers of builds.
func buildsNumbers(t *testing.T, builds func(func(*codeartsbuild.Build, error) bool)) (numbers []string) {
	t.Helper()
	for build, err := range builds {
		require.NoError(t, err)
		numbers = append(numbers, build.BuildNo)
	}
	return numbers
}

func TestB56BuildsOverAllPagesAndWindows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		now := time.Now()
		var want []string
		for i := range 400 { // four a day, of which some start where two windows meet
			start := now.Add(-100*24*time.Hour + time.Duration(i)*6*time.Hour)
			want = append(want, srv.AddBuild(job, codeartsbuild.Build{StartedAt: start, Status: codeartsbuild.StatusSucceeded}))
		}
		slices.Reverse(want)
		client := srv.Client()
		for _, size := range []int{0, 7, 100} {
			before := len(srv.Requests())
			in := &codeartsbuild.BuildListOptions{From: now.Add(-100 * 24 * time.Hour), PageSize: size, Page: 3}
			require.Equal(t, want, buildsNumbers(t, client.Builds.All(t.Context(), job, in)), "pages of %d", size)
			t.Logf("400 builds of 100 days in pages of %d: %d requests", size, len(srv.Requests())-before)
		}
		last := buildsNumbers(t, client.Builds.All(t.Context(), job, nil))
		require.Equal(t, want[:124], last, "nil means the last 31 days")
	})
}

func TestB56BuildThatMovesWhileOthersStartComesOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		for range 10 {
			srv.StartBuild(job)
		}
		var got []string
		in := &codeartsbuild.BuildListOptions{PageSize: 3}
		for build, err := range srv.Client().Builds.All(t.Context(), job, in) {
			require.NoError(t, err)
			if got = append(got, build.BuildNo); len(got) == 3 {
				srv.StartBuild(job)
				srv.StartBuild(job)
			}
		}
		require.Equal(t, []string{"10", "9", "8", "7", "6", "5", "4", "3", "2", "1"}, got)
	})
}

func TestB56NowIsWhenTheBuildsAreWanted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		srv.StartBuild(job)
		all := srv.Client().Builds.All(t.Context(), job, nil)
		for _, want := range [][]string{{"2", "1"}, {"3", "2", "1"}} {
			time.Sleep(time.Hour)
			srv.StartBuild(job)
			require.Equal(t, want, buildsNumbers(t, all), "each loop looks anew")
		}
	})
}

func TestB56BuildsThatNobodyWantsAreNotRead(t *testing.T) {
	t.Parallel()
	client, windows := buildsWindows(t)
	year := &codeartsbuild.BuildListOptions{From: time.Now().AddDate(-1, 0, 0)}
	require.NotNil(t, client.Builds.All(t.Context(), buildsJob, year))
	require.Empty(t, *windows)

	failing, transport := buildsClient(t, buildsAnswer(403, "{}"))
	pairs := 0
	for build, err := range failing.Builds.All(t.Context(), buildsJob, year) {
		require.ErrorIs(t, err, codeartsbuild.ErrForbidden)
		require.Nil(t, build)
		pairs++
	}
	require.Equal(t, 1, pairs, "the first error is the end")
	require.Equal(t, 1, transport.GetTotalCallCount())
}

func TestB55PagesOfBuilds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		for range 7 {
			srv.StartBuild(job)
		}
		client := srv.Client()
		for page, want := range map[int][]string{0: {"7", "6", "5"}, 1: {"7", "6", "5"}, 2: {"4", "3", "2"}, 3: {"1"}, 4: nil} {
			got, err := client.Builds.List(t.Context(), job, &codeartsbuild.BuildListOptions{Page: page, PageSize: 3})
			require.NoError(t, err)
			require.Equal(t, 7, got.Total)
			var numbers []string
			for _, build := range got.Items {
				numbers = append(numbers, build.BuildNo)
			}
			require.Equal(t, want, numbers, "page %d", page)
		}
	})
}

// buildsBoth reads a build by both calls: from a list, whose row has the given members, and by itself.
func buildsBoth(t *testing.T, row, record string) (listed, read *codeartsbuild.Build) {
	t.Helper()
	client, _ := buildsClient(t, func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Has("page_index") {
			return httpmock.NewStringResponse(200, `{"result":{"job_build_states":[{"number":7,`+row+`}],"total_record":"1"},"error":null,"status":"success"}`), nil
		}
		return httpmock.NewStringResponse(200, `{"result":{"build_no":"7",`+record+`},"status":"success"}`), nil
	})
	page, err := client.Builds.List(t.Context(), buildsJob, nil)
	require.NoError(t, err)
	read, err = client.Builds.Get(t.Context(), buildsJob, "7")
	require.NoError(t, err)
	return &page.Items[0], read
}

func TestB57ABuildIsTheSameFromEitherCall(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time { return buildsTime(t, text) }
	tests := map[string]struct {
		row, record  string
		listed, read codeartsbuild.Build
	}{
		"as documented": {
			`"state":"SUCCESS","job_running_status":"Finished","code_branch":"master","commit_id":"ffe2","executor":"test","user_id":"ae22",` +
				`"trigger_type":"Manual","start_time":1703554641000,"cost_time":3525000`,
			`"status":"SUCCESS","branch":"master","commit":"ffe2","trigger_name":"test","user_id":"ae22","trigger_type":"MANUAL",` +
				`"build_record_id":"9d6169b9-022d-458c-9dc8-48cc94cc4083","codeci_job_id":"` + buildsJob + `","create_time":"2023-12-26T01:36:00.000+00:00",` +
				`"queued_time":"2023-12-26T01:37:00.000+00:00","start_time":"2023-12-26T01:37:21.000+00:00","finish_time":"2023-12-26T02:36:06.000+00:00"`,
			codeartsbuild.Build{
				JobID: buildsJob, BuildNo: "7", Status: codeartsbuild.StatusSucceeded, Branch: "master", Revision: "ffe2",
				Trigger: codeartsbuild.TriggerManual, Executor: "test", StartedAt: at("2023-12-26T01:37:21Z"), FinishedAt: at("2023-12-26T02:36:06Z"),
			},
			codeartsbuild.Build{
				JobID: buildsJob, BuildNo: "7", RecordID: "9d6169b9-022d-458c-9dc8-48cc94cc4083", Status: codeartsbuild.StatusSucceeded, Branch: "master",
				Revision: "ffe2", Trigger: codeartsbuild.TriggerManual, Executor: "test", QueuedAt: at("2023-12-26T01:37:00Z"),
				StartedAt: at("2023-12-26T01:37:21Z"), FinishedAt: at("2023-12-26T02:36:06Z"),
			},
		},
		"waiting": {
			`"state":"","job_running_status":"InQueue","user_id":"ae22","trigger_type":"定时触发","start_time":"1703554641000","cost_time":0`,
			`"status":"QUEUED","user_id":"ae22","trigger_type":"定时触发","create_time":"2023-12-26T01:37:21.000+00:00","queued_time":null,"start_time":null,"finish_time":""`,
			codeartsbuild.Build{
				JobID: buildsJob, BuildNo: "7", Status: codeartsbuild.StatusQueued, Trigger: codeartsbuild.TriggerScheduled, Executor: "ae22",
				QueuedAt: at("2023-12-26T01:37:21Z"),
			},
			codeartsbuild.Build{
				JobID: buildsJob, BuildNo: "7", Status: codeartsbuild.StatusQueued, Trigger: codeartsbuild.TriggerScheduled, Executor: "ae22",
				QueuedAt: at("2023-12-26T01:37:21Z"),
			},
		},
		"running": {
			`"state":null,"job_running_status":"Running","commit_id":"ffe2","trigger_type":"webhook","start_time":1703554641,"cost_time":60000`,
			`"status":"RUNNING","revision":"ffe2","trigger_type":"webhook","start_time":"2023-12-26 09:37:21"`,
			codeartsbuild.Build{
				JobID: buildsJob, BuildNo: "7", Status: codeartsbuild.StatusRunning, Revision: "ffe2", Trigger: "webhook", StartedAt: at("2023-12-26T01:37:21Z"),
			},
			codeartsbuild.Build{
				JobID: buildsJob, BuildNo: "7", Status: codeartsbuild.StatusRunning, Revision: "ffe2", Trigger: "webhook", StartedAt: at("2023-12-26T01:37:21Z"),
			},
		},
		"nothing but a number": {
			`"state":null`, `"status":null`,
			codeartsbuild.Build{JobID: buildsJob, BuildNo: "7"}, codeartsbuild.Build{JobID: buildsJob, BuildNo: "7"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listed, read := buildsBoth(t, tt.row, tt.record)
			require.Equal(t, &tt.listed, listed)
			require.Equal(t, &tt.read, read)
		})
	}
}

func TestB57StatusWordsOfAllCalls(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		running, state string // of a list
		status         string // of a record
		want           codeartsbuild.BuildStatus
		terminal       bool
	}{
		"succeeded":           {"Finished", "SUCCESS", "SUCCESS", codeartsbuild.StatusSucceeded, true},
		"small letters":       {"finished", "success", "success", codeartsbuild.StatusSucceeded, true},
		"blue":                {"Finished", "blue", "blue", codeartsbuild.StatusSucceeded, true},
		"failed":              {"Finished", "FAILURE", "FAILURE", codeartsbuild.StatusFailed, true},
		"failed, in past":     {"Finished", "FAILED", "FAILED", codeartsbuild.StatusFailed, true},
		"an error":            {"Finished", "error", "ERROR", codeartsbuild.StatusFailed, true},
		"red":                 {"Finished", "red", "red", codeartsbuild.StatusFailed, true},
		"aborted":             {"Finished", "ABORTED", "ABORTED", codeartsbuild.StatusAborted, true},
		"canceled":            {"Finished", "CANCELED", "CANCELED", codeartsbuild.StatusAborted, true},
		"timed out":           {"Finished", "TIMEOUT", "timeout", codeartsbuild.StatusTimedOut, true},
		"never scheduled":     {"Finished", "SCHEDULE_FAILURE", "SCHEDULE_FAILURE", codeartsbuild.StatusScheduleFailed, true},
		"only a result":       {"", "ABORTED", " ABORTED ", codeartsbuild.StatusAborted, true},
		"running":             {"Running", "", "RUNNING", codeartsbuild.StatusRunning, false},
		"an older result":     {"Running", "FAILURE", "running", codeartsbuild.StatusRunning, false},
		"building":            {"building", "", "building", codeartsbuild.StatusRunning, false},
		"starting":            {"Starting", "", "STARTING", codeartsbuild.StatusRunning, false},
		"queued":              {"InQueue", "", "QUEUED", codeartsbuild.StatusQueued, false},
		"in two words":        {"In Queue", "", "in_queue", codeartsbuild.StatusQueued, false},
		"waiting":             {"Waiting", "", "WAITING", codeartsbuild.StatusQueued, false},
		"pending":             {"pending", "", "pending", codeartsbuild.StatusQueued, false},
		"runnable":            {"runnable", "", "runnable", codeartsbuild.StatusQueued, false},
		"B41 an unknown word": {"Hibernating", "", "Hibernating", "Hibernating", false},
		"B41 none":            {"", "", "", "", false},
		"B41 unknown result":  {"Finished", "PARTIAL", "PARTIAL", "PARTIAL", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listed, read := buildsBoth(t, fmt.Sprintf(`"job_running_status":%q,"state":%q`, tt.running, tt.state), fmt.Sprintf(`"status":%q`, tt.status))
			require.Equal(t, tt.want, listed.Status)
			require.Equal(t, tt.want, read.Status)
			require.Equal(t, tt.terminal, listed.Status.Terminal())
		})
	}
}

func TestB57TimesInAllSpellings(t *testing.T) {
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
		"an object":                 {`{"time":1}`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := buildsTime(t, tt.want)
			listed, read := buildsBoth(t, `"job_running_status":"Running","start_time":`+tt.text, `"status":"RUNNING","start_time":`+tt.text)
			require.Equal(t, want, listed.StartedAt)
			require.Equal(t, want, read.StartedAt)
		})
	}
}

func TestB57TriggersThatPlansTellApart(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"MANUAL": codeartsbuild.TriggerManual, "Manual": codeartsbuild.TriggerManual, "手工触发": codeartsbuild.TriggerManual,
		"手动触发": codeartsbuild.TriggerManual, "定时触发": codeartsbuild.TriggerScheduled, "SCHEDULE": codeartsbuild.TriggerScheduled,
		"Scheduled": codeartsbuild.TriggerScheduled, "timer": codeartsbuild.TriggerScheduled, "": "", "webhook": "webhook", "代码提交触发": "代码提交触发",
	}
	for word, want := range tests {
		listed, read := buildsBoth(t, fmt.Sprintf(`"trigger_type":%q`, word), fmt.Sprintf(`"trigger_type":%q`, word))
		require.Equal(t, []string{want, want}, []string{listed.Trigger, read.Trigger}, "trigger %q", word)
	}
}

func TestB57TheServiceSaysTheSameTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		client := srv.Client()
		job := srv.AddJob("nightly")
		for _, status := range []codeartsbuild.BuildStatus{
			codeartsbuild.StatusQueued, codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded, codeartsbuild.StatusFailed,
			codeartsbuild.StatusAborted, codeartsbuild.StatusTimedOut, codeartsbuild.StatusScheduleFailed, "HIBERNATING",
		} {
			no := srv.AddBuild(job, codeartsbuild.Build{
				Status: status, Branch: "feat/x", Revision: "1a2b3c4", Trigger: codeartsbuild.TriggerManual, QueuedAt: time.Now().Add(-time.Hour),
			})
			read, err := client.Builds.Get(t.Context(), job, no)
			require.NoError(t, err)
			page, err := client.Builds.List(t.Context(), job, &codeartsbuild.BuildListOptions{PageSize: 1})
			require.NoError(t, err)
			listed := page.Items[0]
			require.Equal(t, status, read.Status)
			require.Equal(t, status, listed.Status)
			require.Equal(t, [5]string{no, "feat/x", "1a2b3c4", "manual", job}, [5]string{read.BuildNo, read.Branch, read.Revision, read.Trigger, read.JobID})
			require.Equal(t, [5]string{no, "feat/x", "1a2b3c4", "manual", job}, [5]string{listed.BuildNo, listed.Branch, listed.Revision, listed.Trigger, listed.JobID})
		}
	})
}

func TestB58GetOfAnotherBuild(t *testing.T) {
	t.Parallel()
	record := func(job, number string) string {
		return `{"result":{"codeci_job_id":` + strconv.Quote(job) + `,"build_no":` + number + `,"status":"RUNNING"}}`
	}
	tests := map[string]struct {
		status int
		body   string
		want   error // nil: it is the build
	}{
		"this build":              {200, record(buildsJob, `7`), nil},
		"its number as text":      {200, record(buildsJob, `"7"`), nil},
		"its number as 7.0":       {200, record(buildsJob, `7.0`), nil},
		"no job":                  {200, record("", `7`), nil},
		"its job in capitals":     {200, record("48C66C6002964721BE537CDC6CE0297B", `7`), nil},
		"flat":                    {200, `{"build_no":7,"status":"RUNNING"}`, nil},
		"another number":          {200, record(buildsJob, `8`), codeartsbuild.ErrUnexpectedResponse},
		"another job":             {200, record("58c66c6002964721be537cdc6ce0297b", `7`), codeartsbuild.ErrUnexpectedResponse},
		"no number":               {200, record(buildsJob, `null`), codeartsbuild.ErrUnexpectedResponse},
		"nothing":                 {200, ``, codeartsbuild.ErrUnexpectedResponse},
		"an empty result":         {200, `{"result":null,"status":"success"}`, codeartsbuild.ErrUnexpectedResponse},
		"a list":                  {200, `[]`, codeartsbuild.ErrUnexpectedResponse},
		"an error in a success":   {200, `{"error_code":"DEVCB.00031006","error_msg":"none"}`, codeartsbuild.ErrNotFound},
		"a build that is unknown": {422, `{"error_code":"DEVCB.00031006","error_msg":"none"}`, codeartsbuild.ErrNotFound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, _ := buildsClient(t, buildsAnswer(tt.status, tt.body))
				build, err := client.Builds.Get(t.Context(), buildsJob, "7")
				if tt.want == nil {
					require.NoError(t, err)
					require.Equal(t, "7", build.BuildNo)
					return
				}
				require.Nil(t, build)
				require.ErrorIs(t, err, tt.want)
				require.False(t, errors.Is(err, codeartsbuild.ErrOutcomeUnknown), "a read leaves nothing open")
			})
		})
	}
}
