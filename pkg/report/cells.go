package report

import "io"

// Mood is how a cell of a Grid is meant, and the colour that says so.
type Mood int

// The moods.
const (
	Plain Mood = iota
	Good
	Doubtful
	Bad
)

var moodColor = map[Mood]int{Good: green, Doubtful: yellow, Bad: red}

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
	out := grid{}
	for _, title := range g.Header {
		out.columns = append(out.columns, column{title: title})
	}
	for _, row := range g.Rows {
		cells := make([]cell, len(row))
		for i, c := range row {
			cells[i] = plain(c.Text)
			if code := moodColor[c.Mood]; code != 0 {
				cells[i].paint = colors.paint(code)
			}
		}
		out.rows = append(out.rows, cells)
	}
	return out.write(w, Options{Colors: colors})
}
