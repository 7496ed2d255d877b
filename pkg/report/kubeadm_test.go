package report_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// Of what kubeadm sees, the table is kubeadm's, byte for byte: the file is what
// `kubeadm certs check-expiration` of v1.37.2 wrote, short of what it logs.
func TestKubeadm(t *testing.T) {
	want, err := os.ReadFile("testdata/kubeadm-1.37.txt")
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2027, time.November, 24, 8, 37, 32, 0, time.UTC)
	inv := &inventory.Inventory{TakenAt: time.Date(2026, time.November, 24, 9, 12, 0, 0, time.UTC)}
	for _, name := range []string{
		"scheduler", "super-admin", "front-proxy-client", "etcd-server", "etcd-peer", "etcd-healthcheck-client", "controller-manager",
		"apiserver-kubelet-client", "apiserver-etcd-client", "apiserver", "admin",
		// Not on its list.
		"kubelet-server", "scheduler-server", "secret/a/b", "proxy",
	} {
		inv.Items = append(inv.Items, inventory.Entry{Name: name, NotAfter: end, Locations: []inventory.Location{{Source: "files"}}})
	}
	for _, name := range []string{"ca", "etcd-ca", "front-proxy-ca"} {
		inv.Items = append(inv.Items, inventory.Entry{Name: name, IsCA: true, NotAfter: time.Date(2036, time.November, 21, 8, 37, 32, 0, time.UTC)})
	}
	got, err := write(t, "kubeadm", inv, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	slices.Reverse(inv.Items)
	if again, err := write(t, "kubeadm", inv, report.Options{}); err != nil || again != got {
		t.Errorf("in another order, %v:\n%s", err, again)
	}
}

// Missing is what was looked for where it would be, and nothing else.
func TestKubeadmMissing(t *testing.T) {
	inv := &inventory.Inventory{
		Items:     []inventory.Entry{{Name: "apiserver", NotAfter: time.Date(2027, time.November, 24, 8, 37, 32, 0, time.UTC), Locations: []inventory.Location{{Source: "files"}}}},
		LookedFor: []string{"apiserver", "scheduler", "etcd-ca", "kubelet-client"},
	}
	text, err := write(t, "kubeadm", inv, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for want, n := range map[string]int{"!MISSING!": 2, "!MISSING! scheduler.conf": 1, "!MISSING! etcd-ca": 1} {
		if got := strings.Count(text, want); got != n {
			t.Errorf("%q is there %d times instead of %d:\n%s", want, got, n, text)
		}
	}
}
