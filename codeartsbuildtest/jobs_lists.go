package codeartsbuildtest

import (
	"strconv"
	"strings"
)

// A projectJob is what ListProjectJobs has of a job.
type projectJob struct {
	jobSummary
	IsFinished bool   `json:"is_finished"`
	JobCreator string `json:"job_creator"`
	UserName   string `json:"user_name"`
}

func (j *job) inProject(l *listing) projectJob {
	return projectJob{jobSummary: j.summary(l), IsFinished: l.active == 0, JobCreator: userID, UserName: userName}
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

func (j *job) listed(r *request) listedJob {
	l := j.listing(r.now)
	last := l.last()
	row := listedJob{
		projectJob:           j.inProject(l),
		BuildProjectID:       j.buildProjectID,
		BuildTime:            last.ran(r.now),
		CommitID:             last.revision,
		LastBuildUser:        last.executor,
		LastJobRunningStatus: spell(last.status).running,
		ProjectID:            codeProjectID,
		ProjectName:          codeProjectName,

		ProjectPermissionSwitch: j.rightsOfProject,
		RepoID:                  repositoryID,
		ScmType:                 repositoryKind,
		TriggerType:             triggerWord(last.trigger, manualInLists),
		UserID:                  userID,
	}
	if j.disabled != nil {
		row.ForbiddenMsg = j.disabled.reason
	}
	if last.number > 0 {
		row.BuildNumber = last.no()
		row.LastBuildUserID = userID
		row.TaskID = "#" + last.daily
	}
	return row
}

func (s *state) listJob(r *request) (any, error) {
	page, total := s.pageOfJobs(r)
	rows := []listedJob{}
	for _, j := range page {
		rows = append(rows, j.listed(r))
	}
	return struct {
		JobList []listedJob `json:"job_list"`
		Total   int         `json:"total"`
	}{rows, total}, nil
}

// projectJobs is a page of the jobs of a project. There is one project; any other has no jobs.
func (s *state) projectJobs(r *request) (rows []projectJob, total int) {
	rows = []projectJob{}
	if r.text("project_id") != codeProjectID {
		return rows, 0
	}
	page, total := s.pageOfJobs(r)
	for _, j := range page {
		rows = append(rows, j.inProject(j.listing(r.now)))
	}
	return rows, total
}

// listProjectJobs has its rows twice: as older pages have them, and in the envelope, as the newest page and the live
// service do.
func (s *state) listProjectJobs(r *request) (any, error) {
	rows, total := s.projectJobs(r)
	type list struct {
		JobList []projectJob `json:"job_list"`
		Total   int          `json:"total"`
	}
	return struct {
		Error  *string      `json:"error"`
		Jobs   []projectJob `json:"jobs"`
		Result list         `json:"result"`
		Status string       `json:"status"`
		Total  int          `json:"total"`
	}{Jobs: rows, Result: list{rows, total}, Status: statusSuccess, Total: total}, nil
}

// listOldProjectJobs serves the v3 call, which has no envelope.
func (s *state) listOldProjectJobs(r *request) (any, error) {
	rows, total := s.projectJobs(r)
	return struct {
		Jobs  []projectJob `json:"jobs"`
		Total int          `json:"total"`
	}{rows, total}, nil
}

// defaultPageSize is how many rows a page has unless the request says it.
const defaultPageSize = 10

// pageOfJobs picks the jobs that a list asks for, brought up to date, and counts all that fit.
func (s *state) pageOfJobs(r *request) (page []*job, total int) {
	search, status, creator := r.text("search"), r.text("build_status"), r.text("creator_id")
	fitting := s.jobs.where(func(j *job) bool {
		return strings.Contains(j.name, search) &&
			s.inGroup(j, r.text("group_path_id")) &&
			(creator == "" || creator == userID) &&
			(status == "" || status == j.listing(r.now).lastStatus())
	})
	return pageOf(fitting, r.number("page_index", 0), r.number("page_size", defaultPageSize)), len(fitting)
}

// A jobInfo is what ShowJobInfo has of a job.
type jobInfo struct {
	jobSummary
	BuildTime               string `json:"build_time"`
	ChargeTime              string `json:"charge_time"`
	CreateTime              int64  `json:"create_time"`
	IsManager               bool   `json:"is_manager"`
	NewBuild                bool   `json:"new_build"`
	ProjectID               string `json:"project_id"` // the build_project_id
	ProjectPermissionSwitch bool   `json:"project_permission_switch"`
	RunningStatus           string `json:"running_status"`
}

func (s *state) showJobInfo(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	l := j.present()
	ran := strconv.FormatInt(l.last().ran(r.now), 10)
	return jobInfo{
		jobSummary: j.summary(l),
		BuildTime:  ran,
		ChargeTime: ran,
		CreateTime: epochMillis(j.createdAt),
		IsManager:  true,
		ProjectID:  j.buildProjectID,

		ProjectPermissionSwitch: j.rightsOfProject,
		RunningStatus:           spell(l.last().status).running,
	}, nil
}

// showJobStatus tells whether the job runs.
func (s *state) showJobStatus(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	return j.active > 0, nil
}

func (s *state) showRunningStatus(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	status := struct {
		IsRunning       bool   `json:"is_running"`
		LastBuildNo     string `json:"last_build_no"`
		LastBuildStatus string `json:"last_build_status"`
		LastJobID       string `json:"last_job_id"`
	}{IsRunning: j.active > 0, LastJobID: j.id}
	if last := j.present().last(); last.number > 0 {
		status.LastBuildNo = last.no()
		status.LastBuildStatus = spell(last.status).running
	}
	return status, nil
}

// showBuildDetails tells whether a build runs and, when it does not, its result.
func (s *state) showBuildDetails(r *request) (any, error) {
	b, err := s.recordInPath(r)
	if err != nil {
		return nil, err
	}
	details := struct {
		BuildResult string `json:"build_result"`
		Building    bool   `json:"building"`
		Region      string `json:"region"`
	}{Building: !b.status.Terminal(), Region: projectName}
	if !details.Building {
		details.BuildResult = spell(b.status).record
	}
	return details, nil
}
