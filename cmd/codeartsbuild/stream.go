package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// errOutput says that stdout or stderr cannot be written.
var errOutput = errors.New("the output cannot be written")

// A stream is stdout or stderr. The first error of writing interrupts the program, and nothing is written after it.
type stream struct {
	interrupt context.CancelCauseFunc
	colour    bool

	mu  sync.Mutex
	w   io.Writer
	err error
}

func newStream(w io.Writer, interrupt context.CancelCauseFunc) *stream {
	return &stream{w: w, interrupt: interrupt, colour: isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Write implements io.Writer.
func (s *stream) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(text)
	if err != nil {
		s.err = fmt.Errorf("%w: %w", errOutput, err)
		s.interrupt(s.err)
		return n, s.err
	}
	return n, nil
}

// failed returns the error that ended the output, or nil.
func (s *stream) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *stream) line(format string, args ...any) {
	fmt.Fprintf(s, format+"\n", args...) // the stream keeps the error
}

// The colours of the words that begin lines.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	faint  = "2"
)

// paint colours a text where there are colours.
func (s *stream) paint(colour, text string) string {
	if !s.colour || colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}
