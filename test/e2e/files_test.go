//go:build e2e

package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// kubeadmRows are what kubeadm's table tells of on a first control-plane node:
// its name there, the file, and our name.
var kubeadmRows = []struct{ theirs, file, ours string }{
	{"admin.conf", "/etc/kubernetes/admin.conf", "admin"},
	{"apiserver", "/etc/kubernetes/pki/apiserver.crt", "apiserver"},
	{"apiserver-etcd-client", "/etc/kubernetes/pki/apiserver-etcd-client.crt", "apiserver-etcd-client"},
	{"apiserver-kubelet-client", "/etc/kubernetes/pki/apiserver-kubelet-client.crt", "apiserver-kubelet-client"},
	{"controller-manager.conf", "/etc/kubernetes/controller-manager.conf", "controller-manager"},
	{"etcd-healthcheck-client", "/etc/kubernetes/pki/etcd/healthcheck-client.crt", "etcd-healthcheck-client"},
	{"etcd-peer", "/etc/kubernetes/pki/etcd/peer.crt", "etcd-peer"},
	{"etcd-server", "/etc/kubernetes/pki/etcd/server.crt", "etcd-server"},
	{"front-proxy-client", "/etc/kubernetes/pki/front-proxy-client.crt", "front-proxy-client"},
	{"scheduler.conf", "/etc/kubernetes/scheduler.conf", "scheduler"},
	{"super-admin.conf", "/etc/kubernetes/super-admin.conf", "super-admin"},
	{"ca", "/etc/kubernetes/pki/ca.crt", "ca"},
	{"etcd-ca", "/etc/kubernetes/pki/etcd/ca.crt", "etcd-ca"},
	{"front-proxy-ca", "/etc/kubernetes/pki/front-proxy-ca.crt", "front-proxy-ca"},
}

// kubeadmDates are the dates in kubeadm's table, by its names.
func kubeadmDates(t *testing.T) map[string]time.Time {
	t.Helper()
	type row struct {
		Name           string
		ExpirationDate time.Time
	}
	var table struct{ Certificates, CertificateAuthorities []row }
	text := onControlPlane(t, "kubeadm", "certs", "check-expiration", "-o", "json")
	if err := json.Unmarshal([]byte(text[strings.Index(text, "{"):]), &table); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	dates := map[string]time.Time{}
	for _, r := range slices.Concat(table.Certificates, table.CertificateAuthorities) {
		dates[r.Name] = r.ExpirationDate
	}
	return dates
}

// certificateIn returns the certificate in a file of a node, as PEM: a
// kubeconfig's client, or a PEM file's first.
func certificateIn(t *testing.T, node, file string) string {
	t.Helper()
	data := []byte(onNode(t, node, "cat", file))
	if strings.HasSuffix(file, ".conf") {
		config, err := clientcmd.Load(data)
		if err != nil || len(config.AuthInfos) != 1 {
			t.Fatalf("%s: %d users (%v)", file, len(config.AuthInfos), err)
		}
		for _, user := range config.AuthInfos {
			data = user.ClientCertificateData
		}
	}
	certs, err := pki.ParseCertificates(data)
	if err != nil {
		t.Fatal(err)
	}
	return string(pki.EncodeCertificates(certs[0]))
}

// copyFromNode copies directories of a node, as they lie.
func copyFromNode(t *testing.T, node string, dirs ...string) string {
	t.Helper()
	root := t.TempDir()
	from := exec.CommandContext(t.Context(), "docker", append([]string{"exec", node, "tar", "-C", "/", "-cf", "-"}, dirs...)...)
	to := exec.CommandContext(t.Context(), "tar", "-C", root, "-xf", "-")
	var err error
	if to.Stdin, err = from.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := from.Start(); err != nil {
		t.Fatal(err)
	}
	if out, err := to.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := from.Wait(); err != nil {
		t.Fatal(err)
	}
	return root
}

// A copy of a control-plane node's files agrees with kubeadm and openssl on the
// node, row by row, with no cluster in sight.
func TestFilesAgreeWithKubeadmAndOpenSSL(t *testing.T) {
	root := copyFromNode(t, controlPlane, "etc/kubernetes", "var/lib/kubelet/pki")
	p := newPerson(t, "/nowhere/kubeconfig")
	inv, r := p.inspect(0, "--files", root)
	holdsNoKey(t, r.stdout+r.stderr, nodeSecrets(t, controlPlane))
	dates := kubeadmDates(t)
	if len(dates) != len(kubeadmRows) {
		t.Errorf("kubeadm tells of %d certificates: %v", len(dates), dates)
	}
	for _, row := range kubeadmRows {
		e := entry(t, inv, row.ours)
		if !e.NotAfter.Equal(dates[row.theirs]) {
			t.Errorf("%s expires %s, kubeadm says %s", row.ours, e.NotAfter, dates[row.theirs])
		}
		agreesWithOpenSSL(t, newPerson(t, ""), e, certificateIn(t, controlPlane, row.file))
		if !slices.ContainsFunc(e.Locations, func(l inventory.Location) bool { return l.Where == filepath.Join(root, row.file) }) {
			t.Errorf("%s was seen at %+v", row.ours, e.Locations)
		}
	}
	// What kubeadm leaves out.
	for name, file := range map[string]string{
		"kubelet-client": "/var/lib/kubelet/pki/kubelet-client-current.pem", "kubelet-server": "/var/lib/kubelet/pki/kubelet-server-current.pem",
	} {
		agreesWithOpenSSL(t, newPerson(t, ""), entry(t, inv, name), certificateIn(t, controlPlane, file))
	}
	if want := len(kubeadmRows) + 2; len(inv.Items) != want {
		t.Errorf("%d certificates, want %d", len(inv.Items), want)
	}
	isHealthy(t, inv)
}

// isHealthy reports what is not as it is in a cluster that kubeadm made.
func isHealthy(t *testing.T, inv inventory.Inventory) {
	t.Helper()
	if len(inv.Skipped) > 0 || len(inv.Findings) > 0 {
		t.Errorf("skipped %+v, found %+v", inv.Skipped, inv.Findings)
	}
	for _, e := range inv.Items {
		for _, f := range e.Findings {
			if f.Severity != inventory.Info {
				t.Errorf("%s of %q: %+v", e.Name, e.Node, f)
			}
		}
	}
}

// The poor man's way to a node: the program there, its output here.
func TestFilesThroughAShell(t *testing.T) {
	p := newPerson(t, "/nowhere/kubeconfig")
	conf := onControlPlane(t, "cat", "/etc/kubernetes/scheduler.conf")
	cmd := p.command(t.Context(), "kubectl", "certs", "inspect", "--files", "-", "-o", "json")
	cmd.Stdin = strings.NewReader(conf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var inv inventory.Inventory
	if err := json.Unmarshal(out, &inv); err != nil {
		t.Fatal(err)
	}
	agreesWithOpenSSL(t, p, entry(t, inv, "scheduler"), certificateIn(t, controlPlane, "/etc/kubernetes/scheduler.conf"))
}
