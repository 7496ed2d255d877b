//go:build e2e

package e2e

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// says checks what a command has said, on either stream.
func (r result) wants(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit %d, want %d", r.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(r.stdout+r.stderr, text) {
			t.Errorf("it does not say %q", text)
		}
	}
	if t.Failed() {
		t.Logf("%s%s", r.stdout, r.stderr)
	}
}

// inGroup binds a role with these rules to a group, for the time of the test.
func inGroup(t *testing.T, root *person, name, rules string) {
	t.Helper()
	file := root.path(name + ".yaml")
	text := "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: " + name + "}\nrules:" + rules + `
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ` + name + `}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ` + name + `}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: ` + name + `}]
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	root.must("kubectl", "apply", "-f", file)
	t.Cleanup(func() {
		newPerson(t, root.kubeconfig).must("kubectl", "delete", "clusterrole,clusterrolebinding", name, "--ignore-not-found")
	})
}

const approversRules = `
- {apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests], verbs: [create, get, list, watch, delete]}
- {apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests/approval], verbs: [update, patch]}
- {apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: [kubernetes.io/kube-apiserver-client], verbs: [approve]}
`

// A dismissed operator, who may request and approve by a group, issues herself
// the certificate of an administrator under another name, and approves a second
// request by kubectl. Offboarding her a second later lists both, says what they
// allow, and gives no all-clear as long as either is valid, or the group lets
// her do it again.
func TestOffboardGhost(t *testing.T) {
	const dana, ghost, second, team = "e2e-dana", "e2e-ghost", "e2e-second", "e2e-dana-team"
	root := newPerson(t, adminKubeconfig(t))
	forgetUsers(t, dana, ghost, second, "e2e-third")
	inGroup(t, root, team, approversRules)
	op := root.using(root.issueTo(dana, "--group", team))
	awaiting(t, "dana may approve", func(context.Context) (bool, error) {
		return op.canI("create", "certificatesigningrequests"), nil
	})
	op.must("kubectl", "certs", "issue", ghost, "--group", "kubeadm:cluster-admins", "--out", op.path("ghost.kubeconfig"))
	other := &authenticationv1.UserInfo{Username: "e2e-service", Groups: []string{"system:masters"}}
	ask(t, second, certificatesv1.KubeAPIServerClientSignerName, other,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: second, Organization: []string{"e2e-nobodys"}}}, certificatesv1.UsageClientAuth)
	op.must("kubectl", "certificate", "approve", second)
	ask(t, "e2e-third", certificatesv1.KubeAPIServerClientSignerName, &authenticationv1.UserInfo{Username: dana, Groups: []string{team}},
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: "e2e-third"}}, certificatesv1.UsageClientAuth)
	signedRequest(t, second)

	dry := root.certs("offboard", dana, "--dry-run")
	dry.wants(t, 0, ghost+", groups kubeadm:cluster-admins: valid until ", "requested by "+dana, second+", groups e2e-nobodys: valid until", "the approver is not known",
		"e2e-third, groups none: pending; requested by "+dana)

	// Without --deny-pending, the pending one is left and said to be.
	r := root.certs("offboard", dana, "--yes")
	r.wants(t, 1, ghost+", groups kubeadm:cluster-admins: valid until ", "Certificates of "+ghost+" still permit, in the whole cluster: everything",
		second+", groups e2e-nobodys: valid until ", "they may still approve requests for certificates, request certificates", "1 request that could still lead to certificates",
		"--deny-pending", "audit log")
	root.certs("offboard", dana, "--yes", "--deny-pending").wants(t, 1, "Request e2e-third denied")
	if c := conditionOf(t, "e2e-third"); c != "Denied Offboarded" {
		t.Errorf("the pending request is %q", c)
	}
	// The group is taken care of, the ghost is not: still no all-clear.
	root.must("kubectl", "delete", "clusterrolebinding", team)
	r = root.certs("offboard", dana, "--yes")
	r.wants(t, 1, "1 certificate for other users, which they requested or approved, still valid", " of unknown origin", "offboard "+ghost)
	if strings.Contains(r.stderr, "they may still approve") {
		t.Errorf("it says that she may approve:\n%s", r.stderr)
	}
	// Each has been looked at.
	awaiting(t, "an all-clear once each was looked at", func(context.Context) (bool, error) {
		args := []string{"offboard", dana, "--yes"}
		for _, user := range listed.FindAllStringSubmatch(root.certs("offboard", dana, "--dry-run").stdout, -1) {
			args = append(args, "--accept", user[1]) // other tests' too, who approve at the same time
		}
		r := root.certs(args...)
		return r.code == 0 && strings.Contains(r.stdout, "still authenticate until"), nil
	})
	wantFailure(t, root.certs("issue", dana, "--out", "again.kubeconfig"), `user "e2e-dana" was offboarded on`, "--reinstate")
}

// listed finds whom offboard lists certificates of.
var listed = regexp.MustCompile(`(?m)^  (\S+), groups `)

func signedRequest(t *testing.T, name string) {
	t.Helper()
	awaiting(t, "request "+name+" is signed", func(ctx context.Context) (bool, error) {
		r, err := admin(t).CertificatesV1().CertificateSigningRequests().Get(ctx, name, metav1.GetOptions{})
		return err == nil && len(r.Status.Certificate) > 0, err
	})
}

func conditionOf(t *testing.T, name string) string {
	t.Helper()
	r, err := admin(t).CertificatesV1().CertificateSigningRequests().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil || len(r.Status.Conditions) == 0 {
		t.Fatalf("request %s: %v", name, err)
	}
	c := r.Status.Conditions[len(r.Status.Conditions)-1]
	return string(c.Type) + " " + c.Reason
}

// From alice to bob to carol: what each asked for under the next name is found.
func TestOffboardGhostChain(t *testing.T) {
	const alice, bob, carol, team = "e2e-chain-alice", "e2e-chain-bob", "e2e-chain-carol", "e2e-chain-team"
	root := newPerson(t, adminKubeconfig(t))
	forgetUsers(t, alice, bob, carol)
	inGroup(t, root, team, approversRules)
	first := root.using(root.issueTo(alice, "--group", team))
	awaiting(t, "alice may approve", func(context.Context) (bool, error) {
		return first.canI("create", "certificatesigningrequests"), nil
	})
	first.must("kubectl", "certs", "issue", bob, "--group", team, "--out", first.path("bob.kubeconfig"))
	next := first.using(first.path("bob.kubeconfig"))
	next.must("kubectl", "certs", "issue", carol, "--group", "kubeadm:cluster-admins", "--out", next.path("carol.kubeconfig"))
	root.certs("offboard", alice, "--yes").wants(t, 1, bob+", groups "+team+": valid until ", "requested by "+alice,
		carol+", groups kubeadm:cluster-admins: valid until ", "requested by "+bob,
		"Certificates of "+bob+" still allow regaining access: approve requests for certificates")
}

// Whoever may write ConfigMaps in kube-system cannot make the records lie about
// what is in the certificate, nor hide one.
func TestEditedRecord(t *testing.T) {
	const user, other = "e2e-edited", "e2e-edited-other"
	root := newPerson(t, adminKubeconfig(t))
	forgetUsers(t, user, other)
	root.issueTo(user, "--group", "e2e-edited-group", "--expires-in", "3h")
	maps := admin(t).CoreV1().ConfigMaps("kube-system")
	list, err := maps.List(t.Context(), metav1.ListOptions{LabelSelector: access.Selector(user)})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d records, %v", len(list.Items), err)
	}
	original := list.Items[0]
	t.Cleanup(func() { // it may have lost its labels
		_ = admin(t).CoreV1().ConfigMaps("kube-system").Delete(context.WithoutCancel(t.Context()), original.Name, metav1.DeleteOptions{})
	})
	edit := func(change func(*corev1.ConfigMap)) {
		t.Helper()
		m := original.DeepCopy()
		m.ResourceVersion = ""
		change(m)
		if _, err := maps.Update(t.Context(), m, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	type item struct {
		User, Status string
		NotAfter     string
		Groups       []string
		Damaged      []string
	}
	issued := func(of string) []item {
		t.Helper()
		var got struct{ Items []item }
		if err := json.Unmarshal([]byte(root.must("kubectl", "certs", "users", "--user", of, "-o", "json")), &got); err != nil {
			t.Fatal(err)
		}
		return got.Items
	}
	for name, change := range map[string]func(*corev1.ConfigMap){
		"an end that is past": func(m *corev1.ConfigMap) { m.Data["notAfter"] = "2020-01-01T00:00:00Z" },
		"no groups":           func(m *corev1.ConfigMap) { m.Data["groups"] = "[]" },
		"another user": func(m *corev1.ConfigMap) {
			m.Data["user"], m.Annotations[access.UserAnnotation], m.Labels[access.UserHashLabel] = other, other, access.UserHash(other)
		},
		"no labels": func(m *corev1.ConfigMap) { m.Labels = nil },
	} {
		t.Run(name, func(t *testing.T) {
			edit(change)
			got := issued(user)
			if len(got) != 1 || got[0].Status != "damaged" || got[0].User != user || got[0].NotAfter != original.Data["notAfter"] ||
				len(got[0].Groups) != 1 || got[0].Groups[0] != "e2e-edited-group" || len(got[0].Damaged) == 0 {
				t.Errorf("issued says %+v", got)
			}
			root.certs("offboard", user, "--dry-run").wants(t, 0, "the last one expires on ", "e2e-edited-group, system:authenticated", "a record is damaged: ConfigMap kube-system/"+original.Name)
			root.certs("inspect", "--sources", "issued").wants(t, 0, "kube-system/"+original.Name, "damaged")
		})
	}
	t.Run("a certificate of one's own", func(t *testing.T) {
		edit(func(m *corev1.ConfigMap) {
			m.Data["certificate"] = string(pkitest.NewCA(t, "e2e-stranger").PEM())
		})
		root.certs("issued", "--user", user).wants(t, 0, "damaged", "does not verify against the cluster's client CA")
	})
	t.Run("deleted", func(t *testing.T) {
		if err := maps.Delete(t.Context(), original.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		got := issued(user)
		if len(got) != 1 || got[0].Status != "unrecorded" || got[0].NotAfter != original.Data["notAfter"] {
			t.Errorf("issued says %+v", got)
		}
		root.certs("offboard", user, "--dry-run").wants(t, 0, "the last one expires on ", "e2e-edited-group, system:authenticated")
	})
}

// selfIssued is what a renewal by the user's own rights leaves: a certificate
// that they asked for and approved, and its record.
func selfIssued(t *testing.T, user string, groups ...string) {
	t.Helper()
	name := user + "-self"
	ask(t, name, certificatesv1.KubeAPIServerClientSignerName, &authenticationv1.UserInfo{Username: user, Groups: groups},
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: user, Organization: groups}}, certificatesv1.UsageClientAuth)
	newPerson(t, adminKubeconfig(t)).must("kubectl", "certificate", "approve", name)
	signedRequest(t, name)
	r, err := admin(t).CertificatesV1().CertificateSigningRequests().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	certs, err := pki.ParseCertificates(r.Status.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if err := access.Save(t.Context(), admin(t), access.NewRecord(certs[0], r.Spec.SignerName, user, user, name, time.Now())); err != nil {
		t.Fatal(err)
	}
}

// What was ended stays so by every way that this program has, until another
// user says otherwise; and somebody's own renewal says nothing.
func TestReinstate(t *testing.T) {
	const user, team = "e2e-returns", "e2e-returns-team"
	root := newPerson(t, adminKubeconfig(t))
	forgetUsers(t, user)
	inGroup(t, root, team, approversRules+`
- {apiGroups: [""], resources: [configmaps], verbs: [create, get, list, patch]}
`)
	file := root.issueTo(user, "--group", team, "--expires-in", "30m")
	owner := root.using(file)
	name := user + "@kind-kubectl-certs"
	owner.must("kubectl", "certs", "credential", "--install")
	root.certs("offboard", user, "--yes").wants(t, 1, "User "+user+" marked as offboarded", "they may still approve requests")

	ended := `user "` + user + `" was offboarded on `
	due(t, file)
	if r := owner.run("kubectl", "auth", "whoami"); r.code != 0 || !strings.Contains(r.stderr, "was not renewed: "+ended) {
		t.Errorf("credential: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	// An older version of this program, or one that may not read the record, has
	// let her renew herself since: that is not a reinstatement.
	selfIssued(t, user, team)
	both := root.using(root.kubeconfig + ":" + file)
	people := "apiVersion: certs.kubectl.dev/v1alpha1\nkind: People\npeople:\n- name: " + user + "\n  groups: [" + team + "]\n"
	if err := os.WriteFile(root.path("people.yaml"), []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, root.certs("issue", user, "--out", "again.kubeconfig"), ended, "--reinstate")
	wantFailure(t, both.certs("renew", name, "--context", "kind-kubectl-certs"), ended, "--reinstate")
	root.certs("issue", "-f", "people.yaml", "--out", "people/").wants(t, 1, "failed: "+user+": "+ended)
	askAsClient(t, "e2e-returns-asks", user, team)
	wantFailure(t, root.certs("approve", "e2e-returns-asks", "--yes", "--accept-risk", "cluster-admin"), ended, "--reinstate")
	wantFailure(t, owner.certs("issue", user, "--reinstate", "--out", "self.kubeconfig"), "you cannot reinstate yourself", "ask an administrator")

	root.certs("issue", "-f", "people.yaml", "--out", "people/", "--reinstate").wants(t, 0, "1 user: 1 issued")
	both.must("kubectl", "certs", "renew", name, "--context", "kind-kubectl-certs")
	root.certs("offboard", user, "--yes").wants(t, 1, "marked as offboarded")
	wantFailure(t, both.certs("renew", name, "--context", "kind-kubectl-certs"), ended, "--reinstate")
	both.certs("renew", name, "--context", "kind-kubectl-certs", "--reinstate").wants(t, 0, "User "+user+" reinstated")
}
