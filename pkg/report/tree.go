package report

import (
	"fmt"
	"io"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Tree draws who signed whom: each CA, and below it what it signed.
func Tree(w io.Writer, inv *inventory.Inventory, o Options) error {
	return writeSections(w, inv, o, tree, findings, requests, skipped)
}

func tree(w io.Writer, inv *inventory.Inventory, o Options) error {
	if len(inv.Items) == 0 {
		_, err := fmt.Fprintln(w, "No certificates found.")
		return err
	}
	l := newListing(column{title: "CERTIFICATE", least: 24}, []fact{factStatus, factLeft, factDay, factSubject}, inv.TakenAt, o)
	var draw func(branches []*branch, trunk string, depth int)
	draw = func(branches []*branch, trunk string, depth int) {
		branches, bunches := fold(branches, inv.TakenAt)
		forks := len(branches) + len(bunches)
		// next returns what is before the next branch, and before what is below it.
		next := func() (fork, below string) {
			forks--
			fork, below = trunk+"├── ", trunk+"│   "
			if forks == 0 {
				fork, below = trunk+"└── ", trunk+"    "
			}
			if depth >= deepest {
				below = trunk
			}
			return fork, below
		}
		for _, b := range branches {
			fork, below := next()
			l.add(b.entry, fork+b.entry.ID())
			draw(b.signed, below, depth+1)
		}
		for _, b := range bunches {
			fork, _ := next()
			l.addBunch(b, fork)
		}
	}
	roots, alone := forest(inv.Items)
	for _, root := range roots {
		l.part("")
		l.add(root.entry, root.entry.ID())
		draw(root.signed, "", 1)
	}
	if len(alone) > 0 {
		l.part(noSigner)
		draw(alone, "", 1)
	}
	return l.write(w, o)
}
