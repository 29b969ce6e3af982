package codeartsbuild

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// oneLine folds white space and control characters into single spaces and cuts the text to limit bytes.
func oneLine(text string, limit int) string {
	if len(text) < limit && isHeaderValue(text) && !strings.Contains(text, "  ") {
		return strings.TrimSpace(text)
	}
	var b strings.Builder
	writeWord(&b, text, limit)
	return b.String()
}

// writeWord appends a text as oneLine returns it.
func writeWord(b *strings.Builder, text string, limit int) {
	end, space, started := b.Len()+limit, false, false
	for _, r := range text {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			space = true
			continue
		}
		parted := space && started
		room := utf8.RuneLen(r) + len("…")
		if parted {
			room++
		}
		if b.Len()+room > end {
			b.WriteString("…")
			return
		}
		if parted {
			b.WriteByte(' ')
		}
		space, started = false, true
		b.WriteRune(r)
	}
}

// quoted shows a rejected value in an error, so that a line break, a byte order mark or a letter of another
// script is seen.
func quoted(value string) string {
	const most = 80
	if len(value) <= most {
		return strconv.QuoteToASCII(value)
	}
	return strconv.QuoteToASCII(value[:most]) + "…"
}

// isHeaderValue reports whether text is printable ASCII. This client puts nothing else into a header.
func isHeaderValue(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// isTrimmed reports whether a text is a header value that arrives as it is: HTTP cuts off spaces at its ends.
func isTrimmed(text string) bool { return isHeaderValue(text) && strings.Trim(text, " ") == text }

// isWord reports whether text is a header value without spaces and commas, as ids, keys and tokens are.
func isWord(text string) bool { return isHeaderValue(text) && !strings.ContainsAny(text, " ,") }

// errorText is the text of an error from outside this package.
func errorText(err error) string { return oneLine(withoutAddress(err).Error(), 400) }

// withoutAddress takes an error out of a *url.Error, which prints the address with its query. An error that
// wraps a *url.Error prints it too, and is dropped as well.
func withoutAddress(err error) error {
	for urlErr := (*url.Error)(nil); errors.As(err, &urlErr); {
		err = urlErr.Err
	}
	return err
}
