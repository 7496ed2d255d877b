// Package seal puts private keys into forms that only their owner opens: a
// password-protected PKCS #12 store, or a file that is encrypted to an SSH or
// age key.
package seal

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Iterations is how often a password is hashed, so that guessing it is slow:
// what OWASP asks for PBKDF2 with HMAC-SHA-256 (Password Storage Cheat Sheet,
// 2023).
const Iterations = 600_000

// PKCS12 returns a PKCS #12 store (RFC 7292) with a key, its certificate and
// the chain behind it, all PEM, as browsers import it. It is encrypted with
// AES-256 under password (PBES2 and an HMAC, both with Iterations rounds), which
// everything since 2018 can read.
func PKCS12(certificatePEM, keyPEM []byte, password string) ([]byte, error) {
	if password == "" {
		return nil, hint.New("the password of the PKCS #12 file is empty", "set a password: the file contains the private key")
	}
	certs, err := pki.ParseCertificates(certificatePEM)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil, errors.New("there is no private key to put into a PKCS #12 file")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the private key: %w", err)
	}
	data, err := pkcs12.Modern.WithIterations(Iterations).Encode(key, certs[0], certs[1:], password)
	if err != nil {
		return nil, fmt.Errorf("creating a PKCS #12 file: %w", err)
	}
	return data, nil
}
