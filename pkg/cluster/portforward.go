package cluster

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// forward connects to a port of a node's own 127.0.0.1, through a host-network
// pod on it.
func (d *NodeDialer) forward(ctx context.Context, node string, port int) (net.Conn, error) {
	pods, err := d.pods()
	if err != nil {
		return nil, err
	}
	pod, ok := pods[node]
	if !ok {
		return nil, fmt.Errorf("no host-network pod runs on node %s", node)
	}
	type result struct {
		conn net.Conn
		err  error
	}
	// The dialer knows no context: what comes too late is closed.
	done := make(chan result, 1)
	go func() {
		conn, err := d.cluster.forwardTo(pod, port)
		done <- result{conn, err}
	}()
	select {
	case r := <-done:
		return r.conn, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.conn != nil {
				r.conn.Close()
			}
		}()
		return nil, context.Cause(ctx)
	}
}

// forwardTo opens a port-forward of one connection, by WebSocket or, where the
// API server or a proxy does not speak that, SPDY, as kubectl does
// (staging/src/k8s.io/kubectl/pkg/cmd/portforward/portforward.go).
func (c *Cluster) forwardTo(pod podRef, port int) (net.Conn, error) {
	url := c.Client.CoreV1().RESTClient().Post().Resource("pods").
		Namespace(pod.namespace).Name(pod.name).SubResource("portforward").URL()
	websocket, err := portforward.NewSPDYOverWebsocketDialerForStreaming(url, c.Config)
	if err != nil {
		return nil, err
	}
	transport, upgrader, err := spdy.RoundTripperFor(c.Config)
	if err != nil {
		return nil, err
	}
	fallback := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	dialer := portforward.NewFallbackDialerForStreaming(websocket, fallback, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	connection, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, fmt.Errorf("port-forward to pod %s/%s: %w", pod.namespace, pod.name, err)
	}
	conn, err := newForwarded(connection, port)
	if err != nil {
		connection.Close()
		return nil, fmt.Errorf("port-forward to pod %s/%s: %w", pod.namespace, pod.name, err)
	}
	return conn, nil
}

// forwarded is one connection through a port-forward.
type forwarded struct {
	connection httpstream.Connection
	data       httpstream.Stream
	// fault is what the kubelet says on the error stream, once that ends.
	fault func() string
}

func newForwarded(connection httpstream.Connection, port int) (*forwarded, error) {
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(port))
	headers.Set(corev1.PortForwardRequestIDHeader, "0")
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	errorStream, err := connection.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	errorStream.Close() // nothing is written to it
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := connection.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	return &forwarded{connection, data, sync.OnceValue(func() string {
		const most = 1 << 10
		text, _ := io.ReadAll(io.LimitReader(errorStream, most))
		return strings.TrimSpace(string(text))
	})}, nil
}

// Read implements net.Conn. At the end of the data, what the kubelet said of
// the port is the better explanation.
func (f *forwarded) Read(p []byte) (int, error) {
	n, err := f.data.Read(p)
	if err == io.EOF && n == 0 {
		if text := f.fault(); text != "" {
			return 0, fmt.Errorf("port-forward: %s", text)
		}
	}
	return n, err
}

// Write implements net.Conn.
func (f *forwarded) Write(p []byte) (int, error) { return f.data.Write(p) }

// Close implements net.Conn.
func (f *forwarded) Close() error {
	_ = f.data.Reset()
	return f.connection.Close()
}

// The rest of net.Conn: a stream has no address, and its user closes it when
// time is up.

func (f *forwarded) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (f *forwarded) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (f *forwarded) SetDeadline(time.Time) error      { return nil }
func (f *forwarded) SetReadDeadline(time.Time) error  { return nil }
func (f *forwarded) SetWriteDeadline(time.Time) error { return nil }
