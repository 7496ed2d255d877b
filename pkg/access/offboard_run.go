package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
)

// whoAmI asks the API server whom it takes the caller for.
func whoAmI(ctx context.Context, client kubernetes.Interface) (string, error) {
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("checking your user name: %w", err)
	}
	return review.Status.UserInfo.Username, nil
}

// Extent says how far offboarding goes.
type Extent struct {
	// AllBindings removes the user's subject from others' bindings too, and
	// nothing else of them.
	AllBindings bool
	// DenyPending denies, beside the requests of this program for the user,
	// those that others made for the user or that lead back to them.
	DenyPending bool
}

// ToDeny are the requests that Extent.DenyPending is about: pending ones, and
// those that are approved, but not signed.
func (f *Farewell) ToDeny() []Request {
	open := slices.Clone(f.OthersPending)
	for _, t := range f.Traces {
		if t.State != Issued && t.Request != nil {
			open = append(open, *t.Request)
		}
	}
	return open
}

// CheckMayOffboard returns an error that names what the caller lacks to do
// what f says, to that extent. Nothing is changed.
func (f *Farewell) CheckMayOffboard(ctx context.Context, client kubernetes.Interface, allowed permit.Allowed, extent Extent) error {
	var needed []permit.Act
	need := func(a permit.Act) {
		if !slices.Contains(needed, a) {
			needed = append(needed, a)
		}
	}
	for _, h := range f.Ours {
		need(h.act("delete"))
	}
	if extent.AllBindings {
		for _, h := range f.Others {
			need(h.act("get"))
			need(h.act("update"))
		}
	}
	if len(f.Pending) > 0 {
		need(requestAct("delete"))
	}
	for _, act := range MarkActs() {
		need(act)
	}
	var deciding error
	if extent.DenyPending {
		var signers []string
		for _, r := range f.ToDeny() {
			signers = append(signers, r.Signer)
			if r.State == Approved {
				need(requestAct("delete"))
			}
		}
		if len(signers) > 0 {
			deciding = CheckMayDecide(ctx, allowed, signers...)
		}
	}
	may := permit.Known{}
	if err := may.Ask(ctx, allowed, needed); err != nil {
		return err
	}
	missing := permit.Join(permit.NewMissing(may.Lacking(needed), lackingAdvice), deciding)
	if missing != nil || !extent.AllBindings {
		return missing
	}
	return f.probeOthers(ctx, client)
}

func (h Held) act(verb string) permit.Act {
	resource := "clusterrolebindings"
	if h.Kind == "RoleBinding" {
		resource = "rolebindings"
	}
	return permit.Act{Verb: verb, Group: rbacv1.GroupName, Version: "v1", Resource: resource, Namespace: h.Namespace}
}

// Offboard does what f says: it writes down that the user was offboarded, so
// that this program gives them no other certificate, withdraws the pending
// requests, so that nothing new comes of them, then removes the bindings, and marks the records
// as ended at now, all to that extent. done is told of each thing. It goes
// on after a failure, and returns all of them; interrupted, it stops.
func (f *Farewell) Offboard(ctx context.Context, client kubernetes.Interface, extent Extent, now time.Time, done func(what string)) []error {
	var errs []error
	try := func(what string, do func() error) {
		if ctx.Err() != nil {
			return
		}
		if err := do(); err != nil {
			errs = append(errs, err)
			return
		}
		done(what)
	}
	try("User "+f.User+" marked as offboarded", func() error { return markOffboarded(ctx, client, f.User, f.by, f.approver, now) })
	for _, r := range f.Pending {
		try("Request "+r.Name+" withdrawn", func() error { return withdraw(ctx, client, r) })
	}
	if extent.DenyPending {
		for _, r := range f.ToDeny() {
			f.deny(ctx, client, r, try)
		}
	}
	for _, h := range f.Ours {
		try(h.String()+" deleted", func() error { return h.delete(ctx, client) })
	}
	if extent.AllBindings {
		for _, h := range f.Others {
			try(h.String()+" does not name "+f.User+" any more", func() error { return h.removeUser(ctx, client, f.User, false) })
		}
	}
	for _, r := range f.Records {
		try("Record "+r.Name+" marked as ended", func() error { return r.end(ctx, client, now) })
	}
	return errs
}

// deny denies a request or, where it is approved already and so cannot be
// denied, deletes it.
func (f *Farewell) deny(ctx context.Context, client kubernetes.Interface, r Request, try func(string, func() error)) {
	if r.State == Approved {
		try("Request "+r.Name+" deleted", func() error { return withdraw(ctx, client, r) })
		return
	}
	try("Request "+r.Name+" denied", func() error {
		return Decide(ctx, client, &r, Verdict{Reason: "Offboarded", Message: fmt.Sprintf("User %q was offboarded.", f.User)})
	})
}

// withdraw deletes a request that has no certificate: one that has is the trace
// of a certificate that is valid. It deletes the request as it was read alone,
// and reads it again where it has changed.
func withdraw(ctx context.Context, client kubernetes.Interface, r Request) error {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	object := r.object
	err := retry.OnError(retry.DefaultRetry, apierrors.IsConflict, func() error {
		if object == nil {
			var err error
			if object, err = findRequest(ctx, client, r); object == nil {
				return err
			}
		}
		if len(object.Status.Certificate) > 0 {
			return errIssuedMeanwhile
		}
		version := object.ResourceVersion
		options := metav1.NewPreconditionDeleteOptions(string(object.UID))
		if version != "" {
			options.Preconditions.ResourceVersion = &version
		}
		object = nil
		return client.CertificatesV1().CertificateSigningRequests().Delete(ctx, r.Name, *options)
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("withdrawing request %q: %w", r.Name, err)
	}
	return nil
}

// errIssuedMeanwhile says why a request was not withdrawn.
var errIssuedMeanwhile = errors.New("its certificate was issued in the meantime")

// findRequest reads r again, by the right to list that offboarding takes anyway;
// nil where it is gone, or another has its name.
func findRequest(ctx context.Context, client kubernetes.Interface, r Request) (*certificatesv1.CertificateSigningRequest, error) {
	list, err := client.CertificatesV1().CertificateSigningRequests().List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + r.Name})
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		if list.Items[i].UID == r.object.UID {
			return &list.Items[i], nil
		}
	}
	return nil, nil
}

// delete deletes the binding, if it is still that one.
func (h Held) delete(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	var err error
	if options := *metav1.NewPreconditionDeleteOptions(string(h.uid)); h.Namespace == "" {
		err = client.RbacV1().ClusterRoleBindings().Delete(ctx, h.Name, options)
	} else {
		err = client.RbacV1().RoleBindings(h.Namespace).Delete(ctx, h.Name, options)
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting %s: %w", h, err)
	}
	return nil
}

// end marks the record.
func (r Record) end(ctx context.Context, client kubernetes.Interface, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	patch, err := json.Marshal(map[string]any{"data": map[string]string{"ended": at.UTC().Format(time.RFC3339)}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().ConfigMaps(RecordNamespace).Patch(ctx, r.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("marking record %s/%s as ended: %w", RecordNamespace, r.Name, err)
	}
	return nil
}
