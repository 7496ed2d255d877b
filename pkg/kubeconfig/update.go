package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// settle is how long a lock is kept after the file was replaced. kubectl reads
// before it locks, and then removes what it did not see. One that has read the
// old file thus finds the lock, and fails, instead of undoing the change.
const settle = 20 * time.Millisecond

// FileChange is what an update does to one file.
type FileChange struct {
	Path string
	// Before is nil where there was no file.
	Before, After *Document
	// Backup is where the file that was there before is kept; "" before the
	// update is made, and where there was none.
	Backup string
}

// NewFile is the change that puts text in the place of what is at path, if
// anything is.
func NewFile(path, text string) (FileChange, error) {
	after, err := Parse(path, text)
	if err != nil {
		return FileChange{}, err
	}
	before, there, err := readFile(path)
	if err != nil || !there {
		return FileChange{Path: path, After: after}, err
	}
	d, err := Parse(path, before)
	if err != nil {
		d = &Document{Path: path, text: before, broken: true}
	}
	return FileChange{Path: path, Before: d, After: after}, nil
}

// Update is a change to the user's kubeconfig that is made safely: under
// kubectl's own lock, on what the files hold then, one file after the other,
// each replaced as a whole, with a backup of what was there.
type Update struct {
	Files Files
	Now   func() time.Time
	// Change changes the configuration. It is called again, on what the files
	// hold then, when somebody else was quicker; so it has no other effects.
	Change func(*Config) error
	// Anyhow takes files that are no kubeconfigs as well, for Change to
	// replace as a whole.
	Anyhow bool
}

// Preview says what the update would do. Nothing is locked and nothing written.
func (u Update) Preview() ([]FileChange, error) { return u.preview(true) }

func (u Update) preview(patience bool) ([]FileChange, error) {
	c, err := u.load(patience)
	if err != nil {
		return nil, err
	}
	texts, broken, there := make([]string, len(c.files)), make([]bool, len(c.files)), c.there
	for i, d := range c.files {
		texts[i], broken[i] = d.text, d.broken
	}
	if err := u.Change(c); err != nil {
		return nil, err
	}
	var changes []FileChange
	for i, d := range c.files {
		if d.text == texts[i] {
			continue
		}
		if err := judge(d.text); err != nil && !u.Anyhow {
			return nil, hint.New(fmt.Sprintf("changing %s: kubectl would refuse the result: %s", d.shown(), err), "nothing was changed")
		}
		change := FileChange{Path: d.Path, After: d}
		if there[i] {
			change.Before = &Document{Path: d.Path, text: texts[i], broken: broken[i]}
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// load reads the files; the one that was named need not be there yet.
func (u Update) load(patience bool) (*Config, error) {
	files := u.Files
	files.Explicit = false
	return load(files, func(path, text string) (*Document, error) {
		d, err := Parse(path, text)
		if err != nil && u.Anyhow {
			return &Document{Path: path, text: text, parsed: &yamledit.Document{Text: text}, broken: true}, nil
		}
		return d, err
	}, patience)
}

// Run makes the update and says what it has done.
func (u Update) Run(ctx context.Context) ([]FileChange, error) {
	// Somebody may have changed the files by the time the lock is had, so that
	// another file is to be changed: that one is then to be locked as well.
	var paths []string
	more, err := u.changing()
	for err == nil && len(more) > 0 {
		paths = append(paths, more...)
		release(int(u.Files.Size()))
		var done []FileChange
		if done, more, err = u.locked(ctx, paths); len(more) == 0 {
			return done, err
		}
	}
	return nil, err
}

// changing lists the files that the update would change. It holds on to
// nothing else: the files may be large.
func (u Update) changing() ([]string, error) {
	changes, err := u.Preview()
	var paths []string
	for _, c := range changes {
		paths = append(paths, c.Path)
	}
	return paths, err
}

// locked makes the update with paths locked. Where that does not do, it does
// nothing, and returns which files are to be locked as well.
func (u Update) locked(ctx context.Context, paths []string) (done []FileChange, more []string, err error) {
	for _, path := range paths {
		if err := makeParents(path); err != nil {
			return nil, nil, err
		}
	}
	held, err := lockAll(ctx, paths, u.Now)
	if err != nil {
		return nil, nil, err
	}
	defer held.release()
	changes, err := u.preview(false) // the lock is ours
	if err != nil {
		return nil, nil, err
	}
	for _, c := range changes {
		if !slices.Contains(paths, c.Path) {
			more = append(more, c.Path)
		}
	}
	if len(more) > 0 {
		return nil, more, nil
	}
	for i := range changes {
		if err := changes[i].make(u.Now()); err != nil {
			return changes[:i], nil, err
		}
	}
	if len(changes) > 0 {
		<-time.After(settle)
	}
	return changes, nil, nil
}

// asItWas is the advice where a change cannot be made.
const asItWas = "nothing was changed there"

// makeParents makes the directory of a file that is not there yet, as kubectl
// does, but for nobody else to read.
func makeParents(path string) error {
	at, err := hold(path, true)
	if err != nil {
		return cannotWrite(path, err, asItWas)
	}
	return at.Close()
}

// make makes the change.
func (c *FileChange) make(now time.Time) error {
	at, err := hold(c.Path, false)
	switch {
	case err != nil:
		return cannotWrite(c.Path, err, asItWas)
	case at.state == nil && at.linked:
		at.Close()
		return hint.New(fmt.Sprintf("writing %s: it is a dangling symbolic link", c.Path), "create its target, or remove the link")
	case at.state == nil && c.Before != nil:
		at.Close()
		return cannotWrite(c.Path, fs.ErrNotExist, asItWas)
	}
	file, err := at.temporary(c.Path, c.Before != nil, asItWas)
	if err != nil {
		return err
	}
	defer file.Discard()
	if c.Before != nil {
		if err := file.like(); err != nil {
			return err
		}
	}
	if err := file.fill(c.After.Text()); err != nil {
		return err
	}
	if c.Before == nil {
		return file.finish()
	}
	if c.Backup, err = at.backUp(c.Before.Text(), now); err != nil {
		return err
	}
	if same, err := at.holds(c.Before.Text()); err != nil || !same {
		return hint.New(fmt.Sprintf("writing %s: another program changed it in the meantime, without kubectl's lock", c.Path), "nothing was changed; try again")
	}
	return file.finish()
}

// like gives the file the owner and the mode of the one that it replaces, but
// for nobody else to read.
func (f *File) like() error {
	there := f.at.state
	if there.mode&0o200 == 0 {
		return hint.New(fmt.Sprintf("writing %s: it is read-only (mode %04o)", f.shown, there.mode.Perm()),
			"make it writable if you may change it: chmod u+w "+f.shown)
	}
	f.mode, f.owner = there.mode.Perm()&mode, there
	return nil
}

// holds reports whether the file holds text, without reading it into memory as
// a whole.
func (s spot) holds(text string) (bool, error) {
	file, err := s.open(s.name)
	if err != nil {
		return false, err
	}
	defer file.Close()
	for buffer := make([]byte, 1<<16); ; {
		n, err := file.Read(buffer)
		if n > len(text) || string(buffer[:n]) != text[:n] {
			return false, nil
		}
		text = text[n:]
		if errors.Is(err, io.EOF) {
			return text == "", nil
		}
		if err != nil {
			return false, err
		}
	}
}
