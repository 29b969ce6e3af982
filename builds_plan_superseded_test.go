package codeartsbuild

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// B63: a build that finished without a start, with a word that is not known here, never ran and supersedes nothing.
func TestBuildsThatWereSkippedSupersedeNothing(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	older := &Build{BuildNo: "1", Status: StatusRunning, Branch: "main", Revision: "a1", Trigger: "push", StartedAt: at}
	tests := map[string]struct {
		newer Build
		stop  bool
	}{
		"skipped":               {Build{Status: "SKIPPED", FinishedAt: at}, false},
		"skipped, by the list":  {*(&buildRow{State: "SKIPPED", Progress: "Finished"}).seen(at), false},
		"stopped in the queue":  {Build{FinishedAt: at}, false},
		"an unknown end":        {Build{Status: "UNSTABLE", StartedAt: at, FinishedAt: at}, true},
		"an unknown word":       {Build{Status: "HIBERNATING"}, true},
		"succeeded, no times":   {Build{Status: StatusSucceeded}, true},
		"a blank in its commit": {(&buildRow{Number: "2", Progress: StatusRunning, Revision: " "}).build(), false},
	}
	for name, tt := range tests {
		newer := tt.newer
		newer.BuildNo, newer.Branch, newer.Trigger = "2", "main", "push"
		if name != "a blank in its commit" {
			newer.Revision = "b2"
		}
		for _, d := range decideSuperseded([]*Build{older, &newer}, &SupersededOptions{}, window{from: at.Add(-time.Hour), now: at.Add(time.Hour)}) {
			require.Equal(t, d.Build == older && tt.stop, d.Stop, "%s: %s", name, d)
		}
	}
}

// B63
func TestDecideSuperseded(t *testing.T) {
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
		"newer builds that have run": {
			[]string{"9 a b2 failed", "8 a a1 running", "7 b b2 timed_out", "6 b a1 running"},
			SupersededOptions{}, []string{"8 STOP superseded by 9", "6 STOP superseded by 7"},
		},
		"newer builds that were aborted": {
			[]string{"3 main c3 aborted", "2 main b2 running", "1 main a1 running"},
			SupersededOptions{}, []string{"2 keep newest", "1 STOP superseded by 2"},
		},
		"newer builds that were never scheduled": {
			[]string{"4 main d4 schedule_failed", "3 main c3 schedule_failed", "2 main b2 queued", "1 main a1 running"},
			SupersededOptions{}, []string{"2 keep newest", "1 STOP superseded by 2"},
		},
		"newer builds without a revision": {
			[]string{"3 main - queued", "2 main - succeeded", "1 main a1 running"},
			SupersededOptions{}, []string{"3 keep no revision", "1 keep newest"},
		},
		"builds that never ran are not among the newest that stay": {
			[]string{"6 main f6 aborted", "5 main e5 running", "4 main - queued", "3 main c3 schedule_failed", "2 main b2 running", "1 main a1 running"},
			SupersededOptions{Keep: 2}, []string{"5 keep newest", "4 keep no revision", "2 keep newest", "1 STOP superseded by 5"},
		},
		"a lower number that began later": {
			[]string{"3 main c3 running push 10:00", "2 main b2 running push 10:05", "1 main a1 running push 09:00"},
			SupersededOptions{}, []string{"3 keep newest", "2 keep newest", "1 STOP superseded by 3"},
		},
		"a lower number that began later than one that has finished": {
			[]string{"2 main b2 failed push 10:00", "1 main a1 running push 10:01"},
			SupersededOptions{}, []string{"1 keep newest"},
		},
		"a lower number that was queued later": {
			[]string{"2 main b2 queued push 10:00", "1 main a1 queued push 10:01"},
			SupersededOptions{}, []string{"2 keep newest", "1 keep newest"},
		},
		"a lower number that began at the same time": {
			[]string{"2 main b2 running push 10:00", "1 main a1 running push 10:00"},
			SupersededOptions{}, []string{"2 keep newest", "1 STOP superseded by 2"},
		},
		"a lower number that began while the newest waits": {
			[]string{"2 main b2 queued push 10:00", "1 main a1 running push 10:01"},
			SupersededOptions{}, []string{"2 keep newest", "1 STOP superseded by 2"},
		},
		"a lower number that waits while the newest runs": {
			[]string{"2 main b2 running push 10:00", "1 main a1 queued push 10:01"},
			SupersededOptions{}, []string{"2 keep newest", "1 STOP superseded by 2"},
		},
		"a lower number whose later start cannot be": {
			[]string{"2 main b2 running push 10:00", "1 main a1 running push 23:00"},
			SupersededOptions{}, []string{"2 keep newest", "1 STOP superseded by 2"},
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
		"the newest builds are counted up to the anchor": {
			[]string{"4 main d running", "3 main c running", "2 main b running", "1 main a running"},
			SupersededOptions{Anchor: "3", Keep: 2}, []string{"3 keep newest", "2 keep newest", "1 STOP superseded by 3"},
		},
		"two stay": {
			[]string{"4 main d4 running", "3 main c3 queued", "2 main b2 running", "1 main a1 queued"},
			SupersededOptions{Keep: 2}, []string{"4 keep newest", "3 keep newest", "2 STOP superseded by 4", "1 STOP superseded by 4"},
		},
		"two stay, one of them finished": {
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
		"the same revision, abbreviated": {
			[]string{"4 main 0123456789abcdef running", "3 main 0123456 running", "2 main 0123456789ABCDEF0 running", "1 main 012345 running"},
			SupersededOptions{}, []string{"4 keep newest", "3 keep same revision", "2 keep same revision", "1 STOP superseded by 4"},
		},
		"the same revision as an abbreviated one": {
			[]string{"3 main 0123456 running", "2 main 0123456789abcdef running", "1 main 0123457789abcdef running"},
			SupersededOptions{}, []string{"3 keep newest", "2 keep same revision", "1 STOP superseded by 3"},
		},
		"the same revision as one that has finished": {
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
			SupersededOptions{Protect: []string{"refs/heads/main", "release*"}},
			[]string{
				"6 keep protected", "5 keep protected", "4 keep protected", "3 keep protected",
				"2 keep newest", "1 STOP superseded by 2",
			},
		},
		"builds that a schedule or a person started stay": {
			[]string{"3 main c3 running", "2 main b2 running scheduled", "1 main a1 running manual"},
			SupersededOptions{}, []string{"3 keep newest", "2 keep scheduled", "1 keep manual"},
		},
		"also builds that a schedule started": {
			[]string{"3 main c3 running", "2 main b2 running scheduled", "1 main a1 running manual"},
			SupersededOptions{IncludeScheduled: true}, []string{"3 keep newest", "2 STOP superseded by 3", "1 keep manual"},
		},
		"also builds that a person started": {
			[]string{"3 main c3 running", "2 main b2 running scheduled", "1 main a1 running manual"},
			SupersededOptions{IncludeManual: true}, []string{"3 keep newest", "2 keep scheduled", "1 STOP superseded by 3"},
		},
		"no branch": {
			[]string{"3 - c3 running", "2 - b2 running", "1 main a1 running"},
			SupersededOptions{}, []string{"3 keep no branch", "2 keep no branch", "1 keep newest"},
		},
		"no revision": {
			[]string{"3 main - running", "2 main - running", "1 main a1 running"},
			SupersededOptions{}, []string{"3 keep no revision", "2 keep no revision", "1 keep newest"},
		},
		"the first rule that fits is the one that is named": {
			[]string{
				"12 - - running -", "11 main - running -", "10 rel c3 running -",
				"9 - - running", "8 main - running", "7 main - running manual", "6 - - running manual", "5 - - running scheduled",
				"4 rel - running manual", "3 rel - running scheduled", "2 rel c3 running", "1 rel c3 running",
			},
			SupersededOptions{Protect: []string{"rel"}},
			[]string{
				"12 keep no trigger", "11 keep no trigger", "10 keep protected",
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
		"finished builds are never named": {
			[]string{"9 main i9 running", "8 main a succeeded", "7 main b failed", "6 main c aborted", "5 main d timed_out", "4 main e schedule_failed"},
			SupersededOptions{}, []string{"9 keep newest"},
		},
		"no trigger": {
			[]string{"3 main c3 running", "2 main b2 running -", "1 main a1 running"},
			SupersededOptions{}, []string{"3 keep newest", "2 keep no trigger", "1 STOP superseded by 3"},
		},
		"also those without a trigger": {
			[]string{"3 main c3 running -", "2 main b2 running -", "1 main a1 running manual"},
			SupersededOptions{IncludeNoTrigger: true}, []string{"3 keep newest", "2 STOP superseded by 3", "1 keep manual"},
		},
		"a newer build without a trigger": {
			[]string{"2 main b2 running -", "1 main a1 running"},
			SupersededOptions{}, []string{"2 keep no trigger", "1 STOP superseded by 2"},
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
		"numbers that are not valid": {
			[]string{"x main f6 running", "- main f5 running", "2 main b2 running", "1 main a1 running", "0 main z running"},
			SupersededOptions{}, []string{"2 keep newest", "1 STOP superseded by 2"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			builds := planBuilds(t, tt.builds)
			require.NoError(t, tt.rule.validate())
			require.Equal(t, tt.want, planText(decideSuperseded(builds, &tt.rule, planWindow)))
			require.Equal(t, planBuilds(t, tt.builds), builds, "the builds stay as they were, in their order")

			slices.Reverse(builds)
			require.Equal(t, tt.want, planText(decideSuperseded(builds, &tt.rule, planWindow)), "the order of the list does not matter")
		})
	}
}

// B63: a chosen build is active, unprotected, of a branch and a revision, and older than Keep builds of its branch
// that have run or can still run.
func TestDecideSupersededChoosesOnlyPointlessBuilds(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(63, 1))
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	chosen := 0
	for range 6000 {
		var lines []string
		for no := range rng.Perm(12) {
			lines = append(lines, fmt.Sprintf("%d %s %s %s %s", no+5, pick("main", "x", "-"), pick("a", "b", "c", "-"),
				pick("running", "queued", "succeeded", "HIBERNATING", "aborted", "schedule_failed"), pick("push", "merge", "manual", "scheduled")))
		}
		o := &SupersededOptions{
			Keep: rng.IntN(3), Anchor: pick("", "9", "12"), SameTrigger: rng.IntN(2) == 0,
			IncludeManual: rng.IntN(2) == 0, IncludeScheduled: rng.IntN(2) == 0,
		}
		if rng.IntN(3) == 0 {
			o.Protect = []string{"m*"}
		}
		builds := planBuilds(t, lines)
		decisions := decideSuperseded(builds, o, planWindow)
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
				if other.Branch == b.Branch && other.number() > b.number() && other.mayRun() && other.Revision != "" && (!o.SameTrigger || other.Trigger == b.Trigger) &&
					(o.Anchor == "" || other.number() <= (&Build{BuildNo: o.Anchor}).number()) {
					newer++
				}
			}
			require.GreaterOrEqual(t, newer, max(o.Keep, 1), lines)
		}
	}
	require.Greater(t, chosen, 500)
}
