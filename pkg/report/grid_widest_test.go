package report_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// One name of megabytes does not pad every other line to its width, nor cost
// many times its own size.
func TestOneHugeName(t *testing.T) {
	const lines, size = 100, 1 << 20
	for name, text := range map[string]string{
		"letters":         strings.Repeat("x", size),
		"wide characters": strings.Repeat("証", size/3),
		"of no width":     strings.Repeat("\u0301", size/2),
		"to be escaped":   strings.Repeat("\x1b", size),
		"no UTF-8":        strings.Repeat("\xff", size),
	} {
		t.Run(name, func(t *testing.T) {
			inv := &inventory.Inventory{TakenAt: pkitest.Now}
			for i := range lines {
				inv.Items = append(inv.Items, inventory.Entry{Name: fmt.Sprint("file-", i), SHA256: fmt.Sprint(i), NotAfter: pkitest.Now})
			}
			inv.Items[0].Subject.CommonName, inv.Items[0].Name, inv.Items[0].IssuerName = text, text, text
			for _, format := range []report.Format{report.Table, report.Wide, report.Tree} {
				var out strings.Builder
				if err := format(&out, inv, report.Options{}); err != nil {
					t.Fatal(err)
				}
				// Three such columns, of which a character takes up to four bytes.
				if most := 3*4*1000 + lines*3*1200; out.Len() > most || !utf8.ValidString(out.String()) {
					t.Errorf("%d bytes, want at most %d", out.Len(), most)
				}
				if !strings.Contains(out.String(), "…") {
					t.Error("it does not say that something was cut")
				}
			}
		})
	}
}

// Padding does not grow with the widest line: twice the name is not twice the
// text.
func TestGridOfHugeCells(t *testing.T) {
	size := func(n int) int {
		g := report.Grid{Header: []string{"NAME", "STATE"}, Rows: [][]report.Cell{{{Text: strings.Repeat("x", n)}, {Text: "bad"}}}}
		for range 50 {
			g.Rows = append(g.Rows, []report.Cell{{Text: "a"}, {Text: "ok"}})
		}
		var out strings.Builder
		if err := g.Write(&out, false); err != nil {
			t.Fatal(err)
		}
		return out.Len()
	}
	if n, m := size(5_000), size(500_000); n != m {
		t.Errorf("%d bytes, then %d", n, m)
	}
	if n := size(1000); n < 51*1000 {
		t.Errorf("a cell of 1,000 columns was cut: %d bytes", n)
	}
}
