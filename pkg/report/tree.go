package report

import (
	"fmt"
	"io"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Tree draws who signed whom: each CA, and below it what it signed.
func Tree(w io.Writer, inv *inventory.Inventory, o Options) error {
	return writeSections(w, inv, o, tree, findings, requests, skipped)
}

func tree(w io.Writer, inv *inventory.Inventory, o Options) error {
	if len(inv.Items) == 0 {
		_, err := fmt.Fprintln(w, "No certificates could be seen.")
		return err
	}
	g := grid{columns: []column{{title: "CERTIFICATE", least: 24}, factStatus.column, factLeft.column, factDay.column, factSubject.column}}
	row := func(e *inventory.Entry, name string) {
		g.rows = append(g.rows, []cell{
			plain(name), status(e, o.Colors), plain(left(e.NotAfter, inv.TakenAt)),
			plain(e.NotAfter.UTC().Format(time.DateOnly)), plain(e.Subject.String()),
		})
	}
	var draw func(all []*branch, trunk string, depth int)
	draw = func(all []*branch, trunk string, depth int) {
		for i, b := range all {
			fork, below := "├── ", "│   "
			if i == len(all)-1 {
				fork, below = "└── ", "    "
			}
			row(b.entry, trunk+fork+b.entry.ID())
			if depth < deepest {
				below = trunk + below
			} else {
				below = trunk
			}
			draw(b.signed, below, depth+1)
		}
	}
	roots, alone := forest(inv.Items)
	for i, root := range roots {
		if i > 0 {
			g.rows = append(g.rows, blank)
		}
		row(root.entry, root.entry.ID())
		draw(root.signed, "", 1)
	}
	if len(alone) > 0 {
		if len(roots) > 0 {
			g.rows = append(g.rows, blank)
		}
		g.rows = append(g.rows, heading(noSigner, o.Colors.paint(faint)))
		draw(alone, "", 1)
	}
	return g.write(w, o)
}
