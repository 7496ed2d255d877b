package cli

import (
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// warnOfExpiry says in one line that the caller's own certificate has run out,
// or will soon: nobody is to learn it from a bare "Unauthorized".
func (a *app) warnOfExpiry(c *cluster.Cluster) {
	leaf := c.ClientLeaf()
	if leaf == nil {
		return
	}
	now := a.now()
	on := leaf.NotAfter.UTC().Format("2006-01-02 15:04 MST")
	switch left := leaf.NotAfter.Sub(now).Truncate(time.Second); {
	case left < 0:
		a.say("warning: the client certificate of context %q (%s) expired %s ago, on %s\n", c.Context, pki.SubjectOf(leaf), humanLeft(-left), on)
	case inventory.ExpiresSoon(leaf.NotBefore, leaf.NotAfter, now):
		a.say("warning: the client certificate of context %q (%s) expires in %s, on %s: renew it while it is valid\n", c.Context, pki.SubjectOf(leaf), humanLeft(left), on)
	}
}
