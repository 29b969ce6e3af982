package loosejson_test

import (
	"encoding/json"
	"go/token"
	"io"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

type (
	tree          struct{ Children []*tree }
	loop          []loop
	pointerToSelf *pointerToSelf
)

func TestFitsAcceptsWhatUnmarshalReads(t *testing.T) {
	t.Parallel()
	for name, typ := range map[string]reflect.Type{
		"every kind":         reflect.TypeFor[everything](),
		"a pointer":          reflect.TypeFor[*everything](),
		"a recursive struct": reflect.TypeFor[tree](),
		"a recursive slice":  reflect.TypeFor[loop](),
		"unknown members":    reflect.TypeFor[config](),
		"unexported fields":  reflect.TypeFor[struct{ c chan int }](),
		"an excluded field": reflect.TypeFor[struct {
			C chan int `json:"-"`
		}](),
		"a type that reads itself": reflect.TypeFor[json.RawMessage](),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, loosejson.Fits(typ))
		})
	}
}

func TestFitsNamesWhatUnmarshalCannotRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		typ  reflect.Type
		want string
	}{
		"nil":                    {nil, "the type must not be nil"},
		"an array":               {reflect.TypeFor[tagged[[2]int]](), "F: a value of type [2]int cannot be read"},
		"a channel":              {reflect.TypeFor[tagged[chan int]](), "F: a value of type chan int cannot be read"},
		"a function":             {reflect.TypeFor[tagged[func()]](), "F: a value of type func() cannot be read"},
		"a complex number":       {reflect.TypeFor[tagged[complex128]](), "F: a value of type complex128 cannot be read"},
		"an address":             {reflect.TypeFor[tagged[uintptr]](), "F: a value of type uintptr cannot be read"},
		"bytes":                  {reflect.TypeFor[tagged[[]byte]](), "F: a value of type []uint8 cannot be read"},
		"an interface":           {reflect.TypeFor[tagged[io.Reader]](), "F: a value of type io.Reader cannot be read"},
		"other keys":             {reflect.TypeFor[tagged[map[int]string]](), "F: a value of type map[int]string cannot be read"},
		"keys with texts":        {reflect.TypeFor[tagged[map[word]string]](), "F: a value of type map[loosejson_test.word]string cannot be read"},
		"a pointer to a pointer": {reflect.TypeFor[tagged[**int]](), "F: a value of type **int cannot be read"},
		"a pointer to itself":    {reflect.TypeFor[pointerToSelf](), "loosejson_test.pointerToSelf: a value of type loosejson_test.pointerToSelf cannot be read"},
		"an element":             {reflect.TypeFor[tagged[[]map[string]*[2]int]](), "F: a value of type [2]int cannot be read"},
		"two of one name":        {fieldsTagged("A", "B"), "B: another field has the name a"},
		"two of one spelling": {reflect.TypeFor[struct {
			A string `json:"a" also:"c"`
			B string `json:"b" also:"c"`
		}](), "B: another field has the name c"},
		"the name of an embedded one": {reflect.TypeFor[struct {
			embedded
			B string `json:"inner"`
		}](), "B: another field has the name inner"},
		"an embedded pointer": {reflect.TypeFor[struct{ *Tagged }](), "Tagged: an embedded field must not be a pointer"},
		"an embedded pointer, tagged": {reflect.TypeFor[struct {
			*Tagged `json:"tagged"`
		}](), "Tagged: an embedded field must not be a pointer"},
		"a tag without effect": {fieldsTagged("a"), "a: a field with a tag must be exported"},
		"a tagged unexported struct": {reflect.TypeFor[struct {
			embedded `json:"a"`
		}](), "embedded: a field with a tag must be exported"},
		"unknown members of another type": {reflect.TypeFor[struct {
			Extra map[string]any `json:",unknown"`
		}](), "Extra: the field for unknown members must be"},
		"unknown members with a name": {reflect.TypeFor[struct {
			Extra map[string]json.RawMessage `json:"extra,unknown"`
		}](), "Extra: the field for unknown members must be"},
		"unknown members twice": {reflect.TypeFor[struct {
			A, B map[string]json.RawMessage `json:",unknown"`
		}](), "B: the field for unknown members must be"},
		"unknown members named as a field": {reflect.TypeFor[struct {
			Extra map[string]json.RawMessage `json:",unknown"`
			Other string                     `json:"Extra"`
		}](), "the name Extra is taken by the field for unknown members"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, loosejson.Fits(tt.typ), tt.want)
			if tt.typ != nil {
				requireNoPanic(reflect.New(tt.typ).Interface())
			}
		})
	}
}

// requireNoPanic uses a value of a type that does not fit.
func requireNoPanic(value any) {
	_ = loosejson.Unmarshal([]byte(`{"F":[{"a":1}],"a":"b","inner":1,"code":1,"tagged":{},"extra":{}}`), value)
	_, _ = loosejson.Marshal(value)
}

type tagged[T any] struct{ F T }

// fieldsTagged returns a struct whose fields all have the tag json:"a". In a source go vet would reject it.
func fieldsTagged(names ...string) reflect.Type {
	var fields []reflect.StructField
	for _, name := range names {
		f := reflect.StructField{Name: name, Type: reflect.TypeFor[string](), Tag: `json:"a"`}
		if !token.IsExported(name) {
			f.PkgPath = "example.com/package"
		}
		fields = append(fields, f)
	}
	return reflect.StructOf(fields)
}

func TestFitsNamesEveryField(t *testing.T) {
	t.Parallel()
	err := loosejson.Fits(reflect.TypeFor[struct {
		A chan int
		B struct{ C func() }
	}]())
	require.ErrorContains(t, err, ".A: ")
	require.ErrorContains(t, err, ".C: ")
}
