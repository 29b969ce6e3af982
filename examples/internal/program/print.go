package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Printer writes one line per event: a word with its fields, or a JSON object.
type Printer struct {
	W    io.Writer
	JSON bool
}

// Line writes an event. The fields are names and values in turn; one whose value is "" is left out.
func (p Printer) Line(word string, fields ...string) {
	if p.JSON {
		p.object(word, fields)
		return
	}
	var b strings.Builder
	b.WriteString(word)
	for i := 0; i+1 < len(fields); i += 2 {
		if value := fields[i+1]; value != "" {
			fmt.Fprintf(&b, " %s=%s", fields[i], quoted(value))
		}
	}
	fmt.Fprintln(p.W, b.String())
}

func (p Printer) object(word string, fields []string) {
	object := map[string]string{"event": strings.ToLower(strings.ReplaceAll(word, " ", "_"))}
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i+1] != "" {
			object[fields[i]] = fields[i+1]
		}
	}
	_ = json.NewEncoder(p.W).Encode(object)
}

// quoted makes a value one word.
func quoted(value string) string {
	if strings.ContainsAny(value, " \t\r\n\"") {
		return fmt.Sprintf("%q", value)
	}
	return value
}

// A List is a flag that may be given several times.
type List []string

// String joins the values.
func (l *List) String() string { return strings.Join(*l, ",") }

// Set adds a value. An empty one is a mistake: it most likely is an unset variable, and must not mean all.
func (l *List) Set(value string) error {
	if value == "" {
		return errors.New("the value is empty")
	}
	*l = append(*l, value)
	return nil
}
