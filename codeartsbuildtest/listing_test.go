package codeartsbuildtest

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Not parallel: it takes half a second on an idle machine, and the limit leaves room for a busy one.
func TestListingManyBuildsIsFast(t *testing.T) {
	builds := 100_000
	if raceDetector {
		builds = 10_000
	}
	for _, status := range []codeartsbuild.BuildStatus{codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded} {
		srv := NewServer()
		c := newCaller(t, srv)
		job := srv.AddJob("nightly")
		for range builds {
			srv.AddBuild(job, codeartsbuild.Build{Status: status})
		}
		target := "/v1/record/" + job + "/list" + window() + "&page_size=100&page_index="
		start, rows := time.Now(), 0
		for page := range builds/100 + 1 {
			rows += strings.Count(c.get(target+fmt.Sprint(page)).body, `"number":`)
		}
		assert.Equal(t, builds, rows)
		assert.Less(t, time.Since(start), 5*time.Second, status)
	}
}

func TestChoiceOfAListFollowsTheBuilds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		job := srv.AddJob("nightly")
		at := func(d time.Duration) string { return time.Now().Add(d).In(serviceZone).Format("2006-01-02+15:04:05") }
		target := fmt.Sprintf("/v1/record/%s/list?start_time=%s&end_time=%s", job, at(-time.Hour), at(time.Minute))
		later := fmt.Sprintf("/v1/record/%s/list?start_time=%s&end_time=%s", job, at(2*time.Minute), at(time.Hour))
		total := func(target string) any { return c.get(target).value(t, "result.total_record") }

		assert.Equal(t, "0", total(target))
		no := srv.AddBuild(job, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		assert.Equal(t, "1", total(target), "a new build is seen")
		assert.Equal(t, "0", total(later))
		assert.Equal(t, "1", total(target), "another time is another choice")
		time.Sleep(30 * time.Minute)
		srv.Finish(job, no, codeartsbuild.StatusRunning)
		assert.Equal(t, "0", total(target), "it is listed under its start from now on")
		assert.Equal(t, "1", total(later))
	})
}

func TestFreezeList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		client := srv.Client()
		c := newCaller(t, srv)
		job := srv.AddJob("nightly")
		first := srv.StartBuild(job)
		srv.FreezeList(job, time.Minute)
		second := srv.StartBuild(job)
		srv.Finish(job, first, codeartsbuild.StatusSucceeded)

		listed := func() (statuses []codeartsbuild.BuildStatus) {
			page, err := client.Builds.List(t.Context(), job, nil)
			require.NoError(t, err)
			for _, b := range page.Items {
				statuses = append(statuses, b.Status)
			}
			return statuses
		}
		time.Sleep(time.Minute - time.Millisecond)
		assert.Equal(t, []codeartsbuild.BuildStatus{codeartsbuild.StatusRunning}, listed())
		assert.Equal(t, "1", c.get("/v1/job/list").value(t, "result.job_list.0.build_number"))
		records := c.get("/v1/record/" + srv.state.jobs.all()[0].buildProjectID + "/records")
		assert.Len(t, records.value(t, "result.data"), 1)
		for no, want := range map[string]codeartsbuild.BuildStatus{first: codeartsbuild.StatusSucceeded, second: codeartsbuild.StatusRunning} {
			got, err := client.Builds.Get(t.Context(), job, no)
			require.NoError(t, err)
			assert.Equal(t, want, got.Status, "records are up to date")
		}
		_, err := client.Jobs.Stop(t.Context(), job, second)
		require.NoError(t, err, "stops know the build")

		time.Sleep(time.Millisecond)
		assert.Equal(t, []codeartsbuild.BuildStatus{codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded}, listed())
	})
}

// What a frozen list has chosen is not what the list chooses afterwards.
func TestFrozenListIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		job := srv.AddJob("nightly")
		no := srv.StartBuild(job)
		target := "/v1/record/" + job + "/list" + window()
		state := func() any { return c.get(target).value(t, "result.job_build_states.0.state") }
		srv.FreezeList(job, time.Minute)
		srv.FreezeList("no job", time.Minute)
		assert.Empty(t, state())
		srv.Finish(job, no, codeartsbuild.StatusSucceeded)
		assert.Empty(t, state())
		time.Sleep(time.Minute)
		assert.Equal(t, "SUCCESS", state())
	})
}
