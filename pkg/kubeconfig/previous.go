package kubeconfig

import (
	"os"
	"path/filepath"
	"strings"
)

// previousFile is where the context that was current before is remembered,
// beside the file that says which is current now.
func (f Files) previousFile() string {
	path := f.Paths[f.Default()]
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return filepath.Join(filepath.Dir(path), stateDirectory, filepath.Base(path)+".previous-context")
}

// Previous is the context that was current before; "" where none is known.
func (f Files) Previous() (string, error) {
	text, _, err := readFile(f.previousFile())
	return strings.TrimSuffix(text, "\n"), err
}

// RememberPrevious makes name the context to go back to.
func (f Files) RememberPrevious(name string) error {
	if name == "" {
		return nil
	}
	path := f.previousFile()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return cannotWrite(path, err, asItWas)
	}
	file, err := Reserve(path, true)
	if err != nil {
		return err
	}
	return file.Commit([]byte(name + "\n"))
}
