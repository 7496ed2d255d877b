// Kubelet-serving-approver approves the serving certificates that the kubelets of the test
// cluster ask for. With serverTLSBootstrap nobody approves these by itself,
// and until then a kubelet serves nothing. What a kubelet may ask for is
// compared with its Node, as an operator would do it; a request that fits no
// Node is left alone. It ends when every node is Ready and its kubelet serves.
package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	certificates "k8s.io/api/certificates/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	timeout := flag.Duration("timeout", time.Minute, "how long to wait for the kubelets")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "kubelet-serving-approver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	config.QPS = -1 // no client-side limit: a handful of calls
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	a := approver{client: client, left: map[types.UID]string{}}
	// Where all serve there is nothing to approve: a request that is pending
	// then is somebody's test.
	unready, err := a.unready(ctx)
	if err != nil || len(unready) == 0 {
		return err
	}
	return a.approveUntilReady(ctx, unready)
}

type approver struct {
	client kubernetes.Interface
	left   map[types.UID]string // why a request was left alone, as told last
}

// unready lists the nodes that are not Ready or whose kubelet does not serve.
// The API server asks the kubelet, so that it must have its certificate.
func (a *approver) unready(ctx context.Context) ([]string, error) {
	nodes, err := a.client.CoreV1().Nodes().List(ctx, meta.ListOptions{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, node := range nodes.Items {
		ready := slices.ContainsFunc(node.Status.Conditions, func(condition core.NodeCondition) bool {
			return condition.Type == core.NodeReady && condition.Status == core.ConditionTrue
		})
		if !ready || !a.serves(ctx, node.Name) {
			names = append(names, node.Name)
		}
	}
	return names, nil
}

func (a *approver) serves(ctx context.Context, node string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := a.client.CoreV1().RESTClient().Get().Resource("nodes").Name(node).
		SubResource("proxy").Suffix("healthz").DoRaw(ctx)
	return err == nil
}

// approveUntilReady looks again whenever a request or a Node has changed:
// the request may be there before the Node has its addresses.
func (a *approver) approveUntilReady(ctx context.Context, unready []string) error {
	factory := informers.NewSharedInformerFactory(a.client, 0)
	requests := factory.Certificates().V1().CertificateSigningRequests()
	nodes := factory.Core().V1().Nodes()
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notify() },
		UpdateFunc: func(any, any) { notify() },
	}
	for _, informer := range []cache.SharedIndexInformer{requests.Informer(), nodes.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	// No event tells that a kubelet has picked up its certificate, which it
	// does a moment after it was issued.
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := requests.Lister().List(labels.Everything())
		if err != nil {
			return err
		}
		for _, request := range list {
			if request.Spec.SignerName != certificates.KubeletServingSignerName || len(request.Status.Conditions) > 0 {
				continue
			}
			if err := a.approve(ctx, request, nodes.Lister().Get); err != nil {
				return err
			}
		}
		if now, err := a.unready(ctx); err == nil {
			if len(now) == 0 {
				return nil
			}
			unready = now
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not Ready, or serving nothing: %s", strings.Join(unready, ", "))
		case <-changed:
		case <-tick.C:
		}
	}
}

func (a *approver) approve(ctx context.Context, request *certificates.CertificateSigningRequest, node func(string) (*core.Node, error)) error {
	if err := check(request, node); err != nil {
		if a.left[request.UID] != err.Error() {
			fmt.Fprintf(os.Stderr, "kubelet-serving-approver: left %s alone: %v\n", request.Name, err)
		}
		a.left[request.UID] = err.Error()
		return nil
	}
	request = request.DeepCopy()
	request.Status.Conditions = []certificates.CertificateSigningRequestCondition{{
		Type:    certificates.CertificateApproved,
		Status:  core.ConditionTrue,
		Reason:  "TestCluster",
		Message: "every name and address is one of the Node's",
	}}
	_, err := a.client.CertificatesV1().CertificateSigningRequests().UpdateApproval(ctx, request.Name, request, meta.UpdateOptions{})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil // somebody was quicker; the watch tells
	}
	return err
}

// check says why a serving request is not one that its node may make.
func check(request *certificates.CertificateSigningRequest, node func(string) (*core.Node, error)) error {
	block, _ := pem.Decode(request.Spec.Request)
	if block == nil {
		return errors.New("no PEM in it")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return err
	}
	name, ok := strings.CutPrefix(request.Spec.Username, "system:node:")
	switch {
	case !ok:
		return fmt.Errorf("asked for by %q, which is no node", request.Spec.Username)
	case csr.Subject.CommonName != request.Spec.Username:
		return fmt.Errorf("asked for by %q in the name of %q", request.Spec.Username, csr.Subject.CommonName)
	case !slices.Equal(csr.Subject.Organization, []string{"system:nodes"}):
		return fmt.Errorf("its organization is %q", csr.Subject.Organization)
	case len(csr.DNSNames)+len(csr.IPAddresses) == 0:
		return errors.New("it asks for no name and no address")
	case len(csr.EmailAddresses)+len(csr.URIs) > 0:
		return errors.New("it asks for more than names and addresses")
	}
	its, err := node(name)
	if err != nil {
		return err
	}
	addresses := map[string]bool{}
	for _, address := range its.Status.Addresses {
		addresses[address.Address] = true
	}
	asked := csr.DNSNames
	for _, ip := range csr.IPAddresses {
		asked = append(asked, ip.String())
	}
	for _, san := range asked {
		if !addresses[san] {
			return fmt.Errorf("%s is no address of node %s", san, name)
		}
	}
	return nil
}
