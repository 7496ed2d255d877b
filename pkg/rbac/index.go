// Package rbac answers, from the roles and bindings of a cluster, what RBAC
// lets a user do, and above all by which ways they could come to more power
// than they seem to have. It evaluates rules as the API server does: by
// k8s.io/component-helpers/auth/rbac/validation. Other authorizers (Node,
// webhooks) and admission are out of its sight.
package rbac

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Groups that the API server itself puts users into
// (staging/src/k8s.io/apiserver/pkg/authentication/user, .../serviceaccount).
const (
	AuthenticatedGroup   = "system:authenticated"
	serviceAccountPrefix = "system:serviceaccount:"
	serviceAccountsGroup = "system:serviceaccounts"
)

// Kinds of roles and bindings.
const (
	clusterRole        = "ClusterRole"
	clusterRoleBinding = "ClusterRoleBinding"
	roleBinding        = "RoleBinding"
	clusterAdmin       = "cluster-admin"
)

// Binding is a ClusterRoleBinding or a RoleBinding.
type Binding struct {
	Kind, Namespace, Name string // Namespace is "" for a ClusterRoleBinding
	RoleKind, RoleName    string
	// Found says that the role is there; a binding may name one that is not.
	Found bool
	// Default says that Kubernetes itself makes it in every cluster.
	Default bool

	role *role
}

// String names the binding, where it is, and its role.
func (b *Binding) String() string {
	name := b.Kind + " " + pki.Quote(b.Name)
	if b.Namespace != "" {
		name += " in namespace " + b.Namespace
	}
	return fmt.Sprintf("%s (%s %s)", name, b.RoleKind, pki.Quote(b.RoleName))
}

// Grant is a binding, and the subject in it by which a user has it.
type Grant struct {
	*Binding
	// Group is the group by which the user has it; "" for the user's own name.
	Group string
}

// role is the rules of a Role or a ClusterRole, as they are stored: of an
// aggregated role, the controller manager has put all rules together.
type role struct {
	rules []rbacv1.PolicyRule
	// What follows is found out once, by look.
	once sync.Once
	hits []hit
	// wide are the rules about all resources, and whole says that they are as
	// good as everything.
	wide  []rbacv1.PolicyRule
	whole bool
}

type roleKey struct{ namespace, name string }

// Index holds the roles and bindings of a cluster, by subject. A nil Index is
// that of a cluster without any.
type Index struct {
	// Unread names the kinds of object that the caller may not list: without
	// them nothing that Index says is the whole truth.
	Unread []string

	roles map[roleKey]*role
	// users, groups and accounts (by user name) lead to their bindings.
	users, groups, accounts map[string][]*Binding

	once sync.Once
	// strong are the namespaces whose pods could be given more power than
	// their namespace, and why.
	strong map[string]string
}

// NewIndex returns the index of what was read.
func NewIndex(clusterRoles []rbacv1.ClusterRole, roles []rbacv1.Role, everywhere []rbacv1.ClusterRoleBinding, somewhere []rbacv1.RoleBinding) *Index {
	x := &Index{
		roles: make(map[roleKey]*role, len(clusterRoles)+len(roles)),
		users: map[string][]*Binding{}, groups: map[string][]*Binding{}, accounts: map[string][]*Binding{},
	}
	for i := range clusterRoles {
		x.roles[roleKey{"", clusterRoles[i].Name}] = &role{rules: clusterRoles[i].Rules}
	}
	for i := range roles {
		x.roles[roleKey{roles[i].Namespace, roles[i].Name}] = &role{rules: roles[i].Rules}
	}
	if x.roles[roleKey{"", clusterAdmin}] == nil {
		// Known without being read: the API server makes it what it is.
		all := []string{rbacv1.VerbAll}
		x.roles[roleKey{"", clusterAdmin}] = &role{rules: []rbacv1.PolicyRule{{Verbs: all, APIGroups: all, Resources: all}, {Verbs: all, NonResourceURLs: all}}}
	}
	for i := range everywhere {
		x.add(clusterRoleBinding, everywhere[i].ObjectMeta, everywhere[i].RoleRef, everywhere[i].Subjects)
	}
	for i := range somewhere {
		x.add(roleBinding, somewhere[i].ObjectMeta, somewhere[i].RoleRef, somewhere[i].Subjects)
	}
	return x
}

func (x *Index) add(kind string, meta metav1.ObjectMeta, ref rbacv1.RoleRef, subjects []rbacv1.Subject) {
	b := &Binding{Kind: kind, Namespace: meta.Namespace, Name: meta.Name, RoleKind: ref.Kind, RoleName: ref.Name,
		Default: meta.Labels["kubernetes.io/bootstrapping"] == "rbac-defaults"}
	b.role, b.Found = x.role(ref.Kind, meta.Namespace, ref.Name)
	seen := map[string]bool{}
	put := func(into map[string][]*Binding, prefix, name string) {
		if key := prefix + name; !seen[key] {
			seen[key] = true
			into[name] = append(into[name], b)
		}
	}
	for _, s := range subjects {
		switch s.Kind {
		case rbacv1.UserKind:
			if _, _, ok := splitAccount(s.Name); ok { // to the API server, one and the same
				put(x.accounts, "a", s.Name)
				continue
			}
			put(x.users, "u", s.Name)
		case rbacv1.GroupKind:
			put(x.groups, "g", s.Name)
			if ns, ok := strings.CutPrefix(s.Name, serviceAccountsGroup+":"); ok {
				// Each namespace has this account, with a binding of its own or not.
				account := serviceAccountPrefix + ns + ":default"
				x.accounts[account] = slices.Clip(x.accounts[account])
			}
		case rbacv1.ServiceAccountKind:
			put(x.accounts, "a", serviceAccountPrefix+cmp.Or(s.Namespace, meta.Namespace)+":"+s.Name)
		}
	}
}

// role finds what a roleRef of a binding in namespace leads to.
func (x *Index) role(kind, namespace, name string) (*role, bool) {
	if kind == clusterRole {
		namespace = ""
	}
	if found := x.roles[roleKey{namespace, name}]; found != nil {
		return found, true
	}
	return &role{}, false
}

// Grants returns the bindings that apply to a user in groups, and, as to
// everyone the API server knows, to system:authenticated: those of the user's
// own name first, then by group, each sorted by name.
func (x *Index) Grants(user string, groups []string) []Grant {
	if x == nil {
		return nil
	}
	var grants []Grant
	for _, b := range slices.Concat(x.users[user], x.accounts[user]) {
		grants = append(grants, Grant{Binding: b})
	}
	groups = append(slices.Clone(groups), AuthenticatedGroup)
	slices.Sort(groups)
	for _, group := range slices.Compact(groups) {
		for _, b := range x.groups[group] {
			grants = append(grants, Grant{b, group})
		}
	}
	slices.SortStableFunc(grants, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return grants
}

// Names returns all users, service accounts among them, and groups that have
// bindings, sorted.
func (x *Index) Names() (users, groups []string) {
	if x == nil {
		return nil, nil
	}
	for name := range x.users {
		users = append(users, name)
	}
	for name, bound := range x.accounts {
		if len(bound) > 0 {
			users = append(users, name)
		}
	}
	for name := range x.groups {
		groups = append(groups, name)
	}
	slices.Sort(users)
	slices.Sort(groups)
	return users, groups
}

// splitAccount returns the namespace and the name of a service account's user
// name.
func splitAccount(user string) (namespace, name string, ok bool) {
	rest, ok := strings.CutPrefix(user, serviceAccountPrefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, ":")
}
