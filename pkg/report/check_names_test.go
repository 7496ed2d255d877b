package report_test

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// Two trees have certificates of one name: each test case has a name of its own,
// and each finding names the file.
func TestFindingsNameTheFile(t *testing.T) {
	expired := []inventory.Finding{{Code: inventory.CodeExpired, Severity: inventory.Critical, Message: "expired 9d ago", Fix: "renew it"}}
	entry := func(name string, paths ...string) inventory.Entry {
		e := inventory.Entry{Name: name, Role: "server", Findings: expired, NotAfter: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		for _, path := range paths {
			e.Locations = append(e.Locations, inventory.Location{Source: "files", Where: path})
		}
		return e
	}
	inv := &inventory.Inventory{Items: []inventory.Entry{
		entry("apiserver", "a/apiserver.crt"), entry("apiserver", "b/apiserver.crt", "c/apiserver.crt"),
		entry("web.crt", "web.crt"), entry("web.crt", "web.crt"), entry("web.crt #2", "web.crt"),
	}, Findings: []inventory.PlaceFinding{
		{Location: inventory.Location{Source: "files", Where: "web.crt"}, Finding: expired[0]},
	}}
	var text strings.Builder
	if err := report.CheckJUnit(&text, inv, report.CheckOptions{FailOn: inventory.Warning}); err != nil {
		t.Fatal(err)
	}
	var suites struct {
		Suites []struct {
			Cases []struct {
				Name string `xml:"name,attr"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(text.String()), &suites); err != nil {
		t.Fatal(err)
	}
	taken, n := map[string]bool{}, 0
	for _, suite := range suites.Suites {
		for _, c := range suite.Cases {
			if n++; taken[c.Name] {
				t.Errorf("%q is there twice", c.Name)
			}
			taken[c.Name] = true
		}
	}
	if n != 6 || !taken["apiserver (a/apiserver.crt)"] || !taken["apiserver (b/apiserver.crt and 1 more)"] {
		t.Errorf("names %v", taken)
	}
	out, err := write(t, "table", inv, report.Options{})
	if err != nil || !strings.Contains(out, "apiserver (a/apiserver.crt) expired") {
		t.Errorf("%v:\n%s", err, out)
	}
}
