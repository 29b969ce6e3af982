package loosejson

import (
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// A way is how a value of some type is read.
type way uint8

const (
	asString way = iota
	asBool
	asInt
	asUint
	asFloat
	asTime
	asText // by UnmarshalText
	asStruct
	asMap
	asSlice
	asPointer
	asJSON // by UnmarshalJSON
	asAny
	unreadable

	lastScalar = asText
)

// wanted names the structure that each way reads, for errors.
var wanted = [...]string{
	asString: "a string", asText: "a string", asBool: "a bool", asInt: "a number", asUint: "a number", asFloat: "a number",
	asTime: "a time", asStruct: "an object", asMap: "an object", asSlice: "an array", unreadable: "an unsupported type",
}

// A plan is all that is known about a type before a value is read or written.
type plan struct {
	typ      reflect.Type
	way      way
	opening  byte              // of the objects or arrays that are entered, or 0
	elem     *plan             // of a pointer, slice or map
	fields   map[string]*field // of a struct, by every spelling of their names
	unknown  *field            // of a struct, the one for unknown members
	marshals bool              // the type has MarshalJSON
}

// A field of a struct, or of one embedded in it, is a member of its object.
type field struct {
	*plan
	name      string // the first spelling
	index     []int
	spellings bool // more than one
}

var (
	stringType  = reflect.TypeFor[string]()
	timeType    = reflect.TypeFor[time.Time]()
	unknownType = reflect.TypeFor[map[string]json.RawMessage]()
	jsonReader  = reflect.TypeFor[json.Unmarshaler]()
	jsonWriter  = reflect.TypeFor[json.Marshaler]()
	textReader  = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// plans has the plan of each type that Unmarshal and Marshal were called with, by reflect.Type.
var plans sync.Map

// Fits returns nil if [Unmarshal] supports t and every type that can be reached from it. Otherwise the error
// names each field that it cannot read.
func Fits(t reflect.Type) error {
	if t == nil {
		return errors.New("the type must not be nil")
	}
	p := planner{plans: make(map[reflect.Type]*plan)}
	p.plan(t, t.String())
	return errors.Join(p.problems...)
}

func planOf(t reflect.Type) *plan {
	if known, ok := plans.Load(t); ok {
		return known.(*plan)
	}
	p := planner{plans: make(map[reflect.Type]*plan)}
	known, _ := plans.LoadOrStore(t, p.plan(t, t.String()))
	return known.(*plan)
}

// A planner makes the plan of one type and of those it consists of. It keeps them by type, since a type
// can contain itself.
type planner struct {
	plans    map[reflect.Type]*plan
	problems []error
}

func (p *planner) reject(where, problem string) {
	p.problems = append(p.problems, fmt.Errorf("%s: %s", where, problem))
}

func (p *planner) plan(t reflect.Type, where string) *plan {
	if made, ok := p.plans[t]; ok {
		return made
	}
	made := &plan{typ: t, way: wayOf(t), marshals: reflect.PointerTo(t).Implements(jsonWriter)}
	p.plans[t] = made
	switch made.way {
	case asPointer:
		made.elem = p.plan(t.Elem(), where)
	case asSlice:
		made.opening, made.elem = '[', p.plan(t.Elem(), where)
	case asMap:
		made.opening, made.elem = '{', p.plan(t.Elem(), where)
	case asStruct:
		made.opening = '{'
		made.fields = make(map[string]*field)
		p.addFields(made, t, nil)
		if made.unknown != nil && made.fields[made.unknown.name] != nil {
			p.reject(where, "the name "+made.unknown.name+" is taken by the field for unknown members")
		}
	case unreadable:
		p.reject(where, "a value of type "+t.String()+" cannot be read")
	}
	return made
}

// wayOf returns how a type is read. Bytes are unreadable because encoding/json writes them in base64, and
// pointers to pointers because a type can be a pointer to itself.
func wayOf(t reflect.Type) way {
	switch pointer := reflect.PointerTo(t); {
	case t == timeType:
		return asTime
	case pointer.Implements(jsonReader):
		return asJSON
	case pointer.Implements(textReader):
		return asText
	}
	switch kind := t.Kind(); {
	case kind == reflect.String:
		return asString
	case kind == reflect.Bool:
		return asBool
	case kind >= reflect.Int && kind <= reflect.Int64:
		return asInt
	case kind >= reflect.Uint && kind <= reflect.Uint64:
		return asUint
	case kind == reflect.Float32, kind == reflect.Float64:
		return asFloat
	case kind == reflect.Struct:
		return asStruct
	case kind == reflect.Interface && t.NumMethod() == 0:
		return asAny
	case kind == reflect.Pointer && t.Elem().Kind() != reflect.Pointer:
		return asPointer
	case kind == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return asSlice
	case kind == reflect.Map && t.Key() == stringType:
		return asMap
	}
	return unreadable
}

// opens reports whether data start with an object or array that is entered.
func (p *plan) opens(data []byte) bool { return p.opening != 0 && data[0] == p.opening }

// addFields adds the fields of t to a plan. t is the struct of the plan or one embedded in it without a
// tag, whose fields are members of the outer object.
func (p *planner) addFields(made *plan, t reflect.Type, outer []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		where := t.String() + "." + f.Name
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		index := append(slices.Clip(outer), i)
		switch {
		case tag == "-":
		case f.Anonymous && f.Type.Kind() == reflect.Struct && name == "":
			p.addFields(made, f.Type, index)
		case f.Anonymous && f.Type.Kind() == reflect.Pointer:
			p.reject(where, "an embedded field must not be a pointer")
		case !f.IsExported():
			if tag != "" {
				p.reject(where, "a field with a tag must be exported")
			}
		case slices.Contains(strings.Split(options, ","), "unknown"):
			if name != "" || f.Type != unknownType || made.unknown != nil {
				p.reject(where, "the field for unknown members must be the only one, without a name, and a "+unknownType.String())
				continue
			}
			made.unknown = &field{name: f.Name, index: index}
		default:
			p.addField(made, &field{plan: p.plan(f.Type, where), name: cmp.Or(name, f.Name), index: index}, f.Tag.Get("also"), where)
		}
	}
}

func (p *planner) addField(made *plan, f *field, also, where string) {
	spellings := []string{f.name}
	if also != "" {
		spellings = append(spellings, strings.Split(also, ",")...)
		f.spellings = true
	}
	for _, name := range spellings {
		if made.fields[name] != nil {
			p.reject(where, "another field has the name "+name)
			continue
		}
		made.fields[name] = f
	}
}
