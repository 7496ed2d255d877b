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

// Cell is a piece of text in a table, and how alarming it is.
type Cell struct {
	Text string
	Tone Tone
}

// Tone is how alarming a piece of text is.
type Tone int

// The tones.
const (
	Plain Tone = iota
	Good
	Bad
	Worse
)

var toneColor = map[Tone]int{Good: green, Bad: yellow, Worse: red}

// Paint returns text in the colour of tone. The text has to be printable.
func (c Colors) Paint(tone Tone, text string) string {
	code, ok := toneColor[tone]
	if !ok || !bool(c) {
		return text
	}
	return c.paint(code)(text)
}

// ListFormats names the formats that Write takes, in the order that help lists
// them.
func ListFormats() []string { return FormatNames() }

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
		return writeJSON(w, l.Document)
	case "yaml":
		return writeYAML(w, l.Document)
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
	g := grid{header: l.Header[:columns]}
	for _, row := range l.Rows {
		var cells []cell
		for _, c := range row[:columns] {
			painted := cell{text: c.Text}
			if c.Tone != Plain && bool(colors) {
				painted.paint = colors.paint(toneColor[c.Tone])
			}
			cells = append(cells, painted)
		}
		g.rows = append(g.rows, cells)
	}
	return g.write(w)
}
