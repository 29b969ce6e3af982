package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

// A screen is where the log and the events go. On a terminal its last line shows how long the build has
// been followed and its state.
type screen struct {
	stdout, stderr io.Writer
	printer        program.Printer
	quiet          bool
	terminal       bool

	mu      sync.Mutex
	started time.Time
	status  codeartsbuild.BuildStatus
	drawn   bool
	midLine bool // the log has begun a line, behind which nothing else belongs
}

func newScreen(stdout, stderr io.Writer, json, quiet bool) *screen {
	return &screen{
		stdout: stdout, stderr: stderr, printer: program.Printer{W: stderr, JSON: json}, quiet: quiet,
		terminal: !json && !quiet && isTerminal(stderr), started: time.Now(),
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// event prints a line on stderr.
func (s *screen) event(word string, fields ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.printer.Line(word, fields...)
}

// changed prints the status of the build.
func (s *screen) changed(b *codeartsbuild.Build) {
	s.mu.Lock()
	s.status = b.Status
	s.mu.Unlock()
	if !s.quiet {
		s.event("STATUS", "time", time.Now().UTC().Format(time.RFC3339), "build", b.BuildNo, "status", string(b.Status))
	}
}

// log prints a piece of the log.
func (s *screen) log(text []byte) error {
	if s.quiet {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.midLine = !bytes.HasSuffix(text, []byte("\n"))
	_, err := s.stdout.Write(text)
	return err
}

// run draws the last line every second until done is closed.
func (s *screen) run(done <-chan struct{}) {
	if !s.terminal {
		return
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.draw()
		case <-done:
			s.mu.Lock()
			s.erase()
			s.mu.Unlock()
			return
		}
	}
}

func (s *screen) draw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.midLine {
		return
	}
	s.erase()
	fmt.Fprintf(s.stderr, "%s  %s", time.Since(s.started).Round(time.Second), s.status)
	s.drawn = true
}

// erase takes the last line away. The caller holds mu.
func (s *screen) erase() {
	if s.drawn {
		fmt.Fprint(s.stderr, "\r\x1b[K")
		s.drawn = false
	}
}
