//go:build e2e

package e2e

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
)

// documented is one rule of docs/permissions.md: a row of a table.
type documented struct {
	rule      rbacv1.PolicyRule
	namespace string
	// without is what the program says where it may not, "" where it fails.
	without string
}

func (d documented) String() string {
	return fmt.Sprintf("%s %s %s -n %q", d.rule.Verbs, d.rule.Resources, d.rule.ResourceNames, d.namespace)
}

// readPermissions returns the rules of each section. A section that says so has
// those of `issue NAME` too.
func readPermissions(t *testing.T) map[string][]documented {
	t.Helper()
	text, err := os.ReadFile("../../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	sections, section := map[string][]documented{}, ""
	for _, line := range strings.Split(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			section = name
		}
		if strings.HasPrefix(line, "What `issue NAME` needs, and") {
			sections[section] = slices.Clone(sections["issue NAME"])
		}
		cells := strings.Split(line, "|")
		if len(cells) != 7 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if cells[1] == "verbs" || strings.HasPrefix(cells[1], "-") {
			continue
		}
		sections[section] = append(sections[section], parseRule(t, cells[1:6]))
	}
	return sections
}

func parseRule(t *testing.T, cells []string) documented {
	t.Helper()
	resource, group, _ := strings.Cut(cells[1], ".")
	d := documented{namespace: cells[3], rule: rbacv1.PolicyRule{
		Verbs: strings.Split(cells[0], ", "), APIGroups: []string{group}, Resources: []string{resource},
	}}
	if cells[2] != "" {
		d.rule.ResourceNames = strings.Split(cells[2], ", ")
	}
	switch said, ok := strings.CutPrefix(cells[4], "`"); {
	case ok:
		d.without = strings.TrimSuffix(said, "`")
	case !strings.HasPrefix(cells[4], "fails"):
		t.Fatalf("%v: neither what is said without it, nor that it fails: %q", d, cells[4])
	}
	return d
}

// scenario runs a command as somebody, each time anew, and checks its effect.
type scenario func(t *testing.T, p *person, id string) result

// The sections of the document, and how the test runs each of them.
var scenarios = map[string]scenario{
	"issue NAME":                issues(),
	"issue admin":               issues("--admin"),
	"issue NAME --cluster-role": issues("--cluster-role", "view"),
	"issue NAME --role":         issues("--role", "view", "-n", "default"),
	"issued": func(_ *testing.T, p *person, _ string) result {
		return p.certs("issued")
	},
	"requests": func(t *testing.T, p *person, id string) result {
		asked(t, id)
		r := p.certs("requests")
		if r.code == 0 && !strings.Contains(r.stdout, id) {
			t.Errorf("request %s is not listed:\n%s", id, r.stdout)
		}
		return r
	},
	"approve NAME":  decides("approve", certificatesv1.CertificateApproved),
	"deny NAME":     decides("deny", certificatesv1.CertificateDenied),
	"offboard NAME": offboards,
	"inspect": func(_ *testing.T, p *person, _ string) result {
		return p.certs("inspect", "--reach", "port-forward")
	},
}

// issues runs issue for a user called id; with --admin, for an administrator.
func issues(args ...string) scenario {
	return func(t *testing.T, p *person, id string) result {
		forgetUsers(t, id)
		command := append([]string{"issue", id, "--timeout", "3s"}, args...)
		if slices.Contains(args, "--admin") {
			command = []string{"issue", "admin", "--name", id, "--timeout", "3s"}
		}
		r := p.certs(command...)
		if _, err := os.Stat(p.path(id + ".kubeconfig")); (err == nil) != (r.code == 0) {
			t.Errorf("exit %d, and of the kubeconfig: %v\n%s", r.code, err, r.stderr)
		}
		return r
	}
}

func asked(t *testing.T, id string) *certificatesv1.CertificateSigningRequest {
	return ask(t, id, certificatesv1.KubeAPIServerClientSignerName, nil,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: id}}, certificatesv1.UsageClientAuth)
}

func decides(verb string, want certificatesv1.RequestConditionType) scenario {
	return func(t *testing.T, p *person, id string) result {
		asked(t, id)
		args := []string{verb, id, "--yes"}
		if verb == "deny" {
			args = append(args, "--reason", "Tried")
		} else {
			args = append(args, "--accept-risk", "long-life")
		}
		r := p.certs(args...)
		got, err := admin(t).CertificatesV1().CertificateSigningRequests().Get(t.Context(), id, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		decided := slices.ContainsFunc(got.Status.Conditions, func(c certificatesv1.CertificateSigningRequestCondition) bool { return c.Type == want })
		if decided != (r.code == 0) {
			t.Errorf("exit %d, and the request has conditions %v\n%s", r.code, got.Status.Conditions, r.stderr)
		}
		return r
	}
}

func offboards(t *testing.T, p *person, id string) result {
	root := newPerson(t, adminKubeconfig(t))
	forgetUsers(t, id)
	root.issueTo(id, "--role", "view", "-n", "default")
	r := p.certs("offboard", id, "--yes")
	list, err := admin(t).RbacV1().RoleBindings("default").List(t.Context(), metav1.ListOptions{LabelSelector: access.Selector(id)})
	if err != nil {
		t.Fatal(err)
	}
	// Certificates of a past hour whose origin nobody knows are no fault here.
	if len(list.Items) == 0 && strings.Contains(r.stderr, "certificates of unknown origin") {
		r.code = 0
	}
	if (len(list.Items) == 0) != (r.code == 0) {
		t.Errorf("exit %d, and %d bindings are left\n%s", r.code, len(list.Items), r.stderr)
	}
	return r
}

// With what the document lists, each command does its work; without any one of the
// rules, it fails or says what it left out.
func TestDocumentedPermissions(t *testing.T) {
	sections := readPermissions(t)
	if got, want := slices.Sorted(maps.Keys(sections)), slices.Sorted(maps.Keys(scenarios)); !slices.Equal(got, want) {
		t.Fatalf("the document has rules for %q, the test runs %q", got, want)
	}
	run := time.Now().UnixNano() % 1_000_000
	for at, section := range slices.Sorted(maps.Keys(sections)) {
		t.Run(strings.ReplaceAll(section, " ", "_"), func(t *testing.T) {
			t.Parallel()
			rules := sections[section]
			for left := -1; left < len(rules); left++ {
				id := fmt.Sprintf("e2e-permitted-%d-%d-%d", run, at, left+1)
				granted := slices.Clone(rules)
				if left >= 0 {
					granted = slices.Delete(granted, left, left+1)
				}
				r := scenarios[section](t, holder(t, id+"-by", granted), id)
				if left < 0 {
					wantAllDone(t, rules, r)
				} else {
					wantLack(t, rules[left], r)
				}
			}
		})
	}
}

// wantAllDone checks what a command says that may do all it should.
func wantAllDone(t *testing.T, rules []documented, r result) {
	t.Helper()
	said := r.stdout + r.stderr
	if r.code != 0 || strings.Contains(said, "you may not") {
		t.Fatalf("with all that is documented: exit %d\n%s", r.code, said)
	}
	for _, rule := range rules {
		if rule.without != "" && strings.Contains(said, rule.without) {
			t.Errorf("with all that is documented, it says %q:\n%s", rule.without, said)
		}
	}
}

// wantLack checks what a command says that lacks one rule.
func wantLack(t *testing.T, lacking documented, r result) {
	t.Helper()
	switch {
	case lacking.without == "" && r.code == 0:
		t.Errorf("without %v, it works all the same\n%s", lacking, r.stderr)
	case !strings.Contains(r.stdout+r.stderr, lacking.without):
		t.Errorf("without %v, it does not say %q\n%s", lacking, lacking.without, r.stdout+r.stderr)
	}
}

// holder returns somebody who may do what granted says and what every user may.
func holder(t *testing.T, user string, granted []documented) *person {
	t.Helper()
	root := newPerson(t, adminKubeconfig(t))
	forgetUsers(t, user)
	p := root.using(root.issueTo(user))
	p.home = t.TempDir()
	api := admin(t).RbacV1()
	byNamespace := map[string][]rbacv1.PolicyRule{}
	for _, d := range granted {
		byNamespace[d.namespace] = append(byNamespace[d.namespace], d.rule)
	}
	t.Cleanup(func() {
		root := newPerson(t, root.kubeconfig)
		root.run("kubectl", "delete", "clusterroles,clusterrolebindings", user, "--ignore-not-found")
		for namespace := range byNamespace {
			if namespace != "" {
				root.run("kubectl", "delete", "roles,rolebindings", user, "-n", namespace, "--ignore-not-found")
			}
		}
	})
	meta := metav1.ObjectMeta{Name: user}
	subjects := []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}}
	for namespace, rules := range byNamespace {
		var err, bindErr error
		if ref := (rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user}); namespace == "" {
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
	for _, d := range granted {
		awaitRight(t, user, d)
	}
	return p
}

// awaitRight waits until the API server knows that a user may do something.
func awaitRight(t *testing.T, user string, d documented) {
	t.Helper()
	resource, sub, _ := strings.Cut(d.rule.Resources[0], "/")
	act := &authorizationv1.ResourceAttributes{Namespace: d.namespace, Verb: d.rule.Verbs[0], Group: d.rule.APIGroups[0], Resource: resource, Subresource: sub}
	if len(d.rule.ResourceNames) > 0 {
		act.Name = d.rule.ResourceNames[0]
	}
	for range 100 {
		review, err := admin(t).AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: user, Groups: []string{"system:authenticated"}, ResourceAttributes: act},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if review.Status.Allowed {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s never got the right to %v", user, d)
}
