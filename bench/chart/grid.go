package chart

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Grid shows the same lines in several situations, a panel each. The lines of all panels have the same names.
type Grid struct {
	Title  string
	Panels []LinePanel
}

// A LinePanel is one situation.
type LinePanel struct {
	Title string
	X, Y  string // the labels of the axes, with their units
	Lines []Line
	Log   bool // both axes are logarithmic, and points are marked; else both begin at 0
}

const (
	panelHeight  = 165 * vg.Length(1)
	panelTitle   = 16 * vg.Length(1)
	legendHeight = 18 * vg.Length(1)
)

// Save draws the chart and writes it to a file.
func (g *Grid) Save(path string) error {
	if len(g.Panels) == 0 {
		return errors.New("a chart must have panels")
	}
	cols := min(columns, len(g.Panels))
	rows := (len(g.Panels) + cols - 1) / cols
	plots := make([][]*plot.Plot, rows)
	for i := range plots {
		plots[i] = make([]*plot.Plot, cols)
	}
	for i, panel := range g.Panels {
		p, err := panel.plot()
		if err != nil {
			return fmt.Errorf("%s: %w", panel.Title, err)
		}
		plots[i/cols][i%cols] = p
	}
	height := vg.Length(rows)*panelHeight + legendHeight + 4*margin + titleSize
	return save(path, height, func(c draw.Canvas) {
		c = g.legend(heading(c, g.Title))
		tiles := draw.Tiles{Rows: rows, Cols: cols, PadX: 14, PadY: 8 + panelTitle, PadTop: panelTitle}
		canvases := plot.Align(plots, tiles, c)
		title := newPlot("", "", "").Title.TextStyle
		title.XAlign, title.YAlign = draw.XCenter, draw.YBottom
		for i, panel := range g.Panels {
			tile := tiles.At(c, i%cols, i/cols)
			c.FillText(title, vg.Point{X: (tile.Min.X + tile.Max.X) / 2, Y: tile.Max.Y}, panel.Title)
			plots[i/cols][i%cols].Draw(canvases[i/cols][i%cols])
		}
	})
}

// legend names the lines across the top of a canvas and returns the rest of it.
func (g *Grid) legend(c draw.Canvas) draw.Canvas {
	style := newPlot("", "", "").Legend.TextStyle
	style.YAlign = draw.YCenter
	x, y := c.Min.X, c.Max.Y-legendHeight/3
	for i, line := range g.Panels[0].Lines {
		c.StrokeLine2(draw.LineStyle{Color: hue(i), Width: 2}, x, y, x+18, y)
		c.FillText(style, vg.Point{X: x + 23, Y: y}, line.Name)
		x += 23 + 1.2*style.Width(line.Name) + 14 // fonts other than Arial's relatives are wider
	}
	return draw.Crop(c, 0, 0, 0, -legendHeight)
}

func (l *LinePanel) plot() (*plot.Plot, error) {
	p := newPlot("", l.X, l.Y)
	lawn := plotter.NewGrid()
	lawn.Vertical.Color, lawn.Horizontal.Color = grid, grid
	p.Add(lawn)
	if len(l.Lines) == 0 {
		return nil, errors.New("a panel must have lines")
	}
	for i, line := range slices.Backward(l.Lines) { // the first one on top
		if len(line.Points) == 0 {
			return nil, fmt.Errorf("%s: a line must have points", line.Name)
		}
		curve, marks, err := plotter.NewLinePoints(line.Points)
		if err != nil {
			return nil, err
		}
		curve.Color, curve.Width = hue(i), 1.5
		p.Add(curve)
		if l.Log {
			marks.Color, marks.Radius, marks.Shape = hue(i), 2.5, draw.CircleGlyph{}
			p.Add(marks)
		}
	}
	if l.Log {
		for _, axis := range []*plot.Axis{&p.X, &p.Y} {
			axis.Min, axis.Max = math.Pow(10, math.Floor(math.Log10(axis.Min))), 1.2*axis.Max
			axis.Scale, axis.Tick.Marker = plot.LogScale{}, powers{}
		}
		return p, nil
	}
	p.X.Min, p.Y.Min = 0, 0
	p.Y.Max = max(1.05*p.Y.Max, 1)
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{}, ticks{}
	return p, nil
}

// powers are ticks at the powers of ten.
type powers struct{}

func (powers) Ticks(low, high float64) (all []plot.Tick) {
	for value := low; value <= high; value *= 10 {
		all = append(all, plot.Tick{Value: value, Label: grouped(value)})
		for i := 2.0; i < 10 && i*value <= high; i++ {
			all = append(all, plot.Tick{Value: i * value})
		}
	}
	return all
}
