package inventory

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// runsOf is what runs the cluster, or the machine, that c is from: the files say it
// themselves. It is the zero Distribution where that is not known.
func (e *evidence) runsOf(c *certificate) catalog.Distribution {
	for _, s := range c.sightings {
		if d, ok := catalog.DistributionNamed(s.Layout); ok {
			return d
		}
	}
	return e.runs
}

// renewal says how a certificate is replaced, with the means of what runs the
// cluster.
func renewal(c *certificate, all *evidence) string {
	e, runs := c.entry, all.runsOf(c)
	ca := e.Role == catalog.CA
	row, known := catalog.Lookup(e.Name)
	switch {
	case c.isIntermediate():
		return "reissue the intermediate CA, and append the new one to the chains of the certificates it signed"
	case strings.HasPrefix(e.Name, "secret/") && !ca:
		return "store a new certificate and its key in the Secret (kubectl create secret tls NAME --cert FILE --key FILE --dry-run=client -o yaml | kubectl apply -f -); if an operator such as cert-manager manages it, find out why it did not renew"
	case ca && c.replaced(all) && all.now.After(e.NotAfter):
		return "it was replaced, and no known certificate is signed by it: remove it from its bundles"
	case ca && all.now.After(e.NotAfter) && !all.culprits[c] && c.idle(all):
		return "no known certificate is signed by it: remove it from its bundles"
	case ca && known && runs.RenewCA != "":
		return runs.RenewCA
	case ca:
		return "replace the CA: everything that it signed, and everyone who trusts it, needs the new one"
	case !known:
		return "ask its issuer for a new one"
	}
	return renewalOfRow(c, row, runs)
}

// renewalOfRow is renewal for what the catalog knows.
func renewalOfRow(c *certificate, row catalog.Entry, runs catalog.Distribution) string {
	commonName := c.entry.Subject.CommonName
	switch p := row.Profile; {
	case p != nil && p.CommonNamePrefix != "" && runs.RenewKubelet != "":
		return runs.RenewKubelet
	case p != nil && p.CommonNamePrefix != "":
		node := strings.TrimPrefix(commonName, p.CommonNamePrefix)
		return fmt.Sprintf("the kubelet renews it automatically while it is valid; afterwards: kubectl certs issue %s --node %s, and install the file where the node's kubeconfig refers to", p.Name, hint.ShellWord(node))
	case row.Name == catalog.SuperAdmin && runs.RenewAdmin(commonName) != "":
		return runs.RenewAdmin(commonName)
	case row.Name == catalog.SuperAdmin:
		return catalog.RenewMasters(commonName)
	case p != nil && p.CommonName == "":
		return fmt.Sprintf("have an administrator with a valid certificate issue a new one, and use that file: kubectl certs issue %s --name %s", cmp.Or(p.Name, row.Name), hint.ShellWord(commonName))
	case c.signer == c && (row.Name == "scheduler-server" || row.Name == "controller-manager-server"):
		return "restart its component, which generates a new one at each start"
	case row.Name == "kubelet-server" && runs.Name == catalog.Kubeadm:
		return "on its node: move kubelet.crt and kubelet.key out of /var/lib/kubelet/pki and restart the kubelet, which generates new ones; with serverTLSBootstrap, approve the kubelet's request: kubectl certs approve --kubelet-serving"
	case runs.Renew != "":
		return runs.Renew
	case p != nil:
		return fmt.Sprintf("issue a new one and install it for the component: kubectl certs issue %s", cmp.Or(p.Name, row.Name))
	}
	return "renew it on its node (with kubeadm: kubeadm certs renew all) and restart the components that use it"
}
