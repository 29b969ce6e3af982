package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// openThrough opens a file for writing as it is: a device, a FIFO or the target of a symlink is written through. A FIFO
// without a reader is an error, and so is a folder. A new file is readable by its owner alone.
func openThrough(name string, how int) (*os.File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_WRONLY|syscall.O_NONBLOCK|how, 0o600)
}

// isReplaceable reports whether a name is free or that of a regular file, so that another file may take its place.
func isReplaceable(name string) (bool, error) {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, err
	}
	return info.Mode().IsRegular(), nil
}

// replaceFile replaces a file as a whole, so that an interruption leaves the old one or the new one. Of a device, a FIFO
// or a symlink it writes the target.
func replaceFile(name string, data []byte) error {
	replaceable, err := isReplaceable(name)
	if err != nil {
		return err
	}
	if !replaceable {
		return writeThrough(name, data)
	}
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

func writeThrough(name string, data []byte) error {
	file, err := openThrough(name, os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// removeFile removes a regular file, and empties the target of a symlink.
func removeFile(name string) error {
	replaceable, err := isReplaceable(name)
	if err != nil {
		return err
	}
	if !replaceable {
		return writeThrough(name, nil)
	}
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// readRegular reads a file, or nothing from a device or a FIFO, which would wait for a writer.
func readRegular(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	const maxState = 1 << 20
	return io.ReadAll(io.LimitReader(file, maxState))
}
