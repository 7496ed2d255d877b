package scan

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// Files that a kubeconfig names instead of their contents.

// dataOrFile returns what is embedded, or in the file that is named instead; nil
// where there is nothing, which is reported if there should be something.
func (k *kubeconfigFile) dataOrFile(where, field string, data []byte, name string) []byte {
	if len(data) > 0 || name == "" {
		return data
	}
	if k.inside || k.file.copy {
		return nil
	}
	path, err := k.from(name)
	if err == nil {
		data, err = readRegular(path, mostFileBytes)
	}
	switch {
	case err == nil:
		return data
	case errors.Is(err, fs.ErrNotExist):
		k.note(where+"#"+field, notice{Code: noticeRefersGone, Args: []string{shownPath(name)}})
	default:
		k.skipError(where+"#"+field, err)
	}
	return nil
}

// from returns the path of a file that the kubeconfig names, links followed.
func (k *kubeconfigFile) from(name string) (string, error) {
	path, err := from(filepath.Dir(k.file.path), name)
	if err != nil {
		return "", err
	}
	return follow(path)
}

// shownPath is a path that a kubeconfig names, unless it does not look like
// one: somebody may have put the contents there, a key for example.
func shownPath(name string) string {
	if len(name) > mostTextShown || !strings.Contains(filepath.Base(name), ".") || strings.ContainsAny(name, "\r\n") {
		return "(no file name)"
	}
	return name
}
