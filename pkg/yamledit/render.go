package yamledit

import (
	"fmt"
	"strings"
	"unicode"
)

// Render writes a value as it stands behind a key at indent: a scalar with a
// blank before it, a collection from the next line on. It does not end in a
// line break.
func Render(n *Node, indent int, newline string) string {
	switch {
	case n.Kind == Scalar && !isString(n):
		return " " + n.Value // a number, a boolean: quotes would make it text
	case n.Kind == Scalar:
		return " " + Quote(n.Value)
	case n.Kind == Null:
		return " null"
	case len(n.Children) == 0 && n.Kind == Mapping:
		return " {}"
	case len(n.Children) == 0:
		return " []"
	}
	var out strings.Builder
	if n.Kind == Sequence {
		for i := range n.Children {
			out.WriteString(newline + strings.Repeat(" ", indent) + "-" + renderItem(&n.Children[i], indent, newline))
		}
		return out.String()
	}
	return renderPairs(n, indent+2, newline)
}

// Text writes a value as a document of its own.
func Text(n *Node) string {
	if n.Kind == Mapping && len(n.Children) > 0 {
		return strings.TrimPrefix(renderPairs(n, 0, "\n"), "\n") + "\n"
	}
	return strings.TrimLeft(Render(n, 0, "\n"), " \n") + "\n"
}

// Pair writes a key and its value as lines of the root.
func Pair(key string, value *Node) string {
	return quoteKey(key) + ":" + Render(value, 0, "\n") + "\n"
}

// renderPairs writes the pairs of a mapping, each from a new line on.
func renderPairs(n *Node, indent int, newline string) string {
	var out strings.Builder
	for i := range n.Children {
		c := &n.Children[i]
		out.WriteString(newline + strings.Repeat(" ", indent) + quoteKey(c.Key) + ":" + Render(c, indent, newline))
	}
	return out.String()
}

// renderItem writes a value as it stands behind a dash at indent.
func renderItem(n *Node, indent int, newline string) string {
	if len(n.Children) == 0 {
		return Render(n, indent, newline)
	}
	if n.Kind == Sequence {
		return Render(n, indent+2, newline)
	}
	// The first key stands behind the dash.
	return " " + strings.TrimLeft(renderPairs(n, indent+2, newline), " \r\n")
}

// Quote writes text as a scalar that every reader of YAML takes for that text:
// as it is where that is safe, else in double quotes.
func Quote(text string) string {
	if word(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r > '~' || !keyByte(byte(r)) && !strings.ContainsRune("@+=:", r)
	}) && text[len(text)-1] != ':' {
		return text
	}
	return doubleQuoted(text)
}

// quoteKey is Quote for keys, which the scanner is to know again.
func quoteKey(key string) string {
	if word(key) && !strings.ContainsFunc(key, func(r rune) bool { return r > '~' || !keyByte(byte(r)) }) {
		return key
	}
	return doubleQuoted(key)
}

func doubleQuoted(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteRune('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case unicode.IsPrint(r) && r != '\ufeff':
			out.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&out, `\U%08X`, r)
		default:
			fmt.Fprintf(&out, `\u%04X`, r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
