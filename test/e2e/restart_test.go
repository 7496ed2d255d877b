//go:build e2e

package e2e

import (
	"context"
	"testing"
)

// An API server that is restarted in the middle does not stop what waits: the
// request is followed again, and ends as it would have.
func TestIssueThroughARestartOfTheAPIServer(t *testing.T) {
	root := newPerson(t, adminKubeconfig(t))
	p := newPerson(t, requester(t))
	r := p.start("issue", "admin", "--name", "e2e-steady", "--group", "devs")
	request := requestFor(t, "certs-e2e-steady-")
	r.says("kubectl certs approve " + request.Name)

	before := processOf(t, "kube-apiserver")
	onControlPlane(t, "pkill", "-KILL", "-x", "kube-apiserver")
	awaiting(t, "the API server is back", func(context.Context) (bool, error) {
		return processOf(t, "kube-apiserver") != before && root.run("kubectl", "get", "--raw", "/readyz").code == 0, nil
	})
	root.must("kubectl", "certificate", "approve", request.Name)

	if got := r.end(); got.code != 0 {
		t.Fatalf("exit %d\n%s", got.code, got.stderr)
	}
	if user, groups := p.using(p.path("e2e-steady.kubeconfig")).whoami(); user != "e2e-steady" || groups[0] != "devs" {
		t.Errorf("the API server takes the holder for %q in %q", user, groups)
	}
	// Whoever leads holds a lease of before; others issue next.
	awaiting(t, "the signer is back", func(context.Context) (bool, error) {
		return root.run("kubectl", "certs", "issue", "admin", "--name", "e2e-after", "--out", "after.kubeconfig", "--force", "--timeout", "10s").code == 0, nil
	})
}

// processOf is the process of a component on the control plane, "" for none.
func processOf(t *testing.T, name string) string {
	t.Helper()
	return onControlPlane(t, "sh", "-c", "pgrep -x "+name+" || true")
}
