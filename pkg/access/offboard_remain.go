package access

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/rbac"
)

// probes are acts that tell what somebody may still do.
var probes = []permit.Act{
	{Verb: "*", Group: "*", Resource: "*"},
	{Verb: "get", Resource: "secrets"},
	{Verb: "list", Resource: "pods"},
	{Verb: "create", Resource: "pods"},
	{Verb: "create", Resource: "pods", Subresource: "exec"},
	{Verb: "create", Group: "apps", Resource: "deployments"},
	{Verb: "list", Resource: "nodes"},
	{Verb: "create", Group: "certificates.k8s.io", Resource: "certificatesigningrequests"},
}

// wayBack is a right by which somebody gets other credentials, or the rights of
// others. It takes all of acts; each of them is one of several that will do.
type wayBack struct {
	name string
	// rule is how package rbac calls it.
	rule string
	acts [][]permit.Act
	// inNamespaces says that the right counts in a single namespace too.
	inNamespaces bool
}

const clientSigner = certificatesv1.KubeAPIServerClientSignerName

func onSigner(verb string) []permit.Act {
	own := signerAct(clientSigner)
	all := signerAct(domain(clientSigner))
	own.Verb, all.Verb = verb, verb
	return []permit.Act{own, all}
}

func onRequests(subresource string, verbs ...string) []permit.Act {
	var acts []permit.Act
	for _, verb := range verbs {
		act := requestAct(verb)
		act.Subresource = subresource
		acts = append(acts, act)
	}
	return acts
}

// waysBack are the rights that leave nobody offboarded who has one of them.
var waysBack = []wayBack{
	{"approve requests for certificates", rbac.Approve, [][]permit.Act{onRequests("approval", "update", "patch"), onSigner("approve")}, false},
	{"request certificates", "", [][]permit.Act{onRequests("", "create")}, false},
	{"sign certificates", rbac.Sign, [][]permit.Act{onRequests("status", "update", "patch"), onSigner("sign")}, false},
	{"create tokens of service accounts", rbac.MakeTokens, [][]permit.Act{{{Verb: "create", Version: "v1", Resource: "serviceaccounts", Subresource: "token"}}}, true},
	{"impersonate service accounts", rbac.ActAsAccounts, [][]permit.Act{{{Verb: "impersonate", Version: "v1", Resource: "serviceaccounts"}}}, true},
	{"impersonate users", rbac.ActAsUsers, [][]permit.Act{{{Verb: "impersonate", Version: "v1", Resource: "users"}}}, false},
	{"impersonate groups", rbac.ActAsGroups, [][]permit.Act{{{Verb: "impersonate", Version: "v1", Resource: "groups"}}}, false},
	{"bind any ClusterRole", rbac.Bind, [][]permit.Act{{{Verb: "bind", Group: rbacv1.GroupName, Version: "v1", Resource: "clusterroles"}}}, false},
	{"escalate ClusterRoles", rbac.Escalate, [][]permit.Act{{{Verb: "escalate", Group: rbacv1.GroupName, Version: "v1", Resource: "clusterroles"}}}, false},
}

// propagation is how long the API server's own view of bindings may lag
// behind.
const propagation = 500 * time.Millisecond

// mostAtOnce is how many questions are asked of the API server side by side.
const mostAtOnce = 8

// Remains is what holders of a user's certificates may still do.
type Remains struct {
	User   string
	Groups []string
	// Acts are those of some telling acts, in the whole cluster.
	Acts []string
	// WaysBack are rights by which they get other credentials, or the rights of
	// others.
	WaysBack []string
	// Approves says that one of them is to approve requests for certificates.
	Approves bool
}

// Remains asks the API server what the user may still do, and whoever holds the
// certificates that lead back to them, or may. The API server's own view of
// bindings lags a little behind what was just deleted. The error is Forbidden
// where the caller may not ask.
func (f *Farewell) Remains(ctx context.Context, client kubernetes.Interface) ([]Remains, error) {
	pause(ctx, propagation)
	return f.remains(ctx, client, slices.Concat(f.Traces, f.Unattributed))
}

// remains asks about the user and those of traces.
func (f *Farewell) remains(ctx context.Context, client kubernetes.Interface, traces []Trace) ([]Remains, error) {
	all := []Remains{{User: f.User, Groups: f.Groups}}
	for _, t := range traces {
		if t.User == "" || t.User == f.User {
			continue
		}
		i := slices.IndexFunc(all, func(r Remains) bool { return r.User == t.User })
		if i < 0 {
			i, all = len(all), append(all, Remains{User: t.User, Groups: []string{authenticatedGroup}})
		}
		all[i].Groups = append(all[i].Groups, t.Groups...)
	}
	for i := range all {
		r := &all[i]
		r.Groups = slices.Compact(slices.Sorted(slices.Values(r.Groups)))
		if err := f.ask(ctx, client, r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ask fills in what r's user may do in r's groups.
func (f *Farewell) ask(ctx context.Context, client kubernetes.Interface, r *Remains) error {
	r.Acts, r.WaysBack, r.Approves = nil, nil, false
	needed := slices.Clone(probes)
	for _, way := range waysBack {
		for _, namespace := range f.namespacesOf(way, r.User) {
			needed = append(needed, way.in(namespace)...)
		}
	}
	may, err := reviewAll(ctx, client, r.User, r.Groups, needed)
	if err != nil {
		return err
	}
	for _, act := range probes {
		if may[act] {
			r.Acts = append(r.Acts, permit.Describe(act))
		}
	}
	told := map[string][]string{} // by rule: the namespaces
	for _, way := range waysBack {
		for _, namespace := range f.namespacesOf(way, r.User) {
			if !way.held(may, namespace) {
				continue
			}
			told[way.rule] = append(told[way.rule], namespace)
			name := way.name
			if namespace != "" {
				name += " in namespace " + namespace
			}
			r.WaysBack = append(r.WaysBack, name)
			if namespace == "" {
				break // so in each of them
			}
		}
	}
	if !may[probes[0]] {
		f.addByRoles(r, told)
	}
	r.Approves = r.Approves || told[rbac.Approve] != nil
	return nil
}

// addByRoles adds the ways back that the roles of the user and of their groups
// give and that were not told: those to single objects (resourceNames), in single
// namespaces, and those that no question above is about. Only RBAC's rules say
// what there is to ask for; other authorizers answer to questions alone.
func (f *Farewell) addByRoles(r *Remains, told map[string][]string) {
	for _, way := range f.rbac.Ways(r.User, r.Groups) {
		if namespaces := told[way.Rule]; slices.Contains(namespaces, "") || slices.Contains(namespaces, way.Namespace) {
			continue
		}
		r.WaysBack = append(r.WaysBack, way.What+" ("+way.By[0].Binding.String()+")")
		r.Approves = r.Approves || way.Rule == rbac.Approve
	}
}

// namespacesOf are the namespaces that a way back is asked about: the whole
// cluster and, where one will do, the system's and those where the user has any
// binding.
func (f *Farewell) namespacesOf(way wayBack, user string) []string {
	namespaces := []string{""}
	if !way.inNamespaces {
		return namespaces
	}
	namespaces = append(namespaces, metav1.NamespaceSystem)
	if user == f.User {
		for _, h := range slices.Concat(f.Ours, f.Others, f.ByGroup) {
			if h.Namespace != "" && !slices.Contains(namespaces, h.Namespace) {
				namespaces = append(namespaces, h.Namespace)
			}
		}
	}
	return namespaces
}

// in are all acts that are asked about, in a namespace.
func (w wayBack) in(namespace string) []permit.Act {
	var all []permit.Act
	for _, act := range slices.Concat(w.acts...) {
		act.Namespace = namespace
		all = append(all, act)
	}
	return all
}

func (w wayBack) held(may permit.Known, namespace string) bool {
	for _, oneOf := range w.acts {
		if !slices.ContainsFunc(oneOf, func(act permit.Act) bool {
			act.Namespace = namespace
			return may[act]
		}) {
			return false
		}
	}
	return true
}

// reviewAll asks the API server what a user may do in groups.
func reviewAll(ctx context.Context, client kubernetes.Interface, user string, groups []string, acts []permit.Act) (permit.Known, error) {
	answers := make([]bool, len(acts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(mostAtOnce)
	for i, act := range acts {
		group.Go(func() error {
			review, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
				Spec: authorizationv1.SubjectAccessReviewSpec{User: user, Groups: groups, ResourceAttributes: &act},
			}, metav1.CreateOptions{})
			if apierrors.IsForbidden(err) {
				return err
			}
			if err != nil {
				return fmt.Errorf("checking the permissions of %q: %w", user, err)
			}
			answers[i] = review.Status.Allowed
			return nil
		})
	}
	err := group.Wait()
	may := permit.Known{}
	for i, act := range acts {
		may[act] = answers[i]
	}
	return may, err
}
