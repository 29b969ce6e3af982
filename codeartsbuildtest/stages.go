package codeartsbuildtest

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

const (
	initialDuration = 1 * time.Second
	stepDuration    = 10 * time.Second

	checkoutStep = "Code CheckOut"
	firstNodeID  = 9 // as in the documented example
)

// A stage is one step of a build: the initial one, the checkout, those of the job's configuration, and the final one.
type stage struct {
	name, display     string // such as stage2 and Maven
	sequence          int
	status            codeartsbuild.BuildStatus
	startedAt, endsAt time.Time // endsAt is zero while it runs
}

// stages is what a build has come to. Nothing else is known of a build but its start, its end and its status, so the
// stages take a second and then ten seconds each; the last step runs until the build ends. The step that runs at that
// time has the build's status, and those behind it never ran unless the build succeeded.
func (b *build) stages(now time.Time) []stage {
	names := append([]string{"initial", checkoutStep}, b.steps...)
	var stages []stage
	start := b.startedAt
	for i, display := range names {
		st := stage{name: "initial", display: display, sequence: i, status: codeartsbuild.StatusQueued}
		end := start.Add(initialDuration)
		if i > 0 {
			st.name, end = fmt.Sprint("stage", i), start.Add(stepDuration)
		}
		last := i == len(names)-1
		st.run(b, start, end, last, now)
		stages, start = append(stages, st), end
	}
	final := stage{name: "final", display: "final", sequence: len(names), status: codeartsbuild.StatusQueued}
	if b.status.Terminal() {
		final.status = b.status
		if !b.startedAt.IsZero() {
			final.startedAt, final.endsAt = b.finishedAt, b.finishedAt
		}
	}
	return append(stages, final)
}

// run works out what has become of a stage that begins at start and ends at end, if the build lets it.
func (st *stage) run(b *build, start, end time.Time, last bool, now time.Time) {
	finished := b.status.Terminal()
	limit := now
	if finished {
		limit = b.finishedAt
	}
	switch {
	case b.startedAt.IsZero(), start.After(limit) && b.status != codeartsbuild.StatusSucceeded:
		if finished {
			st.status = b.status // it never ran
		}
		return
	case finished && (last || end.After(limit)):
		st.status, st.startedAt, st.endsAt = b.status, earlier(start, limit), limit
	case !finished && (last || end.After(limit)):
		st.status, st.startedAt = codeartsbuild.StatusRunning, start
	default:
		st.status, st.startedAt, st.endsAt = codeartsbuild.StatusSucceeded, start, end
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// nodeID is the number of a stage in log calls; null while the stage did not run.
func (st *stage) nodeID() *int {
	if st.startedAt.IsZero() {
		return nil
	}
	id := firstNodeID + st.sequence
	return &id
}

// A stageRecord is what ShowBuildRecordFullStages has of a stage.
type stageRecord struct {
	BuildDuration      int64   `json:"build_duration"`
	BuildRecordID      string  `json:"build_record_id"`
	CreateTime         *string `json:"create_time"`
	DisplayName        string  `json:"display_name"`
	Duration           int64   `json:"duration"`
	ExecutionID        string  `json:"execution_id"`
	ExecutionStageName string  `json:"execution_stage_name"`
	FinishTime         *string `json:"finish_time"`
	ID                 string  `json:"id"`
	LogStatus          *string `json:"log_status"`
	NodeID             *int    `json:"node_id"`
	PendingDuration    int64   `json:"pending_duration"`
	QueuedTime         *string `json:"queued_time"`
	ScheduleTime       *string `json:"schedule_time"`
	Sequence           int     `json:"sequence"`
	StartTime          *string `json:"start_time"`
	Status             string  `json:"status"`
	StatusCode         int     `json:"status_code"`
}

func (s *state) showFullStages(r *request) (any, error) {
	b, err := s.record(r)
	if err != nil {
		return nil, err
	}
	records := map[string]stageRecord{}
	for _, st := range b.stages(r.now) {
		words, ran := spell(st.status), millisBetween(st.startedAt, st.endsAt, r.now)
		records[st.name] = stageRecord{
			BuildDuration: ran, BuildRecordID: b.recordID, CreateTime: recordTime(b.queuedAt), DisplayName: st.display,
			Duration: ran, ExecutionID: b.executionID, ExecutionStageName: st.name, FinishTime: recordTime(st.endsAt),
			ID: uuid("stage", b.recordID, st.sequence), NodeID: st.nodeID(), QueuedTime: recordTime(b.queuedAt),
			ScheduleTime: recordTime(b.queuedAt), Sequence: st.sequence, StartTime: recordTime(st.startedAt),
			Status: words.record, StatusCode: words.code,
		}
	}
	return struct {
		BuildStages map[string]stageRecord `json:"build_stages"`
		CheckStages *string                `json:"check_stages"`
	}{BuildStages: records}, nil
}

// showFlowGraph returns an empty graph, since every build here is a single one.
func (s *state) showFlowGraph(r *request) (any, error) {
	if b, ok := s.records[r.text("build_flow_record_id")]; !ok || !s.has(b.job) {
		return nil, errNotFound
	}
	type empty []struct{}
	return struct {
		Edges    empty `json:"edges"`
		Vertices empty `json:"vertices"`
	}{empty{}, empty{}}, nil
}

// showStepStatus tells of a build in two vocabularies: that of the vendor's client, and under workflow that of newer
// pages.
func (s *state) showStepStatus(r *request) (any, error) {
	b, err := s.build(r.text("job_id"), cmp.Or(r.text("build_no"), "1"), r.now)
	if err != nil {
		return nil, err
	}
	type workflow struct {
		AbortStatus string `json:"abort_status"`
		Status      string `json:"status"`
	}
	status := struct {
		AbortStatus string   `json:"abort_status"`
		Label       string   `json:"label"`
		Status      string   `json:"status"`
		Workflow    workflow `json:"workflow"`
	}{Label: "default-x86-2u8g", Status: spell(b.status).step, Workflow: workflow{Status: "pending"}}
	switch {
	case b.status == codeartsbuild.StatusAborted:
		status.AbortStatus = "aborted"
	case b.status == codeartsbuild.StatusTimedOut:
		status.AbortStatus = "timeout"
	}
	status.Workflow.AbortStatus = status.AbortStatus
	switch {
	case b.status.Terminal():
		status.Workflow.Status = "completed"
	case b.status != codeartsbuild.StatusQueued:
		status.Workflow.Status = "runnable"
	}
	return status, nil
}

func (s *state) showBuildScript(r *request) (any, error) {
	b, err := s.record(r)
	if err != nil {
		return nil, err
	}
	var script strings.Builder
	fmt.Fprintf(&script, "---\nversion: \"2.0\"\ndevcloud_metadata:\n  jobName: %q\n  jobId: %q\nstages:\n", b.job.name, b.job.id)
	for _, st := range b.stages(r.now) {
		if st.name != "initial" && st.name != "final" {
			fmt.Fprintf(&script, "  %s:\n    meta:\n      displayName: %q\n", st.name, st.display)
		}
	}
	return script.String(), nil
}

// lineTag finds the stage and the task in a line like "[time] [INFO] [Maven:external_post_maven] : text".
var lineTag = regexp.MustCompile(`^\[[^\]]*\] \[[A-Z]+\] \[([^:\]]*)(?::([^\]]*))?\]`)

// stageLog is the part of the log that belongs to a stage: the lines whose tag names it, by its name, by the name that
// people see or by its task, and the lines behind each of them that name no stage. Lines before the first tag belong to
// the initial stage.
func (b *build) stageLog(wanted stage, stages []stage) []byte {
	var log []byte
	current := stages[0].name
	for line := range bytes.Lines(b.readable()) {
		if tag := lineTag.FindSubmatch(line); tag != nil {
			i := slices.IndexFunc(stages, func(st stage) bool { return st.isNamed(string(tag[1]), string(tag[2])) })
			if i >= 0 {
				current = stages[i].name
			}
		}
		if current == wanted.name {
			log = append(log, line...)
		}
	}
	return log
}

func (st *stage) isNamed(stage, task string) bool {
	return stage == st.name || stage == st.display || task != "" && (task == st.name || task == st.display)
}

// readStepLog serves the calls that read the log of one step, which its node_id names.
func (s *state) readStepLog(r *request) (any, error) {
	b, err := s.buildInPath(r)
	if err != nil {
		return nil, err
	}
	stages := b.stages(r.now)
	for _, st := range stages {
		if id := st.nodeID(); id != nil && *id == r.number("step_id", 0) {
			return r.logPiece(b.stageLog(st, stages)), nil
		}
	}
	return nil, errNotFound
}

// downloadStepLog returns the log of the step that task_name names, such as stage2.
func (s *state) downloadStepLog(r *request) (any, error) {
	b, err := s.record(r)
	if err != nil {
		return nil, err
	}
	stages := b.stages(r.now)
	for _, st := range stages {
		if st.name == r.text("task_name") {
			return atLevel(b.stageLog(st, stages), r.text("log_level")), nil
		}
	}
	return nil, invalid("task_name", "must be the execution_stage_name of a step")
}

// downloadOldStepLog serves the v4 call. Its pages do not limit task_name, so it also takes the name of a task, and
// returns the lines that have it.
func (s *state) downloadOldStepLog(r *request) (any, error) {
	if content, err := s.downloadStepLog(r); err == nil {
		return content, nil
	}
	b, err := s.record(r)
	if err != nil {
		return nil, err
	}
	var lines []byte
	for line := range bytes.Lines(b.log) {
		if bytes.Contains(line, []byte(r.text("task_name"))) {
			lines = append(lines, line...)
		}
	}
	return atLevel(lines, r.text("log_level")), nil
}

// showHistoryDetails returns the steps of a build. A step that did not run has no status.
func (s *state) showHistoryDetails(r *request) (any, error) {
	b, err := s.build(r.text("job_id"), r.text("build_number"), r.now)
	if err != nil {
		return nil, err
	}
	type step struct {
		BuildTime int64  `json:"build_time"`
		Name      string `json:"name"`
		Status    string `json:"status"`
	}
	details := struct {
		BuildNumber int               `json:"build_number"`
		BuildSteps  []step            `json:"build_steps"`
		JobName     string            `json:"job_name"`
		Parameters  map[string]string `json:"parameters"`
		ProjectID   string            `json:"project_id"`
		ProjectName string            `json:"project_name"`
	}{b.number, []step{}, b.job.name, map[string]string{}, codeProjectID, codeProjectName}
	for _, st := range b.stages(r.now) {
		if st.name == "initial" || st.name == "final" {
			continue
		}
		row := step{Name: st.display, BuildTime: millisBetween(st.startedAt, st.endsAt, r.now)}
		if !st.startedAt.IsZero() {
			row.Status = spell(st.status).step
		}
		details.BuildSteps = append(details.BuildSteps, row)
	}
	for _, p := range b.shownParameters() {
		details.Parameters[p.Name] = p.Value
	}
	return details, nil
}
