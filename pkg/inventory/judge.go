package inventory

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// soon is the longest that is left of a certificate that expires-soon speaks
// of. A fifth of its life counts where that is shorter, so that a credential
// of eight hours is not a permanent warning.
const (
	soon         = 30 * 24 * time.Hour
	soonFraction = 5
)

// trust is the anchors configured at each place.
type trust map[catalog.Place][]*x509.Certificate

// newTrust returns the anchors among sightings.
func newTrust(sightings []Sighting) trust {
	t := trust{}
	for _, s := range sightings {
		switch s.Place {
		case catalog.KubeconfigCA, catalog.RootCA, catalog.ClientCA, catalog.RequestHeaderCA:
			t[s.Place] = append(t[s.Place], s.Certificate)
		}
	}
	return t
}

// rules are what every certificate is held against.
var rules = []func(*certificate, trust, time.Time) []Finding{
	judgeDates,
	judgeChain,
	judgeNames,
	judgeUsage,
	judgeStrength,
	judgeSight,
}

// judge returns what is wrong with c at now.
func judge(c *certificate, t trust, now time.Time) []Finding {
	findings := []Finding{}
	for _, rule := range rules {
		findings = append(findings, rule(c, t, now)...)
	}
	return findings
}

func judgeDates(c *certificate, _ trust, now time.Time) []Finding {
	cert := c.cert
	left := cert.NotAfter.Sub(now)
	life := cert.NotAfter.Sub(cert.NotBefore)
	switch {
	case now.Before(cert.NotBefore):
		return []Finding{{CodeNotYetValid, Critical,
			fmt.Sprintf("is valid only from %s, in %s", cert.NotBefore.UTC().Format(time.RFC3339), duration.HumanDuration(cert.NotBefore.Sub(now))),
			"compare the clocks of this machine and of the machine that signed it"}}
	// A certificate is valid through its last second (RFC 5280, section 4.1.2.5).
	case left < 0:
		return []Finding{{CodeExpired, Critical,
			fmt.Sprintf("expired %s ago", duration.HumanDuration(-left)),
			renewal(c.entry)}}
	case left < min(soon, life/soonFraction):
		return []Finding{{CodeExpiresSoon, Warning,
			fmt.Sprintf("expires in %s", duration.HumanDuration(left)),
			renewal(c.entry)}}
	}
	return nil
}

// renewal says how a certificate is replaced.
func renewal(e Entry) string {
	row, known := catalog.Lookup(e.Name)
	switch {
	case known && row.Profile != nil && row.Profile.CommonName == "":
		return fmt.Sprintf("have an administrator whose own certificate is valid issue a new one, and use the file: kubectl certs issue %s --name %q", row.Name, e.Subject.CommonName)
	case known && row.Profile != nil:
		return fmt.Sprintf("issue a new one and give it to the component: kubectl certs issue %s", row.Name)
	case e.Role == catalog.CA:
		return "replace the CA: everything that it signed, and everyone who trusts it, needs the new one"
	case known:
		return "renew it on its node (with kubeadm: kubeadm certs renew all) and restart what uses it"
	default:
		return "ask whoever issued it for a new one"
	}
}

// judgeChain holds c against each place that has anchors for it. A place that
// could not be read says nothing.
func judgeChain(c *certificate, t trust, now time.Time) []Finding {
	var intermediates []*x509.Certificate
	for _, s := range c.sightings {
		intermediates = append(intermediates, s.Intermediates...)
	}
	var findings []Finding
	for _, place := range c.anchors {
		anchors := t[place]
		if len(anchors) == 0 {
			continue
		}
		if err := pki.VerifyChain(c.cert, intermediates, anchors, now); err != nil {
			findings = append(findings, Finding{CodeChainBroken, Critical,
				fmt.Sprintf("does not chain to the %s: %s", place, chainFault(err, c.cert, anchors)),
				fmt.Sprintf("find out which is the wrong one: this certificate (signed by %q) or the %s", c.entry.Issuer, place)})
		}
	}
	return findings
}

// judgeSight says so when there was nothing to hold c against, and no CA that
// was seen has signed it.
func judgeSight(c *certificate, t trust, _ time.Time) []Finding {
	seen := func(place catalog.Place) bool { return len(t[place]) > 0 }
	signed := c.entry.SignedBy != "" && c.entry.SignedBy != c.entry.Name
	if c.entry.Role == catalog.CA || signed || slices.ContainsFunc(c.anchors, seen) {
		return nil
	}
	return []Finding{{CodeUnverified, Info,
		fmt.Sprintf("could not be verified: no CA was seen that it is held against in use (it is signed by %q)", c.entry.Issuer),
		"compare it with the files on its node"}}
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

func judgeNames(c *certificate, _ trust, _ time.Time) []Finding {
	var findings []Finding
	var judged []string
	for _, s := range c.sightings {
		if s.Address == "" || slices.Contains(judged, s.Address) {
			continue
		}
		judged = append(judged, s.Address)
		if c.cert.VerifyHostname(s.Address) != nil {
			findings = append(findings, Finding{CodeSANMismatch, Critical,
				fmt.Sprintf("does not name %s, the address it is reached by", s.Address),
				"add the address to the certificate's subject alternative names, or connect by a name that is among them"})
		}
	}
	return findings
}

func judgeUsage(c *certificate, _ trust, _ time.Time) []Finding {
	usage, name := x509.ExtKeyUsageServerAuth, "server auth"
	switch c.entry.Role {
	case catalog.CA:
		return nil
	case catalog.Client:
		usage, name = x509.ExtKeyUsageClientAuth, "client auth"
	}
	if pki.HasUsage(c.cert, usage) {
		return nil
	}
	return []Finding{{CodeWrongUsage, Critical,
		fmt.Sprintf("is used as a %s certificate but lacks the extended key usage %q", c.entry.Role, name),
		"have it issued again with that usage"}}
}

// The least that today's guidance allows (NIST SP 800-131A).
const (
	leastRSABits   = 2048
	leastECDSABits = 224
)

func judgeStrength(c *certificate, _ trust, _ time.Time) []Finding {
	var findings []Finding
	key := c.entry.PublicKey
	if (key.Algorithm == x509.RSA.String() && key.Bits < leastRSABits) ||
		(key.Algorithm == x509.ECDSA.String() && key.Bits < leastECDSABits) ||
		key.Algorithm == x509.DSA.String() {
		findings = append(findings, Finding{CodeWeakKey, Warning,
			fmt.Sprintf("has a %s key of %d bits", key.Algorithm, key.Bits),
			"have it issued again for a stronger key, such as ECDSA P-256 or RSA of 3072 bits"})
	}
	switch c.cert.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		// Nobody relies on the signature of an anchor.
		if !pki.SelfSigned(c.cert) {
			findings = append(findings, Finding{CodeWeakSignature, Warning,
				fmt.Sprintf("is signed with %s", c.cert.SignatureAlgorithm),
				"have it signed again with SHA-256 or better"})
		}
	}
	return findings
}
