//go:build e2e

package e2e

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// write puts a file into the person's home.
func (p *person) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// apply creates an object for as long as the test runs.
func (p *person) apply(name, manifest string) {
	p.t.Helper()
	p.write(name+".yaml", manifest)
	p.must("kubectl", "apply", "-f", name+".yaml")
	p.t.Cleanup(func() { p.run("kubectl", "delete", "--ignore-not-found", "-f", name+".yaml") })
}

// pair returns a self-signed certificate and its key, valid from and to so far
// from now.
func pair(t *testing.T, name string, from, to time.Duration) (certificatePEM, keyPEM []byte) {
	t.Helper()
	key, err := pki.GenerateKey(pki.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if keyPEM, err = pki.EncodeKey(key); err != nil {
		t.Fatal(err)
	}
	return pki.EncodeCertificates(cert), keyPEM
}

// about returns the codes of what was found about a place.
func about(inv inventory.Inventory, where string) []string {
	var found []string
	for _, f := range inv.Findings {
		if f.Where == where {
			found = append(found, string(f.Code)+" "+string(f.Severity))
		}
	}
	return found
}

// A TLS secret that has run out is found by its code, and its key is nowhere in
// what is said.
func TestInspectAnExpiredSecret(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	certificate, key := pair(t, "shop.example", -48*time.Hour, -24*time.Hour)
	p.write("tls.crt", string(certificate))
	p.write("tls.key", string(key))
	p.must("kubectl", "create", "secret", "tls", "e2e-shop", "--cert", "tls.crt", "--key", "tls.key")
	t.Cleanup(func() { p.run("kubectl", "delete", "secret", "e2e-shop") })

	r := p.certs("inspect", "secret/default/e2e-shop", "-o", "json")
	if r.code != 0 || !strings.Contains(r.stdout, `"code": "expired"`) {
		t.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, format := range []string{"json", "wide"} {
		out := p.certs("inspect", "-o", format, "-v", "9")
		for _, line := range strings.Split(string(key), "\n") {
			if len(line) > 40 && strings.Contains(out.stdout, line) || strings.Contains(out.stdout, base64.StdEncoding.EncodeToString(key)) {
				t.Errorf("-o %s prints the key", format)
			}
		}
	}
}

// Webhooks that cannot be called are found, each by its code.
func TestInspectBrokenWebhooks(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	expired, _ := pair(t, "old-webhook-ca", -48*time.Hour, -24*time.Hour)
	// No object is ever of this kind, so that nobody waits for the webhooks.
	const manifest = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: e2e-NAME}
webhooks:
- name: e2e.example.com
  failurePolicy: Fail
  sideEffects: None
  admissionReviewVersions: [v1]
  rules: [{apiGroups: [e2e.example.com], apiVersions: [v1], operations: [CREATE], resources: [nothings]}]
  clientConfig: {service: {namespace: default, name: nobody}, caBundle: BUNDLE}
`
	const garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	for name, bundle := range map[string]string{"empty": "", "garbage": garbage, "expired": string(expired)} {
		p.apply("e2e-"+name, strings.NewReplacer("NAME", name, "BUNDLE", `"`+base64.StdEncoding.EncodeToString([]byte(bundle))+`"`).Replace(manifest))
	}
	inv, _ := p.inspect(0)
	if got := about(inv, "validatingwebhook/e2e-empty#e2e.example.com"); !slices.Equal(got, []string{"webhook-bundle-empty critical"}) {
		t.Errorf("an empty bundle: %q", got)
	}
	if got := about(inv, "validatingwebhook/e2e-garbage#e2e.example.com"); !slices.Equal(got, []string{"unreadable critical"}) {
		t.Errorf("a bundle of garbage: %q", got)
	}
	if e := entry(t, inv, "validatingwebhook/e2e-expired"); e.Status != inventory.Expired {
		t.Errorf("an expired bundle: %+v", e)
	}
}

// Someone who may only list pods and forward ports sees what the nodes' servers
// present; the rest is said to be skipped, each with what would let it be read.
func TestInspectWithPodsAndPortForward(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	if r := p.certs("issue", "admin", "--name", "e2e-forwarder", "--group", "e2e-forwarders", "--out", "forwarder.kubeconfig"); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	p.must("kubectl", "create", "role", "e2e-forwarder", "-n", "kube-system", "--verb", "get,list", "--resource", "pods")
	t.Cleanup(func() {
		p.must("kubectl", "delete", "role,rolebinding", "-n", "kube-system", "e2e-forwarder", "e2e-forwarding")
	})
	p.must("kubectl", "create", "rolebinding", "e2e-forwarder", "-n", "kube-system", "--role", "e2e-forwarder", "--group", "e2e-forwarders")
	p.must("kubectl", "create", "role", "e2e-forwarding", "-n", "kube-system", "--verb", "create,get", "--resource", "pods/portforward")
	p.must("kubectl", "create", "rolebinding", "e2e-forwarding", "-n", "kube-system", "--role", "e2e-forwarding", "--group", "e2e-forwarders")

	inv, _ := p.using(p.path("forwarder.kubeconfig")).inspect(0, "--reach", "port-forward")
	if got := onEach(inv, "kubelet-server"); len(got) != len(nodeNames) {
		t.Errorf("%d kubelets were seen", len(got))
	}
	for _, name := range []string{"apiserver", "etcd-server", "scheduler-server", "controller-manager-server"} {
		entry(t, inv, name)
	}
	for where, hint := range map[string]string{
		"nodes":                        "list nodes; only nodes with pods of kube-system were checked",
		"secrets in all namespaces":    "list secrets in all namespaces",
		"certificatesigningrequests":   "list certificatesigningrequests",
		"default/kube-root-ca.crt":     "get configmaps/kube-root-ca.crt in namespace default",
		"secrets in namespace default": "list secrets in namespace default",
		"validatingwebhookconfigurations.admissionregistration.k8s.io": "list validatingwebhookconfigurations.admissionregistration.k8s.io",
		"customresourcedefinitions.apiextensions.k8s.io":               "list customresourcedefinitions.apiextensions.k8s.io",
	} {
		if !slices.ContainsFunc(inv.Skipped, func(s inventory.Skip) bool {
			return s.Where == where && s.Reason == "forbidden" && strings.Contains(s.Hint, hint)
		}) {
			t.Errorf("%s is not skipped with the right hint: %+v", where, inv.Skipped)
		}
	}
}
