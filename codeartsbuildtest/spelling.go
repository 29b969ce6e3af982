package codeartsbuildtest

import (
	"strconv"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// The service spells the state of a build in a different way per call. A status besides the
// constants is its own word everywhere.

// spelling is how the calls spell one status.
type spelling struct {
	record  string // the record calls and ShowBuildDetails
	state   string // the history lists, which tell the result …
	running string // … from the progress of the build
	last    string // the job lists
	step    string // the steps of ShowHistoryDetails
	code    int    // status_code of the record calls; only two values are documented, others are sent as 0
}

var spellings = map[codeartsbuild.BuildStatus]spelling{
	codeartsbuild.StatusQueued:         {"QUEUED", "", "InQueue", "building", "", 0},
	codeartsbuild.StatusRunning:        {"RUNNING", "", "Running", "building", "running", 0},
	codeartsbuild.StatusSucceeded:      {"SUCCESS", "SUCCESS", "Finished", "blue", "success", 5},
	codeartsbuild.StatusFailed:         {"FAILURE", "FAILURE", "Finished", "red", "error", 0},
	codeartsbuild.StatusAborted:        {"ABORTED", "ABORTED", "Finished", "aborted", "error", 8},
	codeartsbuild.StatusTimedOut:       {"TIMEOUT", "TIMEOUT", "Finished", "timeout", "error", 0},
	codeartsbuild.StatusScheduleFailed: {"SCHEDULE_FAILURE", "SCHEDULE_FAILURE", "Finished", "red", "error", 0},
}

func spell(status codeartsbuild.BuildStatus) spelling {
	if known, ok := spellings[status]; ok {
		return known
	}
	word := string(status)
	return spelling{record: word, state: word, running: word, last: word, step: word}
}

// statusOf turns one of the service's own words, such as "SUCCESS", into the status that it means to a client. Other
// words stay.
func statusOf(word codeartsbuild.BuildStatus) codeartsbuild.BuildStatus {
	var status codeartsbuild.BuildStatus
	_ = status.UnmarshalText([]byte(word)) // it never fails
	return status
}

// pushTrigger stands for a trigger that is not given. How the live service calls a push is not known.
const pushTrigger = "Push"

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
	manualInRecords  = "MANUAL"
	manualInLists    = "Manual"
	manualInOldLists = "手工触发"
)

// serviceZone is the time zone of the service's wall clock.
var serviceZone = time.FixedZone("UTC+8", 8*60*60)

const (
	wallClock = "2006-01-02 15:04:05" // a time in queries
	wallDate  = "2006-01-02"          // a date in queries
)

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

// epochSeconds spells a time in the recycle bin and of files: a text.
func epochSeconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// wallTime spells a time in the recycle bin.
func wallTime(t time.Time) string { return t.In(serviceZone).Format(wallClock) }

// zoneTime spells a time of groups and of short records, without a colon in its zone; the zero time is null.
func zoneTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.In(serviceZone).Format("2006-01-02T15:04:05-0700")
	return &text
}

// oldTime spells a time of the v3 history calls; the zero time is empty.
func oldTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(serviceZone).Format(time.RFC3339)
}
