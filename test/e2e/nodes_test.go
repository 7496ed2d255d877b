//go:build e2e

package e2e

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// nodeNames are the containers that kind runs the nodes in.
var nodeNames = []string{controlPlane, "kubectl-certs-worker", "kubectl-certs-worker2"}

// onNode runs a command on a node and returns its output.
func onNode(t *testing.T, node string, command ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", append([]string{"exec", node}, command...)...).Output()
	if err != nil {
		t.Fatalf("on %s: %s: %v", node, strings.Join(command, " "), err)
	}
	return string(out)
}

// onEach returns the entry called name of each node that presents one.
func onEach(inv inventory.Inventory, name string) map[string]inventory.Entry {
	found := map[string]inventory.Entry{}
	for _, e := range inv.Items {
		if e.Name == name {
			found[e.Node] = e
		}
	}
	return found
}

// However the nodes are reached, what their servers present is what lies in
// the nodes' files.
func TestInspectReadsTheNodesServers(t *testing.T) {
	for _, reach := range []string{"auto", "direct", "port-forward"} {
		t.Run(reach, func(t *testing.T) {
			p := newPerson(t, adminKubeconfig(t))
			inv, _ := p.inspect(0, "--reach", reach)
			kubelets := onEach(inv, "kubelet-server")
			for _, node := range nodeNames {
				e, ok := kubelets[node]
				if !ok {
					t.Errorf("no kubelet of %s", node)
					continue
				}
				if want := "system:node:" + node; e.Subject.CommonName != want || e.SignedBy != "ca" {
					t.Errorf("%s: subject %s, signed by %q", node, e.Subject, e.SignedBy)
				}
				hasFingerprintOf(t, p, e, onNode(t, node, "cat", "/var/lib/kubelet/pki/kubelet-server-current.pem"))
			}
			agreesWithOpenSSL(t, p, onEach(inv, "etcd-server")[controlPlane], onNode(t, controlPlane, "cat", "/etc/kubernetes/pki/etcd/server.crt"))

			// What a way cannot reach is said, and nothing else is.
			unreachable := map[string][]string{"direct": {":10257", ":10259"}, "port-forward": {":2380"}}[reach]
			for _, port := range unreachable {
				if !slices.ContainsFunc(inv.Skipped, func(s inventory.Skip) bool {
					return s.Where == controlPlane+port && s.Reason == "connection refused"
				}) {
					t.Errorf("%s is not skipped: %+v", port, inv.Skipped)
				}
			}
			if len(inv.Skipped) != len(unreachable) {
				t.Errorf("skipped: %+v", inv.Skipped)
			}
			for name, port := range map[string]string{"etcd-peer": ":2380", "scheduler-server": ":10259", "controller-manager-server": ":10257"} {
				if _, seen := onEach(inv, name)[controlPlane]; seen == slices.Contains(unreachable, port) {
					t.Errorf("%s was seen: %t", name, seen)
				}
			}
		})
	}
}

// hasFingerprintOf compares an entry with the certificate in a file that holds
// its key as well.
func hasFingerprintOf(t *testing.T, p *person, e inventory.Entry, pem string) {
	t.Helper()
	begin := strings.Index(pem, "-----BEGIN CERTIFICATE-----")
	end := strings.Index(pem, "-----END CERTIFICATE-----")
	if begin < 0 || end < 0 {
		t.Fatal("it contains no certificate")
	}
	agreesWithOpenSSL(t, p, e, pem[begin:end]+"-----END CERTIFICATE-----\n")
}

// kubeadm, on the node, and inspect, from here, agree on when each certificate
// that both can see expires.
func TestInspectAgreesWithKubeadm(t *testing.T) {
	type row struct {
		Name           string
		ExpirationDate time.Time
	}
	var kubeadm struct{ Certificates, CertificateAuthorities []row }
	text := onNode(t, controlPlane, "kubeadm", "certs", "check-expiration", "-o", "json")
	if err := json.Unmarshal([]byte(text[strings.Index(text, "{"):]), &kubeadm); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	p := newPerson(t, adminKubeconfig(t))
	inv, _ := p.inspect(0)
	names := map[string]string{
		"ca": "ca", "front-proxy-ca": "front-proxy-ca",
		"apiserver": "apiserver", "etcd-server": "etcd-server", "etcd-peer": "etcd-peer", "admin.conf": "admin",
	}
	compared := 0
	for _, theirs := range slices.Concat(kubeadm.Certificates, kubeadm.CertificateAuthorities) {
		name, both := names[theirs.Name]
		if !both {
			continue
		}
		compared++
		if ours := entry(t, inv, name); !ours.NotAfter.Equal(theirs.ExpirationDate) {
			t.Errorf("%s expires %s, kubeadm says %s", name, ours.NotAfter, theirs.ExpirationDate)
		}
	}
	if compared != len(names) {
		t.Errorf("kubeadm tells of %d of %d certificates:\n%s", compared, len(names), text)
	}
}

// A healthy cluster gives no warning; what cannot be verified from here is not
// called sound.
func TestInspectOfAHealthyCluster(t *testing.T) {
	// kubectl's flag bounds the whole scan; a minute is not a millisecond.
	inv, _ := newPerson(t, adminKubeconfig(t)).inspect(0, "--request-timeout", "1m")
	if len(inv.Skipped) > 0 || len(inv.Findings) > 0 {
		t.Errorf("skipped: %+v, found: %+v", inv.Skipped, inv.Findings)
	}
	for _, e := range inv.Items {
		if strings.HasPrefix(e.Name, "csr/") || strings.HasPrefix(e.Name, "issued/") {
			continue // what other tests asked for
		}
		unverified := strings.HasPrefix(e.Name, "etcd-") || e.Name == "scheduler-server" || e.Name == "controller-manager-server"
		var codes []inventory.Code
		for _, f := range e.Findings {
			codes = append(codes, f.Code)
		}
		if e.Status != inventory.OK || slices.Equal(codes, []inventory.Code{inventory.CodeUnverified}) != unverified || len(codes) > 1 {
			t.Errorf("%s of %q: %s %q", e.Name, e.Node, e.Status, codes)
		}
	}
}

// A kubelet whose request for a serving certificate nobody has approved is
// told as such, whichever way it is reached.
func TestInspectAKubeletWithoutACertificate(t *testing.T) {
	const node = "kubectl-certs-worker2"
	t.Cleanup(func() {
		if out, err := exec.Command("kubelet-serving-approver").CombinedOutput(); err != nil {
			t.Errorf("approving the kubelet's request again: %v\n%s", err, out)
		}
	})
	onNode(t, node, "sh", "-c", "rm /var/lib/kubelet/pki/kubelet-server-*.pem && systemctl restart kubelet")
	p := newPerson(t, adminKubeconfig(t))
	deadline := time.Now().Add(patience)
	for {
		inv, _ := p.inspect(0)
		asked := slices.ContainsFunc(inv.Requests, func(r inventory.Request) bool {
			return r.Requester == "system:node:"+node && r.Signer == "kubernetes.io/kubelet-serving" && r.State == inventory.Pending
		})
		if slices.Equal(about(inv, node+":10250"), []string{"no-certificate critical"}) && asked {
			if len(onEach(inv, "kubelet-server")) != len(nodeNames)-1 {
				t.Errorf("the other kubelets were not seen: %+v", inv.Items)
			}
			return
		}
		if time.Now().After(deadline) { // the kubelet takes a while to start
			t.Fatalf("found %+v, requests %+v, skipped %+v", inv.Findings, inv.Requests, inv.Skipped)
		}
	}
}
