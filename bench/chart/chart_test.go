package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/plotter"
)

func TestChartsAreXMLWithTheirTexts(t *testing.T) {
	t.Parallel()
	bars := &Bars{Title: "Cost of a call", Rows: []string{"this client", "by hand"}, Panels: []Panel{
		{Title: "Time", Unit: "µs", Values: []float64{1.5, 2.25}},
		{Title: "Memory", Unit: "MiB", Values: []float64{math.NaN(), 12500}, Format: "%.0f"},
		{Title: "Nothing", Unit: "requests", Values: []float64{0, 0}},
	}}
	lines := &Lines{Title: "Growth", X: "jobs", Y: "requests", Lines: []Line{
		{Name: "plan", Points: plotter.XYs{{X: 1, Y: 2}, {X: 10, Y: 2000}}},
	}}
	situations := &Grid{Title: "Situations", Panels: []LinePanel{
		{Title: "outage", X: "seconds", Y: "requests", Lines: []Line{{Name: "this module", Points: plotter.XYs{{X: 0, Y: 0}, {X: 10, Y: 5}}}}},
		{Title: "recovery", X: "jobs", Y: "requests", Log: true, Lines: []Line{{Name: "this module", Points: plotter.XYs{{X: 1, Y: 20}, {X: 1000, Y: 2000}}}}},
	}}
	tests := map[string]struct {
		save func(path string) error
		want []string
	}{
		"bars":  {bars.Save, []string{"Cost of a call", "this client", "by hand", "µs", "2.25", "not measured", "12500", "requests"}},
		"grid":  {situations.Save, []string{"Situations", "outage", "recovery", "seconds", "this module", "1,000"}},
		"lines": {lines.Save, []string{"Growth", "jobs", "requests", "plan", "2,000"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "chart.svg")
			if err := tt.save(path); err != nil {
				t.Fatal(err)
			}
			shown := texts(t, path)
			for _, want := range tt.want {
				if !strings.Contains(shown, want) {
					t.Errorf("the chart does not show %q: %s", want, shown)
				}
			}
		})
	}
}

func texts(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for decoder := xml.NewDecoder(strings.NewReader(string(data))); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			all.Write(text)
		}
	}
}

func TestChartsWithoutFigures(t *testing.T) {
	t.Parallel()
	tests := map[string]interface{ Save(string) error }{
		"no lines":        &Lines{},
		"no situation":    &Grid{},
		"no line":         &Grid{Panels: []LinePanel{{}}},
		"no point":        &Grid{Panels: []LinePanel{{Lines: []Line{{Name: "empty"}}}}},
		"no points":       &Lines{Lines: []Line{{Name: "empty"}}},
		"no rows":         &Bars{Panels: []Panel{{}}},
		"no panels":       &Bars{Rows: []string{"a"}},
		"too few figures": &Bars{Rows: []string{"a", "b"}, Panels: []Panel{{Values: []float64{1}}}},
	}
	for name, chart := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := chart.Save(filepath.Join(t.TempDir(), "chart.svg")); err == nil {
				t.Error("Save: no error")
			}
		})
	}
}

func TestGrouped(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{0: "0", 0.5: "0.5", 999: "999", 1000: "1,000", 1234567.5: "1,234,567.5"} {
		if got := grouped(value); got != want {
			t.Errorf("grouped(%v): %s, want %s", value, got, want)
		}
	}
}
