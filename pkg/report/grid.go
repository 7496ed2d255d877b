package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// grid is a table whose columns line up on a terminal.
type grid struct {
	columns []column
	rows    [][]cell
}

// column is a column of a grid.
type column struct {
	title string
	// least is how narrow it may become where the terminal is too narrow for
	// all; 0 where it stays as wide as its text.
	least int
	// optional says that it may be left out where least is too much. It is cut
	// at its end, others in their middle: names differ at their ends.
	optional bool
}

// cell is a piece of text, and the colour to show it in.
type cell struct {
	text  string
	paint func(string) string // nil for plain
}

func plain(text string) cell { return cell{text: text} }

// blank is a row that separates others.
var blank = []cell{}

// heading is a row that belongs to no column.
func heading(text string, paint func(string) string) []cell { return []cell{{text, paint}} }

// width measures text in terminal columns, whatever the environment says.
var width = &runewidth.Condition{}

// columnGap is what kubectl puts between columns.
const columnGap = "   "

// write prints the grid. Columns without any text are left out. Some may be
// cut where the terminal is so narrow that lines would not fit.
func (g grid) write(w io.Writer, o Options) error {
	widths := g.measure()
	g.fit(widths, o.Width)
	out := bufio.NewWriter(w)
	if !o.NoHeaders {
		header := make([]cell, len(g.columns))
		for i, c := range g.columns {
			header[i] = plain(c.title)
		}
		g.line(out, header, widths)
	}
	for _, row := range g.rows {
		g.line(out, row, widths)
	}
	return out.Flush()
}

// widestCell is how wide a cell becomes at most, in columns of a terminal. One
// certificate may have a name of megabytes, and every other line would be padded
// to it. JSON has all of it.
const widestCell = 1000

// cellText makes text harmless and fit for a cell. What is cut off is cut off
// first, so that it costs nothing.
func cellText(text string) string {
	if len(text) <= widestCell {
		return Printable(text)
	}
	const most = widestCell * utf8.UTFMax
	cut := text
	if len(cut) > most {
		cut = strings.ToValidUTF8(cut[:most], "")
	}
	harmless := Printable(cut)
	fitting := width.Truncate(harmless, widestCell-len(dots), "")
	if len(cut) == len(text) && len(fitting) == len(harmless) {
		return harmless
	}
	return fitting + dots
}

// measure makes all text fit for its cell, and returns how wide each column has
// to be.
func (g grid) measure() []int {
	widths := make([]int, len(g.columns))
	for _, row := range g.rows {
		for i := range row {
			row[i].text = cellText(row[i].text)
			if len(row) == len(g.columns) {
				widths[i] = max(widths[i], width.StringWidth(row[i].text))
			}
		}
	}
	for i, c := range g.columns {
		if widths[i] > 0 {
			widths[i] = max(widths[i], width.StringWidth(c.title))
		}
	}
	return widths
}

// fit makes columns narrower until all of them fit into a terminal, the last
// ones first.
func (g grid) fit(widths []int, terminal int) {
	if terminal <= 0 {
		return
	}
	excess := -len(columnGap) - terminal
	for _, w := range widths {
		if w > 0 {
			excess += w + len(columnGap)
		}
	}
	for i := len(widths) - 1; i >= 0 && excess > 0; i-- {
		least := g.columns[i].least
		switch {
		case least == 0 || widths[i] == 0:
			continue
		case g.columns[i].optional && widths[i]-excess < least:
			excess -= widths[i] + len(columnGap)
			widths[i] = 0
		default:
			narrower := max(min(widths[i]-excess, widths[i]), min(least, widths[i]))
			excess -= widths[i] - narrower
			widths[i] = narrower
		}
	}
}

func (g grid) line(out *bufio.Writer, row []cell, widths []int) {
	if len(row) != len(g.columns) {
		for _, c := range row {
			out.WriteString(c.painted(c.text))
		}
		out.WriteByte('\n')
		return
	}
	pending := 0 // spaces that stand only before more text
	for i, c := range row {
		if widths[i] == 0 {
			continue
		}
		text := c.text
		if g.columns[i].optional {
			text = width.Truncate(text, widths[i], dots)
		} else {
			text = shorten(text, widths[i])
		}
		if text != "" {
			out.WriteString(strings.Repeat(" ", pending))
			out.WriteString(c.painted(text))
			pending = 0
		}
		pending += widths[i] - width.StringWidth(text) + len(columnGap)
	}
	out.WriteByte('\n')
}

func (c cell) painted(text string) string {
	if c.paint == nil {
		return text
	}
	return c.paint(text)
}

// dots stand for what was cut.
const dots = "…"

// shorten cuts the middle out of text that is wider than room.
func shorten(text string, room int) string {
	all := width.StringWidth(text)
	if all <= room {
		return text
	}
	if room <= 1 {
		return dots[:len(dots)*room]
	}
	tail := (room - 1) / 3
	return width.Truncate(text, room-tail-1, "") + dots + width.TruncateLeft(text, all-tail, "")
}

// Colors paints what is said, or does not.
type Colors bool

// The SGR codes of the few colours in use.
const (
	bold, faint, underlined = 1, 2, 4
	red, green, yellow      = 31, 32, 33
)

func (c Colors) paint(code int) func(string) string {
	if !c {
		return nil
	}
	return func(text string) string { return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, text) }
}

// text paints a text.
func (c Colors) text(code int, text string) string {
	return cell{paint: c.paint(code)}.painted(text)
}
