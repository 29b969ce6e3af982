package loosejson

import (
	"strconv"
	"strings"
	"time"
)

// serviceZone is the zone of the service's wall clock, in which it writes the times without a zone.
var serviceZone = time.FixedZone("UTC+8", 8*60*60)

// timeLayouts are the spellings of the service. Each also matches a time with a fraction of a second, and
// one with leading zeros.
var timeLayouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2006-1-2 15:04:05",
	"2006-1-2 15:04:05Z07:00",
	"2006-1-2 15:04:05Z0700",
	"2006/1/2 15:04:05",
	"2006-1-2 15:04",
	"2006-1-2",
	"2006/1/2",
	"Jan 2, 2006 3:04:05 PM",
	"Jan 2, 2006, 3:04:05 PM",
}

// maxTimeText is more than the longest spelling takes, white space included.
const maxTimeText = 64

// Time reads a time in any spelling of the service: its layouts, and seconds or milliseconds since 1970. The
// result is in UTC. A text without a zone is a time in UTC+8.
//
// Any other text is the zero time, since a time that cannot be read must not fail a call. A time before 1990
// is the zero time as well: the service writes 1970 or the year 1 for a time that does not exist, as
// "1970-01-01 08:00:00", "0001-01-01T08:05:43+08:05", 1000 or 28800000.
func Time(text string) time.Time {
	if len(text) > maxTimeText {
		return time.Time{}
	}
	text = strings.Join(strings.Fields(text), " ")
	t := parseTime(text)
	if year := t.Year(); year < 1990 || year > 9999 { // the text form of a time ends at 9999
		return time.Time{}
	}
	return t
}

func parseTime(text string) time.Time {
	if len(text) == len(compact) { // as milliseconds it would be after the year 2286
		if t, err := time.ParseInLocation(compact, text, serviceZone); err == nil {
			return t.UTC()
		}
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil && strings.Trim(fraction, "0123456789") == "" {
		return epoch(n, fraction)
	}
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, text, serviceZone); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// compact is a time without anything between its parts.
const compact = "20060102150405"

// epoch reads seconds or milliseconds since 1970. The size tells them apart: the seconds of the year 3058
// are the milliseconds of January 1971.
func epoch(n int64, fraction string) time.Time {
	if n >= 1<<35 {
		return time.UnixMilli(n).UTC()
	}
	part, _ := time.ParseDuration("0." + fraction + "s")
	return time.Unix(n, int64(part)).UTC()
}
