package redact

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/codeartsbuild-go/codeartsbuild/internal/spelled"
)

// The spellings that servers use, and their decoders. They share no code with the package.

type spelling struct {
	name  string
	spell func(string) string
}

func plain(text string) string { return text }

// quotings are spellings inside of a JSON string.
var quotings = []spelling{
	{"JSON", func(s string) string { return spelled.InsideJSON(s, nil) }},
	{"JSON for pages", func(s string) string { return spelled.InsideJSON(s, isOneOf("<>&='")) }},
	{"JSON in ASCII", func(s string) string { return spelled.InsideJSON(s, func(r rune) bool { return r > unicode.MaxASCII }) }},
	{"JSON with escaped slashes", func(s string) string { return strings.ReplaceAll(spelled.InsideJSON(s, nil), "/", `\/`) }},
	{"JSON with escaped plus signs", func(s string) string { return strings.ReplaceAll(spelled.InsideJSON(s, nil), "+", `\u002B`) }},
	{"JSON, all escaped", func(s string) string { return spelled.InsideJSON(s, func(rune) bool { return true }) }},
	{"JSON, all escaped in capitals", func(s string) string {
		return strings.ReplaceAll(strings.ToUpper(spelled.InsideJSON(s, func(rune) bool { return true })), `\U`, `\u`)
	}},
	{"JSON of encoding/json", func(s string) string {
		data, _ := json.Marshal(s)
		return string(data[1 : len(data)-1])
	}},
}

// escapings are the spellings of addresses and of pages.
var escapings = []spelling{
	{"query", url.QueryEscape},
	{"path", url.PathEscape},
	{"query in lower case", func(s string) string {
		return regexp.MustCompile(`%[0-9A-F]{2}`).ReplaceAllStringFunc(url.QueryEscape(s), strings.ToLower)
	}},
	{"percent, each byte", func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			fmt.Fprintf(&b, "%%%02x", c)
		}
		return b.String()
	}},
	{"HTML", html.EscapeString},
	{"HTML by name", strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;", "+", "&plus;", "=", "&equals;", "`", "&DiacriticalGrave;").Replace},
	{"HTML in hexadecimal", strings.NewReplacer("&", "&#x26;", `"`, "&#X22;", "+", "&#x2B;", "/", "&#x2f;").Replace},
	{"HTML, each character", func(s string) string {
		var b strings.Builder
		for _, r := range s {
			fmt.Fprintf(&b, "&#%d;", r)
		}
		return b.String()
	}},
}

func isOneOf(set string) func(rune) bool {
	return func(r rune) bool { return strings.ContainsRune(set, r) }
}

var (
	jsonEscape    = regexp.MustCompile(`\\u[dD][89abAB][[:xdigit:]]{2}\\u[dD][c-fC-F][[:xdigit:]]{2}|\\u[[:xdigit:]]{4}|(?s:\\.)`)
	percentEscape = regexp.MustCompile(`%[[:xdigit:]]{2}`)
	htmlEscape    = regexp.MustCompile(`&[#[:alnum:]]{1,17};`)
)

// readings are all texts that can be decoded from one, as the package promises to, itself included.
func readings(text string) []string {
	var all []string
	var escaped func(text string, depth int)
	escaped = func(text string, depth int) {
		all = append(all, text)
		if depth > 0 {
			escaped(percentEscape.ReplaceAllStringFunc(text, func(s string) string {
				n, _ := strconv.ParseUint(s[1:], 16, 8)
				return string([]byte{byte(n)})
			}), depth-1)
			escaped(htmlEscape.ReplaceAllStringFunc(text, html.UnescapeString), depth-1)
		}
	}
	for range 4 {
		escaped(text, 2)
		text = jsonEscape.ReplaceAllStringFunc(text, unquote)
	}
	return all
}

func unquote(escape string) string {
	if strings.IndexByte(`u"\/bfnrt`, escape[1]) < 0 || len(escape) == 2 && escape[1] == 'u' {
		return escape[1:]
	}
	var s string
	_ = json.Unmarshal([]byte(`"`+escape+`"`), &s)
	return s
}

// folded is a text in which plus signs are spaces.
func folded(text string) string { return strings.ReplaceAll(text, "+", " ") }
