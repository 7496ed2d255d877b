package report

import (
	"encoding/hex"
	"strings"
)

// issuerName returns the attributes of a distinguished name as RFC 4514 writes
// it ("CN=a,OU=b+OU=c,O=d"), the first value of each.
func issuerName(text string) map[string]string {
	name := map[string]string{}
	for text != "" {
		var attribute string
		attribute, text = cutAttribute(text)
		if kind, value, ok := strings.Cut(attribute, "="); ok {
			if _, known := name[kind]; !known {
				name[kind] = unescape(value)
			}
		}
	}
	return name
}

// cutAttribute cuts text behind its first attribute: at a comma or a plus that
// no backslash precedes.
func cutAttribute(text string) (attribute, rest string) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case ',', '+':
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

// unescape undoes RFC 4514's escapes: a backslash before a character, or before
// the two hexadecimal digits of a byte.
func unescape(value string) string {
	if !strings.Contains(value, `\`) {
		return value
	}
	var out strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' || i+1 == len(value) {
			out.WriteByte(value[i])
			continue
		}
		i++
		if i+1 < len(value) {
			if b, err := hex.DecodeString(value[i : i+2]); err == nil {
				out.Write(b)
				i++
				continue
			}
		}
		out.WriteByte(value[i])
	}
	return out.String()
}
