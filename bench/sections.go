package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/codeartsbuild-go/codeartsbuild/bench/chart"
)

// measureCost compares a call: what it allocates and how long it takes.
func measureCost(ctx context.Context, o options) (*figures, error) {
	allocations, err := measureAllAllocations(ctx)
	if err != nil {
		return nil, err
	}
	times, err := measureAllTimes(ctx, o.rounds)
	if err != nil {
		return nil, err
	}
	objects, bytes := make([]float64, len(clients)), make([]float64, len(clients))
	for i, a := range allocations["success"] {
		objects[i], bytes[i] = a.objects, a.bytes
	}
	bars := &chart.Bars{Title: "A stop that succeeds, with each client", Rows: rows(clients), Panels: []chart.Panel{
		{Title: "Allocations", Unit: "objects per call", Values: objects, Format: "%.0f"},
		{Title: "Allocated memory", Unit: "bytes per call", Values: bytes, Format: "%.0f"},
		{Title: "Time in memory, 1 caller", Unit: "time by hand = 1", Values: times["in memory, success, 1 caller"].ratios, Format: "%.2f"},
		{Title: "Time over loopback, 32 callers", Unit: "time by hand = 1", Values: times["loopback, success, 32 callers"].ratios, Format: "%.2f"},
	}}
	return &figures{[]table{allocationTable(allocations), timeTable(times, o.rounds)}, bars, "cost.svg"}, nil
}

func measureAllAllocations(ctx context.Context) (map[string][]allocation, error) {
	all := map[string][]allocation{}
	for _, outcome := range outcomeNames {
		for _, c := range clients {
			a, err := measureAllocations(ctx, c, outcome)
			if err != nil {
				return nil, err
			}
			all[outcome] = append(all[outcome], a)
		}
	}
	return all, nil
}

func allocationTable(all map[string][]allocation) table {
	t := table{name: "allocations", header: []string{"own allocations (bytes) of a call"}, note: fmt.Sprintf(
		"In memory, on top of the bare exchange with the service. %s.", machine())}
	t.header = append(t.header, outcomeNames...)
	for i, c := range clients {
		row := []string{c.name}
		for _, outcome := range outcomeNames {
			a := all[outcome][i]
			row = append(row, fmt.Sprintf("%.0f (%.0f)", a.objects, a.bytes))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func measureAllTimes(ctx context.Context, rounds int) (map[string]*timing, error) {
	all := map[string]*timing{}
	for _, s := range situations() {
		times, err := measureTimes(ctx, s, rounds)
		if err != nil {
			return nil, err
		}
		all[s.name] = times
	}
	return all, nil
}

func timeTable(all map[string]*timing, rounds int) table {
	t := table{name: "times", header: append([]string{"time ÷ time by hand"}, rows(clients)...), note: fmt.Sprintf(
		"Medians over %d interleaved rounds. %s.", rounds, machine())}
	for _, s := range situations() {
		row := []string{s.name}
		for i, ratio := range all[s.name].ratios {
			cell := fmt.Sprintf("%.2f", ratio)
			if clients[i].name == byHand {
				cell = fmt.Sprintf("1 (%.1f µs)", float64(all[s.name].hand)/1e3)
			}
			row = append(row, cell)
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// measureFootprint compares what a client costs besides its calls.
func measureFootprint(ctx context.Context, _ options) (*figures, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	t := table{name: "footprint", note: machine() + ".", header: []string{
		"client", "smallest program, MiB", "modules", "packages", "heap for a 256 MiB error response, MiB",
		"connections for 10 bursts of 32 calls", "token requests of 50 callers, no token", "rejected token",
	}}
	some := independent()
	panels := []chart.Panel{
		{Title: "Smallest program", Unit: "MiB", Format: "%.1f"},
		{Title: "Linked modules", Unit: "modules", Format: "%.0f"},
		{Title: "Heap for a 256 MiB error response", Unit: "MiB", Format: "%.1f"},
		{Title: "10 bursts of 32 calls", Unit: "connections", Format: "%.0f"},
	}
	for _, c := range some {
		row, values, err := footprintOf(ctx, c, dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		t.rows = append(t.rows, row)
		for i, value := range values {
			panels[i].Values = append(panels[i].Values, value)
		}
	}
	bars := &chart.Bars{Title: "What a client costs besides its calls", Rows: rows(some), Panels: panels}
	return &figures{[]table{t}, bars, "footprint.svg"}, nil
}

// footprintOf returns the row of a client in the table, and its values in the chart.
func footprintOf(ctx context.Context, c client, dir string) ([]string, []float64, error) {
	size, err := measureSize(ctx, c, dir)
	if err != nil {
		return nil, nil, err
	}
	memory, err := measureMemory(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	connections, err := measureConnections(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	cold, expired := "does not log in", "–"
	if c.logsIn != nil {
		l, err := measureLogins(ctx, c)
		if err != nil {
			return nil, nil, err
		}
		cold, expired = strconv.Itoa(l.Cold), strconv.Itoa(l.Expired)
	}
	row := []string{
		c.name, fmt.Sprintf("%.1f", size.MiB), strconv.Itoa(size.Modules), strconv.Itoa(size.Packages),
		fmt.Sprintf("%.1f", memory), strconv.Itoa(connections), cold, expired,
	}
	return row, []float64{size.MiB, float64(size.Modules), memory, float64(connections)}, nil
}

// measureTruths compares what clients report with what the service did.
func measureTruths(_ context.Context, o options) (*figures, error) {
	some := driven()
	t := table{name: "truth", header: []string{
		"client", "stops", "false successes", "false failures", "leaked credentials", "unknown", "true failures", "true successes in time",
	}, note: fmt.Sprintf("%d seeds, each over all protocols. %s.", o.seeds, machine())}
	panels := []chart.Panel{
		{Title: "False successes"}, {Title: "False failures"}, {Title: "Leaked credentials"},
		{Title: "Outcome unknown"}, {Title: "True failures"}, {Title: "True successes in time"},
	}
	for i := range panels {
		panels[i].Unit, panels[i].Values = "per 1,000 stops", make([]float64, len(some))
	}
	for i, c := range some {
		s, err := measureTruth(c, o.seeds)
		if err != nil {
			return nil, err
		}
		row := []string{c.name, strconv.Itoa(s.Stops)}
		for j, n := range []int{s.FalseSuccesses, s.FalseFailures, s.Leaked, s.Unknown, s.TrueFailures, s.TrueSuccesses} {
			row = append(row, strconv.Itoa(n))
			panels[j].Values[i] = 1000 * float64(n) / float64(max(s.Stops, 1))
		}
		t.rows = append(t.rows, row)
	}
	bars := &chart.Bars{Title: "What clients report when things go wrong", Rows: rows(some), Panels: panels}
	return &figures{[]table{t}, bars, "truth.svg"}, nil
}
