package issue

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	certificatesclient "k8s.io/client-go/kubernetes/typed/certificates/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Event is a step in the life of a request.
type Event int

// The events, in order. A request is either approved by the caller or waits
// for someone else.
const (
	Submitted Event = iota
	Approved
	AwaitingApproval
	Signed
	BindingCreated
)

// Issued is a certificate that passed every check, and its key.
type Issued struct {
	// RequestName names the CertificateSigningRequest, which the cluster
	// forgets within the hour.
	RequestName string
	Certificate *x509.Certificate
	// CertificatePEM is the certificate, and what the signer sent along.
	CertificatePEM []byte
	// Exceeds is by how much the certificate outlives what was asked for; 0
	// where it does not, or by less than is tolerated.
	Exceeds time.Duration
	// Key is the private key as PEM. It exists nowhere else. It is nil when
	// somebody's own request was signed.
	Key []byte
	// RequestedBy is whom the API server took the caller for; ApprovedBy is
	// the same where the caller approved, and "" for someone else, whom the
	// API does not name.
	RequestedBy, ApprovedBy string

	request *certificatesv1.CertificateSigningRequest
}

// callTimeout bounds a single call: a server that accepts and never answers
// must not hold anyone for ever.
const callTimeout = 30 * time.Second

// withdrawTimeout bounds the clean-up after a failure or an interrupt.
const withdrawTimeout = 5 * time.Second

// Run carries out plan: it makes the key, submits the request, approves it if
// the caller may, waits for the certificate, checks it and creates the binding
// that the group still lacks. now is asked after the wait. Unless all of that
// succeeds, a request that could still lead to a certificate is withdrawn.
func Run(ctx context.Context, client kubernetes.Interface, plan *Plan, now func() time.Time, notify func(event Event, requestName string)) (*Issued, error) {
	request, key, err := NewCSR(plan)
	if err != nil {
		return nil, err
	}
	life := &life{api: client.CertificatesV1().CertificateSigningRequests(), current: request}
	certificatePEM, err := life.run(ctx, plan, func(e Event) { notify(e, request.Name) })
	if err != nil {
		return nil, life.withdraw(ctx, err)
	}
	public := plan.PublicKey
	if key != nil {
		public = key.Public()
	}
	checked, err := verify(certificatePEM, public, plan, now())
	if err != nil {
		return nil, life.discard(ctx, fmt.Errorf("checking the certificate issued for request %q: %w", request.Name, err))
	}
	if plan.Binding != nil {
		if err := createBinding(ctx, client, plan.Binding); err != nil {
			return nil, err
		}
		notify(BindingCreated, plan.Binding.Name)
	}
	issued := &Issued{
		RequestName:    request.Name,
		Certificate:    checked.leaf,
		CertificatePEM: checked.pem,
		Exceeds:        checked.exceeds,
		RequestedBy:    life.current.Spec.Username,
		request:        life.current,
	}
	if life.approvedByCaller {
		issued.ApprovedBy = issued.RequestedBy
	}
	if key != nil {
		if issued.Key, err = pki.EncodeKey(key); err != nil {
			return nil, err
		}
	}
	return issued, nil
}

// NewCSR returns the object that asks for plan's certificate, and the key that
// it is for: a new one, or nil where the plan holds somebody's own request.
func NewCSR(plan *Plan) (*certificatesv1.CertificateSigningRequest, crypto.Signer, error) {
	pkcs10 := plan.PKCS10
	var key crypto.Signer
	if pkcs10 == nil {
		var err error
		if key, err = pki.GenerateKey(plan.KeyType); err != nil {
			return nil, nil, fmt.Errorf("generating a private key: %w", err)
		}
		if pkcs10, err = pki.NewRequest(key, plan.Subject); err != nil {
			return nil, nil, err
		}
	}
	seconds := int32(plan.ExpiresIn / time.Second)
	return &certificatesv1.CertificateSigningRequest{
		TypeMeta: metav1.TypeMeta{APIVersion: certificatesv1.SchemeGroupVersion.String(), Kind: "CertificateSigningRequest"},
		ObjectMeta: metav1.ObjectMeta{
			Name:   newName(plan.Subject.CommonName),
			Labels: map[string]string{ManagedByLabel: ManagedBy},
		},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:           pkcs10,
			SignerName:        plan.Signer,
			ExpirationSeconds: &seconds,
			Usages:            usages,
		},
	}, key, nil
}

// DryRun lets the API server judge the object that NewCSR made, and keeps
// nothing there.
func DryRun(ctx context.Context, client kubernetes.Interface, request *certificatesv1.CertificateSigningRequest) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := client.CertificatesV1().CertificateSigningRequests().Create(ctx, request, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return fmt.Errorf("creating certificate signing request %q, as a dry run: %w", request.Name, err)
	}
	return nil
}

// life is one request's, from its creation to its certificate.
type life struct {
	api certificatesclient.CertificateSigningRequestInterface
	// current is the request as it was last seen; its UID is empty until the
	// API server has answered.
	current *certificatesv1.CertificateSigningRequest
	// approvedByCaller is set once the caller's own approval was taken.
	approvedByCaller bool
}

// run takes the request from creation to its certificate, as PEM.
func (l *life) run(ctx context.Context, plan *Plan, notify func(Event)) ([]byte, error) {
	if err := l.create(ctx); err != nil {
		return nil, err
	}
	notify(Submitted)

	// The watch is open before the approval, so that nothing is missed and
	// nothing needs to be asked twice.
	follower, err := l.follow(ctx)
	if err != nil {
		return nil, err
	}
	defer follower.stop()
	if plan.MayApprove {
		if err := l.approve(ctx); err != nil {
			return nil, err
		}
		notify(Approved)
	} else {
		notify(AwaitingApproval)
	}
	if err := follower.wait(ctx, plan.Timeout, isApproved, l.notApproved(plan.Timeout)); err != nil {
		return nil, err
	}
	patience := min(plan.Timeout, signerPatience)
	if err := follower.wait(ctx, patience, isSigned, l.notSigned(patience)); err != nil {
		return nil, err
	}
	notify(Signed)
	return l.current.Status.Certificate, nil
}

func (l *life) create(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	created, err := l.api.Create(ctx, l.current, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("creating certificate signing request %q: %w", l.current.Name, err)
	}
	l.current = created
	return nil
}

// withdraw deletes the request after cause, if it could still lead to a
// certificate that nobody waits for. It returns cause, with what went wrong on
// the way. It also works on an interrupted ctx.
func (l *life) withdraw(ctx context.Context, cause error) error {
	if isSigned(l.current) || refusal(l.current) != nil || errors.Is(cause, errDeleted) {
		return cause // nothing is pending
	}
	if l.current.UID == "" && !mayHaveArrived(cause) {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTimeout)
	defer cancel()
	options := metav1.DeleteOptions{}
	if l.current.UID != "" {
		options.Preconditions = &metav1.Preconditions{UID: &l.current.UID}
	}
	err := l.api.Delete(ctx, l.current.Name, options)
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return cause
	}
	return fmt.Errorf("%w; %w", cause, &LeftPending{l.current.Name, err})
}

// Withdraw deletes the request of a certificate that is not to be used, so that
// nobody finds the certificate in it, and returns cause with what became of the
// request. It also works on an interrupted ctx.
func (i *Issued) Withdraw(ctx context.Context, client kubernetes.Interface, cause error) error {
	life := &life{api: client.CertificatesV1().CertificateSigningRequests(), current: i.request}
	return life.discard(ctx, cause)
}

// discard is withdraw for a request that was signed.
func (l *life) discard(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTimeout)
	defer cancel()
	err := l.api.Delete(ctx, l.current.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &l.current.UID}})
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return fmt.Errorf("%w; request %q was withdrawn", cause, l.current.Name)
	}
	return fmt.Errorf("%w; request %q has the certificate, and could not be withdrawn (%v): the cluster deletes it within an hour", cause, l.current.Name, err)
}

// LeftPending says that a request which nobody waits for any more could not be
// withdrawn. The cluster forgets it after 24 hours.
type LeftPending struct {
	RequestName string
	err         error
}

// Error implements error.
func (l *LeftPending) Error() string {
	return fmt.Sprintf("request %q could not be withdrawn; the cluster deletes it within 24 hours: %v", l.RequestName, l.err)
}

// Unwrap returns why.
func (l *LeftPending) Unwrap() error { return l.err }

// mayHaveArrived reports whether a creation that failed with err may have
// happened all the same: the answer was lost, or the server was in trouble.
func mayHaveArrived(err error) bool {
	return apierrors.ReasonForError(err) == metav1.StatusReasonUnknown ||
		apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsInternalError(err)
}
