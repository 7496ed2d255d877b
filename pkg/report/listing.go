package report

import (
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// listing is a grid of facts about certificates, each behind its name.
type listing struct {
	grid
	facts []fact
	now   time.Time
	o     Options
}

func newListing(name column, facts []fact, now time.Time, o Options) *listing {
	l := &listing{grid: grid{columns: []column{name}}, facts: facts, now: now, o: o}
	for _, f := range facts {
		l.columns = append(l.columns, f.column)
	}
	return l
}

// add adds a certificate.
func (l *listing) add(e *inventory.Entry, name string) {
	row := make([]cell, 0, len(l.columns))
	row = append(row, plain(name))
	for _, f := range l.facts {
		row = append(row, f.of(e, l.now, l.o))
	}
	l.rows = append(l.rows, row)
}

// addBunch adds many certificates as one row, with indent before its name.
func (l *listing) addBunch(b bunch, indent string) {
	row := b.row(l.facts, l.now, l.o)
	row[0].text = indent + row[0].text
	l.rows = append(l.rows, row)
}

// part begins a part of the listing, with a title unless that is "".
func (l *listing) part(title string) {
	if len(l.rows) > 0 {
		l.rows = append(l.rows, blank)
	}
	if title != "" {
		l.rows = append(l.rows, heading(title, l.o.Colors.paint(faint)))
	}
}
