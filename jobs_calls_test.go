package codeartsbuild_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const (
	jobID     = sdktest.JobID
	otherJob  = "2f211929d0c543feb38824a665ad7fcb"
	projectID = "6823252f543d4915b49892a5fd9f0ec3"
)

// A jobCall is a call of a method, the one request that it makes, and what the response becomes.
type jobCall struct {
	do       func(context.Context, *codeartsbuild.JobsService) (any, error)
	request  string // such as "GET /v1/job/list?page_index=0"
	body     string // JSON; "" for none
	response string // JSON, or the name of a documented example
	want     any
}

// done is what a call without a value returns.
func done(err error) (any, error) { return nil, err }

func testJobCalls(t *testing.T, calls map[string]jobCall) {
	t.Helper()
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(200, documentedJSON(t, tt.response)))
			got, err := tt.do(t.Context(), sdktest.Client(t, transport).Jobs)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			requests := transport.Requests()
			require.Len(t, requests, 1)
			sent := requests[0].Method + " " + requests[0].URL.RequestURI()
			require.Equal(t, tt.request, sent)
			if tt.body == "" {
				require.Empty(t, requests[0].Body)
			} else {
				requireSameJSON(t, documentedJSON(t, tt.body), requests[0].Body)
			}
		})
	}
}

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
