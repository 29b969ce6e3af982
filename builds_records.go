package codeartsbuild

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"net/http"
	"strconv"
	"time"
)

// BuildRecord is one run of a build project, with more details than a [Build]. It has the id of the build project,
// which belongs to one job, in place of the job id. A field that the call does not report is zero. Times are in UTC.
type BuildRecord struct {
	ID             string           `json:"id"` // the record id that Record, Stages and the log downloads take
	BuildProjectID string           `json:"project_id"`
	BuildNo        string           `json:"build_no"`
	DailyBuildNo   string           `json:"daily_build_number" also:"daily_build_no"` // such as "20240626.2"; no call takes it
	Status         BuildStatus      `json:"status"`
	StatusCode     int              `json:"status_code"` // seen: 5 for a success, 8 for an aborted build
	Type           BuildRecordType  `json:"build_record_type"`
	DisplayName    string           `json:"display_name"` // of the job, or of a job within it
	GroupName      string           `json:"group_name"`
	ExecutionID    string           `json:"execution_id"` // such as "j_YE1bu9Z7"
	TriggerType    string           `json:"trigger_type"` // the service's word, such as MANUAL, as the list filters by it
	TriggerName    string           `json:"trigger_name"` // the user who started the build
	UserID         string           `json:"user_id"`
	Parameters     []BuildParameter `json:"parameters"`

	BuildType  string `json:"dev_cloud_build_type"` // branch, tag or commitId
	Branch     string `json:"branch"`
	Revision   string `json:"revision"` // the commit that was built
	Repository string `json:"repository"`
	SCMType    string `json:"scm_type"` // the kind of repository, such as codehub
	SCMWebURL  string `json:"scm_web_url"`
	ScriptPath string `json:"build_yml_path"` // of the build script in the repository
	ScriptURL  string `json:"build_yml_url"`

	CreatedAt      time.Time `json:"create_time,omitzero"`
	ScheduledAt    time.Time `json:"schedule_time,omitzero"`
	QueuedAt       time.Time `json:"queued_time,omitzero"`
	StartedAt      time.Time `json:"start_time,omitzero"`
	FinishedAt     time.Time `json:"finish_time,omitzero"`
	DurationMillis int64     `json:"duration"`
	BuildMillis    int64     `json:"build_duration"`
	PendingMillis  int64     `json:"pending_duration"` // in the queue
}

// BuildRecordType says how a build came about.
type BuildRecordType struct {
	Rerun       bool   `json:"rerun" also:"is_rerun"` // it repeats an earlier build
	TriggerType string `json:"trigger_type"`
	RecordType  string `json:"record_type"` // such as JOB
}

// BuildParameter is a parameter of a job with its value in one build.
type BuildParameter struct {
	Name   string `json:"name"`
	Value  string `json:"value"`  // hidden if the parameter is secret
	Secret bool   `json:"secret"` // reported by records only
	Type   string `json:"type"`   // reported by records only
}

// BuildRecordListOptions choose the records of a list. Nil means the zero value, which chooses all.
type BuildRecordListOptions struct {
	Page     int `url:"-"` // from 1; 0 means 1. AllRecords ignores it
	PageSize int `url:"-"` // 1 to 100; 0 means 100

	Triggers []string  `url:"triggers,omitempty"` // words of TriggerType
	Branches []string  `url:"branches,omitempty"`
	Tags     []string  `url:"tags,omitempty"`
	From     time.Time `url:"from_date,omitempty" layout:"2006-01-02 15:04:05"` // in whole seconds; zero: no limit
	To       time.Time `url:"to_date,omitempty" layout:"2006-01-02 15:04:05"`   // in whole seconds; zero: no limit
}

// query spells the times in the zone of the service.
func (in *BuildRecordListOptions) query() BuildRecordListOptions {
	o := orZero(in)
	o.From, o.To = o.From.In(serviceZone), o.To.In(serviceZone)
	return o
}

var opListRecords = operation{
	name: "ListRecords", method: http.MethodGet, path: "/v1/record/{build_project_id}/records",
	list: &listing{page: "page", first: 1, size: "limit", rows: "data", total: "pagination.total"},
}

// Records returns one page of the records of a build project. The id of the build project has 36 letters, digits
// and dashes; the lists of jobs and [BuildDetails] have it. The total is often -1.
//
// API: ListRecords, GET /v1/record/{build_project_id}/records.
func (s *BuildsService) Records(ctx context.Context, buildProjectID string, in *BuildRecordListOptions, opts ...CallOption) (*Page[BuildRecord], error) {
	o := in.query()
	return listPage[BuildRecord](ctx, s.client, &opListRecords, []string{buildProjectID}, o.Page, o.PageSize, o, opts)
}

// AllRecords returns an iterator over the records of a build project. It reads a page when its first record is
// wanted, and ends after the first error.
//
// API: ListRecords, GET /v1/record/{build_project_id}/records.
func (s *BuildsService) AllRecords(ctx context.Context, buildProjectID string, in *BuildRecordListOptions, opts ...CallOption) iter.Seq2[*BuildRecord, error] {
	o := in.query()
	return listAll(ctx, s.client, &opListRecords, []string{buildProjectID}, o.PageSize, o, func(r *BuildRecord) string { return r.ID }, opts)
}

// BuildBrief has the short records of one build project.
type BuildBrief struct {
	BuildProjectID string        `json:"project_id"`
	Records        []BuildRecord `json:"brief_build_record_dtos"` // without type, parameters and repository
}

// The body of a request is the list of the build projects; the limit is in the query.
var opListBriefRecord = operation{name: "ListBriefRecord", method: http.MethodPost, path: "/v1/record/brief", effect: readOnly}

// BriefRecords returns short records of several build projects: of each at most limit, which is 1 to 100; 0 means 10.
// A live service was seen to reject the call with the code DEVCB.00030000.
//
// API: ListBriefRecord, POST /v1/record/brief.
func (s *BuildsService) BriefRecords(ctx context.Context, buildProjectIDs []string, limit int, opts ...CallOption) ([]BuildBrief, error) {
	opts = append([]CallOption{WithQuery("limit", strconv.Itoa(cmp.Or(limit, 10)))}, opts...)
	return fetchValue[[]BuildBrief](ctx, s.client, &opListBriefRecord, nil, buildProjectIDs, opts)
}

// A buildRecordResponse is a record that was asked for by its id.
type buildRecordResponse struct{ BuildRecord }

func (r *buildRecordResponse) complete(about) error {
	if r.ID == "" {
		return errors.New("the response describes no build")
	}
	return nil
}

var opShowBuildRecord = operation{name: "ShowBuildRecord", method: http.MethodGet, path: "/v1/record/{record_id}/info"}

// Record reads one record by the RecordID that [BuildsService.Get] reports.
//
// API: ShowBuildRecord, GET /v1/record/{record_id}/info.
func (s *BuildsService) Record(ctx context.Context, recordID string, opts ...CallOption) (*BuildRecord, error) {
	out, err := fetch[buildRecordResponse](ctx, s.client, &opShowBuildRecord, []string{recordID}, nil, opts)
	if err != nil {
		return nil, err
	}
	return &out.BuildRecord, nil
}

// A buildSummary is the row of a build in the history of its job, asked for by its number.
type buildSummary struct{ buildRow }

func (r *buildSummary) complete(of about) error {
	if err := r.buildRow.complete(of); err != nil {
		return err
	}
	if r.Number != of.build {
		return errors.New("the response describes another build")
	}
	return nil
}

var opShowBuildInfoRecord = operation{
	name: "ShowBuildInfoRecord", method: http.MethodGet, path: "/v1/record/{job_id}/{build_no}/build-info-record",
}

// Summary reads one build as [BuildsService.List] describes it: with the name of its executor, and without a
// RecordID. A response about another build is [ErrUnexpectedResponse].
//
// API: ShowBuildInfoRecord, GET /v1/record/{job_id}/{build_no}/build-info-record.
func (s *BuildsService) Summary(ctx context.Context, jobID, buildNo string, opts ...CallOption) (*Build, error) {
	row, err := fetch[buildSummary](ctx, s.client, &opShowBuildInfoRecord, []string{jobID, buildNo}, nil, opts)
	if err != nil {
		return nil, err
	}
	build := row.build()
	return &build, nil
}

// BuildResult tells whether a build still runs, and how it ended.
type BuildResult struct {
	Building bool        `json:"building"`
	Status   BuildStatus `json:"build_result"` // "" while it runs
	Region   string      `json:"region"`
}

func (r *BuildResult) complete(about) error {
	if *r == (BuildResult{}) { // it must not be taken for a build that no longer runs
		return errors.New("the response describes no build")
	}
	return nil
}

var opShowBuildDetails = operation{
	name: "ShowBuildDetails", method: http.MethodGet, path: "/v1/job/{job_id}/{build_no}/build-info",
}

// Result tells whether a build still runs, and how it ended.
//
// API: ShowBuildDetails, GET /v1/job/{job_id}/{build_no}/build-info.
func (s *BuildsService) Result(ctx context.Context, jobID, buildNo string, opts ...CallOption) (*BuildResult, error) {
	return fetch[BuildResult](ctx, s.client, &opShowBuildDetails, []string{jobID, buildNo}, nil, opts)
}

var opListBuildParameter = operation{
	name: "ListBuildParameter", method: http.MethodGet, path: "/v1/job/{job_id}/{build_no}/history-parameters",
}

// Parameters returns the parameters that a build ran with. The service hides the values of secret ones.
//
// API: ListBuildParameter, GET /v1/job/{job_id}/{build_no}/history-parameters.
func (s *BuildsService) Parameters(ctx context.Context, jobID, buildNo string, opts ...CallOption) ([]BuildParameter, error) {
	return fetchValue[[]BuildParameter](ctx, s.client, &opListBuildParameter, []string{jobID, buildNo}, nil, opts)
}

// BuildCountOptions limit the time in which builds are counted. Nil means the zero value, which counts all.
type BuildCountOptions struct {
	From time.Time `url:"from_date,omitempty" layout:"2006-01-02 15:04:05"` // in whole seconds; zero: no limit
	To   time.Time `url:"to_date,omitempty" layout:"2006-01-02 15:04:05"`   // in whole seconds; zero: no limit
}

type buildCount struct {
	Total int `json:"total"`
}

var opShowJobTotal = operation{
	name: "ShowJobTotal", method: http.MethodGet, path: "/v1/record/{build_project_id}/statistics",
}

// Count returns how many builds a build project had.
//
// API: ShowJobTotal, GET /v1/record/{build_project_id}/statistics.
func (s *BuildsService) Count(ctx context.Context, buildProjectID string, in *BuildCountOptions, opts ...CallOption) (int, error) {
	o := orZero(in)
	o.From, o.To = o.From.In(serviceZone), o.To.In(serviceZone)
	count, err := fetchValue[buildCount](ctx, s.client, &opShowJobTotal, []string{buildProjectID}, o, opts)
	return count.Total, err
}
