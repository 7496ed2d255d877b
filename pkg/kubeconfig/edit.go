package kubeconfig

import (
	"encoding/base64"
	"fmt"
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
	editable, err := d.editable(change)
	if err != nil {
		return err
	}
	list, err := edits(editable)
	if err != nil || len(list) == 0 {
		return err
	}
	c.files[number], err = editable.with(list...)
	return err
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
			return d.yaml.SetFields(e.node(), yamledit.Field{Key: e.Kind.String(), Value: body}), nil
		}
		return d.yaml.SetFields(e.body, fields...), nil
	})
}

// encode is how data stands in a kubeconfig.
func encode(data []byte) string { return base64.StdEncoding.EncodeToString(data) }
