package codeartsbuild

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// B35: a code of the service is told from data in a member of the same name.
func TestServiceCode(t *testing.T) {
	t.Parallel()
	longest := `"` + strings.Repeat("A", 64-len(`".1234"`)) + `.1234"`
	for text, want := range map[string]bool{
		`"CB.00060200"`: true, `"DEV.CB.0410005"`: true, `"APIGW.0301"`: true, `"X.1234"`: true, longest: true,
		`"cb.00060200"`: false, `"CB.123"`: false, `"CB.1234x"`: false, `"CB.12x34"`: false, `".1234"`: false, `"CB1234"`: false,
		`"CB"`: false, `"10.1234"`: false, `""`: false, `200`: false, `1.2345`: false, `null`: false, `{"a":"CB.00060200"}`: false, longest + " ": false, ``: false,
	} {
		require.Equal(t, want, isServiceCode([]byte(text)), text)
	}
}

// B35: a code beside a message is the status of an error from 400 to 599.
func TestErrorStatus(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`399`: false, `400`: true, `"404"`: true, `599`: true, `600`: false, `-404`: false, `404.5`: false, `"x"`: false, ``: false,
	} {
		require.Equal(t, want, isErrorStatus([]byte(text)), text)
	}
}

// B36: only the part of a code behind its last dot counts.
func TestCodeBehindTheLastDot(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"00031006", ".00031006", "CB.00031006", "DEV.CB.00031006", "OTHER.00031006"} {
		require.Equal(t, []error{ErrNotFound}, meaningOf(422, code).kinds, code)
	}
}

// B35: the title of a page stands for the page, also where the page begins with it.
func TestSnippetOfPage(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]string{
		"<title>Sign in</title><p>more":              "Sign in",
		"<html><title>Sign in</title><p>more</html>": "Sign in",
		"<p>one</p><p>two</p>":                       "one two",
	} {
		require.Equal(t, want, snippet(page), page)
	}
}
