package inventory

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
)

// soon is the longest that is left of a certificate that expires-soon speaks
// of. A fifth of its life counts where that is shorter, so that a credential
// of eight hours is not a permanent warning.
const (
	soon         = 30 * 24 * time.Hour
	soonFraction = 5
)

// soon returns how long before its end a certificate that lives for life
// expires soon.
func (e *evidence) soon(life time.Duration) time.Duration {
	if e.within > 0 {
		return e.within
	}
	return soonOf(life)
}

func judgeDates(c *certificate, e *evidence) []Finding {
	cert, now := c.entry, e.now
	left := cert.NotAfter.Sub(now)
	life := cert.NotAfter.Sub(cert.NotBefore)
	switch {
	case now.Before(cert.NotBefore):
		return []Finding{{CodeNotYetValid, Critical,
			fmt.Sprintf("is valid only from %s, in %s", cert.NotBefore.UTC().Format(time.RFC3339), duration.HumanDuration(cert.NotBefore.Sub(now))),
			"compare the clocks of this machine and of the machine that signed it"}}
	// A certificate is valid through its last second (RFC 5280, section 4.1.2.5).
	case left < 0:
		return []Finding{{CodeExpired, c.urgency(e),
			fmt.Sprintf("expired %s ago", duration.HumanDuration(-left)),
			renewal(c.entry)}}
	case left < e.soon(life):
		return []Finding{{CodeExpiresSoon, mildest(c.urgency(e), Warning),
			fmt.Sprintf("expires in %s", duration.HumanDuration(left)),
			renewal(c.entry)}}
	}
	return nil
}

// urgency is how bad it is that c has run out.
func (c *certificate) urgency(e *evidence) Severity {
	switch {
	case c.seenOnly(catalog.IssuedRecord, catalog.IssuedRequest, catalog.OtherSigner, catalog.CopyFile):
		return Info // it is kept for a while, whatever came of it
	case c.seenOnly(catalog.OtherContextClient, catalog.OtherContextCA):
		return Warning // not this cluster's, or not in use
	case c.entry.IsCA && c.hasSuccessor(e):
		return Info
	case c.entry.Name == "service-account":
		return Info // only its key is used, which has no end
	}
	return Critical
}

// hasSuccessor reports whether a CA that has run out stands beside one that has
// not, wherever it is: replacing a CA leaves the old one in its bundles.
func (c *certificate) hasSuccessor(e *evidence) bool {
	for _, s := range c.sightings {
		if !e.valid[s.Location] {
			return false
		}
	}
	return e.now.After(c.entry.NotAfter)
}

// renewal says how a certificate is replaced.
func renewal(e Entry) string {
	row, known := catalog.Lookup(e.Name)
	switch {
	case known && row.Profile != nil && row.Profile.CommonName == "":
		return fmt.Sprintf("have an administrator whose own certificate is valid issue a new one, and use the file: kubectl certs issue %s --name %q", row.Name, e.Subject.CommonName)
	case known && row.Profile != nil:
		return fmt.Sprintf("issue a new one and give it to the component: kubectl certs issue %s", row.Name)
	case strings.HasPrefix(e.Name, "secret/") && e.Role != catalog.CA:
		return "put a new certificate and its key into the secret (kubectl create secret tls NAME --cert FILE --key FILE --dry-run=client -o yaml | kubectl apply -f -); where an operator such as cert-manager makes it, find out why that did not"
	case e.Role == catalog.CA:
		return "replace the CA: everything that it signed, and everyone who trusts it, needs the new one"
	case known:
		return "renew it on its node (with kubeadm: kubeadm certs renew all) and restart what uses it"
	default:
		return "ask whoever issued it for a new one"
	}
}
