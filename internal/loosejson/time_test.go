package loosejson_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// B40: every spelling of the service is the same instant.
func TestTimeReadsEverySpelling(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"2022-10-11T08:28:42Z", "2022-10-11T08:28:42.000Z", "2022-10-11T08:28:42.000000Z", "2022-10-11T08:28:42.000+00:00",
		"2022-10-11T16:28:42+08:00", "2022-10-11T16:28:42+0800", "2022-10-11T16:28:42.000+0800", "2022-10-11T00:28:42-08:00",
		"2022-10-11T16:28:42", "2022-10-11 16:28:42", "2022-10-11 16:28:42.0", " 2022-10-11  16:28:42\n",
		"2022-10-11 08:28:42Z", "2022-10-11 16:28:42+08:00", "2022-10-11 16:28:42.0+0800", "2022/10/11 16:28:42", "20221011162842", "1665476922.000000",
		"Oct 11, 2022 4:28:42 PM", "Oct 11, 2022, 4:28:42 PM", "Oct 11, 2022, 4:28:42\u202fPM",
		"1665476922", "1665476922.0", " 1665476922 ", "1665476922000", "1665476922000.0",
	} {
		require.Equal(t, moment, loosejson.Time(text), text)
	}
}

func TestTimeReadsCoarseTimes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"2024-9-23 17:42":          time.Date(2024, 9, 23, 9, 42, 0, 0, time.UTC),
		"2024-9-3 7:42":            time.Date(2024, 9, 2, 23, 42, 0, 0, time.UTC),
		"2024-09-23":               time.Date(2024, 9, 22, 16, 0, 0, 0, time.UTC),
		"2024/06/15":               time.Date(2024, 6, 14, 16, 0, 0, 0, time.UTC),
		"2018-03-12T03:00:01.168Z": time.Date(2018, 3, 12, 3, 0, 1, 168e6, time.UTC),
		"1665476922.701":           moment.Add(701 * time.Millisecond),
		"1665476922701.25":         moment.Add(701 * time.Millisecond),
		"1665476922701":            moment.Add(701 * time.Millisecond),
		"631152000":                time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC),
		"34359738367":              time.Date(3058, 10, 26, 3, 46, 7, 0, time.UTC),
		"4102444800000":            time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		"9999-12-31 23:59:59":      time.Date(9999, 12, 31, 15, 59, 59, 0, time.UTC),
	} {
		require.Equal(t, want, loosejson.Time(text), text)
	}
}

// The service writes 1970 or the year 1 for a time that does not exist.
func TestTimeIsZero(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "soon", "0", "-1", "1000", "28800000", "631151999", "34359738368", "631151999999", "-62135596800", "-62135596800000",
		"1970-01-01 08:00:00", "1970-01-01T00:00:00Z", "0001-01-01 00:00:00", "0001-01-01T00:00:00Z", "0001-01-01T08:05:43+08:05", "Jan 1, 1970 8:00:00 AM",
		"1989-12-31T23:59:59Z", "9999-12-31T23:59:59-08:00", "9223372036854775807", "99999999999999999999", "2022-02-30", "19700101080000", "1665476922.5s", "1665476922.-5", "2022-10-11T25:00:00Z",
		strings.Repeat(" ", 100) + "1665476922", "2022-10-11T08:28:42." + strings.Repeat("0", 1000) + "Z",
	} {
		require.Equal(t, time.Time{}, loosejson.Time(text), text)
	}
}
