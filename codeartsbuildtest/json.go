package codeartsbuildtest

import (
	"bytes"
	"encoding/json"
)

// A member is one name and value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// membersOf takes a JSON object apart, in its order. Values stay byte for byte.
func membersOf(object []byte) []member {
	var members []member
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	for decoder.More() {
		name, _ := decoder.Token()
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return members
		}
		text, _ := name.(string)
		members = append(members, member{text, value})
	}
	return members
}

// memberOf is a member of a JSON object byte for byte; nil when it is not there. Of a name that comes twice the last
// counts.
func memberOf(object []byte, name string) json.RawMessage {
	var value json.RawMessage
	for _, m := range membersOf(object) {
		if m.name == name {
			value = m.value
		}
	}
	return value
}

// listOf returns a list, which is empty for a member that is missing.
func listOf(value json.RawMessage) json.RawMessage {
	if value == nil {
		return json.RawMessage("[]")
	}
	return value
}

// objectOf puts a JSON object together.
func objectOf(members []member) json.RawMessage {
	var object bytes.Buffer
	object.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			object.WriteByte(',')
		}
		object.Write(encode(m.name))
		object.WriteByte(':')
		object.Write(m.value)
	}
	object.WriteByte('}')
	return object.Bytes()
}

// at finds a value inside decoded JSON, by the names of members and by places in lists; nil when it is not there.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

// textAt is the text at a place inside decoded JSON; empty when it is not a text.
func textAt(v any, path ...any) string {
	text, _ := at(v, path...).(string)
	return text
}

// listAt is the list at a place inside decoded JSON.
func listAt(v any, path ...any) []any {
	list, _ := at(v, path...).([]any)
	return list
}
