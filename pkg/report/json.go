package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// JSON writes the inventory as its versioned kind.
func JSON(w io.Writer, inv *inventory.Inventory, _ Options) error {
	return writeJSON(w, inv)
}

// writeJSON writes value as JSON for people to read. What a terminal would
// obey is escaped.
func writeJSON(w io.Writer, value any) error {
	text, err := encode(value, "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, escape(text, func(r rune) string {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}))
	return err
}

func encode(value any, indent string) (string, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	err := encoder.Encode(value)
	return text.String(), err
}

// escape writes hostile characters in JSON text, which can stand only within
// its strings, as escapes of the same meaning. astral does so beyond U+FFFF,
// where JSON and YAML differ.
func escape(text string, astral func(rune) string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && hostile(r) }) {
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
