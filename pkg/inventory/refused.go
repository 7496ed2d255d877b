package inventory

// refuseUnloadable marks the certificates that no server loads from any of the
// places where they lie: the pair of a certificate and its key is refused as a
// whole (crypto/tls.X509KeyPair), however good the certificate is. One that
// lies elsewhere too keeps its status: only the place is to blame.
func refuseUnloadable(found []*certificate, findings []PlaceFinding) {
	refused := map[Location]bool{}
	for _, f := range findings {
		if f.Severity == Critical {
			// A copy of the certificate in its key's place is no better there.
			refused[f.CertificateAt()], refused[f.Location] = true, true
		}
	}
	for _, c := range found {
		if !c.isRefused(refused) {
			continue
		}
		if c.entry.Status == OK || c.entry.Status == Expiring {
			c.entry.Status = Invalid
		}
	}
}

// isRefused reports whether c is what a server would have to present, at places
// that are all refused.
func (c *certificate) isRefused(refused map[Location]bool) bool {
	for _, s := range c.sightings {
		if !refused[s.Location] || s.depth > 0 || c.entry.IsCA && s.Row == "" {
			return false
		}
	}
	return len(c.sightings) > 0
}

// CertificateAt is where the certificate lies that f is about.
func (f PlaceFinding) CertificateAt() Location {
	at := f.Location
	if f.Of != "" {
		at.Where = f.Of
	}
	return at
}

// Refused returns the places of those of items that cannot be used there: a
// finding about one of them says why (CertificateAt).
func Refused(items []Entry) map[Location]bool {
	at := map[Location]bool{}
	for i := range items {
		if items[i].Status != Invalid {
			continue
		}
		for _, l := range items[i].Locations {
			at[l] = true
		}
	}
	return at
}
