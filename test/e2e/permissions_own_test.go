//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// renews runs renew for somebody else's context, by the rights of its own.
func renews(t *testing.T, g granted) result {
	file := issueAlone(t, g.id)
	before := read(t, file)
	p := g.person(t)
	both := p.using(p.kubeconfig + string(os.PathListSeparator) + file)
	r := both.certsAlone("renew", g.id+"@kind-kubectl-certs", "--context", "kind-kubectl-certs", "--timeout", g.timeout())
	if renewed := !bytes.Equal(read(t, file), before); renewed != (r.code == 0) {
		t.Errorf("exit %d, and renewed: %t\n%s", r.code, renewed, r.stderr)
	}
	return r
}

// renewsItself lets kubectl run credential when it is due. Whoever may not renew
// goes on with what they have: kubectl works in any case.
func renewsItself(t *testing.T, g granted) result {
	owner := g.user(t)
	owner.must("kubectl-certs", "credential", "--install", "--renew-before", "2h")
	pair := owner.path(".kube/certs/" + g.id + "@kind-kubectl-certs.pem")
	before := read(t, pair)
	r := owner.run("kubectl", "auth", "whoami")
	if r.code != 0 || !strings.Contains(r.stdout, g.id) {
		t.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if renewed := !bytes.Equal(read(t, pair), before); renewed == strings.Contains(r.stderr, "was not renewed") {
		t.Errorf("renewed: %t\n%s", renewed, r.stderr)
	}
	return r
}

// accepts takes what an administrator made of one's own request.
func accepts(t *testing.T, g granted) result {
	root, user := newPerson(t, adminKubeconfig(t)), newPerson(t, "")
	user.must("kubectl-certs", "request", g.id, "--out", g.id+".csr")
	send(t, user, root, g.id+".csr")
	root.must("kubectl-certs", "issue", g.id, "--request", g.id+".csr", "--out", g.id+".kubeconfig", "--yes", "--expires-in", "1h")
	send(t, root, user, g.id+".kubeconfig")
	r := user.certsAlone("accept", g.id+".kubeconfig")
	if !strings.Contains(r.stderr, " as "+g.id+"; expires ") {
		t.Errorf("it was not tried:\n%s", r.stderr)
	}
	return writes(t, user.path(".kube/config"), r)
}

func pings(t *testing.T, g granted) result {
	r := g.user(t).certsAlone("kubeconfig", "list", "--ping")
	if !strings.Contains(r.stdout, g.id) {
		t.Errorf("it does not say who you are:\n%s%s", r.stdout, r.stderr)
	}
	return r
}
