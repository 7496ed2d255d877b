package scan

import (
	"context"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// etcdPorts are where members of etcd listen.
var etcdPorts = []catalog.Place{catalog.EtcdClientPort, catalog.EtcdPeerPort}

// ControlPlane reads the serving certificates on the control-plane nodes that
// the API does not show: etcd's, the controller manager's, the scheduler's. Where
// no node runs the control plane, as in managed clusters, that is said. server is
// the API server's URL.
func ControlPlane(client kubernetes.Interface, dial DialNode, server string) Source {
	return Source{controlPlaneSource, func(ctx context.Context, to *inventory.Collector) {
		ports := newPortReader(controlPlaneSource, dial, to)
		ports.external = etcdElsewhere(client)
		defer ports.wait()

		known := map[string]bool{}
		etcdLabels := map[string]bool{}
		read := func(n node) {
			known[n.name] = true
			components := []catalog.Place{catalog.ControllerManagerPort, catalog.SchedulerPort}
			label := n.runs.EtcdLabel
			if label != "" {
				etcdLabels[label] = true
			}
			if _, runsEtcd := n.labels[label]; label != "" && !runsEtcd {
				for _, port := range etcdPorts {
					to.Skip(withoutEtcd(portOf(controlPlaneSource, n, port), n))
				}
			} else {
				components = append(components, etcdPorts...)
			}
			ports.read(ctx, n, components...)
		}
		if !readNodes(ctx, client, to, controlPlaneSource, controlPlaneLabel, read) {
			return
		}
		// Where etcd has nodes of its own.
		for label := range etcdLabels {
			err := eachNode(ctx, client, label, func(n node) {
				if !known[n.name] {
					ports.read(ctx, n, etcdPorts...)
				}
			})
			if err != nil {
				skip(to, inventory.Location{Source: controlPlaneSource, Where: "nodes of etcd"}, err, "list nodes")
			}
		}
		if len(known) > 0 {
			return
		}
		// A label can be taken off a node; the pods of its manifests stay.
		_ = eachNodeOfPods(ctx, client, true, read) // whoever may not list pods has a hint already
		if len(known) == 0 {
			to.Skip(noControlPlane(ctx, client, server))
		}
	}}
}

// noControlPlane says why no node runs the control plane, as far as that can be
// told by one of the others.
func noControlPlane(ctx context.Context, client kubernetes.Interface, server string) inventory.Skip {
	version, provider := "", ""
	if list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 1}); err == nil && len(list.Items) > 0 {
		version, provider = list.Items[0].Status.NodeInfo.KubeletVersion, list.Items[0].Spec.ProviderID
	}
	if managed, ok := Managed(server, version, provider); ok {
		return managed
	}
	s := inventory.Skip{
		Source: controlPlaneSource, Where: "nodes", Expected: true,
		Reason: "no Node is labeled " + controlPlaneLabel + ": the control-plane machines are not Nodes here, so etcd, the scheduler and the controller manager are not checked",
		Hint:   "on each of these machines: kubectl certs check --files /",
	}
	if d, ok := catalog.RecogniseDistribution(server, version); ok {
		s.Reason = strings.Replace(s.Reason, "are not Nodes here", "are not Nodes here, as is usual with "+d.Name, 1)
		s.Hint = "on each of these machines: kubectl certs check --files " + strings.Join(catalog.Homes(version, true), " ")
	}
	return s
}

// withoutEtcd says that there is no etcd on n, where that is normal.
func withoutEtcd(at inventory.Location, n node) inventory.Skip {
	return inventory.Skip{Source: at.Source, Where: at.Where, Reason: n.runs.WithoutEtcd, Expected: true}
}

// etcdElsewhere returns a function that reports whether the static pods of the
// control plane were seen, and none of them is etcd's: it is external then
// (kubeadm's etcd.external). It asks once.
func etcdElsewhere(client kubernetes.Interface) func(context.Context) bool {
	var once sync.Once
	elsewhere := false
	return func(ctx context.Context) bool {
		once.Do(func() {
			list, err := client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: "tier=control-plane", Limit: pageSize})
			if err != nil || list.Continue != "" {
				return
			}
			components := map[string]bool{}
			for _, pod := range list.Items {
				components[pod.Labels["component"]] = true
			}
			elsewhere = components["kube-apiserver"] && !components["etcd"]
		})
		return elsewhere
	}
}

// unreached reports that a port of n could not be read: as what is normal, where
// such a cluster never offers it.
func (r *portReader) unreached(ctx context.Context, n node, at inventory.Location, place catalog.Place, err error) {
	s := unreachedPort(at, place, err)
	refused := strings.Contains(err.Error(), "connection refused")
	switch {
	case apierrors.IsForbidden(err):
	case slices.Contains(n.runs.Loopback, place):
		s.Expected = true
		s.Reason = n.runs.Name + " has it listen only on 127.0.0.1 of the node, and runs no pod for a port-forward"
		s.Hint = "on the node: kubectl certs check --files " + strings.Join(catalog.Homes("+"+n.runs.Name, true), " ")
	case refused && slices.Contains(etcdPorts, place) && n.runs.EtcdLabel == "" && n.runs.WithoutEtcd != "":
		s = withoutEtcd(at, n)
	case refused && slices.Contains(etcdPorts, place) && r.external(ctx):
		s.Expected = true
		s.Reason, s.Hint = "no node runs etcd: it is external", "where it runs: kubectl certs check --files /etc/etcd"
	}
	r.to.Skip(s)
}
