package catalog_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
)

// Whatever layout is added, it speaks of rows that there are, in directories
// that can be told.
func TestLayoutsAreConsistent(t *testing.T) {
	names, versions := map[string]bool{}, map[string]bool{}
	for _, l := range catalog.Layouts() {
		if l.Name == "" || names[l.Name] || l.Version != "" && versions[l.Version] {
			t.Errorf("%q (%q): the name or version is empty or another's", l.Name, l.Version)
		}
		names[l.Name], versions[l.Version] = true, true
		for _, tree := range l.Trees {
			if !path.IsAbs(tree.Home) || path.Clean(tree.Home) != tree.Home || strings.Count(tree.Home, "/") < 2 {
				t.Errorf("%s: home %q", l.Name, tree.Home)
			}
			if len(tree.Files) == 0 {
				t.Errorf("%s: nothing lies in %s", l.Name, tree.Home)
			}
			for _, f := range tree.Files {
				row, ok := catalog.Lookup(f.Row)
				if !ok || (row.Role == catalog.CA) != (len(f.Places) > 0) {
					t.Errorf("%s: %s is of row %q, as %q", l.Name, f.Path, f.Row, f.Places)
				}
				for _, place := range f.Places {
					if !catalog.IsAnchor(place) {
						t.Errorf("%s: %s is at %q, which is no anchor", l.Name, f.Path, place)
					}
				}
				if _, err := path.Match(f.Path, ""); err != nil || path.IsAbs(f.Path) {
					t.Errorf("%s: pattern %q: %v", l.Name, f.Path, err)
				}
				if f.BySubject && row.Subject == nil {
					t.Errorf("%s: %s has no subject to go by", l.Name, f.Row)
				}
			}
		}
	}
}

func TestMatchFiles(t *testing.T) {
	tests := []struct {
		name  string
		input []string
		want  map[string]string // "layout: row", "old" or nothing
	}{
		{"one at home", []string{"/etc/kubernetes/pki/ca.crt"}, map[string]string{"/etc/kubernetes/pki/ca.crt": "kubeadm: ca"}},
		{"one at a home that was copied", []string{"/tmp/x/var/lib/kubernetes/ca.pem"}, map[string]string{"/tmp/x/var/lib/kubernetes/ca.pem": "the hard way: ca"}},
		{"one that tells", []string{"/x/scheduler.conf", "/x/kubelet.conf"}, map[string]string{"/x/scheduler.conf": "kubeadm: scheduler", "/x/kubelet.conf": "kubeadm: kubelet-client"}},
		{"names that others have", []string{"/srv/ca.crt", "/srv/server.crt", "/srv/admin.crt", "/srv/a.crt", "/srv/b.crt"}, nil},
		{"the larger number wins", []string{"/x/ca.crt", "/x/server.crt", "/x/k0s-api.crt", "/x/admin.crt", "/x/etcd/ca.crt", "/x/apiserver-etcd-client.crt"},
			map[string]string{"/x/ca.crt": "k0s: ca", "/x/server.crt": "k0s: apiserver", "/x/k0s-api.crt": "k0s: k0s-api", "/x/admin.crt": "k0s: super-admin",
				"/x/etcd/ca.crt": "k0s: etcd-ca", "/x/apiserver-etcd-client.crt": "k0s: apiserver-etcd-client"}},
		{"what was replaced", []string{"/x/kubelet-client-2026-01-01-00-00-00.pem", "/x/kubelet-client-current.pem"},
			map[string]string{"/x/kubelet-client-2026-01-01-00-00-00.pem": "old", "/x/kubelet-client-current.pem": "kubeadm: kubelet-client"}},
		{"what was replaced, and nothing else", []string{"/x/kubelet-client-2026-01-01-00-00-00.pem"}, nil},
		{"trees of two nodes", []string{"/a/server-ca.crt", "/b/server-ca.crt"}, map[string]string{"/a/server-ca.crt": "k3s: ca", "/b/server-ca.crt": "k3s: ca"}},
		{"nothing", nil, nil},
		{"the root", []string{"/", "/ca.crt", ""}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := map[string]string{}
			for name, m := range catalog.MatchFiles(tt.input) {
				got[name] = m.Layout + ": " + m.File.Row
				if m.Old {
					got[name] = "old"
				}
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestHomes(t *testing.T) {
	tests := []struct {
		version      string
		controlPlane bool
		want         []string
	}{
		{"v1.37.2", true, []string{"/etc/kubernetes", "/var/lib/kubelet/pki"}},
		{"v1.37.2", false, []string{"/etc/kubernetes", "/var/lib/kubelet/pki"}},
		{"v1.37.2+k3s1", true, []string{"/var/lib/rancher/k3s/server/tls", "/var/lib/rancher/k3s/agent", "/etc/rancher/k3s"}},
		{"v1.37.2+k3s1", false, []string{"/var/lib/rancher/k3s/agent"}},
		{"v1.37.2+rke2r1", false, []string{"/var/lib/rancher/rke2/agent"}},
		{"v1.37.2+k0s", false, []string{"/var/lib/k0s/pki", "/var/lib/k0s/kubelet/pki"}},
		{"", false, []string{"/etc/kubernetes", "/var/lib/kubelet/pki"}},
	}
	for _, tt := range tests {
		if got := catalog.Homes(tt.version, tt.controlPlane); !slices.Equal(got, tt.want) {
			t.Errorf("%q, control plane %t: got %q, want %q", tt.version, tt.controlPlane, got, tt.want)
		}
	}
}

func TestLeads(t *testing.T) {
	for dir, want := range map[string]bool{
		"/anywhere/at/all":                          true,
		"/etc/kubernetes/pki":                       true,
		"/var/lib/kubelet/pki":                      true,
		"/var/lib/kubelet/pods":                     false,
		"/tmp/copy/var/lib/kubelet/pods":            false,
		"/var/lib/rancher/k3s/agent/containerd":     false,
		"/var/lib/rancher/k3s/server":               true,
		"/var/lib/rancher/k3s/server/tls/etcd":      true,
		"/var/lib/k0s/pki":                          true,
		"/var/lib/k0s/kubelet":                      true,
		"/var/lib/k0s/containerd":                   false,
		"/var/lib/rancher/rke2/agent/etc/kubelet.d": true, // below what is not entered
	} {
		if got := catalog.Leads(dir); got != want {
			t.Errorf("%s: got %t, want %t", dir, got, want)
		}
	}
}

func TestRecogniseManaged(t *testing.T) {
	tests := []struct{ name, server, version, providerID, want string }{
		{"EKS by its address", "https://0123.gr7.eu-west-1.eks.amazonaws.com", "", "", "EKS"},
		{"EKS by its version", "https://10.0.0.1", "v1.37.2-eks-3025e55", "aws:///eu-west-1a/i-0123", "EKS"},
		{"GKE by its version", "https://34.1.2.3", "v1.37.2-gke.1000", "gce://p/z/gke-c-default-pool-1", "GKE"},
		{"GKE by its name", "https://gke-0123.europe-west1.gke.goog", "", "", "GKE"},
		{"AKS by its address", "https://c-dns-0123.hcp.westeurope.azmk8s.io:443", "v1.37.2", "", "AKS"},
		{"AKS by its nodes", "https://10.0.0.1", "v1.37.2", "azure:///subscriptions/s/resourceGroups/MC_g_c_westeurope/providers/Microsoft.Compute/virtualMachineScaleSets/aks-p-1-vmss/virtualMachines/0", "AKS"},
		{"kubeadm", "https://10.0.0.1:6443", "v1.37.2", "", ""},
		{"kubeadm on a provider's machines", "https://10.0.0.1:6443", "v1.37.2", "aws:///eu-west-1a/i-0123", ""},
		{"k3s", "https://10.0.0.1:6443", "v1.37.2+k3s1", "k3s://n", ""},
		{"an address that only looks like it", "https://eks.amazonaws.com.evil.example", "", "", ""},
		{"nothing is known", "", "", "", ""},
		{"no URL", "https://[", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := catalog.RecogniseManaged(tt.server, tt.version, tt.providerID)
			if got.Name != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q, %t, want %q", got.Name, ok, tt.want)
			}
		})
	}
}
