package scan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// notice is something to be said about a file. It leaves a node as a code with
// data, and becomes words in the process that shows it: no text of a node is
// advice on anybody's terminal.
type notice struct {
	Code noticeCode `json:"code"`
	// Row names the row of the catalog that the file is, or "".
	Row string `json:"row,omitempty"`
	// Args are data that the words name: paths, names, numbers, algorithms.
	Args []string `json:"args,omitempty"`
	// Request is a certificate request, as DER.
	Request []byte `json:"request,omitempty"`
	// detail is what a parser or the operating system said in this process. It
	// does not leave it.
	detail string
}

// noticeCode names a kind of notice.
type noticeCode string

// wording is what a notice says. {0}, {1} … stand for its arguments.
type wording struct {
	// finding is the code of a finding; "" for what was skipped.
	finding inventory.Code
	// milder is set where a finding is a warning even about a file that a
	// component needs.
	milder bool
	// graver is set where it is critical about any file.
	graver bool
	// expected is set for what is skipped and leaves nothing in doubt.
	expected bool
	args     int
	message  string
	fix      string
}

// mostArgBytes is how much of an argument is shown.
const mostArgBytes = 300

// finding returns what n says about a place as a finding, if it is one.
func (n notice) finding(source, where string) (inventory.PlaceFinding, bool) {
	w := words[n.Code]
	severity := inventory.Warning
	if n.Row != "" && !w.milder || w.graver {
		severity = inventory.Critical // a component needs it
	}
	return inventory.PlaceFinding{
		Location: inventory.Location{Source: source, Where: where}, Of: n.certificate(),
		Finding: inventory.Finding{Code: w.finding, Severity: severity, Message: n.text(w.message), Fix: n.text(w.fix)},
	}, w.finding != ""
}

// certificate is the path of the certificate whose key n is about, or "".
func (n notice) certificate() string {
	if words[n.Code].finding != inventory.CodeKeyUnusable || n.Code == noticeNoCurve || len(n.Args) == 0 {
		return ""
	}
	return n.Args[0]
}

// skip returns what n says about a place as something that was skipped.
func (n notice) skip(source, where string) inventory.Skip {
	w := words[n.Code]
	s := inventory.Skip{Source: source, Where: where, Reason: n.text(w.message), Hint: n.text(w.fix), Expected: w.expected}
	if n.Code == noticeRequest {
		s.Reason = requestText(n.Request)
	}
	return s
}

// text fills the arguments, and what a parser said, into a format.
func (n notice) text(format string) string {
	for i, arg := range n.Args {
		format = strings.ReplaceAll(format, "{"+strconv.Itoa(i)+"}", shownArg(arg))
	}
	before, after, found := strings.Cut(format, "{detail|")
	if !found {
		return format
	}
	otherwise, after, _ := strings.Cut(after, "}")
	if n.detail != "" {
		otherwise = n.detail
	}
	return before + otherwise + after
}

// valid returns an error unless this version can say n.
func (n notice) valid() error {
	w, known := words[n.Code]
	if !known || len(n.Args) != w.args {
		return fmt.Errorf("%w: it reports %q, which this version does not know", errNotOurs, cutTo(string(n.Code), 40))
	}
	return nil
}

// shownArg is data between words: in quotes where it could be taken for words.
// What this program names itself is words.
func shownArg(arg string) string {
	if text := pki.BlockFault(arg).String(); text != "" {
		return text
	}
	if text := contextFaults[arg]; text != "" {
		return text
	}
	if slices.Contains(pki.Forms(), pki.Form(arg)) {
		return arg
	}
	arg = cutTo(arg, mostArgBytes)
	odd := func(c rune) bool { return !unicode.IsGraphic(c) || unicode.IsSpace(c) || c == '"' || c == '{' }
	if arg == "" || strings.ContainsFunc(arg, odd) {
		return strconv.Quote(arg)
	}
	return arg
}

// collecting reports to a collector what was found by a source.
type collecting struct {
	source string
	*inventory.Collector
}

func (c collecting) see(s inventory.Sighting) { c.See(s) }

func (c collecting) look(rows []string) { c.Look(rows...) }

func (c collecting) note(where string, n notice) {
	if _, known := catalog.Lookup(n.Row); !known {
		n.Row = ""
	}
	if f, ok := n.finding(c.source, where); ok {
		c.Find(f)
		return
	}
	c.Skip(n.skip(c.source, where))
}
