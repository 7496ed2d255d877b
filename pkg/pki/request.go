package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
)

// Subject is the part of a distinguished name that Kubernetes reads: the user
// name and its groups
// (staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go).
type Subject struct {
	CommonName    string
	Organizations []string
}

// SubjectOf returns the Subject of a certificate.
func SubjectOf(cert *x509.Certificate) Subject {
	return Subject{cert.Subject.CommonName, cert.Subject.Organization}
}

// Equal reports whether both are the same user in the same groups, in any
// order: X.509 keeps a multi-valued name as a set.
func (s Subject) Equal(other Subject) bool {
	return s.CommonName == other.CommonName &&
		slices.Equal(slices.Sorted(slices.Values(s.Organizations)), slices.Sorted(slices.Values(other.Organizations)))
}

// String renders the subject as kubectl and openssl users write it:
// "CN=alice, O=devs". A value that could be taken for several is quoted.
func (s Subject) String() string {
	one := func(value string) string {
		if strings.Contains(value, ", ") {
			return Quote(value)
		}
		return value
	}
	var text strings.Builder // there can be a hundred thousand groups
	text.WriteString("CN=" + one(s.CommonName))
	for _, o := range s.Organizations {
		text.WriteString(", O=" + one(o))
	}
	return text.String()
}

// NewRequest returns a PKCS #10 certification request (RFC 2986) for subject
// as PEM, signed by key, which proves that the requester holds it.
func NewRequest(key crypto.Signer, subject Subject) ([]byte, error) {
	template := &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: subject.CommonName, Organization: subject.Organizations},
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, fmt.Errorf("creating certificate request for %s: %w", subject, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: requestType, Bytes: der}), nil
}
