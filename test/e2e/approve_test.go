//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"os"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// ask makes a request in the cluster, which is gone after the test. as is who
// asks; nil for the administrator.
func ask(t *testing.T, name, signer string, as *authenticationv1.UserInfo, template *x509.CertificateRequest, usages ...certificatesv1.KeyUsage) *certificatesv1.CertificateSigningRequest {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", adminKubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	if as != nil {
		config.Impersonate = rest.ImpersonationConfig{UserName: as.Username, Groups: as.Groups}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, pkitest.Key(name))
	if err != nil {
		t.Fatal(err)
	}
	request := &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			SignerName: signer, Usages: usages,
		},
	}
	created, err := kubernetes.NewForConfigOrDie(config).CertificatesV1().CertificateSigningRequests().Create(t.Context(), request, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		newPerson(t, adminKubeconfig(t)).must("kubectl", "delete", "csr", name, "--ignore-not-found")
		forgetRequest(t, name)
	})
	return created
}

// forgetRequest removes the records of what was issued for a request.
func forgetRequest(t *testing.T, name string) {
	t.Helper()
	maps := admin(t).CoreV1().ConfigMaps(access.RecordNamespace)
	list, err := maps.List(context.Background(), metav1.ListOptions{LabelSelector: access.RecordLabel})
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range list.Items {
		if record.Data["request"] == name {
			if err := maps.Delete(context.Background(), record.Name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		}
	}
}

func askAsClient(t *testing.T, name, user string, groups ...string) {
	t.Helper()
	ask(t, name, certificatesv1.KubeAPIServerClientSignerName, nil,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: user, Organization: groups}}, certificatesv1.UsageClientAuth)
}

// conditions are the types of the request's conditions, as kubectl sees them.
func (p *person) conditions(name string) string {
	p.t.Helper()
	return p.must("kubectl", "get", "csr", name, "-o", "jsonpath={.status.conditions[*].type}")
}

func TestRequestsTellsTheRisk(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	askAsClient(t, "e2e-approve-plain", "e2e-plain", "e2e-devs")
	askAsClient(t, "e2e-approve-root", "e2e-root", "kubeadm:cluster-admins")
	var list struct {
		Kind  string
		Items []struct {
			Name  string
			Risks []struct{ Code string }
		}
	}
	if err := json.Unmarshal([]byte(p.must("kubectl", "certs", "csr", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, item := range list.Items {
		for _, risk := range item.Risks {
			got[item.Name] += risk.Code
		}
		if len(item.Risks) == 0 {
			got[item.Name] = "none"
		}
	}
	if list.Kind != "CertificateRequestList" || got["e2e-approve-plain"] != "none" || got["e2e-approve-root"] != "cluster-admin" {
		t.Errorf("%s with risks %v", list.Kind, got)
	}
	table := p.must("kubectl", "certs", "csr")
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "e2e-approve-root ") && !strings.HasSuffix(strings.TrimSpace(line), "cluster-admin") {
			t.Errorf("the table says %q", line)
		}
	}
	if one := p.must("kubectl", "certs", "csr", "e2e-approve-root"); !strings.Contains(one, "ClusterRoleBinding kubeadm:cluster-admins") {
		t.Errorf("the binding is not named:\n%s", one)
	}

	// A role of one's own that is as good as cluster-admin counts.
	p.must("kubectl", "create", "clusterrole", "e2e-approve-everything", "--verb=*", "--resource=*.*")
	t.Cleanup(func() {
		newPerson(t, p.kubeconfig).must("kubectl", "delete", "clusterrole,clusterrolebinding", "e2e-approve-everything", "--ignore-not-found")
	})
	p.must("kubectl", "create", "clusterrolebinding", "e2e-approve-everything", "--clusterrole=e2e-approve-everything", "--group=e2e-devs")
	if one := p.must("kubectl", "certs", "csr", "e2e-approve-plain"); !strings.Contains(one, "cluster-admin: full permissions in the cluster") {
		t.Errorf("a role of * on * is not seen:\n%s", one)
	}
}

func TestApprove(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	askAsClient(t, "e2e-approve-alice", "e2e-alice")
	wantFailure(t, p.certs("approve", "e2e-approve-alice"), "standard input is not a terminal", "--yes")
	if got := p.conditions("e2e-approve-alice"); got != "" {
		t.Fatalf("without --yes it is %s", got)
	}
	p.must("kubectl", "certs", "approve", "e2e-approve-alice", "--yes")
	p.must("kubectl", "wait", "csr/e2e-approve-alice", "--for=jsonpath={.status.certificate}", "--timeout=30s")
	wantFailure(t, p.certs("approve", "e2e-approve-alice", "--yes"), "is already issued", "a new request")
	if got := p.must("kubectl", "certs", "users", "--user", "e2e-alice", "-o", "json"); !strings.Contains(got, `"approvedBy": "kubernetes-admin"`) {
		t.Errorf("who approved is not on record:\n%s", got)
	}

	askAsClient(t, "e2e-approve-risky", "system:serviceaccount:kube-system:e2e")
	wantFailure(t, p.certs("approve", "e2e-approve-risky", "--yes"), "unaccepted risks: service-account", "--accept-risk service-account")
	wantFailure(t, p.certs("approve", "e2e-approve-risky", "--yes", "--accept-risk", "node"), "unaccepted risks: service-account", "--accept-risk service-account")
	if got := p.conditions("e2e-approve-risky"); got != "" {
		t.Fatalf("its risk was not accepted, and it is %s", got)
	}
	p.must("kubectl", "certs", "approve", "e2e-approve-risky", "--yes", "--accept-risk", "service-account")
	if got := p.conditions("e2e-approve-risky"); got != "Approved" {
		t.Errorf("its risk was accepted, and it is %q", got)
	}
}

// What is said of the signer is what the signer does.
func TestApproveWhatWouldFail(t *testing.T) {
	const name = "e2e-approve-fails"
	p := newPerson(t, adminKubeconfig(t))
	ask(t, name, certificatesv1.KubeAPIServerClientSignerName, nil, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "e2e-fails"}},
		certificatesv1.UsageClientAuth, certificatesv1.UsageServerAuth)
	wantFailure(t, p.certs("approve", name, "--yes"), "unaccepted risks: would-fail", "--accept-risk would-fail")
	p.must("kubectl", "certs", "approve", name, "--yes", "--accept-risk", "would-fail")
	p.must("kubectl", "wait", "csr/"+name, "--for=condition=Failed", "--timeout=30s")
}

func TestDeny(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	askAsClient(t, "e2e-deny-a", "e2e-a")
	askAsClient(t, "e2e-deny-b", "e2e-b")
	p.must("kubectl", "certs", "deny", "e2e-deny-a", "e2e-deny-b", "--reason", "WrongTeam", "--message", "ask the others", "--yes")
	for _, name := range []string{"e2e-deny-a", "e2e-deny-b"} {
		got := p.must("kubectl", "get", "csr", name, "-o", "jsonpath={.status.conditions[0]['type','reason','message']}")
		if got != "Denied WrongTeam ask the others" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// At a terminal the person is asked; and a request that was replaced while
// they thought about it is not approved.
func TestApproveAtATerminal(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	for _, tt := range []struct {
		name, answer, says, want string
		replace                  bool
	}{
		{name: "yes", answer: "y\n", says: "approved", want: "Approved"},
		{name: "no", answer: "n\n", says: "not confirmed"},
		{name: "replaced", answer: "y\n", says: "was replaced after it was shown", replace: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := "e2e-terminal-" + tt.name
			askAsClient(t, name, "e2e-terminal")
			// script lends a terminal.
			cmd := p.command(t.Context(), "script", "-qec", "kubectl certs approve "+name, "/dev/null")
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			readUntil(t, stdout, "[y/N]")
			if tt.replace {
				p.must("kubectl", "delete", "csr", name)
				askAsClient(t, name, "e2e-mallory")
			}
			if _, err := io.WriteString(stdin, tt.answer); err != nil {
				t.Fatal(err)
			}
			rest, _ := io.ReadAll(stdout)
			_ = cmd.Wait()
			if !strings.Contains(string(rest), tt.says) {
				t.Errorf("it does not say %q:\n%s", tt.says, rest)
			}
			if got := p.conditions(name); got != tt.want {
				t.Errorf("the request is %q, want %q", got, tt.want)
			}
		})
	}
}

func readUntil(t *testing.T, from io.Reader, text string) {
	t.Helper()
	var read bytes.Buffer
	buffer := make([]byte, 256)
	for !bytes.Contains(read.Bytes(), []byte(text)) {
		n, err := from.Read(buffer)
		read.Write(buffer[:n])
		if err != nil {
			t.Fatalf("it ended without saying %q: %v\n%s", text, err, read.String())
		}
	}
}

// limited returns the kubeconfig of somebody new who may do what rules (a list
// in YAML) say, in the whole cluster.
func limited(t *testing.T, p *person, name, rules string) string {
	t.Helper()
	if r := p.certs("issue", name, "--out", p.path(name+".kubeconfig")); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	file := p.path(name + ".yaml")
	role := "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: " + name + "}\nrules:" + rules
	if err := os.WriteFile(file, []byte(role), 0o600); err != nil {
		t.Fatal(err)
	}
	p.must("kubectl", "create", "-f", file)
	t.Cleanup(func() {
		newPerson(t, p.kubeconfig).must("kubectl", "delete", "clusterrole,clusterrolebinding", name, "--ignore-not-found")
		forget(t, name)
	})
	p.must("kubectl", "create", "clusterrolebinding", name, "--clusterrole="+name, "--user="+name)
	return p.path(name + ".kubeconfig")
}

// forget removes what the program keeps of one user in the cluster.
func forget(t *testing.T, user string) {
	t.Helper()
	if user == "" {
		t.Fatal("whom to forget?") // everyone, the selector would say
	}
	p := newPerson(t, adminKubeconfig(t))
	selector := "app.kubernetes.io/managed-by=kubectl-certs,certs.kubectl.dev/user-hash=" + access.UserHash(user)
	p.must("kubectl", "delete", "configmap", "-n", "kube-system", "-l", selector)
	p.must("kubectl", "delete", "clusterrolebinding", "-l", selector)
	p.must("kubectl", "delete", "rolebinding", "-A", "-l", selector)
}
