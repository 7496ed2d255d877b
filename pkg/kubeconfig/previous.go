package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// previousFile is where the context that was current before is remembered,
// beside the file that says which is current now. With making, its directory is
// made.
func (f Files) previousFile(making bool) (spot, *state, error) {
	at, err := hold(f.Paths[f.Default()], making)
	if err != nil {
		return spot{}, nil, err
	}
	defer at.Close()
	dir, err := at.stateDirectory(at.state, making)
	if err != nil {
		return spot{}, nil, err
	}
	file := spot{directory: dir, name: at.name + ".previous-context"}
	if there, err := dir.stat(file.name); err == nil {
		file.state = there
	}
	return file, at.state, nil
}

// Previous is the context that was current before; "" where none is known.
func (f Files) Previous() (string, error) {
	at, _, err := f.previousFile(false)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the previous context: %w", err)
	}
	defer at.Close()
	file, err := at.open(at.name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the previous context: %w", err)
	}
	defer file.Close()
	text, err := readAll(file, 0)
	return strings.TrimSuffix(text, "\n"), err
}

// RememberPrevious makes name the context to go back to.
func (f Files) RememberPrevious(name string) error {
	if name == "" {
		return nil
	}
	at, owner, err := f.previousFile(true)
	if err != nil {
		return cannotWrite("the previous context", err, asItWas)
	}
	file, err := at.temporary(at.path(), true, asItWas)
	if err != nil {
		return err
	}
	defer file.Discard()
	file.owner = owner
	return file.Commit([]byte(name + "\n"))
}
