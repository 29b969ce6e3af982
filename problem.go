package codeartsbuild

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// A problem is the code and the message of a failure.
type problem struct{ code, message string }

// A report holds the members of a response that can tell of a failure, as they are in the body.
type report struct {
	codes           [3][]byte // error_code, err_code, code
	messages        [5][]byte // error_msg, message, reason, err_msg, title
	err             []byte    // error: a text or an object
	nested          [2][]byte // errors, details
	status, success []byte
	record          bool // it names a build, so that status is that of the build
	silent          bool // it has none of these members
}

// readReport reads the members of a body that is valid JSON. It copies nothing.
func readReport(body []byte) (r report) {
	r.silent = true
	for m := loosejson.Members(body); m.Next(); {
		switch string(m.Name) {
		case "error_code":
			r.codes[0] = m.Value
		case "err_code":
			r.codes[1] = m.Value
		case "code":
			r.codes[2] = m.Value
		case "error_msg":
			r.messages[0] = m.Value
		case "message":
			r.messages[1] = m.Value
		case "reason":
			r.messages[2] = m.Value
		case "err_msg":
			r.messages[3] = m.Value
		case "title":
			r.messages[4] = m.Value
		case "error":
			r.err = m.Value
		case "errors":
			r.nested[0] = m.Value
		case "details":
			r.nested[1] = m.Value
		case "status":
			r.status = m.Value
		case "success":
			r.success = m.Value
		case "build_no", "build_record_id", "number":
			r.record = true
		default:
			continue
		}
		r.silent = false
	}
	return r
}

// failed reports whether a success says that it is a failure. The word "success" in status outweighs a text
// in error, and a code of 0 outweighs a message, since successes have those.
func (r *report) failed() bool {
	if r.silent {
		return false
	}
	for _, word := range [...]string{"error", "fail", "failed"} {
		if loosejson.Is(r.status, word) && !r.record {
			return true
		}
	}
	zero := false
	for _, code := range r.codes[:2] {
		isZero := loosejson.Is(code, "0")
		zero = zero || isZero
		if !isZero && !loosejson.IsBlank(code) {
			return true
		}
	}
	for _, value := range [...][]byte{r.err, r.nested[0]} {
		if !loosejson.IsBlank(value) && (value[0] != '"' || !loosejson.Is(r.status, "success")) {
			return true
		}
	}
	hasMessage := !loosejson.IsBlank(r.messages[0]) || !loosejson.IsBlank(r.messages[3])
	return (hasMessage && !zero) || loosejson.Is(r.success, "false") ||
		isServiceCode(r.codes[2]) || (!loosejson.IsBlank(r.messages[1]) && isErrorStatus(r.codes[2]))
}

// isErrorStatus tells the status of an error, which gateways repeat in the body, from other numbers.
func isErrorStatus(value []byte) bool {
	status, err := strconv.Atoi(loosejson.Text(value))
	return err == nil && status >= 400 && status < 600
}

// isServiceCode tells a code of the service ("CB.00060200") from data in a member of the same name.
func isServiceCode(value []byte) bool {
	if len(value) > 64 {
		return false
	}
	prefix, tail, ok := strings.Cut(loosejson.Text(value), ".")
	if !ok || len(tail) < 4 {
		return false
	}
	inCapitals := strings.ToUpper(prefix) == prefix && strings.ToLower(prefix) != prefix // a number has no letters
	return inCapitals && isDigits(tail[len(tail)-4:])
}

// problem returns the first code and the first message, in a fixed order. If one is missing, it looks depth
// levels deeper: in error, errors and details.
func (r *report) problem(depth int) problem {
	messages := [...][]byte{r.messages[0], r.messages[1], r.messages[2], r.messages[3], r.err, r.messages[4]}
	nested := [...][]byte{nil, r.nested[0], r.nested[1]}
	if inner := unwrapText(r.err); len(inner) > 0 && inner[0] == '{' && json.Valid(inner) {
		messages[4], nested[0] = nil, inner
	}
	p := problem{code: firstCode(r.codes[:]), message: firstText(messages[:])}
	for _, value := range nested {
		if depth == 0 || (p.code != "" && p.message != "") {
			break
		}
		deeper := readReport(loosejson.First(value))
		inner := deeper.problem(depth - 1)
		p.code, p.message = cmp.Or(p.code, inner.code), cmp.Or(p.message, inner.message)
	}
	return p
}

// problemDepth is how deep the service was seen to nest an error.
const problemDepth = 2

// firstCode is the first text that can be a code: 0 and a bool stand where there is no code.
func firstCode(values [][]byte) string {
	for _, value := range values {
		if text := startText(value); text != "" && text != "0" && !loosejson.Is(value, "true") && !loosejson.Is(value, "false") {
			return text
		}
	}
	return ""
}

func firstText(values [][]byte) string {
	for _, value := range values {
		if text := startText(value); text != "" {
			return text
		}
	}
	return ""
}

// startText is the start of a text, which is cut to far less. A success that tells of a failure can be large.
func startText(value []byte) string { return loosejson.Text(value[:min(len(value), maxErrorResponse)]) }

// maxWrapped is about the limit of what unwrapText copies.
const maxWrapped = 1 << 20

// unwrapText undoes the JSON strings into which some responses are packed, and a byte order mark.
func unwrapText(body []byte) []byte {
	if len(body) > 0 && body[0] == '{' { // as nearly always
		return body
	}
	body = trimBlank(body)
	for range 3 {
		if len(body) == 0 || body[0] != '"' || len(body) > maxWrapped || !json.Valid(body) {
			break
		}
		body = trimBlank([]byte(loosejson.Text(body)))
	}
	return body
}

// trimBlank removes white space and a byte order mark.
func trimBlank(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
}

// snippet is the readable start of a body that is not JSON: the title of a page, or its text.
func snippet(body string) string {
	text := body[:min(len(body), 2<<10)]
	if !strings.HasPrefix(text, "<") {
		return oneLine(text, 160)
	}
	if title := pageTitle(text); title != "" {
		return title
	}
	var b strings.Builder
	for rest := text; rest != ""; {
		before, after, _ := strings.Cut(rest, "<")
		b.WriteString(before + " ")
		_, rest, _ = strings.Cut(after, ">")
	}
	return oneLine(b.String(), 160)
}

// pageTitle is the title of an HTML page, or "".
func pageTitle(text string) string {
	lower := strings.ToLower(text)
	i := strings.Index(lower, "<title>")
	if i < 0 || len(lower) != len(text) {
		return ""
	}
	title, _, ok := strings.Cut(text[i+len("<title>"):], "</")
	if !ok {
		return ""
	}
	return oneLine(title, 160)
}
