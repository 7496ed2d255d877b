package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"strings"
)

// KeyFault is why a server cannot load what should be its private key.
type KeyFault string

// The faults of keys.
const (
	KeyEmpty       KeyFault = "empty"
	KeyCutOff      KeyFault = "cut-off"       // or damaged
	KeyUnseen      KeyFault = "unseen"        // in a block that encoding/pem does not see
	KeyCertificate KeyFault = "certificate"   // and no key
	KeyRequest     KeyFault = "request"       // and no key
	KeyPublic      KeyFault = "public-key"    // and no private one
	KeyEncrypted   KeyFault = "encrypted"     // with a passphrase
	KeyDER         KeyFault = "der"           // instead of PEM
	KeyUnsupported KeyFault = "unsupported"   // of an algorithm that Go does not have
	KeyMalformed   KeyFault = "malformed"     // in the right form, with nonsense in it
	KeyNone        KeyFault = "no-key"        // something else altogether
	KeyNotAlone    KeyFault = "not-the-first" // behind one that cannot be loaded
)

// KeyFaults lists every KeyFault.
func KeyFaults() []KeyFault {
	return []KeyFault{KeyEmpty, KeyCutOff, KeyUnseen, KeyCertificate, KeyRequest, KeyPublic, KeyEncrypted, KeyDER,
		KeyUnsupported, KeyMalformed, KeyNone, KeyNotAlone}
}

const privateKeyType = "PRIVATE KEY"

// ReadKey returns the public half of the private key in data that a server
// would load from there (crypto/tls.X509KeyPair: the first PEM block of a private
// key, as PKCS #1, PKCS #8 or SEC 1, whatever it is labelled), or why it could
// not. algorithm names the key's algorithm for KeyUnsupported. Nothing of the
// private half is kept.
func ReadKey(data []byte) (public crypto.PublicKey, fault KeyFault, algorithm string) {
	rest := data
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, keyAbsence(data), ""
		}
		if block.Type != privateKeyType && !strings.HasSuffix(block.Type, " "+privateKeyType) {
			continue
		}
		defer clear(block.Bytes)
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return nil, KeyEncrypted, ""
		}
		if len(block.Bytes) > mostKeyBytes {
			return nil, KeyMalformed, ""
		}
		key := parseAnyKey(block.Bytes)
		if signer, ok := key.(crypto.Signer); ok {
			return signer.Public(), "", ""
		}
		name := keyAlgorithm(block.Bytes)
		switch {
		case name != "":
			return nil, KeyUnsupported, name
		case PublicHalf(rest) != nil:
			return nil, KeyNotAlone, ""
		}
		return nil, KeyMalformed, ""
	}
}

// parseAnyKey tries the forms that crypto/tls tries; nil for none of them.
func parseAnyKey(der []byte) any {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key
	}
	return nil
}

// keyAbsence says what is there instead of a private key.
func keyAbsence(data []byte) KeyFault {
	if len(bytes.TrimSpace(data)) == 0 {
		return KeyEmpty
	}
	found := map[KeyFault]bool{}
	blocks := Blocks(data)
	for _, b := range blocks {
		isKey := strings.HasSuffix(b.Type, privateKeyType)
		switch {
		case b.Fault == BlockDamaged:
			found[KeyCutOff] = true
		case isKey && b.Fault != "":
			found[KeyUnseen] = true
		case strings.HasSuffix(b.Type, "CERTIFICATE"):
			found[KeyCertificate] = true
		case strings.HasSuffix(b.Type, "CERTIFICATE REQUEST"):
			found[KeyRequest] = true
		case strings.HasSuffix(b.Type, "PUBLIC KEY"):
			found[KeyPublic] = true
		}
	}
	for _, fault := range []KeyFault{KeyUnseen, KeyCutOff, KeyCertificate, KeyRequest, KeyPublic} {
		if found[fault] {
			return fault
		}
	}
	if form := FormOf(data); form == FormKey || form == FormEncryptedKey {
		return KeyDER
	}
	start := bytes.TrimSpace(data)
	if len(blocks) == 0 && (strings.HasPrefix(blockBegin+privateKeyType, string(start)) || bytes.HasPrefix(start, []byte(blockBegin))) {
		return KeyCutOff // in its first line
	}
	return KeyNone
}

// algorithms are the names of key algorithms that Go cannot use, by their
// object identifiers.
var algorithms = map[string]string{
	"1.2.840.113549.1.1.10":    "RSA-PSS",
	"1.2.840.113549.1.1.7":     "RSA-OAEP",
	"1.2.840.10040.4.1":        "DSA",
	"1.3.101.110":              "X25519",
	"1.3.101.111":              "X448",
	"1.3.101.113":              "Ed448",
	"1.2.643.2.2.19":           "GOST R 34.10-2001",
	"1.2.643.7.1.1.1.1":        "GOST R 34.10-2012 (256 bits)",
	"1.2.643.7.1.1.1.2":        "GOST R 34.10-2012 (512 bits)",
	"1.2.156.10197.1.301":      "SM2",
	"2.16.840.1.101.3.4.3.17":  "ML-DSA-44",
	"2.16.840.1.101.3.4.3.18":  "ML-DSA-65",
	"2.16.840.1.101.3.4.3.19":  "ML-DSA-87",
	"1.3.132.0.10":             "ECDSA secp256k1",
	"1.3.36.3.3.2.8.1.1.7":     "ECDSA brainpoolP256r1",
	"1.3.36.3.3.2.8.1.1.11":    "ECDSA brainpoolP384r1",
	"1.3.36.3.3.2.8.1.1.13":    "ECDSA brainpoolP512r1",
	"1.2.840.10045.3.1.1":      "ECDSA P-192",
	"1.3.132.0.33":             "ECDSA P-224",
	"1.2.840.10045.3.1.7":      "ECDSA P-256",
	"1.3.132.0.34":             "ECDSA P-384",
	"1.3.132.0.35":             "ECDSA P-521",
	"1.3.101.112":              "Ed25519",
	"1.2.840.113549.1.1.1":     "RSA",
	"1.2.840.10045.2.1":        "ECDSA with custom parameters",
	"2.16.840.1.101.3.4.3.20":  "SLH-DSA",
	"2.16.840.1.101.3.4.3.24":  "SLH-DSA",
	"2.16.840.1.101.3.4.3.28":  "SLH-DSA",
	"1.3.6.1.4.1.2.267.7.4.4":  "Dilithium2",
	"1.3.6.1.4.1.2.267.7.6.5":  "Dilithium3",
	"1.3.6.1.4.1.2.267.12.4.4": "ML-DSA-44 (draft)",
}

// usable are the algorithms of algorithms that Go can use: a key of one that
// does not parse is malformed.
var usable = map[string]bool{"ECDSA P-224": true, "ECDSA P-256": true, "ECDSA P-384": true, "ECDSA P-521": true, "Ed25519": true, "RSA": true}

// keyAlgorithm names the algorithm of a private key in PKCS #8 (RFC 5958) or, of
// an elliptic curve, in SEC 1 (RFC 5915), where Go does not have it; "" where it
// does, or where that cannot be read.
func keyAlgorithm(der []byte) string {
	var key struct {
		Version   int
		Algorithm algorithmIdentifier
	}
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return ""
	}
	rest := outer.Bytes
	var err error
	if rest, err = asn1.Unmarshal(rest, &key.Version); err != nil {
		return ""
	}
	if _, err = asn1.Unmarshal(rest, &key.Algorithm); err == nil {
		return unusableAlgorithm(key.Algorithm)
	}
	var curve struct {
		Private []byte
		Curve   asn1.ObjectIdentifier
	}
	if rest, err = asn1.Unmarshal(rest, &curve.Private); err != nil {
		return ""
	}
	if _, err = asn1.UnmarshalWithParams(rest, &curve.Curve, "explicit,tag:0"); err != nil {
		return ""
	}
	return nameUnlessUsable(curve.Curve)
}

type algorithmIdentifier struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
}

func unusableAlgorithm(a algorithmIdentifier) string {
	if a.Algorithm.String() == "1.2.840.10045.2.1" {
		var curve asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(a.Parameters.FullBytes, &curve); err == nil {
			return nameUnlessUsable(curve)
		}
	}
	return nameUnlessUsable(a.Algorithm)
}

func nameUnlessUsable(oid asn1.ObjectIdentifier) string {
	name, known := algorithms[oid.String()]
	switch {
	case usable[name]:
		return ""
	case !known:
		return oid.String()
	}
	return name
}

// UnusableKey names the algorithm of a certificate's key where Go, and so
// Kubernetes, does not have it: nothing there can use such a certificate, nor
// check what it signed. It returns "" for all others.
func UnusableKey(cert *x509.Certificate) string {
	switch cert.PublicKey.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return ""
	}
	var info struct {
		Algorithm algorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &info); err != nil {
		return "unknown"
	}
	if name := unusableAlgorithm(info.Algorithm); name != "" {
		return name
	}
	return "unknown"
}
