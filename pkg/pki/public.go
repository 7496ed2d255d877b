package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// PublicHalf returns the public half of the first private key in data, which
// is PEM, or DER in one of the forms that PEM holds. It is nil where there is
// no key that can be read: one that is encrypted, or none at all. Nothing of
// the private half outlives the call, but for what data itself holds.
func PublicHalf(data []byte) crypto.PublicKey {
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		return publicHalf(data)
	}
	for {
		var block *pem.Block
		block, data = pem.Decode(data)
		if block == nil {
			return nil
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		public := publicHalf(block.Bytes)
		clear(block.Bytes)
		if public != nil {
			return public
		}
	}
}

// mostKeyBytes is more than a private key of mostRSABits takes.
const mostKeyBytes = 16 << 10

// publicHalf is PublicHalf of DER: PKCS #8 (RFC 5958), PKCS #1 (RFC 8017) or
// SEC 1 (RFC 5915).
func publicHalf(der []byte) crypto.PublicKey {
	if len(der) > mostKeyBytes {
		return nil
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer.Public()
		}
		return nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key.Public()
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key.Public()
	}
	return nil
}
