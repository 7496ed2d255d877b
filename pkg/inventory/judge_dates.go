package inventory

import (
	"fmt"
	"slices"
	"time"

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
	life := cert.NotAfter.Sub(cert.NotBefore)
	switch {
	case cert.NotAfter.Before(cert.NotBefore):
		return []Finding{{CodeExpired, c.urgency(e),
			fmt.Sprintf("is never valid: notAfter (%s) is before notBefore (%s)", cert.NotAfter.UTC().Format(time.RFC3339), cert.NotBefore.UTC().Format(time.RFC3339)),
			"reissue it with valid dates"}}
	case now.Before(cert.NotBefore):
		return []Finding{{CodeNotYetValid, Critical,
			fmt.Sprintf("is valid only from %s, in %s", cert.NotBefore.UTC().Format(time.RFC3339), Span(now, cert.NotBefore)),
			"compare the clocks of this machine and of the issuer"}}
	// A certificate is valid through its last second (RFC 5280, section 4.1.2.5).
	case now.After(cert.NotAfter):
		return []Finding{{CodeExpired, c.urgency(e),
			fmt.Sprintf("expired %s ago", Span(cert.NotAfter, now)),
			renewal(c, e)}}
	case cert.NotAfter.Sub(now) < e.soon(life):
		return []Finding{{CodeExpiresSoon, mildest(c.urgency(e), Warning),
			fmt.Sprintf("expires in %s", Span(now, cert.NotAfter)),
			renewal(c, e)}}
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
	case c.entry.Role == catalog.CA && !c.presented():
		return c.urgencyOfCA(e)
	case c.entry.Name == "service-account":
		return Info // only its key is used, which has no end
	}
	return Critical
}

// presented reports whether somebody presents c itself, and not only what it
// signed.
func (c *certificate) presented() bool {
	return slices.ContainsFunc(c.sightings, func(s Sighting) bool {
		return len(usagesOf(&s)) > 0
	})
}

// urgencyOfCA is urgency for a CA: it depends on who depends on it.
func (c *certificate) urgencyOfCA(e *evidence) Severity {
	switch {
	case e.culprits[c]:
		return Critical // something that was seen is refused for it
	case !e.now.After(c.entry.NotAfter):
		if c.onlyOneOfMany(e) {
			return Warning
		}
		return Critical
	case c.succeeded(e, string(c.key)):
		return Info // the successor verifies what this one signed
	case c.replaced(e):
		return Warning // nothing that was seen is signed by it
	case c.onlyOneOfMany(e), c.idle(e):
		return Warning
	}
	return Critical
}

// idle reports whether those who trust c accept what they were seen to verify, by
// other CAs: an old one that was left in its bundles.
func (c *certificate) idle(e *evidence) bool {
	trusted := false
	for _, s := range c.sightings {
		switch {
		case e.accepts[s.Location]:
			trusted = true
		case !c.behind(s.Location):
			return false
		}
	}
	return trusted
}

// behind reports whether c was seen behind another certificate at a location.
func (c *certificate) behind(at Location) bool {
	return slices.ContainsFunc(c.sightings, func(s Sighting) bool {
		return s.Location == at && s.Place == catalog.PresentedCA
	})
}

// onlyOneOfMany reports whether c stands in bundles of CAs that have nothing to
// do with each other, or behind a certificate that does not need it: what of it
// is used, nobody can tell.
func (c *certificate) onlyOneOfMany(e *evidence) bool {
	for _, s := range c.sightings {
		switch {
		case s.Place == catalog.PresentedCA, s.Place == catalog.SecretChain && s.depth > 0:
		case s.Place == catalog.LeafFile && c.behind(s.Location): // and its file lists it
		case s.Place == catalog.LeafFile && s.Row == "" || s.Place == catalog.CallBundle || s.Place == catalog.TrustBundle:
			if !e.succeeds(c, successor{at: s.Location}) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// replaced reports whether a CA of c's name stands beside it wherever it is,
// and nothing that was seen depends on c.
func (c *certificate) replaced(e *evidence) bool {
	return !e.culprits[c] && c.succeeded(e, "")
}

// succeeded reports whether another CA of c's name that is in date, and that has
// key unless that is "", stands beside it wherever it is: replacing a CA leaves
// the old one in its bundles.
func (c *certificate) succeeded(e *evidence, key string) bool {
	for _, s := range c.sightings {
		if !e.succeeds(c, successor{s.Location, string(c.subject), key}) {
			return false
		}
	}
	return true
}

// succeeds reports whether another CA than c is in date that is as asked for.
func (e *evidence) succeeds(c *certificate, as successor) bool {
	return slices.ContainsFunc(e.valid[as], func(ca *certificate) bool { return ca != c })
}

// isIntermediate reports whether c is a CA that another one signed, and that is
// only sent along.
func (c *certificate) isIntermediate() bool {
	sent := func(s Sighting) bool { return s.Place == catalog.PresentedCA || s.Place == catalog.SecretChain }
	return c.entry.Role == catalog.CA && c.signer != c && slices.ContainsFunc(c.sightings, sent) &&
		c.seenOnly(catalog.PresentedCA, catalog.SecretChain, catalog.LeafFile)
}
