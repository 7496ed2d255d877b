package kubeconfig

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// Diff shows what a change does to a file, as a unified diff of the text in
// which secrets are masked and certificates described.
func (c FileChange) Diff() (string, error) {
	before, name := "", "/dev/null"
	if c.Before != nil {
		name = c.Path
		text, err := c.Before.masked()
		if err != nil {
			return "", err
		}
		before = text
	}
	after, err := c.After.masked()
	if err != nil {
		return "", err
	}
	text := string(diff.Diff(name, []byte(before), c.Path, []byte(after)))
	// The first line only names the command that would show the same.
	_, text, _ = strings.Cut(text, "\n")
	return text, nil
}

// masked is the document's text without its secrets, and without its comments,
// which may hold some.
func (d *Document) masked() (string, error) {
	if d.broken || len(d.faults) > 0 {
		return "<a file that is not a kubeconfig>\n", nil
	}
	d, err := d.editable(everyEntry)
	if err != nil {
		return "", err
	}
	var edits []yamledit.Edit
	root := &d.yaml().Root
	edits = append(edits, d.yaml().SetFields(root, maskedFields(root, maskRoot)...)...)
	for kind := range kinds {
		for _, e := range d.Entries(Kind(kind)) {
			edits = append(edits, d.maskEntry(e)...)
		}
	}
	masked, err := d.yaml().Apply(edits...)
	if err != nil {
		return "", err
	}
	return maskComments(masked.Text), nil
}

func (d *Document) maskEntry(e *Entry) []yamledit.Edit {
	beside := maskedFields(e.node(), func(n *yamledit.Node) *yamledit.Node {
		if n.Key == "name" || n.Key == kinds[e.Kind].one && n.Kind == yamledit.Mapping {
			return nil
		}
		return maskAll(n)
	})
	edits := d.yaml().SetFields(e.node(), beside...)
	if e.body == nil || e.body.Kind != yamledit.Mapping {
		return edits
	}
	within := maskedFields(e.body, func(n *yamledit.Node) *yamledit.Node { return maskField(e.Kind, n) })
	if len(within) > 0 {
		edits = append(edits, d.yaml().SetFields(e.body, within...)...)
	}
	return edits
}

// maskedFields are the fields of a mapping that mask hides something of.
func maskedFields(n *yamledit.Node, mask func(*yamledit.Node) *yamledit.Node) []yamledit.Field {
	var fields []yamledit.Field
	for i := range n.Children {
		child := &n.Children[i]
		if masked := mask(child); masked != nil && !yamledit.Equal(child, masked) {
			fields = append(fields, yamledit.Field{Key: child.Key, Value: masked})
		}
	}
	return fields
}

// maskComments hides what stands behind each # that could begin a comment. One
// within a text that goes on for several lines is hidden too.
func maskComments(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		before := '\n'
		for at, r := range line {
			if r == '#' && (unicode.IsSpace(before) || before == '\ufeff') {
				rest := strings.TrimRight(line[at+1:], "\r\n")
				if content := strings.TrimSpace(rest); content != "" {
					lines[i] = line[:at] + "# " + hidden(content) + line[at+1+len(rest):]
				}
				break
			}
			before = r
		}
	}
	return strings.Join(lines, "")
}

// harmless are the fields that hold no secret whatever is in them, if it is what
// kubectl expects there. All others are masked: those that nobody knows, too.
var harmless = [...]map[string]bool{
	ClusterEntry: {"tls-server-name": true, "insecure-skip-tls-verify": true, caFile: true, "disable-compression": true},
	ContextEntry: {"cluster": true, "user": true, "namespace": true},
	UserEntry: {
		certificateFile: true, keyFile: true, "tokenFile": true, "username": true, "as": true, "as-uid": true, "as-groups": true,
	},
}

// maskRoot returns what is shown in the place of a field of the root, or nil if
// it may be shown as it is. The entries are masked one by one.
func maskRoot(n *yamledit.Node) *yamledit.Node {
	switch n.Key {
	case "apiVersion", "kind", currentContext:
		if n.Kind == yamledit.Scalar {
			return nil
		}
	case kinds[ClusterEntry].list, kinds[ContextEntry].list, kinds[UserEntry].list:
		return nil
	}
	return maskAll(n)
}

// maskField returns what is shown in the place of a field of an entry, or nil if
// it may be shown as it is.
func maskField(kind Kind, n *yamledit.Node) *yamledit.Node {
	scalar := n.Kind == yamledit.Scalar
	switch {
	case n.Kind == yamledit.Null:
		return nil
	case scalar && (n.Key == caData || n.Key == certificateData):
		return yamledit.String(describeData(n.Value))
	case scalar && n.Key == keyData:
		return yamledit.String(describeKeyData(n.Value))
	case scalar && kind == ClusterEntry && (n.Key == "server" || n.Key == "proxy-url"):
		return yamledit.String(RedactURL(n.Value))
	case kind == UserEntry && n.Key == "exec" && n.Kind == yamledit.Mapping:
		return maskExec(n)
	case kind == UserEntry && n.Key == "auth-provider" && n.Kind == yamledit.Mapping:
		return maskBut(n, "name")
	case !harmless[kind][n.Key], !isScalars(n) || fields[kind][n.Key] != listField && !scalar, isNoPath(kind, n):
		return maskAll(n)
	}
	return nil
}

// isScalars reports whether a value is one, or a list of some.
func isScalars(n *yamledit.Node) bool {
	if n.Kind == yamledit.Mapping {
		return false
	}
	for i := range n.Children {
		if n.Children[i].Kind != yamledit.Scalar {
			return false
		}
	}
	return true
}

// isNoPath reports whether a field holds something else than the path that
// belongs there: the key itself, for example.
func isNoPath(kind Kind, n *yamledit.Node) bool {
	const mostPath = 255
	return isPath(kind, n.Key) && (len(n.Value) > mostPath || strings.ContainsAny(n.Value, "\r\n"))
}

// maskAll hides every scalar of a value.
func maskAll(n *yamledit.Node) *yamledit.Node {
	out := *n
	if n.Kind == yamledit.Scalar {
		out.Value, out.Plain = hidden(n.Value), false
	}
	out.Children = nil
	for i := range n.Children {
		out.Children = append(out.Children, *maskAll(&n.Children[i]))
	}
	return &out
}

// maskBut hides every value of a mapping but those of some keys that are
// scalars.
func maskBut(n *yamledit.Node, shown ...string) *yamledit.Node {
	out := *n
	out.Children = nil
	for i := range n.Children {
		child := &n.Children[i]
		known := false
		for _, key := range shown {
			known = known || key == child.Key && child.Kind == yamledit.Scalar
		}
		if !known {
			child = maskAll(child)
		}
		out.Children = append(out.Children, *child)
	}
	return &out
}

func hidden(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf("<hidden, %d characters>", len(text))
}
