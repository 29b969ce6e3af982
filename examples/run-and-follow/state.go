package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

// A state is where following a build has come to. It is saved after each piece of the log.
type state struct {
	Job    string `json:"job"`
	Build  string `json:"build"`
	Offset int64  `json:"offset"`
}

// loadState reads the file that an earlier run left behind; nil when there is none. A file that it does
// not understand is reported and left as it is.
func loadState(name, job string) (*state, error) {
	if name == "" {
		return nil, nil
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, program.Usagef("the state file cannot be read: %v", err)
	}
	var s state
	switch err := json.Unmarshal(data, &s); {
	case err != nil || s.Job == "" || s.Build == "" || s.Offset < 0:
		return nil, program.Usagef("the state file %s is broken; remove it to start a new build", name)
	case job != "" && s.Job != job:
		return nil, program.Usagef("the state file %s belongs to job %s", name, s.Job)
	}
	return &s, nil
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
	return os.Remove(name)
}
