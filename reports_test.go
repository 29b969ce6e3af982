package codeartsbuild_test

import (
	"context"
	"testing"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// unitTests are the results of the documented example.
func unitTests(rootID string) codeartsbuild.ReportTests {
	return codeartsbuild.ReportTests{
		JobID: "c798139500d2456d82d95d108f182b5a", BuildNo: "1", Stage: "stage3", RootID: rootID,
		Passed: true, Total: 1, Success: 1, SuccessDensity: 1, ExecutionTime: 8602,
		GeneratedAt: utcTime(2024, 9, 20, 6, 41, 3), Region: "cn-north-7",
	}
}

func TestReportsAsDocumented(t *testing.T) {
	t.Parallel()
	testDocumentedCalls(t, map[string]documentedCall{
		"ShowReportSummary": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Reports.Summary(ctx, documentedJob, "7")
			},
			request: "GET /v1/report/" + documentedJob + "/summary?build_no=7",
			want: &codeartsbuild.ReportSummary{
				Total:  unitTests("025fa618-a241-4219-87b5-e0e2b0ce0c89"),
				Stages: []codeartsbuild.ReportTests{unitTests("e3dc82de-597b-46e4-98e7-7b55652184de")},
			},
		},
		"ListJunitCoverageSummary": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Reports.Coverage(ctx, documentedJob, "7")
			},
			request: "GET /v1/report/junit/coverage/list?build_no=7&job_id=" + documentedJob,
			want: []codeartsbuild.ReportCoverage{{
				JobID: "c798139500d2456d82d95d108f182b5a", BuildNo: "1", Stage: "stage3",
				RootID: "bc94b6f4-b355-41ca-862a-bfe0e60d4f9f", Region: "cn-north-7",
			}},
		},
		"DownloadJunitCoverageZip": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return textOf(c.Reports.DownloadCoverage(ctx, documentedJob, "7", "bc94b6f4-b355-41ca-862a-bfe0e60d4f9f"))
			},
			request: "GET /v1/report/junit/coverage/download?build_no=7&job_id=" + documentedJob + "&root_id=bc94b6f4-b355-41ca-862a-bfe0e60d4f9f",
			reply:   "PK\x03\x04", header: octets(),
			want: "PK\x03\x04",
		},
		"ShowJobBuildSuccessRatio": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Reports.SuccessRatio(ctx, documentedJob, "maven-demo", nil)
			},
			request: "GET /v1/report/ratio?interval=7&job_id=" + documentedJob + "&repository_name=maven-demo",
			want: &codeartsbuild.ReportSuccessRatio{
				JobID: "901878212b1a49be9c1a1054c272762a", Branch: "all", Succeeded: 1, Total: 1, Fraction: "2/3",
				Days: []codeartsbuild.ReportSuccessDay{{Date: "2024/06/15", Percent: 67}},
			},
		},
		"ShowJobBuildTime": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Reports.BuildTimes(ctx, documentedJob, "maven-demo", &codeartsbuild.ReportOptions{Branch: "release/1.0", Days: 30})
			},
			request: "GET /v1/report/time?branch=release%2F1.0&interval=30&job_id=" + documentedJob + "&repository_name=maven-demo",
			want: &codeartsbuild.ReportBuildTimes{
				JobID: "f5af662119404ad187437cd272b5099b", Longest: 542477536, Shortest: 542477536,
				Builds: []codeartsbuild.ReportBuildTime{{
					BuildNo: "1", DailyBuildNo: "20200612.20", Seconds: 20, Status: codeartsbuild.StatusSucceeded,
				}},
			},
		},
		"ShowJobBuildTime with a fraction": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Reports.BuildTimes(ctx, documentedJob, "maven-demo", nil)
			},
			request: "GET /v1/report/time?interval=7&job_id=" + documentedJob + "&repository_name=maven-demo",
			reply:   `{"result":{"avg_build_time":12.5,"chart":[{"build_number":"3","build_result":"timeout"}]},"status":"success"}`,
			want: &codeartsbuild.ReportBuildTimes{
				Average: 12.5, Builds: []codeartsbuild.ReportBuildTime{{BuildNo: "3", Status: codeartsbuild.StatusTimedOut}},
			},
		},
	})
}

func TestReportsRejectOtherIDs(t *testing.T) {
	t.Parallel()
	rejectedBeforeIO(t, map[string]func(context.Context, *codeartsbuild.Client) error{
		"no job": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Reports.SuccessRatio(ctx, "", "maven-demo", nil)
			return err
		},
		"no build number": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Reports.Summary(ctx, documentedJob, "")
			return err
		},
	})
}
