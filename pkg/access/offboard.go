package access

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"golang.org/x/sync/errgroup"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/rbac"
)

// authenticatedGroup is the group that everyone is in whom the API server
// knows.
const authenticatedGroup = "system:authenticated"

// Leaver is whose access is taken back, and what is known of them beside what
// the cluster knows.
type Leaver struct {
	User string
	// Groups are further groups that the user is known to be in.
	Groups []string
	// Accepted are users whose certificates are known to be theirs, though the
	// leaver asked for or approved them.
	Accepted []string
	// ClientCA is what the API server verifies client certificates against;
	// none where the caller may not read it.
	ClientCA []*x509.Certificate
}

// Farewell is what there is of a user in a cluster, and so what taking their
// access back means.
type Farewell struct {
	Leaver
	// by is who takes it back: the caller.
	by string
	// Groups are those in the user's certificates, and system:authenticated.
	Groups []string
	// Ours were made by this program for the user; Others by somebody else,
	// or for others too; ByGroup name a group of the user.
	Ours, Others, ByGroup []Held
	// Pending are requests of ours that could still lead to a certificate,
	// OthersPending those that this program did not make.
	Pending, OthersPending []Request
	// Records are those of certificates that are still good.
	Records []Record
	// Until is when the last certificate that is known of expires; the zero
	// time where none is.
	Until time.Time
	// Traces are valid certificates, and requests that could still lead to
	// one, for other users, which the user asked for or approved.
	Traces []Trace
	// Unattributed are valid certificates of which nobody can tell whether the
	// user asked for or approved them.
	Unattributed []Trace
	// Could are rights that the user had when it was first looked, by which
	// one gets other credentials. CouldUnknown says that the caller may not
	// ask.
	Could        []string
	CouldUnknown bool
	// approver says that the user may approve requests, or whoever holds a
	// certificate that leads back to them, or could when they were offboarded
	// before.
	approver bool
	// Damaged says which records are not what they should be.
	Damaged []string
	// UnreadRoles are the kinds of role that the caller may not list, without
	// which the ways back are not all known.
	UnreadRoles []string
	// rbac evaluates roles and bindings.
	rbac *rbac.Index
}

// PrepareOffboard finds out what there is of a user. Nothing is changed. The
// error names every permission that is missing to look.
func PrepareOffboard(ctx context.Context, client kubernetes.Interface, allowed permit.Allowed, who Leaver, now time.Time) (*Farewell, error) {
	by, err := checkLeaver(ctx, client, who.User)
	if err != nil {
		return nil, err
	}
	list := func(resource string) permit.Act {
		return permit.Act{Verb: "list", Group: rbacv1.GroupName, Version: "v1", Resource: resource}
	}
	needed := []permit.Act{list("clusterrolebindings"), list("rolebindings"), requestAct("list"),
		{Verb: "list", Version: "v1", Resource: "configmaps", Namespace: RecordNamespace}}
	may := permit.Known{}
	if err := may.Ask(ctx, allowed, needed); err != nil {
		return nil, err
	}
	if err := permit.NewMissing(may.Lacking(needed), lackingAdvice); err != nil {
		return nil, err
	}
	f := &Farewell{Leaver: who, by: by}
	if err := f.Look(ctx, client, now); err != nil {
		return nil, err
	}
	if f.Until.IsZero() && len(f.Ours)+len(f.Others)+len(f.Pending)+len(f.OthersPending)+len(f.Traces) == 0 && len(f.Could) == 0 {
		return nil, hint.New(fmt.Sprintf("user %q is not known in this cluster: no certificate, no binding, no request", who.User),
			"user names are case-sensitive; list the users with certificates: kubectl certs users")
	}
	return f, nil
}

// Look finds out, again, what there is of the user: what may have been issued
// while access was taken back, too.
func (f *Farewell) Look(ctx context.Context, client kubernetes.Interface, now time.Time) error {
	*f = Farewell{Leaver: f.Leaver, by: f.by, Could: f.Could, approver: f.approver, Groups: append([]string{authenticatedGroup}, f.Leaver.Groups...)}
	var objects *rbac.Objects
	var records *Records
	var requests []Request
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		objects, err = readBindings(groupCtx, client)
		return err
	})
	group.Go(func() (err error) {
		records, err = List(groupCtx, client, "", f.ClientCA)
		return err
	})
	group.Go(func() (err error) {
		requests, err = ListRequests(groupCtx, client, &Powers{}, true)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	all := f.issuances(requests, records, now)
	f.addOwn(all, now)
	f.addRecords(records, now)
	slices.Sort(f.Groups)
	f.Groups = slices.Compact(f.Groups)
	f.addHeld(heldOf(objects, f.User))
	f.rbac, f.UnreadRoles = objects.Index(), objects.Unread
	traced := f.trace(all)
	if err := f.askCould(ctx, client, records); err != nil {
		return err
	}
	f.attribute(all, traced)
	return nil
}

// readBindings reads the roles and bindings of the cluster. Bindings that cannot
// be listed are an error; roles are told in Unread.
func readBindings(ctx context.Context, client kubernetes.Interface) (*rbac.Objects, error) {
	objects, err := rbac.ReadObjects(ctx, client)
	if err != nil {
		return nil, err
	}
	for _, kind := range []string{"clusterrolebindings", "rolebindings"} {
		if slices.Contains(objects.Unread, kind) {
			return nil, permit.NewMissing([]string{permit.Describe(permit.Act{Verb: "list", Group: rbacv1.GroupName, Version: "v1", Resource: kind})}, lackingAdvice)
		}
	}
	return objects, nil
}

// askCould finds out by which ways the user could come back when it was looked
// first, and whether they could have approved requests under any name.
func (f *Farewell) askCould(ctx context.Context, client kubernetes.Interface, records *Records) error {
	f.approver = f.approver || records.couldApprove(f.User)
	remains, err := f.remains(ctx, client, f.Traces)
	if apierrors.IsForbidden(err) {
		f.CouldUnknown = true
		return nil
	}
	if err != nil {
		return err
	}
	for i, r := range remains {
		f.approver = f.approver || r.Approves
		if i > 0 {
			continue
		}
		for _, way := range r.WaysBack {
			if !slices.Contains(f.Could, way) {
				f.Could = append(f.Could, way)
			}
		}
	}
	return nil
}

// checkLeaver refuses the users that must not be offboarded, and returns who
// the caller is.
func checkLeaver(ctx context.Context, client kubernetes.Interface, user string) (by string, err error) {
	if strings.HasPrefix(user, systemPrefix) {
		return "", hint.New(fmt.Sprintf("user %q is a component of the cluster", user), "components cannot be offboarded; delete their bindings with kubectl if you are sure")
	}
	me, err := whoAmI(ctx, client)
	if err != nil {
		return "", err
	}
	if me == user {
		return "", hint.New(fmt.Sprintf("you are %q: you cannot offboard yourself", user), "have another administrator do it, or use another --context")
	}
	return me, nil
}

// addRecords finds the records of the user's certificates that are to be marked
// as ended, and what is wrong with any.
func (f *Farewell) addRecords(records *Records, now time.Time) {
	for _, r := range records.Items {
		if fault := r.Fault(); fault != "" && (r.NotAfter.After(now) || r.Lost) {
			f.Damaged = append(f.Damaged, fault)
		}
		if r.User == f.User && r.Ended == nil && r.NotAfter.After(now) {
			f.Records = append(f.Records, r)
		}
	}
}

// addOwn finds what is for the user themselves: certificates, recorded or not,
// and open requests.
func (f *Farewell) addOwn(all []issuance, now time.Time) {
	for _, i := range all {
		switch {
		case i.User != f.User:
		case i.State == Issued:
			f.Groups = append(f.Groups, i.Groups...)
			if i.Until.After(f.Until) {
				f.Until = i.Until
			}
		case i.Request.object.Labels[ManagedByLabel] == ManagedBy:
			f.Pending = append(f.Pending, *i.Request)
		default:
			f.OthersPending = append(f.OthersPending, *i.Request)
		}
	}
}
