package codeartsbuild

import (
	"net/url"
	"strconv"
	"strings"
)

// target puts the arguments into the path of the operation.
func (c *call) target(client *Client, args []string) (err error) {
	if c.op.literal {
		c.url, err = literalTarget(client.endpoint, c.op)
		return err
	}
	path, rest := c.op.path, c.op.args
	for _, value := range args {
		var name string
		if before, after, ok := strings.Cut(path, "{"); ok {
			name, after, _ = strings.Cut(after, "}")
			path = before + value + after
		} else {
			name, rest = rest[0], rest[1:]
		}
		if err := checkArgument(name, value); err != nil {
			return err
		}
		switch name {
		case "job_id":
			c.job = value
		case "build_no":
			c.build = value
		}
	}
	c.url = client.urlOf(c.op, path)
	return nil
}

// A fixedURL is the address of an operation whose path never differs.
type fixedURL struct {
	op  *operation
	url *url.URL
}

// urlOf is the address of a path. The last one that never differs is kept: nearly always that of the stop.
func (c *Client) urlOf(op *operation, path string) *url.URL {
	fixed := path == op.path
	if last := c.lastURL.Load(); fixed && last != nil && last.op == op {
		return last.url
	}
	u := *c.endpoint
	u.Path += path
	if u.RawPath != "" {
		u.RawPath += path
	}
	if fixed {
		c.lastURL.Store(&fixedURL{op, &u})
	}
	return &u
}

// literalTarget takes the path of Do, which is the caller's word for word.
func literalTarget(endpoint *url.URL, op *operation) (*url.URL, error) {
	if !isMethod(op.method) {
		return nil, invalid("%q is no HTTP method", oneLine(op.method, 32))
	}
	given, err := url.Parse(op.path)
	bare, _, _ := strings.Cut(op.path, "?")
	if err != nil || !isHeaderValue(op.path) || strings.ContainsAny(op.path, " #") || !strings.HasPrefix(op.path, "/") || strings.HasPrefix(op.path, "//") ||
		given.EscapedPath() != bare {
		return nil, invalid("the path is not an escaped path with one leading slash")
	}
	if _, err := url.ParseQuery(given.RawQuery); err != nil { // it would not be part of a signature
		return nil, invalid("the query is not escaped; a semicolon is %%3B")
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

// checkArgument refuses a value that a placeholder of this name cannot hold. What passes needs no escaping.
func checkArgument(name, value string) error {
	switch name {
	case "build_no":
		return checkBuildNo(value)
	case "job_id", "project_id":
		if len(value) != 32 || !isAlphanumeric(value, "") {
			return invalid("%s: %q is not an id of 32 letters and digits", name, oneLine(value, 64))
		}
	default:
		if len(value) != 36 || !isAlphanumeric(value, "-") {
			return invalid("%s: %q is not an id of 36 letters, digits and dashes", name, oneLine(value, 64))
		}
	}
	return nil
}

func checkBuildNo(value string) error {
	n, err := strconv.ParseInt(value, 10, 32)
	if err == nil && n >= 1 && isDigits(value) && value[0] != '0' {
		return nil
	}
	day, count, dotted := strings.Cut(value, ".")
	if dotted && len(day) == 8 && isDigits(day) && isDigits(count) {
		return invalid("build_no: %s is a daily number; Stop wants the build number, which counts the builds of a job from 1", oneLine(value, 64))
	}
	return invalid("build_no: %q is not a build number, which is a whole number from 1 to 2147483647", oneLine(value, 64))
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
