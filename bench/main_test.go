package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild/internal/chaos"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		only []string
		err  string
	}{
		"none":            {},
		"two sections":    {args: []string{"-only", "cost,truth"}, only: []string{"cost", "truth"}},
		"unknown section": {args: []string{"-only", "speed"}, err: `-only must be a list of cost, footprint and truth, got "speed"`},
		"no rounds":       {args: []string{"-rounds", "0"}, err: "-rounds and -seeds must be at least 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := parse(tt.args, io.Discard)
			if tt.err == "" && err != nil || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("parse: %v, want %q", err, tt.err)
			}
			if err == nil && strings.Join(o.only, ",") != strings.Join(tt.only, ",") {
				t.Errorf("only %v, want %v", o.only, tt.only)
			}
		})
	}
	if _, err := parse([]string{"-h"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v, want %v", err, flag.ErrHelp)
	}
}

// One short run of all time measurements, with its tables and its chart. It is not parallel, since it measures
// allocations.
func TestCostIsMeasuredPrintedAndDrawn(t *testing.T) {
	dir := t.TempDir()
	readme := filepath.Join(dir, "README.md")
	const text = "before\n<!-- bench times -->\nold\n<!-- end -->\nafter\n"
	if err := os.WriteFile(readme, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout strings.Builder
	err := run(t.Context(), options{rounds: 1, seeds: 1, only: []string{"cost"}, out: dir, readme: readme}, &stdout)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		if !strings.Contains(stdout.String(), c.name) || !strings.Contains(string(data), c.name) {
			t.Errorf("%s has no figures", c.name)
		}
	}
	if strings.Contains(string(data), "old") || !strings.HasPrefix(string(data), "before\n") || !strings.HasSuffix(string(data), "<!-- end -->\nafter\n") {
		t.Errorf("the table is not in its place: %s", data)
	}
	if _, err := os.Stat(filepath.Join(dir, "cost.svg")); err != nil {
		t.Error(err)
	}
}

func TestNothingIsMeasuredForAMissingFolder(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), options{rounds: 1, seeds: 1, out: filepath.Join(t.TempDir(), "missing")}, io.Discard)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("run: %v, want %v", err, os.ErrNotExist)
	}
}

func TestATableHasAPlaceWithAnEnd(t *testing.T) {
	t.Parallel()
	readme := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(readme, []byte("<!-- bench times -->\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	table := table{name: "times", header: []string{"a", "b"}, rows: [][]string{{"1", "2"}}}
	if err := table.insert(readme); err == nil {
		t.Error("insert: no error")
	}
}

// Each place for a table in the README is one that a section fills.
func TestReadmeHasAPlaceForEachTable(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"allocations", "times", "footprint", "truth"} {
		if !strings.Contains(string(data), "<!-- bench "+name+" -->\n") {
			t.Errorf("README.md has no place for the table %s", name)
		}
	}
}

// The footprint of this module's client stays within its promises.
func TestFootprintOfThisClient(t *testing.T) {
	connections, err := measureConnections(t.Context(), clients[0])
	if err != nil || connections > burstCallers {
		t.Errorf("%d connections, %v, want %d at most", connections, err, burstCallers)
	}
	memory, err := measureMemory(t.Context(), clients[0])
	if err != nil || memory > 16 {
		t.Errorf("%.1f MiB, %v, want 16 at most", memory, err)
	}
	s, err := measureSize(t.Context(), clients[0], t.TempDir())
	if err != nil || s.Modules != 2 || s.MiB < 1 {
		t.Errorf("%+v, %v, want 2 modules", s, err)
	}
}

func TestLoginsOfManyCallers(t *testing.T) {
	t.Parallel()
	for _, c := range clients {
		if c.logsIn == nil {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := measureLogins(t.Context(), c)
			if want := (login{Cold: 1, Expired: 1}); err != nil || got != want {
				t.Errorf("%+v, %v, want %+v", got, err, want)
			}
		})
	}
}

// Every client can be driven, and this module's tells the truth.
func TestClientsBetweenFaults(t *testing.T) {
	t.Parallel()
	for _, c := range driven() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			report, err := chaos.Run(chaos.Config{
				Seed: 1, Protocol: chaos.Protocols[0], Stops: 300, Faults: chaos.Faults, Client: driver(c),
			})
			if err != nil {
				t.Fatal(err)
			}
			s := report.Summary()
			if s.TrueSuccesses == 0 {
				t.Errorf("no stop succeeds: %v", s)
			}
			if c.name == ours && s.FalseSuccesses+s.FalseFailures+s.Leaked > 0 {
				t.Errorf("lies: %v", s)
			}
		})
	}
}

// The same service, without faults: each client stops, and each spelling of a success is one.
func TestSpellingsOfASuccess(t *testing.T) {
	t.Parallel()
	read := map[string]bool{
		`{"result":true}`: true, `{"result":"true"}`: true, `true`: true, `{"result":null,"status":"success"}`: true,
		`{"result":false}`: false, `{"result":"false"}`: false, `{}`: false, `{"error_code":"CB.1"}`: false, `"done"`: false,
	}
	for _, c := range clients {
		if c.signs || c.name == ours {
			continue
		}
		for body, want := range read {
			s := &service{replies: []reply{{200, body}}}
			stop, err := c.open(setup{endpoint: "https://build.example.com", token: madeUpToken, transport: s, spellings: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := stop(context.Background(), buildNo); (err == nil) != want {
				t.Errorf("%s, %s: %v, want success %t", c.name, body, err, want)
			}
		}
	}
}

func TestOutcomesOfErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		replies []reply
		want    chaos.Outcome
	}{
		"rejected":          {[]reply{{400, invalid}}, chaos.Failed},
		"denied":            {[]reply{{200, `{"result":false}`}}, chaos.Failed},
		"gateway":           {[]reply{{502, "<html>"}}, chaos.Unknown},
		"page in a success": {[]reply{{200, "<html>"}}, chaos.Unknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range clients {
				stop, err := c.open(setup{endpoint: "https://build.example.com", token: madeUpToken,
					transport: &service{replies: tt.replies}, pause: 2 * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				_, err = stop(context.Background(), buildNo)
				if err == nil || c.outcome(err) != tt.want {
					t.Errorf("%s: %v, want outcome %d", c.name, err, tt.want)
				}
			}
		})
	}
}
