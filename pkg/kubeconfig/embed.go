package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// partsOf are the clusters and users of contexts; of all, where none is named.
func (c *Config) partsOf(contexts []string) ([]*Entry, error) {
	if len(contexts) == 0 {
		return append(append([]*Entry(nil), c.Entries(ClusterEntry)...), c.Entries(UserEntry)...), nil
	}
	var parts []*Entry
	taken := selection{}
	for _, name := range contexts {
		context, err := c.Find(ContextEntry, name)
		if err != nil {
			return nil, err
		}
		for _, kind := range []Kind{ClusterEntry, UserEntry} {
			if e := c.Entry(kind, context.Text(kind.String())); e != nil && !taken.has(e) {
				taken.add(kind, e.Name)
				parts = append(parts, e)
			}
		}
	}
	return parts, nil
}

// Embed puts the certificates and keys that contexts name by files into the
// kubeconfig; those of all contexts, where none is named.
func (c *Config) Embed(contexts ...string) ([]Change, error) {
	return c.convert(contexts, (*Entry).embedded)
}

// PartFile is a file that Unembed needs: it is to be there before the
// kubeconfig names it.
type PartFile struct {
	Path string
	Data []byte
}

// Unembed puts the certificates and keys that contexts embed into files in
// dir; those of all contexts, where none is named. It returns the files that
// are not there yet, for the caller to write.
func (c *Config) Unembed(dir string, contexts ...string) ([]Change, []PartFile, error) {
	var files []PartFile
	seen := map[string]*Entry{}
	changes, err := c.convert(contexts, func(e *Entry) ([]yamledit.Field, error) {
		var fields []yamledit.Field
		for _, part := range e.Kind.parts() {
			dataField, fileField := part[0], part[1]
			if e.Text(dataField) == "" {
				continue
			}
			data, err := e.data(dataField, fileField)
			if err != nil {
				return nil, err
			}
			path := filepath.Join(dir, e.fileName(dataField))
			if other := seen[path]; other != nil && other != e {
				return nil, hint.New(fmt.Sprintf("unembedding %s: its file %s would also be that of %s", e, path, other), "rename one of them first")
			}
			seen[path] = e
			there, err := regular.ReadFile(path, mostPEM)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				files = append(files, PartFile{path, data})
			case err != nil:
				return nil, fmt.Errorf("unembedding %s: reading %s: %w", e, path, withoutPath(err))
			case string(there) != string(data):
				return nil, hint.New(fmt.Sprintf("unembedding %s: %s already exists with other contents", e, path), "move it away, or choose another directory with --dir")
			}
			absolute, err := filepath.Abs(path)
			if err != nil {
				return nil, err
			}
			fields = append(fields, yamledit.Field{Key: dataField}, yamledit.Field{Key: fileField, Value: yamledit.String(e.In.within(absolute))})
		}
		return fields, nil
	})
	return changes, files, err
}

// fileName is the name of the file that takes a part of the entry.
func (e *Entry) fileName(dataField string) string {
	name := FileName(e.Name)
	switch dataField {
	case caData:
		return name + "-ca.crt"
	case keyData:
		return name + ".key"
	}
	return name + ".crt"
}

// FileName makes a file name of the name of an entry, which may hold what a
// file name should not.
func FileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>| `, r) || r < ' ' {
			return '-'
		}
		return r
	}, name)
	return strings.TrimLeft(name, ".-")
}

// convert changes fields of the parts of contexts.
func (c *Config) convert(contexts []string, fieldsOf func(*Entry) ([]yamledit.Field, error)) ([]Change, error) {
	parts, err := c.partsOf(contexts)
	if err != nil {
		return nil, err
	}
	var changes []Change
	fields := map[*Entry][]yamledit.Field{}
	for _, e := range parts {
		if fields[e], err = fieldsOf(e); err != nil {
			return nil, err
		}
		if len(fields[e]) > 0 {
			changes = append(changes, Change{Changed, e.Kind.String(), e.Name, "", e.In.Path})
		}
	}
	for _, d := range c.files {
		err := c.edit(d, func(e *Entry) bool { return len(fields[e]) > 0 }, func(editable *Document) ([]yamledit.Edit, error) {
			var edits []yamledit.Edit
			for kind := range kinds {
				for _, e := range d.Entries(Kind(kind)) {
					if len(fields[e]) > 0 {
						edits = append(edits, editable.yaml().SetFields(editable.Entry(e.Kind, e.Name).body, fields[e]...)...)
					}
				}
			}
			return edits, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// Write makes the file, and its directory if need be.
func (f PartFile) Write() error {
	if err := makeParents(f.Path); err != nil {
		return err
	}
	file, err := Reserve(f.Path, false)
	if err != nil {
		return err
	}
	return file.Commit(f.Data)
}
