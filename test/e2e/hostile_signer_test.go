//go:build e2e

package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// signInstead puts a certificate into a request before it is approved, so that
// the cluster's own signer leaves it alone: as the built-in one would make it,
// but for what change does to it.
func signInstead(t *testing.T, request *certificatesv1.CertificateSigningRequest, ca *x509.Certificate, caKey crypto.Signer, change func(*x509.Certificate)) {
	t.Helper()
	block, _ := pem.Decode(request.Spec.Request)
	asked, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: asked.Subject,
		NotBefore: now.Add(-5 * time.Minute), NotAfter: now.Add(time.Duration(*request.Spec.ExpirationSeconds) * time.Second),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, ca, asked.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	request.Status.Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if _, err := admin(t).CertificatesV1().CertificateSigningRequests().UpdateStatus(t.Context(), request, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	newPerson(t, adminKubeconfig(t)).must("kubectl", "certificate", "approve", request.Name)
}

// strangersSigner is a CA that the cluster does not know.
func strangersSigner(t *testing.T) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "e2e stranger"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// readsClientCA lets the requester read the client CA too.
func readsClientCA(t *testing.T) {
	t.Helper()
	p := newPerson(t, adminKubeconfig(t))
	p.must("kubectl", "create", "rolebinding", "-n", "kube-system", "e2e-reads-client-ca", "--role", "extension-apiserver-authentication-reader", "--group", "requesters")
	t.Cleanup(func() { p.must("kubectl", "delete", "rolebinding", "-n", "kube-system", "e2e-reads-client-ca") })
}

// What a hostile signer sends is refused in one true sentence, by a caller who
// may read the client CA and by one who may not; no file is left, and the request
// with the certificate is gone.
func TestHostileSigner(t *testing.T) {
	caKey, ca := clusterCA(t)
	stranger, strangersKey := strangersSigner(t)
	tests := []struct {
		name   string
		change func(*x509.Certificate)
		ca     *x509.Certificate
		key    crypto.Signer
		want   string
		hint   string
	}{
		{"everything at once", func(c *x509.Certificate) {
			c.IsCA, c.KeyUsage = true, c.KeyUsage|x509.KeyUsageCertSign
			c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
			c.DNSNames, c.NotAfter = []string{"kubernetes.default.svc"}, time.Now().AddDate(10, 0, 0)
		}, ca, caKey, "it is a certificate authority (CA:TRUE)", ""},
		{"a server's name", func(c *x509.Certificate) { c.DNSNames = []string{"kubernetes.default.svc"} }, ca, caKey, "DNS:kubernetes.default.svc", ""},
		{"any usage", func(c *x509.Certificate) { c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageAny) }, ca, caKey, "not requested: any", ""},
		{"a group more", func(c *x509.Certificate) { c.Subject.Organization = append(c.Subject.Organization, "system:masters") }, ca, caKey, "O=system:masters instead of", ""},
		{"another CA", func(*x509.Certificate) {}, stranger, strangersKey, `it is signed by "CN=e2e stranger"`, "--client-ca-file"},
	}
	asker := requester(t)
	for _, reads := range []bool{false, true} {
		if reads {
			readsClientCA(t)
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				p := newPerson(t, asker)
				r := p.start("issue", "hostile", "--person", "--group", "devs", "--expires-in", "1h")
				request := requestFor(t, "certs-hostile-")
				r.says("kubectl certs approve " + request.Name)
				signInstead(t, request, tt.ca, tt.key, tt.change)
				got := r.end()
				if got.code != 1 || !strings.Contains(got.stderr, tt.want) || !strings.Contains(got.stderr, "was withdrawn") || !strings.Contains(got.stderr, tt.hint) {
					t.Errorf("exit %d\n%s\nwant %s", got.code, got.stderr, tt.want)
				}
				for _, untrue := range []string{"intercepted", "does not accept the client certificate of context", "cannot reach"} {
					if strings.Contains(got.stderr, untrue) {
						t.Errorf("it blames the API server or the caller:\n%s", got.stderr)
					}
				}
				if files := p.files(); len(files) > 0 {
					t.Errorf("left behind: %q", files)
				}
				if left := ours(t, "certs-hostile-"); len(left) > 0 {
					t.Errorf("left in the cluster: %q", left)
				}
			})
		}
	}
}

// One that lives longer than asked is told of, and with --yes refused.
func TestSignerThatGivesMoreTime(t *testing.T) {
	caKey, ca := clusterCA(t)
	year := func(c *x509.Certificate) { c.NotAfter = time.Now().AddDate(1, 0, 0) }
	asker := requester(t)
	readsClientCA(t)
	for _, tt := range []struct {
		args    []string
		refused bool
	}{{nil, false}, {[]string{"--yes"}, true}} {
		p := newPerson(t, asker)
		r := p.start(append([]string{"issue", "longer", "--person", "--expires-in", "1h"}, tt.args...)...)
		request := requestFor(t, "certs-longer-")
		r.says("kubectl certs approve " + request.Name)
		signInstead(t, request, ca, caKey, year)
		got := r.end()
		t.Cleanup(func() {
			newPerson(t, adminKubeconfig(t)).run("kubectl", "delete", "csr", request.Name, "--ignore-not-found")
		})
		if refused := got.code != 0; refused != tt.refused || !strings.Contains(got.stderr, "longer than requested") {
			t.Errorf("%q: exit %d\n%s", tt.args, got.code, got.stderr)
		}
		if tt.refused && len(p.files()) > 0 {
			t.Errorf("left behind: %q", p.files())
		}
		if !tt.refused && len(p.files()) != 1 {
			t.Errorf("wrote %q", p.files())
		}
	}
}
