//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// With real kubectl: a certificate that lives for ten minutes, the least that
// the API allows, renews itself, and several kubectls at the same moment do
// not stand in each other's way. That it is due is arranged by the margin.
func TestCredential(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	file := p.issueTo("e2e-credential", "--group", "kubeadm:cluster-admins", "--expires-in", "10m")
	owner := p.using(file)
	owner.must("kubectl", "certs", "credential", "--install", "--context", "e2e-credential@kind-kubectl-certs")
	pair := p.path(".kube/certs/e2e-credential@kind-kubectl-certs.pem")
	serial := func() string { return p.must("openssl", "x509", "-noout", "-serial", "-in", pair) }
	first := serial()
	if user, groups := owner.whoami(); user != "e2e-credential" || groups[0] != "kubeadm:cluster-admins" {
		t.Fatalf("the API server takes the holder for %q in %q", user, groups)
	}
	if serial() != first {
		t.Error("it was renewed before its time")
	}
	if text := string(read(t, file)); strings.Contains(text, "client-key-data") || strings.Contains(text, "client-certificate-data") {
		t.Error("the certificate or the key is still in the kubeconfig")
	}

	// What says when certificates end sees it where it is now.
	if list := owner.must("kubectl", "certs", "kubeconfig", "list", "-o", "json"); !strings.Contains(list, `"from": "`+pair+`"`) {
		t.Errorf("list does not see it:\n%s", list)
	}
	if seen := owner.must("kubectl", "certs", "inspect", "--sources", "kubeconfig", "-o", "jsonpath={.items[*].serialNumber}"); !strings.Contains(seen, strings.ToLower(strings.TrimPrefix(strings.TrimSpace(first), "serial="))) {
		t.Errorf("inspect does not see serial number %s: %s", first, seen)
	}

	due(t, file)
	if user, _ := owner.whoami(); user != "e2e-credential" {
		t.Errorf("renewed, the API server takes the holder for %q", user)
	}
	second := serial()
	if second == first {
		t.Error("it was not renewed")
	}
	if info, err := os.Stat(pair); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}

	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			out, err := owner.command(context.WithoutCancel(t.Context()), "kubectl", "get", "namespaces").CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	if serial() == second {
		t.Error("nobody renewed it")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(pair), "*")); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
	// The key never shows.
	r := owner.run("kubectl", "get", "namespaces", "-v=9")
	body := strings.Split(string(read(t, pair)[strings.Index(string(read(t, pair)), "PRIVATE KEY"):]), "\n")[1]
	if r.code != 0 || strings.Contains(r.stdout+r.stderr, body) {
		t.Errorf("exit %d, and the private key was logged: %t", r.code, strings.Contains(r.stderr, body))
	}
}

// due lets the certificate of a kubeconfig be renewed at each use.
func due(t *testing.T, kubeconfig string) {
	t.Helper()
	text := string(read(t, kubeconfig))
	changed := strings.Replace(text, "- credential\n", "- credential\n      - --renew-before=1h\n", 1)
	if changed == text {
		t.Fatalf("there is no exec entry in\n%s", text)
	}
	if err := os.WriteFile(kubeconfig, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Whoever may not renew goes on with what they have, and is told why.
func TestCredentialWithoutTheRight(t *testing.T) {
	const prefix = "certs-e2e-credential-plain-"
	p := newPerson(t, adminKubeconfig(t))
	earlier := ours(t, prefix) // the cluster keeps them for an hour
	file := p.issueTo("e2e-credential-plain", "--expires-in", "10m")
	owner := p.using(file)
	owner.must("kubectl", "certs", "credential", "--install", "--renew-before", "1h")
	r := owner.run("kubectl", "auth", "whoami")
	if r.code != 0 || !strings.Contains(r.stdout, "e2e-credential-plain") {
		t.Fatalf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if !strings.Contains(r.stderr, "was not renewed: forbidden: you may not create certificatesigningrequests") {
		t.Errorf("it does not say why:\n%s", r.stderr)
	}
	if again := owner.run("kubectl", "auth", "whoami"); again.code != 0 || strings.Contains(again.stderr, "was not renewed") {
		t.Errorf("a moment later: exit %d\n%s", again.code, again.stderr)
	}
	// An administrator can renew it all the same, where it is.
	pair := p.path(".kube/certs/e2e-credential-plain@kind-kubectl-certs.pem")
	before := p.public(pair)
	both := p.using(file + string(os.PathListSeparator) + adminKubeconfig(t))
	both.must("kubectl", "certs", "renew", "e2e-credential-plain@kind-kubectl-certs", "--context", "kind-kubectl-certs")
	if p.public(pair) == before {
		t.Error("it was not renewed by the administrator")
	}
	if user, _ := owner.whoami(); user != "e2e-credential-plain" {
		t.Errorf("the API server takes the holder for %q", user)
	}
	// One was issued and one renewed; what failed has left nothing.
	made := slices.DeleteFunc(ours(t, prefix), func(name string) bool { return slices.Contains(earlier, name) })
	if len(made) != 2 {
		t.Errorf("requests were left behind: %q", made)
	}
}
