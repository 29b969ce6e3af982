package codeartsbuildtest

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// check compares the text of a parameter with what is documented. An empty text is a parameter that is not given.
func (p *param) check(text string) error {
	if text == "" {
		if p.required {
			return invalid(p.name, "is missing")
		}
		return nil
	}
	switch {
	case p.typ == "int32" || p.most > 0 || p.least > 0: // some numbers are documented as texts
		return p.checkNumber(text)
	case p.typ == "bool" && text != "true" && text != "false":
		return invalid(p.name, "must be true or false")
	}
	return p.checkText(text)
}

func (p *param) checkNumber(text string) error {
	n, err := strconv.ParseInt(text, 10, 32)
	most := p.most
	if most == 0 {
		most = math.MaxInt32
	}
	if err != nil || n < int64(p.least) || n > int64(most) {
		return invalid(p.name, "must be a number from "+strconv.Itoa(p.least)+" to "+strconv.Itoa(most))
	}
	return nil
}

func (p *param) checkText(text string) error {
	length := utf8.RuneCountInString(text)
	switch {
	case !utf8.ValidString(text):
		return invalid(p.name, "must be UTF-8")
	case length < p.shortest || p.longest > 0 && length > p.longest:
		return invalid(p.name, "must have "+strconv.Itoa(p.shortest)+" to "+strconv.Itoa(p.longest)+" characters")
	case p.oneOf != nil && !slices.Contains(p.oneOf, text):
		return invalid(p.name, "must be one of "+strings.Join(p.oneOf, ", "))
	case p.pattern != "" && !regexp.MustCompile(p.pattern).MatchString(text): // a documented pattern, known to compile
		return invalid(p.name, "must match "+p.pattern)
	}
	if p.layout != "" {
		if _, err := time.Parse(p.layout, text); err != nil {
			return invalid(p.name, "must have the form "+p.layout)
		}
	}
	return nil
}

// checkBody compares the JSON body with its documented type.
func (r *request) checkBody() error {
	if len(bytes.TrimSpace(r.body)) == 0 {
		r.body = nil
	}
	if r.body == nil && !r.needsBody() {
		return nil
	}
	if !isJSON(r.http.Header.Get("Content-Type")) || !utf8.Valid(r.body) || !json.Valid(r.body) {
		return unreadable()
	}
	var body any
	decoder := json.NewDecoder(bytes.NewReader(r.body))
	decoder.UseNumber()
	_ = decoder.Decode(&body) // valid, as was just seen
	if r.op.body == "" {
		if object, ok := body.(map[string]any); body != nil && (!ok || len(object) > 0) {
			return invalid("", "is not documented")
		}
		return nil
	}
	if _, list := elementType(r.op.body); body == nil || !list && !isObject(body) {
		return unreadable()
	}
	return r.checkValue(body, r.op.body, "")
}

func isObject(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

// needsBody reports whether the body has a member that must be given.
func (r *request) needsBody() bool {
	_, list := elementType(r.op.body)
	return list || slices.ContainsFunc(documentedTypes[r.op.body], func(f field) bool { return r.required(f, f.name) })
}

// checkValue compares a JSON value with a documented type. place is how messages name it.
func (r *request) checkValue(v any, typ, place string) error {
	if element, ok := elementType(typ); ok {
		list, ok := v.([]any)
		if !ok {
			return invalid(place, "must be a list")
		}
		for i, item := range list {
			if err := r.checkValue(item, element, place+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
		return nil
	}
	if value, ok := valueType(typ); ok {
		object, ok := v.(map[string]any)
		if !ok {
			return invalid(place, "must be an object")
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if err := r.checkValue(object[name], value, join(place, name)); err != nil {
				return err
			}
		}
		return nil
	}
	if fields, ok := documentedTypes[typ]; ok {
		return r.checkObject(v, fields, place)
	}
	return checkScalar(v, typ, place)
}

func (r *request) checkObject(v any, fields []field, place string) error {
	object, ok := v.(map[string]any)
	if !ok {
		return invalid(place, "must be an object")
	}
	for _, f := range fields {
		inner, member := join(place, f.name), object[f.name]
		switch {
		case member != nil:
			if err := r.checkMember(member, f, inner); err != nil {
				return err
			}
		case r.required(f, inner):
			return invalid(inner, "is missing")
		}
	}
	if r.isConfiguration() {
		return nil // the service knows more members than are documented
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.name == name }) {
			return invalid(join(place, name), "is not documented")
		}
	}
	return nil
}

func (r *request) checkMember(v any, f field, place string) error {
	if slices.Contains(disputeOf(r.op.name, place).types, kindOf(v)) {
		return nil
	}
	if err := r.checkValue(v, f.typ, place); err != nil {
		return err
	}
	if text, ok := v.(string); ok && f.oneOf != nil && !slices.Contains(f.oneOf, text) {
		return invalid(place, "must be one of "+strings.Join(f.oneOf, ", "))
	}
	if number, ok := v.(json.Number); ok && f.least > 0 {
		if n, _ := number.Int64(); n < int64(f.least) {
			return invalid(place, "must be at least "+strconv.Itoa(f.least))
		}
	}
	return nil
}

func (r *request) required(f field, place string) bool {
	return f.required && !disputeOf(r.op.name, place).optional
}

func join(place, name string) string {
	if place == "" {
		return name
	}
	return place + "." + name
}

// kindOf is the documented name of the type that a JSON value has; numbers are int32 here.
func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "bool"
	case json.Number:
		return "int32"
	}
	return ""
}

func checkScalar(v any, typ, place string) error {
	fits := kindOf(v) == typ
	if number, ok := v.(json.Number); ok && typ == "int32" {
		_, err := strconv.ParseInt(number.String(), 10, 32)
		fits = err == nil
	}
	if !fits && typ != "any" {
		return invalid(place, "must be of type "+typ)
	}
	return nil
}
