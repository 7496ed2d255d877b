package access

import (
	"context"

	"k8s.io/client-go/kubernetes"
)

// Missing returns those of a user's grants that there are no bindings for,
// and refuses those whose names stand on someone else's. The grants have been
// prepared for some user.
func Missing(ctx context.Context, client kubernetes.Interface, user string, grants []Grant) (missing []Grant, err error) {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	for _, g := range grants {
		if g.exists, err = g.isOurs(ctx, client, user); err != nil {
			return nil, err
		}
		if !g.exists {
			missing = append(missing, g)
		}
	}
	return missing, nil
}
