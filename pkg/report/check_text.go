package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Check writes what was checked as linkerd does: a line for each check, the cause
// below one that failed, and the result.
func Check(w io.Writer, inv *inventory.Inventory, o CheckOptions) error {
	return writeCheck(w, inv, o, false)
}

// CheckShort is Check without what is OK.
func CheckShort(w io.Writer, inv *inventory.Inventory, o CheckOptions) error {
	return writeCheck(w, inv, o, true)
}

func writeCheck(w io.Writer, inv *inventory.Inventory, o CheckOptions, short bool) error {
	var out strings.Builder
	for _, c := range check(inv, o) {
		if short && c.ok == len(c.subjects) {
			continue
		}
		writeCategory(&out, c, inv.TakenAt, o, short)
	}
	writeUnseen(&out, inv, o, short)
	writeResult(&out, inv, o)
	_, err := io.WriteString(w, out.String())
	return err
}

// title writes the name of a category, underlined.
func title(out *strings.Builder, name string) {
	out.WriteString(name + "\n" + strings.Repeat("-", len(name)) + "\n")
}

func writeCategory(out *strings.Builder, c *checked, now time.Time, o CheckOptions, short bool) {
	title(out, c.name)
	if c.ok > 0 && !short || len(c.subjects) == 0 {
		fmt.Fprintf(out, "%s %s\n", mark(inventory.Info, o.Colors), Printable(c.summary(now)))
	}
	for _, f := range c.failed() {
		fmt.Fprintf(out, "%s %s\n", mark(f.severity, o.Colors), Printable(f.claim))
		for _, r := range f.remedies {
			for _, cause := range r.causes {
				out.WriteString("    " + Printable(cause) + "\n")
			}
			if r.fix != "" {
				out.WriteString("    fix: " + Printable(r.fix) + "\n")
			}
		}
		out.WriteString("    see " + Printable(see(f.code)) + "\n")
	}
	out.WriteString("\n")
}

// summary says how much of c is OK, and for how long. What is in answered
// requests is no longer anybody's concern when it ends.
func (c *checked) summary(now time.Time) string {
	var text string
	switch all := len(c.subjects) - c.blamed; {
	case all == 0:
		return "all are OK"
	case all == 1 && c.ok == 1:
		text = "1 " + c.one + " is OK"
	case c.ok == all:
		text = fmt.Sprintf("%d %s are OK", all, c.many)
	default:
		text = fmt.Sprintf("%d of %d %s are OK", c.ok, all, c.many)
	}
	if c.first != nil && c.category != inRequests {
		text += fmt.Sprintf("; first to expire: %s, in %s", c.first.ID(), left(c.first.NotAfter, now))
	}
	if c.unsure > 0 {
		text += fmt.Sprintf("; %d have an unknown issuer", c.unsure)
	}
	return text
}

// failure is a check that something did not pass.
type failure struct {
	code     inventory.Code
	severity inventory.Severity
	claim    string
	remedies []*remedy
}

// remedy is what mends some causes.
type remedy struct {
	fix    string
	causes []string
}

// failed gathers what is wrong in c by its code and severity, in the order that
// it was found, the worst first.
func (c *checked) failed() []*failure {
	type key struct {
		severity inventory.Severity
		code     inventory.Code
		fix      string
	}
	failures, remedies := map[key]*failure{}, map[key]*remedy{}
	order := map[inventory.Severity][]*failure{}
	for _, s := range c.subjects {
		for _, f := range s.faults {
			check, mend := key{f.Severity, f.Code, ""}, key{f.Severity, f.Code, "fix: " + f.Fix}
			if failures[check] == nil {
				failures[check] = &failure{code: f.Code, severity: f.Severity, claim: c.claim(f.Code)}
				order[f.Severity] = append(order[f.Severity], failures[check])
			}
			if remedies[mend] == nil {
				remedies[mend] = &remedy{fix: f.Fix}
				failures[check].remedies = append(failures[check].remedies, remedies[mend])
			}
			remedies[mend].causes = append(remedies[mend].causes, s.name+" "+f.Message)
		}
	}
	return append(order[inventory.Critical], order[inventory.Warning]...)
}

// claim is what should be so.
func (c *checked) claim(code inventory.Code) string {
	if text, ok := claims[code]; ok {
		return c.name + " " + text
	}
	return string(code)
}

// writeUnseen writes what could not be read.
func writeUnseen(out *strings.Builder, inv *inventory.Inventory, o CheckOptions, short bool) {
	gaps, expected := gapsOf(inv.Skipped, false), gapsOf(inv.Skipped, true)
	if short {
		expected = nil
	}
	if len(gaps)+len(expected) == 0 {
		return
	}
	title(out, "skipped")
	for _, g := range gaps {
		fmt.Fprintf(out, "%s %s\n    %s\n", mark(inventory.Warning, o.Colors), Printable(g.where()), Printable(g.Reason))
		if g.Hint != "" {
			out.WriteString("    hint: " + Printable(g.Hint) + "\n")
		}
	}
	for _, g := range expected {
		text := Printable("  not applicable: " + g.where() + ": " + g.Reason)
		out.WriteString(o.Colors.text(faint, text) + "\n")
	}
	out.WriteString("\n")
}

func writeResult(out *strings.Builder, inv *inventory.Inventory, o CheckOptions) {
	n := o.Checked
	if n == 0 {
		n = len(inv.Items)
	}
	if n == 1 {
		out.WriteString("1 certificate checked.\n")
	} else {
		fmt.Fprintf(out, "%d certificates checked.\n", n)
	}
	switch Result(inv, o.FailOn) {
	case ResultCritical:
		out.WriteString("Result: " + o.Colors.Paint(Bad, "CRITICAL") + "\n")
	case ResultWarning:
		out.WriteString("Result: " + o.Colors.Paint(Doubtful, "WARNING") + "\n")
	case ResultUnknown:
		out.WriteString("Result: UNKNOWN: no problems found, but not everything could be read\n")
	default:
		out.WriteString("Result: " + o.Colors.Paint(Good, "OK") + "\n")
	}
}
