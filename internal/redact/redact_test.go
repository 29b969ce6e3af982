package redact

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/spelled"
)

var secrets = map[string]string{
	"usual":                  "MIIUsualToken0123-_456789",
	"shortest":               "Ab3-Ef6_",
	"long":                   strings.Repeat("MIILong/Token+Part=", 10),
	"one letter":             strings.Repeat("a", 40),
	"repeating":              "abababab/abababab",
	"all that is escaped":    `Quote"Back\Slash/Less<More>And&Quote'Equals=Grave` + "`",
	"spaces and plus signs":  "correct horse+battery staple",
	"control characters":     "line one\nline\ttwo\r\x01\b\f",
	"not ASCII":              "密码Wörterbuch🚀Schlüssel鍵",
	"pairs only":             "🚀🛰🪐",
	"quotes at both ends":    `"quoted secret"`,
	"backslashes at an end":  `\secret with\\`,
	"escapes of JSON":        `\u0041\n\\u0042\/\"`,
	"escapes of addresses":   "100%41%zz%2541%",
	"escapes of pages":       "a&amp;b&lt;c&#65;&copy",
	"escapes of every kind":  `%5Cu0041&#92;n\u0026amp;%26`,
	"digits after each sign": `%4\u00&#4 1041;`,
}

func TestRemoveEachSpelling(t *testing.T) {
	t.Parallel()
	once := append([]spelling{{"plain", plain}}, escapings...)
	var twice []spelling
	for _, one := range escapings {
		for _, two := range escapings {
			twice = append(twice, spelling{one.name + ", " + two.name, func(s string) string { return two.spell(one.spell(s)) }})
		}
	}
	for kind, secret := range secrets {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			requireRemoved(t, secret, once, quotings)
			requireRemoved(t, secret, twice, quotings[:2])
		})
	}
}

// requireRemoved requires that a secret in the middle of a text is removed in each combination of spellings,
// and nothing else.
func requireRemoved(t *testing.T, secret string, escapings, quotings []spelling) {
	t.Helper()
	const before, after = `bad "token": `, `, <b> & 100% of /\`
	for _, escaping := range escapings {
		for _, quoting := range quotings {
			spell := escaping.spell
			for depth := range 4 {
				text := spell(before + secret + after)
				require.Equal(t, spell(before)+"[removed]"+spell(after), Remove(text, secret),
					"%s in %d of %s: %s", escaping.name, depth, quoting.name, text)
				last := spell
				spell = func(s string) string { return quoting.spell(last(s)) }
			}
		}
	}
}

// A text may be cut anywhere, within an escape as well.
func TestRemoveStartOfSecretAtTheEnd(t *testing.T) {
	t.Parallel()
	spellings := []spelling{{"plain", plain}}
	for _, s := range append(quotings, escapings...) {
		spellings = append(spellings, s, spelling{s.name + " in JSON", func(text string) string { return spelled.InsideJSON(s.spell(text), nil) }})
	}
	for kind, secret := range secrets {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			secret := secret[:min(len(secret), 60)]
			for _, s := range spellings {
				before, spelled := s.spell("bad token: "), s.spell(secret)
				for i := range secret { // the cut is in the character at i, or before it
					start, end := len(s.spell(secret[:i])), len(spelled)
					if _, size := utf8.DecodeRuneInString(secret[i:]); i+size < len(secret) {
						end = len(s.spell(secret[:i+size]))
					}
					for cut := start; cut < end; cut++ {
						text := before + spelled[:cut]
						switch got := Remove(text, secret); {
						case i >= MinLength:
							require.Equal(t, before+"[removed]", got, "%s: %s", s.name, text)
						case i+utf8.UTFMax < MinLength:
							require.Equal(t, text, got, "%s: %s", s.name, text)
						}
					}
				}
			}
		})
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text    string
		secrets []string
		want    string
	}{
		"nothing to search":                   {"", []string{"secret-1"}, ""},
		"nothing to look for":                 {`a\u0062c`, nil, `a\u0062c`},
		"empty secret":                        {"text & text", []string{""}, "text & text"},
		"short secret is left alone":          {"code 4444444 & 4444444", []string{"4444444", "x"}, "code 4444444 & 4444444"},
		"short secret beside another":         {"x secret-1", []string{"x", "secret-1"}, "x [removed]"},
		"whole text":                          {"secret-1", []string{"secret-1"}, "[removed]"},
		"every place":                         {"secret-1, secret-1", []string{"secret-1"}, "[removed], [removed]"},
		"places of several spellings":         {`secret+1/ secret%2B1%2F secret\u002b1/`, []string{"secret+1/"}, "[removed] [removed] [removed]"},
		"places that touch":                   {"secret-1secret-1", []string{"secret-1"}, "[removed]"},
		"secret that overlaps itself":         {"xabababababx", []string{"abababab"}, "x[removed]x"},
		"secrets that overlap":                {"xabcdefghijklx", []string{"abcdefgh", "efghijkl"}, "x[removed]x"},
		"secrets that overlap, spelled":       {"xabcd%2Ffghijklx", []string{"abcd/fgh", "/fghijkl"}, "x[removed]x"},
		"secret inside of another":            {"secret-1 in secret-1-long", []string{"secret-1", "secret-1-long"}, "[removed] in [removed]"},
		"the other order":                     {"secret-1 in secret-1-long", []string{"secret-1-long", "secret-1"}, "[removed] in [removed]"},
		"secret longer than the text":         {"secret", []string{strings.Repeat("secret", 100)}, "secret"},
		"text that is the start of one":       {"secret-1", []string{"secret-1-long"}, "[removed]"},
		"start of a secret in the middle":     {"secret-1 ", []string{"secret-1-long"}, "secret-1 "},
		"middle of a secret at the end":       {"ecret-1-l", []string{"secret-1-long"}, "ecret-1-l"},
		"seven bytes at the end":              {"secret-", []string{"secret-1-long"}, "secret-"},
		"seven bytes, all of the text":        {"%ecret-", []string{"%ecret-1-long"}, "%ecret-"},
		"eight bytes, then half an escape":    {`"secret-1\u00`, []string{"secret-1-long"}, `"[removed]`},
		"eight bytes, then half a pair":       {`"secret-1\ud83d\ude`, []string{"secret-1🚀"}, `"[removed]`},
		"eight bytes, then half an entity":    {"secret-1&am", []string{"secret-1&long"}, "[removed]"},
		"whole secret, then half an escape":   {`secret-1\u00`, []string{"secret-1"}, `[removed]\u00`},
		"start at the end after a whole one":  {"secret-1-long, secret-1", []string{"secret-1-long"}, "[removed], [removed]"},
		"start that touches a whole one":      {"aaaaaaaab-aaaaaaaa", []string{"aaaaaaaab-"}, "[removed]"},
		"letter case counts":                  {"SECRET-1 & %53ecret-1", []string{"secret-1"}, "SECRET-1 & %53ecret-1"},
		"letter case of escapes":              {`secret%2f1%2F \u002F`, []string{"secret/1/"}, `[removed] \u002F`},
		"plus signs of a query":               {"q=my+secret+words", []string{"my secret words"}, "q=[removed]"},
		"plus signs of a query, cut off":      {"q=my+secret+wo", []string{"my secret words"}, "q=[removed]"},
		"backslash in front of the secret":    {`C:\\secret\u002d1`, []string{"secret-1"}, `C:[removed]`},
		"JSON in JSON":                        {`{"m":"{\"t\":\"secret\\\"1\"}"}`, []string{`secret"1`}, `{"m":"{\"t\":\"[removed]\"}"}`},
		"slashes that need not be escaped":    {`secret\/1\/ \secret\-1\-`, []string{"secret/1/", "secret-1-"}, `[removed] [removed]`},
		"letters behind a backslash":          {`\s\e\c\ret-12`, []string{"sec\ret-12"}, `[removed]`},
		"half of a pair, then an escape":      {`\ud83d\u0073ecret-1`, []string{"secret-1"}, `\ud83d[removed]`},
		"text like the secret":                {"abbacadae, abacadae", []string{"abacadae"}, "abbacadae, [removed]"},
		"name inside of a name":               {"secret&ltx;1", []string{"secret<x;1"}, "[removed]"},
		"half of a pair":                      {`\ud83dsecret\u002d1\ude80`, []string{"secret-1"}, `\ud83d[removed]\ude80`},
		"pair in the wrong order":             {`\ude80\ud83d secret\u002d1`, []string{"secret-1"}, `\ude80\ud83d [removed]`},
		"escapes that are none":               {`\u12 %4 %zz &; &#; &nothing; &amp secret\u002d1`, []string{"secret-1"}, `\u12 %4 %zz &; &#; &nothing; &amp [removed]`},
		"signs in front of the secret":        {`%secret%2d1 &secret&#45;1 %4%secret%2d1`, []string{"secret-1"}, `%[removed] &[removed] %4%[removed]`},
		"bytes that are not UTF-8":            {"\xff%ffsecret%2d1\xff", []string{"secret-1"}, "\xff%ff[removed]\xff"},
		"secret that is not UTF-8":            {"\xffsecret \xff%73ecret", []string{"\xffsecret\x20"}, "[removed]\xff%73ecret"},
		"text like the marker":                {"[removed] & secret-1", []string{"secret-1"}, "[removed] & [removed]"},
		"escapes of an address inside a page": {"a%26#x73;ecret-1", []string{"secret-1"}, "a[removed]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, Remove(tt.text, tt.secrets...))
		})
	}
}

func TestRemoveWord(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, code, want string }{
		"no code":                         {"code 123456 & more", "", "code 123456 & more"},
		"no text":                         {"", "123456", ""},
		"whole text":                      {"123456", "123456", "[removed]"},
		"between spaces":                  {"code 123456 is wrong", "123456", "code [removed] is wrong"},
		"one character":                   {"4 of 404, code 4", "4", "[removed] of 404, code [removed]"},
		"twice, one space between":        {"123456 123456", "123456", "[removed] [removed]"},
		"part of a number":                {"id 1234567, id 0123456", "123456", "id 1234567, id 0123456"},
		"part of a word":                  {"x123456, 123456x, X123456", "123456", "x123456, 123456x, X123456"},
		"beside an underscore":            {"code_123456_", "123456", "code_[removed]_"},
		"beside letters of other scripts": {"验证码123456错误", "123456", "验证码[removed]错误"},
		"number, then the code":           {"0123456 123456", "123456", "0123456 [removed]"},
		"word that overlaps itself":       {"1-1-1", "1-1", "[removed]"},
		"in quotes":                       {`{"passcode":"123456"}`, "123456", `{"passcode":"[removed]"}`},
		"in quotes in quotes":             {`{"m":"{\"passcode\":\"123456\"}"}`, "123456", `{"m":"{\"passcode\":\"[removed]\"}"}`},
		"after a quoted line break":       {`code\n123456\n`, "123456", `code\n[removed]\n`},
		"with escapes":                    {`"\u0031\u00323456"`, "123456", `"[removed]"`},
		"with escapes, part of a number":  {`"\u00301\u00323456"`, "123456", `"\u00301\u00323456"`},
		"in a query":                      {"passcode%3D123456%26x", "123456", "passcode%3D[removed]%26x"},
		"part of a number in a query":     {"id%3D1234567%26x", "123456", "id%3D1234567%26x"},
		"start at the end":                {"code 12345", "123456", "code 12345"},
		"long code that is cut off":       {"code 12345678", "123456789", "code [removed]"},
		"long code, part of a number":     {"code 012345678", "123456789", "code 012345678"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, RemoveWord(tt.text, tt.code))
		})
	}
}

// Not parallel: other tests would allocate.
func TestTextsWithoutSignsCostNothing(t *testing.T) {
	text := strings.Repeat("no escapes in this text, not one + ", 1000)
	token, password := strings.Repeat("MIIToken+/=", 500), "correct-horse"
	allocations := testing.AllocsPerRun(10, func() {
		if Remove(text, token, password, "x") != text || RemoveWord(text, "123456") != text {
			t.Error("the text has changed")
		}
	})
	require.Zero(t, allocations)
}

// hostile are texts that make searches slow: repetition, signs only, nested and broken escapes.
var hostile = map[string]string{
	"one letter":           "a",
	"almost the secret":    strings.Repeat("a", 4999) + "b",
	"backslashes":          `\`,
	"escaped letters":      `\u0061`,
	"broken escapes":       `\u006\u006`,
	"halves of pairs":      `\ud83d`,
	"percent signs":        "%",
	"percent of percent":   "%25",
	"broken percent":       "%a%a",
	"letters in percent":   "%61",
	"ampersands":           "&",
	"ampersand of itself":  "&amp;",
	"names without an end": "&aaaaaaaaaaaaaaaa",
	"numbers":              "&#97;",
	"all of it":            `\\\\\\\\u0025\\26amp%3Baaaa&#97;%2561`,
	"a little of it":       strings.Repeat("a", 1000) + `\\\\\\\\%252561&amp;amp;`,
}

// The work is counted: how much text is decoded, and how often the search goes back in the secret.
func TestWorkIsLinear(t *testing.T) {
	t.Parallel()
	const size, maxViews = 1 << 17, (maxQuoted + 1) * 7 // nothing, one or two of two kinds
	token := strings.Repeat("a", 5000)
	for name, piece := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Repeat(piece, size/len(piece)+1)[:size]
			n := newNeedle(token, len(text))
			views := 0
			explore(text, func(v *view) {
				views++
				require.LessOrEqual(t, len(v.text), len(text))
				require.LessOrEqual(t, len(v.steps), len(text))
				matched, back := 0, 0
				for i := range len(v.text) {
					for next := matched; next > 0 && (next == len(token) || token[next] != v.text[i]); back++ {
						if next = n.borders[next]; back > len(v.text) {
							t.Fatal("the search goes back too often")
						}
					}
					matched = n.advance(matched, v.text[i])
				}
				bounds, _ := n.find(v.text)
				require.LessOrEqual(t, len(bounds), 2+2*len(v.text)/len(token))
			})
			require.LessOrEqual(t, views, maxViews)
		})
	}
}

func TestHostileTextsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, piece := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Repeat(piece, 1<<17/len(piece)) + "."
			for _, secret := range []string{secrets["usual"], strings.Repeat("a", 4999) + "c", strings.Repeat("a", 6000) + `\\`} {
				require.Equal(t, text, Remove(text, secret))
			}
		})
	}
}

// FuzzRemove spells a text with a secret in it and requires that no decoding of the result has the secret,
// and that a text without its start stays as it is.
func FuzzRemove(f *testing.F) {
	for _, secret := range secrets {
		f.Add("bad header: , says the gateway", secret, uint16(12), uint8(9), uint8(3), uint8(3))
	}
	f.Add(`\u00`, `\\\\\\\\`, uint16(2), uint8(1), uint8(9), uint8(4))
	f.Add(`%4&am`, `1bcdef%2`, uint16(2), uint8(0), uint8(12), uint8(0))
	f.Fuzz(func(t *testing.T, text, secret string, at uint16, quoting, escaping, twice uint8) {
		if len(text) > 100 || len(secret) > 100 || !utf8.ValidString(text) || !utf8.ValidString(secret) {
			t.Skip("other texts cannot be spelled in JSON, or not fast")
		}
		if strings.ContainsFunc(secret, func(r rune) bool { return r == 0 || 0x80 <= r && r < 0xa0 }) {
			t.Skip("HTML has no numbers for such characters")
		}
		if len(secret) < MinLength || strings.ContainsAny(secret, "[]") {
			t.Skip("the marker itself may be a part of such a secret")
		}
		place := int(at) % (len(text) + 1)
		for !utf8.ValidString(text[:place]) {
			place--
		}
		spell := func(s string) string {
			for _, choice := range []uint8{escaping, twice} {
				if i := int(choice) % (len(escapings) + 1); i > 0 {
					s = escapings[i-1].spell(s)
				}
			}
			depth, kind := int(quoting)%(maxQuoted+1), int(quoting)/(maxQuoted+1)%len(quotings)
			for range depth {
				s = quotings[kind].spell(s)
			}
			return s
		}
		got := Remove(spell(text[:place]+secret+text[place:]), secret)
		require.Contains(t, got, marker)
		if !strings.ContainsAny(secret[len(secret)-2:], `\%&`) { // else the rest may read as an escape, with the secret in it by chance
			for _, reading := range readings(got) {
				require.NotContains(t, folded(reading), folded(secret))
			}
		}
		for _, unspelled := range []string{text, spell(text)} {
			mayChange := false
			for _, reading := range readings(unspelled) {
				mayChange = mayChange || strings.Contains(folded(reading), folded(secret[:MinLength]))
			}
			if !mayChange {
				require.Equal(t, unspelled, Remove(unspelled, secret))
			}
		}
	})
}
