package codeartsbuild

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// target puts the arguments into the path of the operation.
func (c *call) target(client *Client, args []string) error {
	path, rest, fixed := c.op.path, c.op.args, true
	for _, value := range args {
		var name string
		if before, after, ok := strings.Cut(path, "{"); ok {
			name, after, _ = strings.Cut(after, "}")
			path, fixed = before+value+after, false
		} else if len(rest) > 0 {
			name, rest = rest[0], rest[1:]
		}
		if err := checkArgument(name, value); err != nil {
			return err
		}
		switch name {
		case "job_id":
			c.job = value
		case "build_no", "build_number":
			c.build = value
		case "project_id":
			c.project = value
		}
	}
	if len(rest) > 0 || strings.Contains(path, "{") {
		return invalid("an argument is missing") // a mistake in this package, which a test of all operations finds
	}
	c.url = client.urlOf(c.op, path, fixed)
	return nil
}

// urlOf returns the address of a path. An address without arguments is made once.
func (c *Client) urlOf(op *operation, path string, fixed bool) *url.URL {
	if fixed {
		if known, ok := c.urls.Load(op); ok {
			return known.(*url.URL)
		}
	}
	u := *c.endpoint
	u.Path += path
	if u.RawPath != "" {
		u.RawPath += path
	}
	if fixed {
		c.urls.Store(op, &u)
	}
	return &u
}

// An idRule says which values an argument can have. Nothing that it accepts needs escaping.
type idRule struct {
	least, most int
	also        string // characters beside letters and digits
}

// ruleOf returns the documented rule for a placeholder. Those of endpoint_id, permission_id and id are not documented,
// except for their characters.
func ruleOf(name string) (rule idRule, ok bool) {
	switch name {
	case "job_id", "project_id", "keystore_id":
		return idRule{32, 32, ""}, true
	case "record_id", "build_flow_record_id", "build_project_id":
		return idRule{36, 36, "-"}, true
	case "id", "uuid", "endpoint_id", "permission_id":
		return idRule{1, 64, "-"}, true
	}
	return idRule{}, false
}

// checkArgument rejects a value that a placeholder of this name cannot have.
func checkArgument(name, value string) error {
	if name == "build_no" || name == "build_number" {
		return checkBuildNo(name, value)
	}
	rule, ok := ruleOf(name)
	if !ok {
		return invalid("there is no argument for %s", quoted(value)) // a mistake in this package, found by the same test
	}
	if len(value) >= rule.least && len(value) <= rule.most && isAlphanumeric(value, rule.also) {
		return nil
	}
	kinds := "letters and digits"
	if rule.also != "" {
		kinds = "letters, digits and dashes"
	}
	size := strconv.Itoa(rule.most)
	if rule.least < rule.most {
		size = "at most " + size
	}
	return invalid("%s must be an id of %s %s, got %s", name, size, kinds, quoted(value))
}

func checkBuildNo(name, value string) error {
	n, err := strconv.ParseInt(value, 10, 32)
	if err == nil && n >= 1 && isDigits(value) && value[0] != '0' {
		return nil
	}
	day, count, dotted := strings.Cut(value, ".")
	if dotted && len(day) == 8 && isDigits(day) && isDigits(count) {
		return invalid("%s must be a build number, which counts the builds of a job from 1; %s is a daily number", name, quoted(value))
	}
	return invalid("%s must be a build number, a whole number from 1 to 2147483647, got %s", name, quoted(value))
}

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

func isAlphanumeric(text, also string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return true
}

// encode puts the input into the query, the body or both, and adds what the options of the call add. Without an input
// the body has the arguments that the path lacks.
func (c *call) encode(args []string, in any, extra *additions) error {
	hasBody := c.op.method != http.MethodGet && c.op.method != http.MethodHead
	if in != nil && (!hasBody || c.op.query) {
		values, err := queryOf(in)
		if err != nil {
			return err
		}
		if err := c.addQuery(values); err != nil {
			return err
		}
	}
	if form, ok := in.(*upload); ok {
		c.upload = form
	} else if in == nil && hasBody && len(c.op.args) > 0 {
		c.body = argumentBody(c.op.args, args[len(args)-len(c.op.args):])
	} else if in != nil && hasBody && (!c.op.query || c.op.body) {
		var err error
		if c.body, err = encodeJSON(in); err != nil {
			return err
		}
		if _, own := c.out.(*wholeResponse); own && !utf8.Valid(c.body) { // raw JSON of the caller's, not of the service's
			return invalid("in must be UTF-8")
		}
	}
	if extra == nil {
		return nil
	}
	if err := c.addQuery(extra.query); err != nil {
		return err
	}
	return c.addFields(extra.fields, hasBody)
}

// argumentBody is an object of arguments. No argument that checkArgument accepts needs escaping.
func argumentBody(names, values []string) []byte {
	size := len("{")
	for i, name := range names {
		size += len(name) + len(values[i]) + len(`"":"",`)
	}
	body := append(make([]byte, 0, size), '{')
	for i, name := range names {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(append(append(body, '"'), name...), `":"`...)
		body = append(append(body, values[i]...), '"')
	}
	return append(body, '}')
}

// addQuery adds parameters to the query of the address, which is copied, since other calls share it.
func (c *call) addQuery(values url.Values) error {
	for name, all := range values {
		for _, value := range append(all, name) {
			if !utf8.ValidString(value) {
				return invalid("a text must be UTF-8, got %s", quoted(value))
			}
		}
	}
	if query := values.Encode(); query != "" {
		target := *c.url
		target.RawQuery = strings.Trim(target.RawQuery+"&"+query, "&")
		c.url = &target
	}
	return nil
}

// encodeJSON encodes a value of the caller's.
func encodeJSON(value any) ([]byte, error) {
	if isReader(value) {
		return nil, invalid("in must be a value for encoding/json, not a reader")
	}
	body, err := json.Marshal(value)
	if err != nil {
		return nil, invalid("in cannot be sent as JSON: %s", errorText(err))
	}
	if bytes.Contains(body, replacedText) {
		if text, ok := notUTF8(reflect.ValueOf(value), maxInputDepth); ok {
			return nil, invalid("a text must be UTF-8, got %s", quoted(text))
		}
	}
	return body, nil
}

// isReader tells a body that is ready to be sent from a value to encode, whose fields it would hide.
func isReader(value any) bool {
	_, ok := value.(io.Reader)
	return ok
}

// replacedText is what encoding/json writes in place of bytes that are not UTF-8. The character itself it writes
// unescaped.
var replacedText = []byte(`\ufffd`)

// maxInputDepth ends the search in a value that holds itself: encoding/json rejects one, unless it writes itself. A key of a
// map can hold itself only through a pointer, so that its own step need not count.
const maxInputDepth = 32

// notUTF8 finds the first text in a value that is not UTF-8.
func notUTF8(v reflect.Value, depth int) (text string, found bool) {
	switch {
	case depth == 0 || !v.IsValid():
	case v.Kind() == reflect.String:
		return v.String(), !utf8.ValidString(v.String())
	case v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface:
		return notUTF8(v.Elem(), depth-1)
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Array:
		for i := 0; i < v.Len() && !found; i++ {
			text, found = notUTF8(v.Index(i), depth-1)
		}
	case v.Kind() == reflect.Struct:
		for i := 0; i < v.NumField() && !found; i++ {
			text, found = notUTF8(v.Field(i), depth-1)
		}
	case v.Kind() == reflect.Map:
		for entry := v.MapRange(); !found && entry.Next(); {
			if text, found = notUTF8(entry.Key(), depth-1); !found {
				text, found = notUTF8(entry.Value(), depth-1)
			}
		}
	}
	return text, found
}

// addFields sets members of the JSON body.
func (c *call) addFields(fields []bodyField, hasBody bool) error {
	if len(fields) == 0 {
		return nil
	}
	if !hasBody {
		return invalid("WithBodyField cannot be combined with %s, which has no body", c.op.method)
	}
	members := map[string]json.RawMessage{}
	if c.upload != nil || c.body != nil && (json.Unmarshal(c.body, &members) != nil || members == nil) {
		return invalid("WithBodyField must have a body that is a JSON object")
	}
	for _, field := range fields {
		if field.name == "" || !utf8.ValidString(field.name) {
			return invalid("WithBodyField must have a name in UTF-8, got %s", quoted(field.name))
		}
		value, err := encodeJSON(field.value)
		if err != nil {
			return err
		}
		if !utf8.Valid(value) {
			return invalid("WithBodyField must have a value in UTF-8, got %s", quoted(string(value)))
		}
		members[field.name] = value
	}
	c.body, _ = json.Marshal(members) // valid JSON in a map: it cannot fail
	return nil
}

// Values of headers that never differ. Their capacity is their length, so that a transport that appends to
// one gets a copy.
var (
	jsonType = []string{"application/json"}
	anyType  = []string{"*/*"}
)

// request makes the request of one attempt.
func (c *call) request(ctx context.Context, client *Client) *http.Request {
	header := maps.Clone(client.header) // a transport may change it
	if c.op.stream {
		header["Accept"] = anyType
	}
	req := &http.Request{
		Method: c.op.method, URL: c.url, Host: c.url.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	body := &c.ctx.(*callContext).body
	if body.reset(); c.upload != nil || !c.op.inBody() || c.effect == once {
		ctx = httptrace.WithClientTrace(ctx, body.trace())
	}
	if c.upload != nil {
		header["Content-Type"] = []string{c.upload.contentType}
		req.Body, req.ContentLength = c.upload.open(), c.upload.length()
		return req.WithContext(ctx)
	}
	if c.body == nil {
		return req.WithContext(ctx)
	}
	header["Content-Type"] = jsonType
	c.reader = body.open(c.body)
	req.Body, req.ContentLength = io.NopCloser(c.reader), int64(len(c.body))
	if client.protocol.Load() == 1 {
		req.GetBody = body.again
	}
	return req.WithContext(ctx)
}
