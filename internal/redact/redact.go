// Package redact removes secrets from texts that came back over the network.
//
// A service or a gateway may repeat a request in an error, and spells it as its format wants. A text is
// therefore searched as it is and in each way in which it can be decoded: JSON strings up to three deep and,
// inside of those, percent-encoding and HTML up to two deep. In a query a plus sign spells a space, so the two
// count as equal.
//
// The work is linear in the length of the text, for all texts and secrets.
package redact

import "strings"

// MinLength is the length in bytes of the shortest secret that [Remove] looks for: shorter ones occur in texts
// by chance. It is also the length of the shortest start of a secret that is removed at the end of a text.
const MinLength = 8

const marker = "[removed]"

// Remove replaces the secrets in text by "[removed]", in all their spellings. If the text ends within a secret,
// because it was cut off, the start of that secret is replaced too. Secrets that overlap or touch are replaced
// together. Secrets shorter than MinLength are left alone.
func Remove(text string, secrets ...string) string {
	if !MayHold(text, secrets...) {
		return text
	}
	needles := make([]needle, 0, len(secrets))
	for _, secret := range secrets {
		if len(secret) >= MinLength {
			needles = append(needles, newNeedle(secret, len(text)))
		}
	}
	return remove(text, needles)
}

// MayHold reports whether Remove can find a secret in text. It costs little, and is false for most texts.
func MayHold(text string, secrets ...string) bool {
	spelled := maySpell(text)
	for _, secret := range secrets {
		if len(secret) >= MinLength && (spelled || mayHold(text, secret)) {
			return true
		}
	}
	return false
}

// RemoveWord replaces a one-time code of any length by "[removed]", in all its spellings, where it is a whole
// word: not beside an ASCII letter or digit.
func RemoveWord(text, code string) string {
	if code == "" || !maySpell(text) && !mayHold(text, code) {
		return text
	}
	n := newNeedle(code, len(text))
	n.wholeWord = true
	return remove(text, []needle{n})
}

// maySpell reports whether a text has one of the signs that escapes begin with. Most texts have none.
func maySpell(text string) bool {
	return strings.IndexByte(text, '\\') >= 0 || strings.IndexByte(text, '%') >= 0 || strings.IndexByte(text, '&') >= 0
}

func remove(text string, needles []needle) string {
	s := search{text: text, needles: needles}
	explore(text, s.look)
	return s.result()
}

// A search collects which parts of a text are to be removed.
type search struct {
	text    string
	needles []needle
	hidden  []bool // for each byte of text; nil while there is nothing to remove
}

// look hides the places of the needles in a view.
func (s *search) look(v *view) {
	for i := range s.needles {
		bounds, isCutOff := s.needles[i].find(v.text)
		v.locate(bounds)
		if isCutOff {
			bounds[len(bounds)-1] = len(s.text) // with an escape that is cut off
		}
		for ; len(bounds) > 0; bounds = bounds[2:] {
			s.hide(bounds[0], bounds[1])
		}
	}
}

func (s *search) hide(start, end int) {
	if s.hidden == nil {
		s.hidden = make([]bool, len(s.text))
	}
	for i := start; i < end; i++ {
		s.hidden[i] = true
	}
}

// result is the text with the marker in place of each hidden part.
func (s *search) result() string {
	if s.hidden == nil {
		return s.text
	}
	var b strings.Builder
	for start, i := 0, 0; i < len(s.text); start = i {
		for i < len(s.text) && s.hidden[i] == s.hidden[start] {
			i++
		}
		if s.hidden[start] {
			b.WriteString(marker)
		} else {
			b.WriteString(s.text[start:i])
		}
	}
	return b.String()
}
