//go:build unix

package kubeconfig

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

var errOwner = errors.New("it belongs to another user, and would not after the change")

// keepOwner gives file the owner of another. The group counts for nothing in a
// file of mode 0600, and is kept where that is allowed.
func keepOwner(file *os.File, other fs.FileInfo) error {
	want, ok := other.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	have, ok := info.Sys().(*syscall.Stat_t)
	if !ok || have.Uid == want.Uid && have.Gid == want.Gid {
		return nil
	}
	err = file.Chown(int(want.Uid), int(want.Gid))
	if err != nil && have.Uid != want.Uid {
		return errOwner
	}
	return nil
}

// passTo gives a directory that root has made to the owner of a file.
func passTo(path string, other fs.FileInfo) {
	if want, ok := other.Sys().(*syscall.Stat_t); ok {
		_ = os.Lchown(path, int(want.Uid), int(want.Gid))
	}
}
