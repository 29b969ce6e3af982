package codeartsbuild

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// JobRights are what a user or a role may do with a job.
type JobRights struct {
	CanView    bool `json:"is_view"`
	CanModify  bool `json:"is_modify"`
	CanDelete  bool `json:"is_delete"`
	CanExecute bool `json:"is_execute"`
	CanCopy    bool `json:"is_copy"`
	CanDisable bool `json:"is_forbidden"`
	CanManage  bool `json:"is_manager"` // its permissions
}

// A JobRight is one of the rights, by the service's name.
type JobRight string

// The rights.
const (
	JobRightView    JobRight = "is_view"
	JobRightModify  JobRight = "is_modify"
	JobRightDelete  JobRight = "is_delete"
	JobRightExecute JobRight = "is_execute"
	JobRightCopy    JobRight = "is_copy"
	JobRightDisable JobRight = "is_forbidden"
	JobRightManage  JobRight = "is_manager"
)

// JobRolePermission is what a role of the project may do with a job.
type JobRolePermission struct {
	ID       int    `json:"id"`
	RoleID   int    `json:"role_id"`                // such as 5; -1 for the administrator of the project
	RoleUUID string `json:"devuc_role_id,omitzero"` // of the same role in CodeArts
	RoleName string `json:"role_name,omitzero"`
	JobRights
	Count int `json:"count"` // not documented further
}

// JobPermission is a permission as the service keeps it for a job.
type JobPermission struct {
	JobRolePermission
	JobID     string    `json:"job_id"`
	CreatedAt time.Time `json:"create_time"`
	UpdatedAt time.Time `json:"last_update_time"`
}

type projectJob struct {
	ProjectID string `url:"project_id"`
	JobID     string `url:"job_id"`
}

var opShowProjectJobPermission = operation{
	name: "ShowProjectJobPermission", method: http.MethodGet, path: "/v1/job/permission", args: []string{"project_id", "job_id"},
}

// Permission returns what the caller may do with a job of a CodeArts project.
//
// API: ShowProjectJobPermission, GET /v1/job/permission.
func (s *JobsService) Permission(ctx context.Context, projectID, jobID string, opts ...CallOption) (*JobPermission, error) {
	return fetch[JobPermission](ctx, s.client, &opShowProjectJobPermission, []string{projectID, jobID}, projectJob{projectID, jobID}, opts)
}

type oneJob struct {
	JobID string `url:"job_id"`
}

var opShowJobRolePermission = operation{
	name: "ShowJobRolePermission", method: http.MethodGet, path: "/v1/job/permission/role", args: []string{"job_id"},
}

// RolePermissions returns what each role of the project may do with a job.
//
// API: ShowJobRolePermission, GET /v1/job/permission/role.
func (s *JobsService) RolePermissions(ctx context.Context, jobID string, opts ...CallOption) ([]JobPermission, error) {
	return fetchValue[[]JobPermission](ctx, s.client, &opShowJobRolePermission, []string{jobID}, oneJob{jobID}, opts)
}

var opShowDefaultProjectPermission = operation{
	name: "ShowDefaultProjectPermission", method: http.MethodGet, path: "/v1/job/project/default-permission", args: []string{"project_id", "job_id"},
}

// DefaultPermissions returns what each role of a CodeArts project may do with its jobs unless a job has permissions of
// its own.
//
// API: ShowDefaultProjectPermission, GET /v1/job/project/default-permission.
func (s *JobsService) DefaultPermissions(ctx context.Context, projectID, jobID string, opts ...CallOption) ([]JobRolePermission, error) {
	return fetchValue[[]JobRolePermission](ctx, s.client, &opShowDefaultProjectPermission, []string{projectID, jobID}, projectJob{projectID, jobID}, opts)
}

// JobPermissionsRequest says what the roles of a project may do with some jobs from now on.
type JobPermissionsRequest struct {
	ProjectID          string              `json:"project_id"` // of CodeArts
	JobIDs             []string            `json:"job_ids"`
	ProjectPermissions bool                `json:"project_switch,omitzero"` // use the permissions of the project
	Permissions        []JobRolePermission `json:"permissions,omitzero"`
}

var opBatchUpdateJobRolePermission = operation{
	name: "BatchUpdateJobRolePermission", method: http.MethodPost, path: "/v1/job/permissions/batch", args: []string{"project_id"},
	effect: repeatable,
}

// SetPermissions replaces the permissions of the jobs. No job is [ErrInvalidArgument].
//
// API: BatchUpdateJobRolePermission, POST /v1/job/permissions/batch.
func (s *JobsService) SetPermissions(ctx context.Context, in *JobPermissionsRequest, opts ...CallOption) error {
	body := orZero(in)
	if err := checkJobIDs(body.JobIDs); err != nil {
		return opBatchUpdateJobRolePermission.named(err)
	}
	return s.client.perform(ctx, &opBatchUpdateJobRolePermission, []string{body.ProjectID}, body, opts)
}

type permissionChange struct {
	JobID  string   `json:"job_id"`
	RoleID string   `json:"role_id"`
	Right  JobRight `json:"permission_name"`
	Value  bool     `json:"permission_value"`
}

var opUpdateSimpleJobRolePermission = operation{
	name: "UpdateSimpleJobRolePermission", method: http.MethodPut, path: "/v1/job/role-permission", args: []string{"job_id"},
	effect: repeatable,
}

// SetPermission gives a role one right on a job, or takes it away. RolePermissions tells the ids of the roles.
//
// API: UpdateSimpleJobRolePermission, PUT /v1/job/role-permission.
func (s *JobsService) SetPermission(ctx context.Context, jobID string, roleID int, right JobRight, allowed bool, opts ...CallOption) error {
	body := permissionChange{jobID, strconv.Itoa(roleID), right, allowed}
	return s.client.perform(ctx, &opUpdateSimpleJobRolePermission, []string{jobID}, body, opts)
}

type permissionSwitch struct {
	JobID     string `json:"job_id"`
	ProjectID string `json:"project_id"`
	Use       bool   `json:"project_switch"`
}

var opApplyProjectPermission = operation{
	name: "ApplyProjectPermission", method: http.MethodPost, path: "/v1/job/project/permission", args: []string{"project_id", "job_id"},
	effect: repeatable,
}

// UseProjectPermissions makes a job use the permissions of its project, or those of its own again.
//
// API: ApplyProjectPermission, POST /v1/job/project/permission.
func (s *JobsService) UseProjectPermissions(ctx context.Context, projectID, jobID string, use bool, opts ...CallOption) error {
	return s.client.perform(ctx, &opApplyProjectPermission, []string{projectID, jobID}, permissionSwitch{jobID, projectID, use}, opts)
}

var opCheckJobInternal = operation{name: "CheckJobInternal", method: http.MethodGet, path: "/v1/job/permission/internal"}

// InternalOnly reports whether jobs can be reached from the intranet only.
//
// API: CheckJobInternal, GET /v1/job/permission/internal.
func (s *JobsService) InternalOnly(ctx context.Context, opts ...CallOption) (bool, error) {
	return fetchValue[bool](ctx, s.client, &opCheckJobInternal, nil, nil, opts)
}
