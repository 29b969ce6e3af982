package codeartsbuild

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The text of an error stays within its limit, however long its message and its note are.
func TestErrorTextLimit(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 1, 100, 500, maxErrorText, 2 * maxErrorText} {
		e := &APIError{StatusCode: 500, Operation: "StopJob", ErrorMsg: strings.Repeat("m", 512), details: details{note: strings.Repeat("n", length)}}
		require.LessOrEqual(t, len(e.Error()), maxErrorText, "a note of %d bytes", length)
	}
}

// A log has the fields that an error has.
func TestErrorLogValue(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*APIError{
		"[operation=StopJob status=500 attempts=2]":                         {StatusCode: 500, Operation: "StopJob", Attempts: 2},
		"[operation=StopJob status=400 code=CB.1 attempts=1]":               {StatusCode: 400, Operation: "StopJob", ErrorCode: "CB.1", Attempts: 1},
		"[operation=RunJob status=400 message=no request_id=r1 attempts=1]": {StatusCode: 400, Operation: "RunJob", ErrorMsg: "no", RequestID: "r1", Attempts: 1},
		"[operation=StopJob status=502 attempts=1 outcome_unknown=true]":    {StatusCode: 502, Operation: "StopJob", Attempts: 1, details: details{kinds: []error{ErrOutcomeUnknown}}},
	} {
		require.Equal(t, want, e.LogValue().String())
	}
}
