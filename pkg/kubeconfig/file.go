package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// mode is that of every file that holds a private key.
const mode fs.FileMode = 0o600

// File is a place for a new file, held before there is anything to put there:
// that it can be written is known before a credential is made, and what stood
// there before stays whole until Commit.
type File struct {
	shown   string // what the caller calls it
	at      spot   // where it is
	temp    *os.File
	tempAt  string // the name of temp
	replace bool
	kept    string      // a second name of what was replaced, while it may come back
	advice  string      // where writing fails
	mode    fs.FileMode // what it gets
	owner   *state      // whose owner it gets; nil for the user's own
}

// Reserve makes sure that path can be written: its directory is there, and
// nothing is at path unless replace is set. A symbolic link is followed if the
// caller or root has made it. The caller ends with Commit or Discard.
func Reserve(path string, replace bool) (*File, error) {
	at, err := hold(path, false)
	if err != nil {
		return nil, cannotWrite(path, err, elsewhere)
	}
	if err := at.writable(path, replace); err != nil {
		at.Close()
		return nil, err
	}
	return at.temporary(path, replace, elsewhere)
}

// writable reports what is in the way of a new file.
func (s spot) writable(shown string, replace bool) error {
	switch {
	case s.state == nil && s.linked:
		if info, err := os.Stat(shown); err == nil && !info.Mode().IsRegular() { // /dev/stdout
			return hint.New(fmt.Sprintf("writing %s: it is not a regular file", shown), "use --out - for standard output")
		}
		return hint.New(fmt.Sprintf("writing %s: it is a dangling symbolic link", shown), "name another file with --out")
	case s.state == nil:
		return nil
	case s.state.mode.IsDir():
		return hint.New(fmt.Sprintf("writing %s: it is a directory", shown), "name a file in it with --out")
	case !s.state.mode.IsRegular():
		return hint.New(fmt.Sprintf("writing %s: it is not a regular file", shown), "use --out - for standard output")
	case !replace:
		return exists(shown)
	}
	return nil
}

// temporary begins a file for s, which is closed with it.
func (s spot) temporary(shown string, replace bool, advice string) (*File, error) {
	// A new file has mode 0600 or less, whatever the umask.
	temp, name, err := s.createTemp("."+s.name+".", ".tmp")
	if err != nil {
		s.Close()
		return nil, cannotWrite(shown, err, advice)
	}
	return &File{shown: shown, at: s, temp: temp, tempAt: name, replace: replace, advice: advice, mode: mode}, nil
}

// Commit puts data there: whole and on the disk, or not at all.
func (f *File) Commit(data []byte) error {
	defer f.Discard()
	if err := f.fill(string(data)); err != nil {
		return err
	}
	return f.finish()
}

// finish puts what fill has written there.
func (f *File) finish() error {
	if err := f.place(); err != nil {
		return err
	}
	f.at.sync()
	return nil
}

// place gives the finished file its name.
func (f *File) place() error {
	if !f.replace {
		// A link, unlike a rename, fails on a file that came meanwhile.
		err := f.at.link(f.tempAt, f.at.name)
		if err == nil {
			return nil
		}
		// Not every file system has links: there, look and then rename.
		if _, statErr := f.at.stat(f.at.name); statErr == nil || errors.Is(err, fs.ErrExist) {
			return exists(f.shown)
		}
	}
	if err := f.at.rename(f.tempAt, f.at.name); err != nil {
		return cannotWrite(f.shown, err, f.advice)
	}
	return nil
}

// fill writes data, but not yet under the file's name.
func (f *File) fill(data string) error {
	if err := f.write(data); err != nil {
		return cannotWrite(f.shown, err, f.advice)
	}
	return nil
}

func (f *File) write(data string) error {
	if f.owner != nil {
		if err := keepOwner(f.temp, f.owner); err != nil {
			return err
		}
	}
	if err := f.temp.Chmod(f.mode); err != nil {
		return err
	}
	if _, err := f.temp.WriteString(data); err != nil {
		return err
	}
	if err := f.temp.Sync(); err != nil {
		return err
	}
	return f.temp.Close()
}

// Discard gives the place up and leaves nothing behind. It does nothing after
// a successful Commit.
func (f *File) Discard() {
	if f.at.directory == nil {
		return
	}
	_ = f.temp.Close()
	_ = f.at.remove(f.tempAt)
	if f.kept != "" {
		_ = f.at.remove(f.kept)
	}
	f.at.Close()
	f.at.directory = nil
}

func exists(path string) error {
	return hint.New(fmt.Sprintf("writing %s: the file already exists", path),
		"use --force to overwrite it, or another name with --out")
}

// elsewhere is the advice where a new file cannot be written.
const elsewhere = "name another directory with --out"

func cannotWrite(path string, err error, advice string) error {
	// The path of the temporary file would only confuse.
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	if linkErr, ok := errors.AsType[*os.LinkError](err); ok {
		err = linkErr.Err
	}
	if own := hint.Of(err); own != "" {
		advice = own
	}
	return hint.Wrap(fmt.Errorf("writing %s: %w", path, err), advice)
}
