package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest/golden"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// mallory is the name of someone who would like to rule the terminal of whoever
// looks at the certificate.
const mallory = "mallory\x1b[2J\u009b31m\u202enimda\nca\x7f\u0085\u2028\ufeff\ufffe 李\U000e0041"

// cluster is an inventory with some of everything: a CA, a server that is
// reached by a wrong name and soon expires, an administrator, mallory's
// expired certificate, and what could not be read.
func cluster(t testing.TB) *inventory.Inventory {
	ca := pkitest.NewCA(t, "kubernetes")
	found := inventory.Collector{Now: pkitest.Now}
	for _, place := range []catalog.Place{catalog.KubeconfigCA, catalog.RootCA, catalog.ClientCA} {
		found.See(inventory.Sighting{
			Location: inventory.Location{Source: "trust", Where: string(place)}, Place: place, Certificate: ca.Certificate,
		})
	}
	names := []string{"kubernetes.default.svc"}
	for i := range 11 { // more than a line can take
		names = append(names, fmt.Sprintf("10.96.0.%d", i))
	}
	found.See(inventory.Sighting{
		Location: inventory.Location{Source: "endpoint", Where: "10.0.0.1:6443"}, Place: catalog.APIServerEndpoint,
		Node: "control-plane", Address: "k8s.example\x1b[m",
		Certificate: ca.Issue(t, pkitest.Server("kube-apiserver", names...), pkitest.Left(9*pkitest.Day)),
	})
	found.See(inventory.Sighting{
		Location: inventory.Location{Source: "kubeconfig", Where: "dev#client-certificate"}, Place: catalog.KubeconfigClient,
		Certificate: ca.Issue(t, pkitest.Client("kubernetes-admin", catalog.KubeadmAdmins)),
	})
	found.See(inventory.Sighting{
		Location: inventory.Location{Source: "kubeconfig", Where: "prod\u202e#client-certificate"}, Place: catalog.KubeconfigClient,
		Name:        "kubeconfig/prod\u202e#client-certificate",
		Certificate: pkitest.NewCA(t, "elsewhere\x07").Issue(t, pkitest.Client(mallory, "devs\r"), pkitest.Left(-3*pkitest.Day)),
	})
	found.Skip(inventory.Skip{Source: "endpoint", Where: "10.0.0.2:6443", Reason: "no answer\x1b[0m", Hint: "check that it can be reached"})
	return found.Inventory(inventory.Cluster{Context: "dev\x9b", Server: "https://k8s.example", Version: "v1.37.2"})
}

func TestFormats(t *testing.T) {
	for name, inv := range map[string]*inventory.Inventory{"": cluster(t), "busy.": busy(t)} {
		for _, format := range report.Formats {
			t.Run(name+format.Name, func(t *testing.T) {
				var out bytes.Buffer
				if err := format.Write(&out, inv, report.Options{}); err != nil {
					t.Fatal(err)
				}
				checkHarmless(t, out.String())
				golden.Check(t, name+format.Name+".golden", out.Bytes())
			})
		}
	}
}

// One of few is shown in full.
func TestDetail(t *testing.T) {
	inv := busy(t)
	inv.Items = slices.DeleteFunc(inv.Items, func(e inventory.Entry) bool { return e.Node != "worker-1" && e.Name != "admin" })
	inv.Skipped = nil
	for name, o := range map[string]report.Options{"detail": {}, "detail.narrow": {Width: 60}} {
		var out bytes.Buffer
		if err := report.Detail(&out, inv, o); err != nil {
			t.Fatal(err)
		}
		checkHarmless(t, out.String())
		golden.Check(t, name+".golden", out.Bytes())
	}
}

// Colour is added to what a person reads, and changes nothing else.
func TestColors(t *testing.T) {
	inv := cluster(t)
	sgr := regexp.MustCompile("\x1b\\[[0-9]+m")
	forPeople := []string{"table", "wide", "tree"}
	for _, format := range report.Formats {
		t.Run(format.Name, func(t *testing.T) {
			var plain, coloured bytes.Buffer
			if err := errors.Join(format.Write(&plain, inv, report.Options{}), format.Write(&coloured, inv, report.Options{Colors: true})); err != nil {
				t.Fatal(err)
			}
			if got, want := sgr.Match(coloured.Bytes()), slices.Contains(forPeople, format.Name); got != want {
				t.Errorf("coloured: got %t, want %t", got, want)
			}
			if got := sgr.ReplaceAll(coloured.Bytes(), nil); !bytes.Equal(got, plain.Bytes()) {
				t.Errorf("without its colours, it is another text:\n%s", got)
			}
			if format.Name == "table" {
				golden.Check(t, "table.color.golden", coloured.Bytes())
			}
		})
	}
}

// checkHarmless reports what in text a terminal would obey.
func checkHarmless(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		switch {
		case r == '\n':
		case hostile(r):
			t.Errorf("%U is printed", r)
		}
	}
}

// JSON and YAML lose nothing, and say the same.
func TestJSONAndYAMLAreLossless(t *testing.T) {
	inv := cluster(t)
	var jsonText, yamlText bytes.Buffer
	if err := report.JSON(&jsonText, inv, report.Options{Colors: true}); err != nil {
		t.Fatal(err)
	}
	if err := report.YAML(&yamlText, inv, report.Options{Colors: true}); err != nil {
		t.Fatal(err)
	}
	// No UTF-8 is no JSON; encoding/json makes U+FFFD of it.
	inv.Cluster.Context = strings.ToValidUTF8(inv.Cluster.Context, "\ufffd")
	for format, decode := range map[string]func(*inventory.Inventory) error{
		"JSON": func(into *inventory.Inventory) error { return json.Unmarshal(jsonText.Bytes(), into) },
		"YAML": func(into *inventory.Inventory) error { return yaml.Unmarshal(yamlText.Bytes(), into) },
	} {
		var got inventory.Inventory
		if err := decode(&got); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if !reflect.DeepEqual(&got, inv) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", format, &got, inv)
		}
	}
}

// What is not there takes no room: no empty sections, no empty columns.
func TestTableOfLittle(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	trusted := inventory.Sighting{
		Location: inventory.Location{Source: "trust", Where: "default/kube-root-ca.crt#ca.crt"}, Place: catalog.RootCA, Certificate: ca.Certificate,
	}
	tests := []struct {
		name    string
		items   []inventory.Sighting
		skipped []inventory.Skip
	}{
		{"nothing", nil, nil},
		{"only-skipped", nil, []inventory.Skip{{Source: "trust", Where: "default/kube-root-ca.crt", Reason: "forbidden", Hint: "ask for permission"}}},
		{"only-sound", []inventory.Sighting{trusted}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := inventory.Collector{Now: pkitest.Now}
			for _, s := range tt.items {
				found.See(s)
			}
			for _, s := range tt.skipped {
				found.Skip(s)
			}
			var out bytes.Buffer
			if err := report.Table(&out, found.Inventory(inventory.Cluster{}), report.Options{}); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "table-of-"+tt.name+".golden", out.Bytes())
		})
	}
}

// closedPipe takes some bytes, and then no more.
type closedPipe struct{ room int }

func (p *closedPipe) Write(data []byte) (int, error) {
	n := min(p.room, len(data))
	p.room -= n
	if n < len(data) {
		return n, io.ErrClosedPipe
	}
	return n, nil
}

// Output that did not arrive is an error, wherever it broke off.
func TestClosedPipe(t *testing.T) {
	inv := cluster(t)
	for _, format := range report.Formats {
		t.Run(format.Name, func(t *testing.T) {
			var whole bytes.Buffer
			if err := format.Write(&whole, inv, report.Options{}); err != nil {
				t.Fatal(err)
			}
			const breaks = 20
			for n := range breaks {
				room := n * whole.Len() / breaks
				if err := format.Write(&closedPipe{room}, inv, report.Options{}); !errors.Is(err, io.ErrClosedPipe) {
					t.Fatalf("after %d of %d bytes: got %v", room, whole.Len(), err)
				}
			}
		})
	}
}

func TestLookup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "template")
	if err := os.WriteFile(file, []byte("NAME EXPIRES\n.name .notAfter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		wantErr string // "" for a format
	}{
		{"jsonpath={.items[*].name}", ""},
		{"jsonpath-file=" + file, ""},
		{"go-template={{range .items}}{{.name}}{{end}}", ""},
		{"go-template-file=" + file, ""},
		{"custom-columns=NAME:.name", ""},
		{"custom-columns-file=" + file, ""},
		{"jsonpath", "jsonpath=EXPRESSION"},
		{"go-template=", "go-template=TEMPLATE"},
		{"jsonpath={.items[", "parsing the jsonpath"},
		{"go-template={{", "parsing the go-template"},
		{"custom-columns=NAME", `"NAME" is not HEADER:FIELD`},
		{"custom-columns=NAME:{.a[}", "parsing the custom-columns"},
		{"jsonpath-file=" + file + ".gone", "no such file"},
		{"json=x", "unknown output format"},
		{"", "unknown output format"},
	}
	for _, format := range report.Formats {
		tests = append(tests, struct{ name, wantErr string }{format.Name, ""})
	}
	for _, tt := range tests {
		format, err := report.Lookup(tt.name)
		if tt.wantErr == "" && (err != nil || format == nil) {
			t.Errorf("%s: got %v", tt.name, err)
		}
		if tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
			t.Errorf("%s: got error %v, want %q", tt.name, err, tt.wantErr)
		}
	}
	_, err := report.Lookup("xml")
	if err == nil {
		t.Fatal("there is a format xml")
	}
	for _, name := range report.FormatNames() {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("error %q does not offer %s", err, name)
		}
	}
}

// Many certificates of one kind are one line, but none with which something is
// wrong.
func TestTableFolds(t *testing.T) {
	ca := pkitest.NewCA(t, "issuer")
	for _, tt := range []struct {
		sound int
		want  string
	}{
		{11, "11 of secret/    ok        2026-01-26   11d       (one by one: -o wide)"},
		{10, "secret/web/s09"},
	} {
		found := inventory.Collector{Now: pkitest.Now}
		for i := range tt.sound + 1 {
			left := time.Duration(i) * pkitest.Day * 11
			if i == 0 {
				left = -pkitest.Day
			}
			name := fmt.Sprintf("s%02d", i)
			found.See(inventory.Sighting{
				Location: inventory.Location{Source: "secrets", Where: "web/" + name + "#tls.crt"}, Place: catalog.SecretLeaf, Name: "secret/web/" + name,
				Certificate: ca.Issue(t, pkitest.Server(name, name), pkitest.Valid(pkitest.Now.Add(-40*pkitest.Day), pkitest.Now.Add(left))),
			})
		}
		var out bytes.Buffer
		if err := report.Table(&out, found.Inventory(inventory.Cluster{}), report.Options{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), tt.want) || !strings.Contains(out.String(), "secret/web/s00") {
			t.Errorf("want a line that says %q, and s00, which has expired:\n%s", tt.want, &out)
		}
	}
}
