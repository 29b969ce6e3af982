package codeartsbuildtest

import (
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A request is what a handler sees of a request whose parameters are as documented.
type request struct {
	op   *operation
	http *http.Request
	path map[string]string // the values of the placeholders
	body []byte
	id   string // the request id
	now  time.Time

	query url.Values
	form  []part // of a multipart body
}

// parse reads path, query and body, and rejects what is not documented.
func (r *request) parse() error {
	var err error
	if r.query, err = url.ParseQuery(r.http.URL.RawQuery); err != nil {
		return invalid("query", "cannot be read")
	}
	if err := r.checkParams(); err != nil {
		return err
	}
	if r.op.multipart {
		r.form, err = parseForm(r.http.Header.Get("Content-Type"), r.body)
		return err
	}
	return r.checkBody()
}

// text is a parameter in the path or in the query; empty when it is not given.
func (r *request) text(name string) string {
	if value, ok := r.path[name]; ok {
		return value
	}
	return r.query.Get(name)
}

// number is a parameter that holds a number, and the fallback when it is not given.
func (r *request) number(name string, fallback int) int {
	n, err := strconv.Atoi(r.text(name))
	if err != nil {
		return fallback
	}
	return n
}

// list is a parameter that holds several values, repeated or with commas between them.
func (r *request) list(name string) []string {
	text := strings.Join(r.query[name], ",")
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// clock is a parameter that holds a time on the wall clock of the service, and the fallback when it is not given.
func (r *request) clock(name, layout string, fallback time.Time) time.Time {
	t, err := time.ParseInLocation(layout, r.text(name), serviceZone)
	if err != nil {
		return fallback
	}
	return t
}

// decode reads the JSON body, whose members were checked before.
func (r *request) decode(v any) { _ = json.Unmarshal(r.body, v) }

// member is a member of the JSON body byte for byte; nil when it is not given.
func (r *request) member(name string) json.RawMessage { return memberOf(r.body, name) }

// memberText is a text in the JSON body. Unlike decode it tells names apart by letter case, which matters where members
// that are not documented are kept.
func (r *request) memberText(name string) string {
	var value string
	_ = json.Unmarshal(r.member(name), &value)
	return value
}

// checkParams compares the parameters in path and query with the documented ones.
func (r *request) checkParams() error {
	for _, name := range slices.Sorted(maps.Keys(r.query)) {
		p := r.op.param(name)
		switch {
		case p == nil || p.in != "query":
			return invalid(name, "is not documented")
		case len(r.query[name]) > 1 && p.typ != "string[]":
			return invalid(name, "is given more than once")
		}
		if err := p.check(r.query.Get(name)); err != nil {
			return err
		}
	}
	for _, p := range r.op.params {
		if err := p.check(r.text(p.name)); err != nil {
			return err
		}
	}
	return nil
}

// param finds a parameter that the operation takes; nil when it takes none of this name.
func (op *operation) param(name string) *param {
	if i := slices.IndexFunc(op.params, func(p param) bool { return p.name == name }); i >= 0 {
		return &op.params[i]
	}
	return disputeOf(op.name, name).param
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return contentType == "" || err == nil && kind == "application/json"
}
