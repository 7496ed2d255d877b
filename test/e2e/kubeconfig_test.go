//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	clientcmdv1 "k8s.io/client-go/tools/clientcmd/api/v1"
)

// contextsOf is what kubectl says of the contexts of a kubeconfig, as
// "name cluster user". kubectl has to take the file as a whole.
func contextsOf(p *person) []string {
	p.t.Helper()
	var config clientcmdv1.Config
	if err := json.Unmarshal([]byte(p.must("kubectl", "config", "view", "--raw", "-o", "json")), &config); err != nil {
		p.t.Fatal(err)
	}
	var contexts []string
	for _, c := range config.Contexts {
		contexts = append(contexts, strings.Join([]string{c.Name, c.Context.Cluster, c.Context.AuthInfo}, " "))
	}
	slices.Sort(contexts)
	return contexts
}

// whoAmI is whom the API server takes the holder of a context for.
func whoAmI(p *person, context string) string {
	p.t.Helper()
	return strings.TrimSpace(p.must("kubectl", "--context", context, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"))
}

// issued gives the person a kubeconfig of an administrator called name.
func issued(p *person, name, file string) {
	p.t.Helper()
	p.using(adminKubeconfig(p.t)).must("kubectl", "certs", "issue", "admin", "--name", name, "--out", p.path(file))
}

// A life with kubeconfigs: after every step, kubectl takes the file and sees
// what was meant, and all contexts reach the cluster as who they are.
func TestKubeconfigKubectlAgrees(t *testing.T) {
	p := newPerson(t, "")
	p.kubeconfig = p.path("config")
	issued(p, "e2e-kc-alice", "alice")
	issued(p, "e2e-kc-bob", "bob")
	certs := func(args ...string) {
		t.Helper()
		p.must("kubectl", append([]string{"certs", "kubeconfig"}, args...)...)
	}
	check := func(step string, want map[string]string) {
		t.Helper()
		if got := contextsOf(p); len(got) != len(want) {
			t.Errorf("after %s, kubectl sees %q", step, got)
		}
		names := strings.Fields(p.must("kubectl", "config", "get-contexts", "-o", "name"))
		for context, user := range want {
			if !slices.Contains(names, context) {
				t.Errorf("after %s, kubectl sees no context %s among %q", step, context, names)
				continue
			}
			if got := whoAmI(p, context); got != user {
				t.Errorf("after %s, context %s is %s, want %s", step, context, got, user)
			}
		}
		if info, err := os.Stat(p.kubeconfig); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("after %s: %v, %v", step, info.Mode(), err)
		}
	}
	const cluster = "kind-kubectl-certs"
	alice, bob := "e2e-kc-alice@"+cluster, "e2e-kc-bob@"+cluster

	certs("merge", p.path("alice"))
	check("merging into nothing", map[string]string{alice: "e2e-kc-alice"})
	// Two of one name: another user, and the cluster by another address.
	for _, rename := range [][]string{{alice, "me"}, {"--user", "e2e-kc-alice", "user"}, {"--cluster", cluster, "cluster"}} {
		certs(append([]string{"rename"}, rename...)...)
	}
	certs("rename", bob, "me", "--kubeconfig", p.path("bob"))
	certs("rename", "--user", "e2e-kc-bob", "user", "--kubeconfig", p.path("bob"))
	certs("rename", "--cluster", cluster, "cluster", "--kubeconfig", p.path("bob"))
	p.must("kubectl", "--kubeconfig", p.path("bob"), "config", "set-cluster", "cluster", "--tls-server-name", "kubernetes")
	certs("merge", p.path("bob"), "--on-conflict", "rename", "--allow-tls-server-name")
	both := map[string]string{"me": "e2e-kc-alice", "me-2": "e2e-kc-bob"}
	check("merging with conflicts", both)
	if want := []string{"me cluster user", "me-2 cluster-2 user-2"}; !slices.Equal(contextsOf(p), want) {
		t.Errorf("kubectl sees %q, want %q", contextsOf(p), want)
	}
	checkLife(t, p, certs, check, both)
}

// checkLife is what happens to two contexts, and ends where it began.
func checkLife(t *testing.T, p *person, certs func(...string), check func(string, map[string]string), both map[string]string) {
	t.Helper()
	certs("use", "me-2")
	if got := strings.TrimSpace(p.must("kubectl", "config", "current-context")); got != "me-2" {
		t.Errorf("kubectl's current context is %q", got)
	}
	certs("use", "-")
	p.must("kubectl", "config", "set-context", "me-2", "--namespace", "team") // kubectl writes the file anew
	certs("unembed", "--dir", p.path("parts"))
	check("unembedding", both)
	certs("embed")
	check("embedding", both)
	certs("extract", "me-2", "--out", p.path("extracted"))
	extracted := p.using(p.path("extracted"))
	if got := whoAmI(extracted, "me-2"); got != "e2e-kc-bob" {
		t.Errorf("the extracted context is %s", got)
	}
	certs("remove", "me")
	check("removing", map[string]string{"me-2": "e2e-kc-bob"})
	certs("restore")
	check("restoring", both)
	if out := p.must("kubectl", "certs", "kubeconfig", "list", "--ping"); strings.Count(out, "you are e2e-kc-") != 2 {
		t.Errorf("pinging:\n%s", out)
	}
	if r := p.certs("kubeconfig", "lint", "--ping"); r.code != 0 {
		t.Errorf("lint --ping: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// An entry of a list of files is changed where it stands, and new things go
// where kubectl puts them.
func TestKubeconfigListOfFiles(t *testing.T) {
	p := newPerson(t, "")
	first, second := p.path("first"), p.path("second")
	for file, text := range map[string]string{
		first:  "contexts:\n- name: a\n  context: {cluster: c, user: u}\n",
		second: "contexts:\n- name: b\n  context: {cluster: c, user: u}\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.kubeconfig = first + string(os.PathListSeparator) + second
	p.must("kubectl", "certs", "kubeconfig", "rename", "b", "bee")
	p.must("kubectl", "certs", "kubeconfig", "use", "bee")
	if got := strings.TrimSpace(p.must("kubectl", "config", "current-context")); got != "bee" {
		t.Errorf("kubectl's current context is %q", got)
	}
	if got := contextsOf(p.using(second)); !slices.Equal(got, []string{"bee c u"}) {
		t.Errorf("the second file holds %q", got)
	}
	p.must("kubectl", "config", "use-context", "a")
	if got := strings.TrimSpace(p.must("kubectl", "certs", "kubeconfig", "use")); got != "a" {
		t.Errorf("after kubectl's use-context, the current context is %q", got)
	}
}

// The kubeconfigs of the components, assembled from conventional files, work.
func TestKubeconfigComponents(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	if err := os.Mkdir(p.path("pki"), 0o700); err != nil {
		t.Fatal(err)
	}
	components := map[string]struct{ file, user string }{
		"admin":              {"admin", "e2e-kc-admin"},
		"scheduler":          {"kube-scheduler", "system:kube-scheduler"},
		"controller-manager": {"kube-controller-manager", "system:kube-controller-manager"},
		"proxy":              {"kube-proxy", "system:kube-proxy"},
	}
	for profile, c := range components {
		args := []string{"certs", "issue", profile, "--out", p.path("issued")}
		if profile == "admin" {
			args = append(args, "--name", c.user)
		}
		p.must("kubectl", append(args, "--force")...)
		p.must("kubectl", "certs", "kubeconfig", "unembed", "--kubeconfig", p.path("issued"), "--dir", p.path("parts"))
		parts, err := filepath.Glob(p.path("parts/*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parts {
			to := p.path("pki/" + c.file + filepath.Ext(part))
			if strings.HasSuffix(part, "-ca.crt") {
				to = p.path("pki/ca.crt")
			}
			if err := os.Rename(part, to); err != nil {
				t.Fatal(err)
			}
		}
	}
	server := p.must("kubectl", "config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")
	for profile, c := range components {
		out := p.path(profile + ".conf")
		p.must("kubectl", "certs", "kubeconfig", "assemble", "--profile", profile, "--from", p.home, "--server", server, "--out", out)
		assembled := p.using(out)
		if got := whoAmI(assembled, c.user+"@kubernetes"); got != c.user {
			t.Errorf("%s is %s to the API server, want %s", profile, got, c.user)
		}
	}
	// What the component may do, it may do by its kubeconfig.
	if out := p.must("kubectl", "--kubeconfig", p.path("scheduler.conf"), "get", "nodes", "-o", "name"); !strings.Contains(out, controlPlane) {
		t.Errorf("the scheduler sees %q", out)
	}
}

// Fifty of our writers at once, and fifty of kubectl's between them: every
// change is there. kubectl does not wait for a lock that others hold, but says
// so, and is run again; and there is one kubectl at a time, because two of them
// undo each other's changes (each reads before it locks, and then removes what
// it did not see).
func TestKubeconfigFiftyAndFifty(t *testing.T) {
	p := newPerson(t, "")
	p.kubeconfig = p.path("config")
	const writers = 50
	var all sync.WaitGroup
	var kubectl sync.Mutex
	for i := range writers {
		incoming := p.path(fmt.Sprintf("in-%d", i))
		text := fmt.Sprintf("contexts:\n- name: ours-%d\n  context: {cluster: c, user: u}\n", i)
		if err := os.WriteFile(incoming, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if r := p.run("kubectl-certs", "kubeconfig", "merge", incoming); r.code != 0 {
				t.Errorf("our writer %d: exit %d\n%s", i, r.code, r.stderr)
			}
		})
		all.Go(func() {
			for {
				kubectl.Lock()
				r := p.run("kubectl", "config", "set-context", fmt.Sprintf("theirs-%d", i), "--cluster", "c", "--user", "u")
				kubectl.Unlock()
				if r.code == 0 {
					return
				}
				if !strings.Contains(r.stderr, "file exists") {
					t.Errorf("kubectl's writer %d: exit %d\n%s", i, r.code, r.stderr)
					return
				}
			}
		})
	}
	all.Wait()
	names := strings.Fields(p.must("kubectl", "config", "get-contexts", "-o", "name"))
	for i := range writers {
		for _, whose := range []string{"ours", "theirs"} {
			if name := fmt.Sprintf("%s-%d", whose, i); !slices.Contains(names, name) {
				t.Errorf("the change %s is lost", name)
			}
		}
	}
}
