package codeartsbuild

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// BuildsService reads the builds of a job: the single runs that its build numbers count. Its methods
// are safe for concurrent use.
type BuildsService struct{ service }

// Build is one run of a job, the same whichever call it was read with. A field that the call does not
// report is zero. Times are in UTC.
type Build struct {
	JobID    string
	BuildNo  string // counts the builds of a job from 1; what Stop takes
	RecordID string // the UUID that log downloads take
	Status   BuildStatus
	Branch   string
	Revision string // the commit that was built
	Trigger  string // TriggerManual, TriggerScheduled, or the service's own word
	Executor string // who started it: a name where the call reports one, an id otherwise

	QueuedAt   time.Time
	StartedAt  time.Time
	FinishedAt time.Time
}

// BuildStatus is the state of a build. A word that is none of the constants is kept as the service
// sent it, and counts as not terminal.
type BuildStatus string

// The states of a build. Those from StatusSucceeded on are terminal.
const (
	StatusQueued         BuildStatus = "queued"
	StatusRunning        BuildStatus = "running"
	StatusSucceeded      BuildStatus = "succeeded"
	StatusFailed         BuildStatus = "failed"
	StatusAborted        BuildStatus = "aborted" // stopped by somebody
	StatusTimedOut       BuildStatus = "timed_out"
	StatusScheduleFailed BuildStatus = "schedule_failed" // never ran
)

// Terminal reports whether a build in this status has ended for good.
func (s BuildStatus) Terminal() bool {
	switch s {
	case StatusSucceeded, StatusFailed, StatusAborted, StatusTimedOut, StatusScheduleFailed:
		return true
	}
	return false
}

// statusWords maps the words of all calls, in lower case and without spaces, dashes and underscores.
var statusWords = map[string]BuildStatus{
	"queued": StatusQueued, "queuing": StatusQueued, "inqueue": StatusQueued, "waiting": StatusQueued, "pending": StatusQueued,
	"runnable": StatusQueued,
	"running":  StatusRunning, "building": StatusRunning, "starting": StatusRunning,
	"success": StatusSucceeded, "succeeded": StatusSucceeded, "blue": StatusSucceeded,
	"failure": StatusFailed, "failed": StatusFailed, "error": StatusFailed, "red": StatusFailed,
	"aborted": StatusAborted, "canceled": StatusAborted, "cancelled": StatusAborted,
	"timeout": StatusTimedOut, "timedout": StatusTimedOut,
	"schedulefailure": StatusScheduleFailed, "schedulefailed": StatusScheduleFailed,
}

// parseStatus maps a word of the service; one that is unknown is kept.
func parseStatus(word string) BuildStatus {
	word = strings.TrimSpace(word)
	if status, ok := statusWords[strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(word))]; ok {
		return status
	}
	return BuildStatus(word)
}

// The triggers of a build that plans tell apart.
const (
	TriggerManual    = "manual"
	TriggerScheduled = "scheduled"
)

// parseTrigger maps the words for the triggers that plans spare; others are kept as they came.
func parseTrigger(word string) string {
	word = strings.TrimSpace(word)
	switch strings.ToLower(word) {
	case "manual", "手工触发", "手动触发":
		return TriggerManual
	case "schedule", "scheduled", "timer", "cron", "定时触发":
		return TriggerScheduled
	}
	return word
}

var opShowJobBuildRecordDetail = operation{name: "ShowJobBuildRecordDetail", method: http.MethodGet, path: "/v1/record/{job_id}/{build_no}/record-info", envelope: "result"}

// Get reads one build. A job or build that the service does not know is [ErrNotFound]; an answer about
// another build than the one asked for is [ErrUnexpectedResponse].
//
// API: ShowJobBuildRecordDetail, GET /v1/record/{job_id}/{build_no}/record-info.
func (s *BuildsService) Get(ctx context.Context, jobID, buildNo string, opts ...CallOption) (*Build, error) {
	record, err := fetch[buildRecord](ctx, s.client, &opShowJobBuildRecordDetail, []string{jobID, buildNo}, nil, opts)
	if err != nil {
		return nil, err
	}
	return record.build(), nil
}

// A buildRecord is a build as the record calls describe it.
type buildRecord struct {
	JobID       flexibleString `json:"codeci_job_id"`
	BuildNo     flexibleString `json:"build_no"`
	RecordID    flexibleString `json:"build_record_id"`
	Status      flexibleString `json:"status"`
	Branch      flexibleString `json:"branch"`
	Commit      flexibleString `json:"commit"`
	Revision    flexibleString `json:"revision"`
	TriggerType flexibleString `json:"trigger_type"`
	TriggerName flexibleString `json:"trigger_name"`
	UserID      flexibleString `json:"user_id"`
	CreateTime  flexibleTime   `json:"create_time"`
	QueuedTime  flexibleTime   `json:"queued_time"`
	StartTime   flexibleTime   `json:"start_time"`
	FinishTime  flexibleTime   `json:"finish_time"`
}

func (r *buildRecord) decodeAnswer(payload []byte, info answerInfo) error {
	type plain buildRecord // without this method
	var fresh plain
	if len(payload) == 0 {
		return errEmptyAnswer
	}
	if err := json.Unmarshal(payload, &fresh); err != nil {
		return err
	}
	*r = buildRecord(fresh)
	r.JobID = cmp.Or(r.JobID, flexibleString(info.job))
	switch {
	case r.BuildNo == "":
		return errors.New("the answer describes no build")
	case string(r.BuildNo) != info.build || !strings.EqualFold(string(r.JobID), info.job):
		return errors.New("the answer describes another build")
	}
	return nil
}

func (r *buildRecord) build() *Build {
	b := &Build{
		JobID: string(r.JobID), BuildNo: string(r.BuildNo), RecordID: string(r.RecordID),
		Status: parseStatus(string(r.Status)), Branch: string(r.Branch), Revision: string(cmp.Or(r.Commit, r.Revision)),
		Trigger: parseTrigger(string(r.TriggerType)), Executor: string(cmp.Or(r.TriggerName, r.UserID)),
		QueuedAt: r.QueuedTime.Time, StartedAt: r.StartTime.Time, FinishedAt: r.FinishTime.Time,
	}
	if b.QueuedAt.IsZero() {
		b.QueuedAt = r.CreateTime.Time
	}
	return b
}
