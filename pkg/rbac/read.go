package rbac

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// pageSize keeps answers of a large cluster small.
const pageSize = 500

// list reads one page after another. page returns the items of one, and where
// the next begins.
func list[T any](ctx context.Context, page func(context.Context, metav1.ListOptions) ([]T, string, error)) ([]T, error) {
	var all []T
	options := metav1.ListOptions{Limit: pageSize}
	for {
		items, next, err := page(ctx, options)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == "" {
			return all, nil
		}
		options.Continue = next
	}
}

// Read reads the roles and bindings of the cluster, side by side. What the
// caller may not list is named in Unread; any other failure is an error that
// names the kind.
func Read(ctx context.Context, client kubernetes.Interface) (*Index, error) {
	var clusterRoles []rbacv1.ClusterRole
	var roles []rbacv1.Role
	var everywhere []rbacv1.ClusterRoleBinding
	var somewhere []rbacv1.RoleBinding
	api := client.RbacV1()
	kinds := []struct {
		name string
		read func(context.Context) error
	}{
		{"clusterroles", func(ctx context.Context) (err error) {
			clusterRoles, err = list(ctx, func(ctx context.Context, o metav1.ListOptions) ([]rbacv1.ClusterRole, string, error) {
				l, err := api.ClusterRoles().List(ctx, o)
				if err != nil {
					return nil, "", err
				}
				return l.Items, l.Continue, nil
			})
			return err
		}},
		{"roles", func(ctx context.Context) (err error) {
			roles, err = list(ctx, func(ctx context.Context, o metav1.ListOptions) ([]rbacv1.Role, string, error) {
				l, err := api.Roles(metav1.NamespaceAll).List(ctx, o)
				if err != nil {
					return nil, "", err
				}
				return l.Items, l.Continue, nil
			})
			return err
		}},
		{"clusterrolebindings", func(ctx context.Context) (err error) {
			everywhere, err = ListClusterRoleBindings(ctx, client)
			return err
		}},
		{"rolebindings", func(ctx context.Context) (err error) {
			somewhere, err = ListRoleBindings(ctx, client)
			return err
		}},
	}
	group, groupCtx := errgroup.WithContext(ctx)
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
	if err := group.Wait(); err != nil {
		return nil, err
	}
	index := NewIndex(clusterRoles, roles, everywhere, somewhere)
	for i, kind := range kinds {
		if forbidden[i] {
			index.Unread = append(index.Unread, kind.name)
		}
	}
	return index, nil
}

// ListClusterRoleBindings lists all of them, in pages. The error is the API's.
func ListClusterRoleBindings(ctx context.Context, client kubernetes.Interface) ([]rbacv1.ClusterRoleBinding, error) {
	return list(ctx, func(ctx context.Context, o metav1.ListOptions) ([]rbacv1.ClusterRoleBinding, string, error) {
		l, err := client.RbacV1().ClusterRoleBindings().List(ctx, o)
		if err != nil {
			return nil, "", err
		}
		return l.Items, l.Continue, nil
	})
}

// ListRoleBindings lists those of all namespaces, in pages. The error is the
// API's.
func ListRoleBindings(ctx context.Context, client kubernetes.Interface) ([]rbacv1.RoleBinding, error) {
	return list(ctx, func(ctx context.Context, o metav1.ListOptions) ([]rbacv1.RoleBinding, string, error) {
		l, err := client.RbacV1().RoleBindings(metav1.NamespaceAll).List(ctx, o)
		if err != nil {
			return nil, "", err
		}
		return l.Items, l.Continue, nil
	})
}
