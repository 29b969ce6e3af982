package codeartsbuild

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// A logPiece is a piece of a log as the service sends it, from one offset to another. An offset that the response
// does not have is nil. Whether offsets count bytes or characters is not documented.
type logPiece struct {
	Text    string `json:"log"`
	Start   *int64 `json:"start_offset"`
	End     *int64 `json:"end_offset"`
	HasMore bool   `json:"has_more"`

	requestID string
	attempts  int
}

// unexpected is the error of a piece that cannot be used.
func (p *logPiece) unexpected(format string, args ...any) error {
	return &APIError{
		StatusCode: http.StatusOK, ErrorMsg: fmt.Sprintf(format, args...), RequestID: p.requestID, Operation: opDownloadBuildRealTimeLog.name,
		Attempts: p.attempts, details: details{kinds: unexpectedKind},
	}
}

// restarted is the error of a log that ends before the offset that was asked for.
func (p *logPiece) restarted(end, next int64) error {
	return p.unexpected("the log ends at offset %d, and offset %d was asked for: the log was begun anew", end, next)
}

// span names the offsets of a piece in an error.
func (p *logPiece) span() string {
	return "from " + offsetText(p.Start) + " to " + offsetText(p.End)
}

func offsetText(offset *int64) string {
	if offset == nil {
		return "an unknown offset"
	}
	return fmt.Sprint(*offset)
}

// A logQuery asks for a piece of a log in the only way that all editions of the documentation allow.
type logQuery struct {
	StartOffset int64  `url:"start_offset"`
	EndOffset   *int64 `url:"end_offset,omitempty"` // 0: to the end
	Size        int    `url:"size"`                 // lines
	Sort        string `url:"sort,omitempty"`       // DESC: from the end; "": not said
}

const logPieceLines = 1000

// A logPlace is where the reading of a log has come to. It decides which piece to ask for next, and which part of a
// piece is new. It trusts nothing but the response: a piece is placed by its own offsets.
type logPlace struct {
	next  int64  // the end of the text that was taken
	start int64  // of the last piece with new text
	since int    // bytes of the text taken from start on
	tail  []byte // the end of the text that was taken

	cursor     *logSpan // ask for the piece after this one; nil: ask from next on
	noCursor   bool     // the service does not read two offsets that way
	omitEnd    bool     // ask without end_offset: a service that takes 0 for an end returns nothing
	omitHelped bool     // always

	suspect  error // of the last piece that did not fit, until one has fitted
	suspects int   // pieces that did not fit
}

type logSpan struct{ start, end int64 }

const (
	maxTail     = 16 << 10 // bytes of the taken text, with which a piece that overlaps is compared
	maxSuspects = 3        // a service that copies its logs can lag for a while
)

// query asks for the next piece.
func (p *logPlace) query() logQuery {
	q := logQuery{StartOffset: p.next, EndOffset: new(int64), Size: logPieceLines}
	switch {
	case p.cursor != nil:
		q.StartOffset, *q.EndOffset = p.cursor.start, p.cursor.end
	case p.omitEnd:
		q.EndOffset = nil
	}
	return q
}

// take returns the part of a piece that is new. It is an error if several pieces do not fit: if the place of a piece
// cannot be told, if there is a gap before it, or if the log was begun anew.
func (p *logPlace) take(piece *logPiece) (text string, err error) {
	if piece.Text == "" {
		err = p.takeNothing(piece)
	} else {
		text, err = p.takeText(piece)
	}
	if err == nil {
		return text, nil
	}
	p.suspect = err
	if p.suspects++; p.suspects < maxSuspects {
		return "", nil
	}
	return "", err
}

// fitted forgets the pieces that did not fit.
func (p *logPlace) fitted() { p.suspect, p.suspects = nil, 0 }

func (p *logPlace) takeNothing(piece *logPiece) error {
	p.omitEnd = p.omitHelped || piece.HasMore && p.cursor == nil && !p.omitEnd
	if piece.HasMore { // perhaps two offsets were read as a range
		p.cursor = nil
	}
	switch {
	case piece.End == nil || *piece.End <= 0 || *piece.End > p.next: // 0 stands for no offset as well
	case *piece.End == p.next:
		p.fitted()
	default:
		return piece.restarted(*piece.End, p.next)
	}
	return nil
}

func (p *logPlace) takeText(piece *logPiece) (string, error) {
	at, ok := p.locate(piece)
	if !ok {
		return "", piece.unexpected("the place of a piece of the log cannot be told: it goes %s, and offset %d was asked for", piece.span(), p.next)
	}
	text := piece.Text
	switch {
	case at.start > p.next:
		return "", piece.unexpected("the log has a gap: a piece begins at offset %d, and offset %d was asked for", at.start, p.next)
	case at.end <= p.next:
		return "", p.takeSeen(piece, at)
	case at.start < p.next:
		if text, ok = p.cut(text, at); !ok {
			return "", piece.unexpected("a piece of the log from offset %d to %d does not fit the text before offset %d", at.start, at.end, p.next)
		}
	}
	p.advance(piece.Text, text, at)
	return text, nil
}

// takeSeen looks at a piece that ends where the text that was taken ends, or before.
func (p *logPlace) takeSeen(piece *logPiece, at logSpan) error {
	switch {
	case at.end == p.next && !p.follows(piece.Text):
		return piece.unexpected("the text of the log before offset %d has changed: the log was begun anew", at.end)
	case p.cursor != nil && at.end <= p.cursor.end:
		p.cursor, p.noCursor = nil, true
		return nil
	case p.cursor != nil:
		p.cursor = &at
		p.fitted()
		return nil
	case !p.noCursor && piece.Start != nil:
		p.cursor = &at
	}
	if at.end < p.next {
		return piece.restarted(at.end, p.next)
	}
	p.fitted()
	return nil
}

// advance moves the place behind a piece, whose new part is text.
func (p *logPlace) advance(whole, text string, at logSpan) {
	if p.cursor != nil || (at.start < p.next && at.start == p.start && !p.noCursor) {
		p.cursor = &at
	}
	p.omitHelped = p.omitEnd
	p.next, p.start, p.since = at.end, at.start, len(whole)
	p.fitted()
	p.tail = append(p.tail, text[max(0, len(text)-maxTail):]...)
	if surplus := len(p.tail) - maxTail; surplus > 0 {
		p.tail = p.tail[:copy(p.tail, p.tail[surplus:])]
	}
}

// locate returns the offsets of a piece with text.
func (p *logPlace) locate(piece *logPiece) (at logSpan, ok bool) {
	at = logSpan{-1, -1}
	if piece.Start != nil {
		at.start = *piece.Start
	}
	if piece.End != nil {
		at.end = *piece.End
	}
	switch {
	case piece.Start == nil && piece.End != nil:
		at.start = p.startOf(piece.Text, at.end)
	case piece.End == nil && piece.Start != nil && isASCII(piece.Text):
		at.end = at.start + int64(len(piece.Text))
	}
	return at, at.start >= 0 && at.end > at.start
}

// startOf returns where a text begins of which only the end is known; -1 if that cannot be told.
func (p *logPlace) startOf(text string, end int64) int64 {
	length := end - p.next
	if length <= 0 || p.next == 0 { // seen already, or the beginning of the log
		return 0
	}
	for _, unit := range logUnits {
		if unit.length(text) == length {
			return p.next
		}
	}
	if length > int64(len(text)) { // too short to overlap
		return p.next
	}
	if len(p.tail) == 0 {
		return -1
	}
	for _, unit := range logUnits {
		start := end - unit.length(text)
		if rest, ok := unit.skip(text, p.next-start); ok && p.follows(text[:len(text)-len(rest)]) {
			return start
		}
	}
	return p.next // no part of it is the end of the taken text
}

// cut returns the part of an overlapping text that comes after the taken text.
func (p *logPlace) cut(text string, at logSpan) (rest string, ok bool) {
	for _, unit := range logUnits {
		if unit.length(text) == at.end-at.start {
			rest, ok = unit.skip(text, p.next-at.start)
			return rest, ok && p.follows(text[:len(text)-len(rest)])
		}
	}
	if at.start == p.start && p.since < len(text) && p.follows(text[:p.since]) {
		return text[p.since:], true
	}
	return p.cutByText(text)
}

// follows reports whether a text can be the end of the taken text, as far as that is known.
func (p *logPlace) follows(text string) bool {
	known := min(len(text), len(p.tail))
	return text[len(text)-known:] == string(p.tail[len(p.tail)-known:])
}

// cutByText finds the only place where a text can go on behind the taken text.
func (p *logPlace) cutByText(text string) (rest string, ok bool) {
	tail, cuts := string(p.tail), []int{}
	for i := 1; i < min(len(tail), len(text)); i++ {
		if text[:i] == tail[len(tail)-i:] {
			cuts = append(cuts, i)
		}
	}
	for from := 0; tail != "" && len(cuts) < 2; {
		i := strings.Index(text[from:], tail)
		if i < 0 {
			break
		}
		cuts = append(cuts, from+i+len(tail))
		from += i + 1
	}
	if len(cuts) != 1 || cuts[0] == len(text) {
		return "", false
	}
	return text[cuts[0]:], true
}

// isASCII reports whether the length of a text is the same in every unit.
func isASCII(text string) bool { return utf8.RuneCountInString(text) == len(text) }

// A logUnit is what offsets may count. It returns the width of a character, of which size is the number of bytes.
type logUnit func(r rune, size int) int64

var logUnits = []logUnit{
	func(_ rune, size int) int64 { return int64(size) }, // bytes
	func(rune, int) int64 { return 1 },                  // characters
	func(r rune, _ int) int64 { // characters as Java counts them
		if r > 0xFFFF {
			return 2
		}
		return 1
	},
}

func (u logUnit) length(text string) (n int64) {
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		n += u(r, size)
		text = text[size:]
	}
	return n
}

// skip returns the text behind the first n units, and whether a character begins there.
func (u logUnit) skip(text string, n int64) (rest string, ok bool) {
	for n > 0 && len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		n -= u(r, size)
		text = text[size:]
	}
	return text, n == 0
}
