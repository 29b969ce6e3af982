package codeartsbuild

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"time"
)

// ReportsService reads the test and coverage reports of builds, and how often and how fast jobs build. Its methods are
// safe for concurrent use.
type ReportsService struct{ service }

// ReportSummary has the results of the unit tests of a build.
type ReportSummary struct {
	Total  ReportTests   `json:"summary"` // of all stages
	Stages []ReportTests `json:"sub_summarys"`
}

// ReportTests are the results of unit tests.
type ReportTests struct {
	JobID   string `json:"job_id"`
	BuildNo string `json:"build_no"`
	Stage   string `json:"stage_name"` // such as stage3
	RootID  string `json:"root_id"`    // of the report

	Passed         bool      `json:"is_success"`
	Total          int       `json:"total"`
	Success        int       `json:"success"`
	Failures       int       `json:"failures"`
	Errors         int       `json:"errors"`
	Others         int       `json:"others"`
	SuccessDensity float64   `json:"success_density"` // 1 if all tests have passed
	ExecutionTime  int64     `json:"execution_time"`  // most likely in milliseconds
	GeneratedAt    time.Time `json:"genrate_time,omitzero"`
	Region         string    `json:"region"`
}

type reportBuildQuery struct {
	BuildNo string `url:"build_no"`
}

var opShowReportSummary = operation{
	name: "ShowReportSummary", method: http.MethodGet, path: "/v1/report/{job_id}/summary", args: []string{"build_no"},
}

// Summary returns the results of the unit tests of a build.
//
// API: ShowReportSummary, GET /v1/report/{job_id}/summary.
func (s *ReportsService) Summary(ctx context.Context, jobID, buildNo string, opts ...CallOption) (*ReportSummary, error) {
	return fetch[ReportSummary](ctx, s.client, &opShowReportSummary, []string{jobID, buildNo}, reportBuildQuery{buildNo}, opts)
}

// ReportCoverage names a report on the test coverage of one stage of a build.
type ReportCoverage struct {
	JobID   string `json:"job_id"`
	BuildNo string `json:"build_no"`
	Stage   string `json:"stage_name"` // such as stage3
	RootID  string `json:"root_id"`    // DownloadCoverage takes it
	Region  string `json:"region"`
}

type reportCoverageList struct {
	Stages []ReportCoverage `json:"unit_summary_list"`
}

type reportCoverageQuery struct {
	JobID   string `url:"job_id"`
	BuildNo string `url:"build_no"`
	RootID  string `url:"root_id,omitempty"`
}

var opListJunitCoverageSummary = operation{
	name: "ListJunitCoverageSummary", method: http.MethodGet, path: "/v1/report/junit/coverage/list", args: []string{"job_id", "build_no"},
}

// Coverage returns the coverage reports of a build.
//
// API: ListJunitCoverageSummary, GET /v1/report/junit/coverage/list.
func (s *ReportsService) Coverage(ctx context.Context, jobID, buildNo string, opts ...CallOption) ([]ReportCoverage, error) {
	query := reportCoverageQuery{JobID: jobID, BuildNo: buildNo}
	list, err := fetchValue[reportCoverageList](ctx, s.client, &opListJunitCoverageSummary, []string{jobID, buildNo}, query, opts)
	return list.Stages, err
}

var opDownloadJunitCoverageZip = operation{
	name: "DownloadJunitCoverageZip", method: http.MethodGet, path: "/v1/report/junit/coverage/download",
	args: []string{"job_id", "build_no"}, stream: true,
}

// DownloadCoverage opens a coverage report, a ZIP file, by the RootID of a [ReportCoverage]. The caller closes it. The
// timeout of the call ends with the header of the response; the context also ends the reading.
//
// API: DownloadJunitCoverageZip, GET /v1/report/junit/coverage/download.
func (s *ReportsService) DownloadCoverage(ctx context.Context, jobID, buildNo, rootID string, opts ...CallOption) (io.ReadCloser, error) {
	query := reportCoverageQuery{jobID, buildNo, rootID}
	return fetchValue[io.ReadCloser](ctx, s.client, &opDownloadJunitCoverageZip, []string{jobID, buildNo}, query, opts)
}

// ReportOptions limit a report on the builds of a job. Nil means the zero value.
type ReportOptions struct {
	Branch string `url:"branch,omitempty"` // "" means all
	Days   int    `url:"interval"`         // the last 1 to 30 days; 0 means 7
}

type reportQuery struct {
	JobID      string `url:"job_id"`
	Repository string `url:"repository_name"`
	ReportOptions
}

func (in *ReportOptions) query(jobID, repository string) reportQuery {
	q := reportQuery{jobID, repository, orZero(in)}
	q.Days = cmp.Or(q.Days, 7)
	return q
}

// ReportSuccessRatio tells how many builds of a job succeeded.
type ReportSuccessRatio struct {
	JobID     string             `json:"job_id"`
	Branch    string             `json:"branch"` // "all" without a branch
	Succeeded int                `json:"total_success_count"`
	Total     int                `json:"total_count"`
	Fraction  string             `json:"total_success_ratio_fraction"` // such as "2/3"
	Days      []ReportSuccessDay `json:"every_day_report"`
}

// ReportSuccessDay tells how many builds of a job succeeded in one day.
type ReportSuccessDay struct {
	Date    string `json:"date"`          // such as "2024/06/15"
	Percent int    `json:"success_ratio"` // of the builds of the day
}

var opShowJobBuildSuccessRatio = operation{
	name: "ShowJobBuildSuccessRatio", method: http.MethodGet, path: "/v1/report/ratio", args: []string{"job_id"},
}

// SuccessRatio returns how many builds of a job from one repository succeeded. [RepositoriesService.OfJob] knows the
// names of the repositories.
//
// API: ShowJobBuildSuccessRatio, GET /v1/report/ratio.
func (s *ReportsService) SuccessRatio(ctx context.Context, jobID, repository string, in *ReportOptions, opts ...CallOption) (*ReportSuccessRatio, error) {
	return fetch[ReportSuccessRatio](ctx, s.client, &opShowJobBuildSuccessRatio, []string{jobID}, in.query(jobID, repository), opts)
}

// ReportBuildTimes tells how long the builds of a job took. The documentation has no unit for Average, Longest and
// Shortest.
type ReportBuildTimes struct {
	JobID    string            `json:"job_id"`
	Average  float64           `json:"avg_build_time"`
	Longest  int64             `json:"max_build_time"`
	Shortest int64             `json:"min_build_time"`
	Builds   []ReportBuildTime `json:"chart"`
}

// ReportBuildTime tells how long one build took.
type ReportBuildTime struct {
	BuildNo      string      `json:"build_number"`
	DailyBuildNo string      `json:"daily_build_number"` // such as "20200612.20"; no call takes it
	Seconds      int64       `json:"build_time"`
	Status       BuildStatus `json:"build_result"`
}

var opShowJobBuildTime = operation{
	name: "ShowJobBuildTime", method: http.MethodGet, path: "/v1/report/time", args: []string{"job_id"},
}

// BuildTimes returns how long the builds of a job from one repository took. [RepositoriesService.OfJob] knows the names
// of the repositories.
//
// API: ShowJobBuildTime, GET /v1/report/time.
func (s *ReportsService) BuildTimes(ctx context.Context, jobID, repository string, in *ReportOptions, opts ...CallOption) (*ReportBuildTimes, error) {
	return fetch[ReportBuildTimes](ctx, s.client, &opShowJobBuildTime, []string{jobID}, in.query(jobID, repository), opts)
}
