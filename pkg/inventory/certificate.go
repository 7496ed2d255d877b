package inventory

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// certificate is an entry in the making, with what judging it needs.
type certificate struct {
	entry           Entry
	hash            [sha256.Size]byte
	raw             []byte            // DER
	subject, issuer []byte            // DER, parts of raw
	parsed          *x509.Certificate // nil for one of which there can be thousands
	sightings       []Sighting
	anchors         []catalog.Place // the places of the trust it is held against
	own             []Finding       // what was found when it came
	signer          *certificate    // the CA that signed it; nil where that was not seen
}

func newCertificate(cert *x509.Certificate, hash [sha256.Size]byte) *certificate {
	return &certificate{
		entry: describe(cert), hash: hash,
		raw: cert.Raw, subject: cert.RawSubject, issuer: cert.RawIssuer,
	}
}

// add takes a sighting in. Only what is needed later is kept.
func (c *certificate) add(s Sighting, own []Finding) {
	if manifold(s.Place) {
		s.Intermediates = nil
		for _, f := range own {
			if !slices.Contains(c.own, f) {
				c.own = append(c.own, f)
			}
		}
	} else {
		c.parsed = s.Certificate
	}
	s.Certificate = nil
	c.sightings = append(c.sightings, s)
}

// cert returns the certificate, parsed.
func (c *certificate) cert() *x509.Certificate {
	if c.parsed != nil {
		return c.parsed
	}
	cert, err := x509.ParseCertificate(c.raw)
	if err != nil {
		panic(err) // it was parsed before it was reported
	}
	return cert
}

// name fills in what the places tell: how it is called, and what it is for.
func (c *certificate) name() {
	slices.SortFunc(c.sightings, compareSightings)
	first := c.sightings[0]
	row, known := catalog.Lookup(first.Row)
	if !known {
		row, known = catalog.Recognise(first.Place, pki.Subject(c.entry.Subject))
	}
	if known {
		c.entry.Name, c.entry.Role, c.anchors = row.Name, row.Role, row.VerifiedBy
	} else {
		c.entry.Name, c.entry.Role, c.anchors = first.Name, roleAt(c.entry, first.Place), catalog.Anchors(first.Place)
	}
	listed := map[Location]bool{}
	c.entry.Locations = nil
	c.entry.Copy = c.seenOnly(catalog.CopyFile)
	for _, s := range c.sightings {
		if !listed[s.Location] {
			listed[s.Location] = true
			c.entry.Locations = append(c.entry.Locations, s.Location)
		}
		c.entry.Node = cmp.Or(c.entry.Node, s.Node)
	}
	if c.entry.Role == catalog.CA {
		c.entry.Node = "" // one for all nodes, whose files hold copies
	}
}

// roleAt is the role of a certificate that the catalog does not know.
func roleAt(e Entry, place catalog.Place) catalog.Role {
	server := slices.Contains(e.Usages, string(certificatesv1.UsageServerAuth))
	client := slices.Contains(e.Usages, string(certificatesv1.UsageClientAuth))
	switch {
	// Whoever makes a certificate that signs itself often makes a CA of it unawares.
	case e.IsCA && place == catalog.SecretLeaf && len(e.DNSNames)+len(e.IPAddresses) > 0:
		return catalog.Server
	case e.IsCA:
		return catalog.CA
	case catalog.IsServed(place):
		return catalog.Server
	case place == catalog.KubeconfigClient || place == catalog.OtherContextClient, client && !server:
		return catalog.Client
	case client && len(e.DNSNames)+len(e.IPAddresses) == 0:
		return catalog.Client
	}
	return catalog.Server
}

// compareSightings puts the most telling place first, which names the
// certificate.
func compareSightings(a, b Sighting) int {
	return cmp.Or(
		catalog.ComparePlaces(a.Place, b.Place),
		cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.Where, b.Where),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Row, b.Row),
		cmp.Compare(a.Node, b.Node),
		cmp.Compare(a.Address, b.Address),
	)
}

// nameCAs tells the CA of clients from that of servers, where a cluster has
// two: k3s and others do.
func nameCAs(found []*certificate) {
	both := func(place catalog.Place) bool { return place == catalog.ClientCA || place == catalog.ClientCAFile }
	var servers, clients []*certificate
	for _, f := range found {
		switch {
		case f.entry.Name != caName:
		case slices.ContainsFunc(f.sightings, func(s Sighting) bool { return !both(s.Place) }):
			servers = append(servers, f)
		default:
			clients = append(clients, f)
		}
	}
	if len(servers) > 0 {
		for _, f := range clients {
			f.entry.Name = clientCAName
		}
	}
}

// The catalog's names of the CAs that nameCAs tells apart.
const (
	caName       = "ca"
	clientCAName = "client-ca"
)

// signed names the CA that signed each of found.
func signed(found []*certificate) {
	authorities := map[string][]*certificate{}
	for _, f := range found {
		if f.entry.IsCA {
			authorities[string(f.subject)] = append(authorities[string(f.subject)], f)
		}
	}
	for _, f := range found {
		f.signer, f.entry.SignedBy = nil, ""
		f.findSigner(authorities[string(f.issuer)])
		if f.signer != nil {
			f.entry.SignedBy = f.signer.entry.Name
		}
	}
}

// findSigner finds the CA among authorities that signed c: the one that lives
// longest, of several certificates of the same key.
func (c *certificate) findSigner(authorities []*certificate) {
	for _, ca := range authorities {
		if (c.signer == nil || ca.entry.NotAfter.After(c.signer.entry.NotAfter)) && c.cert().CheckSignatureFrom(ca.cert()) == nil {
			c.signer = ca
		}
	}
	if c.signer == nil && bytes.Equal(c.subject, c.issuer) {
		// Of the many, the names are enough: a signature takes longer to check
		// than all else.
		if manifold(c.sightings[0].Place) || pki.SelfSigned(c.cert()) {
			c.signer = c
		}
	}
}

// sortAsTrustIs puts each CA before what it signed, servers before clients.
func sortAsTrustIs(found []*certificate) {
	order := map[string]int{}
	for i, row := range catalog.All() {
		order[row.Name] = i + 1
	}
	// What the catalog does not know comes after what it does.
	position := func(name string) int { return cmp.Or(order[name], len(order)+1) }
	roles := []catalog.Role{catalog.CA, catalog.Server, catalog.Client}
	slices.SortStableFunc(found, func(a, b *certificate) int {
		x, y := &a.entry, &b.entry
		return cmp.Or(
			cmp.Compare(position(x.SignedBy), position(y.SignedBy)),
			cmp.Compare(x.SignedBy, y.SignedBy),
			cmp.Compare(slices.Index(roles, x.Role), slices.Index(roles, y.Role)),
			cmp.Compare(position(x.Name), position(y.Name)),
			cmp.Compare(x.Name, y.Name),
			cmp.Compare(x.Node, y.Node),
			cmp.Compare(x.SHA256, y.SHA256),
		)
	})
}
