package codeartsbuild

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each word of the service is a known status, or stays as it is and is not terminal.
func FuzzBuildStatus(f *testing.F) {
	for word := range statusWords {
		f.Add(word)
		f.Add(strings.ToUpper(word))
	}
	for _, word := range []string{"", " ", "SCHEDULE_FAILURE", "Schedule Failed", "succeeded ", "PAUSED", "已暂停", "success\x00"} {
		f.Add(word)
	}
	known := []BuildStatus{StatusQueued, StatusRunning, StatusSucceeded, StatusFailed, StatusAborted, StatusTimedOut, StatusScheduleFailed}
	f.Fuzz(func(t *testing.T, word string) {
		var status, again BuildStatus
		require.NoError(t, status.UnmarshalText([]byte(word)))
		if !slices.Contains(known, status) && (string(status) != strings.TrimSpace(word) || status.Terminal()) {
			t.Fatalf("%q is %q, terminal %t", word, status, status.Terminal())
		}
		require.NoError(t, again.UnmarshalText([]byte(status)))
		if again != status {
			t.Fatalf("%q is %q, and that is %q", word, status, again)
		}
	})
}
