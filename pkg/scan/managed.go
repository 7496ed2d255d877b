package scan

import (
	"fmt"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Managed says, once and as what is normal there, what cannot be seen where a
// provider runs the control plane. It returns false for all other clusters.
// Each of server (the API server's URL), version (the API server's) and
// providerID (of any node) may be "".
func Managed(server, version, providerID string) (inventory.Skip, bool) {
	m, ok := catalog.RecogniseManaged(server, version, providerID)
	if !ok {
		return inventory.Skip{}, false
	}
	s := inventory.Skip{
		Source: controlPlaneSource, Where: m.Name, Expected: true,
		Reason: fmt.Sprintf("%s runs the control plane, including etcd, the scheduler, the controller manager and their files", m.Name),
		Hint:   "no action required: the provider renews their certificates",
	}
	if !m.SignsClients {
		s.Hint += "; it does not issue client certificates"
	}
	return s, true
}
