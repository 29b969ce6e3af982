// Switchmutants tests the tests: it changes the conditions of switch cases, one after the other, and reports the changes
// that no test notices. Gremlins changes everything else, but takes these conditions for not covered.
//
//	go run ./switchmutants -dir .. classify.go call.go
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

func main() {
	dir := flag.String("dir", ".", "folder of the package")
	args := flag.String("test", "-short -failfast", "further arguments of go test")
	limit := flag.Duration("limit", time.Minute, "time after which a test run counts as a failure")
	workers := flag.Int("workers", 2, "test runs at the same time")
	list := flag.Bool("list", false, "print the changes and test nothing")
	flag.Parse()
	survived := 0
	for _, name := range flag.Args() {
		mutants, err := mutantsOf(filepath.Join(*dir, name))
		if err != nil {
			fmt.Fprintln(os.Stderr, "switchmutants:", err)
			os.Exit(2)
		}
		if *list {
			for _, m := range mutants {
				fmt.Println(m.where, m.what)
			}
			continue
		}
		alive := run(mutants, *dir, strings.Fields(*args), *limit, *workers)
		for _, m := range alive {
			fmt.Println("survived:", m.where, m.what)
		}
		fmt.Printf("%-24s %3d of %3d killed\n", name, len(mutants)-len(alive), len(mutants))
		survived += len(alive)
	}
	if survived > 0 {
		os.Exit(1)
	}
}

// A mutant is a file with one change.
type mutant struct {
	file   string // path of the original
	where  string
	what   string
	source []byte
}

// opposites are the operators that a change puts in place of others.
var opposites = map[token.Token]string{
	token.EQL: "!=", token.NEQ: "==", token.LSS: ">=", token.GEQ: "<", token.GTR: "<=", token.LEQ: ">",
	token.LAND: "||", token.LOR: "&&",
}

// mutantsOf returns the changes of a file: each condition of a case negated, and each of its operators replaced.
func mutantsOf(path string) ([]mutant, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var mutants []mutant
	change := func(from, to token.Pos, text string) {
		start, end := files.Position(from), files.Position(to)
		changed := bytes.Join([][]byte{source[:start.Offset], []byte(text), source[end.Offset:]}, nil)
		mutants = append(mutants, mutant{
			file: path, source: changed, where: fmt.Sprintf("%s:%d", filepath.Base(path), start.Line),
			what: fmt.Sprintf("%s → %s", source[start.Offset:end.Offset], text),
		})
	}
	ast.Inspect(tree, func(node ast.Node) bool {
		choice, ok := node.(*ast.SwitchStmt)
		if !ok || choice.Tag != nil {
			return true
		}
		for _, clause := range choice.Body.List {
			for _, condition := range clause.(*ast.CaseClause).List {
				from, to := files.Position(condition.Pos()).Offset, files.Position(condition.End()).Offset
				change(condition.Pos(), condition.End(), "!("+string(source[from:to])+")")
				operators(condition, func(op *ast.BinaryExpr) {
					if opposite, ok := opposites[op.Op]; ok && op != condition {
						change(op.OpPos, op.OpPos+token.Pos(len(op.Op.String())), opposite)
					}
				})
			}
		}
		return true
	})
	return mutants, nil
}

// operators calls visit with each operation within a condition.
func operators(condition ast.Expr, visit func(*ast.BinaryExpr)) {
	ast.Inspect(condition, func(node ast.Node) bool {
		if op, ok := node.(*ast.BinaryExpr); ok {
			visit(op)
		}
		_, isFunction := node.(*ast.FuncLit)
		return !isFunction
	})
}

// run tests each mutant, and returns those that no test notices.
func run(mutants []mutant, dir string, args []string, limit time.Duration, workers int) []mutant {
	var mu sync.Mutex
	var alive []mutant
	next := make(chan mutant)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for m := range next {
				if m.survives(dir, args, limit) {
					mu.Lock()
					alive = append(alive, m)
					mu.Unlock()
				}
			}
		})
	}
	for _, m := range mutants {
		next <- m
	}
	close(next)
	all.Wait()
	return alive
}

// survives runs the tests with the changed file in place of the original.
func (m *mutant) survives(dir string, args []string, limit time.Duration) bool {
	folder, err := os.MkdirTemp("", "mutant")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	original, err := filepath.Abs(m.file)
	changed := filepath.Join(folder, "changed.go")
	overlay := filepath.Join(folder, "overlay.json")
	replace, _ := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err := errors.Join(err, os.WriteFile(changed, m.source, 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		panic(err)
	}
	test := exec.Command("go", append([]string{"test", "-vet=off", "-timeout", limit.String(), "-overlay", overlay}, append(args, ".")...)...)
	test.Dir = dir
	return test.Run() == nil
}
