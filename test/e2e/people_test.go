//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// namespace makes a namespace that is gone after the test. One of an earlier
// run may still be on its way out.
func namespace(t *testing.T, name string) {
	t.Helper()
	client := admin(t)
	awaiting(t, "namespace "+name+" can be made", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return false, nil
		}
		return err == nil, err
	})
	t.Cleanup(func() { newPerson(t, adminKubeconfig(t)).must("kubectl", "delete", "namespace", name, "--wait=false") })
}

// forgetUsers removes, now and after the test, what issuing to users leaves in
// the cluster: bindings, records and requests.
func forgetUsers(t *testing.T, users ...string) {
	t.Helper()
	client := admin(t)
	hashes := map[string]bool{}
	for _, user := range users {
		hashes[access.UserHash(user)] = true
	}
	theirs := func(object metav1.ObjectMeta) bool { return hashes[object.Labels[access.UserHashLabel]] }
	forget := func() {
		ctx := context.WithoutCancel(t.Context())
		made := metav1.ListOptions{LabelSelector: access.Selector("")}
		must := func(err error) {
			if err != nil && !apierrors.IsNotFound(err) {
				t.Error(err)
			}
		}
		records, err := client.CoreV1().ConfigMaps("kube-system").List(ctx, made)
		must(err)
		for _, r := range records.Items {
			if theirs(r.ObjectMeta) {
				must(client.CoreV1().ConfigMaps(r.Namespace).Delete(ctx, r.Name, metav1.DeleteOptions{}))
			}
		}
		everywhere, err := client.RbacV1().ClusterRoleBindings().List(ctx, made)
		must(err)
		for _, b := range everywhere.Items {
			if theirs(b.ObjectMeta) {
				must(client.RbacV1().ClusterRoleBindings().Delete(ctx, b.Name, metav1.DeleteOptions{}))
			}
		}
		somewhere, err := client.RbacV1().RoleBindings("").List(ctx, made)
		must(err)
		for _, b := range somewhere.Items {
			if theirs(b.ObjectMeta) {
				must(client.RbacV1().RoleBindings(b.Namespace).Delete(ctx, b.Name, metav1.DeleteOptions{}))
			}
		}
		requests, err := client.CertificatesV1().CertificateSigningRequests().List(ctx, metav1.ListOptions{LabelSelector: access.ManagedByLabel + "=" + access.ManagedBy})
		must(err)
		for _, r := range requests.Items {
			parsed, err := pki.ParseRequest(r.Spec.Request)
			if err == nil && hashes[access.UserHash(parsed.Subject.CommonName)] {
				must(client.CertificatesV1().CertificateSigningRequests().Delete(ctx, r.Name, metav1.DeleteOptions{}))
			}
		}
	}
	forget()
	t.Cleanup(forget)
}

// refused runs a command that the API server has to refuse to the person.
func (p *person) refused(args ...string) {
	p.t.Helper()
	if r := p.run("kubectl", args...); r.code == 0 || !strings.Contains(strings.ToLower(r.stderr), "forbidden") {
		p.t.Errorf("kubectl %s: exit %d, want Forbidden\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
}

// issuedTo reads the records of a user.
func (p *person) issuedTo(user string) []map[string]any {
	p.t.Helper()
	var list struct {
		Kind  string
		Items []map[string]any
	}
	if err := json.Unmarshal([]byte(p.must("kubectl", "certs", "users", "--user", user, "-o", "json")), &list); err != nil || list.Kind != "IssuedCertificateList" {
		p.t.Fatalf("%v (kind %q)", err, list.Kind)
	}
	return list.Items
}

// A person may do what they were given, in the places they were given it, and
// nothing else; and the cluster remembers the very certificate that openssl
// sees.
func TestIssuePersonWithAccess(t *testing.T) {
	const user, dev = "e2e-vera", "e2e-people"
	namespace(t, dev)
	forgetUsers(t, user)
	p := newPerson(t, adminKubeconfig(t))
	r := p.certs("issue", user, "--group", "e2e-devs", "--role", "edit", "--role", "kube-public/view", "--clusterrole", "system:node-reader-none", "-n", dev)
	wantFailure(t, r, `there is no ClusterRole "system:node-reader-none"`, "kubectl get clusterroles")
	if left := append(ours(t, "certs-"+user), p.files()...); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}

	r = p.certs("issue", user, "--group", "e2e-devs", "--role", "edit", "--role", "kube-public/view", "--cluster-role", "system:discovery", "-n", dev, "--expires-in", "1h")
	if r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	for _, shown := range []string{"access   ClusterRole edit in namespace " + dev, "access   ClusterRole view in namespace kube-public", "access   ClusterRole system:discovery in the whole cluster"} {
		if !strings.Contains(r.stderr, shown) {
			t.Errorf("it does not show %q:\n%s", shown, r.stderr)
		}
	}
	vera := p.using(p.path(user + ".kubeconfig"))
	if got, groups := vera.whoami(); got != user || !slices.Contains(groups, "e2e-devs") {
		t.Errorf("the API server takes her for %q in %q", got, groups)
	}
	// -n dev is her namespace, too.
	vera.must("kubectl", "create", "configmap", "made-by-vera", "--from-literal", "a=b")
	vera.must("kubectl", "get", "configmap", "made-by-vera", "-n", dev)
	vera.must("kubectl", "get", "configmaps", "-n", "kube-public")
	vera.refused("create", "configmap", "x", "-n", "kube-public")
	vera.refused("get", "configmaps", "-n", "default")
	vera.refused("get", "secrets", "-A")
	vera.refused("get", "nodes")
	vera.refused("create", "rolebinding", "more", "--clusterrole=admin", "--user="+user, "-n", dev)

	// One binding a grant, found by its user.
	bindings := p.must("kubectl", "get", "rolebindings,clusterrolebindings", "-A", "-l", access.Selector(user), "-o", "jsonpath={range .items[*]}{.roleRef.name} {end}")
	if got := strings.Fields(bindings); len(got) != 3 {
		t.Errorf("bindings to %q, want one for each grant", got)
	}

	records := p.issuedTo(user)
	if len(records) != 1 {
		t.Fatalf("records: %v", records)
	}
	certificate, _ := p.unpack(p.path(user + ".kubeconfig"))
	fingerprint := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(p.must("openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", certificate)), ":", ""))
	serial := strings.ToLower(strings.TrimSpace(p.must("openssl", "x509", "-noout", "-serial", "-in", certificate)))
	record := records[0]
	if !strings.HasSuffix(fingerprint, "="+record["sha256"].(string)) || strings.TrimLeft(strings.TrimPrefix(serial, "serial="), "0") != record["serial"] {
		t.Errorf("record %v, but openssl sees %s, %s", record, fingerprint, serial)
	}
	if record["status"] != "valid" || record["requestedBy"] != "kubernetes-admin" || record["approvedBy"] != "kubernetes-admin" {
		t.Errorf("record: %v", record)
	}
	// inspect shows it too, when the API has long forgotten its request.
	if inventory := p.must("kubectl", "certs", "inspect", "--sources", "trust,issued", "-o", "json"); !strings.Contains(inventory, record["sha256"].(string)) || !strings.Contains(inventory, `"issued/`+user+`"`) {
		t.Errorf("inspect does not show it:\n%s", inventory)
	}
	if table := p.must("kubectl", "certs", "users", "--user", user); !strings.Contains(table, user) || !strings.Contains(table, "e2e-devs") || !strings.Contains(table, "valid") {
		t.Errorf("table:\n%s", table)
	}
}

// A Role of the namespace is found before a ClusterRole of that name.
func TestIssueRoleOfTheNamespace(t *testing.T) {
	const user, dev = "e2e-rolf", "e2e-own-role"
	namespace(t, dev)
	forgetUsers(t, user)
	p := newPerson(t, adminKubeconfig(t))
	p.must("kubectl", "create", "role", "view", "--verb=get", "--resource=configmaps", "-n", dev)
	if r := p.certs("issue", user, "--role", dev+"/view"); r.code != 0 || !strings.Contains(r.stderr, "access   Role view in namespace "+dev) {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	rolf := p.using(p.path(user + ".kubeconfig"))
	rolf.must("kubectl", "get", "configmap", "kube-root-ca.crt", "-n", dev)
	rolf.refused("get", "pods", "-n", dev)
}

// A binding that is not ours is not touched, and nothing is issued either.
func TestIssueLeavesForeignBindingsAlone(t *testing.T) {
	const user = "e2e-fritz"
	forgetUsers(t, user)
	name := access.Grant{Role: "view"}.Name(user)
	foreign := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}
	client := admin(t)
	before, err := client.RbacV1().ClusterRoleBindings().Create(t.Context(), foreign, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { newPerson(t, adminKubeconfig(t)).must("kubectl", "delete", "clusterrolebinding", name) })
	p := newPerson(t, adminKubeconfig(t))
	wantFailure(t, p.certs("issue", user, "--cluster-role", "view"), "already exists, and was not created by kubectl certs", "kubectl delete clusterrolebinding "+name)
	after, err := client.RbacV1().ClusterRoleBindings().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil || after.ResourceVersion != before.ResourceVersion {
		t.Errorf("the binding was touched (%v)", err)
	}
	if left := append(ours(t, "certs-"+user), p.files()...); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// mayOnly returns somebody who may do what rules say, in the whole cluster.
func mayOnly(t *testing.T, user string, rules ...rbacv1.PolicyRule) *person {
	t.Helper()
	client := admin(t)
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: rules}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}
	if _, err := client.RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		newPerson(t, adminKubeconfig(t)).must("kubectl", "delete", "clusterrole/"+user, "clusterrolebinding/"+user)
	})
	forgetUsers(t, user)
	p := newPerson(t, adminKubeconfig(t))
	if r := p.certs("issue", user); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	return p.using(p.path(user + ".kubeconfig"))
}

// asking are the permissions that issuing takes.
var asking = []rbacv1.PolicyRule{
	{Verbs: []string{"create", "get", "watch", "delete"}, APIGroups: []string{"certificates.k8s.io"}, Resources: []string{"certificatesigningrequests"}},
	{Verbs: []string{"update"}, APIGroups: []string{"certificates.k8s.io"}, Resources: []string{"certificatesigningrequests/approval"}},
	{Verbs: []string{"approve"}, APIGroups: []string{"certificates.k8s.io"}, Resources: []string{"signers"}, ResourceNames: []string{"kubernetes.io/kube-apiserver-client"}},
}

// Who may hand out a role that they hold, may; everything that is missing is
// named before anything is done; and without permission to record, it issues
// and says so.
func TestIssueWithLimitedRights(t *testing.T) {
	const user, friend, dev = "e2e-lena", "e2e-lenas-friend", "e2e-limited"
	namespace(t, dev)
	forgetUsers(t, friend)
	lena := mayOnly(t, user, asking...)

	wantFailure(t, lena.certs("issue", friend, "--role", dev+"/edit", "--cluster-role", "view"),
		"forbidden: you may not get rolebindings.rbac.authorization.k8s.io -n "+dev+", create rolebindings.rbac.authorization.k8s.io -n "+dev, "ask an administrator")
	if left := ours(t, "certs-"+friend); len(left) > 0 {
		t.Errorf("requests were made: %q", left)
	}

	root := newPerson(t, adminKubeconfig(t))
	root.must("kubectl", "create", "rolebinding", "lena", "--clusterrole=admin", "--user="+user, "-n", dev)
	wantFailure(t, lena.certs("issue", friend, "--role", dev+"/cluster-admin"), "bind clusterroles.rbac.authorization.k8s.io/cluster-admin -n "+dev, "whose permissions you have")
	r := lena.certs("issue", friend, "--role", dev+"/edit")
	if r.code != 0 || !strings.Contains(r.stderr, "warning: this certificate could not be recorded: forbidden: you may not create configmaps -n kube-system") {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	lena.using(lena.path(friend+".kubeconfig")).must("kubectl", "get", "pods", "-n", dev)
	wantFailure(t, lena.certs("issued"), "forbidden: you may not list configmaps -n kube-system", "ask an administrator")
}

// A dry run prints what real kubectl takes, and changes nothing.
func TestIssueDryRun(t *testing.T) {
	const user, dev = "e2e-dora", "e2e-dry"
	namespace(t, dev)
	forgetUsers(t, user)
	for _, how := range []string{"client", "server"} {
		t.Run(how, func(t *testing.T) {
			p := newPerson(t, adminKubeconfig(t))
			r := p.certs("issue", user, "--role", dev+"/edit", "--cluster-role", "view", "--dry-run="+how)
			if r.code != 0 || strings.Contains(r.stdout, "PRIVATE KEY") {
				t.Fatalf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
			}
			if left := append(ours(t, "certs-"+user), p.files()...); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			if got := p.must("kubectl", "get", "rolebindings,clusterrolebindings", "-A", "-l", access.Selector(user), "-o", "name"); got != "" {
				t.Errorf("bindings were made: %s", got)
			}
			file := p.path("plan.yaml")
			if err := os.WriteFile(file, []byte(r.stdout), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := p.must("kubectl", "apply", "--dry-run=server", "-f", file, "-o", "name"); len(strings.Fields(got)) != 3 {
				t.Errorf("kubectl takes it for:\n%s", got)
			}
		})
	}
	p := newPerson(t, adminKubeconfig(t))
	wantFailure(t, p.certs("issue", user, "--role", "e2e-nowhere/edit", "--dry-run=server"), `there is no namespace "e2e-nowhere"`, "-n")
}

// A kubelet's certificate is taken for the node's.
func TestIssueKubelet(t *testing.T) {
	forgetUsers(t, "system:node:e2e-node")
	p := newPerson(t, adminKubeconfig(t))
	if r := p.certs("issue", "kubelet", "--node", "e2e-node", "--out", "kubelet/"); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	node := p.using(p.path("kubelet/kubelet.conf"))
	if user, groups := node.whoami(); user != "system:node:e2e-node" || !slices.Contains(groups, "system:nodes") {
		t.Errorf("the API server takes it for %q in %q", user, groups)
	}
	p.must("openssl", "x509", "-noout", "-in", p.path("kubelet/kubelet-client-current.pem"))
	p.must("openssl", "pkey", "-noout", "-in", p.path("kubelet/kubelet-client-current.pem"))
}

// Files by their conventional names, whose kubeconfig refers to them and works
// wherever the directory lies; all of them, or none.
func TestIssueToADirectory(t *testing.T) {
	forgetUsers(t, "admin")
	p := newPerson(t, adminKubeconfig(t))
	if r := p.certs("issue", "admin", "--out", "pki/"); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	want := []string{"admin.conf", "admin.crt", "admin.key", "ca.crt"}
	for _, name := range want {
		if info, err := os.Stat(p.path("pki/" + name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v (%v), want mode 0600", name, info, err)
		}
	}
	if text, err := os.ReadFile(p.path("pki/admin.conf")); err != nil || strings.Contains(string(text), "-data:") {
		t.Errorf("something is embedded (%v):\n%s", err, text)
	}
	if err := os.Rename(p.path("pki"), p.path("elsewhere")); err != nil {
		t.Fatal(err)
	}
	p.using(p.path("elsewhere/admin.conf")).must("kubectl", "get", "nodes")

	if err := os.Remove(p.path("elsewhere/admin.key")); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(p.path("elsewhere/admin.crt"))
	if err != nil {
		t.Fatal(err)
	}
	wantFailure(t, p.certs("issue", "admin", "--out", "elsewhere"), "elsewhere/admin.crt: the file already exists", "--force")
	if after, err := os.ReadFile(p.path("elsewhere/admin.crt")); err != nil || string(after) != string(before) {
		t.Errorf("the certificate was replaced (%v)", err)
	}
	if _, err := os.Stat(p.path("elsewhere/admin.key")); err == nil {
		t.Error("a key was written without its certificate")
	}
}

// What a browser imports stands before openssl.
func TestIssuePKCS12(t *testing.T) {
	const user = "e2e-petra"
	forgetUsers(t, user)
	p := newPerson(t, adminKubeconfig(t))
	if err := os.WriteFile(p.path("password"), []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := p.certs("issue", user, "--p12", "petra.p12", "--p12-password-file", "password"); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	if got := p.files(); !slices.Equal(got, []string{"password", "petra.p12"}) {
		t.Errorf("files: %q", got)
	}
	p.must("openssl", "pkcs12", "-in", p.path("petra.p12"), "-passin", "file:"+p.path("password"), "-nodes", "-out", p.path("all.pem"))
	if subject := p.must("openssl", "x509", "-noout", "-subject", "-in", p.path("all.pem")); !strings.Contains(subject, user) {
		t.Errorf("openssl reads %q", subject)
	}
	if a, b := p.must("openssl", "x509", "-noout", "-pubkey", "-in", p.path("all.pem")), p.must("openssl", "pkey", "-pubout", "-in", p.path("all.pem")); a != b {
		t.Error("openssl says that the private key does not match the certificate")
	}
}

// Merged into the user's own kubeconfig, it stands beside what was there.
func TestIssueMerge(t *testing.T) {
	const user = "e2e-mona"
	forgetUsers(t, user)
	p := newPerson(t, adminKubeconfig(t))
	text, err := os.ReadFile(adminKubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.path("config"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	own := p.using(p.path("config"))
	if r := own.certs("issue", user, "--merge"); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	contexts := strings.Fields(own.must("kubectl", "config", "get-contexts", "-o", "name"))
	mine := slices.IndexFunc(contexts, func(c string) bool { return strings.HasPrefix(c, user+"@") })
	if len(contexts) != 2 || mine < 0 {
		t.Fatalf("contexts: %q", contexts)
	}
	own.must("kubectl", "get", "nodes") // still the administrator
	if got := own.must("kubectl", "auth", "whoami", "--context", contexts[mine], "-o", "jsonpath={.status.userInfo.username}"); got != user {
		t.Errorf("the API server takes the new context for %q", got)
	}
	before := len(p.issuedTo(user))
	wantFailure(t, own.certs("issue", user, "--merge"), "is different in", "--on-conflict")
	if after := len(p.issuedTo(user)); after != before {
		t.Errorf("%d certificates were issued to be thrown away", after-before)
	}
	if r := own.certs("issue", user, "--merge", "--on-conflict", "replace"); r.code != 0 {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
}

// Nobody's Ctrl-C leaves a binding, a file or a request.
func TestIssueInterruptedLeavesNoBinding(t *testing.T) {
	const user, friend = "e2e-ines", "e2e-ines-friend"
	forgetUsers(t, friend)
	ines := mayOnly(t, user, append(asking[:1:1],
		rbacv1.PolicyRule{Verbs: []string{"get", "create", "patch"}, APIGroups: []string{"rbac.authorization.k8s.io"}, Resources: []string{"clusterrolebindings"}},
		rbacv1.PolicyRule{Verbs: []string{"bind"}, APIGroups: []string{"rbac.authorization.k8s.io"}, Resources: []string{"clusterroles"}})...)
	r := ines.start("issue", friend, "--cluster-role", "view", "--timeout", "1m")
	r.says("Waiting for an approver")
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, r.end(), "interrupted", "no objects left in the cluster")
	root := newPerson(t, adminKubeconfig(t))
	if got := root.must("kubectl", "get", "clusterrolebindings", "-l", access.Selector(friend), "-o", "name"); got != "" {
		t.Errorf("left behind: %s", got)
	}
	if left := ours(t, "certs-"+friend); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if got := ines.files(); slices.Contains(got, friend+".kubeconfig") {
		t.Errorf("files: %q", got)
	}
}

// Five hundred people in one go; again, and nothing changes; and what is taken
// away comes back, and nothing else.
func TestIssueFiveHundred(t *testing.T) {
	const all, dev = 500, "e2e-crowd"
	namespace(t, dev)
	var users []string
	var text strings.Builder
	text.WriteString("apiVersion: certs.kubectl.dev/v1alpha1\nkind: People\npeople:\n")
	for i := range all {
		users = append(users, fmt.Sprintf("e2e-crowd-%03d", i))
		fmt.Fprintf(&text, "- name: %s\n  groups: [e2e-crowd]\n  roles: [%s/view]\n  expiresIn: 1h\n", users[i], dev)
	}
	forgetUsers(t, users...)
	p := newPerson(t, adminKubeconfig(t))
	if err := os.WriteFile(p.path("people.yaml"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	issue := func(want string) {
		t.Helper()
		start := time.Now()
		r := p.certs("issue", "-f", "people.yaml", "--out", "people/", "-v", "2")
		if r.code != 0 || strings.TrimSpace(r.stdout) != want {
			t.Fatalf("exit %d, said %q, want %q\n%s", r.code, r.stdout, want, r.stderr)
		}
		if strings.Contains(r.stderr, "throttling") {
			t.Errorf("the client throttled itself:\n%s", r.stderr)
		}
		t.Logf("%s, in %s", want, time.Since(start).Round(time.Millisecond))
	}
	issue("500 users: 500 issued")
	files, err := filepath.Glob(p.path("people/*.kubeconfig"))
	if err != nil || len(files) != all {
		t.Fatalf("%d kubeconfigs (%v)", len(files), err)
	}
	for _, user := range []string{users[0], users[250], users[499]} {
		someone := p.using(p.path("people/" + user + ".kubeconfig"))
		if got, groups := someone.whoami(); got != user || !slices.Contains(groups, "e2e-crowd") {
			t.Errorf("the API server takes %s for %q in %q", user, got, groups)
		}
		someone.must("kubectl", "get", "pods", "-n", dev)
		someone.refused("get", "pods", "-n", "default")
	}
	before := snapshot(t, p, dev)
	issue("500 users: 0 issued, 500 unchanged")
	if after := snapshot(t, p, dev); after != before {
		t.Error("running it again changed something")
	}

	if err := os.Remove(files[1]); err != nil {
		t.Fatal(err)
	}
	p.must("kubectl", "delete", "rolebinding", "-n", dev, "-l", access.Selector(users[2]))
	p.must("kubectl", "delete", "configmap", "-n", "kube-system", "-l", access.Selector(users[3]))
	issue("500 users: 1 issued, 2 completed, 497 unchanged")
	if got := p.issuedTo(users[3]); len(got) != 1 {
		t.Errorf("records of %s: %v", users[3], got)
	}
	p.using(files[2]).must("kubectl", "get", "pods", "-n", dev)

	// One who cannot be let in does not hold up the others.
	if err := os.WriteFile(files[4], []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(files[5]); err != nil {
		t.Fatal(err)
	}
	r := p.certs("issue", "-f", "people.yaml", "--out", "people/")
	if r.code != 1 || strings.TrimSpace(r.stdout) != "500 users: 1 issued, 498 unchanged, 1 failed" || !strings.Contains(r.stderr, "failed: "+users[4]+": people/") {
		t.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if text, err := os.ReadFile(files[4]); err != nil || string(text) != "precious" {
		t.Errorf("the file now holds %q (%v)", text, err)
	}
}

// snapshot is everything that many people have left, in the cluster and on the
// disk, with versions and times.
func snapshot(t *testing.T, p *person, namespace string) string {
	t.Helper()
	var out strings.Builder
	const versions = `jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}`
	out.WriteString(p.must("kubectl", "get", "rolebindings", "-n", namespace, "-o", versions))
	out.WriteString(p.must("kubectl", "get", "configmaps", "-n", "kube-system", "-l", access.RecordLabel, "-o", versions))
	files, err := filepath.Glob(p.path("people/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, file, info.ModTime(), info.Mode())
	}
	return out.String()
}

// Many administrators at once, each with a request of their own, do not get in
// each other's way.
func TestIssueSideBySide(t *testing.T) {
	const user = "e2e-twins"
	forgetUsers(t, user)
	p := newPerson(t, adminKubeconfig(t))
	var wait sync.WaitGroup
	results := make([]result, 4)
	for i := range results {
		wait.Go(func() {
			results[i] = p.certs("issue", user, "--cluster-role", "system:discovery", "--out", fmt.Sprint(i, ".kubeconfig"))
		})
	}
	wait.Wait()
	for i, r := range results {
		if r.code != 0 {
			t.Errorf("%d: exit %d\n%s", i, r.code, r.stderr)
		}
	}
	if got := len(p.issuedTo(user)); got != len(results) {
		t.Errorf("%d records, want %d", got, len(results))
	}
}
