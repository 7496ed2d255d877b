package inventory_test

import (
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// Advice is that of what runs the cluster, and never a command that is not there.
func TestAdviceFitsTheDistribution(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	late := pkitest.Left(-pkitest.Day)
	oldCA := pkitest.NewCA(t, "kubernetes", late)
	server := func(name string) inventory.Sighting {
		return inventory.Sighting{Place: catalog.APIServerEndpoint, Name: name, Certificate: ca.Issue(t, pkitest.Server("kube-apiserver", "x"), late)}
	}
	masters := inventory.Sighting{Place: catalog.KubeconfigClient, Name: "m", Certificate: ca.Issue(t, pkitest.Client("system:admin", catalog.Masters), late)}
	kubelet := inventory.Sighting{Place: catalog.LeafFile, Name: "k", Row: "kubelet-client", Certificate: ca.Issue(t, pkitest.Client("system:node:n", "system:nodes"), late)}
	scheduler := inventory.Sighting{Place: catalog.LeafFile, Name: "s", Row: "scheduler", Certificate: ca.Issue(t, pkitest.Client("system:kube-scheduler"), late)}
	anchorOf := inventory.Sighting{Place: catalog.RootCA, Name: "ca", Certificate: oldCA.Certificate}
	info := inventory.Sighting{Location: inventory.Location{Where: "info"}, Place: catalog.ClusterInfoCA, Name: "ca", Certificate: ca.Certificate}
	laidOut := func(s inventory.Sighting, layout string) inventory.Sighting {
		s.Layout = layout
		return s
	}
	const k3s, rke2, k0s, eks = "v1.36.3+k3s1", "v1.36.3+rke2r1", "v1.36.3+k0s", "v1.36.3-eks-a737599"
	tests := []struct {
		name, version string
		what          inventory.Sighting
		beside        []inventory.Sighting
		want, wantNot string
	}{
		{"k3s", k3s, server("a"), nil, "k3s certificate rotate", "kubeadm"},
		{"rke2", rke2, server("a"), nil, "rke2 certificate rotate", "k3s"},
		{"k0s", k0s, server("a"), nil, "systemctl restart k0scontroller", "kubeadm"},
		{"EKS", eks, server("a"), nil, "the provider renews", "kubeadm"},
		{"kubeadm", "v1.36.3", server("a"), []inventory.Sighting{info}, "kubeadm certs renew all; then restart", "k3s"},
		{"unknown", "v1.36.3", server("a"), nil, "with kubeadm: kubeadm", "k3s"},
		{"a CA of k3s", k3s, anchorOf, nil, "k3s certificate rotate-ca", "kubeadm"},
		{"a CA of EKS", eks, anchorOf, nil, "the provider", "replace the CA"},
		{"k3s's administrator", k3s, masters, nil, "/etc/rancher/k3s/k3s.yaml", "certs renew"},
		{"system:masters on k0s", k0s, masters, nil, "k0s kubeconfig admin", "certs renew"},
		{"system:masters anywhere", "v1.36.3", masters, nil, "k3s certificate rotate", "kubectl certs renew"},
		{"a kubelet of k3s", k3s, kubelet, nil, "k3s-agent", "kubectl certs issue"},
		{"a kubelet of kubeadm", "v1.36.3", kubelet, []inventory.Sighting{info}, "kubectl certs issue kubelet", "k3s"},
		{"a kubelet of EKS", eks, kubelet, nil, "replace the node", "issue"},
		{"k3s's scheduler", k3s, scheduler, nil, "k3s certificate rotate", "kubectl certs issue"},
		{"anybody's scheduler", "v1.36.3", scheduler, nil, "kubectl certs issue scheduler", "k3s"},
		{"files of k0s", "", laidOut(scheduler, "k0s"), nil, "k0scontroller", "kubeadm"},
		{"files of the hard way", "", laidOut(scheduler, "the hard way"), nil, "openssl x509 -req", "kubeadm"},
		{"files of kubeadm", "", laidOut(scheduler, "kubeadm"), nil, "kubeadm certs renew", "k3s"},
		{"a copy of k3s's files, beside another cluster", k0s, laidOut(scheduler, "k3s"), nil, "k3s certificate", "k0scontroller"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := inventory.Collector{Now: pkitest.Now}
			for _, s := range append(tt.beside, tt.what) {
				c.See(s)
			}
			inv := c.Inventory(inventory.Cluster{Version: tt.version})
			for _, e := range inv.Items {
				for _, f := range e.Findings {
					if f.Code != inventory.CodeExpired {
						continue
					}
					if !strings.Contains(f.Fix, tt.want) || strings.Contains(f.Fix, tt.wantNot) {
						t.Errorf("%s: %q, want %q and not %q", e.Name, f.Fix, tt.want, tt.wantNot)
					}
					return
				}
			}
			t.Error("nothing has expired")
		})
	}
}

// The administrator that a distribution installs in system:masters is no fault of
// its users; elsewhere the group is.
func TestInstalledMasters(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	for _, tt := range []struct {
		version, commonName string
		want                inventory.Severity
	}{
		{"v1.36.3+k3s1", "system:admin", inventory.Info},
		{"v1.36.3+rke2r1", "system:admin", inventory.Info},
		{"v1.36.3+k0s", "kubernetes-admin", inventory.Info},
		{"v1.36.3+k3s1", "alice", inventory.Warning},
		{"v1.36.3", "system:admin", inventory.Warning},
		{"v1.36.3-eks-1", "system:admin", inventory.Warning},
	} {
		c := inventory.Collector{Now: pkitest.Now}
		c.See(inventory.Sighting{Place: catalog.KubeconfigClient, Name: "m", Certificate: ca.Issue(t, pkitest.Client(tt.commonName, catalog.Masters))})
		var got inventory.Severity
		for _, f := range c.Inventory(inventory.Cluster{Version: tt.version}).Items[0].Findings {
			if f.Code == inventory.CodeClusterAdmin {
				got = f.Severity
			}
		}
		if got != tt.want {
			t.Errorf("%s on %s: %q, want %q", tt.commonName, tt.version, got, tt.want)
		}
	}
}
