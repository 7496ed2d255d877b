package cluster

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Allowed asks the API server whether the caller may do each of acts, all at
// once; every authenticated user may ask. The answers are in acts' order.
func (c *Cluster) Allowed(ctx context.Context, acts []authorizationv1.ResourceAttributes) ([]bool, error) {
	answers := make([]bool, len(acts))
	group, ctx := errgroup.WithContext(ctx)
	for i, act := range acts {
		group.Go(func() error {
			review, err := c.Client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx,
				&authorizationv1.SelfSubjectAccessReview{
					Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &act},
				}, metav1.CreateOptions{})
			if err != nil {
				return fmt.Errorf("checking your permissions: %w", err)
			}
			answers[i] = review.Status.Allowed
			return nil
		})
	}
	return answers, group.Wait()
}
