// Command gen writes what the in-memory service knows about the operations of CodeArts Build: documented.go, which
// holds methods, paths, parameters and types, and examples.json, which holds the documented response bodies. Both come
// from the testdata of the repository. Run it with go generate in the folder codeartsbuildtest.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	files, err := generate(filepath.Join("..", "testdata"))
	for name, content := range files {
		err = errors.Join(err, os.WriteFile(name, content, 0o644))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// A document is testdata/operations.json.
type document struct {
	Operations []operation        `json:"operations"`
	Types      map[string][]field `json:"types"`
}

type operation struct {
	Name         string            `json:"operation"`
	Method       string            `json:"method"`
	Path         string            `json:"path"`
	Status       string            `json:"status"`
	Params       []param           `json:"params"`
	Body         string            `json:"request_body"`
	BodyFields   map[string]string `json:"request_body_documented"`
	Response     string            `json:"response"`
	ResponseBody string            `json:"response_body_type"`
	Envelope     string            `json:"response_envelope"`
	ContentType  string            `json:"content_type"`
}

type param struct {
	Name     string   `json:"name"`
	In       string   `json:"in"`
	Type     string   `json:"type"`
	Required bool     `json:"required"`
	Limits   []string `json:"limits"`
}

type field struct {
	Name     string `json:"json"`
	Type     string `json:"type"`
	Optional bool   `json:"optional"`
	Doc      string `json:"doc"`
}

// generate returns the contents of the generated files by their names.
func generate(testdata string) (map[string][]byte, error) {
	var doc document
	data, err := os.ReadFile(filepath.Join(testdata, "operations.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	slices.SortFunc(doc.Operations, func(a, b operation) int { return cmp.Compare(a.Name, b.Name) })
	examples, err := readExamples(filepath.Join(testdata, "examples"), doc.Operations)
	if err != nil {
		return nil, err
	}
	source, err := format.Source(doc.source(examples))
	if err != nil {
		return nil, err
	}
	lines, err := exampleLines(examples)
	return map[string][]byte{"documented.go": source, "examples.json": lines}, err
}

// readExamples reads the documented response body of each operation that has one.
func readExamples(folder string, operations []operation) (map[string]json.RawMessage, error) {
	examples := map[string]json.RawMessage{}
	for _, op := range operations {
		data, err := os.ReadFile(filepath.Join(folder, op.Name+".response.json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var body bytes.Buffer
		if err == nil {
			err = json.Compact(&body, data)
		}
		if err != nil {
			return nil, fmt.Errorf("example of %s: %w", op.Name, err)
		}
		examples[op.Name] = body.Bytes()
	}
	return examples, nil
}

// exampleLines is one JSON object with one operation a line, so that a change of one example is one line of a diff.
func exampleLines(examples map[string]json.RawMessage) ([]byte, error) {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(examples)) {
		lines = append(lines, fmt.Sprintf("%q:%s", name, examples[name]))
	}
	all := "{\n" + strings.Join(lines, ",\n") + "\n}\n"
	if !json.Valid([]byte(all)) {
		return nil, errors.New("the examples are not valid JSON")
	}
	return []byte(all), nil
}
