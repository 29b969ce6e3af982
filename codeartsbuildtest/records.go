package codeartsbuildtest

import (
	"cmp"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A detail is what ShowJobBuildRecordDetail has of a build.
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

func (s *Server) showJobBuildRecordDetail(c *call) answer {
	b, refused := s.findBuild(c, c.r.PathValue("job_id"), c.r.PathValue("build_no"), codeNotFound)
	if refused != nil {
		return *refused
	}
	queued := recordTime(b.queuedAt)
	return bareEnveloped(detail{
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
		Duration:          b.ran(c.now),
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
	})
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

// shownParameters are the build's parameters, the branch among them.
func (b *build) shownParameters() []parameter {
	shown := slices.Clone(b.parameters)
	if !slices.ContainsFunc(shown, func(p parameter) bool { return p.Name == branchParameter }) {
		shown = append(shown, parameter{Name: branchParameter, Value: b.branch})
	}
	return shown
}

func (s *Server) showBuildRecord(c *call) answer {
	b := s.record(c.r.PathValue("record_id"), c.now)
	if b == nil {
		return *notFound(codeNotFound)
	}
	shown, no := b.record(c.now), false
	shown.BuildRecordType.IsRerun, shown.BuildRecordType.Rerun = &no, &no
	for i := range shown.Parameters {
		shown.Parameters[i].Type = "string"
	}
	return enveloped(shown)
}

// record finds a build by its record id and brings it up to date; nil when there is none.
func (s *Server) record(id string, now time.Time) *build {
	b := s.records[id]
	if b != nil {
		b.advance(now)
	}
	return b
}

// listRecords answers, as the live service does, a wrong id with a success that holds an error.
func (s *Server) listRecords(c *call) answer {
	id := c.r.PathValue("build_project_id")
	i := slices.IndexFunc(s.jobs, func(j *job) bool { return j.buildProjectID == id })
	if i < 0 {
		return flat(serviceError{Code: codeParameter, Message: "[project_id] parameter error"})
	}
	page, refused := c.number("page", 0, 0, math.MaxInt32)
	if refused != nil {
		return *refused
	}
	limit, refused := c.number("limit", defaultPageSize, 1, math.MaxInt32)
	if refused != nil {
		return *refused
	}
	wanted, refused := c.recordFilter()
	if refused != nil {
		return *refused
	}
	data := []record{}
	for _, b := range slicePage(s.jobs[i].newestFirst(c.now, wanted), page, limit) {
		listed := b.record(c.now)
		listed.DevCloudBuildType = b.kind()
		data = append(data, listed)
	}
	type pagination struct {
		Limit int `json:"limit"`
		Page  int `json:"page"`
		Total int `json:"total"`
	}
	return enveloped(struct {
		Data       []record   `json:"data"`
		Pagination pagination `json:"pagination"`
	}{data, pagination{limit, page, -1}})
}

// recordFilter reads which builds ListRecords is to show. Without a parameter it shows all.
func (c *call) recordFilter() (func(*build) bool, *answer) {
	from, refused := c.wallTime("from_date", time.Time{})
	if refused != nil {
		return nil, refused
	}
	to, refused := c.wallTime("to_date", c.now)
	if refused != nil {
		return nil, refused
	}
	branches, tags, triggers := listed(c.query, "branches"), listed(c.query, "tags"), listed(c.query, "triggers")
	return func(b *build) bool {
		return within(b.listedAt(), from, to) &&
			(len(branches) == 0 || slices.Contains(branches, b.branch)) &&
			(len(tags) == 0 || slices.Contains(tags, b.tag)) &&
			(len(triggers) == 0 || slices.Contains(triggers, triggerWord(b.trigger, manualInRecords)))
	}, nil
}

// listed reads a parameter that holds several values, repeated or with commas between them.
func listed(query url.Values, name string) []string {
	text := strings.Join(query[name], ",")
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// wallTime reads a query parameter as a time on the service's clock.
func (c *call) wallTime(name string, fallback time.Time) (time.Time, *answer) {
	text := c.query.Get(name)
	if text == "" {
		return fallback, nil
	}
	t, err := time.ParseInLocation(wallClock, text, serviceZone)
	if err != nil {
		return time.Time{}, invalid(name)
	}
	return t, nil
}

// within compares by whole seconds, since queries have no finer times; both ends count.
func within(t, from, to time.Time) bool {
	t = t.Truncate(time.Second)
	return !t.Before(from) && !t.After(to)
}

// newestFirst are the builds of a job that a list wants, brought up to date.
func (j *job) newestFirst(now time.Time, wanted func(*build) bool) []*build {
	var builds []*build
	for _, b := range slices.Backward(j.builds) {
		b.advance(now)
		if wanted(b) {
			builds = append(builds, b)
		}
	}
	return builds
}
