//go:build !unix

package kubeconfig

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// directory is a directory, by its path: files have no owners here as they have
// on Unix, and nobody makes links without a right to.
type directory struct{ path string }

func (d *directory) again() (*directory, error) { return d, nil }

// Close does nothing.
func (d *directory) Close() error { return nil }

func hold(path string, making bool) (spot, error) {
	if making {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return spot{}, err
		}
	}
	target, err := filepath.EvalSymlinks(path)
	s := spot{linked: isLink(path)}
	if errors.Is(err, fs.ErrNotExist) {
		target, err = path, nil
	}
	if err != nil {
		return spot{}, err
	}
	s.directory, s.name = &directory{filepath.Dir(target)}, filepath.Base(target)
	if s.state, err = s.stat(s.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return spot{}, err
	}
	if s.state != nil && s.state.mode&fs.ModeSymlink != 0 {
		s.state = nil // it leads nowhere
	}
	return s, nil
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

func (d *directory) stat(name string) (*state, error) {
	info, err := os.Lstat(d.in(name))
	if err != nil {
		return nil, err
	}
	return &state{mode: info.Mode(), size: info.Size(), modified: info.ModTime()}, nil
}

func (d *directory) openNew(name string) (*os.File, error) {
	return os.OpenFile(d.in(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
}

func (d *directory) open(name string) (*os.File, error) { return os.Open(d.in(name)) }

func (d *directory) sub(name string) (*directory, error) {
	found, err := d.stat(name)
	if err == nil && !found.mode.IsDir() {
		err = &fs.PathError{Op: "open", Path: d.in(name), Err: errors.New("it is not a directory")}
	}
	return &directory{d.in(name)}, err
}

func (d *directory) mkdir(name string) error      { return os.Mkdir(d.in(name), 0o700) }
func (d *directory) link(old, new string) error   { return os.Link(d.in(old), d.in(new)) }
func (d *directory) rename(old, new string) error { return os.Rename(d.in(old), d.in(new)) }
func (d *directory) remove(name string) error     { return os.Remove(d.in(name)) }
func (d *directory) sync()                        {}
func (d *directory) passTo(*state)                {}
func (d *directory) checkOwner(*state) error      { return nil }
func isPrivate(*os.File) error                    { return nil }
func keepOwner(*os.File, *state) error            { return nil }

func (d *directory) names() ([]string, error) {
	dir, err := os.Open(d.path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Readdirnames(-1)
}

func (s spot) changeMode(change func(fs.FileMode) fs.FileMode) error {
	return os.Chmod(s.path(), change(s.state.mode.Perm()))
}
