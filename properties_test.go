package codeartsbuild

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// A property holds for every value of T that a fuzz test makes.
type property[T any] struct {
	name  string
	holds func(T) bool
}

func requireProperties[T any](t *testing.T, properties []property[T], of T) {
	t.Helper()
	for _, p := range properties {
		if !p.holds(of) {
			t.Fatalf("%q does not hold for %v", p.name, of)
		}
	}
}

// errorProperties hold for the text and the fields of every error.
var errorProperties = []property[error]{
	{"the text is one short line", func(err error) bool {
		return len(err.Error()) < 1<<10 && isPrintable(err.Error())
	}},
	{"the message is short and has no control characters", func(err error) bool {
		var apiErr *APIError
		return !errors.As(err, &apiErr) || len(apiErr.ErrorMsg) <= 515 && !strings.ContainsFunc(apiErr.ErrorMsg, unicode.IsControl)
	}},
	{"no secret is shown", func(err error) bool {
		shown := err.Error() + fmt.Sprintf("%+v %#v", err, err)
		var apiErr *APIError
		if errors.As(err, &apiErr) {
			shown += apiErr.ErrorMsg + apiErr.ErrorCode + apiErr.RequestID + string(apiErr.Body) + apiErr.LogValue().String()
		}
		return !strings.Contains(shown, fuzzedToken) && !strings.Contains(shown, fuzzedPassword)
	}},
}

func isPrintable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
