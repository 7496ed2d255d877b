//go:build e2e

package e2e

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// canI asks the API server whether the person may do something.
func (p *person) canI(args ...string) bool {
	p.t.Helper()
	return strings.TrimSpace(p.run("kubectl", append([]string{"auth", "can-i"}, args...)...).stdout) == "yes"
}

func TestOffboard(t *testing.T) {
	const ns, user = "e2e-offboard", "e2e-leaver"
	root := newPerson(t, adminKubeconfig(t))
	forgetUsers(t, user)
	root.must("kubectl", "create", "namespace", ns)
	t.Cleanup(func() {
		root := newPerson(t, root.kubeconfig)
		root.must("kubectl", "delete", "namespace", ns, "--wait=false")
		root.must("kubectl", "delete", "clusterrolebinding", "e2e-offboard-group", "--ignore-not-found")
	})
	leaver := root.using(root.issueTo(user, "--role", "edit", "-n", ns, "--cluster-role", "view", "--group", "e2e-leavers", "--expires-in", "2h"))
	root.must("kubectl", "create", "rolebinding", "theirs", "-n", ns, "--clusterrole=admin", "--user="+user, "--user=e2e-stays", "--group=e2e-others")
	root.must("kubectl", "create", "clusterrolebinding", "e2e-offboard-group", "--clusterrole=system:node-reader", "--group=e2e-leavers")
	byHand := ask(t, "e2e-offboard-byhand", certificatesv1.KubeAPIServerClientSignerName, nil,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: user}}, certificatesv1.UsageClientAuth)
	// One of ours, as a run that was killed would leave it.
	pending := ask(t, "e2e-offboard-pending", certificatesv1.KubeAPIServerClientSignerName, nil,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: user}}, certificatesv1.UsageClientAuth)
	root.must("kubectl", "label", "csr", pending.Name, "app.kubernetes.io/managed-by=kubectl-certs")
	if !leaver.canI("create", "deployments", "-n", ns) || !leaver.canI("list", "pods", "-A") {
		t.Fatal("the leaver has no access to begin with")
	}

	dry := root.certs("offboard", user, "--dry-run")
	if dry.code != 0 || !leaver.canI("list", "pods", "-A") {
		t.Fatalf("a dry run: exit %d\n%s", dry.code, dry.stderr)
	}
	for _, said := range []string{"RoleBinding certs-e2e-leaver-edit", "ClusterRoleBinding certs-e2e-leaver-view", "RoleBinding theirs in namespace e2e-offboard",
		"by group e2e-leavers", "request e2e-offboard-pending"} {
		if !strings.Contains(dry.stdout, said) {
			t.Errorf("the dry run does not name %s:\n%s", said, dry.stdout)
		}
	}
	wantFailure(t, root.certs("offboard", user), "standard input is not a terminal", "--yes")

	// Others' binding makes them administrator of a namespace, and others'
	// request could lead to a certificate: that is no all-clear.
	r := root.certs("offboard", user, "--yes")
	r.wants(t, 1, "they may still create tokens of service accounts in namespace "+ns, "1 request that could still lead to certificates")
	awaiting(t, "the leaver may not list pods any more", func(context.Context) (bool, error) { return !leaver.canI("list", "pods", "-A"), nil })
	if who, _ := leaver.whoami(); who != user {
		t.Errorf("the certificate makes %q of its holder, and is said to authenticate still", who)
	}
	if !leaver.canI("delete", "rolebindings", "-n", ns) {
		t.Error("a binding that others made was taken away")
	}
	// Nobody lets them in again by a renewal, unawares.
	both := root.using(root.kubeconfig + ":" + leaver.kubeconfig)
	theirs := strings.TrimSpace(leaver.must("kubectl", "config", "current-context"))
	wantFailure(t, both.certs("renew", theirs, "--context", "kind-kubectl-certs"), `user "e2e-leaver" was offboarded on`, "issue e2e-leaver")
	// Until when, openssl says too.
	certificate, _ := root.unpack(leaver.kubeconfig)
	end, err := time.Parse("Jan _2 15:04:05 2006 MST", strings.TrimSpace(strings.TrimPrefix(root.must("openssl", "x509", "-noout", "-enddate", "-in", certificate), "notAfter=")))
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"still authenticate until " + end.UTC().Format("2006-01-02 15:04:05 UTC"), "e2e-leavers, system:authenticated",
		"Remaining: ClusterRoleBinding e2e-offboard-group", "Remaining: RoleBinding theirs"} {
		if !strings.Contains(r.stdout, said) {
			t.Errorf("it does not say %q:\n%s", said, r.stdout)
		}
	}
	api := admin(t).CertificatesV1().CertificateSigningRequests()
	if _, err := api.Get(t.Context(), pending.Name, metav1.GetOptions{}); err == nil {
		t.Error("the pending request is still there")
	}
	if _, err := api.Get(t.Context(), byHand.Name, metav1.GetOptions{}); err != nil || !strings.Contains(r.stderr, byHand.Name) {
		t.Errorf("a request that others made: %v; and it is not named:\n%s", err, r.stderr)
	}
	var issued struct {
		Items []struct{ User, Status string }
	}
	if err := json.Unmarshal([]byte(root.must("kubectl", "certs", "users", "--user", user, "-o", "json")), &issued); err != nil {
		t.Fatal(err)
	}
	if len(issued.Items) != 1 || issued.Items[0].Status != "ended" {
		t.Errorf("the records are %v", issued.Items)
	}

	root.certs("offboard", user, "--all-bindings", "--deny-pending", "--yes").wants(t, 0, "Request "+byHand.Name+" denied")
	awaiting(t, "the leaver is no administrator of the namespace any more", func(context.Context) (bool, error) {
		return !leaver.canI("delete", "rolebindings", "-n", ns), nil
	})
	if subjects := root.must("kubectl", "get", "rolebinding", "theirs", "-n", ns, "-o", "jsonpath={.subjects[*].name}"); subjects != "e2e-stays e2e-others" {
		t.Errorf("others' binding now names %q", subjects)
	}
	wantFailure(t, root.certs("offboard", "e2e-nobody-at-all", "--yes"), `user "e2e-nobody-at-all"`, "case-sensitive")
}

// Whoever may not, is told what they lack, and nothing is half done.
func TestOffboardForbidden(t *testing.T) {
	const user = "e2e-remains"
	p := newPerson(t, adminKubeconfig(t))
	leaver := p.using(p.issueTo(user, "--cluster-role", "view"))
	viewer := limited(t, p, "e2e-offboard-viewer", `
- {apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings, clusterrolebindings], verbs: [list]}
- {apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests], verbs: [list]}
- {apiGroups: [""], resources: [configmaps], verbs: [list]}
`)
	wantFailure(t, p.using(viewer).certs("offboard", user, "--yes"),
		"you may not delete clusterrolebindings.rbac.authorization.k8s.io, patch configmaps -n kube-system", "ask an administrator")
	if !leaver.canI("list", "pods", "-A") {
		t.Error("something was done all the same")
	}
	wantFailure(t, leaver.certs("offboard", "somebody", "--yes"), "you may not list clusterrolebindings", "ask an administrator")
}
