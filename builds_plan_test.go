package codeartsbuild

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

const planJob = "48c66c6002964721be537cdc6ce0297b"

// planWindow is the month before a day at noon.
var planWindow = func() window {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	return window{now.Add(-maxWindow), now}
}()

// planBuilds reads builds written as "number branch revision status trigger start"; - is nothing, the start is a
// time of planWindow's last day, and a trigger that is left out is push.
func planBuilds(t *testing.T, lines []string) (builds []*Build) {
	t.Helper()
	for _, line := range lines {
		f := strings.Fields(line)
		require.GreaterOrEqual(t, len(f), 4, line)
		f = append(f, []string{"push", ""}[min(len(f)-4, 2):]...)
		for i := range f {
			f[i] = strings.TrimPrefix(f[i], "-")
		}
		b := &Build{BuildNo: f[0], Branch: f[1], Revision: f[2], Status: BuildStatus(f[3]), Trigger: f[4]}
		if f[5] != "" {
			start, err := time.Parse(time.DateTime, "2026-11-24 "+f[5]+":00")
			require.NoError(t, err)
			if b.Status == StatusQueued {
				b.QueuedAt = start
			} else {
				b.StartedAt = start
			}
		}
		builds = append(builds, b)
	}
	return builds
}

// planText writes decisions as "number keep reason" and "number STOP reason".
func planText(decisions []StopDecision) (lines []string) {
	for _, d := range decisions {
		word := "keep"
		if d.Stop {
			word = "STOP"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", d.Build.BuildNo, word, d))
	}
	return lines
}

func TestStopDecisionInWords(t *testing.T) {
	t.Parallel()
	tests := map[string]StopDecision{
		"superseded by 815": {Rule: RuleSuperseded, By: "815", Age: time.Hour},
		"running 3h41m":     {Rule: RuleRunning, Age: 3*time.Hour + 41*time.Minute + 20*time.Second},
		"running 26h0m":     {Rule: RuleRunning, Age: 26 * time.Hour},
		"queued 31m0s":      {Rule: RuleQueued, Age: 31*time.Minute + time.Millisecond},
		"queued 12s":        {Rule: RuleQueued, Age: 12*time.Second + 999*time.Millisecond},
		"branch":            {Rule: RuleBranch, Age: time.Hour},
		"newest":            {Rule: RuleNewest, Age: time.Hour},
		"same revision":     {Rule: RuleSameRevision},
		"no start time":     {Rule: RuleNoStart},
		"within limit":      {Rule: RuleWithinLimit, Age: time.Hour},
		"":                  {},
	}
	for want, decision := range tests {
		require.Equal(t, want, decision.String())
	}
}

func TestStopPlanAsJSON(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 24, 8, 19, 0, 0, time.UTC)
	plan := StopPlan{Decisions: []StopDecision{
		{Build: &Build{JobID: planJob, BuildNo: "814", Status: StatusRunning, Branch: "main", Revision: "a1", Trigger: "Push", StartedAt: start}, Stop: true, Rule: RuleSuperseded, By: "815", Age: time.Second},
		{Build: &Build{BuildNo: "7", Status: StatusTimedOut, RecordID: "r", Executor: "me", QueuedAt: start, FinishedAt: start}, Rule: RuleNewest},
	}}
	text, err := json.Marshal(plan)
	require.NoError(t, err)
	require.JSONEq(t, `{"job_id":"","decisions":[
		{"build":{"job_id":"`+planJob+`","build_no":"814","build_record_id":"","status":"running","branch":"main","revision":"a1",
			"trigger_type":"Push","executor":"","start_time":"2026-11-24T08:19:00Z"},
			"stop":true,"rule":"superseded","by":"815","age":1000000000},
		{"build":{"job_id":"","build_no":"7","build_record_id":"r","status":"timed_out","branch":"","revision":"","trigger_type":"",
			"executor":"me","queued_time":"2026-11-24T08:19:00Z","finish_time":"2026-11-24T08:19:00Z"},
			"stop":false,"rule":"newest","age":0}]}`, string(text))
	var read StopPlan
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, plan, read)
}

// planClient is a client of a service that has the given rows of builds, newest first, in pages of 100.
func planClient(t *testing.T, rows []string) (*Client, *httpfake.Recorder) {
	t.Helper()
	transport := httpfake.Record(httpfake.Func(func(r *http.Request) (*http.Response, error) {
		page, err := strconv.Atoi(r.URL.Query().Get("page_index"))
		require.NoError(t, err)
		shown := rows[min(100*page, len(rows)):min(100*page+100, len(rows))]
		return httpfake.Reply(200, `{"result":{"job_build_states":[`+strings.Join(shown, ",")+`]},"status":"success"}`)(r)
	}))
	client, err := NewClient(WithEndpoint("https://cloudbuild.example.com"), WithTokenSource(StaticToken("token")), WithTransport(transport))
	require.NoError(t, err)
	return client, transport
}

// B66
func TestPlansOnlyRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var rows []string
		for no := 150; no >= 1; no-- {
			rows = append(rows, fmt.Sprintf(`{"number":%d,"job_running_status":"Running","code_branch":"refs/heads/main","commit_id":"c%d","trigger_type":"push","start_time":%d}`,
				no, no, time.Now().Add(-time.Duration(200-no)*time.Minute).UnixMilli()))
		}
		client, transport := planClient(t, rows)
		plan, err := client.Builds.PlanSuperseded(t.Context(), planJob, nil)
		require.NoError(t, err)
		require.Equal(t, planJob, plan.JobID)
		require.Len(t, plan.Decisions, 150, "of both pages")
		require.Equal(t, []string{"150 keep newest", "149 STOP superseded by 150"}, planText(plan.Decisions[:2]))
		require.Equal(t, []string{"1 STOP superseded by 150"}, planText(plan.Decisions[149:]))
		require.Equal(t, planJob, plan.Decisions[0].Build.JobID)
		require.Equal(t, "main", plan.Decisions[0].Build.Branch)
		require.Equal(t, 50*time.Minute, plan.Decisions[0].Age)

		time.Sleep(time.Hour)
		plan, err = client.Builds.PlanRunaway(t.Context(), planJob, &RunawayOptions{MaxRunning: 3 * time.Hour})
		require.NoError(t, err)
		require.Equal(t, planJob, plan.JobID)
		require.Equal(t, []string{"80 keep within limit", "79 STOP running 3h1m"}, planText(plan.Decisions[70:72]))
		require.Equal(t, 3*time.Hour, plan.Decisions[70].Age)

		plan, err = client.Builds.PlanBranches(t.Context(), planJob, &BranchOptions{Branches: []string{"m*"}})
		require.NoError(t, err)
		require.Equal(t, planJob, plan.JobID)
		require.Equal(t, []string{"1 STOP branch"}, planText(plan.Decisions[149:]))

		for _, r := range transport.Requests() {
			require.Equal(t, "GET", r.Method)
			require.Equal(t, "100", r.URL.Query().Get("page_size"))
		}
		require.Equal(t, 6, transport.Count(), "two pages each, and nothing else")
	})
}

func TestPlansReadNoFurtherBackThanWithin(t *testing.T) {
	t.Parallel()
	plans := map[string]func(context.Context, *Client, time.Duration) error{
		"superseded": func(ctx context.Context, c *Client, within time.Duration) error {
			_, err := c.Builds.PlanSuperseded(ctx, planJob, &SupersededOptions{Within: within})
			return err
		},
		"runaway": func(ctx context.Context, c *Client, within time.Duration) error {
			_, err := c.Builds.PlanRunaway(ctx, planJob, &RunawayOptions{MaxQueued: time.Minute, Within: within})
			return err
		},
		"branches": func(ctx context.Context, c *Client, within time.Duration) error {
			_, err := c.Builds.PlanBranches(ctx, planJob, &BranchOptions{Branches: []string{"*"}, Within: within})
			return err
		},
	}
	for name, plan := range plans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // time starts with the year 2000
				client, transport := planClient(t, nil)
				for _, within := range []time.Duration{0, 90 * time.Minute, 40 * 24 * time.Hour} {
					require.NoError(t, plan(t.Context(), client, within))
				}
				var from []string
				for _, r := range transport.Requests() {
					from = append(from, r.URL.Query().Get("start_time"))
				}
				require.Equal(t, []string{"1999-12-01 08:00:00", "2000-01-01 06:30:00", "1999-12-01 08:00:00", "1999-11-22 08:00:00"}, from)
			})
		})
	}
}

// B66
func TestPlanThatCannotReadReturnsNone(t *testing.T) {
	t.Parallel()
	client, err := NewClient(WithEndpoint("https://cloudbuild.example.com"), WithTokenSource(StaticToken("token")),
		WithTransport(httpfake.Script(httpfake.Reply(403, `{}`))))
	require.NoError(t, err)
	plan, err := client.Builds.PlanSuperseded(t.Context(), planJob, nil)
	require.ErrorIs(t, err, ErrForbidden)
	require.Nil(t, plan)
	plan, err = client.Builds.PlanRunaway(t.Context(), planJob, &RunawayOptions{MaxRunning: time.Hour})
	require.ErrorIs(t, err, ErrForbidden)
	require.Nil(t, plan)
	plan, err = client.Builds.PlanBranches(t.Context(), planJob, &BranchOptions{Branches: []string{"x"}})
	require.ErrorIs(t, err, ErrForbidden)
	require.Nil(t, plan)
	plan, err = client.Builds.PlanProject(t.Context(), planJob, &ProjectOptions{Superseded: &SupersededOptions{}})
	require.ErrorIs(t, err, ErrForbidden)
	require.Nil(t, plan)
}

// B66
func TestPlansRejectRules(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	noExempt := func(*Build) bool { return false }
	superseded := map[string]*SupersededOptions{
		"a negative number to keep":      {Keep: -1},
		"an anchor that is not a number": {Anchor: "latest"},
		"an anchor that is zero":         {Anchor: "0"},
		"an anchor that is a daily":      {Anchor: "20261124.3"},
		"an anchor with a sign":          {Anchor: "+5"},
		"an anchor that is too large":    {Anchor: "2147483648"},
		"an anchor that is a fraction":   {Anchor: "1.5"},
		"an empty pattern":               {Branches: []string{"main", ""}},
		"an empty pattern to protect":    {Protect: []string{""}},
		"a negative time":                {Within: -1},
	}
	runaway := map[string]*RunawayOptions{
		"nothing":                    nil,
		"no limit":                   {},
		"only exemptions":            {Exempt: noExempt},
		"an empty pattern":           {MaxRunning: time.Hour, Protect: []string{""}},
		"a regular expression":       {MaxRunning: time.Hour, Protect: []string{"^release"}},
		"a negative limit":           {MaxRunning: -1},
		"one negative":               {MaxRunning: time.Hour, MaxQueued: -1},
		"the other negative":         {MaxRunning: -1, MaxQueued: time.Hour},
		"a negative time":            {MaxRunning: time.Hour, Within: -1},
		"over a month":               {MaxRunning: 32 * day},
		"over the given time":        {MaxQueued: 2 * day, Within: day},
		"as long as the given time":  {MaxRunning: day, Within: day},
		"one of them over the time":  {MaxRunning: time.Hour, MaxQueued: 25 * time.Hour, Within: day},
		"limits as long as a month":  {MaxQueued: 31 * day},
		"over a time beyond a month": {MaxRunning: 61 * day, Within: 60 * day},
	}
	branches := map[string]*BranchOptions{
		"nothing":                     nil,
		"no branch":                   {Protect: []string{"main"}, IncludeManual: true},
		"an empty branch":             {Branches: []string{""}},
		"an empty pattern to protect": {Branches: []string{"x"}, Protect: []string{""}},
		"a negative time":             {Branches: []string{"x"}, Within: -1},
	}
	project := map[string]*ProjectOptions{
		"nothing":                 nil,
		"no rule":                 {Parallel: 4, Jobs: func(*Job) bool { return true }},
		"a negative number":       {Superseded: &SupersededOptions{}, Parallel: -1},
		"an anchor for many jobs": {Superseded: &SupersededOptions{Anchor: "5"}},
		"one rule that is wrong":  {Superseded: &SupersededOptions{}, Runaway: &RunawayOptions{}},
		"another rule that is":    {Superseded: &SupersededOptions{Keep: -1}, Runaway: &RunawayOptions{MaxQueued: time.Hour}},
		"a limit over a month":    {Runaway: &RunawayOptions{MaxQueued: 32 * day}},
	}
	client, transport := planClient(t, nil)
	check := func(kind, name string, plan *StopPlan, err error) {
		require.ErrorIs(t, err, ErrInvalidArgument, "%s: %s", kind, name)
		require.Nil(t, plan)
	}
	for name, in := range superseded {
		plan, err := client.Builds.PlanSuperseded(t.Context(), planJob, in)
		check("superseded", name, plan, err)
		require.ErrorContains(t, err, "ListBuildInfoRecordByJobId")
	}
	for name, in := range runaway {
		plan, err := client.Builds.PlanRunaway(t.Context(), planJob, in)
		check("runaway", name, plan, err)
	}
	for name, in := range branches {
		plan, err := client.Builds.PlanBranches(t.Context(), planJob, in)
		check("branches", name, plan, err)
	}
	for name, in := range project {
		plan, err := client.Builds.PlanProject(t.Context(), planJob, in)
		check("project", name, plan, err)
		require.ErrorContains(t, err, "ListProjectJobs")
	}
	require.Zero(t, transport.Count(), "before anything is read")
}

// B66
func TestPlansRejectJobsAndContexts(t *testing.T) {
	t.Parallel()
	client, transport := planClient(t, nil)
	plans := map[string]func(context.Context, string) (*StopPlan, error){
		"superseded": func(ctx context.Context, id string) (*StopPlan, error) {
			return client.Builds.PlanSuperseded(ctx, id, nil)
		},
		"runaway": func(ctx context.Context, id string) (*StopPlan, error) {
			return client.Builds.PlanRunaway(ctx, id, &RunawayOptions{MaxQueued: time.Hour})
		},
		"branches": func(ctx context.Context, id string) (*StopPlan, error) {
			return client.Builds.PlanBranches(ctx, id, &BranchOptions{Branches: []string{"x"}})
		},
		"project": func(ctx context.Context, id string) (*StopPlan, error) {
			return client.Builds.PlanProject(ctx, id, &ProjectOptions{Superseded: &SupersededOptions{}})
		},
	}
	for name, plan := range plans {
		for _, id := range []string{"", "..", planJob + "0", planJob[:31] + "/"} {
			_, err := plan(t.Context(), id)
			require.ErrorIs(t, err, ErrInvalidArgument, "%s, id %q", name, id)
		}
		var none context.Context
		_, err := plan(none, planJob)
		require.ErrorIs(t, err, ErrInvalidArgument, name)
	}
	require.Zero(t, transport.Count(), "before anything is read")
}

// The service writes a time that it does not know in many ways.
func TestStartsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, start := range []string{
		`"1970-01-01 08:00:00"`, `"1970-01-01T00:00:00Z"`, `"0001-01-01 00:00:00"`, `"0001-01-01T08:05:43+08:05"`, `1000`, `28800000`,
		`0`, `-1`, `null`, `""`, `"soon"`, `"2001-09-09T01:46:40Z"`, `1000000000000`, `"2014-12-31 23:59:59"`, `9999999999999`, `99999999999999999999`,
	} {
		for _, status := range []string{"Running", "InQueue"} {
			client, _ := planClient(t, []string{`{"number":1,"job_running_status":"` + status + `","start_time":` + start + `}`})
			plan, err := client.Builds.PlanRunaway(t.Context(), planJob, &RunawayOptions{MaxRunning: time.Hour, MaxQueued: time.Hour})
			require.NoError(t, err)
			require.Equal(t, []string{"1 keep no start time"}, planText(plan.Decisions), "%s since %s", status, start)
			require.Zero(t, plan.Decisions[0].Age)
		}
	}
}

func TestCredibleStarts(t *testing.T) {
	t.Parallel()
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateTime, text)
		require.NoError(t, err)
		return at
	}
	tests := map[string]struct {
		from, now, start string
		want             bool
	}{
		"within the window":                     {"2026-11-01 00:00:00", "2026-11-24 12:00:00", "2026-11-24 11:00:00", true},
		"at its start":                          {"2026-11-01 00:00:00", "2026-11-24 12:00:00", "2026-11-01 00:00:00", true},
		"shortly before it":                     {"2026-11-01 00:00:00", "2026-11-24 12:00:00", "2026-10-31 23:00:00", true},
		"before it":                             {"2026-11-01 00:00:00", "2026-11-24 12:00:00", "2026-10-31 22:59:59", false},
		"now":                                   {"2026-11-01 00:00:00", "2026-11-24 12:00:00", "2026-11-24 12:00:00", true},
		"shortly after now":                     {"2026-11-01 00:00:00", "2026-11-24 12:00:00", "2026-11-24 12:01:00", true},
		"after now":                             {"2026-11-01 00:00:00", "2026-11-24 12:00:00", "2026-11-24 12:01:01", false},
		"years before, in a window of 20 years": {"2006-11-01 00:00:00", "2026-11-24 12:00:00", "2014-12-31 23:59:59", false},
		"2015, in a window of 20 years":         {"2006-11-01 00:00:00", "2026-11-24 12:00:00", "2015-01-01 00:00:00", true},
		"a test in the year 2000":               {"1999-12-01 00:00:00", "2000-01-01 00:00:00", "1999-12-31 00:00:00", true},
		"a test in the year 2000, before it":    {"1999-12-01 00:00:00", "2000-01-01 00:00:00", "1999-11-01 00:00:00", false},
	}
	for name, tt := range tests {
		require.Equal(t, tt.want, window{day(tt.from), day(tt.now)}.credible(day(tt.start)), name)
	}
	require.False(t, window{}.credible(time.Time{}))
}
