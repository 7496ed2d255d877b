package kubeconfig

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// Find returns the entry that counts under a name, or an error that says which
// names there are.
func (c *Config) Find(kind Kind, name string) (*Entry, error) {
	if e := c.Entry(kind, name); e != nil {
		return e, nil
	}
	return nil, hint.New(fmt.Sprintf("%s %q is not in the kubeconfig", kind, name), "there are: "+some(near(name, c.Names(kind))))
}

// near puts names that are like name first.
func near(name string, names []string) []string {
	var first, rest []string
	for _, n := range names {
		if strings.Contains(n, name) || strings.Contains(name, n) {
			first = append(first, n)
		} else {
			rest = append(rest, n)
		}
	}
	return append(first, rest...)
}

// some lists names, but not thousands of them.
func some(names []string) string {
	const most = 8
	if len(names) == 0 {
		return "none"
	}
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// edit changes one document: entries for which change is true, or others of
// its parts.
func (c *Config) edit(d *Document, change func(*Entry) bool, edits func(*Document) ([]yamledit.Edit, error)) error {
	number := c.number(d)
	d, err := d.editable(change)
	if err != nil {
		return err
	}
	list, err := edits(d)
	if err != nil || len(list) == 0 {
		return err
	}
	// From here on nobody needs the tree of a file that may be large.
	before := &Document{Path: d.Path, text: d.text}
	c.files[number] = before
	release(len(before.text))
	after, err := before.with(list...)
	if err == nil {
		c.files[number] = after
	}
	return err
}

// largeText is the size from which it matters how much memory a document takes.
const largeText = 4 << 20

// release frees what nobody refers to any more, before something of that size
// is made.
func release(size int) {
	if size > largeText {
		runtime.GC()
	}
}

// setFields changes fields of an entry.
func (c *Config) setFields(e *Entry, fields ...yamledit.Field) error {
	return c.edit(e.In, func(other *Entry) bool { return other == e }, func(d *Document) ([]yamledit.Edit, error) {
		e := d.Entry(e.Kind, e.Name)
		if e.body == nil {
			body := &yamledit.Node{Kind: yamledit.Mapping}
			for _, f := range fields {
				if f.Value != nil {
					child := *f.Value
					child.Key = f.Key
					body.Children = append(body.Children, child)
				}
			}
			return d.yaml().SetFields(e.node(), yamledit.Field{Key: e.Kind.String(), Value: body}), nil
		}
		return d.yaml().SetFields(e.body, fields...), nil
	})
}

// encode is how data stands in a kubeconfig.
func encode(data []byte) string { return base64.StdEncoding.EncodeToString(data) }
