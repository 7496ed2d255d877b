package kubeconfig

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// Files says which files make up the user's kubeconfig, in kubectl's order.
type Files struct {
	Paths []string
	// Explicit says that the user named the one file, which must be there.
	Explicit bool
}

// Locate returns the files that kubectl would read: the one that --kubeconfig
// names stands alone, then the list in KUBECONFIG, then home/.kube/config
// (client-go, tools/clientcmd/config.go, PathOptions).
func Locate(explicit, env, home string) Files {
	if explicit != "" {
		return Files{Paths: []string{explicit}, Explicit: true}
	}
	var paths []string
	for _, path := range filepath.SplitList(env) {
		same := func(other string) bool { return filepath.Clean(other) == filepath.Clean(path) }
		if path != "" && !slices.ContainsFunc(paths, same) {
			paths = append(paths, path)
		}
	}
	if len(paths) > 0 {
		return Files{Paths: paths}
	}
	return Files{Paths: []string{filepath.Join(home, ".kube", "config")}}
}

// Default is the number of the file that new entries and the current context
// go to: the first that is there, or the last.
func (f Files) Default() int {
	for i, path := range f.Paths {
		if _, err := os.Stat(path); err == nil {
			return i
		}
	}
	return len(f.Paths) - 1
}

// Size is how many bytes the files have together.
func (f Files) Size() int64 {
	var size int64
	for _, path := range f.Paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
	}
	return size
}

// mostBytes bounds a kubeconfig: the largest that people have, with thousands
// of contexts, is half of it.
const mostBytes = 96_000_000

// Load reads the user's kubeconfig. A file of a list that is not there is as
// one that is empty, as it is to kubectl.
func Load(files Files) (*Config, error) {
	return load(files, Parse, true)
}

// load reads files; with patience, where the lock, if there is one, is that of
// somebody else, who may be writing at this moment.
func load(files Files, parse func(path, text string) (*Document, error), patience bool) (*Config, error) {
	c := &Config{target: files.Default()}
	for _, path := range files.Paths {
		text, there, err := readFile(path)
		for n := 0; patience && err == nil && there && n < mostLooks && halfWritten(path, text); n++ {
			<-time.After(lockPause)
			text, there, err = readFile(path)
		}
		if err == nil && !there && files.Explicit {
			err = hint.New(fmt.Sprintf("reading kubeconfig %s: no such file", path), "specify another one with --kubeconfig")
		}
		if err != nil {
			return nil, err
		}
		d, err := parse(path, text)
		if err != nil {
			return nil, err
		}
		c.files = append(c.files, d)
		c.there = append(c.there, there)
	}
	return c, nil
}

// mostLooks bounds how often a file is looked at that others seem to be
// writing: for about half a second, since the lock may be one left behind.
const mostLooks = 150

// halfWritten reports whether text seems to be what kubectl leaves for a
// moment while it writes: it empties the file, under its lock, and then fills
// it.
func halfWritten(path, text string) bool {
	if _, err := os.Lstat(lockName(path)); err != nil {
		return false
	}
	if text == "" {
		return true
	}
	_, err := Parse(path, text)
	return err != nil
}

// Read reads one kubeconfig that is not the user's own.
func Read(path string) (*Document, error) {
	c, err := Load(Files{Paths: []string{path}, Explicit: true})
	if err != nil {
		return nil, err
	}
	return c.files[0], nil
}

// ReadFrom reads a kubeconfig from a stream.
func ReadFrom(r io.Reader) (*Document, error) {
	text, err := readAll(r, 0)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig from standard input: %w", err)
	}
	return Parse("", text)
}

// readFile returns the text of a file, and whether there is one.
func readFile(path string) (text string, there bool, err error) {
	file, err := regular.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, cannotRead(path, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", false, cannotRead(path, err)
	}
	if info.IsDir() {
		return "", false, hint.New(fmt.Sprintf("reading kubeconfig %s: it is a directory", path), "name a file in it")
	}
	text, err = readAll(file, info.Size())
	if err != nil {
		return "", false, cannotRead(path, err)
	}
	return text, true, nil
}

var errTooLarge = fmt.Errorf("it is larger than %d MB, too large for a kubeconfig", mostBytes/1_000_000)

// readAll reads a stream of about size bytes, without a second copy of it.
func readAll(r io.Reader, size int64) (string, error) {
	if size > mostBytes {
		return "", errTooLarge
	}
	var text strings.Builder
	text.Grow(int(size))
	n, err := io.Copy(&text, io.LimitReader(r, mostBytes+1))
	if err == nil && n > mostBytes {
		err = errTooLarge
	}
	return text.String(), err
}

func cannotRead(path string, err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return hint.Wrap(fmt.Errorf("reading kubeconfig %s: %w", path, err), "specify another file with --kubeconfig or KUBECONFIG")
}
