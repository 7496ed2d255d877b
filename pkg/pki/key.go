// Package pki makes keys and certificate requests, reads PEM, and checks
// chains. It uses the standard library only and touches no file and no clock.
package pki

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 no key is made with it; old ones are to be recognised
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
)

// KeyType names an algorithm and size for a key pair.
type KeyType string

// The key types that the API server, kubelets and etcd all accept and that
// are strong enough for new keys.
const (
	ECDSAP256 KeyType = "ecdsa-p256"
	ECDSAP384 KeyType = "ecdsa-p384"
	Ed25519   KeyType = "ed25519"
	RSA3072   KeyType = "rsa-3072"
	RSA4096   KeyType = "rsa-4096"
)

// KeyTypes lists every KeyType, the default first.
func KeyTypes() []KeyType {
	return []KeyType{ECDSAP256, ECDSAP384, Ed25519, RSA3072, RSA4096}
}

// ParseKeyType returns the KeyType called name.
func ParseKeyType(name string) (KeyType, error) {
	if t := KeyType(name); slices.Contains(KeyTypes(), t) {
		return t, nil
	}
	names := make([]string, 0, len(KeyTypes()))
	for _, t := range KeyTypes() {
		names = append(names, string(t))
	}
	return "", fmt.Errorf("unknown key type %q: use one of %s", name, strings.Join(names, ", "))
}

// GenerateKey makes a new key pair of type t.
func GenerateKey(t KeyType) (crypto.Signer, error) {
	switch t {
	case ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	}
	return nil, fmt.Errorf("unknown key type %q", t)
}

// EncodeKey returns key as PEM, in PKCS #8 (RFC 5958): the one form that
// holds every KeyType and that openssl, client-go and browsers all read.
func EncodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// SamePublicKey reports whether a and b are the same public key.
func SamePublicKey(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}

// PublicHalf returns the public key of the first private key in PEM data, in
// any form that Kubernetes' components take: PKCS #8, PKCS #1, SEC 1. It
// returns nil where there is none, or none that can be read without a
// passphrase. Nothing of the private half is kept.
func PublicHalf(data []byte) crypto.PublicKey {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil
		}
		if key := parsePrivateKey(block); key != nil {
			return key.Public()
		}
		data = rest
	}
}

// mostKeyBytes is more than a private key of mostRSABits takes: a longer one
// would take for ever to look at.
const mostKeyBytes = 16 << 10

// parsePrivateKey reads a key, and overwrites the bytes that it was in.
func parsePrivateKey(block *pem.Block) crypto.Signer {
	if !strings.HasSuffix(block.Type, "PRIVATE KEY") || len(block.Bytes) > mostKeyBytes {
		return nil
	}
	defer clear(block.Bytes)
	var key any
	switch block.Type {
	case "PRIVATE KEY":
		key, _ = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		if rsaKey, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			key = rsaKey
		}
	case "EC PRIVATE KEY":
		if ecKey, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
			key = ecKey
		}
	}
	signer, _ := key.(crypto.Signer)
	return signer
}

// DescribeKey names the algorithm of a public key, as x509 does, and its size
// in bits; 0 bits for a key whose algorithm is not known.
func DescribeKey(key crypto.PublicKey) (algorithm string, bits int) {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return x509.RSA.String(), k.N.BitLen()
	case *ecdsa.PublicKey:
		return x509.ECDSA.String(), k.Params().BitSize
	case ed25519.PublicKey:
		return x509.Ed25519.String(), 8 * ed25519.PublicKeySize
	case *dsa.PublicKey:
		return x509.DSA.String(), k.P.BitLen()
	}
	return "unknown", 0
}
