package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// Keys of every form that people have are read, and what cannot be read is
// never quoted.
func TestParseKey(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	pkcs8, err := pki.EncodeKey(pkitest.Key("alice"))
	if err != nil {
		t.Fatal(err)
	}
	certificate := pki.EncodeCertificates(pkitest.NewCA(t, "kubernetes").Certificate)
	tests := []struct {
		name  string
		input []byte
		want  crypto.PublicKey
		err   string
	}{
		{"PKCS #8", pkcs8, pkitest.Key("alice").Public(), ""},
		{"PKCS #1", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), rsaKey.Public(), ""},
		{"SEC 1", block("EC PRIVATE KEY", sec1), ecKey.Public(), ""},
		{"behind openssl's EC parameters", append(block("EC PARAMETERS", []byte{6, 1}), block("EC PRIVATE KEY", sec1)...), ecKey.Public(), ""},
		{"behind its certificate", append(certificate, pkcs8...), pkitest.Key("alice").Public(), ""},
		{"nothing", nil, nil, "it contains no PEM private key"},
		{"a certificate alone", certificate, nil, "it contains no PEM private key"},
		{"damaged", block("PRIVATE KEY", []byte("hunter2")), nil, "cannot be read"},
		{"encrypted", block("ENCRYPTED PRIVATE KEY", []byte("x")), nil, "it contains no PEM private key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := pki.ParseKey(tt.input)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "hunter") {
					t.Errorf("error %v, want one that says %q", err, tt.err)
				}
				return
			}
			if err != nil || !pki.SamePublicKey(key.Public(), tt.want) {
				t.Errorf("got another key, or %v", err)
			}
		})
	}
}
