package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// JSON writes the inventory as its versioned kind, item by item: of a large
// cluster, the text is many times what there is to know.
func JSON(w io.Writer, inv *inventory.Inventory, _ Options) error {
	if len(inv.Items) == 0 {
		return WriteJSON(w, inv)
	}
	rest := *inv
	rest.Items = []inventory.Entry{}
	frame, err := encode(rest, "  ")
	if err != nil {
		return err
	}
	// In a string the quotes would be escaped.
	before, after, _ := strings.Cut(frame, `"items": []`)
	out := bufio.NewWriter(w)
	out.WriteString(escapeJSON(before) + `"items": [`)
	var text bytes.Buffer
	encoder := newEncoder(&text, "    ", "  ")
	for i := range inv.Items {
		text.Reset()
		if err := encoder.Encode(&inv.Items[i]); err != nil {
			return err
		}
		if i > 0 {
			out.WriteString(",")
		}
		out.WriteString("\n    " + escapeJSON(strings.TrimSuffix(text.String(), "\n")))
	}
	out.WriteString("\n  ]" + escapeJSON(after))
	return out.Flush()
}

// WriteJSON writes a versioned kind as JSON, for people to read too. What a
// terminal would obey is escaped.
func WriteJSON(w io.Writer, value any) error {
	text, err := encode(value, "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, escapeJSON(text))
	return err
}

func escapeJSON(text string) string {
	return escape(text, func(r rune) string {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	})
}

func encode(value any, indent string) (string, error) {
	var text strings.Builder
	err := newEncoder(&text, "", indent).Encode(value)
	return text.String(), err
}

func newEncoder(w io.Writer, prefix, indent string) *json.Encoder {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(prefix, indent)
	return encoder
}

// escape writes hostile characters in JSON text, which can stand only within
// its strings, as escapes of the same meaning. astral does so beyond U+FFFF,
// where JSON and YAML differ.
func escape(text string, astral func(rune) string) string {
	if isPlain(text) || !strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && hostile(r) }) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || !hostile(r):
			out.WriteRune(r)
		case r > 0xffff:
			out.WriteString(astral(r))
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}
