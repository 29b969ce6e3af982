// Package chart draws the figures that the programs of this module measure as SVG: as wide as a README, with a
// transparent background and colours that are readable on white and on black.
package chart

import (
	"bytes"
	"image/color"
	"os"
	"strconv"
	"strings"

	"golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	width  = 622.5 * vg.Length(1) // points, which are 830 pixels
	margin = 8 * vg.Length(1)

	textSize  = 9.5 * vg.Length(1)
	titleSize = 12 * vg.Length(1)
)

// The colours have a contrast of at least 3 with white and with GitHub's dark background.
var (
	ink   = color.NRGBA{0x76, 0x7e, 0x88, 0xff}
	grid  = color.NRGBA{0x76, 0x7e, 0x88, 0x50}
	muted = color.NRGBA{0x8b, 0x90, 0x98, 0xff}

	palette = []color.Color{
		color.NRGBA{0x2f, 0x81, 0xf7, 0xff}, // blue
		color.NRGBA{0xd2, 0x6a, 0x1b, 0xff}, // orange
		color.NRGBA{0x2d, 0x9a, 0x5b, 0xff}, // green
		color.NRGBA{0xa3, 0x71, 0xf7, 0xff}, // purple
		color.NRGBA{0xd6, 0x4d, 0x6f, 0xff}, // red
		color.NRGBA{0x8c, 0x7a, 0x2b, 0xff}, // olive
	}
)

// hue is the colour of the line with an index, and of the first row.
func hue(i int) color.Color { return palette[i%len(palette)] }

// newPlot returns an empty plot in the style of all charts.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding = 4
	styles := []*draw.TextStyle{
		&p.Title.TextStyle, &p.Legend.TextStyle,
		&p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label,
	}
	for _, style := range styles {
		style.Color, style.Font.Variant, style.Font.Size = ink, "Sans", textSize
	}
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle.Color, axis.Tick.LineStyle.Color = ink, ink
	}
	p.Title.TextStyle.Font.Weight = font.WeightBold
	return p
}

// heading writes the title of a chart across its top and returns the rest of the canvas.
func heading(c draw.Canvas, title string) draw.Canvas {
	style := plot.New().Title.TextStyle
	style.Color, style.Font.Variant, style.Font.Size, style.Font.Weight = ink, "Sans", titleSize, font.WeightBold
	style.XAlign = draw.XLeft
	c.FillText(style, vg.Point{X: c.Min.X + margin, Y: c.Max.Y - margin}, title)
	return draw.Crop(c, margin, -2*margin, margin, -margin-2*titleSize)
}

// save draws a chart and writes it to a file.
func save(path string, height vg.Length, drawTo func(draw.Canvas)) error {
	canvas := vgsvg.New(width, height)
	drawTo(draw.New(canvas))
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return err
	}
	// Arial and Helvetica have the metrics of Liberation Sans, which few machines have.
	text := bytes.ReplaceAll(svg.Bytes(), []byte("font-family:Liberation Sans"),
		[]byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif"))
	return os.WriteFile(path, text, 0o644)
}

// grouped writes a number as its axis shows it: 12,500.
func grouped(value float64) string {
	text := strconv.FormatFloat(value, 'f', -1, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}
