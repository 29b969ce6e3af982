package loosejson_test

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// everything has a field of each kind that can be read.
type everything struct {
	String  string                     `json:"string"`
	Bool    bool                       `json:"bool"`
	Int     int                        `json:"int"`
	Int8    int8                       `json:"int8"`
	Int16   int16                      `json:"int16"`
	Int32   int32                      `json:"int32"`
	Int64   int64                      `json:"int64"`
	Uint    uint                       `json:"uint"`
	Uint8   uint8                      `json:"uint8"`
	Float   float64                    `json:"float"`
	Float32 float32                    `json:"float32"`
	Time    time.Time                  `json:"time"`
	Word    word                       `json:"word"`
	Shape   shape                      `json:"shape"`
	Raw     json.RawMessage            `json:"raw"`
	Any     any                        `json:"any"`
	Ints    []int                      `json:"ints"`
	Texts   [][]string                 `json:"texts"`
	Map     map[string]int             `json:"map"`
	Raws    map[string]json.RawMessage `json:"raws"`
	Object  object                     `json:"object"`
	Objects []object                   `json:"objects"`
	Named   map[string]*object         `json:"named"`
	PString *string                    `json:"pstring"`
	PInt    *int                       `json:"pint"`
	PObject *object                    `json:"pobject"`
	PRaw    *json.RawMessage           `json:"praw"`
	Either  string                     `json:"either" also:"or,neither"`
	List    []string                   `json:"list" also:"items"`
	embedded
	Tagged `json:"tagged"`
	Go     string                     // has no tag
	Hidden string                     `json:"-"`
	Extra  map[string]json.RawMessage `json:",unknown"`
}

type object struct {
	Name     string                     `json:"name"`
	Children []object                   `json:"children"`
	Extra    map[string]json.RawMessage `json:",unknown"`
}

type embedded struct {
	Inner string `json:"inner"`
}

type Tagged struct {
	Code string `json:"code"`
}

// A word has its own texts, as the status of a build has.
type word string

func (w *word) UnmarshalText(text []byte) error {
	if string(text) == "unheard-of" {
		return errors.New("the word must be known")
	}
	*w = word(strings.ToLower(string(text)))
	return nil
}

// A shape comes as an object or as a list.
type shape struct{ List bool }

func (s *shape) UnmarshalJSON(data []byte) error {
	s.List = data[0] == '['
	return nil
}

func pointer[T any](v T) *T { return &v }

var moment = time.Date(2022, 10, 11, 8, 28, 42, 0, time.UTC)

// A reading is a document and the value that it is read as.
type reading struct {
	data string
	want everything
}

func testReadings(t *testing.T, readings map[string]reading) {
	t.Helper()
	for name, tt := range readings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got everything
			require.NoError(t, loosejson.Unmarshal([]byte(tt.data), &got))
			require.Equal(t, tt.want, got)
		})
	}
}

// B38, B39: a string takes every scalar, and strings stay as they are.
func TestUnmarshalStrings(t *testing.T) {
	t.Parallel()
	testReadings(t, map[string]reading{
		"string":                               {`{"string":"a"}`, everything{String: "a"}},
		"string that is empty":                 {`{"string":""}`, everything{}},
		"string that is null":                  {`{"string":null}`, everything{}},
		"string with spaces":                   {`{"string":" a "}`, everything{String: " a "}},
		"string with escapes":                  {`{"string":"feature\/\u4e2d\ud83d\ude00\"\\\b\f\n\r\t"}`, everything{String: "feature/中😀\"\\\b\f\n\r\t"}},
		"string with half a pair":              {`{"string":"\ud83da\ude00\ud83d"}`, everything{String: "\ufffda\ufffd\ufffd"}},
		"string with bytes that are not UTF-8": {"{\"string\":\"a\xff\xfeb\"}", everything{String: "a\ufffd\ufffdb"}},
		"string from a number":                 {`{"string":20260101}`, everything{String: "20260101"}},
		"string from 5.0":                      {`{"string":5.0}`, everything{String: "5"}},
		"string from 5e2":                      {`{"string":5E2}`, everything{String: "500"}},
		"string from -0.0":                     {`{"string":-0.0}`, everything{String: "0"}},
		"string from a fraction":               {`{"string":5.25}`, everything{String: "5.25"}},
		"string from a daily number":           {`{"string":20221011.29}`, everything{String: "20221011.29"}},
		"string from a huge number":            {`{"string":1e400}`, everything{String: "1e400"}},
		"string from a number over 2^53":       {`{"string":9007199254740993}`, everything{String: "9007199254740993"}},
		"string from a long number":            {`{"string":123456789012345678901234567890}`, everything{String: "123456789012345678901234567890"}},
		"string from a float over 2^53":        {`{"string":9007199254740993.0}`, everything{String: "9007199254740993.0"}},
		"string from a bool":                   {`{"string":true}`, everything{String: "true"}},
		"the tag 1.0 stays":                    {`{"string":"1.0"}`, everything{String: "1.0"}},
		"the commit 1e3 stays":                 {`{"string":"1e3"}`, everything{String: "1e3"}},
		"the version 5.0 stays":                {`{"string":"5.0"}`, everything{String: "5.0"}},
	})
}

// B38, B39: numbers and bools also come as strings.
func TestUnmarshalNumbers(t *testing.T) {
	t.Parallel()
	testReadings(t, map[string]reading{
		"bool":                        {`{"bool":true}`, everything{Bool: true}},
		"bool from a text":            {`{"bool":"true"}`, everything{Bool: true}},
		"bool from capital letters":   {`{"bool":"TRUE"}`, everything{Bool: true}},
		"bool from 1":                 {`{"bool":1}`, everything{Bool: true}},
		"bool from 1.0":               {`{"bool":1.0}`, everything{Bool: true}},
		"bool from the text 1":        {`{"bool":"1"}`, everything{Bool: true}},
		"bool from other texts":       {`{"bool":"yes"}`, everything{}},
		"bool from other numbers":     {`{"bool":2}`, everything{}},
		"bool that is null":           {`{"bool":null}`, everything{}},
		"int":                         {`{"int":5,"int8":-5,"int16":5,"int32":5,"int64":5,"uint":5,"uint8":5}`, everything{Int: 5, Int8: -5, Int16: 5, Int32: 5, Int64: 5, Uint: 5, Uint8: 5}},
		"int from a text":             {`{"int":"5","int8":"5","uint":"5"}`, everything{Int: 5, Int8: 5, Uint: 5}},
		"int from a text with spaces": {`{"int":" 5 ","uint":"\t5\n"}`, everything{Int: 5, Uint: 5}},
		"int from a text with zeros":  {`{"int":"005","uint":"005"}`, everything{Int: 5, Uint: 5}},
		"int from 5.0":                {`{"int":5.0,"uint":5.0}`, everything{Int: 5, Uint: 5}},
		"int from the text 5.0":       {`{"int":"5.0","uint":"5.0"}`, everything{Int: 5, Uint: 5}},
		"int from an escaped text":    {`{"int":"\u0035"}`, everything{Int: 5}},
		"int from a fraction":         {`{"int":5.25,"uint":5.25}`, everything{}},
		"int from a word":             {`{"int":"five","int8":"0x10","int16":"5_0","int32":"0x1.8p1"}`, everything{}},
		"int from a bool":             {`{"int":true}`, everything{}},
		"int that is empty":           {`{"int":"","uint":"","float":""}`, everything{}},
		"int out of range":            {`{"int":9223372036854775808,"int8":128,"int16":"-32769","uint":-1,"uint8":256}`, everything{}},
		"int that is the largest":     {`{"int":9223372036854775807,"int8":127}`, everything{Int: math.MaxInt64, Int8: 127}},
		"float":                       {`{"float":0.25,"float32":-0.5}`, everything{Float: 0.25, Float32: -0.5}},
		"float from a text":           {`{"float":" 2.5e1 ","float32":"5"}`, everything{Float: 25, Float32: 5}},
		"float out of range":          {`{"float":1e400,"float32":1e39}`, everything{}},
		"float from infinities":       {`{"float":"NaN","float32":"Infinity"}`, everything{}},
		"float from a hexadecimal":    {`{"float":"0x1p4"}`, everything{}},
	})
}

// B40: times, and types that read themselves.
func TestUnmarshalTimesAndOwnTypes(t *testing.T) {
	t.Parallel()
	testReadings(t, map[string]reading{
		"time":                           {`{"time":"2022-10-11T08:28:42.000+00:00"}`, everything{Time: moment}},
		"time from milliseconds":         {`{"time":1665476922000}`, everything{Time: moment}},
		"time from a float":              {`{"time":1.665476922e9}`, everything{Time: moment}},
		"time from milliseconds in text": {`{"time":"1665476922000"}`, everything{Time: moment}},
		"time that is nonsense":          {`{"time":"soon"}`, everything{}},
		"time that is null":              {`{"time":null}`, everything{}},
		"time that is empty":             {`{"time":""}`, everything{}},
		"time that is a bool":            {`{"time":false}`, everything{}},
		"type with texts":                {`{"word":"SUCCESS"}`, everything{Word: "success"}},
		"type with texts from a number":  {`{"word":5.0}`, everything{Word: "5.0"}},
		"type with texts that is null":   {`{"word":null}`, everything{}},
		"type that reads itself, list":   {`{"shape":[1]}`, everything{Shape: shape{List: true}}},
		"type that reads itself, object": {`{"shape":{"a":1}}`, everything{}},
		"raw":                            {`{"raw": {"a": [1 ]} }`, everything{Raw: json.RawMessage(`{"a": [1 ]}`)}},
		"raw that is null":               {`{"raw":null}`, everything{Raw: json.RawMessage(`null`)}},
		"raw that is an empty text":      {`{"raw":""}`, everything{Raw: json.RawMessage(`""`)}},
		"any":                            {`{"any":[1,"a",null]}`, everything{Any: []any{1.0, "a", nil}}},
		"any that is empty":              {`{"any":""}`, everything{Any: ""}},
		"any that is null":               {`{"any":null}`, everything{}},
	})
}

// null and "" are the zero value of each structure.
func TestUnmarshalStructures(t *testing.T) {
	t.Parallel()
	testReadings(t, map[string]reading{
		"slice":                       {`{"ints":[1,"2",3.0,null]}`, everything{Ints: []int{1, 2, 3, 0}}},
		"slice of slices":             {`{"texts":[[],["a",1],null]}`, everything{Texts: [][]string{{}, {"a", "1"}, nil}}},
		"slice without elements":      {`{"ints": [ ] }`, everything{Ints: []int{}}},
		"slice that is null":          {`{"ints":null}`, everything{}},
		"slice that is an empty text": {`{"ints":""}`, everything{}},
		"map":                         {`{"map":{"a":1,"\u0062":"2"}}`, everything{Map: map[string]int{"a": 1, "b": 2}}},
		"map whose values do not leak into others": {`{"named":{"a":{"name":"x","new":1},"b":{}}}`, everything{Named: map[string]*object{"a": {Name: "x", Extra: map[string]json.RawMessage{"new": json.RawMessage(`1`)}}, "b": {}}}},
		"map without members":                      {`{"map":{}}`, everything{Map: map[string]int{}}},
		"map that is an empty text":                {`{"map":""}`, everything{}},
		"map of raw values":                        {`{"raws":{"a":1.50,"b":"x"}}`, everything{Raws: map[string]json.RawMessage{"a": json.RawMessage(`1.50`), "b": json.RawMessage(`"x"`)}}},
		"struct":                                   {`{"object":{"name":"a","children":[{"name":1}]}}`, everything{Object: object{Name: "a", Children: []object{{Name: "1"}}}}},
		"struct that is null":                      {`{"object":null}`, everything{}},
		"struct that is an empty text":             {`{"object":""}`, everything{}},
		"pointers":                                 {`{"pstring":"a","pint":"5","pobject":{"name":"a"}}`, everything{PString: pointer("a"), PInt: pointer(5), PObject: &object{Name: "a"}}},
		"pointers to zero":                         {`{"pstring":"","pint":0,"pobject":{},"praw":""}`, everything{PString: pointer(""), PInt: pointer(0), PObject: &object{}, PRaw: pointer(json.RawMessage(`""`))}},
		"pointers that are null":                   {`{"pstring":null,"pint":null,"pobject":null,"praw":null}`, everything{}},
		"pointers that are empty":                  {`{"pint":"","pobject":""}`, everything{}},
		"embedded struct":                          {`{"inner":"a"}`, everything{embedded: embedded{"a"}}},
		"embedded struct with a tag":               {`{"tagged":{"code":"a"}}`, everything{Tagged: Tagged{"a"}}},
		"field without a tag":                      {`{"Go":"a"}`, everything{Go: "a"}},
	})
}

// B38: which member belongs to which field.
func TestUnmarshalMembers(t *testing.T) {
	t.Parallel()
	unknown := func(name, value string) map[string]json.RawMessage {
		return map[string]json.RawMessage{name: json.RawMessage(value)}
	}
	testReadings(t, map[string]reading{
		"unknown members are kept":            {`{"new":{"deep": [1]},"string":"a"}`, everything{String: "a", Extra: unknown("new", `{"deep": [1]}`)}},
		"unknown members of every level":      {`{"object":{"new":1,"children":[{"new":2}]}}`, everything{Object: object{Extra: unknown("new", `1`), Children: []object{{Extra: unknown("new", `2`)}}}}},
		"unknown member that is null":         {`{"new":null}`, everything{Extra: unknown("new", `null`)}},
		"unknown member that comes twice":     {`{"new":1,"new":2}`, everything{Extra: unknown("new", `2`)}},
		"unknown member with an odd name":     {`{"\u00e9\"":1}`, everything{Extra: unknown("é\"", `1`)}},
		"unknown member named as the field":   {`{"Extra":1}`, everything{Extra: unknown("Extra", `1`)}},
		"letter case matters":                 {`{"STRING":"a"}`, everything{Extra: unknown("STRING", `"a"`)}},
		"escaped name":                        {`{"\u0073tring":"a"}`, everything{String: "a"}},
		"field without a member":              {`{"-":"a","Hidden":"b"}`, everything{Extra: map[string]json.RawMessage{"-": json.RawMessage(`"a"`), "Hidden": json.RawMessage(`"b"`)}}},
		"members of a tagged struct":          {`{"code":"a"}`, everything{Extra: unknown("code", `"a"`)}},
		"text, the last of two":               {`{"string":"first","string":"second"}`, everything{String: "second"}},
		"text, null after a value":            {`{"string":"first","string":null}`, everything{}},
		"number, nonsense after a value":      {`{"int":5,"int":"x"}`, everything{}},
		"slice, the last of two":              {`{"ints":[1,2],"ints":[3]}`, everything{Ints: []int{3}}},
		"map, the last of two":                {`{"map":{"a":1},"map":{"b":2}}`, everything{Map: map[string]int{"b": 2}}},
		"struct, the last of two":             {`{"object":{"name":"a","new":1},"object":{"children":[]}}`, everything{Object: object{Children: []object{}}}},
		"pointer, the last of two":            {`{"pobject":{"name":"a"},"pobject":{"children":[]}}`, everything{PObject: &object{Children: []object{}}}},
		"raw, the last of two":                {`{"raw":[1,2,3],"raw":1}`, everything{Raw: json.RawMessage(`1`)}},
		"other spelling":                      {`{"or":"a"}`, everything{Either: "a"}},
		"third spelling":                      {`{"neither":"a"}`, everything{Either: "a"}},
		"the last of two spellings":           {`{"or":"a","either":"b"}`, everything{Either: "b"}},
		"the last of two spellings, reversed": {`{"either":"b","or":"a"}`, everything{Either: "a"}},
		"blank spellings overwrite nothing":   {`{"either":"b","or":null,"neither":"","or":{},"or":[ ],"or":false}`, everything{Either: "b"}},
		"blank spellings come first":          {`{"items":null,"items":{},"items":false,"list":["a"]}`, everything{List: []string{"a"}}},
		"blank spellings only":                {`{"list":null,"items":[],"list":{}}`, everything{List: []string{}}},
	})
}

// An object is never read as a text, nor the reverse: the error names the place and both structures.
func TestUnmarshalStructure(t *testing.T) {
	t.Parallel()
	type builds struct {
		Rows []struct {
			Number string `json:"number" also:"secret"`
		} `json:"job_build_states"`
	}
	tests := map[string]struct {
		data string
		out  any
		want string
	}{
		"object for a string":          {`{"job_build_states":[{},{},{},{"number":{"secret":1}}]}`, new(builds), "job_build_states[3].number: cannot read an object as a string"},
		"object for another spelling":  {`{"job_build_states":[{"secret":{"a":1}}]}`, new(builds), "job_build_states[0].number: cannot read an object as a string"},
		"array for a string":           {`{"string":["secret"]}`, new(everything), "string: cannot read an array as a string"},
		"array for a bool":             {`{"bool":[true]}`, new(everything), "bool: cannot read an array as a bool"},
		"object for an int":            {`{"int":{}}`, new(everything), "int: cannot read an object as a number"},
		"object for an uint":           {`{"uint":{}}`, new(everything), "uint: cannot read an object as a number"},
		"array for a float":            {`{"float":[]}`, new(everything), "float: cannot read an array as a number"},
		"object for a time":            {`{"time":{}}`, new(everything), "time: cannot read an object as a time"},
		"array for a type with texts":  {`{"word":[]}`, new(everything), "word: cannot read an array as a string"},
		"object for a slice":           {`{"ints":{}}`, new(everything), "ints: cannot read an object as an array"},
		"text for a slice":             {`{"ints":"secret"}`, new(everything), "ints: cannot read a string as an array"},
		"bool for a slice":             {`{"ints":false}`, new(everything), "ints: cannot read a bool as an array"},
		"array for a struct":           {`{"object":[]}`, new(everything), "object: cannot read an array as an object"},
		"number for a struct":          {`{"object":-1}`, new(everything), "object: cannot read a number as an object"},
		"array for a map":              {`{"map":[]}`, new(everything), "map: cannot read an array as an object"},
		"object in a slice in a slice": {`{"texts":[["a"],["a",{"secret":1}]]}`, new(everything), "texts[1][1]: cannot read an object as a string"},
		"object in a map":              {`{"map":{"secret":{}}}`, new(everything), "map.*: cannot read an object as a number"},
		"array behind a pointer":       {`{"named":{"secret":{"name":[]}}}`, new(everything), "named.*.name: cannot read an array as a string"},
		"array in a tagged struct":     {`{"tagged":{"code":[]}}`, new(everything), "tagged.code: cannot read an array as a string"},
		"array at the top":             {`[]`, new(everything), "cannot read an array as an object"},
		"object at the top":            {` {}`, new([]int), "cannot read an object as an array"},
		"element at the top":           {`[1,[]]`, new([]int), "[1]: cannot read an array as a number"},
		"a type's own error":           {`{"object":{},"word":"unheard-of"}`, new(everything), "word: the word must be known"},
		"a type that does not fit": {`{"c":1}`, &struct {
			C chan int `json:"c"`
		}{}, "c: cannot read a number as an unsupported type"},
		"no pointer":  {`{}`, everything{}, "the target must be a pointer that is not nil"},
		"nil pointer": {`{}`, (*everything)(nil), "the target must be a pointer that is not nil"},
		"nil":         {`{}`, nil, "the target must be a pointer that is not nil"},
		"no data":     {` `, new(everything), "a value is missing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, loosejson.Unmarshal([]byte(tt.data), tt.out), tt.want)
		})
	}
}

// A type that reads itself with this package passes the path on.
type reader struct{ Items []int }

func (r *reader) UnmarshalJSON(data []byte) error { return loosejson.Unmarshal(data, &r.Items) }

func TestUnmarshalPathGoesThroughATypeThatReadsItself(t *testing.T) {
	t.Parallel()
	var out struct {
		Reader reader `json:"reader"`
	}
	require.EqualError(t, loosejson.Unmarshal([]byte(`{"reader":[1,{}]}`), &out), "reader[1]: cannot read an object as a number")
}

func TestUnmarshalLeavesTheTargetAsItWasAfterAnError(t *testing.T) {
	t.Parallel()
	got := everything{String: "before", Ints: []int{1}, Map: map[string]int{"a": 1}}
	require.Error(t, loosejson.Unmarshal([]byte(`{"string":"after","ints":[2,3],"map":{"a":2},"object":[]}`), &got))
	require.Equal(t, everything{String: "before", Ints: []int{1}, Map: map[string]int{"a": 1}}, got)
}

func TestUnmarshalReplacesTheTarget(t *testing.T) {
	t.Parallel()
	got := everything{String: "before", Int: 1}
	require.NoError(t, loosejson.Unmarshal([]byte(`{"int":2}`), &got))
	require.Equal(t, everything{Int: 2}, got)
}

// The data come from a pooled buffer, which the next response overwrites.
func TestUnmarshalKeepsNothingOfTheData(t *testing.T) {
	t.Parallel()
	data := []byte(`{"string":"a","raw":[1],"raws":{"k":"v"},"word":"w","any":["x"],"new":{"y":1},"object":{"new":2}}`)
	var got, want everything
	require.NoError(t, loosejson.Unmarshal(data, &got))
	require.NoError(t, loosejson.Unmarshal([]byte(string(data)), &want))
	clear(data)
	require.Equal(t, want, got)
}

type (
	outermost struct{ outer }
	outer     struct{ middle }
	middle    struct{ inner }
	inner     struct{ A, B, C string }
)

func TestUnmarshalStructsEmbeddedInEachOther(t *testing.T) {
	t.Parallel()
	var got outermost
	require.NoError(t, loosejson.Unmarshal([]byte(`{"A":"a","B":"b","C":"c"}`), &got))
	require.Equal(t, outermost{outer{middle{inner{"a", "b", "c"}}}}, got)
}

func TestUnmarshalOtherTargetsThanStructs(t *testing.T) {
	t.Parallel()
	var list []string
	require.NoError(t, loosejson.Unmarshal([]byte(" [1,\"a\"]\n"), &list))
	require.Equal(t, []string{"1", "a"}, list)
	var number int
	require.NoError(t, loosejson.Unmarshal([]byte(`"5"`), &number))
	require.Equal(t, 5, number)
	var byName map[string]json.RawMessage
	require.NoError(t, loosejson.Unmarshal([]byte(`{"a":1}`), &byName))
	require.Equal(t, map[string]json.RawMessage{"a": json.RawMessage("1")}, byName)
	var target *object
	require.NoError(t, loosejson.Unmarshal([]byte(`{"name":"a"}`), &target))
	require.Equal(t, &object{Name: "a"}, target)
	require.NoError(t, loosejson.Unmarshal([]byte(`null`), &target))
	require.Nil(t, target)
}

// nested returns objects and arrays in each other, in an even number of levels.
func nested(levels int) string {
	return strings.Repeat(`{"children":[`, levels/2) + strings.Repeat(`]}`, levels/2)
}

func TestUnmarshalDepth(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data string
		out  any
		deep bool
	}{
		"32 levels":                   {nested(32), new(object), false},
		"33 levels":                   {`[` + nested(32) + `]`, new([]object), true},
		"9,000 levels":                {nested(9000), new(object), true},
		"32 slices":                   {strings.Repeat("[", 32) + strings.Repeat("]", 32), new(loop), false},
		"33 slices":                   {strings.Repeat("[", 33) + strings.Repeat("]", 33), new(loop), true},
		"33 maps":                     {strings.Repeat(`{"a":`, 33) + `null` + strings.Repeat("}", 33), new(mapOfItself), true},
		"levels of an unknown member": {`{"new":` + nested(9000) + `}`, new(object), false},
		"levels of an ignored member": {`{"new":` + nested(9000) + `}`, new(page), false},
		"levels of a raw value":       {`{"raw":` + nested(9000) + `}`, new(everything), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.True(t, json.Valid([]byte(tt.data)))
			err := loosejson.Unmarshal([]byte(tt.data), tt.out)
			if !tt.deep {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "arrays and objects must not nest deeper than 32 levels")
			require.Less(t, len(err.Error()), 512)
		})
	}
}

type mapOfItself map[string]mapOfItself

// A small document must not become a large value.
func TestElementsLimited(t *testing.T) {
	t.Parallel()
	type row struct{ A, B, C, D string }
	type keeping struct {
		Extra map[string]json.RawMessage `json:",unknown"`
	}
	members := func(value string) string {
		var b strings.Builder
		b.WriteString(`{"a":` + value)
		for i := range 100_000 {
			b.WriteString(`,"k` + strconv.Itoa(i) + `":` + value)
		}
		return b.String() + "}"
	}
	tests := map[string]struct {
		data string
		out  any
	}{
		"array": {"[{}" + strings.Repeat(",{}", 100_000) + "]", new([]row)},
		"nested array": {`{"rows":[{}` + strings.Repeat(",{}", 100_000) + "]}", new(struct {
			Rows []row `json:"rows"`
		})},
		"map":             {members("{}"), new(map[string]row)},
		"unknown members": {members("0"), new(keeping)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, loosejson.Unmarshal([]byte(tt.data), tt.out), "4 MiB of elements")
		})
	}
	var page []row
	require.NoError(t, loosejson.Unmarshal([]byte("[{}"+strings.Repeat(",{}", 999)+"]"), &page))
	require.Len(t, page, 1000)
}
