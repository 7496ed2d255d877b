package scan

import (
	"context"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Credentials are the certificates that a kubeconfig's context holds, as PEM.
type Credentials struct {
	// Context is how the context is named in the inventory.
	Context           string
	ClientCertificate []byte
	CA                []byte
}

// Kubeconfig reads the client certificate and the CA of the context in use.
// It needs no cluster.
func Kubeconfig(c Credentials) Source {
	const name = "kubeconfig"
	return Source{name, func(_ context.Context, to *inventory.Collector) {
		if len(c.CA) > 0 {
			see(to, inventory.Sighting{
				Location: inventory.Location{Source: name, Where: c.Context + "#certificate-authority"},
				Place:    catalog.KubeconfigCA,
				Name:     "kubeconfig/" + c.Context + "#certificate-authority",
			}, c.CA)
		}
		if len(c.ClientCertificate) > 0 {
			client := inventory.Sighting{
				Location: inventory.Location{Source: name, Where: c.Context + "#client-certificate"},
				Place:    catalog.KubeconfigClient,
				Name:     "kubeconfig/" + c.Context + "#client-certificate",
			}
			// Behind the leaf stand the intermediates that are sent with it.
			chain, err := pki.ParseCertificates(c.ClientCertificate)
			seeChain(to, client, chain)
			if err != nil {
				to.Skip(inventory.Skip{Source: name, Where: client.Where, Reason: err.Error(), Hint: "replace the certificate in the kubeconfig"})
			}
		}
	}}
}
