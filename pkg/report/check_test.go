package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest/golden"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// sound is an inventory in which nothing is wrong.
func sound(t testing.TB) *inventory.Inventory {
	inv := busy(t)
	fine := *inv
	fine.Items, fine.Findings, fine.Requests, fine.Skipped = nil, nil, nil, nil
	for _, e := range inv.Items {
		if e.Status == inventory.OK {
			fine.Items = append(fine.Items, e)
		}
	}
	return &fine
}

func TestCheckFormats(t *testing.T) {
	inventories := map[string]*inventory.Inventory{"hostile": cluster(t), "busy": busy(t), "sound": sound(t)}
	for name, inv := range inventories {
		for _, format := range report.CheckFormats {
			t.Run(name+"/"+format.Name, func(t *testing.T) {
				var out bytes.Buffer
				if err := format.Write(&out, inv, report.CheckOptions{}); err != nil {
					t.Fatal(err)
				}
				checkHarmless(t, out.String())
				golden.Check(t, "check."+name+"."+format.Name+".golden", out.Bytes())
				room := out.Len() / 2
				if err := format.Write(&closedPipe{room}, inv, report.CheckOptions{}); !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("output that did not arrive: got %v", err)
				}
			})
		}
	}
}

func TestLookupCheck(t *testing.T) {
	for _, name := range report.CheckFormatNames() {
		if format, err := report.LookupCheck(name); err != nil || format == nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := report.LookupCheck("wide"); err == nil || !strings.Contains(err.Error(), "table, short, json, yaml, junit") {
		t.Errorf("wide: got %v", err)
	}
}

func TestVerdict(t *testing.T) {
	finding := func(s inventory.Severity) inventory.Finding {
		return inventory.Finding{Code: inventory.CodeExpired, Severity: s, Message: "m", Fix: "f"}
	}
	item := func(s inventory.Severity) inventory.Inventory {
		return inventory.Inventory{Items: []inventory.Entry{{Name: "ca", Findings: []inventory.Finding{finding(s)}}}}
	}
	place := func(s inventory.Severity) inventory.Inventory {
		return inventory.Inventory{Findings: []inventory.PlaceFinding{{Finding: finding(s)}}}
	}
	request := func(s inventory.Severity) inventory.Inventory {
		return inventory.Inventory{Requests: []inventory.Request{{Findings: []inventory.Finding{finding(s)}}}}
	}
	with := func(inv inventory.Inventory, skips ...inventory.Skip) inventory.Inventory {
		inv.Skipped = skips
		return inv
	}
	unread, hidden := inventory.Skip{Source: "secrets"}, inventory.Skip{Source: "control-plane", Expected: true}
	tests := []struct {
		name   string
		inv    inventory.Inventory
		failOn inventory.Severity
		want   int
	}{
		{"nothing", inventory.Inventory{}, inventory.Warning, report.ResultOK},
		{"info", item(inventory.Info), inventory.Warning, report.ResultOK},
		{"a warning", item(inventory.Warning), inventory.Warning, report.ResultWarning},
		{"a warning, by default", item(inventory.Warning), "", report.ResultWarning},
		{"a warning that does not count", item(inventory.Warning), inventory.Critical, report.ResultOK},
		{"critical", item(inventory.Critical), inventory.Warning, report.ResultCritical},
		{"critical alone counts", item(inventory.Critical), inventory.Critical, report.ResultCritical},
		{"a place's warning", place(inventory.Warning), inventory.Warning, report.ResultWarning},
		{"a place, critical", place(inventory.Critical), inventory.Critical, report.ResultCritical},
		{"a request's warning", request(inventory.Warning), inventory.Warning, report.ResultWarning},
		{"unread", with(inventory.Inventory{}, unread), inventory.Warning, report.ResultUnknown},
		{"nothing to be seen", with(inventory.Inventory{}, hidden), inventory.Warning, report.ResultOK},
		{"one of each", with(inventory.Inventory{}, hidden, unread), inventory.Warning, report.ResultUnknown},
		{"a warning says more than what was not read", with(item(inventory.Warning), unread), inventory.Warning, report.ResultWarning},
		{"critical, and unread", with(item(inventory.Critical), unread), inventory.Critical, report.ResultCritical},
		{"unread beside a warning that does not count", with(item(inventory.Warning), unread), inventory.Critical, report.ResultUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := report.Result(&tt.inv, tt.failOn); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
			// What is printed ends with the same.
			last := map[int]string{
				report.ResultOK: "Result: OK", report.ResultWarning: "Result: WARNING", report.ResultCritical: "Result: CRITICAL", report.ResultUnknown: "Result: UNKNOWN",
			}[tt.want]
			var text, jsonText bytes.Buffer
			o := report.CheckOptions{FailOn: tt.failOn}
			if err := errors.Join(report.CheckShort(&text, &tt.inv, o), report.CheckJSON(&jsonText, &tt.inv, o)); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(text.String(), last) {
				t.Errorf("it says:\n%s", text.String())
			}
			var result report.CheckResult
			if err := json.Unmarshal(jsonText.Bytes(), &result); err != nil || result.ExitCode != tt.want {
				t.Errorf("JSON: got %+v, %v", result, err)
			}
		})
	}
}

// Everything that can be found has a claim of its own, and a section that
// explains it.
func TestEveryCodeIsExplained(t *testing.T) {
	docs, err := os.ReadFile("../../docs/findings.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range inventory.Codes() {
		inv := inventory.Inventory{Items: []inventory.Entry{{Name: "ca", Role: catalog.CA, IsCA: true, Findings: []inventory.Finding{{Code: code, Severity: inventory.Warning, Message: "m"}}}}}
		var out bytes.Buffer
		if err := report.Check(&out, &inv, report.CheckOptions{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "‼ certificate authorities ") {
			t.Errorf("%s has no claim:\n%s", code, out.String())
		}
		if !strings.Contains(out.String(), "findings.md#"+string(code)+"\n") || !strings.Contains(string(docs), "\n## "+string(code)+"\n") {
			t.Errorf("%s leads to no section", code)
		}
	}
}

// What nobody looked at is not called sound.
func TestCheckOfPart(t *testing.T) {
	unread := []inventory.Skip{{Source: "secrets", Where: "all namespaces", Reason: "forbidden"}}
	tests := []struct {
		name    string
		sources []string
		skipped []inventory.Skip
		want    bool // that secrets are spoken of
	}{
		{"all", nil, nil, true},
		{"all, in vain", nil, unread, false},
		{"others", []string{"kubeconfig", "trust"}, nil, false},
		{"these", []string{"secrets"}, nil, true},
		{"these, in vain", []string{"secrets"}, unread, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			inv := &inventory.Inventory{TakenAt: pkitest.Now, Skipped: tt.skipped}
			if err := report.Check(&out, inv, report.CheckOptions{Sources: tt.sources, Checked: 12}); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(out.String(), "TLS Secrets"); got != tt.want {
				t.Errorf("secrets are spoken of: %t\n%s", got, out.String())
			}
			if !strings.Contains(out.String(), "12 certificates checked") {
				t.Errorf("it does not count what was let go:\n%s", out.String())
			}
		})
	}
}

// junit is as much of JUnit's XML as a server reads.
type junit struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Skipped  int `xml:"skipped,attr"`
	Cases    []struct {
		Name    string  `xml:"name,attr"`
		Failure *string `xml:"failure"`
		Skipped *string `xml:"skipped"`
	} `xml:"testsuite>testcase"`
}

// The counts are those of the cases, and the threshold decides what fails.
func TestCheckJUnit(t *testing.T) {
	for failOn, want := range map[inventory.Severity]int{inventory.Warning: 9, inventory.Critical: 3} {
		var out bytes.Buffer
		if err := report.CheckJUnit(&out, busy(t), report.CheckOptions{FailOn: failOn}); err != nil {
			t.Fatal(err)
		}
		var got junit
		if err := xml.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		failures, skipped, hostile := 0, 0, false
		for _, c := range got.Cases {
			if c.Failure != nil {
				failures++
			}
			if c.Skipped != nil {
				skipped++
			}
			hostile = hostile || strings.Contains(c.Name, injection)
		}
		if failures != want || got.Failures != want || got.Skipped != skipped || skipped != 8 || got.Tests != len(got.Cases) {
			t.Errorf("%s: got %d failures, %d skipped, of %d: %+v", failOn, failures, skipped, len(got.Cases), got)
		}
		if !hostile {
			t.Error("the injection is not there as text")
		}
	}
}
