package report

import (
	"encoding/base64"
	"io"
	"text/template"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// goTemplate writes what a Go template makes of the JSON form of the
// inventory, with the functions that kubectl adds.
func goTemplate(text string) (Format, error) {
	parsed, err := template.New("output").Funcs(template.FuncMap{
		"exists":       exists,
		"base64decode": base64Decode,
	}).Parse(text)
	if err != nil {
		return nil, err
	}
	return func(w io.Writer, inv *inventory.Inventory, _ Options) error {
		data, err := printableObject(inv)
		if err != nil {
			return err
		}
		return parsed.Execute(w, data)
	}, nil
}

// exists reports whether `index item keys...` would find something.
func exists(item any, keys ...any) bool {
	for _, key := range keys {
		switch container := item.(type) {
		case map[string]any:
			name, ok := key.(string)
			if !ok {
				return false
			}
			item = container[name]
		case []any:
			i, ok := key.(int)
			if !ok || i < 0 || i >= len(container) {
				return false
			}
			item = container[i]
		default:
			return false
		}
	}
	return item != nil
}

// base64Decode decodes text, and makes what comes out harmless.
func base64Decode(text string) (string, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	return Printable(string(data)), err
}
