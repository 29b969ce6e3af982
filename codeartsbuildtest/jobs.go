package codeartsbuildtest

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// All that a server has belongs to one account, one user and one project of CodeArts.
var (
	accountID      = hexID("account")
	userID         = hexID("user", userName)
	codeProjectID  = hexID("CodeArts project")
	repositoryID   = "2111000001"
	repositoryURL  = "https://example.invalid/acme/demo.git"
	repositoryHome = "https://example.invalid/acme/demo/home"
)

const (
	codeProjectName = "demo"
	repositoryName  = "demo"
	repositoryKind  = "codehub"
)

type job struct {
	id             string
	name           string
	buildProjectID string
	createdAt      time.Time
	builds         []*build       // by number
	days           map[string]int // builds of each day, for the daily numbers
}

// AddJob adds a job and returns its id, 32 letters and digits. Ids are the same in every run. The project
// of all jobs is in what ListJob answers.
func (s *Server) AddJob(name string) (jobID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.jobs) + 1
	j := &job{
		id:             hexID("job", n),
		name:           name,
		buildProjectID: uuid("build project", n),
		createdAt:      time.Now(),
	}
	s.jobs = append(s.jobs, j)
	return j.id
}

// job finds a job; nil when there is none.
func (s *Server) job(id string) *job {
	if i := slices.IndexFunc(s.jobs, func(j *job) bool { return j.id == id }); i >= 0 {
		return s.jobs[i]
	}
	return nil
}

// advance brings all builds up to date.
func (j *job) advance(now time.Time) {
	for _, b := range j.builds {
		b.advance(now)
	}
}

// active reports whether a build waits or runs.
func (j *job) active() bool {
	return slices.ContainsFunc(j.builds, func(b *build) bool { return !b.status.Terminal() })
}

// last is the newest build, and for a job that was never built one without a number and a time.
func (j *job) last() *build {
	if len(j.builds) == 0 {
		return &build{job: j}
	}
	return j.builds[len(j.builds)-1]
}

// lastStatus is the last_build_status of the job lists.
func (j *job) lastStatus() string {
	if len(j.builds) == 0 {
		return "none"
	}
	return spell(j.last().status).last
}

// A jobSummary is what every job call has of a job.
type jobSummary struct {
	Disabled        bool   `json:"disabled"`
	Favorite        bool   `json:"favorite"`
	HealthScore     int    `json:"health_score"`
	ID              string `json:"id"`
	IsCopy          bool   `json:"is_copy"`
	IsDelete        bool   `json:"is_delete"`
	IsExecute       bool   `json:"is_execute"`
	IsForbidden     bool   `json:"is_forbidden"`
	IsModify        bool   `json:"is_modify"`
	IsView          bool   `json:"is_view"`
	JobName         string `json:"job_name"`
	LastBuildStatus string `json:"last_build_status"`
	LastBuildTime   int64  `json:"last_build_time"`
	SourceCode      string `json:"source_code"`
}

func (j *job) summary() jobSummary {
	return jobSummary{
		ID:              j.id,
		IsCopy:          true,
		IsDelete:        true,
		IsExecute:       true,
		IsModify:        true,
		IsView:          true,
		JobName:         j.name,
		LastBuildStatus: j.lastStatus(),
		LastBuildTime:   epochMillis(j.last().listedAt()),
		SourceCode:      "codeci",
	}
}

// A projectJob is what ListProjectJobs has of a job.
type projectJob struct {
	jobSummary
	IsFinished bool   `json:"is_finished"`
	JobCreator string `json:"job_creator"`
	UserName   string `json:"user_name"`
}

func (j *job) inProject() projectJob {
	return projectJob{jobSummary: j.summary(), IsFinished: !j.active(), JobCreator: userID, UserName: userName}
}

// A listedJob is what ListJob has of a job.
type listedJob struct {
	projectJob
	BuildNumber             string `json:"build_number"`
	BuildProjectID          string `json:"build_project_id"`
	BuildTime               int64  `json:"build_time"`
	CommitDetailURL         string `json:"commit_detail_url"`
	CommitID                string `json:"commit_id"`
	ForbiddenMsg            string `json:"forbidden_msg"`
	LastBuildUser           string `json:"last_build_user"`
	LastBuildUserID         string `json:"last_build_user_id"`
	LastJobRunningStatus    string `json:"last_job_running_status"`
	ProjectID               string `json:"project_id"`
	ProjectName             string `json:"project_name"`
	ProjectPermissionSwitch bool   `json:"project_permission_switch"`
	RepoID                  string `json:"repo_id"`
	ScmType                 string `json:"scm_type"`
	TaskID                  string `json:"task_id"`
	TriggerType             string `json:"trigger_type"`
	UserID                  string `json:"user_id"`
}

func (j *job) listed(now time.Time) listedJob {
	last := j.last()
	listed := listedJob{
		projectJob:           j.inProject(),
		BuildProjectID:       j.buildProjectID,
		BuildTime:            last.ran(now),
		CommitID:             last.revision,
		LastBuildUser:        last.executor,
		LastJobRunningStatus: spell(last.status).running,
		ProjectID:            codeProjectID,
		ProjectName:          codeProjectName,
		RepoID:               repositoryID,
		ScmType:              repositoryKind,
		TriggerType:          triggerWord(last.trigger, manualInLists),
		UserID:               userID,
	}
	if last.number > 0 {
		listed.BuildNumber = last.no()
		listed.LastBuildUserID = userID
		listed.TaskID = "#" + last.daily
	}
	return listed
}

func (s *Server) listJob(c *call) answer {
	page, total, refused := s.pageOfJobs(c)
	if refused != nil {
		return *refused
	}
	jobs := make([]listedJob, 0, len(page))
	for _, j := range page {
		jobs = append(jobs, j.listed(c.now))
	}
	return bareEnveloped(struct {
		JobList []listedJob `json:"job_list"`
		Total   int         `json:"total"`
	}{jobs, total})
}

// listProjectJobs answers about the one project that there is. Any other has no jobs.
func (s *Server) listProjectJobs(c *call) answer {
	page, total, refused := s.pageOfJobs(c)
	if refused != nil {
		return *refused
	}
	if c.r.PathValue("project_id") != codeProjectID {
		page, total = nil, 0
	}
	jobs := make([]projectJob, 0, len(page))
	for _, j := range page {
		jobs = append(jobs, j.inProject())
	}
	return flat(struct {
		Jobs  []projectJob `json:"jobs"`
		Total int          `json:"total"`
	}{jobs, total})
}

// pageOfJobs picks the jobs that a list asks for, brought up to date, and counts all that fit.
func (s *Server) pageOfJobs(c *call) (page []*job, total int, refused *answer) {
	index, size, refused := c.page()
	if refused != nil {
		return nil, 0, refused
	}
	search, status, creator := c.query.Get("search"), c.query.Get("build_status"), c.query.Get("creator_id")
	var fitting []*job
	for _, j := range s.jobs {
		j.advance(c.now)
		if strings.Contains(j.name, search) &&
			(status == "" || status == j.lastStatus()) &&
			(creator == "" || creator == userID) {
			fitting = append(fitting, j)
		}
	}
	return slicePage(fitting, index, size), len(fitting), nil
}

const (
	defaultPageSize = 10
	maxPageSize     = 100
)

// page reads which page of a list is wanted, counted from 0.
func (c *call) page() (index, size int, refused *answer) {
	index, refused = c.number("page_index", 0, 0, math.MaxInt32)
	if refused != nil {
		return 0, 0, refused
	}
	size, refused = c.number("page_size", defaultPageSize, 0, maxPageSize)
	if size == 0 {
		size = defaultPageSize
	}
	return index, size, refused
}

func slicePage[T any](rows []T, index, size int) []T {
	if index > len(rows)/size {
		return nil
	}
	return rows[index*size : min((index+1)*size, len(rows))]
}

// findJob finds the job in the path and brings it up to date, or says why not; missing is the code for
// one that does not exist.
func (s *Server) findJob(c *call, missing string) (*job, *answer) {
	j := s.job(c.r.PathValue("job_id"))
	if j == nil {
		return nil, notFound(missing)
	}
	j.advance(c.now)
	return j, nil
}

// A jobInfo is what ShowJobInfo has of a job.
type jobInfo struct {
	jobSummary
	BuildTime               string `json:"build_time"`
	ChargeTime              string `json:"charge_time"`
	CreateTime              int64  `json:"create_time"`
	IsManager               bool   `json:"is_manager"`
	NewBuild                bool   `json:"new_build"`
	ProjectID               string `json:"project_id"`
	ProjectPermissionSwitch bool   `json:"project_permission_switch"`
	RunningStatus           string `json:"running_status"`
}

func (s *Server) showJobInfo(c *call) answer {
	j, refused := s.findJob(c, codeNotFound)
	if refused != nil {
		return *refused
	}
	ran := strconv.FormatInt(j.last().ran(c.now), 10)
	return enveloped(jobInfo{
		jobSummary:    j.summary(),
		BuildTime:     ran,
		ChargeTime:    ran,
		CreateTime:    epochMillis(j.createdAt),
		IsManager:     true,
		ProjectID:     codeProjectID,
		RunningStatus: spell(j.last().status).running,
	})
}

// showJobStatus answers whether the job runs.
func (s *Server) showJobStatus(c *call) answer {
	j, refused := s.findJob(c, codeNotFoundOld)
	if refused != nil {
		return *refused
	}
	return flat(struct {
		Result bool `json:"result"`
	}{j.active()})
}

func (s *Server) showRunningStatus(c *call) answer {
	j, refused := s.findJob(c, codeNotFound)
	if refused != nil {
		return *refused
	}
	status := struct {
		IsRunning       bool   `json:"is_running"`
		LastBuildNo     string `json:"last_build_no"`
		LastBuildStatus string `json:"last_build_status"`
		LastJobID       string `json:"last_job_id"`
	}{IsRunning: j.active(), LastJobID: j.id}
	if last := j.last(); last.number > 0 {
		status.LastBuildNo = last.no()
		status.LastBuildStatus = spell(last.status).running
	}
	return enveloped(status)
}

// showBuildDetails answers whether a build runs and what came of it; as long as it runs, nothing.
func (s *Server) showBuildDetails(c *call) answer {
	b, refused := s.findBuild(c, c.r.PathValue("job_id"), c.r.PathValue("build_no"), codeNotFound)
	if refused != nil {
		return *refused
	}
	details := struct {
		BuildResult string `json:"build_result"`
		Building    bool   `json:"building"`
		Region      string `json:"region"`
	}{Building: !b.status.Terminal(), Region: projectName}
	if !details.Building {
		details.BuildResult = spell(b.status).record
	}
	return enveloped(details)
}
