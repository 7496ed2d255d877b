package inventory_test

import (
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// A certificate whose pair no server loads is not called ok, and one that also
// lies where it can be loaded is not blamed.
func TestRefusedPairs(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	cert := ca.Issue(t, pkitest.Server("kube-apiserver", "kubernetes"))
	lies := func(where string) inventory.Sighting {
		return inventory.Sighting{Location: inventory.Location{Source: "files", Where: where}, Place: catalog.LeafFile, Name: where, Certificate: cert}
	}
	finding := func(where, of string, severity inventory.Severity) inventory.PlaceFinding {
		return inventory.PlaceFinding{Location: inventory.Location{Source: "files", Where: where}, Of: of,
			Finding: inventory.Finding{Code: inventory.CodeKeyUnusable, Severity: severity, Message: "cannot be used"}}
	}
	tests := []struct {
		name     string
		places   []string
		findings []inventory.PlaceFinding
		want     inventory.Status
	}{
		{"its file", []string{"a.crt"}, []inventory.PlaceFinding{finding("a.crt", "", inventory.Critical)}, inventory.Invalid},
		{"its key", []string{"a.crt"}, []inventory.PlaceFinding{finding("a.key", "a.crt", inventory.Critical)}, inventory.Invalid},
		{"another's key", []string{"a.crt"}, []inventory.PlaceFinding{finding("b.key", "b.crt", inventory.Critical)}, inventory.OK},
		{"no more than a warning", []string{"a.crt"}, []inventory.PlaceFinding{finding("a.key", "a.crt", inventory.Warning)}, inventory.OK},
		{"one of two places", []string{"a.crt", "b.crt"}, []inventory.PlaceFinding{finding("a.key", "a.crt", inventory.Critical)}, inventory.OK},
		{"both places", []string{"a.crt", "b.crt"}, []inventory.PlaceFinding{finding("a.key", "a.crt", inventory.Critical), finding("b.crt", "", inventory.Critical)}, inventory.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := inventory.Collector{Now: pkitest.Now}
			for _, where := range tt.places {
				found.See(lies(where))
			}
			for _, f := range tt.findings {
				found.Find(f)
			}
			inv := found.Inventory(inventory.Cluster{})
			if got := inv.Items[0].Status; got != tt.want {
				t.Errorf("status %s, want %s", got, tt.want)
			}
			// Who asks for the certificate is told why.
			selected, _ := inv.Select([]string{tt.places[0]})
			if told := len(selected.Findings) > 0; tt.want == inventory.Invalid && !told {
				t.Error("the reason is not among what was selected")
			}
		})
	}
}

// A certificate is counted once, in however many places it lies, and so is one
// that stands behind others.
func TestCertificatesAreCountedOnce(t *testing.T) {
	root := pkitest.NewCA(t, "root")
	mid := root.Intermediate(t, "mid")
	for _, only := range []bool{false, true} {
		found := inventory.Collector{Now: pkitest.Now, FaultsOnly: only}
		for _, name := range []string{"a", "b", "c"} {
			s := at(catalog.SecretLeaf, "", "", mid.Issue(t, pkitest.Server(name, "shop.example")))
			s.Intermediates = append(s.Intermediates, mid.Certificate)
			found.See(s)
			found.See(s)
		}
		if found.Count() != 4 {
			t.Errorf("faults only %t: %d are counted of 4", only, found.Count())
		}
		if n := len(found.Inventory(inventory.Cluster{}).Items); !only && n != found.Count() {
			t.Errorf("%d are listed, and %d counted", n, found.Count())
		}
	}
}
