//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// withPlugin returns a person whose context logs in, as the cluster's
// administrator, by a plugin that leaves a line in a file each time it is run;
// and how often it was.
func withPlugin(t *testing.T) (p *person, runs func() int) {
	t.Helper()
	p = newPerson(t, adminKubeconfig(t))
	config, err := clientcmd.LoadFromFile(p.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	context := config.Contexts[config.CurrentContext]
	user := config.AuthInfos[context.AuthInfo]
	answer := fmt.Sprintf(`{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"clientCertificateData":%q,"clientKeyData":%q}}`,
		user.ClientCertificateData, user.ClientKeyData)
	if err := os.WriteFile(p.path("answer"), []byte(answer), 0o600); err != nil {
		t.Fatal(err)
	}
	marker := p.path("ran")
	script := fmt.Sprintf("#!/bin/sh\necho run >> %s\nexec cat %s\n", marker, p.path("answer"))
	if err := os.WriteFile(p.path("e2e-plugin"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	config.AuthInfos[context.AuthInfo] = &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1", Command: p.path("e2e-plugin"), InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}}
	file := p.path("config")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return p.using(file), func() int {
		text, _ := os.ReadFile(marker) // no file: no run
		return strings.Count(string(text), "run\n")
	}
}

// kuberc writes kubectl's preferences for a person.
func (p *person) kuberc(policy string) string {
	p.t.Helper()
	file := p.path(".kube/kuberc")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		p.t.Fatal(err)
	}
	text := "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n" + policy
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return file
}

// What kubectl's preferences forbid to run, no command runs, whatever it would
// have asked the cluster; what they allow runs, here as there.
func TestKubercDecidesWhatRuns(t *testing.T) {
	other := newPerson(t, adminKubeconfig(t)).issueTo("e2e-kuberc-renew", "--expires-in", "10m")
	p, runs := withPlugin(t)
	p = p.using(p.kubeconfig + string(os.PathListSeparator) + other)
	plugin := p.path("e2e-plugin")
	csr := p.must("kubectl", "certs", "request", "e2e-kuberc")
	if err := os.WriteFile(p.path("e2e.csr"), []byte(csr), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.path("people.yaml"), []byte("apiVersion: certs.kubectl.dev/v1alpha1\nkind: People\npeople: [{name: e2e-kuberc}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	commands := [][]string{
		{"inspect"}, {"check"}, {"inspect", "--sources", "kubelets,control-plane"},
		{"issue", "e2e-kuberc"}, {"issue", "e2e-kuberc", "--dry-run=server"}, {"issue", "e2e-kuberc", "--request", "e2e.csr", "--yes"}, {"issue", "-f", "people.yaml", "--out", "people/"},
		{"issued"}, {"requests"}, {"approve", "e2e-kuberc", "--yes"}, {"approve", "--kubelet-serving", "--yes"}, {"deny", "e2e-kuberc", "--reason", "none"},
		{"renew", "e2e-kuberc-renew@kind-kubectl-certs", "--context", "kind-kubectl-certs"}, {"inspect", "--node-files", "--image", "localhost/certs@sha256:" + strings.Repeat("0", 64)},
		{"offboard", "e2e-kuberc", "--yes"}, {"kc", "list", "--ping", "--exec"}, {"kc", "lint", "--ping", "--exec"},
	}
	for _, policy := range []string{
		"credentialPluginPolicy: DenyAll\n",
		"credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: another\n",
	} {
		file := p.kuberc(policy)
		if r := p.run("kubectl", "get", "namespaces"); r.code == 0 || !strings.Contains(r.stderr, "plugin") {
			t.Fatalf("kubectl itself runs it: exit %d\n%s", r.code, r.stderr)
		}
		for _, args := range commands {
			r := p.certs(args...)
			said := r.stdout + r.stderr
			if !strings.Contains(said, "do not allow the credential plugin") || !strings.Contains(said, file) {
				t.Errorf("%q does not say why: exit %d\n%s", args, r.code, said)
			}
		}
		if runs() > 0 {
			t.Fatalf("with %q the plugin was run %d times", policy, runs())
		}
		r := p.certs("requests")
		wantFailure(t, r, "do not allow the credential plugin \""+plugin+"\"", "command: \""+plugin+"\"")
	}
	// The advice, taken.
	p.kuberc("credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: \"" + plugin + "\"}]\n")
	p.must("kubectl", "get", "namespaces")
	if runs() != 1 {
		t.Fatalf("kubectl ran it %d times", runs())
	}
	p.must("kubectl", "certs", "csr")
	p.must("kubectl", "certs", "inspect", "--sources", "endpoint")
	if list := p.must("kubectl", "certs", "kc", "list", "--ping", "--exec"); !strings.Contains(list, "you are kubernetes-admin") {
		t.Errorf("the ping does not go through:\n%s", list)
	}
	if runs() != 4 {
		t.Errorf("it was run %d times for four commands", runs())
	}
	if list := p.must("kubectl", "certs", "kc", "list", "--ping"); !strings.Contains(list, "skipped") || runs() != 4 {
		t.Errorf("without --exec, it was run %d times for four commands:\n%s", runs(), list)
	}
}

// A context is not given a login that kubectl would refuse.
func TestKubercOfCredential(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	file := p.issueTo("e2e-kuberc-install", "--expires-in", "10m")
	owner := p.using(file)
	before := string(read(t, file))
	owner.kuberc("credentialPluginPolicy: DenyAll\n")
	wantFailure(t, owner.certs("credential", "--install"), "do not allow the credential plugin \"kubectl-certs\"", "credentialPluginAllowlist: [{command: \"kubectl-certs\"}]")
	if string(read(t, file)) != before {
		t.Error("it was installed all the same")
	}
	owner.kuberc("credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: \"kubectl-certs\"}]\n")
	owner.must("kubectl", "certs", "credential", "--install")
	if user, _ := owner.whoami(); user != "e2e-kuberc-install" {
		t.Errorf("the API server takes the holder for %q", user)
	}
	owner.kuberc("credentialPluginPolicy: DenyAll\n")
	if r := owner.run("kubectl", "auth", "whoami"); r.code == 0 {
		t.Error("kubectl itself does not refuse it")
	}
}
