package access

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"golang.org/x/sync/errgroup"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/rbac"
)

// authenticatedGroup is the group that everyone is in whom the API server
// knows.
const authenticatedGroup = "system:authenticated"

// Held is a binding that gives a user a role.
type Held struct {
	Kind, Namespace, Name string
	// Role is the kind and the name of the role.
	Role string
	// Group is the group by which the user has it; "" for the user's own name.
	Group string
	// Ours says that this program made it, for this user alone.
	Ours bool
	// Default says that Kubernetes itself made it, in every cluster.
	Default bool

	uid types.UID
}

// String names the binding and its role.
func (h Held) String() string {
	name := h.Kind + " " + h.Name
	if h.Namespace != "" {
		name += " in namespace " + h.Namespace
	}
	name += " (" + h.Role
	if h.Group != "" {
		name += ", by group " + h.Group
	}
	return name + ")"
}

// Farewell is what there is of a user in a cluster, and so what taking their
// access back means.
type Farewell struct {
	User string
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
	// Damaged says which records cannot be read.
	Damaged []string
}

// PrepareOffboard finds out what there is of user. groups are further groups
// that the user is known to be in. Nothing is changed. The error names every
// permission that is missing to look.
func PrepareOffboard(ctx context.Context, client kubernetes.Interface, allowed permit.Allowed, user string, groups []string, now time.Time) (*Farewell, error) {
	by, err := checkLeaver(ctx, client, user)
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
	f := &Farewell{User: user, by: by, Groups: append([]string{authenticatedGroup}, groups...)}
	var held []Held
	var records *Records
	var requests []Request
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		held, err = listHeld(groupCtx, client, user)
		return err
	})
	group.Go(func() (err error) {
		records, err = List(groupCtx, client, user, nil)
		return err
	})
	group.Go(func() (err error) {
		requests, err = ListRequests(groupCtx, client, &Powers{}, true)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	f.addRecords(records, now)
	f.addRequests(requests, now)
	slices.Sort(f.Groups)
	f.Groups = slices.Compact(f.Groups)
	f.addHeld(held)
	if f.Until.IsZero() && len(f.Ours)+len(f.Others)+len(f.Pending)+len(f.OthersPending) == 0 {
		return nil, hint.New(fmt.Sprintf("nothing is known of user %q in this cluster: no certificate, no binding, no request", user),
			"names are taken to the letter; see whom certificates were issued to: kubectl certs issued")
	}
	return f, nil
}

// checkLeaver refuses the users that must not be offboarded, and returns who
// the caller is.
func checkLeaver(ctx context.Context, client kubernetes.Interface, user string) (by string, err error) {
	if strings.HasPrefix(user, systemPrefix) {
		return "", hint.New(fmt.Sprintf("user %q is one of the cluster's own", user), "components are not offboarded: delete their bindings with kubectl if you are sure")
	}
	me, err := whoAmI(ctx, client)
	if err != nil {
		return "", err
	}
	if me == user {
		return "", hint.New(fmt.Sprintf("you are %q yourself, and would lock yourself out", user), "let somebody else do it, or use another --context")
	}
	return me, nil
}

func (f *Farewell) addRecords(records *Records, now time.Time) {
	for _, r := range records.Items {
		if fault := r.Fault(); fault != "" {
			f.Damaged = append(f.Damaged, fault)
		}
		if r.NotAfter.Before(now) {
			continue
		}
		f.Groups = append(f.Groups, r.Groups...)
		if r.NotAfter.After(f.Until) {
			f.Until = r.NotAfter
		}
		if r.Ended == nil {
			f.Records = append(f.Records, r)
		}
	}
}

// addRequests finds the user's requests: those that are open, and certificates
// that were issued in the last hour, recorded or not.
func (f *Farewell) addRequests(requests []Request, now time.Time) {
	for _, r := range requests {
		switch {
		case r.parsed == nil || r.Subject.CommonName != f.User:
		case r.State == Issued:
			certs, _ := pki.ParseCertificates(r.object.Status.Certificate)
			if len(certs) == 0 || certs[0].NotAfter.Before(now) || !acceptedAsClient(r.Signer) {
				continue
			}
			f.Groups = append(f.Groups, certs[0].Subject.Organization...)
			if certs[0].NotAfter.After(f.Until) {
				f.Until = certs[0].NotAfter
			}
		case r.State != Pending && r.State != Approved:
		case r.object.Labels[ManagedByLabel] == ManagedBy:
			f.Pending = append(f.Pending, r)
		default:
			f.OthersPending = append(f.OthersPending, r)
		}
	}
}

// acceptedAsClient reports whether certificates of a signer log in to the API
// server.
func acceptedAsClient(signer string) bool {
	return signer == certificatesv1.KubeAPIServerClientSignerName || signer == certificatesv1.KubeAPIServerClientKubeletSignerName
}

func (f *Farewell) addHeld(held []Held) {
	for _, h := range held {
		switch {
		case h.Group != "" && slices.Contains(f.Groups, h.Group):
			f.ByGroup = append(f.ByGroup, h)
		case h.Group != "":
		case h.Ours:
			f.Ours = append(f.Ours, h)
		default:
			f.Others = append(f.Others, h)
		}
	}
}

// listHeld lists all bindings of the user, and of any group.
func listHeld(ctx context.Context, client kubernetes.Interface, user string) ([]Held, error) {
	var held []Held
	everywhere, err := rbac.ListClusterRoleBindings(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("listing clusterrolebindings: %w", err)
	}
	for _, b := range everywhere {
		held = append(held, heldBy("ClusterRoleBinding", b.ObjectMeta, b.RoleRef, b.Subjects, user)...)
	}
	somewhere, err := rbac.ListRoleBindings(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("listing rolebindings: %w", err)
	}
	for _, b := range somewhere {
		held = append(held, heldBy("RoleBinding", b.ObjectMeta, b.RoleRef, b.Subjects, user)...)
	}
	slices.SortFunc(held, func(a, b Held) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Group, b.Group))
	})
	return held, nil
}

// heldBy returns what one binding gives: to the user, and to each group.
func heldBy(kind string, meta metav1.ObjectMeta, role rbacv1.RoleRef, subjects []rbacv1.Subject, user string) []Held {
	h := Held{Kind: kind, Namespace: meta.Namespace, Name: meta.Name, Role: role.Kind + " " + role.Name, uid: meta.UID,
		Default: meta.Labels["kubernetes.io/bootstrapping"] == "rbac-defaults"}
	var held []Held
	if slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return isUser(s, user) }) {
		own := h
		own.Ours = meta.Labels[ManagedByLabel] == ManagedBy && meta.Labels[UserHashLabel] == UserHash(user) &&
			!slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return !isUser(s, user) })
		held = append(held, own)
	}
	for _, s := range subjects {
		if s.Kind == rbacv1.GroupKind {
			byGroup := h
			byGroup.Group = s.Name
			held = append(held, byGroup)
		}
	}
	return held
}

func isUser(s rbacv1.Subject, user string) bool {
	return s.Kind == rbacv1.UserKind && s.Name == user
}
