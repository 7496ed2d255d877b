package cli

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// showHandOff says what a kubeconfig that was sent leads to, for its reader to
// compare with what they were told by another way.
func (a *app) showHandOff(id kubeconfig.Identity, leaf *x509.Certificate) error {
	subject := pki.SubjectOf(leaf)
	a.say("Accepting a kubeconfig\n")
	a.say("  user     %s\n", subject.CommonName)
	a.say("  groups   %s\n", pki.QuoteAll(subject.Organizations, "none"))
	a.say("  server   %s\n", id.Server)
	if len(id.CA) == 0 {
		a.say("  CA       none: the server is verified against the system's root CAs\n")
		return nil
	}
	cas, err := pki.ParseCertificates(id.CA)
	if err != nil || len(cas) == 0 {
		return hint.New("the CA in the received kubeconfig cannot be read, so its server cannot be verified", "ask for a new one")
	}
	for _, ca := range cas {
		a.say("  CA       %s, sha256 %s\n", ca.Subject.String(), fmt.Sprintf("%x", sha256.Sum256(ca.Raw)))
	}
	return nil
}

// passIdentity asks about what the kubeconfig of an identity would take over.
func (g *gate) passIdentity(ctx context.Context, id kubeconfig.Identity) error {
	data, err := kubeconfig.Build(id)
	if err != nil {
		return err
	}
	in, err := kubeconfig.Parse("", string(data))
	if err != nil {
		return err
	}
	return g.pass(ctx, in.AllTaken())
}
