package inventory_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

func TestSelect(t *testing.T) {
	at := func(source, where string) []inventory.Location {
		return []inventory.Location{{Source: source, Where: where}}
	}
	inv := &inventory.Inventory{
		Items: []inventory.Entry{
			{Name: "ca", SHA256: "aabbccddeeff", Subject: inventory.Subject{CommonName: "kubernetes"}, Locations: at("trust", "default/kube-root-ca.crt#ca.crt")},
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
		{"kubelet", "kubelet-server/w1 kubelet-server/w2 w3:10250", ""},
		{"kubelet-Server", "kubelet-server/w1 kubelet-server/w2", ""},
		{"secret", "secret/web/shop", ""},
		{"secrets", "secret/web/shop", ""},
		{"secret/web", "secret/web/shop", ""},
		{"secrets/web/", "secret/web/shop", ""},
		{"secret/we", "", "secret/we"},
		{"csr", "csr-9", ""},
		{"kubernetes", "ca", ""},
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

func TestFilter(t *testing.T) {
	at := func(source, where string) []inventory.Location {
		return []inventory.Location{{Source: source, Where: where}}
	}
	day := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	inv := &inventory.Inventory{
		Items: []inventory.Entry{
			{Name: "ca", Status: inventory.OK, NotAfter: day.AddDate(9, 0, 0), Locations: at("trust", "dev/kube-root-ca.crt#ca.crt")},
			{Name: "gone", Status: inventory.Expired, NotAfter: day.AddDate(0, 0, -1), Locations: at("secrets", "dev/gone#tls.crt")},
			{Name: "soon", Status: inventory.Expiring, NotAfter: day.AddDate(0, 0, 3), Locations: at("secrets", "dev-2/soon#tls.crt")},
			{Name: "served", Status: inventory.OK, NotAfter: day.AddDate(1, 0, 0), Locations: at("kubelets", "dev/x:10250")},
		},
		Requests: []inventory.Request{{Name: "csr-9"}},
		Findings: []inventory.PlaceFinding{{Location: at("secrets", "dev/bad#tls.crt")[0]}},
	}
	tests := []struct {
		name   string
		filter inventory.Filter
		want   string
	}{
		{"all", inventory.Filter{}, "ca gone soon served csr-9 dev/bad#tls.crt"},
		{"status", inventory.Filter{Statuses: []inventory.Status{inventory.Expired, inventory.Expiring}}, "gone soon"},
		{"date", inventory.Filter{Before: day.AddDate(0, 0, 3)}, "gone"},
		{"namespace", inventory.Filter{Namespace: "dev"}, "ca gone dev/bad#tls.crt"},
		{"objects", inventory.Filter{ObjectsOnly: true}, "gone soon dev/bad#tls.crt"},
		{"both", inventory.Filter{Namespace: "dev-2", Before: day}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			selected := inv.Filter(tt.filter)
			var got []string
			for _, e := range selected.Items {
				got = append(got, e.Name)
			}
			for _, r := range selected.Requests {
				got = append(got, r.Name)
			}
			for _, f := range selected.Findings {
				got = append(got, f.Where)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if len(inv.Items) != 4 || inv.Items[0].Name != "ca" {
				t.Error("the whole was changed")
			}
		})
	}
}
