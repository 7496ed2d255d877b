package kubeconfig

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// describeData says which certificates base64 holds.
func describeData(text string) string {
	data, err := decode(text)
	if err != nil {
		return fmt.Sprintf("<%d characters, not base64>", len(text))
	}
	certs, _ := pki.ParseCertificates(data)
	if len(certs) == 0 {
		return fmt.Sprintf("<%d bytes, not a certificate>", len(data))
	}
	more := ""
	if len(certs) > 1 {
		more = fmt.Sprintf(" and %d more", len(certs)-1)
	}
	return fmt.Sprintf("<certificate %s, until %s, sha256 %s%s>", pki.SubjectOf(certs[0]),
		certs[0].NotAfter.UTC().Format("2006-01-02"), fingerprint(certs[0].Raw), more)
}

// describeKeyData says which public key a private one belongs to: that gives
// nothing away.
func describeKeyData(text string) string {
	data, err := decode(text)
	if err != nil {
		return fmt.Sprintf("<%d characters, not base64>", len(text))
	}
	key, err := pki.ParseKey(data)
	if err != nil {
		if block, _ := pem.Decode(data); block != nil {
			return fmt.Sprintf("<%s that cannot be read>", strings.ToLower(block.Type))
		}
		return fmt.Sprintf("<%d bytes, not a private key>", len(data))
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "<private key>"
	}
	return fmt.Sprintf("<private key of public key %s>", fingerprint(public))
}

func fingerprint(data []byte) string {
	hash := sha256.Sum256(data)
	return fmt.Sprintf("%x", hash[:6])
}

func fingerprintOf(cert *x509.Certificate) [sha256.Size]byte { return sha256.Sum256(cert.Raw) }
