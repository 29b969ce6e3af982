package codeartsbuild_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// projectOfJobs is the project of all jobs of the in-memory service.
func projectOfJobs(t *testing.T, client *codeartsbuild.Client) string {
	t.Helper()
	var list struct {
		Result struct {
			Jobs []struct {
				ProjectID string `json:"project_id"`
			} `json:"job_list"`
		} `json:"result"`
	}
	require.NoError(t, client.Do(t.Context(), "GET", "/v1/job/list?page_index=0&page_size=1", nil, &list))
	return list.Result.Jobs[0].ProjectID
}

// B55: All reads as many pages as there are.
func TestJobsAllPages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		jobs     int
		in       *codeartsbuild.JobListOptions
		found    int
		requests int
	}{
		"a short last page":        {jobs: 250, found: 250, requests: 3},
		"a full last page":         {jobs: 200, found: 200, requests: 3},
		"one short page":           {jobs: 7, found: 7, requests: 1},
		"a page size":              {jobs: 7, in: &codeartsbuild.JobListOptions{PageSize: 3}, found: 7, requests: 3},
		"a page is ignored":        {jobs: 7, in: &codeartsbuild.JobListOptions{Page: 9}, found: 7, requests: 1},
		"a search":                 {jobs: 111, in: &codeartsbuild.JobListOptions{Search: "job 10"}, found: 11, requests: 1},
		"a search that finds none": {jobs: 7, in: &codeartsbuild.JobListOptions{Search: "&page_index=1"}, requests: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := sdktest.NewService(t)
			client := f.Client()
			names := map[string]string{}
			for i := range tt.jobs {
				name := fmt.Sprintf("job %d", i+1)
				names[f.AddJob(name)] = name
			}
			project := projectOfJobs(t, client)
			found := 0
			for job, err := range client.Jobs.All(t.Context(), project, tt.in) {
				require.NoError(t, err)
				require.Equal(t, names[job.ID], job.Name)
				require.Equal(t, project, job.ProjectID)
				require.True(t, job.Finished)
				delete(names, job.ID)
				found++
			}
			require.Equal(t, tt.found, found)
			require.Equal(t, tt.requests, f.Count("ListProjectJobs"))
		})
	}
}

// B55: a project without jobs has an empty list.
func TestJobsOfAnotherProject(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	page, err := f.Client().Jobs.List(t.Context(), sdktest.JobID, nil)
	require.NoError(t, err)
	require.Equal(t, &codeartsbuild.Page[codeartsbuild.Job]{}, page)
}

// B55: a page is read when its first job is wanted.
func TestJobsAllIsLazy(t *testing.T) {
	t.Parallel()
	f := sdktest.NewService(t)
	client := f.Client()
	for range 5 {
		f.AddJob("nightly")
	}
	project := projectOfJobs(t, client)
	jobs := client.Jobs.All(t.Context(), project, &codeartsbuild.JobListOptions{PageSize: 2})
	require.Zero(t, f.Count("ListProjectJobs"), "nothing is read before that")
	for range jobs {
		break
	}
	require.Equal(t, 1, f.Count("ListProjectJobs"))
	for range jobs { // starts over
		break
	}
	require.Equal(t, 2, f.Count("ListProjectJobs"))
}

// B55: the first error is the last pair.
func TestJobsAllEndsAfterError(t *testing.T) {
	t.Parallel()
	f := sdktest.NewService(t)
	client := f.Client()
	for range 5 {
		f.AddJob("nightly")
	}
	project := projectOfJobs(t, client)
	f.Next("ListProjectJobs", nil, codeartsbuildtest.Reply(403, "{}"))
	var jobs, errs int
	for job, err := range client.Jobs.All(t.Context(), project, &codeartsbuild.JobListOptions{PageSize: 2}) {
		if err != nil {
			require.ErrorIs(t, err, codeartsbuild.ErrForbidden)
			require.Nil(t, job)
			errs++
			continue
		}
		jobs++
	}
	require.Equal(t, []int{2, 1}, []int{jobs, errs})
}

// B55: Page from 1 becomes the service's page_index from 0.
func TestJobsListQuery(t *testing.T) {
	t.Parallel()
	const rejected = "rejected"
	tests := map[string]struct {
		in    *codeartsbuild.JobListOptions
		query string
	}{
		"nothing":         {nil, "page_index=0&page_size=100"},
		"the first page":  {&codeartsbuild.JobListOptions{Page: 1}, "page_index=0&page_size=100"},
		"the third page":  {&codeartsbuild.JobListOptions{Page: 3, PageSize: 20}, "page_index=2&page_size=20"},
		"a search":        {&codeartsbuild.JobListOptions{Search: "a&b c+d#中"}, "page_index=0&page_size=100&search=a%26b+c%2Bd%23%E4%B8%AD"},
		"a negative page": {&codeartsbuild.JobListOptions{Page: -1}, rejected},
		"a negative size": {&codeartsbuild.JobListOptions{PageSize: -1}, rejected},
		"too large":       {&codeartsbuild.JobListOptions{PageSize: 101}, rejected},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(200, `{"jobs":[],"total":0}`))
			_, err := sdktest.Client(t, transport).Jobs.List(t.Context(), sdktest.JobID, tt.in)
			if tt.query == rejected {
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.Zero(t, transport.Count())
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.query, transport.Requests()[0].URL.RawQuery)
		})
	}
}

// B55: the forms of a list of jobs.
func TestJobsListResponses(t *testing.T) {
	t.Parallel()
	const row = `[{"id":"` + sdktest.JobID + `","job_name":"demo","disabled":true,"is_finished":true}]`
	const liveRow = `[{"id":"` + sdktest.JobID + `","job_name":"demo","disabled":"true","is_finished":"True","project_id":"` + sdktest.JobID + `"}]`
	want := []codeartsbuild.Job{{ID: sdktest.JobID, Name: "demo", ProjectID: sdktest.JobID, Disabled: true, Finished: true}}
	tests := map[string]struct {
		body  string
		items []codeartsbuild.Job
		total int
	}{
		"as documented":       {body: `{"jobs":` + row + `,"total":1}`, items: want, total: 1},
		"as seen live":        {body: `{"result":{"job_list":` + liveRow + `,"total":"7"},"status":"success"}`, items: want, total: 7},
		"without a total":     {body: `{"jobs":` + row + `}`, items: want, total: -1},
		"with an unknown one": {body: `{"jobs":` + row + `,"total":-1}`, items: want, total: -1},
		"with a null":         {body: `{"jobs":null,"total":null}`, total: -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := sdktest.Client(t, httpfake.Reply(200, tt.body)).Jobs.List(t.Context(), sdktest.JobID, nil)
			require.NoError(t, err)
			require.Equal(t, &codeartsbuild.Page[codeartsbuild.Job]{Items: tt.items, Total: tt.total}, page)
		})
	}
}

func TestJobsThatTheCallerSees(t *testing.T) {
	t.Parallel()
	job := codeartsbuild.Job{
		ID: "8f4fb54a55c744beb8967cf50d96d87b", Name: "APITest-JobList-running-2kDRoU",
		ProjectID: "6823252f543d4915b49892a5fd9f0ec3", ProjectName: "CodeCIServer—API测试01", BuildProjectID: "8597a528-068e-4bfa-a812-3c625060c007",
		CreatorID: "ae22fd035f354cfa8d82a3f1c8940446", UserID: "ae22fd035f354cfa8d82a3f1c8940446", UserName: "testUser",
		JobRights:  codeartsbuild.JobRights{CanView: true, CanModify: true, CanDelete: true, CanExecute: true, CanCopy: true, CanDisable: true},
		SourceCode: "codeci", SourceType: "codehub", TaskID: "#20240923.1",
		Finished: true, BuildNo: "1", LastBuildStatus: codeartsbuild.StatusAborted, RunningStatus: "Finished", LastBuildTime: time.UnixMilli(1727041445000).UTC(),
		LastUser: "testUser", LastUserID: "ae22fd035f354cfa8d82a3f1c8940446", TriggerType: "Manual",
	}
	testJobCalls(t, map[string]jobCall{
		"a page": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.ListVisible(ctx, &codeartsbuild.JobVisibleOptions{
					Page: 2, PageSize: 20, Search: "API", CreatorID: job.CreatorID, Status: codeartsbuild.JobAborted,
					SortField: "job_name", SortOrder: codeartsbuild.JobOrderDescending,
				})
			},
			"GET /v1/job/list?build_status=aborted&creator_id=" + job.CreatorID + "&page_index=1&page_size=20&search=API&sort_field=job_name&sort_order=DESC", "",
			"ListJob.response", &codeartsbuild.Page[codeartsbuild.Job]{Items: []codeartsbuild.Job{job}, Total: 20697},
		},
		"all": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return collect(s.AllVisible(ctx, nil))
			},
			"GET /v1/job/list?page_index=0&page_size=100", "",
			`{"result":{"job_list":[{"id":"a","forbidden_msg":"broken","nick_name":"Ann","code_branch":"main","tag":"v1","build_type":"tag","build_time":93000.0,` +
				`"commit_id":"0123456","commit_detail_url":"https://c","scm_web_url":"https://r","repo_id":7,"project_permission_switch":true,"favorite":true,"health_score":75}],"total":1}}`,
			[]codeartsbuild.Job{{
				ID: "a", DisabledReason: "broken", NickName: "Ann", Branch: "main", Tag: "v1", BuildType: "tag", BuildMillis: 93000, CommitID: "0123456",
				CommitURL: "https://c", WebURL: "https://r", RepositoryID: "7", ProjectPermissions: true, Favourite: true, HealthScore: 75,
			}},
		},
		"of a project, with all that is documented": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.List(ctx, projectID, &codeartsbuild.JobListOptions{
					Search: "API", CreatorID: job.CreatorID, Status: codeartsbuild.JobNeverBuilt,
					SortField: "job_name", SortOrder: codeartsbuild.JobOrderAscending, ByGroup: true, GroupID: "g",
				})
			},
			"GET /v1/job/" + projectID + "/list?build_status=none&by_group=true&creator_id=" + job.CreatorID +
				"&group_path_id=g&page_index=0&page_size=100&search=API&sort_field=job_name&sort_order=ASC", "",
			"ListProjectJobs.response",
			&codeartsbuild.Page[codeartsbuild.Job]{Total: 1, Items: []codeartsbuild.Job{{
				ID: "2a86c3c1ed18416399279fe6........", Name: "demo", ProjectID: projectID, CreatorID: "ae22fd035f354cfa8d82a3f1........", UserName: "test",
				Disabled: true, Favourite: true, HealthScore: 75, SourceCode: "test", Finished: true, LastBuildStatus: codeartsbuild.StatusSucceeded,
				LastBuildTime: time.UnixMilli(1608004535000).UTC(),
				JobRights:     codeartsbuild.JobRights{CanView: true, CanModify: true, CanDelete: true, CanExecute: true, CanCopy: true, CanDisable: true},
			}}},
		},
	})
}
