package loosejson_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// seeds are documents with escapes, blanks, odd numbers and repetitions, and broken documents.
var seeds = []string{
	`null`, `""`, `5.0`, `[]`, `{}`, ` { } `, `[1,"2",3.0,null]`, `{"string":5.0,"int":" 005 ","bool":"TRUE","float":"1.5","time":1665476922000,"word":"A"}`,
	`{"string":"\ud83d\ude00\ud800\u00e9\/","any":{"a":[1,null]},"raw":{"x": 1.50},"raws":{"a":null}}`, "{\"string\":\"\xff\",\"\xfe\":1}",
	`{"object":{"name":"a","children":[{"name":"b","new":1}],"new":[]},"objects":[{},null],"named":{"a":null,"b":{}},"pint":0}`,
	`{"either":"a","or":null,"neither":"","list":{},"items":["a"],"items":false}`, `{"int":1e400,"int8":128,"uint":-1,"float32":1e39,"int64":9223372036854775807}`,
	`{"name":"a","children":[{"children":[{"x":"<&>\u2028"}]}],"Extra":{"name":1},"\"":2}`, `{"string":{}}`, `{"ints":"x"}`, `{"string":"a","string":null}`,
	`{"S":"a","I":5,"F":-0.5,"L":["a",null],"LL":[[1],[]],"M":{"a":1},"Raw":[ 1 ],"Any":1e2,"P":null,"O":{"S":"b"},"Child":{"Child":null}}`,
	`{`, `{"`, `{"a"`, `{"a":`, `{"a"}`, `{"a":}`, `[}`, `{]`, `[1 2]`, `"\`, `"\u12`, `{"string":"`, `{"string":"\`, `{"ints":[`, `{"ints":[}`, `{"raw":}`, `{"objects":[{]]}`, "\x00", "[\x00", `{"a":1}}`, `tru`, `-`,
	strings.Repeat(`[`, 40), strings.Repeat(`{"children":[`, 20) + strings.Repeat(`]}`, 20),
}

func addSeeds(f *testing.F) {
	f.Helper()
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
}

// Any bytes are read or rejected: nothing panics, and texts are valid.
func FuzzUnmarshal(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var got everything
		err := loosejson.Unmarshal(data, &got)
		if err != nil && !reflect.DeepEqual(got, everything{}) {
			t.Fatalf("%q: %v, and yet %+v", data, err, got)
		}
		requireTexts(t, reflect.ValueOf(got))
		var list []any
		_ = loosejson.Unmarshal(data, &list)
		if !json.Valid(data) {
			return
		}
		if again, err := loosejson.Marshal(got); err != nil || !json.Valid(again) {
			t.Fatalf("%q is written as %q, %v", data, again, err)
		}
		if err != nil && !utf8.ValidString(err.Error()) {
			t.Fatalf("%q: %q", data, err)
		}
	})
}

// requireTexts walks a value to all strings and times in it.
func requireTexts(t *testing.T, v reflect.Value) {
	t.Helper()
	if at, ok := v.Interface().(time.Time); ok {
		require.True(t, at.IsZero() || at.Location() == time.UTC && at.Year() >= 1990 && at.Year() <= 9999, at)
		return
	}
	switch v.Kind() {
	case reflect.String:
		require.True(t, utf8.ValidString(v.String()), "%q", v.String())
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			requireTexts(t, v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 { // json.RawMessage
			return
		}
		for i := range v.Len() {
			requireTexts(t, v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			requireTexts(t, key)
			requireTexts(t, v.MapIndex(key))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				requireTexts(t, v.Field(i))
			}
		}
	}
}

// A plain struct has only types that both readers read in the same way.
type plain struct {
	S     string
	B     bool
	I     int
	I8    int8
	U     uint
	F     float64
	F32   float32
	L     []string
	LL    [][]int
	M     map[string]int
	MS    map[string]*string
	Raw   json.RawMessage
	Raws  map[string]json.RawMessage
	Any   any
	P     *int
	O     struct{ S string }
	OL    []struct{ F float64 }
	Child *plain
}

// Where encoding/json reads a document, this package reads the same.
func FuzzAgainstEncodingJSON(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, want plain
		if !json.Valid(data) || hasLikeNames(data) || json.Unmarshal(data, &want) != nil {
			return
		}
		if err := loosejson.Unmarshal(data, &got); err != nil && !strings.Contains(err.Error(), "32 levels") {
			t.Fatalf("%q: %v", data, err)
		} else if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is %+v, want %+v", data, got, want)
		}
	})
}

// hasLikeNames reports whether encoding/json takes two members of an object for the same field: it ignores
// letter case, and merges members that come twice.
func hasLikeNames(value []byte) bool {
	var seen []string
	for m := loosejson.Members(value); m.Next(); {
		for _, name := range seen {
			if strings.EqualFold(name, string(m.Name)) {
				return true
			}
		}
		seen = append(seen, string(m.Name))
		for i := range reflect.TypeFor[plain]().NumField() {
			if field := reflect.TypeFor[plain]().Field(i).Name; strings.EqualFold(field, string(m.Name)) && field != string(m.Name) {
				return true
			}
		}
		if hasLikeNames(m.Value) {
			return true
		}
	}
	var elements []json.RawMessage
	if bytes.HasPrefix(bytes.TrimSpace(value), []byte("[")) && json.Unmarshal(value, &elements) == nil {
		for _, element := range elements {
			if hasLikeNames(element) {
				return true
			}
		}
	}
	return false
}

// A value that is read and written back keeps the unknown members of every level.
func FuzzRoundTrip(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second object
		if !json.Valid(data) || loosejson.Unmarshal(data, &first) != nil {
			return
		}
		requireUnknown(t, data, first)
		written, err := loosejson.Marshal(first)
		require.NoError(t, err)
		require.NoError(t, loosejson.Unmarshal(written, &second), "%s", written)
		requireUnknown(t, data, second)
		again, err := loosejson.Marshal(&second)
		require.NoError(t, err)
		require.Equal(t, string(written), string(again))
	})
}

// requireUnknown compares the unknown members of an object with those that encoding/json finds.
func requireUnknown(t *testing.T, data []byte, got object) {
	t.Helper()
	var members map[string]json.RawMessage
	_ = json.Unmarshal(data, &members) // nil for null and ""
	var children []json.RawMessage
	_ = json.Unmarshal(members["children"], &children)
	require.Len(t, got.Children, len(children))
	for i, child := range children {
		requireUnknown(t, child, got.Children[i])
	}
	delete(members, "name")
	delete(members, "children")
	require.Len(t, got.Extra, len(members))
	for name, value := range members {
		require.Equal(t, compact(value), compact(got.Extra[name]), "%q", name)
	}
}

func compact(value []byte) string {
	var b bytes.Buffer
	_ = json.Compact(&b, value)
	return b.String()
}

// Members, First, Text, Is and IsBlank agree with encoding/json.
func FuzzMembers(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		got := make(map[string]json.RawMessage)
		for m := loosejson.Members(data); m.Next(); {
			got[string(m.Name)] = m.Value
		}
		first, text, blank := loosejson.First(data), loosejson.Text(data), loosejson.IsBlank(data)
		require.True(t, utf8.ValidString(text))
		require.True(t, loosejson.Is(data, text))
		var value any
		if json.Unmarshal(data, &value) != nil {
			return
		}
		want := make(map[string]json.RawMessage)
		switch value := value.(type) {
		case nil:
			require.True(t, blank)
		case bool:
			require.Equal(t, !value, blank)
		case string:
			require.Equal(t, value, text)
			require.Equal(t, value == "", blank)
		case float64:
			require.Equal(t, strings.TrimSpace(string(data)), text)
		case []any:
			var elements []json.RawMessage
			require.NoError(t, json.Unmarshal(data, &elements))
			require.Equal(t, len(elements) == 0, blank)
			require.Equal(t, string(append(elements, nil)[0]), string(first))
		case map[string]any:
			require.Equal(t, len(value) == 0, blank)
			require.NoError(t, json.Unmarshal(data, &want))
		}
		require.Equal(t, want, got)
	})
}

// Every text is a time or none, and a time can be written and read again.
func FuzzTime(f *testing.F) {
	for _, text := range []string{
		"", "0", "-1", "1665476922", "1665476922000", "1665476922.0", "34359738368", "9223372036854775807", "2022-10-11T08:28:42.000+00:00", "2022-10-11T16:28:42+0800",
		"2022-10-11T16:28:42", "2022-10-11 16:28:42", "2024-9-23 17:42", "2022-10-11", "2024/06/15", "Jun 5, 2024 4:00:58 PM", "Jun 5, 2024, 4:00:58\u202fPM",
		"1970-01-01 08:00:00", "0001-01-01T08:05:43+08:05", "9999-12-31T23:59:59+14:00", "9999-12-31T23:59:59-08:00", "1990-01-01 00:00:00", "2022-02-30", "yesterday",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := loosejson.Time(text)
		if got.IsZero() {
			return
		}
		require.True(t, got.Location() == time.UTC && got.Year() >= 1990 && got.Year() <= 9999, "%q is %v", text, got)
		require.True(t, loosejson.Time(got.Format(time.RFC3339Nano)).Equal(got), "%q is %v", text, got)
		if wall := got.Truncate(time.Second).In(time.FixedZone("UTC+8", 8*60*60)); wall.Year() <= 9999 {
			require.True(t, loosejson.Time(wall.Format("2006-01-02 15:04:05")).Equal(wall), "%v is another time by the service's clock", got)
		}
	})
}
