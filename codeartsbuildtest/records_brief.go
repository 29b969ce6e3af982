package codeartsbuildtest

import "time"

// A briefRecord is what ListBriefRecord has of a build.
type briefRecord struct {
	Branch           string  `json:"branch"`
	BuildDuration    int64   `json:"build_duration"`
	BuildNo          int     `json:"build_no"`
	CreateTime       string  `json:"create_time"`
	DailyBuildNumber string  `json:"daily_build_number"`
	Duration         int64   `json:"duration"`
	FinishTime       *string `json:"finish_time"`
	ID               string  `json:"id"`
	PendingDuration  int64   `json:"pending_duration"`
	ProjectID        string  `json:"project_id"`
	QueuedTime       *string `json:"queued_time"`
	Revision         string  `json:"revision"`
	ScheduleTime     *string `json:"schedule_time"`
	StartTime        *string `json:"start_time"`
	Status           string  `json:"status"`
	TriggerName      string  `json:"trigger_name"`
}

func (b *build) brief(now time.Time) briefRecord {
	full := b.record(now)
	return briefRecord{
		Branch: full.Branch, BuildDuration: full.BuildDuration, BuildNo: b.number, CreateTime: wallTime(b.queuedAt),
		DailyBuildNumber: b.daily, Duration: full.Duration, FinishTime: zoneTime(b.finishedAt), ID: b.recordID,
		PendingDuration: full.PendingDuration, ProjectID: full.ProjectID, QueuedTime: zoneTime(b.queuedAt),
		Revision: full.Revision, ScheduleTime: zoneTime(b.queuedAt), StartTime: zoneTime(b.startedAt),
		Status: full.Status, TriggerName: full.TriggerName,
	}
}

// listBriefRecords returns the newest builds of each build project that the body names.
func (s *state) listBriefRecords(r *request) (any, error) {
	type row struct {
		Records   []briefRecord `json:"brief_build_record_dtos"`
		ProjectID string        `json:"project_id"`
	}
	var ids []string
	r.decode(&ids)
	rows := []row{}
	for _, id := range ids {
		records := []briefRecord{}
		for _, j := range s.jobs.where(func(j *job) bool { return j.buildProjectID == id }) {
			newest := j.listing(r.now).newestFirst(func(*build) bool { return true })
			for _, b := range pageOf(newest, 0, r.number("limit", 0)) {
				records = append(records, b.brief(r.now))
			}
		}
		rows = append(rows, row{records, id})
	}
	return rows, nil
}
