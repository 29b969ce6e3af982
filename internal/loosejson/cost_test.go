//go:build !race

package loosejson_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// A page of builds takes hardly more allocations than with encoding/json.
func TestPageAllocations(t *testing.T) {
	data := pageOfBuilds()
	allocations := func(unmarshal func([]byte, any) error) float64 {
		return testing.AllocsPerRun(100, func() {
			var out page
			_ = unmarshal(data, &out)
		})
	}
	loose, standard := allocations(loosejson.Unmarshal), allocations(json.Unmarshal)
	t.Logf("%.0f allocations, encoding/json %.0f", loose, standard)
	require.LessOrEqual(t, loose, 1.3*standard)
}

// A request takes as many allocations as with encoding/json.
func TestMarshalAllocations(t *testing.T) {
	request := struct {
		JobID   string `json:"job_id"`
		BuildNo string `json:"build_no"`
	}{"48c66c6002964721be537cdc6ce0297b", "20"}
	loose := testing.AllocsPerRun(100, func() { _, _ = loosejson.Marshal(&request) })
	standard := testing.AllocsPerRun(100, func() { _, _ = json.Marshal(&request) })
	require.LessOrEqual(t, loose, standard)
}

// A response of 10 MiB, the largest that is read, takes little time and memory even if its sender is hostile.
func TestUnmarshalLargeResponses(t *testing.T) {
	const size = 10 << 20
	fill := func(start, part, end string) []byte {
		return []byte(start + strings.Repeat(part, (size-len(start)-len(end))/len(part)) + end)
	}
	tests := map[string]struct {
		data  []byte
		out   any
		bytes float64 // that may be allocated for each byte of data
	}{
		"unknown members":                {fill(`{"x":1`, `,"x":1`, `}`), new(page), 0},
		"unknown members, escaped":       {fill(`{"x":1`, `,"\u0078":1`, `}`), new(page), 0},
		"unknown members, kept":          {fill(`{"x":1`, `,"x":1`, `}`), new(object), 3},
		"brackets in an unknown member":  {fill(`{"x":`, `[`, ``), new(page), 0},
		"braces in an unknown member":    {fill(`{"x":`, `{"a":`, ``), new(page), 0},
		"brackets in a known member":     {fill(``, `[`, ``), new(loop), 0.01},
		"known members":                  {fill(`{"string":"ab"`, `,"string":"ab"`, `}`), new(everything), 1},
		"known members of many kinds":    {fill(`{"int":1`, `,"int":"1","float":1.5,"bool":"1","time":1665476922000,"word":"x","pint":1`, `}`), new(everything), 1},
		"members with other spellings":   {fill(`{"either":"b"`, `,"or":"","neither":{}`, `}`), new(everything), 0},
		"objects in each other":          {fill(`{"children":[`, nested(30)+`,`, `{}]}`), new(object), 64},
		"objects, repeated":              {fill(`{"object":{}`, `,"object":{"children":[{"name":"a"}]}`, `}`), new(everything), 8},
		"escapes":                        {fill(`{"string":"`, `\"`, `"}`), new(everything), 8},
		"backslashes":                    {fill(`{"string":"`, `\\`, `"}`), new(everything), 8},
		"a string that does not end":     {fill(`{"string":"`, `\"`, ``), new(everything), 8},
		"digits of a number":             {fill(`{"int":`, `1`, `}`), new(everything), 4},
		"digits of a text":               {fill(`{"uint":"`, `1`, `"}`), new(everything), 4},
		"digits behind a point":          {fill(`{"float":0.`, `1`, `}`), new(everything), 4},
		"digits of a time":               {fill(`{"time":"`, `1`, `"}`), new(everything), 4},
		"words of a time":                {fill(`{"time":"`, `1 `, `"}`), new(everything), 4},
		"elements of a list of numbers":  {fill(`{"ints":[1`, `,1234`, `]}`), new(everything), 1.7},
		"empty rows":                     {fill(`{"result":{"job_build_states":[{}`, `,{}`, `]}}`), new(page), 50},
		"members of a map":               {fill(`{"map":{"a":1`, `,"a":1`, `}}`), new(everything), 8},
		"white space":                    {fill(`{`, ` `, `"string":"a"}`), new(everything), 0},
		"white space between everything": {fill(`{"ints" : [ 1`, ` , 1 `, ` ] }`), new(everything), 2.1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			const limit = 10 * time.Second // a fraction of a second is usual, and minutes if the work grows with the square
			took, bytes := time.Hour, 0.0
			for run := 0; run < 2 && took > limit; run++ { // the machine may be busy with something else
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				_ = loosejson.Unmarshal(tt.data, tt.out) // not all of the data are valid
				took = time.Since(start)
				runtime.ReadMemStats(&after)
				bytes = float64(after.TotalAlloc-before.TotalAlloc) / size
			}
			require.LessOrEqual(t, took, limit)
			require.LessOrEqual(t, bytes, tt.bytes+0.01)
		})
	}
}
