package main

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		taken, late         bool // the stop reached a server before, or after the call had ended
		outcome             outcome
		successes, failures int // that are false
	}{
		"stopped":                {taken: true, outcome: stopped},
		"finished":               {taken: true, outcome: finished},
		"failed":                 {outcome: failed},
		"unknown":                {outcome: unknown},
		"unknown, and stopped":   {taken: true, outcome: unknown},
		"unknown, and late":      {late: true, outcome: unknown},
		"stopped, it says":       {outcome: stopped, successes: 1},
		"finished, it says":      {outcome: finished, successes: 1},
		"failed, it says":        {taken: true, outcome: failed, failures: 1},
		"not sent, it says":      {taken: true, outcome: notSent, failures: 1},
		"not sent, but it comes": {late: true, outcome: notSent, failures: 1},
		"failed, but it comes":   {late: true, outcome: failed, failures: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			books := newLedger()
			number, text := books.next()
			post := func() int {
				w := httptest.NewRecorder()
				books.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v3/jobs/stop", strings.NewReader(`{"job_id":"`+jobID+`","build_no":"`+text+`"}`)))
				return w.Code
			}
			if tt.taken {
				require.Equal(t, 200, post())
				require.Equal(t, 400, post(), "it has finished")
			}
			books.judge(number, tt.outcome)
			if tt.late {
				require.Equal(t, 400, post())
			}
			require.Equal(t, tt.successes, books.falseSuccesses)
			require.Equal(t, tt.failures, books.falseFailures)
			require.Equal(t, 1, books.counts[tt.outcome])
		})
	}
}

func TestReportFindsGrowth(t *testing.T) {
	t.Parallel()
	steady := func(n int, heap uint64, goroutines int) (samples []sample) {
		for range n {
			samples = append(samples, sample{heap: heap, goroutines: goroutines})
		}
		return samples
	}
	tests := map[string]struct {
		samples []sample
		want    string
	}{
		"flat":             {steady(8, 1<<20, 100), ""},
		"a peak":           {append(steady(11, 1<<20, 100), sample{heap: 1 << 30, goroutines: 900}), ""},
		"more memory":      {append(steady(4, 1<<20, 100), steady(4, 9<<20, 100)...), "the heap grew from 1024 to 9216 KiB"},
		"more goroutines":  {append(steady(4, 1<<20, 100), steady(4, 1<<20, 200)...), "goroutines grew from 100 to 200"},
		"hardly a sample":  {steady(3, 1<<20, 100), "too few samples to tell whether anything grew"},
		"nothing was done": {nil, "no build was stopped"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &report{books: newLedger(), samples: tt.samples}
			if tt.samples != nil {
				r.books.counts[stopped] = 1
			}
			err := r.judge()
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestShortSoak(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("haproxy"); err != nil {
		t.Skip("needs the program haproxy")
	}
	report, err := soak(t.Context(), 3*time.Second, 8, false)
	require.NoError(t, err)
	require.Zero(t, report.books.falseSuccesses, report)
	require.Zero(t, report.books.falseFailures, report)
	require.NotZero(t, report.books.counts[stopped], report)
	require.NotZero(t, report.restarts["haproxy, gracefully"], report)
}
