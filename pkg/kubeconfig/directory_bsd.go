//go:build unix && !linux

package kubeconfig

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// searchOnly opens a directory.
const searchOnly = unix.O_RDONLY

var errChanged = errors.New("it changed while it was checked")

// look opens name, and returns what it is, and where it leads to if it is a
// link. Here a link cannot be opened: it is looked at before and after.
func (d *directory) look(name string) (next descriptor, found *state, target string, err error) {
	if found, err = d.stat(name); err != nil {
		return none, nil, "", err
	}
	switch {
	case found.mode&fs.ModeSymlink != 0:
		text := make([]byte, 4096)
		n, err := unix.Readlinkat(d.fd(), name, text)
		if err != nil {
			return none, nil, "", d.fault("readlink", name, err)
		}
		if again, err := d.stat(name); err != nil || again.id != found.id {
			return none, nil, "", d.fault("readlink", name, errChanged)
		}
		return none, found, string(text[:n]), nil
	case found.mode.IsDir():
		fd, err := unix.Openat(d.fd(), name, searchOnly|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return none, nil, "", d.fault("open", name, err)
		}
		return descriptor(fd), found, "", nil
	}
	return none, found, "", nil
}
