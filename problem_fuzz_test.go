package codeartsbuild

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// Code and message of an error are the same each time, and those that encoding/json finds. No body causes a panic.
func FuzzReadReport(f *testing.F) {
	for _, body := range exampleBodies(f) {
		f.Add(body)
	}
	for _, r := range recordedResponses(f) {
		f.Add(r.body)
	}
	for _, body := range oddBodies {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		text := unwrapText(body)
		r := readReport(text)
		p := r.problem(2)
		if again := r.problem(2); p != again {
			t.Fatalf("%+v, and then %+v", p, again)
		}
		if !utf8.ValidString(p.code) || !utf8.ValidString(p.message) {
			t.Fatalf("invalid UTF-8: %+v", p)
		}
		r.failed()
		loginProblem(400, text)
		titleOf(text)
		if !json.Valid(text) {
			return // it must only not panic
		}
		var members map[string]any
		if json.Unmarshal(text, &members) != nil {
			if p != (problem{}) {
				t.Fatalf("%+v in a body that is not an object", p)
			}
			return
		}
		for name, got := range map[string]string{"error_code": p.code, "error_msg": p.message} {
			if want, ok := members[name].(string); ok && want != "" && !isNoCode(want) && strings.ToValidUTF8(got, "") != "" && withoutReplaced(got) != withoutReplaced(want) {
				t.Fatalf("%s is %q, want %q", name, got, want)
			}
		}
	})
}

// isNoCode reports whether a text stands where a code is missing. In a message such texts are rare.
func isNoCode(text string) bool {
	return text == "0" || strings.EqualFold(text, "true") || strings.EqualFold(text, "false")
}

// withoutReplaced leaves out the characters that take the place of invalid UTF-8, since two readers differ in their number.
func withoutReplaced(text string) string { return strings.ReplaceAll(text, "\ufffd", "") }
