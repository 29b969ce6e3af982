package codeartsbuild

import (
	"cmp"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/api.md is printed from the sources. A change of it is made with -update.
func TestTableOfOperations(t *testing.T) {
	t.Parallel()
	text := tableOfOperations(t)
	if *update {
		require.NoError(t, os.WriteFile("docs/api.md", []byte(text), 0o644))
	}
	want, err := os.ReadFile("docs/api.md")
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

// services are the services in the order of the table.
var services = []string{"Jobs", "Builds", "Logs", "Repositories", "Templates", "Keystores", "Groups", "Reports", "Images", "Account"}

const tableHead = `# Operations

Every operation of the service that the package has a method for. Client.Do reaches the others.

A call that reads is retried after every failure that can pass. A call that is repeatable has the same effect when it is
made twice, and is retried like a read. Any other call is retried only if the service cannot have processed it. See
[retries.md](retries.md).

"Seen live" says whether a response of the real service was seen by the authors. None was so far: the methods follow the
documentation, and reports in public code.
`

func tableOfOperations(t *testing.T) string {
	var b strings.Builder
	b.WriteString(tableHead)
	rows := make(map[string][]string)
	for _, file := range parseSources(t) {
		words := wordsOfMethods(file)
		for variable, op := range declaredVariables(file) {
			methods := usersOf(variable, words)
			require.NotEmpty(t, methods, "a method that makes calls of %s must stand beside it", variable)
			service, _, _ := strings.Cut(methods[0], ".")
			rows[service] = append(rows[service], fmt.Sprintf("| %s | %s | %s | %s | %s | never |\n",
				op["name"], op["method"], op["path"], strings.Join(methods, ", "), effectOf(op)))
		}
	}
	for _, service := range services {
		fmt.Fprintf(&b, "\n## %s\n\n| Operation | Method | Path | Go | Effect | Seen live |\n|---|---|---|---|---|---|\n", service)
		slices.Sort(rows[service])
		b.WriteString(strings.Join(rows[service], ""))
		delete(rows, service)
	}
	assert.Empty(t, slices.Collect(maps.Keys(rows)), "services that the table does not have")
	return b.String()
}

func effectOf(op map[string]string) string {
	if op["method"] == "GET" || op["effect"] == "readOnly" {
		return "reads"
	}
	return strings.Replace(cmp.Or(op["effect"], "once"), "once", "changes", 1)
}

// declaredVariables returns the fields of the operations of the service that a file declares, by their variables.
func declaredVariables(file *ast.File) map[string]map[string]string {
	found := make(map[string]map[string]string)
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		literal, ok := spec.Values[0].(*ast.CompositeLit)
		if !ok {
			return true
		}
		typ, ok := literal.Type.(*ast.Ident)
		if ok && typ.Name == "operation" && spec.Names[0].Name != "opCreateToken" {
			found[spec.Names[0].Name] = literalFields(literal)
		}
		return true
	})
	return found
}

// wordsOfMethods returns the identifiers in the methods of services, by names such as "Jobs.List".
func wordsOfMethods(file *ast.File) map[string]map[string]bool {
	words := make(map[string]map[string]bool)
	for _, decl := range file.Decls {
		if method, ok := decl.(*ast.FuncDecl); ok && serviceOf(method) != "" {
			words[serviceOf(method)+"."+method.Name.Name] = identifiersOf(method.Body)
		}
	}
	return words
}

// usersOf returns the exported methods that refer to a variable, themselves or by an unexported method that they call.
func usersOf(variable string, words map[string]map[string]bool) []string {
	var users []string
	for _, name := range slices.Sorted(maps.Keys(words)) {
		service, method, _ := strings.Cut(name, ".")
		if ast.IsExported(method) && refersTo(words, service, method, variable, 3) {
			users = append(users, name)
		}
	}
	return users
}

// refersTo reports whether a method refers to a variable, directly or by unexported methods of its service.
func refersTo(words map[string]map[string]bool, service, method, variable string, depth int) bool {
	if words[service+"."+method][variable] {
		return true
	}
	for word := range words[service+"."+method] {
		if depth > 0 && !ast.IsExported(word) && words[service+"."+word] != nil && refersTo(words, service, word, variable, depth-1) {
			return true
		}
	}
	return false
}

func identifiersOf(body *ast.BlockStmt) map[string]bool {
	found := make(map[string]bool)
	ast.Inspect(body, func(node ast.Node) bool {
		if word, ok := node.(*ast.Ident); ok {
			found[word.Name] = true
		}
		return true
	})
	return found
}

// serviceOf returns the service that a function is a method of, such as "Jobs".
func serviceOf(method *ast.FuncDecl) string {
	if method.Recv == nil {
		return ""
	}
	pointer, ok := method.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return ""
	}
	receiver, ok := pointer.X.(*ast.Ident)
	if !ok {
		return ""
	}
	service, _ := strings.CutSuffix(receiver.Name, "Service")
	if service == receiver.Name {
		return ""
	}
	return service
}
