//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
)

// trial is one run of all scenarios. Its name begins the name of everything that
// they make, and is the namespace of those who make it.
type trial struct{ name string }

// trialLabel is on all that gives somebody their rights.
const trialLabel = "e2e-permitted"

// newTrial makes room for the scenarios, and removes all that they leave.
func newTrial(t *testing.T) trial {
	t.Helper()
	run := trial{fmt.Sprintf("e2e-permitted-%06d", time.Now().UnixNano()%1_000_000)}
	forgetUsers(t, "system:kube-scheduler", "system:kube-controller-manager", "system:kube-proxy")
	namespace(t, run.name)
	t.Cleanup(func() { run.remove(t) })
	return run
}

// remove removes what the scenarios made outside of the trial's namespace.
func (run trial) remove(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	client := admin(t)
	must := func(err error) {
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	}
	rights := metav1.ListOptions{LabelSelector: trialLabel + "=" + run.name}
	must(client.RbacV1().ClusterRoleBindings().DeleteCollection(ctx, metav1.DeleteOptions{}, rights))
	must(client.RbacV1().ClusterRoles().DeleteCollection(ctx, metav1.DeleteOptions{}, rights))
	for _, namespace := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem} {
		must(client.RbacV1().RoleBindings(namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, rights))
		must(client.RbacV1().Roles(namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, rights))
	}
	made := metav1.ListOptions{LabelSelector: access.Selector("")}
	records, err := client.CoreV1().ConfigMaps(metav1.NamespaceSystem).List(ctx, made)
	must(err)
	for _, r := range records.Items {
		if run.ofTrial(r.Annotations) {
			must(client.CoreV1().ConfigMaps(r.Namespace).Delete(ctx, r.Name, metav1.DeleteOptions{}))
		}
	}
	bindings, err := client.RbacV1().RoleBindings(metav1.NamespaceDefault).List(ctx, made)
	must(err)
	for _, b := range bindings.Items {
		if run.ofTrial(b.Annotations) {
			must(client.RbacV1().RoleBindings(b.Namespace).Delete(ctx, b.Name, metav1.DeleteOptions{}))
		}
	}
	wide, err := client.RbacV1().ClusterRoleBindings().List(ctx, made)
	must(err)
	for _, b := range wide.Items {
		if run.ofTrial(b.Annotations) {
			must(client.RbacV1().ClusterRoleBindings().Delete(ctx, b.Name, metav1.DeleteOptions{}))
		}
	}
	requests, err := client.CertificatesV1().CertificateSigningRequests().List(ctx, metav1.ListOptions{})
	must(err)
	for _, r := range requests.Items {
		if strings.Contains(r.Name, run.name) {
			must(client.CertificatesV1().CertificateSigningRequests().Delete(ctx, r.Name, metav1.DeleteOptions{}))
		}
	}
}

// granted are the rules that somebody has for one scenario.
type granted struct {
	trial
	// id is the name of the user, or request, that the scenario is about, and
	// of whoever has the rules.
	id      string
	rules   []documented
	lacking bool // one of those that are documented
}

// timeout is how long a command waits for others: for nobody who will come, not
// long.
func (g granted) timeout() string {
	if g.lacking {
		return "2s"
	}
	return "30s"
}

// person is a service account that has the rules, and what every one has.
func (g granted) person(t *testing.T) *person {
	t.Helper()
	accounts := admin(t).CoreV1().ServiceAccounts(g.name)
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: g.id}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	hour := int64(3600)
	token, err := accounts.CreateToken(t.Context(), g.id, &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hour}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.LoadFromFile(adminKubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	p := newPerson(t, "")
	p.kubeconfig = p.path("account.kubeconfig")
	if err := clientcmd.WriteToFile(*config, p.kubeconfig); err != nil {
		t.Fatal(err)
	}
	g.give(t, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: g.name, Name: g.id}, "system:serviceaccount:"+g.name+":"+g.id)
	return p
}

// user is the scenario's user, who has the rules and a certificate.
func (g granted) user(t *testing.T) *person {
	t.Helper()
	p := newPerson(t, issueAlone(t, g.id))
	g.give(t, rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: g.id}, g.id)
	return p
}

// give gives subject the rules, and waits until the API server knows that user
// has them.
func (g granted) give(t *testing.T, subject rbacv1.Subject, user string) {
	t.Helper()
	api := admin(t).RbacV1()
	byNamespace := map[string][]rbacv1.PolicyRule{}
	for _, d := range g.rules {
		byNamespace[d.namespace] = append(byNamespace[d.namespace], d.rule)
	}
	meta := metav1.ObjectMeta{Name: g.id, Labels: map[string]string{trialLabel: g.name}}
	subjects := []rbacv1.Subject{subject}
	for namespace, rules := range byNamespace {
		var err, bindErr error
		if ref := (rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: g.id}); namespace == "" {
			_, err = api.ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{})
			_, bindErr = api.ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects}, metav1.CreateOptions{})
		} else {
			ref.Kind = "Role"
			_, err = api.Roles(namespace).Create(t.Context(), &rbacv1.Role{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{})
			_, bindErr = api.RoleBindings(namespace).Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects}, metav1.CreateOptions{})
		}
		if err != nil || bindErr != nil {
			t.Fatal(err, bindErr)
		}
	}
	// A role comes into force as a whole: one of its rules tells of all.
	for namespace := range byNamespace {
		at := slices.IndexFunc(g.rules, func(d documented) bool { return d.namespace == namespace })
		awaitRight(t, user, g.rules[at])
	}
}

// awaitRight waits until the API server knows that a user may do something.
func awaitRight(t *testing.T, user string, d documented) {
	t.Helper()
	resource, sub, _ := strings.Cut(d.rule.Resources[0], "/")
	act := &authorizationv1.ResourceAttributes{Namespace: d.namespace, Verb: d.rule.Verbs[0], Group: d.rule.APIGroups[0], Resource: resource, Subresource: sub}
	if len(d.rule.ResourceNames) > 0 {
		act.Name = d.rule.ResourceNames[0]
	}
	reviews := admin(t).AuthorizationV1().SubjectAccessReviews()
	for range 200 {
		review, err := reviews.Create(t.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: user, Groups: []string{"system:authenticated"}, ResourceAttributes: act},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if review.Status.Allowed {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("%s never got the right to %v", user, d)
}
