package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Format writes an inventory in one way.
type Format func(io.Writer, *inventory.Inventory, Colors) error

// Formats are the formats by the name that -o takes, in the order that help
// lists them.
var Formats = []struct {
	Name  string
	Write Format
}{
	{"table", Table},
	{"wide", Wide},
	{"json", JSON},
	{"yaml", YAML},
	{"name", Names},
}

// FormatNames lists the names of Formats.
func FormatNames() []string {
	names := make([]string, 0, len(Formats))
	for _, f := range Formats {
		names = append(names, f.Name)
	}
	return names
}

// Lookup returns the format called name, or an error that lists them.
func Lookup(name string) (Format, error) {
	for _, f := range Formats {
		if f.Name == name {
			return f.Write, nil
		}
	}
	return nil, fmt.Errorf("unknown output format %q: use one of %s", name, strings.Join(FormatNames(), ", "))
}

// JSON writes the inventory as its versioned kind.
func JSON(w io.Writer, inv *inventory.Inventory, _ Colors) error {
	return WriteJSON(w, inv)
}

// escape writes hostile characters in JSON text, which can stand only within
// its strings, as escapes of the same meaning. astral does so beyond U+FFFF,
// where JSON and YAML differ.
func escape(text string, astral func(rune) string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || !hostile(r):
			out.WriteRune(r)
		case r > 0xffff:
			out.WriteString(astral(r))
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// YAML writes what JSON writes.
func YAML(w io.Writer, inv *inventory.Inventory, _ Colors) error {
	return WriteYAML(w, inv)
}

// Names writes one name a line.
func Names(w io.Writer, inv *inventory.Inventory, _ Colors) error {
	var out strings.Builder
	for _, e := range inv.Items {
		fmt.Fprintf(&out, "%s\n", Printable(e.Name))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// Table writes a line a certificate, what is wrong, and what could not be read.
func Table(w io.Writer, inv *inventory.Inventory, colors Colors) error {
	return write(w, inv, colors, false)
}

// Wide is Table with every fact.
func Wide(w io.Writer, inv *inventory.Inventory, colors Colors) error {
	return write(w, inv, colors, true)
}

func write(w io.Writer, inv *inventory.Inventory, colors Colors, wide bool) error {
	for i, section := range []func(io.Writer, *inventory.Inventory, Colors, bool) error{certificates, findings, skipped} {
		var text strings.Builder
		if err := section(&text, inv, colors, wide); err != nil {
			return err
		}
		if i > 0 && text.Len() > 0 {
			fmt.Fprintln(w)
		}
		if _, err := io.WriteString(w, text.String()); err != nil {
			return err
		}
	}
	return nil
}

func certificates(w io.Writer, inv *inventory.Inventory, colors Colors, wide bool) error {
	if len(inv.Items) == 0 {
		_, err := fmt.Fprintln(w, "No certificates could be seen.")
		return err
	}
	g := grid{header: []string{"NAME", "ROLE", "NODE", "STATUS", "EXPIRES", "LEFT", "SIGNED BY", "SUBJECT"}}
	if wide {
		g.header = append(g.header, "ISSUER", "SEEN AT", "SANS", "KEY", "SERIAL", "SHA256")
	}
	for _, e := range inv.Items {
		row := []cell{
			plain(e.Name), plain(string(e.Role)), plain(e.Node), status(e, colors),
			plain(e.NotAfter.Format("2006-01-02 15:04 MST")), plain(left(e, inv.TakenAt)),
			plain(signedBy(e)), plain(e.Subject.String()),
		}
		if wide {
			row = append(row, plain(e.Issuer), plain(places(e)), plain(sans(e)),
				plain(fmt.Sprintf("%s %d", e.PublicKey.Algorithm, e.PublicKey.Bits)), plain(e.SerialNumber), plain(e.SHA256))
		}
		g.rows = append(g.rows, row)
	}
	return g.write(w)
}

var statusColor = map[inventory.Status]int{
	inventory.OK: green, inventory.Expiring: yellow, inventory.Expired: red, inventory.Invalid: red,
}

// status is the entry's status; what could not be verified is not called ok.
func status(e inventory.Entry, colors Colors) cell {
	if e.Status == inventory.OK {
		for _, f := range e.Findings {
			if f.Code == inventory.CodeUnverified {
				return plain(string(f.Code))
			}
		}
	}
	return cell{string(e.Status), colors.paint(statusColor[e.Status])}
}

// left says how long a certificate still is good for, or since when it is not.
func left(e inventory.Entry, now time.Time) string {
	if d := e.NotAfter.Sub(now); d >= 0 {
		return duration.HumanDuration(d)
	}
	return duration.HumanDuration(now.Sub(e.NotAfter)) + " ago"
}

func signedBy(e inventory.Entry) string {
	switch {
	case e.SignedBy == e.Name:
		return "itself"
	case e.SignedBy == "":
		return "not seen"
	}
	return e.SignedBy
}

func places(e inventory.Entry) string {
	var all []string
	for _, l := range e.Locations {
		all = append(all, l.Source+":"+l.Where)
	}
	return strings.Join(all, ", ")
}

// mostSANs keeps a line of a certificate with thousands of names readable.
const mostSANs = 10

func sans(e inventory.Entry) string {
	var all []string
	for _, names := range [][]string{e.DNSNames, e.IPAddresses, e.URIs, e.EmailAddresses} {
		all = append(all, names...)
	}
	if len(all) > mostSANs {
		all = append(all[:mostSANs:mostSANs], fmt.Sprintf("and %d more", len(all)-mostSANs))
	}
	return strings.Join(all, ", ")
}

// findings writes what somebody has to act on.
func findings(w io.Writer, inv *inventory.Inventory, colors Colors, _ bool) error {
	mark := map[inventory.Severity]cell{
		inventory.Warning:  {"‼", colors.paint(yellow)},
		inventory.Critical: {"×", colors.paint(red)},
	}
	for _, e := range inv.Items {
		for _, f := range e.Findings {
			if f.Severity == inventory.Info {
				continue // the status says it, and JSON says it all
			}
			sign := mark[f.Severity].text
			if paint := mark[f.Severity].paint; paint != nil {
				sign = paint(sign)
			}
			if _, err := fmt.Fprintf(w, "%s %s %s (%s)\n  fix: %s\n", sign,
				Printable(e.Name), Printable(f.Message), f.Code, Printable(f.Fix)); err != nil {
				return err
			}
		}
	}
	return nil
}

func skipped(w io.Writer, inv *inventory.Inventory, _ Colors, _ bool) error {
	if len(inv.Skipped) == 0 {
		return nil
	}
	g := grid{header: []string{"SKIPPED", "WHERE", "REASON", "HINT"}}
	for _, s := range inv.Skipped {
		g.rows = append(g.rows, []cell{plain(s.Source), plain(s.Where), plain(s.Reason), plain(s.Hint)})
	}
	return g.write(w)
}
