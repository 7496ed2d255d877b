package inventory

import (
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// What a CA may be replaced by is answered without a look at every other one of
// its bundle.
func TestSuccessorsAreBounded(t *testing.T) {
	found := Collector{Now: pkitest.Now}
	for i := range 100 {
		ca := pkitest.NewCA(t, "kubernetes", pkitest.ValidFor(time.Duration(i+1)*pkitest.Day))
		found.See(Sighting{Location: Location{"files", "ca.crt"}, Place: catalog.LeafFile, Name: "ca.crt", Certificate: ca.Certificate})
	}
	var all []*certificate
	for _, f := range found.seen {
		all = append(all, f)
	}
	if len(all) != 100 {
		t.Fatalf("%d certificates", len(all))
	}
	e := found.evidence(all, Cluster{})
	for as, known := range e.valid {
		if len(known) != 2 {
			t.Errorf("%d CAs are kept for %q", len(known), as.at.Where)
		}
	}
	for _, f := range all {
		if !f.succeeded(e, "") || !f.succeeded(e, string(f.key)) {
			t.Fatal("another CA of the name and key is beside it")
		}
	}
	if alone := found.evidence(all[:1], Cluster{}); all[0].succeeded(alone, "") {
		t.Error("it succeeds itself")
	}
}
