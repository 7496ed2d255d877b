package kubeconfig

import "golang.org/x/sys/unix"

// searchOnly opens a directory that may not be readable.
const searchOnly = unix.O_PATH

// look opens name, and returns what it is, and where it leads to if it is a
// link: all of the same descriptor.
func (d *directory) look(name string) (next descriptor, found *state, target string, err error) {
	fd, err := unix.Openat(d.fd(), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return none, nil, "", d.fault("open", name, err)
	}
	next = descriptor(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		next.close()
		return none, nil, "", d.fault("stat", name, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return next, stateOf(&st), "", nil
	}
	text := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", text)
	if err != nil {
		next.close()
		return none, nil, "", d.fault("readlink", name, err)
	}
	return next, stateOf(&st), string(text[:n]), nil
}
