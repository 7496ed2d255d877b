package access

import (
	"context"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// pages calls list for one page after another.
func pages(list func(metav1.ListOptions) (next string, err error)) error {
	options := metav1.ListOptions{Limit: pageSize}
	for {
		next, err := list(options)
		if err != nil || next == "" {
			return err
		}
		options.Continue = next
	}
}

func listClusterRoles(ctx context.Context, client kubernetes.Interface) (all []rbacv1.ClusterRole, err error) {
	err = pages(func(options metav1.ListOptions) (string, error) {
		page, err := client.RbacV1().ClusterRoles().List(ctx, options)
		if err != nil {
			return "", err
		}
		all = append(all, page.Items...)
		return page.Continue, nil
	})
	return all, err
}

func listClusterRoleBindings(ctx context.Context, client kubernetes.Interface) (all []rbacv1.ClusterRoleBinding, err error) {
	err = pages(func(options metav1.ListOptions) (string, error) {
		page, err := client.RbacV1().ClusterRoleBindings().List(ctx, options)
		if err != nil {
			return "", err
		}
		all = append(all, page.Items...)
		return page.Continue, nil
	})
	return all, err
}

func listRoleBindings(ctx context.Context, client kubernetes.Interface) (all []rbacv1.RoleBinding, err error) {
	err = pages(func(options metav1.ListOptions) (string, error) {
		page, err := client.RbacV1().RoleBindings(metav1.NamespaceAll).List(ctx, options)
		if err != nil {
			return "", err
		}
		all = append(all, page.Items...)
		return page.Continue, nil
	})
	return all, err
}
