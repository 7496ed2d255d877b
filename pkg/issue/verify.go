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

// verify checks that what the signer sent is what plan asked for: for this
// key, for this subject and no other group, good for client authentication,
// trusted by this cluster, and in force.
func verify(certificatePEM []byte, key crypto.PublicKey, plan *Plan, now time.Time) (*x509.Certificate, error) {
	certs, err := pki.ParseCertificates(certificatePEM)
	if err != nil {
		return nil, err
	}
	leaf := certs[0]
	if !pki.SamePublicKey(leaf.PublicKey, key) {
		return nil, errors.New("it is for another key")
	}
	if subject := pki.SubjectOf(leaf); !subject.Equal(plan.Subject) {
		return nil, fmt.Errorf("it is for %s instead of %s", subject, plan.Subject)
	}
	if !pki.HasUsage(leaf, x509.ExtKeyUsageClientAuth) {
		return nil, errors.New("it may not be used as a client certificate")
	}
	if len(plan.ClientCA) > 0 {
		if err := pki.VerifyChain(leaf, certs[1:], plan.ClientCA, now); err != nil {
			return nil, hint.Wrap(fmt.Errorf("the cluster's client CA does not vouch for it: %w", err),
				"the controller manager signs with another CA than the API server trusts: compare its --cluster-signing-cert-file with the API server's --client-ca-file")
		}
	}
	if now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		return nil, hint.New(fmt.Sprintf("it is valid from %s to %s, and this machine's clock says %s",
			leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339)),
			"set this machine's clock")
	}
	return leaf, nil
}
