package sdktest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
)

var kinds = map[string]error{
	"ErrBadRequest":          codeartsbuild.ErrBadRequest,
	"ErrUnauthorized":        codeartsbuild.ErrUnauthorized,
	"ErrForbidden":           codeartsbuild.ErrForbidden,
	"ErrNotFound":            codeartsbuild.ErrNotFound,
	"ErrTooManyBuilds":       codeartsbuild.ErrTooManyBuilds,
	"ErrTooManyRequests":     codeartsbuild.ErrTooManyRequests,
	"ErrInternalServerError": codeartsbuild.ErrInternalServerError,
	"ErrBuildFinished":       codeartsbuild.ErrBuildFinished,
	"ErrNotStopped":          codeartsbuild.ErrNotStopped,
	"ErrNotSent":             codeartsbuild.ErrNotSent,
	"ErrAPIRetired":          codeartsbuild.ErrAPIRetired,
	"ErrNotProjectScoped":    codeartsbuild.ErrNotProjectScoped,
	"ErrUnexpectedResponse":  codeartsbuild.ErrUnexpectedResponse,
	"ErrOutcomeUnknown":      codeartsbuild.ErrOutcomeUnknown,
	"ErrInvalidArgument":     codeartsbuild.ErrInvalidArgument,
	"ErrStillRunning":        codeartsbuild.ErrStillRunning,
	"ErrConflict":            codeartsbuild.ErrConflict,
	"Canceled":               context.Canceled,
	"DeadlineExceeded":       context.DeadlineExceeded,
}

// Kinds returns the names of all kinds that err is of, in alphabetical order: those of the package's Err…
// values, "Canceled" and "DeadlineExceeded". Of nil it returns none.
func Kinds(err error) []string {
	names := []string{}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if errors.Is(err, kinds[name]) {
			names = append(names, name)
		}
	}
	return names
}

// APIError requires that err is the error of a response, and returns it.
func APIError(t testing.TB, err error) *codeartsbuild.APIError {
	t.Helper()
	var apiErr *codeartsbuild.APIError
	require.ErrorAs(t, err, &apiErr)
	return apiErr
}
