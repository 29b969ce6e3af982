package codeartsbuildtest

import (
	"net/http"
	"strconv"
	"time"
)

// maxWindow is the longest stretch of history that one call may ask for.
const maxWindow = 31 * 24 * time.Hour

// A historyEntry is what the history calls have of a build. Number is a JSON number in the list and
// a string in ShowBuildInfoRecord.
type historyEntry struct {
	BuildTime        int64      `json:"build_time"`
	BuildType        string     `json:"build_type"`
	CodeBranch       string     `json:"code_branch"`
	CommitDetailURL  string     `json:"commit_detail_url"`
	CommitID         string     `json:"commit_id"`
	CommitInfo       commitInfo `json:"commit_info"`
	CostTime         int64      `json:"cost_time"`
	DailyBuildNumber string     `json:"daily_build_number"`
	Executor         string     `json:"executor"`
	JobRunningStatus string     `json:"job_running_status"`
	Nickname         string     `json:"nickname"`
	Number           any        `json:"number"`
	ScmType          string     `json:"scm_type"`
	ScmWebURL        string     `json:"scm_web_url"`
	StartTime        int64      `json:"start_time"`
	State            string     `json:"state"`
	TriggerType      string     `json:"trigger_type"`
	UserID           string     `json:"user_id"`
}

type commitInfo struct {
	CommitID  string  `json:"commit_id"`
	CreatedAt *string `json:"created_at"`
}

func (b *build) historyEntry(number any, now time.Time) historyEntry {
	words := spell(b.status)
	return historyEntry{
		BuildTime:        b.ran(now),
		BuildType:        b.kind(),
		CodeBranch:       b.branch,
		CommitDetailURL:  repositoryHome + "/" + b.revision + "/commitdetail",
		CommitID:         b.revision,
		CommitInfo:       commitInfo{b.revision, recordTime(b.queuedAt)},
		CostTime:         b.ran(now),
		DailyBuildNumber: b.daily,
		Executor:         b.executor,
		JobRunningStatus: words.running,
		Nickname:         b.executor,
		Number:           number,
		ScmType:          repositoryKind,
		ScmWebURL:        repositoryHome,
		StartTime:        epochMillis(b.listedAt()),
		State:            words.state,
		TriggerType:      triggerWord(b.trigger, manualInLists),
		UserID:           userID,
	}
}

func (s *Server) showBuildInfoRecord(c *call) answer {
	b, refused := s.findBuild(c, c.r.PathValue("job_id"), c.r.PathValue("build_no"), codeNotFound)
	if refused != nil {
		return *refused
	}
	return enveloped(b.historyEntry(b.no(), c.now))
}

// listBuildInfoRecordByJobID answers with totals that are strings, and with a total_page that counts
// builds, as documented.
func (s *Server) listBuildInfoRecordByJobID(c *call) answer {
	j, refused := s.findJob(c, codeNotFound)
	if refused != nil {
		return *refused
	}
	from, to, refused := c.window()
	if refused != nil {
		return *refused
	}
	index, size, refused := c.page()
	if refused != nil {
		return *refused
	}
	fitting := j.newestFirst(c.now, func(b *build) bool { return within(b.listedAt(), from, to) })
	states := []historyEntry{}
	for _, b := range slicePage(fitting, index, size) {
		states = append(states, b.historyEntry(b.number, c.now))
	}
	total := strconv.Itoa(len(fitting))
	return enveloped(struct {
		HealthScore string         `json:"health_score"`
		States      []historyEntry `json:"job_build_states"`
		PageIndex   string         `json:"page_index"`
		TotalPage   string         `json:"total_page"`
		TotalRecord string         `json:"total_record"`
	}{"0", states, strconv.Itoa(index), total, total})
}

// window reads the stretch of history that a list must name.
func (c *call) window() (from, to time.Time, refused *answer) {
	if from, refused = c.wallTime("start_time", time.Time{}); refused != nil {
		return from, to, refused
	}
	if to, refused = c.wallTime("end_time", time.Time{}); refused != nil {
		return from, to, refused
	}
	switch {
	case from.IsZero():
		refused = invalid("start_time")
	case to.IsZero() || to.Before(from):
		refused = invalid("end_time")
	case to.Sub(from) > maxWindow:
		refused = refuse(http.StatusBadRequest, codeWindow, "The time range cannot exceed 31 days")
	}
	return from, to, refused
}
