package access

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// servingCluster is what the gate reads: a control plane, two workers and the network.
type servingCluster struct {
	t       *testing.T
	ca      *pkitest.CA
	client  *fake.Clientset
	gate    *ServingGate
	serves  map[string]*x509.Certificate // by Node; none has no certificate yet
	silent  map[string]bool              // Nodes that cannot be reached
	asked   []string                     // addresses that were dialed
	mu      sync.Mutex
	forbids map[string]bool // resources that may not be read
}

func node(name string, addresses ...corev1.NodeAddress) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid of " + name), CreationTimestamp: metav1.NewTime(pkitest.Now.Add(-30 * day))},
		Status: corev1.NodeStatus{Addresses: addresses}}
}

func at(kind corev1.NodeAddressType, address string) corev1.NodeAddress {
	return corev1.NodeAddress{Type: kind, Address: address}
}

// n1 is at 10.0.0.1 and fd00::1, and claims much more than that.
func n1(more ...string) *corev1.Node {
	n := node("n1",
		at(corev1.NodeHostName, "n1"), at(corev1.NodeInternalDNS, "n1.internal"),
		at(corev1.NodeInternalIP, "10.0.0.1"), at(corev1.NodeExternalIP, "fd00::1"),
		// An address in the place of a name.
		at(corev1.NodeExternalDNS, "10.0.0.9"))
	for _, claim := range more {
		kind := corev1.NodeExternalDNS
		if net.ParseIP(claim) != nil {
			kind = corev1.NodeExternalIP
		}
		n.Status.Addresses = append(n.Status.Addresses, at(kind, claim))
	}
	return n
}

func newServingCluster(t *testing.T, nodes ...*corev1.Node) *servingCluster {
	t.Helper()
	c := &servingCluster{t: t, ca: pkitest.NewCA(t, "kubernetes"), serves: map[string]*x509.Certificate{}, silent: map[string]bool{}, forbids: map[string]bool{}}
	cp := node("cp", at(corev1.NodeInternalIP, "10.0.0.100"), at(corev1.NodeHostName, "cp"), at(corev1.NodeInternalDNS, "cp.internal"))
	cp.Labels = map[string]string{controlPlaneLabel: ""}
	endpoints := discoveryv1.Endpoint{Addresses: []string{"10.0.0.100", "10.0.0.101"}}
	c.client = fake.NewClientset(cp, node("n2", at(corev1.NodeInternalIP, "10.0.0.2"), at(corev1.NodeExternalDNS, "N2.example.com."), at(corev1.NodeInternalIP, "::ffff:10.0.0.22")),
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "kubernetes", Namespace: "default"}, Spec: corev1.ServiceSpec{ClusterIP: "10.99.0.1", ClusterIPs: []string{"10.99.0.1", "fd99::1"}}},
		&networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: "kubernetes"}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{"10.96.0.0/16", "fd96::/112"}}},
		&networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: "more"}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{"10.98.0.0/24"}}},
		&discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Name: "kubernetes", Namespace: "default", Labels: map[string]string{discoveryv1.LabelServiceName: "kubernetes"}}, Endpoints: []discoveryv1.Endpoint{endpoints}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "kube-apiserver-cp", Namespace: "kube-system", Labels: map[string]string{"component": "kube-apiserver"}},
			Spec: corev1.PodSpec{NodeName: "cp", Containers: []corev1.Container{{Command: []string{"kube-apiserver", "--service-cluster-ip-range=10.97.0.0/16,fd97::/112"}}}}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kube-root-ca.crt", Namespace: "kube-system"}, Data: map[string]string{"ca.crt": string(c.ca.PEM())}})
	for _, n := range nodes {
		if err := c.client.Tracker().Add(n); err != nil {
			t.Fatal(err)
		}
	}
	c.client.PrependReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		resource := action.GetResource()
		return c.forbids[resource.Resource], nil, apierrors.NewForbidden(resource.GroupResource(), "", errors.New("no"))
	})
	server := c.ca.Issue(t, pkitest.Server("kube-apiserver", "cp", "api.example.com", "kubernetes.default.svc.k8s.example.com", "10.0.0.100", "192.0.2.7"))
	c.gate = &ServingGate{
		Client: c.client, Server: []string{"lb.example.com", "192.0.2.8"}, Now: func() time.Time { return pkitest.Now }, Presented: c.present,
		ServerCertificates: func(context.Context) ([]*x509.Certificate, error) { return []*x509.Certificate{server}, nil },
	}
	return c
}

func (c *servingCluster) present(_ context.Context, node, address string, port int) ([]*x509.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, net.JoinHostPort(address, strconv.Itoa(port)))
	switch cert := c.serves[node]; {
	case c.silent[node]:
		return nil, errors.New("i/o timeout")
	case cert == nil:
		return nil, errors.New("remote error: tls: internal error")
	default:
		return []*x509.Certificate{cert}, nil
	}
}

// serving makes a Node's kubelet serve with names.
func (c *servingCluster) serving(node string, all ...string) *servingCluster {
	c.serves[node] = c.certificate(node, all...)
	return c
}

// remake makes the Node of the name again, at this time.
func (c *servingCluster) remake(name string, at time.Time) {
	c.t.Helper()
	n := n1()
	n.Name, n.UID, n.CreationTimestamp = name, types.UID("uid of another "+name), metav1.NewTime(at)
	if err := c.client.Tracker().Update(corev1.SchemeGroupVersion.WithResource("nodes"), n, ""); err != nil {
		c.t.Fatal(err)
	}
}

func (c *servingCluster) certificate(node string, all ...string) *x509.Certificate {
	c.t.Helper()
	return c.ca.Issue(c.t, pkitest.Server("system:node:"+node, all...), func(cert *x509.Certificate) { cert.Subject.Organization = []string{"system:nodes"} })
}

// findings is what the gate says of a request.
func (c *servingCluster) findings(changes ...change) string {
	c.t.Helper()
	facts, err := c.gate.readServingFacts(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	request := newRequest(asking(c.t, changes...), &Powers{SignerLife: DefaultSignerLife})
	if err := joinFindings(c.gate.findings(c.t.Context(), facts, &request)); err != nil {
		return err.Error()
	}
	return ""
}

// byN1 is what the kubelet of n1 asks for, with names.
func byN1(all ...string) []change { return byNode("n1", all...) }

func byNode(node string, all ...string) []change {
	name := "system:node:" + node
	return []change{subject(name, "system:nodes"), by(name, "system:nodes"), serving, life(0), names(all...)}
}

// serviceCIDRs is where the fake API keeps them.
var serviceCIDRs = networkingv1.SchemeGroupVersion.WithResource("servicecidrs")
