// Package spelled has the ways in which servers spell a secret, for tests that look for secrets in texts.
package spelled

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// JSON are the ways in which a server may spell a secret inside a JSON string.
var JSON = map[string]func(string) string{
	"as it is": func(s string) string { return InsideJSON(s, nil) },
	"with HTML escapes": func(s string) string {
		return InsideJSON(s, func(r rune) bool { return strings.ContainsRune("<>&='", r) })
	},
	"with all but ASCII escaped": func(s string) string {
		return InsideJSON(s, func(r rune) bool { return r > unicode.MaxASCII })
	},
	"with + escaped":     func(s string) string { return strings.ReplaceAll(InsideJSON(s, nil), "+", `\u002B`) },
	"with slash escaped": func(s string) string { return strings.ReplaceAll(InsideJSON(s, nil), "/", `\/`) },
	"with slash and HTML escapes": func(s string) string {
		return strings.ReplaceAll(InsideJSON(s, func(r rune) bool { return strings.ContainsRune("<>&='", r) }), "/", `\/`)
	},
	"all escaped":             func(s string) string { return InsideJSON(s, func(rune) bool { return true }) },
	"all escaped in capitals": func(s string) string { return capitalEscapes(InsideJSON(s, func(rune) bool { return true })) },
	"as JSON in JSON":         func(s string) string { return InsideJSON(`{"a":"`+InsideJSON(s, nil)+`"}`, nil) },
	"as escaped JSON in JSON": func(s string) string {
		return InsideJSON(`{"a":"`+strings.ReplaceAll(InsideJSON(s, func(r rune) bool { return r == '=' }), "/", `\/`)+`"}`, nil)
	},
}

// InsideJSON is what a JSON string has between its quotes, with the chosen characters as \u escapes.
func InsideJSON(text string, escape func(rune) bool) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case escape != nil && escape(r):
			for _, unit := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func capitalEscapes(text string) string {
	return strings.ReplaceAll(strings.ToUpper(text), `\U`, `\u`)
}

// PieceOf finds a piece of a secret in a text, also if JSON, HTML or an address spells it. Without a
// piece it returns "".
func PieceOf(text, secret string) string {
	size := min(len(secret), 12)
	secret = secret[:min(len(secret), 80)] // long ones repeat themselves
	for markup := 0; ; markup++ {
		for shown, depth := text, 0; ; depth++ {
			for i := 0; i+size <= len(secret) && holdsHalf(shown, secret, size/2); i++ {
				if piece := secret[i : i+size]; strings.Contains(shown, piece) {
					return piece
				}
			}
			plain := unescape(shown)
			if depth == 3 || plain == shown {
				break
			}
			shown = plain
		}
		plain := plainMarkup(text)
		if markup == 2 || plain == text {
			return ""
		}
		text = plain
	}
}

// holdsHalf is faster than a search for all pieces: each piece has one of these halves in it.
func holdsHalf(text, secret string, half int) bool {
	for i := 0; i+half <= len(secret); i += half {
		if strings.Contains(text, secret[i:i+half]) {
			return true
		}
	}
	return false
}

// plainMarkup reads the escapes of HTML and of addresses.
func plainMarkup(text string) string {
	return percentEscape.ReplaceAllStringFunc(html.UnescapeString(text), func(s string) string {
		r, _ := url.PathUnescape(s)
		return r
	})
}

// unescape reads the escapes of JSON.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		unit, ok := escapedUnit(text[i:])
		switch {
		case ok && utf16.IsSurrogate(unit):
			second, _ := escapedUnit(text[i+6:])
			b.WriteRune(utf16.DecodeRune(unit, second))
			i += 11
		case ok:
			b.WriteRune(unit)
			i += 5
		case text[i] == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// escapedUnit reads the escape that a text starts with.
func escapedUnit(text string) (rune, bool) {
	if len(text) < 6 || text[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(text[2:6], 16, 16)
	return rune(n), err == nil
}

var percentEscape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// Markup are those of addresses and of HTML, and the plain one for comparison.
var Markup = map[string]func(string) string{
	"percent":           url.QueryEscape,
	"percent of a path": url.PathEscape,
	"percent, lower case": func(s string) string {
		return percentEscape.ReplaceAllStringFunc(url.QueryEscape(s), strings.ToLower)
	},
	"percent, every character": func(s string) string { return "%" + strings.TrimSuffix(eachByte(s, "%02x%%"), "%") },
	"HTML":                     html.EscapeString,
	"HTML with +":              func(s string) string { return strings.ReplaceAll(html.EscapeString(s), "+", "&#43;") },
	"HTML by name":             strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;").Replace,
	"HTML, hexadecimal":        strings.NewReplacer("&", "&#x26;", `"`, "&#x22;", "+", "&#x2B;", "/", "&#x2f;").Replace,
	"HTML, every character":    func(s string) string { return eachByte(s, "&#%d;") },
	"JSON":                     func(s string) string { return s },
}

func eachByte(text, format string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

// All returns all spellings in which secrets are removed: those of JSON, of addresses and of HTML, and two of
// these one in the other.
func All() map[string]func(string) string {
	all := map[string]func(string) string{
		"percent, twice":  func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
		"HTML, twice":     func(s string) string { return html.EscapeString(eachByte(s, "&#%d;")) },
		"percent in HTML": func(s string) string { return eachByte(url.QueryEscape(s), "&#%d;") },
	}
	for name, spell := range JSON {
		all["JSON, "+name] = spell
	}
	for name, spell := range Markup {
		all["markup, "+name] = spell
	}
	return all
}
