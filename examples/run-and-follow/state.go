package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

// A state is where following a build has come to. It is saved after each piece of the log.
type state struct {
	Job     string `json:"job"`
	Build   string `json:"build"` // "": to be started
	Offset  int64  `json:"offset"`
	LogSize int64  `json:"log_size,omitzero"` // of the log file, up to this offset

	resumed bool // from a file
}

// loadState says what is to be followed: what an earlier run left behind or, when there is no file of it,
// what the flags say. A file that it does not understand is reported and left as it is.
func (o *options) loadState() (*state, error) {
	fresh := &state{Job: o.job, Build: o.attach, Offset: o.fromOffset}
	if o.stateFile == "" {
		return fresh, nil
	}
	data, err := os.ReadFile(o.stateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return nil, badState("the state file cannot be read: %v", err)
	}
	s := &state{resumed: true}
	switch err := json.Unmarshal(data, s); {
	case err != nil || s.Job == "" || !isNumber(s.Build) || s.Offset < 0 || s.LogSize < 0:
		return nil, badState("the state file %s is broken", o.stateFile)
	case o.cloud.Demo:
		return nil, badState("-demo starts a build of its own, but the state file %s belongs to another", o.stateFile)
	case s.Job != o.job:
		return nil, badState("the state file %s belongs to job %s", o.stateFile, s.Job)
	case o.attach != "" && s.Build != o.attach:
		return nil, badState("the state file %s belongs to build %s", o.stateFile, s.Build)
	}
	return s, nil
}

func isNumber(build string) bool {
	n, err := strconv.Atoi(build)
	return err == nil && n > 0
}

func badState(format string, args ...any) error {
	return program.WithRemedy(program.Usagef(format, args...), "It was left as it is. Remove it to begin anew, or give another -state.")
}

// checkSave finds out whether a state can be saved.
func checkSave(name string) error {
	if name == "" {
		return nil
	}
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err == nil {
		err = errors.Join(file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		return program.WithRemedy(fmt.Errorf("the state cannot be saved, so nothing was started: %w", err), "Give -state a file in a folder that can be written.")
	}
	return nil
}

// save replaces the file as a whole, so that an interruption leaves the old one or the new one.
func (s *state) save(name string) error {
	if name == "" {
		return nil
	}
	data, err := json.Marshal(s)
	if err == nil {
		err = replaceFile(name, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("the state cannot be saved: %w", err)
	}
	return nil
}

func replaceFile(name string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return err
}

// forget removes the file of a build that has been followed to its end: the next run starts a new one.
func (s *state) forget(name string) error {
	if name == "" {
		return nil
	}
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
