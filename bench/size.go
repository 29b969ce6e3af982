package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A size is that of the smallest program that stops a build with a client.
type size struct {
	MiB      float64
	Modules  int // linked, besides this one
	Packages int // linked, besides those of the standard library and its own
}

// measureSize builds the program of a client as one builds for release.
func measureSize(ctx context.Context, c client, dir string) (size, error) {
	binary, folder := filepath.Join(dir, c.minimal), "./minimal/"+c.minimal
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, folder)
	if out, err := build.CombinedOutput(); err != nil {
		return size{}, fmt.Errorf("go build %s: %w\n%s", folder, err, out)
	}
	file, err := os.Stat(binary)
	if err != nil {
		return size{}, err
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return size{}, err
	}
	list := exec.CommandContext(ctx, "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", folder)
	packages, err := list.Output()
	if err != nil {
		return size{}, fmt.Errorf("go list %s: %w", folder, err)
	}
	return size{float64(file.Size()) / (1 << 20), len(info.Deps), len(strings.Fields(string(packages))) - 1}, nil
}
