package rbac

import (
	"cmp"
	"slices"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
)

// IsAdminGroup reports whether a group has full permissions, or will as soon
// as its binding is made: that of the API server itself, that of kubeadm, and
// that of this program.
func IsAdminGroup(group string) bool {
	return group == catalog.Masters || group == catalog.KubeadmAdmins || group == catalog.OwnAdmins
}

// everyNamespace stands, in strong, for all namespaces.
const everyNamespace = "*"

// whyStrong says why pods of namespace can be given more power than it, or "".
func (x *Index) whyStrong(namespace string) string {
	return cmp.Or(x.strong[namespace], x.strong[everyNamespace])
}

// findStrong finds the namespaces in which to run a pod is to have more than
// the namespace: kube-system, and those with a service account that has a
// Severe way. One can lead to another; so it goes on until nothing is added.
func (x *Index) findStrong() {
	x.strong = map[string]string{kubeSystem: "the cluster's own components run there"}
	if all := x.ofGroup(serviceAccountsGroup); admin(all, "") != nil || x.beyond("", all) {
		x.strong[everyNamespace] = "all service accounts can escalate to the whole cluster"
	}
	accounts := make([]string, 0, len(x.accounts))
	for name := range x.accounts {
		accounts = append(accounts, name)
	}
	slices.Sort(accounts)
	for added := true; added; {
		added = false
		for _, name := range accounts {
			namespace, account, ok := splitAccount(name)
			if !ok || x.whyStrong(namespace) != "" {
				continue
			}
			own := x.ofGroup(serviceAccountsGroup + ":" + namespace)
			for _, b := range x.accounts[name] {
				own = append(own, Grant{Binding: b})
			}
			if admin(own, "") != nil || x.beyond(namespace, own) {
				x.strong[namespace] = "its service account " + account + " can escalate to the whole cluster"
				added = true
			}
		}
	}
}

func (x *Index) ofGroup(group string) []Grant {
	var grants []Grant
	for _, b := range x.groups[group] {
		grants = append(grants, Grant{b, group})
	}
	return grants
}

// beyond reports whether grants of a service account of namespace lead beyond
// that namespace.
func (x *Index) beyond(namespace string, grants []Grant) bool {
	return slices.ContainsFunc(x.ways(grants, 0), func(w Way) bool {
		return w.Level == Severe && (namespace == "" || w.Namespace != namespace)
	})
}
