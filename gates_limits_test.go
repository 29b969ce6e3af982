package codeartsbuild

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// otherLimits are the constants that limit the caller or this package, and nothing that a server sends.
var otherLimits = map[string]string{
	"maxPageSize":   "limits an argument",
	"maxWindow":     "limits an argument",
	"maxInputDepth": "limits an argument",
	"maxPathWord":   "shortens the path of a call of Do to a label",
	"maxResends":    "limits what is sent",
	"maxPooled":     "limits the buffers that are kept",

	"loosejson.maxPooled": "limits the buffers that are kept",
	"redact.maxEntity":    "is the length of a name of HTML",
}

// B162: the limits of SECURITY.md are those of the sources, and each limit of the sources is there.
func TestLimitsOfTheDocumentAreThoseOfTheSources(t *testing.T) {
	t.Parallel()
	sources := declaredConstants(t)
	documented := documentedLimits(t)
	for name, text := range documented {
		expr, ok := sources[name]
		require.True(t, ok, "no constant has the name %s", name)
		require.Equal(t, valueOf(t, text), constantValue(t, sources, expr).ExactString(), "%s is not %s", name, text)
	}
	limit := regexp.MustCompile(`^(\w+\.)?max[A-Z]`)
	for name := range sources {
		if limit.MatchString(name) && otherLimits[name] == "" {
			require.Contains(t, documented, name, "SECURITY.md lacks this limit")
		}
	}
	for name := range otherLimits {
		require.Contains(t, sources, name)
		require.NotContains(t, documented, name)
	}
}

// declaredConstants are the constants by name. Those of an internal package have its name before theirs.
func declaredConstants(t *testing.T) map[string]ast.Expr {
	t.Helper()
	found := map[string]ast.Expr{}
	for prefix, dir := range map[string]string{"": ".", "loosejson.": "internal/loosejson", "redact.": "internal/redact"} {
		for _, file := range parsePackage(t, dir) {
			for _, decl := range file.Decls {
				group, ok := decl.(*ast.GenDecl)
				if !ok || group.Tok != token.CONST {
					continue
				}
				for _, spec := range group.Specs {
					declared := spec.(*ast.ValueSpec)
					for i, value := range declared.Values {
						found[prefix+declared.Names[i].Name] = value
					}
				}
			}
		}
	}
	return found
}

// documentedLimits are the values of the table in SECURITY.md by the names of their constants.
func documentedLimits(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("SECURITY.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| [^|]+ \\| `([\\w.]+)` \\| ([^|]+) \\| [^|]+ \\|$").FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(rows), 30)
	limits := map[string]string{}
	for _, row := range rows {
		require.NotContains(t, limits, row[1])
		limits[row[1]] = row[2]
	}
	require.Len(t, rows, len(limits))
	return limits
}

// units are those of sizes and of times, which are numbers of nanoseconds. Any other word is what is counted.
var units = map[string]int64{
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	"s": 1e9, "min": 60e9, "h": 3600e9, "years": 365 * 24 * 3600e9,
}

// valueOf reads a value such as "10 MiB", "1,000,000 rows" or "1 min".
func valueOf(t *testing.T, text string) string {
	t.Helper()
	var n int64
	var unit string
	_, err := fmt.Sscanf(strings.ReplaceAll(text, ",", ""), "%d %s", &n, &unit)
	require.NoError(t, err, "the value %s must be a number and a unit", text)
	return fmt.Sprint(n * max(units[unit], 1))
}

// constantValue evaluates the expression of a constant. A name in it is one of the root package.
func constantValue(t *testing.T, sources map[string]ast.Expr, expr ast.Expr) constant.Value {
	t.Helper()
	switch e := expr.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0)
	case *ast.BinaryExpr:
		x, y := constantValue(t, sources, e.X), constantValue(t, sources, e.Y)
		if e.Op == token.SHL {
			n, _ := constant.Uint64Val(y)
			return constant.Shift(x, token.SHL, uint(n))
		}
		return constant.BinaryOp(x, e.Op, y)
	case *ast.SelectorExpr:
		n, ok := map[string]int64{"Millisecond": 1e6, "Second": 1e9, "Minute": 60e9, "Hour": 3600e9}[e.Sel.Name]
		require.True(t, ok, "unknown unit %s", e.Sel.Name)
		return constant.MakeInt64(n)
	case *ast.Ident:
		named, ok := sources[e.Name]
		require.True(t, ok, "unknown constant %s", e.Name)
		return constantValue(t, sources, named)
	}
	t.Fatalf("a constant must not be made of a %T", expr)
	return nil
}
