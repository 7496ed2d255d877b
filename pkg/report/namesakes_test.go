package report_test

import (
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// While one CA replaces another of its name, SIGNED BY says which of them is
// meant, also for the new one that the old one signed.
func TestSignedByTellsNamesakesApart(t *testing.T) {
	const day = pkitest.Day
	apart := func(e inventory.Entry, sha, by string) inventory.Entry {
		e.SHA256, e.IssuerSHA256 = sha, by
		return e
	}
	items := []inventory.Entry{
		apart(ca("ca", "kubernetes", "ca", 9*day), "00000000old", "00000000old"),
		apart(ca("ca", "kubernetes", "ca", 9*day), "11111111new", "11111111new"),
		apart(ca("ca", "kubernetes", "ca", 9*day), "22222222crossed", "00000000old"),
		apart(ca("front-proxy-ca", "f", "front-proxy-ca", 9*day), "33333333front", "33333333front"),
		apart(leaf("apiserver", "CN=kubernetes", "ca"), "44444444", "11111111new"),
		apart(leaf("front-proxy-client", "CN=f", "front-proxy-ca"), "55555555", "33333333front"),
	}
	inv := &inventory.Inventory{TakenAt: pkitest.Now, Items: items}
	for name, o := range map[string]report.Options{"wide": {}, "table": {SortBy: "name"}} {
		out, err := write(t, name, inv, o)
		if err != nil {
			t.Fatal(err)
		}
		lines := map[string]string{}
		for line := range strings.Lines(out) {
			if fields := strings.Fields(line); len(fields) > 0 {
				lines[fields[0]] += line
			}
		}
		if !strings.Contains(lines["apiserver"], "ca (11111111)") {
			t.Errorf("%s: apiserver's signer could be another:\n%s", name, out)
		}
		if strings.Count(lines["ca"], "itself") != 2 || !strings.Contains(lines["ca"], "ca (00000000)") {
			t.Errorf("%s: the crossed CA's signer could be another:\n%s", name, out)
		}
		if strings.Contains(lines["front-proxy-client"], "(33333333)") {
			t.Errorf("%s: a name that is one CA's needs no more:\n%s", name, out)
		}
	}
}

// What a server refuses is not counted as sound, and the certificate and its
// place are one.
func TestCheckCountsRefusedPairsOnce(t *testing.T) {
	at := inventory.Location{Source: "files", Where: "a.crt"}
	server := leaf("apiserver", "CN=kubernetes", "")
	server.Status, server.Locations = inventory.Invalid, []inventory.Location{at}
	inv := &inventory.Inventory{TakenAt: pkitest.Now, Items: []inventory.Entry{server}, Findings: []inventory.PlaceFinding{{
		Location: inventory.Location{Source: "files", Where: "a.key"}, Of: at.Where,
		Finding: inventory.Finding{Code: inventory.CodeKeyUnusable, Severity: inventory.Critical, Message: "cannot be used: it is empty"},
	}}}
	var out strings.Builder
	if err := report.Check(&out, inv, report.CheckOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Contains(got, "sound") || !strings.Contains(got, "a.key cannot be used") {
		t.Errorf("got\n%s", got)
	}
	detail, err := write(t, "table", inv, report.Options{})
	if err != nil || !strings.Contains(detail, "a.key cannot be used") {
		t.Errorf("%v\n%s", err, detail)
	}
}
