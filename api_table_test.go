package codeartsbuild

import (
	"cmp"
	"encoding/json"
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
	data, err := os.ReadFile(seenLive)
	require.NoError(t, err)
	text := tableOfOperations(t, data)
	if *update {
		require.NoError(t, os.WriteFile("docs/api.md", []byte(text), 0o644))
	}
	want, err := os.ReadFile("docs/api.md")
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

// Operations that were seen live are marked, and tables without one have no column for it.
func TestTableMarksOperationsSeenLive(t *testing.T) {
	t.Parallel()
	text := tableOfOperations(t, []byte(`{"StopJob":"2026-12-24"}`))
	require.Contains(t, text, "| StopJob | POST | /v3/jobs/stop | Jobs.Stop | repeatable | 2026-12-24 |\n")
	require.Contains(t, text, "| DeleteTheJob | DELETE | /v1/job/{job_id}/delete | Jobs.Delete | repeatable | |\n")
	require.Contains(t, text, "| ListGroupTree | GET | /v1/job/{project_id}/group/tree | Groups.Tree | reads |\n")
	require.Contains(t, text, seenSome)
	require.Contains(t, tableOfOperations(t, []byte(`{}`)), seenNone)
}

// seenLive has the days on which the conformance suite saw a response of the real service, by operation. The suite
// writes it: see docs/testing.md.
const seenLive = "testdata/seen_live.json"

const (
	seenNone = `No response of the real service was seen by the authors so far: the methods follow the documentation, and reports in
public code.
`
	seenSome = `"Seen live" is the day on which the conformance suite last read a response of the real service. Operations without a day
follow the documentation, and reports in public code.
`
)

// services are the services in the order of the table.
var services = []string{"Jobs", "Builds", "Logs", "Repositories", "Templates", "Keystores", "Groups", "Reports", "Images", "Account"}

const tableHead = `# Operations

Every operation of the service that the package has a method for. Client.Do reaches the others.

A call that reads is retried after every failure that can pass. A call that is repeatable has the same effect when it is
made twice, and is retried like a read. Any other call is retried only if the service cannot have processed it. See
[retries.md](retries.md).

`

// tableOfOperations prints the table with the days of a file such as seenLive.
func tableOfOperations(t *testing.T, seenFile []byte) string {
	seen := make(map[string]string)
	require.NoError(t, json.Unmarshal(seenFile, &seen))
	var b strings.Builder
	b.WriteString(tableHead)
	if len(seen) == 0 {
		b.WriteString(seenNone)
	} else {
		b.WriteString(seenSome)
	}
	rows := make(map[string][][]string)
	for _, file := range parseSources(t) {
		words := wordsOfMethods(file)
		for variable, op := range declaredVariables(file) {
			methods := usersOf(variable, words)
			require.NotEmpty(t, methods, "a method that makes calls of %s must stand beside it", variable)
			service, _, _ := strings.Cut(methods[0], ".")
			rows[service] = append(rows[service], []string{op["name"], op["method"], op["path"], strings.Join(methods, ", "), effectOf(op), seen[op["name"]]})
			delete(seen, op["name"])
		}
	}
	for _, service := range services {
		b.WriteString("\n## " + service + "\n\n")
		writeTable(&b, rows[service])
		delete(rows, service)
	}
	assert.Empty(t, seen, "operations that the table does not have")
	assert.Empty(t, slices.Collect(maps.Keys(rows)), "services that the table does not have")
	return b.String()
}

// writeTable writes the rows of a service. The last column is left out where it is empty.
func writeTable(b *strings.Builder, rows [][]string) {
	columns := []string{"Operation", "Method", "Path", "Go", "Effect", "Seen live"}
	if !slices.ContainsFunc(rows, func(row []string) bool { return row[len(row)-1] != "" }) {
		columns = columns[:len(columns)-1]
	}
	slices.SortFunc(rows, func(x, y []string) int { return strings.Compare(x[0], y[0]) })
	b.WriteString("| " + strings.Join(columns, " | ") + " |\n" + strings.Repeat("|---", len(columns)) + "|\n")
	for _, row := range rows {
		b.WriteString(strings.ReplaceAll("| "+strings.Join(row[:len(columns)], " | ")+" |\n", "|  |", "| |"))
	}
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
