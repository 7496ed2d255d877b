package report

import (
	"fmt"
	"slices"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// drawing shows who trusts whom, as an SVG: CAs on the left, lines to what they
// signed on their right.
type drawing struct {
	Width, Height int
	Boxes         []box
	Lines         []stroke
}

type box struct {
	X, Y, Width, Height int
	Class               string // of the status, and "ca" or "more"
	Label, Title        string
	LabelX, LabelY      int
}

// stroke goes from the right side of a signer to the left side of what it
// signed.
type stroke struct{ X1, Y1, X2, Y2, Middle int }

// The measures of a drawing, in the units of its SVG.
const (
	boxWidth   = 300
	boxHeight  = 26
	boxLetters = 38 // columns of text that fit into a box
	boxColumn  = boxWidth + 50
	boxRow     = boxHeight + 8
	groupGap   = 14
	mostRoots  = 30
	mostSigned = 12
)

func newDrawing(items []inventory.Entry) *drawing {
	if len(items) == 0 {
		return nil
	}
	d := &drawing{Width: boxWidth + 2}
	roots, alone := forest(items)
	y := 1
	for i, root := range some(roots, mostRoots) {
		if i > 0 {
			y += groupGap
		}
		_, y = d.grow(root, 0, y)
	}
	if more := len(roots) - mostRoots; more > 0 {
		d.more(0, y+groupGap, fmt.Sprintf("and %d more CAs", more))
		y += groupGap + boxRow
	}
	if len(alone) > 0 {
		y += groupGap
		// A signer that nobody saw.
		unseen := &branch{signed: alone}
		_, y = d.grow(unseen, 0, y)
	}
	d.Height = y
	return d
}

// grow draws b and the certificates it signed below y. It returns the middle of b, and
// where the next one may begin.
func (d *drawing) grow(b *branch, depth, y int) (middle, next int) {
	next = y
	middle = y + boxHeight/2
	if depth == deepest { // what is deeper stands below, in the same column
		d.put(boxOf(b), depth, middle)
		next += boxRow
		for _, below := range some(b.signed, mostSigned) {
			_, next = d.grow(below, depth, next)
		}
		return middle, next
	}
	var ends []int
	for _, below := range some(b.signed, mostSigned) {
		var end int
		end, next = d.grow(below, depth+1, next)
		ends = append(ends, end)
	}
	if more := len(b.signed) - mostSigned; more > 0 {
		ends = append(ends, d.more(depth+1, next, fmt.Sprintf("and %d more", more)))
		next += boxRow
	}
	if len(ends) > 0 {
		middle = (ends[0] + ends[len(ends)-1]) / 2
	}
	d.put(boxOf(b), depth, middle)
	for _, end := range ends {
		from, to := depth*boxColumn+boxWidth+1, (depth+1)*boxColumn+1
		d.Lines = append(d.Lines, stroke{from, middle, to, end, (from + to) / 2})
	}
	return middle, max(next, y+boxRow)
}

// boxOf is b without its place.
func boxOf(b *branch) box {
	if b.entry == nil {
		return box{Class: "more", Label: "issuer not found", Title: "self-signed, or with an unknown issuer"}
	}
	state := statusBadge(b.entry)
	own := box{
		Class: state.Class, Label: state.Sign + " " + shorten(Printable(b.entry.ID()), boxLetters),
		Title: Printable(fmt.Sprintf("%s (%s): %s", b.entry.ID(), b.entry.Subject, status(b.entry, false).text)),
	}
	if b.entry.IsCA {
		own.Class += " ca"
	}
	return own
}

// more draws a box that stands for those that are not drawn.
func (d *drawing) more(depth, y int, text string) (middle int) {
	middle = y + boxHeight/2
	d.put(box{Class: "more", Label: text, Title: text}, depth, middle)
	return middle
}

func (d *drawing) put(b box, depth, middle int) {
	b.X, b.Y, b.Width, b.Height = depth*boxColumn+1, middle-boxHeight/2, boxWidth, boxHeight
	b.LabelX, b.LabelY = b.X+12, middle+5
	d.Boxes = append(d.Boxes, b)
	d.Width = max(d.Width, b.X+b.Width+1)
}

// some returns at most n of all: those that need to be seen first, if not all
// can be, otherwise in their order.
func some(all []*branch, n int) []*branch {
	if len(all) <= n {
		return all
	}
	urgent := func(b *branch) int {
		return slices.Index([]string{"critical", "warning", "neutral", "ok"}, statusBadge(b.entry).Class)
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *branch) int {
		if a.entry.IsCA != b.entry.IsCA { // they have more behind them
			if a.entry.IsCA {
				return -1
			}
			return 1
		}
		return urgent(a) - urgent(b)
	})
	return all[:n]
}
