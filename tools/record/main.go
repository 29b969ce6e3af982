// Record runs commands of codeartsbuild on the in-memory service, and prints a picture of the terminal as SVG:
//
//	cd tools && go run ./record > ../docs/superseded.svg
//
// An argument is a command line; $PROJECT, $NIGHTLY and the other variables of codeartsbuild serve are set in it. It
// needs script(1), which makes the terminal. Runs differ in the order of the stops and in their seconds.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The recording of the README.
var superseded = []string{
	"codeartsbuild superseded --job $PUSHES --protect 'release/*'",
	"codeartsbuild superseded --job $PUSHES --protect 'release/*' --yes --wait 1m",
}

func main() {
	columns := flag.Int("columns", 80, "`width` of the terminal")
	flag.Parse()
	commands := flag.Args()
	if len(commands) == 0 {
		commands = superseded
	}
	screen, err := record(commands)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(picture(screen, *columns))
}

// record runs the commands in a terminal, one after the other, and returns what it shows.
func record(commands []string) (screen []string, err error) {
	folder, err := os.MkdirTemp("", "record")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	build := exec.Command("go", "build", "-o", filepath.Join(folder, "codeartsbuild"), ".")
	build.Dir, build.Stderr = filepath.Join("..", "cmd", "codeartsbuild"), os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	environment := append(os.Environ(), "TERM=xterm", "NO_COLOR=", "PATH="+folder+string(filepath.ListSeparator)+os.Getenv("PATH"))
	service := exec.Command(filepath.Join(folder, "codeartsbuild"), "serve")
	service.Env = environment
	announced, err := service.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := service.Start(); err != nil {
		return nil, err
	}
	defer func() { _ = service.Process.Signal(os.Interrupt); _ = service.Wait() }()
	variables, err := readVariables(bufio.NewScanner(announced))
	if err != nil {
		return nil, err
	}
	for _, command := range commands {
		screen = append(screen, "$ "+command)
		terminal := exec.Command("script", "--quiet", "--return", "--command", command, os.DevNull)
		terminal.Env = append(environment, variables...)
		out, err := terminal.Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return nil, err
		}
		for line := range bytes.Lines(out) {
			screen = append(screen, string(bytes.TrimRight(line, "\r\n")))
		}
	}
	return screen, nil
}

// readVariables reads what the service prints for a shell.
func readVariables(lines *bufio.Scanner) ([]string, error) {
	var variables []string
	for lines.Scan() {
		line, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), " #")
		if strings.Contains(line, "=") {
			variables = append(variables, line)
		}
		if strings.HasPrefix(line, "PUSHES=") { // the last one
			return variables, nil
		}
	}
	return nil, errors.Join(errors.New("the service printed no variables"), lines.Err())
}
