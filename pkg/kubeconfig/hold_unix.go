//go:build unix

package kubeconfig

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// openStart opens where a path begins: the root or the working directory.
func openStart(path string) (*directory, error) {
	start := "."
	if strings.HasPrefix(path, "/") {
		start = "/"
	}
	fd, err := unix.Open(start, searchOnly|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: start, Err: err}
	}
	return &directory{os.NewFile(uintptr(fd), start), start}, nil
}

// hold opens the directory of the file at path, following the links that the
// caller or root has made, one step after the other, so that nobody can change
// the way behind what was checked. With making, directories that are not there are
// made, for nobody else to read.
func hold(path string, making bool) (spot, error) {
	d, err := openStart(path)
	if err != nil {
		return spot{}, err
	}
	s := spot{directory: d}
	links := 0
	for rest := steps(path); ; {
		if len(rest) == 0 {
			s.name = "." // the directory itself
			s.state, err = s.stat(".")
			return s, err
		}
		s.name, rest = rest[0], rest[1:]
		last := len(rest) == 0
		next, found, target, err := s.look(s.name)
		if errors.Is(err, fs.ErrNotExist) && last {
			return s, nil
		}
		if errors.Is(err, fs.ErrNotExist) && making {
			if err = s.mkdir(s.name); err == nil || errors.Is(err, fs.ErrExist) {
				next, found, target, err = s.look(s.name)
			}
		}
		if err != nil {
			s.Close()
			return spot{}, err
		}
		switch {
		case found.mode&fs.ModeSymlink != 0:
			if links++; links > mostLinks {
				err = s.fault("open", s.name, errLinks)
			} else if !trusted(found.uid) {
				err = foreignLink(s.path(), found.uid)
			}
			if err == nil && strings.HasPrefix(target, "/") {
				err = s.startAgain(target)
			}
			s.linked = s.linked || last
			rest = slices.Concat(steps(target), rest)
		case last:
			next.close()
			s.state = found
			return s, nil
		case found.mode.IsDir():
			path := s.path()
			s.Close()
			s.directory = &directory{os.NewFile(uintptr(next), path), path}
			next = none
		default:
			err = s.fault("open", s.name, unix.ENOTDIR)
		}
		next.close()
		if err != nil {
			s.Close()
			return spot{}, err
		}
	}
}

// startAgain goes to where a path begins.
func (s *spot) startAgain(path string) error {
	start, err := openStart(path)
	if err != nil {
		return err
	}
	s.Close()
	s.directory = start
	return nil
}

// steps are the names of a path, one below the other. Nothing is put together:
// what .. means depends on where a link has led to.
func steps(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(name string) bool { return name == "" || name == "." })
}

// descriptor is an open one, or none.
type descriptor int

const none descriptor = -1

func (d descriptor) close() {
	if d != none {
		_ = unix.Close(int(d))
	}
}

// trusted reports whether what uid has made may lead the caller: it is the
// caller's own, or root's.
func trusted(uid int) bool { return uid == 0 || uid == os.Geteuid() }
