package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// Mood is how a cell of a Grid is meant, and the colour that says so.
type Mood int

// The moods.
const (
	Plain Mood = iota
	Good
	Doubtful
	Bad
)

// Cell is a piece of text in a Grid.
type Cell struct {
	Text string
	Mood Mood
}

// Grid is a table whose columns line up on a terminal. Columns without any
// text are left out.
type Grid struct {
	Header []string
	Rows   [][]Cell
}

// Write prints the grid. Its text becomes harmless.
func (g Grid) Write(w io.Writer, colors Colors) error {
	out := grid{header: g.Header}
	for _, row := range g.Rows {
		cells := make([]cell, len(row))
		for i, c := range row {
			cells[i] = plain(c.Text)
			if code := map[Mood]int{Good: green, Doubtful: yellow, Bad: red}[c.Mood]; code != 0 {
				cells[i].paint = colors.paint(code)
			}
		}
		out.rows = append(out.rows, cells)
	}
	return out.write(w)
}

// WriteJSON writes a versioned kind as JSON, whose text cannot harm a terminal.
func WriteJSON(w io.Writer, kind any) error {
	text, err := indented(kind)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, escape(text, func(r rune) string {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}))
	return err
}

// WriteYAML writes what WriteJSON writes.
func WriteYAML(w io.Writer, kind any) error {
	text, err := indented(kind)
	if err != nil {
		return err
	}
	// JSON is YAML; written anew, every string stays harmless.
	document, err := yamledit.Parse(escape(text, func(r rune) string { return fmt.Sprintf(`\U%08x`, r) }))
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, yamledit.Text(&document.Root))
	return err
}

func indented(kind any) (string, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(kind)
	return text.String(), err
}
