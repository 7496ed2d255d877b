package catalog

import (
	"net/url"
	"slices"
	"strings"
)

// Managed is a service whose provider runs the control plane, out of sight.
type Managed struct {
	Name string
	// Hosts are endings of the API server's host name.
	Hosts []string
	// Versions are parts of the API server's version.
	Versions []string
	// ProviderIDs are parts of the provider's names of nodes.
	ProviderIDs []string
	// SignsClients is set where the CertificateSigningRequest API issues client
	// certificates.
	SignsClients bool
}

// managed has every Managed that is known. The version is what all of them
// but AKS mark; a node's provider alone tells only of whom the machine is.
var managed = []Managed{
	{
		Name:     "EKS",
		Hosts:    []string{".eks.amazonaws.com", ".eks.amazonaws.com.cn"},
		Versions: []string{"-eks-"},
	},
	{
		Name:         "GKE",
		Hosts:        []string{".gke.goog"},
		Versions:     []string{"-gke."},
		SignsClients: true,
	},
	{
		Name:  "AKS",
		Hosts: []string{".azmk8s.io"},
		// The machines of a node pool lie in a resource group of AKS's own, MC_….
		ProviderIDs:  []string{"/resourcegroups/mc_"},
		SignsClients: true,
	},
}

// RecogniseManaged returns the service that a cluster is of, by its API
// server's URL and version and the providerID of one of its nodes, any of them
// "" where it is not known.
func RecogniseManaged(server, version, providerID string) (Managed, bool) {
	host := ""
	if u, err := url.Parse(server); err == nil {
		host = strings.ToLower(u.Hostname())
	}
	for _, m := range managed {
		if slices.ContainsFunc(m.Hosts, func(s string) bool { return strings.HasSuffix(host, s) }) ||
			slices.ContainsFunc(m.Versions, func(s string) bool { return strings.Contains(version, s) }) ||
			slices.ContainsFunc(m.ProviderIDs, func(s string) bool { return strings.Contains(strings.ToLower(providerID), s) }) {
			return m, true
		}
	}
	return Managed{}, false
}
