package codeartsbuild_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B46: query values arrive unchanged.
func TestQueryValuesArriveUnchanged(t *testing.T) {
	t.Parallel()
	server := httpfake.Listen(t, sdktest.Accepted)
	for name, value := range map[string]string{
		"ampersand": "a&b=c", "hash": "a#b", "space": "a b", "plus": "a+b", "equals": "a=b", "question mark": "a?b", "slash": "a/../b", "percent": "100%", "escaped": "%26%20",
		"semicolon": "a;b", "quotes": `"a"'b'`, "Chinese": "构建任务 每日", "emoji": "🚀", "line feed": "a\r\nX-Evil: 1", "NUL": "a\x00b", "empty": "", "brackets": "a[0]{1}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL))
			err := client.Do(t.Context(), http.MethodGet, "/v9/"+url.PathEscape(name)+"?given=%E6%9E%84+a", struct {
				Value string `url:"value"`
				Other int    `url:"other"`
			}{value, 1}, nil)
			require.NoError(t, err)
			found := false
			for _, r := range server.Requests() {
				if r.URL.Path != "/v9/"+name {
					continue
				}
				found = true
				require.Equal(t, url.Values{"value": {value}, "other": {"1"}, "given": {"构 a"}}, r.URL.Query())
				require.NotContains(t, r.RequestURI, "#")
			}
			require.True(t, found)
		})
	}
}

// B46: a signature covers the query, so that both have the same spelling.
func TestQuerySignedAsSent(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	f.Start()
	client := sdktest.NewClient(t, codeartsbuild.WithEndpoint(f.URL), codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(f.AccessKey())))
	for _, value := range []string{"a&b#c d+e", "构建任务 每日", "~-._*!'()", "%26", "a/b:c,d;e=f"} {
		err := client.Do(t.Context(), http.MethodGet, "/v1/job/"+f.ProjectID()+"/list?page_size=10&page_index=0", struct {
			Search string `url:"search"`
		}{value}, nil)
		require.NoError(t, err, value)
	}
}

// B46: the types for which go-querystring has had gaps.
func TestQueryTypes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 13, 4, 5, 0, time.FixedZone("UTC+8", 8*60*60))
	words, none := []string{"a b", "构"}, []string{}
	type embedded struct {
		Page int `url:"page,omitempty"`
	}
	tests := map[string]struct {
		in   any
		want url.Values
	}{
		"pointer to a slice": {struct {
			A *[]string `url:"a"`
		}{&words}, url.Values{"a": words}},
		"pointer to a slice, with comma": {struct {
			A *[]string `url:"a,comma"`
		}{&words}, url.Values{"a": {"a b,构"}}},
		"pointer to an empty slice": {struct {
			A *[]string `url:"a,comma"`
		}{&none}, url.Values{}},
		"nil pointer to a slice": {struct {
			A *[]string `url:"a,omitempty"`
		}{}, url.Values{}},
		"slice with comma": {struct {
			A []string `url:"a,comma"`
		}{words}, url.Values{"a": {"a b,构"}}},
		"empty slice with comma": {struct {
			A []string `url:"a,comma"`
		}{none}, url.Values{}},
		"nil slice with comma": {struct {
			A []string `url:"a,comma"`
		}{}, url.Values{}},
		"slice of pointers": {struct {
			A []*string `url:"a"`
		}{[]*string{&words[0], nil, &words[1]}}, url.Values{"a": {"a b", "", "构"}}},
		"time": {struct {
			A time.Time `url:"a"`
		}{at}, url.Values{"a": {"2026-11-24T13:04:05+08:00"}}},
		"pointer to a time": {struct {
			A *time.Time `url:"a"`
		}{&at}, url.Values{"a": {"2026-11-24T13:04:05+08:00"}}},
		"pointer to a time with a layout": {struct {
			A *time.Time `url:"a" layout:"2006-01-02 15:04:05"`
		}{&at}, url.Values{"a": {"2026-11-24 13:04:05"}}},
		"pointer to a time in milliseconds": {struct {
			A *time.Time `url:"a,unixmilli"`
		}{&at}, url.Values{"a": {"1795496645000"}}},
		"nil pointer to a time": {struct {
			A *time.Time `url:"a,omitempty"`
		}{}, url.Values{}},
		"zero time": {struct {
			A time.Time `url:"a,omitempty"`
		}{}, url.Values{}},
		"bool as a number": {struct {
			A *bool `url:"a,int"`
		}{new(bool)}, url.Values{"a": {"0"}}},
		"embedded struct": {struct {
			embedded
			A string `url:"a"`
		}{embedded{3}, "b"}, url.Values{"a": {"b"}, "page": {"3"}}},
		"pointer to a struct": {&embedded{4}, url.Values{"page": {"4"}}},
		"nil":                 {nil, url.Values{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(http.StatusOK, "{}"))
			require.NoError(t, sdktest.Client(t, transport).Do(t.Context(), http.MethodGet, "/v9/anything", tt.in, nil))
			require.Equal(t, tt.want, transport.Requests()[0].URL.Query())
		})
	}
}

// B46: an input that is not a struct with url tags is rejected for a query.
func TestQueryInputRejected(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]any{"text": "a=b", "map": map[string]string{"a": "b"}, "number": 7, "slice": []string{"a"}} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			t.Run(method+" with a "+name, func(t *testing.T) {
				t.Parallel()
				transport := httpfake.Script(httpfake.Reply(http.StatusOK, "{}"))
				client := sdktest.Client(t, transport)
				requireRejected(t, client.Do(t.Context(), method, "/v9/anything", in, nil), transport)
			})
		}
	}
}
