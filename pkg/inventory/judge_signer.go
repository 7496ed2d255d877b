package inventory

import (
	"fmt"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// judgeSelfSigned finds a server that vouches for itself where a CA should.
func judgeSelfSigned(c *certificate, _ *evidence) []Finding {
	row, known := catalog.Lookup(c.entry.Name)
	if !known || c.entry.Role != catalog.Server || c.signer != c || row.SignedBy == row.Name {
		return nil
	}
	f := Finding{CodeSelfSigned, Warning,
		fmt.Sprintf("is self-signed; it should be signed by %s", row.SignedBy),
		"issue it from the cluster's CA"}
	if row.Name == "kubelet-server" {
		// What a kubelet does unless it is told otherwise, and kubeadm does not.
		f.Severity = Info
		f.Fix = "set serverTLSBootstrap: true in the kubelet configuration, and approve its requests"
	}
	return []Finding{f}
}

// judgeCALife finds a certificate that outlives its signer: it ends with it.
func judgeCALife(c *certificate, e *evidence) []Finding {
	if c.signer == nil || c.signer == c || !c.signer.entry.NotAfter.Before(c.entry.NotAfter) {
		return nil
	}
	end := c.signer.entry.NotAfter
	switch {
	case e.now.After(c.entry.NotAfter):
		return nil // it is over anyway
	case !e.now.After(end):
		return []Finding{{CodeCAExpiresFirst, Warning,
			fmt.Sprintf("its CA %s expires first, on %s", c.signer.entry.Name, end.Format("2006-01-02")),
			"replace the CA before that date, and reissue this certificate"}}
	case len(c.verdict.places) > 0:
		return nil // those who verify it have said what comes of it
	}
	// Nobody was seen who verifies it, but whoever does goes by that CA.
	severity := Critical
	if c.keptOnly() {
		severity = Warning
	}
	return []Finding{{CodeChainBroken, severity,
		fmt.Sprintf("its CA %s expired %s ago: clients that trust this CA refuse the certificate", c.signer.entry.Name, Span(end, e.now)),
		renewal(c.signer, e)}}
}

// keptOnly reports whether c was seen only where nobody presents it to the
// cluster.
func (c *certificate) keptOnly() bool {
	return c.seenOnly(catalog.OtherContextClient, catalog.OtherContextCA, catalog.IssuedRecord, catalog.IssuedRequest, catalog.OtherSigner)
}

// judgeSight says so when there was nothing to hold c against, and no CA that
// its owner could know has signed it.
func judgeSight(c *certificate, e *evidence) []Finding {
	if c.untried || c.entry.Role == catalog.CA || len(c.verdict.places) > 0 || c.signer != nil && c.signer != c && c.sharesOwner(c.signer) {
		return nil
	}
	if c.signer != nil && c.signer != c && e.now.After(c.signer.entry.NotAfter) {
		return nil // judgeCALife says that it cannot be valid
	}
	return []Finding{{CodeUnverified, Info,
		fmt.Sprintf("could not be verified: the CA that its clients use was not found (its issuer is %q)", cut(c.entry.IssuerName)),
		"compare it with the files on its node: kubectl certs inspect --node-files"}}
}

// judgeUntried says so when c may have been signed by one of more CAs of one name
// than anybody tries: somebody made them, and crypto/x509 gives up as well.
func judgeUntried(c *certificate, _ *evidence) []Finding {
	if !c.untried || c.entry.Role == catalog.CA || len(c.verdict.places) > 0 {
		return nil
	}
	return []Finding{{CodeUnverified, Info,
		fmt.Sprintf("could not be verified: there are too many CAs with the subject %q to find out which one signed it", cut(c.entry.IssuerName)),
		"find out who created them, and remove those that are unused"}}
}

// sharesOwner reports whether ca was seen where everybody's trust is, or that of
// an owner of c: what is on one node does not vouch for another, and a CA that a
// server presents itself vouches for nothing.
func (c *certificate) sharesOwner(ca *certificate) bool {
	for _, theirs := range ca.sightings {
		if theirs.Place == catalog.PresentedCA || theirs.Place == catalog.SecretChain {
			continue
		}
		if theirs.Owner == "" {
			return true
		}
		for _, own := range c.sightings {
			if own.Owner == theirs.Owner {
				return true
			}
		}
	}
	return false
}

// judgeAuthority finds a certificate that signs others, and may not.
func judgeAuthority(c *certificate, e *evidence) []Finding {
	may, why := pki.MaySign(c.cert())
	if may || !e.culprits[c] {
		return nil
	}
	return []Finding{{CodeWrongUsage, Critical, "is used as a CA but " + why + ": certificates it signed are not accepted", newCA}}
}

// newCA says what mends a CA that is none.
const newCA = `make a CA certificate of that key with basicConstraints CA:TRUE and key usage "cert sign", and put it where the old one is`
