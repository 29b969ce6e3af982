package codeartsbuild

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
)

// Do makes a call that has no method here, with the same checks, retries and errors as any other call.
//
// The path starts with one slash, is escaped, may carry a query, and is used as given; empty segments, dot segments and
// escaped slashes are rejected. For GET and HEAD, in is a struct with url tags, url.Values or nil, and the call is
// retried like any read. For other methods in is sent as JSON, and the call is retried only if the service did not
// process it, or after [WithIdempotent].
//
// Out gets the whole response: it is a pointer for encoding/json, a *[]byte for the bytes as they are, or nil. It is
// written only if Do returns nil, and an empty response leaves it as it was. A response that is not JSON is
// [ErrUnexpectedResponse], unless out is a *[]byte. A response that does not fit out is ErrUnexpectedResponse after one
// request, and never [ErrOutcomeUnknown].
//
// Errors name the call "GET /path". Logs and [OperationFromContext] use the same with * in place of each segment that
// holds an id or a number, unless [WithOperation] names the call. A path, method or input that cannot be sent is
// [ErrInvalidArgument].
func (c *Client) Do(ctx context.Context, method, path string, in, out any, opts ...CallOption) error {
	bare, _, _ := strings.Cut(path, "?")
	op := operation{name: oneLine(method+" "+bare, 120), short: oneLine(method+" "+pathLabel(bare), 120), method: method, flat: true}
	if v := reflect.ValueOf(out); out != nil && (v.Kind() != reflect.Pointer || v.IsNil()) {
		return op.named(invalid("out must be a non-nil pointer"))
	}
	if !isMethod(method) {
		return op.named(invalid("invalid HTTP method %s", quoted(method)))
	}
	call := c.newCall(&op, &wholeResponse{out})
	var err error
	if call.url, err = pathURL(c.endpoint, path); err != nil {
		return op.named(err)
	}
	return c.do(ctx, &call, nil, in, opts)
}

// pathURL returns the address of a path that the caller of Do has escaped.
func pathURL(endpoint *url.URL, path string) (*url.URL, error) {
	given, err := url.Parse(path)
	bare, _, _ := strings.Cut(path, "?")
	if err != nil || !isHeaderValue(path) || strings.ContainsAny(path, " #") || !strings.HasPrefix(path, "/") || given.EscapedPath() != bare {
		return nil, invalid("the path must be escaped and must start with exactly one slash, got %s", quoted(bare))
	}
	for segment := range strings.SplitSeq(bare[1:], "/") {
		plain := unescaped(segment)
		switch name, _, _ := strings.Cut(plain, ";"); { // servers in Java leave out the rest
		case name == "" && bare != "/":
			return nil, invalid("the path must not have empty segments, got %s", quoted(bare))
		case name == "." || name == "..":
			return nil, invalid("the path must not have the segment %s, got %s", quoted(segment), quoted(bare))
		case strings.ContainsAny(plain, "/\\"): // a signature would be about another path
			return nil, invalid("the path must not have an escaped slash, got %s", quoted(bare))
		}
	}
	if _, err := url.ParseQuery(given.RawQuery); err != nil { // a signature would not cover it
		return nil, invalid("the query must be escaped; a semicolon is %%3B")
	}
	u := *endpoint
	u.RawPath = endpoint.EscapedPath() + given.EscapedPath()
	u.Path += given.Path
	u.RawQuery, u.ForceQuery = given.RawQuery, given.ForceQuery
	return &u, nil
}

// escapings is how often a path may be escaped: proxies unescape it before the service does.
const escapings = 4

// unescaped is a segment as the last of several servers may read it.
func unescaped(segment string) string {
	for range escapings {
		plain, err := url.PathUnescape(segment)
		if err != nil || plain == segment {
			break
		}
		segment = plain
	}
	return segment
}

func isMethod(method string) bool {
	for _, r := range method {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return method != ""
}

// maxPathWord is longer than every fixed segment of the service's paths.
const maxPathWord = 24

// pathLabel replaces the segments of a path that hold an id or a number, so that the label of a metric has few values.
func pathLabel(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		version, _ := strings.CutPrefix(segment, "v")
		if len(segment) > maxPathWord || strings.ContainsAny(segment, "%0123456789") && !(i == 1 && isDigits(version)) {
			segments[i] = "*"
		}
	}
	return strings.Join(segments, "/")
}

// A wholeResponse is the out of Do.
type wholeResponse struct{ out any }

// keep stores the body if the caller wants it as it is, and reports whether that is so. An empty one changes nothing.
func (w *wholeResponse) keep(body []byte) bool {
	raw, ok := w.out.(*[]byte)
	if ok && len(body) > 0 {
		*raw = bytes.Clone(body)
	}
	return ok
}

// decodePayload leaves out as it was if the body is empty or does not fit it.
func (w *wholeResponse) decodePayload(payload []byte, _ about) error {
	if w.out == nil || len(payload) == 0 {
		return nil
	}
	fresh := reflect.New(reflect.TypeOf(w.out).Elem())
	if err := json.Unmarshal(payload, fresh.Interface()); err != nil {
		return &misfit{err}
	}
	reflect.ValueOf(w.out).Elem().Set(fresh.Elem())
	return nil
}
