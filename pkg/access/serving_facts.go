package access

import (
	"crypto/x509"
	"net/netip"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// servingFacts is what a cluster says about names and addresses: whose they
// are, and which ones no kubelet may have.
type servingFacts struct {
	nodes map[string]*corev1.Node
	// byAddress and byName lead to the names of the Nodes that claim them.
	byAddress map[netip.Addr][]string
	byName    map[string][]string
	// services are the ranges of Services' addresses, and single addresses of
	// Services; each with what it is called.
	services []namedPrefix
	// servicesKnown is set where the ranges, and not only some addresses, are.
	servicesKnown bool
	// serverAddresses and serverNames are the API server's, with where that was
	// found.
	serverAddresses map[netip.Addr]string
	serverNames     map[string]string
	// domains are the cluster's, by the names of the API server.
	domains []string
	// anchors verify what kubelets serve with.
	anchors []*x509.Certificate
	// approved are the certificates that kubelets were issued within the last
	// hour, by Node, the newest last.
	approved map[string][]approvedServing
	// unseen are what the caller may not read.
	unseen []string
}

type namedPrefix struct {
	netip.Prefix
	is string
}

func (f *servingFacts) addNodes(nodes []corev1.Node) {
	for i := range nodes {
		node := &nodes[i]
		f.nodes[node.Name] = node
		claims := []string{node.Name}
		for _, address := range node.Status.Addresses {
			claims = append(claims, address.Address)
		}
		for _, claim := range claims {
			if address, ok := comparableAddress(claim); ok {
				f.byAddress[address] = append(f.byAddress[address], node.Name)
			} else {
				name := strings.TrimSuffix(foldName(claim), ".")
				f.byName[name] = append(f.byName[name], node.Name)
			}
		}
	}
}

// serviceRangeFlag is the API server's.
const serviceRangeFlag = "--service-cluster-ip-range"

func (f *servingFacts) addServices(r *servingReader) {
	add := func(text, is string) bool {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err == nil {
			f.services = append(f.services, namedPrefix{prefix.Masked(), is})
		}
		return err == nil
	}
	for _, cidr := range r.cidrs {
		f.servicesKnown = add(cidr, "is in the Service CIDR "+cidr) || f.servicesKnown
	}
	for i := range r.pods {
		// Every kubelet can make a pod that looks like the API server's.
		if !isControlPlane(f.nodes[r.pods[i].Spec.NodeName]) {
			continue
		}
		for _, cidr := range serviceRanges(&r.pods[i]) {
			f.servicesKnown = add(cidr, "is in the Service CIDR "+cidr) || f.servicesKnown
		}
	}
	if r.service == nil {
		return
	}
	for _, text := range append(slices.Clone(r.service.Spec.ClusterIPs), r.service.Spec.ClusterIP) {
		if address, ok := comparableAddress(text); ok {
			f.services = append(f.services, namedPrefix{netip.PrefixFrom(address, address.BitLen()), "is the address of Service default/" + apiService})
		}
	}
}

func serviceRanges(pod *corev1.Pod) []string {
	var found []string
	for _, container := range pod.Spec.Containers {
		args := slices.Concat(container.Command, container.Args)
		for i, arg := range args {
			value, ok := strings.CutPrefix(arg, serviceRangeFlag+"=")
			if !ok && arg == serviceRangeFlag && i+1 < len(args) {
				value, ok = args[i+1], true
			}
			if ok {
				found = append(found, strings.Split(value, ",")...)
			}
		}
	}
	return found
}

// addServer collects what clients know the API server by.
func (f *servingFacts) addServer(r *servingReader, names []string, presented []*x509.Certificate) {
	add := func(text, is string) {
		if text == "" {
			return
		}
		if address, ok := comparableAddress(text); ok {
			if f.serverAddresses[address] == "" {
				f.serverAddresses[address] = is
			}
		} else if name := strings.TrimSuffix(foldName(text), "."); f.serverNames[name] == "" {
			f.serverNames[name] = is
		}
	}
	for _, name := range names {
		add(name, "is the API server of your kubeconfig")
	}
	for _, slice := range r.slices {
		for _, endpoint := range slice.Endpoints {
			for _, address := range endpoint.Addresses {
				add(address, "is an API server's (EndpointSlice of default/"+apiService+")")
			}
		}
	}
	for _, cert := range presented {
		for _, ip := range cert.IPAddresses {
			add(ip.String(), "is in the certificate of the API server")
		}
		for _, name := range cert.DNSNames {
			add(name, "is in the certificate of the API server")
			if domain, ok := strings.CutPrefix(foldName(name), apiService+".default.svc."); ok && domain != "" {
				f.domains = append(f.domains, domain)
			}
		}
	}
}

func (f *servingFacts) addApproved(requests []certificatesv1.CertificateSigningRequest) {
	slices.SortStableFunc(requests, func(a, b certificatesv1.CertificateSigningRequest) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	for i := range requests {
		object := &requests[i]
		name, isNode := strings.CutPrefix(object.Spec.Username, nodePrefix)
		if !isNode || stateOf(object) != Issued {
			continue
		}
		if certs, _ := pki.ParseCertificates(object.Status.Certificate); len(certs) > 0 {
			f.approved[name] = append(f.approved[name], approvedServing{certs[0], object.CreationTimestamp.Time})
		}
	}
}

// controlPlaneLabel marks the nodes that run the control plane
// (k8s.io/kubernetes/cmd/kubeadm/app/constants/constants.go). A kubelet may not
// put it on its own Node where the admission plugin NodeRestriction is on, as it
// is under kubeadm (plugin/pkg/admission/noderestriction).
const controlPlaneLabel = "node-role.kubernetes.io/control-plane"

func isControlPlane(node *corev1.Node) bool {
	if node == nil {
		return false
	}
	_, ok := node.Labels[controlPlaneLabel]
	return ok
}
