package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/codeartsbuild-go/codeartsbuild/bench/chart"
)

// figures are what a section has measured, for its readers.
type figures struct {
	tables []table
	chart  *chart.Bars
	file   string // of the chart
}

// A table stands in a README between two comments that name it.
type table struct {
	name   string
	note   string // how it was measured
	header []string
	rows   [][]string
}

// machine says on which machine, and with which Go, the figures were measured.
func machine() string {
	return fmt.Sprintf("%s, %s/%s, %d shared cores", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
}

// markdown lays the table out so that it is readable as text, too.
func (t *table) markdown() string {
	lines := append([][]string{t.header}, t.rows...)
	widths := make([]int, len(t.header))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var text strings.Builder
	for i, line := range lines {
		for column, cell := range line {
			space := strings.Repeat(" ", widths[column]-utf8.RuneCountInString(cell))
			if column == 0 {
				text.WriteString("| " + cell + space)
			} else {
				text.WriteString(" | " + space + cell)
			}
		}
		text.WriteString(" |\n")
		if i == 0 {
			for column, width := range widths {
				text.WriteString("|" + strings.Repeat("-", width+1) + []string{"-", ":"}[min(column, 1)])
			}
			text.WriteString("|\n")
		}
	}
	return text.String() + "\n" + t.note + "\n"
}

// insert writes the table into a file that has a place for it.
func (t *table) insert(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := "<!-- bench "+t.name+" -->\n", "<!-- end -->"
	before, rest, found := strings.Cut(string(data), begin)
	if !found {
		return nil
	}
	_, after, found := strings.Cut(rest, end)
	if !found {
		return fmt.Errorf("%s: %q must be followed by %q", path, begin, end)
	}
	return os.WriteFile(path, []byte(before+begin+t.markdown()+end+after), 0o644)
}
