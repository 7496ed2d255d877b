package scan_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

const etcdLabel = "node-role.kubernetes.io/etcd"

// of makes n one whose kubelet has version.
func of(version string, n *corev1.Node) *corev1.Node {
	n.Status.NodeInfo.KubeletVersion = version
	return n
}

// staticPod is one of a control plane's, as kubeadm and RKE2 label them.
func staticPod(component, node, address string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: component + "-" + node, Namespace: "kube-system",
			Labels: map[string]string{"tier": "control-plane", "component": component}},
		Spec: corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{HostIP: address},
	}
}

// What a distribution never offers is said as what is normal there; what it offers,
// and does not answer, is in doubt.
func TestControlPlaneOfDistributions(t *testing.T) {
	const k3s, rke2, k0s = "v1.36.3+k3s1", "v1.36.3+rke2r1", "v1.36.3+k0s"
	tests := []struct {
		name    string
		server  string
		objects []runtime.Object
		normal  []string // "where: a part of the reason", of what is expected
		doubt   []string // "where", of what is not
	}{
		{"k3s with SQLite", "", []runtime.Object{of(k3s, node("s", "10.0.0.1", controlPlane))},
			[]string{"s:10257: only on 127.0.0.1", "s:10259: only on 127.0.0.1", "s:2379: runs no etcd", "s:2380: runs no etcd"}, nil},
		{"k3s with etcd, which is down", "", []runtime.Object{of(k3s, node("s", "10.0.0.1", controlPlane, etcdLabel))},
			[]string{"s:10257: only on 127.0.0.1", "s:10259: only on 127.0.0.1", "s:2380: connection refused"}, []string{"s:2379"}},
		{"k3s with etcd on nodes of its own", "", []runtime.Object{
			of(k3s, node("s", "10.0.0.1", controlPlane)), of(k3s, node("e", "10.0.0.2", etcdLabel))},
			[]string{"e:2380: connection refused", "s:10257: only on 127.0.0.1", "s:10259: only on 127.0.0.1", "s:2379: runs no etcd", "s:2380: runs no etcd"}, []string{"e:2379"}},
		{"RKE2, whose pods lead everywhere", "", []runtime.Object{of(rke2, node("s", "10.0.0.1", controlPlane, etcdLabel))},
			[]string{"s:2380: connection refused"}, []string{"s:10257", "s:10259", "s:2379"}},
		{"k0s whose controllers are no Nodes", "", []runtime.Object{of(k0s, node("w", "10.0.0.1"))},
			[]string{"nodes: are not Nodes here, as is usual with k0s"}, nil},
		{"k0s on one machine, with kine", "", []runtime.Object{of(k0s, node("s", "10.0.0.1", controlPlane))},
			[]string{"s:2379: kine", "s:2380: kine"}, []string{"s:10257", "s:10259"}},
		{"the hard way", "", []runtime.Object{of("v1.36.3", node("w", "10.0.0.1"))},
			[]string{"nodes: no Node is labeled"}, nil},
		{"no nodes at all", "", nil, []string{"nodes: no Node is labeled"}, nil},
		{"EKS", "", []runtime.Object{of("v1.36.3-eks-a737599", node("w", "10.0.0.1"))},
			[]string{"EKS: EKS runs the control plane"}, nil},
		{"AKS", "https://x.hcp.westeurope.azmk8s.io:443", []runtime.Object{of("v1.36.3", node("w", "10.0.0.1"))},
			[]string{"AKS: AKS runs the control plane"}, nil},
		{"kubeadm, broken", "", []runtime.Object{of("v1.36.3", node("m", "10.0.0.1", controlPlane)),
			staticPod("kube-apiserver", "m", "10.0.0.1"), staticPod("etcd", "m", "10.0.0.1")},
			[]string{"m:2380: connection refused"}, []string{"m:10257", "m:10259", "m:2379"}},
		{"kubeadm with external etcd", "", []runtime.Object{of("v1.36.3", node("m", "10.0.0.1", controlPlane)), staticPod("kube-apiserver", "m", "10.0.0.1")},
			[]string{"m:2379: it is external", "m:2380: it is external"}, []string{"m:10257", "m:10259"}},
		{"kubeadm whose nodes lost their label", "", []runtime.Object{of("v1.36.3", node("m", "10.0.0.1")),
			staticPod("kube-apiserver", "m", "10.0.0.1"), staticPod("etcd", "m", "10.0.0.1")},
			[]string{"m:2380: connection refused"}, []string{"m:10257", "m:10259", "m:2379"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inv := read(long, scan.ControlPlane(fake.NewClientset(tt.objects...), wires{}.dial, tt.server))
			normal := slices.Clone(tt.normal)
			var doubt []string
			for _, s := range inv.Skipped {
				if !s.Expected {
					doubt = append(doubt, s.Where)
					continue
				}
				i := slices.IndexFunc(normal, func(want string) bool { return tells(s, want) })
				if i < 0 {
					t.Errorf("said to be normal: %+v", s)
					continue
				}
				normal = slices.Delete(normal, i, i+1)
			}
			if len(normal) > 0 {
				t.Errorf("not said: %q", normal)
			}
			if !slices.Equal(doubt, tt.doubt) {
				t.Errorf("in doubt %q, want %q", doubt, tt.doubt)
			}
		})
	}
}

// tells reports whether s is "where: a part of the reason".
func tells(s inventory.Skip, want string) bool {
	where, reason, _ := strings.Cut(want, ": ")
	return s.Where == where && strings.Contains(s.Reason, reason)
}

// Whoever may not open port-forwards does not learn that nothing is there.
func TestForbiddenPortsStayInDoubt(t *testing.T) {
	client := fake.NewClientset(of("v1.36.3+k3s1", node("s", "10.0.0.1", controlPlane)))
	inv := read(long, scan.ControlPlane(client, forbiddenDial, ""))
	doubt := 0
	for _, s := range inv.Skipped {
		if !s.Expected {
			doubt++
		}
	}
	if doubt != 2 {
		t.Errorf("%d ports in doubt, want 2: %+v", doubt, inv.Skipped)
	}
}

func forbiddenDial(context.Context, string, string, int) (net.Conn, error) {
	return nil, apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no"))
}
