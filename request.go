package codeartsbuild

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
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

// pathURL returns the address of a path that the caller of Do has escaped.
func pathURL(endpoint *url.URL, path string) (*url.URL, error) {
	given, err := url.Parse(path)
	bare, _, _ := strings.Cut(path, "?")
	if err != nil || !isHeaderValue(path) || strings.ContainsAny(path, " #") || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		given.EscapedPath() != bare {
		return nil, invalid("the path must be escaped and must start with exactly one slash")
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

func isMethod(method string) bool {
	for _, r := range method {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return method != ""
}

// An idRule says which values an argument of the path can have. Nothing that it accepts needs escaping.
type idRule struct {
	least, most int
	also        string // characters beside letters and digits
}

// idRules are the documented rules by the name of the placeholder. Those of endpoint_id, permission_id and id
// are not documented, except for their characters.
var idRules = map[string]idRule{
	"job_id":               {32, 32, ""},
	"project_id":           {32, 32, ""},
	"keystore_id":          {32, 32, ""},
	"id":                   {1, 64, "-"},
	"record_id":            {36, 36, "-"},
	"build_flow_record_id": {36, 36, "-"},
	"build_project_id":     {36, 36, "-"},
	"uuid":                 {1, 64, "-"},
	"endpoint_id":          {1, 64, "-"},
	"permission_id":        {1, 64, "-"},
}

// checkArgument rejects a value that a placeholder of this name cannot have.
func checkArgument(name, value string) error {
	if name == "build_no" || name == "build_number" {
		return checkBuildNo(name, value)
	}
	rule, ok := idRules[name]
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

// encode puts the input into the query, the body or both.
func (c *call) encode(in any) error {
	if in == nil {
		return nil
	}
	hasBody := c.op.method != http.MethodGet && c.op.method != http.MethodHead
	if !hasBody || c.op.query {
		values, ok := in.(url.Values)
		if !ok {
			var err error
			if values, err = queryOf(in); err != nil {
				return err
			}
		}
		target := *c.url // other calls share it
		target.RawQuery = strings.Trim(target.RawQuery+"&"+values.Encode(), "&")
		c.url = &target
	}
	if !hasBody {
		return nil
	}
	body, err := json.Marshal(in)
	if err != nil {
		return invalid("in cannot be sent as JSON: %s", errorText(err))
	}
	c.body = body
	return nil
}

// Values of headers that never differ. Their capacity is their length, so that a transport that appends to
// one gets a copy.
var (
	jsonType = []string{"application/json"}
	anyType  = []string{"*/*"}
)

// request makes the request of one attempt.
func (c *call) request(ctx context.Context, header http.Header) *http.Request {
	header = maps.Clone(header) // a transport may change it
	if c.op.stream {
		header["Accept"] = anyType
	}
	req := &http.Request{
		Method: c.op.method, URL: c.url, Host: c.url.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if c.body == nil {
		return req.WithContext(ctx)
	}
	header["Content-Type"] = jsonType
	body := &c.ctx.(*callContext).body
	if body.once {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaderField: body.wroteHeaderField})
	}
	req.GetBody, req.ContentLength = body.again, int64(len(c.body))
	req.Body = io.NopCloser(body.open(c.body))
	return req.WithContext(ctx)
}
