package report

import (
	"io"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// requests writes what waits for a certificate.
func requests(w io.Writer, inv *inventory.Inventory, o Options) error {
	if len(inv.Requests) == 0 {
		return nil
	}
	g := grid{columns: []column{{title: "REQUEST", least: 12}, {title: "WAITING"}, {title: "SINCE"}, {title: "BY", least: 12}, {title: "SIGNER", least: 16, optional: true}}}
	for _, r := range inv.Requests {
		g.rows = append(g.rows, []cell{
			plain(r.Name), waitsFor(r, o.Colors), plain(duration.HumanDuration(inv.TakenAt.Sub(r.CreatedAt))),
			plain(r.Requester), plain(r.Signer),
		})
	}
	return g.write(w, o)
}

func waitsFor(r inventory.Request, colors Colors) cell {
	text := string(r.State)
	switch r.State {
	case inventory.Pending:
		text = "approval"
	case inventory.Approved:
		text = "its signer"
	}
	for _, f := range r.Findings {
		if f.Severity != inventory.Info {
			return cell{text, colors.paint(marks[f.Severity].color)}
		}
	}
	return plain(text)
}
