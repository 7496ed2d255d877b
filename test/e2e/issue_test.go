//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// whoami asks the API server whom it takes the person for.
func (p *person) whoami() (user string, groups []string) {
	p.t.Helper()
	var review struct {
		Status struct {
			UserInfo struct {
				Username string
				Groups   []string
			}
		}
	}
	if err := json.Unmarshal([]byte(p.must("kubectl", "auth", "whoami", "-o", "json")), &review); err != nil {
		p.t.Fatal(err)
	}
	return review.Status.UserInfo.Username, review.Status.UserInfo.Groups
}

// unpack writes the parts of a kubeconfig to files, for openssl.
func (p *person) unpack(kubeconfig string) (certificate, key string) {
	p.t.Helper()
	config, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		p.t.Fatal(err)
	}
	user := config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo]
	certificate, key = p.path("unpacked.crt"), p.path("unpacked.key")
	for file, data := range map[string][]byte{certificate: user.ClientCertificateData, key: user.ClientKeyData} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	return certificate, key
}

// An administrator's kubeconfig works with real kubectl, and its certificate
// stands before openssl, whatever the kind of key.
func TestIssueAdmin(t *testing.T) {
	for _, keyType := range pki.KeyTypes() {
		t.Run(string(keyType), func(t *testing.T) {
			p := newPerson(t, adminKubeconfig(t))
			r := p.certs("issue", "admin", "--name", "alice", "--expires-in", "1h", "--key-type", string(keyType))
			if r.code != 0 {
				t.Fatalf("exit %d\n%s", r.code, r.stderr)
			}
			if !strings.HasPrefix(r.stdout, "Wrote alice.kubeconfig: user alice") {
				t.Errorf("standard output: %q", r.stdout)
			}
			if got := p.files(); !slices.Equal(got, []string{"alice.kubeconfig"}) {
				t.Errorf("files: %q", got)
			}
			file := p.path("alice.kubeconfig")
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode of the kubeconfig: %v (%v), want 0600", info.Mode(), err)
			}

			alice := p.using(file)
			user, groups := alice.whoami()
			if user != "alice" || !slices.Contains(groups, "kubeadm:cluster-admins") || slices.Contains(groups, "system:masters") {
				t.Errorf("the API server takes alice for %q in %q", user, groups)
			}
			if nodes := alice.must("kubectl", "get", "nodes", "-o", "name"); strings.Count(nodes, "node/") != 3 {
				t.Errorf("nodes: %q", nodes)
			}
			alice.must("kubectl", "create", "configmap", "made-by-alice", "--from-literal", "a=b")
			alice.must("kubectl", "delete", "configmap", "made-by-alice")

			judgeByOpenSSL(t, p, file)
			assertNoKeyLeaked(t, p, file, r)
		})
	}
}

// judgeByOpenSSL lets openssl read what was issued.
func judgeByOpenSSL(t *testing.T, p *person, kubeconfig string) {
	t.Helper()
	certificate, key := p.unpack(kubeconfig)
	if subject := p.must("openssl", "x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in", certificate); !strings.Contains(subject, "CN=alice") || !strings.Contains(subject, "O=kubeadm:cluster-admins") {
		t.Errorf("openssl reads the subject as %q", subject)
	}
	if a, b := p.must("openssl", "x509", "-noout", "-pubkey", "-in", certificate), p.must("openssl", "pkey", "-pubout", "-in", key); a != b {
		t.Error("openssl says that the private key does not match the certificate")
	}
	// Valid now, and no longer in 61 minutes: an hour was asked for.
	p.must("openssl", "x509", "-noout", "-checkend", "0", "-in", certificate)
	if r := p.run("openssl", "x509", "-noout", "-checkend", "3660", "-in", certificate); r.code == 0 {
		t.Error("openssl says that the certificate lives longer than an hour")
	}
	config, err := admin(t).CoreV1().ConfigMaps("kube-system").Get(t.Context(), "extension-apiserver-authentication", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.path("client-ca.crt"), []byte(config.Data["client-ca-file"]), 0o600); err != nil {
		t.Fatal(err)
	}
	p.must("openssl", "verify", "-purpose", "sslclient", "-CAfile", p.path("client-ca.crt"), certificate)
}

// assertNoKeyLeaked looks for the private key in everything that was said and
// in the cluster's record of the request.
func assertNoKeyLeaked(t *testing.T, p *person, kubeconfig string, said result) {
	t.Helper()
	_, key := p.unpack(kubeconfig)
	pem, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(pem), "\n")
	secret := lines[1] // the first line of Base64
	requests := newPerson(t, adminKubeconfig(t)).must("kubectl", "get", "csr", "-o", "yaml")
	for where, text := range map[string]string{"stdout": said.stdout, "stderr": said.stderr, "the API": requests} {
		if strings.Contains(text, secret) || strings.Contains(text, "PRIVATE KEY") {
			t.Errorf("the private key is in %s", where)
		}
	}
}

// At the highest verbosity, the log of requests holds no key either.
func TestIssueVerboseLeaksNoKey(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	r := p.certs("issue", "admin", "--name", "verbose", "-v", "9")
	if r.code != 0 || !strings.Contains(r.stderr, "certificatesigningrequests") {
		t.Fatalf("exit %d, want a log of requests:\n%s", r.code, r.stderr)
	}
	assertNoKeyLeaked(t, p, p.path("verbose.kubeconfig"), r)
}

// Standard output holds the kubeconfig and nothing else.
func TestIssueToStandardOutput(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	r := p.certs("issue", "admin", "--out", "-")
	if r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	if got := p.files(); len(got) != 0 {
		t.Errorf("files were written: %q", got)
	}
	file := p.path("piped")
	if err := os.WriteFile(file, []byte(r.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	if user, _ := p.using(file).whoami(); user != "admin" {
		t.Errorf("the API server takes the holder for %q, want the default name", user)
	}
}

// Components get the names that RBAC knows them by.
func TestIssueComponents(t *testing.T) {
	for profile, want := range map[string]string{
		"scheduler":          "system:kube-scheduler",
		"controller-manager": "system:kube-controller-manager",
		"proxy":              "system:kube-proxy",
	} {
		t.Run(profile, func(t *testing.T) {
			p := newPerson(t, adminKubeconfig(t))
			if r := p.certs("issue", profile); r.code != 0 {
				t.Fatalf("exit %d\n%s", r.code, r.stderr)
			}
			if user, groups := p.using(p.path(profile + ".kubeconfig")).whoami(); user != want || len(groups) != 1 {
				t.Errorf("the API server takes it for %q in %q", user, groups)
			}
		})
	}
}

// A file that is there stays as it is, until --force.
func TestIssueOverAFile(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	file := p.path("admin.kubeconfig")
	if err := os.WriteFile(file, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := ours(t, "certs-admin-")
	wantFailure(t, p.certs("issue", "admin"), "already exists", "--force")
	if data, _ := os.ReadFile(file); string(data) != "precious" {
		t.Errorf("the file now holds %q", data)
	}
	if after := ours(t, "certs-admin-"); !slices.Equal(before, after) {
		t.Errorf("requests were made: %q", after)
	}
	if r := p.certs("issue", "admin", "--force"); r.code != 0 {
		t.Fatalf("with --force: exit %d\n%s", r.code, r.stderr)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode after --force: %v (%v), want 0600", info.Mode(), err)
	}
	if user, _ := p.using(file).whoami(); user != "admin" {
		t.Errorf("the new file makes %q of its holder", user)
	}
}

// What was really issued is told when it is less than what was asked.
func TestIssueTellsTheRealLife(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	r := p.certs("issue", "admin", "--name", "long", "--expires-in", "3650d")
	if r.code != 0 || !strings.Contains(r.stderr, "shortened the lifetime from 3650d to 365d") {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
	certificate, _ := p.unpack(p.path("long.kubeconfig"))
	end := strings.TrimSpace(strings.TrimPrefix(p.must("openssl", "x509", "-noout", "-enddate", "-in", certificate), "notAfter="))
	date, err := time.Parse("Jan _2 15:04:05 2006 MST", end)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.stdout, date.UTC().Format("2006-01-02 15:04 UTC")) {
		t.Errorf("openssl reads %s, the program said %q", end, r.stdout)
	}
}

// Where kubeadm's group is not bound, a group of our own is made, named, and
// works.
func TestIssueAdminInAGroupOfOurOwn(t *testing.T) {
	const theirs, own = "kubeadm:cluster-admins", "kubectl-certs:cluster-admins"
	root := newPerson(t, superAdmin(t))
	saved := root.path("binding.yaml")
	binding := root.must("kubectl", "get", "clusterrolebinding", theirs, "-o", "yaml")
	if err := os.WriteFile(saved, []byte(binding), 0o600); err != nil {
		t.Fatal(err)
	}
	root.must("kubectl", "delete", "clusterrolebinding", theirs)
	t.Cleanup(func() {
		root := newPerson(t, root.kubeconfig)
		root.must("kubectl", "delete", "clusterrolebinding", own, "--ignore-not-found")
		root.must("kubectl", "create", "-f", saved)
	})
	p := newPerson(t, root.kubeconfig)
	for _, round := range []struct {
		name    string
		created bool
	}{{"first", true}, {"second", false}} {
		r := p.certs("issue", "admin", "--name", round.name)
		if r.code != 0 {
			t.Fatalf("exit %d\n%s", r.code, r.stderr)
		}
		if said := strings.Contains(r.stderr, "ClusterRoleBinding "+own+" created"); said != round.created {
			t.Errorf("%s: said that the binding was created: %t\n%s", round.name, said, r.stderr)
		}
		someone := p.using(p.path(round.name + ".kubeconfig"))
		if _, groups := someone.whoami(); !slices.Contains(groups, own) {
			t.Errorf("%s: groups %q", round.name, groups)
		}
		someone.must("kubectl", "get", "secrets", "-A")
	}
	if label := root.must("kubectl", "get", "clusterrolebinding", own, "-o", `jsonpath={.metadata.labels.app\.kubernetes\.io/managed-by}`); label != "kubectl-certs" {
		t.Errorf("the binding is labelled %q", label)
	}
}

// superAdmin returns a kubeconfig in group system:masters, from the node.
func superAdmin(t *testing.T) string {
	t.Helper()
	config, err := clientcmd.Load([]byte(onControlPlane(t, "cat", "/etc/kubernetes/super-admin.conf")))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := clientcmd.LoadFromFile(adminKubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, cluster := range config.Clusters {
		cluster.Server = ours.Clusters[ours.Contexts[ours.CurrentContext].Cluster].Server
	}
	file := filepath.Join(t.TempDir(), "super-admin.conf")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return file
}
