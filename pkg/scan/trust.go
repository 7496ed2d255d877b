package scan

import (
	"context"
	"errors"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Trust reads the CAs that the cluster publishes: what pods verify the API
// server by (as namespace has it), what the API server verifies clients and the
// front proxy by, what new nodes verify the API server by, and trust bundles.
// anonymous is a client without credentials, since only those may read
// cluster-info.
func Trust(client, anonymous kubernetes.Interface, namespace string) Source {
	parts := []func(ctx context.Context, to *inventory.Collector){
		func(ctx context.Context, to *inventory.Collector) {
			readBundles(ctx, to, client, namespace, "kube-root-ca.crt", bundle{"ca.crt", catalog.RootCA})
		},
		func(ctx context.Context, to *inventory.Collector) {
			readBundles(ctx, to, client, metav1.NamespaceSystem, "extension-apiserver-authentication",
				bundle{"client-ca-file", catalog.ClientCA},
				bundle{"requestheader-client-ca-file", catalog.RequestHeaderCA})
		},
		func(ctx context.Context, to *inventory.Collector) { readClusterInfo(ctx, to, anonymous) },
		func(ctx context.Context, to *inventory.Collector) { readTrustBundles(ctx, to, client) },
	}
	return Source{trustSource, func(ctx context.Context, to *inventory.Collector) {
		var group sync.WaitGroup
		for _, read := range parts {
			group.Go(func() { read(ctx, to) })
		}
		group.Wait()
	}}
}

// bundle is a PEM bundle in a ConfigMap.
type bundle struct {
	key   string
	place catalog.Place
}

func readBundles(ctx context.Context, to *inventory.Collector, client kubernetes.Interface, namespace, name string, bundles ...bundle) {
	object := namespace + "/" + name
	config, err := client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		skip(to, inventory.Location{Source: trustSource, Where: object}, err,
			fmt.Sprintf("get configmaps/%s in namespace %s", name, namespace))
		return
	}
	for _, b := range bundles {
		at := inventory.Location{Source: trustSource, Where: object + "#" + b.key}
		data, ok := config.Data[b.key]
		if !ok {
			to.Skip(inventory.Skip{Source: trustSource, Where: at.Where, Reason: "not set",
				Hint: "the API server was started without the corresponding flag", Expected: true})
			continue
		}
		see(to, inventory.Sighting{Location: at, Place: b.place, Name: at.Where}, []byte(data))
	}
}

// readClusterInfo reads what kubeadm publishes for nodes that want to join.
func readClusterInfo(ctx context.Context, to *inventory.Collector, anonymous kubernetes.Interface) {
	const name = "cluster-info"
	at := inventory.Location{Source: trustSource, Where: metav1.NamespacePublic + "/" + name + "#kubeconfig"}
	config, err := anonymous.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		// Only kubeadm publishes it, and to strangers only while they may ask.
		to.Skip(inventory.Skip{Source: trustSource, Where: at.Where, Reason: "not published",
			Hint: "kubeadm publishes it to anyone until it is removed", Expected: true})
		return
	case err != nil:
		skip(to, at, err, "")
		return
	}
	sighting := inventory.Sighting{Location: at, Place: catalog.ClusterInfoCA, Name: at.Where}
	published, err := clientcmd.Load([]byte(config.Data["kubeconfig"]))
	if err != nil {
		unreadable(to, sighting, err)
		return
	}
	if len(published.Clusters) == 0 {
		unreadable(to, sighting, errors.New("it has no cluster"))
	}
	for _, cluster := range published.Clusters {
		sighting.Server, sighting.Address = connection(cluster.Server, cluster.TLSServerName)
		see(to, sighting, cluster.CertificateAuthorityData)
	}
}

// readTrustBundles reads ClusterTrustBundles, which older clusters do not have.
func readTrustBundles(ctx context.Context, to *inventory.Collector, client kubernetes.Interface) {
	const resource = "clustertrustbundles.certificates.k8s.io"
	options := metav1.ListOptions{Limit: pageSize}
	for {
		list, err := client.CertificatesV1().ClusterTrustBundles().List(ctx, options)
		if err != nil {
			skip(to, inventory.Location{Source: trustSource, Where: resource}, err, "list "+resource)
			return
		}
		for i := range list.Items {
			item := &list.Items[i]
			see(to, inventory.Sighting{
				Location: inventory.Location{Source: trustSource, Where: "clustertrustbundle/" + item.Name},
				Place:    catalog.TrustBundle, Name: "clustertrustbundle/" + item.Name,
			}, []byte(item.Spec.TrustBundle))
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return
		}
	}
}
