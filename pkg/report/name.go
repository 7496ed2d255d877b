package report

import (
	"io"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Names writes the name of each certificate, with its node where each node has
// one of its own, a line each: what `inspect NAME` takes.
func Names(w io.Writer, inv *inventory.Inventory, _ Options) error {
	var out strings.Builder
	for _, e := range inv.Items {
		out.WriteString(Printable(e.ID()) + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}
