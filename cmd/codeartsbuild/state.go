package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// A state is where following a build has come to. It is saved after each piece of the log.
type state struct {
	Job        string            `json:"job"`
	Build      string            `json:"build"`             // "": to be started
	RerunOf    string            `json:"rerun_of,omitzero"` // the build that was run again
	Branch     string            `json:"branch,omitzero"`   // what was asked for
	Tag        string            `json:"tag,omitzero"`      //
	Commit     string            `json:"commit,omitzero"`   //
	Parameters map[string]string `json:"parameters,omitempty"`
	Offset     int64             `json:"offset"`
	LogSize    int64             `json:"log_size,omitzero"` // of the log file, up to this offset

	resumed bool // from a file
}

func newState(job string, request *codeartsbuild.RunRequest) *state {
	return &state{Job: job, Branch: request.Branch, Tag: request.Tag, Commit: request.CommitID, Parameters: request.Parameters}
}

// resume returns the state that an earlier run has kept, or s without one. A file that it does not understand,
// or that belongs to another build, is reported and left as it is.
func (s *state) resume(name string) (*state, error) {
	if name == "" {
		return s, nil
	}
	data, err := readRegular(name)
	if err != nil {
		return nil, badState("--state cannot be read: %v", err)
	}
	if len(data) == 0 {
		return s, nil
	}
	saved := &state{resumed: true}
	switch err := json.Unmarshal(data, saved); {
	case err != nil || saved.Job == "" || !isNumber(saved.Build) || saved.Offset < 0 || saved.LogSize < 0:
		return nil, badState("--state %s is broken", word(name))
	case saved.Job != s.Job:
		return nil, badState("--state %s belongs to job %s", word(name), word(saved.Job))
	case s.Build != "" && saved.Build != s.Build:
		return nil, badState("--state %s belongs to build %s", word(name), word(saved.Build))
	case s.Build == "" && !saved.sameRun(s):
		return nil, badState("--state %s belongs to build %s of %s, which other flags started", word(name), word(saved.Build), saved.source())
	}
	return saved, nil
}

func (s *state) sameRun(other *state) bool {
	return s.RerunOf == other.RerunOf && s.Branch == other.Branch && s.Tag == other.Tag && s.Commit == other.Commit && maps.Equal(s.Parameters, other.Parameters)
}

// source is what the build of a state was started from.
func (s *state) source() string {
	switch {
	case s.RerunOf != "":
		return "a rerun of build " + word(s.RerunOf)
	case s.Branch != "":
		return "branch " + word(s.Branch)
	case s.Tag != "":
		return "tag " + word(s.Tag)
	case s.Commit != "":
		return "commit " + word(s.Commit)
	}
	return "the job's own branch"
}

func isNumber(build string) bool {
	n, err := strconv.Atoi(build)
	return err == nil && n > 0
}

func badState(format string, args ...any) error {
	return withRemedy(usagef(format, args...), "The file was left as it is. Remove it to begin anew, or give another --state.")
}

// checkState finds out whether a state can be saved.
func checkState(name string) error {
	if name == "" {
		return nil
	}
	replaceable, err := isReplaceable(name)
	var file *os.File
	switch {
	case err != nil:
	case replaceable:
		if file, err = os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*"); err == nil {
			err = errors.Join(file.Close(), os.Remove(file.Name()))
		}
	default:
		if file, err = openThrough(name, 0); err == nil {
			err = file.Close()
		}
	}
	if err != nil {
		return withRemedy(fmt.Errorf("the state cannot be saved, so nothing was started: %w", err), "Give --state a file in a folder that can be written.")
	}
	return nil
}

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

// forget removes the state of a build that has finished: the next run starts a new one.
func (s *state) forget(name string) error {
	if name == "" {
		return nil
	}
	return removeFile(name)
}
