package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	t.Parallel()
	service := filepath.Join("..", "..")
	files, err := generate(filepath.Join(service, "..", "testdata"))
	require.NoError(t, err)
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(service, name))
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "run go generate ./codeartsbuildtest")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ limit, want string }{
		{"minimum 1", ", least: 1"},
		{">=1", ", least: 1"},
		{"maximum 100", ", most: 100"},
		{"1-115 chars", ", shortest: 1, longest: 115"},
		{"minLength 0", ""},
		{"maxLength 200", ", longest: 200"},
		{"one of AES|DESC", `, oneOf: []string{"AES", "DESC"}`},
		{"pattern x86-64|arm", `, oneOf: []string{"x86-64", "arm"}`},
		{"digits, >= 0", ", most: 2147483647"},
		{"format yyyy-MM-dd", `, layout: "2006-01-02"`},
		{"pattern ^[0-9a-z]{32}$", ""},
		{`pattern ^[A-Z]+$`, `, pattern: "^[A-Z]+$"`},
		{"seen: 32 letters/digits", ""},
	} {
		assert.Equal(t, tt.want, limitSource(tt.limit), tt.limit)
	}
}

func TestRequiredFields(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		field field
		want  bool
	}{
		{field{}, true},
		{field{Optional: true}, false},
		{field{Optional: true, Doc: "why; required"}, true},
		{field{Optional: true, Doc: "required; one of a, b"}, true},
		{field{Optional: true, Doc: "source; url required in each"}, false},
		{field{Doc: "not required by the newest docs"}, false},
	} {
		assert.Equal(t, tt.want, tt.field.required(), tt.field.Doc)
	}
}
