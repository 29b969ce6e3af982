package loosejson

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

const (
	// maxDepth is how many levels of arrays and objects Unmarshal enters. The service nests less than ten.
	maxDepth = 32
	// maxElements limits the memory for elements of arrays and maps, in bytes, beside that of their texts. A page of
	// 100 rows needs 30 KB; an array of 10 MiB of empty objects would need half a gigabyte.
	maxElements = 4 << 20
)

var (
	errTooDeep  = errors.New("arrays and objects must not nest deeper than 32 levels")
	errTooMany  = errors.New("arrays and objects must not have more than 4 MiB of elements")
	errNoValue  = errors.New("a value is missing")
	errNoTarget = errors.New("the target must be a pointer that is not nil")
)

// Unmarshal decodes data into the value that out points to. That value stays as it was if decoding fails.
//
// It is an error if an array, an object or a scalar stands where another of the three is wanted, or if arrays
// and objects nest deeper than 32 levels. Unknown members and raw values may nest deeper. The error has the
// path to the value. The path has names of tags and * for the keys of maps; an error never has a name or a
// value of the data, unless a type that reads itself puts it there:
//
//	job_build_states[3].number: cannot read an object as a string
func Unmarshal(data []byte, out any) error {
	target := reflect.ValueOf(out)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return errNoTarget
	}
	fresh := reflect.New(target.Type().Elem()).Elem()
	left := limits{depth: maxDepth, bytes: maxElements}
	if _, err := planOf(fresh.Type()).read(fresh, skip(data, ' '), &left); err != nil {
		return err
	}
	target.Elem().Set(fresh)
	return nil
}

// limits are what one decoding may still use.
type limits struct{ depth, bytes int }

// take reports whether there is room for n more elements.
func (l *limits) take(n int, element reflect.Type) bool {
	l.bytes -= n * max(int(element.Size()), 1)
	return l.bytes >= 0
}

// takeEntry reports whether there is room for another entry of a map, with its key.
func (l *limits) takeEntry(element reflect.Type) bool {
	l.bytes -= mapEntry
	return l.take(1, element)
}

var rawType = reflect.TypeFor[json.RawMessage]()

// mapEntry is roughly the memory that a map needs for an entry beside its value.
const mapEntry = 64

// read sets v, which must be zero, to the value that data starts with, and returns the data behind the value.
// It scans data once, however deep they nest.
func (p *plan) read(v reflect.Value, data []byte, left *limits) (rest []byte, err error) {
	switch {
	case len(data) == 0:
		return nil, errNoValue
	case p.way == asPointer && !p.isNil(data):
		v.Set(reflect.New(p.elem.typ))
		return p.elem.read(v.Elem(), data, left)
	case p.opens(data) && left.depth == 0:
		return nil, errTooDeep
	case p.opens(data):
		left.depth--
		rest, err = p.enter(v, data, left)
		left.depth++
		return rest, err
	}
	end := valueEnd(data)
	if end == 0 {
		return nil, errNoValue
	}
	return data[end:], p.set(v, data[:end])
}

func (p *plan) enter(v reflect.Value, data []byte, left *limits) (rest []byte, err error) {
	switch p.way {
	case asStruct:
		return p.readStruct(v, data, left)
	case asMap:
		return p.readMap(v, data, left)
	default:
		return p.readSlice(v, data, left)
	}
}

// isNil reports whether a pointer stays nil: for null, and for "" unless that has a meaning for its target.
func (p *plan) isNil(data []byte) bool {
	return data[0] == 'n' || isMissing(data) && p.elem.way != asString && p.elem.way != asJSON
}

func isMissing(data []byte) bool { return data[0] == 'n' || bytes.HasPrefix(data, []byte(`""`)) }

func (p *plan) readStruct(v reflect.Value, data []byte, left *limits) (rest []byte, err error) {
	m := Members(data)
	for m.nextName() {
		f := p.fields[string(m.Name)]
		switch {
		case f == nil:
			m.takeValue()
			if !p.keepUnknown(v, &m, left) {
				return nil, errTooMany
			}
		case f.spellings && IsBlank(m.rest):
			m.takeValue()
			if target := v.FieldByIndex(f.index); target.IsZero() {
				_, _ = f.read(target, m.Value, left) // a value that says nothing need not fit
			}
		default:
			target := v.FieldByIndex(f.index)
			target.SetZero() // of a member that comes twice the last counts
			m.rest, err = f.read(target, m.rest, left)
			if err != nil {
				return nil, within("."+f.name, err)
			}
		}
	}
	return behindBracket(m.rest), nil
}

// keepUnknown copies a member into the field for unknown members, if there is one, and reports whether there is room.
func (p *plan) keepUnknown(v reflect.Value, m *Scanner, left *limits) bool {
	if p.unknown == nil {
		return true
	}
	if !left.takeEntry(rawType) {
		return false
	}
	members := v.FieldByIndex(p.unknown.index).Addr().Interface().(*map[string]json.RawMessage)
	if *members == nil {
		*members = make(map[string]json.RawMessage)
	}
	(*members)[string(m.Name)] = bytes.Clone(m.Value)
	return true
}

func (p *plan) readMap(v reflect.Value, data []byte, left *limits) (rest []byte, err error) {
	v.Set(reflect.MakeMap(p.typ))
	element := reflect.New(p.elem.typ).Elem()
	m := Members(data)
	for m.nextName() {
		element.SetZero()
		if !left.takeEntry(p.elem.typ) {
			return nil, errTooMany
		}
		m.rest, err = p.elem.read(element, m.rest, left)
		if err != nil {
			return nil, within(".*", err)
		}
		v.SetMapIndex(reflect.ValueOf(string(m.Name)), element)
	}
	return behindBracket(m.rest), nil
}

func (p *plan) readSlice(v reflect.Value, data []byte, left *limits) (rest []byte, err error) {
	rest = skip(data[1:], ' ')
	for n := 0; len(rest) > 0 && rest[0] != ']'; n++ {
		if n == v.Cap() {
			more := room(n, rest)
			if !left.take(more, p.elem.typ) {
				return nil, errTooMany
			}
			v.Grow(more)
		}
		v.SetLen(n + 1)
		rest, err = p.elem.read(v.Index(n), rest, left)
		if err != nil {
			return nil, within("["+strconv.Itoa(n)+"]", err)
		}
		rest = skip(rest, ',')
	}
	if v.IsNil() {
		v.Set(reflect.MakeSlice(p.typ, 0, 0))
	}
	return behindBracket(rest), nil
}

// room returns for how many more elements a slice of n gets space. A page has 100 at most. For a longer array
// the rest is counted, since doubling would allocate five times the memory that is needed.
func room(n int, rest []byte) int {
	if n < 128 {
		return 1
	}
	more := 0
	for ; len(rest) > 0 && rest[0] != ']'; more++ {
		rest = skip(rest[max(1, valueEnd(rest)):], ',')
	}
	return more
}

// behindBracket takes the end of an object or array off data.
func behindBracket(data []byte) []byte { return data[min(1, len(data)):] }

// set sets v to a value that read did not enter.
func (p *plan) set(v reflect.Value, value []byte) error {
	switch {
	case p.way == asJSON:
		return v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(value)
	case p.way == asAny:
		return json.Unmarshal(value, v.Addr().Interface())
	case isMissing(value):
		return nil
	case p.way > lastScalar || value[0] == '{' || value[0] == '[':
		return fmt.Errorf("cannot read %s as %s", structure(value[0]), wanted[p.way])
	}
	text := content(value)
	if p.way == asText {
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(text)
	}
	if value[0] != '"' || p.way == asInt || p.way == asUint || p.way == asFloat {
		text = integral(bytes.TrimSpace(text))
	}
	p.setScalar(v, text)
	return nil
}

func (p *plan) setScalar(v reflect.Value, text []byte) {
	switch p.way {
	case asString:
		v.SetString(string(text))
	case asTime:
		*v.Addr().Interface().(*time.Time) = Time(string(text))
	case asBool:
		v.SetBool(string(text) == "1" || strings.EqualFold(string(text), "true"))
	case asInt:
		if n, err := strconv.ParseInt(string(text), 10, p.typ.Bits()); err == nil {
			v.SetInt(n)
		}
	case asUint:
		if n, err := strconv.ParseUint(string(text), 10, p.typ.Bits()); err == nil {
			v.SetUint(n)
		}
	case asFloat:
		if f, err := strconv.ParseFloat(string(text), p.typ.Bits()); err == nil && isDecimal(text) {
			v.SetFloat(f)
		}
	}
}

// integral returns the digits of a number that is written with a fraction or an exponent and has neither:
// "5" for 5.0 and 0.5e1. Other texts, and numbers that a float64 does not hold exactly, stay.
func integral(text []byte) []byte {
	if bytes.ContainsAny(text, ".eE") && isDecimal(text) {
		f, err := strconv.ParseFloat(string(text), 64)
		if err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return strconv.AppendInt(nil, int64(f), 10)
		}
	}
	return text
}

// isDecimal tells numbers from the other texts that strconv.ParseFloat accepts: infinities and hexadecimals.
func isDecimal(text []byte) bool { return len(bytes.Trim(text, "0123456789+-.eE")) == 0 }

// structure names the kind of JSON value that starts with a byte.
func structure(first byte) string {
	switch first {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a bool"
	}
	return "a number"
}

// A pathError says where a value is that cannot be read.
type pathError struct {
	path string // such as ".job_build_states[3].number"
	err  error
}

func (e *pathError) Error() string { return strings.TrimPrefix(e.path, ".") + ": " + e.err.Error() }

func (e *pathError) Unwrap() error { return e.err }

// within puts one step before the path of err.
func within(step string, err error) error {
	if inner, ok := err.(*pathError); ok {
		return &pathError{step + inner.path, inner.err}
	}
	return &pathError{step, err}
}
