package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// A client is what the sources of the vendor's client say about the service.
type client struct {
	operations map[string]*operation
	types      map[string][]string // the names of the members, by type
}

type operation struct {
	method, path string
	params       []param
}

type param struct{ name, in string }

// readClient reads the sources in a folder.
func readClient(dir string) (*client, error) {
	c := &client{map[string]*operation{}, map[string][]string{}}
	for _, pattern := range []string{dir + "/*.go", dir + "/model/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			c.readFile(file)
		}
	}
	if len(c.operations) == 0 || len(c.types) == 0 {
		return nil, errors.New("the sources in " + dir + " have no operations or no types: their form has changed")
	}
	return c, nil
}

func (c *client) readFile(file *ast.File) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if name, ok := strings.CutPrefix(d.Name.Name, "GenReqDefFor"); ok {
				c.operations[name] = readOperation(d.Body)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if typ, ok := spec.(*ast.TypeSpec); ok {
					c.readType(typ)
				}
			}
		}
	}
}

// readOperation reads the calls that define a request. A location belongs to the name before it in the chain of calls,
// which a walk from the outside meets after it.
func readOperation(body *ast.BlockStmt) *operation {
	op := &operation{}
	location := ""
	ast.Inspect(body, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return true
		}
		function, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch word := lastWord(call.Args[0]); function.Sel.Name {
		case "WithMethod":
			op.method = strings.ToUpper(strings.TrimPrefix(word, "Method"))
		case "WithPath":
			op.path = word
		case "WithLocationType":
			location = strings.ToLower(word)
		case "WithJsonTag":
			op.params = append(op.params, param{word, location})
		}
		return true
	})
	return op
}

// lastWord returns a text, or the name behind the package.
func lastWord(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		word, _ := strconv.Unquote(e.Value)
		return word
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func (c *client) readType(typ *ast.TypeSpec) {
	object, ok := typ.Type.(*ast.StructType)
	if !ok || !typ.Name.IsExported() {
		return
	}
	var names []string
	for _, field := range object.Fields.List {
		if field.Tag == nil {
			continue
		}
		tag, _ := strconv.Unquote(field.Tag.Value)
		if name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	c.types[typ.Name.Name] = names
}
