package codeartsbuild_test

import (
	"context"
	"testing"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func TestBuildsInFullAsDocumented(t *testing.T) {
	t.Parallel()
	const job = "68491d9bc97b4774adb93e29b46d2dc6"
	testDocumentedCalls(t, map[string]documentedCall{
		"ShowJobBuildRecordDetail": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Builds.Get(ctx, job, "532")
			},
			request: "GET /v1/record/" + job + "/532/record-info",
			want: &codeartsbuild.Build{
				JobID: job, BuildNo: "532", RecordID: "9d6169b9-022d-458c-9dc8-48cc94cc4083", Status: codeartsbuild.StatusSucceeded,
				Branch: "buildflow_env", Trigger: codeartsbuild.TriggerManual, Executor: "ae22fd035f354cfa8d82a3f1c8940446",
				QueuedAt: utcTime(2022, 10, 11, 8, 28, 45), StartedAt: utcTime(2022, 10, 11, 8, 28, 47), FinishedAt: utcTime(2022, 10, 11, 8, 30, 27),
				BuildDetails: codeartsbuild.BuildDetails{
					BuildType: "branch", UserID: "ae22fd035f354cfa8d82a3f1c8940446", DailyBuildNo: "20221011.29", DurationMillis: 100068,
					EntryID: "eb9d73c7-61b3-4823-b476-a7c00c493b8a", BuildProjectID: "31581e9f-5772-4053-a50c-d5690578c8fd",
					ProjectID: "b4d3971c3988463b865f6f920846149e", DomainID: "60021bab32fd450aa2cb89226f425e06", ExecutionID: "j_YE1bu9Z7",
					RepoName: "maven", RepoID: "2111616838", CommittedAt: utcTime(2022, 10, 11, 8, 28, 42), CreatedAt: utcTime(2022, 10, 11, 8, 28, 42),
					ScheduledAt: utcTime(2022, 10, 11, 8, 28, 45), RunnableAt: utcTime(2022, 10, 11, 8, 16, 4), ConfigType: "YAML", Region: "cn-north-7",
				},
			},
		},
		"ListBuildInfoRecordByJobId": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				to := utcTime(2023, 12, 31, 16, 0, 0)
				return c.Builds.List(ctx, job, &codeartsbuild.BuildListOptions{From: to.AddDate(0, 0, -7), To: to})
			},
			request: "GET /v1/record/" + job + "/list?end_time=2024-01-01+00%3A00%3A00&page_index=0&page_size=100&start_time=2023-12-25+00%3A00%3A00",
			want: &codeartsbuild.Page[codeartsbuild.Build]{Items: []codeartsbuild.Build{{
				JobID: job, BuildNo: "44", Status: codeartsbuild.StatusSucceeded, Branch: "master",
				Revision: "ffe2ee8b44a0b2683df86b44f8ec27d71baeae86", Trigger: codeartsbuild.TriggerManual, Executor: "test",
				StartedAt: utcTime(2023, 12, 26, 1, 37, 21), FinishedAt: utcTime(2023, 12, 26, 2, 36, 6),
				BuildDetails: codeartsbuild.BuildDetails{
					BuildType: "branch", UserID: "ae22fd035f354cfa8d82a3f1c8940446", DailyBuildNo: "20231226.1", DurationMillis: 3525000,
					Nickname: "021", BuildMillis: 3525000,
					Commit:    codeartsbuild.BuildCommit{ID: "ffe2ee8b44a0b2683df86b44f8ec27d71baeae86", CreatedAt: utcTime(2023, 11, 21, 1, 48, 21)},
					CommitURL: "https://example.invalid/codehub/2111750206/ffe2ee8b44a0b2683df86b44f8ec27d71baeae86/commitdetail",
					SCMType:   "codehub", SCMWebURL: "https://example.invalid/codehub/2111750206/home",
				},
			}}, Total: 44},
		},
	})
}
