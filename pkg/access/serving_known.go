package access

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// defaultKubeletPort is a kubelet's, unless its Node says otherwise.
const defaultKubeletPort = 10250

// approvedKept is how long the API is sure to keep a request that was issued:
// an hour (pkg/controller/certificates/cleaner), less what clocks differ.
const approvedKept = 50 * time.Minute

// approvedServing is a serving certificate that a kubelet was issued or proved to
// have, and when: at its request, or when it was last seen.
type approvedServing struct {
	*x509.Certificate
	at time.Time
}

// isOfOlderNode reports whether it was for an older Node of the name. A kubelet asks
// for its first certificate while it registers its Node, maybe a moment before.
func (a approvedServing) isOfOlderNode(node *corev1.Node) bool {
	const registration = time.Minute
	return a.at.Add(registration).Before(node.CreationTimestamp.Time)
}

// known is what a kubelet was certified for before.
type known struct {
	// served is what it proved to serve with now, nil for nothing.
	served *x509.Certificate
	// approved is what it was issued last, nil for nothing.
	approved *x509.Certificate
	// older says that approved was for an older Node of the name. It permits
	// nothing then: whoever may make a Node could take the name of one that is
	// gone, and with it that machine's addresses. It limits all the same: a kubelet
	// may have its own Node deleted (by an owner reference to nothing) and make it
	// again.
	older bool
	// why there is no served, and whether the kubelet itself said so.
	why      string
	answered bool
}

// knownAs finds out what node's kubelet serves with, and what it was issued
// last.
func (g *ServingGate) knownAs(ctx context.Context, facts *servingFacts, node *corev1.Node) known {
	now := g.Now()
	var k known
	for _, last := range slices.Backward(facts.approved[node.Name]) {
		if servingFault(last.Certificate, nil, node.Name, facts.anchors, now) == nil {
			k.approved, k.older = last.Certificate, last.isOfOlderNode(node)
			break
		}
	}
	chain, err := g.presented(ctx, node)
	switch {
	case err != nil:
		// What crypto/tls says of a server that has no certificate to present.
		k.answered = strings.Contains(err.Error(), "remote error: tls: internal error")
		k.why = "it has no certificate"
		if !k.answered {
			k.why = "its kubelet could not be reached: " + brief(err)
		}
	default:
		k.answered = true
		if err := servingFault(chain[0], chain[1:], node.Name, facts.anchors, now); err != nil {
			k.why = "it presents another certificate: " + brief(err)
		} else {
			k.served = chain[0]
		}
	}
	g.remember(node, &k, now)
	return k
}

func (g *ServingGate) presented(ctx context.Context, node *corev1.Node) ([]*x509.Certificate, error) {
	address, port := "", defaultKubeletPort
	for _, a := range node.Status.Addresses {
		// A name in its place would be looked up, and lead anywhere.
		if _, isIP := comparableAddress(a.Address); isIP && a.Type == corev1.NodeInternalIP {
			address = a.Address
			break
		}
	}
	if own := int(node.Status.DaemonEndpoints.KubeletEndpoint.Port); own > 0 && own < 1<<16 {
		port = own
	}
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	chain, err := g.Presented(ctx, node.Name, address, port)
	if err == nil && len(chain) == 0 {
		err = errors.New("no certificate was presented")
	}
	return chain, err
}

// brief renders what a node caused in one line of bounded length.
func brief(err error) string {
	const most = 300
	text := []rune(strings.Join(strings.Fields(err.Error()), " "))
	if len(text) > most {
		text = append(text[:most], '…')
	}
	return string(text)
}

// remember keeps what was served for the times when the kubelet does not.
func (g *ServingGate) remember(node *corev1.Node, k *known, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if k.served != nil {
		if g.remembered == nil {
			g.remembered = map[string]approvedServing{}
		}
		g.remembered[node.Name] = approvedServing{k.served, now}
		return
	}
	if last, ok := g.remembered[node.Name]; ok && k.approved == nil && now.Before(last.NotAfter) {
		k.approved, k.older = last.Certificate, last.isOfOlderNode(node)
	}
}

// servingFault says why cert is not what the kubelet of a Node may serve with
// now.
func servingFault(cert *x509.Certificate, between []*x509.Certificate, node string, anchors []*x509.Certificate, now time.Time) error {
	switch {
	case cert.Subject.CommonName != nodePrefix+node || !slices.Equal(cert.Subject.Organization, []string{nodesGroup}):
		return fmt.Errorf("its subject is %q", pki.SubjectOf(cert).String())
	case !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth):
		return errors.New("it is not a server certificate")
	case now.Before(cert.NotBefore) || now.After(cert.NotAfter):
		return fmt.Errorf("it is valid from %s to %s", cert.NotBefore.UTC().Format(time.DateTime), cert.NotAfter.UTC().Format(time.DateTime))
	}
	return pki.VerifyChain(cert, between, anchors, now)
}

// newFindings are about what the kubelet was not certified for before.
func (g *ServingGate) newFindings(request *Request, node *corev1.Node, k known) []servingFinding {
	var found []servingFinding
	if k.served == nil && (k.approved == nil || k.older) {
		isYoung := g.Now().Sub(node.CreationTimestamp.Time) < approvedKept
		switch {
		case g.Limits.New && (k.answered || isYoung):
		case g.Limits.New:
			found = append(found, warning("the certificate that the kubelet of Node %q serves is not known, so this may not be its first certificate: %s", node.Name, k.why))
		default:
			found = append(found, warning("it appears to be the first certificate of Node %q, whose names and addresses only the node itself reports: %s", node.Name, k.why))
		}
	}
	if k.served == nil && k.approved == nil {
		return found
	}
	since := "is not in its current serving certificate"
	if k.served == nil {
		since = "is not in its last approved certificate (now " + k.why + ")"
	}
	has := func(has func(*x509.Certificate) bool) bool {
		return k.served != nil && has(k.served) || k.approved != nil && has(k.approved)
	}
	for _, name := range request.DNSNames {
		if !has(func(cert *x509.Certificate) bool { return hasName(cert, name) }) {
			found = append(found, warning("Node %q adds DNS name %q, which %s", node.Name, name, since))
		}
	}
	for _, ip := range request.parsed.IPAddresses {
		if !has(func(cert *x509.Certificate) bool { return hasAddress(cert, ip) }) {
			found = append(found, warning("Node %q adds IP address %s, which %s", node.Name, ip, since))
		}
	}
	return found
}

// covers reports whether cert has all that is asked for.
func covers(request *Request, cert *x509.Certificate) bool {
	for _, name := range request.DNSNames {
		if !hasName(cert, name) {
			return false
		}
	}
	for _, ip := range request.parsed.IPAddresses {
		if !hasAddress(cert, ip) {
			return false
		}
	}
	return true
}

func hasName(cert *x509.Certificate, name string) bool {
	return slices.ContainsFunc(cert.DNSNames, func(own string) bool { return foldName(own) == foldName(name) })
}

func hasAddress(cert *x509.Certificate, ip net.IP) bool {
	return slices.ContainsFunc(cert.IPAddresses, ip.Equal)
}
