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
	for _, tt := range []struct{ limit, typ, want string }{
		{"minimum 1", "int32", ", least: 1"},
		{">=1", "int32", ", least: 1"},
		{"maximum 100", "int32", ", most: 100"},
		{"maximum 100", "string", ""},
		{"1-115 chars", "string", ", shortest: 1, longest: 115"},
		{"minLength 0", "string", ""},
		{"maxLength 200", "string", ", longest: 200"},
		{"one of AES|DESC", "string", `, oneOf: []string{"AES", "DESC"}`},
		{"pattern x86-64|arm", "string", `, oneOf: []string{"x86-64", "arm"}`},
		{"digits, >= 0", "string", `, pattern: "^[0-9]+$"`},
		{"format yyyy-MM-dd", "string", `, layout: "2006-01-02"`},
		{"pattern ^[0-9a-z]{32}$", "string", ""},
		{`pattern ^[A-Z]+$`, "string", `, pattern: "^[A-Z]+$"`},
		{"seen: 32 letters/digits", "string", ""},
	} {
		assert.Equal(t, tt.want, limitSource(tt.limit, tt.typ), tt.limit)
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
