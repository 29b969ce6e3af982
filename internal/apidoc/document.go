// Package apidoc reads testdata/operations.json, for tests and tools.
package apidoc

import (
	"encoding/json"
	"os"
	"strings"
)

// An Operation is what the document says about an operation.
type Operation struct {
	Name                 string `json:"operation"`
	Method, Path, Status string
	Params               []Param
	Body                 string `json:"request_body"` // a type; "": none
	Response             string // a type
	ResponseBodyType     string `json:"response_body_type"` // of a response that is not an object
}

// A Param is a parameter of the path, the query or the header.
type Param struct {
	Name, In string
	Required bool
}

// HasMethod reports whether the package has a method for an operation.
func (op Operation) HasMethod() bool {
	return op.Status == "current" || outdatedWithMethod[op.Name] != ""
}

// outdatedWithMethod are the outdated operations with a method, with the reason.
var outdatedWithMethod = map[string]string{
	"StopJob":       "the default stop, announced as going offline",
	"ShowNewOutput": "no current operation replaces it",
}

// A Field is a member of a documented type.
type Field struct {
	Name     string `json:"json"`
	Type     string
	Optional bool
}

// A Document is testdata/operations.json.
type Document struct {
	Operations []Operation
	Types      map[string][]Field
}

// Read reads the document at path.
func Read(path string) (*Document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var d Document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, err
	}
	return &d, nil
}

// Operation returns the operation of this name; without one it is zero.
func (d *Document) Operation(name string) Operation {
	for _, op := range d.Operations {
		if op.Name == name {
			return op
		}
	}
	return Operation{}
}

// ElementOf returns the type of the elements of a list or of the values of a map.
func ElementOf(typ string) (element string, ok bool) {
	if element, ok = strings.CutSuffix(typ, "[]"); ok {
		return element, true
	}
	if element, ok = strings.CutPrefix(typ, "map<string,"); ok {
		return strings.TrimSuffix(element, ">"), true
	}
	return typ, false
}

// BodyFields adds the paths of the members of a body, such as "steps[].name".
func (d *Document) BodyFields(typ, place string, add func(path string)) {
	if element, ok := ElementOf(typ); ok {
		if element != "any" {
			d.BodyFields(element, place+"[]", add)
		}
		return
	}
	for _, f := range d.Types[typ] {
		path := strings.TrimPrefix(place+"."+f.Name, ".")
		add(path)
		d.BodyFields(f.Type, path, add)
	}
}

// MissingMembers returns the paths of the members that a value of a documented type must have and has not. Null fits all.
func (d *Document) MissingMembers(typ, place string, value any) (missing []string) {
	element, isMany := ElementOf(typ)
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			missing = append(missing, d.MissingMembers(element, place+"[]", item)...)
		}
	case map[string]any:
		if isMany {
			for _, item := range value {
				missing = append(missing, d.MissingMembers(element, place+"[]", item)...)
			}
			break
		}
		for _, f := range d.Types[typ] {
			path := strings.TrimPrefix(place+"."+f.Name, ".")
			if member, ok := value[f.Name]; ok {
				missing = append(missing, d.MissingMembers(f.Type, path, member)...)
			} else if !f.Optional {
				missing = append(missing, path)
			}
		}
	}
	return missing
}
