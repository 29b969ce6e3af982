package codeartsbuild

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"
)

// BuildStage is one stage of a build: "initial", a step of the job, or "final". Times are in UTC.
type BuildStage struct {
	ID          string      `json:"id"`
	RecordID    string      `json:"build_record_id"`      // of the build
	Name        string      `json:"execution_stage_name"` // initial, stage1, stage2 and so on, final; DownloadStep takes it
	DisplayName string      `json:"display_name"`         // the name of the step for people, such as "Maven"
	Sequence    int         `json:"sequence"`             // the place of the stage in the build, from 0
	NodeID      string      `json:"node_id"`              // most likely the step id that the logs of steps take; "" if the stage did not run
	Status      BuildStatus `json:"status"`
	StatusCode  int         `json:"status_code"` // seen: 8 for an aborted stage
	LogStatus   string      `json:"log_status"`
	ExecutionID string      `json:"execution_id"`

	CreatedAt      time.Time `json:"create_time,omitzero"`
	ScheduledAt    time.Time `json:"schedule_time,omitzero"`
	QueuedAt       time.Time `json:"queued_time,omitzero"`
	StartedAt      time.Time `json:"start_time,omitzero"`
	FinishedAt     time.Time `json:"finish_time,omitzero"`
	DurationMillis int64     `json:"duration"`
	BuildMillis    int64     `json:"build_duration"`
	PendingMillis  int64     `json:"pending_duration"` // in the queue

	// Extra has the other members of the stage. Its steps are among them if BuildStageOptions.Cascade asks for
	// them: the documentation does not say how the service describes them.
	Extra map[string]json.RawMessage `json:",unknown"`
}

// BuildStageOptions choose how much of the stages is read. Nil means the zero value.
type BuildStageOptions struct {
	Cascade bool `url:"cascade,omitempty"` // also the steps within each stage
}

type buildStages struct {
	Stages map[string]BuildStage `json:"build_stages"`
}

var opShowBuildRecordFullStages = operation{
	name: "ShowBuildRecordFullStages", method: http.MethodGet, path: "/v1/record/{record_id}/full-stages",
}

// Stages returns the stages of a build in their order. It takes the RecordID that [BuildsService.Get] reports. A build
// that never started has none.
//
// API: ShowBuildRecordFullStages, GET /v1/record/{record_id}/full-stages.
func (s *BuildsService) Stages(ctx context.Context, recordID string, in *BuildStageOptions, opts ...CallOption) ([]BuildStage, error) {
	out, err := fetch[buildStages](ctx, s.client, &opShowBuildRecordFullStages, []string{recordID}, orZero(in), opts)
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(out.Stages), func(a, b BuildStage) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Name, b.Name))
	}), nil
}

// BuildGraph shows how the builds of a job with several parts depend on each other.
type BuildGraph struct {
	Edges  []BuildGraphEdge `json:"edges"`
	Builds []BuildRecord    `json:"vertices" also:"nodes"` // with id, number, name, status, start, end and BuildMillis only
}

// BuildGraphEdge says that one build waits for another.
type BuildGraphEdge struct {
	From string `json:"from"` // the record id of the build that waits
	To   string `json:"to"`   // the record id of the build that it waits for
}

var opShowBuildRecordFlowGraph = operation{
	name: "ShowBuildRecordFlowGraph", method: http.MethodGet, path: "/v1/record/{build_flow_record_id}/flow-graph",
}

// Graph returns the builds that belong to a build, and their order. It takes the record id of the parent build. A build
// of one part has no edges.
//
// API: ShowBuildRecordFlowGraph, GET /v1/record/{build_flow_record_id}/flow-graph.
func (s *BuildsService) Graph(ctx context.Context, recordID string, opts ...CallOption) (*BuildGraph, error) {
	return fetch[BuildGraph](ctx, s.client, &opShowBuildRecordFlowGraph, []string{recordID}, nil, opts)
}

var opShowBuildRecordBuildScript = operation{
	name: "ShowBuildRecordBuildScript", method: http.MethodGet, path: "/v1/record/{record_id}/build-script",
}

// Script returns the build script, in YAML, that a build used. It takes the RecordID that [BuildsService.Get] reports.
//
// API: ShowBuildRecordBuildScript, GET /v1/record/{record_id}/build-script.
func (s *BuildsService) Script(ctx context.Context, recordID string, opts ...CallOption) (string, error) {
	return fetchValue[string](ctx, s.client, &opShowBuildRecordBuildScript, []string{recordID}, nil, opts)
}
