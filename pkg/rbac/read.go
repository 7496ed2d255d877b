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

// Objects are the roles and bindings of a cluster, as they are stored.
type Objects struct {
	ClusterRoles        []rbacv1.ClusterRole
	Roles               []rbacv1.Role
	ClusterRoleBindings []rbacv1.ClusterRoleBinding
	RoleBindings        []rbacv1.RoleBinding
	// Unread names the kinds of object that the caller may not list.
	Unread []string
}

// Index returns the index of what was read.
func (o *Objects) Index() *Index {
	index := NewIndex(o.ClusterRoles, o.Roles, o.ClusterRoleBindings, o.RoleBindings)
	index.Unread = o.Unread
	return index
}

// Read reads the roles and bindings of the cluster, and returns their index. What
// the caller may not list is named in its Unread; any other failure is an error
// that names the kind.
func Read(ctx context.Context, client kubernetes.Interface) (*Index, error) {
	objects, err := ReadObjects(ctx, client)
	if err != nil {
		return nil, err
	}
	return objects.Index(), nil
}

// ReadObjects reads the roles and bindings of the cluster, in parallel. What the
// caller may not list is named in Unread; any other failure is an error that
// names the kind.
func ReadObjects(ctx context.Context, client kubernetes.Interface) (*Objects, error) {
	o := &Objects{}
	api := client.RbacV1()
	kinds := []struct {
		name string
		read func(context.Context) error
	}{
		{"clusterroles", func(ctx context.Context) (err error) {
			o.ClusterRoles, err = list(ctx, func(ctx context.Context, options metav1.ListOptions) ([]rbacv1.ClusterRole, string, error) {
				l, err := api.ClusterRoles().List(ctx, options)
				if err != nil {
					return nil, "", err
				}
				return l.Items, l.Continue, nil
			})
			return err
		}},
		{"roles", func(ctx context.Context) (err error) {
			o.Roles, err = list(ctx, func(ctx context.Context, options metav1.ListOptions) ([]rbacv1.Role, string, error) {
				l, err := api.Roles(metav1.NamespaceAll).List(ctx, options)
				if err != nil {
					return nil, "", err
				}
				return l.Items, l.Continue, nil
			})
			return err
		}},
		{"clusterrolebindings", func(ctx context.Context) (err error) {
			o.ClusterRoleBindings, err = list(ctx, func(ctx context.Context, options metav1.ListOptions) ([]rbacv1.ClusterRoleBinding, string, error) {
				l, err := api.ClusterRoleBindings().List(ctx, options)
				if err != nil {
					return nil, "", err
				}
				return l.Items, l.Continue, nil
			})
			return err
		}},
		{"rolebindings", func(ctx context.Context) (err error) {
			o.RoleBindings, err = list(ctx, func(ctx context.Context, options metav1.ListOptions) ([]rbacv1.RoleBinding, string, error) {
				l, err := api.RoleBindings(metav1.NamespaceAll).List(ctx, options)
				if err != nil {
					return nil, "", err
				}
				return l.Items, l.Continue, nil
			})
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
	for i, kind := range kinds {
		if forbidden[i] {
			o.Unread = append(o.Unread, kind.name)
		}
	}
	return o, nil
}
