package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"plain":              {"feat/login", "feat/login"},
		"letters of a world": {"构建 é", "构建 é"},
		"escape":             {"a\x1b[31mb", `a\x1b[31mb`},
		"line breaks":        {"a\r\nb", `a\r\nb`},
		"control":            {"a\u009bb", `a\u009bb`},
		"direction":          {"a\u202eb", `a\u202eb`},
		"not UTF-8":          {"a\xffb", `a\xffb`},
		"replacement":        {"a\uFFFDb", "a\uFFFDb"},
		"long":               {strings.Repeat("x", 9<<20), strings.Repeat("x", 512) + "…"},
		"long, in a letter":  {strings.Repeat("x", 511) + "é", strings.Repeat("x", 511) + "…"},
	}
	for name, tt := range tests {
		if got := printable(tt.text); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestWord(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "-", "a": "a", "a b": `"a b"`, "a\nb": `"a\nb"`} {
		if got := word(text); got != want {
			t.Errorf("word(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestTablesAlignWideLetters(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text    string
		columns int
		cell    string
	}{
		"plain":         {"feat/login", 10, "feat/login"},
		"wide":          {"功能/登录", 9, "功能/登录"},
		"accent":        {"cafe\u0301", 4, "cafe\u0301"},
		"picture":       {"🚀", 2, "🚀"},
		"as long":       {strings.Repeat("x", 40), 40, strings.Repeat("x", 40)},
		"longer":        {strings.Repeat("x", 41), 41, strings.Repeat("x", 39) + "…"},
		"as long, wide": {strings.Repeat("录", 20), 40, strings.Repeat("录", 20)},
		"longer, wide":  {strings.Repeat("录", 21), 42, strings.Repeat("录", 19) + "…"},
	}
	for name, tt := range tests {
		if n, c := columns(tt.text), cell(tt.text); n != tt.columns || c != tt.cell {
			t.Errorf("%s: %d columns, cell %q, want %d, %q", name, n, c, tt.columns, tt.cell)
		}
	}
	rows := [][]string{{"功能", "a"}, {"main", "b"}, {"feat/x", "c"}}
	plain := &stream{}
	for i, want := range []string{"功能    a", "main    b", "feat/x  c"} {
		if got := newTable(rows).row(plain, "", rows[i]...); got != want {
			t.Errorf("row %q, want %q", got, want)
		}
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	got := object("stop", []field{
		{"branch", "a\u009b\u202e\x7f<b>\U000E0001"}, {"age_seconds", 90 * time.Second}, {"took", 2353 * time.Millisecond}, {"count", 3}, {"empty", ""}, {"never", time.Time{}},
		{"at", time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 8*3600))}, {"long", strings.Repeat("é", 9<<20)}, {"broken", "\xff"},
	})
	want := `{"event":"stop","branch":"a\u009b\u202e\u007f<b>\udb40\udc01","age_seconds":90,"took":2.353,"count":3,"at":"2026-01-01T19:04:05Z","long":"` +
		strings.Repeat("é", 256) + `…","broken":"` + "\ufffd" + `"}` + "\n"
	var decoded map[string]any
	if err := json.Unmarshal(got, &decoded); err != nil || !utf8.Valid(got) {
		t.Fatal(err)
	}
	if decoded["branch"] != "a\u009b\u202e\x7f<b>\U000E0001" {
		t.Errorf("the branch is %q", decoded["branch"])
	}
	if text := strings.ReplaceAll(string(got), `\ufffd`, "\ufffd"); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestHostileTextsArePrintedHarmless(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := server.AddJob("evil\x1b]0;x\a")
	server.AddBuild(job, codeartsbuild.Build{Branch: "a\x1b[2J\u009b\u202e" + strings.Repeat("x", 100_000), Revision: "\x1b\r\n", Status: "\x1b\r\nRUN", Trigger: "push", Executor: "\x1b", StartedAt: time.Now().Add(-3 * time.Hour)})
	for _, args := range [][]string{
		{"runaway", "--job", job, "--max-running", "1h", "--yes"}, {"builds", "--job", job}, {"jobs", "--project", server.ProjectID()},
		{"stop", "--job", job, "--build", "1", "--wait", "5s"},
	} {
		for _, format := range []string{"text", "json"} {
			stdout, stderr, _ := call(t, append(args, "--endpoint", server.URL, "-o", format)...)
			if text := stdout + stderr; strings.ContainsAny(text, "\x1b\r\u009b\u202e\a") || len(text) > 4000 {
				t.Errorf("%v -o %s prints %d bytes: %q", args, format, len(text), text)
			}
		}
	}
}
