package chart

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Bars compares a few things, a row each, by several figures, a panel each. Each panel has its own scale. The first
// row stands out.
type Bars struct {
	Title  string
	Rows   []string
	Panels []Panel
}

// A Panel is one figure of each row.
type Panel struct {
	Title  string
	Unit   string
	Values []float64 // in the order of the rows; NaN: not measured
	Format string    // of the value beside its bar; "" is %.3g
}

const (
	columns   = 2
	barWidth  = 11 * vg.Length(1)
	rowHeight = 17 * vg.Length(1)
	frame     = 66 * vg.Length(1) // title, axis and space of a panel
)

// Save draws the chart and writes it to a file.
func (b *Bars) Save(path string) error {
	if len(b.Rows) == 0 || len(b.Panels) == 0 {
		return errors.New("a chart must have rows and panels")
	}
	rows := (len(b.Panels) + columns - 1) / columns
	plots := make([][]*plot.Plot, rows)
	for i := range plots {
		plots[i] = make([]*plot.Plot, min(columns, len(b.Panels)))
	}
	for i, panel := range b.Panels {
		p, err := b.plot(panel, i%columns == 0)
		if err != nil {
			return fmt.Errorf("%s: %w", panel.Title, err)
		}
		plots[i/columns][i%columns] = p
	}
	height := vg.Length(rows)*(frame+rowHeight*vg.Length(len(b.Rows))) + 4*margin
	return save(path, height, func(c draw.Canvas) {
		tiles := draw.Tiles{Rows: rows, Cols: len(plots[0]), PadX: 14, PadY: 12}
		canvases := plot.Align(plots, tiles, heading(c, b.Title))
		for i := range b.Panels {
			plots[i/columns][i%columns].Draw(canvases[i/columns][i%columns])
		}
	})
}

// plot draws one panel. Only the first of a line names the rows.
func (b *Bars) plot(panel Panel, named bool) (*plot.Plot, error) {
	if len(panel.Values) != len(b.Rows) {
		return nil, fmt.Errorf("a panel must have %d values, got %d", len(b.Rows), len(panel.Values))
	}
	p := newPlot(panel.Title, panel.Unit, "")
	labels := plotter.XYLabels{XYs: make(plotter.XYs, len(b.Rows)), Labels: make([]string, len(b.Rows))}
	names := make([]string, len(b.Rows))
	most := 0.0
	for i, value := range panel.Values {
		place := len(b.Rows) - 1 - i // the first row is at the top
		if named {
			names[place] = b.Rows[i]
		}
		labels.Labels[i] = text(value, panel.Format)
		if math.IsNaN(value) {
			value = 0
		}
		labels.XYs[i] = plotter.XY{X: value, Y: float64(place)}
		most = max(most, value)
		bar, err := plotter.NewBarChart(plotter.Values{value}, barWidth)
		if err != nil {
			return nil, err
		}
		bar.Horizontal, bar.XMin, bar.Color, bar.LineStyle.Width = true, float64(place), muted, 0
		if i == 0 {
			bar.Color = hue(0)
		}
		p.Add(bar)
	}
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(b.Rows))-0.4
	p.X.Min, p.X.Max = 0, 1.25*max(most, 1e-9) // room for the values
	for _, name := range names {               // fonts other than Arial's relatives are wider
		p.Y.Padding = max(p.Y.Padding, 6+p.Y.Tick.Label.Width(name)/6)
	}
	p.X.Tick.Marker = ticks{}
	return p, addLabels(p, labels)
}

func addLabels(p *plot.Plot, at plotter.XYLabels) error {
	labels, err := plotter.NewLabels(at)
	if err != nil {
		return err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i] = p.X.Tick.Label
		labels.TextStyle[i].XAlign, labels.TextStyle[i].YAlign = draw.XLeft, draw.YCenter
	}
	labels.Offset = vg.Point{X: 4}
	p.Add(labels)
	return nil
}

func text(value float64, format string) string {
	switch {
	case math.IsNaN(value):
		return "not measured"
	case format == "":
		format = "%.3g"
	}
	return fmt.Sprintf(format, value)
}
