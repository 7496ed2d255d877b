package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
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
		return "", fmt.Errorf("asking who you are: %w", err)
	}
	return review.Status.UserInfo.Username, nil
}

// CheckMayOffboard returns an error that names what the caller lacks to do
// what f says, with the user's place in others' bindings too if all is set.
func (f *Farewell) CheckMayOffboard(ctx context.Context, allowed permit.Allowed, all bool) error {
	var needed []permit.Act
	need := func(a permit.Act) {
		if !slices.Contains(needed, a) {
			needed = append(needed, a)
		}
	}
	for _, h := range f.Ours {
		need(h.act("delete"))
	}
	if all {
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
	may := permit.Known{}
	if err := may.Ask(ctx, allowed, needed); err != nil {
		return err
	}
	return permit.NewMissing(may.Lacking(needed), lackingAdvice)
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
// as ended at now. With all, the user's subject is removed from others'
// bindings too, and nothing else of them. done is told of each thing. It goes
// on after a failure, and returns all of them; interrupted, it stops.
func (f *Farewell) Offboard(ctx context.Context, client kubernetes.Interface, all bool, now time.Time, done func(what string)) []error {
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
	try("User "+f.User+" marked as offboarded", func() error { return markOffboarded(ctx, client, f.User, f.by, false, now) })
	for _, r := range f.Pending {
		try("Request "+r.Name+" withdrawn", func() error { return withdraw(ctx, client, r) })
	}
	for _, h := range f.Ours {
		try(h.String()+" deleted", func() error { return h.delete(ctx, client) })
	}
	if all {
		for _, h := range f.Others {
			try(h.String()+" does not name "+f.User+" any more", func() error { return h.removeUser(ctx, client, f.User) })
		}
	}
	for _, r := range f.Records {
		try("Record "+r.Name+" marked as ended", func() error { return r.end(ctx, client, now) })
	}
	return errs
}

func withdraw(ctx context.Context, client kubernetes.Interface, r Request) error {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	err := client.CertificatesV1().CertificateSigningRequests().Delete(ctx, r.Name, *metav1.NewPreconditionDeleteOptions(string(r.object.UID)))
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("withdrawing request %q: %w", r.Name, err)
	}
	return nil
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

// removeUser takes the user's subject out of the binding as it is by then, and
// leaves everything else: also a binding without any subject.
func (h Held) removeUser(ctx context.Context, client kubernetes.Interface, user string) error {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	without := func(subjects []rbacv1.Subject) []rbacv1.Subject {
		return slices.DeleteFunc(subjects, func(s rbacv1.Subject) bool { return isUser(s, user) })
	}
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if h.Namespace == "" {
			api := client.RbacV1().ClusterRoleBindings()
			binding, err := api.Get(ctx, h.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			binding.Subjects = without(binding.Subjects)
			_, err = api.Update(ctx, binding, metav1.UpdateOptions{FieldManager: fieldManager})
			return err
		}
		api := client.RbacV1().RoleBindings(h.Namespace)
		binding, err := api.Get(ctx, h.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		binding.Subjects = without(binding.Subjects)
		_, err = api.Update(ctx, binding, metav1.UpdateOptions{FieldManager: fieldManager})
		return err
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing user %q from %s: %w", user, h, err)
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

// probes are acts that tell what somebody may still do.
var probes = []authorizationv1.ResourceAttributes{
	{Verb: "*", Group: "*", Resource: "*"},
	{Verb: "get", Resource: "secrets"},
	{Verb: "list", Resource: "pods"},
	{Verb: "create", Resource: "pods"},
	{Verb: "create", Resource: "pods", Subresource: "exec"},
	{Verb: "create", Group: "apps", Resource: "deployments"},
	{Verb: "list", Resource: "nodes"},
	{Verb: "create", Group: "certificates.k8s.io", Resource: "certificatesigningrequests"},
}

// propagation is how long the API server's own view of bindings may lag
// behind.
const propagation = 500 * time.Millisecond

// StillAllowed asks the API server which of some telling acts, in the whole
// cluster, a holder of the user's certificates may still do.
func (f *Farewell) StillAllowed(ctx context.Context, client kubernetes.Interface) (acts []string, err error) {
	if acts, err = f.probe(ctx, client); err != nil || len(acts) == 0 {
		return nil, err
	}
	pause(ctx, propagation)
	return f.probe(ctx, client)
}

func (f *Farewell) probe(ctx context.Context, client kubernetes.Interface) ([]string, error) {
	var acts []string
	for _, act := range probes {
		review, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: f.User, Groups: f.Groups, ResourceAttributes: &act},
		}, metav1.CreateOptions{})
		if err != nil {
			return nil, fmt.Errorf("asking what %q may still do: %w", f.User, err)
		}
		if review.Status.Allowed {
			acts = append(acts, permit.Describe(act))
		}
	}
	return acts, nil
}
