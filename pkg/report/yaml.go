package report

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// YAML writes what JSON writes.
func YAML(w io.Writer, inv *inventory.Inventory, _ Options) error {
	return WriteYAML(w, inv)
}

// WriteYAML writes what WriteJSON writes. It has a writer of its own: of the
// libraries, none can be made to quote a bidirectional override, which stands
// raw in what they write, and they take seconds for what a large cluster holds.
func WriteYAML(w io.Writer, kind any) error {
	decoded, err := object(kind)
	if err != nil {
		return err
	}
	var out strings.Builder
	if err := writeYAML(&out, decoded, ""); err != nil {
		return err
	}
	_, err = io.WriteString(w, out.String())
	return err
}

// writeYAML writes a decoded object as block YAML, with its keys sorted. The
// first line goes on where out stands; the others begin with indent.
func writeYAML(out *strings.Builder, value any, indent string) error {
	switch v := emptied(value).(type) {
	case map[string]any:
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				out.WriteString(indent)
			}
			name, err := yamlScalar(key)
			if err != nil {
				return err
			}
			out.WriteString(name + ":")
			if err := writeBelow(out, v[key], indent); err != nil {
				return err
			}
		}
	case []any:
		for i, item := range v {
			if i > 0 {
				out.WriteString(indent)
			}
			out.WriteString("- ")
			if err := writeYAML(out, item, indent+"  "); err != nil {
				return err
			}
		}
	default:
		text, err := yamlScalar(v)
		if err != nil {
			return err
		}
		out.WriteString(text + "\n")
	}
	return nil
}

// writeBelow writes the value of a key.
func writeBelow(out *strings.Builder, value any, indent string) error {
	switch v := value.(type) {
	case map[string]any:
		if len(v) > 0 {
			out.WriteString("\n" + indent + "  ")
			return writeYAML(out, v, indent+"  ")
		}
	case []any:
		if len(v) > 0 {
			out.WriteString("\n" + indent)
			return writeYAML(out, v, indent)
		}
	}
	out.WriteString(" ")
	return writeYAML(out, value, indent)
}

// emptied stands for a container that has nothing in it, which block YAML
// cannot write.
func emptied(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			return flow("{}")
		}
	case []any:
		if len(v) == 0 {
			return flow("[]")
		}
	}
	return value
}

// flow is YAML as it stands.
type flow string

// unquoted is text that no YAML reader takes for anything but text: it begins
// with a letter, and is none of words.
var (
	unquoted = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./@=-]*( [A-Za-z0-9_./@=-]+)*$`)
	words    = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
)

func yamlScalar(value any) (string, error) {
	switch v := value.(type) {
	case flow:
		return string(v), nil
	case string:
		if unquoted.MatchString(v) && !slices.Contains(words, strings.ToLower(v)) {
			return v, nil
		}
		// JSON's strings are YAML's, but for characters beyond U+FFFF.
		text, err := encode(v, "")
		return escape(strings.TrimSuffix(text, "\n"), func(r rune) string { return fmt.Sprintf(`\U%08x`, r) }), err
	}
	text, err := json.Marshal(value)
	return string(text), err
}
