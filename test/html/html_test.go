//go:build e2e

// Package html opens the page of `kubectl certs inspect -o html` in a real
// browser, with certificates whose names would like to take it over: what they
// say is there to be read, and nothing of it acts. Run it by `make e2e`.
package html

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// attacks are names of certificates. Each marks the page, or asks the server at
// %[1]s for something, if any of it acts.
var attacks = []string{
	`<script>document.documentElement.setAttribute("owned","script")</script>`,
	`</title></style></textarea><script src="%[1]s/script.js"></script>`,
	`<img src="%[1]s/image.png" onerror="document.documentElement.setAttribute('owned','image')">`,
	`"><svg onload="document.documentElement.setAttribute('owned','svg')"><image href="%[1]s/svg.png"/></svg>`,
	`</text></svg><iframe src="javascript:parent.document.documentElement.setAttribute('owned','frame')"></iframe>`,
	`' autofocus tabindex=1 onfocus='document.documentElement.setAttribute("owned","focus")`,
	`javascript:document.documentElement.setAttribute("owned","link")`,
	`]]><script>alert(1)</script><!--`,
	`{{.Style}}</style><link rel="stylesheet" href="%[1]s/style.css">`,
	`=HYPERLINK("%[1]s/sheet","x")`,
	"bidi \u202e\u2066 c1 \u009b31m nul \x00 esc \x1b[2J line\nbreak \u2028 broken \xff",
	`&lt;b&gt; &amp;#60;script&amp;#62;`,
}

// server counts what a page asks of it.
func server(t *testing.T) (url string, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(s.Close)
	return s.URL, asked
}

// hostile is an inventory that says text wherever a page shows some.
func hostile(texts []string) *inventory.Inventory {
	inv := &inventory.Inventory{TakenAt: pkitest.Now, Cluster: inventory.Cluster{Context: texts[0], Server: texts[1], Version: texts[2]}}
	for i, text := range texts {
		finding := inventory.Finding{Code: inventory.Code(text), Severity: inventory.Severities()[i%3], Message: text, Fix: text}
		ca := inventory.Entry{
			Name: "ca " + text, IsCA: true, Status: inventory.OK, SignedBy: "ca " + text, NotAfter: pkitest.Now.Add(pkitest.Day),
			Subject: inventory.Subject{CommonName: text, Organizations: []string{text}}, IssuerName: text, Issuer: inventory.Issuer{Subject: inventory.Subject{CommonName: text, Organizations: []string{text}}, OtherAttributes: []pki.Attribute{{Type: text, Value: text}}}, SerialNumber: text,
			DNSNames: []string{text}, URIs: []string{text}, EmailAddresses: []string{text}, IPAddresses: []string{text}, Usages: []string{text},
			Locations: []inventory.Location{{Source: text, Where: text}}, SHA256: text, SignatureAlgorithm: text, Findings: []inventory.Finding{finding},
		}
		leaf := ca
		leaf.Name, leaf.Node, leaf.IsCA, leaf.Status = text, text, false, inventory.Expiring
		inv.Items = append(inv.Items, ca, leaf)
		inv.Requests = append(inv.Requests, inventory.Request{Name: text, Signer: text, Requester: text, State: inventory.RequestState(text), CreatedAt: pkitest.Now})
		inv.Findings = append(inv.Findings, inventory.PlaceFinding{Location: inventory.Location{Source: text, Where: text}, Finding: finding})
		inv.Skipped = append(inv.Skipped,
			inventory.Skip{Source: text, Where: text, Reason: text, Hint: text},
			inventory.Skip{Source: text, Where: text, Reason: text, Hint: text, Expected: true})
	}
	return inv
}

// write returns the page of inv.
func write(t *testing.T, inv *inventory.Inventory) []byte {
	t.Helper()
	var page bytes.Buffer
	if err := report.HTML(&page, inv, report.Options{}); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

// browse opens page in the browser with arguments.
func browse(t *testing.T, page []byte, arguments ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // with its installation
	defer cancel()
	cmd := exec.CommandContext(ctx, "./browser", append(arguments, "file://"+file)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("browser: %v\n%s", err, stderr.String())
	}
	return string(out)
}

// element is an element as a browser writes its DOM: text in it is escaped.
var (
	element   = regexp.MustCompile(`<([a-zA-Z][a-zA-Z0-9]*)((?:\s+[^\s=<>]+="[^"]*")*)\s*>`)
	attribute = regexp.MustCompile(`([^\s=<>]+)="([^"]*)"`)
)

// checkInert reports what of dom acts.
func checkInert(t *testing.T, dom string) {
	t.Helper()
	found := element.FindAllStringSubmatch(dom, -1)
	if len(found) < 100 {
		t.Fatalf("%d elements in:\n%.2000s", len(found), dom)
	}
	for _, e := range found {
		switch e[1] {
		case "script", "img", "image", "iframe", "link", "object", "embed", "form", "base", "foreignObject", "use", "animate":
			t.Errorf("there is an element: %s", e[0])
		}
		for _, a := range attribute.FindAllStringSubmatch(e[2], -1) {
			name, value := a[1], html.UnescapeString(a[2])
			inside := strings.HasPrefix(value, "#") || strings.HasPrefix(value, report.Docs+"#")
			if strings.HasPrefix(name, "on") || name == "owned" || name == "src" || strings.HasSuffix(name, "href") && !inside {
				t.Errorf("there is an attribute %s=%q", name, value)
			}
		}
	}
}

func TestHostilePageIsInert(t *testing.T) {
	url, asked := server(t)
	texts := make([]string, len(attacks))
	for i, attack := range attacks {
		texts[i] = strings.ReplaceAll(attack, "%[1]s", url)
	}
	dom := browse(t, write(t, hostile(texts)), "--dump-dom")
	checkInert(t, dom)
	if n := asked.Load(); n > 0 {
		t.Errorf("the page asked a server %d times", n)
	}
	text := html.UnescapeString(element.ReplaceAllString(dom, ""))
	for _, attack := range texts {
		// Once each: as the certificate's name, its subject, a finding, a
		// request, and what could not be read, at least.
		if n := strings.Count(text, report.Printable(attack)); n < 20 {
			t.Errorf("%q is there %d times", attack, n)
		}
	}
}

// The test above can fail: what acts is noticed on a page that lets it.
func TestAttacksWorkElsewhere(t *testing.T) {
	url, asked := server(t)
	for _, attack := range attacks[:4] {
		before := asked.Load()
		page := "<!doctype html><title>" + strings.ReplaceAll(attack, "%[1]s", url) + "</title><body>" + strings.ReplaceAll(attack, "%[1]s", url)
		dom := browse(t, []byte(page), "--dump-dom")
		if !strings.Contains(dom, "owned=") && asked.Load() == before {
			t.Errorf("%q does nothing:\n%s", attack, dom)
		}
	}
}

// If an attack got into the page after all, the page's own policy stops it.
func TestPolicy(t *testing.T) {
	url, asked := server(t)
	for _, attack := range attacks[:5] {
		page := bytes.Replace(write(t, hostile([]string{"a", "b", "c"})), []byte("<main>"),
			[]byte("<main>"+strings.ReplaceAll(attack, "%[1]s", url)), 1)
		if dom := browse(t, page, "--dump-dom"); strings.Contains(dom, `owned="`) {
			t.Errorf("%q acts", attack)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the page asked a server %d times", n)
	}
}

// On paper, everything stands open: the details of a certificate are on pages
// of their own beside what the screen shows at first.
func TestPrint(t *testing.T) {
	few, many := hostile([]string{"a", "b", "c"}), hostile([]string{"a", "b", "c"})
	for i := range many.Items {
		many.Items[i].DNSNames = nil
		for n := range 90 {
			many.Items[i].DNSNames = append(many.Items[i].DNSNames, fmt.Sprintf("a-long-name-of-a-server-%d.example.com", n))
		}
	}
	pages := func(inv *inventory.Inventory) int {
		file := filepath.Join(t.TempDir(), "page.pdf")
		browse(t, write(t, inv), "--no-pdf-header-footer", "--print-to-pdf="+file)
		pdf, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1))
	}
	if a, b := pages(few), pages(many); a == 0 || b <= a {
		t.Errorf("%d pages without names, %d with them: details are not printed", a, b)
	}
}
