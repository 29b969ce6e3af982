package codeartsbuild_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// buildsProject is the CodeArts project of all jobs of the embedded service, which ListJob tells.
func buildsProject(t *testing.T, client *codeartsbuild.Client) string {
	t.Helper()
	var answer struct {
		Result struct {
			Jobs []struct {
				ProjectID string `json:"project_id"`
			} `json:"job_list"`
		} `json:"result"`
	}
	require.NoError(t, client.Do(t.Context(), "GET", "/v1/job/list?page_index=0&page_size=1", nil, &answer))
	return answer.Result.Jobs[0].ProjectID
}

func TestB55JobsOverAllPages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		jobs     int
		in       *codeartsbuild.JobListOptions
		found    int
		requests int
	}{
		"a short last page":        {250, nil, 250, 3},
		"a full last page":         {200, nil, 200, 3},
		"one short page":           {7, nil, 7, 1},
		"a page size":              {7, &codeartsbuild.JobListOptions{PageSize: 3}, 7, 3},
		"a page is ignored":        {7, &codeartsbuild.JobListOptions{Page: 9}, 7, 1},
		"a search":                 {111, &codeartsbuild.JobListOptions{Search: "job 10"}, 11, 1},
		"a search that finds none": {7, &codeartsbuild.JobListOptions{Search: "&page_index=1"}, 0, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := codeartsbuildtest.NewServer()
			defer srv.Close()
			client := srv.Client()
			names := map[string]string{}
			for i := range tt.jobs {
				name := fmt.Sprintf("job %d", i+1)
				names[srv.AddJob(name)] = name
			}
			project := buildsProject(t, client)
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
			require.Equal(t, tt.requests, buildsCount(srv, "ListProjectJobs"))
		})
	}
}

func TestB55JobsOfAnotherProject(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	srv.AddJob("nightly")
	page, err := srv.Client().Jobs.List(t.Context(), buildsJob, nil)
	require.NoError(t, err)
	require.Equal(t, &codeartsbuild.Page[codeartsbuild.Job]{}, page)
}

func TestB55ReadsNoPageThatNobodyWants(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	client := srv.Client()
	for range 5 {
		srv.AddJob("nightly")
	}
	project := buildsProject(t, client)
	jobs := client.Jobs.All(t.Context(), project, &codeartsbuild.JobListOptions{PageSize: 2})
	require.Zero(t, buildsCount(srv, "ListProjectJobs"), "nothing is read before the first job is wanted")
	for range jobs {
		break
	}
	require.Equal(t, 1, buildsCount(srv, "ListProjectJobs"))
	for range jobs { // starts over
		break
	}
	require.Equal(t, 2, buildsCount(srv, "ListProjectJobs"))
}

func TestB55JobsEndAfterTheFirstError(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	client := srv.Client()
	for range 5 {
		srv.AddJob("nightly")
	}
	project := buildsProject(t, client)
	srv.Next("ListProjectJobs", nil, codeartsbuildtest.Reply(403, "{}"))
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

func TestB55PagesOfJobs(t *testing.T) {
	t.Parallel()
	const refused = "refused"
	tests := map[string]struct {
		in    *codeartsbuild.JobListOptions
		query string
	}{
		"nothing":         {nil, "page_index=0&page_size=100"},
		"the first page":  {&codeartsbuild.JobListOptions{Page: 1}, "page_index=0&page_size=100"},
		"the third page":  {&codeartsbuild.JobListOptions{Page: 3, PageSize: 20}, "page_index=2&page_size=20"},
		"a search":        {&codeartsbuild.JobListOptions{Search: "a&b c+d#中"}, "page_index=0&page_size=100&search=a%26b+c%2Bd%23%E4%B8%AD"},
		"a negative page": {&codeartsbuild.JobListOptions{Page: -1}, refused},
		"a negative size": {&codeartsbuild.JobListOptions{PageSize: -1}, refused},
		"too large":       {&codeartsbuild.JobListOptions{PageSize: 101}, refused},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var query string
			client, transport := buildsClient(t, func(r *http.Request) (*http.Response, error) {
				query = r.URL.RawQuery
				return httpmock.NewStringResponse(200, `{"jobs":[],"total":0}`), nil
			})
			_, err := client.Jobs.List(t.Context(), buildsJob, tt.in)
			if tt.query == refused {
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.Zero(t, transport.GetTotalCallCount())
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.query, query)
		})
	}
}

func TestB55AnswersToAListOfJobs(t *testing.T) {
	t.Parallel()
	const row = `[{"id":"` + buildsJob + `","job_name":"demo","disabled":true,"is_finished":true}]`
	const liveRow = `[{"id":"` + buildsJob + `","job_name":"demo","disabled":"true","is_finished":"True","project_id":"` + buildsJob + `"}]`
	want := []codeartsbuild.Job{{ID: buildsJob, Name: "demo", ProjectID: buildsJob, Disabled: true, Finished: true}}
	tests := map[string]struct {
		body  string
		items []codeartsbuild.Job
		total int
	}{
		"as documented":       {`{"jobs":` + row + `,"total":1}`, want, 1},
		"as seen live":        {`{"result":{"job_list":` + liveRow + `,"total":"7"},"status":"success"}`, want, 7},
		"without a total":     {`{"jobs":` + row + `}`, want, -1},
		"with an unknown one": {`{"jobs":` + row + `,"total":-1}`, want, -1},
		"with a null":         {`{"jobs":null,"total":null}`, nil, -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := buildsClient(t, buildsAnswer(200, tt.body))
			page, err := client.Jobs.List(t.Context(), buildsJob, nil)
			require.NoError(t, err)
			require.Equal(t, &codeartsbuild.Page[codeartsbuild.Job]{Items: tt.items, Total: tt.total}, page)
		})
	}
}
