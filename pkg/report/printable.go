// Package report writes an inventory for a person or a program to read.
package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable makes text from a certificate, a kubeconfig or the API harmless to
// a terminal: control and C1 characters, line breaks, bidirectional overrides
// and other invisible characters, and bytes that are no UTF-8, become visible
// escapes. All else stays as it is.
func Printable(text string) string {
	if !strings.ContainsFunc(text, hostile) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case !hostile(r):
			out.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&out, `\U%08x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		i += size
	}
	return out.String()
}

// hostile reports whether r could move the cursor, reorder what stands around
// it, or not be seen. unicode.IsPrint excludes the categories Cc, Cf, Co, Cs,
// Zl and Zp, and every space but U+0020.
func hostile(r rune) bool {
	return r == utf8.RuneError || !unicode.IsPrint(r)
}

// isPlain reports whether text is nothing but printable ASCII and line breaks. Of
// megabytes, nearly all is.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c != '\n' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}
