package cluster

import (
	"crypto"
	"errors"
	"maps"
	"slices"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Context is what a context of a kubeconfig holds, or refers to.
type Context struct {
	Name string
	// ClientCertificate and CA are PEM; nil where there is none.
	ClientCertificate, CA []byte
	// Key is the public half of the client's key; nil where there is none.
	Key crypto.PublicKey
	// Server is the URL of the API server, and ServerName the name that it is
	// verified by, "" for the host in it.
	Server, ServerName string
	// Insecure is set where the server is not verified.
	Insecure bool
	// Err says what of it could not be read.
	Err error
}

// Contexts returns every context of the kubeconfig that flags choose, by name.
// It contacts nobody.
func Contexts(flags *genericclioptions.ConfigFlags) ([]Context, error) {
	_, raw, err := load(flags)
	if err != nil {
		return nil, err
	}
	var found []Context
	for _, name := range slices.Sorted(maps.Keys(raw.Contexts)) {
		found = append(found, readContext(name, raw))
	}
	return found, nil
}

func readContext(name string, raw clientcmdapi.Config) Context {
	c := Context{Name: name}
	var errs []error
	read := func(data []byte, file string) []byte {
		content, err := dataOrFile(data, file)
		errs = append(errs, err)
		return content
	}
	if cluster := raw.Clusters[raw.Contexts[name].Cluster]; cluster != nil {
		c.CA = read(cluster.CertificateAuthorityData, cluster.CertificateAuthority)
		c.Insecure = cluster.InsecureSkipTLSVerify
		c.Server, c.ServerName = cluster.Server, cluster.TLSServerName
	}
	if user := raw.AuthInfos[raw.Contexts[name].AuthInfo]; user != nil {
		c.ClientCertificate = read(user.ClientCertificateData, user.ClientCertificate)
		c.Key = pki.PublicHalf(read(user.ClientKeyData, user.ClientKey))
	}
	c.Err = errors.Join(errs...)
	return c
}
