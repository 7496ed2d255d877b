package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// present is a kubeconfig that an earlier run has left.
type present struct {
	// record is what its certificate would be recorded as.
	record access.Record
}

// present returns what an earlier run has left for a person, nil if there is
// nothing, or nothing that is still good. A file that holds something else is
// an error unless it may be replaced.
func (b *batch) present(ctx context.Context, n newcomer) (*present, error) {
	data, err := regular.ReadFile(n.path, maxInput)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", n.path, err)
	}
	if b.flags.force {
		return nil, nil
	}
	const advice = "move it away, or replace it with --force"
	id, err := kubeconfig.ReadHandOff(data)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("%s already exists, and was not written by this command: %w", n.path, err), advice)
	}
	certs, err := pki.ParseCertificates(id.Certificate)
	if len(certs) == 0 {
		return nil, hint.Wrap(fmt.Errorf("%s already exists, and its certificate cannot be read: %w", n.path, err), advice)
	}
	leaf := certs[0]
	if subject := pki.SubjectOf(leaf); !subject.Equal(n.request.Subject) {
		return nil, hint.New(fmt.Sprintf("%s already exists, and is for %s instead of %s", n.path, subject, n.request.Subject), advice)
	}
	if id.Server != cmp.Or(b.flags.server, b.c.Server) {
		return nil, hint.New(fmt.Sprintf("%s already exists, and is for another cluster (%s)", n.path, id.Server), advice)
	}
	if err := b.checkIssued(ctx, certs, id); err != nil {
		return nil, hint.Wrap(fmt.Errorf("%s already exists, and %w", n.path, err), advice)
	}
	if b.now().After(leaf.NotAfter) {
		return nil, nil // it is of no use any more
	}
	// Who asked for it and who approved is not known any more.
	return &present{access.NewRecord(leaf, b.plan.Signer, "", "", "", leaf.NotBefore)}, nil
}

// checkIssued returns an error unless the certificate is one that the cluster
// accepts, with its key: anybody can write a file that names the right user.
// Where the caller may not read the client CA, the API server judges.
func (b *batch) checkIssued(ctx context.Context, certs []*x509.Certificate, id kubeconfig.Identity) error {
	leaf := certs[0]
	if _, err := tls.X509KeyPair(id.Certificate, id.Key); err != nil {
		return errors.New("its private key does not match its certificate")
	}
	if !pki.HasUsage(leaf, x509.ExtKeyUsageClientAuth) {
		return errors.New("its certificate is not a client certificate")
	}
	if len(b.plan.ClientCA) > 0 {
		if err := pki.VerifyChain(leaf, certs[1:], b.plan.ClientCA, b.now()); err != nil {
			return fmt.Errorf("its certificate does not verify against the cluster's client CA: %w", err)
		}
		return nil
	}
	if b.now().After(leaf.NotAfter) {
		return nil // no API server takes it, and nobody relies on it
	}
	user, err := b.c.WhoAmI(ctx, id.Certificate, id.Key)
	if err != nil {
		return fmt.Errorf("the API server does not accept its certificate: %w", err)
	}
	if user != leaf.Subject.CommonName {
		return fmt.Errorf("the API server authenticates it as %q", user)
	}
	return nil
}

// isMissing reports whether err says that permissions are missing.
func isMissing(err error) bool {
	_, ok := errors.AsType[*permit.Missing](err)
	return ok
}
