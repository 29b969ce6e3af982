package main

import (
	"fmt"
	"slices"

	"github.com/codeartsbuild-go/codeartsbuild/internal/apidoc"
)

// beyond returns what the client has and the document has not, a line each.
func (c *client) beyond(known *apidoc.Document) []string {
	var news []string
	add := func(format string, args ...any) { news = append(news, fmt.Sprintf(format, args...)) }
	for name, op := range c.operations {
		documented := known.Operation(name)
		if documented.Name == "" {
			add("operation %s: %s %s", name, op.method, op.path)
			continue
		}
		if op.method != documented.Method || op.path != documented.Path {
			add("path of %s: %s %s", name, op.method, op.path)
		}
		for _, p := range op.params {
			if !slices.ContainsFunc(documented.Params, func(d apidoc.Param) bool { return d.Name == p.name && d.In == p.in }) {
				add("parameter of %s: %s in %s", name, p.name, p.in)
			}
		}
	}
	for name, members := range c.types {
		fields, ok := known.Types[name]
		if !ok && c.isRequest(name) {
			continue // its fields are the parameters of the operation
		}
		for _, member := range members {
			if !slices.ContainsFunc(fields, func(f apidoc.Field) bool { return f.Name == member }) {
				add("field of %s: %s", name, member)
			}
		}
	}
	slices.Sort(news)
	return news
}

// isRequest reports whether a type holds the parameters of an operation.
func (c *client) isRequest(typ string) bool {
	for name := range c.operations {
		if typ == name+"Request" {
			return true
		}
	}
	return false
}
