package codeartsbuild

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
)

// BuildsService reads the builds of a job: the single runs that its build numbers count. Its methods
// are safe for concurrent use.
type BuildsService struct{ service }

// Build is one run of a job, the same whichever call it was read with. A field that the call does not
// report is zero. Times are in UTC.
type Build struct {
	JobID    string      `json:"job_id"`
	BuildNo  string      `json:"build_no"`        // counts the builds of a job from 1; Stop takes it
	RecordID string      `json:"build_record_id"` // the UUID that log downloads take
	Status   BuildStatus `json:"status"`
	Branch   string      `json:"branch"`       // x, also where the service says refs/heads/x
	Revision string      `json:"revision"`     // the commit that was built
	Trigger  string      `json:"trigger_type"` // TriggerManual, TriggerScheduled, or the service's own word
	Executor string      `json:"executor"`     // who started it: a name where the call reports one, an id otherwise

	QueuedAt   time.Time `json:"queued_time,omitzero"`
	StartedAt  time.Time `json:"start_time,omitzero"`
	FinishedAt time.Time `json:"finish_time,omitzero"`

	BuildDetails
}

// Finished reports whether the build has finished: its status is final, or the status is a word that is not known
// here and the build has a time at which it finished.
func (b *Build) Finished() bool {
	return b.Status.Terminal() || (!b.active() && !b.FinishedAt.IsZero())
}

// BuildStatus is the state of a build. An unknown word of the service is kept as it is; [Build.Finished] tells whether
// a build with such a word has finished.
type BuildStatus string

// The states of a build. Those from StatusSucceeded on are final.
const (
	StatusQueued         BuildStatus = "queued"
	StatusRunning        BuildStatus = "running"
	StatusSucceeded      BuildStatus = "succeeded"
	StatusFailed         BuildStatus = "failed"
	StatusAborted        BuildStatus = "aborted" // stopped by a person or a program
	StatusTimedOut       BuildStatus = "timed_out"
	StatusScheduleFailed BuildStatus = "schedule_failed" // never ran
)

// Terminal reports whether the word says that the build has finished. For a build, [Build.Finished] knows more.
func (s BuildStatus) Terminal() bool {
	switch s {
	case StatusSucceeded, StatusFailed, StatusAborted, StatusTimedOut, StatusScheduleFailed:
		return true
	}
	return false
}

// statusWords are the words of all calls, in lower case and without spaces, dashes and underscores.
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

var statusSpelling = strings.NewReplacer(" ", "", "-", "", "_", "")

// UnmarshalText reads a word of the service, or one of the constants. It never fails.
func (s *BuildStatus) UnmarshalText(text []byte) error {
	word := strings.TrimSpace(string(text))
	status, ok := statusWords[strings.ToLower(statusSpelling.Replace(word))]
	if !ok {
		status = BuildStatus(word)
	}
	*s = status
	return nil
}

// The triggers of a build that plans tell apart. The service has many words for each. A word that contains
// manual, 手动 or 手工 is TriggerManual; otherwise one that contains schedul, timer, cron or 定时 is
// TriggerScheduled. Letter case, blanks, dashes and underscores do not matter.
const (
	TriggerManual    = "manual"
	TriggerScheduled = "scheduled"
)

// parseTrigger recognizes the triggers that plans spare, and keeps any other word as it is. It looks at letters and
// digits only, since there are many dashes and blanks.
func parseTrigger(word string) string {
	plain := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, word)
	contains := func(part string) bool { return strings.Contains(plain, part) }
	switch {
	case slices.ContainsFunc([]string{"manual", "手动", "手工"}, contains):
		return TriggerManual
	case slices.ContainsFunc([]string{"schedul", "timer", "cron", "定时"}, contains):
		return TriggerScheduled
	case plain == "":
		return ""
	}
	return strings.TrimSpace(word)
}

// branchPrefix is what Git puts before the name of a branch.
const branchPrefix = "refs/heads/"

func parseBranch(name string) string {
	return strings.TrimPrefix(strings.TrimSpace(name), branchPrefix)
}

var opShowJobBuildRecordDetail = operation{
	name: "ShowJobBuildRecordDetail", method: http.MethodGet, path: "/v1/record/{job_id}/{build_no}/record-info",
}

// Get reads one build. A job or build that the service does not know is [ErrNotFound]; a response about another
// build is [ErrUnexpectedResponse].
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
	JobID       string      `json:"codeci_job_id"`
	BuildNo     string      `json:"build_no"`
	RecordID    string      `json:"build_record_id"`
	Status      BuildStatus `json:"status"`
	Branch      string      `json:"branch"`
	Commit      string      `json:"commit"`
	Revision    string      `json:"revision"`
	TriggerType string      `json:"trigger_type"`
	TriggerName string      `json:"trigger_name"`
	QueuedTime  time.Time   `json:"queued_time"`
	StartTime   time.Time   `json:"start_time"`
	FinishTime  time.Time   `json:"finish_time"`

	BuildDetails
}

func (r *buildRecord) complete(of about) error {
	r.JobID = cmp.Or(r.JobID, of.job)
	r.BuildNo = plainBuildNo(r.BuildNo)
	switch {
	case r.BuildNo == "":
		return errors.New("the response describes no build")
	case r.BuildNo != of.build || !strings.EqualFold(r.JobID, of.job):
		return errors.New("the response describes another build")
	}
	return nil
}

// plainBuildNo returns the number that a response spells "005", " 5 " or "5.0". Any other text stays as it is, such as
// the daily number "20221011.10".
func plainBuildNo(text string) string {
	whole, fraction, dotted := strings.Cut(strings.TrimSpace(text), ".")
	if !isDigits(whole) || strings.Trim(fraction, "0") != "" || (dotted && len(whole) == len("20221011")) {
		return text
	}
	return cmp.Or(strings.TrimLeft(whole, "0"), "0")
}

func (r *buildRecord) build() *Build {
	b := &Build{
		JobID: r.JobID, BuildNo: r.BuildNo, RecordID: r.RecordID,
		Status: r.Status, Branch: parseBranch(r.Branch), Revision: strings.TrimSpace(cmp.Or(r.Commit, r.Revision)),
		Trigger: parseTrigger(r.TriggerType), Executor: cmp.Or(r.TriggerName, r.UserID),
		QueuedAt: r.QueuedTime, StartedAt: r.StartTime, FinishedAt: r.FinishTime,
	}
	if b.QueuedAt.IsZero() {
		b.QueuedAt = r.CreatedAt
	}
	b.BuildDetails = r.BuildDetails
	return b
}

// A buildRow is a build as the list describes it: two words make its status.
type buildRow struct {
	jobID      string
	Number     string      `json:"number"`
	State      BuildStatus `json:"state"`
	Progress   BuildStatus `json:"job_running_status"`
	Branch     string      `json:"code_branch"`
	Revision   string      `json:"commit_id"`
	Trigger    string      `json:"trigger_type"`
	Executor   string      `json:"executor"`
	StartTime  time.Time   `json:"start_time"`
	CostMillis int64       `json:"cost_time"`

	BuildDetails
}

func (r *buildRow) complete(of about) error {
	r.jobID, r.Number = of.job, plainBuildNo(r.Number)
	return nil
}

func (r *buildRow) build() Build {
	b := Build{
		JobID: r.jobID, BuildNo: r.Number, Status: r.status(), Branch: parseBranch(r.Branch), Revision: strings.TrimSpace(r.Revision),
		Trigger: parseTrigger(r.Trigger), Executor: cmp.Or(r.Executor, r.UserID),
	}
	switch {
	case b.Status == StatusQueued: // the time is that of the row's creation
		b.QueuedAt = r.StartTime
	case (b.Status.Terminal() || r.finished()) && !r.StartTime.IsZero():
		b.StartedAt = r.StartTime
		b.FinishedAt = b.StartedAt.Add(time.Duration(r.CostMillis) * time.Millisecond)
	default:
		b.StartedAt = r.StartTime
	}
	b.BuildDetails = r.BuildDetails
	b.DurationMillis = cmp.Or(r.DurationMillis, r.CostMillis)
	return b
}

// seen is the build as waits and plans need it. A build can have finished without a start, with a word that is not known
// here. Then the list has no time of its end, which is at the latest now.
func (r *buildRow) seen(now time.Time) *Build {
	b := r.build()
	if r.finished() && !b.Finished() && !b.active() {
		b.FinishedAt = now
	}
	return &b
}

// status combines the progress of the build with its result, which counts only once the build has finished.
func (r *buildRow) status() BuildStatus {
	if r.Progress != "" && !r.finished() {
		return r.Progress
	}
	return r.State
}

func (r *buildRow) finished() bool { return strings.EqualFold(string(r.Progress), "finished") }
