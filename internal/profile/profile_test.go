package profile_test

import (
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/profile"
)

func TestSpellings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, ak, sk string }{
		"plain":                         {"[basic]\nak=A\nsk=B", "A", "B"},
		"spaces and tabs":               {"  [ basic ]  \n\tak \t=  A \n sk\t:\tB\t\n", "A", "B"},
		"Windows":                       {"\ufeff[basic]\r\nak = A\r\nsk = B\r\n", "A", "B"},
		"comments":                      {"# c\n; c\n[basic] # c\nak = A # c = d\nsk = B\t; c\n#sk = C\n", "A", "B"},
		"comment after the section":     {"[basic]# comment\nak=A\nsk=B\n", "A", "B"},
		"other comment after it":        {"[basic] ; comment\nak=A\nsk=B\n", "A", "B"},
		"both signs without a blank":    {"[basic];# comment\nak=A\nsk=B\n", "A", "B"},
		"comment with brackets":         {"[basic]#[other]\nak=A\nsk=B\n", "A", "B"},
		"comment after another section": {"[other]# comment\nak=O\n[ basic ]\t; comment ]\nak=A\nsk=B\n", "A", "B"},
		"bracket in a name":             {"[basic]x]\nak=O\n[[basic]]\nak=P\n[basic]\nak=A\nsk=B\n", "A", "B"},
		"quotes":                        {"[basic]\nak = \"A\"\nsk = 'B' ; c\n", "A", "B"},
		"backquotes":                    {"[basic]\nak = `A`\nsk = ` B `\n", "A", " B "},
		"a quote that is a value":       {"[basic]\nak = \"\nsk = 'B\n", "\"", "'B"},
		"equals signs and hashes":       {"[basic]\nak = A==\nsk = B#;=\n", "A==", "B#;="},
		"brackets in a value":           {"[basic]\nak = [A]\nsk = ]#B\n", "[A]", "]#B"},
		"upper case":                    {"[basic]\nAK = A\nSk = B\n", "A", "B"},
		"sections around it":            {"x=y\n[global]\nak=G\nsk=G\nak=H\n[basic]\nak=A\n[other]\nak=O\n[basic]\nsk=B\n", "A", "B"},
		"another section only":          {"[global]\nak=G\nsk=G\n[Basic]\nak=H\n", "", ""},
		"empty values":                  {"[basic]\nak=\nsk = # none\n", "", ""},
		"nothing":                       {"", "", ""},
		"a comment without an end":      {"[basic]\nak=A\nsk=B\n#", "A", "B"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := profile.Parse("file", tt.text)
			require.NoError(t, err)
			require.NotNil(t, got)
			require.Equal(t, tt.ak, got["ak"])
			require.Equal(t, tt.sk, got["sk"])
		})
	}
}

const (
	openSection = "a section must end with a closing bracket"
	strayLine   = "a line must be a section, a comment, or a key with a value"
	doubleKey   = "a key of [basic] must not be given twice"
)

func TestErrorNamesFileAndLineOnly(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"section without an end":         {"[basic", "home/keys, line 1: " + openSection},
		"comment inside the brackets":    {"# c\n[basic # c]\nak=secret", "home/keys, line 2: " + openSection},
		"text after the section":         {"[basic] secret\n", "home/keys, line 1: " + openSection},
		"line without a value":           {"[basic]\n\n\nsecret\n", "home/keys, line 4: " + strayLine},
		"line without a key":             {"[basic]\r\n=secret\r\n", "home/keys, line 2: " + strayLine},
		"such a line in another section": {"[other]\nsecret\n", "home/keys, line 2: " + strayLine},
		"key given twice":                {"[basic]\nsk=secret\nSK : secret\n", "home/keys, line 3: " + doubleKey},
		"key given twice, two sections":  {"[basic]\nsk=secret\n[other]\nsk=o\n[basic]# c\nsk=secret", "home/keys, line 6: " + doubleKey},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values, err := profile.Parse("home/keys", tt.text)
			require.EqualError(t, err, tt.want)
			require.Nil(t, values)
		})
	}
}

// FuzzParse requires of any text: it is read, or the error names a line that exists and one of three rules;
// and what was read can be written and read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"[basic]\nak = AK\nsk = secret\n", "[basic\n", "\ufeff[basic]\r\nak:x # y\r\n", "ak", "=",
		"[basic]\nak='\nak=", "[]]\n\x00=\x00", "[basic]# c\nsk=B#;=\n[basic];]\nSK=1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := profile.Parse("file", text)
		if err != nil {
			place, rule, _ := strings.Cut(err.Error(), ": ")
			line, convErr := strconv.Atoi(strings.TrimPrefix(place, "file, line "))
			require.NoError(t, convErr)
			require.True(t, line >= 1 && line <= strings.Count(text, "\n")+1)
			require.Contains(t, []string{openSection, strayLine, doubleKey}, rule)
			return
		}
		written := "[basic]# again\n"
		for key, value := range values {
			require.Equal(t, strings.TrimSpace(key), key)
			require.NotContains(t, key+value, "\n")
			if strings.HasPrefix(key, "\ufeff") || strings.ContainsFunc(key+value, unicode.IsSpace) {
				return // quoted blanks, which no key has
			}
			written += key + "=\"" + value + "\"\n"
		}
		again, err := profile.Parse("file", written)
		require.NoError(t, err)
		require.Equal(t, values, again)
	})
}
