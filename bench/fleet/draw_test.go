package fleet

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"gonum.org/v1/plot/plotter"

	"github.com/codeartsbuild-go/codeartsbuild/bench/chart"
)

var policies = []Policy{Module, Fixed, Never}

// TestFleetCharts simulates fleets of 1,000 clients, draws the charts and logs the table of README.md.
func TestFleetCharts(t *testing.T) {
	if *drawTo == "" {
		t.Skip("draws only with -draw")
	}
	table := "| Outage | Each client | Policy | Requests per call | Succeeded | Peak afterwards | Quiet after |\n|---|---|---|--:|--:|--:|--:|\n"
	outage := &chart.Grid{Title: "A service that responds with 503 for a minute: load by 1,000 clients"}
	for _, rate := range []float64{1, 10, 100, 1000} {
		results := compare(t, rate, Unavailable, minute/2)
		outage.Panels = append(outage.Panels, panel("each client: "+calls(rate), results))
		table += rows(results)
	}
	faults := &chart.Grid{Title: "A service that hangs, or throttles to half, for a minute"}
	for _, rate := range []float64{10, 1000} {
		table += rows(compare(t, rate, Refused, minute/2))
	}
	for _, fault := range []Fault{Hanging, Throttled} {
		for _, rate := range []float64{10, 1000} {
			results := compare(t, rate, fault, minute)
			faults.Panels = append(faults.Panels, panel(fmt.Sprintf("%s, each client: %s", fault, calls(rate)), results))
			table += rows(results)
		}
	}
	save(t, outage, "fleet-outage.svg")
	save(t, faults, "fleet-faults.svg")
	save(t, succeeded(t), "fleet-calls.svg")
	t.Log("\n" + table)
}

func compare(t *testing.T, rate float64, fault Fault, after time.Duration) (results []*Result) {
	t.Helper()
	for _, policy := range policies {
		results = append(results, simulate(t, policy, rate, fault, minute, after))
		t.Logf("%s, %s, %s: done", fault, calls(rate), policy)
	}
	return results
}

func panel(title string, results []*Result) chart.LinePanel {
	p := chart.LinePanel{Title: title, X: "seconds (the outage: 10 to 70)", Y: "load (1 is steady)"}
	for _, r := range results {
		line := chart.Line{Name: string(r.Policy)}
		for i := 0; i+1 < len(r.Load); i += 2 { // two seconds a point
			line.Points = append(line.Points, plotter.XY{X: float64(i + 1), Y: (r.Load[i] + r.Load[i+1]) / 2})
		}
		p.Lines = append(p.Lines, line)
	}
	return p
}

func calls(rate float64) string {
	switch rate {
	case 1:
		return "1 call a minute"
	case 1000:
		return "1,000 calls a minute"
	}
	return fmt.Sprintf("%v calls a minute", rate)
}

// rows are the lines of the table for one situation. Without retries a call is a request.
func rows(results []*Result) (text string) {
	for _, r := range results {
		text += fmt.Sprintf("| %s | %s | %s | %.2f | %.0f %% | %.1f | %s |\n", r.Fault, calls(r.Rate), r.Policy,
			r.Outage.RequestsPerCall(), 100*r.Outage.Success(), r.Peak(r.ended(), time.Hour), quiet(r, results[len(results)-1]))
	}
	return text
}

// quiet tells how long after the outage the load is more than that of the clients without retries.
func quiet(r, never *Result) string {
	limit := 1.05*never.Peak(0, time.Hour) + 0.05
	last := int(r.ended() / time.Second)
	for second := last; second < len(r.Load); second++ {
		if r.Load[second] > limit {
			last = second + 1
		}
	}
	return fmt.Sprintf("%d s", last-int(r.ended()/time.Second))
}

// succeeded compares the calls that began in an outage, by its length and kind.
func succeeded(t *testing.T) *chart.Bars {
	t.Helper()
	bars := &chart.Bars{Title: "Calls that began while the service failed, and succeeded"}
	for _, policy := range policies {
		bars.Rows = append(bars.Rows, string(policy))
	}
	situations := []struct {
		title   string
		fault   Fault
		failing time.Duration
	}{
		{"1 s of 503", Unavailable, time.Second}, {"2 s of 503", Unavailable, 2 * time.Second},
		{"5 s of 503", Unavailable, 5 * time.Second}, {"1 min of 503", Unavailable, minute},
		{"1 min of hanging", Hanging, minute}, {"1 min throttled to half", Throttled, minute},
	}
	for _, s := range situations {
		p := chart.Panel{Title: s.title, Unit: "% of the calls", Format: "%.0f"}
		for _, policy := range policies {
			p.Values = append(p.Values, 100*simulate(t, policy, 10, s.fault, s.failing, minute).Outage.Success())
		}
		bars.Panels = append(bars.Panels, p)
	}
	return bars
}

func save(t *testing.T, c interface{ Save(path string) error }, name string) {
	t.Helper()
	if err := c.Save(filepath.Join(*drawTo, name)); err != nil {
		t.Fatal(err)
	}
}
