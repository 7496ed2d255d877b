package access

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
)

// probeOthers returns an error that names what the caller lacks to remove the
// user from others' bindings. The API server lets only those change the subjects
// of a binding who may bind its role, or hold all that is in it, even to remove
// one (pkg/registry/rbac/rolebinding/policybased/storage.go): a dry run alone
// tells.
func (f *Farewell) probeOthers(ctx context.Context, client kubernetes.Interface) error {
	errs := make([]error, len(f.Others))
	var group errgroup.Group
	group.SetLimit(maxProbes)
	for i, h := range f.Others {
		group.Go(func() error {
			if err := h.removeUser(ctx, client, f.User, true); err != nil {
				errs[i] = h.explainForbidden(err)
			}
			return nil
		})
	}
	_ = group.Wait()
	return permit.Join(errs...)
}

// maxProbes bounds how many bindings are tried at the same time.
const maxProbes = 8

// explainForbidden names what is missing, where that is why it failed.
func (h Held) explainForbidden(err error) error {
	if !apierrors.IsForbidden(err) {
		return err
	}
	act := h.act("update")
	if !strings.Contains(err.Error(), "attempting to grant RBAC permissions not currently held") {
		return permit.NewMissing([]string{permit.Describe(act)}, lackingAdvice)
	}
	kind, name, _ := strings.Cut(h.Role, " ")
	act.Verb, act.Resource, act.Name = "bind", "clusterroles", name
	if kind == roleKind {
		act.Resource = "roles"
	} else {
		act.Namespace = ""
	}
	return permit.NewMissing([]string{permit.Describe(act) + " (or all the permissions in it)"}, lackingAdvice)
}

// removeUser takes the user's subject out of the binding as it is by then, and
// leaves everything else: also a binding without any subject. A dry run changes
// nothing.
func (h Held) removeUser(ctx context.Context, client kubernetes.Interface, user string, dryRun bool) error {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	without := func(subjects []rbacv1.Subject) []rbacv1.Subject {
		return slices.DeleteFunc(subjects, func(s rbacv1.Subject) bool { return isUser(s, user) })
	}
	options := metav1.UpdateOptions{FieldManager: fieldManager}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if h.Namespace == "" {
			api := client.RbacV1().ClusterRoleBindings()
			binding, err := api.Get(ctx, h.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			binding.Subjects = without(binding.Subjects)
			_, err = api.Update(ctx, binding, options)
			return err
		}
		api := client.RbacV1().RoleBindings(h.Namespace)
		binding, err := api.Get(ctx, h.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		binding.Subjects = without(binding.Subjects)
		_, err = api.Update(ctx, binding, options)
		return err
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing user %q from %s: %w", user, h, err)
	}
	return nil
}
