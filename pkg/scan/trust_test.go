package scan_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

func configMap(namespace, name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: data}
}

// The places of what Trust reads, for namespace web.
const (
	rootCA          = "web/kube-root-ca.crt#ca.crt"
	authentication  = "kube-system/extension-apiserver-authentication"
	clientCA        = authentication + "#client-ca-file"
	requestHeaderCA = authentication + "#requestheader-client-ca-file"
	trustBundles    = "clustertrustbundles.certificates.k8s.io"
)

func TestTrust(t *testing.T) {
	ca, frontProxy := pkitest.NewCA(t, "kubernetes"), pkitest.NewCA(t, "front-proxy")
	root := configMap("web", "kube-root-ca.crt", map[string]string{"ca.crt": string(ca.PEM())})
	extension := func(data map[string]string) *corev1.ConfigMap {
		return configMap("kube-system", "extension-apiserver-authentication", data)
	}
	whole := extension(map[string]string{"client-ca-file": string(ca.PEM()), "requestheader-client-ca-file": string(frontProxy.PEM())})
	tests := []struct {
		name          string
		objects       []runtime.Object
		refuse        func(*fake.Clientset)
		seen, skipped []string
	}{
		{"everything", []runtime.Object{root, whole}, nil,
			[]string{"kubernetes: " + rootCA + ", " + clientCA, "front-proxy: " + requestHeaderCA}, nil},
		{"the pods' CA is forbidden", []runtime.Object{root, whole}, func(c *fake.Clientset) { forbid(c, "get", "configmaps", "kube-root-ca.crt") },
			[]string{"kubernetes: " + clientCA, "front-proxy: " + requestHeaderCA}, []string{"web/kube-root-ca.crt: forbidden"}},
		{"the clients' CA is forbidden", []runtime.Object{root, whole}, func(c *fake.Clientset) {
			forbid(c, "get", "configmaps", "extension-apiserver-authentication")
		}, []string{"kubernetes: " + rootCA}, []string{authentication + ": forbidden"}},
		{"neither is published", nil, nil, nil, []string{authentication + ": not found", "web/kube-root-ca.crt: not found"}},
		{"no front proxy is set", []runtime.Object{root, extension(map[string]string{"client-ca-file": string(ca.PEM())})}, nil,
			[]string{"kubernetes: " + rootCA + ", " + clientCA}, []string{requestHeaderCA + ": not set"}},
		{"a bundle is empty", []runtime.Object{root, extension(map[string]string{"client-ca-file": "", "requestheader-client-ca-file": string(frontProxy.PEM())})}, nil,
			[]string{"kubernetes: " + rootCA, "front-proxy: " + requestHeaderCA}, []string{clientCA + ": it contains no PEM certificate"}},
		{"a bundle is garbage", []runtime.Object{root, extension(map[string]string{"client-ca-file": "garbage", "requestheader-client-ca-file": string(frontProxy.PEM())})}, nil,
			[]string{"kubernetes: " + rootCA, "front-proxy: " + requestHeaderCA}, []string{clientCA + ": it contains no PEM certificate"}},
		{"a bundle is truncated", []runtime.Object{root, extension(map[string]string{
			"client-ca-file": string(ca.PEM()) + string(frontProxy.PEM()[:99]), "requestheader-client-ca-file": string(frontProxy.PEM()),
		})}, nil, []string{"kubernetes: " + rootCA + ", " + clientCA, "front-proxy: " + requestHeaderCA}, []string{clientCA + ": PEM block 2 is truncated or damaged"}},
		{"nobody is let in", nil, func(c *fake.Clientset) {
			c.PrependReactor("*", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
				return true, nil, apierrors.NewUnauthorized("")
			})
		}, nil, []string{trustBundles + ": the API server rejects your credentials", authentication + ": the API server rejects your credentials", "web/kube-root-ca.crt: the API server rejects your credentials"}},
		{"no connection", nil, func(c *fake.Clientset) {
			c.PrependReactor("*", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
				return true, nil, errors.New("connection refused")
			})
		}, nil, []string{trustBundles + ": connection refused", authentication + ": connection refused", "web/kube-root-ca.crt: connection refused"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := fake.NewClientset(tt.objects...)
			if tt.refuse != nil {
				tt.refuse(client)
			}
			faults := append([]string{"kube-public/cluster-info#kubeconfig: not published"}, tt.skipped...)
			check(t, read(long, scan.Trust(client, fake.NewClientset(), "web")), tt.seen, slices.Sorted(slices.Values(faults)))
		})
	}
}

// What would let a source be read is said in words that an administrator can
// act on.
func TestTrustSaysWhatPermissionIsMissing(t *testing.T) {
	client := fake.NewClientset()
	forbid(client, "get", "configmaps", "kube-root-ca.crt")
	inv := read(long, scan.Trust(client, client, "web"))
	want := inventory.Skip{
		Source: "trust", Where: "web/kube-root-ca.crt", Reason: "forbidden",
		Hint: "ask for permission to get configmaps/kube-root-ca.crt in namespace web",
	}
	if !slices.Contains(inv.Skipped, want) {
		t.Errorf("got %+v, want among them %+v", inv.Skipped, want)
	}
}

// kubeadm publishes what new nodes trust, to strangers only.
func TestTrustReadsClusterInfo(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	const where = "kube-public/cluster-info#kubeconfig"
	published := func(text string) *corev1.ConfigMap {
		return configMap("kube-public", "cluster-info", map[string]string{"kubeconfig": text})
	}
	kubeconfig := func(ca []byte) string {
		return "apiVersion: v1\nkind: Config\nclusters: [{name: '', cluster: {server: 'https://x', certificate-authority-data: " +
			base64.StdEncoding.EncodeToString(ca) + "}}]"
	}
	tests := []struct {
		name         string
		object       *corev1.ConfigMap
		seen, faults []string
	}{
		{"a CA", published(kubeconfig(ca.PEM())), []string{"kubernetes: " + where}, nil},
		{"no CA", published(kubeconfig(nil)), nil, []string{where + ": cannot be read: it contains no PEM certificate"}},
		{"no kubeconfig", published("a: b: c"), nil, []string{where + ": cannot be read: "}},
		{"an empty one", published(""), nil, []string{where + ": cannot be read: it has no cluster"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			quiet := fake.NewClientset(configMap("web", "kube-root-ca.crt", nil), configMap("kube-system", "extension-apiserver-authentication", nil))
			inv := read(long, scan.Trust(quiet, fake.NewClientset(tt.object), "web"))
			inv.Skipped = nil
			check(t, inv, tt.seen, tt.faults)
		})
	}
}

// Trust bundles are read where there are some.
func TestTrustReadsBundles(t *testing.T) {
	ca, other := pkitest.NewCA(t, "spire"), pkitest.NewCA(t, "other")
	bundle := func(name string, pem []byte) *certificatesv1.ClusterTrustBundle {
		return &certificatesv1.ClusterTrustBundle{ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: certificatesv1.ClusterTrustBundleSpec{TrustBundle: string(pem)}}
	}
	inv := read(long, scan.Trust(fake.NewClientset(bundle("good", ca.PEM()), bundle("bad", append(other.PEM(), ca.PEM()[:99]...))), fake.NewClientset(), "web"))
	inv.Skipped = nil
	check(t, inv, []string{"other: clustertrustbundle/bad", "spire: clustertrustbundle/good"},
		[]string{"clustertrustbundle/bad: cannot be read: PEM block 2 is truncated or damaged"})
}
