package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// mode is that of every file that holds a private key.
const mode fs.FileMode = 0o600

// File is a place for a new file, held before there is anything to put there:
// that it can be written is known before a credential is made, and what stood
// there before stays whole until Commit.
type File struct {
	shown   string // what the caller calls it
	path    string // where it is
	temp    *os.File
	replace bool
	stood   bool        // something stood there when it was reserved
	kept    string      // a second name of what was replaced, while it may come back
	advice  string      // where writing fails
	mode    fs.FileMode // what it gets
	owner   fs.FileInfo // whose owner it gets; nil for the user's own
}

// Reserve makes sure that path can be written: its directory is there, and
// nothing stands at path unless replace is set. A symbolic link is followed.
// The caller ends with Commit or Discard.
func Reserve(path string, replace bool) (*File, error) {
	shown := path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	info, err := os.Stat(path)
	stood := err == nil
	switch {
	case err == nil && info.IsDir():
		return nil, hint.New(fmt.Sprintf("writing %s: it is a directory", shown), "name a file in it with --out")
	case err == nil && !info.Mode().IsRegular():
		return nil, hint.New(fmt.Sprintf("writing %s: it is not a regular file", shown), "use --out - for standard output")
	case err == nil && !replace:
		return nil, exists(shown)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, cannotWrite(shown, err, elsewhere)
	case err != nil && isSymlink(path):
		return nil, hint.New(fmt.Sprintf("writing %s: it is a symbolic link that leads nowhere", shown), "name another file with --out")
	}
	f, err := temporary(shown, path, replace, elsewhere)
	if err != nil {
		return nil, err
	}
	f.stood = stood
	return f, nil
}

// temporary begins a file beside path, which is no symbolic link.
func temporary(shown, path string, replace bool, advice string) (*File, error) {
	// CreateTemp gives mode 0600, whatever the umask.
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return nil, cannotWrite(shown, err, advice)
	}
	return &File{shown: shown, path: path, temp: temp, replace: replace, advice: advice, mode: mode}, nil
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
	syncDirectory(filepath.Dir(f.path))
	return nil
}

// place gives the finished file its name.
func (f *File) place() error {
	if !f.replace {
		// A link, unlike a rename, fails on a file that came meanwhile.
		err := os.Link(f.temp.Name(), f.path)
		if err == nil {
			return nil
		}
		// Not every file system has links: there, look and then rename.
		if _, statErr := os.Lstat(f.path); statErr == nil || errors.Is(err, fs.ErrExist) {
			return exists(f.shown)
		}
	}
	if err := os.Rename(f.temp.Name(), f.path); err != nil {
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
	_ = f.temp.Close()
	_ = os.Remove(f.temp.Name())
}

// syncDirectory makes a new name in a directory outlive a crash, where it can:
// some file systems cannot sync a directory, and one that may be written need
// not be readable. The file stands there by now, and is safe on the disk.
func syncDirectory(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	_ = d.Sync()
}

func isSymlink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

func exists(path string) error {
	return hint.New(fmt.Sprintf("writing %s: a file of that name is already there", path),
		"pass --force to replace it, or another name with --out")
}

// elsewhere is the advice where a new file cannot be written.
const elsewhere = "name another place with --out"

func cannotWrite(path string, err error, advice string) error {
	// The path of the temporary file would only confuse.
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	if linkErr, ok := errors.AsType[*os.LinkError](err); ok {
		err = linkErr.Err
	}
	return hint.Wrap(fmt.Errorf("writing %s: %w", path, err), advice)
}
