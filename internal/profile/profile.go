// Package profile reads the credential file of the vendor's SDKs: an INI file with a section [basic].
//
// The file is written by hand and by several tools, so the spellings of all of them are accepted: "=" or ":"
// between key and value, "#" or ";" before a comment, quotes around a value, keys in any letter case.
package profile

import (
	"fmt"
	"strings"
)

// Parse returns the values of the section [basic], by key in lower case. A text without that section has no
// values. The error names the file and the line and quotes neither keys nor values, which may be secret.
func Parse(name, text string) (map[string]string, error) {
	values, section, number := map[string]string{}, "", 0
	fail := func(rule string) (map[string]string, error) {
		return nil, fmt.Errorf("%s, line %d: %s", name, number, rule)
	}
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		line = withoutComment(line)
		if line == "" {
			continue
		}
		if line[0] == '[' {
			var ok bool
			if section, ok = sectionName(line); !ok {
				return fail("a section must end with a closing bracket")
			}
			continue
		}
		key, value, ok := cutKey(line)
		if !ok {
			return fail("a line must be a section, a comment, or a key with a value")
		}
		if section != "basic" {
			continue
		}
		if _, twice := values[key]; twice {
			return fail("a key of [basic] must not be given twice")
		}
		values[key] = value
	}
	return values, nil
}

// withoutComment removes a comment that has the line to itself or follows a blank. Secrets may hold "#" and
// ";" in their middle.
func withoutComment(line string) string {
	line = strings.TrimSpace(line)
	for i := range len(line) {
		if isComment(line[i:]) && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return strings.TrimSpace(line[:i])
		}
	}
	return line
}

func isComment(text string) bool { return text[0] == '#' || text[0] == ';' }

// sectionName reads a line such as "[basic]". A comment may follow the bracket without a blank, since no
// value stands there.
func sectionName(line string) (name string, ok bool) {
	for i := range len(line) {
		if line[i] != ']' {
			continue
		}
		if rest := strings.TrimSpace(line[i+1:]); rest == "" || isComment(rest) {
			return strings.TrimSpace(line[1:i]), true
		}
	}
	return "", false
}

// cutKey splits a line at its first "=" or ":" and takes the quotes off the value.
func cutKey(line string) (key, value string, ok bool) {
	i := strings.IndexAny(line, "=:")
	if i <= 0 {
		return "", "", false
	}
	key, value = strings.ToLower(strings.TrimSpace(line[:i])), strings.TrimSpace(line[i+1:])
	if n := len(value); n >= 2 && value[0] == value[n-1] && strings.IndexByte("\"'`", value[0]) >= 0 {
		value = value[1 : n-1]
	}
	return key, value, true
}
