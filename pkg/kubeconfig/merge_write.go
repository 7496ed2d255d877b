package kubeconfig

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// Verb is what happened to an entry.
type Verb string

// The verbs.
const (
	Added    Verb = "added"
	Replaced Verb = "replaced"
	Kept     Verb = "kept"
	Removed  Verb = "removed"
	Renamed  Verb = "renamed"
	Changed  Verb = "changed"
)

// Change is what happened to one entry.
type Change struct {
	Verb Verb   `json:"verb"`
	Kind string `json:"kind"` // cluster, context, user, or the key of a field of the root
	Name string `json:"name"`
	// Was is its name before, where it has got another one.
	Was string `json:"was,omitempty"`
	// File is the file that it stands in.
	File string `json:"file"`
}

// String says it in a line.
func (c Change) String() string {
	was := ""
	if c.Was != "" && c.Was != c.Name {
		was = fmt.Sprintf(" (was %s)", c.Was)
	}
	return fmt.Sprintf("%s %s %s%s", c.Kind, c.Name, c.Verb, was)
}

// decideRoot finds out what becomes of the fields of the root that hold no
// entries.
func (m *merge) decideRoot() error {
	target := m.into.Target()
	for i := range m.in.yaml().Root.Children {
		theirs := &m.in.yaml().Root.Children[i]
		switch theirs.Key {
		case "apiVersion", "kind", "clusters", "contexts", "users":
			continue
		case currentContext:
			if name := m.name(ContextEntry, theirs.Value); theirs.Value != "" && m.into.Current() == "" {
				m.root = append(m.root, yamledit.Field{Key: currentContext, Value: yamledit.String(name)})
				m.changes = append(m.changes, Change{Changed, currentContext, name, "", target.Path})
			}
			continue
		}
		ours := target.yaml().Root.Get(theirs.Key)
		if theirs.Empty() || sameValue(ours, theirs) {
			continue
		}
		value := theirs
		if theirs.Key == "extensions" {
			value = joined(ours, theirs)
		}
		if value == nil || (!ours.Empty() && theirs.Key != "extensions") {
			conflict := Conflict{"field", theirs.Key, target.shown(), []string{"their values"}}
			resolution, err := m.resolve(conflict)
			if err != nil {
				return err
			}
			switch resolution {
			case Replace:
				value = theirs
			case Keep, Rename: // it has no name to change
				m.changes = append(m.changes, Change{Kept, "field", theirs.Key, "", target.Path})
				continue
			default:
				m.conflicts = append(m.conflicts, conflict)
				continue
			}
		}
		m.root = append(m.root, yamledit.Field{Key: theirs.Key, Value: value})
		m.changes = append(m.changes, Change{Added, "field", theirs.Key, "", target.Path})
	}
	return nil
}

// joined returns the extensions of both, or nil if one name means two things.
func joined(ours, theirs *yamledit.Node) *yamledit.Node {
	out := &yamledit.Node{Kind: yamledit.Sequence}
	if ours != nil {
		out.Children = append(out.Children, ours.Children...)
	}
next:
	for i := range theirs.Children {
		for j := range out.Children {
			if out.Children[j].Text("name") == theirs.Children[i].Text("name") {
				if !yamledit.Equal(&out.Children[j], &theirs.Children[i]) {
					return nil
				}
				continue next
			}
		}
		out.Children = append(out.Children, theirs.Children[i])
	}
	return out
}

// write makes the changes that were decided.
func (m *merge) write() error {
	files := m.into.files
	for number := range files {
		if err := m.replace(number); err != nil {
			return err
		}
	}
	if len(m.added) == 0 && len(m.root) == 0 {
		return nil
	}
	target, err := files[m.into.target].editable(noEntry)
	if err != nil {
		return err
	}
	in, err := m.prepared(target)
	if err != nil {
		return err
	}
	var edits []yamledit.Edit
	var missing strings.Builder
	if target.empty() {
		missing.WriteString("apiVersion: v1\nkind: Config\n")
	}
	for kind := range kinds {
		var items []string
		list := target.list(Kind(kind))
		for _, e := range m.added {
			if e.Kind == Kind(kind) {
				items = append(items, in.yaml().ItemText(in.list(e.Kind), e.item, yamledit.ItemIndent(list), target.yaml()))
			}
		}
		switch {
		case len(items) == 0 && (list != nil || !target.empty()):
		case len(items) == 0:
			missing.WriteString(kinds[kind].list + ": []\n")
		case list == nil:
			missing.WriteString(kinds[kind].list + ":\n" + strings.Join(items, ""))
		default:
			edits = append(edits, target.yaml().Insert(list, len(list.Children)-1, items...))
		}
	}
	edits = append(edits, m.rootEdits(target, &missing)...)
	if missing.Len() > 0 {
		edits = append(edits, target.yaml().AddTextToRoot(missing.String()))
	}
	files[m.into.target], err = target.with(edits...)
	return err
}

func (m *merge) rootEdits(target *Document, missing *strings.Builder) []yamledit.Edit {
	var edits []yamledit.Edit
	for _, f := range m.root {
		if old := target.yaml().Root.Get(f.Key); old != nil {
			edits = append(edits, target.yaml().Replace(old, f.Value))
		} else {
			missing.WriteString(yamledit.Pair(f.Key, f.Value))
		}
	}
	return edits
}

// replace puts incoming entries in the place of those of their names in one
// file.
func (m *merge) replace(number int) error {
	before := m.into.files[number]
	var replaced []*Entry
	for _, r := range m.replaced {
		if r.ours.In.Path == before.Path {
			replaced = append(replaced, r.theirs)
		}
	}
	if len(replaced) == 0 {
		return nil
	}
	into, err := before.editable(noEntry)
	if err != nil {
		return err
	}
	in, err := m.prepared(into)
	if err != nil {
		return err
	}
	var edits []yamledit.Edit
	for _, theirs := range replaced {
		list := into.list(theirs.Kind)
		text := in.yaml().ItemText(in.list(theirs.Kind), theirs.item, yamledit.ItemIndent(list), into.yaml())
		edits = append(edits, into.yaml().ReplaceItem(list, into.Entry(theirs.Kind, theirs.Name).item, text)...)
	}
	m.into.files[number], err = into.with(edits...)
	return err
}

// prepared returns the incoming document with the names that its entries get,
// and with paths that lead to the same files from where into stands.
func (m *merge) prepared(into *Document) (*Document, error) {
	var edits []yamledit.Edit
	for kind := range kinds {
		for _, e := range m.in.Entries(Kind(kind)) {
			if name := m.name(e.Kind, e.Name); name != e.Name {
				edits = append(edits, m.in.yaml().SetScalar(e.node().Get("name"), name))
			}
			if changed := m.followed(e, into); len(changed) > 0 {
				edits = append(edits, m.in.yaml().SetFields(e.body, changed...)...)
			}
		}
	}
	return m.in.with(edits...)
}

// followed are the fields of an incoming entry that change with its place:
// references to what was renamed, and relative paths.
func (m *merge) followed(e *Entry, into *Document) []yamledit.Field {
	if e.body == nil {
		return nil
	}
	var changed []yamledit.Field
	set := func(field *yamledit.Node, text string) {
		if text != field.Value {
			changed = append(changed, yamledit.Field{Key: field.Key, Value: yamledit.String(text)})
		}
	}
	for i := range e.body.Children {
		field := &e.body.Children[i]
		switch kind, known := fields[e.Kind][field.Key]; {
		case e.Kind == ContextEntry && field.Key == "cluster":
			set(field, m.name(ClusterEntry, field.Value))
		case e.Kind == ContextEntry && field.Key == "user":
			set(field, m.name(UserEntry, field.Value))
		case known && kind == pathField:
			set(field, into.relative(m.in, field.Value))
		case e.Kind == UserEntry && field.Key == "exec":
			before := m.in.command(field)
			if after := into.relative(m.in, field.Text("command")); before != field.Text("command") && after != field.Text("command") {
				changed = append(changed, yamledit.Field{Key: "exec", Value: field.With("command", yamledit.String(after))})
			}
		}
	}
	return changed
}

// relative writes a path of another document so that it leads to the same file
// from d: relative within d's own directory, as kubectl does, else absolute
// (client-go, tools/clientcmd/loader.go, RelativizePathWithNoBacksteps).
func (d *Document) relative(from *Document, path string) string {
	if path == "" || filepath.IsAbs(path) || d.dir() == from.dir() {
		return path
	}
	return d.within(from.resolve(path))
}

// within writes an absolute path: relative to d's directory, if it lies there.
func (d *Document) within(absolute string) string {
	rel, err := filepath.Rel(d.dir(), absolute)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return absolute
	}
	return rel
}
