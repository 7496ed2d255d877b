package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
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
// "CN=alice, O=devs".
func (s Subject) String() string {
	text := "CN=" + s.CommonName
	for _, o := range s.Organizations {
		text += ", O=" + o
	}
	return text
}

// RequestedSubject returns the Subject that a request asks for.
func RequestedSubject(request *x509.CertificateRequest) Subject {
	return Subject{request.Subject.CommonName, request.Subject.Organization}
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
	return pem.EncodeToMemory(&pem.Block{Type: requestBlock, Bytes: der}), nil
}

const requestBlock = "CERTIFICATE REQUEST"

// ParseRequest reads the one PKCS #10 certification request of PEM data, which
// may come from anyone, and checks that whoever made it holds its key. Text
// around it is passed over, as openssl writes it. A second PEM block is an
// error: what a person is shown has to be all that there is.
func ParseRequest(data []byte) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(data)
	switch {
	case block == nil && blocksBegun(data) > 0:
		return nil, errors.New("the PEM block is cut off or damaged")
	case block == nil:
		return nil, errors.New("no PEM certificate request in it")
	case block.Type != requestBlock:
		return nil, fmt.Errorf("it is a PEM block of type %q instead of %q", block.Type, requestBlock)
	case blocksBegun(data) > 1:
		return nil, errors.New("there is more than one PEM block in it")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("it is not signed by the key that it is for: %w", err)
	}
	return request, nil
}
