package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// stateDirectory lies beside a kubeconfig and holds what this program keeps
// about it.
const stateDirectory = ".kubectl-certs"

// How many backups of a file are kept: so many, as long as they are not larger
// than so much together; but always a few.
const (
	mostBackups     = 20
	mostBackupBytes = 256_000_000
	leastBackups    = 3
)

// backupTime is the end of a backup's name: it sorts as time goes.
const backupTime = "20060102T150405.000000000Z"

// Backup is a file as it was before a change.
type Backup struct {
	Path string
	// Of is the file that it is a backup of, and Taken when that was changed.
	Of    string
	Taken time.Time
	Size  int64
}

func backupDirectory(path string) string {
	return filepath.Join(filepath.Dir(path), stateDirectory, "backups")
}

// Backups lists what is kept of the file at path, the newest first.
func Backups(path string) ([]Backup, error) {
	target := path
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		target = resolved
	}
	dir := backupDirectory(target)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing the backups of %s: %w", path, err)
	}
	var backups []Backup
	for _, e := range entries {
		stamp, ok := strings.CutPrefix(e.Name(), filepath.Base(target)+".")
		taken, err := time.Parse(backupTime, stamp)
		if !ok || err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue // it went away
		}
		backups = append(backups, Backup{filepath.Join(dir, e.Name()), path, taken, info.Size()})
	}
	slices.SortFunc(backups, func(a, b Backup) int { return b.Taken.Compare(a.Taken) })
	return backups, nil
}

// backUp keeps text, which the file at target holds, and forgets the oldest
// backups of that file.
func backUp(target, text string, now time.Time) (string, error) {
	dir := backupDirectory(target)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", cannotWrite(dir, err, asItWas)
	}
	owner, err := os.Stat(target)
	if err != nil {
		return "", cannotWrite(target, err, asItWas)
	}
	for _, made := range []string{filepath.Dir(dir), dir} {
		passTo(made, owner)
	}
	for {
		path := filepath.Join(dir, filepath.Base(target)+"."+now.UTC().Format(backupTime))
		file, err := temporary(path, path, false, asItWas)
		if err != nil {
			return "", err
		}
		file.owner = owner
		if _, err := os.Lstat(path); err == nil {
			file.Discard()
			now = now.Add(time.Nanosecond) // two changes at one moment
			continue
		}
		err = file.fill(text)
		if err == nil {
			err = file.finish()
		}
		file.Discard()
		if err != nil {
			return "", err
		}
		forget(target)
		return path, nil
	}
}

// forget removes the oldest backups. That it could not is no fault of the
// change that is being made.
func forget(target string) {
	backups, _ := Backups(target)
	var total int64
	for i, b := range backups {
		total += b.Size
		if i >= leastBackups && (i >= mostBackups || total > mostBackupBytes) {
			_ = os.Remove(b.Path)
		}
	}
}

// Restore puts a backup in the place of the file that it was taken of. What
// stands there becomes a backup itself.
func (c *Config) Restore(b Backup) ([]Change, error) {
	number := slices.IndexFunc(c.files, func(d *Document) bool { return d.Path == b.Of })
	if number < 0 {
		return nil, fmt.Errorf("restoring %s: %s is not among the files of the kubeconfig", b.Path, b.Of)
	}
	text, there, err := readFile(b.Path)
	if err == nil && !there {
		err = hint.New(fmt.Sprintf("restoring %s: it is not there", b.Path), "list what is there with: kubeconfig backups")
	}
	if err != nil {
		return nil, err
	}
	if text == c.files[number].Text() {
		return nil, nil
	}
	d, err := read(b.Of, text)
	if err != nil {
		return nil, err
	}
	c.files[number] = d
	return []Change{{Changed, "file", b.Of, "", b.Of}}, nil
}
