package codeartsbuild

import (
	"strconv"
	"strings"
	"time"
)

// serviceZone is the zone of the service's wall clock, in which it reads and writes times that name none.
var serviceZone = time.FixedZone("UTC+8", 8*60*60)

// wallClock is how queries of the service spell a time.
const wallClock = "2006-01-02 15:04:05"

// timeLayouts are the spellings seen in answers. Parsing accepts a fraction of a second with each.
var timeLayouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2006-1-2 15:04:05",
	"2006-1-2 15:04",
	"2006-01-02",
	"Jan 2, 2006 3:04:05 PM",
	"Jan 2, 2006, 3:04:05 PM",
}

// parseTime reads a time in any spelling of the service. What is no time reads as the zero time: a field
// that nobody may need must not fail a call.
func parseTime(text string) time.Time {
	text = strings.Join(strings.Fields(text), " ")
	if n, err := strconv.ParseInt(strings.TrimSuffix(text, ".0"), 10, 64); err == nil {
		return epoch(n)
	}
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, text, serviceZone); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// epoch reads seconds or milliseconds since 1970. The size tells them apart: what is the year 3058 in
// seconds is January 1971 in milliseconds.
func epoch(n int64) time.Time {
	switch {
	case n <= 0:
		return time.Time{}
	case n < 1<<35:
		return time.Unix(n, 0).UTC()
	case n < 1<<47:
		return time.UnixMilli(n).UTC()
	}
	return time.Time{}
}

// A flexibleTime is a time in any spelling; null, "" and nonsense are the zero time.
type flexibleTime struct{ time.Time }

func (t *flexibleTime) UnmarshalJSON(data []byte) error {
	var s flexibleString
	_ = s.UnmarshalJSON(data) // never fails
	t.Time = parseTime(string(s))
	return nil
}
