package inventory

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// against returns the places that c is held against, as far as they were seen.
func (e *evidence) against(c *certificate) []string {
	places := []string{}
	for _, place := range c.anchors {
		if len(e.trust[place]) > 0 {
			places = append(places, string(place))
		}
	}
	return places
}

// judgeChain holds c against each place that has anchors for it. A place that
// could not be read says nothing.
func judgeChain(c *certificate, e *evidence) []Finding {
	var intermediates []*x509.Certificate
	for _, s := range c.sightings {
		intermediates = append(intermediates, s.Intermediates...)
	}
	var findings []Finding
	for _, place := range c.anchors {
		anchors := e.trust[place]
		if len(anchors) == 0 {
			continue
		}
		if err := pki.VerifyChain(c.cert(), intermediates, anchors, e.now); err != nil {
			findings = append(findings, Finding{CodeChainBroken, Critical,
				fmt.Sprintf("does not chain to the %s: %s", place, chainFault(err, c.cert(), anchors)),
				fmt.Sprintf("find out which is the wrong one: this certificate (signed by %q) or the %s", c.entry.Issuer, place)})
		}
	}
	return findings
}

// chainFault says why cert does not chain to anchors, in fewer words than x509
// where those say no more than the finding.
func chainFault(err error, cert *x509.Certificate, anchors []*x509.Certificate) string {
	// x509 has no type for it where it looks for an authority.
	if strings.Contains(err.Error(), "insecure algorithm") {
		return "signed with an algorithm that is refused today"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		for _, ca := range anchors {
			if bytes.Equal(ca.RawSubject, cert.RawIssuer) {
				return "the CA of its issuer's name there has another key"
			}
		}
		return fmt.Sprintf("it is signed by %q, which is not there", cert.Issuer)
	}
	return strings.TrimPrefix(err.Error(), "x509: ")
}

// judgeSelfSigned finds a server that vouches for itself where a CA should.
func judgeSelfSigned(c *certificate, _ *evidence) []Finding {
	row, known := catalog.Lookup(c.entry.Name)
	if !known || c.entry.Role != catalog.Server || c.entry.SignedBy != c.entry.Name || row.SignedBy == row.Name {
		return nil
	}
	f := Finding{CodeSelfSigned, Warning,
		fmt.Sprintf("is signed by itself; %s should sign it", row.SignedBy),
		"have it issued by the cluster's CA"}
	if row.Name == "kubelet-server" {
		// What a kubelet does unless it is told otherwise, and kubeadm does not.
		f.Severity = Info
		f.Fix = "set serverTLSBootstrap: true in the kubelet's configuration, and have its requests approved"
	}
	return []Finding{f}
}

// judgeCALife finds a certificate that outlives its signer: it ends with it.
func judgeCALife(c *certificate, _ *evidence) []Finding {
	if c.signer == nil || c.signer == c || !c.signer.entry.NotAfter.Before(c.entry.NotAfter) {
		return nil
	}
	return []Finding{{CodeCAExpiresFirst, Warning,
		fmt.Sprintf("ends with its CA, %s, on %s, before its own date", c.signer.entry.Name, c.signer.entry.NotAfter.Format("2006-01-02")),
		"replace the CA before that day, and have this certificate issued again"}}
}

// judgeSight says so when there was nothing to hold c against, and no CA that
// was seen has signed it.
func judgeSight(c *certificate, e *evidence) []Finding {
	seen := func(place catalog.Place) bool { return len(e.trust[place]) > 0 }
	signed := c.entry.SignedBy != "" && c.entry.SignedBy != c.entry.Name
	if c.entry.Role == catalog.CA || signed || slices.ContainsFunc(c.anchors, seen) {
		return nil
	}
	return []Finding{{CodeUnverified, Info,
		fmt.Sprintf("could not be verified: no CA was seen that it is held against in use (it is signed by %q)", c.entry.Issuer),
		"compare it with the files on its node: kubectl certs inspect --node-files"}}
}
