//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
)

// crowd writes a file that names so many people, and returns their names.
func (p *person) crowd(prefix string, n int, more string) (users []string) {
	p.t.Helper()
	var text strings.Builder
	text.WriteString("apiVersion: certs.kubectl.dev/v1alpha1\nkind: People\npeople:\n")
	for i := range n {
		users = append(users, fmt.Sprintf("%s-%03d", prefix, i))
		fmt.Fprintf(&text, "- name: %s\n%s", users[i], more)
	}
	if err := os.WriteFile(p.path("people.yaml"), []byte(text.String()), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return users
}

// Ctrl-C in the middle of many leaves whole files, no request that nobody waits
// for, and the rest to the next run.
func TestIssueManyInterrupted(t *testing.T) {
	const all = 80
	p := newPerson(t, adminKubeconfig(t))
	users := p.crowd("e2e-halted", all, "  clusterRoles: [view]\n")
	forgetUsers(t, users...)
	files := func() []string {
		found, err := filepath.Glob(p.path("people/*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	r := p.start("issue", "-f", "people.yaml", "--out", "people/")
	awaiting(t, "somebody is let in", func(context.Context) (bool, error) { return len(files()) > 3, nil })
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, r.end(), "interrupted: ", "it issues only what is missing")
	done := files()
	if len(done) == all {
		t.Fatal("it was not interrupted")
	}
	for _, file := range done {
		if _, err := clientcmd.LoadFromFile(file); err != nil || !strings.HasSuffix(file, ".kubeconfig") {
			t.Errorf("%s is not whole: %v", file, err)
		}
	}
	list, err := admin(t).CertificatesV1().CertificateSigningRequests().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range list.Items {
		if strings.HasPrefix(request.Name, "certs-e2e-halted") && len(request.Status.Certificate) == 0 {
			t.Errorf("request %s is left behind", request.Name)
		}
	}
	again := p.certs("issue", "-f", "people.yaml", "--out", "people/")
	want := fmt.Sprintf("%d users: %d issued", all, all-len(done))
	if len(done) > 0 { // on a slow machine, none may have been finished
		want += fmt.Sprintf(", %d unchanged", len(done))
	}
	if again.code != 0 || strings.TrimSpace(again.stdout) != want {
		t.Errorf("exit %d, said %q, want %q\n%s", again.code, again.stdout, want, again.stderr)
	}
}

// For many, too, the truth about their lives is told, and who was turned out is
// not let in again by an old file.
func TestIssueManyTellsTheTruth(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	users := p.crowd("e2e-long", 2, "  expiresIn: 3650d\n")
	forgetUsers(t, users...)
	r := p.certs("issue", "-f", "people.yaml", "--out", "people/")
	if r.code != 0 || !strings.Contains(r.stderr, "warning: the cluster shortened the lifetime of 2 certificates to 365d") {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	if r := p.certs("offboard", users[0], "--yes"); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	r = p.certs("issue", "-f", "people.yaml", "--out", "people/")
	if r.code != 1 || !strings.Contains(r.stderr, "failed: "+users[0]+": user ") || strings.TrimSpace(r.stdout) != "2 users: 0 issued, 1 unchanged, 1 failed" {
		t.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	// Other groups than the file of an earlier run has are no reason to keep it,
	// and none to replace it unasked.
	p.crowd("e2e-long", 2, "  groups: [e2e-more]\n")
	r = p.certs("issue", "-f", "people.yaml", "--out", "people/")
	if r.code != 1 || !strings.Contains(r.stderr, "is for CN="+users[1]+" instead of CN="+users[1]+", O=e2e-more") {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
	// Not even by force, unless it is said whom that lets in again.
	if r := p.certs("issue", "-f", "people.yaml", "--out", "people/", "--force"); r.code != 1 || !strings.Contains(r.stderr, "failed: "+users[0]+": user ") {
		t.Errorf("with --force alone: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if r := p.certs("issue", "-f", "people.yaml", "--out", "people/", "--force", "--reinstate"); r.code != 0 || strings.TrimSpace(r.stdout) != "2 users: 2 issued" {
		t.Errorf("with --force: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}
