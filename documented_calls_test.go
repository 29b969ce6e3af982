package codeartsbuild_test

import (
	"context"
	"io"
	"iter"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/apidoc"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// Ids of the forms that the paths of operations take.
const (
	documentedJob     = "48c66c6002964721be537cdc6ce0297b"
	documentedProject = "6ecbc5bac7c8442fb3d2563d53c13582"
	documentedRecord  = "41f0e24d-d435-4f80-88cd-19dba310f845"
)

// A documentedCall is a call with the request that the document asks for and the result that it promises.
type documentedCall struct {
	call    func(context.Context, *codeartsbuild.Client) (any, error)
	request string // method and address; after a line break the body
	reply   string // "": the documented example of the operation
	header  []string
	want    any
}

// testDocumentedCalls makes calls, by the names of their operations. What follows a blank tells calls of one operation
// apart.
func testDocumentedCalls(t *testing.T, calls map[string]documentedCall) {
	t.Helper()
	document := readDocument(t)
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			operation, _, _ := strings.Cut(name, " ")
			if tt.reply == "" {
				tt.reply = documentedReply(t, operation)
			}
			transport := httpfake.Script(httpfake.Reply(200, tt.reply, tt.header...))
			got, err := tt.call(t.Context(), sdktest.Client(t, transport))
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			require.Equal(t, 1, transport.Count())
			request := transport.Requests()[0]
			require.Equal(t, operation, codeartsbuild.OperationFromContext(request.Context()))
			requestLine, body, _ := strings.Cut(tt.request, "\n")
			require.Equal(t, requestLine, request.Method+" "+request.URL.RequestURI())
			require.Equal(t, body, request.Body)
			checkDocumented(t, document.Operation(operation), request)
		})
	}
}

func documentedReply(t *testing.T, operation string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/examples/" + operation + ".response.json")
	require.NoError(t, err)
	return string(data)
}

var placeholder = regexp.MustCompile(`\\\{[a-z_]+\\\}`)

func checkDocumented(t *testing.T, op apidoc.Operation, request httpfake.Request) {
	t.Helper()
	require.Equal(t, op.Method, request.Method)
	require.Regexp(t, "^"+placeholder.ReplaceAllString(regexp.QuoteMeta(op.Path), "[^/]+")+"$", request.URL.Path)
	query := request.URL.Query()
	for _, p := range op.Params {
		if p.In == "query" {
			require.True(t, query.Has(p.Name) || !p.Required, "the parameter %s is missing", p.Name)
			query.Del(p.Name)
		}
	}
	require.Empty(t, query, "parameters that are not documented")
}

// A documentedList is a list that is walked with one row a page.
type documentedList struct {
	walk    func(context.Context, *codeartsbuild.Client) ([]string, error)
	page    string   // a page, with %s in place of its rows
	rows    []string // one a page; then comes an empty page
	want    []string // the keys of the rows
	queries []string // of the requests
}

func testDocumentedLists(t *testing.T, lists map[string]documentedList) {
	t.Helper()
	for name, tt := range lists {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var steps []httpfake.Func
			for _, row := range append(tt.rows, "") {
				steps = append(steps, httpfake.Reply(200, strings.ReplaceAll(tt.page, "%s", row)))
			}
			transport := httpfake.Script(steps...)
			got, err := tt.walk(t.Context(), sdktest.Client(t, transport))
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			var queries []string
			for _, request := range transport.Requests() {
				require.Equal(t, name, codeartsbuild.OperationFromContext(request.Context()))
				queries = append(queries, request.URL.RawQuery)
			}
			require.Equal(t, tt.queries, queries)
		})
	}
}

// keysOf collects the keys of a list.
func keysOf[T any](list iter.Seq2[*T, error], key func(*T) string) ([]string, error) {
	var keys []string
	for row, err := range list {
		if err != nil {
			return keys, err
		}
		keys = append(keys, key(row))
	}
	return keys, nil
}

// textOf reads a stream to its end.
func textOf(stream io.ReadCloser, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	text, err := io.ReadAll(stream)
	return string(text), err
}

func utcTime(year int, month time.Month, day, hour, minute, second int) time.Time {
	return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
}

// octets is the header of a file.
func octets() []string { return []string{"Content-Type", "application/octet-stream"} }

// rejectedBeforeIO makes calls that must fail before anything is sent.
func rejectedBeforeIO(t *testing.T, calls map[string]func(context.Context, *codeartsbuild.Client) error) {
	t.Helper()
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Func(func(*http.Request) (*http.Response, error) {
				t.Error("a request was sent")
				return nil, io.EOF
			}))
			require.ErrorIs(t, call(t.Context(), sdktest.Client(t, transport, sdktest.Once)), codeartsbuild.ErrInvalidArgument)
		})
	}
}
