// These tests promise that every kind of key that can be asked for works as a
// TLS client's, and that no other can be asked for.
package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

func TestKeysWorkWithTLS(t *testing.T) {
	want := map[pki.KeyType]string{
		pki.ECDSAP256: "ECDSA 256",
		pki.ECDSAP384: "ECDSA 384",
		pki.Ed25519:   "Ed25519 256",
		pki.RSA3072:   "RSA 3072",
		pki.RSA4096:   "RSA 4096",
	}
	for _, keyType := range pki.KeyTypes() {
		t.Run(string(keyType), func(t *testing.T) {
			t.Parallel()
			if parsed, err := pki.ParseKeyType(string(keyType)); err != nil || parsed != keyType {
				t.Errorf("ParseKeyType: got %q, %v", parsed, err)
			}
			key, err := pki.GenerateKey(keyType)
			if err != nil {
				t.Fatal(err)
			}
			algorithm, bits := pki.DescribeKey(key.Public())
			if got := fmt.Sprint(algorithm, " ", bits); got != want[keyType] {
				t.Errorf("DescribeKey: got %q, want %q", got, want[keyType])
			}
			keyPEM, err := pki.EncodeKey(key)
			if err != nil {
				t.Fatal(err)
			}
			cert := pkitest.NewCA(t, "kubernetes").Sign(t, key.Public(), pki.Subject{CommonName: "alice"})
			if _, err := tls.X509KeyPair(pki.EncodeCertificates(cert), keyPEM); err != nil {
				t.Errorf("TLS does not take the pair: %v", err)
			}
		})
	}
}

func TestParseKeyTypeRefuses(t *testing.T) {
	for _, input := range []string{"", "rsa", "rsa-1024", "rsa-2048", "ECDSA-P256", "ecdsa-p256 "} {
		t.Run(input, func(t *testing.T) {
			_, err := pki.ParseKeyType(input)
			if err == nil {
				t.Fatal("got no error")
			}
			for _, known := range pki.KeyTypes() {
				if !strings.Contains(err.Error(), string(known)) {
					t.Errorf("error %q does not offer %s", err, known)
				}
			}
			if _, err := pki.GenerateKey(pki.KeyType(input)); err == nil {
				t.Error("GenerateKey takes it all the same")
			}
		})
	}
}

func TestSamePublicKey(t *testing.T) {
	alice, bob := pkitest.Key("alice").Public(), pkitest.Key("bob").Public()
	tests := []struct {
		name string
		a, b crypto.PublicKey
		want bool
	}{
		{"the same", alice, pkitest.Key("alice").Public(), true},
		{"another", alice, bob, false},
		{"another algorithm", alice, &rsa.PublicKey{}, false},
		{"a private key is no public key", alice, pkitest.Key("alice"), false},
		{"nothing", nil, nil, false},
		{"something and nothing", alice, nil, false},
		{"what cannot be compared", []byte(alice.(ed25519.PublicKey)), alice, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := pki.SamePublicKey(tt.a, tt.b); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

// The public half is found in whatever form the key has.
func TestPublicHalf(t *testing.T) {
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
	pkcs8, err := pki.EncodeKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	parameters := block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}) // as openssl writes before it
	tests := []struct {
		name  string
		input []byte
		want  crypto.PublicKey
	}{
		{"PKCS #8", pkcs8, ecKey.Public()},
		{"PKCS #1", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), rsaKey.Public()},
		{"SEC 1, with parameters before it", append(parameters, block("EC PRIVATE KEY", sec1)...), ecKey.Public()},
		{"encrypted", block("ENCRYPTED PRIVATE KEY", sec1), nil},
		{"garbage in a block", block("PRIVATE KEY", []byte("garbage")), nil},
		{"garbage, then a key", append(block("RSA PRIVATE KEY", []byte("garbage")), pkcs8...), ecKey.Public()},
		{"no PEM", []byte("garbage"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := pki.PublicHalf(tt.input)
			if (got == nil) != (tt.want == nil) || got != nil && !pki.SamePublicKey(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
