//go:build unix

package kubeconfig

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// directory is a directory that is held by its descriptor.
type directory struct {
	*os.File
	// path leads through no symbolic link, as far as nobody changes it.
	path string
}

func (d *directory) fd() int { return int(d.Fd()) }

// fault is err of what was tried with name.
func (d *directory) fault(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: d.in(name), Err: err}
}

func stateOf(st *unix.Stat_t) *state {
	mode := fs.FileMode(uint32(st.Mode) & 0o777)
	switch uint32(st.Mode) & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	default:
		mode |= fs.ModeIrregular
	}
	return &state{mode: mode, size: st.Size, modified: time.Unix(st.Mtim.Unix()), uid: int(st.Uid), gid: int(st.Gid), id: [2]uint64{uint64(st.Dev), uint64(st.Ino)}}
}

// stat is of name itself, where that is a link.
func (d *directory) stat(name string) (*state, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(d.fd(), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil, d.fault("stat", name, err)
	}
	return stateOf(&st), nil
}

// stateOfFile is the state of an open file.
func stateOfFile(file *os.File) (*state, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: file.Name(), Err: err}
	}
	return stateOf(&st), nil
}

// openNew makes a file. O_EXCL follows no link.
func (d *directory) openNew(name string) (*os.File, error) {
	fd, err := unix.Openat(d.fd(), name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, uint32(mode))
	if err != nil {
		return nil, d.fault("create", name, err)
	}
	return os.NewFile(uintptr(fd), d.in(name)), nil
}

// open opens a file for reading that is no link; a pipe does not hold it up.
func (d *directory) open(name string) (*os.File, error) {
	fd, err := unix.Openat(d.fd(), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, d.fault("open", name, err)
	}
	return os.NewFile(uintptr(fd), d.in(name)), nil
}

// sub opens a directory in d that is no link.
func (d *directory) sub(name string) (*directory, error) {
	fd, err := unix.Openat(d.fd(), name, searchOnly|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		return &directory{os.NewFile(uintptr(fd), d.in(name)), d.in(name)}, nil
	}
	if found, statErr := d.stat(name); statErr == nil && found.mode&fs.ModeSymlink != 0 {
		return nil, hint.New(d.in(name)+" is a symbolic link", "links are not followed there: find out who created it, and remove it")
	}
	return nil, d.fault("open", name, err)
}

// again holds d once more, with a descriptor of its own.
func (d *directory) again() (*directory, error) {
	fd, err := unix.FcntlInt(d.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, d.fault("open", ".", err)
	}
	return &directory{os.NewFile(uintptr(fd), d.path), d.path}, nil
}

func (d *directory) mkdir(name string) error {
	return d.fault("mkdir", name, unix.Mkdirat(d.fd(), name, 0o700))
}

// link gives old a second name, which is new.
func (d *directory) link(old, new string) error {
	return d.fault("link", new, unix.Linkat(d.fd(), old, d.fd(), new, 0))
}

func (d *directory) rename(old, new string) error {
	return d.fault("rename", new, unix.Renameat(d.fd(), old, d.fd(), new))
}

func (d *directory) remove(name string) error {
	return d.fault("remove", name, unix.Unlinkat(d.fd(), name, 0))
}

// names lists what is in d.
func (d *directory) names() ([]string, error) {
	readable, err := d.open(".")
	if err != nil {
		return nil, err
	}
	defer readable.Close()
	return readable.Readdirnames(-1)
}

// sync makes the names in d outlive a crash, where it can: some file systems
// cannot sync a directory, and one that may be written need not be readable.
func (d *directory) sync() {
	if readable, err := d.open("."); err == nil {
		defer readable.Close()
		_ = readable.Sync()
	}
}

// passTo gives a directory that was just made to the owner of a file. Whoever
// owns the directory above may have put another in its place meanwhile: nothing
// is given away that holds anything.
func (d *directory) passTo(owner *state) {
	have, err := stateOfFile(d.File)
	if err != nil || owner == nil || have.uid == owner.uid && have.gid == owner.gid || have.uid != os.Geteuid() {
		return
	}
	readable, err := d.open(".")
	if err != nil {
		return
	}
	defer readable.Close()
	if _, err := readable.Readdirnames(1); !errors.Is(err, io.EOF) {
		return
	}
	_ = readable.Chown(owner.uid, owner.gid)
}

// checkOwner reports whether others than the caller, root and owner may change
// what is in d.
func (d *directory) checkOwner(owner *state) error {
	have, err := stateOfFile(d.File)
	if err != nil {
		return err
	}
	if !trusted(have.uid) && (owner == nil || have.uid != owner.uid) {
		return hint.New(fmt.Sprintf("%s belongs to another user (uid %d)", d.path, have.uid), "files are not written to another user's directory: move it away, or keep the kubeconfig in your own directory")
	}
	if have.mode&0o022 != 0 {
		return hint.New(fmt.Sprintf("%s can be written by others (mode %04o)", d.path, have.mode.Perm()), "if it was not tampered with, restrict it: chmod 700 "+d.path)
	}
	return nil
}

// changeMode changes the mode of a regular file, through its descriptor.
func (s spot) changeMode(change func(fs.FileMode) fs.FileMode) error {
	file, err := s.open(s.name)
	if err != nil {
		return err
	}
	defer file.Close()
	have, err := stateOfFile(file)
	if err != nil {
		return err
	}
	if !have.mode.IsRegular() {
		return s.fault("chmod", s.name, errors.New("it is not a regular file"))
	}
	return file.Chmod(change(have.mode.Perm()))
}

// isPrivate reports what would let others read or write a file of secrets, as
// ssh asks of its keys: it belongs to the caller or to root, and nobody else may
// read it.
func isPrivate(file *os.File) error {
	have, err := stateOfFile(file)
	switch {
	case err != nil:
		return err
	case !have.mode.IsRegular():
		return errors.New("it is not a regular file")
	case !trusted(have.uid):
		return hint.New(fmt.Sprintf("it belongs to another user (uid %d)", have.uid), "its owner can replace it: use a file that you own")
	case have.mode&0o077 != 0:
		return hint.New(fmt.Sprintf("others may read or write it (mode %04o)", have.mode.Perm()), "if it was not tampered with, restrict it: chmod 600 "+filepath.Clean(file.Name()))
	}
	return nil
}
