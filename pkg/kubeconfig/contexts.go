package kubeconfig

import (
	"fmt"
	"slices"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// Use makes a context the current one, in the file where kubectl would.
func (c *Config) Use(name string) ([]Change, error) {
	if _, err := c.Find(ContextEntry, name); err != nil {
		return nil, err
	}
	if c.Current() == name {
		return nil, nil
	}
	was := c.Current()
	if err := c.setCurrent(c.target, name); err != nil {
		return nil, err
	}
	return []Change{{Changed, currentContext, name, was, c.Target().Path}}, nil
}

// setCurrent writes the current context into one file; "" for none.
func (c *Config) setCurrent(number int, name string) error {
	d := c.files[number]
	return c.edit(d, noEntry, func(d *Document) ([]yamledit.Edit, error) {
		if old := d.yaml().Root.Get(currentContext); old != nil {
			return []yamledit.Edit{d.yaml().SetScalar(old, name)}, nil
		}
		return []yamledit.Edit{d.yaml().AddToRoot(currentContext, yamledit.String(name))}, nil
	})
}

// Rename gives an entry another name. References to it follow, in all files.
func (c *Config) Rename(kind Kind, name, to string) ([]Change, error) {
	e, err := c.Find(kind, name)
	switch {
	case err != nil:
		return nil, err
	case to == "":
		return nil, hint.New(fmt.Sprintf("renaming %s: the new name is empty", e), "name it")
	case to == name:
		return nil, nil
	case c.Entry(kind, to) != nil:
		return nil, hint.New(fmt.Sprintf("renaming %s: %s %q already exists, in %s", e, kind, to, c.Entry(kind, to).In.shown()), "choose another name, or remove or rename that one first")
	}
	changes := []Change{{Renamed, kind.String(), to, name, e.In.Path}}
	for number, d := range c.files {
		follows := func(other *Entry) bool {
			return other.Kind == kind && other.Name == name || other.Kind == ContextEntry && kind != ContextEntry && other.Text(kind.String()) == name
		}
		err := c.edit(d, follows, func(d *Document) ([]yamledit.Edit, error) { return renames(d, kind, name, to), nil })
		if err != nil {
			return nil, err
		}
		if kind == ContextEntry && d.Current() == name {
			if err := c.setCurrent(number, to); err != nil {
				return nil, err
			}
		}
	}
	return changes, nil
}

// renames are the edits that rename an entry, and references to it, in one
// document. Another file's entry of that name, which never counted, is renamed
// with it: else it would come to light.
func renames(d *Document, kind Kind, name, to string) []yamledit.Edit {
	var edits []yamledit.Edit
	if e := d.Entry(kind, name); e != nil {
		edits = append(edits, d.yaml().SetScalar(e.node().Get("name"), to))
	}
	if kind == ContextEntry {
		return edits
	}
	for _, context := range d.Entries(ContextEntry) {
		if context.Text(kind.String()) == name {
			edits = append(edits, d.yaml().SetFields(context.body, yamledit.Field{Key: kind.String(), Value: yamledit.String(to)})...)
		}
	}
	return edits
}

// Remove removes contexts and, unless keep is set, the clusters and users that
// only they referred to.
func (c *Config) Remove(keep bool, names ...string) ([]Change, error) {
	gone := selection{}
	var clusters, users []string
	for _, name := range names {
		e, err := c.Find(ContextEntry, name)
		if err != nil {
			return nil, err
		}
		gone.add(ContextEntry, name)
		clusters, users = append(clusters, e.Text("cluster")), append(users, e.Text("user"))
	}
	if !keep {
		for _, name := range c.unused(gone, ClusterEntry, clusters) {
			gone.add(ClusterEntry, name)
		}
		for _, name := range c.unused(gone, UserEntry, users) {
			gone.add(UserEntry, name)
		}
	}
	return c.removeAll(gone)
}

// selection is a set of entries by kind and name.
type selection [len(kinds)]map[string]bool

func (s *selection) add(kind Kind, name string) {
	if s[kind] == nil {
		s[kind] = map[string]bool{}
	}
	s[kind][name] = true
}

func (s *selection) has(e *Entry) bool { return s[e.Kind][e.Name] }

// unused returns the names among candidates that no context but those in gone
// refers to.
func (c *Config) unused(gone selection, kind Kind, candidates []string) []string {
	used := map[string]bool{}
	for _, d := range c.files {
		for _, context := range d.Entries(ContextEntry) {
			if !gone.has(context) {
				used[context.Text(kind.String())] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(candidates), func(name string) bool { return used[name] || c.Entry(kind, name) == nil })
}

// removeAll removes entries from every file that holds them, so that none that
// never counted comes to light, and clears a current context that is gone.
func (c *Config) removeAll(gone selection) ([]Change, error) {
	var changes []Change
	for number, d := range c.files {
		for kind := range kinds {
			for _, e := range d.Entries(Kind(kind)) {
				if gone.has(e) {
					changes = append(changes, Change{Removed, e.Kind.String(), e.Name, "", d.Path})
				}
			}
		}
		err := c.edit(d, noEntry, func(d *Document) ([]yamledit.Edit, error) {
			var edits []yamledit.Edit
			for kind := range kinds {
				list := d.list(Kind(kind))
				if list == nil || len(gone[kind]) == 0 {
					continue
				}
				edits = append(edits, d.yaml().RemoveItems(list, func(i int) bool {
					e := d.entryAt(Kind(kind), i)
					return e != nil && gone.has(e)
				})...)
			}
			return edits, nil
		})
		if err != nil {
			return nil, err
		}
		if current := d.Current(); current != "" && gone[ContextEntry][current] {
			if err := c.setCurrent(number, ""); err != nil {
				return nil, err
			}
			changes = append(changes, Change{Removed, currentContext, current, "", d.Path})
		}
	}
	return changes, nil
}

// entryAt is the entry that is item i of its list.
func (d *Document) entryAt(kind Kind, i int) *Entry {
	at, ok := slices.BinarySearchFunc(d.Entries(Kind(kind)), i, func(e *Entry, i int) int { return e.item - i })
	if !ok {
		return nil
	}
	return d.Entries(Kind(kind))[at]
}
