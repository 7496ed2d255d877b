package kubeconfig

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// Resolution says what becomes of an entry that comes under a name that stands
// for something else already.
type Resolution string

// The resolutions.
const (
	// Fail changes nothing at all, and says what is in conflict.
	Fail Resolution = "fail"
	// Rename gives the entry that comes another name; what refers to it
	// follows. Both stay usable.
	Rename Resolution = "rename"
	// Keep leaves what is there: the entry that comes is an old version of it.
	Keep Resolution = "keep"
	// Replace puts the entry that comes in the place of the one that is there:
	// it is a new version of it.
	Replace Resolution = "replace"
)

// Resolutions lists every Resolution, the default first.
func Resolutions() []Resolution { return []Resolution{Fail, Rename, Keep, Replace} }

// Conflict is one name for two different things.
type Conflict struct {
	Kind string // cluster, context, user, or the key of a field of the root
	Name string
	// There is the file of the one that is there; Differs are the fields in
	// which they differ.
	There   string
	Differs []string
}

// String is the conflict in a sentence.
func (c Conflict) String() string {
	return fmt.Sprintf("%s %q is different in %s (they differ in: %s)", c.Kind, c.Name, c.There, strings.Join(c.Differs, ", "))
}

// ConflictPolicy decides a conflict. An error ends the merge. A function that
// asks a person is one; Always is the other.
type ConflictPolicy func(Conflict) (Resolution, error)

// Always resolves every conflict in one way.
func Always(r Resolution) ConflictPolicy {
	return func(Conflict) (Resolution, error) { return r, nil }
}

// ConflictsError is a merge that failed because nobody resolved its conflicts.
type ConflictsError struct{ Conflicts []Conflict }

// Error implements error.
func (e *ConflictsError) Error() string {
	lines := make([]string, 0, len(e.Conflicts))
	for _, c := range e.Conflicts {
		lines = append(lines, c.String())
	}
	return strings.Join(lines, "; ")
}

// Merge puts the entries of in into c, in its target. Nothing that is there is
// lost or renamed; entries that mean the same are one. Merging twice is
// merging once. On an error c is as it was.
func (c *Config) Merge(in *Document, resolve ConflictPolicy) ([]Change, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	in, err := in.editable(everyEntry)
	if err != nil {
		return nil, err
	}
	work := &Config{files: slices.Clone(c.files), there: c.there, target: c.target}
	m := &merge{into: work, resolve: resolve}
	for kind := range kinds {
		m.renamed[kind] = map[string]string{}
	}
	m.in = in
	for _, kind := range []Kind{ClusterEntry, UserEntry, ContextEntry} {
		if err := m.decide(kind); err != nil {
			return nil, err
		}
	}
	if err := m.decideRoot(); err != nil {
		return nil, err
	}
	if len(m.conflicts) > 0 {
		return nil, hint.Wrap(&ConflictsError{m.conflicts}, "resolve it with --on-conflict: rename (import under a new name), keep (the existing entry) or replace (with the incoming one)")
	}
	if err := m.write(); err != nil {
		return nil, err
	}
	c.files = work.files
	return m.changes, nil
}

// merge is one merge under way: first everything is decided, then written.
type merge struct {
	into      *Config
	in        *Document
	resolve   ConflictPolicy
	conflicts []Conflict // that nobody resolved
	changes   []Change
	// renamed are the new names of incoming entries that have one.
	renamed [len(kinds)]map[string]string
	added   []*Entry // incoming entries that are new
	// replaced are incoming entries, and what they take the place of.
	replaced []replacement
	root     []yamledit.Field
}

type replacement struct{ theirs, ours *Entry }

// decide finds out what becomes of each incoming entry of a kind.
func (m *merge) decide(kind Kind) error {
	for _, theirs := range m.in.Entries(Kind(kind)) {
		ours := m.into.Entry(kind, theirs.Name)
		if ours == nil {
			m.added = append(m.added, theirs)
			m.changes = append(m.changes, Change{Added, kind.String(), theirs.Name, "", m.into.Target().Path})
			continue
		}
		differs := m.differs(ours, theirs)
		if len(differs) == 0 {
			continue
		}
		conflict := Conflict{kind.String(), theirs.Name, ours.In.Path, differs}
		resolution, err := m.resolve(conflict)
		if err != nil {
			return err
		}
		switch resolution {
		case Rename:
			m.rename(theirs)
		case Keep:
			m.changes = append(m.changes, Change{Kept, kind.String(), theirs.Name, "", ours.In.Path})
		case Replace:
			m.replaced = append(m.replaced, replacement{theirs, ours})
			m.changes = append(m.changes, Change{Replaced, kind.String(), theirs.Name, "", ours.In.Path})
		default:
			m.conflicts = append(m.conflicts, conflict)
		}
	}
	return nil
}

// rename finds a free name for an incoming entry, or the one that it was given
// when it came before.
func (m *merge) rename(theirs *Entry) {
	for n := 2; ; n++ {
		name := fmt.Sprintf("%s-%d", theirs.Name, n)
		if m.in.Entry(theirs.Kind, name) != nil {
			continue
		}
		ours := m.into.Entry(theirs.Kind, name)
		if ours != nil && len(m.differs(ours, theirs)) > 0 {
			continue
		}
		m.renamed[theirs.Kind][theirs.Name] = name
		if ours == nil {
			m.added = append(m.added, theirs)
			m.changes = append(m.changes, Change{Added, theirs.Kind.String(), name, theirs.Name, m.into.Target().Path})
		}
		return
	}
}

// name is what an incoming entry is called in the end.
func (m *merge) name(kind Kind, name string) string {
	if renamed, ok := m.renamed[kind][name]; ok {
		return renamed
	}
	return name
}

// differs lists the fields in which two entries differ, those that are empty
// left out, and paths and references followed.
func (m *merge) differs(ours, theirs *Entry) []string {
	var names []string
	for _, e := range []*Entry{ours, theirs} {
		if e.body == nil {
			continue
		}
		for _, field := range e.body.Children {
			if !slices.Contains(names, field.Key) && !m.sameField(ours, theirs, field.Key) {
				names = append(names, field.Key)
			}
		}
	}
	// Beside the body, extensions of other programs may stand.
	for _, e := range []*Entry{ours, theirs} {
		for _, field := range e.node().Children {
			if field.Key != "name" && field.Key != e.Kind.String() && !slices.Contains(names, field.Key) &&
				!sameValue(ours.node().Get(field.Key), theirs.node().Get(field.Key)) {
				names = append(names, field.Key)
			}
		}
	}
	return names
}

func (m *merge) sameField(ours, theirs *Entry, field string) bool {
	switch {
	case isPath(ours.Kind, field):
		return ours.Path(field) == theirs.Path(field)
	case ours.Kind == ContextEntry && field == "cluster":
		return ours.Text(field) == m.name(ClusterEntry, theirs.Text(field))
	case ours.Kind == ContextEntry && field == "user":
		return ours.Text(field) == m.name(UserEntry, theirs.Text(field))
	case ours.Kind == UserEntry && field == "exec":
		return sameExec(ours, theirs)
	}
	return sameValue(ours.body.Get(field), theirs.body.Get(field))
}

func isPath(kind Kind, field string) bool {
	want, known := fields[kind][field]
	return known && want == pathField
}

// sameExec compares how two users run a program, whose path may be relative.
func sameExec(ours, theirs *Entry) bool {
	a, b := ours.body.Get("exec"), theirs.body.Get("exec")
	if a.Empty() || b.Empty() {
		return a.Empty() && b.Empty()
	}
	for _, n := range []*yamledit.Node{a, b} {
		for _, field := range n.Children {
			if field.Key == "command" {
				if ours.In.command(a) != theirs.In.command(b) {
					return false
				}
			} else if !sameValue(a.Get(field.Key), b.Get(field.Key)) {
				return false
			}
		}
	}
	return true
}

// command is the program that an exec section runs: a path, or a name to look
// up in PATH.
func (d *Document) command(exec *yamledit.Node) string {
	command := exec.Text("command")
	if strings.ContainsRune(command, filepath.Separator) {
		return d.resolve(command)
	}
	return command
}

// sameValue compares two values of which either may be missing: an empty one
// is as good as none.
func sameValue(a, b *yamledit.Node) bool {
	if a.Empty() || b.Empty() {
		return a.Empty() && b.Empty()
	}
	return yamledit.Equal(a, b)
}
