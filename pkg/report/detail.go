package report

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Docs is where each finding is explained, under its code.
const Docs = "https://github.com/kubectl-certs/kubectl-certs/blob/main/docs/findings.md"

// see is the address of the explanation of code.
func see(code inventory.Code) string { return Docs + "#" + string(code) }

// Detail writes everything about each certificate in sections, for a reader who
// asked for a few, and what could not be read.
func Detail(w io.Writer, inv *inventory.Inventory, o Options) error {
	return writeSections(w, &inventory.Inventory{TakenAt: inv.TakenAt, Items: inv.Items, Findings: inv.Findings, Skipped: inv.Skipped}, o, details, skipped)
}

func details(w io.Writer, inv *inventory.Inventory, o Options) error {
	o.namesakes = namesakes(inv.Items)
	var out strings.Builder
	for i := range inv.Items {
		if i > 0 {
			out.WriteString("\n")
		}
		writeDetail(&out, &inv.Items[i], inv, o)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// line is a label and what there is to say under it.
type line struct{ label, text string }

// paragraph is a section of a certificate's details.
type paragraph struct {
	title string
	lines []line
}

func writeDetail(out *strings.Builder, e *inventory.Entry, inv *inventory.Inventory, o Options) {
	now := inv.TakenAt
	state := status(e, o.Colors)
	out.WriteString(o.Colors.text(bold, Printable(e.ID())) + "  " + state.painted(Printable(state.text)) + ", " + remaining(e.NotAfter, now) + "\n")
	if use := use(e); use != "" {
		out.WriteString(use + "\n")
	}
	for _, p := range paragraphs(e, now, o) {
		writeParagraph(out, p, o)
	}
	out.WriteString("\n" + o.Colors.text(bold, "Findings") + "\n")
	all := append(findingsAt(inv, e), e.Findings...)
	if len(all) == 0 {
		out.WriteString("  none\n")
	}
	for _, f := range all {
		sign := mark(f.Severity, o.Colors)
		if f.Severity == inventory.Info {
			sign = "i"
		}
		out.WriteString("  " + sign + " " + Printable(f.Message) + " (" + Printable(string(f.Code)) + ")\n")
		if f.Fix != "" {
			out.WriteString("    fix: " + Printable(f.Fix) + "\n")
		}
		out.WriteString("    see " + Printable(see(f.Code)) + "\n")
	}
}

// findingsAt are what is wrong with the places of a certificate that cannot be
// used because of them, each with its place.
func findingsAt(inv *inventory.Inventory, e *inventory.Entry) []inventory.Finding {
	var all []inventory.Finding
	for _, f := range inv.Findings {
		if e.Status == inventory.Invalid && slices.Contains(e.Locations, f.CertificateAt()) {
			f.Message = f.Where + " " + f.Message
			all = append(all, f.Finding)
		}
	}
	return all
}

// use says who presents the certificate to whom, where that is known.
func use(e *inventory.Entry) string {
	row, _ := catalog.Lookup(e.Name)
	return row.Use
}

// remaining is left, as a part of a sentence.
func remaining(end, now time.Time) string {
	if now.After(end) {
		return "expired " + left(end, now)
	}
	return left(end, now) + " left"
}

func paragraphs(e *inventory.Entry, now time.Time, o Options) []paragraph {
	const moment = "2006-01-02 15:04:05 MST"
	return []paragraph{
		{"Names", []line{
			{"DNS", list(e.DNSNames)}, {"IP", list(e.IPAddresses)},
			{"URI", list(e.URIs)}, {"email", list(e.EmailAddresses)},
		}},
		{"Subject", []line{{"common name", e.Subject.CommonName}, {"organizations", list(e.Subject.Organizations)}}},
		{"Issuer", []line{{"issuer", e.IssuerName}}},
		{"Valid", []line{
			{"from", e.NotBefore.UTC().Format(moment)},
			{"through", e.NotAfter.UTC().Format(moment) + " (" + remaining(e.NotAfter, now) + ")"},
			{"lifetime", inventory.Span(e.NotBefore, e.NotAfter)},
		}},
		{"Usages", []line{{"allowed", list(e.Usages)}, {"CA", map[bool]string{true: "yes", false: "no"}[e.IsCA]}}},
		{"Key", []line{{"public key", key(e)}, {"signature", e.SignatureAlgorithm}}},
		{"Fingerprint", []line{{"SHA-256", colons(e.SHA256)}, {"serial", e.SerialNumber}}},
		{"Locations", seenAt(e)},
		{"Trust", []line{{"issuer", signedBy(e, o)}, {"verified against", list(inWords(e.VerifiedAgainst))}, {"chain", verified(e)}}},
	}
}

// mostNames is how many names, or places, of one certificate are spelled out.
const mostNames = 100

// list joins texts for a reader who wants to see them all, within reason.
func list(all []string) string {
	if len(all) > mostNames {
		all = append(all[:mostNames:mostNames], "and "+strconv.Itoa(len(all)-mostNames)+" more")
	}
	return strings.Join(all, ", ")
}

// colons writes hexadecimal as openssl and browsers write fingerprints.
func colons(hexadecimal string) string {
	var out strings.Builder
	for i := 0; i < len(hexadecimal); i += 2 {
		if i > 0 {
			out.WriteByte(':')
		}
		out.WriteString(strings.ToUpper(hexadecimal[i:min(i+2, len(hexadecimal))]))
	}
	return out.String()
}

func seenAt(e *inventory.Entry) []line {
	var lines []line
	for i, l := range e.Locations {
		if i == mostNames {
			lines = append(lines, line{"", "and " + strconv.Itoa(len(e.Locations)-mostNames) + " more"})
			break
		}
		lines = append(lines, line{l.Source, l.Where})
	}
	return lines
}

// verified says how that went.
func verified(e *inventory.Entry) string {
	for _, f := range e.Findings {
		switch f.Code {
		case inventory.CodeChainBroken, inventory.CodeUnverified, inventory.CodeSelfSigned:
			return f.Message
		}
	}
	if len(e.VerifiedAgainst) == 0 {
		return ""
	}
	return "verified"
}

// writeParagraph writes what p has to say. Lines without a text are left out,
// and long ones broken.
func writeParagraph(out *strings.Builder, p paragraph, o Options) {
	const labels = 16
	room := 100
	if o.Width > 0 {
		room = o.Width
	}
	room = max(room-labels-4, 20)
	title := false
	for _, l := range p.lines {
		if l.text == "" {
			continue
		}
		if !title {
			out.WriteString("\n" + o.Colors.text(bold, p.title) + "\n")
			title = true
		}
		label := Printable(l.label)
		for i, part := range wrap(Printable(l.text), room) {
			if i > 0 {
				label = ""
			}
			out.WriteString("  " + label + strings.Repeat(" ", max(labels-width.StringWidth(label), 0)) + "  " + part + "\n")
		}
	}
}

// wrap breaks text at its spaces into lines no wider than room, as far as its
// words let it.
func wrap(text string, room int) []string {
	var lines []string
	current, used := "", 0
	for word := range strings.SplitSeq(text, " ") {
		w := width.StringWidth(word)
		if current != "" && used+1+w > room {
			lines = append(lines, current)
			current, used = word, w
			continue
		}
		if current != "" {
			current, used = current+" ", used+1
		}
		current, used = current+word, used+w
	}
	return append(lines, current)
}

// inWords are kinds of location in words.
func inWords(places []catalog.Place) []string {
	var all []string
	for _, p := range places {
		all = append(all, p.String())
	}
	return all
}
