package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxText is how much is printed of one text that the service controls.
const maxText = 512

// printable cuts a text, and escapes all that a terminal would not show as it is.
func printable(text string) string {
	text = cut(text)
	var b strings.Builder
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			fmt.Fprintf(&b, `\x%02x`, text[i])
		} else if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// cut shortens a text to maxText bytes, at a letter's end.
func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > maxText-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// word makes a text one printable word, with quotes if it needs them; an empty text is "-".
func word(text string) string {
	shown := printable(text)
	switch {
	case text == "":
		return "-"
	case strings.ContainsAny(shown, " \"\\"):
		return `"` + shown + `"`
	}
	return shown
}

// A field is a member of an object in JSON. One whose value is "", nil or the zero time is left out.
type field struct {
	name  string
	value any
}

// object is one line of JSON: the name of the event, and then the fields in their order.
func object(event string, fields []field) []byte {
	var b bytes.Buffer
	b.WriteString(`{"event":`)
	b.Write(encode(event))
	for _, f := range fields {
		value := f.value
		switch v := value.(type) {
		case nil:
			continue
		case string:
			if v == "" {
				continue
			}
			value = cut(v)
		case time.Time:
			if v.IsZero() {
				continue
			}
			value = v.UTC().Format(time.RFC3339)
		case time.Duration:
			value = float64(v.Milliseconds()) / 1000 // Seconds has 2.3529999999999998 for 2.353
		}
		b.WriteByte(',')
		b.Write(encode(f.name))
		b.WriteByte(':')
		b.Write(encode(value))
	}
	b.WriteString("}\n")
	return b.Bytes()
}

// encode is JSON in which all that a terminal would not show is escaped.
func encode(value any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil { // of no value that is printed here
		return []byte("null")
	}
	var escaped []byte
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		switch {
		case strconv.IsPrint(r):
			escaped = utf8.AppendRune(escaped, r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
	}
	return escaped
}

// maxCell is how wide a column becomes. JSON has the whole text.
const maxCell = 40

// cell is a word that fits into a column.
func cell(text string) string {
	shown := word(text)
	if columns(shown) <= maxCell {
		return shown
	}
	width := 0
	end := strings.IndexFunc(shown, func(r rune) bool {
		width += columns(string(r))
		return width > maxCell-1
	})
	return shown[:end] + "…"
}

// wide are the letters that take two columns of a terminal: those of East Asia, and most pictures.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x2e80, 0x303e, 1}, {0x3041, 0x4dbf, 1}, {0x4e00, 0xa4cf, 1}, {0xa960, 0xa97c, 1}, {0xac00, 0xd7a3, 1},
		{0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1}, {0xff01, 0xff60, 1}, {0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{{0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f900, 0x1faff, 1}, {0x20000, 0x3fffd, 1}},
}

// columns is how many columns of a terminal a printable text takes.
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.Is(wide, r):
			n += 2
		case !unicode.In(r, unicode.Mn, unicode.Me): // these are drawn onto the letter before them
			n++
		}
	}
	return n
}

// A table aligns the columns of its rows. The last column has its own width.
type table struct{ widths []int }

func newTable(rows [][]string) *table {
	t := &table{}
	for _, row := range rows {
		for i, text := range row {
			if i == len(t.widths) {
				t.widths = append(t.widths, 0)
			}
			t.widths[i] = max(t.widths[i], columns(text))
		}
	}
	return t
}

// row pads the cells of a row, and colours the first one.
func (t *table) row(s *stream, colour string, cells ...string) string {
	var b strings.Builder
	for i, text := range cells {
		padding := ""
		if i < len(cells)-1 && i < len(t.widths) {
			padding = strings.Repeat(" ", max(t.widths[i]-columns(text), 0)+2)
		}
		if i == 0 {
			text = s.paint(colour, text)
		}
		b.WriteString(text + padding)
	}
	return strings.TrimRight(b.String(), " ")
}
