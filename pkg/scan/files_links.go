package scan

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
)

var (
	errNotRegular = errors.New("it is not a regular file")
	errCircle     = errors.New("symbolic link loop")
	errTooLarge   = errors.New("it is too large")
)

// outsideError is a link out of a copy of a node's files.
type outsideError struct{ target string }

func (e *outsideError) Error() string { return "it links outside the copy: " + e.target }

// Is makes it an error of something that is not there.
func (e *outsideError) Is(target error) bool { return target == fs.ErrNotExist }

// follow returns the path of what symbolic links in path lead to: in its last
// element as in all above. In a copy of a node's files, absolute ones lead into
// the copy.
func follow(path string) (string, error) {
	links := 0
	return followAll(path, &links)
}

func followAll(path string, links *int) (string, error) {
	dir := filepath.Dir(path)
	if dir != path && dir != "." {
		above, err := followAll(dir, links)
		if err != nil {
			return "", err
		}
		path = filepath.Join(above, filepath.Base(path))
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return path, nil
	}
	if *links++; *links > mostLinks {
		return "", errCircle
	}
	target, err := os.Readlink(path)
	if err != nil {
		return "", err
	}
	next, err := from(filepath.Dir(path), target)
	if err != nil {
		return "", err
	}
	return followAll(next, links)
}

// from returns the path of target, which something in dir refers to. In a copy
// of a node's files, what they call / is a directory above dir: the nearest one
// that has it. Where dir is known to be in a copy, what the copy does not have is
// an error: this machine's file of that name is another one.
func from(dir, target string) (string, error) {
	if !filepath.IsAbs(target) {
		return filepath.Join(dir, target), nil
	}
	above, err := filepath.Abs(dir)
	if err != nil {
		return target, nil
	}
	start := above
	for {
		next := filepath.Dir(above)
		if next == above {
			break // this machine's own root
		}
		here := filepath.Join(above, target)
		if _, err := os.Lstat(here); err == nil {
			return here, nil
		}
		above = next
	}
	// Or only the directory that both lie in was copied. A link there may be the
	// one that is followed.
	beside := filepath.Join(dir, filepath.Base(target))
	if info, err := os.Lstat(beside); err == nil && info.Mode().IsRegular() && filepath.Base(filepath.Dir(target)) == filepath.Base(dir) {
		return beside, nil
	}
	if catalog.InCopy(filepath.ToSlash(start)) {
		return "", &outsideError{target}
	}
	return target, nil
}

// copyEndings are what the names of backups and copies end with, by editors,
// package managers and people.
var copyEndings = []string{".old", ".bak", ".backup", ".orig", ".save", ".saved", ".rpmsave", ".rpmnew", ".dpkg-old", ".dpkg-dist", ".copy", ".prev", ".previous",
	"~", "-old", "-bak", "-backup", "_old", "_bak", "_backup", ".disabled", ".expired"}

// dated is a date or a number at the end of a name.
var dated = regexp.MustCompile(`[._-]\d[\d._:tz-]*$`)

// isCopy reports whether a file or directory of this name is a backup or a copy
// of another one: pki.old, apiserver.crt.bak, apiserver-old.crt, pki.2025-01-31,
// and kubeadm's kubeadm-backup-certs-2025-01-31
// (cmd/kubeadm/app/constants/constants.go, CreateTimestampDir).
func isCopy(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "old", "bak", "backup", "backups":
		return true
	}
	if strings.HasPrefix(name, "kubeadm-backup-") || strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#") {
		return true
	}
	if date := dated.FindString(name); date != "" {
		stem := strings.TrimSuffix(name, date)
		switch ext := filepath.Ext(stem); {
		case namedAsCertificate(stem), ext == ".conf", ext == ".key", ext == ".kubeconfig":
			return true
		case len(date) > 4 && (stem == "pki" || stem == "ssl" || stem == "certs" || stem == "kubernetes"):
			return true
		}
		name = stem
	}
	if namedAsCertificate(name) || namedAsKey(name) {
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	return slices.ContainsFunc(copyEndings, func(ending string) bool { return strings.HasSuffix(name, ending) }) ||
		strings.Contains(name, ".bak.") || strings.Contains(name, ".old.") || strings.Contains(name, ".backup.")
}
