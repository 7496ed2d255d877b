package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// DefaultSignerLife is the longest life, and that of a request which asks for
// none, that the cluster's own signers give unless
// --cluster-signing-duration of the controller manager says otherwise
// (pkg/controller/certificates/signer/config/v1alpha1/defaults.go).
const DefaultSignerLife = 365 * 24 * time.Hour

// Powers is what the bindings of a cluster make of names: as much of it as is
// needed to see what a certificate would mean.
type Powers struct {
	// AdminUsers and AdminGroups may do everything; each leads to the
	// ClusterRoleBinding that says so.
	AdminUsers, AdminGroups map[string]string
	// BoundUsers are the users who have any binding; each leads to one.
	BoundUsers map[string]string
	// SignerLife is the longest life that the cluster's own signers give.
	SignerLife time.Duration
	// Unseen are the kinds of object that the caller may not list, without
	// which the above is not the whole truth.
	Unseen []string
}

// pageSize keeps answers of a large cluster small.
const pageSize = 500

// ReadPowers reads the cluster's bindings and roles, side by side. What the
// caller may not read is named in Unseen.
func ReadPowers(ctx context.Context, client kubernetes.Interface) (*Powers, error) {
	var roles []rbacv1.ClusterRole
	var everywhere []rbacv1.ClusterRoleBinding
	var somewhere []rbacv1.RoleBinding
	life := DefaultSignerLife
	group, groupCtx := errgroup.WithContext(ctx)
	kinds := []struct {
		name string
		read func(context.Context) error
	}{
		{"clusterroles", func(ctx context.Context) (err error) {
			roles, err = listClusterRoles(ctx, client)
			return err
		}},
		{"clusterrolebindings", func(ctx context.Context) (err error) {
			everywhere, err = listClusterRoleBindings(ctx, client)
			return err
		}},
		{"rolebindings", func(ctx context.Context) (err error) {
			somewhere, err = listRoleBindings(ctx, client)
			return err
		}},
	}
	forbidden := make([]bool, len(kinds))
	for i, kind := range kinds {
		group.Go(func() error {
			err := kind.read(groupCtx)
			if forbidden[i] = apierrors.IsForbidden(err); forbidden[i] {
				return nil
			}
			if err != nil {
				return fmt.Errorf("listing %s: %w", kind.name, err)
			}
			return nil
		})
	}
	group.Go(func() (err error) {
		life, err = readSignerLife(groupCtx, client)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	powers := newPowers(roles, everywhere, somewhere)
	powers.SignerLife = life
	for i, kind := range kinds {
		if forbidden[i] {
			powers.Unseen = append(powers.Unseen, kind.name)
		}
	}
	return powers, nil
}

func newPowers(roles []rbacv1.ClusterRole, everywhere []rbacv1.ClusterRoleBinding, somewhere []rbacv1.RoleBinding) *Powers {
	p := &Powers{AdminUsers: map[string]string{}, AdminGroups: map[string]string{}, BoundUsers: map[string]string{}}
	// Known without being read: whoever may change it may do everything anyway.
	all := map[string]bool{"cluster-admin": true}
	for _, role := range roles {
		if slices.ContainsFunc(role.Rules, allowsEverything) {
			all[role.Name] = true
		}
	}
	for _, binding := range everywhere {
		for _, subject := range binding.Subjects {
			p.add(subject, "ClusterRoleBinding "+binding.Name, all[binding.RoleRef.Name])
		}
	}
	for _, binding := range somewhere {
		for _, subject := range binding.Subjects {
			p.add(subject, "RoleBinding "+binding.Name+" in namespace "+binding.Namespace, false)
		}
	}
	return p
}

func (p *Powers) add(subject rbacv1.Subject, binding string, admin bool) {
	switch {
	case subject.Kind == rbacv1.GroupKind && admin:
		p.AdminGroups[subject.Name] = binding
	case subject.Kind == rbacv1.UserKind && admin:
		p.AdminUsers[subject.Name] = binding
		p.BoundUsers[subject.Name] = binding
	case subject.Kind == rbacv1.UserKind && p.BoundUsers[subject.Name] == "":
		p.BoundUsers[subject.Name] = binding
	}
}

// allowsEverything reports whether a rule is as good as cluster-admin: every
// verb on every resource of the core API, where Secrets are, or of the API of
// roles.
func allowsEverything(rule rbacv1.PolicyRule) bool {
	return slices.Contains(rule.Verbs, rbacv1.VerbAll) && slices.Contains(rule.Resources, rbacv1.ResourceAll) &&
		slices.ContainsFunc(rule.APIGroups, func(group string) bool {
			return group == rbacv1.APIGroupAll || group == "" || group == rbacv1.GroupName
		})
}

// readSignerLife finds --cluster-signing-duration of the controller manager,
// where that runs as a pod and the caller may see it; elsewhere its default.
func readSignerLife(ctx context.Context, client kubernetes.Interface) (time.Duration, error) {
	pods, err := client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: "component=kube-controller-manager"})
	if apierrors.IsForbidden(err) {
		return DefaultSignerLife, nil
	}
	if err != nil {
		return 0, fmt.Errorf("looking for the controller manager's pods: %w", err)
	}
	return signerLife(pods.Items), nil
}

func signerLife(pods []corev1.Pod) time.Duration {
	for _, pod := range pods {
		for _, container := range pod.Spec.Containers {
			for _, arg := range slices.Concat(container.Command, container.Args) {
				text, ok := strings.CutPrefix(arg, "--cluster-signing-duration=")
				if life, err := time.ParseDuration(text); ok && err == nil && life > 0 {
					return life
				}
			}
		}
	}
	return DefaultSignerLife
}
