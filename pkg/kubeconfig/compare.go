package kubeconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// DifferenceKind is the kind that differences are written as.
const DifferenceKind = "KubeconfigDifferences"

// Differences are how two kubeconfigs differ in meaning. They contain no secret.
type Differences struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Items are the differences. An item is identified by kind and name.
	Items []Difference `json:"items"`
}

// Difference is one entry, or field of the root, in which they differ. It is
// identified by kind and name.
type Difference struct {
	// Kind is that of the entry, or field for a field of the root.
	Kind string `json:"kind"`
	// Name is that of the entry or the field.
	Name string `json:"name"`
	// In says in which of the two it is.
	In Side `json:"in"`
	// Fields are the fields of an entry in both that differ.
	Fields []FieldChange `json:"fields"`
}

// Side says in which of two kubeconfigs something is.
type Side string

// The sides.
const (
	InFirst  Side = "first"
	InSecond Side = "second"
	InBoth   Side = "both"
)

// Sides lists every Side.
func Sides() []Side { return []Side{InFirst, InSecond, InBoth} }

// rootField is the Kind of a Difference in a field of the root.
const rootField = "field"

// DifferenceKinds lists what Difference.Kind may be.
func DifferenceKinds() []string {
	all := []string{rootField}
	for _, kind := range kinds {
		all = append(all, kind.one)
	}
	return all
}

// FieldChange is a field of an entry that is in both.
type FieldChange struct {
	// Field is the field's name.
	Field string `json:"field"`
	// First is its value in the first, secrets masked; "" for none.
	First string `json:"first"`
	// Second is its value in the second, secrets masked; "" for none.
	Second string `json:"second"`
}

// Compare says how b differs from a, whatever the style and the order that they
// are written in. Paths are compared by where they lead.
func Compare(a, b *Config) *Differences {
	out := &Differences{APIVersion: APIVersion, Kind: DifferenceKind, Items: []Difference{}}
	for kind := range kinds {
		k := Kind(kind)
		for _, e := range a.Entries(k) {
			other := b.Entry(k, e.Name)
			if other == nil {
				out.Items = append(out.Items, Difference{k.String(), e.Name, InFirst, []FieldChange{}})
				continue
			}
			m := &merge{in: other.In}
			if fields := m.differs(e, other); len(fields) > 0 {
				out.Items = append(out.Items, Difference{k.String(), e.Name, InBoth, fieldChanges(e, other, fields)})
			}
		}
		for _, e := range b.Entries(k) {
			if a.Entry(k, e.Name) == nil {
				out.Items = append(out.Items, Difference{k.String(), e.Name, InSecond, []FieldChange{}})
			}
		}
	}
	return out.withRoots(a, b)
}

func fieldChanges(a, b *Entry, fields []string) []FieldChange {
	changes := make([]FieldChange, 0, len(fields))
	for _, field := range fields {
		changes = append(changes, FieldChange{field, shownField(a, field), shownField(b, field)})
	}
	return changes
}

// shownField is what a field says, its secrets masked; "" where it is not there.
func shownField(e *Entry, field string) string {
	n := e.body.Get(field)
	if n == nil {
		n = e.node().Get(field)
	}
	if n.Empty() {
		return ""
	}
	masked := maskAll(n) // beside the body, nobody knows what stands there
	if n == e.body.Get(field) {
		masked = maskField(e.Kind, n)
	}
	if masked == nil && isPath(e.Kind, field) {
		return e.Path(field)
	}
	return shownValue(n, masked)
}

// shownValue is a value, or what is shown in its place.
func shownValue(n, masked *yamledit.Node) string {
	if masked != nil {
		n = masked
	}
	if n.Kind == yamledit.Scalar {
		return n.Value
	}
	return strings.Join(strings.Fields(yamledit.Render(n, 0, "\n")), " ")
}

// withRoots adds the fields of the roots that hold no entries.
func (d *Differences) withRoots(a, b *Config) *Differences {
	var seen []string
	for _, file := range append(a.Files(), b.Files()...) {
		for _, field := range file.yaml().Root.Children {
			if slices.Contains([]string{"apiVersion", "kind", "clusters", "contexts", "users"}, field.Key) || slices.Contains(seen, field.Key) {
				continue
			}
			seen = append(seen, field.Key)
			first, second := a.root(field.Key), b.root(field.Key)
			if sameValue(first, second) {
				continue
			}
			change := FieldChange{Field: field.Key}
			if first != nil {
				change.First = shownValue(first, maskRoot(first))
			}
			if second != nil {
				change.Second = shownValue(second, maskRoot(second))
			}
			d.Items = append(d.Items, Difference{rootField, field.Key, InBoth, []FieldChange{change}})
		}
	}
	return d
}

// root is a field of the root: that of the first file that says something
// there; nil for none.
func (c *Config) root(key string) *yamledit.Node {
	for _, d := range c.files {
		if n := d.yaml().Root.Get(key); !n.Empty() {
			return n
		}
	}
	return nil
}

// String is the difference in lines.
func (d Difference) String() string {
	switch d.In {
	case InFirst:
		return fmt.Sprintf("- %s %s", d.Kind, d.Name)
	case InSecond:
		return fmt.Sprintf("+ %s %s", d.Kind, d.Name)
	}
	return fmt.Sprintf("~ %s %s", d.Kind, d.Name)
}
