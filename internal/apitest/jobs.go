package apitest

import (
	"context"
	"encoding/json"

	"github.com/codeartsbuild-go/codeartsbuild"
)

var jobCalls = map[string]Call{
	"StopJob": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Stop(ctx, s.Job, s.Running)
	},
	"StopTheJob": func(ctx context.Context, s *Scene) (any, error) {
		return s.V1.Jobs.Stop(ctx, s.Job, s.Running)
	},
	"ExecuteJob": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Run(ctx, s.Job, &codeartsbuild.RunRequest{Parameters: map[string]string{"a": "b"}, Branch: "master", CommitID: "ffe2ee8b"})
	},
	"ExecuteJob tag": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Run(ctx, s.Job, &codeartsbuild.RunRequest{Tag: "v1"})
	},
	"ShowRunningStatus": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Running(ctx, s.Job)
	},
	"ListProjectJobs": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.List(ctx, s.Project, &codeartsbuild.JobListOptions{
			Page: 1, PageSize: 10, Search: "night", SortField: "job_name", SortOrder: codeartsbuild.JobOrderAscending, CreatorID: "c",
			Status: codeartsbuild.JobSucceeded, ByGroup: true, GroupID: s.Group,
		})
	},
	"ListJob": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.ListVisible(ctx, &codeartsbuild.JobVisibleOptions{
			Page: 1, PageSize: 10, Search: "night", SortField: "job_name", SortOrder: codeartsbuild.JobOrderDescending, CreatorID: "c",
			Status: codeartsbuild.JobFailed,
		})
	},
	"ShowJobInfo": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Get(ctx, s.Job)
	},
	"ShowJobStepStatus": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.StepStatus(ctx, s.Job, s.Build)
	},
	"ShowJobConfig": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Config(ctx, s.Job)
	},
	"CreateNewJob": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Create(ctx, s.wholeConfig())
	},
	"UpdateNewJob": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Jobs.Update(ctx, s.Job, s.wholeConfig())
	},
	"CopyJob": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Copy(ctx, s.Job, s.wholeConfig())
	},
	"ShowCopyName": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.CopyName(ctx, s.Job)
	},
	"CheckJobNameIsExists": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.NameTaken(ctx, s.Project, s.JobName)
	},
	"CheckJobCountIsTopLimit": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.AtLimit(ctx)
	},
	"DeleteTheJob": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Delete(ctx, s.Job)
	},
	"BatchDeleteBuildJobs": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.DeleteMany(ctx, []string{s.Job})
	},
	"DisableTheJob": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Jobs.Disable(ctx, s.Job, "holidays")
	},
	"DisableTheJob enable": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Jobs.Enable(ctx, s.Job)
	},
	"ShowDisable": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Disabled(ctx, s.Job)
	},
	"ListUpdateJobHistory": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.ListUpdates(ctx, s.Job, &codeartsbuild.JobPageOptions{Page: 1, PageSize: 10})
	},
	"ShowJobConfigDiff": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Diff(ctx, s.Job, s.Updates[0], s.Updates[1])
	},
	"ShowJobNoticeConfigInfo": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Notices(ctx, s.Job)
	},
	"UpdateNewNoticeNew": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Jobs.SetNotice(ctx, s.Job, &codeartsbuild.JobNoticeRequest{
			Type: "MAIL", Events: []string{"deleteJob"}, SendSwitch: "true", Address: "https://example.invalid", UseProjectNotice: "false",
		})
	},
	"CheckWebhookUrl": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Jobs.CheckWebhook(ctx, s.Job, "FEI_SHU", "https://example.invalid/hook")
	},
	"AddFavouriteTask": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.AddFavourite(ctx, s.Job)
	},
	"RemoverFavouriteTask": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.RemoveFavourite(ctx, s.Job)
	},
	"ShowJobPipelineInfo": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.PipelineInfo(ctx, s.Job, &codeartsbuild.JobPipelineOptions{AllParameters: true, UsedOnly: true})
	},
	"ShowBuildParamsList": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.ParameterKinds(ctx)
	},
	"ShowDefaultBuildParameters": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.DefaultParameters(ctx)
	},
	"ShowJobSystemParameters": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.SystemParameters(ctx)
	},
	"ShowBranchByJobId": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.BadgeBranches(ctx, s.Job, &codeartsbuild.JobBranchListOptions{Page: 1, PageSize: 10})
	},
	"ListEndPoints": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.ListEndpoints(ctx, s.Project, &codeartsbuild.JobPageOptions{Page: 1, PageSize: 10})
	},
}

var permissionCalls = map[string]Call{
	"ShowProjectJobPermission": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.Permission(ctx, s.Project, s.Job)
	},
	"CheckJobInternal": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.InternalOnly(ctx)
	},
	"ShowJobRolePermission": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.RolePermissions(ctx, s.Job)
	},
	"BatchUpdateJobRolePermission": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Jobs.SetPermissions(ctx, &codeartsbuild.JobPermissionsRequest{
			ProjectID: s.Project, JobIDs: []string{s.Job}, ProjectPermissions: true,
			Permissions: []codeartsbuild.JobRolePermission{{ID: 1, RoleID: 3, RoleUUID: "u", RoleName: "r", Count: 1}},
		})
	},
	"ShowDefaultProjectPermission": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.DefaultPermissions(ctx, s.Project, s.Job)
	},
	"ApplyProjectPermission": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Jobs.UseProjectPermissions(ctx, s.Project, s.Job, true)
	},
	"UpdateSimpleJobRolePermission": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Jobs.SetPermission(ctx, s.Job, 3, codeartsbuild.JobRightView, true)
	},
}

var recycleCalls = map[string]Call{
	"ListRecyclingJob": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.ListDeleted(ctx, &codeartsbuild.JobDeletionListOptions{Page: 1, PageSize: 10, Search: "d"})
	},
	"RestoreRecyclingJobs": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Jobs.Restore(ctx, []string{s.DeletedJob})
	},
	"DeleteRecyclingJobs": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Jobs.Purge(ctx, []string{s.DeletedJob})
	},
	"ClearRecyclingJobs": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Jobs.EmptyRecycleBin(ctx)
	},
	"SetKeepTime": func(ctx context.Context, s *Scene) (any, error) {
		return s.Jobs.SetKeepTime(ctx, 7)
	},
}

func yes() *bool {
	yes := true
	return &yes
}

// wholeConfig is a configuration in which every documented field is set.
func (s *Scene) wholeConfig() *codeartsbuild.JobConfig {
	return &codeartsbuild.JobConfig{
		ProjectID: s.Project, Name: "weekly", Description: "d", GroupID: s.Group, Arch: codeartsbuild.JobArchX86, HostType: "devcloud",
		Flavor: "2u8g", ConfigType: codeartsbuild.JobConfigAction, SourceCode: "codehub", AgencyURN: "a", AutoUpdateSubmodules: true,
		BuildOnPush: yes(),
		Parameters: []codeartsbuild.JobParameter{{Kind: "hudson.model.StringParameterDefinition", Settings: []codeartsbuild.JobParameterSetting{{
			Name: "name", Value: "codeBranch", Limits: []codeartsbuild.JobParameterLimit{{Value: "a", DisplayName: "A", Disable: "0"}},
		}}}},
		Sources: []codeartsbuild.JobSource{{
			URL: "git@example.invalid:a.git", WebURL: "https://example.invalid/a", Type: "codehub", RepositoryID: "1", RepositoryName: "a",
			GroupName: "b", Branch: "master", BuildType: codeartsbuild.JobBuildBranch, Depth: "1", EndpointID: "e", Source: "codehub",
			AutoBuild: true, GitLFS: true,
		}},
		Steps: []codeartsbuild.JobStep{{
			ModuleID: "m", Name: "n", Version: "1", Enable: yes(), Properties: map[string]json.RawMessage{"image": json.RawMessage(`"i"`)},
		}},
		Triggers: []codeartsbuild.JobTrigger{{Kind: "hudson.triggers.TimerTrigger", Settings: []codeartsbuild.JobTriggerSetting{{Name: "hudson.triggers.TimerTrigger", Value: "0 1 * * 1"}}}},
		Timeout:  codeartsbuild.JobTimeout{Limit: "60", Unit: "minute"}, ResourceLimit: codeartsbuild.JobResourceLimit{CPU: "2", Memory: "4096"},
	}
}
