package codeartsbuild_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// An endpointCall is a call of a method, with the request that it must send and the result that it must return.
type endpointCall struct {
	call     func(context.Context, *codeartsbuild.Client) (any, error)
	request  string // the method, and the path with its query
	body     string // JSON, or the name of a documented example; "": none
	response string // the same
	want     any    // nil: the method returns an error only
}

// testEndpoints makes each call against a service that gives the response.
func testEndpoints(t *testing.T, tests map[string]endpointCall) {
	t.Helper()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(http.StatusOK, documentedJSON(t, tt.response)))
			got, err := tt.call(t.Context(), sdktest.Client(t, transport))
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			requests := transport.Requests()
			require.Len(t, requests, 1)
			require.Equal(t, tt.request, requests[0].Method+" "+requests[0].URL.RequestURI())
			if tt.body == "" {
				require.Empty(t, requests[0].Body)
				return
			}
			require.Equal(t, "application/json", requests[0].Header.Get("Content-Type"))
			requireSameJSON(t, documentedJSON(t, tt.body), requests[0].Body)
		})
	}
}

// done is what a call without a value returns.
func done(err error) (any, error) { return nil, err }

// documentedJSON reads a documented example, unless it is JSON already.
func documentedJSON(t testing.TB, text string) string {
	t.Helper()
	if json.Valid([]byte(text)) {
		return text
	}
	data, err := os.ReadFile("testdata/examples/" + text + ".json")
	require.NoError(t, err)
	return string(data)
}

// requireSameJSON compares two values in any order of their members. Numbers have the same digits.
func requireSameJSON(t testing.TB, want, got string) {
	t.Helper()
	require.Equal(t, decodeNumbers(t, want), decodeNumbers(t, got))
}

func decodeNumbers(t testing.TB, text string) (value any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&value), "%s", text)
	return value
}

// collect returns all rows of an iterator.
func collect[T any](rows func(func(*T, error) bool)) ([]T, error) {
	var all []T
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		all = append(all, *row)
	}
	return all, nil
}

func utc(year int, month time.Month, day, hour, minute, second int) time.Time {
	return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
}

// testRejected requires that each call is rejected before anything is sent.
func testRejected(t *testing.T, calls map[string]func(context.Context, *codeartsbuild.Client) error) {
	t.Helper()
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(http.StatusOK, `{"status":"success"}`))
			err := call(t.Context(), sdktest.Client(t, transport))
			require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err))
			require.Zero(t, transport.Count())
		})
	}
}
