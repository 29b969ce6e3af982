package codeartsbuildtest

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// maxWindow is the longest stretch of history that one call may ask for.
const maxWindow = 31 * 24 * time.Hour

// A historyEntry is what the history calls have of a build.
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
	Number           int        `json:"number"`
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

func (b *build) historyEntry(now time.Time) historyEntry {
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
		Number:           b.number,
		ScmType:          repositoryKind,
		ScmWebURL:        repositoryHome,
		StartTime:        epochMillis(b.shownStart()),
		State:            words.state,
		TriggerType:      triggerWord(b.trigger, manualInLists),
		UserID:           userID,
	}
}

// shownStart is the start_time of the history calls. While a build waits it is the time of its request, and a build
// that went on without a start has none.
func (b *build) shownStart() time.Time {
	if b.status == codeartsbuild.StatusQueued {
		return b.queuedAt
	}
	return b.startedAt
}

func (s *state) showBuildInfoRecord(r *request) (any, error) {
	b, err := s.recordInPath(r)
	if err != nil {
		return nil, err
	}
	return b.historyEntry(r.now), nil
}

// listBuildInfoRecord has totals that are strings, and a total_page that counts builds, as documented.
func (s *state) listBuildInfoRecord(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	from, to, err := r.window()
	if err != nil {
		return nil, err
	}
	fitting := j.listing(r.now).during(from, to)
	index, size := r.number("page_index", 0), cmp.Or(r.number("page_size", 0), defaultPageSize)
	states := []historyEntry{}
	for _, b := range pageOf(fitting, index, size) {
		states = append(states, b.historyEntry(r.now))
	}
	total := strconv.Itoa(len(fitting))
	return struct {
		HealthScore string         `json:"health_score"`
		States      []historyEntry `json:"job_build_states"`
		PageIndex   string         `json:"page_index"`
		TotalPage   string         `json:"total_page"`
		TotalRecord string         `json:"total_record"`
	}{"0", states, strconv.Itoa(index), total, total}, nil
}

// window is the stretch of history that a list must name.
func (r *request) window() (from, to time.Time, err error) {
	from, to = r.clock("start_time", wallClock, time.Time{}), r.clock("end_time", wallClock, time.Time{})
	switch {
	case to.Before(from):
		err = invalid("end_time", "must not be before start_time")
	case to.Sub(from) > maxWindow:
		err = refusal{status: http.StatusBadRequest, code: codeWindow, message: "The time range cannot exceed 31 days"}
	}
	return from, to, err
}
