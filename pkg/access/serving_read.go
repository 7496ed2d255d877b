package access

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"

	"golang.org/x/sync/errgroup"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// What is read beside the requests; each is a permission that is needed.
var (
	listNodesAct    = permit.Act{Verb: "list", Version: "v1", Resource: "nodes"}
	listCIDRsAct    = permit.Act{Verb: "list", Group: "networking.k8s.io", Version: "v1", Resource: "servicecidrs"}
	listSlicesAct   = permit.Act{Verb: "list", Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices", Namespace: metav1.NamespaceDefault}
	getServiceAct   = permit.Act{Verb: "get", Version: "v1", Resource: "services", Name: apiService, Namespace: metav1.NamespaceDefault}
	getRootCAAct    = permit.Act{Verb: "get", Version: "v1", Resource: "configmaps", Name: rootCAConfigMap, Namespace: metav1.NamespaceSystem}
	listRequestsAct = requestAct("list")
)

// apiService is the Service by which pods reach the API server; rootCAConfigMap
// has what verifies that, and what kubelets serve with.
const (
	apiService      = "kubernetes"
	rootCAConfigMap = "kube-root-ca.crt"
	rootCAKey       = "ca.crt"
)

// readServingFacts reads all of that side by side. What the caller may not read
// is named in unseen.
func (g *ServingGate) readServingFacts(ctx context.Context) (*servingFacts, error) {
	f := &servingFacts{
		nodes: map[string]*corev1.Node{}, byAddress: map[netip.Addr][]string{}, byName: map[string][]string{},
		serverAddresses: map[netip.Addr]string{}, serverNames: map[string]string{}, approved: map[string][]approvedServing{},
	}
	r := servingReader{gate: g}
	reads := []struct {
		act  permit.Act
		read func(context.Context) error
	}{
		{listNodesAct, r.readNodes}, {listCIDRsAct, r.readCIDRs}, {listSlicesAct, r.readSlices},
		{getServiceAct, r.readService}, {getRootCAAct, r.readRootCA}, {listRequestsAct, r.readRequests},
	}
	forbidden := make([]bool, len(reads))
	var group errgroup.Group
	for i, read := range reads {
		group.Go(func() error {
			err := read.read(ctx)
			if forbidden[i] = apierrors.IsForbidden(err); forbidden[i] {
				return nil
			}
			if err != nil {
				return fmt.Errorf("%s: %w", permit.Describe(read.act), err)
			}
			return nil
		})
	}
	group.Go(func() error { return r.readFlags(ctx) })
	var presented []*x509.Certificate
	var presentedErr error
	group.Go(func() error {
		presented, presentedErr = g.ServerCertificates(ctx)
		return nil
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, read := range reads {
		if forbidden[i] {
			f.unseen = append(f.unseen, "you may not "+permit.Describe(read.act))
		}
	}
	if presentedErr != nil {
		f.unseen = append(f.unseen, "the API server's own certificate could not be read: "+presentedErr.Error())
	}
	f.addNodes(r.nodes)
	f.addServices(&r)
	f.addServer(&r, g.Server, presented)
	f.anchors = r.anchors
	f.addApproved(r.requests)
	return f, nil
}

// servingReader holds what was read, each field by one reader.
type servingReader struct {
	gate     *ServingGate
	nodes    []corev1.Node
	cidrs    []string
	slices   []discoveryv1.EndpointSlice
	service  *corev1.Service
	anchors  []*x509.Certificate
	requests []certificatesv1.CertificateSigningRequest
	pods     []corev1.Pod
}

func (r *servingReader) readNodes(ctx context.Context) error {
	return pages(func(options metav1.ListOptions) (string, error) {
		page, err := r.gate.Client.CoreV1().Nodes().List(ctx, options)
		if err != nil {
			return "", err
		}
		r.nodes = append(r.nodes, page.Items...)
		return page.Continue, nil
	})
}

// readCIDRs reads the ranges where the API has them (Kubernetes 1.33); else
// they are flags of the API server.
func (r *servingReader) readCIDRs(ctx context.Context) error {
	err := pages(func(options metav1.ListOptions) (string, error) {
		page, err := r.gate.Client.NetworkingV1().ServiceCIDRs().List(ctx, options)
		if err != nil {
			return "", err
		}
		for _, item := range page.Items {
			r.cidrs = append(r.cidrs, item.Spec.CIDRs...)
		}
		return page.Continue, nil
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (r *servingReader) readSlices(ctx context.Context) error {
	list, err := r.gate.Client.DiscoveryV1().EndpointSlices(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=" + apiService,
	})
	if err == nil {
		r.slices = list.Items
	}
	return err
}

func (r *servingReader) readService(ctx context.Context) error {
	service, err := r.gate.Client.CoreV1().Services(metav1.NamespaceDefault).Get(ctx, apiService, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	r.service = service
	return err
}

// readRootCA finds what signs for kubelets on kubeadm, k3s and most managed
// clusters. Where another CA does, no certificate of a kubelet is recognized,
// and all are taken for first ones.
func (r *servingReader) readRootCA(ctx context.Context) error {
	config, err := r.gate.Client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, rootCAConfigMap, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	r.anchors, err = pki.ParseCertificates([]byte(config.Data[rootCAKey]))
	if len(r.anchors) > 0 {
		return nil
	}
	return err
}

func (r *servingReader) readRequests(ctx context.Context) error {
	return pages(func(options metav1.ListOptions) (string, error) {
		options.FieldSelector = servingRequests().FieldSelector
		page, err := r.gate.Client.CertificatesV1().CertificateSigningRequests().List(ctx, options)
		if err != nil {
			return "", err
		}
		r.requests = append(r.requests, page.Items...)
		return page.Continue, nil
	})
}

// readFlags looks at the API servers' pods, where there are any that the caller
// may see. What they say is used beside what the API says.
func (r *servingReader) readFlags(ctx context.Context) error {
	pods, err := r.gate.Client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: "component=kube-apiserver"})
	if apierrors.IsForbidden(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing the API server's pods: %w", err)
	}
	r.pods = pods.Items
	return nil
}
