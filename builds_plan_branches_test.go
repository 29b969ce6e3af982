package codeartsbuild

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// B65: patterns of branches.
func TestMatchBranch(t *testing.T) {
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
		{"refs/heads/main", "main", true},
		{"refs/heads/main", "refs/heads/main", true},
		{"refs/heads/release/*", "release/1.0", true},
		{"release/*", "refs/heads/release/1.0", true},
		{"*", "refs/heads/main", true},
		{"refs/*", "main", false},
		{"heads/main", "main", false},
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

func TestMatchBranchTakesLinearTime(t *testing.T) {
	t.Parallel()
	require.False(t, MatchBranch(strings.Repeat("*a", 1000)+"b", strings.Repeat("a", 5000)))
	require.True(t, MatchBranch(strings.Repeat("*a", 1000), strings.Repeat("a", 5000)))
}

// A pattern that no branch can match protects nothing.
func TestPatternsThatNoBranchCanMatch(t *testing.T) {
	t.Parallel()
	rejected := map[string]string{ // and the part that the error shows
		" release/*": `' '`, "release/* ": `' '`, "release/*\n": `'\n'`, "\trelease/*": `'\t'`, "main, release/*": `' '`,
		"\u00a0main": `'\u00a0'`, "main\u3000": `'\u3000'`, "\ufeffmain": `'\ufeff'`, "main\u200b": `'\u200b'`,
		"re\x00lease": `'\x00'`, "re\rlease": `'\r'`, "re\x7flease": `'\x7f'`, "re\u0085lease": `'\u0085'`,
		"/release/*": `"/" at its start`, "release/": `"/" at its end`, "release//*": `"//"`,
		"release/1.[0-9]": `'['`, "^release/.*$": `'^'`, "release/.+$": `'$'`, "main$": `'$'`, `release\/*`: `'\\'`, "release/.*": `"/."`,
		"release/1..2": `".."`, "HEAD~1": `'~'`, "a:b": `':'`, "main@{1}": `"@{"`, ".*": `"." at its start`, "-x": `"-" at its start`,
		"main.": `"." at its end`, "main.lock": `".lock" at its end`, "a.lock/b": `".lock/"`, "refs/tags/*": `"refs/" at its start`,
		"refs/heads/ main": `' '`, "refs/heads//main": `"/" at its start`, "re\xe4lease": "not UTF-8",
	}
	for pattern, part := range rejected {
		for name, err := range map[string]error{
			"Protect of superseded":  (&SupersededOptions{Protect: []string{"main", pattern}}).validate(),
			"Branches of superseded": (&SupersededOptions{Branches: []string{pattern}}).validate(),
			"Protect of branches":    (&BranchOptions{Branches: []string{"x"}, Protect: []string{pattern}}).validate(),
			"Branches of branches":   (&BranchOptions{Branches: []string{pattern}}).validate(),
			"Protect of a project":   (&ProjectOptions{Superseded: &SupersededOptions{Protect: []string{pattern}}}).validate(),
		} {
			require.ErrorIs(t, err, ErrInvalidArgument, "%s %q", name, pattern)
			require.ErrorContains(t, err, part, "%s %q", name, pattern)
			require.NotContains(t, err.Error(), "\n")
		}
	}
	for _, pattern := range []string{"", "refs/heads/"} {
		require.ErrorContains(t, checkPattern("Protect", pattern), "empty", "%q", pattern)
	}
	for _, pattern := range []string{
		"main", "*", "**", "?", "release/*", "*/hotfix", "v?.?", "refs/heads/release/*", "feat/x+y", "feat(login)/x", "a,b", "{x}", "x]", "!x", "@", "#12",
		"feat/中文", "feat/a\u00a0b", "👩‍🔧/x", "a.b", "x-", "a.lockstep", "HEAD", "%s", "\ufffd",
	} {
		require.NoError(t, checkPattern("Protect", pattern), "%q", pattern)
	}
}

func TestDecideBranches(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		builds []string
		rule   BranchOptions
		want   []string
	}{
		"nothing": {nil, BranchOptions{Branches: []string{"x"}}, nil},
		"all active builds of the branch": {
			[]string{"5 x e5 running", "4 x e5 queued", "3 x - running", "2 y b2 running", "1 x a1 running"},
			BranchOptions{Branches: []string{"x"}}, []string{"5 STOP branch", "4 STOP branch", "3 STOP branch", "1 STOP branch"},
		},
		"several branches, by patterns": {
			[]string{"4 feat/x d4 running", "3 fix/y c3 running", "2 feature b2 running", "1 z a1 running"},
			BranchOptions{Branches: []string{"feat/*", "refs/heads/fix/?"}}, []string{"4 STOP branch", "3 STOP branch"},
		},
		"finished and unknown builds are never named": {
			[]string{"5 x a HIBERNATING", "4 x a succeeded", "3 x a aborted", "2 x a schedule_failed", "1 x a -"},
			BranchOptions{Branches: []string{"x"}}, nil,
		},
		"protected branches": {
			[]string{"2 release/1.0 b2 running", "1 feat/x a1 running"},
			BranchOptions{Branches: []string{"*"}, Protect: []string{"release/*"}}, []string{"2 keep protected", "1 STOP branch"},
		},
		"those that a person, a schedule or an unknown trigger started": {
			[]string{"4 x d4 running manual", "3 x c3 running scheduled", "2 x b2 running -", "1 x a1 running"},
			BranchOptions{Branches: []string{"x"}}, []string{"4 keep manual", "3 keep scheduled", "2 keep no trigger", "1 STOP branch"},
		},
		"also those that a person started": {
			[]string{"3 x d4 running manual", "2 x c3 running scheduled", "1 x b2 running -"},
			BranchOptions{Branches: []string{"x"}, IncludeManual: true}, []string{"3 STOP branch", "2 keep scheduled", "1 keep no trigger"},
		},
		"also those that a schedule started": {
			[]string{"3 x d4 running manual", "2 x c3 running scheduled", "1 x b2 running -"},
			BranchOptions{Branches: []string{"x"}, IncludeScheduled: true}, []string{"3 keep manual", "2 STOP branch", "1 keep no trigger"},
		},
		"also those without a trigger": {
			[]string{"3 x d4 running manual", "2 x c3 running scheduled", "1 x b2 running -"},
			BranchOptions{Branches: []string{"x"}, IncludeNoTrigger: true}, []string{"3 keep manual", "2 keep scheduled", "1 STOP branch"},
		},
		"no branch": {
			[]string{"2 - b2 running", "1 x a1 running"},
			BranchOptions{Branches: []string{"*"}}, []string{"2 keep no branch", "1 STOP branch"},
		},
		"numbers are compared as numbers": {
			[]string{"9 x a running", "10 x b running", "0 x c running"},
			BranchOptions{Branches: []string{"x"}}, []string{"10 STOP branch", "9 STOP branch"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, tt.rule.validate())
			require.Equal(t, tt.want, planText(decideBranches(planBuilds(t, tt.builds), &tt.rule, planWindow)))
		})
	}
}
