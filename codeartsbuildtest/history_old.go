package codeartsbuildtest

import "time"

// An oldEntry is what the v3 history calls have of a build. Its record_id is the daily number.
type oldEntry struct {
	BuildNumber int    `json:"build_number"`
	EndTime     string `json:"end_time"`
	JobID       string `json:"job_id"`
	RecordID    string `json:"record_id"`
	Result      string `json:"result"`
	StartTime   string `json:"start_time"`
}

func (b *build) oldEntry() oldEntry {
	return oldEntry{b.number, oldTime(b.finishedAt), b.job.id, b.daily, spell(b.status).record, oldTime(b.startedAt)}
}

// An oldList is a page of a v3 history.
type oldList[T any] struct {
	HistoryRecords []T `json:"history_records"`
	Total          int `json:"total"`
}

// listOldHistory has a list, as its type; the documented example has a single record.
func (s *state) listOldHistory(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	builds := j.finished(r.now.AddDate(0, 0, -r.number("interval", 0)), r.now)
	rows := []oldEntry{}
	for _, b := range pageOf(builds, r.number("offset", 0), r.number("limit", 0)) {
		rows = append(rows, b.oldEntry())
	}
	return oldList[oldEntry]{rows, len(builds)}, nil
}

func (s *state) listPeriodHistory(r *request) (any, error) {
	type row struct {
		Branch        string `json:"branch"`
		CommitID      string `json:"commit_id"`
		CommitMessage string `json:"commit_message"`
		Executor      string `json:"executor"`
		TriggerType   string `json:"trigger_type"`
		oldEntry
	}
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	builds := j.finished(r.days())
	rows := []row{}
	for _, b := range pageOf(builds, r.number("offset", 0), r.number("limit", 0)) {
		rows = append(rows, row{b.branch, b.revision, "", b.executor, triggerWord(b.trigger, manualInOldLists), b.oldEntry()})
	}
	return oldList[row]{rows, len(builds)}, nil
}

// showLastHistory returns the build of a project that finished last.
func (s *state) showLastHistory(r *request) (any, error) {
	if r.text("project_id") != codeProjectID || r.text("repository_name") != repositoryName {
		return nil, errNotFound
	}
	var last *build
	for _, j := range s.jobs.all() {
		j.advance(r.now)
		for _, b := range j.finished(time.Time{}, r.now) {
			if last == nil || b.finishedAt.After(last.finishedAt) {
				last = b
			}
		}
	}
	if last == nil {
		return nil, errNotFound
	}
	return struct {
		oldEntry
		CommitID string `json:"commit_id"`
		JobName  string `json:"job_name"`
	}{last.oldEntry(), last.revision, last.job.name}, nil
}
