//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// nodeClient is a client with the credentials of a node: what an intruder has
// who got there.
func nodeClient(t *testing.T, certificate, key []byte) *kubernetes.Clientset {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", adminKubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	config = rest.AnonymousClientConfig(config)
	config.CertData, config.KeyData, config.QPS = certificate, key, -1
	return kubernetes.NewForConfigOrDie(config)
}

// kubeletOf is nodeClient of a node that there is.
func kubeletOf(t *testing.T, node string) *kubernetes.Clientset {
	t.Helper()
	pair := []byte(onNode(t, node, "cat", "/var/lib/kubelet/pki/kubelet-client-current.pem"))
	return nodeClient(t, pair, pair)
}

// askToServe makes a request for a serving certificate by a node's own
// credentials.
func askToServe(t *testing.T, as *kubernetes.Clientset, name, node string, all ...string) {
	t.Helper()
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "system:node:" + node, Organization: []string{"system:nodes"}}}
	for _, one := range all {
		if ip := net.ParseIP(one); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, one)
		}
	}
	makeRequest(t, as, name, certificatesv1.KubeletServingSignerName, template, certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth)
}

func makeRequest(t *testing.T, as *kubernetes.Clientset, name, signer string, template *x509.CertificateRequest, usages ...certificatesv1.KeyUsage) {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, pkitest.Key(name))
	if err != nil {
		t.Fatal(err)
	}
	request := &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), SignerName: signer, Usages: usages,
		},
	}
	t.Cleanup(func() { newPerson(t, adminKubeconfig(t)).must("kubectl", "delete", "csr", name, "--ignore-not-found") })
	if _, err := as.CertificatesV1().CertificateSigningRequests().Create(t.Context(), request, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// internalIP is a node's address.
func internalIP(t *testing.T, p *person, node string) string {
	t.Helper()
	return p.must("kubectl", "get", "node", node, "-o", `jsonpath={.status.addresses[?(@.type=="InternalIP")].address}`)
}

// leftAlone checks that a request was named, for each of reasons, and that
// nobody has decided about it.
func (p *person) leftAlone(r result, name string, reasons ...string) {
	p.t.Helper()
	var said string
	for line := range strings.Lines(r.stderr) {
		if strings.Contains(line, "request "+name+" was left pending: ") {
			said = line
		}
	}
	for _, reason := range reasons {
		if !strings.Contains(said, reason) {
			p.t.Errorf("of %s it does not say %q:\n%s", name, reason, r.stderr)
		}
	}
	if got := p.conditions(name); got != "" || strings.Contains(r.stdout, name) {
		p.t.Errorf("%s is %q\n%s", name, got, r.stdout)
	}
}

// everything is all that may be allowed.
var everything = []string{"approve", "--kubelet-serving", "--yes", "--allow-new", "--allow-dns", "*,*.*,*.*.*", "--allow-cidr", "0.0.0.0/0,::/0"}

// An intruder on a worker lets its Node say that it is the API server, and asks
// for a certificate that says so too.
func TestApproveKubeletServingOfAPoisonedNode(t *testing.T) {
	const worker = "kubectl-certs-worker2"
	p := newPerson(t, adminKubeconfig(t))
	intruder := kubeletOf(t, worker)
	own := internalIP(t, p, worker)
	master := internalIP(t, p, controlPlane)
	service := p.must("kubectl", "get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}")
	names := []string{worker, own, master, service, "127.0.0.1", "kubernetes.default.svc", "localhost", controlPlane, "e2e.example.com"}

	// The kubelet puts its own addresses back whenever it looks.
	stop, stopped := make(chan struct{}), make(chan error, 1)
	poison := poisoned(t, own, names)
	apply := func() error {
		_, err := intruder.CoreV1().Nodes().Patch(t.Context(), worker, types.MergePatchType, poison, metav1.PatchOptions{}, "status")
		return err
	}
	if err := apply(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			case <-time.After(100 * time.Millisecond):
				if err := apply(); err != nil {
					stopped <- err
					return
				}
			}
		}
	}()
	defer func() {
		close(stop)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		restoreAddresses(t, p, worker, own)
		withdrawPending(t, worker)
	}()
	// What control-plane nodes are let through by, a kubelet cannot have itself.
	_, err := intruder.CoreV1().Nodes().Patch(t.Context(), worker, types.MergePatchType,
		[]byte(`{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":""}}}`), metav1.PatchOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("a worker may call itself a control-plane node: %v", err)
	}
	askToServe(t, intruder, "e2e-poison-all", worker, names...)
	reasons := map[string]string{
		master: "IP address " + master + ` is an address of Node "` + controlPlane + `" too and is an API server's`, service: "IP address " + service + " is in the Service CIDR",
		"127.0.0.1": "IP address 127.0.0.1 is a loopback address", "kubernetes.default.svc": `DNS name "kubernetes.default.svc" is a name of the API server`,
		"localhost": `DNS name "localhost" is a loopback name`, controlPlane: `DNS name "` + controlPlane + `" is a name of Node "` + controlPlane + `" too`,
		"e2e.example.com": "adds DNS name", // allowed by the pattern, but not served before
	}
	for name := range reasons {
		askToServe(t, intruder, requestOf(name), worker, name)
	}
	p.leftAlone(p.certs("approve", "--kubelet-serving"), "e2e-poison-all", "loopback", `"e2e.example.com" is reported by Node`)
	r := p.certs(everything...)
	for name, reason := range reasons {
		p.leftAlone(r, requestOf(name), reason)
		if name != "e2e.example.com" {
			p.leftAlone(r, "e2e-poison-all", reason)
		}
	}

	// A person sees the same.
	shown := p.certs("requests", "e2e-poison-all")
	for _, want := range []string{"serving-names", "127.0.0.1 is a loopback address", "is in the Service CIDR"} {
		if !strings.Contains(shown.stdout, want) {
			t.Errorf("it does not say %q:\n%s", want, shown.stdout)
		}
	}
	wantFailure(t, p.certs("approve", "e2e-poison-all", "--yes"), "serving-names", "--accept-risk")
	if got := p.conditions("e2e-poison-all"); got != "" {
		t.Errorf("it is %s", got)
	}
}

var notInNames = regexp.MustCompile(`[^a-z0-9-]`)

func requestOf(name string) string { return "e2e-poison-" + notInNames.ReplaceAllString(name, "-") }

// poisoned is a patch of a Node's status; its true address stays the first, so
// that all others still find it.
func poisoned(t *testing.T, own string, names []string) []byte {
	t.Helper()
	addresses := []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: own}}
	for _, name := range names {
		kind := corev1.NodeExternalDNS
		if net.ParseIP(name) != nil {
			kind = corev1.NodeExternalIP
		}
		addresses = append(addresses, corev1.NodeAddress{Type: kind, Address: name})
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"addresses": addresses}})
	if err != nil {
		t.Fatal(err)
	}
	return patch
}

// restoreAddresses puts back what the kubelet says.
func restoreAddresses(t *testing.T, p *person, node, own string) {
	t.Helper()
	p.must("kubectl", "patch", "node", node, "--subresource=status", "--type=merge", "-p",
		`{"status":{"addresses":[{"type":"InternalIP","address":"`+own+`"},{"type":"Hostname","address":"`+node+`"}]}}`)
}

// withdrawPending removes what a node's real kubelet asked for while its Node
// said something else.
func withdrawPending(t *testing.T, node string) {
	t.Helper()
	forServing(t, node, func(request *certificatesv1.CertificateSigningRequest) {
		if len(request.Status.Conditions) == 0 {
			newPerson(t, adminKubeconfig(t)).must("kubectl", "delete", "csr", request.Name, "--ignore-not-found")
		}
	})
}

// forServing calls do with each request of a node for a serving certificate.
func forServing(t *testing.T, node string, do func(*certificatesv1.CertificateSigningRequest)) {
	t.Helper()
	list, err := admin(t).CertificatesV1().CertificateSigningRequests().List(context.WithoutCancel(t.Context()), metav1.ListOptions{
		FieldSelector: "spec.signerName=" + certificatesv1.KubeletServingSignerName,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		if list.Items[i].Spec.Username == "system:node:"+node {
			do(&list.Items[i])
		}
	}
}

// bootstrapped makes a Node from nothing but a bootstrap token, and returns a
// client with its credentials.
func bootstrapped(t *testing.T, name string, addresses ...corev1.NodeAddress) *kubernetes.Clientset {
	t.Helper()
	const id, secret = "e2esrv", "0123456789abcdef"
	p := newPerson(t, adminKubeconfig(t))
	object := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "bootstrap-token-" + id, Namespace: "kube-system"}, Type: "bootstrap.kubernetes.io/token",
		StringData: map[string]string{"token-id": id, "token-secret": secret, "usage-bootstrap-authentication": "true", "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token"},
	}
	if _, err := admin(t).CoreV1().Secrets("kube-system").Create(t.Context(), object, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.must("kubectl", "delete", "secret", "-n", "kube-system", object.Name, "--ignore-not-found")
		p.must("kubectl", "delete", "node", name, "--ignore-not-found")
	})
	config, err := clientcmd.BuildConfigFromFlags("", adminKubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	config = rest.AnonymousClientConfig(config)
	config.BearerToken = id + "." + secret
	request := "e2e-join-" + notInNames.ReplaceAllString(name, "-")
	makeRequest(t, kubernetes.NewForConfigOrDie(config), request, certificatesv1.KubeAPIServerClientKubeletSignerName,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: "system:node:" + name, Organization: []string{"system:nodes"}}},
		certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth)
	p.must("kubectl", "wait", "csr/"+request, "--for=jsonpath={.status.certificate}", "--timeout=30s")
	issued, err := admin(t).CertificatesV1().CertificateSigningRequests().Get(t.Context(), request, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.EncodeKey(pkitest.Key(request))
	if err != nil {
		t.Fatal(err)
	}
	client := nodeClient(t, issued.Status.Certificate, key)
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Addresses: addresses}}
	if _, err := client.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return client
}

// Whoever has a bootstrap token can be a Node, but not the API server.
func TestApproveKubeletServingOfABootstrapToken(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	const name, address = "e2e-ghost", "192.0.2.10"
	master := internalIP(t, p, controlPlane)
	claim := func(kind corev1.NodeAddressType, address string) corev1.NodeAddress {
		return corev1.NodeAddress{Type: kind, Address: address}
	}
	ghost := bootstrapped(t, name, claim(corev1.NodeHostName, name), claim(corev1.NodeInternalIP, address), claim(corev1.NodeExternalIP, master),
		claim(corev1.NodeExternalIP, "127.0.0.1"), claim(corev1.NodeExternalDNS, "kubernetes.default.svc"))
	askToServe(t, ghost, "e2e-ghost-own", name, name, address)
	askToServe(t, ghost, "e2e-ghost-master", name, name, master)
	askToServe(t, ghost, "e2e-ghost-loopback", name, name, "127.0.0.1")
	askToServe(t, ghost, "e2e-ghost-api", name, "kubernetes.default.svc", address)
	service := bootstrapped(t, "kubernetes.default.svc", claim(corev1.NodeHostName, "kubernetes.default.svc"), claim(corev1.NodeInternalIP, "192.0.2.11"))
	askToServe(t, service, "e2e-ghost-service", "kubernetes.default.svc", "kubernetes.default.svc")

	r := p.certs("approve", "--kubelet-serving")
	p.leftAlone(r, "e2e-ghost-own", `it appears to be the first certificate of Node "e2e-ghost"`)
	r = p.certs("approve", "--kubelet-serving", "--allow-new", "--allow-cidr", "172.16.0.0/12")
	p.leftAlone(r, "e2e-ghost-own", "IP address 192.0.2.10 is outside --allow-cidr")
	r = p.certs(everything...)
	if !strings.Contains(r.stdout, "Request e2e-ghost-own approved") {
		t.Errorf("it may be new, and was not approved:\n%s%s", r.stdout, r.stderr)
	}
	p.leftAlone(r, "e2e-ghost-master", "is an address of Node", "is an API server's")
	p.leftAlone(r, "e2e-ghost-loopback", "is a loopback address")
	p.leftAlone(r, "e2e-ghost-api", "is a name of the API server")
	p.leftAlone(r, "e2e-ghost-service", "is a name of the API server")

	// What it was approved for once does not grow.
	askToServe(t, ghost, "e2e-ghost-more", name, name, address, "192.0.2.12")
	p.must("kubectl", "wait", "csr/e2e-ghost-own", "--for=jsonpath={.status.certificate}", "--timeout=30s")
	if _, err := ghost.CoreV1().Nodes().Patch(t.Context(), name, types.MergePatchType, poisoned(t, address, []string{name, "192.0.2.12"}), metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	p.leftAlone(p.certs(everything...), "e2e-ghost-more", "adds IP address 192.0.2.12")
}

// A kubelet renews what it serves with, on a worker as on the control plane, by
// the permissions that docs/renew.md lists and no more.
func TestApproveKubeletServing(t *testing.T) {
	const worker = "kubectl-certs-worker"
	p := newPerson(t, adminKubeconfig(t))
	address := internalIP(t, p, worker)
	kubelet := kubeletOf(t, worker)
	askToServe(t, kubelet, "e2e-serving-good", worker, worker, address)
	askToServe(t, kubelet, "e2e-serving-name", worker, worker, address, "kubernetes.default")
	askToServe(t, kubelet, "e2e-serving-address", worker, worker, address, "192.0.2.1")
	askToServe(t, admin(t), "e2e-serving-admin", worker, worker, address)
	askToServe(t, kubeletOf(t, controlPlane), "e2e-serving-cp", controlPlane, controlPlane, internalIP(t, p, controlPlane))

	approver := limited(t, p, "e2e-serving", documentedServingRules(t))
	r := p.using(approver).certs("approve", "--kubelet-serving")
	if r.code != 0 || !strings.Contains(r.stdout, "Request e2e-serving-good approved") {
		t.Fatalf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if !strings.Contains(r.stdout, "Request e2e-serving-cp approved") {
		t.Errorf("the control plane's kubelet may not renew:\n%s", r.stderr)
	}
	p.leftAlone(r, "e2e-serving-name", `"kubernetes.default" is a name of the API server`)
	p.leftAlone(r, "e2e-serving-address", "192.0.2.1 is not one of Node")
	p.leftAlone(r, "e2e-serving-admin", "is not a node")
	p.must("kubectl", "wait", "csr/e2e-serving-good", "--for=jsonpath={.status.certificate}", "--timeout=30s")

	watching := p.using(approver).start("approve", "--kubelet-serving", "--watch")
	watching.says("e2e-serving-name was left pending")
	askToServe(t, kubelet, "e2e-serving-late", worker, worker)
	p.must("kubectl", "wait", "csr/e2e-serving-late", "--for=condition=Approved", "--timeout=30s")
	if err := watching.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if r := watching.end(); r.code != 0 {
		t.Errorf("interrupted, it ends with exit %d\n%s", r.code, r.stderr)
	}

	// Without permission nothing is tried.
	viewer := limited(t, p, "e2e-serving-none", `
- {apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests], verbs: [get, list]}
`)
	wantFailure(t, p.using(viewer).certs("approve", "--kubelet-serving"), "you may not list nodes, list servicecidrs.networking.k8s.io, list endpointslices.discovery.k8s.io -n default, get services/kubernetes -n default", "ask an administrator")
	wantFailure(t, p.using(viewer).certs("approve", "e2e-serving-name", "--yes"), "you may not update certificatesigningrequests/approval.certificates.k8s.io", "ask an administrator")
}

// documentedServingRules are the rules that docs/renew.md lists.
func documentedServingRules(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/renew.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rules, found := strings.Cut(string(text), "```yaml\nrules:")
	rules, _, closed := strings.Cut(rules, "```")
	if !found || !closed || !strings.Contains(rules, "servicecidrs") {
		t.Fatal("docs/renew.md does not list the rules")
	}
	return rules
}

// A real kubelet gets its first certificate when that is allowed, and serves
// with it.
func TestApproveKubeletServingOfANewKubelet(t *testing.T) {
	const node = "kubectl-certs-worker2"
	p := newPerson(t, adminKubeconfig(t))
	t.Cleanup(func() {
		if out, err := exec.Command("kubelet-serving-approver").CombinedOutput(); err != nil {
			t.Errorf("approving the kubelet's request again: %v\n%s", err, out)
		}
	})
	// What it was approved for within the hour would be let through.
	forServing(t, node, func(request *certificatesv1.CertificateSigningRequest) {
		p.must("kubectl", "delete", "csr", request.Name, "--ignore-not-found")
	})
	onNode(t, node, "sh", "-c", "rm /var/lib/kubelet/pki/kubelet-server-*.pem && systemctl restart kubelet")
	request := requestBy(t, node)
	for _, reach := range []string{"direct", "port-forward"} {
		p.leftAlone(p.certs("approve", "--kubelet-serving", "--reach", reach), request, "it appears to be the first certificate of Node", "it has no certificate")
	}
	if shown := p.must("kubectl", "certs", "csr", request); !strings.Contains(shown, "serving-names: it appears to be the first certificate") {
		t.Errorf("a person does not see it:\n%s", shown)
	}
	r := p.certs("approve", "--kubelet-serving", "--allow-new", "--reach", "port-forward")
	if !strings.Contains(r.stdout, "Request "+request+" approved") {
		t.Fatalf("it is not approved:\n%s%s", r.stdout, r.stderr)
	}
	deadline := time.Now().Add(patience)
	for {
		inv, _ := p.inspect(0)
		if e, serves := onEach(inv, "kubelet-server")[node]; serves && slices.Equal(e.DNSNames, []string{node}) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the kubelet does not serve")
		}
	}
}

// requestBy waits for a node's pending request for a serving certificate.
func requestBy(t *testing.T, node string) string {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		found := ""
		forServing(t, node, func(request *certificatesv1.CertificateSigningRequest) {
			if len(request.Status.Conditions) == 0 {
				found = request.Name
			}
		})
		if found != "" {
			return found
		}
	}
	t.Fatalf("the kubelet of %s asks for nothing", node)
	return ""
}
