// Package kubeconfig builds kubeconfigs and writes them so that a file is
// never half-written, never readable by others, and never lost.
package kubeconfig

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Identity is what a kubeconfig is built from.
type Identity struct {
	// Cluster names the cluster entry; Server is its URL.
	Cluster, Server string
	// CA is the PEM bundle that verifies the server; nil for the system's.
	CA []byte
	// ServerName, ProxyURL and Insecure are carried over from the kubeconfig
	// by which the server was reached.
	ServerName, ProxyURL string
	Insecure             bool

	// User names the user entry; its certificate and key are PEM.
	User string
	// Key is nil where its owner alone has it.
	Certificate, Key []byte
	// CAFile, CertificateFile and KeyFile are referred to, where they are set,
	// instead of embedding what is in them: components read files again when
	// they change, and embedded data never. A relative path starts at the
	// kubeconfig.
	CAFile, CertificateFile, KeyFile string

	// Namespace is the context's default; "" for none.
	Namespace string
	// NotCurrent leaves the current context open: it is for others to choose.
	NotCurrent bool
}

// Context is the name of the context that Build makes, in kubeadm's form.
func (id Identity) Context() string {
	return id.User + "@" + id.Cluster
}

// Build returns a kubeconfig for id, as YAML, with everything embedded that id
// names no file for.
func Build(id Identity) ([]byte, error) {
	config := clientcmdapi.NewConfig()
	cluster := &clientcmdapi.Cluster{
		Server:                   id.Server,
		CertificateAuthorityData: id.CA,
		TLSServerName:            id.ServerName,
		ProxyURL:                 id.ProxyURL,
		InsecureSkipTLSVerify:    id.Insecure,
	}
	user := &clientcmdapi.AuthInfo{ClientCertificateData: id.Certificate, ClientKeyData: id.Key}
	if id.CAFile != "" {
		cluster.CertificateAuthority, cluster.CertificateAuthorityData = id.CAFile, nil
	}
	if id.CertificateFile != "" {
		user.ClientCertificate, user.ClientCertificateData = id.CertificateFile, nil
	}
	if id.KeyFile != "" {
		user.ClientKey, user.ClientKeyData = id.KeyFile, nil
	}
	config.Clusters[id.Cluster], config.AuthInfos[id.User] = cluster, user
	config.Contexts[id.Context()] = &clientcmdapi.Context{
		Cluster:   id.Cluster,
		AuthInfo:  id.User,
		Namespace: id.Namespace,
	}
	if !id.NotCurrent {
		config.CurrentContext = id.Context()
	}
	data, err := clientcmd.Write(*config)
	if err != nil {
		return nil, fmt.Errorf("writing kubeconfig for %q: %w", id.User, err)
	}
	return data, nil
}
