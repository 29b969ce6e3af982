package codeartsbuild

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// In lists and records.
func TestTriggersThatPlansSpare(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		TriggerManual: {
			"manual", "MANUAL", "Manual", "手工触发", "手动触发", "手动执行", "手动", "Manual Trigger", "MANUAL_TRIGGER", "manual-run",
			" m a n u a l ", "Manually", "手 动", "WEB_MANUAL", "Manual\u00a0Trigger", "\u3000手工",
			"MAN\u2013UAL", "Man\u2011ual Trigger", "m\u200banual", "\ufeff手\u200d动",
		},
		TriggerScheduled: {
			"schedule", "SCHEDULED", "timer", "cron", "定时触发", "定时执行", "定时", "TIMER_TRIGGER", "Scheduler", "by-schedule", "Cron Job",
			"CRON_EXPRESSION", "定 时 任 务", "time_r", "定\u2014时", "cr\u00adon",
		},
		"": {"", " ", "-", "_", "\t\n", " - _ ", "\u2014", "\u200b", "\ufeff", "\u00ad", "?"},
	}
	for want, words := range tests {
		for _, word := range words {
			require.Equal(t, want, (&buildRow{Trigger: word}).build().Trigger, "%q in a list", word)
			require.Equal(t, want, (&buildRecord{TriggerType: word}).build().Trigger, "%q in a record", word)
		}
	}
	for _, word := range []string{"Push", "CODEHUB_PUSH", "代码提交触发", "merge request", "time", "man"} {
		require.Equal(t, word, parseTrigger(" "+word+" "), "kept as it is")
	}
}

// Git's full name of a branch is the branch.
func TestFullNamesOfBranches(t *testing.T) {
	t.Parallel()
	for spelled, want := range map[string]string{
		"refs/heads/release/1.0": "release/1.0", "release/1.0": "release/1.0", " refs/heads/main\n": "main", "refs/heads/": "", "refs/tags/v1": "refs/tags/v1",
		"heads/main": "heads/main", "refs/heads/refs/heads/x": "refs/heads/x", "": "",
	} {
		require.Equal(t, want, (&buildRow{Branch: spelled}).build().Branch, "%q in a list", spelled)
		require.Equal(t, want, (&buildRecord{Branch: spelled}).build().Branch, "%q in a record", spelled)
	}
}
