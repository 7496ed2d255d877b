package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// filled is an inventory that says text wherever it can.
func filled(text string) *inventory.Inventory {
	finding := inventory.Finding{Code: inventory.Code(text), Severity: inventory.Warning, Message: text, Fix: text}
	entry := inventory.Entry{
		Name: text, Role: catalog.Role(text), Node: text,
		Locations: []inventory.Location{{Source: text, Where: text}, {Source: "secrets", Where: text}, {Source: "kubeconfig", Where: text}, {Source: "webhooks", Where: text}, {Source: "node-files", Where: text}},
		Subject:   inventory.Subject{CommonName: text, Organizations: []string{text}}, IssuerName: text, Issuer: inventory.Issuer{Subject: inventory.Subject{CommonName: text, Organizations: []string{text}}, OtherAttributes: []pki.Attribute{{Type: text, Value: text}}}, SerialNumber: text,
		DNSNames: []string{text}, IPAddresses: []string{text}, URIs: []string{text}, EmailAddresses: []string{text},
		NotBefore: pkitest.Now, NotAfter: pkitest.Now.Add(time.Hour), Usages: []string{text},
		VerifiedAgainst: []catalog.Place{catalog.Place(text)}, PublicKey: inventory.PublicKey{Algorithm: text}, SignatureAlgorithm: text, SHA256: text,
		Status: inventory.Status(text), Findings: []inventory.Finding{finding},
	}
	authority := entry
	authority.IsCA, authority.SignedBy = true, text
	entry.SignedBy = text
	return &inventory.Inventory{
		APIVersion: inventory.APIVersion, Kind: inventory.Kind, TakenAt: pkitest.Now,
		Cluster:  inventory.Cluster{Context: text, Server: text, Version: text},
		Items:    []inventory.Entry{authority, entry},
		Requests: []inventory.Request{{Name: text, Signer: text, Requester: text, State: inventory.RequestState(text), CreatedAt: pkitest.Now, Findings: []inventory.Finding{finding}}},
		Findings: []inventory.PlaceFinding{{Location: inventory.Location{Source: text, Where: text}, Finding: finding}},
		Skipped:  []inventory.Skip{{Source: text, Where: text, Reason: text, Hint: text}, {Source: text, Where: text, Reason: text, Hint: text, Expected: true}},
	}
}

// Whatever a certificate is called, no format lets it act on a terminal, and
// whoever parses the output reads what was there.
func FuzzFormats(f *testing.F) {
	f.Add(mallory)
	f.Add(injection)
	for _, text := range []string{
		"", " ", "a: b", "- a", "null", "yes", "0x1F", "1e3", "2026-01-01", "~", "a\tb", "#", "a #b", `\`, `\"`, "a\\", "'", "]]>", "&amp;", "<!--",
		"\u2029\u200f", "\xff\xfe", "\x00", "=1+1", "@cmd", "ca", "a b", "key:", "%", "|", "&a", "*a", "!x", "?", "é", "=", "a=\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		inv := filled(text)
		want := filled(string([]rune(text))) // what is no UTF-8 is no JSON
		for _, format := range report.Formats {
			out := formatted(t, format.Name, func(w io.Writer) error { return format.Write(w, inv, report.Options{}) })
			switch format.Name {
			case "json", "yaml":
				decode := map[string]func([]byte, any) error{
					"json": json.Unmarshal, "yaml": func(data []byte, into any) error { return yaml.Unmarshal(data, into) },
				}[format.Name]
				var got inventory.Inventory
				if err := decode(out, &got); err != nil || !reflect.DeepEqual(&got, want) {
					t.Errorf("%s: got %+v, %v\nwant %+v", format.Name, &got, err, want)
				}
			case "prometheus":
				if _, err := parseExposition(string(out), ""); err != nil {
					t.Errorf("prometheus: %v", err)
				}
			case "html":
				checkInert(t, out)
			}
		}
		for _, format := range report.CheckFormats {
			out := formatted(t, "check "+format.Name, func(w io.Writer) error { return format.Write(w, inv, report.CheckOptions{}) })
			var err error
			switch format.Name {
			case "json":
				err = json.Unmarshal(out, new(report.CheckResult))
			case "junit":
				err = xml.Unmarshal(out, new(junit))
			}
			if err != nil {
				t.Errorf("check %s: %v", format.Name, err)
			}
		}
		formatted(t, "detail", func(w io.Writer) error { return report.Detail(w, inv, report.Options{Width: 40}) })
		for _, name := range []string{"jsonpath={}", "go-template={{.}}", "custom-columns=A:.name,B:.findings[0]"} {
			format, err := report.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			formatted(t, name, func(w io.Writer) error { return format(w, inv, report.Options{SortBy: "name"}) })
		}
	})
}

func formatted(t *testing.T, name string, write func(io.Writer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	for _, r := range out.String() {
		if r != '\n' && hostile(r) {
			t.Errorf("%s: %U is printed", name, r)
		}
	}
	return out.Bytes()
}

// elements are those that the page is made of.
var elements = map[string]bool{
	"html": true, "head": true, "meta": true, "title": true, "style": true, "body": true, "header": true, "main": true, "footer": true,
	"section": true, "article": true, "nav": true, "h1": true, "h2": true, "h3": true, "p": true, "b": true, "br": true, "small": true,
	"span": true, "div": true, "a": true, "ul": true, "li": true, "dl": true, "dt": true, "dd": true, "details": true, "summary": true,
	"table": true, "caption": true, "thead": true, "tbody": true, "tr": true, "th": true, "td": true,
	"svg": true, "g": true, "line": true, "text": true, "rect": true, "path": true,
}

// checkInert reports elements and attributes of a page that act, or that were
// never meant to be there.
func checkInert(t *testing.T, page []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(page, []byte("<!doctype html>\n"))))
	decoder.Strict = false
	decoder.AutoClose = []string{"meta", "br"}
	decoder.Entity = xml.HTMLEntity
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Errorf("the page cannot be read: %v", err)
			return
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !elements[element.Name.Local] {
			t.Errorf("there is an element %s", element.Name.Local)
		}
		for _, a := range element.Attr {
			name, value := a.Name.Local, strings.ToLower(a.Value)
			link := strings.HasPrefix(value, report.Docs) || strings.HasPrefix(value, "#")
			if strings.HasPrefix(name, "on") || name == "src" || name == "style" || name == "href" && !link {
				t.Errorf("there is an attribute %s=%q", name, a.Value)
			}
		}
	}
}
