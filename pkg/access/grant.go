package access

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
)

// Kinds of roles.
const (
	roleKind        = "Role"
	clusterRoleKind = "ClusterRole"
)

// Grant is a role that a user is to have: in one namespace, or in the whole
// cluster.
type Grant struct {
	// Role names a Role of Namespace or, where that has none of the name, a
	// ClusterRole.
	Role string
	// Namespace is "" for a ClusterRole in the whole cluster.
	Namespace string
	// kind, and whether the binding is there already, is found out by Prepare.
	kind   string
	exists bool
}

// Kind is Role or ClusterRole, once the cluster was asked.
func (g Grant) Kind() string {
	if g.Namespace == "" {
		return clusterRoleKind
	}
	return g.kind
}

// Where says where the grant holds.
func (g Grant) Where() string {
	if g.Namespace == "" {
		return "in the whole cluster"
	}
	return "in namespace " + g.Namespace
}

// Name is the name of the binding of this grant to user. It is the same each
// time, and of no other user and role.
func (g Grant) Name(user string) string {
	return fmt.Sprintf("certs-%s-%s-%s", readable(user), readable(g.Role), digest(user + "\x00" + g.Kind() + "\x00" + g.Role)[:8])
}

// Object is the kind of binding.
func (g Grant) Object() string {
	if g.Namespace == "" {
		return "ClusterRoleBinding"
	}
	return "RoleBinding"
}

func (g Grant) act(verb, resource, name string) permit.Act {
	return permit.Act{Verb: verb, Group: rbacv1.GroupName, Version: "v1", Resource: resource, Namespace: g.Namespace, Name: name}
}

// bindings is the resource that the grant is made by.
func (g Grant) bindings() string {
	if g.Namespace == "" {
		return "clusterrolebindings"
	}
	return "rolebindings"
}

// Acts are what the caller must be allowed to for the grants to be made; the
// right to hand out each role's own permissions comes on top, and Prepare
// finds out about that.
func Acts(grants []Grant) []permit.Act {
	var acts []permit.Act
	for _, g := range grants {
		// Server-side apply needs patch and, for what is new, create.
		acts = append(acts, g.act("get", g.bindings(), ""), g.act("create", g.bindings(), ""), g.act("patch", g.bindings(), ""))
	}
	return acts
}

// Validate reports grants that no cluster would take.
func Validate(grants []Grant) error {
	seen := map[Grant]bool{}
	for _, g := range grants {
		if g.Role == "" || g.Role == "." || g.Role == ".." || strings.ContainsAny(g.Role, "/%") {
			return hint.New(fmt.Sprintf("invalid role name %q", g.Role), "see: kubectl get clusterroles")
		}
		if seen[g] {
			return hint.New(fmt.Sprintf("role %q %s is specified twice", g.Role, g.Where()), "specify each role once")
		}
		seen[g] = true
	}
	return nil
}

// Prepare finds out, for each grant at the same time, whether its role is a
// Role or a ClusterRole, whether a binding of the name that it would have is
// someone else's, and, if probe is set, whether the API server would take it:
// by a dry run, which alone knows whether the caller may hand the role out.
// What is missing in permissions is returned as a permit.Missing. Nothing is
// changed.
func Prepare(ctx context.Context, client kubernetes.Interface, user string, grants []Grant, probe bool) ([]Grant, error) {
	if err := Validate(grants); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	prepared := make([]Grant, len(grants))
	errs := make([]error, len(grants))
	var group errgroup.Group
	for i, g := range grants {
		group.Go(func() error {
			prepared[i], errs[i] = prepare(ctx, client, user, g, probe)
			return nil
		})
	}
	_ = group.Wait()
	return prepared, permit.Join(errs...)
}

func prepare(ctx context.Context, client kubernetes.Interface, user string, g Grant, probe bool) (Grant, error) {
	g, err := g.find(ctx, client)
	if err != nil {
		return g, err
	}
	if g.exists, err = g.isOurs(ctx, client, user); err != nil {
		return g, err
	}
	if !probe {
		return g, nil
	}
	_, err = g.apply(ctx, client, user, true)
	if apierrors.IsForbidden(err) {
		return g, g.explainForbidden(err)
	}
	return g, err
}

// find looks for the role in the namespace and in the cluster, at once.
func (g Grant) find(ctx context.Context, client kubernetes.Interface) (Grant, error) {
	var roleErr, clusterErr error
	var group errgroup.Group
	if g.Namespace != "" {
		group.Go(func() error {
			_, roleErr = client.RbacV1().Roles(g.Namespace).Get(ctx, g.Role, metav1.GetOptions{})
			return nil
		})
	}
	_, clusterErr = client.RbacV1().ClusterRoles().Get(ctx, g.Role, metav1.GetOptions{})
	_ = group.Wait()
	switch {
	case g.Namespace != "" && roleErr == nil:
		g.kind = roleKind
		return g, nil
	case apierrors.IsForbidden(roleErr):
		return g, permit.NewMissing([]string{permit.Describe(g.act("get", "roles", g.Role))}, "")
	case roleErr != nil && !apierrors.IsNotFound(roleErr):
		return g, fmt.Errorf("looking for Role %q %s: %w", g.Role, g.Where(), roleErr)
	}
	g.kind = clusterRoleKind
	switch {
	case apierrors.IsNotFound(clusterErr) && g.Namespace != "":
		return g, hint.New(fmt.Sprintf("there is no role %q: neither a Role in namespace %s nor a ClusterRole", g.Role, g.Namespace),
			fmt.Sprintf("see: kubectl get roles -n %s; kubectl get clusterroles; the usual ones are view, edit and admin", g.Namespace))
	case apierrors.IsNotFound(clusterErr):
		return g, hint.New(fmt.Sprintf("there is no ClusterRole %q", g.Role), "see: kubectl get clusterroles; the usual ones are view, edit and admin")
	case clusterErr != nil && !apierrors.IsForbidden(clusterErr):
		return g, fmt.Errorf("looking for ClusterRole %q: %w", g.Role, clusterErr)
	}
	return g, nil // who may bind a ClusterRole need not be able to read it
}

// isOurs reports whether the binding is there, and refuses a name that stands
// on someone else's.
func (g Grant) isOurs(ctx context.Context, client kubernetes.Interface, user string) (bool, error) {
	binding, err := g.read(ctx, client, user)
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case apierrors.IsForbidden(err):
		return false, nil // Acts names it
	case err != nil:
		return false, fmt.Errorf("looking for %s %q: %w", g.Object(), g.Name(user), err)
	}
	if binding.GetLabels()[ManagedByLabel] != ManagedBy || binding.GetAnnotations()[UserAnnotation] != user {
		advice := "kubectl delete " + strings.ToLower(g.Object()) + " " + g.Name(user)
		if g.Namespace != "" {
			advice += " -n " + g.Namespace
		}
		return false, hint.New(fmt.Sprintf("%s %q already exists, and was not created by kubectl certs for user %q", g.Object(), g.Name(user), user),
			"if it is not needed: "+advice)
	}
	return true, nil
}

func (g Grant) read(ctx context.Context, client kubernetes.Interface, user string) (metav1.Object, error) {
	if g.Namespace == "" {
		return client.RbacV1().ClusterRoleBindings().Get(ctx, g.Name(user), metav1.GetOptions{})
	}
	return client.RbacV1().RoleBindings(g.Namespace).Get(ctx, g.Name(user), metav1.GetOptions{})
}

// explainForbidden names the right that RBAC asks of those who hand out a role
// (pkg/registry/rbac/escalation_check.go): bind on it, or all that is in it.
func (g Grant) explainForbidden(err error) error {
	if !strings.Contains(err.Error(), "attempting to grant RBAC permissions not currently held") {
		return permit.NewMissing([]string{permit.Describe(g.act("create", g.bindings(), ""))}, "")
	}
	resource := "clusterroles"
	if g.Kind() == roleKind {
		resource = "roles"
	}
	return permit.NewMissing([]string{permit.Describe(g.act("bind", resource, g.Role)) + " (or all the permissions in it)"},
		"grant a role whose permissions you have, or ask an administrator")
}
