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
	about string
}

// faultsOf lists what somebody has to act on: the worst first, otherwise in
// the order of the inventory.
func faultsOf(inv *inventory.Inventory) []fault {
	var all []fault
	for i := range inv.Items {
		for _, f := range inv.Items[i].Findings {
			all = append(all, fault{Finding: f, about: called(&inv.Items[i])})
		}
	}
	for _, f := range inv.Findings {
		all = append(all, fault{Finding: f.Finding, about: f.Where})
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

// mended are faults that the same thing mends.
type mended struct {
	severity inventory.Severity
	code     inventory.Code
	fix      string
	faults   []fault
}

// mendedAlike gathers faults by what mends them, the worst first.
func mendedAlike(inv *inventory.Inventory) []*mended {
	type remedy struct {
		severity inventory.Severity
		code     inventory.Code
		fix      string
	}
	var all []*mended
	by := map[remedy]*mended{}
	for _, f := range faultsOf(inv) {
		r := remedy{f.Severity, f.Code, f.Fix}
		if by[r] == nil {
			by[r] = &mended{f.Severity, f.Code, f.Fix, nil}
			all = append(all, by[r])
		}
		by[r].faults = append(by[r].faults, f)
	}
	return all
}

// findings writes what somebody has to act on; the status says the rest, and
// JSON says it all. What is mended alike stands together above its fix.
func findings(w io.Writer, inv *inventory.Inventory, o Options) error {
	var out strings.Builder
	for _, m := range mendedAlike(inv) {
		for _, f := range m.faults {
			out.WriteString(mark(f.Severity, o.Colors) + " " + Printable(f.about) + " " + Printable(f.Message) + " (" + Printable(string(f.Code)) + ")\n")
		}
		if m.fix != "" {
			out.WriteString("  fix: " + Printable(m.fix) + "\n")
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}
