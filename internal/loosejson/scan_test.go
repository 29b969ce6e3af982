package loosejson_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// member is one member as Members finds it.
type member struct{ name, value string }

func membersOf(data string) []member {
	var found []member
	for m := loosejson.Members([]byte(data)); m.Next(); {
		found = append(found, member{string(m.Name), string(m.Value)})
	}
	return found
}

func TestMembers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data string
		want []member
	}{
		"each kind":          {`{"a":1,"b":"x","c":null,"d":true,"e":[1,{"f":2}],"g":{"h":[]}}`, []member{{"a", "1"}, {"b", `"x"`}, {"c", "null"}, {"d", "true"}, {"e", `[1,{"f":2}]`}, {"g", `{"h":[]}`}}},
		"white space":        {" {\n\"a\" :\t1 , \"b\": [ 1 ]\r\n} ", []member{{"a", "1"}, {"b", "[ 1 ]"}}},
		"brackets in texts":  {`{"a":"}],{[","b":"\"}","c\"}":"\\","d":"\\\""}`, []member{{"a", `"}],{["`}, {"b", `"\"}"`}, {`c"}`, `"\\"`}, {"d", `"\\\""`}}},
		"brackets in values": {`{"a":{"b":"}","c":["]"]},"d":1}`, []member{{"a", `{"b":"}","c":["]"]}`}, {"d", "1"}}},
		"escaped names":      {`{"\u0061":1,"b":2,"\n\u00e9\ud83d\ude00":3}`, []member{{"a", "1"}, {"b", "2"}, {"\né😀", "3"}}},
		"the same name":      {`{"a":1,"a":2,"":3}`, []member{{"a", "1"}, {"a", "2"}, {"", "3"}}},
		"no members":         {`{ }`, nil},
		"array":              {`[{"a":1}]`, nil},
		"text":               {`"{}"`, nil},
		"nothing":            {``, nil},
		"white space only":   {" \n", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, membersOf(tt.data))
		})
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`[1,2]`: `1`, ` [ {"a":[1]} , 2]`: `{"a":[1]}`, `["],",1]`: `"],"`, `[[1],2]`: `[1]`, `[]`: ``, `[ ]`: ``,
		`{"a":1}`: `{"a":1}`, ` "x" `: `"x"`, `null`: `null`, ``: ``,
	} {
		require.Equal(t, want, string(loosejson.First([]byte(value))), value)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`"a"`: "a", ` "a b" `: "a b", `""`: "", `"\u4e2d\/\""`: "中/\"", `"\ud800"`: "\ufffd", "\"\xff\"": "\ufffd", `5.0`: "5.0", `-1e3`: "-1e3",
		`true`: "true", `false`: "false", `null`: "", `{"a":1}`: "", `["a"]`: "", ``: "", `"`: "", "\"\\": "", "1\xff": "1\ufffd", `"\u12"`: "\ufffd",
	} {
		require.Equal(t, want, loosejson.Text([]byte(value)), value)
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		value, word string
		want        bool
	}{
		"literal":               {`true`, "true", true},
		"text":                  {`"true"`, "true", true},
		"letter case":           {`"SuccesS"`, "success", true},
		"white space around":    {" true\n", "true", true},
		"white space in a text": {`" true"`, "true", false},
		"escapes":               {`"tr\u0075e"`, "true", true},
		"number":                {`0`, "0", true},
		"other word":            {`"false"`, "true", false},
		"longer word":           {`"trues"`, "true", false},
		"letter like s":         {`"ſucceſſ"`, "success", false},
		"object":                {`{"true":true}`, "true", false},
		"null":                  {`null`, "true", false},
		"nothing":               {``, "true", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, loosejson.Is([]byte(tt.value), tt.word))
		})
	}
}

func TestIsBlank(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		``: true, ` `: true, `null`: true, `false`: true, `""`: true, `{}`: true, `[]`: true, "{ \n}": true, " [ ] ": true, " null ": true,
		`0`: false, `true`: false, `"false"`: false, `" "`: false, `{"a":null}`: false, `[null]`: false, `[[]]`: false, `nul`: false, ` 5`: false, ` {"a":1}`: false,
	} {
		require.Equal(t, want, loosejson.IsBlank([]byte(value)), value)
	}
}

// Looking at members costs nothing, since it is done with each error response.
func TestScanningAllocatesNothing(t *testing.T) {
	data := []byte(`{"error":null,"\u0073tatus":"SUCCESS","r\u0065sult":{"a":[1,2,{"b":"x"}]},"number":5}`)
	found := 0
	look := func() {
		for m := loosejson.Members(data); m.Next(); {
			switch string(m.Name) {
			case "status":
				if loosejson.Is(m.Value, "success") {
					found++
				}
			case "error", "result":
				if loosejson.IsBlank(loosejson.First(m.Value)) {
					found++
				}
			}
		}
	}
	require.LessOrEqual(t, testing.AllocsPerRun(100, look), 1.0) // one for all escaped names together
	data = []byte(`{"error":null,"status":"SUCCESS","result":{"a":[1,2,{"b":"x"}]},"number":5}`)
	require.Zero(t, testing.AllocsPerRun(100, look))
	require.Equal(t, 404, found)
	require.True(t, json.Valid(data))
}
