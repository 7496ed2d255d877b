package scan

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Credentials are what a context of a kubeconfig holds, or refers to.
type Credentials struct {
	// Context is how the context is named in the inventory.
	Context string
	// InUse marks the context that the rest of the scan goes by.
	InUse bool
	// ClientCertificate and CA are PEM.
	ClientCertificate []byte
	CA                []byte
	// Key is the public half of the client's key; nil where it is not known.
	Key crypto.PublicKey
	// Server is the URL of the server, and ServerName the name that it is
	// verified by, "" for the host in it.
	Server, ServerName string
	// Roots are this machine's, which verify the server where CA is empty; nil
	// where they are not known.
	Roots *x509.CertPool
	// Insecure is set where the server is not verified.
	Insecure bool
	// Err says why some of it could not be read.
	Err error
}

// Kubeconfig reads the client certificates and CAs that contexts hold. It needs
// no cluster.
func Kubeconfig(contexts ...Credentials) Source {
	const name = kubeconfigSource
	return Source{name, func(_ context.Context, to *inventory.Collector) {
		for _, c := range contexts {
			readContext(to, name, c)
		}
	}}
}

func readContext(to *inventory.Collector, source string, c Credentials) {
	sighting := func(part string, other, inUse catalog.Place) inventory.Sighting {
		s := inventory.Sighting{
			Location: inventory.Location{Source: source, Where: c.Context + "#" + part},
			Place:    other, Name: "context/" + c.Context,
		}
		if c.InUse {
			s.Place = inUse
		}
		return s
	}
	ca := sighting("certificate-authority", catalog.OtherContextCA, catalog.KubeconfigCA)
	ca.Name += "#ca"
	ca.Server, ca.Address = connection(c.Server, c.ServerName)
	switch {
	case c.Insecure: // nobody is verified, whatever CA is there
	case len(c.CA) > 0:
		see(to, ca, c.CA)
	case c.Roots != nil && ca.Server != "":
		ca.Where = c.Context + "#server"
		to.Trust(inventory.Pool{Location: ca.Location, Place: ca.Place, Server: ca.Server, Address: ca.Address, Roots: c.Roots})
	}
	// Behind the leaf stand the intermediates that are sent with it.
	client := sighting("client-certificate", catalog.OtherContextClient, catalog.KubeconfigClient)
	client.Key = c.Key
	if len(c.ClientCertificate) > 0 {
		seePEMChain(to, client, c.ClientCertificate)
	}
	if c.Insecure {
		to.Find(inventory.PlaceFinding{
			Location: inventory.Location{Source: source, Where: c.Context + "#insecure-skip-tls-verify"},
			Finding: inventory.Finding{
				Code: inventory.CodeInsecureSkip, Severity: inventory.Warning,
				Message: "allows anyone to impersonate the API server, and read all traffic",
				Fix:     "add the cluster's CA from a trusted source to the kubeconfig, and remove insecure-skip-tls-verify",
			},
		})
	}
	if c.Err != nil {
		to.Skip(inventory.Skip{Source: source, Where: c.Context, Reason: oneLine(c.Err),
			Hint: "restore the file, or remove the context from the kubeconfig"})
	}
}

// connection returns host:port of a server's URL, and the name that who connects
// there verifies it by; both "" where it is no such URL.
func connection(url, serverName string) (server, name string) {
	server, host, err := hostPort(url)
	if err != nil {
		return "", ""
	}
	return server, cmp.Or(serverName, host)
}
