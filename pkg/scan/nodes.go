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
	const source = kubeletsSource
	return Source{source, func(ctx context.Context, to *inventory.Collector) {
		ports := newPortReader(source, dial, to)
		defer ports.wait()
		readNodes(ctx, client, to, source, "", func(n node) { ports.read(ctx, n, catalog.KubeletPort) })
	}}
}

// node is a machine on which servers listen.
type node struct {
	name, address string
	labels        map[string]string
	// runs is what the kubelet's version tells of how the cluster is run.
	runs catalog.Distribution
}

// portReader reads what is presented at ports of nodes, many at once.
type portReader struct {
	source string
	dial   DialNode
	to     *inventory.Collector
	group  errgroup.Group
	// external reports whether etcd is known to run on no node.
	external func(context.Context) bool
}

func newPortReader(source string, dial DialNode, to *inventory.Collector) *portReader {
	r := &portReader{source: source, dial: dial, to: to, external: func(context.Context) bool { return false }}
	r.group.SetLimit(mostAtOnce)
	return r
}

func (r *portReader) wait() { _ = r.group.Wait() } // nothing returns an error

// read reads ports of n.
func (r *portReader) read(ctx context.Context, n node, ports ...catalog.Place) {
	for _, port := range ports {
		r.group.Go(func() error {
			r.readPort(ctx, n, port)
			return nil
		})
	}
}

// readNodes calls read with each node that selector selects, and reports why there
// are none where they may not be listed. It returns whether it knows of all.
func readNodes(ctx context.Context, client kubernetes.Interface, to *inventory.Collector, source, selector string, read func(node)) bool {
	at := inventory.Location{Source: source, Where: "nodes"}
	err := eachNode(ctx, client, selector, read)
	if err == nil {
		return true
	}
	if !apierrors.IsForbidden(err) {
		skip(to, at, err, "list nodes")
		return false
	}
	hint := "list nodes"
	if eachNodeOfPods(ctx, client, selector == controlPlaneLabel, read) == nil {
		hint += "; only nodes with pods of kube-system were checked"
	}
	skip(to, at, err, hint)
	return false
}

// controlPlaneLabel marks the nodes that run the control plane
// (k8s.io/kubernetes/cmd/kubeadm/app/constants/constants.go).
const controlPlaneLabel = "node-role.kubernetes.io/control-plane"

// eachNode calls do with each node that selector selects.
func eachNode(ctx context.Context, client kubernetes.Interface, selector string, do func(node)) error {
	options := metav1.ListOptions{Limit: pageSize, LabelSelector: selector}
	for {
		list, err := client.CoreV1().Nodes().List(ctx, options)
		if err != nil {
			return err
		}
		for i := range list.Items {
			n := &list.Items[i]
			runs, _ := catalog.RecogniseDistribution("", n.Status.NodeInfo.KubeletVersion)
			do(node{n.Name, internalAddress(n), n.Labels, runs})
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return nil
		}
	}
}

// eachNodeOfPods is eachNode for someone who may list pods, but not nodes: as a
// rule a pod of kube-system runs on each.
func eachNodeOfPods(ctx context.Context, client kubernetes.Interface, controlPlane bool, do func(node)) error {
	options := metav1.ListOptions{Limit: pageSize}
	if controlPlane {
		options.LabelSelector = "tier=control-plane" // of kubeadm's static pods
	}
	known := map[string]bool{}
	for {
		list, err := client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, options)
		if err != nil {
			return err
		}
		for _, pod := range list.Items {
			if name := pod.Spec.NodeName; name != "" && !known[name] {
				known[name] = true
				do(node{name: name, address: pod.Status.HostIP})
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return nil
		}
	}
}

// readPort reads what is presented at one port of one node.
func (r *portReader) readPort(ctx context.Context, n node, place catalog.Place) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, errTooLate)
	defer cancel()
	port, _ := catalog.Port(place)
	at := portOf(r.source, n, place)
	conn, err := r.dial(ctx, n.name, n.address, port)
	if err != nil {
		r.unreached(ctx, n, at, place, err)
		return
	}
	chain, err := handshake(ctx, conn, n.address)
	switch {
	case err == nil:
		s := inventory.Sighting{Location: at, Place: place, Node: n.name, Owner: inventory.OwnerNode(n.name), Name: at.Where}
		if place == catalog.KubeletPort {
			s.Address = n.address
		}
		seeChain(r.to, s, chain)
	// What crypto/tls says of a server that has no certificate to present.
	case strings.Contains(err.Error(), "remote error: tls: internal error"):
		r.to.Find(noCertificate(at, place))
	default:
		r.unreached(ctx, n, at, place, err)
	}
}

// portOf is where the server of place is on n.
func portOf(source string, n node, place catalog.Place) inventory.Location {
	port, _ := catalog.Port(place)
	return inventory.Location{Source: source, Where: n.name + ":" + strconv.Itoa(port)}
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

// noCertificate says that a server has nothing to present.
func noCertificate(at inventory.Location, place catalog.Place) inventory.PlaceFinding {
	f := inventory.Finding{
		Code: inventory.CodeNoCertificate, Severity: inventory.Critical,
		Message: "the server has no certificate: clients cannot connect to it",
		Fix:     "check its log, and the files in its command line",
	}
	if place == catalog.KubeletPort {
		f.Message = "the kubelet has no serving certificate: logs, exec and port-forward fail for the pods of its node"
		f.Fix = "its request for one is pending: kubectl certs approve --kubelet-serving --allow-new, which checks the requested names"
	}
	return inventory.PlaceFinding{Location: at, Finding: f}
}

// unreachedPort is unreached for a port of a node.
func unreachedPort(at inventory.Location, place catalog.Place, err error) inventory.Skip {
	s := unreached(at, err)
	refused := strings.Contains(err.Error(), "connection refused")
	switch {
	case apierrors.IsForbidden(err):
		s.Hint = "ask for permission to list and get pods and to create pods/portforward in namespace kube-system"
	case refused && place == catalog.EtcdPeerPort:
		// kubeadm's etcd listens there on the node's address only, and a
		// port-forward leads to 127.0.0.1.
		s.Hint, s.Expected = "etcd peers listen only on their node's own address, which must be reached directly", true
	case refused:
		s.Hint = "nothing listens there, or only on another address of the node: --reach auto tries the others"
	}
	return s
}
