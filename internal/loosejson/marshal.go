package loosejson

import (
	"bytes"
	"encoding/json"
	"reflect"
	"sync"
)

// buffers hold the output of encoding/json until it is copied.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooled is the largest buffer that is kept.
const maxPooled = 64 << 10

// Marshal encodes v as encoding/json does, but without escapes for HTML, and with the unknown members that
// [Unmarshal] kept: they follow the other members of their object, sorted by name. A name that belongs to a
// field is left out of the unknown members.
//
// Unknown members that are reached only through an interface or a MarshalJSON method stay as encoding/json
// writes them.
func Marshal(v any) ([]byte, error) {
	buffer := buffers.Get().(*bytes.Buffer)
	buffer.Reset()
	defer func() {
		if buffer.Cap() <= maxPooled {
			buffers.Put(buffer)
		}
	}()
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	data := bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
	var p *plan
	if v != nil {
		p = planOf(reflect.TypeOf(v))
	}
	flat, _ := p.flatten(make([]byte, 0, len(data)), data)
	return flat, nil
}

// flatten appends the value that data starts with to flat, with the unknown members of each object in it
// among its other members. It returns the data behind the value as well. Without a plan the value stays.
func (p *plan) flatten(flat, data []byte) (_, rest []byte) {
	switch {
	case p == nil || p.marshals:
	case p.way == asPointer:
		return p.elem.flatten(flat, data)
	case p.opens(data) && p.opening == '{':
		return p.flattenObject(flat, data)
	case p.opens(data):
		return p.flattenArray(flat, data)
	}
	end := valueEnd(data)
	return append(flat, data[:end]...), data[end:]
}

func (p *plan) flattenObject(flat, data []byte) (_, rest []byte) {
	flat = append(flat, '{')
	var unknown []byte
	m := Members(data)
	for m.nextName() {
		if p.unknown != nil && string(m.Name) == p.unknown.name {
			m.takeValue()
			unknown = m.Value
			continue
		}
		flat = appendName(flat, m.quoted)
		element := p.elem // of a map
		if f := p.fields[string(m.Name)]; f != nil {
			element = f.plan
		}
		flat, m.rest = element.flatten(flat, m.rest)
	}
	for extra := Members(unknown); extra.Next(); {
		if p.fields[string(extra.Name)] == nil {
			flat = append(appendName(flat, extra.quoted), extra.Value...)
		}
	}
	return append(flat, '}'), behindBracket(m.rest)
}

// appendName appends the quoted name of a member, with the comma before and the colon behind it.
func appendName(flat, quoted []byte) []byte {
	if flat[len(flat)-1] != '{' {
		flat = append(flat, ',')
	}
	return append(append(flat, quoted...), ':')
}

func (p *plan) flattenArray(flat, data []byte) (_, rest []byte) {
	flat = append(flat, '[')
	for rest = data[1:]; rest[0] != ']'; {
		if rest[0] == ',' {
			flat, rest = append(flat, ','), rest[1:]
		}
		flat, rest = p.elem.flatten(flat, rest)
	}
	return append(flat, ']'), rest[1:]
}
