package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

func write(t *testing.T, format string, inv *inventory.Inventory, o report.Options) (string, error) {
	t.Helper()
	f, err := report.Lookup(format)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = f(&out, inv, o)
	checkHarmless(t, strings.ReplaceAll(out.String(), "\t", " ")) // a template may have tabs of its own
	return out.String(), err
}

// What a kubectl user types at a List does the same here.
func TestTemplates(t *testing.T) {
	inv := cluster(t)
	tests := []struct {
		format string
		want   string
	}{
		{`jsonpath={.kind}`, "CertificateInventory"},
		{`jsonpath={.items[*].name}`, `ca apiserver admin kubeconfig/prod\u202e#client-certificate`},
		{`jsonpath={range .items[*]}{.name}{"\t"}{.publicKey.bits}{"\n"}{end}`, "ca\t256\napiserver\t256\nadmin\t256\n" + `kubeconfig/prod\u202e#client-certificate` + "\t256\n"},
		{`jsonpath={.items[?(@.purpose=="server")].node}`, "control-plane"},
		{`jsonpath={.items[?(@.publicKey.bits>255)].isCA}`, "true false false false"},
		{`jsonpath={.items[0].subject}`, `{"commonName":"kubernetes","organizations":[]}`},
		{`jsonpath={.items[3].subject.organizations[0]}`, `devs\u000d`},
		{`jsonpath={.nothing}`, ""},
		{`jsonpath={.skipped[*].expected}`, "false"},
		{`go-template={{range .items}}{{.name}} {{end}}`, `ca apiserver admin kubeconfig/prod\u202e#client-certificate `},
		{`go-template={{(index .items 1).publicKey.bits}}{{"\n"}}`, "256\n"},
		{`go-template={{if exists . "cluster" "version"}}{{.cluster.version}}{{end}}{{exists .items 9 "name"}}{{exists .kind "x"}}`, "v1.37.2falsefalse"},
		{`go-template={{.nothing}}`, "<no value>"},
		{`go-template={{base64decode "Gw=="}}`, `\u001b`},
		{
			`custom-columns=NAME:.name,CA:{.isCA},NODE:node,WHERE:.locations[*].source,NOT:.there`,
			"NAME                                       CA      NODE            WHERE               NOT\n" +
				"ca                                         true                    trust,trust,trust   <none>\n" +
				"apiserver                                  false   control-plane   endpoint            <none>\n" +
				"admin                                      false                   kubeconfig          <none>\n" +
				`kubeconfig/prod\u202e#client-certificate   false                   kubeconfig          <none>` + "\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.format, func(t *testing.T) {
			for range 2 { // a format may be used again
				if got, err := write(t, tt.format, inv, report.Options{}); err != nil || got != tt.want {
					t.Errorf("got %q, %v\nwant %q", got, err, tt.want)
				}
			}
		})
	}
}

// A template that cannot be filled in is an error, not half an output.
func TestTemplatesThatFail(t *testing.T) {
	for _, format := range []string{
		`jsonpath={.items[9].name}`,
		`jsonpath={.kind[0].a}`,
		`go-template={{index .items 9}}`,
		`go-template={{base64decode "%"}}`,
		`custom-columns=A:.name[0].a`,
	} {
		if got, err := write(t, format, cluster(t), report.Options{}); err == nil {
			t.Errorf("%s: got %q", format, got)
		}
	}
}

func TestNoHeaders(t *testing.T) {
	inv := cluster(t)
	for _, format := range []string{"table", "wide", "tree", "kubeadm", "custom-columns=NAME:.name"} {
		with, err := write(t, format, inv, report.Options{})
		if err != nil {
			t.Fatal(err)
		}
		without, err := write(t, format, inv, report.Options{NoHeaders: true})
		if err != nil {
			t.Fatal(err)
		}
		header, _, _ := strings.Cut(with, "\n")
		if strings.Contains(without, header) || strings.Contains(without, "SKIPPED") || !strings.Contains(without, "apiserver") {
			t.Errorf("%s: got\n%s", format, without)
		}
	}
}

func TestSortBy(t *testing.T) {
	inv := cluster(t)
	inv.Items[0].PublicKey.Bits = 4096
	const mallorys = `kubeconfig/prod\u202e#client-certificate`
	tests := []struct {
		field   string
		want    []string
		wantErr string
	}{
		{"notAfter", []string{mallorys, "apiserver/control-plane", "ca", "admin"}, ""},
		{".notAfter", []string{mallorys, "apiserver/control-plane", "ca", "admin"}, ""},
		{"{.subject.commonName}", []string{"apiserver/control-plane", "ca", "admin", mallorys}, ""},
		{"publicKey.bits", []string{"apiserver/control-plane", "admin", mallorys, "ca"}, ""},
		{"isCA", []string{"apiserver/control-plane", "admin", mallorys, "ca"}, ""},
		// What has none comes first, as with kubectl.
		{".findings[0].code", []string{"ca", "admin", mallorys, "apiserver/control-plane"}, ""},
		{"expiring", nil, `sorting by "expiring": no certificate has such a field`},
		{".subject", nil, `sorting by ".subject": it is not a single value`},
		{"{.a[}", nil, "parsing --sort-by"},
	}
	for _, tt := range tests {
		t.Run(tt.field, func(t *testing.T) {
			got, err := write(t, "name", inv, report.Options{SortBy: tt.field})
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("got error %v, want %q", err, tt.wantErr)
				}
				return
			}
			if want := strings.Join(tt.want, "\n") + "\n"; err != nil || got != want {
				t.Errorf("got\n%s%v\nwant\n%s", got, err, want)
			}
		})
	}
	if inv.Items[0].Name != "ca" {
		t.Error("the inventory itself was sorted")
	}
	// A table in another order has no groups: it tells the signer.
	table, err := write(t, "table", inv, report.Options{SortBy: "notAfter"})
	if err != nil || !strings.Contains(table, "SIGNED BY") || strings.Contains(table, "  apiserver") {
		t.Errorf("got %v\n%s", err, table)
	}
	if got, err := write(t, "name", &inventory.Inventory{}, report.Options{SortBy: "anything"}); err != nil || got != "" {
		t.Errorf("of nothing: got %q, %v", got, err)
	}
}
