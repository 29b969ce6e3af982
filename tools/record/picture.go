package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
)

// The sizes of a letter and of the frame, in pixels.
const (
	letterWidth = 8.43 // of most fonts with letters of one width, at 14 px
	lineHeight  = 20
	margin      = 16
)

// style has the colours of a light and of a dark page. Each line appears after the one above it; where animations are
// not known or not wanted, all lines are there from the beginning.
const style = `
    text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; white-space: pre; }
    rect { fill: #f6f8fa; stroke: #d1d9e0; }
    .prompt { font-weight: bold; } .faint { fill: #59636e; } .red { fill: #cf222e; } .green { fill: #1a7f37; } .yellow { fill: #9a6700; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; } rect { fill: #151b23; stroke: #3d444d; }
      .faint { fill: #9198a1; } .red { fill: #f85149; } .green { fill: #3fb950; } .yellow { fill: #d29922; }
    }
    @media (prefers-reduced-motion: no-preference) { text { animation: appear 1ms both; } @keyframes appear { from { opacity: 0; } } }
`

// picture draws a screen.
func picture(screen []string, columns int) []byte {
	var lines bytes.Buffer
	y, at := margin+14, 0.3 // in pixels and seconds
	for _, text := range screen {
		class := ""
		if strings.HasPrefix(text, "$ ") {
			class = ` class="prompt"`
			at += 0.9
			if lines.Len() > 0 {
				y += lineHeight / 2
			}
		}
		for _, row := range wrap(parse(text), columns) {
			fmt.Fprintf(&lines, `  <text xml:space="preserve"%s x="%d" y="%d" style="animation-delay: %.1fs">`, class, margin, y, at)
			for _, l := range row {
				l.draw(&lines)
			}
			lines.WriteString("</text>\n")
			y += lineHeight
		}
		at += 0.2
		if class != "" {
			at += 0.5
		}
	}
	width, height := int(float64(columns)*letterWidth)+2*margin, y-14+margin-4
	var all bytes.Buffer
	fmt.Fprintf(&all, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n", width, height, width, height)
	fmt.Fprintf(&all, "  <style>%s  </style>\n  <rect x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n%s</svg>\n", style, width-1, height-1, lines.Bytes())
	return all.Bytes()
}

// A run is a piece of a line in one colour.
type run struct{ colour, text string }

func (r run) draw(b *bytes.Buffer) {
	var text bytes.Buffer
	_ = xml.EscapeText(&text, []byte(r.text)) // a buffer takes everything
	if r.colour == "" {
		b.Write(text.Bytes())
		return
	}
	fmt.Fprintf(b, `<tspan class="%s">%s</tspan>`, r.colour, text.Bytes())
}

var (
	escape  = regexp.MustCompile("\x1b\\[([0-9]*)m")
	colours = map[string]string{"2": "faint", "31": "red", "32": "green", "33": "yellow"}
)

// parse splits a line at its changes of colour.
func parse(line string) []run {
	var runs []run
	colour, from := "", 0
	for _, m := range escape.FindAllStringSubmatchIndex(line, -1) {
		runs = append(runs, run{colour, line[from:m[0]]})
		colour, from = colours[line[m[2]:m[3]]], m[1]
	}
	return append(runs, run{colour, line[from:]})
}

// wrap breaks a line at the edge of the terminal.
func wrap(line []run, columns int) [][]run {
	rows, left := [][]run{nil}, columns
	for _, r := range line {
		letters := []rune(r.text)
		for len(letters) > 0 {
			if left == 0 {
				rows, left = append(rows, nil), columns
			}
			n := min(left, len(letters))
			rows[len(rows)-1] = append(rows[len(rows)-1], run{r.colour, string(letters[:n])})
			letters, left = letters[n:], left-n
		}
	}
	return rows
}
