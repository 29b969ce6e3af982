package codeartsbuildtest

import (
	_ "embed"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ./internal/gen

// An operation is what the service documents about one call.
type operation struct {
	name, method, path string
	current            bool // neither outdated nor announced to go offline
	params             []param
	body               string   // the type of the JSON body; empty for a call without one
	multipart          bool     // the body is a form with a file instead
	envelope           []string // the members around a result; nil: the handler returns the whole body
	response           string   // the type of the response body, where no example is documented
}

// A param is a parameter in the path or in the query.
type param struct {
	name, in, typ string
	required      bool

	least, most       int // of a number; 0 in most: unlimited
	shortest, longest int // of a text, in characters; 0 in longest: unlimited
	oneOf             []string
	pattern           string
	layout            string // of a time
}

// A field is a member of a documented JSON object.
type field struct {
	name, typ string
	required  bool
	least     int // of a number; 0: unlimited
	oneOf     []string
}

// elementType is the T of T[], and whether typ is a list.
func elementType(typ string) (string, bool) { return strings.CutSuffix(typ, "[]") }

// valueType is the T of map<string,T>, and whether typ is a map.
func valueType(typ string) (string, bool) {
	inner, ok := strings.CutPrefix(typ, "map<string,")
	return strings.TrimSuffix(inner, ">"), ok
}

// examples holds the documented response bodies by operation.
//
//go:embed examples.json
var examples []byte

var documentedExamples = sync.OnceValue(func() map[string]json.RawMessage {
	bodies := map[string]json.RawMessage{}
	_ = json.Unmarshal(examples, &bodies) // generated, and compared by a test
	return bodies
})

// zeroBody is a body of the operation's type in which everything is empty.
func (op *operation) zeroBody() json.RawMessage {
	body, _ := zeroOf(op.response, nil).(map[string]any)
	body["status"], body["error"] = statusSuccess, nil
	return encode(body)
}

// zeroOf makes a value of a documented type. Lists have one element, so that readers meet its fields. A type within
// itself is empty.
func zeroOf(typ string, within []string) any {
	if element, ok := elementType(typ); ok {
		if v := zeroOf(element, within); v != nil {
			return []any{v}
		}
		return []any{}
	}
	if _, ok := valueType(typ); ok {
		return map[string]any{}
	}
	switch typ {
	case "string":
		return ""
	case "bool":
		return false
	case "int32", "int64", "float", "double":
		return 0
	}
	fields, known := documentedTypes[typ]
	if !known || slices.Contains(within, typ) {
		return nil
	}
	object := map[string]any{}
	for _, f := range fields {
		object[f.name] = zeroOf(f.typ, append(within, typ))
	}
	return object
}

// A route is an operation with its path cut into segments.
type route struct {
	*operation
	segments []string
}

// routes are the documented operations by method. Those with fewer placeholders come first, since a name in a path wins
// over a placeholder.
var routes = sync.OnceValue(func() map[string][]route {
	byMethod := map[string][]route{}
	for placeholders := range 4 {
		for i := range documented {
			op := &documented[i]
			if strings.Count(op.path, "{") == placeholders {
				byMethod[op.method] = append(byMethod[op.method], route{op, strings.Split(op.path, "/")})
			}
		}
	}
	return byMethod
})

// findRoute finds the operation at a path that is still escaped, and the values of its placeholders; nil when the
// gateway has no such path.
func findRoute(method, escapedPath string) (*operation, map[string]string) {
	segments := strings.Split(escapedPath, "/")
	for _, r := range routes()[method] {
		if values, ok := r.match(segments); ok {
			return r.operation, values
		}
	}
	return nil, nil
}

func (r *route) match(segments []string) (map[string]string, bool) {
	if len(segments) != len(r.segments) {
		return nil, false
	}
	values := map[string]string{}
	for i, segment := range segments {
		name, placeholder := strings.CutPrefix(r.segments[i], "{")
		if !placeholder {
			if segment != r.segments[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segment)
		if err != nil || value == "" {
			return nil, false
		}
		values[strings.TrimSuffix(name, "}")] = value
	}
	return values, true
}
