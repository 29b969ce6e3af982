package redact

import "strings"

// mayHold reports whether a search can find the secret in text as it is spelled there.
func mayHold(text, secret string) bool {
	return strings.Contains(text, secret) ||
		len(text) >= MinLength && strings.Contains(secret, text[len(text)-MinLength:]) ||
		strings.IndexByte(secret, ' ') >= 0 && strings.IndexByte(text, '+') >= 0
}

// A needle is a secret, prepared for the search of Knuth, Morris and Pratt: it reads each byte of a text once,
// even if the secret repeats itself.
type needle struct {
	secret    string
	borders   []int // for each n, the length of the longest text, below n, that secret[:n] begins and ends with
	wholeWord bool
}

// newNeedle prepares the search in texts of at most textLength bytes. Of a longer secret such a text can only
// hold the start, so the rest is not prepared.
func newNeedle(secret string, textLength int) needle {
	secret = strings.ReplaceAll(secret[:min(len(secret), textLength+1)], "+", " ")
	n := needle{secret: secret, borders: make([]int, len(secret)+1)}
	for i := 1; i < len(secret); i++ {
		n.borders[i+1] = n.advance(n.borders[i], secret[i])
	}
	return n
}

// advance reads a byte after matched bytes of the secret, and returns how many match with it.
func (n *needle) advance(matched int, b byte) int {
	if b == '+' {
		b = ' '
	}
	for matched > 0 && (matched == len(n.secret) || n.secret[matched] != b) {
		matched = n.borders[matched]
	}
	if n.secret[matched] == b {
		matched++
	}
	return matched
}

// find returns where the secret is in text: the start and the end of each place, in order; places that
// overlap or touch count as one. isCutOff reports that the last place is where the text ends within the secret.
func (n *needle) find(text string) (bounds []int, isCutOff bool) {
	if !mayHold(text, n.secret) {
		return nil, false
	}
	matched := 0
	for i := range len(text) {
		matched = n.advance(matched, text[i])
		if start := i + 1 - matched; matched == len(n.secret) && n.fits(text, start, i+1) {
			bounds = join(bounds, start, i+1)
		}
	}
	start := len(text) - matched
	if isCutOff = MinLength <= matched && matched < len(n.secret) && n.fits(text, start, len(text)); isCutOff {
		bounds = join(bounds, start, len(text))
	}
	return bounds, isCutOff
}

func join(bounds []int, start, end int) []int {
	if last := len(bounds) - 1; last > 0 && start <= bounds[last] {
		bounds[last] = end
		return bounds
	}
	return append(bounds, start, end)
}

// fits reports whether text[start:end] is a whole word, if it has to be.
func (n *needle) fits(text string, start, end int) bool {
	return !n.wholeWord || (start == 0 || !isWord(text[start-1])) && (end == len(text) || !isWord(text[end]))
}

func isWord(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}
