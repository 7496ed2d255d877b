package cluster

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
)

// FromKubeconfig prepares for talking to the cluster of a kubeconfig's current
// context, from its text alone: the user's own kubeconfig has no part in it.
func FromKubeconfig(data []byte, options Options) (*Cluster, error) {
	config, err := clientcmd.RESTConfigFromKubeConfig(data)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	options.apply(config)
	client, err := newClient(config, options.Plugins)
	if err != nil {
		return nil, fmt.Errorf("using the kubeconfig: %w", err)
	}
	return &Cluster{
		Client: client,
		Name:   "kubernetes", Server: config.Host, ServerName: config.ServerName,
		CA: config.CAData, ClientCertificate: config.CertData, Config: config,
	}, nil
}
