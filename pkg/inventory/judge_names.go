package inventory

import (
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"slices"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// judgeNames holds a server's certificate against the names that it is reached
// by. Only subject alternative names count (RFC 9525, section 2; Go has not
// looked at the common name since 1.15).
func judgeNames(c *certificate, e *evidence) []Finding {
	serves := func(s Sighting) bool {
		row, known := catalog.Lookup(s.Row)
		return catalog.IsServed(s.Place) || s.Place == catalog.LeafFile && known && row.Role == catalog.Server
	}
	if !slices.ContainsFunc(c.sightings, serves) {
		return nil
	}
	if len(c.entry.DNSNames)+len(c.entry.IPAddresses) == 0 {
		return []Finding{c.nameless(Critical)}
	}
	var findings []Finding
	for _, s := range c.sightings {
		switch {
		case s.Place == catalog.KubeletPort, s.Row == "kubelet-server" && s.Node != "":
			findings = append(findings, c.judgeKubeletNames(s)...)
		case catalog.IsServed(s.Place) && s.Address != "" && c.cert().VerifyHostname(s.Address) != nil:
			findings = append(findings, mismatch(c.cert(), s.Address, "the address it is reached at"))
		case s.Place == catalog.LeafFile && s.Row == apiServer:
			findings = append(findings, c.judgeConnections(e, s)...)
		}
	}
	return findings
}

// nameless says that a server's certificate is valid for no name.
func (c *certificate) nameless(severity Severity) Finding {
	names := "has no subject alternative names"
	if cert := c.cert(); len(cert.URIs)+len(cert.EmailAddresses) > 0 {
		names = "has no DNS name and no IP address among its subject alternative names"
	}
	return Finding{CodeSANMismatch, severity,
		names + ": clients ignore the common name, and refuse it for every address",
		"reissue it with the server's names and addresses as subject alternative names"}
}

// judgeAloneNames finds the nameless among the many, of those that say that they
// are for servers.
func judgeAloneNames(c *certificate, _ *evidence) []Finding {
	e := c.entry
	if c.sightings[0].Place != catalog.SecretLeaf || len(e.DNSNames)+len(e.IPAddresses)+len(e.URIs) > 0 ||
		!slices.Contains(c.cert().ExtKeyUsage, x509.ExtKeyUsageServerAuth) {
		return nil
	}
	return []Finding{c.nameless(Warning)}
}

// mismatch says that cert does not name address, which is called what.
func mismatch(cert *x509.Certificate, address, what string) Finding {
	f := Finding{CodeSANMismatch, Critical,
		fmt.Sprintf("does not name %s, %s", address, what),
		"add the address to the subject alternative names, or connect by one of its names"}
	if net.ParseIP(address) != nil && slices.Contains(cert.DNSNames, address) {
		f.Message = fmt.Sprintf("names %s, %s, as a DNS name: IP addresses must be subject alternative names of type IP address", address, what)
		f.Fix = "reissue it with the address as an IP address (IP: in openssl, ipAddresses in cert-manager)"
	}
	return f
}

// judgeKubeletNames holds a kubelet's certificate against its node. One that the
// kubelet signed itself nobody can verify, so that its names do not matter.
func (c *certificate) judgeKubeletNames(s Sighting) []Finding {
	if c.signer == c || pki.SelfSigned(c.cert()) {
		return nil
	}
	byName := s.Node != "" && (c.cert().VerifyHostname(s.Node) == nil || c.entry.Subject.CommonName == "system:node:"+s.Node)
	byAddress := s.Address != "" && c.cert().VerifyHostname(s.Address) == nil
	if byAddress || s.Address == "" && (byName || s.Node == "") {
		return nil
	}
	if !byName {
		address := ""
		if s.Address != "" {
			address = " " + s.Address
		}
		return []Finding{{CodeSANMismatch, Critical,
			fmt.Sprintf("is not for node %s: it has neither the name of the node nor its address%s; its subject is %s", s.Node, address, cut(c.entry.Subject.String())),
			"check whether the node is a copy of another one; then remove /var/lib/kubelet/pki/kubelet-server-* there, restart the kubelet, and approve its request"}}
	}
	f := mismatch(c.cert(), s.Address, "its node's address, which metrics-server and an API server with --kubelet-certificate-authority verify")
	f.Severity = Warning
	return []Finding{f}
}

// judgeConnections finds components that connect to the API server whose file
// this is by an address that it does not name.
func (c *certificate) judgeConnections(e *evidence, s Sighting) []Finding {
	who := map[string][]string{}
	for _, v := range e.verifiers {
		if v.place != catalog.ServerCAFile || v.server == "" || v.owner != s.Owner || c.cert().VerifyHostname(v.address) == nil {
			continue
		}
		// With another CA it may be another server, such as a proxy in front.
		if fault := v.trusted().Verify(c.cert(), s.Intermediates, x509.ExtKeyUsageServerAuth, e.now); fault == nil || fault.Kind == pki.FaultLeaf {
			who[v.address] = append(who[v.address], v.who())
		}
	}
	var findings []Finding
	for _, address := range slices.Sorted(maps.Keys(who)) {
		connect := "connect"
		if len(who[address]) == 1 {
			connect = "connects"
		}
		findings = append(findings, mismatch(c.cert(), address, "the address that "+enumerate(who[address])+" "+connect+" to"))
	}
	return findings
}
