package codeartsbuild

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

func payloadClient(t *testing.T, reply string) *Client {
	t.Helper()
	client, err := NewClient(WithEndpoint("https://build.example.com"), WithTokenSource(StaticToken("token-of-a-test")),
		WithTransport(httpfake.Reply(200, reply)))
	require.NoError(t, err)
	return client
}

// payloadOf reads a payload that is not an object.
func payloadOf[T any](t *testing.T, reply string) (any, error) {
	t.Helper()
	op := &operation{name: "ShowSomething", method: "GET", path: "/v1/something"}
	return fetchValue[T](t.Context(), payloadClient(t, reply), op, nil, nil, nil)
}

func TestPayloadsThatAreNotObjects(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		read  func(*testing.T, string) (any, error)
		reply string
		want  any
	}{
		"a list":               {payloadOf[[]string], `{"result":["a"],"status":"success"}`, []string{"a"}},
		"an empty list":        {payloadOf[[]string], `{"result":[],"status":"success"}`, []string{}},
		"no list":              {payloadOf[[]string], `{"result":null,"status":"success"}`, []string(nil)},
		"a list, bare":         {payloadOf[[]string], `["a"]`, []string{"a"}},
		"a text":               {payloadOf[string], `{"result":"a"}`, "a"},
		"an empty text":        {payloadOf[string], `{"result":"","status":"success"}`, ""},
		"true":                 {payloadOf[bool], `{"result":true,"status":"success"}`, true},
		"false":                {payloadOf[bool], `{"result":false,"error":null,"status":"success"}`, false},
		"zero":                 {payloadOf[int], `{"result":0,"status":"success"}`, 0},
		"a number as a text":   {payloadOf[int], `{"result":"12","status":"success"}`, 12},
		"an object, empty":     {payloadOf[LogAnalysis], `{"result":{},"status":"success"}`, LogAnalysis{}},
		"an object beside one": {payloadOf[LogAnalysis], `{"result":null,"job_name":"x"}`, LogAnalysis{JobName: "x"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.read(t, tt.reply)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
	for name, reply := range map[string]string{
		"an object":              `{"result":{"a":1},"status":"success"}`,
		"a text":                 `{"result":"a"}`,
		"no result":              `{"status":"success"}`,
		"a result of other kind": `{"result":[{"a":1}]}`,
	} {
		t.Run(name+" in place of a list", func(t *testing.T) {
			t.Parallel()
			got, err := payloadOf[[]string](t, reply)
			require.ErrorIs(t, err, ErrUnexpectedResponse)
			require.Nil(t, got)
		})
	}
}

func TestFormsOfAList(t *testing.T) {
	t.Parallel()
	members := listing{page: "page", first: 1, size: "size", rows: "items,rows", total: "pagination.total"}
	array := listing{page: "offset", size: "limit", also: &listing{page: "page", first: 1, size: "page_size"}}
	tests := map[string]struct {
		list  *listing
		reply string
		want  Page[string]
		query string
	}{
		"a total in an object": {&members, `{"result":{"items":["x"],"pagination":{"page":0,"total":"7"}}}`, Page[string]{[]string{"x"}, 7}, "page=2&size=5"},
		"a total before the rows, and another name": {
			&members, `{"result":{"pagination":{"total":3},"rows":["x"]}}`, Page[string]{[]string{"x"}, 3}, "page=2&size=5",
		},
		"an object without a total": {&members, `{"result":{"items":["x"],"pagination":{}}}`, Page[string]{[]string{"x"}, -1}, "page=2&size=5"},
		"a total beside the object": {&members, `{"result":{"items":["x"],"total":3}}`, Page[string]{[]string{"x"}, -1}, "page=2&size=5"},
		"an array":                  {&array, `{"result":["x","y"],"status":"success"}`, Page[string]{[]string{"x", "y"}, -1}, "limit=5&offset=1&page=2&page_size=5"},
		"an empty array":            {&array, `{"result":[],"status":"success"}`, Page[string]{[]string{}, -1}, "limit=5&offset=1&page=2&page_size=5"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(200, tt.reply))
			client := payloadClient(t, "")
			client.transport = transport
			op := &operation{name: "ListSomething", method: "GET", path: "/v1/something", list: tt.list}
			page, err := listPage[string](t.Context(), client, op, nil, 2, 5, nil, nil)
			require.NoError(t, err)
			require.Equal(t, &tt.want, page)
			require.Equal(t, tt.query, transport.Requests()[0].URL.RawQuery)
		})
	}
}
