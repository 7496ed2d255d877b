package pki_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// algorithm is an AlgorithmIdentifier (RFC 5280, section 4.1.1.2).
type algorithm struct {
	OID        asn1.ObjectIdentifier
	Parameters asn1.ObjectIdentifier `asn1:"optional"`
}

// inPKCS8 is a private key of an algorithm that Go may not have.
func inPKCS8(t *testing.T, a algorithm) []byte {
	t.Helper()
	der, err := asn1.Marshal(struct {
		Version   int
		Algorithm algorithm
		Key       []byte
	}{0, a, []byte{4, 1, 7}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// keyFiles are DER of every kind that has to do with keys.
type keyFiles struct {
	certificate *x509.Certificate
	ec          *ecdsa.PrivateKey

	pkcs8, sec1, sec1Unknown, pkcs1, public, request, encrypted, encrypted12 []byte
}

func newKeyFiles(t *testing.T) keyFiles {
	t.Helper()
	must := func(der []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sealed := func(oid ...int) []byte {
		return must(asn1.Marshal(struct {
			Algorithm algorithm
			Data      []byte
		}{algorithm{OID: oid}, []byte{1, 2, 3}}))
	}
	return keyFiles{
		certificate: (&pkitest.CA{Key: ec}).Issue(t, pkitest.Server("own", "own"), pkitest.PublicKey(ec.Public())),
		ec:          ec,
		pkcs8:       must(x509.MarshalPKCS8PrivateKey(ec)),
		sec1:        must(x509.MarshalECPrivateKey(ec)),
		sec1Unknown: must(asn1.Marshal(struct {
			Version int
			Key     []byte
			Curve   asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
		}{1, []byte{1}, asn1.ObjectIdentifier{1, 3, 132, 0, 10}})),
		pkcs1:       x509.MarshalPKCS1PrivateKey(rsaKey),
		public:      must(x509.MarshalPKIXPublicKey(ec.Public())),
		request:     must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, ec)),
		encrypted:   sealed(1, 2, 840, 113549, 1, 5, 13),
		encrypted12: sealed(1, 2, 840, 113549, 1, 12, 1, 3),
	}
}

// What a server would load as its key, or why it could not: crypto/tls is the judge.
func TestReadKey(t *testing.T) {
	k := newKeyFiles(t)
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	key := block("PRIVATE KEY", k.pkcs8)
	cert := block("CERTIFICATE", k.certificate.Raw)
	garbage := block("PRIVATE KEY", []byte("garbage"))
	procType := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte("sealed")}))
	ecOID := asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	of := func(a algorithm) string { return block("PRIVATE KEY", inPKCS8(t, a)) }
	for _, tt := range []struct {
		name, text string
		want       pki.KeyFault
		algorithm  string
	}{
		{"PKCS #8", key, "", ""},
		{"SEC 1", block("EC PRIVATE KEY", k.sec1), "", ""},
		{"PKCS #8 under another label", block("EC PRIVATE KEY", k.pkcs8), "", ""},
		{"SEC 1 under another label", block("PRIVATE KEY", k.sec1), "", ""},
		{"behind parameters", block("EC PARAMETERS", []byte{6, 1}) + key, "", ""},
		{"behind a certificate", cert + key, "", ""},
		{"before a certificate", key + cert, "", ""},
		{"a label that only ends so", block("NOPRIVATE KEY", k.pkcs8), pki.KeyNone, ""},
		{"parameters alone", block("EC PARAMETERS", []byte{6, 1}), pki.KeyNone, ""},
		{"a list of revocations", block("X509 CRL", []byte{0x30, 0}), pki.KeyNone, ""},
		{"empty", "", pki.KeyEmpty, ""},
		{"white space", " \n", pki.KeyEmpty, ""},
		{"text", "hunter2", pki.KeyNone, ""},
		{"truncated", key[:len(key)/2], pki.KeyCutOff, ""},
		{"cut off in its first line", "-----BEGIN PRIV", pki.KeyCutOff, ""},
		{"cut off behind its label", "-----BEGIN EC PRIVATE KEY", pki.KeyCutOff, ""},
		{"a certificate, and a key that is truncated", cert + key[:len(key)/2], pki.KeyCutOff, ""},
		{"indented", " " + key, pki.KeyUnseen, ""},
		{"indented, behind a certificate", cert + " " + key, pki.KeyUnseen, ""},
		{"a certificate", cert, pki.KeyCertificate, ""},
		{"a request", block("CERTIFICATE REQUEST", k.request), pki.KeyRequest, ""},
		{"a public key", block("PUBLIC KEY", k.public), pki.KeyPublic, ""},
		{"a public key and a certificate", block("PUBLIC KEY", k.public) + cert, pki.KeyCertificate, ""},
		{"encrypted", block("ENCRYPTED PRIVATE KEY", k.encrypted), pki.KeyEncrypted, ""},
		{"encrypted by headers", procType, pki.KeyEncrypted, ""},
		{"PKCS #8 as DER", string(k.pkcs8), pki.KeyDER, ""},
		{"encrypted, as DER", string(k.encrypted), pki.KeyDER, ""},
		{"a certificate in DER", string(k.certificate.Raw), pki.KeyNone, ""},
		{"nonsense", garbage, pki.KeyMalformed, ""},
		{"longer than any key", block("PRIVATE KEY", make([]byte, 16<<10+1)), pki.KeyMalformed, ""},
		{"nonsense before a key", garbage + key, pki.KeyNotAlone, ""},
		{"Ed448", of(algorithm{OID: asn1.ObjectIdentifier{1, 3, 101, 113}}), pki.KeyUnsupported, "Ed448"},
		{"Ed448 before a key", of(algorithm{OID: asn1.ObjectIdentifier{1, 3, 101, 113}}) + key, pki.KeyUnsupported, "Ed448"},
		{"an unknown algorithm", of(algorithm{OID: asn1.ObjectIdentifier{1, 2, 3, 4}}), pki.KeyUnsupported, "1.2.3.4"},
		{"another curve", of(algorithm{ecOID, asn1.ObjectIdentifier{1, 3, 132, 0, 10}}), pki.KeyUnsupported, "ECDSA secp256k1"},
		{"another curve, in SEC 1", block("EC PRIVATE KEY", k.sec1Unknown), pki.KeyUnsupported, "ECDSA secp256k1"},
		{"a known curve, and nonsense", of(algorithm{ecOID, asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}}), pki.KeyMalformed, ""},
		{"no curve", of(algorithm{OID: ecOID}), pki.KeyUnsupported, "ECDSA with custom parameters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			public, fault, name := pki.ReadKey([]byte(tt.text))
			if fault != tt.want || name != tt.algorithm {
				t.Errorf("%q, %q, want %q, %q", fault, name, tt.want, tt.algorithm)
			}
			if fault == "" && !k.ec.PublicKey.Equal(public) {
				t.Errorf("another key: %v", public)
			}
			_, err := tls.X509KeyPair([]byte(cert), []byte(tt.text))
			if (err == nil) != (fault == "") {
				t.Errorf("%q, and crypto/tls says: %v", fault, err)
			}
		})
	}
}

func TestUnusableKey(t *testing.T) {
	info := func(a algorithm) *x509.Certificate {
		der, err := asn1.Marshal(struct {
			Algorithm algorithm
			Key       asn1.BitString
		}{a, asn1.BitString{Bytes: []byte{1}, BitLength: 8}})
		if err != nil {
			t.Fatal(err)
		}
		return &x509.Certificate{RawSubjectPublicKeyInfo: der}
	}
	k := newKeyFiles(t)
	for _, tt := range []struct {
		name string
		cert *x509.Certificate
		want string
	}{
		{"ECDSA", k.certificate, ""},
		{"Ed25519", pkitest.NewCA(t, "x").Certificate, ""},
		{"RSA", &x509.Certificate{PublicKey: &rsa.PublicKey{N: big.NewInt(1)}}, ""},
		{"Ed448", info(algorithm{OID: asn1.ObjectIdentifier{1, 3, 101, 113}}), "Ed448"},
		{"RSA that Go did not read", info(algorithm{OID: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}}), "unknown"},
		{"nothing to be read", &x509.Certificate{}, "unknown"},
	} {
		if got := pki.UnusableKey(tt.cert); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Binary data is told apart by its structure.
func TestFormOf(t *testing.T) {
	k := newKeyFiles(t)
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: pkitest.Now, NextUpdate: pkitest.Now.Add(pkitest.Day)},
		pkitest.NewCA(t, "x", func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign }).Certificate, pkitest.Key("x"))
	if err != nil {
		t.Fatal(err)
	}
	sequence := func(value any) []byte {
		der, err := asn1.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	type typed struct{ Type asn1.ObjectIdentifier }
	type keystore struct {
		Version int
		Safe    typed
	}
	type pbe struct{ Algorithm typed }
	data, signed := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	for _, tt := range []struct {
		name string
		data []byte
		want pki.Form
	}{
		{"nothing", nil, pki.FormOther},
		{"text", []byte("hello"), pki.FormOther},
		{"a sequence of nothing", []byte{0x30, 0}, pki.FormOther},
		{"truncated", k.certificate.Raw[:20], pki.FormOther},
		{"a certificate", k.certificate.Raw, pki.FormCertificate},
		{"two", slices.Concat(k.certificate.Raw, k.certificate.Raw), pki.FormCertificate},
		{"a request", k.request, pki.FormRequest},
		{"a list of revocations", list, pki.FormRevocations},
		{"PKCS #8", k.pkcs8, pki.FormKey},
		{"PKCS #1", k.pkcs1, pki.FormKey},
		{"SEC 1", k.sec1, pki.FormKey},
		{"SEC 1 of another curve", k.sec1Unknown, pki.FormKey},
		{"a key that Go does not have", inPKCS8(t, algorithm{OID: asn1.ObjectIdentifier{1, 3, 101, 113}}), pki.FormKey},
		{"a public key", k.public, pki.FormPublicKey},
		{"an encrypted key, PBES2", k.encrypted, pki.FormEncryptedKey},
		{"an encrypted key, PKCS #12", k.encrypted12, pki.FormEncryptedKey},
		{"encrypted by something else", sequence(pbe{typed{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 2, 1}}}), pki.FormOther},
		{"PKCS #7", sequence(typed{signed}), pki.FormPKCS7},
		{"PKCS #7 of data alone", sequence(typed{data}), pki.FormOther},
		{"PKCS #12", sequence(keystore{3, typed{data}}), pki.FormPKCS12},
		{"PKCS #12 that is signed", sequence(keystore{3, typed{signed}}), pki.FormPKCS12},
		{"of another version", sequence(keystore{4, typed{asn1.ObjectIdentifier{1, 2}}}), pki.FormKey},
		{"JKS", []byte{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2}, pki.FormJKS},
		{"JCEKS", []byte{0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2}, pki.FormJKS},
	} {
		if got := pki.FormOf(tt.data); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if !slices.Contains(pki.Forms(), pki.FormPKCS7) || slices.Contains(pki.Forms(), pki.FormOther) {
		t.Errorf("forms: %q", pki.Forms())
	}
}
