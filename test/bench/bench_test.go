//go:build e2e

// Package bench measures the program against bare client-go, kubectl and the
// procedure of Kubernetes' documentation: each round runs all of them in turn
// on the same cluster, and the figure to look at is the ratio of the medians,
// which holds when the machine's speed drifts. Run it by `make bench`.
package bench

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// contender is one way to do the work.
type contender struct {
	name string
	run  func(b *testing.B)
	// args are the command that it is; nil for work in this process.
	args []string
}

// within is a contender that does the work in this process.
func within(name string, run func(b *testing.B)) contender {
	return contender{name: name, run: run}
}

// compare runs the contenders in turn, b.N times, and reports each one's
// median time, and the first one's ratio to it.
func compare(b *testing.B, contenders ...contender) {
	times := make([][]time.Duration, len(contenders))
	for _, c := range contenders { // a round to warm up
		c.run(b)
	}
	b.ResetTimer()
	for range b.N {
		for i, c := range contenders {
			start := time.Now()
			c.run(b)
			times[i] = append(times[i], time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op") // the sum of all says nothing
	for i, c := range contenders {
		b.ReportMetric(median(times[i]).Seconds()*1000, "ms/"+c.name)
		if i > 0 {
			b.ReportMetric(float64(median(times[0]))/float64(median(times[i])), "of-"+c.name)
		}
	}
}

// compareMemory reports the peak memory of each contender, which has to be a
// command, and the first one's ratio to it.
func compareMemory(b *testing.B, contenders ...contender) {
	b.StopTimer()
	first := peak(b, contenders[0].args...)
	for i, c := range contenders {
		if i == 0 {
			b.ReportMetric(first, "MiB/"+c.name)
			continue
		}
		theirs := peak(b, c.args...)
		b.ReportMetric(theirs, "MiB/"+c.name)
		b.ReportMetric(first/theirs, "memory-of-"+c.name)
	}
}

func median[T cmp.Ordered](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}

// command is a contender that is a process of its own.
func command(name string, args ...string) contender {
	return contender{name, func(b *testing.B) {
		cmd := exec.Command(args[0], args[1:]...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil {
			b.Fatalf("%s: %v\n%s", name, err, &stderr)
		}
	}, args}
}

// bareProcess is a contender that is bare client-go in a process of its own: a
// test of this package, called by name.
func bareProcess(name, test string) contender {
	return command(name, os.Args[0], "-test.run", "^"+test+"$", "-test.v")
}

func plugin(b *testing.B) string {
	path, err := filepath.Abs("../../build/kubectl-certs")
	if err != nil {
		b.Fatal(err)
	}
	return path
}

// issue admin, as a whole process, against the same three API calls by bare
// client-go (at most 2.5 times), against those in a process of their own, and
// against the documentation's procedure (under a quarter).
func BenchmarkIssueAdmin(b *testing.B) {
	compare(b,
		command("issue", plugin(b), "issue", "admin", "--out", "-"),
		within("bare-calls", bareCalls(b)),
		bareProcess("bare-process", "TestBareProcess"),
		within("documented", documented(b)),
	)
}

// version, against kubectl's (no slower).
func BenchmarkVersion(b *testing.B) {
	compare(b,
		command("version", plugin(b), "version"),
		command("kubectl-version", "kubectl", "version", "--client"),
	)
}

// inspect, against the least that kubectl can be asked for over the network.
func BenchmarkInspect(b *testing.B) {
	compare(b,
		command("inspect", plugin(b), "inspect"),
		command("kubectl-get", "kubectl", "get", "configmap", "kube-root-ca.crt", "-o", "yaml"),
	)
}

func newClient(tb testing.TB) kubernetes.Interface {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		tb.Fatalf("%v (run make bench)", err)
	}
	config.QPS = -1
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// TestBareProcess is the process that BenchmarkIssueAdmin times.
func TestBareProcess(t *testing.T) {
	bare(t, newClient(t))
}

// bareCalls makes the calls on a connection that is open.
func bareCalls(b *testing.B) func(*testing.B) {
	client := newClient(b)
	return func(b *testing.B) { bare(b, client) }
}

// bare is the least that it takes: create, approve, watch.
func bare(tb testing.TB, client kubernetes.Interface) {
	certify(tb, client, pkix.Name{CommonName: "bench", Organization: []string{"kubeadm:cluster-admins"}})
}

// certify obtains a client certificate for subject by bare client-go, and
// returns the name of its request.
func certify(tb testing.TB, client kubernetes.Interface, subject pkix.Name) (requestName string) {
	ctx := context.Background()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key)
	if err != nil {
		tb.Fatal(err)
	}
	api := client.CertificatesV1().CertificateSigningRequests()
	request, err := api.Create(ctx, &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "bench-"},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			SignerName: certificatesv1.KubeAPIServerClientSignerName,
			Usages:     []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	request.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "Bench",
	}}
	if _, err := api.UpdateApproval(ctx, request.Name, request, metav1.UpdateOptions{}); err != nil {
		tb.Fatal(err)
	}
	events, err := api.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + request.Name, ResourceVersion: request.ResourceVersion})
	if err != nil {
		tb.Fatal(err)
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		if r, ok := event.Object.(*certificatesv1.CertificateSigningRequest); ok && len(r.Status.Certificate) > 0 {
			return request.Name
		}
	}
	tb.Fatal("the watch ended without a certificate")
	return ""
}

// documented is the procedure of the Kubernetes documentation ("Issue a
// certificate for a Kubernetes API client using a CertificateSigningRequest"),
// without the pauses of the person who types it.
func documented(b *testing.B) func(*testing.B) {
	dir := b.TempDir()
	const script = `set -euo pipefail
openssl genrsa -out user.key 3072
openssl req -new -key user.key -out user.csr -subj "/CN=$NAME"
cat <<EOF | kubectl apply -f -
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata:
  name: $NAME
spec:
  request: $(base64 <user.csr | tr -d '\n')
  signerName: kubernetes.io/kube-apiserver-client
  expirationSeconds: 86400
  usages:
  - client auth
EOF
kubectl get csr
kubectl certificate approve $NAME
until kubectl get csr $NAME -o jsonpath='{.status.certificate}' | base64 -d >user.crt && [ -s user.crt ]; do :; done
cp "$KUBECONFIG" config
export KUBECONFIG=$PWD/config
kubectl config set-credentials $NAME --client-key=user.key --client-certificate=user.crt --embed-certs=true
kubectl config set-context $NAME --cluster=kind-kubectl-certs --user=$NAME
kubectl config use-context $NAME
`
	round := 0
	return func(b *testing.B) {
		round++
		cmd := exec.Command("bash", "-c", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), fmt.Sprintf("NAME=bench-%d-%d", os.Getpid(), round))
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
}
