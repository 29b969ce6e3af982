package codeartsbuildtest

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// A detail is what ShowJobBuildRecordDetail and its older twins have of a build.
type detail struct {
	Branch            string  `json:"branch"`
	BuildConfigType   string  `json:"build_config_type"`
	BuildNo           int     `json:"build_no"`
	BuildProjectID    string  `json:"build_project_id"`
	BuildRecordID     string  `json:"build_record_id"`
	BuildType         string  `json:"build_type"`
	CodeciJobID       string  `json:"codeci_job_id"`
	Commit            *string `json:"commit"`
	CommitCreateTime  *string `json:"commit_create_time"`
	CommitMessage     *string `json:"commit_message"`
	CreateTime        *string `json:"create_time"`
	DailyBuildNum     string  `json:"daily_build_num"`
	DevcloudProjectID string  `json:"devcloud_project_id"`
	DomainID          string  `json:"domain_id"`
	Duration          int64   `json:"duration"`
	ErrMsg            *string `json:"err_msg"`
	ExecutionID       string  `json:"execution_id"`
	FinishTime        *string `json:"finish_time"`
	ID                string  `json:"id"` // another id than the record's, which the log calls do not take
	ParentRecordID    *string `json:"parent_record_id"`
	QueuedTime        *string `json:"queued_time"`
	RecordStatus      *string `json:"record_status"`
	Region            string  `json:"region"`
	RepoID            string  `json:"repo_id"`
	RepoName          string  `json:"repo_name"`
	RunnableTime      *string `json:"runnable_time"`
	ScheduleTime      *string `json:"schedule_time"`
	StartTime         *string `json:"start_time"`
	Status            string  `json:"status"`
	Tag               *string `json:"tag"`
	TriggerType       string  `json:"trigger_type"`
	UsePrivateSlave   int     `json:"use_private_slave"`
	UserID            string  `json:"user_id"`
}

func (s *state) showRecordDetail(r *request) (any, error) {
	b, err := s.recordInPath(r)
	if err != nil {
		return nil, err
	}
	queued := recordTime(b.queuedAt)
	return detail{
		Branch:            b.branch,
		BuildConfigType:   "YAML",
		BuildNo:           b.number,
		BuildProjectID:    b.job.buildProjectID,
		BuildRecordID:     b.recordID,
		BuildType:         b.kind(),
		CodeciJobID:       b.job.id,
		Commit:            textOrNull(b.revision),
		CommitCreateTime:  queued,
		CreateTime:        queued,
		DailyBuildNum:     b.daily,
		DevcloudProjectID: codeProjectID,
		DomainID:          accountID,
		Duration:          b.ran(r.now),
		ExecutionID:       b.executionID,
		FinishTime:        recordTime(b.finishedAt),
		ID:                uuid("detail", b.recordID),
		QueuedTime:        queued,
		Region:            projectName,
		RepoID:            repositoryID,
		RepoName:          repositoryName,
		RunnableTime:      queued,
		ScheduleTime:      queued,
		StartTime:         recordTime(b.startedAt),
		Status:            spell(b.status).record,
		Tag:               textOrNull(b.tag),
		TriggerType:       triggerWord(b.trigger, manualInRecords),
		UserID:            userID,
	}, nil
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// kind is the build_type of a build.
func (b *build) kind() string {
	switch {
	case b.branch == "" && b.tag != "":
		return "tag"
	case b.branch == "" && b.revision != "":
		return "commitId"
	}
	return "branch"
}

// A parameter is one that a build ran with. Only ShowBuildRecord names its type.
type parameter struct {
	Name   string `json:"name"`
	Secret bool   `json:"secret"`
	Type   string `json:"type,omitempty"`
	Value  string `json:"value"`
}

// A record is what ShowBuildRecord and ListRecords have of a build. Some fields are one call's only.
type record struct {
	Branch            string      `json:"branch"`
	BuildDuration     int64       `json:"build_duration"`
	BuildNo           string      `json:"build_no"`
	BuildRecordType   recordType  `json:"build_record_type"`
	BuildYmlPath      string      `json:"build_yml_path"`
	BuildYmlURL       string      `json:"build_yml_url"`
	CreateTime        *string     `json:"create_time"`
	DailyBuildNo      string      `json:"daily_build_no"`
	DailyBuildNumber  string      `json:"daily_build_number"`
	DevCloudBuildType string      `json:"dev_cloud_build_type,omitempty"` // ListRecords
	DisplayName       string      `json:"display_name"`
	Duration          int64       `json:"duration"`
	ExecutionID       string      `json:"execution_id"`
	FinishTime        *string     `json:"finish_time"`
	GroupName         string      `json:"group_name"`
	ID                string      `json:"id"`
	Parameters        []parameter `json:"parameters"`
	PendingDuration   int64       `json:"pending_duration"`
	ProjectID         string      `json:"project_id"`
	QueuedTime        *string     `json:"queued_time"`
	Repository        string      `json:"repository"`
	Revision          string      `json:"revision"`
	ScheduleTime      *string     `json:"schedule_time"`
	ScmType           string      `json:"scm_type"`
	ScmWebURL         string      `json:"scm_web_url"`
	StartTime         *string     `json:"start_time"`
	Status            string      `json:"status"`
	StatusCode        int         `json:"status_code"`
	TriggerName       string      `json:"trigger_name"`
	TriggerType       string      `json:"trigger_type"`
	UserID            string      `json:"user_id"`
}

type recordType struct {
	IsRerun     *bool  `json:"is_rerun,omitempty"` // ShowBuildRecord
	RecordType  string `json:"record_type"`
	Rerun       *bool  `json:"rerun,omitempty"` // ShowBuildRecord
	TriggerType string `json:"trigger_type"`
}

func (b *build) record(now time.Time) record {
	const script = ".cloudbuild/build.yml"
	words, trigger := spell(b.status), triggerWord(b.trigger, manualInRecords)
	return record{
		Branch:           b.branch,
		BuildDuration:    b.ran(now),
		BuildNo:          b.no(),
		BuildRecordType:  recordType{RecordType: "JOB", TriggerType: trigger},
		BuildYmlPath:     script,
		BuildYmlURL:      repositoryHome + "/blob/" + cmp.Or(b.revision, b.branch, b.tag) + "/" + script,
		CreateTime:       recordTime(b.queuedAt),
		DailyBuildNo:     b.daily,
		DailyBuildNumber: b.daily,
		DisplayName:      b.job.name,
		Duration:         millisBetween(b.queuedAt, b.finishedAt, now),
		ExecutionID:      b.executionID,
		FinishTime:       recordTime(b.finishedAt),
		ID:               b.recordID,
		Parameters:       b.shownParameters(),
		PendingDuration:  millisBetween(b.queuedAt, b.startedAt, now),
		ProjectID:        b.job.buildProjectID,
		QueuedTime:       recordTime(b.queuedAt),
		Repository:       repositoryURL,
		Revision:         b.revision,
		ScheduleTime:     recordTime(b.queuedAt),
		ScmType:          repositoryKind,
		ScmWebURL:        repositoryHome,
		StartTime:        recordTime(b.startedAt),
		Status:           words.record,
		StatusCode:       words.code,
		TriggerName:      b.executor,
		TriggerType:      trigger,
		UserID:           userID,
	}
}

// hiddenValue stands for the value of a secret parameter.
const hiddenValue = "******"

// shownParameters are the build's parameters, the branch among them and secret values hidden.
func (b *build) shownParameters() []parameter {
	shown := slices.Clone(b.parameters)
	for i := range shown {
		if shown[i].Secret {
			shown[i].Value = hiddenValue
		}
	}
	if !slices.ContainsFunc(shown, func(p parameter) bool { return p.Name == branchParameter }) {
		shown = append(shown, parameter{Name: branchParameter, Value: b.branch})
	}
	return shown
}

// listBuildParameters hides secret values.
func (s *state) listBuildParameters(r *request) (any, error) {
	b, err := s.buildInPath(r)
	if err != nil {
		return nil, err
	}
	type row struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	rows := []row{}
	for _, p := range b.shownParameters() {
		rows = append(rows, row{p.Name, p.Value})
	}
	return rows, nil
}

func (s *state) showBuildRecord(r *request) (any, error) {
	b, err := s.record(r)
	if err != nil {
		return nil, err
	}
	shown, no := b.record(r.now), false
	shown.BuildRecordType.IsRerun, shown.BuildRecordType.Rerun = &no, &no
	for i := range shown.Parameters {
		shown.Parameters[i].Type = "string"
	}
	return shown, nil
}

// buildProject finds the job whose build_project_id the path names. As live, a wrong id has a success that holds an
// error.
func (s *state) buildProject(r *request) (*job, error) {
	id := r.text("build_project_id")
	for _, j := range s.jobs.all() {
		if j.buildProjectID == id {
			return j, nil
		}
	}
	return nil, refusal{status: http.StatusOK, code: codeParameter, message: "[project_id] parameter error"}
}

// listRecords counts pages from 1 and takes 0 for the first one as well; the page that it returns is counted from 0.
// That is what fits the documented default of 1, the documented minimum of 0 and the documented example.
func (s *state) listRecords(r *request) (any, error) {
	j, err := s.buildProject(r)
	if err != nil {
		return nil, err
	}
	fitting := j.listing(r.now).during(r.clock("from_date", wallClock, time.Time{}), r.clock("to_date", wallClock, r.now))
	fitting = chosenBy(r.list("branches"), fitting, func(b *build) string { return b.branch })
	fitting = chosenBy(r.list("tags"), fitting, func(b *build) string { return b.tag })
	fitting = chosenBy(r.list("triggers"), fitting, func(b *build) string { return triggerWord(b.trigger, manualInRecords) })
	page, limit := firstPageIsOne(r.number("page", 1)), r.number("limit", defaultPageSize)
	data := []record{}
	for _, b := range pageOf(fitting, page, limit) {
		row := b.record(r.now)
		row.DevCloudBuildType = b.kind()
		data = append(data, row)
	}
	type pagination struct {
		Limit int `json:"limit"`
		Page  int `json:"page"`
		Total int `json:"total"`
	}
	return struct {
		Data       []record   `json:"data"`
		Pagination pagination `json:"pagination"`
	}{data, pagination{limit, page, -1}}, nil
}

// chosenBy lists the builds with one of the words that a request names; without any, all builds.
func chosenBy(words []string, builds []*build, word func(*build) string) []*build {
	if words == nil {
		return builds
	}
	chosen := []*build{}
	for _, b := range builds {
		if slices.Contains(words, word(b)) {
			chosen = append(chosen, b)
		}
	}
	return chosen
}

// firstPageIsOne turns a page that is counted from 1 into one that is counted from 0. 0 is the first page as well.
func firstPageIsOne(page int) int { return max(page, 1) - 1 }
