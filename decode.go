package codeartsbuild

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

// An answerDecoder reads the payload of an answer by rules of its own. The payload is valid JSON, or
// empty. An error that is a kind (ErrNotStopped) says what the answer means; any other says that it
// cannot be read.
type answerDecoder interface {
	decodeAnswer(payload []byte, info answerInfo) error
}

// answerInfo is what an answer can be checked against.
type answerInfo struct {
	job, build string // that the call named
	header     http.Header
}

var errEmptyAnswer = errors.New("the answer is empty")

// decode reads the body of a success, which is JSON or empty, into out, which stays as it was if that fails.
// The envelope is the name of the member that holds the payload; an answer without it is the payload itself,
// since the service sends some answers both ways.
func decode(body []byte, envelope string, out any, info answerInfo) error {
	payload := body
	if envelope != "" {
		for m := membersOf(payload); m.next(); {
			if string(m.name) == envelope && !isBlank(m.value) {
				payload = m.value
			}
		}
	}
	if own, ok := out.(answerDecoder); ok {
		return own.decodeAnswer(payload, info)
	}
	if out == nil {
		return nil
	}
	if len(payload) == 0 {
		return errEmptyAnswer
	}
	fresh := reflect.New(reflect.TypeOf(out).Elem())
	if err := json.Unmarshal(payload, fresh.Interface()); err != nil {
		return err
	}
	reflect.ValueOf(out).Elem().Set(fresh.Elem())
	return nil
}

// A memberScanner walks the members of a JSON object without copying. It is for what json.Valid accepted;
// of anything else it makes something or nothing, but does not fail.
type memberScanner struct {
	rest        []byte
	name, value []byte
}

func membersOf(data []byte) memberScanner {
	data = skip(data, ' ')
	if len(data) == 0 || data[0] != '{' {
		return memberScanner{}
	}
	return memberScanner{rest: data[1:]}
}

func (m *memberScanner) next() bool {
	rest := skip(m.rest, ',')
	if len(rest) == 0 || rest[0] != '"' {
		return false
	}
	end := valueEnd(rest)
	if end < 2 {
		return false
	}
	m.name = rest[1 : end-1]
	if bytes.IndexByte(m.name, '\\') >= 0 {
		m.name = []byte(scalarText(rest[:end]))
	}
	rest = skip(rest[end:], ':')
	end = valueEnd(rest)
	m.value, m.rest = rest[:end], rest[end:]
	return true
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

// valueEnd is the length of the JSON value that data starts with.
func valueEnd(data []byte) int {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
			if !inString && depth == 0 {
				return i + 1
			}
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
			if depth == 0 {
				return i + 1
			}
			if depth < 0 {
				return i
			}
		case depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			return i
		}
	}
	return len(data)
}

// firstElement is the first element of an array, and of anything else the thing itself.
func firstElement(value []byte) []byte {
	if len(value) == 0 || value[0] != '[' {
		return value
	}
	inner := skip(value[1:], ' ')
	return inner[:valueEnd(inner)]
}

// isBlank reports whether a value says nothing: null, false, "", {} or [].
func isBlank(value []byte) bool {
	switch string(value) {
	case "", "null", "false", `""`:
		return true
	}
	return (value[0] == '{' || value[0] == '[') && len(skip(value[1:], ' ')) == 1
}

// isWord reports whether a value is the word, as a string or a literal, in any letter case.
func isWord(value []byte, word string) bool {
	if bytes.IndexByte(value, '\\') >= 0 {
		return strings.EqualFold(scalarText(value), word)
	}
	if len(value) == len(word)+2 && value[0] == '"' {
		value = value[1 : len(value)-1]
	}
	return len(value) == len(word) && strings.EqualFold(string(value), word)
}

// scalarText is the text of a JSON string and the literal of a number or a bool; "" for anything else. It
// is valid UTF-8 whatever the bytes are.
func scalarText(value []byte) string {
	if len(value) == 0 {
		return ""
	}
	switch c := value[0]; {
	case c == '{', c == '[', c == 'n':
		return ""
	case c == '"' && len(value) > 1:
		inner := value[1 : len(value)-1]
		if bytes.IndexByte(inner, '\\') >= 0 {
			var text string
			_ = json.Unmarshal(value, &text) // "" if that fails
			return text
		}
		value = inner
	}
	return strings.ToValidUTF8(string(value), "\ufffd")
}

// A flexibleString is documented as a string or a number and comes as either; 5.0 reads as 5.
type flexibleString string

func (s *flexibleString) UnmarshalJSON(data []byte) error {
	*s = flexibleString(scalarText(data))
	if len(data) > 0 && data[0] != '"' && bytes.ContainsAny(data, ".eE") {
		if f, err := strconv.ParseFloat(string(data), 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			*s = flexibleString(strconv.FormatInt(int64(f), 10))
		}
	}
	return nil
}

// A flexibleInt is an integer that also comes as a string. What is none reads as 0.
type flexibleInt int64

func (n *flexibleInt) UnmarshalJSON(data []byte) error {
	var s flexibleString
	_ = s.UnmarshalJSON(data) // never fails
	i, err := strconv.ParseInt(strings.TrimSpace(string(s)), 10, 64)
	if err != nil {
		i = 0
	}
	*n = flexibleInt(i)
	return nil
}

// A flexibleBool is true for true and "true", in any letter case, and false for everything else.
type flexibleBool bool

func (b *flexibleBool) UnmarshalJSON(data []byte) error {
	*b = flexibleBool(strings.EqualFold(scalarText(data), "true"))
	return nil
}
