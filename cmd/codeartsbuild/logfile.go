package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// A logFile is the copy of the log. A regular file has another name until it is complete; a device, a FIFO or the target
// of a symlink is written through. The nil logFile keeps nothing.
type logFile struct {
	name    string // of the complete copy; "": the file keeps its name
	file    *os.File
	written int64 // by this run and those before it
	err     error // the first
}

const partial = ".partial"

// openLog opens the copy, and changes nothing of what is in it yet.
func openLog(name string, s *state) (*logFile, error) {
	if name == "" {
		return nil, nil
	}
	l, err := openCopy(name)
	if err != nil {
		return nil, withRemedy(fmt.Errorf("the log file cannot be written, so nothing was started: %w", err), "Give --log-file a file that can be written.")
	}
	l.written = s.LogSize
	if s.Offset == 0 || !l.isRegular() {
		return l, nil
	}
	end, err := l.file.Seek(0, io.SeekEnd)
	switch {
	case err != nil:
		return nil, errors.Join(err, l.leave())
	case !s.resumed: // --from-offset: the user knows
		l.written = end
	case s.LogSize == 0 || s.LogSize > end:
		_ = l.leave() // it is as it was
		err := usagef("--log-file %s lacks the part of the log that an earlier run has read", word(name))
		return nil, withRemedy(err, "Leave --log-file out or, for the whole log, remove the state file and give --attach "+word(s.Build)+".")
	}
	return l, nil
}

func openCopy(name string) (*logFile, error) {
	replaceable, err := isReplaceable(name)
	if err != nil {
		return nil, err
	}
	if !replaceable {
		file, err := openThrough(name, 0)
		return &logFile{file: file}, err
	}
	safe, err := isReplaceable(name + partial)
	if err == nil && !safe {
		err = fmt.Errorf("%s must be a regular file", word(name+partial))
	}
	if err != nil {
		return nil, err
	}
	file, err := openThrough(name+partial, 0)
	return &logFile{name: name, file: file}, err
}

func (l *logFile) isRegular() bool {
	info, err := l.file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// begin cuts off what an earlier run wrote after it had saved its state for the last time: that comes again.
func (l *logFile) begin() error {
	if l == nil || !l.isRegular() {
		return nil
	}
	if err := l.file.Truncate(l.written); err != nil {
		return err
	}
	_, err := l.file.Seek(l.written, io.SeekStart)
	return err
}

func (l *logFile) size() int64 {
	if l == nil {
		return 0
	}
	return l.written
}

// Write implements io.Writer.
func (l *logFile) Write(text []byte) (int, error) {
	n, err := l.file.Write(text)
	l.written += int64(n)
	if err != nil && l.err == nil {
		l.err = err
	}
	return n, err
}

// leave closes the copy as it is; one that is empty is removed.
func (l *logFile) leave() error {
	if l == nil {
		return nil
	}
	info, err := l.file.Stat()
	if err = errors.Join(err, l.file.Close()); err == nil && l.name != "" && info.Size() == 0 {
		err = os.Remove(l.name + partial)
	}
	return err
}

// finish closes the complete copy, and gives it its name.
func (l *logFile) finish() error {
	if l == nil {
		return nil
	}
	if err := l.file.Close(); err != nil || l.name == "" {
		return err
	}
	return os.Rename(l.name+partial, l.name)
}
