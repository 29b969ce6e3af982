package codeartsbuild

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// No header makes a negative pause, or one beyond maxRetryAfter.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "0", "1", "120", "-5", "abc", "1.5", "9223372037", "9223372036854775807", "18446744073709551615", "99999999999999999999", "1e3", "0x10", "+5", " 7 ", "Tue, 24 Nov 2026 08:00:20 GMT", "Tuesday, 24-Nov-26 08:00:20 GMT", "Tue Nov 24 08:00:20 2026", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		f.Add(value, "Tue, 24 Nov 2026 08:00:00 GMT")
		f.Add(value, "")
		f.Add(value, "Mon, 01 Jan 0001 00:00:00 GMT")
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		d := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}})
		if d < 0 || d > maxRetryAfter {
			t.Fatalf("%v", d)
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err == nil && d != time.Duration(min(n, uint64(maxRetryAfter/time.Second)))*time.Second {
			t.Fatalf("%d seconds are %v", n, d)
		}
	})
}

// With every valid policy each pause is positive and at most MaxDelay.
func FuzzDelay(f *testing.F) {
	for _, n := range []int64{0, 1, 2, int64(defaultMinDelay), int64(defaultMaxDelay), math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64, -1, math.MinInt64} {
		f.Add(n, int64(0), 1, false)
		f.Add(n, n, 63, true)
		f.Add(int64(1), n, 64, true)
		f.Add(n, int64(math.MaxInt64), 1000, false)
	}
	f.Fuzz(func(t *testing.T, least, most int64, attempt int, throttled bool) {
		policy := RetryPolicy{MinDelay: time.Duration(least), MaxDelay: time.Duration(most)}
		if policy.validate() != nil {
			return
		}
		policy = policy.withDefaults()
		if d := policy.delay(attempt, throttled); d <= 0 || d > policy.MaxDelay {
			t.Fatalf("%+v: %v after attempt %d", policy, d, attempt)
		}
	})
}

func TestSaturate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ d, factor, limit, want time.Duration }{
		{3, 2, 10, 6}, {3, 3, 10, 9}, {4, 3, 10, 10}, {5, 2, 10, 10}, {6, 2, 10, 10}, {20, 1, 10, 10},
		{math.MaxInt64, 8, math.MaxInt64, math.MaxInt64}, {math.MaxInt64 / 2, 2, math.MaxInt64, math.MaxInt64 - 1},
	} {
		if got := saturate(tt.d, tt.factor, tt.limit); got != tt.want {
			t.Errorf("saturate(%d, %d, %d) = %d, want %d", tt.d, tt.factor, tt.limit, got, tt.want)
		}
	}
}
