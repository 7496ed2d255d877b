package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// List is what a command lists, when it is not an inventory, in every format.
type List struct {
	// Document is what JSON and YAML hold: a versioned kind.
	Document any
	Header   []string
	// WideOnly counts the columns at the end that only wide shows.
	WideOnly int
	Rows     [][]Cell
	// Names has a line for each row.
	Names []string
	// Empty is said in place of a table without rows.
	Empty string
}

// Paint returns text, which has to be printable, in the colour of mood.
func (c Colors) Paint(mood Mood, text string) string {
	if code := moodColor[mood]; code != 0 && bool(c) {
		return c.paint(code)(text)
	}
	return text
}

// ListFormats names the formats that Write takes, in the order that help lists
// them.
func ListFormats() []string { return []string{"table", "wide", "json", "yaml", "name"} }

// CheckListFormat returns an error for a format that Write does not take.
func CheckListFormat(name string) error {
	if slices.Contains(ListFormats(), name) {
		return nil
	}
	return fmt.Errorf("unknown output format %q: use one of %s", name, strings.Join(ListFormats(), ", "))
}

// Write writes the list in the format called name.
func (l List) Write(w io.Writer, name string, colors Colors) error {
	switch name {
	case "json":
		return WriteJSON(w, l.Document)
	case "yaml":
		return WriteYAML(w, l.Document)
	case "name":
		var out strings.Builder
		for _, n := range l.Names {
			out.WriteString(Printable(n) + "\n")
		}
		_, err := io.WriteString(w, out.String())
		return err
	case "table", "wide":
		return l.writeTable(w, colors, name == "wide")
	}
	return CheckListFormat(name)
}

func (l List) writeTable(w io.Writer, colors Colors, wide bool) error {
	if len(l.Rows) == 0 {
		_, err := fmt.Fprintln(w, l.Empty)
		return err
	}
	columns := len(l.Header)
	if !wide {
		columns -= l.WideOnly
	}
	g := Grid{Header: l.Header[:columns]}
	for _, row := range l.Rows {
		g.Rows = append(g.Rows, row[:columns])
	}
	return g.Write(w, colors)
}
