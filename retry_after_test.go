package codeartsbuild_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// The longest first pause and the longest pause of all, by default.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// B23: a valid Retry-After sets the pause. An invalid one leaves the client's own.
func TestRetryAfterSpellings(t *testing.T) {
	t.Parallel()
	const (
		date     = "Tue, 24 Nov 2026 08:00:00 GMT"
		veryLong = -1
	)
	tests := map[string]struct {
		value string
		date  string // of the response; "": it has none
		want  time.Duration
	}{
		"seconds":              {"3", "", 3 * time.Second},
		"seconds with spaces":  {" 3 ", "", 3 * time.Second},
		"two minutes":          {"120", "", 2 * time.Minute},
		"zero":                 {"0", "", 0},
		"date":                 {"Tue, 24 Nov 2026 08:00:20 GMT", date, 20 * time.Second},
		"date far off":         {"Tue, 24 Nov 2026 09:00:00 GMT", date, time.Hour},
		"date in RFC 850":      {"Tuesday, 24-Nov-26 08:00:20 GMT", date, 20 * time.Second},
		"date in the past":     {"Tue, 24 Nov 2026 07:00:00 GMT", date, 0},
		"date without Date":    {"Tue, 24 Nov 2026 08:00:20 GMT", "", 0},
		"negative":             {"-5", "", 0},
		"empty":                {"", "", 0},
		"word":                 {"abc", "", 0},
		"fraction":             {"1.5", "", 0},
		"nanoseconds overflow": {"9223372037", "", veryLong},
		"2^63-1":               {"9223372036854775807", "", veryLong},
		"2^64-1":               {"18446744073709551615", "", veryLong},
		"more than 64 bits":    {"99999999999999999999999", "", veryLong},
		"year 9999":            {"Fri, 31 Dec 9999 23:59:59 GMT", date, veryLong},
		"date before 1970":     {"Mon, 01 Jan 0001 00:00:00 GMT", date, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				header := []string{"Retry-After", tt.value}
				if tt.date != "" {
					header = append(header, "Date", tt.date)
				}
				busy := httpfake.Reply(503, "", header...)
				retryAfter := sdktest.APIError(t, sdktest.Stop(t.Context(), sdktest.Client(t, busy, sdktest.Once))).RetryAfter
				if tt.want == veryLong {
					require.Greater(t, retryAfter, 10*365*24*time.Hour)
				} else {
					require.Equal(t, tt.want, retryAfter)
				}

				transport := httpfake.Script(busy, accepted)
				start := time.Now()
				err := sdktest.Stop(t.Context(), sdktest.Client(t, transport))
				switch pause := time.Since(start); {
				case tt.want == veryLong || tt.want > longestPause:
					sdktest.APIError(t, err)
					require.Zero(t, pause)
					require.Equal(t, 1, transport.Count())
				case tt.want > 0:
					require.NoError(t, err)
					require.Equal(t, tt.want, pause)
				default:
					require.NoError(t, err)
					require.Positive(t, pause)
					require.LessOrEqual(t, pause, firstPause)
				}
			})
		})
	}
}

// B24: a call waits for a Retry-After of MaxDelay.
func TestRetryAfterOfMaxDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := httpfake.Script(httpfake.Reply(429, "", "Retry-After", "30"), accepted)
		start := time.Now()
		require.NoError(t, sdktest.Stop(t.Context(), sdktest.Client(t, transport)))
		require.Equal(t, longestPause, time.Since(start))
	})
}

// B24: a call does not wait for a Retry-After longer than MaxDelay. The error has it.
func TestRetryAfterBeyondMaxDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, policy := range []codeartsbuild.RetryPolicy{{}, {MaxDelay: 10 * time.Second}} {
			transport := httpfake.Script(httpfake.Reply(429, "", "Retry-After", "31"))
			start := time.Now()
			err := sdktest.Stop(t.Context(), sdktest.Client(t, transport, codeartsbuild.WithRetry(policy)))
			require.ErrorIs(t, err, codeartsbuild.ErrTooManyRequests)
			require.Equal(t, 31*time.Second, sdktest.APIError(t, err).RetryAfter)
			require.Zero(t, time.Since(start))
			require.Equal(t, 1, transport.Count())
		}
	})
}
