// Package scan reads certificates where they can be seen. Each source is one
// file; all run side by side and report to an inventory.Collector, also what
// they could not read.
package scan

import (
	"context"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Source is one kind of place to read certificates from.
type Source struct {
	Name string
	// Read reports to the collector until it is done or ctx is. It returns
	// nothing: what it could not read is a report too.
	Read func(ctx context.Context, to *inventory.Collector)
}

// Run reads all sources at once, for at most timeout. It tells done, unless
// that is nil, of each source that has been read; done may be called by several
// goroutines at once.
func Run(ctx context.Context, timeout time.Duration, sources []Source, to *inventory.Collector, done func(source string)) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTooLate)
	defer cancel()
	var group sync.WaitGroup
	for _, source := range sources {
		group.Go(func() {
			source.Read(ctx, to)
			if done != nil {
				done(source.Name)
			}
		})
	}
	group.Wait()
}

// see reports every certificate of a PEM bundle, and what in it could not be
// read. template says where it was.
func see(to *inventory.Collector, template inventory.Sighting, bundle []byte) {
	certs, err := pki.ParseCertificates(bundle)
	for _, cert := range certs {
		sighting := template
		sighting.Certificate = cert
		to.See(sighting)
	}
	unreadable(to, template, err)
}

// seePEMChain is seeChain for PEM.
func seePEMChain(to *inventory.Collector, template inventory.Sighting, bundle []byte) {
	chain, err := pki.ParseCertificates(bundle)
	seeChain(to, template, chain)
	unreadable(to, template, err)
}

// unreadable reports that something else lies where certificates should, unless
// err is nil.
func unreadable(to *inventory.Collector, at inventory.Sighting, err error) {
	if err == nil {
		return
	}
	severity := inventory.Warning
	if at.Place == catalog.CallBundle || catalog.IsAnchor(at.Place) {
		severity = inventory.Critical // nobody can be verified by it
	}
	to.Find(inventory.PlaceFinding{Location: at.Location, Finding: inventory.Finding{
		Code: inventory.CodeUnreadable, Severity: severity,
		Message: "cannot be read: " + oneLine(err),
		Fix:     "check what is stored there, and restore the certificate",
	}})
}

// seeChain reports the first certificate of a chain, with the rest as its
// intermediates.
func seeChain(to *inventory.Collector, template inventory.Sighting, chain []*x509.Certificate) {
	if len(chain) == 0 {
		return
	}
	template.Certificate, template.Intermediates = chain[0], chain[1:]
	to.See(template)
}

// skip reports that an API object could not be read, with a hint that fits
// the reason. permission is what `kubectl auth can-i` would be asked.
func skip(to *inventory.Collector, at inventory.Location, err error, permission string) {
	s := unreached(at, err)
	switch {
	case apierrors.IsForbidden(err):
		s.Reason, s.Hint = "forbidden", fmt.Sprintf("ask for permission to %s", permission)
	case apierrors.IsNotFound(err):
		s.Reason, s.Hint, s.Expected = "not found", "this cluster does not publish it", true
	case apierrors.IsUnauthorized(err):
		s.Reason, s.Hint = "the API server rejects your credentials", "use others, with --context or --kubeconfig"
	}
	to.Skip(s)
}
