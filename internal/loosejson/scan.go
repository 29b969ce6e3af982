package loosejson

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A Scanner walks the members of an object without copying them. Name is valid until the next call of Next;
// Value is a part of the data.
type Scanner struct {
	Name, Value []byte

	rest    []byte
	quoted  []byte // Name as the data spell it
	escaped []byte // holds a Name that differs from its spelling
}

// Members returns a Scanner before the first member of an object. Other values have no members.
func Members(data []byte) Scanner {
	data = skip(data, ' ')
	if len(data) == 0 || data[0] != '{' {
		return Scanner{}
	}
	return Scanner{rest: data[1:]}
}

// Next advances to the next member and reports whether there is one.
func (s *Scanner) Next() bool {
	if !s.nextName() {
		return false
	}
	s.takeValue()
	return true
}

// nextName advances to the next name. The rest then begins with the value, or after the last member with
// the end of the object.
func (s *Scanner) nextName() bool {
	s.rest = skip(s.rest, ',')
	if len(s.rest) == 0 || s.rest[0] != '"' {
		return false
	}
	end := stringEnd(s.rest)
	if end < 2 {
		return false
	}
	s.quoted = s.rest[:end]
	s.Name = s.quoted[1 : end-1]
	if !isPlain(s.Name) {
		s.escaped = unescape(s.escaped[:0], s.Name)
		s.Name = s.escaped
	}
	s.rest = skip(s.rest[end:], ':')
	return true
}

// takeValue moves the value of the member from the rest to Value.
func (s *Scanner) takeValue() {
	end := valueEnd(s.rest)
	s.Value, s.rest = s.rest[:end], s.rest[end:]
}

// First returns the first element of an array, which is empty if the array is, and any other value itself.
func First(value []byte) []byte {
	value = trim(value)
	if len(value) == 0 || value[0] != '[' {
		return value
	}
	inner := skip(value[1:], ' ')
	return inner[:valueEnd(inner)]
}

// Text returns the text of a string and the literal of a number or bool; "" for null, an object or an array.
// The text is valid UTF-8.
func Text(value []byte) string { return string(content(trim(value))) }

// Is reports whether a value is the word, as a string or a literal, in any letter case.
func Is(value []byte, word string) bool {
	text := content(trim(value))
	return len(text) == len(word) && strings.EqualFold(string(text), word)
}

// IsBlank reports whether a value says nothing: null, false, "", {}, [], or no value at all.
func IsBlank(value []byte) bool {
	value = skip(value, ' ')
	if len(value) > 0 && (value[0] == '{' || value[0] == '[') {
		inner := skip(value[1:], ' ')
		return len(inner) > 0 && (inner[0] == '}' || inner[0] == ']')
	}
	switch string(value[:valueEnd(value)]) {
	case "", "null", "false", `""`:
		return true
	}
	return false
}

// trim takes white space off both ends.
func trim(value []byte) []byte {
	value = skip(value, ' ')
	for len(value) > 0 {
		switch value[len(value)-1] {
		case ' ', '\t', '\r', '\n':
			value = value[:len(value)-1]
		default:
			return value
		}
	}
	return value
}

// skip takes white space and another byte off the start of data.
func skip(data []byte, also byte) []byte {
	for len(data) > 0 {
		switch data[0] {
		case ' ', '\t', '\r', '\n', also:
			data = data[1:]
		default:
			return data
		}
	}
	return data
}

// valueEnd returns the length of the value that data starts with; 0 if data does not start with one.
func valueEnd(data []byte) int {
	if len(data) == 0 {
		return 0
	}
	switch data[0] {
	case '"':
		return stringEnd(data)
	case '{', '[':
		return bracketEnd(data)
	}
	for i, c := range data {
		switch c {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return i
		}
	}
	return len(data)
}

// bracketEnd returns the length of the object or array that data starts with.
func bracketEnd(data []byte) int {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i += stringEnd(data[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(data)
}

// stringEnd returns the length of the string that data starts with. A quote ends it unless the number of
// backslashes before the quote is odd.
func stringEnd(data []byte) int {
	for end := 1; ; {
		length := bytes.IndexByte(data[end:], '"')
		if length < 0 {
			return len(data)
		}
		end += length + 1
		before := end - 2
		for data[before] == '\\' { // ends at the opening quote at the latest
			before--
		}
		if (end-before)%2 == 0 {
			return end
		}
	}
}

// content returns the text of a scalar, as part of the value where possible; nil for other values.
func content(value []byte) []byte {
	if len(value) == 0 {
		return nil
	}
	switch value[0] {
	case '{', '[', 'n':
		return nil
	case '"':
		value = value[1:max(1, len(value)-1)]
	}
	if isPlain(value) {
		return value
	}
	return unescape(nil, value)
}

func isPlain(text []byte) bool { return bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) }

// unescape appends the inside of a quoted string to text. U+FFFD replaces bytes and escapes that are not
// Unicode, as in encoding/json.
func unescape(text, inner []byte) []byte {
	for len(inner) > 0 {
		r, size := utf8.DecodeRune(inner)
		if r == '\\' && len(inner) > 1 {
			r, size = unescapeRune(inner)
		}
		text = utf8.AppendRune(text, r)
		inner = inner[size:]
	}
	return text
}

// unescapeRune returns the character of the escape that inner starts with, and the length of the escape.
func unescapeRune(inner []byte) (r rune, size int) {
	if control := strings.IndexByte("bfnrt", inner[1]); control >= 0 {
		return rune("\b\f\n\r\t"[control]), 2
	}
	if inner[1] != 'u' {
		return rune(inner[1]), 2
	}
	size = min(6, len(inner))
	r = codeUnit(inner)
	if pair := utf16.DecodeRune(r, codeUnit(inner[size:])); pair != utf8.RuneError {
		return pair, 12
	}
	return r, size // half a pair becomes U+FFFD when it is appended
}

// codeUnit returns the number of an escape of the form \u0041; U+FFFD for anything else.
func codeUnit(escape []byte) rune {
	if len(escape) < 6 || escape[0] != '\\' || escape[1] != 'u' {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(string(escape[2:6]), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}
