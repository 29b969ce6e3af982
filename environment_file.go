package codeartsbuild

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/codeartsbuild-go/codeartsbuild/internal/profile"
)

// fillFromFile takes the credential of the profile file or, if it has none, that of the machine. A file that is named
// is the credential: without it, the program would act with the rights of the machine.
func (env *environment) fillFromFile(cfg *config) error {
	path, named := env.first("HUAWEICLOUD_SDK_CREDENTIALS_FILE").value, true
	if path == "" {
		home, err := env.home()
		if err != nil || home == "" {
			return env.fillFromMachine(cfg, "no home folder with a profile file")
		}
		path, named = filepath.Join(home, ".huaweicloud", "credentials"), false
	}
	text, err := readFile(path)
	if !named && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
		return env.fillFromMachine(cfg, "no file "+oneLine(path, 80))
	}
	if err != nil {
		return invalid("the profile file %s must be readable: %s", path, fileProblem(err))
	}
	values, err := profile.Parse(path, text)
	if err != nil {
		return invalid("%s", err)
	}
	file := environment{within: " in [basic] of " + path, lookup: func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}}
	switch found, err := file.fillFrom(&profileKeys, cfg); {
	case found || err != nil:
		return err
	case named:
		return invalid("the profile file %s must hold ak and sk in [basic]", path)
	}
	return env.fillFromMachine(cfg, "no ak in [basic] of "+oneLine(path, 80))
}

const maxFile = 1 << 20

var (
	errLargeFile  = errors.New("larger than 1 MiB")
	errNotRegular = errors.New("not a regular file")
)

// readFile reads a small file. It does not open a FIFO, since that waits for a writer, nor a device.
func readFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errLargeFile
	}
	return string(text), err
}

// fileProblem is the text of an error without the name of the file.
func fileProblem(err error) string {
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return err.Error()
}
