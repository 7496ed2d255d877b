package scan

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
)

// IssuedCertificate is a certificate that the cluster keeps a record of.
type IssuedCertificate struct {
	// Name is the record's.
	Name string
	User string
	DER  []byte
}

// Issued reads the certificates that list returns: those that were issued to
// people and components and that nothing else in the API shows, once it has
// forgotten their requests.
func Issued(list func(context.Context) ([]IssuedCertificate, error)) Source {
	const name = "issued"
	return Source{name, func(ctx context.Context, to *inventory.Collector) {
		certificates, err := list(ctx)
		if err != nil {
			at := inventory.Location{Source: name, Where: "kube-system"}
			if missing, ok := errors.AsType[*permit.Missing](err); ok {
				to.Skip(inventory.Skip{Source: name, Where: at.Where, Reason: "forbidden", Hint: "ask for permission to " + strings.Join(missing.Acts, ", ")})
				return
			}
			skip(to, at, err, "list configmaps -n kube-system")
			return
		}
		for _, c := range certificates {
			at := inventory.Location{Source: name, Where: "kube-system/" + c.Name}
			cert, err := x509.ParseCertificate(c.DER)
			if err != nil {
				to.Skip(inventory.Skip{Source: name, Where: at.Where, Reason: err.Error(), Hint: "delete that record, and issue again"})
				continue
			}
			s := inventory.Sighting{Location: at, Place: catalog.IssuedRequest, Name: "issued/" + c.User, Certificate: cert}
			if node, ok := strings.CutPrefix(cert.Subject.CommonName, nodeUserPrefix); ok {
				s.Row, s.Node = "kubelet-client", node
			}
			to.See(s)
		}
	}}
}
