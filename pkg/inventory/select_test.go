package inventory_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

func TestSelect(t *testing.T) {
	at := func(source, where string) []inventory.Location {
		return []inventory.Location{{Source: source, Where: where}}
	}
	inv := &inventory.Inventory{
		Items: []inventory.Entry{
			{Name: "ca", SHA256: "aabbccddeeff", Locations: at("trust", "default/kube-root-ca.crt#ca.crt")},
			{Name: "kubelet-server", Node: "w1", Locations: at("kubelets", "w1:10250")},
			{Name: "kubelet-server", Node: "w2", Locations: at("kubelets", "w2:10250")},
			{Name: "secret/web/shop", Locations: at("secrets", "web/shop#tls.crt")},
			{Name: "csr/x", Locations: at("requests", "csr/x")},
		},
		Requests: []inventory.Request{{Name: "csr-9"}},
		Findings: []inventory.PlaceFinding{{Location: inventory.Location{Source: "kubelets", Where: "w3:10250"}}},
		Skipped:  []inventory.Skip{{Where: "nodes"}},
	}
	tests := []struct {
		names string
		want  string // items, requests and findings
		not   string // unknown
	}{
		{"ca", "ca", ""},
		{"kubelet-server", "kubelet-server/w1 kubelet-server/w2", ""},
		{"kubelet-server/w2", "kubelet-server/w2", ""},
		{"w1", "kubelet-server/w1", ""},
		{"w3", "w3:10250", ""},
		{"secret/web/shop", "secret/web/shop", ""},
		{"web/shop", "secret/web/shop", ""},
		{"csr/x", "csr/x", ""},
		{"csr/csr-9", "csr-9", ""},
		{"AA:BB:CC:DD", "ca", ""},
		{"aabbcc", "", "aabbcc"},
		{"default/kube-root-ca.crt", "ca", ""},
		{"apiserver ca apiserver", "ca", "apiserver"},
	}
	for _, tt := range tests {
		t.Run(tt.names, func(t *testing.T) {
			selected, unknown := inv.Select(strings.Fields(tt.names))
			var got []string
			for _, e := range selected.Items {
				got = append(got, e.ID())
			}
			for _, r := range selected.Requests {
				got = append(got, r.Name)
			}
			for _, f := range selected.Findings {
				got = append(got, f.Where)
			}
			if !slices.Equal(got, strings.Fields(tt.want)) || strings.Join(unknown, " ") != tt.not {
				t.Errorf("got %q and not %q, want %q and not %q", got, unknown, tt.want, tt.not)
			}
			if len(selected.Skipped) != 1 || len(inv.Items) != 5 {
				t.Error("what was skipped is gone, or the whole was changed")
			}
		})
	}
}
