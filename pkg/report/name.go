package report

import (
	"fmt"
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

// called names a certificate and, where it lies in files, those: several trees,
// or a tree and its backup, may have one of the same name.
func called(e *inventory.Entry) string {
	id := e.ID()
	var paths []string
	for _, l := range e.Locations {
		if l.Source == filesSource || l.Source == nodeFilesSource {
			if strings.HasPrefix(e.Name, l.Where) {
				return id // it is named after its file
			}
			paths = append(paths, l.Where)
		}
	}
	switch len(paths) {
	case 0:
		return id
	case 1:
		return id + " (" + paths[0] + ")"
	}
	return fmt.Sprintf("%s (%s and %d more)", id, paths[0], len(paths)-1)
}

// The sources that read files.
const (
	filesSource     = "files"
	nodeFilesSource = "node-files"
)
