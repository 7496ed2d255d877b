package scan_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// odd is a certificate that change made odd.
func odd(t *testing.T, change func(*x509.Certificate)) *x509.Certificate {
	return pkitest.NewCA(t, "my CA").Issue(t, pkitest.Server("web", "web.example"), change)
}

// Sizes and texts that nobody expects are a row.
func TestFilesThatAreOdd(t *testing.T) {
	x := newTree(t)
	x.write("names.crt", pki.EncodeCertificates(odd(t, func(c *x509.Certificate) {
		for i := range 100_000 {
			c.DNSNames = append(c.DNSNames, fmt.Sprintf("host-%d.example", i))
		}
	})))
	hostile := "<script>\x1b[31m\u202e=cmd|' /C calc'!A0"
	x.write("hostile.crt", pki.EncodeCertificates(odd(t, func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: hostile} })))
	one := odd(t, func(*x509.Certificate) {})
	negative := bytes.Clone(one.Raw)
	negative[bytes.Index(negative, one.SerialNumber.Bytes())] |= 0x80 // the sign's bit
	x.write("negative.der", negative)
	var bundle []byte
	for i := range 20_000 { // 10 MB
		bundle = append(bundle, pki.EncodeCertificates(one)...)
		if i%1000 == 0 {
			bundle = append(bundle, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"...)
		}
	}
	x.write("bundle.pem", bundle)
	inv := x.inspect()
	byName := map[string]inventory.Entry{}
	for _, e := range inv.Items {
		byName[filepath.Base(e.Locations[0].Where)] = e
	}
	if n := len(byName["names.crt"].DNSNames); n != 100_001 {
		t.Errorf("%d names", n)
	}
	if got := byName["hostile.crt"].Subject.CommonName; got != hostile {
		t.Errorf("the subject is %q", got)
	}
	if _, ok := byName["bundle.pem"]; !ok {
		t.Errorf("the bundle is not there: %q", said(inv))
	}
	said := strings.Join(said(inv), "\n")
	for _, want := range []string{"negative.der: unreadable: cannot be read: x509: negative serial number", "bundle.pem: unreadable: cannot be read: PEM block 2: x509: malformed certificate; PEM block 1003: x509: malformed certificate; PEM block 2004: x509: malformed certificate; and 17 more"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q, but %q", want, said)
		}
	}
}

// A key of millions of bits would keep a signature's check at work for hours.
func TestFilesRefuseKeysOfAbsurdLength(t *testing.T) {
	n := new(big.Int).Lsh(big.NewInt(1), 1<<20)
	n.Add(n, big.NewInt(1))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "huge"}, NotBefore: pkitest.Now, NotAfter: pkitest.Now.Add(pkitest.Day)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &rsa.PublicKey{N: n, E: 65537}, pkitest.Key("huge"))
	if err != nil {
		t.Fatal(err)
	}
	x := newTree(t)
	x.write("huge.der", der)
	x.write("huge.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	for _, line := range said(x.inspect()) {
		if !strings.Contains(line, "RSA key of 1048577 bits") {
			t.Errorf("it says %q", line)
		}
	}
}
