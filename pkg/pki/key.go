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
	"errors"
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
		if key, err := parsePrivateKey(block); err == nil && key != nil {
			return key.Public()
		}
		data = rest
	}
}

// mostKeyBytes is more than a private key of mostRSABits takes: a longer one
// would take for ever to look at.
const mostKeyBytes = 16 << 10

var errUnreadableKey = errors.New("the private key cannot be read")

// parsePrivateKey reads a key, and overwrites the bytes that it was in. Its
// errors do not have the parser's words, which could quote what is in it. It
// returns nil and no error for a block that is no key in the open.
func parsePrivateKey(block *pem.Block) (crypto.Signer, error) {
	var parse func([]byte) (any, error)
	switch block.Type {
	case "PRIVATE KEY":
		parse = x509.ParsePKCS8PrivateKey
	case "RSA PRIVATE KEY":
		parse = func(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) }
	case "EC PRIVATE KEY":
		parse = func(der []byte) (any, error) { return x509.ParseECPrivateKey(der) }
	default: // such as the parameters that openssl puts before an EC key
		return nil, nil
	}
	defer clear(block.Bytes)
	if len(block.Bytes) > mostKeyBytes {
		return nil, errUnreadableKey
	}
	key, err := parse(block.Bytes)
	if err != nil {
		return nil, errUnreadableKey
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the private key cannot sign")
	}
	return signer, nil
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
