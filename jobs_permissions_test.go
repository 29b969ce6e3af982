package codeartsbuild_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func TestPermissionsRead(t *testing.T) {
	t.Parallel()
	all := codeartsbuild.JobRights{CanView: true, CanModify: true, CanDelete: true, CanExecute: true, CanCopy: true, CanDisable: true, CanManage: true}
	noModify := all
	noModify.CanModify = false
	at := time.Date(2024, 9, 20, 6, 38, 49, 0, time.UTC)
	june := time.Date(2024, 6, 5, 8, 0, 58, 0, time.UTC)
	const both = "?job_id=" + jobID + "&project_id=" + projectID
	testJobCalls(t, map[string]jobCall{
		"of the caller": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.Permission(ctx, projectID, jobID)
			},
			"GET /v1/job/permission" + both, "", "ShowProjectJobPermission.response",
			&codeartsbuild.JobPermission{
				JobRolePermission: codeartsbuild.JobRolePermission{RoleID: -1, JobRights: all},
				JobID:             "c798139500d2456d82d95d108f182b5a", CreatedAt: at, UpdatedAt: at,
			},
		},
		"of roles": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.RolePermissions(ctx, jobID)
			},
			"GET /v1/job/permission/role?job_id=" + jobID, "", "ShowJobRolePermission.response",
			[]codeartsbuild.JobPermission{{
				JobRolePermission: codeartsbuild.JobRolePermission{ID: 542477536, RoleID: -1, RoleName: "project_admin", JobRights: all},
				JobID:             "4bfc5e0fb6ac4bd5b603686c38c4e482", CreatedAt: june, UpdatedAt: june,
			}},
		},
		"of the project": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.DefaultPermissions(ctx, projectID, jobID)
			},
			"GET /v1/job/project/default-permission" + both, "", "ShowDefaultProjectPermission.response",
			[]codeartsbuild.JobRolePermission{{RoleID: -1, RoleName: "project_admin", JobRights: noModify}},
		},
		"of the intranet": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.InternalOnly(ctx) },
			"GET /v1/job/permission/internal", "", "CheckJobInternal.response", true,
		},
	})
}

func TestPermissionsSet(t *testing.T) {
	t.Parallel()
	var batch codeartsbuild.JobPermissionsRequest
	require.NoError(t, json.Unmarshal([]byte(documentedJSON(t, "BatchUpdateJobRolePermission.request")), &batch))
	require.Len(t, batch.Permissions, 17)
	testJobCalls(t, map[string]jobCall{
		"of several jobs": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return done(s.SetPermissions(ctx, &batch))
			},
			"POST /v1/job/permissions/batch", "BatchUpdateJobRolePermission.request", "BatchUpdateJobRolePermission.response", nil,
		},
		"of several jobs, to those of the project": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return done(s.SetPermissions(ctx, &codeartsbuild.JobPermissionsRequest{ProjectID: projectID, JobIDs: []string{jobID}, ProjectPermissions: true}))
			},
			"POST /v1/job/permissions/batch", `{"project_id":"` + projectID + `","job_ids":["` + jobID + `"],"project_switch":true}`, `{"status":"success"}`, nil,
		},
		"one right of a role": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return done(s.SetPermission(ctx, "06ef6ad090b741aab13edc68d25f165a", 5, codeartsbuild.JobRightModify, true))
			},
			"PUT /v1/job/role-permission", "UpdateSimpleJobRolePermission.request", "UpdateSimpleJobRolePermission.response", nil,
		},
		"one right less": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return done(s.SetPermission(ctx, jobID, 0, codeartsbuild.JobRightDisable, false))
			},
			"PUT /v1/job/role-permission", `{"job_id":"` + jobID + `","role_id":"0","permission_name":"is_forbidden","permission_value":false}`, `{"status":"success"}`, nil,
		},
		"to those of the project": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return done(s.UseProjectPermissions(ctx, projectID, otherJob, true))
			},
			"POST /v1/job/project/permission", "ApplyProjectPermission.request", "ApplyProjectPermission.response", nil,
		},
		"back to those of the job": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return done(s.UseProjectPermissions(ctx, projectID, otherJob, false))
			},
			"POST /v1/job/project/permission", `{"job_id":"` + otherJob + `","project_id":"` + projectID + `","project_switch":false}`, `{"status":"success"}`, nil,
		},
	})
}
