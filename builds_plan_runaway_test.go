package codeartsbuild

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// B64: builds that take too long.
func TestDecideRunaway(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) time.Time { return planWindow.now.Add(-d) }
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
			RunawayOptions{MaxRunning: h}, []string{"2 STOP running 3h41m", "1 keep within limit"},
		},
		"exactly at the limit": {
			[]*Build{running("2", h), running("1", h+time.Nanosecond)},
			RunawayOptions{MaxRunning: h}, []string{"2 keep within limit", "1 STOP running 1h0m"},
		},
		"two clocks": {
			[]*Build{running("4", 2*h), running("3", 3*h), queued("2", 45*m), queued("1", 20*m)},
			RunawayOptions{MaxRunning: 2*h + 30*m, MaxQueued: 30 * m},
			[]string{"4 keep within limit", "3 STOP running 3h0m", "2 STOP queued 45m0s", "1 keep within limit"},
		},
		"only the running": {
			[]*Build{running("2", 3*h), queued("1", 300*h)},
			RunawayOptions{MaxRunning: h}, []string{"2 STOP running 3h0m", "1 keep within limit"},
		},
		"only the queued": {
			[]*Build{running("2", 300*h), queued("1", 3*h)},
			RunawayOptions{MaxQueued: h}, []string{"2 keep within limit", "1 STOP queued 3h0m"},
		},
		"the time in the queue does not count for a running build": {
			[]*Build{{BuildNo: "1", Status: StatusRunning, QueuedAt: ago(9 * h), StartedAt: ago(m)}},
			RunawayOptions{MaxRunning: h, MaxQueued: h}, []string{"1 keep within limit"},
		},
		"a start that is not known": {
			[]*Build{{BuildNo: "2", Status: StatusRunning, QueuedAt: ago(9 * h)}, {BuildNo: "1", Status: StatusQueued}},
			RunawayOptions{MaxRunning: h, MaxQueued: h}, []string{"2 keep no start time", "1 keep no start time"},
		},
		"a start in the future": {
			[]*Build{running("1", -5*m)},
			RunawayOptions{MaxRunning: h}, []string{"1 keep no start time"},
		},
		"a start in the near future": {
			[]*Build{running("1", -59*s)},
			RunawayOptions{MaxRunning: h}, []string{"1 keep within limit"},
		},
		"a start before the window": {
			[]*Build{running("3", 31*24*h+59*m), running("2", 31*24*h+61*m), queued("1", 31*24*h+61*m)},
			RunawayOptions{MaxRunning: h, MaxQueued: h}, []string{"3 STOP running 744h59m", "2 keep no start time", "1 keep no start time"},
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
		"protected before exempt": {
			[]*Build{{BuildNo: "3", Branch: "release/1.0", Status: StatusRunning}, {BuildNo: "2", Branch: "main", Status: StatusRunning}, {BuildNo: "1", Status: StatusRunning, StartedAt: ago(9 * h)}},
			RunawayOptions{MaxRunning: h, Protect: []string{"release*"}, Exempt: func(b *Build) bool { return b.Branch != "" }},
			[]string{"3 keep protected", "2 keep exempt", "1 STOP running 9h0m"},
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
			require.Equal(t, tt.want, planText(decideRunaway(tt.builds, &tt.rule, planWindow)))
		})
	}
}
