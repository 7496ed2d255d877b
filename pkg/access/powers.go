package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/confusable"
	"github.com/kubectl-certs/kubectl-certs/pkg/rbac"
)

// DefaultSignerLife is the longest life, and that of a request which asks for
// none, that the cluster's own signers give unless
// --cluster-signing-duration of the controller manager says otherwise
// (pkg/controller/certificates/signer/config/v1alpha1/defaults.go).
const DefaultSignerLife = 365 * 24 * time.Hour

// Powers is what the cluster makes of names: as much of it as is needed to see
// what a certificate would mean.
type Powers struct {
	// RBAC holds the cluster's roles and bindings; nil for none.
	RBAC *rbac.Index
	// SignerLife is the longest life that the cluster's own signers give.
	SignerLife time.Duration
	// Unseen are the kinds of object that the caller may not list, without
	// which the above is not the whole truth.
	Unseen []string

	once sync.Once
	// users and groups find bound names by what they look like.
	users, groups confusable.Lookup
}

// ReadPowers reads the cluster's roles and bindings, once for all requests.
// What the caller may not read is named in Unseen.
func ReadPowers(ctx context.Context, client kubernetes.Interface) (*Powers, error) {
	p := &Powers{}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		p.RBAC, err = rbac.Read(groupCtx, client)
		return err
	})
	group.Go(func() (err error) {
		p.SignerLife, err = readSignerLife(groupCtx, client)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	p.Unseen = p.RBAC.Unread
	return p, nil
}

// looksLike returns a user or a group that has bindings, or administers, and
// looks like name without being it; "" if there is none.
func (p *Powers) looksLike(name string, isGroup bool) string {
	p.once.Do(func() {
		users, groups := p.RBAC.Names()
		p.users = confusable.NewLookup(users)
		p.groups = confusable.NewLookup(append(groups, catalog.Masters, catalog.KubeadmAdmins, catalog.OwnAdmins))
	})
	if isGroup {
		return p.groups.Like(name)
	}
	return p.users.Like(name)
}

// readSignerLife finds --cluster-signing-duration of the controller manager,
// where that runs as a pod and the caller may see it; elsewhere its default.
func readSignerLife(ctx context.Context, client kubernetes.Interface) (time.Duration, error) {
	pods, err := client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: "component=kube-controller-manager"})
	if apierrors.IsForbidden(err) {
		return DefaultSignerLife, nil
	}
	if err != nil {
		return 0, fmt.Errorf("listing the controller manager's pods: %w", err)
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
