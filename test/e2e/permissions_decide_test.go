//go:build e2e

package e2e

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// asked makes a request for a certificate of a user.
func asked(t *testing.T, name, user string) {
	t.Helper()
	ask(t, name, certificatesv1.KubeAPIServerClientSignerName, nil,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: user}}, certificatesv1.UsageClientAuth)
}

// has reports whether a request has a condition.
func has(t *testing.T, request string, want certificatesv1.RequestConditionType) bool {
	t.Helper()
	got, err := admin(t).CertificatesV1().CertificateSigningRequests().Get(context.WithoutCancel(t.Context()), request, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(got.Status.Conditions, func(c certificatesv1.CertificateSigningRequestCondition) bool { return c.Type == want })
}

func listsRequests(t *testing.T, g granted) result {
	asked(t, g.id, g.id)
	r := g.person(t).certsAlone("requests")
	if r.code == 0 && !strings.Contains(r.stdout, g.id) {
		t.Errorf("request %s is not listed:\n%s", g.id, r.stdout)
	}
	return r
}

func approves(t *testing.T, g granted) result {
	asked(t, g.id, g.id)
	r := g.person(t).certsAlone("approve", g.id, "--yes", "--accept-risk", "long-lived")
	if approved := has(t, g.id, certificatesv1.CertificateApproved); approved != (r.code == 0) {
		t.Errorf("exit %d, and approved: %t\n%s", r.code, approved, r.stderr)
	}
	return r
}

func denies(t *testing.T, g granted) result {
	asked(t, g.id, g.id)
	r := g.person(t).certsAlone("deny", g.id, "--yes", "--reason", "Tried")
	if denied := has(t, g.id, certificatesv1.CertificateDenied); denied != (r.code == 0) {
		t.Errorf("exit %d, and denied: %t\n%s", r.code, denied, r.stderr)
	}
	return r
}

// approvesServing lets a worker's kubelet ask for what it serves with already.
func approvesServing(t *testing.T, g granted) result {
	const worker = "kubectl-certs-worker"
	askToServe(t, kubeletOf(t, worker), g.id, worker, worker, internalIP(t, newPerson(t, adminKubeconfig(t)), worker))
	r := g.person(t).certsAlone("approve", "--kubelet-serving")
	if approved := has(t, g.id, certificatesv1.CertificateApproved); approved != (r.code == 0) {
		t.Errorf("exit %d, and approved: %t\n%s", r.code, approved, r.stderr)
	}
	return r
}

// offboards takes the access of a user back who has a record and a binding.
func offboards(t *testing.T, g granted) result {
	issueAlone(t, g.id, "--role", "view", "-n", "default")
	r := clearOfOthers(g, g.person(t).certsAlone("offboard", g.id, "--yes"))
	left := bindingsOf(t, g.id)
	if (len(left) == 0) != (r.code == 0 || strings.Contains(r.stderr, "may still regain access")) {
		t.Errorf("exit %d, and these bindings are left: %q\n%s", r.code, left, r.stderr)
	}
	return r
}

// offboardsAll takes the access of a user back who has bindings and requests of
// this program and of others.
func offboardsAll(t *testing.T, g granted) result {
	issueAlone(t, g.id, "--role", "view", "-n", "default", "--cluster-role", "view")
	api := admin(t)
	meta := metav1.ObjectMeta{Name: g.id + "-theirs", Labels: map[string]string{trialLabel: g.name}}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: g.id}}
	view := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}
	if _, err := api.RbacV1().RoleBindings("default").Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: view, Subjects: subjects}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: view, Subjects: subjects}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ours, theirs := g.id+"-ours", g.id+"-theirs"
	asked(t, ours, g.id)
	asked(t, theirs, g.id)
	requests := api.CertificatesV1().CertificateSigningRequests()
	if _, err := requests.Patch(t.Context(), ours, types.MergePatchType, []byte(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":"kubectl-certs"}}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	r := clearOfOthers(g, g.person(t).certsAlone("offboard", g.id, "--all-bindings", "--deny-pending", "--yes"))
	done := r.code == 0 || strings.Contains(r.stderr, "may still regain access")
	_, err := requests.Get(t.Context(), ours, metav1.GetOptions{})
	if left := bindingsOf(t, g.id); done && (len(left) > 0 || err == nil || !has(t, theirs, certificatesv1.CertificateDenied)) {
		t.Errorf("exit %d, and these bindings are left: %q; of our request: %v\n%s", r.code, left, err, r.stderr)
	}
	return r
}

// clearOfOthers turns a failure into a success that is about nothing but damaged
// records of others, which other tests make: they may be anybody's.
func clearOfOthers(g granted, r result) result {
	_, ways, still := strings.Cut(r.stderr, g.id+" may still regain access: ")
	ways, _, _ = strings.Cut(ways, "\n")
	if still && strings.HasSuffix(ways, "of unknown origin") && !strings.Contains(ways, ";") {
		r.code = 0
	}
	return r
}

// bindingsOf names what binds a user by name.
func bindingsOf(t *testing.T, user string) []string {
	t.Helper()
	var names []string
	add := func(name string, subjects []rbacv1.Subject) {
		if slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return s.Kind == rbacv1.UserKind && s.Name == user }) {
			names = append(names, name)
		}
	}
	api := admin(t).RbacV1()
	local, err := api.RoleBindings("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range local.Items {
		add(b.Name, b.Subjects)
	}
	wide, err := api.ClusterRoleBindings().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range wide.Items {
		add(b.Name, b.Subjects)
	}
	return names
}
