package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Table writes a line a certificate, grouped by the CA that signed it, what is
// wrong, what waits, and what could not be read.
func Table(w io.Writer, inv *inventory.Inventory, o Options) error {
	return writeSections(w, inv, o, certificates, findings, requests, skipped)
}

// Wide is Table with every fact.
func Wide(w io.Writer, inv *inventory.Inventory, o Options) error {
	o.Width = 0 // whoever asks for every fact wants none of them cut
	return writeSections(w, inv, o, everyFact, findings, requests, skipped)
}

// section writes a part of what a person reads, or nothing.
type section func(io.Writer, *inventory.Inventory, Options) error

// writeSections writes sections with a blank line between them.
func writeSections(w io.Writer, inv *inventory.Inventory, o Options, sections ...section) error {
	for i, write := range sections {
		if err := write(&apart{to: w, first: i == 0}, inv, o); err != nil {
			return err
		}
	}
	return nil
}

// apart writes a blank line before the first text, unless that is the first of
// all.
type apart struct {
	to    io.Writer
	first bool // nothing has to be set apart
}

func (a *apart) Write(text []byte) (int, error) {
	if len(text) > 0 && !a.first {
		if _, err := io.WriteString(a.to, "\n"); err != nil {
			return 0, err
		}
		a.first = true
	}
	return a.to.Write(text)
}

// fact is a column, and what it says of a certificate.
type fact struct {
	column
	of func(e *inventory.Entry, now time.Time, o Options) cell
}

func fixed(title string, of func(e *inventory.Entry) string) fact {
	return fact{column{title: title}, func(e *inventory.Entry, _ time.Time, _ Options) cell { return plain(of(e)) }}
}

var (
	factNode = fact{column{title: "NODE", least: 12}, func(e *inventory.Entry, _ time.Time, _ Options) cell { return plain(e.Node) }}
	// A date is enough while days are left; the time is in factLeft.
	factDay     = fixed("EXPIRES", func(e *inventory.Entry) string { return e.NotAfter.UTC().Format(time.DateOnly) })
	factMoment  = fixed("EXPIRES", func(e *inventory.Entry) string { return e.NotAfter.UTC().Format("2006-01-02 15:04 MST") })
	factLeft    = fact{column{title: "LEFT"}, func(e *inventory.Entry, now time.Time, _ Options) cell { return plain(left(e.NotAfter, now)) }}
	factStatus  = fact{column{title: "STATUS"}, func(e *inventory.Entry, _ time.Time, o Options) cell { return status(e, o.Colors) }}
	factSubject = fact{column{title: "SUBJECT", least: 16, optional: true}, func(e *inventory.Entry, _ time.Time, _ Options) cell { return plain(e.Subject.String()) }}
	factSigner  = fact{column{title: "SIGNED BY"}, func(e *inventory.Entry, _ time.Time, o Options) cell { return plain(signedBy(e, o)) }}
)

var (
	basicFacts = []fact{factNode, factStatus, factDay, factLeft, factSubject}
	wideFacts  = []fact{
		fixed("ROLE", func(e *inventory.Entry) string { return string(e.Role) }),
		factNode, factStatus, factMoment, factLeft, factSigner, factSubject,
		fixed("ISSUER", func(e *inventory.Entry) string { return e.IssuerName }),
		fixed("LOCATION", places), fixed("SANS", sans),
		fixed("KEY", func(e *inventory.Entry) string { return key(e) }),
		fixed("SERIAL", func(e *inventory.Entry) string { return e.SerialNumber }),
		fixed("SHA256", func(e *inventory.Entry) string { return e.SHA256 }),
	}
)

func certificates(w io.Writer, inv *inventory.Inventory, o Options) error {
	facts := basicFacts
	if o.SortBy != "" {
		facts = []fact{factNode, factStatus, factDay, factLeft, factSigner, factSubject}
	}
	return writeCertificates(w, inv, o, facts, true)
}

func everyFact(w io.Writer, inv *inventory.Inventory, o Options) error {
	return writeCertificates(w, inv, o, wideFacts, false)
}

// writeCertificates writes facts of every certificate: as the trust is, unless
// the reader asked for another order. folded shows many of one kind as one.
func writeCertificates(w io.Writer, inv *inventory.Inventory, o Options, facts []fact, folded bool) error {
	if len(inv.Items) == 0 {
		if len(inv.Requests)+len(inv.Findings) > 0 {
			return nil // what was asked for is no certificate
		}
		_, err := fmt.Fprintln(w, "No certificates found.")
		return err
	}
	o.namesakes = namesakes(inv.Items)
	l := newListing(column{title: "NAME", least: 20}, facts, inv.TakenAt, o)
	if o.SortBy != "" {
		for i := range inv.Items {
			l.add(&inv.Items[i], o.apart(inv.Items[i].Name, inv.Items[i].SHA256))
		}
		return l.write(w, o)
	}
	var grow func(branches []*branch, depth int)
	grow = func(branches []*branch, depth int) {
		indent := strings.Repeat("  ", min(depth, deepest))
		var bunches []bunch
		if folded {
			branches, bunches = fold(branches, inv.TakenAt)
		}
		for _, b := range branches {
			l.add(b.entry, indent+b.entry.Name)
			grow(b.signed, depth+1)
		}
		for _, b := range bunches {
			l.addBunch(b, indent)
		}
	}
	roots, alone := forest(inv.Items)
	for _, root := range roots {
		l.part("")
		grow([]*branch{root}, 0)
	}
	switch {
	case len(alone) > 0 && len(roots) > 0:
		l.part(noSigner)
		grow(alone, 1)
	default:
		grow(alone, 0)
	}
	return l.write(w, o)
}

// noSigner stands above the certificates that no CA which was seen has signed.
const noSigner = "(issuer not found)"

var statusColor = map[inventory.Status]int{
	inventory.OK: green, inventory.Expiring: yellow, inventory.Expired: red, inventory.Invalid: red,
}

// status is the entry's status; what could not be verified is not called ok.
func status(e *inventory.Entry, colors Colors) cell {
	shown := e.ShownStatus()
	if shown == inventory.Unverified {
		return plain(string(shown))
	}
	return cell{string(shown), colors.paint(statusColor[shown])}
}

// unverified reports whether nothing is wrong with e but that no one could tell
// who signed it.
func unverified(e *inventory.Entry) bool { return e.ShownStatus() == inventory.Unverified }

// left says how long it is until end, or since when it is over.
func left(end, now time.Time) string {
	if !end.Before(now) {
		return inventory.Span(now, end)
	}
	return inventory.Span(end, now) + " ago"
}

func signedBy(e *inventory.Entry, o Options) string {
	switch {
	case e.IssuerSHA256 != "" && e.IssuerSHA256 == e.SHA256:
		return "itself"
	case e.SignedBy == "":
		return "not found"
	}
	return o.apart(e.SignedBy, e.IssuerSHA256)
}

func key(e *inventory.Entry) string {
	return fmt.Sprintf("%s %d", e.PublicKey.Algorithm, e.PublicKey.Bits)
}

// mostInLine keeps a line readable: a certificate can have thousands of names,
// and a CA can lie in thousands of Secrets.
const mostInLine = 10

// inLine joins texts, but not all of too many.
func inLine(all []string) string {
	if len(all) > mostInLine {
		all = append(all[:mostInLine:mostInLine], fmt.Sprintf("and %d more", len(all)-mostInLine))
	}
	return strings.Join(all, ", ")
}

func places(e *inventory.Entry) string {
	all := make([]string, len(e.Locations))
	for i, l := range e.Locations {
		all[i] = l.Source + ":" + l.Where
	}
	return inLine(all)
}

func sans(e *inventory.Entry) string {
	var all []string
	for _, names := range [][]string{e.DNSNames, e.IPAddresses, e.URIs, e.EmailAddresses} {
		all = append(all, names...)
	}
	return inLine(all)
}
