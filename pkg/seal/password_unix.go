//go:build unix

package seal

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

func checkPrivate(path string, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return hint.New(fmt.Sprintf("the password file %s can be read or changed by others (mode %04o)", path, mode), "restrict its permissions, and choose another password if others may have read it: chmod 600 "+path)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return hint.New(fmt.Sprintf("the password file %s belongs to another user (uid %d)", path, stat.Uid), "put the password into a file that you own")
	}
	return nil
}
