package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// mostPodsAtOnce bounds the pods that are under way.
const mostPodsAtOnce = 32

// ReadNode runs WriteFiles on a node, for those of homes that are directories
// there, and returns what it wrote and which of homes are missing.
type ReadNode func(ctx context.Context, node string, homes []string) (output []byte, missing []string, err error)

// NodeFiles reads the files on nodes that leave them in no other way. ready is
// asked once, before anything is started. Of chosen nodes only those are read;
// of none, all.
func NodeFiles(client kubernetes.Interface, ready func(context.Context) error, read ReadNode, chosen ...string) Source {
	return Source{NodeFilesSource, func(ctx context.Context, to *inventory.Collector) {
		if err := ready(ctx); err != nil {
			skipNode(to, "nodes", err)
			return
		}
		var group errgroup.Group
		group.SetLimit(mostPodsAtOnce)
		defer func() { _ = group.Wait() }() // nothing returns an error
		left := slices.Clone(chosen)
		options := metav1.ListOptions{Limit: pageSize}
		for {
			list, err := client.CoreV1().Nodes().List(ctx, options)
			if err != nil {
				skip(to, inventory.Location{Source: NodeFilesSource, Where: "nodes"}, err, "list nodes")
				return
			}
			for i := range list.Items {
				node := &list.Items[i]
				if len(chosen) > 0 && !slices.Contains(chosen, node.Name) {
					continue
				}
				left = slices.DeleteFunc(left, func(name string) bool { return name == node.Name })
				group.Go(func() error {
					readNode(ctx, node, read, to)
					return nil
				})
			}
			if options.Continue = list.Continue; options.Continue == "" {
				break
			}
		}
		for _, name := range left {
			to.Skip(inventory.Skip{Source: NodeFilesSource, Where: name, Reason: "no such node", Hint: "see: kubectl get nodes"})
		}
	}}
}

// readNode reads the files of one node.
func readNode(ctx context.Context, node *corev1.Node, read ReadNode, to *inventory.Collector) {
	if node.Status.NodeInfo.OperatingSystem == "windows" {
		to.Skip(inventory.Skip{Source: NodeFilesSource, Where: node.Name, Expected: true,
			Reason: "it runs Windows", Hint: "read its files there: kubectl-certs inspect --files C:\\var\\lib\\kubelet\\pki"})
		return
	}
	if !isReady(node) {
		to.Skip(inventory.Skip{Source: NodeFilesSource, Where: node.Name,
			Reason: "the node is not ready: its kubelet starts no pods", Hint: "see: kubectl describe node " + node.Name})
		return
	}
	_, controlPlane := node.Labels[controlPlaneLabel]
	output, missing, err := read(ctx, node.Name, catalog.Homes(node.Status.NodeInfo.KubeletVersion, controlPlane))
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
			err = hint.Wrap(fmt.Errorf("%w; it was still being read", errTooLate), "allow more time, with --request-timeout")
		}
		skipNode(to, node.Name, err)
		return
	}
	for _, home := range missing {
		to.Skip(inventory.Skip{Source: NodeFilesSource, Where: onNode(node.Name, home), Expected: true,
			Reason: "there is no such directory", Hint: "no action required: this node has its certificates elsewhere, or none"})
	}
	if output == nil {
		return
	}
	if err := readWire(bytes.NewReader(output), node.Name, &nodeReporter{collecting{NodeFilesSource, to}, node.Name, controlPlane}); err != nil {
		skipNode(to, node.Name, hint.Wrap(err, "use an image of this program, of this version: --image"))
	}
}

// isReady reports whether the node's kubelet is at work.
func isReady(node *corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// skipNode reports why a node's files could not be read.
func skipNode(to *inventory.Collector, where string, err error) {
	to.Skip(inventory.Skip{Source: NodeFilesSource, Where: where, Reason: oneLine(err), Hint: hint.Of(err)})
}

// nodeReporter takes what was found on a node, and lets it speak for that node
// alone: whoever rules a node can put any CA there.
type nodeReporter struct {
	reporter
	node         string
	controlPlane bool
}

func (r *nodeReporter) see(s inventory.Sighting) {
	s.Owner = inventory.OwnerNode(r.node)
	switch s.Place {
	case catalog.EtcdCAFile, catalog.EtcdPeerCAFile, catalog.FrontProxyCAFile:
		if !r.controlPlane { // a label that kubelets cannot give themselves (NodeRestriction)
			s.Place, s.Row = catalog.LeafFile, ""
		}
	}
	r.reporter.see(s)
}
