package codeartsbuild_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// record is the service's record of a build, with members in place of the usual ones.
func record(job, no string, members ...string) codeartsbuildtest.Fault {
	all := append([]string{`"status":"RUNNING"`, `"branch":"main"`, `"trigger_type":"Push"`}, members...) // of a name that comes twice the last counts
	return codeartsbuildtest.Reply(200, `{"result":{"codeci_job_id":"`+job+`","build_no":`+no+`,`+strings.Join(all, ",")+`},"status":"success"}`)
}

// A superseded build, 1, and the newer one, 2, as they are when the plan is carried out.
func TestStopPlannedSupersededNoLonger(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		build, newer []string // members of their records
		broken       codeartsbuildtest.Fault
		want         string
	}{
		"nothing has changed":                        {want: "stopped"},
		"the newer build has succeeded":              {newer: []string{`"status":"SUCCESS"`}, want: "stopped"},
		"the newer build has failed":                 {newer: []string{`"status":"FAILURE"`}, want: "stopped"},
		"the newer build has an unknown status":      {newer: []string{`"status":"HIBERNATING"`}, want: "stopped"},
		"the newer build was aborted":                {newer: []string{`"status":"ABORTED"`}, want: "skipped"},
		"the newer build was canceled":               {newer: []string{`"status":"Canceled"`}, want: "skipped"},
		"the newer build was never scheduled":        {newer: []string{`"status":"SCHEDULE_FAILURE"`}, want: "skipped"},
		"the newer build was skipped, never started": {newer: []string{`"status":"SKIPPED"`, `"start_time":null`, `"finish_time":"2026-11-24 10:00:00"`}, want: "skipped"},
		"the newer build is of another branch":       {newer: []string{`"branch":"x"`}, want: "skipped"},
		"the newer build does not say its branch":    {newer: []string{`"branch":null`}, want: "stopped"},
		"the branch in full":                         {build: []string{`"branch":"refs/heads/main"`}, newer: []string{`"branch":"refs/heads/main"`}, want: "stopped"},
		"the build is of another branch":             {build: []string{`"branch":"release/1.0"`}, want: "skipped"},
		"the build does not say its branch":          {build: []string{`"branch":null`}, want: "stopped"},
		"a person started the build":                 {build: []string{`"trigger_type":"MANUAL"`}, want: "skipped"},
		"a person started the build, in Chinese":     {build: []string{`"trigger_type":"手动执行"`}, want: "skipped"},
		"a schedule started the build":               {build: []string{`"trigger_type":"TIMER_TRIGGER"`}, want: "skipped"},
		"the trigger has another word in records":    {build: []string{`"trigger_type":"CODEHUB_PUSH"`}, want: "stopped"},
		"the trigger is not in records":              {build: []string{`"trigger_type":null`}, want: "stopped"},
		"the build has finished":                     {build: []string{`"status":"SUCCESS"`}, newer: []string{`"status":"ABORTED"`}, want: "finished"},
		"the build has finished in an unknown way":   {build: []string{`"status":"EXPLODED","finish_time":"2026-11-24 10:00:00"`}, want: "finished"},
		"the build now runs":                         {build: []string{`"status":"RUNNING"`}, want: "stopped"},
		"the newer build is not to be read":          {broken: codeartsbuildtest.Reply(403, "{}"), want: "error"},
		"the newer build is gone":                    {broken: codeartsbuildtest.Reply(422, `{"error_code":"DEVCB.00031006","error_msg":"gone"}`), want: "error"},
		"the newer build's record is of another":     {broken: record(sdktest.JobID, "2"), want: "error"},
		"the newer build's record cannot be parsed":  {broken: codeartsbuildtest.Reply(200, `{"result":[]}`), want: "error"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				f.AddBuild(f.JobID, codeartsbuild.Build{Branch: "main", Revision: "a1", Trigger: "Push", Status: codeartsbuild.StatusQueued})
				f.AddBuild(f.JobID, codeartsbuild.Build{Branch: "main", Revision: "b2", Trigger: "Push"})
				client := f.Client(sdktest.Once)
				plan, err := client.Builds.PlanSuperseded(t.Context(), f.JobID, nil)
				require.NoError(t, err)
				newer := tt.broken
				if newer == nil {
					newer = record(f.JobID, "2", tt.newer...)
				}
				f.Next(sdktest.OpGetBuild, record(f.JobID, "1", tt.build...), newer)
				outcomes, err := client.Builds.StopPlanned(t.Context(), plan, nil)
				require.Equal(t, []string{"1 " + tt.want}, buildsOutcomes(outcomes), "%v", err)
				require.Equal(t, tt.want == "error", err != nil)
				require.Equal(t, tt.want == "stopped", f.Count(sdktest.OpStop) == 1)
				require.Equal(t, codeartsbuild.RuleSuperseded, outcomes[0].Rule)
				if err != nil {
					require.ErrorContains(t, err, "; build 2, which supersedes it, could not be read")
					require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				}
				if tt.want == "skipped" {
					require.Zero(t, outcomes[0].Took)
					require.Zero(t, outcomes[0].Attempts)
					require.Equal(t, codeartsbuild.StatusRunning, outcomes[0].Build.Status, "as it was last read")
				}
			})
		})
	}
}

// Builds that took too long, as they are when the plan is carried out.
func TestStopPlannedRunawayNoLonger(t *testing.T) {
	t.Parallel()
	ago := func(name string, d time.Duration) string {
		return fmt.Sprintf(`"%s":"%s"`, name, time.Now().Add(-d).UTC().Format(time.RFC3339))
	}
	const h = time.Hour
	tests := map[string]struct {
		planned codeartsbuild.BuildStatus
		record  func() []string
		want    string
	}{
		"still running":                    {codeartsbuild.StatusRunning, func() []string { return []string{ago("start_time", 3*h)} }, "stopped"},
		"running, of another branch":       {codeartsbuild.StatusRunning, func() []string { return []string{ago("start_time", 3*h), `"branch":"x"`} }, "stopped"},
		"running, started by a person":     {codeartsbuild.StatusRunning, func() []string { return []string{ago("start_time", 3*h), `"trigger_type":"MANUAL"`} }, "stopped"},
		"running, as long as the limit":    {codeartsbuild.StatusRunning, func() []string { return []string{ago("start_time", 2*h)} }, "skipped"},
		"running, since a later time":      {codeartsbuild.StatusRunning, func() []string { return []string{ago("start_time", h/6), ago("queued_time", 3*h)} }, "skipped"},
		"running, without a start":         {codeartsbuild.StatusRunning, func() []string { return []string{ago("queued_time", h)} }, "stopped"},
		"running, since 1970":              {codeartsbuild.StatusRunning, func() []string { return []string{`"start_time":"1970-01-01 08:00:00"`} }, "stopped"},
		"running, since a time to come":    {codeartsbuild.StatusRunning, func() []string { return []string{ago("start_time", -h)} }, "skipped"},
		"running, queued again":            {codeartsbuild.StatusRunning, func() []string { return []string{`"status":"QUEUED"`, ago("queued_time", 3*h)} }, "skipped"},
		"running, in a status not known":   {codeartsbuild.StatusRunning, func() []string { return []string{`"status":"HIBERNATING"`} }, "skipped"},
		"running, finished by now":         {codeartsbuild.StatusRunning, func() []string { return []string{`"status":"FAILURE"`} }, "finished"},
		"queued, still queued":             {codeartsbuild.StatusQueued, func() []string { return []string{`"status":"QUEUED"`, ago("queued_time", 3*h)} }, "stopped"},
		"queued, and created at that time": {codeartsbuild.StatusQueued, func() []string { return []string{`"status":"QUEUED"`, ago("create_time", 3*h)} }, "stopped"},
		"queued, running for a second":     {codeartsbuild.StatusQueued, func() []string { return []string{ago("queued_time", 3*h), ago("start_time", time.Second)} }, "skipped"},
		"queued, running for hours":        {codeartsbuild.StatusQueued, func() []string { return []string{ago("queued_time", 9*h), ago("start_time", 9*h)} }, "skipped"},
		"queued, since a later time":       {codeartsbuild.StatusQueued, func() []string { return []string{`"status":"QUEUED"`, ago("queued_time", h)} }, "skipped"},
		"queued, in a status not known":    {codeartsbuild.StatusQueued, func() []string { return []string{`"status":"PREPARING"`} }, "skipped"},
		"queued, never scheduled":          {codeartsbuild.StatusQueued, func() []string { return []string{`"status":"SCHEDULE_FAILURE"`} }, "finished"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				since := time.Now().Add(-3 * h)
				f.AddBuild(f.JobID, codeartsbuild.Build{Branch: "main", Status: tt.planned, QueuedAt: since, StartedAt: map[bool]time.Time{true: since}[tt.planned == codeartsbuild.StatusRunning]})
				client := f.Client()
				plan, err := client.Builds.PlanRunaway(t.Context(), f.JobID, &codeartsbuild.RunawayOptions{MaxRunning: 2 * h, MaxQueued: 2 * h})
				require.NoError(t, err)
				f.Next(sdktest.OpGetBuild, record(f.JobID, "1", tt.record()...))
				outcomes, err := client.Builds.StopPlanned(t.Context(), plan, nil)
				require.NoError(t, err)
				require.Equal(t, []string{"1 " + tt.want}, buildsOutcomes(outcomes))
				require.Equal(t, tt.want == "stopped", f.Count(sdktest.OpStop) == 1)
				require.Equal(t, codeartsbuild.StopRule(tt.planned), outcomes[0].Rule)
			})
		})
	}
}

// Builds of a branch, as they are when the plan is carried out.
func TestStopPlannedBranchNoLonger(t *testing.T) {
	t.Parallel()
	for member, want := range map[string]string{
		`"status":"QUEUED"`: "stopped", `"branch":"x"`: "skipped", `"branch":"Main"`: "skipped", `"trigger_type":"manual"`: "skipped", `"trigger_type":"cron"`: "skipped",
	} {
		t.Run(member, func(t *testing.T) {
			t.Parallel()
			f := sdktest.NewJob(t)
			f.AddBuild(f.JobID, codeartsbuild.Build{Branch: "main", Trigger: "Push"})
			client := f.Client()
			plan, err := client.Builds.PlanBranches(t.Context(), f.JobID, &codeartsbuild.BranchOptions{Branches: []string{"main"}})
			require.NoError(t, err)
			f.Next(sdktest.OpGetBuild, record(f.JobID, "1", member))
			outcomes, err := client.Builds.StopPlanned(t.Context(), plan, nil)
			require.NoError(t, err)
			require.Equal(t, []string{"1 " + want}, buildsOutcomes(outcomes))
		})
	}
}

// A build that the same plan stops supersedes nothing.
func TestStopPlannedSupersededByAStoppedBuild(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		for i := range 3 {
			f.AddBuild(f.JobID, codeartsbuild.Build{Branch: "main", Revision: fmt.Sprint(i), Trigger: "Push", StartedAt: time.Now().Add(time.Duration(i-3) * time.Hour)})
		}
		client := f.Client()
		superseded, err := client.Builds.PlanSuperseded(t.Context(), f.JobID, nil)
		require.NoError(t, err)
		runaway, err := client.Builds.PlanRunaway(t.Context(), f.JobID, &codeartsbuild.RunawayOptions{MaxRunning: 30 * time.Minute, Exempt: func(b *codeartsbuild.Build) bool { return b.BuildNo != "3" }})
		require.NoError(t, err)
		both := &codeartsbuild.StopPlan{Decisions: append(superseded.Decisions, runaway.Decisions...)}
		outcomes, err := client.Builds.StopPlanned(t.Context(), both, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"2 skipped", "1 skipped", "3 stopped"}, buildsOutcomes(outcomes))
	})
}

// A build that is superseded by a superseded one is superseded.
func TestStopPlannedSupersededInAChain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		for i := range 3 {
			f.AddBuild(f.JobID, codeartsbuild.Build{Branch: "main", Revision: fmt.Sprint(i), Trigger: "Push"})
		}
		client := f.Client()
		plan := &codeartsbuild.StopPlan{}
		for _, anchor := range []string{"2", "3"} {
			part, err := client.Builds.PlanSuperseded(t.Context(), f.JobID, &codeartsbuild.SupersededOptions{Anchor: anchor})
			require.NoError(t, err)
			plan.Decisions = append(plan.Decisions, part.Decisions...)
		}
		outcomes, err := client.Builds.StopPlanned(t.Context(), plan, &codeartsbuild.StopPlannedOptions{Parallel: 1, Wait: time.Minute})
		require.NoError(t, err)
		require.Equal(t, []string{"1 stopped", "2 stopped"}, buildsOutcomes(outcomes))
	})
}

// A plan that was stored as JSON, or made by hand, does not know the limits.
func TestStopPlannedWithoutLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		f.StartBuild(f.JobID)
		f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		f.StartBuild(f.JobID)
		plan := buildsPlan(f.JobID, "1", "2", "3")
		for i, rule := range []codeartsbuild.StopRule{codeartsbuild.RuleRunning, codeartsbuild.RuleQueued, codeartsbuild.RuleQueued} {
			plan.Decisions[i].Rule = rule
		}
		outcomes, err := f.Client().Builds.StopPlanned(t.Context(), plan, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"1 stopped", "2 stopped", "3 skipped"}, buildsOutcomes(outcomes), "the last one no longer waits")
	})
}
