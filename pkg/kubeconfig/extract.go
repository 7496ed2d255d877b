package kubeconfig

import (
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// Extract returns a kubeconfig of some contexts, the first of them current,
// with certificates and keys embedded. Left are what still leads to files or
// programs of this machine, in sentences.
func (c *Config) Extract(names ...string) (text string, left []string, err error) {
	lists := [len(kinds)]*yamledit.Node{}
	taken := selection{}
	take := func(e *Entry, node *yamledit.Node) {
		if lists[e.Kind] == nil {
			lists[e.Kind] = &yamledit.Node{Kind: yamledit.Sequence}
		}
		if !taken.has(e) {
			taken.add(e.Kind, e.Name)
			lists[e.Kind].Children = append(lists[e.Kind].Children, *node)
		}
	}
	for _, name := range names {
		context, err := c.Find(ContextEntry, name)
		if err != nil {
			return "", nil, err
		}
		take(context, context.node())
		for _, kind := range []Kind{ClusterEntry, UserEntry} {
			reference := context.Text(kind.String())
			if reference == "" {
				continue
			}
			e := c.Entry(kind, reference)
			if e == nil {
				return "", nil, fmt.Errorf("extracting %s: its %s %q is not in the kubeconfig", context, kind, reference)
			}
			node, outside, err := e.selfContained()
			if err != nil {
				return "", nil, fmt.Errorf("extracting %s: %w", context, err)
			}
			if !taken.has(e) {
				left = append(left, outside...)
			}
			take(e, node)
		}
	}
	var out strings.Builder
	out.WriteString("apiVersion: v1\nkind: Config\n")
	for kind, list := range lists {
		if list == nil {
			list = &yamledit.Node{Kind: yamledit.Sequence}
		}
		out.WriteString(kinds[kind].list + ":" + yamledit.Render(list, 0, "\n") + "\n")
	}
	out.WriteString(currentContext + ": " + yamledit.Quote(names[0]) + "\n")
	// What was rendered is read again before anybody relies on it.
	if _, err := Parse("", out.String()); err != nil {
		return "", nil, err
	}
	return out.String(), left, nil
}

// selfContained is the entry with what it can embed embedded.
func (e *Entry) selfContained() (node *yamledit.Node, outside []string, err error) {
	embedded, err := e.embedded()
	if err != nil {
		return nil, nil, err
	}
	body := e.body
	for _, f := range embedded {
		if f.Value != nil {
			body = body.With(f.Key, f.Value)
		} else {
			body = body.Without(f.Key)
		}
	}
	if path := e.Path("tokenFile"); path != "" {
		body = body.With("tokenFile", yamledit.String(path))
		outside = append(outside, fmt.Sprintf("%s takes its token from %s", e, path))
	}
	if exec := e.body.Get("exec"); !exec.Empty() && e.Kind == UserEntry {
		command := e.In.command(exec)
		body = body.With("exec", exec.With("command", yamledit.String(command)))
		outside = append(outside, fmt.Sprintf("%s authenticates with the program %s", e, command))
	}
	if body == nil {
		return e.node(), outside, nil
	}
	return e.node().With(e.Kind.String(), body), outside, nil
}

// parts are the fields of a kind that may be embedded or not, as pairs of the
// field that holds data and the one that names a file.
func (k Kind) parts() [][2]string {
	switch k {
	case ClusterEntry:
		return [][2]string{{caData, caFile}}
	case UserEntry:
		return [][2]string{{certificateData, certificateFile}, {keyData, keyFile}}
	}
	return nil
}

// embedded are the changes to the entry's fields that embed the files that it
// names.
func (e *Entry) embedded() ([]yamledit.Field, error) {
	var changes []yamledit.Field
	for _, part := range e.Kind.parts() {
		dataField, fileField := part[0], part[1]
		if e.Text(fileField) == "" {
			continue
		}
		// Where both are set, the data counts.
		if e.Text(dataField) == "" {
			data, err := e.data(dataField, fileField)
			if err != nil {
				return nil, err
			}
			if data, err = e.embeddable(dataField, fileField, data); err != nil {
				return nil, err
			}
			changes = append(changes, yamledit.Field{Key: dataField, Value: yamledit.String(encode(data))})
		}
		changes = append(changes, yamledit.Field{Key: fileField})
	}
	return changes, nil
}

// embeddable is what of a file may be embedded in a field. A kubeconfig that
// came by mail can name any file of its reader's, and what is embedded is sent
// on: so only certificates go where certificates belong, and only a key where a
// key belongs.
func (e *Entry) embeddable(dataField, fileField string, data []byte) ([]byte, error) {
	if dataField == keyData {
		if _, err := pki.ParseKey(data); err != nil {
			return nil, fmt.Errorf("embedding the %s of %s: %s contains no usable private key: %w", fileField, e, e.Path(fileField), err)
		}
		return data, nil
	}
	certs, err := pki.ParseCertificates(data)
	if err != nil {
		return nil, fmt.Errorf("embedding the %s of %s: %s contains no valid certificate: %w", fileField, e, e.Path(fileField), err)
	}
	// A kubelet keeps its certificate and key in one file, for example.
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return data, nil
		} else if block.Type != "CERTIFICATE" {
			return pki.EncodeCertificates(certs...), nil
		}
	}
}
