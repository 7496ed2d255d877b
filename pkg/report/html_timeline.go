package report

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// timeline draws what ends when, as an SVG: a bar a certificate, the first to
// end on top. The scale is logarithmic, since days matter now and years later.
type timeline struct {
	Width, Height int
	Now           int // where the line of the present is
	Ticks         []tick
	Bars          []bar
	More          int // how many end later than those shown
	Answered      int // how many are left out: sound, and only in answered requests
}

type tick struct {
	X    int
	Text string
}

type bar struct {
	X, Y, Width int
	TextX       int
	Label, Text string
	Title       string
	Class       string // of the status
}

// The measures of a timeline, in the units of its SVG.
const (
	mostBars    = 30
	labelRoom   = 300
	pastRoom    = 70
	futureRoom  = 430
	timeRoom    = 170
	barHeight   = 24
	axisHeight  = 26
	labelLetter = 40 // columns of text that fit into labelRoom
)

func newTimeline(inv *inventory.Inventory) *timeline {
	var order []*inventory.Entry
	answered := 0
	for i := range inv.Items {
		e := &inv.Items[i]
		// Of what the API only remembers having answered, faults are enough.
		if categoryOf(e) == inRequests && statusBadge(e).Class == "ok" {
			answered++
			continue
		}
		order = append(order, e)
	}
	if len(order) == 0 {
		return nil
	}
	slices.SortStableFunc(order, func(a, b *inventory.Entry) int { return a.NotAfter.Compare(b.NotAfter) })
	t := &timeline{Now: labelRoom}
	if order[0].NotAfter.Before(inv.TakenAt) {
		t.Now += pastRoom
	}
	t.Width = t.Now + futureRoom + timeRoom
	t.Answered = answered
	if len(order) > mostBars {
		t.More = len(order) - mostBars
		order = order[:mostBars]
	}
	t.Height = axisHeight + barHeight*len(order) + 4

	days := func(e *inventory.Entry) float64 { return e.NotAfter.Sub(inv.TakenAt).Hours() / 24 }
	furthest := max(days(order[len(order)-1]), 7)
	x := func(days float64) int {
		return t.Now + int(math.Round(futureRoom*math.Log1p(min(days, furthest))/math.Log1p(furthest)))
	}
	for _, mark := range []struct {
		days float64
		text string
	}{{0, "now"}, {1, "1d"}, {7, "7d"}, {30, "30d"}, {90, "90d"}, {365, "1y"}, {3 * 365, "3y"}, {10 * 365, "10y"}, {100 * 365, "100y"}} {
		if mark.days <= furthest {
			t.Ticks = append(t.Ticks, tick{x(mark.days), mark.text})
		}
	}
	for i, e := range order {
		state := statusBadge(e)
		b := bar{
			Y: axisHeight + barHeight*i, Label: shorten(Printable(e.ID()), labelLetter), Class: state.Class,
			Text:  state.Sign + " " + e.NotAfter.UTC().Format(time.DateOnly) + " · " + left(e.NotAfter, inv.TakenAt),
			Title: Printable(fmt.Sprintf("%s (%s): %s", e.ID(), e.Subject, remaining(e.NotAfter, inv.TakenAt))),
		}
		if d := days(e); d >= 0 {
			b.X, b.Width = t.Now, max(x(d)-t.Now, 3)
		} else {
			b.Width = max(min(int(pastRoom*math.Log1p(-d)/math.Log1p(furthest)), pastRoom-6), 3)
			b.X = t.Now - b.Width
		}
		b.TextX = max(b.X+b.Width, t.Now) + 8
		t.Bars = append(t.Bars, b)
	}
	return t
}
