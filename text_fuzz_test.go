package codeartsbuild

import (
	"math"
	"strings"
	"testing"
)

// Every text becomes one short line.
func FuzzOneLine(f *testing.F) {
	for _, body := range oddBodies {
		f.Add(body, 160)
	}
	for _, text := range []string{strings.Repeat("字", 100), strings.Repeat(" ", 300), "a\r\n\tb", "<title>x</title>", "<p>a<b>c", "<title>İ</title>", "<script>alert(1)</script>", "a\u00adb\u200b\u2028c"} {
		f.Add(text, 64)
		f.Add(text, 8)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = 8 + (limit&math.MaxInt16)%1024
		for name, short := range map[string]string{"oneLine": oneLine(text, limit), "snippet": snippet(text)} {
			most := limit
			if name == "snippet" {
				most = 163
			}
			if len(short) > most+3 || !isPrintable(short) || strings.Contains(short, "  ") {
				t.Fatalf("%s makes %q (%d bytes of at most %d) of %q", name, short, len(short), most, text)
			}
		}
	})
}
