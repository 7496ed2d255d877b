// Package regular opens files that have an end. A named pipe that nobody writes
// to, or a terminal, would be waited for without one; a device such as /dev/zero
// would fill the memory.
package regular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Errors of Open, Check and ReadFile, within a fs.PathError.
var (
	ErrNotRegular = errors.New("it is not a regular file")
	ErrTooLarge   = errors.New("it is too large")
)

// Open opens a file or a directory for reading, and never waits for anything
// else. A pipe that this process was started with, as a shell makes for <(...), is
// taken too, and so is the null device.
func Open(path string) (*os.File, error) {
	// To open a pipe would wait for somebody who writes to it.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !ends(path, info) {
		err = &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// Check returns an error for what Open would refuse, and for a file of more than
// most bytes. That there is none, or none that may be read, is no error here:
// whoever opens it says so.
func Check(path string, most int64) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil
	case !ends(path, info):
		return &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	case info.Mode().IsRegular() && info.Size() > most:
		return &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("%w: %d MB", ErrTooLarge, info.Size()/1_000_000)}
	}
	return nil
}

// ReadFile reads a file of at most most bytes, as Open opens it.
func ReadFile(path string, most int64) ([]byte, error) {
	file, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		clear(data) // it may hold a key
		data, err = nil, &fs.PathError{Op: "read", Path: path, Err: ErrTooLarge}
	}
	return data, err
}

// ends reports whether what path leads to has an end.
func ends(path string, info fs.FileInfo) bool {
	switch mode := info.Mode(); {
	case mode.IsRegular(), mode.IsDir():
		return true
	case mode&fs.ModeNamedPipe != 0:
		return inherited(path)
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(null, info)
}

// inherited reports whether path is one of the process's own descriptors.
func inherited(path string) bool {
	path = filepath.ToSlash(path)
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}
