package scan_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// Whatever somebody stores: it is a row that says so, it takes no time to speak
// of, and the rest is read.
func TestHostileBundles(t *testing.T) {
	ca := pkitest.NewCA(t, "issuer")
	good := pki.EncodeCertificates(ca.Issue(t, pkitest.Server("good", "good.example")))
	many := func(c *x509.Certificate) {
		for i := range 100_000 {
			c.DNSNames = append(c.DNSNames, fmt.Sprintf("n%d.example", i))
		}
	}
	block := func(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}) }
	const at = "web/hostile#tls.crt"
	tests := []struct {
		name         string
		input        []byte
		seen, faults []string
	}{
		{"10 MB of certificates", bytes.Repeat(good, 10<<20/len(good)), []string{"good: " + at}, []string{at + ": has CN=good after its certificate"}},
		{"10 MB of beginnings", bytes.Repeat([]byte("-----BEGIN CERTIFICATE-----\n"), 10<<20/28), nil, []string{at + ": cannot be read: PEM block 1 is truncated or damaged"}},
		{"10 MB of empty blocks", bytes.Repeat([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), 10<<20/54), nil, []string{at + ": cannot be read: PEM block 1"}},
		{"10 MB of zeros", make([]byte, 10<<20), nil, []string{at + ": cannot be read: it contains no PEM certificate"}},
		{"100,000 names", pki.EncodeCertificates(ca.Issue(t, pkitest.Server("good", "good.example"), many)), []string{"good: " + at}, nil},
		{"a negative serial number", block(negativeSerial(t)), nil, []string{at + ": cannot be read: PEM block 1: x509: negative serial number"}},
		{"trailing data in a block", block(append(ca.Certificate.Raw[:len(ca.Certificate.Raw):len(ca.Certificate.Raw)], "tail"...)), nil, []string{at + ": cannot be read: PEM block 1: x509: trailing data"}},
		{"text around a block", bytes.Join([][]byte{[]byte("subject=\x1b[31m\n"), good, []byte("\n# end")}, nil), []string{"good: " + at}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			inv := read(long, scan.Secrets(secretsAPI(t, runtime.ContentTypeProtobuf,
				tlsSecret("web", "hostile", map[string][]byte{"tls.crt": tt.input}),
				tlsSecret("web", "innocent", map[string][]byte{"tls.crt": pki.EncodeCertificates(ca.Issue(t, pkitest.Server("innocent", "i.example")))}),
			), scan.SecretSelection{Fallback: "web"}))
			if took := time.Since(start); took > long/2 {
				t.Errorf("it took %s", took)
			}
			check(t, inv, append(tt.seen, "innocent: web/innocent#tls.crt"), tt.faults)
			for _, f := range inv.Findings {
				if len(f.Message) > 1000 || strings.ContainsAny(f.Message, "\n\x1b") {
					t.Errorf("%d characters are said: %.200q", len(f.Message), f.Message)
				}
			}
		})
	}
}

// negativeSerial returns a certificate that crypto/x509 makes but does not read.
func negativeSerial(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(42), NotBefore: pkitest.Now, NotAfter: pkitest.Now.Add(pkitest.Day)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Replace(der, []byte{2, 1, 42}, []byte{2, 1, 0xd6}, 1) // -42
}
