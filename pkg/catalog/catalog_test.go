// These tests promise that the catalog is consistent in itself, whatever row
// is added to it, and that it recognises what Kubernetes runs on.
package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// invariants hold for every row.
var invariants = []struct {
	promise string
	broken  func(catalog.Entry) string // how the row breaks it, or ""
}{
	{"a row says what the certificate is for", func(e catalog.Entry) string {
		if e.Name == "" || e.Use == "" {
			return fmt.Sprintf("name %q, use %q", e.Name, e.Use)
		}
		return ""
	}},
	{"Lookup finds the row by its name", func(e catalog.Entry) string {
		if found, ok := catalog.Lookup(e.Name); !ok || found.Use != e.Use {
			return fmt.Sprintf("got %t and row %q", ok, found.Use)
		}
		return ""
	}},
	{"what signs it is a CA with a row, or it is self-signed", func(e catalog.Entry) string {
		signer, ok := catalog.Lookup(e.SignedBy)
		if !ok || (signer.Role != catalog.CA && signer.Name != e.Name) {
			return fmt.Sprintf("signed by %q", e.SignedBy)
		}
		return ""
	}},
	{"a CA is a root", func(e catalog.Entry) string {
		if e.Role == catalog.CA && e.SignedBy != e.Name {
			return fmt.Sprintf("signed by %q", e.SignedBy)
		}
		return ""
	}},
	{"a client that can be seen can be verified", func(e catalog.Entry) string {
		if e.Role == catalog.Client && len(e.SeenAt) > 0 && len(e.VerifiedBy) == 0 {
			return fmt.Sprintf("seen at %q", e.SeenAt)
		}
		return ""
	}},
	{"what is seen at a node's port is said to be presented there", func(e catalog.Entry) string {
		for _, place := range e.SeenAt {
			if port, ok := catalog.Port(place); ok && !strings.Contains(e.Use, fmt.Sprintf("port %d", port)) {
				return fmt.Sprintf("seen at port %d: %s", port, e.Use)
			}
		}
		return ""
	}},
	{"it is verified where the CA that signs it can be seen", func(e catalog.Entry) string {
		signer, _ := catalog.Lookup(e.SignedBy)
		for _, place := range e.VerifiedBy {
			if !slices.Contains(signer.SeenAt, place) {
				return fmt.Sprintf("%q is no place of %s", place, signer.Name)
			}
		}
		return ""
	}},
	{"a row that needs a subject to be told apart has one", func(e catalog.Entry) string {
		if e.Role == catalog.Client && e.Subject == nil {
			return "a client without a subject"
		}
		return ""
	}},
	{"only client certificates can be issued", func(e catalog.Entry) string {
		if e.Profile != nil && e.Role != catalog.Client {
			return fmt.Sprintf("role %q has a profile", e.Role)
		}
		return ""
	}},
	{"what is issued is recognised in a kubeconfig as the same row", func(e catalog.Entry) string {
		if e.Profile == nil {
			return ""
		}
		subject := pki.Subject{CommonName: e.Profile.UserName("")}
		if e.Profile.CommonNamePrefix != "" {
			subject = pki.Subject{CommonName: e.Profile.CommonNamePrefix + "worker", Organizations: e.Profile.Groups}
		}
		if e.Profile.AdminGroup {
			subject.Organizations = []string{catalog.KubeadmAdmins}
		}
		if subject.CommonName == "" {
			return "it gives nobody a name"
		}
		if got, ok := catalog.Recognise(catalog.KubeconfigClient, subject); !ok || got.Name != e.Name {
			return fmt.Sprintf("%s is recognised as %q", subject, got.Name)
		}
		return ""
	}},
}

func TestInvariants(t *testing.T) {
	for _, invariant := range invariants {
		for _, e := range catalog.All() {
			if fault := invariant.broken(e); fault != "" {
				t.Errorf("%s: not so for %s: %s", invariant.promise, e.Name, fault)
			}
		}
	}
}

func TestAllIsInOrder(t *testing.T) {
	order := []catalog.Role{catalog.CA, catalog.Server, catalog.Client}
	names := map[string]bool{}
	last := 0
	for _, e := range catalog.All() {
		at := slices.Index(order, e.Role)
		if at < last {
			t.Errorf("%s (%q) comes after a row of role %q", e.Name, e.Role, order[last])
		}
		last = at
		if names[e.Name] {
			t.Errorf("two rows are called %s", e.Name)
		}
		names[e.Name] = true
	}
}

func TestAllBelongsToTheCaller(t *testing.T) {
	all := catalog.All()
	all[0] = catalog.Entry{Name: "changed"}
	if _, ok := catalog.Lookup("changed"); ok {
		t.Error("changing the slice changed the catalog")
	}
}

func TestRecognise(t *testing.T) {
	const client = catalog.KubeconfigClient
	of := func(commonName string, organizations ...string) pki.Subject {
		return pki.Subject{CommonName: commonName, Organizations: organizations}
	}
	tests := []struct {
		name  string
		place catalog.Place
		input pki.Subject
		want  string // "" for no row
	}{
		{"kubeadm's administrator", client, of("kubernetes-admin", "kubeadm:cluster-admins"), "admin"},
		{"an administrator of our own", client, of("alice", "kubectl-certs:cluster-admins"), "admin"},
		{"an administrator among others", client, of("alice", "devs", "kubeadm:cluster-admins"), "admin"},
		{"break-glass", client, of("kubernetes-super-admin", "system:masters"), "super-admin"},
		{"kubeadm's administrator before v1.29", client, of("kubernetes-admin", "system:masters"), "super-admin"},
		{"system:masters outweighs", client, of("alice", "kubeadm:cluster-admins", "system:masters"), "super-admin"},
		{"a component in system:masters", client, of("system:kube-scheduler", "system:masters"), "super-admin"},
		{"scheduler", client, of("system:kube-scheduler"), "scheduler"},
		{"controller manager", client, of("system:kube-controller-manager"), "controller-manager"},
		{"kube-proxy", client, of("system:kube-proxy", "system:node-proxier"), "proxy"},
		{"kubelet", client, of("system:node:worker-1", "system:nodes"), "kubelet-client"},
		{"a node's name without the nodes' group", client, of("system:node:worker-1"), ""},
		{"the nodes' group without a node's name", client, of("worker-1", "system:nodes"), ""},
		{"a node without a name", client, of("system:node:", "system:nodes"), ""},
		{"a component's name, and more", client, of("system:kube-scheduler-2"), ""},
		{"an administrator by name only", client, of("kubernetes-admin"), ""},
		{"a group of almost that name", client, of("alice", "kubeadm:cluster-admins-2"), ""},
		{"a person", client, of("alice", "devs"), ""},
		{"nobody", client, of(""), ""},

		{"the API server, whatever it is called", catalog.APIServerEndpoint, of("k3s"), "apiserver"},
		{"a kubelet that signed for itself", catalog.KubeletPort, of("worker-1-ca@1700000000"), "kubelet-server"},
		{"etcd to its clients", catalog.EtcdClientPort, of("control-plane"), "etcd-server"},
		{"the same to its peers", catalog.EtcdPeerPort, of("control-plane"), "etcd-peer"},
		{"a client's name on a server", catalog.APIServerEndpoint, of("system:kube-scheduler"), "apiserver"},
		{"the CA in a kubeconfig", catalog.KubeconfigCA, of("minikubeCA"), "ca"},
		{"the CA of the pods", catalog.RootCA, of("kubernetes"), "ca"},
		{"the CA of clients", catalog.ClientCA, of("k3s-client-ca@1700000000"), "ca"},
		{"the CA of the front proxy", catalog.RequestHeaderCA, of("kubernetes"), "front-proxy-ca"},
		{"a place that is not known", catalog.Place("elsewhere"), of("system:kube-scheduler"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := catalog.Recognise(tt.place, tt.input)
			if got.Name != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q, %t, want %q", got.Name, ok, tt.want)
			}
		})
	}
}

// A certificate that no row knows is held against the same trust as one that
// a row knows, seen at the same place.
func TestAnchorsAgreeWithTheRows(t *testing.T) {
	for _, e := range catalog.All() {
		if e.Role == catalog.CA {
			continue
		}
		for _, place := range e.SeenAt {
			if got := catalog.Anchors(place); !slices.Equal(got, e.VerifiedBy) {
				t.Errorf("%s at %q: got %q, and the row says %q", e.Name, place, got, e.VerifiedBy)
			}
		}
	}
}

func TestUserName(t *testing.T) {
	tests := []struct {
		name    string
		profile catalog.Profile
		chosen  string
		want    string
	}{
		{"chosen", catalog.Profile{DefaultName: "admin"}, "alice", "alice"},
		{"not chosen", catalog.Profile{DefaultName: "admin"}, "", "admin"},
		{"not to be chosen", catalog.Profile{CommonName: "system:kube-proxy"}, "alice", "system:kube-proxy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.profile.UserName(tt.chosen); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
