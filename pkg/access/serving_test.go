package access

import (
	"context"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func node(name string, addresses ...corev1.NodeAddress) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Addresses: addresses}}
}

// n1 is at 10.0.0.1 and fd00::1.
func n1() *corev1.Node {
	return node("n1",
		corev1.NodeAddress{Type: corev1.NodeHostName, Address: "n1"},
		corev1.NodeAddress{Type: corev1.NodeInternalDNS, Address: "n1.internal"},
		corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "10.0.0.1"},
		corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: "fd00::1"},
		// An address in the place of a name.
		corev1.NodeAddress{Type: corev1.NodeExternalDNS, Address: "10.0.0.9"})
}

// byN1 is what the kubelet of n1 asks for, with names.
func byN1(all ...string) []change {
	return []change{subject("system:node:n1", "system:nodes"), by("system:node:n1", "system:nodes"), serving, life(0), names(all...)}
}

func TestServingFault(t *testing.T) {
	tests := []struct {
		name   string
		change []change
		node   *corev1.Node
		want   string
	}{
		{"all of its names", byN1("n1", "n1.internal", "10.0.0.1", "fd00::1"), n1(), ""},
		{"one of them", byN1("10.0.0.1"), n1(), ""},
		{"another name", byN1("n1", "kubernetes.default"), n1(), `DNS name "kubernetes.default" is not one of Node "n1"`},
		{"another address", byN1("n1", "10.0.0.2"), n1(), `IP address 10.0.0.2 is not one of Node "n1"`},
		{"an address that is listed as a name", byN1("10.0.0.9"), n1(), "IP address 10.0.0.9 is not one of"},
		{"another case", byN1("N1"), n1(), `DNS name "N1"`},
		{"a wildcard", byN1("*"), n1(), `DNS name "*"`},
		{"no names", byN1(), n1(), "no DNS name and no IP address"},
		{"a URI beside them", byN1("n1", "spiffe://a/b"), n1(), "URIs or email"},
		{"an email address beside them", byN1("n1", "a@b.example"), n1(), "URIs or email"},
		{"no Node", byN1("n1"), nil, `there is no Node "n1"`},
		{"another Node", byN1("n1"), node("n2", n1().Status.Addresses...), `there is no Node "n1"`},
		{"a Node without addresses", byN1("n1"), node("n1"), `DNS name "n1"`},
		{"for another node", append(byN1("n1"), subject("system:node:n2", "system:nodes")), n1(), `asks in the name of "system:node:n2"`},
		{"by an administrator", append(byN1("n1"), by("root", "system:masters")), n1(), `"root", who asks, is no node`},
		{"by a user of a node's name", append(byN1("n1"), by("system:node:n1")), n1(), "is no node"},
		{"by nobody's node", append(byN1("n1"), by("system:node:", "system:nodes")), n1(), "is no node"},
		{"a group more", append(byN1("n1"), subject("system:node:n1", "system:nodes", "system:masters")), n1(), "system:masters"},
		{"to be a client too", append(byN1("n1"), to(certificatesv1.KubeletServingSignerName, certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth, certificatesv1.UsageClientAuth)), n1(), `it has usage "client auth"`},
		{"at the clients' signer", append(byN1("n1"), clientWith(certificatesv1.UsageClientAuth)), n1(), "it is for signer kubernetes.io/kube-apiserver-client"},
		{"for ten years", append(byN1("n1"), life(3650*day)), n1(), "a life of"},
		{"no request", append(byN1("n1"), garbage("x")), n1(), "it cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request := newRequest(asking(t, tt.change...), &Powers{SignerLife: DefaultSignerLife})
			err := ServingFault(&request, tt.node)
			if tt.want == "" && err != nil {
				t.Errorf("got %v, want no fault", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want a fault that says %q", err, tt.want)
			}
		})
	}
}

// served runs an approver over objects and returns what it said.
type served struct {
	approved, left chan string
	approver       *ServingApprover
	client         *fake.Clientset
}

func newServed(t *testing.T) *served {
	t.Helper()
	s := &served{approved: make(chan string, 9), left: make(chan string, 9), client: fake.NewClientset(n1())}
	s.approver = NewServingApprover(s.client, yes,
		func(r *Request) { s.approved <- r.Name }, func(_ *Request, why error) { s.left <- why.Error() })
	return s
}

func (s *served) create(t *testing.T, name string, changes ...change) {
	t.Helper()
	request := asking(t, changes...)
	request.Name, request.UID = name, types.UID("uid of "+name)
	if _, err := s.client.CertificatesV1().CertificateSigningRequests().Create(t.Context(), request, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestServingApproverOnce(t *testing.T) {
	s := newServed(t)
	s.create(t, "good", byN1("n1")...)
	s.create(t, "bad", byN1("n2")...)
	for range 2 { // what was left alone is said once
		if err := s.approver.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.approved) != 1 || <-s.approved != "good" {
		t.Errorf("approved %d", len(s.approved))
	}
	if len(s.left) != 1 || !strings.Contains(<-s.left, `"n2"`) {
		t.Errorf("left %d alone", len(s.left))
	}
	bad, _ := s.client.CertificatesV1().CertificateSigningRequests().Get(t.Context(), "bad", metav1.GetOptions{})
	if len(bad.Status.Conditions) > 0 {
		t.Errorf("the bad request was decided about: %v", bad.Status.Conditions)
	}
}

// A request that comes while it watches is approved too.
func TestServingApproverWatch(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	s := newServed(t)
	opened := make(chan string, 1)
	s.client.PrependWatchReactor(csrs.Resource, func(clienttesting.Action) (bool, apiwatch.Interface, error) {
		events, err := s.client.Tracker().Watch(csrs, "")
		opened <- "the watch"
		return true, events, err
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.approver.Watch(ctx, func(err error) { t.Error(err) })
	}()
	receive(t, ctx, opened)
	s.create(t, "late", byN1("n1")...)
	if got := receive(t, ctx, s.approved); got != "late" {
		t.Errorf("approved %q", got)
	}
	cancel()
	<-done
}

func receive(t *testing.T, ctx context.Context, from <-chan string) string {
	t.Helper()
	select {
	case text := <-from:
		return text
	case <-ctx.Done():
		t.Fatal("nothing happened")
		return ""
	}
}
