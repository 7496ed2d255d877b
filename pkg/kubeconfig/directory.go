package kubeconfig

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// What is written beside a user's file is written into a directory that is held
// by its descriptor: others may rename what the path leads through, and put
// links there, at any moment. Links are followed on the way to the directory
// only where the caller or root has made them.

// state is what is known of a file, a directory or a link.
type state struct {
	mode     fs.FileMode
	size     int64
	modified time.Time
	// uid and gid own it, where files have such owners.
	uid, gid int
	// id tells it from all others on this machine; nil where that is not known.
	id any
}

// spot is a name in a directory: where a file is, or is to be, once every
// symbolic link on the way was followed.
type spot struct {
	*directory
	name string
	// state is of what is there; nil for nothing.
	state *state
	// linked says that the path ended in a symbolic link.
	linked bool
}

// path is where it is.
func (s spot) path() string { return s.directory.in(s.name) }

// in is the path of a name in the directory.
func (d *directory) in(name string) string { return filepath.Join(d.path, name) }

// foreignLink is the error about a link that another user has made.
func foreignLink(path string, uid int) error {
	return hint.New(fmt.Sprintf("%s is a symbolic link created by another user (uid %d)", path, uid),
		"that user controls where the file is written; if you trust the target, specify it instead of the link")
}

// mostLinks bounds the links on one path, as Linux does.
const mostLinks = 40

var errLinks = errors.New("too many levels of symbolic links")

// create makes a new file, for its owner alone.
func (d *directory) create(name string) (*os.File, error) { return d.openNew(name) }

// enter opens the directory that s is.
func (s spot) enter() (*directory, error) {
	if s.name == "." {
		return s.again()
	}
	return s.sub(s.name)
}

// createTemp makes a new file with a name that nobody can foresee.
func (d *directory) createTemp(prefix, suffix string) (file *os.File, name string, err error) {
	name = prefix + rand.Text() + suffix
	file, err = d.create(name)
	return file, name, err
}

// stateDirectory opens the directory beside a kubeconfig that holds what this
// program keeps about it, or one within, made if making is set. owner is the state
// of the kubeconfig: whoever owns it owns the directory, and nobody else has a
// hand in it, or what is restored from there would be theirs.
func (d *directory) stateDirectory(owner *state, making bool, names ...string) (*directory, error) {
	current := d
	for _, name := range append([]string{stateDirectory}, names...) {
		next, err := current.within(name, owner, making)
		if current != d {
			current.Close()
		}
		if err != nil {
			return nil, err
		}
		current = next
	}
	return current, nil
}

// within opens a directory in d that is no link and belongs to the caller, to
// root or to owner; with making, it is made for owner if it is not there.
func (d *directory) within(name string, owner *state, making bool) (*directory, error) {
	made := false
	if making {
		err := d.mkdir(name)
		if made = err == nil; err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	sub, err := d.sub(name)
	if err != nil {
		return nil, err
	}
	if made {
		sub.passTo(owner)
	}
	if err := sub.checkOwner(owner); err != nil {
		sub.Close()
		return nil, err
	}
	return sub, nil
}

// locate is hold for a file that is to be there.
func locate(path string) (spot, error) {
	s, err := hold(path, false)
	if err == nil && s.state == nil {
		s.Close()
		return spot{}, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return s, err
}

// MakeDirectory makes a directory for nobody else to read, with those above it
// if parents is set, and returns whether it was not there before.
func MakeDirectory(path string, parents bool) (made bool, err error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return false, nil
	}
	s, err := hold(path, parents)
	if err != nil {
		return false, err
	}
	defer s.Close()
	if s.state != nil {
		return false, &fs.PathError{Op: "mkdir", Path: path, Err: fs.ErrExist}
	}
	return true, s.mkdir(s.name)
}

// Mark puts an empty file at path, whose date says when something happened, in
// place of one that is there.
func Mark(path string) error {
	s, err := hold(path, false)
	if err != nil {
		return err
	}
	defer s.Close()
	if s.linked {
		return &fs.PathError{Op: "mark", Path: path, Err: errors.New("it is a symbolic link")}
	}
	_ = s.remove(s.name) // it need not be there
	file, err := s.create(s.name)
	if err != nil {
		return err
	}
	return file.Close()
}
