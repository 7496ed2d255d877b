package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// gap is what could not be read for one reason, wherever that struck.
type gap struct {
	inventory.Skip
	places []string
	source string // of the last of places
}

// gapsOf gathers skips by their reason: one fault of the connection keeps many
// sources from reading.
func gapsOf(skips []inventory.Skip, expected bool) []gap {
	var gaps []gap
	at := map[[2]string]int{}
	for _, s := range skips {
		if s.Expected != expected {
			continue
		}
		reason := [2]string{s.Reason, s.Hint}
		i, known := at[reason]
		if !known {
			i = len(gaps)
			at[reason] = i
			gaps = append(gaps, gap{Skip: s})
		}
		gaps[i].add(s.Source, s.Where)
	}
	return gaps
}

// add takes a place in; a source is named once for all that follow.
func (g *gap) add(source, where string) {
	text := place(source, where)
	if source == g.source && where != "" {
		text = where
	}
	g.places, g.source = append(g.places, text), source
}

func place(source, where string) string {
	if where == "" {
		return source
	}
	if strings.HasPrefix(where, source) { // "secrets in all namespaces" says it all
		return where
	}
	return source + " " + where
}

// mostPlaces is how many places a line names.
const mostPlaces = 3

func (g gap) where() string {
	if len(g.places) > mostPlaces+1 {
		return strings.Join(g.places[:mostPlaces], ", ") + fmt.Sprintf(" and %d more", len(g.places)-mostPlaces)
	}
	return strings.Join(g.places, ", ")
}

// skipped writes what could not be read, and below it, in few words, what
// cannot be seen in such a cluster.
func skipped(w io.Writer, inv *inventory.Inventory, o Options) error {
	var out strings.Builder
	if gaps := gapsOf(inv.Skipped, false); len(gaps) > 0 {
		if !o.NoHeaders {
			out.WriteString("SKIPPED\n")
		}
		writeGaps(&out, gaps)
	}
	if gaps := gapsOf(inv.Skipped, true); len(gaps) > 0 {
		if out.Len() > 0 {
			out.WriteString("\n")
		}
		for _, g := range gaps {
			text := "not applicable: " + g.where() + ": " + g.Reason
			if g.Hint != "" {
				text += " (" + g.Hint + ")"
			}
			out.WriteString(o.Colors.text(faint, Printable(text)) + "\n")
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// writeGaps writes what could not be read. Where several have a reason in
// common, as one permission after the other that is missing, that stands above
// them.
func writeGaps(out *strings.Builder, gaps []gap) {
	var reasons []string
	by := map[string][]gap{}
	for _, g := range gaps {
		if by[g.Reason] == nil {
			reasons = append(reasons, g.Reason)
		}
		by[g.Reason] = append(by[g.Reason], g)
	}
	for _, reason := range reasons {
		if alike := by[reason]; len(alike) > 1 {
			out.WriteString(Printable(reason) + ":\n")
			for _, g := range alike {
				text := g.where()
				if g.Hint != "" {
					text += ": " + g.Hint
				}
				out.WriteString("  " + Printable(text) + "\n")
			}
			continue
		}
		g := by[reason][0]
		out.WriteString(Printable(g.where()+": "+g.Reason) + "\n")
		if g.Hint != "" {
			out.WriteString("  hint: " + Printable(g.Hint) + "\n")
		}
	}
}
