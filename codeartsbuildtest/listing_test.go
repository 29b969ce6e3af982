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

// A page of a list of many builds takes as long as one of a list of few. Not parallel, and both lists are read in turn, so
// that what else the machine does falls on both. If each page cost all builds, the ratio would be the 100 of the sizes.
func TestListingManyBuildsIsFast(t *testing.T) {
	few, many := 1_000, 100_000
	if raceDetector {
		few, many = 100, 10_000
	}
	for _, tt := range []struct {
		status  codeartsbuild.BuildStatus
		records bool // the list of records
	}{{codeartsbuild.StatusRunning, false}, {codeartsbuild.StatusSucceeded, false}, {codeartsbuild.StatusSucceeded, true}} {
		srv := NewServer()
		c := newCaller(t, srv)
		addJob := func(builds int) (target string) {
			job := srv.AddJob(fmt.Sprint("job", builds))
			for range builds {
				srv.AddBuild(job, codeartsbuild.Build{Status: tt.status})
			}
			if tt.records {
				j, err := srv.state.jobs.find(job)
				require.NoError(t, err)
				return "/v1/record/" + j.buildProjectID + "/records?limit=100&page="
			}
			return "/v1/record/" + job + "/list" + window() + "&page_size=100&page_index="
		}
		small, large := addJob(few), addJob(many)
		var took [2]time.Duration
		rows := 0
		for page := range many/100 + 1 {
			start := time.Now()
			c.get(small + fmt.Sprint(page%(few/100)))
			between := time.Now()
			rows += strings.Count(c.get(large+fmt.Sprint(page)).body, `"daily_build_number":`)
			took[0], took[1] = took[0]+between.Sub(start), took[1]+time.Since(between)
		}
		if tt.records { // which have their first page twice
			rows -= 100
		}
		require.Equal(t, many, rows)
		t.Logf("%+v: %d pages of %d builds in %v, of %d builds in %v", tt, many/100+1, few, took[0], many, took[1])
		require.Less(t, took[1], 8*took[0], "%+v", tt)
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
