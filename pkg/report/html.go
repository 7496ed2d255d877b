package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string

	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
)

// HTML writes one page that needs nothing else: no script, no network, no font.
// A policy in its head forbids browsers all of these, whatever a certificate
// smuggles in.
func HTML(w io.Writer, inv *inventory.Inventory, o Options) error {
	var out strings.Builder
	if err := pageTemplate.Execute(&out, newPage(inv, o)); err != nil {
		return err
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// page is what the template shows. Every text in it has passed Printable.
type page struct {
	Style    template.CSS // pageCSS, and nothing else
	Name     string
	About    []line
	Verdict  badge
	Counts   []count
	Findings []pageFinding
	Timeline *timeline
	Trust    *drawing
	Groups   []pageGroup
	Requests []pageRequest
	Gaps     []pageGap
	Expected []pageGap
}

// badge is a word and the class of its colour: ok, warning, critical, neutral.
type badge struct{ Class, Sign, Text string }

type count struct {
	N     int
	Label string
	Class string
}

type pageFinding struct {
	badge
	Code, See, Fix string
	Causes         []line
}

type pageGroup struct {
	Title   string
	Entries []pageEntry
}

type pageEntry struct {
	ID, Subject, Ends, Left string
	Status                  badge
	Use                     string
	Facts                   template.HTML // of factsTable
	Findings                []pageFinding
}

type pageRequest struct{ Name, WaitsFor, Since, By, Signer string }

type pageGap struct{ Where, Reason, Hint string }

// Label and Text let the template see a line.
func (l line) Label() string { return Printable(l.label) }

// Text is what the line says.
func (l line) Text() string { return Printable(l.text) }

func newPage(inv *inventory.Inventory, o Options) *page {
	p := &page{
		Style:   template.CSS(pageCSS),
		Name:    Printable(cmp.Or(inv.Cluster.Context, inv.Cluster.Server, "sources")),
		Verdict: pageVerdict(inv),
		Counts:  counts(inv),
	}
	for _, l := range []line{
		{"context", inv.Cluster.Context}, {"API server", inv.Cluster.Server}, {"version", inv.Cluster.Version},
		{"taken", inv.TakenAt.UTC().Format("2 January 2006, 15:04 MST")}, {"by", cmp.Or(o.By, whoAsked(inv))},
	} {
		if l.text != "" {
			p.About = append(p.About, l)
		}
	}
	p.Findings = pageFindings(inv)
	p.Timeline = newTimeline(inv)
	p.Trust = newDrawing(inv.Items)
	p.Groups = pageGroups(inv)
	for _, r := range inv.Requests {
		p.Requests = append(p.Requests, pageRequest{
			Printable(r.Name), Printable(waitsFor(r, false).text), duration.HumanDuration(inv.TakenAt.Sub(r.CreatedAt)),
			Printable(r.Requester), Printable(r.Signer),
		})
	}
	p.Gaps, p.Expected = pageGaps(inv.Skipped, false), pageGaps(inv.Skipped, true)
	return p
}

// whoAsked is the user of the kubeconfig by which the inventory was taken, as
// far as that has a certificate.
func whoAsked(inv *inventory.Inventory) string {
	for _, e := range inv.Items {
		for _, l := range e.Locations {
			if l.Source == "kubeconfig" && l.Where == inv.Cluster.Context+"#client-certificate" {
				return e.Subject.CommonName
			}
		}
	}
	return ""
}

func pageVerdict(inv *inventory.Inventory) badge {
	n := map[inventory.Severity]int{}
	for _, f := range faultsOf(inv) {
		n[f.Severity]++
	}
	switch Result(inv, inventory.Warning) {
	case ResultCritical:
		return badge{"critical", "×", fmt.Sprintf("Action required: %d critical findings, %d warnings.", n[inventory.Critical], n[inventory.Warning])}
	case ResultWarning:
		return badge{"warning", "‼", fmt.Sprintf("Action required soon: %d warnings.", n[inventory.Warning])}
	case ResultUnknown:
		return badge{"neutral", "?", "No problems found, but not everything could be read."}
	}
	return badge{"ok", "√", "No problems found."}
}

func counts(inv *inventory.Inventory) []count {
	n := map[inventory.Status]int{}
	unsure := 0
	for i := range inv.Items {
		if unverified(&inv.Items[i]) {
			unsure++
			continue
		}
		n[inv.Items[i].Status]++
	}
	skips := 0
	for _, s := range inv.Skipped {
		if !s.Expected {
			skips++
		}
	}
	all := []count{
		{len(inv.Items), "certificates", "neutral"},
		{n[inventory.OK], "OK", "ok"},
		{unsure, "unverified", "neutral"},
		{n[inventory.Expiring], "expiring soon", "warning"},
		{n[inventory.Expired], "expired", "critical"},
		{n[inventory.Invalid], "invalid", "critical"},
		{len(inv.Requests), "pending requests", "neutral"},
		{skips, "skipped", "warning"},
	}
	var some []count
	for i, c := range all {
		if i < 2 || c.N > 0 {
			some = append(some, c)
		}
	}
	return some
}

func severityBadge(s inventory.Severity) badge {
	class := map[inventory.Severity]string{inventory.Warning: "warning", inventory.Critical: "critical"}[s]
	sign := marks[s].sign
	if class == "" {
		class, sign = "neutral", "i"
	}
	return badge{class, sign, Printable(string(s))}
}

// pageFindings gathers what is mended alike, as findings does.
func pageFindings(inv *inventory.Inventory) []pageFinding {
	var all []pageFinding
	for _, m := range mendedAlike(inv) {
		f := pageFinding{severityBadge(m.severity), Printable(string(m.code)), see(m.code), Printable(m.fix), nil}
		for _, fault := range m.faults {
			f.Causes = append(f.Causes, line{fault.about, fault.Message})
		}
		all = append(all, f)
	}
	return all
}

func statusBadge(e *inventory.Entry) badge {
	text := status(e, false).text
	switch {
	case unverified(e):
		return badge{"neutral", "?", text}
	case e.Status == inventory.OK:
		return badge{"ok", "√", text}
	case e.Status == inventory.Expiring:
		return badge{"warning", "‼", text}
	}
	return badge{"critical", "×", Printable(text)}
}

// pageGroups orders certificates as the table does.
func pageGroups(inv *inventory.Inventory) []pageGroup {
	var groups []pageGroup
	var grow func(g *pageGroup, b *branch)
	grow = func(g *pageGroup, b *branch) {
		g.Entries = append(g.Entries, newPageEntry(b.entry, inv.TakenAt))
		for _, below := range b.signed {
			grow(g, below)
		}
	}
	roots, alone := forest(inv.Items)
	for _, root := range roots {
		g := pageGroup{Title: Printable(root.entry.ID()) + " and the certificates it signed"}
		if len(root.signed) == 0 {
			g.Title = Printable(root.entry.ID())
		}
		grow(&g, root)
		groups = append(groups, g)
	}
	if len(alone) > 0 {
		g := pageGroup{Title: "Issuer not found"}
		for _, b := range alone {
			grow(&g, b)
		}
		groups = append(groups, g)
	}
	return groups
}

func newPageEntry(e *inventory.Entry, now time.Time) pageEntry {
	entry := pageEntry{
		ID: Printable(e.ID()), Subject: Printable(e.Subject.String()),
		Ends: e.NotAfter.UTC().Format(time.DateOnly), Left: remaining(e.NotAfter, now),
		Status: statusBadge(e), Use: use(e), Facts: factsTable(e, now),
	}
	for _, f := range e.Findings {
		entry.Findings = append(entry.Findings, pageFinding{severityBadge(f.Severity), Printable(string(f.Code)), see(f.Code), Printable(f.Fix),
			[]line{{"", f.Message}}})
	}
	return entry
}

// factsTable writes what is known of e. There can be tens of thousands of
// these tables, for which a template takes seconds: nothing but escaped text
// gets into this one, and no attribute.
func factsTable(e *inventory.Entry, now time.Time) template.HTML {
	text := func(s string) string { return template.HTMLEscapeString(Printable(s)) }
	var out strings.Builder
	out.WriteString("<table><caption>" + text(e.ID()) + "</caption>")
	for _, p := range paragraphs(e, now, Options{}) {
		lines := slices.DeleteFunc(p.lines, func(l line) bool { return l.text == "" })
		for i, l := range lines {
			row := "\n<tr>"
			if i == 0 {
				row = "\n<tbody><tr><th scope=\"rowgroup\" rowspan=\"" + strconv.Itoa(len(lines)) + "\">" + text(p.title) + "</th>"
			}
			out.WriteString(row + "<th scope=\"row\">" + text(l.label) + "</th><td>" + text(l.text) + "</td></tr>")
		}
		if len(lines) > 0 {
			out.WriteString("</tbody>")
		}
	}
	out.WriteString("</table>")
	return template.HTML(out.String())
}

func pageGaps(skips []inventory.Skip, expected bool) []pageGap {
	var all []pageGap
	for _, g := range gapsOf(skips, expected) {
		all = append(all, pageGap{Printable(g.where()), Printable(g.Reason), Printable(g.Hint)})
	}
	return all
}
