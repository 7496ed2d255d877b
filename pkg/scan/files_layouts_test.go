package scan_test

// These tests promise that every certificate of a distribution is recognised by
// its name, wherever its files were copied to, and judged as what it is.

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// A healthy tree has every row, and no warning.
func TestLayouts(t *testing.T) {
	for _, d := range distributions {
		t.Run(d.name, func(t *testing.T) {
			x := newTree(t)
			want := d.make(x)
			inv := x.inspect()
			got := x.rows(inv)
			for path, row := range want {
				if got[path] != row {
					t.Errorf("%s is %q, want %q", path, got[path], row)
				}
			}
			if wrong := faults(inv); len(wrong) > 0 || len(inv.Skipped) > 0 {
				t.Errorf("faults %q, skipped %+v", wrong, inv.Skipped)
			}
			for _, e := range inv.Items {
				if e.SignedBy == "" || slices.ContainsFunc(e.Findings, func(f inventory.Finding) bool { return f.Code == inventory.CodeUnverified }) {
					t.Errorf("%s is not verified: %+v", e.Name, e.Findings)
				}
				if _, known := catalog.Lookup(e.Name); !known {
					t.Errorf("%s is in no row: %+v", e.Name, e.Locations)
				}
			}
		})
	}
}

// The directory with the certificates alone, called anything, is enough.
func TestLayoutsOfAPart(t *testing.T) {
	x := newTree(t)
	makeKubeadm(x)
	y := newTree(t)
	makeRancher(y, "k3s")
	for _, tt := range []struct {
		tree *tree
		part string
		want []string
	}{
		{x, "etc/kubernetes/pki/etcd", []string{"etcd-ca", "etcd-healthcheck-client", "etcd-peer", "etcd-server"}},
		{x, "etc/kubernetes/scheduler.conf", []string{"ca", "scheduler"}},
		{x, "etc/kubernetes/pki/apiserver.crt", []string{"apiserver"}},
		{y, "var/lib/rancher/k3s/server/tls/etcd", []string{"apiserver-etcd-client", "etcd-ca", "etcd-peer", "etcd-peer-ca", "etcd-server"}},
	} {
		t.Run(tt.part, func(t *testing.T) {
			names := map[string]bool{}
			for _, e := range tt.tree.inspect(tt.part).Items {
				names[e.Name] = true
			}
			if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What is wrong in a tree is said with the code that it has.
func TestBrokenLayouts(t *testing.T) {
	breaks := []struct {
		name  string
		spoil func(x *tree, scheduler, clientCA, etcd string)
		want  string
	}{
		{"the scheduler's certificate ran out", func(x *tree, scheduler, ca, _ string) {
			x.leaf(scheduler, ca, pkitest.Client("system:kube-scheduler"), pkitest.Left(-pkitest.Day))
		}, "scheduler: expired"},
		{"another client's in the scheduler's file", func(x *tree, scheduler, ca, _ string) {
			x.leaf(scheduler, ca, pkitest.Client("system:kube-proxy"))
		}, "scheduler: wrong-subject"},
		{"a stranger signed the scheduler's", func(x *tree, scheduler, ca, _ string) {
			x.cas["stranger"] = x.cas[ca].Impostor(x.t)
			x.leaf(scheduler, "stranger", pkitest.Client("system:kube-scheduler"))
		}, "scheduler: chain-broken"},
		{"etcd's key is another one", func(x *tree, _, _, etcd string) {
			x.write(keyName(etcd), keyPEM(x.t, "another user"))
		}, "etcd-server: key-mismatch"},
		{"etcd's is garbage", func(x *tree, _, _, etcd string) {
			x.write(etcd, []byte("garbage"))
		}, "ETCD: unreadable"},
	}
	for _, d := range distributions {
		for _, b := range breaks {
			t.Run(fmt.Sprintf("%s, %s", d.name, b.name), func(t *testing.T) {
				x := newTree(t)
				d.make(x)
				b.spoil(x, d.scheduler, d.clientCA, d.etcd)
				want := strings.Replace(b.want, "ETCD", filepath.Base(d.etcd), 1)
				if strings.HasPrefix(d.name, "the hard way") { // one certificate for both
					want = strings.Replace(want, "etcd-server", "apiserver", 1)
				}
				if got := faults(x.inspect()); !slices.Contains(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		}
	}
}

// A kubelet that nobody told otherwise has made a CA for itself alone.
func TestKubeletThatSignedForItself(t *testing.T) {
	x := newTree(t)
	x.cas["own"] = pkitest.NewCA(t, "node-1-ca@1700000000")
	cert := x.issue("own", pkitest.Server("node-1@1700000000", "node-1"))
	x.write("var/lib/kubelet/pki/kubelet.crt", pki.EncodeCertificates(cert, x.cas["own"].Certificate))
	x.write("var/lib/kubelet/pki/kubelet.key", keyPEM(t, "node-1@1700000000"))
	inv := x.inspect()
	if got := x.names(inv); !slices.Equal(got, []string{"kubelet-server", "var/lib/kubelet/pki/kubelet.crt#2"}) {
		t.Errorf("seen %q", got)
	}
	if got := faults(inv); len(got) > 0 {
		t.Errorf("faults %q", got)
	}
}
