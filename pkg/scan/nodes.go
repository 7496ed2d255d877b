package scan

import (
	"context"
	"net"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// DialNode connects to a port of the node called name, which has address.
type DialNode func(ctx context.Context, name, address string, port int) (net.Conn, error)

// mostAtOnce bounds the connections to nodes that are under way.
const mostAtOnce = 256

// pageSize is how many objects are asked for at a time.
const pageSize = 500

// Kubelets reads the serving certificate of every node's kubelet.
func Kubelets(client kubernetes.Interface, dial DialNode) Source {
	return nodes("kubelets", client, dial, "", catalog.KubeletPort)
}

// ControlPlane reads the serving certificates on the control-plane nodes that
// the API does not show: etcd's, the controller manager's, the scheduler's.
// Managed clusters have no such nodes.
func ControlPlane(client kubernetes.Interface, dial DialNode) Source {
	return nodes("control-plane", client, dial, "node-role.kubernetes.io/control-plane",
		catalog.EtcdClientPort, catalog.EtcdPeerPort, catalog.ControllerManagerPort, catalog.SchedulerPort)
}

// nodes reads what is presented at ports of the nodes that selector selects.
func nodes(name string, client kubernetes.Interface, dial DialNode, selector string, ports ...catalog.Place) Source {
	return Source{name, func(ctx context.Context, to *inventory.Collector) {
		var group errgroup.Group
		group.SetLimit(mostAtOnce)
		defer func() { _ = group.Wait() }() // nothing returns an error

		options := metav1.ListOptions{LabelSelector: selector, Limit: pageSize}
		for {
			list, err := client.CoreV1().Nodes().List(ctx, options)
			if err != nil {
				skip(to, inventory.Location{Source: name, Where: "nodes"}, err, "list nodes")
				return
			}
			for i := range list.Items {
				node := &list.Items[i]
				for _, port := range ports {
					group.Go(func() error {
						readPort(ctx, to, name, dial, node, port)
						return nil
					})
				}
			}
			if options.Continue = list.Continue; options.Continue == "" {
				return
			}
		}
	}}
}

// readPort reads what is presented at one port of one node.
func readPort(ctx context.Context, to *inventory.Collector, source string, dial DialNode, node *corev1.Node, place catalog.Place) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, errTooLate)
	defer cancel()
	port, _ := catalog.Port(place)
	address := internalAddress(node)
	at := inventory.Location{Source: source, Where: node.Name + ":" + strconv.Itoa(port)}
	conn, err := dial(ctx, node.Name, address, port)
	if err != nil {
		to.Skip(unreachedPort(at, place, err))
		return
	}
	chain, err := handshake(ctx, conn, address)
	if err != nil {
		to.Skip(unreachedPort(at, place, err))
		return
	}
	seeChain(to, inventory.Sighting{Location: at, Place: place, Node: node.Name, Name: at.Where}, chain)
}

// internalAddress is where the node's servers listen.
func internalAddress(node *corev1.Node) string {
	for _, a := range node.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}

// unreachedPort is unreached for a port of a node.
func unreachedPort(at inventory.Location, place catalog.Place, err error) inventory.Skip {
	s := unreached(at, err)
	switch {
	case apierrors.IsForbidden(err):
		s.Hint = "ask for permission to list and get pods and to create pods/portforward in namespace kube-system"
	// What crypto/tls says of a server that has no certificate to present.
	case place == catalog.KubeletPort && strings.Contains(err.Error(), "remote error: tls: internal error"):
		s.Reason = "the kubelet has no serving certificate"
		s.Hint = "its request for one waits for approval: kubectl get csr, then kubectl certificate approve NAME"
	case s.Reason == "connection refused":
		s.Hint = "nothing listens there, or only on another of the node's addresses: --reach auto tries those that can be tried"
	}
	return s
}
