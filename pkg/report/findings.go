package report

import (
	"io"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// fault is a finding, and what it is about.
type fault struct {
	inventory.Finding
	about string // harmless by printing only
	entry *inventory.Entry
	place *inventory.PlaceFinding
}

// faultsOf lists what somebody has to act on: the worst first, otherwise in
// the order of the inventory.
func faultsOf(inv *inventory.Inventory) []fault {
	var all []fault
	for i := range inv.Items {
		for _, f := range inv.Items[i].Findings {
			all = append(all, fault{Finding: f, about: inv.Items[i].ID(), entry: &inv.Items[i]})
		}
	}
	for i, f := range inv.Findings {
		all = append(all, fault{Finding: f.Finding, about: f.Where, place: &inv.Findings[i]})
	}
	for _, r := range inv.Requests {
		for _, f := range r.Findings {
			all = append(all, fault{Finding: f, about: "request " + r.Name})
		}
	}
	all = slices.DeleteFunc(all, func(f fault) bool { return f.Severity == inventory.Info })
	slices.SortStableFunc(all, func(a, b fault) int { return b.Severity.Compare(a.Severity) })
	return all
}

// marks are linkerd's.
var marks = map[inventory.Severity]struct {
	sign  string
	color int
}{
	inventory.Info:     {"√", green},
	inventory.Warning:  {"‼", yellow},
	inventory.Critical: {"×", red},
}

func mark(s inventory.Severity, colors Colors) string {
	return colors.text(marks[s].color, marks[s].sign)
}

// findings writes what somebody has to act on; the status says the rest, and
// JSON says it all. What is mended alike stands together above its fix.
func findings(w io.Writer, inv *inventory.Inventory, o Options) error {
	type mended struct {
		severity inventory.Severity
		code     inventory.Code
		fix      string
	}
	var order []mended
	lines := map[mended][]string{}
	for _, f := range faultsOf(inv) {
		r := mended{f.Severity, f.Code, f.Fix}
		if lines[r] == nil {
			order = append(order, r)
		}
		lines[r] = append(lines[r], mark(f.Severity, o.Colors)+" "+Printable(f.about)+" "+Printable(f.Message)+" ("+Printable(string(f.Code))+")\n")
	}
	var out strings.Builder
	for _, r := range order {
		for _, line := range lines[r] {
			out.WriteString(line)
		}
		if r.fix != "" {
			out.WriteString("  fix: " + Printable(r.fix) + "\n")
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}
