package issue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/wait"
	apiwatch "k8s.io/apimachinery/pkg/watch"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// signerPatience is how long an approved request waits for its certificate. A
// signer that works takes milliseconds; one that is switched off, or that a
// managed cluster does not have, never answers and never says so.
const signerPatience = 30 * time.Second

// retryEvery is how often a lost connection is tried again.
const retryEvery = 250 * time.Millisecond

// errDeleted marks a request that is gone.
var errDeleted = errors.New("deleted")

// follower follows one request by a watch, and keeps life.current up to date.
type follower struct {
	*life
	events apiwatch.Interface
}

// follow opens a watch from l.current on.
func (l *life) follow(ctx context.Context) (*follower, error) {
	f := &follower{life: l}
	if err := f.open(ctx); err != nil {
		return nil, fmt.Errorf("watching certificate signing request %q: %w", l.current.Name, err)
	}
	return f, nil
}

// open waits at most callTimeout for the watch to begin; the watch itself may
// last.
func (f *follower) open(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	tooLate := time.AfterFunc(callTimeout, func() { cancel(context.DeadlineExceeded) })
	defer tooLate.Stop()
	f.events, err = f.api.Watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector(metav1.ObjectNameField, f.current.Name).String(),
		ResourceVersion: f.current.ResourceVersion,
	})
	return err
}

func (f *follower) stop() {
	f.events.Stop()
}

// wait returns nil once the request is as done wants it, or says why it never
// will be: denied, failed, deleted, interrupted, or late after the timeout.
func (f *follower) wait(ctx context.Context, timeout time.Duration, done func(*certificatesv1.CertificateSigningRequest) bool, late error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, late)
	defer cancel()
	for {
		if err := refusal(f.current); err != nil {
			return err
		}
		if done(f.current) {
			return nil
		}
		if err := f.next(ctx); err != nil {
			return err
		}
	}
}

// next waits for the request to change.
func (f *follower) next(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case event, open := <-f.events.ResultChan():
		request, ok := event.Object.(*certificatesv1.CertificateSigningRequest)
		switch {
		case !open || !ok: // the server closed the watch, or says that it is too old
			return f.reopen(ctx)
		case event.Type == apiwatch.Deleted || request.UID != f.current.UID:
			return f.deleted()
		}
		f.current = request
		return nil
	}
}

// mostRefusals is how often whoever was let in before may be refused while an
// API server starts.
const mostRefusals = 40

// reopen reads the request and watches it from there, as long as it takes the
// API server to come back.
func (f *follower) reopen(ctx context.Context) error {
	f.events.Stop()
	var last error
	refusals := 0
	err := wait.PollUntilContextCancel(ctx, retryEvery, true, func(ctx context.Context) (bool, error) {
		request, err := f.api.Get(ctx, f.current.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err), err == nil && request.UID != f.current.UID:
			return false, f.deleted()
		case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
			// An API server that has just started knows no bindings yet.
			if refusals++; refusals < mostRefusals {
				last = err
				return false, nil
			}
			return false, fmt.Errorf("reading certificate signing request %q: %w", f.current.Name, err)
		case err != nil:
			last = err
			return false, nil
		}
		f.current = request
		last = f.open(ctx)
		return last == nil, nil
	})
	if ctx.Err() != nil && last != nil {
		return fmt.Errorf("watching certificate signing request %q: %w", f.current.Name, last)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// condition returns the request's condition of that type, or nil.
func condition(request *certificatesv1.CertificateSigningRequest, of certificatesv1.RequestConditionType) *certificatesv1.CertificateSigningRequestCondition {
	for i, c := range request.Status.Conditions {
		if c.Type == of {
			return &request.Status.Conditions[i]
		}
	}
	return nil
}

func isApproved(request *certificatesv1.CertificateSigningRequest) bool {
	return condition(request, certificatesv1.CertificateApproved) != nil
}

func isSigned(request *certificatesv1.CertificateSigningRequest) bool {
	return len(request.Status.Certificate) > 0
}

// refusal says why the request was turned down, or returns nil.
func refusal(request *certificatesv1.CertificateSigningRequest) error {
	if c := condition(request, certificatesv1.CertificateDenied); c != nil {
		return hint.New(fmt.Sprintf("request %q was denied%s", request.Name, reasons(c)),
			"ask an approver of this cluster, and run the command again")
	}
	if c := condition(request, certificatesv1.CertificateFailed); c != nil {
		return hint.New(fmt.Sprintf("signer %s refused request %q%s", request.Spec.SignerName, request.Name, reasons(c)),
			"the signer accepts only certain subjects and usages; see: kubectl describe csr "+request.Name)
	}
	return nil
}

// reasons renders what a condition says about itself.
func reasons(c *certificatesv1.CertificateSigningRequestCondition) string {
	var text strings.Builder
	for _, part := range []string{c.Reason, c.Message} {
		if part != "" {
			text.WriteString(": " + part)
		}
	}
	return text.String()
}

func (l *life) deleted() error {
	return hint.Wrap(fmt.Errorf("request %q was %w by another user before a certificate was issued", l.current.Name, errDeleted),
		"run the command again")
}

func (l *life) notApproved(timeout time.Duration) error {
	return hint.New(fmt.Sprintf("request %q was not approved within %s", l.current.Name, timeout),
		"while this command waits, an approver runs: kubectl certs approve NAME; wait longer with --timeout")
}

func (l *life) notSigned(timeout time.Duration) error {
	return hint.New(fmt.Sprintf("request %q was approved, but signer %s issued no certificate within %s", l.current.Name, l.current.Spec.SignerName, timeout),
		"kube-controller-manager signs: check that it runs and has the cluster's CA key; some managed services (EKS) never sign client certificates")
}
