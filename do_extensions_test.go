package codeartsbuild_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B94: an empty response is a success that leaves out alone, if its end was marked.
func TestDoEmptyResponse(t *testing.T) {
	t.Parallel()
	type payload struct{ Name string }
	tests := map[string]struct {
		reply httpfake.Func
		kinds []string
	}{
		"204":                   {httpfake.Reply(204, ""), nil},
		"200 with length 0":     {httpfake.Reply(200, ""), nil},
		"202 of blanks":         {httpfake.Reply(202, " \r\n"), nil},
		"an end without a mark": {httpfake.Stream(200, strings.NewReader("")), []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := sdktest.Client(t, tt.reply, sdktest.Once)
			out := payload{"as it was"}
			err := client.Do(t.Context(), http.MethodPost, "/v1/anything", struct{}{}, &out)
			require.ElementsMatch(t, tt.kinds, sdktest.Kinds(err))
			require.Equal(t, payload{"as it was"}, out)
		})
	}
	raw := []byte("as it was")
	require.NoError(t, sdktest.Client(t, httpfake.Reply(204, "")).Do(t.Context(), http.MethodPost, "/v1/anything", nil, &raw))
	require.Equal(t, "as it was", string(raw))
}

// B95: JSON that does not fit the Go type is the caller's mistake: one request, a known outcome, and a text that names
// the member and the type.
func TestResponseDoesNotFit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, body string
		out          any
		text         []string
	}{
		"a text for a number, read":    {http.MethodGet, `{"result":"abc"}`, new(struct{ Result int }), []string{"string", "int", "Result"}},
		"a text for a number, written": {http.MethodPost, `{"result":"abc"}`, new(struct{ Result int }), []string{"string", "int", "Result"}},
		"an object for a list":         {http.MethodPost, `{"rows":{}}`, new(struct{ Rows []int }), []string{"object", "Rows"}},
		"a list for an object":         {http.MethodGet, `[1]`, new(struct{}), []string{"array"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			client := sdktest.Client(t, httpfake.Func(func(req *http.Request) (*http.Response, error) {
				asked++
				return httpfake.Reply(200, tt.body)(req)
			}), sdktest.Quick)
			err := client.Do(t.Context(), tt.method, "/v1/anything", nil, tt.out)
			require.Equal(t, []string{"ErrUnexpectedResponse"}, sdktest.Kinds(err))
			require.Equal(t, 1, asked)
			for _, word := range tt.text {
				require.ErrorContains(t, err, word)
			}
			require.NotContains(t, err.Error(), "abc")
		})
	}
	for name, body := range map[string]string{
		"a run": `{"actual_build_number":{"no":7}}`, "an enveloped run": `{"result":[1]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := sdktest.Client(t, httpfake.Reply(200, body), sdktest.Quick)
			_, err := client.Jobs.Run(t.Context(), sdktest.JobID, nil)
			require.Equal(t, []string{"ErrUnexpectedResponse"}, sdktest.Kinds(err))
		})
	}
}

// B96: what a method cannot send is rejected before I/O.
func TestDoInputs(t *testing.T) {
	t.Parallel()
	type wanted struct{ query, body string }
	text := "P\xff"
	tests := map[string]struct {
		method string
		in     any
		want   *wanted // nil: rejected
	}{
		"url.Values": {http.MethodGet, url.Values{"b": {"1", "2"}, "a": {"x y"}}, &wanted{query: "a=x+y&b=1&b=2"}},
		"struct with url tags": {http.MethodHead, struct {
			A string `url:"a"`
		}{"x"}, &wanted{query: "a=x"}},
		"struct as JSON":                  {http.MethodPut, struct{ A string }{"x"}, &wanted{body: `{"A":"x"}`}},
		"raw JSON":                        {http.MethodPost, json.RawMessage(`{"a":1}`), &wanted{body: `{"a":1}`}},
		"the replacement character":       {http.MethodPost, "\ufffd", &wanted{body: "\"\ufffd\""}},
		"a backslash before ufffd":        {http.MethodPost, `\ufffd`, &wanted{body: `"\\ufffd"`}},
		"string reader":                   {http.MethodPost, strings.NewReader("hello"), nil},
		"buffer":                          {http.MethodPost, bytes.NewBufferString("hello"), nil},
		"pipe":                            {http.MethodPost, func() any { r, _ := io.Pipe(); return r }(), nil},
		"reader for a query":              {http.MethodGet, strings.NewReader("a=b"), nil},
		"channel":                         {http.MethodPost, make(chan int), nil},
		"function":                        {http.MethodPost, func() {}, nil},
		"number for a query":              {http.MethodGet, 7, nil},
		"bytes that are not UTF-8":        {http.MethodPost, struct{ Branch string }{"feat/\xe4"}, nil},
		"the same in a map":               {http.MethodPost, map[string]any{"a": []string{"ok", text}}, nil},
		"the same as a name":              {http.MethodPost, map[string]string{text: "v"}, nil},
		"the same in raw JSON":            {http.MethodPost, json.RawMessage(`"P` + text + `"`), nil},
		"the same behind pointers":        {http.MethodPost, &struct{ P **string }{ptr(&text)}, nil},
		"the same in a query":             {http.MethodGet, url.Values{"q": {text}}, nil},
		"the same as a query's parameter": {http.MethodGet, url.Values{text: {"q"}}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(200, "{}"))
			err := sdktest.Client(t, transport).Do(t.Context(), tt.method, "/v1/anything", tt.in, nil)
			if tt.want == nil {
				require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err))
				require.Empty(t, transport.Requests())
				return
			}
			require.NoError(t, err)
			require.Equal(t, *tt.want, wanted{transport.Requests()[0].URL.RawQuery, transport.Requests()[0].Body})
		})
	}
}

// B97: a path means the same to the client, to the signature and to the service, or it is rejected.
func TestDoPathMeansTheSame(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/v1", "/v1/job/a%20b", "/v1/a.b/..c/...", "/v1/job?x=/../", "/v1/%E4%B8%AD", "/v1/a;b=c/x"} {
		require.NoError(t, sdktest.Client(t, httpfake.Reply(200, "{}")).Do(t.Context(), http.MethodGet, path, nil, nil), path)
	}
	for _, path := range []string{
		"", "v1", "//v1", "/v1//delete", "/v1/job/", "/v1/./x", "/v1/../x", "/v1/%2e/x", "/v1/%2E%2e/x", "/v1/.%2E", "/v1/a%2Fb", "/v1/a%2fb",
		"/v1/a%5Cb", "/v1/a b", "/v1/a#b", "/v1/中", "/v1/a\n", "/v1?a;b", "/v1/%zz",
		"/v1/%252e%252e/x", "/v1/%25252E./x", "/v1/a%252fb", "/v1/..;/x", "/v1/..;a=b/x", "/v1/%2e%2e%3Bx/y", "/v1/.;/x", "/v1/;a/x",
	} {
		transport := httpfake.Script(httpfake.Reply(200, "{}"))
		err := sdktest.Client(t, transport).Do(t.Context(), http.MethodGet, path, nil, nil)
		require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, "%q", path)
		require.Empty(t, transport.Requests(), "%q", path)
	}
}

// B98: a label has few values, an error has the path.
func TestDoNames(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, path string
		opts         []codeartsbuild.CallOption
		label, text  string
	}{
		"an id":           {http.MethodDelete, "/v1/job/" + sdktest.JobID + "/delete", nil, "DELETE /v1/job/*/delete", "DELETE /v1/job/" + sdktest.JobID + "/delete: "},
		"a number":        {http.MethodGet, "/v1/job/abc/20/info?x=1", nil, "GET /v1/job/abc/*/info", "GET /v1/job/abc/20/info: "},
		"a UUID":          {http.MethodGet, "/v2/x/0b5e8ba6-ab5d-4bba-8e5b-6f2a4d2b9c11", nil, "GET /v2/x/*", "GET /v2/x/0b5e8ba6-"},
		"a long word":     {http.MethodGet, "/v1/" + strings.Repeat("x", 32), nil, "GET /v1/*", "GET /v1/xxx"},
		"an escaped name": {http.MethodGet, "/v1/file/%E4%B8%AD", nil, "GET /v1/file/*", "GET /v1/file/%E4%B8%AD: "},
		"words only":      {http.MethodGet, "/v1/job/recycling-restoration", nil, "GET /v1/job/recycling-restoration", "GET /v1/job/recycling-restoration: "},
		"a name": {
			http.MethodDelete, "/v1/job/" + sdktest.JobID + "/delete", []codeartsbuild.CallOption{codeartsbuild.WithOperation("DeleteJob")},
			"DeleteJob", "codeartsbuild: DeleteJob: ",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var label string
			client := sdktest.Client(t, httpfake.Func(func(req *http.Request) (*http.Response, error) {
				label = codeartsbuild.OperationFromContext(req.Context())
				return httpfake.Reply(404, "{}")(req)
			}))
			err := client.Do(t.Context(), tt.method, tt.path, nil, nil, tt.opts...)
			require.Equal(t, tt.label, label)
			require.ErrorContains(t, err, tt.text)
		})
	}
}

// B98: hints about stops stand in errors of stops only.
func TestAPIRetiredHint(t *testing.T) {
	t.Parallel()
	client := sdktest.Client(t, httpfake.Reply(404, `{"error_code":"APIGW.0101","error_msg":"not published"}`))
	stop := sdktest.Stop(t.Context(), client)
	require.ErrorIs(t, stop, codeartsbuild.ErrAPIRetired)
	require.ErrorContains(t, stop, "WithStopAPI")
	for _, err := range []error{client.Do(t.Context(), http.MethodGet, "/v1/gone", nil, nil), sdktest.Read(t.Context(), client)} {
		require.ErrorIs(t, err, codeartsbuild.ErrAPIRetired)
		require.NotContains(t, err.Error(), "WithStopAPI")
	}
}

// B99: an idempotent call of Do is retried like a read, and its outcome can be unknown.
func TestDoIdempotent(t *testing.T) {
	t.Parallel()
	call := func(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
		return c.Do(ctx, http.MethodPut, "/v1/anything", struct{}{}, nil, opts...)
	}
	transport := httpfake.Script(httpfake.Lost, httpfake.Reply(200, "{}"))
	require.NoError(t, call(t.Context(), sdktest.Client(t, transport, sdktest.Quick), codeartsbuild.WithIdempotent()))
	require.Len(t, transport.Requests(), 2)
	err := call(t.Context(), sdktest.Client(t, httpfake.Func(httpfake.Lost), sdktest.Quick), codeartsbuild.WithIdempotent())
	require.Equal(t, []string{"ErrOutcomeUnknown"}, sdktest.Kinds(err))
	transport = httpfake.Script(httpfake.Lost, httpfake.Reply(200, "{}"))
	require.Equal(t, []string{"ErrOutcomeUnknown"}, sdktest.Kinds(call(t.Context(), sdktest.Client(t, transport, sdktest.Quick))))

	for name, opt := range map[string]codeartsbuild.CallOption{
		"WithIdempotent": codeartsbuild.WithIdempotent(), "WithOperation": codeartsbuild.WithOperation("X"),
	} {
		client := sdktest.Client(t, httpfake.Func(httpfake.Lost))
		_, err := client.Jobs.Run(t.Context(), sdktest.JobID, nil, opt)
		require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err), name)
	}
	for _, name := range []string{"", "two\nlines", "名"} {
		err := call(t.Context(), sdktest.Client(t, httpfake.Func(httpfake.Lost)), codeartsbuild.WithOperation(name))
		require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err), "%q", name)
	}
}

// B100: a field or parameter that no type knows does not block a user.
func TestUnknownFields(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		call        func(*codeartsbuild.Client, ...codeartsbuild.CallOption) error
		opts        []codeartsbuild.CallOption
		query, body string
		rejected    bool
	}{
		"a field of a typed call": {
			func(c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
				_, err := c.Jobs.Run(t.Context(), sdktest.JobID, nil, opts...)
				return err
			},
			[]codeartsbuild.CallOption{codeartsbuild.WithBodyField("priority", 7), codeartsbuild.WithBodyField("tags", []string{"a"})},
			"", `{"job_id":"` + sdktest.JobID + `","priority":7,"tags":["a"]}`, false,
		},
		"a parameter of a typed call": {
			func(c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
				_, err := c.Jobs.Run(t.Context(), sdktest.JobID, nil, opts...)
				return err
			},
			[]codeartsbuild.CallOption{codeartsbuild.WithQuery("a", "x y"), codeartsbuild.WithQuery("a", "&")},
			"a=x+y&a=%26", `{"job_id":"` + sdktest.JobID + `"}`, false,
		},
		"a body where there was none": {
			func(c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
				return c.Do(t.Context(), http.MethodPost, "/v1/x?given=1", nil, nil, opts...)
			},
			[]codeartsbuild.CallOption{codeartsbuild.WithBodyField("a", nil), codeartsbuild.WithQuery("b", "2")},
			"given=1&b=2", `{"a":null}`, false,
		},
		"the last of one name": {
			func(c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
				return c.Do(t.Context(), http.MethodPost, "/v1/x", struct {
					A int `json:"a"`
				}{1}, nil, opts...)
			},
			[]codeartsbuild.CallOption{codeartsbuild.WithBodyField("a", 2), codeartsbuild.WithBodyField("a", 3)},
			"", `{"a":3}`, false,
		},
		"a field of a call without a body": {
			func(c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
				return sdktest.Read(t.Context(), c, opts...)
			},
			[]codeartsbuild.CallOption{codeartsbuild.WithBodyField("a", 1)}, "", "", true,
		},
		"a field of a list": {
			func(c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
				return c.Do(t.Context(), http.MethodPost, "/v1/x", []int{1}, nil, opts...)
			},
			[]codeartsbuild.CallOption{codeartsbuild.WithBodyField("a", 1)}, "", "", true,
		},
		"no name":                    {stopWith, []codeartsbuild.CallOption{codeartsbuild.WithBodyField("", 1)}, "", "", true},
		"no parameter":               {stopWith, []codeartsbuild.CallOption{codeartsbuild.WithQuery("", "1")}, "", "", true},
		"a channel":                  {stopWith, []codeartsbuild.CallOption{codeartsbuild.WithBodyField("a", make(chan int))}, "", "", true},
		"no UTF-8":                   {stopWith, []codeartsbuild.CallOption{codeartsbuild.WithBodyField("a", "\xff")}, "", "", true},
		"raw JSON that is not UTF-8": {stopWith, []codeartsbuild.CallOption{codeartsbuild.WithBodyField("a", json.RawMessage("\"\xff\""))}, "", "", true},
		"a bad name":                 {stopWith, []codeartsbuild.CallOption{codeartsbuild.WithBodyField("\xff", 1)}, "", "", true},
		"a bad query":                {stopWith, []codeartsbuild.CallOption{codeartsbuild.WithQuery("a", "\xff")}, "", "", true},
		"nothing at all":             {stopWith, nil, "", `{"job_id":"` + sdktest.JobID + `","build_no":"20"}`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(200, started))
			err := tt.call(sdktest.Client(t, transport), tt.opts...)
			if tt.rejected {
				require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err))
				require.Empty(t, transport.Requests())
				return
			}
			require.NoError(t, err)
			got := transport.Requests()[0]
			require.Equal(t, tt.query, got.URL.RawQuery)
			require.JSONEq(t, tt.body, got.Body)
		})
	}
}

func stopWith(c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
	return sdktest.Stop(context.Background(), c, opts...)
}

// B101: the raw body is there for whoever wants it, of a success, of an error and of a response that cannot be read.
func TestResponseBody(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]struct {
		reply httpfake.Func
		want  string
	}{
		"success":         {httpfake.Reply(200, `{"result":true,"new":[1]}`), `{"result":true,"new":[1]}`},
		"error":           {httpfake.Reply(400, `{"error_code":"CB.00060200","hint":"x"}`), `{"error_code":"CB.00060200","hint":"x"}`},
		"unreadable":      {httpfake.Reply(200, `<html>`), `<html>`},
		"no body":         {httpfake.Reply(204, ""), ""},
		"no response":     {httpfake.Lost, ""},
		"an endless page": {httpfake.Reply(500, strings.Repeat("x", 100<<10)), strings.Repeat("x", 64<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var response codeartsbuild.Response
			_ = sdktest.Stop(t.Context(), sdktest.Client(t, reply.reply, sdktest.Once), codeartsbuild.WithResponseInto(&response))
			require.Equal(t, reply.want, string(response.Body))
		})
	}
}
