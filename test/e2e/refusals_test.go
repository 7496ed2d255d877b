//go:build e2e

package e2e

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Each refusal is one sentence with its cause and a hint, exit 1, and leaves
// neither a file nor a request behind.
func TestIssueRefusals(t *testing.T) {
	good := adminKubeconfig(t)
	tests := []struct {
		name       string
		kubeconfig string
		args       []string
		sentence   string
		hint       string
	}{
		{"forbidden", nobody(t), nil,
			"forbidden: you may not create certificatesigningrequests.certificates.k8s.io, get certificatesigningrequests.certificates.k8s.io, watch certificatesigningrequests.certificates.k8s.io, get clusterrolebindings.rbac.authorization.k8s.io/kubeadm:cluster-admins",
			"ask an administrator"},
		{"no such context", good, []string{"--context", "elsewhere"}, `context "elsewhere" is not in the kubeconfig`, "kind-kubectl-certs"},
		{"missing kubeconfig", "/nonexistent/config", nil, "no kubeconfig: /nonexistent/config", "--kubeconfig"},
		{"missing --kubeconfig", good, []string{"--kubeconfig", "/nonexistent/config"}, "reading kubeconfig /nonexistent/config: no such file", "--kubeconfig"},
		{"expired kubeconfig", expired(t), nil, "expired 24h ago", "kubeadm certs renew admin.conf"},
		{"refused connection", good, []string{"--server", closedPort(t)}, "connection refused", "check the address"},
		{"server that never answers", good, []string{"--server", silentServer(t), "--request-timeout", "1s"}, "timed out", "check the address"},
		{"unknown CA", strangersCA(t), nil, "not signed by the CA in the kubeconfig", "kube-root-ca.crt"},
		{"missing directory", good, []string{"--out", "nowhere/admin.kubeconfig"}, "writing nowhere/admin.kubeconfig: no such file or directory", "--out"},
		{"read-only directory", good, []string{"--out", "/proc/admin.kubeconfig"}, "writing /proc/admin.kubeconfig", "--out"},
		{"no https", good, []string{"--server", "http://127.0.0.1:8001"}, "which is not an https URL", "TLS"},
		{"no credentials", anonymous(t), nil, "has no credentials", "log in"},
		{"a name that moves the cursor", good, []string{"--name", "a\x1b[2J"}, `invalid user name "a\x1b[2J"`, "printable"},
		{"short life", good, []string{"--expires-in", "9m"}, "minimum lifetime is 10 minutes", "10m"},
		{"no duration", good, []string{"--expires-in", "soon"}, `"soon" is not a duration`, "--help"},
		{"system:masters", good, []string{"--group", "system:masters"}, "system:masters is not available", "omit --group"},
		{"weak key", good, []string{"--key-type", "rsa-1024"}, `unknown key type "rsa-1024": use one of ecdsa-p256`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPerson(t, test.kubeconfig)
			r := p.certs(append([]string{"issue", "admin", "--name", "refused"}, test.args...)...)
			wantFailure(t, r, test.sentence, test.hint)
			if r.stdout != "" {
				t.Errorf("standard output: %q", r.stdout)
			}
			if files := p.files(); len(files) > 0 {
				t.Errorf("left behind: %q", files)
			}
			if requests := ours(t, "certs-refused-"); len(requests) > 0 {
				t.Errorf("left behind in the cluster: %q", requests)
			}
		})
	}
}

// What happens to a request while its maker waits is told in its own words.
func TestIssueWhileWaiting(t *testing.T) {
	tests := []struct {
		name    string
		args    []string
		meddle  func(t *testing.T, r *running, request *certificatesv1.CertificateSigningRequest)
		want    string
		hint    string
		remains bool // the cluster keeps the request, as a record
	}{
		{"denied", nil, deny, "was denied: Suspicious: who is this?", "ask an approver", true},
		{"failed", nil, fail, "signer kubernetes.io/kube-apiserver-client refused request", "kubectl describe csr", true},
		{"deleted", nil, remove, "was deleted by another user before a certificate was issued", "run the command again", false},
		{"replaced", nil, replace, "was deleted by another user before a certificate was issued", "run the command again", true},
		{"nobody approves", []string{"--timeout", "1s"}, nothing, "was not approved within", "--timeout", false},
		{"interrupted", nil, sends(os.Interrupt), "interrupted", "nothing was written", false},
		{"terminal closed", nil, sends(syscall.SIGHUP), "interrupted", "nothing was written", false},
	}
	asker := requester(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Cleanup(func() {
				newPerson(t, adminKubeconfig(t)).run("kubectl", "delete", "csr", "-l", "app.kubernetes.io/managed-by=kubectl-certs")
			})
			p := newPerson(t, asker)
			r := p.start(append([]string{"issue", "admin", "--name", "waiting", "--group", "devs"}, test.args...)...)
			request := requestFor(t, "certs-waiting-")
			r.says("kubectl certs approve " + request.Name)
			test.meddle(t, r, request)
			got := r.end()
			wantFailure(t, got, test.want, test.hint)
			if files := p.files(); len(files) > 0 {
				t.Errorf("left behind: %q", files)
			}
			if remains := len(ours(t, "certs-waiting-")) > 0; remains != test.remains {
				t.Errorf("the request is still there: %t, want %t", remains, test.remains)
			}
		})
	}
}

// A request that someone else approves ends as one's own does, also for a
// person who may read neither the client CA nor any binding.
func TestIssueApprovedBySomeoneElse(t *testing.T) {
	p := newPerson(t, requester(t))
	r := p.start("issue", "admin", "--name", "patient", "--group", "devs")
	request := requestFor(t, "certs-patient-")
	newPerson(t, adminKubeconfig(t)).must("kubectl", "certificate", "approve", request.Name)
	if got := r.end(); got.code != 0 {
		t.Fatalf("exit %d\n%s", got.code, got.stderr)
	}
	if user, groups := p.using(p.path("patient.kubeconfig")).whoami(); user != "patient" || groups[0] != "devs" {
		t.Errorf("the API server takes the holder for %q in %q", user, groups)
	}
}

// An approved request that no signer answers is given up and withdrawn.
func TestIssueNeverSigned(t *testing.T) {
	signal := func(name string) { onControlPlane(t, "pkill", "-"+name, "-x", "kube-controller") }
	signal("STOP")
	defer signal("CONT")
	p := newPerson(t, adminKubeconfig(t))
	wantFailure(t, p.certs("issue", "admin", "--name", "unsigned", "--timeout", "2s"),
		"was approved, but signer kubernetes.io/kube-apiserver-client issued no certificate within 2s", "kube-controller-manager signs")
	if files := p.files(); len(files) > 0 {
		t.Errorf("left behind: %q", files)
	}
	if requests := ours(t, "certs-unsigned-"); len(requests) > 0 {
		t.Errorf("left behind in the cluster: %q", requests)
	}
}

// When nobody reads what it says any more, a command that waits is given up and
// its request withdrawn.
func TestIssueIntoAClosedPipe(t *testing.T) {
	p := newPerson(t, requester(t))
	script := "kubectl certs issue admin --name piped --group devs 2>&1 | grep -m 1 Requesting"
	if r := p.run("bash", "-c", script); !strings.Contains(r.stdout, "Requesting a client certificate") {
		t.Errorf("standard output: %q", r.stdout)
	}
	if files := p.files(); len(files) > 0 {
		t.Errorf("left behind: %q", files)
	}
	if requests := ours(t, "certs-piped-"); len(requests) > 0 {
		t.Errorf("left behind in the cluster: %q", requests)
	}
}

// Help and version touch neither cluster nor kubeconfig.
func TestHelpAndVersionNeedNothing(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"issue", "--help"}, {"inspect", "--help"}, {"version"}, {"version", "-o", "json"}, {"options"}} {
		p := newPerson(t, "/proc/1/nonexistent")
		if r := p.certs(args...); r.code != 0 || r.stdout == "" || r.stderr != "" {
			t.Errorf("%q: exit %d, standard error %q", args, r.code, r.stderr)
		}
	}
}

func deny(t *testing.T, _ *running, request *certificatesv1.CertificateSigningRequest) {
	request.Status.Conditions = append(request.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type: certificatesv1.CertificateDenied, Status: corev1.ConditionTrue, Reason: "Suspicious", Message: "who is this?",
	})
	if _, err := admin(t).CertificatesV1().CertificateSigningRequests().UpdateApproval(t.Context(), request.Name, request, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// fail says what a signer says that refuses a request. The built-in one takes
// all that this program asks for.
func fail(t *testing.T, _ *running, request *certificatesv1.CertificateSigningRequest) {
	request.Status.Conditions = append(request.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type: certificatesv1.CertificateFailed, Status: corev1.ConditionTrue, Reason: "SignerValidationFailure", Message: "invalid usages",
	})
	if _, err := admin(t).CertificatesV1().CertificateSigningRequests().UpdateStatus(t.Context(), request, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, _ *running, request *certificatesv1.CertificateSigningRequest) {
	if err := admin(t).CertificatesV1().CertificateSigningRequests().Delete(t.Context(), request.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// replace puts another request under the same name.
func replace(t *testing.T, r *running, request *certificatesv1.CertificateSigningRequest) {
	remove(t, r, request)
	fresh := &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: request.Name, Labels: request.Labels},
		Spec:       request.Spec,
	}
	if _, err := admin(t).CertificatesV1().CertificateSigningRequests().Create(t.Context(), fresh, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func nothing(*testing.T, *running, *certificatesv1.CertificateSigningRequest) {}

func sends(signal os.Signal) func(*testing.T, *running, *certificatesv1.CertificateSigningRequest) {
	return func(t *testing.T, r *running, _ *certificatesv1.CertificateSigningRequest) {
		if err := r.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
}

// nobody returns the kubeconfig of a user without any rights.
func nobody(t *testing.T) string {
	t.Helper()
	p := newPerson(t, adminKubeconfig(t))
	if r := p.certs("issue", "admin", "--name", "nobody", "--group", "nobodies"); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	return p.path("nobody.kubeconfig")
}

// requester returns the kubeconfig of a user who may make requests, follow
// and withdraw them, and nothing else.
func requester(t *testing.T) string {
	t.Helper()
	p := newPerson(t, adminKubeconfig(t))
	if r := p.certs("issue", "admin", "--name", "requester", "--group", "requesters"); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	p.must("kubectl", "create", "clusterrole", "e2e-requester", "--verb", "create,get,watch,delete", "--resource", "certificatesigningrequests.certificates.k8s.io")
	p.must("kubectl", "create", "clusterrolebinding", "e2e-requester", "--clusterrole", "e2e-requester", "--group", "requesters")
	t.Cleanup(func() {
		p.must("kubectl", "delete", "clusterrole,clusterrolebinding", "e2e-requester")
	})
	return p.path("requester.kubeconfig")
}

// change writes a changed copy of the cluster's kubeconfig.
func change(t *testing.T, edit func(cluster *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo)) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(adminKubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	current := config.Contexts[config.CurrentContext]
	edit(config.Clusters[current.Cluster], config.AuthInfos[current.AuthInfo])
	file := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// anonymous returns a kubeconfig without credentials.
func anonymous(t *testing.T) string {
	return change(t, func(_ *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) { *user = clientcmdapi.AuthInfo{} })
}

// strangersCA returns a kubeconfig whose CA is another cluster's.
func strangersCA(t *testing.T) string {
	stranger := selfSigned(t, "kubernetes")
	return change(t, func(cluster *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
		cluster.CertificateAuthorityData = stranger
	})
}

func selfSigned(t *testing.T, name string) []byte {
	t.Helper()
	key, err := pki.GenerateKey(pki.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// expired returns a kubeconfig whose certificate the cluster's CA signed and
// that ran out a day ago.
func expired(t *testing.T) string {
	t.Helper()
	caKey, caCert := clusterCA(t)
	key, err := pki.GenerateKey(pki.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "yesterday", Organization: []string{"kubeadm:cluster-admins"}},
		NotBefore:    time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24*time.Hour - time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, caCert, key.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, err := pki.EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return change(t, func(_ *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) {
		user.ClientCertificateData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		user.ClientKeyData = keyPEM
	})
}

// clusterCA returns the kind cluster's CA, key included, from its node.
func clusterCA(t *testing.T) (crypto.Signer, *x509.Certificate) {
	t.Helper()
	block, _ := pem.Decode([]byte(onControlPlane(t, "cat", "/etc/kubernetes/pki/ca.key")))
	if block == nil {
		t.Fatal("ca.key is not PEM")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	certs, err := pki.ParseCertificates([]byte(onControlPlane(t, "cat", "/etc/kubernetes/pki/ca.crt")))
	if err != nil {
		t.Fatal(err)
	}
	return key, certs[0]
}

// closedPort returns the URL of a port where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener := listen(t)
	listener.Close()
	return "https://" + listener.Addr().String()
}

// silentServer returns the URL of a server that accepts and never answers.
func silentServer(t *testing.T) string {
	t.Helper()
	return "https://" + listen(t).Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}
