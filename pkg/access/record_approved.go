package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// signedPoll is how often a request that was approved is looked at. Kubernetes'
// own signers answer within milliseconds.
const signedPoll = 200 * time.Millisecond

// errNotSigned says that no certificate came in the time that there was.
var errNotSigned = errors.New("the request is approved, but not signed yet")

// RecordApproved records the certificate of a request that the caller has
// approved, and that the caller did so: the API names no one who approved a
// request, and forgets the request within the hour. It waits up to patience for
// the certificate. Requests of signers whose certificates do not authenticate
// users, and those that the signer refuses, are not recorded: then it returns nil.
func RecordApproved(ctx context.Context, client kubernetes.Interface, approved *Request, patience time.Duration, now func() time.Time) error {
	if approved.Signer != certificatesv1.KubeAPIServerClientSignerName {
		return nil
	}
	approver, err := whoAmI(ctx, client)
	if err != nil {
		return err
	}
	signed, err := awaitSigned(ctx, client, approved, patience)
	if err != nil || signed == nil {
		return err
	}
	certs, err := pki.ParseCertificates(signed.Status.Certificate)
	if err != nil || len(certs) == 0 {
		return fmt.Errorf("reading the certificate of request %q: %w", approved.Name, errors.Join(err, errors.New("it has no certificate")))
	}
	record := NewRecord(certs[0], approved.Signer, signed.Spec.Username, approver, approved.Name, now())
	created, err := save(ctx, client, record)
	if err != nil || created {
		return err
	}
	return nameApprover(ctx, client, record)
}

// awaitSigned waits for the certificate of a request; nil if there will be none.
func awaitSigned(ctx context.Context, client kubernetes.Interface, approved *Request, patience time.Duration) (*certificatesv1.CertificateSigningRequest, error) {
	var signed *certificatesv1.CertificateSigningRequest
	look := func(ctx context.Context) (done bool, err error) {
		current, err := client.CertificatesV1().CertificateSigningRequests().Get(ctx, approved.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err) || err == nil && current.UID != approved.object.UID:
			return true, nil
		case err != nil:
			return false, err
		}
		switch stateOf(current) {
		case Issued:
			signed = current
			return true, nil
		case Failed, Denied:
			return true, nil
		}
		return false, nil
	}
	err := wait.PollUntilContextTimeout(ctx, signedPoll, patience, true, look)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, hint.Wrap(errNotSigned, "the signer may be down or slow: kubectl get csr "+approved.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("waiting for the certificate of request %q: %w", approved.Name, err)
	}
	return signed, nil
}

// nameApprover writes who approved into a record that the requester made first,
// unless it names another user already.
func nameApprover(ctx context.Context, client kubernetes.Interface, record Record) error {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	maps := client.CoreV1().ConfigMaps(RecordNamespace)
	current, err := maps.Get(ctx, record.Name, metav1.GetOptions{})
	if err == nil && current.Data["approvedBy"] == "" && current.Data["sha256"] == record.Fingerprint {
		current.Data["approvedBy"] = record.ApprovedBy
		_, err = maps.Update(ctx, current, metav1.UpdateOptions{FieldManager: fieldManager})
	}
	switch {
	case err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err):
		return nil
	case apierrors.IsForbidden(err):
		return permit.NewMissing([]string{"get, update configmaps -n " + RecordNamespace}, "the certificate is recorded by its requester, but not that you approved it")
	}
	return fmt.Errorf("recording the approver in ConfigMap %s/%s: %w", RecordNamespace, record.Name, err)
}
