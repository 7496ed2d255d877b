package access

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// ServingLimits is what an operator allows kubelets to serve as.
type ServingLimits struct {
	// DNS are the names a Node may have beside its own.
	DNS []DNSPattern
	// CIDRs are the networks that Nodes' addresses are in; none for any.
	CIDRs []netip.Prefix
	// New lets a Node have its first certificate.
	New bool
}

// ServingGate judges requests for kubelets' serving certificates. A kubelet
// writes its Node's addresses itself, and a bootstrap token is enough to become
// a Node of any free name: neither proves anything. What holds is what the
// cluster says of others, and what the kubelet was certified for before.
type ServingGate struct {
	Client kubernetes.Interface
	// Server are the names and addresses by which the caller knows the API
	// server.
	Server []string
	// ServerCertificates returns what the API server presents.
	ServerCertificates func(context.Context) ([]*x509.Certificate, error)
	// Presented returns the chain that a kubelet proves to have the key of.
	Presented func(ctx context.Context, node, address string, port int) ([]*x509.Certificate, error)
	Now       func() time.Time
	Limits    ServingLimits

	mu sync.Mutex
	// remembered are the certificates that kubelets were seen to serve with:
	// one that stops serving does not become a new one by that.
	remembered map[string]approvedServing
}

// servingFinding is a reason not to approve a request for a serving
// certificate without a person.
type servingFinding struct {
	code     RiskCode
	severity inventory.Severity
	text     string
}

func critical(format string, args ...any) servingFinding {
	return servingFinding{RiskServingNames, inventory.Critical, fmt.Sprintf(format, args...)}
}

func warning(format string, args ...any) servingFinding {
	return servingFinding{RiskServingNames, inventory.Warning, fmt.Sprintf(format, args...)}
}

// unchecked is about what could not be judged.
func unchecked(format string, args ...any) servingFinding {
	return servingFinding{RiskUnchecked, inventory.Warning, "not all of its names could be checked: " + fmt.Sprintf(format, args...)}
}

// maxServingDials bounds the kubelets that are asked at the same moment.
const maxServingDials = 32

// judge returns what speaks against each of requests.
func (g *ServingGate) judge(ctx context.Context, facts *servingFacts, requests []*Request) [][]servingFinding {
	found := make([][]servingFinding, len(requests))
	var group errgroup.Group
	group.SetLimit(maxServingDials)
	for i, request := range requests {
		group.Go(func() error {
			found[i] = g.findings(ctx, facts, request)
			return nil
		})
	}
	_ = group.Wait() // nothing returns an error
	return found
}

// findings judges one request: whether its node itself asks, whether each name
// and address can be the Node's, and whether any is new.
func (g *ServingGate) findings(ctx context.Context, facts *servingFacts, request *Request) []servingFinding {
	if request.parsed == nil {
		return []servingFinding{{RiskUnreadable, inventory.Critical, "it cannot be read: " + request.fault.Error()}}
	}
	asked := requesterFindings(request)
	name := strings.TrimPrefix(request.Subject.CommonName, nodePrefix)
	node := facts.nodes[name]
	switch {
	case node == nil && len(facts.nodes) == 0 && len(facts.unseen) > 0:
		return append(asked, unchecked("%s", strings.Join(facts.unseen, ", ")))
	case node == nil:
		return append(asked, critical("there is no Node %q", name))
	}
	found, ofServer := g.nameFindings(facts, request, node)
	if len(asked) > 0 || len(found) > 0 {
		return slices.Concat(asked, found, ofServer)
	}
	known := g.knownAs(ctx, facts, node)
	if !isControlPlane(node) || known.served == nil || !covers(request, known.served) {
		found = ofServer
	}
	return append(found, g.newFindings(request, node, known)...)
}

// requesterFindings say why it is not the node that asks for its own serving
// certificate, and nothing else.
func requesterFindings(request *Request) []servingFinding {
	fault := func(format string, args ...any) []servingFinding {
		return []servingFinding{{RiskNode, inventory.Critical, fmt.Sprintf(format, args...)}}
	}
	switch {
	case request.Signer != certificatesv1.KubeletServingSignerName:
		return fault("it is for signer %s", request.Signer)
	case request.NodeOf() == "" || !slices.Contains(request.RequesterGroups, nodesGroup):
		return fault("requester %q is not a node", request.Requester)
	case request.Subject.CommonName != request.Requester:
		return fault("%q requests a certificate for %q", request.Requester, request.Subject.CommonName)
	}
	var found []servingFinding
	// What the rules know of signers, keys and lifetimes; a node has no bindings.
	for _, risk := range newRequest(request.object, &Powers{SignerLife: DefaultSignerLife}).Risks {
		if risk.ToAccept() {
			found = append(found, servingFinding{risk.Code, risk.Severity, risk.Message})
		}
	}
	if len(found) == 0 && len(request.parsed.Subject.Names) != 2 {
		found = append(found, critical("its subject has more attributes than a common name and a group"))
	}
	if fault := extensionFault(request.parsed); fault != "" {
		found = append(found, critical("%s", fault))
	}
	return found
}

// nameFindings holds each name and address against the cluster. ofServer are
// the findings that a control-plane node has too, whose address is the API
// server's.
func (g *ServingGate) nameFindings(facts *servingFacts, request *Request, node *corev1.Node) (found, ofServer []servingFinding) {
	ownNames, ownAddresses := ownClaims(node)
	for _, name := range request.DNSNames {
		faults := g.nameFaults(facts, node, name, ownNames)
		if len(faults) > 0 {
			found = append(found, critical("DNS name %q %s", name, strings.Join(faults, " and ")))
		} else if is := facts.serverNames[foldName(name)]; is != "" {
			ofServer = append(ofServer, critical("DNS name %q %s", name, is))
		}
	}
	for _, ip := range request.parsed.IPAddresses {
		address, _ := netip.AddrFromSlice(ip)
		address = address.Unmap()
		is := facts.serverAddresses[address]
		if faults := g.addressFaults(facts, node, address, ownAddresses); len(faults) > 0 {
			if is != "" {
				faults = append(faults, is)
			}
			found = append(found, critical("IP address %s %s", address, strings.Join(faults, " and ")))
		} else if is != "" {
			ofServer = append(ofServer, critical("IP address %s %s", address, is))
		}
	}
	for _, unseen := range facts.unseen {
		found = append(found, unchecked("%s", unseen))
	}
	if !facts.servicesKnown && len(request.parsed.IPAddresses) > 0 && len(g.Limits.CIDRs) == 0 {
		found = append(found, unchecked("no Service CIDR was found, so the addresses of Services are not known; use --allow-cidr to specify the node networks"))
	}
	return found, ofServer
}

func (g *ServingGate) nameFaults(facts *servingFacts, node *corev1.Node, name string, own map[string]bool) []string {
	if fault := nameForm(name); fault != "" {
		return []string{fault}
	}
	folded := foldName(name)
	isOwn := folded == node.Name
	var faults []string
	if fault := reservedName(name, isOwn); fault != "" {
		faults = append(faults, fault)
	}
	if others := others(facts.byName[folded], node); others != "" {
		faults = append(faults, "is a name of "+others+" too")
	}
	if isOwn {
		return faults
	}
	for _, domain := range facts.domains {
		if len(faults) == 0 && (folded == domain || strings.HasSuffix(folded, "."+domain)) {
			faults = append(faults, "is a name in the cluster's own domain")
		}
	}
	if is := facts.serverNames[folded]; is != "" {
		faults = append(faults, is) // a node has this as its own name, or not at all
	}
	switch {
	case len(faults) > 0:
	case !own[folded]:
		faults = append(faults, fmt.Sprintf("is not one of Node %q", node.Name))
	case !slices.ContainsFunc(g.Limits.DNS, func(p DNSPattern) bool { return p.matches(folded, node.Name) }):
		faults = append(faults, fmt.Sprintf("is reported by Node %q, but is not its own name: use --allow-dns to allow it", node.Name))
	}
	return faults
}

func (g *ServingGate) addressFaults(facts *servingFacts, node *corev1.Node, address netip.Addr, own map[netip.Addr]bool) []string {
	var faults []string
	if fault := reservedAddress(address); fault != "" {
		faults = append(faults, fault)
	}
	for _, network := range facts.services {
		if network.Contains(address) {
			faults = append(faults, network.is)
			break
		}
	}
	if others := others(facts.byAddress[address], node); others != "" {
		faults = append(faults, "is an address of "+others+" too")
	}
	switch {
	case len(faults) > 0:
	case !own[address]:
		faults = append(faults, fmt.Sprintf("is not one of Node %q", node.Name))
	case len(g.Limits.CIDRs) > 0 && !slices.ContainsFunc(g.Limits.CIDRs, func(p netip.Prefix) bool { return p.Contains(address) }):
		faults = append(faults, "is outside --allow-cidr")
	}
	return faults
}

// others names the Nodes of claimants beside node, a few of them.
func others(claimants []string, node *corev1.Node) string {
	const most = 3
	var names []string
	for _, name := range claimants {
		if quoted := fmt.Sprintf("Node %q", name); name != node.Name && !slices.Contains(names, quoted) {
			names = append(names, quoted)
		}
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

// ownClaims are the names and addresses that a Node gives itself, as its kubelet
// asks for them (pkg/kubelet/certificate/kubelet.go).
func ownClaims(node *corev1.Node) (names map[string]bool, addresses map[netip.Addr]bool) {
	names, addresses = map[string]bool{}, map[netip.Addr]bool{}
	for _, claim := range node.Status.Addresses {
		address, err := netip.ParseAddr(claim.Address)
		switch claim.Type {
		case corev1.NodeInternalIP, corev1.NodeExternalIP, corev1.NodeHostName:
			if err == nil {
				addresses[address.Unmap()] = true
				continue
			}
		}
		switch claim.Type {
		case corev1.NodeHostName, corev1.NodeInternalDNS, corev1.NodeExternalDNS:
			names[foldName(claim.Address)] = true
		}
	}
	return names, addresses
}
