package codeartsbuild

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write api.txt and docs/api.md anew")

// Each module that the package links is one that its users link as well.
func TestLinkedModulesAreTheOnesMeant(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".").Output()
	require.NoError(t, err)
	linked := strings.Fields(string(out))
	slices.Sort(linked)
	require.Equal(t, []string{"github.com/codeartsbuild-go/codeartsbuild", "github.com/google/go-querystring"}, slices.Compact(linked))
}

// The exported declarations are a promise. A change of api.txt is a change of it, made with -update.
func TestExportedDeclarations(t *testing.T) {
	t.Parallel()
	names := exportedDeclarations(t)
	text := strings.Join(names, "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile("api.txt", []byte(text), 0o644))
	}
	want, err := os.ReadFile("api.txt")
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

// A behaviour without a test that names it is a promise without a check.
func TestEveryBehaviourIsNamedByATest(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("BEHAVIOURS.md")
	require.NoError(t, err)
	behaviours := regexp.MustCompile(`(?m)^- (B\d+[a-z]?) `).FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(behaviours), 80)
	tests := readTests(t, "*_test.go") + readTests(t, "*/*_test.go") + readTests(t, "examples/*/*_test.go") + readTests(t, "cmd/*/*_test.go") + readTests(t, "internal/*/*_test.go")
	for _, b := range behaviours {
		require.True(t, regexp.MustCompile(b[1]+"[^0-9a-z]").MatchString(tests), "no test names %s", b[1])
	}
}

func readTests(t *testing.T, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	require.NoError(t, err)
	var all strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}

func parseSources(t *testing.T) []*ast.File { return parsePackage(t, ".") }

func parsePackage(t *testing.T, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var files []*ast.File
	fset := token.NewFileSet()
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			require.NoError(t, err)
			files = append(files, file)
		}
	}
	require.NotEmpty(t, files)
	return files
}

// exportedDeclarations are the exported declarations of the package, with parameters, results, types and tags, one a
// line.
func exportedDeclarations(t *testing.T) []string {
	var lines []string
	for _, file := range parseSources(t) {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if isExportedFunc(d) {
					require.NotNil(t, d.Doc, "%s has no comment", d.Name)
					lines = append(lines, oneLineOf(t, &ast.FuncDecl{Recv: d.Recv, Name: d.Name, Type: d.Type}))
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					lines = append(lines, declarationLines(t, d.Tok, spec)...)
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// isExportedFunc reports whether users can call a function: it and the type of its receiver are exported.
func isExportedFunc(d *ast.FuncDecl) bool {
	if !d.Name.IsExported() || d.Recv == nil {
		return d.Name.IsExported()
	}
	receiver := d.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	base, ok := receiver.(*ast.Ident)
	return ok && base.IsExported()
}

func declarationLines(t *testing.T, kind token.Token, spec ast.Spec) []string {
	var lines []string
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for i, name := range s.Names {
			if !name.IsExported() {
				continue
			}
			line := kind.String() + " " + name.Name
			if s.Type != nil {
				line += " " + oneLineOf(t, s.Type)
			}
			if kind == token.CONST && i < len(s.Values) {
				line += " = " + oneLineOf(t, s.Values[i])
			}
			lines = append(lines, line)
		}
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return nil
		}
		fields, ok := s.Type.(*ast.StructType)
		if !ok {
			return []string{"type " + oneLineOf(t, &ast.TypeSpec{Name: s.Name, TypeParams: s.TypeParams, Type: s.Type})}
		}
		lines = append(lines, "type "+oneLineOf(t, &ast.TypeSpec{Name: s.Name, TypeParams: s.TypeParams, Type: ast.NewIdent("struct")}))
		for _, field := range fields.Fields.List {
			lines = append(lines, fieldLines(t, s.Name.Name, field)...)
		}
	}
	return lines
}

// fieldLines are the exported fields that one line of a struct declares.
func fieldLines(t *testing.T, owner string, field *ast.Field) []string {
	typ, tag := oneLineOf(t, field.Type), ""
	if field.Tag != nil {
		tag = " " + field.Tag.Value
	}
	if len(field.Names) == 0 && ast.IsExported(strings.TrimPrefix(typ, "*")) {
		return []string{"field " + owner + "." + typ + tag}
	}
	var lines []string
	for _, name := range field.Names {
		if name.IsExported() {
			lines = append(lines, "field "+owner+"."+name.Name+" "+typ+tag)
		}
	}
	return lines
}

// oneLineOf prints a piece of source in one line.
func oneLineOf(t *testing.T, node ast.Node) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, printer.Fprint(&b, token.NewFileSet(), node))
	return strings.Join(strings.Fields(b.String()), " ")
}

// The program that the README begins with is one that a newcomer pastes.
func TestProgramOfTheREADMEBuilds(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, program, ok := strings.Cut(string(readme), "```go\n")
	require.True(t, ok)
	program, _, ok = strings.Cut(program, "```")
	require.True(t, ok)
	source := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(source, []byte(program), 0o644))
	out, err := exec.Command("go", "build", "-o", os.DevNull, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// documented is an operation as testdata/operations.json has it.
type documented struct {
	Operation, Method, Path, Status string
	Params                          []struct {
		Name, In string
		Limits   []string
	}
}

// Every current operation of the document is declared, once and as documented, and no other is.
func TestOperationsEqualTheDocument(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/operations.json")
	require.NoError(t, err)
	var document struct{ Operations []documented }
	require.NoError(t, json.Unmarshal(data, &document))
	going := map[string]string{
		"StopJob":       "the default stop, announced as going offline",
		"ShowNewOutput": "filed as outdated, though nothing replaces it",
	}
	wanted := make(map[string]documented)
	for _, op := range document.Operations {
		if op.Status == "current" || going[op.Operation] != "" {
			wanted[op.Operation] = op
		}
	}

	for _, declared := range declaredOperations(t) {
		name := declared["name"]
		if name == "CreateToken" {
			continue // of IAM, which is not part of the document
		}
		op, ok := wanted[name]
		assert.True(t, ok, "%s is declared twice, is outdated or is not documented", name)
		assert.Equal(t, op.Method, declared["method"], name)
		assert.Equal(t, op.Path, declared["path"], name)
		delete(wanted, name)
	}
	assert.Empty(t, slices.Sorted(maps.Keys(wanted)), "documented operations that are not declared")
}

// declaredOperations collects the fields of every operation literal that are texts.
func declaredOperations(t *testing.T) []map[string]string {
	var found []map[string]string
	for _, file := range parseSources(t) {
		for _, decl := range file.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.VAR {
				continue
			}
			ast.Inspect(d, func(node ast.Node) bool {
				literal, ok := node.(*ast.CompositeLit)
				if !ok {
					return true
				}
				if name, ok := literal.Type.(*ast.Ident); ok && name.Name == "operation" {
					found = append(found, literalFields(literal))
				}
				return true
			})
		}
	}
	return found
}

func literalFields(literal *ast.CompositeLit) map[string]string {
	fields := make(map[string]string)
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key := pair.Key.(*ast.Ident).Name
		switch value := pair.Value.(type) {
		case *ast.BasicLit:
			fields[key], _ = strconv.Unquote(value.Value)
		case *ast.Ident: // repeatable
			fields[key] = value.Name
		case *ast.SelectorExpr: // http.MethodPost
			fields[key] = strings.ToUpper(strings.TrimPrefix(value.Sel.Name, "Method"))
		}
	}
	return fields
}
