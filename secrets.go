package codeartsbuild

import (
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// redact removes the secrets of the request from a text that came back.
func (c *call) redact(ans *answer, text string) string {
	if text == "" {
		return ""
	}
	text = removeSecret(text, ans.token.Value())
	if ans.key.usable() {
		secret, securityToken := ans.key.secrets()
		text = removeSecret(removeSecret(removeSecret(text, secret), securityToken), ans.signature)
	}
	for _, secret := range c.secrets {
		text = removeSecret(text, secret)
	}
	return text
}

// removeSecret also finds the spellings in which JSON quotes the secret, JSON inside JSON included, those of
// addresses and of HTML, and the start of one with which the text ends, since an answer may be cut off.
func removeSecret(text, secret string) string {
	if secret == "" {
		return text
	}
	text = strings.ReplaceAll(text, secret, removed)
	if n := cutSecret(text, secret); n > 0 {
		text = text[:len(text)-n] + removed
	}
	if !mayBeSpelled(text) {
		return text
	}
	for depth := 0; depth <= maxQuotes; depth++ {
		quoted := func(text string) (rune, int) { return quotedRune(text, depth) }
		text = removeSpelled(text, secret, quoted)
		if strings.IndexByte(text, '%') >= 0 || strings.Contains(text, "0025") {
			text = removeSpelled(text, secret, percentRunes(quoted))
		}
		if strings.IndexByte(text, '&') >= 0 || strings.Contains(text, "0026") {
			text = removeSpelled(text, secret, entityRunes(quoted))
		}
		if strings.IndexByte(text, '\\') < 0 { // nothing that JSON has quoted
			break
		}
	}
	return text
}

// mayBeSpelled reports whether a text holds what each spelling needs. It is asked of every error, and most
// hold nothing of the kind.
func mayBeSpelled(text string) bool {
	return strings.IndexByte(text, '\\') >= 0 || strings.IndexByte(text, '%') >= 0 || strings.IndexByte(text, '&') >= 0
}

// cutSecret is how much of the start of the secret the text ends with; 0 if that tells nothing.
func cutSecret(text, secret string) int {
	if len(text) < minCutSecret || !strings.Contains(secret, text[len(text)-minCutSecret:]) {
		return 0
	}
	for n := min(len(secret)-1, len(text)); n >= minCutSecret; n-- {
		if strings.HasSuffix(text, secret[:n]) {
			return n
		}
	}
	return 0
}

const (
	removed      = "[removed]"
	minCutSecret = 8 // how much of a secret's start tells something of it
)

// maxQuotes is how many JSON strings a secret may be inside of: the body, a message in it that quotes the
// request, and a value in that.
const maxQuotes = 3

// A runeReader reads the character that a text starts with, in some spelling. The size is 0 where the text
// ends within it.
type runeReader func(text string) (r rune, size int)

// removeSpelled finds the secret where read reads it.
func removeSpelled(text, secret string, read runeReader) string {
	var b strings.Builder
	rest := text
	for i := 0; i < len(rest); {
		n := spells(rest[i:], secret, read)
		if n == 0 {
			i++
			continue
		}
		b.WriteString(rest[:i] + removed)
		rest, i = rest[i+n:], 0
	}
	if len(rest) == len(text) {
		return text
	}
	return b.String() + rest
}

// spells is the length of the start of text that spells the secret, or, where the text ends there, enough of
// its start to tell something; else 0.
func spells(text, secret string, read runeReader) int {
	at := 0
	for i, want := range secret {
		got, n := read(text[at:])
		switch {
		case n == 0 && i >= minCutSecret:
			return len(text)
		case n == 0 || got != want:
			return 0
		}
		at += n
	}
	return at
}

// quotedRune is a runeReader of what JSON has quoted depth times.
func quotedRune(text string, depth int) (r rune, size int) {
	if depth == 0 {
		return utf8.DecodeRuneInString(text)
	}
	if r, size = quotedRune(text, depth-1); r != '\\' || size == 0 {
		return r, size
	}
	r, n := quotedRune(text[size:], depth-1)
	switch size += n; {
	case n == 0:
		return 0, 0
	case r != 'u':
		if i := strings.IndexRune("bfnrt", r); i >= 0 {
			r = rune("\b\f\n\r\t"[i])
		}
		return r, size
	}
	r = 0
	for range 4 {
		digit, n := quotedRune(text[size:], depth-1)
		if n == 0 {
			return 0, 0
		}
		value, _ := strconv.ParseUint(string(digit), 16, 8) // what is no digit spells nothing that is looked for
		r, size = r<<4|rune(value), size+n
	}
	if r >= 0xd800 && r < 0xdc00 { // the first of a pair
		second, n := quotedRune(text[size:], depth)
		return utf16.DecodeRune(r, second), size + n
	}
	return r, size
}

// percentRunes reads what addresses spell, in the characters of read.
func percentRunes(read runeReader) runeReader {
	return func(text string) (rune, int) {
		var b [utf8.UTFMax]byte
		at := 0
		for n := range b {
			value, size, ok := escapedByte(read, text[at:])
			if !ok {
				break
			}
			if size == 0 {
				return 0, 0
			}
			b[n] = value
			if at += size; utf8.FullRune(b[:n+1]) {
				r, _ := utf8.DecodeRune(b[:n+1])
				return r, at
			}
		}
		if at == 0 {
			return read(text)
		}
		return utf8.RuneError, at
	}
}

// escapedByte reads the likes of %41. The size is 0 where the text ends within it, and ok is false for
// anything else.
func escapedByte(read runeReader, text string) (value byte, size int, ok bool) {
	for i := range 3 {
		r, n := read(text[size:])
		digit := strings.IndexRune("0123456789abcdef", unicode.ToLower(r))
		switch {
		case n == 0:
			return 0, 0, true
		case i == 0 && r != '%', i > 0 && digit < 0:
			return 0, 0, false
		case i > 0:
			value = value<<4 | byte(digit)
		}
		size += n
	}
	return value, size, true
}

// maxEntity is how long the spelling of a character in HTML is at most, of those that secrets have.
const maxEntity = 10

// entityRunes reads what HTML spells, in the characters of read.
func entityRunes(read runeReader) runeReader {
	return func(text string) (rune, int) {
		first, size := read(text)
		if first != '&' || size == 0 {
			return first, size
		}
		entity, at := "&", size
		for len(entity) < maxEntity {
			r, n := read(text[at:])
			if n == 0 {
				return 0, 0
			}
			if r >= utf8.RuneSelf || !isAlphanumeric(string(r), "#;") {
				break
			}
			if entity, at = entity+string(r), at+n; r == ';' {
				if plain := []rune(html.UnescapeString(entity)); len(plain) == 1 {
					return plain[0], at
				}
				break
			}
		}
		return first, size
	}
}
