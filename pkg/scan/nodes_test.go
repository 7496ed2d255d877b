package scan_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// node is a worker, or a control-plane node where labels say so.
func node(name, address string, labels ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{}}}
	n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: name}}
	if address != "" {
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: address})
	}
	for _, label := range labels {
		n.Labels[label] = ""
	}
	return n
}

const controlPlane = "node-role.kubernetes.io/control-plane"

// wires leads from "node:port", and the node's address, to what listens there
// in this test.
type wires map[string]string

func (w wires) dial(ctx context.Context, name, address string, port int) (net.Conn, error) {
	local, ok := w[fmt.Sprintf("%s:%d@%s", name, port, address)]
	if !ok {
		return nil, errors.New("connection refused")
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", local)
}

// signsForItself runs a server whose certificate is self-signed.
func signsForItself(t *testing.T, name string, change func(*tls.Config)) string {
	t.Helper()
	signer := &pkitest.CA{Key: pkitest.Key(name)}
	config := &tls.Config{Certificates: []tls.Certificate{certified(signer, signer.Issue(t, pkitest.Server(name, name)))}}
	if change != nil {
		change(config)
	}
	return serve(t, config, ok)
}

func TestKubelets(t *testing.T) {
	t.Parallel()
	to := wires{
		"good:10250@10.0.0.1":    signsForItself(t, "good kubelet", nil),
		"unnamed:10250@":         signsForItself(t, "unnamed kubelet", nil),
		"hung:10250@10.0.0.3":    accept(t, func(net.Conn) {}),
		"pending:10250@10.0.0.4": serve(t, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errors.New("none yet") }}, ok),
		"ssh:10250@10.0.0.5":     accept(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.9\r\n") }),
	}
	client := fake.NewClientset(node("good", "10.0.0.1"), node("unnamed", ""), node("down", "10.0.0.2"),
		node("hung", "10.0.0.3"), node("pending", "10.0.0.4"), node("ssh", "10.0.0.5"))
	inv := read(short, scan.Kubelets(client, to.dial))
	check(t, inv,
		[]string{"good kubelet: good:10250", "unnamed kubelet: unnamed:10250"},
		[]string{
			"down:10250: connection refused", "hung:10250: timed out",
			"pending:10250: the kubelet has no serving certificate", "ssh:10250: it does not speak TLS",
		})
	for i, want := range []string{"good", "unnamed"} {
		if e := inv.Items[i]; e.Node != want || e.Name != "kubelet-server" {
			t.Errorf("got %s on node %q, want kubelet-server on %q", e.Name, e.Node, want)
		}
	}
}

func TestControlPlane(t *testing.T) {
	wantsClient := func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }
	// Up to TLS 1.2, the client learns within the handshake that it is refused.
	refusesSooner := func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 }
	to := wires{
		"master:2379@10.0.0.1":  signsForItself(t, "etcd for clients", wantsClient),
		"master:2380@10.0.0.1":  signsForItself(t, "etcd for peers", refusesSooner),
		"master:10257@10.0.0.1": signsForItself(t, "controller manager", nil),
		"master:10259@10.0.0.1": signsForItself(t, "scheduler", nil),
		"worker:2379@10.0.0.2":  signsForItself(t, "no etcd of the cluster", nil),
	}
	inv := read(long, scan.ControlPlane(fake.NewClientset(node("master", "10.0.0.1", controlPlane), node("worker", "10.0.0.2")), to.dial, ""))
	check(t, inv, []string{
		"etcd for clients: master:2379", "etcd for peers: master:2380", "scheduler: master:10259", "controller manager: master:10257",
	}, nil)
	var names []string
	for _, e := range inv.Items {
		names = append(names, e.Name)
	}
	if want := []string{"etcd-server", "etcd-peer", "scheduler-server", "controller-manager-server"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestNodesWithoutPermission(t *testing.T) {
	client := fake.NewClientset(node("good", "10.0.0.1"))
	forbid(client, "list", "nodes", "")
	inv := read(long, scan.Kubelets(client, wires{}.dial), scan.ControlPlane(client, wires{}.dial, ""))
	check(t, inv, nil, []string{"nodes: forbidden", "nodes: forbidden"})
}

// A large cluster comes in pages. What stood on the pages before one that
// fails is read all the same.
func TestNodesInPages(t *testing.T) {
	pages := map[string]corev1.NodeList{
		"":       {ListMeta: metav1.ListMeta{Continue: "second"}, Items: []corev1.Node{*node("a", "10.0.0.1")}},
		"second": {ListMeta: metav1.ListMeta{Continue: "third"}, Items: []corev1.Node{*node("b", "10.0.0.2")}},
	}
	client := fake.NewClientset()
	client.PrependReactor("list", "nodes", func(action clienttesting.Action) (bool, runtime.Object, error) {
		options := action.(clienttesting.ListActionImpl).ListOptions
		if options.Limit == 0 {
			t.Error("everything is asked for at once")
		}
		if page, ok := pages[options.Continue]; ok {
			return true, &page, nil
		}
		return true, nil, errors.New("the server is gone")
	})
	to := wires{
		"a:10250@10.0.0.1": signsForItself(t, "kubelet a", nil),
		"b:10250@10.0.0.2": signsForItself(t, "kubelet b", nil),
	}
	inv := read(long, scan.Kubelets(client, to.dial))
	check(t, inv, []string{"kubelet a: a:10250", "kubelet b: b:10250"}, []string{"nodes: the server is gone"})
}

// One dead node does not hold up the rest: all are dialled at once. Here each
// waits for all the others.
func TestNodesAreReadAtOnce(t *testing.T) {
	const nodes = 40
	var objects []runtime.Object
	for i := range nodes {
		objects = append(objects, node(fmt.Sprintf("node-%d", i), "10.0.0.1"))
	}
	var together sync.WaitGroup
	together.Add(nodes)
	inv := read(long, scan.Kubelets(fake.NewClientset(objects...), func(context.Context, string, string, int) (net.Conn, error) {
		together.Done()
		together.Wait()
		return nil, errors.New("connection refused")
	}))
	if len(inv.Skipped) != nodes {
		t.Errorf("got %d skipped, want %d", len(inv.Skipped), nodes)
	}
}
