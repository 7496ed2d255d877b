package issue

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Renewal returns the request for another certificate of the identity that
// cert names. life is how long it is to live; 0 for as long as cert. What
// cannot be had through the API is an error that says what to do instead.
func Renewal(cert *x509.Certificate, life time.Duration, keyType pki.KeyType, timeout time.Duration) (Request, error) {
	subject := pki.SubjectOf(cert)
	switch {
	case cert.IsCA:
		return Request{}, hint.New(fmt.Sprintf("the certificate of %s is a CA certificate", subject), "a CA is replaced by the operator of the cluster: every certificate it has signed depends on it")
	case !pki.HasUsage(cert, x509.ExtKeyUsageClientAuth):
		return Request{}, hint.New(fmt.Sprintf("the certificate of %s is not a client certificate", subject), "server certificates are renewed on their node with the tools of the distribution (kubeadm: kubeadm certs renew NAME); for details: kubectl certs check")
	case slices.Contains(subject.Organizations, catalog.Masters):
		return Request{}, hint.New(fmt.Sprintf("%s is in group %s, which the CertificateSigningRequest API refuses", subject.CommonName, catalog.Masters),
			catalog.RenewMasters(subject.CommonName))
	}
	if life == 0 {
		life = max(askedLife(cert), MinLife)
	}
	r := Request{Subject: subject, KeyType: keyType, ExpiresIn: min(life, MaxLife), Timeout: timeout, Signer: SignerName}
	if strings.HasPrefix(subject.CommonName, "system:node:") && slices.Equal(subject.Organizations, []string{"system:nodes"}) {
		r.Signer = KubeletSignerName
	}
	return r, r.Validate()
}

// The signer dates certificates back by backdate, out of the life that was
// asked for where that is not shorter than shortLife
// (pkg/controller/certificates/authority/policies.go). kubeadm dates back on
// top of a year.
const (
	backdate  = 5 * time.Minute
	shortLife = 8 * time.Hour
)

// askedLife is the life that cert was asked for, so that one which is renewed
// again and again does not come to live longer.
func askedLife(cert *x509.Certificate) time.Duration {
	life := cert.NotAfter.Sub(cert.NotBefore).Truncate(time.Second)
	if life < shortLife || (life-backdate)%time.Hour == 0 {
		return life - backdate
	}
	return life
}

// CheckRenews returns an error if cert is not one that the plan's cluster
// accepts: another certificate from there would be no renewal. A caller who may
// not read the client CA cannot tell.
func (p *Plan) CheckRenews(cert *x509.Certificate, chain []*x509.Certificate, now time.Time) error {
	if len(p.ClientCA) == 0 {
		return nil
	}
	if err := pki.VerifyChain(cert, chain, p.ClientCA, now); err != nil {
		return hint.Wrap(fmt.Errorf("the certificate of %s was not issued by this cluster's client CA: %w", p.Subject, err),
			fmt.Sprintf("renew it through its issuer (%s), or select the right cluster with --context", cert.Issuer))
	}
	return nil
}
