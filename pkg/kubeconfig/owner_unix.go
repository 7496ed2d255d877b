//go:build unix

package kubeconfig

import (
	"errors"
	"os"
)

var errOwner = errors.New("it belongs to another user, and its owner would change")

// keepOwner gives file the owner of another. The group counts for nothing in a
// file of mode 0600, and is kept where that is allowed.
func keepOwner(file *os.File, want *state) error {
	have, err := stateOfFile(file)
	if err != nil {
		return err
	}
	if have.uid == want.uid && have.gid == want.gid {
		return nil
	}
	if err := file.Chown(want.uid, want.gid); err != nil && have.uid != want.uid {
		return errOwner
	}
	return nil
}
