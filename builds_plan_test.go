package codeartsbuild

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// planBuilds reads builds written as "number branch revision status trigger"; - is nothing, and a trigger
// that is left out is push.
func planBuilds(t *testing.T, lines []string) (builds []*Build) {
	t.Helper()
	for _, line := range lines {
		f := append(strings.Fields(line), "push")
		require.GreaterOrEqual(t, len(f), 5, line)
		for i := range f {
			f[i] = strings.TrimPrefix(f[i], "-")
		}
		builds = append(builds, &Build{BuildNo: f[0], Branch: f[1], Revision: f[2], Status: BuildStatus(f[3]), Trigger: f[4]})
	}
	return builds
}

// planText writes decisions as "number keep rule" and "number STOP rule".
func planText(decisions []StopDecision) (lines []string) {
	for _, d := range decisions {
		word := "keep"
		if d.Stop {
			word = "STOP"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", d.Build.BuildNo, word, d.Rule))
	}
	return lines
}

func TestB63WhatNewerBuildsMakePointless(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		builds []string
		rule   SupersededOptions
		want   []string // active builds only, newest first
	}{
		"nothing": {nil, SupersededOptions{}, nil},
		"one build": {
			[]string{"1 main a1 running"},
			SupersededOptions{}, []string{"1 keep newest"},
		},
		"the newest stays": {
			[]string{"3 main c3 running", "2 main b2 running", "1 main a1 running"},
			SupersededOptions{}, []string{"3 keep newest", "2 STOP superseded by 3", "1 STOP superseded by 3"},
		},
		"branches do not compete": {
			[]string{"4 main d4 running", "3 feat/x c3 running", "2 main b2 running", "1 feat/y a1 running"},
			SupersededOptions{}, []string{"4 keep newest", "3 keep newest", "2 STOP superseded by 4", "1 keep newest"},
		},
		"branches with other letters do not compete": {
			[]string{"2 Main b2 running", "1 main a1 running"},
			SupersededOptions{}, []string{"2 keep newest", "1 keep newest"},
		},
		"the queued count as well as the running": {
			[]string{"3 main c3 queued", "2 main b2 running", "1 main a1 queued"},
			SupersededOptions{}, []string{"3 keep newest", "2 STOP superseded by 3", "1 STOP superseded by 3"},
		},
		"a newer build that has succeeded": {
			[]string{"2 main b2 succeeded", "1 main a1 running"},
			SupersededOptions{}, []string{"1 STOP superseded by 2"},
		},
		"newer builds that ended otherwise": {
			[]string{"9 a b2 failed", "8 a a1 running", "7 b b2 aborted", "6 b a1 running", "5 c b2 timed_out", "4 c a1 running", "3 d b2 schedule_failed", "2 d a1 queued"},
			SupersededOptions{}, []string{"8 STOP superseded by 9", "6 STOP superseded by 7", "4 STOP superseded by 5", "2 STOP superseded by 3"},
		},
		"a newer build that a person started": {
			[]string{"2 main b2 running manual", "1 main a1 running"},
			SupersededOptions{}, []string{"2 keep manual", "1 STOP superseded by 2"},
		},
		"a newer build that a schedule started": {
			[]string{"2 main b2 running scheduled", "1 main a1 running"},
			SupersededOptions{}, []string{"2 keep scheduled", "1 STOP superseded by 2"},
		},
		"numbers are compared as numbers": {
			[]string{"9 main a9 running", "10 main b10 running", "100 main c100 running", "99 main d99 running"},
			SupersededOptions{}, []string{"100 keep newest", "99 STOP superseded by 100", "10 STOP superseded by 100", "9 STOP superseded by 100"},
		},
		"two pushes seconds apart, seen from the newer": {
			[]string{"9 feat/x b2 running", "8 feat/x a1 running"},
			SupersededOptions{Anchor: "9"}, []string{"9 keep newest", "8 STOP superseded by 9"},
		},
		"two pushes seconds apart, seen from the older": {
			[]string{"9 feat/x b2 running", "8 feat/x a1 running"},
			SupersededOptions{Anchor: "8"}, []string{"8 keep newest"},
		},
		"an anchor is compared as a number": {
			[]string{"100 main d running", "20 main c running", "10 main b running", "9 main a running"},
			SupersededOptions{Anchor: "10"}, []string{"10 keep newest", "9 STOP superseded by 10"},
		},
		"an anchor that no build has": {
			[]string{"12 main c running", "10 main b running", "9 main a running"},
			SupersededOptions{Anchor: "11"}, []string{"10 keep newest", "9 STOP superseded by 10"},
		},
		"an anchor below all": {
			[]string{"12 main c running", "10 main b running"},
			SupersededOptions{Anchor: "3"}, nil,
		},
		"an anchor counts only with what it keeps": {
			[]string{"4 main d running", "3 main c running", "2 main b running", "1 main a running"},
			SupersededOptions{Anchor: "3", Keep: 2}, []string{"3 keep newest", "2 keep newest", "1 STOP superseded by 3"},
		},
		"two stay": {
			[]string{"4 main d4 running", "3 main c3 queued", "2 main b2 running", "1 main a1 queued"},
			SupersededOptions{Keep: 2}, []string{"4 keep newest", "3 keep newest", "2 STOP superseded by 4", "1 STOP superseded by 4"},
		},
		"two stay, one of them over": {
			[]string{"4 main d4 succeeded", "3 main c3 running", "2 main b2 running"},
			SupersededOptions{Keep: 2}, []string{"3 keep newest", "2 STOP superseded by 4"},
		},
		"more stay than there are": {
			[]string{"2 main b2 running", "1 main a1 running"},
			SupersededOptions{Keep: 9}, []string{"2 keep newest", "1 keep newest"},
		},
		"the same revision: a matrix or a second run": {
			[]string{"4 main d4 running", "3 main d4 running", "2 main d4 queued", "1 main a1 running"},
			SupersededOptions{}, []string{"4 keep newest", "3 keep same revision", "2 keep same revision", "1 STOP superseded by 4"},
		},
		"the same revision, spelled otherwise": {
			[]string{"2 main ABCDEF running", "1 main abcdef running"},
			SupersededOptions{}, []string{"2 keep newest", "1 keep same revision"},
		},
		"the same revision as one that is over": {
			[]string{"2 main d4 failed", "1 main d4 running"},
			SupersededOptions{}, []string{"1 keep same revision"},
		},
		"the same revision as the second that stays": {
			[]string{"4 main d4 running", "3 main c3 running", "2 main c3 running", "1 main a1 running"},
			SupersededOptions{Keep: 2}, []string{"4 keep newest", "3 keep newest", "2 keep same revision", "1 STOP superseded by 4"},
		},
		"the same revision as one that does not stay": {
			[]string{"3 main c3 running", "2 main b2 running", "1 main b2 running"},
			SupersededOptions{}, []string{"3 keep newest", "2 STOP superseded by 3", "1 STOP superseded by 3"},
		},
		"the same revision on another branch": {
			[]string{"3 feat/x b2 running", "2 main c3 running", "1 main b2 running"},
			SupersededOptions{}, []string{"3 keep newest", "2 keep newest", "1 STOP superseded by 2"},
		},
		"protected branches": {
			[]string{
				"6 main f6 running", "5 main e5 running", "4 release/1.0 d4 running", "3 release/1.0 c3 running",
				"2 feat/x b2 running", "1 feat/x a1 running",
			},
			SupersededOptions{Protect: []string{"main", "release*"}},
			[]string{
				"6 keep protected", "5 keep protected", "4 keep protected", "3 keep protected",
				"2 keep newest", "1 STOP superseded by 2",
			},
		},
		"what a schedule or a person started stays": {
			[]string{"3 main c3 running", "2 main b2 running scheduled", "1 main a1 running manual"},
			SupersededOptions{}, []string{"3 keep newest", "2 keep scheduled", "1 keep manual"},
		},
		"also what a schedule started": {
			[]string{"3 main c3 running", "2 main b2 running scheduled", "1 main a1 running manual"},
			SupersededOptions{IncludeScheduled: true}, []string{"3 keep newest", "2 STOP superseded by 3", "1 keep manual"},
		},
		"also what a person started": {
			[]string{"3 main c3 running", "2 main b2 running scheduled", "1 main a1 running manual"},
			SupersededOptions{IncludeManual: true}, []string{"3 keep newest", "2 keep scheduled", "1 STOP superseded by 3"},
		},
		"no branch": {
			[]string{"3 - c3 running", "2 - b2 running", "1 main a1 running"},
			SupersededOptions{}, []string{"3 keep no branch", "2 keep no branch", "1 keep newest"},
		},
		"no revision": {
			[]string{"3 main - running", "2 main - running", "1 main a1 running"},
			SupersededOptions{}, []string{"3 keep no revision", "2 keep no revision", "1 STOP superseded by 3"},
		},
		"the first rule that fits is the one that is named": {
			[]string{
				"9 - - running", "8 main - running", "7 main - running manual", "6 - - running manual", "5 - - running scheduled",
				"4 rel - running manual", "3 rel - running scheduled", "2 rel c3 running", "1 rel c3 running",
			},
			SupersededOptions{Protect: []string{"rel"}},
			[]string{
				"9 keep no branch", "8 keep no revision", "7 keep manual", "6 keep manual", "5 keep scheduled",
				"4 keep protected", "3 keep protected", "2 keep protected", "1 keep protected",
			},
		},
		"newest comes before same revision": {
			[]string{"2 main a1 running", "1 main a1 running"},
			SupersededOptions{Keep: 2}, []string{"2 keep newest", "1 keep newest"},
		},
		"an unknown status is never named, but counts": {
			[]string{"4 main d4 HIBERNATING", "3 main c3 running", "2 main b2 HIBERNATING", "1 main a1 -"},
			SupersededOptions{}, []string{"3 STOP superseded by 4"},
		},
		"what is over is never named": {
			[]string{"9 main i9 running", "8 main a succeeded", "7 main b failed", "6 main c aborted", "5 main d timed_out", "4 main e schedule_failed"},
			SupersededOptions{}, []string{"9 keep newest"},
		},
		"only one's own trigger": {
			[]string{"5 main e5 running merge", "4 main d4 running push", "3 main c3 running merge", "2 main b2 running push", "1 main a1 running tag"},
			SupersededOptions{SameTrigger: true},
			[]string{"5 keep newest", "4 keep newest", "3 STOP superseded by 5", "2 STOP superseded by 4", "1 keep newest"},
		},
		"only one's own trigger, of which two stay": {
			[]string{"5 main e5 running push", "4 main d4 running merge", "3 main c3 running push", "2 main b2 running push"},
			SupersededOptions{SameTrigger: true, Keep: 2},
			[]string{"5 keep newest", "4 keep newest", "3 keep newest", "2 STOP superseded by 5"},
		},
		"only one's own trigger, with another's revision": {
			[]string{"3 main c3 running push", "2 main b2 running merge", "1 main b2 running push"},
			SupersededOptions{SameTrigger: true},
			[]string{"3 keep newest", "2 keep newest", "1 STOP superseded by 3"},
		},
		"only some branches": {
			[]string{"6 main f6 running", "5 main e5 running", "4 feat/x d4 running", "3 feat/x c3 running", "2 feature b2 running", "1 feature a1 running"},
			SupersededOptions{Branches: []string{"feat/*", "nothing"}},
			[]string{"4 keep newest", "3 STOP superseded by 4"},
		},
		"all branches by name": {
			[]string{"2 main b2 running", "1 main a1 running"},
			SupersededOptions{Branches: []string{"*"}}, []string{"2 keep newest", "1 STOP superseded by 2"},
		},
		"a number that is none": {
			[]string{"x main f6 running", "- main f5 running", "2 main b2 running", "1 main a1 running", "0 main z running"},
			SupersededOptions{}, []string{"2 keep newest", "1 STOP superseded by 2"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			builds := planBuilds(t, tt.builds)
			require.NoError(t, tt.rule.validate())
			require.Equal(t, tt.want, planText(decideSuperseded(builds, &tt.rule)))
			require.Equal(t, planBuilds(t, tt.builds), builds, "the builds stay as they were, in their order")

			slices.Reverse(builds)
			require.Equal(t, tt.want, planText(decideSuperseded(builds, &tt.rule)), "the order of the list does not matter")
		})
	}
}

// Whatever the builds are: what is chosen is active, unprotected, of a branch and a revision, and older than a
// build of its branch that stays and has another revision.
func TestB63WhatIsChosenIsPointless(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(63, 1))
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	chosen := 0
	for range 3000 {
		var lines []string
		for no := range rng.Perm(12) {
			lines = append(lines, fmt.Sprintf("%d %s %s %s %s", no+5, pick("main", "x", "-"), pick("a", "b", "c", "-"),
				pick("running", "queued", "succeeded", "HIBERNATING"), pick("push", "merge", "manual", "scheduled")))
		}
		o := &SupersededOptions{
			Keep: rng.IntN(3), Anchor: pick("", "9", "12"), SameTrigger: rng.IntN(2) == 0,
			IncludeManual: rng.IntN(2) == 0, IncludeScheduled: rng.IntN(2) == 0,
		}
		if rng.IntN(3) == 0 {
			o.Protect = []string{"m*"}
		}
		builds := planBuilds(t, lines)
		decisions := decideSuperseded(builds, o)
		for i, d := range decisions {
			require.True(t, d.Build.active(), lines)
			require.True(t, i == 0 || decisions[i-1].Build.number() > d.Build.number(), "newest first: %v", lines)
			if !d.Stop {
				continue
			}
			chosen++
			b := d.Build
			require.False(t, b.Branch == "" || b.Revision == "" || (b.Branch == "main" && o.Protect != nil), lines)
			require.False(t, (b.Trigger == "manual" && !o.IncludeManual) || (b.Trigger == "scheduled" && !o.IncludeScheduled), lines)
			newer := 0
			for _, other := range builds {
				if other.Branch == b.Branch && other.number() > b.number() && (!o.SameTrigger || other.Trigger == b.Trigger) &&
					(o.Anchor == "" || other.number() <= (&Build{BuildNo: o.Anchor}).number()) {
					newer++
				}
			}
			require.GreaterOrEqual(t, newer, max(o.Keep, 1), lines)
		}
	}
	require.Greater(t, chosen, 1000)
}

func TestB64WhatTakesTooLong(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	running := func(no string, d time.Duration) *Build {
		return &Build{BuildNo: no, Status: StatusRunning, QueuedAt: ago(d + 10*time.Hour), StartedAt: ago(d)}
	}
	queued := func(no string, d time.Duration) *Build {
		return &Build{BuildNo: no, Status: StatusQueued, QueuedAt: ago(d)}
	}
	const h, m, s = time.Hour, time.Minute, time.Second
	tests := map[string]struct {
		builds []*Build
		rule   RunawayOptions
		want   []string
	}{
		"nothing": {nil, RunawayOptions{MaxRunning: h}, nil},
		"over and under the limit": {
			[]*Build{running("2", 3*h+41*m+20*s), running("1", 59*m+59*s)},
			RunawayOptions{MaxRunning: h}, []string{"2 STOP running 3h41m", "1 keep running 59m59s"},
		},
		"exactly at the limit": {
			[]*Build{running("2", h), running("1", h+time.Nanosecond)},
			RunawayOptions{MaxRunning: h}, []string{"2 keep running 1h0m", "1 STOP running 1h0m"},
		},
		"two clocks": {
			[]*Build{running("4", 2*h), running("3", 3*h), queued("2", 45*m), queued("1", 20*m)},
			RunawayOptions{MaxRunning: 2*h + 30*m, MaxQueued: 30 * m},
			[]string{"4 keep running 2h0m", "3 STOP running 3h0m", "2 STOP queued 45m0s", "1 keep queued 20m0s"},
		},
		"only the running": {
			[]*Build{running("2", 3*h), queued("1", 300*h)},
			RunawayOptions{MaxRunning: h}, []string{"2 STOP running 3h0m", "1 keep queued 300h0m"},
		},
		"only the queued": {
			[]*Build{running("2", 300*h), queued("1", 3*h)},
			RunawayOptions{MaxQueued: h}, []string{"2 keep running 300h0m", "1 STOP queued 3h0m"},
		},
		"the time in the queue does not count for what runs": {
			[]*Build{{BuildNo: "1", Status: StatusRunning, QueuedAt: ago(9 * h), StartedAt: ago(m)}},
			RunawayOptions{MaxRunning: h, MaxQueued: h}, []string{"1 keep running 1m0s"},
		},
		"a start that nobody knows": {
			[]*Build{{BuildNo: "2", Status: StatusRunning, QueuedAt: ago(9 * h)}, {BuildNo: "1", Status: StatusQueued}},
			RunawayOptions{MaxRunning: h, MaxQueued: h}, []string{"2 keep no start time", "1 keep no start time"},
		},
		"a start in the future": {
			[]*Build{running("1", -5*m)},
			RunawayOptions{MaxRunning: h}, []string{"1 keep running 0s"},
		},
		"unknown and ended": {
			[]*Build{
				{BuildNo: "3", Status: "HIBERNATING", QueuedAt: ago(9 * h), StartedAt: ago(9 * h)}, {BuildNo: "2", QueuedAt: ago(9 * h), StartedAt: ago(9 * h)},
				{BuildNo: "1", Status: StatusFailed, QueuedAt: ago(9 * h), StartedAt: ago(9 * h)},
			},
			RunawayOptions{MaxRunning: h, MaxQueued: h}, nil,
		},
		"exempt": {
			[]*Build{running("3", 9*h), running("2", 9*h), {BuildNo: "1", Status: StatusRunning}},
			RunawayOptions{MaxRunning: h, Exempt: func(b *Build) bool { return b.BuildNo != "2" }},
			[]string{"3 keep exempt", "2 STOP running 9h0m", "1 keep exempt"},
		},
		"numbers are compared as numbers": {
			[]*Build{running("9", 9*h), running("10", 9*h), running("x", 9*h)},
			RunawayOptions{MaxRunning: h}, []string{"10 STOP running 9h0m", "9 STOP running 9h0m"},
		},
		"seconds and parts of them": {
			[]*Build{running("2", 12*s+999*time.Millisecond), running("1", 61*s)},
			RunawayOptions{MaxRunning: s}, []string{"2 STOP running 12s", "1 STOP running 1m1s"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, tt.rule.validate())
			require.Equal(t, tt.want, planText(decideRunaway(tt.builds, &tt.rule, now)))
		})
	}
}

func TestB65BranchPatterns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, branch string
		want            bool
	}{
		{"main", "main", true},
		{"main", "main2", false},
		{"main", "xmain", false},
		{"main", "Main", false},
		{"main", "", false},
		{"*", "", true},
		{"*", "a/b/c", true},
		{"release*", "release/1.0", true},
		{"release*", "release", true},
		{"release*", "a/release", false},
		{"release/*", "release", false},
		{"*/hotfix", "a/b/hotfix", true},
		{"*/hotfix", "hotfix", false},
		{"feat/*/x", "feat/a/b/x", true},
		{"feat/*/x", "feat/x", false},
		{"feat/*x", "feat/axbxc", false},
		{"feat/*x", "feat/axbx", true},
		{"*a*b*", "xxaxxbxx", true},
		{"*a*b*", "xxbxxaxx", false},
		{"**", "x", true},
		{"v?", "v1", true},
		{"v?", "v", false},
		{"v?", "v12", false},
		{"v?", "v/", true},
		{"v?", "vä", true},
		{"?", "中", true},
		{"*?", "", false},
		{"a.c", "abc", false},
		{"[ab]", "a", false},
		{"[ab]", "[ab]", true},
		{`\*`, `\anything`, true},
		{"^a$", "a", false},
		{"", "", true},
		{"", "a", false},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, MatchBranch(tt.pattern, tt.branch), "pattern %q, branch %q", tt.pattern, tt.branch)
	}
	rng := rand.New(rand.NewPCG(65, 1))
	text := func(letters string) string {
		b := make([]byte, rng.IntN(9))
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		return string(b)
	}
	matched := 0
	for range 20_000 {
		pattern, branch := text("ab/*?"), text("ab/")
		quoted := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		want := regexp.MustCompile("^(?s:" + quoted + ")$").MatchString(branch)
		require.Equal(t, want, MatchBranch(pattern, branch), "pattern %q, branch %q", pattern, branch)
		if want {
			matched++
		}
	}
	require.Greater(t, matched, 1000)
}

func TestB65PatternThatCouldTakeLong(t *testing.T) {
	t.Parallel()
	require.False(t, MatchBranch(strings.Repeat("*a", 1000)+"b", strings.Repeat("a", 5000)))
	require.True(t, MatchBranch(strings.Repeat("*a", 1000), strings.Repeat("a", 5000)))
}

const planJob = "48c66c6002964721be537cdc6ce0297b"

// planClient is a client of a service that has the given rows of builds, newest first, in pages, and that
// knows no other call than the list.
func planClient(t *testing.T, rows []string) (*Client, *httpmock.MockTransport) {
	t.Helper()
	transport := httpmock.NewMockTransport()
	transport.RegisterResponder("GET", "https://cloudbuild.example.com/v1/record/"+planJob+"/list", func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, "100", r.URL.Query().Get("page_size"))
		page := rows[min(100, len(rows)):]
		if r.URL.Query().Get("page_index") == "0" {
			page = rows[:min(100, len(rows))]
		}
		return httpmock.NewStringResponse(200, `{"result":{"job_build_states":[`+strings.Join(page, ",")+`]},"status":"success"}`), nil
	})
	client, err := NewClient(WithEndpoint("https://cloudbuild.example.com"), WithTokenSource(StaticToken("token")), WithTransport(transport))
	require.NoError(t, err)
	return client, transport
}

func TestB66PlansOnlyRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var rows []string
		for no := 150; no >= 1; no-- {
			rows = append(rows, fmt.Sprintf(`{"number":%d,"job_running_status":"Running","code_branch":"main","commit_id":"c%d","trigger_type":"push","start_time":%d}`,
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

		time.Sleep(time.Hour)
		plan, err = client.Builds.PlanRunaway(t.Context(), planJob, &RunawayOptions{MaxRunning: 3 * time.Hour})
		require.NoError(t, err)
		require.Equal(t, planJob, plan.JobID)
		require.Equal(t, []string{"150 keep running 1h50m"}, planText(plan.Decisions[:1]))
		require.Equal(t, []string{"81 keep running 2h59m", "80 keep running 3h0m", "79 STOP running 3h1m"}, planText(plan.Decisions[69:72]))

		for call, n := range transport.GetCallCountInfo() {
			require.True(t, strings.HasPrefix(call, "GET ") || n == 0, "%d times %s", n, call)
		}
		require.Equal(t, 4, transport.GetTotalCallCount(), "two pages each, and nothing else")
	})
}

func TestB66PlanThatCannotReadIsNone(t *testing.T) {
	t.Parallel()
	client, transport := planClient(t, nil)
	transport.RegisterResponder("GET", "https://cloudbuild.example.com/v1/record/"+planJob+"/list", httpmock.NewStringResponder(403, `{}`))
	plan, err := client.Builds.PlanSuperseded(t.Context(), planJob, nil)
	require.ErrorIs(t, err, ErrForbidden)
	require.Nil(t, plan)
	plan, err = client.Builds.PlanRunaway(t.Context(), planJob, &RunawayOptions{MaxRunning: time.Hour})
	require.ErrorIs(t, err, ErrForbidden)
	require.Nil(t, plan)
}

func TestB66RulesThatAreRefused(t *testing.T) {
	t.Parallel()
	client, transport := planClient(t, nil)
	superseded := map[string]SupersededOptions{
		"a negative number to keep":    {Keep: -1},
		"an anchor that is no number":  {Anchor: "latest"},
		"an anchor that is zero":       {Anchor: "0"},
		"an anchor that is a daily":    {Anchor: "20261124.3"},
		"an empty pattern":             {Branches: []string{"main", ""}},
		"an empty pattern to protect":  {Protect: []string{""}},
		"an anchor with a sign":        {Anchor: "+5"},
		"an anchor that is too large":  {Anchor: "2147483648"},
		"an anchor that is a fraction": {Anchor: "1.5"},
	}
	for name, in := range superseded {
		plan, err := client.Builds.PlanSuperseded(t.Context(), planJob, &in)
		require.ErrorIs(t, err, ErrInvalidArgument, name)
		require.ErrorContains(t, err, "ListBuildInfoRecordByJobId", name)
		require.Nil(t, plan)
	}
	runaway := map[string]*RunawayOptions{
		"nothing":            nil,
		"no limit":           {},
		"only exemptions":    {Exempt: func(*Build) bool { return false }},
		"a negative limit":   {MaxRunning: -1},
		"one of them":        {MaxRunning: time.Hour, MaxQueued: -1},
		"the other negative": {MaxRunning: -1, MaxQueued: time.Hour},
	}
	for name, in := range runaway {
		plan, err := client.Builds.PlanRunaway(t.Context(), planJob, in)
		require.ErrorIs(t, err, ErrInvalidArgument, name)
		require.Nil(t, plan)
	}
	for _, job := range []string{"", "..", planJob + "0"} {
		_, err := client.Builds.PlanSuperseded(t.Context(), job, nil)
		require.ErrorIs(t, err, ErrInvalidArgument, "job %q", job)
		_, err = client.Builds.PlanRunaway(t.Context(), job, &RunawayOptions{MaxQueued: time.Hour})
		require.ErrorIs(t, err, ErrInvalidArgument, "job %q", job)
	}
	var none context.Context
	_, err := client.Builds.PlanSuperseded(none, planJob, nil)
	require.ErrorIs(t, err, ErrInvalidArgument)
	require.Zero(t, transport.GetTotalCallCount(), "refused before anything is read")
}
