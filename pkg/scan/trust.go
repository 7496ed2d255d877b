package scan

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// bundle is a PEM bundle in a ConfigMap.
type bundle struct {
	key   string
	place catalog.Place
}

// Trust reads the CAs that the cluster publishes in ConfigMaps: what pods
// verify the API server by (as namespace has it), and what the API server
// verifies clients and the front proxy by.
func Trust(client kubernetes.Interface, namespace string) Source {
	const source = "trust"
	read := func(ctx context.Context, to *inventory.Collector, namespace, name string, bundles ...bundle) {
		object := namespace + "/" + name
		config, err := client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			skip(to, inventory.Location{Source: source, Where: object}, err,
				fmt.Sprintf("get configmaps/%s in namespace %s", name, namespace))
			return
		}
		for _, b := range bundles {
			at := inventory.Location{Source: source, Where: object + "#" + b.key}
			data, ok := config.Data[b.key]
			if !ok {
				to.Skip(inventory.Skip{Source: source, Where: at.Where, Reason: "not set",
					Hint: "the API server was started without the flag that sets it"})
				continue
			}
			see(to, inventory.Sighting{Location: at, Place: b.place, Name: at.Where}, []byte(data))
		}
	}
	return Source{source, func(ctx context.Context, to *inventory.Collector) {
		var group sync.WaitGroup
		group.Go(func() {
			read(ctx, to, namespace, "kube-root-ca.crt", bundle{"ca.crt", catalog.RootCA})
		})
		group.Go(func() {
			read(ctx, to, metav1.NamespaceSystem, "extension-apiserver-authentication",
				bundle{"client-ca-file", catalog.ClientCA},
				bundle{"requestheader-client-ca-file", catalog.RequestHeaderCA})
		})
		group.Wait()
	}}
}
