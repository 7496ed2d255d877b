package scan_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// What was issued is shown by its user, a component's by its name in the
// catalog; a record that is spoilt hides no other.
func TestIssued(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	record := func(user string, groups ...string) scan.IssuedCertificate {
		return scan.IssuedCertificate{Name: "r-" + user, User: user, DER: ca.Issue(t, pkitest.Client(user, groups...)).Raw}
	}
	inv := read(long, scan.Issued(func(context.Context) ([]scan.IssuedCertificate, error) {
		return []scan.IssuedCertificate{
			record("alice", "devs"), {Name: "spoilt", User: "bob", DER: []byte("x")}, record("system:node:worker-1", "system:nodes"),
		}, nil
	}))
	want := map[string]string{"issued/alice": "kube-system/r-alice", "kubelet-client": "kube-system/r-system:node:worker-1"}
	for _, e := range inv.Items {
		if want[e.Name] != e.Locations[0].Where || e.Role != "client" {
			t.Errorf("got %s (%s) at %s", e.Name, e.Role, e.Locations[0].Where)
		}
		delete(want, e.Name)
	}
	if len(want) > 0 {
		t.Errorf("not seen: %v", want)
	}
	if len(inv.Skipped) != 1 || inv.Skipped[0].Where != "kube-system/spoilt" {
		t.Errorf("skipped: %+v", inv.Skipped)
	}
}

func TestIssuedFails(t *testing.T) {
	tests := []struct {
		name         string
		err          error
		reason, hint string
	}{
		{"not allowed", permit.NewMissing([]string{"list configmaps -n kube-system"}, "ask"), "forbidden", "list configmaps -n kube-system"},
		{"no answer", errors.New("connection refused"), "connection refused", "check that"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inv := read(long, scan.Issued(func(context.Context) ([]scan.IssuedCertificate, error) { return nil, tt.err }))
			var got inventory.Skip
			if len(inv.Skipped) == 1 {
				got = inv.Skipped[0]
			}
			if got.Reason != tt.reason || !strings.Contains(got.Hint, tt.hint) {
				t.Errorf("skipped: %+v", inv.Skipped)
			}
		})
	}
}
