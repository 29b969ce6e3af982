// Package docs has the tests of the documentation.
package docs

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/codeartsbuild-go/codeartsbuild"

// imports are the packages that code blocks may use without naming them.
var imports = []string{
	"bytes", "context", "crypto/tls", "crypto/x509", "encoding/json", "errors", "fmt", "io", "log", "log/slog", "net/http", "os",
	"strings", "testing", "testing/synctest", "time", module, module + "/codeartsbuildtest",
}

// known are what code blocks may use without declaring it.
const known = `
	ctx context.Context, client *codeartsbuild.Client, t *testing.T, jobID, buildNo, projectID, id, secret, password string, pem []byte,
	yourStop func(client *codeartsbuild.Client, jobID, buildNo string) (string, error),
`

// A block is a code block in Go.
type block struct {
	place string
	code  string
}

func blocks(t *testing.T) []block {
	t.Helper()
	files, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	fence := regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	var found []block
	for _, name := range append(files, "../README.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllSubmatchIndex(text, -1) {
			line := strings.Count(string(text[:m[2]]), "\n") + 1
			found = append(found, block{fmt.Sprintf("%s:%d", name, line), string(text[m[2]:m[3]])})
		}
	}
	return found
}

// program makes a file of a block: of a whole program, of declarations, or of statements.
func (b block) program() string {
	if strings.HasPrefix(b.code, "package ") {
		return b.code
	}
	var file strings.Builder
	file.WriteString("package block\n")
	for _, p := range imports {
		if regexp.MustCompile(`\b` + path.Base(p) + `\.`).MatchString(b.code + known) {
			fmt.Fprintf(&file, "import %q\n", p)
		}
	}
	if regexp.MustCompile(`(?m)^(func|type) `).MatchString(b.code) {
		return file.String() + b.code
	}
	return file.String() + "func _(" + known + ") error {\n{\n" + b.code + "\n}\nreturn nil\n}\n"
}

func TestCodeBlocksCompile(t *testing.T) {
	t.Parallel()
	args := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}, imports...)
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for _, line := range strings.Split(string(out), "\n") {
		name, file, _ := strings.Cut(line, " ")
		exports[name] = file
	}
	files := token.NewFileSet()
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	compiler := importer.ForCompiler(files, "gc", lookup)
	found := blocks(t)
	if len(found) < 10 {
		t.Fatalf("%d code blocks, want more", len(found))
	}
	for _, b := range found {
		file, err := parser.ParseFile(files, b.place, b.program(), 0)
		if err != nil {
			t.Errorf("%s: %v\n%s", b.place, err, b.code)
			continue
		}
		config := types.Config{Importer: compiler, Error: func(err error) {
			if e := err.(types.Error); !e.Soft { // a soft error is a variable or an import that is not used
				t.Errorf("%s: %v\n%s", b.place, err, b.code)
			}
		}}
		_, _ = config.Check("block", files, []*ast.File{file}, nil) // Error got all errors
	}
}

// The README is read in one go; more belongs into the pages beside this test.
func TestREADMEIsShort(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n > 150 {
		t.Errorf("README.md has %d lines, want at most 150", n)
	}
}

// A link to a file of this repository leads somewhere, and each page is linked.
func TestLinks(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	for _, page := range append(pages, "../README.md", "../CHANGELOG.md", "../CONTRIBUTING.md", "../SECURITY.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^):#]+)\)`).FindAllStringSubmatch(string(text), -1) {
			target := filepath.Join(filepath.Dir(page), m[1])
			linked[target] = true
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
	for _, page := range append(pages, "../docs/superseded.svg") {
		if !linked[page] {
			t.Errorf("no page links %s", page)
		}
	}
}

func TestEveryErrorIsDocumented(t *testing.T) {
	t.Parallel()
	api, err := os.ReadFile("../api.txt")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("errors.md")
	if err != nil {
		t.Fatal(err)
	}
	var exported, documented []string
	for _, m := range regexp.MustCompile(`(?m)^var (Err\w+)`).FindAllStringSubmatch(string(api), -1) {
		exported = append(exported, m[1])
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(Err\\w+)` \\| .+ \\| .+ \\| .+ \\|$").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, m[1])
	}
	if fmt.Sprint(exported) != fmt.Sprint(documented) {
		t.Errorf("api.txt has the errors\n%v\nand errors.md\n%v", exported, documented)
	}
}
