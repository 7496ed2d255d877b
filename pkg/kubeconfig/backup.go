package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
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

const backupsDirectory = "backups"

// Backups lists what is kept of the file at path, the newest first.
func Backups(path string) ([]Backup, error) {
	at, err := hold(path, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the backups of %s: %w", path, err)
	}
	defer at.Close()
	dir, err := at.stateDirectory(at.state, false, backupsDirectory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the backups of %s: %w", path, err)
	}
	defer dir.Close()
	backups, err := dir.backups(path, at.name)
	if err != nil {
		return nil, fmt.Errorf("listing the backups of %s: %w", path, err)
	}
	return backups, nil
}

// backups lists those in d of the file at path, whose name is base.
func (d *directory) backups(path, base string) ([]Backup, error) {
	names, err := d.names()
	if err != nil {
		return nil, err
	}
	var backups []Backup
	for _, name := range names {
		stamp, ok := strings.CutPrefix(name, base+".")
		taken, err := time.Parse(backupTime, stamp)
		if !ok || err != nil {
			continue
		}
		there, err := d.stat(name)
		if err != nil || !there.mode.IsRegular() {
			continue // it went away
		}
		backups = append(backups, Backup{d.in(name), path, taken, there.size})
	}
	slices.SortFunc(backups, func(a, b Backup) int { return b.Taken.Compare(a.Taken) })
	return backups, nil
}

// backUp keeps text, which the file holds, and forgets the oldest backups of
// that file.
func (s spot) backUp(text string, now time.Time) (string, error) {
	dir, err := s.stateDirectory(s.state, true, backupsDirectory)
	if err != nil {
		return "", cannotWrite(filepath.Join(s.in(stateDirectory), backupsDirectory), err, asItWas)
	}
	defer dir.Close()
	var at spot
	for {
		at = spot{directory: dir, name: s.name + "." + now.UTC().Format(backupTime)}
		if _, err := dir.stat(at.name); err != nil {
			break
		}
		now = now.Add(time.Nanosecond) // two changes at one moment
	}
	if at.directory, err = dir.again(); err != nil {
		return "", cannotWrite(at.path(), err, asItWas)
	}
	file, err := at.temporary(at.path(), false, asItWas)
	if err != nil {
		return "", err
	}
	defer file.Discard()
	file.owner = s.state
	if err := file.fill(text); err != nil {
		return "", err
	}
	if err := file.finish(); err != nil {
		return "", err
	}
	dir.forget(s.name)
	return dir.in(at.name), nil
}

// forget removes the oldest backups. That it could not is no fault of the
// change that is being made.
func (d *directory) forget(base string) {
	backups, _ := d.backups("", base)
	var total int64
	for i, b := range backups {
		total += b.Size
		if i >= leastBackups && (i >= mostBackups || total > mostBackupBytes) {
			_ = d.remove(filepath.Base(b.Path))
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
		err = hint.New(fmt.Sprintf("restoring %s: it does not exist", b.Path), "list the backups with: kubeconfig backups")
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
