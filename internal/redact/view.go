package redact

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxQuoted  = 3 // the body, a message in it that quotes the request, and a value in that
	maxEscaped = 2 // an address in a page, or an encoder that ran twice
)

// explore calls look with the text and with all that can be decoded from it.
func explore(text string, look func(*view)) {
	v := &view{text: text}
	for depth := 0; v != nil; depth++ {
		exploreEscaped(v, maxEscaped, look)
		if depth == maxQuoted {
			return
		}
		v = v.undo(jsonQuoting)
	}
}

func exploreEscaped(v *view, depth int, look func(*view)) {
	look(v)
	if depth == 0 {
		return
	}
	for _, e := range []escaping{percentEncoding, htmlEscaping} {
		if decoded := v.undo(e); decoded != nil {
			exploreEscaped(decoded, depth-1, look)
		}
	}
}

// A view is a text as it reads after some decoding.
type view struct {
	text   string
	source *view  // the view that was decoded; nil for the text itself
	steps  []step // one behind each escape, in order
}

// A step says that a view from at on shows the source from source on, up to the next step.
type step struct{ at, source int }

// undo decodes all escapes of one kind, once. It returns nil if there are none.
func (v *view) undo(e escaping) *view {
	if strings.IndexByte(v.text, e.sign) < 0 {
		return nil
	}
	var text strings.Builder
	text.Grow(len(v.text))
	var steps []step
	changed := false
	for at := 0; at < len(v.text); {
		size := 0
		if v.text[at] == e.sign {
			size = e.read(&text, v.text[at:])
		}
		if size == 0 {
			text.WriteByte(v.text[at])
			at++
			continue
		}
		changed = true
		if size == cutOff {
			break
		}
		at += size
		steps = append(steps, step{text.Len(), at})
	}
	if !changed {
		return nil
	}
	return &view{text.String(), v, steps}
}

// locate replaces places in a view, which must be in order, by their places in the text itself.
func (v *view) locate(places []int) {
	for ; v.source != nil; v = v.source {
		last, steps := step{}, v.steps
		for i, at := range places {
			for len(steps) > 0 && steps[0].at <= at {
				last, steps = steps[0], steps[1:]
			}
			places[i] = last.source + at - last.at
		}
	}
}

// An escaping spells characters as escapes that begin with its sign. Its function decodes the escape at the
// start of a text and returns the size of the escape: 0 without one, cutOff if the text ends within it.
type escaping struct {
	sign byte
	read func(decoded *strings.Builder, text string) (size int)
}

var (
	jsonQuoting     = escaping{'\\', readQuoted}
	percentEncoding = escaping{'%', readPercent}
	htmlEscaping    = escaping{'&', readEntity}
)

const cutOff = -1

// readQuoted reads an escape of a JSON string. It accepts any character behind the backslash, since servers
// escape more than they must.
func readQuoted(decoded *strings.Builder, text string) int {
	unit, size := readHex(text, `\u`, 4)
	switch {
	case size == cutOff:
		return cutOff
	case size == 0:
		c := text[1]
		if i := strings.IndexByte("bfnrt", c); i >= 0 {
			c = "\b\f\n\r\t"[i]
		}
		decoded.WriteByte(c)
		return 2
	case !utf16.IsSurrogate(unit):
		decoded.WriteRune(unit)
		return size
	}
	low, lowSize := readHex(text[size:], `\u`, 4)
	if lowSize == cutOff {
		return cutOff
	}
	r := utf16.DecodeRune(unit, low)
	decoded.WriteRune(r)
	if r == utf8.RuneError { // half of a pair
		return size
	}
	return size + lowSize
}

func readPercent(decoded *strings.Builder, text string) int {
	value, size := readHex(text, "%", 2)
	if size > 0 {
		decoded.WriteByte(byte(value))
	}
	return size
}

// readHex reads an escape that is a prefix and a number of so many hexadecimal digits.
func readHex(text, prefix string, digits int) (value rune, size int) {
	head := text[:min(len(text), len(prefix)+digits)]
	number, ok := strings.CutPrefix(head, prefix)
	switch {
	case !ok && strings.HasPrefix(prefix, head):
		return 0, cutOff
	case !ok || strings.Trim(number, "0123456789abcdefABCDEF") != "":
		return 0, 0
	case len(number) < digits:
		return 0, cutOff
	}
	parsed, _ := strconv.ParseUint(number, 16, 32)
	return rune(parsed), len(head)
}

// maxEntity is the length of the longest name that HTML has for a character of ASCII.
const maxEntity = len("&DiacriticalGrave;")

// readEntity reads the name or the number of one character in HTML.
func readEntity(decoded *strings.Builder, text string) int {
	size := 1
	for size < len(text) && size < maxEntity && (isWord(text[size]) || text[size] == '#') {
		size++
	}
	switch {
	case size == len(text):
		return cutOff
	case text[size] != ';':
		return 0
	}
	size++
	decoded.WriteString(html.UnescapeString(text[:size])) // as it is if the name means nothing
	return size
}
