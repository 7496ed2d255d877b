//go:build e2e

package plain

import (
	"strings"
	"testing"
)

// TestIssue issues a certificate by signers of every kind, and uses what came
// of it with kubectl. What no API server accepts is not handed out, and the
// error says whose fault that is.
func TestIssue(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, tr *trust)
		says   string // "" where it works
	}{
		{"the cluster's CA", nil, ""},
		{"an intermediate that clients are verified by", func(t *testing.T, tr *trust) {
			tr.signing = issue(t, tr.clients[0], newKey(t, ""), authority("signer"))
			tr.clients = append(tr.clients, tr.signing)
		}, ""},
		{"an intermediate that nobody can chain", func(t *testing.T, tr *trust) {
			tr.signing = issue(t, tr.clients[0], newKey(t, ""), authority("signer"))
		}, "signer"},
		{"a CA that the API server does not know", func(t *testing.T, tr *trust) {
			tr.signing = issue(t, nil, newKey(t, ""), authority("strange"))
		}, "strange"},
		{"a CA of the right name with another key", func(t *testing.T, tr *trust) {
			tr.signing = issue(t, nil, newKey(t, ""), authority("kubernetes"))
		}, "different key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrust(t)
			if tt.change != nil {
				tt.change(t, tr)
			}
			p := start(t, tr)
			p.bindAdmins()
			out := p.path("bob.kubeconfig")
			r := p.certs(p.kubeconfig("alice", tr.user, tr.rootPEM()), "issue", "bob", "--cluster-role", "view", "--expires-in", "1h", "--yes", "--out", out)
			if tt.says == "" {
				if r.code != 0 {
					t.Fatalf("exit code %d\n%s", r.code, r.stderr)
				}
				if r := p.exec(out, "kubectl", "get", "--raw", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt"); r.code != 0 {
					t.Errorf("kubectl refuses what was issued: %s", r.stderr)
				}
				return
			}
			if r.code != 1 || !strings.Contains(r.stderr, tt.says) || strings.Contains(r.stderr, "intercepted") {
				t.Errorf("exit code %d, want 1 and %q:\n%s", r.code, tt.says, r.stderr)
			}
			if works, _ := p.kubectlWorks(t, out); works {
				t.Error("it was handed out all the same")
			}
			if left := p.requests(); len(left) > 0 {
				t.Errorf("requests are left: %s", left)
			}
		})
	}
}

// TestIssueWithoutASigner: nothing signs, so that the request waits for ever
// unless it is withdrawn.
func TestIssueWithoutASigner(t *testing.T) {
	t.Parallel()
	tr := newTrust(t)
	tr.noSigner = true
	p := start(t, tr)
	p.bindAdmins()
	r := p.certs(p.kubeconfig("alice", tr.user, tr.rootPEM()), "issue", "bob", "--cluster-role", "view", "--yes", "--timeout", "3s", "--out", p.path("bob.kubeconfig"))
	if r.code != 1 || !strings.Contains(r.stderr, "sign") {
		t.Errorf("exit code %d:\n%s", r.code, r.stderr)
	}
	if left := p.requests(); len(left) > 0 {
		t.Errorf("requests are left: %s", left)
	}
}
