package codeartsbuild_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

func listedRecord() codeartsbuild.BuildRecord {
	return codeartsbuild.BuildRecord{
		ID: "534488f1-8f08-4e2b-9bbb-9f3f20e0708e", BuildProjectID: "a3270d84-ddc7-4288-b985-f801871b260d",
		BuildNo: "2", DailyBuildNo: "20240626.2", Status: codeartsbuild.StatusAborted, StatusCode: 8,
		Type:        codeartsbuild.BuildRecordType{TriggerType: "MANUAL", RecordType: "JOB"},
		DisplayName: "APITest-getInfo-yCAdLM", ExecutionID: "j_VCcmey1D", TriggerType: "MANUAL", TriggerName: "testUser",
		UserID:     "ae22fd035f354cfa8d82a3f1c8940446",
		Parameters: []codeartsbuild.BuildParameter{{Name: "codeBranch", Value: "master"}},
		BuildType:  "branch", Branch: "master",
		Repository: "https://example.invalid:6823252f543d4915b49892a5fd9f0ec3/APITestCreateMaven02.git",
		SCMType:    "codehub", SCMWebURL: "https://example.invalid/codehub/2111857371/home",
		ScriptPath: ".cloudbuild/build.yml",
		ScriptURL:  "https://example.invalid:6823252f543d4915b49892a5fd9f0ec3/APITestCreateMaven02/blob/master/.cloudbuild/build.yml",
		CreatedAt:  utcTime(2024, 6, 26, 8, 25, 9), ScheduledAt: utcTime(2024, 6, 26, 8, 25, 11), QueuedAt: utcTime(2024, 6, 26, 8, 25, 9),
		StartedAt: utcTime(2024, 6, 26, 8, 25, 9), FinishedAt: utcTime(2024, 6, 26, 8, 25, 26),
	}
}

func readRecord() *codeartsbuild.BuildRecord {
	return &codeartsbuild.BuildRecord{
		ID: documentedRecord, BuildProjectID: "260380a1-5773-44e5-9122-8e4b3aa63fe8",
		BuildNo: "6463", DailyBuildNo: "20240629.8", Status: codeartsbuild.StatusSucceeded, StatusCode: 5,
		Type:        codeartsbuild.BuildRecordType{TriggerType: "MANUAL", RecordType: "JOB"},
		DisplayName: "APITest-maven", ExecutionID: "j_RY0zZT3L", TriggerType: "MANUAL", TriggerName: "testUser",
		UserID:     "ae22fd035f354cfa8d82a3f1c8940446",
		Parameters: []codeartsbuild.BuildParameter{{Name: "codeBranch", Value: "master", Type: "string"}},
		Branch:     "master", Revision: "e980b883c1590363818225ec649d7cf161f0d49c",
		Repository: "https://example.invalid:CodeCIEdgejkcsxm00001/APITest-maven.git",
		SCMType:    "codehub", SCMWebURL: "https://example.invalid/codehub/2111859403/home",
		ScriptPath: ".cloudbuild/build.yml",
		ScriptURL:  "https://example.invalid:CodeCIEdgejkcsxm00001/APITest-maven/blob/e980b883c1590363818225ec649d7cf161f0d49c/.cloudbuild/build.yml",
		CreatedAt:  utcTime(2024, 6, 29, 8, 56, 18), ScheduledAt: utcTime(2024, 6, 29, 8, 56, 19), QueuedAt: utcTime(2024, 6, 29, 8, 56, 20),
		StartedAt: utcTime(2024, 6, 29, 8, 56, 23), FinishedAt: utcTime(2024, 6, 29, 8, 56, 46),
		DurationMillis: 26183, BuildMillis: 23183, PendingMillis: 3000,
	}
}

func briefRecords() []codeartsbuild.BuildBrief {
	at := utcTime(2024, 8, 11, 18, 31, 1)
	return []codeartsbuild.BuildBrief{{
		BuildProjectID: "string",
		Records: []codeartsbuild.BuildRecord{{
			ID: "bf44443d-190b-4f21-8f6c-08cf511e8415", BuildProjectID: "string", BuildNo: "227", DailyBuildNo: "string",
			Status: codeartsbuild.StatusScheduleFailed, TriggerName: "devcloud_codeci_z00485259_03",
			Branch: "master", Revision: "e980b883c1590363818225ec649d7cf161f0d49c",
			CreatedAt: utcTime(2024, 8, 31, 2, 58, 2), ScheduledAt: at, QueuedAt: at, StartedAt: at, FinishedAt: at,
		}},
	}}
}

func TestBuildRecordsAsDocumented(t *testing.T) {
	t.Parallel()
	testDocumentedCalls(t, map[string]documentedCall{
		"ListRecords": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.Records(ctx, documentedRecord, nil)
			},
			request: "GET /v1/record/" + documentedRecord + "/records?limit=100&page=1",
			want:    &codeartsbuild.Page[codeartsbuild.BuildRecord]{Items: []codeartsbuild.BuildRecord{listedRecord()}, Total: -1},
		},
		"ListRecords with all filters": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.Records(ctx, documentedRecord, &codeartsbuild.BuildRecordListOptions{
					Page: 3, PageSize: 20, Triggers: []string{"MANUAL"}, Branches: []string{"main", "release/1.0"}, Tags: []string{"v1"},
					From: utcTime(2026, 2, 28, 23, 0, 0), To: utcTime(2026, 3, 1, 4, 5, 6),
				})
			},
			request: "GET /v1/record/" + documentedRecord + "/records?branches=main&branches=release%2F1.0&from_date=2026-03-01+07%3A00%3A00" +
				"&limit=20&page=3&tags=v1&to_date=2026-03-01+12%3A05%3A06&triggers=MANUAL",
			reply: `{"result":{"pagination":{"page":2,"limit":20,"total":45},"data":[]},"status":"success"}`,
			want:  &codeartsbuild.Page[codeartsbuild.BuildRecord]{Total: 45},
		},
		"ListBriefRecord": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.BriefRecords(ctx, []string{documentedRecord, "a"}, 0)
			},
			request: "POST /v1/record/brief?limit=10\n" + `["` + documentedRecord + `","a"]`,
			want:    briefRecords(),
		},
		"ShowBuildRecord": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.Record(ctx, documentedRecord)
			},
			request: "GET /v1/record/" + documentedRecord + "/info",
			want:    readRecord(),
		},
		"ShowBuildDetails": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.Result(ctx, documentedJob, "7")
			},
			request: "GET /v1/job/" + documentedJob + "/7/build-info",
			want:    &codeartsbuild.BuildResult{Status: codeartsbuild.StatusFailed, Region: "xx-xxxx-xx"},
		},
		"ListBuildParameter": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.Parameters(ctx, documentedJob, "7")
			},
			request: "GET /v1/job/" + documentedJob + "/7/history-parameters",
			want:    []codeartsbuild.BuildParameter{{Name: "codeBranch", Value: "master"}},
		},
		"ListBuildParameter of a build without parameters": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.Parameters(ctx, documentedJob, "7")
			},
			request: "GET /v1/job/" + documentedJob + "/7/history-parameters",
			reply:   `{"result":[],"error":null,"status":"success"}`,
			want:    []codeartsbuild.BuildParameter{},
		},
		"ShowJobTotal": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.Count(ctx, documentedRecord, nil)
			},
			request: "GET /v1/record/" + documentedRecord + "/statistics",
			want:    9,
		},
		"ShowJobTotal of a day": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				from := utcTime(2026, 2, 28, 16, 0, 0)
				return c.Builds.Count(ctx, documentedRecord, &codeartsbuild.BuildCountOptions{From: from, To: from.Add(24*time.Hour - time.Second)})
			},
			request: "GET /v1/record/" + documentedRecord + "/statistics?from_date=2026-03-01+00%3A00%3A00&to_date=2026-03-01+23%3A59%3A59",
			want:    9,
		},
	})
}

func TestAllRecordsReadsEveryPage(t *testing.T) {
	t.Parallel()
	testDocumentedLists(t, map[string]documentedList{
		"ListRecords": {
			walk: func(ctx context.Context, c *codeartsbuild.Client) ([]string, error) {
				in := &codeartsbuild.BuildRecordListOptions{PageSize: 1, Tags: []string{"v1"}, From: utcTime(2026, 1, 1, 0, 0, 0)}
				return keysOf(c.Builds.AllRecords(ctx, documentedRecord, in), func(r *codeartsbuild.BuildRecord) string { return r.BuildNo })
			},
			page: `{"result":{"data":[%s],"pagination":{"total":-1}}}`,
			rows: []string{`{"id":"a","build_no":"2"}`, `{"id":"b","build_no":1}`},
			want: []string{"2", "1"},
			queries: []string{
				"from_date=2026-01-01+08%3A00%3A00&limit=1&page=1&tags=v1",
				"from_date=2026-01-01+08%3A00%3A00&limit=1&page=2&tags=v1",
				"from_date=2026-01-01+08%3A00%3A00&limit=1&page=3&tags=v1",
			},
		},
	})
}

func TestSummaryOfABuild(t *testing.T) {
	t.Parallel()
	const row = `{"number":"7","state":"FAILURE","job_running_status":"Finished","user_id":"ae22","executor":"eve","trigger_type":"Manual",` +
		`"code_branch":"main","commit_id":"e980b88","start_time":1719651383000,"cost_time":23000}`
	tests := map[string]struct {
		reply string
		want  error
	}{
		"as documented":       {`{"result":` + row + `,"error":"error_message","status":"success"}`, nil},
		"without an envelope": {row, nil},
		"another build":       {`{"result":{"number":8,"state":"SUCCESS"}}`, codeartsbuild.ErrUnexpectedResponse},
		"no build":            {`{"result":null,"status":"success"}`, codeartsbuild.ErrUnexpectedResponse},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(200, tt.reply))
			build, err := sdktest.Client(t, transport, sdktest.Once).Builds.Summary(t.Context(), documentedJob, "7")
			require.Equal(t, "/v1/record/"+documentedJob+"/7/build-info-record", transport.Requests()[0].URL.RequestURI())
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
				require.Nil(t, build)
				return
			}
			require.NoError(t, err)
			start := utcTime(2024, 6, 29, 8, 56, 23)
			require.Equal(t, &codeartsbuild.Build{
				JobID: documentedJob, BuildNo: "7", Status: codeartsbuild.StatusFailed, Branch: "main", Revision: "e980b88",
				Trigger: codeartsbuild.TriggerManual, Executor: "eve", StartedAt: start, FinishedAt: start.Add(23 * time.Second),
				BuildDetails: codeartsbuild.BuildDetails{UserID: "ae22", DurationMillis: 23000},
			}, build)
		})
	}
}

// The word "success" of an empty response must not pass for the status of a build.
func TestEmptyResponseIsNotABuild(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{`{"result":null,"status":"success"}`, `{"result":{},"status":"success"}`, `{"status":"success"}`} {
		client := sdktest.Client(t, httpfake.Script(httpfake.Reply(200, reply)), sdktest.Once)
		record, err := client.Builds.Record(t.Context(), documentedRecord)
		require.ErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse, reply)
		require.Nil(t, record)
		result, err := client.Builds.Result(t.Context(), documentedJob, "7")
		require.ErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse, reply)
		require.Nil(t, result)
	}
}

func TestBriefRecordsAreReadAgainAfterALostResponse(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Lost, httpfake.Reply(200, `{"result":[]}`))
	briefs, err := sdktest.Client(t, transport, sdktest.Quick).Builds.BriefRecords(t.Context(), []string{documentedRecord}, 100)
	require.NoError(t, err)
	require.Empty(t, briefs)
	require.Equal(t, 2, transport.Count())
	require.Equal(t, "limit=100", transport.Requests()[1].URL.RawQuery)
}

func TestRecordsRejectOtherIDs(t *testing.T) {
	t.Parallel()
	rejectedBeforeIO(t, map[string]func(context.Context, *codeartsbuild.Client) error{
		"a job id in place of a build project": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Builds.Records(ctx, documentedJob, nil)
			return err
		},
		"a job id in place of a record": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Builds.Record(ctx, documentedJob)
			return err
		},
		"a daily number in place of a build number": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Builds.Summary(ctx, documentedJob, "20240626.2")
			return err
		},
		"too large a page": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Builds.Records(ctx, documentedRecord, &codeartsbuild.BuildRecordListOptions{PageSize: 101})
			return err
		},
	})
}
