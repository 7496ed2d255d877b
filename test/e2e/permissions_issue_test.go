//go:build e2e

package e2e

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// writes checks that a command has written a file if it says that it succeeded,
// and only then.
func writes(t *testing.T, path string, r result) result {
	t.Helper()
	if _, err := os.Stat(path); (err == nil) != (r.code == 0) {
		t.Errorf("exit %d, and of %s: %v\n%s", r.code, filepath.Base(path), err, r.stderr)
	}
	return r
}

// issues runs issue for a user.
func issues(args ...string) scenario {
	return func(t *testing.T, g granted) result {
		p := g.person(t)
		command := append([]string{"issue", g.id, "--expires-in", "1h", "--timeout", g.timeout()}, args...)
		return writes(t, p.path(g.id+".kubeconfig"), p.certsAlone(command...))
	}
}

func issuesAdmin(t *testing.T, g granted) result {
	p := g.person(t)
	return writes(t, p.path(g.id+".kubeconfig"), p.certsAlone("issue", "admin", "--name", g.id, "--expires-in", "1h", "--timeout", g.timeout()))
}

// issuesMany runs issue for the people of a file, who have access of every kind.
func issuesMany(t *testing.T, g granted) result {
	p := g.person(t)
	people := "apiVersion: certs.kubectl.dev/v1alpha1\nkind: People\npeople:\n" +
		"- {name: " + g.id + "-a, roles: [default/view], expiresIn: 1h}\n" +
		"- {name: " + g.id + "-b, clusterRoles: [view], expiresIn: 1h}\n"
	if err := os.WriteFile(p.path("people.yaml"), []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	r := p.certsAlone("issue", "-f", "people.yaml", "--out", "files/", "--timeout", g.timeout())
	for _, who := range []string{"-a", "-b"} {
		writes(t, p.path("files/"+g.id+who+".kubeconfig"), r)
	}
	return r
}

// issuesRequest runs issue for a request that a user made with a key of their
// own.
func issuesRequest(t *testing.T, g granted) result {
	p := g.person(t)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: g.id}}, pkitest.Key(g.id))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.path("asked.csr"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return writes(t, p.path(g.id+".kubeconfig"), p.certsAlone("issue", g.id, "--request", "asked.csr", "--out", g.id+".kubeconfig", "--yes", "--expires-in", "1h", "--timeout", g.timeout()))
}

// issuesComponent runs issue for a component of the control plane.
func issuesComponent(profile string) scenario {
	config := map[string]string{"scheduler": "scheduler.conf", "controller-manager": "controller-manager.conf", "proxy": "kube-proxy.conf"}
	return func(t *testing.T, g granted) result {
		p := g.person(t)
		r := p.certsAlone("issue", profile, "--out", "files/", "--expires-in", "1h", "--timeout", g.timeout())
		return writes(t, p.path("files/"+config[profile]), r)
	}
}
