package codeartsbuild

import (
	"context"
	"net/http"
	"time"
)

// GroupsService manages the groups in which a project keeps its jobs. All its calls take the id of a CodeArts project,
// of 32 letters and digits, not that of an IAM project. Its methods are safe for concurrent use.
type GroupsService struct{ service }

// Group is a group of jobs.
type Group struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	ProjectID  string    `json:"project_id"` // of CodeArts
	ParentID   string    `json:"parent_id"`  // "": it has no parent
	GroupID    string    `json:"group_id"`   // documented as the id of a group of jobs, absent from all examples
	PathID     string    `json:"path_id"`    // the ids from the top group to this one, with dots between them
	DomainID   string    `json:"domain_id"`  // the tenant
	Ordinal    int       `json:"ordinal"`    // its place among its siblings
	CreateUser string    `json:"create_user"`
	CreateTime time.Time `json:"create_time"`
	UpdateUser string    `json:"update_user"`
	UpdateTime time.Time `json:"update_time"`
	Children   []Group   `json:"children"` // of Tree only
}

var opListGroupTree = operation{name: "ListGroupTree", method: http.MethodGet, path: "/v1/job/{project_id}/group/tree"}

// Tree returns the top groups of a project, each with its descendants.
//
// API: ListGroupTree, GET /v1/job/{project_id}/group/tree.
func (s *GroupsService) Tree(ctx context.Context, projectID string, opts ...CallOption) ([]Group, error) {
	return fetchValue[[]Group](ctx, s.client, &opListGroupTree, []string{projectID}, nil, opts)
}

// GroupRequest describes a group. Create requires Name, and Update requires ID and Name.
type GroupRequest struct {
	ID       string `json:"id,omitzero"`
	Name     string `json:"name"`               // at most 128 letters, also Chinese ones, digits, "-" and "_"
	ParentID string `json:"parent_id,omitzero"` // the group that holds it; "": none
	GroupID  string `json:"group_id,omitzero"`  // documented as the id of a group of jobs, absent from newer editions
}

type groupBody struct {
	ProjectID string `json:"project_id"`
	GroupRequest
}

var opCreateJobGroup = operation{name: "CreateJobGroup", method: http.MethodPost, path: "/v1/job/{project_id}/group/create"}

// Create makes a group. The service returns a list; in the documented example it has one group.
//
// API: CreateJobGroup, POST /v1/job/{project_id}/group/create.
func (s *GroupsService) Create(ctx context.Context, projectID string, in *GroupRequest, opts ...CallOption) ([]Group, error) {
	return fetchValue[[]Group](ctx, s.client, &opCreateJobGroup, []string{projectID}, groupBody{projectID, orZero(in)}, opts)
}

var opUpdateJobGroup = operation{
	name: "UpdateJobGroup", method: http.MethodPut, path: "/v1/job/{project_id}/group/update", args: []string{"id"}, effect: repeatable,
}

// Update renames a group or moves it below another. A request without an ID is [ErrInvalidArgument].
//
// API: UpdateJobGroup, PUT /v1/job/{project_id}/group/update.
func (s *GroupsService) Update(ctx context.Context, projectID string, in *GroupRequest, opts ...CallOption) ([]Group, error) {
	body := groupBody{projectID, orZero(in)}
	return fetchValue[[]Group](ctx, s.client, &opUpdateJobGroup, []string{projectID, body.ID}, body, opts)
}

type groupQuery struct {
	ID string `url:"id"`
}

var opDeleteGroup = operation{
	name: "DeleteGroup", method: http.MethodDelete, path: "/v1/job/{project_id}/group/delete", args: []string{"id"},
	effect: repeatable, query: true,
}

// Delete deletes a group. The documentation does not say where its jobs go. If the response is lost, the call is retried,
// and may then fail because the group is gone; such an error is also [ErrOutcomeUnknown].
//
// API: DeleteGroup, DELETE /v1/job/{project_id}/group/delete.
func (s *GroupsService) Delete(ctx context.Context, projectID, groupID string, opts ...CallOption) error {
	return s.client.perform(ctx, &opDeleteGroup, []string{projectID, groupID}, groupQuery{groupID}, opts)
}

// GroupMoveRequest says which jobs go into which group.
type GroupMoveRequest struct {
	GroupID string     `json:"group_id,omitzero"`
	Jobs    []GroupJob `json:"jobs"`
}

// GroupJob is a job to move.
type GroupJob struct {
	ID   string `json:"job_id,omitzero"`
	Name string `json:"job_name,omitzero"`
}

// GroupMove tells where a job is after a move.
type GroupMove struct {
	JobID  string `json:"job_id"`
	PathID string `json:"group_path_id"` // as in Group
}

var opMoveGroup = operation{
	name: "MoveGroup", method: http.MethodPost, path: "/v1/job/{project_id}/group/move", effect: repeatable,
}

// Move puts jobs into a group. A request without jobs is [ErrInvalidArgument].
//
// API: MoveGroup, POST /v1/job/{project_id}/group/move.
func (s *GroupsService) Move(ctx context.Context, projectID string, in *GroupMoveRequest, opts ...CallOption) ([]GroupMove, error) {
	body := orZero(in)
	if len(body.Jobs) == 0 {
		return nil, opMoveGroup.named(invalid("Jobs must not be empty"))
	}
	return fetchValue[[]GroupMove](ctx, s.client, &opMoveGroup, []string{projectID}, body, opts)
}

type groupSwapQuery struct {
	Source string `url:"source_group_id"`
	Target string `url:"target_group_id"`
}

var opSwitchedPacket = operation{
	name: "SwitchedPacket", method: http.MethodPost, path: "/v1/job/{project_id}/group/swap", query: true,
}

// Swap exchanges the places of two groups. It is sent again only if the service did not process the first request, since
// a second exchange undoes the first.
//
// API: SwitchedPacket, POST /v1/job/{project_id}/group/swap.
func (s *GroupsService) Swap(ctx context.Context, projectID, sourceID, targetID string, opts ...CallOption) error {
	return s.client.perform(ctx, &opSwitchedPacket, []string{projectID}, groupSwapQuery{sourceID, targetID}, opts)
}
