package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// grid is a table whose columns line up on a terminal.
type grid struct {
	header []string
	rows   [][]cell
}

// cell is a piece of text, and the colour to show it in.
type cell struct {
	text  string
	paint func(string) string // nil for plain
}

func plain(text string) cell { return cell{text: text} }

// width measures text in terminal columns, whatever the environment says.
var width = &runewidth.Condition{}

// columnGap is what kubectl puts between columns.
const columnGap = "   "

// write prints the grid. Columns without any text are left out.
func (g grid) write(w io.Writer) error {
	widths := make([]int, len(g.header))
	for _, row := range g.rows {
		for i := range row {
			row[i].text = Printable(row[i].text)
			widths[i] = max(widths[i], width.StringWidth(row[i].text))
		}
	}
	var out strings.Builder
	line := func(row []cell) {
		var text strings.Builder
		for i, c := range row {
			if widths[i] == 0 {
				continue
			}
			column := max(widths[i], width.StringWidth(g.header[i]))
			padding := strings.Repeat(" ", column-width.StringWidth(c.text))
			if c.paint != nil {
				c.text = c.paint(c.text)
			}
			text.WriteString(c.text + padding + columnGap)
		}
		out.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	header := make([]cell, len(g.header))
	for i, name := range g.header {
		header[i] = plain(name)
	}
	line(header)
	for _, row := range g.rows {
		line(row)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// Colors paints what is said, or does not.
type Colors bool

// The SGR codes of the few colours in use.
const (
	red, green, yellow = 31, 32, 33
)

func (c Colors) paint(code int) func(string) string {
	if !c {
		return nil
	}
	return func(text string) string { return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, text) }
}
