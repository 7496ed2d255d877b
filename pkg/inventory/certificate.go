package inventory

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"time"

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
	key             []byte            // the public key, likewise
	parsed          *x509.Certificate // nil for one of which there can be thousands
	kept            *x509.Certificate // of a CA, once somebody asked for it
	sightings       []Sighting
	own             []Finding    // what was found when it came
	signer          *certificate // the CA that signed it; nil where that was not seen
	untried         bool         // more CAs have its issuer's name than were tried
	verdict         verdict      // what those who verify it say
}

func newCertificate(cert *x509.Certificate, hash [sha256.Size]byte) *certificate {
	return &certificate{
		entry: describe(cert), hash: hash,
		raw: cert.Raw, subject: cert.RawSubject, issuer: cert.RawIssuer, key: cert.RawSubjectPublicKeyInfo,
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
		c.entry.Name, c.entry.Role = row.Name, row.Role
	} else {
		c.entry.Name, c.entry.Role = first.Name, roleAt(c.entry, first.Place)
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
		cmp.Compare(a.Owner, b.Owner),
		cmp.Compare(a.Server, b.Server),
		cmp.Compare(a.depth, b.depth),
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
func signed(found []*certificate, now time.Time) {
	authorities := map[string]*namesakes{}
	for _, f := range found {
		if !f.entry.IsCA {
			continue
		}
		same := authorities[string(f.subject)]
		if same == nil {
			same = &namesakes{byKey: map[string][]*certificate{}}
			authorities[string(f.subject)] = same
		}
		same.all = append(same.all, f)
	}
	for _, f := range found {
		f.signer, f.untried, f.entry.SignedBy, f.entry.IssuerSHA256 = nil, false, "", ""
		f.findSigner(authorities[string(f.issuer)], now)
		if f.signer != nil {
			f.entry.SignedBy, f.entry.IssuerSHA256 = f.signer.entry.Name, f.signer.entry.SHA256
		}
	}
}

// namesakes are the CAs of one name, of which anybody may make thousands.
type namesakes struct {
	all   []*certificate
	byKey map[string][]*certificate // by their key identifiers, once somebody asks
}

// mostNamesakes is how many of them are looked at for one certificate.
const mostNamesakes = 64

// of returns those that may have signed cert, the likeliest first.
func (n *namesakes) of(cert *x509.Certificate) []*certificate {
	if n == nil {
		return nil
	}
	if len(n.all) <= mostNamesakes {
		return n.all
	}
	if len(n.byKey) == 0 {
		for _, ca := range n.all {
			id := string(ca.authority().SubjectKeyId)
			n.byKey[id] = append(n.byKey[id], ca)
		}
	}
	likely := n.byKey[string(cert.AuthorityKeyId)]
	return slices.Concat(likely[:min(len(likely), mostNamesakes)], n.all[:mostNamesakes])
}

// authority is cert, kept: a CA is asked for once for each that it may have
// signed.
func (c *certificate) authority() *x509.Certificate {
	if c.kept == nil {
		c.kept = c.cert()
	}
	return c.kept
}

// findSigner finds the certificate that signed c: itself, or the best of
// authorities, of several of the same key.
func (c *certificate) findSigner(authorities *namesakes, now time.Time) {
	if bytes.Equal(c.subject, c.issuer) && c.signsItself() {
		c.signer = c
		return
	}
	if authorities == nil {
		return
	}
	cert := c.cert()
	byCert := map[*x509.Certificate]*certificate{}
	var cas []*x509.Certificate
	for _, ca := range authorities.of(cert) {
		if may, _ := pki.MaySign(ca.authority()); may && ca != c && byCert[ca.authority()] == nil {
			byCert[ca.authority()] = ca
			cas = append(cas, ca.authority())
		}
	}
	signers, untried := pki.Signers(cert, cas)
	c.untried = len(signers) == 0 && (untried > 0 || len(authorities.all) > mostNamesakes)
	for _, signer := range signers {
		if ca := byCert[signer]; c.signer == nil || ca.betterSigner(c.signer, now) {
			c.signer = ca
		}
	}
}

// betterSigner tells which of two certificates of one key is named: one that is
// in date, the CA itself rather than what another CA signed for it, the one that
// lives longer.
func (c *certificate) betterSigner(other *certificate, now time.Time) bool {
	rank := func(ca *certificate) int {
		n := 0
		if !now.After(ca.entry.NotAfter) {
			n += 2
		}
		if bytes.Equal(ca.subject, ca.issuer) && pki.SelfSigned(ca.authority()) {
			n++
		}
		return n
	}
	return cmp.Or(cmp.Compare(rank(c), rank(other)), c.entry.NotAfter.Compare(other.entry.NotAfter)) > 0
}

// signsItself reports whether c, whose issuer has its own name, is signed with
// its own key: while a CA is replaced, the new one may be signed by the old.
func (c *certificate) signsItself() bool {
	cert := c.cert()
	// Of the many, the key identifiers are enough: a signature takes longer to
	// check than all else.
	if manifold(c.sightings[0].Place) && (len(cert.AuthorityKeyId) == 0 || bytes.Equal(cert.AuthorityKeyId, cert.SubjectKeyId)) {
		return true
	}
	return pki.SelfSigned(cert)
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
