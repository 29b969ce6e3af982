package codeartsbuildtest

import (
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// The service spells the state of a build in a different way per call. A status that is none of the
// constants is its own word everywhere.

// spelling is how the calls spell one status.
type spelling struct {
	record  string // the record calls and ShowBuildDetails
	state   string // the history lists, which tell the result …
	running string // … from what the build is doing
	last    string // the job lists
	code    int    // status_code of the record calls; only two values are documented, others are sent as 0
}

var spellings = map[codeartsbuild.BuildStatus]spelling{
	codeartsbuild.StatusQueued:         {"QUEUED", "", "InQueue", "building", 0},
	codeartsbuild.StatusRunning:        {"RUNNING", "", "Running", "building", 0},
	codeartsbuild.StatusSucceeded:      {"SUCCESS", "SUCCESS", "Finished", "blue", 5},
	codeartsbuild.StatusFailed:         {"FAILURE", "FAILURE", "Finished", "red", 0},
	codeartsbuild.StatusAborted:        {"ABORTED", "ABORTED", "Finished", "aborted", 8},
	codeartsbuild.StatusTimedOut:       {"TIMEOUT", "TIMEOUT", "Finished", "timeout", 0},
	codeartsbuild.StatusScheduleFailed: {"SCHEDULE_FAILURE", "SCHEDULE_FAILURE", "Finished", "red", 0},
}

func spell(status codeartsbuild.BuildStatus) spelling {
	if known, ok := spellings[status]; ok {
		return known
	}
	word := string(status)
	return spelling{record: word, state: word, running: word, last: word}
}

// triggerWord spells a trigger. Only manual differs between calls.
func triggerWord(trigger, manual string) string {
	switch trigger {
	case codeartsbuild.TriggerManual:
		return manual
	case codeartsbuild.TriggerScheduled:
		return "定时触发"
	}
	return trigger
}

const (
	manualInRecords = "MANUAL"
	manualInLists   = "Manual"
)

// serviceZone is where the wall clocks of the service hang.
var serviceZone = time.FixedZone("UTC+8", 8*60*60)

// wallClock is how queries spell a time.
const wallClock = "2006-01-02 15:04:05"

// recordTime spells a time in records; the zero time is null.
func recordTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format("2006-01-02T15:04:05.000+00:00")
	return &text
}

// epochMillis spells a time in lists; the zero time is 0.
func epochMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
