//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// issueTo issues a kubeconfig in p's home and returns its path. What the
// program keeps of the user is gone after the test.
func (p *person) issueTo(user string, args ...string) string {
	p.t.Helper()
	file := p.path(user + ".kubeconfig")
	if r := p.certs(append([]string{"issue", user, "--out", file}, args...)...); r.code != 0 {
		p.t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	p.t.Cleanup(func() { forget(p.t, user) })
	return file
}

// public is the public key of a certificate file, as openssl reads it.
func (p *person) public(certificate string) string {
	p.t.Helper()
	return p.must("openssl", "x509", "-noout", "-pubkey", "-in", certificate)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A renewed kubeconfig holds another key and certificate of the same identity,
// and nothing else in it has changed; the old one keeps working.
func TestRenew(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	file := p.issueTo("e2e-renew", "--group", "kubeadm:cluster-admins", "--expires-in", "1h")
	remarked := append([]byte("# mine\n"), read(t, file)...)
	if err := os.WriteFile(file, remarked, 0o600); err != nil {
		t.Fatal(err)
	}
	old := p.path("old.kubeconfig")
	if err := os.WriteFile(old, remarked, 0o600); err != nil {
		t.Fatal(err)
	}
	before, _ := p.unpack(old)
	beforeKey, beforeSubject := p.public(before), p.must("openssl", "x509", "-noout", "-subject", "-in", before)

	owner := p.using(file)
	if r := owner.certs("renew", "--dry-run"); r.code != 0 || !bytes.Equal(read(t, file), remarked) {
		t.Fatalf("a dry run: exit %d\n%s", r.code, r.stderr)
	}
	if r := owner.certs("renew", "--within", "30m"); r.code != 0 || !bytes.Equal(read(t, file), remarked) {
		t.Fatalf("not due: exit %d\n%s", r.code, r.stderr)
	}
	r := owner.certs("renew", "-v=9")
	if r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	after, afterKeyFile := p.unpack(file)
	if p.public(after) == beforeKey {
		t.Error("the key is still the same")
	}
	if subject := p.must("openssl", "x509", "-noout", "-subject", "-in", after); subject != beforeSubject {
		t.Errorf("the subject was %q and is %q", beforeSubject, subject)
	}
	for name, kubeconfig := range map[string]string{"the old": old, "the new": file} {
		if user, groups := p.using(kubeconfig).whoami(); user != "e2e-renew" || groups[0] != "kubeadm:cluster-admins" {
			t.Errorf("the API server takes the holder of %s one for %q in %q", name, user, groups)
		}
	}
	if !bytes.HasPrefix(read(t, file), []byte("# mine\n")) {
		t.Error("the remark in the file is gone")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
	// The key is in the file, and not in what was said and logged.
	body := strings.Split(string(read(t, afterKeyFile)), "\n")[1]
	if strings.Contains(r.stdout+r.stderr, body) {
		t.Error("the private key was logged")
	}
}

// Until the new one is there, the old one stays as it is, whatever happens.
func TestRenewKeepsTheOldOne(t *testing.T) {
	file := requester(t)
	before := read(t, file)
	for _, tt := range []struct {
		name   string
		args   []string
		meddle func(t *testing.T, r *running, request *certificatesv1.CertificateSigningRequest)
		want   string
	}{
		{"denied", nil, deny, "was denied"},
		{"nobody approves", []string{"--timeout", "1s"}, nothing, "was not approved within"},
		{"interrupted", nil, sends(os.Interrupt), "interrupted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPerson(t, file)
			r := p.start(append([]string{"renew"}, tt.args...)...)
			request := requestFor(t, "certs-requester-")
			t.Cleanup(func() {
				newPerson(t, adminKubeconfig(t)).must("kubectl", "delete", "csr", request.Name, "--ignore-not-found")
			})
			r.says("kubectl certs approve " + request.Name)
			tt.meddle(t, r, request)
			got := r.end()
			if got.code != 1 || !strings.Contains(got.stderr, tt.want) {
				t.Errorf("exit %d\n%s", got.code, got.stderr)
			}
			if !bytes.Equal(read(t, file), before) {
				t.Error("the kubeconfig has changed")
			}
			if user, _ := p.whoami(); user != "requester" {
				t.Errorf("the old certificate makes %q of its holder", user)
			}
		})
	}
}

// Whoever may not renew themself is renewed by somebody else's rights, also
// when their certificate has expired.
func TestRenewByAnother(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	file := p.issueTo("e2e-renewed")
	owner := p.using(file)
	wantFailure(t, owner.certs("renew"), "you may not create certificatesigningrequests", "--context THEIRS")
	both := p.using(file + string(os.PathListSeparator) + adminKubeconfig(t))
	admins := read(t, adminKubeconfig(t))
	before := read(t, file)
	both.must("kubectl", "certs", "renew", "e2e-renewed@kind-kubectl-certs", "--context", "kind-kubectl-certs")
	if bytes.Equal(read(t, file), before) {
		t.Error("the file has not changed")
	}
	if !bytes.Equal(read(t, adminKubeconfig(t)), admins) {
		t.Error("the administrator's own file has changed")
	}
	if user, _ := owner.whoami(); user != "e2e-renewed" {
		t.Errorf("the API server takes the holder for %q", user)
	}
}

// A component's files are renewed together, and its kubeconfig that refers to
// them goes on working; what others sign is left alone.
func TestRenewDirectory(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	dir := p.path("scheduler")
	p.must("kubectl", "certs", "issue", "scheduler", "--out", dir+"/")
	for _, name := range []string{"front-proxy-client.crt", "front-proxy-client.key", "apiserver.crt", "apiserver.key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(onControlPlane(t, "cat", "/etc/kubernetes/pki/"+name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	foreign := read(t, filepath.Join(dir, "front-proxy-client.crt"))
	certificate, key := filepath.Join(dir, "kube-scheduler.crt"), filepath.Join(dir, "kube-scheduler.key")
	before := p.public(certificate)
	forgetCertificate(t, certificate)
	r := p.certs("renew", "--dir", dir)
	if r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	forgetCertificate(t, certificate)
	for _, why := range []string{"CN=front-proxy-client was not issued by this cluster's client CA", "CN=kube-apiserver is not a client certificate"} {
		if !strings.Contains(r.stderr, why) {
			t.Errorf("it does not say %q:\n%s", why, r.stderr)
		}
	}
	after := p.public(certificate)
	if after == before {
		t.Error("the key is still the same")
	}
	if fits := p.must("openssl", "pkey", "-pubout", "-in", key); fits != after {
		t.Error("the private key does not match the certificate")
	}
	if !bytes.Equal(read(t, filepath.Join(dir, "front-proxy-client.crt")), foreign) {
		t.Error("another CA's certificate was replaced")
	}
	if user, _ := p.using(filepath.Join(dir, "scheduler.conf")).whoami(); user != "system:kube-scheduler" {
		t.Errorf("the component's kubeconfig makes %q of it", user)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// What cannot be renewed through the API is told why, and what to do.
func TestRenewRefusals(t *testing.T) {
	p := newPerson(t, superAdmin(t))
	before := read(t, p.kubeconfig)
	wantFailure(t, p.certs("renew"), "is in group system:masters", "kubeadm certs renew super-admin.conf")
	if !bytes.Equal(read(t, p.kubeconfig), before) {
		t.Error("the kubeconfig has changed")
	}
	// Another cluster's certificate, beside this cluster's administrator.
	config, err := clientcmd.LoadFromFile(adminKubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.EncodeKey(pkitest.Key("stranger"))
	if err != nil {
		t.Fatal(err)
	}
	config.AuthInfos["stranger"] = &clientcmdapi.AuthInfo{
		ClientCertificateData: pki.EncodeCertificates(pkitest.NewCA(t, "elsewhere").Issue(t, pkitest.Client("stranger"))),
		ClientKeyData:         key,
	}
	config.Contexts["stranger"] = &clientcmdapi.Context{Cluster: config.Contexts[config.CurrentContext].Cluster, AuthInfo: "stranger"}
	both := p.using(p.path("both.kubeconfig"))
	if err := clientcmd.WriteToFile(*config, both.kubeconfig); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, both.certs("renew", "stranger", "--context", config.CurrentContext), "was not issued by this cluster's client CA", "right cluster")
}

// forgetCertificate removes the record of the certificate in a file, and of no
// other: components have the same names for everyone.
func forgetCertificate(t *testing.T, file string) {
	t.Helper()
	certs, err := pki.ParseCertificates(read(t, file))
	if err != nil {
		t.Fatal(err)
	}
	record := access.NewRecord(certs[0], "", "", "", "", time.Time{})
	t.Cleanup(func() {
		newPerson(t, adminKubeconfig(t)).must("kubectl", "delete", "configmap", "-n", "kube-system", record.Name, "--ignore-not-found")
	})
}
