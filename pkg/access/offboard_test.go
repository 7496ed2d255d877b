package access

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

func userSubject(name string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}
}

func groupSubject(name string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: name}
}

func clusterBinding(name string, labels map[string]string, subjects ...rbacv1.Subject) *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, UID: types.UID("uid of " + name)},
		RoleRef:    rbacv1.RoleRef{Kind: "ClusterRole", Name: "view"}, Subjects: subjects,
	}
}

func roleBinding(name string, labels map[string]string, subjects ...rbacv1.Subject) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "dev", Labels: labels, UID: types.UID("uid of " + name)},
		RoleRef:    rbacv1.RoleRef{Kind: "ClusterRole", Name: "edit"}, Subjects: subjects,
	}
}

// town is a cluster in which alice has a bit of everything.
func town(t *testing.T) *fake.Clientset {
	t.Helper()
	ca := pkitest.NewCA(t, "kubernetes")
	request := func(name, user string, ours bool, state certificatesv1.RequestConditionType, cert []byte) *certificatesv1.CertificateSigningRequest {
		r := asking(t, subject(user, "devs"), by("root"))
		r.Name, r.UID = name, types.UID("uid of "+name)
		if ours {
			r.Labels = map[string]string{ManagedByLabel: ManagedBy}
		}
		if state != "" {
			r.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{Type: state}}
		}
		r.Status.Certificate = cert
		return r
	}
	record := func(life time.Duration, options ...pkitest.Option) *corev1.ConfigMap {
		cert := ca.Sign(t, pkitest.Key("alice").Public(), pki.Subject{CommonName: "alice", Organizations: []string{"oncall"}}, append(options, pkitest.ValidFor(life))...)
		return NewRecord(cert, certificatesv1.KubeAPIServerClientSignerName, "root", "root", "r", pkitest.Now).configMap()
	}
	unrecorded := pki.EncodeCertificates(ca.Sign(t, pkitest.Key("alice").Public(), pki.Subject{CommonName: "alice", Organizations: []string{"guests"}}, pkitest.ValidFor(2*time.Hour)))
	client := fake.NewClientset(
		clusterBinding("certs-alice-view", labels("alice"), userSubject("alice")),
		clusterBinding("certs-bob-view", labels("bob"), userSubject("bob")),
		clusterBinding("shared", labels("alice"), userSubject("alice"), userSubject("bob")),
		clusterBinding("team", nil, groupSubject("oncall"), groupSubject("others")),
		clusterBinding("guests", nil, groupSubject("guests")),
		clusterBinding("everyone", map[string]string{"kubernetes.io/bootstrapping": "rbac-defaults"}, groupSubject("system:authenticated")),
		clusterBinding("namesake", nil, groupSubject("alice"), rbacv1.Subject{Kind: "ServiceAccount", Namespace: "dev", Name: "alice"}),
		roleBinding("certs-alice-edit", labels("alice"), userSubject("alice")),
		roleBinding("theirs", nil, userSubject("bob"), userSubject("alice"), groupSubject("others")),
		request("open", "alice", true, "", nil), request("approved", "alice", true, certificatesv1.CertificateApproved, nil),
		request("denied", "alice", true, certificatesv1.CertificateDenied, nil),
		request("byhand", "alice", false, "", nil), request("bobs", "bob", true, "", nil),
		request("issued", "alice", false, certificatesv1.CertificateApproved, unrecorded),
		record(time.Hour), record(time.Minute), record(-time.Minute),
	)
	return calledBy(client, "root")
}

func heldNames(held []Held) string {
	var all []string
	for _, h := range held {
		all = append(all, h.Name)
	}
	return strings.Join(all, ",")
}

func requestNames(requests []Request) string {
	var all []string
	for _, r := range requests {
		all = append(all, r.Name)
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

func TestPrepareOffboard(t *testing.T) {
	f, err := PrepareOffboard(t.Context(), town(t), may(), Leaver{User: "alice", Groups: []string{"others"}}, pkitest.Now)
	if err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]string{
		"ours":             {heldNames(f.Ours), "certs-alice-view,certs-alice-edit"},
		"others":           {heldNames(f.Others), "shared,theirs"},
		"by group":         {heldNames(f.ByGroup), "everyone,guests,team,team,theirs"},
		"groups":           {strings.Join(f.Groups, ","), "guests,oncall,others,system:authenticated"},
		"pending":          {requestNames(f.Pending), "approved,open"},
		"others' requests": {requestNames(f.OthersPending), "byhand"},
		"until":            {f.Until.Format(time.RFC3339), pkitest.Now.Add(2 * time.Hour).Format(time.RFC3339)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
		}
	}
	if len(f.Records) != 2 {
		t.Errorf("%d records are still good, want 2", len(f.Records))
	}
}

func TestPrepareOffboardRefuses(t *testing.T) {
	for _, tt := range []struct {
		user, forbidden, want string
	}{
		{"root", "", "you cannot offboard yourself"},
		{"system:kube-scheduler", "", "a component of the cluster"},
		{"nobody", "", "user \"nobody\""},
		{"Alice", "", "user \"Alice\""},
		{"alice", "list rolebindings.rbac.authorization.k8s.io", "you may not list rolebindings"},
	} {
		_, err := PrepareOffboard(t.Context(), town(t), may(tt.forbidden), Leaver{User: tt.user}, pkitest.Now)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error that says %q", tt.user, err, tt.want)
		}
	}
}

// remaining describes what there is in the cluster afterwards.
func remaining(t *testing.T, client *fake.Clientset) string {
	t.Helper()
	objects, err := readBindings(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, h := range heldOf(objects, "alice") {
		if h.Group == "" {
			all = append(all, h.Name)
		}
	}
	list, err := client.CertificatesV1().CertificateSigningRequests().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list.Items {
		all = append(all, r.Name)
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

func TestOffboard(t *testing.T) {
	for _, tt := range []struct {
		all  bool
		want string
	}{
		{false, "bobs,byhand,denied,issued,shared,theirs"},
		{true, "bobs,byhand,denied,issued"},
	} {
		client := town(t)
		f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "alice"}, pkitest.Now)
		if err != nil {
			t.Fatal(err)
		}
		said := 0
		if errs := f.Offboard(t.Context(), client, Extent{AllBindings: tt.all}, pkitest.Now, func(string) { said++ }); len(errs) > 0 {
			t.Fatal(errs)
		}
		if got := remaining(t, client); got != tt.want {
			t.Errorf("all %t: there remain %q, want %q", tt.all, got, tt.want)
		}
		// Nobody else has lost anything.
		theirs, err := client.RbacV1().RoleBindings("dev").Get(t.Context(), "theirs", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(theirs.Subjects, userSubject("bob")) || !slices.Contains(theirs.Subjects, groupSubject("others")) {
			t.Errorf("all %t: others were removed too: %v", tt.all, theirs.Subjects)
		}
		if _, err := client.RbacV1().ClusterRoleBindings().Get(t.Context(), "certs-bob-view", metav1.GetOptions{}); err != nil {
			t.Error(err)
		}
		records, err := List(t.Context(), client, "alice", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records.Items {
			if good := r.NotAfter.After(pkitest.Now); good != (r.Ended != nil) {
				t.Errorf("all %t: the record until %s has ended: %v", tt.all, r.NotAfter, r.Ended)
			}
		}
		if want := 7 + 2*map[bool]int{true: 1}[tt.all]; said != want {
			t.Errorf("all %t: %d things were said to be done, want %d", tt.all, said, want)
		}
	}
}

// A binding that changes at the same moment loses the user, and nothing that
// was added meanwhile.
func TestOffboardOnConflict(t *testing.T) {
	client := town(t)
	f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "alice"}, pkitest.Now)
	if err != nil {
		t.Fatal(err)
	}
	raced := false
	client.PrependReactor("update", "rolebindings", func(clienttesting.Action) (bool, runtime.Object, error) {
		if raced {
			return false, nil, nil
		}
		raced = true
		changed := roleBinding("theirs", nil, userSubject("carol"), userSubject("alice"))
		if err := client.Tracker().Update(rbacv1.SchemeGroupVersion.WithResource("rolebindings"), changed, "dev"); err != nil {
			t.Error(err)
		}
		return true, nil, apierrors.NewConflict(rbacv1.Resource("rolebindings"), "theirs", errors.New("changed"))
	})
	if errs := f.Offboard(t.Context(), client, Extent{AllBindings: true}, pkitest.Now, func(string) {}); len(errs) > 0 {
		t.Fatal(errs)
	}
	theirs, _ := client.RbacV1().RoleBindings("dev").Get(t.Context(), "theirs", metav1.GetOptions{})
	if len(theirs.Subjects) != 1 || theirs.Subjects[0].Name != "carol" {
		t.Errorf("the subjects are %v", theirs.Subjects)
	}
}

// One failure does not stop the rest, and none is kept quiet.
func TestOffboardGoesOn(t *testing.T) {
	client := town(t)
	f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "alice"}, pkitest.Now)
	if err != nil {
		t.Fatal(err)
	}
	client.PrependReactor("delete", "clusterrolebindings", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("out of order")
	})
	errs := f.Offboard(t.Context(), client, Extent{}, pkitest.Now, func(string) {})
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "out of order") {
		t.Errorf("got %v", errs)
	}
	if got := remaining(t, client); got != "bobs,byhand,certs-alice-view,denied,issued,shared,theirs" {
		t.Errorf("there remain %q", got)
	}
}

// Interrupted, it does nothing more, and claims nothing.
func TestOffboardInterrupted(t *testing.T) {
	client := town(t)
	f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "alice"}, pkitest.Now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	said := 0
	f.Offboard(ctx, client, Extent{AllBindings: true}, pkitest.Now, func(string) {
		said++
		cancel()
	})
	if said != 1 {
		t.Errorf("%d things were done", said)
	}
}

func TestCheckMayOffboard(t *testing.T) {
	client := town(t)
	f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "alice"}, pkitest.Now)
	if err != nil {
		t.Fatal(err)
	}
	const update = "update rolebindings.rbac.authorization.k8s.io -n dev"
	if err := f.CheckMayOffboard(t.Context(), client, may(update), Extent{}); err != nil {
		t.Errorf("what is not done needs no permission: %v", err)
	}
	for _, act := range []string{update, "delete clusterrolebindings.rbac.authorization.k8s.io",
		"delete certificatesigningrequests.certificates.k8s.io", "patch configmaps -n kube-system"} {
		if err := f.CheckMayOffboard(t.Context(), client, may(act), Extent{AllBindings: true}); err == nil || !strings.Contains(err.Error(), act) {
			t.Errorf("without %s: got %v", act, err)
		}
	}
}

// Whoever changes who a binding names has to be allowed to hand out its role,
// which is known before anything is done.
func TestCheckMayOffboardTriesOthersBindings(t *testing.T) {
	client := town(t)
	f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "alice"}, pkitest.Now)
	if err != nil {
		t.Fatal(err)
	}
	before := len(client.Actions())
	client.PrependReactor("update", "rolebindings", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if options := action.(clienttesting.UpdateActionImpl).UpdateOptions; !slices.Equal(options.DryRun, []string{metav1.DryRunAll}) {
			t.Errorf("it is no dry run: %+v", options)
		}
		return true, nil, apierrors.NewForbidden(rbacv1.Resource("rolebindings"), "theirs", errors.New("user \"root\" is attempting to grant RBAC permissions not currently held"))
	})
	if err := f.CheckMayOffboard(t.Context(), client, may(), Extent{}); err != nil || len(client.Actions()) != before {
		t.Errorf("others' bindings are left alone, and tried: %v", err)
	}
	const want = "bind clusterroles.rbac.authorization.k8s.io/edit (or all the permissions in it)"
	if err := f.CheckMayOffboard(t.Context(), client, may(), Extent{AllBindings: true}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What remains is asked for the user with all of their groups.
func TestRemains(t *testing.T) {
	client := town(t)
	f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "alice"}, pkitest.Now)
	if err != nil {
		t.Fatal(err)
	}
	client.PrependReactor("create", "subjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
		if review.Spec.User != "alice" || !slices.Equal(review.Spec.Groups, f.Groups) {
			t.Errorf("asked about %q in %q", review.Spec.User, review.Spec.Groups)
		}
		switch act := review.Spec.ResourceAttributes; act.Resource {
		case "nodes":
			review.Status.Allowed = true
		case "certificatesigningrequests": // but not for any signer
			review.Status.Allowed = act.Subresource == "approval"
		case "serviceaccounts": // in a namespace where a binding names alice
			review.Status.Allowed = act.Subresource == "token" && act.Namespace == "dev"
		}
		return true, review, nil
	})
	remains, err := f.Remains(t.Context(), client)
	if err != nil || len(remains) != 1 || !slices.Equal(remains[0].Acts, []string{"list nodes"}) ||
		!slices.Equal(remains[0].WaysBack, []string{"create tokens of service accounts in namespace dev"}) {
		t.Errorf("got %+v, %v", remains, err)
	}
}

// To patch a request's approval is to approve it.
func TestRemainsByPatch(t *testing.T) {
	client := town(t)
	client.PrependReactor("create", "subjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
		act := review.Spec.ResourceAttributes
		review.Status.Allowed = act.Verb == "patch" && act.Subresource != "" || act.Resource == "signers"
		return true, review, nil
	})
	f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "alice"}, pkitest.Now)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"approve requests for certificates", "sign certificates"}; !slices.Equal(f.Could, want) || !f.approver {
		t.Errorf("got %q, approver %v; want %q", f.Could, f.approver, want)
	}
}
