package codeartsbuild

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// B25: every pause is positive and at most MaxDelay, and the pauses grow.
func TestRetryDelays(t *testing.T) {
	t.Parallel()
	policies := map[string]RetryPolicy{
		"defaults":        {},
		"only MinDelay":   {MinDelay: time.Minute},
		"only MaxDelay":   {MaxDelay: 10 * time.Millisecond},
		"smallest":        {MinDelay: 1, MaxDelay: 1},
		"two":             {MinDelay: 1, MaxDelay: 2},
		"huge":            {MinDelay: math.MaxInt64, MaxDelay: math.MaxInt64},
		"huge MinDelay":   {MinDelay: math.MaxInt64},
		"huge MaxDelay":   {MaxDelay: math.MaxInt64},
		"huge range":      {MinDelay: 1, MaxDelay: math.MaxInt64},
		"odd":             {MinDelay: 3, MaxDelay: 1<<62 + 1},
		"half of the max": {MinDelay: math.MaxInt64/2 + 1, MaxDelay: math.MaxInt64},
	}
	for name, given := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, given.validate())
			policy := given.withDefaults()
			attempts := []int{math.MinInt, -1, 0, math.MaxInt}
			for attempt := 1; attempt <= 1000; attempt++ {
				attempts = append(attempts, attempt)
			}
			for _, throttled := range []bool{false, true} {
				var late float64 // the sum of the pauses that no longer grow
				for _, attempt := range attempts {
					d := policy.delay(attempt, throttled)
					require.Positive(t, d, "attempt %d, throttled %t", attempt, throttled)
					require.LessOrEqual(t, d, policy.MaxDelay, "attempt %d, throttled %t", attempt, throttled)
					if attempt > 100 && attempt <= 1000 {
						late += float64(d)
					}
				}
				require.Greater(t, late/900, 0.2*float64(policy.MaxDelay), "the late pauses are long")
			}
		})
	}
}
