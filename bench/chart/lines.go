package chart

import (
	"errors"
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Lines shows how figures grow. Both axes begin at 0.
type Lines struct {
	Title string
	X, Y  string // the labels of the axes, with their units
	Lines []Line
}

// A Line is one growing figure.
type Line struct {
	Name   string
	Points plotter.XYs
}

const linesHeight = 300 * vg.Length(1)

// Save draws the chart and writes it to a file.
func (l *Lines) Save(path string) error {
	if len(l.Lines) == 0 {
		return errors.New("a chart must have lines")
	}
	p := newPlot("", l.X, l.Y)
	lawn := plotter.NewGrid()
	lawn.Vertical.Color, lawn.Horizontal.Color = grid, grid
	p.Add(lawn)
	for i, line := range l.Lines {
		if len(line.Points) == 0 {
			return fmt.Errorf("%s: a line must have points", line.Name)
		}
		curve, points, err := plotter.NewLinePoints(line.Points)
		if err != nil {
			return err
		}
		curve.Color, curve.Width = hue(i), 2
		points.Color, points.Radius, points.Shape = hue(i), 3, draw.CircleGlyph{}
		p.Add(curve, points)
		p.Legend.Add(line.Name, curve, points)
	}
	p.X.Min, p.Y.Min = 0, 0
	p.Y.Max *= 1.05
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{}, ticks{}
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs, p.Legend.Padding = true, true, 8, 3
	return save(path, linesHeight, func(c draw.Canvas) { p.Draw(heading(c, l.Title)) })
}

// ticks are those of the library with thousands told apart.
type ticks struct{}

func (ticks) Ticks(low, high float64) []plot.Tick {
	all := plot.DefaultTicks{}.Ticks(low, high)
	for i, tick := range all {
		if tick.Label != "" {
			all[i].Label = grouped(tick.Value)
		}
	}
	return all
}
