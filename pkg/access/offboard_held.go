package access

import (
	"cmp"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-certs/kubectl-certs/pkg/rbac"
)

// Held is a binding that gives a user a role.
type Held struct {
	Kind, Namespace, Name string
	// Role is the kind and the name of the role.
	Role string
	// Group is the group by which the user has it; "" for the user's own name.
	Group string
	// Ours says that this program made it, for this user alone.
	Ours bool
	// Default says that Kubernetes itself made it, in every cluster.
	Default bool

	uid types.UID
}

// String names the binding and its role.
func (h Held) String() string {
	name := h.Kind + " " + h.Name
	if h.Namespace != "" {
		name += " in namespace " + h.Namespace
	}
	name += " (" + h.Role
	if h.Group != "" {
		name += ", by group " + h.Group
	}
	return name + ")"
}

func (f *Farewell) addHeld(held []Held) {
	for _, h := range held {
		switch {
		case h.Group != "" && slices.Contains(f.Groups, h.Group):
			f.ByGroup = append(f.ByGroup, h)
		case h.Group != "":
		case h.Ours:
			f.Ours = append(f.Ours, h)
		default:
			f.Others = append(f.Others, h)
		}
	}
}

// heldOf returns all bindings of the user, and of any group.
func heldOf(objects *rbac.Objects, user string) []Held {
	var held []Held
	for _, b := range objects.ClusterRoleBindings {
		held = append(held, heldBy("ClusterRoleBinding", b.ObjectMeta, b.RoleRef, b.Subjects, user)...)
	}
	for _, b := range objects.RoleBindings {
		held = append(held, heldBy("RoleBinding", b.ObjectMeta, b.RoleRef, b.Subjects, user)...)
	}
	slices.SortFunc(held, func(a, b Held) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Group, b.Group))
	})
	return held
}

// heldBy returns what one binding gives: to the user, and to each group.
func heldBy(kind string, meta metav1.ObjectMeta, role rbacv1.RoleRef, subjects []rbacv1.Subject, user string) []Held {
	h := Held{Kind: kind, Namespace: meta.Namespace, Name: meta.Name, Role: role.Kind + " " + role.Name, uid: meta.UID,
		Default: meta.Labels["kubernetes.io/bootstrapping"] == "rbac-defaults"}
	var held []Held
	if slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return isUser(s, user) }) {
		own := h
		own.Ours = meta.Labels[ManagedByLabel] == ManagedBy && meta.Labels[UserHashLabel] == UserHash(user) &&
			!slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return !isUser(s, user) })
		held = append(held, own)
	}
	for _, s := range subjects {
		if s.Kind == rbacv1.GroupKind {
			byGroup := h
			byGroup.Group = s.Name
			held = append(held, byGroup)
		}
	}
	return held
}

func isUser(s rbacv1.Subject, user string) bool {
	return s.Kind == rbacv1.UserKind && s.Name == user
}
