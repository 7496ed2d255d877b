package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Reach is a way to get to the ports of nodes.
type Reach string

// The ways.
const (
	// ReachAuto dials the node and, if that does not succeed at once, tries a
	// port-forward too.
	ReachAuto Reach = "auto"
	// ReachDirect only dials the node's address.
	ReachDirect Reach = "direct"
	// ReachPortForward only goes through the API server.
	ReachPortForward Reach = "port-forward"
)

// Reaches lists every Reach, the default first.
func Reaches() []Reach { return []Reach{ReachAuto, ReachDirect, ReachPortForward} }

// headStart is how long a direct connection is waited for alone: within a
// data centre it takes a millisecond; from outside it never comes.
const headStart = 300 * time.Millisecond

// NodeDialer opens connections to ports of nodes, without a local listener.
type NodeDialer struct {
	cluster *Cluster
	reach   Reach
	// pods are host-network pods by the name of their node: a port-forward to
	// one of them reaches the node's own 127.0.0.1.
	pods func() (map[string]podRef, error)
}

type podRef struct{ namespace, name string }

// NodeDialer returns a dialer that gets to nodes by reach. ctx bounds the
// look-up of pods that port-forwards need.
func (c *Cluster) NodeDialer(ctx context.Context, reach Reach) *NodeDialer {
	return &NodeDialer{cluster: c, reach: reach, pods: sync.OnceValues(func() (map[string]podRef, error) {
		return c.hostNetworkPods(ctx)
	})}
}

// DialNode connects to a port of the node called name, which has address.
func (d *NodeDialer) DialNode(ctx context.Context, name, address string, port int) (net.Conn, error) {
	switch d.reach {
	case ReachDirect:
		return d.direct(ctx, address, port)
	case ReachPortForward:
		return d.forward(ctx, name, port)
	}
	return race(ctx, headStart,
		func(ctx context.Context) (net.Conn, error) { return d.direct(ctx, address, port) },
		func(ctx context.Context) (net.Conn, error) { return d.forward(ctx, name, port) })
}

func (d *NodeDialer) direct(ctx context.Context, address string, port int) (net.Conn, error) {
	if address == "" {
		return nil, errors.New("the node has no address")
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(port)))
}

// race dials by first and, when that fails or headStart is over, by second as
// well. It returns the connection that comes about first and sees to it that
// the other one is closed.
func race(ctx context.Context, headStart time.Duration, first, second func(context.Context) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
		way  int
	}
	results := make(chan result, 2) // room for both, so that neither waits for a reader
	start := func(way int, dial func(context.Context) (net.Conn, error)) {
		conn, err := dial(ctx)
		results <- result{conn, err, way}
	}
	go start(0, first)
	underWay, started := 1, false
	timer := time.NewTimer(headStart)
	defer timer.Stop()
	var errs [2]error
	for {
		select {
		case r := <-results:
			underWay--
			if r.err == nil {
				go closeLate(underWay, func() net.Conn { return (<-results).conn })
				return r.conn, nil
			}
			errs[r.way] = r.err
		case <-timer.C:
		}
		if !started {
			started = true
			underWay++
			go start(1, second)
		} else if underWay == 0 {
			return nil, fmt.Errorf("%w; by port-forward: %w", errs[0], errs[1])
		}
	}
}

// closeLate closes the n connections that still come.
func closeLate(n int, next func() net.Conn) {
	for range n {
		if conn := next(); conn != nil {
			conn.Close()
		}
	}
}

// hostNetworkPods finds a running host-network pod on each node that has one.
// kube-system has them on every node as a rule: kube-proxy, static pods.
func (c *Cluster) hostNetworkPods(ctx context.Context) (map[string]podRef, error) {
	found := map[string]podRef{}
	options := metav1.ListOptions{FieldSelector: "spec.hostNetwork=true,status.phase=Running", Limit: 500}
	for {
		list, err := c.Client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("listing host-network pods: %w", err)
		}
		for i := range list.Items {
			pod := &list.Items[i]
			// Old API servers do not know the field selector.
			if pod.Spec.HostNetwork && pod.Status.Phase == corev1.PodRunning {
				found[pod.Spec.NodeName] = podRef{pod.Namespace, pod.Name}
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return found, nil
		}
	}
}
