//go:build e2e

package e2e

import (
	"encoding/json"
	"encoding/xml"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// served are the sources whose certificates are there for good.
const served = "--sources=kubeconfig,endpoint,trust,control-plane"

// Every format tells of the same certificates.
func TestInspectFormats(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	inv, _ := p.inspect(0, served)
	var names []string
	for _, e := range inv.Items {
		names = append(names, e.ID())
	}
	if got := strings.Fields(p.must("kubectl", "certs", "inspect", served, "-o", "name")); !slices.Equal(got, names) {
		t.Errorf("-o name: %q, JSON: %q", got, names)
	}
	var fromYAML inventory.Inventory
	if err := yaml.Unmarshal([]byte(p.must("kubectl", "certs", "inspect", served, "-o", "yaml")), &fromYAML); err != nil || len(fromYAML.Items) != len(names) {
		t.Errorf("-o yaml: %v, %d items", err, len(fromYAML.Items))
	}
	table, wide := p.must("kubectl", "certs", "inspect", served), p.must("kubectl", "certs", "inspect", served, "-o", "wide")
	for _, e := range inv.Items {
		line := func(text string) string {
			for _, l := range strings.Split(text, "\n") {
				if strings.HasPrefix(strings.TrimSpace(l), e.Name+" ") && strings.Contains(l, e.Node) && strings.Contains(l, e.Subject.CommonName) {
					return l
				}
			}
			t.Errorf("no line for %s in:\n%s", e.Name, text)
			return ""
		}
		if l := line(table); !strings.Contains(l, e.NotAfter.Format(time.DateOnly)) || !(strings.Contains(l, " "+string(e.Status)+" ") || strings.Contains(l, " unverified ")) {
			t.Errorf("the table says %q", l)
		}
		if l := line(wide); !strings.Contains(l, e.SHA256) || !strings.Contains(l, e.SerialNumber) {
			t.Errorf("-o wide says %q", l)
		}
	}
	if strings.Contains(table, "\x1b") {
		t.Error("colour in a pipe")
	}
	if !strings.Contains(p.must("kubectl", "certs", "inspect", served, "--color", "always"), "\x1b[32mok\x1b[0m") {
		t.Error("no colour with --color always")
	}
}

// rows returns the rows of a table by their first column, without its headers.
func rows(table string) map[string][]string {
	gap := regexp.MustCompile(`  +`)
	found := map[string][]string{}
	for line := range strings.Lines(table) {
		fields := gap.Split(strings.TrimSpace(line), -1)
		if strings.HasPrefix(line, "CERTIFICATE") || len(fields) < 4 {
			continue
		}
		found[fields[0]] = fields
	}
	return found
}

// What both see, -o kubeadm and kubeadm itself say in the same words.
func TestInspectInKubeadmsWords(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	table := p.must("kubectl", "certs", "inspect", served, "-o", "kubeadm")
	// One's own kubeconfig is not the node's, and nobody looked for that.
	if strings.Contains(table, "admin.conf") || strings.Contains(table, "MISSING") {
		t.Errorf("it tells of files that nobody looked for:\n%s", table)
	}
	ours := rows(table)
	theirs := rows(onControlPlane(t, "kubeadm", "certs", "check-expiration"))
	for _, name := range []string{"apiserver", "etcd-server", "etcd-peer", "ca", "front-proxy-ca"} {
		if ours[name] == nil {
			t.Errorf("%s is not there", name)
		}
	}
	for name, row := range ours {
		if !slices.Equal(row, theirs[name]) {
			t.Errorf("%s: got %q, kubeadm says %q", name, row, theirs[name])
		}
	}
}

// Of the files that kubeadm reads, -o kubeadm writes what kubeadm writes, byte
// for byte.
func TestInspectFilesAsKubeadm(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	p.write("pki.tar", onControlPlane(t, "tar", "-C", "/etc/kubernetes", "--exclude=*.key", "-cf", "-", "."))
	p.must("mkdir", "kubernetes")
	p.must("tar", "-C", "kubernetes", "-xf", "pki.tar")
	got := p.must("kubectl", "certs", "inspect", "--files", "kubernetes", "-o", "kubeadm")
	theirs := onControlPlane(t, "kubeadm", "certs", "check-expiration")
	if _, table, _ := strings.Cut(theirs, "\n\n"); got != table {
		t.Errorf("got\n%s\nkubeadm says\n%s", got, table)
	}
}

// Each certificate and each of its places is a series, with the date that JSON
// gives it.
func TestInspectForPrometheus(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	inv, _ := p.inspect(0, served)
	text := p.must("kubectl", "certs", "inspect", served, "-o", "prometheus")
	places := 0
	for _, e := range inv.Items {
		places += len(e.Locations)
	}
	if n := strings.Count(text, "\nx509_cert_not_after{"); n != places {
		t.Errorf("%d series for %d places", n, places)
	}
	apiserver := regexp.MustCompile(`x509_cert_not_after\{cert_name="apiserver",.*subject_CN="kube-apiserver"\} ([0-9]+)\n`).FindStringSubmatch(text)
	if want := entry(t, inv, "apiserver").NotAfter.Unix(); apiserver == nil || apiserver[1] != itoa(want) {
		t.Errorf("got %q, want %d", apiserver, want)
	}
}

func itoa(n int64) string {
	text, _ := json.Marshal(n)
	return string(text)
}

// kubectl's own template languages find what kubectl users look for.
func TestInspectTemplates(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	for format, want := range map[string]string{
		`jsonpath={.items[?(@.name=="apiserver")].subject.commonName}`:                                      "kube-apiserver",
		`go-template={{range .items}}{{if eq .name "front-proxy-ca"}}{{.subject.commonName}}{{end}}{{end}}`: "front-proxy-ca",
		`custom-columns=NAME:.name,CN:.subject.commonName`:                                                  "NAME",
	} {
		if got := p.must("kubectl", "certs", "inspect", served, "-o", format); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q", format, got)
		}
	}
	first, _, _ := strings.Cut(p.must("kubectl", "certs", "inspect", served, "--sort-by", "notAfter", "--no-headers"), "\n")
	if !strings.Contains(first, "364d") && !strings.Contains(first, "d ") {
		t.Errorf("the first to expire is %q", first)
	}
	if last := lastLine(p.must("kubectl", "certs", "inspect", served, "--sort-by", "notAfter", "-o", "name")); last != "ca" && last != "front-proxy-ca" {
		t.Errorf("the last to end is %q", last)
	}
	tree := p.must("kubectl", "certs", "inspect", served, "-o", "tree")
	if !regexp.MustCompile(`(?m)^ca .*\n├── apiserver .*\n(?s:.*)^└── admin `).MatchString(tree) {
		t.Errorf("got\n%s", tree)
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// A pipeline reads what a check wrote.
func TestCheckForPipelines(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	if err := xml.Unmarshal([]byte(p.must("kubectl", "certs", "check", served, "-o", "junit")), &suites); err != nil || suites.Tests < 8 || suites.Failures > 0 {
		t.Errorf("got %+v, %v", suites, err)
	}
	var result struct {
		Kind, Result string
		Checked      int
	}
	if err := json.Unmarshal([]byte(p.must("kubectl", "certs", "check", served, "-o", "json")), &result); err != nil ||
		result.Kind != "CertificateCheck" || result.Result != "ok" || result.Checked < 8 {
		t.Errorf("got %+v, %v", result, err)
	}
	if text := p.must("kubectl", "certs", "check", served, "-o", "short"); strings.Contains(text, "‼") || !strings.HasSuffix(text, "Result: OK\n") {
		t.Errorf("got\n%s", text)
	}
}
