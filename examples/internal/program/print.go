package program

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
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

// quoted makes a value one word that a terminal shows as it is.
func quoted(value string) string {
	if q := strconv.Quote(value); len(q) > len(value)+2 || strings.Contains(value, " ") {
		return q
	}
	return value
}

// A List is a flag that may be given several times. The same value again changes nothing.
type List []string

// String joins the values.
func (l *List) String() string { return strings.Join(*l, ",") }

// Set adds a value.
func (l *List) Set(value string) error {
	if value == "" {
		return errEmpty
	}
	if !slices.Contains(*l, value) {
		*l = append(*l, value)
	}
	return nil
}

// errEmpty refuses a flag that is there but empty: it must not mean "all", nor anything else that it means
// when it is not there.
var errEmpty = errors.New("the value is empty; perhaps a variable is not set")

type text string

func (t *text) String() string { return string(*t) }

func (t *text) Set(value string) error {
	if value == "" {
		return errEmpty
	}
	*t = text(value)
	return nil
}

// Text adds a flag that is not empty when it is given.
func Text(flags *flag.FlagSet, p *string, name, usage string) { flags.Var((*text)(p), name, usage) }
