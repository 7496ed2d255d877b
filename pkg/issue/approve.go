package issue

import (
	"bytes"
	"context"
	"fmt"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// approve adds condition Approved. If the request changes meanwhile (a
// controller adds an annotation, say), it is approved only while it is still
// the very request that was submitted.
func (l *life) approve(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	submitted := l.current
	const attempts = 5
	for range attempts {
		request := l.current.DeepCopy()
		if refusal(request) != nil || isApproved(request) {
			return nil // someone else decided; the wait will see it
		}
		request.Status.Conditions = append(request.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
			Type:    certificatesv1.CertificateApproved,
			Status:  corev1.ConditionTrue,
			Reason:  "KubectlCertsIssue",
			Message: "Approved by the user who ran kubectl certs issue.",
		})
		_, err := l.api.UpdateApproval(ctx, request.Name, request, metav1.UpdateOptions{})
		if err == nil {
			l.approvedByCaller = true
			return nil
		}
		if !apierrors.IsConflict(err) {
			return fmt.Errorf("approving certificate signing request %q: %w", request.Name, err)
		}
		fresh, err := l.api.Get(ctx, request.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return l.deleted()
		}
		if err != nil {
			return fmt.Errorf("reading certificate signing request %q: %w", request.Name, err)
		}
		if fresh.UID != submitted.UID || !bytes.Equal(fresh.Spec.Request, submitted.Spec.Request) {
			return l.deleted()
		}
		l.current = fresh
	}
	return hint.New(fmt.Sprintf("approving certificate signing request %q: it kept changing", l.current.Name),
		"find what changes it: kubectl get csr -w")
}
