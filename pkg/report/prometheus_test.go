package report_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// sample is a line of the text exposition format: metric, labels, value.
var sample = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"(?:,|\}))*)|) ?(-?[0-9]+)$`)

var label = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"`)

// parseExposition reads the format as its specification has it, and returns
// the labels of each series of metric.
func parseExposition(text, metric string) ([]map[string]string, error) {
	var found []map[string]string
	seen := map[string]bool{}
	typed := map[string]bool{}
	for line := range strings.Lines(text) {
		line, ended := strings.CutSuffix(line, "\n")
		if !ended {
			return nil, fmt.Errorf("the last line does not end")
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			if (kind == "counter") != strings.HasSuffix(name, "_total") || kind != "gauge" && kind != "counter" || typed[name] {
				return nil, fmt.Errorf("type %q", line)
			}
			typed[name] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		parts := sample.FindStringSubmatch(line)
		if parts == nil || !typed[parts[1]] {
			return nil, fmt.Errorf("no sample of a known type: %q", line)
		}
		if series := strings.TrimSuffix(line, parts[3]); seen[series] {
			return nil, fmt.Errorf("twice: %q", series)
		} else {
			seen[series] = true
		}
		if parts[1] != metric {
			continue
		}
		labels := map[string]string{"": parts[3]}
		for _, l := range label.FindAllStringSubmatch(parts[2], -1) {
			value, err := strconv.Unquote(`"` + l[2] + `"`)
			if err != nil {
				return nil, err
			}
			labels[l[1]] = value
		}
		found = append(found, labels)
	}
	return found, nil
}

// The labels are the exporter's, for each kind of place.
func TestPrometheusLabels(t *testing.T) {
	entry := func(source, where string) inventory.Entry {
		return inventory.Entry{
			Name: "n", Node: "node-1", SerialNumber: "ff", Subject: inventory.Subject{CommonName: "cn", Organizations: []string{"o", "p"}},
			Issuer: inventory.Issuer{Subject: inventory.Subject{CommonName: `a,b"c`, Organizations: []string{"o1"}}, OtherAttributes: []pki.Attribute{{Type: "OU", Value: "u"}, {Type: "OU", Value: "v"}, {Type: "L", Value: "l"}, {Type: "ST", Value: "s"}, {Type: "C", Value: "DE"}}}, Locations: []inventory.Location{{Source: source, Where: where}},
			NotBefore: pkitest.Now.Add(-pkitest.Day), NotAfter: pkitest.Now.Add(pkitest.Day), SHA256: "0123456789abcdef",
		}
	}
	common := map[string]string{
		"serial_number": "255", "subject_CN": "cn", "subject_O": "o",
		"issuer_CN": `a,b"c`, "issuer_OU": "u", "issuer_O": "o1", "issuer_L": "l", "issuer_ST": "s", "issuer_C": "DE",
		"cert_name": "n", "cert_node": "node-1",
	}
	tests := []struct {
		source, where string
		want          map[string]string
	}{
		{"secrets", "ns/web#tls.crt", map[string]string{"secret_namespace": "ns", "secret_name": "web", "secret_key": "tls.crt"}},
		{"trust", "default/kube-root-ca.crt#ca.crt", map[string]string{"configmap_namespace": "default", "configmap_name": "kube-root-ca.crt", "configmap_key": "ca.crt"}},
		{"trust", "clustertrustbundle/a:b", map[string]string{"filename": "a:b", "filepath": "clustertrustbundle/a:b"}},
		{"webhooks", "APIService/v1.x", map[string]string{"cabundle_resource_kind": "APIService", "cabundle_resource_name": "v1.x"}},
		{"webhooks", "MutatingWebhookConfiguration/m#hook", map[string]string{"cabundle_resource_kind": "MutatingWebhookConfiguration", "cabundle_resource_name": "m", "cabundle_entry": "hook"}},
		{"kubeconfig", "dev#client-certificate", map[string]string{"embedded_kind": "user", "embedded_key": "dev"}},
		{"kubeconfig", "dev#certificate-authority", map[string]string{"embedded_kind": "cluster", "embedded_key": "dev"}},
		{"files", "/etc/kubernetes/pki/ca.crt", map[string]string{"filename": "ca.crt", "filepath": "/etc/kubernetes/pki/ca.crt"}},
		{"node-files", "node-2:/etc/kubernetes/pki/ca.crt", map[string]string{"cert_node": "node-2", "filename": "ca.crt", "filepath": "/etc/kubernetes/pki/ca.crt"}},
		{"endpoint", "10.0.0.1:6443", map[string]string{"filename": "10.0.0.1:6443", "filepath": "10.0.0.1:6443"}},
	}
	for _, tt := range tests {
		t.Run(tt.source+" "+tt.where, func(t *testing.T) {
			text, err := write(t, "prometheus", &inventory.Inventory{TakenAt: pkitest.Now, Items: []inventory.Entry{entry(tt.source, tt.where)}}, report.Options{})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"cert_source": tt.source}
			for _, labels := range []map[string]string{common, tt.want} {
				for name, value := range labels {
					want[name] = value
				}
			}
			for metric, value := range map[string]string{
				"x509_cert_not_before": "1768392000", "x509_cert_not_after": "1768564800", "x509_cert_expired": "0",
				"x509_cert_expires_in_seconds": "86400", "x509_cert_valid_since_seconds": "86400",
			} {
				series, err := parseExposition(text, metric)
				if err != nil || len(series) != 1 {
					t.Fatalf("%s: got %v, %v", metric, series, err)
				}
				want[""] = value
				if fmt.Sprint(series[0]) != fmt.Sprint(want) { // maps print in order
					t.Errorf("%s: got\n%v\nwant\n%v", metric, series[0], want)
				}
			}
		})
	}
}

// What was not read counts, what cannot be seen does not.
func TestPrometheusReadErrors(t *testing.T) {
	text, err := write(t, "prometheus", busy(t), report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	errors, err := parseExposition(text, "x509_source_errors_total")
	total := 0
	for _, e := range errors {
		n, _ := strconv.Atoi(e[""])
		total += n
	}
	if err != nil || total != 9 {
		t.Errorf("got %v, %v", errors, err)
	}
	// What is damaged stays visible, though it has no dates.
	broken, err := parseExposition(text, "x509_cert_error")
	if err != nil || len(broken) != 1 || broken[0]["secret_name"] != "broken" || broken[0][""] != "1" {
		t.Errorf("got %v, %v", broken, err)
	}
}

// A damaged file of a component counts, and nobody is woken for a backup.
func TestPrometheusOfFiles(t *testing.T) {
	at := func(path string) []inventory.Location { return []inventory.Location{{Source: "files", Where: path}} }
	text, err := write(t, "prometheus", &inventory.Inventory{
		Sources: []string{"files", "secrets"},
		Items:   []inventory.Entry{{Name: "ca", SerialNumber: "01", Locations: at("/pki/ca.crt")}, {Name: "/pki.old/apiserver.crt", SerialNumber: "02", Copy: true, Locations: at("/pki.old/apiserver.crt")}},
		Findings: []inventory.PlaceFinding{
			{Location: at("/pki/apiserver.crt")[0], Finding: inventory.Finding{Code: inventory.CodeUnreadable, Severity: inventory.Critical}},
			{Location: at("/pki/apiserver.crt")[0], Finding: inventory.Finding{Code: inventory.CodeKeyUnusable, Severity: inventory.Critical}},
			{Location: at("/admin.conf")[0], Finding: inventory.Finding{Code: inventory.CodeInsecureSkip, Severity: inventory.Warning}},
		},
	}, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if errors, err := parseExposition(text, "x509_source_errors_total"); err != nil || len(errors) != 2 || errors[0]["source_name"] != "files" || errors[0][""] != "1" || errors[1][""] != "0" {
		t.Errorf("got %v, %v", errors, err)
	}
	if up, err := parseExposition(text, "x509_source_up"); err != nil || len(up) != 2 || up[0][""] != "1" || up[1][""] != "1" {
		t.Errorf("got %v, %v", up, err)
	}
	if broken, err := parseExposition(text, "x509_cert_error"); err != nil || len(broken) != 1 || broken[0]["filepath"] != "/pki/apiserver.crt" {
		t.Errorf("got %v, %v", broken, err)
	}
	if dates, err := parseExposition(text, "x509_cert_not_after"); err != nil || len(dates) != 1 || dates[0]["filepath"] != "/pki/ca.crt" {
		t.Errorf("got %v, %v", dates, err)
	}
}
