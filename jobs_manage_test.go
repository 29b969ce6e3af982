package codeartsbuild_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

func TestJobsDeletedDisabledAndFavourite(t *testing.T) {
	t.Parallel()
	deletion := &codeartsbuild.JobDeletion{JobID: "c798139500d2456d82d95d108f182b5a", ProjectID: "b4d3971c3988463b865f6f920846149e"}
	testJobCalls(t, map[string]jobCall{
		"deleted": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.Delete(ctx, jobID) },
			"DELETE /v1/job/" + jobID + "/delete", "", "DeleteTheJob.response", deletion,
		},
		"several deleted": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.DeleteMany(ctx, []string{"436ab57485c94629b60d5c5fb02cb037", "34b1146d863044b6ade25d527169330d"})
			},
			"DELETE /v1/job/batch-delete", "BatchDeleteBuildJobs.request", "BatchDeleteBuildJobs.response", deletion,
		},
		"disabled": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return done(s.Disable(ctx, jobID, "until the release"))
			},
			"POST /v1/job/" + jobID + "/disable", `{"disabled":true,"reason":"until the release"}`, "DisableTheJob.response", nil,
		},
		"enabled": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return done(s.Enable(ctx, jobID))
			},
			"POST /v1/job/" + jobID + "/disable", "DisableTheJob.request", "DisableTheJob.response", nil,
		},
		"not disabled": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.Disabled(ctx, jobID) },
			"GET /v1/job/" + jobID + "/check/disable", "", "ShowDisable.response", &codeartsbuild.JobDisabling{},
		},
		"disabled by a person": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.Disabled(ctx, jobID) },
			"GET /v1/job/" + jobID + "/check/disable", "",
			`{"result":{"forbiddener":"ann","reson":"broken","disabled":1,"job_id":"` + jobID + `","job_name":"nightly","forbidden_time":1.727041445E12},"status":"success"}`,
			&codeartsbuild.JobDisabling{Disabled: true, JobID: jobID, JobName: "nightly", Reason: "broken", By: "ann", At: time.UnixMilli(1727041445000).UTC()},
		},
		"a favourite": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.AddFavourite(ctx, jobID)
			},
			"POST /v1/job/" + jobID + "/follow", "", "AddFavouriteTask.response", true,
		},
		"no longer a favourite": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.RemoveFavourite(ctx, jobID)
			},
			"POST /v1/job/" + jobID + "/unfollow", "", "RemoverFavouriteTask.response", false,
		},
	})
}

func TestJobsChecked(t *testing.T) {
	t.Parallel()
	taken := func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
		return s.NameTaken(ctx, projectID, "maven test")
	}
	const takenRequest = "GET /v1/job/check/exist?job_name=maven+test&project_id=" + projectID
	testJobCalls(t, map[string]jobCall{
		"a free name":                  {taken, takenRequest, "", "CheckJobNameIsExists.response", false},
		"a taken name":                 {taken, takenRequest, "", `{"result":true,"status":"success"}`, true},
		"an envelope that knows more":  {taken, takenRequest, "", `{"result":false,"status":"success","trace_id":"7f"}`, false},
		"a value without any envelope": {taken, takenRequest, "", `true`, true},
		"the limit": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.AtLimit(ctx) },
			"GET /v1/job/check/count", "", "CheckJobCountIsTopLimit.response", true,
		},
		"a name for a copy": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.CopyName(ctx, jobID) },
			"GET /v1/job/" + jobID + "/copy-name", "", "ShowCopyName.response", "soso-ut-copy-1",
		},
	})
}

func TestJobDescribed(t *testing.T) {
	t.Parallel()
	const info = `{"result":{"id":"` + jobID + `","project_id":"8597a528-068e-4bfa-a812-3c625060c007","project_permission_switch":true,"build_time":"93000",` +
		`"charge_time":"2","create_time":1726814329000,"disabled":false,"favorite":true,"source_code":"codeci","running_status":"Finished","new_build":true,` +
		`"job_name":"nightly","is_copy":true,"is_delete":false,"is_execute":true,"is_forbidden":false,"is_manager":true,"is_modify":false,"is_view":true,` +
		`"last_build_status":"blue","last_build_time":1727041445000,"health_score":75},"error":null,"status":"success"}`
	rights := codeartsbuild.JobRights{CanCopy: true, CanExecute: true, CanManage: true, CanView: true}
	testJobCalls(t, map[string]jobCall{
		"all that is documented": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.Get(ctx, jobID) },
			"GET /v1/job/" + jobID + "/info", "", info,
			&codeartsbuild.JobInfo{
				ID: jobID, Name: "nightly", BuildProjectID: "8597a528-068e-4bfa-a812-3c625060c007", ProjectPermissions: true, SourceCode: "codeci",
				Favourite: true, JobRights: rights, CreatedAt: time.UnixMilli(1726814329000).UTC(), HealthScore: 75, RunningStatus: "Finished",
				LastBuildStatus: codeartsbuild.StatusSucceeded, LastBuildTime: time.UnixMilli(1727041445000).UTC(), BuildTime: "93000", ChargeTime: "2", NewBuild: true,
			},
		},
	})
}

func TestJobForAPipeline(t *testing.T) {
	t.Parallel()
	pipelineInfo := func(in *codeartsbuild.JobPipelineOptions) func(context.Context, *codeartsbuild.JobsService) (any, error) {
		return func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
			return s.PipelineInfo(ctx, jobID, in)
		}
	}
	const path = "GET /v1/job/" + jobID + "/pipeline-info"
	branch := codeartsbuild.JobPipelineParameter{
		Kind: "hudson.model.StringParameterDefinition", Settings: []codeartsbuild.JobParameterSetting{{Name: "name", Value: "codeBranch"}},
	}
	testJobCalls(t, map[string]jobCall{
		"as the example has it, with one parameter": {
			pipelineInfo(nil), path, "", "ShowJobPipelineInfo.response",
			&codeartsbuild.JobPipelineInfo{
				Name:        "testJobName",
				NameMessage: "Enter a maximum of 115 characters. Only letters, digits, underscores (_), and hyphens (-) are allowed.",
				SourceCode:  "codeci",
				Sources: []codeartsbuild.JobSource{{
					Branch: "master", BuildType: codeartsbuild.JobBuildBranch, Depth: "1", GroupName: "b4d3971c3988463b865f6f920846149e/aaa",
					RepositoryID: "2111898074", RepositoryName: "Unit", Type: "codehub",
					URL:    "git@example.invalid:b4d3971c3988463b865f6f920846149e/aaa/Unit.git",
					WebURL: "https://example.invalid/codehub/2111898074/home",
				}},
				Parameters: codeartsbuild.JobPipelineParameters{branch},
			},
		},
		"as the schema has it, with a list": {
			pipelineInfo(&codeartsbuild.JobPipelineOptions{AllParameters: true, UsedOnly: true}), path + "?all=true&check_param_used=true", "",
			`{"result":{"parameters":[{"name":"hudson.model.StringParameterDefinition","params":[{"name":"name","value":"codeBranch"}]},{"region":"r","language":"l"}]}}`,
			&codeartsbuild.JobPipelineInfo{Parameters: codeartsbuild.JobPipelineParameters{branch, {Region: "r", Language: "l"}}},
		},
		"without parameters": {
			pipelineInfo(nil), path, "", `{"result":{"job_name":"a","parameters":{}}}`, &codeartsbuild.JobPipelineInfo{Name: "a"},
		},
	})
}

func TestStepsOfABuild(t *testing.T) {
	t.Parallel()
	status := func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
		return s.StepStatus(ctx, jobID, "20")
	}
	const request = "GET /v1/job/" + jobID + "/status?build_no=20"
	testJobCalls(t, map[string]jobCall{
		"as the schema has it": {
			status, request, "", `{"result":{"status":"success","abort_status":"aborted","label":"default-x86-2u8g"},"error":null,"status":"success"}`,
			&codeartsbuild.JobStepStatus{Status: "success", AbortStatus: "aborted", Label: "default-x86-2u8g"},
		},
		"as newer pages have it": {
			status, request, "", `{"result":{"label":"l","workflow":{"status":"completed","abort_status":"timeout"}},"status":"success"}`,
			&codeartsbuild.JobStepStatus{Status: "completed", AbortStatus: "timeout", Label: "l"},
		},
		"nothing yet": {status, request, "", `{"result":null,"error":null,"status":"success"}`, &codeartsbuild.JobStepStatus{}},
	})
}

// A call that acts on several jobs must not act on all of them because of an empty list.
func TestJobCallsWithoutAJob(t *testing.T) {
	t.Parallel()
	calls := map[string]func(*codeartsbuild.JobsService, context.Context, []string) error{
		"delete": func(s *codeartsbuild.JobsService, ctx context.Context, ids []string) error {
			_, err := s.DeleteMany(ctx, ids)
			return err
		},
		"restore": func(s *codeartsbuild.JobsService, ctx context.Context, ids []string) error {
			return s.Restore(ctx, ids)
		},
		"purge": func(s *codeartsbuild.JobsService, ctx context.Context, ids []string) error { return s.Purge(ctx, ids) },
		"permissions": func(s *codeartsbuild.JobsService, ctx context.Context, ids []string) error {
			return s.SetPermissions(ctx, &codeartsbuild.JobPermissionsRequest{ProjectID: projectID, JobIDs: ids})
		},
	}
	for name, call := range calls {
		for fault, ids := range map[string][]string{"none": nil, "an empty list": {}, "an empty id": {jobID, ""}, "not an id": {"*"}} {
			t.Run(name+" "+fault, func(t *testing.T) {
				t.Parallel()
				transport := httpfake.Script(httpfake.Reply(200, "{}"))
				err := call(sdktest.Client(t, transport).Jobs, t.Context(), ids)
				require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err))
				require.Zero(t, transport.Count())
			})
		}
	}
}

// The second attempt of a deletion finds what the first has left: nothing.
func TestJobDeletedByALostAttempt(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Lost, httpfake.Reply(422, `{"error_code":"DEVCB.00031006","error_msg":"the job does not exist"}`))
	_, err := sdktest.Client(t, transport, sdktest.Quick).Jobs.Delete(t.Context(), jobID)
	require.Equal(t, []string{"ErrNotFound", "ErrOutcomeUnknown"}, sdktest.Kinds(err))
	require.Equal(t, 2, transport.Count())
}

// Some calls must not run twice: a lost response is the end of them.
func TestJobCallsThatAreNotRepeated(t *testing.T) {
	t.Parallel()
	config := &codeartsbuild.JobConfig{ProjectID: projectID, Name: "nightly"}
	calls := map[string]func(context.Context, *codeartsbuild.JobsService) error{
		"create": func(ctx context.Context, s *codeartsbuild.JobsService) error {
			_, err := s.Create(ctx, config)
			return err
		},
		"copy": func(ctx context.Context, s *codeartsbuild.JobsService) error {
			_, err := s.Copy(ctx, jobID, config)
			return err
		},
		"update":                func(ctx context.Context, s *codeartsbuild.JobsService) error { return s.Update(ctx, jobID, config) },
		"empty the recycle bin": func(ctx context.Context, s *codeartsbuild.JobsService) error { return s.EmptyRecycleBin(ctx) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Lost)
			err := call(t.Context(), sdktest.Client(t, transport, sdktest.Quick).Jobs)
			require.Equal(t, []string{"ErrOutcomeUnknown"}, sdktest.Kinds(err))
			require.Equal(t, 1, transport.Count())
		})
	}
}
