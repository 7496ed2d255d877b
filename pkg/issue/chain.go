package issue

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// checkChain verifies leaf as the API server does
// (staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go): by its
// client CA, through what was sent along, now, for client authentication.
func (p *Plan) checkChain(leaf *x509.Certificate, sent []*x509.Certificate, now time.Time) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range p.ClientCA {
		roots.AddCert(c)
	}
	for _, c := range sent {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err == nil {
		return nil
	}
	return p.explainChain(leaf, sent, now, err)
}

// explainChain says which certificate above leaf is the reason for err.
func (p *Plan) explainChain(leaf *x509.Certificate, sent []*x509.Certificate, now time.Time, err error) error {
	below := leaf
	for range mostSent + 1 {
		if anchor := signerOf(below, p.ClientCA); anchor != nil {
			if outside := validity(anchor, now); outside != "" {
				return hint.New(fmt.Sprintf("it is signed by the cluster's client CA %s, which %s: the API server does not accept it", nameOf(anchor), outside),
					"the cluster needs a new CA, in the API server's --client-ca-file and in the controller manager's --cluster-signing-cert-file")
			}
			return hint.Wrap(fmt.Errorf("it is signed by the cluster's client CA %s, but is not valid: %w", nameOf(anchor), err),
				"check the CA certificate of signer "+p.Signer)
		}
		next := signerOf(below, sent)
		if next == nil || bytes.Equal(next.Raw, below.Raw) {
			break
		}
		if outside := validity(next, now); outside != "" {
			return hint.New(fmt.Sprintf("it is signed by intermediate CA %s, which %s", nameOf(next), outside),
				"the operator of signer "+p.Signer+" must renew this intermediate CA")
		}
		below = next
	}
	return p.explainStranger(leaf, below)
}

// explainStranger says that the signer of below, which is leaf or an
// intermediate above it, is not a client CA.
func (p *Plan) explainStranger(leaf, below *x509.Certificate) error {
	fault := fmt.Sprintf("it is signed by %s", issuerOf(below))
	if below != leaf {
		fault = fmt.Sprintf("it is signed by intermediate CA %s, which is signed by %s", nameOf(below), issuerOf(below))
	}
	advice := "signer " + p.Signer + " uses a CA that the API server does not trust: compare the controller manager's --cluster-signing-cert-file with the API server's --client-ca-file"
	for _, ca := range p.ClientCA {
		if bytes.Equal(ca.RawSubject, below.RawIssuer) {
			return hint.New(fault+", and the cluster's client CA of that name has a different key", advice)
		}
	}
	return hint.New(fmt.Sprintf("%s, which is not a client CA of the cluster (%s)", fault, p.clientCAs()),
		advice+"; if "+issuerOf(below)+" is an intermediate CA, the signer must include its certificate")
}

// clientCAs names the cluster's client CAs, but not dozens of them.
func (p *Plan) clientCAs() string {
	const most = 3
	var names []string
	for _, ca := range p.ClientCA {
		if len(names) == most {
			names = append(names, fmt.Sprintf("and %d more", len(p.ClientCA)-most))
			break
		}
		names = append(names, nameOf(ca))
	}
	return strings.Join(names, ", ")
}

// signerOf returns the one of candidates whose key signed cert, or nil.
func signerOf(cert *x509.Certificate, candidates []*x509.Certificate) *x509.Certificate {
	var found *x509.Certificate
	for _, c := range candidates {
		if !bytes.Equal(c.RawSubject, cert.RawIssuer) || c.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) != nil {
			continue
		}
		// Of a CA that was renewed with its key, the one that lasts longest.
		if found == nil || c.NotAfter.After(found.NotAfter) {
			found = c
		}
	}
	return found
}

// validity says how a certificate is not in force at now; "" where it is.
func validity(cert *x509.Certificate, now time.Time) string {
	switch {
	case now.After(cert.NotAfter):
		return "expired on " + cert.NotAfter.UTC().Format(time.RFC3339)
	case now.Before(cert.NotBefore):
		return "is not valid before " + cert.NotBefore.UTC().Format(time.RFC3339)
	}
	return ""
}

func nameOf(cert *x509.Certificate) string { return fmt.Sprintf("%q", cert.Subject.String()) }

func issuerOf(cert *x509.Certificate) string {
	if pki.SelfSigned(cert) {
		return "itself"
	}
	return fmt.Sprintf("%q", cert.Issuer.String())
}

// NotAccepted is the answer of an API server that refuses the certificate which
// was issued for request. It is no error of the caller's own credentials.
func NotAccepted(issued *Issued) error {
	return hint.Wrap(errors.New("the API server does not accept the issued certificate: it does not verify against the client CA (--client-ca-file); it is signed by "+issuerOf(issued.Certificate)),
		"the signer uses a CA that the API server does not trust, or an intermediate CA whose certificate it does not include: compare the controller manager's --cluster-signing-cert-file with the API server's --client-ca-file")
}
