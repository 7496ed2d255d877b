//go:build e2e

package bench

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	kubeletCount = 5_000
	deadCount    = 100
	// handshakesAtOnce is what inspect has under way.
	handshakesAtOnce = 256
)

// 5,000 kubelets, Node objects of the real API server and a TLS listener each:
// at most twice the time that the handshakes alone take. 100 of them dead, which
// accept and never answer, cost no more than one time-out (5 s).
func BenchmarkKubelets(b *testing.B) {
	client := newClient(b)
	kubelets := listen(b)
	register(b, client, kubelets)
	inspect := command("inspect", plugin(b), "inspect", "--sources", "kubelets", "--reach", "direct", "-o", "name")
	b.Run("alive", func(b *testing.B) {
		compare(b, inspect, within("handshakes", func(b *testing.B) { shakeHands(b, kubelets) }))
	})
	b.Run("dead", func(b *testing.B) {
		start := time.Now()
		inspect.run(b)
		alive := time.Since(start)
		for _, k := range kubelets[:deadCount] {
			k.dead.Store(true)
		}
		compare(b, inspect)
		b.ReportMetric(alive.Seconds()*1000, "ms/all-alive")
	})
}

// kubelet is a TLS listener at an address of its own.
type kubelet struct {
	name, address string
	dead          *atomic.Bool
}

// listen starts the kubelets, until the benchmark ends.
func listen(b *testing.B) []kubelet {
	ca := newAuthority(b)
	kubelets := make([]kubelet, kubeletCount)
	for i := range kubelets {
		k := kubelet{name: fmt.Sprintf("bench-%04d", i), address: fmt.Sprintf("127.64.%d.%d", i/250, 1+i%250), dead: new(atomic.Bool)}
		block, _ := pem.Decode(ca.issue(b, k.name, net.ParseIP(k.address)))
		config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{block.Bytes}, PrivateKey: ca.key}}}
		listener, err := net.Listen("tcp", k.address+":10250")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { listener.Close() })
		go serveKubelet(listener, config, k.dead)
		kubelets[i] = k
	}
	return kubelets
}

func serveKubelet(listener net.Listener, config *tls.Config, dead *atomic.Bool) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			if dead.Load() {
				_, _ = conn.Read(make([]byte, 1<<16)) // what the client says
				_, _ = conn.Read(make([]byte, 1))     // until it gives up
				return
			}
			_ = tls.Server(conn, config).Handshake()
		}()
	}
}

// register creates the Node objects, for as long as the benchmark runs. Without
// labels no DaemonSet wants a pod there.
func register(b *testing.B, client kubernetes.Interface, kubelets []kubelet) {
	ctx := context.Background()
	nodes := client.CoreV1().Nodes()
	each := func(do func(kubelet) error) error {
		var group errgroup.Group
		group.SetLimit(64)
		for _, k := range kubelets {
			group.Go(func() error { return do(k) })
		}
		return group.Wait()
	}
	b.Cleanup(func() {
		_ = each(func(k kubelet) error { return nodes.Delete(ctx, k.name, metav1.DeleteOptions{}) })
	})
	err := each(func(k kubelet) error {
		_, err := nodes.Create(ctx, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: k.name},
			Spec:       corev1.NodeSpec{Unschedulable: true},
			Status:     corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: k.address}}},
		}, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// shakeHands does the handshakes and nothing else.
func shakeHands(b *testing.B, kubelets []kubelet) {
	var group errgroup.Group
	group.SetLimit(handshakesAtOnce)
	for _, k := range kubelets {
		group.Go(func() error {
			conn, err := tls.Dial("tcp", k.address+":10250", &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				return err
			}
			return conn.Close()
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}
