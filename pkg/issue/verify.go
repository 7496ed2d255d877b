package issue

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// lifeTolerance is how much longer than asked a certificate may live: the
// built-in signer dates short certificates back by it on top of what was asked
// for, and clocks differ by as much.
const lifeTolerance = backdate

// mostSent bounds what a signer may send along with a certificate: the API
// keeps a megabyte, and real chains have two or three.
const mostSent = 10

// verified is what the signer sent, after every check.
type verified struct {
	leaf *x509.Certificate
	// pem is the leaf, and the CA certificates that came with it: no text, no
	// header and no other block that the signer may have sent.
	pem []byte
	// exceeds is by how much the leaf outlives what was asked for.
	exceeds time.Duration
}

// verify checks that what the signer sent is what plan asked for, and nothing
// more. What lives longer than was asked is an error only where the plan says
// so.
func verify(certificatePEM []byte, key crypto.PublicKey, plan *Plan, now time.Time) (verified, error) {
	certs, err := pki.ParseCertificates(certificatePEM)
	if err != nil {
		return verified{}, err
	}
	if err := plan.Check(certs, key, now); err != nil {
		return verified{}, err
	}
	v := verified{leaf: certs[0], pem: pki.EncodeCertificates(certs...), exceeds: plan.exceeds(certs[0], now)}
	if v.exceeds > 0 && plan.StrictLife {
		return verified{}, hint.New(fmt.Sprintf("it is valid until %s, %s longer than requested", v.leaf.NotAfter.UTC().Format(time.RFC3339), v.exceeds.Round(time.Second)),
			fmt.Sprintf("signer %s ignores expirationSeconds (tolerance: %s); to accept it anyway, run this without --yes", plan.Signer, lifeTolerance))
	}
	return v, nil
}

// Check reports whether certs, a certificate and what was sent along with it,
// are what plan asks for: for key and for the plan's subject, a client
// certificate as CheckClient wants it, verified by the cluster's client CA where
// the caller may read that, and in force at now. Its lifetime is not looked at.
func (p *Plan) Check(certs []*x509.Certificate, key crypto.PublicKey, now time.Time) error {
	if len(certs) == 0 {
		return errors.New("there is no certificate")
	}
	if len(certs)-1 > mostSent {
		return fmt.Errorf("it comes with %d more certificates; at most %d are accepted", len(certs)-1, mostSent)
	}
	leaf := certs[0]
	if !pki.SamePublicKey(leaf.PublicKey, key) {
		return errors.New("it is for another key")
	}
	if subject := pki.SubjectOf(leaf); !subject.Equal(p.Subject) {
		return fmt.Errorf("it is for %s instead of %s", subject, p.Subject)
	}
	if err := p.checkAttributes(leaf); err != nil {
		return err
	}
	if err := CheckClient(leaf); err != nil {
		return err
	}
	// Some signers encipher by habit. Of the caller's own wish, nothing more
	// than what was asked for is taken.
	if extra := leaf.KeyUsage &^ keyUsage; extra != 0 {
		return fmt.Errorf("it has a key usage that was not requested: %s", keyUsageNames(extra))
	}
	if now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		return hint.New(fmt.Sprintf("it is valid from %s to %s, and this machine's clock says %s",
			leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339)),
			"set this machine's clock")
	}
	if len(p.ClientCA) == 0 {
		return nil
	}
	return p.checkChain(leaf, certs[1:], now)
}

// exceeds is by how much a certificate that is in force at now outlives what
// was asked for and tolerated; 0 where it does not. What a signer dates back
// is no longer life: the end counts.
func (p *Plan) exceeds(leaf *x509.Certificate, now time.Time) time.Duration {
	over := leaf.NotAfter.Sub(now) - p.ExpiresIn
	if over <= lifeTolerance {
		return 0
	}
	return over
}
