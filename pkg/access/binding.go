package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	rbacapply "k8s.io/client-go/applyconfigurations/rbac/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// undoTimeout bounds the clean-up after a failure or an interrupt.
const undoTimeout = 5 * time.Second

// applyTimeout bounds the making of bindings, which nobody can interrupt.
const applyTimeout = 15 * time.Second

// Binding is a binding as it stands in the cluster.
type Binding struct {
	Kind, Name, Namespace string
	uid                   string // "" where the answer was lost
	// Created says that it was not there before.
	Created bool
}

// binding returns the object of the grant, for showing.
func (g Grant) binding(user string) any {
	meta := metav1.ObjectMeta{
		Name: g.Name(user), Namespace: g.Namespace,
		Labels: labels(user), Annotations: map[string]string{UserAnnotation: user},
	}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: g.Kind(), Name: g.Role}
	kind := metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: g.Object()}
	if g.Namespace == "" {
		return &rbacv1.ClusterRoleBinding{TypeMeta: kind, ObjectMeta: meta, Subjects: subjects, RoleRef: ref}
	}
	return &rbacv1.RoleBinding{TypeMeta: kind, ObjectMeta: meta, Subjects: subjects, RoleRef: ref}
}

// Objects are the bindings of grants to user, as they are sent.
func Objects(user string, grants []Grant) []any {
	objects := make([]any, len(grants))
	for i, g := range grants {
		objects[i] = g.binding(user)
	}
	return objects
}

// apply makes the binding, or brings it back to what it should be, by
// server-side apply and never by force: what someone else has changed about it
// stays, as an error.
func (g Grant) apply(ctx context.Context, client kubernetes.Interface, user string, dryRun bool) (Binding, error) {
	options := metav1.ApplyOptions{FieldManager: fieldManager}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	subject := rbacapply.Subject().WithAPIGroup(rbacv1.GroupName).WithKind(rbacv1.UserKind).WithName(user)
	ref := rbacapply.RoleRef().WithAPIGroup(rbacv1.GroupName).WithKind(g.Kind()).WithName(g.Role)
	annotations := map[string]string{UserAnnotation: user}
	var meta metav1.ObjectMeta
	var err error
	if g.Namespace == "" {
		var made *rbacv1.ClusterRoleBinding
		made, err = client.RbacV1().ClusterRoleBindings().Apply(ctx, rbacapply.ClusterRoleBinding(g.Name(user)).
			WithLabels(labels(user)).WithAnnotations(annotations).WithSubjects(subject).WithRoleRef(ref), options)
		if err == nil {
			meta = made.ObjectMeta
		}
	} else {
		var made *rbacv1.RoleBinding
		made, err = client.RbacV1().RoleBindings(g.Namespace).Apply(ctx, rbacapply.RoleBinding(g.Name(user), g.Namespace).
			WithLabels(labels(user)).WithAnnotations(annotations).WithSubjects(subject).WithRoleRef(ref), options)
		if err == nil {
			meta = made.ObjectMeta
		}
	}
	if err != nil {
		return Binding{}, g.explain(err, user)
	}
	return Binding{Kind: g.Object(), Name: meta.Name, Namespace: meta.Namespace, uid: string(meta.UID)}, nil
}

func (g Grant) explain(err error, user string) error {
	wrapped := fmt.Errorf("applying %s %q %s: %w", g.Object(), g.Name(user), g.Where(), err)
	switch {
	case apierrors.IsConflict(err):
		return hint.Wrap(wrapped, "another program has changed this binding: delete it, or remove its subjects")
	case apierrors.IsNotFound(err) && g.Namespace != "":
		return hint.New(fmt.Sprintf("there is no namespace %q", g.Namespace), "create it, or name another with -n")
	}
	return wrapped
}

// Apply makes the bindings of grants to user, all at once. When one fails,
// those that were not there before are removed again. Once begun, it is not
// interrupted: half of it would have to be found again.
func Apply(ctx context.Context, client kubernetes.Interface, user string, grants []Grant) ([]Binding, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), applyTimeout)
	defer cancel()
	made := make([]Binding, len(grants))
	errs := make([]error, len(grants))
	var group errgroup.Group
	for i, g := range grants {
		group.Go(func() error {
			made[i], errs[i] = g.apply(callCtx, client, user, false)
			if errs[i] != nil && mayHaveArrived(errs[i]) {
				made[i] = Binding{Kind: g.Object(), Name: g.Name(user), Namespace: g.Namespace}
			}
			made[i].Created = !g.exists && made[i].Name != ""
			return nil
		})
	}
	_ = group.Wait()
	if err := errors.Join(errs...); err != nil {
		if undo := Remove(ctx, client, made); undo != nil {
			return nil, fmt.Errorf("%w; %w", err, undo)
		}
		return nil, err
	}
	return made, nil
}

// mayHaveArrived reports whether a call that failed with err may have been
// carried out all the same: its answer was lost.
func mayHaveArrived(err error) bool {
	return apierrors.ReasonForError(err) == metav1.StatusReasonUnknown || apierrors.IsTimeout(err) ||
		apierrors.IsServerTimeout(err) || apierrors.IsInternalError(err)
}

// Remove takes back those of bindings that Apply created, as long as they are
// still the same. It also works on an interrupted ctx.
func Remove(ctx context.Context, client kubernetes.Interface, bindings []Binding) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	var errs []error
	for _, b := range bindings {
		if !b.Created {
			continue
		}
		var options metav1.DeleteOptions
		if b.uid != "" {
			options = *metav1.NewPreconditionDeleteOptions(b.uid)
		}
		var err error
		if b.Namespace == "" {
			err = client.RbacV1().ClusterRoleBindings().Delete(ctx, b.Name, options)
		} else {
			err = client.RbacV1().RoleBindings(b.Namespace).Delete(ctx, b.Name, options)
		}
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			errs = append(errs, fmt.Errorf("%s %q could not be removed: %w", b.Kind, b.Name, err))
		}
	}
	return errors.Join(errs...)
}
