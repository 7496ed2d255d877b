package issue

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// asAsked is a certificate as the built-in signer makes it for alice.
func asAsked(options ...pkitest.Option) []pkitest.Option {
	return append([]pkitest.Option{pkitest.ValidFor(time.Hour)}, options...)
}

func extension(oid asn1.ObjectIdentifier, critical bool, value []byte) pkitest.Option {
	return func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oid, Critical: critical, Value: value})
	}
}

// signs lets the control plane sign everything with options.
func signs(t *testing.T, options ...pkitest.Option) *controlPlane {
	c := newControlPlane(t)
	c.onApproval = func(r *certificatesv1.CertificateSigningRequest) { c.sign(t, r, options...) }
	return c
}

// Whatever a signer adds to what was asked for is refused, and the request that
// holds it does not stay.
func TestRunRefusesWhatWasNotAskedFor(t *testing.T) {
	edit := func(change func(*x509.Certificate)) pkitest.Option { return change }
	// A directoryName, which Go's parser passes over.
	other, err := asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 8, Bytes: []byte{42, 3, 4}}})
	if err != nil {
		t.Fatal(err)
	}
	oid := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 2}
	tests := []struct {
		name   string
		option pkitest.Option
		want   string
	}{
		{"a CA", edit(func(c *x509.Certificate) { c.IsCA = true }), "it is a certificate authority"},
		{"a CA that may sign", edit(func(c *x509.Certificate) { c.IsCA = true; c.KeyUsage |= x509.KeyUsageCertSign }), "it is a certificate authority"},
		{"certificate signing without CA", edit(func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign }), "cert sign"},
		{"CRL signing", edit(func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign }), "crl sign"},
		{"key encipherment", edit(func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyEncipherment }), "key encipherment"},
		{"other key usages", edit(func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageContentCommitment | x509.KeyUsageKeyAgreement }), "content commitment, key agreement"},
		{"no key usage", edit(func(c *x509.Certificate) { c.KeyUsage = 0 }), "no key usage extension"},
		{"no digital signature", edit(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), "lacks digital signature"},
		{"server auth too", edit(func(c *x509.Certificate) { c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) }), "not requested: server auth"},
		{"server auth alone", edit(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), "it may not be used as a client certificate"},
		{"any usage", edit(func(c *x509.Certificate) { c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageAny) }), "not requested: any"},
		{"any usage alone", edit(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }), "it may not be used as a client certificate"},
		{"a usage that Go has no name for", edit(func(c *x509.Certificate) { c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{oid} }), oid.String()},
		{"no extended usage", edit(func(c *x509.Certificate) { c.ExtKeyUsage = nil }), "it has no extended key usage"},
		{"a DNS name", edit(func(c *x509.Certificate) { c.DNSNames = []string{"kubernetes.default.svc"} }), "DNS:kubernetes.default.svc"},
		{"an address", edit(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 96, 0, 1)} }), "IP:10.96.0.1"},
		{"an e-mail address", edit(func(c *x509.Certificate) { c.EmailAddresses = []string{"root@example.org"} }), "email:root@example.org"},
		{"a URI", edit(func(c *x509.Certificate) { c.URIs = []*url.URL{{Scheme: "spiffe", Host: "x"}} }), "URI:spiffe://x"},
		{"a name of another kind", extension(oidSAN, false, other), "subject alternative names, which were not requested"},
		{"a critical extension", extension(asn1.ObjectIdentifier{1, 2, 3}, true, []byte{5, 0}), "a critical extension that Kubernetes does not know: 1.2.3"},
		{"an attribute more", edit(func(c *x509.Certificate) { c.Subject.OrganizationalUnit = []string{"admins"} }), "its subject has OU=admins, which was not requested"},
		{"a UID", edit(func(c *x509.Certificate) {
			c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57683, 2}, Value: "1"}}
		}), "1.3.6.1.4.1.57683.2"},
		{"a second common name", edit(func(c *x509.Certificate) {
			c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{
				{Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: "devs"}, {Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: "oncall"},
				{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "root"}, {Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "alice"}}
		}), "its subject has CN=root"},
		{"a group less", edit(func(c *x509.Certificate) { c.Subject.Organization = []string{"devs"} }), "instead of CN=alice, O=devs, O=oncall"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := signs(t, asAsked(test.option)...)
			_, _, err := issueTo(t, c, alice(), all())
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "was withdrawn") {
				t.Errorf("error %v, want one that says %q, and that the request was withdrawn", err, test.want)
			}
			if left := c.remaining(t); len(left) > 0 {
				t.Errorf("left behind: %s", left[0].Name)
			}
		})
	}
	issued, _, err := issueTo(t, signs(t, asAsked()...), alice(), all())
	if err != nil || issued.Exceeds != 0 {
		t.Errorf("what was asked for is refused: %v", err)
	}
}

// A request that cannot be withdrawn is named.
func TestRunNamesWhatItCannotWithdraw(t *testing.T) {
	c := signs(t, asAsked(func(c *x509.Certificate) { c.IsCA = true })...)
	c.PrependReactor("delete", requests, func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(csrs.GroupResource(), "", errors.New("no"))
	})
	_, _, err := issueTo(t, c, alice(), all())
	if name := c.remaining(t)[0].Name; err == nil || !strings.Contains(err.Error(), fmt.Sprintf("request %q has the certificate, and could not be withdrawn", name)) {
		t.Errorf("error %v", err)
	}
}

// What lives longer than asked is told, and refused where nobody reads that.
func TestRunMeasuresTheLife(t *testing.T) {
	for _, test := range []struct {
		name    string
		valid   pkitest.Option
		exceeds time.Duration
	}{
		{"as the signer dates it", pkitest.ValidFor(time.Hour), 0},
		{"dated back on top, by a clock that is fast", pkitest.Valid(pkitest.Now, pkitest.Now.Add(65*time.Minute)), 0},
		{"shorter", pkitest.ValidFor(10 * time.Minute), 0},
		{"of old, and ends as asked", pkitest.Valid(pkitest.Now.Add(-100*pkitest.Day), pkitest.Now.Add(time.Hour)), 0},
		{"a second more than is tolerated", pkitest.ValidFor(65*time.Minute + time.Second), 5*time.Minute + time.Second},
		{"ten years", pkitest.ValidFor(3650 * pkitest.Day), 3650*pkitest.Day - time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			issued, _, err := issueTo(t, signs(t, test.valid), alice(), all())
			if err != nil || issued.Exceeds != test.exceeds {
				t.Errorf("exceeds by %v (%v), want %s", issued, err, test.exceeds)
			}
			strict := alice()
			strict.StrictLife = true
			c := signs(t, test.valid)
			_, _, err = issueTo(t, c, strict, all())
			if refused := err != nil; refused != (test.exceeds > 0) || refused && (!strings.Contains(err.Error(), "longer than requested") || hint.Of(err) == "" || len(c.remaining(t)) > 0) {
				t.Errorf("with --yes: %v", err)
			}
		})
	}
}

// Why a certificate does not verify is said of the certificate that is the
// reason.
func TestRunExplainsTheChain(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	stranger := pkitest.NewCA(t, "stranger")
	intermediate := ca.Intermediate(t, "site")
	lapsed := ca.Intermediate(t, "site", pkitest.Left(-time.Minute))
	foreign := stranger.Intermediate(t, "site")
	servers := ca.Intermediate(t, "servers", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	tests := []struct {
		name   string
		signer *pkitest.CA
		sent   []*x509.Certificate
		want   string
		hint   string
	}{
		{"a stranger", stranger, nil, `it is signed by "CN=stranger", which is not a client CA of the cluster ("CN=kubernetes")`, "--client-ca-file"},
		{"a stranger who sends itself", stranger, []*x509.Certificate{stranger.Certificate}, `it is signed by intermediate CA "CN=stranger", which is signed by itself, which is not a client CA`, "--client-ca-file"},
		{"another CA of that name", ca.Impostor(t), nil, `it is signed by "CN=kubernetes", and the cluster's client CA of that name has a different key`, "--cluster-signing-cert-file"},
		{"an intermediate", intermediate, []*x509.Certificate{intermediate.Certificate}, "", ""},
		{"an intermediate that is not sent", intermediate, nil, `it is signed by "CN=site", which is not a client CA of the cluster`, "must include its certificate"},
		{"an expired intermediate", lapsed, []*x509.Certificate{lapsed.Certificate}, `it is signed by intermediate CA "CN=site", which expired on 2026-01-15T11:59:00Z`, "renew this intermediate CA"},
		{"a foreign intermediate", foreign, []*x509.Certificate{foreign.Certificate}, `it is signed by intermediate CA "CN=site", which is signed by "CN=stranger", which is not a client CA`, "--client-ca-file"},
		{"an intermediate for servers", servers, []*x509.Certificate{servers.Certificate}, `it is signed by the cluster's client CA "CN=kubernetes", but is not valid`, "CA certificate"},
		{"too many", ca, slicesOf(ca.Certificate, mostSent+1), "it comes with 11 more certificates", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newControlPlane(t)
			c.onApproval = func(r *certificatesv1.CertificateSigningRequest) {
				(&controlPlane{ca: test.signer}).sign(t, r, asAsked()...)
				r.Status.Certificate = append(r.Status.Certificate, pki.EncodeCertificates(test.sent...)...)
			}
			_, _, err := issueTo(t, c, alice(), all())
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(hint.Of(err), test.hint) {
				t.Errorf("error %v\nhint %s\nwant %s\n     %s", err, hint.Of(err), test.want, test.hint)
			}
		})
	}
}

func slicesOf(cert *x509.Certificate, n int) []*x509.Certificate {
	certs := make([]*x509.Certificate, n)
	for i := range certs {
		certs[i] = cert
	}
	return certs
}

// A CA that has expired, at whatever moment of the leaf's life.
func TestRunWithAnExpiredCA(t *testing.T) {
	c := newControlPlane(t)
	c.ca.Certificate = pkitest.NewCA(t, "kubernetes", pkitest.Left(-time.Minute)).Certificate
	plan, err := Prepare(t.Context(), c, all(), alice())
	if err != nil {
		t.Fatal(err)
	}
	plan.ClientCA = []*x509.Certificate{c.ca.Certificate}
	c.onApproval = func(r *certificatesv1.CertificateSigningRequest) { c.sign(t, r, asAsked()...) }
	_, err = Run(t.Context(), c, plan, now, func(Event, string) {})
	if want := `it is signed by the cluster's client CA "CN=kubernetes", which expired on 2026-01-15T11:59:00Z: the API server does not accept it`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v\nwant  %s", err, want)
	}
	// The same CA, renewed with its key, beside the old one.
	plan.ClientCA = append(plan.ClientCA, pkitest.NewCA(t, "kubernetes").Certificate)
	if _, err = Run(t.Context(), c, plan, now, func(Event, string) {}); err != nil {
		t.Errorf("after the renewal: %v", err)
	}
}

// Text and other blocks that a signer puts around the certificate go no further.
func TestRunKeepsNothingButCertificates(t *testing.T) {
	c := newControlPlane(t)
	c.onApproval = func(r *certificatesv1.CertificateSigningRequest) {
		c.sign(t, r, asAsked()...)
		r.Status.Certificate = append([]byte("users: [] # \x1b[2J\n"), r.Status.Certificate...)
		r.Status.Certificate = append(r.Status.Certificate, "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"...)
	}
	issued, _, err := issueTo(t, c, alice(), all())
	if err != nil {
		t.Fatal(err)
	}
	if want := pki.EncodeCertificates(issued.Certificate); !bytes.Equal(issued.CertificatePEM, want) {
		t.Errorf("kept\n%s", issued.CertificatePEM)
	}
}

// csrFor is somebody's own request, as PEM.
func csrFor(t *testing.T, key crypto.Signer, subject pkix.Name) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{Subject: subject}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// The subject of somebody's own request comes back as a whole; what no signer
// gives is refused before anything is asked of the cluster.
func TestRunComparesTheWholeSubjectOfARequest(t *testing.T) {
	key := pkitest.Key("newcomer")
	unit := pkix.Name{CommonName: "alice", Organization: []string{"devs", "oncall"}, OrganizationalUnit: []string{"ops"}}
	request := alice()
	request.PublicKey = key.Public()
	request.PKCS10 = csrFor(t, key, unit)
	if _, _, err := issueTo(t, signs(t, asAsked(func(c *x509.Certificate) { c.Subject.OrganizationalUnit = unit.OrganizationalUnit })...), request, all()); err != nil {
		t.Error(err)
	}
	if _, _, err := issueTo(t, signs(t, asAsked()...), request, all()); err == nil || !strings.Contains(err.Error(), "its subject lacks OU=ops") {
		t.Errorf("error %v", err)
	}
	mail := pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: "a@b"}
	twice := pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "root"}
	for _, extra := range []pkix.AttributeTypeAndValue{mail, twice} {
		name := pkix.Name{ExtraNames: append([]pkix.AttributeTypeAndValue{extra}, signable(unit)...)}
		request.PKCS10 = csrFor(t, key, name)
		if _, err := Prepare(t.Context(), newControlPlane(t), all(), request); err == nil || !strings.Contains(err.Error(), "which the cluster's signers drop") {
			t.Errorf("%s: error %v", extra.Type, err)
		}
	}
}

// What is sent to a user by hand is held to the same rules, but for the one
// usage that the other side may well have asked for.
func TestCheckClient(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	if err := CheckClient(ca.Issue(t, pkitest.Client("alice", "devs"))); err != nil {
		t.Error(err)
	}
	rsa := func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyEncipherment }
	if err := CheckClient(ca.Issue(t, pkitest.Client("alice", "devs"), rsa)); err != nil {
		t.Error(err)
	}
	for _, cert := range []*x509.Certificate{ca.Certificate, ca.Issue(t, pkitest.Server("alice", "alice.example"))} {
		if CheckClient(cert) == nil {
			t.Errorf("%s passes", cert.Subject)
		}
	}
}
