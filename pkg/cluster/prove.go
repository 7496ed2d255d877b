package cluster

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// WhoAmI asks the API server whom it takes the holder of a client certificate
// and key (both PEM) for.
func (c *Cluster) WhoAmI(ctx context.Context, certificate, key []byte) (user string, err error) {
	config := rest.AnonymousClientConfig(c.Config)
	config.CertData, config.KeyData = certificate, key
	tellRefusals(config)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", fmt.Errorf("preparing to use the new certificate: %w", err)
	}
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("using the new certificate: %w", err)
	}
	return review.Status.UserInfo.Username, nil
}
