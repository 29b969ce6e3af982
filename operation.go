package codeartsbuild

import (
	"cmp"
	"net/http"
	"strings"
)

// An operation is a declaration of one call of the service, as the service documents it.
type operation struct {
	name   string // the service's own
	short  string // of a call of Do: its name without ids
	method string
	path   string   // with placeholders: /v1/job/{job_id}/stop
	args   []string // arguments of the body or the query, checked and logged like those of the path

	effect effect
	flat   bool     // the payload is the whole response; otherwise it is the member "result"
	query  bool     // the input goes into the query, also of a method with a body
	body   bool     // with query: it goes into the body as well
	list   *listing // how the operation pages; nil: it is not a list
	stream bool     // a success is a file, handed over unread; the service may keep it in another store
	asJSON bool     // with stream: the service documents the file as JSON, so that its content type says little
	denial error    // the kind of a success that contains a failure without a known code

	quotes  func(status int) bool                 // responses of this status may quote secrets of the request; nil: none
	problem func(status int, body []byte) problem // reads an error response in place of report.problem; nil: not
}

// An effect says what running an operation a second time would do.
type effect int

const (
	once       effect = iota // something else: it is sent again only if it was not processed
	repeatable               // as good as running it once
	readOnly                 // nothing, as for every GET and HEAD, which need not say so
)

// ownEffect is the effect that an operation declares, or that of its method.
func (op *operation) ownEffect() effect {
	if op.method == http.MethodGet || op.method == http.MethodHead {
		return readOnly
	}
	return op.effect
}

// label names the operation in logs and for transports. It has few values, so that a metric can be kept of each.
func (op *operation) label() string { return cmp.Or(op.short, op.name) }

// inBody reports whether only the body says what an operation acts on.
func (op *operation) inBody() bool {
	return op.path != "" && !op.query && !strings.Contains(op.path, "{")
}

// quoted reports whether a response of this status may quote the secrets of the request.
func (op *operation) quoted(status int) bool { return op.quotes != nil && op.quotes(status) }

// named adds the operation's name to the error of a rejected argument.
func (op *operation) named(err error) error {
	e, ok := err.(*callError)
	if !ok {
		return err
	}
	named := *e
	named.operation = op.name
	return &named
}
